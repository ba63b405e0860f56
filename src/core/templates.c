#include "core/templates.h"
#include "base/log.h"
#include "base/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { WATCH_INTERVAL_MS = 300 }; /* a change is taken up within a second */

struct pfs_templates {
    const struct pfs_config *config;
    const struct pfs_catalogue *catalogue;
    char *shipped, *schema;
    struct pfs_ticker *ticker;
    uint64_t seen; /* the fingerprint of the folders; the ticker's alone */

    pthread_mutex_t lock; /* guards what follows; the last one taken */
    struct pfs_library *library;
    uint64_t generation;
};

struct pfs_library *pfs_templates_take(struct pfs_templates *t, uint64_t *ret_generation)
{
    pthread_mutex_lock(&t->lock);
    struct pfs_library *l = pfs_library_ref(t->library);
    if (ret_generation)
        *ret_generation = t->generation;
    pthread_mutex_unlock(&t->lock);
    return l;
}

uint64_t pfs_templates_generation(struct pfs_templates *t)
{
    return __atomic_load_n(&t->generation, __ATOMIC_ACQUIRE); /* each lookup asks */
}

static void log_problems(const struct pfs_library *l, const struct pfs_library *before)
{
    for (size_t i = 0; i < l->n_problems; i++) {
        bool known = false;
        for (size_t j = 0; before && j < before->n_problems; j++)
            known = known || strcmp(l->problems[i], before->problems[j]) == 0;
        if (!known)
            pfs_log(PFS_LOG_WARNING, "template: %s", l->problems[i]);
    }
}

static struct pfs_library_source source_of(const struct pfs_templates *t)
{
    return (struct pfs_library_source){
        .site = t->config->templates, .shipped = t->shipped, .schema = t->schema};
}

static void reload(struct pfs_templates *t)
{
    struct pfs_err err = {""};
    const struct pfs_library_source source = source_of(t);
    struct pfs_library *before = pfs_templates_take(t, NULL), *l;
    if (pfs_library_load(&source, t->catalogue, before, &l, &err) < 0) {
        pfs_log(PFS_LOG_ERROR, "templates stay as they are: %s", err.msg);
        pfs_library_unref(before);
        return;
    }
    log_problems(l, before);
    pthread_mutex_lock(&t->lock);
    struct pfs_library *old = t->library;
    t->library = l;
    __atomic_add_fetch(&t->generation, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&t->lock);
    pfs_library_unref(old);
    pfs_library_unref(before);
    pfs_log(PFS_LOG_INFO, "templates: taken up");
}

/* Looks at the folders: this sees renames, edits in place and network filesystems alike. */
static void look(void *arg)
{
    struct pfs_templates *t = arg;
    const struct pfs_library_source source = source_of(t);
    uint64_t now = pfs_library_fingerprint(&source);
    if (now == t->seen)
        return;
    t->seen = now;
    reload(t);
}

int pfs_templates_start(struct pfs_templates *t, struct pfs_err *err)
{
    log_problems(t->library, NULL);
    return pfs_ticker_start(WATCH_INTERVAL_MS, look, t, &t->ticker, err);
}

int pfs_templates_new(const struct pfs_context *c, struct pfs_templates **ret, struct pfs_err *err)
{
    struct pfs_templates *t = calloc(1, sizeof *t);
    if (!t)
        return pfs_err_nomem(err);
    pthread_mutex_init(&t->lock, NULL);
    t->config = c->config;
    t->catalogue = c->catalogue;
    t->library = pfs_library_ref(c->library);
    t->seen = c->library->fingerprint;
    t->generation = 1;
    if (asprintf(&t->shipped, "%s/templates", c->config->datadir) < 0)
        t->shipped = NULL;
    if (asprintf(&t->schema, "%s/schema/template.rng", c->config->datadir) < 0)
        t->schema = NULL;
    if (!t->shipped || !t->schema) {
        pfs_templates_free(t);
        return pfs_err_nomem(err);
    }
    *ret = t;
    return 0;
}

void pfs_templates_free(struct pfs_templates *t)
{
    if (!t)
        return;
    pfs_ticker_stop(t->ticker);
    pfs_library_unref(t->library);
    pthread_mutex_destroy(&t->lock);
    free(t->shipped);
    free(t->schema);
    free(t);
}

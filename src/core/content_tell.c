#include "core/content_impl.h"

#include <time.h>

enum { RECHECK_MS = 1000 }; /* for what fails to be made again before it is told */

static uint64_t counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void pfs_content_on_publish(struct pfs_content *c, pfs_publish_fn fn, void *arg)
{
    c->on_publish = fn;
    c->on_publish_arg = arg;
}

int pfs_content_unknown(struct pfs_content *c, pfs_unknown_fn fn, void *arg)
{
    return pfs_unknown_each(c->unknown, fn, arg);
}

void pfs_content_adopted(struct pfs_content *c, uint64_t mac)
{
    pfs_unknown_forget(c->unknown, mac);
}

struct recheck {
    struct pfs_content *content;
    struct pfs_store *store;
    int64_t until_ms;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int recheck(void *arg, const struct pfs_failure *what)
{
    const struct recheck *k = arg;
    struct pfs_version *v = NULL;
    bool absent;
    int r = pfs_content_look(k->content, k->store, what->file, &v, &absent, NULL);
    if (r == 0)
        pfs_content_forget(k->content, what->file);
    pfs_version_unref(v);
    return now_ms() > k->until_ms;
}

void pfs_content_recheck(struct pfs_content *c, struct pfs_store *s)
{
    struct recheck k = {.content = c, .store = s, .until_ms = now_ms() + RECHECK_MS};
    pfs_failures_each(c->failures, recheck, &k);
}

int pfs_content_errors(struct pfs_content *c, pfs_failure_fn fn, void *arg)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    int r = 0;
    for (size_t i = 0; i < l->n_problems && r == 0; i++) {
        const struct pfs_failure what = {.cause = l->problems[i]};
        r = fn(arg, &what);
    }
    pfs_library_unref(l);
    return r ? r : pfs_failures_each(c->failures, fn, arg);
}

void pfs_content_vendors(struct pfs_content *c, uint64_t mac, char out[static PFS_VENDORS_STR])
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    pfs_library_vendors(l, mac, out);
    pfs_library_unref(l);
}

bool pfs_content_has_model(struct pfs_content *c, const char *model)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    bool has = pfs_library_model(l, model) != NULL;
    pfs_library_unref(l);
    return has;
}

static bool is_fetched(struct pfs_content *c, struct pfs_entry *e)
{
    return e->version && e->inputs && e->inputs->device && e->version->file->spec->main &&
           __atomic_load_n(&e->version->fetched, __ATOMIC_RELAXED) && pfs_entry_is_current(c, e);
}

int pfs_content_fetched(struct pfs_content *c, struct pfs_store *s, uint64_t *ret, struct pfs_err *err)
{
    struct pfs_watermark at;
    int r = pfs_store_watermark(s, &at, err);
    if (r < 0)
        return r;
    *ret = 0;
    pthread_mutex_lock(&c->lock);
    r = pfs_feed_advance(&c->feed, s, &at, err);
    for (struct pfs_entry *e = c->newest; e && r >= 0; e = e->older)
        *ret += is_fetched(c, e);
    pthread_mutex_unlock(&c->lock);
    return r < 0 ? r : 0;
}

void pfs_content_counts(struct pfs_content *c, struct pfs_content_counts *ret)
{
    *ret = (struct pfs_content_counts){
        .lookups = counted(&c->tallies.lookups),
        .hits = counted(&c->tallies.hits),
        .renders = counted(&c->tallies.renders),
        .failures = counted(&c->tallies.failures),
        .unknown = counted(&c->tallies.unknown),
        .unknown_names = pfs_unknown_count(c->unknown),
        .failing = pfs_failures_count(c->failures),
    };
    pfs_cache_counts(c->cache, &ret->cache);
    pfs_plans_counts(c->plans, &ret->plans);
    pthread_mutex_lock(&c->lock);
    ret->entries = c->entries.n;
    pthread_mutex_unlock(&c->lock);
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    ret->templates = l->n_templates;
    ret->problems = l->n_problems;
    pfs_library_unref(l);
}

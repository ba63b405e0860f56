#include "core/failures.h"
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* A failure and its strings, in one piece. */
struct failure {
    struct pfs_failure what;
    char text[];
};

struct pfs_failures {
    pthread_mutex_t lock;
    struct pfs_map files; /* name to struct failure */
};

int pfs_failures_new(struct pfs_failures **ret)
{
    struct pfs_failures *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    pthread_mutex_init(&f->lock, NULL);
    *ret = f;
    return 0;
}

void pfs_failures_free(struct pfs_failures *f)
{
    if (!f)
        return;
    pfs_map_done_with_values(&f->files);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static char *append(char **end, const char *s)
{
    char *start = *end;
    if (!s)
        return NULL;
    *end = stpcpy(start, s) + 1;
    return start;
}

static size_t size_of(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static struct failure *copy(const struct pfs_failure *what)
{
    struct failure *n =
        malloc(sizeof *n + size_of(what->file) + size_of(what->device) + size_of(what->cause));
    if (!n)
        return NULL;
    char *end = n->text;
    n->what = *what;
    n->what.file = append(&end, what->file);
    n->what.device = append(&end, what->device);
    n->what.cause = append(&end, what->cause);
    return n;
}

void pfs_failures_note(struct pfs_failures *f, const struct pfs_failure *what)
{
    size_t len = strlen(what->file);
    struct failure *n = copy(what);
    void *old = NULL;
    pthread_mutex_lock(&f->lock);
    const struct failure *known = pfs_map_get(&f->files, what->file, len);
    if (n && known)
        n->what.since = known->what.since;
    bool full = !known && f->files.n >= PFS_FAILURES_MAX;
    if (!n || full || pfs_map_put(&f->files, what->file, len, n, &old) < 0)
        old = n;
    pthread_mutex_unlock(&f->lock);
    free(old);
}

void pfs_failures_clear(struct pfs_failures *f, const char *file)
{
    pthread_mutex_lock(&f->lock);
    void *old = pfs_map_remove(&f->files, file, strlen(file));
    pthread_mutex_unlock(&f->lock);
    free(old);
}

size_t pfs_failures_count(struct pfs_failures *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->files.n;
    pthread_mutex_unlock(&f->lock);
    return n;
}

static int by_file(const void *a, const void *b)
{
    const struct failure *const *x = a, *const *y = b;
    return strcmp((*x)->what.file, (*y)->what.file);
}

static void free_all(struct failure **all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(all[i]);
    free(all);
}

/* Copies of all, in no order. With the lock. NULL: memory is out. */
static struct failure **copy_all(const struct pfs_failures *f, size_t *ret_n)
{
    struct failure **all = calloc(f->files.n + 1, sizeof(struct failure *));
    size_t n = 0;
    for (const struct pfs_map_entry *e = pfs_map_next(&f->files, NULL); all && e;
         e = pfs_map_next(&f->files, e)) {
        const struct failure *one = e->value;
        if (!(all[n] = copy(&one->what))) {
            free_all(all, n);
            return NULL;
        }
        n++;
    }
    *ret_n = n;
    return all;
}

int pfs_failures_each(struct pfs_failures *f, pfs_failure_fn fn, void *arg)
{
    size_t n = 0;
    pthread_mutex_lock(&f->lock);
    struct failure **all = copy_all(f, &n);
    pthread_mutex_unlock(&f->lock);
    if (!all)
        return -ENOMEM;
    qsort(all, n, sizeof(struct failure *), by_file);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = fn(arg, &all[i]->what);
    free_all(all, n);
    return r;
}

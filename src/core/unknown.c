#include "core/unknown.h"
#include "base/arena.h"
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct name {
    struct name *newer, *older; /* order of asking */
    uint64_t mac, count;
    int64_t first, last;
    size_t len;
    char text[];
};

struct pfs_unknown {
    pthread_mutex_t lock;
    struct pfs_map names; /* to struct name */
    struct name *newest, *oldest;
};

int pfs_unknown_new(struct pfs_unknown **ret)
{
    struct pfs_unknown *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    pthread_mutex_init(&u->lock, NULL);
    *ret = u;
    return 0;
}

static void take_out(struct pfs_unknown *u, struct name *n)
{
    *(n->newer ? &n->newer->older : &u->newest) = n->older;
    *(n->older ? &n->older->newer : &u->oldest) = n->newer;
}

static void put_newest(struct pfs_unknown *u, struct name *n)
{
    n->newer = NULL;
    n->older = u->newest;
    *(u->newest ? &u->newest->newer : &u->oldest) = n;
    u->newest = n;
}

static void drop(struct pfs_unknown *u, struct name *n)
{
    pfs_map_remove(&u->names, n->text, n->len);
    take_out(u, n);
    free(n);
}

void pfs_unknown_free(struct pfs_unknown *u)
{
    if (!u)
        return;
    while (u->oldest)
        drop(u, u->oldest);
    pfs_map_done(&u->names);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

static struct name *add(struct pfs_unknown *u, const char *text, size_t len, uint64_t mac, int64_t now)
{
    struct name *n = calloc(1, sizeof *n + len + 1);
    if (!n)
        return NULL;
    memcpy(n->text, text, len + 1);
    n->len = len;
    n->mac = mac;
    n->first = now;
    if (pfs_map_put(&u->names, text, len, n, NULL) < 0) {
        free(n);
        return NULL;
    }
    if (u->names.n > PFS_UNKNOWN_MAX)
        drop(u, u->oldest);
    return n;
}

void pfs_unknown_note(struct pfs_unknown *u, const char *name, uint64_t mac, int64_t now)
{
    size_t len = strlen(name);
    pthread_mutex_lock(&u->lock);
    struct name *n = pfs_map_get(&u->names, name, len);
    if (n)
        take_out(u, n);
    else
        n = add(u, name, len, mac, now);
    if (n) {
        put_newest(u, n);
        n->count++;
        n->last = now;
    }
    pthread_mutex_unlock(&u->lock);
}

void pfs_unknown_forget(struct pfs_unknown *u, uint64_t mac)
{
    pthread_mutex_lock(&u->lock);
    for (struct name *n = u->newest, *older; n; n = older) {
        older = n->older;
        if (n->mac == mac)
            drop(u, n);
    }
    pthread_mutex_unlock(&u->lock);
}

size_t pfs_unknown_count(struct pfs_unknown *u)
{
    pthread_mutex_lock(&u->lock);
    size_t n = u->names.n;
    pthread_mutex_unlock(&u->lock);
    return n;
}

/* Copies, newest first. With the lock. NULL: memory is out. */
static struct pfs_unknown_name *copy_all(const struct pfs_unknown *u, struct pfs_arena *a, size_t *ret_n)
{
    struct pfs_unknown_name *all = pfs_arena_alloc(a, (u->names.n + 1) * sizeof *all);
    size_t n = 0;
    for (const struct name *e = u->newest; all && e; e = e->older) {
        const char *name = pfs_arena_strndup(a, e->text, e->len);
        if (!name)
            return NULL;
        all[n++] = (struct pfs_unknown_name){name, e->mac, e->count, e->first, e->last};
    }
    *ret_n = n;
    return all;
}

int pfs_unknown_each(struct pfs_unknown *u, pfs_unknown_fn fn, void *arg)
{
    PFS_CLEANUP(pfs_arena_done) struct pfs_arena a = {0};
    size_t n = 0;
    pthread_mutex_lock(&u->lock);
    const struct pfs_unknown_name *all = copy_all(u, &a, &n);
    pthread_mutex_unlock(&u->lock);
    int r = all ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = fn(arg, &all[i]);
    return r;
}

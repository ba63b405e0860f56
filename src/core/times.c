#include "core/times.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct pfs_times {
    struct pfs_state *state; /* NULL: in memory only */
    int64_t (*now)(void);
    pthread_mutex_t lock;
    struct pfs_map names; /* to struct pfs_published, where there is no state */
};

int pfs_times_new(struct pfs_state *state, int64_t (*now)(void), struct pfs_times **ret)
{
    struct pfs_times *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    t->state = state;
    t->now = now;
    *ret = t;
    return 0;
}

void pfs_times_free(struct pfs_times *t)
{
    if (!t)
        return;
    pfs_map_done_with_values(&t->names);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static bool last_published(struct pfs_times *t, const char *name, struct pfs_published *ret)
{
    if (t->state)
        return pfs_state_get(t->state, name, ret);
    const struct pfs_published *p = pfs_map_get(&t->names, name, strlen(name));
    if (p)
        *ret = *p;
    return p != NULL;
}

static int note_published(struct pfs_times *t, const char *name, const struct pfs_published *p)
{
    if (t->state)
        return pfs_state_put(t->state, name, p);
    struct pfs_published *copy = malloc(sizeof *copy);
    void *old = NULL;
    if (!copy)
        return -ENOMEM;
    *copy = *p;
    int r = pfs_map_put(&t->names, name, strlen(name), copy, &old);
    free(r < 0 ? (void *)copy : old);
    return r;
}

static void reserve(struct pfs_times *t, int64_t mtime)
{
    struct pfs_err why = {""};
    if (!t->state || mtime <= t->now() || !pfs_state_is_owner(t->state))
        return;
    if (pfs_state_reserve(t->state, mtime, &why) < 0)
        pfs_log(PFS_LOG_WARNING, "state: %s", why.msg); /* phones get their files all the same */
}

/* With the lock. */
static int publish(struct pfs_times *t, const char *name, uint64_t hash, int64_t at_least, int64_t *ret_mtime)
{
    struct pfs_published last;
    bool known = last_published(t, name, &last);
    if (known && last.hash == hash) {
        *ret_mtime = last.mtime;
        return 0;
    }
    int64_t floor = t->state ? pfs_state_floor(t->state) : 0;
    int64_t mtime = PFS_MAX(at_least, floor);
    if (known)
        mtime = PFS_MAX(mtime, last.mtime + 1);
    const struct pfs_published p = {.hash = hash, .mtime = mtime};
    if (note_published(t, name, &p) < 0)
        return -ENOMEM;
    reserve(t, mtime);
    *ret_mtime = mtime;
    return 1;
}

int pfs_times_publish(struct pfs_times *t, const char *name, uint64_t hash, int64_t at_least,
                      int64_t *ret_mtime, struct pfs_err *err)
{
    pthread_mutex_lock(&t->lock);
    int r = publish(t, name, hash, at_least, ret_mtime);
    pthread_mutex_unlock(&t->lock);
    return r < 0 ? pfs_err_nomem(err) : r;
}

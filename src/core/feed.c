#include "core/feed.h"

#include <errno.h>

void pfs_feed_done(struct pfs_feed *f)
{
    pfs_map_done(&f->touched);
}

void pfs_feed_restart(struct pfs_feed *f)
{
    f->started = false;
}

static void touch_all(struct pfs_feed *f, int64_t gen)
{
    f->all = gen;
    pfs_map_done(&f->touched);
}

struct advance {
    struct pfs_feed *feed;
    int64_t gen;
    bool all;
};

static int note_change(void *arg, enum pfs_scope scope, int64_t id)
{
    struct advance *a = arg;
    const int64_t key[] = {scope, id};
    if (scope == PFS_SCOPE_DEFAULT || a->feed->touched.n >= PFS_FEED_MAX) {
        a->all = true;
        return 1;
    }
    return pfs_map_put(&a->feed->touched, key, sizeof key, (void *)(intptr_t)a->gen, NULL);
}

int pfs_feed_advance(struct pfs_feed *f, struct pfs_store *s, const struct pfs_watermark *to,
                     struct pfs_err *err)
{
    bool fresh = !f->started || f->at.epoch != to->epoch;
    if (!fresh && to->gen <= f->at.gen)
        return 0;
    struct advance a = {.feed = f, .gen = to->gen, .all = fresh};
    int r = fresh ? 0 : pfs_store_changes(s, f->at.gen, note_change, &a, err);
    if (r < 0 && r != -ESTALE)
        return r;
    if (a.all || r == -ESTALE)
        touch_all(f, to->gen);
    f->era += fresh;
    f->at = *to;
    f->started = true;
    return 0;
}

bool pfs_feed_touched(const struct pfs_feed *f, const struct pfs_dependency *d, size_t n, int64_t gen)
{
    if (f->all > gen)
        return true;
    for (size_t i = 0; i < n; i++) {
        const int64_t key[] = {d[i].scope, d[i].id};
        if ((int64_t)(intptr_t)pfs_map_get(&f->touched, key, sizeof key) > gen)
            return true;
    }
    return false;
}

#include "base/lru.h"
#include "core/content_impl.h"

#include <string.h>

int64_t pfs_content_tick(struct pfs_content *c)
{
    int64_t now = c->now();
    c->clock = PFS_MAX(c->clock, now);
    return c->clock;
}

int64_t pfs_content_now(struct pfs_content *c)
{
    pthread_mutex_lock(&c->lock);
    int64_t now = pfs_content_tick(c);
    pthread_mutex_unlock(&c->lock);
    return now;
}

static void free_entry(struct pfs_entry *e)
{
    pfs_version_unref(e->version);
    pfs_inputs_unref(e->inputs);
    free(e);
}

void pfs_entry_remove(struct pfs_content *c, struct pfs_entry *e)
{
    if (e->failing)
        pfs_failures_clear(c->failures, e->name);
    pfs_map_remove(&c->entries, e->name, e->name_len);
    pfs_lru_remove(c, e);
    free_entry(e);
}

struct pfs_entry *pfs_entry_find(struct pfs_content *c, const char *name)
{
    return pfs_map_get(&c->entries, name, strlen(name));
}

struct pfs_entry *pfs_entry_add(struct pfs_content *c, const char *name)
{
    size_t len = strlen(name);
    while (c->entries.n >= c->max_entries && c->oldest)
        pfs_entry_remove(c, c->oldest);
    struct pfs_entry *e = calloc(1, sizeof *e + len + 1);
    if (!e)
        return NULL;
    memcpy(e->name, name, len + 1);
    e->name_len = len;
    if (pfs_map_put(&c->entries, name, len, e, NULL) < 0) {
        free(e);
        return NULL;
    }
    pfs_lru_add(c, e);
    return e;
}

static bool touched(const struct pfs_content *c, const struct pfs_entry *e)
{
    const struct pfs_inputs *i = e->inputs;
    if (!i || pfs_feed_touched(&c->feed, i->shared, i->n_shared, e->gen) ||
        pfs_feed_touched(&c->feed, i->own, i->n_own, e->gen))
        return true;
    if (!i->device)
        return false;
    const struct pfs_dependency device = {PFS_SCOPE_DEVICE, (int64_t)i->device->mac};
    return pfs_feed_touched(&c->feed, &device, 1, e->gen);
}

/* Whether the version at hand is what a render would give now. Moves its gen up where it is. */
bool pfs_entry_is_current(struct pfs_content *c, struct pfs_entry *e)
{
    if (e->library != pfs_templates_generation(c->templates) || e->era != c->feed.era)
        return false;
    if (e->inputs && pfs_content_tick(c) >= e->inputs->next)
        return false;
    if (e->gen < c->feed.at.gen) {
        if (touched(c, e))
            return false;
        e->gen = c->feed.at.gen;
    }
    return true;
}

struct pfs_version *pfs_entry_use(struct pfs_content *c, struct pfs_entry *e)
{
    pfs_lru_use(c, e);
    return pfs_version_ref(e->version);
}

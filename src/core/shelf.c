#include "core/shelf.h"

#include <string.h>

enum {
    COST_KEPT = 250000, /* contacts in directories that nobody else holds; past that these go */
    SHELF_COST = 16     /* what a directory counts for beside its contacts */
};

struct shelf {
    struct pfs_directory *directory; /* NULL: none yet */
    int64_t read, touched;           /* at these gens; true where it was not touched after it was read */
};

static size_t cost_of(const struct shelf *s)
{
    return SHELF_COST + (s->directory ? s->directory->n : 0);
}

static struct shelf *find(const struct pfs_shelves *s, int64_t customer)
{
    return pfs_map_get(&s->customers, &customer, sizeof customer);
}

/* The customer's shelf. A new one counts as touched now, for what was touched before it was there was not
 * noted. NULL: out of memory. */
static struct shelf *get(struct pfs_shelves *s, int64_t customer, int64_t gen)
{
    struct shelf *shelf = find(s, customer);
    if (shelf)
        return shelf;
    shelf = calloc(1, sizeof *shelf);
    if (!shelf || pfs_map_put(&s->customers, &customer, sizeof customer, shelf, NULL) < 0) {
        free(shelf);
        return NULL;
    }
    shelf->touched = gen;
    s->cost += cost_of(shelf);
    return shelf;
}

static void remove_shelf(struct pfs_shelves *s, int64_t customer)
{
    struct shelf *shelf = pfs_map_remove(&s->customers, &customer, sizeof customer);
    s->cost -= cost_of(shelf);
    pfs_directory_unref(shelf->directory);
    free(shelf);
}

void pfs_shelves_clear(struct pfs_shelves *s)
{
    for (struct pfs_map_entry *e = NULL; (e = pfs_map_next(&s->customers, e));) {
        struct shelf *shelf = e->value;
        pfs_directory_unref(shelf->directory);
        free(shelf);
    }
    pfs_map_done(&s->customers);
    *s = (struct pfs_shelves){0};
}

/* Drops what nobody else holds, once there is much. What is left is in memory anyhow, so the next look is due
 * when it has doubled. */
static void look_through(struct pfs_shelves *s)
{
    if (s->cost <= PFS_MAX(s->next_look, (size_t)COST_KEPT))
        return;
    size_t n = 0;
    autofree int64_t *idle = calloc(s->customers.n + 1, sizeof *idle);
    for (struct pfs_map_entry *e = NULL; idle && (e = pfs_map_next(&s->customers, e));) {
        const struct shelf *shelf = e->value;
        if (!shelf->directory || __atomic_load_n(&shelf->directory->refs, __ATOMIC_RELAXED) == 1)
            memcpy(&idle[n++], e->key, sizeof *idle);
    }
    for (size_t i = 0; i < n; i++)
        remove_shelf(s, idle[i]);
    s->next_look = 2 * s->cost;
}

void pfs_shelves_touch(struct pfs_shelves *s, int64_t customer, int64_t gen)
{
    struct shelf *shelf = find(s, customer);
    if (shelf)
        shelf->touched = gen;
}

struct pfs_directory *pfs_shelves_take(struct pfs_shelves *s, int64_t customer, int64_t now, int64_t gen,
                                       struct pfs_directory **ret_like)
{
    const struct shelf *shelf = get(s, customer, gen);
    struct pfs_directory *d = shelf ? shelf->directory : NULL;
    *ret_like = NULL;
    if (!d)
        return NULL;
    pfs_directory_ref(d);
    if (shelf->read >= shelf->touched && now >= d->now && now < d->next)
        return d;
    *ret_like = d;
    return NULL;
}

void pfs_shelves_put(struct pfs_shelves *s, int64_t customer, struct pfs_directory *d, int64_t at,
                     int64_t now)
{
    look_through(s);
    struct shelf *shelf = at <= now ? get(s, customer, now) : NULL;
    if (!shelf || at < shelf->touched || (shelf->directory && shelf->read > at))
        return;
    s->cost -= cost_of(shelf);
    pfs_directory_unref(shelf->directory);
    shelf->directory = pfs_directory_ref(d);
    shelf->read = at;
    s->cost += cost_of(shelf);
}

/* Customers' directories in memory, each as it was read last, so that a customer's devices share one: inside
 * the resolver, which holds its lock in every call.
 *
 * A directory is true for the gen at which it was read and from then on until the feed names its customer.
 * One that is no longer true stays, as the next one will have most of its parts in common with it. */
#pragma once

#include "base/map.h"
#include "model/directory.h"

struct pfs_shelves {
    struct pfs_map customers; /* id to a directory with its gens */
    size_t cost;              /* contacts of all of them, and something for each */
    size_t next_look;         /* the cost at which they are looked through again */
};

/* Lets go of all. */
void pfs_shelves_clear(struct pfs_shelves *s);

/* The feed has named this customer; gen: the newest now. */
void pfs_shelves_touch(struct pfs_shelves *s, int64_t customer, int64_t gen);

/* The customer's directory where it is true at the second `now` in a snapshot of this gen, the newest that
 * the feed was read to; else NULL. *ret_like: one that is not (may be NULL). References for the caller. */
struct pfs_directory *pfs_shelves_take(struct pfs_shelves *s, int64_t customer, int64_t now, int64_t gen,
                                       struct pfs_directory **ret_like);

/* Keeps a directory that was read at gen `at`, unless the customer was touched between that and gen `now`, up
 * to which the feed was read; or a newer one is there. Where too much is kept, what nobody else holds goes.
 */
void pfs_shelves_put(struct pfs_shelves *s, int64_t customer, struct pfs_directory *d, int64_t at,
                     int64_t now);

/* Names that were asked for, look like a MAC and are in no inventory: so that a phone that was plugged in can
 * be found and adopted. Bounded, as anybody can ask for names: the one asked least recently goes first.
 * Thread-safe: one lock inside, held for moments only. */
#pragma once

#include "base/util.h"

enum { PFS_UNKNOWN_MAX = 1000 };

struct pfs_unknown;

int pfs_unknown_new(struct pfs_unknown **ret); /* 0 or -ENOMEM */
void pfs_unknown_free(struct pfs_unknown *u);

/* Counts one ask for a name. Out of memory it is not counted. */
void pfs_unknown_note(struct pfs_unknown *u, const char *name, uint64_t mac, int64_t now);
/* Takes out every name of this MAC. */
void pfs_unknown_forget(struct pfs_unknown *u, uint64_t mac);

struct pfs_unknown_name {
    const char *name; /* as it was asked for: any bytes but '/' and NUL */
    uint64_t mac;
    uint64_t count;
    int64_t first, last; /* seconds since 1970 */
};

/* Calls fn for each, the one asked last first; no lock is held then. fn's non-zero stops and is returned;
 * -ENOMEM. */
typedef int (*pfs_unknown_fn)(void *arg, const struct pfs_unknown_name *n);
int pfs_unknown_each(struct pfs_unknown *u, pfs_unknown_fn fn, void *arg);

size_t pfs_unknown_count(struct pfs_unknown *u);

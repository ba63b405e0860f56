/* A hash map from bytes to a pointer. Keys are copied; values are the caller's. Not thread-safe.
 * Cost: one allocation an entry, open hashing, grown at load 1. */
#pragma once

#include "base/util.h"

struct pfs_map_entry {
    struct pfs_map_entry *next;
    void *value;
    uint64_t hash;
    uint32_t key_len;
    char key[]; /* key_len bytes and a NUL */
};

struct pfs_map {
    struct pfs_map_entry **buckets;
    size_t n_buckets; /* 0 or a power of two */
    size_t n;         /* entries */
};

void pfs_map_done(struct pfs_map *m);             /* frees the entries, not the values */
void pfs_map_done_with_values(struct pfs_map *m); /* frees both: each value is one malloc() */

/* NULL where the key is not there. */
void *pfs_map_get(const struct pfs_map *m, const void *key, size_t key_len);

/* Adds or replaces; *ret_old (may be NULL) takes the value replaced, or NULL. 0 or -ENOMEM. value is not
 * NULL. */
int pfs_map_put(struct pfs_map *m, const void *key, size_t key_len, void *value, void **ret_old);

/* Takes the entry out and returns its value, NULL where there was none. */
void *pfs_map_remove(struct pfs_map *m, const void *key, size_t key_len);

/* The next entry after `e` (NULL: the first), NULL at the end; the map must not change in between. */
struct pfs_map_entry *pfs_map_next(const struct pfs_map *m, const struct pfs_map_entry *e);

static inline void *pfs_map_get_u64(const struct pfs_map *m, uint64_t key)
{
    return pfs_map_get(m, &key, sizeof key);
}

static inline int pfs_map_put_u64(struct pfs_map *m, uint64_t key, void *value)
{
    return pfs_map_put(m, &key, sizeof key, value, NULL);
}

static inline void *pfs_map_remove_u64(struct pfs_map *m, uint64_t key)
{
    return pfs_map_remove(m, &key, sizeof key);
}

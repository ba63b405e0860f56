/* A version: the bytes of one file at one moment, immutable, with an identity of its own.
 *
 * A directory entry is mutable; an inode never is. Each version becomes an inode, so that what an open file
 * yields (size, bytes, time) is one version that really existed, however slow the reader is. A version keeps
 * what it was made from; its bytes are in a bounded cache and are made again at need. */
#pragma once

#include "core/resolve.h"
#include "render/plan.h"

struct pfs_cache;

struct pfs_version {
    unsigned refs;           /* atomic */
    uint64_t id;             /* a counter, never reused in a process: the node id */
    uint64_t ino;            /* the same after a restart: a hash of name, bytes and mtime; never 0 or 1 */
    uint64_t size;           /* bytes */
    int64_t mtime;           /* seconds since 1970 */
    uint64_t hash;           /* of the bytes; of the identity of an asset */
    struct pfs_cache *cache; /* borrowed: outlives all versions */

    /* rendered from the inventory; under the cache's lock */
    struct pfs_library *library; /* NULL: an asset */
    const struct pfs_file *file;
    struct pfs_inputs *inputs;
    struct pfs_bytes *bytes;           /* NULL: made again at need */
    struct pfs_version *newer, *older; /* order of use */

    bool fetched; /* atomic: somebody has read of it */
    int fd;       /* an asset's file, read only; -1 */
};

struct pfs_version *pfs_version_ref(struct pfs_version *v);
void pfs_version_unref(struct pfs_version *v);

/* Bytes that readers share. */
struct pfs_bytes {
    unsigned refs; /* atomic */
    size_t len;
    char data[];
};
struct pfs_bytes *pfs_bytes_new(const char *data, size_t len); /* refs 1; NULL out of memory */
void pfs_bytes_unref(struct pfs_bytes *b);

/* The cache of bytes. limit: bytes kept; what is in use is beyond it. plans, by which bytes are made again,
 * are borrowed and may be NULL. */
int pfs_cache_new(size_t limit, struct pfs_plans *plans, struct pfs_cache **ret);
void pfs_cache_free(struct pfs_cache *c);

struct pfs_cache_counts {
    uint64_t hits, misses;
    size_t bytes, limit;
};
void pfs_cache_counts(struct pfs_cache *c, struct pfs_cache_counts *ret);

/* Puts freshly made bytes in (takes over the caller's reference). */
void pfs_cache_put(struct pfs_version *v, struct pfs_bytes *bytes);

/* Newer inputs were found to give the same bytes: keeps those, so that old templates are let go. Takes
 * references of its own. */
void pfs_version_renew(struct pfs_version *v, struct pfs_library *library, const struct pfs_file *file,
                       struct pfs_inputs *inputs);

/* The version's bytes, a reference for the caller; rendered again where the cache has dropped them. -EIO they
 * cannot be made again. Not for assets. */
int pfs_version_bytes(struct pfs_version *v, struct pfs_bytes **ret, struct pfs_err *err);

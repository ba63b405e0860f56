/* An arena: many small allocations with one life, freed together. Not thread-safe. */
#pragma once

#include "base/util.h"

struct pfs_arena_block;

struct pfs_arena {
    struct pfs_arena_block *blocks;
    size_t used, size; /* of the newest block */
    size_t total;      /* bytes held, for accounting */
};

void pfs_arena_done(struct pfs_arena *a);

/* Forgets all allocations and keeps one block for the next ones: for scratch memory. */
void pfs_arena_reset(struct pfs_arena *a);

/* Zeroed memory aligned for any type, or NULL when memory is out. */
void *pfs_arena_alloc(struct pfs_arena *a, size_t n);

/* A NUL-terminated copy of n bytes, or NULL. */
char *pfs_arena_strndup(struct pfs_arena *a, const char *s, size_t n);
char *pfs_arena_strdup(struct pfs_arena *a, const char *s);

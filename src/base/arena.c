#include "base/arena.h"

#include <string.h>

enum { FIRST_BLOCK = 512, LARGEST_BLOCK = 65536, ALIGNMENT = 16 };

struct pfs_arena_block {
    struct pfs_arena_block *next;
    char data[] __attribute__((aligned(ALIGNMENT)));
};

void pfs_arena_done(struct pfs_arena *a)
{
    for (struct pfs_arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct pfs_arena){0};
}

void pfs_arena_reset(struct pfs_arena *a)
{
    if (!a->blocks)
        return;
    for (struct pfs_arena_block *b = a->blocks->next, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->blocks->next = NULL;
    a->total = sizeof *a->blocks + a->size;
    a->used = 0;
}

static bool add_block(struct pfs_arena *a, size_t at_least)
{
    size_t size = a->size ? PFS_MIN(a->size * 2, (size_t)LARGEST_BLOCK) : FIRST_BLOCK;
    size = PFS_MAX(size, at_least);
    struct pfs_arena_block *b = malloc(sizeof *b + size);
    if (!b)
        return false;
    b->next = a->blocks;
    a->blocks = b;
    a->size = size;
    a->used = 0;
    a->total += sizeof *b + size;
    return true;
}

void *pfs_arena_alloc(struct pfs_arena *a, size_t n)
{
    size_t need = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (need < n)
        return NULL;
    if ((!a->blocks || need > a->size - a->used) && !add_block(a, need))
        return NULL;
    void *p = a->blocks->data + a->used;
    a->used += need;
    return memset(p, 0, need);
}

char *pfs_arena_strndup(struct pfs_arena *a, const char *s, size_t n)
{
    char *copy = pfs_arena_alloc(a, n + 1);
    if (copy && n)
        memcpy(copy, s, n);
    return copy;
}

char *pfs_arena_strdup(struct pfs_arena *a, const char *s)
{
    return pfs_arena_strndup(a, s, strlen(s));
}

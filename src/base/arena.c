#include "base/arena.h"

#include <string.h>

enum { FIRST_BLOCK = 448, LARGEST_BLOCK = 65536, ALIGNMENT = 16 };

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
    size_t size = PFS_MAX(PFS_MIN(a->total / 2, (size_t)LARGEST_BLOCK), (size_t)FIRST_BLOCK);
    size = PFS_MAX(size, at_least);
    if (size > SIZE_MAX / 2)
        return false;
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

/* n bytes that begin at a multiple of `alignment`. */
static void *take(struct pfs_arena *a, size_t n, size_t alignment)
{
    size_t at = (a->used + alignment - 1) & ~(alignment - 1);
    if (!a->blocks || at > a->size || n > a->size - at) {
        if (!add_block(a, n))
            return NULL;
        at = 0;
    }
    a->used = at + n;
    return a->blocks->data + at;
}

void *pfs_arena_alloc(struct pfs_arena *a, size_t n)
{
    void *p = take(a, n, ALIGNMENT);
    return p ? memset(p, 0, n) : NULL;
}

char *pfs_arena_strndup(struct pfs_arena *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? take(a, n + 1, 1) : NULL;
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *pfs_arena_strdup(struct pfs_arena *a, const char *s)
{
    return pfs_arena_strndup(a, s, strlen(s));
}

#include "base/map.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { FIRST_BUCKETS = 16 };

void pfs_map_done(struct pfs_map *m)
{
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct pfs_map_entry *e = m->buckets[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    free(m->buckets);
    *m = (struct pfs_map){0};
}

void pfs_map_done_with_values(struct pfs_map *m)
{
    for (struct pfs_map_entry *e = pfs_map_next(m, NULL); e; e = pfs_map_next(m, e))
        free(e->value);
    pfs_map_done(m);
}

/* The link that points to the entry of this key, or to the NULL at the end of its chain. */
static struct pfs_map_entry **find(const struct pfs_map *m, const void *key, size_t key_len, uint64_t hash)
{
    struct pfs_map_entry **at = &m->buckets[hash & (m->n_buckets - 1)];
    while (*at && ((*at)->hash != hash || (*at)->key_len != key_len || memcmp((*at)->key, key, key_len) != 0))
        at = &(*at)->next;
    return at;
}

void *pfs_map_get(const struct pfs_map *m, const void *key, size_t key_len)
{
    if (m->n == 0)
        return NULL;
    const struct pfs_map_entry *e = *find(m, key, key_len, XXH3_64bits(key, key_len));
    return e ? e->value : NULL;
}

static int grow(struct pfs_map *m)
{
    size_t n_buckets = m->n_buckets ? m->n_buckets * 2 : FIRST_BUCKETS;
    struct pfs_map_entry **buckets = calloc(n_buckets, sizeof *buckets);
    if (!buckets)
        return -ENOMEM;
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct pfs_map_entry *e = m->buckets[i], *next; e; e = next) {
            next = e->next;
            struct pfs_map_entry **head = &buckets[e->hash & (n_buckets - 1)];
            e->next = *head;
            *head = e;
        }
    free(m->buckets);
    m->buckets = buckets;
    m->n_buckets = n_buckets;
    return 0;
}

int pfs_map_put(struct pfs_map *m, const void *key, size_t key_len, void *value, void **ret_old)
{
    if (m->n >= m->n_buckets && grow(m) < 0)
        return -ENOMEM;
    uint64_t hash = XXH3_64bits(key, key_len);
    struct pfs_map_entry **at = find(m, key, key_len, hash);
    if (ret_old)
        *ret_old = *at ? (*at)->value : NULL;
    if (*at) {
        (*at)->value = value;
        return 0;
    }
    struct pfs_map_entry *e = malloc(sizeof *e + key_len + 1);
    if (!e)
        return -ENOMEM;
    *e = (struct pfs_map_entry){.value = value, .hash = hash, .key_len = (uint32_t)key_len};
    memcpy(e->key, key, key_len);
    e->key[key_len] = '\0';
    *at = e;
    m->n++;
    return 0;
}

void *pfs_map_remove(struct pfs_map *m, const void *key, size_t key_len)
{
    if (m->n == 0)
        return NULL;
    struct pfs_map_entry **at = find(m, key, key_len, XXH3_64bits(key, key_len));
    struct pfs_map_entry *e = *at;
    if (!e)
        return NULL;
    void *value = e->value;
    *at = e->next;
    free(e);
    m->n--;
    return value;
}

struct pfs_map_entry *pfs_map_next(const struct pfs_map *m, const struct pfs_map_entry *e)
{
    if (e && e->next)
        return e->next;
    size_t i = e ? (e->hash & (m->n_buckets - 1)) + 1 : 0;
    for (; i < m->n_buckets; i++)
        if (m->buckets[i])
            return m->buckets[i];
    return NULL;
}

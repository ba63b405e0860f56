/* The sign of a commit: the header of SQLite's WAL index (https://sqlite.org/walformat.html, "The WAL-Index
 * File Format"), which each commit writes before it returns and in which no two states of a file are the
 * same: it holds a counter of commits, the number of frames, their running checksum, and the WAL's salts.
 *
 * It stands twice, one copy behind the other, and is whole where both are the same. SQLite's own memory map
 * of it is read, by way of its public file methods: no descriptor of the database files is opened or closed
 * here. The map lives as long as the connection, which nobody can take out of WAL mode. */
#include "store/inventory.h"

#include <string.h>

enum {
    INDEX_BYTES = 32768, /* the first block of the index, which SQLite maps as a whole */
    HEADER_WORDS = 6,    /* of 64 bits: one copy of the header */
};

/* SQLite's map, where it has one: from the first read on. */
static const uint64_t *find_header(struct pfs_store *s)
{
    sqlite3_file *file = NULL;
    void volatile *map = NULL;
    if (sqlite3_file_control(s->db->sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file ||
        !file->pMethods || file->pMethods->iVersion < 2)
        return NULL;
    int rc = file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, &map);
    return rc == SQLITE_OK ? (const uint64_t *)map : NULL;
}

/* Both copies; whole where they are the same, else a commit is being made. */
static bool read_header(const uint64_t *header, struct pfs_sign *ret)
{
    uint64_t again[HEADER_WORDS];
    for (size_t i = 0; i < HEADER_WORDS; i++)
        ret->words[i] = __atomic_load_n(&header[i], __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < HEADER_WORDS; i++)
        again[i] = __atomic_load_n(&header[HEADER_WORDS + i], __ATOMIC_ACQUIRE);
    return memcmp(ret->words, again, sizeof again) == 0;
}

bool pfs_store_sign(struct pfs_store *s, struct pfs_sign *ret)
{
    if (s->shared && !s->index)
        s->index = find_header(s);
    if (!s->index || !read_header(s->index, ret)) {
        *ret = (struct pfs_sign){0};
        return false;
    }
    ret->words[HEADER_WORDS] = (uint64_t)s->file;
    return true;
}

const struct pfs_sign *pfs_store_snapshot_sign(const struct pfs_store *s)
{
    return &s->sign;
}

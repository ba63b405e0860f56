/* Growable bytes with a limit, the one thing everything is appended to.
 *
 * Errors stick: after an append has failed (-ENOMEM, or -EFBIG past the limit) every later append does
 * nothing, so a writer appends without looking and asks pfs_buf_error() once at the end. Not thread-safe. */
#pragma once

#include "base/util.h"
#include <string.h>

struct pfs_buf {
    char *data;   /* owned; not NUL-terminated unless pfs_buf_str() was called; NULL while empty */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t limit; /* bytes at most; 0: no limit */
    int error;    /* 0, -ENOMEM or -EFBIG */
};

#define PFS_BUF_INIT(limit_bytes)                                                                            \
    {                                                                                                        \
        .limit = (limit_bytes)                                                                               \
    }

void pfs_buf_done(struct pfs_buf *b);
void pfs_buf_reset(struct pfs_buf *b); /* empties it and clears the error; keeps the memory */

/* Makes room for n more bytes and returns where they go (the caller adds to len), or NULL on error. */
char *pfs_buf_reserve(struct pfs_buf *b, size_t n);

void pfs_buf_add(struct pfs_buf *b, const void *bytes, size_t n);
void pfs_buf_str_add(struct pfs_buf *b, const char *s);
void pfs_buf_char(struct pfs_buf *b, char c);
void pfs_buf_printf(struct pfs_buf *b, const char *fmt, ...) PFS_PRINTF(2, 3);

/* 0, -ENOMEM or -EFBIG: how all appends so far went. */
static inline int pfs_buf_error(const struct pfs_buf *b)
{
    return b->error;
}

/* The content as a NUL-terminated string, borrowed until the next append; "" when empty or out of memory. */
const char *pfs_buf_str(struct pfs_buf *b);

#define autobuf PFS_CLEANUP(pfs_buf_done)

/* CSV (RFC 4180), of a text in memory or of a file that is read some at a time, as often as is asked for.
 *
 * A byte order mark is skipped; lines end in LF or CRLF; quotes may stand around any cell, doubled within;
 * blank lines are skipped. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { PFS_CSV_CELLS_MAX = 4096 };

struct pfs_csv {
    const char *text; /* borrowed; of a file: the part that is in memory */
    size_t len, at;
    struct pfs_csv_file *file; /* NULL: a text */
    char delimiter;
    size_t row;  /* of the record read last: the first is 1, as a spreadsheet counts; blank lines count */
    size_t line; /* where that record began */
    size_t next_line;
    size_t n_cells;
    const char **cells; /* NUL-terminated, until the next record is read */
    size_t *offsets;    /* into scratch, while it grows */
    size_t cap;
    struct pfs_buf scratch;
};

void pfs_csv_init(struct pfs_csv *c, const char *text, size_t len, char delimiter);
void pfs_csv_done(struct pfs_csv *c);

/* Reads from a file (borrowed, at its beginning, can be rewound): once through, for its size and its XXH3.
 * Some of it is in memory at a time, and at least a record. -EFBIG above max_bytes; -EIO. done() after an
 * error too. */
int pfs_csv_init_file(struct pfs_csv *c, FILE *f, uint64_t max_bytes, char delimiter, uint64_t *ret_hash,
                      struct pfs_err *err);

/* Back to the first record. -EIO of a file. */
int pfs_csv_rewind(struct pfs_csv *c, struct pfs_err *err);

/* How far the reading is, of how much, in bytes. */
int64_t pfs_csv_position(const struct pfs_csv *c);
int64_t pfs_csv_size(const struct pfs_csv *c);

/* Reads a record. 1; 0 at the end; -EINVAL a quote left open (the sentence has the line where it began), text
 * behind a closing quote, a NUL, too many cells; -EIO the file cannot be read, or is not what it was the
 * first time; -ENOMEM. After -EINVAL the next call goes on behind the record, except after an open quote. */
int pfs_csv_next(struct pfs_csv *c, struct pfs_err *err);

/* Writes a cell, quoted where it must be. */
void pfs_csv_write(FILE *out, const char *cell, char delimiter);

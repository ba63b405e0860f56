/* CSV (RFC 4180) in memory: cells as views of the text, unquoted in place of a scratch where they must be.
 *
 * A byte order mark is skipped; lines end in LF or CRLF; quotes may stand around any cell, doubled within;
 * blank lines are skipped. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { PFS_CSV_CELLS_MAX = 4096 };

struct pfs_csv {
    const char *text; /* borrowed */
    size_t len, at;
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

/* Goes back to the record that began at offset `at` as row number `row`. */
void pfs_csv_seek(struct pfs_csv *c, size_t at, size_t row);

/* Reads a record. 1; 0 at the end; -EINVAL a quote left open (the sentence has the line where it began), text
 * behind a closing quote, a NUL, too many cells. After an error in a record the next call goes on behind it,
 * except after an open quote. */
int pfs_csv_next(struct pfs_csv *c, struct pfs_err *err);

/* Writes a cell, quoted where it must be. */
void pfs_csv_write(FILE *out, const char *cell, char delimiter);

#include "core/csv.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK = 256 * 1024 };

/* A file is read in blocks, whose hashes are kept: what changes while it is read is found before it is used.
 */
struct pfs_csv_file {
    FILE *f;
    uint64_t size;
    uint64_t before; /* bytes in front of the window */
    size_t next;     /* block to be read */
    size_t n_blocks, cap;
    uint64_t *hashes;
    struct pfs_buf window;
};

static void skip_mark(struct pfs_csv *c)
{
    if (c->len >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0)
        c->at = 3;
}

void pfs_csv_init(struct pfs_csv *c, const char *text, size_t len, char delimiter)
{
    *c = (struct pfs_csv){.text = text, .len = len, .delimiter = delimiter, .next_line = 1};
    skip_mark(c);
}

void pfs_csv_done(struct pfs_csv *c)
{
    if (c->file) {
        free(c->file->hashes);
        pfs_buf_done(&c->file->window);
        free(c->file);
    }
    free(c->cells);
    free(c->offsets);
    pfs_buf_done(&c->scratch);
    *c = (struct pfs_csv){0};
}

int64_t pfs_csv_position(const struct pfs_csv *c)
{
    return (int64_t)((c->file ? c->file->before : 0) + c->at);
}

int64_t pfs_csv_size(const struct pfs_csv *c)
{
    return (int64_t)(c->file ? c->file->size : c->len);
}

/* ---- files ---- */

static int keep_hash(struct pfs_csv_file *f, uint64_t hash, struct pfs_err *err)
{
    if (f->n_blocks == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 64;
        uint64_t *hashes = reallocarray(f->hashes, cap, sizeof *hashes);
        if (!hashes)
            return pfs_err_nomem(err);
        f->hashes = hashes;
        f->cap = cap;
    }
    f->hashes[f->n_blocks++] = hash;
    return 0;
}

static int hash_file(struct pfs_csv_file *f, uint64_t max_bytes, XXH3_state_t *all, struct pfs_err *err)
{
    autofree char *block = malloc(BLOCK);
    if (!block)
        return pfs_err_nomem(err);
    for (size_t n; (n = fread(block, 1, BLOCK, f->f)) > 0;) {
        f->size += n;
        if (f->size > max_bytes)
            return pfs_err_set(err, EFBIG, "more than %llu bytes", (unsigned long long)max_bytes);
        XXH3_64bits_update(all, block, n);
        int r = keep_hash(f, XXH3_64bits(block, n), err);
        if (r < 0)
            return r;
    }
    return ferror(f->f) ? pfs_err_set(err, EIO, "cannot be read") : 0;
}

/* Another block behind what is not yet read of the window. */
static int read_block(struct pfs_csv *c, struct pfs_err *err)
{
    struct pfs_csv_file *f = c->file;
    size_t left = c->len - c->at;
    if (left > 0)
        memmove(f->window.data, c->text + c->at, left);
    f->window.len = left;
    f->before += c->at;
    char *to = pfs_buf_reserve(&f->window, BLOCK);
    if (!to)
        return pfs_err_nomem(err);
    size_t n = fread(to, 1, BLOCK, f->f);
    if (ferror(f->f))
        return pfs_err_set(err, EIO, "cannot be read");
    if (n == 0 || XXH3_64bits(to, n) != f->hashes[f->next])
        return pfs_err_set(err, EIO, "has changed while it was read");
    f->next++;
    f->window.len = left + n;
    c->text = f->window.data;
    c->len = f->window.len;
    c->at = 0;
    return 0;
}

int pfs_csv_rewind(struct pfs_csv *c, struct pfs_err *err)
{
    int r = 0;
    c->at = c->row = 0;
    c->next_line = 1;
    if (c->file) {
        rewind(c->file->f);
        c->len = 0;
        c->file->before = c->file->next = 0;
        r = c->file->n_blocks > 0 ? read_block(c, err) : 0;
    }
    skip_mark(c);
    return r;
}

int pfs_csv_init_file(struct pfs_csv *c, FILE *f, uint64_t max_bytes, char delimiter, uint64_t *ret_hash,
                      struct pfs_err *err)
{
    *c = (struct pfs_csv){.text = "", .delimiter = delimiter, .file = calloc(1, sizeof *c->file)};
    if (!c->file)
        return pfs_err_nomem(err);
    c->file->f = f;
    c->file->window = (struct pfs_buf)PFS_BUF_INIT(0);
    XXH3_state_t *all = XXH3_createState();
    if (!all)
        return pfs_err_nomem(err);
    XXH3_64bits_reset(all);
    int r = hash_file(c->file, max_bytes, all, err);
    *ret_hash = XXH3_64bits_digest(all);
    XXH3_freeState(all);
    return r < 0 ? r : pfs_csv_rewind(c, err);
}

/* ---- records ---- */

static bool at_line_end(const struct pfs_csv *c)
{
    return c->at >= c->len || c->text[c->at] == '\n' ||
           (c->text[c->at] == '\r' && (c->at + 1 >= c->len || c->text[c->at + 1] == '\n'));
}

static void skip_line_end(struct pfs_csv *c)
{
    if (c->at < c->len && c->text[c->at] == '\r')
        c->at++;
    if (c->at < c->len && c->text[c->at] == '\n')
        c->at++;
    c->next_line++;
}

static void skip_line(struct pfs_csv *c)
{
    while (!at_line_end(c))
        c->at++;
    skip_line_end(c);
}

static int begin_cell(struct pfs_csv *c, struct pfs_err *err)
{
    if (c->n_cells >= PFS_CSV_CELLS_MAX)
        return pfs_err_set(err, EINVAL, "more than %d cells", PFS_CSV_CELLS_MAX);
    if (c->n_cells == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 32;
        size_t *offsets = reallocarray(c->offsets, cap, sizeof *offsets);
        if (!offsets)
            return pfs_err_nomem(err);
        c->offsets = offsets;
        const char **cells = reallocarray(c->cells, cap, sizeof *cells);
        if (!cells)
            return pfs_err_nomem(err);
        c->cells = cells;
        c->cap = cap;
    }
    c->offsets[c->n_cells++] = c->scratch.len;
    return 0;
}

static int read_plain(struct pfs_csv *c)
{
    size_t begin = c->at;
    while (!at_line_end(c) && c->text[c->at] != c->delimiter)
        c->at++;
    pfs_buf_add(&c->scratch, c->text + begin, c->at - begin);
    return 0;
}

static int read_quoted(struct pfs_csv *c, struct pfs_err *err)
{
    size_t line = c->next_line;
    c->at++;
    for (;; c->at++) {
        if (c->at >= c->len)
            return pfs_err_set(err, EINVAL, "cell %zu: a quote that begins in line %zu is left open",
                               c->n_cells, line);
        char ch = c->text[c->at];
        if (ch == '"') {
            if (c->at + 1 >= c->len || c->text[c->at + 1] != '"')
                break;
            c->at++;
        }
        c->next_line += ch == '\n';
        pfs_buf_char(&c->scratch, ch);
    }
    c->at++;
    if (at_line_end(c) || c->text[c->at] == c->delimiter)
        return 0;
    skip_line(c);
    return pfs_err_set(err, EINVAL, "cell %zu: text behind the closing quote (a quote within is doubled)",
                       c->n_cells);
}

static int read_record(struct pfs_csv *c, struct pfs_err *err)
{
    for (;;) {
        int r = begin_cell(c, err);
        if (r < 0)
            return r;
        bool quoted = c->at < c->len && c->text[c->at] == '"';
        r = quoted ? read_quoted(c, err) : read_plain(c);
        if (r < 0)
            return r;
        pfs_buf_char(&c->scratch, '\0');
        if (at_line_end(c))
            break;
        c->at++;
    }
    skip_line_end(c);
    return 0;
}

/* Cells become pointers once the scratch no longer moves. */
static int finish_record(struct pfs_csv *c, struct pfs_err *err)
{
    if (pfs_buf_error(&c->scratch) < 0)
        return pfs_err_nomem(err);
    for (size_t i = 0; i < c->n_cells; i++) {
        size_t end = i + 1 < c->n_cells ? c->offsets[i + 1] : c->scratch.len;
        c->cells[i] = c->scratch.data + c->offsets[i];
        if (strlen(c->cells[i]) + 1 != end - c->offsets[i])
            return pfs_err_set(err, EINVAL, "cell %zu: has a NUL byte", i + 1);
    }
    return 1;
}

static int next_in_window(struct pfs_csv *c, struct pfs_err *err)
{
    for (;;) {
        c->row++;
        if (c->at >= c->len)
            return 0;
        if (!at_line_end(c))
            break;
        skip_line_end(c);
    }
    c->line = c->next_line;
    c->n_cells = 0;
    pfs_buf_reset(&c->scratch);
    int r = read_record(c, err);
    return r < 0 ? r : finish_record(c, err);
}

/* What reached the end of the window may go on behind it: it is read again with more. */
int pfs_csv_next(struct pfs_csv *c, struct pfs_err *err)
{
    for (;;) {
        size_t at = c->at, row = c->row, next_line = c->next_line;
        int r = next_in_window(c, err);
        if (!c->file || c->at < c->len || c->file->next == c->file->n_blocks)
            return r;
        c->at = at;
        c->row = row;
        c->next_line = next_line;
        r = read_block(c, err);
        if (r < 0)
            return r;
    }
}

void pfs_csv_write(FILE *out, const char *cell, char delimiter)
{
    char special[] = {delimiter, '"', '\r', '\n', '\0'};
    if (!cell[strcspn(cell, special)]) {
        fputs(cell, out);
        return;
    }
    fputc('"', out);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', out);
        fputc(*cell, out);
    }
    fputc('"', out);
}

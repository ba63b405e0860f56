#include "core/csv.h"

#include <errno.h>
#include <string.h>

void pfs_csv_init(struct pfs_csv *c, const char *text, size_t len, char delimiter)
{
    *c = (struct pfs_csv){.text = text, .len = len, .delimiter = delimiter, .next_line = 1};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        c->at = 3;
}

void pfs_csv_done(struct pfs_csv *c)
{
    free(c->cells);
    free(c->offsets);
    pfs_buf_done(&c->scratch);
    *c = (struct pfs_csv){0};
}

void pfs_csv_seek(struct pfs_csv *c, size_t at, size_t row)
{
    c->at = at;
    c->row = row - 1;
}

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

int pfs_csv_next(struct pfs_csv *c, struct pfs_err *err)
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

#include "core/table.h"
#include "core/command_impl.h"

static void print_cell(FILE *out, const char *s)
{
    for (; *s; s++)
        fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
}

static void measure(struct pfs_table *t, const char *const *cells)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        size_t width = cells[i] ? pfs_command_width(cells[i]) : 0;
        t->width[i] = PFS_MAX(t->width[i], PFS_MIN(width, (size_t)PFS_TABLE_WIDTH_MAX));
    }
}

/* Blanks are put in front of the next cell that is not empty: no line ends in blanks. */
static void print(const struct pfs_table *t, const char *const *cells)
{
    size_t behind = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        const char *cell = cells[i] ? cells[i] : "";
        size_t width = pfs_command_width(cell);
        if (width > 0) {
            fprintf(t->out, "%*s", (int)behind, "");
            print_cell(t->out, cell);
            behind = 0;
        }
        behind += 2 + (t->width[i] > width ? t->width[i] - width : 0);
    }
    fputc('\n', t->out);
}

void pfs_table_row(struct pfs_table *t, const char *const *cells)
{
    if (t->printing)
        print(t, cells);
    else
        measure(t, cells);
}

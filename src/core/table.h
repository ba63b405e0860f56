/* Aligned columns for people: every row is given twice, first measured, then printed, so that none need be
 * kept. */
#pragma once

#include "base/util.h"

enum { PFS_TABLE_COLUMNS_MAX = 12, PFS_TABLE_WIDTH_MAX = 64 };

struct pfs_table {
    FILE *out;
    size_t n_columns;
    size_t width[PFS_TABLE_COLUMNS_MAX];
    bool printing;
};

/* Cells may be NULL: empty. Control characters are shown as '?'. */
void pfs_table_row(struct pfs_table *t, const char *const *cells);

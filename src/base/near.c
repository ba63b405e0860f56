#include "base/near.h"

#include <limits.h>
#include <string.h>

unsigned pfs_near_distance(const char *a, const char *b)
{
    unsigned row[PFS_NEAR_WORD_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > PFS_NEAR_WORD_MAX || b_len > PFS_NEAR_WORD_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned moved = PFS_MIN(row[j], row[j - 1]) + 1;
            row[j] = PFS_MIN(replaced, moved);
        }
    }
    return row[b_len];
}

unsigned pfs_near_limit(size_t len)
{
    return len < 5 ? 1 : len < 14 ? 2 : 3;
}

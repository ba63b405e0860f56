/* How near two words are: for "did you mean …?". */
#pragma once

#include "base/util.h"

/* Words of more bytes are near to nothing: it keeps the work small, as words come from anyone. */
enum { PFS_NEAR_WORD_MAX = 128 };

/* How many single edits (a byte added, removed or replaced) lie between two words; UINT_MAX where one of them
 * has more than PFS_NEAR_WORD_MAX bytes. */
unsigned pfs_near_distance(const char *a, const char *b);

/* How many edits a word of this length is still near by: 1 under 5 bytes, 2 under 14, else 3. */
unsigned pfs_near_limit(size_t len);

/* Times as users write and read them, and what time it is. */
#pragma once

#include "base/err.h"

enum { PFS_TIME_STR = 32 };

/* RFC 3339 (2026-03-01T04:00:00Z, any offset), or local `YYYY-MM-DD HH:MM[:SS]`. Seconds since 1970. -EINVAL.
 */
int pfs_time_parse(const char *s, int64_t *ret, struct pfs_err *err);

/* The system's clock, seconds since 1970: not time(2), which may be some milliseconds behind. */
int64_t pfs_time_now(void);

/* RFC 3339 in UTC: 2026-03-01T04:00:00Z. */
void pfs_time_format(int64_t t, char out[static PFS_TIME_STR]);

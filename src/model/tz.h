/* Time zones: an IANA name to the offset and daylight saving rule now in force, from the POSIX TZ string in
 * the footer of the system's tz file (RFC 8536, POSIX.1-2017 8.3). */
#pragma once

#include "base/err.h"

/* When daylight saving begins or ends, as POSIX says it. */
struct pfs_tz_change {
    enum { PFS_TZ_WEEKDAY, PFS_TZ_DAY } kind;
    int month;   /* 1 to 12 */
    int week;    /* WEEKDAY: 1 to 4, 5 is the last */
    int weekday; /* WEEKDAY: 0 Sunday to 6 Saturday */
    int day;     /* DAY: day of the year, 1 to 365, 29 February not counted; month and mday say the same: */
    int mday;    /* DAY: 1 to 31 */
    int seconds; /* local wall clock time of the change after midnight; may be negative or past 86400 */
};

struct pfs_tz {
    int offset; /* standard time: seconds east of Greenwich, -86400 to 93600 */
    bool has_dst;
    int dst_offset;                              /* daylight time: seconds east of Greenwich */
    struct pfs_tz_change start, end;             /* of daylight saving */
    char posix[64];                              /* the string itself */
    char abbreviation[64], dst_abbreviation[64]; /* CET, CEST, without <>; the second "" without dst */
};

/* Where the zones are: /usr/share/zoneinfo, or PROVFS_ZONEINFO. */
const char *pfs_tz_directory(void);

/* -EINVAL "no such time zone: Europe/Vien": unknown name, or one that leaves the folder. Dublin's negative
 * daylight saving is turned round: offset is always the winter's, dst_offset the summer's. */
int pfs_tz_load(const char *name, struct pfs_tz *ret, struct pfs_err *err);

/* A POSIX TZ string alone. */
int pfs_tz_parse(const char *posix, struct pfs_tz *ret, struct pfs_err *err);

#include "model/tz.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum {
    HOUR = 3600,
    DAY = 86400,
    NAME_LEN_MAX = 64,     /* the longest today: America/Argentina/ComodRivadavia, 32 */
    TZ_FILE_MAX = 262144,  /* the largest today is under 4 KiB */
    OFFSET_HOURS_MAX = 24, /* POSIX.1-2017 8.3 */
    RULE_HOURS_MAX = 167,  /* RFC 8536 3.3.1 */
    RULE_TIME_DEFAULT = 2 * HOUR,
    ABBREVIATION_MIN = 3,
};

/* ---- The POSIX TZ string: std offset [dst [offset] ,start[/time],end[/time]] ---- */

static bool take_number(const char **s, int max, int *ret)
{
    int value = 0, n = 0;
    for (; isdigit((unsigned char)**s); (*s)++, n++) {
        value = value * 10 + (**s - '0');
        if (value > max)
            return false;
    }
    *ret = value;
    return n > 0;
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(const char **s, int hours_max, int *ret)
{
    int sign = **s == '-' ? -1 : 1;
    if (**s == '-' || **s == '+')
        (*s)++;
    int hours, minutes = 0, seconds = 0;
    if (!take_number(s, hours_max, &hours))
        return false;
    if (take_char(s, ':')) {
        if (!take_number(s, 59, &minutes))
            return false;
        if (take_char(s, ':') && !take_number(s, 59, &seconds))
            return false;
    }
    *ret = sign * (hours * HOUR + minutes * 60 + seconds);
    return true;
}

/* CET, or <+0330>: letters alone, or letters, digits and signs between angle brackets. It is shorter than the
 * string that it stands in. */
static bool take_abbreviation(const char **s, char *ret)
{
    bool quoted = take_char(s, '<');
    size_t n = 0;
    for (;
         isalpha((unsigned char)**s) || (quoted && (isdigit((unsigned char)**s) || **s == '+' || **s == '-'));
         (*s)++)
        ret[n++] = **s;
    ret[n] = '\0';
    return n >= ABBREVIATION_MIN && (!quoted || take_char(s, '>'));
}

/* The offset of POSIX is what to add to local time: positive west of Greenwich. Ours is east. */
static bool take_offset(const char **s, int *ret)
{
    int west;
    if (!take_time(s, OFFSET_HOURS_MAX, &west) || west > DAY || west < -DAY)
        return false;
    *ret = -west;
    return true;
}

/* Mm.w.d */
static bool take_weekday_rule(const char **s, struct pfs_tz_change *c)
{
    c->kind = PFS_TZ_WEEKDAY;
    return take_number(s, 12, &c->month) && c->month >= 1 && take_char(s, '.') &&
           take_number(s, 5, &c->week) && c->week >= 1 && take_char(s, '.') && take_number(s, 6, &c->weekday);
}

static void set_day(struct pfs_tz_change *c, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    c->kind = PFS_TZ_DAY;
    c->day = day;
    c->month = 1;
    c->mday = day;
    while (c->mday > days[c->month - 1])
        c->mday -= days[c->month++ - 1];
}

/* Jn counts from 1 and never 29 February; n counts from 0 and counts it. The latter is taken as in a common
 * year: no zone of the tz database uses it from March on, and no phone could be told. */
static bool take_day_rule(const char **s, struct pfs_tz_change *c)
{
    int day;
    if (take_char(s, 'J')) {
        if (!take_number(s, 365, &day) || day < 1)
            return false;
        set_day(c, day);
        return true;
    }
    if (!take_number(s, 365, &day))
        return false;
    set_day(c, PFS_MIN(day + 1, 365));
    return true;
}

static bool take_change(const char **s, struct pfs_tz_change *c)
{
    if (!take_char(s, ','))
        return false;
    if (!(take_char(s, 'M') ? take_weekday_rule(s, c) : take_day_rule(s, c)))
        return false;
    c->seconds = RULE_TIME_DEFAULT;
    return !take_char(s, '/') || take_time(s, RULE_HOURS_MAX, &c->seconds);
}

/* RFC 8536 3.3.1: daylight saving that begins with the year and ends when the next one's begins is all year
 * long. */
static bool is_all_year(const struct pfs_tz *tz)
{
    return tz->start.kind == PFS_TZ_DAY && tz->start.day == 1 && tz->start.seconds == 0 &&
           tz->end.kind == PFS_TZ_DAY && tz->end.day == 365 &&
           tz->end.seconds == DAY + tz->dst_offset - tz->offset;
}

static void without_dst(struct pfs_tz *tz, int offset)
{
    tz->has_dst = false;
    tz->offset = offset;
    tz->dst_offset = offset;
    tz->start = tz->end = (struct pfs_tz_change){0};
    tz->dst_abbreviation[0] = '\0';
}

static void swap_abbreviations(struct pfs_tz *tz)
{
    char abbreviation[sizeof tz->abbreviation];
    memcpy(abbreviation, tz->abbreviation, sizeof abbreviation);
    memcpy(tz->abbreviation, tz->dst_abbreviation, sizeof abbreviation);
    memcpy(tz->dst_abbreviation, abbreviation, sizeof abbreviation);
}

/* Ireland's law calls the summer's time standard, and the tz database follows: IST-1GMT0,M10.5.0,M3.5.0/1 is
 * a daylight saving of minus one hour in winter. Phones know only the usual way. Each change's time is by the
 * clock that was right before it, in both readings, so that swapping is all there is to do. */
static void turn_round(struct pfs_tz *tz)
{
    int offset = tz->offset;
    tz->offset = tz->dst_offset;
    tz->dst_offset = offset;
    struct pfs_tz_change start = tz->start;
    tz->start = tz->end;
    tz->end = start;
    swap_abbreviations(tz);
}

static void normalise(struct pfs_tz *tz)
{
    if (!tz->has_dst || tz->dst_offset == tz->offset)
        without_dst(tz, tz->offset);
    else if (is_all_year(tz)) {
        swap_abbreviations(tz);
        without_dst(tz, tz->dst_offset);
    } else if (tz->dst_offset < tz->offset)
        turn_round(tz);
}

static bool parse(const char *s, struct pfs_tz *tz)
{
    if (!take_abbreviation(&s, tz->abbreviation) || !take_offset(&s, &tz->offset))
        return false;
    if (*s == '\0')
        return true;
    tz->has_dst = true;
    tz->dst_offset = tz->offset + HOUR;
    if (!take_abbreviation(&s, tz->dst_abbreviation))
        return false;
    if (*s != ',' && !take_offset(&s, &tz->dst_offset))
        return false;
    return take_change(&s, &tz->start) && take_change(&s, &tz->end) && *s == '\0';
}

int pfs_tz_parse(const char *posix, struct pfs_tz *ret, struct pfs_err *err)
{
    struct pfs_tz tz = {0};
    if (strlen(posix) >= sizeof tz.posix || !parse(posix, &tz))
        return pfs_err_set(err, EINVAL,
                           "\"%.64s\" is no time zone rule: CET-1CEST,M3.5.0,M10.5.0/3 is the form", posix);
    normalise(&tz);
    memcpy(tz.posix, posix, strlen(posix) + 1);
    *ret = tz;
    return 0;
}

/* ---- The file (RFC 8536): a version 1 block, a version 2 block, and between line feeds the footer ---- */

enum { HEADER_LEN = 44, VERSION_AT = 4, COUNTS_AT = 20, N_COUNTS = 6 };

enum count { ISUTCNT, ISSTDCNT, LEAPCNT, TIMECNT, TYPECNT, CHARCNT };

/* The length of the block at the start of n bytes, header and data, whose times have time_len bytes; 0: no
 * such block. */
static size_t block_len(const unsigned char *bytes, size_t n, size_t time_len)
{
    if (n < HEADER_LEN || memcmp(bytes, "TZif", 4) != 0)
        return 0;
    size_t counts[N_COUNTS];
    for (size_t i = 0; i < N_COUNTS; i++) {
        const unsigned char *c = bytes + COUNTS_AT + 4 * i;
        counts[i] = (size_t)c[0] << 24 | (size_t)c[1] << 16 | (size_t)c[2] << 8 | c[3];
        if (counts[i] > TZ_FILE_MAX)
            return 0;
    }
    size_t len = HEADER_LEN + counts[TIMECNT] * (time_len + 1) + counts[TYPECNT] * 6 + counts[CHARCNT] +
                 counts[LEAPCNT] * (time_len + 4) + counts[ISSTDCNT] + counts[ISUTCNT];
    return len <= n ? len : 0;
}

/* Cuts the footer out of a file's bytes (a NUL stands behind them); NULL where there is none. */
static char *find_footer(char *bytes, size_t n)
{
    size_t first = block_len((const unsigned char *)bytes, n, 4);
    if (first == 0 || bytes[VERSION_AT] < '2')
        return NULL;
    size_t second = block_len((const unsigned char *)bytes + first, n - first, 8);
    if (second == 0)
        return NULL;
    char *footer = bytes + first + second;
    if (*footer != '\n')
        return NULL;
    footer++;
    char *end = strchr(footer, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    return footer;
}

const char *pfs_tz_directory(void)
{
    const char *directory = getenv("PROVFS_ZONEINFO");
    return directory && *directory ? directory : "/usr/share/zoneinfo";
}

/* Only what names in the tz database are made of, and nothing that leaves the folder. */
static bool is_zone_name(const char *name)
{
    if (*name == '\0' || *name == '/' || strlen(name) > NAME_LEN_MAX || strstr(name, ".."))
        return false;
    for (const char *c = name; *c; c++)
        if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._+/-", *c)))
            return false;
    return true;
}

static int unknown_zone(const char *name, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "no such time zone: %.*s", NAME_LEN_MAX, name);
}

/* All of a file into a buffer of TZ_FILE_MAX + 1 bytes, with a NUL behind. The length, or -errno. */
static ssize_t read_whole(int fd, char *buffer)
{
    size_t n = 0;
    while (n < TZ_FILE_MAX) {
        ssize_t r = read(fd, buffer + n, TZ_FILE_MAX - n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        n += (size_t)r;
    }
    buffer[n] = '\0';
    return (ssize_t)n;
}

int pfs_tz_load(const char *name, struct pfs_tz *ret, struct pfs_err *err)
{
    if (!is_zone_name(name))
        return unknown_zone(name, err);
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", pfs_tz_directory(), name);
    if (len < 0 || (size_t)len >= sizeof path)
        return unknown_zone(name, err);
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* should a FIFO ever lie there */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return unknown_zone(name, err);
    autofree char *bytes = malloc(TZ_FILE_MAX + 1);
    if (!bytes)
        return pfs_err_nomem(err);
    ssize_t n = read_whole(fd, bytes);
    const char *footer = n > 0 ? find_footer(bytes, (size_t)n) : NULL;
    if (!footer || pfs_tz_parse(footer, ret, NULL) < 0)
        return unknown_zone(name, err);
    return 0;
}

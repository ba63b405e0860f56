#include "base/timefmt.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const char RIGHT_FORM[] =
    "write 2026-03-01T04:00:00Z, 2026-03-01T04:00:00+01:00 or, in local time, 2026-03-01 04:00";

/* A time taken apart, before its ranges are known to be right. */
struct parts {
    unsigned year, month, day, hour, minute, second;
    bool has_second;
    bool has_offset;
    int offset_s; /* east of Greenwich */
};

/* Reads exactly n digits. */
static bool take_digits(const char **s, unsigned n, unsigned *ret)
{
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) {
        char c = (*s)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (unsigned)(c - '0');
    }
    *s += n;
    *ret = value;
    return true;
}

static bool take_char(const char **s, const char *accepted)
{
    if (**s == '\0' || !strchr(accepted, **s))
        return false;
    (*s)++;
    return true;
}

/* [:SS[.fraction]]; the fraction is dropped, as everything here counts whole seconds. */
static bool take_seconds(const char **s, struct parts *p)
{
    if (**s != ':')
        return true;
    (*s)++;
    p->has_second = true;
    if (!take_digits(s, 2, &p->second))
        return false;
    if (**s != '.')
        return true;
    (*s)++;
    size_t n = strspn(*s, "0123456789");
    *s += n;
    return n > 0;
}

/* Nothing, Z, or +hh:mm. */
static bool take_offset(const char **s, struct parts *p)
{
    if (**s == '\0')
        return true;
    p->has_offset = true;
    if (take_char(s, "Zz"))
        return true;
    int sign = **s == '-' ? -1 : 1;
    unsigned hours, minutes;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
        !take_digits(s, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    p->offset_s = sign * (int)(hours * 3600 + minutes * 60);
    return true;
}

static bool take_apart(const char *s, struct parts *p)
{
    if (!take_digits(&s, 4, &p->year) || !take_char(&s, "-") || !take_digits(&s, 2, &p->month) ||
        !take_char(&s, "-") || !take_digits(&s, 2, &p->day))
        return false;
    char between = *s;
    if (!take_char(&s, "Tt ") || !take_digits(&s, 2, &p->hour) || !take_char(&s, ":") ||
        !take_digits(&s, 2, &p->minute) || !take_seconds(&s, p) || !take_offset(&s, p) || *s != '\0')
        return false;
    /* RFC 3339 always has seconds; a T without an offset would leave open whose time is meant. */
    return p->has_offset ? p->has_second : between == ' ';
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* What is out of range, NULL where all is right. The leap second 60 is only known to RFC 3339. */
static const char *out_of_range(const struct parts *p)
{
    if (p->month < 1 || p->month > 12)
        return "there is no such month";
    if (p->day < 1 || p->day > days_in_month(p->year, p->month))
        return "there is no such day in that month";
    if (p->hour > 23)
        return "hours go from 00 to 23";
    if (p->minute > 59)
        return "minutes go from 00 to 59";
    if (p->second > (p->has_offset ? 60u : 59u))
        return "seconds go from 00 to 59";
    return NULL;
}

static struct tm to_tm(const struct parts *p)
{
    return (struct tm){
        .tm_year = (int)p->year - 1900,
        .tm_mon = (int)p->month - 1,
        .tm_mday = (int)p->day,
        .tm_hour = (int)p->hour,
        .tm_min = (int)p->minute,
        .tm_sec = (int)p->second,
        .tm_isdst = -1,
        .tm_wday = -1, /* -1 is also a time: only a filled weekday tells success */
    };
}

static int parse_local(const char *s, const struct parts *p, int64_t *ret, struct pfs_err *err)
{
    struct tm tm = to_tm(p);
    time_t t = mktime(&tm);
    if (tm.tm_wday < 0)
        return pfs_err_set(err, EINVAL, "\"%s\" is out of range", s);
    /* mktime moves a time inside the spring gap without a word; whoever wrote it should choose. */
    if (tm.tm_hour != (int)p->hour || tm.tm_min != (int)p->minute)
        return pfs_err_set(err, EINVAL, "\"%s\" does not exist here: the clocks are put forward then", s);
    *ret = t;
    return 0;
}

int pfs_time_parse(const char *s, int64_t *ret, struct pfs_err *err)
{
    struct parts p = {0};
    if (!take_apart(s, &p))
        return pfs_err_set(err, EINVAL, "\"%.40s\" is no time: %s", s, RIGHT_FORM);
    const char *wrong = out_of_range(&p);
    if (wrong)
        return pfs_err_set(err, EINVAL, "\"%.40s\" is no time: %s", s, wrong);
    if (!p.has_offset)
        return parse_local(s, &p, ret, err);
    struct tm tm = to_tm(&p);
    *ret = (int64_t)timegm(&tm) - p.offset_s;
    return 0;
}

void pfs_time_format(int64_t t, char out[static PFS_TIME_STR])
{
    time_t seconds = t;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm)) { /* a year that no int holds */
        snprintf(out, PFS_TIME_STR, "@%lld", (long long)t);
        return;
    }
    int n = snprintf(out, PFS_TIME_STR, "%04lld", (long long)tm.tm_year + 1900);
    strftime(out + n, PFS_TIME_STR - (size_t)n, "-%m-%dT%H:%M:%SZ", &tm);
}

int64_t pfs_time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

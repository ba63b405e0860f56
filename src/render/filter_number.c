/* Filters on numbers; the empty text stays empty. */
#include "render/filter_impl.h"

#include <ctype.h>
#include <errno.h>

static int no_number(struct pfs_eval *e, struct pfs_str s, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "%s is no whole number", pfs_eval_shown(e, s));
}

int pfs_filter_number(struct pfs_eval *e, struct pfs_str s, int64_t *ret, struct pfs_err *err)
{
    char text[32];
    char *end;
    if (s.len == 0 || s.len >= sizeof text || isspace((unsigned char)s.s[0]))
        return no_number(e, s, err);
    memcpy(text, s.s, s.len);
    text[s.len] = '\0';
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return errno || *end ? no_number(e, s, err) : 0;
}

enum arithmetic { ADD, SUB, MUL, DIV, MOD };

static int calculate(enum arithmetic how, int64_t a, int64_t b, int64_t *ret, struct pfs_err *err)
{
    bool overflow = false;
    if ((how == DIV || how == MOD) && b == 0)
        return pfs_err_set(err, EINVAL, "division by 0");
    switch (how) {
    case ADD:
        overflow = __builtin_add_overflow(a, b, ret);
        break;
    case SUB:
        overflow = __builtin_sub_overflow(a, b, ret);
        break;
    case MUL:
        overflow = __builtin_mul_overflow(a, b, ret);
        break;
    case DIV:
        if (b == -1) /* the smallest number has no opposite */
            overflow = __builtin_sub_overflow((int64_t)0, a, ret);
        else
            *ret = a / b;
        break;
    case MOD:
        *ret = b == -1 ? 0 : a % b;
        break;
    }
    return overflow ? pfs_err_set(err, EINVAL, "a number is too large") : 0;
}

static int arithmetic(struct pfs_eval *e, enum arithmetic how, struct pfs_str *v, struct pfs_str arg,
                      struct pfs_err *err)
{
    int64_t a, b, result = 0;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &a, err);
    if (r < 0 || (r = pfs_filter_number(e, arg, &b, err)) < 0 || (r = calculate(how, a, b, &result, err)) < 0)
        return r;
    return pfs_eval_number(e, result, v, err);
}

PFS_FILTER(add)
{
    return arithmetic(e, ADD, v, args[0], err);
}

PFS_FILTER(sub)
{
    return arithmetic(e, SUB, v, args[0], err);
}

PFS_FILTER(mul)
{
    return arithmetic(e, MUL, v, args[0], err);
}

PFS_FILTER(div)
{
    return arithmetic(e, DIV, v, args[0], err);
}

PFS_FILTER(mod)
{
    return arithmetic(e, MOD, v, args[0], err);
}

PFS_FILTER(abs)
{
    int64_t a;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &a, err);
    return r < 0 ? r : pfs_eval_number(e, a == INT64_MIN ? INT64_MAX : llabs(a), v, err);
}

/* At least `width` digits. */
static int padded(struct pfs_eval *e, struct pfs_str *v, struct pfs_str width_text, bool hex,
                  struct pfs_err *err)
{
    int64_t a, width;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &a, err);
    if (r < 0 || (r = pfs_filter_number(e, width_text, &width, err)) < 0)
        return r;
    if (width < 0 || width > 64)
        return pfs_err_set(err, EINVAL, "a width is 0 to 64");
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    int digits = PFS_MAX((int)width, 1);
    if (hex && a < 0)
        return pfs_err_set(err, EINVAL, "a negative number has no hexadecimal form");
    if (hex)
        pfs_buf_printf(&b, "%.*llx", digits, (unsigned long long)a);
    else
        pfs_buf_printf(&b, "%.*lld", digits, (long long)a);
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(pad)
{
    return padded(e, v, args[0], false, err);
}

PFS_FILTER(hex)
{
    return padded(e, v, n_args ? args[0] : pfs_str_of("1"), true, err);
}

PFS_FILTER(sign)
{
    int64_t a;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &a, err);
    if (r < 0 || a < 0)
        return r;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_printf(&b, "+%lld", (long long)a);
    return pfs_filter_take(e, &b, v, err);
}

static int add_duration_part(struct pfs_buf *b, char part, int64_t seconds, struct pfs_err *err)
{
    int64_t size = llabs(PFS_MAX(seconds, -INT64_MAX));
    switch (part) {
    case '+':
        pfs_buf_char(b, seconds < 0 ? '-' : '+');
        return 0;
    case '-':
        pfs_buf_str_add(b, seconds < 0 ? "-" : "");
        return 0;
    case 'h':
        pfs_buf_printf(b, "%lld", (long long)(size / 3600));
        return 0;
    case 'H':
        pfs_buf_printf(b, "%02lld", (long long)(size / 3600));
        return 0;
    case 'm':
        pfs_buf_printf(b, "%lld", (long long)(size / 60 % 60));
        return 0;
    case 'M':
        pfs_buf_printf(b, "%02lld", (long long)(size / 60 % 60));
        return 0;
    case 'S':
        pfs_buf_printf(b, "%02lld", (long long)(size % 60));
        return 0;
    default:
        return pfs_err_set(err, EINVAL, "duration knows no %%%c", part);
    }
}

PFS_FILTER(duration)
{
    int64_t seconds;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &seconds, err);
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0; i < args[0].len && r == 0; i++) {
        if (args[0].s[i] == '%' && i + 1 < args[0].len)
            r = add_duration_part(&b, args[0].s[++i], seconds, err);
        else
            pfs_buf_char(&b, args[0].s[i]);
    }
    return r < 0 ? r : pfs_filter_take(e, &b, v, err);
}

/* The smaller one, or the larger one. */
static int choose(struct pfs_eval *e, bool larger, struct pfs_str *v, struct pfs_str arg, struct pfs_err *err)
{
    int64_t a, b;
    if (v->len == 0)
        return 0;
    int r = pfs_filter_number(e, *v, &a, err);
    if (r < 0 || (r = pfs_filter_number(e, arg, &b, err)) < 0)
        return r;
    return pfs_eval_number(e, larger ? PFS_MAX(a, b) : PFS_MIN(a, b), v, err);
}

PFS_FILTER(min)
{
    return choose(e, false, v, args[0], err);
}

PFS_FILTER(max)
{
    return choose(e, true, v, args[0], err);
}

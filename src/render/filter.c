/* The filters of expressions, one function each, in a table. */
#include "base/utf8.h"
#include "render/eval.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

enum { MANY = PFS_FILTER_ARGS_MAX };

typedef int (*filter_fn)(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n_args,
                         struct pfs_err *err);

struct pfs_filter_kind {
    const char *name;
    unsigned min_args, max_args;
    filter_fn apply;
};

static struct pfs_str on_off(bool on)
{
    return pfs_str_of(on ? "on" : "off");
}

bool pfs_str_true(struct pfs_str s)
{
    static const char *const falses[] = {"off", "no", "0", "none", "false"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(falses); i++)
        if (pfs_str_same(s, pfs_str_of(falses[i])))
            return false;
    return s.len > 0;
}

/* Hands the content of a buffer over as the value, in scratch memory. */
static int take(struct pfs_eval *e, struct pfs_buf *b, struct pfs_str *v, struct pfs_err *err)
{
    if (pfs_buf_error(b) == -EFBIG)
        return pfs_err_set(err, EFBIG, "a value grows beyond %d bytes", PFS_VALUE_MAX);
    char *copy = pfs_buf_error(b) ? NULL : pfs_arena_strndup(&e->scratch, b->data, b->len);
    if (!copy)
        return pfs_err_nomem(err);
    *v = (struct pfs_str){copy, b->len};
    return 0;
}

static int no_number(struct pfs_eval *e, struct pfs_str s, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "%s is no whole number", pfs_eval_shown(e, s));
}

static int number(struct pfs_eval *e, struct pfs_str s, int64_t *ret, struct pfs_err *err)
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

/* ---- truth ---- */

static int filter_bool(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                       struct pfs_err *err)
{
    *v = args[pfs_str_true(*v) ? 0 : 1];
    return 0;
}

static int filter_default(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                          struct pfs_err *err)
{
    if (v->len == 0)
        *v = args[0];
    return 0;
}

static int filter_is(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                     struct pfs_err *err)
{
    bool found = false;
    for (size_t i = 0; i < n; i++)
        found = found || pfs_str_same(*v, args[i]);
    *v = on_off(found);
    return 0;
}

static int filter_not(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    *v = on_off(!pfs_str_true(*v));
    return 0;
}

static int filter_set(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    *v = on_off(v->len > 0);
    return 0;
}

static int filter_isset(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    *v = on_off(e->last_is_set);
    return 0;
}

static int filter_and(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    *v = on_off(pfs_str_true(*v) && pfs_str_true(args[0]));
    return 0;
}

static int filter_or(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                     struct pfs_err *err)
{
    *v = on_off(pfs_str_true(*v) || pfs_str_true(args[0]));
    return 0;
}

static int filter_nonzero(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                          struct pfs_err *err)
{
    if (pfs_str_same(*v, pfs_str_of("0")))
        *v = pfs_str_of("");
    return 0;
}

/* ---- numbers; the empty text stays empty ---- */

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
    int r = number(e, *v, &a, err);
    if (r < 0 || (r = number(e, arg, &b, err)) < 0 || (r = calculate(how, a, b, &result, err)) < 0)
        return r;
    return pfs_eval_number(e, result, v, err);
}

static int filter_add(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return arithmetic(e, ADD, v, args[0], err);
}

static int filter_sub(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return arithmetic(e, SUB, v, args[0], err);
}

static int filter_mul(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return arithmetic(e, MUL, v, args[0], err);
}

static int filter_div(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return arithmetic(e, DIV, v, args[0], err);
}

static int filter_mod(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return arithmetic(e, MOD, v, args[0], err);
}

static int filter_abs(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    int64_t a;
    if (v->len == 0)
        return 0;
    int r = number(e, *v, &a, err);
    return r < 0 ? r : pfs_eval_number(e, a == INT64_MIN ? INT64_MAX : llabs(a), v, err);
}

/* At least `width` digits. */
static int padded(struct pfs_eval *e, struct pfs_str *v, struct pfs_str width_text, bool hex,
                  struct pfs_err *err)
{
    int64_t a, width;
    if (v->len == 0)
        return 0;
    int r = number(e, *v, &a, err);
    if (r < 0 || (r = number(e, width_text, &width, err)) < 0)
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
    return take(e, &b, v, err);
}

static int filter_pad(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return padded(e, v, args[0], false, err);
}

static int filter_hex(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    return padded(e, v, n ? args[0] : pfs_str_of("1"), true, err);
}

static int filter_sign(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                       struct pfs_err *err)
{
    int64_t a;
    if (v->len == 0)
        return 0;
    int r = number(e, *v, &a, err);
    if (r < 0 || a < 0)
        return r;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_printf(&b, "+%lld", (long long)a);
    return take(e, &b, v, err);
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

static int filter_duration(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                           struct pfs_err *err)
{
    int64_t seconds;
    if (v->len == 0)
        return 0;
    int r = number(e, *v, &seconds, err);
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0; i < args[0].len && r == 0; i++) {
        if (args[0].s[i] == '%' && i + 1 < args[0].len)
            r = add_duration_part(&b, args[0].s[++i], seconds, err);
        else
            pfs_buf_char(&b, args[0].s[i]);
    }
    return r < 0 ? r : take(e, &b, v, err);
}

/* ---- text ---- */

static int change_case(struct pfs_eval *e, struct pfs_str *v, int (*change)(int), struct pfs_err *err)
{
    char *copy = pfs_arena_strndup(&e->scratch, v->s, v->len);
    if (!copy)
        return pfs_err_nomem(err);
    for (size_t i = 0; i < v->len; i++)
        if ((unsigned char)copy[i] < 0x80)
            copy[i] = (char)change((unsigned char)copy[i]);
    v->s = copy;
    return 0;
}

static int filter_upper(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    return change_case(e, v, toupper, err);
}

static int filter_lower(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    return change_case(e, v, tolower, err);
}

static int filter_prefix(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                         struct pfs_err *err)
{
    if (v->len == 0)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_add(&b, args[0].s, args[0].len);
    pfs_buf_add(&b, v->s, v->len);
    return take(e, &b, v, err);
}

static int filter_suffix(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                         struct pfs_err *err)
{
    if (v->len == 0)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_add(&b, v->s, v->len);
    pfs_buf_add(&b, args[0].s, args[0].len);
    return take(e, &b, v, err);
}

static int filter_replace(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                          struct pfs_err *err)
{
    struct pfs_str old = args[0];
    if (old.len == 0)
        return pfs_err_set(err, EINVAL, "replace needs something to replace");
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0; i < v->len;) {
        if (v->len - i >= old.len && memcmp(v->s + i, old.s, old.len) == 0) {
            pfs_buf_add(&b, args[1].s, args[1].len);
            i += old.len;
        } else {
            pfs_buf_char(&b, v->s[i++]);
        }
    }
    return take(e, &b, v, err);
}

static bool has_char(struct pfs_str set, const char *c, size_t len)
{
    return memmem(set.s, set.len, c, len) != NULL; /* UTF-8: no character is within another */
}

static int filter_remove(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                         struct pfs_err *err)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    uint32_t code;
    for (size_t i = 0, len; i < v->len; i += len) {
        len = pfs_utf8_decode(v->s + i, v->len - i, &code);
        len = len ? len : 1; /* what is not UTF-8 is refused when it is written */
        if (!has_char(args[0], v->s + i, len))
            pfs_buf_add(&b, v->s + i, len);
    }
    return take(e, &b, v, err);
}

/* Where x begins in v, or v's end. */
static size_t find(struct pfs_str v, struct pfs_str x)
{
    const char *at = x.len ? memmem(v.s, v.len, x.s, x.len) : NULL;
    return at ? (size_t)(at - v.s) : v.len;
}

static int filter_before(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                         struct pfs_err *err)
{
    v->len = find(*v, args[0]);
    return 0;
}

static int filter_after(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    size_t at = find(*v, args[0]);
    size_t skip = at == v->len ? v->len : at + args[0].len;
    *v = (struct pfs_str){v->s + skip, v->len - skip};
    return 0;
}

static int filter_host(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                       struct pfs_err *err)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (v->len >= sizeof text)
        return 0;
    memcpy(text, v->s, v->len);
    text[v->len] = '\0';
    if (inet_pton(AF_INET6, text, address) != 1)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_char(&b, '[');
    pfs_buf_add(&b, v->s, v->len);
    pfs_buf_char(&b, ']');
    return take(e, &b, v, err);
}

/* RFC 3261 25.1: user = unreserved / escaped / user-unreserved. */
static bool is_user_char(unsigned char c)
{
    return isalnum(c) ? c < 0x80 : c && c < 0x80 && strchr("-_.!~*'()&=+$,;?/", c);
}

static int filter_uri(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0; i < v->len; i++) {
        if (is_user_char((unsigned char)v->s[i]))
            pfs_buf_char(&b, v->s[i]);
        else
            pfs_buf_printf(&b, "%%%02X", (unsigned char)v->s[i]);
    }
    return take(e, &b, v, err);
}

static int filter_quote(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_char(&b, '"');
    for (size_t i = 0; i < v->len; i++) {
        if (v->s[i] == '"' || v->s[i] == '\\')
            pfs_buf_char(&b, '\\');
        pfs_buf_char(&b, v->s[i]);
    }
    pfs_buf_char(&b, '"');
    return take(e, &b, v, err);
}

/* ---- lists: items separated by commas ---- */

/* The next item of a list; *at moves behind it. False at the end. */
static bool next_item(struct pfs_str list, size_t *at, struct pfs_str *ret)
{
    if (*at >= list.len)
        return false;
    const char *start = list.s + *at;
    const char *comma = memchr(start, ',', list.len - *at);
    *ret = (struct pfs_str){start, comma ? (size_t)(comma - start) : list.len - *at};
    *at += ret->len + 1;
    return true;
}

/* The place of an item from 1; 0: not there. */
static int64_t place(struct pfs_str list, struct pfs_str wanted)
{
    struct pfs_str item;
    int64_t i = 1;
    for (size_t at = 0; next_item(list, &at, &item); i++)
        if (pfs_str_same(item, wanted))
            return i;
    return 0;
}

static int filter_join(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                       struct pfs_err *err)
{
    const struct pfs_str replacement[] = {pfs_str_of(","), args[0]};
    return filter_replace(e, v, replacement, 2, err);
}

static int filter_item(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                       struct pfs_err *err)
{
    int64_t wanted;
    int r = number(e, args[0], &wanted, err);
    if (r < 0)
        return r;
    struct pfs_str item = pfs_str_of("");
    size_t at = 0;
    for (int64_t i = 0; i < wanted; i++)
        if (!next_item(*v, &at, &item)) {
            item = pfs_str_of("");
            break;
        }
    *v = item;
    return 0;
}

static int filter_index(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                        struct pfs_err *err)
{
    int64_t i = place(*v, args[0]);
    *v = pfs_str_of("");
    return i ? pfs_eval_number(e, i, v, err) : 0;
}

static int filter_has(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n,
                      struct pfs_err *err)
{
    *v = on_off(place(*v, args[0]) > 0);
    return 0;
}

static const struct pfs_filter_kind kinds[] = {
    {"map", 0, 0, NULL},
    {"isset", 0, 0, filter_isset},
    {"bool", 2, 2, filter_bool},
    {"default", 1, 1, filter_default},
    {"is", 1, MANY, filter_is},
    {"not", 0, 0, filter_not},
    {"set", 0, 0, filter_set},
    {"and", 1, 1, filter_and},
    {"or", 1, 1, filter_or},
    {"nonzero", 0, 0, filter_nonzero},
    {"add", 1, 1, filter_add},
    {"sub", 1, 1, filter_sub},
    {"mul", 1, 1, filter_mul},
    {"div", 1, 1, filter_div},
    {"mod", 1, 1, filter_mod},
    {"abs", 0, 0, filter_abs},
    {"pad", 1, 1, filter_pad},
    {"hex", 0, 1, filter_hex},
    {"sign", 0, 0, filter_sign},
    {"duration", 1, 1, filter_duration},
    {"upper", 0, 0, filter_upper},
    {"lower", 0, 0, filter_lower},
    {"prefix", 1, 1, filter_prefix},
    {"suffix", 1, 1, filter_suffix},
    {"replace", 2, 2, filter_replace},
    {"remove", 1, 1, filter_remove},
    {"before", 1, 1, filter_before},
    {"after", 1, 1, filter_after},
    {"host", 0, 0, filter_host},
    {"uri", 0, 0, filter_uri},
    {"quote", 0, 0, filter_quote},
    {"join", 1, 1, filter_join},
    {"item", 1, 1, filter_item},
    {"index", 1, 1, filter_index},
    {"has", 1, 1, filter_has},
};

const struct pfs_filter_kind *pfs_filter_find(const char *name, size_t len)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(kinds); i++)
        if (pfs_str_same(pfs_str_of(kinds[i].name), (struct pfs_str){name, len}))
            return &kinds[i];
    return NULL;
}

bool pfs_filter_takes(const struct pfs_filter_kind *k, size_t n_args)
{
    return n_args >= k->min_args && n_args <= k->max_args;
}

bool pfs_filter_is_map(const struct pfs_filter_kind *k)
{
    return k->apply == NULL;
}

bool pfs_filter_is_isset(const struct pfs_filter_kind *k)
{
    return k->apply == filter_isset;
}

static int apply_map(struct pfs_eval *e, const struct pfs_value_map *map, struct pfs_str *v,
                     struct pfs_err *err)
{
    for (size_t i = 0; i < map->n; i++)
        if (pfs_str_same(*v, map->rules[i].from)) {
            *v = map->rules[i].to;
            return 0;
        }
    if (!map->has_default)
        return pfs_err_set(err, EINVAL, "the map \"%s\" has nothing for %s", map->name,
                           pfs_eval_shown(e, *v));
    *v = map->default_to;
    return 0;
}

int pfs_filter_apply(struct pfs_eval *e, const struct pfs_filter *f, struct pfs_str *v, struct pfs_err *err)
{
    struct pfs_str args[PFS_FILTER_ARGS_MAX];
    if (f->map)
        return apply_map(e, f->map, v, err);
    bool is_set = e->last_is_set; /* of the value, not of an argument */
    for (size_t i = 0; i < f->n_args; i++) {
        int r = pfs_eval_ref(e, &f->args[i], &args[i], err);
        if (r < 0)
            return r;
    }
    e->last_is_set = is_set;
    int r = f->kind->apply(e, v, args, f->n_args, err);
    if (r < 0)
        pfs_err_prefix(err, "%s", f->kind->name);
    return r;
}

/* Filters on text. */
#include "base/utf8.h"
#include "render/filter_impl.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

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

PFS_FILTER(upper)
{
    return change_case(e, v, toupper, err);
}

PFS_FILTER(lower)
{
    return change_case(e, v, tolower, err);
}

PFS_FILTER(prefix)
{
    if (v->len == 0)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_add(&b, args[0].s, args[0].len);
    pfs_buf_add(&b, v->s, v->len);
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(suffix)
{
    if (v->len == 0)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_add(&b, v->s, v->len);
    pfs_buf_add(&b, args[0].s, args[0].len);
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(replace)
{
    struct pfs_str old = args[0];
    if (old.len == 0)
        return pfs_err_set(err, EINVAL, "replace needs something to replace");
    const char *at = v->s, *end = v->s + v->len, *found = v->len ? memmem(at, v->len, old.s, old.len) : NULL;
    if (!found)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (; found; found = memmem(at, (size_t)(end - at), old.s, old.len)) {
        pfs_buf_add(&b, at, (size_t)(found - at));
        pfs_buf_add(&b, args[1].s, args[1].len);
        at = found + old.len;
    }
    pfs_buf_add(&b, at, (size_t)(end - at));
    return pfs_filter_take(e, &b, v, err);
}

static bool has_char(struct pfs_str set, const char *c, size_t len)
{
    return memmem(set.s, set.len, c, len) != NULL; /* UTF-8: no character is within another */
}

/* The length of the character at i; 1 where it is not UTF-8, which is refused when it is written. */
static size_t char_len(struct pfs_str s, size_t i)
{
    uint32_t code;
    size_t len = pfs_utf8_decode(s.s + i, s.len - i, &code);
    return len ? len : 1;
}

PFS_FILTER(remove)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0, len; i < v->len; i += len) {
        len = char_len(*v, i);
        if (!has_char(args[0], v->s + i, len))
            pfs_buf_add(&b, v->s + i, len);
    }
    return pfs_filter_take(e, &b, v, err);
}

/* Where x begins in v, or v's end. */
static size_t find(struct pfs_str v, struct pfs_str x)
{
    const char *at = x.len ? memmem(v.s, v.len, x.s, x.len) : NULL;
    return at ? (size_t)(at - v.s) : v.len;
}

PFS_FILTER(before)
{
    v->len = find(*v, args[0]);
    return 0;
}

PFS_FILTER(after)
{
    size_t at = find(*v, args[0]);
    size_t skip = at == v->len ? v->len : at + args[0].len;
    *v = (struct pfs_str){v->s + skip, v->len - skip};
    return 0;
}

/* What stands behind the last x, all where there is none: a file's name from its address. */
PFS_FILTER(after_last)
{
    for (size_t at; (at = find(*v, args[0])) < v->len;)
        *v = (struct pfs_str){v->s + at + args[0].len, v->len - at - args[0].len};
    return 0;
}

PFS_FILTER(host)
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
    return pfs_filter_take(e, &b, v, err);
}

/* RFC 3261 25.1: user = unreserved / escaped / user-unreserved. */
static bool is_user_char(unsigned char c)
{
    return isalnum(c) ? c < 0x80 : c && c < 0x80 && strchr("-_.!~*'()&=+$,;?/", c);
}

PFS_FILTER(uri)
{
    size_t plain = 0;
    while (plain < v->len && is_user_char((unsigned char)v->s[plain]))
        plain++;
    if (plain == v->len)
        return 0;
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_add(&b, v->s, plain);
    for (size_t i = plain; i < v->len; i++) {
        if (is_user_char((unsigned char)v->s[i]))
            pfs_buf_char(&b, v->s[i]);
        else
            pfs_buf_printf(&b, "%%%02X", (unsigned char)v->s[i]);
    }
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(quote)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    pfs_buf_char(&b, '"');
    for (size_t i = 0; i < v->len; i++) {
        if (v->s[i] == '"' || v->s[i] == '\\')
            pfs_buf_char(&b, '\\');
        pfs_buf_char(&b, v->s[i]);
    }
    pfs_buf_char(&b, '"');
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(refuse)
{
    for (size_t i = 0, len; i < v->len; i += len) {
        len = char_len(*v, i);
        if (has_char(args[0], v->s + i, len))
            return pfs_err_set(err, EINVAL, "%s has a \"%.*s\", which this file cannot hold",
                               pfs_eval_shown(e, *v), (int)len, v->s + i);
    }
    return 0;
}

PFS_FILTER(trim)
{
    size_t start = 0, stop = 0; /* behind the last character that stays */
    while (start < v->len && has_char(args[0], v->s + start, char_len(*v, start)))
        start += char_len(*v, start);
    for (size_t i = start, len; i < v->len; i += len) {
        len = char_len(*v, i);
        stop = has_char(args[0], v->s + i, len) ? stop : i + len;
    }
    *v = (struct pfs_str){v->s + start, stop > start ? stop - start : 0};
    return 0;
}

PFS_FILTER(cut)
{
    int64_t most;
    int r = pfs_filter_number(e, args[0], &most, err);
    size_t end = 0;
    for (int64_t n = 0; r == 0 && n < most && end < v->len; n++)
        end += char_len(*v, end);
    v->len = r < 0 ? v->len : end;
    return r;
}

/* Filters on lists: items separated by commas. */
#include "render/filter_impl.h"

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

PFS_FILTER(join)
{
    const struct pfs_str replacement[] = {pfs_str_of(","), args[0]};
    return pfs_filter_replace(e, v, replacement, 2, err);
}

PFS_FILTER(item)
{
    int64_t wanted;
    int r = pfs_filter_number(e, args[0], &wanted, err);
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

PFS_FILTER(index)
{
    int64_t i = place(*v, args[0]);
    *v = pfs_str_of("");
    return i ? pfs_eval_number(e, i, v, err) : 0;
}

PFS_FILTER(has)
{
    *v = pfs_filter_on_off(place(*v, args[0]) > 0);
    return 0;
}

/* One of the words, which blanks separate. */
static bool is_among(struct pfs_str words, struct pfs_str item)
{
    for (size_t i = 0, len; i < words.len; i += len + 1) {
        const char *blank = memchr(words.s + i, ' ', words.len - i);
        len = blank ? (size_t)(blank - words.s) - i : words.len - i;
        if (pfs_str_same(item, (struct pfs_str){words.s + i, len}))
            return true;
    }
    return false;
}

PFS_FILTER(only)
{
    struct pfs_buf b autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    struct pfs_str item;
    for (size_t at = 0; next_item(*v, &at, &item);) {
        if (!item.len || !is_among(args[0], item))
            continue;
        if (b.len)
            pfs_buf_char(&b, ',');
        pfs_buf_add(&b, item.s, item.len);
    }
    return pfs_filter_take(e, &b, v, err);
}

PFS_FILTER(first)
{
    int64_t wanted;
    int r = pfs_filter_number(e, args[0], &wanted, err);
    struct pfs_str item;
    size_t at = 0, end = 0;
    for (int64_t i = 0; r == 0 && i < wanted && next_item(*v, &at, &item); i++)
        end = (size_t)(item.s - v->s) + item.len;
    v->len = r < 0 ? v->len : end;
    return r;
}

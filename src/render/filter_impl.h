/* What the filters share, and their functions: inside filter*.c only. */
#pragma once

#include "render/eval.h"

/* A filter: changes *v, in scratch memory where it needs some. -EINVAL with what is wrong, without the
 * filter's name. */
#define PFS_FILTER(name)                                                                                     \
    int pfs_filter_##name(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n_args,  \
                          struct pfs_err *err)

struct pfs_str pfs_filter_on_off(bool on);

/* Hands the content of a buffer over as the value, in scratch memory. */
int pfs_filter_take(struct pfs_eval *e, struct pfs_buf *b, struct pfs_str *v, struct pfs_err *err);

/* A whole number of 64 bits. */
int pfs_filter_number(struct pfs_eval *e, struct pfs_str s, int64_t *ret, struct pfs_err *err);

/* filter.c: truth */
PFS_FILTER(bool);
PFS_FILTER(default);
PFS_FILTER(is);
PFS_FILTER(not );
PFS_FILTER(set);
PFS_FILTER(isset);
PFS_FILTER(and);
PFS_FILTER(or);
PFS_FILTER(nonzero);

/* filter_number.c; the empty text stays empty */
PFS_FILTER(add);
PFS_FILTER(sub);
PFS_FILTER(mul);
PFS_FILTER(div);
PFS_FILTER(mod);
PFS_FILTER(abs);
PFS_FILTER(pad);
PFS_FILTER(hex);
PFS_FILTER(sign);
PFS_FILTER(duration);
PFS_FILTER(min);
PFS_FILTER(max);

/* filter_text.c */
PFS_FILTER(upper);
PFS_FILTER(lower);
PFS_FILTER(prefix);
PFS_FILTER(suffix);
PFS_FILTER(replace);
PFS_FILTER(remove);
PFS_FILTER(before);
PFS_FILTER(after);
PFS_FILTER(after_last);
PFS_FILTER(host);
PFS_FILTER(uri);
PFS_FILTER(quote);
PFS_FILTER(refuse);
PFS_FILTER(trim);
PFS_FILTER(cut);

/* filter_list.c: items separated by commas */
PFS_FILTER(join);
PFS_FILTER(item);
PFS_FILTER(index);
PFS_FILTER(has);
PFS_FILTER(only);
PFS_FILTER(first);

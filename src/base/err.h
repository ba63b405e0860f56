/* The error type: a negative errno says what class of thing went wrong, a sentence says what, where and
 * what would be right.
 *
 * Every function that can fail returns 0 (or a count) or a negative errno, and takes as its last parameter a
 * `struct pfs_err *`, which may be NULL. The sentence lives in a fixed array, so that it works when memory is
 * out. A caller that knows more adds it in front with pfs_err_prefix(). No secret and no configuration bytes
 * in a sentence. Not thread-safe: one struct a call chain. */
#pragma once

#include "base/util.h"

#include <errno.h>

#define PFS_ERR_MAX 512

struct pfs_err {
    char msg[PFS_ERR_MAX]; /* UTF-8, one line, no final stop; cut with "…" where too long */
};

/* Writes the sentence and returns -errnum, so that `return pfs_err_set(err, EINVAL, …)` is the idiom.
 * errnum is positive. err may be NULL. Control characters that a value brings are shown as '?'. */
#define pfs_err_set(err, errnum, ...) (pfs_err_write((err), __VA_ARGS__), pfs_err_code(errnum))
static inline int pfs_err_code(int errnum) /* inline, so that compilers see that it is negative */
{
    return -errnum;
}
void pfs_err_write(struct pfs_err *err, const char *fmt, ...) PFS_PRINTF(2, 3);

/* Puts the formatted text and ": " in front of the sentence. */
void pfs_err_prefix(struct pfs_err *err, const char *fmt, ...) PFS_PRINTF(2, 3);

/* "out of memory", -ENOMEM. */
#define pfs_err_nomem(err) pfs_err_set((err), ENOMEM, "out of memory")

/* `what: strerror(errnum)`, -errnum, for a system call that failed. */
int pfs_err_sys(struct pfs_err *err, int errnum, const char *what);

/* The sentence, or the text of the errno where none was set. ret is a negative errno. */
const char *pfs_err_text(const struct pfs_err *err, int ret);

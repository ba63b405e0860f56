#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* A sentence is one line on a terminal and in a log, whatever value it quotes. */
static void make_printable(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

/* Marks a cut, at a character's boundary. */
static void mark_cut(char *buf, size_t size)
{
    static const char mark[] = "…";
    size_t at = size - sizeof mark;
    while (at > 0 && ((unsigned char)buf[at] & 0xc0) == 0x80)
        at--;
    memcpy(buf + at, mark, sizeof mark);
}

static void PFS_PRINTF(3, 0) format(char *buf, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(buf, size, fmt, ap);
    if (n >= 0 && (size_t)n >= size)
        mark_cut(buf, size);
    make_printable(buf);
}

void pfs_err_write(struct pfs_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char text[PFS_ERR_MAX]; /* an argument may point into err itself */
    va_list ap;
    va_start(ap, fmt);
    format(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(err->msg, text, sizeof text);
}

void pfs_err_prefix(struct pfs_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char prefix[PFS_ERR_MAX];
    va_list ap;
    va_start(ap, fmt);
    format(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    char rest[PFS_ERR_MAX];
    memcpy(rest, err->msg, sizeof rest);
    int n = snprintf(err->msg, sizeof err->msg, "%s: %s", prefix, rest);
    if (n >= (int)sizeof err->msg)
        mark_cut(err->msg, sizeof err->msg);
}

int pfs_err_sys(struct pfs_err *err, int errnum, const char *what)
{
    char reason[128];
    return pfs_err_set(err, errnum, "%s: %s", what, strerror_r(errnum, reason, sizeof reason));
}

const char *pfs_err_text(const struct pfs_err *err, int ret)
{
    return err && err->msg[0] ? err->msg : strerrordesc_np(-ret);
}

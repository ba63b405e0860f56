#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>

enum { SMALLEST_ALLOCATION = 256 };

void pfs_buf_done(struct pfs_buf *b)
{
    free(b->data);
    *b = (struct pfs_buf){.limit = b->limit};
}

void pfs_buf_reset(struct pfs_buf *b)
{
    b->len = 0;
    b->error = 0;
}

/* Grows to hold at least `need` bytes. */
static bool grow(struct pfs_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : SMALLEST_ALLOCATION;
    while (cap < need)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->error = -ENOMEM;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *pfs_buf_reserve(struct pfs_buf *b, size_t n)
{
    if (b->error)
        return NULL;
    size_t need;
    if (__builtin_add_overflow(b->len, n, &need) || need > SIZE_MAX / 4 || (b->limit && need > b->limit)) {
        b->error = -EFBIG;
        return NULL;
    }
    if (need > b->cap && !grow(b, need))
        return NULL;
    return b->data ? b->data + b->len : NULL;
}

void pfs_buf_add(struct pfs_buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    char *to = pfs_buf_reserve(b, n);
    if (!to)
        return;
    memcpy(to, bytes, n);
    b->len += n;
}

void pfs_buf_str_add(struct pfs_buf *b, const char *s)
{
    pfs_buf_add(b, s, strlen(s));
}

void pfs_buf_char(struct pfs_buf *b, char c)
{
    pfs_buf_add(b, &c, 1);
}

void pfs_buf_printf(struct pfs_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char small[256];
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->error = b->error ? b->error : -ENOMEM;
        return;
    }
    if ((size_t)n < sizeof small) {
        pfs_buf_add(b, small, (size_t)n);
        return;
    }
    size_t limit = b->limit;
    if (limit && b->len + (size_t)n <= limit)
        b->limit = limit + 1; /* vsnprintf ends with NUL, which is not content */
    char *to = pfs_buf_reserve(b, (size_t)n + 1);
    b->limit = limit;
    if (!to)
        return;
    va_start(ap, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

const char *pfs_buf_str(struct pfs_buf *b)
{
    size_t limit = b->limit;
    b->limit = 0; /* the terminator is not content */
    char *end = pfs_buf_reserve(b, 1);
    b->limit = limit;
    if (!end)
        return "";
    *end = '\0';
    return b->data;
}

#include "base/utf8.h"

/* The number of continuation bytes that a first byte announces, -1 for a byte that begins nothing. */
static int continuation_bytes(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef)
        return 2;
    if (first >= 0xf0 && first <= 0xf4)
        return 3;
    return -1;
}

size_t pfs_utf8_decode(const char *s, size_t n, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s[0];
    int more = continuation_bytes(first);
    if (more < 0 || (size_t)more >= n)
        return 0;
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c & 0x3f);
    }
    if (code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return (size_t)more + 1;
}

bool pfs_utf8_valid(const char *s, size_t n)
{
    uint32_t code;
    for (size_t i = 0; i < n;) {
        size_t len = pfs_utf8_decode(s + i, n - i, &code);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

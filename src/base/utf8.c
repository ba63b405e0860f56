#include "base/utf8.h"

#include <string.h>

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

/* The small letter of a capital one. Latin beyond ASCII comes in two blocks: one where it is 32 further on,
 * one where pairs stand beside each other, the capital even, or odd in the two stretches where one is left
 * out. */
static uint32_t fold(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3ab) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    bool capital_is_odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
    bool in_pairs = c >= 0x100 && c <= 0x17e && c != 0x130 && c != 0x131 && c != 0x138 && c != 0x149;
    if (c == 0x178)
        return 0xff;
    return in_pairs && c % 2 == capital_is_odd ? c + 1 : c;
}

/* The next character folded, 0 at the end; a byte that is none counts behind all characters. */
static uint32_t next_folded(const char **s, const char *end)
{
    uint32_t code;
    if (*s == end)
        return 0;
    size_t len = pfs_utf8_decode(*s, (size_t)(end - *s), &code);
    if (len == 0)
        code = 0x110000u + (unsigned char)**s;
    *s += len ? len : 1;
    return fold(code);
}

int pfs_utf8_compare_folded(const char *a, const char *b)
{
    const char *a_end = a + strlen(a), *b_end = b + strlen(b);
    for (;;) {
        uint32_t x = next_folded(&a, a_end), y = next_folded(&b, b_end);
        if (x != y)
            return x < y ? -1 : 1;
        if (x == 0)
            return 0;
    }
}

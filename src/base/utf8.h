/* UTF-8 (RFC 3629): validity, decoding, order. */
#pragma once

#include "base/util.h"

/* Decodes the character at s (n > 0 bytes are there). Returns its length 1 to 4 and its code point, or 0
 * where the bytes are no character: overlong, surrogate, above U+10FFFF, cut. */
size_t pfs_utf8_decode(const char *s, size_t n, uint32_t *ret_code);

bool pfs_utf8_valid(const char *s, size_t n);

/* Orders two texts by the code points of their characters, capital letters taken as small ones (those of
 * Latin up to U+017F, Greek and Cyrillic): the same on every machine, whatever its locale. Less than, equal
 * to or greater than 0. */
int pfs_utf8_compare_folded(const char *a, const char *b);

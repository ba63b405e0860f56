#include "model/mac.h"

#include <errno.h>
#include <string.h>

enum { N_OCTETS = 6, OCTETS_LEN = 17, QUADS_LEN = 14, QUOTED_MAX = 40 };

#define ALL_ONES 0xffffffffffffull
#define MULTICAST_BIT (1ull << 40)

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_separator(char c)
{
    return c == ':' || c == '-' || c == '.' || c == '_';
}

/* Twelve digits with the same separator after each `group` of them (group 12: none). len bytes are there. */
static bool read_grouped(const char *s, size_t len, size_t group, uint64_t *ret)
{
    uint64_t mac = 0;
    char separator = s[group < PFS_MAC_DIGITS ? group : 0];
    if (group < PFS_MAC_DIGITS && !is_separator(separator))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (i % (group + 1) == group) {
            if (s[i] != separator)
                return false;
            continue;
        }
        int digit = hex_value(s[i]);
        if (digit < 0)
            return false;
        mac = mac << 4 | (uint64_t)digit;
    }
    *ret = mac;
    return true;
}

size_t pfs_mac_scan(const char *s, size_t n, uint64_t *ret)
{
    /* At most one form fits: they differ in where the first separator stands. */
    if (n >= OCTETS_LEN && read_grouped(s, OCTETS_LEN, 2, ret))
        return OCTETS_LEN;
    if (n >= QUADS_LEN && read_grouped(s, QUADS_LEN, 4, ret))
        return QUADS_LEN;
    if (n >= PFS_MAC_DIGITS && read_grouped(s, PFS_MAC_DIGITS, PFS_MAC_DIGITS, ret))
        return PFS_MAC_DIGITS;
    return 0;
}

/* A number as a spreadsheet shows it: 1.5565E+11, with a decimal comma in some languages. */
static bool looks_like_spreadsheet_number(const char *s)
{
    size_t whole = strspn(s, "0123456789");
    if (whole != 1)
        return false;
    s += whole;
    if (*s == '.' || *s == ',')
        s += 1 + strspn(s + 1, "0123456789");
    if (*s != 'e' && *s != 'E')
        return false;
    s++;
    if (*s != '+')
        return false;
    s++;
    size_t exponent = strspn(s, "0123456789");
    return exponent > 0 && s[exponent] == '\0';
}

/* The sentence for a string that is no MAC in any spelling: the most telling reason first. */
static int explain(const char *s, struct pfs_err *err)
{
    if (*s == '\0')
        return pfs_err_set(err, EINVAL, "MAC is empty: twelve hexadecimal digits are needed");
    if (looks_like_spreadsheet_number(s))
        return pfs_err_set(
            err, EINVAL,
            "MAC \"%.*s\" is a number as a spreadsheet shows it: make the column text and enter it again",
            QUOTED_MAX, s);
    size_t n_digits = 0, n_separators = 0;
    char separator = '\0';
    bool mixed = false;
    for (const char *c = s; *c; c++) {
        if (hex_value(*c) >= 0) {
            n_digits++;
        } else if (is_separator(*c)) {
            mixed |= separator && *c != separator;
            separator = *c;
            n_separators++;
        } else {
            return pfs_err_set(
                err, EINVAL,
                "MAC \"%.*s\" has a character that is neither a hexadecimal digit nor one of : - .",
                QUOTED_MAX, s);
        }
    }
    if (mixed)
        return pfs_err_set(err, EINVAL, "MAC \"%.*s\" mixes separators: one of : - . is right, or none",
                           QUOTED_MAX, s);
    if (n_digits == 11 || (n_digits == 10 && n_separators == 0))
        return pfs_err_set(
            err, EINVAL,
            "MAC \"%.*s\" has %zu digits, 12 are needed: a spreadsheet may have eaten leading zeros",
            QUOTED_MAX, s, n_digits);
    if (n_digits != PFS_MAC_DIGITS)
        return pfs_err_set(err, EINVAL, "MAC \"%.*s\" has %zu digit%s, 12 are needed", QUOTED_MAX, s,
                           n_digits, n_digits == 1 ? "" : "s");
    return pfs_err_set(
        err, EINVAL,
        "MAC \"%.*s\" has a separator in the wrong place: 00:15:65:aa:bb:cc or 0015.65aa.bbcc is right",
        QUOTED_MAX, s);
}

int pfs_mac_parse(const char *s, uint64_t *ret, struct pfs_err *err)
{
    uint64_t mac;
    size_t len = strlen(s);
    if (len == 0 || pfs_mac_scan(s, len, &mac) != len)
        return explain(s, err);
    if (mac == 0)
        return pfs_err_set(err, EINVAL, "MAC \"%s\" is all zeros, no device's", s);
    if (mac == ALL_ONES)
        return pfs_err_set(err, EINVAL, "MAC \"%s\" is the broadcast address, no device's", s);
    if (mac & MULTICAST_BIT)
        return pfs_err_set(err, EINVAL,
                           "MAC \"%s\" is a multicast address (the first octet is odd), no device's", s);
    *ret = mac;
    return 0;
}

void pfs_mac_format(uint64_t mac, char out[static PFS_MAC_STR])
{
    char text[PFS_MAC_TEXT_MAX + 1];
    pfs_mac_format_as(mac, false, '\0', text);
    memcpy(out, text, PFS_MAC_STR);
}

void pfs_mac_format_as(uint64_t mac, bool upper, char separator, char out[static PFS_MAC_TEXT_MAX + 1])
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (int i = 0; i < N_OCTETS; i++) {
        unsigned octet = (unsigned)(mac >> (8 * (N_OCTETS - 1 - i))) & 0xff;
        *out++ = digits[octet >> 4];
        *out++ = digits[octet & 0xf];
        if (separator && i < N_OCTETS - 1)
            *out++ = separator;
    }
    *out = '\0';
}

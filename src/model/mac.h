/* MAC addresses: every spelling that vendors and spreadsheets use, one canonical form (twelve lower-case
 * hexadecimal digits), held as a 48-bit integer. */
#pragma once

#include "base/err.h"

enum { PFS_MAC_DIGITS = 12, PFS_MAC_STR = 13, PFS_MAC_TEXT_MAX = 17 };

/* Parses a whole string: 001565aabbcc, 00:15:65:aa:bb:cc, 00-15-65-AA-BB-CC, 0015.65aa.bbcc,
 * 00_15_65_aa_bb_cc, in any case; one kind of separator, between octets or groups of four digits. -EINVAL
 * with what is wrong ("has 11 digits: a spreadsheet may have eaten leading zeros"); also for addresses that
 * are no device's: all 0, all f, multicast. *ret only on success. */
int pfs_mac_parse(const char *s, uint64_t *ret, struct pfs_err *err);

/* Whether the n bytes at s begin with a MAC in any spelling, the longest one; returns how many bytes it
 * takes, or 0. For names asked for by phones: no sentence, no check for addresses that are no device's. */
size_t pfs_mac_scan(const char *s, size_t n, uint64_t *ret);

/* Twelve lower-case digits and a NUL. */
void pfs_mac_format(uint64_t mac, char out[static PFS_MAC_STR]);

/* The same in upper case where `upper`, with `separator` ('\0': none) between octets: at most 17 characters
 * and a NUL. */
void pfs_mac_format_as(uint64_t mac, bool upper, char separator, char out[static PFS_MAC_TEXT_MAX + 1]);

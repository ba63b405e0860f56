/* Files made ahead of who walks through a listing.
 *
 * `ls -l`, rsync and the like ask for the names of a listing one after the other, and wait for each. So two
 * names of each part of a listing are noted, the first and one a little behind it; when they are looked up
 * shortly one after the other, a thread of its own makes the files that stand behind them, for the look-ups
 * that will follow. Whoever only lists makes nothing happen, nor do phones, whose files do not stand in such
 * an order. A look-up checks as ever whether what it finds is current. */
#pragma once

#include "fs/fs.h"

/* Starts the thread. *ret NULL: so few names are remembered (names=) that nothing is made ahead. */
int pfs_ahead_start(struct pfs_fs *fs, struct pfs_ahead **ret, struct pfs_err *err);
void pfs_ahead_stop(struct pfs_ahead *a); /* NULL is taken */

/* The n-th name of a device, from 0, in a part of the listing of a folder (its path; "" the root). a NULL:
 * nothing is done, here and below. */
void pfs_ahead_listed(struct pfs_ahead *a, const char *folder, const char *name, uint64_t mac, size_t n);

/* A path is looked up. */
void pfs_ahead_asked(struct pfs_ahead *a, const char *path);

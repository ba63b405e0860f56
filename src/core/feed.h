/* What was touched since when: the change feed, kept in memory as far as it matters.
 *
 * For each scope and device that the feed named, the newest gen at which it was seen touched. Only a hint:
 * when in doubt (the feed was cut, too much was touched, another epoch) everything counts as touched. Not
 * thread-safe: the owner locks. */
#pragma once

#include "core/resolve.h"

enum { PFS_FEED_MAX = 200000 }; /* different things remembered; past that everything counts as touched */

struct pfs_feed {
    bool started;
    uint64_t era; /* how often it was begun anew: what was found true in another era counts for nothing */
    struct pfs_watermark at; /* brought up to here */
    struct pfs_sign sign; /* read before the snapshot in which it was: while it reads so, nothing is newer */
    int64_t all;          /* everything counts as touched at this gen */
    struct pfs_map touched; /* scope and id, an int64_t each, to gen */
};

void pfs_feed_done(struct pfs_feed *f);

/* Begins anew with the next advance: the inventory has gone back. */
void pfs_feed_restart(struct pfs_feed *f);

/* Brings the feed up to a watermark read in the snapshot of s. A watermark behind it changes nothing. Errors
 * of the store leave it as it was. */
int pfs_feed_advance(struct pfs_feed *f, struct pfs_store *s, const struct pfs_watermark *to,
                     struct pfs_err *err);

/* Whether any of these was touched after gen. */
bool pfs_feed_touched(const struct pfs_feed *f, const struct pfs_dependency *d, size_t n, int64_t gen);

/* The times under which files go out, by name: the same for the same bytes, later for others, after a restart
 * too.
 *
 * Thread-safe: one lock inside, the last one taken. */
#pragma once

#include "store/state.h"

struct pfs_times;

/* state may be NULL: times in memory only; it must outlive this. now: the system's clock, seconds since 1970.
 * 0 or -ENOMEM. */
int pfs_times_new(struct pfs_state *state, int64_t (*now)(void), struct pfs_times **ret);
void pfs_times_free(struct pfs_times *t);

/* The mtime under which bytes of this hash go out: the one they had where they are what was published last;
 * else a later one, never before `at_least`. A time ahead of the clock is made durable before it is shown, so
 * that a restart cannot give it again to other bytes. 1: new bytes; 0: what was published last; -ENOMEM. */
int pfs_times_publish(struct pfs_times *t, const char *name, uint64_t hash, int64_t at_least,
                      int64_t *ret_mtime, struct pfs_err *err);

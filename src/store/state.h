/* What was published: for each file name the hash of its bytes and its mtime, in a database of its own beside
 * the inventory
 * (`DB.state`), so that ETags and Last-Modified survive a restart and mtimes only move forward.
 *
 * One process owns the state (a lock held for life on DB.state-owner): the first phones' mount. Others read
 * it and keep their own in memory. Thread-safe: one lock inside. Never blocks a lookup on the disk, but for
 * pfs_state_commit(). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct pfs_state;

struct pfs_published {
    uint64_t hash; /* of the bytes */
    int64_t mtime; /* seconds since 1970 */
};

/* Opens (makes) the state of the inventory at db_path. owner_wanted: become the owner if none is; a state
 * that cannot be written (the reason in err) or has another owner (no fault: see pfs_state_is_owner()) leaves
 * what this process publishes in a temporary database of its own, and 0 returned; one that is damaged is
 * moved to DB.state.broken and begun anew, with the reason in err (err is "" where all went well).
 * `newest_change`: the time of the inventory's newest change, 0 unknown. */
int pfs_state_open(const char *db_path, bool owner_wanted, int64_t newest_change, int64_t now,
                   struct pfs_state **ret, struct pfs_err *err);
/* Commits what is pending and notes a clean stop. */
void pfs_state_close(struct pfs_state *s);

bool pfs_state_is_owner(const struct pfs_state *s);

/* The smallest mtime that may be given out: 0 after a clean stop, max(start, newest stored, newest change) +
 * 2 after an unclean one, where there was no state, and for who is not the owner. */
int64_t pfs_state_floor(const struct pfs_state *s);

/* What was published last under this name. True and *ret where known (pending ones too). */
bool pfs_state_get(struct pfs_state *s, const char *name, struct pfs_published *ret);

/* Notes what is published; committed with the next batch (a thread inside, within a second). 0 or -ENOMEM
 * (also with a million names waiting for a disk that takes none). */
int pfs_state_put(struct pfs_state *s, const char *name, const struct pfs_published *p);

/* Commits all that is pending before it returns: for a row whose mtime is ahead of the clock. Errors leave it
 * pending. */
int pfs_state_commit(struct pfs_state *s, struct pfs_err *err);

/* Makes sure that after an unclean stop the floor is above mtime: before an mtime that is ahead of the clock
 * is shown. Durable when it returns 0; costs a commit once in PFS_STATE_RESERVE_S seconds of mtime. For the
 * owner. */
enum { PFS_STATE_RESERVE_S = 64 };
int pfs_state_reserve(struct pfs_state *s, int64_t mtime, struct pfs_err *err);

/* The highest second at which a scheduled value was seen to come, kept so that it does not un-come when the
 * clock goes back; raise stores it (with the next batch). */
int64_t pfs_state_clock(struct pfs_state *s);
void pfs_state_raise_clock(struct pfs_state *s, int64_t t);

/* ---- what the owner tells other mounts ---- */

/* Leaves a text of a kind ("unknown", "errors") for the other mounts of the inventory; "" takes it away. For
 * the owner; durable when it returns 0. */
int pfs_state_report_put(struct pfs_state *s, const char *kind, const char *text, struct pfs_err *err);
/* Appends what the owner left; nothing where it left nothing or there is none. */
void pfs_state_report_get(struct pfs_state *s, const char *kind, struct pfs_buf *out);
/* The same for who has no state: of the inventory at db_path. Errors of a state that is there and cannot be
 * read. */
int pfs_state_report_read(const char *db_path, const char *kind, struct pfs_buf *out, struct pfs_err *err);

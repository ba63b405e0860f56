/* Events: a JSON line for each change that was committed to the inventory, by whatever process, and for each
 * phone file that is published with other bytes. What control/events yields.
 *
 *   {"gen":212,"time":"2026-03-01T04:00:00Z","kind":"device","object":"001565aabbcc","key":"sip.server"}
 *   {"gen":213,"time":"…","kind":"profile","object":"office","key":null}       the object itself
 *   {"gen":1,"time":"…","kind":"all","object":"","key":null}                   another inventory was put in
 * its place
 *   {"published":"001565aabbcc.cfg","mtime":"2026-03-01T04:00:00Z","size":11890}
 *   {"missed":37}                                                  the reader was slow: so many lines were
 * dropped
 *
 * Never a value: what an object is set to is read where it stands. kind and key are the audit's (`provfs
 * log`).
 *
 * Lines are numbered and kept in a ring; a reader has a cursor. Two threads inside: one follows the inventory
 * with a store connection of its own, woken by the close of DB.lock after each commit of provfs and by a poll
 * ten times a second for writers that ring no bell; the other calls back who waits. While nobody has a cursor
 * open, nothing is followed and nothing is kept. All functions are thread-safe and none waits, but for
 * pfs_events_stop(). */
#pragma once

#include "core/version.h"
#include "store/store.h"

struct pfs_events;

enum {
    PFS_EVENTS_LINES = 65536,     /* lines kept at most … */
    PFS_EVENTS_BYTES = 8 << 20,   /* … and their bytes */
    PFS_EVENTS_WAITERS_MAX = 4096 /* waiting at one time */
};

struct pfs_events_options {
    size_t lines, bytes; /* 0: as above */
};

/* database: the inventory's path, copied; the catalogue must outlive it. 0 or -ENOMEM. */
int pfs_events_new(const char *database, const struct pfs_catalogue *c, const struct pfs_events_options *o,
                   struct pfs_events **ret, struct pfs_err *err);
/* Starts the threads: after the process has gone to the background. */
int pfs_events_start(struct pfs_events *e, struct pfs_err *err);
/* Calls back all who wait with -ESHUTDOWN and ends the threads; who waits from now on is called back at once.
 * To be called while the FUSE session still is there. */
void pfs_events_stop(struct pfs_events *e);
void pfs_events_free(struct pfs_events *e); /* stops; NULL is taken */

/* ---- reading ---- */

/* Where a reader is. For one thread at a time (the caller's lock). */
struct pfs_events_cursor {
    uint64_t next;   /* the number of the line to read next */
    uint64_t missed; /* lines dropped that it was not told of yet */
    char *rest;      /* what did not fit of a line it has begun to read, owned; NULL: nothing */
    size_t rest_at, rest_len;
};

/* A cursor for what happens from now on: every change committed after `from`, the newest gen that the caller
 * saw (NULL: from some moment within the next tenth of a second on), is told; an earlier one may be too,
 * where others read already. */
void pfs_events_open(struct pfs_events *e, const struct pfs_watermark *from, struct pfs_events_cursor *ret);
void pfs_events_close(struct pfs_events *e, struct pfs_events_cursor *c);

/* Copies lines to out, at most size bytes: whole lines, as many as fit; the first only in part where it alone
 * does not fit (its rest comes next: shells read byte by byte). Returns the bytes; 0: nothing yet. -ENOMEM.
 */
ssize_t pfs_events_read(struct pfs_events *e, struct pfs_events_cursor *c, char *out, size_t size);

/* Whether a read would give something. */
bool pfs_events_ready(struct pfs_events *e, const struct pfs_events_cursor *c);

/* ---- waiting ---- */

/* Called once for each wait that was not taken back, in the hub's own thread, with no lock held: it may
 * answer FUSE requests and notify the kernel. r: 0 there is something to read; -EINTR interrupted; -ESHUTDOWN
 * the hub stops. */
typedef void (*pfs_events_fn)(void *arg, int r);

/* Waiting is in two steps, so that a request can be taken back at any moment without a gap:
 *
 *     ticket = pfs_events_reserve(e, answer, wait);                        // 0: too many wait (-EAGAIN)
 *     fuse_req_interrupt_func(req, interrupted, (void *)ticket);           // interrupted:
 * pfs_events_interrupt(e, ticket) pfs_events_park(e, ticket, &cursor);                                 //
 * from here on req is answer()'s
 *
 * answer() is never called before the ticket is parked. Lines that are there already are called back at once,
 * yet by the hub's thread. After park the caller must touch neither req nor wait. */
uint64_t pfs_events_reserve(struct pfs_events *e, pfs_events_fn fn, void *arg);
void pfs_events_park(struct pfs_events *e, uint64_t ticket, const struct pfs_events_cursor *c);

/* Has fn called with -EINTR soon, by the hub's thread, never by this one: for FUSE's interrupt function,
 * which must not answer by itself (libfuse holds the request's lock). Nothing where the ticket is gone. */
void pfs_events_interrupt(struct pfs_events *e, uint64_t ticket);

/* Takes a ticket back, parked or not. True: fn will not be called, arg is the caller's again. False: it was
 * called, or is being called now. */
bool pfs_events_unpark(struct pfs_events *e, uint64_t ticket);

/* ---- telling ---- */

/* The line of a file published with other bytes. */
void pfs_events_print_published(FILE *out, const char *name, int64_t mtime, uint64_t size);

/* Adds lines that another mount made, each ended by a newline. */
void pfs_events_tell(struct pfs_events *e, const char *lines, size_t len);

/* A pfs_publish_fn (core/content.h); arg: the hub. */
void pfs_events_published(void *arg, const char *name, const struct pfs_version *v);

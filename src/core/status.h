/* The texts of control/status, control/errors and control/unknown: lines for people and for scripts. No
 * secret is in them, and no value. */
#pragma once

#include "core/content.h"

struct pfs_status {
    struct pfs_content *content;
    struct pfs_state *state;          /* NULL: times are kept in memory only */
    int64_t started;                  /* seconds since 1970 */
    size_t (*count_nodes)(void *arg); /* files that the kernel holds; NULL: not told */
    void *arg;
    const uint64_t *opens; /* files opened so far, atomic; NULL: the mount is not asked */
};

/* `KEY VALUE` lines: version schema gen devices profiles accounts customers models fetched not_fetched names
 * nodes lookups hits renders opens failures failing unknown unknown_names cache_bytes cache_limit cache_hits
 * cache_misses plans plans_bytes plans_limit plans_hits plans_misses templates problems state_owner started.
 * Then of the mount that owns the state, where that is another, what it told last: `phones_KEY VALUE`.
 * Further ones may come; none is renamed. Inside a snapshot of s. */
int pfs_status_print(const struct pfs_status *st, struct pfs_store *s, struct pfs_buf *out,
                     struct pfs_err *err);

/* What is wrong now, a line each: file, device, cause, between tabs; `-` where it is of no one file or
 * device. Templates first, then models in use that no template has, devices without a model, and files that
 * were asked for and cannot be made: these are tried again before. Past a thousand of a kind the rest is a
 * number. Outside a snapshot of s. */
int pfs_errors_print(struct pfs_content *c, struct pfs_store *s, struct pfs_buf *out, struct pfs_err *err);

/* What the mount tells others of itself, every few seconds: of the above what the inventory does not say, for
 * counting a million devices takes its time. Inside a snapshot of s. */
int pfs_status_report(const struct pfs_status *st, struct pfs_store *s, struct pfs_buf *out,
                      struct pfs_err *err);
/* What is told of the mount that owns the state, where that is another: lines of `kind` ("unknown", "errors")
 * that it left, less what is in `out` already and names that have come into the inventory since. Inside a
 * snapshot of s, or outside for errors. */
void pfs_reported_print(struct pfs_state *state, const char *kind, struct pfs_store *s, struct pfs_buf *out);

/* Names asked for that look like a MAC and are in no inventory, a line each, the newest first: MAC, name, how
 * often, when last (RFC 3339), vendors that the MAC may be of (with blanks between, `-` none known), between
 * tabs. What has come into the inventory since is left out, and forgotten. Inside a snapshot of s. */
int pfs_unknown_print(struct pfs_content *c, struct pfs_store *s, struct pfs_buf *out, struct pfs_err *err);

/* Promise P5, before a change is committed: nothing is set that a phone's file could not hold. */
#pragma once

#include "core/context.h"

/* Collects what a transaction touched; zero it, then note, then check, then done. */
struct pfs_check {
    struct pfs_map macs;   /* devices whose files must render; values are not looked at */
    struct pfs_map scopes; /* shared scopes that changed: each once */
    int64_t since; /* the gen at which the transaction began: which directories changed; 0: not looked at */
    struct pfs_check_value *values; /* what was set, newest first */
    struct pfs_map pairs;           /* models and profiles that devices were given: each once */
    struct pfs_map books;           /* pfs_check_device() */
    struct pfs_arena arena;
};

/* Notes that this scope's setting got this value. For device, line and account the devices reached are noted;
 * for site, model, profile and customer the value itself, and the scope. value NULL: unset. */
int pfs_check_note_setting(struct pfs_check *k, struct pfs_context *c, enum pfs_scope scope, int64_t id,
                           const char *key, const char *value, struct pfs_err *err);
/* Notes that a device of this model was given this profile, or the other way round. */
int pfs_check_note_profile(struct pfs_check *k, const char *model, const char *profile, struct pfs_err *err);
/* Notes a device that got a model, profile, customer, account. */
int pfs_check_note_device(struct pfs_check *k, uint64_t mac, struct pfs_err *err);
/* Notes whatever devices this scope reaches (an account that was renamed) or, for a shared scope, the scope
 * itself. */
int pfs_check_note_scope(struct pfs_check *k, struct pfs_context *c, enum pfs_scope scope, int64_t id,
                         struct pfs_err *err);

/* Inside the write, before commit: every noted device's every file renders (its lines are within the
 * model's), the phone books of the customers touched since `since` do on a device of each model that the
 * customer has, every noted value can be written by each file syntax of the models in use, and a sample of
 * each such model renders; accounts that settings refer to exist. -EINVAL
 * (-ENOENT for an account) with device or key, and why. Uses c->resolver: reset it when the write is rolled
 * back. */
int pfs_check_run(struct pfs_check *k, struct pfs_context *c, struct pfs_err *err);
void pfs_check_done(struct pfs_check *k);

/* After pfs_check_run(), inside the write still: appends a note for each model that has no place for what was
 * set in a profile, or for what is set in the profile that a device was given (core/express.h). */
int pfs_check_notes(struct pfs_check *k, struct pfs_context *c, struct pfs_buf *out, struct pfs_err *err);

/* Whether each file of this model can hold the value, by its syntax alone; of a native key each that can have
 * the key, which is one at least. -EINVAL `sip.password: has a line break, …`. */
int pfs_check_value(const struct pfs_model *m, const char *key, const char *value, struct pfs_err *err);

/* Whether a device of this model has this line. -EINVAL `line 5: yealink-t42s has 3 lines`. */
int pfs_check_line(const struct pfs_model *m, unsigned number, struct pfs_err *err);

/* Renders all files of one device; -EINVAL `001565aabbcc.cfg: …`. Inside a snapshot or write. ret_bytes (may
 * be NULL) adds up.
 *
 * A phone book has all contacts only for the first device of a customer and a model, and one contact for the
 * others: a customer's 10,000 phones, each with 10,000 contacts, would take hours. `books` (zeroed; values
 * are not looked at; pfs_map_done() is the caller's) has those that were rendered whole. */
int pfs_check_device(struct pfs_context *c, struct pfs_map *books, uint64_t mac, size_t *ret_bytes,
                     struct pfs_err *err);

/* Renders the files common to a model, or (NULL) to each vendor. Inside a snapshot or write. */
int pfs_check_common(struct pfs_context *c, const char *model, struct pfs_err *err);

/* Promise P5, before a change is committed: nothing is set that a phone's file could not hold. */
#pragma once

#include "core/context.h"

/* Collects what a transaction touched; zero it, then note, then check, then done. */
struct pfs_check {
    struct pfs_map macs;   /* devices whose files must render */
    struct pfs_map values; /* settings of shared scopes: key, value */
    bool profiles;         /* a shared scope changed: render samples for the models in use */
    struct pfs_arena arena;
};

/* Notes that this scope's setting got this value. For device, line and account the devices reached are noted; for site, model,
 * profile and customer the value itself. value NULL: unset. */
int pfs_check_note_setting(struct pfs_check *k, struct pfs_context *c, enum pfs_scope scope, int64_t id, const char *key,
                           const char *value, struct pfs_err *err);
/* Notes a device that got a model, profile, customer, account. */
int pfs_check_note_device(struct pfs_check *k, uint64_t mac, struct pfs_err *err);

/* Inside the write, before commit: every noted device's every file renders (its lines are within the model's), every noted value can be written
 * by each file syntax of the models in use, and a sample of each such model renders. -EINVAL with device or key, and why. Uses
 * c->resolver: reset it when the write is rolled back. */
int pfs_check_run(struct pfs_check *k, struct pfs_context *c, struct pfs_err *err);
void pfs_check_done(struct pfs_check *k);

/* Renders all files of one device; -EINVAL `001565aabbcc.cfg: …`. Inside a snapshot or write. ret_bytes (may be NULL) adds up. */
int pfs_check_device(struct pfs_context *c, uint64_t mac, size_t *ret_bytes, struct pfs_err *err);

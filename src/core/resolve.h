/* Resolution: a device and everything that decides its files, read in one snapshot.
 *
 * The scopes that many devices share (site, models, profiles, customers that set something) are few and live
 * in memory, in a resolver that all threads share; a device's own rows are fetched by its MAC. A resolver is
 * brought up to the snapshot that asks: within the caller's transaction it reads the scopes that the feed
 * names. So a change to a profile costs one scope, never a million devices. */
#pragma once

#include "render/library.h"
#include "store/store.h"

struct pfs_resolver;

/* The catalogue must outlive it. 0 or -ENOMEM. */
int pfs_resolver_new(const struct pfs_catalogue *c, struct pfs_resolver **ret);
void pfs_resolver_free(struct pfs_resolver *r);

/* Forgets all scopes: after a rolled-back write in which it was used; and where -ESTALE comes again and
 * again: then the inventory has gone back. */
enum { PFS_STALE_TRIES = 8 };
void pfs_resolver_reset(struct pfs_resolver *r);

/* A scope that had a say, whether or not it sets anything now. */
struct pfs_dependency {
    enum pfs_scope scope; /* SITE, MODEL, PROFILE, CUSTOMER */
    int64_t id;
};

/* All that a file's bytes depend on. Counted and immutable: a version keeps it and can be rendered again from
 * it. */
struct pfs_inputs {
    unsigned refs; /* atomic */
    const struct pfs_catalogue *catalogue;
    struct pfs_device *device; /* NULL: a file common to a model or vendor */
    struct pfs_base *base;
    int64_t now;                             /* resolved for this second … */
    int64_t next;                            /* … and the same until this one; INT64_MAX */
    int64_t came;                            /* when the newest scheduled value in force came, 0: none has */
    const struct pfs_layer **line_customers; /* one for each line; NULL where no line has any */
    struct pfs_scope_object **held;          /* what keeps line_customers alive */
    struct pfs_directory *directory;         /* pfs_resolve_directory(); NULL: none, or not asked for */
    size_t n_held;
    size_t n_shared, n_own;              /* what it stands on, beside the device: */
    const struct pfs_dependency *shared; /* the base's, as long as that lives */
    struct pfs_dependency *own;          /* customers: the device's and its accounts'; the device's memory */
};

struct pfs_inputs *pfs_inputs_ref(struct pfs_inputs *i);
void pfs_inputs_unref(struct pfs_inputs *i);

/* The view for a render; borrows from the inputs. */
void pfs_inputs_phone(const struct pfs_inputs *i, struct pfs_phone *ret);

/* Resolves a device, inside a snapshot or a write of s. -ENOENT no such device; -ESTALE the resolver has been
 * brought past this snapshot by another thread: end it and begin anew. A device without a model has inputs
 * too (device->model NULL). */
int pfs_resolve_device(struct pfs_resolver *r, struct pfs_store *s, uint64_t mac, int64_t now,
                       struct pfs_inputs **ret, struct pfs_err *err);

/* Adds the directory of the device's customer to inputs that nobody shares yet, in the snapshot or write in
 * which they were resolved: for files that hold contacts. All devices of a customer share one, which is read
 * anew when the feed has named the customer, or at its next scheduled value. Nothing where the device has no
 * customer. */
int pfs_resolve_directory(struct pfs_resolver *r, struct pfs_store *s, struct pfs_inputs *i,
                          struct pfs_err *err);

/* As pfs_resolve_device() for files common to a model (name) or to a vendor (NULL): default, site and model
 * only. */
int pfs_resolve_common(struct pfs_resolver *r, struct pfs_store *s, const char *model, int64_t now,
                       struct pfs_inputs **ret, struct pfs_err *err);

/* A profile alone, as a device of this model and of no customer (the profile's owner where it has one) would
 * have it: for checks. */
int pfs_resolve_profile(struct pfs_resolver *r, struct pfs_store *s, const char *model, int64_t profile,
                        int64_t now, struct pfs_inputs **ret, struct pfs_err *err);

/* Begins a snapshot, resolves and ends it, again where it must; with the directory where a file of the
 * device's model in this library (NULL: none) holds contacts. Outside a transaction. */
int pfs_resolve_now(struct pfs_resolver *r, struct pfs_store *s, const struct pfs_library *l, uint64_t mac,
                    int64_t now, struct pfs_inputs **ret, struct pfs_err *err);
/* The same for a file common to a model or vendor. */
int pfs_resolve_common_now(struct pfs_resolver *r, struct pfs_store *s, const struct pfs_file *file,
                           int64_t now, struct pfs_inputs **ret, struct pfs_err *err);

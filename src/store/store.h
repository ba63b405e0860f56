/* The inventory, as everything above sees it. Nothing above store/ knows which engine is behind.
 *
 * A `struct pfs_store` is one connection: for one thread at a time. Readers take a snapshot (begin … end) and
 * see one state of the inventory in it; writers take the writer lock and a transaction (write … commit or
 * rollback), in which the reading functions see what was written so far. Objects are named as users name
 * them: a device by its MAC in any spelling, a line by MAC/N, the site by "". Their ids are the engine's (a
 * device's is its MAC); the site's is 0.
 *
 * Errors of all functions besides their own: -ENOMEM; -EBUSY the database or the writer lock was held by
 * another for PFS_STORE_BUSY_MS; -EROFS it cannot be written; -ENOSPC; -EIO it is damaged or the disk fails.
 * Functions that take a callback stop when it returns non-zero and return that. Strings handed to callbacks
 * live until they return. Values are not checked here against the catalogue: that is core/'s; names, MACs and
 * references are. */
#pragma once

#include "model/directory.h"

enum { PFS_STORE_BUSY_MS = 2000, PFS_SCHEMA_VERSION = 4 };

struct pfs_store;

/* ---- opening ---- */

/* Makes a new inventory at path with the catalogue's secret keys known to its audit. -EEXIST where there is
 * one. */
int pfs_store_create(const char *path, const struct pfs_catalogue *c, struct pfs_err *err);

/* Opens an inventory, migrates an older schema (under the writer lock). -ENOENT no file (the sentence names
 * `provfs init`); -EINVAL not an inventory, or of a newer schema; -EACCES it may not be read. One that cannot
 * be written opens for reading, also on media without write access. The catalogue must outlive the store. */
int pfs_store_open(const char *path, const struct pfs_catalogue *c, struct pfs_store **ret,
                   struct pfs_err *err);
void pfs_store_close(struct pfs_store *s);

/* ---- reading ---- */

int pfs_store_begin(struct pfs_store *s,
                    struct pfs_err *err); /* a snapshot; not nested, none inside a write */
/* How long the reading functions wait for a lock of another, instead of PFS_STORE_BUSY_MS. */
void pfs_store_patience(struct pfs_store *s, int wait_ms);
void pfs_store_end(struct pfs_store *s);

/* The clock: gen grows with each commit that changed something; another epoch means another inventory or
 * another file (restored, say). Of one epoch gen may only go back where somebody restored into the open file.
 */
struct pfs_watermark {
    int64_t epoch;
    int64_t gen;
};
int pfs_store_watermark(struct pfs_store *s, struct pfs_watermark *ret, struct pfs_err *err);

/* What every commit changes, whoever makes it: while it reads the same, nothing has been committed. Read
 * without a snapshot, in some nanoseconds. False, and nothing in it: it cannot be told now, or this engine
 * has none. */
struct pfs_sign {
    uint64_t words[7];
};
bool pfs_store_sign(struct pfs_store *s, struct pfs_sign *ret);
/* The sign as it read before the snapshot was begun. Nothing in it: as above. Never NULL. */
const struct pfs_sign *pfs_store_snapshot_sign(const struct pfs_store *s);

/* What was touched after `since`, resolved: scope DEVICE with a MAC (also for its lines and the accounts on
 * them and the accounts that its settings refer to), or SITE, MODEL, PROFILE, CUSTOMER with an id, or
 * DEFAULT: everything. The same thing may come more than once. -ESTALE where the feed no longer reaches back
 * to `since`: everything counts as touched. */
typedef int (*pfs_change_fn)(void *arg, enum pfs_scope scope, int64_t id);
int pfs_store_changes(struct pfs_store *s, int64_t since, pfs_change_fn fn, void *arg, struct pfs_err *err);

/* A scope that many devices share. */
struct pfs_scope_row {
    struct pfs_layer layer; /* scope, object (id), name, its settings of all times */
    int64_t parent;         /* profile: the parent's id, 0 none */
    int64_t customer;       /* profile: the owner's id, 0 shared */
};
/* All scopes: the site, every model and profile, and each customer that sets something; in no order. */
typedef int (*pfs_scope_fn)(void *arg, const struct pfs_scope_row *row);
int pfs_store_scopes(struct pfs_store *s, pfs_scope_fn fn, void *arg, struct pfs_err *err);
/* One of them; fn is not called where it does not exist (or is a customer that sets nothing). */
int pfs_store_scope(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_scope_fn fn, void *arg,
                    struct pfs_err *err);

/* A device with its lines, their accounts and all their settings; references are empty. -ENOENT. The caller
 * unrefs. */
int pfs_store_device(struct pfs_store *s, uint64_t mac, struct pfs_device **ret, struct pfs_err *err);
/* Adds the account's settings to d->references; nothing where it is there already or there is no such
 * account. */
int pfs_store_reference(struct pfs_store *s, struct pfs_device *d, const char *account, struct pfs_err *err);

/* The accounts of a customer, PFS_DIRECTORY_MAX of the oldest, with what each sets of the keys that a
 * directory uses (pfs_directory_uses(); of all times): one query along indexes, whose cost is that of the
 * accounts. */
typedef int (*pfs_account_fn)(void *arg, const char *account, const struct pfs_layer *settings);
int pfs_store_directory(struct pfs_store *s, int64_t customer, pfs_account_fn fn, void *arg,
                        struct pfs_err *err);

/* The customers that were touched after gen `since`, each once: among them all whose directory changed. */
typedef int (*pfs_id_fn)(void *arg, int64_t id);
int pfs_store_customers_since(struct pfs_store *s, int64_t since, pfs_id_fn fn, void *arg,
                              struct pfs_err *err);

/* The models that a customer's devices have, each with the first of these. */
typedef int (*pfs_model_fn)(void *arg, const char *model, uint64_t mac);
int pfs_store_models_of(struct pfs_store *s, int64_t customer, pfs_model_fn fn, void *arg,
                        struct pfs_err *err);

/* Devices in order of MAC, from `from_mac` on (inclusive), for directory listings. model NULL: none yet. */
typedef int (*pfs_list_fn)(void *arg, uint64_t mac, const char *model, bool enabled);
int pfs_store_list(struct pfs_store *s, uint64_t from_mac, pfs_list_fn fn, void *arg, struct pfs_err *err);

/* The models that at least one device has, by name. Costs a probe a model, not a device. */
typedef int (*pfs_name_fn)(void *arg, const char *name);
int pfs_store_models_in_use(struct pfs_store *s, pfs_name_fn fn, void *arg, struct pfs_err *err);
/* The same for devices of this profile or of one below it. */
int pfs_store_models_of_profile(struct pfs_store *s, int64_t profile, pfs_name_fn fn, void *arg,
                                struct pfs_err *err);

/* Enabled devices that have no model yet, and so no file, in order of MAC. Costs what these cost. */
typedef int (*pfs_mac_fn)(void *arg, uint64_t mac);
int pfs_store_without_model(struct pfs_store *s, pfs_mac_fn fn, void *arg, struct pfs_err *err);

/* ---- objects: what commands, control files and exports show ---- */

/* Fields an object may have besides its name. NULL in pfs_object where it is not set or not of that kind. */
enum pfs_field {
    PFS_FIELD_MODEL,        /* device */
    PFS_FIELD_PROFILE,      /* device */
    PFS_FIELD_PARENT,       /* profile: a profile */
    PFS_FIELD_CUSTOMER,     /* device, profile, account */
    PFS_FIELD_ENABLED,      /* device, customer: yes | no */
    PFS_FIELD_INVENTORY_ID, /* device */
    PFS_FIELD_SOURCE,       /* device, account: the NAME of the import --sync that brought it */
    PFS_FIELD_NOTE,         /* device, profile, customer, account */
    PFS_N_FIELDS
};
const char *pfs_field_name(enum pfs_field field);
int pfs_field_parse(const char *name, enum pfs_field *ret); /* 0 or -ENOENT */
bool pfs_field_of(enum pfs_scope kind, enum pfs_field field);

struct pfs_object {
    enum pfs_scope kind;
    int64_t id;
    const char *name;
    const char *fields[PFS_N_FIELDS];
};

/* The id of an object. -ENOENT "no such profile: ofice", -EINVAL for a MAC that is none. DEFAULT is no kind.
 */
int pfs_store_find(struct pfs_store *s, enum pfs_scope kind, const char *name, int64_t *ret_id,
                   struct pfs_err *err);

/* Calls fn once with the object. -ENOENT. */
typedef int (*pfs_object_fn)(void *arg, const struct pfs_object *o);
int pfs_store_object(struct pfs_store *s, enum pfs_scope kind, int64_t id, pfs_object_fn fn, void *arg,
                     struct pfs_err *err);

/* All objects of a kind in order of name, devices of MAC; MODEL: models that have a row (were used once). */
int pfs_store_objects(struct pfs_store *s, enum pfs_scope kind, pfs_object_fn fn, void *arg,
                      struct pfs_err *err);

/* Rows of an object's settings, by key and time; or (object -1) every row of the keys that match a GLOB, of
 * every scope. */
struct pfs_setting_row {
    enum pfs_scope scope;
    int64_t object;
    const char *object_name;
    const char *key;
    const char *value; /* NULL: ends */
    int64_t from;
};
typedef int (*pfs_setting_fn)(void *arg, const struct pfs_setting_row *row);
int pfs_store_settings(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_setting_fn fn, void *arg,
                       struct pfs_err *err);
int pfs_store_values(struct pfs_store *s, const char *key_glob, pfs_setting_fn fn, void *arg,
                     struct pfs_err *err);

/* Lines: of a device by number (by MAC), or those that hold an account. */
struct pfs_line_row {
    int64_t id;
    uint64_t mac;
    unsigned number;
    const char *account; /* NULL: none */
};
typedef int (*pfs_line_fn)(void *arg, const struct pfs_line_row *row);
int pfs_store_lines(struct pfs_store *s, uint64_t mac, pfs_line_fn fn, void *arg, struct pfs_err *err);
int pfs_store_lines_of_account(struct pfs_store *s, int64_t account, pfs_line_fn fn, void *arg,
                               struct pfs_err *err);

/* Devices (MACs ascending) that a scope reaches: of a profile with all below it, a customer, a model, an
 * account (on a line), the site: all; a line: its device. */
int pfs_store_devices_of(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_mac_fn fn, void *arg,
                         struct pfs_err *err);

/* How many devices a scope reaches, and in how many of these a stronger scope sets the key (now). Set-based:
 * its cost is the devices of the scope counted by index and the rows of that key, not devices times rows. */
int pfs_store_reach(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, int64_t now,
                    int64_t *ret_devices, int64_t *ret_stronger, struct pfs_err *err);

int pfs_store_count(struct pfs_store *s, enum pfs_scope kind, int64_t *ret, struct pfs_err *err);

/* ---- the audit ---- */

struct pfs_log_row {
    int64_t id; /* grows with each row; may start anew where all rows were taken away */
    int64_t gen, time;
    const char *login, *via, *reason; /* reason NULL: none */
    const char *kind, *object;        /* kind: a scope's name */
    const char *key;                  /* a setting's key, a field's name, or NULL: the object itself */
    int64_t from;                     /* a setting: from when it holds; 0: at once */
    const char *old, *new_; /* NULL: was not, is not; secrets: "changed" in both where they were set */
};
struct pfs_log_filter {
    const char *kind, *object; /* NULL: all */
    const char *key;           /* NULL: all */
    int64_t since;             /* time; 0: all */
    int64_t after_gen; /* only rows of a later gen; costs what these cost, not the whole audit; 0: all */
    int64_t after_id;  /* only rows of a greater id: to read on where a callback stopped; 0: all */
    bool newest_first;
};
typedef int (*pfs_log_fn)(void *arg, const struct pfs_log_row *row);
int pfs_store_log(struct pfs_store *s, const struct pfs_log_filter *f, pfs_log_fn fn, void *arg,
                  struct pfs_err *err);

/* ---- writing ---- */

/* Who writes, for the audit. login e.g. "ann"; via "command", "ctl", a path, an import's file and digest. */
struct pfs_writer {
    const char *login, *via;
    const char *reason; /* NULL: none */
};

/* Takes the writer lock and begins. */
int pfs_store_write(struct pfs_store *s, const struct pfs_writer *who, struct pfs_err *err);
/* Durable when it returns 0. *ret_gen (may be NULL): the newest gen now. On error everything is rolled back.
 */
int pfs_store_commit(struct pfs_store *s, int64_t *ret_gen, struct pfs_err *err);
void pfs_store_rollback(struct pfs_store *s); /* nothing where no write is under way */

/* Adds an object. name: a device's MAC, a line's MAC/N (without account). MODEL and SITE are never added.
 * -EEXIST; -EINVAL bad name. */
int pfs_store_add(struct pfs_store *s, enum pfs_scope kind, const char *name, int64_t *ret_id,
                  struct pfs_err *err);

/* ---- much that is new: an object with all that it has in one row ---- */

/* Says, in a write, that much will be added: by the next three functions, for which the triggers then rest
 * while they follow each other. With the first the feed says that everything has changed; the audit says the
 * same as ever. */
int pfs_store_expect_many(struct pfs_store *s, struct pfs_err *err);

/* Adds a device, an account or a customer with what it has (by enum pfs_field; NULL: not set; not `enabled`).
 * -EEXIST; -EINVAL and -ENOENT as of pfs_store_update(), and nothing is added. */
int pfs_store_add_with(struct pfs_store *s, enum pfs_scope kind, const char *name, const char *const *fields,
                       int64_t *ret_id, struct pfs_err *err);

/* Sets a value, from now on, of an object that was added in this write (neither its existence nor that this
 * is its name is looked at) and has nothing of this key: -EEXIST. 0. */
int pfs_store_set_new(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *object,
                      const char *key, const char *value, struct pfs_err *err);

/* Makes a line of a device that was added in this write, with an account (0 and NULL: none). -EEXIST it is
 * there; -EINVAL no such number, device or account. */
int pfs_store_assign_new(struct pfs_store *s, uint64_t mac, unsigned number, int64_t account,
                         const char *account_name, int64_t *ret_id, struct pfs_err *err);

/* ---- objects ---- */

/* The id of a model by name, making its row where it was never used: before settings of scope MODEL are set.
 * -EINVAL bad name. */
int pfs_store_model(struct pfs_store *s, const char *name, int64_t *ret_id, struct pfs_err *err);

/* Sets a field by text; NULL clears it. 1 changed, 0 held already. -ENOENT no such customer, profile; -EINVAL
 * a field of another kind, a profile that would be its own ancestor, a device's profile owned by another
 * customer (whichever of the two fields changes; also a shared profile below an owned one, or parents with
 * another owner), `enabled` not yes|no. A model's name is taken as it is: that it exists is core/'s to check.
 */
int pfs_store_update(struct pfs_store *s, enum pfs_scope kind, int64_t id, enum pfs_field field,
                     const char *value, struct pfs_err *err);

/* A device gets another MAC with all that hangs on it; references by name to an account follow it. -EEXIST.
 */
int pfs_store_rename(struct pfs_store *s, enum pfs_scope kind, int64_t id, const char *name,
                     struct pfs_err *err);

/* -ENOTEMPTY in use, with what uses it (a profile with devices or children, an account on a line, a device
 * with lines, a customer with devices, accounts or profiles), unless recursive: then what hangs on it goes or
 * loses its reference (devices of a deleted profile keep no profile; a deleted customer's devices, accounts
 * and profiles go with it; lines of a deleted account are released). */
int pfs_store_delete(struct pfs_store *s, enum pfs_scope kind, int64_t id, bool recursive,
                     struct pfs_err *err);

/* Puts an account (0: none) on a line, making the line. 1 changed, 0 held already. number 1 and up. */
int pfs_store_assign(struct pfs_store *s, uint64_t mac, unsigned number, int64_t account,
                     struct pfs_err *err);
/* Takes the line away with its settings. 1, or 0 where there was none. */
int pfs_store_release(struct pfs_store *s, uint64_t mac, unsigned number, struct pfs_err *err);

/* Sets a value (NULL: ends there) from a second on. from 0: from now, replacing what is in force and leaving
 * what is scheduled after `now`; a NULL then takes the row away. 1 changed, 0 held already. */
int pfs_store_set(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, const char *value,
                  int64_t from, int64_t now, struct pfs_err *err);
/* Takes away what is scheduled after `now` for this key. 1 or 0. */
int pfs_store_unschedule(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, int64_t now,
                         struct pfs_err *err);
/* Takes away the one row that is scheduled for exactly `from`. 1 or 0. */
int pfs_store_unschedule_at(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key,
                            int64_t from, struct pfs_err *err);

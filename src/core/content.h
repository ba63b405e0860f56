/* Names to immutable versions: what a phone asks for becomes the bytes that are true now.
 *
 * A lookup is the check, and the only one: it finds the device, makes sure that the version at hand is
 * current, else renders, and gives a version with exact size and mtime. Nothing is rendered unasked, but for
 * whoever walks through a listing (pfs_content_prepare()).
 * Thread-safe; each thread brings its own store connection. */
#pragma once

#include "core/context.h"
#include "core/failures.h"
#include "core/unknown.h"
#include "core/version.h"
#include "store/state.h"

struct pfs_content;

struct pfs_content_options {
    size_t cache_bytes;     /* bytes of versions kept; 0: 16 MiB */
    size_t entries;         /* names remembered with their last version; 0: 200,000 */
    int64_t (*clock)(void); /* seconds since 1970; NULL: the system's. For tests */
};

/* Takes over c's library (a new reference) and follows its folders. config and catalogue must outlive it;
 * state may be NULL (times in memory only). */
int pfs_content_new(const struct pfs_context *c, struct pfs_state *state, const struct pfs_content_options *o,
                    struct pfs_content **ret, struct pfs_err *err);
/* Starts the thread that takes up changed templates. After the process has gone to the background. */
int pfs_content_start(struct pfs_content *c, struct pfs_err *err);
void pfs_content_free(struct pfs_content *c);

/* Names are paths below the mount's root, in any spelling; a folder's path is "" for the root itself. */

/* Whether the inventory could have a file of this name, so that its answer hangs on the store. */
bool pfs_content_concerns(struct pfs_content *c, const char *name);

/* Finds the version that a name leads to now, a reference for the caller. -ENOENT nothing of that name comes
 * from the inventory; *ret_absent then: it must not come from elsewhere either. -EIO it cannot be made and no
 * version made before is in memory. */
int pfs_content_lookup(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                       bool *ret_absent, struct pfs_err *err);

/* Makes the file that a name of the inventory leads to, where that is not at hand, before it is asked for.
 * Outside a snapshot. */
void pfs_content_prepare(struct pfs_content *c, struct pfs_store *s, const char *name);

/* The version served last under this name in any spelling, a reference for the caller; NULL: none. For when
 * there is no store to ask: says so in the log, with why. */
struct pfs_version *pfs_content_last(struct pfs_content *c, const char *name, const struct pfs_err *why);

/* Finds a folder on the way to files of the inventory; ret_name (PFS_FILE_NAME_MAX + 1 bytes) is it as the
 * files' names are written. One with a MAC is there if that device has a file in it: one probe of the store.
 * -ENOENT, with *ret_absent as above. s NULL, there is no store to ask, for the reason in err: by what is in
 * memory; -EIO it does not tell. */
int pfs_content_folder(struct pfs_content *c, struct pfs_store *s, const char *path, char *ret_name,
                       bool *ret_absent, struct pfs_err *err);

/* Whether there are names of the inventory in the folder, that a listing would ask the store for. */
bool pfs_content_lists(struct pfs_content *c, const char *folder);

/* Whether a name is listed as the inventory's, or must not be there, so that an asset of this name is not
 * listed. A folder without MAC is both: no. Renders nothing. */
bool pfs_content_claims(struct pfs_content *c, struct pfs_store *s, const char *name, bool is_folder);

/* The files in a folder that are common to the models in use, and its folders without MAC, of those too, as
 * they are written there, some twice; then a device's files and folders, from a MAC on. fn's non-zero stops
 * and is returned. */
typedef int (*pfs_common_fn)(void *arg, const char *name, bool is_folder);
int pfs_content_list_common(struct pfs_content *c, struct pfs_store *s, const char *folder, pfs_common_fn fn,
                            void *arg, struct pfs_err *err);
/* index: which of the device's files, from 0, at most 255. */
typedef int (*pfs_device_file_fn)(void *arg, uint64_t mac, unsigned index, const char *name, bool is_folder);
int pfs_content_list_devices(struct pfs_content *c, struct pfs_store *s, const char *folder,
                             uint64_t from_mac, pfs_device_file_fn fn, void *arg, struct pfs_err *err);

/* Whether the name, below the root, is the one under which the inventory lists this version, which was found
 * under it last. *ret_mac: its device's, 0 where it is common to several; *ret_next: the second from which it
 * may lead elsewhere with no change of the inventory, INT64_MAX never. */
bool pfs_content_is_canonical(struct pfs_content *c, const char *name, const struct pfs_version *v,
                              uint64_t *ret_mac, int64_t *ret_next);

/* Changes with the templates in service. */
uint64_t pfs_content_generation(struct pfs_content *c);

/* The next node id: versions and directories draw from one counter. */
uint64_t pfs_content_next_id(struct pfs_content *c);

/* A version of an asset whose identity has this hash: the time it is published with under `name` (at least
 * `at_least`). */
int64_t pfs_content_publish_asset(struct pfs_content *c, const char *name, uint64_t hash, int64_t at_least);

/* The templates now in service, a reference for the caller. */
struct pfs_library *pfs_content_library(struct pfs_content *c);

struct pfs_cache *pfs_content_cache(struct pfs_content *c);

/* ---- what is told about it: control/errors, unknown, status, events ---- */

/* fn is called by the thread that made it, with no lock held, each time a phone's file goes out with other
 * bytes than those published last under its canonical name; two changes in quick succession may be told in
 * either order. It must not block. Before there are look-ups. */
typedef void (*pfs_publish_fn)(void *arg, const char *name, const struct pfs_version *v);
void pfs_content_on_publish(struct pfs_content *c, pfs_publish_fn fn, void *arg);

/* Names asked for that look like a MAC and were in no inventory then: core/unknown.h. */
int pfs_content_unknown(struct pfs_content *c, pfs_unknown_fn fn, void *arg);
/* Nobody has a file of this name: where it tells a MAC, it is a phone's of a make that no template is for. */
void pfs_content_stranger(struct pfs_content *c, struct pfs_store *s, const char *name);
/* The MAC has come into the inventory: its names are unknown no more. */
void pfs_content_adopted(struct pfs_content *c, uint64_t mac);

/* What is wrong with the templates, then the files that were asked for and cannot be made: core/failures.h.
 */
int pfs_content_errors(struct pfs_content *c, pfs_failure_fn fn, void *arg);
/* Tries what fails again where something has changed, for a second at most, so that what is told is true now.
 * Outside a snapshot of s. */
void pfs_content_recheck(struct pfs_content *c, struct pfs_store *s);

/* The vendors that a MAC may be of: pfs_library_vendors() with the templates in service. */
void pfs_content_vendors(struct pfs_content *c, uint64_t mac, char out[static PFS_VENDORS_STR]);

/* Whether a template in service has the model. */
bool pfs_content_has_model(struct pfs_content *c, const char *model);

/* Devices whose main file, as it is now, has been read since this mount began: a file that a change has
 * touched counts again when it is next fetched. Inside a snapshot of s. Costs a look at each name in memory.
 */
int pfs_content_fetched(struct pfs_content *c, struct pfs_store *s, uint64_t *ret, struct pfs_err *err);

struct pfs_content_counts {
    uint64_t lookups;  /* names asked for, of all kinds */
    uint64_t hits;     /* of these, answered with the version at hand */
    uint64_t renders;  /* that gave bytes */
    uint64_t failures; /* renders that gave none */
    uint64_t unknown;  /* asks for names of MACs in no inventory */
    size_t unknown_names, failing, entries /* names in memory */, templates, problems;
    struct pfs_cache_counts cache;
    struct pfs_plans_counts plans;
};
void pfs_content_counts(struct pfs_content *c, struct pfs_content_counts *ret);

/* Static files: the assets folder with its own tree, read only, letter case ignored where there is no exact
 * match.
 *
 * An asset's version is its file as it is: inode, size and times. A file that is replaced is a new version;
 * who has the old one open reads it to its end. Paths never leave the folder: no links out of it, no "..".
 * Thread-safe. */
#pragma once

#include "core/content.h"

struct pfs_assets;

/* A folder that does not exist has no assets. content gives ids and times and must outlive it. */
int pfs_assets_new(const char *folder, struct pfs_content *content, struct pfs_assets **ret,
                   struct pfs_err *err);
void pfs_assets_free(struct pfs_assets *a);

enum pfs_asset_kind { PFS_ASSET_FILE, PFS_ASSET_FOLDER };

struct pfs_asset {
    enum pfs_asset_kind kind;
    char path[4096];             /* relative to the assets, as it is on disk */
    struct pfs_version *version; /* FILE: a reference for the caller; FOLDER: NULL */
    int64_t mtime;               /* FOLDER */
};

/* Finds name in a folder of the assets ("" the root). -ENOENT; -EACCES what the daemon cannot read; -EMFILE
 * too many are in use: names should be dropped; -EIO. */
int pfs_assets_lookup(struct pfs_assets *a, const char *folder, const char *name, struct pfs_asset *ret,
                      struct pfs_err *err);

/* Calls fn for each visible file and folder of a folder, in no order. fn's non-zero stops and is returned.
 * -ENOENT the folder is gone: none. */
typedef int (*pfs_asset_fn)(void *arg, const char *name, enum pfs_asset_kind kind);
int pfs_assets_list(struct pfs_assets *a, const char *folder, pfs_asset_fn fn, void *arg,
                    struct pfs_err *err);

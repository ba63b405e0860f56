/* check=commit: the kernel keeps names until a commit changes what they lead to.
 *
 * A thread of its own waits for the doorbell (store/doorbell.h), and looks ten times a second besides. At a
 * ring it reads what was touched and drops those names from the kernel: a device's by name; for a scope, many
 * devices, templates, a scheduled value that comes, or doubt, all names at once, by the epoch of the kernel
 * (FUSE_NOTIFY_INC_EPOCH; on kernels before 6.16 name by name).
 *
 * A look-up that runs while a ring is served may answer with what was true before it. So rings are counted:
 * after the inventory is read and before names are dropped. Who looks a name up takes the number first,
 * enters the name among the nodes, and then lets the kernel keep it only if the number is the same: then
 * either the name was entered before the dropping began, which finds it, or the look-up began after the
 * reading. */
#pragma once

#include "fs/fs.h"

struct pfs_keeper;

/* Starts the thread. */
int pfs_keeper_start(struct pfs_fs *fs, struct fuse_session *se, struct pfs_keeper **ret,
                     struct pfs_err *err);

/* The number of rings so far. k NULL: 0. */
uint64_t pfs_keeper_ring(const struct pfs_keeper *k);

/* Whether the kernel may keep this name for this version, that was looked up since `ring`; path: the name
 * below the mount's root. k NULL: no. The version's node is there already. */
bool pfs_keeper_keep(struct pfs_keeper *k, uint64_t ring, uint64_t parent, const char *name, const char *path,
                     const struct pfs_version *v);

/* As pfs_notify_end(), pfs_notify_is_done() and pfs_notify_stop() (fs/notify.h). */
void pfs_keeper_end(struct pfs_keeper *k);
bool pfs_keeper_is_done(struct pfs_keeper *k);
void pfs_keeper_stop(struct pfs_keeper *k);

/* Keeps the number of names that the kernel holds bounded: over the limit, those asked least recently are
 * dropped from its cache, after which it forgets their nodes.
 *
 * All notifications to the kernel are sent from one thread of its own, holding no lock: never from a request
 * handler or a serving thread. That rule is absolute, as breaking it hangs the mount for good. */
#pragma once

#include "fs/fs.h"

/* Starts the thread. */
int pfs_notify_start(struct fuse_session *se, struct pfs_nodes *nodes, size_t limit, struct pfs_notify **ret,
                     struct pfs_err *err);
void pfs_notify_stop(struct pfs_notify *n); /* ends and frees it */

/* Tells the thread that there is a node more; cheap. */
void pfs_notify_grown(struct pfs_notify *n);

/* Tells the thread to drop half of all names: some other resource of theirs is at its end. */
void pfs_notify_squeeze(struct pfs_notify *n);

/* Tells the thread to end. Until pfs_notify_is_done() requests must go on being answered: it may wait in the
 * kernel for a folder that a request holds which nobody has read yet. */
void pfs_notify_end(struct pfs_notify *n);
bool pfs_notify_is_done(struct pfs_notify *n);

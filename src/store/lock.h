/* The writer lock: an advisory lock on a file of its own beside the database (`DB.lock`), which every writer
 * and checkpointer of provfs holds, as SQLite before 3.51.3 may corrupt a WAL that two connections write or
 * checkpoint at one moment. Closing it is also the doorbell: watchers of the file see IN_CLOSE_WRITE when a
 * commit is visible. */
#pragma once

#include "base/err.h"

/* Opens (makes) the lock file and locks it, waiting until deadline_ms of the monotonic clock. The caller
 * closes *ret_fd, which gives the lock back. -EBUSY held by another; -EROFS the file cannot be written;
 * -ENOSPC; -EIO. */
int pfs_lock_take(const char *path, int64_t deadline_ms, int *ret_fd, struct pfs_err *err);

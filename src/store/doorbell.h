/* The doorbell: waiting for a commit. Every writer closes DB.lock after COMMIT (store/lock.h), which inotify
 * tells of. Who must not miss a commit looks ten times a second besides, PFS_DOORBELL_LOOK_MS: a writer that
 * is killed between the two, or locks nothing, rings no bell. */
#pragma once

#include "base/err.h"

enum { PFS_DOORBELL_LOOK_MS = 100 };

struct pfs_doorbell;

/* database: the inventory's file, which need not be there yet. */
int pfs_doorbell_new(const char *database, struct pfs_doorbell **ret, struct pfs_err *err);
/* NULL is taken. */
void pfs_doorbell_free(struct pfs_doorbell *d);

/* Whether it hears writers: not where inotify, or the folder of the inventory, is not to be had. */
bool pfs_doorbell_hears(struct pfs_doorbell *d);

/* Sleeps until it is woken, timeout_ms have gone by (-1: no limit), or, with `listen`, a writer has rung; or
 * sooner: nothing is certain afterwards. What came since the last wait counts. For one thread. */
void pfs_doorbell_wait(struct pfs_doorbell *d, bool listen, int timeout_ms);

/* Ends the wait under way, or else the next one. From any thread. NULL is taken. */
void pfs_doorbell_wake(struct pfs_doorbell *d);

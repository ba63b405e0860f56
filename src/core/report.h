/* Tells the other mounts of an inventory what this one alone knows: the names asked for that are in no
 * inventory, and the files that cannot be made. In the recommended layout phones ask one mount and
 * administrators look at another; DB.state is between them. */
#pragma once

#include "core/status.h"

struct pfs_report;

/* Starts a thread that leaves both texts in the state within a second of their change. For the state's owner;
 * database and catalogue must outlive it. */
int pfs_report_start(struct pfs_content *c, struct pfs_state *state, const char *database,
                     const struct pfs_catalogue *catalogue, struct pfs_report **ret, struct pfs_err *err);
/* Ends it, and takes back what it told. NULL is taken. */
void pfs_report_stop(struct pfs_report *r);

/* Tells the other mounts of an inventory what this one alone knows: the names asked for that are in no
 * inventory, and the files that cannot be made. In the recommended layout phones ask one mount and
 * administrators look at another; DB.state is between them. */
#pragma once

#include "core/events.h"
#include "core/status.h"

struct pfs_report;

/* Starts a thread that leaves both texts in the state within a second of their change. For the state's owner;
 * database and catalogue must outlive it. */
int pfs_report_start(struct pfs_content *c, const struct pfs_status *status, struct pfs_state *state,
                     const char *database, const struct pfs_catalogue *catalogue, struct pfs_report **ret,
                     struct pfs_err *err);
/* Ends it, and takes back what it told. NULL is taken. */
void pfs_report_stop(struct pfs_report *r);

/* A pfs_publish_fn (core/content.h): notes a file that was published, for the events of other mounts. arg:
 * the report. Never waits for the disk. */
void pfs_report_published(void *arg, const char *name, const struct pfs_version *v);

/* The other side: adds the files that the state's owner published to this mount's events, within a second.
 * For a mount that is not the owner. */
struct pfs_report_follower;
int pfs_report_follow(struct pfs_state *state, struct pfs_events *events, struct pfs_report_follower **ret,
                      struct pfs_err *err);
void pfs_report_unfollow(struct pfs_report_follower *f);

/* The inventory's schema and its numbered migrations (schema/NNNN_*.sql). */
#pragma once

#include "store/db.h"

enum { PFS_APPLICATION_ID = 0x70764673 }; /* "pvFs" */

/* Whether this is an inventory, and of which schema. -EINVAL it is no database, another's, or of a newer
 * schema; -EIO … */
int pfs_schema_identify(struct pfs_db *db, const char *path, int *ret_version, struct pfs_err *err);

/* Runs what is missing from `version` (0: an empty database) to the newest, inside the caller's transaction.
 */
int pfs_schema_migrate(struct pfs_db *db, int version, struct pfs_err *err);

#include "store/schema.h"
#include "schema_sql.h"
#include "store/store.h"

#include <errno.h>

_Static_assert(PFS_N_ELEMENTS(schema_sql) == PFS_SCHEMA_VERSION, "a migration a version");

static int not_an_inventory(const char *path, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "%s is no provfs inventory", path);
}

int pfs_schema_identify(struct pfs_db *db, const char *path, int *ret_version, struct pfs_err *err)
{
    int64_t id = 0, version = 0;
    int r = pfs_db_get(db, err, &id, "PRAGMA application_id", "");
    if (r < 0)
        return db->last_code == SQLITE_NOTADB ? not_an_inventory(path, err) : r;
    r = pfs_db_get(db, err, &version, "PRAGMA user_version", "");
    if (r < 0)
        return r;
    if (id != PFS_APPLICATION_ID || version < 1)
        return not_an_inventory(path, err);
    if (version > PFS_SCHEMA_VERSION)
        return pfs_err_set(err, EINVAL,
                           "%s has schema %d and this provfs knows %d at most: a newer provfs is needed",
                           path, (int)version, PFS_SCHEMA_VERSION);
    *ret_version = (int)version;
    return 0;
}

int pfs_schema_migrate(struct pfs_db *db, int version, struct pfs_err *err)
{
    for (int i = version; i < PFS_SCHEMA_VERSION; i++) {
        int r = pfs_db_script(db, schema_sql[i], err);
        if (r < 0) {
            pfs_err_prefix(err, "schema %d", i + 1);
            return r;
        }
    }
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d;", PFS_APPLICATION_ID,
             PFS_SCHEMA_VERSION);
    return pfs_db_script(db, mark, err); /* pragmas take no parameters */
}

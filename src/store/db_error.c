/* SQLite's codes as errnos and sentences, all in one place. */
#include "store/db.h"

#include <errno.h>

static int io_error(const struct pfs_db *db, int code, struct pfs_err *err)
{
    int system = sqlite3_system_errno(db->sqlite);
    if (code == SQLITE_IOERR_NOMEM)
        return pfs_err_nomem(err);
    if (system == ENOSPC || system == EDQUOT)
        return pfs_err_set(err, ENOSPC, "%s: the disk is full", db->what);
    return pfs_err_set(err, EIO, "%s: the disk fails: %s", db->what, sqlite3_errmsg(db->sqlite));
}

static int open_error(const struct pfs_db *db, struct pfs_err *err)
{
    int system = sqlite3_system_errno(db->sqlite);
    if (system == ENOENT)
        return pfs_err_set(err, ENOENT, "%s: no such file", db->what);
    if (system == EACCES || system == EPERM || system == EROFS)
        return pfs_err_set(err, EROFS, "%s: it cannot be opened for writing", db->what);
    return pfs_err_set(err, EIO, "%s: %s", db->what, sqlite3_errmsg(db->sqlite));
}

static int constraint_error(const struct pfs_db *db, int code, struct pfs_err *err)
{
    const char *text = sqlite3_errmsg(db->sqlite);
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return pfs_err_set(err, EEXIST, "%s: it is there already (%s)", db->what, text);
    case SQLITE_CONSTRAINT_TRIGGER:
        return pfs_err_set(err, EBUSY, "%s: %s", db->what, text);
    default:
        return pfs_err_set(err, EINVAL, "%s: %s", db->what, text);
    }
}

int pfs_db_error(struct pfs_db *db, int code, struct pfs_err *err)
{
    db->last_code = code;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return pfs_err_nomem(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pfs_err_set(err, EBUSY, "%s is in use by another writer", db->what);
    case SQLITE_READONLY:
        return pfs_err_set(err, EROFS, "%s is read-only", db->what);
    case SQLITE_FULL:
        return pfs_err_set(err, ENOSPC, "%s: the disk is full", db->what);
    case SQLITE_IOERR:
        return io_error(db, code, err);
    case SQLITE_CANTOPEN:
        return open_error(db, err);
    case SQLITE_CONSTRAINT:
        return constraint_error(db, code, err);
    case SQLITE_TOOBIG:
        return pfs_err_set(err, EINVAL, "%s: the value is too long", db->what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return pfs_err_set(err, EIO, "%s is damaged: %s", db->what, sqlite3_errmsg(db->sqlite));
    default:
        return pfs_err_set(err, EIO, "%s: %s", db->what, sqlite3_errmsg(db->sqlite));
    }
}

/* One SQLite connection, hardened, and its statements: everything in store/ that touches SQLite does it
 * through here.
 *
 * A connection is for one thread at a time. Statements are prepared once a connection and kept, found by the
 * address of their SQL, which therefore is always a string literal with bound parameters. SQLite's codes
 * become errnos here and nowhere else. */
#pragma once

#include "base/err.h"
#include "base/map.h"
#include <sqlite3.h>

enum { PFS_DB_BUSY_MS = 2000 };

enum pfs_db_mode {
    PFS_DB_WRITE,     /* read and write; read only where the file cannot be written */
    PFS_DB_CREATE,    /* the same, made where it is not there */
    PFS_DB_READ,      /* read only */
    PFS_DB_IMMUTABLE, /* read only, on media that cannot change: no locks, no WAL */
    PFS_DB_TEMPORARY, /* nameless, gone when closed */
};

struct pfs_db {
    sqlite3 *sqlite;
    const char *what;          /* "inventory", "state": begins sentences; static */
    struct pfs_map statements; /* address of SQL to struct statement */
    int64_t deadline_ms;       /* until when a lock of another is waited for; monotonic */
    bool deadline_fixed;       /* the deadline is for several statements together */
    int busy_ms;               /* how long a statement waits for a lock otherwise */
    int last_code;             /* SQLite's code of the last error */
    int wal_pages;             /* pages in the WAL after the last commit */
};

/* The name of a file that stands beside a database: its own with a suffix. The caller's; NULL: no memory. */
char *pfs_db_beside(const char *path, const char *suffix);

/* Opens and hardens. Nothing is read yet, so what the file holds is not known. -ENOENT, -EROFS, -EIO,
 * -ENOMEM. */
int pfs_db_open(const char *path, enum pfs_db_mode mode, const char *what, struct pfs_db **ret,
                struct pfs_err *err);
void pfs_db_close(struct pfs_db *db);

/* The errno (negative) and sentence of a SQLite code, with what the connection knows besides. */
int pfs_db_error(struct pfs_db *db, int code, struct pfs_err *err);

/* Milliseconds of the monotonic clock. */
int64_t pfs_db_now_ms(void);

/* From now until pfs_db_deadline_end() all statements together wait at most until this time for a lock. */
void pfs_db_deadline(struct pfs_db *db, int64_t deadline_ms);
void pfs_db_deadline_end(struct pfs_db *db);

/* Checkpoints as far as nobody is in the way, where the WAL has grown large. Only with the writer lock held.
 */
void pfs_db_checkpoint(struct pfs_db *db);

/* Whether a transaction is open. SQLite rolls back by itself after some errors (disk full): then it is not.
 */
static inline bool pfs_db_in_transaction(const struct pfs_db *db)
{
    return !sqlite3_get_autocommit(db->sqlite);
}

/* Runs a script of our own, e.g. a schema. */
int pfs_db_script(struct pfs_db *db, const char *sql, struct pfs_err *err);

/* ---- statements ---- */

/* A statement being run. On the stack with `autoquery`. */
struct pfs_query {
    struct pfs_db *db;
    sqlite3_stmt *stmt;
    struct pfs_statement *cached; /* NULL: the statement is this query's alone */
};
#define autoquery PFS_CLEANUP(pfs_query_done)

/* Prepares and binds. types has a letter a parameter: i int64_t, r a reference (int64_t, 0 becomes NULL), s
 * const char * (NULL becomes NULL). Texts are borrowed until pfs_query_done(). q needs no initialisation;
 * after an error too it may be done. */
int pfs_query_start(struct pfs_query *q, struct pfs_db *db, struct pfs_err *err, const char *sql,
                    const char *types, ...);
/* 1 a row, 0 the end, or a negative errno. */
int pfs_query_step(struct pfs_query *q, struct pfs_err *err);
void pfs_query_done(struct pfs_query *q);

/* Columns of the row. Texts live until the next step; NULL for NULL. */
static inline int64_t pfs_query_int(const struct pfs_query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}
static inline const char *pfs_query_text(const struct pfs_query *q, int column)
{
    return (const char *)sqlite3_column_text(q->stmt, column);
}

/* Runs a statement to its end. Returns how many rows it changed itself (triggers not counted). */
int pfs_db_run(struct pfs_db *db, struct pfs_err *err, const char *sql, const char *types, ...);

/* The first column of the first row. 1; 0 and *ret untouched where there is no row. */
int pfs_db_get(struct pfs_db *db, struct pfs_err *err, int64_t *ret, const char *sql, const char *types, ...);

#include "store/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

enum {
    CHECKPOINT_PAGES = 1000, /* 4 MiB of WAL */
    BUSY_SLEEP_MS = 5,
};

/* A statement that a connection keeps. */
struct pfs_statement {
    sqlite3_stmt *stmt;
    bool in_use; /* a callback may run the same query again: that one gets a statement of its own */
};

int64_t pfs_db_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

char *pfs_db_beside(const char *path, const char *suffix)
{
    char *name = malloc(strlen(path) + strlen(suffix) + 1);
    if (name)
        stpcpy(stpcpy(name, path), suffix);
    return name;
}

void pfs_db_deadline(struct pfs_db *db, int64_t deadline_ms)
{
    db->deadline_ms = deadline_ms;
    db->deadline_fixed = true;
}

void pfs_db_deadline_end(struct pfs_db *db)
{
    db->deadline_fixed = false;
}

/* Called by SQLite while another holds a lock: 1 try again, 0 give up. */
static int on_busy(void *arg, int n_tries)
{
    struct pfs_db *db = arg;
    int64_t now = pfs_db_now_ms();
    if (n_tries == 0 && !db->deadline_fixed)
        db->deadline_ms = now + db->busy_ms;
    if (now >= db->deadline_ms)
        return 0;
    sqlite3_sleep((int)PFS_MIN((int64_t)BUSY_SLEEP_MS, db->deadline_ms - now));
    return 1;
}

static int on_wal(void *arg, sqlite3 *sqlite, const char *name, int n_pages)
{
    struct pfs_db *db = arg;
    db->wal_pages = n_pages;
    return SQLITE_OK;
}

/* ---- opening ---- */

/* SQLite's statistics of its memory take a lock at each allocation, and nobody asks for them. */
static void set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void set_limits(sqlite3 *sqlite)
{
    static const struct {
        int what, limit;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 1000000},
        {SQLITE_LIMIT_SQL_LENGTH, 200000},
        {SQLITE_LIMIT_COLUMN, 64},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_VDBE_OP, 100000},
        {SQLITE_LIMIT_FUNCTION_ARG, 16},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 512},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 32},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 20},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(limits); i++)
        sqlite3_limit(sqlite, limits[i].what, limits[i].limit);
}

static void set_config(sqlite3 *sqlite)
{
    static const struct {
        int what, value;
    } config[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_DQS_DML, 0},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(config); i++)
        sqlite3_db_config(sqlite, config[i].what, config[i].value, NULL);
}

static int harden(struct pfs_db *db, struct pfs_err *err)
{
    sqlite3_extended_result_codes(db->sqlite, 1);
    set_config(db->sqlite);
    set_limits(db->sqlite);
    sqlite3_busy_handler(db->sqlite, on_busy, db);
    sqlite3_wal_autocheckpoint(db->sqlite, 0);
    sqlite3_wal_hook(db->sqlite, on_wal, db);
    return pfs_db_script(
        db,
        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;",
        err);
}

/* A path as a URI, so that no character of it has a meaning to SQLite. NULL: out of memory. */
static char *path_uri(const char *path, const char *parameters)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    char *uri = malloc(strlen("file:./") + strlen(path) * 3 + strlen(parameters) + 1);
    if (!uri)
        return NULL;
    char *at = stpcpy(uri, path[0] == '/' ? "file:" : "file:./");
    for (const char *s = path; *s; s++)
        if (strchr(plain, *s))
            *at++ = *s;
        else
            at += sprintf(at, "%%%02x", (unsigned char)*s);
    stpcpy(at, parameters);
    return uri;
}

static int open_sqlite(const char *path, enum pfs_db_mode mode, struct pfs_db *db, struct pfs_err *err)
{
    static const int flags[] = {
        [PFS_DB_WRITE] = SQLITE_OPEN_READWRITE,
        [PFS_DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [PFS_DB_READ] = SQLITE_OPEN_READONLY,
        [PFS_DB_IMMUTABLE] = SQLITE_OPEN_READONLY,
        [PFS_DB_TEMPORARY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_sqlite);
    autofree char *uri = mode == PFS_DB_TEMPORARY
                             ? strdup("")
                             : path_uri(path, mode == PFS_DB_IMMUTABLE ? "?immutable=1" : "");
    if (!uri)
        return pfs_err_nomem(err);
    int rc = sqlite3_open_v2(uri, &db->sqlite, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    if (!db->sqlite)
        return pfs_err_nomem(err);
    int r = rc == SQLITE_OK ? harden(db, err) : pfs_db_error(db, rc, err);
    return r < 0 && db->last_code == SQLITE_NOTADB
               ? pfs_err_set(err, EINVAL, "%s: %s is no database", db->what, path)
               : r;
}

int pfs_db_open(const char *path, enum pfs_db_mode mode, const char *what, struct pfs_db **ret,
                struct pfs_err *err)
{
    struct pfs_db *db = calloc(1, sizeof *db);
    if (!db)
        return pfs_err_nomem(err);
    db->what = what;
    db->busy_ms = PFS_DB_BUSY_MS;
    int r = open_sqlite(path, mode, db, err);
    if (r < 0) {
        pfs_db_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

void pfs_db_close(struct pfs_db *db)
{
    if (!db)
        return;
    for (struct pfs_map_entry *e = pfs_map_next(&db->statements, NULL); e;
         e = pfs_map_next(&db->statements, e)) {
        struct pfs_statement *s = e->value;
        sqlite3_finalize(s->stmt);
        free(s);
    }
    pfs_map_done(&db->statements);
    sqlite3_close_v2(db->sqlite);
    free(db);
}

void pfs_db_checkpoint(struct pfs_db *db)
{
    if (db->wal_pages < CHECKPOINT_PAGES)
        return;
    db->wal_pages = 0;
    /* What is committed is durable in the WAL: a checkpoint that fails is tried again after the next commit.
     */
    (void)sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int pfs_db_script(struct pfs_db *db, const char *sql, struct pfs_err *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : pfs_db_error(db, rc, err);
}

/* ---- statements ---- */

static int prepare(struct pfs_db *db, const char *sql, unsigned flags, sqlite3_stmt **ret,
                   struct pfs_err *err)
{
    int rc = sqlite3_prepare_v3(db->sqlite, sql, -1, flags, ret, NULL);
    return rc == SQLITE_OK ? 0 : pfs_db_error(db, rc, err);
}

static int keep(struct pfs_db *db, const char *sql, struct pfs_statement **ret, struct pfs_err *err)
{
    struct pfs_statement *s = calloc(1, sizeof *s);
    if (!s)
        return pfs_err_nomem(err);
    int r = prepare(db, sql, SQLITE_PREPARE_PERSISTENT, &s->stmt, err);
    if (r == 0 && pfs_map_put_u64(&db->statements, (uintptr_t)sql, s) < 0)
        r = pfs_err_nomem(err);
    if (r < 0) {
        sqlite3_finalize(s->stmt);
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

static int acquire(struct pfs_query *q, struct pfs_db *db, const char *sql, struct pfs_err *err)
{
    struct pfs_statement *s = pfs_map_get_u64(&db->statements, (uintptr_t)sql);
    if (s && s->in_use)
        return prepare(db, sql, 0, &q->stmt, err);
    int r = s ? 0 : keep(db, sql, &s, err);
    if (r < 0 || !s)
        return r;
    s->in_use = true;
    q->cached = s;
    q->stmt = s->stmt;
    return 0;
}

static int bind(struct pfs_query *q, const char *types, va_list ap, struct pfs_err *err)
{
    for (int i = 0; types[i]; i++) {
        int rc;
        if (types[i] == 's') {
            rc = sqlite3_bind_text(q->stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
        } else {
            int64_t n = va_arg(ap, int64_t);
            rc = types[i] == 'r' && n == 0 ? sqlite3_bind_null(q->stmt, i + 1)
                                           : sqlite3_bind_int64(q->stmt, i + 1, n);
        }
        if (rc != SQLITE_OK)
            return pfs_db_error(q->db, rc, err);
    }
    return 0;
}

static int start(struct pfs_query *q, struct pfs_db *db, struct pfs_err *err, const char *sql,
                 const char *types, va_list ap)
{
    *q = (struct pfs_query){.db = db};
    int r = acquire(q, db, sql, err);
    return r < 0 ? r : bind(q, types, ap, err);
}

int pfs_query_start(struct pfs_query *q, struct pfs_db *db, struct pfs_err *err, const char *sql,
                    const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = start(q, db, err, sql, types, ap);
    va_end(ap);
    return r;
}

int pfs_query_step(struct pfs_query *q, struct pfs_err *err)
{
    int rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : pfs_db_error(q->db, rc, err);
}

void pfs_query_done(struct pfs_query *q)
{
    if (q->cached) {
        sqlite3_reset(q->stmt);
        sqlite3_clear_bindings(q->stmt);
        q->cached->in_use = false;
    } else {
        sqlite3_finalize(q->stmt);
    }
    *q = (struct pfs_query){0};
}

int pfs_db_run(struct pfs_db *db, struct pfs_err *err, const char *sql, const char *types, ...)
{
    autoquery struct pfs_query q;
    va_list ap;
    va_start(ap, types);
    int r = start(&q, db, err, sql, types, ap);
    va_end(ap);
    int before = sqlite3_total_changes(db->sqlite);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = 0;
    if (r < 0)
        return r;
    /* A statement that changes nothing (BEGIN, say) leaves the count of the one before. */
    return sqlite3_total_changes(db->sqlite) == before ? 0 : sqlite3_changes(db->sqlite);
}

int pfs_db_get(struct pfs_db *db, struct pfs_err *err, int64_t *ret, const char *sql, const char *types, ...)
{
    autoquery struct pfs_query q;
    va_list ap;
    va_start(ap, types);
    int r = start(&q, db, err, sql, types, ap);
    va_end(ap);
    if (r < 0 || (r = pfs_query_step(&q, err)) <= 0)
        return r;
    *ret = pfs_query_int(&q, 0);
    return 1;
}

/* What was published, kept across restarts.
 *
 * Three places answer, newest first: `pending`, what was put and not yet taken to be written; `committing`,
 * what is being written at the moment; and the databases. The owner writes DB.state through `own` and looks
 * up through a second connection, `shared`, so that no lookup waits for the disk of a commit. Who is not the
 * owner reads the owner's DB.state the same way and keeps what it published itself in a nameless temporary
 * database, `own`, which spills to disk by itself.
 *
 * Locks, in this order: commit_lock (one commit at a time; guards `own`), shared_lock (guards `shared`), lock
 * (the rest). */
#include "store/state.h"
#include "state_sql.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum {
    STATE_ID = 0x70767374, /* "pvst" */
    STATE_VERSION = 2,
    BATCH_MS = 500,        /* a batch is committed this long after its first row */
    PENDING_MAX = 1 << 20, /* rows kept while the disk takes none */
    FLOOR_MARGIN = 2,      /* seconds */
};

struct pfs_state {
    char *path;
    struct pfs_db *own, *shared; /* shared may be NULL: the state cannot be read */
    bool reading;                /* under shared_lock: the owner's look-ups share a transaction of `shared` */
    bool owner;
    int owner_fd;
    int64_t floor;

    pthread_mutex_t commit_lock, shared_lock, lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread, stop;

    struct pfs_map pending, committing; /* name to struct pfs_published, owned */
    int64_t clock;
    bool clock_pending;
    int64_t reserved; /* mtimes up to here are covered by a row that is durable */
};

/* ---- maps of published ---- */

static int put(struct pfs_map *m, const char *name, size_t len, const struct pfs_published *p)
{
    struct pfs_published *there = pfs_map_get(m, name, len);
    if (there) {
        *there = *p;
        return 0;
    }
    struct pfs_published *copy = malloc(sizeof *copy);
    if (!copy)
        return -ENOMEM;
    *copy = *p;
    int r = pfs_map_put(m, name, len, copy, NULL);
    if (r < 0)
        free(copy);
    return r;
}

/* ---- opening ---- */

static int identify(struct pfs_db *db, struct pfs_err *err)
{
    int64_t id = 0, version = 0;
    int r = pfs_db_get(db, err, &id, "PRAGMA application_id", "");
    if (r >= 0)
        r = pfs_db_get(db, err, &version, "PRAGMA user_version", "");
    if (r < 0)
        return r;
    if (id == STATE_ID && version == STATE_VERSION)
        return 0;
    return pfs_err_set(err, EIO, "state: not a state of this provfs");
}

static int fill(struct pfs_db *db, struct pfs_err *err)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", STATE_ID,
             STATE_VERSION);
    int r = pfs_db_script(db, "BEGIN IMMEDIATE", err);
    if (r == 0)
        r = pfs_db_script(db, state_sql[0], err);
    return r < 0 ? r : pfs_db_script(db, mark, err);
}

/* Whether the file has anything in it: one that was made and never filled counts as new. */
static bool is_new(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 || st.st_size == 0;
}

static int make_file(const char *path, struct pfs_err *err)
{
    autofd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 && errno != EEXIST ? pfs_err_sys(err, errno, path) : 0;
}

/* The owner's connection to a state that is there, or to a new one. *ret_new: nothing was kept. */
static int open_own(const char *path, struct pfs_db **ret, bool *ret_new, struct pfs_err *err)
{
    *ret_new = is_new(path);
    int r = *ret_new ? make_file(path, err) : 0;
    if (r < 0)
        return r;
    struct pfs_db *db = NULL;
    r = pfs_db_open(path, PFS_DB_WRITE, "state", &db, err);
    if (r == 0)
        r = pfs_db_script(db, "PRAGMA journal_mode = WAL", err);
    if (r == 0)
        r = *ret_new ? fill(db, err) : identify(db, err);
    int64_t rows = 0;
    if (r == 0 && (r = pfs_db_get(db, err, &rows, "SELECT count(*) FROM state", "")) >= 0)
        r = rows == 1 ? 0 : pfs_err_set(err, EIO, "state is damaged");
    if (r < 0) {
        pfs_db_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

/* A state that cannot be used is kept for whoever wants to look; a WAL must not outlive it. */
static void move_aside(const char *path)
{
    autofree char *broken = pfs_db_beside(path, ".broken");
    autofree char *wal = pfs_db_beside(path, "-wal");
    autofree char *shm = pfs_db_beside(path, "-shm");
    if (broken)
        rename(path, broken);
    if (wal)
        unlink(wal);
    if (shm)
        unlink(shm);
}

static int open_or_renew(const char *path, struct pfs_db **ret, bool *ret_new, struct pfs_err *err)
{
    int r = open_own(path, ret, ret_new, err);
    if (r == 0 || r == -ENOMEM || r == -EROFS || r == -ENOSPC || r == -EBUSY || r == -EACCES)
        return r;
    struct pfs_err again = {{0}};
    move_aside(path);
    r = open_own(path, ret, ret_new, &again);
    if (r < 0 && err)
        *err = again; /* else err says why it was begun anew */
    return r;
}

static int take_ownership(struct pfs_state *s, const char *db_path, struct pfs_err *err)
{
    autofree char *path = pfs_db_beside(db_path, ".state-owner");
    if (!path)
        return pfs_err_nomem(err);
    autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return pfs_err_sys(err, errno, path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) /* that another mount owns it is no fault */
        return errno == EWOULDBLOCK ? -EBUSY : pfs_err_sys(err, errno, path);
    s->owner_fd = steal_fd(&fd);
    return 0;
}

/* The owner notes at once that it runs: until the clean stop, whatever happens is an unclean one. */
static int start_owning(struct pfs_state *s, bool *ret_clean, struct pfs_err *err)
{
    bool new;
    int64_t clean = 0;
    int r = open_or_renew(s->path, &s->own, &new, err);
    if (r == 0)
        r = pfs_db_get(s->own, err, &clean, "SELECT clean FROM state", "");
    if (r >= 0)
        r = pfs_db_run(s->own, err, "UPDATE state SET clean = 0", "");
    if (r < 0) {
        pfs_db_close(s->own);
        s->own = NULL;
        return r;
    }
    *ret_clean = clean && !new;
    s->owner = true;
    return 0;
}

static int start_temporary(struct pfs_state *s, struct pfs_err *err)
{
    int r = pfs_db_open("", PFS_DB_TEMPORARY, "state", &s->own, err);
    if (r == 0)
        r = pfs_db_script(s->own, "PRAGMA temp_store = FILE; PRAGMA synchronous = OFF", err);
    return r < 0 ? r : fill(s->own, err);
}

/* The connection for lookups; without it nothing is known of earlier runs. */
static void start_shared(struct pfs_state *s)
{
    if (is_new(s->path) || pfs_db_open(s->path, PFS_DB_WRITE, "state", &s->shared, NULL) < 0)
        return;
    if (identify(s->shared, NULL) < 0) {
        pfs_db_close(s->shared);
        s->shared = NULL;
    }
}

static int64_t read_number(struct pfs_db *db, const char *sql)
{
    int64_t n = 0;
    return db && pfs_db_get(db, NULL, &n, sql, "") > 0 ? n : 0;
}

static void *run(void *arg);

static int start_thread(struct pfs_state *s, struct pfs_err *err)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->commit_lock, NULL);
    pthread_mutex_init(&s->shared_lock, NULL);
    pthread_mutex_init(&s->lock, NULL);
    int errnum = pthread_create(&s->thread, NULL, run, s);
    s->has_thread = errnum == 0;
    return errnum ? pfs_err_sys(err, errnum, "state: thread") : 0;
}

static int open_databases(struct pfs_state *s, const char *db_path, bool owner_wanted, bool *ret_clean,
                          struct pfs_err *err)
{
    int r = owner_wanted ? take_ownership(s, db_path, err) : -EBUSY;
    if (r == 0)
        r = start_owning(s, ret_clean, err);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        if (s->owner_fd >= 0)
            close(steal_fd(&s->owner_fd));
        r = start_temporary(s, err);
    }
    if (r == 0)
        start_shared(s);
    return r;
}

int pfs_state_open(const char *db_path, bool owner_wanted, int64_t newest_change, int64_t now,
                   struct pfs_state **ret, struct pfs_err *err)
{
    if (err)
        err->msg[0] = '\0';
    struct pfs_state *s = calloc(1, sizeof *s);
    if (!s)
        return pfs_err_nomem(err);
    s->owner_fd = -1;
    s->path = pfs_db_beside(db_path, ".state");
    bool clean = false;
    int r = s->path ? open_databases(s, db_path, owner_wanted, &clean, err) : pfs_err_nomem(err);
    if (r == 0) {
        int64_t newest = clean ? 0 : read_number(s->shared, "SELECT max(mtime) FROM published");
        s->floor = clean ? 0 : PFS_MAX(PFS_MAX(now, newest_change), newest) + FLOOR_MARGIN;
        s->clock = read_number(s->shared, "SELECT clock FROM state");
    }
    if (r == 0)
        r = start_thread(s, err);
    if (r < 0) {
        pfs_state_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* ---- looking up ---- */

bool pfs_state_is_owner(const struct pfs_state *s)
{
    return s->owner;
}

int64_t pfs_state_floor(const struct pfs_state *s)
{
    return s->floor;
}

static bool get_in_memory(struct pfs_state *s, const char *name, struct pfs_published *ret)
{
    size_t len = strlen(name);
    pthread_mutex_lock(&s->lock);
    const struct pfs_published *p = pfs_map_get(&s->pending, name, len);
    if (!p)
        p = pfs_map_get(&s->committing, name, len);
    if (p)
        *ret = *p;
    pthread_mutex_unlock(&s->lock);
    return p != NULL;
}

static bool get_stored(struct pfs_db *db, const char *name, struct pfs_published *ret)
{
    if (!db)
        return false;
    autoquery struct pfs_query q;
    if (pfs_query_start(&q, db, NULL, "SELECT hash, mtime FROM published WHERE name = ?1", "s", name) < 0 ||
        pfs_query_step(&q, NULL) <= 0)
        return false;
    *ret = (struct pfs_published){.hash = (uint64_t)pfs_query_int(&q, 0), .mtime = pfs_query_int(&q, 1)};
    return true;
}

/* Only the owner writes to its state: between its own writes each look-up sees the same, so that all are one
 * transaction, which spares them its locks. */
static bool get_shared(struct pfs_state *s, const char *name, struct pfs_published *ret)
{
    pthread_mutex_lock(&s->shared_lock);
    if (s->owner && s->shared && !s->reading)
        s->reading = pfs_db_run(s->shared, NULL, "BEGIN", "") >= 0;
    bool found = get_stored(s->shared, name, ret);
    pthread_mutex_unlock(&s->shared_lock);
    return found;
}

/* Something was written: the next look-up sees it. */
static void end_reading(struct pfs_state *s)
{
    pthread_mutex_lock(&s->shared_lock);
    if (s->reading)
        pfs_db_run(s->shared, NULL, "COMMIT", "");
    s->reading = false;
    pthread_mutex_unlock(&s->shared_lock);
}

static bool get_own(struct pfs_state *s, const char *name, struct pfs_published *ret)
{
    pthread_mutex_lock(&s->commit_lock);
    bool found = get_stored(s->own, name, ret);
    pthread_mutex_unlock(&s->commit_lock);
    return found;
}

/* A row that is being committed leaves memory only when the database has it, so that it is always seen in one
 * of both. */
bool pfs_state_get(struct pfs_state *s, const char *name, struct pfs_published *ret)
{
    if (get_in_memory(s, name, ret))
        return true;
    if (!s->owner && get_own(s, name, ret))
        return true;
    return get_shared(s, name, ret);
}

int64_t pfs_state_clock(struct pfs_state *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t clock = s->clock;
    pthread_mutex_unlock(&s->lock);
    return clock;
}

/* ---- putting and committing ---- */

int pfs_state_put(struct pfs_state *s, const char *name, const struct pfs_published *p)
{
    pthread_mutex_lock(&s->lock);
    int r = s->pending.n >= PENDING_MAX ? -ENOMEM : put(&s->pending, name, strlen(name), p);
    if (s->pending.n == 1)
        pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    return r;
}

void pfs_state_raise_clock(struct pfs_state *s, int64_t t)
{
    pthread_mutex_lock(&s->lock);
    if (t > s->clock) {
        s->clock = t;
        s->clock_pending = true;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
}

static bool has_pending(const struct pfs_state *s)
{
    return s->pending.n > 0 || s->clock_pending;
}

static int write_rows(struct pfs_state *s, int64_t clock, struct pfs_err *err)
{
    int r = pfs_db_run(s->own, err, "BEGIN IMMEDIATE", "");
    for (struct pfs_map_entry *e = pfs_map_next(&s->committing, NULL); e && r >= 0;
         e = pfs_map_next(&s->committing, e)) {
        const struct pfs_published *p = e->value;
        r = pfs_db_run(s->own, err,
                       "INSERT INTO published (name, hash, mtime) VALUES (?1, ?2, ?3)"
                       " ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, mtime = excluded.mtime",
                       "sii", e->key, (int64_t)p->hash, p->mtime);
    }
    if (r >= 0)
        r = pfs_db_run(s->own, err, "UPDATE state SET clock = ?1 WHERE clock < ?1", "i", clock);
    if (r >= 0)
        r = pfs_db_run(s->own, err, "COMMIT", "");
    if (r < 0 && pfs_db_in_transaction(s->own))
        pfs_db_run(s->own, NULL, "ROLLBACK", "");
    return r < 0 ? r : 0;
}

/* What could not be written waits again, but for rows that were put anew meanwhile. */
static void give_back(struct pfs_state *s)
{
    if (s->pending.n == 0) {
        s->pending = s->committing;
        s->committing = (struct pfs_map){0};
        return;
    }
    for (struct pfs_map_entry *e = pfs_map_next(&s->committing, NULL); e; e = pfs_map_next(&s->committing, e))
        if (!pfs_map_get(&s->pending, e->key, e->key_len))
            put(&s->pending, e->key, e->key_len, e->value);
    pfs_map_done_with_values(&s->committing);
}

/* commit_lock is held: nobody else changes `committing`; lookups read it under `lock`. */
static int commit_batch(struct pfs_state *s, struct pfs_err *err)
{
    pthread_mutex_lock(&s->lock);
    bool any = has_pending(s);
    s->committing = s->pending;
    s->pending = (struct pfs_map){0};
    int64_t clock = s->clock;
    s->clock_pending = false;
    pthread_mutex_unlock(&s->lock);
    if (!any)
        return 0;
    int r = write_rows(s, clock, err);
    end_reading(s); /* before the rows leave memory */
    pthread_mutex_lock(&s->lock);
    if (r < 0) {
        give_back(s);
        s->clock_pending = true;
    }
    struct pfs_map done = s->committing;
    s->committing = (struct pfs_map){0};
    pthread_mutex_unlock(&s->lock);
    pfs_map_done_with_values(&done);
    if (r == 0)
        pfs_db_checkpoint(s->own);
    end_reading(s); /* who began before the checkpoint reads from the WAL, which could not begin anew */
    return r;
}

int pfs_state_commit(struct pfs_state *s, struct pfs_err *err)
{
    pthread_mutex_lock(&s->commit_lock);
    int r = commit_batch(s, err);
    pthread_mutex_unlock(&s->commit_lock);
    return r;
}

/* ---- the thread ---- */

/* Waits under `lock` until a batch has had its time, or the end. */
/* The row with the empty name stands for no file: it only raises the newest mtime that is stored. */
int pfs_state_reserve(struct pfs_state *s, int64_t mtime, struct pfs_err *err)
{
    pthread_mutex_lock(&s->lock);
    bool covered = mtime <= s->reserved;
    pthread_mutex_unlock(&s->lock);
    if (covered)
        return 0;
    const struct pfs_published row = {.mtime = mtime + PFS_STATE_RESERVE_S};
    if (pfs_state_put(s, "", &row) < 0)
        return pfs_err_nomem(err);
    int r = pfs_state_commit(s, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&s->lock);
    s->reserved = PFS_MAX(s->reserved, row.mtime);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void wait_for_batch(struct pfs_state *s)
{
    while (!has_pending(s) && !s->stop)
        pthread_cond_wait(&s->wake, &s->lock);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BATCH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
        ;
}

static void *run(void *arg)
{
    struct pfs_state *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        wait_for_batch(s);
        pthread_mutex_unlock(&s->lock);
        pfs_state_commit(s, NULL); /* what fails waits for the next batch */
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void stop_thread(struct pfs_state *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
}

void pfs_state_close(struct pfs_state *s)
{
    if (!s)
        return;
    if (s->has_thread) {
        stop_thread(s);
        bool all = pfs_state_commit(s, NULL) == 0;
        if (all && s->owner)
            pfs_db_run(s->own, NULL, "UPDATE state SET clean = 1", "");
    }
    pfs_map_done_with_values(&s->pending);
    pfs_map_done_with_values(&s->committing);
    pfs_db_close(s->shared);
    pfs_db_close(s->own);
    if (s->owner_fd >= 0)
        close(s->owner_fd);
    free(s->path);
    free(s);
}

/* ---- what the owner tells other mounts ---- */

int pfs_state_report_put(struct pfs_state *s, const char *kind, const char *text, struct pfs_err *err)
{
    if (!s->owner)
        return pfs_err_set(err, EPERM, "state: another mount owns it");
    pthread_mutex_lock(&s->commit_lock);
    int r = pfs_db_run(s->own, err,
                       "INSERT INTO report (kind, text) VALUES (?1, ?2)"
                       " ON CONFLICT (kind) DO UPDATE SET text = excluded.text",
                       "ss", kind, text);
    end_reading(s);
    pthread_mutex_unlock(&s->commit_lock);
    return r < 0 ? r : 0;
}

static int get_report(struct pfs_db *db, const char *kind, struct pfs_buf *out, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, db, err, "SELECT text FROM report WHERE kind = ?1", "s", kind);
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r > 0)
        pfs_buf_str_add(out, pfs_query_text(&q, 0));
    return PFS_MIN(r, 0);
}

void pfs_state_report_get(struct pfs_state *s, const char *kind, struct pfs_buf *out)
{
    pthread_mutex_lock(&s->shared_lock);
    if (!s->shared) /* the owner may have made it meanwhile */
        start_shared(s);
    if (s->shared)
        get_report(s->shared, kind, out, NULL);
    pthread_mutex_unlock(&s->shared_lock);
}

int pfs_state_report_read(const char *db_path, const char *kind, struct pfs_buf *out, struct pfs_err *err)
{
    autofree char *path = pfs_db_beside(db_path, ".state");
    if (!path)
        return pfs_err_nomem(err);
    if (is_new(path))
        return 0;
    struct pfs_db *db = NULL;
    int r = pfs_db_open(path, PFS_DB_WRITE, "state", &db, err);
    if (r == 0)
        r = identify(db, err);
    if (r == 0)
        r = get_report(db, kind, out, err);
    pfs_db_close(db);
    return r;
}

/* Making and opening an inventory, snapshots, and the frame of a write. */
#include "store/inventory.h"
#include "store/lock.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    FEED_KEEP = 100000, /* rows of the feed that are kept when it is cut … */
    FEED_MAX = 200000,  /* … which is done when it has this many */
};

/* ---- making ---- */

static int new_epoch(int64_t *ret, struct pfs_err *err)
{
    if (getrandom(ret, sizeof *ret, 0) != sizeof *ret)
        return pfs_err_sys(err, errno, "getrandom");
    *ret = (int64_t)((uint64_t)*ret >> 1) | 1;
    return 0;
}

static int fill(struct pfs_db *db, const struct pfs_catalogue *c, struct pfs_err *err)
{
    int64_t epoch;
    int r = new_epoch(&epoch, err);
    if (r == 0)
        r = pfs_schema_migrate(db, 0, err);
    if (r == 0)
        r = pfs_db_run(db, err, "INSERT INTO clock (one, epoch, lowest_gen) VALUES (1, ?1, 1)", "i", epoch);
    if (r >= 0)
        r = pfs_db_run(db, err, "INSERT INTO change (kind, id) VALUES (0, 0)", "");
    return r < 0 ? r : pfs_inventory_learn_secrets(db, c, err);
}

/* The whole database in an empty file, closed without leaving a WAL beside it. */
static int make_database(const char *path, const struct pfs_catalogue *c, struct pfs_err *err)
{
    struct pfs_db *db;
    int r = pfs_db_open(path, PFS_DB_WRITE, "inventory", &db, err);
    if (r < 0)
        return r;
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    r = pfs_db_script(db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;", err);
    if (r == 0)
        r = fill(db, c, err);
    if (r == 0)
        r = pfs_db_script(db, "COMMIT", err);
    pfs_db_close(db);
    return r;
}

static int make_file(const char *path, struct pfs_err *err)
{
    autofd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? pfs_err_sys(err, errno, path) : 0;
}

/* A WAL that outlived its database would be played into the new one. */
static int remove_leftovers(const char *path, struct pfs_err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(suffixes); i++) {
        autofree char *name = pfs_db_beside(path, suffixes[i]);
        if (!name)
            return pfs_err_nomem(err);
        if (unlink(name) < 0 && errno != ENOENT)
            return pfs_err_sys(err, errno, name);
    }
    return 0;
}

static int sync_folder_of(const char *path, struct pfs_err *err)
{
    autofree char *folder = strdup(path);
    if (!folder)
        return pfs_err_nomem(err);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    autofd int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return pfs_err_sys(err, errno, folder);
    return 0;
}

static int exists_error(const char *path, struct pfs_err *err)
{
    return pfs_err_set(err, EEXIST, "%s: there is an inventory already", path);
}

static int move_into_place(const char *from, const char *path, struct pfs_err *err)
{
    int r = remove_leftovers(path, err);
    if (r < 0)
        return r;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
        return errno == EEXIST ? exists_error(path, err) : pfs_err_sys(err, errno, path);
    return sync_folder_of(path, err);
}

int pfs_store_create(const char *path, const struct pfs_catalogue *c, struct pfs_err *err)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return exists_error(path, err);
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".init-%d", (int)getpid());
    autofree char *draft = pfs_db_beside(path, suffix);
    autofree char *lock_path = pfs_db_beside(path, ".lock");
    if (!draft || !lock_path)
        return pfs_err_nomem(err);
    int r = make_file(draft, err);
    if (r < 0)
        return r;
    r = make_database(draft, c, err);
    autofd int lock = -1;
    if (r == 0)
        r = pfs_lock_take(lock_path, pfs_db_now_ms() + PFS_STORE_BUSY_MS, &lock, err);
    if (r == 0)
        r = lstat(path, &st) == 0 ? exists_error(path, err) : move_into_place(draft, path, err);
    if (r < 0) {
        unlink(draft);
        remove_leftovers(draft, NULL);
    }
    return r;
}

/* ---- opening ---- */

static int find_file(const char *path, struct pfs_store *s, struct pfs_err *err)
{
    struct stat st;
    s->path = realpath(path, NULL);
    if (!s->path || stat(s->path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? pfs_err_set(err, ENOENT, "there is no inventory %s: `provfs init` makes one", path)
                   : pfs_err_sys(err, errno, path);
    if (!S_ISREG(st.st_mode))
        return pfs_err_set(err, EINVAL, "%s is no provfs inventory", path);
    s->file = (int64_t)(st.st_ino * UINT64_C(0x9e3779b97f4a7c15) ^ st.st_dev);
    s->lock_path = pfs_db_beside(s->path, ".lock");
    return s->lock_path ? 0 : pfs_err_nomem(err);
}

static int open_as(struct pfs_store *s, enum pfs_db_mode mode, int *ret_version, struct pfs_err *err)
{
    int r = pfs_db_open(s->path, mode, "inventory", &s->db, err);
    s->shared = mode != PFS_DB_IMMUTABLE;
    if (r == -EINVAL)
        return pfs_err_set(err, EINVAL, "%s is no provfs inventory", s->path);
    if (r == 0)
        r = pfs_schema_identify(s->db, s->path, ret_version, err);
    if (r < 0) {
        pfs_db_close(s->db);
        s->db = NULL;
    }
    return r;
}

/* On media that cannot be written a database without WAL is read as it is. */
static bool has_wal(const char *path)
{
    struct stat st;
    autofree char *wal = pfs_db_beside(path, "-wal");
    return !wal || (stat(wal, &st) == 0 && st.st_size > 0);
}

static int open_database(struct pfs_store *s, int *ret_version, struct pfs_err *err)
{
    int r = open_as(s, PFS_DB_WRITE, ret_version, err);
    if (r == -EROFS && access(s->path, R_OK) < 0)
        return pfs_err_sys(err, errno, s->path);
    bool cannot_share = r == -EROFS || r == -EIO || r == -ENOENT; /* the last: its WAL index cannot be made */
    if (cannot_share && !has_wal(s->path)) {
        struct pfs_err ignored;
        int again = open_as(s, PFS_DB_IMMUTABLE, ret_version, &ignored);
        return again == 0 ? 0 : r;
    }
    return r;
}

static int is_wal(struct pfs_db *db, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, db, err, "PRAGMA journal_mode", "");
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r <= 0)
        return r;
    const char *mode = pfs_query_text(&q, 0);
    return mode && strcmp(mode, "wal") == 0;
}

/* Under the writer lock: another may have done it meanwhile. */
static int upgrade_locked(struct pfs_store *s, struct pfs_err *err)
{
    int version;
    int r = pfs_db_script(s->db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;", err);
    if (r == 0)
        r = pfs_schema_identify(s->db, s->path, &version, err);
    if (r == 0 && version < PFS_SCHEMA_VERSION)
        r = pfs_schema_migrate(s->db, version, err);
    if (r == 0)
        r = pfs_db_script(s->db, "COMMIT", err);
    if (pfs_db_in_transaction(s->db))
        pfs_db_script(s->db, "ROLLBACK", NULL);
    return r;
}

static int upgrade(struct pfs_store *s, int version, struct pfs_err *err)
{
    int r = is_wal(s->db, err);
    s->shared = s->shared && r == 1;
    if (r < 0 || (r == 1 && version == PFS_SCHEMA_VERSION) || sqlite3_db_readonly(s->db->sqlite, "main") == 1)
        return r < 0 ? r : 0;
    autofd int lock = -1;
    int64_t deadline = pfs_db_now_ms() + PFS_STORE_BUSY_MS;
    r = pfs_lock_take(s->lock_path, deadline, &lock, err);
    if (r < 0)
        return r;
    pfs_db_deadline(s->db, deadline);
    r = upgrade_locked(s, err);
    pfs_db_deadline_end(s->db);
    return r;
}

int pfs_store_open(const char *path, const struct pfs_catalogue *c, struct pfs_store **ret,
                   struct pfs_err *err)
{
    struct pfs_store *s = calloc(1, sizeof *s);
    if (!s)
        return pfs_err_nomem(err);
    s->catalogue = c;
    s->lock_fd = -1;
    int version = 0;
    int r = find_file(path, s, err);
    if (r == 0)
        r = open_database(s, &version, err);
    if (r == 0)
        r = upgrade(s, version, err);
    if (r < 0) {
        pfs_store_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

void pfs_store_close(struct pfs_store *s)
{
    if (!s)
        return;
    pfs_store_rollback(s);
    pfs_store_end(s);
    pfs_db_close(s->db);
    free(s->path);
    free(s->lock_path);
    free(s->rows);
    free(s);
}

/* ---- snapshots ---- */

static int read_watermark(struct pfs_store *s, struct pfs_watermark *ret, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, "SELECT epoch, (SELECT max(gen) FROM change) FROM clock", "");
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r == 0)
        return pfs_err_set(err, EIO, "inventory is damaged: it has no clock");
    if (r < 0)
        return r;
    *ret = (struct pfs_watermark){.epoch = pfs_query_int(&q, 0) ^ s->file, .gen = pfs_query_int(&q, 1)};
    return 0;
}

int pfs_store_begin(struct pfs_store *s, struct pfs_err *err)
{
    if (s->reading || s->writing)
        return pfs_err_set(err, EINVAL, "inventory: a snapshot inside another");
    pfs_store_sign(s, &s->sign);
    int r = pfs_db_run(s->db, err, "BEGIN", "");
    if (r < 0)
        return r;
    s->reading = true;
    r = read_watermark(s, &s->mark, err); /* the first read takes the snapshot */
    if (r < 0)
        pfs_store_end(s);
    return r;
}

void pfs_store_patience(struct pfs_store *s, int wait_ms)
{
    s->db->busy_ms = wait_ms;
}

void pfs_store_end(struct pfs_store *s)
{
    if (s->reading && pfs_db_in_transaction(s->db))
        pfs_db_run(s->db, NULL, "COMMIT", "");
    if (s->reading && pfs_db_in_transaction(s->db))
        pfs_db_run(s->db, NULL, "ROLLBACK", "");
    s->reading = false;
}

int pfs_store_watermark(struct pfs_store *s, struct pfs_watermark *ret, struct pfs_err *err)
{
    int changes = sqlite3_total_changes(s->db->sqlite);
    bool known = s->reading || (s->writing && s->mark.epoch && changes == s->mark_changes);
    int r = known ? 0 : read_watermark(s, &s->mark, err);
    s->mark_changes = changes;
    if (r == 0)
        *ret = s->mark;
    return r;
}

/* ---- writes ---- */

int pfs_inventory_addable(const struct pfs_store *s, struct pfs_err *err)
{
    if (!s->writing)
        return pfs_err_set(err, EINVAL, "inventory: nothing is being written");
    if (!pfs_db_in_transaction(s->db))
        return pfs_err_set(err, EIO, "inventory: an earlier error has undone the change");
    return 0;
}

int pfs_inventory_writable(struct pfs_store *s, struct pfs_err *err)
{
    int r = pfs_inventory_addable(s, err);
    return r < 0 ? r : pfs_audit_leave(s, err);
}

static int add_secret(struct pfs_db *db, const char *glob, struct pfs_err *err)
{
    int r = pfs_db_run(
        db, err,
        "INSERT INTO secret (glob) SELECT lower(?1) WHERE lower(?1) NOT IN (SELECT glob FROM secret)", "s",
        glob);
    return r < 0 ? r : 0;
}

/* `key.N.secret` as a glob: a digit and whatever follows in place of N and M. out has room for 6 times the
 * key. */
static void key_glob(const char *key, char *out)
{
    for (const char *s = key; *s; s++) {
        bool number = (*s == 'N' || *s == 'M') && s > key && s[-1] == '.' && (s[1] == '.' || !s[1]);
        if (number)
            out = stpcpy(out, "[0-9]*");
        else
            *out++ = *s;
    }
    *out = '\0';
}

int pfs_inventory_learn_secrets(struct pfs_db *db, const struct pfs_catalogue *c, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; pfs_secret_words[i] && r == 0; i++) {
        char glob[64];
        snprintf(glob, sizeof glob, "*:*%s*", pfs_secret_words[i]);
        r = add_secret(db, glob, err);
    }
    for (size_t i = 0; i < c->n_entries && r == 0; i++) {
        char glob[PFS_KEY_MAX * 6 + 1];
        if (!c->entries[i].secret || strlen(c->entries[i].key) > PFS_KEY_MAX)
            continue;
        key_glob(c->entries[i].key, glob);
        r = add_secret(db, glob, err);
    }
    return r;
}

static int begin_write(struct pfs_store *s, const struct pfs_writer *who, struct pfs_err *err)
{
    int r = pfs_db_run(s->db, err, "BEGIN IMMEDIATE", "");
    if (r < 0)
        return r;
    s->changes_before = sqlite3_total_changes(s->db->sqlite);
    r = s->secrets_known ? 0 : pfs_inventory_learn_secrets(s->db, s->catalogue, err);
    if (r < 0)
        return r;
    bool learned = sqlite3_total_changes(s->db->sqlite) != s->changes_before;
    r = pfs_db_run(s->db, err,
                   "INSERT OR REPLACE INTO writer (one, login, via, reason) VALUES (1, ?1, ?2, ?3)", "sss",
                   who->login, who->via, who->reason);
    if (r >= 0 && !learned)
        s->changes_before = sqlite3_total_changes(s->db->sqlite);
    return r < 0 ? r : 0;
}

static void end_write(struct pfs_store *s)
{
    pfs_audit_end(s);
    if (pfs_db_in_transaction(s->db))
        pfs_db_run(s->db, NULL, "ROLLBACK", "");
    s->writing = false;
    if (s->lock_fd >= 0)
        close(steal_fd(&s->lock_fd));
}

/* Once a writer of this process has waited in vain, the others of it ask only once, until one gets through: a
 * mount's few threads are not all kept waiting, one after the other, by a process that holds the inventory.
 */
static _Atomic bool waited_in_vain;

static int64_t write_deadline(void)
{
    return pfs_db_now_ms() + (waited_in_vain ? 0 : PFS_STORE_BUSY_MS);
}

int pfs_store_write(struct pfs_store *s, const struct pfs_writer *who, struct pfs_err *err)
{
    if (s->reading || s->writing)
        return pfs_err_set(err, EINVAL, "inventory: a write inside another");
    if (sqlite3_db_readonly(s->db->sqlite, "main") == 1)
        return pfs_err_set(err, EROFS, "inventory is read-only: %s", s->path);
    int64_t deadline = write_deadline();
    int r = pfs_lock_take(s->lock_path, deadline, &s->lock_fd, err);
    if (r == 0) {
        pfs_db_deadline(s->db, deadline);
        r = begin_write(s, who, err);
        pfs_db_deadline_end(s->db);
        s->writing = true;
        s->mark = (struct pfs_watermark){0};
        if (r < 0)
            end_write(s);
    }
    waited_in_vain = r == -EBUSY;
    return r;
}

/* The feed is bounded: what it no longer tells counts as touched. The newest row stays, for it is the clock.
 */
static int cut_feed(struct pfs_store *s, int64_t gen, struct pfs_err *err)
{
    int64_t lowest = 0;
    int r = pfs_db_get(s->db, err, &lowest, "SELECT lowest_gen FROM clock", "");
    if (r < 0 || gen - lowest < FEED_MAX)
        return r < 0 ? r : 0;
    int64_t cut = gen - FEED_KEEP;
    r = pfs_db_run(s->db, err, "DELETE FROM change WHERE gen <= ?1", "i", cut);
    if (r >= 0)
        r = pfs_db_run(s->db, err, "UPDATE clock SET lowest_gen = ?1", "i", cut);
    return r < 0 ? r : 0;
}

static int finish_write(struct pfs_store *s, int64_t *ret_gen, struct pfs_err *err)
{
    struct pfs_watermark mark = {0};
    int r = pfs_inventory_writable(s, err);
    if (r == 0)
        r = read_watermark(s, &mark, err);
    if (r < 0)
        return r;
    *ret_gen = mark.gen;
    if (sqlite3_total_changes(s->db->sqlite) == s->changes_before)
        return 0; /* nothing to make durable: rolled back */
    r = pfs_db_run(s->db, err, "DELETE FROM writer", "");
    if (r >= 0)
        r = cut_feed(s, mark.gen, err);
    if (r >= 0)
        r = pfs_db_run(s->db, err, "COMMIT", "");
    if (r < 0)
        return r;
    s->secrets_known = true;
    pfs_db_checkpoint(s->db);
    return 0;
}

int pfs_store_commit(struct pfs_store *s, int64_t *ret_gen, struct pfs_err *err)
{
    int64_t gen = 0;
    int r = finish_write(s, &gen, err);
    end_write(s);
    if (r == 0 && ret_gen)
        *ret_gen = gen;
    return r;
}

void pfs_store_rollback(struct pfs_store *s)
{
    if (s->writing)
        end_write(s);
}

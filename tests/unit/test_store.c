/* The inventory: what store.h promises, on real files. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum { NOW = 1000000 };

#define MAC UINT64_C(0x001565aabbcc)
#define MAC2 UINT64_C(0x001565aabbdd)

static const struct pfs_writer ann = {.login = "ann", .via = "command", .reason = "test"};

/* ---- a small catalogue, a folder, an inventory ---- */

static void add_entry(struct pfs_catalogue *c, const char *key, bool secret)
{
    struct pfs_catalogue_entry *e = &c->entries[c->n_entries++];
    bool plain = !strstr(key, ".N.");
    *e = (struct pfs_catalogue_entry){.key = key, .id = plain ? (int)c->n_plain : -1, .secret = secret};
    if (plain)
        c->plain[c->n_plain++] = e;
    assert_int_equal(pfs_map_put(&c->by_key, key, strlen(key), e, NULL), 0);
}

static struct pfs_catalogue *make_catalogue(void)
{
    struct pfs_catalogue *c = calloc(1, sizeof *c);
    c->entries = pfs_arena_alloc(&c->arena, 8 * sizeof *c->entries);
    c->plain = pfs_arena_alloc(&c->arena, 8 * sizeof *c->plain);
    add_entry(c, "sip.server", false);
    add_entry(c, "sip.user", false);
    add_entry(c, "sip.password", true);
    add_entry(c, "key.N.account", false);
    add_entry(c, "slot.N.code", true);
    return c;
}

struct fixture {
    char folder[64], path[128];
    struct pfs_catalogue *catalogue;
    struct pfs_store *store;
    struct pfs_err err;
    int64_t gen; /* changes() tells what came after it */
};

static void check(struct fixture *f, int r)
{
    if (r < 0)
        print_message("%d: %s\n", r, f->err.msg);
    assert_true(r >= 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/inventory.db", f->folder);
    f->catalogue = make_catalogue();
    check(f, pfs_store_create(f->path, f->catalogue, &f->err));
    check(f, pfs_store_open(f->path, f->catalogue, &f->store, &f->err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[160];
    pfs_store_close(f->store);
    pfs_catalogue_free(f->catalogue);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* ---- verbs ---- */

static void begin(struct fixture *f)
{
    check(f, pfs_store_write(f->store, &ann, &f->err));
}

static int64_t commit(struct fixture *f)
{
    int64_t gen;
    check(f, pfs_store_commit(f->store, &gen, &f->err));
    return gen;
}

static int64_t add(struct fixture *f, enum pfs_scope kind, const char *name)
{
    int64_t id = -1;
    check(f, pfs_store_add(f->store, kind, name, &id, &f->err));
    return id;
}

static int64_t find(struct fixture *f, enum pfs_scope kind, const char *name)
{
    int64_t id = -1;
    check(f, pfs_store_find(f->store, kind, name, &id, &f->err));
    return id;
}

static int update(struct fixture *f, enum pfs_scope kind, int64_t id, enum pfs_field field, const char *value)
{
    f->err.msg[0] = '\0';
    return pfs_store_update(f->store, kind, id, field, value, &f->err);
}

static int set(struct fixture *f, enum pfs_scope scope, int64_t id, const char *key, const char *value)
{
    return pfs_store_set(f->store, scope, id, key, value, 0, NOW, &f->err);
}

static int set_from(struct fixture *f, enum pfs_scope scope, int64_t id, const char *key, const char *value,
                    int64_t from)
{
    return pfs_store_set(f->store, scope, id, key, value, from, NOW, &f->err);
}

/* Customers a and b; profiles shared and of a; accounts 1001@a (customer a) on line 1 of MAC (customer a). */
struct objects {
    int64_t a, b, shared, owned, account, line;
};

static struct objects populate(struct fixture *f)
{
    struct objects o;
    begin(f);
    o.a = add(f, PFS_SCOPE_CUSTOMER, "a");
    o.b = add(f, PFS_SCOPE_CUSTOMER, "b");
    o.shared = add(f, PFS_SCOPE_PROFILE, "shared");
    o.owned = add(f, PFS_SCOPE_PROFILE, "owned");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_CUSTOMER, "a"), 1);
    o.account = add(f, PFS_SCOPE_ACCOUNT, "1001@a");
    assert_int_equal(update(f, PFS_SCOPE_ACCOUNT, o.account, PFS_FIELD_CUSTOMER, "a"), 1);
    assert_int_equal(add(f, PFS_SCOPE_DEVICE, "00:15:65:AA:BB:CC"), MAC);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_CUSTOMER, "a"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_MODEL, "T46S"), 1);
    assert_int_equal(pfs_store_assign(f->store, MAC, 1, o.account, &f->err), 1);
    o.line = find(f, PFS_SCOPE_LINE, "001565aabbcc/1");
    f->gen = commit(f);
    return o;
}

/* Runs SQL as anybody could with sqlite3. */
static void raw(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static int64_t raw_int(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

/* The resolved changes since f->gen, each once, as "device:001565aabbcc profile:2", in order of scope and id;
 * moves f->gen. */
struct seen {
    size_t n;
    struct {
        enum pfs_scope scope;
        int64_t id;
    } rows[64];
};

static int take_change(void *arg, enum pfs_scope scope, int64_t id)
{
    struct seen *seen = arg;
    size_t at = 0;
    while (at < seen->n &&
           (seen->rows[at].scope < scope || (seen->rows[at].scope == scope && seen->rows[at].id < id)))
        at++;
    if (at < seen->n && seen->rows[at].scope == scope && seen->rows[at].id == id)
        return 0;
    assert_true(seen->n < PFS_N_ELEMENTS(seen->rows));
    memmove(&seen->rows[at + 1], &seen->rows[at], (seen->n - at) * sizeof seen->rows[0]);
    seen->rows[at].scope = scope;
    seen->rows[at].id = id;
    seen->n++;
    return 0;
}

static const char *changes(struct fixture *f)
{
    static char text[1024];
    struct seen seen = {0};
    struct pfs_watermark mark;
    check(f, pfs_store_changes(f->store, f->gen, take_change, &seen, &f->err));
    check(f, pfs_store_watermark(f->store, &mark, &f->err));
    f->gen = mark.gen;
    char *at = text;
    *at = '\0';
    for (size_t i = 0; i < seen.n; i++) {
        at += sprintf(at, "%s%s:", i ? " " : "", pfs_scope_name(seen.rows[i].scope));
        at += sprintf(at, seen.rows[i].scope == PFS_SCOPE_DEVICE ? "%012llx" : "%lld",
                      (long long)seen.rows[i].id);
    }
    return text;
}

static int take_log(void *arg, const struct pfs_log_row *row)
{
    char *text = arg;
    text += strlen(text);
    sprintf(text, "%s:%s %s %s %s>%s;", row->login, row->via, row->object, row->key ? row->key : "-",
            row->old ? row->old : "-", row->new_ ? row->new_ : "-");
    return 0;
}

static const char *log_of(struct fixture *f, const char *kind, const char *object, const char *key)
{
    static char text[8192];
    text[0] = '\0';
    struct pfs_log_filter filter = {.kind = kind, .object = object, .key = key};
    check(f, pfs_store_log(f->store, &filter, take_log, text, &f->err));
    return text;
}

static int take_setting(void *arg, const struct pfs_setting_row *row)
{
    char *text = arg;
    text += strlen(text);
    sprintf(text, "%s=%s@%lld;", row->key, row->value ? row->value : "-", (long long)row->from);
    return 0;
}

static const char *settings_of(struct fixture *f, enum pfs_scope scope, int64_t id)
{
    static char text[1024];
    text[0] = '\0';
    check(f, pfs_store_settings(f->store, scope, id, take_setting, text, &f->err));
    return text;
}

static int take_field(void *arg, const struct pfs_object *o)
{
    const char **fields = arg;
    static char texts[PFS_N_FIELDS][64];
    for (int i = 0; i < PFS_N_FIELDS; i++)
        fields[i] = o->fields[i] ? strcpy(texts[i], o->fields[i]) : NULL;
    return 0;
}

static const char *field(struct fixture *f, enum pfs_scope kind, int64_t id, enum pfs_field which)
{
    const char *fields[PFS_N_FIELDS];
    check(f, pfs_store_object(f->store, kind, id, take_field, fields, &f->err));
    return fields[which];
}

/* ---- opening ---- */

static void test_create(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(pfs_store_create(f->path, f->catalogue, &f->err), -EEXIST);
    assert_non_null(strstr(f->err.msg, "already"));
}

/* A WAL left behind by a database that was deleted does not get into a new one. */
static void test_create_beside_an_old_wal(void **state)
{
    struct fixture *f = *state;
    populate(f);
    pfs_store_close(f->store);
    f->store = NULL;
    assert_int_equal(unlink(f->path), 0);
    check(f, pfs_store_create(f->path, f->catalogue, &f->err));
    check(f, pfs_store_open(f->path, f->catalogue, &f->store, &f->err));
    int64_t n;
    check(f, pfs_store_count(f->store, PFS_SCOPE_DEVICE, &n, &f->err));
    assert_int_equal(n, 0);
}

static void test_open_errors(void **state)
{
    struct fixture *f = *state;
    struct pfs_store *s;
    char path[160];
    snprintf(path, sizeof path, "%s/none.db", f->folder);
    assert_int_equal(pfs_store_open(path, f->catalogue, &s, &f->err), -ENOENT);
    assert_non_null(strstr(f->err.msg, "provfs init"));
    assert_int_equal(pfs_store_open(f->folder, f->catalogue, &s, &f->err), -EINVAL);

    FILE *text = fopen(path, "w");
    fprintf(text, "mac,model\n%4096s\n", "");
    fclose(text);
    assert_int_equal(pfs_store_open(path, f->catalogue, &s, &f->err), -EINVAL);
    assert_non_null(strstr(f->err.msg, "no provfs inventory"));
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(pfs_store_open(path, f->catalogue, &s, &f->err), -EINVAL);
}

static void test_open_another_application(void **state)
{
    struct fixture *f = *state;
    struct pfs_store *s;
    raw(f, "PRAGMA application_id = 7");
    assert_int_equal(pfs_store_open(f->path, f->catalogue, &s, &f->err), -EINVAL);
}

static void test_open_newer_schema(void **state)
{
    struct fixture *f = *state;
    struct pfs_store *s;
    raw(f, "PRAGMA user_version = 99");
    assert_int_equal(pfs_store_open(f->path, f->catalogue, &s, &f->err), -EINVAL);
    assert_non_null(strstr(f->err.msg, "newer"));
}

static void test_odd_paths(void **state)
{
    struct fixture *f = *state;
    struct pfs_store *s;
    char path[160];
    snprintf(path, sizeof path, "%s/a b%%20?mode=ro#ü.db", f->folder);
    check(f, pfs_store_create(path, f->catalogue, &f->err));
    check(f, pfs_store_open(path, f->catalogue, &s, &f->err));
    check(f, pfs_store_write(s, &ann, &f->err));
    check(f, pfs_store_add(s, PFS_SCOPE_CUSTOMER, "x", NULL, &f->err));
    check(f, pfs_store_commit(s, NULL, &f->err));
    pfs_store_close(s);
}

/* In a process that may not write: 0, or the number of the step that went wrong. */
static int read_only_steps(struct fixture *f)
{
    struct pfs_store *s;
    struct pfs_device *d;
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        return 1;
    if (pfs_store_open(f->path, f->catalogue, &s, &f->err) < 0)
        return 2;
    if (pfs_store_device(s, MAC, &d, &f->err) < 0)
        return 3;
    if (pfs_store_write(s, &ann, &f->err) != -EROFS)
        return 4;
    pfs_device_unref(d);
    pfs_store_close(s);
    return 0;
}

static void in_a_process_that_may_not_write(struct fixture *f)
{
    pfs_store_close(f->store);
    f->store = NULL;
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int step = read_only_steps(f);
        if (step)
            fprintf(stderr, "step %d: %s\n", step, f->err.msg);
        _exit(step);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(status, 0);
}

static void test_read_only_with_wal(void **state)
{
    struct fixture *f = *state;
    char wal[160], shm[160];
    populate(f);
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    snprintf(shm, sizeof shm, "%s-shm", f->path);
    assert_int_equal(chmod(wal, 0444), 0);
    assert_int_equal(chmod(shm, 0444), 0);
    in_a_process_that_may_not_write(f);
}

static void test_read_only_without_wal(void **state)
{
    struct fixture *f = *state;
    populate(f);
    pfs_store_close(f->store);
    f->store = NULL;
    raw(f, "PRAGMA wal_checkpoint(TRUNCATE)"); /* and removed when it closes */
    in_a_process_that_may_not_write(f);
}

/* ---- locks ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void assert_busy_in_time(struct fixture *f)
{
    double start = seconds();
    assert_int_equal(pfs_store_write(f->store, &ann, &f->err), -EBUSY);
    double took = seconds() - start;
    assert_true(took > 1.0 && took < 2.5);
    assert_non_null(strstr(f->err.msg, "another writer"));
}

static void test_busy_writer_lock(void **state)
{
    struct fixture *f = *state;
    struct pfs_store *other;
    check(f, pfs_store_open(f->path, f->catalogue, &other, &f->err));
    check(f, pfs_store_write(other, &ann, &f->err));
    assert_busy_in_time(f);
    int64_t n;
    check(f, pfs_store_count(f->store, PFS_SCOPE_DEVICE, &n, &f->err)); /* readers go on */
    pfs_store_close(other);
    begin(f);
    commit(f);
}

static void test_busy_sqlite(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_busy_in_time(f);
    sqlite3_close(db);
    begin(f);
    commit(f);
}

/* ---- snapshots and writes ---- */

static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    struct pfs_store *other;
    struct pfs_watermark before, after;
    int64_t n;
    check(f, pfs_store_open(f->path, f->catalogue, &other, &f->err));
    check(f, pfs_store_begin(other, &f->err));
    begin(f);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_DEVICE, MAC, true, &f->err));
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.shared, "sip.server", "x"), 1);
    int64_t gen = commit(f);
    check(f, pfs_store_watermark(other, &before, &f->err));
    assert_int_equal(before.gen, f->gen);
    check(f, pfs_store_count(other, PFS_SCOPE_DEVICE, &n, &f->err));
    assert_int_equal(n, 1);
    pfs_store_end(other);
    check(f, pfs_store_watermark(other, &after, &f->err));
    assert_int_equal(after.gen, gen);
    assert_int_equal(after.epoch, before.epoch);
    pfs_store_close(other);
}

static bool is_sign(struct fixture *f, const struct pfs_sign *was)
{
    struct pfs_sign now;
    assert_true(pfs_store_sign(f->store, &now));
    return memcmp(&now, was, sizeof now) == 0;
}

/* Each commit changes it, whoever makes it, before it returns; nothing else does. */
static void test_sign(void **state)
{
    struct fixture *f = *state;
    struct pfs_sign sign;
    sqlite3 *other;
    populate(f);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(pfs_store_sign(f->store, &sign));
        assert_int_equal(sqlite3_exec(other, "BEGIN; UPDATE device SET note = coalesce(note, '') || 'x'",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_true(is_sign(f, &sign));
        assert_int_equal(sqlite3_exec(other, i == 1 ? "ROLLBACK" : "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(is_sign(f, &sign), i == 1);
    }
    assert_true(pfs_store_sign(f->store, &sign));
    assert_int_equal(sqlite3_exec(other, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "UPDATE device SET note = 'y'", NULL, NULL, NULL), SQLITE_OK);
    assert_false(is_sign(f, &sign));
    sqlite3_close(other);
    /* That of a snapshot is the one from before it. */
    check(f, pfs_store_begin(f->store, &f->err));
    assert_true(is_sign(f, pfs_store_snapshot_sign(f->store)));
    raw(f, "UPDATE device SET note = 'z'");
    assert_false(is_sign(f, pfs_store_snapshot_sign(f->store)));
    pfs_store_end(f->store);
}

static void test_rollback(void **state)
{
    struct fixture *f = *state;
    begin(f);
    add(f, PFS_SCOPE_CUSTOMER, "a");
    pfs_store_rollback(f->store);
    int64_t id;
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_CUSTOMER, "a", &id, &f->err), -ENOENT);
    assert_string_equal(f->err.msg, "no such customer: a");
    assert_int_equal(pfs_store_add(f->store, PFS_SCOPE_CUSTOMER, "a", &id, &f->err), -EINVAL);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM writer"), 0);
    /* A refused operation leaves the rest of the write as it was. */
    begin(f);
    add(f, PFS_SCOPE_CUSTOMER, "a");
    assert_int_equal(pfs_store_add(f->store, PFS_SCOPE_CUSTOMER, "a", &id, &f->err), -EEXIST);
    assert_int_equal(pfs_store_add(f->store, PFS_SCOPE_CUSTOMER, "a/b", &id, &f->err), -EINVAL);
    assert_int_equal(pfs_store_add(f->store, PFS_SCOPE_MODEL, "m", &id, &f->err), -EINVAL);
    commit(f);
    find(f, PFS_SCOPE_CUSTOMER, "a");
    assert_int_equal(raw_int(f, "SELECT count(*) FROM writer"), 0);
}

/* ---- the feed ---- */

static void test_changes_of_settings(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    int64_t model;
    check(f, pfs_store_model(f->store, "T46S", &model, &f->err));
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "site:0");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_MODEL, model, "sip.server", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.owned, "sip.server", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_CUSTOMER, o.b, "sip.server", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "model:1 profile:2 customer:2");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbcc");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "line.label", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbcc");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "sip.password", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbcc");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "directory.listed", "on"), 1);
    commit(f);
    assert_string_equal(changes(f), "customer:1 device:001565aabbcc");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", NULL), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbcc");
}

static void test_equal_is_no_change(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "x"), 1);
    int64_t gen = commit(f);
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "x"), 0);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.port", NULL), 0);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_CUSTOMER, "a"), 0);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_MODEL, "T46S"), 0);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_ENABLED, "yes"), 0);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_NOTE, NULL), 0);
    assert_int_equal(pfs_store_assign(f->store, MAC, 1, o.account, &f->err), 0);
    assert_int_equal(pfs_store_release(f->store, MAC, 2, &f->err), 0);
    assert_int_equal(pfs_store_rename(f->store, PFS_SCOPE_DEVICE, MAC, "0015.65aa.bbcc", &f->err), 0);
    assert_int_equal(commit(f), gen);
    raw(f, "UPDATE setting SET value = value; UPDATE device SET enabled = 1");
    struct pfs_watermark mark;
    check(f, pfs_store_watermark(f->store, &mark, &f->err));
    assert_int_equal(mark.gen, gen);
}

static void test_changes_of_objects(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    add(f, PFS_SCOPE_DEVICE, "001565aabbdd");
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbdd");
    begin(f);
    assert_int_equal(pfs_store_assign(f->store, MAC2, 3, o.account, &f->err), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbdd");
    begin(f);
    check(f, pfs_store_rename(f->store, PFS_SCOPE_ACCOUNT, o.account, "1002@a", &f->err));
    commit(f);
    assert_string_equal(changes(f), "customer:1 device:001565aabbcc device:001565aabbdd");
    begin(f);
    assert_int_equal(pfs_store_release(f->store, MAC2, 3, &f->err), 1);
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbdd");
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_CUSTOMER, o.a, PFS_FIELD_ENABLED, "no"), 1);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.shared, PFS_FIELD_NOTE, "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "profile:1 customer:1");
    begin(f);
    check(f, pfs_store_rename(f->store, PFS_SCOPE_DEVICE, MAC2, "001565aabbee", &f->err));
    commit(f);
    assert_string_equal(changes(f), "device:001565aabbdd device:001565aabbee");
    begin(f);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_PROFILE, o.shared, false, &f->err));
    commit(f);
    assert_string_equal(changes(f), "profile:1");
}

/* Whatever names an account in a setting is touched with it, also when it comes and goes. */
static void test_changes_of_references(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    add(f, PFS_SCOPE_DEVICE, "001565aabbdd");
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC2, "key.1.account", "2001"), 1);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.shared, "key.2.account", "2001"), 1);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "key.2.account", "2001"), 1);
    commit(f);
    changes(f);
    begin(f);
    int64_t id = add(f, PFS_SCOPE_ACCOUNT, "2001");
    commit(f);
    assert_string_equal(changes(f), "profile:1 device:001565aabbcc device:001565aabbdd");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, id, "sip.user", "x"), 1);
    commit(f);
    assert_string_equal(changes(f), "profile:1 device:001565aabbcc device:001565aabbdd");
    begin(f);
    check(f, pfs_store_rename(f->store, PFS_SCOPE_ACCOUNT, id, "2002", &f->err));
    commit(f);
    assert_string_equal(changes(f), "profile:1 device:001565aabbcc device:001565aabbdd");
    assert_string_equal(settings_of(f, PFS_SCOPE_DEVICE, MAC2), "key.1.account=2002@0;");
    begin(f);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_ACCOUNT, id, false, &f->err));
    commit(f);
    assert_string_equal(changes(f), "profile:1 device:001565aabbcc device:001565aabbdd");
}

static void test_feed_that_was_cut(void **state)
{
    struct fixture *f = *state;
    populate(f);
    struct seen seen = {0};
    raw(f, "DELETE FROM change WHERE gen < (SELECT max(gen) FROM change) - 1");
    assert_int_equal(pfs_store_changes(f->store, f->gen - 3, take_change, &seen, &f->err), -ESTALE);
    check(f, pfs_store_changes(f->store, f->gen - 2, take_change, &seen, &f->err));
    assert_int_equal(pfs_store_changes(f->store, f->gen + 1, take_change, &seen, &f->err), -ESTALE);
    check(f, pfs_store_changes(f->store, f->gen, take_change, &seen, &f->err));
    /* Cut by a large write itself. */
    raw(f, "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 250000)"
           " INSERT INTO change (kind, id) SELECT 1, 0 FROM n");
    begin(f);
    add(f, PFS_SCOPE_CUSTOMER, "z");
    int64_t gen = commit(f);
    assert_true(raw_int(f, "SELECT count(*) FROM change") < 110000);
    assert_int_equal(pfs_store_changes(f->store, f->gen, take_change, &seen, &f->err), -ESTALE);
    check(f, pfs_store_changes(f->store, gen - 1, take_change, &seen, &f->err));
    check(f, pfs_store_changes(f->store, gen - 100000, take_change, &seen, &f->err));
}

/* ---- raw SQL, the audit ---- */

static void test_raw_sql_is_seen(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    raw(f, "INSERT INTO setting (scope, id, key, value) VALUES (3, 1, 'sip.server', 'x')");
    assert_string_equal(changes(f), "profile:1");
    assert_string_equal(log_of(f, "profile", "shared", "sip.server"), ":sql shared sip.server ->x;");
    raw(f, "UPDATE setting SET value = 'y' WHERE key = 'sip.server'");
    assert_string_equal(changes(f), "profile:1");
    raw(f, "DELETE FROM setting WHERE key = 'sip.server'");
    assert_string_equal(log_of(f, "profile", "shared", "sip.server"),
                        ":sql shared sip.server ->x;:sql shared sip.server x>y;:sql shared sip.server y>-;");
    assert_string_equal(changes(f), "profile:1");
    /* foreign_keys is off there: what hangs on a device goes all the same. */
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "line.label", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", "x"), 1);
    commit(f);
    raw(f, "DELETE FROM device");
    assert_int_equal(raw_int(f, "SELECT count(*) FROM setting"), 0);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM line"), 0);
}

static void test_audit(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    assert_string_equal(log_of(f, "device", "001565aabbcc", NULL),
                        "ann:command 001565aabbcc - ->001565aabbcc;ann:command 001565aabbcc customer ->a;"
                        "ann:command 001565aabbcc model ->T46S;");
    assert_string_equal(log_of(f, "line", "001565aabbcc/1", NULL),
                        "ann:command 001565aabbcc/1 account ->1001@a;");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "sip.password", "s3cret"), 1);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "slot.3.code", "s3cret"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "yealink:auto.Password.1", "s3cret"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "yealink:wifi.psk", "s3cret"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "yealink:features.dnd", "1"), 1);
    commit(f);
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "sip.password", "s3cret2"), 1);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_ACCOUNT, o.account, true, &f->err));
    commit(f);
    assert_string_equal(
        log_of(f, "account", "1001@a", "sip.password"),
        "ann:command 1001@a sip.password ->changed;ann:command 1001@a sip.password changed>changed;"
        "ann:command 1001@a sip.password changed>-;");
    assert_int_equal(raw_int(f, "SELECT count(*) FROM log WHERE old LIKE '%s3cret%' OR new LIKE '%s3cret%'"),
                     0);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM log WHERE new = 'changed'"), 5);
    assert_string_equal(log_of(f, "device", "001565aabbcc", "yealink:features.dnd"),
                        "ann:command 001565aabbcc yealink:features.dnd ->1;");
}

/* A catalogue that has come to know more secrets teaches an older inventory. */
/* What is added with its fields leaves the audit of what is added and then updated, field by field. */
static void test_add_with(void **state)
{
    struct fixture *f = *state;
    populate(f);
    const char *fields[PFS_N_FIELDS] = {[PFS_FIELD_MODEL] = "T46S",
                                        [PFS_FIELD_CUSTOMER] = "a",
                                        [PFS_FIELD_SOURCE] = "crm",
                                        [PFS_FIELD_NOTE] = "n"};
    const char *const same = "SELECT count(*) FROM (SELECT replace(object, '0a', '0b') o, kind, key, old,"
                             " replace(new, '0a', '0b') n FROM log WHERE object IN ('001565aaee0a', '0a@a')"
                             " EXCEPT SELECT object, kind, key, old, new FROM log)";
    int64_t id;
    begin(f);
    check(f, pfs_store_add(f->store, PFS_SCOPE_DEVICE, "001565aaee0a", &id, &f->err));
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (fields[i])
            assert_int_equal(
                pfs_store_update(f->store, PFS_SCOPE_DEVICE, id, (enum pfs_field)i, fields[i], &f->err), 1);
    check(f, pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, "001565aaee0b", fields, &id, &f->err));
    assert_int_equal(id, 0x001565aaee0b);
    fields[PFS_FIELD_MODEL] = NULL;
    check(f, pfs_store_add(f->store, PFS_SCOPE_ACCOUNT, "0a@a", &id, &f->err));
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (fields[i])
            assert_int_equal(
                pfs_store_update(f->store, PFS_SCOPE_ACCOUNT, id, (enum pfs_field)i, fields[i], &f->err), 1);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, id, "sip.password", "0a"), 1);
    check(f, pfs_store_add_with(f->store, PFS_SCOPE_ACCOUNT, "0b@a", fields, &id, &f->err));
    check(f, pfs_store_set_new(f->store, PFS_SCOPE_ACCOUNT, id, "0b@a", "sip.password", "0b", &f->err));
    assert_int_equal(pfs_store_set_new(f->store, PFS_SCOPE_ACCOUNT, id, "0b@a", "sip.password", "3", &f->err),
                     -EEXIST);
    commit(f);
    assert_int_equal(raw_int(f, same), 0);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM log WHERE object IN ('001565aaee0b', '0b@a')"), 10);
}

/* A customer, a phone of its, an account with settings on the phone's line: named by a letter. */
static void add_all(struct fixture *f, char letter)
{
    char customer[16], account[16], mac[16], line[24];
    int64_t id, account_id;
    snprintf(customer, sizeof customer, "customer-%c", letter);
    snprintf(account, sizeof account, "1@%c", letter);
    snprintf(mac, sizeof mac, "0015650000%c%c", letter, letter);
    snprintf(line, sizeof line, "%s/2", mac);
    const char *fields[PFS_N_FIELDS] = {[PFS_FIELD_NOTE] = "a \"note\"\n\\ \xc3\xbc"};
    check(f, pfs_store_add_with(f->store, PFS_SCOPE_CUSTOMER, customer, fields, &id, &f->err));
    check(f, pfs_store_set_new(f->store, PFS_SCOPE_CUSTOMER, id, customer, "time.zone", "UTC", &f->err));
    fields[PFS_FIELD_CUSTOMER] = customer;
    fields[PFS_FIELD_SOURCE] = "crm";
    check(f, pfs_store_add_with(f->store, PFS_SCOPE_ACCOUNT, account, fields, &account_id, &f->err));
    check(f, pfs_store_set_new(f->store, PFS_SCOPE_ACCOUNT, account_id, account, "sip.password", "s3cret",
                               &f->err));
    check(f, pfs_store_set_new(f->store, PFS_SCOPE_ACCOUNT, account_id, account, "sip.user", "1", &f->err));
    fields[PFS_FIELD_MODEL] = letter == 'a' ? "T46S" : "T48S";
    fields[PFS_FIELD_INVENTORY_ID] = "";
    check(f, pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, mac, fields, &id, &f->err));
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, id, "phone.web", "off"),
                     1); /* not one of those that go at once */
    uint64_t mac_number = (uint64_t)id;
    check(f, pfs_store_assign_new(f->store, mac_number, 2, account_id, account, &id, &f->err));
    check(f, pfs_store_set_new(f->store, PFS_SCOPE_LINE, id, line, "line.label", "L", &f->err));
    check(f, pfs_store_assign_new(f->store, mac_number, 3, 0, NULL, &id, &f->err));
    assert_int_equal(pfs_store_assign_new(f->store, mac_number, 3, 0, NULL, &id, &f->err), -EEXIST);
}

struct told {
    struct fixture *f;
    char text[8192];
    int64_t last_id, stop_after;
};

static int tell(void *arg, const struct pfs_log_row *row)
{
    struct told *t = arg;
    size_t len = strlen(t->text);
    snprintf(t->text + len, sizeof t->text - len, "%s %s %s %s>%s;", row->kind, row->object,
             row->key ? row->key : "", row->old ? row->old : "-", row->new_ ? row->new_ : "-");
    assert_true(row->id > t->last_id);
    t->last_id = row->id;
    return t->stop_after-- == 1;
}

/* What a letter's objects have in the audit, with the letter as `a`; so many rows at a time. */
static void tell_all(struct fixture *f, char letter, int64_t after_gen, int64_t step, struct told *ret)
{
    *ret = (struct told){.f = f};
    struct pfs_log_filter filter = {.after_gen = after_gen};
    do {
        filter.after_id = ret->last_id;
        ret->stop_after = step;
    } while (pfs_store_log(f->store, &filter, tell, ret, &f->err) == 1);
    const char from[] = {'-', letter, 0}, at[] = {'@', letter, 0}, mac[] = {letter, letter, 0};
    const char *const names[] = {from, at, mac};
    for (size_t i = 0; i < 3; i++)
        for (char *s = ret->text; (s = strstr(s, names[i])); s += 2) {
            *s = names[i][0] == letter ? 'a' : *s;
            s[1] = 'a';
        }
    for (char *s; (s = strstr(ret->text, "T48S"));)
        s[2] = '6';
}

/* Much that is new is told as it is without saying so, but for the feed; and the triggers are there again. */
static void test_expect_many(void **state)
{
    struct fixture *f = *state;
    struct told one, many, by_one;
    struct pfs_watermark mark;
    int64_t id;
    populate(f);
    check(f, pfs_store_watermark(f->store, &mark, &f->err));
    begin(f);
    add_all(f, 'a');
    int64_t between = commit(f);
    begin(f);
    check(f, pfs_store_expect_many(f->store, &f->err));
    add_all(f, 'b');
    int64_t after = commit(f);
    tell_all(f, 'b', between, 0, &many);
    tell_all(f, 'b', between, 1, &by_one);
    assert_string_equal(many.text, by_one.text);
    assert_non_null(strstr(many.text, "account 1@a sip.password ->changed;"));
    tell_all(f, 'a', mark.gen, 0, &one);
    one.text[strlen(many.text)] = '\0'; /* those of the second write follow */
    assert_string_equal(one.text, many.text);
    assert_true(raw_int(f, "SELECT count(*) FROM log WHERE more IS NOT NULL") >= 3);
    f->gen = between;
    assert_non_null(strstr(changes(f), "default:0"));
    /* One key of one object; newest first. */
    assert_string_equal(log_of(f, "account", "1@b", "sip.user"), "ann:command 1@b sip.user ->1;");
    /* What adds nothing after all is no change. */
    begin(f);
    check(f, pfs_store_expect_many(f->store, &f->err));
    assert_int_equal(commit(f), after);
    /* A write that is given up leaves nothing behind either. */
    begin(f);
    check(f, pfs_store_expect_many(f->store, &f->err));
    add_all(f, 'c');
    pfs_store_rollback(f->store);
    f->gen = after;
    begin(f);
    check(f, pfs_store_add(f->store, PFS_SCOPE_CUSTOMER, "later", &id, &f->err));
    assert_true(commit(f) > after);
    assert_string_equal(log_of(f, "customer", "later", NULL), "ann:command later - ->later;");
    assert_string_equal(log_of(f, "customer", "customer-c", NULL), "");
}

static void test_add_with_refuses(void **state)
{
    struct fixture *f = *state;
    populate(f);
    const char *fields[PFS_N_FIELDS] = {[PFS_FIELD_CUSTOMER] = "nobody"};
    int64_t id, profile;
    begin(f);
    assert_int_equal(pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, "001565aaee0a", fields, &id, &f->err),
                     -ENOENT);
    fields[PFS_FIELD_CUSTOMER] = NULL;
    assert_int_equal(pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, "001565aabbcc", fields, &id, &f->err),
                     -EEXIST);
    assert_int_equal(pfs_store_add_with(f->store, PFS_SCOPE_PROFILE, "new", fields, &id, &f->err), -EINVAL);
    check(f, pfs_store_add(f->store, PFS_SCOPE_PROFILE, "theirs", &profile, &f->err));
    check(f, pfs_store_update(f->store, PFS_SCOPE_PROFILE, profile, PFS_FIELD_CUSTOMER, "a", &f->err) - 1);
    fields[PFS_FIELD_PROFILE] = "theirs";
    assert_int_equal(pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, "001565aaee0a", fields, &id, &f->err),
                     -EINVAL);
    assert_non_null(strstr(f->err.msg, "a device without customer cannot have it"));
    fields[PFS_FIELD_PROFILE] = NULL;
    fields[PFS_FIELD_ENABLED] = "no";
    assert_int_equal(pfs_store_add_with(f->store, PFS_SCOPE_DEVICE, "001565aaee0a", fields, &id, &f->err),
                     -EINVAL);
    commit(f);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM device WHERE mac = 0x001565aaee0a"), 0);
}

static void test_audit_learns_secrets(void **state)
{
    struct fixture *f = *state;
    raw(f, "DELETE FROM secret");
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.password", "s3cret"), 1);
    commit(f);
    assert_string_equal(log_of(f, "site", "", NULL), "ann:command  sip.password ->changed;");
}

static int take_reason(void *arg, const struct pfs_log_row *row)
{
    assert_string_equal(row->reason, "test");
    assert_true(row->time > 1700000000);
    *(int64_t *)arg = row->gen;
    return 1;
}

static void test_audit_order(void **state)
{
    struct fixture *f = *state;
    populate(f);
    int64_t oldest = 0, newest = 0;
    struct pfs_log_filter filter = {0};
    assert_int_equal(pfs_store_log(f->store, &filter, take_reason, &oldest, &f->err), 1);
    filter.newest_first = true;
    assert_int_equal(pfs_store_log(f->store, &filter, take_reason, &newest, &f->err), 1);
    assert_true(oldest < newest && newest == f->gen);
}

/* ---- schedules ---- */

static void test_schedule(void **state)
{
    struct fixture *f = *state;
    const char *key = "sip.server";
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, key, "a"), 1);
    assert_int_equal(set_from(f, PFS_SCOPE_SITE, 0, key, "b", NOW + 10), 1);
    assert_int_equal(set_from(f, PFS_SCOPE_SITE, 0, key, "b", NOW + 10), 0);
    assert_int_equal(set_from(f, PFS_SCOPE_SITE, 0, key, NULL, NOW + 20), 1);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0),
                        "sip.server=a@0;sip.server=b@1000010;sip.server=-@1000020;");
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, key, "c"), 1);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0),
                        "sip.server=c@0;sip.server=b@1000010;sip.server=-@1000020;");
    /* Later, when b is in force: what it replaced goes. */
    assert_int_equal(pfs_store_set(f->store, PFS_SCOPE_SITE, 0, key, "b", 0, NOW + 15, &f->err), 0);
    assert_int_equal(pfs_store_set(f->store, PFS_SCOPE_SITE, 0, key, "d", 0, NOW + 15, &f->err), 1);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0), "sip.server=d@0;sip.server=-@1000020;");
    assert_int_equal(pfs_store_unschedule(f->store, PFS_SCOPE_SITE, 0, key, NOW, &f->err), 1);
    assert_int_equal(pfs_store_unschedule(f->store, PFS_SCOPE_SITE, 0, key, NOW, &f->err), 0);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0), "sip.server=d@0;");
    assert_int_equal(set_from(f, PFS_SCOPE_SITE, 0, key, "e", NOW + 5), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, key, NULL), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, key, NULL), 0);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0), "sip.server=e@1000005;");
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, key, ""), 1);
    assert_string_equal(settings_of(f, PFS_SCOPE_SITE, 0), "sip.server=@0;sip.server=e@1000005;");
    commit(f);
}

static void test_values_that_are_none(void **state)
{
    struct fixture *f = *state;
    char *large = malloc(PFS_VALUE_MAX + 2);
    memset(large, 'x', PFS_VALUE_MAX + 1);
    large[PFS_VALUE_MAX + 1] = '\0';
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", large), -EINVAL);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "\xff"), -EINVAL);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "", "x"), -EINVAL);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", "x"), -ENOENT);
    assert_int_equal(set(f, PFS_SCOPE_DEFAULT, 0, "sip.server", "x"), -EINVAL);
    large[PFS_VALUE_MAX] = '\0';
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", large), 1);
    large[0] = 'y';
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", large),
                     1); /* old and new in one row of the audit */
    commit(f);
    assert_int_equal(raw_int(f, "SELECT length(value) FROM setting"), PFS_VALUE_MAX);
    free(large);
}

/* ---- devices and scopes ---- */

static void test_device(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    struct pfs_device *d;
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "zzz:b", "1"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", "s"), 1);
    assert_int_equal(set_from(f, PFS_SCOPE_DEVICE, MAC, "sip.server", NULL, NOW + 1), 1);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "line.label", "l"), 1);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "sip.password", "p"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "owned"), 1);
    for (unsigned n = 9; n >= 3; n--)
        assert_int_equal(pfs_store_assign(f->store, MAC, n, 0, &f->err), 1);
    int64_t other = add(f, PFS_SCOPE_ACCOUNT, "other");
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, other, "sip.user", "u"), 1);
    commit(f);
    check(f, pfs_store_device(f->store, MAC, &d, &f->err));
    assert_string_equal(d->mac_text, "001565aabbcc");
    assert_string_equal(d->model, "T46S");
    assert_int_equal(d->profile, o.owned);
    assert_int_equal(d->customer, o.a);
    assert_true(d->enabled);
    assert_int_equal(d->settings.n, 3);
    assert_string_equal(d->settings.settings[0].key, "sip.server");
    assert_int_equal(d->settings.settings[0].id, 0);
    assert_null(d->settings.settings[1].value);
    assert_int_equal(d->settings.settings[1].from, NOW + 1);
    assert_int_equal(d->settings.settings[2].id, -1);
    assert_int_equal(d->n_lines, 8);
    assert_int_equal(d->lines[0].number, 1);
    assert_string_equal(d->lines[0].account, "1001@a");
    assert_int_equal(d->lines[0].account_customer, o.a);
    assert_string_equal(d->lines[0].settings.name, "001565aabbcc/1");
    assert_string_equal(d->lines[0].settings.settings[0].value, "l");
    assert_string_equal(d->lines[0].account_settings.settings[0].value, "p");
    assert_int_equal(d->lines[7].number, 9);
    assert_null(d->lines[7].account);
    check(f, pfs_store_reference(f->store, d, "other", &f->err));
    check(f, pfs_store_reference(f->store, d, "1001@a", &f->err));
    check(f, pfs_store_reference(f->store, d, "other", &f->err));
    check(f, pfs_store_reference(f->store, d, "none", &f->err));
    assert_int_equal(d->n_references, 2);
    assert_string_equal(d->references[0].account, "1001@a");
    assert_string_equal(d->references[1].settings.settings[0].value, "u");
    pfs_device_unref(d);
    assert_int_equal(pfs_store_device(f->store, MAC2, &d, &f->err), -ENOENT);
    assert_string_equal(f->err.msg, "no such device: 001565aabbdd");
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_CUSTOMER, o.a, PFS_FIELD_ENABLED, "no"), 1);
    commit(f);
    check(f, pfs_store_device(f->store, MAC, &d, &f->err));
    assert_false(d->enabled);
    pfs_device_unref(d);
}

static int take_scope(void *arg, const struct pfs_scope_row *row)
{
    char *text = arg;
    sprintf(text + strlen(text), "%s:%s:%zu:%lld:%lld ", pfs_scope_name(row->layer.scope), row->layer.name,
            row->layer.n, (long long)row->parent, (long long)row->customer);
    return 0;
}

static void test_scopes(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    char text[512] = "";
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT, "shared"), 1);
    assert_int_equal(set(f, PFS_SCOPE_CUSTOMER, o.b, "sip.server", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "x"), 1);
    commit(f);
    check(f, pfs_store_scopes(f->store, take_scope, text, &f->err));
    assert_string_equal(
        text, "site::1:0:0 model:T46S:0:0:0 profile:shared:0:0:0 profile:owned:0:1:1 customer:b:1:0:0 ");
    text[0] = '\0';
    check(f, pfs_store_scope(f->store, PFS_SCOPE_PROFILE, o.owned, take_scope, text, &f->err));
    check(f, pfs_store_scope(f->store, PFS_SCOPE_CUSTOMER, o.a, take_scope, text, &f->err));
    check(f, pfs_store_scope(f->store, PFS_SCOPE_SITE, 0, take_scope, text, &f->err));
    check(f, pfs_store_scope(f->store, PFS_SCOPE_PROFILE, 99, take_scope, text, &f->err));
    assert_string_equal(text, "profile:owned:0:1:1 site::1:0:0 ");
    assert_int_equal(pfs_store_scope(f->store, PFS_SCOPE_DEVICE, MAC, take_scope, text, &f->err), -EINVAL);
}

static int take_device(void *arg, uint64_t mac, const char *model, bool enabled)
{
    char *text = arg;
    sprintf(text + strlen(text), "%012llx:%s:%d ", (unsigned long long)mac, model ? model : "-", enabled);
    return 0;
}

static int take_name(void *arg, const char *name)
{
    sprintf((char *)arg + strlen(arg), "%s ", name);
    return 0;
}

static void test_lists(void **state)
{
    struct fixture *f = *state;
    populate(f);
    char text[512] = "";
    begin(f);
    add(f, PFS_SCOPE_DEVICE, "001565aabbdd");
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC2, PFS_FIELD_ENABLED, "no"), 1);
    int64_t unused;
    check(f, pfs_store_model(f->store, "A1", &unused, &f->err));
    commit(f);
    check(f, pfs_store_list(f->store, 0, take_device, text, &f->err));
    assert_string_equal(text, "001565aabbcc:T46S:1 001565aabbdd:-:0 ");
    text[0] = '\0';
    check(f, pfs_store_list(f->store, MAC + 1, take_device, text, &f->err));
    assert_string_equal(text, "001565aabbdd:-:0 ");
    check(f, pfs_store_list(f->store, UINT64_MAX, take_device, text, &f->err));
    text[0] = '\0';
    check(f, pfs_store_models_in_use(f->store, take_name, text, &f->err));
    assert_string_equal(text, "T46S ");
    int64_t n;
    check(f, pfs_store_count(f->store, PFS_SCOPE_DEVICE, &n, &f->err));
    assert_int_equal(n, 2);
    check(f, pfs_store_count(f->store, PFS_SCOPE_LINE, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(pfs_store_count(f->store, PFS_SCOPE_DEFAULT, &n, &f->err), -EINVAL);
}

/* A callback may ask the store the same question again. */
static int take_line_name(void *arg, const struct pfs_object *o)
{
    struct fixture *f = arg;
    char text[256] = "";
    check(f,
          pfs_store_objects(f->store, PFS_SCOPE_LINE, take_field, (const char *[PFS_N_FIELDS]){0}, &f->err));
    check(f, pfs_store_settings(f->store, PFS_SCOPE_LINE, o->id, take_setting, text, &f->err));
    assert_string_equal(o->name, "001565aabbcc/1");
    return 7;
}

static void test_callbacks(void **state)
{
    struct fixture *f = *state;
    populate(f);
    assert_int_equal(pfs_store_objects(f->store, PFS_SCOPE_LINE, take_line_name, f, &f->err), 7);
    assert_int_equal(pfs_store_objects(f->store, PFS_SCOPE_LINE, take_line_name, f, &f->err), 7);
}

static void test_find(void **state)
{
    struct fixture *f = *state;
    int64_t id;
    populate(f);
    assert_int_equal(find(f, PFS_SCOPE_DEVICE, "00-15-65-AA-BB-CC"), MAC);
    assert_int_equal(find(f, PFS_SCOPE_SITE, ""), 0);
    assert_int_equal(find(f, PFS_SCOPE_MODEL, "T46S"), 1);
    assert_int_equal(find(f, PFS_SCOPE_LINE, "00:15:65:aa:bb:cc/1"), 1);
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_PROFILE, "ofice", &id, &f->err), -ENOENT);
    assert_string_equal(f->err.msg, "no such profile: ofice");
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_DEVICE, "001565", &id, &f->err), -EINVAL);
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_LINE, "001565aabbcc", &id, &f->err), -EINVAL);
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_LINE, "001565aabbcc/01", &id, &f->err), -EINVAL);
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_LINE, "001565aabbcc/2", &id, &f->err), -ENOENT);
    assert_int_equal(pfs_store_find(f->store, PFS_SCOPE_DEFAULT, "x", &id, &f->err), -EINVAL);
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    char text[512] = "";
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.shared, "sip.server", "p"), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.server", "s"), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "sip.port", "5060"), 1);
    assert_int_equal(set(f, PFS_SCOPE_SITE, 0, "audio.codecs", "pcma"), 1);
    commit(f);
    check(f, pfs_store_values(f->store, "sip.*", take_setting, text, &f->err));
    assert_string_equal(text, "sip.port=5060@0;sip.server=s@0;sip.server=p@0;");
    text[0] = '\0';
    check(f, pfs_store_values(f->store, "audio.codecs", take_setting, text, &f->err));
    assert_string_equal(text, "audio.codecs=pcma@0;");
}

/* ---- rules ---- */

static void test_fields(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    enum pfs_field parsed;
    assert_int_equal(pfs_field_parse("inventory_id", &parsed), 0);
    assert_int_equal(parsed, PFS_FIELD_INVENTORY_ID);
    assert_int_equal(pfs_field_parse("colour", &parsed), -ENOENT);
    assert_true(pfs_field_of(PFS_SCOPE_ACCOUNT, PFS_FIELD_SOURCE));
    assert_false(pfs_field_of(PFS_SCOPE_CUSTOMER, PFS_FIELD_CUSTOMER));
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_NOTE, "x"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_NOTE, NULL), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_INVENTORY_ID, "i-7"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PARENT, "x"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_LINE, o.line, PFS_FIELD_NOTE, "x"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_ENABLED, "maybe"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_ENABLED, NULL), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "none"), -ENOENT);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC2, PFS_FIELD_NOTE, "x"), -ENOENT);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_MODEL, "a/b"), -EINVAL);
    commit(f);
    assert_string_equal(field(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_INVENTORY_ID), "i-7");
    assert_string_equal(field(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_MODEL), "T46S");
    assert_string_equal(field(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_CUSTOMER), "a");
    assert_null(field(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_NOTE));
}

static void test_ownership(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    int64_t of_b = add(f, PFS_SCOPE_PROFILE, "of-b");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, of_b, PFS_FIELD_CUSTOMER, "b"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "of-b"), -EINVAL);
    assert_string_equal(
        f->err.msg, "profile \"of-b\" belongs to customer \"b\": a device of customer \"a\" cannot have it");
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "shared"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "owned"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_CUSTOMER, "b"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_CUSTOMER, NULL), -EINVAL);
    assert_non_null(strstr(f->err.msg, "a device without customer"));
    /* Parents. */
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT, "of-b"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.shared, PFS_FIELD_PARENT, "owned"), -EINVAL);
    assert_string_equal(f->err.msg,
                        "profile \"owned\" belongs to customer \"a\": a shared profile cannot be below it");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT, "shared"), 1);
    /* Owners. */
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.shared, PFS_FIELD_CUSTOMER, "b"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_CUSTOMER, "b"), -EINVAL);
    assert_non_null(strstr(f->err.msg, "001565aabbcc"));
    int64_t leaf = add(f, PFS_SCOPE_PROFILE, "leaf");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, leaf, PFS_FIELD_CUSTOMER, "a"), 1);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, leaf, PFS_FIELD_PARENT, "owned"), 1);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, leaf, PFS_FIELD_CUSTOMER, NULL), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_CUSTOMER, NULL), 1);
    commit(f);
}

static void test_cycles(void **state)
{
    struct fixture *f = *state;
    begin(f);
    int64_t a = add(f, PFS_SCOPE_PROFILE, "a"), b = add(f, PFS_SCOPE_PROFILE, "b"),
            c = add(f, PFS_SCOPE_PROFILE, "c");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, b, PFS_FIELD_PARENT, "a"), 1);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, c, PFS_FIELD_PARENT, "b"), 1);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, a, PFS_FIELD_PARENT, "c"), -EINVAL);
    assert_string_equal(f->err.msg, "profile \"a\" would be its own ancestor: \"c\" is below it");
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, a, PFS_FIELD_PARENT, "a"), -EINVAL);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, c, PFS_FIELD_PARENT, "a"), 1);
    commit(f);
}

static void test_delete_refused(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "owned"), 1);
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_PROFILE, o.owned, false, &f->err), -ENOTEMPTY);
    assert_string_equal(f->err.msg, "profile owned is in use: 1 device has it");
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_ACCOUNT, o.account, false, &f->err), -ENOTEMPTY);
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_DEVICE, MAC, false, &f->err), -ENOTEMPTY);
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_CUSTOMER, o.a, false, &f->err), -ENOTEMPTY);
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_MODEL, 1, true, &f->err), -EINVAL);
    assert_int_equal(pfs_store_delete(f->store, PFS_SCOPE_CUSTOMER, 77, true, &f->err), -ENOENT);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_CUSTOMER, o.b, false, &f->err));
    commit(f);
}

static void test_delete_recursive(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT, "shared"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "shared"), 1);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "line.label", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.shared, "sip.server", "x"), 1);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_PROFILE, o.shared, true, &f->err));
    assert_null(field(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE));
    assert_null(field(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT));
    /* The customer's account is on another's device too. */
    add(f, PFS_SCOPE_DEVICE, "001565aabbdd");
    assert_int_equal(pfs_store_assign(f->store, MAC2, 1, o.account, &f->err), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "owned"), 1);
    check(f, pfs_store_delete(f->store, PFS_SCOPE_CUSTOMER, o.a, true, &f->err));
    commit(f);
    assert_int_equal(
        raw_int(f, "SELECT (SELECT count(*) FROM setting) * 1000 + (SELECT count(*) FROM line) * 100"
                   " + (SELECT count(*) FROM device) * 10 + (SELECT count(*) FROM profile)"),
        10);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_rename_device(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    struct pfs_device *d;
    begin(f);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "line.label", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC, "sip.server", "y"), 1);
    add(f, PFS_SCOPE_DEVICE, "001565aabbee");
    assert_int_equal(pfs_store_rename(f->store, PFS_SCOPE_DEVICE, MAC, "00:15:65:aa:bb:ee", &f->err),
                     -EEXIST);
    check(f, pfs_store_rename(f->store, PFS_SCOPE_DEVICE, MAC, "00:15:65:aa:bb:dd", &f->err));
    commit(f);
    assert_int_equal(pfs_store_device(f->store, MAC, &d, &f->err), -ENOENT);
    check(f, pfs_store_device(f->store, MAC2, &d, &f->err));
    assert_int_equal(d->customer, o.a);
    assert_string_equal(d->settings.settings[0].value, "y");
    assert_string_equal(d->lines[0].account, "1001@a");
    assert_string_equal(d->lines[0].settings.settings[0].value, "x");
    assert_string_equal(d->lines[0].settings.name, "001565aabbdd/1");
    pfs_device_unref(d);
    assert_int_equal(raw_int(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_rename_taken(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    assert_int_equal(pfs_store_rename(f->store, PFS_SCOPE_CUSTOMER, o.a, "b", &f->err), -EEXIST);
    assert_int_equal(pfs_store_rename(f->store, PFS_SCOPE_CUSTOMER, o.a, "..", &f->err), -EINVAL);
    assert_int_equal(pfs_store_rename(f->store, PFS_SCOPE_LINE, o.line, "001565aabbcc/2", &f->err), -EINVAL);
    check(f, pfs_store_rename(f->store, PFS_SCOPE_CUSTOMER, o.a, "c", &f->err));
    commit(f);
}

static int take_line(void *arg, const struct pfs_line_row *row)
{
    sprintf((char *)arg + strlen(arg), "%012llx/%u=%s ", (unsigned long long)row->mac, row->number,
            row->account ? row->account : "-");
    return 0;
}

static int take_mac(void *arg, uint64_t mac)
{
    sprintf((char *)arg + strlen(arg), "%02x ", (unsigned)mac & 0xff);
    return 0;
}

static const char *devices_of(struct fixture *f, enum pfs_scope scope, int64_t id)
{
    static char text[256];
    text[0] = '\0';
    check(f, pfs_store_devices_of(f->store, scope, id, take_mac, text, &f->err));
    return text;
}

static void test_lines(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    char text[256] = "";
    begin(f);
    assert_int_equal(pfs_store_assign(f->store, MAC, 0, 0, &f->err), -EINVAL);
    assert_int_equal(pfs_store_assign(f->store, MAC, 1000, 0, &f->err), -EINVAL);
    assert_int_equal(pfs_store_assign(f->store, MAC2, 1, 0, &f->err), -ENOENT);
    assert_int_equal(pfs_store_assign(f->store, MAC, 2, 77, &f->err), -ENOENT);
    add(f, PFS_SCOPE_LINE, "001565aabbcc/4");
    assert_int_equal(pfs_store_assign(f->store, MAC, 4, o.account, &f->err), 1);
    assert_int_equal(pfs_store_assign(f->store, MAC, 1, 0, &f->err), 1);
    commit(f);
    check(f, pfs_store_lines(f->store, MAC, take_line, text, &f->err));
    assert_string_equal(text, "001565aabbcc/1=- 001565aabbcc/4=1001@a ");
    text[0] = '\0';
    check(f, pfs_store_lines_of_account(f->store, o.account, take_line, text, &f->err));
    assert_string_equal(text, "001565aabbcc/4=1001@a ");
}

static int64_t stronger(struct fixture *f, enum pfs_scope scope, int64_t id, int64_t devices)
{
    int64_t n, m;
    check(f, pfs_store_reach(f->store, scope, id, "sip.server", NOW, &n, &m, &f->err));
    assert_int_equal(n, devices);
    return m;
}

static void test_reach(void **state)
{
    struct fixture *f = *state;
    struct objects o = populate(f);
    begin(f);
    /* cc: customer a, profile owned below shared; dd: customer b, profile shared; ee: nothing. */
    assert_int_equal(update(f, PFS_SCOPE_PROFILE, o.owned, PFS_FIELD_PARENT, "shared"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC, PFS_FIELD_PROFILE, "owned"), 1);
    add(f, PFS_SCOPE_DEVICE, "001565aabbdd");
    add(f, PFS_SCOPE_DEVICE, "001565aabbee");
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC2, PFS_FIELD_CUSTOMER, "b"), 1);
    assert_int_equal(update(f, PFS_SCOPE_DEVICE, MAC2, PFS_FIELD_PROFILE, "shared"), 1);
    assert_string_equal(devices_of(f, PFS_SCOPE_SITE, 0), "cc dd ee ");
    assert_string_equal(devices_of(f, PFS_SCOPE_PROFILE, o.shared), "cc dd ");
    assert_string_equal(devices_of(f, PFS_SCOPE_PROFILE, o.owned), "cc ");
    assert_string_equal(devices_of(f, PFS_SCOPE_CUSTOMER, o.b), "dd ");
    assert_string_equal(devices_of(f, PFS_SCOPE_MODEL, 1), "cc ");
    assert_string_equal(devices_of(f, PFS_SCOPE_ACCOUNT, o.account), "cc ");
    assert_string_equal(devices_of(f, PFS_SCOPE_LINE, o.line), "cc ");
    assert_int_equal(stronger(f, PFS_SCOPE_SITE, 0, 3), 0);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.shared, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_SITE, 0, 3), 2);
    assert_int_equal(stronger(f, PFS_SCOPE_MODEL, 1, 1), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_PROFILE, o.shared, 2), 0);
    assert_int_equal(stronger(f, PFS_SCOPE_CUSTOMER, o.a, 1), 0);
    assert_int_equal(set(f, PFS_SCOPE_PROFILE, o.owned, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_PROFILE, o.shared, 2), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_CUSTOMER, o.a, 1), 1);
    assert_int_equal(set(f, PFS_SCOPE_CUSTOMER, o.b, "sip.server", "x"), 1);
    assert_int_equal(set(f, PFS_SCOPE_CUSTOMER, o.a, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_PROFILE, o.shared, 2), 2);
    assert_int_equal(stronger(f, PFS_SCOPE_PROFILE, o.owned, 1), 0);
    assert_int_equal(set_from(f, PFS_SCOPE_ACCOUNT, o.account, "sip.server", "x", NOW + 1), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_DEVICE, MAC, 1), 0);
    assert_int_equal(set(f, PFS_SCOPE_ACCOUNT, o.account, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_DEVICE, MAC, 1), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_ACCOUNT, o.account, 1), 0);
    assert_int_equal(set(f, PFS_SCOPE_LINE, o.line, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_ACCOUNT, o.account, 1), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_LINE, o.line, 1), 0);
    assert_int_equal(set(f, PFS_SCOPE_DEVICE, MAC2 + 0x11, "sip.server", "x"), 1);
    assert_int_equal(stronger(f, PFS_SCOPE_SITE, 0, 3), 3);
    commit(f);
}

/* A damaged database is said to be that, and nothing crashes. */
static void test_damaged(void **state)
{
    struct fixture *f = *state;
    populate(f);
    pfs_store_close(f->store);
    f->store = NULL;
    raw(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(f->path, O_WRONLY);
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    for (off_t at = 4096; at < 40 * 4096; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    close(fd);
    int r = pfs_store_open(f->path, f->catalogue, &f->store, &f->err);
    struct pfs_device *d;
    if (r == 0)
        r = pfs_store_device(f->store, MAC, &d, &f->err);
    assert_int_equal(r, -EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create),
        TEST(test_create_beside_an_old_wal),
        TEST(test_open_errors),
        TEST(test_open_another_application),
        TEST(test_open_newer_schema),
        TEST(test_odd_paths),
        TEST(test_read_only_with_wal),
        TEST(test_read_only_without_wal),
        TEST(test_busy_writer_lock),
        TEST(test_busy_sqlite),
        TEST(test_snapshot),
        TEST(test_sign),
        TEST(test_rollback),
        TEST(test_changes_of_settings),
        TEST(test_equal_is_no_change),
        TEST(test_changes_of_objects),
        TEST(test_changes_of_references),
        TEST(test_feed_that_was_cut),
        TEST(test_raw_sql_is_seen),
        TEST(test_audit),
        TEST(test_add_with),
        TEST(test_expect_many),
        TEST(test_add_with_refuses),
        TEST(test_audit_learns_secrets),
        TEST(test_audit_order),
        TEST(test_schedule),
        TEST(test_values_that_are_none),
        TEST(test_device),
        TEST(test_scopes),
        TEST(test_lists),
        TEST(test_callbacks),
        TEST(test_find),
        TEST(test_values),
        TEST(test_fields),
        TEST(test_ownership),
        TEST(test_cycles),
        TEST(test_delete_refused),
        TEST(test_delete_recursive),
        TEST(test_rename_device),
        TEST(test_rename_taken),
        TEST(test_lines),
        TEST(test_reach),
        TEST(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

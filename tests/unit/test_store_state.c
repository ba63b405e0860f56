/* The state: what state.h promises, on real files. */
#include "store/state.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum { NOW = 1000000 };

struct fixture {
    char folder[64], path[128], state_path[160];
    struct pfs_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/test_state.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/inventory.db", f->folder);
    snprintf(f->state_path, sizeof f->state_path, "%s.state", f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct pfs_state *open_state(struct fixture *f, bool owner_wanted, int64_t newest_change)
{
    struct pfs_state *s = NULL;
    int r = pfs_state_open(f->path, owner_wanted, newest_change, NOW, &s, &f->err);
    if (r < 0)
        fail_msg("%s", f->err.msg);
    return s;
}

static void put(struct pfs_state *s, const char *name, uint64_t hash, int64_t mtime)
{
    assert_int_equal(pfs_state_put(s, name, &(struct pfs_published){.hash = hash, .mtime = mtime}), 0);
}

static void assert_published(struct pfs_state *s, const char *name, uint64_t hash, int64_t mtime)
{
    struct pfs_published p;
    assert_true(pfs_state_get(s, name, &p));
    assert_true(p.hash == hash && p.mtime == mtime);
}

static int64_t rows(struct fixture *f)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open_v2(f->state_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM published", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

/* Opens, puts and ends as kill -9 would. */
static void die_after(struct fixture *f, bool commit)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct pfs_state *s = open_state(f, true, 0);
        put(s, "a.cfg", UINT64_MAX, NOW + 50);
        if (commit && pfs_state_commit(s, &f->err) < 0)
            _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_restart(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    struct pfs_published p;
    struct pfs_state *s = open_state(f, true, 0);
    assert_true(pfs_state_is_owner(s));
    assert_string_equal(f->err.msg, "");
    assert_int_equal(pfs_state_floor(s), NOW + 2); /* the first start, or a state that was lost */
    assert_false(pfs_state_get(s, "a.cfg", &p));
    put(s, "a.cfg", UINT64_MAX - 3, NOW);
    assert_published(s, "a.cfg", UINT64_MAX - 3, NOW);
    put(s, "a.cfg", 7, NOW + 1);
    assert_published(s, "a.cfg", 7, NOW + 1);
    put(s, "b.cfg", UINT64_MAX, NOW);
    pfs_state_raise_clock(s, 50);
    pfs_state_raise_clock(s, 40);
    assert_int_equal(pfs_state_clock(s), 50);
    pfs_state_close(s);
    assert_int_equal(stat(f->state_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    s = open_state(f, true, NOW + 1000);
    assert_int_equal(pfs_state_floor(s), 0);
    assert_int_equal(pfs_state_clock(s), 50);
    assert_published(s, "a.cfg", 7, NOW + 1);
    assert_published(s, "b.cfg", UINT64_MAX, NOW);
    put(s, "a.cfg", 8, NOW + 2);
    assert_published(s, "a.cfg", 8, NOW + 2);
    pfs_state_close(s);
}

static void test_unclean_stop(void **state)
{
    struct fixture *f = *state;
    die_after(f, true);
    struct pfs_state *s = open_state(f, true, NOW + 10);
    assert_int_equal(pfs_state_floor(s), NOW + 52); /* the newest stored mtime */
    assert_published(s, "a.cfg", UINT64_MAX, NOW + 50);
    pfs_state_close(s);
    die_after(f, false);
    s = open_state(f, true, NOW + 99);
    assert_int_equal(pfs_state_floor(s), NOW + 101); /* the inventory's newest change */
    pfs_state_close(s);
    s = open_state(f, true, NOW + 99);
    assert_int_equal(pfs_state_floor(s), 0);
    pfs_state_close(s);
}

static void test_batch_within_a_second(void **state)
{
    struct fixture *f = *state;
    struct pfs_state *s = open_state(f, true, 0);
    put(s, "a.cfg", 1, NOW);
    put(s, "b.cfg", 2, NOW);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    assert_int_equal(rows(f), 2);
    assert_published(s, "b.cfg", 2, NOW);
    put(s, "c.cfg", 3, NOW);
    assert_int_equal(pfs_state_commit(s, &f->err), 0);
    assert_int_equal(rows(f), 3);
    assert_int_equal(pfs_state_commit(s, &f->err), 0);
    pfs_state_close(s);
}

static void test_second_opener(void **state)
{
    struct fixture *f = *state;
    struct pfs_published p;
    struct pfs_state *owner = open_state(f, true, 0);
    put(owner, "a.cfg", 1, NOW);
    assert_int_equal(pfs_state_commit(owner, &f->err), 0);
    struct pfs_state *other = open_state(f, true, 0);
    assert_false(pfs_state_is_owner(other));
    assert_string_equal(f->err.msg, ""); /* no fault: pfs_state_is_owner() tells */
    assert_true(pfs_state_floor(other) > NOW);
    assert_published(other, "a.cfg", 1, NOW);
    put(other, "a.cfg", 5, NOW + 5);
    put(other, "b.cfg", 6, NOW + 5);
    assert_int_equal(pfs_state_commit(other, &f->err), 0);
    assert_published(other, "a.cfg", 5, NOW + 5);
    assert_published(other, "b.cfg", 6, NOW + 5);
    assert_published(owner, "a.cfg", 1, NOW);
    assert_false(pfs_state_get(owner, "b.cfg", &p));
    pfs_state_close(other);
    assert_int_equal(rows(f), 1);
    /* One that does not want it leaves it alone. */
    pfs_state_close(owner);
    other = open_state(f, false, 0);
    assert_false(pfs_state_is_owner(other));
    assert_string_equal(f->err.msg, "");
    owner = open_state(f, true, 0);
    assert_true(pfs_state_is_owner(owner));
    assert_int_equal(pfs_state_floor(owner), 0);
    pfs_state_close(owner);
    pfs_state_close(other);
}

/* The WAL too: it has pages that are newer than the file's. */
static void write_noise(struct fixture *f)
{
    char wal[200];
    snprintf(wal, sizeof wal, "%s-wal", f->state_path);
    assert_int_equal(unlink(wal), 0);
    FILE *file = fopen(f->state_path, "w");
    for (int i = 0; i < 10000; i++)
        fputs("noise", file);
    fclose(file);
}

static void test_damaged_state_is_begun_anew(void **state)
{
    struct fixture *f = *state;
    struct pfs_published p;
    char broken[200];
    struct pfs_state *s = open_state(f, true, 0);
    put(s, "a.cfg", 1, NOW);
    pfs_state_close(s);
    write_noise(f);
    s = open_state(f, true, 0);
    assert_true(pfs_state_is_owner(s));
    assert_true(f->err.msg[0] != '\0');
    assert_int_equal(pfs_state_floor(s), NOW + 2);
    assert_false(pfs_state_get(s, "a.cfg", &p));
    put(s, "a.cfg", 2, NOW);
    pfs_state_close(s);
    snprintf(broken, sizeof broken, "%s.broken", f->state_path);
    assert_int_equal(access(broken, F_OK), 0);
    s = open_state(f, true, 0);
    assert_published(s, "a.cfg", 2, NOW);
    pfs_state_close(s);
}

static void test_folder_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    snprintf(f->path, sizeof f->path, "%s/none/inventory.db", f->folder);
    struct pfs_state *s = open_state(f, true, 0);
    assert_false(pfs_state_is_owner(s));
    assert_true(f->err.msg[0] != '\0');
    put(s, "a.cfg", 1, NOW);
    assert_int_equal(pfs_state_commit(s, &f->err), 0);
    assert_published(s, "a.cfg", 1, NOW);
    pfs_state_close(s);
}

/* Another that locks the database: errors leave all pending, and it is written in the end. */
static void test_locked(void **state)
{
    struct fixture *f = *state;
    struct pfs_state *s = open_state(f, true, 0);
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(f->state_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    put(s, "a.cfg", 1, NOW);
    assert_int_equal(pfs_state_commit(s, &f->err), -EBUSY);
    assert_published(s, "a.cfg", 1, NOW);
    sqlite3_close(db);
    assert_int_equal(pfs_state_commit(s, &f->err), 0);
    assert_published(s, "a.cfg", 1, NOW);
    pfs_state_close(s);
    assert_int_equal(rows(f), 1);
}

enum { N_THREADS = 4, N_NAMES = 500 };

static void *put_and_get(void *arg)
{
    struct pfs_state *s = arg;
    size_t n_lost = 0;
    for (unsigned i = 0; i < 20 * N_NAMES; i++) {
        char name[32];
        struct pfs_published p;
        snprintf(name, sizeof name, "%lx-%u.cfg", (unsigned long)pthread_self(), i % N_NAMES);
        if (pfs_state_put(s, name, &(struct pfs_published){.hash = i, .mtime = i}) < 0 ||
            !pfs_state_get(s, name, &p) || p.hash != i)
            n_lost++;
        if (i % 1000 == 0 && pfs_state_commit(s, NULL) < 0)
            n_lost++;
    }
    return n_lost ? s : NULL;
}

/* A name is always seen as it was put last, also while batches are being committed. */
static void test_threads(void **state)
{
    struct fixture *f = *state;
    for (int owner = 0; owner < 2; owner++) {
        struct pfs_state *s = open_state(f, owner, 0);
        pthread_t threads[N_THREADS];
        void *lost;
        for (int i = 0; i < N_THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, put_and_get, s), 0);
        for (int i = 0; i < N_THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], &lost), 0);
            assert_null(lost);
        }
        pfs_state_close(s);
    }
    assert_int_equal(rows(f), N_THREADS * N_NAMES);
}

/* ---- the WAL ---- */

struct asker {
    struct pfs_state *state;
    bool stop; /* atomic */
};

static void *ask(void *arg)
{
    struct asker *a = arg;
    struct pfs_published p;
    while (!__atomic_load_n(&a->stop, __ATOMIC_RELAXED))
        pfs_state_get(a->state, "nobody.cfg", &p);
    return NULL;
}

/* However many look-ups go on, the WAL begins anew when it has been written back: at 1,000 pages, or a batch
 * later. */
static void test_wal_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct asker a = {.state = open_state(f, true, 0)};
    pthread_t thread;
    char name[256], wal[176];
    struct stat st;
    assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
    for (int64_t round = 1; round <= 100; round++) {
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "%0200d.cfg", i);
            put(a.state, name, (uint64_t)round, NOW + round);
        }
        assert_int_equal(pfs_state_commit(a.state, &f->err), 0);
    }
    __atomic_store_n(&a.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    snprintf(wal, sizeof wal, "%s-wal", f->state_path);
    assert_int_equal(stat(wal, &st), 0);
    assert_in_range(st.st_size, 1, 2000 * 4120);
    pfs_state_close(a.state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restart),
        TEST(test_unclean_stop),
        TEST(test_batch_within_a_second),
        TEST(test_second_opener),
        TEST(test_damaged_state_is_begun_anew),
        TEST(test_folder_that_is_not_there),
        TEST(test_locked),
        TEST(test_threads),
        TEST(test_wal_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

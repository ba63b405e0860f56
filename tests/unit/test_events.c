/* The event hub: its ring and cursors, who waits, and the follower of the inventory. */
#include "core/events_impl.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

/* An inventory begins at gen 1. */
enum { SOON_MS = 250, TEXT_MAX = 1 << 16 };

#define MAC UINT64_C(0x001565aabbcc)

static const struct pfs_writer ann = {.login = "ann", .via = "command"};

struct fixture {
    char folder[64], path[128];
    struct pfs_catalogue *catalogue;
    struct pfs_store *store;
    struct pfs_events *events;
    struct pfs_events_cursor cursor;
    struct pfs_err err;
    char text[TEXT_MAX]; /* read so far */
    size_t len;
};

static void must(const struct fixture *f, int r)
{
    if (r < 0)
        fail_msg("%d: %s", r, f->err.msg);
}

static void add_key(struct pfs_catalogue *c, const char *key, bool secret)
{
    struct pfs_catalogue_entry *e = &c->entries[c->n_entries++];
    *e = (struct pfs_catalogue_entry){.key = key, .id = (int)c->n_plain, .secret = secret};
    c->plain[c->n_plain++] = e;
    assert_int_equal(pfs_map_put(&c->by_key, key, strlen(key), e, NULL), 0);
}

static struct pfs_catalogue *make_catalogue(void)
{
    struct pfs_catalogue *c = calloc(1, sizeof *c);
    c->entries = pfs_arena_alloc(&c->arena, 4 * sizeof *c->entries);
    c->plain = pfs_arena_alloc(&c->arena, 4 * sizeof *c->plain);
    add_key(c, "sip.server", false);
    add_key(c, "sip.password", true);
    return c;
}

static void make_inventory(struct fixture *f, const char *path)
{
    must(f, pfs_store_create(path, f->catalogue, &f->err));
}

/* A hub without threads: what is there is known exactly. */
static struct fixture *make_fixture(size_t lines, size_t bytes)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct pfs_events_options o = {.lines = lines, .bytes = bytes};
    strcpy(f->folder, "/tmp/test_events.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/inventory.db", f->folder);
    f->catalogue = make_catalogue();
    make_inventory(f, f->path);
    must(f, pfs_store_open(f->path, f->catalogue, &f->store, &f->err));
    must(f, pfs_events_new(f->path, f->catalogue, &o, &f->events, &f->err));
    return f;
}

static int set_up_small(void **state)
{
    struct fixture *f = *state = make_fixture(4, 64);
    pfs_events_open(f->events, NULL, &f->cursor);
    return 0;
}

static void watermark(struct fixture *f, struct pfs_watermark *ret)
{
    must(f, pfs_store_begin(f->store, &f->err));
    must(f, pfs_store_watermark(f->store, ret, &f->err));
    pfs_store_end(f->store);
}

static int set_up_running(void **state)
{
    struct fixture *f = *state = make_fixture(0, 0);
    struct pfs_watermark at;
    watermark(f, &at);
    must(f, pfs_events_start(f->events, &f->err));
    pfs_events_open(f->events, &at, &f->cursor);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pfs_events_close(f->events, &f->cursor);
    pfs_events_free(f->events);
    if (f->store)
        pfs_store_close(f->store);
    pfs_catalogue_free(f->catalogue);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* ---- the ring ---- */

static void append(struct fixture *f, const char *text)
{
    pfs_events_append(f->events, 0, text, strlen(text));
}

/* What one read of at most `size` bytes gives. */
static const char *read_some(struct fixture *f, size_t size)
{
    ssize_t n = pfs_events_read(f->events, &f->cursor, f->text, size);
    assert_in_range(n, 0, size);
    f->text[n] = '\0';
    return f->text;
}

static void test_lines_come_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(read_some(f, 100), "");
    append(f, "one\ntwo\n");
    append(f, "three\n");
    assert_true(pfs_events_ready(f->events, &f->cursor));
    assert_string_equal(read_some(f, 9), "one\ntwo\n");
    assert_string_equal(read_some(f, 100), "three\n");
    assert_string_equal(read_some(f, 100), "");
    assert_false(pfs_events_ready(f->events, &f->cursor));
}

static void test_cursors_are_each_readers_own(void **state)
{
    struct fixture *f = *state;
    struct pfs_events_cursor late;
    char text[16];
    append(f, "one\n");
    pfs_events_open(f->events, NULL, &late);
    append(f, "two\n");
    assert_int_equal(pfs_events_read(f->events, &late, text, sizeof text), 4);
    assert_memory_equal(text, "two\n", 4);
    pfs_events_close(f->events, &late);
    assert_string_equal(read_some(f, 100), "one\ntwo\n");
}

/* As a shell's `read` does. */
static void test_a_line_may_be_read_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    append(f, "one\ntwo\n");
    for (const char *want = "one\ntwo\n"; *want; want++) {
        assert_true(pfs_events_ready(f->events, &f->cursor));
        read_some(f, 1);
        assert_int_equal(f->text[0], *want);
        assert_int_equal(f->text[1], '\0');
    }
    append(f, "three\nfour\n");
    assert_string_equal(read_some(f, 2), "th");
    assert_string_equal(read_some(f, 100), "ree\nfour\n");
    append(f, "five\nsix\n");
    assert_string_equal(read_some(f, 2), "fi");
    assert_string_equal(read_some(f, 5), "ve\n"); /* the next line would not be whole */
    assert_string_equal(read_some(f, 5), "six\n");
}

static void test_a_slow_reader_is_told_what_it_missed(void **state)
{
    struct fixture *f = *state;
    append(f, "1\n2\n3\n4\n5\n6\n"); /* of which four are kept */
    assert_string_equal(read_some(f, 5), "{\"mis");
    assert_string_equal(read_some(f, 100), "sed\":2}\n3\n4\n5\n6\n");
    append(f, "7\n8\n9\n10\n11\n");
    assert_string_equal(read_some(f, 100), "{\"missed\":1}\n8\n9\n10\n11\n");
}

static void test_a_begun_line_outlives_the_ring(void **state)
{
    struct fixture *f = *state;
    append(f, "first line\n");
    assert_string_equal(read_some(f, 6), "first ");
    append(f, "1\n2\n3\n4\n5\n6\n");
    assert_string_equal(read_some(f, 100), "line\n{\"missed\":2}\n3\n4\n5\n6\n");
}

static void test_bytes_are_bounded(void **state)
{
    struct fixture *f = *state;
    append(f, "a line that has forty bytes, newline too\n");
    append(f, "another that has forty bytes with its\n");
    assert_string_equal(read_some(f, 100), "{\"missed\":1}\nanother that has forty bytes with its\n");
}

static void test_nothing_is_kept_for_nobody(void **state)
{
    struct fixture *f = *state;
    append(f, "one\n");
    pfs_events_close(f->events, &f->cursor);
    assert_int_equal(f->events->bytes, 0);
    append(f, "two\n");
    assert_int_equal(f->events->bytes, 0);
    pfs_events_open(f->events, NULL, &f->cursor);
    append(f, "three\n");
    assert_string_equal(read_some(f, 100), "three\n");
}

static void test_what_is_published(void **state)
{
    struct fixture *f = *state;
    const struct pfs_version v = {.mtime = 1000000000, .size = 12};
    pfs_events_published(f->events, "odd\"\x01\xff.cfg", &v);
    assert_string_equal(read_some(f, 200), "{\"published\":\"odd\\\"\\u0001\\ufffd.cfg\","
                                           "\"mtime\":\"2001-09-09T01:46:40Z\",\"size\":12}\n");
}

/* ---- who waits ---- */

struct wait {
    int result, times; /* atomic */
    pthread_t thread;
};

static void note_result(void *arg, int r)
{
    struct wait *w = arg;
    w->thread = pthread_self();
    __atomic_store_n(&w->result, r, __ATOMIC_RELAXED);
    __atomic_add_fetch(&w->times, 1, __ATOMIC_RELEASE);
}

static int times(const struct wait *w)
{
    return __atomic_load_n(&w->times, __ATOMIC_ACQUIRE);
}

static void await(const struct wait *w)
{
    int64_t until = now_ms() + 5000;
    while (times(w) == 0 && now_ms() < until)
        nap();
    assert_int_equal(times(w), 1);
    assert_false(pthread_equal(w->thread, pthread_self()));
}

static uint64_t park(struct fixture *f, struct wait *w)
{
    *w = (struct wait){.result = 1};
    uint64_t ticket = pfs_events_reserve(f->events, note_result, w);
    assert_int_not_equal(ticket, 0);
    pfs_events_park(f->events, ticket, &f->cursor);
    return ticket;
}

static void test_a_parked_reader_is_called_when_a_line_comes(void **state)
{
    struct fixture *f = *state;
    struct wait w, other;
    uint64_t ticket = park(f, &w);
    park(f, &other);
    nap();
    assert_int_equal(times(&w), 0);
    append(f, "one\n");
    await(&w);
    await(&other);
    assert_int_equal(w.result, 0);
    assert_false(pfs_events_unpark(f->events, ticket));
    assert_string_equal(read_some(f, 100), "one\n");
}

static void test_a_line_that_is_there_calls_at_once(void **state)
{
    struct fixture *f = *state;
    struct wait w;
    append(f, "one\ntwo\n");
    park(f, &w);
    await(&w);
    assert_string_equal(read_some(f, 2), "on");
    park(f, &w); /* the rest of a line counts too */
    await(&w);
}

static void test_a_parked_reader_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct wait w;
    uint64_t ticket = park(f, &w);
    assert_true(pfs_events_unpark(f->events, ticket));
    assert_false(pfs_events_unpark(f->events, ticket));
    append(f, "one\n");
    nap();
    assert_int_equal(times(&w), 0);
}

static void test_an_interrupt_answers_from_the_hubs_thread(void **state)
{
    struct fixture *f = *state;
    struct wait w;
    pfs_events_interrupt(f->events, park(f, &w));
    await(&w);
    assert_int_equal(w.result, -EINTR);
}

/* The interrupt that comes before the read is parked is not lost, and not answered early. */
static void test_an_early_interrupt_waits_for_the_parking(void **state)
{
    struct fixture *f = *state;
    struct wait w = {.result = 1};
    uint64_t ticket = pfs_events_reserve(f->events, note_result, &w);
    pfs_events_interrupt(f->events, ticket);
    append(f, "one\n");
    nap();
    assert_int_equal(times(&w), 0);
    pfs_events_park(f->events, ticket, &f->cursor);
    await(&w);
    assert_int_equal(w.result, -EINTR);
    pfs_events_interrupt(f->events, ticket); /* gone: nothing */
}

static void test_the_end_answers_all(void **state)
{
    struct fixture *f = *state;
    struct wait w, late;
    park(f, &w);
    pfs_events_stop(f->events);
    assert_int_equal(times(&w), 1);
    assert_int_equal(w.result, -ESHUTDOWN);
    park(f, &late);
    assert_int_equal(times(&late), 1);
    assert_int_equal(late.result, -ESHUTDOWN);
}

static void test_waiters_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct wait w = {0};
    for (int i = 0; i < PFS_EVENTS_WAITERS_MAX; i++)
        assert_int_not_equal(pfs_events_reserve(f->events, note_result, &w), 0);
    assert_int_equal(pfs_events_reserve(f->events, note_result, &w), 0);
    assert_true(pfs_events_unpark(f->events, 1));
    assert_int_not_equal(pfs_events_reserve(f->events, note_result, &w), 0);
}

/* Whatever races, each wait ends once: it is called or taken back. */
static void *hammer(void *arg)
{
    struct fixture *f = arg;
    struct pfs_events_cursor c;
    char text[64];
    pfs_events_open(f->events, NULL, &c);
    for (int i = 0; i < 300; i++) {
        struct wait w = {.result = 1};
        uint64_t ticket = pfs_events_reserve(f->events, note_result, &w);
        if (i % 3 == 0)
            pfs_events_interrupt(f->events, ticket);
        pfs_events_park(f->events, ticket, &c);
        if (i % 3 == 1)
            append(f, "line\n");
        if (i % 3 == 2 && pfs_events_unpark(f->events, ticket)) {
            if (times(&w) != 0)
                return NULL;
            continue;
        }
        while (times(&w) == 0)
            sched_yield();
        while (pfs_events_read(f->events, &c, text, sizeof text) > 0) {
        }
    }
    pfs_events_close(f->events, &c);
    return f;
}

static void test_each_wait_ends_once(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    void *result;
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, f), 0);
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(f->events->n_waiters, 0);
}

/* ---- the inventory ---- */

/* Reads on until `want` is among what was read, for SOON_MS at most; how long it took. */
static int64_t read_until(struct fixture *f, const char *want)
{
    int64_t start = now_ms();
    while (!strstr(f->text, want)) {
        if (now_ms() > start + 20 * SOON_MS)
            fail_msg("no %s in %s", want, f->text);
        ssize_t n = pfs_events_read(f->events, &f->cursor, f->text + f->len, TEXT_MAX - 1 - f->len);
        assert_true(n >= 0);
        f->len += (size_t)n;
        f->text[f->len] = '\0';
        nap();
    }
    return now_ms() - start;
}

static void write_value(struct fixture *f, const char *key, const char *value)
{
    must(f, pfs_store_write(f->store, &ann, &f->err));
    must(f, pfs_store_set(f->store, PFS_SCOPE_SITE, 0, key, value, 0, 1000, &f->err));
    must(f, pfs_store_commit(f->store, NULL, &f->err));
}

static void add_device(struct fixture *f, const char *mac)
{
    int64_t id;
    must(f, pfs_store_write(f->store, &ann, &f->err));
    must(f, pfs_store_add(f->store, PFS_SCOPE_DEVICE, mac, &id, &f->err));
    must(f, pfs_store_commit(f->store, NULL, &f->err));
}

static void raw(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void test_commits_are_told(void **state)
{
    struct fixture *f = *state;
    add_device(f, "001565aabbcc");
    read_until(f, "\"kind\":\"device\",\"object\":\"001565aabbcc\",\"key\":null}\n");
    write_value(f, "sip.server", "pbx.example");
    assert_in_range(read_until(f, "\"kind\":\"site\",\"object\":\"\",\"key\":\"sip.server\"}\n"), 0, SOON_MS);
    assert_ptr_equal(strstr(f->text, "{\"gen\":2,\"time\":\"2"), f->text);
}

static void test_values_are_never_told(void **state)
{
    struct fixture *f = *state;
    write_value(f, "sip.password", "s3cret");
    write_value(f, "sip.server", "v4lue");
    read_until(f, "sip.server");
    assert_non_null(strstr(f->text, "\"sip.password\""));
    assert_null(strstr(f->text, "s3cret"));
    assert_null(strstr(f->text, "v4lue"));
}

/* Another process: this program anew, as threads do not survive a fork. */
static int commit_and_exit(const char *path)
{
    struct pfs_catalogue *c = make_catalogue();
    struct pfs_store *own;
    bool ok = pfs_store_open(path, c, &own, NULL) == 0 && pfs_store_write(own, &ann, NULL) == 0 &&
              pfs_store_set(own, PFS_SCOPE_SITE, 0, "sip.server", "x", 0, 1000, NULL) == 1 &&
              pfs_store_commit(own, NULL, NULL) == 0;
    if (ok)
        pfs_store_close(own);
    pfs_catalogue_free(c);
    return ok ? 0 : 1;
}

static void test_other_processes_commits_are_told(void **state)
{
    struct fixture *f = *state;
    char program[] = "/proc/self/exe", word[] = "commit";
    char *const args[] = {program, word, f->path, NULL};
    pid_t pid;
    int status;
    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, args, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_in_range(read_until(f, "\"key\":\"sip.server\"}\n"), 0, SOON_MS);
}

static void test_raw_sql_is_told(void **state)
{
    struct fixture *f = *state;
    raw(f->path, "INSERT INTO profile (name) VALUES ('office')");
    assert_in_range(read_until(f, "\"kind\":\"profile\",\"object\":\"office\",\"key\":null}\n"), 0, SOON_MS);
    raw(f->path, "DELETE FROM profile");
    read_until(f, "\"gen\":3,");
}

/* Nothing is told twice, nothing left out, whatever is committed while it is read. */
static void test_each_change_is_told_once(void **state)
{
    struct fixture *f = *state;
    char value[16], want[32];
    for (int i = 1; i <= 100; i++) {
        snprintf(value, sizeof value, "v%d", i);
        write_value(f, "sip.server", value);
    }
    read_until(f, "\"gen\":101,");
    const char *at = f->text;
    for (int i = 1; i <= 100; i++) {
        snprintf(want, sizeof want, "{\"gen\":%d,", i + 1);
        assert_ptr_equal(strstr(at, want), at);
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
}

/* More rows than one snapshot's batch, of few gens. */
static void test_a_large_import_is_told_whole(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    raw(f->path, "BEGIN; WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                 " INSERT INTO account (name) SELECT 'a' || i FROM n; COMMIT;");
    write_value(f, "sip.server", "last");
    for (bool last = false; !last; nap()) {
        ssize_t got = pfs_events_read(f->events, &f->cursor, f->text, TEXT_MAX - 1);
        assert_true(got >= 0);
        f->text[got] = '\0';
        for (const char *s = f->text; (s = strchr(s, '\n')); s++)
            n++;
        last = strstr(f->text, "sip.server") != NULL;
    }
    assert_int_equal(n, 10001);
}

static void test_what_came_before_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct pfs_watermark at;
    pfs_events_close(f->events, &f->cursor);
    write_value(f, "sip.password", "before");
    watermark(f, &at);
    write_value(f, "sip.server", "between"); /* after the gen that the caller saw */
    pfs_events_open(f->events, &at, &f->cursor);
    read_until(f, "sip.server");
    assert_null(strstr(f->text, "sip.password"));
}

static void test_an_audit_that_was_cut_is_followed_on(void **state)
{
    struct fixture *f = *state;
    write_value(f, "sip.server", "one");
    read_until(f, "\"gen\":2,");
    raw(f->path, "DELETE FROM log");
    write_value(f, "sip.server", "two");
    read_until(f, "\"gen\":3,");
}

static void test_another_inventory_in_its_place(void **state)
{
    struct fixture *f = *state;
    char other[128];
    write_value(f, "sip.server", "one");
    read_until(f, "\"gen\":2,");
    pfs_store_close(steal_ptr(&f->store));
    snprintf(other, sizeof other, "%s/other.db", f->folder);
    make_inventory(f, other);
    assert_int_equal(rename(other, f->path), 0);
    raw(f->path, "INSERT INTO customer (name) VALUES ('acme')");
    read_until(f, "\"kind\":\"all\",\"object\":\"\",\"key\":null}\n");
}

#define SMALL(t) cmocka_unit_test_setup_teardown(t, set_up_small, tear_down)
#define RUNNING(t) cmocka_unit_test_setup_teardown(t, set_up_running, tear_down)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "commit") == 0)
        return commit_and_exit(argv[2]);
    const struct CMUnitTest tests[] = {
        SMALL(test_lines_come_whole_and_in_order),
        SMALL(test_cursors_are_each_readers_own),
        SMALL(test_a_line_may_be_read_byte_by_byte),
        SMALL(test_a_slow_reader_is_told_what_it_missed),
        SMALL(test_a_begun_line_outlives_the_ring),
        SMALL(test_bytes_are_bounded),
        SMALL(test_nothing_is_kept_for_nobody),
        SMALL(test_what_is_published),
        SMALL(test_waiters_are_bounded),
        RUNNING(test_a_parked_reader_is_called_when_a_line_comes),
        RUNNING(test_a_line_that_is_there_calls_at_once),
        RUNNING(test_a_parked_reader_can_be_taken_back),
        RUNNING(test_an_interrupt_answers_from_the_hubs_thread),
        RUNNING(test_an_early_interrupt_waits_for_the_parking),
        RUNNING(test_the_end_answers_all),
        RUNNING(test_each_wait_ends_once),
        RUNNING(test_commits_are_told),
        RUNNING(test_values_are_never_told),
        RUNNING(test_other_processes_commits_are_told),
        RUNNING(test_raw_sql_is_told),
        RUNNING(test_each_change_is_told_once),
        RUNNING(test_a_large_import_is_told_whole),
        RUNNING(test_what_came_before_is_not_told),
        RUNNING(test_an_audit_that_was_cut_is_followed_on),
        RUNNING(test_another_inventory_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The doorbell: who waits hears writers, and nobody else. */
#include "store/doorbell.h"
#include "store/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LONG_MS = 20000, /* never gone by where the bell rings */
    SHORT_MS = 50,
};

struct fixture {
    char folder[64], database[96], lock[112];
    struct pfs_doorbell *doorbell;
    struct pfs_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/provfs-doorbell-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->database, sizeof f->database, "%s/inventory.db", f->folder);
    snprintf(f->lock, sizeof f->lock, "%s.lock", f->database);
    assert_int_equal(pfs_doorbell_new(f->database, &f->doorbell, &f->err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    pfs_doorbell_free(f->doorbell);
    unlink(f->lock);
    rmdir(f->folder);
    free(f);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Whether the wait ended before its time. */
static bool rings(struct fixture *f, bool listen, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    pfs_doorbell_wait(f->doorbell, listen, timeout_ms);
    return now_ms() < end - 1;
}

static void write_once(struct fixture *f)
{
    int fd;
    assert_int_equal(pfs_lock_take(f->lock, now_ms() + LONG_MS, &fd, &f->err), 0);
    close(fd);
}

static void touch(struct fixture *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    unlink(path);
}

static void a_writer_rings(void **state)
{
    struct fixture *f = *state;
    write_once(f);
    assert_true(pfs_doorbell_hears(f->doorbell));
    assert_false(rings(f, true, SHORT_MS));
    write_once(f);
    assert_true(rings(f, true, LONG_MS));
    assert_false(rings(f, true, SHORT_MS)); /* once */
}

static void a_file_beside_the_lock_does_not(void **state)
{
    struct fixture *f = *state;
    write_once(f);
    assert_true(pfs_doorbell_hears(f->doorbell));
    touch(f, "inventory.db-wal");
    assert_false(rings(f, true, SHORT_MS));
}

static void the_first_writer_of_all_rings(void **state)
{
    struct fixture *f = *state;
    assert_true(pfs_doorbell_hears(f->doorbell)); /* there is no lock file yet */
    write_once(f);
    assert_true(rings(f, true, LONG_MS));
    write_once(f);
    rings(f, true, SHORT_MS); /* the bell is at the lock file from here on */
    write_once(f);
    assert_true(rings(f, true, LONG_MS));
}

static void a_lock_put_in_the_place_of_another(void **state)
{
    struct fixture *f = *state;
    write_once(f);
    rings(f, true, SHORT_MS);
    unlink(f->lock);
    write_once(f);
    rings(f, true, SHORT_MS);
    write_once(f);
    assert_true(rings(f, true, LONG_MS));
}

static void who_does_not_listen_is_not_woken(void **state)
{
    struct fixture *f = *state;
    write_once(f);
    assert_true(pfs_doorbell_hears(f->doorbell));
    write_once(f);
    assert_false(rings(f, false, SHORT_MS));
    assert_false(rings(f, true, SHORT_MS)); /* what came meanwhile is over */
}

static void a_wake_up_call(void **state)
{
    struct fixture *f = *state;
    pfs_doorbell_wake(f->doorbell);
    assert_true(rings(f, false, LONG_MS));
    assert_false(rings(f, false, SHORT_MS));
    pfs_doorbell_wake(NULL);
}

static void no_folder_no_bell(void **state)
{
    struct fixture *f = *state;
    struct pfs_doorbell *d;
    assert_int_equal(pfs_doorbell_new("/nonexistent/inventory.db", &d, &f->err), 0);
    assert_false(pfs_doorbell_hears(d));
    pfs_doorbell_wake(d);
    pfs_doorbell_wait(d, true, -1);
    pfs_doorbell_free(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_writer_rings),
        TEST(a_file_beside_the_lock_does_not),
        TEST(the_first_writer_of_all_rings),
        TEST(a_lock_put_in_the_place_of_another),
        TEST(who_does_not_listen_is_not_woken),
        TEST(a_wake_up_call),
        TEST(no_folder_no_bell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

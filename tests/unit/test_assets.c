/* The folder of assets as phones see it: letter case ignored, nothing from outside, a version a state of a
 * file. */
#include "core_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

static struct pfs_assets *assets;

static int up(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    content_up(f, NULL, false);
    must(f, pfs_assets_new(f->assets, f->content, &assets, &f->err));
    return r;
}

static int down(void **state)
{
    pfs_assets_free(assets);
    return fixture_down(state);
}

static const char *asset_path(const struct fixture *f, const char *name)
{
    char relative[128];
    snprintf(relative, sizeof relative, "assets/%s", name);
    return path_in(f, relative);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    write_file(asset_path(f, name), text);
}

static void make_folder(const struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(asset_path(f, name), 0755), 0);
}

static int look(struct fixture *f, const char *folder, const char *name, struct pfs_asset *ret)
{
    ret->version = NULL;
    return pfs_assets_lookup(assets, folder, name, ret, &f->err);
}

static struct pfs_version *must_look(struct fixture *f, const char *folder, const char *name)
{
    struct pfs_asset a;
    must(f, look(f, folder, name, &a));
    assert_int_equal(a.kind, PFS_ASSET_FILE);
    return a.version;
}

static void expect_text(struct fixture *f, const char *folder, const char *name, const char *text)
{
    char got[64] = "";
    struct pfs_version *v = must_look(f, folder, name);
    assert_int_equal(v->size, strlen(text));
    assert_int_equal(pread(v->fd, got, sizeof got - 1, 0), strlen(text));
    assert_string_equal(got, text);
    pfs_version_unref(v);
}

static void expect_error(struct fixture *f, const char *folder, const char *name, int errnum)
{
    struct pfs_asset a;
    assert_int_equal(look(f, folder, name, &a), -errnum);
    assert_null(a.version);
}

/* Until the folder counts as come to rest. */
static void let_rest(void)
{
    const struct timespec pause = {.tv_sec = 2, .tv_nsec = 700000000};
    nanosleep(&pause, NULL);
}

static void test_letter_case(void **state)
{
    struct fixture *f = *state;
    put(f, "Firmware.ROM", "v1");
    expect_text(f, "", "Firmware.ROM", "v1");
    expect_text(f, "", "firmware.rom", "v1");
    expect_text(f, "", "FIRMWARE.ROM", "v1");
    expect_error(f, "", "firmware.ro", ENOENT);
    put(f, "firmware.rom", "exact");
    expect_text(f, "", "firmware.rom", "exact");
    expect_text(f, "", "Firmware.ROM", "v1");
    expect_text(f, "", "FIRMWARE.rom", "v1"); /* of two the first by bytes, always */
}

/* The folder's names are kept, and what changes is seen at once all the same. */
static void test_folder_at_rest(void **state)
{
    struct fixture *f = *state;
    put(f, "One.bin", "1");
    let_rest();
    expect_error(f, "", "two.bin", ENOENT);
    expect_text(f, "", "one.BIN", "1");
    put(f, "Two.bin", "2");
    expect_text(f, "", "two.BIN", "2");
    put(f, "Three.bin", "3"); /* within the time in which times do not tell */
    expect_text(f, "", "three.BIN", "3");
    let_rest();
    expect_text(f, "", "two.BIN", "2");
    char from[256];
    strcpy(from, asset_path(f, "Two.bin"));
    assert_int_equal(rename(from, asset_path(f, "Four.bin")), 0);
    expect_error(f, "", "two.BIN", ENOENT);
    expect_text(f, "", "four.BIN", "2");
}

static void test_unknown_names_are_cheap(void **state)
{
    struct fixture *f = *state;
    char name[32];
    struct timespec began, ended;
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "file-%d", i);
        put(f, name, "");
    }
    let_rest();
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "unknown-%d", i);
        expect_error(f, "", name, ENOENT);
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - began.tv_sec < 2); /* reading the folder each time would take ten */
}

static void test_nothing_from_outside(void **state)
{
    struct fixture *f = *state;
    put(f, "inside", "in");
    make_folder(f, "sub");
    write_file(path_in(f, "secret"), "out");
    assert_int_equal(symlink("../secret", asset_path(f, "out")), 0);
    char secret[256];
    strcpy(secret, path_in(f, "secret"));
    assert_int_equal(symlink(secret, asset_path(f, "absolute")), 0);
    assert_int_equal(symlink("..", asset_path(f, "up")), 0);
    assert_int_equal(symlink("loop", asset_path(f, "loop")), 0);
    assert_int_equal(symlink("nowhere", asset_path(f, "dangling")), 0);
    assert_int_equal(symlink("inside", asset_path(f, "good")), 0);
    static const char *const names[] = {"out",       "OUT",           "absolute", "up",
                                        "loop",      "dangling",      "..",       ".",
                                        "../secret", "sub/../inside", ".hidden"};
    put(f, ".hidden", "dot");
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        expect_error(f, "", names[i], ENOENT);
    expect_text(f, "", "good", "in");
    expect_error(f, "..", "secret", ENOENT);
    expect_error(f, "up", "secret", ENOENT);
    expect_error(f, "sub", "..", ENOENT);
}

static void test_replaced(void **state)
{
    struct fixture *f = *state;
    char got[16] = "";
    put(f, "fw", "old bytes");
    struct pfs_version *old = must_look(f, "", "fw"), *again = must_look(f, "", "FW");
    assert_ptr_equal(old, again);
    pfs_version_unref(again);
    put(f, "fw", "new");
    struct pfs_version *new = must_look(f, "", "fw");
    assert_int_not_equal(old->id, new->id);
    assert_int_not_equal(old->ino, new->ino);
    assert_true(new->mtime > old->mtime);
    assert_int_equal(pread(old->fd, got, 15, 0), 9);
    assert_string_equal(got, "old bytes");
    pfs_version_unref(old);
    pfs_version_unref(new);
}

/* A file with the time of an older one in its place: the time shown moves forward all the same. */
static void test_older_file(void **state)
{
    struct fixture *f = *state;
    const struct timeval past[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    put(f, "fw", "one");
    struct pfs_version *a = must_look(f, "", "fw");
    put(f, "fw", "two");
    assert_int_equal(utimes(asset_path(f, "fw"), past), 0);
    struct pfs_version *b = must_look(f, "", "fw");
    assert_int_equal(b->mtime, a->mtime + 1);
    pfs_version_unref(a);
    pfs_version_unref(b);
}

static void test_subfolders(void **state)
{
    struct fixture *f = *state;
    struct pfs_asset a, b;
    make_folder(f, "Locales");
    make_folder(f, "Locales/DE");
    put(f, "Locales/DE/text.xml", "hallo");
    must(f, look(f, "", "locales", &a));
    assert_int_equal(a.kind, PFS_ASSET_FOLDER);
    assert_string_equal(a.path, "Locales");
    must(f, look(f, a.path, "de", &b));
    assert_string_equal(b.path, "Locales/DE");
    expect_text(f, b.path, "TEXT.xml", "hallo");
    expect_error(f, "", "text.xml", ENOENT);
    expect_error(f, "gone", "text.xml", ENOENT);
}

static void test_no_files(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkfifo(asset_path(f, "fifo"), 0644), 0);
    expect_error(f, "", "fifo", ENOENT); /* and does not wait for a writer */
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    expect_error(f, "", long_name, ENOENT);
}

static void test_unreadable(void **state)
{
    struct fixture *f = *state;
    put(f, "closed", "x");
    assert_int_equal(chmod(asset_path(f, "closed"), 0), 0);
    assert_int_equal(chmod(f->folder, 0755), 0);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    expect_error(f, "", "closed", EACCES);
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void test_no_folder(void **state)
{
    struct fixture *f = *state;
    struct pfs_assets *none;
    struct pfs_asset a;
    must(f, pfs_assets_new(path_in(f, "absent"), f->content, &none, &f->err));
    assert_int_equal(pfs_assets_lookup(none, "", "x", &a, &f->err), -ENOENT);
    pfs_assets_free(none);
}

static int count(void *arg, const char *name, enum pfs_asset_kind kind)
{
    unsigned *n = arg;
    n[kind]++;
    assert_true(name[0] != '.');
    return 0;
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    unsigned n[2] = {0};
    put(f, "a", "1");
    put(f, ".b", "2");
    make_folder(f, "c");
    put(f, "c/d", "3");
    assert_int_equal(mkfifo(asset_path(f, "fifo"), 0644), 0);
    must(f, pfs_assets_list(assets, "", count, n, &f->err));
    assert_int_equal(n[PFS_ASSET_FILE], 1);
    assert_int_equal(n[PFS_ASSET_FOLDER], 1);
    must(f, pfs_assets_list(assets, "c", count, n, &f->err));
    assert_int_equal(n[PFS_ASSET_FILE], 2);
    must(f, pfs_assets_list(assets, "gone", count, n, &f->err));
}

/* More files than are kept at hand. */
static void test_many(void **state)
{
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof name, "many-%d", i);
        put(f, name, "x");
        struct pfs_version *v = must_look(f, "", name);
        pfs_version_unref(v);
    }
    expect_text(f, "", "many-0", "x");
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_letter_case),
        T(test_folder_at_rest),
        T(test_unknown_names_are_cheap),
        T(test_nothing_from_outside),
        T(test_replaced),
        T(test_older_file),
        T(test_subfolders),
        T(test_no_files),
        T(test_unreadable),
        T(test_no_folder),
        T(test_list),
        T(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the kernel knows: look-ups counted, forgotten, the oldest found. */
#include "core_fixture.h"
#include "fs/node.h"

#include <pthread.h>

static struct pfs_version *version(uint64_t id)
{
    struct pfs_version *v = calloc(1, sizeof *v);
    assert_non_null(v);
    *v = (struct pfs_version){.refs = 1, .id = id, .ino = id + 1000, .fd = -1};
    return v;
}

static int nodes_up(void **state)
{
    return pfs_nodes_new((struct pfs_nodes **)state);
}

static int nodes_down(void **state)
{
    pfs_nodes_free(*state);
    return 0;
}

static bool is_known(struct pfs_nodes *t, uint64_t id)
{
    struct pfs_node n;
    int r = pfs_nodes_get(t, id, &n);
    if (r == 0)
        pfs_node_done(&n);
    else
        assert_int_equal(r, -ESTALE);
    return r == 0;
}

static void test_root(void **state)
{
    struct pfs_node n;
    assert_int_equal(pfs_nodes_get(*state, 1, &n), 0);
    assert_int_equal(n.kind, PFS_NODE_ROOT);
    pfs_node_done(&n);
    pfs_nodes_forget(*state, 1, 100);
    assert_true(is_known(*state, 1));
}

static void test_lookups_are_counted(void **state)
{
    struct pfs_version *v = version(7);
    struct pfs_node n;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pfs_nodes_take_file(*state, v, 1, i == 1 ? "A.cfg" : "a.cfg"), 0);
    assert_int_equal(v->refs, 2);
    assert_int_equal(pfs_nodes_count(*state), 1);
    pfs_nodes_forget(*state, 7, 2);
    assert_int_equal(pfs_nodes_get(*state, 7, &n), 0);
    assert_int_equal(n.kind, PFS_NODE_FILE);
    assert_ptr_equal(n.version, v);
    pfs_nodes_forget(*state, 7, 1);
    assert_false(is_known(*state, 7));
    assert_int_equal(n.version->ino, 1007); /* who holds it still may use it */
    pfs_node_done(&n);
    assert_int_equal(v->refs, 1);
    pfs_version_unref(v);
}

static void test_forget_too_much(void **state)
{
    struct pfs_version *v = version(7);
    assert_int_equal(pfs_nodes_take_file(*state, v, 1, "a"), 0);
    pfs_nodes_forget(*state, 7, 1000);
    pfs_nodes_forget(*state, 7, 1);
    pfs_nodes_forget(*state, 12345, 1);
    assert_int_equal(pfs_nodes_count(*state), 0);
    assert_int_equal(v->refs, 1);
    pfs_version_unref(v);
}

static uint64_t take_folder(void **state, const char *path, const char *assets, int64_t mtime, uint64_t id)
{
    const struct pfs_folder f = {.assets = (char *)assets, .ino = 1000, .mtime = mtime};
    const char *slash = strrchr(path, '/');
    assert_int_equal(pfs_nodes_take_folder(*state, path, &f, 1, slash ? slash + 1 : path, id, &id), 0);
    return id;
}

static void test_folders(void **state)
{
    struct pfs_node n;
    assert_int_equal(take_folder(state, "locales", "Locales", 100, 5), 5);
    assert_int_equal(take_folder(state, "locales", NULL, 200, 6), 5);
    assert_int_equal(take_folder(state, "locales/de", NULL, 300, 7), 7);
    assert_int_equal(take_folder(state, "LOCALES", "Locales", 100, 8), 8); /* a place of its own */
    assert_int_equal(pfs_nodes_get(*state, 5, &n), 0);
    assert_int_equal(n.kind, PFS_NODE_FOLDER);
    assert_string_equal(n.path, "locales");
    assert_null(n.folder.assets); /* as it was last */
    assert_int_equal(n.folder.mtime, 200);
    assert_int_equal(n.folder.ino, 1000);
    pfs_node_done(&n);
    assert_int_equal(pfs_nodes_get(*state, 8, &n), 0);
    assert_string_equal(n.folder.assets, "Locales");
    pfs_node_done(&n);
    pfs_nodes_forget(*state, 5, 2);
    assert_false(is_known(*state, 5));
    assert_int_equal(take_folder(state, "locales", NULL, 100, 9), 9);
}

/* A folder that was removed and made anew is another node; the old one lives until it is forgotten, and does
 * not take the new one's path along. */
static void test_paths_released(void **state)
{
    uint64_t a, b, c;
    struct pfs_node n;
    assert_int_equal(pfs_nodes_take_control(*state, "devices/x", 5, &a), 0);
    pfs_nodes_release_control(*state, "devices/x");
    pfs_nodes_release_control(*state, "devices/y");
    assert_int_equal(pfs_nodes_take_control(*state, "devices/x", 6, &b), 0);
    assert_int_equal(b, 6);
    assert_int_equal(pfs_nodes_get(*state, a, &n), 0);
    assert_string_equal(n.path, "devices/x");
    pfs_node_done(&n);
    pfs_nodes_forget(*state, a, 1);
    assert_int_equal(pfs_nodes_take_control(*state, "devices/x", 7, &c), 0);
    assert_int_equal(c, 6);
}

static void expect_oldest(struct pfs_nodes *t, const char *const *names, size_t n)
{
    struct pfs_node_name got[8];
    assert_int_equal(pfs_nodes_oldest(t, got, n), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(got[i].name, names[i]);
        assert_int_equal(got[i].parent, 1);
        free(got[i].name);
    }
}

static void test_oldest(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    assert_int_equal(take_folder(state, "folder", NULL, 0, 50), 50);
    for (uint64_t i = 0; i < 4; i++) {
        struct pfs_version *v = version(i + 2);
        assert_int_equal(pfs_nodes_take_file(*state, v, 1, names[i]), 0);
        pfs_version_unref(v);
    }
    struct pfs_node n;
    assert_int_equal(pfs_nodes_get(*state, 2, &n), 0);
    assert_int_equal(pfs_nodes_take_file(*state, n.version, 1, "a"), 0); /* asked again: the newest */
    pfs_node_done(&n);
    expect_oldest(*state, (const char *const[]){"folder", "b", "c"}, 3);
    pfs_nodes_forget(*state, 50, 1);
    expect_oldest(*state, (const char *const[]){"d", "a", "b"}, 3); /* these had their turn */
    pfs_nodes_forget(*state, 4, 1);
    expect_oldest(*state, (const char *const[]){"d", "a"}, 2);
}

enum { ROUNDS = 20000 };

static void *take_and_forget(void *arg)
{
    struct pfs_nodes *t = arg;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct pfs_version *v = version(2 + (uint64_t)(uintptr_t)&i * ROUNDS + i);
        pfs_nodes_take_file(t, v, 1, "x");
        is_known(t, v->id);
        pfs_nodes_forget(t, v->id, 1);
        pfs_version_unref(v);
    }
    return NULL;
}

static size_t names_of(struct pfs_nodes *t, uint64_t mac, char *joined)
{
    struct pfs_node_name names[8];
    size_t n = pfs_nodes_of_device(t, mac, names, 8);
    joined[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(strcat(joined, names[i].name), " ");
        free(names[i].name);
    }
    return n;
}

/* The names that the kernel keeps are found by their device: the newest version of each, whatever it was
 * asked by since. */
static void test_kept(void **state)
{
    char names[256];
    struct pfs_version *old = version(7), *new = version(8), *other = version(9);
    assert_int_equal(pfs_nodes_keep(*state, 7, 1, "a.cfg", 42), -ESTALE);
    assert_int_equal(pfs_nodes_take_file(*state, old, 1, "a.cfg"), 0);
    assert_int_equal(pfs_nodes_take_file(*state, other, 1, "a.xml"), 0);
    assert_int_equal(names_of(*state, 42, names), 0);
    assert_int_equal(pfs_nodes_keep(*state, 7, 1, "a.cfg", 42), 0);
    assert_int_equal(pfs_nodes_keep(*state, 9, 1, "a.xml", 42), 0);
    assert_int_equal(pfs_nodes_take_file(*state, old, 1, "A.CFG"), 0);
    assert_int_equal(names_of(*state, 42, names), 2);
    assert_string_equal(names, "a.xml a.cfg ");
    assert_int_equal(pfs_nodes_take_file(*state, new, 1, "a.cfg"), 0);
    assert_int_equal(pfs_nodes_keep(*state, 8, 1, "a.cfg", 42), 0);
    assert_int_equal(names_of(*state, 42, names), 2);
    pfs_nodes_forget(*state, 7, 2);
    pfs_nodes_forget(*state, 9, 1);
    assert_int_equal(names_of(*state, 42, names), 1);
    pfs_nodes_forget(*state, 8, 1);
    assert_int_equal(names_of(*state, 42, names), 0);
    pfs_version_unref(old);
    pfs_version_unref(new);
    pfs_version_unref(other);
}

static void test_threads(void **state)
{
    pthread_t threads[3];
    struct pfs_node_name names[4];
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_forget, *state), 0);
    for (int i = 0; i < 1000; i++)
        for (size_t n = pfs_nodes_oldest(*state, names, 4); n > 0; n--)
            free(names[n - 1].name);
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(pfs_nodes_count(*state), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, nodes_up, nodes_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_root),
        T(test_lookups_are_counted),
        T(test_forget_too_much),
        T(test_folders),
        T(test_paths_released),
        T(test_oldest),
        T(test_kept),
        T(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

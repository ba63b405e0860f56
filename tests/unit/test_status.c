/* What is told of a mount: unknown names, errors in force, counters, new versions; and how a phone is
 * adopted. */
#include "core/command.h"
#include "core/status.h"
#include "core_fixture.h"

#include <time.h>

static int up(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    content_up(f, NULL, true);
    return r;
}

/* 0 or the errno. */
static int ask(struct fixture *f, const char *name)
{
    struct pfs_version *v = NULL;
    bool absent;
    int r = pfs_content_lookup(f->content, f->store, name, &v, &absent, &f->err);
    if (r == 0)
        pfs_version_unref(v);
    else if (r == -ENOENT && !pfs_content_concerns(f->content, name))
        pfs_content_stranger(f->content, f->store, name); /* as the mount does where it is no asset */
    return r;
}

static const char *unknown(struct fixture *f)
{
    static char text[65536];
    struct pfs_buf out autobuf = PFS_BUF_INIT(sizeof text);
    must(f, pfs_store_begin(f->store, &f->err));
    must(f, pfs_unknown_print(f->content, f->store, &out, &f->err));
    pfs_store_end(f->store);
    return memcpy(text, pfs_buf_str(&out), out.len + 1);
}

static const char *errors(struct fixture *f)
{
    static char text[1 << 17];
    struct pfs_buf out autobuf = PFS_BUF_INIT(sizeof text);
    must(f, pfs_errors_print(f->content, f->store, &out, &f->err));
    return memcpy(text, pfs_buf_str(&out), out.len + 1);
}

static size_t three(void *arg)
{
    return 3;
}

static const char *status(struct fixture *f)
{
    static char text[4096];
    struct pfs_buf out autobuf = PFS_BUF_INIT(sizeof text);
    const struct pfs_status st = {
        .content = f->content, .state = f->state, .started = CLOCK_START, .count_nodes = three, .arg = f};
    must(f, pfs_store_begin(f->store, &f->err));
    must(f, pfs_status_print(&st, f->store, &out, &f->err));
    pfs_store_end(f->store);
    return memcpy(text, pfs_buf_str(&out), out.len + 1);
}

static void says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("no %s in %s", what, text);
}

/* ---- unknown ---- */

static void test_unknown_names(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    assert_string_equal(unknown(f), "");
    assert_int_equal(ask(f, "001565aabbee.cfg"), -ENOENT);
    test_clock++;
    assert_int_equal(ask(f, "config-001565AABBEE.txt"), -ENOENT);
    test_clock++;
    assert_int_equal(ask(f, "001565aabbee.cfg"), -ENOENT);
    assert_string_equal(unknown(f), "001565aabbee\t001565aabbee.cfg\t2\t2033-05-18T03:33:22Z\tacme\n"
                                    "001565aabbee\tconfig-001565AABBEE.txt\t1\t2033-05-18T03:33:21Z\tacme\n");
}

static void test_names_that_are_not_unknown(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    assert_int_equal(ask(f, FILE_NAME), 0);
    static const char *const names[] = {
        "ringtone.wav",
        "001565aabbcc.boot",
        "001565aabbcc-contacts.xml",
        "ffffffffffff.cfg",
        "000000000000.cfg",
        "01005e000001.cfg",
        "y000000000044.cfg",
        "001565aabbeef.xml",
        "deadbeef.cfg",
        "",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        assert_int_equal(ask(f, names[i]), -ENOENT);
    assert_string_equal(unknown(f), "");
}

/* Of a make that no template is for. */
static void test_strangers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "SEP001B54AABBCC.cnf.xml"), -ENOENT);
    assert_int_equal(ask(f, "snom-00:04:13:aa:bb:cc\t\n\xff\xc2\x85.htm"), -ENOENT);
    says(unknown(f), "001b54aabbcc\tSEP001B54AABBCC.cnf.xml\t1\t");
    says(unknown(f), "000413aabbcc\tsnom-00:04:13:aa:bb:cc????.htm\t1\t2033-05-18T03:33:20Z\t-\n");
}

static void test_unknown_is_bounded(void **state)
{
    struct fixture *f = *state;
    char name[32];
    assert_int_equal(ask(f, "001565000000.cfg"), -ENOENT);
    for (int i = 1; i <= PFS_UNKNOWN_MAX; i++) {
        snprintf(name, sizeof name, "001565%06x.cfg", i);
        assert_int_equal(ask(f, name), -ENOENT);
        assert_int_equal(ask(f, "001565000001.cfg"), -ENOENT); /* asked for again and again: it stays */
    }
    struct pfs_content_counts n;
    pfs_content_counts(f->content, &n);
    assert_int_equal(n.unknown_names, PFS_UNKNOWN_MAX);
    assert_int_equal(n.unknown, 2 * PFS_UNKNOWN_MAX + 1);
    assert_null(strstr(unknown(f), "001565000000"));
    says(unknown(f), "001565000001.cfg\t1001\t");
}

static void run(struct fixture *f, int want, const char *line)
{
    struct pfs_arena arena PFS_CLEANUP(pfs_arena_done) = {0};
    char *words[16];
    size_t n;
    struct pfs_command_io io = {.out = stdout};
    must(f, pfs_command_split(line, &arena, words, PFS_N_ELEMENTS(words), &n, &f->err));
    f->context.store = f->writer;
    int r = pfs_command_run(&f->context, &io, n, words, &f->err);
    f->context.store = NULL;
    if (r != want)
        fail_msg("%d: %s", r, f->err.msg);
}

static void test_a_phone_is_adopted(void **state)
{
    struct fixture *f = *state;
    struct pfs_content_counts n;
    ask(f, "001565aabbee.cfg");
    ask(f, "config-001565AABBEE.txt");
    ask(f, "001565aabbff.cfg");
    run(f, 0, "adopt 00:15:65:AA:BB:EE model=acme-100 sip.server=pbx.example");
    run(f, -EEXIST, "adopt 001565aabbee model=acme-100");
    run(f, -ENOEXEC, "adopt");
    assert_int_equal(ask(f, "001565aabbee.cfg"), 0);
    assert_null(strstr(unknown(f), "001565aabbee"));
    pfs_content_counts(f->content, &n);
    assert_int_equal(n.unknown_names, 1); /* what was added is forgotten, not only left out */
    pfs_content_adopted(f->content, UINT64_C(0x001565aabbff));
    assert_string_equal(unknown(f), "");
}

/* list unknown: what a mount left for who has none. */
static void test_unknown_names_are_listed(void **state)
{
    struct fixture *f = *state;
    char *out = NULL;
    size_t len;
    ask(f, "001565aabbee.cfg");
    ask(f, "001565aabbff.cfg");
    ask(f, "000413aabbcc.htm");
    must(f, pfs_state_report_put(f->state, "unknown", unknown(f), &f->err));
    run(f, 0, "adopt 001565aabbff model=acme-100");
    struct pfs_command_io io = {.out = open_memstream(&out, &len)};
    const char *words[] = {"list", "unknown", "vendor=acme"};
    f->context.store = f->writer;
    must(f, pfs_command_run(&f->context, &io, 2, (char **)(uintptr_t)words, &f->err));
    must(f, pfs_command_run(&f->context, &io, 3, (char **)(uintptr_t)words, &f->err));
    f->context.store = NULL;
    fclose(io.out);
    says(out, "mac           name              asked  last                  vendor\n"
              "000413aabbcc  000413aabbcc.htm  1      2033-05-18T03:33:20Z\n"
              "001565aabbee  001565aabbee.cfg  1      2033-05-18T03:33:20Z  acme\n"
              "mac ");
    assert_null(strstr(out, "001565aabbff"));
    assert_null(strstr(strstr(out, "acme\nmac "), "000413"));
    free(out);
}

/* ---- errors ---- */

static void test_errors_in_force(void **state)
{
    struct fixture *f = *state;
    content_with(f, "<set key='t' value='{sip.transport | map picky}'/>");
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "pbx.example");
    set(f, PFS_SCOPE_DEVICE, "001565aabbcc", "sip.transport", "udp");
    assert_int_equal(ask(f, FILE_NAME), 0);
    assert_string_equal(errors(f), "");

    set(f, PFS_SCOPE_DEVICE, "001565aabbcc", "sip.transport", "tcp"); /* which the map lacks */
    assert_int_equal(ask(f, FILE_NAME), 0);
    says(errors(f), "001565aabbcc.cfg\t001565aabbcc\t");
    says(errors(f), "acme.xml:1: ");
    says(errors(f), "; the last good version stays in service\n");

    set(f, PFS_SCOPE_DEVICE, "001565aabbcc", "sip.transport", "tls");
    assert_string_equal(errors(f), ""); /* without being asked for */
}

static void test_an_error_without_a_good_version(void **state)
{
    struct fixture *f = *state;
    content_with(f, "<set key='t' value='{sip.transport | map picky}'/>");
    add_phone(f);
    set(f, PFS_SCOPE_DEVICE, "001565aabbcc", "sip.transport", "tcp");
    assert_int_equal(ask(f, FILE_NAME), -EIO);
    says(errors(f), "; it cannot be read\n");
    update(f, PFS_SCOPE_DEVICE, "001565aabbcc", PFS_FIELD_ENABLED, "no");
    assert_string_equal(errors(f), ""); /* it has no file any more */
}

static void test_devices_without_files(void **state)
{
    struct fixture *f = *state;
    add(f, PFS_SCOPE_DEVICE, "001565aabb00");
    add(f, PFS_SCOPE_DEVICE, "001565aabb01");
    add(f, PFS_SCOPE_DEVICE, "001565aabb02");
    update(f, PFS_SCOPE_DEVICE, "001565aabb01", PFS_FIELD_ENABLED, "no");
    update(f, PFS_SCOPE_DEVICE, "001565aabb02", PFS_FIELD_MODEL, "acme-300");
    assert_string_equal(errors(f), "-\t-\tno template has the model acme-300: 1 device has no file\n"
                                   "-\t001565aabb00\thas no model, and so no file\n");
}

static void test_many_devices_without_a_model(void **state)
{
    struct fixture *f = *state;
    sql(f, "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1234)"
           " INSERT INTO device (mac) SELECT 91650785280 + i FROM n");
    says(errors(f), "\n-\t-\t234 more devices have no model\n");
}

static void test_broken_templates(void **state)
{
    struct fixture *f = *state;
    must(f, pfs_content_start(f->content, &f->err));
    write_template(f, "<nonsense/>");
    for (int i = 0; i < 500 && !*errors(f); i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_ptr_equal(strstr(errors(f), "-\t-\t"), errors(f));
    says(errors(f), "acme.xml:1: ");
}

static void test_failures_are_bounded(void **state)
{
    struct pfs_failures *all;
    char file[32];
    assert_int_equal(pfs_failures_new(&all), 0);
    for (int i = 0; i < PFS_FAILURES_MAX + 10; i++) {
        snprintf(file, sizeof file, "%d.cfg", i);
        pfs_failures_note(all, &(struct pfs_failure){.file = file, .cause = "x"});
    }
    assert_int_equal(pfs_failures_count(all), PFS_FAILURES_MAX);
    pfs_failures_note(all, &(struct pfs_failure){.file = "0.cfg", .cause = "y"});
    pfs_failures_clear(all, "0.cfg");
    pfs_failures_clear(all, "0.cfg");
    assert_int_equal(pfs_failures_count(all), PFS_FAILURES_MAX - 1);
    pfs_failures_free(all);
}

/* ---- counters and new versions ---- */

static void test_status(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    assert_int_equal(ask(f, FILE_NAME), 0);
    assert_int_equal(ask(f, FILE_NAME), 0);
    ask(f, "001565aabbee.cfg");
    const char *text = status(f);
    static const char *const lines[] = {
        "version ",
        "\nschema 4\n",
        "\ngen ",
        "\ndevices 1\n",
        "\nprofiles 0\n",
        "\naccounts 1\n",
        "\ncustomers 1\n",
        "\nmodels 1\n",
        "\nnames 1\n",
        "\nnodes 3\n",
        "\nlookups 3\n",
        "\nhits 1\n",
        "\nrenders 1\n",
        "\nfailures 0\n",
        "\nfailing 0\n",
        "\nunknown 1\n",
        "\ncache_bytes ",
        "\nplans_hits 0\n",
        "\nplans_misses 1\n",
        "\ntemplates 1\n",
        "\nproblems 0\n",
        "\nunknown_names 1\n",
        "\nstate_owner yes\n",
        "\nstarted 2033-05-18T03:33:20Z\n",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(lines); i++)
        says(text, lines[i]);
    assert_null(strstr(text, "opens"));
}

struct published {
    int n;
    char name[64];
    int64_t mtime;
    uint64_t size;
};

static void note_published(void *arg, const char *name, const struct pfs_version *v)
{
    struct published *p = arg;
    p->n++;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->mtime = v->mtime;
    p->size = v->size;
}

static void test_new_versions_are_told(void **state)
{
    struct fixture *f = *state;
    struct published p = {0};
    pfs_content_on_publish(f->content, note_published, &p);
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "one");
    assert_int_equal(ask(f, "config-001565AABBCC.txt"), 0);
    assert_int_equal(ask(f, FILE_NAME), 0);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.name, FILE_NAME);
    assert_int_equal(p.mtime, CLOCK_START + 2); /* the state's floor */
    assert_in_range(p.size, 20, 1000);
    update(f, PFS_SCOPE_DEVICE, "001565aabbcc", PFS_FIELD_NOTE, "in no file");
    assert_int_equal(ask(f, FILE_NAME), 0);
    assert_int_equal(p.n, 1);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two");
    assert_int_equal(p.n, 1); /* when it is asked for, not before */
    assert_int_equal(ask(f, FILE_NAME), 0);
    assert_int_equal(p.n, 2);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unknown_names),
        TEST(test_names_that_are_not_unknown),
        TEST(test_strangers),
        TEST(test_unknown_is_bounded),
        TEST(test_unknown_names_are_listed),
        TEST(test_a_phone_is_adopted),
        TEST(test_errors_in_force),
        TEST(test_an_error_without_a_good_version),
        TEST(test_devices_without_files),
        TEST(test_many_devices_without_a_model),
        TEST(test_broken_templates),
        TEST(test_status),
        TEST(test_new_versions_are_told),
        cmocka_unit_test(test_failures_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

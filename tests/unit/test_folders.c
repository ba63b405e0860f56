/* Names with folders: found in any spelling, listed where they stand, merged by nobody but the mount. */
#include "core_fixture.h"

#define DEVICE "001565aabbcc"

static const char in_folders[] =
    "<template vendor='acme'>"
    "<model name='acme-100' lines='2'/><model name='acme-200' lines='2'/><model name='acme-300' lines='2'/>"
    "<absent name='prov/{mac}/boot.cfg'/>"
    "<file name='{mac}.cfg' main='yes' syntax='plain'><set key='a' value='{sip.server}'/></file>"
    "<file name='Prov/{mac}/book.xml' models='acme-100' syntax='plain'><alias name='old/{mac}/{MAC}.book'/>"
    "<set key='b' value='{sip.server}'/></file>"
    "<file name='Prov/{mac}/extra/tones.cfg' models='acme-100' syntax='plain'><set key='c' value='1'/></file>"
    "<file name='Prov/{mac-}.cfg' syntax='plain'><set key='d' value='{device.mac}'/></file>"
    "<file name='Prov/all/{model.name}.cfg' per='model' syntax='plain'><set key='e' value='{sip.server}'/>"
    "</file></template>";

static int up(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "one.example.net");
    content_of(f, in_folders);
    return r;
}

static void expect_file(struct fixture *f, const char *name, const char *line)
{
    struct pfs_version *v = NULL;
    struct pfs_bytes *b;
    bool absent;
    must(f, pfs_content_lookup(f->content, f->store, name, &v, &absent, &f->err));
    must(f, pfs_version_bytes(v, &b, &f->err));
    assert_int_equal(b->len, strlen(line));
    assert_memory_equal(b->data, line, b->len);
    pfs_bytes_unref(b);
    pfs_version_unref(v);
}

static void expect_no_file(struct fixture *f, const char *name, bool absent_expected)
{
    struct pfs_version *v = NULL;
    bool absent;
    assert_int_equal(pfs_content_lookup(f->content, f->store, name, &v, &absent, &f->err), -ENOENT);
    assert_int_equal(absent, absent_expected);
}

static void expect_folder(struct fixture *f, const char *path, const char *written)
{
    char name[PFS_FILE_NAME_MAX + 1] = "";
    bool absent;
    int r = pfs_content_folder(f->content, f->store, path, name, &absent, &f->err);
    if (r != 0)
        fail_msg("%s: %d %s", path, r, f->err.msg);
    assert_string_equal(name, written);
}

static void expect_no_folder(struct fixture *f, const char *path, bool absent_expected)
{
    char name[PFS_FILE_NAME_MAX + 1];
    bool absent;
    int r = pfs_content_folder(f->content, f->store, path, name, &absent, &f->err);
    if (r != -ENOENT || absent != absent_expected)
        fail_msg("%s: %d %d", path, r, absent);
}

static void test_files(void **state)
{
    struct fixture *f = *state;
    expect_file(f, "Prov/001565aabbcc/book.xml", "b=one.example.net\n");
    expect_file(f, "PROV/00-15-65-AA-BB-CC/Book.XML", "b=one.example.net\n");
    expect_file(f, "old/00:15:65:aa:bb:cc/001565AABBCC.book", "b=one.example.net\n");
    expect_file(f, "prov/001565aabbcc/extra/tones.cfg", "c=1\n");
    expect_file(f, "prov/001565aabbcc.cfg", "d=001565aabbcc\n");
    expect_file(f, "prov/ALL/acme-100.cfg", "e=one.example.net\n");
    expect_no_file(f, "old/001565aabbcc/001565aabbcd.book", false);
    expect_no_file(f, "book.xml", false);
    expect_no_file(f, "prov/001565aabbcc/boot.cfg", true);
    expect_no_file(f, "prov/001565aabbcd/book.xml", false);
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_ENABLED, "no");
    expect_no_file(f, "prov/001565aabbcc/book.xml", true);
}

/* Times are kept under the name as it is written, whatever was asked for. */
static void test_one_version(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *a, *b;
    bool absent;
    must(f,
         pfs_content_lookup(f->content, f->store, "old/001565aabbcc/001565aabbcc.book", &a, &absent, NULL));
    must(f, pfs_content_lookup(f->content, f->store, "prov/00:15:65:aa:bb:cc/book.xml", &b, &absent, NULL));
    assert_ptr_equal(a, b);
    pfs_version_unref(a);
    pfs_version_unref(b);
    test_clock += 100;
    content_down(f);
    content_up(f, NULL, true);
    expect_file(f, "prov/001565aabbcc/book.xml", "b=one.example.net\n");
    struct pfs_published p;
    assert_true(pfs_state_get(f->state, "Prov/001565aabbcc/book.xml", &p));
    assert_true(p.mtime >= test_clock);
}

static void test_folders(void **state)
{
    struct fixture *f = *state;
    expect_folder(f, "prov", "prov");
    expect_folder(f, "PROV/all", "PROV/all");
    expect_folder(f, "old", "old");
    expect_folder(f, "prov/001565aabbcc", "Prov/001565aabbcc");
    expect_folder(f, "prov/00-15-65-AA-BB-CC/EXTRA", "Prov/001565aabbcc/extra");
    expect_folder(f, "old/001565AABBCC", "old/001565aabbcc");
    expect_no_folder(f, "pro", false);
    expect_no_folder(f, "prov/001565aabbcc/other", false);
    expect_no_folder(f, "prov/001565aabbcc/book.xml", false);
    expect_no_folder(f, "prov/001565aabbcd", false);
    expect_no_folder(f, "prov/all/001565aabbcc", false);
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, "acme-200");
    expect_no_folder(f, "prov/001565aabbcc", false); /* that model has no file there */
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, NULL);
    expect_no_folder(f, "prov/001565aabbcc", false);
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, "acme-100");
    update(f, PFS_SCOPE_CUSTOMER, "acme", PFS_FIELD_ENABLED, "no");
    expect_no_folder(f, "prov/001565aabbcc", true);
}

static int note(void *arg, const char *name, uint64_t mac, uint64_t count, int64_t first, int64_t last)
{
    snprintf(arg, 300, "%s %012llx %d", name, (unsigned long long)mac, (int)count);
    return 0;
}

static int note_unknown(void *arg, const struct pfs_unknown_name *n)
{
    return note(arg, n->name, n->mac, n->count, n->first, n->last);
}

static void test_unknown(void **state)
{
    struct fixture *f = *state;
    char seen[300] = "";
    expect_no_folder(f, "prov/001565aabbcd", false);
    expect_no_folder(f, "prov/001565aabbcd", false);
    pfs_content_unknown(f->content, note_unknown, seen);
    assert_string_equal(seen, "prov/001565aabbcd/ 001565aabbcd 2");
}

/* No inventory to ask: what was served last tells. */
static void test_without_store(void **state)
{
    struct fixture *f = *state;
    char name[PFS_FILE_NAME_MAX + 1];
    bool absent;
    struct pfs_err why = {"the disk is gone"};
    assert_int_equal(pfs_content_folder(f->content, NULL, "prov/001565aabbcc", name, &absent, &why), -EIO);
    assert_int_equal(pfs_content_folder(f->content, NULL, "prov", name, &absent, &why), 0);
    assert_int_equal(pfs_content_folder(f->content, NULL, "nowhere", name, &absent, &why), -ENOENT);
    expect_file(f, "prov/001565aabbcc/book.xml", "b=one.example.net\n");
    assert_int_equal(pfs_content_folder(f->content, NULL, "PROV/001565AABBCC", name, &absent, &why), 0);
    assert_string_equal(name, "Prov/001565aabbcc");
    assert_int_equal(pfs_content_folder(f->content, NULL, "prov/001565aabbcd", name, &absent, &why), -EIO);
    struct pfs_version *v = pfs_content_last(f->content, "prov/001565AABBCC/book.xml", &why);
    assert_non_null(v);
    pfs_version_unref(v);
}

/* ---- listings ---- */

static int put(void *arg, const char *name, bool is_folder)
{
    pfs_buf_printf(arg, "%s%s ", name, is_folder ? "/" : "");
    return 0;
}

static int put_of_device(void *arg, uint64_t mac, unsigned index, const char *name, bool is_folder)
{
    pfs_buf_printf(arg, "%u:", index);
    return put(arg, name, is_folder);
}

static void expect_list(struct fixture *f, const char *folder, const char *common, const char *devices)
{
    struct pfs_buf names autobuf = PFS_BUF_INIT(0);
    assert_int_equal(pfs_content_lists(f->content, folder), *common || *devices);
    must(f, pfs_content_list_common(f->content, f->store, folder, put, &names, &f->err));
    assert_string_equal(pfs_buf_str(&names), common);
    names.len = 0;
    must(f, pfs_content_list_devices(f->content, f->store, folder, 0, put_of_device, &names, &f->err));
    assert_string_equal(names.len ? pfs_buf_str(&names) : "", devices);
}

static void test_listings(void **state)
{
    struct fixture *f = *state;
    add(f, PFS_SCOPE_DEVICE, "001565aabbcd");
    update(f, PFS_SCOPE_DEVICE, "001565aabbcd", PFS_FIELD_MODEL, "acme-200");
    /* the folders of each file, some twice: who lists takes each once */
    expect_list(f, "", "Prov/ Prov/ Prov/ Prov/ Prov/ Prov/ ", "0:001565aabbcc.cfg 0:001565aabbcd.cfg ");
    expect_list(f, "PROV", "all/ all/ ", "1:001565aabbcc/ 3:00-15-65-aa-bb-cc.cfg 1:00-15-65-aa-bb-cd.cfg ");
    expect_list(f, "prov/all", "acme-100.cfg acme-200.cfg ", "");
    expect_list(f, "prov/001565AABBCC", "", "1:book.xml 2:extra/ ");
    expect_list(f, "prov/00:15:65:aa:bb:cc/extra", "", "2:tones.cfg ");
    expect_list(f, "firmware", "", "");
    struct pfs_buf names autobuf = PFS_BUF_INIT(0);
    must(f,
         pfs_content_list_devices(f->content, f->store, "prov/001565aabbcd", 0, put_of_device, &names, NULL));
    assert_int_equal(names.len, 0);
}

static void test_claims(void **state)
{
    struct fixture *f = *state;
    assert_true(pfs_content_claims(f->content, f->store, "prov/001565aabbcc/BOOK.xml", false));
    assert_true(pfs_content_claims(f->content, f->store, "prov/001565aabbcc/book.xml", true));
    assert_true(pfs_content_claims(f->content, f->store, "prov/001565aabbcc", true));
    assert_true(pfs_content_claims(f->content, f->store, "prov/001565aabbcc", false));
    assert_true(pfs_content_claims(f->content, f->store, "PROV", false));
    assert_false(pfs_content_claims(f->content, f->store, "PROV", true)); /* one with the inventory's */
    assert_false(pfs_content_claims(f->content, f->store, "prov/001565aabbcd", true));
    assert_false(pfs_content_claims(f->content, f->store, "prov/001565aabbcc/logo.png", false));
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_ENABLED, "no");
    assert_true(pfs_content_claims(f->content, f->store, "prov/001565aabbcc", true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files),         TEST(test_one_version), TEST(test_folders), TEST(test_unknown),
        TEST(test_without_store), TEST(test_listings),    TEST(test_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

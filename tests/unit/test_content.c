/* Names to versions: always current, honest, never broken. */
#include "core_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#define DEVICE "001565aabbcc"

static int look(struct fixture *f, const char *name, struct pfs_version **ret, bool *ret_absent)
{
    *ret = NULL;
    f->err.msg[0] = '\0';
    return pfs_content_lookup(f->content, f->store, name, ret, ret_absent, &f->err);
}

static struct pfs_version *must_look(struct fixture *f, const char *name)
{
    struct pfs_version *v;
    bool absent;
    must(f, look(f, name, &v, &absent));
    assert_non_null(v);
    return v;
}

static void expect_error(struct fixture *f, const char *name, int errnum, bool absent_expected)
{
    struct pfs_version *v;
    bool absent;
    assert_int_equal(look(f, name, &v, &absent), -errnum);
    assert_null(v);
    assert_int_equal(absent, absent_expected);
}

static bool has(struct fixture *f, struct pfs_version *v, const char *word)
{
    struct pfs_bytes *b;
    must(f, pfs_version_bytes(v, &b, &f->err));
    assert_int_equal(b->len, v->size);
    bool found = memmem(b->data, b->len, word, strlen(word)) != NULL;
    pfs_bytes_unref(b);
    return found;
}

static void expect_word(struct fixture *f, const char *name, const char *word)
{
    struct pfs_version *v = must_look(f, name);
    assert_true(has(f, v, word));
    pfs_version_unref(v);
}

static int with_content(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "one.example.net");
    content_up(f, NULL, false);
    return r;
}

static int with_state(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "one.example.net");
    content_up(f, NULL, true);
    return r;
}

/* ---- always current ---- */

static void test_current_after_commit(void **state)
{
    struct fixture *f = *state;
    char value[32];
    for (int i = 0; i < 20; i++) {
        snprintf(value, sizeof value, "s%d.example.net", i);
        set(f, i % 2 ? PFS_SCOPE_SITE : PFS_SCOPE_DEVICE, i % 2 ? "" : DEVICE, "sip.server", value);
        if (i % 2)
            set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.server", NULL);
        expect_word(f, FILE_NAME, value);
    }
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "sip.user", "ann");
    expect_word(f, FILE_NAME, "1.user = ann");
    set(f, PFS_SCOPE_CUSTOMER, "acme", "time.ntp", "ntp.example.net");
    expect_word(f, FILE_NAME, "ntp = ntp.example.net");
}

static void test_key_of_changed_account(void **state)
{
    struct fixture *f = *state;
    content_with(f, "<set key='k' value='{key.1.value}/{key.1.label}'/>");
    add(f, PFS_SCOPE_ACCOUNT, "1002@acme");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "key.1.account", "1002@acme");
    expect_word(f, FILE_NAME, "k = 1002/\n");
    set(f, PFS_SCOPE_ACCOUNT, "1002@acme", "line.display_name", "Bob");
    expect_word(f, FILE_NAME, "k = 1002/Bob\n");
    set(f, PFS_SCOPE_SITE, "", "key.1.account", "1002@acme");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "key.1.account", NULL);
    expect_word(f, FILE_NAME, "k = 1002/Bob\n");
    set(f, PFS_SCOPE_ACCOUNT, "1002@acme", "line.display_name", "Rob");
    expect_word(f, FILE_NAME, "k = 1002/Rob\n");
}

/* ---- identity ---- */

static void test_equal_bytes_are_one_version(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *a = must_look(f, FILE_NAME);
    set(f, PFS_SCOPE_DEVICE, DEVICE, "net.vlan", "7"); /* in no file */
    test_clock += 100;
    struct pfs_version *b = must_look(f, FILE_NAME);
    assert_ptr_equal(a, b);
    assert_true(has(f, b, "one.example.net"));
    pfs_version_unref(a);
    pfs_version_unref(b);
}

static void test_changed_bytes_are_another(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *a = must_look(f, FILE_NAME);
    assert_int_equal(a->mtime, test_clock);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net");
    struct pfs_version *b = must_look(f, FILE_NAME);
    assert_int_not_equal(a->id, b->id);
    assert_int_not_equal(a->ino, b->ino);
    assert_int_equal(b->mtime, a->mtime + 1); /* within the second */
    assert_true(has(f, a, "one.example.net") && !has(f, a, "two.example.net"));
    set(f, PFS_SCOPE_SITE, "", "sip.server", "one.example.net");
    struct pfs_version *c = must_look(f, FILE_NAME);
    assert_int_equal(c->hash, a->hash);
    assert_int_not_equal(c->id, a->id);
    assert_int_not_equal(c->ino, a->ino);
    assert_int_equal(c->mtime, b->mtime + 1);
    pfs_version_unref(a);
    pfs_version_unref(b);
    pfs_version_unref(c);
}

/* mtimes follow the clock of the system, forward only, and a clock that was wrong once does not stick. */
static void test_clock_goes_wild(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *v = must_look(f, FILE_NAME);
    pfs_version_unref(v);
    test_clock -= 5000;
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net");
    v = must_look(f, FILE_NAME);
    assert_int_equal(v->mtime, CLOCK_START + 1);
    pfs_version_unref(v);
    test_clock = CLOCK_START + 100000000;
    expect_word(f, "common100.cfg", "two.example.net");
    test_clock = CLOCK_START + 10;
    set(f, PFS_SCOPE_SITE, "", "sip.server", "three.example.net");
    v = must_look(f, FILE_NAME);
    assert_int_equal(v->mtime, CLOCK_START + 10);
    pfs_version_unref(v);
}

static void test_spellings(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"001565AABBCC.cfg", "001565aabbcc.CFG", "config-001565AABBCC.txt",
                                        "CONFIG-001565aabbcc.txt"};
    struct pfs_version *a = must_look(f, "001565AABBCC.cfg");
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++) {
        struct pfs_version *b = must_look(f, names[i]);
        assert_ptr_equal(a, b);
        pfs_version_unref(b);
    }
    struct pfs_version *b = must_look(f, FILE_NAME);
    assert_ptr_equal(a, b);
    pfs_version_unref(b);
    pfs_version_unref(a);
}

/* ---- what is not there ---- */

static void test_absent(void **state)
{
    struct fixture *f = *state;
    expect_error(f, "001565aabbcd.cfg", ENOENT, false);
    expect_error(f, "firmware.rom", ENOENT, false);
    expect_error(f, "001565aabbcc.boot", ENOENT, true);
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_ENABLED, "no");
    expect_error(f, FILE_NAME, ENOENT, true);
    assert_true(pfs_content_claims(f->content, f->store, FILE_NAME, false));
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_ENABLED, "yes");
    expect_word(f, FILE_NAME, "one");
    update(f, PFS_SCOPE_CUSTOMER, "acme", PFS_FIELD_ENABLED, "no");
    expect_error(f, FILE_NAME, ENOENT, true);
    update(f, PFS_SCOPE_CUSTOMER, "acme", PFS_FIELD_ENABLED, "yes");
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, NULL);
    expect_error(f, FILE_NAME, ENOENT, false);
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, "acme-200");
    expect_word(f, FILE_NAME, "one");
    drop(f, PFS_SCOPE_DEVICE, DEVICE);
    expect_error(f, FILE_NAME, ENOENT, false);
    assert_false(pfs_content_claims(f->content, f->store, FILE_NAME, false));
    assert_false(pfs_content_claims(f->content, f->store, "firmware.rom", false));
}

static void test_common(void **state)
{
    struct fixture *f = *state;
    expect_word(f, "common100.cfg", "one.example.net");
    expect_word(f, "COMMON100.cfg", "one.example.net");
    set(f, PFS_SCOPE_MODEL, "acme-100", "sip.server", "model.example.net");
    expect_word(f, "common100.cfg", "model.example.net");
    expect_word(f, "common200.cfg", "one.example.net");
    set(f, PFS_SCOPE_CUSTOMER, "acme", "sip.server", "customer.example.net");
    expect_word(f, "common100.cfg", "model.example.net");
}

static void test_model_unknown(void **state)
{
    struct fixture *f = *state;
    expect_word(f, FILE_NAME, "one");
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_MODEL, "gone-1");
    expect_word(f, FILE_NAME, "one"); /* the last version */
    content_down(f);
    content_up(f, NULL, false);
    expect_error(f, FILE_NAME, EIO, false);
}

/* ---- failing templates ---- */

static const char picky[] = "<set key='transport' value='{sip.transport|map picky}'/>";

static void test_failing_for_one(void **state)
{
    struct fixture *f = *state;
    content_with(f, picky);
    struct pfs_version *good = must_look(f, FILE_NAME), *v;
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", "tcp");
    for (int i = 0; i < 3; i++) {
        v = must_look(f, i == 1 ? "001565AABBCC.CFG" : FILE_NAME);
        assert_ptr_equal(v, good);
        pfs_version_unref(v);
    }
    assert_true(has(f, good, "transport = 0"));
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", "tls");
    expect_word(f, FILE_NAME, "transport = 2");
    pfs_version_unref(good);
}

/* Nothing in memory: EIO under every spelling, again and again, until it goes. */
static void test_failing_from_the_start(void **state)
{
    struct fixture *f = *state;
    content_with(f, picky);
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", "tcp");
    for (int i = 0; i < 2; i++) {
        expect_error(f, FILE_NAME, EIO, false);
        expect_error(f, "config-001565AABBCC.txt", EIO, false);
    }
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", NULL);
    expect_word(f, "config-001565AABBCC.txt", "transport = 0");
}

static void test_failing_on_schedule(void **state)
{
    struct fixture *f = *state;
    content_with(f, picky);
    set_from(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", "tcp", test_clock + 10);
    set_from(f, PFS_SCOPE_DEVICE, DEVICE, "sip.transport", "tls", test_clock + 20);
    expect_word(f, FILE_NAME, "transport = 0");
    test_clock += 10;
    expect_word(f, FILE_NAME, "transport = 0");
    test_clock += 10;
    expect_word(f, FILE_NAME, "transport = 2");
}

static void test_template_edited(void **state)
{
    struct fixture *f = *state;
    must(f, pfs_content_start(f->content, &f->err));
    struct pfs_version *old = must_look(f, FILE_NAME);
    write_template(f, "<set key='edited' value='1'/>");
    wait_for_templates(f, FILE_NAME, "edited = 1");
    assert_false(has(f, old, "edited"));
    write_file(path_in(f, "data/templates/acme/acme.xml"), "<template broken");
    const struct timespec pause = {.tv_nsec = 700000000};
    nanosleep(&pause, NULL);
    expect_word(f, FILE_NAME, "edited = 1");
    write_template(f, "<set key='edited' value='2'/>");
    wait_for_templates(f, FILE_NAME, "edited = 2");
    pfs_version_unref(old);
}

/* ---- schedules ---- */

static void test_schedule(void **state)
{
    struct fixture *f = *state;
    set_from(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net", test_clock + 10);
    set_from(f, PFS_SCOPE_SITE, "", "sip.server", NULL, test_clock + 20);
    struct pfs_version *v = must_look(f, FILE_NAME);
    assert_int_equal(v->mtime, CLOCK_START);
    pfs_version_unref(v);
    test_clock += 9;
    expect_word(f, FILE_NAME, "one");
    test_clock += 1;
    expect_word(f, FILE_NAME, "two");
    test_clock -= 8; /* what has come does not un-come */
    expect_word(f, FILE_NAME, "two");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "time.ntp", "x.example.net");
    expect_word(f, FILE_NAME, "two");
    test_clock = CLOCK_START + 20;
    expect_word(f, FILE_NAME, "server = \n");
}

/* Also where the value came before the mount was made, and the clock goes back before the next one. */
static void test_schedule_across_restart(void **state)
{
    struct fixture *f = *state;
    set_from(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net", test_clock + 10);
    content_down(f);
    test_clock += 15;
    content_up(f, NULL, true);
    expect_word(f, FILE_NAME, "two");
    content_down(f);
    test_clock -= 10;
    content_up(f, NULL, true);
    expect_word(f, FILE_NAME, "two");
}

/* ---- stores that fail ---- */

static void close_store(struct pfs_store **s)
{
    pfs_store_close(steal_ptr(s));
}

static void test_no_store(void **state)
{
    struct fixture *f = *state;
    static const struct pfs_err why = {"no store"};
    assert_null(pfs_content_last(f->content, FILE_NAME, &why));
    struct pfs_version *a = must_look(f, FILE_NAME), *b;
    b = pfs_content_last(f->content, FILE_NAME, &why);
    assert_ptr_equal(a, b);
    pfs_version_unref(b);
    b = pfs_content_last(f->content, "config-001565AABBCC.txt", &why); /* never asked for before */
    assert_ptr_equal(a, b);
    pfs_version_unref(b);
    assert_null(pfs_content_last(f->content, "001565aabbcd.cfg", &why));
    expect_word(f, "common100.cfg", "one");
    b = pfs_content_last(f->content, "Common100.cfg", &why);
    assert_non_null(b);
    pfs_version_unref(b);
    pfs_version_unref(a);
}

static void overwrite(const char *path, char c)
{
    char block[4096];
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    memset(block, c, sizeof block);
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof block)
        assert_int_equal(pwrite(fd, block, sizeof block, at), sizeof block);
    close(fd);
}

/* Garbage over the database: what was served goes on, what was not is EIO, nothing is ENOENT. */
static void test_corrupt(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *a = must_look(f, FILE_NAME), *b;
    close_store(&f->store);
    close_store(&f->writer);
    sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    must(f, pfs_store_open(f->db_path, f->context.catalogue, &f->store, &f->err));
    must(f, pfs_store_begin(f->store, &f->err)); /* page 1 and the clock are in its cache */
    pfs_store_end(f->store);
    overwrite(f->db_path, 'x');
    b = must_look(f, FILE_NAME);
    assert_ptr_equal(a, b);
    expect_error(f, "001565aabbcd.cfg", EIO, false);
    expect_error(f, "firmware.rom", ENOENT, false); /* no name of the inventory: an asset may have it */
    pfs_version_unref(a);
    pfs_version_unref(b);
}

static void test_unlinked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->db_path), 0);
    expect_word(f, FILE_NAME, "one");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Another program holds the database as firmly as SQLite lets it while there are readers. */
static void test_locked(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->db_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "BEGIN EXCLUSIVE;"
                                  "UPDATE setting SET value = 'two.example.net' WHERE key = 'sip.server'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    double began = seconds();
    expect_word(f, FILE_NAME, "one");
    expect_error(f, "001565aabbcd.cfg", ENOENT, false);
    assert_true(seconds() - began < 0.5);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    expect_word(f, FILE_NAME, "two");
    sqlite3_close(db);
}

/* An older state restored into the open file, the same epoch: nothing of what is in memory counts. */
static void test_restored_in_place(void **state)
{
    struct fixture *f = *state;
    sql(f, "CREATE TABLE keep AS SELECT max(gen) AS gen FROM change");
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "time.ntp", "ntp.example.net");
    expect_word(f, FILE_NAME, "two");
    sql(f, "UPDATE setting SET value = 'one.example.net' WHERE key = 'sip.server';"
           "DELETE FROM change WHERE gen > (SELECT gen FROM keep); DROP TABLE keep");
    expect_word(f, FILE_NAME, "one");
    set(f, PFS_SCOPE_SITE, "", "sip.server", "three.example.net");
    expect_word(f, FILE_NAME, "three");
}

/* A copy that was changed elsewhere and moved into place: the same epoch, a gen that says nothing. */
static void test_moved_in_place(void **state)
{
    struct fixture *f = *state;
    char command[256];
    expect_word(f, FILE_NAME, "one");
    sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    snprintf(command, sizeof command,
             "cd %s && cp inventory.db copy.db && mv inventory.db kept.db && cp copy.db inventory.db",
             f->folder);
    assert_int_equal(system(command), 0);
    sql(f, "DROP TRIGGER setting_changed; UPDATE setting SET value = 'two.example.net' WHERE key = "
           "'sip.server'");
    close_store(&f->store);
    must(f, pfs_store_open(f->db_path, f->context.catalogue, &f->store, &f->err));
    expect_word(f, FILE_NAME, "two");
}

/* ---- limits ---- */

static void add_phones(struct fixture *f, unsigned n)
{
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    char name[16];
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    for (unsigned i = 0; i < n; i++) {
        int64_t id;
        snprintf(name, sizeof name, "0200000000%02x", i);
        must(f, pfs_store_add(f->writer, PFS_SCOPE_DEVICE, name, &id, &f->err));
        must(f, pfs_store_update(f->writer, PFS_SCOPE_DEVICE, id, PFS_FIELD_MODEL, "acme-100", &f->err));
    }
    must(f, pfs_store_commit(f->writer, NULL, &f->err));
}

static const char *phone_name(unsigned i)
{
    static _Thread_local char name[20];
    snprintf(name, sizeof name, "0200000000%02x.cfg", i);
    return name;
}

/* Ten names remembered, bytes of two: all is right all the same, old versions too. */
static void test_limits(void **state)
{
    struct fixture *f = *state;
    struct pfs_version *v[40];
    struct pfs_cache_counts counts;
    content_down(f);
    content_up(f, &(struct pfs_content_options){.entries = 10, .cache_bytes = 300}, false);
    add_phones(f, 40);
    for (unsigned i = 0; i < 40; i++)
        v[i] = must_look(f, phone_name(i));
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net");
    for (unsigned i = 0; i < 40; i++) {
        assert_true(has(f, v[i], "one.example.net"));
        struct pfs_version *w = must_look(f, phone_name(i));
        assert_int_equal(w->mtime, v[i]->mtime + 1);
        assert_true(has(f, w, "two.example.net"));
        pfs_version_unref(w);
    }
    pfs_cache_counts(pfs_content_cache(f->content), &counts);
    assert_true(counts.bytes <= 300 + v[0]->size);
    assert_true(counts.misses >= 40);
    for (unsigned i = 0; i < 40; i++)
        pfs_version_unref(v[i]);
    pfs_cache_counts(pfs_content_cache(f->content), &counts);
    assert_true(counts.bytes <= 300);
}

/* ---- restarts ---- */

static void test_clean_restart(void **state)
{
    struct fixture *f = *state;
    set(f, PFS_SCOPE_SITE, "", "sip.server", "two.example.net");
    struct pfs_version *v = must_look(f, FILE_NAME);
    uint64_t ino = v->ino;
    int64_t mtime = v->mtime;
    pfs_version_unref(v);
    content_down(f);
    test_clock += 1000;
    content_up(f, NULL, true);
    v = must_look(f, FILE_NAME);
    assert_int_equal(v->mtime, mtime);
    assert_int_equal(v->ino, ino);
    pfs_version_unref(v);
}

/* The state as it is on the disk at this moment, as after kill -9, with a clock that went back besides. */
static void test_unclean_restart(void **state)
{
    struct fixture *f = *state;
    char value[32], command[300];
    int64_t newest = 0;
    for (int i = 0; i < 30; i++) {
        snprintf(value, sizeof value, "s%d.example.net", i);
        set(f, PFS_SCOPE_SITE, "", "sip.server", value);
        struct pfs_version *v = must_look(f, FILE_NAME);
        assert_true(v->mtime > newest);
        newest = v->mtime;
        pfs_version_unref(v);
    }
    snprintf(command, sizeof command, "cd %s && mkdir crash && cp inventory.db.state* crash/", f->folder);
    assert_int_equal(system(command), 0);
    content_down(f);
    snprintf(command, sizeof command, "cd %s && rm inventory.db.state* && cp crash/* .", f->folder);
    assert_int_equal(system(command), 0);
    test_clock -= 100;
    set(f, PFS_SCOPE_SITE, "", "sip.server", "after.example.net");
    content_up(f, NULL, true);
    struct pfs_version *v = must_look(f, FILE_NAME);
    assert_true(v->mtime > newest);
    pfs_version_unref(v);
}

/* ---- crowds ---- */

enum { CROWD_NAMES = 50, CROWD_THREADS = 4 };

struct crowd {
    struct fixture *f;
    unsigned committed; /* the newest change that is committed */
    bool stop;
};

/* The number of the change that a file has throughout; -1: a mixture. */
static long number_of(const struct pfs_bytes *b)
{
    long number = -1;
    const char *end = b->data + b->len;
    for (const char *at = b->data; (at = memmem(at, (size_t)(end - at), " s", 2)); at += 2) {
        long n = 0;
        for (const char *digit = at + 2; digit < end && *digit >= '0' && *digit <= '9'; digit++)
            n = n * 10 + (*digit - '0');
        if (number >= 0 && n != number)
            return -1;
        number = n;
    }
    return number;
}

static const char *check_one(struct crowd *c, struct pfs_store *s, const char *name, struct pfs_err *err)
{
    struct pfs_version *v;
    struct pfs_bytes *b;
    bool absent;
    unsigned before = __atomic_load_n(&c->committed, __ATOMIC_ACQUIRE);
    if (pfs_content_lookup(c->f->content, s, name, &v, &absent, err) < 0)
        return "not found";
    const char *wrong = pfs_version_bytes(v, &b, err) < 0 ? "no bytes" : NULL;
    if (!wrong) {
        long number = number_of(b);
        wrong = b->len != v->size       ? "wrong size"
                : number < 0            ? "mixed"
                : number < (long)before ? "stale"
                                        : NULL;
        pfs_bytes_unref(b);
    }
    pfs_version_unref(v);
    return wrong;
}

static void *look_often(void *arg)
{
    struct crowd *c = arg;
    struct pfs_store *s;
    struct pfs_err err = {""};
    unsigned seed = (unsigned)(uintptr_t)&s;
    const char *wrong =
        pfs_store_open(c->f->db_path, c->f->context.catalogue, &s, &err) < 0 ? "cannot open" : NULL;
    while (!wrong && !__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
        wrong = check_one(c, s, phone_name((unsigned)rand_r(&seed) % CROWD_NAMES), &err);
    pfs_store_close(s);
    return (void *)(uintptr_t)wrong;
}

/* All that a file shows, set in one transaction in scopes of its own: the profile's and every device's. */
static void change_all(struct fixture *f, int64_t profile, unsigned n)
{
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    char value[32];
    snprintf(value, sizeof value, "s%u.example.net", n);
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    must(f,
         pfs_store_set(f->writer, PFS_SCOPE_PROFILE, profile, "sip.server", value, 0, test_clock, &f->err));
    for (unsigned i = 0; i < CROWD_NAMES; i++)
        must(f, pfs_store_set(f->writer, PFS_SCOPE_DEVICE, INT64_C(0x020000000000) + i, "time.ntp", value, 0,
                              test_clock, &f->err));
    must(f, pfs_store_commit(f->writer, NULL, &f->err));
}

static void test_crowd(void **state)
{
    struct crowd c = {.f = *state};
    struct fixture *f = c.f;
    pthread_t threads[CROWD_THREADS];
    content_down(f);
    content_up(f, &(struct pfs_content_options){.entries = 40, .cache_bytes = 2000}, true);
    add_phones(f, CROWD_NAMES);
    int64_t profile = add(f, PFS_SCOPE_PROFILE, "office");
    for (unsigned i = 0; i < CROWD_NAMES; i++) {
        char mac[13];
        snprintf(mac, sizeof mac, "0200000000%02x", i);
        update(f, PFS_SCOPE_DEVICE, mac, PFS_FIELD_PROFILE, "office");
    }
    change_all(f, profile, 0);
    for (size_t i = 0; i < CROWD_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_often, &c), 0);
    double until = seconds() + 3;
    for (unsigned n = 1; seconds() < until; n++) {
        change_all(f, profile, n);
        __atomic_store_n(&c.committed, n, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < CROWD_THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong)
            fail_msg("%s", (const char *)wrong);
    }
    print_message("%u changes\n", c.committed);
}

#define T(name) cmocka_unit_test_setup_teardown(name, with_content, fixture_down)
#define S(name) cmocka_unit_test_setup_teardown(name, with_state, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_current_after_commit),
        T(test_key_of_changed_account),
        T(test_equal_bytes_are_one_version),
        T(test_changed_bytes_are_another),
        T(test_clock_goes_wild),
        T(test_spellings),
        T(test_absent),
        T(test_common),
        T(test_model_unknown),
        T(test_failing_for_one),
        T(test_failing_from_the_start),
        T(test_failing_on_schedule),
        T(test_template_edited),
        T(test_schedule),
        S(test_schedule_across_restart),
        T(test_no_store),
        T(test_corrupt),
        T(test_unlinked),
        T(test_locked),
        T(test_restored_in_place),
        T(test_moved_in_place),
        T(test_limits),
        S(test_clean_restart),
        S(test_unclean_restart),
        T(test_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

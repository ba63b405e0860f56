/* Phone books: who stands in a customer's directory, and how files keep up with it. */
#include "core/check.h"
#include "core_fixture.h"
#include "model/directory.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#define DEVICE "001565aabbcc"
#define BOOK "001565aabbcc-book.xml"
#define OTHER "001565aabbdd"
#define OTHER_BOOK "001565aabbdd-book.xml"
#define STRANGER "001565aabbee"
#define STRANGER_BOOK "001565aabbee-book.xml"

static const char with_books[] =
    "<template vendor='acme' title='Acme' absent-key='kept'>"
    "<model name='acme-100' title='Acme 100' lines='2' keys='0'/>"
    "<model name='acme-200' title='Acme 200' lines='2' keys='0'/>"
    "<file name='{mac}.cfg' main='yes' syntax='properties'><set key='customer' value='{device.customer}'/>"
    "<lines><set key='{line.number}.user' value='{sip.user}'/></lines></file>"
    "<file name='{mac}-book.xml' syntax='xml-element'><element name='book'><contacts>"
    "<element name='c'><attribute name='n' value='{contact.index}'/><set key='name' value='{contact.name}'/>"
    "<set key='number' value='{contact.number}'/><set key='account' value='{contact.account}'/></element>"
    "</contacts></element></file>"
    "<file name='{mac}-short.txt' syntax='plain'><contacts max='2' when='{directory.shown}'>"
    "<text>{contact.index} {contact.name} {contact.number}</text></contacts></file>"
    "</template>";

/* Customers acme (two devices, 1001@acme "Ann") and umbrella (7@umbrella); a device that has none. */
static int up(void **state)
{
    int r = fixture_up(state);
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Ann");
    add(f, PFS_SCOPE_DEVICE, OTHER);
    update(f, PFS_SCOPE_DEVICE, OTHER, PFS_FIELD_MODEL, "acme-100");
    update(f, PFS_SCOPE_DEVICE, OTHER, PFS_FIELD_CUSTOMER, "acme");
    add(f, PFS_SCOPE_CUSTOMER, "umbrella");
    add(f, PFS_SCOPE_ACCOUNT, "7@umbrella");
    update(f, PFS_SCOPE_ACCOUNT, "7@umbrella", PFS_FIELD_CUSTOMER, "umbrella");
    add(f, PFS_SCOPE_ACCOUNT, "8");
    add(f, PFS_SCOPE_DEVICE, STRANGER);
    update(f, PFS_SCOPE_DEVICE, STRANGER, PFS_FIELD_MODEL, "acme-100");
    content_of(f, with_books);
    return r;
}

static void add_account(struct fixture *f, const char *account, const char *customer, const char *name)
{
    add(f, PFS_SCOPE_ACCOUNT, account);
    if (customer)
        update(f, PFS_SCOPE_ACCOUNT, account, PFS_FIELD_CUSTOMER, customer);
    if (name)
        set(f, PFS_SCOPE_ACCOUNT, account, "line.display_name", name);
}

/* ---- files ---- */

static struct pfs_version *must_look(struct fixture *f, const char *name)
{
    struct pfs_version *v = NULL;
    bool absent;
    must(f, pfs_content_lookup(f->content, f->store, name, &v, &absent, &f->err));
    assert_non_null(v);
    return v;
}

static char *bytes_of(struct fixture *f, struct pfs_version *v)
{
    struct pfs_bytes *b;
    must(f, pfs_version_bytes(v, &b, &f->err));
    char *text = malloc(b->len + 1); /* the bytes have no NUL behind them */
    assert_non_null(text);
    memcpy(text, b->data, b->len);
    text[b->len] = '\0';
    pfs_bytes_unref(b);
    return text;
}

/* What stands in a book: "name/number/account" of each contact in its order, between blanks. */
static const char *book(struct fixture *f, const char *file)
{
    static char text[4096];
    struct pfs_version *v = must_look(f, file);
    autofree char *all = bytes_of(f, v);
    size_t len = 0, n = 0;
    for (const char *at = all; (at = strstr(at, "<name>")); n++) {
        char name[300], number[300], account[100];
        unsigned index;
        const char *attribute = at;
        while (strncmp(attribute, "n=\"", 3) != 0)
            attribute--;
        assert_int_equal(sscanf(attribute, "n=\"%u\"", &index), 1);
        assert_int_equal(index, n + 1);
        assert_int_equal(sscanf(at, "<name>%299[^<]</name> <number>%299[^<]</number> <account>%99[^<]", name,
                                number, account),
                         3);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s/%s/%s", n ? " " : "", name, number,
                                account);
        at++;
    }
    text[len] = '\0';
    pfs_version_unref(v);
    return text;
}

static const char *short_book(struct fixture *f, const char *file)
{
    static char text[1024];
    struct pfs_version *v = must_look(f, file);
    autofree char *all = bytes_of(f, v);
    snprintf(text, sizeof text, "%s", all);
    pfs_version_unref(v);
    return text;
}

static void test_who_is_listed(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(book(f, BOOK), "Ann/1001/1001@acme");
    add_account(f, "1002@acme", "acme", "ben");
    add_account(f, "1003@acme", "acme", NULL);
    add_account(f, "1004@acme", "acme", "Carla");
    add_account(f, "1005@acme", "acme", "");
    add_account(f, "1006@acme", "acme", "Ann");
    add_account(f, "1007@acme", "acme", "Gone");
    add_account(f, "9", NULL, "Nobody's");
    set(f, PFS_SCOPE_ACCOUNT, "1007@acme", "directory.listed", "off");
    set(f, PFS_SCOPE_ACCOUNT, "1004@acme", "sip.user", "carla");
    set(f, PFS_SCOPE_ACCOUNT, "1004@acme", "directory.listed", "on");
    set(f, PFS_SCOPE_LINE, DEVICE "/1", "line.display_name", "Reception"); /* this device's own affair */
    assert_string_equal(book(f, BOOK), "1003/1003/1003@acme 1005/1005/1005@acme Ann/1001/1001@acme "
                                       "Ann/1006/1006@acme ben/1002/1002@acme Carla/carla/1004@acme");
    assert_string_equal(short_book(f, DEVICE "-short.txt"), "1 1003 1003\n2 1005 1005\n");
    set(f, PFS_SCOPE_CUSTOMER, "acme", "directory.shown", "off");
    assert_string_equal(short_book(f, DEVICE "-short.txt"), "");
    set(f, PFS_SCOPE_ACCOUNT, "1004@acme", "sip.user", "");
    assert_null(strstr(book(f, BOOK), "1004@acme")); /* no number */
}

static void test_without_customer(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(book(f, STRANGER_BOOK), "");
    assert_string_equal(short_book(f, STRANGER ".cfg"), "customer = \n1.user = \n2.user = \n");
    assert_string_equal(short_book(f, DEVICE ".cfg"), "customer = acme\n1.user = 1001\n2.user = \n");
}

/* ---- always current, for all of the customer's devices and nobody else's ---- */

static void expect_both(struct fixture *f, const char *contacts)
{
    assert_string_equal(book(f, BOOK), contacts);
    assert_string_equal(book(f, OTHER_BOOK), contacts);
    assert_string_equal(book(f, STRANGER_BOOK), "");
}

static void test_each_change(void **state)
{
    struct fixture *f = *state;
    update(f, PFS_SCOPE_DEVICE, STRANGER, PFS_FIELD_CUSTOMER, "umbrella");
    assert_string_equal(book(f, STRANGER_BOOK), "7/7/7@umbrella");
    update(f, PFS_SCOPE_DEVICE, STRANGER, PFS_FIELD_CUSTOMER, NULL);
    expect_both(f, "Ann/1001/1001@acme");
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Bea");
    expect_both(f, "Bea/1001/1001@acme");
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "sip.user", "42");
    expect_both(f, "Bea/42/1001@acme");
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "directory.listed", "off");
    expect_both(f, "");
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "directory.listed", NULL);
    expect_both(f, "Bea/42/1001@acme");
    add(f, PFS_SCOPE_ACCOUNT, "1002@acme");
    expect_both(f, "Bea/42/1001@acme");
    update(f, PFS_SCOPE_ACCOUNT, "1002@acme", PFS_FIELD_CUSTOMER, "acme");
    expect_both(f, "1002/1002/1002@acme Bea/42/1001@acme");
    sql(f, "UPDATE account SET name = '1003@acme' WHERE name = '1002@acme'");
    expect_both(f, "1003/1003/1003@acme Bea/42/1001@acme");
    update(f, PFS_SCOPE_ACCOUNT, "1003@acme", PFS_FIELD_CUSTOMER, "umbrella");
    expect_both(f, "Bea/42/1001@acme");
    update(f, PFS_SCOPE_ACCOUNT, "1003@acme", PFS_FIELD_CUSTOMER, "acme");
    expect_both(f, "1003/1003/1003@acme Bea/42/1001@acme");
    drop(f, PFS_SCOPE_ACCOUNT, "1003@acme");
    expect_both(f, "Bea/42/1001@acme");
    sql(f, "DELETE FROM change WHERE gen < (SELECT max(gen) FROM change);"
           "UPDATE clock SET lowest_gen = (SELECT max(gen) FROM change) - 1"); /* a feed that is cut */
    sql(f, "INSERT INTO account (name, customer) SELECT '1@acme', id FROM customer WHERE name = 'acme'");
    expect_both(f, "1/1/1@acme Bea/42/1001@acme");
    sql(f, "UPDATE customer SET name = 'ajax' WHERE name = 'acme'");
    assert_string_equal(short_book(f, DEVICE ".cfg"), "customer = ajax\n1.user = 42\n2.user = \n");
    expect_both(f, "1/1/1@acme Bea/42/1001@acme");
}

/* Another customer's changes render nothing here, and what changes nothing is the same version. */
static void test_isolation(void **state)
{
    struct fixture *f = *state;
    struct pfs_content_counts before, after;
    struct pfs_version *v = must_look(f, BOOK), *w;
    pfs_content_counts(f->content, &before);
    set(f, PFS_SCOPE_ACCOUNT, "7@umbrella", "line.display_name", "Secret Sue");
    add_account(f, "71@umbrella", "umbrella", "More");
    w = must_look(f, BOOK);
    pfs_content_counts(f->content, &after);
    assert_ptr_equal(v, w);
    assert_int_equal(after.renders, before.renders);
    pfs_version_unref(w);
    set(f, PFS_SCOPE_CUSTOMER, "acme", "time.ntp", "ntp.example.net");
    w = must_look(f, BOOK);
    assert_ptr_equal(v, w);
    pfs_version_unref(w);
    pfs_version_unref(v);
    assert_null(strstr(book(f, BOOK), "Sue"));
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_CUSTOMER, "umbrella");
    assert_string_equal(book(f, BOOK), "More/71/71@umbrella Secret Sue/7/7@umbrella");
    assert_string_equal(book(f, OTHER_BOOK), "Ann/1001/1001@acme");
}

static void test_schedule(void **state)
{
    struct fixture *f = *state;
    set_from(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Zoe", test_clock + 100);
    add_account(f, "1002@acme", "acme", "Max");
    set_from(f, PFS_SCOPE_ACCOUNT, "1002@acme", "directory.listed", "off", test_clock + 200);
    expect_both(f, "Ann/1001/1001@acme Max/1002/1002@acme");
    test_clock += 99;
    expect_both(f, "Ann/1001/1001@acme Max/1002/1002@acme");
    test_clock += 1;
    expect_both(f, "Max/1002/1002@acme Zoe/1001/1001@acme");
    test_clock += 100;
    expect_both(f, "Zoe/1001/1001@acme");
}

/* A version's bytes are made again from the directory it was made of, whatever came since. */
static void test_made_again(void **state)
{
    struct fixture *f = *state;
    const struct pfs_content_options small = {.cache_bytes = 1};
    content_down(f);
    content_up(f, &small, false);
    struct pfs_version *v = must_look(f, BOOK);
    autofree char *before = bytes_of(f, v);
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Later");
    drop(f, PFS_SCOPE_ACCOUNT, "7@umbrella");
    struct pfs_version *w = must_look(f, BOOK);
    assert_ptr_not_equal(v, w);
    struct pfs_version *others = must_look(f, OTHER_BOOK); /* pushes v's bytes out */
    autofree char *after = bytes_of(f, v), *now = bytes_of(f, w);
    assert_string_equal(before, after);
    assert_non_null(strstr(after, "Ann"));
    assert_non_null(strstr(now, "Later"));
    pfs_version_unref(v);
    pfs_version_unref(w);
    pfs_version_unref(others);
}

/* ---- the directory in memory ---- */

static struct pfs_inputs *resolve(struct fixture *f, const char *mac_text)
{
    struct pfs_inputs *i = NULL;
    uint64_t mac = strtoull(mac_text, NULL, 16);
    must(f, pfs_resolve_now(f->context.resolver, f->store, f->context.library, mac, test_clock, &i, &f->err));
    return i;
}

static void test_shared(void **state)
{
    struct fixture *f = *state;
    struct pfs_inputs *a = resolve(f, DEVICE), *b = resolve(f, OTHER), *none = resolve(f, STRANGER);
    assert_non_null(a->directory);
    assert_ptr_equal(a->directory, b->directory);
    assert_null(none->directory);
    set(f, PFS_SCOPE_ACCOUNT, "7@umbrella", "line.display_name", "X"); /* not theirs */
    struct pfs_inputs *c = resolve(f, DEVICE);
    assert_ptr_equal(a->directory, c->directory);
    pfs_inputs_unref(a);
    pfs_inputs_unref(b);
    pfs_inputs_unref(c);
    pfs_inputs_unref(none);
    content_with(f, ""); /* no file has contacts: none is read */
    a = resolve(f, DEVICE);
    assert_null(a->directory);
    pfs_inputs_unref(a);
}

/* Accounts 10000@acme … in one transaction, by any program. */
static void add_accounts(struct fixture *f, int n)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "BEGIN; CREATE TEMP TABLE t (n INTEGER PRIMARY KEY);"
        "WITH RECURSIVE r (n) AS (VALUES (10000) UNION ALL SELECT n + 1 FROM r WHERE n < %d) INSERT INTO t"
        " SELECT n FROM r;"
        "INSERT INTO account (name, customer) SELECT n || '@acme', (SELECT id FROM customer WHERE name = "
        "'acme')"
        " FROM t; INSERT INTO setting (scope, id, key, value) SELECT 6, a.id, k.column1, k.column2 || t.n"
        " FROM t JOIN account a ON a.name = t.n || '@acme' JOIN (VALUES ('line.display_name', 'Somebody '),"
        " ('sip.password', 'secret')) k; COMMIT",
        10000 + n - 1);
    sql(f, text);
}

/* States of a directory that differ in one contact have all but that one's surroundings in common. */
static void test_parts(void **state)
{
    struct fixture *f = *state;
    add_accounts(f, 2000);
    struct pfs_inputs *a = resolve(f, DEVICE);
    set(f, PFS_SCOPE_ACCOUNT, "11000@acme", "line.display_name", "Aaron");
    struct pfs_inputs *b = resolve(f, DEVICE);
    const struct pfs_directory *x = a->directory, *y = b->directory;
    assert_int_equal(x->n, 2001);
    assert_int_equal(y->n, 2001);
    assert_in_range(x->n_parts, 10, 100);
    size_t shared = 0;
    for (size_t i = 0; i < y->n_parts; i++)
        for (size_t j = 0; j < x->n_parts; j++)
            shared += x->parts[j] == y->parts[i];
    assert_true(shared + 4 >= y->n_parts);
    struct pfs_directory_cursor at = {0};
    struct pfs_contact c;
    size_t n = 0;
    char before[64] = "";
    while (pfs_directory_next(y, &at, &c)) {
        if (n == 0)
            assert_string_equal(c.name, "Aaron");
        if (n > 1)
            assert_true(strcmp(before, c.name) < 0);
        snprintf(before, sizeof before, "%s", c.name);
        n++;
    }
    assert_int_equal(n, 2001);
    assert_false(pfs_directory_next(y, &at, &c));
    pfs_inputs_unref(a);
    pfs_inputs_unref(b);
}

/* What nobody else holds is dropped, and read again at need: no more than so many contacts are kept. */
static void test_many_customers(void **state)
{
    struct fixture *f = *state;
    sql(f, "BEGIN; DROP TRIGGER account_added; INSERT INTO change (kind, id) VALUES (0, 0);"
           "WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 30)"
           " INSERT INTO customer (name) SELECT 'c' || n FROM r;"
           "WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 10000)"
           " INSERT INTO account (name, customer) SELECT c.name || '-' || r.n, c.id FROM r JOIN customer c"
           " WHERE c.name GLOB 'c[0-9]*'; COMMIT");
    struct pfs_inputs *held = resolve(f, OTHER);
    for (int round = 0; round < 2; round++)
        for (int i = 1; i <= (round ? 3 : 30); i++) {
            char name[16];
            snprintf(name, sizeof name, "c%d", i);
            update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_CUSTOMER, name);
            struct pfs_inputs *in = resolve(f, DEVICE);
            struct pfs_contact c;
            struct pfs_directory_cursor at = {0};
            assert_int_equal(in->directory->n, 10000);
            assert_true(pfs_directory_next(in->directory, &at, &c));
            assert_int_equal(strncmp(c.name, name, strlen(name)), 0);
            pfs_inputs_unref(in);
        }
    struct pfs_inputs *again = resolve(f, OTHER);
    assert_ptr_equal(held->directory, again->directory); /* what is held elsewhere stays */
    pfs_inputs_unref(held);
    pfs_inputs_unref(again);
}

struct crowd {
    struct fixture *f;
    int *committed;
    bool stop;
    int reads;
};

/* No reader sees less than was committed before it looked. */
static void *read_books(void *arg)
{
    struct crowd *c = arg;
    struct pfs_store *s;
    struct pfs_err err;
    assert_int_equal(pfs_store_open(c->f->db_path, c->f->context.catalogue, &s, &err), 0);
    while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
        int low = __atomic_load_n(c->committed, __ATOMIC_ACQUIRE), seen = -1;
        const char *name = c->reads % 2 ? BOOK : OTHER_BOOK;
        struct pfs_version *v = NULL;
        struct pfs_bytes *b;
        bool absent;
        assert_int_equal(pfs_content_lookup(c->f->content, s, name, &v, &absent, &err), 0);
        assert_int_equal(pfs_version_bytes(v, &b, &err), 0);
        const char *at = memmem(b->data, b->len, "<name>Step", 10);
        assert_non_null(at);
        assert_int_equal(sscanf(at, "<name>Step%d", &seen), 1);
        assert_true(seen >= low);
        pfs_bytes_unref(b);
        pfs_version_unref(v);
        __atomic_add_fetch(&c->reads, 1, __ATOMIC_RELEASE);
    }
    pfs_store_close(s);
    return NULL;
}

static void test_crowd(void **state)
{
    struct fixture *f = *state;
    enum { READERS = 3, STEPS = 150 };
    int committed = 0;
    struct crowd crowds[READERS] = {0};
    pthread_t threads[READERS];
    add_accounts(f, 300);
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Step0");
    for (int i = 0; i < READERS; i++) {
        crowds[i] = (struct crowd){.f = f, .committed = &committed};
        assert_int_equal(pthread_create(&threads[i], NULL, read_books, &crowds[i]), 0);
    }
    for (int i = 1; i <= STEPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "Step%d", i);
        set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", name);
        __atomic_store_n(&committed, i, __ATOMIC_RELEASE);
    }
    for (int i = 0; i < READERS; i++) {
        while (__atomic_load_n(&crowds[i].reads, __ATOMIC_ACQUIRE) <= 10)
            sched_yield();
        __atomic_store_n(&crowds[i].stop, true, __ATOMIC_RELEASE);
        pthread_join(threads[i], NULL);
        assert_true(crowds[i].reads > 10);
    }
}

/* ---- many accounts ---- */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A file is cut where it is full, at a contact's end; the elements around are closed. */
static void test_full_file(void **state)
{
    struct fixture *f = *state;
    add_accounts(f, 10000);
    int64_t start = now_us();
    struct pfs_version *v = must_look(f, BOOK);
    int64_t first = now_us() - start;
    autofree char *all = bytes_of(f, v);
    assert_in_range(v->size, 900000, 1 << 20);
    assert_string_equal(all + strlen(all) - sizeof "  </c>\n</book>\n" + 1, "  </c>\n</book>\n");
    pfs_version_unref(v);
    set(f, PFS_SCOPE_ACCOUNT, "12345@acme", "line.display_name", "Aaa");
    start = now_us();
    v = must_look(f, BOOK);
    print_message("10,000 accounts: %lld ms to the first book, %lld ms after a change\n",
                  (long long)first / 1000, (long long)(now_us() - start) / 1000);
    autofree char *after = bytes_of(f, v);
    assert_non_null(strstr(after, "<name>Aaa<"));
    pfs_version_unref(v);
}

static void test_too_many(void **state)
{
    struct fixture *f = *state;
    add_accounts(f, PFS_DIRECTORY_MAX + 100);
    struct pfs_inputs *i = resolve(f, DEVICE);
    assert_int_equal(i->directory->n, PFS_DIRECTORY_MAX);
    pfs_inputs_unref(i);
}

/* ---- hostile texts ---- */

static void test_hostile_names(void **state)
{
    struct fixture *f = *state;
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "</name></c></book><!--&\"'>");
    struct pfs_version *v = must_look(f, BOOK);
    autofree char *all = bytes_of(f, v);
    assert_non_null(strstr(all, "<name>&lt;/name&gt;&lt;/c&gt;&lt;/book&gt;&lt;!--&amp;"));
    pfs_version_unref(v);
    char longest[1200] = "";
    for (int i = 0; i < 300; i++)
        strcat(longest, "\xc3\xa4");
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", longest);
    longest[PFS_CONTACT_TEXT_MAX - 1] = '\0';
    v = must_look(f, BOOK);
    autofree char *cut = bytes_of(f, v);
    strcat(longest, "</name>");
    assert_non_null(strstr(cut, longest));
    pfs_version_unref(v);
}

/* ---- what a write checks ---- */

static int try_name(struct fixture *f, const char *account, const char *name)
{
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    struct pfs_watermark at;
    struct pfs_context c = f->context;
    c.store = f->writer;
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    must(f, pfs_store_watermark(f->writer, &at, &f->err));
    struct pfs_check check = {.since = at.gen};
    int64_t id;
    must(f, pfs_store_find(f->writer, PFS_SCOPE_ACCOUNT, account, &id, &f->err));
    must(f,
         pfs_store_set(f->writer, PFS_SCOPE_ACCOUNT, id, "line.display_name", name, 0, test_clock, &f->err));
    must(f, pfs_check_note_setting(&check, &c, PFS_SCOPE_ACCOUNT, id, "line.display_name", name, &f->err));
    int r = pfs_check_run(&check, &c, &f->err);
    pfs_check_done(&check);
    pfs_store_rollback(f->writer);
    pfs_resolver_reset(c.resolver);
    return r;
}

/* An account that is on no line is in phone books all the same. */
static void test_refused_names(void **state)
{
    struct fixture *f = *state;
    add_account(f, "1002@acme", "acme", "Ben");
    must(f, try_name(f, "1002@acme", "B\xc3\xa9n <>&\"'\\"));
    assert_int_equal(try_name(f, "1002@acme", "Ben\x01"), -EINVAL);
    assert_non_null(strstr(f->err.msg, "line.display_name: "));
    assert_non_null(strstr(f->err.msg, "acme-100"));
    must(f, try_name(f, "7@umbrella", "Ben\x01")); /* that customer has no device */
    must(f, try_name(f, "8", "Ben\x01"));          /* nobody's */
}

static void test_check_of_many(void **state)
{
    struct fixture *f = *state;
    add_accounts(f, 5000);
    sql(f,
        "BEGIN; WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 500)"
        " INSERT INTO device (mac, model, customer) SELECT 92000000 + n, m.id, c.id FROM r JOIN model m JOIN"
        " customer c WHERE m.name = 'acme-100' AND c.name = 'acme'; COMMIT");
    PFS_CLEANUP(pfs_map_done) struct pfs_map books = {0};
    struct pfs_context c = f->context;
    c.store = f->store;
    size_t bytes = 0;
    must(f, pfs_store_begin(f->store, &f->err));
    int64_t start = now_us();
    for (uint64_t mac = 92000001; mac <= 92000500; mac++)
        must(f, pfs_check_device(&c, &books, mac, &bytes, &f->err));
    print_message("500 devices with 5,000 contacts checked in %lld ms\n",
                  (long long)(now_us() - start) / 1000);
    pfs_store_end(f->store);
    assert_in_range(bytes, 500000, 2000000); /* the whole once, and then one contact */
    assert_int_equal(books.n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_listed),  TEST(without_customer),
        TEST(each_change),    TEST(isolation),
        TEST(schedule),       TEST(made_again),
        TEST(shared),         TEST(parts),
        TEST(many_customers), TEST(crowd),
        TEST(full_file),      TEST(too_many),
        TEST(hostile_names),  TEST(refused_names),
        TEST(check_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

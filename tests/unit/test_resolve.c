/* Which value counts, and how scopes in memory keep up with the inventory. */
#include "core_fixture.h"

#include <pthread.h>

#define DEVICE "001565aabbcc"
#define LINE1 "001565aabbcc/1"

/* What is resolved for the phone at a time; must be unref'd. */
static struct pfs_inputs *resolve_at(struct fixture *f, int64_t now)
{
    struct pfs_inputs *i = NULL;
    must(f, pfs_resolve_now(f->context.resolver, f->store, f->context.library, MAC, now, &i, &f->err));
    return i;
}

static const char *value_of(const struct pfs_inputs *i, unsigned line, const char *key, char *scratch)
{
    struct pfs_phone p;
    struct pfs_key k;
    struct pfs_value v;
    pfs_inputs_phone(i, &p);
    assert_int_equal(pfs_catalogue_find(i->catalogue, key, &k, NULL), 0);
    pfs_phone_get(&p, line ? pfs_phone_line(&p, line) : NULL, key, k.entry, scratch, &v);
    return v.text;
}

static void expect_at(struct fixture *f, int64_t now, unsigned line, const char *key, const char *value)
{
    char scratch[PFS_KEY_MAX];
    struct pfs_inputs *i = resolve_at(f, now);
    assert_string_equal(value_of(i, line, key, scratch), value);
    pfs_inputs_unref(i);
}

static void expect(struct fixture *f, unsigned line, const char *key, const char *value)
{
    expect_at(f, test_clock, line, key, value);
}

/* Profiles root > middle > leaf (shared) > own > deep (the customer's); the phone has the deepest. */
static void add_chain(struct fixture *f)
{
    static const char *const names[] = {"root", "middle", "leaf", "own", "deep"};
    add_phone(f);
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++) {
        add(f, PFS_SCOPE_PROFILE, names[i]);
        if (i >= 3)
            update(f, PFS_SCOPE_PROFILE, names[i], PFS_FIELD_CUSTOMER, "acme");
        if (i > 0)
            update(f, PFS_SCOPE_PROFILE, names[i], PFS_FIELD_PARENT, names[i - 1]);
    }
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_PROFILE, "deep");
}

/* ---- the order ---- */

static const struct step {
    enum pfs_scope scope;
    const char *object;
} order[] = {
    {PFS_SCOPE_SITE, ""},          {PFS_SCOPE_MODEL, "acme-100"}, {PFS_SCOPE_PROFILE, "root"},
    {PFS_SCOPE_PROFILE, "middle"}, {PFS_SCOPE_PROFILE, "leaf"},   {PFS_SCOPE_CUSTOMER, "acme"},
    {PFS_SCOPE_PROFILE, "own"},    {PFS_SCOPE_PROFILE, "deep"},   {PFS_SCOPE_DEVICE, DEVICE},
};

/* The order of sip.server on the line, from the default upwards, and down again. */
static void test_each_step(void **state)
{
    struct fixture *f = *state;
    char value[32];
    add_chain(f);
    expect(f, 0, "sip.transport", "udp"); /* the default */
    for (size_t i = 0; i < PFS_N_ELEMENTS(order); i++) {
        snprintf(value, sizeof value, "s%zu.example.net", i);
        set(f, order[i].scope, order[i].object, "sip.server", value);
        expect(f, 0, "sip.server", value);
        expect(f, 1, "sip.server", value);
    }
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "sip.server", "account.example.net");
    expect(f, 1, "sip.server", "account.example.net");
    expect(f, 0, "sip.server", value);
    set(f, PFS_SCOPE_LINE, LINE1, "sip.server", "line.example.net");
    expect(f, 1, "sip.server", "line.example.net");
    set(f, PFS_SCOPE_LINE, LINE1, "sip.server", NULL);
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "sip.server", NULL);
    for (size_t i = PFS_N_ELEMENTS(order); i-- > 0;) {
        snprintf(value, sizeof value, "s%zu.example.net", i);
        expect(f, 1, "sip.server", value);
        set(f, order[i].scope, order[i].object, "sip.server", NULL);
    }
    expect(f, 1, "sip.server", "");
}

/* Each adjacent pair, whichever was set first. */
static void test_pairs(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    for (size_t i = 0; i + 1 < PFS_N_ELEMENTS(order); i++) {
        set(f, order[i + 1].scope, order[i + 1].object, "sip.server", "strong.example.net");
        set(f, order[i].scope, order[i].object, "sip.server", "weak.example.net");
        expect(f, 0, "sip.server", "strong.example.net");
        set(f, order[i + 1].scope, order[i + 1].object, "sip.server", NULL);
        set(f, order[i].scope, order[i].object, "sip.server", NULL);
    }
}

/* "" is set: it hides what is weaker. */
static void test_empty_is_set(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "site.example.net");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.server", "");
    expect(f, 1, "sip.server", "");
}

/* A line with another customer's account sees that customer's settings about lines, above the device and
 * below the account. */
static void test_other_customer(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    add(f, PFS_SCOPE_CUSTOMER, "umbrella");
    add(f, PFS_SCOPE_ACCOUNT, "7@umbrella");
    update(f, PFS_SCOPE_ACCOUNT, "7@umbrella", PFS_FIELD_CUSTOMER, "umbrella");
    assign(f, MAC, 2, "7@umbrella");
    set(f, PFS_SCOPE_CUSTOMER, "umbrella", "sip.server", "umbrella.example.net");
    set(f, PFS_SCOPE_CUSTOMER, "umbrella", "time.ntp", "ntp.umbrella.example.net");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "sip.server", "device.example.net");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "time.ntp", "ntp.example.net");
    expect(f, 1, "sip.server", "device.example.net");
    expect(f, 2, "sip.server", "umbrella.example.net");
    expect(f, 2, "time.ntp", "ntp.example.net"); /* no key of a line */
    set(f, PFS_SCOPE_ACCOUNT, "7@umbrella", "sip.server", "account.example.net");
    expect(f, 2, "sip.server", "account.example.net");
    set(f, PFS_SCOPE_LINE, "001565aabbcc/2", "sip.server", "line.example.net");
    expect(f, 2, "sip.server", "line.example.net");
}

/* Files common to a model see default, site and model. */
static void test_common(void **state)
{
    struct fixture *f = *state;
    struct pfs_inputs *i;
    char scratch[PFS_KEY_MAX];
    add_chain(f);
    set(f, PFS_SCOPE_CUSTOMER, "acme", "sip.server", "customer.example.net");
    set(f, PFS_SCOPE_SITE, "", "sip.server", "site.example.net");
    for (int step = 0; step < 2; step++) {
        must(f, pfs_store_begin(f->store, &f->err));
        must(f, pfs_resolve_common(f->context.resolver, f->store, "acme-100", test_clock, &i, &f->err));
        pfs_store_end(f->store);
        assert_string_equal(value_of(i, 0, "sip.server", scratch),
                            step ? "model.example.net" : "site.example.net");
        pfs_inputs_unref(i);
        set(f, PFS_SCOPE_MODEL, "acme-100", "sip.server", "model.example.net");
    }
}

static void test_no_device(void **state)
{
    struct fixture *f = *state;
    struct pfs_inputs *i;
    assert_int_equal(
        pfs_resolve_now(f->context.resolver, f->store, f->context.library, MAC, test_clock, &i, &f->err),
        -ENOENT);
}

/* ---- schedules ---- */

static void test_schedule(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "now.example.net");
    set_from(f, PFS_SCOPE_SITE, "", "sip.server", "then.example.net", test_clock + 100);
    set_from(f, PFS_SCOPE_SITE, "", "sip.server", NULL, test_clock + 200);
    struct pfs_inputs *i = resolve_at(f, test_clock);
    assert_int_equal(i->next, test_clock + 100);
    assert_int_equal(i->came, 0);
    pfs_inputs_unref(i);
    expect_at(f, test_clock + 99, 1, "sip.server", "now.example.net");
    expect_at(f, test_clock + 100, 1, "sip.server", "then.example.net");
    i = resolve_at(f, test_clock + 150);
    assert_int_equal(i->next, test_clock + 200);
    assert_int_equal(i->came, test_clock + 100);
    pfs_inputs_unref(i);
    expect_at(f, test_clock + 200, 1, "sip.server", "");
    expect_at(f, test_clock + 50, 1, "sip.server",
              "now.example.net"); /* the resolver itself follows whatever time it is given */
}

static void test_schedule_of_line(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    set_from(f, PFS_SCOPE_LINE, LINE1, "sip.server", "line.example.net", test_clock + 10);
    set_from(f, PFS_SCOPE_ACCOUNT, "1001@acme", "sip.server", "account.example.net", test_clock + 5);
    struct pfs_inputs *i = resolve_at(f, test_clock);
    assert_int_equal(i->next, test_clock + 5);
    pfs_inputs_unref(i);
    expect_at(f, test_clock + 5, 1, "sip.server", "account.example.net");
    expect_at(f, test_clock + 10, 1, "sip.server", "line.example.net");
}

/* ---- keeping up ---- */

static void test_parent_changes(void **state)
{
    struct fixture *f = *state;
    add_chain(f);
    set(f, PFS_SCOPE_PROFILE, "root", "sip.server", "root.example.net");
    expect(f, 1, "sip.server", "root.example.net");
    add(f, PFS_SCOPE_PROFILE, "other");
    set(f, PFS_SCOPE_PROFILE, "other", "sip.server", "other.example.net");
    update(f, PFS_SCOPE_PROFILE, "middle", PFS_FIELD_PARENT, "other");
    expect(f, 1, "sip.server", "other.example.net");
    update(f, PFS_SCOPE_PROFILE, "middle", PFS_FIELD_PARENT, NULL);
    expect(f, 1, "sip.server", "");
}

/* A customer that sets nothing is not in memory: it must come in when it begins to. */
static void test_customer_begins(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    expect(f, 1, "sip.server", "");
    set(f, PFS_SCOPE_CUSTOMER, "acme", "sip.server", "acme.example.net");
    expect(f, 1, "sip.server", "acme.example.net");
    set(f, PFS_SCOPE_CUSTOMER, "acme", "sip.server", NULL);
    expect(f, 1, "sip.server", "");
}

static void test_profile_deleted(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    add(f, PFS_SCOPE_PROFILE, "office");
    set(f, PFS_SCOPE_PROFILE, "office", "sip.server", "office.example.net");
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_PROFILE, "office");
    expect(f, 1, "sip.server", "office.example.net");
    drop(f, PFS_SCOPE_PROFILE, "office");
    expect(f, 1, "sip.server", "");
}

static void test_epoch_changes(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "old.example.net");
    expect(f, 1, "sip.server", "old.example.net");
    sql(f, "UPDATE clock SET epoch = epoch + 2;"
           "DROP TRIGGER setting_changed; UPDATE setting SET value = 'new.example.net' WHERE key = "
           "'sip.server'");
    expect(f, 1, "sip.server", "new.example.net");
}

/* The feed no longer reaches back to what is in memory. */
static void test_feed_cut(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "old.example.net");
    expect(f, 1, "sip.server", "old.example.net");
    set(f, PFS_SCOPE_SITE, "", "sip.server", "new.example.net");
    set(f, PFS_SCOPE_SITE, "", "time.ntp", "ntp.example.net");
    sql(f, "DELETE FROM change WHERE gen < (SELECT max(gen) FROM change); UPDATE clock SET lowest_gen = "
           "(SELECT max(gen) - 1 FROM change)");
    expect(f, 1, "sip.server", "new.example.net");
}

/* An older state restored into the very file: -ESTALE would come for ever. */
static void test_gen_goes_back(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "old.example.net");
    sql(f, "CREATE TABLE keep AS SELECT max(gen) AS gen FROM change");
    set(f, PFS_SCOPE_SITE, "", "sip.server", "new.example.net");
    expect(f, 1, "sip.server", "new.example.net");
    sql(f, "UPDATE setting SET value = 'old.example.net' WHERE key = 'sip.server';"
           "DELETE FROM change WHERE gen > (SELECT gen FROM keep); DROP TABLE keep");
    expect(f, 1, "sip.server", "old.example.net");
}

/* A rolled-back write in which the resolver was used. */
static void test_reset(void **state)
{
    struct fixture *f = *state;
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    struct pfs_inputs *i;
    char scratch[PFS_KEY_MAX];
    add_phone(f);
    set(f, PFS_SCOPE_SITE, "", "sip.server", "old.example.net");
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    must(f, pfs_store_set(f->writer, PFS_SCOPE_SITE, 0, "sip.server", "tried.example.net", 0, test_clock,
                          &f->err));
    must(f, pfs_resolve_device(f->context.resolver, f->writer, MAC, test_clock, &i, &f->err));
    assert_string_equal(value_of(i, 1, "sip.server", scratch), "tried.example.net");
    pfs_inputs_unref(i);
    pfs_store_rollback(f->writer);
    pfs_resolver_reset(f->context.resolver);
    expect(f, 1, "sip.server", "old.example.net");
}

static void test_older_snapshot_is_stale(void **state)
{
    struct fixture *f = *state;
    struct pfs_inputs *i;
    add_phone(f);
    expect(f, 1, "sip.server", "");
    must(f, pfs_store_begin(f->store, &f->err));
    set(f, PFS_SCOPE_SITE, "", "sip.server", "new.example.net");
    must(f, pfs_resolve_now(f->context.resolver, f->writer, NULL, MAC, test_clock, &i, &f->err));
    pfs_inputs_unref(i);
    assert_int_equal(pfs_resolve_device(f->context.resolver, f->store, MAC, test_clock, &i, &f->err),
                     -ESTALE);
    pfs_store_end(f->store);
    expect(f, 1, "sip.server", "new.example.net");
}

/* Several threads, each in snapshots of its own, while the value and the profile above it change. Both are
 * set alike in each transaction, so that a mixture of two states shows. */
struct crowd {
    struct fixture *f;
    bool stop;
    unsigned done;
};

static void *resolve_often(void *arg)
{
    struct crowd *c = arg;
    struct pfs_store *s;
    struct pfs_err err = {""};
    char a[PFS_KEY_MAX], b[PFS_KEY_MAX];
    if (pfs_store_open(c->f->db_path, c->f->context.catalogue, &s, &err) < 0)
        return (void *)(uintptr_t) "cannot open";
    const char *wrong = NULL;
    while (!wrong && !__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
        struct pfs_inputs *i;
        if (pfs_resolve_now(c->f->context.resolver, s, NULL, MAC, test_clock, &i, &err) < 0) {
            wrong = "cannot resolve";
            break;
        }
        if (strcmp(value_of(i, 1, "sip.server", a), value_of(i, 0, "time.ntp", b)) != 0)
            wrong = "two states mixed";
        pfs_inputs_unref(i);
        __atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
    }
    pfs_store_close(s);
    return (void *)wrong;
}

static void change_both(struct fixture *f, int n)
{
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    char value[32];
    snprintf(value, sizeof value, "s%d.example.net", n);
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    must(f, pfs_store_set(f->writer, PFS_SCOPE_SITE, 0, "sip.server", value, 0, test_clock, &f->err));
    must(f,
         pfs_store_set(f->writer, PFS_SCOPE_DEVICE, (int64_t)MAC, "time.ntp", value, 0, test_clock, &f->err));
    must(f, pfs_store_commit(f->writer, NULL, &f->err));
}

static void test_threads(void **state)
{
    struct crowd c = {.f = *state};
    pthread_t threads[3];
    add_phone(c.f);
    change_both(c.f, 0);
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, resolve_often, &c), 0);
    for (int n = 1; n < 400; n++)
        change_both(c.f, n);
    __atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < PFS_N_ELEMENTS(threads); i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong)
            fail_msg("%s", (const char *)wrong);
    }
    assert_true(c.done > 0);
}

/* ---- keys that follow an account ---- */

static void test_key_account(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    add(f, PFS_SCOPE_ACCOUNT, "1002@acme");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "key.3.account", "1002@acme");
    expect(f, 0, "key.3.value", "1002");
    expect(f, 0, "key.3.label", "");
    set(f, PFS_SCOPE_ACCOUNT, "1002@acme", "sip.user", "u1002");
    set(f, PFS_SCOPE_ACCOUNT, "1002@acme", "line.display_name", "Bob");
    expect(f, 0, "key.3.value", "u1002");
    expect(f, 0, "key.3.label", "Bob");
    expect(f, 0, "key.3.pickup", "");
    expect(f, 0, "key.4.value", "");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "key.3.value", "*21");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "key.3.label", "");
    expect(f, 0, "key.3.value", "*21");
    expect(f, 0, "key.3.label", "");
}

static void test_key_account_changes(void **state)
{
    struct fixture *f = *state;
    static const struct pfs_writer ann = {.login = "ann", .via = "command"};
    add_phone(f);
    add(f, PFS_SCOPE_ACCOUNT, "1002@acme");
    add(f, PFS_SCOPE_PROFILE, "office");
    update(f, PFS_SCOPE_DEVICE, DEVICE, PFS_FIELD_PROFILE, "office");
    set(f, PFS_SCOPE_PROFILE, "office", "key.1.account", "1002@acme");
    expect(f, 0, "key.1.value", "1002");
    set_from(f, PFS_SCOPE_ACCOUNT, "1002@acme", "sip.user", "later", test_clock + 50);
    expect_at(f, test_clock + 50, 0, "key.1.value", "later");
    must(f, pfs_store_write(f->writer, &ann, &f->err));
    must(f, pfs_store_rename(f->writer, PFS_SCOPE_ACCOUNT, find(f, PFS_SCOPE_ACCOUNT, "1002@acme"),
                             "1003@acme", &f->err));
    must(f, pfs_store_commit(f->writer, NULL, &f->err));
    expect(f, 0, "key.1.value", "1003");
    drop(f, PFS_SCOPE_ACCOUNT, "1003@acme");
    expect(f, 0, "key.1.value", "");
}

static void test_module_key_account(void **state)
{
    struct fixture *f = *state;
    add_phone(f);
    set(f, PFS_SCOPE_ACCOUNT, "1001@acme", "line.display_name", "Ann");
    set(f, PFS_SCOPE_DEVICE, DEVICE, "module.1.key.2.account", "1001@acme");
    expect(f, 0, "module.1.key.2.value", "1001");
    expect(f, 0, "module.1.key.2.label", "Ann");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_each_step),
        T(test_pairs),
        T(test_empty_is_set),
        T(test_other_customer),
        T(test_common),
        T(test_no_device),
        T(test_schedule),
        T(test_schedule_of_line),
        T(test_parent_changes),
        T(test_customer_begins),
        T(test_profile_deleted),
        T(test_epoch_changes),
        T(test_feed_cut),
        T(test_gen_goes_back),
        T(test_reset),
        T(test_older_snapshot_is_stale),
        T(test_threads),
        T(test_key_account),
        T(test_key_account_changes),
        T(test_module_key_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

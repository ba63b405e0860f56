/* Renders by plans: the same bytes and the same errors as renders in full, for phones of every shipped model
 * that set whatever keys to whatever values. */
#include "render/plan.h"
#include "render_fixture.h"

#include <stdio.h>

enum { SHAPES = 8, PHONES = 5, KEYS_MAX = 12, LINES = 3 };

/* A phone that sets some keys; which they are is the shape's, their values are its own. */
struct phone {
    struct rows device, line[LINES], account[LINES];
    struct pfs_line lines[LINES];
    struct pfs_device d;
    char mac[16], names[LINES][32], keys[4 * KEYS_MAX * LINES][PFS_KEY_MAX];
    size_t n_keys;
};

static struct pfs_library *library;

static int set_up(void **state)
{
    struct pfs_err err = {""};
    if (fixture_up(state) < 0)
        return -1;
    const struct pfs_library_source source = {.site = "/nonexistent", .shipped = source_path("templates")};
    if (pfs_library_load(&source, catalogue, NULL, &library, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    pfs_library_unref(library);
    return fixture_down(state);
}

/* ---- chance, the same in every run ---- */

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static const char *any_value(uint32_t *seed, const struct pfs_catalogue_entry *e)
{
    static const char *const texts[] = {"",     "a",     "1001",  "x<&>\"'y",    "S\xc3\xb6hne",
                                        "off",  "0",     "a b c", "#1;2",        "%NULL%",
                                        "a\nb", " edge", "\\",    "\xe6\x9d\x8e"};
    static const char *const hosts[] = {"a.example.net", "192.0.2.7", "2001:db8::1", ""};
    static const char *const zones_known[] = {"Europe/Vienna", "Asia/Kathmandu", "America/New_York",
                                              "Etc/UTC"};
    static const char *const urls[] = {"http://a.example.net/x", "", "https://b/c?d=e&f=1"};
    static const char *const times[] = {"03:30", "", "23:59"};
    static const char *const numbers[] = {"1", "0", "60", "101"};
    size_t n = 0;
    switch (e->type) {
    case PFS_TYPE_INT:
        return numbers[chance(seed, 4)];
    case PFS_TYPE_SWITCH:
        return chance(seed, 2) ? "on" : "off";
    case PFS_TYPE_CHOICE:
    case PFS_TYPE_LIST:
        while (e->choices[n])
            n++;
        return e->choices[chance(seed, (uint32_t)n)];
    case PFS_TYPE_HOST:
        return hosts[chance(seed, 4)];
    case PFS_TYPE_URL:
        return urls[chance(seed, 3)];
    case PFS_TYPE_ZONE:
        return zones_known[chance(seed, 4)];
    case PFS_TYPE_TIME:
        return times[chance(seed, 3)];
    default:
        return texts[chance(seed, PFS_N_ELEMENTS(texts))];
    }
}

/* ---- phones ---- */

static void clear(struct rows *r, enum pfs_scope scope)
{
    r->layer = (struct pfs_layer){.scope = scope, .name = "x", .settings = r->settings};
}

/* Keeps the layer sorted by key, each once. */
static void put(struct phone *p, struct rows *r, const struct pfs_catalogue_entry *e, const char *value)
{
    char *key = p->keys[p->n_keys];
    const char *n = strstr(e->key, ".N.");
    if (strncmp(e->key, "module.M.", 9) == 0)
        snprintf(key, PFS_KEY_MAX, "module.1.key.2.%s", strrchr(e->key, '.') + 1);
    else if (n)
        snprintf(key, PFS_KEY_MAX, "%.*s.2.%s", (int)(n - e->key), e->key, n + 3);
    else
        snprintf(key, PFS_KEY_MAX, "%s", e->key);
    size_t at = 0;
    while (at < r->layer.n && strcmp(r->settings[at].key, key) < 0)
        at++;
    if (at < r->layer.n && strcmp(r->settings[at].key, key) == 0)
        return;
    memmove(&r->settings[at + 1], &r->settings[at], (r->layer.n - at) * sizeof r->settings[0]);
    r->settings[at] = (struct pfs_setting){.key = key, .id = e->id, .value = value};
    r->layer.n++;
    p->n_keys++;
}

static void set_some(struct phone *p, struct rows *r, enum pfs_scope scope, uint32_t *shape, uint32_t *values)
{
    uint32_t n = chance(shape, KEYS_MAX);
    clear(r, scope);
    for (uint32_t i = 0; i < n; i++) {
        const struct pfs_catalogue_entry *e =
            &catalogue->entries[chance(shape, (uint32_t)catalogue->n_entries)];
        if (e->scopes & PFS_SCOPE_BIT(scope))
            put(p, r, e, any_value(values, e));
    }
}

/* The shape's seed says what is set, the other to which values. */
static void make_phone(struct phone *p, const struct pfs_model *m, uint32_t shape, uint32_t values)
{
    memset(p, 0, sizeof *p);
    snprintf(p->mac, sizeof p->mac, "02%010x", values);
    set_some(p, &p->device, PFS_SCOPE_DEVICE, &shape, &values);
    p->d = (struct pfs_device){
        .refs = 1, .mac = 0x020000000000 | values, .mac_text = p->mac, .enabled = true, .lines = p->lines};
    p->d.settings = p->device.layer;
    for (size_t i = 0; i < LINES && i < m->lines; i++) {
        bool assigned = chance(&shape, 3) > 0;
        snprintf(p->names[i], sizeof p->names[i], "%u@x", chance(&values, 10000));
        set_some(p, &p->line[i], PFS_SCOPE_LINE, &shape, &values);
        set_some(p, &p->account[i], PFS_SCOPE_ACCOUNT, &shape, &values);
        if (!assigned)
            clear(&p->account[i], PFS_SCOPE_ACCOUNT);
        p->lines[p->d.n_lines++] = (struct pfs_line){.number = (unsigned)i + 1,
                                                     .account_id = assigned,
                                                     .account = assigned ? p->names[i] : NULL,
                                                     .settings = p->line[i].layer,
                                                     .account_settings = p->account[i].layer};
    }
}

/* ---- the comparison ---- */

static void compare(struct pfs_plans *plans, const struct pfs_file *f, const struct pfs_phone *phone,
                    uint32_t shape)
{
    struct pfs_buf full = PFS_BUF_INIT(0), planned = PFS_BUF_INIT(0);
    struct pfs_err full_err = {""}, planned_err = {""};
    int want = pfs_render(f, phone, zones, &full, NULL, NULL, &full_err);
    int got = pfs_plans_render(plans, f, phone, zones, &planned, &planned_err);
    if (want != got || (want < 0 && strcmp(full_err.msg, planned_err.msg) != 0))
        fail_msg("%s %s, shape %u: in full %d %s, by a plan %d %s", f->model->name, f->name.text, shape, want,
                 full_err.msg, got, planned_err.msg);
    bool same = full.len == planned.len && (full.len == 0 || memcmp(full.data, planned.data, full.len) == 0);
    if (want == 0 && !same) {
        size_t at = 0;
        while (at < full.len && at < planned.len && full.data[at] == planned.data[at])
            at++;
        at -= PFS_MIN(at, 60u);
        fail_msg("%s %s, shape %u, differs:\n%.120s\n-- by a plan:\n%.120s", f->model->name, f->name.text,
                 shape, pfs_buf_str(&full) + at, pfs_buf_str(&planned) + at);
    }
    pfs_buf_done(&full);
    pfs_buf_done(&planned);
}

struct work {
    struct pfs_plans *plans;
    struct pfs_base *base;
};

static int try_model(void *arg, const struct pfs_model *m)
{
    struct work *w = arg;
    static struct phone p;
    for (uint32_t shape = 1; shape <= SHAPES; shape++)
        for (uint32_t i = 1; i <= PHONES; i++) {
            make_phone(&p, m, shape * 7919, shape * 104729 + i * 31);
            p.d.customer_name = i % 3 ? i % 3 == 1 ? "acme" : "none" : "";
            const struct pfs_phone phone = {.catalogue = catalogue,
                                            .device = &p.d,
                                            .base = w->base,
                                            .directory = i % 2 ? directory : NULL};
            for (size_t k = 0; k < m->n_files; k++)
                if (m->files[k].spec->per == PFS_PER_DEVICE)
                    compare(w->plans, &m->files[k], &phone, shape);
        }
    return 0;
}

static void test_same_bytes(void **state)
{
    struct rows site;
    struct phone scratch = {0};
    clear(&site, PFS_SCOPE_SITE);
    const char *const set[][2] = {{"sip.server", "sip.example.net"},
                                  {"time.zone", "Europe/Vienna"},
                                  {"net.vlan", "42"},
                                  {"key.N.type", "blf"},
                                  {"key.N.value", "1002"},
                                  {"audio.codecs", "g722,pcma"}};
    for (size_t i = 0; i < PFS_N_ELEMENTS(set); i++)
        put(&scratch, &site, pfs_map_get(&catalogue->by_key, set[i][0], strlen(set[i][0])), set[i][1]);
    const struct pfs_layer *layers[] = {&site.layer};
    struct work w = {0};
    assert_int_equal(pfs_base_new(catalogue, layers, 1, 0, &w.base), 0);
    assert_int_equal(pfs_plans_new(0, &w.plans), 0);
    assert_int_equal(pfs_library_models(library, try_model, &w), 0);
    struct pfs_plans_counts counts;
    pfs_plans_counts(w.plans, &counts);
    assert_true(counts.hits > 0 && counts.n > 0);
    print_message("%llu renders by a plan, %llu in full, %zu shapes\n", (unsigned long long)counts.hits,
                  (unsigned long long)counts.misses, counts.n);
    pfs_plans_free(w.plans);
    pfs_base_unref(w.base);
}

/* Nothing grows past the limit, and what was dropped is made again. */
static void test_limit(void **state)
{
    struct rows site;
    clear(&site, PFS_SCOPE_SITE);
    const struct pfs_layer *layers[] = {&site.layer};
    struct work w = {0};
    struct pfs_plans_counts counts;
    assert_int_equal(pfs_base_new(catalogue, layers, 1, 0, &w.base), 0);
    assert_int_equal(pfs_plans_new(100000, &w.plans), 0);
    for (int i = 0; i < 2; i++)
        try_model(&w, pfs_library_model(library, "yealink-t46s"));
    pfs_plans_counts(w.plans, &counts);
    assert_true(counts.bytes <= counts.limit);
    pfs_plans_free(w.plans);
    pfs_base_unref(w.base);
}

/* A phone that is masked, or has an override of its own, is rendered in full: no plan of another may answer.
 */
static void test_in_full(void **state)
{
    struct rows site;
    static struct phone p;
    clear(&site, PFS_SCOPE_SITE);
    const struct pfs_layer *layers[] = {&site.layer};
    struct pfs_base *base;
    struct pfs_plans *plans;
    const struct pfs_model *m = pfs_library_model(library, "yealink-t46s");
    assert_int_equal(pfs_base_new(catalogue, layers, 1, 0, &base), 0);
    assert_int_equal(pfs_plans_new(0, &plans), 0);
    for (uint32_t i = 0; i < 4; i++) {
        make_phone(&p, m, 3, 1000 + i);
        struct pfs_phone phone = {.catalogue = catalogue, .device = &p.d, .base = base};
        compare(plans, &m->files[0], &phone, 3);
        phone.mask = "********";
        compare(plans, &m->files[0], &phone, 3);
        phone.mask = NULL;
        struct pfs_setting override = {.key = "yealink:features.x", .id = -1, .value = "1"};
        p.d.settings = (struct pfs_layer){.scope = PFS_SCOPE_DEVICE, .n = 1, .settings = &override};
        compare(plans, &m->files[0], &phone, 3);
    }
    pfs_plans_free(plans);
    pfs_base_unref(base);
}

/* ---- contacts ---- */

static const char book[] = "<template vendor='acme'><model name='acme-1' title='Acme' lines='1' keys='0'/>"
                           "<file name='{mac}.txt' main='yes' syntax='plain' between='=' max-size='512'>"
                           "<contacts><set key='{contact.index}' value='{contact.name} {contact.number} "
                           "{directory.title}'/></contacts>"
                           "<text>end</text></file></template>";

static struct pfs_base *base_with(struct phone *scratch, struct rows *site, const char *key,
                                  const char *value)
{
    struct pfs_base *b;
    const struct pfs_layer *layers[] = {&site->layer};
    clear(site, PFS_SCOPE_SITE);
    put(scratch, site, pfs_map_get(&catalogue->by_key, key, strlen(key)), value);
    assert_int_equal(pfs_base_new(catalogue, layers, 1, 0, &b), 0);
    return b;
}

struct reader {
    struct pfs_template *t;
    struct pfs_plans *plans;
};

/* Compares; true where a plan gave it. */
static bool by_plan(const struct reader *r, const struct pfs_base *base, const struct pfs_directory *d,
                    const char *title)
{
    static struct phone p;
    struct pfs_plans_counts before, after;
    const struct pfs_model *m = &r->t->models[0];
    make_phone(&p, m, 1, 1);
    p.d.n_lines = 0;
    clear(&p.device, PFS_SCOPE_DEVICE);
    put(&p, &p.device, pfs_map_get(&catalogue->by_key, "net.vlan", 8),
        "7"); /* which the file does not read */
    if (title)
        put(&p, &p.device, pfs_map_get(&catalogue->by_key, "directory.title", 15), title);
    p.d.settings = p.device.layer;
    const struct pfs_phone phone = {.catalogue = catalogue, .device = &p.d, .base = base, .directory = d};
    pfs_plans_counts(r->plans, &before);
    compare(r->plans, &m->files[0], &phone, 0);
    pfs_plans_counts(r->plans, &after);
    return after.hits > before.hits;
}

/* Phones of one directory share a plan whatever else their bases say; another directory, or a value that the
 * file reads, makes another. */
static void test_contacts_shared(void **state)
{
    struct rows site[3];
    struct phone scratch = {0};
    static const char *const names[] = {"Ann", "Zo\xc3\xab", "#1"};
    struct pfs_directory *other = make_directory(names, PFS_N_ELEMENTS(names));
    struct pfs_base *one = base_with(&scratch, &site[0], "net.vlan", "1"),
                    *two = base_with(&scratch, &site[1], "sip.server", "b.example.net"),
                    *titled = base_with(&scratch, &site[2], "directory.title", "Us");
    struct reader r = {.t = must_parse(book)};
    assert_int_equal(pfs_plans_new(0, &r.plans), 0);
    assert_false(by_plan(&r, one, directory, NULL));
    assert_true(by_plan(&r, one, directory, NULL));
    assert_true(by_plan(&r, two, directory, NULL));
    assert_false(by_plan(&r, titled, directory, NULL));
    assert_false(by_plan(&r, one, other, NULL));
    assert_false(by_plan(&r, one, NULL, NULL));
    assert_true(by_plan(&r, one, other, NULL));
    pfs_directory_unref(other); /* its plan keeps it: no other can take its address */
    assert_true(by_plan(&r, titled, directory, NULL));
    pfs_plans_free(r.plans);
    pfs_template_unref(r.t);
    pfs_base_unref(one);
    pfs_base_unref(two);
    pfs_base_unref(titled);
}

/* A phone's own value among the contacts is put in for each; where one is so long that contacts are left out,
 * no plan answers. */
static void test_contacts_own_values(void **state)
{
    struct rows site;
    struct phone scratch = {0};
    struct pfs_base *base = base_with(&scratch, &site, "net.vlan", "1");
    struct reader r = {.t = must_parse(book)};
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(pfs_plans_new(0, &r.plans), 0);
    assert_false(by_plan(&r, base, directory, "a"));
    assert_true(by_plan(&r, base, directory, "bb"));
    assert_false(by_plan(&r, base, directory, longest));
    assert_true(by_plan(&r, base, directory, "<c>"));
    pfs_plans_free(r.plans);
    assert_int_equal(pfs_plans_new(0, &r.plans), 0);
    assert_false(by_plan(&r, base, directory, longest));
    assert_false(by_plan(&r, base, directory, "a"));
    assert_false(by_plan(&r, base, directory, longest));
    pfs_plans_free(r.plans);
    pfs_template_unref(r.t);
    pfs_base_unref(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_limit),
                                       cmocka_unit_test(test_in_full), cmocka_unit_test(test_contacts_shared),
                                       cmocka_unit_test(test_contacts_own_values)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

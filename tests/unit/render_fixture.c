#include "render_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

struct pfs_catalogue *catalogue;
struct pfs_zones *zones;
struct pfs_xml_schema *schema;
struct pfs_directory *directory;

const char *source_path(const char *name)
{
    static char path[4096];
    const char *root = getenv("PROVFS_DATADIR");
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", name);
    return path;
}

struct pfs_directory *make_directory(const char *const *names, size_t n)
{
    struct pfs_directory_draft draft;
    struct pfs_directory *d = NULL;
    pfs_directory_draft_init(&draft, catalogue, 0);
    for (size_t i = 0; i < n; i++) {
        char account[32];
        snprintf(account, sizeof account, "%zu@acme", 1001 + i);
        const struct pfs_setting row = {.key = "line.display_name", .value = names[i]};
        const struct pfs_layer layer = {.scope = PFS_SCOPE_ACCOUNT, .n = 1, .settings = &row};
        assert_int_equal(pfs_directory_draft_add(&draft, account, &layer), 0);
    }
    assert_int_equal(pfs_directory_new(&draft, NULL, &d), 0);
    pfs_directory_draft_done(&draft);
    return d;
}

int fixture_up(void **state)
{
    static const char *const names[] = {"Ann Smith", "Ben Jones"};
    struct pfs_err err = {""};
    if (pfs_catalogue_load(source_path("schema/settings.xml"), &catalogue, &err) < 0 ||
        pfs_zones_new(&zones) < 0 ||
        pfs_xml_schema_load(source_path("schema/template.rng"), &schema, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    directory = make_directory(names, PFS_N_ELEMENTS(names));
    return 0;
}

int fixture_down(void **state)
{
    pfs_directory_unref(directory);
    pfs_xml_schema_free(schema);
    pfs_zones_free(zones);
    pfs_catalogue_free(catalogue);
    return 0;
}

/* Keeps the layer sorted by key. */
static void put(struct rows *rows, const char *key, const char *value)
{
    struct pfs_key k;
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, NULL), 0);
    assert_true(rows->layer.n < ROWS_MAX);
    size_t at = rows->layer.n++;
    for (; at > 0 && strcmp(rows->settings[at - 1].key, key) > 0; at--)
        rows->settings[at] = rows->settings[at - 1];
    rows->settings[at] = (struct pfs_setting){.key = key, .id = k.entry ? k.entry->id : -1, .value = value};
}

static void init_rows(struct rows *rows, enum pfs_scope scope, const char *name)
{
    rows->layer = (struct pfs_layer){.scope = scope, .name = name, .settings = rows->settings};
}

void bench_init(struct bench *b)
{
    memset(b, 0, sizeof *b);
    init_rows(&b->site, PFS_SCOPE_SITE, "site");
    init_rows(&b->device, PFS_SCOPE_DEVICE, "001565aabbcc");
    b->d = (struct pfs_device){
        .refs = 1, .mac = 0x001565aabbcc, .mac_text = "001565aabbcc", .enabled = true, .lines = b->lines};
    b->phone = (struct pfs_phone){.catalogue = catalogue, .device = &b->d};
}

void bench_done(struct bench *b)
{
    pfs_base_unref(b->base);
    b->base = NULL;
}

void set_site(struct bench *b, const char *key, const char *value)
{
    put(&b->site, key, value);
}

void set_device(struct bench *b, const char *key, const char *value)
{
    put(&b->device, key, value);
}

static size_t line_at(struct bench *b, unsigned number)
{
    size_t i = 0;
    while (i < b->d.n_lines && b->lines[i].number != number)
        i++;
    assert_true(i < b->d.n_lines);
    return i;
}

void add_line(struct bench *b, unsigned number, const char *account)
{
    size_t i = b->d.n_lines++;
    assert_true(i < LINES_MAX);
    init_rows(&b->line[i], PFS_SCOPE_LINE, "line");
    init_rows(&b->account[i], PFS_SCOPE_ACCOUNT, account);
    b->lines[i] = (struct pfs_line){.number = number, .account = account, .account_id = account ? number : 0};
}

void set_line(struct bench *b, unsigned number, const char *key, const char *value)
{
    put(&b->line[line_at(b, number)], key, value);
}

void set_account(struct bench *b, unsigned number, const char *key, const char *value)
{
    put(&b->account[line_at(b, number)], key, value);
}

void bench_of_manual(struct bench *b)
{
    bench_init(b);
    set_site(b, "sip.server", "sip.example.net");
    set_site(b, "time.zone", "Europe/Vienna");
    add_line(b, 1, "1001@acme");
    set_account(b, 1, "sip.password", "s3cret");
    b->d.customer = 1;
    b->d.customer_name = "acme";
    b->phone.directory = directory;
}

static void prepare(struct bench *b)
{
    const struct pfs_layer *layers[] = {&b->site.layer};
    bench_done(b);
    assert_int_equal(pfs_base_new(catalogue, layers, 1, 0, &b->base), 0);
    b->phone.base = b->base;
    b->d.settings = b->device.layer;
    for (size_t i = 0; i < b->d.n_lines; i++) {
        b->lines[i].settings = b->line[i].layer;
        b->lines[i].account_settings = b->account[i].layer;
    }
}

struct pfs_template *must_parse(const char *text)
{
    struct pfs_template *t = NULL;
    struct pfs_err err = {""};
    if (pfs_template_parse("test.xml", text, strlen(text), catalogue, schema, &t, &err) < 0)
        fail_msg("%s\n%s", err.msg, text);
    return t;
}

int render_named(const struct pfs_template *t, const char *model, const char *file, struct bench *b,
                 struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_model *m = model ? pfs_template_model(t, model) : &t->models[0];
    uint64_t mac;
    assert_non_null(m);
    const struct pfs_file *f = file ? pfs_model_file(m, file, &mac) : &m->files[0];
    assert_non_null(f);
    prepare(b);
    return pfs_render(f, &b->phone, zones, out, NULL, NULL, err);
}

void check_output(const char *text, struct bench *b, const char *expected)
{
    struct pfs_template *t = must_parse(text);
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    int r = render_named(t, NULL, NULL, b, &out, &err);
    if (r < 0)
        fail_msg("%s\n%s", err.msg, text);
    assert_string_equal(pfs_buf_str(&out), expected);
    pfs_template_unref(t);
}

static char *whole(const char *attrs, const char *content)
{
    char *text = NULL;
    assert_true(
        asprintf(
            &text,
            "<template vendor='acme'><model name='acme-100' title='Acme 100' lines='4' keys='2' hw='00042'/>"
            "<map name='m'><entry from='udp' to='0'/><entry from='a' to='A'/></map>"
            "<map name='d' default='other'><entry from='' to='none'/></map>"
            "<file name='{mac}.cfg' main='yes' %s>\n%s</file></template>",
            attrs, content) > 0);
    return text;
}

void check_content(const char *attrs, const char *content, struct bench *b, const char *expected)
{
    autofree char *text = whole(attrs, content);
    check_output(text, b, expected);
}

void check_refused(const char *attrs, const char *content, struct bench *b, int errnum, const char *sentence)
{
    autofree char *text = whole(attrs, content);
    struct pfs_template *t = must_parse(text);
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    int r = render_named(t, NULL, NULL, b, &out, &err);
    if (r != -errnum || !strstr(err.msg, sentence) || strncmp(err.msg, "test.xml:", 9) != 0)
        fail_msg("%d %s instead of %s\n%s%s", r, err.msg, sentence, content, r == 0 ? pfs_buf_str(&out) : "");
    pfs_template_unref(t);
}

/* ---- folders of templates ---- */

void make_folders(struct folders *f)
{
    snprintf(f->root, sizeof f->root, "/tmp/provfs-test-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->site, sizeof f->site, "%s/site", f->root);
    snprintf(f->shipped, sizeof f->shipped, "%s/shipped", f->root);
    f->source = (struct pfs_library_source){.site = f->site, .shipped = f->shipped};
}

void remove_folders(struct folders *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", f->root);
    assert_int_equal(system(command), 0);
}

void put_template(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!text) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    mkdir(folder, 0700);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
    autofile FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
}

struct pfs_library *load_library(const struct folders *f, const struct pfs_library *previous)
{
    struct pfs_library *l = NULL;
    struct pfs_err err = {""};
    if (pfs_library_load(&f->source, catalogue, previous, &l, &err) < 0)
        fail_msg("%s", err.msg);
    return l;
}

const char *problem_of(const struct pfs_library *l, const char *words)
{
    for (size_t i = 0; i < l->n_problems; i++)
        if (strstr(l->problems[i], words))
            return l->problems[i];
    return NULL;
}

#include "core_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

static const struct pfs_writer ann = {.login = "ann", .via = "command"};

int64_t test_clock = CLOCK_START;

static int64_t read_test_clock(void)
{
    return __atomic_load_n(&test_clock, __ATOMIC_RELAXED);
}

const char *path_in(const struct fixture *f, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return path;
}

void write_file(const char *path, const char *text)
{
    char draft[300];
    snprintf(draft, sizeof draft, "%s.draft", path);
    FILE *file = fopen(draft, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(draft, path), 0);
}

void must(struct fixture *f, int r)
{
    if (r < 0)
        fail_msg("%d: %s", r, f->err.msg);
}

void write_template(const struct fixture *f, const char *extra)
{
    char *text;
    assert_true(
        asprintf(&text,
                 "<template vendor='acme' title='Acme' mac='02:ac:e0 00:15:65' absent-key='kept'>"
                 "<model name='acme-100' title='Acme 100' lines='2' keys='4' hw='100'/>"
                 "<model name='acme-200' title='Acme 200' lines='2' keys='4' hw='200'/>"
                 "<absent name='{mac}.boot'/>"
                 "<map name='picky'><entry from='udp' to='0'/><entry from='tls' to='2'/></map>"
                 "<file name='{mac}.cfg' main='yes' syntax='properties'><alias name='config-{MAC}.txt'/>"
                 "<set key='server' value='{sip.server}'/><set key='ntp' value='{time.ntp}'/>%s"
                 "<lines><set key='{line.number}.user' value='{sip.user}'/>"
                 "<set key='{line.number}.server' value='{sip.server}'/></lines>"
                 "<set key='end' value='{sip.server}'/></file>"
                 "<file name='common{model.hw}.cfg' per='model' syntax='properties'>"
                 "<set key='server' value='{sip.server}'/></file></template>",
                 extra) > 0);
    write_file(path_in(f, "data/templates/acme/acme.xml"), text);
    free(text);
}

static void copy_schema(const struct fixture *f, const char *name)
{
    const char *root = getenv("PROVFS_DATADIR");
    char from[512], to[256];
    snprintf(from, sizeof from, "%s/schema/%s", root ? root : ".", name);
    snprintf(to, sizeof to, "%s/schema/%s", f->datadir, name);
    assert_int_equal(symlink(from, to), 0);
}

static void make_folders(struct fixture *f)
{
    strcpy(f->folder, "/tmp/test_core.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->db_path, sizeof f->db_path, "%s/inventory.db", f->folder);
    snprintf(f->templates, sizeof f->templates, "%s/templates", f->folder);
    snprintf(f->datadir, sizeof f->datadir, "%s/data", f->folder);
    snprintf(f->assets, sizeof f->assets, "%s/assets", f->folder);
    static const char *const folders[] = {"templates",           "data",  "data/schema", "data/templates",
                                          "data/templates/acme", "assets"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(folders); i++)
        assert_int_equal(mkdir(path_in(f, folders[i]), 0755), 0);
    copy_schema(f, "settings.xml");
    copy_schema(f, "template.rng");
    write_template(f, "");
}

int fixture_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    test_clock = CLOCK_START;
    make_folders(f);
    f->config = (struct pfs_config){.database = f->db_path,
                                    .templates = f->templates,
                                    .assets = f->assets,
                                    .admin_group = f->folder,
                                    .datadir = f->datadir};
    must(f, pfs_context_open(&f->config, &f->context, &f->err));
    if (f->context.library->n_problems)
        fail_msg("%s", f->context.library->problems[0]);
    must(f, pfs_store_create(f->db_path, f->context.catalogue, &f->err));
    must(f, pfs_store_open(f->db_path, f->context.catalogue, &f->store, &f->err));
    must(f, pfs_store_open(f->db_path, f->context.catalogue, &f->writer, &f->err));
    *state = f;
    return 0;
}

int fixture_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    content_down(f);
    pfs_store_close(f->store);
    pfs_store_close(f->writer);
    pfs_context_close(&f->context);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

void content_up(struct fixture *f, const struct pfs_content_options *o, bool with_state)
{
    struct pfs_content_options options = o ? *o : (struct pfs_content_options){0};
    options.clock = read_test_clock;
    if (with_state)
        must(f, pfs_state_open(f->db_path, true, 0, test_clock, &f->state, &f->err));
    must(f, pfs_content_new(&f->context, f->state, &options, &f->content, &f->err));
}

void content_down(struct fixture *f)
{
    pfs_content_free(f->content);
    pfs_state_close(f->state);
    f->content = NULL;
    f->state = NULL;
}

static void reload(struct fixture *f)
{
    char schema[256], shipped[128];
    snprintf(shipped, sizeof shipped, "%s/templates", f->datadir);
    snprintf(schema, sizeof schema, "%s/schema/template.rng", f->datadir);
    const struct pfs_library_source source = {.site = f->templates, .shipped = shipped, .schema = schema};
    pfs_library_unref(f->context.library);
    must(f, pfs_library_load(&source, f->context.catalogue, NULL, &f->context.library, &f->err));
    if (f->context.library->n_problems)
        fail_msg("%s", f->context.library->problems[0]);
    content_up(f, NULL, false);
}

void content_with(struct fixture *f, const char *extra)
{
    content_down(f);
    write_template(f, extra);
    reload(f);
}

void content_of(struct fixture *f, const char *text)
{
    content_down(f);
    write_file(path_in(f, "data/templates/acme/acme.xml"), text);
    reload(f);
}

static bool has_word(struct fixture *f, const char *name, const char *word)
{
    struct pfs_version *v;
    struct pfs_bytes *b;
    bool absent;
    must(f, pfs_content_lookup(f->content, f->store, name, &v, &absent, &f->err));
    must(f, pfs_version_bytes(v, &b, &f->err));
    bool found = memmem(b->data, b->len, word, strlen(word)) != NULL;
    pfs_bytes_unref(b);
    pfs_version_unref(v);
    return found;
}

void wait_for_templates(struct fixture *f, const char *name, const char *word)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < 500; i++) {
        if (has_word(f, name, word))
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("%s never had %s", name, word);
}

/* ---- changing ---- */

static void begin(struct fixture *f)
{
    must(f, pfs_store_write(f->writer, &ann, &f->err));
}

static void commit(struct fixture *f)
{
    must(f, pfs_store_commit(f->writer, NULL, &f->err));
}

int64_t add(struct fixture *f, enum pfs_scope kind, const char *name)
{
    int64_t id = 0;
    begin(f);
    must(f, pfs_store_add(f->writer, kind, name, &id, &f->err));
    commit(f);
    return id;
}

int64_t find(struct fixture *f, enum pfs_scope kind, const char *name)
{
    int64_t id = 0;
    if (kind != PFS_SCOPE_SITE)
        must(f, pfs_store_find(f->writer, kind, name, &id, &f->err));
    return id;
}

void update(struct fixture *f, enum pfs_scope kind, const char *name, enum pfs_field field, const char *value)
{
    begin(f);
    must(f, pfs_store_update(f->writer, kind, find(f, kind, name), field, value, &f->err));
    commit(f);
}

void assign(struct fixture *f, uint64_t mac, unsigned number, const char *account)
{
    begin(f);
    must(f, pfs_store_assign(f->writer, mac, number, find(f, PFS_SCOPE_ACCOUNT, account), &f->err));
    commit(f);
}

void set_from(struct fixture *f, enum pfs_scope kind, const char *name, const char *key, const char *value,
              int64_t from)
{
    int64_t id = 0;
    begin(f);
    if (kind == PFS_SCOPE_MODEL)
        must(f, pfs_store_model(f->writer, name, &id, &f->err));
    else
        id = find(f, kind, name);
    must(f, pfs_store_set(f->writer, kind, id, key, value, from, test_clock, &f->err));
    commit(f);
}

void set(struct fixture *f, enum pfs_scope kind, const char *name, const char *key, const char *value)
{
    set_from(f, kind, name, key, value, 0);
}

void drop(struct fixture *f, enum pfs_scope kind, const char *name)
{
    begin(f);
    must(f, pfs_store_delete(f->writer, kind, find(f, kind, name), true, &f->err));
    commit(f);
}

void sql(struct fixture *f, const char *text)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(f->db_path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

void add_phone(struct fixture *f)
{
    add(f, PFS_SCOPE_CUSTOMER, "acme");
    add(f, PFS_SCOPE_DEVICE, "001565aabbcc");
    update(f, PFS_SCOPE_DEVICE, "001565aabbcc", PFS_FIELD_MODEL, "acme-100");
    update(f, PFS_SCOPE_DEVICE, "001565aabbcc", PFS_FIELD_CUSTOMER, "acme");
    add(f, PFS_SCOPE_ACCOUNT, "1001@acme");
    update(f, PFS_SCOPE_ACCOUNT, "1001@acme", PFS_FIELD_CUSTOMER, "acme");
    assign(f, MAC, 1, "1001@acme");
}

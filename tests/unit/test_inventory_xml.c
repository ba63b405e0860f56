/* The whole inventory as XML: out, into an empty inventory, and out again with equal bytes; what is refused,
 * by line. */
#include "base/util.h"
#include "core/command.h"
#include "render/inventory_xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MAC "001565aabbcc"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<inventory>\n"
#define TAIL "</inventory>\n"

/* An inventory in a folder of its own; several are opened one after another. */
struct fixture {
    char folder[64], database[96], templates[96], file[96];
    struct pfs_config config;
    struct pfs_context context;
    bool is_open;
    struct pfs_err err;
    char *out, *notes;
    size_t out_len, notes_len;
};

static void open_inventory(struct fixture *f, const char *name)
{
    if (f->is_open) {
        pfs_context_close(&f->context);
        pfs_config_done(&f->config);
    }
    snprintf(f->database, sizeof f->database, "%s/%s.db", f->folder, name);
    setenv("PROVFS_DATABASE", f->database, 1);
    f->config = (struct pfs_config){0};
    f->context = (struct pfs_context){0};
    if (pfs_config_load(&f->config, &f->err) < 0 || pfs_context_open(&f->config, &f->context, &f->err) < 0)
        fail_msg("%s", f->err.msg);
    f->is_open = true;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/provfs-xml-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->templates, sizeof f->templates, "%s/templates", f->folder);
    snprintf(f->file, sizeof f->file, "%s/file.xml", f->folder);
    assert_int_equal(mkdir(f->templates, 0700), 0);
    setenv("PROVFS_CONF", "/dev/null", 1);
    setenv("PROVFS_TEMPLATES", f->templates, 1);
    open_inventory(f, "one");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pfs_context_close(&f->context);
    pfs_config_done(&f->config);
    free(f->out);
    free(f->notes);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    int r = system(command);
    free(f);
    return r;
}

/* ---- running ---- */

static int run_with(struct fixture *f, const char *line, const char *input)
{
    struct pfs_arena arena = {0};
    char *words[64];
    size_t n = 0;
    free(f->out);
    free(f->notes);
    f->err.msg[0] = '\0';
    FILE *in =
        input && *input ? fmemopen((char *)(uintptr_t)input, strlen(input), "r") : fopen("/dev/null", "r");
    struct pfs_command_io io = {.out = open_memstream(&f->out, &f->out_len),
                                .notes = open_memstream(&f->notes, &f->notes_len),
                                .in = in};
    int r = pfs_command_split(line, &arena, words, PFS_N_ELEMENTS(words), &n, &f->err);
    if (r == 0)
        r = pfs_command_run(&f->context, &io, n, words, &f->err);
    fclose(io.out);
    fclose(io.notes);
    fclose(in);
    pfs_arena_done(&arena);
    return r;
}

static void run_input(struct fixture *f, const char *line, const char *input)
{
    if (run_with(f, line, input) != 0)
        fail_msg("%s: %s\n%s", line, f->err.msg, f->notes);
}

static void run(struct fixture *f, const char *line)
{
    run_input(f, line, NULL);
}

static void says(const char *what, const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s: \"%s\" is not in: %s", what, part, text);
}

/* The document is refused with this sentence, alone or among others, and nothing has changed. */
static void refused(struct fixture *f, const char *line, const char *document, const char *part)
{
    struct pfs_watermark before, after;
    assert_int_equal(pfs_store_watermark(f->context.store, &before, NULL), 0);
    int r = run_with(f, line, document);
    if (r >= 0)
        fail_msg("%s was not refused", document);
    if (!strstr(f->err.msg, part) && !strstr(f->notes, part))
        fail_msg("\"%s\" is not in: %s\n%s", part, f->err.msg, f->notes);
    assert_int_equal(pfs_store_watermark(f->context.store, &after, NULL), 0);
    assert_int_equal(before.gen, after.gen);
}

static char *export(struct fixture *f, const char *line)
{
    run(f, line);
    char *copy = strdup(f->out);
    assert_non_null(copy);
    return copy;
}

static void save(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    fclose(file);
}

static bool follows_schema(struct fixture *f, const char *document)
{
    char command[512];
    save(f, document);
    snprintf(command, sizeof command,
             "xmllint --huge --noout --relaxng %s/schema/inventory.rng %s 2>/dev/null",
             getenv("PROVFS_DATADIR"), f->file);
    return system(command) == 0;
}

static bool has_xmllint(void)
{
    return system("command -v xmllint >/dev/null") == 0;
}

/* ---- a hostile inventory ---- */

static const char *const hostile[] = {
    "",
    " ",
    "  blanks at the edges \t",
    "\n",
    "\r",
    "\r\n",
    "two\r\nlines\nand\ttabs\r",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- c --><setting key=\"a\">&amp;&#13;&lt;",
    "\"quotes\" and 'apostrophes'",
    "\xc2\x85 NEL \xe2\x80\xa8 LS \xef\xbb\xbf BOM",
    "\xf0\x9f\x93\x9e beyond the BMP \xf4\x8f\xbf\xbf",
    "\x01\x02 control \x1f\x7f",
    "\xef\xbf\xbe no character",
    "\x1b",
    "a\x01",
    "ab\x01",
    "********",
};

static const char odd_key[] = "yealink:a/b'c\"d<e>&f=g;[h]";

static void store(struct fixture *f, int r)
{
    if (r < 0)
        fail_msg("%s", f->err.msg);
}

static void put(struct fixture *f, enum pfs_scope scope, int64_t id, const char *key, const char *value,
                int64_t from)
{
    store(f, pfs_store_set(f->context.store, scope, id, key, value, from, 0, &f->err));
}

/* Every hostile text in this scope, the long one, a schedule and its end. */
static void put_all(struct fixture *f, enum pfs_scope scope, int64_t id, const char *long_text)
{
    char key[64];
    for (size_t i = 0; i < PFS_N_ELEMENTS(hostile); i++) {
        snprintf(key, sizeof key, "yealink:text.%zu", i);
        put(f, scope, id, key, hostile[i], 0);
    }
    put(f, scope, id, odd_key, "x", 0);
    put(f, scope, id, odd_key, " y\r", 1000000000);
    put(f, scope, id, odd_key, NULL, 1900000000);
    put(f, scope, id, odd_key, "", 2000000000);
    put(f, scope, id, "yealink:ends", NULL, 1);
    put(f, scope, id, "yealink:long", long_text, 253402300799);
}

static void field(struct fixture *f, enum pfs_scope kind, int64_t id, enum pfs_field what, const char *value)
{
    store(f, pfs_store_update(f->context.store, kind, id, what, value, &f->err));
}

static int64_t add(struct fixture *f, enum pfs_scope kind, const char *name)
{
    int64_t id = 0;
    store(f, pfs_store_add(f->context.store, kind, name, &id, &f->err));
    return id;
}

static char *long_text(void)
{
    char *text = malloc(PFS_VALUE_MAX + 1);
    assert_non_null(text);
    for (size_t i = 0; i < PFS_VALUE_MAX; i++)
        text[i] = "<&>\r\n]\" x"[i % 9];
    text[PFS_VALUE_MAX] = '\0';
    return text;
}

static void make_profiles(struct fixture *f, int64_t customer, const char *text)
{
    int64_t top = add(f, PFS_SCOPE_PROFILE, "z.top"), mid = add(f, PFS_SCOPE_PROFILE, "m+mid"),
            low = add(f, PFS_SCOPE_PROFILE, "a@low");
    add(f, PFS_SCOPE_PROFILE, "b-alone");
    field(f, PFS_SCOPE_PROFILE, mid, PFS_FIELD_PARENT, "z.top");
    field(f, PFS_SCOPE_PROFILE, low, PFS_FIELD_CUSTOMER, "acme");
    field(f, PFS_SCOPE_PROFILE, low, PFS_FIELD_PARENT, "m+mid");
    field(f, PFS_SCOPE_PROFILE, low, PFS_FIELD_NOTE, hostile[9]);
    put_all(f, PFS_SCOPE_PROFILE, top, text);
    put_all(f, PFS_SCOPE_CUSTOMER, customer, text);
}

static void make_devices(struct fixture *f, int64_t account, const char *text)
{
    int64_t line, device = add(f, PFS_SCOPE_DEVICE, MAC);
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_CUSTOMER, "acme");
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_PROFILE, "a@low");
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_ENABLED, "no");
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_INVENTORY_ID, hostile[6]);
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_SOURCE, hostile[2]);
    field(f, PFS_SCOPE_DEVICE, device, PFS_FIELD_NOTE, hostile[13]);
    put_all(f, PFS_SCOPE_DEVICE, device, text);
    put(f, PFS_SCOPE_DEVICE, device, "key.3.account", "1001@acme", 0);
    store(f, pfs_store_assign(f->context.store, (uint64_t)device, 999, account, &f->err));
    store(f, pfs_store_assign(f->context.store, (uint64_t)device, 2, 0, &f->err));
    store(f, pfs_store_find(f->context.store, PFS_SCOPE_LINE, MAC "/2", &line, &f->err));
    put_all(f, PFS_SCOPE_LINE, line, text);
    add(f, PFS_SCOPE_DEVICE, "000000000001");
    device = add(f, PFS_SCOPE_DEVICE, "fe0000000001");
    store(f, pfs_store_assign(f->context.store, (uint64_t)device, 1, account, &f->err));
}

static void make_hostile(struct fixture *f)
{
    autofree char *text = long_text();
    struct pfs_writer who = {.login = "ann", .via = "test"};
    int64_t model;
    run(f, "init");
    run(f, "list devices"); /* opens it */
    store(f, pfs_store_write(f->context.store, &who, &f->err));
    int64_t customer = add(f, PFS_SCOPE_CUSTOMER, "acme"), other = add(f, PFS_SCOPE_CUSTOMER, "Zeta");
    field(f, PFS_SCOPE_CUSTOMER, other, PFS_FIELD_ENABLED, "no");
    field(f, PFS_SCOPE_CUSTOMER, other, PFS_FIELD_NOTE, text);
    put_all(f, PFS_SCOPE_SITE, 0, text);
    put(f, PFS_SCOPE_SITE, 0, "key.1.account", "1001@acme", 0);
    store(f, pfs_store_model(f->context.store, "yealink-t46s", &model, &f->err));
    put_all(f, PFS_SCOPE_MODEL, model, text);
    make_profiles(f, customer, text);
    int64_t account = add(f, PFS_SCOPE_ACCOUNT, "1001@acme");
    field(f, PFS_SCOPE_ACCOUNT, account, PFS_FIELD_CUSTOMER, "acme");
    field(f, PFS_SCOPE_ACCOUNT, account, PFS_FIELD_SOURCE, "crm");
    field(f, PFS_SCOPE_ACCOUNT, account, PFS_FIELD_NOTE, hostile[12]);
    put_all(f, PFS_SCOPE_ACCOUNT, account, text);
    put(f, PFS_SCOPE_ACCOUNT, account, "sip.password", " \r\n'\"<&>]]>\t", 0);
    add(f, PFS_SCOPE_ACCOUNT, "0");
    make_devices(f, account, text);
    store(f, pfs_store_commit(f->context.store, NULL, &f->err));
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    make_hostile(f);
    autofree char *first = export(f, "export --format xml --secrets");
    if (has_xmllint())
        assert_true(follows_schema(f, first));
    save(f, first);
    open_inventory(f, "two");
    run(f, "init");
    char line[160];
    snprintf(line, sizeof line, "import --dry-run %s", f->file);
    run(f, line);
    says("dry run", f->out, "3 devices, 3 lines, 2 accounts, 4 profiles, 2 customers would be made");
    snprintf(line, sizeof line, "import %s", f->file);
    run(f, line);
    says("import", f->out, "3 devices, 3 lines, 2 accounts, 4 profiles, 2 customers made");
    autofree char *second = export(f, "export --format xml --secrets");
    assert_string_equal(first, second);
    snprintf(line, sizeof line, "import --update %s", f->file);
    run(f, line);
    assert_string_equal(f->out, "nothing to change\n");
}

/* What is masked stays as it is where it is, and is a problem where it is not. */
static void test_masked(void **state)
{
    struct fixture *f = *state;
    run(f, "init");
    run(f, "add account 1001@acme sip.password=s3cret");
    autofree char *masked = export(f, "export --format xml");
    autofree char *plain = export(f, "export --format xml --secrets");
    says("masked", masked, ">********<");
    says("plain", plain, ">s3cret<");
    run_input(f, "import --update -", masked);
    assert_string_equal(f->out, "nothing to change\n");
    autofree char *after = export(f, "export --format xml --secrets");
    assert_string_equal(after, plain);
    open_inventory(f, "two");
    run(f, "init");
    run(f, "list devices");
    refused(f, "import -", masked, "line 4: sip.password is ********, as secrets are shown");
    refused(f, "import --update -", masked, "line 4: sip.password is ********, as secrets are shown");
}

/* ---- update ---- */

static void make_small(struct fixture *f)
{
    run(f, "init");
    run(f, "add customer acme note=old");
    run(f, "add profile office sip.server=a.example.net time.ntp=b.example.net");
    run(f, "set --from 2035-01-01T00:00:00Z profile office sip.server=c.example.net");
    run(f, "set --from 2036-01-01T00:00:00Z profile office sip.server=d.example.net");
    run(f, "add account 1001@acme customer=acme sip.password=s3cret");
    run(f, "add device " MAC " model=yealink-t46s profile=office customer=acme note=mine");
    run(f, "assign " MAC " 1=1001@acme");
}

static void test_update(void **state)
{
    struct fixture *f = *state;
    make_small(f);
    static const char document[] = HEAD
        "<customer name='acme' enabled='no'><note/></customer>\n"
        "<profile name='office'><setting key='sip.server' from='2036-01-01T00:00:00Z'>d.example.net</setting>"
        "<setting key='sip.server'>e.example.net</setting></profile>\n"
        "<device mac='" MAC
        "' profile=''><line number='1' account=''/><line number='2' account='1001@acme'/></device>\n" TAIL;
    refused(f, "import -", document, "line 3: the customer acme is there already (--update changes it)");
    refused(f, "import -", document, "line 4: the profile office is there already (--update changes it)");
    refused(f, "import -", document, "line 5: the device " MAC " is there already (--update changes it)");
    run_input(f, "import --update -", document);
    autofree char *after = export(f, "export --format xml --secrets");
    assert_string_equal(
        after, HEAD "  <customer name=\"acme\" enabled=\"no\"/>\n"
                    "  <profile name=\"office\">\n"
                    "    <setting key=\"sip.server\">e.example.net</setting>\n"
                    "    <setting key=\"sip.server\" from=\"2036-01-01T00:00:00Z\">d.example.net</setting>\n"
                    "    <setting key=\"time.ntp\">b.example.net</setting>\n"
                    "  </profile>\n"
                    "  <account name=\"1001@acme\" customer=\"acme\">\n"
                    "    <setting key=\"sip.password\">s3cret</setting>\n"
                    "  </account>\n"
                    "  <device mac=\"" MAC "\" model=\"yealink-t46s\" customer=\"acme\" enabled=\"yes\">\n"
                    "    <note>mine</note>\n"
                    "    <line number=\"1\"/>\n"
                    "    <line number=\"2\" account=\"1001@acme\"/>\n"
                    "  </device>\n" TAIL);
    refused(f, "import --sync crm -", document, "--sync is for CSV");
    refused(f, "import -", HEAD "<site>\n<setting key='sip.server'>x</setting></site>" TAIL "x",
            "line 5: not well-formed");
    run_input(f, "import -", HEAD "<site>\n<setting key='sip.server'>x</setting></site>" TAIL);
    refused(f, "import -", HEAD "<site>\n<setting key='sip.server'>y</setting></site>" TAIL,
            "line 4: the site has sip.server already (--update changes it)");
}

/* ---- what is refused, and where ---- */

static const struct {
    const char *document; /* between root's tags, from line 3 on; or whole where it begins with '!' */
    const char *says;
    bool by_schema; /* refused by the schema as well */
} bad[] = {
    {"!<inventory>\n<site>\n</inventory>", "line 3: not well-formed", true},
    {"!<inventory>\n<customer name='a'/>\n",
     "line 2: not well-formed: the document ends inside \"inventory\"", true},
    {"!<inventory>\n<customer name='a", "line 2: not well-formed", true},
    {"!<!DOCTYPE inventory [<!ENTITY a 'b'>]>\n<inventory/>", "line 1: a DOCTYPE is not taken", false},
    {"!<!DOCTYPE inventory SYSTEM 'http://example.net/x.dtd'>\n<inventory/>",
     "line 1: a DOCTYPE is not taken", false},
    {"!<inventories/>", "line 1: is no inventory: its root is to be \"inventory\"", true},
    {"!<x:inventory xmlns:x='urn:x'/>", "line 1: is no inventory", true},
    {"<site>&foo;</site>", "line 3: not well-formed", true},
    {"<planet/>", "line 3: unknown element \"planet\" in \"inventory\"", true},
    {"<site><planet/></site>", "line 3: unknown element \"planet\" in \"site\"", true},
    {"<customer name='a'>\n<inventory_id>x</inventory_id></customer>",
     "line 4: unknown element \"inventory_id\" in \"customer\"", true},
    {"<customer name='a' colour='red'/>", "line 3: unknown attribute \"colour\" of \"customer\"", true},
    {"<customer name='a' xml:space='preserve'/>", "line 3: unknown attribute \"space\" of \"customer\"",
     true},
    {"<customer/>", "line 3: \"customer\" needs the attribute \"name\"", true},
    {"<customer name='a b'/>", "line 3: customer name \"a b\"", true},
    {"<customer name='a' enabled='maybe'/>", "line 3: enabled is yes or no, not \"maybe\"", true},
    {"<customer name='a'>text</customer>", "line 3: text stands in \"customer\", outside a setting", true},
    {"<customer name='a'/>\n<customer name='a'/>", "line 4: customer a stands in line 3 already", false},
    {"<customer name='a'><note>x</note><note>y</note></customer>",
     "line 3: \"note\" stands twice in this \"customer\"", true},
    {"<profile name='p'/>\n<customer name='a'/>", "line 4: \"customer\" stands behind \"profile\"", true},
    {"<site/>\n<site/>", "line 4: \"site\" stands twice", true},
    {"<site><setting key='sip.sever'>x</setting></site>", "line 3: no such setting: sip.sever", false},
    {"<site><setting key='sip.port'>many</setting></site>", "line 3: sip.port", false},
    {"<site>\n<setting key='sip.password'>x</setting></site>",
     "line 4: sip.password may not stand in scope site", false},
    {"<site>\n<setting key='acme:x'>x</setting></site>", "line 4: acme:x: no template is of vendor acme",
     false},
    {"<site><setting>x</setting></site>", "line 3: \"setting\" needs the attribute \"key\"", true},
    {"<site><setting key='sip.server'>x</setting>\n<setting key='sip.server'>x</setting></site>",
     "line 4: sip.server stands in line 3 already", false},
    {"<site><setting key='sip.server' from='tomorrow'>x</setting></site>",
     "line 3: sip.server: from: ", true},
    {"<site><setting key='sip.server' from='2030-01-01 00:00'>x</setting></site>",
     "line 3: sip.server: from: \"2030-01-01 00:00\" is no time of RFC 3339", true},
    {"<site><setting key='sip.server' from='1969-01-01T00:00:00Z'>x</setting></site>", "times before 1970",
     false},
    {"<site><setting key='sip.server' ends='yes'/></site>",
     "line 3: sip.server: a setting that ends needs the time", true},
    {"<site><setting key='sip.server' ends='yes' from='2030-01-01T00:00:00Z'>x</setting></site>",
     "line 3: sip.server: a setting that ends has no value", true},
    {"<site><setting key='sip.server' encoding='rot13'>x</setting></site>", "line 3: encoding is base64",
     true},
    {"<site><setting key='sip.server' encoding='base64'>x-y</setting></site>",
     "line 3: is no UTF-8 text in base64", true},
    {"<site><setting key='sip.server' encoding='base64'>AA==</setting></site>",
     "line 3: is no UTF-8 text in base64", false},
    {"<site>\n\n<setting key='key.1.account'>\nx</setting></site>", "line 5: ", false},
    {"<site><setting key='key.1.account'>x</setting></site>", "line 3: no such account: x", false},
    {"<model name='yealink-t99'/>", "line 3: no such model: yealink-t99", false},
    {"<profile name='p' parent='q'/>\n<profile name='q'/>", "line 3: no such profile: q", false},
    {"<profile name='p' parent='p'/>", "line 3: profile \"p\" would be its own ancestor", false},
    {"<account name='x' customer='nobody'/>", "line 3: no such customer: nobody", false},
    {"<device mac='zz'/>", "line 3: ", true},
    {"<device/>", "line 3: \"device\" needs the attribute \"mac\"", true},
    {"<device mac='" MAC "'/>\n<device mac='00:15:65:AA:BB:CC'/>",
     "line 4: device " MAC " stands in line 3 already", false},
    {"<device mac='" MAC "' model='yealink-t99'/>", "line 3: no such model: yealink-t99", false},
    {"<device mac='" MAC "' profile='nix'/>", "line 3: no such profile: nix", false},
    {"<device mac='" MAC "'>\n<line number='0'/></device>", "line 4: 0 is no number of a line", true},
    {"<device mac='" MAC "'>\n<line number='1000'/></device>", "line 4: 1000 is no number of a line", true},
    {"<device mac='" MAC "'><line number='1'/>\n<line number='1'/></device>",
     "line 4: line 1 stands twice in this device", false},
    {"<device mac='" MAC "'>\n<line number='1' account='x'/></device>", "line 4: no such account: x", false},
    {"<device mac='" MAC "' model='yealink-t42s'>\n<line number='99'/></device>",
     "line 4: line 99: yealink-t42s has", false},
    {"<device mac='" MAC
     "' model='yealink-t42s'>\n<setting key='sip.server'>a</setting><setting key='ldap.base'>a\nb"
     "</setting></device>",
     "ldap.base: has a line break", false},
    {"<site>\n<setting key='ldap.base'>a\nb</setting></site>\n<device mac='" MAC "' model='yealink-t42s'/>",
     "line 4: ldap.base: has a line break, which this file cannot hold (yealink-t42s is in use)", false},
    {"<account name='x'>\n<setting key='line.display_name'>a\nb</setting></account>\n"
     "<device mac='" MAC "' model='yealink-t42s'>\n<line number='1' account='x'/></device>",
     "line 6: account x: line.display_name: has a line break", false},
};

static void test_refused(void **state)
{
    struct fixture *f = *state;
    bool xmllint = has_xmllint();
    run(f, "init");
    run(f, "list devices");
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad); i++) {
        char document[1024];
        bool whole = bad[i].document[0] == '!';
        snprintf(document, sizeof document, "%s%s%s", whole ? "" : HEAD, bad[i].document + whole,
                 whole ? "" : TAIL);
        refused(f, "import -", document, bad[i].says);
        if (xmllint && follows_schema(f, document) == bad[i].by_schema)
            fail_msg("the schema %s: %s", bad[i].by_schema ? "takes" : "refuses", document);
    }
}

/* All problems are named at once. */
static void test_all_at_once(void **state)
{
    struct fixture *f = *state;
    run(f, "init");
    run(f, "list devices");
    static const char document[] =
        HEAD "<site><setting key='x.y'>1</setting></site>\n<customer/>\n"
             "<device mac='" MAC "' model='a' profile='b' customer='c'>\n"
             "<line number='1' account='d'/><line number='2'><setting key='x.z'/></line></device>\n" TAIL;
    refused(f, "import -", document, "7 problems in 4 lines: nothing is imported");
    says("notes", f->notes, "line 3: no such setting: x.y");
    says("notes", f->notes, "line 4: \"customer\" needs the attribute \"name\"");
    says("notes", f->notes, "line 5: no such customer: c");
    says("notes", f->notes, "line 6: no such setting: x.z");
}

/* Line numbers are true behind the 65,535th, and a long list of problems is bounded. */
static void test_many_lines(void **state)
{
    struct fixture *f = *state;
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    run(f, "init");
    run(f, "list devices");
    pfs_buf_str_add(&text, HEAD "<site>\n");
    for (int i = 0; i < 70000; i++)
        pfs_buf_str_add(&text, "\n");
    for (int i = 0; i < 2000; i++)
        pfs_buf_printf(&text, "<setting key='no.such%d'/>\n", i);
    pfs_buf_str_add(&text, "</site>" TAIL);
    refused(f, "import -", pfs_buf_str(&text), "line 70004: no such setting: no.such0");
    says("answer", f->err.msg, "2,000 problems in 2,000 lines");
    size_t n = 0;
    for (const char *c = f->notes; *c; c++)
        n += *c == '\n';
    assert_true(n <= 1001);
}

/* A document cut anywhere is refused, and so is none. */
static void test_cut(void **state)
{
    struct fixture *f = *state;
    make_small(f);
    autofree char *whole = export(f, "export --format xml --secrets");
    size_t len = strlen(whole);
    open_inventory(f, "two");
    run(f, "init");
    run(f, "list devices");
    for (size_t n = len - 2; n > 0; n -= PFS_MIN(n, (size_t)7)) {
        whole[n] = '\0';
        refused(f, "import -", whole, "");
    }
}

/* Detected by content: a byte order mark, blanks, no declaration; CSV stays CSV. */
static void test_detected(void **state)
{
    struct fixture *f = *state;
    run(f, "init");
    run_input(f, "import -", "\xef\xbb\xbf<?xml version='1.0'?><inventory><customer name='a'/></inventory>");
    run_input(f, "import -", " \r\n\t<inventory><customer name='b'/></inventory>");
    run_input(f, "import -",
              "\xef\xbb\xbf"
              "mac,model\n" MAC ",yealink-t46s\n");
    run(f, "list customers -q");
    assert_string_equal(f->out, "a\nb\n");
}

/* CSV goes back where the profiles exist. */
static void test_csv_round_trip(void **state)
{
    struct fixture *f = *state;
    static const char rows[] =
        "mac,model,profile,customer,enabled,inventory_id,note,line,account,sip.password,line.label,"
        "device/sip.server,yealink:a.b\n"
        "001565aabbcc,yealink-t46s,office,acme,no,\"a, \"\"b\"\"\",,1,1001@acme,\"x,\"\"y\",'l',,1\n"
        "001565aabbcc,,,,,,,3,1002@acme,,,,\n"
        "001565aabbcd,yealink-t42s,office,,yes,,\" n\n m \",,,,,h.example.net,\n";
    run(f, "init");
    run(f, "add profile office sip.server=a.example.net");
    run_input(f, "import -", rows);
    autofree char *first = export(f, "export --secrets");
    open_inventory(f, "two");
    run(f, "init");
    run(f, "add profile office sip.server=a.example.net");
    run_input(f, "import -", first);
    autofree char *second = export(f, "export --secrets");
    assert_string_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_round_trip), TEST(test_masked),      TEST(test_update),
        TEST(test_refused),    TEST(test_all_at_once), TEST(test_many_lines),
        TEST(test_cut),        TEST(test_detected),    TEST(test_csv_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

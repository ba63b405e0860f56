/* The command language, import, export and explain, against a real inventory with the shipped catalogue and
 * templates. */
#include "core/command.h"
#include "core/csv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <xxhash.h>

#define MAC "001565aabbcc"

struct fixture {
    char folder[64], database[128], templates[128], file[128];
    struct pfs_config config;
    struct pfs_context context;
    struct pfs_err err;
    char *out, *notes;
    size_t out_len, notes_len;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/provfs-core-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->database, sizeof f->database, "%s/inventory.db", f->folder);
    snprintf(f->templates, sizeof f->templates, "%s/templates", f->folder);
    snprintf(f->file, sizeof f->file, "%s/file", f->folder);
    assert_int_equal(mkdir(f->templates, 0700), 0);
    setenv("PROVFS_CONF", f->file, 1);
    setenv("PROVFS_DATABASE", f->database, 1);
    setenv("PROVFS_TEMPLATES", f->templates, 1);
    if (pfs_config_load(&f->config, &f->err) < 0 || pfs_context_open(&f->config, &f->context, &f->err) < 0)
        fail_msg("%s", f->err.msg);
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

/* Runs a line as a shell would, with this text on standard input. */
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

static void run(struct fixture *f, const char *line)
{
    if (run_with(f, line, NULL) != 0)
        fail_msg("%s: %s", line, f->err.msg);
}

static void says(const char *what, const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s: \"%s\" is not in: %s", what, part, text);
}

static int64_t gen(struct fixture *f)
{
    struct pfs_watermark w;
    assert_int_equal(pfs_store_watermark(f->context.store, &w, NULL), 0);
    return w.gen;
}

/* Refused with this errno and words, and nothing has changed. */
static void refused_with(struct fixture *f, const char *line, const char *input, int errnum, const char *part)
{
    int64_t before = f->context.store ? gen(f) : 0;
    int r = run_with(f, line, input);
    if (r >= 0)
        fail_msg("%s was not refused", line);
    says(line, f->err.msg, part);
    if (errnum && r != -errnum)
        fail_msg("%s: %s instead of %s: %s", line, strerror(-r), strerror(errnum), f->err.msg);
    if (f->context.store)
        assert_int_equal(gen(f), before);
}

static void refused(struct fixture *f, const char *line, int errnum, const char *part)
{
    refused_with(f, line, NULL, errnum, part);
}

static void shows(struct fixture *f, const char *line, const char *part)
{
    run(f, line);
    says(line, f->out, part);
}

static void shows_not(struct fixture *f, const char *line, const char *part)
{
    run(f, line);
    if (strstr(f->out, part))
        fail_msg("%s: \"%s\" is in: %s", line, part, f->out);
}

/* One phone with one account. */
static void make_inventory(struct fixture *f)
{
    run(f, "init");
    run(f, "add profile office sip.server=sip.example.net");
    run(f, "add customer acme");
    run(f, "add account 1001@acme customer=acme sip.password=s3cret line.display_name='Ann Smith'");
    run(f, "add device 00:15:65:AA:BB:CC model=yealink-t46s profile=office customer=acme");
    run(f, "assign " MAC " 1=1001@acme");
}

/* ---- splitting ---- */

static void check_split(const char *line, const char *expected)
{
    struct pfs_arena arena = {0};
    struct pfs_err err;
    char *words[8], joined[256] = "";
    size_t n = 0;
    int r = pfs_command_split(line, &arena, words, PFS_N_ELEMENTS(words), &n, &err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        strcat(joined, "[");
        strcat(joined, words[i]);
        strcat(joined, "]");
    }
    assert_string_equal(r == 0 ? joined : err.msg, expected);
    pfs_arena_done(&arena);
}

static void test_split(void **state)
{
    check_split("", "");
    check_split("  \t # a comment", "");
    check_split("set site a.b=c", "[set][site][a.b=c]");
    check_split("a 'b c' \"d e\" f#g # h", "[a][b c][d e][f#g]");
    check_split("a'b'\"c\"d ''", "[abcd][]");
    check_split("\"a\\\"b\\\\c\\n\" '\\'", "[a\"b\\c\\n][\\]");
    check_split("note='it is $HOME `x` *'", "[note=it is $HOME `x` *]");
    check_split("a\r\n", "[a]");
    check_split("'a", "a quote (') is left open");
    check_split("a \"b", "a quote (\") is left open");
    check_split("1 2 3 4 5 6 7 8 9", "more than 8 words");
}

/* ---- editing ---- */

static void test_add_and_render(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    shows(f, "render " MAC, "account.1.user_name = 1001\n");
    shows(f, "render 00-15-65-aa-bb-cc 001565AABBCC.cfg", "account.1.password = s3cret\n");
    shows(f, "render " MAC " y000000000066.cfg", "#!version");
    refused(f, "render " MAC " other.cfg", ENOENT, "001565aabbcc.cfg");
    refused(f, "render " MAC " 001565aabbcd.cfg", ENOENT, "001565aabbcd.cfg");
    refused(f, "render 001565aabbcd", ENOENT, "001565aabbcd");
    refused(f, "init", EEXIST, f->database);
    refused(f, "add device 0015.65aa.bbcc model=yealink-t46s", EEXIST, MAC);
    refused(f, "add device 001565aabbc model=yealink-t46s", EINVAL, "leading zeros");
    refused(f, "add device 001565aabbcd model=yealink-t99", ENOENT, "yealink-t99");
    refused(f, "add device 001565aabbcd model=yealink-t46s colour=red", ENOENT, "colour");
    refused(f, "add profile 'a b'", EINVAL, "a b");
    refused(f, "add line " MAC "/2", ENOEXEC, "usage");
    refused(f, "add device", ENOEXEC, "usage");
    refused(f, "frobnicate", ENOEXEC, "frobnicate");
    refused(f, "list devices --recursive", ENOEXEC, "--recursive");
}

static void test_a_mac_of_another_vendor(void **state)
{
    struct fixture *f = *state;
    run(f, "init");
    run(f, "add device 0004f2aabbcc model=yealink-t46s");
    says("the note", f->notes,
         "note: 0004f2aabbcc looks like an address of poly: is the model yealink-t46s right?");
    run(f, "set device 0004f2aabbcc model=poly-vvx411");
    assert_null(strstr(f->notes, "looks like"));
    run(f, "adopt 02aaaaaabbcc model=yealink-t46s"); /* of nobody known */
    assert_null(strstr(f->notes, "looks like"));
}

static void test_set(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set device " MAC " sip.server=b.example.net");
    run(f, "set profile office sip.server=a.example.net");
    says("the note", f->notes, "0 devices follow; 1 has a stronger value (provfs list values sip.server)");
    int64_t before = gen(f);
    run(f, "set profile office sip.server=a.example.net");
    run(f, "put profile office sip.server=a.example.net");
    assert_int_equal(gen(f), before);
    run(f, "set line " MAC "/1 line.label='Front desk'");
    run(f, "set model yealink-t46s phone.language=de");
    run(f, "set site time.zone=Europe/Berlin");
    run(f, "set profile office yealink:features.dnd.enable=1 sip.backup_server=");
    shows(f, "show profile office", "sip.backup_server = \n");
    shows(f, "render " MAC, "features.dnd.enable = 1\n");
    refused(f, "set profile office sip.sever=x", ENOENT, "sip.server");
    refused(f, "set profile office sip.port=abc", EINVAL, "sip.port");
    refused(f, "set profile office sip.password=x", EINVAL, "account, line");
    refused(f, "set profile office acme:x=1", ENOENT, "acme");
    refused(f, "set profile office 'yealink:features.x=a\nb'", EINVAL, "yealink:features.x");
    refused(f, "set account 1001@acme 'line.display_name=a\nb'", EINVAL, "line.display_name");
    refused(f, "set account 1001@acme sip.password=********", EINVAL, "sip.password");
    refused(f, "set profile office key.1.account=nobody@acme", ENOENT, "nobody@acme");
    refused(f, "set profile office", ENOEXEC, "usage");
    refused(f, "set device " MAC " enabled=perhaps", EINVAL, "enabled");
}

static void test_time(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set profile office --from 2099-01-01T00:00:00Z sip.port=5070");
    shows(f, "show profile office", "sip.port = 5070  from 2099-01-01T00:00:00Z");
    run(f, "set profile office sip.port=5080");
    says("the note", f->notes, "1 scheduled value of sip.port stays, the first from 2099-01-01T00:00:00Z");
    shows(f, "list values sip.port=50?0", "2099");
    shows(f, "explain " MAC " sip.port", "scheduled");
    run(f, "unset profile office --from 2098-01-01T00:00:00Z sip.port");
    shows(f, "show profile office", "(ends)");
    run(f, "unset profile office --scheduled sip.port");
    shows_not(f, "show profile office", "2099");
    shows(f, "show profile office", "sip.port = 5080");
    run(f, "unset profile office sip.port");
    shows_not(f, "show profile office", "sip.port");
    refused(f, "set profile office --from yesterday sip.port=1", EINVAL, "yesterday");
    refused(f, "set device " MAC " --from 2099-01-01T00:00:00Z note=x", EINVAL, "note");
}

static void test_unset(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set device " MAC " yealink:features.dnd.enable=1 note=x");
    run(f, "unset device " MAC " yealink:features.dnd.enable note");
    says("the note", f->notes, "Yealink");
    shows_not(f, "show device " MAC, "note");
    refused(f, "unset profile office sip.sever", ENOENT, "sip.server");
    int64_t before = gen(f);
    run(f, "unset profile office sip.port");
    assert_int_equal(gen(f), before);
}

static void test_stdin(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    assert_int_equal(run_with(f, "set account 1001@acme --stdin sip.password", "pa ss'w\"ord\n"), 0);
    shows(f, "render " MAC, "account.1.password = pa ss'w\"ord\n");
    assert_int_equal(run_with(f, "set account 1001@acme --stdin=sip.password", "x\r\n"), 0);
    shows(f, "render " MAC, "account.1.password = x\n");
}

/* --clear takes a native key out; keys of XML carry the attributes' signs. */
static void test_clear(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    shows(f, "render " MAC, "local_time.ntp_server1 = ");
    run(f, "set --clear yealink:local_time.ntp_server1 profile office --clear=yealink:a.password");
    says("the note", f->notes, "Yealink");
    shows_not(f, "render " MAC, "local_time.ntp_server1");
    shows(f, "list values yealink:local_time.ntp_server1", "--clear");
    shows(f, "list values yealink:a.password", "--clear"); /* no secret */
    shows(f, "explain " MAC " yealink:local_time.ntp_server1",
          "local_time.ntp_server1 = (removed)   from override");
    run(f, "set device " MAC " yealink:local_time.ntp_server1=1");
    shows(f, "render " MAC, "local_time.ntp_server1 = 1\n");
    run(f, "set device " MAC " yealink:local_time.ntp_server1=--clear");
    shows_not(f, "render " MAC, "local_time.ntp_server1");
    refused(f, "set device " MAC " --clear sip.server", ENOEXEC, "sip.server is none");
    refused(f, "set device " MAC " --clear nobody:x", ENOENT, "nobody");
    refused(f, "set device " MAC " --clear", ENOEXEC, "--clear needs a value");
    refused(f, "unset device " MAC " --clear yealink:x", ENOEXEC, "unset has no option --clear");
    run(f, "set site 'linphone:sip/a b@c=d=x'");
    run(f, "set site linphone:a@b=c");
    shows(f, "list values linphone:*", "a@b ");
}

static void test_lines(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "add account 1002@acme customer=acme");
    run(f, "assign " MAC " 2=1002@acme 3=");
    shows(f, "show device " MAC, "line 2         1002@acme");
    refused(f, "assign " MAC " 99=1002@acme", EINVAL, "line 99: yealink-t46s has 16 lines");
    refused(f, "assign " MAC " 0=1002@acme", EINVAL, "line 0");
    refused(f, "assign " MAC " x=1002@acme", EINVAL, "line x");
    refused(f, "assign " MAC " 4=nobody", ENOENT, "nobody");
    refused(f, "release " MAC " 7", ENOENT, "7");
    run(f, "release " MAC " 2 3");
    run(f, "release " MAC " all");
    shows_not(f, "show device " MAC, "line ");
    run(f, "assign " MAC " 16=1002@acme");
    refused(f, "set device " MAC " model=yealink-t42s", EINVAL, "line 16: yealink-t42s has");
}

static void test_replace(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set device " MAC " inventory_id=A1 net.vlan=7");
    run(f, "set line " MAC "/1 line.label=Desk");
    run(f, "replace " MAC " 001565bbbbbb model=yealink-t54w");
    shows(f, "show device 001565bbbbbb", "1001@acme");
    shows(f, "show device 001565bbbbbb", "net.vlan = 7");
    shows(f, "show device 001565bbbbbb", "yealink-t54w");
    shows(f, "show line 001565bbbbbb/1", "line.label = Desk");
    shows_not(f, "show device 001565bbbbbb", "A1");
    shows(f, "show device " MAC, "A1");
    shows_not(f, "show device " MAC, "office");
    shows_not(f, "show device " MAC, "net.vlan");
    shows_not(f, "show device " MAC, "line 1");
    refused(f, "replace 001565bbbbbb 001565bbbbbb", ENOTEMPTY, "001565bbbbbb");
    refused(f, "replace 001565cccccc 001565dddddd", ENOENT, "001565cccccc");
}

static void test_rename_and_delete(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "rename account 1001@acme 2001@acme");
    shows(f, "render " MAC, "account.1.user_name = 2001\n");
    run(f, "rename device " MAC " 00:15:65:00:00:01");
    shows(f, "render 001565000001", "account.1.user_name = 2001\n");
    run(f, "rename profile office desk");
    refused(f, "rename profile office x", ENOENT, "office");
    refused(f, "delete profile desk", ENOTEMPTY, "desk");
    refused(f, "delete account 2001@acme --recursive", EINVAL, "--yes");
    refused(f, "delete device 001565000001 --yes", ENOTEMPTY, "001565000001");
    run(f, "delete device 001565000001 --recursive --yes");
    run(f, "delete account 2001@acme");
    run(f, "delete profile desk");
    run(f, "delete customer acme");
    refused(f, "show customer acme", ENOENT, "acme");
}

static void test_fields(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "add customer beta");
    run(f, "add profile acme-own customer=acme parent=office");
    run(f, "add profile beta-own customer=beta parent=office");
    run(f, "set device " MAC " profile=acme-own");
    refused(f, "set device " MAC " profile=beta-own", EINVAL, "beta");
    refused(f, "set device " MAC " customer=beta", EINVAL, "acme-own");
    run(f, "set device " MAC " customer=beta profile=beta-own");
    run(f, "set device " MAC " profile= customer=acme");
    shows_not(f, "show device " MAC, "profile ");
    refused(f, "set profile office parent=office", EINVAL, "office");
    refused(f, "set customer acme model=x", ENOENT, "model");
}

static void test_apply(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    assert_int_equal(run_with(f, "apply -",
                              "# comment\nadd profile \"night-shift\" parent=office\n\nset profile "
                              "night-shift sip.port=5070\r\n"),
                     0);
    shows(f, "show profile night-shift", "5070");
    refused_with(f, "apply -", "set site sip.port=1\n\nset site sip.port=x\n", EINVAL, "line 3: ");
    refused_with(f, "apply -", "set site sip.port=1\nlist devices\n", EINVAL, "line 2: list may not");
    refused_with(f, "apply -", "set site sip.port=1\nfrob\n", EINVAL, "line 2: no such command: frob");
    refused_with(f, "apply -", "set site 'sip.port=1\n", EINVAL, "line 1: ");
    refused_with(f, "apply -", "set device " MAC " 'note=x'\nadd device 001565aabbcc\n", EEXIST, "line 2");
    refused(f, "apply /no/such/file", ENOENT, "/no/such/file");
}

/* ---- asking ---- */

static void test_list_and_show(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    shows(f, "list devices", "mac           model         profile  customer  enabled");
    shows(f, "list devices model=yealink-* -q", MAC "\n");
    shows_not(f, "list devices model=poly-*", MAC);
    shows(f, "list profiles --json", "\"name\": \"office\"");
    shows(f, "list models vendor=poly", "poly-vvx411");
    shows(f, "list keys", "sip.server");
    shows(f, "list values sip.*", "********");
    shows_not(f, "list values sip.*", "s3cret");
    shows(f, "show account 1001@acme", "sip.password = ********");
    shows(f, "show account 1001@acme --json", "\"kind\": \"account\"");
    shows(f, "show model yealink-t46s", "y000000000066.cfg");
    shows(f, "show site", "devices        1");
    refused(f, "list sandwiches", ENOEXEC, "sandwiches");
    refused(f, "list devices colour=red", ENOEXEC, "colour");
    refused(f, "list values sip.sever", ENOENT, "sip.server");
    refused(f, "show device 001565aabbcd", ENOENT, "001565aabbcd");
    if (geteuid() == 0)
        shows(f, "show account 1001@acme --secrets", "s3cret");
    else
        refused(f, "show account 1001@acme --secrets", EPERM, "root");
}

static void test_explain(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set site sip.server=sip0.example.net");
    run(f, "set device " MAC " sip.server=sip1.example.net --reason 'moved out'");
    run(f, "explain " MAC " sip.server");
    says("explain", f->out,
         "line 1 1001@acme  sip.server = sip1.example.net   written: account.1.sip_server.1.address in "
         "001565aabbcc.cfg\n"
         "  > device    001565aabbcc  sip1.example.net  gen ");
    says("explain", f->out, ": moved out\n    profile   office        sip.example.net   gen ");
    says("explain", f->out, "hidden\n    site                    sip0.example.net  gen ");
    shows(f, "explain " MAC " sip.password", "sip.password = ********");
    shows_not(f, "explain " MAC, "s3cret");
    shows(f, "explain " MAC " module.1.key.1.pickup", "not written");
    shows(f, "explain " MAC " sip.expires", "(default)");
    refused(f, "explain " MAC " sip.sever", ENOENT, "sip.server");
}

/* Told, not refused: a profile is for phones of many kinds. */
static void test_no_place(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set profile office key.1.type=blf key.1.value=7 key.900.type=blf module.1.key.1.type=none");
    says("the note", f->notes, "note: yealink-t46s has no place for key.900.type (profile office)");
    run(f, "add profile below parent=office sip.port=5070 phonebook.9.name=x");
    assert_null(strstr(f->notes, "has no place"));
    run(f, "set device " MAC " profile=below");
    says("the note", f->notes, "has no place for phonebook.9.name (profile below)");
    says("the note", f->notes, "has no place for key.900.type (profile office)");
    run(f, "set device " MAC " note=x");
    assert_null(strstr(f->notes, "has no place"));
    run(f, "check");
    says("check", f->out, "warning: yealink-t46s has no place for phonebook.9.name (profile below)\n");
    says("check", f->out, "the files of 1 devices are good");
}

static void test_explain_native(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "explain " MAC " yealink:account.1.sip_server.1.address");
    says("the native key", f->out,
         MAC ".cfg\n  account.1.sip_server.1.address = sip.example.net   from sip.server (profile office)\n"
             "line 1 1001@acme  sip.server = sip.example.net");
    shows(f, "explain " MAC " yealink:account.1.password",
          "account.1.password = ********   from sip.password (account 1001@acme)");
    shows(f, "explain " MAC " yealink:account.1.enable", "account.1.enable = 1   from template");
    shows(f, "explain " MAC " --native", "local_time.ntp_server1 = pool.ntp.org   from time.ntp (default)");
    shows_not(f, "explain " MAC " --native", "s3cret");
    run(f, "set device " MAC " yealink:features.x=1");
    shows(f, "explain " MAC " yealink:features.x", "features.x = 1   from override (device " MAC ")");
    shows(f, "explain " MAC " yealink:nothing", "yealink:nothing = (nothing)");
    shows(f, "explain " MAC " poly:reg.1.address", "not written");
}

static void test_log(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set profile office sip.server=a.example.net --reason 'ticket 4711'");
    shows(f, "log profile office", "sip.server: sip.example.net -> a.example.net  reason: ticket 4711");
    shows_not(f, "log profile office", "1001@acme");
    shows_not(f, "log", "s3cret");
    shows_not(f, "log --since 2099-01-01T00:00:00Z", "office");
    shows(f, "log --json", "\"reason\": \"ticket 4711\"");
}

static void test_check(void **state)
{
    struct fixture *f = *state;
    char command[512];
    make_inventory(f);
    shows(f, "check", "the files of 1 devices are good");
    snprintf(command, sizeof command, "mkdir %s/acme && echo '<template' > %s/acme/acme.xml", f->templates,
             f->templates);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "check --templates %s", f->templates);
    refused(f, command, EINVAL, "acme.xml:");
    shows(f, "check", "good");
}

/* ---- CSV ---- */

static void test_csv(void **state)
{
    const char *text = "\xef\xbb\xbf"
                       "a,\"b \"\"q\"\"\",c\r\n\n,\"x\ny\",\nlast,,";
    struct pfs_csv c;
    struct pfs_err err;
    pfs_csv_init(&c, text, strlen(text), ',');
    assert_int_equal(pfs_csv_next(&c, &err), 1);
    assert_int_equal(c.n_cells, 3);
    assert_string_equal(c.cells[0], "a");
    assert_string_equal(c.cells[1], "b \"q\"");
    assert_int_equal(pfs_csv_next(&c, &err), 1);
    assert_int_equal(c.row, 3);
    assert_string_equal(c.cells[1], "x\ny");
    assert_int_equal(pfs_csv_next(&c, &err), 1);
    assert_int_equal(c.n_cells, 3);
    assert_string_equal(c.cells[0], "last");
    assert_int_equal(pfs_csv_next(&c, &err), 0);
    pfs_csv_done(&c);
    pfs_csv_init(&c, "a\n\"b\nc", 6, ',');
    assert_int_equal(pfs_csv_next(&c, &err), 1);
    assert_int_equal(pfs_csv_next(&c, &err), -EINVAL);
    says("an open quote", err.msg, "begins in line 2");
    pfs_csv_done(&c);
}

#define HEADER "mac,model,profile,customer,line,account,sip.password"
#define ROW "001565000007,yealink-t46s,office,beta,1,1@beta,secret"

/* A file gives what the text gives, however its blocks cut the records; one that changes is found out. */
static void test_csv_file(void **state)
{
    enum { N = 30000 };
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    pfs_buf_add(&text, "\xef\xbb\xbf", 3);
    for (int i = 0; i < N; i++)
        pfs_buf_printf(&text, "%d,\"a \"\"%0*d\"\"\nb\",%s\r\n%s", i, i % 97, i, i % 3 ? "x" : "",
                       i % 50 ? "" : "\n");
    autofile FILE *f = tmpfile();
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    rewind(f);
    struct pfs_csv a, b;
    struct pfs_err err;
    uint64_t hash;
    pfs_csv_init(&a, text.data, text.len, ',');
    assert_int_equal(pfs_csv_init_file(&b, f, text.len, ',', &hash, &err), 0);
    assert_true(hash == XXH3_64bits(text.data, text.len));
    for (int pass = 0; pass < 2; pass++) {
        int r;
        while ((r = pfs_csv_next(&a, &err)) > 0) {
            assert_int_equal(pfs_csv_next(&b, &err), 1);
            assert_true(a.row == b.row && a.line == b.line && a.n_cells == b.n_cells);
            for (size_t i = 0; i < a.n_cells; i++)
                assert_string_equal(a.cells[i], b.cells[i]);
            assert_true(pfs_csv_position(&a) == pfs_csv_position(&b));
        }
        assert_int_equal(r, 0);
        assert_int_equal(pfs_csv_next(&b, &err), 0);
        assert_int_equal(pfs_csv_rewind(&a, &err), 0);
        assert_int_equal(pfs_csv_rewind(&b, &err), 0);
    }
    assert_int_equal(fseek(f, (long)text.len - 9, SEEK_SET), 0);
    fputs("?", f);
    assert_int_equal(pfs_csv_rewind(&b, &err), 0);
    int r;
    while ((r = pfs_csv_next(&b, &err)) > 0)
        ;
    assert_int_equal(r, -EIO);
    pfs_csv_done(&b);
    rewind(f);
    assert_int_equal(pfs_csv_init_file(&b, f, text.len - 1, ',', &hash, &err), -EFBIG);
    pfs_csv_done(&b);
    pfs_csv_done(&a);
}

static void imports(struct fixture *f, const char *options, const char *text, const char *report)
{
    char line[128];
    snprintf(line, sizeof line, "import %s -", options);
    if (run_with(f, line, text) != 0)
        fail_msg("%s: %s\n%s", line, f->err.msg, f->notes);
    says(line, f->out, report);
}

static void test_import(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    imports(f, "--dry-run", HEADER "\n" ROW "\n", "1 device, 1 line, 1 account, 1 customer would be made");
    refused(f, "show device 001565000007", ENOENT, "001565000007");
    imports(f, "", HEADER "\n" ROW "\n001565000007,,,,2,2@beta,x\n",
            "1 device, 2 lines, 2 accounts, 1 customer made");
    shows(f, "show account 2@beta", "customer       beta");
    shows(f, "explain 001565000007 sip.password", "import -");
    int64_t before = gen(f);
    imports(f, "--update", HEADER "\n" ROW "\n", "nothing to change");
    assert_int_equal(gen(f), before);
}

static void test_import_update(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    imports(f, "", HEADER "\n" ROW "\n", "made");
    int64_t before = gen(f);
    imports(f, "--update", HEADER "\n001565000007,,,,1,1@beta,********\n", "nothing to change");
    assert_int_equal(gen(f), before);
    imports(f, "--update",
            "mac,note,device/sip.port,line,account,line.label,customer,customer/sip.server\n"
            "001565000007,hello,5070,1,1@beta,Desk,beta,b.example.net\n",
            "changed");
    shows(f, "show device 001565000007", "sip.port = 5070");
    shows(f, "show line 001565000007/1", "line.label = Desk");
    shows(f, "show customer beta", "sip.server = b.example.net");
    shows(f, "show device 001565000007", "note           hello");
    imports(f, "--update --delimiter ';'", "mac;line;account\n001565000007;3;3@beta\n",
            "1 line, 1 account made");
    imports(f, "--delimiter tab", "mac\tmodel\n001565000008\tpoly-vvx411\n", "1 device made");
}

static void test_import_sync(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    const char *two = HEADER "\n" ROW "\n001565000008,yealink-t46s,office,beta,1,2@beta,x\n";
    const char *moved = HEADER "\n001565000007,yealink-t46s,office,beta,1,2@beta,x\n001565000008,yealink-"
                               "t46s,office,beta,2,1@beta,secret\n";
    const char *one = HEADER "\n" ROW "\n";
    imports(f, "--sync crm", two, "2 devices, 2 lines, 2 accounts, 1 customer made");
    int64_t before = gen(f);
    imports(f, "--sync crm", two, "nothing to change");
    assert_int_equal(gen(f), before);
    refused_with(f, "import --sync crm -", one, EINVAL, "1 of 2 devices");
    refused_with(f, "import --sync crm --max-delete x -", one, EINVAL, "--max-delete");
    imports(f, "--sync crm", moved, "1 line removed");
    shows_not(f, "show device 001565000008", "line 1");
    imports(f, "--sync crm --max-delete 50%", one, "1 device, 1 account removed");
    refused(f, "show account 2@beta", ENOENT, "2@beta");
    shows(f, "show device " MAC, "1001@acme");
    imports(f, "--sync other", HEADER "\n001565000009,yealink-t46s,office,beta,1,9@beta,x\n", "made");
    shows(f, "show device 001565000007", "source         crm");
    refused_with(f, "import --update --sync crm -", one, ENOEXEC, "not both");
    refused_with(f, "import --max-delete 1 -", one, ENOEXEC, "--sync");
}

static const struct {
    const char *text, *says;
} bad_files[] = {
    {"", "is empty"},
    {HEADER "\n", "no rows"},
    {"model\nx\n", "column mac is missing"},
    {"mac;model\nx;y\n", "--delimiter"},
    {HEADER ",sip.server\n" ROW ",a\n",
     "customer/sip.server, account/sip.server, device/sip.server, line/sip.server"},
    {HEADER ",device/sip.sever\n" ROW ",a\n", "sip.server"},
    {HEADER ",device/sip.user\n" ROW ",a\n", "account, line"},
    {HEADER ",colour\n" ROW ",a\n", "no such column: colour"},
    {HEADER ",mac\n" ROW ",a\n", "twice"},
    {HEADER ",account/sip.password\n" ROW ",a\n", "twice"},
    {"mac,account\n001565000007,x\n", "column line is missing"},
    {HEADER "\n001565000007,yealink-t99,office,beta,1,1@beta,x\n",
     "row 2: model: no such model: yealink-t99"},
    {HEADER "\n001565000007,yealink-t46s,ofice,beta,1,1@beta,x\n", "row 2: profile: no such profile: ofice"},
    {HEADER "\n15650000070,yealink-t46s,office,beta,1,1@beta,x\n", "leading zeros"},
    {HEADER "\n001565aabbcc,yealink-t46s,office,beta,1,1@beta,x\n", "001565aabbcc already"},
    {HEADER "\n001565000007,yealink-t46s,office,beta,99,1@beta,x\n",
     "row 2: line 99: yealink-t46s has 16 lines"},
    {HEADER "\n001565000007,yealink-t46s,office,beta,one,1@beta,x\n", "row 2: line: one"},
    {HEADER "\n001565000007,yealink-t46s,office,beta,,1@beta,x\n", "row 2: line: is empty"},
    {HEADER "\n001565000007,yealink-t46s,office,beta,1,,x\n", "row 2: sip.password: has a value"},
    {HEADER "\n001565000007,yealink-t46s,office,beta,1,a b,x\n", "row 2: account:"},
    {HEADER "\n" ROW "\n001565000007,,,,1,2@beta,x\n", "row 3: line: line 1 of this device is in row 2"},
    {HEADER "\n" ROW "\n001565000007,,home,,2,2@beta,x\n", "row 3: profile"},
    {HEADER "\n" ROW "\n001565000007,,,,2,1@beta,x\n", "row 3: sip.password: does not agree"},
    {HEADER "\n" ROW ",x\n", "row 2: has 8 cells, the first row has 7"},
    {HEADER "\n001565000007,yealink-t46s\n", "row 2: has 2 cells"},
    {HEADER "\n" ROW "\n001565000007,,,,2,\"2@beta,x\n", "row 3: cell 6: a quote that begins in line 3"},
    {HEADER ",device/sip.port\n" ROW ",abc\n", "row 2: device/sip.port: "},
    {HEADER "\n001565000007,yealink-t46s,office,beta,1,1@beta,a\001b\n", "row 2: sip.password: "},
    {HEADER ",line.display_name\n" ROW ",Gr\xfcne\n", "row 2: line.display_name: is not UTF-8 (Latin-1?)"},
    {HEADER ",key.1.account\n" ROW ",nobody@beta\n", "row 2: key.1.account: no such account"},
    {HEADER ",enabled\n" ROW ",perhaps\n", "row 2: enabled: is yes or no"},
};

static void test_import_refuses(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad_files); i++) {
        refused_with(f, "import -", bad_files[i].text, 0, bad_files[i].says);
        assert_string_equal(f->notes, "");
    }
    refused(f, "import /no/such/file.csv", ENOENT, "/no/such/file.csv");
    refused_with(f, "import -",
                 HEADER "\n1,yealink-t46s,office,beta,1,1@beta,x\n" ROW
                        "\n001565000008,nokia,ofice,beta,1,9@beta,x\n",
                 EINVAL, "3 problems in 2 rows: nothing is imported");
    says("the rows", f->notes, "row 2: mac: ");
    says("the rows", f->notes, "row 4: model: ");
    says("the rows", f->notes, "row 4: profile: ");
}

static void test_export(void **state)
{
    struct fixture *f = *state;
    make_inventory(f);
    run(f, "set customer acme sip.port=5070");
    run(f, "set device " MAC " net.vlan=7 note='a, \"b\"'");
    run(f, "add device 001565000001 model=poly-vvx411");
    run(f, "export");
    assert_string_equal(
        f->out,
        "mac,model,profile,customer,enabled,inventory_id,note,line,account,line.display_name,sip.password,"
        "device/net.vlan,customer/sip.port\n"
        "001565000001,poly-vvx411,,,yes,,,,,,,,\n" MAC
        ",yealink-t46s,office,acme,yes,,\"a, \"\"b\"\"\",1,1001@acme,Ann Smith,********,7,5070\n");
    char *copy = strdup(f->out);
    int64_t before = gen(f);
    imports(f, "--update", copy, "nothing to change");
    assert_int_equal(gen(f), before);
    free(copy);
    refused(f, "export --format json", ENOEXEC, "json");
}

/* ---- help ---- */

static void test_help(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(pfs_command_help("import", out), 0);
    assert_int_equal(pfs_command_help("frob", out), -ENOENT);
    fclose(out);
    says("help", text, "provfs import FILE|-");
    says("help", text, "--max-delete N|N%");
    free(text);
}

/* docs/commands.md has the text of --help, word for word. */
static void test_manual(void **state)
{
    static const char *const verbs[] = {"init",   "mount",   "add",     "adopt",  "put",    "set",  "unset",
                                        "assign", "release", "replace", "rename", "delete", "list", "show",
                                        "render", "explain", "import",  "export", "apply",  "log",  "check"};
    char path[4096], manual[1 << 16];
    snprintf(path, sizeof path, "%s/docs/commands.md", getenv("PROVFS_DATADIR"));
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    manual[fread(manual, 1, sizeof manual - 1, f)] = '\0';
    fclose(f);
    for (size_t i = 0; i < PFS_N_ELEMENTS(verbs); i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        assert_int_equal(pfs_command_help(verbs[i], out), 0);
        fclose(out);
        says("docs/commands.md", manual, text);
        free(text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_manual),
        TEST(test_add_and_render),
        TEST(test_a_mac_of_another_vendor),
        TEST(test_set),
        TEST(test_time),
        TEST(test_unset),
        TEST(test_stdin),
        TEST(test_clear),
        TEST(test_lines),
        TEST(test_replace),
        TEST(test_rename_and_delete),
        TEST(test_fields),
        TEST(test_apply),
        TEST(test_list_and_show),
        TEST(test_explain),
        TEST(test_explain_native),
        TEST(test_no_place),
        TEST(test_log),
        TEST(test_check),
        TEST(test_csv_file),
        TEST(test_import),
        TEST(test_import_update),
        TEST(test_import_sync),
        TEST(test_import_refuses),
        TEST(test_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

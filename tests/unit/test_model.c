/* The model floor: keys and their values, MAC addresses, file names, time zones, and which value counts. */
#include "model/catalogue.h"
#include "model/mac.h"
#include "model/pattern.h"
#include "model/phone.h"
#include "model/tz.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- A small catalogue ---- */

#define SHARED                                                                                               \
    (PFS_SCOPE_BIT(PFS_SCOPE_SITE) | PFS_SCOPE_BIT(PFS_SCOPE_MODEL) | PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) |     \
     PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER) | PFS_SCOPE_BIT(PFS_SCOPE_DEVICE))
#define LINES (PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT) | PFS_SCOPE_BIT(PFS_SCOPE_LINE))
#define ALL (SHARED | LINES)

enum {
    SIP_SERVER,
    SIP_PORT,
    SIP_USER,
    SIP_AUTH_USER,
    SIP_PASSWORD,
    TRANSPORT,
    CODECS,
    ZONE,
    WEB,
    URL,
    PTIME,
    DEEP,
    N_PLAIN
};

static const char *transports[] = {"udp", "tcp", "tls", "dns", NULL};
static const char *codecs[] = {"g722", "pcma", "pcmu", "g729", NULL};
static const char *key_types[] = {"none", "line", "blf", NULL};

static struct pfs_catalogue_entry entries[] = {
    {.key = "sip.server", .id = SIP_SERVER, .type = PFS_TYPE_HOST, .scopes = ALL},
    {.key = "sip.port",
     .id = SIP_PORT,
     .type = PFS_TYPE_INT,
     .max = 65535,
     .scopes = ALL,
     .default_text = "0"},
    {.key = "sip.user",
     .id = SIP_USER,
     .type = PFS_TYPE_USER,
     .scopes = LINES,
     .default_kind = PFS_DEFAULT_ACCOUNT},
    {.key = "sip.auth_user",
     .id = SIP_AUTH_USER,
     .type = PFS_TYPE_TEXT,
     .scopes = LINES,
     .default_kind = PFS_DEFAULT_KEY,
     .default_text = "sip.user",
     .default_id = SIP_USER},
    {.key = "sip.password", .id = SIP_PASSWORD, .type = PFS_TYPE_TEXT, .scopes = LINES, .secret = true},
    {.key = "sip.transport",
     .id = TRANSPORT,
     .type = PFS_TYPE_CHOICE,
     .choices = transports,
     .scopes = ALL,
     .default_text = "udp"},
    {.key = "audio.codecs", .id = CODECS, .type = PFS_TYPE_LIST, .choices = codecs, .scopes = ALL},
    {.key = "time.zone", .id = ZONE, .type = PFS_TYPE_ZONE, .scopes = SHARED, .default_text = "Etc/UTC"},
    {.key = "phone.web", .id = WEB, .type = PFS_TYPE_SWITCH, .scopes = SHARED, .default_text = "on"},
    {.key = "provision.url", .id = URL, .type = PFS_TYPE_URL, .scopes = SHARED},
    {.key = "provision.time", .id = PTIME, .type = PFS_TYPE_TIME, .scopes = SHARED},
    {.key = "test.deep",
     .id = DEEP,
     .type = PFS_TYPE_TEXT,
     .scopes = LINES,
     .default_kind = PFS_DEFAULT_KEY,
     .default_id = SIP_AUTH_USER},
    {.key = "key.N.type",
     .id = -1,
     .type = PFS_TYPE_CHOICE,
     .choices = key_types,
     .scopes = SHARED,
     .default_text = "none"},
    {.key = "key.N.account", .id = -1, .type = PFS_TYPE_ACCOUNT, .scopes = SHARED},
    {.key = "key.N.line", .id = -1, .type = PFS_TYPE_INT, .min = -5, .max = 100, .scopes = ALL},
    {.key = "key.N.secret", .id = -1, .type = PFS_TYPE_INT, .max = 10, .scopes = SHARED, .secret = true},
    {.key = "module.M.key.N.type", .id = -1, .type = PFS_TYPE_CHOICE, .choices = key_types, .scopes = SHARED},
};

static struct pfs_catalogue *catalogue;

static int set_up(void **state)
{
    catalogue = calloc(1, sizeof *catalogue);
    assert_non_null(catalogue);
    catalogue->entries = entries;
    catalogue->n_entries = PFS_N_ELEMENTS(entries);
    catalogue->plain = pfs_arena_alloc(&catalogue->arena, N_PLAIN * sizeof *catalogue->plain);
    for (size_t i = 0; i < PFS_N_ELEMENTS(entries); i++) {
        if (entries[i].id >= 0)
            catalogue->plain[catalogue->n_plain++] = &entries[i];
        assert_int_equal(
            pfs_map_put(&catalogue->by_key, entries[i].key, strlen(entries[i].key), &entries[i], NULL), 0);
    }
    return 0;
}

static int tear_down(void **state)
{
    pfs_catalogue_free(catalogue);
    pfs_catalogue_free(NULL);
    return 0;
}

/* ---- Keys ---- */

static void keys_found(void **state)
{
    static const struct {
        const char *key, *entry;
    } cases[] = {
        {"sip.server", "sip.server"},
        {"key.1.type", "key.N.type"},
        {"key.10.type", "key.N.type"},
        {"key.999.account", "key.N.account"},
        {"module.2.key.30.type", "module.M.key.N.type"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_key k;
        struct pfs_err e = {0};
        if (pfs_catalogue_find(catalogue, cases[i].key, &k, &e) != 0)
            fail_msg("%s: %s", cases[i].key, e.msg);
        assert_string_equal(k.entry->key, cases[i].entry);
        assert_false(k.override);
        assert_int_equal(k.scopes, k.entry->scopes);
    }
    struct pfs_key k;
    pfs_catalogue_find(catalogue, "sip.password", &k, NULL);
    assert_true(k.secret);
}

static void keys_refused(void **state)
{
    static const struct {
        const char *key;
        int error;
        const char *sentence;
    } cases[] = {
        {"", -ENOENT, "no such setting: the key is empty"},
        {"sip.sever", -ENOENT, "no such setting: sip.sever (did you mean sip.server?)"},
        {"SIP.server", -ENOENT, "no such setting: SIP.server"},
        {"quite.another.thing", -ENOENT, "no such setting: quite.another.thing"},
        {"key.3.tpye", -ENOENT, "no such setting: key.3.tpye (did you mean key.N.type?)"},
        {"key.0.type", -ENOENT,
         "no such setting: key.0.type (numbers go from 1 to 999, without leading zeros)"},
        {"key.1000.type", -ENOENT, "no such setting: key.1000.type (numbers go"},
        {"key.99999999999999999999.type", -ENOENT, "(numbers go"},
        {"key.03.type", -ENOENT, "(numbers go"},
        {"key.N.type", -ENOENT,
         "no such setting: key.N.type (write a number, 1 to 999, in place of N and M)"},
        {"key.M.type", -ENOENT, "(write a number"},
        {"module.1.key.N.type", -ENOENT, "(write a number"},
        {"module.1.key.0.type", -ENOENT, "(numbers go"},
        {"key..type", -ENOENT, "no such setting: key..type"},
        {"key.-1.type", -ENOENT, "no such setting: key.-1.type"},
        {"key.1.type.", -ENOENT, "no such setting: key.1.type."},
        {"key.1", -ENOENT, "no such setting: key.1"},
        {"yealink:", -EINVAL, "the vendor's own key is missing"},
        {":x", -EINVAL, "the vendor before ':'"},
        {"Yealink:x", -EINVAL, "the vendor before ':'"},
        {"yea link:x", -EINVAL, "the vendor before ':'"},
        {"yealink:a  b", -EINVAL, "printable ASCII"},
        {"yealink: a", -EINVAL, "printable ASCII"},
        {"yealink:a ", -EINVAL, "printable ASCII"},
        {"yealink:\xc3\xa9", -EINVAL, "printable ASCII"},
        {"yealink:a\x7f", -EINVAL, "printable ASCII"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_key k;
        struct pfs_err e = {0};
        int r = pfs_catalogue_find(catalogue, cases[i].key, &k, &e);
        if (r != cases[i].error || !strstr(e.msg, cases[i].sentence))
            fail_msg("%s: %d %s", cases[i].key, r, e.msg);
        assert_int_equal(pfs_catalogue_find(catalogue, cases[i].key, &k, NULL), cases[i].error);
    }
}

static void key_length(void **state)
{
    char key[PFS_KEY_MAX + 2] = "yealink:";
    memset(key + 8, 'x', PFS_KEY_MAX - 8);
    struct pfs_key k;
    struct pfs_err e = {0};
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, &e), 0);
    key[PFS_KEY_MAX] = 'x';
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, &e), -ENOENT);
    assert_non_null(strstr(e.msg, "longer than 128 bytes"));
    memset(key, '1', PFS_KEY_MAX); /* as long as a plain key may be asked for */
    key[PFS_KEY_MAX] = '\0';
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, &e), -ENOENT);
}

static void lengths_of_keys(void **state)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"sip.server=a=b", "sip.server"},
        {"sip.server", "sip.server"},
        {"=x", ""},
        {"note=a@b=c", "note"},
        {"acme:a=b@c=d", "acme:a"},
        {"acme:a@x=1=v", "acme:a@x=1"},
        {"acme:a@x=1=v=w@y=z", "acme:a@x=1"},
        {"acme:p/a@x=1@y=2=", "acme:p/a@x=1@y=2"},
        {"acme:a@x=1", "acme:a@x=1"},
        {"acme:a@x==v", "acme:a@x"},
        {"acme:a@x@y=1", "acme:a@x@y"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++)
        if (pfs_key_len(cases[i].text) != strlen(cases[i].key))
            fail_msg("%s: %zu", cases[i].text, pfs_key_len(cases[i].text));
}

static void overrides_and_secrets(void **state)
{
    static const struct {
        const char *key;
        bool secret;
    } cases[] = {
        {"yealink:features.dnd.enable", false},
        {"yealink:sip line1 user name", false},
        {"cisco-spa:Dial_Plan[1]/x", false},
        {"3cx:a", false},
        {"linphone:net_0:mtu", false}, /* only the first ':' divides */
        {"yealink:static.security.user_password", true},
        {"cisco-spa:Admin_Passwd", true},
        {"poly:reg.1.auth.PASSWORD", true},
        {"yealink:phone_setting.lock_pin", true},
        {"poly:call.pin", true},
        {"yealink:ldap_pwd", true},
        {"yealink:shared.Secret", true},
        {"yealink:auto_provision.aes_auth_key", true},
        {"linphone:auth_info_0:ha1", true},
        {"passwd-vendor:harmless", false},
        {"yealink:spinner", false},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_key k;
        struct pfs_err e = {0};
        if (pfs_catalogue_find(catalogue, cases[i].key, &k, &e) != 0 || k.secret != cases[i].secret)
            fail_msg("%s: %s", cases[i].key, e.msg);
        assert_true(k.override);
        assert_null(k.entry);
        assert_int_equal(k.scopes, ALL);
    }
}

/* ---- Values ---- */

static int check(const char *key, const char *value, struct pfs_err *e)
{
    struct pfs_key k;
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, e), 0);
    return pfs_catalogue_check(key, &k, value, e);
}

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void values_taken(void **state)
{
    static const char *const cases[][2] = {
        {"sip.auth_user", "any thing\nat all é"},
        {"yealink:x", "any thing"},
        {"sip.port", "0"},
        {"sip.port", "65535"},
        {"key.1.line", "-5"},
        {"key.1.line", "100"},
        {"phone.web", "on"},
        {"phone.web", "off"},
        {"sip.transport", "dns"},
        {"audio.codecs", "g722"},
        {"audio.codecs", "g729,pcmu,pcma,g722"},
        {"sip.server", "pbx"},
        {"sip.server", "pbx.example.com"},
        {"sip.server", "3com.example"},
        {"sip.server", "a-b.xn--bcher-kva.example"},
        {"sip.server", LABEL63 ".example"},
        {"sip.server", "192.0.2.1"},
        {"sip.server", "2001:db8::1"},
        {"sip.server", "::1"},
        {"sip.server", "::ffff:192.0.2.1"},
        {"provision.url", "http://192.0.2.1/"},
        {"provision.url", "https://user:p@pbx.example:8443/x?y=z#é"},
        {"provision.url", "tftp://pbx"},
        {"provision.url", "a+b-c.1://x"},
        {"time.zone", "Europe/Vienna"},
        {"provision.time", "00:00"},
        {"provision.time", "23:59"},
        {"provision.time", "19:05"},
        {"sip.user", "1001"},
        {"sip.user", "+43.1@x"},
        {"key.1.account", "1002@acme"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_err e = {0};
        if (check(cases[i][0], cases[i][1], &e) != 0)
            fail_msg("%s=%s: %s", cases[i][0], cases[i][1], e.msg);
    }
    for (size_t i = 0; i < PFS_N_ELEMENTS(entries); i++) {
        struct pfs_key k = {.entry = &entries[i]};
        assert_int_equal(pfs_catalogue_check(entries[i].key, &k, "", NULL), 0); /* cleared */
    }
}

static void values_refused(void **state)
{
    static const char *const cases[][3] = {
        {"sip.port", "65536", "sip.port: \"65536\" is out of range: 0 to 65535 is right"},
        {"sip.port", "-1", "out of range"},
        {"sip.port", "99999999999999999999", "out of range"},
        {"sip.port", "05060", "no whole number"},
        {"sip.port", "-0", "no whole number"},
        {"sip.port", "+1", "no whole number"},
        {"sip.port", " 1", "no whole number"},
        {"sip.port", "1 ", "no whole number"},
        {"sip.port", "1.5", "no whole number"},
        {"sip.port", "0x10", "no whole number"},
        {"sip.port", "-", "no whole number"},
        {"phone.web", "yes", "phone.web: \"yes\" is neither on nor off"},
        {"phone.web", "ON", "neither on nor off"},
        {"sip.transport", "tpc", "sip.transport: \"tpc\" is none of udp, tcp, tls, dns"},
        {"audio.codecs", "g722, pcma",
         "audio.codecs: \" pcma\" is none of g722, pcma, pcmu, g729 (no blanks around the commas)"},
        {"audio.codecs", "g722,opus", "audio.codecs: \"opus\" is none of g722, pcma, pcmu, g729"},
        {"audio.codecs", "g722,g722", "audio.codecs: g722 stands twice in the list"},
        {"audio.codecs", "g722,,pcma", "an item of the list is empty"},
        {"audio.codecs", ",", "an item of the list is empty"},
        {"audio.codecs", "g722,", "an item of the list is empty"},
        {"sip.server", "pbx:5060", "sip.server: host:port is not taken here, use sip.port"},
        {"sip.server", "192.0.2.1:5060", "use sip.port"},
        {"sip.server", "[2001:db8::1]",
         "sip.server: an IPv6 address is written without brackets and port here"},
        {"sip.server", "[2001:db8::1]:5060", "without brackets"},
        {"sip.server", "2001:db8::g", "no IPv6 address"},
        {"sip.server", "fe80::1%eth0", "no IPv6 address"},
        {"sip.server", "192.0.2.256", "no IPv4 address"},
        {"sip.server", "192.0.2", "no IPv4 address"},
        {"sip.server", "1001", "no IPv4 address"},
        {"sip.server", "192.0.2.01", "no IPv4 address"},
        {"sip.server", "sip:pbx", "no IPv6 address"},
        {"sip.server", "http://pbx", "a URL is not taken here"},
        {"sip.server", "-pbx", "no host name"},
        {"sip.server", "pbx-", "no host name"},
        {"sip.server", "p_x", "no host name"},
        {"sip.server", "p x", "no host name"},
        {"sip.server", "pbx.", "no host name"},
        {"sip.server", ".pbx", "no host name"},
        {"sip.server", "p..x", "no host name"},
        {"sip.server", "bücher.example", "no host name"},
        {"sip.server", LABEL63 "a.example", "no host name"},
        {"sip.server", LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, "no host name"},
        {"provision.url", "pbx/x", "provision.url: \"pbx/x\" is no URL: SCHEME://HOST/PATH is right"},
        {"provision.url", "http:/pbx", "is no URL"},
        {"provision.url", "http://", "is no URL"},
        {"provision.url", "://pbx", "is no URL"},
        {"provision.url", "1http://pbx", "is no URL"},
        {"provision.url", "h_p://pbx", "is no URL"},
        {"provision.url", "é://pbx", "is no URL"},
        {"provision.url", "http://pbx/a b", "no blanks or control characters"},
        {"provision.url", "http://pbx/a\tb", "no blanks or control characters"},
        {"provision.url", "http://pbx/a\xc2\xa0", "no blanks or control characters"},
        {"provision.url", "hunter2@pbx", "provision.url: this value is no URL"},
        {"time.zone", "Europe/Vien", "time.zone: no such time zone: Europe/Vien"},
        {"provision.time", "24:00", "provision.time: \"24:00\" is no time of day: 00:00 to 23:59 is right"},
        {"provision.time", "23:60", "no time of day"},
        {"provision.time", "4:00", "no time of day"},
        {"provision.time", "04:0", "no time of day"},
        {"provision.time", "04-00", "no time of day"},
        {"provision.time", "04:00:00", "no time of day"},
        {"sip.user", "10 01", "sip.user: \"10 01\" has a blank"},
        {"sip.user", "10\n01", "has a blank or control"},
        {"key.1.account", "a b", "key.1.account: account name \"a b\" has a character"},
        {"sip.auth_user", "a\xc3", "sip.auth_user: the value is no UTF-8 text"},
        {"yealink:x", "\xff", "yealink:x: the value is no UTF-8 text"},
        {"key.1.secret", "hunter2", "key.1.secret: this value is no whole number"},
        {"key.1.secret", "4711", "key.1.secret: this value is out of range"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_err e = {0};
        int r = check(cases[i][0], cases[i][1], &e);
        if (r != -EINVAL || !strstr(e.msg, cases[i][2]))
            fail_msg("%s=%s: %d %s", cases[i][0], cases[i][1], r, e.msg);
        assert_int_equal(strncmp(e.msg, cases[i][0], strlen(cases[i][0])), 0);
        assert_null(strstr(e.msg, "hunter2"));
        assert_null(strstr(e.msg, "4711"));
        assert_int_equal(check(cases[i][0], cases[i][1], NULL), -EINVAL);
    }
}

static void value_length(void **state)
{
    autofree char *value = malloc(PFS_VALUE_MAX + 2);
    memset(value, 'x', PFS_VALUE_MAX + 1);
    value[PFS_VALUE_MAX + 1] = '\0';
    struct pfs_err e = {0};
    assert_int_equal(check("sip.auth_user", value, &e), -EINVAL);
    assert_string_equal(e.msg, "sip.auth_user: the value has 65537 bytes, 65536 are the most");
    value[PFS_VALUE_MAX] = '\0';
    assert_int_equal(check("sip.auth_user", value, &e), 0);
    assert_int_equal(check("sip.port", value, &e), -EINVAL); /* quoted shortened */
    assert_non_null(strstr(e.msg, "xxx…\" is no whole number"));
    assert_true(strlen(e.msg) < 200);
    assert_int_equal(check("audio.codecs", value, &e), -EINVAL);
    assert_non_null(strstr(e.msg, "xxx…\" is none of g722"));
    assert_int_equal(check("sip.transport", "ééééééééééééééééééééééééé", &e), -EINVAL);
    assert_non_null(strstr(e.msg, "é…\" is none"));
}

static void names(void **state)
{
    char long_name[66];
    memset(long_name, 'a', 65);
    long_name[65] = '\0';
    struct pfs_err e = {0};
    assert_int_equal(pfs_name_check("profile name", "A.z_0@x+y-", &e), 0);
    assert_int_equal(pfs_name_check("profile name", "...", &e), 0);
    assert_int_equal(pfs_name_check("profile name", "", &e), -EINVAL);
    assert_string_equal(e.msg, "profile name is empty");
    assert_int_equal(pfs_name_check("profile name", ".", &e), -EINVAL);
    assert_int_equal(pfs_name_check("profile name", "..", &e), -EINVAL);
    assert_int_equal(pfs_name_check("profile name", "a/b", &e), -EINVAL);
    assert_non_null(strstr(e.msg, "profile name \"a/b\" has a character"));
    assert_int_equal(pfs_name_check("profile name", "é", &e), -EINVAL);
    assert_int_equal(pfs_name_check("profile name", "\xff", &e), -EINVAL);
    assert_int_equal(pfs_name_check("profile name", long_name, &e), -EINVAL);
    assert_non_null(strstr(e.msg, "has 65 characters, 64 are the most"));
    assert_int_equal(pfs_name_check("profile name", long_name + 1, &e), 0);
}

static void words(void **state)
{
    for (int i = 0; i < PFS_N_SCOPES; i++) {
        enum pfs_scope scope;
        assert_int_equal(pfs_scope_parse(pfs_scope_name((enum pfs_scope)i), &scope), 0);
        assert_int_equal(scope, i);
    }
    for (int i = 0; i <= PFS_TYPE_ACCOUNT; i++) {
        enum pfs_type type;
        assert_int_equal(pfs_type_parse(pfs_type_name((enum pfs_type)i), &type), 0);
        assert_int_equal(type, i);
    }
    enum pfs_scope scope;
    enum pfs_type type;
    assert_int_equal(pfs_scope_parse("Site", &scope), -ENOENT);
    assert_int_equal(pfs_type_parse("", &type), -ENOENT);
    assert_string_equal(pfs_scope_name((enum pfs_scope)99), "?");
    assert_string_equal(pfs_type_name((enum pfs_type)99), "?");
}

/* ---- MAC addresses ---- */

static void mac_spellings(void **state)
{
    static const char *const spellings[] = {
        "001565aabbcc",      "001565AABBCC",      "001565AabBcC",   "00:15:65:aa:bb:cc", "00:15:65:AA:BB:CC",
        "00-15-65-aa-bb-cc", "00.15.65.aa.bb.cc", "0015.65aa.bbcc", "0015-65AA-BBCC",    "0015:65aa:bbcc",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(spellings); i++) {
        uint64_t mac = 0, scanned = 0;
        struct pfs_err e = {0};
        if (pfs_mac_parse(spellings[i], &mac, &e) != 0 || mac != 0x001565aabbccull)
            fail_msg("%s: %s", spellings[i], e.msg);
        size_t len = strlen(spellings[i]);
        assert_int_equal(pfs_mac_scan(spellings[i], len, &scanned), len);
        assert_true(scanned == mac);
        assert_int_equal(pfs_mac_scan(spellings[i], len - 1, &scanned), 0);
    }
}

static void mac_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "MAC is empty"},
        {"1565aabbcc", "has 10 digits, 12 are needed: a spreadsheet may have eaten leading zeros"},
        {"01565aabbcc",
         "MAC \"01565aabbcc\" has 11 digits, 12 are needed: a spreadsheet may have eaten leading zeros"},
        {"0:15:65:aa:bb:cc", "has 11 digits"},
        {"001565aabbccd", "has 13 digits, 12 are needed"},
        {"00:15:65:aa:bb", "has 10 digits, 12 are needed"},
        {"a", "has 1 digit, 12 are needed"},
        {":", "has 0 digits"},
        {"00:15:65-aa:bb:cc", "mixes separators"},
        {"00:15.65aa.bbcc", "mixes separators"},
        {"001:565:aab:bcc", "separator in the wrong place"},
        {"001565:aabbcc", "separator in the wrong place"},
        {"00:15:65:aa:bb:cc:", "separator in the wrong place"},
        {"00::15:65:aa:bbcc", "separator in the wrong place"},
        {"001565aabbcg", "neither a hexadecimal digit"},
        {" 001565aabbcc", "neither a hexadecimal digit"},
        {"001565aabbcc\n", "neither a hexadecimal digit"},
        {"0x1565aabbcc", "neither a hexadecimal digit"},
        {"1.5565E+11", "MAC \"1.5565E+11\" is a number as a spreadsheet shows it"},
        {"1,5565e+11", "as a spreadsheet shows it"},
        {"2E+11", "as a spreadsheet shows it"},
        {"000000000000", "is all zeros"},
        {"FF:FF:FF:FF:FF:FF", "is the broadcast address"},
        {"01005e000001", "is a multicast address"},
        {"33:33:00:00:00:01", "is a multicast address"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        uint64_t mac = 77;
        struct pfs_err e = {0};
        if (pfs_mac_parse(cases[i][0], &mac, &e) != -EINVAL || !strstr(e.msg, cases[i][1]) || mac != 77)
            fail_msg("\"%s\": %s", cases[i][0], e.msg);
        assert_int_equal(pfs_mac_parse(cases[i][0], &mac, NULL), -EINVAL);
    }
}

static void mac_scans_names(void **state)
{
    uint64_t mac;
    assert_int_equal(pfs_mac_scan("001565aabbcc.cfg", 16, &mac), 12);
    assert_int_equal(pfs_mac_scan("001565aabbccdd", 14, &mac), 12);
    assert_int_equal(pfs_mac_scan("00-15-65-aa-bb-cc-directory", 27, &mac), 17);
    assert_int_equal(pfs_mac_scan("0015.65aa.bbcc.x", 16, &mac), 14);
    assert_int_equal(pfs_mac_scan("ffffffffffff", 12, &mac), 12); /* no check here */
    assert_int_equal(pfs_mac_scan("00-15:65-aa-bb-cc", 17, &mac), 0);
    assert_int_equal(pfs_mac_scan("spa504g.cfg.12", 14, &mac), 0);
    assert_int_equal(pfs_mac_scan("", 0, &mac), 0);
}

static void mac_formats(void **state)
{
    char plain[PFS_MAC_STR], text[PFS_MAC_TEXT_MAX + 1];
    pfs_mac_format(0x001565aabbccull, plain);
    assert_string_equal(plain, "001565aabbcc");
    pfs_mac_format_as(0x001565aabbccull, true, '\0', text);
    assert_string_equal(text, "001565AABBCC");
    pfs_mac_format_as(0x001565aabbccull, true, '-', text);
    assert_string_equal(text, "00-15-65-AA-BB-CC");
    pfs_mac_format_as(0xffffffffffffull, false, ':', text);
    assert_string_equal(text, "ff:ff:ff:ff:ff:ff");
}

/* ---- File names ---- */

static void pattern_formats_and_matches(void **state)
{
    static const struct {
        const char *pattern, *canonical, *also, *not ;
    } cases[] = {
        {"{mac}.cfg", "001565aabbcc.cfg", "00-15-65-AA-BB-CC.CFG", "001565aabbcc.cfgx"},
        {"{MAC}.cfg", "001565AABBCC.cfg", "001565aabbcc.cfg", "001565aabbcc"},
        {"spa{MAC:}.xml", "spa00:15:65:AA:BB:CC.xml", "SPA001565aabbcc.XML", "spb001565aabbcc.xml"},
        {"{mac:}", "00:15:65:aa:bb:cc", "0015.65aa.bbcc", "001565aabbc"},
        {"{mac-}-directory.xml", "00-15-65-aa-bb-cc-directory.xml", "001565aabbcc-directory.xml",
         "-directory.xml"},
        {"x{MAC-}", "x00-15-65-AA-BB-CC", "X00:15:65:aa:bb:cc", "x"},
        {"Prov/{mac}/book.xml", "Prov/001565aabbcc/book.xml", "prov/00:15:65:AA:BB:CC/BOOK.XML",
         "prov/001565aabbcc"},
        {"{MAC}/{mac}.cfg", "001565AABBCC/001565aabbcc.cfg", "00-15-65-aa-bb-cc/001565AABBCC.cfg",
         "001565aabbcc/001565aabbcd.cfg"},
        {"ipst_{mac_}.cfg", "ipst_00_15_65_aa_bb_cc.cfg", "IPST_001565AABBCC.cfg",
         "ipst_00_15_65_aa_bb-cc.cfg"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_pattern p PFS_CLEANUP(pfs_pattern_done) = {0};
        struct pfs_err e = {0};
        char name[PFS_FILE_NAME_MAX + 1];
        uint64_t mac = 0;
        assert_int_equal(pfs_pattern_parse(cases[i].pattern, &p, &e), 0);
        assert_true(p.has_mac);
        pfs_pattern_format(&p, 0x001565aabbccull, name);
        assert_string_equal(name, cases[i].canonical);
        assert_true(pfs_pattern_match(&p, name, &mac) && mac == 0x001565aabbccull);
        mac = 0;
        assert_true(pfs_pattern_match(&p, cases[i].also, &mac) && mac == 0x001565aabbccull);
        mac = 77;
        assert_false(pfs_pattern_match(&p, cases[i].not, &mac));
        assert_true(mac == 77);
    }
}

static void pattern_without_field(void **state)
{
    struct pfs_pattern p PFS_CLEANUP(pfs_pattern_done) = {0};
    char name[PFS_FILE_NAME_MAX + 1];
    uint64_t mac = 77;
    assert_int_equal(pfs_pattern_parse("y000000000028.cfg", &p, NULL), 0);
    assert_false(p.has_mac);
    assert_string_equal(p.shape, "y000000000028.cfg");
    pfs_pattern_format(&p, 1, name);
    assert_string_equal(name, "y000000000028.cfg");
    assert_true(pfs_pattern_match(&p, "Y000000000028.CFG", &mac));
    assert_true(mac == 0);
    assert_false(pfs_pattern_match(&p, "y000000000029.cfg", &mac));
    assert_false(pfs_pattern_match(&p, "y000000000028.cfg.bak", &mac));
    assert_false(pfs_pattern_match(&p, "", &mac));
}

static void pattern_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "is empty"},
        {"/{mac}", "has a '/' with no name"},
        {"a/", "has a '/' with no name"},
        {"a//b", "has a '/' with no name"},
        {"a/./b", "\".\" is a folder's own"},
        {"{mac}/..", "\"..\" is a folder's own"},
        {"control", "control is the mount's own folder"},
        {"Control/{mac}", "control is the mount's own folder"},
        {"{Mac}.cfg", "the unknown field {Mac}"},
        {"{}.cfg", "the unknown field {}"},
        {"{model.name}.cfg", "the unknown field {model.name}"},
        {"{mac", "a brace without its partner"},
        {"mac}", "a brace without its partner"},
        {"{mac}}", "a brace without its partner"},
        {".", "is a folder's own"},
        {"..", "is a folder's own"},
        {"a\nb", "a control character"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_pattern p = {0};
        struct pfs_err e = {0};
        if (pfs_pattern_parse(cases[i][0], &p, &e) != -EINVAL || !strstr(e.msg, cases[i][1]))
            fail_msg("\"%s\": %s", cases[i][0], e.msg);
        assert_null(p.text);
    }
}

static void pattern_length(void **state)
{
    char text[PFS_FILE_NAME_MAX + 2], name[PFS_FILE_NAME_MAX + 1];
    struct pfs_pattern p PFS_CLEANUP(pfs_pattern_done) = {0};
    memset(text, 'x', sizeof text);
    text[256] = '\0';
    assert_int_equal(pfs_pattern_parse(text, &p, NULL), -EINVAL);
    memcpy(text, "{mac:}", 6); /* 6 bytes here, 17 in the name */
    text[6 + 255 - 17 + 1] = '\0';
    assert_int_equal(pfs_pattern_parse(text, &p, NULL), -EINVAL);
    text[6 + 255 - 17] = '\0';
    assert_int_equal(pfs_pattern_parse(text, &p, NULL), 0);
    pfs_pattern_format(&p, 1, name);
    assert_int_equal(strlen(name), 255);
}

static void pattern_folders(void **state)
{
    static const struct {
        const char *pattern, *folder;
        bool is, has_mac;
    } cases[] = {
        {"prov/{mac}/a/b.xml", "", true, false},
        {"prov/{mac}/a/b.xml", "PROV", true, false},
        {"prov/{mac}/a/b.xml", "prov/00-15-65-AA-BB-CC", true, true},
        {"prov/{mac}/a/b.xml", "prov/001565aabbcc/A", true, true},
        {"prov/{mac}/a/b.xml", "prov/001565aabbcc/a/b.xml", false, false},
        {"prov/{mac}/a/b.xml", "pro", false, false},
        {"prov/{mac}/a/b.xml", "prov/", false, false},
        {"prov/{mac}/a/b.xml", "prov/001565aabbcc/a/", false, false},
        {"prov/{mac}/a/b.xml", "prov/001565aabbc", false, false},
        {"{mac}.cfg", "", true, false},
        {"{mac}.cfg", "001565aabbcc", false, false},
        {"{mac}/{mac}/x", "001565aabbcc/001565aabbcd", false, false},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_pattern p PFS_CLEANUP(pfs_pattern_done) = {0};
        uint64_t mac = 0;
        bool has_mac = false;
        assert_int_equal(pfs_pattern_parse(cases[i].pattern, &p, NULL), 0);
        if (pfs_pattern_is_below(&p, cases[i].folder, &mac, &has_mac) != cases[i].is)
            fail_msg("%s below %s", cases[i].pattern, cases[i].folder);
        assert_int_equal(has_mac, cases[i].has_mac);
        assert_true(mac == (has_mac ? 0x001565aabbccull : 0));
    }
}

static void paths(void **state)
{
    size_t len;
    char path[] = "prov/001565aabbcc/a.xml";
    assert_int_equal(pfs_path_depth(""), 0);
    assert_int_equal(pfs_path_depth("a"), 1);
    assert_int_equal(pfs_path_depth(path), 3);
    assert_string_equal(pfs_path_component(path, 0, &len), path);
    assert_int_equal(len, 4);
    assert_string_equal(pfs_path_component(path, 2, &len), "a.xml");
    assert_int_equal(len, 5);
    pfs_path_component(path, 3, &len);
    assert_int_equal(len, 0);
    pfs_path_cut(path, 3);
    assert_string_equal(path, "prov/001565aabbcc/a.xml");
    pfs_path_cut(path, 2);
    assert_string_equal(path, "prov/001565aabbcc");
    pfs_path_cut(path, 1);
    assert_string_equal(path, "prov");
    pfs_path_cut(path, 0);
    assert_string_equal(path, "");
}

/* ---- Time zones ---- */

#define H(hours, minutes) ((hours)*3600 + (minutes)*60)

/* Month, week, weekday, seconds; month 0: no daylight saving. */
struct rule {
    int month, week, weekday, seconds;
};

static void tz_zones(void **state)
{
    static const struct {
        const char *name;
        int offset, dst_offset;
        struct rule start, end;
    } zones[] = {
        {"Europe/London", 0, H(1, 0), {3, 5, 0, H(1, 0)}, {10, 5, 0, H(2, 0)}},
        {"Europe/Dublin", 0, H(1, 0), {3, 5, 0, H(1, 0)}, {10, 5, 0, H(2, 0)}},
        {"Europe/Vienna", H(1, 0), H(2, 0), {3, 5, 0, H(2, 0)}, {10, 5, 0, H(3, 0)}},
        {"Europe/Athens", H(2, 0), H(3, 0), {3, 5, 0, H(3, 0)}, {10, 5, 0, H(4, 0)}},
        {"Europe/Lisbon", 0, H(1, 0), {3, 5, 0, H(1, 0)}, {10, 5, 0, H(2, 0)}},
        {"Atlantic/Azores", -H(1, 0), 0, {3, 5, 0, 0}, {10, 5, 0, H(1, 0)}},
        {"Europe/Moscow", H(3, 0), 0, {0}, {0}},
        {"Europe/Istanbul", H(3, 0), 0, {0}, {0}},
        {"Asia/Kolkata", H(5, 30), 0, {0}, {0}},
        {"Asia/Kathmandu", H(5, 45), 0, {0}, {0}},
        {"Asia/Yangon", H(6, 30), 0, {0}, {0}},
        {"Asia/Tokyo", H(9, 0), 0, {0}, {0}},
        {"Asia/Shanghai", H(8, 0), 0, {0}, {0}},
        {"Asia/Tehran", H(3, 30), 0, {0}, {0}},
        {"Asia/Kabul", H(4, 30), 0, {0}, {0}},
        {"Asia/Dubai", H(4, 0), 0, {0}, {0}},
        {"Asia/Beirut", H(2, 0), H(3, 0), {3, 5, 0, 0}, {10, 5, 0, 0}},
        {"Asia/Jerusalem", H(2, 0), H(3, 0), {3, 4, 4, H(26, 0)}, {10, 5, 0, H(2, 0)}},
        {"Australia/Sydney", H(10, 0), H(11, 0), {10, 1, 0, H(2, 0)}, {4, 1, 0, H(3, 0)}},
        {"Australia/Adelaide", H(9, 30), H(10, 30), {10, 1, 0, H(2, 0)}, {4, 1, 0, H(3, 0)}},
        {"Australia/Darwin", H(9, 30), 0, {0}, {0}},
        {"Australia/Lord_Howe", H(10, 30), H(11, 0), {10, 1, 0, H(2, 0)}, {4, 1, 0, H(2, 0)}},
        {"Australia/Eucla", H(8, 45), 0, {0}, {0}},
        {"Pacific/Auckland", H(12, 0), H(13, 0), {9, 5, 0, H(2, 0)}, {4, 1, 0, H(3, 0)}},
        {"Pacific/Chatham", H(12, 45), H(13, 45), {9, 5, 0, H(2, 45)}, {4, 1, 0, H(3, 45)}},
        {"Pacific/Apia", H(13, 0), 0, {0}, {0}},
        {"Pacific/Kiritimati", H(14, 0), 0, {0}, {0}},
        {"Pacific/Honolulu", -H(10, 0), 0, {0}, {0}},
        {"Pacific/Marquesas", -H(9, 30), 0, {0}, {0}},
        {"Pacific/Easter", -H(6, 0), -H(5, 0), {9, 1, 6, H(22, 0)}, {4, 1, 6, H(22, 0)}},
        {"America/New_York", -H(5, 0), -H(4, 0), {3, 2, 0, H(2, 0)}, {11, 1, 0, H(2, 0)}},
        {"America/Los_Angeles", -H(8, 0), -H(7, 0), {3, 2, 0, H(2, 0)}, {11, 1, 0, H(2, 0)}},
        {"America/Phoenix", -H(7, 0), 0, {0}, {0}},
        {"America/St_Johns", -H(3, 30), -H(2, 30), {3, 2, 0, H(2, 0)}, {11, 1, 0, H(2, 0)}},
        {"America/Sao_Paulo", -H(3, 0), 0, {0}, {0}},
        {"America/Santiago", -H(4, 0), -H(3, 0), {9, 1, 6, H(24, 0)}, {4, 1, 6, H(24, 0)}},
        {"America/Havana", -H(5, 0), -H(4, 0), {3, 2, 0, 0}, {11, 1, 0, H(1, 0)}},
        {"America/Nuuk", -H(2, 0), -H(1, 0), {3, 5, 0, -H(1, 0)}, {10, 5, 0, 0}},
        {"America/Caracas", -H(4, 0), 0, {0}, {0}},
        {"Africa/Cairo", H(2, 0), H(3, 0), {4, 5, 5, 0}, {10, 5, 4, H(24, 0)}},
        {"Africa/Johannesburg", H(2, 0), 0, {0}, {0}},
        {"Africa/Lagos", H(1, 0), 0, {0}, {0}},
        {"Antarctica/Troll", 0, H(2, 0), {3, 5, 0, H(1, 0)}, {10, 5, 0, H(3, 0)}},
        {"Etc/UTC", 0, 0, {0}, {0}},
        {"Etc/GMT+12", -H(12, 0), 0, {0}, {0}},
        {"Etc/GMT-14", H(14, 0), 0, {0}, {0}},
        {"posix/Europe/Vienna", H(1, 0), H(2, 0), {3, 5, 0, H(2, 0)}, {10, 5, 0, H(3, 0)}},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(zones); i++) {
        struct pfs_tz tz;
        struct pfs_err e = {0};
        const struct rule *s = &zones[i].start, *n = &zones[i].end;
        if (pfs_tz_load(zones[i].name, &tz, &e) != 0)
            fail_msg("%s", e.msg);
        bool right = tz.offset == zones[i].offset && tz.has_dst == (s->month > 0);
        if (tz.has_dst)
            right = right && tz.dst_offset == zones[i].dst_offset && tz.start.kind == PFS_TZ_WEEKDAY &&
                    tz.start.month == s->month && tz.start.week == s->week &&
                    tz.start.weekday == s->weekday && tz.start.seconds == s->seconds &&
                    tz.end.month == n->month && tz.end.week == n->week && tz.end.weekday == n->weekday &&
                    tz.end.seconds == n->seconds;
        if (!right)
            fail_msg("%s: %s", zones[i].name, tz.posix);
    }
}

/* Zones whose law changes from release to release: that they load, and say what their footer says. */
static void tz_unsettled_zones(void **state)
{
    static const char *const zones[] = {"Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza",
                                        "America/Asuncion"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(zones); i++) {
        struct pfs_tz tz, again;
        assert_int_equal(pfs_tz_load(zones[i], &tz, NULL), 0);
        assert_int_equal(pfs_tz_parse(tz.posix, &again, NULL), 0);
        assert_int_equal(tz.offset, again.offset);
        assert_int_equal(tz.has_dst, strchr(tz.posix, ',') != NULL);
    }
}

static void tz_strings(void **state)
{
    struct pfs_tz tz;
    assert_int_equal(pfs_tz_parse("XXX3:20:10", &tz, NULL), 0);
    assert_int_equal(tz.offset, -(3 * 3600 + 20 * 60 + 10));
    assert_false(tz.has_dst);
    assert_int_equal(pfs_tz_parse("<+14>-14<+1430>-14:30,J60/-167,J365/+167:59:59", &tz, NULL), 0);
    assert_int_equal(tz.dst_offset, H(14, 30));
    assert_string_equal(tz.abbreviation, "+14");
    assert_string_equal(tz.dst_abbreviation, "+1430");
    assert_int_equal(tz.start.kind, PFS_TZ_DAY);
    assert_int_equal(tz.start.day, 60);
    assert_int_equal(tz.start.month, 3);
    assert_int_equal(tz.start.mday, 1);
    assert_int_equal(tz.start.seconds, -H(167, 0));
    assert_int_equal(tz.end.month, 12);
    assert_int_equal(tz.end.mday, 31);
    assert_int_equal(tz.end.seconds, H(167, 59) + 59);
    assert_int_equal(pfs_tz_parse("IST-1GMT0,M10.5.0,M3.5.0/1", &tz, NULL), 0);
    assert_string_equal(tz.abbreviation, "GMT");
    assert_string_equal(tz.dst_abbreviation, "IST");
    assert_int_equal(pfs_tz_parse("AAA-24BBB,0,365", &tz, NULL), 0);
    assert_int_equal(tz.offset, 86400);
    assert_int_equal(tz.dst_offset, 90000); /* one hour more by default */
    assert_int_equal(tz.start.day, 1);
    assert_int_equal(tz.start.seconds, 7200);
    assert_int_equal(tz.end.day, 365);
    /* Daylight saving all year round (RFC 8536 3.3.1) is none. */
    assert_int_equal(pfs_tz_parse("XXX3EDT4,0/0,J365/23", &tz, NULL), 0);
    assert_false(tz.has_dst);
    assert_int_equal(tz.offset, -H(4, 0));
    assert_int_equal(pfs_tz_parse("EST5EDT,0/0,J365/25", &tz, NULL), 0);
    assert_false(tz.has_dst);
    assert_string_equal(tz.abbreviation, "EDT");
    assert_string_equal(tz.dst_abbreviation, "");
    assert_int_equal(tz.offset, -H(4, 0));
    /* Negative daylight saving, as in Morocco's years of it. */
    assert_int_equal(pfs_tz_parse("<+01>-1<+00>0,M2.3.0/3,M3.3.0/2", &tz, NULL), 0);
    assert_int_equal(tz.offset, 0);
    assert_int_equal(tz.dst_offset, H(1, 0));
    assert_int_equal(tz.start.month, 3);
    assert_int_equal(tz.end.month, 2);
    assert_string_equal(tz.posix, "<+01>-1<+00>0,M2.3.0/3,M3.3.0/2");
    assert_string_equal(tz.abbreviation, "+00");
    assert_string_equal(tz.dst_abbreviation, "+01");
}

static void tz_strings_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "CET",
        "CE-1",
        "<+>-1",
        "<+01-1",
        "CET-25",
        "CET-24:01",
        "CET-1:60",
        "CET-1:00:60",
        "CET-1 ",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "C1T-1",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,M10.5.0",
        "CET-1CEST,J366,M10.5.0",
        "CET-1CEST,366,M10.5.0",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0/,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-99999999999999999999",
        "CET-1CE,M3.5.0,M10.5.0",
        "CET-",
        "CET-1:",
        "AVERYLONGABBREVIATION-1ANOTHERVERYLONGABBREVIATION,M3.5.0,M10.5.0",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_tz tz = {.offset = 77};
        struct pfs_err e = {0};
        if (pfs_tz_parse(cases[i], &tz, &e) != -EINVAL || tz.offset != 77 ||
            !strstr(e.msg, "is no time zone rule"))
            fail_msg("%s", cases[i]);
    }
}

static void tz_names_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Europe/Vien",
        "Europe",
        "Europe/",
        "/etc/localtime",
        "../zoneinfo/UTC",
        "Europe/../UTC",
        "Europe Vienna",
        "Europe/Vienna\n",
        "Éurope",
        "zone.tab",
        "tzdata.zi",
        "europe/vienna/x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_tz tz;
        struct pfs_err e = {0};
        if (pfs_tz_load(cases[i], &tz, &e) != -EINVAL || strncmp(e.msg, "no such time zone: ", 19) != 0)
            fail_msg("\"%s\": %s", cases[i], e.msg);
    }
}

static void write_file(const char *directory, const char *name, const void *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    autofile FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
}

/* Damaged files, in a folder of our own. */
static void tz_files(void **state)
{
    static const char header[] =
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    _Static_assert(sizeof header == 44, "a header and its NUL");
    char directory[] = "/tmp/provfs-tz-XXXXXX", whole[100];
    assert_non_null(mkdtemp(directory));
    memcpy(whole, header, 44);
    memcpy(whole + 44, header, 44);
    memcpy(whole + 88, "\nCET-1\n", 7);
    setenv("PROVFS_ZONEINFO", directory, 1);
    assert_string_equal(pfs_tz_directory(), directory);
    struct pfs_tz tz;
    for (size_t n = 0; n < 95; n++) { /* cut anywhere */
        write_file(directory, "A", whole, n);
        assert_int_equal(pfs_tz_load("A", &tz, NULL), -EINVAL);
    }
    write_file(directory, "A", whole, 95);
    assert_int_equal(pfs_tz_load("A", &tz, NULL), 0);
    assert_int_equal(tz.offset, 3600);
    assert_int_equal(pfs_tz_load("UTC", &tz, NULL), -EINVAL); /* not in this folder */
    for (size_t at = 20; at < 88; at++) {                     /* counts that lead outside */
        if (at >= 44 && at < 64)
            continue;
        char saved = whole[at];
        whole[at] = '\x7f';
        write_file(directory, "A", whole, 95);
        assert_int_equal(pfs_tz_load("A", &tz, NULL), -EINVAL);
        whole[at] = saved;
    }
    whole[4] = '\0'; /* version 1 has no footer */
    write_file(directory, "A", whole, 95);
    assert_int_equal(pfs_tz_load("A", &tz, NULL), -EINVAL);
    char path[256];
    snprintf(path, sizeof path, "%s/A", directory);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pfs_tz_load("A", &tz, NULL), -EINVAL); /* and does not hang */
    unlink(path);
    rmdir(directory);
    unsetenv("PROVFS_ZONEINFO");
}

/* ---- Which value counts ---- */

#define LAYER(scope_word, object_name, rows)                                                                 \
    {                                                                                                        \
        .scope = PFS_SCOPE_##scope_word, .name = (object_name), .n = PFS_N_ELEMENTS(rows),                   \
        .settings = (rows)                                                                                   \
    }

static void layer_rows(void **state)
{
    static const struct pfs_setting rows[] = {
        {"a", -1, "a0", 0},   {"b", -1, "b0", 0},     {"b", -1, "b10", 10}, {"b", -1, NULL, 20},
        {"b", -1, "b30", 30}, {"c", -1, "c100", 100}, {"d", -1, NULL, 0},
    };
    static const struct pfs_layer l = LAYER(SITE, "site", rows), empty = {0};
    static const struct {
        const char *key;
        int64_t now;
        const char *value;
    } cases[] = {
        {"a", 5, "a0"},  {"a", INT64_MAX, "a0"}, {"b", 9, "b0"},   {"b", 10, "b10"}, {"b", 19, "b10"},
        {"b", 20, NULL}, {"b", 29, NULL},        {"b", 30, "b30"}, {"c", 99, NULL},  {"c", 100, "c100"},
        {"d", 50, NULL}, {"", 50, NULL},         {"aa", 50, NULL}, {"z", 50, NULL},  {"a", -1, NULL},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        const struct pfs_setting *s = pfs_layer_find(&l, cases[i].key, cases[i].now);
        if (cases[i].value ? !s || strcmp(s->value, cases[i].value) != 0 : s != NULL)
            fail_msg("%s at %lld", cases[i].key, (long long)cases[i].now);
    }
    assert_null(pfs_layer_find(&empty, "a", 5));
    assert_true(pfs_layer_next(&l, 5) == 10);
    assert_true(pfs_layer_next(&l, 10) == 20);
    assert_true(pfs_layer_next(&l, 50) == 100);
    assert_true(pfs_layer_next(&l, 100) == INT64_MAX);
    assert_true(pfs_layer_next(&empty, 0) == INT64_MAX);
}

static int owners_freed;

static void count_free(void *owner)
{
    owners_freed += *(int *)owner;
}

static void base_folds(void **state)
{
    static const struct pfs_setting site[] = {
        {"key.1.type", -1, "line", 0},     {"key.2.type", -1, "blf", 0},
        {"sip.port", SIP_PORT, "5060", 0}, {"sip.server", SIP_SERVER, "site", 0},
        {"yealink:x", -1, "1", 0},
    };
    static const struct pfs_setting model[] = {
        {"aastra:y", -1, "2", 0},
        {"key.1.type", -1, "none", 0},
        {"sip.port", SIP_PORT, NULL, 0}, /* ended: the site's counts */
        {"sip.server", SIP_SERVER, "model", 0},
        {"sip.server", SIP_SERVER, "model-later", 200},
    };
    static const struct pfs_setting customer[] = {{"key.1.type", -1, "blf", 150},
                                                  {"key.1.type", -1, NULL, 160}};
    static const struct pfs_layer l_site = LAYER(SITE, "site", site), l_model = LAYER(MODEL, "T46", model),
                                  l_customer = LAYER(CUSTOMER, "acme", customer);
    const struct pfs_layer *const layers[] = {&l_site, &l_model, &l_customer};
    static const struct {
        int64_t now, next;
        const char *server, *key_1;
    } cases[] = {
        {100, 150, "model", "none"},
        {150, 160, "model", "blf"},
        {160, 200, "model", "none"},
        {200, INT64_MAX, "model-later", "none"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_base *b;
        assert_int_equal(pfs_base_new(catalogue, layers, 3, cases[i].now, &b), 0);
        assert_true(b->next == cases[i].next);
        assert_string_equal(b->plain[SIP_SERVER].text, cases[i].server);
        assert_ptr_equal(b->plain[SIP_SERVER].layer, &l_model);
        assert_string_equal(b->plain[SIP_PORT].text, "5060");
        assert_null(b->plain[ZONE].text);
        assert_int_equal(b->n_others, 4);
        assert_string_equal(b->others[0].key, "aastra:y");
        assert_string_equal(b->others[1].key, "key.1.type");
        assert_string_equal(b->others[1].value.text, cases[i].key_1);
        assert_string_equal(b->others[2].key, "key.2.type");
        assert_string_equal(b->others[3].key, "yealink:x");
        struct pfs_phone p = {.catalogue = catalogue, .base = b, .now = cases[i].now};
        struct pfs_value v;
        assert_true(pfs_phone_find(&p, NULL, "key.1.type", -1, &v)); /* a file common to a model: no device */
        assert_string_equal(v.text, cases[i].key_1);
        assert_false(pfs_phone_find(&p, NULL, "key.3.type", -1, &v));
        assert_null(pfs_phone_line(&p, 1));
        assert_true(pfs_phone_next(&p) == cases[i].next);
        pfs_base_unref(b);
    }
}

static void base_and_device_are_counted(void **state)
{
    int owner = 1;
    struct pfs_base *b;
    assert_int_equal(pfs_base_new(catalogue, NULL, 0, 0, &b), 0);
    assert_true(b->next == INT64_MAX);
    b->owner = &owner;
    b->owner_unref = count_free;
    assert_ptr_equal(pfs_base_ref(b), b);
    owners_freed = 0;
    pfs_base_unref(b);
    assert_int_equal(owners_freed, 0);
    pfs_base_unref(b);
    assert_int_equal(owners_freed, 1);
    pfs_base_unref(NULL);
    struct pfs_device *d = pfs_device_new();
    assert_non_null(pfs_arena_strdup(&d->arena, "x"));
    assert_ptr_equal(pfs_device_ref(d), d);
    pfs_device_unref(d);
    pfs_device_unref(d);
    pfs_device_unref(NULL);
}

/* Every scope sets what its letter says; the strongest that does is found. Rows from the weakest scope to the
 * strongest: for step i only the scopes up to i set anything. */
static void precedence_step_by_step(void **state)
{
    static const char *const names[] = {"site",   "model", "shared",  "customer", "owned",
                                        "device", "other", "account", "line"};
    enum { SITE, MODEL, SHARED_PROFILE, CUSTOMER, OWNED_PROFILE, DEVICE, OTHER, ACCOUNT, LINE, N };
    static const struct {
        const char *key;
        int id;
    } keys[] = {{"sip.server", SIP_SERVER}, {"key.1.line", -1}}; /* both may stand on a line */
    for (size_t k = 0; k < PFS_N_ELEMENTS(keys); k++)
        for (int top = -1; top < N; top++) {
            struct pfs_setting rows[N];
            struct pfs_layer layers[N];
            const struct pfs_layer *chain[DEVICE];
            for (int i = 0; i < N; i++) {
                rows[i] = (struct pfs_setting){keys[k].key, keys[k].id, names[i], 0};
                layers[i] = (struct pfs_layer){.name = names[i], .n = i <= top ? 1 : 0, .settings = &rows[i]};
                if (i < DEVICE)
                    chain[i] = &layers[i];
            }
            struct pfs_base *b;
            assert_int_equal(pfs_base_new(catalogue, chain, DEVICE, 0, &b), 0);
            struct pfs_line line = {.number = 1,
                                    .account = "1001@other",
                                    .settings = layers[LINE],
                                    .account_settings = layers[ACCOUNT]};
            struct pfs_device d = {.settings = layers[DEVICE], .n_lines = 1, .lines = &line};
            const struct pfs_layer *customers[] = {&layers[OTHER]};
            struct pfs_phone p = {.catalogue = catalogue,
                                  .base = b,
                                  .device = &d,
                                  .n_customer_layers = 1,
                                  .line_customers = customers};
            struct pfs_value v = {0};
            assert_int_equal(pfs_phone_find(&p, &line, keys[k].key, keys[k].id, &v), top >= 0);
            if (top >= 0) {
                assert_string_equal(v.text, names[top]);
                assert_string_equal(v.layer->name, names[top]);
            }
            /* The device itself sees nothing of its lines. */
            assert_int_equal(pfs_phone_find(&p, NULL, keys[k].key, keys[k].id, &v), top >= 0);
            if (top >= 0)
                assert_string_equal(v.text, names[PFS_MIN(top, (int)DEVICE)]);
            pfs_base_unref(b);
        }
}

/* A device of acme's; line 1 with an account of acme's, line 2 with one of another customer, line 3 without
 * one. */
static const struct pfs_setting r_base[] = {
    {"sip.server", SIP_SERVER, "site.example", 0},
    {"time.zone", ZONE, "Europe/Vienna", 0},
    {"yealink:a", -1, "base-a", 0},
    {"yealink:b", -1, "base-b", 0},
    {"yealink:c", -1, "base-c", 0},
    {"yealinkx:a", -1, "not this vendor's", 0},
};
static const struct pfs_setting r_device[] = {
    {"phone.web", WEB, "", 0},  {"sip.transport", TRANSPORT, "tcp", 500}, {"yealink:b", -1, "device-b", 0},
    {"yealink:c", -1, NULL, 0}, {"yealink:d", -1, "device-d", 0},         {"yealink:e", -1, "later", 600},
};
static const struct pfs_setting r_account_1[] = {
    {"sip.user", SIP_USER, "anna", 0},
    {"yealink:a", -1, "account-a", 0},
    {"yealink:f", -1, "account-f", 0},
    {"yealink:g", -1, NULL, 0},
};
static const struct pfs_setting r_line_1[] = {
    {"sip.server", SIP_SERVER, NULL, 0}, {"yealink:f", -1, "line-f", 0}, {"yealink:g", -1, "line-g", 0},
    {"yealink:h", -1, "line-h", 800},    {"yealink:i", -1, "line-i", 0},
};
static const struct pfs_setting r_other[] = {
    {"key.1.line", -1, "3", 0},
    {"key.1.type", -1, "blf", 0},
    {"sip.server", SIP_SERVER, "other.example", 0},
    {"time.zone", ZONE, "Asia/Tokyo", 0},
    {"yealink:a", -1, "other-a", 0},
    {"sip.zzz", -1, "unknown", 700},
};
static const struct pfs_layer l_base = LAYER(SITE, "site", r_base),
                              l_other = LAYER(CUSTOMER, "other", r_other);

struct world {
    struct pfs_base *base;
    struct pfs_line lines[3];
    struct pfs_device device;
    const struct pfs_layer *customers[3];
    struct pfs_phone phone;
};

static void world_init(struct world *w, int64_t now)
{
    const struct pfs_layer *const chain[] = {&l_base};
    *w = (struct world){
        .lines = {{.number = 1,
                   .account = "1001@acme",
                   .settings = LAYER(LINE, "m/1", r_line_1),
                   .account_settings = LAYER(ACCOUNT, "1001@acme", r_account_1)},
                  {.number = 2, .account = "2002@other"},
                  {.number = 5}},
        .device = {.settings = LAYER(DEVICE, "m", r_device), .n_lines = 3},
        .customers = {NULL, &l_other, NULL},
    };
    assert_int_equal(pfs_base_new(catalogue, chain, 1, now, &w->base), 0);
    w->device.lines = w->lines;
    w->phone = (struct pfs_phone){.catalogue = catalogue,
                                  .base = w->base,
                                  .device = &w->device,
                                  .now = now,
                                  .n_customer_layers = 3,
                                  .line_customers = w->customers};
}

static void expect(const struct pfs_phone *p, const struct pfs_line *line, const char *key, const char *text)
{
    struct pfs_key k;
    struct pfs_value v;
    char scratch[PFS_KEY_MAX];
    assert_int_equal(pfs_catalogue_find(catalogue, key, &k, NULL), 0);
    pfs_phone_get(p, line, key, k.entry, scratch, &v);
    assert_string_equal(v.text, text);
}

static void other_customers_account(void **state)
{
    struct world w;
    world_init(&w, 100);
    const struct pfs_line *one = pfs_phone_line(&w.phone, 1), *two = pfs_phone_line(&w.phone, 2);
    assert_ptr_equal(pfs_phone_line(&w.phone, 5), &w.lines[2]);
    assert_null(pfs_phone_line(&w.phone, 3));
    assert_null(pfs_phone_line(&w.phone, 0));
    expect(&w.phone, one, "sip.server", "site.example"); /* the line's own row has ended */
    expect(&w.phone, two, "sip.server", "other.example");
    expect(&w.phone, NULL, "sip.server", "site.example");
    expect(&w.phone, two, "key.1.line", "3");
    expect(&w.phone, two, "key.1.type", "none"); /* may not stand on a line */
    expect(&w.phone, two, "time.zone", "Europe/Vienna");
    struct pfs_value v;
    assert_true(pfs_phone_find(&w.phone, two, "yealink:a", -1, &v));
    assert_string_equal(v.text, "base-a"); /* overrides not at all */
    w.phone.now = 700;
    assert_false(pfs_phone_find(&w.phone, two, "sip.zzz", -1, &v)); /* nor what the catalogue does not know */
    w.phone.n_customer_layers = 1;
    expect(&w.phone, two, "sip.server", "site.example");
    w.phone.line_customers = NULL;
    expect(&w.phone, two, "sip.server", "site.example");
    pfs_base_unref(w.base);
}

static void defaults(void **state)
{
    struct world w;
    world_init(&w, 100);
    const struct pfs_line *one = &w.lines[0], *two = &w.lines[1], *none = &w.lines[2];
    expect(&w.phone, NULL, "sip.transport", "udp");
    expect(&w.phone, NULL, "phone.web", "");     /* set, to nothing */
    expect(&w.phone, NULL, "provision.url", ""); /* no default */
    expect(&w.phone, NULL, "key.7.type", "none");
    expect(&w.phone, one, "sip.user", "anna");
    expect(&w.phone, one, "sip.auth_user", "anna");
    expect(&w.phone, one, "test.deep", "anna");
    expect(&w.phone, two, "sip.user", "2002");
    expect(&w.phone, two, "sip.auth_user", "2002");
    expect(&w.phone, two, "test.deep", "2002");
    expect(&w.phone, none, "sip.user", "");
    expect(&w.phone, NULL, "sip.user", "");
    w.phone.now = 500;
    expect(&w.phone, NULL, "sip.transport", "tcp");
    /* A catalogue in a circle does not hang a render. */
    entries[SIP_USER].default_kind = PFS_DEFAULT_KEY;
    entries[SIP_USER].default_id = DEEP;
    expect(&w.phone, two, "sip.user", "");
    entries[SIP_USER].default_kind = PFS_DEFAULT_ACCOUNT;
    struct pfs_value v;
    char scratch[PFS_KEY_MAX];
    pfs_phone_get(&w.phone, one, "sip.auth_user", &entries[SIP_AUTH_USER], scratch, &v);
    assert_null(v.layer); /* the default, though another key was set */
    pfs_phone_get(&w.phone, one, "sip.user", &entries[SIP_USER], scratch, &v);
    assert_ptr_equal(v.layer, &one->account_settings);
    pfs_base_unref(w.base);
}

static int collect(void *arg, const char *native_key, const struct pfs_value *value)
{
    struct pfs_buf *b = arg;
    if (strcmp(native_key, "stop") == 0)
        return 7;
    pfs_buf_printf(b, "%s=%s ", native_key, value->text);
    return 0;
}

static void expect_overrides(const struct pfs_phone *p, const struct pfs_line *line, const char *vendor,
                             const char *text)
{
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    assert_int_equal(pfs_phone_overrides(p, line, vendor, collect, &b), 0);
    assert_string_equal(pfs_buf_str(&b), text);
}

static void overrides(void **state)
{
    struct world w;
    world_init(&w, 100);
    /* yealink:c has ended in the device, the base's counts; e has not begun. */
    expect_overrides(&w.phone, NULL, "yealink", "a=base-a b=device-b c=base-c d=device-d ");
    expect_overrides(&w.phone, NULL, "yealinkx", "a=not this vendor's ");
    expect_overrides(&w.phone, NULL, "yea", "");
    expect_overrides(&w.phone, NULL, "zzz", "");
    expect_overrides(&w.phone, &w.lines[0], "yealink", "a=account-a f=line-f g=line-g i=line-i ");
    expect_overrides(&w.phone, &w.lines[1], "yealink", "");
    expect_overrides(&w.phone, &w.lines[2], "yealink", "");
    w.phone.now = 800;
    expect_overrides(&w.phone, NULL, "yealink", "a=base-a b=device-b c=base-c d=device-d e=later ");
    expect_overrides(&w.phone, &w.lines[0], "yealink", "a=account-a f=line-f g=line-g h=line-h i=line-i ");
    w.phone.device = NULL;
    expect_overrides(&w.phone, NULL, "yealink", "a=base-a b=base-b c=base-c ");
    static const struct pfs_setting stop[] = {
        {"yealink:a", -1, "1", 0}, {"yealink:stop", -1, "1", 0}, {"yealink:z", -1, "1", 0}};
    struct pfs_device d = {.settings = LAYER(DEVICE, "d", stop)};
    struct pfs_phone p = {.catalogue = catalogue, .device = &d}; /* no base at all */
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    assert_int_equal(pfs_phone_overrides(&p, NULL, "yealink", collect, &b), 7);
    assert_string_equal(pfs_buf_str(&b), "a=1 ");
    char vendor[300];
    memset(vendor, 'v', sizeof vendor - 1);
    vendor[sizeof vendor - 1] = '\0';
    assert_int_equal(pfs_phone_overrides(&p, NULL, vendor, collect, &b), 0);
    pfs_base_unref(w.base);
}

static void add_layer_name(void *arg, const struct pfs_layer *layer)
{
    pfs_buf_printf(arg, "%s ", layer->name);
}

static void layers_and_next(void **state)
{
    struct world w;
    world_init(&w, 100);
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    pfs_phone_layers(&w.phone, NULL, add_layer_name, &b);
    assert_string_equal(pfs_buf_str(&b), "site m ");
    pfs_buf_reset(&b);
    pfs_phone_layers(&w.phone, &w.lines[0], add_layer_name, &b);
    assert_string_equal(pfs_buf_str(&b), "site m 1001@acme m/1 ");
    w.lines[1].settings.name = "m/2";
    w.lines[1].account_settings.name = "2002@other";
    pfs_buf_reset(&b);
    pfs_phone_layers(&w.phone, &w.lines[1], add_layer_name, &b);
    assert_string_equal(pfs_buf_str(&b), "site m other 2002@other m/2 ");
    /* device 500 and 600, other customer 700, line 800 */
    assert_true(pfs_phone_next(&w.phone) == 500);
    w.phone.now = 500;
    assert_true(pfs_phone_next(&w.phone) == 600);
    w.phone.now = 600;
    assert_true(pfs_phone_next(&w.phone) == 700);
    w.phone.now = 700;
    assert_true(pfs_phone_next(&w.phone) == 800);
    static const struct pfs_setting reference_rows[] = {{"sip.user", SIP_USER, "later", 900}};
    struct pfs_reference reference = {.account = "1002@acme",
                                      .settings = LAYER(ACCOUNT, "1002@acme", reference_rows)};
    w.phone.now = 800;
    assert_true(pfs_phone_next(&w.phone) == INT64_MAX);
    w.device.references = &reference;
    w.device.n_references = 1;
    assert_true(pfs_phone_next(&w.phone) == 900);
    pfs_base_unref(w.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_found),
        cmocka_unit_test(keys_refused),
        cmocka_unit_test(key_length),
        cmocka_unit_test(lengths_of_keys),
        cmocka_unit_test(overrides_and_secrets),
        cmocka_unit_test(values_taken),
        cmocka_unit_test(values_refused),
        cmocka_unit_test(value_length),
        cmocka_unit_test(names),
        cmocka_unit_test(words),
        cmocka_unit_test(mac_spellings),
        cmocka_unit_test(mac_refused),
        cmocka_unit_test(mac_scans_names),
        cmocka_unit_test(mac_formats),
        cmocka_unit_test(pattern_formats_and_matches),
        cmocka_unit_test(pattern_without_field),
        cmocka_unit_test(pattern_refused),
        cmocka_unit_test(pattern_length),
        cmocka_unit_test(pattern_folders),
        cmocka_unit_test(paths),
        cmocka_unit_test(tz_zones),
        cmocka_unit_test(tz_unsettled_zones),
        cmocka_unit_test(tz_strings),
        cmocka_unit_test(tz_strings_refused),
        cmocka_unit_test(tz_names_refused),
        cmocka_unit_test(tz_files),
        cmocka_unit_test(layer_rows),
        cmocka_unit_test(base_folds),
        cmocka_unit_test(base_and_device_are_counted),
        cmocka_unit_test(precedence_step_by_step),
        cmocka_unit_test(other_customers_account),
        cmocka_unit_test(defaults),
        cmocka_unit_test(overrides),
        cmocka_unit_test(layers_and_next),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

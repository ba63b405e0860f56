/* Every syntax with hostile values: what is written is read back the same by an independent reader, or it was
 * refused. */
#include "read_back.h"
#include "render_fixture.h"

static const struct {
    const char *file;           /* its attributes */
    const char *before, *after; /* the pairs */
    struct read_form form;      /* of entries that are not Linphone's */
    const char *forms;          /* the same for the template */
} syntaxes[] = {
    {"syntax='properties'", "", ""},
    {"syntax='plain'", "", ""},
    {"syntax='colon'", "", ""},
    {"syntax='quoted'", "", ""},
    {"syntax='enclosed'", "", ""},
    {"syntax='ini'", "<section name='s'>", "</section>"},
    {"syntax='xml-element'", "<element name='r'>", "</element>"},
    {"syntax='xml-tree'", "<element name='r'><element name='s'>", "</element></element>"},
    {"syntax='xml-attribute'", "<element name='r'>", "</element>"},
    {"syntax='xml-entry'", "<element name='r'><section name='s'>", "</section></element>"},
    {"syntax='xml-entry'",
     "<element name='r'><section name='s'>",
     "</section></element>",
     {"setting", "@id", "@value", "section", "@name"},
     "<pair><setting id='KEY' value='VALUE' override='true'/></pair>"},
    {"syntax='xml-entry'",
     "<element name='r'><section name='s'>",
     "</section></element>",
     {"P", "Name", "Value", "O", "Name"},
     "<pair><P><Value>VALUE</Value> "
     "<Name>KEY</Name></P></pair><group><O><Name>SECTION</Name><content/></O></group>"},
    {"syntax='plain' before='SET ' between=' ' comment='## ' enclose-if='#'", "", ""},
    {"syntax='enclosed' before='SET ' between=' '", "", ""},
    {"syntax='quoted' between=': ' section-begin='&lt; ' section-end=' >'", "<section name='s'>",
     "</section>"},
    {"syntax='properties' between=':' comment='rem '", "", ""},
    {"syntax='ini' enclose-if='#; '", "<section name='s'>", "</section>"},
};

static const char three[] =
    "<set key='before' value='x'/><set key='k' value='{sip.password}'/><set key='after' value='y'/>";

static const struct read_form *form; /* of the template made last; NULL: Linphone's */

static struct pfs_template *template_of(size_t syntax, const char *attrs)
{
    char text[1024];
    snprintf(text, sizeof text,
             "<template vendor='v'><model name='m' lines='1'/><file name='{mac}.cfg' main='yes' %s %s>"
             "%s<lines>%s%s%s</lines></file></template>",
             syntaxes[syntax].file, attrs, syntaxes[syntax].forms ? syntaxes[syntax].forms : "",
             syntaxes[syntax].before, three, syntaxes[syntax].after);
    form = syntaxes[syntax].form.pair ? &syntaxes[syntax].form : NULL;
    return must_parse(text);
}

/* True: written and read back; false: refused. */
static bool round_trip(struct pfs_template *t, const char *value, size_t len)
{

    struct bench b;
    struct pfs_err err = {""};
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    bench_init(&b);
    add_line(&b, 1, "a");
    set_account(&b, 1, "sip.password", value);
    int r = render_named(t, NULL, NULL, &b, &out, &err);
    bench_done(&b);
    const struct pfs_file_spec *spec = t->models[0].files[0].spec;
    if (r < 0) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(err.msg, "test.xml:"));
        if (len > 8)
            assert_null(strstr(err.msg, value)); /* a secret */
        return false;
    }
    struct pairs pairs = {0};
    if (!read_back(spec->syntax, form, spec->rules.latin1, out.data, out.len, &pairs))
        fail_msg("%s: %s\n%.*s", spec->syntax->name, pairs.why, (int)out.len, out.data);
    if (pairs.n != 3 || !pair_is(&pairs.all[0], "before", "x", 1) ||
        !pair_is(&pairs.all[1], "k", value, len) || !pair_is(&pairs.all[2], "after", "y", 1))
        fail_msg("%s: read back otherwise:\n%.*s", spec->syntax->name, (int)out.len, out.data);
    pairs_done(&pairs);
    return true;
}

/* What each syntax can write is said here once more, in other words. */
static bool expected(const struct pfs_file_spec *s, const char *v, size_t len)
{
    bool xml = s->syntax->is_xml, latin1 = s->rules.latin1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)v[i], next = (unsigned char)v[i + 1],
                      third = (unsigned char)(next ? v[i + 2] : 0);
        bool c0 = c < 0x20 || (c == 0x7f && !xml);
        if (c0 && !(xml && (c == '\t' || c == '\n' || c == '\r')))
            return false;
        if (c == 0xc2 && next < 0xa0 && !xml)
            return false;
        if (c >= 0xc4 && latin1 && !xml)
            return false;
        if (c == 0xef && next == 0xbf && third >= 0xbe && xml)
            return false;
    }
    bool edge = len && (v[0] == ' ' || v[0] == '\t' || v[len - 1] == ' ' || v[len - 1] == '\t');
    bool quote =
        strchr(v, '"') && (s->syntax->quoting == PFS_QUOTING_BARE || s->syntax->quoting == PFS_QUOTING_IF);
    return xml || (!quote && (!edge || s->syntax->quoting != PFS_QUOTING_NONE));
}

static const char *const valid[] = {
    "",
    "x",
    "\"",
    "\"\"",
    "'",
    "\\",
    "\\\\",
    "a\\",
    "a\\\"",
    "\\\"",
    "\\n",
    "\"; rm -rf /",
    "a\" b=\"c",
    "a=b",
    "a = b",
    "= b",
    "a: b",
    ": ",
    "[section]",
    "[",
    "]",
    "#",
    "# x",
    ";",
    "; x",
    "a ; b",
    "a # b",
    "!",
    "//",
    "%NULL%",
    "%s%n%d",
    "%",
    "$",
    "$(reboot)",
    "${HOME}",
    "`id`",
    "{sip.user}",
    "{{",
    "}}",
    "{mac}",
    "<",
    ">",
    "&",
    "&amp;",
    "&lt;x&gt;",
    "&#10;",
    "&#x0;",
    "&unknown;",
    "]]>",
    "]]",
    "<![CDATA[x]]>",
    "<!-- x -->",
    "-->",
    "--",
    "</k><k>",
    "</r>",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE x>",
    "\n",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "\nafter = z",
    "a\nafter = z\n",
    "a\n[section]\nx=y",
    "a\tb",
    "\t",
    " ",
    " a",
    "a ",
    "  a  ",
    "\ta",
    "a\t",
    "a  b",
    "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f",
    "\xc2\x80",
    "\xc2\x85",
    "\xc2\x9f",
    "\xc2\xa0",
    "\xc2\xa0 a",
    "\xc3\xbf",
    "\xc4\x80",
    "\xe2\x82\xac",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xe2\x80\xae",
    "\xe2\x80\x8b",
    "\xef\xbb\xbf",
    "\xef\xbb\xbf a",
    "\xef\xbf\xbd",
    "\xef\xbf\xbe",
    "\xef\xbf\xbf",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xf0\x9f\x93\x9e",
    "\xf0\x9f\xbf\xbe",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
    "\xcc\x81",
    "a\xcc\x81",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "off",
    "0",
    "yes",
    "none",
    "null",
    "include other.cfg",
    "a,b,c",
    "sip:1001@example.net;transport=tls",
    "C:\\temp\\new",
};

static const char *const no_text[] = {
    "\x80",
    "\xff",
    "\xc0\xaf",
    "\xc3",
    "a\xc3",
    "\xc3(",
    "\xe2\x82",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xe0\x9f\xbf",
    "\xfe",
    "\xf8\x88\x80\x80\x80",
    "\xc1\x81",
};

static const char *const variants[] = {"", "eol='crlf'", "encoding='iso-8859-1'",
                                       "eol='crlf' encoding='iso-8859-1'"};

static unsigned check_one(struct pfs_template *t, const char *value)
{
    size_t len = strlen(value);
    bool want = expected(t->models[0].files[0].spec, value, len);
    if (round_trip(t, value, len) != want)
        fail_msg("%s %s: %s", t->models[0].files[0].spec->syntax->name, want ? "refused" : "took", value);
    return 1;
}

/* Each ASCII character alone, at both ends and in the middle. */
static unsigned check_ascii(struct pfs_template *t)
{
    unsigned n = 0;
    for (int c = 1; c < 0x80; c++) {
        const char values[][4] = {
            {(char)c}, {(char)c, 'x'}, {'x', (char)c}, {'x', (char)c, 'y'}, {(char)c, (char)c}};
        for (size_t i = 0; i < PFS_N_ELEMENTS(values); i++)
            n += check_one(t, values[i]);
    }
    return n;
}

static void values_come_back(void **state)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(syntaxes); i++)
        for (size_t v = 0; v < PFS_N_ELEMENTS(variants); v++) {
            struct pfs_template *t = template_of(i, variants[v]);
            unsigned n = check_ascii(t);
            for (size_t j = 0; j < PFS_N_ELEMENTS(valid); j++)
                n += check_one(t, valid[j]);
            for (size_t j = 0; j < PFS_N_ELEMENTS(no_text); j++)
                assert_false(round_trip(t, no_text[j], strlen(no_text[j])));
            assert_true(n > 200);
            pfs_template_unref(t);
        }
}

static void long_values(void **state)
{
    static char value[PFS_VALUE_MAX + 2];
    for (size_t i = 0; i < PFS_N_ELEMENTS(syntaxes); i++) {
        struct pfs_template *t = template_of(i, "");
        memset(value, '&', sizeof value);
        value[PFS_VALUE_MAX] = '\0';
        assert_true(round_trip(t, value, PFS_VALUE_MAX));
        memset(value, '"', PFS_VALUE_MAX);
        enum pfs_quoting quoting = t->models[0].files[0].spec->syntax->quoting;
        bool holds_quotes = quoting == PFS_QUOTING_NONE || quoting == PFS_QUOTING_ESCAPED;
        assert_true(round_trip(t, value, PFS_VALUE_MAX) == holds_quotes);
        pfs_template_unref(t);
    }
}

static void refusals(void **state)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(syntaxes); i++) {
        struct pfs_template *t =
            template_of(i, "refuse='newline edge-blank non-ascii' reserved='%NULL% none'");
        static const char *const bad[] = {"a\nb", "a\rb",     " a",           "a ",     "\ta", "\na",
                                          "a\n",  "\xc3\xa4", "\xe2\x82\xac", "%NULL%", "none"};
        static const char *const good[] = {"a b", "a%NULL%", "None", "", "%null%"};
        for (size_t j = 0; j < PFS_N_ELEMENTS(bad); j++)
            assert_false(round_trip(t, bad[j], strlen(bad[j])));
        for (size_t j = 0; j < PFS_N_ELEMENTS(good); j++)
            assert_true(round_trip(t, good[j], strlen(good[j])));
        pfs_template_unref(t);
    }
}

static void refused_characters(void **state)
{
    static const char *const bad[] = {"\"", "a#b", "#", "\xc3\xa4", "x\xc3\xa4", "123456789"};
    static const char *const good[] = {"", "'", "\xc3\xb6", "12345678"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(syntaxes); i++) {
        struct pfs_template *t = template_of(i, "refuse-characters='&quot;#\xc3\xa4' max-value='8'");
        for (size_t j = 0; j < PFS_N_ELEMENTS(bad); j++)
            assert_false(round_trip(t, bad[j], strlen(bad[j])));
        for (size_t j = 0; j < PFS_N_ELEMENTS(good); j++)
            assert_true(round_trip(t, good[j], strlen(good[j])));
        pfs_template_unref(t);
    }
}

/* The same values in attributes, sections' names and lines of text. */
static void values_elsewhere(void **state)
{
    struct pfs_template *t =
        must_parse("<template vendor='v'><model name='m' lines='1'/><file name='{mac}.cfg' main='yes' "
                   "syntax='xml-attribute'>"
                   "<lines><element name='r'><attribute name='before' value='x'/><attribute name='k' "
                   "value='{sip.password}'/>"
                   "<attribute name='after' value='y'/></element></lines></file></template>");
    for (size_t i = 0; i < PFS_N_ELEMENTS(valid); i++)
        check_one(t, valid[i]);
    pfs_template_unref(t);
}

static void names_of_sections(void **state)
{
    static const char *const bad[] = {"", "a]b", "]", "a\nb", " a", "a ", "a\tb", "a\x01", "%NULL%"};
    static const char *const good[] = {"a", "a b", "[", "a=b", "#", "\xc3\xa4"};
    struct bench b;
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad) + PFS_N_ELEMENTS(good); i++) {
        bool is_bad = i < PFS_N_ELEMENTS(bad);
        const char *name = is_bad ? bad[i] : good[i - PFS_N_ELEMENTS(bad)];
        char text[64];
        bench_init(&b);
        set_device(&b, "provision.url", name);
        snprintf(text, sizeof text, "[%s]\nk=v\n", name);
        static const char content[] = "<section name='{provision.url}'><set key='k' value='v'/></section>";
        if (is_bad)
            check_refused("syntax='ini' reserved='%NULL%'", content, &b, EINVAL, "section's name");
        else
            check_content("syntax='ini' reserved='%NULL%'", content, &b, text);
        bench_done(&b);
    }
}

static void names_of_elements(void **state)
{
    static const char *const bad[] = {"",    "a b", "a>",  "<a",       "a\"",  "1a", "-a",
                                      "a=b", "a/",  "a:b", "\xc3\xa4", "a\nb", "a'"};
    struct bench b;
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad); i++) {
        bench_init(&b);
        set_device(&b, "provision.url", bad[i]);
        check_refused("syntax='xml-element'", "<element name='{provision.url}'/>", &b, EINVAL, "cannot be");
        check_refused("syntax='xml-entry'", "<element name='{provision.url}'/>", &b, EINVAL, "cannot be");
        check_refused("syntax='xml-entry'",
                      "<element name='a'><attribute name='{provision.url}' value='x'/></element>", &b, EINVAL,
                      "cannot be");
        check_refused("syntax='xml-element'",
                      "<element name='a'><set key='{provision.url}' value='x'/></element>", &b, EINVAL,
                      "cannot be");
        check_refused("syntax='xml-attribute'",
                      "<element name='a'><set key='{provision.url}' value='x'/></element>", &b, EINVAL,
                      "cannot be");
        bench_done(&b);
    }
}

/* Attributes that a key carries. */
static void keys_with_attributes(void **state)
{
    static const char *const bad[] = {"a@",      "a@x",    "a@x=",         "@x=1",     "a@x=1@x=2", "a@x=1@",
                                      "a@x=1=2", "a@x=\"", "a@x=<",        "a@x=&lt;", "a@x=1/2",   "a@1=x",
                                      "a@x=a b", "a@y=1",  "a@x=\xc3\xa4", "a@x:y=1",  "a@x='",     "a@w=1"};
    static const char *const good[] = {"a", "a@x=1", "a@x=1@z=b.c-d:e", "a@x=#"};
    static const char content[] =
        "<element name='r'><set key='{provision.url}' attr='y=\"\"' value='v'><attribute name='w' "
        "value='{time.ntp}'/></set></element>";
    struct bench b;
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad); i++) {
        bench_init(&b);
        set_device(&b, "provision.url", bad[i]);
        check_refused("syntax='xml-element'", content, &b, EINVAL,
                      strcmp(bad[i], "a@y=1") == 0   ? "has the attribute \"y\" already"
                      : strcmp(bad[i], "a@w=1") == 0 ? "has the attribute \"w\" already"
                                                     : "cannot be a key");
        bench_done(&b);
    }
    for (size_t i = 0; i < PFS_N_ELEMENTS(good); i++) {
        struct pfs_template *t =
            must_parse("<template vendor='v'><model name='m' lines='1'/><file name='{mac}' "
                       "main='yes' syntax='xml-element'><element name='r'><set "
                       "key='{provision.url}' value='v'/></element></file></template>");
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        struct pairs pairs = {0};
        bench_init(&b);
        set_device(&b, "provision.url", good[i]);
        assert_int_equal(render_named(t, NULL, NULL, &b, &out, NULL), 0);
        assert_true(read_back(t->specs[0].syntax, NULL, false, out.data, out.len, &pairs));
        assert_true(pairs.n == 1 && pair_is(&pairs.all[0], good[i], "v", 1));
        pairs_done(&pairs);
        pfs_template_unref(t);
        bench_done(&b);
    }
}

static void keys_of_lines(void **state)
{
    static const char *const bad[] = {"",   "a=b", "a:b",  " a",   "a ",       "a  b", "#a", ";a",
                                      "!a", "[a",  "a\"b", "a\nb", "\xc3\xa4", "a\tb", " "};
    static const char *const good[] = {"a b c", "a[1].x", "a|b", "a/b", "a.b", "a#b", "a]", "a<"};
    static const char *const kinds[] = {"syntax='properties'", "syntax='plain'",    "syntax='colon'",
                                        "syntax='quoted'",     "syntax='enclosed'", "syntax='ini'"};
    struct bench b;
    for (size_t i = 0; i < PFS_N_ELEMENTS(bad); i++)
        for (size_t j = 0; j < PFS_N_ELEMENTS(kinds); j++) {
            bench_init(&b);
            set_device(&b, "provision.url", bad[i]);
            check_refused(kinds[j], "<set key='{provision.url}' value='x'/>", &b, EINVAL, "cannot be a key");
            bench_done(&b);
        }
    for (size_t i = 0; i < PFS_N_ELEMENTS(good); i++) {
        char text[64];
        bench_init(&b);
        set_device(&b, "provision.url", good[i]);
        snprintf(text, sizeof text, "%s=x\n", good[i]);
        check_content("syntax='plain'", "<set key='{provision.url}' value='x'/>", &b, text);
        bench_done(&b);
    }
}

/* What a file's own signs make impossible in a key. */
static void keys_and_signs(void **state)
{
    static const struct {
        const char *attrs, *key;
    } all[] = {
        {"syntax='plain' between=' '", "a b"},
        {"syntax='plain' between=' -> '", "a-b"},
        {"syntax='plain' comment='rem '", "remote"},
        {"syntax='plain' section-begin='&lt;' section-end='&gt;'", "<a"},
    };
    struct bench b;
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        bench_init(&b);
        set_device(&b, "provision.url", all[i].key);
        check_refused(all[i].attrs, "<set key='{provision.url}' value='x'/>", &b, EINVAL, "cannot be a key");
        bench_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),  cmocka_unit_test(long_values),
        cmocka_unit_test(refusals),          cmocka_unit_test(refused_characters),
        cmocka_unit_test(values_elsewhere),  cmocka_unit_test(names_of_sections),
        cmocka_unit_test(names_of_elements), cmocka_unit_test(keys_of_lines),
        cmocka_unit_test(keys_and_signs),    cmocka_unit_test(keys_with_attributes),
    };
    return cmocka_run_group_tests(tests, fixture_up, fixture_down);
}

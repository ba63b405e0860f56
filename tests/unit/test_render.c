/* The template language: expressions, elements, overrides, names, limits, and the examples of its manual. */
#include "render_fixture.h"

#define PROPERTIES "syntax='properties'"

/* ---- Expressions ---- */

static void expressions(void **state)
{
    static const struct {
        const char *expression, *value;
    } all[] = {
        {"x", "x"},
        {"", ""},
        {"{{x}}", "{x}"},
        {"{{{sip.transport}}}", "{udp}"},
        {"a{sip.transport}b{sip.transport}", "audpbudp"},
        {"{ sip.transport }", "udp"},
        {"{'a}b'}", "a}b"},
        {"{'a|b' | upper}", "A|B"},
        {"{5}", "5"},
        {"{-5|add +3}", "-2"},
        {"&lt;&amp;&quot;", "<&\""},
        {"{sip.transport|map m}", "0"},
        {"{sip.transport|map d}", "other"},
        {"{''|map d}", "none"},
        {"{phone.web|bool 'Yes' 'No'}", "Yes"},
        {"{'off'|bool 1 2}", "2"},
        {"{'no'|bool 1 2}{'0'|bool 1 2}{'none'|bool 1 2}{'false'|bool 1 2}{''|bool 1 2}", "22222"},
        {"{'No'|bool 1 2}{'00'|bool 1 2}{' '|bool 1 2}", "111"},
        {"{''|default 'x'}{'y'|default 'x'}{''|default sip.transport}", "xyudp"},
        {"{'a'|is 'a' 'b'}{'b'|is 'a' 'b'}{'c'|is 'a' 'b'}{''|is ''}", "ononoffon"},
        {"{'on'|not}{''|not}", "offon"},
        {"{'0'|set}{''|set}", "onoff"},
        {"{net.vlan|isset}{time.zone|isset}", "offon"},
        {"{phone.web|and net.lldp}{phone.web|and ''}{''|or 'x'}{''|or 0}", "onoffonoff"},
        {"{'0'|nonzero}{'00'|nonzero}{''|nonzero}", "00"},
        {"{3|add 4}{3|sub 4}{3|mul -4}", "7-1-12"},
        {"{7|div 2}|{-7|div 2}|{7|div -1}|{7|mod 3}|{-7|mod 3}|{7|mod -3}|{7|mod -1}", "3|-3|-7|1|-1|1|0"},
        {"{''|add 1}{''|pad 3}{''|hex}{''|sign}{''|abs}{''|duration '%h'}{''|mod 2}", ""},
        {"{-9223372036854775808|abs}", "9223372036854775807"},
        {"{'-5'|abs}{'5'|abs}", "55"},
        {"{5|pad 3}|{-5|pad 3}|{1234|pad 3}|{0|pad 0}", "005|-005|1234|0"},
        {"{255|hex}|{255|hex 4}|{0|hex}", "ff|00ff|0"},
        {"{5|sign}{0|sign}{-5|sign}", "+5+0-5"},
        {"{3600|duration '%+%h:%M'}|{-12600|duration '%+%H:%M:%S'}|{0|duration '%-%h'}|{-60|duration "
         "'%-%h:%m'}|{5|duration '5%'}",
         "+1:00|-03:30:00|0|-0:1|5%"},
        {"{-9223372036854775808|duration '%-%S'}", "-07"},
        {"{'aZ\xc3\xa4'|upper}{'aZ\xc3\x84'|lower}", "AZ\xc3\xa4"
                                                     "az\xc3\x84"},
        {"{audio.codecs|join ' '}|{''|join ' '}|{'a'|join ' '}", "g722 pcma pcmu g729||a"},
        {"{audio.codecs|item 1}|{audio.codecs|item 4}|{audio.codecs|item 5}|{audio.codecs|item "
         "0}|{audio.codecs|item -1}",
         "g722|g729|||"},
        {"{audio.codecs|index 'pcmu'}|{audio.codecs|index 'opus'}|{audio.codecs|index 'pcm'}", "3||"},
        {"{audio.codecs|has 'pcmu'}{audio.codecs|has 'opus'}{audio.codecs|has ''}", "onoffoff"},
        {"{'1001@acme'|before '@'}|{'1001@acme'|after '@'}|{'1001'|before '@'}|{'1001'|after '@'}",
         "1001|acme|1001|"},
        {"{'a::b::c'|before '::'}|{'a::b::c'|after '::'}", "a|b::c"},
        {"{'a/b/c'|after-last '/'}|{'c'|after-last '/'}|{'a/'|after-last '/'}|{''|after-last "
         "'/'}|{'a'|after-last ''}",
         "c|c|||a"},
        {"{'a'|prefix 'x'}{'a'|suffix 'x'}{''|prefix 'x'}{''|suffix 'x'}", "xaax"},
        {"{'aXbX'|replace 'X' 'yy'}|{'aaa'|replace 'aa' 'b'}|{'a'|replace 'b' 'c'}", "ayybyy|ba|a"},
        {"{'a-b:c'|remove '-:'}|{'\xc3\xa4\xc3\xb6'|remove '\xc3\xa4'}|{'\xc3\xb6'|remove '\xc3\xa4'}",
         "abc|\xc3\xb6|\xc3\xb6"},
        {"{'::1'|host}|{'2001:db8::5'|host}|{'192.0.2.1'|host}|{'a.example'|host}|{'a:5060'|host}|{''|host}",
         "[::1]|[2001:db8::5]|192.0.2.1|a.example|a:5060|"},
        {"{'a b%/?;\xc3\xa4@'|uri}", "a%20b%25/?;%C3%A4%40"},
        {"{'a\\b'|quote}{''|quote}", "\"a\\\\b\"\"\""},
        {"{model.name} {model.title} {model.vendor} {model.lines} {model.keys} {model.modules} {model.hw}",
         "acme-100 Acme 100 acme 4 2 0 00042"},
        {"{device.mac} {device.lines}", "001565aabbcc 1"},
        {"{line.number}{line.assigned}{line.account}", "0off"},
        {"{tz.offset} {tz.dst} {tz.dst_offset} {tz.save}", "3600 on 7200 3600"},
        {"{tz.start.month} {tz.start.week} {tz.start.weekday} [{tz.start.day}] {tz.start.first_day} "
         "{tz.start.seconds}",
         "3 5 0 [] 25 7200"},
        {"{tz.end.month} {tz.end.week} {tz.end.weekday} [{tz.end.day}] {tz.end.first_day} {tz.end.seconds}",
         "10 5 0 [] 25 10800"},
        {"{tz.posix} {tz.abbreviation} {tz.dst_abbreviation}", "CET-1CEST,M3.5.0,M10.5.0/3 CET CEST"},
        {"{5|min 3}{2|min 3}{-2|min -3}|{5|max 3}{2|max 3}{''|min 3}{''|max 3}|{5|max tz.offset}",
         "32-3|53|3600"},
        {"{'abc'|refuse '#&quot;'}{''|refuse 'x'}{'a'|refuse ''}", "abca"},
        {"{'--a-b-'|trim '-'}|{'---'|trim '-'}|{''|trim '-'}|{'\xc3\xa4x\xc3\xb6'|trim "
         "'\xc3\xb6\xc3\xa4'}|{'a'|trim "
         "''}",
         "a-b|||x|a"},
        {"{audio.codecs|only 'pcmu g722 opus'}|{audio.codecs|only ''}|{''|only 'a'}|{'a,,b'|only 'b a '}",
         "g722,pcmu|||a,b"},
        {"{audio.codecs|first 2}|{audio.codecs|first 9}|{audio.codecs|first 0}|{''|first "
         "1}|{audio.codecs|first -1}",
         "g722,pcma|g722,pcma,pcmu,g729|||"},
        {"{'abc'|cut 2}|{'abc'|cut 5}|{'abc'|cut 0}|{'\xc3\xa4\xe2\x82\xac"
         "b'|cut 2}|{'a'|cut -1}",
         "ab|abc||\xc3\xa4\xe2\x82\xac|"},
        {"{sip.user}{sip.password}", ""},
    };
    struct bench b;
    bench_of_manual(&b);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        char content[1024], expected[1024];
        snprintf(content, sizeof content, "<set key='k' value=\"{'.'}%s\"/>", all[i].expression);
        snprintf(expected, sizeof expected, "k = .%s\n", all[i].value);
        check_content(PROPERTIES, content, &b, expected);
    }
    bench_done(&b);
}

static void expressions_that_fail(void **state)
{
    static const struct {
        const char *expression, *sentence;
    } all[] = {
        {"{'x'|map m}", "test.xml:2: the map \"m\" has nothing for \"x\""},
        {"{'x'|add 1}", "add: \"x\" is no whole number"},
        {"{1|add 'x'}", "add: \"x\" is no whole number"},
        {"{1|add ''}", "\"\" is no whole number"},
        {"{' 1'|add 1}", "is no whole number"},
        {"{'1 '|add 1}", "is no whole number"},
        {"{'1.5'|add 1}", "is no whole number"},
        {"{99999999999999999999|add 1}", "is no whole number"},
        {"{1|div 0}", "div: division by 0"},
        {"{1|mod 0}", "mod: division by 0"},
        {"{9223372036854775807|add 1}", "too large"},
        {"{-9223372036854775808|sub 1}", "too large"},
        {"{-9223372036854775808|div -1}", "too large"},
        {"{9223372036854775807|mul 2}", "too large"},
        {"{-1|hex}", "negative"},
        {"{1|pad 65}", "a width is 0 to 64"},
        {"{1|pad -1}", "a width is 0 to 64"},
        {"{'a#b'|refuse '#'}", "refuse: \"a#b\" has a \"#\", which this file cannot hold"},
        {"{'\xc3\xa4'|refuse '\xc3\xa4'}", "has a \"\xc3\xa4\""},
        {"{'x'|min 1}", "min: \"x\" is no whole number"},
        {"{1|max 'x'}", "max: \"x\" is no whole number"},
        {"{'x'|cut 'x'}", "cut: \"x\" is no whole number"},
        {"{'x'|first 'x'}", "first: \"x\" is no whole number"},
        {"{1|duration '%x'}", "duration knows no %x"},
        {"{'a'|replace '' 'b'}", "something to replace"},
        {"{audio.codecs|item 'x'}", "is no whole number"},
        {"{model.none}", "the model acme-100 has no attribute \"none\""},
    };
    struct bench b;
    bench_of_manual(&b);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        char content[1024];
        snprintf(content, sizeof content, "<set key='k' value=\"%s\"/>", all[i].expression);
        check_refused(PROPERTIES, content, &b, EINVAL, all[i].sentence);
    }
    bench_done(&b);
}

/* No secret's value is in a sentence. */
static void secrets_are_not_shown(void **state)
{
    static const char *const contents[] = {
        "<lines max='1'><set key='k' value='{sip.password|map m}'/></lines>",
        "<lines max='1'><set key='k' value='{sip.password|add 1}'/></lines>",
        "<lines max='1'><set key='k' value=\"{sip.password|refuse 's'}\"/></lines>",
        "<lines max='1'><set key='k' value='{1|add sip.password}'/></lines>",
        "<lines max='1'><count name='c' from='{sip.password}' to='2'/></lines>",
    };
    struct bench b;
    bench_of_manual(&b);
    for (size_t i = 0; i < PFS_N_ELEMENTS(contents); i++)
        check_refused(PROPERTIES, contents[i], &b, EINVAL, "this value");
    bench_done(&b);
}

static void zones_without_summer_time(void **state)
{
    struct bench b;
    bench_init(&b);
    set_device(&b, "time.zone", "Asia/Tokyo");
    check_content(PROPERTIES,
                  "<set key='k' value='{tz.offset} {tz.dst} {tz.dst_offset} {tz.save} "
                  "[{tz.start.month}{tz.end.seconds}{tz.end.first_day}] {tz.posix} {tz.abbreviation} "
                  "[{tz.dst_abbreviation}]'/>",
                  &b, "k = 32400 off 32400 0 [] JST-9 JST []\n");
    bench_done(&b);
    bench_init(&b);
    set_device(&b, "time.zone", "Nowhere/Else");
    check_refused(PROPERTIES, "<set key='k' value='{tz.offset}'/>", &b, EINVAL, "no such time zone");
    bench_done(&b);
}

/* ---- Elements ---- */

static void elements(void **state)
{
    static const struct {
        const char *attrs, *content, *expected;
    } all[] = {
        {PROPERTIES,
         "<set key='a' value='1' when='on'/><set key='b' value='1' when='off'/><set key='c' value='1' "
         "unless='0'/>"
         "<set key='d' value='1' when='x' unless='x'/>",
         "a = 1\nc = 1\n"},
        {PROPERTIES,
         "<if when='{phone.web}'><set key='a' value='1'/></if><if unless='{phone.web}'><set key='b' "
         "value='1'/></if>",
         "a = 1\n"},
        {PROPERTIES, "<!-- no --><?nor this?><set key='a' value=''/>", "a = \n"},
        {PROPERTIES " empty='%NULL%'",
         "<set key='a' value=''/><set key='b' value='' empty='-'/><set key='c' value='' empty=''/><set "
         "key='d' value='' max='2'/>",
         "a = %NULL%\nb = -\nc = \nd = %NULL%\n"},
        {PROPERTIES " eol='crlf'", "<set key='a' value='1'/><text>x\ny</text><comment>c</comment>",
         "a = 1\r\nx\r\ny\r\n# c\r\n"},
        {PROPERTIES,
         "<text>\n    one\n\n      two {{\n    </text><text>three</text><text></text><text>  "
         "</text><text>\n\n</text>",
         "one\n\ntwo {\nthree\n\n"},
        {PROPERTIES,
         "<text>x = {sip.transport} # {model.name}</text><text># "
         "{sip.transport}</text><text>{device.mac}</text>",
         "x = udp # acme-100\n# udp\n001565aabbcc\n"},
        {"syntax='quoted'", "<text>say \"{'a'|quote}\"</text><set key='k' value=\"{'a'|quote}\"/>",
         "say \"\\\"a\\\"\"\nk=\"\\\"a\\\"\"\n"},
        {"syntax='quoted' encoding='iso-8859-1'",
         "<text>include \"\xc3\xa4\"</text><comment>\xc3\xbc</comment><set key='k' value='\xc3\xb6'/>",
         "include \"\xe4\"\n# \xfc\nk=\"\xf6\"\n"},
        {"syntax='colon'", "<comment> {not} an expression</comment><set key='a' value='b: c'/>",
         "#  {not} an expression\na: b: c\n"},
        {"syntax='plain'", "<set key='a' value='b = c'/>", "a=b = c\n"},
        {"syntax='enclosed' empty='-'",
         "<set key='a' value=' x\\'/><set key='b' value=''/><set key='c' value='' empty=''/>",
         "a=\" x\\\"\nb=\"-\"\nc=\"\"\n"},
        {"syntax='plain' before='SET ' between=' ' comment='## ' enclose-if='#' empty='\"\"'",
         "<comment>c</comment><set key='a[1].b|c' value='x'/><set key='d' value='a#b'/><set key='e' "
         "value=' x'/><set key='f' value=''/>",
         "## c\nSET a[1].b|c x\nSET d \"a#b\"\nSET e \" x\"\nSET f \"\"\n"},
        {"syntax='colon' section-begin='&lt;' section-end='&gt;'",
         "<set key='auth name' value='1'/><section name='S M'><set key='b' value='2'/></section>",
         "auth name: 1\n<S M>\nb: 2\n"},
        {"syntax='ini'",
         "<set key='a' value='1'/><section name='s {model.name}'><set key='b' value='2'/></section><section "
         "name='t'/>",
         "a=1\n[s acme-100]\nb=2\n[t]\n"},
        {"syntax='ini' encoding='iso-8859-1'",
         "<section name='\xc3\xa4'><set key='b' value='\xc3\xb6'/></section>", "[\xe4]\nb=\xf6\n"},
        {PROPERTIES, "<each name='c' in='a b'><set key='{c}.{c.index}' value='{c|upper}'/></each>",
         "a.1 = A\nb.2 = B\n"},
        {PROPERTIES, "<each name='c' in=''><set key='{c}' value=''/></each>", ""},
        {PROPERTIES, "<each name='c' of='audio.codecs'><set key='{c.index}' value='{c}'/></each>",
         "1 = g722\n2 = pcma\n3 = pcmu\n4 = g729\n"},
        {PROPERTIES, "<each name='c' of='provision.url'><set key='{c.index}' value='{c}'/></each>", ""},
        {PROPERTIES,
         "<count name='k' from='1' to='{model.keys}'><set key='key.{k}.{k.index}' "
         "value='{key.[k].type}'/></count>",
         "key.1.1 = none\nkey.2.2 = none\n"},
        {PROPERTIES, "<count name='k' from='3' to='2'><set key='{k}' value=''/></count>", ""},
        {PROPERTIES,
         "<count name='a' from='1' to='2'><each name='b' in='x y'><set key='{a}{b}' "
         "value='{b.index}'/></each></count>",
         "1x = 1\n1y = 2\n2x = 1\n2y = 2\n"},
        {PROPERTIES,
         "<lines which='assigned'><set key='{line.number}' value='{sip.user}/{line.account}'/></lines>",
         "1 = 1001/1001@acme\n"},
        {PROPERTIES,
         "<lines which='unused' max='3'><set key='{line.number}' "
         "value='{sip.user}{line.assigned}{sip.server}'/></lines>",
         "2 = offsip.example.net\n3 = offsip.example.net\n"},
        {PROPERTIES,
         "<lines max='1'><lines max='2'><set key='{line.number}' value='x'/></lines><set key='{line.number}' "
         "value='y'/></lines>",
         "1 = x\n2 = x\n1 = y\n"},
        {"syntax='xml-element'",
         "<element name='r'><element name='e'><set key='a' value='&lt;'/></element><element "
         "name='f'/></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <e>\n    <a>&lt;</a>\n  </e>\n  "
         "<f></f>\n</r>\n"},
        {"syntax='xml-element' eol='crlf'",
         "<element name='r'><attribute name='v' value='{model.hw}'/><set key='a' attr='idx=1' "
         "value='x'/></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<r v=\"00042\">\r\n  <a idx=\"1\">x</a>\r\n</r>\r\n"},
        {"syntax='xml-element' encoding='iso-8859-1'",
         "<comment>\xc3\xa4</comment><element name='r'><text>\xe2\x82\xac</text><set key='a' "
         "value='\xc3\xa4\xe2\x82\xac'/></element>",
         "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!-- \xe4 -->\n<r>\n&#8364;\n  "
         "<a>\xe4&#8364;</a>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><attribute name='xmlns:i' value='u'/><set key='u@idx={line.number}' "
         "attr='perm=\"\" "
         "q=\"1 2\"' value='x'/><set key='i:a@i:b=c' value='y'/><element name='i:e'/></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r xmlns:i=\"u\">\n  <u idx=\"0\" perm=\"\" q=\"1 "
         "2\">x</u>\n"
         "  <i:a i:b=\"c\">y</i:a>\n  <i:e></i:e>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><lines max='2'><set key='k@i={line.number}' attr='p=\"\"' value='{sip.user}'>"
         "<attribute name='l' value='&lt;{line.number}&quot;'/><attribute name='i:c' "
         "value='x'/></set></lines></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <k i=\"1\" p=\"\" l=\"&lt;1&quot;\" "
         "i:c=\"x\">1001</k>\n  <k i=\"2\" p=\"\" l=\"&lt;2&quot;\" i:c=\"x\"></k>\n</r>\n"},
        {"syntax='xml-attribute'",
         "<element name='r'><set key='a' value='\"'/><set key='b' value='2'/><element name='c'><set key='a' "
         "value='3'/></element></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r\n    a=\"&quot;\"\n    b=\"2\">\n  <c\n      "
         "a=\"3\"/>\n</r>\n"},
        {"syntax='xml-entry'",
         "<element name='c'><attribute name='xmlns' value='u'/><section name='s_{model.keys}'><set "
         "key='a/&lt;' value='&amp;'/></section></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<c xmlns=\"u\">\n  <section name=\"s_2\">\n    <entry "
         "name=\"a/&lt;\" overwrite=\"true\">&amp;</entry>\n  </section>\n</c>\n"},
        {"syntax='xml-entry'",
         "<pair><setting id='KEY' value='VALUE' override='true'/></pair><element name='c'><set key='a' "
         "value='\"\n'/><section name='s'><set key='b' value='2'/></section></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<c>\n  <setting id=\"a\" value=\"&quot; \" "
         "override=\"true\"></setting>\n"
         "  <section name=\"s\">\n    <setting id=\"b\" value=\"2\" override=\"true\"></setting>\n  "
         "</section>\n</c>\n"},
        {"syntax='xml-entry' encoding='iso-8859-1'",
         "<!-- x --><pair>\n  <p:P p:t='\xc3\xa4' xmlns:p='u'>\n  <Name>KEY</Name><!-- y --> "
         "<V>VALUE</V></p:P></pair>"
         "<group><O><Name>SECTION</Name><content/>&amp; end</O></group><element name='c'><section name='s'>"
         "<set key='a' value='1'/></section><section name='t'/></element>",
         "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<c>\n  <O><Name>s</Name>\n    <p:P "
         "p:t=\"\xe4\"><Name>a</Name>"
         "<V>1</V></p:P>\n  &amp; end</O>\n  <O><Name>t</Name>&amp; end</O>\n</c>\n"},
        {"syntax='xml-entry'",
         "<pair><key>KEY</key><string>VALUE</string></pair><element name='dict'><set key='a' "
         "value='1'/></element>",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dict>\n  <key>a</key><string>1</string>\n</dict>\n"},
    };
    struct bench b;
    bench_of_manual(&b);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++)
        check_content(all[i].attrs, all[i].content, &b, all[i].expected);
    bench_done(&b);
}

static void blocks(void **state)
{
    struct bench b;
    bench_of_manual(&b);
    check_output("<template vendor='acme'><model name='m' lines='1'/>"
                 "<block name='in'><set key='{v}' value='in'/></block><block name='out'><use "
                 "block='in'/><use block='in' when='off'/></block>"
                 "<file name='{mac}.cfg' syntax='plain'><each name='v' in='a b'><use "
                 "block='out'/></each></file></template>",
                 &b, "a=in\nb=in\n");
    bench_done(&b);
}

static void tables(void **state)
{
    static const char content[] =
        "<table name='s' by='sip.server sip.port' max='2'/>"
        "<rows of='s'><set key='server.{s.index}' value='{sip.server}:{sip.port} {line.number}'/></rows>"
        "<lines><set key='line.{line.number}.server' value='{s.index}'/></lines><set key='outside' "
        "value='{s.index}'/>";
    struct bench b;
    bench_of_manual(&b);
    check_content(PROPERTIES, content, &b,
                  "server.1 = sip.example.net:0 1\nline.1.server = 1\nline.2.server = \nline.3.server = "
                  "\nline.4.server = \noutside = \n");
    add_line(&b, 2, "b");
    add_line(&b, 3, "c");
    add_line(&b, 4, NULL);
    set_line(&b, 2, "sip.server", "other.example");
    check_content(PROPERTIES, content, &b,
                  "server.1 = sip.example.net:0 1\nserver.2 = other.example:0 2\nline.1.server = "
                  "1\nline.2.server = 2\nline.3.server = 1\n"
                  "line.4.server = \noutside = \n");
    set_line(&b, 3, "sip.port", "5061");
    check_refused(PROPERTIES, content, &b, EINVAL, "more than 2 different values");
    /* a table within a loop leaves the loop's line as it was */
    check_content(PROPERTIES,
                  "<lines which='assigned'><table name='t' by='sip.server'/><set key='{line.number}' "
                  "value='{t.index}'/></lines>",
                  &b, "1 = 1\n2 = 2\n3 = 1\n");
    /* values are kept apart: a/bc is not ab/c */
    check_content(PROPERTIES,
                  "<if when='off'><table name='t' by='sip.server'/></if><rows of='t'><set key='a' "
                  "value=''/></rows><set key='b' value='{t.index}'/>",
                  &b, "b = \n");
    bench_done(&b);
}

static void contacts(void **state)
{
    static const char flat[] = "<contacts><set key='{contact.index}' value='{contact.name} {contact.number} "
                               "{contact.account} {device.customer} {sip.server}'/></contacts>";
    struct bench b;
    bench_of_manual(&b);
    check_content(PROPERTIES, flat, &b,
                  "1 = Ann Smith 1001 1001@acme acme sip.example.net\n"
                  "2 = Ben Jones 1002 1002@acme acme sip.example.net\n");
    check_content(PROPERTIES, "<contacts max='1'><text>{contact.name}</text></contacts>", &b, "Ann Smith\n");
    check_content(PROPERTIES, "<contacts when='{phone.web|not}'><set key='x' value=''/></contacts>", &b, "");
    check_content(PROPERTIES,
                  "<lines which='assigned'><contacts><each name='c' in='x y'><set "
                  "key='{line.number}.{contact.index}.{c}' value='{contact.number}@{sip.server}'/>"
                  "</each></contacts></lines>",
                  &b,
                  "1.1.x = 1001@sip.example.net\n1.1.y = 1001@sip.example.net\n"
                  "1.2.x = 1002@sip.example.net\n1.2.y = 1002@sip.example.net\n");
    b.phone.max_contacts = 1;
    check_content(PROPERTIES, "<contacts><text>{contact.name}</text></contacts>", &b, "Ann Smith\n");
    b.phone.directory = NULL;
    check_content(PROPERTIES, flat, &b, "");
    b.d.customer_name = NULL;
    check_content(PROPERTIES, "<set key='c' value='{device.customer|set}'/>", &b, "c = off\n");
    bench_done(&b);
}

/* A file of contacts ends with the last that fits, whole, and with what the template has behind them. */
static void contacts_that_do_not_fit(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct bench b;
    bench_of_manual(&b);
    struct pfs_directory *d = make_directory(names, PFS_N_ELEMENTS(names));
    b.phone.directory = d;
    static const char ten_each[] = "<contacts><text>{contact.name}23456789</text></contacts><text>.</text>";
    check_content("syntax='plain' max-size='48'", ten_each, &b,
                  "a23456789\nb23456789\nc23456789\nd23456789\n.\n");
    check_content("syntax='plain' max-size='40'", ten_each, &b, "a23456789\nb23456789\nc23456789\n.\n");
    check_content("syntax='plain' max-size='32'", ten_each, &b, "a23456789\nb23456789\nc23456789\n.\n");
    check_content("syntax='plain' max-size='29'", ten_each, &b, "a23456789\nb23456789\n.\n");
    check_refused("syntax='plain' max-size='32'",
                  "<contacts><text>{contact.name}23456789</text></contacts><text>....</text>", &b, EFBIG,
                  "larger than 32 bytes");
    /* as if the first had never been begun: the element is still empty, and can have an attribute */
    check_content("syntax='xml-attribute' max-size='76'",
                  "<element name='r'><contacts><element name='{contact.name}'><attribute name='too' "
                  "value='long for this file'/></element></contacts><set key='x' value='1'/></element>",
                  &b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r\n    x=\"1\"/>\n");
    check_refused("syntax='xml-attribute' max-size='84'",
                  "<element name='r'><set key='x' value='0'/><contacts><element name='{contact.name}'>"
                  "<attribute name='too' value='long for this file'/></element></contacts>"
                  "<set key='x' value='1'/></element>",
                  &b, EINVAL, "has the attribute \"x\" already");
    pfs_directory_unref(d);
    bench_done(&b);
}

static void contacts_refused(void **state)
{
    static const struct {
        const char *file, *sentence;
    } all[] = {
        {"<file name='{mac}.cfg' syntax='plain'><set key='a' value='{contact.name}'/></file>",
         "\"contact.name\" stands outside of contacts"},
        {"<file name='{mac}.cfg' syntax='plain'><contacts/><set key='a' value='{contact.index}'/></file>",
         "\"contact.index\" stands outside of contacts"},
        {"<file name='{mac}.cfg' syntax='plain'><contacts><contacts/></contacts></file>",
         "contacts stand in contacts"},
        {"<file name='{mac}.cfg' syntax='plain'><contacts max='0'/></file>", "not a number from 1"},
        {"<file name='{mac}.cfg' syntax='plain'><contacts of='x'/></file>", "of"},
        {"<file name='{mac}.cfg' syntax='plain'><contacts><set key='a' value='{contact.email}'/></contacts>"
         "</file>",
         "contact.email"},
        {"<file name='all.cfg' per='vendor' syntax='plain'><contacts/></file>", "common to many"},
        {"<file name='{model.name}.cfg' per='model' syntax='plain'><contacts/></file>", "common to many"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        char text[1024];
        struct pfs_template *t = NULL;
        struct pfs_err err = {""};
        int n = snprintf(text, sizeof text,
                         "<template vendor='acme'><model name='m' lines='1'/>%s</template>", all[i].file);
        assert_int_equal(pfs_template_parse("test.xml", text, (size_t)n, catalogue, NULL, &t, &err), -EINVAL);
        if (!strstr(err.msg, all[i].sentence))
            fail_msg("%zu: %s", i, err.msg);
    }
}

static void see_contact(void *arg, const struct pfs_pair *pair)
{
    struct pfs_buf *seen = arg;
    if (!pair->key) {
        pfs_buf_printf(seen, "%zu contacts", pair->n_contacts);
        return;
    }
    pfs_buf_printf(seen, "%s=%s:", pair->key, pair->contact ? pair->contact : "");
    for (size_t i = 0; i < pair->n_used; i++)
        pfs_buf_printf(seen, "%s/%u ", pair->used[i].key, pair->used[i].line);
}

/* What explain sees: the lines' own settings where a line has the contact's account. */
static void contacts_are_shown(void **state)
{
    struct bench b;
    bench_of_manual(&b);
    set_line(&b, 1, "line.display_name", "Reception");
    add_line(&b, 2, "1002@acme");
    set_account(&b, 2, "line.display_name", "Ben Jones");
    struct pfs_template *t = must_parse(
        "<template vendor='acme'><model name='m' lines='2'/><file name='{mac}.cfg' main='yes' "
        "syntax='plain'><contacts><set key='k' value='{contact.name}'/></contacts></file></template>");
    struct pfs_buf out autobuf = PFS_BUF_INIT(0), seen autobuf = PFS_BUF_INIT(0);
    assert_int_equal(render_named(t, NULL, NULL, &b, &out, NULL), 0);
    pfs_buf_reset(&out);
    assert_int_equal(pfs_render(&t->models[0].files[0], &b.phone, zones, &out, see_contact, &seen, NULL), 0);
    assert_string_equal(pfs_buf_str(&seen), "k=1001@acme:directory.listed/1 k=1002@acme:directory.listed/2 "
                                            "line.display_name/2 2 contacts");
    pfs_template_unref(t);
    bench_done(&b);
}

static void unused_lines(void **state)
{
    struct bench b;
    bench_of_manual(&b);
    add_line(&b, 2, NULL);
    set_line(&b, 2, "line.label", "left over");
    set_line(&b, 2, "sip.server", "left.example");
    check_content(PROPERTIES,
                  "<lines max='2'><set key='{line.number}' value='{line.assigned} [{line.label}] "
                  "{sip.server} [{sip.auth_user}]'/></lines>",
                  &b, "1 = on [] sip.example.net [1001]\n2 = off [] sip.example.net []\n");
    bench_done(&b);
}

static void refused_content(void **state)
{
    static const struct {
        const char *attrs, *content;
        int errnum;
        const char *sentence;
    } all[] = {
        {PROPERTIES,
         "<set key='a' value='%NULL%' />\n<set key='b' value='x' max='1'/><set key='c' value='xy' max='1'/>",
         EINVAL, "test.xml:3: the value for c is longer than 1 bytes"},
        {PROPERTIES " max-size='10'", "<set key='a' value='1'/><set key='b' value='123456789'/>", EFBIG,
         "the file is larger than 10 bytes"},
        {PROPERTIES, "<count name='a' from='1' to='1001'><set key='a' value=''/></count>", EFBIG,
         "more than 1000 turns"},
        {PROPERTIES, "<count name='a' from='x' to='1'/>", EINVAL, "whole numbers, not \"x\""},
        {PROPERTIES, "<count name='a' from='1' to=''/>", EINVAL, "whole numbers"},
        {PROPERTIES, "<count name='a' from='-1' to='1'/>", EINVAL, "whole numbers"},
        {PROPERTIES, "<count name='a' from='1' to='1000'><count name='b' from='1' to='1000'/></count>", EFBIG,
         "more than 200000 steps"},
        {PROPERTIES,
         "<count name='a' from='1' to='1000'><lines/><lines/><each name='c' of='audio.codecs'/><each "
         "name='d' in='1 2 3'><lines/></each>"
         "<count name='b' from='1' to='1000'><if when='on'/></count></count>",
         EFBIG, "more than 200000 steps"},
        {"syntax='xml-element'", "<set key='a' value='1'/>", EINVAL, "a pair stands outside an element"},
        {"syntax='xml-element'", "<text>x</text>", EINVAL, "text stands outside an element"},
        {"syntax='xml-element'", "<element name='a'/><element name='b'/>", EINVAL,
         "a second outermost element"},
        {"syntax='xml-element'", "<element name='a' when='off'/>", EINVAL, "the file has no element"},
        {"syntax='xml-element'",
         "<element name='a'><attribute name='x' value='1'/><attribute name='x' value='2'/></element>", EINVAL,
         "has the attribute \"x\" already"},
        {"syntax='xml-attribute'",
         "<element name='a'><set key='x' value='1'/><set key='y' value=' x='/><set key='x' "
         "value='2'/></element>",
         EINVAL, "has the attribute \"x\" already"},
        {"syntax='xml-attribute'", "<element name='a'><element name='b'/><set key='x' value='1'/></element>",
         EINVAL, "attributes come first"},
        {"syntax='xml-entry'", "<element name='a'><section name='s'><section name='t'/></section></element>",
         EINVAL, "a section stands in a section"},
        {"syntax='xml-entry'", "<section name='s'/>", EINVAL, "a section stands outside an element"},
        {"syntax='ini'", "<section name='a'/><set key='x' value='1'/>", EINVAL,
         "\"x\" comes behind the sections"},
        {"syntax='ini'", "<section name='a'><section name='b'/></section>", EINVAL,
         "a section stands in a section"},
    };
    struct bench b;
    bench_of_manual(&b);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++)
        check_refused(all[i].attrs, all[i].content, &b, all[i].errnum, all[i].sentence);
    bench_done(&b);
}

/* Many attributes: the filter before the search for repeated ones has collisions. */
static void many_attributes(void **state)
{
    struct bench b;
    bench_of_manual(&b);
    struct pfs_buf expected autobuf = PFS_BUF_INIT(0);
    pfs_buf_str_add(&expected, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r");
    for (int i = 1; i <= 1000; i++)
        pfs_buf_printf(&expected, "\n    a.%d=\" a.%d=\"", i, i + 1);
    pfs_buf_str_add(&expected, "/>\n");
    check_content("syntax='xml-attribute'",
                  "<element name='r'><count name='i' from='1' to='1000'><set key='a.{i}' value=' a.{i|add "
                  "1}='/></count></element>",
                  &b, pfs_buf_str(&expected));
    bench_done(&b);
}

/* A value in a line of text makes no pair of it. */
static void values_in_text(void **state)
{
    static const struct {
        const char *syntax, *content, *value;
        bool ok;
    } all[] = {
        {PROPERTIES, "<text>{provision.url}</text>", "a = b", false},
        {PROPERTIES, "<text>{provision.url}</text>", "#x", false},
        {PROPERTIES, "<text>{provision.url}</text>", "[x]", false},
        {PROPERTIES, "<text>{provision.url}</text>", "a", true},
        {PROPERTIES, "<text>x {provision.url}</text>", "= b", false},
        {PROPERTIES, "<text>x {provision.url}</text>", "#b", true},
        {PROPERTIES, "<text>x = {provision.url}</text>", "a = b", true},
        {PROPERTIES, "<text># {provision.url}</text>", "a = b", true},
        {"syntax='colon'", "<text>x {provision.url}</text>", ": b", false},
        {"syntax='colon'", "<text>x {provision.url}</text>", "= b", true},
        {PROPERTIES, "<text>{provision.url}{provision.url}</text>", "=", false},
        {"syntax='plain' before='SET ' between=' '", "<text>SET {provision.url}</text>", "a b", false},
        {"syntax='plain' before='SET ' between=' '", "<text>SET k {provision.url}</text>", "a b", true},
        {"syntax='plain' section-begin='&lt;' section-end='&gt;'", "<text>{provision.url}</text>", "<a",
         false},
        {"syntax='plain' comment='rem '", "<text>{provision.url}</text>", "rem a", false},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct bench b;
        bench_init(&b);
        set_device(&b, "provision.url", all[i].value);
        if (all[i].ok) {
            struct pfs_buf expected autobuf = PFS_BUF_INIT(0);
            const char *text = all[i].content + strlen("<text>");
            const char *brace = strchr(text, '{');
            pfs_buf_add(&expected, text, (size_t)(brace - text));
            pfs_buf_printf(&expected, "%s\n", all[i].value);
            check_content(all[i].syntax, all[i].content, &b, pfs_buf_str(&expected));
        } else {
            check_refused(all[i].syntax, all[i].content, &b, EINVAL, "another pair");
        }
        bench_done(&b);
    }
}

/* ---- Overrides ---- */

struct override {
    unsigned line; /* 0: the device's, 99: the site's */
    const char *key, *value;
};

static void check_overrides(const char *attrs, const char *content, const struct override *o,
                            const char *expected)
{
    struct bench b;
    bench_of_manual(&b);
    add_line(&b, 2, "b");
    for (; o->key; o++) {
        if (o->line == 0)
            set_device(&b, o->key, o->value);
        else if (o->line == 99)
            set_site(&b, o->key, o->value);
        else
            set_line(&b, o->line, o->key, o->value);
    }
    check_content(attrs, content, &b, expected);
    bench_done(&b);
}

static void overrides(void **state)
{
    static const struct {
        const char *attrs, *content;
        struct override all[6];
        const char *expected;
    } cases[] = {
        {PROPERTIES,
         "<set key='a' value='1'/><set key='b' value='2'/>",
         {{0, "acme:a", "x"}},
         "a = x\nb = 2\n"},
        {PROPERTIES,
         "<set key='a' value='1'/>",
         {{0, "acme:z", "1"},
          {0, "acme:b", "2"},
          {99, "acme:b", "0"},
          {99, "acme:a", "s"},
          {0, "other:a", "no"}},
         "a = s\nb = 2\nz = 1\n"},
        {PROPERTIES " empty='-'",
         "<set key='a' value='1'/>",
         {{0, "acme:a", ""}, {0, "acme:b", ""}},
         "a = -\nb = -\n"},
        {PROPERTIES,
         "<overrides/><set key='a' value='1'/><text># end</text>",
         {{0, "acme:a", "x"}, {0, "acme:b", "y"}},
         "b = y\na = x\n# end\n"},
        {PROPERTIES,
         "<overrides when='off'/><set key='a' value='1'/>",
         {{0, "acme:b", "y"}},
         "a = 1\nb = y\n"},
        {PROPERTIES, "<overrides/><overrides/>", {{0, "acme:b", "y"}}, "b = y\n"},
        /* a key that the file repeats */
        {PROPERTIES,
         "<each name='c' in='1 2 3'><set key='a' value='{c}'/></each>",
         {{0, "acme:a", "x"}},
         "a = x\n"},
        {PROPERTIES, "<set key='a' value='{1|div 0}'/>", {{0, "acme:a", "x"}}, "a = x\n"},
        /* a line's counts before the device's at its own key, and wherever else the key is */
        {PROPERTIES,
         "<lines max='2'><set key='a.{line.number}' value='1'/></lines>",
         {{0, "acme:a.1", "d"}, {1, "acme:a.1", "l"}, {0, "acme:a.2", "d"}},
         "a.1 = l\na.2 = d\n"},
        {PROPERTIES,
         "<lines max='2'><set key='a.{line.number}' value='1'/></lines>",
         {{1, "acme:a.2", "l"}},
         "a.1 = 1\na.2 = l\n"},
        {PROPERTIES,
         "<set key='a' value='1'/>",
         {{2, "acme:a", "l"}, {1, "acme:new", "1"}, {2, "acme:new", "2"}},
         "a = l\nnew = 1\n"},
        {PROPERTIES, "<set key='a' value='1'/>", {{2, "acme:a", "l"}, {0, "acme:a", "d"}}, "a = d\n"},
        /* sections */
        {"syntax='ini'",
         "<section name='s'><set key='a' value='1'/></section><section name='t'><set key='a' "
         "value='2'/></section>",
         {{0, "acme:s/a", "x"},
          {0, "acme:s/b", "y"},
          {0, "acme:t/b", "z"},
          {0, "acme:u/a", "1"},
          {0, "acme:u/b", "2"}},
         "[s]\na=x\nb=y\n[t]\na=2\nb=z\n[u]\na=1\nb=2\n"},
        {"syntax='ini'",
         "<section name='s'><set key='a' value='1'/></section><section name='s'><set key='b' "
         "value='2'/></section>",
         {{0, "acme:s/b", "x"}, {0, "acme:s/c", "y"}},
         "[s]\na=1\nc=y\n[s]\nb=x\n"},
        {"syntax='ini'", "<set key='a' value='1'/>", {{0, "acme:a", "x"}, {0, "acme:b", "y"}}, "a=x\nb=y\n"},
        {"syntax='colon' section-begin='&lt;' section-end='&gt;'",
         "<section name='s'><set key='a b' value='1'/></section>",
         {{0, "acme:s/a b", "x"}, {0, "acme:s/b", "y"}, {0, "acme:t/c", "z"}},
         "<s>\na b: x\nb: y\n<t>\nc: z\n"},
        {"syntax='xml-entry'",
         "<element name='c'><section name='s'><set key='a' value='1'/></section></element>",
         {{0, "acme:s/a", "x"}, {0, "acme:s/b", "y"}, {0, "acme:t/a", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<c>\n  <section name=\"s\">\n    <entry name=\"a\" "
         "overwrite=\"true\">x</entry>\n"
         "    <entry name=\"b\" overwrite=\"true\">y</entry>\n  </section>\n  <section name=\"t\">\n"
         "    <entry name=\"a\" overwrite=\"true\">z</entry>\n  </section>\n</c>\n"},
        {"syntax='xml-entry'",
         "<pair><p n='KEY'>VALUE</p></pair><group><g><n>SECTION</n><content/></g></group><element "
         "name='c'><section "
         "name='s'><set key='a' value='1'/></section></element>",
         {{0, "acme:s/a", "x"}, {0, "acme:s/b", "y"}, {0, "acme:t/a", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<c>\n  <g><n>s</n>\n    <p n=\"a\">x</p>\n    <p "
         "n=\"b\">y</p>\n  </g>\n  <g><n>t</n>\n    <p "
         "n=\"a\">z</p>\n  </g>\n</c>\n"},
        /* elements: at the end of the outermost one; each place of a key, a line's own */
        {"syntax='xml-element'",
         "<element name='r'><set key='a' value='1'/><element name='e'><set key='b' "
         "value='2'/></element></element>",
         {{0, "acme:a", "x"}, {0, "acme:b", "y"}, {0, "acme:c", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <a>x</a>\n  <e>\n    <b>y</b>\n  </e>\n  "
         "<c>z</c>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><overrides/><set key='a' value='1'/></element>",
         {{0, "acme:a", "x"}, {0, "acme:c", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <c>z</c>\n  <a>x</a>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><lines max='2'><set key='u' attr='idx=1' "
         "value='{line.number}'/></lines></element>",
         {{2, "acme:u", "x"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <u idx=\"1\">1</u>\n  <u "
         "idx=\"1\">x</u>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><lines max='2'><set key='u' value='{line.number}'/></lines></element>",
         {{0, "acme:u", "d"}, {1, "acme:u", "l"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <u>l</u>\n  <u>d</u>\n</r>\n"},
        {"syntax='xml-element'",
         "<element name='r'><lines max='2'><set key='u@idx={line.number}' attr='p=\"\"' "
         "value='{line.number}'/></lines></element>",
         {{0, "acme:u@idx=2", "x"}, {0, "acme:u", "y"}, {0, "acme:v@a=1", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <u idx=\"1\" p=\"\">1</u>\n  <u idx=\"2\" "
         "p=\"\">x</u>\n"
         "  <u>y</u>\n  <v a=\"1\">z</v>\n</r>\n"},
        /* a tree: replaced, added to the element that there is, missing elements made */
        {"syntax='xml-tree'",
         "<element name='d'><attribute name='v' value='1'/><set key='t' value='1'/><element "
         "name='p'><element name='s'>"
         "<set key='n' value='N'/></element></element><element name='ls'><lines max='2'><element "
         "name='l'><set "
         "key='k@b={line.number}' value='{line.number}'/></element></lines></element></element>",
         {{0, "acme:p/s/n", "x"},
          {0, "acme:p/s/o", "y"},
          {0, "acme:q/r/a", "1"},
          {0, "acme:q/b", "2"},
          {0, "acme:z@i=1", "3"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<d v=\"1\">\n  <t>1</t>\n  <p>\n    <s>\n      "
         "<n>x</n>\n      <o>y</o>\n    </s>\n  </p>\n"
         "  <ls>\n    <l>\n      <k b=\"1\">1</k>\n    </l>\n    <l>\n      <k b=\"2\">2</k>\n    </l>\n  "
         "</ls>\n"
         "  <q>\n    <b>2</b>\n    <r>\n      <a>1</a>\n    </r>\n  </q>\n  <z i=\"1\">3</z>\n</d>\n"},
        /* at each place, a line's own at that line's */
        {"syntax='xml-tree'",
         "<element name='d'><attribute name='v' value='1'/><set key='t' value='1'/><element "
         "name='p'><element name='s'>"
         "<set key='n' value='N'/></element></element><element name='ls'><lines max='2'><element "
         "name='l'><set "
         "key='k@b={line.number}' value='{line.number}'/></element></lines></element></element>",
         {{0, "acme:ls/l/m", "d"},
          {2, "acme:ls/l/m", "l"},
          {1, "acme:ls/l/e/f", "1"},
          {1, "acme:ls/l/k@b=1", "x"},
          {1, "acme:t", "u"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<d v=\"1\">\n  <t>u</t>\n  <p>\n    <s>\n      "
         "<n>N</n>\n    </s>\n  </p>\n"
         "  <ls>\n    <l>\n      <k b=\"1\">x</k>\n      <m>d</m>\n      <e>\n        <f>1</f>\n      </e>\n "
         "   </l>\n"
         "    <l>\n      <k b=\"2\">2</k>\n      <m>l</m>\n    </l>\n  </ls>\n</d>\n"},
        /* what is cleared goes, and makes no element */
        {"syntax='xml-tree'",
         "<element name='d'><attribute name='v' value='1'/><set key='t' value='1'/><element "
         "name='p'><element name='s'>"
         "<set key='n' value='N'/></element></element><element name='ls'><lines max='2'><element "
         "name='l'><set "
         "key='k@b={line.number}' value='{line.number}'/></element></lines></element></element>",
         {{0, "acme:t", "--clear"},
          {0, "acme:p/s/n", "--clear"},
          {0, "acme:q/r/a", "--clear"},
          {2, "acme:ls/l/k@b=2", "--clear"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<d v=\"1\">\n  <p>\n    <s></s>\n  </p>\n"
         "  <ls>\n    <l>\n      <k b=\"1\">1</k>\n    </l>\n    <l></l>\n  </ls>\n</d>\n"},
        {PROPERTIES " reserved='--clear'",
         "<set key='a' value='1'/><lines max='2'><set key='l.{line.number}' value='x'/></lines><set key='a' "
         "value='2'/>",
         {{0, "acme:a", "--clear"},
          {0, "acme:b", "--clear"},
          {2, "acme:l.2", "--clear"},
          {0, "acme:l.2", "y"}},
         "l.1 = x\n"},
        {PROPERTIES, "<set key='a' value='1'/>", {{99, "acme:a", "--clear"}, {0, "acme:a", "x"}}, "a = x\n"},
        {PROPERTIES, "<set key='a' value='1'/>", {{99, "acme:a", "x"}, {0, "acme:a", "--clear"}}, ""},
        {"syntax='ini'",
         "<section name='s'><set key='a' value='1'/><set key='b' value='1'/></section>",
         {{0, "acme:s/a", "--clear"}, {0, "acme:t/a", "--clear"}},
         "[s]\nb=1\n"},
        {"syntax='xml-attribute'",
         "<element name='r'><set key='a' value='1'/></element>",
         {{0, "acme:a", "--clear"}, {0, "acme:b", "--clear"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r/>\n"},
        {"syntax='xml-element'",
         "<element name='r'><lines max='2'><set key='a' value='1'/></lines></element>",
         {{2, "acme:a", "--clear"}, {0, "acme:b", "--clear"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <a>1</a>\n</r>\n"},
        {"syntax='xml-entry'",
         "<element name='c'><section name='s'><set key='a' value='1'/></section></element>",
         {{0, "acme:s/a", "--clear"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<c>\n  <section name=\"s\"></section>\n</c>\n"},
        /* attributes */
        {"syntax='xml-attribute'",
         "<element name='r'><set key='a' value='1'/><element name='e'><set key='b' "
         "value='2'/></element></element>",
         {{0, "acme:a", "x"}, {0, "acme:b", "y"}, {0, "acme:c", "z"}, {0, "acme:d", "\""}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r\n    a=\"x\">\n  <e\n      b=\"y\"/>\n  "
         "<overrides\n      "
         "c=\"z\"\n      d=\"&quot;\"/>\n</r>\n"},
        {"syntax='xml-attribute'",
         "<element name='r'><element name='o'><overrides/></element><element name='e'><set key='b' "
         "value='2'/></element></element>",
         {{0, "acme:b", "y"}, {0, "acme:c", "z"}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <o\n      c=\"z\"/>\n  <e\n      "
         "b=\"y\"/>\n</r>\n"},
        {"syntax='xml-attribute'",
         "<element name='r'><element name='o'><overrides/></element></element>",
         {{0, NULL, NULL}},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <o/>\n</r>\n"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++)
        check_overrides(cases[i].attrs, cases[i].content, cases[i].all, cases[i].expected);
}

/* A key that another file of the device has is not added to the main one. */
static void overrides_of_two_files(void **state)
{
    static const char text[] =
        "<template vendor='acme'><model name='m' lines='2'/>"
        "<file name='{mac}.cfg' main='yes' syntax='plain'><set key='a' value='1'/></file>"
        "<file name='{mac}-2.xml' syntax='xml-tree'><element name='r'><element name='e'><set key='b' "
        "value='1'/></element></element></file>"
        "<file name='{mac}-3.cfg' syntax='plain'><set key='broken' value=\"{1|div 0}\"/><set key='c' "
        "value='2'/></file></template>";
    static const struct {
        const char *file, *content;
    } all[] = {
        {"001565aabbcc.cfg", "a=1\nc=4\nnew=5\n"},
        {"001565aabbcc-2.xml",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n  <e>\n    <b>3</b>\n  </e>\n</r>\n"},
    };
    struct bench b;
    bench_init(&b);
    set_device(&b, "acme:e/b", "3");
    set_device(&b, "acme:c", "4"); /* nobody knows that the broken file would have it */
    set_device(&b, "acme:new", "5");
    struct pfs_template *t = must_parse(text);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        struct pfs_err err = {""};
        if (render_named(t, "m", all[i].file, &b, &out, &err) < 0)
            fail_msg("%s: %s", all[i].file, err.msg);
        assert_string_equal(pfs_buf_str(&out), all[i].content);
    }
    pfs_template_unref(t);
    bench_done(&b);
}

/* The checksums are of another program (Python's hashlib). */
static void digests(void **state)
{
    static const char text[] =
        "<template vendor='acme'><model name='m' lines='2'/><model name='n' lines='2'/>"
        "<file name='{mac}.cfg' main='yes' syntax='plain'><set key='a' value='1'/></file>"
        "<file name='{mac}.md5' digest-of='{mac}.cfg' digest='md5'><alias name='{MAC}.sum'/></file>"
        "<file name='empty' per='model' models='n' syntax='plain'/>"
        "<file name='empty.md5' models='n' digest-of='empty'/></template>";
    static const struct {
        const char *model, *file, *content;
    } all[] = {
        {"m", "001565aabbcc.cfg", "a=1\nnew=5\n"},
        {"m", "001565aabbcc.md5", "60c854c694e6d29ca6f1e4e8cc14a7f6\n"},
        {"m", "001565AABBCC.SUM", "60c854c694e6d29ca6f1e4e8cc14a7f6\n"},
        {"n", "empty.md5", "d41d8cd98f00b204e9800998ecf8427e\n"},
    };
    struct bench b;
    bench_init(&b);
    set_device(&b, "acme:new", "5"); /* it stands in the file, and not in its checksum */
    struct pfs_template *t = must_parse(text);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        struct pfs_err err = {""};
        if (render_named(t, all[i].model, all[i].file, &b, &out, &err) < 0)
            fail_msg("%s: %s", all[i].file, err.msg);
        assert_string_equal(pfs_buf_str(&out), all[i].content);
    }
    pfs_template_unref(t);
    bench_done(&b);
}

static void overrides_that_fail(void **state)
{
    static const struct {
        const char *attrs, *content, *key, *value, *sentence;
    } all[] = {
        {PROPERTIES, "<set key='a' value='1'/>", "acme:a", "x\ny", "the value for a: has a line break"},
        {PROPERTIES, "<set key='a' value='1' max='2'/>", "acme:a", "xyz", "longer than 2 bytes"},
        {PROPERTIES " reserved='%NULL%'", "<set key='a' value='1'/>", "acme:a", "%NULL%",
         "does not take as text"},
        {PROPERTIES, "", "acme:a=b", "x", "cannot be a key"},
        {PROPERTIES, "", "acme:#a", "x", "cannot be a key"},
        {"syntax='ini'", "<section name='s'/>", "acme:a", "x", "needs one (section/key)"},
        {"syntax='ini'", "<section name='s'/>", "acme:a]b/c", "x", "section's name"},
        {"syntax='xml-element'", "<element name='r'/>", "acme:a/b", "x", "cannot be a key"},
        {"syntax='xml-element'", "<element name='r'/>", "acme:a><b", "x", "cannot be a key"},
        {"syntax='xml-element'", "<element name='r'/>", "acme:a:b", "x", "cannot be a key"},
        {"syntax='xml-tree'", "<element name='r'/>", "acme:a/", "x", "cannot be a key"},
        {"syntax='xml-tree'", "<element name='r'/>", "acme:a//b", "x", "cannot be a name"},
        {"syntax='xml-tree'", "<element name='r'/>", "acme:a:b/c", "x", "cannot be a name"},
        {"syntax='xml-tree'", "<element name='r'/>", "acme:1/2/3/4", "x", "cannot be a name"},
        {"syntax='xml-tree'", "<element name='r'/>", "acme:a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "x",
         "nested deeper than 16"},
        {"syntax='xml-attribute'", "<element name='r'/>", "acme:a=\"b\"", "x", "cannot be a key"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct bench b;
        bench_init(&b);
        set_device(&b, all[i].key, all[i].value);
        check_refused(all[i].attrs, all[i].content, &b, EINVAL, all[i].sentence);
        bench_done(&b);
    }
}

struct seen_pairs {
    size_t n, n_overridden, n_used;
    char keys[256];
};

static void see_pair(void *arg, const struct pfs_pair *pair)
{
    struct seen_pairs *seen = arg;
    seen->n++;
    seen->n_overridden += pair->overridden;
    seen->n_used += pair->n_used;
    size_t len = strlen(seen->keys);
    snprintf(seen->keys + len, sizeof seen->keys - len, "%s=%s(%s) ", pair->key, pair->value,
             pair->n_used ? pair->used[0].key : "");
}

static void pairs_are_shown(void **state)
{
    struct bench b;
    bench_of_manual(&b);
    set_device(&b, "acme:s/b", "x");
    set_device(&b, "acme:s/new", "y");
    struct pfs_template *t =
        must_parse("<template vendor='acme'><model name='m' lines='1'/><file name='{mac}.cfg' main='yes' "
                   "syntax='ini'><section name='s'>"
                   "<set key='a' value='{sip.server}'/><set key='b' value='{sip.port}'/><set key='z' "
                   "value='{tz.offset}'/></section></file></template>");
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct seen_pairs seen = {0};
    assert_int_equal(render_named(t, NULL, NULL, &b, &out, NULL), 0);
    pfs_buf_reset(&out);
    assert_int_equal(pfs_render(&t->models[0].files[0], &b.phone, zones, &out, see_pair, &seen, NULL), 0);
    assert_string_equal(seen.keys, "s/a=sip.example.net(sip.server) s/b=x() s/z=3600(time.zone) s/new=y() ");
    assert_int_equal(seen.n_overridden, 2);
    pfs_template_unref(t);
    bench_done(&b);
}

/* ---- Files and their names ---- */

static const char many_files[] =
    "<template vendor='acme'><model name='acme-1' lines='1' hw='7'/><model name='acme-2' lines='2' "
    "hw='8'/><model name='other-3' lines='1' hw='9'/>"
    "<absent name='Absent.cfg'/><absent name='{mac}-gone.cfg' models='acme-*'/>"
    "<file name='{mac}-second.cfg' models='acme-1' syntax='plain'><set key='file' value='second'/></file>"
    "<file name='spec{MAC-}.CFG' main='yes' models='acme-*' syntax='plain'><alias name='{mac}.boot'/><set "
    "key='file' value='main {device.mac}'/></file>"
    "<file name='common{model.hw}.cfg' per='model' models='acme-2 other-?' syntax='plain'><alias "
    "name='{model.hw}-alias.cfg'/><set key='file' value='{model.name}.{device.mac}'/></file>"
    "<file name='all.cfg' per='vendor' syntax='plain'><set key='file' "
    "value='{model.vendor}'/></file></template>";

static void names(void **state)
{
    static const struct {
        const char *model, *name, *content; /* NULL: no file */
    } all[] = {
        {"acme-1", "001565aabbcc-second.cfg", "file=second\n"},
        {"acme-1", "00:15:65:AA:BB:CC-SECOND.cfg", "file=second\n"},
        {"acme-2", "001565aabbcc-second.cfg", NULL},
        {"acme-1", "spec00-15-65-AA-BB-CC.CFG", "file=main 001565aabbcc\n"},
        {"acme-1", "SPEC001565aabbcc.cfg", "file=main 001565aabbcc\n"},
        {"acme-1", "001565AABBCC.boot", "file=main 001565aabbcc\n"},
        {"acme-1", "001565aabbcc.cfg", "file=main 001565aabbcc\n"},
        {"acme-1", "0015.65AA.BBCC.CFG", "file=main 001565aabbcc\n"},
        {"other-3", "001565aabbcc.cfg", NULL},
        {"acme-1", "001565aabbcc-gone.cfg", NULL},
        {"acme-1", "absent.cfg", NULL},
        {"acme-1", "001565aabbcd.cfgx", NULL},
        {"acme-1", "001565aabbc.cfg", NULL},
        {"acme-1", "common7.cfg", NULL},
        {"acme-2", "common8.cfg", "file=acme-2.\n"},
        {"acme-2", "8-ALIAS.cfg", "file=acme-2.\n"},
        {"other-3", "Common9.cfg", "file=other-3.\n"},
        {"other-3", "all.cfg", "file=acme\n"},
    };
    struct bench b;
    bench_init(&b);
    struct pfs_template *t = must_parse(many_files);
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        uint64_t mac = 99;
        const struct pfs_file *f = pfs_model_file(pfs_template_model(t, all[i].model), all[i].name, &mac);
        if (!f != !all[i].content)
            fail_msg("%s %s: %s", all[i].model, all[i].name, f ? f->name.text : "none");
        if (!f)
            continue;
        bool per_device = f->spec->per == PFS_PER_DEVICE;
        assert_true(mac == (per_device ? 0x001565aabbcc : 0));
        b.phone.device = per_device ? &b.d : NULL;
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        assert_int_equal(render_named(t, all[i].model, all[i].name, &b, &out, NULL), 0);
        assert_string_equal(pfs_buf_str(&out), all[i].content);
    }
    assert_true(t->models[0].files[0].spec->main);
    assert_string_equal(t->models[0].files[0].name.text, "spec{MAC-}.CFG");
    pfs_template_unref(t);
    bench_done(&b);
}

static void common_files_know_no_device(void **state)
{
    static const char *const contents[] = {"<lines/>", "<set key='k' value='{model.name}'/>",
                                           "<set key='k' value='{model.lines}'/>",
                                           "<set key='k' value='{model.hw}'/>"};
    struct bench b;
    bench_init(&b);
    b.phone.device = NULL;
    for (size_t i = 0; i < PFS_N_ELEMENTS(contents); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "<template vendor='v'><model name='m' lines='1' hw='1'/><file name='a.cfg' per='vendor' "
                 "syntax='plain'>%s</file></template>",
                 contents[i]);
        struct pfs_template *t = must_parse(text);
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        struct pfs_err err = {""};
        assert_int_equal(render_named(t, NULL, NULL, &b, &out, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "test.xml:1: "));
        assert_non_null(strstr(err.msg, "the file is common to all models"));
        pfs_template_unref(t);
    }
    bench_done(&b);
}

/* ---- The manual's examples ---- */

static char *read_all(const char *path)
{
    autofile FILE *f = fopen(path, "re");
    struct pfs_buf b = PFS_BUF_INIT(0);
    char piece[4096];
    assert_non_null(f);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        pfs_buf_add(&b, piece, n);
    pfs_buf_char(&b, '\0');
    return b.data;
}

/* The next fenced block from *at on; *at moves behind it. */
static char *next_block(const char **at)
{
    const char *fence = strstr(*at, "\n```");
    const char *start = fence ? strchr(fence + 1, '\n') + 1 : NULL;
    const char *end = start ? strstr(start, "```\n") : NULL;
    assert_non_null(end);
    *at = end + 3;
    return strndup(start, (size_t)(end - start));
}

/* A template and what it gives, or content of a properties file of acme-100 and what that gives. */
static void check_example(const char *source, const char *expected)
{
    struct bench b;
    bench_of_manual(&b);
    if (strncmp(source, "<template", 9) == 0)
        check_output(source, &b, expected);
    else
        check_content(PROPERTIES, source, &b, expected);
    bench_done(&b);
}

static void examples_of_the_manual(void **state)
{
    autofree char *manual = read_all(source_path("docs/templates.md"));
    size_t n = 0;
    for (const char *at = manual; (at = strstr(at, "<!-- example: ")); n++) {
        autofree char *source = next_block(&at), *expected = next_block(&at);
        check_example(source, expected);
    }
    assert_true(n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),
        cmocka_unit_test(expressions_that_fail),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(zones_without_summer_time),
        cmocka_unit_test(elements),
        cmocka_unit_test(blocks),
        cmocka_unit_test(tables),
        cmocka_unit_test(contacts),
        cmocka_unit_test(contacts_that_do_not_fit),
        cmocka_unit_test(contacts_refused),
        cmocka_unit_test(contacts_are_shown),
        cmocka_unit_test(unused_lines),
        cmocka_unit_test(refused_content),
        cmocka_unit_test(many_attributes),
        cmocka_unit_test(values_in_text),
        cmocka_unit_test(overrides),
        cmocka_unit_test(overrides_of_two_files),
        cmocka_unit_test(digests),
        cmocka_unit_test(overrides_that_fail),
        cmocka_unit_test(pairs_are_shown),
        cmocka_unit_test(names),
        cmocka_unit_test(common_files_know_no_device),
        cmocka_unit_test(examples_of_the_manual),
    };
    return cmocka_run_group_tests(tests, fixture_up, fixture_down);
}

/* A shipped template with a site's changes, and the walk-through of the manual. */
#include "render_fixture.h"

static const char base[] =
    "<template vendor='acme' title='Acme'>\n"
    "<model name='acme-1' title='Acme 1' lines='2' keys='4' hw='01'/>\n"
    "<model name='acme-2' title='Acme 2' lines='4' keys='8' hw='02'/>\n"
    "<map name='transport'><entry from='udp' to='0'/><entry from='tcp' to='1'/></map>\n"
    "<block name='time'><set key='time.ntp' value='{time.ntp}'/><set key='time.zone' "
    "value='{time.zone}'/></block>\n"
    "<file name='{mac}.cfg' main='yes' syntax='plain'>\n"
    "<set key='server' value='{sip.server}'/><set key='transport' value='{sip.transport|map transport}'/>\n"
    "<lines><set key='line.{line.number}.user' value='{sip.user}'/></lines>\n"
    "<use block='time'/>\n"
    "</file>\n"
    "<file name='hw{model.hw}.cfg' per='model' models='acme-1' syntax='plain'><set key='model' "
    "value='{model.name}'/></file>\n"
    "<absent name='{mac}.boot' models='acme-2'/>\n"
    "</template>";

/* A library with the base and one file of the site. */
static struct pfs_library *with(struct folders *f, const char *change)
{
    autofree char *text = NULL;
    assert_true(asprintf(&text, "<template extends='acme'>\n%s</template>", change) > 0);
    make_folders(f);
    f->source.schema = strdup(source_path("schema/template.rng"));
    put_template(f->shipped, "acme/acme.xml", base);
    put_template(f->site, "acme/own.xml", text);
    return load_library(f, NULL);
}

static void done(struct folders *f, struct pfs_library *l)
{
    pfs_library_unref(l);
    free((char *)f->source.schema);
    remove_folders(f);
}

static void expect_file(struct pfs_library *l, const char *model, const char *file, const char *expected)
{
    struct bench b;
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    const struct pfs_model *m = pfs_library_model(l, model);
    assert_non_null(m);
    bench_of_manual(&b);
    set_site(&b, "sip.transport", "udp");
    if (render_named(m->tmpl, model, file, &b, &out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(pfs_buf_str(&out), expected);
    bench_done(&b);
}

/* What a change makes of 001565aabbcc.cfg of a model. */
static void check_change(const char *change, const char *model, const char *expected)
{
    struct folders f;
    struct pfs_library *l = with(&f, change);
    if (l->n_problems)
        fail_msg("%s\n%s", l->problems[0], change);
    assert_int_equal(l->n_templates, 1);
    expect_file(l, model, "001565aabbcc.cfg", expected);
    done(&f, l);
}

#define LINES_OF_1 "line.1.user=1001\nline.2.user=\n"
#define TIME "time.ntp=pool.ntp.org\ntime.zone=Europe/Vienna\n"
#define OF_1 "server=sip.example.net\ntransport=0\n" LINES_OF_1 TIME

static void nothing_changed(void **state)
{
    check_change("", "acme-1", OF_1);
    check_change("<!-- a note --> <file name='{mac}.cfg'/>", "acme-1", OF_1);
}

static void further_and_dropped_keys(void **state)
{
    check_change("<file name='{mac}.cfg'><set key='own' value='{device.mac}'/></file>", "acme-1",
                 OF_1 "own=001565aabbcc\n");
    check_change("<file name='{mac}.cfg'><drop key='time.*'/></file>", "acme-1",
                 "server=sip.example.net\ntransport=0\n" LINES_OF_1);
    check_change("<file name='{mac}.cfg'><drop key='line.2.*'/><drop key='serve?'/></file>", "acme-1",
                 "transport=0\nline.1.user=1001\n" TIME);
    /* what this file sets is not what it drops: a key is replaced */
    check_change("<file name='{mac}.cfg'><set key='server' value='other'/><drop key='server'/></file>",
                 "acme-1", "transport=0\n" LINES_OF_1 TIME "server=other\n");
    /* for one model alone; the other has the rest */
    static const char some[] = "<file name='{mac}.cfg' models='*-2'><set key='own' value='1'/></file>";
    check_change(some, "acme-1", OF_1);
    check_change(some, "acme-2",
                 "server=sip.example.net\ntransport=0\n" LINES_OF_1 "line.3.user=\nline.4.user=\n" TIME
                 "own=1\n");
}

/* A checksum goes with its file, of which some models have another. */
static void checksums(void **state)
{
    struct folders f;
    struct pfs_library *l = with(&f, "");
    autofree char *shipped = NULL;
    pfs_library_unref(l);
    assert_true(asprintf(&shipped,
                         "%.*s<file name='{mac}.md5' digest-of='{mac}.cfg' digest='md5'/></template>",
                         (int)(strlen(base) - strlen("</template>")), base) > 0);
    put_template(f.shipped, "acme/acme.xml", shipped);
    put_template(
        f.site, "acme/own.xml",
        "<template extends='acme'><file name='{mac}.cfg' models='acme-2'><drop key='*'/></file></template>");
    l = load_library(&f, NULL);
    if (l->n_problems)
        fail_msg("%s", l->problems[0]);
    expect_file(l, "acme-2", "001565aabbcc.md5", "d41d8cd98f00b204e9800998ecf8427e\n"); /* of nothing */
    expect_file(l, "acme-1", "001565aabbcc.md5", "1cb435c58e911a0ff3c0c8f4301a7908\n");
    done(&f, l);
}

static void models(void **state)
{
    static const char own[] = "<model name='acme-1x' like='acme-1' title='Acme 1x' lines='1'/>"
                              "<model name='acme-2x' like='acme-2'/>"
                              "<model name='acme-2y' like='acme-2x' keys='9' own='z'/>"
                              "<model name='acme-9' lines='3' hw='09'/>"
                              "<model name='acme-2' keys='12'/>"
                              "<file name='{mac}.own' models='acme-2 acme-9' syntax='plain'/>";
    struct folders f;
    struct pfs_library *l = with(&f, own);
    assert_int_equal(l->n_problems, 0);
    const struct pfs_model *m = pfs_library_model(l, "acme-1x");
    assert_string_equal(m->title, "Acme 1x");
    assert_int_equal(m->lines, 1);
    assert_int_equal(m->keys, 4);
    assert_string_equal(pfs_model_attr(m, "hw"), "01");
    assert_null(pfs_model_attr(m, "like"));
    assert_int_equal(m->n_files, 2);
    expect_file(l, "acme-1x", NULL, "server=sip.example.net\ntransport=0\nline.1.user=1001\n" TIME);
    m = pfs_library_model(l, "acme-2y");
    assert_string_equal(m->title, "Acme 2");
    assert_int_equal(m->lines, 4);
    assert_int_equal(m->keys, 9);
    assert_string_equal(pfs_model_attr(m, "own"), "z");
    assert_int_equal(m->n_files, 2);
    assert_true(pfs_model_forbids(m, "001565aabbcc.boot"));
    assert_int_equal(pfs_library_model(l, "acme-2")->keys, 12);
    assert_int_equal(pfs_library_model(l, "acme-2")->lines, 4);
    assert_int_equal(pfs_library_model(l, "acme-9")->n_files, 2);
    assert_false(pfs_model_forbids(pfs_library_model(l, "acme-9"), "001565aabbcc.boot"));
    assert_string_equal(pfs_library_model(l, "acme-1")->tmpl->vendor, "acme");
    done(&f, l);
}

static void maps_and_blocks(void **state)
{
    check_change("<map name='transport'><entry from='udp' to='U'/><entry from='tls' to='2'/></map>", "acme-1",
                 "server=sip.example.net\ntransport=U\n" LINES_OF_1 TIME);
    check_change("<map name='own'><entry from='udp' to='X'/></map><file name='{mac}.cfg'><set key='k' "
                 "value='{sip.transport|map own}'/></file>",
                 "acme-1", OF_1 "k=X\n");
    check_change("<map name='transport' default='7'/><file name='{mac}.cfg'><set key='k' "
                 "value='{&apos;x&apos;|map transport}'/></file>",
                 "acme-1", OF_1 "k=7\n");
    check_change("<block name='time'><set key='clock' value='{time.zone}'/></block>", "acme-1",
                 "server=sip.example.net\ntransport=0\n" LINES_OF_1 "clock=Europe/Vienna\n");
    check_change(
        "<block name='mine'><set key='k' value='1'/></block><file name='{mac}.cfg'><use block='mine'/>"
        "</file>",
        "acme-1", OF_1 "k=1\n");
}

static void names(void **state)
{
    struct folders f;
    struct pfs_library *l =
        with(&f, "<file name='{mac}.cfg'><alias name='prov/{mac}/phone.cfg'/></file>"
                 "<file name='prov/{mac}/own.cfg' syntax='plain'><set key='k' value='1'/></file>"
                 "<absent name='{mac}.old'/>");
    uint64_t mac;
    assert_int_equal(l->n_problems, 0);
    const struct pfs_model *m = pfs_library_model(l, "acme-1");
    const struct pfs_file *file = pfs_model_file(m, "PROV/00-15-65-AA-BB-CC/phone.cfg", &mac);
    assert_ptr_equal(file, &m->files[0]);
    expect_file(l, "acme-2", "prov/001565aabbcc/own.cfg", "k=1\n");
    assert_true(pfs_model_forbids(m, "001565aabbcc.old"));
    done(&f, l);
}

/* ---- where things go ---- */

static void check_merged(const char *syntax, const char *content, const char *change, const char *expected)
{
    struct folders f;
    autofree char *shipped = NULL, *own = NULL;
    make_folders(&f);
    assert_true(
        asprintf(&shipped,
                 "<template vendor='v'><model name='m' lines='1'/><block name='b'><section name='in'>"
                 "<set key='b' value='1'/></section></block><file name='{mac}.cfg' main='yes' syntax='%s'>"
                 "%s</file></template>",
                 syntax, content) > 0);
    assert_true(asprintf(&own, "<template extends='v'><file name='{mac}.cfg'>%s</file></template>", change) >
                0);
    if (strncmp(syntax, "ini", 3) != 0 && strcmp(syntax, "xml-entry") != 0) {
        char *block = strstr(shipped, "<block"), *end = strstr(shipped, "</block>") + strlen("</block>");
        memmove(block, end, strlen(end) + 1); /* this syntax has no sections */
    }
    put_template(f.shipped, "v/v.xml", shipped);
    put_template(f.site, "v/own.xml", own);
    struct pfs_library *l = load_library(&f, NULL);
    if (l->n_problems)
        fail_msg("%s", l->problems[0]);
    expect_file(l, "m", NULL, expected);
    pfs_library_unref(l);
    remove_folders(&f);
}

static void places_in_lines(void **state)
{
    check_merged("ini", "<set key='a' value='1'/><section name='s'><set key='x' value='1'/></section>",
                 "<section name='s'><set key='y' value='2'/></section><set key='top' value='3'/>"
                 "<section name='t'><set key='z' value='4'/></section>",
                 "a=1\ntop=3\n[s]\nx=1\ny=2\n[t]\nz=4\n");
    /* a section that a block has; one that is not always there is no place */
    check_merged("ini", "<use block='b'/>", "<section name='in'><set key='y' value='2'/></section>",
                 "[in]\nb=1\ny=2\n");
    check_merged("ini", "<use block='b' unless='{sip.server}'/>",
                 "<section name='in'><set key='y' value='2'/></section>", "[in]\ny=2\n");
    check_merged("plain", "<set key='a' value='1'/><overrides/><text>end</text>", "<set key='b' value='2'/>",
                 "a=1\nb=2\nend\n");
    check_merged("ini", "<use block='b'/>",
                 "<drop key='in/?'/><section name='in'><set key='b' value='2'/></section>", "[in]\nb=2\n");
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void places_in_xml(void **state)
{
    check_merged("xml-element", "<element name='r'><set key='a' value='1'/></element>",
                 "<set key='b' value='2'/><element name='e'><set key='c' value='3'/></element>",
                 XML "<r>\n  <a>1</a>\n  <b>2</b>\n  <e>\n    <c>3</c>\n  </e>\n</r>\n");
    check_merged("xml-element", "<element name='r'><set key='a' value='1'/></element>",
                 "<element name='r'><attribute name='n' value='5'/><set key='b' value='2'/></element>",
                 XML "<r n=\"5\">\n  <a>1</a>\n  <b>2</b>\n</r>\n");
    check_merged("xml-tree",
                 "<element name='r'><element name='s'><set key='a' value='1'/></element><set key='z' "
                 "value='9'/></element>",
                 "<drop key='s/a'/><element name='s'><set key='b' value='2'/><element name='t'><set key='c' "
                 "value='3'/>"
                 "</element></element>",
                 XML
                 "<r>\n  <s>\n    <b>2</b>\n    <t>\n      <c>3</c>\n    </t>\n  </s>\n  <z>9</z>\n</r>\n");
    check_merged("xml-attribute",
                 "<element name='R'><element name='P'><set key='a' value='1'/></element><element name='O'>"
                 "<overrides/></element></element>",
                 "<set key='b' value='2'/>", XML "<R>\n  <P\n      a=\"1\"/>\n  <O\n      b=\"2\"/>\n</R>\n");
    check_merged("xml-entry", "<element name='config'><use block='b'/></element>",
                 "<section name='in'><set key='c' value='2'/></section>",
                 XML "<config>\n  <section name=\"in\">\n    <entry name=\"b\" overwrite=\"true\">1</entry>\n"
                     "    <entry name=\"c\" overwrite=\"true\">2</entry>\n  </section>\n</config>\n");
}

/* ---- what is wrong ---- */

static void wrong_changes(void **state)
{
    static const struct {
        const char *change, *sentence;
    } all[] = {
        {"<model name='x' like='acme-3'/>", "own.xml:2: like: no model is \"acme-3\" (did you mean acme-1?)"},
        {"<model name='x' like='nothing-near'/>",
         "own.xml:2: like: no model of the base is \"nothing-near\""},
        {"<model name='acme-1' like='acme-2'/>", "own.xml:2: this model is there already"},
        {"<model name='x'/>", "own.xml:2: an attribute is missing: \"lines\""},
        {"\n<model name='acme-1' lines='many'/>", "own.xml:3: lines is a number"},
        {"<model name='x' like='acme-1'>\n<y/></model>", "own.xml:3: \"model\" holds no elements"},
        {"<file name='{mac}.cf'/>", "own.xml:2: no file of the base is \"{mac}.cf\" (it has {mac}.cfg, "
                                    "hw{model.hw}.cfg), and a new one needs"},
        {"<file name='{mac}.cfg' syntax='ini'/>",
         "own.xml:2: this file is the base's: what is in it can change"},
        {"<file name='{mac}.cfg' models='acme-7'/>", "own.xml:2: models: no model is \"acme-7\""},
        {"<file name='hw{model.hw}.cfg' models='acme-2'/>", "own.xml:2: models: none of these has the file"},
        {"<file name='{mac}.cfg'><drop key='time.nto'/></file>",
         "own.xml:2: drop: the base writes no key \"time.nto\" in this file (did you mean time.ntp?)"},
        {"<file name='{mac}.cfg'><drop key='nothing.near'/></file>",
         "own.xml:2: drop: the base writes no such key"},
        {"<file name='{mac}.cfg'><set key='own' value='1'/><drop key='own'/></file>",
         "own.xml:2: drop: the base writes no such key"},
        {"<file name='{mac}.cfg'><drop/></file>", "own.xml:2: an attribute is missing: \"key\""},
        {"<file name='{mac}.x' syntax='plain'><drop key='a'/></file>", "own.xml:2: there is nothing to drop"},
        {"<file name='{mac}.cfg'>\n<set key='a' value='{sip.sever}'/></file>",
         "own.xml:3: no such setting: sip.sever"},
        {"<file name='{mac}.cfg'>text</file>", "own.xml:2: text stands in \"file\""},
        {"<file name='{mac}.cfg'><section name='x'/></file>",
         "own.xml:2: this file's syntax has no such thing"},
        {"<block name='time'>\n<st/></block>", "own.xml:3: unknown element: \"st\""},
        {"<map name='transport'>\n<x/></map>", "own.xml:3: unknown element in a map"},
        {"<map name='transport' x='1'/>", "own.xml:2: unknown attribute \"x\""},
        {"\n\n<thing/>", "own.xml:4: unknown element: \"thing\""},
        {"text", "own.xml:2: text stands in \"template\""},
        {"<file name='{mac}.cfg'><use block='time'/><use block='tme'/></file>",
         "own.xml:2: there is no block"},
        {"<file name='{mac}.cfg'><alias name='{mac}.cfg'/></file>\n<file name='{MAC}.cfg' syntax='plain'/>",
         "own.xml:3: another file of this model has that name"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct folders f;
        struct pfs_library *l = with(&f, all[i].change);
        if (!problem_of(l, all[i].sentence))
            fail_msg("%s\ninstead of %s\n%s", l->n_problems ? l->problems[0] : "nothing", all[i].sentence,
                     all[i].change);
        assert_non_null(problem_of(l, "the template goes without this: /tmp/"));
        assert_int_equal(l->n_problems, 1);
        assert_int_equal(l->n_broken, 1);
        expect_file(l, "acme-1", NULL, OF_1); /* as it is shipped */
        done(&f, l);
    }
}

static void wrong_roots(void **state)
{
    static const struct {
        const char *text, *sentence;
    } all[] = {
        {"<template extends='acmee'/>",
         "own.xml:1: extends: no shipped template is \"acmee\" (did you mean acme?)"},
        {"<template extends='nobody'/>", "own.xml:1: extends: no shipped template is \"nobody\""},
        {"<template extends='acme/other'/>", "no shipped template is \"acme/other\" (did you mean acme?)"},
        {"<template extends='two'/>", "no shipped template is \"two\" (did you mean two/a?)"},
        {"<template extends='acme' vendor='acme'/>",
         "own.xml:1: a template that extends another is of its vendor"},
        {"<template extends='acme' title='x'/>", "own.xml:1: unknown attribute \"title\" of \"template\""},
        {"<template extends='acme'>", "own.xml:1: "},
        {"<template vendor='x'><model name='q' lines='1' like='acme-1'/></template>",
         "own.xml:1: like is for a template that extends another"},
        {"<template vendor='x'><model name='q' lines='1'/><file name='{mac}' syntax='plain'><drop "
         "key='a'/></file>"
         "</template>",
         "own.xml:1: drop is for a template that extends another"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct folders f;
        make_folders(&f);
        put_template(f.shipped, "acme/acme.xml", base);
        put_template(f.shipped, "two/a.xml", "<template vendor='two'/>");
        put_template(f.site, "acme/own.xml", all[i].text);
        struct pfs_library *l = load_library(&f, NULL);
        if (!problem_of(l, all[i].sentence))
            fail_msg("%s\ninstead of %s", l->n_problems ? l->problems[0] : "nothing", all[i].sentence);
        expect_file(l, "acme-1", NULL, OF_1);
        pfs_library_unref(l);
        remove_folders(&f);
    }
}

static void extending_in_the_shipped_folder(void **state)
{
    struct folders f;
    make_folders(&f);
    put_template(f.shipped, "acme/acme.xml", base);
    put_template(f.shipped, "acme/more.xml", "<template extends='acme'/>");
    struct pfs_library *l = load_library(&f, NULL);
    assert_non_null(problem_of(l, "more.xml:1: only a file among the site's templates can extend"));
    pfs_library_unref(l);
    remove_folders(&f);
}

/* ---- in service ---- */

#define OWN(key)                                                                                             \
    "<template extends='acme'><file name='{mac}.cfg'><set key='" key "' value='1'/></file></template>"

static void several_files(void **state)
{
    struct folders f;
    struct pfs_library *l = with(&f, "<model name='acme-x' like='acme-1'/>");
    pfs_library_unref(l);
    put_template(f.site, "acme/zz.xml",
                 "<template extends='acme'><file name='{mac}.cfg'><drop key='b?'/>"
                 "</file><model name='acme-y' like='acme-x'/></template>");
    put_template(f.site, "other/b1.xml", OWN("late"));
    put_template(f.site, "acme/b0.xml", OWN("b0"));
    l = load_library(&f, NULL);
    assert_int_equal(l->n_problems, 0);
    assert_int_equal(l->n_templates, 1);
    assert_int_equal(l->templates[0]->n_sources, 5);
    assert_non_null(strstr(l->templates[0]->sources[1], "/acme/b0.xml"));
    expect_file(l, "acme-y", NULL, OF_1 "late=1\n");
    /* one that is broken goes without; the others are there */
    put_template(f.site, "acme/own.xml",
                 "<template extends='acme'><model name='acme-x' like='acme-7'/></template>");
    struct pfs_library *fresh = load_library(&f, NULL);
    assert_int_equal(fresh->n_problems, 2); /* and zz has no acme-x */
    expect_file(fresh, "acme-1", NULL, OF_1 "b0=1\nlate=1\n");
    pfs_library_unref(fresh);
    /* where there was a good one, all of it stays */
    struct pfs_library *next = load_library(&f, l);
    assert_non_null(problem_of(next, "the last good version stays in service: "));
    expect_file(next, "acme-y", NULL, OF_1 "late=1\n");
    pfs_library_unref(next);
    done(&f, l);
}

static void upgrades_and_mistakes(void **state)
{
    struct folders f;
    struct pfs_library *first =
        with(&f, "<file name='{mac}.cfg'><drop key='transport'/><set key='own' value='1'/>"
                 "</file>");
    expect_file(first, "acme-1", NULL, "server=sip.example.net\n" LINES_OF_1 TIME "own=1\n");
    /* an upgrade of the base is merged anew */
    autofree char *newer = strdup(base);
    memcpy(strstr(newer, "'server'"), "'SERVER'", 8);
    put_template(f.shipped, "acme/acme.xml", newer);
    struct pfs_library *second = load_library(&f, first);
    expect_file(second, "acme-1", NULL, "SERVER=sip.example.net\n" LINES_OF_1 TIME "own=1\n");
    pfs_library_unref(first);
    /* one that takes the dropped key away: the last good one, and the sentence says where */
    memcpy(strstr(newer, "'transport' value"), "'TRANSPORT' value", 17);
    put_template(f.shipped, "acme/acme.xml", newer);
    struct pfs_library *third = load_library(&f, second);
    assert_non_null(problem_of(third, "the last good version stays in service: /tmp/"));
    assert_non_null(problem_of(third, "/site/acme/own.xml:2: drop: the base writes no such key"));
    assert_ptr_equal(pfs_library_model(third, "acme-1"), pfs_library_model(second, "acme-1"));
    pfs_library_unref(second);
    /* not well-formed: the same; gone: the base as it is */
    put_template(f.site, "acme/own.xml", "<template extends='acme'>");
    struct pfs_library *fourth = load_library(&f, third);
    assert_int_equal(fourth->n_problems, 1);
    assert_non_null(problem_of(fourth, "the last good version stays in service: /tmp/"));
    expect_file(fourth, "acme-1", NULL, "SERVER=sip.example.net\n" LINES_OF_1 TIME "own=1\n");
    pfs_library_unref(third);
    put_template(f.site, "acme/own.xml", NULL);
    struct pfs_library *fifth = load_library(&f, fourth);
    assert_int_equal(fifth->n_problems, 0);
    expect_file(fifth, "acme-1", NULL, "SERVER=sip.example.net\nTRANSPORT=0\n" LINES_OF_1 TIME);
    pfs_library_unref(fourth);
    done(&f, fifth);
}

/* The site's own vendor before shipped ones, and its models before models that are shipped. */
static void whose_model_it_is(void **state)
{
    struct folders f;
    struct pfs_library *l = with(&f, "<model name='bolt-1' like='acme-1'/>");
    pfs_library_unref(l);
    put_template(f.shipped, "a/a.xml", "<template vendor='a'><model name='bolt-1' lines='9'/></template>");
    put_template(f.site, "acme/whole.xml",
                 "<template vendor='acme'><model name='acme-2' lines='7'/></template>");
    l = load_library(&f, NULL);
    assert_int_equal(l->n_problems, 0);
    assert_int_equal(pfs_library_model(l, "bolt-1")->lines, 2);
    assert_int_equal(pfs_library_model(l, "acme-2")->lines, 7);
    put_template(f.site, "acme/whole.xml",
                 "<template vendor='acme'><model name='bolt-1' lines='7'/></template>");
    pfs_library_unref(l);
    l = load_library(&f, NULL);
    assert_non_null(problem_of(l, "/acme/own.xml:2: the model bolt-1 is claimed by /tmp/"));
    done(&f, l);
}

/* Errors of a render name the file that the line is of. */
static void errors_of_a_render(void **state)
{
    struct folders f;
    struct pfs_library *l = with(&f, "<file name='{mac}.cfg'>\n\n<set key='x' value='{1|div 0}'/></file>");
    struct bench b;
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    bench_of_manual(&b);
    set_site(&b, "sip.transport", "udp");
    const struct pfs_template *t = pfs_library_model(l, "acme-1")->tmpl;
    assert_int_equal(render_named(t, "acme-1", NULL, &b, &out, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "/site/acme/own.xml:4: "));
    set_site(&b, "sip.transport", "tls");
    assert_int_equal(render_named(t, "acme-1", NULL, &b, &out, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "/shipped/acme/acme.xml:7: "));
    bench_done(&b);
    done(&f, l);
}

/* An override of a dropped key is an override: it adds the key again. */
static void overrides_of_dropped_keys(void **state)
{
    struct folders f;
    struct pfs_library *l =
        with(&f, "<file name='{mac}.cfg'><drop key='server'/><drop key='line.*'/></file>");
    struct bench b;
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    bench_of_manual(&b);
    set_site(&b, "sip.transport", "udp");
    set_device(&b, "acme:server", "mine");
    const struct pfs_template *t = pfs_library_model(l, "acme-1")->tmpl;
    assert_int_equal(render_named(t, "acme-1", NULL, &b, &out, &err), 0);
    assert_string_equal(pfs_buf_str(&out), "transport=0\n" TIME "server=mine\n");
    bench_done(&b);
    done(&f, l);
}

/* Blocks that use blocks multiply: that is bounded, and said. */
static void too_much_to_put_in_place(void **state)
{
    struct folders f;
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    make_folders(&f);
    pfs_buf_str_add(
        &text,
        "<template vendor='v'><model name='m' lines='1'/><block name='b0'><set key='k' value='v'/></block>");
    for (int i = 1; i < 15; i++)
        pfs_buf_printf(&text, "<block name='b%d'>%s%s%s%s</block>", i, "<use block='b0'/>",
                       "<use block='b0'/>", "", "");
    pfs_buf_str_add(&text, "<block name='loop'><use block='loop'/><use block='loop'/></block>"
                           "<file name='{mac}' syntax='plain'><use block='loop'/></file></template>");
    put_template(f.shipped, "v/v.xml", pfs_buf_str(&text));
    put_template(f.site, "v/own.xml",
                 "<template extends='v'><file name='{mac}'><set key='a' value='1'/></file></template>");
    struct pfs_library *l = load_library(&f, NULL);
    assert_non_null(problem_of(l, "nested too deeply"));
    pfs_library_unref(l);
    remove_folders(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changed),
        cmocka_unit_test(further_and_dropped_keys),
        cmocka_unit_test(checksums),
        cmocka_unit_test(models),
        cmocka_unit_test(maps_and_blocks),
        cmocka_unit_test(names),
        cmocka_unit_test(places_in_lines),
        cmocka_unit_test(places_in_xml),
        cmocka_unit_test(wrong_changes),
        cmocka_unit_test(wrong_roots),
        cmocka_unit_test(extending_in_the_shipped_folder),
        cmocka_unit_test(several_files),
        cmocka_unit_test(upgrades_and_mistakes),
        cmocka_unit_test(whose_model_it_is),
        cmocka_unit_test(errors_of_a_render),
        cmocka_unit_test(overrides_of_dropped_keys),
        cmocka_unit_test(too_much_to_put_in_place),
    };
    return cmocka_run_group_tests(tests, fixture_up, fixture_down);
}

/* Any bytes as key, value and section's name in each syntax: refused, or read back the same between their
 * neighbours.
 *
 * The first byte is the syntax (its low three bits, and 128), latin1 (8), crlf (16), refusals (32, 64); the
 * rest is KEY NUL SECTION NUL VALUE. */
#include "read_back.h"
#include "render/emit.h"
#include "render/form.h"

#include "fuzz.h"

#include <string.h>

static const struct pfs_form_part setting[] = {
    {.text = "<setting id=\""}, {.word = PFS_FORM_NAME, .in_attribute = true},
    {.text = "\" value=\""},    {.word = PFS_FORM_VALUE, .in_attribute = true},
    {.text = "\"></setting>"},
};
static const struct pfs_form_part parameter[] = {
    {.text = "<P><Value>"},  {.word = PFS_FORM_VALUE}, {.text = "</Value><Name>"},
    {.word = PFS_FORM_NAME}, {.text = "</Name></P>"},
};
static const struct pfs_form_part object[] = {
    {.text = "<O><Name>"},      {.word = PFS_FORM_NAME}, {.text = "</Name>"},
    {.word = PFS_FORM_CONTENT}, {.text = "</O>"},
};
static const struct pfs_form form_setting = {.n = 5, .value_in_attribute = true, .parts = setting};
static const struct pfs_form form_parameter = {.n = 5, .parts = parameter};
static const struct pfs_form form_object = {.n = 5, .parts = object};
static const struct read_form read_setting = {"setting", "@id", "@value", "section", "@name"};
static const struct read_form read_parameter = {"P", "Name", "Value", "O", "Name"};

static const struct read_form *reader_of(const struct pfs_syntax *s)
{
    return s->pair == &form_setting ? &read_setting : s->pair == &form_parameter ? &read_parameter : NULL;
}

/* A syntax as it is, or as a file's attributes vary it. */
static struct pfs_syntax syntax_of(unsigned byte)
{
    static const char *const names[] = {"properties", "plain",       "colon",         "quoted",
                                        "ini",        "xml-element", "xml-attribute", "xml-entry"};
    static const struct variant {
        const char *name, *before, *between, *comment, *begin, *end, *enclose_if;
        const struct pfs_form *pair, *section;
    } variants[] = {
        {.name = "enclosed"},
        {.name = "enclosed", .before = "SET ", .between = " ", .comment = "## "},
        {.name = "plain", .before = "SET ", .between = " ", .comment = "## ", .enclose_if = "#"},
        {.name = "colon", .between = ":", .begin = "<", .end = ">"},
        {.name = "xml-entry", .pair = &form_setting},
        {.name = "ini", .enclose_if = "; #"},
        {.name = "xml-entry", .pair = &form_parameter, .section = &form_object},
        {.name = "xml-tree"},
    };
    if (!(byte & 128))
        return *pfs_syntax_find(names[byte & 7]);
    const struct variant v = variants[byte & 7];
    struct pfs_syntax s = *pfs_syntax_find(v.name);
    s.before = v.before ? v.before : s.before;
    s.between = v.between ? v.between : s.between;
    s.comment = v.comment ? v.comment : s.comment;
    s.section_begin = v.begin ? v.begin : s.section_begin;
    s.section_end = v.end ? v.end : s.section_end;
    s.has_sections = s.has_sections || v.begin;
    s.enclose_if = v.enclose_if;
    s.pair = v.pair ? v.pair : s.pair;
    s.section = v.section ? v.section : s.section;
    s.quoting = v.enclose_if ? PFS_QUOTING_IF : s.quoting;
    return s;
}

struct input {
    char *key, *section, *value;
    size_t value_len;
};

static struct input split(char *text, size_t len)
{
    struct input in = {.key = text};
    size_t key_len = strlen(text);
    in.section = text + PFS_MIN(key_len + 1, len);
    in.value = in.section + PFS_MIN(strlen(in.section) + 1, (size_t)(text + len - in.section));
    in.value_len = strlen(in.value);
    return in;
}

static bool pair(struct pfs_emit *e, const char *key, const char *value)
{
    struct pfs_emit_pair p = {.key = key, .key_len = strlen(key), .value = value, .len = strlen(value)};
    return pfs_emit_pair(e, &p, NULL) == 0;
}

/* True where all was taken. */
static bool write_file(struct pfs_emit *e, const struct input *in)
{
    bool ok = !e->syntax->is_xml || pfs_emit_open(e, "root", 4, 0, NULL) == 0;
    unsigned what = e->syntax->has_sections ? PFS_EMIT_SECTION : 0;
    if (ok && (what || e->syntax->is_tree))
        ok = pfs_emit_open(e, in->section, strlen(in->section), what, NULL) == 0;
    ok = ok && pair(e, "before", "x") && pair(e, in->key, in->value) && pair(e, "after", "y");
    while (ok && e->depth)
        pfs_emit_close(e);
    return ok;
}

static bool is_section(const struct one_pair *p, const struct pfs_syntax *s, const char *name)
{
    size_t len = s->has_sections || s->is_tree ? strlen(name) : 0;
    return p->section.len == len && (len == 0 || memcmp(p->section.data, name, len) == 0);
}

static void check(const struct pfs_emit *e, const struct input *in)
{
    struct pairs pairs = {0};
    const struct pfs_syntax *s = e->syntax;
    bool ok = read_back(s, reader_of(s), e->rules->latin1, e->out->data, e->out->len, &pairs);
    fuzz_check(ok, pairs.why);
    fuzz_check(pairs.n == 3, "not three pairs");
    fuzz_check(pair_is(&pairs.all[0], "before", "x", 1), "the pair before is another");
    fuzz_check(pair_is(&pairs.all[1], in->key, in->value, in->value_len), "the pair is another");
    fuzz_check(pair_is(&pairs.all[2], "after", "y", 1), "the pair behind is another");
    for (size_t i = 0; i < 3; i++)
        fuzz_check((s->shape == PFS_PAIR_ELEMENT && !s->is_tree) || is_section(&pairs.all[i], s, in->section),
                   "the section is another");
    pairs_done(&pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const reserved[] = {"%NULL%", "none", NULL};
    if (size < 2)
        return 0;
    char *text = calloc(1, size + 2);
    fuzz_check(text != NULL, "out of memory");
    memcpy(text, data + 1, size - 1);
    struct input in = split(text, size);
    size_t name_max = 200; /* what the reader holds */
    if (strlen(in.key) > name_max || strlen(in.section) > name_max) {
        free(text);
        return 0;
    }
    struct pfs_value_rules rules = {.latin1 = data[0] & 8,
                                    .refuse_newline = data[0] & 32,
                                    .refuse_edge_blank = data[0] & 32,
                                    .refuse_non_ascii = data[0] & 64,
                                    .reserved = data[0] & 64 ? reserved : NULL};
    struct pfs_buf out autobuf = PFS_BUF_INIT(1 << 20);
    struct pfs_emit *e = calloc(1, sizeof *e);
    fuzz_check(e != NULL, "out of memory");
    struct pfs_syntax syntax = syntax_of(data[0]);
    pfs_emit_begin(e, &syntax, &rules, data[0] & 16, &out);
    if (write_file(e, &in) && !pfs_buf_error(&out))
        check(e, &in);
    free(e);
    free(text);
    return 0;
}

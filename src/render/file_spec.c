#include "render/file_spec.h"
#include "render/attr.h"
#include "render/form.h"
#include "render/xml.h"

#include <errno.h>

static int fail(const xmlNode *node, struct pfs_err *err, const char *what, const char *about)
{
    return pfs_attr_fail(node, err, what, about);
}

/* ---- what the firmware refuses ---- */

static int read_refusals(const xmlNode *node, const char *const *words, struct pfs_value_rules *rules,
                         struct pfs_err *err)
{
    for (; *words; words++) {
        if (strcmp(*words, "newline") == 0)
            rules->refuse_newline = true;
        else if (strcmp(*words, "edge-blank") == 0)
            rules->refuse_edge_blank = true;
        else if (strcmp(*words, "non-ascii") == 0)
            rules->refuse_non_ascii = true;
        else
            return fail(node, err, "refuse takes newline, edge-blank, non-ascii, not", *words);
    }
    return 0;
}

static int read_rules(struct pfs_arena *a, const xmlNode *node, struct pfs_value_rules *rules,
                      struct pfs_err *err)
{
    static const char *const encodings[] = {"utf-8", "iso-8859-1", NULL};
    const char *const *refusals = NULL;
    int encoding;
    int r = pfs_attr_choice(node, "encoding", encodings, &encoding, err);
    if (r < 0 || (r = pfs_attr_words(a, node, "refuse", &refusals, err)) < 0 ||
        (r = read_refusals(node, refusals, rules, err)) < 0 ||
        (r = pfs_attr_copy(a, node, "refuse-characters", &rules->refuse_characters, err)) < 0 ||
        (r = pfs_attr_number(node, "max-value", 1, PFS_VALUE_MAX, &rules->max_value, err)) < 0)
        return r;
    rules->latin1 = encoding == 1;
    return pfs_attr_words(a, node, "reserved", &rules->reserved, err);
}

/* ---- the file's own variant of its syntax ---- */

/* The attributes that vary a syntax of lines, and where each goes. */
static const struct {
    const char *name;
    size_t offset; /* of the text in struct pfs_syntax */
} variations[] = {
    {"before", offsetof(struct pfs_syntax, before)},
    {"between", offsetof(struct pfs_syntax, between)},
    {"comment", offsetof(struct pfs_syntax, comment)},
    {"section-begin", offsetof(struct pfs_syntax, section_begin)},
    {"section-end", offsetof(struct pfs_syntax, section_end)},
    {"enclose-if", offsetof(struct pfs_syntax, enclose_if)},
};

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text >= 0x7f)
            return false;
    return true;
}

static int read_variation(struct pfs_arena *a, const xmlNode *node, size_t i, struct pfs_syntax *s,
                          struct pfs_err *err)
{
    const char *name = variations[i].name, *text = NULL;
    int r = pfs_attr_copy(a, node, name, &text, err);
    if (r < 0 || !text)
        return r;
    if (s->shape != PFS_PAIR_LINE)
        return fail(node, err, "this attribute is for files of lines", name);
    if (!*text || !is_printable(text))
        return fail(node, err, "this attribute is printable ASCII, and not empty", name);
    memcpy((char *)s + variations[i].offset, &text, sizeof text);
    return 0;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

/* What would make lines that read otherwise than they are meant. */
static int check_lines(const xmlNode *node, const struct pfs_syntax *s, struct pfs_err *err)
{
    if (is_blank(s->comment) || is_blank(s->section_begin) || is_blank(s->section_end))
        return fail(node, err, "comment, section-begin and section-end are more than blanks", s->comment);
    if (*s->before && pfs_syntax_begins_otherwise(s, s->before, strlen(s->before)))
        return fail(node, err, "a line that begins so is a comment or a section", s->before);
    if (strchr(s->between, '"'))
        return fail(node, err, "between has no double quote", s->between);
    return 0;
}

/* <pair> and <group>: how these stand in a file of entries. */
static int read_forms(struct pfs_arena *a, const xmlNode *file, struct pfs_syntax *s, struct pfs_err *err)
{
    const struct pfs_form *pair = NULL, *group = NULL;
    int r = 0;
    for (xmlNode *node = pfs_xml_element(file->children); node && r == 0;
         node = pfs_xml_element(node->next)) {
        bool is_group = pfs_xml_is(node, "group");
        if (!is_group && !pfs_xml_is(node, "pair"))
            continue;
        if (s->shape != PFS_PAIR_ENTRY)
            return fail(node, err, "this element is for xml-entry", (const char *)node->name);
        if (is_group ? group : pair)
            return fail(node, err, "this element stands once in a file", (const char *)node->name);
        r = pfs_form_compile(a, node, is_group, is_group ? &group : &pair, err);
    }
    s->pair = pair ? pair : s->pair;
    s->section = group ? group : s->section;
    return r;
}

static int read_syntax(struct pfs_arena *a, const xmlNode *node, struct pfs_file_spec *file,
                       struct pfs_err *err)
{
    const char *name = pfs_xml_attr(node, "syntax");
    if (!name)
        return fail(node, err, "an attribute is missing", "syntax");
    const struct pfs_syntax *known = pfs_syntax_find(name);
    if (!known)
        return fail(node, err, "unknown syntax", name);
    struct pfs_syntax *s = pfs_arena_alloc(a, sizeof *s);
    if (!s)
        return pfs_err_nomem(err);
    *s = *known;
    for (size_t i = 0; i < PFS_N_ELEMENTS(variations); i++) {
        int r = read_variation(a, node, i, s, err);
        if (r < 0)
            return r;
    }
    file->syntax = s;
    if (!pfs_xml_attr(node, "section-begin") != !pfs_xml_attr(node, "section-end"))
        return fail(node, err, "section-begin and section-end go together", s->section_begin);
    if (pfs_xml_attr(node, "section-begin"))
        s->has_sections = true;
    if (s->enclose_if && s->quoting != PFS_QUOTING_NONE)
        return fail(node, err, "this syntax encloses each value", name);
    if (s->enclose_if)
        s->quoting = PFS_QUOTING_IF;
    int r = read_forms(a, node, s, err);
    return r == 0 && s->shape == PFS_PAIR_LINE ? check_lines(node, s, err) : r;
}

/* ---- the whole ---- */

static int read_empty(struct pfs_arena *a, const xmlNode *node, struct pfs_file_spec *s, struct pfs_err *err)
{
    int r = pfs_attr_copy(a, node, "empty", &s->empty, err);
    if (r == 0 && s->empty &&
        pfs_syntax_check_text(s->syntax, &s->rules, s->empty, strlen(s->empty), NULL) < 0)
        return fail(node, err, "this syntax cannot write empty", s->empty);
    return r;
}

int pfs_file_spec_read(struct pfs_arena *a, const xmlNode *node, struct pfs_file_spec *s, struct pfs_err *err)
{
    static const char *const attrs[] = {"name",
                                        "main",
                                        "per",
                                        "models",
                                        "syntax",
                                        "empty",
                                        "reserved",
                                        "refuse",
                                        "refuse-characters",
                                        "max-value",
                                        "eol",
                                        "encoding",
                                        "before",
                                        "between",
                                        "enclose-if",
                                        "comment",
                                        "section-begin",
                                        "max-size",
                                        "section-end",
                                        NULL};
    static const char *const pers[] = {"device", "model", "vendor", NULL};
    static const char *const eols[] = {"lf", "crlf", NULL};
    int per, eol;
    s->line = pfs_xml_line(node);
    s->max_size = PFS_FILE_SIZE_MAX;
    int r = pfs_xml_known_attrs(node, attrs, err);
    if (r < 0 || (r = pfs_attr_needed(a, node, "name", &s->name, err)) < 0 ||
        (r = read_syntax(a, node, s, err)) < 0 ||
        (r = pfs_attr_number(node, "max-size", 1, PFS_FILE_SIZE_MAX, &s->max_size, err)) < 0 ||
        (r = pfs_attr_choice(node, "per", pers, &per, err)) < 0 ||
        (r = pfs_attr_choice(node, "eol", eols, &eol, err)) < 0 ||
        (r = pfs_attr_switch(node, "main", &s->main, err)) < 0 ||
        (r = read_rules(a, node, &s->rules, err)) < 0)
        return r;
    s->per = (enum pfs_file_per)per;
    s->crlf = eol == 1;
    if (s->main && s->per != PFS_PER_DEVICE)
        return fail(node, err, "a main file is per device", s->name);
    return read_empty(a, node, s, err);
}

#include "render/emit.h"

#include <errno.h>

void pfs_emit_begin(struct pfs_emit *e, const struct pfs_syntax *s, const struct pfs_value_rules *rules,
                    bool crlf, struct pfs_buf *out)
{
    e->syntax = s;
    e->rules = rules;
    e->eol = crlf ? "\r\n" : "\n";
    e->out = out;
    e->depth = 0;
    e->had_root = false;
    e->line = PFS_EMIT_LINE_EMPTY;
    if (s->is_xml) {
        pfs_buf_printf(out, "<?xml version=\"1.0\" encoding=\"%s\"?>",
                       rules->latin1 ? "ISO-8859-1" : "UTF-8");
        pfs_emit_end_line(e);
    }
}

void pfs_emit_end_line(struct pfs_emit *e)
{
    pfs_buf_str_add(e->out, e->eol);
    e->line = PFS_EMIT_LINE_EMPTY;
}

static struct pfs_emit_level *top(struct pfs_emit *e)
{
    return e->depth ? &e->levels[e->depth - 1] : NULL;
}

static void indent(struct pfs_emit *e, unsigned depth)
{
    static const char blanks[] = "                                ";
    if (e->syntax->is_xml)
        pfs_buf_add(e->out, blanks, PFS_MIN(depth * 2, (unsigned)sizeof blanks - 1));
}

/* Ends the open tag around, as something is to stand inside the element. */
static void begin_child(struct pfs_emit *e)
{
    struct pfs_emit_level *level = top(e);
    if (!level)
        return;
    if (level->open) {
        pfs_buf_char(e->out, '>');
        pfs_emit_end_line(e);
        level->open = false;
    }
    level->has_children = true;
}

static int check_inside(const struct pfs_emit *e, const char *what, struct pfs_err *err)
{
    if (e->syntax->is_xml && e->depth == 0)
        return pfs_err_set(err, EINVAL, "%s stands outside an element", what);
    return 0;
}

/* What stands behind a section of an ini file would be read as part of it. */
static int check_pair_place(const struct pfs_emit *e, const char *key, size_t key_len, struct pfs_err *err)
{
    if (!e->syntax->is_xml && e->syntax->has_sections && e->had_root && e->depth == 0)
        return pfs_err_set(err, EINVAL, "\"%.*s\" comes behind the sections: it needs one (section/key)",
                           (int)key_len, key);
    return check_inside(e, "a pair", err);
}

/* ---- attributes of the open tag: each once, or the document is not well-formed ---- */

static void begin_tag(struct pfs_emit *e)
{
    e->tag_at = e->out->len;
    memset(e->seen, 0, sizeof e->seen);
}

/* Looks through the tag as written. Values are escaped: a quote ends one. */
static bool tag_has(const struct pfs_emit *e, const char *name, size_t len)
{
    const char *at = e->out->data + e->tag_at, *end = e->out->data + e->out->len;
    while ((at = memchr(at, '=', (size_t)(end - at)))) {
        const char *start = (size_t)(at - e->out->data) - e->tag_at > len ? at - len : NULL;
        if (start && (start[-1] == ' ' || start[-1] == '\n') && memcmp(start, name, len) == 0)
            return true;
        at = memchr(at + 2, '"', (size_t)(end - at - 2));
        if (!at)
            break;
    }
    return false;
}

static int add_attribute_name(struct pfs_emit *e, const char *name, size_t len, struct pfs_err *err)
{
    int r = pfs_syntax_check_name(name, len, err);
    if (r < 0)
        return r;
    unsigned hash = 5381;
    for (size_t i = 0; i < len; i++)
        hash = hash * 33 + (unsigned char)name[i];
    uint64_t *word = &e->seen[hash / 64 % PFS_N_ELEMENTS(e->seen)], bit = (uint64_t)1 << hash % 64;
    if ((*word & bit) && !pfs_buf_error(e->out) && tag_has(e, name, len))
        return pfs_err_set(err, EINVAL, "the element has the attribute \"%.*s\" already", (int)len, name);
    *word |= bit;
    return 0;
}

static void write_attribute(struct pfs_emit *e, const char *name, size_t name_len, const char *value,
                            size_t len)
{
    pfs_buf_add(e->out, name, name_len);
    pfs_buf_add(e->out, "=\"", 2);
    pfs_syntax_escape(e->syntax, e->rules, value, len, true, e->out);
    pfs_buf_char(e->out, '"');
}

/* ---- pairs ---- */

static int pair_attribute(struct pfs_emit *e, const char *key, size_t key_len, const char *value, size_t len,
                          struct pfs_err *err)
{
    struct pfs_emit_level *level = top(e);
    if (!level->open)
        return pfs_err_set(err, EINVAL, "\"%.*s\" comes after a child of its element: attributes come first",
                           (int)key_len, key);
    int r = add_attribute_name(e, key, key_len, err);
    if (r < 0)
        return r;
    pfs_emit_end_line(e);
    indent(e, e->depth + 1);
    write_attribute(e, key, key_len, value, len);
    return 0;
}

static void pair_element(struct pfs_emit *e, const char *key, size_t key_len, const char *value, size_t len,
                         const char *attribute)
{
    begin_child(e);
    indent(e, e->depth);
    pfs_buf_char(e->out, '<');
    pfs_buf_add(e->out, key, key_len);
    if (attribute) {
        pfs_buf_char(e->out, ' ');
        pfs_buf_str_add(e->out, attribute);
    }
    pfs_buf_char(e->out, '>');
    pfs_syntax_escape(e->syntax, e->rules, value, len, false, e->out);
    pfs_buf_add(e->out, "</", 2);
    pfs_buf_add(e->out, key, key_len);
    pfs_buf_char(e->out, '>');
    pfs_emit_end_line(e);
}

static void pair_entry(struct pfs_emit *e, const char *key, size_t key_len, const char *value, size_t len)
{
    begin_child(e);
    indent(e, e->depth);
    pfs_buf_str_add(e->out, "<entry name=\"");
    pfs_syntax_escape(e->syntax, e->rules, key, key_len, true, e->out);
    pfs_buf_str_add(e->out, "\" overwrite=\"true\">");
    pfs_syntax_escape(e->syntax, e->rules, value, len, false, e->out);
    pfs_buf_str_add(e->out, "</entry>");
    pfs_emit_end_line(e);
}

static void pair_line(struct pfs_emit *e, const char *key, size_t key_len, const char *value, size_t len)
{
    pfs_buf_add(e->out, key, key_len);
    pfs_buf_str_add(e->out, e->syntax->between);
    if (e->syntax->quoted)
        pfs_buf_char(e->out, '"');
    pfs_syntax_escape(e->syntax, e->rules, value, len, false, e->out);
    if (e->syntax->quoted)
        pfs_buf_char(e->out, '"');
    pfs_emit_end_line(e);
}

int pfs_emit_pair(struct pfs_emit *e, const char *key, size_t key_len, const char *value, size_t len,
                  const char *attribute, bool literal, struct pfs_err *err)
{
    int r = pfs_syntax_check_key(e->syntax, key, key_len, err);
    if (r == 0)
        r = check_pair_place(e, key, key_len, err);
    if (r == 0 && !literal) {
        r = pfs_syntax_check_value(e->syntax, e->rules, value, len, err);
        if (r < 0)
            pfs_err_prefix(err, "the value for %.*s", (int)key_len, key);
    }
    if (r < 0)
        return r;
    switch (e->syntax->shape) {
    case PFS_PAIR_LINE:
        pair_line(e, key, key_len, value, len);
        return 0;
    case PFS_PAIR_ELEMENT:
        pair_element(e, key, key_len, value, len, attribute);
        return 0;
    case PFS_PAIR_ATTRIBUTE:
        return pair_attribute(e, key, key_len, value, len, err);
    case PFS_PAIR_ENTRY:
        pair_entry(e, key, key_len, value, len);
        return 0;
    }
    return 0;
}

static bool begins_otherwise(char c)
{
    return strchr("#;![", c) != NULL;
}

/* In files of lines a value within a text must not make a key or comment of the line that it begins. */
static int settle_line(struct pfs_emit *e, const char *text, size_t len, bool literal, struct pfs_err *err)
{
    if (e->syntax->shape != PFS_PAIR_LINE || e->line == PFS_EMIT_LINE_SETTLED || len == 0)
        return 0;
    char sign = e->syntax->between[strspn(e->syntax->between, " ")];
    bool settles = memchr(text, sign, len) || (e->line == PFS_EMIT_LINE_EMPTY && begins_otherwise(text[0]));
    if (settles && !literal)
        return pfs_err_set(err, EINVAL, "a value would make another pair of this line of text");
    e->line = settles ? PFS_EMIT_LINE_SETTLED : PFS_EMIT_LINE_BEGUN;
    return 0;
}

int pfs_emit_text(struct pfs_emit *e, const char *text, size_t len, bool literal, struct pfs_err *err)
{
    int r = check_inside(e, "text", err);
    if (r == 0 && !literal)
        r = pfs_syntax_check_value(e->syntax, e->rules, text, len, err);
    if (r == 0)
        r = settle_line(e, text, len, literal, err);
    if (r < 0)
        return r;
    begin_child(e);
    if (literal && !e->syntax->is_xml)
        pfs_syntax_encode(e->rules, text, len, e->out); /* the template's own lines, quotes included */
    else
        pfs_syntax_escape(e->syntax, e->rules, text, len, false, e->out);
    return 0;
}

int pfs_emit_comment(struct pfs_emit *e, const char *text, struct pfs_err *err)
{
    if (strpbrk(text, "\r\n") || (e->syntax->is_xml && strstr(text, "--")))
        return pfs_err_set(err, EINVAL, "a comment is one line, without \"--\" in XML");
    begin_child(e);
    indent(e, e->depth);
    pfs_buf_str_add(e->out, e->syntax->is_xml ? "<!-- " : "# ");
    pfs_syntax_encode(e->rules, text, strlen(text), e->out);
    pfs_buf_str_add(e->out, e->syntax->is_xml ? " -->" : "");
    pfs_emit_end_line(e);
    return 0;
}

/* [NAME] is a line of its own. */
static int check_line_section(const struct pfs_emit *e, const char *name, size_t len, struct pfs_err *err)
{
    int r = pfs_syntax_check_value(e->syntax, e->rules, name, len, err);
    if (r < 0)
        pfs_err_prefix(err, "a section's name");
    else if (len == 0 || memchr(name, ']', len))
        r = pfs_err_set(err, EINVAL, "a section's name is not empty and has no \"]\"");
    return r;
}

/* In the attribute of <section name="…">. */
static int check_name(const struct pfs_emit *e, const char *name, size_t len, bool section,
                      struct pfs_err *err)
{
    if (!section)
        return pfs_syntax_check_name(name, len, err);
    return e->syntax->is_xml ? pfs_syntax_check_key(e->syntax, name, len, err)
                             : check_line_section(e, name, len, err);
}

static int check_open(const struct pfs_emit *e, const char *name, size_t len, bool section,
                      struct pfs_err *err)
{
    if (e->depth == PFS_EMIT_DEPTH_MAX)
        return pfs_err_set(err, EINVAL, "elements are nested deeper than %d", PFS_EMIT_DEPTH_MAX);
    if (len >= PFS_EMIT_NAME_MAX)
        return pfs_err_set(err, EINVAL, "the name \"%.40s…\" is longer than %d bytes", name,
                           PFS_EMIT_NAME_MAX - 1);
    if (section ? !e->syntax->has_sections : !e->syntax->is_xml)
        return pfs_err_set(err, EINVAL, "the syntax %s has no %s", e->syntax->name,
                           section ? "sections" : "elements");
    if (section && e->depth && e->levels[e->depth - 1].section)
        return pfs_err_set(err, EINVAL, "a section stands in a section");
    if (!section && e->depth == 0 && e->had_root)
        return pfs_err_set(err, EINVAL, "a second outermost element \"%.*s\"", (int)len, name);
    return check_name(e, name, len, section, err);
}

int pfs_emit_open(struct pfs_emit *e, const char *name, size_t len, bool section, struct pfs_err *err)
{
    int r = check_open(e, name, len, section, err);
    if (r == 0 && section)
        r = check_inside(e, "a section", err);
    if (r < 0)
        return r;
    begin_child(e);
    indent(e, e->depth);
    struct pfs_emit_level *level = &e->levels[e->depth++];
    memcpy(level->name, name, len);
    level->name[len] = '\0';
    level->section = section;
    level->has_children = false;
    level->open = e->syntax->is_xml;
    e->had_root = true;
    begin_tag(e);
    if (!e->syntax->is_xml) {
        pfs_buf_char(e->out, '[');
        pfs_syntax_encode(e->rules, name, len, e->out);
        pfs_buf_char(e->out, ']');
        pfs_emit_end_line(e);
        return 0;
    }
    pfs_buf_char(e->out, '<');
    pfs_buf_add(e->out, section ? "section" : name, section ? strlen("section") : len);
    return section ? pfs_emit_attribute(e, "name", strlen("name"), name, len, err) : 0;
}

int pfs_emit_attribute(struct pfs_emit *e, const char *name, size_t name_len, const char *value, size_t len,
                       struct pfs_err *err)
{
    struct pfs_emit_level *level = top(e);
    if (!level || !level->open)
        return pfs_err_set(err, EINVAL, "the attribute \"%.*s\" does not come first in an element",
                           (int)name_len, name);
    int r = pfs_syntax_check_value(e->syntax, e->rules, value, len, err);
    if (r < 0)
        pfs_err_prefix(err, "the value for %.*s", (int)name_len, name);
    else
        r = add_attribute_name(e, name, name_len, err);
    if (r < 0)
        return r;
    pfs_buf_char(e->out, ' ');
    write_attribute(e, name, name_len, value, len);
    return 0;
}

bool pfs_emit_takes_attributes(const struct pfs_emit *e)
{
    return e->depth && e->levels[e->depth - 1].open;
}

void pfs_emit_close(struct pfs_emit *e)
{
    struct pfs_emit_level *level = &e->levels[--e->depth];
    if (!e->syntax->is_xml)
        return;
    const char *name = level->section ? "section" : level->name;
    if (level->has_children) {
        indent(e, e->depth);
        pfs_buf_printf(e->out, "</%s>", name);
    } else if (e->syntax->shape == PFS_PAIR_ATTRIBUTE) {
        pfs_buf_str_add(e->out, "/>");
    } else { /* some firmware takes <x/> for "leave as it is" */
        pfs_buf_printf(e->out, "></%s>", name);
    }
    pfs_emit_end_line(e);
}

const char *pfs_emit_section(const struct pfs_emit *e)
{
    for (unsigned i = e->depth; i > 0; i--)
        if (e->levels[i - 1].section)
            return e->levels[i - 1].name;
    return "";
}

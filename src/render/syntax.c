#include "render/syntax.h"
#include "base/utf8.h"
#include "render/form.h"

#include <ctype.h>
#include <errno.h>

#define LINES .shape = PFS_PAIR_LINE, .before = "", .comment = "# ", .section_begin = "[", .section_end = "]"

static const struct pfs_syntax syntaxes[] = {
    {.name = "properties", LINES, .between = " = "},
    {.name = "plain", LINES, .between = "="},
    {.name = "colon", LINES, .between = ": "},
    {.name = "quoted", LINES, .between = "=", .quoting = PFS_QUOTING_ESCAPED},
    {.name = "enclosed", LINES, .between = "=", .quoting = PFS_QUOTING_BARE},
    {.name = "ini", LINES, .between = "=", .has_sections = true},
    {.name = "xml-element", .shape = PFS_PAIR_ELEMENT, .is_xml = true},
    {.name = "xml-tree", .shape = PFS_PAIR_ELEMENT, .is_xml = true, .is_tree = true},
    {.name = "xml-attribute", .shape = PFS_PAIR_ATTRIBUTE, .is_xml = true},
    {.name = "xml-entry",
     .shape = PFS_PAIR_ENTRY,
     .is_xml = true,
     .has_sections = true,
     .pair = &pfs_form_entry,
     .section = &pfs_form_section},
};

const struct pfs_syntax *pfs_syntax_find(const char *name)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(syntaxes); i++)
        if (strcmp(syntaxes[i].name, name) == 0)
            return &syntaxes[i];
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* C0, DEL and C1. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* XML 1.0 section 2.2, Char. */
static bool is_xml_char(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code <= 0xd7ff) ||
           (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000;
}

static int check_char(const struct pfs_syntax *s, const struct pfs_value_rules *rules, uint32_t code,
                      struct pfs_err *err)
{
    bool newline = code == '\n' || code == '\r';
    if (newline && (!s->is_xml || rules->refuse_newline))
        return pfs_err_set(err, EINVAL, "has a line break, which this file cannot hold");
    if (s->is_xml ? !is_xml_char(code) : is_control(code))
        return pfs_err_set(err, EINVAL, "has the control character U+%04X, which this file cannot hold",
                           code);
    if (code > 0x7f && rules->refuse_non_ascii)
        return pfs_err_set(err, EINVAL, "has the character U+%04X, but this file is ASCII only", code);
    if (code > 0xff && rules->latin1 && !s->is_xml)
        return pfs_err_set(err, EINVAL, "has the character U+%04X, but this file is ISO-8859-1", code);
    return 0;
}

static bool has_edge_blank(const char *value, size_t len)
{
    return len > 0 && (is_blank(value[0]) || is_blank(value[len - 1]));
}

/* The character at s, where the rules refuse it. */
static int check_refused(const struct pfs_value_rules *rules, const char *s, size_t len, struct pfs_err *err)
{
    if (!memmem(rules->refuse_characters, strlen(rules->refuse_characters), s, len))
        return 0;
    return pfs_err_set(err, EINVAL, "has a \"%.*s\", which this phone does not take", (int)len, s);
}

/* What the firmware refuses of a value that the syntax could write. */
static int check_rules(const struct pfs_value_rules *rules, const char *value, size_t len,
                       struct pfs_err *err)
{
    uint32_t code;
    int r = 0;
    if (rules->max_value && len > rules->max_value)
        return pfs_err_set(err, EINVAL, "is longer than %zu bytes, which is all that this phone takes",
                           rules->max_value);
    for (const char *const *word = rules->reserved; word && *word; word++)
        if (strlen(*word) == len && memcmp(*word, value, len) == 0)
            return pfs_err_set(err, EINVAL, "is %s, which this phone does not take as text", *word);
    for (size_t i = 0, n; rules->refuse_characters && i < len && r == 0; i += n) {
        n = pfs_utf8_decode(value + i, len - i, &code);
        r = n ? check_refused(rules, value + i, n, err) : pfs_err_set(err, EINVAL, "is not UTF-8");
    }
    return r;
}

static int check_whole(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                       size_t len, struct pfs_err *err)
{
    bool line = s->shape == PFS_PAIR_LINE;
    bool trimmed = rules->refuse_edge_blank || (line && s->quoting == PFS_QUOTING_NONE);
    if (trimmed && has_edge_blank(value, len))
        return pfs_err_set(err, EINVAL, "begins or ends with a blank, which this file does not keep");
    bool bare = line && (s->quoting == PFS_QUOTING_BARE || s->quoting == PFS_QUOTING_IF);
    if (bare && memchr(value, '"', len))
        return pfs_err_set(err, EINVAL, "has a double quote, which this file cannot hold");
    return check_rules(rules, value, len, err);
}

int pfs_syntax_check_text(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *text,
                          size_t len, struct pfs_err *err)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7f) { /* what nearly all texts consist of */
            i++;
            continue;
        }
        uint32_t code;
        size_t n = pfs_utf8_decode(text + i, len - i, &code);
        if (n == 0)
            return pfs_err_set(err, EINVAL, "is not UTF-8");
        int r = check_char(s, rules, code, err);
        if (r < 0)
            return r;
        i += n;
    }
    return 0;
}

int pfs_syntax_check_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                           size_t len, struct pfs_err *err)
{
    int r = pfs_syntax_check_text(s, rules, value, len, err);
    return r < 0 ? r : check_whole(s, rules, value, len, err);
}

static bool is_name_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && ((c >= '0' && c <= '9') || c == '-' || c == '.'));
}

/* A name of XML 1.0 section 2.3 in ASCII, without colon. */
static bool is_xml_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_name_char(name[i], i == 0))
            return false;
    return len > 0;
}

/* The same with a prefix: QName of Namespaces in XML, section 4. */
static bool is_prefixed_name(const char *name, size_t len)
{
    const char *colon = memchr(name, ':', len);
    size_t n = colon ? (size_t)(colon - name) : 0;
    return colon ? is_xml_name(name, n) && is_xml_name(colon + 1, len - n - 1) : is_xml_name(name, len);
}

static bool is_name(const char *name, size_t len, bool prefixed)
{
    return prefixed ? is_prefixed_name(name, len) : is_xml_name(name, len);
}

int pfs_syntax_check_name(const char *name, size_t len, bool prefixed, struct pfs_err *err)
{
    if (!is_name(name, len, prefixed))
        return pfs_err_set(err, EINVAL, "\"%.*s\" cannot be a name in XML", (int)PFS_MIN(len, 80u), name);
    return 0;
}

/* ---- keys that carry attributes: name@a=1@b=2 ---- */

size_t pfs_syntax_element_len(const char *key, size_t len)
{
    const char *at = memchr(key, '@', len);
    return at ? (size_t)(at - key) : len;
}

bool pfs_syntax_next_attribute(const char **at, const char *end, struct pfs_key_attribute *ret)
{
    if (*at == end)
        return false;
    const char *name = *at + 1; /* behind the '@' */
    const char *stop = memchr(name, '@', (size_t)(end - name));
    stop = stop ? stop : end;
    const char *equals = memchr(name, '=', (size_t)(stop - name));
    const char *value = equals ? equals + 1 : stop;
    *ret = (struct pfs_key_attribute){.name = name,
                                      .name_len = (size_t)((equals ? equals : stop) - name),
                                      .value = value,
                                      .value_len = (size_t)(stop - value)};
    *at = stop;
    return true;
}

/* Stands for itself in an attribute, and cannot be taken for another part of a native key. */
static bool is_attribute_value(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] <= 0x20 || value[i] >= 0x7f || strchr("<>&\"'=@/", value[i]))
            return false;
    return len > 0;
}

static bool repeats(const char *first, const struct pfs_key_attribute *a)
{
    struct pfs_key_attribute b;
    while (first < a->name - 1 && pfs_syntax_next_attribute(&first, a->name - 1, &b))
        if (b.name_len == a->name_len && memcmp(b.name, a->name, a->name_len) == 0)
            return true;
    return false;
}

static bool is_element_key(const char *key, size_t len, bool prefixed)
{
    size_t name_len = pfs_syntax_element_len(key, len);
    const char *first = key + name_len;
    struct pfs_key_attribute a;
    if (!is_name(key, name_len, prefixed))
        return false;
    for (const char *at = first; pfs_syntax_next_attribute(&at, key + len, &a);)
        if (!is_name(a.name, a.name_len, prefixed) || !is_attribute_value(a.value, a.value_len) ||
            repeats(first, &a))
            return false;
    return true;
}

/* Fixed attributes have no quotes in their values: NAME=" begins one. */
bool pfs_syntax_has_fixed(const char *fixed, const char *name, size_t len)
{
    for (const char *at = fixed; at; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, name, len) == 0 && strncmp(at + len, "=\"", 2) == 0)
            return true;
    }
    return false;
}

int pfs_syntax_check_fixed(const char *key, size_t len, const char *fixed, struct pfs_err *err)
{
    const char *at = key + pfs_syntax_element_len(key, len);
    struct pfs_key_attribute a;
    while (fixed && pfs_syntax_next_attribute(&at, key + len, &a))
        if (pfs_syntax_has_fixed(fixed, a.name, a.name_len))
            return pfs_err_set(err, EINVAL, "the element has the attribute \"%.*s\" already", (int)a.name_len,
                               a.name);
    return 0;
}

/* ---- keys ---- */

char pfs_syntax_sign(const struct pfs_syntax *s)
{
    char c = s->between[strspn(s->between, " ")];
    return c ? c : ' ';
}

/* Whether the text begins as `with` does, blanks aside that end it. */
static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    while (n > 0 && with[n - 1] == ' ')
        n--;
    return n > 0 && len >= n && memcmp(text, with, n) == 0;
}

bool pfs_syntax_begins_otherwise(const struct pfs_syntax *s, const char *text, size_t len)
{
    return (len > 0 && memchr("#;![", text[0], 4)) || begins(text, len, s->comment) ||
           begins(text, len, s->section_begin);
}

/* Printable ASCII that cannot be taken for a comment, a section or the sign between key and value; blanks
 * inside one by one. */
static bool is_line_key(const struct pfs_syntax *s, const char *key, size_t len)
{
    char sign = pfs_syntax_sign(s);
    if (pfs_syntax_begins_otherwise(s, key, len) || key[0] == ' ' || key[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++)
        if (key[i] < 0x20 || key[i] >= 0x7f || key[i] == '=' || key[i] == ':' || key[i] == '"' ||
            key[i] == sign || (key[i] == ' ' && key[i - 1] == ' '))
            return false;
    return true;
}

int pfs_syntax_check_section(const struct pfs_syntax *s, const struct pfs_value_rules *rules,
                             const char *name, size_t len, struct pfs_err *err)
{
    int r = pfs_syntax_check_value(s, rules, name, len, err);
    if (r == 0 && has_edge_blank(name, len))
        r = pfs_err_set(err, EINVAL, "begins or ends with a blank");
    if (r < 0) {
        pfs_err_prefix(err, "a section's name");
        return r;
    }
    bool ends = false;
    for (const char *c = s->section_end; *c; c++)
        ends = ends || (*c != ' ' && memchr(name, *c, len));
    return len && !ends
               ? 0
               : pfs_err_set(err, EINVAL, "a section's name is not empty and has no \"%s\"", s->section_end);
}

/* A name in an attribute: printable ASCII. */
static bool is_entry_key(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7f)
            return false;
    return true;
}

static bool is_key(const struct pfs_syntax *s, const char *key, size_t len, bool prefixed)
{
    if (len == 0)
        return false;
    switch (s->shape) {
    case PFS_PAIR_LINE:
        return is_line_key(s, key, len);
    case PFS_PAIR_ELEMENT:
        return is_element_key(key, len, prefixed);
    case PFS_PAIR_ATTRIBUTE:
        return is_name(key, len, prefixed);
    case PFS_PAIR_ENTRY:
        return is_entry_key(key, len);
    }
    return false;
}

static int no_key(const struct pfs_syntax *s, const char *key, size_t len, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "\"%.*s\" cannot be a key of this file's syntax (%s)",
                       (int)PFS_MIN(len, 80u), key, s->name);
}

int pfs_syntax_check_key(const struct pfs_syntax *s, const char *key, size_t len, bool prefixed,
                         struct pfs_err *err)
{
    return is_key(s, key, len, prefixed) ? 0 : no_key(s, key, len, err);
}

int pfs_syntax_check_native(const struct pfs_syntax *s, const char *key, size_t len, struct pfs_err *err)
{
    size_t at = 0; /* where the pair's own key begins */
    for (const char *slash; s->is_tree && (slash = memchr(key + at, '/', len - at));) {
        size_t n = (size_t)(slash - key) - at;
        if (!is_name(key + at, n, true))
            return no_key(s, key, len, err);
        at += n + 1;
    }
    return is_key(s, key + at, len - at, true) ? 0 : no_key(s, key, len, err);
}

static const char *xml_reference(unsigned char c, bool in_attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;"; /* a literal one would be read as \n */
    case '"':
        return in_attribute ? "&quot;" : NULL;
    case '\n':
        return in_attribute ? "&#10;" : NULL; /* attribute values are normalized: blanks otherwise */
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void escape_xml(const char *value, size_t len, bool in_attribute, struct pfs_buf *out)
{
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        const char *reference = xml_reference((unsigned char)value[i], in_attribute);
        if (!reference)
            continue;
        pfs_buf_add(out, value + start, i - start);
        pfs_buf_str_add(out, reference);
        start = i + 1;
    }
    pfs_buf_add(out, value + start, len - start);
}

static void escape_quoted(const char *value, size_t len, struct pfs_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '"' || value[i] == '\\')
            pfs_buf_char(out, '\\');
        pfs_buf_char(out, value[i]);
    }
}

/* Turns UTF-8 into ISO-8859-1; what that does not have becomes a character reference (XML only, others refuse
 * it). */
static void to_latin1(const char *text, size_t len, struct pfs_buf *out)
{
    uint32_t code;
    for (size_t i = 0, n; i < len; i += n) {
        n = pfs_utf8_decode(text + i, len - i, &code);
        if (n == 0)
            return;
        if (code <= 0xff)
            pfs_buf_char(out, (char)code);
        else
            pfs_buf_printf(out, "&#%u;", code);
    }
}

void pfs_syntax_encode(const struct pfs_value_rules *rules, const char *text, size_t len, struct pfs_buf *out)
{
    if (rules->latin1)
        to_latin1(text, len, out);
    else
        pfs_buf_add(out, text, len);
}

static void escape_utf8(const struct pfs_syntax *s, const char *value, size_t len, bool in_attribute,
                        struct pfs_buf *out)
{
    if (s->is_xml)
        escape_xml(value, len, in_attribute, out);
    else if (s->quoting == PFS_QUOTING_ESCAPED)
        escape_quoted(value, len, out);
    else
        pfs_buf_add(out, value, len);
}

void pfs_syntax_escape(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                       size_t len, bool in_attribute, struct pfs_buf *out)
{
    if (!rules->latin1) {
        escape_utf8(s, value, len, in_attribute, out);
        return;
    }
    struct pfs_buf utf8 autobuf = PFS_BUF_INIT(0);
    escape_utf8(s, value, len, in_attribute, &utf8);
    if (pfs_buf_error(&utf8))
        out->error = out->error ? out->error : pfs_buf_error(&utf8);
    else if (utf8.len)
        to_latin1(utf8.data, utf8.len, out);
}

static bool wants_quotes(const struct pfs_syntax *s, const char *value, size_t len, bool literal)
{
    if (s->quoting != PFS_QUOTING_IF)
        return s->quoting != PFS_QUOTING_NONE;
    for (const char *c = s->enclose_if; *c && !literal; c++)
        if (memchr(value, *c, len))
            return true;
    return !literal && has_edge_blank(value, len);
}

void pfs_syntax_line_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                           size_t len, bool literal, struct pfs_buf *out)
{
    bool quotes = wants_quotes(s, value, len, literal);
    if (quotes)
        pfs_buf_char(out, '"');
    pfs_syntax_escape(s, rules, value, len, false, out);
    if (quotes)
        pfs_buf_char(out, '"');
}

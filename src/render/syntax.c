#include "render/syntax.h"
#include "base/utf8.h"

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
    {.name = "xml-attribute", .shape = PFS_PAIR_ATTRIBUTE, .is_xml = true},
    {.name = "xml-entry", .shape = PFS_PAIR_ENTRY, .is_xml = true, .has_sections = true},
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
    for (const char *const *word = rules->reserved; word && *word; word++)
        if (strlen(*word) == len && memcmp(*word, value, len) == 0)
            return pfs_err_set(err, EINVAL, "is %s, which this phone does not take as text", *word);
    return 0;
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

/* A name of XML 1.0 section 2.3 in ASCII, without colon: no namespaces here. */
static bool is_xml_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_name_char(name[i], i == 0))
            return false;
    return len > 0;
}

int pfs_syntax_check_name(const char *name, size_t len, struct pfs_err *err)
{
    if (!is_xml_name(name, len))
        return pfs_err_set(err, EINVAL, "\"%.*s\" cannot be a name in XML", (int)PFS_MIN(len, 80u), name);
    return 0;
}

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

int pfs_syntax_check_key(const struct pfs_syntax *s, const char *key, size_t len, struct pfs_err *err)
{
    bool ok = len > 0;
    if (ok && s->shape == PFS_PAIR_ENTRY)
        ok = is_entry_key(key, len);
    else if (ok)
        ok = s->is_xml ? is_xml_name(key, len) : is_line_key(s, key, len);
    if (!ok)
        return pfs_err_set(err, EINVAL, "\"%.*s\" cannot be a key of this file's syntax (%s)",
                           (int)PFS_MIN(len, 80u), key, s->name);
    return 0;
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

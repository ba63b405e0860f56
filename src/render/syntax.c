#include "render/syntax.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>

static const struct pfs_syntax syntaxes[] = {
    {.name = "properties", .shape = PFS_PAIR_LINE, .between = " = "},
    {.name = "plain", .shape = PFS_PAIR_LINE, .between = "="},
    {.name = "colon", .shape = PFS_PAIR_LINE, .between = ": "},
    {.name = "quoted", .shape = PFS_PAIR_LINE, .between = "=", .quoted = true},
    {.name = "ini", .shape = PFS_PAIR_LINE, .between = "=", .has_sections = true},
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

static int check_whole(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                       size_t len, struct pfs_err *err)
{
    bool trimmed = rules->refuse_edge_blank || (s->shape == PFS_PAIR_LINE && !s->quoted);
    if (trimmed && len > 0 && (is_blank(value[0]) || is_blank(value[len - 1])))
        return pfs_err_set(err, EINVAL, "begins or ends with a blank, which this file does not keep");
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

/* Printable ASCII that cannot be taken for a comment, a section or the sign between key and value. */
static bool is_line_key(const char *key, size_t len)
{
    if (key[0] == '#' || key[0] == ';' || key[0] == '[' || key[0] == '!')
        return false;
    for (size_t i = 0; i < len; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7f || key[i] == '=' || key[i] == ':' || key[i] == '"')
            return false;
    return true;
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
        ok = s->is_xml ? is_xml_name(key, len) : is_line_key(key, len);
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
    else if (s->quoted)
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

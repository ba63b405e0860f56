#include "read_back.h"
#include "base/utf8.h"

#include <ctype.h>

enum { DEPTH_MAX = 32, NAME_SIZE = 256 };

static bool wrong(struct pairs *p, const char *why)
{
    p->why = why;
    return false;
}

static struct one_pair *new_pair(struct pairs *p)
{
    return p->n < PAIRS_MAX ? &p->all[p->n++] : NULL;
}

void pairs_done(struct pairs *p)
{
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        pfs_buf_done(&p->all[i].section);
        pfs_buf_done(&p->all[i].key);
        pfs_buf_done(&p->all[i].value);
    }
    *p = (struct pairs){0};
}

static bool is_text(const struct pfs_buf *b, const char *s, size_t len)
{
    return b->len == len && (len == 0 || memcmp(b->data, s, len) == 0);
}

bool pair_is(const struct one_pair *p, const char *key, const char *value, size_t len)
{
    return is_text(&p->key, key, strlen(key)) && is_text(&p->value, value, len);
}

static void add_code(struct pfs_buf *b, uint32_t c)
{
    if (c < 0x80) {
        pfs_buf_char(b, (char)c);
    } else if (c < 0x800) {
        pfs_buf_char(b, (char)(0xc0 | c >> 6));
        pfs_buf_char(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        pfs_buf_char(b, (char)(0xe0 | c >> 12));
        pfs_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        pfs_buf_char(b, (char)(0x80 | (c & 0x3f)));
    } else {
        pfs_buf_char(b, (char)(0xf0 | c >> 18));
        pfs_buf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
        pfs_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        pfs_buf_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

/* ---- Files of lines ---- */

static bool read_quoted(const char *s, size_t len, bool escaped, struct pfs_buf *value)
{
    if (len < 2 || s[0] != '"' || s[len - 1] != '"')
        return false;
    for (size_t i = 1; i < len - 1; i++) {
        if (s[i] == '"' || (escaped && s[i] == '\\' && ++i == len - 1))
            return false;
        pfs_buf_char(value, s[i]);
    }
    return true;
}

/* What stands behind the sign, as the file's firmware takes it. */
static bool read_value(const struct pfs_syntax *s, const char *value, size_t len, struct pfs_buf *out,
                       struct pairs *p)
{
    bool quoted = s->quoting == PFS_QUOTING_ESCAPED || s->quoting == PFS_QUOTING_BARE;
    if (quoted || (s->quoting == PFS_QUOTING_IF && len && value[0] == '"'))
        return read_quoted(value, len, s->quoting == PFS_QUOTING_ESCAPED, out) ||
               wrong(p, "a value is not quoted");
    for (size_t i = 0; i < len && s->quoting == PFS_QUOTING_IF; i++)
        if (strchr(s->enclose_if, value[i]) || value[i] == '"')
            return wrong(p, "a value is not enclosed");
    pfs_buf_add(out, value, len);
    bool edge = len && (isspace((unsigned char)value[0]) || isspace((unsigned char)value[len - 1]));
    return !edge || wrong(p, "a blank at the edge of a value, which readers strip");
}

static bool starts(const char *line, size_t len, const char *with)
{
    size_t n = strcspn(with, " ");
    return len >= n && memcmp(line, with, n) == 0;
}

static bool read_line(const struct pfs_syntax *s, const char *line, size_t len, const struct pfs_buf *section,
                      struct pairs *p)
{
    if (len == 0 || strchr("#;!", line[0]) || starts(line, len, s->comment))
        return true;
    size_t before_len = strlen(s->before);
    if (len < before_len || memcmp(line, s->before, before_len) != 0)
        return wrong(p, "a line does not begin as it should");
    line += before_len;
    len -= before_len;
    struct one_pair *pair = new_pair(p);
    const char *sign = s->between + strspn(s->between, " ");
    size_t sign_len = strcspn(sign, " ");
    if (sign_len == 0) /* a blank */
        sign = " ", sign_len = 1;
    const char *at = memmem(line, len, sign, sign_len);
    if (!pair || !at)
        return wrong(p, pair ? "a line without a sign between key and value" : "too many pairs");
    const char *key_end = at, *value = at + sign_len;
    while (key_end > line && key_end[-1] == ' ')
        key_end--;
    while (value < line + len && *value == ' ') /* a value's own are refused or in quotes */
        value++;
    pfs_buf_add(&pair->section, section->data, section->len);
    pfs_buf_add(&pair->key, line, (size_t)(key_end - line));
    return read_value(s, value, (size_t)(line + len - value), &pair->value, p);
}

/* [NAME], or between the file's own signs. */
static bool read_section(const struct pfs_syntax *s, const char *line, size_t len, struct pfs_buf *section)
{
    size_t begin = strlen(s->section_begin), end = strlen(s->section_end);
    if (len <= begin + end || memcmp(line + len - end, s->section_end, end) != 0)
        return false;
    pfs_buf_reset(section);
    pfs_buf_add(section, line + begin, len - begin - end);
    return !memchr(section->data, s->section_end[strspn(s->section_end, " ")], section->len);
}

static bool read_lines(const struct pfs_syntax *s, const char *text, size_t len, struct pairs *p)
{
    struct pfs_buf section autobuf = PFS_BUF_INIT(0);
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        if (!end)
            return wrong(p, "the last line has no end");
        size_t line_len = (size_t)(end - text) - at;
        const char *line = text + at;
        at += line_len + 1;
        line_len -= line_len && line[line_len - 1] == '\r';
        if (memchr(line, '\r', line_len) || memchr(line, '\0', line_len))
            return wrong(p, "a control character in a line");
        if (s->has_sections && starts(line, line_len, s->section_begin)) {
            if (!read_section(s, line, line_len, &section))
                return wrong(p, "a section's name is broken");
        } else if (!read_line(s, line, line_len, &section, p)) {
            return false;
        }
    }
    return true;
}

/* ---- XML ---- */

struct xml {
    const struct pfs_syntax *syntax;
    const struct read_form *form;
    struct pfs_buf key, value; /* of the pair that is being read (ENTRY) */
    const char *at, *end;
    struct pairs *pairs;
    unsigned depth, n_roots;
    struct level {
        char name[NAME_SIZE];
        char section[NAME_SIZE]; /* of a group */
        char key[2 * NAME_SIZE]; /* the name, and its attributes as native keys have them */
        bool has_children;
        size_t first_pair; /* of its tag (ATTRIBUTE) */
    } levels[DEPTH_MAX];
    struct pfs_buf text;
};

static bool take(struct xml *x, const char *what)
{
    size_t len = strlen(what);
    if ((size_t)(x->end - x->at) < len || memcmp(x->at, what, len) != 0)
        return false;
    x->at += len;
    return true;
}

static bool read_name(struct xml *x, char out[NAME_SIZE])
{
    size_t n = 0;
    while (x->at < x->end && (isalnum((unsigned char)*x->at) || strchr("_-.:", *x->at)) && *x->at &&
           n < NAME_SIZE - 1)
        out[n++] = *x->at++;
    out[n] = '\0';
    return n > 0 && !isdigit((unsigned char)out[0]) && out[0] != '-' && out[0] != '.';
}

static bool is_char(uint32_t c)
{
    return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
           (c >= 0x10000 && c < 0x110000);
}

static bool read_reference(struct xml *x, struct pfs_buf *out)
{
    static const struct {
        const char *name;
        char c;
    } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        if (take(x, names[i].name)) {
            pfs_buf_char(out, names[i].c);
            return true;
        }
    if (!take(x, "&#"))
        return false;
    uint32_t code = 0;
    while (x->at < x->end && isdigit((unsigned char)*x->at) && code < 0x110000)
        code = code * 10 + (uint32_t)(*x->at++ - '0');
    add_code(out, code);
    return is_char(code) && take(x, ";");
}

/* One character or reference of text or of an attribute. */
static bool read_char(struct xml *x, bool in_attribute, struct pfs_buf *out)
{
    uint32_t code;
    if (*x->at == '&')
        return read_reference(x, out);
    size_t n = pfs_utf8_decode(x->at, (size_t)(x->end - x->at), &code);
    if (n == 0 || !is_char(code) || code == '<')
        return false;
    if (take(x, "\r\n") || take(x, "\r") || take(x, "\n"))
        pfs_buf_char(out, in_attribute ? ' ' : '\n');
    else if (in_attribute && take(x, "\t"))
        pfs_buf_char(out, ' ');
    else if (take(x, "]]>"))
        return false;
    else {
        pfs_buf_add(out, x->at, n);
        x->at += n;
    }
    return true;
}

static void skip_blanks(struct xml *x)
{
    while (x->at < x->end && isspace((unsigned char)*x->at))
        x->at++;
}

static bool is_part(const char *what, char sign, const char *name)
{
    if (sign)
        return what[0] == sign && strcmp(what + 1, name) == 0;
    return strcmp(what, name) == 0;
}

/* An attribute ('@'), a child or the text of an element, which may be the key, the value or the name. */
static void note_part(struct xml *x, struct level *level, char sign, const char *name, struct pfs_buf *text)
{
    const struct read_form *f = x->form;
    bool pair = strcmp(level->name, f->pair) == 0, group = strcmp(level->name, f->group) == 0;
    if (group && is_part(f->name, sign, name))
        snprintf(level->section, NAME_SIZE, "%s", pfs_buf_str(text));
    struct pfs_buf *to = pair && is_part(f->key, sign, name)     ? &x->key
                         : pair && is_part(f->value, sign, name) ? &x->value
                                                                 : NULL;
    if (to) {
        pfs_buf_reset(to);
        pfs_buf_add(to, text->data, text->len);
    }
}

static bool read_attribute(struct xml *x, struct level *level)
{
    char name[NAME_SIZE];
    struct pfs_buf value autobuf = PFS_BUF_INIT(0);
    if (!read_name(x, name) || !take(x, "=\""))
        return wrong(x->pairs, "a broken attribute");
    while (x->at < x->end && *x->at != '"')
        if (!read_char(x, true, &value))
            return wrong(x->pairs, "a broken attribute's value");
    if (!take(x, "\""))
        return wrong(x->pairs, "an attribute without end");
    if (x->syntax->shape == PFS_PAIR_ENTRY)
        note_part(x, level, '@', name, &value);
    size_t len = strlen(level->key);
    snprintf(level->key + len, sizeof level->key - len, "@%s=%s", name, pfs_buf_str(&value));
    if (x->syntax->shape != PFS_PAIR_ATTRIBUTE)
        return true;
    struct one_pair *pair = new_pair(x->pairs);
    for (size_t i = level->first_pair; pair && i + 1 < x->pairs->n; i++)
        if (is_text(&x->pairs->all[i].key, name, strlen(name)))
            return wrong(x->pairs, "an attribute twice");
    if (!pair)
        return wrong(x->pairs, "too many pairs");
    pfs_buf_str_add(&pair->key, name);
    pfs_buf_add(&pair->value, value.data, value.len);
    return true;
}

static bool add_leaf(struct xml *x, const struct level *level)
{
    struct one_pair *pair = new_pair(x->pairs);
    if (!pair)
        return wrong(x->pairs, "too many pairs");
    pfs_buf_str_add(&pair->key, level->key);
    pfs_buf_add(&pair->value, x->text.data, x->text.len);
    for (unsigned i = 1; i < x->depth && x->syntax->is_tree; i++)
        pfs_buf_printf(&pair->section, "%s%s", i > 1 ? "/" : "", x->levels[i].name);
    return true;
}

/* A pair's key and value are complete. */
static bool add_entry(struct xml *x)
{
    struct one_pair *pair = new_pair(x->pairs);
    if (!pair)
        return wrong(x->pairs, "too many pairs");
    pfs_buf_add(&pair->key, x->key.data, x->key.len);
    pfs_buf_add(&pair->value, x->value.data, x->value.len);
    for (unsigned i = x->depth; i > 0 && pair->section.len == 0; i--)
        pfs_buf_str_add(&pair->section, x->levels[i - 1].section);
    pfs_buf_reset(&x->key);
    pfs_buf_reset(&x->value);
    return true;
}

static bool end_element(struct xml *x)
{
    const struct level *level = &x->levels[--x->depth];
    enum pfs_pair_shape shape = x->syntax->shape;
    bool ok = true;
    if (shape == PFS_PAIR_ELEMENT && !level->has_children && x->depth > 0)
        ok = add_leaf(x, level);
    if (shape == PFS_PAIR_ENTRY) {
        note_part(x, &x->levels[x->depth], '\0', "", &x->text);
        if (x->depth)
            note_part(x, &x->levels[x->depth - 1], '\0', level->name, &x->text);
        if (strcmp(level->name, x->form->pair) == 0)
            ok = add_entry(x);
    }
    pfs_buf_reset(&x->text);
    return ok;
}

static bool read_open_tag(struct xml *x)
{
    if (x->depth == DEPTH_MAX)
        return wrong(x->pairs, "too deep");
    if (x->depth)
        x->levels[x->depth - 1].has_children = true;
    else if (x->n_roots++)
        return wrong(x->pairs, "two outermost elements");
    struct level *level = &x->levels[x->depth++];
    *level = (struct level){.first_pair = x->pairs->n};
    pfs_buf_reset(&x->text);
    if (!read_name(x, level->name))
        return wrong(x->pairs, "a broken name");
    memcpy(level->key, level->name, sizeof level->name);
    for (;;) {
        const char *before = x->at;
        skip_blanks(x);
        if (take(x, ">"))
            return true;
        if (take(x, "/>"))
            return end_element(x);
        if (x->at == before || !read_attribute(x, level))
            return wrong(x->pairs, x->pairs->why ? x->pairs->why : "no blank before an attribute");
    }
}

static bool read_close_tag(struct xml *x)
{
    char name[NAME_SIZE];
    if (!read_name(x, name) || !take(x, ">") || x->depth == 0 ||
        strcmp(x->levels[x->depth - 1].name, name) != 0)
        return wrong(x->pairs, "a close tag of nothing");
    return end_element(x);
}

static bool read_comment(struct xml *x)
{
    const char *end = memmem(x->at, (size_t)(x->end - x->at), "--", 2);
    if (!end || end[2] != '>')
        return wrong(x->pairs, "a broken comment");
    x->at = end + 3;
    return true;
}

static bool read_xml(struct xml *x)
{
    const char *end = memmem(x->at, (size_t)(x->end - x->at), "?>", 2);
    if (!take(x, "<?xml version=\"1.0\" encoding=\"") || !end)
        return wrong(x->pairs, "no declaration");
    x->at = end + 2;
    while (x->at < x->end) {
        if (take(x, "<!--") ? !read_comment(x)
            : take(x, "</") ? !read_close_tag(x)
            : take(x, "<")  ? !read_open_tag(x)
                            : !read_char(x, false, &x->text))
            return wrong(x->pairs, x->pairs->why ? x->pairs->why : "broken text");
    }
    return (x->depth == 0 && x->n_roots == 1) || wrong(x->pairs, "not one outermost element");
}

bool read_back(const struct pfs_syntax *s, const struct read_form *form, bool latin1, const char *bytes,
               size_t len, struct pairs *ret)
{
    static const struct read_form linphone = {"entry", "@name", "", "section", "@name"};
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    for (size_t i = 0; i < len; i++)
        if (latin1)
            add_code(&text, (unsigned char)bytes[i]);
        else
            pfs_buf_char(&text, bytes[i]);
    const char *all = pfs_buf_str(&text);
    if (!pfs_utf8_valid(all, text.len))
        return wrong(ret, "no UTF-8");
    if (!s->is_xml)
        return read_lines(s, all, text.len, ret);
    struct xml x = {
        .syntax = s, .form = form ? form : &linphone, .at = all, .end = all + text.len, .pairs = ret};
    bool ok = read_xml(&x);
    pfs_buf_done(&x.key);
    pfs_buf_done(&x.value);
    pfs_buf_done(&x.text);
    return ok;
}

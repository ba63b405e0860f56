#include "render/read_back.h"
#include "base/utf8.h"

#include <errno.h>
#include <libxml/parser.h>
#include <string.h>

/* ---- what was written ---- */

struct reading {
    const struct pfs_file *file;
    struct pfs_arena arena;
    size_t n, cap, next; /* next: the first that has not come back yet */
    struct pfs_pair *pairs;
    bool no_memory;
    struct pfs_err *err;
};

static void note(void *arg, const struct pfs_pair *pair)
{
    struct reading *g = arg;
    if (!pair->value) /* contacts, as a whole */
        return;
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 256;
        struct pfs_pair *more = reallocarray(g->pairs, cap, sizeof *more);
        if (!more) {
            g->no_memory = true;
            return;
        }
        g->pairs = more;
        g->cap = cap;
    }
    struct pfs_pair w = {.key = pfs_arena_strdup(&g->arena, pair->key),
                         .value = pfs_arena_strdup(&g->arena, pair->value)};
    if (!w.key || !w.value)
        g->no_memory = true;
    else
        g->pairs[g->n++] = w;
}

/* The value, or (an empty one) the word that stands for it, which an op may have of its own. */
static bool is_value(const struct reading *g, const char *want, const char *got, size_t len)
{
    const char *empty = g->file->spec->empty;
    if (strlen(want) == len && memcmp(want, got, len) == 0)
        return true;
    return *want == '\0' && (!empty || (strlen(empty) == len && memcmp(empty, got, len) == 0) || len < 64);
}

/* What is behind the section in a native key. */
static const char *without_section(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash && slash[1] ? slash + 1 : key;
}

static int missing(struct reading *g)
{
    return pfs_err_set(g->err, EINVAL, "%s does not come back when the file is read", g->pairs[g->next].key);
}

/* ---- lines ---- */

/* Undoes quotes. NULL: they are broken. */
static char *unquote(const struct pfs_syntax *s, const char *value, size_t len, size_t *ret_len)
{
    char *out = malloc(len + 1);
    size_t n = 0;
    bool quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"' && s->quoting != PFS_QUOTING_NONE;
    for (size_t i = quoted ? 1 : 0; out && i < len - (quoted ? 1 : 0); i++) {
        if (quoted && s->quoting == PFS_QUOTING_ESCAPED && value[i] == '\\')
            i++;
        out[n++] = value[i];
    }
    *ret_len = n;
    return out;
}

/* Whether the line is the pair that is next. */
static bool is_next(struct reading *g, const char *line, size_t len)
{
    const struct pfs_syntax *s = g->file->spec->syntax;
    const struct pfs_pair *w = &g->pairs[g->next];
    const char *keys[] = {w->key, s->has_sections ? without_section(w->key) : w->key};
    size_t before = strlen(s->before), between = strlen(s->between);
    for (size_t i = 0; i < PFS_N_ELEMENTS(keys); i++) {
        size_t key_len = strlen(keys[i]), head = before + key_len + between, value_len;
        if (len < head || memcmp(line, s->before, before) != 0 ||
            memcmp(line + before, keys[i], key_len) != 0 ||
            memcmp(line + before + key_len, s->between, between) != 0)
            continue;
        autofree char *value = unquote(s, line + head, len - head, &value_len);
        if (value && is_value(g, w->value, value, value_len))
            return true;
    }
    return false;
}

/* Each pair is a line of its own, in order; other lines are the template's. */
static int compare_lines(struct reading *g, const char *text, size_t len)
{
    for (size_t at = 0; at < len && g->next < g->n;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end ? (size_t)(end - text) - at : len - at;
        size_t shown = line_len - (line_len > 0 && text[at + line_len - 1] == '\r');
        if (is_next(g, text + at, shown))
            g->next++;
        at += line_len + 1;
    }
    return g->next < g->n ? missing(g) : 0;
}

/* ---- XML ---- */

static bool text_is(const struct reading *g, const char *want, const xmlChar *got)
{
    return is_value(g, want, got ? (const char *)got : "", got ? strlen((const char *)got) : 0);
}

/* The name of a native key without its attributes, `user_name@idx=1`. */
static bool name_is(const char *key, const xmlChar *name)
{
    const char *last = without_section(key);
    size_t n = strcspn(last, "@");
    return strlen((const char *)name) == n && memcmp(last, name, n) == 0;
}

/* An attribute, or the text of an element without children: a pair by its name, or (entries) the key of the
 * pair and then its value, wherever they stand. */
static void take_text(struct reading *g, const xmlChar *name, const xmlChar *text, bool *has_key)
{
    if (g->next == g->n)
        return;
    const struct pfs_pair *w = &g->pairs[g->next];
    if (g->file->spec->syntax->shape != PFS_PAIR_ENTRY) {
        g->next += name_is(w->key, name) && text_is(g, w->value, text);
    } else if (!*has_key) {
        const char *got = text ? (const char *)text : "";
        *has_key = strcmp(w->key, got) == 0 || strcmp(without_section(w->key), got) == 0;
    } else if (text_is(g, w->value, text)) {
        g->next++;
        *has_key = false;
    }
}

static void walk(struct reading *g, xmlNode *node, bool *has_key)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        for (xmlAttr *a = node->properties; a; a = a->next) {
            xmlChar *value = xmlNodeListGetString(node->doc, a->children, 1);
            take_text(g, a->name, value, has_key);
            xmlFree(value);
        }
        if (xmlChildElementCount(node) == 0) {
            xmlChar *text = xmlNodeGetContent(node);
            take_text(g, node->name, text, has_key);
            xmlFree(text);
        }
        walk(g, node->children, has_key);
    }
}

static int compare_xml(struct reading *g, const char *text, size_t len)
{
    bool has_key = false;
    xmlDoc *doc = xmlReadMemory(text, (int)len, "file.xml", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        const xmlError *e = xmlGetLastError();
        return pfs_err_set(g->err, EINVAL, "line %d: no well-formed XML", e ? e->line : 0);
    }
    walk(g, xmlDocGetRootElement(doc), &has_key);
    xmlFreeDoc(doc);
    return g->next < g->n ? missing(g) : 0;
}

/* ---- both ---- */

/* ISO-8859-1 as UTF-8: what the pairs are in. */
static int to_utf8(const char *bytes, size_t len, struct pfs_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x80)
            pfs_buf_char(out, (char)c);
        else
            pfs_buf_printf(out, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    }
    return pfs_buf_error(out);
}

static int compare(struct reading *g, const char *bytes, size_t len)
{
    const struct pfs_file_spec *spec = g->file->spec;
    if (spec->syntax->is_xml)
        return compare_xml(g, bytes, len);
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    if (!spec->rules.latin1)
        return compare_lines(g, bytes, len);
    return to_utf8(bytes, len, &text) < 0 ? pfs_err_nomem(g->err) : compare_lines(g, text.data, text.len);
}

int pfs_read_back(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                  struct pfs_err *err)
{
    struct reading g = {.file = file, .err = err};
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    int r = pfs_render(file, phone, zones, &out, note, &g, err);
    if (r == 0 && g.no_memory)
        r = pfs_err_nomem(err);
    if (r == 0)
        r = compare(&g, out.data, out.len);
    free(g.pairs);
    pfs_arena_done(&g.arena);
    return r;
}

int pfs_read_back_bytes(const struct pfs_file *file, const struct pfs_pair *pairs, size_t n,
                        const char *bytes, size_t len, struct pfs_err *err)
{
    struct reading g = {.file = file, .pairs = (struct pfs_pair *)pairs, .n = n, .err = err};
    return compare(&g, bytes, len);
}

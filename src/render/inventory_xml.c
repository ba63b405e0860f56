/* The inventory's XML as it is read. With SAX, for two reasons: nothing is kept but the object under way, and
 * the parser stands exactly at the element it tells of, so that a line number is true also behind the
 * 65,535th line (a tree's is not, and xmlTextReader's parser is a chunk ahead). */
#include "render/inventory_xml.h"

#include "base/timefmt.h"
#include "base/utf8.h"

#include <errno.h>
#include <libxml/parser.h>
#include <string.h>

enum { DEPTH_MAX = 4, TEXT_MAX = 1 << 20, CHUNK = 1 << 16 };

/* ---- the form of the document, as in schema/inventory.rng ---- */

enum attribute {
    A_NAME,
    A_MAC,
    A_MODEL,
    A_PROFILE,
    A_PARENT,
    A_CUSTOMER,
    A_ENABLED,
    A_NUMBER,
    A_ACCOUNT,
    A_KEY,
    A_FROM,
    A_ENDS,
    A_ENCODING,
    N_ATTRIBUTES
};

static const char *const attribute_names[N_ATTRIBUTES] = {
    [A_NAME] = "name",         [A_MAC] = "mac",           [A_MODEL] = "model",     [A_PROFILE] = "profile",
    [A_PARENT] = "parent",     [A_CUSTOMER] = "customer", [A_ENABLED] = "enabled", [A_NUMBER] = "number",
    [A_ACCOUNT] = "account",   [A_KEY] = "key",           [A_FROM] = "from",       [A_ENDS] = "ends",
    [A_ENCODING] = "encoding",
};

enum element {
    E_INVENTORY,
    E_SITE,
    E_MODEL,
    E_CUSTOMER,
    E_PROFILE,
    E_ACCOUNT,
    E_DEVICE,
    E_INVENTORY_ID,
    E_SOURCE,
    E_NOTE,
    E_SETTING,
    E_LINE,
    N_ELEMENTS
};

#define BIT(n) (1u << (n))
#define OBJECTS                                                                                              \
    (BIT(E_SITE) | BIT(E_MODEL) | BIT(E_CUSTOMER) | BIT(E_PROFILE) | BIT(E_ACCOUNT) | BIT(E_DEVICE))

/* Among its siblings an element stands in the order of this table. */
static const struct {
    const char *name;
    unsigned parents;           /* BIT()s of elements; 0: the document */
    unsigned allowed, required; /* BIT()s of attributes */
    bool once, is_text;
    enum pfs_scope kind;          /* of an object */
    enum pfs_inventory_word word; /* of a text that is no setting */
} elements[N_ELEMENTS] = {
    [E_INVENTORY] = {"inventory", 0, 0, 0, true, false},
    [E_SITE] = {"site", BIT(E_INVENTORY), 0, 0, true, false, PFS_SCOPE_SITE},
    [E_MODEL] = {"model", BIT(E_INVENTORY), BIT(A_NAME), BIT(A_NAME), false, false, PFS_SCOPE_MODEL},
    [E_CUSTOMER] = {"customer", BIT(E_INVENTORY), BIT(A_NAME) | BIT(A_ENABLED), BIT(A_NAME), false, false,
                    PFS_SCOPE_CUSTOMER},
    [E_PROFILE] = {"profile", BIT(E_INVENTORY), BIT(A_NAME) | BIT(A_PARENT) | BIT(A_CUSTOMER), BIT(A_NAME),
                   false, false, PFS_SCOPE_PROFILE},
    [E_ACCOUNT] = {"account", BIT(E_INVENTORY), BIT(A_NAME) | BIT(A_CUSTOMER), BIT(A_NAME), false, false,
                   PFS_SCOPE_ACCOUNT},
    [E_DEVICE] = {"device", BIT(E_INVENTORY),
                  BIT(A_MAC) | BIT(A_MODEL) | BIT(A_PROFILE) | BIT(A_CUSTOMER) | BIT(A_ENABLED), BIT(A_MAC),
                  false, false, PFS_SCOPE_DEVICE},
    [E_INVENTORY_ID] = {"inventory_id", BIT(E_DEVICE), BIT(A_ENCODING), 0, true, true,
                        .word = PFS_INVENTORY_ID},
    [E_SOURCE] = {"source", BIT(E_DEVICE) | BIT(E_ACCOUNT), BIT(A_ENCODING), 0, true, true,
                  .word = PFS_INVENTORY_SOURCE},
    [E_NOTE] = {"note", BIT(E_DEVICE) | BIT(E_ACCOUNT) | BIT(E_PROFILE) | BIT(E_CUSTOMER), BIT(A_ENCODING), 0,
                true, true, .word = PFS_INVENTORY_NOTE},
    [E_SETTING] = {"setting", OBJECTS | BIT(E_LINE), BIT(A_KEY) | BIT(A_FROM) | BIT(A_ENDS) | BIT(A_ENCODING),
                   BIT(A_KEY), false, true},
    [E_LINE] = {"line", BIT(E_DEVICE), BIT(A_NUMBER) | BIT(A_ACCOUNT), BIT(A_NUMBER), false, false},
};

/* ---- the reading under way ---- */

struct settings {
    size_t n, cap;
    struct pfs_inventory_setting *all;
};

struct level {
    enum element element;
    bool has_child, told_of_text;
    enum element child; /* the latest */
};

struct parser {
    const struct pfs_inventory_reader *reader;
    struct pfs_err *err;
    xmlParserCtxt *ctxt;
    int result;    /* negative or what a callback returned: it is over */
    bool refused;  /* the document is no further to be read; told of */
    unsigned skip; /* elements that are open below one that is not understood, with it */
    unsigned depth;
    struct level levels[DEPTH_MAX];
    /* The object under way. */
    struct pfs_arena arena;
    struct pfs_inventory_object object;
    struct settings settings, line_settings;
    size_t n_lines, cap_lines;
    struct pfs_inventory_line *lines;
    /* The text under way. */
    struct pfs_buf text;
    const char *attributes[N_ATTRIBUTES]; /* of the element that begins, or of the text's */
    size_t text_row;
};

static size_t row_of(const struct parser *p)
{
    return p->ctxt->input ? (size_t)p->ctxt->input->line : 0;
}

static void stop(struct parser *p, int result)
{
    if (p->result == 0)
        p->result = result;
    xmlStopParser(p->ctxt);
}

static void stop_nomem(struct parser *p)
{
    stop(p, pfs_err_nomem(p->err));
}

static void tell(struct parser *p, size_t row, const struct pfs_err *cause)
{
    int r = p->reader->problem(p->reader->arg, row, cause->msg);
    if (r != 0)
        stop(p, r);
}

/* What is wrong at a row, as a sentence without control characters. */
#define PROBLEM(p, row, ...)                                                                                 \
    do {                                                                                                     \
        struct pfs_err cause_;                                                                               \
        pfs_err_set(&cause_, EINVAL, __VA_ARGS__);                                                           \
        tell(p, row, &cause_);                                                                               \
    } while (0)

static void refuse(struct parser *p, size_t row, const char *cause)
{
    PROBLEM(p, row, "%s", cause);
    p->refused = true;
    stop(p, 0);
}

/* One object takes no more than its limit. */
static bool is_too_large(struct parser *p)
{
    size_t bytes = p->arena.total + (p->settings.cap + p->line_settings.cap) * sizeof *p->settings.all +
                   p->cap_lines * sizeof *p->lines;
    if (bytes <= PFS_INVENTORY_OBJECT_MAX)
        return false;
    refuse(p, p->object.row, "an object of more than 64 MiB is not taken");
    return true;
}

/* ---- objects ---- */

static void object_begins(struct parser *p, enum element e)
{
    const char *const *a = p->attributes;
    p->settings.n = p->line_settings.n = p->n_lines = 0;
    p->object = (struct pfs_inventory_object){
        .kind = elements[e].kind,
        .row = row_of(p),
        .words = {[PFS_INVENTORY_MODEL] = a[A_MODEL],
                  [PFS_INVENTORY_PROFILE] = a[A_PROFILE],
                  [PFS_INVENTORY_PARENT] = a[A_PARENT],
                  [PFS_INVENTORY_CUSTOMER] = a[A_CUSTOMER],
                  [PFS_INVENTORY_ENABLED] = a[A_ENABLED]},
    };
}

static void object_ends(struct parser *p)
{
    size_t at = 0;
    for (size_t i = 0; i < p->n_lines; i++) {
        p->lines[i].settings = p->lines[i].n_settings ? p->line_settings.all + at : NULL;
        at += p->lines[i].n_settings;
    }
    p->object.settings = p->settings.all;
    p->object.n_settings = p->settings.n;
    p->object.lines = p->lines;
    p->object.n_lines = p->n_lines;
    int r = p->reader->object(p->reader->arg, &p->object);
    if (r != 0)
        stop(p, r);
}

/* False where the element is not to be entered. */
static bool line_begins(struct parser *p)
{
    const char *text = p->attributes[A_NUMBER];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] || text[0] == '0') {
        PROBLEM(p, row_of(p), "%.40s is no number of a line: they go from 1 to %d", text, PFS_KEY_NUMBER_MAX);
        return false;
    }
    if (p->n_lines == p->cap_lines) {
        size_t cap = p->cap_lines ? 2 * p->cap_lines : 16;
        struct pfs_inventory_line *lines = reallocarray(p->lines, cap, sizeof *lines);
        if (!lines) {
            stop_nomem(p);
            return false;
        }
        p->lines = lines;
        p->cap_lines = cap;
    }
    p->lines[p->n_lines++] = (struct pfs_inventory_line){
        .number = (unsigned)strtoul(text, NULL, 10), .account = p->attributes[A_ACCOUNT], .row = row_of(p)};
    return true;
}

/* ---- texts ---- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* In place, as it only gets shorter. False where it is none, or holds no text. */
static bool decode_base64(char *text)
{
    uint32_t bits = 0;
    size_t n = 0, len = 0;
    const char *from = text;
    for (; *from && *from != '='; from++) {
        int digit = base64_digit(*from);
        if (digit < 0 && !strchr(" \t\r\n", *from))
            return false;
        if (digit < 0)
            continue;
        bits = bits << 6 | (uint32_t)digit;
        if (++n % 4 != 1)
            text[len++] = (char)(bits >> (6 - 2 * ((n - 1) % 4)));
    }
    size_t padding = 0;
    for (; *from; from++) {
        if (!strchr("= \t\r\n", *from))
            return false;
        padding += *from == '=';
    }
    text[len] = '\0';
    return (n + padding) % 4 == 0 && padding < 3 && strlen(text) == len && pfs_utf8_valid(text, len);
}

/* The text in the arena; NULL where it is none, which has been told. */
static const char *take_text(struct parser *p)
{
    int error = pfs_buf_error(&p->text);
    const char *encoding = p->attributes[A_ENCODING];
    if (error == -EFBIG)
        PROBLEM(p, p->text_row, "a text of more than %d bytes is not taken", TEXT_MAX);
    else if (error < 0)
        stop_nomem(p);
    if (error < 0)
        return NULL;
    char *text = pfs_arena_strndup(&p->arena, p->text.data ? p->text.data : "", p->text.len);
    if (!text) {
        stop_nomem(p);
        return NULL;
    }
    if (encoding && !decode_base64(text)) {
        PROBLEM(p, p->text_row, "is no UTF-8 text in base64");
        return NULL;
    }
    return text;
}

/* RFC 3339 only: the document means the same everywhere. */
static bool parse_from(struct parser *p, int64_t *ret)
{
    const char *text = p->attributes[A_FROM];
    struct pfs_err why;
    *ret = 0;
    if (!text)
        return true;
    int r = pfs_time_parse(text, ret, &why);
    if (r == 0 && text[10] != 'T')
        r = pfs_err_set(&why, EINVAL, "\"%.40s\" is no time of RFC 3339: 2026-03-01T04:00:00Z", text);
    else if (r == 0 && *ret <= 0)
        r = pfs_err_set(&why, EINVAL, "times before 1970 are none");
    if (r < 0)
        PROBLEM(p, p->text_row, "%s: from: %s", p->attributes[A_KEY], why.msg);
    return r == 0;
}

static bool check_ends(struct parser *p)
{
    if (p->text.len > 0 && p->text.data[strspn(pfs_buf_str(&p->text), " \t\r\n")]) {
        PROBLEM(p, p->text_row, "%s: a setting that ends has no value", p->attributes[A_KEY]);
        return false;
    }
    if (!p->attributes[A_FROM])
        PROBLEM(p, p->text_row, "%s: a setting that ends needs the time: from=\"2026-03-01T04:00:00Z\"",
                p->attributes[A_KEY]);
    return p->attributes[A_FROM] != NULL;
}

static void add_setting(struct parser *p, struct settings *to, const struct pfs_inventory_setting *s)
{
    if (to->n == to->cap) {
        size_t cap = to->cap ? 2 * to->cap : 64;
        struct pfs_inventory_setting *all = reallocarray(to->all, cap, sizeof *all);
        if (!all) {
            stop_nomem(p);
            return;
        }
        to->all = all;
        to->cap = cap;
    }
    to->all[to->n++] = *s;
}

static void setting_ends(struct parser *p, enum element parent)
{
    struct pfs_inventory_setting s = {.key = p->attributes[A_KEY], .row = p->text_row};
    bool ends = p->attributes[A_ENDS] != NULL;
    if ((ends && !check_ends(p)) || !parse_from(p, &s.from))
        return;
    s.value = ends ? NULL : take_text(p);
    if (!ends && !s.value)
        return;
    add_setting(p, parent == E_LINE ? &p->line_settings : &p->settings, &s);
    if (parent == E_LINE && p->result == 0)
        p->lines[p->n_lines - 1].n_settings++;
}

static void text_ends(struct parser *p, enum element e, enum element parent)
{
    if (e == E_SETTING) {
        setting_ends(p, parent);
        return;
    }
    const char *text = take_text(p);
    if (text)
        p->object.words[elements[e].word] = text;
}

/* ---- what the parser tells ---- */

/* The known attributes of the element, copied; false where one is unknown, missing, or says what it cannot.
 */
static bool take_attributes(struct parser *p, enum element e, int n, const xmlChar **attributes)
{
    bool good = true;
    memset(p->attributes, 0, sizeof p->attributes);
    for (int i = 0; i < n; i++, attributes += 5) {
        const char *name = (const char *)attributes[0];
        unsigned a = 0;
        while (a < N_ATTRIBUTES &&
               (attributes[2] || !(elements[e].allowed & BIT(a)) || strcmp(attribute_names[a], name) != 0))
            a++;
        if (a == N_ATTRIBUTES) {
            PROBLEM(p, row_of(p), "unknown attribute \"%.64s\" of \"%s\"", name, elements[e].name);
            continue;
        }
        p->attributes[a] = pfs_arena_strndup(&p->arena, (const char *)attributes[3],
                                             (size_t)(attributes[4] - attributes[3]));
        if (!p->attributes[a]) {
            stop_nomem(p);
            return false;
        }
    }
    for (unsigned a = 0; a < N_ATTRIBUTES; a++)
        if ((elements[e].required & BIT(a)) && !p->attributes[a]) {
            PROBLEM(p, row_of(p), "\"%s\" needs the attribute \"%s\"", elements[e].name, attribute_names[a]);
            good = false;
        }
    return good;
}

static bool check_word(struct parser *p, enum attribute a, const char *one, const char *other)
{
    const char *text = p->attributes[a];
    if (!text || strcmp(text, one) == 0 || (other && strcmp(text, other) == 0))
        return true;
    PROBLEM(p, row_of(p), "%s is %s%s%s, not \"%.40s\"", attribute_names[a], one, other ? " or " : "",
            other ? other : "", text);
    return false;
}

/* False where the element says nothing without it. */
static bool check_words(struct parser *p)
{
    if (!check_word(p, A_ENABLED, "yes", "no"))
        p->attributes[A_ENABLED] = NULL;
    bool ends = check_word(p, A_ENDS, "yes", NULL);
    return check_word(p, A_ENCODING, "base64", NULL) && ends;
}

static enum element find_element(const struct parser *p, const char *name)
{
    unsigned parent = p->depth ? BIT(p->levels[p->depth - 1].element) : 0;
    unsigned e = 0;
    while (e < N_ELEMENTS && (strcmp(elements[e].name, name) != 0 ||
                              (p->depth ? !(elements[e].parents & parent) : elements[e].parents != 0)))
        e++;
    return (enum element)e;
}

/* An element that stands behind the wrong siblings is told of and taken, so that one slip is one problem. */
static void check_order(struct parser *p, enum element e)
{
    if (p->depth == 0)
        return;
    struct level *up = &p->levels[p->depth - 1];
    if (up->has_child && e == up->child && elements[e].once)
        PROBLEM(p, row_of(p), "\"%s\" stands twice in this \"%s\"", elements[e].name,
                elements[up->element].name);
    if (up->has_child && e < up->child) {
        PROBLEM(p, row_of(p), "\"%s\" stands behind \"%s\": it belongs before it", elements[e].name,
                elements[up->child].name);
        return;
    }
    up->child = e;
    up->has_child = true;
}

static bool element_begins(struct parser *p, enum element e, int n, const xmlChar **attributes)
{
    bool is_object = (BIT(e) & OBJECTS) != 0;
    if (is_object)
        pfs_arena_reset(&p->arena);
    check_order(p, e);
    if (!take_attributes(p, e, n, attributes) || !check_words(p) || is_too_large(p))
        return false;
    if (is_object) {
        object_begins(p, e);
        p->object.name = e == E_SITE ? "" : p->attributes[e == E_DEVICE ? A_MAC : A_NAME];
    }
    if (elements[e].is_text) {
        pfs_buf_reset(&p->text);
        p->text_row = row_of(p);
    }
    return e != E_LINE || line_begins(p);
}

static void sax_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                      int n_namespaces, const xmlChar **namespaces, int n, int n_defaulted,
                      const xmlChar **attributes)
{
    struct parser *p = arg;
    if (p->skip > 0) {
        p->skip++;
        return;
    }
    enum element e = uri || prefix ? N_ELEMENTS : find_element(p, (const char *)name);
    if (e == N_ELEMENTS && p->depth == 0) {
        refuse(p, row_of(p), "is no inventory: its root is to be \"inventory\"");
    } else if (e == N_ELEMENTS) {
        PROBLEM(p, row_of(p), "unknown element \"%.64s\" in \"%s\"", (const char *)name,
                elements[p->levels[p->depth - 1].element].name);
    } else if (element_begins(p, e, n, attributes)) {
        p->levels[p->depth++] = (struct level){.element = e};
        return;
    }
    p->skip = 1;
}

static void sax_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct parser *p = arg;
    if (p->skip > 0) {
        p->skip--;
        return;
    }
    if (p->depth == 0)
        return;
    enum element e = p->levels[--p->depth].element;
    if (elements[e].is_text)
        text_ends(p, e, p->levels[p->depth - 1].element);
    else if (BIT(e) & OBJECTS)
        object_ends(p);
}

static void sax_text(void *arg, const xmlChar *text, int len)
{
    struct parser *p = arg;
    if (p->skip > 0 || p->depth == 0)
        return;
    struct level *in = &p->levels[p->depth - 1];
    if (elements[in->element].is_text) {
        pfs_buf_add(&p->text, text, (size_t)len);
        return;
    }
    for (int i = 0; i < len && !in->told_of_text; i++)
        if (!strchr(" \t\r\n", text[i])) {
            in->told_of_text = true;
            PROBLEM(p, row_of(p), "text stands in \"%s\", outside a setting", elements[in->element].name);
        }
}

static void sax_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    struct parser *p = arg;
    refuse(p, row_of(p), "a DOCTYPE is not taken: remove it");
}

static void sax_error(void *arg, xmlError *e)
{
    struct parser *p = arg;
    if (e->level < XML_ERR_ERROR || p->refused || p->result != 0)
        return;
    if (e->code == XML_ERR_NO_MEMORY) {
        stop_nomem(p);
        return;
    }
    size_t len = e->message ? strcspn(e->message, "\n") : 0;
    p->refused = e->level == XML_ERR_FATAL;
    if (e->code == XML_ERR_DOCUMENT_END && p->depth > 0)
        PROBLEM(p, (size_t)e->line, "not well-formed: the document ends inside \"%s\"",
                elements[p->levels[p->depth - 1].element].name);
    else
        PROBLEM(p, (size_t)e->line, "%s%.*s", p->refused ? "not well-formed: " : "", (int)len,
                e->message ? e->message : "");
}

/* ---- reading ---- */

static int feed(struct parser *p, FILE *in)
{
    char chunk[CHUNK];
    int64_t bytes = 0;
    size_t n;
    do {
        n = fread(chunk, 1, sizeof chunk, in);
        if (ferror(in))
            return pfs_err_sys(p->err, errno ? errno : EIO, "reading");
        xmlParseChunk(p->ctxt, chunk, (int)n, n == 0);
        bytes += (int64_t)n;
        if (p->reader->progress)
            p->reader->progress(p->reader->arg, bytes);
    } while (n > 0 && p->result == 0 && !p->refused);
    return p->result;
}

static void parser_done(struct parser *p)
{
    xmlFreeParserCtxt(p->ctxt);
    pfs_arena_done(&p->arena);
    pfs_buf_done(&p->text);
    free(p->settings.all);
    free(p->line_settings.all);
    free(p->lines);
}

int pfs_inventory_read(FILE *in, const struct pfs_inventory_reader *reader, struct pfs_err *err)
{
    struct parser p = {.reader = reader, .err = err, .text = PFS_BUF_INIT(TEXT_MAX)};
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = sax_start,
        .endElementNs = sax_end,
        .characters = sax_text,
        .ignorableWhitespace = sax_text,
        .cdataBlock = sax_text,
        .internalSubset = sax_doctype,
        .serror = (xmlStructuredErrorFunc)sax_error,
    };
    p.ctxt = xmlCreatePushParserCtxt(&sax, &p, NULL, 0, NULL);
    if (!p.ctxt)
        return pfs_err_nomem(err);
    /* NOENT: character references in attributes come resolved. There are no entities to substitute, as a
     * DOCTYPE ends the reading. */
    xmlCtxtUseOptions(p.ctxt, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_BIG_LINES);
    int r = feed(&p, in);
    parser_done(&p);
    return r;
}

#include "render/form.h"
#include "render/attr.h"
#include "render/xml.h"

#include <errno.h>

enum { PARTS_MAX = 16 };

const struct pfs_form pfs_form_entry = {
    .n = 5,
    .parts =
        (const struct pfs_form_part[]){
            {.text = "<entry name=\""},
            {.word = PFS_FORM_NAME, .in_attribute = true},
            {.text = "\" overwrite=\"true\">"},
            {.word = PFS_FORM_VALUE},
            {.text = "</entry>"},
        },
};

const struct pfs_form pfs_form_section = {
    .n = 5,
    .parts =
        (const struct pfs_form_part[]){
            {.text = "<section name=\""},
            {.word = PFS_FORM_NAME, .in_attribute = true},
            {.text = "\">"},
            {.word = PFS_FORM_CONTENT},
            {.text = "</section>"},
        },
};

struct compiler {
    struct pfs_arena *arena;
    bool group;
    struct pfs_buf fixed; /* text since the last word */
    size_t n;
    struct pfs_form_part parts[PARTS_MAX];
};

static int flush(struct compiler *c, struct pfs_err *err)
{
    if (c->fixed.len == 0)
        return 0;
    const char *text = pfs_arena_strdup(c->arena, pfs_buf_str(&c->fixed));
    if (!text || pfs_buf_error(&c->fixed))
        return pfs_err_nomem(err);
    c->parts[c->n++] = (struct pfs_form_part){.word = PFS_FORM_FIXED, .text = text};
    pfs_buf_reset(&c->fixed);
    return 0;
}

/* Each once: so there is room for all. */
static int add_word(struct compiler *c, const xmlNode *node, enum pfs_form_word word, bool in_attribute,
                    struct pfs_err *err)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->parts[i].word == word)
            return pfs_attr_fail(node, err, "KEY, VALUE, SECTION and content stand once in",
                                 c->group ? "group" : "pair");
    int r = flush(c, err);
    if (r == 0)
        c->parts[c->n++] = (struct pfs_form_part){.word = word, .in_attribute = in_attribute};
    return r;
}

/* One of the words, or text of the template's own. */
static int add_text(struct compiler *c, const xmlNode *node, const char *text, bool in_attribute,
                    struct pfs_err *err)
{
    static const struct pfs_value_rules any = {0};
    if (strcmp(text, c->group ? "SECTION" : "KEY") == 0)
        return add_word(c, node, PFS_FORM_NAME, in_attribute, err);
    if (!c->group && strcmp(text, "VALUE") == 0)
        return add_word(c, node, PFS_FORM_VALUE, in_attribute, err);
    pfs_syntax_escape(pfs_syntax_find("xml-entry"), &any, text, strlen(text), in_attribute, &c->fixed);
    return 0;
}

static void add_name(struct compiler *c, const xmlNs *ns, const xmlChar *name)
{
    pfs_buf_printf(&c->fixed, "%s%s%s", ns ? (const char *)ns->prefix : "", ns ? ":" : "",
                   (const char *)name);
}

static int add_nodes(struct compiler *c, const xmlNode *parent, struct pfs_err *err);

static int add_element(struct compiler *c, const xmlNode *node, struct pfs_err *err)
{
    if (node->ns && !node->ns->prefix)
        return pfs_attr_fail(node, err, "an element here is in no default namespace",
                             (const char *)node->name);
    pfs_buf_char(&c->fixed, '<');
    add_name(c, node->ns, node->name);
    int r = 0;
    for (const xmlAttr *a = node->properties; a && r == 0; a = a->next) {
        pfs_buf_char(&c->fixed, ' ');
        add_name(c, a->ns, a->name);
        pfs_buf_str_add(&c->fixed, "=\"");
        r = add_text(c, node, a->children ? (const char *)a->children->content : "", true, err);
        pfs_buf_char(&c->fixed, '"');
    }
    if (r < 0)
        return r;
    pfs_buf_char(&c->fixed, '>');
    r = add_nodes(c, node, err);
    pfs_buf_str_add(&c->fixed, "</");
    add_name(c, node->ns, node->name);
    pfs_buf_char(&c->fixed, '>');
    return r;
}

static int add_nodes(struct compiler *c, const xmlNode *parent, struct pfs_err *err)
{
    int r = 0;
    for (const xmlNode *node = parent->children; node && r == 0; node = node->next) {
        if (pfs_xml_is_layout(node))
            continue;
        if (node->type != XML_ELEMENT_NODE)
            r = add_text(c, node, (const char *)node->content, false, err);
        else if (c->group && pfs_xml_is(node, "content"))
            r = node->children || node->properties
                    ? pfs_attr_fail(node, err, "this element is empty", "content")
                    : add_word(c, node, PFS_FORM_CONTENT, false, err);
        else
            r = add_element(c, node, err);
    }
    return r;
}

static bool has_word(const struct compiler *c, enum pfs_form_word word)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->parts[i].word == word)
            return true;
    return false;
}

static int finish(struct compiler *c, const xmlNode *node, const struct pfs_form **ret, struct pfs_err *err)
{
    if (!has_word(c, PFS_FORM_NAME) || !has_word(c, c->group ? PFS_FORM_CONTENT : PFS_FORM_VALUE))
        return pfs_attr_fail(node, err, "a word is missing in this element",
                             c->group ? "SECTION and <content/>" : "KEY and VALUE");
    struct pfs_form *form = pfs_arena_alloc(c->arena, sizeof *form);
    struct pfs_form_part *parts = pfs_arena_alloc(c->arena, c->n * sizeof *parts);
    if (!form || !parts)
        return pfs_err_nomem(err);
    memcpy(parts, c->parts, c->n * sizeof *parts);
    *form = (struct pfs_form){.n = c->n, .parts = parts};
    for (size_t i = 0; i < c->n; i++)
        if (parts[i].word == PFS_FORM_VALUE)
            form->value_in_attribute = parts[i].in_attribute;
    *ret = form;
    return 0;
}

int pfs_form_compile(struct pfs_arena *a, const xmlNode *node, bool group, const struct pfs_form **ret,
                     struct pfs_err *err)
{
    static const char *const attrs[] = {NULL};
    struct compiler c = {.arena = a, .group = group};
    int r = pfs_xml_known_attrs(node, attrs, err);
    if (r == 0)
        r = pfs_xml_no_text(node, err); /* but in its elements */
    if (r == 0)
        r = add_nodes(&c, node, err);
    if (r == 0)
        r = flush(&c, err);
    if (r == 0)
        r = finish(&c, node, ret, err);
    pfs_buf_done(&c.fixed);
    return r;
}

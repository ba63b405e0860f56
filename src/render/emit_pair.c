/* Writes pairs and attributes. */
#include "render/emit_impl.h"
#include "render/form.h"

#include <errno.h>

/* What stands behind a section of an ini file would be read as part of it. */
static int check_pair_place(const struct pfs_emit *e, const char *key, size_t key_len, struct pfs_err *err)
{
    if (!e->syntax->is_xml && e->syntax->has_sections && e->had_root && e->depth == 0)
        return pfs_err_set(err, EINVAL, "\"%.*s\" comes behind the sections: it needs one (section/key)",
                           (int)key_len, key);
    return pfs_emit_check_inside(e, "a pair", err);
}

/* ---- attributes of the open tag: each once, or the document is not well-formed ---- */

void pfs_emit_begin_tag(struct pfs_emit *e)
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

static int add_attribute_name(struct pfs_emit *e, const char *name, size_t len, bool prefixed,
                              struct pfs_err *err)
{
    int r = pfs_syntax_check_name(name, len, prefixed, err);
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

void pfs_emit_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                    size_t len, bool in_attribute, bool literal, struct pfs_buf *out)
{
    if (s->shape == PFS_PAIR_LINE)
        pfs_syntax_line_value(s, rules, value, len, literal, out);
    else
        pfs_syntax_escape(s, rules, value, len, in_attribute, out);
}

/* Notes where it stands: a plan puts another phone's value there. */
static void write_value(struct pfs_emit *e, const char *value, size_t len, bool in_attribute, bool literal)
{
    e->value_at = e->out->len;
    pfs_emit_value(e->syntax, e->rules, value, len, in_attribute, literal, e->out);
    e->value_len = e->out->len - e->value_at;
}

void pfs_emit_escaped(struct pfs_emit *e, const char *value, size_t len)
{
    e->value_at = e->out->len;
    pfs_syntax_escape(e->syntax, e->rules, value, len, false, e->out);
    e->value_len = e->out->len - e->value_at;
}

static void write_attribute(struct pfs_emit *e, const char *name, size_t name_len, const char *value,
                            size_t len)
{
    pfs_buf_add(e->out, name, name_len);
    pfs_buf_add(e->out, "=\"", 2);
    write_value(e, value, len, true, false);
    pfs_buf_char(e->out, '"');
}

/* ---- pairs ---- */

static int pair_attribute(struct pfs_emit *e, const struct pfs_emit_pair *p, struct pfs_err *err)
{
    struct pfs_emit_level *level = pfs_emit_top(e);
    if (!level->open)
        return pfs_err_set(err, EINVAL, "\"%.*s\" comes after a child of its element: attributes come first",
                           (int)p->key_len, p->key);
    int r = add_attribute_name(e, p->key, p->key_len, p->prefixed, err);
    if (r < 0)
        return r;
    pfs_emit_end_line(e);
    pfs_emit_indent(e, e->depth + 1);
    write_attribute(e, p->key, p->key_len, p->value, p->len);
    return 0;
}

static int pair_element(struct pfs_emit *e, const struct pfs_emit_pair *p, struct pfs_err *err)
{
    size_t name_len = pfs_syntax_element_len(p->key, p->key_len);
    const char *at = p->key + name_len;
    struct pfs_key_attribute a;
    int r = pfs_syntax_check_fixed(p->key, p->key_len, p->taken, err);
    if (r < 0)
        return r;
    pfs_emit_begin_child(e);
    pfs_emit_indent(e, e->depth);
    pfs_buf_char(e->out, '<');
    pfs_buf_add(e->out, p->key, name_len);
    while (pfs_syntax_next_attribute(&at, p->key + p->key_len, &a)) {
        pfs_buf_char(e->out, ' ');
        write_attribute(e, a.name, a.name_len, a.value, a.value_len);
    }
    if (p->fixed) {
        pfs_buf_char(e->out, ' ');
        pfs_buf_str_add(e->out, p->fixed);
    }
    if (p->attributes && (r = p->attributes(p->arg, err)) < 0)
        return r;
    pfs_buf_char(e->out, '>');
    write_value(e, p->value, p->len, false, false);
    pfs_buf_add(e->out, "</", 2);
    pfs_buf_add(e->out, p->key, name_len);
    pfs_buf_char(e->out, '>');
    pfs_emit_end_line(e);
    return 0;
}

int pfs_emit_pair_attribute(struct pfs_emit *e, const char *name, const char *value, size_t len,
                            struct pfs_err *err)
{
    int r = pfs_syntax_check_value(e->syntax, e->rules, value, len, err);
    if (r < 0) {
        pfs_err_prefix(err, "the value for %s", name);
        return r;
    }
    pfs_buf_char(e->out, ' ');
    write_attribute(e, name, strlen(name), value, len);
    return 0;
}

size_t pfs_emit_form(struct pfs_emit *e, const struct pfs_form *form, size_t from,
                     const struct pfs_emit_pair *pair)
{
    size_t i = from;
    for (; i < form->n && form->parts[i].word != PFS_FORM_CONTENT; i++) {
        const struct pfs_form_part *part = &form->parts[i];
        if (part->word == PFS_FORM_FIXED)
            pfs_syntax_encode(e->rules, part->text, strlen(part->text), e->out);
        else if (part->word == PFS_FORM_NAME)
            pfs_syntax_escape(e->syntax, e->rules, pair->key, pair->key_len, part->in_attribute, e->out);
        else
            write_value(e, pair->value, pair->len, part->in_attribute, pair->literal);
    }
    return i;
}

static void pair_entry(struct pfs_emit *e, const struct pfs_emit_pair *p)
{
    pfs_emit_begin_child(e);
    pfs_emit_indent(e, e->depth);
    pfs_emit_form(e, e->syntax->pair, 0, p);
    pfs_emit_end_line(e);
}

static void pair_line(struct pfs_emit *e, const struct pfs_emit_pair *p)
{
    pfs_buf_str_add(e->out, e->syntax->before);
    pfs_buf_add(e->out, p->key, p->key_len);
    pfs_buf_str_add(e->out, e->syntax->between);
    write_value(e, p->value, p->len, false, p->literal);
    pfs_emit_end_line(e);
}

int pfs_emit_pair(struct pfs_emit *e, const struct pfs_emit_pair *p, struct pfs_err *err)
{
    int r = pfs_syntax_check_key(e->syntax, p->key, p->key_len, p->prefixed, err);
    if (r == 0)
        r = check_pair_place(e, p->key, p->key_len, err);
    if (r == 0 && !p->literal) {
        r = pfs_syntax_check_value(e->syntax, e->rules, p->value, p->len, err);
        if (r < 0)
            pfs_err_prefix(err, "the value for %.*s", (int)p->key_len, p->key);
    }
    if (r < 0)
        return r;
    switch (e->syntax->shape) {
    case PFS_PAIR_LINE:
        pair_line(e, p);
        return 0;
    case PFS_PAIR_ELEMENT:
        return pair_element(e, p, err);
    case PFS_PAIR_ATTRIBUTE:
        return pair_attribute(e, p, err);
    case PFS_PAIR_ENTRY:
        pair_entry(e, p);
        return 0;
    }
    return 0;
}

int pfs_emit_attribute(struct pfs_emit *e, const char *name, size_t name_len, bool prefixed,
                       const char *value, size_t len, struct pfs_err *err)
{
    struct pfs_emit_level *level = pfs_emit_top(e);
    if (!level || !level->open || level->section)
        return pfs_err_set(err, EINVAL, "the attribute \"%.*s\" does not come first in an element",
                           (int)name_len, name);
    int r = pfs_syntax_check_value(e->syntax, e->rules, value, len, err);
    if (r < 0)
        pfs_err_prefix(err, "the value for %.*s", (int)name_len, name);
    else
        r = add_attribute_name(e, name, name_len, prefixed, err);
    if (r < 0)
        return r;
    pfs_buf_char(e->out, ' ');
    write_attribute(e, name, name_len, value, len);
    return 0;
}

#include "render/drop.h"
#include "base/near.h"
#include "render/attr.h"
#include "render/globs.h"
#include "render/xml.h"

#include <errno.h>

static unsigned source_of(unsigned line)
{
    return line >> PFS_XML_LINE_BITS;
}

bool pfs_drops_mean(const struct pfs_file_spec *s, unsigned line, struct pfs_str native)
{
    for (size_t i = 0; i < s->n_drops; i++)
        if (source_of(line) < source_of(s->drops[i].line) &&
            pfs_glob_is_key(s->drops[i].glob, native.s, native.len))
            return true;
    return false;
}

/* ---- whether a drop can mean anything ---- */

/* An expression as far as it is fixed. */
static void add_fixed(struct pfs_buf *out, const struct pfs_expr *x)
{
    for (size_t i = 0; i < x->n_pieces; i++) {
        const struct pfs_piece *p = &x->pieces[i];
        if (p->ref.kind == PFS_REF_LITERAL && p->n_filters == 0)
            pfs_buf_add(out, p->ref.text.s, p->ref.text.len);
        else
            pfs_buf_char(out, PFS_GLOB_ANY);
    }
}

/* The native key of a SET with the section or path that it stands in. */
static void fixed_key(const struct pfs_file_spec *s, size_t at, struct pfs_buf *out)
{
    const struct pfs_program *p = s->program;
    bool outermost = true;
    pfs_buf_reset(out);
    for (size_t i = 0; i < at; i++) {
        const struct pfs_op *op = &p->ops[i];
        bool element = op->code == PFS_OP_ELEMENT && s->syntax->is_tree;
        if ((op->code != PFS_OP_SECTION && !element) || op->end <= at)
            continue;
        if (!element || !outermost) {
            add_fixed(out, op->key);
            pfs_buf_char(out, '/');
        }
        outermost = false;
    }
    add_fixed(out, p->ops[at].key);
}

static void note_near(const char *glob, struct pfs_buf *key, unsigned *best, char near[PFS_NEAR_WORD_MAX + 1])
{
    for (char *c = key->data; *c; c++)
        *c = *c == PFS_GLOB_ANY ? '*' : *c;
    unsigned distance = pfs_near_distance(glob, key->data);
    if (distance >= *best)
        return;
    *best = distance;
    snprintf(near, PFS_NEAR_WORD_MAX + 1, "%s", key->data);
}

static int check_drop(const struct pfs_file_spec *s, const struct pfs_drop *d, const xmlNode *node,
                      struct pfs_err *err)
{
    struct pfs_buf key autobuf = PFS_BUF_INIT(0);
    char near[PFS_NEAR_WORD_MAX + 1] = "";
    unsigned best = pfs_near_limit(strlen(d->glob)) + 1;
    for (size_t i = 0; i < s->program->n_ops; i++) {
        const struct pfs_op *op = &s->program->ops[i];
        if (op->code != PFS_OP_SET || source_of(op->line) >= source_of(d->line))
            continue;
        fixed_key(s, i, &key);
        if (pfs_glob_may_be_key(d->glob, pfs_buf_str(&key)))
            return 0;
        if (!pfs_buf_error(&key) && key.len)
            note_near(d->glob, &key, &best, near);
    }
    if (*near)
        return pfs_err_set(err, EINVAL,
                           "%u: drop: the base writes no key \"%s\" in this file (did you mean %s?)",
                           pfs_xml_line(node), d->glob, near);
    return pfs_attr_fail(node, err, "drop: the base writes no such key in this file", d->glob);
}

static int read_drop(struct pfs_arena *a, const xmlNode *node, struct pfs_file_spec *s, struct pfs_drop *ret,
                     struct pfs_err *err)
{
    static const char *const attrs[] = {"key", NULL};
    int r = pfs_xml_known_attrs(node, attrs, err);
    if (r < 0 || (r = pfs_xml_no_content(node, err)) < 0 ||
        (r = pfs_attr_needed(a, node, "key", &ret->glob, err)) < 0)
        return r;
    ret->line = pfs_xml_line(node);
    if (source_of(ret->line) == 0)
        return pfs_attr_fail(node, err, "drop is for a template that extends another", ret->glob);
    return check_drop(s, ret, node, err);
}

int pfs_drops_read(struct pfs_arena *a, const xmlNode *file, struct pfs_file_spec *s, struct pfs_err *err)
{
    size_t n = 0;
    int r = 0;
    for (xmlNode *e = pfs_xml_element(file->children); e; e = pfs_xml_element(e->next))
        n += pfs_xml_is(e, "drop");
    struct pfs_drop *drops = n ? pfs_arena_alloc(a, n * sizeof *drops) : NULL;
    if (n && !drops)
        return pfs_err_nomem(err);
    for (xmlNode *e = pfs_xml_element(file->children); e && r == 0; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "drop") && (r = read_drop(a, e, s, &drops[s->n_drops], err)) == 0)
            s->n_drops++;
    s->drops = drops;
    return r;
}

#include "render/extend.h"
#include "base/near.h"
#include "render/globs.h"
#include "render/program.h"

#include <errno.h>

enum { NAMES_SHOWN = 200 };

/* One document of changes being put into a base. */
struct merge {
    xmlDoc *doc;
    xmlNode *root;
    size_t n_inlined; /* elements of blocks that were put in place */
    struct pfs_err *err;
};

static int fail(struct merge *m, const xmlNode *node, const char *what, const char *about)
{
    return pfs_err_set(m->err, EINVAL, "%u: %s: \"%s\"", pfs_xml_line(node), what, about);
}

const char *pfs_extend_base(const xmlDoc *doc)
{
    const xmlNode *root = xmlDocGetRootElement(doc);
    return pfs_xml_is(root, "template") ? pfs_xml_attr(root, "extends") : NULL;
}

/* ---- nodes ---- */

static int set_attr(struct merge *m, xmlNode *node, const char *name, const char *value)
{
    return xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value) ? 0 : pfs_err_nomem(m->err);
}

static bool same_attr(const xmlNode *a, const xmlNode *b, const char *name)
{
    const char *x = pfs_xml_attr(a, name), *y = pfs_xml_attr(b, name);
    return x && y && strcmp(x, y) == 0;
}

static int add_copy(struct merge *m, xmlNode *parent, const xmlNode *node)
{
    xmlNode *copy = pfs_xml_copy(node, m->doc);
    return copy && xmlAddChild(parent, copy) ? 0 : pfs_err_nomem(m->err);
}

/* NULL, before the end of parent. */
static int add_copy_before(struct merge *m, xmlNode *parent, xmlNode *before, const xmlNode *node)
{
    if (!before)
        return add_copy(m, parent, node);
    xmlNode *copy = pfs_xml_copy(node, m->doc);
    return copy && xmlAddPrevSibling(before, copy) ? 0 : pfs_err_nomem(m->err);
}

static void replace(xmlNode *old, xmlNode *new)
{
    xmlReplaceNode(old, new);
    xmlFreeNode(old);
}

static int replace_by_copy(struct merge *m, xmlNode *old, const xmlNode *node)
{
    xmlNode *copy = pfs_xml_copy(node, m->doc);
    if (!copy)
        return pfs_err_nomem(m->err);
    replace(old, copy);
    return 0;
}

/* The child of this kind whose attribute is the same as the node's; NULL: none. */
static xmlNode *find_same(xmlNode *parent, const xmlNode *node, const char *attr)
{
    for (xmlNode *e = pfs_xml_element(parent->children); e; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, (const char *)node->name) && same_attr(e, node, attr))
            return e;
    return NULL;
}

/* ---- models ---- */

static xmlNode *find_model(struct merge *m, const char *name)
{
    for (xmlNode *e = pfs_xml_element(m->root->children); e; e = pfs_xml_element(e->next)) {
        const char *other = pfs_xml_is(e, "model") ? pfs_xml_attr(e, "name") : NULL;
        if (other && strcmp(other, name) == 0)
            return e;
    }
    return NULL;
}

static int no_such_model(struct merge *m, const xmlNode *node, const char *name)
{
    const char *near = NULL;
    unsigned best = pfs_near_limit(strlen(name)) + 1;
    for (xmlNode *e = pfs_xml_element(m->root->children); e; e = pfs_xml_element(e->next)) {
        const char *other = pfs_xml_is(e, "model") ? pfs_xml_attr(e, "name") : NULL;
        unsigned distance = other ? pfs_near_distance(name, other) : best;
        if (distance < best) {
            best = distance;
            near = other;
        }
    }
    return near ? pfs_err_set(m->err, EINVAL, "%u: like: no model is \"%s\" (did you mean %s?)",
                              pfs_xml_line(node), name, near)
                : pfs_err_set(m->err, EINVAL, "%u: like: no model of the base is \"%s\"", pfs_xml_line(node),
                              name);
}

/* Attributes that a model does not give are those of the one that it is like. */
static int inherit(struct merge *m, xmlNode *model, const xmlNode *from)
{
    int r = 0;
    for (const xmlAttr *a = from->properties; a && r == 0; a = a->next)
        if (!a->ns && !pfs_xml_attr(model, (const char *)a->name))
            r = set_attr(m, model, (const char *)a->name, pfs_xml_attr(from, (const char *)a->name));
    return r;
}

/* The list of models that has one which the model is like has the model too. */
static int join_list(struct merge *m, xmlNode *node, const xmlNode *model)
{
    struct pfs_buf more autobuf = PFS_BUF_INIT(0);
    const char *globs = pfs_xml_attr(node, "models"), *name = pfs_xml_attr(model, "name");
    const char *likes = pfs_xml_attr(model, "like");
    size_t len;
    if (!globs || !name || !likes || pfs_globs_mean(globs, name))
        return 0;
    for (const char *like; (like = pfs_words_next(&likes, &len));) {
        autofree char *copy = strndup(like, len);
        if (!copy)
            return pfs_err_nomem(m->err);
        if (!pfs_globs_mean(globs, copy))
            continue;
        pfs_buf_printf(&more, "%s %s", globs, name);
        return pfs_buf_error(&more) ? pfs_err_nomem(m->err) : set_attr(m, node, "models", pfs_buf_str(&more));
    }
    return 0;
}

static bool has_models(const xmlNode *node)
{
    return pfs_xml_is(node, "file") || pfs_xml_is(node, "absent");
}

static int join_lists(struct merge *m, const xmlNode *model)
{
    int r = 0;
    for (xmlNode *e = pfs_xml_element(m->root->children); e && r == 0; e = pfs_xml_element(e->next))
        if (has_models(e))
            r = join_list(m, e, model);
    return r;
}

/* What a model is like, and what that is like. */
static int note_like(struct merge *m, xmlNode *model, const char *like, const xmlNode *from)
{
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    const char *more = pfs_xml_attr(from, "like");
    pfs_buf_printf(&text, "%s%s%s", like, more ? " " : "", more ? more : "");
    return pfs_buf_error(&text) ? pfs_err_nomem(m->err) : set_attr(m, model, "like", pfs_buf_str(&text));
}

static int add_model(struct merge *m, const xmlNode *node, const xmlNode *from, const char *like)
{
    xmlNode *model = pfs_xml_copy(node, m->doc);
    if (!model || !xmlAddChild(m->root, model))
        return pfs_err_nomem(m->err);
    int r = like ? note_like(m, model, like, from) : 0;
    if (r == 0 && from)
        r = inherit(m, model, from);
    return r < 0 ? r : join_lists(m, model);
}

/* A model of the base keeps what is not given here. */
static int change_model(struct merge *m, const xmlNode *node, xmlNode *there)
{
    xmlNode *model = pfs_xml_copy(node, m->doc);
    if (!model)
        return pfs_err_nomem(m->err);
    int r = inherit(m, model, there);
    replace(there, model);
    return r;
}

static int put_model(struct merge *m, const xmlNode *node)
{
    const char *name = pfs_xml_attr(node, "name"), *like = pfs_xml_attr(node, "like");
    xmlNode *there = name ? find_model(m, name) : NULL;
    xmlNode *from = like ? find_model(m, like) : NULL;
    if (like && there)
        return fail(m, node, "this model is there already: without like it is changed", name);
    if (like && !from)
        return no_such_model(m, node, like);
    return there ? change_model(m, node, there) : add_model(m, node, from, like);
}

/* ---- maps and blocks ---- */

static int put_map(struct merge *m, const xmlNode *node)
{
    static const char *const attrs[] = {"name", "default", NULL};
    xmlNode *there = find_same(m->root, node, "name");
    const char *other = pfs_xml_attr(node, "default");
    if (!there)
        return add_copy(m, m->root, node);
    int r = pfs_xml_known_attrs(node, attrs, m->err);
    if (r == 0 && other)
        r = set_attr(m, there, "default", other);
    for (xmlNode *e = pfs_xml_element(node->children); e && r == 0; e = pfs_xml_element(e->next)) {
        xmlNode *old = find_same(there, e, "from");
        r = old ? replace_by_copy(m, old, e) : add_copy(m, there, e);
    }
    return r;
}

static int put_block(struct merge *m, const xmlNode *node)
{
    xmlNode *there = find_same(m->root, node, "name");
    return there ? replace_by_copy(m, there, node) : add_copy(m, m->root, node);
}

/* ---- files: blocks are put in place, so that what is added finds its section, and goes to this file alone
 * ----
 */

static int inline_blocks(struct merge *m, xmlNode *parent, unsigned depth);

static size_t count_elements(const xmlNode *node)
{
    size_t n = 1;
    for (xmlNode *e = pfs_xml_element(node->children); e; e = pfs_xml_element(e->next))
        n += count_elements(e);
    return n;
}

/* The block that a `use` means; NULL: there is none, or too much was put in place. The compiler says so. */
static xmlNode *usable_block(struct merge *m, const xmlNode *use, unsigned depth)
{
    const char *name = pfs_xml_attr(use, "block");
    xmlNode *block = NULL;
    for (xmlNode *e = pfs_xml_element(m->root->children); e && name && !block; e = pfs_xml_element(e->next)) {
        const char *other = pfs_xml_is(e, "block") ? pfs_xml_attr(e, "name") : NULL;
        if (other && strcmp(other, name) == 0)
            block = e;
    }
    if (!block || depth > PFS_NESTING_MAX)
        return NULL;
    m->n_inlined += count_elements(block);
    return m->n_inlined <= PFS_OPS_MAX ? block : NULL;
}

/* The block's content in an `if` with the conditions of the `use`. */
static int make_holder(struct merge *m, const xmlNode *use, const xmlNode *block, xmlNode **ret)
{
    static const char *const conditions[] = {"when", "unless"};
    xmlNode *holder = xmlNewDocNode(m->doc, NULL, (const xmlChar *)"if", NULL);
    int r = holder ? 0 : pfs_err_nomem(m->err);
    if (holder) {
        holder->line = use->line;
        holder->_private = use->_private;
    }
    for (size_t i = 0; i < PFS_N_ELEMENTS(conditions) && r == 0; i++)
        if (pfs_xml_attr(use, conditions[i]))
            r = set_attr(m, holder, conditions[i], pfs_xml_attr(use, conditions[i]));
    for (const xmlNode *child = block->children; child && r == 0; child = child->next)
        if (!pfs_xml_is_layout(child))
            r = add_copy(m, holder, child);
    *ret = holder;
    return r;
}

/* Puts the content of an `if` where it is. */
static void unwrap(xmlNode *holder)
{
    for (xmlNode *child = holder->children, *next; child; child = next) {
        next = child->next;
        xmlUnlinkNode(child);
        xmlAddPrevSibling(holder, child);
    }
    xmlUnlinkNode(holder);
    xmlFreeNode(holder);
}

static int inline_block(struct merge *m, xmlNode *use, const xmlNode *block, unsigned depth)
{
    xmlNode *holder;
    int r = make_holder(m, use, block, &holder);
    if (r < 0) {
        xmlFreeNode(holder);
        return r;
    }
    replace(use, holder);
    r = inline_blocks(m, holder, depth + 1);
    if (!holder->properties)
        unwrap(holder);
    return r;
}

static int inline_blocks(struct merge *m, xmlNode *parent, unsigned depth)
{
    int r = 0;
    for (xmlNode *e = pfs_xml_element(parent->children), *next; e && r == 0; e = next) {
        next = pfs_xml_element(e->next);
        const xmlNode *block = pfs_xml_is(e, "use") ? usable_block(m, e, depth) : NULL;
        r = block ? inline_block(m, e, block, depth) : inline_blocks(m, e, depth);
    }
    return r;
}

/* ---- … what is added to them ---- */

static bool is_group(const xmlNode *node)
{
    return pfs_xml_is(node, "section") || pfs_xml_is(node, "element");
}

static bool is_plain_group(const xmlNode *node)
{
    const char *name = pfs_xml_attr(node, "name");
    return name && !strchr(name, '{') && !pfs_xml_attr(node, "when") && !pfs_xml_attr(node, "unless");
}

/* The section or element that the file always has under this name; NULL: none. */
static xmlNode *find_group(xmlNode *parent, const xmlNode *node)
{
    if (!is_plain_group(node))
        return NULL;
    for (xmlNode *e = pfs_xml_element(parent->children); e; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, (const char *)node->name) && same_attr(e, node, "name") && is_plain_group(e))
            return e;
    return NULL;
}

static xmlNode *find_below(xmlNode *parent, const char *name)
{
    xmlNode *found = NULL;
    for (xmlNode *e = pfs_xml_element(parent->children); e && !found; e = pfs_xml_element(e->next))
        found = pfs_xml_is(e, name) ? e : find_below(e, name);
    return found;
}

/* What is put into a file. */
struct place {
    xmlNode *file, *top; /* top: the outermost element, or the file */
    bool is_xml, is_tree;
};

/* Where a pair, or what makes some, goes in the file: where keys go that overrides add; NULL: the end. */
static xmlNode *place_of_pairs(const struct place *p)
{
    xmlNode *overrides = find_below(p->file, "overrides");
    if (overrides || p->is_xml)
        return overrides;
    for (xmlNode *e = pfs_xml_element(p->file->children); e; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "section") || find_below(e, "section"))
            return e; /* pairs without section come before the sections */
    return NULL;
}

static int put_content(struct merge *m, const struct place *p, xmlNode *parent, const xmlNode *node);

static int put_all(struct merge *m, const struct place *p, xmlNode *parent, const xmlNode *from)
{
    int r = 0;
    for (const xmlNode *child = from->children; child && r == 0; child = child->next)
        if (!pfs_xml_is_layout(child))
            r = put_content(m, p, parent, child);
    return r;
}

static int put_content(struct merge *m, const struct place *p, xmlNode *parent, const xmlNode *node)
{
    bool joins = pfs_xml_is(node, "section") || (p->is_tree && pfs_xml_is(node, "element"));
    xmlNode *group = joins ? find_group(parent, node) : NULL;
    if (group)
        return put_all(m, p, group, node);
    if (pfs_xml_is(node, "attribute")) /* comes first in its element */
        return add_copy_before(m, parent, parent->children, node);
    xmlNode *before = parent == p->top && !is_group(node) ? place_of_pairs(p) : NULL;
    return add_copy_before(m, parent, before, node);
}

static int put_into_file(struct merge *m, xmlNode *file, const xmlNode *node)
{
    const char *syntax = pfs_xml_attr(file, "syntax");
    struct place p = {.file = file, .top = file};
    int r = inline_blocks(m, file, 0);
    p.is_xml = syntax && strncmp(syntax, "xml-", 4) == 0;
    p.is_tree = syntax && strcmp(syntax, "xml-tree") == 0;
    for (xmlNode *e = pfs_xml_element(file->children); e && p.is_xml; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "element") && p.top == file)
            p.top = e;
    for (xmlNode *e = pfs_xml_element(node->children); e && r == 0; e = pfs_xml_element(e->next)) {
        if (pfs_xml_is(e, "alias") || pfs_xml_is(e, "drop"))
            r = add_copy(m, file, e);
        else if (p.top != file && pfs_xml_is(e, "element") && same_attr(e, p.top, "name"))
            r = put_all(m, &p, p.top, e);
        else
            r = put_content(m, &p, p.top, e);
    }
    return r;
}

/* ---- … and to whose ---- */

static void add_word(struct pfs_buf *list, const char *word)
{
    pfs_buf_printf(list, "%s%s", list->len ? " " : "", word);
}

/* The models of a file that are among those wanted, and the others. */
static int part_models(struct merge *m, const xmlNode *file, const char *wanted, struct pfs_buf *in,
                       struct pfs_buf *out)
{
    const char *own = pfs_xml_attr(file, "models");
    for (xmlNode *e = pfs_xml_element(m->root->children); e; e = pfs_xml_element(e->next)) {
        const char *name = pfs_xml_is(e, "model") ? pfs_xml_attr(e, "name") : NULL;
        if (name && pfs_globs_mean(own, name))
            add_word(pfs_globs_mean(wanted, name) ? in : out, name);
    }
    return pfs_buf_error(in) || pfs_buf_error(out) ? pfs_err_nomem(m->err) : 0;
}

/* Parts a file in two, of which the one before it, *ret, is the wanted models'. *ret the file itself: all of
 * its models are wanted; NULL: none is. */
static int part(struct merge *m, xmlNode *file, const char *wanted, xmlNode *before, xmlNode **ret)
{
    struct pfs_buf in autobuf = PFS_BUF_INIT(0), out autobuf = PFS_BUF_INIT(0);
    int r = part_models(m, file, wanted, &in, &out);
    *ret = in.len ? file : NULL;
    if (r < 0 || !in.len || !out.len)
        return r;
    *ret = pfs_xml_copy(file, m->doc);
    if (!*ret || !xmlAddPrevSibling(before, *ret))
        return pfs_err_nomem(m->err);
    r = set_attr(m, *ret, "models", pfs_buf_str(&in));
    return r < 0 ? r : set_attr(m, file, "models", pfs_buf_str(&out));
}

/* Parts a file whose changes are for some of its models alone, and its checksums with it. */
static int part_file(struct merge *m, const xmlNode *node, xmlNode *file, xmlNode **ret)
{
    const char *wanted = pfs_xml_attr(node, "models"), *per = pfs_xml_attr(file, "per");
    int r = part(m, file, wanted, file, ret);
    if (r < 0 || !*ret || *ret == file)
        return r;
    if (per && strcmp(per, "vendor") == 0)
        return fail(m, node, "models: the file is one for all models", pfs_xml_attr(file, "name"));
    for (xmlNode *e = file; e && r == 0; e = pfs_xml_element(e->next)) {
        const char *of = pfs_xml_is(e, "file") ? pfs_xml_attr(e, "digest-of") : NULL;
        xmlNode *theirs;
        if (of && strcmp(of, pfs_xml_attr(file, "name")) == 0)
            r = part(m, e, wanted, file, &theirs);
    }
    return r;
}

/* Only content can be changed. */
static int check_file_attrs(struct merge *m, const xmlNode *node)
{
    for (const xmlAttr *a = node->properties; a; a = a->next)
        if (strcmp((const char *)a->name, "name") != 0 && strcmp((const char *)a->name, "models") != 0)
            return fail(m, node, "this file is the base's: what is in it can change here, but not its",
                        (const char *)a->name);
    return pfs_xml_no_text(node, m->err);
}

/* Each glob means a model: else it is a typing error. */
static int check_globs(struct merge *m, const xmlNode *node)
{
    const char *globs = pfs_xml_attr(node, "models");
    size_t len;
    for (const char *glob; globs && (glob = pfs_words_next(&globs, &len));) {
        bool found = false;
        for (xmlNode *e = pfs_xml_element(m->root->children); e && !found; e = pfs_xml_element(e->next)) {
            const char *name = pfs_xml_is(e, "model") ? pfs_xml_attr(e, "name") : NULL;
            found = name && pfs_glob_means(glob, len, name);
        }
        if (!found)
            return pfs_err_set(m->err, EINVAL, "%u: models: no model is \"%.*s\"", pfs_xml_line(node),
                               (int)PFS_MIN(len, 80u), glob);
    }
    return 0;
}

static int change_files(struct merge *m, const xmlNode *node)
{
    bool changed = false;
    int r = check_file_attrs(m, node);
    if (r == 0)
        r = check_globs(m, node);
    for (xmlNode *e = pfs_xml_element(m->root->children); e && r == 0; e = pfs_xml_element(e->next)) {
        xmlNode *file = e;
        if (!pfs_xml_is(e, "file") || !same_attr(e, node, "name"))
            continue;
        if (pfs_xml_attr(node, "models"))
            r = part_file(m, node, e, &file);
        if (r == 0 && file)
            r = put_into_file(m, file, node);
        changed |= file != NULL;
    }
    return r == 0 && !changed
               ? fail(m, node, "models: none of these has the file", pfs_xml_attr(node, "name"))
               : r;
}

static int no_such_file(struct merge *m, const xmlNode *node)
{
    char names[NAMES_SHOWN + 1] = "";
    for (xmlNode *e = pfs_xml_element(m->root->children); e; e = pfs_xml_element(e->next)) {
        const char *name = pfs_xml_is(e, "file") ? pfs_xml_attr(e, "name") : NULL;
        size_t used = strlen(names);
        if (name && !strstr(names, name))
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name);
    }
    const char *name = pfs_xml_attr(node, "name");
    return pfs_err_set(m->err, EINVAL,
                       "%u: no file of the base is \"%s\" (it has %s), and a new one needs syntax",
                       pfs_xml_line(node), name ? name : "", names);
}

/* Models of the site are in the lists of what they are like here too. */
static int add_with_lists(struct merge *m, const xmlNode *node)
{
    int r = add_copy(m, m->root, node);
    xmlNode *added = m->root->last;
    for (xmlNode *e = pfs_xml_element(m->root->children); e && r == 0; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "model"))
            r = join_list(m, added, e);
    return r;
}

static int put_file(struct merge *m, const xmlNode *node)
{
    if (find_same(m->root, node, "name"))
        return change_files(m, node);
    if (!pfs_xml_attr(node, "syntax"))
        return no_such_file(m, node);
    for (xmlNode *e = pfs_xml_element(node->children); e; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "drop"))
            return fail(m, e, "there is nothing to drop: the file is new", pfs_xml_attr(node, "name"));
    return add_with_lists(m, node);
}

/* ---- the whole ---- */

static int put(struct merge *m, const xmlNode *node)
{
    if (pfs_xml_is(node, "map"))
        return put_map(m, node);
    if (pfs_xml_is(node, "block"))
        return put_block(m, node);
    if (pfs_xml_is(node, "file"))
        return put_file(m, node);
    return pfs_xml_is(node, "absent") ? add_with_lists(m, node) : add_copy(m, m->root, node);
}

/* Models first: what is put in place for some of them must know them all. */
static int put_each(struct merge *m, const xmlNode *root, bool models)
{
    int r = 0;
    for (xmlNode *e = pfs_xml_element(root->children); e && r == 0; e = pfs_xml_element(e->next))
        if (pfs_xml_is(e, "model") == models)
            r = models ? put_model(m, e) : put(m, e);
    return r;
}

int pfs_extend(xmlDoc *base, const xmlDoc *change, struct pfs_err *err)
{
    static const char *const attrs[] = {"extends", NULL};
    const xmlNode *root = xmlDocGetRootElement(change);
    struct merge m = {.doc = base, .root = xmlDocGetRootElement(base), .err = err};
    if (pfs_xml_attr(root, "vendor"))
        return fail(&m, root, "a template that extends another is of its vendor: leave this out", "vendor");
    int r = pfs_xml_known_attrs(root, attrs, err);
    if (r == 0)
        r = pfs_xml_no_text(root, err);
    if (r == 0)
        r = put_each(&m, root, true);
    return r < 0 ? r : put_each(&m, root, false);
}

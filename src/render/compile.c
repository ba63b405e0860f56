#include "render/compile.h"
#include "render/xml.h"

#include <ctype.h>
#include <errno.h>

/* One compilation. */
struct compiler {
    struct pfs_names *names;
    const struct pfs_blocks *blocks;
    const struct pfs_file_spec *spec;
    struct pfs_program *program;
    unsigned nesting;
};

static int compile_children(struct compiler *c, xmlNode *parent, struct pfs_err *err);

static int fail(const xmlNode *node, struct pfs_err *err, const char *what)
{
    return pfs_err_set(err, EINVAL, "%u: %s", pfs_xml_line(node), what);
}

static int fail_about(const xmlNode *node, struct pfs_err *err, const char *what, const char *about)
{
    return pfs_err_set(err, EINVAL, "%u: %s: \"%s\"", pfs_xml_line(node), what, about);
}

/* Adds "LINE: " to an error that has none yet. */
static int at_line(const xmlNode *node, int r, struct pfs_err *err)
{
    if (r < 0)
        pfs_err_prefix(err, "%u", pfs_xml_line(node));
    return r;
}

/* Compiles an attribute's text; an absent one gives NULL. */
static int attr_expr(struct compiler *c, const xmlNode *node, const char *name, const struct pfs_expr **ret,
                     struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    struct pfs_expr *e = NULL;
    int r = text ? pfs_expr_compile(c->names, text, &e, err) : 0;
    *ret = e;
    return at_line(node, r, err);
}

static int needed_expr(struct compiler *c, const xmlNode *node, const char *name, const struct pfs_expr **ret,
                       struct pfs_err *err)
{
    if (!pfs_xml_attr(node, name))
        return fail_about(node, err, "an attribute is missing", name);
    return attr_expr(c, node, name, ret, err);
}

static int attr_number(const xmlNode *node, const char *name, size_t *ret, struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    if (!text)
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || value == 0 || value > PFS_VALUE_MAX)
        return fail_about(node, err, "not a number from 1 to 65536", text);
    *ret = value;
    return 0;
}

/* A copy of an attribute's text in the template's arena; an absent one gives NULL. */
static int attr_copy(struct compiler *c, const xmlNode *node, const char *name, const char **ret,
                     struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    *ret = text ? pfs_arena_strdup(&c->names->tmpl->arena, text) : NULL;
    return text && !*ret ? pfs_err_nomem(err) : 0;
}

static int check_attrs(const xmlNode *node, const char *const *own, struct pfs_err *err)
{
    const char *all[16] = {"when", "unless"};
    size_t n = 2;
    for (; *own; own++)
        all[n++] = *own;
    all[n] = NULL;
    return pfs_xml_known_attrs(node, all, err);
}

/* Adds an operation; its index, or -ENOMEM. */
static int add_op(struct compiler *c, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_program *p = c->program;
    if (p->n_ops == PFS_OPS_MAX) /* blocks that use blocks multiply */
        return pfs_err_set(err, EINVAL, "%u: a file has more than %d elements", op->line, PFS_OPS_MAX);
    if (p->n_ops == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct pfs_op *ops = realloc(p->ops, cap * sizeof *ops);
        if (!ops)
            return pfs_err_nomem(err);
        p->ops = ops;
        p->cap = cap;
    }
    p->ops[p->n_ops] = *op;
    p->ops[p->n_ops].end = (unsigned)p->n_ops + 1;
    return (int)p->n_ops++;
}

/* An operation for this element, its conditions compiled. */
static int begin_op(struct compiler *c, const xmlNode *node, enum pfs_op_code code, struct pfs_op *ret,
                    struct pfs_err *err)
{
    *ret = (struct pfs_op){.code = code, .line = pfs_xml_line(node)};
    int r = attr_expr(c, node, "when", &ret->when, err);
    return r < 0 ? r : attr_expr(c, node, "unless", &ret->unless, err);
}

/* Adds the operation and compiles the element's children as its body. */
static int add_with_body(struct compiler *c, xmlNode *node, const struct pfs_op *op, struct pfs_err *err)
{
    if (c->nesting == PFS_NESTING_MAX)
        return fail(node, err, "elements are nested too deeply");
    int at = add_op(c, op, err);
    if (at < 0)
        return at;
    c->nesting++;
    int r = compile_children(c, node, err);
    c->nesting--;
    c->program->ops[at].end = (unsigned)c->program->n_ops;
    return r;
}

static bool is_variable(const char *name)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";
    static const size_t n_others = 11; /* digits and '-' do not begin one */
    return *name && memchr(chars, *name, sizeof chars - 1 - n_others) && name[strspn(name, chars)] == '\0';
}

/* The same with one more loop variable in scope. */
static int add_loop(struct compiler *c, xmlNode *node, struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_names *names = c->names;
    const char *name;
    int r = attr_copy(c, node, "name", &name, err);
    if (r < 0)
        return r;
    if (!name || !is_variable(name))
        return fail(node, err,
                    "a loop needs a variable: name=\"…\", a letter, then letters, digits, '_' and '-'");
    if (names->n_variables == PFS_VARIABLES_MAX)
        return fail(node, err, "too many loop variables");
    op->number = (int)names->n_variables;
    names->variables[names->n_variables++] = name;
    c->program->n_variables = PFS_MAX(c->program->n_variables, names->n_variables);
    r = add_with_body(c, node, op, err);
    names->n_variables--;
    return r;
}

static bool is_fixed_char(char c)
{
    return c >= ' ' && c < 0x7f && !strchr("<>&\"'", c);
}

/* One attribute of attr="…": name="value", or a plain word alone: name=value. What follows it; NULL: it is
 * none or there twice. */
static const char *add_fixed(const char *text, struct pfs_buf *out)
{
    size_t name_len = strcspn(text, "="), len = 0;
    if (!text[name_len] || pfs_syntax_check_name(text, name_len, true, NULL) < 0)
        return NULL;
    bool quoted = text[name_len + 1] == '"';
    const char *value = text + name_len + 1 + quoted;
    while (is_fixed_char(value[len]) && (quoted || value[len] != ' '))
        len++;
    const char *end = value + len + quoted;
    if ((quoted && value[len] != '"') || (!quoted && *end) || (*end && *end != ' '))
        return NULL;
    if (pfs_syntax_has_fixed(pfs_buf_str(out), text, name_len))
        return NULL;
    pfs_buf_printf(out, "%s%.*s=\"%.*s\"", out->len ? " " : "", (int)name_len, text, (int)len, value);
    return end + strspn(end, " ");
}

/* Whether the template's own text can be written in this file. */
static int check_text(const struct compiler *c, const xmlNode *node, const char *what, const char *text,
                      size_t len, struct pfs_err *err)
{
    struct pfs_err why = {""};
    int r = pfs_syntax_check_text(c->spec->syntax, &c->spec->rules, text, len, &why);
    return r < 0 ? pfs_err_set(err, -r, "%u: %s %s", pfs_xml_line(node), what, why.msg) : 0;
}

static bool is_literal(const struct pfs_piece *p)
{
    return p->ref.kind == PFS_REF_LITERAL && p->n_filters == 0;
}

/* The same for each part of an expression that is the template's own. */
static int check_texts(const struct compiler *c, const xmlNode *node, const char *what,
                       const struct pfs_expr *x, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < x->n_pieces && r == 0; i++)
        if (is_literal(&x->pieces[i]))
            r = check_text(c, node, what, x->pieces[i].ref.text.s, x->pieces[i].ref.text.len, err);
    return r;
}

/* A value that is all the template's own is as good as it will be; of another, its texts. */
static int check_value(const struct compiler *c, const xmlNode *node, const struct pfs_expr *x,
                       struct pfs_err *err)
{
    struct pfs_err why = {""};
    if (x->n_pieces != 1 || !is_literal(x->pieces))
        return check_texts(c, node, "the value", x, err);
    struct pfs_str text = x->pieces[0].ref.text;
    int r = pfs_syntax_check_value(c->spec->syntax, &c->spec->rules, text.s, text.len, &why);
    return r < 0 ? pfs_err_set(err, -r, "%u: the value %s", pfs_xml_line(node), why.msg) : 0;
}

/* What a name or key is checked as: its texts, with a letter for each expression. */
static int check_name(const struct compiler *c, const xmlNode *node, struct pfs_op *op, struct pfs_err *err)
{
    const struct pfs_expr *x = op->key;
    enum pfs_op_code code = op->code;
    const struct pfs_syntax *s = c->spec->syntax;
    struct pfs_buf name autobuf = PFS_BUF_INIT(0);
    for (size_t i = 0; i < x->n_pieces; i++) {
        struct pfs_str text = is_literal(&x->pieces[i]) ? x->pieces[i].ref.text : pfs_str_of("a");
        pfs_buf_add(&name, text.s, text.len);
    }
    const char *text = pfs_buf_str(&name);
    int r;
    if (pfs_buf_error(&name))
        return pfs_err_nomem(err);
    op->prefixed = strchr(text, ':');
    if (code == PFS_OP_SET || (code == PFS_OP_SECTION && s->is_xml))
        r = pfs_syntax_check_key(s, text, name.len, code == PFS_OP_SET, err);
    else if (code == PFS_OP_SECTION)
        r = pfs_syntax_check_section(s, &c->spec->rules, text, name.len, err);
    else
        r = pfs_syntax_check_name(text, name.len, true, err);
    if (r == 0 && op->fixed)
        r = pfs_syntax_check_fixed(text, name.len, op->fixed, err);
    return at_line(node, r, err);
}

static int compile_fixed(struct compiler *c, const xmlNode *node, struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    const char *at = pfs_xml_attr(node, "attr");
    if (!at)
        return 0;
    if (c->spec->syntax->shape != PFS_PAIR_ELEMENT)
        at = NULL;
    do
        at = at ? add_fixed(at, &text) : NULL;
    while (at && *at);
    if (!at)
        return fail(node, err, "attr is name=\"value\" name=\"value\" …, each name once, in elements");
    op->fixed = pfs_arena_strdup(&c->names->tmpl->arena, pfs_buf_str(&text));
    return op->fixed ? 0 : pfs_err_nomem(err);
}

/* An attribute of a set: its name is the template's own. Adds it to names. */
static int compile_set_attribute(struct compiler *c, const xmlNode *node, struct pfs_buf *names,
                                 struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "value", NULL};
    struct pfs_op op;
    const char *name = pfs_xml_attr(node, "name");
    int r = pfs_xml_known_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_ATTRIBUTE, &op, err)) < 0 ||
        (r = needed_expr(c, node, "name", &op.key, err)) < 0 ||
        (r = needed_expr(c, node, "value", &op.value, err)) < 0 || (r = pfs_xml_no_content(node, err)) < 0 ||
        (r = check_name(c, node, &op, err)) < 0 || (r = check_value(c, node, op.value, err)) < 0)
        return r;
    if (op.key->n_pieces != 1 || !is_literal(op.key->pieces))
        return fail(node, err, "the name of a set's attribute has no expressions");
    if (pfs_syntax_has_fixed(pfs_buf_str(names), name, strlen(name)))
        return fail_about(node, err, "the element has the attribute already", name);
    pfs_buf_printf(names, "%s%s=\"\"", names->len ? " " : "", name);
    return PFS_MIN(add_op(c, &op, err), 0);
}

/* Attributes whose values have expressions. */
static int compile_set_body(struct compiler *c, xmlNode *node, size_t set_at, struct pfs_err *err)
{
    struct pfs_buf names autobuf = PFS_BUF_INIT(0);
    struct pfs_op set = c->program->ops[set_at];
    int r = 0;
    if (set.fixed)
        pfs_buf_str_add(&names, set.fixed);
    for (const xmlNode *child = node->children; child && r == 0; child = child->next) {
        if (pfs_xml_is_layout(child))
            continue;
        if (!pfs_xml_is(child, "attribute") || c->spec->syntax->shape != PFS_PAIR_ELEMENT)
            return fail(child, err, "a set has nothing inside, but attributes where it is an element");
        r = compile_set_attribute(c, child, &names, err);
    }
    if (r < 0 || names.len == 0)
        return r;
    set.end = (unsigned)c->program->n_ops;
    set.fixed = set.taken = pfs_arena_strdup(&c->names->tmpl->arena, pfs_buf_str(&names));
    if (!set.taken)
        return pfs_err_nomem(err);
    r = check_name(c, node, &set, err);
    set.fixed = c->program->ops[set_at].fixed;
    c->program->ops[set_at] = set;
    return r;
}

static int compile_set(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"key", "value", "max", "empty", "attr", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_SET, &op, err)) < 0 ||
        (r = needed_expr(c, node, "key", &op.key, err)) < 0 ||
        (r = needed_expr(c, node, "value", &op.value, err)) < 0 ||
        (r = attr_number(node, "max", &op.max, err)) < 0 ||
        (r = attr_copy(c, node, "empty", &op.empty, err)) < 0 ||
        (r = op.empty ? check_text(c, node, "empty", op.empty, strlen(op.empty), err) : 0) < 0 ||
        (r = compile_fixed(c, node, &op, err)) < 0 || (r = check_name(c, node, &op, err)) < 0 ||
        (r = check_value(c, node, op.value, err)) < 0 || (r = add_op(c, &op, err)) < 0)
        return r;
    return compile_set_body(c, node, (size_t)r, err);
}

static int add_text_line(struct compiler *c, const xmlNode *node, const struct pfs_op *pattern,
                         const char *line, size_t len, struct pfs_err *err)
{
    struct pfs_op op = *pattern;
    autofree char *text = strndup(line, len);
    if (!text)
        return pfs_err_nomem(err);
    struct pfs_expr *value;
    int r = pfs_expr_compile(c->names, text, &value, err);
    if (r < 0)
        return at_line(node, r, err);
    r = check_texts(c, node, "the text", value, err);
    if (r < 0)
        return r;
    op.value = value;
    return PFS_MIN(add_op(c, &op, err), 0);
}

/* Each line without its indentation; the first and the last line break, and blanks alone on such a line, are
 * layout. */
static int compile_text(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_TEXT, &op, err)) < 0)
        return r;
    if (pfs_xml_element(node->children))
        return fail(node, err, "text holds no elements");
    xmlChar *content = xmlNodeGetContent(node);
    if (!content)
        return pfs_err_nomem(err);
    for (const char *line = (const char *)content, *next; line && r == 0; line = next) {
        const char *end = strchrnul(line, '\n');
        next = *end ? end + 1 : NULL;
        const char *start = line + strspn(line, " \t");
        bool blank = start >= end;
        if (blank && (line == (const char *)content || !next))
            continue;
        r = add_text_line(c, node, &op, blank ? end : start, (size_t)(end - (blank ? end : start)), err);
    }
    xmlFree(content);
    return r;
}

/* A character beyond U+00FF: two bytes that begin with c4 or more. */
static bool has_wide(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xc4)
            return true;
    return false;
}

static int compile_comment(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_COMMENT, &op, err)) < 0)
        return r;
    xmlChar *content = xmlNodeGetContent(node);
    if (!content)
        return pfs_err_nomem(err);
    struct pfs_ref ref = {.kind = PFS_REF_LITERAL};
    ref.text.s = pfs_arena_strdup(&c->names->tmpl->arena, (const char *)content);
    xmlFree(content);
    struct pfs_piece *piece = pfs_arena_alloc(&c->names->tmpl->arena, sizeof *piece);
    struct pfs_expr *e = pfs_arena_alloc(&c->names->tmpl->arena, sizeof *e);
    if (!ref.text.s || !piece || !e)
        return pfs_err_nomem(err);
    ref.text.len = strlen(ref.text.s);
    if (strpbrk(ref.text.s, "\r\n") || (c->spec->syntax->is_xml && strstr(ref.text.s, "--")))
        return fail(node, err, "a comment is one line, without \"--\" in XML");
    if (pfs_xml_element(node->children))
        return fail(node, err, "a comment holds no elements");
    if (c->spec->rules.latin1 && has_wide(ref.text.s))
        return fail(node, err, "a comment has a character that ISO-8859-1 has not");
    r = check_text(c, node, "the comment", ref.text.s, ref.text.len, err);
    if (r < 0)
        return r;
    *piece = (struct pfs_piece){.ref = ref};
    *e = (struct pfs_expr){.n_pieces = 1, .pieces = piece};
    op.value = e;
    return PFS_MIN(add_op(c, &op, err), 0);
}

static int compile_attribute(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "value", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_ATTRIBUTE, &op, err)) < 0 ||
        (r = needed_expr(c, node, "name", &op.key, err)) < 0 ||
        (r = needed_expr(c, node, "value", &op.value, err)) < 0 || (r = pfs_xml_no_content(node, err)) < 0)
        return r;
    for (const xmlNode *before = node->prev; before; before = before->prev)
        if (!pfs_xml_is_layout(before) && !pfs_xml_is(before, "attribute"))
            return fail(node, err, "an attribute comes first in its element");
    if (!pfs_xml_is(node->parent, "element"))
        return fail(node, err, "an attribute stands in an element");
    if ((r = check_name(c, node, &op, err)) < 0 || (r = check_value(c, node, op.value, err)) < 0)
        return r;
    return PFS_MIN(add_op(c, &op, err), 0);
}

static int compile_named(struct compiler *c, xmlNode *node, enum pfs_op_code code, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, code, &op, err)) < 0 ||
        (r = needed_expr(c, node, "name", &op.key, err)) < 0)
        return r;
    if (code == PFS_OP_SECTION ? !c->spec->syntax->has_sections : !c->spec->syntax->is_xml)
        return fail_about(node, err, "this file's syntax has no such thing", (const char *)node->name);
    if ((r = check_name(c, node, &op, err)) < 0)
        return r;
    return add_with_body(c, node, &op, err);
}

static int compile_element(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    return compile_named(c, node, PFS_OP_ELEMENT, err);
}

static int compile_section(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    return compile_named(c, node, PFS_OP_SECTION, err);
}

static int compile_if(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_IF, &op, err)) < 0)
        return r;
    if (!op.when && !op.unless)
        return fail(node, err, "if needs when or unless");
    return add_with_body(c, node, &op, err);
}

static int compile_lines(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"which", "max", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_LINES, &op, err)) < 0 ||
        (r = attr_number(node, "max", &op.max, err)) < 0)
        return r;
    const char *which = pfs_xml_attr(node, "which");
    if (!which)
        op.which = PFS_LINES_ALL;
    else if (strcmp(which, "assigned") == 0)
        op.which = PFS_LINES_ASSIGNED;
    else if (strcmp(which, "unused") == 0)
        op.which = PFS_LINES_UNUSED;
    else
        return fail_about(node, err, "which is assigned or unused, not", which);
    return add_with_body(c, node, &op, err);
}

static int compile_contacts(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"max", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_CONTACTS, &op, err)) < 0 ||
        (r = attr_number(node, "max", &op.max, err)) < 0)
        return r;
    if (c->spec->per != PFS_PER_DEVICE)
        return fail(node, err, "contacts are those of a device's customer: this file is common to many");
    if (c->names->in_contacts)
        return fail(node, err, "contacts stand in contacts");
    c->program->has_contacts = c->names->in_contacts = true;
    r = add_with_body(c, node, &op, err);
    c->names->in_contacts = false;
    return r;
}

/* Blank-separated words, copied. */
static int split(struct compiler *c, const char *text, const struct pfs_str **ret, size_t *ret_n,
                 struct pfs_err *err)
{
    struct pfs_str words[PFS_TURNS_MAX];
    size_t n = 0;
    const char *copy = pfs_arena_strdup(&c->names->tmpl->arena, text);
    if (!copy)
        return pfs_err_nomem(err);
    for (;;) {
        copy += strspn(copy, " \t\r\n");
        size_t len = strcspn(copy, " \t\r\n");
        if (len == 0)
            break;
        if (n == PFS_TURNS_MAX)
            return pfs_err_set(err, EINVAL, "more than %d words", PFS_TURNS_MAX);
        words[n++] = (struct pfs_str){copy, len};
        copy += len;
    }
    struct pfs_str *all = pfs_arena_alloc(&c->names->tmpl->arena, n * sizeof *all);
    if (!all)
        return pfs_err_nomem(err);
    if (n)
        memcpy(all, words, n * sizeof *all);
    *ret = all;
    *ret_n = n;
    return 0;
}

static int compile_each(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "in", "of", NULL};
    const char *in = pfs_xml_attr(node, "in"), *of = pfs_xml_attr(node, "of");
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, in ? PFS_OP_WORDS : PFS_OP_ITEMS, &op, err)) < 0)
        return r;
    if (!in == !of)
        return fail(node, err, "each needs either in or of");
    if (in)
        r = at_line(node, split(c, in, &op.words, &op.n_words, err), err);
    else {
        struct pfs_ref *ref = pfs_arena_alloc(&c->names->tmpl->arena, sizeof *ref);
        if (!ref)
            return pfs_err_nomem(err);
        r = at_line(node, pfs_ref_compile(c->names, of, strlen(of), ref, err), err);
        op.refs = ref;
        op.n_refs = 1;
    }
    return r < 0 ? r : add_loop(c, node, &op, err);
}

static int compile_count(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "from", "to", NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_COUNT, &op, err)) < 0 ||
        (r = needed_expr(c, node, "from", &op.key, err)) < 0 ||
        (r = needed_expr(c, node, "to", &op.value, err)) < 0)
        return r;
    return add_loop(c, node, &op, err);
}

static int compile_refs(struct compiler *c, const char *text, struct pfs_op *op, struct pfs_err *err)
{
    const struct pfs_str *words;
    size_t n;
    int r = split(c, text, &words, &n, err);
    if (r < 0)
        return r;
    struct pfs_ref *refs = pfs_arena_alloc(&c->names->tmpl->arena, n * sizeof *refs);
    if (!refs)
        return pfs_err_nomem(err);
    for (size_t i = 0; i < n && r == 0; i++)
        r = pfs_ref_compile(c->names, words[i].s, words[i].len, &refs[i], err);
    op->refs = refs;
    op->n_refs = n;
    return r;
}

static int compile_table(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "by", "max", NULL};
    struct pfs_names *names = c->names;
    const char *name, *by = pfs_xml_attr(node, "by");
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_TABLE, &op, err)) < 0 ||
        (r = attr_copy(c, node, "name", &name, err)) < 0 ||
        (r = attr_number(node, "max", &op.max, err)) < 0 || (r = pfs_xml_no_content(node, err)) < 0)
        return r;
    if (!name || !is_variable(name) || !by)
        return fail(node, err, "a table needs a name (a letter, then letters, digits, '_' and '-') and by");
    for (size_t i = 0; i < names->n_tables; i++)
        if (strcmp(names->tables[i], name) == 0)
            return fail_about(node, err, "this table is there twice", name);
    op.max = op.max ? op.max : PFS_MODEL_LINES_MAX;
    if (names->n_tables == PFS_TABLES_MAX)
        return fail(node, err, "too many tables");
    r = at_line(node, compile_refs(c, by, &op, err), err);
    op.number = (int)names->n_tables;
    names->tables[names->n_tables++] = name;
    c->program->n_tables = names->n_tables;
    return r < 0 ? r : PFS_MIN(add_op(c, &op, err), 0);
}

static int compile_rows(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"of", NULL};
    const char *of = pfs_xml_attr(node, "of");
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_ROWS, &op, err)) < 0)
        return r;
    for (size_t i = 0; of && i < c->names->n_tables; i++)
        if (strcmp(c->names->tables[i], of) == 0) {
            op.number = (int)i;
            return add_with_body(c, node, &op, err);
        }
    return fail_about(node, err, "there is no table of that name before this", of ? of : "");
}

static int compile_use(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {"block", NULL};
    const char *name = pfs_xml_attr(node, "block");
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_IF, &op, err)) < 0 || (r = pfs_xml_no_content(node, err)) < 0)
        return r;
    for (size_t i = 0; name && i < c->blocks->n; i++) {
        const char *block = pfs_xml_attr(c->blocks->nodes[i], "name");
        if (block && strcmp(block, name) == 0)
            return add_with_body(c, c->blocks->nodes[i], &op, err);
    }
    return fail_about(node, err, "there is no block of that name", name ? name : "");
}

static int compile_overrides(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const char *const attrs[] = {NULL};
    struct pfs_op op;
    int r = check_attrs(node, attrs, err);
    if (r < 0 || (r = begin_op(c, node, PFS_OP_OVERRIDES, &op, err)) < 0 ||
        (r = pfs_xml_no_content(node, err)) < 0)
        return r;
    if (c->spec->syntax->is_tree)
        return fail(node, err, "in xml-tree a key is added to the element that it names: no place is needed");
    c->program->places_overrides = true;
    return PFS_MIN(add_op(c, &op, err), 0);
}

static int compile_node(struct compiler *c, xmlNode *node, struct pfs_err *err)
{
    static const struct {
        const char *name;
        int (*compile)(struct compiler *c, xmlNode *node, struct pfs_err *err);
    } elements[] = {
        {"set", compile_set},         {"text", compile_text},           {"comment", compile_comment},
        {"element", compile_element}, {"section", compile_section},     {"attribute", compile_attribute},
        {"lines", compile_lines},     {"each", compile_each},           {"count", compile_count},
        {"table", compile_table},     {"rows", compile_rows},           {"if", compile_if},
        {"use", compile_use},         {"overrides", compile_overrides}, {"contacts", compile_contacts},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(elements); i++)
        if (pfs_xml_is(node, elements[i].name))
            return elements[i].compile(c, node, err);
    return fail_about(node, err, "unknown element", (const char *)node->name);
}

/* What a <file> says of itself. */
static bool is_about_file(const xmlNode *node)
{
    static const char *const names[] = {"alias", "drop", "pair", "group"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        if (pfs_xml_is(node, names[i]))
            return true;
    return false;
}

static int compile_children(struct compiler *c, xmlNode *parent, struct pfs_err *err)
{
    int r = 0;
    for (xmlNode *node = parent->children; node && r == 0; node = node->next) {
        if (pfs_xml_is_layout(node) || (pfs_xml_is(parent, "file") && is_about_file(node)))
            continue;
        if (node->type != XML_ELEMENT_NODE)
            return fail(node, err, "text stands outside a text element");
        r = compile_node(c, node, err);
    }
    return r;
}

int pfs_program_compile(struct pfs_names *names, const struct pfs_blocks *blocks, xmlNode *file,
                        struct pfs_file_spec *spec, struct pfs_err *err)
{
    struct pfs_program *p = calloc(1, sizeof *p);
    if (!p)
        return pfs_err_nomem(err);
    p->next = names->tmpl->programs;
    names->tmpl->programs = p;
    names->n_variables = names->n_tables = 0;
    names->in_contacts = false;
    names->reads = &p->reads;
    struct compiler c = {.names = names, .blocks = blocks, .spec = spec, .program = p};
    int r = compile_children(&c, file, err);
    if (r == 0)
        spec->program = p;
    spec->has_contacts = p->has_contacts;
    return r;
}

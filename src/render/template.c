#include "render/template.h"
#include "render/attr.h"
#include "render/compile.h"
#include "render/digest.h"
#include "render/drop.h"
#include "render/extend.h"
#include "render/file_spec.h"
#include "render/xml.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <strings.h>

enum { MAPS_MAX = 256, BLOCKS_MAX = 256 };

/* One template being read. */
struct reader {
    struct pfs_template *tmpl;
    struct pfs_names names;
    struct pfs_blocks blocks;
    xmlNode *root;
};

static int fail(const xmlNode *node, struct pfs_err *err, const char *what, const char *about)
{
    return pfs_attr_fail(node, err, what, about);
}

static char *copy(struct reader *r, const char *text)
{
    return pfs_arena_strdup(&r->tmpl->arena, text);
}

static int needed(struct reader *r, const xmlNode *node, const char *name, const char **ret,
                  struct pfs_err *err)
{
    return pfs_attr_needed(&r->tmpl->arena, node, name, ret, err);
}

static bool is_word(const char *text)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return *text && text[strspn(text, chars)] == '\0';
}

/* ---- maps and blocks ---- */

static int read_map_entry(struct reader *r, xmlNode *node, struct pfs_map_rule *rule, struct pfs_err *err)
{
    static const char *const attrs[] = {"from", "to", NULL};
    const char *from = NULL, *to = NULL;
    if (!pfs_xml_is(node, "entry"))
        return fail(node, err, "unknown element in a map", (const char *)node->name);
    int ok = pfs_xml_known_attrs(node, attrs, err);
    if (ok < 0 || (ok = pfs_xml_no_content(node, err)) < 0 ||
        (ok = needed(r, node, "from", &from, err)) < 0 || (ok = needed(r, node, "to", &to, err)) < 0)
        return ok;
    *rule = (struct pfs_map_rule){{from, strlen(from)}, {to, strlen(to)}};
    return 0;
}

static int read_map(struct reader *r, xmlNode *node, const struct pfs_value_map **ret, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "default", NULL};
    struct pfs_value_map *map = pfs_arena_alloc(&r->tmpl->arena, sizeof *map);
    struct pfs_map_rule *rules =
        pfs_arena_alloc(&r->tmpl->arena, (xmlChildElementCount(node) + 1) * sizeof *rules);
    if (!map || !rules)
        return pfs_err_nomem(err);
    int ok = pfs_xml_known_attrs(node, attrs, err);
    if (ok < 0 || (ok = pfs_xml_no_text(node, err)) < 0 ||
        (ok = needed(r, node, "name", &map->name, err)) < 0)
        return ok;
    if (!is_word(map->name))
        return fail(node, err, "a map's name is a word of A-Z, a-z, 0-9, '.', '_' and '-', not", map->name);
    map->rules = rules;
    for (xmlNode *e = pfs_xml_element(node->children); e && ok == 0; e = pfs_xml_element(e->next))
        ok = read_map_entry(r, e, &rules[map->n++], err);
    const char *other = pfs_xml_attr(node, "default");
    if (ok == 0 && other) {
        map->has_default = true;
        map->default_to = (struct pfs_str){copy(r, other), strlen(other)};
        ok = map->default_to.s ? 0 : pfs_err_nomem(err);
    }
    *ret = map;
    return ok;
}

static int add_map(struct reader *r, xmlNode *node, const struct pfs_value_map **maps, struct pfs_err *err)
{
    size_t n = r->names.n_maps;
    if (n == MAPS_MAX)
        return fail(node, err, "too many", "map");
    int ok = read_map(r, node, &maps[n], err);
    for (size_t i = 0; i < n && ok == 0; i++)
        if (strcmp(maps[i]->name, maps[n]->name) == 0)
            ok = fail(node, err, "this map is there twice", maps[n]->name);
    r->names.n_maps += ok == 0;
    return ok;
}

static int add_block(struct reader *r, xmlNode *node, xmlNode **blocks, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", NULL};
    const char *name = pfs_xml_attr(node, "name");
    if (r->blocks.n == BLOCKS_MAX)
        return fail(node, err, "too many", "block");
    int ok = pfs_xml_known_attrs(node, attrs, err);
    if (ok < 0)
        return ok;
    if (!name || !is_word(name))
        return fail(node, err, "a block's name is a word of A-Z, a-z, 0-9, '.', '_' and '-', not",
                    name ? name : "");
    for (size_t i = 0; i < r->blocks.n; i++)
        if (strcmp(pfs_xml_attr(blocks[i], "name"), name) == 0)
            return fail(node, err, "this block is there twice", name);
    blocks[r->blocks.n++] = node;
    return 0;
}

static int read_maps_and_blocks(struct reader *r, const struct pfs_value_map **maps, xmlNode **blocks,
                                struct pfs_err *err)
{
    int ok = 0;
    r->names.maps = maps;
    r->blocks.nodes = blocks;
    for (xmlNode *node = pfs_xml_element(r->root->children); node && ok == 0;
         node = pfs_xml_element(node->next)) {
        if (pfs_xml_is(node, "block"))
            ok = add_block(r, node, blocks, err);
        else if (pfs_xml_is(node, "map"))
            ok = add_map(r, node, maps, err);
    }
    return ok;
}

/* ---- models ---- */

static const char *const model_attrs[] = {"name", "title", "lines", "keys", "modules", "like", NULL};

static bool is_own_attr(const char *name)
{
    for (size_t i = 0; model_attrs[i]; i++)
        if (strcmp(model_attrs[i], name) == 0)
            return true;
    return false;
}

/* The attributes that the language does not know are the model's own. */
static int read_model_attrs(struct reader *r, const xmlNode *node, struct pfs_model *m, struct pfs_err *err)
{
    size_t n = 0;
    for (const xmlAttr *a = node->properties; a; a = a->next)
        n++;
    struct pfs_model_attr *attrs = pfs_arena_alloc(&r->tmpl->arena, n * sizeof *attrs);
    if (!attrs)
        return pfs_err_nomem(err);
    for (const xmlAttr *a = node->properties; a; a = a->next) {
        if (a->ns)
            return fail(node, err, "an attribute has a prefix", (const char *)a->name);
        if (is_own_attr((const char *)a->name))
            continue;
        struct pfs_model_attr *to = &attrs[m->n_attrs++];
        to->name = copy(r, (const char *)a->name);
        to->value = copy(r, a->children ? (const char *)a->children->content : "");
        if (!to->name || !to->value)
            return pfs_err_nomem(err);
    }
    m->attrs = attrs;
    return 0;
}

static int read_model(struct reader *r, xmlNode *node, struct pfs_model *m, struct pfs_err *err)
{
    size_t lines = 0, keys = 0, modules = 0;
    m->tmpl = r->tmpl;
    m->line = pfs_xml_line(node);
    int ok = pfs_xml_no_content(node, err);
    if (ok < 0 || (ok = needed(r, node, "name", &m->name, err)) < 0 ||
        (ok = pfs_attr_number(node, "lines", 0, PFS_MODEL_LINES_MAX, &lines, err)) < 0 ||
        (ok = pfs_attr_number(node, "keys", 0, PFS_MODEL_LINES_MAX, &keys, err)) < 0 ||
        (ok = pfs_attr_number(node, "modules", 0, 16, &modules, err)) < 0)
        return ok;
    if (pfs_xml_attr(node, "like") && pfs_line_source(m->line) == 0)
        return fail(node, err, "like is for a template that extends another", m->name);
    if (!pfs_xml_attr(node, "lines"))
        return fail(node, err, "an attribute is missing", "lines");
    struct pfs_err why;
    if (pfs_name_check("model name", m->name, &why) < 0)
        return fail(node, err, why.msg, m->name);
    const char *title = pfs_xml_attr(node, "title");
    m->title = title ? copy(r, title) : m->name;
    m->lines = (unsigned)lines;
    m->keys = (unsigned)keys;
    m->modules = (unsigned)modules;
    return m->title ? read_model_attrs(r, node, m, err) : pfs_err_nomem(err);
}

const char *pfs_model_native_key(const struct pfs_model *m, const char *key)
{
    size_t n = strlen(m->tmpl->vendor);
    return strncmp(key, m->tmpl->vendor, n) == 0 && key[n] == ':' ? key + n + 1 : NULL;
}

const char *pfs_model_attr(const struct pfs_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_attrs; i++)
        if (strcmp(m->attrs[i].name, name) == 0)
            return m->attrs[i].value;
    return NULL;
}

static int read_models(struct reader *r, struct pfs_err *err)
{
    struct pfs_template *t = r->tmpl;
    t->models = pfs_arena_alloc(&t->arena, (xmlChildElementCount(r->root) + 1) * sizeof *t->models);
    if (!t->models)
        return pfs_err_nomem(err);
    for (xmlNode *node = pfs_xml_element(r->root->children); node; node = pfs_xml_element(node->next)) {
        if (!pfs_xml_is(node, "model"))
            continue;
        struct pfs_model *m = &t->models[t->n_models];
        int ok = read_model(r, node, m, err);
        if (ok < 0)
            return ok;
        if (pfs_template_model(t, m->name))
            return fail(node, err, "this model is there twice", m->name);
        t->n_models++;
    }
    return 0;
}

/* ---- files ---- */

/* Puts {model.ATTRIBUTE} into a name. */
static int expand_name(const struct pfs_model *m, const char *text, struct pfs_buf *out, struct pfs_err *err)
{
    for (const char *open; (open = strstr(text, "{model.")); text = strchr(open, '}') + 1) {
        const char *close = strchr(open, '}');
        autofree char *attr = close ? strndup(open + 7, (size_t)(close - open - 7)) : NULL;
        if (!attr)
            return pfs_err_set(err, EINVAL, "a \"{\" is not closed in \"%s\"", text);
        const char *value = strcmp(attr, "name") == 0 ? m->name : pfs_model_attr(m, attr);
        if (!value)
            return pfs_err_set(err, EINVAL, "the model %s has no attribute \"%s\"", m->name, attr);
        pfs_buf_add(out, text, (size_t)(open - text));
        pfs_buf_str_add(out, value);
    }
    pfs_buf_str_add(out, text);
    return pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

static int make_pattern(const struct pfs_model *m, const xmlNode *node, const char *text, bool needs_mac,
                        struct pfs_pattern *ret, struct pfs_err *err)
{
    struct pfs_buf name autobuf = PFS_BUF_INIT(0);
    int ok = expand_name(m, text, &name, err);
    if (ok == 0)
        ok = pfs_pattern_parse(pfs_buf_str(&name), ret, err);
    if (ok < 0) {
        pfs_err_prefix(err, "%u", pfs_xml_line(node));
        return ok;
    }
    if (strpbrk(ret->text, " \t"))
        ok = fail(node, err, "a file's name has a blank", text);
    else if (ret->has_mac != needs_mac)
        ok = fail(node, err,
                  needs_mac ? "a file per device needs {mac} in its name"
                            : "a file that is common to devices has no {mac}",
                  text);
    if (ok < 0)
        pfs_pattern_done(ret);
    return ok;
}

static bool glob_matches(const char *glob, size_t len, const struct pfs_model *m)
{
    autofree char *copy = strndup(glob, len);
    return copy && fnmatch(copy, m->name, 0) == 0;
}

static bool serves(const xmlNode *node, const struct pfs_model *m)
{
    const char *globs = pfs_xml_attr(node, "models");
    if (!globs)
        return true;
    while (*(globs += strspn(globs, " \t\r\n"))) {
        size_t len = strcspn(globs, " \t\r\n");
        if (glob_matches(globs, len, m))
            return true;
        globs += len;
    }
    return false;
}

/* Each glob means some model: else it is a typing error, by which phones would miss a file. */
static int check_globs(const struct reader *r, const xmlNode *node, struct pfs_err *err)
{
    const char *globs = pfs_xml_attr(node, "models");
    while (globs && *(globs += strspn(globs, " \t\r\n"))) {
        size_t len = strcspn(globs, " \t\r\n"), i = 0;
        while (i < r->tmpl->n_models && !glob_matches(globs, len, &r->tmpl->models[i]))
            i++;
        if (i == r->tmpl->n_models)
            return pfs_err_set(err, EINVAL, "%u: models: no model is \"%.*s\"", pfs_xml_line(node),
                               (int)PFS_MIN(len, 80u), globs);
        globs += len;
    }
    return 0;
}

static int make_aliases(struct reader *r, xmlNode *node, struct pfs_file *f, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", NULL};
    f->aliases = pfs_arena_alloc(&r->tmpl->arena, (xmlChildElementCount(node) + 1) * sizeof *f->aliases);
    if (!f->aliases)
        return pfs_err_nomem(err);
    for (xmlNode *e = pfs_xml_element(node->children); e; e = pfs_xml_element(e->next)) {
        if (!pfs_xml_is(e, "alias"))
            continue;
        const char *name = NULL;
        int ok = pfs_xml_known_attrs(e, attrs, err);
        if (ok < 0 || (ok = pfs_xml_no_content(e, err)) < 0 || (ok = needed(r, e, "name", &name, err)) < 0 ||
            (ok = make_pattern(f->model, e, name, f->spec->per == PFS_PER_DEVICE, &f->aliases[f->n_aliases],
                               err)) < 0)
            return ok;
        f->n_aliases++;
    }
    return 0;
}

/* Two names that the same thing may be asked by, or one that is a folder of the other: one of the two would
 * never be found. */
static bool collide(const struct pfs_pattern *a, const struct pfs_pattern *b)
{
    size_t len = strlen(a->shape), other = strlen(b->shape), n = PFS_MIN(len, other);
    char end = len < other ? b->shape[n] : a->shape[n];
    return strncmp(a->shape, b->shape, n) == 0 && (end == '\0' || end == '/');
}

static bool claims(const struct pfs_file *f, const struct pfs_pattern *p)
{
    bool has = collide(&f->name, p);
    for (size_t i = 0; i < f->n_aliases && !has; i++)
        has = collide(&f->aliases[i], p);
    return has;
}

static int check_names(const struct pfs_model *m, const struct pfs_file *f, const xmlNode *node,
                       struct pfs_err *err)
{
    static const char what[] = "another file of this model has that name, or a folder of it";
    for (size_t i = 0; i < m->n_files; i++) {
        if (claims(&m->files[i], &f->name))
            return fail(node, err, what, f->name.text);
        for (size_t j = 0; j < f->n_aliases; j++)
            if (claims(&m->files[i], &f->aliases[j]))
                return fail(node, err, what, f->aliases[j].text);
    }
    return 0;
}

/* Puts a file of a model behind the others; the main one to the front. */
static int add_file(struct pfs_model *m, const struct pfs_file *f, const xmlNode *node, struct pfs_err *err)
{
    size_t at = m->n_files++;
    m->files[at] = *f;
    if (!f->spec->main)
        return 0;
    if (at > 0 && m->files[0].spec->main)
        return fail(node, err, "a second main file of one model", m->name);
    m->files[at] = m->files[0];
    m->files[0] = *f;
    return 0;
}

static void free_file(struct pfs_file *f)
{
    pfs_pattern_done(&f->name);
    for (size_t i = 0; i < f->n_aliases; i++)
        pfs_pattern_done(&f->aliases[i]);
}

/* Gives the file to each model that it serves. */
static int give_file(struct reader *r, xmlNode *node, const struct pfs_file_spec *spec, struct pfs_err *err)
{
    int ok = check_globs(r, node, err);
    for (size_t i = 0; i < r->tmpl->n_models && ok == 0; i++) {
        struct pfs_model *m = &r->tmpl->models[i];
        if (!serves(node, m))
            continue;
        struct pfs_file f = {.model = m, .spec = spec};
        ok = make_pattern(m, node, spec->name, spec->per == PFS_PER_DEVICE, &f.name, err);
        if (ok == 0)
            ok = make_aliases(r, node, &f, err);
        if (ok == 0)
            ok = check_names(m, &f, node, err);
        if (ok == 0 && spec->digest_of && !pfs_digest_target(&f))
            ok = fail(node, err, "this model has not the file that it is the checksum of", m->name);
        if (ok < 0)
            free_file(&f);
        else
            ok = add_file(m, &f, node, err);
    }
    return ok;
}

static int give_absent(xmlNode *node, struct reader *r, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "models", NULL};
    const char *name = NULL;
    int ok = pfs_xml_known_attrs(node, attrs, err);
    if (ok < 0 || (ok = pfs_xml_no_content(node, err)) < 0 || (ok = check_globs(r, node, err)) < 0 ||
        (ok = needed(r, node, "name", &name, err)) < 0)
        return ok;
    bool has_mac = strcasestr(name, "{mac") != NULL;
    for (size_t i = 0; i < r->tmpl->n_models && ok == 0; i++) {
        struct pfs_model *m = &r->tmpl->models[i];
        if (!serves(node, m))
            continue;
        ok = make_pattern(m, node, name, has_mac, &m->absent[m->n_absent], err);
        m->n_absent += ok == 0;
    }
    return ok;
}

static int allocate_files(struct reader *r, struct pfs_err *err)
{
    struct pfs_template *t = r->tmpl;
    size_t n = xmlChildElementCount(r->root) + 1;
    t->specs = pfs_arena_alloc(&t->arena, n * sizeof *t->specs);
    for (size_t i = 0; i < t->n_models; i++) {
        struct pfs_model *m = &t->models[i];
        m->files = pfs_arena_alloc(&t->arena, n * sizeof *m->files);
        m->absent = pfs_arena_alloc(&t->arena, n * sizeof *m->absent);
        if (!m->files || !m->absent)
            return pfs_err_nomem(err);
    }
    return t->specs ? 0 : pfs_err_nomem(err);
}

static int read_spec(struct reader *r, xmlNode *node, struct pfs_file_spec *s, struct pfs_err *err)
{
    struct pfs_template *t = r->tmpl;
    if (pfs_xml_attr(node, "digest-of"))
        return pfs_digest_read(&t->arena, node, t->specs, (size_t)(s - t->specs), s, err);
    int ok = pfs_file_spec_read(&t->arena, node, s, err);
    if (ok == 0)
        ok = pfs_program_compile(&r->names, &r->blocks, node, s, err);
    return ok < 0 ? ok : pfs_drops_read(&t->arena, node, s, err);
}

static int read_files(struct reader *r, struct pfs_err *err)
{
    int ok = allocate_files(r, err);
    for (xmlNode *node = pfs_xml_element(r->root->children); node && ok == 0;
         node = pfs_xml_element(node->next)) {
        if (pfs_xml_is(node, "file")) {
            struct pfs_file_spec *s = &r->tmpl->specs[r->tmpl->n_specs++];
            ok = read_spec(r, node, s, err);
            if (ok == 0)
                ok = give_file(r, node, s, err);
        } else if (pfs_xml_is(node, "absent")) {
            ok = give_absent(node, r, err);
        } else if (!pfs_xml_is(node, "model") && !pfs_xml_is(node, "map") && !pfs_xml_is(node, "block")) {
            ok = fail(node, err, "unknown element", (const char *)node->name);
        }
    }
    return ok;
}

/* ---- the whole ---- */

/* 00:0b:82 */
static int read_oui(const xmlNode *node, const char *text, uint32_t *ret, struct pfs_err *err)
{
    unsigned a, b, c;
    char again[9] = "";
    if (strlen(text) == 8 && sscanf(text, "%2x:%2x:%2x", &a, &b, &c) == 3)
        snprintf(again, sizeof again, "%02x:%02x:%02x", a, b, c);
    if (strcmp(again, text) != 0)
        return fail(node, err, "mac takes the first three octets of MACs, as 00:0b:82, not", text);
    *ret = a << 16 | b << 8 | c;
    return 0;
}

static int read_ouis(struct reader *r, struct pfs_err *err)
{
    const char *const *words = NULL;
    struct pfs_template *t = r->tmpl;
    int ok = pfs_attr_words(&t->arena, r->root, "mac", &words, err);
    if (ok < 0)
        return ok;
    while (words[t->n_ouis])
        t->n_ouis++;
    t->ouis = pfs_arena_alloc(&t->arena, (t->n_ouis + 1) * sizeof *t->ouis);
    if (!t->ouis)
        return pfs_err_nomem(err);
    for (size_t i = 0; i < t->n_ouis && ok == 0; i++)
        ok = read_oui(r->root, words[i], &t->ouis[i], err);
    return ok;
}

bool pfs_template_has_mac(const struct pfs_template *t, uint64_t mac)
{
    for (size_t i = 0; i < t->n_ouis; i++)
        if (t->ouis[i] == mac >> 24)
            return true;
    return false;
}

static int read_root(struct reader *r, struct pfs_err *err)
{
    static const char *const attrs[] = {"vendor", "title", "mac", "absent-key", NULL};
    static const char *const absents[] = {"kept", "default", NULL};
    struct pfs_template *t = r->tmpl;
    int absent;
    if (r->root->ns)
        return fail(r->root, err, "a template is in no namespace, not in", (const char *)r->root->ns->href);
    if (!pfs_xml_is(r->root, "template"))
        return fail(r->root, err, "the outermost element is not template but", (const char *)r->root->name);
    if (pfs_xml_attr(r->root, "extends"))
        return fail(r->root, err, "only a file among the site's templates can extend a shipped one",
                    pfs_xml_attr(r->root, "extends"));
    int ok = pfs_xml_known_attrs(r->root, attrs, err);
    if (ok < 0 || (ok = pfs_xml_no_text(r->root, err)) < 0 ||
        (ok = needed(r, r->root, "vendor", &t->vendor, err)) < 0 || (ok = read_ouis(r, err)) < 0 ||
        (ok = pfs_attr_choice(r->root, "absent-key", absents, &absent, err)) < 0)
        return ok;
    t->absent_key_kept = absent == 0;
    if (!*t->vendor || t->vendor[strspn(t->vendor, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return fail(r->root, err, "a vendor is a word of a-z, 0-9 and -, not", t->vendor);
    const char *title = pfs_xml_attr(r->root, "title");
    t->title = copy(r, title ? title : t->vendor);
    return t->title ? 0 : pfs_err_nomem(err);
}

static int read_template(struct reader *r, struct pfs_err *err)
{
    autofree const struct pfs_value_map **maps = calloc(MAPS_MAX, sizeof *maps);
    autofree xmlNode **blocks = calloc(BLOCKS_MAX, sizeof *blocks);
    if (!maps || !blocks)
        return pfs_err_nomem(err);
    int ok = read_root(r, err);
    if (ok == 0)
        ok = read_maps_and_blocks(r, maps, blocks, err);
    if (ok == 0)
        ok = read_models(r, err);
    return ok < 0 ? ok : read_files(r, err);
}

static void free_model(struct pfs_model *m)
{
    for (size_t i = 0; i < m->n_files; i++)
        free_file(&m->files[i]);
    for (size_t i = 0; i < m->n_absent; i++)
        pfs_pattern_done(&m->absent[i]);
}

void pfs_template_unref(struct pfs_template *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < t->n_models; i++)
        free_model(&t->models[i]);
    for (struct pfs_program *p = t->programs, *next; p; p = next) {
        next = p->next;
        free(p->ops);
        free(p);
    }
    pfs_arena_done(&t->arena);
    free(t);
}

struct pfs_template *pfs_template_ref(struct pfs_template *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

/* ---- documents ---- */

size_t pfs_line_source(unsigned line)
{
    return line >> PFS_XML_LINE_BITS;
}

unsigned pfs_line_number(unsigned line)
{
    return line & ((1u << PFS_XML_LINE_BITS) - 1);
}

/* A sentence that begins with a line gets the file before it. */
static int say_where(const char *const *sources, size_t n, const struct pfs_err *why, struct pfs_err *err)
{
    char *rest;
    unsigned line = (unsigned)strtoul(why->msg, &rest, 10);
    size_t source = pfs_line_source(line);
    if (rest == why->msg || source >= n)
        return pfs_err_set(err, EINVAL, "%s:%s", sources[0], why->msg);
    return pfs_err_set(err, EINVAL, "%s:%u%s", sources[source], pfs_line_number(line), rest);
}

static int copy_sources(struct reader *r, const char *const *sources, size_t n)
{
    const char **all = pfs_arena_alloc(&r->tmpl->arena, n * sizeof *all);
    for (size_t i = 0; i < n && all; i++)
        if (!(all[i] = copy(r, sources[i])))
            return -ENOMEM;
    if (!all)
        return -ENOMEM;
    r->tmpl->sources = all;
    r->tmpl->n_sources = n;
    r->tmpl->path = all[0];
    return 0;
}

/* A template of a document that was made of n sources. */
static int compile(xmlDoc *doc, const char *const *sources, size_t n, const struct pfs_catalogue *c,
                   struct pfs_template **ret, struct pfs_err *err)
{
    struct pfs_template *t = calloc(1, sizeof *t);
    if (!t)
        return pfs_err_nomem(err);
    t->refs = 1;
    struct reader r = {.tmpl = t, .names = {.catalogue = c, .tmpl = t}, .root = xmlDocGetRootElement(doc)};
    struct pfs_err why = {""};
    int ok = copy_sources(&r, sources, n);
    if (ok == 0)
        ok = read_template(&r, &why);
    if (ok == 0) {
        *ret = t;
        return 0;
    }
    pfs_template_unref(t);
    return ok == -ENOMEM ? pfs_err_nomem(err) : say_where(sources, n, &why, err);
}

static int validate(struct pfs_xml_schema *schema, xmlDoc *doc, const char *name, struct pfs_err *err)
{
    return schema ? pfs_xml_validate(schema, doc, name, err) : 0;
}

/* Compiles first, as its sentences are the better ones; the schema is the backstop. */
static int from_document(const char *name, xmlDoc *doc, const struct pfs_catalogue *c,
                         struct pfs_xml_schema *schema, struct pfs_template **ret, struct pfs_err *err)
{
    struct pfs_template *t;
    int r = compile(doc, &name, 1, c, &t, err);
    if (r < 0)
        return r;
    r = validate(schema, doc, name, err);
    if (r < 0)
        pfs_template_unref(t);
    else
        *ret = t;
    return r;
}

int pfs_template_load(const char *path, const struct pfs_catalogue *c, struct pfs_xml_schema *schema,
                      struct pfs_template **ret, struct pfs_err *err)
{
    autodoc xmlDoc *doc = NULL;
    int r = pfs_xml_read(path, &doc, err);
    return r < 0 ? r : from_document(path, doc, c, schema, ret, err);
}

int pfs_template_extends(const char *path, char **ret, struct pfs_err *err)
{
    autodoc xmlDoc *doc = NULL;
    int r = pfs_xml_read(path, &doc, err);
    if (r < 0)
        return r;
    const char *base = pfs_extend_base(doc);
    *ret = base ? strdup(base) : NULL;
    return base && !*ret ? pfs_err_nomem(err) : 0;
}

/* Puts the changes of sources[i] into the document of the base. */
static int put_changes(xmlDoc *doc, const char *const *sources, size_t i, struct pfs_xml_schema *schema,
                       struct pfs_err *schema_err, struct pfs_err *err)
{
    autodoc xmlDoc *change = NULL;
    struct pfs_err why = {""};
    int r = pfs_xml_read(sources[i], &change, err);
    if (r < 0)
        return r;
    if (!schema_err->msg[0])
        validate(schema, change, sources[i], schema_err);
    pfs_xml_mark(xmlDocGetRootElement(change), (unsigned)i);
    r = pfs_extend(doc, change, &why);
    return r == 0 || r == -ENOMEM ? r : say_where(sources, i + 1, &why, err);
}

static int load_extended(const char *const *sources, size_t n, const struct pfs_catalogue *c,
                         struct pfs_xml_schema *schema, struct pfs_template **ret, struct pfs_err *err)
{
    autodoc xmlDoc *doc = NULL;
    struct pfs_err schema_err = {""};
    int r = pfs_xml_read(sources[0], &doc, err);
    if (r < 0)
        return r;
    validate(schema, doc, sources[0], &schema_err);
    for (size_t i = 1; i < n && r == 0; i++)
        r = put_changes(doc, sources, i, schema, &schema_err, err);
    if (r == 0)
        r = compile(doc, sources, n, c, ret, err);
    if (r < 0 || !schema_err.msg[0])
        return r;
    pfs_template_unref(*ret);
    return pfs_err_set(err, EINVAL, "%s", schema_err.msg);
}

int pfs_template_load_extended(const char *base, size_t n, const char *const *changes,
                               const struct pfs_catalogue *c, struct pfs_xml_schema *schema,
                               struct pfs_template **ret, struct pfs_err *err)
{
    if (n > PFS_XML_SOURCES_MAX)
        return pfs_err_set(err, EINVAL, "%s: more than %d files extend it", base, PFS_XML_SOURCES_MAX);
    autofree const char **sources = calloc(n + 1, sizeof *sources);
    if (!sources)
        return pfs_err_nomem(err);
    sources[0] = base;
    memcpy(sources + 1, changes, n * sizeof *sources);
    return load_extended(sources, n + 1, c, schema, ret, err);
}

int pfs_template_parse(const char *name, const char *text, size_t len, const struct pfs_catalogue *c,
                       struct pfs_xml_schema *schema, struct pfs_template **ret, struct pfs_err *err)
{
    autodoc xmlDoc *doc = NULL;
    int r = pfs_xml_read_memory(name, text, len, &doc, err);
    return r < 0 ? r : from_document(name, doc, c, schema, ret, err);
}

const struct pfs_model *pfs_template_model(const struct pfs_template *t, const char *name)
{
    for (size_t i = 0; i < t->n_models; i++)
        if (strcmp(t->models[i].name, name) == 0)
            return &t->models[i];
    return NULL;
}

/* ---- names ---- */

bool pfs_model_has_contacts(const struct pfs_model *m)
{
    for (size_t i = 0; i < m->n_files; i++)
        if (m->files[i].spec->has_contacts)
            return true;
    return false;
}

bool pfs_model_forbids(const struct pfs_model *m, const char *name)
{
    uint64_t mac;
    for (size_t i = 0; i < m->n_absent; i++)
        if (pfs_pattern_match(&m->absent[i], name, &mac))
            return true;
    return false;
}

/* MAC 0 is no device's: a name of zeros is a common file's, as Poly's 000000000000.cfg. */
static bool matches(const struct pfs_pattern *p, const char *name, uint64_t *ret_mac)
{
    return pfs_pattern_match(p, name, ret_mac) && (!p->has_mac || *ret_mac != 0);
}

static bool has_name(const struct pfs_file *f, const char *name, uint64_t *ret_mac)
{
    if (matches(&f->name, name, ret_mac))
        return true;
    for (size_t i = 0; i < f->n_aliases; i++)
        if (matches(&f->aliases[i], name, ret_mac))
            return true;
    return false;
}

bool pfs_model_has_folder(const struct pfs_model *m, const char *folder, uint64_t mac, char *ret_name)
{
    for (size_t i = 0; i < m->n_files; i++)
        for (size_t j = 0; j <= m->files[i].n_aliases; j++) {
            const struct pfs_pattern *p = j ? &m->files[i].aliases[j - 1] : &m->files[i].name;
            uint64_t found;
            bool has_mac;
            if (!pfs_pattern_is_below(p, folder, &found, &has_mac) || (has_mac && found != mac))
                continue;
            pfs_pattern_format(p, mac, ret_name);
            pfs_path_cut(ret_name, pfs_path_depth(folder));
            return true;
        }
    return false;
}

/* <mac>.cfg, in any spelling. */
static bool is_common_spelling(const char *name, uint64_t *ret_mac)
{
    size_t len = pfs_mac_scan(name, strlen(name), ret_mac);
    return len > 0 && *ret_mac != 0 && strcasecmp(name + len, ".cfg") == 0;
}

const struct pfs_file *pfs_model_file(const struct pfs_model *m, const char *name, uint64_t *ret_mac)
{
    *ret_mac = 0;
    if (pfs_model_forbids(m, name))
        return NULL;
    for (size_t i = 0; i < m->n_files; i++)
        if (has_name(&m->files[i], name, ret_mac))
            return &m->files[i];
    bool has_main = m->n_files > 0 && m->files[0].spec->main;
    return has_main && is_common_spelling(name, ret_mac) ? &m->files[0] : NULL;
}

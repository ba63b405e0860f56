#include "render/catalogue_xml.h"
#include "render/xml.h"

#include <errno.h>
#include <string.h>

enum { CHOICES_MAX = 64 };

static int bad(const xmlNode *node, struct pfs_err *err, const char *what, const char *value)
{
    return pfs_err_set(err, EINVAL, "%ld: %s \"%s\"", xmlGetLineNo(node), what, value);
}

/* Splits words at blanks into a NULL-terminated array in the arena. */
static const char **split_words(struct pfs_arena *a, const char *text)
{
    const char *words[CHOICES_MAX + 1];
    size_t n = 0;
    while (n < CHOICES_MAX) {
        text += strspn(text, " \t\n");
        size_t len = strcspn(text, " \t\n");
        if (len == 0)
            break;
        words[n] = pfs_arena_strndup(a, text, len);
        if (!words[n++])
            return NULL;
        text += len;
    }
    const char **copy = pfs_arena_alloc(a, (n + 1) * sizeof *copy);
    if (copy && n)
        memcpy(copy, words, n * sizeof *copy);
    return copy;
}

static int parse_scopes(const xmlNode *node, const char *text, unsigned *ret, struct pfs_err *err)
{
    static const unsigned shared = PFS_SCOPE_BIT(PFS_SCOPE_SITE) | PFS_SCOPE_BIT(PFS_SCOPE_MODEL) |
                                   PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) | PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER) |
                                   PFS_SCOPE_BIT(PFS_SCOPE_DEVICE);
    struct pfs_arena scratch PFS_CLEANUP(pfs_arena_done) = {0};
    const char **words = split_words(&scratch, text);
    if (!words)
        return pfs_err_nomem(err);
    *ret = 0;
    for (; *words; words++) {
        enum pfs_scope scope;
        if (strcmp(*words, "shared") == 0)
            *ret |= shared;
        else if (strcmp(*words, "all") == 0)
            *ret |= shared | PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT) | PFS_SCOPE_BIT(PFS_SCOPE_LINE);
        else if (pfs_scope_parse(*words, &scope) == 0 && scope != PFS_SCOPE_DEFAULT)
            *ret |= PFS_SCOPE_BIT(scope);
        else
            return bad(node, err, "unknown scope", *words);
    }
    return 0;
}

/* An absent attribute leaves *ret as it is. */
static int parse_number(const xmlNode *node, const char *name, int64_t *ret, struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || end == text)
        return bad(node, err, "not a number:", text);
    *ret = value;
    return 0;
}

static bool has_placeholder(const char *key)
{
    return strstr(key, ".N.") || strstr(key, ".M.");
}

static bool is_yes(const xmlNode *node, const char *name)
{
    const char *text = pfs_xml_attr(node, name);
    return text && strcmp(text, "yes") == 0;
}

static int parse_default(const xmlNode *node, struct pfs_catalogue *c, struct pfs_catalogue_entry *e,
                         struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, "default"), *key = pfs_xml_attr(node, "default-key");
    e->default_kind = is_yes(node, "default-account") ? PFS_DEFAULT_ACCOUNT
                      : key                           ? PFS_DEFAULT_KEY
                                                      : PFS_DEFAULT_TEXT;
    e->default_text = pfs_arena_strdup(&c->arena, key ? key : text ? text : "");
    e->default_id = -1;
    return e->default_text ? 0 : pfs_err_nomem(err);
}

static int parse_entry(xmlNode *node, struct pfs_catalogue *c, struct pfs_catalogue_entry *e,
                       struct pfs_err *err)
{
    static const char *const known[] = {
        "key",    "type", "choices", "min",  "max", "default", "default-key", "default-account",
        "scopes", "home", "secret",  "user", NULL};
    if (!pfs_xml_is(node, "setting"))
        return bad(node, err, "unknown element", (const char *)node->name);
    int r = pfs_xml_known_attrs(node, known, err);
    if (r < 0)
        return r;
    const char *key = pfs_xml_attr(node, "key"), *type = pfs_xml_attr(node, "type");
    const char *choices = pfs_xml_attr(node, "choices"), *scopes = pfs_xml_attr(node, "scopes");
    const char *home = pfs_xml_attr(node, "home");
    if (!key || !type || !scopes || strlen(key) >= PFS_KEY_MAX)
        return bad(node, err, "key, type and scopes are needed:", key ? key : "");
    if (pfs_type_parse(type, &e->type) < 0)
        return bad(node, err, "unknown type", type);
    if (home && pfs_scope_parse(home, &e->home) < 0)
        return bad(node, err, "unknown scope", home);
    e->key = pfs_arena_strdup(&c->arena, key);
    e->choices = split_words(&c->arena, choices ? choices : "");
    xmlChar *text = xmlNodeGetContent(node);
    e->text = pfs_arena_strdup(&c->arena, text ? (const char *)text : "");
    xmlFree(text);
    if (!e->key || !e->choices || !e->text)
        return pfs_err_nomem(err);
    e->min = INT64_MIN;
    e->max = INT64_MAX;
    e->secret = is_yes(node, "secret");
    e->user = is_yes(node, "user");
    e->id = has_placeholder(key) ? -1 : (int)c->n_plain++;
    if ((r = parse_number(node, "min", &e->min, err)) < 0 ||
        (r = parse_number(node, "max", &e->max, err)) < 0 ||
        (r = parse_scopes(node, scopes, &e->scopes, err)) < 0)
        return r;
    return parse_default(node, c, e, err);
}

static int index_entry(struct pfs_catalogue *c, struct pfs_catalogue_entry *e, struct pfs_err *err)
{
    void *old;
    if (pfs_map_put(&c->by_key, e->key, strlen(e->key), e, &old) < 0)
        return pfs_err_nomem(err);
    if (old)
        return pfs_err_set(err, EINVAL, "the key %s is there twice", e->key);
    if (e->id >= 0)
        c->plain[e->id] = e;
    return 0;
}

static int link_default(struct pfs_catalogue *c, struct pfs_catalogue_entry *e, struct pfs_err *err)
{
    if (e->default_kind != PFS_DEFAULT_KEY)
        return 0;
    const struct pfs_catalogue_entry *to = pfs_map_get(&c->by_key, e->default_text, strlen(e->default_text));
    if (!to || to->id < 0 || to == e)
        return pfs_err_set(err, EINVAL, "%s: default-key names no other plain key: %s", e->key,
                           e->default_text);
    e->default_id = to->id;
    return 0;
}

static int fill(xmlNode *root, struct pfs_catalogue *c, struct pfs_err *err)
{
    size_t n = xmlChildElementCount(root);
    c->entries = pfs_arena_alloc(&c->arena, n * sizeof *c->entries);
    c->plain = pfs_arena_alloc(&c->arena, n * sizeof(void *));
    if (!c->entries || !c->plain)
        return pfs_err_nomem(err);
    int r = 0;
    for (xmlNode *node = pfs_xml_element(root->children); node && r == 0;
         node = pfs_xml_element(node->next)) {
        struct pfs_catalogue_entry *e = &c->entries[c->n_entries++];
        r = parse_entry(node, c, e, err);
        if (r == 0)
            r = index_entry(c, e, err);
    }
    for (size_t i = 0; i < c->n_entries && r == 0; i++)
        r = link_default(c, &c->entries[i], err);
    return r;
}

int pfs_catalogue_load(const char *path, struct pfs_catalogue **ret, struct pfs_err *err)
{
    autodoc xmlDoc *doc = NULL;
    int r = pfs_xml_read(path, &doc, err);
    if (r < 0)
        return r;
    struct pfs_catalogue *c = calloc(1, sizeof *c);
    if (!c)
        return pfs_err_nomem(err);
    r = fill(xmlDocGetRootElement(doc), c, err);
    if (r < 0) {
        if (err)
            pfs_err_set(err, -r, "%s:%s", path, err->msg);
        pfs_catalogue_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

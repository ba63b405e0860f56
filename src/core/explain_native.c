/* explain, of native keys: which stand in the device's files, with which value, and what that was made of. */
#include "core/explain.h"

#include <string.h>

/* ---- the pairs of all files ---- */

struct rendering {
    struct pfs_command *cmd;
    const char *file;
    pfs_explain_fn fn;
    void *arg;
    struct pfs_err *err;
};

static void pass_on(void *arg, const struct pfs_pair *pair)
{
    struct rendering *g = arg;
    g->fn(g->arg, g->file, pair);
}

static int render_one(struct rendering *g, const struct pfs_file *f, const struct pfs_phone *phone,
                      uint64_t mac)
{
    char name[PFS_FILE_NAME_MAX + 1];
    autobuf struct pfs_buf out = PFS_BUF_INIT(0);
    pfs_pattern_format(&f->name, mac, name);
    g->file = pfs_arena_strdup(&g->cmd->arena, name);
    if (!g->file)
        return pfs_err_nomem(g->err);
    int r = pfs_render(f, phone, g->cmd->context->library->zones, &out, pass_on, g, g->err);
    if (r < 0)
        pfs_err_prefix(g->err, "%s", name);
    return r;
}

static int render_common(struct rendering *g, const struct pfs_file *f, uint64_t mac)
{
    struct pfs_context *c = g->cmd->context;
    struct pfs_inputs *inputs = NULL;
    struct pfs_phone phone;
    int r = pfs_resolve_common_now(c->resolver, c->store, f, g->cmd->now, &inputs, g->err);
    if (r < 0)
        return r;
    pfs_inputs_phone(inputs, &phone);
    r = render_one(g, f, &phone, mac);
    pfs_inputs_unref(inputs);
    return r;
}

int pfs_explain_pairs(struct pfs_command *cmd, const struct pfs_model *m, const struct pfs_phone *phone,
                      pfs_explain_fn fn, void *arg, struct pfs_err *err)
{
    struct rendering g = {.cmd = cmd, .fn = fn, .arg = arg, .err = err};
    uint64_t mac = phone->device->mac;
    int r = 0;
    for (size_t i = 0; m && r == 0 && i < m->n_files; i++) {
        const struct pfs_file *f = &m->files[i];
        r = f->spec->per == PFS_PER_DEVICE ? render_one(&g, f, phone, mac) : render_common(&g, f, mac);
    }
    return r;
}

/* ---- native keys ---- */

struct native {
    struct pfs_command *cmd;
    const struct pfs_inputs *inputs;
    struct pfs_phone phone;
    const struct pfs_model *model;
    const char *key;  /* the native key asked for; NULL: all */
    const char *file; /* whose name was printed last */
    size_t n;
    struct pfs_map *used;
    bool no_memory;
};

/* Where the value of a setting comes from, for a line (0: the device); NULL: the catalogue's default. */
static const struct pfs_layer *layer_of(struct native *x, const char *key, unsigned line)
{
    struct pfs_key k;
    struct pfs_value v = {0};
    char scratch[PFS_KEY_MAX];
    const struct pfs_line *at = line ? pfs_phone_line(&x->phone, line) : NULL;
    if (pfs_catalogue_find(x->cmd->context->catalogue, key, &k, NULL) == 0 && k.entry)
        pfs_phone_get(&x->phone, at, key, k.entry, scratch, &v);
    else
        pfs_phone_find(&x->phone, at, key, -1, &v);
    return v.layer;
}

static void print_layer(FILE *out, const struct pfs_layer *l)
{
    if (!l)
        fputs(" (default)", out);
    else
        fprintf(out, " (%s%s%s)", pfs_scope_name(l->scope), l->name ? " " : "", l->name ? l->name : "");
}

/* An override, which may be one line's. */
static void print_override(struct native *x, const char *native)
{
    char key[PFS_KEY_MAX + 64];
    const struct pfs_device *d = x->phone.device;
    snprintf(key, sizeof key, "%s:%s", x->model->tmpl->vendor, native);
    const struct pfs_layer *l = layer_of(x, key, 0);
    for (size_t i = 0; !l && i < d->n_lines; i++)
        l = layer_of(x, key, d->lines[i].number);
    fputs("override", x->cmd->io->out);
    print_layer(x->cmd->io->out, l);
}

static void print_used(struct native *x, const struct pfs_pair *pair)
{
    FILE *out = x->cmd->io->out;
    for (size_t i = 0; i < pair->n_used; i++) {
        const struct pfs_used *u = &pair->used[i];
        if (i > 0 && strcmp(u->key, u[-1].key) == 0 && u->line == u[-1].line)
            continue;
        fprintf(out, "%s%s", i > 0 ? ", " : "", u->key);
        print_layer(out, layer_of(x, u->key, u->line));
        if (x->key && pfs_map_put(x->used, u->key, strlen(u->key), x, NULL) < 0)
            x->no_memory = true;
    }
    if (pair->n_used == 0)
        fputs("template", out);
}

/* The value, or the mask where a secret went into it. */
static const char *shown(const struct native *x, const struct pfs_pair *pair)
{
    const char *value = pair->value;
    if (pair->overridden && strcmp(value, PFS_VALUE_CLEAR) == 0)
        return "(removed)";
    for (size_t i = 0; i < pair->n_used; i++)
        if (pfs_command_shown(x->cmd, pair->used[i].key, pair->value) != pair->value)
            value = pfs_command_shown(x->cmd, pair->used[i].key, pair->value);
    return *value ? value : "(empty)";
}

void pfs_explain_contacts(struct pfs_command *cmd, const struct pfs_phone *phone, size_t n)
{
    const struct pfs_device *d = phone->device;
    size_t all = phone->directory ? phone->directory->n : 0;
    FILE *out = cmd->io->out;
    if (!d->customer) {
        fputs("(nothing: the device has no customer)", out);
        return;
    }
    fprintf(out, "%s", pfs_command_number(cmd, (int64_t)n));
    if (n < all)
        fprintf(out, " of %s", pfs_command_number(cmd, (int64_t)all));
    fprintf(out, " contact%s of customer %s", PFS_MAX(n, all) == 1 ? "" : "s", d->customer_name);
    if (n < all)
        fputs(" (the file takes no more)", out);
}

static void begin_line(struct native *x, const char *file)
{
    FILE *out = x->cmd->io->out;
    if (x->file != file)
        fprintf(out, "%s\n", file);
    x->file = file;
    x->n++;
    fputs("  ", out);
}

/* Whether the pair, or the end of contacts, is to be printed: of all native keys a file's contacts are but
 * one line. */
static bool is_asked(const struct native *x, const struct pfs_pair *pair)
{
    if (!x->key)
        return !pair->contact;
    return pair->key && strcmp(x->key, pair->key) == 0;
}

static void on_pair(void *arg, const char *file, const struct pfs_pair *pair)
{
    struct native *x = arg;
    FILE *out = x->cmd->io->out;
    if (!is_asked(x, pair))
        return;
    begin_line(x, file);
    if (!pair->key) {
        pfs_explain_contacts(x->cmd, &x->phone, pair->n_contacts);
        fputc('\n', out);
        return;
    }
    pfs_explain_print(out, pair->key);
    fputs(" = ", out);
    pfs_explain_print(out, shown(x, pair));
    fputs("   from ", out);
    if (pair->overridden)
        print_override(x, pair->key);
    else if (pair->contact)
        fprintf(out, "account %s", pair->contact);
    else
        print_used(x, pair);
    fputc('\n', out);
}

int pfs_explain_native(struct pfs_command *cmd, const struct pfs_inputs *inputs, const char *key,
                       size_t *ret_n, struct pfs_map *used, struct pfs_err *err)
{
    const char *model = inputs->device->model;
    struct native x = {.cmd = cmd,
                       .inputs = inputs,
                       .used = used,
                       .model = model ? pfs_library_model(cmd->context->library, model) : NULL};
    *ret_n = 0;
    pfs_inputs_phone(inputs, &x.phone);
    if (!x.model || (key && !(x.key = pfs_model_native_key(x.model, key))))
        return 0;
    int r = pfs_explain_pairs(cmd, x.model, &x.phone, on_pair, &x, err);
    *ret_n = x.n;
    return r == 0 && x.no_memory ? pfs_err_nomem(err) : r;
}

/* Pairs: what a template sets, and what overrides do to them. */
#include "render/drop.h"
#include "render/form.h"
#include "render/trace.h"

#include <errno.h>

/* ---- which overrides there are ---- */

struct gather {
    struct pfs_eval *e;
    unsigned line;
    size_t cap;
};

/* Whether an override's native key looks like that of a password. */
static bool is_secret(const struct pfs_eval *e, const char *native)
{
    char key[PFS_KEY_MAX + 2];
    struct pfs_key found;
    snprintf(key, sizeof key, "%s:%s", e->file->model->tmpl->vendor, native);
    return pfs_catalogue_find(e->phone->catalogue, key, &found, NULL) == 0 && found.secret;
}

static int gather_override(void *arg, const char *key, const struct pfs_value *value)
{
    struct gather *g = arg;
    struct pfs_eval *e = g->e;
    bool clears = strcmp(value->text, PFS_VALUE_CLEAR) == 0;
    bool masked = e->phone->mask && !clears && is_secret(e, key);
    if (e->n_overrides == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 16;
        struct pfs_override *more = pfs_arena_alloc(&e->kept, cap * sizeof *more);
        if (!more)
            return -ENOMEM;
        if (e->n_overrides)
            memcpy(more, e->overrides, e->n_overrides * sizeof *more);
        e->overrides = more;
        g->cap = cap;
    }
    e->overrides[e->n_overrides++] = (struct pfs_override){
        .key = key, .value = masked ? e->phone->mask : value->text, .clears = clears, .line = g->line};
    return 0;
}

int pfs_overrides_gather(struct pfs_eval *e, struct pfs_err *err)
{
    const char *vendor = e->file->model->tmpl->vendor;
    const struct pfs_device *d = e->phone->device;
    struct gather g = {.e = e};
    int r = pfs_phone_overrides(e->phone, NULL, vendor, gather_override, &g);
    for (size_t i = 0; d && i < d->n_lines && r == 0; i++) {
        g.line = d->lines[i].number;
        r = pfs_phone_overrides(e->phone, &d->lines[i], vendor, gather_override, &g);
    }
    return r < 0 ? pfs_err_nomem(err) : 0;
}

/* ---- which one counts ---- */

/* How much an override counts for the line at hand: its own before the device's before another line's. */
static int override_weight(const struct pfs_eval *e, const struct pfs_override *o)
{
    if (o->line && o->line == e->line_number)
        return 3;
    return o->line ? 1 : 2;
}

/* Whether a file has a native key once only: an override then stands for all the pairs of that key that the
 * template would write, and a line's override is meant wherever it is. Elements and attributes are known by
 * what is around them: the override counts at each, a line's at that line's. */
static bool has_unique_keys(const struct pfs_eval *e)
{
    enum pfs_pair_shape shape = e->emit.syntax->shape;
    return shape == PFS_PAIR_LINE || shape == PFS_PAIR_ENTRY;
}

static bool counts_here(const struct pfs_eval *e, const struct pfs_override *o, struct pfs_str key)
{
    if (strlen(o->key) != key.len || memcmp(o->key, key.s, key.len) != 0)
        return false;
    return o->line == 0 || e->line_number == 0 || o->line == e->line_number || has_unique_keys(e);
}

static struct pfs_override *best_override(const struct pfs_eval *e, struct pfs_str key)
{
    struct pfs_override *best = NULL;
    for (size_t i = 0; i < e->n_overrides; i++) {
        struct pfs_override *o = &e->overrides[i];
        if (counts_here(e, o, key) && (!best || override_weight(e, o) > override_weight(e, best)))
            best = o;
    }
    return best;
}

/* All overrides of a key that count here are used from now on. True: one was before. */
static bool use_overrides(struct pfs_eval *e, struct pfs_str key)
{
    bool again = false;
    for (size_t i = 0; i < e->n_overrides; i++) {
        struct pfs_override *o = &e->overrides[i];
        if (!counts_here(e, o, key))
            continue;
        again = again || o->used;
        o->used = true;
        o->element = e->element;
    }
    return again;
}

/* ---- pairs of the template ---- */

/* The native key with what it begins with here, as overrides name it. */
static int native_key(struct pfs_eval *e, struct pfs_str key, struct pfs_str *ret, struct pfs_err *err)
{
    char path[PFS_EMIT_PATH_MAX];
    *ret = key;
    bool matters = e->n_overrides || e->on_pair || e->file->spec->n_drops;
    size_t len = matters ? pfs_emit_path(&e->emit, path) : 0;
    if (len == 0)
        return 0;
    char *whole = pfs_arena_alloc(&e->scratch, len + key.len + 2);
    if (!whole)
        return pfs_err_nomem(err);
    memcpy(whole, path, len);
    whole[len] = '/';
    memcpy(whole + len + 1, key.s, key.len);
    *ret = (struct pfs_str){whole, len + key.len + 1};
    return 0;
}

static void show_pair(struct pfs_eval *e, struct pfs_str native, struct pfs_str value, bool overridden)
{
    if (!e->on_pair || e->rehearsing)
        return;
    struct pfs_pair pair = {.key = native.s,
                            .value = value.s,
                            .n_used = e->n_used,
                            .used = e->used,
                            .overridden = overridden,
                            .contact = e->contact_index ? e->contact.account : NULL};
    e->on_pair(e->arg, &pair);
}

/* What stands for an empty value, NULL: nothing does. op NULL: no template has the key. */
static const char *empty_word(const struct pfs_file_spec *spec, const struct pfs_op *op)
{
    return op && op->empty ? op->empty : spec->empty;
}

struct attributes {
    struct pfs_eval *e;
    const struct pfs_op *op; /* the set that they belong to */
};

/* The attributes of a set that have expressions: the operations of its body. */
static int write_attributes(void *arg, struct pfs_err *err)
{
    const struct attributes *a = arg;
    struct pfs_eval *e = a->e;
    bool depends = e->depends; /* the pair's value does */
    const struct pfs_op *end = e->file->spec->program->ops + a->op->end;
    int r = 0;
    for (const struct pfs_op *op = a->op + 1; op < end && r == 0; op++) {
        struct pfs_str value;
        e->depends = false;
        r = pfs_eval_expr(e, op->value, &value, err);
        if (r == 0)
            r = pfs_emit_pair_attribute(&e->emit, op->key->pieces[0].ref.text.s, value.s, value.len, err);
        pfs_trace_hole(e, op, op->value);
    }
    e->depends = depends;
    return r;
}

static bool has_attributes(const struct pfs_eval *e, const struct pfs_op *op)
{
    return op && op + 1 < e->file->spec->program->ops + op->end;
}

/* The value as it is to be written: an empty one by its word. *ret_literal: it is the template's own. False:
 * it is longer than the op lets it be. */
static bool choose_value(const struct pfs_file_spec *spec, const struct pfs_op *op, struct pfs_str *value,
                         bool *ret_literal)
{
    const char *empty = empty_word(spec, op);
    *ret_literal = value->len == 0 && empty;
    if (*ret_literal)
        *value = pfs_str_of(empty);
    return *ret_literal || !op || !op->max || value->len <= op->max;
}

static int write_pair(struct pfs_eval *e, const struct pfs_op *op, struct pfs_str key, struct pfs_str value,
                      struct pfs_err *err)
{
    struct attributes attributes = {e, op};
    bool literal;
    if (!choose_value(e->file->spec, op, &value, &literal))
        return pfs_err_set(err, EINVAL, "the value for %.*s is longer than %zu bytes", (int)key.len, key.s,
                           op->max);
    struct pfs_emit_pair pair = {.key = key.s,
                                 .key_len = key.len,
                                 .value = value.s,
                                 .len = value.len,
                                 .fixed = op ? op->fixed : NULL,
                                 .taken = op ? op->taken : NULL,
                                 .literal = literal,
                                 .prefixed = op && op->prefixed,
                                 .attributes = has_attributes(e, op) ? write_attributes : NULL,
                                 .arg = &attributes};
    return pfs_emit_pair(&e->emit, &pair, err);
}

/* The same for the value alone. */
static int write_pair_value(const struct pfs_file_spec *spec, const struct pfs_op *op, struct pfs_str value,
                            struct pfs_buf *out)
{
    const struct pfs_syntax *s = spec->syntax;
    bool in_attribute =
        s->shape == PFS_PAIR_ATTRIBUTE || (s->shape == PFS_PAIR_ENTRY && s->pair->value_in_attribute);
    bool literal;
    if (!choose_value(spec, op, &value, &literal) ||
        (!literal && pfs_syntax_check_value(s, &spec->rules, value.s, value.len, NULL) < 0))
        return -EINVAL;
    pfs_emit_value(s, &spec->rules, value.s, value.len, in_attribute, literal, out);
    return 0;
}

int pfs_eval_write_value(const struct pfs_file_spec *spec, const struct pfs_op *op, struct pfs_str value,
                         struct pfs_buf *out)
{
    if (op->code == PFS_OP_SET)
        return write_pair_value(spec, op, value, out);
    int r = pfs_syntax_check_value(spec->syntax, &spec->rules, value.s, value.len, NULL);
    if (r == 0)
        pfs_syntax_escape(spec->syntax, &spec->rules, value.s, value.len, op->code == PFS_OP_ATTRIBUTE, out);
    return r;
}

int pfs_eval_set(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_str key, native, value;
    int r = pfs_eval_expr(e, op->key, &key, err);
    if (r < 0 || (r = native_key(e, key, &native, err)) < 0)
        return r;
    pfs_trace_give_up(e); /* where the key itself is the phone's own */
    e->n_used = 0;        /* a key's own loop numbers are no settings */
    if (pfs_drops_mean(e->file->spec, op->line, native))
        return 0;
    const struct pfs_override *o = e->n_overrides ? best_override(e, native) : NULL;
    if (o && use_overrides(e, native) && has_unique_keys(e))
        return 0; /* a key that the file repeats: the override stands for all of them */
    if (o)
        value = pfs_str_of(o->value);
    else
        r = pfs_eval_expr(e, op->value, &value, err);
    if (r < 0)
        return r;
    show_pair(e, native, value, o != NULL);
    if (o && o->clears)
        return 0;
    r = write_pair(e, op, key, value, err);
    pfs_trace_hole(e, op, op->value);
    return r;
}

/* ---- pairs that overrides add ---- */

/* Whether this one is still to be added: no template has the key, and what counts is not that it shall go. */
static bool is_addition(const struct pfs_eval *e, const struct pfs_override *o)
{
    struct pfs_str key = pfs_str_of(o->key);
    bool tree = e->emit.syntax->is_tree; /* there an element is one place of several */
    if (o->written || (tree ? o->element == e->element || !counts_here(e, o, key) : o->used))
        return false;
    const struct pfs_override *best = best_override(e, key);
    return best && !best->clears;
}

/* Writes a native key that the template does not; behind `skip` bytes, its section's or path's. */
static int write_addition(struct pfs_eval *e, const struct pfs_override *o, size_t skip, struct pfs_err *err)
{
    struct pfs_str key = pfs_str_of(o->key);
    struct pfs_str value = pfs_str_of(best_override(e, key)->value);
    use_overrides(e, key);
    e->n_used = 0;
    show_pair(e, key, value, true);
    return write_pair(e, NULL, (struct pfs_str){key.s + skip, key.len - skip}, value, err);
}

/* ---- … to sections and to the end ---- */

/* The name of the section that a native key begins with, 0: none. */
static size_t section_len(const struct pfs_eval *e, const char *key)
{
    const char *slash = e->emit.syntax->has_sections ? strchr(key, '/') : NULL;
    return slash && slash[1] ? (size_t)(slash - key) : 0;
}

int pfs_overrides_add_to_section(struct pfs_eval *e, struct pfs_err *err)
{
    char section[PFS_EMIT_PATH_MAX];
    size_t len = pfs_emit_path(&e->emit, section);
    int r = 0;
    for (size_t i = 0; i < e->n_overrides && r == 0 && !e->rehearsing; i++) {
        const struct pfs_override *o = &e->overrides[i];
        if (strncmp(o->key, section, len) == 0 && o->key[len] == '/' && o->key[len + 1] && is_addition(e, o))
            r = write_addition(e, o, len + 1, err);
    }
    return r;
}

/* A section of its own, with all that is to be added to it. */
static int add_section(struct pfs_eval *e, const char *key, size_t len, struct pfs_err *err)
{
    int r = pfs_emit_open(&e->emit, key, len, PFS_EMIT_SECTION, err);
    if (r == 0)
        r = pfs_overrides_add_to_section(e, err);
    if (r == 0)
        pfs_emit_close(&e->emit);
    return r;
}

static int add_all(struct pfs_eval *e, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < e->n_overrides && r == 0; i++) {
        const struct pfs_override *o = &e->overrides[i];
        size_t section = section_len(e, o->key);
        if (is_addition(e, o))
            r = section ? add_section(e, o->key, section, err) : write_addition(e, o, 0, err);
    }
    return r;
}

static bool has_additions(const struct pfs_eval *e)
{
    for (size_t i = 0; i < e->n_overrides; i++)
        if (is_addition(e, &e->overrides[i]))
            return true;
    return false;
}

int pfs_overrides_add(struct pfs_eval *e, struct pfs_err *err)
{
    static const char element[] = "overrides";
    if (e->rehearsing)
        return 0;
    e->overrides_done = true;
    if (!has_additions(e))
        return 0;
    bool open = e->emit.syntax->shape == PFS_PAIR_ATTRIBUTE && !pfs_emit_takes_attributes(&e->emit);
    int r = open ? pfs_emit_open(&e->emit, element, sizeof element - 1, 0, err) : 0;
    if (r == 0)
        r = add_all(e, err);
    if (r == 0 && open)
        pfs_emit_close(&e->emit);
    return r;
}

/* ---- … to a tree ---- */

void pfs_overrides_note_element(struct pfs_eval *e)
{
    char path[PFS_EMIT_PATH_MAX];
    size_t len = pfs_emit_path(&e->emit, path);
    for (size_t i = 0; i < e->n_overrides && len; i++) {
        struct pfs_override *o = &e->overrides[i];
        if (len > o->home && strncmp(o->key, path, len) == 0 && o->key[len] == '/')
            o->home = len;
    }
}

/* Adds what is at home `home` bytes deep and begins as `key` does for `len` bytes, which name the element
 * around; elements that are missing are made. */
static int add_below(struct pfs_eval *e, const char *key, size_t len, size_t home, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < e->n_overrides && r == 0; i++) {
        const struct pfs_override *o = &e->overrides[i];
        if (o->home != home || strncmp(o->key, key, len) != 0 || (len && o->key[len] != '/') ||
            !is_addition(e, o))
            continue;
        size_t skip = len ? len + 1 : 0;
        const char *slash = strchr(o->key + skip, '/');
        if (!slash) {
            r = write_addition(e, o, skip, err);
            continue;
        }
        size_t path_len = (size_t)(slash - o->key);
        r = pfs_emit_open(&e->emit, o->key + skip, path_len - skip, 0, err);
        if (r == 0)
            r = add_below(e, o->key, path_len, home, err);
        if (r == 0)
            pfs_emit_close(&e->emit);
    }
    return r;
}

int pfs_overrides_add_to_element(struct pfs_eval *e, struct pfs_err *err)
{
    char path[PFS_EMIT_PATH_MAX];
    size_t len = pfs_emit_path(&e->emit, path);
    e->element = ++e->n_elements;
    return e->rehearsing ? 0 : add_below(e, path, len, len, err);
}

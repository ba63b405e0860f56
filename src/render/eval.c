/* Walks a program and writes the file. */
#include "render/eval.h"

#include <errno.h>

static int run(struct pfs_eval *e, const struct pfs_program *p, unsigned from, unsigned to,
               struct pfs_err *err);

/* ---- overrides
 * ---------------------------------------------------------------------------------------------- */

struct gather {
    struct pfs_eval *e;
    unsigned line;
    size_t cap;
};

static int gather_override(void *arg, const char *key, const struct pfs_value *value)
{
    struct gather *g = arg;
    struct pfs_eval *e = g->e;
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
    e->overrides[e->n_overrides++] = (struct pfs_override){.key = key, .value = value->text, .line = g->line};
    return 0;
}

static int gather_overrides(struct pfs_eval *e, struct pfs_err *err)
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

/* How much an override counts for the line at hand: its own before the device's before another line's. */
static int override_weight(const struct pfs_eval *e, const struct pfs_override *o)
{
    if (o->line && o->line == e->line_number)
        return 3;
    return o->line ? 1 : 2;
}

/* The override of this native key; all of that key count as used from now on. *ret_again: one was used
 * before. */
static const struct pfs_override *find_override(struct pfs_eval *e, struct pfs_str key, bool *ret_again)
{
    const struct pfs_override *best = NULL;
    *ret_again = false;
    for (size_t i = 0; i < e->n_overrides; i++) {
        struct pfs_override *o = &e->overrides[i];
        if (strlen(o->key) != key.len || memcmp(o->key, key.s, key.len) != 0)
            continue;
        *ret_again = *ret_again || o->used;
        o->used = true;
        if (!best || override_weight(e, o) > override_weight(e, best))
            best = o;
    }
    return best;
}

/* ---- pairs
 * -------------------------------------------------------------------------------------------------- */

/* The native key with its section before it, as overrides name it. */
static int native_key(struct pfs_eval *e, struct pfs_str key, struct pfs_str *ret, struct pfs_err *err)
{
    const char *section = pfs_emit_section(&e->emit);
    *ret = key;
    if (!*section)
        return 0;
    size_t section_len = strlen(section);
    char *whole = pfs_arena_alloc(&e->scratch, section_len + key.len + 2);
    if (!whole)
        return pfs_err_nomem(err);
    memcpy(whole, section, section_len);
    whole[section_len] = '/';
    memcpy(whole + section_len + 1, key.s, key.len);
    *ret = (struct pfs_str){whole, section_len + key.len + 1};
    return 0;
}

static void show_pair(struct pfs_eval *e, struct pfs_str native, struct pfs_str value, bool overridden)
{
    if (!e->on_pair)
        return;
    struct pfs_pair pair = {
        .key = native.s, .value = value.s, .n_used = e->n_used, .used = e->used, .overridden = overridden};
    e->on_pair(e->arg, &pair);
}

static int write_pair(struct pfs_eval *e, const struct pfs_op *op, struct pfs_str key, struct pfs_str value,
                      struct pfs_err *err)
{
    const char *empty = op && op->empty ? op->empty : e->file->spec->empty;
    bool literal = value.len == 0 && empty;
    if (literal)
        value = (struct pfs_str){empty, strlen(empty)};
    if (op && op->max && value.len > op->max)
        return pfs_err_set(err, EINVAL, "the value for %.*s is longer than %zu bytes", (int)key.len, key.s,
                           op->max);
    return pfs_emit_pair(&e->emit, key.s, key.len, value.s, value.len, op ? op->attribute : NULL, literal,
                         err);
}

static int run_set(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_str key, native, value;
    bool again = false;
    int r = pfs_eval_expr(e, op->key, &key, err);
    if (r < 0 || (r = native_key(e, key, &native, err)) < 0)
        return r;
    e->n_used = 0; /* a key's own loop numbers are no settings */
    const struct pfs_override *o = e->n_overrides ? find_override(e, native, &again) : NULL;
    if (o && again)
        return 0; /* a key that the file repeats: the override stands for all of them */
    if (o)
        value = (struct pfs_str){o->value, strlen(o->value)};
    else
        r = pfs_eval_expr(e, op->value, &value, err);
    if (r < 0)
        return r;
    show_pair(e, native, value, o != NULL);
    return write_pair(e, op, key, value, err);
}

/* A native key that the template does not write: at the place for such keys, in a section of its own where it
 * names one. */
static int write_addition(struct pfs_eval *e, struct pfs_override *o, struct pfs_err *err)
{
    struct pfs_str key = {o->key, strlen(o->key)}, value = {o->value, strlen(o->value)};
    const char *slash = e->emit.syntax->has_sections ? strchr(o->key, '/') : NULL;
    o->used = true;
    e->n_used = 0;
    show_pair(e, key, value, true);
    if (!slash)
        return write_pair(e, NULL, key, value, err);
    int r = pfs_emit_open(&e->emit, o->key, (size_t)(slash - o->key), true, err);
    if (r < 0)
        return r;
    r = write_pair(e, NULL, (struct pfs_str){slash + 1, strlen(slash + 1)}, value, err);
    pfs_emit_close(&e->emit);
    return r;
}

/* Attributes are added in an element of their own. */
static int write_additions(struct pfs_eval *e, struct pfs_err *err)
{
    static const char element[] = "overrides";
    bool opened = false;
    int r = 0;
    e->overrides_done = true;
    for (size_t i = 0; i < e->n_overrides && r == 0; i++) {
        struct pfs_override *o = &e->overrides[i];
        bool again;
        if (o->used)
            continue;
        if (!opened && e->emit.syntax->shape == PFS_PAIR_ATTRIBUTE) {
            r = pfs_emit_open(&e->emit, element, sizeof element - 1, false, err);
            opened = r == 0;
        }
        const struct pfs_override *best = find_override(e, (struct pfs_str){o->key, strlen(o->key)}, &again);
        if (r == 0)
            r = write_addition(e, best == o ? o : &e->overrides[best - e->overrides], err);
    }
    if (opened)
        pfs_emit_close(&e->emit);
    return r;
}

/* ---- operations without a body
 * ------------------------------------------------------------------------------ */

static int run_text(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    const struct pfs_expr *x = op->value;
    for (size_t i = 0; i < x->n_pieces; i++) {
        const struct pfs_expr one = {.n_pieces = 1, .pieces = &x->pieces[i]};
        bool literal = x->pieces[i].ref.kind == PFS_REF_LITERAL && x->pieces[i].n_filters == 0;
        struct pfs_str text;
        int r = pfs_eval_expr(e, &one, &text, err);
        if (r < 0 || (r = pfs_emit_text(&e->emit, text.s, text.len, literal, err)) < 0)
            return r;
    }
    pfs_emit_end_line(&e->emit);
    return 0;
}

static int run_attribute(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_str name, value;
    int r = pfs_eval_expr(e, op->key, &name, err);
    if (r < 0 || (r = pfs_eval_expr(e, op->value, &value, err)) < 0)
        return r;
    return pfs_emit_attribute(&e->emit, name.s, name.len, value.s, value.len, err);
}

static int add_row(struct pfs_eval *e, struct pfs_table *t, const struct pfs_line *line, struct pfs_err *err)
{
    struct pfs_str key;
    int r = pfs_eval_row_key(e, t->op, &e->kept, &key, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < t->n; i++)
        if (pfs_str_same(t->rows[i].key, key))
            return 0;
    if (t->n == t->op->max)
        return pfs_err_set(
            err, EINVAL, "the lines have more than %zu different values, which is all that this model takes",
            t->op->max);
    t->rows[t->n++] = (struct pfs_row){.key = key, .line = line};
    return 0;
}

/* Sets the line at hand; NULL and 0: none. */
static void enter_line(struct pfs_eval *e, const struct pfs_line *line, unsigned number)
{
    e->line = line;
    e->line_number = number;
}

static int run_table(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_table *t = &e->tables[op->number];
    const struct pfs_device *d = e->phone->device;
    *t = (struct pfs_table){.op = op, .rows = pfs_arena_alloc(&e->kept, op->max * sizeof *t->rows)};
    if (!t->rows)
        return pfs_err_nomem(err);
    int r = 0;
    for (size_t i = 0; d && i < d->n_lines && r == 0; i++) {
        if (!d->lines[i].account)
            continue;
        enter_line(e, &d->lines[i], d->lines[i].number);
        r = add_row(e, t, &d->lines[i], err);
    }
    enter_line(e, NULL, 0);
    return r;
}

/* ---- operations with a body
 * --------------------------------------------------------------------------------- */

static int run_open(struct pfs_eval *e, const struct pfs_program *p, unsigned at, bool section,
                    struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    struct pfs_str name;
    int r = pfs_eval_expr(e, op->key, &name, err);
    if (r < 0 || (r = pfs_emit_open(&e->emit, name.s, name.len, section, err)) < 0)
        return r;
    r = run(e, p, at + 1, op->end, err);
    bool outermost = e->emit.depth == 1 && e->file->spec->main && !p->places_overrides;
    if (r == 0 && outermost && !section)
        r = write_additions(e, err);
    if (r == 0)
        pfs_emit_close(&e->emit);
    return r;
}

static int run_lines(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    const struct pfs_line *outer = e->line;
    unsigned outer_number = e->line_number, n = e->file->model->lines;
    if (op->max && op->max < n)
        n = (unsigned)op->max;
    int r = 0;
    for (unsigned i = 1; i <= n && r == 0; i++) {
        const struct pfs_line *line = pfs_phone_line(e->phone, i);
        bool assigned = line && line->account;
        if (op->which != PFS_LINES_ALL && assigned != (op->which == PFS_LINES_ASSIGNED))
            continue;
        enter_line(e, line, i);
        r = run(e, p, at + 1, op->end, err);
    }
    enter_line(e, outer, outer_number);
    return r;
}

static int run_rows(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_table *t = &e->tables[p->ops[at].number];
    const struct pfs_line *outer = e->line;
    unsigned outer_number = e->line_number;
    int r = 0;
    for (size_t i = 0; i < t->n && r == 0; i++) {
        enter_line(e, t->rows[i].line, t->rows[i].line->number);
        r = run(e, p, at + 1, p->ops[at].end, err);
    }
    enter_line(e, outer, outer_number);
    return r;
}

static int run_turn(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_str value,
                    unsigned index, struct pfs_err *err)
{
    if (index > PFS_TURNS_MAX)
        return pfs_err_set(err, EFBIG, "a loop has more than %d turns", PFS_TURNS_MAX);
    e->variables[p->ops[at].number] = (struct pfs_variable){.value = value, .index = index};
    return run(e, p, at + 1, p->ops[at].end, err);
}

static int run_words(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    int r = 0;
    for (size_t i = 0; i < op->n_words && r == 0; i++)
        r = run_turn(e, p, at, op->words[i], (unsigned)i + 1, err);
    return r;
}

/* The list is copied: the body reuses the scratch memory. */
static int run_items(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    struct pfs_str list;
    int r = pfs_eval_ref(e, &p->ops[at].refs[0], &list, err);
    if (r < 0)
        return r;
    char *copy = pfs_arena_strndup(&e->kept, list.s, list.len);
    if (!copy)
        return pfs_err_nomem(err);
    unsigned index = 1;
    for (char *item = copy, *next; item && *item && r == 0; item = next, index++) {
        next = strchr(item, ',');
        size_t len = next ? (size_t)(next++ - item) : strlen(item);
        r = run_turn(e, p, at, (struct pfs_str){item, len}, index, err);
    }
    return r;
}

static int eval_number(struct pfs_eval *e, const struct pfs_expr *x, long *ret, struct pfs_err *err)
{
    struct pfs_str text;
    int r = pfs_eval_expr(e, x, &text, err);
    if (r < 0)
        return r;
    char *end;
    autofree char *copy = strndup(text.s, text.len);
    if (!copy)
        return pfs_err_nomem(err);
    *ret = strtol(copy, &end, 10);
    if (*end || end == copy || *ret < 0 || *ret > 1000000)
        return pfs_err_set(err, EINVAL, "a loop counts from and to whole numbers, not \"%s\"", copy);
    return 0;
}

static int run_count(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    long from, to;
    int r = eval_number(e, p->ops[at].key, &from, err);
    if (r < 0 || (r = eval_number(e, p->ops[at].value, &to, err)) < 0)
        return r;
    for (long i = from; i <= to && r == 0; i++) {
        char text[24]; /* lives until the body is done */
        int len = snprintf(text, sizeof text, "%ld", i);
        r = run_turn(e, p, at, (struct pfs_str){text, (size_t)len}, (unsigned)(i - from + 1), err);
    }
    return r;
}

/* ---- the walk
 * ----------------------------------------------------------------------------------------------- */

static int wanted(struct pfs_eval *e, const struct pfs_op *op, bool *ret, struct pfs_err *err)
{
    struct pfs_str value;
    *ret = true;
    if (op->when) {
        int r = pfs_eval_expr(e, op->when, &value, err);
        if (r < 0)
            return r;
        *ret = pfs_str_true(value);
    }
    if (*ret && op->unless) {
        int r = pfs_eval_expr(e, op->unless, &value, err);
        if (r < 0)
            return r;
        *ret = !pfs_str_true(value);
    }
    return 0;
}

static int run_op(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    switch (op->code) {
    case PFS_OP_TEXT:
        return run_text(e, op, err);
    case PFS_OP_SET:
        return run_set(e, op, err);
    case PFS_OP_COMMENT:
        return pfs_emit_comment(&e->emit, op->value->pieces[0].ref.text.s, err);
    case PFS_OP_ATTRIBUTE:
        return run_attribute(e, op, err);
    case PFS_OP_ELEMENT:
        return run_open(e, p, at, false, err);
    case PFS_OP_SECTION:
        return run_open(e, p, at, true, err);
    case PFS_OP_LINES:
        return run_lines(e, p, at, err);
    case PFS_OP_WORDS:
        return run_words(e, p, at, err);
    case PFS_OP_ITEMS:
        return run_items(e, p, at, err);
    case PFS_OP_COUNT:
        return run_count(e, p, at, err);
    case PFS_OP_TABLE:
        return run_table(e, op, err);
    case PFS_OP_ROWS:
        return run_rows(e, p, at, err);
    case PFS_OP_IF:
        return run(e, p, at + 1, op->end, err);
    case PFS_OP_OVERRIDES:
        return write_additions(e, err);
    }
    return 0;
}

/* Adds "TEMPLATE:LINE: ", once: by the innermost operation. */
static int at_line(struct pfs_eval *e, const struct pfs_op *op, int r, struct pfs_err *err)
{
    if (err && !e->emit.out->error)
        pfs_err_set(err, -r, "%s:%u: %s", e->file->model->tmpl->path, op->line, err->msg);
    e->emit.out->error = e->emit.out->error ? e->emit.out->error : r;
    return r;
}

static int run(struct pfs_eval *e, const struct pfs_program *p, unsigned from, unsigned to,
               struct pfs_err *err)
{
    for (unsigned at = from; at < to; at = p->ops[at].end) {
        bool want;
        pfs_arena_reset(&e->scratch);
        e->n_used = 0;
        int r = ++e->steps > PFS_STEPS_MAX
                    ? pfs_err_set(err, EFBIG, "a render takes more than %d steps", PFS_STEPS_MAX)
                    : wanted(e, &p->ops[at], &want, err);
        if (r == 0 && want)
            r = run_op(e, p, at, err);
        if (r < 0)
            return at_line(e, &p->ops[at], r, err);
    }
    return 0;
}

static int render(struct pfs_eval *e, const struct pfs_file *file, struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_file_spec *spec = file->spec;
    pfs_emit_begin(&e->emit, spec->syntax, &spec->rules, spec->crlf, out);
    int r = gather_overrides(e, err);
    if (r == 0)
        r = run(e, spec->program, 0, (unsigned)spec->program->n_ops, err);
    if (r == 0 && spec->main && !e->overrides_done && !spec->syntax->is_xml)
        r = write_additions(e, err);
    if (r < 0)
        return r;
    if (pfs_buf_error(out) == -EFBIG)
        return pfs_err_set(err, EFBIG, "%s:%u: the file is larger than %zu bytes", file->model->tmpl->path,
                           spec->line, spec->max_size);
    return pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

int pfs_render(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
               struct pfs_buf *out, pfs_pair_fn on_pair, void *arg, struct pfs_err *err)
{
    struct pfs_eval *e = calloc(1, sizeof *e);
    if (!e)
        return pfs_err_nomem(err);
    e->file = file;
    e->phone = phone;
    e->zones = zones;
    e->on_pair = on_pair;
    e->arg = arg;
    out->limit = out->len + file->spec->max_size;
    int r = render(e, file, out, err);
    pfs_arena_done(&e->scratch);
    pfs_arena_done(&e->kept);
    free(e);
    return r;
}

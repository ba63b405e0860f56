/* Walks a program and writes the file. */
#include "render/digest.h"
#include "render/trace.h"

#include <errno.h>

static int run(struct pfs_eval *e, const struct pfs_program *p, unsigned from, unsigned to,
               struct pfs_err *err);

/* ---- limits ---- */

/* Each operation and each turn of a loop is a step. */
static int count_step(struct pfs_eval *e, struct pfs_err *err)
{
    if (++e->steps > e->most_steps)
        return pfs_err_set(err, EFBIG, "a render takes more than %u steps", e->most_steps);
    return 0;
}

static int check_size(const struct pfs_eval *e, struct pfs_err *err)
{
    int r = pfs_buf_error(e->emit.out);
    if (r == -EFBIG)
        return pfs_err_set(err, EFBIG, "the file is larger than %zu bytes", e->file->spec->max_size);
    return r < 0 ? pfs_err_nomem(err) : 0;
}

/* ---- operations without a body ---- */

/* A value in a line that could still become a key is checked for that: a plan does not. */
static bool may_be_a_hole(const struct pfs_emit *e)
{
    return e->syntax->shape != PFS_PAIR_LINE || e->line == PFS_EMIT_LINE_SETTLED;
}

static int run_text(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    const struct pfs_expr *x = op->value;
    for (size_t i = 0; i < x->n_pieces; i++) {
        const struct pfs_expr one = {.n_pieces = 1, .pieces = &x->pieces[i]};
        bool literal = x->pieces[i].ref.kind == PFS_REF_LITERAL && x->pieces[i].n_filters == 0;
        bool hole = may_be_a_hole(&e->emit);
        struct pfs_str text;
        e->depends = false;
        int r = pfs_eval_expr(e, &one, &text, err);
        if (r < 0 || (r = pfs_emit_text(&e->emit, text.s, text.len, literal, err)) < 0)
            return r;
        if (hole)
            pfs_trace_hole(e, op, &one);
        else
            pfs_trace_give_up(e);
    }
    pfs_emit_end_line(&e->emit);
    return 0;
}

static int run_attribute(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err)
{
    struct pfs_str name, value;
    int r = pfs_eval_expr(e, op->key, &name, err);
    if (r < 0)
        return r;
    pfs_trace_give_up(e);
    r = pfs_eval_expr(e, op->value, &value, err);
    if (r < 0)
        return r;
    r = pfs_emit_attribute(&e->emit, name.s, name.len, op->prefixed, value.s, value.len, err);
    pfs_trace_hole(e, op, op->value);
    return r;
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
    const struct pfs_line *outer = e->line;
    unsigned outer_number = e->line_number;
    size_t n_lines = d ? d->n_lines : 0;
    *t = (struct pfs_table){.op = op, .rows = pfs_arena_alloc(&e->kept, n_lines * sizeof *t->rows)};
    if (!t->rows)
        return pfs_err_nomem(err);
    int r = 0;
    for (size_t i = 0; i < n_lines && r == 0; i++) {
        if (!d->lines[i].account)
            continue;
        enter_line(e, &d->lines[i], d->lines[i].number);
        r = count_step(e, err);
        if (r == 0)
            r = add_row(e, t, &d->lines[i], err);
    }
    pfs_trace_give_up(e); /* which lines go together hangs on their accounts */
    enter_line(e, outer, outer_number);
    return r;
}

/* ---- operations with a body ---- */

/* Overrides that add native keys go into the section or element that they name, else to the end of the
 * outermost element. */
static int add_before_close(struct pfs_eval *e, const struct pfs_program *p, bool section,
                            struct pfs_err *err)
{
    if (!e->n_overrides || (!e->file->spec->main && !p->places_overrides))
        return 0;
    if (e->emit.syntax->is_tree)
        return pfs_overrides_add_to_element(e, err);
    if (section)
        return pfs_overrides_add_to_section(e, err);
    return e->emit.depth == 1 && !e->overrides_done && !p->places_overrides ? pfs_overrides_add(e, err) : 0;
}

static int run_open(struct pfs_eval *e, const struct pfs_program *p, unsigned at, bool section,
                    struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    unsigned what = section ? PFS_EMIT_SECTION : op->prefixed ? PFS_EMIT_PREFIXED : 0;
    struct pfs_str name;
    int r = pfs_eval_expr(e, op->key, &name, err);
    if (r < 0 || (r = pfs_emit_open(&e->emit, name.s, name.len, what, err)) < 0)
        return r;
    pfs_trace_give_up(e);
    if (e->rehearsing && e->emit.syntax->is_tree)
        pfs_overrides_note_element(e);
    r = run(e, p, at + 1, op->end, err);
    if (r == 0)
        r = add_before_close(e, p, section, err);
    if (r == 0)
        pfs_emit_close(&e->emit);
    return r;
}

static int run_lines(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_op *op = &p->ops[at];
    const struct pfs_line *outer = e->line;
    unsigned outer_number = e->line_number, n = e->file->model->lines;
    if (e->file->spec->per == PFS_PER_VENDOR)
        return pfs_err_set(err, EINVAL, "lines: the file is common to all models");
    if (op->max && op->max < n)
        n = (unsigned)op->max;
    int r = 0;
    for (unsigned i = 1; i <= n && r == 0; i++) {
        const struct pfs_line *line = pfs_phone_line(e->phone, i);
        bool assigned = line && line->account;
        if (op->which != PFS_LINES_ALL && assigned != (op->which == PFS_LINES_ASSIGNED))
            continue;
        enter_line(e, assigned ? line : NULL, i); /* an unused line has no settings of its own */
        r = count_step(e, err);
        if (r == 0)
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
        r = count_step(e, err);
        if (r == 0)
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
    int r = count_step(e, err);
    if (r < 0)
        return r;
    struct pfs_variable *v = &e->variables[p->ops[at].number];
    *v = (struct pfs_variable){.value = value, .index = index};
    r = run(e, p, at + 1, p->ops[at].end, err);
    *v = (struct pfs_variable){0}; /* its text may go with the loop */
    return r;
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
    pfs_trace_give_up(e);
    autofree char *copy = strndup(list.s, list.len);
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
        return pfs_err_set(err, EINVAL, "a loop counts from and to whole numbers, not %s",
                           pfs_eval_shown(e, text));
    return 0;
}

static int run_count(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    long from, to;
    int r = eval_number(e, p->ops[at].key, &from, err);
    if (r < 0 || (r = eval_number(e, p->ops[at].value, &to, err)) < 0)
        return r;
    pfs_trace_give_up(e);
    for (long i = from; i <= to && r == 0; i++) {
        char text[24]; /* lives until the body is done */
        int len = snprintf(text, sizeof text, "%ld", i);
        r = run_turn(e, p, at, (struct pfs_str){text, (size_t)len}, (unsigned)(i - from + 1), err);
    }
    return r;
}

/* How long the file may be behind a contact: something is left for what the template has after them. */
static size_t room_for_contacts(const struct pfs_eval *e)
{
    return e->emit.out->limit - e->file->spec->max_size / PFS_CONTACTS_RESERVE;
}

/* A turn with a contact. 1: it went; 0: it finds no room, and nothing of it is in the file. */
static int run_contact(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    struct pfs_emit_mark before;
    pfs_emit_mark(&e->emit, &before);
    e->most_steps += PFS_CONTACT_STEPS;
    int r = count_step(e, err);
    if (r == 0)
        r = run(e, p, at + 1, p->ops[at].end, err);
    const struct pfs_buf *out = e->emit.out;
    if (pfs_buf_error(out) != -EFBIG && (r < 0 || out->len <= room_for_contacts(e)))
        return r < 0 ? r : 1;
    pfs_emit_rewind(&e->emit, &before);
    e->failed = false;
    return 0;
}

static void show_contacts(struct pfs_eval *e, size_t n)
{
    const struct pfs_pair end = {.n_contacts = n};
    if (e->on_pair && !e->rehearsing)
        e->on_pair(e->arg, &end);
}

/* The contacts of the directory, as many as the file takes. */
static int run_contacts(struct pfs_eval *e, const struct pfs_program *p, unsigned at, struct pfs_err *err)
{
    const struct pfs_directory *d = e->phone->directory;
    struct pfs_directory_cursor cursor = {0};
    size_t n = d ? d->n : 0;
    if (p->ops[at].max)
        n = PFS_MIN(n, p->ops[at].max);
    if (e->phone->max_contacts)
        n = PFS_MIN(n, e->phone->max_contacts);
    int r = 1;
    size_t written = 0;
    while (written < n && r > 0 && pfs_directory_next(d, &cursor, &e->contact)) {
        e->contact_index = (unsigned)written + 1;
        r = run_contact(e, p, at, err);
        written += r > 0;
    }
    e->contact_index = 0;
    if (r == 0) { /* how many find room hangs on how long the phone's own values are */
        e->depends = true;
        pfs_trace_give_up(e);
    }
    show_contacts(e, written);
    return PFS_MIN(r, 0);
}

/* ---- the walk ---- */

static int wanted(struct pfs_eval *e, const struct pfs_op *op, bool *ret, struct pfs_err *err)
{
    struct pfs_str value;
    *ret = true;
    if (op->when) {
        int r = pfs_eval_expr(e, op->when, &value, err);
        if (r < 0)
            return r;
        *ret = pfs_str_true(value);
        pfs_trace_guard(e, op->when, *ret);
    }
    if (*ret && op->unless) {
        int r = pfs_eval_expr(e, op->unless, &value, err);
        if (r < 0)
            return r;
        *ret = !pfs_str_true(value);
        pfs_trace_guard(e, op->unless, !*ret);
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
        return pfs_eval_set(e, op, err);
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
    case PFS_OP_CONTACTS:
        return run_contacts(e, p, at, err);
    case PFS_OP_IF:
        return run(e, p, at + 1, op->end, err);
    case PFS_OP_OVERRIDES:
        return pfs_overrides_add(e, err);
    }
    return 0;
}

/* Adds "TEMPLATE:LINE: ", once: by the innermost operation. */
static int at_line(struct pfs_eval *e, unsigned line, int r, struct pfs_err *err)
{
    if (!e->failed)
        pfs_err_prefix(err, "%s:%u", e->file->model->tmpl->sources[pfs_line_source(line)],
                       pfs_line_number(line));
    e->failed = true;
    return r;
}

static int run(struct pfs_eval *e, const struct pfs_program *p, unsigned from, unsigned to,
               struct pfs_err *err)
{
    for (unsigned at = from; at < to; at = p->ops[at].end) {
        bool want = false;
        pfs_arena_reset(&e->scratch);
        e->n_used = 0;
        e->secret = e->depends = false;
        int r = count_step(e, err);
        if (r == 0)
            r = wanted(e, &p->ops[at], &want, err);
        if (r == 0 && want)
            r = run_op(e, p, at, err);
        if (r == 0)
            r = check_size(e, err);
        if (r < 0)
            return at_line(e, p->ops[at].line, r, err);
    }
    return 0;
}

static int run_all(struct pfs_eval *e, struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_file_spec *spec = e->file->spec;
    pfs_emit_begin(&e->emit, spec->syntax, &spec->rules, spec->crlf, out);
    e->steps = 0;
    e->most_steps = PFS_STEPS_MAX;
    int r = run(e, spec->program, 0, (unsigned)spec->program->n_ops, err);
    if (r == 0 && spec->syntax->is_xml && !e->emit.had_root)
        r = pfs_err_set(err, EINVAL, "the file has no element");
    if (r == 0 && spec->main && !e->overrides_done && !spec->syntax->is_xml)
        r = pfs_overrides_add(e, err);
    if (r == 0)
        r = check_size(e, err);
    return r < 0 ? at_line(e, spec->line, r, err) : 0;
}

/* Which native keys the template writes, wherever it does, is known before one is added. */
static int rehearse(struct pfs_eval *e, struct pfs_err *err)
{
    struct pfs_buf nothing autobuf = PFS_BUF_INIT(e->file->spec->max_size);
    e->rehearsing = true;
    int r = run_all(e, &nothing, err);
    e->rehearsing = false;
    for (size_t i = 0; i < e->n_overrides; i++) {
        e->overrides[i].written = e->overrides[i].written || e->overrides[i].used;
        e->overrides[i].used = false;
    }
    memset(e->tables, 0, sizeof e->tables);
    return r;
}

/* What another file of the device writes is not added to this one. That file's own faults are its own. */
static int rehearse_other(struct pfs_eval *e, const struct pfs_file *file, struct pfs_err *err)
{
    struct pfs_eval *other = pfs_eval_new(file, e->phone, e->zones);
    if (!other)
        return pfs_err_nomem(err);
    if (e->trace)
        e->trace->given_up = true;            /* what that file has may hang on the phone's own values */
    int r = pfs_overrides_gather(other, err); /* the same ones */
    if (r == 0)
        rehearse(other, NULL);
    for (size_t i = 0; r == 0 && i < e->n_overrides; i++)
        e->overrides[i].written = e->overrides[i].written || other->overrides[i].written;
    pfs_eval_free(other);
    return r;
}

static bool is_other(const struct pfs_eval *e, const struct pfs_file *file)
{
    return file != e->file && !file->spec->digest_of && file->spec->per == PFS_PER_DEVICE && e->phone->device;
}

/* Whether a key that is added could stand in a file already: behind the place where it is added, or in
 * another file. */
static bool needs_rehearsal(const struct pfs_eval *e)
{
    const struct pfs_file_spec *spec = e->file->spec;
    const struct pfs_model *m = e->file->model;
    bool within = spec->program->places_overrides || spec->syntax->has_sections || spec->syntax->is_tree;
    for (size_t i = 0; i < m->n_files && !within; i++)
        within = is_other(e, &m->files[i]);
    return within && e->n_overrides && (spec->main || spec->program->places_overrides);
}

static bool all_written(const struct pfs_eval *e)
{
    for (size_t i = 0; i < e->n_overrides; i++)
        if (!e->overrides[i].written)
            return false;
    return true;
}

static int rehearse_all(struct pfs_eval *e, struct pfs_err *err)
{
    const struct pfs_model *m = e->file->model;
    int r = rehearse(e, err);
    for (size_t i = 0; i < m->n_files && r == 0 && !all_written(e); i++)
        if (is_other(e, &m->files[i]))
            r = rehearse_other(e, &m->files[i], err);
    return r;
}

static int render(struct pfs_eval *e, struct pfs_buf *out, struct pfs_err *err)
{
    int r = pfs_overrides_gather(e, err);
    if (r == 0 && needs_rehearsal(e))
        r = rehearse_all(e, err);
    return r < 0 ? r : run_all(e, out, err);
}

struct pfs_eval *pfs_eval_new(const struct pfs_file *file, const struct pfs_phone *phone,
                              struct pfs_zones *zones)
{
    struct pfs_eval *e = calloc(1, sizeof *e);
    if (e) {
        e->file = file;
        e->phone = phone;
        e->zones = zones;
    }
    return e;
}

void pfs_eval_free(struct pfs_eval *e)
{
    if (!e)
        return;
    pfs_arena_done(&e->scratch);
    pfs_arena_done(&e->kept);
    free(e);
}

int pfs_render(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
               struct pfs_buf *out, pfs_pair_fn on_pair, void *arg, struct pfs_err *err)
{
    const struct pfs_file *target = pfs_digest_target(file);
    if (target) {
        size_t start = out->len;
        int r = pfs_render(target, phone, zones, out, NULL, NULL, err);
        return r < 0 ? r : pfs_digest_replace(out, start, err);
    }
    struct pfs_eval *e = pfs_eval_new(file, phone, zones);
    if (!e)
        return pfs_err_nomem(err);
    e->on_pair = on_pair;
    e->arg = arg;
    out->limit = out->len + file->spec->max_size;
    int r = render(e, out, err);
    pfs_eval_free(e);
    return r;
}

int pfs_render_reads(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                     pfs_read_fn fn, void *arg)
{
    struct pfs_eval *e = pfs_eval_new(file, phone, zones);
    struct pfs_buf out autobuf = PFS_BUF_INIT(file->spec->max_size);
    if (!e)
        return -ENOMEM;
    e->on_read = fn;
    e->arg = arg;
    int r = render(e, &out, NULL);
    pfs_eval_free(e);
    return r;
}

int pfs_render_traced(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                      struct pfs_buf *out, struct pfs_trace *trace, struct pfs_err *err)
{
    struct pfs_eval *e = pfs_eval_new(file, phone, zones);
    if (!e)
        return pfs_err_nomem(err);
    e->trace = trace;
    out->limit = out->len + file->spec->max_size;
    int r = render(e, out, err);
    pfs_eval_free(e);
    return r;
}

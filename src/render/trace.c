#include "render/trace.h"

#include <assert.h>
#include <string.h>

void pfs_trace_done(struct pfs_trace *t)
{
    free(t->holes);
    free(t->guards);
    pfs_arena_done(&t->arena);
    *t = (struct pfs_trace){0};
}

void pfs_trace_give_up(struct pfs_eval *e)
{
    if (e->trace && e->depends)
        e->trace->given_up = true;
}

void pfs_trace_read(struct pfs_eval *e, const char *key, const struct pfs_catalogue_entry *entry)
{
    if (!e->trace)
        return;
    assert(pfs_reads_has(&e->file->spec->program->reads, entry->id)); /* a shape knows of no other */
    if (!e->depends)
        e->depends = !pfs_phone_is_shared(e->phone, e->line, key, entry);
}

/* ---- places ---- */

static bool same_variables(const struct pfs_variable *a, const struct pfs_variable *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].index != b[i].index || !pfs_str_same(a[i].value, b[i].value))
            return false;
    return true;
}

/* The loop variables as they are now: copied, as their texts live no longer than their loop. NULL: there are
 * none, or (given up) no memory. */
static const struct pfs_variable *copy_variables(struct pfs_eval *e)
{
    struct pfs_trace *t = e->trace;
    size_t n = e->file->spec->program->n_variables;
    if (n == 0 || (t->last && same_variables(t->last, e->variables, n)))
        return n ? t->last : NULL;
    struct pfs_variable *copy = pfs_arena_alloc(&t->arena, n * sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        struct pfs_str s = e->variables[i].value;
        char *text = pfs_arena_strndup(&t->arena, s.s ? s.s : "", s.len);
        if (!text)
            copy = NULL;
        else
            copy[i] = (struct pfs_variable){.value = {text, s.len}, .index = e->variables[i].index};
    }
    if (!copy)
        t->given_up = true;
    return t->last = copy;
}

static struct pfs_place place_of(struct pfs_eval *e, const struct pfs_expr *expr)
{
    return (struct pfs_place){.expr = *expr,
                              .line_number = e->line_number,
                              .in_line = e->line != NULL,
                              .variables = copy_variables(e),
                              .contact = e->contact,
                              .contact_index = e->contact_index};
}

/* Room for one more; NULL: given up. */
static void *grow(struct pfs_trace *t, void **items, size_t *n, size_t *cap, size_t size)
{
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        void *bigger = reallocarray(*items, more, size);
        if (!bigger) {
            t->given_up = true;
            return NULL;
        }
        *items = bigger;
        *cap = more;
    }
    return (char *)*items + (*n)++ * size;
}

void pfs_trace_guard(struct pfs_eval *e, const struct pfs_expr *condition, bool truth)
{
    struct pfs_trace *t = e->trace;
    if (!t || !e->depends || t->given_up || e->rehearsing)
        return;
    struct pfs_guard *g = grow(t, (void **)&t->guards, &t->n_guards, &t->cap_guards, sizeof *g);
    if (g)
        *g = (struct pfs_guard){.place = place_of(e, condition), .truth = truth};
    e->depends = false; /* it is settled */
}

/* ---- sources ---- */

/* The row of a layer in which a key stands: the same one in every phone of the shape. */
static bool find_row(const struct pfs_layer *l, const char *key, size_t *ret_row)
{
    const struct pfs_setting *s = pfs_layer_find(l, key, 0);
    if (s)
        *ret_row = (size_t)(s - l->settings);
    return s != NULL;
}

static bool find_source(const struct pfs_eval *e, const char *key, struct pfs_hole *h)
{
    const struct pfs_device *d = e->phone->device;
    const struct pfs_line *line = e->line;
    h->line = line ? (size_t)(line - d->lines) : 0;
    if (line && find_row(&line->settings, key, &h->row))
        h->source = PFS_SOURCE_LINE;
    else if (line && find_row(&line->account_settings, key, &h->row))
        h->source = PFS_SOURCE_ACCOUNT;
    else if (find_row(&d->settings, key, &h->row))
        h->source = PFS_SOURCE_DEVICE;
    else
        return false;
    return true;
}

/* Follows the defaults of a plain key as pfs_phone_get() does. It is known that the value is the phone's own.
 */
static void trace_source(const struct pfs_eval *e, const struct pfs_catalogue_entry *entry,
                         struct pfs_hole *h)
{
    while (!find_source(e, entry->key, h) && entry->default_kind == PFS_DEFAULT_KEY)
        entry = e->phone->catalogue->plain[entry->default_id];
    if (h->source == PFS_SOURCE_EXPR && entry->default_kind == PFS_DEFAULT_ACCOUNT && e->line)
        h->source = PFS_SOURCE_USER;
}

static void choose_source(const struct pfs_eval *e, struct pfs_hole *h)
{
    const struct pfs_expr *x = &h->place.expr;
    h->source = PFS_SOURCE_EXPR;
    if (x->n_pieces != 1 || x->pieces[0].n_filters != 0 || !e->phone->device)
        return;
    const struct pfs_ref *ref = &x->pieces[0].ref;
    if (ref->kind == PFS_REF_DEVICE_MAC)
        h->source = PFS_SOURCE_MAC;
    else if (ref->kind == PFS_REF_KEY)
        trace_source(e, ref->entry, h);
}

void pfs_trace_hole(struct pfs_eval *e, const struct pfs_op *op, const struct pfs_expr *expr)
{
    struct pfs_trace *t = e->trace;
    if (!t || !e->depends || t->given_up || e->rehearsing)
        return;
    struct pfs_hole *h = grow(t, (void **)&t->holes, &t->n_holes, &t->cap_holes, sizeof *h);
    if (!h)
        return;
    *h = (struct pfs_hole){
        .at = e->emit.value_at, .len = e->emit.value_len, .op = op, .place = place_of(e, expr)};
    choose_source(e, h);
}

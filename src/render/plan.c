#include "render/plan.h"
#include "base/lru.h"
#include "render/digest.h"
#include "render/trace.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    DEFAULT_LIMIT = 64 << 20,
    SHAPE_MAX = 2048,
    FEW_READS = 16, /* settings of a base that are told by their values … */
    FEW_BYTES = 512 /* … where these are no longer */
};
enum { VALUE_ROOM = 64 /* bytes expected of a value */ };

/* ---- shapes ---- */

/* What phones with one plan have in common, as bytes: the file, what they share, and which keys that the file
 * may read each of their own layers sets, at which place. Pointers are identities: a plan keeps what they
 * point to. */
struct shape {
    size_t len;
    bool too_long;
    bool by_base; /* the base is among the pointers */
    unsigned char bytes[SHAPE_MAX];
};

static void add(struct shape *s, const void *bytes, size_t n)
{
    if (n > sizeof s->bytes - s->len) {
        s->too_long = true;
        return;
    }
    memcpy(s->bytes + s->len, bytes, n);
    s->len += n;
}

static bool reads_few(const struct pfs_reads *r, size_t n_plain)
{
    size_t n = 0;
    for (size_t i = 0; r->plain && i <= n_plain / 64; i++)
        n += (size_t)__builtin_popcountll(r->plain[i]);
    return n <= FEW_READS && !r->indexed;
}

static bool has_overrides(const struct pfs_base *b)
{
    for (size_t i = 0; i < b->n_others; i++)
        if (strchr(b->others[i].key, ':'))
            return true;
    return false;
}

static void add_values(struct shape *s, const struct pfs_reads *r, const struct pfs_base *b)
{
    for (size_t id = 0; id < b->catalogue->n_plain; id++) {
        const char *text = b->plain[id].text;
        if (!pfs_reads_has(r, (int)id))
            continue;
        add(s, text ? "+" : "-", 1);
        if (text)
            add(s, text, strlen(text) + 1);
    }
}

/* What the base says: where a file reads few settings, as those of phone books do, their values, so that
 * phones whose bases differ in others have one plan; else the base itself. */
static void add_base(struct shape *s, const struct pfs_reads *r, const struct pfs_base *b)
{
    size_t start = s->len;
    s->by_base = !reads_few(r, b->catalogue->n_plain) || has_overrides(b);
    if (!s->by_base)
        add_values(s, r, b);
    if (s->too_long || s->len - start > FEW_BYTES) {
        s->by_base = true;
        s->too_long = false;
        s->len = start;
    }
    if (s->by_base)
        add(s, &b, sizeof(void *));
    add(s, s->by_base ? "b" : "v", 1);
}

/* False: a value is scheduled or has ended. */
static bool add_row(struct shape *s, const struct pfs_setting *row, uint16_t at)
{
    int16_t id = (int16_t)row->id;
    if (row->from != 0 || !row->value)
        return false;
    add(s, &at, sizeof at);
    add(s, &id, sizeof id);
    if (row->id < 0)
        add(s, row->key, strlen(row->key) + 1);
    return true;
}

/* False: by no plan. So with an override, which may be put anywhere. */
static bool add_layer(struct shape *s, const struct pfs_reads *reads, const struct pfs_layer *l)
{
    static const uint16_t end = UINT16_MAX;
    for (size_t i = 0; i < l->n; i++) {
        const struct pfs_setting *row = &l->settings[i];
        if (row->id < 0 && strchr(row->key, ':'))
            return false;
        if (pfs_reads_has(reads, row->id) && !add_row(s, row, (uint16_t)i))
            return false;
    }
    add(s, &end, sizeof end);
    return l->n < end;
}

static bool has_other_customers(const struct pfs_phone *p)
{
    for (size_t i = 0; p->line_customers && i < p->n_customer_layers; i++)
        if (p->line_customers[i])
            return true;
    return false;
}

static bool add_device(struct shape *s, const struct pfs_reads *reads, const struct pfs_device *d)
{
    bool ok = add_layer(s, reads, &d->settings);
    for (size_t i = 0; ok && i < d->n_lines; i++) {
        const struct pfs_line *l = &d->lines[i];
        uint16_t number = (uint16_t)(l->number << 1 | (l->account != NULL));
        add(s, &number, sizeof number);
        ok = add_layer(s, reads, &l->settings) && add_layer(s, reads, &l->account_settings);
    }
    return ok;
}

/* False: it is rendered in full. */
static bool make_shape(const struct pfs_file *file, const struct pfs_phone *p, const struct pfs_zones *zones,
                       struct shape *ret)
{
    if (!p->device || !p->base || p->mask || has_other_customers(p))
        return false;
    uint64_t serial = pfs_zones_serial(zones);
    ret->len = 0;
    ret->too_long = false;
    add(ret, &file, sizeof(void *));
    add(ret, &serial, sizeof serial);
    add_base(ret, &file->spec->program->reads, p->base);
    if (file->spec->has_contacts) {
        add(ret, &p->directory, sizeof(void *));
        add(ret, &p->max_contacts, sizeof p->max_contacts);
    }
    return add_device(ret, &file->spec->program->reads, p->device) && !ret->too_long;
}

/* ---- plans ---- */

struct plan {
    unsigned refs; /* atomic */
    struct pfs_template *tmpl;
    struct pfs_base *base;           /* NULL: the shape is not by the base */
    struct pfs_directory *directory; /* NULL: none, or the file has no contacts */
    char *literals;                  /* the output without its holes */
    size_t literals_len;
    size_t n_holes, n_guards;
    struct pfs_hole *holes; /* `at`: where in the literals it is */
    struct pfs_guard *guards;
    struct pfs_arena arena; /* the places' variables */
    size_t size;            /* bytes it takes */
};

static void plan_unref(struct plan *p)
{
    if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pfs_template_unref(p->tmpl);
    pfs_base_unref(p->base);
    pfs_directory_unref(p->directory);
    free(p->literals);
    free(p->holes);
    free(p->guards);
    pfs_arena_done(&p->arena);
    free(p);
}

static struct plan *plan_ref(struct plan *p)
{
    __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

/* The traced output without the holes, whose places are then in what is left. NULL: out of memory. */
static char *cut_holes(const char *bytes, size_t len, struct pfs_trace *t, size_t *ret_len)
{
    char *literals = malloc(len + 1);
    size_t from = 0, out = 0;
    for (size_t i = 0; literals && i < t->n_holes; i++) {
        struct pfs_hole *h = &t->holes[i];
        memcpy(literals + out, bytes + from, h->at - from);
        out += h->at - from;
        from = h->at + h->len;
        h->at = out;
    }
    if (literals && len > from) /* an empty file has no bytes at all */
        memcpy(literals + out, bytes + from, len - from);
    *ret_len = out + len - from;
    return literals;
}

/* Takes what the trace holds. NULL: out of memory; it is rendered in full then. */
static struct plan *plan_new(const struct pfs_file *file, const struct pfs_phone *phone,
                             const struct shape *s, const char *bytes, size_t len, struct pfs_trace *t)
{
    struct plan *p = calloc(1, sizeof *p);
    if (!p || !(p->literals = cut_holes(bytes, len, t, &p->literals_len))) {
        free(p);
        return NULL;
    }
    p->refs = 1;
    p->tmpl = pfs_template_ref((struct pfs_template *)file->model->tmpl);
    p->base = s->by_base ? pfs_base_ref((struct pfs_base *)phone->base) : NULL;
    if (file->spec->has_contacts && phone->directory)
        p->directory = pfs_directory_ref((struct pfs_directory *)phone->directory);
    p->n_holes = t->n_holes;
    p->holes = steal_ptr(&t->holes);
    p->n_guards = t->n_guards;
    p->guards = steal_ptr(&t->guards);
    p->arena = t->arena;
    t->arena = (struct pfs_arena){0};
    p->size =
        sizeof *p + p->literals_len + t->cap_holes * sizeof *p->holes + t->cap_guards * sizeof *p->guards;
    return p;
}

/* ---- rendering by one ---- */

struct runner {
    const struct plan *plan;
    const struct pfs_file *file;
    const struct pfs_phone *phone;
    struct pfs_zones *zones;
    struct pfs_buf *out;
    struct pfs_eval *e; /* made when an expression has to be evaluated */
};

/* Evaluates a place's expression for this phone. */
static int eval_place(struct runner *r, const struct pfs_place *place, struct pfs_str *ret)
{
    if (!r->e && !(r->e = pfs_eval_new(r->file, r->phone, r->zones)))
        return -ENOMEM;
    struct pfs_eval *e = r->e;
    size_t n = r->file->spec->program->n_variables;
    if (place->variables)
        memcpy(e->variables, place->variables, n * sizeof *e->variables);
    e->line_number = place->line_number;
    e->line = place->in_line ? pfs_phone_line(r->phone, place->line_number) : NULL;
    e->contact = place->contact;
    e->contact_index = place->contact_index;
    pfs_arena_reset(&e->scratch);
    return pfs_eval_expr(e, &place->expr, ret, NULL);
}

static int user_of(struct runner *r, const struct pfs_hole *h, struct pfs_str *ret)
{
    const char *account = r->phone->device->lines[h->line].account;
    *ret = (struct pfs_str){account, PFS_MIN(strcspn(account, "@"), (size_t)PFS_KEY_MAX - 1)};
    return 0;
}

static int value_of(struct runner *r, const struct pfs_hole *h, struct pfs_str *ret)
{
    const struct pfs_device *d = r->phone->device;
    switch (h->source) {
    case PFS_SOURCE_EXPR:
        return eval_place(r, &h->place, ret);
    case PFS_SOURCE_DEVICE:
        *ret = pfs_str_of(d->settings.settings[h->row].value);
        return 0;
    case PFS_SOURCE_LINE:
        *ret = pfs_str_of(d->lines[h->line].settings.settings[h->row].value);
        return 0;
    case PFS_SOURCE_ACCOUNT:
        *ret = pfs_str_of(d->lines[h->line].account_settings.settings[h->row].value);
        return 0;
    case PFS_SOURCE_USER:
        return user_of(r, h, ret);
    case PFS_SOURCE_MAC:
        *ret = pfs_str_of(d->mac_text);
        return 0;
    }
    return -EINVAL;
}

static bool guards_hold(struct runner *r)
{
    for (size_t i = 0; i < r->plan->n_guards; i++) {
        struct pfs_str value;
        const struct pfs_guard *g = &r->plan->guards[i];
        if (eval_place(r, &g->place, &value) < 0 || pfs_str_true(value) != g->truth)
            return false;
    }
    return true;
}

static int write_all(struct runner *r)
{
    const struct plan *p = r->plan;
    size_t from = 0;
    pfs_buf_reserve(r->out, p->literals_len + p->n_holes * VALUE_ROOM);
    for (size_t i = 0; i < p->n_holes; i++) {
        const struct pfs_hole *h = &p->holes[i];
        struct pfs_str value;
        pfs_buf_add(r->out, p->literals + from, h->at - from);
        from = h->at;
        int result = value_of(r, h, &value);
        if (result == 0)
            result = pfs_eval_write_value(r->file->spec, h->op, value, r->out);
        if (result < 0)
            return result;
    }
    pfs_buf_add(r->out, p->literals + from, p->literals_len - from);
    return pfs_buf_error(r->out);
}

/* False: not by this plan; out is as it was. Contacts find no room in the last part of a file: one that long
 * may have fewer of them than the plan. */
static bool run_plan(struct runner *r)
{
    const struct pfs_file_spec *spec = r->file->spec;
    size_t start = r->out->len;
    r->out->limit = start + spec->max_size - (spec->has_contacts ? spec->max_size / PFS_CONTACTS_RESERVE : 0);
    bool done = guards_hold(r) && write_all(r) == 0;
    pfs_eval_free(r->e);
    if (!done) {
        r->out->len = start;
        r->out->error = 0;
    }
    return done;
}

/* ---- the cache ---- */

/* What is known of a shape. */
struct known {
    struct plan *plan;           /* NULL: it was seen once, or it has none */
    bool never;                  /* it has none */
    struct known *newer, *older; /* order of use */
    size_t len;
    unsigned char shape[];
};

struct pool {
    struct pfs_map shapes; /* to struct known */
    struct known *newest, *oldest;
    size_t bytes, limit;
};

struct pfs_plans {
    pthread_mutex_t lock;
    struct pool phones, books; /* without contacts; with */
    uint64_t hits, misses;     /* atomic */
};

static struct pool *pool_of(struct pfs_plans *p, const struct pfs_file *file)
{
    return file->spec->has_contacts ? &p->books : &p->phones;
}

static void set_limit(struct pfs_plans *p, size_t limit)
{
    p->books.limit = limit / 2;
    p->phones.limit = limit - p->books.limit;
}

int pfs_plans_new(size_t limit, struct pfs_plans **ret)
{
    struct pfs_plans *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    pthread_mutex_init(&p->lock, NULL);
    set_limit(p, limit ? limit : DEFAULT_LIMIT);
    *ret = p;
    return 0;
}

void pfs_plans_set_limit(struct pfs_plans *p, size_t limit)
{
    pthread_mutex_lock(&p->lock);
    set_limit(p, limit);
    pthread_mutex_unlock(&p->lock);
}

static size_t size_of(const struct known *k)
{
    return sizeof *k + 2 * k->len + (k->plan ? k->plan->size : 0);
}

static void remove_known(struct pool *p, struct known *k)
{
    pfs_map_remove(&p->shapes, k->shape, k->len);
    pfs_lru_remove(p, k);
    p->bytes -= size_of(k);
    plan_unref(k->plan);
    free(k);
}

static void empty(struct pool *p)
{
    while (p->oldest)
        remove_known(p, p->oldest);
    pfs_map_done(&p->shapes);
}

void pfs_plans_free(struct pfs_plans *p)
{
    if (!p)
        return;
    empty(&p->phones);
    empty(&p->books);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void shrink(struct pool *p)
{
    while (p->bytes > p->limit && p->oldest && p->oldest != p->newest)
        remove_known(p, p->oldest);
}

/* A shape that is new. NULL: out of memory. */
static struct known *note_seen(struct pool *p, const struct shape *s)
{
    struct known *k = calloc(1, sizeof *k + s->len);
    if (!k)
        return NULL;
    k->len = s->len;
    memcpy(k->shape, s->bytes, s->len);
    if (pfs_map_put(&p->shapes, k->shape, k->len, k, NULL) < 0) {
        free(k);
        return NULL;
    }
    pfs_lru_add(p, k);
    p->bytes += size_of(k);
    shrink(p);
    return k;
}

/* The plan of a shape, a reference for the caller; NULL: none yet. *ret_trace: make one, it is worth while.
 */
static struct plan *take(struct pfs_plans *plans, struct pool *p, const struct shape *s, bool *ret_trace)
{
    struct plan *plan = NULL;
    pthread_mutex_lock(&plans->lock);
    struct known *k = pfs_map_get(&p->shapes, s->bytes, s->len);
    bool again = k != NULL;
    if (again)
        pfs_lru_use(p, k);
    else
        k = note_seen(p, s);
    if (k && k->plan)
        plan = plan_ref(k->plan);
    *ret_trace = k && !plan && !k->never && (again || p == &plans->books);
    pthread_mutex_unlock(&plans->lock);
    return plan;
}

/* Keeps a plan (takes the reference), or that there is none. */
static void put(struct pfs_plans *plans, struct pool *p, const struct shape *s, struct plan *plan)
{
    pthread_mutex_lock(&plans->lock);
    struct known *k = pfs_map_get(&p->shapes, s->bytes, s->len);
    if (k && !k->plan && plan) {
        k->plan = steal_ptr(&plan);
        p->bytes += k->plan->size;
        shrink(p);
    } else if (k && !k->plan) {
        k->never = true;
    }
    pthread_mutex_unlock(&plans->lock);
    plan_unref(plan);
}

static int render_traced(struct pfs_plans *plans, const struct shape *s, const struct pfs_file *file,
                         const struct pfs_phone *phone, struct pfs_zones *zones, struct pfs_buf *out,
                         struct pfs_err *err)
{
    struct pfs_trace t = {0};
    size_t start = out->len;
    int r = pfs_render_traced(file, phone, zones, out, &t, err);
    if (r == 0) {
        for (size_t i = 0; i < t.n_holes; i++)
            t.holes[i].at -= start;
        put(plans, pool_of(plans, file), s,
            t.given_up ? NULL : plan_new(file, phone, s, out->data + start, out->len - start, &t));
    }
    pfs_trace_done(&t);
    return r;
}

int pfs_plans_render(struct pfs_plans *plans, const struct pfs_file *file, const struct pfs_phone *phone,
                     struct pfs_zones *zones, struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_file *target = pfs_digest_target(file);
    if (target) {
        size_t start = out->len;
        int r = pfs_plans_render(plans, target, phone, zones, out, err);
        return r < 0 ? r : pfs_digest_replace(out, start, err);
    }
    struct shape s;
    bool trace = false;
    if (!plans || !make_shape(file, phone, zones, &s))
        return pfs_render(file, phone, zones, out, NULL, NULL, err);
    struct plan *plan = take(plans, pool_of(plans, file), &s, &trace);
    struct runner r = {.plan = plan, .file = file, .phone = phone, .zones = zones, .out = out};
    bool done = plan && run_plan(&r);
    plan_unref(plan);
    __atomic_add_fetch(done ? &plans->hits : &plans->misses, 1, __ATOMIC_RELAXED);
    if (done)
        return 0;
    return trace ? render_traced(plans, &s, file, phone, zones, out, err)
                 : pfs_render(file, phone, zones, out, NULL, NULL, err);
}

void pfs_plans_counts(struct pfs_plans *p, struct pfs_plans_counts *ret)
{
    pthread_mutex_lock(&p->lock);
    *ret = (struct pfs_plans_counts){.hits = __atomic_load_n(&p->hits, __ATOMIC_RELAXED),
                                     .misses = __atomic_load_n(&p->misses, __ATOMIC_RELAXED),
                                     .n = p->phones.shapes.n + p->books.shapes.n,
                                     .bytes = p->phones.bytes + p->books.bytes,
                                     .limit = p->phones.limit + p->books.limit};
    pthread_mutex_unlock(&p->lock);
}

#include "core/resolve.h"
#include "base/map.h"
#include "core/shelf.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    BASES_MAX = 4096,      /* folded chains kept; past that all are dropped and made again at need */
    PROFILE_DEPTH_MAX = 64 /* profiles above each other; the store refuses cycles */
};

/* A scope in memory. Counted: bases and inputs keep it. */
struct pfs_scope_object {
    unsigned refs; /* atomic */
    struct pfs_arena arena;
    struct pfs_layer layer;
    int64_t parent, customer;
};

struct scope_key {
    int64_t scope, id;
};

struct base_key {
    int64_t model, profile, customer;
};

/* What a base keeps alive, and which scopes it stands on. */
struct base_owner {
    size_t n_objects;
    struct pfs_scope_object **objects;
    size_t n_dependencies;
    struct pfs_dependency dependencies[PROFILE_DEPTH_MAX + 3];
};

struct pfs_resolver {
    pthread_mutex_t lock;
    const struct pfs_catalogue *catalogue;
    bool loaded;
    struct pfs_watermark at;
    struct pfs_map objects; /* scope_key to struct pfs_scope_object, a reference each */
    struct pfs_map models;  /* name to the MODEL objects among them, borrowed */
    struct pfs_map bases;   /* base_key to struct pfs_base, a reference each */
    struct pfs_shelves shelves;
};

/* ---- scope objects ---- */

static struct pfs_scope_object *object_ref(struct pfs_scope_object *o)
{
    __atomic_add_fetch(&o->refs, 1, __ATOMIC_RELAXED);
    return o;
}

static void object_unref(struct pfs_scope_object *o)
{
    if (!o || __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pfs_arena_done(&o->arena);
    free(o);
}

static int copy_layer(struct pfs_arena *a, const struct pfs_layer *from, struct pfs_layer *to)
{
    struct pfs_setting *settings = pfs_arena_alloc(a, from->n * sizeof *settings);
    *to = *from;
    to->name = pfs_arena_strdup(a, from->name ? from->name : "");
    to->settings = settings;
    if (!settings || !to->name)
        return -ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        const struct pfs_setting *s = &from->settings[i];
        settings[i] = *s;
        settings[i].key = pfs_arena_strdup(a, s->key);
        settings[i].value = s->value ? pfs_arena_strdup(a, s->value) : NULL;
        if (!settings[i].key || (s->value && !settings[i].value))
            return -ENOMEM;
    }
    return 0;
}

static void remove_object(struct pfs_resolver *r, enum pfs_scope scope, int64_t id)
{
    struct scope_key key = {scope, id};
    struct pfs_scope_object *o = pfs_map_remove(&r->objects, &key, sizeof key);
    if (o && scope == PFS_SCOPE_MODEL && pfs_map_get(&r->models, o->layer.name, strlen(o->layer.name)) == o)
        pfs_map_remove(&r->models, o->layer.name, strlen(o->layer.name));
    object_unref(o);
}

/* pfs_scope_fn: takes a row into memory, in place of what was there. */
static int take_row(void *arg, const struct pfs_scope_row *row)
{
    struct pfs_resolver *r = arg;
    struct pfs_scope_object *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    o->refs = 1;
    o->parent = row->parent;
    o->customer = row->customer;
    struct scope_key key = {row->layer.scope, row->layer.object};
    remove_object(r, row->layer.scope, row->layer.object);
    if (copy_layer(&o->arena, &row->layer, &o->layer) < 0 ||
        pfs_map_put(&r->objects, &key, sizeof key, o, NULL) < 0) {
        object_unref(o);
        return -ENOMEM;
    }
    if (row->layer.scope == PFS_SCOPE_MODEL)
        return pfs_map_put(&r->models, o->layer.name, strlen(o->layer.name), o, NULL);
    return 0;
}

static struct pfs_scope_object *find_object(const struct pfs_resolver *r, enum pfs_scope scope, int64_t id)
{
    struct scope_key key = {scope, id};
    return pfs_map_get(&r->objects, &key, sizeof key);
}

/* ---- keeping up with the store ---- */

static void drop_bases(struct pfs_resolver *r)
{
    for (struct pfs_map_entry *e = pfs_map_next(&r->bases, NULL); e; e = pfs_map_next(&r->bases, e))
        pfs_base_unref(e->value);
    pfs_map_done(&r->bases);
}

static void forget(struct pfs_resolver *r)
{
    pfs_shelves_clear(&r->shelves);
    drop_bases(r);
    for (struct pfs_map_entry *e = pfs_map_next(&r->objects, NULL); e; e = pfs_map_next(&r->objects, e))
        object_unref(e->value);
    pfs_map_done(&r->objects);
    pfs_map_done(&r->models);
    r->loaded = false;
}

static int load_all(struct pfs_resolver *r, struct pfs_store *s, struct pfs_err *err)
{
    forget(r);
    int ret = pfs_store_scopes(s, take_row, r, err);
    r->loaded = ret == 0;
    return ret;
}

/* The scopes that the feed names, each once. */
struct touched {
    bool all;
    struct pfs_map scopes; /* scope_key to non-NULL */
};

static int note_change(void *arg, enum pfs_scope scope, int64_t id)
{
    struct touched *t = arg;
    struct scope_key key = {scope, id};
    if (scope == PFS_SCOPE_DEFAULT)
        t->all = true;
    if (scope == PFS_SCOPE_DEFAULT || scope == PFS_SCOPE_DEVICE)
        return 0;
    return pfs_map_put(&t->scopes, &key, sizeof key, t, NULL);
}

static bool stands_on(const struct pfs_base *b, const struct touched *t)
{
    const struct base_owner *owner = b->owner;
    for (size_t i = 0; i < owner->n_dependencies; i++) {
        struct scope_key key = {owner->dependencies[i].scope, owner->dependencies[i].id};
        if (pfs_map_get(&t->scopes, &key, sizeof key))
            return true;
    }
    return false;
}

/* Takes out the bases that stand on a touched scope. */
static int drop_touched_bases(struct pfs_resolver *r, const struct touched *t)
{
    autofree struct base_key *keys = calloc(r->bases.n + 1, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return -ENOMEM;
    for (struct pfs_map_entry *e = pfs_map_next(&r->bases, NULL); e; e = pfs_map_next(&r->bases, e))
        if (stands_on(e->value, t))
            memcpy(&keys[n++], e->key, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        pfs_base_unref(pfs_map_remove(&r->bases, &keys[i], sizeof keys[i]));
    return 0;
}

static int reload_touched(struct pfs_resolver *r, struct pfs_store *s, const struct touched *t, int64_t gen,
                          struct pfs_err *err)
{
    for (struct pfs_map_entry *e = pfs_map_next(&t->scopes, NULL); e; e = pfs_map_next(&t->scopes, e)) {
        struct scope_key key;
        memcpy(&key, e->key, sizeof key);
        if (key.scope == PFS_SCOPE_CUSTOMER)
            pfs_shelves_touch(&r->shelves, key.id, gen);
        remove_object(r, (enum pfs_scope)key.scope, key.id);
        int ret = pfs_store_scope(s, (enum pfs_scope)key.scope, key.id, take_row, r, err);
        if (ret < 0)
            return ret;
    }
    return drop_touched_bases(r, t) < 0 ? pfs_err_nomem(err) : 0;
}

static int catch_up(struct pfs_resolver *r, struct pfs_store *s, int64_t gen, struct pfs_err *err)
{
    struct touched t = {0};
    int ret = pfs_store_changes(s, r->at.gen, note_change, &t, err);
    if (ret == -ESTALE || (ret == 0 && t.all))
        ret = load_all(r, s, err);
    else if (ret == 0)
        ret = reload_touched(r, s, &t, gen, err);
    pfs_map_done(&t.scopes);
    return ret;
}

/* Brings the scopes in memory to the snapshot of s. -ESTALE: they are past it. */
static int sync_to(struct pfs_resolver *r, struct pfs_store *s, struct pfs_err *err)
{
    struct pfs_watermark now;
    int ret = pfs_store_watermark(s, &now, err);
    if (ret < 0)
        return ret;
    if (!r->loaded || r->at.epoch != now.epoch)
        ret = load_all(r, s, err);
    else if (now.gen < r->at.gen)
        return pfs_err_set(err, ESTALE, "the inventory moved on meanwhile");
    else if (now.gen > r->at.gen)
        ret = catch_up(r, s, now.gen, err);
    if (ret < 0) {
        forget(r); /* half brought up: worth nothing */
        return ret;
    }
    r->at = now;
    return 0;
}

int pfs_resolver_new(const struct pfs_catalogue *c, struct pfs_resolver **ret)
{
    struct pfs_resolver *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    pthread_mutex_init(&r->lock, NULL);
    r->catalogue = c;
    *ret = r;
    return 0;
}

void pfs_resolver_reset(struct pfs_resolver *r)
{
    pthread_mutex_lock(&r->lock);
    forget(r);
    pthread_mutex_unlock(&r->lock);
}

void pfs_resolver_free(struct pfs_resolver *r)
{
    if (!r)
        return;
    forget(r);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- bases ---- */

/* A chain being put together, weakest first. */
struct chain {
    size_t n;
    struct pfs_scope_object *objects[PROFILE_DEPTH_MAX + 3];
    size_t n_dependencies;
    struct pfs_dependency dependencies[PROFILE_DEPTH_MAX + 3];
};

static struct pfs_scope_object *depend(struct pfs_resolver *r, struct chain *c, enum pfs_scope scope,
                                       int64_t id)
{
    c->dependencies[c->n_dependencies++] = (struct pfs_dependency){scope, id};
    return find_object(r, scope, id);
}

static void add(struct chain *c, struct pfs_scope_object *o)
{
    if (o)
        c->objects[c->n++] = o;
}

/* The profile and what is above it, root first. */
static size_t find_profiles(struct pfs_resolver *r, struct chain *c, int64_t profile,
                            struct pfs_scope_object **ret)
{
    struct pfs_scope_object *up[PROFILE_DEPTH_MAX];
    size_t n = 0;
    while (profile && n < PROFILE_DEPTH_MAX) {
        struct pfs_scope_object *o = depend(r, c, PFS_SCOPE_PROFILE, profile);
        if (!o)
            break;
        up[n++] = o;
        profile = o->parent;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = up[n - 1 - i];
    return n;
}

static void build_chain(struct pfs_resolver *r, const struct base_key *key, struct chain *c)
{
    struct pfs_scope_object *profiles[PROFILE_DEPTH_MAX];
    *c = (struct chain){0};
    add(c, depend(r, c, PFS_SCOPE_SITE, 0));
    if (key->model)
        add(c, depend(r, c, PFS_SCOPE_MODEL, key->model));
    size_t n = find_profiles(r, c, key->profile, profiles), i = 0;
    for (; i < n && profiles[i]->customer == 0; i++)
        add(c, profiles[i]);
    if (key->customer)
        add(c, depend(r, c, PFS_SCOPE_CUSTOMER, key->customer));
    for (; i < n; i++)
        add(c, profiles[i]);
}

static void owner_unref(void *arg)
{
    struct base_owner *o = arg;
    for (size_t i = 0; i < o->n_objects; i++)
        object_unref(o->objects[i]);
    free(o->objects);
    free(o);
}

static int make_owner(const struct chain *c, struct base_owner **ret)
{
    struct base_owner *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    o->objects = calloc(c->n + 1, sizeof(void *));
    if (!o->objects) {
        free(o);
        return -ENOMEM;
    }
    for (size_t i = 0; i < c->n; i++)
        o->objects[o->n_objects++] = object_ref(c->objects[i]);
    o->n_dependencies = c->n_dependencies;
    memcpy(o->dependencies, c->dependencies, sizeof c->dependencies);
    *ret = o;
    return 0;
}

static int make_base(struct pfs_resolver *r, const struct chain *c, int64_t now, struct pfs_base **ret)
{
    const struct pfs_layer *layers[PROFILE_DEPTH_MAX + 3];
    struct base_owner *owner;
    if (make_owner(c, &owner) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < c->n; i++)
        layers[i] = &c->objects[i]->layer;
    struct pfs_base *b;
    if (pfs_base_new(r->catalogue, layers, c->n, now, &b) < 0) {
        owner_unref(owner);
        return -ENOMEM;
    }
    b->owner = owner;
    b->owner_unref = owner_unref;
    *ret = b;
    return 0;
}

/* The base for a model, profile and customer at `now`, a reference for the caller. */
static int get_base(struct pfs_resolver *r, struct base_key key, int64_t now, struct pfs_base **ret)
{
    struct pfs_base *b = pfs_map_get(&r->bases, &key, sizeof key);
    if (b && now >= b->now && now < b->next) {
        *ret = pfs_base_ref(b);
        return 0;
    }
    struct chain c;
    void *old;
    build_chain(r, &key, &c);
    if (make_base(r, &c, now, &b) < 0)
        return -ENOMEM;
    if (r->bases.n >= BASES_MAX)
        drop_bases(r);
    *ret = pfs_base_ref(b);
    if (pfs_map_put(&r->bases, &key, sizeof key, b, &old) < 0) {
        pfs_base_unref(b); /* not kept: made again next time */
        return 0;
    }
    pfs_base_unref(old);
    return 0;
}

/* ---- inputs ---- */

struct pfs_inputs *pfs_inputs_ref(struct pfs_inputs *i)
{
    __atomic_add_fetch(&i->refs, 1, __ATOMIC_RELAXED);
    return i;
}

void pfs_inputs_unref(struct pfs_inputs *i)
{
    if (!i || __atomic_sub_fetch(&i->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t j = 0; j < i->n_held; j++)
        object_unref(i->held[j]);
    free(i->held);
    free(i->line_customers);
    pfs_directory_unref(i->directory);
    pfs_base_unref(i->base);
    pfs_device_unref(i->device);
    free(i);
}

void pfs_inputs_phone(const struct pfs_inputs *i, struct pfs_phone *ret)
{
    *ret = (struct pfs_phone){
        .catalogue = i->catalogue,
        .base = i->base,
        .device = i->device,
        .now = i->now,
        .n_customer_layers = i->line_customers && i->device ? i->device->n_lines : 0,
        .line_customers = i->line_customers,
        .directory = i->directory,
    };
}

static bool has_other_customer(const struct pfs_device *d, const struct pfs_line *l)
{
    return l->account_customer && l->account_customer != d->customer;
}

/* The scopes the base stands on, and the customers of the device and of its accounts. */
static int collect_dependencies(struct pfs_inputs *i, const struct pfs_base *b)
{
    const struct base_owner *owner = b->owner;
    struct pfs_device *d = i->device;
    i->shared = owner->dependencies;
    i->n_shared = owner->n_dependencies;
    if (!d)
        return 0;
    i->own = pfs_arena_alloc(&d->arena, (1 + d->n_lines) * sizeof *i->own);
    if (!i->own)
        return -ENOMEM;
    if (d->customer) /* it may set nothing yet, and so have no part in the base */
        i->own[i->n_own++] = (struct pfs_dependency){PFS_SCOPE_CUSTOMER, d->customer};
    for (size_t j = 0; j < d->n_lines; j++)
        if (has_other_customer(d, &d->lines[j]))
            i->own[i->n_own++] = (struct pfs_dependency){PFS_SCOPE_CUSTOMER, d->lines[j].account_customer};
    return 0;
}

/* The layers of accounts' other customers. */
static int collect_line_customers(struct pfs_resolver *r, struct pfs_inputs *i)
{
    const struct pfs_device *d = i->device;
    for (size_t j = 0; d && j < d->n_lines; j++) {
        struct pfs_scope_object *o = NULL;
        if (has_other_customer(d, &d->lines[j]))
            o = find_object(r, PFS_SCOPE_CUSTOMER, d->lines[j].account_customer);
        if (!o)
            continue;
        if (!i->held) {
            i->held = calloc(d->n_lines, sizeof(void *));
            i->line_customers = calloc(d->n_lines, sizeof(void *));
            if (!i->held || !i->line_customers)
                return -ENOMEM;
        }
        i->held[i->n_held++] = object_ref(o);
        i->line_customers[j] = &o->layer;
    }
    return 0;
}

static bool ends_in_account(const char *key)
{
    static const char suffix[] = ".account";
    size_t len = strlen(key);
    return len >= sizeof suffix && strcmp(key + len - (sizeof suffix - 1), suffix) == 0;
}

/* The accounts that keys point to, of the device's own settings and of the base's. */
static int collect_references(struct pfs_store *s, struct pfs_inputs *i, struct pfs_err *err)
{
    struct pfs_device *d = i->device;
    int r = 0;
    for (size_t j = 0; j < d->settings.n && r == 0; j++) {
        const struct pfs_setting *setting = &d->settings.settings[j];
        if (setting->value && *setting->value && ends_in_account(setting->key))
            r = pfs_store_reference(s, d, setting->value, err);
    }
    for (size_t j = 0; j < i->base->n_others && r == 0; j++)
        if (ends_in_account(i->base->others[j].key) && *i->base->others[j].value.text)
            r = pfs_store_reference(s, d, i->base->others[j].value.text, err);
    return r;
}

static int fill(struct pfs_resolver *r, struct pfs_store *s, struct pfs_inputs *i, struct base_key key,
                struct pfs_err *err)
{
    pthread_mutex_lock(&r->lock);
    int ret = sync_to(r, s, err);
    if (ret == 0 && !find_object(r, PFS_SCOPE_CUSTOMER, key.customer))
        key.customer = 0; /* so that all customers that set nothing share one base */
    if (ret == 0)
        ret = get_base(r, key, i->now, &i->base) < 0 || collect_line_customers(r, i) < 0 ? pfs_err_nomem(err)
                                                                                         : 0;
    pthread_mutex_unlock(&r->lock);
    if (ret == 0 && i->device)
        ret = collect_references(s, i, err);
    if (ret == 0 && collect_dependencies(i, i->base) < 0)
        ret = pfs_err_nomem(err);
    if (ret < 0)
        return ret;
    struct pfs_phone phone;
    pfs_inputs_phone(i, &phone);
    i->next = pfs_phone_next(&phone);
    i->came = pfs_phone_came(&phone);
    return 0;
}

/* Takes the device over, also on error. */
static int make_inputs(struct pfs_resolver *r, struct pfs_store *s, struct pfs_device *d, struct base_key key,
                       int64_t now, struct pfs_inputs **ret, struct pfs_err *err)
{
    struct pfs_inputs *i = calloc(1, sizeof *i);
    if (!i) {
        pfs_device_unref(d);
        return pfs_err_nomem(err);
    }
    i->refs = 1;
    i->catalogue = r->catalogue;
    i->device = d;
    i->now = now;
    int r2 = fill(r, s, i, key, err);
    if (r2 < 0) {
        pfs_inputs_unref(i);
        return r2;
    }
    *ret = i;
    return 0;
}

int pfs_resolve_device(struct pfs_resolver *r, struct pfs_store *s, uint64_t mac, int64_t now,
                       struct pfs_inputs **ret, struct pfs_err *err)
{
    struct pfs_device *d;
    int ok = pfs_store_device(s, mac, &d, err);
    if (ok < 0)
        return ok;
    return make_inputs(r, s, d, (struct base_key){d->model_id, d->profile, d->customer}, now, ret, err);
}

/* ---- directories ---- */

static int draft_account(void *arg, const char *account, const struct pfs_layer *settings)
{
    return pfs_directory_draft_add(arg, account, settings);
}

static int read_directory(struct pfs_resolver *r, struct pfs_store *s, int64_t customer, int64_t now,
                          const struct pfs_directory *like, struct pfs_directory **ret, struct pfs_err *err)
{
    struct pfs_directory_draft draft;
    pfs_directory_draft_init(&draft, r->catalogue, now);
    int ok = pfs_store_directory(s, customer, draft_account, &draft, err);
    if (ok == 0)
        ok = pfs_directory_new(&draft, like, ret);
    pfs_directory_draft_done(&draft);
    return ok == -ENOMEM ? pfs_err_nomem(err) : ok;
}

/* Many accounts take their time to read: the lock is not held meanwhile. */
static int get_directory(struct pfs_resolver *r, struct pfs_store *s, int64_t customer, int64_t now,
                         struct pfs_directory **ret, struct pfs_err *err)
{
    struct pfs_directory *like = NULL;
    pthread_mutex_lock(&r->lock);
    int ok = sync_to(r, s, err);
    struct pfs_watermark at = r->at;
    *ret = ok == 0 ? pfs_shelves_take(&r->shelves, customer, now, at.gen, &like) : NULL;
    pthread_mutex_unlock(&r->lock);
    if (ok < 0 || *ret)
        return ok;
    ok = read_directory(r, s, customer, now, like, ret, err);
    if (ok == 0) {
        pthread_mutex_lock(&r->lock);
        if (r->loaded && r->at.epoch == at.epoch)
            pfs_shelves_put(&r->shelves, customer, *ret, at.gen, r->at.gen);
        pthread_mutex_unlock(&r->lock);
    }
    pfs_directory_unref(like);
    return ok;
}

int pfs_resolve_directory(struct pfs_resolver *r, struct pfs_store *s, struct pfs_inputs *i,
                          struct pfs_err *err)
{
    struct pfs_directory *d = NULL;
    if (!i->device || !i->device->customer || i->directory)
        return 0;
    int ok = get_directory(r, s, i->device->customer, i->now, &d, err);
    if (ok < 0)
        return ok;
    i->directory = d;
    i->next = PFS_MIN(i->next, d->next);
    i->came = PFS_MAX(i->came, d->came);
    return 0;
}

/* The id of a model; 0 where it has no row, and so no settings. */
static int model_id(struct pfs_resolver *r, struct pfs_store *s, const char *model, int64_t *ret,
                    struct pfs_err *err)
{
    *ret = 0;
    if (!model)
        return 0;
    pthread_mutex_lock(&r->lock);
    int ok = sync_to(r, s, err);
    const struct pfs_scope_object *o = ok == 0 ? pfs_map_get(&r->models, model, strlen(model)) : NULL;
    if (o)
        *ret = o->layer.object;
    pthread_mutex_unlock(&r->lock);
    return ok;
}

int pfs_resolve_common(struct pfs_resolver *r, struct pfs_store *s, const char *model, int64_t now,
                       struct pfs_inputs **ret, struct pfs_err *err)
{
    struct base_key key = {0};
    int ok = model_id(r, s, model, &key.model, err);
    return ok < 0 ? ok : make_inputs(r, s, NULL, key, now, ret, err);
}

int pfs_resolve_profile(struct pfs_resolver *r, struct pfs_store *s, const char *model, int64_t profile,
                        int64_t now, struct pfs_inputs **ret, struct pfs_err *err)
{
    struct base_key key = {.profile = profile};
    int ok = model_id(r, s, model, &key.model, err);
    if (ok < 0)
        return ok;
    pthread_mutex_lock(&r->lock);
    const struct pfs_scope_object *o = find_object(r, PFS_SCOPE_PROFILE, profile);
    if (o)
        key.customer = o->customer;
    pthread_mutex_unlock(&r->lock);
    return make_inputs(r, s, NULL, key, now, ret, err);
}

static bool wants_directory(const struct pfs_library *l, const struct pfs_device *d)
{
    const struct pfs_model *m = l && d->model ? pfs_library_model(l, d->model) : NULL;
    return m && pfs_model_has_contacts(m);
}

static int resolve_all(struct pfs_resolver *r, struct pfs_store *s, const struct pfs_library *l, uint64_t mac,
                       int64_t now, struct pfs_inputs **ret, struct pfs_err *err)
{
    struct pfs_inputs *i;
    int ok = pfs_resolve_device(r, s, mac, now, &i, err);
    if (ok < 0)
        return ok;
    ok = wants_directory(l, i->device) ? pfs_resolve_directory(r, s, i, err) : 0;
    if (ok < 0)
        pfs_inputs_unref(i);
    else
        *ret = i;
    return ok;
}

int pfs_resolve_now(struct pfs_resolver *r, struct pfs_store *s, const struct pfs_library *l, uint64_t mac,
                    int64_t now, struct pfs_inputs **ret, struct pfs_err *err)
{
    int ok, stale = 0;
    do {
        if (stale++ > 0 && stale % PFS_STALE_TRIES == 0)
            pfs_resolver_reset(r);
        ok = pfs_store_begin(s, err);
        if (ok < 0)
            return ok;
        ok = resolve_all(r, s, l, mac, now, ret, err);
        pfs_store_end(s);
    } while (ok == -ESTALE);
    return ok;
}

int pfs_resolve_common_now(struct pfs_resolver *r, struct pfs_store *s, const struct pfs_file *file,
                           int64_t now, struct pfs_inputs **ret, struct pfs_err *err)
{
    const char *model = file->spec->per == PFS_PER_MODEL ? file->model->name : NULL;
    int ok = pfs_store_begin(s, err);
    if (ok < 0)
        return ok;
    ok = pfs_resolve_common(r, s, model, now, ret, err);
    pfs_store_end(s);
    return ok;
}

#include "core/check.h"
#include "core/express.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Devices of a customer that are rendered as a sample when one of its settings changes. */
enum { CUSTOMER_SAMPLE_MAX = 16, PAIR_MAX = 256 /* two names of 64 bytes, with room */ };

struct pfs_check_value {
    struct pfs_check_value *next;
    enum pfs_scope scope;
    int64_t id;
    const char *key, *value;
    bool is_reference; /* the value names an account */
};

struct scope_key {
    int64_t id;
    int64_t scope; /* as wide as id: no padding in a map's key */
};

/* A phone book that was rendered whole. */
struct book_key {
    int64_t customer;
    const struct pfs_model *model;
};

/* ---- noting ---- */

int pfs_check_note_device(struct pfs_check *k, uint64_t mac, struct pfs_err *err)
{
    if (pfs_map_get_u64(&k->macs, mac))
        return 0;
    return pfs_map_put_u64(&k->macs, mac, k) < 0 ? pfs_err_nomem(err) : 0;
}

static bool is_shared(enum pfs_scope scope)
{
    return scope == PFS_SCOPE_SITE || scope == PFS_SCOPE_MODEL || scope == PFS_SCOPE_PROFILE ||
           scope == PFS_SCOPE_CUSTOMER;
}

static int note_mac(void *arg, uint64_t mac)
{
    return pfs_check_note_device(arg, mac, NULL);
}

int pfs_check_note_scope(struct pfs_check *k, struct pfs_context *c, enum pfs_scope scope, int64_t id,
                         struct pfs_err *err)
{
    if (!is_shared(scope))
        return pfs_store_devices_of(c->store, scope, id, note_mac, k, err);
    struct scope_key key = {.id = id, .scope = scope};
    return pfs_map_put(&k->scopes, &key, sizeof key, k, NULL) < 0 ? pfs_err_nomem(err) : 0;
}

static int note_value(struct pfs_check *k, const struct pfs_context *c, enum pfs_scope scope, int64_t id,
                      const char *key, const char *value, struct pfs_err *err)
{
    struct pfs_key found;
    struct pfs_check_value *v = pfs_arena_alloc(&k->arena, sizeof *v);
    if (!v)
        return pfs_err_nomem(err);
    *v = (struct pfs_check_value){
        .next = k->values,
        .scope = scope,
        .id = id,
        .key = pfs_arena_strdup(&k->arena, key),
        .value = pfs_arena_strdup(&k->arena, value),
        .is_reference = pfs_catalogue_find(c->catalogue, key, &found, NULL) == 0 && found.entry &&
                        found.entry->type == PFS_TYPE_ACCOUNT,
    };
    if (!v->key || !v->value)
        return pfs_err_nomem(err);
    k->values = v;
    return 0;
}

int pfs_check_note_setting(struct pfs_check *k, struct pfs_context *c, enum pfs_scope scope, int64_t id,
                           const char *key, const char *value, struct pfs_err *err)
{
    int r = value && *value ? note_value(k, c, scope, id, key, value, err) : 0;
    return r < 0 ? r : pfs_check_note_scope(k, c, scope, id, err);
}

int pfs_check_note_profile(struct pfs_check *k, const char *model, const char *profile, struct pfs_err *err)
{
    char pair[PAIR_MAX];
    int len = snprintf(pair, sizeof pair, "%s\n%s", model, profile);
    if (len < 0 || (size_t)len >= sizeof pair)
        return 0; /* no such names: refused elsewhere */
    if (pfs_map_get(&k->pairs, pair, (size_t)len))
        return 0;
    return pfs_map_put(&k->pairs, pair, (size_t)len, k, NULL) < 0 ? pfs_err_nomem(err) : 0;
}

void pfs_check_done(struct pfs_check *k)
{
    pfs_map_done(&k->macs);
    pfs_map_done(&k->scopes);
    pfs_map_done(&k->pairs);
    pfs_map_done(&k->books);
    pfs_arena_done(&k->arena);
    *k = (struct pfs_check){0};
}

/* ---- values and lines against a model ---- */

/* A file of contacts holds little else, and no native keys are added to it. */
static bool may_be_in(const struct pfs_file_spec *spec, const char *key)
{
    return !spec->has_contacts || spec->main || pfs_directory_uses(key);
}

/* Whether a file can hold the value. A native key that the file cannot have is another file's: *ret_has. */
static int check_in_file(const struct pfs_file_spec *spec, const char *native, const char *value,
                         bool *ret_has, struct pfs_err *err)
{
    int r = native ? pfs_syntax_check_native(spec->syntax, native, strlen(native), err) : 0;
    *ret_has = r == 0;
    if (native && strcmp(value, PFS_VALUE_CLEAR) == 0)
        return r;
    return r < 0 ? r : pfs_syntax_check_value(spec->syntax, &spec->rules, value, strlen(value), err);
}

int pfs_check_value(const struct pfs_model *m, const char *key, const char *value, struct pfs_err *err)
{
    const char *colon = strchr(key, ':');
    const char *native = colon ? pfs_model_native_key(m, key) : NULL;
    bool any = false;
    struct pfs_err no_key = {""};
    if (colon && !native)
        return 0;
    for (size_t i = 0; i < m->n_files; i++) {
        struct pfs_err why = {""};
        bool has;
        if (!may_be_in(m->files[i].spec, key))
            continue;
        int r = check_in_file(m->files[i].spec, native, value, &has, &why);
        if (has && r < 0)
            return pfs_err_set(err, -r, "%s: %s", key, why.msg);
        any = any || has;
        if (!has && !no_key.msg[0])
            no_key = why; /* of the main file, which comes first */
    }
    return any || !no_key.msg[0] ? 0 : pfs_err_set(err, EINVAL, "%s: %s", key, no_key.msg);
}

int pfs_check_line(const struct pfs_model *m, unsigned number, struct pfs_err *err)
{
    if (number <= m->lines)
        return 0;
    return pfs_err_set(err, EINVAL, "line %u: %s has %u line%s", number, m->name, m->lines,
                       m->lines == 1 ? "" : "s");
}

/* ---- rendering ---- */

static int render_file(struct pfs_context *c, const struct pfs_file *f, const struct pfs_phone *phone,
                       size_t *ret_bytes, struct pfs_err *err)
{
    autobuf struct pfs_buf out = PFS_BUF_INIT(0);
    int r = pfs_plans_render(c->plans, f, phone, c->library->zones, &out, err);
    if (r < 0) {
        char name[PFS_FILE_NAME_MAX + 1];
        pfs_pattern_format(&f->name, phone->device ? phone->device->mac : 0, name);
        pfs_err_prefix(err, "%s", name);
    }
    if (ret_bytes)
        *ret_bytes += out.len;
    return r;
}

/* Files of a device, or (no device) those common to its model or vendor. */
static int render_files(struct pfs_context *c, const struct pfs_model *m, const struct pfs_phone *phone,
                        bool common, size_t *ret_bytes, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < m->n_files && r == 0; i++)
        if ((m->files[i].spec->per != PFS_PER_DEVICE) == common)
            r = render_file(c, &m->files[i], phone, ret_bytes, err);
    return r;
}

static int check_lines(const struct pfs_model *m, const struct pfs_device *d, struct pfs_err *err)
{
    for (size_t i = 0; i < d->n_lines; i++) {
        int r = pfs_check_line(m, d->lines[i].number, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Gives the phone its directory, where a file of its shows one: whole for the first of its kind. */
static int add_directory(struct pfs_context *c, struct pfs_map *books, const struct pfs_model *m,
                         struct pfs_inputs *inputs, struct pfs_phone *phone, struct pfs_err *err)
{
    const struct book_key kind = {inputs->device->customer, m};
    if (!pfs_model_has_contacts(m))
        return 0;
    int r = pfs_resolve_directory(c->resolver, c->store, inputs, err);
    if (r < 0)
        return r;
    phone->directory = inputs->directory;
    phone->max_contacts = pfs_map_get(books, &kind, sizeof kind) ? 1 : 0;
    return pfs_map_put(books, &kind, sizeof kind, books, NULL) < 0 ? pfs_err_nomem(err) : 0;
}

static int check_inputs(struct pfs_context *c, struct pfs_map *books, struct pfs_inputs *inputs,
                        size_t *ret_bytes, struct pfs_err *err)
{
    struct pfs_phone phone;
    pfs_inputs_phone(inputs, &phone);
    const struct pfs_device *d = inputs->device;
    if (!d->model)
        return 0;
    const struct pfs_model *m = pfs_library_model(c->library, d->model);
    int r = m ? check_lines(m, d, err) : pfs_err_set(err, EINVAL, "no template has its model %s", d->model);
    if (r < 0) {
        pfs_err_prefix(err, "device %s", d->mac_text);
        return r;
    }
    r = add_directory(c, books, m, inputs, &phone, err);
    return r < 0 ? r : render_files(c, m, &phone, false, ret_bytes, err);
}

int pfs_check_device(struct pfs_context *c, struct pfs_map *books, uint64_t mac, size_t *ret_bytes,
                     struct pfs_err *err)
{
    struct pfs_inputs *inputs = NULL;
    int r = pfs_resolve_device(c->resolver, c->store, mac, time(NULL), &inputs, err);
    if (r < 0)
        return r;
    r = check_inputs(c, books, inputs, ret_bytes, err);
    pfs_inputs_unref(inputs);
    return r;
}

static int check_vendors(struct pfs_context *c, struct pfs_err *err)
{
    struct pfs_inputs *inputs = NULL;
    int r = pfs_resolve_common(c->resolver, c->store, NULL, time(NULL), &inputs, err);
    if (r < 0)
        return r;
    struct pfs_phone phone;
    pfs_inputs_phone(inputs, &phone);
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&c->library->common, e));) {
        const struct pfs_file *f = e->value;
        if (f->spec->per == PFS_PER_VENDOR)
            r = render_file(c, f, &phone, NULL, err);
    }
    pfs_inputs_unref(inputs);
    return r;
}

int pfs_check_common(struct pfs_context *c, const char *model, struct pfs_err *err)
{
    if (!model)
        return check_vendors(c, err);
    const struct pfs_model *m = pfs_library_model(c->library, model);
    if (!m)
        return 0; /* its devices are told of */
    struct pfs_inputs *inputs = NULL;
    int r = pfs_resolve_common(c->resolver, c->store, model, time(NULL), &inputs, err);
    if (r < 0)
        return r;
    struct pfs_phone phone;
    pfs_inputs_phone(inputs, &phone);
    for (size_t i = 0; i < m->n_files && r == 0; i++)
        if (m->files[i].spec->per == PFS_PER_MODEL)
            r = render_file(c, &m->files[i], &phone, NULL, err);
    pfs_inputs_unref(inputs);
    return r;
}

/* ---- the check of a transaction ---- */

struct run {
    struct pfs_check *k;
    struct pfs_context *c;
    struct pfs_err *err;
    int n_left;
    int64_t customer; /* whose phone books are looked at */
};

static int check_references(struct run *u)
{
    for (const struct pfs_check_value *v = u->k->values; v; v = v->next) {
        int64_t id;
        int r = v->is_reference ? pfs_store_find(u->c->store, PFS_SCOPE_ACCOUNT, v->value, &id, u->err) : 0;
        if (r < 0) {
            pfs_err_prefix(u->err, "%s", v->key);
            return r;
        }
    }
    return 0;
}

/* Names the setting at fault where a device does not render: a sentence about a template helps nobody at a
 * prompt. */
static void blame(struct run *u, uint64_t mac)
{
    struct pfs_inputs *inputs = NULL;
    if (pfs_resolve_device(u->c->resolver, u->c->store, mac, time(NULL), &inputs, NULL) < 0)
        return;
    const char *model = inputs->device->model;
    const struct pfs_model *m = model ? pfs_library_model(u->c->library, model) : NULL;
    struct pfs_err why;
    for (const struct pfs_check_value *v = u->k->values; v && m; v = v->next)
        if (pfs_check_value(m, v->key, v->value, &why) < 0) {
            pfs_err_set(u->err, EINVAL, "%s (device %s, %s)", why.msg, inputs->device->mac_text, m->name);
            break;
        }
    pfs_inputs_unref(inputs);
}

static int check_macs(struct run *u)
{
    for (struct pfs_map_entry *e = NULL; (e = pfs_map_next(&u->k->macs, e));) {
        uint64_t mac;
        memcpy(&mac, e->key, sizeof mac);
        int r = pfs_check_device(u->c, &u->k->books, mac, NULL, u->err);
        if (r == -ENOENT)
            continue; /* deleted by a later command of the same transaction */
        if (r < 0) {
            if (r == -EINVAL || r == -EFBIG)
                blame(u, mac);
            return r == -EFBIG ? -EINVAL : r;
        }
    }
    return 0;
}

static int check_values_in_model(struct run *u, const struct pfs_model *m)
{
    for (const struct pfs_check_value *v = u->k->values; v; v = v->next) {
        struct pfs_err why;
        if (is_shared(v->scope) && pfs_check_value(m, v->key, v->value, &why) < 0)
            return pfs_err_set(u->err, EINVAL, "%s (%s is in use)", why.msg, m->name);
    }
    return 0;
}

/* A device of this model that has nothing but this profile. */
static int check_profile(struct run *u, const struct pfs_model *m, int64_t profile)
{
    struct pfs_inputs *inputs = NULL;
    int r = pfs_resolve_profile(u->c->resolver, u->c->store, m->name, profile, time(NULL), &inputs, u->err);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    struct pfs_phone phone;
    pfs_inputs_phone(inputs, &phone);
    r = render_files(u->c, m, &phone, false, NULL, u->err);
    if (r < 0)
        pfs_err_prefix(u->err, "a %s of this profile", m->name);
    pfs_inputs_unref(inputs);
    return r;
}

static int check_scopes_in_model(struct run *u, const struct pfs_model *m)
{
    int r = 0;
    bool common = false;
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&u->k->scopes, e));) {
        struct scope_key key;
        memcpy(&key, e->key, sizeof key);
        if (key.scope == PFS_SCOPE_PROFILE)
            r = check_profile(u, m, key.id);
        else if (key.scope != PFS_SCOPE_CUSTOMER)
            common = true;
    }
    if (r == 0 && common)
        r = pfs_check_common(u->c, m->name, u->err);
    return r == 0 && common ? check_profile(u, m, 0) : r;
}

static int check_model(void *arg, const char *name)
{
    struct run *u = arg;
    const struct pfs_model *m = pfs_library_model(u->c->library, name);
    if (!m)
        return 0;
    int r = check_values_in_model(u, m);
    return r < 0 ? r : check_scopes_in_model(u, m);
}

static int check_one_of_many(void *arg, uint64_t mac)
{
    struct run *u = arg;
    if (u->n_left-- == 0)
        return 1;
    return pfs_check_device(u->c, &u->k->books, mac, NULL, u->err);
}

static int check_customers(struct run *u)
{
    for (struct pfs_map_entry *e = NULL; (e = pfs_map_next(&u->k->scopes, e));) {
        struct scope_key key;
        memcpy(&key, e->key, sizeof key);
        if (key.scope != PFS_SCOPE_CUSTOMER)
            continue;
        u->n_left = CUSTOMER_SAMPLE_MAX;
        int r = pfs_store_devices_of(u->c->store, PFS_SCOPE_CUSTOMER, key.id, check_one_of_many, u, u->err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_phone_book(void *arg, const char *model, uint64_t mac)
{
    struct run *u = arg;
    const struct pfs_model *m = pfs_library_model(u->c->library, model);
    const struct book_key book = {u->customer, m};
    if (pfs_map_get(&u->k->books, &book, sizeof book))
        return 0; /* in this transaction, as it is now */
    int r = m && pfs_model_has_contacts(m) ? pfs_check_device(u->c, &u->k->books, mac, NULL, u->err) : 0;
    if (r == -EINVAL)
        blame(u, mac);
    return r;
}

static int check_phone_books(void *arg, int64_t customer)
{
    struct run *u = arg;
    u->customer = customer;
    return pfs_store_models_of(u->c->store, customer, check_phone_book, u, u->err);
}

/* What an account is called stands in the phone books of its whole customer, and the feed says whose that is.
 */
static int check_directories(struct run *u)
{
    if (u->k->since == 0)
        return 0;
    return pfs_store_customers_since(u->c->store, u->k->since, check_phone_books, u, u->err);
}

int pfs_check_run(struct pfs_check *k, struct pfs_context *c, struct pfs_err *err)
{
    struct run u = {.k = k, .c = c, .err = err};
    int r = check_references(&u);
    if (r == 0)
        r = check_macs(&u);
    if (r == 0 && k->scopes.n > 0)
        r = pfs_store_models_in_use(c->store, check_model, &u, err);
    if (r == 0)
        r = check_directories(&u);
    if (r == 0)
        r = check_customers(&u);
    return r;
}

/* ---- what has no place ---- */

struct notes {
    struct pfs_check *k;
    struct pfs_context *c;
    int64_t profile;
    struct pfs_map set; /* keys that were set in it */
    struct pfs_buf *out;
    struct pfs_err *err;
};

static int note_model_of_profile(void *arg, const char *model)
{
    struct notes *n = arg;
    return pfs_express_profile(n->c, "note: ", model, n->profile, &n->set, n->out, n->err);
}

static int note_profile(struct notes *n)
{
    int r = 0;
    for (const struct pfs_check_value *v = n->k->values; v && r == 0; v = v->next)
        if (v->scope == PFS_SCOPE_PROFILE && v->id == n->profile)
            r = pfs_map_put(&n->set, v->key, strlen(v->key), n, NULL);
    if (r == 0 && n->set.n > 0)
        r = pfs_store_models_of_profile(n->c->store, n->profile, note_model_of_profile, n, n->err);
    pfs_map_done(&n->set);
    return r;
}

/* pair: MODEL, line end, PROFILE. */
static int note_pair(struct notes *n, const char *pair)
{
    const char *profile = strchr(pair, '\n') + 1;
    autofree char *model = strndup(pair, (size_t)(profile - 1 - pair));
    int64_t id;
    if (!model)
        return pfs_err_nomem(n->err);
    int r = pfs_store_find(n->c->store, PFS_SCOPE_PROFILE, profile, &id, NULL);
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* deleted by a later command of the same transaction */
    return pfs_express_profile(n->c, "note: ", model, id, NULL, n->out, n->err);
}

int pfs_check_notes(struct pfs_check *k, struct pfs_context *c, struct pfs_buf *out, struct pfs_err *err)
{
    struct notes n = {.k = k, .c = c, .out = out, .err = err};
    int r = 0;
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&k->scopes, e));) {
        struct scope_key key;
        memcpy(&key, e->key, sizeof key);
        n.profile = key.id;
        if (key.scope == PFS_SCOPE_PROFILE)
            r = note_profile(&n);
    }
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&k->pairs, e));)
        r = note_pair(&n, e->key);
    return r;
}

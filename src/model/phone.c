#include "model/phone.h"

#include <errno.h>
#include <string.h>

/* A default may be another key's value, whose default may be a third's. The catalogue's reader refuses
 * cycles; this keeps a wrong catalogue from hanging a render. */
enum { DEFAULT_DEPTH_MAX = 8 };

/* ---- Layers ---- */

/* The first row that stands behind (key, from) in the layer's order. */
static size_t upper_bound(const struct pfs_layer *l, const char *key, int64_t from)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct pfs_setting *s = &l->settings[middle];
        int order = strcmp(s->key, key);
        if (order < 0 || (order == 0 && s->from <= from))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct pfs_setting *pfs_layer_find(const struct pfs_layer *l, const char *key, int64_t now)
{
    if (l->n == 0)
        return NULL;
    size_t behind = upper_bound(l, key, now);
    if (behind == 0)
        return NULL;
    const struct pfs_setting *s = &l->settings[behind - 1];
    return s->value && strcmp(s->key, key) == 0 ? s : NULL;
}

int64_t pfs_layer_next(const struct pfs_layer *l, int64_t now)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < l->n; i++)
        if (l->settings[i].from > now)
            next = PFS_MIN(next, l->settings[i].from);
    return next;
}

int64_t pfs_layer_came(const struct pfs_layer *l, int64_t now)
{
    int64_t came = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->settings[i].from <= now)
            came = PFS_MAX(came, l->settings[i].from);
    return came;
}

/* Where the next key begins behind row i. */
static size_t skip_key(const struct pfs_layer *l, size_t i)
{
    const char *key = l->settings[i].key;
    while (i < l->n && strcmp(l->settings[i].key, key) == 0)
        i++;
    return i;
}

/* ---- The base: a chain of layers folded into one table ----
 *
 * Plain keys are the bulk of what a render asks for, so they get a dense table by id; indexed keys and
 * overrides are few and open-ended, so they get an array sorted by key. Layers are folded from weakest to
 * strongest, so that a stronger one simply overwrites; a row that has ended leaves what a weaker layer put
 * there. */

/* Calls fn for the row in force of each key of a layer. */
static void each_in_force(const struct pfs_layer *l, int64_t now,
                          void (*fn)(void *arg, const struct pfs_layer *l, const struct pfs_setting *s),
                          void *arg)
{
    for (size_t i = 0, end; i < l->n; i = end) {
        end = skip_key(l, i);
        const struct pfs_setting *in_force = NULL;
        for (size_t row = i; row < end && l->settings[row].from <= now; row++)
            in_force = &l->settings[row];
        if (in_force && in_force->value)
            fn(arg, l, in_force);
    }
}

static bool is_plain(const struct pfs_base *b, const struct pfs_setting *s)
{
    return s->id >= 0 && (size_t)s->id < b->catalogue->n_plain;
}

static void fold_row(void *arg, const struct pfs_layer *l, const struct pfs_setting *s)
{
    struct pfs_base *b = arg;
    struct pfs_value value = {.text = s->value, .layer = l};
    if (is_plain(b, s))
        b->plain[s->id] = value;
    else
        b->others[b->n_others++] = (struct pfs_other){.key = s->key, .value = value};
}

/* How many rows could end up in `others`: what to allocate before folding. */
static size_t count_others(const struct pfs_base *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_layers; i++)
        for (size_t row = 0; row < b->layers[i]->n; row++)
            n += !is_plain(b, &b->layers[i]->settings[row]);
    return n;
}

static size_t rank_of(const struct pfs_base *b, const struct pfs_layer *l)
{
    size_t rank = 0;
    while (b->layers[rank] != l)
        rank++;
    return rank;
}

/* By key, then from weak to strong: qsort promises no stable order. */
static int compare_others(const void *left, const void *right, void *base)
{
    const struct pfs_other *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    if (order != 0)
        return order;
    size_t rank_a = rank_of(base, a->value.layer), rank_b = rank_of(base, b->value.layer);
    return (rank_a > rank_b) - (rank_a < rank_b);
}

/* Sorts by key and keeps the strongest of each. */
static void settle_others(struct pfs_base *b)
{
    if (b->n_others < 2)
        return;
    qsort_r(b->others, b->n_others, sizeof *b->others, compare_others, b);
    size_t kept = 0;
    for (size_t i = 1; i < b->n_others; i++) {
        if (strcmp(b->others[kept].key, b->others[i].key) != 0)
            kept++;
        b->others[kept] = b->others[i];
    }
    b->n_others = kept + 1;
}

static int allocate_tables(struct pfs_base *b, const struct pfs_layer *const *layers, size_t n)
{
    /* One more than needed each: calloc(0) may yield NULL. */
    b->layers = calloc(n + 1, sizeof *b->layers);
    b->plain = calloc(b->catalogue->n_plain + 1, sizeof *b->plain);
    if (!b->layers || !b->plain)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        b->layers[i] = layers[i];
    b->n_layers = n;
    b->others = calloc(count_others(b) + 1, sizeof *b->others);
    return b->others ? 0 : -ENOMEM;
}

int pfs_base_new(const struct pfs_catalogue *c, const struct pfs_layer *const *layers, size_t n, int64_t now,
                 struct pfs_base **ret)
{
    struct pfs_base *b = calloc(1, sizeof *b);
    if (!b)
        return -ENOMEM;
    *b = (struct pfs_base){.refs = 1, .catalogue = c, .now = now, .next = INT64_MAX};
    if (allocate_tables(b, layers, n) < 0) {
        pfs_base_unref(b);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        each_in_force(layers[i], now, fold_row, b);
        b->next = PFS_MIN(b->next, pfs_layer_next(layers[i], now));
    }
    settle_others(b);
    *ret = b;
    return 0;
}

struct pfs_base *pfs_base_ref(struct pfs_base *b)
{
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void pfs_base_unref(struct pfs_base *b)
{
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (b->owner_unref)
        b->owner_unref(b->owner);
    free(b->layers);
    free(b->plain);
    free(b->others);
    free(b);
}

/* ---- Devices ---- */

struct pfs_device *pfs_device_new(void)
{
    struct pfs_device *d = calloc(1, sizeof *d);
    if (d)
        d->refs = 1;
    return d;
}

struct pfs_device *pfs_device_new_full(unsigned n_lines)
{
    struct pfs_device *d = pfs_device_new();
    struct pfs_line *lines = d ? pfs_arena_alloc(&d->arena, n_lines * sizeof *lines) : NULL;
    if (!lines) {
        pfs_device_unref(d);
        return NULL;
    }
    for (unsigned i = 0; i < n_lines; i++)
        lines[i] = (struct pfs_line){.number = i + 1, .account_id = 1, .account = "1001@customer"};
    d->mac = 0x020000000001;
    d->mac_text = "020000000001";
    d->enabled = true;
    d->lines = lines;
    d->n_lines = n_lines;
    return d;
}

struct pfs_device *pfs_device_ref(struct pfs_device *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

void pfs_device_unref(struct pfs_device *d)
{
    if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pfs_arena_done(&d->arena);
    free(d);
}

/* ---- The phone ---- */

const struct pfs_line *pfs_phone_line(const struct pfs_phone *p, unsigned number)
{
    if (!p->device)
        return NULL;
    for (size_t i = 0; i < p->device->n_lines; i++)
        if (p->device->lines[i].number == number)
            return &p->device->lines[i];
    return NULL;
}

static bool find_in_layer(const struct pfs_layer *l, const char *key, int64_t now, struct pfs_value *ret)
{
    const struct pfs_setting *s = pfs_layer_find(l, key, now);
    if (!s)
        return false;
    *ret = (struct pfs_value){.text = s->value, .layer = l};
    return true;
}

/* The layer of the customer of the line's account where that is not the device's, else NULL. */
static const struct pfs_layer *other_customer(const struct pfs_phone *p, const struct pfs_line *line)
{
    if (!p->line_customers || !p->device || line < p->device->lines)
        return NULL;
    size_t i = (size_t)(line - p->device->lines);
    return i < p->n_customer_layers ? p->line_customers[i] : NULL;
}

/* Another customer's settings reach a line only where they are about the line: its registrar, not this
 * device's clock. */
static bool may_stand_on_line(const struct pfs_catalogue *c, const char *key, int id)
{
    if (id >= 0 && (size_t)id < c->n_plain)
        return c->plain[id]->scopes & PFS_SCOPE_BIT(PFS_SCOPE_LINE);
    struct pfs_key k;
    return pfs_catalogue_find(c, key, &k, NULL) == 0 && !k.override &&
           (k.scopes & PFS_SCOPE_BIT(PFS_SCOPE_LINE));
}

static bool find_on_line(const struct pfs_phone *p, const struct pfs_line *line, const char *key, int id,
                         struct pfs_value *ret)
{
    if (find_in_layer(&line->settings, key, p->now, ret) ||
        find_in_layer(&line->account_settings, key, p->now, ret))
        return true;
    const struct pfs_layer *customer = other_customer(p, line);
    struct pfs_value value;
    if (!customer || !find_in_layer(customer, key, p->now, &value) ||
        !may_stand_on_line(p->catalogue, key, id))
        return false;
    *ret = value;
    return true;
}

/* The first of the base's others that is not before key. */
static size_t lower_bound_other(const struct pfs_base *b, const char *key)
{
    size_t low = 0, high = b->n_others;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(b->others[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool find_in_base(const struct pfs_base *b, const char *key, int id, struct pfs_value *ret)
{
    const struct pfs_value *value = NULL;
    if (id >= 0 && (size_t)id < b->catalogue->n_plain) {
        value = &b->plain[id];
    } else {
        size_t i = lower_bound_other(b, key);
        if (i < b->n_others && strcmp(b->others[i].key, key) == 0)
            value = &b->others[i].value;
    }
    if (!value || !value->text)
        return false;
    *ret = *value;
    return true;
}

bool pfs_phone_find(const struct pfs_phone *p, const struct pfs_line *line, const char *key, int id,
                    struct pfs_value *ret)
{
    if (line && find_on_line(p, line, key, id, ret))
        return true;
    if (p->device && find_in_layer(&p->device->settings, key, p->now, ret))
        return true;
    return p->base && find_in_base(p->base, key, id, ret);
}

/* ---- Defaults ---- */

/* An account's name up to '@', "" without one. */
static const char *account_user(const char *account, char *scratch)
{
    if (!account)
        return "";
    size_t n = strcspn(account, "@");
    n = PFS_MIN(n, (size_t)PFS_KEY_MAX - 1);
    memcpy(scratch, account, n);
    scratch[n] = '\0';
    return scratch;
}

static bool ends_in(const char *key, const char *suffix)
{
    size_t len = strlen(key), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(key + len - suffix_len, suffix) == 0;
}

/* The account that the key beside this one names; NULL: there is no such key, or it names none that exists.
 */
static const struct pfs_reference *reference_beside(const struct pfs_phone *p, const struct pfs_line *line,
                                                    const char *key)
{
    char beside[PFS_KEY_MAX + sizeof ".account"];
    struct pfs_key k;
    struct pfs_value account;
    size_t stem = (size_t)(strrchr(key, '.') - key);
    if (!p->device || p->device->n_references == 0 || stem >= PFS_KEY_MAX)
        return NULL;
    memcpy(beside, key, stem);
    memcpy(beside + stem, ".account", sizeof ".account");
    if (pfs_catalogue_find(p->catalogue, beside, &k, NULL) < 0 || !k.entry ||
        k.entry->type != PFS_TYPE_ACCOUNT || !pfs_phone_find(p, line, beside, k.entry->id, &account))
        return NULL;
    for (size_t i = 0; i < p->device->n_references; i++)
        if (strcmp(p->device->references[i].account, account.text) == 0)
            return &p->device->references[i];
    return NULL;
}

/* What a key's value or label is where only its account is set: the account's. */
static const char *follow_account(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                                  char *scratch)
{
    bool is_value = ends_in(key, ".value");
    const struct pfs_reference *r =
        is_value || ends_in(key, ".label") ? reference_beside(p, line, key) : NULL;
    const struct pfs_setting *s = NULL;
    if (r)
        s = pfs_layer_find(&r->settings, is_value ? "sip.user" : "line.display_name", p->now);
    if (s)
        return s->value;
    return r && is_value ? account_user(r->account, scratch) : "";
}

void pfs_phone_get(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                   const struct pfs_catalogue_entry *entry, char *scratch, struct pfs_value *ret)
{
    if (pfs_phone_find(p, line, key, entry->id, ret))
        return;
    *ret = (struct pfs_value){.text = ""};
    for (int depth = 0; entry->default_kind == PFS_DEFAULT_KEY && depth < DEFAULT_DEPTH_MAX; depth++) {
        if (entry->default_id < 0 || (size_t)entry->default_id >= p->catalogue->n_plain)
            return;
        entry = p->catalogue->plain[entry->default_id];
        struct pfs_value other;
        if (pfs_phone_find(p, line, entry->key, entry->id, &other)) {
            ret->text = other.text; /* the layer stays NULL: it set another key */
            return;
        }
    }
    if (entry->default_kind == PFS_DEFAULT_TEXT && entry->default_text)
        ret->text = entry->default_text;
    else if (entry->default_kind == PFS_DEFAULT_ACCOUNT)
        ret->text = account_user(line ? line->account : NULL, scratch);
    if (entry->id < 0 && !*ret->text)
        ret->text = follow_account(p, line, key, scratch);
}

/* Whether a key that follows an account has one to follow. */
static bool may_follow(const struct pfs_phone *p, const struct pfs_line *line, const char *key)
{
    char beside[PFS_KEY_MAX + sizeof ".account"];
    struct pfs_value account;
    if (!ends_in(key, ".value") && !ends_in(key, ".label"))
        return false;
    snprintf(beside, sizeof beside, "%.*s.account", (int)(strrchr(key, '.') - key), key);
    return pfs_phone_find(p, line, beside, -1, &account);
}

bool pfs_phone_is_shared(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                         const struct pfs_catalogue_entry *entry)
{
    bool indexed = entry->id < 0;
    struct pfs_value v;
    for (int depth = 0; depth < DEFAULT_DEPTH_MAX; depth++) {
        if (pfs_phone_find(p, line, depth ? entry->key : key, entry->id, &v))
            return v.layer->scope < PFS_SCOPE_DEVICE;
        if (entry->default_kind != PFS_DEFAULT_KEY || entry->default_id < 0 ||
            (size_t)entry->default_id >= p->catalogue->n_plain)
            break;
        entry = p->catalogue->plain[entry->default_id];
    }
    if (entry->default_kind == PFS_DEFAULT_ACCOUNT)
        return !line || !line->account;
    return !indexed || !may_follow(p, line, key);
}

/* ---- All layers at once ---- */

void pfs_phone_layers(const struct pfs_phone *p, const struct pfs_line *line,
                      void (*fn)(void *arg, const struct pfs_layer *layer), void *arg)
{
    for (size_t i = 0; p->base && i < p->base->n_layers; i++)
        fn(arg, p->base->layers[i]);
    if (p->device)
        fn(arg, &p->device->settings);
    if (!line)
        return;
    const struct pfs_layer *customer = other_customer(p, line);
    if (customer)
        fn(arg, customer);
    if (line->account)
        fn(arg, &line->account_settings);
    fn(arg, &line->settings);
}

static int64_t next_of_device(const struct pfs_device *d, int64_t now)
{
    int64_t next = pfs_layer_next(&d->settings, now);
    for (size_t i = 0; i < d->n_lines; i++) {
        next = PFS_MIN(next, pfs_layer_next(&d->lines[i].settings, now));
        next = PFS_MIN(next, pfs_layer_next(&d->lines[i].account_settings, now));
    }
    for (size_t i = 0; i < d->n_references; i++)
        next = PFS_MIN(next, pfs_layer_next(&d->references[i].settings, now));
    return next;
}

int64_t pfs_phone_next(const struct pfs_phone *p)
{
    int64_t next = p->base ? p->base->next : INT64_MAX;
    if (p->device)
        next = PFS_MIN(next, next_of_device(p->device, p->now));
    for (size_t i = 0; p->line_customers && i < p->n_customer_layers; i++)
        if (p->line_customers[i])
            next = PFS_MIN(next, pfs_layer_next(p->line_customers[i], p->now));
    return next;
}

static int64_t came_of_device(const struct pfs_device *d, int64_t now)
{
    int64_t came = pfs_layer_came(&d->settings, now);
    for (size_t i = 0; i < d->n_lines; i++) {
        came = PFS_MAX(came, pfs_layer_came(&d->lines[i].settings, now));
        came = PFS_MAX(came, pfs_layer_came(&d->lines[i].account_settings, now));
    }
    for (size_t i = 0; i < d->n_references; i++)
        came = PFS_MAX(came, pfs_layer_came(&d->references[i].settings, now));
    return came;
}

int64_t pfs_phone_came(const struct pfs_phone *p)
{
    int64_t came = p->device ? came_of_device(p->device, p->now) : 0;
    for (size_t i = 0; p->base && i < p->base->n_layers; i++)
        came = PFS_MAX(came, pfs_layer_came(p->base->layers[i], p->now));
    for (size_t i = 0; p->line_customers && i < p->n_customer_layers; i++)
        if (p->line_customers[i])
            came = PFS_MAX(came, pfs_layer_came(p->line_customers[i], p->now));
    return came;
}

/* ---- Overrides: two sorted sequences walked together ---- */

/* One of the two: a layer, or the others of a base. */
struct sequence {
    const struct pfs_layer *layer;
    const struct pfs_base *base;
    size_t at;
};

static struct sequence sequence_begin(const struct pfs_layer *l, const struct pfs_base *b, const char *prefix)
{
    struct sequence q = {.layer = l, .base = b};
    if (l)
        q.at = upper_bound(l, prefix, INT64_MAX);
    else if (b)
        q.at = lower_bound_other(b, prefix);
    return q;
}

/* The key where the sequence stands; NULL behind the last with the prefix. */
static const char *sequence_key(const struct sequence *q, const char *prefix, size_t prefix_len)
{
    const char *key = NULL;
    if (q->layer && q->at < q->layer->n)
        key = q->layer->settings[q->at].key;
    else if (q->base && q->at < q->base->n_others)
        key = q->base->others[q->at].key;
    return key && strncmp(key, prefix, prefix_len) == 0 ? key : NULL;
}

static void sequence_skip(struct sequence *q, const char *at_key, const char *key)
{
    if (!at_key || strcmp(at_key, key) != 0)
        return;
    q->at = q->layer ? skip_key(q->layer, q->at) : q->at + 1;
}

/* The value of an override at the level asked for: of a line only what its account or itself sets. */
static bool find_override(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                          struct pfs_value *ret)
{
    if (!line)
        return pfs_phone_find(p, NULL, key, -1, ret);
    return find_in_layer(&line->settings, key, p->now, ret) ||
           find_in_layer(&line->account_settings, key, p->now, ret);
}

int pfs_phone_overrides(const struct pfs_phone *p, const struct pfs_line *line, const char *vendor,
                        int (*fn)(void *arg, const char *native_key, const struct pfs_value *value),
                        void *arg)
{
    char prefix[PFS_KEY_MAX + 2];
    int n = snprintf(prefix, sizeof prefix, "%s:", vendor);
    if (n < 0 || (size_t)n >= sizeof prefix)
        return 0; /* no key is that long */
    size_t prefix_len = (size_t)n;
    struct sequence a, b;
    if (line) {
        a = sequence_begin(&line->account_settings, NULL, prefix);
        b = sequence_begin(&line->settings, NULL, prefix);
    } else {
        a = sequence_begin(NULL, p->base, prefix);
        b = sequence_begin(p->device ? &p->device->settings : NULL, NULL, prefix);
    }
    for (;;) {
        const char *key_a = sequence_key(&a, prefix, prefix_len),
                   *key_b = sequence_key(&b, prefix, prefix_len);
        if (!key_a && !key_b)
            return 0;
        const char *key = !key_b || (key_a && strcmp(key_a, key_b) < 0) ? key_a : key_b;
        struct pfs_value value;
        int r = find_override(p, line, key, &value) ? fn(arg, key + prefix_len, &value) : 0;
        if (r != 0)
            return r;
        sequence_skip(&a, key_a, key);
        sequence_skip(&b, key_b, key);
    }
}

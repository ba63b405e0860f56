/* A device as a render wants it, and lists of devices: the hot reads. */
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

static int no_such_device(uint64_t mac, struct pfs_err *err)
{
    char text[PFS_MAC_STR];
    pfs_mac_format(mac, text);
    return pfs_err_set(err, ENOENT, "no such device: %s", text);
}

static int load_device(struct pfs_store *s, struct pfs_device *d, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(
        &q, s->db, err,
        "SELECT d.model, m.name, d.profile, d.customer, d.enabled AND coalesce(c.enabled, 1),"
        " coalesce(c.name, '')"
        " FROM device d LEFT JOIN model m ON m.id = d.model LEFT JOIN customer c ON c.id = d.customer"
        " WHERE d.mac = ?1",
        "i", (int64_t)d->mac);
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r <= 0)
        return r < 0 ? r : no_such_device(d->mac, err);
    const char *model = pfs_query_text(&q, 1), *customer = pfs_query_text(&q, 5);
    if (!customer)
        return pfs_err_nomem(err);
    d->model_id = pfs_query_int(&q, 0);
    d->model = model ? pfs_arena_strdup(&d->arena, model) : NULL;
    d->profile = pfs_query_int(&q, 2);
    d->customer = pfs_query_int(&q, 3);
    d->enabled = pfs_query_int(&q, 4) != 0;
    d->customer_name = pfs_arena_strdup(&d->arena, customer);
    char text[PFS_MAC_STR];
    pfs_mac_format(d->mac, text);
    d->mac_text = pfs_arena_strdup(&d->arena, text);
    if (!d->mac_text || !d->customer_name || (model && !d->model))
        return pfs_err_nomem(err);
    d->settings =
        (struct pfs_layer){.scope = PFS_SCOPE_DEVICE, .object = (int64_t)d->mac, .name = d->mac_text};
    return pfs_inventory_settings(s, &d->arena, &d->settings, err);
}

/* A growing array in an arena: the halves left behind go with the arena. */
static void *grow(struct pfs_arena *a, const void *old, size_t n, size_t size)
{
    if (n > 0 && (n & (n - 1)) != 0)
        return (void *)old;
    void *new = pfs_arena_alloc(a, (n ? n * 2 : 1) * size);
    if (new &&n)
        memcpy(new, old, n * size);
    return new;
}

static int take_line(struct pfs_device *d, const struct pfs_query *q, struct pfs_err *err)
{
    struct pfs_line *lines = grow(&d->arena, d->lines, d->n_lines, sizeof *lines);
    if (!lines)
        return pfs_err_nomem(err);
    d->lines = lines;
    struct pfs_line *line = &lines[d->n_lines];
    const char *account = pfs_query_text(q, 3);
    char name[PFS_MAC_STR + 16];
    snprintf(name, sizeof name, "%s/%u", d->mac_text, (unsigned)pfs_query_int(q, 1));
    *line = (struct pfs_line){
        .number = (unsigned)pfs_query_int(q, 1),
        .account_id = pfs_query_int(q, 2),
        .account = account ? pfs_arena_strdup(&d->arena, account) : NULL,
        .account_customer = pfs_query_int(q, 4),
    };
    line->settings = (struct pfs_layer){
        .scope = PFS_SCOPE_LINE, .object = pfs_query_int(q, 0), .name = pfs_arena_strdup(&d->arena, name)};
    line->account_settings = (struct pfs_layer){
        .scope = PFS_SCOPE_ACCOUNT, .object = line->account_id, .name = line->account ? line->account : ""};
    if (!line->settings.name || (account && !line->account))
        return pfs_err_nomem(err);
    d->n_lines++;
    return 0;
}

static int load_lines(struct pfs_store *s, struct pfs_device *d, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "SELECT l.id, l.number, a.id, a.name, a.customer FROM line l"
                            " LEFT JOIN account a ON a.id = l.account WHERE l.device = ?1 ORDER BY l.number",
                            "i", (int64_t)d->mac);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = take_line(d, &q, err);
    for (size_t i = 0; i < d->n_lines && r == 0; i++) {
        r = pfs_inventory_settings(s, &d->arena, &d->lines[i].settings, err);
        if (r == 0 && d->lines[i].account)
            r = pfs_inventory_settings(s, &d->arena, &d->lines[i].account_settings, err);
    }
    return r;
}

/* All of it is one state: outside a snapshot or a write, one of its own. */
int pfs_store_device(struct pfs_store *s, uint64_t mac, struct pfs_device **ret, struct pfs_err *err)
{
    bool own_snapshot = !s->reading && !s->writing;
    int r = own_snapshot ? pfs_store_begin(s, err) : 0;
    if (r < 0)
        return r;
    struct pfs_device *d = pfs_device_new();
    if (d) {
        d->mac = mac;
        r = load_device(s, d, err);
    } else {
        r = pfs_err_nomem(err);
    }
    if (r == 0)
        r = load_lines(s, d, err);
    if (own_snapshot)
        pfs_store_end(s);
    if (r < 0) {
        pfs_device_unref(d);
        return r;
    }
    *ret = d;
    return 0;
}

/* ---- references ---- */

/* Where the account is among the references, or would be. */
static size_t find_reference(const struct pfs_device *d, const char *account, bool *ret_there)
{
    size_t at = 0;
    int order = -1;
    while (at < d->n_references && (order = strcmp(d->references[at].account, account)) < 0)
        at++;
    *ret_there = order == 0;
    return at;
}

int pfs_store_reference(struct pfs_store *s, struct pfs_device *d, const char *account, struct pfs_err *err)
{
    bool there;
    size_t at = find_reference(d, account, &there);
    if (there)
        return 0;
    int64_t id;
    int r = pfs_db_get(s->db, err, &id, "SELECT id FROM account WHERE name = ?1", "s", account);
    if (r <= 0)
        return r;
    struct pfs_reference added = {.account = pfs_arena_strdup(&d->arena, account)};
    added.settings = (struct pfs_layer){.scope = PFS_SCOPE_ACCOUNT, .object = id, .name = added.account};
    struct pfs_reference *all = grow(&d->arena, d->references, d->n_references, sizeof *all);
    if (!added.account || !all)
        return pfs_err_nomem(err);
    d->references = all;
    r = pfs_inventory_settings(s, &d->arena, &added.settings, err);
    if (r < 0)
        return r;
    memmove(all + at + 1, all + at, (d->n_references - at) * sizeof *all);
    all[at] = added;
    d->n_references++;
    return 0;
}

/* ---- lists ---- */

int pfs_store_list(struct pfs_store *s, uint64_t from_mac, pfs_list_fn fn, void *arg, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "SELECT d.mac, m.name, d.enabled AND coalesce(c.enabled, 1) FROM device d"
                            " LEFT JOIN model m ON m.id = d.model LEFT JOIN customer c ON c.id = d.customer"
                            " WHERE d.mac >= ?1 ORDER BY d.mac",
                            "i", (int64_t)PFS_MIN(from_mac, (uint64_t)INT64_MAX));
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, (uint64_t)pfs_query_int(&q, 0), pfs_query_text(&q, 1), pfs_query_int(&q, 2) != 0);
    return r;
}

int pfs_store_models_in_use(struct pfs_store *s, pfs_name_fn fn, void *arg, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(
        &q, s->db, err,
        "SELECT name FROM model m WHERE EXISTS (SELECT 1 FROM device WHERE model = m.id) ORDER BY name", "");
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, pfs_query_text(&q, 0));
    return r;
}

int pfs_store_models_of_profile(struct pfs_store *s, int64_t profile, pfs_name_fn fn, void *arg,
                                struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT p.id FROM profile p, below"
                            " WHERE p.parent = below.id)"
                            " SELECT name FROM model m WHERE EXISTS (SELECT 1 FROM below CROSS JOIN device d"
                            " WHERE d.profile = below.id AND d.model = m.id) ORDER BY name",
                            "i", profile);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, pfs_query_text(&q, 0));
    return r;
}

int pfs_store_without_model(struct pfs_store *s, pfs_mac_fn fn, void *arg, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "SELECT d.mac FROM device d LEFT JOIN customer c ON c.id = d.customer"
                            " WHERE d.model IS NULL AND d.enabled AND coalesce(c.enabled, 1) ORDER BY d.mac",
                            "");
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, (uint64_t)pfs_query_int(&q, 0));
    return r;
}

/* The rows of an import into the inventory: devices and customers, then accounts and lines. */
#include "core/import.h"

#include <errno.h>
#include <string.h>

enum { MANY_DEVICES = 20000 /* new: what they change would fill the feed */ };

struct row {
    size_t number;
    uint64_t mac;
    char name[PFS_MAC_STR];
};

typedef int (*row_fn)(struct pfs_import *m, const struct row *row);

/* Once more over all rows, which have been checked. */
static int each_row(struct pfs_import *m, const char *what, row_fn fn)
{
    struct pfs_err why;
    int r = pfs_csv_rewind(&m->csv, &why);
    if (r == 0)
        r = pfs_csv_next(&m->csv, &why);
    while (r > 0 && (r = pfs_csv_next(&m->csv, &why)) > 0) {
        struct row row = {.number = m->csv.row};
        r = pfs_mac_parse(m->csv.cells[m->mac], &row.mac, &why);
        if (r < 0)
            break;
        pfs_mac_format(row.mac, row.name);
        r = fn(m, &row);
        if (r < 0)
            return r;
        pfs_command_progress(m->cmd, what, pfs_csv_position(&m->csv), pfs_csv_size(&m->csv));
        r = 1;
    }
    return r < 0 ? pfs_err_set(m->err, -r, "row %zu: %s", m->csv.row, why.msg) : 0;
}

/* Whether this row is the one that says it: a value is applied once. */
static bool is_said_here(const struct pfs_entities *e, const struct pfs_entity *of,
                         const struct pfs_column *column, const char *cell, size_t row)
{
    if (!pfs_import_says(column, cell))
        return false;
    return of->row == row || !(*pfs_entities_given(e, of, column->slot) & 1);
}

static int set_settings(struct pfs_import *m, const struct row *row, enum pfs_scope scope,
                        const struct pfs_entities *entities, const struct pfs_entity *e, const char *object,
                        int64_t id)
{
    for (size_t i = 0; i < m->n_columns; i++) {
        const struct pfs_column *column = &m->columns[i];
        const char *cell = m->csv.cells[i];
        struct pfs_err why;
        if (column->kind != PFS_COLUMN_SETTING || column->scope != scope ||
            !is_said_here(entities, e, column, cell, row->number))
            continue;
        bool is_new = !e->existed && e->row == row->number;
        int r = is_new ? pfs_store_set_new(m->store, scope, id, object, column->key, cell, &why)
                       : pfs_store_set(m->store, scope, id, column->key, cell, 0, m->cmd->now, &why);
        bool changed = r > 0 || (is_new && r == 0);
        if (changed && scope == PFS_SCOPE_CUSTOMER)
            r = pfs_check_note_setting(m->check, m->c, scope, id, column->key, cell, &why);
        if (pfs_import_take(m, r, row->number, column->name, &why) < 0)
            return -EIO;
        m->n_changed += changed && e->existed;
    }
    return 0;
}

/* Finds an object or makes it; the entity knows it from then on. */
static int ensure(struct pfs_import *m, const struct row *row, enum pfs_scope scope, struct pfs_entity *e,
                  const char *name)
{
    struct pfs_err why;
    if (e->id != 0)
        return 0;
    int r = pfs_store_find(m->store, scope, name, &e->id, &why);
    e->existed = r == 0;
    if (r == -ENOENT) {
        static const char *const nothing[PFS_N_FIELDS];
        r = pfs_store_add_with(m->store, scope, name, nothing, &e->id, &why);
        m->made[scope] += r == 0;
    }
    if (r < 0)
        e->id = 0;
    return pfs_import_take(m, r, row->number, NULL, &why);
}

/* ---- devices and customers ---- */

struct source {
    char text[128];
    bool is_set;
};

static int take_source(void *arg, const struct pfs_object *o)
{
    struct source *s = arg;
    s->is_set = o->fields[PFS_FIELD_SOURCE] != NULL;
    return 0;
}

/* What nobody brought is brought by this sync from now on; another's stays another's. */
static int set_source(struct pfs_import *m, enum pfs_scope scope, int64_t id, bool existed)
{
    struct source s = {0};
    int r = m->sync && existed ? pfs_store_object(m->store, scope, id, take_source, &s, m->err) : 0;
    if (r < 0 || !m->sync || s.is_set)
        return r;
    r = pfs_store_update(m->store, scope, id, PFS_FIELD_SOURCE, m->sync, m->err);
    return r < 0 ? r : 0;
}

/* What the row says of its device's fields. */
static bool said_fields(const struct pfs_import *m, const struct row *row, const struct pfs_entity *e,
                        const char *ret_fields[static PFS_N_FIELDS])
{
    bool any = false;
    for (size_t i = 0; i < m->n_columns; i++) {
        const struct pfs_column *column = &m->columns[i];
        if (column->kind != PFS_COLUMN_FIELD ||
            !is_said_here(&m->devices, e, column, m->csv.cells[i], row->number))
            continue;
        ret_fields[column->field] = m->csv.cells[i];
        any = true;
    }
    return any;
}

static int note_pair(struct pfs_import *m, const char *const *fields, struct pfs_err *why)
{
    if (!fields[PFS_FIELD_MODEL] || !fields[PFS_FIELD_PROFILE] || !*fields[PFS_FIELD_PROFILE])
        return 0;
    return pfs_check_note_profile(m->check, fields[PFS_FIELD_MODEL], fields[PFS_FIELD_PROFILE], why);
}

static int set_fields(struct pfs_import *m, const struct row *row, const struct pfs_entity *e)
{
    const char *fields[PFS_N_FIELDS] = {0};
    struct pfs_target t = {.kind = PFS_SCOPE_DEVICE, .id = e->id, .name = row->name};
    struct pfs_err why;
    int r = said_fields(m, row, e, fields) ? pfs_command_set_fields(m->cmd, &t, fields, &why) : 0;
    m->n_changed += r > 0 && e->existed;
    if (r > 0)
        r = note_pair(m, fields, &why);
    return pfs_import_take(m, r, row->number, NULL, &why);
}

/* A new device in one row. Where that is refused it is made and set field by field, which tells why. */
static int add_device(struct pfs_import *m, const struct row *row, struct pfs_entity *e)
{
    const char *fields[PFS_N_FIELDS] = {0};
    struct pfs_target t = {.kind = PFS_SCOPE_DEVICE, .name = row->name};
    struct pfs_err why;
    said_fields(m, row, e, fields);
    const char *enabled = fields[PFS_FIELD_ENABLED];
    fields[PFS_FIELD_ENABLED] = NULL;
    fields[PFS_FIELD_SOURCE] = m->sync;
    if (pfs_store_add_with(m->store, t.kind, t.name, fields, &e->id, &why) < 0)
        return 0;
    m->made[PFS_SCOPE_DEVICE]++;
    pfs_command_note_vendor(m->cmd, &t, fields[PFS_FIELD_MODEL]);
    int r = enabled ? pfs_store_update(m->store, t.kind, e->id, PFS_FIELD_ENABLED, enabled, &why) : 0;
    if (r >= 0)
        r = note_pair(m, fields, &why);
    return pfs_import_take(m, r, row->number, NULL, &why);
}

static int apply_customer(struct pfs_import *m, const struct row *row)
{
    const char *customer = pfs_import_cell(m, m->customer);
    if (!*customer)
        return 0;
    struct pfs_entity *c = pfs_entities_find(&m->customers, pfs_entities_hash(customer));
    int r = ensure(m, row, PFS_SCOPE_CUSTOMER, c, customer);
    return r < 0 || !c->id ? r : set_settings(m, row, PFS_SCOPE_CUSTOMER, &m->customers, c, customer, c->id);
}

static int apply_device(struct pfs_import *m, const struct row *row)
{
    struct pfs_entity *e = pfs_entities_find(&m->devices, row->mac);
    int r = apply_customer(m, row);
    if (r == 0 && e->id == 0)
        r = add_device(m, row, e);
    bool is_added = r == 0 && e->id != 0 && !e->existed && e->row == row->number;
    if (r == 0)
        r = ensure(m, row, PFS_SCOPE_DEVICE, e, row->name);
    if (r < 0 || e->id == 0)
        return r;
    r = is_added ? 0 : set_fields(m, row, e);
    if (r == 0)
        r = set_settings(m, row, PFS_SCOPE_DEVICE, &m->devices, e, row->name, e->id);
    return r == 0 && !is_added && e->row == row->number ? set_source(m, PFS_SCOPE_DEVICE, e->id, e->existed)
                                                        : r;
}

/* ---- accounts and lines ---- */

static int take_customer(void *arg, const struct pfs_object *o)
{
    char *to = arg;
    snprintf(to, 128, "%s", o->fields[PFS_FIELD_CUSTOMER] ? o->fields[PFS_FIELD_CUSTOMER] : "");
    return 0;
}

/* A new account is of the customer of the device that names it first: of the row's where it says one, for its
 * device has it by now. */
static int add_account(struct pfs_import *m, const struct row *row, struct pfs_entity *e, const char *name)
{
    char stored[128] = "";
    const char *customer = pfs_import_cell(m, m->customer);
    struct pfs_err why;
    int r = 0;
    if (!*customer) {
        r = pfs_store_object(m->store, PFS_SCOPE_DEVICE, (int64_t)row->mac, take_customer, stored, m->err);
        customer = stored;
    }
    if (r < 0)
        return r;
    const char *fields[PFS_N_FIELDS] = {
        [PFS_FIELD_CUSTOMER] = *customer ? customer : NULL,
        [PFS_FIELD_SOURCE] = m->sync,
    };
    r = pfs_store_add_with(m->store, PFS_SCOPE_ACCOUNT, name, fields, &e->id, &why);
    m->made[PFS_SCOPE_ACCOUNT] += r == 0;
    return pfs_import_take(m, r, row->number, "account", &why);
}

/* Finds the account that the row names, or makes it. */
static int ensure_account(struct pfs_import *m, const struct row *row, struct pfs_entity *e, const char *name)
{
    struct pfs_err why;
    if (e->id != 0)
        return 0;
    int r = pfs_store_find(m->store, PFS_SCOPE_ACCOUNT, name, &e->id, &why);
    e->existed = r == 0;
    if (r == -ENOENT)
        return add_account(m, row, e, name);
    return r == 0 ? set_source(m, PFS_SCOPE_ACCOUNT, e->id, true)
                  : pfs_import_take(m, r, row->number, NULL, &why);
}

static int apply_account(struct pfs_import *m, const struct row *row, int64_t *ret_id)
{
    const char *name = pfs_import_cell(m, m->account);
    *ret_id = 0;
    if (!*name)
        return 0;
    struct pfs_entity *e = pfs_entities_find(&m->accounts, pfs_entities_hash(name));
    int r = ensure_account(m, row, e, name);
    *ret_id = e->id;
    return r < 0 || e->id == 0 ? r : set_settings(m, row, PFS_SCOPE_ACCOUNT, &m->accounts, e, name, e->id);
}

/* A line that is there, or may be. */
static int update_line(struct pfs_import *m, const struct row *row, struct pfs_entity *e, const char *name,
                       unsigned number, int64_t account, struct pfs_err *why)
{
    e->existed = pfs_store_find(m->store, PFS_SCOPE_LINE, name, &e->id, NULL) == 0;
    if (e->existed && !account) /* an empty cell leaves the account on the line */
        return 0;
    int r = pfs_store_assign(m->store, row->mac, number, account, why);
    m->made[PFS_SCOPE_LINE] += r > 0 && !e->existed;
    m->n_changed += r > 0 && e->existed;
    return r < 0 || e->existed ? r : pfs_store_find(m->store, PFS_SCOPE_LINE, name, &e->id, why);
}

static int add_line(struct pfs_import *m, const struct row *row, struct pfs_entity *e, unsigned number,
                    int64_t account, struct pfs_err *why)
{
    const char *name = account ? pfs_import_cell(m, m->account) : NULL;
    int r = pfs_store_assign_new(m->store, row->mac, number, account, name, &e->id, why);
    m->made[PFS_SCOPE_LINE] += r == 0;
    return r;
}

static int apply_line(struct pfs_import *m, const struct row *row)
{
    int64_t account;
    struct pfs_err why;
    int r = apply_account(m, row, &account);
    unsigned number = pfs_import_line_number(pfs_import_cell(m, m->line));
    if (r < 0 || number == 0)
        return r;
    char name[PFS_MAC_STR + 12];
    snprintf(name, sizeof name, "%s/%u", row->name, number);
    struct pfs_entity *e = pfs_entities_find(&m->lines, pfs_import_line_key(row->mac, number));
    if (pfs_entities_find(&m->devices, row->mac)->existed)
        r = update_line(m, row, e, name, number, account, &why);
    else
        r = add_line(m, row, e, number, account, &why);
    return r < 0 ? pfs_import_take(m, r, row->number, "line", &why)
                 : set_settings(m, row, PFS_SCOPE_LINE, &m->lines, e, name, e->id);
}

/* ---- references ---- */

static bool is_reference(const struct pfs_column *column)
{
    return column->kind == PFS_COLUMN_SETTING && column->what.entry &&
           column->what.entry->type == PFS_TYPE_ACCOUNT;
}

/* Accounts that settings name: they may be made by a later row, so they are looked for at the end. */
static int check_references(struct pfs_import *m, const struct row *row)
{
    for (size_t i = 0; i < m->n_columns; i++) {
        struct pfs_err why;
        int64_t id;
        if (!is_reference(&m->columns[i]) || !pfs_import_says(&m->columns[i], m->csv.cells[i]))
            continue;
        int r = pfs_store_find(m->store, PFS_SCOPE_ACCOUNT, m->csv.cells[i], &id, &why);
        if (pfs_import_take(m, r, row->number, m->columns[i].name, &why) < 0)
            return -EIO;
    }
    return 0;
}

static bool has_references(const struct pfs_import *m)
{
    for (size_t i = 0; i < m->n_columns; i++)
        if (is_reference(&m->columns[i]))
            return true;
    return false;
}

static bool adds_many(const struct pfs_import *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->devices.n; i++)
        n += !m->devices.all[i].existed;
    return n >= MANY_DEVICES;
}

int pfs_import_apply(struct pfs_import *m)
{
    int r = adds_many(m) ? pfs_store_expect_many(m->store, m->err) : 0;
    if (r == 0)
        r = each_row(m, "devices", apply_device);
    if (r == 0 && m->n_problems == 0)
        r = each_row(m, "lines", apply_line);
    if (r == 0 && m->n_problems == 0 && has_references(m))
        r = each_row(m, "references", check_references);
    return r;
}

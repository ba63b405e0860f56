/* The rows of an import, checked before anything is changed. */
#include "core/import.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { PROBLEMS_SHOWN = 1000 };

/* ---- entities ---- */

void pfs_entities_done(struct pfs_entities *e)
{
    free(e->all);
    free(e->given);
    free(e->buckets);
    *e = (struct pfs_entities){0};
}

uint64_t pfs_entities_hash(const char *name)
{
    return XXH3_64bits(name, strlen(name));
}

static size_t bucket_of(const struct pfs_entities *e, uint64_t key)
{
    return (size_t)XXH3_64bits(&key, sizeof key) & (e->n_buckets - 1);
}

struct pfs_entity *pfs_entities_find(const struct pfs_entities *e, uint64_t key)
{
    if (e->n_buckets == 0)
        return NULL;
    for (size_t b = bucket_of(e, key); e->buckets[b]; b = (b + 1) & (e->n_buckets - 1))
        if (e->all[e->buckets[b] - 1].key == key)
            return &e->all[e->buckets[b] - 1];
    return NULL;
}

static void put_in_bucket(struct pfs_entities *e, size_t i)
{
    size_t b = bucket_of(e, e->all[i].key);
    while (e->buckets[b])
        b = (b + 1) & (e->n_buckets - 1);
    e->buckets[b] = (uint32_t)i + 1;
}

static bool grow_buckets(struct pfs_entities *e)
{
    size_t n = e->n_buckets ? 2 * e->n_buckets : 1024;
    uint32_t *buckets = calloc(n, sizeof *buckets);
    if (!buckets)
        return false;
    free(e->buckets);
    e->buckets = buckets;
    e->n_buckets = n;
    for (size_t i = 0; i < e->n; i++)
        put_in_bucket(e, i);
    return true;
}

static bool grow_rows(struct pfs_entities *e)
{
    size_t cap = e->cap ? e->cap + e->cap / 2 : 1024;
    struct pfs_entity *all = reallocarray(e->all, cap, sizeof *all);
    if (!all)
        return false;
    e->all = all;
    if (e->n_slots > 0) {
        uint64_t *given = reallocarray(e->given, cap * e->n_slots, sizeof *given);
        if (!given)
            return false;
        e->given = given;
    }
    e->cap = cap;
    return true;
}

struct pfs_entity *pfs_entities_get(struct pfs_entities *e, uint64_t key, uint32_t row)
{
    struct pfs_entity *found = pfs_entities_find(e, key);
    if (found)
        return found;
    if (e->n == UINT32_MAX - 1 || (e->n == e->cap && !grow_rows(e)) ||
        (4 * (e->n + 1) > 3 * e->n_buckets && !grow_buckets(e)))
        return NULL;
    e->all[e->n] = (struct pfs_entity){.key = key, .row = row};
    if (e->n_slots > 0)
        memset(e->given + e->n * e->n_slots, 0, e->n_slots * sizeof *e->given);
    put_in_bucket(e, e->n);
    return &e->all[e->n++];
}

uint64_t *pfs_entities_given(const struct pfs_entities *e, const struct pfs_entity *of, size_t slot)
{
    return &e->given[(size_t)(of - e->all) * e->n_slots + slot];
}

/* ---- problems ---- */

static void show_problem(struct pfs_import *m, const char *sentence)
{
    if (!m->cmd->io->notes || m->n_problems > PROBLEMS_SHOWN)
        return;
    pfs_command_progress(m->cmd, "", 0, 0);
    fprintf(m->cmd->io->notes, "%s\n", sentence);
}

void pfs_import_problem(struct pfs_import *m, size_t row, const char *column, const char *cause)
{
    struct pfs_err sentence;
    size_t len = column ? strlen(column) : 0;
    const char *key = column && strchr(column, '/') ? strchr(column, '/') + 1 : column;
    size_t key_len = key ? strlen(key) : 0;
    if (key && strncmp(cause, key, key_len) == 0 && cause[key_len] == ':')
        cause += key_len + 1 + strspn(cause + key_len + 1, " "); /* the column says it already */
    pfs_err_set(&sentence, EINVAL, "%s %zu: %s%s%s", m->unit, row, len ? column : "", len ? ": " : "", cause);
    m->n_problems++;
    if (row != m->last_bad_row || m->n_problems == 1)
        m->n_bad_rows++;
    m->last_bad_row = row;
    if (m->n_problems == 1) {
        m->first = sentence; /* alone it is the answer */
        return;
    }
    if (m->n_problems == 2)
        show_problem(m, m->first.msg);
    show_problem(m, sentence.msg);
}

int pfs_import_take(struct pfs_import *m, int r, size_t row, const char *column, const struct pfs_err *why)
{
    if (r >= 0)
        return 0;
    if (r != -EINVAL && r != -ENOENT && r != -EEXIST && r != -EFBIG)
        return pfs_err_set(m->err, -r, "%s %zu: %s", m->unit, row, why->msg);
    pfs_import_problem(m, row, column, why->msg);
    return 0;
}

/* ---- cells ---- */

bool pfs_import_says(const struct pfs_column *column, const char *cell)
{
    bool is_mask = column->kind == PFS_COLUMN_SETTING && column->what.secret && strcmp(cell, "********") == 0;
    return *cell != '\0' && !is_mask;
}

unsigned pfs_import_line_number(const char *cell)
{
    size_t len = strspn(cell, "0123456789");
    unsigned long n = len > 0 && len <= 3 && cell[len] == '\0' ? strtoul(cell, NULL, 10) : 0;
    return n <= PFS_KEY_NUMBER_MAX ? (unsigned)n : 0;
}

/* What a row is about, as far as its cells are good. */
struct row {
    size_t number;
    uint64_t mac;
    unsigned line;
    const char *account, *customer;
    size_t device_at; /* its place among m->devices: pointers move */
};

/* Whether a value is the one that an earlier row gave; the first is kept. */
static void check_agreement(struct pfs_import *m, const struct pfs_entities *e, const struct pfs_entity *of,
                            const struct pfs_column *column, const char *cell, const char *what, size_t row)
{
    uint64_t hash = pfs_entities_hash(cell) | 2, *given = pfs_entities_given(e, of, column->slot);
    char cause[160];
    if (*given == 0) {
        *given = (hash & ~(uint64_t)1) | (of->row == row);
        return;
    }
    if ((*given | 1) == (hash | 1))
        return;
    snprintf(cause, sizeof cause, "does not agree with an earlier row of the same %s (from row %u on)", what,
             of->row);
    pfs_import_problem(m, row, column->name, cause);
}

static bool is_first(const struct pfs_entities *e, const struct pfs_entity *of,
                     const struct pfs_column *column)
{
    return *pfs_entities_given(e, of, column->slot) == 0;
}

static int check_field(struct pfs_import *m, struct pfs_entity *device, const struct pfs_column *column,
                       const char *cell, struct pfs_err *why)
{
    int64_t id;
    if (column->field == PFS_FIELD_MODEL)
        return pfs_library_find_model(m->c->library, cell, &device->model, why);
    if (column->field == PFS_FIELD_PROFILE)
        return pfs_store_find(m->store, PFS_SCOPE_PROFILE, cell, &id, why);
    if (column->field == PFS_FIELD_CUSTOMER)
        return pfs_name_check("customer name", cell, why);
    if (column->field == PFS_FIELD_ENABLED && strcmp(cell, "yes") != 0 && strcmp(cell, "no") != 0)
        return pfs_err_set(why, EINVAL, "is yes or no");
    return 0;
}

static int check_setting(const struct pfs_model *model, const struct pfs_column *column, const char *cell,
                         struct pfs_err *why)
{
    int r = pfs_catalogue_check(column->key, &column->what, cell, why);
    return r < 0 || !model ? r : pfs_check_value(model, column->key, cell, why);
}

/* ---- one row ---- */

static int existing_model(void *arg, const struct pfs_object *o)
{
    struct pfs_entity *e = ((void **)arg)[0];
    const struct pfs_library *l = ((void **)arg)[1];
    if (o->fields[PFS_FIELD_MODEL] && !e->model)
        e->model = pfs_library_model(l, o->fields[PFS_FIELD_MODEL]);
    return 0;
}

static int look_up_device(struct pfs_import *m, const struct row *row, struct pfs_entity *e)
{
    char name[PFS_MAC_STR];
    struct pfs_err why;
    pfs_mac_format(row->mac, name);
    int r = pfs_store_find(m->store, PFS_SCOPE_DEVICE, name, &e->id, &why);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return pfs_err_set(m->err, -r, "row %zu: %s", row->number, why.msg);
    e->existed = true;
    if (!m->update) {
        pfs_err_set(&why, EEXIST, "there is a device %s already (--update or --sync changes it)", name);
        pfs_import_problem(m, row->number, "mac", why.msg);
    }
    void *arg[2] = {e, m->c->library};
    return pfs_store_object(m->store, PFS_SCOPE_DEVICE, e->id, existing_model, arg, m->err);
}

static int check_device(struct pfs_import *m, struct row *row)
{
    struct pfs_entity *e = pfs_entities_get(&m->devices, row->mac, (uint32_t)row->number);
    if (!e)
        return pfs_err_nomem(m->err);
    row->device_at = (size_t)(e - m->devices.all);
    int r = e->row == row->number ? look_up_device(m, row, e) : 0;
    for (size_t i = 0; i < m->n_columns && r == 0; i++) {
        const struct pfs_column *column = &m->columns[i];
        const char *cell = m->csv.cells[i];
        bool is_field = column->kind == PFS_COLUMN_FIELD;
        if ((!is_field && !(column->kind == PFS_COLUMN_SETTING && column->scope == PFS_SCOPE_DEVICE)) ||
            !pfs_import_says(column, cell))
            continue;
        struct pfs_err why;
        if (is_first(&m->devices, e, column)) {
            int bad = is_field ? check_field(m, e, column, cell, &why)
                               : check_setting(e->model, column, cell, &why);
            r = pfs_import_take(m, bad, row->number, column->name, &why);
        }
        check_agreement(m, &m->devices, e, column, cell, "device", row->number);
    }
    return r;
}

/* Settings of the row's customer, account or line. */
static int check_settings(struct pfs_import *m, const struct row *row, enum pfs_scope scope,
                          struct pfs_entities *entities, struct pfs_entity *e)
{
    int r = 0;
    for (size_t i = 0; i < m->n_columns && r == 0; i++) {
        const struct pfs_column *column = &m->columns[i];
        const char *cell = m->csv.cells[i];
        if (column->kind != PFS_COLUMN_SETTING || column->scope != scope || *cell == '\0')
            continue;
        struct pfs_err why;
        if (!e) {
            pfs_err_set(&why, EINVAL, "has a value, but the row has no %s", pfs_scope_name(scope));
            pfs_import_problem(m, row->number, column->name, why.msg);
        } else if (pfs_import_says(column, cell)) {
            int bad = check_setting(scope == PFS_SCOPE_CUSTOMER ? NULL : m->devices.all[row->device_at].model,
                                    column, cell, &why);
            r = pfs_import_take(m, bad, row->number, column->name, &why);
            check_agreement(m, entities, e, column, cell, pfs_scope_name(scope), row->number);
        }
    }
    return r;
}

static int check_named(struct pfs_import *m, const struct row *row, enum pfs_scope scope, const char *name)
{
    struct pfs_entities *entities = scope == PFS_SCOPE_ACCOUNT ? &m->accounts : &m->customers;
    struct pfs_entity *e = NULL;
    struct pfs_err why;
    if (*name) {
        e = pfs_entities_get(entities, pfs_entities_hash(name), (uint32_t)row->number);
        if (!e)
            return pfs_err_nomem(m->err);
    }
    if (scope == PFS_SCOPE_ACCOUNT && *name && pfs_name_check("account name", name, &why) < 0)
        pfs_import_problem(m, row->number, "account", why.msg);
    return check_settings(m, row, scope, entities, e);
}

static int check_line(struct pfs_import *m, struct row *row)
{
    const char *cell = pfs_import_cell(m, m->line);
    struct pfs_err why;
    if (!*cell) {
        if (*row->account)
            pfs_import_problem(m, row->number, "line", "is empty, but the row has an account");
        return check_settings(m, row, PFS_SCOPE_LINE, &m->lines, NULL);
    }
    row->line = pfs_import_line_number(cell);
    if (row->line == 0) {
        pfs_err_set(&why, EINVAL, "%.32s is no number of a line: they go from 1", cell);
        pfs_import_problem(m, row->number, "line", why.msg);
        return 0;
    }
    const struct pfs_model *model = m->devices.all[row->device_at].model;
    if (model && pfs_check_line(model, row->line, &why) < 0)
        pfs_import_problem(m, row->number, NULL, why.msg);
    struct pfs_entity *e =
        pfs_entities_get(&m->lines, pfs_import_line_key(row->mac, row->line), (uint32_t)row->number);
    if (!e)
        return pfs_err_nomem(m->err);
    if (e->row != row->number) {
        pfs_err_set(&why, EINVAL, "line %u of this device is in row %u already", row->line, e->row);
        pfs_import_problem(m, row->number, "line", why.msg);
        return 0;
    }
    return check_settings(m, row, PFS_SCOPE_LINE, &m->lines, e);
}

static bool is_utf8(struct pfs_import *m)
{
    bool all = true;
    for (size_t i = 0; i < m->csv.n_cells; i++) {
        if (pfs_utf8_valid(m->csv.cells[i], strlen(m->csv.cells[i])))
            continue;
        pfs_import_problem(m, m->csv.row, i < m->n_columns ? m->columns[i].name : NULL,
                           "is not UTF-8 (Latin-1?)");
        all = false;
    }
    return all;
}

static bool has_right_cells(struct pfs_import *m)
{
    struct pfs_err why;
    if (m->csv.n_cells == m->n_columns)
        return true;
    pfs_err_set(&why, EINVAL, "has %zu cell%s, the first row has %zu", m->csv.n_cells,
                m->csv.n_cells == 1 ? "" : "s", m->n_columns);
    pfs_import_problem(m, m->csv.row, NULL, why.msg);
    return false;
}

static int check_row(struct pfs_import *m)
{
    struct row row = {.number = m->csv.row};
    struct pfs_err why;
    if (!has_right_cells(m) || !is_utf8(m))
        return 0;
    row.account = pfs_import_cell(m, m->account);
    row.customer = pfs_import_cell(m, m->customer);
    if (pfs_mac_parse(pfs_import_cell(m, m->mac), &row.mac, &why) < 0) {
        pfs_import_problem(m, row.number, "mac", why.msg);
        return 0;
    }
    int r = check_device(m, &row);
    if (r == 0)
        r = check_named(m, &row, PFS_SCOPE_CUSTOMER, row.customer);
    if (r == 0)
        r = check_line(m, &row);
    return r < 0 || m->account == SIZE_MAX ? r : check_named(m, &row, PFS_SCOPE_ACCOUNT, row.account);
}

int pfs_import_check_rows(struct pfs_import *m)
{
    struct pfs_err why;
    int r;
    while ((r = pfs_csv_next(&m->csv, &why)) != 0) {
        if (r == -ENOMEM || r == -EIO)
            return pfs_err_set(m->err, -r, "%s", why.msg);
        if (r < 0)
            pfs_import_problem(m, m->csv.row, NULL, why.msg);
        if (r > 0 && (r = check_row(m)) < 0)
            return r;
        m->n_rows++;
        pfs_command_progress(m->cmd, "reading", pfs_csv_position(&m->csv), pfs_csv_size(&m->csv));
    }
    if (m->n_rows == 0)
        return pfs_err_set(m->err, EINVAL, "has no rows but the first");
    return 0;
}

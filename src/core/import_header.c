/* The first row of an import: which column is what. */
#include "core/import.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    enum pfs_column_kind kind;
    enum pfs_field field;
} fixed[] = {
    {"mac", PFS_COLUMN_MAC, 0},
    {"line", PFS_COLUMN_LINE, 0},
    {"account", PFS_COLUMN_ACCOUNT, 0},
    {"model", PFS_COLUMN_FIELD, PFS_FIELD_MODEL},
    {"profile", PFS_COLUMN_FIELD, PFS_FIELD_PROFILE},
    {"customer", PFS_COLUMN_FIELD, PFS_FIELD_CUSTOMER},
    {"enabled", PFS_COLUMN_FIELD, PFS_FIELD_ENABLED},
    {"inventory_id", PFS_COLUMN_FIELD, PFS_FIELD_INVENTORY_ID},
    {"note", PFS_COLUMN_FIELD, PFS_FIELD_NOTE},
};

static bool take_fixed(struct pfs_column *column)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(fixed); i++)
        if (strcmp(fixed[i].name, column->name) == 0) {
            column->kind = fixed[i].kind;
            column->field = fixed[i].field;
            return true;
        }
    return false;
}

static const enum pfs_scope column_scopes[] = {PFS_SCOPE_CUSTOMER, PFS_SCOPE_ACCOUNT, PFS_SCOPE_DEVICE,
                                               PFS_SCOPE_LINE};

/* `device/sip.port`: the scope in front, where it is one. */
static bool take_scope(struct pfs_column *column)
{
    const char *slash = strchr(column->name, '/');
    for (size_t i = 0; slash && i < PFS_N_ELEMENTS(column_scopes); i++) {
        const char *scope = pfs_scope_name(column_scopes[i]);
        size_t len = (size_t)(slash - column->name);
        if (strlen(scope) == len && strncmp(scope, column->name, len) == 0) {
            column->scope = column_scopes[i];
            column->key = slash + 1;
            return true;
        }
    }
    return false;
}

static int refuse_bare(const struct pfs_key *k, const char *key, struct pfs_err *err)
{
    char choice[4 * (PFS_KEY_MAX + 16)] = "";
    for (size_t i = 0; i < PFS_N_ELEMENTS(column_scopes); i++) {
        size_t used = strlen(choice);
        if (k->scopes & PFS_SCOPE_BIT(column_scopes[i]))
            snprintf(choice + used, sizeof choice - used, "%s%s/%s", used ? ", " : "",
                     pfs_scope_name(column_scopes[i]), key);
    }
    return pfs_err_set(err, EINVAL, "say where it belongs: %s", choice);
}

static int take_setting(struct pfs_import *m, struct pfs_column *column)
{
    struct pfs_err *err = m->err;
    column->kind = PFS_COLUMN_SETTING;
    if (take_scope(column))
        return pfs_command_key(m->c, column->scope, column->key, &column->what, err);
    column->key = column->name;
    int r = pfs_catalogue_find(m->c->catalogue, column->key, &column->what, err);
    if (r < 0)
        return strpbrk(column->name, ".:") ? r : pfs_err_set(err, EINVAL, "no such column: %s", column->name);
    column->scope = column->what.override ? PFS_SCOPE_DEVICE : column->what.entry->home;
    if (column->scope == PFS_SCOPE_DEFAULT)
        return refuse_bare(&column->what, column->key, err);
    return pfs_command_key(m->c, column->scope, column->key, &column->what, err);
}

static bool is_same(const struct pfs_column *a, const struct pfs_column *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == PFS_COLUMN_SETTING)
        return a->scope == b->scope && strcmp(a->key, b->key) == 0;
    return a->kind != PFS_COLUMN_FIELD || a->field == b->field;
}

static struct pfs_entities *entities_of(struct pfs_import *m, const struct pfs_column *column)
{
    if (column->kind == PFS_COLUMN_FIELD)
        return &m->devices;
    if (column->kind != PFS_COLUMN_SETTING)
        return NULL;
    return column->scope == PFS_SCOPE_DEVICE    ? &m->devices
           : column->scope == PFS_SCOPE_ACCOUNT ? &m->accounts
           : column->scope == PFS_SCOPE_LINE    ? &m->lines
                                                : &m->customers;
}

static int take_column(struct pfs_import *m, size_t i)
{
    struct pfs_column *column = &m->columns[i];
    if (!pfs_utf8_valid(column->name, strlen(column->name)))
        return pfs_err_set(m->err, EINVAL, "its name is not UTF-8 (Latin-1?)");
    int r = take_fixed(column) ? 0 : take_setting(m, column);
    if (r < 0)
        return r;
    for (size_t other = 0; other < i; other++)
        if (is_same(&m->columns[other], column))
            return pfs_err_set(m->err, EINVAL, "is there twice: columns %zu and %zu", other + 1, i + 1);
    struct pfs_entities *e = entities_of(m, column);
    if (e)
        column->slot = e->n_slots++;
    if (column->kind == PFS_COLUMN_MAC)
        m->mac = i;
    else if (column->kind == PFS_COLUMN_LINE)
        m->line = i;
    else if (column->kind == PFS_COLUMN_ACCOUNT)
        m->account = i;
    else if (column->kind == PFS_COLUMN_FIELD && column->field == PFS_FIELD_CUSTOMER)
        m->customer = i;
    return 0;
}

/* Columns that make no sense without another. */
static int check_columns(const struct pfs_import *m)
{
    bool has[PFS_N_SCOPES] = {false};
    for (size_t i = 0; i < m->n_columns; i++)
        if (m->columns[i].kind == PFS_COLUMN_SETTING)
            has[m->columns[i].scope] = true;
    if (m->mac == SIZE_MAX)
        return pfs_err_set(m->err, EINVAL, "row 1: column mac is missing%s",
                           m->n_columns == 1 && strpbrk(m->columns[0].name, ";\t")
                               ? " (another delimiter? --delimiter)"
                               : "");
    if ((m->account != SIZE_MAX || has[PFS_SCOPE_LINE]) && m->line == SIZE_MAX)
        return pfs_err_set(m->err, EINVAL,
                           "row 1: column line is missing: it says on which line the account is");
    if (has[PFS_SCOPE_ACCOUNT] && m->account == SIZE_MAX)
        return pfs_err_set(m->err, EINVAL,
                           "row 1: column account is missing: settings of accounts are there");
    if (has[PFS_SCOPE_CUSTOMER] && m->customer == SIZE_MAX)
        return pfs_err_set(m->err, EINVAL,
                           "row 1: column customer is missing: settings of customers are there");
    return 0;
}

/* A lone cell that holds another delimiter is told of as such, not as an unknown column. */
static bool is_one_odd_cell(const struct pfs_import *m)
{
    return m->n_columns == 1 && strpbrk(m->columns[0].name, ";\t");
}

int pfs_import_header(struct pfs_import *m)
{
    m->mac = m->line = m->account = m->customer = SIZE_MAX;
    int r = pfs_csv_next(&m->csv, m->err);
    if (r < 0) {
        pfs_err_prefix(m->err, "row %zu", m->csv.row);
        return r;
    }
    if (r == 0)
        return pfs_err_set(m->err, EINVAL, "is empty: its first row names the columns, mac among them");
    m->n_columns = m->csv.n_cells;
    m->columns = pfs_arena_alloc(&m->cmd->arena, m->n_columns * sizeof *m->columns);
    if (!m->columns)
        return pfs_err_nomem(m->err);
    for (size_t i = 0; i < m->n_columns; i++)
        if (!(m->columns[i].name = pfs_arena_strdup(&m->cmd->arena, m->csv.cells[i])))
            return pfs_err_nomem(m->err);
    for (size_t i = 0; i < m->n_columns && !is_one_odd_cell(m); i++) {
        r = take_column(m, i);
        if (r < 0) {
            pfs_err_prefix(m->err, "row 1: column %s", m->columns[i].name);
            return r;
        }
    }
    return check_columns(m);
}

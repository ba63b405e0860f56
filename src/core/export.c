/* export: the devices as CSV, a row a line, in order of MAC; what import takes. */
#include "core/command_impl.h"
#include "core/csv.h"

#include <errno.h>
#include <string.h>

/* A setting's column: SCOPE/KEY, or KEY alone where that scope is the key's home. */
struct column {
    enum pfs_scope scope;
    const char *key;
    bool is_bare;
};

struct export
{
    struct pfs_command *cmd;
    struct pfs_store *store;
    FILE *out;
    char delimiter;
    size_t n_columns, cap;
    struct column *columns;
    struct pfs_arena customer_arena; /* the values of the customer written last */
    int64_t customer;
    const char **customer_values; /* a column each */
    int64_t n_scheduled, n_empty, n_foreign;
    struct pfs_err *err;
};

static const enum pfs_field fields[] = {PFS_FIELD_MODEL,   PFS_FIELD_PROFILE,      PFS_FIELD_CUSTOMER,
                                        PFS_FIELD_ENABLED, PFS_FIELD_INVENTORY_ID, PFS_FIELD_NOTE};

/* ---- columns ---- */

static bool is_exported(enum pfs_scope scope)
{
    return scope == PFS_SCOPE_CUSTOMER || scope == PFS_SCOPE_ACCOUNT || scope == PFS_SCOPE_DEVICE ||
           scope == PFS_SCOPE_LINE;
}

static bool is_bare(const struct export *x, enum pfs_scope scope, const char *key)
{
    struct pfs_key k;
    if (pfs_catalogue_find(x->cmd->context->catalogue, key, &k, NULL) < 0)
        return false;
    return k.override ? scope == PFS_SCOPE_DEVICE : k.entry->home == scope;
}

static bool make_room(struct export *x)
{
    if (x->n_columns < x->cap)
        return true;
    size_t cap = x->cap ? 2 * x->cap : 64;
    struct column *columns = reallocarray(x->columns, cap, sizeof *columns);
    if (!columns)
        return false;
    x->columns = columns;
    x->cap = cap;
    return true;
}

/* Rows come by key, then scope: a column is new where it differs from the one before. */
static int add_column(void *arg, const struct pfs_setting_row *row)
{
    struct export *x = arg;
    const struct column *last = x->n_columns ? &x->columns[x->n_columns - 1] : NULL;
    if (!is_exported(row->scope))
        return 0;
    if (row->from > x->cmd->now)
        x->n_scheduled++;
    if (last && last->scope == row->scope && strcmp(last->key, row->key) == 0)
        return 0;
    if (!make_room(x))
        return -ENOMEM;
    struct column c = {.scope = row->scope,
                       .key = pfs_arena_strdup(&x->cmd->arena, row->key),
                       .is_bare = is_bare(x, row->scope, row->key)};
    if (!c.key)
        return -ENOMEM;
    x->columns[x->n_columns++] = c;
    return 0;
}

/* Accounts first, as they are read most: user, password, name; then lines, devices, customers. */
static int by_scope(const void *a, const void *b)
{
    static const int order[PFS_N_SCOPES] = {
        [PFS_SCOPE_ACCOUNT] = 1, [PFS_SCOPE_LINE] = 2, [PFS_SCOPE_DEVICE] = 3, [PFS_SCOPE_CUSTOMER] = 4};
    const struct column *x = a, *y = b;
    return x->scope != y->scope ? order[x->scope] - order[y->scope] : strcmp(x->key, y->key);
}

static int find_columns(struct export *x)
{
    int r = pfs_store_values(x->store, "*", add_column, x, x->err);
    if (r < 0)
        return r == -ENOMEM ? pfs_err_nomem(x->err) : r;
    if (x->n_columns > 0)
        qsort(x->columns, x->n_columns, sizeof *x->columns, by_scope);
    x->customer_values = pfs_arena_alloc(&x->cmd->arena, (x->n_columns + 1) * sizeof *x->customer_values);
    return x->customer_values ? 0 : pfs_err_nomem(x->err);
}

/* ---- cells ---- */

static void cell(struct export *x, const char *text)
{
    fputc(x->delimiter, x->out);
    pfs_csv_write(x->out, text ? text : "", x->delimiter);
}

static void write_header(struct export *x)
{
    fputs("mac", x->out);
    for (size_t i = 0; i < PFS_N_ELEMENTS(fields); i++)
        cell(x, pfs_field_name(fields[i]));
    cell(x, "line");
    cell(x, "account");
    for (size_t i = 0; i < x->n_columns; i++) {
        char name[PFS_KEY_MAX + 16];
        snprintf(name, sizeof name, "%s%s%s",
                 x->columns[i].is_bare ? "" : pfs_scope_name(x->columns[i].scope),
                 x->columns[i].is_bare ? "" : "/", x->columns[i].key);
        cell(x, name);
    }
    fputc('\n', x->out);
}

static const char *value_in(struct export *x, const struct pfs_layer *l, const char *key)
{
    const struct pfs_setting *s = l ? pfs_layer_find(l, key, x->cmd->now) : NULL;
    if (!s)
        return "";
    x->n_empty += *s->value == '\0';
    return pfs_command_shown(x->cmd, key, s->value);
}

static int take_customer(void *arg, const struct pfs_scope_row *row)
{
    struct export *x = arg;
    for (size_t i = 0; i < x->n_columns; i++) {
        if (x->columns[i].scope != PFS_SCOPE_CUSTOMER)
            continue;
        x->customer_values[i] =
            pfs_arena_strdup(&x->customer_arena, value_in(x, &row->layer, x->columns[i].key));
        if (!x->customer_values[i])
            return -ENOMEM;
    }
    return 0;
}

/* Devices of one customer often follow one another: its values are kept until another's come. */
static int load_customer(struct export *x, int64_t customer)
{
    if (x->customer == customer)
        return 0;
    pfs_arena_reset(&x->customer_arena);
    memset(x->customer_values, 0, x->n_columns * sizeof *x->customer_values);
    x->customer = customer;
    return customer ? pfs_store_scope(x->store, PFS_SCOPE_CUSTOMER, customer, take_customer, x, x->err) : 0;
}

/* ---- rows ---- */

struct device {
    struct export *x;
    const struct pfs_device *d;
};

static const struct pfs_layer *layer_of(const struct pfs_device *d, const struct pfs_line *line,
                                        enum pfs_scope scope)
{
    if (scope == PFS_SCOPE_DEVICE)
        return &d->settings;
    if (!line)
        return NULL;
    return scope == PFS_SCOPE_LINE ? &line->settings : line->account ? &line->account_settings : NULL;
}

static void write_row(struct export *x, const struct pfs_device *d, const struct pfs_object *o,
                      const struct pfs_line *line)
{
    char number[16] = "";
    if (line)
        snprintf(number, sizeof number, "%u", line->number);
    fputs(d->mac_text, x->out);
    for (size_t i = 0; i < PFS_N_ELEMENTS(fields); i++)
        cell(x, o->fields[fields[i]]);
    cell(x, number);
    cell(x, line ? line->account : NULL);
    for (size_t i = 0; i < x->n_columns; i++) {
        const struct column *c = &x->columns[i];
        cell(x, c->scope == PFS_SCOPE_CUSTOMER ? x->customer_values[i]
                                               : value_in(x, layer_of(d, line, c->scope), c->key));
    }
    fputc('\n', x->out);
    x->n_foreign += line && line->account && line->account_customer != d->customer;
}

static int write_rows(void *arg, const struct pfs_object *o)
{
    const struct device *of = arg;
    const struct pfs_device *d = of->d;
    for (size_t i = 0; i < d->n_lines; i++)
        write_row(of->x, d, o, &d->lines[i]);
    if (d->n_lines == 0)
        write_row(of->x, d, o, NULL);
    return ferror(of->x->out) ? -EIO : 0;
}

static int write_device(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct export *x = arg;
    struct pfs_device *d;
    int r = pfs_store_device(x->store, mac, &d, x->err);
    if (r < 0)
        return r;
    struct device of = {.x = x, .d = d};
    r = load_customer(x, d->customer);
    if (r == 0)
        r = pfs_store_object(x->store, PFS_SCOPE_DEVICE, (int64_t)mac, write_rows, &of, x->err);
    pfs_device_unref(d);
    return r;
}

/* What a CSV cannot say is said to the person at the terminal. */
static void note_lost(struct export *x)
{
    FILE *notes = x->cmd->io->notes;
    if (!notes)
        return;
    if (x->n_scheduled > 0)
        fprintf(notes, "note: %s scheduled values are left out: CSV has what holds now\n",
                pfs_command_number(x->cmd, x->n_scheduled));
    if (x->n_empty > 0)
        fprintf(notes, "note: %s values that are the empty text look like no value in CSV\n",
                pfs_command_number(x->cmd, x->n_empty));
    if (x->n_foreign > 0)
        fprintf(notes,
                "note: %s lines have an account of another customer than their device's, which CSV does not "
                "say\n",
                pfs_command_number(x->cmd, x->n_foreign));
}

static int check_options(struct export *x)
{
    const struct pfs_command *cmd = x->cmd;
    const char *format = cmd->options[PFS_OPTION_FORMAT], *delimiter = cmd->options[PFS_OPTION_DELIMITER];
    if (format && strcmp(format, "csv") != 0)
        return pfs_err_set(x->err, ENOEXEC, "--format is csv or xml: there is no %s", format);
    if (delimiter && strcmp(delimiter, "tab") == 0)
        delimiter = "\t";
    if (delimiter && (strlen(delimiter) != 1 || strchr("\"\r\n", *delimiter) || (*delimiter & 0x80)))
        return pfs_err_set(x->err, ENOEXEC, "--delimiter is one character, or tab: %s is none", delimiter);
    x->delimiter = delimiter ? *delimiter : ',';
    return pfs_command_may_see_secrets(cmd, x->err);
}

int pfs_command_export(struct pfs_command *cmd, struct pfs_err *err)
{
    struct export x = {.cmd = cmd, .store = cmd->context->store, .out = cmd->io->out, .err = err};
    const char *format = cmd->options[PFS_OPTION_FORMAT];
    if (format && strcmp(format, "xml") == 0)
        return pfs_export_xml(cmd, err);
    int r = check_options(&x);
    if (r == 0)
        r = find_columns(&x);
    if (r == 0) {
        write_header(&x);
        r = pfs_store_list(x.store, 0, write_device, &x, err);
    }
    if (r == 0)
        note_lost(&x);
    free(x.columns);
    pfs_arena_done(&x.customer_arena);
    return r;
}

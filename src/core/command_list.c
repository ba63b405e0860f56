/* list: objects, models, keys, phones that nobody entered, and the rows that set a key. */
#include "base/timefmt.h"
#include "core/command_impl.h"
#include "core/table.h"
#include "store/state.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

enum { FILTERS_MAX = 16 };

struct filter {
    size_t column;
    const char *glob;
};

struct list {
    struct pfs_command *cmd;
    struct pfs_table table;
    struct pfs_json json;
    size_t n_columns;
    const char *columns[PFS_TABLE_COLUMNS_MAX]; /* the first is the name */
    enum pfs_field fields[PFS_TABLE_COLUMNS_MAX];
    size_t n_filters;
    struct filter filters[FILTERS_MAX];
    struct pfs_buf text; /* of the state: lines */
    bool as_json, quiet;
    struct pfs_err *err;
};

/* ---- rows ---- */

static bool is_wanted(const struct list *l, const char *const *cells)
{
    for (size_t i = 0; i < l->n_filters; i++) {
        const char *cell = cells[l->filters[i].column];
        if (fnmatch(l->filters[i].glob, cell ? cell : "", 0) != 0)
            return false;
    }
    return true;
}

static void row_json(struct list *l, const char *const *cells)
{
    if (l->quiet) {
        pfs_json_text(&l->json, NULL, cells[0]);
        return;
    }
    pfs_json_open(&l->json, NULL, '{');
    for (size_t i = 0; i < l->n_columns; i++)
        pfs_json_text(&l->json, l->columns[i], cells[i]);
    pfs_json_close(&l->json, '}');
}

static void row(struct list *l, const char *const *cells)
{
    if (!is_wanted(l, cells))
        return;
    if (!l->as_json && !l->quiet)
        pfs_table_row(&l->table, cells);
    else if (!l->table.printing)
        return;
    else if (l->as_json)
        row_json(l, cells);
    else
        fprintf(l->cmd->io->out, "%s\n", cells[0]);
}

typedef int (*pass_fn)(struct list *l);

/* Twice over the rows: widths, then the printing. */
static int two_passes(struct list *l, pass_fn pass)
{
    l->table.out = l->json.out = l->cmd->io->out;
    l->table.n_columns = l->n_columns;
    int r = 0;
    if (!l->as_json && !l->quiet) {
        pfs_table_row(&l->table, l->columns);
        r = pass(l);
    }
    if (r < 0)
        return r;
    l->table.printing = true;
    if (l->as_json)
        pfs_json_open(&l->json, NULL, '[');
    else if (!l->quiet)
        pfs_table_row(&l->table, l->columns);
    r = pass(l);
    if (r == 0 && l->as_json)
        pfs_json_close(&l->json, ']');
    return r;
}

static int parse_filters(struct list *l, size_t first)
{
    const struct pfs_command *cmd = l->cmd;
    for (size_t i = first; i < cmd->n; i++) {
        const char *word = cmd->words[i], *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word) : 0, column = 0;
        while (column < l->n_columns &&
               (strlen(l->columns[column]) != len || strncmp(l->columns[column], word, len) != 0))
            column++;
        if (!equals || column == l->n_columns)
            return pfs_err_set(l->err, ENOEXEC,
                               "%s: not FIELD=GLOB with a field of the list (provfs list %s shows them)",
                               word, cmd->words[0]);
        if (l->n_filters == FILTERS_MAX)
            return pfs_err_set(l->err, ENOEXEC, "more than %d filters", FILTERS_MAX);
        l->filters[l->n_filters++] = (struct filter){.column = column, .glob = equals + 1};
    }
    return 0;
}

/* ---- objects ---- */

static int object_row(void *arg, const struct pfs_object *o)
{
    struct list *l = arg;
    const char *cells[PFS_TABLE_COLUMNS_MAX] = {o->name};
    for (size_t i = 1; i < l->n_columns; i++)
        cells[i] = o->fields[l->fields[i]];
    row(l, cells);
    return 0;
}

static enum pfs_scope plural(const char *word)
{
    static const char *const words[PFS_N_SCOPES] = {
        [PFS_SCOPE_PROFILE] = "profiles",
        [PFS_SCOPE_CUSTOMER] = "customers",
        [PFS_SCOPE_DEVICE] = "devices",
        [PFS_SCOPE_ACCOUNT] = "accounts",
    };
    for (int i = 0; i < PFS_N_SCOPES; i++)
        if (words[i] && strcmp(words[i], word) == 0)
            return (enum pfs_scope)i;
    return PFS_SCOPE_DEFAULT;
}

static int pass_objects(struct list *l)
{
    return pfs_store_objects(l->cmd->context->store, plural(l->cmd->words[0]), object_row, l, l->err);
}

static int list_objects(struct list *l, enum pfs_scope kind)
{
    l->columns[l->n_columns++] = kind == PFS_SCOPE_DEVICE ? "mac" : "name";
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (pfs_field_of(kind, (enum pfs_field)i)) {
            l->fields[l->n_columns] = (enum pfs_field)i;
            l->columns[l->n_columns++] = pfs_field_name((enum pfs_field)i);
        }
    int r = parse_filters(l, 1);
    return r < 0 ? r : two_passes(l, pass_objects);
}

/* ---- models, keys ---- */

static int model_row(void *arg, const struct pfs_model *m)
{
    char lines[16], keys[16], modules[16];
    snprintf(lines, sizeof lines, "%u", m->lines);
    snprintf(keys, sizeof keys, "%u", m->keys);
    snprintf(modules, sizeof modules, "%u", m->modules);
    const char *cells[PFS_TABLE_COLUMNS_MAX] = {m->name, m->tmpl->vendor, lines, keys, modules, m->title};
    row(arg, cells);
    return 0;
}

static int pass_models(struct list *l)
{
    return pfs_library_models(l->cmd->context->library, model_row, l);
}

static int list_models(struct list *l)
{
    static const char *const columns[] = {"name", "vendor", "lines", "keys", "modules", "title"};
    memcpy(l->columns, columns, sizeof columns);
    l->n_columns = PFS_N_ELEMENTS(columns);
    int r = parse_filters(l, 1);
    return r < 0 ? r : two_passes(l, pass_models);
}

static const char *default_of(const struct pfs_catalogue_entry *e)
{
    return e->default_kind == PFS_DEFAULT_ACCOUNT ? "(account)" : e->default_text;
}

static int pass_keys(struct list *l)
{
    const struct pfs_catalogue *c = l->cmd->context->catalogue;
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct pfs_catalogue_entry *e = &c->entries[i];
        char scopes[128] = "";
        for (int s = PFS_SCOPE_SITE; s < PFS_N_SCOPES; s++) {
            size_t used = strlen(scopes);
            if (e->scopes & PFS_SCOPE_BIT(s))
                snprintf(scopes + used, sizeof scopes - used, "%s%s", used ? "," : "",
                         pfs_scope_name((enum pfs_scope)s));
        }
        const char *cells[PFS_TABLE_COLUMNS_MAX] = {e->key, pfs_type_name(e->type), default_of(e), scopes,
                                                    e->text};
        row(l, cells);
    }
    return 0;
}

static int list_keys(struct list *l)
{
    static const char *const columns[] = {"key", "type", "default", "scopes", "text"};
    memcpy(l->columns, columns, sizeof columns);
    l->n_columns = PFS_N_ELEMENTS(columns);
    int r = parse_filters(l, 1);
    return r < 0 ? r : two_passes(l, pass_keys);
}

/* ---- unknown: what the phones' mount leaves in the state ---- */

/* Cuts a line of control/unknown into its cells, and shows it where no device has its MAC. */
static int unknown_line(struct list *l, char *line)
{
    const char *cells[PFS_TABLE_COLUMNS_MAX] = {NULL};
    char *save = NULL;
    int64_t id;
    size_t n = 0;
    for (char *cell = strtok_r(line, "\t", &save); cell && n < l->n_columns;
         cell = strtok_r(NULL, "\t", &save))
        cells[n++] = strcmp(cell, "-") == 0 ? "" : cell;
    if (n == 0)
        return 0;
    int r = pfs_store_find(l->cmd->context->store, PFS_SCOPE_DEVICE, cells[0], &id, l->err);
    if (r == -ENOENT)
        row(l, cells);
    return r == -ENOENT ? 0 : r;
}

static int pass_unknown(struct list *l)
{
    autofree char *text = strdup(pfs_buf_str(&l->text));
    if (!text)
        return pfs_err_nomem(l->err);
    char *save = NULL;
    int r = 0;
    for (char *line = strtok_r(text, "\n", &save); line && r == 0; line = strtok_r(NULL, "\n", &save))
        r = unknown_line(l, line);
    return r;
}

static int list_unknown(struct list *l)
{
    static const char *const columns[] = {"mac", "name", "asked", "last", "vendor"};
    memcpy(l->columns, columns, sizeof columns);
    l->n_columns = PFS_N_ELEMENTS(columns);
    int r = parse_filters(l, 1);
    if (r == 0)
        r = pfs_state_report_read(l->cmd->context->config->database, "unknown", &l->text, l->err);
    if (r == 0 && pfs_buf_error(&l->text))
        r = pfs_err_nomem(l->err);
    if (r == 0)
        r = two_passes(l, pass_unknown);
    pfs_buf_done(&l->text);
    return r;
}

/* ---- values ---- */

static int value_row(void *arg, const struct pfs_setting_row *s)
{
    struct list *l = arg;
    char from[PFS_TIME_STR] = "", devices[24] = "";
    int64_t n = 0, stronger;
    if (l->table.printing && pfs_store_reach(l->cmd->context->store, s->scope, s->object, s->key, l->cmd->now,
                                             &n, &stronger, l->err) == 0)
        snprintf(devices, sizeof devices, "%lld", (long long)n);
    if (s->from > 0)
        pfs_time_format(s->from, from);
    const char *value = s->value ? pfs_command_shown(l->cmd, s->key, s->value) : "(ends)";
    const char *cells[PFS_TABLE_COLUMNS_MAX] = {s->key, pfs_scope_name(s->scope), s->object_name, value, from,
                                                devices};
    row(l, cells);
    return 0;
}

static int pass_values(struct list *l)
{
    size_t len = pfs_key_len(l->cmd->words[1]);
    const char *key = pfs_arena_strndup(&l->cmd->arena, l->cmd->words[1], len);
    return key ? pfs_store_values(l->cmd->context->store, key, value_row, l, l->err) : pfs_err_nomem(l->err);
}

/* A key without pattern must be one. */
static int check_key(struct list *l)
{
    const char *word = l->cmd->words[1];
    size_t len = pfs_key_len(word);
    const char *key = pfs_arena_strndup(&l->cmd->arena, word, len);
    struct pfs_key k;
    if (!key)
        return pfs_err_nomem(l->err);
    return strpbrk(key, "*?[") ? 0 : pfs_catalogue_find(l->cmd->context->catalogue, key, &k, l->err);
}

static int list_values(struct list *l)
{
    static const char *const columns[] = {"key", "scope", "object", "value", "from", "devices"};
    enum { VALUE_COLUMN = 3 };
    memcpy(l->columns, columns, sizeof columns);
    l->n_columns = PFS_N_ELEMENTS(columns);
    if (l->cmd->n != 2)
        return pfs_command_usage(l->cmd, l->err);
    int r = check_key(l);
    const char *equals = l->cmd->words[1] + pfs_key_len(l->cmd->words[1]);
    if (*equals)
        l->filters[l->n_filters++] = (struct filter){.column = VALUE_COLUMN, .glob = equals + 1};
    return r < 0 ? r : two_passes(l, pass_values);
}

int pfs_command_list(struct pfs_command *cmd, struct pfs_err *err)
{
    struct list l = {.cmd = cmd,
                     .as_json = pfs_command_has(cmd, PFS_OPTION_JSON),
                     .quiet = pfs_command_has(cmd, PFS_OPTION_QUIET),
                     .err = err};
    const char *what = cmd->words[0];
    enum pfs_scope kind = plural(what);
    if (kind != PFS_SCOPE_DEFAULT)
        return list_objects(&l, kind);
    if (strcmp(what, "models") == 0)
        return list_models(&l);
    if (strcmp(what, "keys") == 0)
        return list_keys(&l);
    if (strcmp(what, "unknown") == 0)
        return list_unknown(&l);
    if (strcmp(what, "values") == 0)
        return list_values(&l);
    pfs_command_usage(cmd, err);
    pfs_err_prefix(err, "list %s", what);
    return -ENOEXEC;
}

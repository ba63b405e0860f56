/* Settings: rows of one object into a layer, rows for people, and setting, scheduling and unsetting. */
#include "base/utf8.h"
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

/* ---- layers ---- */

static bool make_room(struct pfs_store *s)
{
    if (s->n_rows < s->cap_rows)
        return true;
    size_t cap = s->cap_rows ? s->cap_rows * 2 : 64;
    struct pfs_setting *rows = reallocarray(s->rows, cap, sizeof *rows);
    if (!rows)
        return false;
    s->rows = rows;
    s->cap_rows = cap;
    return true;
}

/* The row's key and its id: a plain key's text is the catalogue's. */
static bool take_key(struct pfs_setting *row, const struct pfs_catalogue *c, struct pfs_arena *a,
                     const char *key, size_t len)
{
    const struct pfs_catalogue_entry *e = pfs_map_get(&c->by_key, key, len);
    row->id = e ? e->id : -1;
    row->key = row->id >= 0 ? e->key : pfs_arena_strndup(a, key, len);
    return row->key != NULL;
}

/* Rows of one key share its text. */
int pfs_inventory_take_setting(struct pfs_store *s, struct pfs_arena *a, const struct pfs_query *q,
                               int column, struct pfs_err *err)
{
    const char *key = pfs_query_text(q, column), *value = pfs_query_text(q, column + 1);
    bool has_value = sqlite3_column_type(q->stmt, column + 1) != SQLITE_NULL;
    if (!key || !value == has_value || !make_room(s))
        return pfs_err_nomem(err);
    struct pfs_setting *row = &s->rows[s->n_rows];
    const struct pfs_setting *before = s->n_rows > 0 ? row - 1 : NULL;
    size_t key_len = (size_t)sqlite3_column_bytes(q->stmt, column);
    *row = (struct pfs_setting){.from = pfs_query_int(q, column + 2)};
    if (before && strcmp(before->key, key) == 0) {
        row->key = before->key;
        row->id = before->id;
    } else if (!take_key(row, s->catalogue, a, key, key_len)) {
        return pfs_err_nomem(err);
    }
    if (has_value)
        row->value = pfs_arena_strndup(a, value, (size_t)sqlite3_column_bytes(q->stmt, column + 1));
    if (has_value && !row->value)
        return pfs_err_nomem(err);
    s->n_rows++;
    return 0;
}

int pfs_inventory_settings(struct pfs_store *s, struct pfs_arena *a, struct pfs_layer *layer,
                           struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "SELECT key, value, effective_from FROM setting WHERE scope = ?1 AND id = ?2"
                            " ORDER BY key, effective_from",
                            "ii", (int64_t)layer->scope, layer->object);
    s->n_rows = 0;
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = pfs_inventory_take_setting(s, a, &q, 0, err);
    if (r < 0)
        return r;
    layer->n = s->n_rows;
    layer->settings = NULL;
    if (s->n_rows == 0)
        return 0;
    struct pfs_setting *rows = pfs_arena_alloc(a, s->n_rows * sizeof *rows);
    if (!rows)
        return pfs_err_nomem(err);
    memcpy(rows, s->rows, s->n_rows * sizeof *rows);
    layer->settings = rows;
    return 0;
}

/* ---- rows for people ---- */

#define SELECT_ROWS                                                                                          \
    "SELECT scope, id, " PFS_SQL_OBJECT_NAME("setting.scope",                                                \
                                             "setting.id") ", key, value, effective_from FROM setting "

static int each_row(struct pfs_query *q, pfs_setting_fn fn, void *arg, struct pfs_err *err)
{
    int r;
    while ((r = pfs_query_step(q, err)) > 0) {
        struct pfs_setting_row row = {
            .scope = (enum pfs_scope)pfs_query_int(q, 0),
            .object = pfs_query_int(q, 1),
            .object_name = pfs_query_text(q, 2),
            .key = pfs_query_text(q, 3),
            .value = pfs_query_text(q, 4),
            .from = pfs_query_int(q, 5),
        };
        r = fn(arg, &row);
        if (r != 0)
            return r;
    }
    return r;
}

int pfs_store_settings(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_setting_fn fn, void *arg,
                       struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            SELECT_ROWS "WHERE scope = ?1 AND id = ?2 ORDER BY key, effective_from", "ii",
                            (int64_t)scope, id);
    return r < 0 ? r : each_row(&q, fn, arg, err);
}

int pfs_store_values(struct pfs_store *s, const char *key_glob, pfs_setting_fn fn, void *arg,
                     struct pfs_err *err)
{
    static const char exact[] = SELECT_ROWS "WHERE key = ?1 ORDER BY key, scope, id, effective_from";
    static const char glob[] = SELECT_ROWS "WHERE key GLOB ?1 ORDER BY key, scope, id, effective_from";
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, strpbrk(key_glob, "*?[") ? glob : exact, "s", key_glob);
    return r < 0 ? r : each_row(&q, fn, arg, err);
}

/* ---- writing ---- */

int pfs_inventory_check_text(const char *what, const char *text, struct pfs_err *err)
{
    size_t len = strlen(text);
    if (len > PFS_VALUE_MAX)
        return pfs_err_set(err, EINVAL, "%s: %zu bytes are too long, at most %d", what, len, PFS_VALUE_MAX);
    if (!pfs_utf8_valid(text, len))
        return pfs_err_set(err, EINVAL, "%s: not valid UTF-8", what);
    return 0;
}

int pfs_inventory_check_setting(const char *key, const char *value, int64_t from, struct pfs_err *err)
{
    size_t key_len = strlen(key);
    if (key_len == 0 || key_len > PFS_KEY_MAX || !pfs_utf8_valid(key, key_len))
        return pfs_err_set(err, EINVAL, "a setting's key has 1 to %d bytes of UTF-8", PFS_KEY_MAX);
    if (from < 0)
        return pfs_err_set(err, EINVAL, "%s: times before 1970 are none", key);
    return value ? pfs_inventory_check_text(key, value, err) : 0;
}

/* The row in force: 1 with its `from` and whether it holds the value already (NULL: ends); 0 no row. */
static int find_in_force(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key,
                         const char *value, int64_t now, int64_t *ret_from, bool *ret_holds,
                         struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(
        &q, s->db, err,
        "SELECT effective_from, value IS ?4 FROM setting WHERE scope = ?1 AND id = ?2 AND key = ?3"
        " AND effective_from <= ?5 ORDER BY effective_from DESC LIMIT 1",
        "iissi", (int64_t)scope, id, key, value, now);
    if (r == 0)
        r = pfs_query_step(&q, err);
    *ret_from = r > 0 ? pfs_query_int(&q, 0) : 0;
    *ret_holds = r > 0 ? pfs_query_int(&q, 1) != 0 : value == NULL;
    return r;
}

static int remove_rows(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, int64_t below,
                       struct pfs_err *err)
{
    return pfs_db_run(s->db, err,
                      "DELETE FROM setting WHERE scope = ?1 AND id = ?2 AND key = ?3 AND effective_from < ?4",
                      "iisi", (int64_t)scope, id, key, below);
}

/* From now on: the row in force takes the value and holds from ever; what it had replaced goes. */
static int set_now(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, const char *value,
                   int64_t now, struct pfs_err *err)
{
    int64_t from;
    bool holds;
    int r = find_in_force(s, scope, id, key, value, now, &from, &holds, err);
    if (r < 0 || holds)
        return r < 0 ? r : 0;
    bool replaces = r > 0 && value;
    int removed = r > 0 ? remove_rows(s, scope, id, key, value ? from : now + 1, err) : 0;
    if (removed < 0)
        return removed;
    if (!value)
        return 1;
    if (replaces)
        r = pfs_db_run(s->db, err,
                       "UPDATE setting SET value = ?4, effective_from = 0"
                       " WHERE scope = ?1 AND id = ?2 AND key = ?3 AND effective_from = ?5",
                       "iissi", (int64_t)scope, id, key, value, from);
    else
        r = pfs_db_run(s->db, err, "INSERT INTO setting (scope, id, key, value) VALUES (?1, ?2, ?3, ?4)",
                       "iiss", (int64_t)scope, id, key, value);
    return r < 0 ? r : 1;
}

int pfs_store_set(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, const char *value,
                  int64_t from, int64_t now, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r == 0)
        r = pfs_inventory_check_setting(key, value, from, err);
    if (r == 0)
        r = pfs_inventory_exists(s, scope, id, err);
    if (r < 0)
        return r;
    if (from == 0)
        return set_now(s, scope, id, key, value, now, err);
    r = pfs_db_run(s->db, err,
                   "INSERT INTO setting (scope, id, key, value, effective_from) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
                   "iissi", (int64_t)scope, id, key, value, from);
    return r < 0 ? r : r > 0;
}

/* Runs a DELETE of rows of a key by time. 1 some were there, 0 none. */
static int withdraw(struct pfs_store *s, const char *sql, enum pfs_scope scope, int64_t id, const char *key,
                    int64_t time, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r == 0)
        r = pfs_db_run(s->db, err, sql, "iisi", (int64_t)scope, id, key, time);
    return r < 0 ? r : r > 0;
}

int pfs_store_unschedule(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, int64_t now,
                         struct pfs_err *err)
{
    return withdraw(s,
                    "DELETE FROM setting WHERE scope = ?1 AND id = ?2 AND key = ?3 AND effective_from > ?4",
                    scope, id, key, now, err);
}

int pfs_store_unschedule_at(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key,
                            int64_t from, struct pfs_err *err)
{
    return withdraw(s,
                    "DELETE FROM setting WHERE scope = ?1 AND id = ?2 AND key = ?3 AND effective_from = ?4",
                    scope, id, key, from, err);
}

/* The feed and the audit of much that is new, written as the triggers of schema/ would, but without them:
 * they take half of the time of an import. The audit says the same, an object in one row (log.more); the
 * feed says once that everything changed, as so many rows would be cut from it anyway, and whose phone books
 * did. */
#include "base/json.h"
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

/* Each switch of the triggers makes SQLite prepare all statements anew. */
enum { SWITCHES_MAX = 64 };

/* Of an object whose rows are being put together. */
struct entry {
    const char *kind; /* NULL: there is none */
    size_t n_more;
    struct pfs_buf object, key, value, more;
    bool has_key;
};

struct pfs_audit {
    bool direct; /* the triggers rest */
    int n_switches;
    int64_t gen, time; /* of the next row */
    char *login, *via, *reason;
    struct entry entry;
    int64_t customer;       /* whose phone books were said to change last */
    struct pfs_map secrets; /* keys seen: to one of these */
};

static char is_secret, is_open;

static bool is_direct(const struct pfs_store *s)
{
    return s->audit && s->audit->direct;
}

/* ---- who writes ---- */

static int copy_text(const struct pfs_query *q, int column, char **ret)
{
    const char *text = pfs_query_text(q, column);
    free(*ret);
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

static int read_who(struct pfs_store *s, struct pfs_audit *a, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, "SELECT gen, time, login, via, reason FROM who", "");
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r <= 0)
        return r < 0 ? r : pfs_err_set(err, EIO, "inventory is damaged: it has no clock");
    a->gen = pfs_query_int(&q, 0);
    a->time = pfs_query_int(&q, 1);
    if (copy_text(&q, 2, &a->login) < 0 || copy_text(&q, 3, &a->via) < 0 || copy_text(&q, 4, &a->reason) < 0)
        return pfs_err_nomem(err);
    return 0;
}

/* ---- rows ---- */

/* Writes the entry. */
static int flush(struct pfs_store *s, struct pfs_err *err)
{
    struct pfs_audit *a = s->audit;
    struct entry *e = &a->entry;
    if (!e->kind)
        return 0;
    if (e->n_more > 0)
        pfs_buf_char(&e->more, '}');
    if (pfs_buf_error(&e->object) < 0 || pfs_buf_error(&e->key) < 0 || pfs_buf_error(&e->value) < 0 ||
        pfs_buf_error(&e->more) < 0)
        return pfs_err_nomem(err);
    int r = pfs_db_run(s->db, err,
                       "INSERT INTO log (gen, time, login, via, reason, kind, object, key, new, more)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                       "iissssssss", a->gen, a->time, a->login, a->via, a->reason, e->kind,
                       pfs_buf_str(&e->object), e->has_key ? pfs_buf_str(&e->key) : NULL,
                       pfs_buf_str(&e->value), e->n_more > 0 ? pfs_buf_str(&e->more) : NULL);
    e->kind = NULL;
    return r < 0 ? r : 0;
}

static void put(struct pfs_buf *b, const char *text)
{
    pfs_buf_reset(b);
    pfs_buf_str_add(b, text);
}

static bool is_of(struct entry *e, const char *kind, const char *object)
{
    return e->kind && strcmp(e->kind, kind) == 0 && strcmp(pfs_buf_str(&e->object), object) == 0;
}

int pfs_audit_row(struct pfs_store *s, const char *kind, const char *object, const char *key,
                  const char *value, struct pfs_err *err)
{
    if (!is_direct(s) || !value)
        return 0;
    struct entry *e = &s->audit->entry;
    if (key && is_of(e, kind, object) && e->n_more < PFS_LOG_MORE_MAX) {
        pfs_buf_str_add(&e->more, e->n_more++ == 0 ? "{" : ",");
        pfs_json_add(&e->more, key);
        pfs_buf_char(&e->more, ':');
        pfs_json_add(&e->more, value);
        return 0;
    }
    int r = flush(s, err);
    if (r < 0)
        return r;
    e->kind = kind;
    e->has_key = key != NULL;
    e->n_more = 0;
    put(&e->object, object);
    put(&e->key, key ? key : "");
    put(&e->value, value);
    pfs_buf_reset(&e->more);
    return 0;
}

/* ---- resting the triggers ---- */

static void set_triggers(struct pfs_store *s, int on)
{
    sqlite3_db_config(s->db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, NULL);
}

int pfs_store_expect_many(struct pfs_store *s, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r < 0 || s->audit)
        return r;
    s->audit = calloc(1, sizeof *s->audit);
    return s->audit ? 0 : pfs_err_nomem(err);
}

int pfs_audit_take(struct pfs_store *s, struct pfs_err *err)
{
    struct pfs_audit *a = s->audit;
    if (!a || a->direct || a->n_switches >= SWITCHES_MAX)
        return 0;
    int r =
        a->n_switches == 0 ? pfs_db_run(s->db, err, "INSERT INTO change (kind, id) VALUES (0, 0)", "") : 0;
    if (r >= 0)
        r = read_who(s, a, err);
    if (r < 0)
        return r;
    set_triggers(s, 0);
    a->direct = true;
    a->n_switches++;
    return 0;
}

int pfs_audit_leave(struct pfs_store *s, struct pfs_err *err)
{
    if (!is_direct(s))
        return 0;
    int r = flush(s, err);
    set_triggers(s, 1);
    s->audit->direct = false;
    return r;
}

void pfs_audit_end(struct pfs_store *s)
{
    struct pfs_audit *a = s->audit;
    if (!a)
        return;
    set_triggers(s, 1);
    pfs_map_done(&a->secrets);
    pfs_buf_done(&a->entry.object);
    pfs_buf_done(&a->entry.key);
    pfs_buf_done(&a->entry.value);
    pfs_buf_done(&a->entry.more);
    free(a->login);
    free(a->via);
    free(a->reason);
    free(a);
    s->audit = NULL;
}

/* ---- the feed, and secrets ---- */

int pfs_audit_customer(struct pfs_store *s, int64_t customer, struct pfs_err *err)
{
    struct pfs_audit *a = s->audit;
    if (!is_direct(s) || customer == 0 || customer == a->customer)
        return 0;
    int r = flush(s, err); /* which is of the gen so far */
    if (r == 0)
        r = pfs_db_run(s->db, err, "INSERT INTO change (kind, id) VALUES (4, ?1)", "i", customer);
    if (r < 0)
        return r;
    a->customer = customer;
    a->gen = sqlite3_last_insert_rowid(s->db->sqlite);
    return 0;
}

int pfs_audit_setting(struct pfs_store *s, const char *kind, const char *object, const char *key,
                      const char *value, struct pfs_err *err)
{
    struct pfs_audit *a = s->audit;
    if (!is_direct(s))
        return 0;
    const char *what = pfs_map_get(&a->secrets, key, strlen(key));
    if (!what) {
        int64_t found;
        int r = pfs_db_get(s->db, err, &found, "SELECT 1 FROM secret WHERE lower(?1) GLOB glob LIMIT 1", "s",
                           key);
        if (r < 0)
            return r;
        what = r > 0 ? &is_secret : &is_open;
        if (pfs_map_put(&a->secrets, key, strlen(key), (void *)what, NULL) < 0)
            return pfs_err_nomem(err);
    }
    return pfs_audit_row(s, kind, object, key, value && what == &is_secret ? "changed" : value, err);
}

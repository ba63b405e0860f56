/* The accounts of a customer, for its directory, and the devices that show it. */
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

/* The account that the rows at hand belong to. */
struct reader {
    struct pfs_store *store;
    pfs_account_fn fn;
    void *arg;
    int64_t account; /* 0: none yet */
    size_t n_accounts;
    char *name;
    struct pfs_arena arena; /* of its name and rows */
};

/* Hands over the account whose rows are complete. */
static int end_account(struct reader *r)
{
    struct pfs_store *s = r->store;
    if (!r->account)
        return 0;
    const struct pfs_layer settings = {.scope = PFS_SCOPE_ACCOUNT,
                                       .object = r->account,
                                       .name = r->name,
                                       .n = s->n_rows,
                                       .settings = s->rows};
    return r->fn(r->arg, r->name, &settings);
}

static int begin_account(struct reader *r, const struct pfs_query *q, struct pfs_err *err)
{
    int ret = end_account(r);
    if (ret != 0)
        return ret;
    pfs_arena_reset(&r->arena);
    r->store->n_rows = 0;
    r->account = pfs_query_int(q, 0);
    r->n_accounts++;
    const char *name = pfs_query_text(q, 1);
    r->name = name ? pfs_arena_strdup(&r->arena, name) : NULL;
    return r->name ? 0 : pfs_err_nomem(err);
}

static int take_row(struct reader *r, const struct pfs_query *q, struct pfs_err *err)
{
    int ret = pfs_query_int(q, 0) != r->account ? begin_account(r, q, err) : 0;
    if (ret != 0 || sqlite3_column_type(q->stmt, 2) == SQLITE_NULL)
        return ret; /* it sets nothing */
    return pfs_inventory_take_setting(r->store, &r->arena, q, 2, err);
}

int pfs_store_directory(struct pfs_store *s, int64_t customer, pfs_account_fn fn, void *arg,
                        struct pfs_err *err)
{
    struct reader r = {.store = s, .fn = fn, .arg = arg};
    autoquery struct pfs_query q;
    int ret = pfs_query_start(&q, s->db, err,
                              /* the + keeps SQLite to one range for an account: few others stand in it */
                              "SELECT a.id, a.name, s.key, s.value, s.effective_from"
                              " FROM account a LEFT JOIN setting s ON s.scope = 6 AND s.id = a.id"
                              " AND +s.key IN ('directory.listed', 'line.display_name', 'sip.user')"
                              " WHERE a.customer = ?1 ORDER BY a.id, s.key, s.effective_from",
                              "i", customer);
    /* one account more is begun, which ends the last that counts */
    while (ret == 0 && r.n_accounts <= PFS_DIRECTORY_MAX && (ret = pfs_query_step(&q, err)) > 0)
        ret = take_row(&r, &q, err);
    if (ret == 0 && r.n_accounts <= PFS_DIRECTORY_MAX)
        ret = end_account(&r);
    pfs_arena_done(&r.arena);
    return ret;
}

int pfs_store_customers_since(struct pfs_store *s, int64_t since, pfs_id_fn fn, void *arg,
                              struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(
        &q, s->db, err, "SELECT DISTINCT id FROM change WHERE gen > ?1 AND kind = 4 ORDER BY id", "i", since);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, pfs_query_int(&q, 0));
    return r;
}

int pfs_store_models_of(struct pfs_store *s, int64_t customer, pfs_model_fn fn, void *arg,
                        struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            "SELECT m.name, min(d.mac) FROM device d JOIN model m ON m.id = d.model"
                            " WHERE d.customer = ?1 GROUP BY m.id ORDER BY m.name",
                            "i", customer);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, pfs_query_text(&q, 0), (uint64_t)pfs_query_int(&q, 1));
    return r;
}

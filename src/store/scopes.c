/* Scopes that many devices share. */
#include "store/inventory.h"

#include <errno.h>

/* Columns: scope, id, name, parent, customer. The site has no row of its own; a customer counts where it sets
 * something. */
#define SITE "SELECT 1, 0, '', 0, 0"
#define MODELS "SELECT 2, id, name, 0, 0 FROM model"
#define PROFILES "SELECT 3, id, name, parent, customer FROM profile"
#define CUSTOMERS                                                                                            \
    "SELECT 4, id, name, 0, 0 FROM customer c WHERE EXISTS (SELECT 1 FROM setting WHERE scope = 4 AND id = " \
    "c.id)"

/* The row with its settings, which live as long as the call. */
static int hand_over(struct pfs_store *s, const struct pfs_query *q, pfs_scope_fn fn, void *arg,
                     struct pfs_err *err)
{
    PFS_CLEANUP(pfs_arena_done) struct pfs_arena arena = {0};
    struct pfs_scope_row row = {
        .layer = {.scope = (enum pfs_scope)pfs_query_int(q, 0),
                  .object = pfs_query_int(q, 1),
                  .name = pfs_query_text(q, 2)},
        .parent = pfs_query_int(q, 3),
        .customer = pfs_query_int(q, 4),
    };
    int r = pfs_inventory_settings(s, &arena, &row.layer, err);
    return r < 0 ? r : fn(arg, &row);
}

static int each_scope(struct pfs_store *s, struct pfs_query *q, pfs_scope_fn fn, void *arg,
                      struct pfs_err *err)
{
    int r;
    while ((r = pfs_query_step(q, err)) > 0) {
        r = hand_over(s, q, fn, arg, err);
        if (r != 0)
            return r;
    }
    return r;
}

int pfs_store_scopes(struct pfs_store *s, pfs_scope_fn fn, void *arg, struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err,
                            SITE " UNION ALL " MODELS " UNION ALL " PROFILES " UNION ALL " CUSTOMERS, "");
    return r < 0 ? r : each_scope(s, &q, fn, arg, err);
}

int pfs_store_scope(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_scope_fn fn, void *arg,
                    struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_SITE] = SITE " WHERE ?1 = 0",
        [PFS_SCOPE_MODEL] = MODELS " WHERE id = ?1",
        [PFS_SCOPE_PROFILE] = PROFILES " WHERE id = ?1",
        [PFS_SCOPE_CUSTOMER] = CUSTOMERS " AND id = ?1",
    };
    if ((unsigned)scope >= PFS_N_SCOPES || !sql[scope])
        return pfs_err_set(err, EINVAL, "%s is no scope that devices share", pfs_scope_name(scope));
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, sql[scope], "i", id);
    return r < 0 ? r : each_scope(s, &q, fn, arg, err);
}

/* The change feed, resolved to what a renderer knows: devices and shared scopes. */
#include "store/inventory.h"

#include <errno.h>

/* What an account is part of: the devices that hold it, and whatever refers to it by name. */
#define REFERENCES "s.key GLOB '*.account' AND s.value = (SELECT name FROM account WHERE id = ?1)"
static const char touched_by_account[] =
    "SELECT 5, device FROM line WHERE account = ?1"
    " UNION SELECT s.scope, s.id FROM setting s WHERE s.scope < 6 AND " REFERENCES
    " UNION SELECT 5, l.device FROM setting s JOIN line l ON l.account = s.id WHERE s.scope = 6 "
    "AND " REFERENCES
    " UNION SELECT 5, l.device FROM setting s JOIN line l ON l.id = s.id WHERE s.scope = 7 AND " REFERENCES;

static int resolve_account(struct pfs_store *s, int64_t account, pfs_change_fn fn, void *arg,
                           struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, touched_by_account, "i", account);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, (enum pfs_scope)pfs_query_int(&q, 0), pfs_query_int(&q, 1));
    return r;
}

static int resolve(struct pfs_store *s, int64_t kind, int64_t id, pfs_change_fn fn, void *arg,
                   struct pfs_err *err)
{
    if (kind == PFS_SCOPE_ACCOUNT)
        return resolve_account(s, id, fn, arg, err);
    if (kind >= PFS_SCOPE_SITE && kind <= PFS_SCOPE_DEVICE)
        return fn(arg, (enum pfs_scope)kind, id);
    return fn(arg, PFS_SCOPE_DEFAULT, 0); /* a kind that somebody else wrote */
}

/* Whether every change after `since` is still in the feed. */
static int check_reach(struct pfs_store *s, int64_t since, struct pfs_err *err)
{
    int64_t reaches = 0;
    int r = pfs_db_get(s->db, err, &reaches,
                       "SELECT ?1 >= max(lowest_gen, (SELECT min(gen) FROM change) - 1)"
                       " AND ?1 <= (SELECT max(gen) FROM change) FROM clock",
                       "i", since);
    if (r < 0 || reaches)
        return r < 0 ? r : 0;
    return pfs_err_set(err, ESTALE, "the change feed does not reach back to gen %lld", (long long)since);
}

int pfs_store_changes(struct pfs_store *s, int64_t since, pfs_change_fn fn, void *arg, struct pfs_err *err)
{
    int r = check_reach(s, since, err);
    if (r < 0)
        return r;
    autoquery struct pfs_query q;
    r = pfs_query_start(&q, s->db, err, "SELECT kind, id FROM change WHERE gen > ?1", "i", since);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = resolve(s, pfs_query_int(&q, 0), pfs_query_int(&q, 1), fn, arg, err);
    return r;
}

/* How far a setting reaches: devices of a scope, and those in which a stronger scope sets the key. */
#include "store/inventory.h"

#include <errno.h>

static const char *const count_devices[PFS_N_SCOPES] = {
    [PFS_SCOPE_SITE] = "SELECT count(*) FROM device WHERE ?1 = 0",
    [PFS_SCOPE_MODEL] = "SELECT count(*) FROM device WHERE model = ?1",
    [PFS_SCOPE_PROFILE] = (PFS_SQL_BELOW "SELECT count(*) FROM device WHERE profile IN below"),
    [PFS_SCOPE_CUSTOMER] = "SELECT count(*) FROM device WHERE customer = ?1",
    [PFS_SCOPE_DEVICE] = "SELECT count(*) FROM device WHERE mac = ?1",
    [PFS_SCOPE_ACCOUNT] = "SELECT count(DISTINCT device) FROM line WHERE account = ?1",
    [PFS_SCOPE_LINE] = "SELECT count(*) FROM line WHERE id = ?1",
};

/* ?1 scope, ?2 its id, ?3 key, ?4 now. From the rows of the key outward: which scopes set it now, which of
 * them are stronger than ours for a device that has both (a profile: one below ours; for a customer: one that
 * is owned), which devices these reach, and which of those are ours. A device is counted once, for any of its
 * lines. */
static const char count_stronger[] =
    "WITH RECURSIVE"
    " below (id) AS (SELECT ?2 WHERE ?1 = 3 UNION SELECT p.id FROM profile p JOIN below b ON p.parent = "
    "b.id),"
    " setter (scope, id) AS MATERIALIZED (SELECT scope, id FROM setting s WHERE key = ?3 AND scope >= "
    "min(?1, 3)"
    "  AND effective_from <= ?4 AND value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM setting n WHERE n.scope "
    "= s.scope"
    "  AND n.id = s.id AND n.key = ?3 AND n.effective_from > s.effective_from AND n.effective_from <= ?4)),"
    " stronger_profile (id) AS (SELECT p.id FROM profile p JOIN setter r ON r.scope = 3 AND r.id = p.id "
    "WHERE ?1 < 3"
    "   OR (?1 = 3 AND p.id <> ?2 AND p.id IN below)"
    "  UNION SELECT p.id FROM profile p JOIN setter r ON ?1 = 4 AND r.scope = 3 AND r.id = p.id WHERE "
    "p.customer = ?2"
    "  UNION SELECT p.id FROM profile p JOIN stronger_profile up ON p.parent = up.id),"
    " hit (mac) AS ("
    "  SELECT mac FROM device WHERE ?1 < 2 AND model IN (SELECT id FROM setter WHERE scope = 2)"
    "  UNION SELECT mac FROM device WHERE profile IN stronger_profile"
    "  UNION SELECT mac FROM device WHERE (?1 < 3 OR (?1 = 3 AND (SELECT customer IS NULL FROM profile WHERE "
    "id = ?2)))"
    "   AND customer IN (SELECT id FROM setter WHERE scope = 4)"
    "  UNION SELECT id FROM setter WHERE scope = 5 AND ?1 < 5"
    "  UNION SELECT device FROM line WHERE ?1 < 6 AND account IN (SELECT id FROM setter WHERE scope = 6)"
    "  UNION SELECT device FROM line WHERE ?1 < 7 AND (?1 < 6 OR account = ?2)"
    "   AND id IN (SELECT id FROM setter WHERE scope = 7))"
    " SELECT count(*) FROM hit JOIN device d ON d.mac = hit.mac WHERE CASE ?1 WHEN 1 THEN 1 WHEN 2 THEN "
    "d.model = ?2"
    "  WHEN 3 THEN d.profile IN below WHEN 4 THEN d.customer = ?2 WHEN 5 THEN d.mac = ?2 WHEN 6 THEN"
    "  EXISTS (SELECT 1 FROM line WHERE device = d.mac AND account = ?2) ELSE 0 END";

int pfs_store_reach(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key, int64_t now,
                    int64_t *ret_devices, int64_t *ret_stronger, struct pfs_err *err)
{
    if ((unsigned)scope >= PFS_N_SCOPES || !count_devices[scope])
        return pfs_err_set(err, EINVAL, "%s reaches no devices", pfs_scope_name(scope));
    int64_t devices = 0, stronger = 0;
    int r = pfs_db_get(s->db, err, &devices, count_devices[scope], "i", id);
    if (r >= 0 && devices > 0) /* the rest costs all rows of the key */
        r = pfs_db_get(s->db, err, &stronger, count_stronger, "iisi", (int64_t)scope, id, key, now);
    if (r < 0)
        return r;
    *ret_devices = devices;
    *ret_stronger = stronger;
    return 0;
}

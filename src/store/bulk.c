/* Much that is new: an object with all that it has in one row, so that the feed and the audit are written
 * once. */
#include "store/inventory.h"

#include <errno.h>

static int check_texts(const char *const *fields, struct pfs_err *err)
{
    static const enum pfs_field texts[] = {PFS_FIELD_INVENTORY_ID, PFS_FIELD_SOURCE, PFS_FIELD_NOTE};
    int r = 0;
    for (size_t i = 0; i < PFS_N_ELEMENTS(texts) && r == 0; i++)
        if (fields[texts[i]])
            r = pfs_inventory_check_text(pfs_field_name(texts[i]), fields[texts[i]], err);
    return r;
}

static int add_device(struct pfs_store *s, const char *name, const char *const *fields, struct pfs_err *err)
{
    uint64_t mac = 0;
    int64_t model = 0, profile = 0, customer = 0;
    int r = pfs_mac_parse(name, &mac, err);
    if (r == 0)
        r = pfs_inventory_refer(s, PFS_FIELD_MODEL, fields[PFS_FIELD_MODEL], &model, err);
    if (r == 0)
        r = pfs_inventory_refer(s, PFS_FIELD_PROFILE, fields[PFS_FIELD_PROFILE], &profile, err);
    if (r == 0)
        r = pfs_inventory_refer(s, PFS_FIELD_CUSTOMER, fields[PFS_FIELD_CUSTOMER], &customer, err);
    if (r == 0 && profile)
        r = pfs_inventory_check_profile(s, customer, profile, err);
    if (r < 0)
        return r;
    return pfs_db_run(s->db, err,
                      "INSERT INTO device (mac, model, profile, customer, inventory_id, source, note)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      "irrrsss", (int64_t)mac, model, profile, customer, fields[PFS_FIELD_INVENTORY_ID],
                      fields[PFS_FIELD_SOURCE], fields[PFS_FIELD_NOTE]);
}

static int add_account(struct pfs_store *s, const char *name, const char *const *fields, struct pfs_err *err)
{
    int64_t customer = 0;
    int r = pfs_name_check("account name", name, err);
    if (r == 0)
        r = pfs_inventory_refer(s, PFS_FIELD_CUSTOMER, fields[PFS_FIELD_CUSTOMER], &customer, err);
    return r < 0 ? r
                 : pfs_db_run(s->db, err,
                              "INSERT INTO account (name, customer, source, note) VALUES (?1, ?2, ?3, ?4)",
                              "srss", name, customer, fields[PFS_FIELD_SOURCE], fields[PFS_FIELD_NOTE]);
}

int pfs_store_add_with(struct pfs_store *s, enum pfs_scope kind, const char *name, const char *const *fields,
                       int64_t *ret_id, struct pfs_err *err)
{
    if (kind != PFS_SCOPE_DEVICE && kind != PFS_SCOPE_ACCOUNT)
        return pfs_err_set(err, EINVAL, "a %s is not added with its fields", pfs_scope_name(kind));
    int r = pfs_inventory_writable(s, err);
    for (int i = 0; i < PFS_N_FIELDS && r == 0; i++)
        if (fields[i] && (i == PFS_FIELD_ENABLED || !pfs_field_of(kind, (enum pfs_field)i)))
            r = pfs_err_set(err, EINVAL, "a %s is not added with a field %s", pfs_scope_name(kind),
                            pfs_field_name((enum pfs_field)i));
    if (r == 0)
        r = check_texts(fields, err);
    if (r == 0)
        r = kind == PFS_SCOPE_DEVICE ? add_device(s, name, fields, err) : add_account(s, name, fields, err);
    if (r == -EEXIST)
        return pfs_err_set(err, EEXIST, "there is a %s %s already", pfs_scope_name(kind), name);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    return 0;
}

int pfs_store_set_new(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *key,
                      const char *value, struct pfs_err *err)
{
    int r = pfs_inventory_check_setting(s, key, value, 0, err);
    if (r == 0)
        r = pfs_db_run(s->db, err, "INSERT INTO setting (scope, id, key, value) VALUES (?1, ?2, ?3, ?4)",
                       "iiss", (int64_t)scope, id, key, value);
    return r == -EEXIST ? pfs_err_set(err, EEXIST, "%s is set already", key) : r < 0 ? r : 0;
}

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

/* What the audit says of a new object; fields in the order of their enum, as the triggers have them. */
static int audit_fields(struct pfs_store *s, const char *kind, const char *object, const char *const *fields,
                        struct pfs_err *err)
{
    int r = pfs_audit_row(s, kind, object, NULL, object, err);
    for (int i = 0; i < PFS_N_FIELDS && r == 0; i++)
        r = pfs_audit_row(s, kind, object, pfs_field_name((enum pfs_field)i), fields[i], err);
    return r;
}

/* ---- adding ---- */

static int add_device(struct pfs_store *s, const char *name, const char *const *fields, int64_t *ret_id,
                      struct pfs_err *err)
{
    uint64_t mac = 0;
    int64_t model = 0, profile = 0, customer = 0;
    char text[PFS_MAC_STR];
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
    *ret_id = (int64_t)mac;
    r = pfs_db_run(s->db, err,
                   "INSERT INTO device (mac, model, profile, customer, inventory_id, source, note)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   "irrrsss", (int64_t)mac, model, profile, customer, fields[PFS_FIELD_INVENTORY_ID],
                   fields[PFS_FIELD_SOURCE], fields[PFS_FIELD_NOTE]);
    pfs_mac_format(mac, text);
    return r < 0 ? r : audit_fields(s, "device", text, fields, err);
}

static int add_account(struct pfs_store *s, const char *name, const char *const *fields, int64_t *ret_id,
                       struct pfs_err *err)
{
    int64_t customer = 0;
    int r = pfs_name_check("account name", name, err);
    if (r == 0)
        r = pfs_inventory_refer(s, PFS_FIELD_CUSTOMER, fields[PFS_FIELD_CUSTOMER], &customer, err);
    if (r == 0)
        r = pfs_db_run(s->db, err,
                       "INSERT INTO account (name, customer, source, note) VALUES (?1, ?2, ?3, ?4)", "srss",
                       name, customer, fields[PFS_FIELD_SOURCE], fields[PFS_FIELD_NOTE]);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    r = pfs_audit_customer(s, customer, err);
    return r < 0 ? r : audit_fields(s, "account", name, fields, err);
}

static int add_customer(struct pfs_store *s, const char *name, const char *const *fields, int64_t *ret_id,
                        struct pfs_err *err)
{
    int r = pfs_name_check("customer name", name, err);
    if (r == 0)
        r = pfs_db_run(s->db, err, "INSERT INTO customer (name, note) VALUES (?1, ?2)", "ss", name,
                       fields[PFS_FIELD_NOTE]);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    r = pfs_audit_customer(s, *ret_id, err);
    return r < 0 ? r : audit_fields(s, "customer", name, fields, err);
}

static int check_kind(enum pfs_scope kind, const char *const *fields, struct pfs_err *err)
{
    if (kind != PFS_SCOPE_DEVICE && kind != PFS_SCOPE_ACCOUNT && kind != PFS_SCOPE_CUSTOMER)
        return pfs_err_set(err, EINVAL, "a %s is not added with its fields", pfs_scope_name(kind));
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (fields[i] && (i == PFS_FIELD_ENABLED || !pfs_field_of(kind, (enum pfs_field)i)))
            return pfs_err_set(err, EINVAL, "a %s is not added with a field %s", pfs_scope_name(kind),
                               pfs_field_name((enum pfs_field)i));
    return check_texts(fields, err);
}

int pfs_store_add_with(struct pfs_store *s, enum pfs_scope kind, const char *name, const char *const *fields,
                       int64_t *ret_id, struct pfs_err *err)
{
    int r = pfs_inventory_addable(s, err);
    if (r == 0)
        r = check_kind(kind, fields, err);
    if (r == 0)
        r = pfs_audit_take(s, err);
    if (r < 0)
        return r;
    if (kind == PFS_SCOPE_DEVICE)
        r = add_device(s, name, fields, ret_id, err);
    else if (kind == PFS_SCOPE_ACCOUNT)
        r = add_account(s, name, fields, ret_id, err);
    else
        r = add_customer(s, name, fields, ret_id, err);
    if (r == -EEXIST)
        return pfs_err_set(err, EEXIST, "there is a %s %s already", pfs_scope_name(kind), name);
    return r < 0 ? r : 0;
}

int pfs_store_set_new(struct pfs_store *s, enum pfs_scope scope, int64_t id, const char *object,
                      const char *key, const char *value, struct pfs_err *err)
{
    int r = pfs_inventory_addable(s, err);
    if (r == 0)
        r = pfs_inventory_check_setting(key, value, 0, err);
    if (r == 0)
        r = pfs_audit_take(s, err);
    if (r < 0)
        return r;
    r = pfs_db_run(s->db, err, "INSERT INTO setting (scope, id, key, value) VALUES (?1, ?2, ?3, ?4)", "iiss",
                   (int64_t)scope, id, key, value);
    if (r == -EEXIST)
        return pfs_err_set(err, EEXIST, "%s is set already", key);
    return r < 0 ? r : pfs_audit_setting(s, pfs_scope_name(scope), object, key, value, err);
}

int pfs_store_assign_new(struct pfs_store *s, uint64_t mac, unsigned number, int64_t account,
                         const char *account_name, int64_t *ret_id, struct pfs_err *err)
{
    char line[PFS_MAC_STR + 12], text[PFS_MAC_STR];
    int r = pfs_inventory_addable(s, err);
    if (r == 0 && (number < 1 || number > PFS_KEY_NUMBER_MAX))
        r = pfs_inventory_no_line(number, err);
    if (r == 0)
        r = pfs_audit_take(s, err);
    if (r < 0)
        return r;
    r = pfs_db_run(s->db, err, "INSERT INTO line (device, number, account) VALUES (?1, ?2, ?3)", "iir",
                   (int64_t)mac, (int64_t)number, account);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    pfs_mac_format(mac, text);
    snprintf(line, sizeof line, "%s/%u", text, number);
    return pfs_audit_row(s, "line", line, account ? "account" : NULL, account ? account_name : line, err);
}

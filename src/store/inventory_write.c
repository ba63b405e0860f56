/* Adding, renaming, deleting objects; accounts on lines. */
#include "store/inventory.h"

#include <errno.h>

static int already_there(struct pfs_store *s, enum pfs_scope kind, const char *name, struct pfs_err *err)
{
    int64_t id;
    int r = pfs_store_find(s, kind, name, &id, err);
    if (r == 0)
        return pfs_err_set(err, EEXIST, "there is a %s %s already", pfs_scope_name(kind), name);
    return r == -ENOENT ? 0 : r;
}

static int no_such_kind(enum pfs_scope kind, const char *verb, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "a %s cannot be %s", pfs_scope_name(kind), verb);
}

/* ---- adding ---- */

static int add_device(struct pfs_store *s, const char *name, struct pfs_err *err)
{
    uint64_t mac;
    int r = pfs_mac_parse(name, &mac, err);
    return r < 0 ? r : pfs_db_run(s->db, err, "INSERT INTO device (mac) VALUES (?1)", "i", (int64_t)mac);
}

static int add_line(struct pfs_store *s, const char *name, struct pfs_err *err)
{
    uint64_t mac;
    unsigned number;
    int r = pfs_inventory_parse_line(name, &mac, &number, err);
    if (r == 0)
        r = pfs_inventory_exists(s, PFS_SCOPE_DEVICE, (int64_t)mac, err);
    return r < 0 ? r
                 : pfs_db_run(s->db, err, "INSERT INTO line (device, number) VALUES (?1, ?2)", "ii",
                              (int64_t)mac, (int64_t)number);
}

static int check_name(enum pfs_scope kind, const char *name, struct pfs_err *err)
{
    char what[32];
    snprintf(what, sizeof what, "%s name", pfs_scope_name(kind));
    return pfs_name_check(what, name, err);
}

static int add_named(struct pfs_store *s, enum pfs_scope kind, const char *name, struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_PROFILE] = "INSERT INTO profile (name) VALUES (?1)",
        [PFS_SCOPE_CUSTOMER] = "INSERT INTO customer (name) VALUES (?1)",
        [PFS_SCOPE_ACCOUNT] = "INSERT INTO account (name) VALUES (?1)",
    };
    if ((unsigned)kind >= PFS_N_SCOPES || !sql[kind])
        return no_such_kind(kind, "added", err);
    int r = check_name(kind, name, err);
    return r < 0 ? r : pfs_db_run(s->db, err, sql[kind], "s", name);
}

int pfs_store_add(struct pfs_store *s, enum pfs_scope kind, const char *name, int64_t *ret_id,
                  struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r < 0)
        return r;
    if (kind == PFS_SCOPE_DEVICE)
        r = add_device(s, name, err);
    else if (kind == PFS_SCOPE_LINE)
        r = add_line(s, name, err);
    else
        r = add_named(s, kind, name, err);
    if (r == -EEXIST)
        return pfs_err_set(err, EEXIST, "there is a %s %s already", pfs_scope_name(kind), name);
    if (r < 0)
        return r;
    if (ret_id)
        *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    return 0;
}

/* ---- renaming ---- */

static int rename_device(struct pfs_store *s, int64_t id, const char *name, struct pfs_err *err)
{
    uint64_t mac;
    int r = pfs_mac_parse(name, &mac, err);
    if (r < 0 || (int64_t)mac == id)
        return r;
    r = already_there(s, PFS_SCOPE_DEVICE, name, err);
    return r < 0
               ? r
               : pfs_db_run(s->db, err, "UPDATE device SET mac = ?2 WHERE mac = ?1", "ii", id, (int64_t)mac);
}

static int rename_named(struct pfs_store *s, enum pfs_scope kind, int64_t id, const char *name,
                        struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_PROFILE] = "UPDATE profile SET name = ?2 WHERE id = ?1 AND name <> ?2",
        [PFS_SCOPE_CUSTOMER] = "UPDATE customer SET name = ?2 WHERE id = ?1 AND name <> ?2",
        [PFS_SCOPE_ACCOUNT] = "UPDATE account SET name = ?2 WHERE id = ?1 AND name <> ?2",
    };
    if ((unsigned)kind >= PFS_N_SCOPES || !sql[kind])
        return no_such_kind(kind, "renamed", err);
    int r = check_name(kind, name, err);
    if (r == 0)
        r = pfs_db_run(s->db, err, sql[kind], "is", id, name);
    if (r == -EEXIST)
        return pfs_err_set(err, EEXIST, "there is a %s %s already", pfs_scope_name(kind), name);
    return r;
}

int pfs_store_rename(struct pfs_store *s, enum pfs_scope kind, int64_t id, const char *name,
                     struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r == 0)
        r = pfs_inventory_exists(s, kind, id, err);
    if (r < 0)
        return r;
    r = kind == PFS_SCOPE_DEVICE ? rename_device(s, id, name, err) : rename_named(s, kind, id, name, err);
    return r < 0 ? r : 0;
}

/* ---- deleting ---- */

/* What may hang on an object of a kind: how to count it, and how it goes or lets go. */
struct dependant {
    enum pfs_scope kind;
    const char *one, *many; /* for the sentence */
    const char *count;
    const char *undo;
};

static const struct dependant dependants[] = {
    {PFS_SCOPE_PROFILE, "device has", "devices have", "SELECT count(*) FROM device WHERE profile = ?1",
     "UPDATE device SET profile = NULL WHERE profile = ?1"},
    {PFS_SCOPE_PROFILE, "profile is below", "profiles are below",
     "SELECT count(*) FROM profile WHERE parent = ?1", "UPDATE profile SET parent = NULL WHERE parent = ?1"},
    {PFS_SCOPE_ACCOUNT, "line has", "lines have", "SELECT count(*) FROM line WHERE account = ?1",
     "DELETE FROM line WHERE account = ?1"},
    {PFS_SCOPE_DEVICE, "line is on", "lines are on", "SELECT count(*) FROM line WHERE device = ?1",
     "DELETE FROM line WHERE device = ?1"},
    {PFS_SCOPE_CUSTOMER, "device belongs to", "devices belong to",
     "SELECT count(*) FROM device WHERE customer = ?1", "DELETE FROM device WHERE customer = ?1"},
    {PFS_SCOPE_CUSTOMER, "account belongs to", "accounts belong to",
     "SELECT count(*) FROM account WHERE customer = ?1", NULL},
    {PFS_SCOPE_CUSTOMER, "profile belongs to", "profiles belong to",
     "SELECT count(*) FROM profile WHERE customer = ?1", NULL},
};

/* A customer's accounts may be on others' lines, and (by somebody's SQL) its profiles be others' too. */
static const char *const undo_customer[] = {
    "DELETE FROM line WHERE account IN (SELECT id FROM account WHERE customer = ?1)",
    "DELETE FROM account WHERE customer = ?1",
    "UPDATE device SET profile = NULL WHERE profile IN (SELECT id FROM profile WHERE customer = ?1)",
    "UPDATE profile SET parent = NULL WHERE parent IN (SELECT id FROM profile WHERE customer = ?1)",
    "DELETE FROM profile WHERE customer = ?1",
};

static int refuse_in_use(struct pfs_store *s, enum pfs_scope kind, int64_t id, struct pfs_err *err)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(dependants); i++) {
        const struct dependant *d = &dependants[i];
        int64_t n = 0;
        int r = d->kind == kind ? pfs_db_get(s->db, err, &n, d->count, "i", id) : 0;
        if (r < 0)
            return r;
        if (n == 0)
            continue;
        char name[PFS_OBJECT_NAME_STR];
        pfs_inventory_name(s, kind, id, name);
        return pfs_err_set(err, ENOTEMPTY, "%s %s is in use: %lld %s it", pfs_scope_name(kind), name,
                           (long long)n, n == 1 ? d->one : d->many);
    }
    return 0;
}

static int undo_dependants(struct pfs_store *s, enum pfs_scope kind, int64_t id, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < PFS_N_ELEMENTS(dependants) && r >= 0; i++)
        if (dependants[i].kind == kind && dependants[i].undo)
            r = pfs_db_run(s->db, err, dependants[i].undo, "i", id);
    for (size_t i = 0; kind == PFS_SCOPE_CUSTOMER && i < PFS_N_ELEMENTS(undo_customer) && r >= 0; i++)
        r = pfs_db_run(s->db, err, undo_customer[i], "i", id);
    return r < 0 ? r : 0;
}

int pfs_store_delete(struct pfs_store *s, enum pfs_scope kind, int64_t id, bool recursive,
                     struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_PROFILE] = "DELETE FROM profile WHERE id = ?1",
        [PFS_SCOPE_CUSTOMER] = "DELETE FROM customer WHERE id = ?1",
        [PFS_SCOPE_DEVICE] = "DELETE FROM device WHERE mac = ?1",
        [PFS_SCOPE_ACCOUNT] = "DELETE FROM account WHERE id = ?1",
        [PFS_SCOPE_LINE] = "DELETE FROM line WHERE id = ?1",
    };
    int r = pfs_inventory_writable(s, err);
    if (r < 0)
        return r;
    if ((unsigned)kind >= PFS_N_SCOPES || !sql[kind])
        return no_such_kind(kind, "deleted", err);
    r = pfs_inventory_exists(s, kind, id, err);
    if (r == 0)
        r = recursive ? undo_dependants(s, kind, id, err) : refuse_in_use(s, kind, id, err);
    if (r == 0)
        r = pfs_db_run(s->db, err, sql[kind], "i", id);
    return r < 0 ? r : 0;
}

/* ---- lines ---- */

/* What the database refused as a dangling reference, in words; r where it was something else. */
static int tell_missing(struct pfs_store *s, uint64_t mac, int64_t account, int r, struct pfs_err *err)
{
    struct pfs_err why;
    int missing = pfs_inventory_exists(s, PFS_SCOPE_DEVICE, (int64_t)mac, &why);
    if (missing == 0 && account)
        missing = pfs_inventory_exists(s, PFS_SCOPE_ACCOUNT, account, &why);
    return missing == -ENOENT ? pfs_err_set(err, ENOENT, "%s", why.msg) : r;
}

int pfs_inventory_no_line(unsigned number, struct pfs_err *err)
{
    return pfs_err_set(err, EINVAL, "lines are numbered 1 to %d: %u is none", PFS_KEY_NUMBER_MAX, number);
}

int pfs_store_assign(struct pfs_store *s, uint64_t mac, unsigned number, int64_t account, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r < 0)
        return r;
    if (number < 1 || number > PFS_KEY_NUMBER_MAX)
        return pfs_inventory_no_line(number, err);
    r = pfs_db_run(s->db, err,
                   "INSERT INTO line (device, number, account) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (device, number) DO UPDATE SET account = excluded.account"
                   " WHERE account IS NOT excluded.account",
                   "iir", (int64_t)mac, (int64_t)number, account);
    return r == -EINVAL ? tell_missing(s, mac, account, r, err) : r;
}

int pfs_store_release(struct pfs_store *s, uint64_t mac, unsigned number, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    return r < 0 ? r
                 : pfs_db_run(s->db, err, "DELETE FROM line WHERE device = ?1 AND number = ?2", "ii",
                              (int64_t)mac, (int64_t)number);
}

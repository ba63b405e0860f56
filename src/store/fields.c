/* Fields of objects: their names, and changing them with the rules of ownership. */
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned kinds; /* PFS_SCOPE_BIT()s */
} fields[PFS_N_FIELDS] = {
    [PFS_FIELD_MODEL] = {"model", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE)},
    [PFS_FIELD_PROFILE] = {"profile", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE)},
    [PFS_FIELD_PARENT] = {"parent", PFS_SCOPE_BIT(PFS_SCOPE_PROFILE)},
    [PFS_FIELD_CUSTOMER] = {"customer", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) | PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) |
                                            PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT)},
    [PFS_FIELD_ENABLED] = {"enabled", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) | PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER)},
    [PFS_FIELD_INVENTORY_ID] = {"inventory_id", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE)},
    [PFS_FIELD_SOURCE] = {"source", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) | PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT)},
    [PFS_FIELD_NOTE] = {"note", PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) | PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) |
                                    PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER) | PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT)},
};

const char *pfs_field_name(enum pfs_field field)
{
    return (unsigned)field < PFS_N_FIELDS ? fields[field].name : "?";
}

int pfs_field_parse(const char *name, enum pfs_field *ret)
{
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0) {
            *ret = (enum pfs_field)i;
            return 0;
        }
    return -ENOENT;
}

bool pfs_field_of(enum pfs_scope kind, enum pfs_field field)
{
    return (unsigned)field < PFS_N_FIELDS && (unsigned)kind < PFS_N_SCOPES &&
           (fields[field].kinds & PFS_SCOPE_BIT(kind)) != 0;
}

/* ---- ownership ---- */

/* A row that an ownership rule finds wrong: 1 with the names of the first two columns, "" for NULL; 0 none.
 */
struct wrong {
    char first[PFS_OBJECT_NAME_STR], second[PFS_OBJECT_NAME_STR];
};

static int find_wrong(struct pfs_store *s, struct wrong *w, const char *sql, int64_t id, int64_t other,
                      struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, sql, "ir", id, other);
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r <= 0)
        return r;
    const char *first = pfs_query_text(&q, 0), *second = pfs_query_text(&q, 1);
    snprintf(w->first, sizeof w->first, "%s", first ? first : "");
    snprintf(w->second, sizeof w->second, "%s", second ? second : "");
    return 1;
}

/* `a device of customer "a"`, `a device without customer`. */
struct holder {
    char text[2 * PFS_OBJECT_NAME_STR];
};

static const char *holder(const char *what, const char *customer, struct holder *h)
{
    if (customer[0])
        snprintf(h->text, sizeof h->text, "%s of customer \"%s\"", what, customer);
    else
        snprintf(h->text, sizeof h->text, "%s without customer", what);
    return h->text;
}

int pfs_inventory_check_profile(struct pfs_store *s, int64_t customer, int64_t profile, struct pfs_err *err)
{
    struct wrong w;
    struct holder h;
    char name[PFS_OBJECT_NAME_STR];
    int r = find_wrong(s, &w,
                       "SELECT o.name, c.name FROM profile p JOIN customer o ON o.id = p.customer"
                       " LEFT JOIN customer c ON c.id = ?2 WHERE p.id = ?1 AND p.customer IS NOT ?2",
                       profile, customer, err);
    if (r <= 0)
        return r;
    pfs_inventory_name(s, PFS_SCOPE_PROFILE, profile, name);
    return pfs_err_set(err, EINVAL, "profile \"%s\" belongs to customer \"%s\": %s cannot have it", name,
                       w.first, holder("a device", w.second, &h));
}

static int check_device_profile(struct pfs_store *s, int64_t device, int64_t profile, struct pfs_err *err)
{
    int64_t customer = 0;
    int r = pfs_db_get(s->db, err, &customer, "SELECT customer FROM device WHERE mac = ?1", "i", device);
    return r < 0 ? r : pfs_inventory_check_profile(s, customer, profile, err);
}

static int check_device_customer(struct pfs_store *s, int64_t device, int64_t customer, struct pfs_err *err)
{
    struct wrong w;
    struct holder h;
    char name[PFS_OBJECT_NAME_STR] = "";
    int r = find_wrong(s, &w,
                       "SELECT p.name, o.name FROM device d JOIN profile p ON p.id = d.profile"
                       " JOIN customer o ON o.id = p.customer WHERE d.mac = ?1 AND p.customer IS NOT ?2",
                       device, customer, err);
    if (r <= 0)
        return r;
    if (customer)
        pfs_inventory_name(s, PFS_SCOPE_CUSTOMER, customer, name);
    return pfs_err_set(
        err, EINVAL,
        "the device has profile \"%s\" of customer \"%s\": %s cannot have it, give it another profile first",
        w.first, w.second, holder("a device", name, &h));
}

static int check_profile_cycle(struct pfs_store *s, int64_t profile, int64_t parent, struct pfs_err *err)
{
    int64_t found;
    int r = pfs_db_get(
        s->db, err, &found,
        "WITH RECURSIVE up (id) AS (VALUES (?2) UNION SELECT p.parent FROM profile p JOIN up ON p.id = up.id"
        " WHERE p.parent IS NOT NULL) SELECT 1 FROM up WHERE id = ?1",
        "ii", profile, parent);
    if (r <= 0)
        return r;
    char name[PFS_OBJECT_NAME_STR], above[PFS_OBJECT_NAME_STR];
    pfs_inventory_name(s, PFS_SCOPE_PROFILE, profile, name);
    pfs_inventory_name(s, PFS_SCOPE_PROFILE, parent, above);
    return pfs_err_set(err, EINVAL, "profile \"%s\" would be its own ancestor: \"%s\" is %s", name, above,
                       profile == parent ? "itself" : "below it");
}

static int check_profile_parent(struct pfs_store *s, int64_t profile, int64_t parent, struct pfs_err *err)
{
    int r = check_profile_cycle(s, profile, parent, err);
    if (r < 0)
        return r;
    struct wrong w;
    struct holder h;
    r = find_wrong(s, &w,
                   "SELECT o.name, c.name FROM profile parent JOIN customer o ON o.id = parent.customer"
                   " JOIN profile p ON p.id = ?1 LEFT JOIN customer c ON c.id = p.customer"
                   " WHERE parent.id = ?2 AND parent.customer IS NOT p.customer",
                   profile, parent, err);
    if (r <= 0)
        return r;
    char name[PFS_OBJECT_NAME_STR];
    pfs_inventory_name(s, PFS_SCOPE_PROFILE, parent, name);
    return pfs_err_set(err, EINVAL, "profile \"%s\" belongs to customer \"%s\": %s cannot be below it", name,
                       w.first, w.second[0] ? holder("a profile", w.second, &h) : "a shared profile");
}

static int check_profile_customer(struct pfs_store *s, int64_t profile, int64_t customer, struct pfs_err *err)
{
    static const char parent[] =
        "SELECT up.name, o.name FROM profile p JOIN profile up ON up.id = p.parent"
        " JOIN customer o ON o.id = up.customer WHERE p.id = ?1 AND up.customer IS NOT ?2";
    static const char child[] =
        "SELECT name, NULL FROM profile WHERE parent = ?1 AND ?2 IS NOT NULL AND customer IS NOT ?2";
    static const char device[] = "SELECT format('%012x', mac), NULL FROM device WHERE profile = ?1 AND ?2 IS "
                                 "NOT NULL AND customer IS NOT ?2";
    struct wrong w;
    int r = find_wrong(s, &w, parent, profile, customer, err);
    if (r > 0)
        return pfs_err_set(err, EINVAL,
                           "its parent \"%s\" belongs to customer \"%s\": only a profile of the same "
                           "customer can be below it",
                           w.first, w.second);
    if (r == 0 && (r = find_wrong(s, &w, child, profile, customer, err)) > 0)
        return pfs_err_set(
            err, EINVAL, "profile \"%s\" is below it and is not of that customer: make that one theirs first",
            w.first);
    if (r == 0 && (r = find_wrong(s, &w, device, profile, customer, err)) > 0)
        return pfs_err_set(err, EINVAL,
                           "device %s has it and is not of that customer: give it another profile first",
                           w.first);
    return r;
}

/* ---- changing ---- */

int pfs_store_model(struct pfs_store *s, const char *name, int64_t *ret_id, struct pfs_err *err)
{
    int r = pfs_inventory_addable(s, err);
    if (r == 0)
        r = pfs_name_check("model name", name, err);
    if (r < 0)
        return r;
    r = pfs_db_get(s->db, err, ret_id, "SELECT id FROM model WHERE name = ?1", "s", name);
    if (r != 0)
        return r < 0 ? r : 0;
    r = pfs_db_run(s->db, err, "INSERT INTO model (name) VALUES (?1)", "s", name);
    if (r < 0)
        return r;
    *ret_id = sqlite3_last_insert_rowid(s->db->sqlite);
    return 0;
}

int pfs_inventory_refer(struct pfs_store *s, enum pfs_field field, const char *value, int64_t *ret,
                        struct pfs_err *err)
{
    *ret = 0;
    if (!value)
        return 0;
    if (field == PFS_FIELD_MODEL)
        return pfs_store_model(s, value, ret, err);
    return pfs_store_find(s, field == PFS_FIELD_CUSTOMER ? PFS_SCOPE_CUSTOMER : PFS_SCOPE_PROFILE, value, ret,
                          err);
}

static int check_reference(struct pfs_store *s, enum pfs_scope kind, int64_t id, enum pfs_field field,
                           int64_t to, struct pfs_err *err)
{
    if (field == PFS_FIELD_PROFILE && to)
        return check_device_profile(s, id, to, err);
    if (field == PFS_FIELD_PARENT && to)
        return check_profile_parent(s, id, to, err);
    if (field == PFS_FIELD_CUSTOMER && kind == PFS_SCOPE_DEVICE)
        return check_device_customer(s, id, to, err);
    if (field == PFS_FIELD_CUSTOMER && kind == PFS_SCOPE_PROFILE)
        return check_profile_customer(s, id, to, err);
    return 0;
}

static int update_reference(struct pfs_store *s, enum pfs_scope kind, int64_t id, enum pfs_field field,
                            const char *value, struct pfs_err *err)
{
    static const char *const sql[PFS_N_FIELDS][PFS_N_SCOPES] = {
        [PFS_FIELD_MODEL] = {[PFS_SCOPE_DEVICE] =
                                 "UPDATE device SET model = ?2 WHERE mac = ?1 AND model IS NOT ?2"},
        [PFS_FIELD_PROFILE] = {[PFS_SCOPE_DEVICE] =
                                   "UPDATE device SET profile = ?2 WHERE mac = ?1 AND profile IS NOT ?2"},
        [PFS_FIELD_PARENT] = {[PFS_SCOPE_PROFILE] =
                                  "UPDATE profile SET parent = ?2 WHERE id = ?1 AND parent IS NOT ?2"},
        [PFS_FIELD_CUSTOMER] =
            {
                [PFS_SCOPE_DEVICE] = "UPDATE device SET customer = ?2 WHERE mac = ?1 AND customer IS NOT ?2",
                [PFS_SCOPE_PROFILE] = "UPDATE profile SET customer = ?2 WHERE id = ?1 AND customer IS NOT ?2",
                [PFS_SCOPE_ACCOUNT] = "UPDATE account SET customer = ?2 WHERE id = ?1 AND customer IS NOT ?2",
            },
    };
    int64_t to;
    int r = pfs_inventory_refer(s, field, value, &to, err);
    if (r == 0)
        r = check_reference(s, kind, id, field, to, err);
    return r < 0 ? r : pfs_db_run(s->db, err, sql[field][kind], "ir", id, to);
}

static int update_enabled(struct pfs_store *s, enum pfs_scope kind, int64_t id, const char *value,
                          struct pfs_err *err)
{
    bool yes = value && strcmp(value, "yes") == 0;
    if (!yes && !(value && strcmp(value, "no") == 0))
        return pfs_err_set(err, EINVAL, "enabled is yes or no");
    return pfs_db_run(s->db, err,
                      kind == PFS_SCOPE_DEVICE
                          ? "UPDATE device SET enabled = ?2 WHERE mac = ?1 AND enabled <> ?2"
                          : "UPDATE customer SET enabled = ?2 WHERE id = ?1 AND enabled <> ?2",
                      "ii", id, (int64_t)yes);
}

static int update_text(struct pfs_store *s, enum pfs_scope kind, int64_t id, enum pfs_field field,
                       const char *value, struct pfs_err *err)
{
    static const char *const sql[PFS_N_FIELDS][PFS_N_SCOPES] = {
        [PFS_FIELD_INVENTORY_ID] = {[PFS_SCOPE_DEVICE] = ("UPDATE device SET inventory_id = ?2"
                                                          " WHERE mac = ?1 AND inventory_id IS NOT ?2")},
        [PFS_FIELD_SOURCE] =
            {
                [PFS_SCOPE_DEVICE] = "UPDATE device SET source = ?2 WHERE mac = ?1 AND source IS NOT ?2",
                [PFS_SCOPE_ACCOUNT] = "UPDATE account SET source = ?2 WHERE id = ?1 AND source IS NOT ?2",
            },
        [PFS_FIELD_NOTE] =
            {
                [PFS_SCOPE_DEVICE] = "UPDATE device SET note = ?2 WHERE mac = ?1 AND note IS NOT ?2",
                [PFS_SCOPE_PROFILE] = "UPDATE profile SET note = ?2 WHERE id = ?1 AND note IS NOT ?2",
                [PFS_SCOPE_CUSTOMER] = "UPDATE customer SET note = ?2 WHERE id = ?1 AND note IS NOT ?2",
                [PFS_SCOPE_ACCOUNT] = "UPDATE account SET note = ?2 WHERE id = ?1 AND note IS NOT ?2",
            },
    };
    int r = value ? pfs_inventory_check_text(fields[field].name, value, err) : 0;
    return r < 0 ? r : pfs_db_run(s->db, err, sql[field][kind], "is", id, value);
}

int pfs_store_update(struct pfs_store *s, enum pfs_scope kind, int64_t id, enum pfs_field field,
                     const char *value, struct pfs_err *err)
{
    int r = pfs_inventory_writable(s, err);
    if (r < 0)
        return r;
    if (!pfs_field_of(kind, field))
        return pfs_err_set(err, EINVAL, "a %s has no field %s", pfs_scope_name(kind), pfs_field_name(field));
    r = pfs_inventory_exists(s, kind, id, err);
    if (r < 0)
        return r;
    switch (field) {
    case PFS_FIELD_MODEL:
    case PFS_FIELD_PROFILE:
    case PFS_FIELD_PARENT:
    case PFS_FIELD_CUSTOMER:
        return update_reference(s, kind, id, field, value, err);
    case PFS_FIELD_ENABLED:
        return update_enabled(s, kind, id, value, err);
    default:
        return update_text(s, kind, id, field, value, err);
    }
}

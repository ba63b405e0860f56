/* Objects as people see them: finding by name, showing, listing, counting; lines; the devices that a scope
 * reaches. */
#include "store/inventory.h"

#include <errno.h>
#include <string.h>

/* ---- finding ---- */

int pfs_inventory_parse_line(const char *name, uint64_t *ret_mac, unsigned *ret_number, struct pfs_err *err)
{
    char mac[PFS_MAC_TEXT_MAX + 1];
    const char *slash = strrchr(name, '/');
    size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
    if (!slash || digits == 0 || digits > 3 || slash[1] == '0' || slash[1 + digits] != '\0' ||
        (size_t)(slash - name) >= sizeof mac)
        return pfs_err_set(err, EINVAL, "a line is named MAC/N, N from 1 to %d: %s is none",
                           PFS_KEY_NUMBER_MAX, name);
    memcpy(mac, name, (size_t)(slash - name));
    mac[slash - name] = '\0';
    int r = pfs_mac_parse(mac, ret_mac, err);
    if (r == 0)
        *ret_number = (unsigned)strtoul(slash + 1, NULL, 10);
    return r;
}

static int find_by_name(struct pfs_store *s, enum pfs_scope kind, const char *name, int64_t *ret_id,
                        struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_MODEL] = "SELECT id FROM model WHERE name = ?1",
        [PFS_SCOPE_PROFILE] = "SELECT id FROM profile WHERE name = ?1",
        [PFS_SCOPE_CUSTOMER] = "SELECT id FROM customer WHERE name = ?1",
        [PFS_SCOPE_ACCOUNT] = "SELECT id FROM account WHERE name = ?1",
    };
    if ((unsigned)kind >= PFS_N_SCOPES || !sql[kind])
        return pfs_err_set(err, EINVAL, "%s is no kind of object", pfs_scope_name(kind));
    return pfs_db_get(s->db, err, ret_id, sql[kind], "s", name);
}

static int find_device(struct pfs_store *s, const char *name, int64_t *ret_id, struct pfs_err *err)
{
    uint64_t mac;
    int r = pfs_mac_parse(name, &mac, err);
    return r < 0 ? r
                 : pfs_db_get(s->db, err, ret_id, "SELECT mac FROM device WHERE mac = ?1", "i", (int64_t)mac);
}

static int find_line(struct pfs_store *s, const char *name, int64_t *ret_id, struct pfs_err *err)
{
    uint64_t mac = 0;
    unsigned number = 0;
    int r = pfs_inventory_parse_line(name, &mac, &number, err);
    return r < 0 ? r
                 : pfs_db_get(s->db, err, ret_id, "SELECT id FROM line WHERE device = ?1 AND number = ?2",
                              "ii", (int64_t)mac, (int64_t)number);
}

int pfs_store_find(struct pfs_store *s, enum pfs_scope kind, const char *name, int64_t *ret_id,
                   struct pfs_err *err)
{
    int64_t id = 0;
    int r;
    if (kind == PFS_SCOPE_SITE)
        r = name[0] == '\0';
    else if (kind == PFS_SCOPE_DEVICE)
        r = find_device(s, name, &id, err);
    else if (kind == PFS_SCOPE_LINE)
        r = find_line(s, name, &id, err);
    else
        r = find_by_name(s, kind, name, &id, err);
    if (r == 0)
        return pfs_err_set(err, ENOENT, "no such %s: %s", pfs_scope_name(kind), name);
    if (r < 0)
        return r;
    *ret_id = id;
    return 0;
}

int pfs_inventory_exists(struct pfs_store *s, enum pfs_scope kind, int64_t id, struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_SITE] = "SELECT 1 WHERE ?1 = 0",
        [PFS_SCOPE_MODEL] = "SELECT 1 FROM model WHERE id = ?1",
        [PFS_SCOPE_PROFILE] = "SELECT 1 FROM profile WHERE id = ?1",
        [PFS_SCOPE_CUSTOMER] = "SELECT 1 FROM customer WHERE id = ?1",
        [PFS_SCOPE_DEVICE] = "SELECT 1 FROM device WHERE mac = ?1",
        [PFS_SCOPE_ACCOUNT] = "SELECT 1 FROM account WHERE id = ?1",
        [PFS_SCOPE_LINE] = "SELECT 1 FROM line WHERE id = ?1",
    };
    if ((unsigned)kind >= PFS_N_SCOPES || !sql[kind])
        return pfs_err_set(err, EINVAL, "%s is no kind of object", pfs_scope_name(kind));
    int64_t found;
    int r = pfs_db_get(s->db, err, &found, sql[kind], "i", id);
    if (r == 0)
        return pfs_err_set(err, ENOENT, "no such %s", pfs_scope_name(kind));
    return r < 0 ? r : 0;
}

void pfs_inventory_name(struct pfs_store *s, enum pfs_scope kind, int64_t id,
                        char out[static PFS_OBJECT_NAME_STR])
{
    autoquery struct pfs_query q;
    stpcpy(out, "?");
    int r =
        pfs_query_start(&q, s->db, NULL, "SELECT " PFS_SQL_OBJECT_NAME("?1", "?2"), "ii", (int64_t)kind, id);
    if (r < 0 || pfs_query_step(&q, NULL) <= 0 || !pfs_query_text(&q, 0))
        return;
    snprintf(out, PFS_OBJECT_NAME_STR, "%s", pfs_query_text(&q, 0));
}

/* ---- showing and listing ---- */

/* Columns: id, name, then the fields in order of enum pfs_field. */
#define SITE "SELECT 0, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
#define MODEL "SELECT id, name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM model"
#define PROFILE                                                                                              \
    "SELECT p.id, p.name, NULL, NULL, up.name, c.name, NULL, NULL, NULL, p.note FROM profile p"              \
    " LEFT JOIN profile up ON up.id = p.parent LEFT JOIN customer c ON c.id = p.customer"
#define CUSTOMER                                                                                             \
    "SELECT id, name, NULL, NULL, NULL, NULL, iif(enabled, 'yes', 'no'), NULL, NULL, note FROM customer"
#define DEVICE                                                                                               \
    "SELECT d.mac, format('%012x', d.mac), m.name, p.name, NULL, c.name, iif(d.enabled, 'yes', 'no'), "      \
    "d.inventory_id,"                                                                                        \
    " d.source, d.note FROM device d LEFT JOIN model m ON m.id = d.model LEFT JOIN profile p ON p.id = "     \
    "d.profile"                                                                                              \
    " LEFT JOIN customer c ON c.id = d.customer"
#define ACCOUNT                                                                                              \
    "SELECT a.id, a.name, NULL, NULL, NULL, c.name, NULL, NULL, a.source, a.note FROM account a"             \
    " LEFT JOIN customer c ON c.id = a.customer"
#define LINE                                                                                                 \
    "SELECT id, format('%012x/%d', device, number), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM "    \
    "line"

static const struct {
    const char *one, *all, *count;
} kinds[PFS_N_SCOPES] = {
    [PFS_SCOPE_SITE] = {SITE " WHERE ?1 = 0", SITE, "SELECT 1"},
    [PFS_SCOPE_MODEL] = {MODEL " WHERE id = ?1", MODEL " ORDER BY name", "SELECT count(*) FROM model"},
    [PFS_SCOPE_PROFILE] = {PROFILE " WHERE p.id = ?1", PROFILE " ORDER BY p.name",
                           "SELECT count(*) FROM profile"},
    [PFS_SCOPE_CUSTOMER] = {CUSTOMER " WHERE id = ?1", CUSTOMER " ORDER BY name",
                            "SELECT count(*) FROM customer"},
    [PFS_SCOPE_DEVICE] = {DEVICE " WHERE d.mac = ?1", DEVICE " ORDER BY d.mac",
                          "SELECT count(*) FROM device"},
    [PFS_SCOPE_ACCOUNT] = {ACCOUNT " WHERE a.id = ?1", ACCOUNT " ORDER BY a.name",
                           "SELECT count(*) FROM account"},
    [PFS_SCOPE_LINE] = {LINE " WHERE id = ?1", LINE " ORDER BY device, number", "SELECT count(*) FROM line"},
};

static int check_kind(enum pfs_scope kind, struct pfs_err *err)
{
    if ((unsigned)kind < PFS_N_SCOPES && kinds[kind].one)
        return 0;
    return pfs_err_set(err, EINVAL, "%s is no kind of object", pfs_scope_name(kind));
}

static int hand_over(const struct pfs_query *q, enum pfs_scope kind, pfs_object_fn fn, void *arg)
{
    struct pfs_object o = {.kind = kind, .id = pfs_query_int(q, 0), .name = pfs_query_text(q, 1)};
    for (int i = 0; i < PFS_N_FIELDS; i++)
        o.fields[i] = pfs_query_text(q, 2 + i);
    return fn(arg, &o);
}

int pfs_store_object(struct pfs_store *s, enum pfs_scope kind, int64_t id, pfs_object_fn fn, void *arg,
                     struct pfs_err *err)
{
    int r = check_kind(kind, err);
    if (r < 0)
        return r;
    autoquery struct pfs_query q;
    r = pfs_query_start(&q, s->db, err, kinds[kind].one, "i", id);
    if (r == 0)
        r = pfs_query_step(&q, err);
    if (r == 0)
        return pfs_err_set(err, ENOENT, "no such %s", pfs_scope_name(kind));
    return r < 0 ? r : hand_over(&q, kind, fn, arg);
}

int pfs_store_objects(struct pfs_store *s, enum pfs_scope kind, pfs_object_fn fn, void *arg,
                      struct pfs_err *err)
{
    int r = check_kind(kind, err);
    if (r < 0)
        return r;
    autoquery struct pfs_query q;
    r = pfs_query_start(&q, s->db, err, kinds[kind].all, "");
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = hand_over(&q, kind, fn, arg);
    return r;
}

int pfs_store_count(struct pfs_store *s, enum pfs_scope kind, int64_t *ret, struct pfs_err *err)
{
    int r = check_kind(kind, err);
    if (r == 0)
        r = pfs_db_get(s->db, err, ret, kinds[kind].count, "");
    return r < 0 ? r : 0;
}

/* ---- lines ---- */

#define LINE_ROWS                                                                                            \
    "SELECT l.id, l.device, l.number, a.name FROM line l LEFT JOIN account a ON a.id = l.account "

static int each_line(struct pfs_store *s, const char *sql, int64_t id, pfs_line_fn fn, void *arg,
                     struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, sql, "i", id);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0) {
        struct pfs_line_row row = {
            .id = pfs_query_int(&q, 0),
            .mac = (uint64_t)pfs_query_int(&q, 1),
            .number = (unsigned)pfs_query_int(&q, 2),
            .account = pfs_query_text(&q, 3),
        };
        r = fn(arg, &row);
    }
    return r;
}

int pfs_store_lines(struct pfs_store *s, uint64_t mac, pfs_line_fn fn, void *arg, struct pfs_err *err)
{
    return each_line(s, LINE_ROWS "WHERE l.device = ?1 ORDER BY l.number", (int64_t)mac, fn, arg, err);
}

int pfs_store_lines_of_account(struct pfs_store *s, int64_t account, pfs_line_fn fn, void *arg,
                               struct pfs_err *err)
{
    return each_line(s, LINE_ROWS "WHERE l.account = ?1 ORDER BY l.device, l.number", account, fn, arg, err);
}

/* ---- the devices of a scope ---- */

int pfs_store_devices_of(struct pfs_store *s, enum pfs_scope scope, int64_t id, pfs_mac_fn fn, void *arg,
                         struct pfs_err *err)
{
    static const char *const sql[PFS_N_SCOPES] = {
        [PFS_SCOPE_SITE] = "SELECT mac FROM device WHERE ?1 = 0 ORDER BY mac",
        [PFS_SCOPE_MODEL] = "SELECT mac FROM device WHERE model = ?1 ORDER BY mac",
        [PFS_SCOPE_PROFILE] = (PFS_SQL_BELOW "SELECT mac FROM device WHERE profile IN below ORDER BY mac"),
        [PFS_SCOPE_CUSTOMER] = "SELECT mac FROM device WHERE customer = ?1 ORDER BY mac",
        [PFS_SCOPE_DEVICE] = "SELECT mac FROM device WHERE mac = ?1",
        [PFS_SCOPE_ACCOUNT] = "SELECT DISTINCT device FROM line WHERE account = ?1 ORDER BY device",
        [PFS_SCOPE_LINE] = "SELECT device FROM line WHERE id = ?1",
    };
    int r = check_kind(scope, err);
    if (r < 0)
        return r;
    autoquery struct pfs_query q;
    r = pfs_query_start(&q, s->db, err, sql[scope], "i", id);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = fn(arg, (uint64_t)pfs_query_int(&q, 0));
    return r;
}

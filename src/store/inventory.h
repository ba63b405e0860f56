/* Inside of store/: the connection behind struct pfs_store, and what its files share. */
#pragma once

#include "model/mac.h"
#include "store/db.h"
#include "store/store.h"

struct pfs_store {
    struct pfs_db *db;
    const struct pfs_catalogue *catalogue;
    char *path, *lock_path;
    int lock_fd;               /* held while writing, else -1 */
    bool reading, writing;     /* a snapshot, a write is under way */
    bool shared;               /* others may write beside it: in WAL mode */
    const uint64_t *index;     /* the header of SQLite's WAL index; NULL: not asked for yet */
    bool secrets_known;        /* the inventory's audit knows this catalogue's secret keys */
    struct pfs_watermark mark; /* of the snapshot, or of the write so far … */
    int mark_changes;          /* … when SQLite had counted so many changed rows */
    struct pfs_sign sign;      /* from before it */
    int64_t file;              /* tells this file from another that is put in its place */
    int changes_before;        /* SQLite's count of changed rows when the write began */
    struct pfs_audit *audit;   /* while much that is new is expected, else NULL: audit.c */
    struct pfs_setting *rows;  /* scratch: rows being read, before their number is known */
    size_t n_rows, cap_rows;
};

/* The name of an object in SQL, of two columns or parameters. Kept in step with the audit's in schema/. */
#define PFS_SQL_OBJECT_NAME(scope, id)                                                                       \
    "coalesce(CASE " scope " WHEN 2 THEN (SELECT name FROM model WHERE id = " id ")"                         \
    " WHEN 3 THEN (SELECT name FROM profile WHERE id = " id ")"                                              \
    " WHEN 4 THEN (SELECT name FROM customer WHERE id = " id ")"                                             \
    " WHEN 5 THEN format('%012x', " id ")"                                                                   \
    " WHEN 6 THEN (SELECT name FROM account WHERE id = " id ")"                                              \
    " WHEN 7 THEN (SELECT format('%012x/%d', device, number) FROM line WHERE id = " id ") END, '')"

/* The profile ?1 and all below it. */
#define PFS_SQL_BELOW                                                                                        \
    "WITH RECURSIVE below (id) AS (VALUES (?1) UNION SELECT p.id FROM profile p JOIN below b ON p.parent = " \
    "b.id) "

/* Reads the settings of an object into an arena: layer->n and layer->settings; the rest of the layer is the
 * caller's. */
int pfs_inventory_settings(struct pfs_store *s, struct pfs_arena *a, struct pfs_layer *layer,
                           struct pfs_err *err);

/* Takes the row at which q stands (from this column on: key, value, effective_from) behind those in s->rows,
 * its texts into the arena. Rows come in order of key, then time. */
int pfs_inventory_take_setting(struct pfs_store *s, struct pfs_arena *a, const struct pfs_query *q,
                               int column, struct pfs_err *err);

/* -EINVAL where no write is under way; -EIO where SQLite has rolled it back by itself after an error. Each
 * function that writes begins with it: the triggers do their work again, where they rested. */
int pfs_inventory_writable(struct pfs_store *s, struct pfs_err *err);
/* The same, and the triggers go on resting. */
int pfs_inventory_addable(const struct pfs_store *s, struct pfs_err *err);

/* ---- much that is new (audit.c) ---- */

/* Before something is added: lets the triggers rest where much is expected. What is added is then told by the
 * functions below, which do nothing while the triggers do it. */
int pfs_audit_take(struct pfs_store *s, struct pfs_err *err);
int pfs_audit_leave(struct pfs_store *s, struct pfs_err *err); /* the triggers do their work again */
void pfs_audit_end(struct pfs_store *s);                       /* the write has ended, or goes no further */

/* Values in log.more at most. */
enum { PFS_LOG_MORE_MAX = 62 };

/* A value of an object that has just been added: nothing where it is NULL. key NULL: the object itself, which
 * comes first. Values of one object that follow each other make one row. */
int pfs_audit_row(struct pfs_store *s, const char *kind, const char *object, const char *key,
                  const char *value, struct pfs_err *err);
/* The same for a setting, which may be a secret. */
int pfs_audit_setting(struct pfs_store *s, const char *kind, const char *object, const char *key,
                      const char *value, struct pfs_err *err);
/* The customer's phone books may have changed. */
int pfs_audit_customer(struct pfs_store *s, int64_t customer, struct pfs_err *err);

/* -ENOENT "no such line" where the object does not exist. */
int pfs_inventory_exists(struct pfs_store *s, enum pfs_scope kind, int64_t id, struct pfs_err *err);

/* The object's name for a sentence; "?" where it cannot be read. */
enum { PFS_OBJECT_NAME_STR = 72 };
void pfs_inventory_name(struct pfs_store *s, enum pfs_scope kind, int64_t id,
                        char out[static PFS_OBJECT_NAME_STR]);

/* Parses MAC/N. -EINVAL. */
int pfs_inventory_parse_line(const char *name, uint64_t *ret_mac, unsigned *ret_number, struct pfs_err *err);

/* The sentence about a number that no line has. -EINVAL. */
int pfs_inventory_no_line(unsigned number, struct pfs_err *err);

/* Makes secret keys known to the audit, inside a write. */
int pfs_inventory_learn_secrets(struct pfs_db *db, const struct pfs_catalogue *c, struct pfs_err *err);

/* -EINVAL for text that no field or value may be: longer than PFS_VALUE_MAX, or no UTF-8. */
int pfs_inventory_check_text(const char *what, const char *text, struct pfs_err *err);

/* The id of what a field names, the row of a model made where it is not there; 0 for NULL. -ENOENT. */
int pfs_inventory_refer(struct pfs_store *s, enum pfs_field field, const char *value, int64_t *ret,
                        struct pfs_err *err);

/* -EINVAL where a device of this customer (0: none) cannot have this profile. */
int pfs_inventory_check_profile(struct pfs_store *s, int64_t customer, int64_t profile, struct pfs_err *err);

/* -EINVAL for what cannot be a setting, whether or not the object is there or a write is under way. */
int pfs_inventory_check_setting(const char *key, const char *value, int64_t from, struct pfs_err *err);

/* Inside the import: the columns of a file, what it names, and what is wrong with it.
 *
 * The file is read three times, some of it in memory at a time: checked without changing anything, then
 * devices, then accounts and lines. What must agree between rows is kept as hashes, so that an entity costs
 * some dozens of bytes however long its values are. */
#pragma once

#include "core/command_impl.h"
#include "core/csv.h"

enum pfs_column_kind {
    PFS_COLUMN_MAC,
    PFS_COLUMN_LINE,
    PFS_COLUMN_ACCOUNT,
    PFS_COLUMN_FIELD,
    PFS_COLUMN_SETTING,
};

struct pfs_column {
    const char *name; /* as in the file */
    enum pfs_column_kind kind;
    enum pfs_field field; /* FIELD: of the device */
    enum pfs_scope scope; /* SETTING: customer, account, device, line */
    const char *key;      /* SETTING */
    struct pfs_key what;  /* SETTING */
    size_t slot;          /* among the columns of its entity */
};

/* A device, line, account or customer that the file names. */
struct pfs_entity {
    uint64_t key;                  /* device: MAC; line: MAC and number; else a hash of the name */
    const struct pfs_model *model; /* device: NULL where not known */
    int64_t id;                    /* in the store; 0: not there yet */
    uint32_t row;                  /* that names it first */
    bool existed;
    bool model_known;
};

struct pfs_entities {
    size_t n, cap, n_slots;
    struct pfs_entity *all;
    uint64_t *given;   /* n times n_slots: 0 not given, else a hash; bit 0: given in the entity's first row */
    uint32_t *buckets; /* number of an entity plus 1 */
    size_t n_buckets;
};

/* The entity of this key, NULL where there is none. */
struct pfs_entity *pfs_entities_find(const struct pfs_entities *e, uint64_t key);
/* The same, added with this row where it is not there. NULL: out of memory. Pointers live until the next one
 * is added. */
struct pfs_entity *pfs_entities_get(struct pfs_entities *e, uint64_t key, uint32_t row);
void pfs_entities_done(struct pfs_entities *e);
uint64_t pfs_entities_hash(const char *name);
uint64_t *pfs_entities_given(const struct pfs_entities *e, const struct pfs_entity *of, size_t slot);

struct pfs_import {
    int (*read)(struct pfs_import *m); /* takes all of the file inside the write, and notes problems */
    const char *unit;                  /* of the file, by which problems are named: row, line */
    struct pfs_command *cmd;
    struct pfs_context *c;
    struct pfs_store *store;
    struct pfs_err *err;
    const char *name;        /* of the file */
    bool update;             /* --update or --sync */
    const char *sync;        /* NAME or NULL */
    struct pfs_check *check; /* of the transaction: what customers' settings touch */
    struct pfs_csv csv;
    size_t n_columns;
    struct pfs_column *columns;
    size_t mac, line, account, customer; /* where these columns are; SIZE_MAX: not there */
    struct pfs_entities devices, lines, accounts, customers;
    /* What is wrong: rows and causes. */
    int64_t n_problems, n_bad_rows;
    size_t last_bad_row;
    struct pfs_err first;
    /* What was done. */
    int64_t n_rows;
    int64_t made[PFS_N_SCOPES], removed[PFS_N_SCOPES];
    int64_t n_changed;
};

/* The part that all kinds of file share: one write, the report, the renderings. hash: of the file, for the
 * audit. read, unit, update and sync are set by the caller; frees what is the shared part's. */
int pfs_import_run(struct pfs_import *m, struct pfs_command *cmd, uint64_t hash, struct pfs_err *err);

/* The whole inventory as XML. in: at its beginning, can be rewound; size in bytes. */
int pfs_import_xml(struct pfs_command *cmd, FILE *in, int64_t size, struct pfs_err *err);

/* Reads the first row. -EINVAL naming the column. */
int pfs_import_header(struct pfs_import *m);

/* Reads all rows and notes entities and problems; changes nothing. */
int pfs_import_check_rows(struct pfs_import *m);

/* A problem of a row (or line): kept, shown when there are several. column may be NULL. */
void pfs_import_problem(struct pfs_import *m, size_t row, const char *column, const char *cause);

/* 0 where r says that a row is bad (noted with the sentence in why), else r: what ends the import. */
int pfs_import_take(struct pfs_import *m, int r, size_t row, const char *column, const struct pfs_err *why);

/* Whether a cell says something: it is not empty, and not the mask of a secret. */
bool pfs_import_says(const struct pfs_column *column, const char *cell);

/* Number of a line cell that has been checked. */
unsigned pfs_import_line_number(const char *cell);

static inline const char *pfs_import_cell(const struct pfs_import *m, size_t column)
{
    return column == SIZE_MAX ? "" : m->csv.cells[column];
}

static inline uint64_t pfs_import_line_key(uint64_t mac, unsigned number)
{
    return mac << 10 | number;
}

/* Applies the checked rows inside the write. */
int pfs_import_apply(struct pfs_import *m);

/* Removes what an earlier sync of the name brought and the file no longer has. */
int pfs_import_remove(struct pfs_import *m);

/* A file's content, compiled: inside render/ only.
 *
 * The content is a flat array of operations. An operation with a body (element, section, loop, condition) is
 * followed by its body and knows where that ends; a run of [from, to) is evaluated by walking. Texts with {…}
 * are expressions: pieces that are put together. Everything lives in the template's arena. */
#pragma once

#include "render/template.h"

enum {
    PFS_NESTING_MAX = 16,   /* bodies in bodies, blocks in blocks */
    PFS_VARIABLES_MAX = 16, /* loop variables in scope */
    PFS_TABLES_MAX = 8,
    PFS_OPS_MAX = 65536,    /* of one file, its blocks put in */
    PFS_TURNS_MAX = 1000,   /* of one loop */
    PFS_STEPS_MAX = 200000, /* operations of one render … */
    /* … and what each contact adds to them: a directory may have PFS_DIRECTORY_MAX, each an element with a
     * few pairs in it, and is cut where the file is full. So the directory bounds the render, not the
     * template. */
    PFS_CONTACT_STEPS = 50,
    PFS_CONTACTS_RESERVE = 16, /* one part in so many of a file is left for what stands behind its contacts */
    PFS_FILTERS_MAX = 16,      /* behind one reference */
    PFS_FILTER_ARGS_MAX = 32,
};

/* A slice of text. */
struct pfs_str {
    const char *s;
    size_t len;
};

static inline struct pfs_str pfs_str_of(const char *s)
{
    return (struct pfs_str){s, strlen(s)};
}

static inline bool pfs_str_same(struct pfs_str a, struct pfs_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

struct pfs_map_rule {
    struct pfs_str from, to;
};

struct pfs_value_map {
    const char *name;
    size_t n;
    const struct pfs_map_rule *rules;
    bool has_default;
    struct pfs_str default_to;
};

enum pfs_ref_kind {
    PFS_REF_LITERAL,
    PFS_REF_KEY,     /* a plain key */
    PFS_REF_INDEXED, /* an indexed key, put together from parts */
    PFS_REF_LINE_NUMBER,
    PFS_REF_LINE_ASSIGNED,
    PFS_REF_LINE_ACCOUNT,
    PFS_REF_DEVICE_MAC,
    PFS_REF_DEVICE_LINES,
    PFS_REF_DEVICE_CUSTOMER,
    PFS_REF_CONTACT,  /* number: enum pfs_contact_ref */
    PFS_REF_MODEL,    /* an attribute of the model by name */
    PFS_REF_TZ,       /* number: enum pfs_tz_ref */
    PFS_REF_VARIABLE, /* number: its slot */
    PFS_REF_VARIABLE_INDEX,
    PFS_REF_TABLE_INDEX, /* number: the table */
};

enum pfs_tz_ref {
    PFS_TZ_REF_OFFSET,
    PFS_TZ_REF_DST,
    PFS_TZ_REF_DST_OFFSET,
    PFS_TZ_REF_SAVE,
    PFS_TZ_REF_START, /* + one of the next six */
    PFS_TZ_REF_END = PFS_TZ_REF_START + 6,
    PFS_TZ_REF_POSIX = PFS_TZ_REF_END + 6,
    PFS_TZ_REF_ABBREVIATION,
    PFS_TZ_REF_DST_ABBREVIATION,
};

/* The setting that the words of a time zone are made of. */
#define PFS_TZ_KEY "time.zone"

enum pfs_contact_ref { PFS_CONTACT_NAME, PFS_CONTACT_NUMBER, PFS_CONTACT_ACCOUNT, PFS_CONTACT_INDEX };

/* A part of an indexed key: text, or the number that a variable holds. */
struct pfs_key_part {
    struct pfs_str text;
    int variable; /* slot, -1: text */
};

struct pfs_ref {
    enum pfs_ref_kind kind;
    const struct pfs_catalogue_entry *entry; /* KEY, INDEXED */
    struct pfs_str text;                     /* LITERAL: the text; MODEL: the attribute's name */
    int number;
    size_t n_parts;
    const struct pfs_key_part *parts;
};

struct pfs_filter_kind; /* render/filter.c */

struct pfs_filter {
    const struct pfs_filter_kind *kind;
    const struct pfs_value_map *map; /* of `map` */
    size_t n_args;
    const struct pfs_ref *args;
};

struct pfs_piece {
    struct pfs_ref ref;
    size_t n_filters;
    const struct pfs_filter *filters;
};

struct pfs_expr {
    size_t n_pieces; /* 0: the empty text */
    const struct pfs_piece *pieces;
};

enum pfs_op_code {
    PFS_OP_TEXT,      /* value, then a line end */
    PFS_OP_SET,       /* key, value */
    PFS_OP_COMMENT,   /* value, a literal */
    PFS_OP_ATTRIBUTE, /* key, value */
    PFS_OP_ELEMENT,   /* key, body */
    PFS_OP_SECTION,   /* key, body */
    PFS_OP_LINES,     /* which, max, body */
    PFS_OP_WORDS,     /* variable, words, body */
    PFS_OP_ITEMS,     /* variable, value: the list, body */
    PFS_OP_COUNT,     /* variable, key: from, value: to, body */
    PFS_OP_TABLE,     /* number: the table; refs, max */
    PFS_OP_ROWS,      /* number: the table; body */
    PFS_OP_CONTACTS,  /* max, body */
    PFS_OP_IF,        /* body */
    PFS_OP_OVERRIDES,
};

enum pfs_which_lines { PFS_LINES_ALL, PFS_LINES_ASSIGNED, PFS_LINES_UNUSED };

struct pfs_op {
    enum pfs_op_code code;
    unsigned end;  /* index of the first operation behind the body; for one without body the next */
    unsigned line; /* in the template's file, for errors */
    const struct pfs_expr *when, *unless; /* NULL: always */
    const struct pfs_expr *key, *value;
    bool prefixed;     /* SET, ATTRIBUTE, ELEMENT: the key's own text has a colon */
    const char *fixed; /* SET: fixed attributes `a="1" b=""`, NULL none */
    const char
        *taken; /* SET: the same with those of its body, empty: names that its key cannot bring; NULL none */
    const char *empty; /* SET: written for an empty value; NULL: the file's */
    size_t max;        /* SET: bytes; LINES, TABLE, CONTACTS: number; 0: no limit of its own */
    enum pfs_which_lines which;
    int number; /* slot of a variable, number of a table */
    size_t n_words;
    const struct pfs_str *words;
    size_t n_refs;
    const struct pfs_ref *refs;
};

/* The settings that a program may read, its expressions' defaults included: no others have a say in what it
 * writes, but for overrides. */
struct pfs_reads {
    bool indexed;    /* some with numbers */
    uint64_t *plain; /* bits by id, of the template's arena */
};
/* id: of a plain one; -1 one with numbers. */
static inline bool pfs_reads_has(const struct pfs_reads *r, int id)
{
    return id < 0 ? r->indexed : r->plain && (r->plain[id / 64] >> id % 64 & 1);
}

struct pfs_program {
    struct pfs_program *next; /* of the template's programs */
    size_t n_ops, cap;
    struct pfs_op *ops; /* heap: it grows while compiling */
    size_t n_variables, n_tables;
    bool places_overrides; /* there is an <overrides/> */
    bool has_contacts;     /* there is a <contacts> */
    struct pfs_reads reads;
};

/* ---- compiling expressions (expr.c) ---- */

/* What names an expression may use. */
struct pfs_names {
    const struct pfs_catalogue *catalogue;
    struct pfs_template *tmpl; /* its arena */
    size_t n_maps;
    const struct pfs_value_map *const *maps;
    size_t n_variables;
    const char *variables[PFS_VARIABLES_MAX];
    size_t n_tables;
    const char *tables[PFS_TABLES_MAX];
    bool in_contacts;
    struct pfs_reads *reads; /* of the program at hand */
};

/* Compiles a text with {…}. -EINVAL with what is wrong, without file and line. */
int pfs_expr_compile(const struct pfs_names *names, const char *text, struct pfs_expr **ret,
                     struct pfs_err *err);
/* A reference alone (table's `by`, each's `of`). */
int pfs_ref_compile(const struct pfs_names *names, const char *text, size_t len, struct pfs_ref *ret,
                    struct pfs_err *err);

/* The filter of that name, NULL none; how many arguments it takes; what is special about it. */
const struct pfs_filter_kind *pfs_filter_find(const char *name, size_t len);
bool pfs_filter_takes(const struct pfs_filter_kind *k, size_t n_args);
bool pfs_filter_is_map(const struct pfs_filter_kind *k);
bool pfs_filter_is_isset(const struct pfs_filter_kind *k);

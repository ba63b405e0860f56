/* The state of one render: inside render/ only. */
#pragma once

#include "model/directory.h"
#include "render/emit.h"
#include "render/program.h"
#include "render/render.h"

enum { PFS_USED_MAX = 64 };

/* A row of a table of distinct values. */
struct pfs_table {
    size_t n;
    struct pfs_row {
        struct pfs_str key;          /* the values, each behind a NUL */
        const struct pfs_line *line; /* the first that has them */
    } * rows;
    const struct pfs_op *op;
};

struct pfs_variable {
    struct pfs_str value;
    unsigned index; /* from 1 */
};

struct pfs_override {
    const char *key; /* native */
    const char *value;
    bool clears;      /* the value is PFS_VALUE_CLEAR: the key goes */
    unsigned line;    /* whose it is; 0: the device's */
    bool used;        /* written, or another of the same key was */
    bool written;     /* a template of the device writes this key somewhere */
    size_t home;      /* tree: how much of the key names an element that the file has; 0: the outermost */
    unsigned element; /* tree: the number of the element that it was added to last */
};

struct pfs_eval {
    const struct pfs_file *file;
    const struct pfs_phone *phone;
    struct pfs_zones *zones;
    struct pfs_emit emit;
    struct pfs_arena scratch; /* of the operation at hand */
    struct pfs_arena kept;    /* of the render: tables, overrides */
    struct pfs_variable variables[PFS_VARIABLES_MAX];
    struct pfs_table tables[PFS_TABLES_MAX];
    unsigned line_number;        /* of the line of the loop, 0 outside */
    const struct pfs_line *line; /* NULL: no such line in the inventory, or outside */
    struct pfs_contact contact;  /* of the loop */
    unsigned contact_index;      /* from 1; 0 outside */
    size_t n_overrides;
    struct pfs_override *overrides;
    bool overrides_done;
    unsigned n_elements, element; /* tree: elements that were added to, and the one at hand */
    unsigned steps, most_steps;
    const struct pfs_tz *tz; /* read at first use */
    bool last_is_set;        /* the reference evaluated last came from a scope */
    bool secret;             /* the operation at hand has read a secret: no value in sentences */
    bool failed;             /* the sentence has its file and line */
    bool rehearsing;         /* the output is thrown away: only which keys the template writes counts */
    pfs_pair_fn on_pair;
    void *arg;
    pfs_read_fn on_read;     /* NULL: nobody asks */
    struct pfs_trace *trace; /* NULL: the render is not to become a plan */
    bool depends;            /* something of the phone's own was read since this was cleared */
    char shown[64];
    size_t n_used;
    struct pfs_used used[PFS_USED_MAX];
};

/* A render's state, on the heap, in which expressions can be evaluated. NULL: out of memory. */
struct pfs_eval *pfs_eval_new(const struct pfs_file *file, const struct pfs_phone *phone,
                              struct pfs_zones *zones);
void pfs_eval_free(struct pfs_eval *e);

/* Writes the value of a SET, ATTRIBUTE or TEXT as a render does: checked, an empty one as the file has it,
 * escaped. -EINVAL it cannot be written. */
int pfs_eval_write_value(const struct pfs_file_spec *spec, const struct pfs_op *op, struct pfs_str value,
                         struct pfs_buf *out);

/* pfs_render() that notes in *trace what a plan needs. */
struct pfs_trace;
int pfs_render_traced(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                      struct pfs_buf *out, struct pfs_trace *trace, struct pfs_err *err);

int pfs_eval_ref(struct pfs_eval *e, const struct pfs_ref *ref, struct pfs_str *ret, struct pfs_err *err);
int pfs_eval_expr(struct pfs_eval *e, const struct pfs_expr *expr, struct pfs_str *ret,
                  struct pfs_err *err); /* in scratch, NUL behind it */
int pfs_eval_number(struct pfs_eval *e, int64_t n, struct pfs_str *ret,
                    struct pfs_err *err); /* n as text, in scratch */

/* The values by which a table tells rows apart, for the line at hand, each behind a NUL; in memory of
 * `arena`. */
int pfs_eval_row_key(struct pfs_eval *e, const struct pfs_op *op, struct pfs_arena *arena,
                     struct pfs_str *ret, struct pfs_err *err);
bool pfs_str_true(struct pfs_str s);

/* A value as sentences show it: its first 40 bytes, nothing of a secret. Borrowed from e until the next call.
 */
const char *pfs_eval_shown(struct pfs_eval *e, struct pfs_str value);

/* Writes the pair of a SET, or what an override says instead. */
int pfs_eval_set(struct pfs_eval *e, const struct pfs_op *op, struct pfs_err *err);

/* Reads the phone's overrides; then adds those of native keys that no template writes: all that are left
 * (to the end of a file or its outermost element); those of the section around; in a tree those whose home is
 * the element around. A rehearsal adds none, and notes for each which elements there are. */
int pfs_overrides_gather(struct pfs_eval *e, struct pfs_err *err);
int pfs_overrides_add(struct pfs_eval *e, struct pfs_err *err);
int pfs_overrides_add_to_section(struct pfs_eval *e, struct pfs_err *err);
int pfs_overrides_add_to_element(struct pfs_eval *e, struct pfs_err *err);
void pfs_overrides_note_element(struct pfs_eval *e);

/* Applies a filter to *v. */
int pfs_filter_apply(struct pfs_eval *e, const struct pfs_filter *f, struct pfs_str *v, struct pfs_err *err);

/* What a render notes of itself to become a plan (render/plan.h): inside render/ only. */
#pragma once

#include "render/eval.h"

/* Where an expression stood, so that it can be evaluated again for another phone. */
struct pfs_place {
    struct pfs_expr expr;                 /* its pieces are the template's */
    unsigned line_number;                 /* 0: outside of lines */
    bool in_line;                         /* the line has an account */
    const struct pfs_variable *variables; /* n_variables of the program; NULL: none */
    struct pfs_contact contact;           /* of the loop, in the directory's own texts */
    unsigned contact_index;               /* 0: outside of contacts */
};

enum pfs_source {
    PFS_SOURCE_EXPR,   /* evaluate the place's expression */
    PFS_SOURCE_DEVICE, /* a row of the device's settings … */
    PFS_SOURCE_LINE,   /* … of a line's … */
    PFS_SOURCE_ACCOUNT, /* … of the settings of the account on a line: at the same index in every phone of the
                           shape */
    PFS_SOURCE_USER,    /* the account's name up to '@' */
    PFS_SOURCE_MAC,
};

struct pfs_hole {
    size_t at, len;          /* bytes of the traced output that the value took, escaped */
    const struct pfs_op *op; /* SET, ATTRIBUTE or TEXT: how the value is written */
    enum pfs_source source;
    size_t line, row; /* indices into device->lines and the layer's settings */
    struct pfs_place place;
};

struct pfs_guard {
    struct pfs_place place;
    bool truth;
};

struct pfs_trace {
    bool given_up; /* something hung on the phone's own values in a way that a plan cannot say */
    size_t n_holes, cap_holes, n_guards, cap_guards;
    struct pfs_hole *holes;
    struct pfs_guard *guards;
    const struct pfs_variable *last; /* the variables copied last */
    struct pfs_arena arena;          /* the copies */
};
void pfs_trace_done(struct pfs_trace *t);

/* All of these do nothing where the render is not traced, or e->depends is off: nothing of the phone's own
 * was read since that was cleared. */
void pfs_trace_guard(struct pfs_eval *e, const struct pfs_expr *condition, bool truth);
/* The value of expr was written: where emit says. */
void pfs_trace_hole(struct pfs_eval *e, const struct pfs_op *op, const struct pfs_expr *expr);
/* The way the render goes on hangs on what was read. */
void pfs_trace_give_up(struct pfs_eval *e);

/* Notes that a setting was read: whether the value is the phone's own. */
void pfs_trace_read(struct pfs_eval *e, const char *key, const struct pfs_catalogue_entry *entry);

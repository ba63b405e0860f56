/* What the parts of emit share: inside emit*.c only. */
#pragma once

#include "render/emit.h"

struct pfs_emit_level *pfs_emit_top(struct pfs_emit *e); /* NULL: outside of all */
void pfs_emit_indent(struct pfs_emit *e, unsigned depth);
/* Ends the open tag around, as something is to stand inside the element. */
void pfs_emit_begin_child(struct pfs_emit *e);
/* -EINVAL in XML outside of the outermost element. */
int pfs_emit_check_inside(const struct pfs_emit *e, const char *what, struct pfs_err *err);
/* A tag begins, as yet without attributes. */
void pfs_emit_begin_tag(struct pfs_emit *e);
/* Appends a value within a text, and notes where it stands. */
void pfs_emit_escaped(struct pfs_emit *e, const char *value, size_t len);

struct pfs_form;

/* Writes the parts of a form from one on, up to its content or its end; where that is. pair: what the words
 * stand for (of a section its key alone). */
size_t pfs_emit_form(struct pfs_emit *e, const struct pfs_form *form, size_t from,
                     const struct pfs_emit_pair *pair);

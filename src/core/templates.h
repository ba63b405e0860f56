/* The templates in service: the library that lookups use, and the thread that takes up what changes in its
 * folders. Thread-safe. */
#pragma once

#include "core/context.h"

struct pfs_templates;

/* Takes a new reference to the context's library. config and catalogue must outlive it. */
int pfs_templates_new(const struct pfs_context *c, struct pfs_templates **ret, struct pfs_err *err);
/* Tells what is wrong with them in the log and starts to follow the folders. After the process has gone to
 * the background. */
int pfs_templates_start(struct pfs_templates *t, struct pfs_err *err);
void pfs_templates_free(struct pfs_templates *t);

/* The library in service, a reference for the caller, and its generation: 1, and one more with each change.
 * ret_generation may be NULL. */
struct pfs_library *pfs_templates_take(struct pfs_templates *t, uint64_t *ret_generation);
uint64_t pfs_templates_generation(struct pfs_templates *t);

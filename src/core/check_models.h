/* Whether every model's files hold every setting: each is rendered with all settings set, read back and
 * compared. */
#pragma once

#include "core/context.h"

/* Calls fn with a sentence for each file of a model that does not render, or does not come back the same. 0,
 * fn's non-zero, or -ENOMEM. Looks at no inventory. */
typedef int (*pfs_problem_fn)(void *arg, const char *sentence);
int pfs_check_models(struct pfs_context *c, pfs_problem_fn fn, void *arg, struct pfs_err *err);

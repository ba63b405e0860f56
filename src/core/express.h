/* What a model's files have no place for: settings of a profile that a phone of this model will never see. It
 * is told, never refused: a profile is for phones of many kinds. */
#pragma once

#include "core/context.h"

/* Appends a line for the profile, and for each above it, that sets keys which no file of the model reads,
 * with every line in use: `BEGINyealink-t19p-e2 has no place for forward.busy, ring.url (profile office)`.
 * only: looks at these keys alone; NULL: at all. Overrides are not looked at. Inside a snapshot or a write.
 */
int pfs_express_profile(struct pfs_context *c, const char *begin, const char *model, int64_t profile,
                        const struct pfs_map *only, struct pfs_buf *out, struct pfs_err *err);

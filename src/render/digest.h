/* Files that are the checksum of another file of the model: <file name= digest-of= digest="md5">.
 *
 * Such a file has no content of its own. Its spec is that of the other one but for its name, so that whatever
 * is asked of the one (whose values it is made of, whether it has contacts) is true of both. */
#pragma once

#include "render/render.h"

#include <libxml/tree.h>

/* Reads such a <file>; specs: the n that stand before it, among which the other one is. -EINVAL the
 * template's fault. */
int pfs_digest_read(struct pfs_arena *a, const xmlNode *node, const struct pfs_file_spec *specs, size_t n,
                    struct pfs_file_spec *ret, struct pfs_err *err);

/* The file of this model that a file is the checksum of; NULL: it is none, or (has_digest) the model lacks
 * the other one. */
const struct pfs_file *pfs_digest_target(const struct pfs_file *file);

/* Puts the checksum in the place of the bytes from start on: lower-case hexadecimal digits and a line end. 0
 * or -ENOMEM. */
int pfs_digest_replace(struct pfs_buf *out, size_t start, struct pfs_err *err);

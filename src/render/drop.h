/* <drop>: native keys that a site takes out of a file of the template it extends. Inside render/ only. */
#pragma once

#include "render/program.h"

#include <libxml/tree.h>

/* Reads the drops of a <file> whose program is compiled. -EINVAL "LINE: …": it extends nothing, or no key of
 * the file can be meant. */
int pfs_drops_read(struct pfs_arena *a, const xmlNode *file, struct pfs_file_spec *s, struct pfs_err *err);

/* Whether a key that an operation on this line writes is dropped: by a document that comes after its own. */
bool pfs_drops_mean(const struct pfs_file_spec *s, unsigned line, struct pfs_str native);

/* Reads what a <file> element's attributes say: inside render/ only. */
#pragma once

#include "render/template.h"

#include <libxml/tree.h>

/* Fills *s but for its program; what it needs is in the arena. -EINVAL "LINE: what is wrong". */
int pfs_file_spec_read(struct pfs_arena *a, const xmlNode *node, struct pfs_file_spec *s,
                       struct pfs_err *err);

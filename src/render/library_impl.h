/* What the parts of the library share: inside render/library*.c only. */
#pragma once

#include "render/library.h"

struct pfs_xml_schema;

enum { PFS_TEMPLATES_MAX = 4096, PFS_PROBLEMS_MAX = 256 };

/* Notes a sentence, as long as there is room. 0 or -ENOMEM. */
int pfs_library_add_problem(struct pfs_library *l, const char *text);

/* Reads all templates of both folders into l (room for PFS_TEMPLATES_MAX), with what is wrong with them.
 * -ENOMEM, errnos of reading folders. */
int pfs_library_read(struct pfs_library *l, const struct pfs_library_source *source,
                     const struct pfs_library *previous, struct pfs_xml_schema *schema);

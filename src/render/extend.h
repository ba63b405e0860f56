/* A shipped template with a site's changes: two documents made one. Inside render/ only.
 *
 * The outcome is a whole template that is compiled as any other. Each node knows which document it comes from
 * (pfs_xml_line()), so that sentences name the right file. */
#pragma once

#include "render/xml.h"

/* What the document says that it extends, borrowed; NULL: it is a whole template. */
const char *pfs_extend_base(const xmlDoc *doc);

/* Puts the changes of a document, which is marked (pfs_xml_mark()), into base. Models, maps and blocks are
 * replaced by name or added, files of a known name get their content as if it were the base's own. -EINVAL
 * "LINE: what is wrong", base is of no use then; -ENOMEM. */
int pfs_extend(xmlDoc *base, const xmlDoc *change, struct pfs_err *err);

/* Compiles the content of a <file> into a program: inside render/ only. */
#pragma once

#include "render/program.h"

#include <libxml/tree.h>

/* The blocks of a template: <block name=> elements, by name. */
struct pfs_blocks {
    size_t n;
    xmlNode **nodes;
};

/* Compiles the children of a <file>. names has catalogue, template and maps; variables and tables are added
 * and taken away. The program becomes the spec's and one of the template's. -EINVAL "LINE: what is wrong". */
int pfs_program_compile(struct pfs_names *names, const struct pfs_blocks *blocks, xmlNode *file,
                        struct pfs_file_spec *spec, struct pfs_err *err);

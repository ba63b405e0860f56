/* Reads a file back as its firmware would, and compares: what `provfs check` trusts a template on.
 *
 * Written apart from what writes (render/syntax.c, emit.c): lines by the grammar of docs/templates.md, XML by
 * libxml2. */
#pragma once

#include "render/render.h"

/* Renders the file and reads it back: every pair must come back in its order with its key and its value.
 * -EINVAL with the file's line or native key and what is wrong; else as pfs_render(). */
int pfs_read_back(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                  struct pfs_err *err);

/* The comparison alone: whether these bytes of the file have the pairs, in this order. -EINVAL, -ENOMEM. */
int pfs_read_back_bytes(const struct pfs_file *file, const struct pfs_pair *pairs, size_t n,
                        const char *bytes, size_t len, struct pfs_err *err);

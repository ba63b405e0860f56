/* File name patterns: how a template says under which name a firmware asks for a file, and how a name asked
 * for leads back to a MAC.
 *
 * A pattern is literal text with MAC fields, all of which stand for one MAC:
 *   {mac} lower case   {MAC} upper case   {mac:} {MAC:} {mac-} {MAC-} {mac_} {MAC_} with separators
 * and any number of {model.NAME} fields that are replaced when the template is compiled, before this is
 * parsed. A '/' parts folders: the name is a path below the mount's root. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { PFS_FILE_NAME_MAX = 255 }; /* bytes, folders included */

struct pfs_pattern {
    char *text; /* owned: the pattern as written */
    const char
        *shape; /* behind it: lower case, each field as {mac}; equal where patterns mean the same names */
    const char *tail; /* of the shape: what stands behind its last field, or all of it */
    size_t tail_len;
    bool has_mac;
};

/* -EINVAL with the reason: empty, longer than 255, an unknown field, a folder or file that is empty, "." or
 * "..", or "control" at the root. */
int pfs_pattern_parse(const char *text, struct pfs_pattern *ret, struct pfs_err *err);
void pfs_pattern_done(struct pfs_pattern *p);

/* The canonical name for a MAC (ignored for a pattern without field). out has PFS_FILE_NAME_MAX + 1 bytes. */
void pfs_pattern_format(const struct pfs_pattern *p, uint64_t mac, char *out);

/* Whether a name is this pattern in any case and any spelling of the MAC (*ret_mac then; 0 for one without
 * field). */
bool pfs_pattern_match(const struct pfs_pattern *p, const char *name, uint64_t *ret_mac);

/* What a name ends in, in lower case; '\0': it is empty. A name that is a pattern ends as the pattern does,
 * where that is not '\0', which it is for one that ends in a MAC. */
char pfs_name_end(const char *name);
char pfs_pattern_end(const struct pfs_pattern *p);

/* Whether a path is a folder on the way to names of this pattern, likewise; "" is the root. *ret_mac: the MAC
 * in the path; *ret_has_mac false: it has none, and leads to names of every MAC. */
bool pfs_pattern_is_below(const struct pfs_pattern *p, const char *folder, uint64_t *ret_mac,
                          bool *ret_has_mac);

/* Paths of names: how many components one has ("" has none); cuts one behind its n-th component; the place of
 * component n, from 0, and its length (0: there is none). */
size_t pfs_path_depth(const char *path);
void pfs_path_cut(char *path, size_t n);
const char *pfs_path_component(const char *path, size_t n, size_t *ret_len);

/* The path of a name in a folder ("": the root). -ENAMETOOLONG where out, of size bytes, has no room for it.
 */
int pfs_path_join(const char *folder, const char *name, char *out, size_t size);

/* File name patterns: how a template says under which name a firmware asks for a file, and how a name asked
 * for leads back to a MAC.
 *
 * A pattern is literal text with at most one MAC field:
 *   {mac} lower case   {MAC} upper case   {mac:} {MAC:} {mac-} {MAC-} with separators
 * and any number of {model.NAME} fields that are replaced when the template is compiled, before this is
 * parsed. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { PFS_FILE_NAME_MAX = 255 };

struct pfs_pattern {
    char *text; /* owned: the pattern as written */
    bool has_mac;
    bool upper;
    char separator;     /* '\0', ':' or '-' */
    size_t prefix_len;  /* text[0 .. prefix_len) stands before the field */
    const char *suffix; /* what stands behind it, points into text; "" for a pattern without field */
};

/* -EINVAL with the reason: empty, longer than 255, a '/', two fields, an unknown field, "." or "..". */
int pfs_pattern_parse(const char *text, struct pfs_pattern *ret, struct pfs_err *err);
void pfs_pattern_done(struct pfs_pattern *p);

/* The canonical name for a MAC (ignored for a pattern without field). out has PFS_FILE_NAME_MAX + 1 bytes. */
void pfs_pattern_format(const struct pfs_pattern *p, uint64_t mac, char *out);

/* Whether a name is this pattern in any case and any spelling of the MAC (*ret_mac then; 0 for one without
 * field). */
bool pfs_pattern_match(const struct pfs_pattern *p, const char *name, uint64_t *ret_mac);

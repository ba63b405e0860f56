/* The syntaxes that vendors' files have: which values each can write, and how a value is escaped.
 *
 * For every syntax: a value that pfs_syntax_check_value() lets pass and pfs_syntax_escape() writes is read
 * back the same by that syntax's grammar, and cannot end the pair it stands in. That is promise P5. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum pfs_pair_shape {
    PFS_PAIR_LINE,      /* KEY between VALUE end-of-line */
    PFS_PAIR_ELEMENT,   /* <KEY>VALUE</KEY> */
    PFS_PAIR_ATTRIBUTE, /* KEY="VALUE" in the open tag around it */
    PFS_PAIR_ENTRY,     /* <entry name="KEY" overwrite="true">VALUE</entry> */
};

struct pfs_syntax {
    const char *name;
    enum pfs_pair_shape shape;
    const char *between; /* LINE: what stands between key and value */
    bool quoted;         /* LINE: the value stands in double quotes, with \" and \\ */
    bool is_xml;
    bool has_sections;
};

/* What one file's firmware refuses beyond its syntax. */
struct pfs_value_rules {
    bool refuse_newline, refuse_edge_blank, refuse_non_ascii;
    bool latin1;                 /* the file is ISO-8859-1 */
    const char *const *reserved; /* NULL-terminated, may be NULL: words that mean something else */
};

const struct pfs_syntax *pfs_syntax_find(const char *name); /* NULL: none of that name */

/* Whether the value (UTF-8) can be written. -EINVAL with the reason, without the value ("has a line break,
 * which … cannot hold"). */
int pfs_syntax_check_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                           size_t len, struct pfs_err *err);

/* The same for a text of which a value is only a part: its characters alone. */
int pfs_syntax_check_text(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *text,
                          size_t len, struct pfs_err *err);

/* Whether the text can be a native key of this syntax. -EINVAL. */
int pfs_syntax_check_key(const struct pfs_syntax *s, const char *key, size_t len, struct pfs_err *err);

/* Whether the text can be the name of an element or attribute: ASCII, as XML has it. -EINVAL. */
int pfs_syntax_check_name(const char *name, size_t len, struct pfs_err *err);

/* Appends the template's own text as it is, in the file's encoding. It has been checked. */
void pfs_syntax_encode(const struct pfs_value_rules *rules, const char *text, size_t len,
                       struct pfs_buf *out);

/* Appends the value escaped, in the file's encoding. The value has been checked. */
void pfs_syntax_escape(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                       size_t len, bool in_attribute, struct pfs_buf *out);

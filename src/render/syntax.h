/* The syntaxes that vendors' files have: which values each can write, and how a value is escaped.
 *
 * For every syntax: a value that pfs_syntax_check_value() lets pass and pfs_syntax_escape() writes is read
 * back the same by that syntax's grammar, and cannot end the pair it stands in. That is promise P5. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum pfs_pair_shape {
    PFS_PAIR_LINE,      /* KEY between VALUE end-of-line */
    PFS_PAIR_ELEMENT,   /* <KEY>VALUE</KEY>; KEY may carry attributes: name@a=1@b=2 */
    PFS_PAIR_ATTRIBUTE, /* KEY="VALUE" in the open tag around it */
    PFS_PAIR_ENTRY,     /* as the syntax's forms say: <entry name="KEY" overwrite="true">VALUE</entry> */
};

/* How a value stands in a line. */
enum pfs_quoting {
    PFS_QUOTING_NONE,
    PFS_QUOTING_ESCAPED, /* in double quotes, with \" and \\ */
    PFS_QUOTING_BARE,    /* in double quotes, and has none itself */
    PFS_QUOTING_IF,      /* as BARE where it has one of enclose_if or a blank at an edge, else as NONE */
};

struct pfs_form;

/* A syntax as pfs_syntax_find() knows it, or a file's own variant of one. */
struct pfs_syntax {
    const char *name;
    enum pfs_pair_shape shape;
    bool is_xml;
    bool is_tree; /* ELEMENT: the elements around a pair, below the outermost, are part of its native key */
    bool has_sections;
    /* LINE, each printable ASCII: */
    const char *before;  /* a pair's key, "" mostly */
    const char *between; /* key and value: its first character that is no blank (the blank, where there is
                            none) is the sign, which no key has */
    const char *comment; /* what a comment begins with */
    const char *section_begin, *section_end;
    enum pfs_quoting quoting;
    const char *enclose_if; /* of QUOTING_IF */
    /* ENTRY: */
    const struct pfs_form *pair, *section; /* render/form.h */
};

/* What one file's firmware refuses beyond its syntax. */
struct pfs_value_rules {
    bool refuse_newline, refuse_edge_blank, refuse_non_ascii;
    bool latin1;                   /* the file is ISO-8859-1 */
    const char *refuse_characters; /* NULL: none further; UTF-8 */
    size_t max_value;              /* bytes; 0: no limit */
    const char *const *reserved;   /* NULL-terminated, may be NULL: words that mean something else */
};

const struct pfs_syntax *pfs_syntax_find(const char *name); /* NULL: none of that name */

/* Whether the value (UTF-8) can be written. -EINVAL with the reason, without the value ("has a line break,
 * which … cannot hold"). */
int pfs_syntax_check_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                           size_t len, struct pfs_err *err);

/* The same for a text of which a value is only a part: its characters alone. */
int pfs_syntax_check_text(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *text,
                          size_t len, struct pfs_err *err);

/* Whether the text can be the key of a pair. prefixed: as a name of XML it may have a prefix and a colon
 * (xsi:type), which only names fixed in a template have. -EINVAL. */
int pfs_syntax_check_key(const struct pfs_syntax *s, const char *key, size_t len, bool prefixed,
                         struct pfs_err *err);

/* Whether the text can be a native key as overrides name it: with its section or path. -EINVAL. */
int pfs_syntax_check_native(const struct pfs_syntax *s, const char *key, size_t len, struct pfs_err *err);

/* Whether the text can be the name of an element or attribute: ASCII, as XML has it. -EINVAL. */
int pfs_syntax_check_name(const char *name, size_t len, bool prefixed, struct pfs_err *err);

/* A key of ELEMENT with attributes: the length of the element's name; then the attributes one by one, *at
 * behind the one before (first: behind the name). False at the end. */
struct pfs_key_attribute {
    const char *name, *value;
    size_t name_len, value_len;
};
size_t pfs_syntax_element_len(const char *key, size_t len);
bool pfs_syntax_next_attribute(const char **at, const char *end, struct pfs_key_attribute *ret);

/* Fixed attributes of a pair's element: `a="1" b=""`, no quotes in values. Whether they have this one;
 * whether the key carries one of them too (fixed may be NULL). -EINVAL. */
bool pfs_syntax_has_fixed(const char *fixed, const char *name, size_t len);
int pfs_syntax_check_fixed(const char *key, size_t len, const char *fixed, struct pfs_err *err);

/* Appends the template's own text as it is, in the file's encoding. It has been checked. */
void pfs_syntax_encode(const struct pfs_value_rules *rules, const char *text, size_t len,
                       struct pfs_buf *out);

/* The character that ends a key in a file of lines. */
char pfs_syntax_sign(const struct pfs_syntax *s);

/* Whether a text at the beginning of a line makes it a comment, a section, or what some firmware takes for
 * one. Files of lines. */
bool pfs_syntax_begins_otherwise(const struct pfs_syntax *s, const char *text, size_t len);

/* Whether the text can be a section's name in a file of lines. -EINVAL. */
int pfs_syntax_check_section(const struct pfs_syntax *s, const struct pfs_value_rules *rules,
                             const char *name, size_t len, struct pfs_err *err);

/* Appends a value as it stands in a pair of a file of lines: escaped, and in quotes where the syntax has
 * them. literal: it is the template's own word for "nothing", not one that could need quotes. */
void pfs_syntax_line_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                           size_t len, bool literal, struct pfs_buf *out);

/* Appends the value escaped, in the file's encoding. The value has been checked. */
void pfs_syntax_escape(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                       size_t len, bool in_attribute, struct pfs_buf *out);

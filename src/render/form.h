/* How a pair or a section stands in a file of entries: XML with places for key and value, or for the
 * section's name and its content. */
#pragma once

#include "base/arena.h"
#include "render/syntax.h"

struct _xmlNode;

enum pfs_form_word {
    PFS_FORM_FIXED,   /* text, escaped */
    PFS_FORM_NAME,    /* the key, or the section's name */
    PFS_FORM_VALUE,   /* of a pair */
    PFS_FORM_CONTENT, /* of a section */
};

struct pfs_form {
    size_t n;
    bool value_in_attribute;
    const struct pfs_form_part {
        enum pfs_form_word word;
        bool in_attribute; /* NAME, VALUE */
        const char *text;  /* FIXED; UTF-8 */
    } * parts;
};

/* <entry name="KEY" overwrite="true">VALUE</entry> and <section name="SECTION"><content/></section> */
extern const struct pfs_form pfs_form_entry, pfs_form_section;

/* Compiles the children of <pair> or <group> (group); the form is in the arena. -EINVAL "LINE: what is
 * wrong".
 */
int pfs_form_compile(struct pfs_arena *a, const struct _xmlNode *node, bool group,
                     const struct pfs_form **ret, struct pfs_err *err);

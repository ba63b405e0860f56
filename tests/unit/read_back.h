/* Reads files back, by the grammar of each syntax as docs/templates.md states it: written apart from
 * src/render/syntax.c, to prove it. */
#pragma once

#include "render/syntax.h"

enum { PAIRS_MAX = 16 };

/* Pairs in order of the file; section is "" where there is none. */
struct pairs {
    size_t n;
    struct one_pair {
        struct pfs_buf section, key, value;
    } all[PAIRS_MAX];
    const char *why; /* what is wrong with the file; NULL: nothing */
};

/* How pairs and sections stand in a file of entries: names of elements, and where in them key, value and name
 * are: "@id" an attribute, "Name" the text of a child, "" the element's own text. */
struct read_form {
    const char *pair, *key, *value;
    const char *group, *name;
};

/* The file's bytes (ISO-8859-1 where latin1) to pairs in UTF-8. False: it does not follow the grammar, or has
 * too many pairs. For ELEMENT each leaf below the outermost element is a pair (its attributes are part of the
 * key, in a tree the elements around are its section), for ATTRIBUTE each attribute, for ENTRY what form says
 * (NULL: Linphone's). */
bool read_back(const struct pfs_syntax *s, const struct read_form *form, bool latin1, const char *bytes,
               size_t len, struct pairs *ret);
void pairs_done(struct pairs *p);
bool pair_is(const struct one_pair *p, const char *key, const char *value, size_t len);

/* Writes one file: pairs, elements, sections, comments and text in the file's syntax. It keeps the document
 * well-formed (every element closed, attributes before children, one outermost element) whatever it is asked.
 */
#pragma once

#include "render/syntax.h"

enum { PFS_EMIT_DEPTH_MAX = 16, PFS_EMIT_NAME_MAX = 128 };

/* What pfs_emit_open() opens. */
enum { PFS_EMIT_SECTION = 1, PFS_EMIT_PREFIXED = 2 /* an element whose name may have a colon */ };

struct pfs_emit {
    const struct pfs_syntax *syntax;
    const struct pfs_value_rules *rules;
    const char *eol;
    struct pfs_buf *out;        /* borrowed; its limit is the file's */
    size_t value_at, value_len; /* where in out the value written last stands, as it is escaped */
    unsigned depth;
    struct pfs_emit_level {
        char name[PFS_EMIT_NAME_MAX];
        bool section;
        bool open;         /* the tag's '>' (of a section the line end) is still to come */
        bool has_children; /* something stands between open and close tag */
    } levels[PFS_EMIT_DEPTH_MAX];
    bool had_root;      /* an outermost element; in ini a section */
    size_t tag_at;      /* where in out the open tag begins */
    uint64_t seen[256]; /* bits by hash: attributes that the open tag may have already */
    enum pfs_emit_line {
        PFS_EMIT_LINE_EMPTY,   /* nothing is in the line yet */
        PFS_EMIT_LINE_BEGUN,   /* a value in it could still be taken for a key */
        PFS_EMIT_LINE_SETTLED, /* a key and its sign, a comment or a section's name stand in it */
    } line;
};

void pfs_emit_begin(struct pfs_emit *e, const struct pfs_syntax *s, const struct pfs_value_rules *rules,
                    bool crlf, struct pfs_buf *out);

struct pfs_emit_pair {
    const char *key, *value;
    size_t key_len, len;
    const char *fixed; /* attributes of its element, `a="1" b=""`; NULL: none */
    const char *taken; /* names of attributes that the key cannot bring, in the same form; NULL: none */
    bool literal;      /* the value is the template's own word, not checked against reserved */
    bool prefixed;     /* the key may have a colon */
    /* In elements: writes further attributes by pfs_emit_pair_attribute(); NULL: there are none. */
    int (*attributes)(void *arg, struct pfs_err *err);
    void *arg;
};

/* All return 0 or -EINVAL with what is wrong with the template or the value; buffer errors stick in out. */
int pfs_emit_pair(struct pfs_emit *e, const struct pfs_emit_pair *pair, struct pfs_err *err);
/* An attribute of the pair being written, whose element has no other of that name. */
int pfs_emit_pair_attribute(struct pfs_emit *e, const char *name, const char *value, size_t len,
                            struct pfs_err *err);
int pfs_emit_text(struct pfs_emit *e, const char *text, size_t len, bool literal,
                  struct pfs_err *err); /* without line end */
/* Appends a value as it stands in a pair, an attribute or a text: escaped, in quotes where it has them. It
 * has been checked. literal: the template's own word. */
void pfs_emit_value(const struct pfs_syntax *s, const struct pfs_value_rules *rules, const char *value,
                    size_t len, bool in_attribute, bool literal, struct pfs_buf *out);

void pfs_emit_end_line(struct pfs_emit *e);
int pfs_emit_comment(struct pfs_emit *e, const char *text, struct pfs_err *err);
int pfs_emit_open(struct pfs_emit *e, const char *name, size_t len, unsigned what, struct pfs_err *err);
int pfs_emit_attribute(struct pfs_emit *e, const char *name, size_t name_len, bool prefixed,
                       const char *value, size_t len, struct pfs_err *err);
/* Whether the element around is still without children. */
bool pfs_emit_takes_attributes(const struct pfs_emit *e);
void pfs_emit_close(struct pfs_emit *e);

/* A place to which the file can be taken back, while the elements around it are the same. */
struct pfs_emit_mark {
    size_t len, tag_at;
    int error; /* the buffer's */
    unsigned depth;
    bool open, has_children; /* of the element around */
    bool had_root;
    enum pfs_emit_line line;
};
void pfs_emit_mark(const struct pfs_emit *e, struct pfs_emit_mark *ret);
/* Takes away what was written since the mark; an -EFBIG of the buffer since then is forgotten. */
void pfs_emit_rewind(struct pfs_emit *e, const struct pfs_emit_mark *m);

/* What native keys begin with here: the name of the section around, in a tree the elements around below the
 * outermost, joined by '/'; "" where there is none. Its length. */
enum { PFS_EMIT_PATH_MAX = PFS_EMIT_DEPTH_MAX * PFS_EMIT_NAME_MAX };
size_t pfs_emit_path(const struct pfs_emit *e, char out[static PFS_EMIT_PATH_MAX]);

/* The whole inventory as one XML document (schema/inventory.rng): the only place that knows its form.
 *
 * Reading is streaming: one object is in memory at a time, so that a document of a million devices costs no
 * more than its largest object. Nothing is looked up: what a name or key means is the caller's. Texts are
 * exact: an element's text is the value, with its blanks and line ends; what XML 1.0 has no way to write
 * (most control characters) stands as base64 with encoding="base64". */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/catalogue.h"

enum {
    PFS_INVENTORY_OBJECT_MAX = 64 << 20, /* bytes of one object with all that hangs on it */
};

/* What the elements may say besides a name. NULL: not said; "" clears. */
enum pfs_inventory_word {
    PFS_INVENTORY_MODEL,
    PFS_INVENTORY_PROFILE,
    PFS_INVENTORY_PARENT,
    PFS_INVENTORY_CUSTOMER,
    PFS_INVENTORY_ENABLED, /* yes | no */
    PFS_INVENTORY_ID,
    PFS_INVENTORY_SOURCE,
    PFS_INVENTORY_NOTE,
    PFS_INVENTORY_N_WORDS
};

struct pfs_inventory_setting {
    const char *key;
    const char *value; /* NULL: ends then */
    int64_t from;      /* 0: always */
    size_t row;        /* the line of the file */
};

struct pfs_inventory_line {
    unsigned number;     /* 1 to PFS_KEY_NUMBER_MAX */
    const char *account; /* NULL: not said; "": none */
    size_t row;
    size_t n_settings;
    const struct pfs_inventory_setting *settings;
};

struct pfs_inventory_object {
    enum pfs_scope kind; /* SITE, MODEL, CUSTOMER, PROFILE, ACCOUNT, DEVICE, in this order in the document */
    const char *name;    /* as it stands there; a device's MAC in any spelling; "" for the site */
    size_t row;
    const char *words[PFS_INVENTORY_N_WORDS];
    size_t n_settings;
    const struct pfs_inventory_setting *settings; /* in the order of the document, as lines */
    size_t n_lines;
    const struct pfs_inventory_line *lines;
};

/* ---- reading ---- */

struct pfs_inventory_reader {
    /* One object; it lives until the function returns. Non-zero stops the reading, which returns it. */
    int (*object)(void *arg, const struct pfs_inventory_object *o);
    /* What is wrong with the document's form, or a text in it, at a line: told, and the reading goes on where
     * it can. */
    int (*problem)(void *arg, size_t row, const char *cause);
    void (*progress)(void *arg, int64_t bytes); /* may be NULL */
    void *arg;
};

/* Reads a document to its end. 0 also where there were problems: whoever counts them knows. A document that
 * is not well-formed, or has a DOCTYPE, is a problem that ends the reading. -EIO and other errnos of the
 * file; -ENOMEM; what a callback returned. */
int pfs_inventory_read(FILE *in, const struct pfs_inventory_reader *reader, struct pfs_err *err);

/* ---- writing ---- */

struct pfs_inventory_writer {
    struct pfs_buf *out;
    unsigned depth;
    bool tag_is_open; /* nothing stands in the innermost element yet */
};

void pfs_inventory_write_begin(struct pfs_inventory_writer *w, struct pfs_buf *out);
void pfs_inventory_write_end(struct pfs_inventory_writer *w);

/* Opens an object with its name and words; settings, then lines follow one by one; then it is closed. */
void pfs_inventory_write_object(struct pfs_inventory_writer *w, const struct pfs_inventory_object *o);
void pfs_inventory_write_object_end(struct pfs_inventory_writer *w, enum pfs_scope kind);
void pfs_inventory_write_line(struct pfs_inventory_writer *w, unsigned number, const char *account);
void pfs_inventory_write_line_end(struct pfs_inventory_writer *w);
void pfs_inventory_write_setting(struct pfs_inventory_writer *w, const char *key, const char *value,
                                 int64_t from);

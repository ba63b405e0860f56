/* Inside the import of XML: the document's objects, and (import_xml_settings.c) their settings. */
#pragma once

#include "core/import.h"
#include "render/inventory_xml.h"

struct pfs_import_xml {
    struct pfs_import m; /* first: what the shared part knows */
    FILE *in;
    int64_t size;
    struct pfs_entities profiles, models; /* beside those of m */
    struct pfs_map references;    /* names of accounts that are not there yet, to the row that names them */
    struct pfs_suspect *suspects; /* values of shared scopes that some model's files cannot hold */
    struct pfs_arena suspects_arena;
    struct pfs_arena scratch; /* for one object's settings */
};

/* What settings or lines hang on. */
struct pfs_holder {
    enum pfs_scope scope;
    int64_t id; /* negative: not known */
    const char *name;
    bool existed;
    bool may_write;                /* it is there, and may be changed */
    const struct pfs_model *model; /* of the device; NULL: not known */
};

/* 0 where r is no error, or says that the row is bad (noted with the sentence in why); else what ends the
 * import. */
static inline int pfs_import_xml_bad(struct pfs_import_xml *x, size_t row, int r, const struct pfs_err *why)
{
    return pfs_import_take(&x->m, r, row, NULL, why);
}

/* Checks settings and writes them where the holder may be written: of each key that is named, all rows become
 * what the document says; other keys stay. */
int pfs_import_xml_settings(struct pfs_import_xml *x, const struct pfs_holder *h,
                            const struct pfs_inventory_setting *s, size_t n);

/* At the end of the document: accounts that settings named before they came, and values that no file of a
 * model in use can hold. */
int pfs_import_xml_settings_end(struct pfs_import_xml *x);

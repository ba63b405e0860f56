/* All templates in service: the site's before the shipped ones.
 *
 * A site's file is a template of its own, or extends a shipped one: then the two are one template. A library
 * is immutable and counted: a render holds the one it began with. When a file changes a new one is loaded, in
 * which a template that no longer compiles is the last good one of the same path. */
#pragma once

#include "render/render.h"

struct pfs_library_source {
    const char *site;    /* folder with VENDOR folders; may not exist */
    const char *shipped; /* the same */
    const char *schema;  /* template.rng; NULL: not checked */
};

struct pfs_library {
    unsigned refs; /* atomic */
    const struct pfs_catalogue *catalogue;
    struct pfs_zones *zones;
    struct pfs_arena arena;
    size_t n_templates;
    struct pfs_template *
        *templates; /* the site's own, shipped ones with its changes, the others; each by path */
    size_t n_site;  /* how many are the site's own */
    size_t n_problems;
    const char **problems; /* sentences: broken templates, names and models claimed twice */
    size_t n_broken;       /* how many of these are broken templates */
    struct pfs_map models; /* name to const struct pfs_model */
    struct pfs_map common; /* lower-case name to const struct pfs_file, per model or vendor */
    size_t n_patterns;
    const struct pfs_pattern **patterns; /* every different pattern with a MAC */
    char *ends; /* what each ends in (pfs_pattern_end()), in one piece as all are looked at for each name */
    struct pfs_pattern mac_cfg; /* {mac}.cfg, which every device answers to */
    struct pfs_map folders;     /* lower-case path of a folder to how it is used: folders of names up to
                                   the first with a MAC in it */
    uint64_t fingerprint;       /* pfs_library_fingerprint() before it was read */
};

/* Reads both folders. A broken template is a problem, not an error: -ENOMEM, a folder or a schema that is
 * there but cannot be read (errnos of open) are. previous may be NULL. The catalogue must outlive it. */
int pfs_library_load(const struct pfs_library_source *source, const struct pfs_catalogue *c,
                     const struct pfs_library *previous, struct pfs_library **ret, struct pfs_err *err);
struct pfs_library *pfs_library_ref(struct pfs_library *l);
void pfs_library_unref(struct pfs_library *l);

/* Changes whenever a template file or the tz database does: names, sizes, inodes and times of the files. */
uint64_t pfs_library_fingerprint(const struct pfs_library_source *source);

/* NULL: there is no such model. */
const struct pfs_model *pfs_library_model(const struct pfs_library *l, const char *name);

/* -ENOENT `no such model: yealink-t64s (did you mean yealink-t46s?)`. */
int pfs_library_find_model(const struct pfs_library *l, const char *name, const struct pfs_model **ret,
                           struct pfs_err *err);

bool pfs_library_has_vendor(const struct pfs_library *l, const char *vendor, size_t len);

/* The vendors that this MAC may be of, by the `mac` of their templates, with a blank between: in out, ""
 * where no template has it; what does not fit is left out. */
enum { PFS_VENDORS_STR = 256 };
const char *pfs_library_vendors(const struct pfs_library *l, uint64_t mac, char out[static PFS_VENDORS_STR]);

/* Whether a template of this vendor has the MAC. */
bool pfs_library_vendor_has_mac(const struct pfs_library *l, const char *vendor, uint64_t mac);

/* The file common to a model or vendor that has this name, in any letter case; NULL: none. */
const struct pfs_file *pfs_library_common(const struct pfs_library *l, const char *name);

/* Calls fn for each different MAC that the name may stand for by some pattern; stops at non-zero and returns
 * it. */
int pfs_library_macs(const struct pfs_library *l, const char *name, int (*fn)(void *arg, uint64_t mac),
                     void *arg);

/* Whether a path, in any letter case, is a folder of some model's names that has no MAC in it; "" is the
 * root. *ret_devices: names or folders with a MAC stand in it. */
bool pfs_library_folder(const struct pfs_library *l, const char *path, bool *ret_devices);

/* As pfs_library_macs(), for each MAC that a path of a folder may stand for. */
int pfs_library_folder_macs(const struct pfs_library *l, const char *path, int (*fn)(void *arg, uint64_t mac),
                            void *arg);

/* Calls fn for every model, in order of name. 0, fn's non-zero, or -ENOMEM. */
int pfs_library_models(const struct pfs_library *l, int (*fn)(void *arg, const struct pfs_model *m),
                       void *arg);

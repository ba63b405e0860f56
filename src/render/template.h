/* A vendor's template: its models, the files their firmware asks for, and for each file a program that makes
 * its bytes.
 *
 * The language is described in docs/templates.md. A template is compiled once from XML into these structures
 * and is immutable afterwards: any thread may render from it. */
#pragma once

#include "model/catalogue.h"
#include "model/mac.h"
#include "model/pattern.h"
#include "render/syntax.h"

struct pfs_program; /* render/program.h */
struct pfs_xml_schema;
struct pfs_template;

enum { PFS_FILE_SIZE_MAX = 1 << 20, PFS_MODEL_LINES_MAX = 1000 };

enum pfs_file_per { PFS_PER_DEVICE, PFS_PER_MODEL, PFS_PER_VENDOR };

/* A further attribute of a model: {model.NAME}. */
struct pfs_model_attr {
    const char *name, *value;
};

struct pfs_model {
    const char *name, *title;
    unsigned lines, keys, modules;
    size_t n_attrs;
    const struct pfs_model_attr *attrs;
    const struct pfs_template *tmpl;
    size_t n_files;
    struct pfs_file *files; /* the main file first */
    size_t n_absent;
    struct pfs_pattern *absent;
    unsigned line; /* where it stands in the template */
};

/* A file of one model: the name patterns have the model's attributes put in. */
struct pfs_file {
    const struct pfs_model *model;
    const struct pfs_file_spec *spec;
    struct pfs_pattern name;
    size_t n_aliases;
    struct pfs_pattern *aliases;
};

/* Native keys that a site takes out of a file. */
struct pfs_drop {
    const char *glob; /* of * and ? */
    unsigned line;
};

/* What a <file> element says, for all its models. */
struct pfs_file_spec {
    const char *name; /* as written */
    enum pfs_file_per per;
    bool main;
    const struct pfs_syntax *syntax;
    struct pfs_value_rules rules;
    const char *empty; /* what is written for an empty value; NULL: the empty value */
    bool crlf;
    size_t max_size;
    bool has_contacts;                     /* made of the directory of the device's customer too */
    const struct pfs_file_spec *digest_of; /* the file that this one is the checksum of; NULL: none */
    struct pfs_program *program;
    size_t n_drops;
    const struct pfs_drop *drops;
    unsigned line;
};

struct pfs_template {
    unsigned refs; /* atomic */
    struct pfs_arena arena;
    const char *path; /* the file it came from */
    size_t n_sources;
    const char *const *sources; /* that, and the site's files that extend it */
    const char *vendor, *title;
    size_t n_ouis;
    uint32_t *ouis;       /* the first three octets of the vendor's MACs */
    bool absent_key_kept; /* what the phones do with a key that their file no longer has */
    size_t n_models, n_specs;
    struct pfs_model *models;
    struct pfs_file_spec *specs;
    struct pfs_program *programs; /* for the destructor: a list */
};

/* Reads and compiles. -EINVAL "FILE:LINE: what is wrong"; errnos of open. schema may be NULL. The catalogue
 * must outlive it. */
int pfs_template_load(const char *path, const struct pfs_catalogue *c, struct pfs_xml_schema *schema,
                      struct pfs_template **ret, struct pfs_err *err);
/* The same from memory. */
int pfs_template_parse(const char *name, const char *text, size_t len, const struct pfs_catalogue *c,
                       struct pfs_xml_schema *schema, struct pfs_template **ret, struct pfs_err *err);
/* The shipped template at base with a site's changes, in their order: as if it were one file. */
int pfs_template_load_extended(const char *base, size_t n, const char *const *changes,
                               const struct pfs_catalogue *c, struct pfs_xml_schema *schema,
                               struct pfs_template **ret, struct pfs_err *err);
/* What a template file extends, owned by the caller; NULL: it is a whole one. As pfs_template_load(). */
int pfs_template_extends(const char *path, char **ret, struct pfs_err *err);

/* Lines of models, files and operations also tell the file: takes one apart. 0 is the template's own path. */
size_t pfs_line_source(unsigned line);
unsigned pfs_line_number(unsigned line);

struct pfs_template *pfs_template_ref(struct pfs_template *t);
void pfs_template_unref(struct pfs_template *t);

const struct pfs_model *pfs_template_model(const struct pfs_template *t,
                                           const char *name); /* NULL: not in it */
/* Whether a MAC is one of the vendor's. */
bool pfs_template_has_mac(const struct pfs_template *t, uint64_t mac);

/* The file of this model that a name leads to, in any spelling: its own name, an alias, or `<mac>.cfg` for
 * the main file. NULL: none, or the template says that the name must be absent. per device: the MAC in the
 * name is *ret_mac; else that is 0. */
const struct pfs_file *pfs_model_file(const struct pfs_model *m, const char *name, uint64_t *ret_mac);

/* Whether a file of the model is made of its device's directory. */
bool pfs_model_has_contacts(const struct pfs_model *m);

/* Whether a path, in any spelling, is a folder of one of the names that this MAC's files have. ret_name has
 * PFS_FILE_NAME_MAX + 1 bytes: the folder as these names are written. */
bool pfs_model_has_folder(const struct pfs_model *m, const char *folder, uint64_t mac, char *ret_name);

/* Whether the template says that this name must not be found for the model. */
bool pfs_model_forbids(const struct pfs_model *m, const char *name);

/* The part of an override's key VENDOR:NATIVE-KEY that is the vendor's own; NULL: the key is another
 * vendor's, or no override's. */
const char *pfs_model_native_key(const struct pfs_model *m, const char *key);

/* An attribute of the model, NULL where it has none of that name. */
const char *pfs_model_attr(const struct pfs_model *m, const char *name);

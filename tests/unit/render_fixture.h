/* What the render floor's tests share: the catalogue, a device made of lists of settings, templates from
 * strings. */
#pragma once

#include "model/directory.h"
#include "render/catalogue_xml.h"
#include "render/library.h"
#include "render/render.h"
#include "render/xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 64, LINES_MAX = 64 };

/* A scope's settings: { key, value } pairs up to NULL. */
struct rows {
    struct pfs_setting settings[ROWS_MAX];
    struct pfs_layer layer;
};

/* A phone under construction: 001565aabbcc with no line. */
struct bench {
    struct rows site, device, line[LINES_MAX], account[LINES_MAX];
    struct pfs_line lines[LINES_MAX];
    struct pfs_device d;
    struct pfs_base *base;
    struct pfs_phone phone;
};

extern struct pfs_catalogue *catalogue;
extern struct pfs_zones *zones;
extern struct pfs_xml_schema *schema;
extern struct pfs_directory *directory; /* of customer acme: Ann Smith 1001, Ben Jones 1002 */

/* A directory of n accounts, each NAME 100i and account 100i@acme. The caller unrefs. */
struct pfs_directory *make_directory(const char *const *names, size_t n);

const char *source_path(const char *name); /* below the source folder; until the next call */
int fixture_up(void **state);
int fixture_down(void **state);

void bench_init(struct bench *b);
void bench_done(struct bench *b);
void set_site(struct bench *b, const char *key, const char *value);
void set_device(struct bench *b, const char *key, const char *value);
/* The line is made where it is not there; account NULL: none. */
void add_line(struct bench *b, unsigned number, const char *account);
void set_line(struct bench *b, unsigned number, const char *key, const char *value);
void set_account(struct bench *b, unsigned number, const char *key, const char *value);
/* The one of docs/templates.md: user 1001 on line 1, of customer acme. */
void bench_of_manual(struct bench *b);

/* Fails the test with the sentence where the text does not compile; it must follow the schema too. */
struct pfs_template *must_parse(const char *text);

/* Renders the first model's file of that name (NULL: its first). The result is out's. */
int render_named(const struct pfs_template *t, const char *model, const char *file, struct bench *b,
                 struct pfs_buf *out, struct pfs_err *err);

/* Compiles, renders the first file of the first model and compares. */
void check_output(const char *text, struct bench *b, const char *expected);
/* The same with a template of one model, acme-100 (4 lines, 2 keys), whose main file has these attributes and
 * content. */
void check_content(const char *attrs, const char *content, struct bench *b, const char *expected);
/* It compiles, but rendering fails with this sentence (a part of it). */
void check_refused(const char *attrs, const char *content, struct bench *b, int errnum, const char *sentence);

/* A site's and the shipped folder of templates, below one that is made. */
struct folders {
    char root[64], site[96], shipped[96];
    struct pfs_library_source source; /* no schema */
};
void make_folders(struct folders *f);
void remove_folders(struct folders *f);
/* Writes FOLDER/VENDOR/FILE; text NULL removes it. */
void put_template(const char *folder, const char *name, const char *text);
struct pfs_library *load_library(const struct folders *f, const struct pfs_library *previous);
const char *problem_of(const struct pfs_library *l, const char *words); /* the first with these; NULL: none */

/* What the tests of core/ share: an inventory and a small template of vendor acme in a folder of its own. */
#pragma once

#include "core/assets.h"
#include "core/content.h"
#include "render/catalogue_xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAC UINT64_C(0x001565aabbcc)
#define FILE_NAME "001565aabbcc.cfg"

enum { CLOCK_START = 2000000000 };

struct fixture {
    char folder[64], db_path[96], templates[96], datadir[96], assets[96];
    struct pfs_config config;
    struct pfs_context context;
    struct pfs_store *store; /* the reader's */
    struct pfs_store *writer;
    struct pfs_state *state;
    struct pfs_content *content; /* NULL until content_up() */
    struct pfs_err err;
};

extern int64_t test_clock; /* what the content takes for the time */

/* A folder with an empty inventory, opened twice, and the template below datadir/templates. */
int fixture_up(void **state);
int fixture_down(void **state);

const char *path_in(const struct fixture *f, const char *name); /* below the folder; until the next call */
void write_file(const char *path, const char *text);
void must(struct fixture *f, int r);

/* The template: models acme-100 and acme-200; files {mac}.cfg (alias config-{MAC}.txt, forbids {mac}.boot)
 * and common100.cfg, common200.cfg. extra is put into {mac}.cfg. */
void write_template(const struct fixture *f, const char *extra);

/* The content with the state beside the inventory where with_state. */
void content_up(struct fixture *f, const struct pfs_content_options *o, bool with_state);
void content_down(struct fixture *f);
/* The content anew, without state, with the template that has this in it; or with another whole template. */
void content_with(struct fixture *f, const char *extra);
void content_of(struct fixture *f, const char *text);
/* Waits until the watcher has taken up a template that puts word into the file. */
void wait_for_templates(struct fixture *f, const char *name, const char *word);

/* ---- changing the inventory, a transaction each, by the writer's connection ---- */

int64_t add(struct fixture *f, enum pfs_scope kind, const char *name);
int64_t find(struct fixture *f, enum pfs_scope kind, const char *name);
void update(struct fixture *f, enum pfs_scope kind, const char *name, enum pfs_field field,
            const char *value);
void assign(struct fixture *f, uint64_t mac, unsigned number, const char *account);
/* value NULL: unset. */
void set(struct fixture *f, enum pfs_scope kind, const char *name, const char *key, const char *value);
void set_from(struct fixture *f, enum pfs_scope kind, const char *name, const char *key, const char *value,
              int64_t from);
void drop(struct fixture *f, enum pfs_scope kind, const char *name);
void sql(struct fixture *f, const char *text); /* by a connection of its own */
/* A device of acme-100 named FILE_NAME's MAC with account 1001@acme on line 1. */
void add_phone(struct fixture *f);

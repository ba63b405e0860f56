/* A file of a device to bytes. */
#pragma once

#include "model/phone.h"
#include "render/template.h"
#include "render/zones.h"

/* A setting that a pair's value was made of. */
struct pfs_used {
    const char *key;
    unsigned line; /* 0: the device */
};

/* One pair as it was written; or, key NULL, the end of contacts: how many are in the file. */
struct pfs_pair {
    const char *key;   /* native key, with its section */
    const char *value; /* before escaping */
    size_t n_used;
    const struct pfs_used *used;
    bool overridden;     /* value and key come from VENDOR:KEY */
    const char *contact; /* the account of the contact that it stands for, NULL: none */
    size_t n_contacts;   /* key NULL */
};

/* Called for each pair, for explain; borrowed until it returns. */
typedef void (*pfs_pair_fn)(void *arg, const struct pfs_pair *pair);

/* Called for each setting that a render reads, in whatever way, as often as it does. */
typedef void (*pfs_read_fn)(void *arg, const char *key);

/* Renders for what is read alone. Errors as pfs_render(): what was read until then has been told. */
int pfs_render_reads(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
                     pfs_read_fn fn, void *arg);

/* Renders a file for a phone (phone->device NULL for files per model or vendor) and appends its bytes to out,
 * whose limit is set to the file's. Equal inputs give equal bytes. -EINVAL the template or a value does not
 * go ("TEMPLATE:LINE: …"), -EFBIG larger than the file may be or more steps than a render may take, -ENOMEM.
 * on_pair may be NULL. Thread-safe. */
int pfs_render(const struct pfs_file *file, const struct pfs_phone *phone, struct pfs_zones *zones,
               struct pfs_buf *out, pfs_pair_fn on_pair, void *arg, struct pfs_err *err);

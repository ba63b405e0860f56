/* Where things are: one file, /etc/provfs/provfs.conf, read by mount and commands alike, so that `provfs
 * render` sees what the mount sees. Weakest to strongest: built-in, the file, PROVFS_* in the environment, -d
 * and -o. */
#pragma once

#include "base/err.h"

struct pfs_config {
    char *database;    /* database=      PROVFS_DATABASE   /var/lib/provfs/inventory.db */
    char *templates;   /* templates=     PROVFS_TEMPLATES  /etc/provfs/templates: the site's */
    char *assets;      /* assets=        PROVFS_ASSETS     /srv/provfs/assets */
    char *admin_group; /* admin_group=   PROVFS_ADMIN_GROUP  provfs */
    char *datadir;     /*                PROVFS_DATADIR    /usr/share/provfs: holds templates/ and schema/ */
};

/* Reads PROVFS_CONF or /etc/provfs/provfs.conf (absent: nothing) and the environment. -EINVAL "FILE:LINE: …":
 * an unknown key. */
int pfs_config_load(struct pfs_config *ret, struct pfs_err *err);
void pfs_config_done(struct pfs_config *c);

/* Replaces one of its strings; value is copied. 0 or -ENOMEM. */
int pfs_config_set(char **field, const char *value);

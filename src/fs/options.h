/* The options of `provfs mount` and of `mount -o`. */
#pragma once

#include "fs/fs.h"

struct pfs_mount_options {
    char *mountpoint;                    /* absolute */
    char *assets, *templates, *database; /* NULL: as configured; database absolute */
    char *view;                          /* all | phones */
    char *check;                         /* strict | commit */
    char *secrets;                       /* show | mask: nothing shows secrets yet but the phones' files */
    char *uid, *gid, *admin_gid;         /* numbers or names; NULL: not given */
    int foreground, debug, read_only, threads, cache_mb, plans_mb, names;
    struct fuse_args args; /* what is left for libfuse */
    char *words[2];        /* [DB] MOUNTPOINT, as given */
    size_t n_words;        /* how many were given: 3 means too many */
};

/* argv[0] is the program; then [-f] [-d] [-o …] [DB] MOUNTPOINT in any order. -ENOEXEC usage; -EINVAL an
 * unknown or wrong option. */
int pfs_mount_options_parse(int argc, char **argv, struct pfs_mount_options *ret, struct pfs_err *err);
void pfs_mount_options_done(struct pfs_mount_options *o);

/* A user or group by name or number. -EINVAL no such. */
int pfs_find_user(const char *text, uid_t *ret, struct pfs_err *err);
int pfs_find_group(const char *text, gid_t *ret, struct pfs_err *err);

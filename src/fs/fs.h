/* What the filesystem's parts share: inside fs/ only. */
#pragma once

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)

#include "core/assets.h"
#include "core/content.h"
#include "core/status.h"
#include "core/tree.h"
#include "fs/node.h"

#include <fuse_lowlevel.h>
#include <pthread.h>

struct pfs_ahead;
struct pfs_keeper;
struct pfs_notify;

struct pfs_fs {
    struct pfs_context context; /* catalogue, library; its store is only used before the loop */
    struct pfs_state *state;
    struct pfs_content *content;
    struct pfs_assets *assets;
    struct pfs_nodes *nodes;
    struct pfs_tree tree;      /* the control tree */
    pthread_mutex_t open_lock; /* guards: */
    struct pfs_map handles,
        listings; /* open in the control tree: address to struct pfs_handle, to a listing */
    struct pfs_status status;
    uint64_t opens;                       /* of phones' files, atomic */
    struct pfs_report *report;            /* NULL: nobody is told */
    struct pfs_report_follower *follower; /* NULL: nobody tells */
    bool shows_phones, shows_control;     /* the view */
    struct pfs_notify *notify;
    struct pfs_keeper *keeper; /* check=commit; NULL: strict */
    struct pfs_ahead *ahead;   /* NULL: nothing is made ahead */
    pthread_key_t readers;     /* a store connection a thread */
    bool has_readers;
    bool no_open; /* open is answered ENOSYS: the kernel opens by itself from then on */
    uid_t uid;
    gid_t gid, admin_gid;
    int64_t started;
    size_t max_nodes;
    void (*on_ready)(void *arg); /* called once the kernel has been answered */
    void *on_ready_arg;
};

extern const struct fuse_lowlevel_ops pfs_fs_ops;

/* This thread's connection, opened at first use, and anew when the database file is another one. */
int pfs_fs_store(struct pfs_fs *fs, struct pfs_store **ret, struct pfs_err *err);
int pfs_fs_readers_init(struct pfs_fs *fs, struct pfs_err *err);
void pfs_fs_readers_done(struct pfs_fs *fs); /* this thread's too; those of others are gone with them */

/* This thread's context: its store, a resolver of its own, the templates now in service. Valid until its next
 * call. */
int pfs_fs_context(struct pfs_fs *fs, struct pfs_context **ret, struct pfs_err *err);

/* Who is behind a request (caller.c): the login as a name; the process of a thread; whether it is being
 * killed by a signal. */
void pfs_fs_login(pid_t pid, uid_t uid, char *out, size_t size);
int64_t pfs_fs_process(pid_t pid);
bool pfs_fs_is_dying(pid_t pid);

/* Looks a name up in the root or a folder, and answers; -errno: not answered (lookup.c). */
int pfs_fs_lookup(fuse_req_t req, const struct pfs_node *folder, const char *name);

/* Directory listings (dir.c). */
void pfs_fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);

/* The attributes of a node. */
void pfs_fs_attr(const struct pfs_fs *fs, const struct pfs_node *n, struct stat *ret);

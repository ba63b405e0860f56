/* The nodes that the kernel knows: node id to what it stands for, and how often the kernel has looked it up.
 *
 * A version's node id is the version's id: a new version is a new node, an id is never used twice, so the
 * generation is always 0. The kernel may use a node, open or not, until it has forgotten as many look-ups as
 * it was given; the node keeps the version until then. A folder keeps one node for each path it is asked by,
 * as long as the kernel knows it: the spellings of a folder are folders of their own to the kernel, which
 * could not have one directory in two places. Thread-safe. */
#pragma once

#include "core/version.h"

struct pfs_nodes;

enum pfs_node_kind { PFS_NODE_ROOT, PFS_NODE_FOLDER, PFS_NODE_FILE, PFS_NODE_CONTROL };

/* What there is to say about a folder. */
struct pfs_folder {
    char *assets; /* its path in the assets; NULL: they have none */
    uint64_t ino;
    int64_t mtime; /* seconds since 1970 */
};

/* A copy of what a node stands for; the caller drops the version with pfs_node_done(). */
struct pfs_node {
    enum pfs_node_kind kind;
    uint64_t id;
    struct pfs_version *version; /* FILE: a reference */
    char *path;                  /* FOLDER: as it was asked for, CONTROL: its path below control/; owned */
    struct pfs_folder folder;    /* FOLDER: assets is owned */
};
void pfs_node_done(struct pfs_node *n);

int pfs_nodes_new(struct pfs_nodes **ret);
void pfs_nodes_free(struct pfs_nodes *t);

/* Counts one look-up of this version under parent and name, making the node. 0 or -ENOMEM. */
int pfs_nodes_take_file(struct pfs_nodes *t, struct pfs_version *v, uint64_t parent, const char *name);
/* The same for a folder, whose path is below the mount's root, in the spelling it was asked in; *ret_id is
 * its node, new_id where it is not known yet. f->assets is copied. */
int pfs_nodes_take_folder(struct pfs_nodes *t, const char *path, const struct pfs_folder *f, uint64_t parent,
                          const char *name, uint64_t new_id, uint64_t *ret_id);
/* The same for a place in the control tree. */
int pfs_nodes_take_control(struct pfs_nodes *t, const char *path, uint64_t new_id, uint64_t *ret_id);

/* The next look-up of this place in the control tree makes another node: to the kernel, a folder that it has
 * removed stays removed, whoever makes it anew. */
void pfs_nodes_release_control(struct pfs_nodes *t, const char *path);

/* Takes n look-ups back; at none left the node is gone. */
void pfs_nodes_forget(struct pfs_nodes *t, uint64_t id, uint64_t n);

/* -ESTALE the kernel does not know it. */
int pfs_nodes_get(struct pfs_nodes *t, uint64_t id, struct pfs_node *ret);

size_t pfs_nodes_count(struct pfs_nodes *t);

/* Notes that the kernel keeps this name for the file, one of a device (mac; 0: of none): from then on the
 * node stands under it, however else it is asked for. -ESTALE, -ENOMEM. */
int pfs_nodes_keep(struct pfs_nodes *t, uint64_t id, uint64_t parent, const char *name, uint64_t mac);

/* The names asked least recently, of at most max files and folders, oldest first: parent and name in names[],
 * owned by the caller. Each is moved to the front, so that the next call gives others. Returns how many. */
struct pfs_node_name {
    uint64_t parent;
    char *name;
};
size_t pfs_nodes_oldest(struct pfs_nodes *t, struct pfs_node_name *names, size_t max);

/* The names that the kernel keeps of a device's files, at most max: owned by the caller. */
size_t pfs_nodes_of_device(struct pfs_nodes *t, uint64_t mac, struct pfs_node_name *names, size_t max);

/* The control tree as FUSE operations: inside fs/ only. Each takes the path of its node below control/. */
#pragma once

#include "fs/fs.h"

/* folder NULL: control/ itself, in the root. */
void pfs_control_lookup(fuse_req_t req, const char *folder, const char *name);
void pfs_control_getattr(fuse_req_t req, const struct pfs_node *node);
void pfs_control_setattr(fuse_req_t req, const struct pfs_node *node, const struct stat *attr, int to_set,
                         const struct fuse_file_info *fi);
void pfs_control_open(fuse_req_t req, const struct pfs_node *node, struct fuse_file_info *fi);
void pfs_control_create(fuse_req_t req, const char *folder, const char *name, struct fuse_file_info *fi);
void pfs_control_mkdir(fuse_req_t req, const char *folder, const char *name);
/* unlink, or rmdir where folder_wanted. */
void pfs_control_remove(fuse_req_t req, const char *folder, const char *name, bool folder_wanted);
void pfs_control_rename(fuse_req_t req, const char *folder, const char *name, const char *to);
void pfs_control_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
/* events.c: a read of control/events that has nothing yet; a poll. */
void pfs_events_wait_read(fuse_req_t req, struct pfs_handle *h, size_t size, const struct fuse_file_info *fi);
void pfs_events_poll(fuse_req_t req, struct pfs_handle *h, struct fuse_pollhandle *ph);
void pfs_control_write(fuse_req_t req, const char *buf, size_t size, off_t off, struct fuse_file_info *fi);
/* Lets go of what is still open when the session has ended: its last RELEASEs may never come. One thread. */
void pfs_control_done(struct pfs_fs *fs);
void pfs_control_flush(fuse_req_t req, struct fuse_file_info *fi);
void pfs_control_release(fuse_req_t req, struct fuse_file_info *fi);
void pfs_control_opendir(fuse_req_t req, const struct pfs_node *node, struct fuse_file_info *fi);
void pfs_control_readdir(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
void pfs_control_releasedir(fuse_req_t req, struct fuse_file_info *fi);

/* The FUSE operations: unpack, ask the core, reply. Each request is answered exactly once. */
#include "fs/control.h"
#include "fs/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/statvfs.h>

/* An inode never changes: the kernel may keep what it knows of one for ever. A name may lead elsewhere at any
 * moment. */
static const double FOR_EVER_S = 365.0 * 86400, NO_TIME_S = 0;

static struct pfs_fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

void pfs_fs_attr(const struct pfs_fs *fs, const struct pfs_node *n, struct stat *ret)
{
    *ret = (struct stat){.st_uid = fs->uid, .st_gid = fs->gid, .st_nlink = 1, .st_blksize = 4096};
    if (n->kind == PFS_NODE_FILE) {
        ret->st_ino = n->version->ino;
        ret->st_mode = S_IFREG | 0444;
        ret->st_size = (off_t)n->version->size;
        ret->st_blocks = (blkcnt_t)((n->version->size + 511) / 512);
        ret->st_mtim.tv_sec = n->version->mtime;
    } else {
        ret->st_ino = n->kind == PFS_NODE_FOLDER ? n->folder.ino : n->id;
        ret->st_mode = S_IFDIR | 0751; /* the servers' users pass through, and cannot list it */
        ret->st_gid = fs->admin_gid;
        ret->st_nlink = 2;
        ret->st_mtim.tv_sec = n->kind == PFS_NODE_FOLDER ? n->folder.mtime : fs->started;
    }
    ret->st_atim = ret->st_ctim = ret->st_mtim;
}

static void init(void *userdata, struct fuse_conn_info *conn)
{
    struct pfs_fs *fs = userdata;
    conn->want &=
        ~(unsigned)(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO); /* a listing renders nothing */
    if (!(conn->capable & FUSE_CAP_NO_OPEN_SUPPORT))
        fs->no_open = false;
    if (fs->on_ready)
        fs->on_ready(fs->on_ready_arg);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct pfs_node node;
    int r =
        strlen(name) > PFS_FILE_NAME_MAX ? -ENAMETOOLONG : pfs_nodes_get(fs_of(req)->nodes, parent, &node);
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    switch (node.kind) {
    case PFS_NODE_ROOT:
    case PFS_NODE_FOLDER:
        r = pfs_fs_lookup(req, &node, name);
        break;
    case PFS_NODE_CONTROL:
        pfs_control_lookup(req, node.path, name);
        break;
    case PFS_NODE_FILE:
        r = -ENOTDIR;
        break;
    }
    if (r < 0)
        fuse_reply_err(req, -r);
    pfs_node_done(&node);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
    pfs_nodes_forget(fs_of(req)->nodes, ino, n);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        pfs_nodes_forget(fs_of(req)->nodes, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct pfs_fs *fs = fs_of(req);
    struct pfs_node node;
    struct stat st;
    int r = pfs_nodes_get(fs->nodes, ino, &node);
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    if (node.kind == PFS_NODE_CONTROL) {
        pfs_control_getattr(req, &node);
    } else {
        pfs_fs_attr(fs, &node, &st);
        fuse_reply_attr(req, &st, node.kind == PFS_NODE_FOLDER ? NO_TIME_S : FOR_EVER_S);
    }
    pfs_node_done(&node);
}

/* ---- reading ---- */

/* Opens a node of the control tree by `open`. False: it is no such node, and nothing was answered. */
static bool open_by(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                    void (*open)(fuse_req_t req, const struct pfs_node *node, struct fuse_file_info *fi))
{
    struct pfs_fs *fs = fs_of(req);
    struct pfs_node node;
    if (!fs->shows_control || pfs_nodes_get(fs->nodes, ino, &node) < 0)
        return false;
    bool is_control = node.kind == PFS_NODE_CONTROL;
    if (is_control)
        open(req, &node, fi);
    pfs_node_done(&node);
    return is_control;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct pfs_fs *fs = fs_of(req);
    if (open_by(req, ino, fi, pfs_control_open))
        return;
    if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    if (fs->no_open) {
        fuse_reply_err(req, ENOSYS);
        return;
    }
    __atomic_add_fetch(&fs->opens, 1, __ATOMIC_RELAXED);
    fi->keep_cache = 1;
    fuse_reply_open(req, fi);
}

static void read_asset(fuse_req_t req, const struct pfs_version *v, size_t size, off_t off)
{
    struct fuse_bufvec buf = FUSE_BUFVEC_INIT(size);
    buf.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    buf.buf[0].fd = v->fd;
    buf.buf[0].pos = off;
    fuse_reply_data(req, &buf, FUSE_BUF_SPLICE_MOVE);
}

static void read_rendered(fuse_req_t req, struct pfs_version *v, size_t size, off_t off)
{
    struct pfs_bytes *b;
    int r = pfs_version_bytes(v, &b, NULL);
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    size_t from = PFS_MIN((size_t)off, b->len);
    fuse_reply_buf(req, b->data + from, PFS_MIN(size, b->len - from));
    __atomic_store_n(&v->fetched, true, __ATOMIC_RELAXED);
    pfs_bytes_unref(b);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct pfs_node node;
    int r = pfs_nodes_get(fs_of(req)->nodes, ino, &node);
    if (r == 0 && node.kind != PFS_NODE_FILE && node.kind != PFS_NODE_CONTROL) {
        pfs_node_done(&node);
        r = -EISDIR;
    }
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    if (node.kind == PFS_NODE_CONTROL)
        pfs_control_read(req, size, off, fi);
    else if (node.version->fd >= 0)
        read_asset(req, node.version, size, off);
    else
        read_rendered(req, node.version, size, off);
    pfs_node_done(&node);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    const struct statvfs st = {
        .f_bsize = 4096, .f_frsize = 4096, .f_namemax = PFS_FILE_NAME_MAX, .f_flag = ST_NOSUID | ST_NODEV};
    fuse_reply_statfs(req, &st);
}

/* ---- changes: the control tree's; everything else is read only ---- */

/* The path of a node of the control tree, owned by the caller; NULL where it is another's, and the request
 * has been refused. */
static char *control_path(fuse_req_t req, fuse_ino_t ino)
{
    struct pfs_node node;
    int r = pfs_nodes_get(fs_of(req)->nodes, ino, &node);
    char *path = r == 0 && node.kind == PFS_NODE_CONTROL ? steal_ptr(&node.path) : NULL;
    if (r == 0)
        pfs_node_done(&node);
    if (!path)
        fuse_reply_err(req, r < 0 ? -r : EROFS);
    return path;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                       struct fuse_file_info *fi)
{
    autofree char *path = control_path(req, ino);
    const struct pfs_node node = {.kind = PFS_NODE_CONTROL, .id = ino, .path = path};
    if (path)
        pfs_control_setattr(req, &node, attr, to_set, fi);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
    autofree char *path = control_path(req, parent);
    if (path)
        pfs_control_create(req, path, name, fi);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    autofree char *path = control_path(req, parent);
    if (path)
        pfs_control_mkdir(req, path, name);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    autofree char *path = control_path(req, parent);
    if (path)
        pfs_control_remove(req, path, name, false);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    autofree char *path = control_path(req, parent);
    if (path)
        pfs_control_remove(req, path, name, true);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                      const char *new_name, unsigned flags)
{
    autofree char *path = control_path(req, parent);
    if (!path)
        return;
    if (parent != new_parent || (flags & ~(unsigned)RENAME_NOREPLACE))
        fuse_reply_err(req, EPERM); /* not EXDEV: mv would copy */
    else
        pfs_control_rename(req, path, name, new_name);
}

/* There are no other kinds of file anywhere. */
static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
    fuse_reply_err(req, fs_of(req)->shows_control ? EPERM : EROFS);
}

static void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(req, fs_of(req)->shows_control ? EPERM : EROFS);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(req, fs_of(req)->shows_control ? EPERM : EROFS);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
                     struct fuse_file_info *fi)
{
    pfs_control_write(req, buf, size, off, fi); /* nothing else is ever opened for writing */
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (fi->fh)
        pfs_control_flush(req, fi);
    else
        fuse_reply_err(req, fs_of(req)->shows_control ? 0 : ENOSYS);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (fi->fh)
        pfs_control_release(req, fi);
    else
        fuse_reply_err(req, 0);
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
    struct pfs_handle *h = (struct pfs_handle *)(uintptr_t)fi->fh;
    if (h && pfs_handle_events(h)) {
        pfs_events_poll(req, h, ph);
        return;
    }
    if (ph)
        fuse_pollhandle_destroy(ph);
    fuse_reply_poll(req, POLLIN | POLLOUT); /* as any file; ENOSYS would end all polls of the mount */
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    fuse_reply_err(req, 0); /* a write that succeeded is durable */
}

/* Listings of the control tree keep what was there at opendir; others need no handle. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (!open_by(req, ino, fi, pfs_control_opendir))
        fuse_reply_open(req, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    if (fi->fh)
        pfs_control_readdir(req, size, off, fi);
    else
        pfs_fs_readdir(req, ino, size, off, fi);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (fi->fh)
        pfs_control_releasedir(req, fi);
    else
        fuse_reply_err(req, 0);
}

const struct fuse_lowlevel_ops pfs_fs_ops = {
    .init = init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .open = op_open,
    .create = op_create,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .poll = op_poll,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .releasedir = op_releasedir,
    .statfs = op_statfs,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
};

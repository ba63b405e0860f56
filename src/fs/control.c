#include "fs/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Whatever is asked of the tree may change at any moment. */
static const double NO_TIME_S = 0;

static struct pfs_fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* ---- a request's context ---- */

/* This thread's store, the templates now in service, and who asks. */
static int begin(fuse_req_t req, struct pfs_context **ret, struct pfs_err *err)
{
    const struct fuse_ctx *who = fuse_req_ctx(req);
    int r = pfs_fs_context(fs_of(req), ret, err);
    if (r == 0)
        pfs_fs_login(who->pid, who->uid, (*ret)->login, sizeof(*ret)->login);
    return r;
}

/* What a request came to, for whoever reads ctl; reads that find nothing are no outcome. */
static void note_refusal(fuse_req_t req, const struct pfs_context *c, int r, const struct pfs_err *why)
{
    pfs_outcomes_note(fs_of(req)->tree.outcomes, c->login, r, r < 0 ? pfs_err_text(why, r) : "");
}

/* Replies with the outcome of a change and notes it. */
static void reply_change(fuse_req_t req, const struct pfs_context *c, int r, const struct pfs_err *why)
{
    if (c)
        note_refusal(req, c, r, why);
    fuse_reply_err(req, -r);
}

/* The place of a name in a folder. */
static int find(struct pfs_fs *fs, struct pfs_context *c, const char *folder, const char *name,
                struct pfs_tree_call *ret, bool *ret_creatable, struct pfs_err *err)
{
    char path[PFS_TREE_PATH_MAX];
    int r = pfs_path_join(folder, name, path, sizeof path);
    return r < 0 ? r : pfs_tree_find(&fs->tree, c, path, ret, ret_creatable, err);
}

/* Begins a request about a name in a folder: its context, and its place. */
static int begin_at(fuse_req_t req, const char *folder, const char *name, struct pfs_context **ret,
                    struct pfs_tree_call *ret_call, bool *ret_creatable, struct pfs_err *err)
{
    int r = begin(req, ret, err);
    return r < 0 ? r : find(fs_of(req), *ret, folder, name, ret_call, ret_creatable, err);
}

/* ---- attributes ---- */

/* The size of a file's content; files that are costly to make, and special ones, have none: they are read
 * without it. */
static off_t size_of(struct pfs_tree_call *call)
{
    struct pfs_buf content autobuf = PFS_BUF_INIT(PFS_TREE_WRITE_MAX * 2);
    if (!call->type->read || call->type->alone || call->type->unsized ||
        pfs_tree_read(call, &content, NULL) < 0)
        return 0;
    return (off_t)content.len;
}

static void fill_attr(const struct pfs_fs *fs, uint64_t id, const struct pfs_tree_type *type, off_t size,
                      struct stat *ret)
{
    *ret = (struct stat){.st_ino = id,
                         .st_mode = type->mode,
                         .st_nlink = pfs_tree_is_folder(type) ? 2 : 1,
                         .st_uid = 0,
                         .st_gid = fs->admin_gid,
                         .st_size = size,
                         .st_blksize = 4096};
    ret->st_atim.tv_sec = ret->st_mtim.tv_sec = ret->st_ctim.tv_sec = fs->started;
}

static int reply_entry(fuse_req_t req, struct pfs_tree_call *call)
{
    struct pfs_fs *fs = fs_of(req);
    struct fuse_entry_param e = {.attr_timeout = NO_TIME_S, .entry_timeout = NO_TIME_S};
    if (pfs_nodes_take_control(fs->nodes, call->path, pfs_content_next_id(fs->content), &e.ino) < 0)
        return -ENOMEM;
    fill_attr(fs, e.ino, call->type, pfs_tree_is_folder(call->type) ? 0 : size_of(call), &e.attr);
    if (fuse_reply_entry(req, &e) < 0)
        pfs_nodes_forget(fs->nodes, e.ino, 1);
    return 0;
}

void pfs_control_lookup(fuse_req_t req, const char *folder, const char *name)
{
    struct pfs_context *c;
    struct pfs_tree_call call;
    bool creatable;
    int r = begin(req, &c, NULL);
    if (r == 0)
        r = folder ? find(fs_of(req), c, folder, name, &call, &creatable, NULL)
                   : pfs_tree_find(&fs_of(req)->tree, c, "", &call, &creatable, NULL);
    if (r == 0)
        r = reply_entry(req, &call);
    if (r < 0) /* a name that cannot be here is not here */
        fuse_reply_err(req, r == -EINVAL ? ENOENT : -r);
}

void pfs_control_getattr(fuse_req_t req, const struct pfs_node *node)
{
    struct pfs_context *c;
    struct pfs_tree_call call;
    struct stat st;
    bool creatable = false;
    int r = begin(req, &c, NULL);
    if (r == 0)
        r = pfs_tree_find(&fs_of(req)->tree, c, node->path, &call, &creatable, NULL);
    bool is_new = r == -ENOENT && creatable; /* created, not yet written */
    if (r < 0 && !is_new) {
        fuse_reply_err(req, -r);
        return;
    }
    fill_attr(fs_of(req), node->id, call.type, is_new || pfs_tree_is_folder(call.type) ? 0 : size_of(&call),
              &st);
    fuse_reply_attr(req, &st, NO_TIME_S);
}

static int truncate_to(fuse_req_t req, const struct pfs_node *node, struct pfs_handle *h, off_t size)
{
    struct pfs_context *c;
    struct pfs_tree_call call;
    bool creatable = false;
    int r = begin(req, &c, NULL);
    if (r == 0)
        r = pfs_tree_find(&fs_of(req)->tree, c, node->path, &call, &creatable, NULL);
    if (r == -ENOENT && creatable && size == 0) /* created, not yet written */
        return 0;
    return r < 0 ? r : pfs_handle_truncate(h, &call, size, NULL);
}

/* Modes and owners are fixed; times are taken and forgotten, as `touch` and rsync set them; a file is made
 * empty by the write that follows. */
void pfs_control_setattr(fuse_req_t req, const struct pfs_node *node, const struct stat *attr, int to_set,
                         const struct fuse_file_info *fi)
{
    struct pfs_handle *h = fi ? (struct pfs_handle *)(uintptr_t)fi->fh : NULL;
    int r = 0;
    if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        r = -EPERM;
    else if (to_set & FUSE_SET_ATTR_SIZE)
        r = truncate_to(req, node, h, attr->st_size);
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        pfs_control_getattr(req, node);
}

/* ---- open files ---- */

static struct pfs_handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct pfs_handle *)(uintptr_t)fi->fh;
}

/* Notes something open, until it is dropped. */
static int keep(struct pfs_fs *fs, struct pfs_map *open, void *what)
{
    pthread_mutex_lock(&fs->open_lock);
    int r = pfs_map_put_u64(open, (uintptr_t)what, what);
    pthread_mutex_unlock(&fs->open_lock);
    return r;
}

static void forget(struct pfs_fs *fs, struct pfs_map *open, const void *what)
{
    pthread_mutex_lock(&fs->open_lock);
    pfs_map_remove_u64(open, (uintptr_t)what);
    pthread_mutex_unlock(&fs->open_lock);
}

static void drop_handle(struct pfs_fs *fs, const struct fuse_file_info *fi, struct pfs_context *c)
{
    struct pfs_handle *h = handle_of(fi);
    forget(fs, &fs->handles, h);
    pfs_handle_release(h, c);
}

static int open_handle(fuse_req_t req, const struct pfs_tree_call *call, struct fuse_file_info *fi,
                       struct pfs_err *err)
{
    struct pfs_handle *h;
    bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
    if (pfs_tree_is_folder(call->type))
        return -EISDIR;
    if (writes && !call->type->write && !call->type->handle)
        return pfs_err_set(err, EPERM, "control/%s: cannot be written", call->path);
    if (call->type->handle && call->type->handle->flush && fuse_req_ctx(req)->pid == 0)
        return pfs_err_set(err, EPERM, "control/%s: is not for a process that cannot be seen from here",
                           call->path);
    int r = pfs_handle_open(call, pfs_fs_process(fuse_req_ctx(req)->pid), &h, err);
    if (r < 0)
        return r;
    if (keep(fs_of(req), &fs_of(req)->handles, h) < 0) {
        pfs_handle_release(h, call->context);
        return -ENOMEM;
    }
    fi->fh = (uintptr_t)h;
    fi->direct_io = 1;
    fi->nonseekable = call->type->handle != NULL;
    return 0;
}

void pfs_control_open(fuse_req_t req, const struct pfs_node *node, struct fuse_file_info *fi)
{
    struct pfs_context *c = NULL;
    struct pfs_tree_call call;
    struct pfs_err why = {""};
    bool creatable;
    int r = begin(req, &c, &why);
    if (r == 0)
        r = pfs_tree_find(&fs_of(req)->tree, c, node->path, &call, &creatable, &why);
    if (r == 0)
        r = open_handle(req, &call, fi, &why);
    if (r < 0)
        fuse_reply_err(req, -r);
    else if (fuse_reply_open(req, fi) < 0)
        drop_handle(fs_of(req), fi, c);
}

static int reply_create(fuse_req_t req, const struct pfs_tree_call *call, struct pfs_context *c,
                        struct fuse_file_info *fi)
{
    struct pfs_fs *fs = fs_of(req);
    struct fuse_entry_param e = {.attr_timeout = NO_TIME_S, .entry_timeout = NO_TIME_S};
    if (pfs_nodes_take_control(fs->nodes, call->path, pfs_content_next_id(fs->content), &e.ino) < 0) {
        drop_handle(fs_of(req), fi, c);
        return -ENOMEM;
    }
    fill_attr(fs, e.ino, call->type, 0, &e.attr);
    if (fuse_reply_create(req, &e, fi) < 0) {
        pfs_nodes_forget(fs->nodes, e.ino, 1);
        drop_handle(fs_of(req), fi, c);
    }
    return 0;
}

void pfs_control_create(fuse_req_t req, const char *folder, const char *name, struct fuse_file_info *fi)
{
    struct pfs_context *c = NULL;
    struct pfs_tree_call call;
    struct pfs_err why = {""};
    bool creatable = false;
    int r = begin_at(req, folder, name, &c, &call, &creatable, &why);
    if (r == -ENOENT)
        r = creatable && call.type->may_create ? call.type->may_create(&call, &why)
                                               : pfs_err_set(&why, EPERM, "no file can be made here");
    if (r == 0)
        r = open_handle(req, &call, fi, &why);
    if (r == 0)
        r = reply_create(req, &call, c, fi);
    if (r < 0)
        reply_change(req, c, r, &why);
}

void pfs_control_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct pfs_context *c;
    autofree char *buf = malloc(size + 1);
    ssize_t n = buf ? begin(req, &c, NULL) : -ENOMEM;
    if (n == 0)
        n = pfs_handle_read(handle_of(fi), c, buf, size, off, NULL);
    if (n == -EWOULDBLOCK && pfs_handle_events(handle_of(fi)))
        pfs_events_wait_read(req, handle_of(fi), size, fi);
    else if (n < 0)
        fuse_reply_err(req, (int)-n);
    else
        fuse_reply_buf(req, buf, (size_t)n);
}

void pfs_control_write(fuse_req_t req, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct pfs_context *c = NULL;
    struct pfs_err why = {""};
    struct pfs_handle *h = handle_of(fi);
    int r = begin(req, &c, &why);
    if (r == 0)
        r = pfs_handle_write(h, c, buf, size, off, &why);
    if (c && !h->ops) /* special files note their own */
        note_refusal(req, c, r, &why);
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        fuse_reply_write(req, size);
}

void pfs_control_flush(fuse_req_t req, struct fuse_file_info *fi)
{
    struct pfs_context *c;
    const struct fuse_ctx *who = fuse_req_ctx(req);
    int r = begin(req, &c, NULL);
    if (r == 0)
        r = pfs_handle_flush(handle_of(fi), c, pfs_fs_process(who->pid), pfs_fs_is_dying(who->pid), NULL);
    fuse_reply_err(req, -r);
}

void pfs_control_release(fuse_req_t req, struct fuse_file_info *fi)
{
    struct pfs_context *c = NULL;
    if (begin(req, &c, NULL) < 0)
        c = NULL; /* releasing needs none */
    drop_handle(fs_of(req), fi, c);
    fuse_reply_err(req, 0);
}

/* ---- changes ---- */

void pfs_control_mkdir(fuse_req_t req, const char *folder, const char *name)
{
    struct pfs_context *c = NULL;
    struct pfs_tree_call call;
    struct pfs_err why = {""};
    bool creatable = false;
    int r = begin_at(req, folder, name, &c, &call, &creatable, &why);
    if (r == 0)
        r = pfs_err_set(&why, EEXIST, "control/%s: is there already", call.path);
    else if (r == -ENOENT && creatable && call.type->make)
        r = call.type->make(&call, &why);
    else if (r == -ENOENT)
        r = pfs_err_set(&why, EPERM, "no folder can be made here");
    if (c)
        note_refusal(req, c, r, &why);
    if (r == 0)
        pfs_control_lookup(req, folder, name);
    else
        fuse_reply_err(req, -r);
}

void pfs_control_remove(fuse_req_t req, const char *folder, const char *name, bool folder_wanted)
{
    struct pfs_context *c = NULL;
    struct pfs_tree_call call;
    struct pfs_err why = {""};
    bool creatable;
    int r = begin_at(req, folder, name, &c, &call, &creatable, &why);
    if (r == 0 && pfs_tree_is_folder(call.type) != folder_wanted)
        r = folder_wanted ? -ENOTDIR : -EISDIR;
    if (r == 0)
        r = call.type->remove ? call.type->remove(&call, &why)
                              : pfs_err_set(&why, EPERM, "control/%s: cannot be deleted", call.path);
    if (r == 0)
        pfs_nodes_release_control(fs_of(req)->nodes, call.path);
    reply_change(req, c, r, &why);
}

void pfs_control_rename(fuse_req_t req, const char *folder, const char *name, const char *to)
{
    struct pfs_context *c = NULL;
    struct pfs_tree_call call;
    struct pfs_err why = {""};
    bool creatable;
    int r = begin_at(req, folder, name, &c, &call, &creatable, &why);
    if (r == 0)
        r = call.type->rename ? call.type->rename(&call, to, &why)
                              : pfs_err_set(&why, EPERM, "control/%s: cannot be renamed", call.path);
    reply_change(req, c, r, &why);
}

/* ---- listings: what was there at opendir ---- */

struct listing {
    size_t n, cap;
    struct listed {
        char *name;
        mode_t mode;
    } * names;
};

static void free_listing(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->names[i].name);
    free(l->names);
    free(l);
}

static void drop_listing(struct pfs_fs *fs, struct listing *l)
{
    forget(fs, &fs->listings, l);
    free_listing(l);
}

static int add_name(void *arg, const char *name, mode_t mode)
{
    struct listing *l = arg;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct listed *more = realloc(l->names, cap * sizeof *more);
        if (!more)
            return -ENOMEM;
        l->names = more;
        l->cap = cap;
    }
    l->names[l->n] = (struct listed){.name = strdup(name), .mode = mode};
    return l->names[l->n].name ? (l->n++, 0) : -ENOMEM;
}

void pfs_control_opendir(fuse_req_t req, const struct pfs_node *node, struct fuse_file_info *fi)
{
    struct pfs_context *c;
    struct pfs_tree_call call;
    bool creatable;
    struct listing *l = calloc(1, sizeof *l);
    int r = l ? begin(req, &c, NULL) : -ENOMEM;
    if (r == 0)
        r = pfs_tree_find(&fs_of(req)->tree, c, node->path, &call, &creatable, NULL);
    if (r == 0)
        r = add_name(l, ".", S_IFDIR);
    if (r == 0)
        r = add_name(l, "..", S_IFDIR);
    if (r == 0)
        r = pfs_tree_list(&call, add_name, l, NULL);
    if (r == 0)
        r = keep(fs_of(req), &fs_of(req)->listings, l);
    fi->fh = (uintptr_t)l;
    if (r == 0 && fuse_reply_open(req, fi) == 0)
        return;
    if (l)
        drop_listing(fs_of(req), l);
    if (r < 0)
        fuse_reply_err(req, -r);
}

void pfs_control_readdir(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
    const struct listing *l = (const struct listing *)(uintptr_t)fi->fh;
    autofree char *buf = malloc(size);
    size_t used = 0;
    if (!buf) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    for (size_t i = (size_t)off; i < l->n; i++) {
        const struct stat st = {.st_ino = i + 2, .st_mode = l->names[i].mode};
        size_t need = fuse_add_direntry(req, buf + used, size - used, l->names[i].name, &st, (off_t)i + 1);
        if (need > size - used)
            break;
        used += need;
    }
    fuse_reply_buf(req, buf, used);
}

void pfs_control_releasedir(fuse_req_t req, struct fuse_file_info *fi)
{
    drop_listing(fs_of(req), (struct listing *)(uintptr_t)fi->fh);
    fuse_reply_err(req, 0);
}

/* ---- the end ---- */

void pfs_control_done(struct pfs_fs *fs)
{
    for (struct pfs_map_entry *e = pfs_map_next(&fs->handles, NULL); e; e = pfs_map_next(&fs->handles, e))
        pfs_handle_release(e->value, NULL);
    for (struct pfs_map_entry *e = pfs_map_next(&fs->listings, NULL); e; e = pfs_map_next(&fs->listings, e))
        free_listing(e->value);
    pfs_map_done(&fs->handles);
    pfs_map_done(&fs->listings);
}

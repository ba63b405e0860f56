/* What a name leads to: a file or a folder of the inventory, else of the assets. */
#include "fs/ahead.h"
#include "fs/control.h"
#include "fs/keep.h"
#include "fs/notify.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <xxhash.h>

/* An inode never changes: the kernel may keep what it knows of one for ever. A name may lead elsewhere at any
 * moment. */
static const double FOR_EVER_S = 365.0 * 86400, NO_TIME_S = 0;

static struct pfs_fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* A name in a folder, being looked up. */
struct asked {
    fuse_req_t req;
    const struct pfs_node *folder; /* where */
    const char *name;
    char *path;         /* below the root, owned */
    uint64_t ring;      /* of the keeper, before anything was read */
    struct pfs_err why; /* why there is no store */
    bool absent;        /* it must not be found */
};

/* keep: the kernel may, where the keeper agrees. */
static int reply_file(const struct asked *a, struct pfs_version *v, bool keep)
{
    fuse_req_t req = a->req;
    struct pfs_fs *fs = fs_of(req);
    uint64_t parent = a->folder->id;
    const struct pfs_node node = {.kind = PFS_NODE_FILE, .id = v->id, .version = v};
    struct fuse_entry_param e = {.ino = v->id, .attr_timeout = FOR_EVER_S, .entry_timeout = NO_TIME_S};
    if (pfs_nodes_take_file(fs->nodes, v, parent, a->name) < 0)
        return -ENOMEM;
    if (keep && pfs_keeper_keep(fs->keeper, a->ring, parent, a->name, a->path, v))
        e.entry_timeout = FOR_EVER_S;
    pfs_fs_attr(fs, &node, &e.attr);
    if (fuse_reply_entry(req, &e) < 0) /* the request was interrupted: the kernel did not take it */
        pfs_nodes_forget(fs->nodes, v->id, 1);
    else
        pfs_notify_grown(fs->notify);
    return 0;
}

static int reply_folder(fuse_req_t req, uint64_t parent, const char *path, const char *name,
                        const struct pfs_folder *f)
{
    struct pfs_fs *fs = fs_of(req);
    struct pfs_node node = {.kind = PFS_NODE_FOLDER, .folder = *f};
    if (pfs_nodes_take_folder(fs->nodes, path, f, parent, name, pfs_content_next_id(fs->content), &node.id) <
        0)
        return -ENOMEM;
    struct fuse_entry_param e = {.ino = node.id, .attr_timeout = NO_TIME_S, .entry_timeout = NO_TIME_S};
    pfs_fs_attr(fs, &node, &e.attr);
    if (fuse_reply_entry(req, &e) < 0)
        pfs_nodes_forget(fs->nodes, node.id, 1);
    else
        pfs_notify_grown(fs->notify);
    return 0;
}

/* NULL: it cannot be had. Assets are found without it. */
static struct pfs_store *store_of(struct asked *a)
{
    struct pfs_store *s;
    return pfs_fs_store(fs_of(a->req), &s, &a->why) < 0 ? NULL : s;
}

/* The version that the inventory has under this name; -ENOENT: none. A failing store never looks like a
 * missing phone. */
static int find_file(struct asked *a, struct pfs_version **ret)
{
    struct pfs_content *c = fs_of(a->req)->content;
    struct pfs_store *s = store_of(a);
    if (s)
        return pfs_content_lookup(c, s, a->path, ret, &a->absent, &a->why);
    if (!pfs_content_concerns(c, a->path))
        return -ENOENT;
    *ret = pfs_content_last(c, a->path, &a->why);
    return *ret ? 0 : -EIO;
}

static int find_asset(struct asked *a, const char *name, struct pfs_asset *ret)
{
    struct pfs_fs *fs = fs_of(a->req);
    const char *folder = a->folder->kind == PFS_NODE_ROOT ? "" : a->folder->folder.assets;
    int r = folder ? pfs_assets_lookup(fs->assets, folder, name, ret, NULL) : -ENOENT;
    if (r == -EMFILE) /* the kernel holds many names of files that are open here */
        pfs_notify_squeeze(fs->notify);
    return r;
}

static uint64_t hash_folder(const char *path)
{
    char folded[PATH_MAX];
    size_t i = 0;
    for (; path[i] && i < sizeof folded; i++)
        folded[i] = (char)tolower((unsigned char)path[i]);
    uint64_t ino = XXH3_64bits_withSeed(folded, i, 'd');
    return ino < 2 ? ino + 2 : ino;
}

/* A folder of the inventory, which is one with the assets' of the same path. */
static int answer_folder(struct asked *a, const char *written)
{
    struct pfs_asset asset = {0};
    size_t len;
    const char *name = pfs_path_component(written, pfs_path_depth(written) - 1, &len);
    struct pfs_folder f = {.ino = hash_folder(written), .mtime = fs_of(a->req)->started};
    if (find_asset(a, name, &asset) == 0 && asset.kind == PFS_ASSET_FOLDER) {
        f.assets = asset.path;
        f.mtime = PFS_MAX(f.mtime, asset.mtime);
    }
    pfs_version_unref(asset.version);
    return reply_folder(a->req, a->folder->id, a->path, a->name, &f);
}

static int find_folder(struct asked *a, char *ret_written)
{
    struct pfs_content *c = fs_of(a->req)->content;
    if (!pfs_content_lists(c, a->path))
        return -ENOENT;
    return pfs_content_folder(c, store_of(a), a->path, ret_written, &a->absent, &a->why);
}

/* Nobody has it: it may be a phone of a make that no template is for. */
static void notice_stranger(struct asked *a)
{
    struct pfs_content *c = fs_of(a->req)->content;
    if (pfs_content_concerns(c, a->path) || pfs_content_lists(c, a->path))
        return;
    struct pfs_store *s = store_of(a);
    if (s)
        pfs_content_stranger(c, s, a->path);
}

static int answer_asset(struct asked *a)
{
    struct pfs_asset asset;
    int r = find_asset(a, a->name, &asset);
    if (r < 0)
        return r;
    const struct pfs_folder f = {.assets = asset.path, .ino = hash_folder(asset.path), .mtime = asset.mtime};
    r = asset.kind == PFS_ASSET_FOLDER ? reply_folder(a->req, a->folder->id, a->path, a->name, &f)
                                       : reply_file(a, asset.version, false);
    pfs_version_unref(asset.version);
    return r;
}

/* A name that is made from the inventory wins. */
static int answer(struct asked *a)
{
    char written[PFS_FILE_NAME_MAX + 1];
    struct pfs_version *v = NULL;
    int r = find_file(a, &v);
    if (r == 0) {
        r = reply_file(a, v, !a->why.msg[0]); /* not what was served for want of a store */
        pfs_version_unref(v);
        return r;
    }
    if (r == -ENOENT && !a->absent)
        r = find_folder(a, written);
    if (r == 0)
        return answer_folder(a, written);
    if (r == -ENOENT && !a->absent)
        r = answer_asset(a);
    if (r == -ENOENT)
        notice_stranger(a);
    return r;
}

int pfs_fs_lookup(fuse_req_t req, const struct pfs_node *folder, const char *name)
{
    struct pfs_fs *fs = fs_of(req);
    struct asked a = {.req = req, .folder = folder, .name = name, .ring = pfs_keeper_ring(fs->keeper)};
    if (folder->kind == PFS_NODE_ROOT && fs->shows_control && strcmp(name, "control") == 0) {
        pfs_control_lookup(req, NULL, name);
        return 0;
    }
    if (!fs->shows_phones)
        return -ENOENT;
    autofree char *path = NULL;
    const char *above = folder->kind == PFS_NODE_ROOT ? "" : folder->path;
    if (asprintf(&path, "%s%s%s", above, *above ? "/" : "", name) < 0)
        return -ENOMEM;
    a.path = path;
    pfs_ahead_asked(fs->ahead, path);
    return answer(&a);
}

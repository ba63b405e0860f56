/* Listings. Offsets are places in an order that changes do not disturb, not counts: names that are common to
 * models, folders and assets by a hash of the name, then devices by MAC and file. So what stays is listed
 * exactly once however much else comes and goes between two reads. */
#include "fs/ahead.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

/* Offsets: 0 the start, 1 to 3 ".", ".." and control, then hashes of names below DEVICES, then DEVICES + MAC
 * * 256 + file + 1. */
static const uint64_t DEVICES = UINT64_C(1) << 62;
enum { DOT = 1, DOT_DOT = 2, CONTROL = 3, FILES_OF_A_DEVICE = 256, NAMES_MAX = 1 << 20 };

/* A reply being filled. */
struct listing {
    fuse_req_t req;
    struct pfs_fs *fs;
    const char *folder;      /* its path; "" the root */
    const char *assets;      /* its path in the assets; NULL: it has none */
    struct pfs_store *store; /* NULL: nothing of the inventory stands in it */
    char *buf;
    size_t size, used;
    uint64_t from;    /* list what comes after this offset */
    size_t n_devices; /* names of devices in it */
};

/* A name that is not a device's. */
struct name {
    uint64_t place;
    mode_t type;
    char *text;
};

struct names {
    const struct listing *listing;
    size_t n, cap;
    struct name *names;
};

static uint64_t place_of(const char *name)
{
    char lower[PFS_FILE_NAME_MAX + 1];
    size_t i = 0;
    for (; name[i] && i < PFS_FILE_NAME_MAX; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return XXH3_64bits(lower, i) % (DEVICES - 16) + 16;
}

/* 1: the buffer is full. */
static int put(struct listing *l, const char *name, mode_t type, uint64_t offset)
{
    const struct stat st = {.st_ino = place_of(name), .st_mode = type};
    size_t need = fuse_add_direntry(l->req, l->buf + l->used, l->size - l->used, name, &st, (off_t)offset);
    if (need > l->size - l->used)
        return 1;
    l->used += need;
    return 0;
}

static int put_dots(struct listing *l)
{
    if (l->from < DOT && put(l, ".", S_IFDIR, DOT))
        return 1;
    return l->from < DOT_DOT ? put(l, "..", S_IFDIR, DOT_DOT) : 0;
}

/* ---- names in the order of their hashes ---- */

static void free_names(struct names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->names[i].text);
    free(n->names);
}

static int add_name(struct names *n, const char *text, mode_t type)
{
    if (n->n == n->cap) {
        size_t cap = n->cap ? n->cap * 2 : 64;
        struct name *more = cap <= NAMES_MAX ? realloc(n->names, cap * sizeof *more) : NULL;
        if (!more)
            return -ENOMEM;
        n->names = more;
        n->cap = cap;
    }
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    n->names[n->n++] = (struct name){.place = place_of(text), .type = type, .text = copy};
    return 0;
}

static int add_common(void *arg, const char *name, bool is_folder)
{
    return add_name(arg, name, is_folder ? S_IFDIR : S_IFREG);
}

/* Unless the name is the inventory's. */
static int add_asset(void *arg, const char *name, enum pfs_asset_kind kind)
{
    struct names *n = arg;
    const struct listing *l = n->listing;
    bool is_folder = kind == PFS_ASSET_FOLDER;
    autofree char *path = NULL;
    if (l->store && asprintf(&path, "%s%s%s", l->folder, *l->folder ? "/" : "", name) < 0)
        return -ENOMEM;
    if (path && pfs_content_claims(l->fs->content, l->store, path, is_folder))
        return 0;
    return add_name(n, name, is_folder ? S_IFDIR : S_IFREG);
}

static int by_place(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return strcasecmp(x->text, y->text);
}

/* Lists the names behind the offset, each once: names that differ only in letter case are one file. */
static int put_names(struct listing *l, struct names *n)
{
    if (n->n)
        qsort(n->names, n->n, sizeof *n->names, by_place);
    int full = 0;
    for (size_t i = 0; i < n->n && !full; i++) {
        const struct name *name = &n->names[i];
        bool again = i > 0 && name->place == n->names[i - 1].place;
        if (name->place > l->from && !again)
            full = put(l, name->text, name->type, name->place);
    }
    return full;
}

static int list_names(struct listing *l)
{
    struct names n = {.listing = l};
    struct pfs_content *c = l->fs->content;
    int r = l->store ? pfs_content_list_common(c, l->store, l->folder, add_common, &n, NULL) : 0;
    if (r == 0 && l->assets)
        r = pfs_assets_list(l->fs->assets, l->assets, add_asset, &n, NULL);
    if (r == 0)
        r = put_names(l, &n);
    free_names(&n);
    return r;
}

/* ---- devices ---- */

static int put_device_file(void *arg, uint64_t mac, unsigned index, const char *name, bool is_folder)
{
    struct listing *l = arg;
    uint64_t offset = DEVICES + mac * FILES_OF_A_DEVICE + index + 1;
    if (offset <= l->from)
        return 0;
    int full = put(l, name, is_folder ? S_IFDIR : S_IFREG, offset);
    if (!full)
        pfs_ahead_listed(l->fs->ahead, l->folder, name, mac, l->n_devices++);
    return full;
}

static int list_devices(struct listing *l)
{
    uint64_t from_mac = l->from > DEVICES ? (l->from - DEVICES - 1) / FILES_OF_A_DEVICE : 0;
    return pfs_content_list_devices(l->fs->content, l->store, l->folder, from_mac, put_device_file, l, NULL);
}

/* 1: the buffer is full; 0: all is listed. */
static int list(struct listing *l)
{
    bool is_root = !*l->folder;
    int r = pfs_content_lists(l->fs->content, l->folder) ? pfs_fs_store(l->fs, &l->store, NULL) : 0;
    if (r == 0)
        r = put_dots(l);
    if (r == 0 && is_root && l->fs->shows_control && l->from < CONTROL)
        r = put(l, "control", S_IFDIR, CONTROL);
    if (!l->fs->shows_phones)
        return r;
    if (r == 0 && l->from < DEVICES)
        r = list_names(l);
    return r == 0 && l->store ? list_devices(l) : r;
}

void pfs_fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct pfs_fs *fs = fuse_req_userdata(req);
    struct listing l = {.req = req, .fs = fs, .size = size, .from = (uint64_t)off};
    struct pfs_node node;
    int r = pfs_nodes_get(fs->nodes, ino, &node);
    autofree char *buf = malloc(size);
    l.buf = buf;
    if (r == 0) {
        l.folder = node.path ? node.path : "";
        l.assets = node.kind == PFS_NODE_ROOT ? "" : node.folder.assets;
        if (!buf)
            r = -ENOMEM;
        else
            r = node.kind == PFS_NODE_ROOT || node.kind == PFS_NODE_FOLDER ? list(&l) : -ENOTDIR;
        pfs_node_done(&node);
    }
    if (r < 0)
        fuse_reply_err(req, -r);
    else
        fuse_reply_buf(req, buf, l.used);
}

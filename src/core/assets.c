#include "core/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <xxhash.h>

enum { KNOWN_MAX = 1024 }; /* versions kept at hand, with an open file each */

struct pfs_assets {
    char *folder;
    struct pfs_content *content;
    pthread_mutex_t lock;
    struct pfs_map versions; /* path to struct pfs_version, a reference each */
};

int pfs_assets_new(const char *folder, struct pfs_content *content, struct pfs_assets **ret, struct pfs_err *err)
{
    struct pfs_assets *a = calloc(1, sizeof *a);
    if (!a)
        return pfs_err_nomem(err);
    pthread_mutex_init(&a->lock, NULL);
    a->content = content;
    a->folder = strdup(folder);
    if (!a->folder) {
        pfs_assets_free(a);
        return pfs_err_nomem(err);
    }
    *ret = a;
    return 0;
}

/* With the lock. */
static void forget_versions(struct pfs_assets *a)
{
    for (struct pfs_map_entry *e = pfs_map_next(&a->versions, NULL); e; e = pfs_map_next(&a->versions, e))
        pfs_version_unref(e->value);
    pfs_map_done(&a->versions);
}

void pfs_assets_free(struct pfs_assets *a)
{
    if (!a)
        return;
    forget_versions(a);
    pthread_mutex_destroy(&a->lock);
    free(a->folder);
    free(a);
}

/* Opens a path below the folder; the kernel sees to it that it stays below. */
static int open_below(const struct pfs_assets *a, const char *path, uint64_t flags)
{
    autofd int root = open(a->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOCTTY, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
    if (fd < 0) /* a link that leads out is as good as no file */
        return errno == EXDEV || errno == ELOOP || errno == ENOTDIR ? -ENOENT : -errno;
    return fd;
}

static int join(const char *folder, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s%s", folder, *folder ? "/" : "", name);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static bool is_visible(const char *name)
{
    return name[0] != '.';
}

/* The name of the folder that is the same but for letter case, put in its place. */
static int find_other_case(const struct pfs_assets *a, const char *folder, const char *name, char *out, size_t size)
{
    int fd = open_below(a, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int saved = errno;
        close(fd);
        return -saved;
    }
    int r = -ENOENT;
    for (const struct dirent *d; r == -ENOENT && (d = readdir(dir));)
        if (is_visible(d->d_name) && strcasecmp(d->d_name, name) == 0)
            r = join(folder, d->d_name, out, size);
    closedir(dir);
    return r;
}

/* Opens the file or folder; *out is its path as it is on disk. */
static int open_asset(const struct pfs_assets *a, const char *folder, const char *name, char *out, size_t size)
{
    if (!is_visible(name) || strchr(name, '/'))
        return -ENOENT;
    int r = join(folder, name, out, size);
    if (r < 0)
        return r;
    int fd = open_below(a, out, O_RDONLY | O_NONBLOCK);
    if (fd != -ENOENT)
        return fd;
    r = find_other_case(a, folder, name, out, size);
    return r < 0 ? r : open_below(a, out, O_RDONLY | O_NONBLOCK);
}

/* What tells one state of a file from another. */
static uint64_t identity(const struct stat *st)
{
    const int64_t parts[] = {(int64_t)st->st_dev,    (int64_t)st->st_ino,     st->st_size,
                             st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec};
    return XXH3_64bits(parts, sizeof parts);
}

static struct pfs_version *new_version(struct pfs_assets *a, const char *path, const struct stat *st, uint64_t hash, int fd)
{
    struct pfs_version *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    int64_t mtime = pfs_content_publish_asset(a->content, path, hash, st->st_mtim.tv_sec);
    uint64_t ino = XXH3_64bits_withSeed(path, strlen(path), hash);
    *v = (struct pfs_version){
        .refs = 1,
        .id = pfs_content_next_id(a->content),
        .ino = ino < 2 ? ino + 2 : ino,
        .size = (uint64_t)st->st_size,
        .mtime = mtime,
        .hash = hash,
        .fd = fd,
    };
    return v;
}

/* The version of an open file: the one at hand where it is the same, else a new one. Takes the fd over. */
static int find_version(struct pfs_assets *a, const char *path, const struct stat *st, int *fd, struct pfs_version **ret)
{
    uint64_t hash = identity(st);
    void *old = NULL;
    pthread_mutex_lock(&a->lock);
    struct pfs_version *v = pfs_map_get(&a->versions, path, strlen(path));
    if (v && v->hash == hash) {
        *ret = pfs_version_ref(v);
        pthread_mutex_unlock(&a->lock);
        return 0;
    }
    if (a->versions.n >= KNOWN_MAX)
        forget_versions(a);
    v = new_version(a, path, st, hash, *fd);
    if (v)
        steal_fd(fd);
    if (v && pfs_map_put(&a->versions, path, strlen(path), pfs_version_ref(v), &old) < 0)
        pfs_version_unref(v); /* not kept at hand */
    pthread_mutex_unlock(&a->lock);
    pfs_version_unref(old);
    *ret = v;
    return v ? 0 : -ENOMEM;
}

int pfs_assets_lookup(struct pfs_assets *a, const char *folder, const char *name, struct pfs_asset *ret, struct pfs_err *err)
{
    autofd int fd = open_asset(a, folder, name, ret->path, sizeof ret->path);
    struct stat st;
    if (fd == -ENOENT)
        return -ENOENT;
    if (fd < 0)
        return pfs_err_sys(err, -fd, name);
    if (fstat(fd, &st) < 0)
        return pfs_err_sys(err, errno, name);
    ret->version = NULL;
    ret->mtime = st.st_mtim.tv_sec;
    if (S_ISDIR(st.st_mode)) {
        ret->kind = PFS_ASSET_FOLDER;
        return 0;
    }
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    ret->kind = PFS_ASSET_FILE;
    int r = find_version(a, ret->path, &st, &fd, &ret->version);
    return r < 0 ? pfs_err_sys(err, -r, name) : 0;
}

static int list_entry(int dir_fd, const struct dirent *d, pfs_asset_fn fn, void *arg)
{
    struct stat st;
    if (!is_visible(d->d_name) || fstatat(dir_fd, d->d_name, &st, 0) < 0)
        return 0;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    return fn(arg, d->d_name, S_ISDIR(st.st_mode) ? PFS_ASSET_FOLDER : PFS_ASSET_FILE);
}

int pfs_assets_list(struct pfs_assets *a, const char *folder, pfs_asset_fn fn, void *arg, struct pfs_err *err)
{
    int fd = open_below(a, folder, O_RDONLY | O_DIRECTORY);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return pfs_err_sys(err, -fd, folder);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int saved = errno;
        close(fd);
        return pfs_err_sys(err, saved, folder);
    }
    int r = 0;
    for (const struct dirent *d; r == 0 && (d = readdir(dir));)
        r = list_entry(fd, d, fn, arg);
    closedir(dir);
    return r;
}

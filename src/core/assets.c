#include "core/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <xxhash.h>

enum {
    KNOWN_MAX = 1024,   /* versions kept at hand, with an open file each */
    FOLDERS_MAX = 256,  /* folders whose names are kept … */
    NAMES_MAX = 200000, /* … and names in all of them together */
    RACY_MS = 2500,     /* the coarsest times that a filesystem keeps, and some */
    FDS_TO_SPARE = 256, /* open files that are left for everything else */
};

/* The names of a folder in the state that it had when they were read. */
struct index {
    uint64_t state;
    bool at_rest;         /* it had not changed for a while */
    struct pfs_map names; /* folded name to the name, owned */
};

struct pfs_assets {
    char *folder;
    struct pfs_content *content;
    int max_fd; /* the highest descriptor that an asset may have */
    pthread_mutex_t lock;
    struct pfs_map versions; /* path to struct pfs_version, a reference each */
    struct pfs_map indexes;  /* path of a folder to struct index, owned */
    size_t n_names;          /* in all indexes */
};

/* Each asset that is in use has an open file. They must not take the last descriptors from the inventory. */
static int find_max_fd(void)
{
    struct rlimit limit;
    rlim_t max = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
    max = PFS_MIN(max, (rlim_t)INT_MAX);
    return (int)(max > 2 * FDS_TO_SPARE ? max - FDS_TO_SPARE : max / 2);
}

static void forget_indexes(struct pfs_assets *a);

int pfs_assets_new(const char *folder, struct pfs_content *content, struct pfs_assets **ret,
                   struct pfs_err *err)
{
    struct pfs_assets *a = calloc(1, sizeof *a);
    if (!a)
        return pfs_err_nomem(err);
    pthread_mutex_init(&a->lock, NULL);
    a->content = content;
    a->max_fd = find_max_fd();
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
    forget_indexes(a);
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
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
    if (fd < 0) /* a link that leads out is as good as no file */
        return errno == EXDEV || errno == ELOOP || errno == ENOTDIR ? -ENOENT : -errno;
    return fd;
}

static bool is_visible(const char *name)
{
    return name[0] != '.';
}

/* What tells one state of a file from another. */
static uint64_t identity(const struct stat *st)
{
    const int64_t parts[] = {(int64_t)st->st_dev, (int64_t)st->st_ino, st->st_size,        st->st_mtim.tv_sec,
                             st->st_mtim.tv_nsec, st->st_ctim.tv_sec,  st->st_ctim.tv_nsec};
    return XXH3_64bits(parts, sizeof parts);
}

/* ---- names without regard to letter case ----
 *
 * Phones ask for many names that nobody has, and each costs a reading of the whole folder to be sure of, as a
 * name in another letter case would do. So a folder's names are kept, folded, and trusted while the folder's
 * own state (inode, size, times) is the one they were read in. A folder that has changed less than RACY_MS
 * before it was read may have changed again without a trace, as times are coarse: it is read each time until
 * it has come to rest. */

static void fold(const char *name, char out[static NAME_MAX + 1])
{
    size_t i = 0;
    for (; name[i] && i < NAME_MAX; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
    out[i] = '\0';
}

static void free_index(struct index *x)
{
    if (!x)
        return;
    pfs_map_done_with_values(&x->names);
    free(x);
}

/* With the lock. */
static void forget_indexes(struct pfs_assets *a)
{
    for (struct pfs_map_entry *e = pfs_map_next(&a->indexes, NULL); e; e = pfs_map_next(&a->indexes, e))
        free_index(e->value);
    pfs_map_done(&a->indexes);
    a->n_names = 0;
}

static int64_t in_ms(const struct timespec *t)
{
    return t->tv_sec * INT64_C(1000) + t->tv_nsec / 1000000;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return in_ms(&now);
}

/* Of names that differ only in letter case the first by bytes is found. */
static int add_to_index(struct index *x, const char *name)
{
    char folded[NAME_MAX + 1];
    fold(name, folded);
    const char *there = pfs_map_get(&x->names, folded, strlen(folded));
    if (there && strcmp(there, name) <= 0)
        return 0;
    char *copy = strdup(name);
    void *old = NULL;
    if (!copy || pfs_map_put(&x->names, folded, strlen(folded), copy, &old) < 0) {
        free(copy);
        return -ENOMEM;
    }
    free(old);
    return 0;
}

static int fill_index(struct index *x, DIR *dir)
{
    int r = 0;
    errno = 0;
    for (const struct dirent *d; r == 0 && (d = readdir(dir));)
        if (is_visible(d->d_name))
            r = add_to_index(x, d->d_name);
    return r == 0 && errno ? -errno : r;
}

/* Reads the names of an open folder (the fd is taken over). */
static int read_index(int fd, struct index **ret)
{
    struct stat st;
    struct index *x = calloc(1, sizeof *x);
    int64_t now = now_ms();
    DIR *dir = fdopendir(fd);
    int r = !x ? -ENOMEM : !dir || fstat(fd, &st) < 0 ? -errno : fill_index(x, dir);
    if (dir)
        closedir(dir);
    else
        close(fd);
    if (r < 0) {
        free_index(x);
        return r;
    }
    x->state = identity(&st);
    x->at_rest = PFS_MAX(in_ms(&st.st_mtim), in_ms(&st.st_ctim)) + RACY_MS < now;
    *ret = x;
    return 0;
}

static char *copy_found(const struct index *x, const char *folded)
{
    const char *name = pfs_map_get(&x->names, folded, strlen(folded));
    return name ? strdup(name) : NULL;
}

/* With the lock: what is kept is bounded; past that all of it is dropped and read again at need. */
static void keep_index(struct pfs_assets *a, const char *folder, struct index *x)
{
    void *old = NULL;
    if (!x->at_rest || x->names.n > NAMES_MAX) {
        free_index(x);
        return;
    }
    if (a->n_names + x->names.n > NAMES_MAX || a->indexes.n >= FOLDERS_MAX)
        forget_indexes(a);
    if (pfs_map_put(&a->indexes, folder, strlen(folder), x, &old) < 0) {
        free_index(x);
        return;
    }
    a->n_names += x->names.n;
    if (old)
        a->n_names -= ((struct index *)old)->names.n;
    free_index(old);
}

/* The name in the folder that is the same but for letter case, owned by the caller; NULL with *ret_error 0 or
 * -ENOMEM and so on: none. */
static char *find_other_case(struct pfs_assets *a, const char *folder, const char *name, int *ret_error)
{
    char folded[NAME_MAX + 1], *found = NULL;
    struct stat st;
    fold(name, folded);
    int fd = open_below(a, folder, O_RDONLY | O_DIRECTORY);
    *ret_error = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
    if (fd < 0)
        return NULL;
    pthread_mutex_lock(&a->lock);
    struct index *x = pfs_map_get(&a->indexes, folder, strlen(folder));
    bool known = *ret_error == 0 && x && x->state == identity(&st);
    if (known)
        found = copy_found(x, folded);
    pthread_mutex_unlock(&a->lock);
    if (known || *ret_error < 0) {
        close(fd);
        return found;
    }
    *ret_error = read_index(fd, &x);
    if (*ret_error < 0)
        return NULL;
    found = copy_found(x, folded);
    pthread_mutex_lock(&a->lock);
    keep_index(a, folder, x);
    pthread_mutex_unlock(&a->lock);
    return found;
}

/* Opens the file or folder; *out is its path as it is on disk. */
static int open_asset(struct pfs_assets *a, const char *folder, const char *name, char *out, size_t size)
{
    if (!is_visible(name) || strchr(name, '/') || strlen(name) > NAME_MAX)
        return -ENOENT;
    int r = pfs_path_join(folder, name, out, size);
    if (r < 0)
        return r;
    int fd = open_below(a, out, O_RDONLY | O_NONBLOCK);
    if (fd != -ENOENT)
        return fd;
    autofree char *other = find_other_case(a, folder, name, &r);
    if (!other)
        return r < 0 ? r : -ENOENT;
    r = pfs_path_join(folder, other, out, size);
    return r < 0 ? r : open_below(a, out, O_RDONLY | O_NONBLOCK);
}

static struct pfs_version *new_version(struct pfs_assets *a, const char *path, const struct stat *st,
                                       uint64_t hash, int fd)
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
static int find_version(struct pfs_assets *a, const char *path, const struct stat *st, int *fd,
                        struct pfs_version **ret)
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

/* No more open files: those at hand are let go, so that there is room again. */
static int give_way(struct pfs_assets *a, struct pfs_err *err)
{
    pthread_mutex_lock(&a->lock);
    forget_versions(a);
    pthread_mutex_unlock(&a->lock);
    return pfs_err_set(err, EMFILE, "too many assets are in use");
}

int pfs_assets_lookup(struct pfs_assets *a, const char *folder, const char *name, struct pfs_asset *ret,
                      struct pfs_err *err)
{
    autofd int fd = open_asset(a, folder, name, ret->path, sizeof ret->path);
    struct stat st;
    if (fd == -ENOENT)
        return -ENOENT;
    if (fd < 0)
        return pfs_err_sys(err, -fd, name);
    if (fd > a->max_fd)
        return give_way(a, err);
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

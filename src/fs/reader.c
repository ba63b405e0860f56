/* A store connection for each serving thread. */
#include "fs/fs.h"

#include <errno.h>
#include <sys/stat.h>

/* A connection, and which file it was opened on. */
struct reader {
    struct pfs_store *store;
    struct pfs_context context; /* for the control tree; empty until it is asked for */
    dev_t dev;
    ino_t ino;
};

static void free_reader(void *arg)
{
    struct reader *r = arg;
    pfs_resolver_free(r->context.resolver);
    pfs_library_unref(r->context.library);
    pfs_store_close(r->store);
    free(r);
}

int pfs_fs_readers_init(struct pfs_fs *fs, struct pfs_err *err)
{
    int r = pthread_key_create(&fs->readers, free_reader);
    fs->has_readers = r == 0;
    return r ? pfs_err_sys(err, r, "pthread_key_create") : 0;
}

void pfs_fs_readers_done(struct pfs_fs *fs)
{
    if (!fs->has_readers)
        return;
    struct reader *r = pthread_getspecific(fs->readers);
    if (r)
        free_reader(r);
    pthread_key_delete(fs->readers);
    fs->has_readers = false;
}

/* A database that was put in the place of another, as a restore does, is opened anew. While there is none,
 * the old one serves. */
static bool is_still_the_file(const struct pfs_fs *fs, const struct reader *r)
{
    struct stat st;
    if (stat(fs->context.config->database, &st) < 0)
        return true;
    return st.st_dev == r->dev && st.st_ino == r->ino;
}

static int open_reader(struct pfs_fs *fs, struct reader **ret, struct pfs_err *err)
{
    struct stat st;
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return pfs_err_nomem(err);
    int ok = stat(fs->context.config->database, &st) < 0
                 ? pfs_err_sys(err, errno, fs->context.config->database)
                 : pfs_store_open(fs->context.config->database, fs->context.catalogue, &r->store, err);
    if (ok < 0) {
        free(r);
        return ok;
    }
    r->dev = st.st_dev;
    r->ino = st.st_ino;
    *ret = r;
    return 0;
}

static int get_reader(struct pfs_fs *fs, struct reader **ret, struct pfs_err *err)
{
    struct reader *r = pthread_getspecific(fs->readers);
    if (r && !is_still_the_file(fs, r)) {
        pthread_setspecific(fs->readers, NULL);
        free_reader(r);
        r = NULL;
    }
    if (!r) {
        int ok = open_reader(fs, &r, err);
        if (ok < 0)
            return ok;
        if (pthread_setspecific(fs->readers, r) != 0) {
            free_reader(r);
            return pfs_err_nomem(err);
        }
    }
    *ret = r;
    return 0;
}

int pfs_fs_store(struct pfs_fs *fs, struct pfs_store **ret, struct pfs_err *err)
{
    struct reader *r;
    int ok = get_reader(fs, &r, err);
    if (ok == 0)
        *ret = r->store;
    return ok;
}

int pfs_fs_context(struct pfs_fs *fs, struct pfs_context **ret, struct pfs_err *err)
{
    struct reader *r;
    int ok = get_reader(fs, &r, err);
    if (ok < 0)
        return ok;
    struct pfs_context *c = &r->context;
    if (!c->resolver && pfs_resolver_new(fs->context.catalogue, &c->resolver) < 0)
        return pfs_err_nomem(err);
    pfs_library_unref(c->library);
    c->library = pfs_content_library(fs->content);
    c->config = fs->context.config;
    c->catalogue = fs->context.catalogue;
    c->store = r->store;
    c->via = "control";
    *ret = c;
    return 0;
}

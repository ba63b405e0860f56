#include "fs/ahead.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    FILES = 1024,      /* made ahead at a time */
    SHARE = 8,         /* at most one in so many of the names remembered */
    APART = 8,         /* names between the two of a part that are noted */
    WITHIN = 64,       /* look-ups in which both are asked for by who walks */
    MARKS_MAX = 16384, /* names that are noted, of all listings */
    MARKS_LIVE_S = 60, /* after the last listing */
};

/* A name that is noted, of a device in a part of a listing. */
struct mark {
    uint64_t part, mac;
    bool second; /* of the two */
    char folder[];
};

/* A walk through a folder: from the files of this device on. */
struct walk {
    char folder[PFS_FILE_NAME_MAX + 1];
    uint64_t mac;
};

struct pfs_ahead {
    struct pfs_fs *fs;
    size_t n_files; /* made at a time */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pfs_map marks;     /* path to struct mark, owned */
    size_t n_marks;           /* atomic: how many, so that most look-ups need no lock */
    time_t listed;            /* when the newest came */
    uint64_t parts, asked;    /* parts listed, look-ups so far */
    uint64_t begun, begun_at; /* the part whose first name was asked for last, and by which look-up */
    struct walk wanted;
    bool is_wanted, stop;
};

/* ---- marks, with the lock ---- */

static void count_marks(struct pfs_ahead *a)
{
    __atomic_store_n(&a->n_marks, a->marks.n, __ATOMIC_RELAXED);
}

/* Without memory nothing is made ahead. */
static void add_mark(struct pfs_ahead *a, const char *folder, const char *name, uint64_t mac, bool second)
{
    char path[PFS_FILE_NAME_MAX + 1];
    size_t size = strlen(folder) + 1;
    void *old = NULL;
    struct mark *m = pfs_path_join(folder, name, path, sizeof path) == 0 ? malloc(sizeof *m + size) : NULL;
    if (!m)
        return;
    *m = (struct mark){.part = a->parts, .mac = mac, .second = second};
    memcpy(m->folder, folder, size);
    if (a->marks.n >= MARKS_MAX)
        pfs_map_done_with_values(&a->marks);
    free(pfs_map_put(&a->marks, path, strlen(path), m, &old) == 0 ? old : m);
}

void pfs_ahead_listed(struct pfs_ahead *a, const char *folder, const char *name, uint64_t mac, size_t n)
{
    if (!a || (n != 0 && n != APART))
        return;
    pthread_mutex_lock(&a->lock);
    a->listed = time(NULL);
    a->parts += n == 0;
    add_mark(a, folder, name, mac, n != 0);
    count_marks(a);
    pthread_mutex_unlock(&a->lock);
}

/* A noted name is looked up. */
static void follow(struct pfs_ahead *a, const struct mark *m)
{
    if (!m->second) {
        a->begun = m->part;
        a->begun_at = a->asked;
    } else if (m->part == a->begun && a->asked - a->begun_at <= WITHIN) {
        strcpy(a->wanted.folder, m->folder);
        a->wanted.mac = m->mac;
        a->is_wanted = true;
        pthread_cond_signal(&a->wake);
    }
}

void pfs_ahead_asked(struct pfs_ahead *a, const char *path)
{
    if (!a || __atomic_load_n(&a->n_marks, __ATOMIC_RELAXED) == 0)
        return;
    pthread_mutex_lock(&a->lock);
    a->asked++;
    const struct mark *m = pfs_map_get(&a->marks, path, strlen(path));
    if (m)
        follow(a, m);
    else if (time(NULL) > a->listed + MARKS_LIVE_S)
        pfs_map_done_with_values(&a->marks);
    count_marks(a);
    pthread_mutex_unlock(&a->lock);
}

/* ---- making ---- */

/* The paths of a walk's next files. */
struct part {
    const struct pfs_ahead *ahead;
    const struct walk *walk;
    struct pfs_buf paths; /* a NUL behind each */
    size_t n;
};

static int take_path(void *arg, uint64_t mac, unsigned index, const char *name, bool is_folder)
{
    struct part *p = arg;
    if (is_folder)
        return 0;
    if (*p->walk->folder) {
        pfs_buf_str_add(&p->paths, p->walk->folder);
        pfs_buf_char(&p->paths, '/');
    }
    pfs_buf_add(&p->paths, name, strlen(name) + 1);
    return ++p->n >= p->ahead->n_files;
}

/* Whether somebody waits for another part, or for the end. */
static bool is_interrupted(struct pfs_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    bool yes = a->is_wanted || a->stop;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static void make(struct pfs_ahead *a, const struct walk *w)
{
    struct pfs_store *s;
    struct part p = {.ahead = a, .walk = w};
    if (pfs_fs_store(a->fs, &s, NULL) == 0 &&
        pfs_content_list_devices(a->fs->content, s, w->folder, w->mac, take_path, &p, NULL) >= 0 &&
        pfs_buf_error(&p.paths) == 0) {
        const char *path = p.paths.data;
        for (size_t i = 0; i < p.n && !is_interrupted(a); i++, path += strlen(path) + 1)
            pfs_content_prepare(a->fs->content, s, path);
    }
    pfs_buf_done(&p.paths);
}

static bool wait_for_work(struct pfs_ahead *a, struct walk *ret)
{
    pthread_mutex_lock(&a->lock);
    while (!a->is_wanted && !a->stop)
        pthread_cond_wait(&a->wake, &a->lock);
    *ret = a->wanted;
    a->is_wanted = false;
    bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return !stop;
}

static void *run(void *arg)
{
    struct pfs_ahead *a = arg;
    struct walk w;
    while (wait_for_work(a, &w))
        make(a, &w);
    return NULL;
}

/* ---- starting and stopping ---- */

static void free_ahead(struct pfs_ahead *a)
{
    pfs_map_done_with_values(&a->marks);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a);
}

int pfs_ahead_start(struct pfs_fs *fs, struct pfs_ahead **ret, struct pfs_err *err)
{
    *ret = NULL;
    size_t n_files = PFS_MIN(fs->max_nodes / SHARE, (size_t)FILES);
    if (n_files == 0)
        return 0;
    struct pfs_ahead *a = calloc(1, sizeof *a);
    if (!a)
        return pfs_err_nomem(err);
    a->fs = fs;
    a->n_files = n_files;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    int r = pthread_create(&a->thread, NULL, run, a);
    if (r != 0) {
        free_ahead(a);
        return pfs_err_sys(err, r, "cannot start a thread");
    }
    *ret = a;
    return 0;
}

void pfs_ahead_stop(struct pfs_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    free_ahead(a);
}

#include "fs/notify.h"

#include <errno.h>
#include <string.h>

enum { BATCH = 512 };

struct pfs_notify {
    struct fuse_session *session;
    struct pfs_nodes *nodes;
    size_t limit;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool over, squeeze, stop, done;
};

static bool wait_for_work(struct pfs_notify *n, bool *ret_squeeze)
{
    pthread_mutex_lock(&n->lock);
    while (!n->over && !n->squeeze && !n->stop)
        pthread_cond_wait(&n->wake, &n->lock);
    *ret_squeeze = n->squeeze;
    n->over = n->squeeze = false;
    bool stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return !stop;
}

static bool is_stopping(struct pfs_notify *n)
{
    pthread_mutex_lock(&n->lock);
    bool stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return stop;
}

/* Drops a batch of names. An answer of ENOENT is as good: the kernel had dropped it already. */
static void drop_oldest(struct pfs_notify *n, size_t max)
{
    struct pfs_node_name names[BATCH];
    size_t got = pfs_nodes_oldest(n->nodes, names, PFS_MIN(max, (size_t)BATCH));
    for (size_t i = 0; i < got; i++) {
        if (!is_stopping(n))
            fuse_lowlevel_notify_inval_entry(n->session, names[i].parent, names[i].name,
                                             strlen(names[i].name));
        free(names[i].name);
    }
}

static size_t how_many(const struct pfs_notify *n, bool squeeze)
{
    size_t count = pfs_nodes_count(n->nodes);
    size_t over = count > n->limit ? count - n->limit + n->limit / 16 : 0;
    return squeeze ? PFS_MAX(over, count / 2) : over;
}

/* One round over what is too much; names that are open stay, so there is no second. */
static void *run(void *arg)
{
    struct pfs_notify *n = arg;
    bool squeeze;
    while (wait_for_work(n, &squeeze))
        for (size_t over = how_many(n, squeeze); over > 0; over -= PFS_MIN(over, (size_t)BATCH))
            drop_oldest(n, over);
    pthread_mutex_lock(&n->lock);
    n->done = true;
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

int pfs_notify_start(struct fuse_session *se, struct pfs_nodes *nodes, size_t limit, struct pfs_notify **ret,
                     struct pfs_err *err)
{
    struct pfs_notify *n = calloc(1, sizeof *n);
    if (!n)
        return pfs_err_nomem(err);
    *n = (struct pfs_notify){.session = se, .nodes = nodes, .limit = limit};
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->wake, NULL);
    int r = pthread_create(&n->thread, NULL, run, n);
    if (r != 0) {
        pthread_mutex_destroy(&n->lock);
        pthread_cond_destroy(&n->wake);
        free(n);
        return pfs_err_sys(err, r, "cannot start a thread");
    }
    *ret = n;
    return 0;
}

void pfs_notify_end(struct pfs_notify *n)
{
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
}

bool pfs_notify_is_done(struct pfs_notify *n)
{
    pthread_mutex_lock(&n->lock);
    bool done = n->done;
    pthread_mutex_unlock(&n->lock);
    return done;
}

void pfs_notify_stop(struct pfs_notify *n)
{
    if (!n)
        return;
    pfs_notify_end(n);
    pthread_join(n->thread, NULL);
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->wake);
    free(n);
}

void pfs_notify_grown(struct pfs_notify *n)
{
    if (!n || pfs_nodes_count(n->nodes) <= n->limit)
        return;
    pthread_mutex_lock(&n->lock);
    n->over = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
}

void pfs_notify_squeeze(struct pfs_notify *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->squeeze = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
}

#include "fs/keep.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "store/doorbell.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    DEVICES_MAX = 256, /* dropped by name in one ring; more are dropped all at once */
    NAMES_MAX = 512,
    URGENT_NICE = -15,
    NOTIFY_INC_EPOCH = 8, /* of linux/fuse.h since 7.44: newer than Debian 12's */
};

struct pfs_keeper {
    struct pfs_fs *fs;
    struct fuse_session *session;
    pthread_t thread;
    struct pfs_doorbell *doorbell; /* woken: the end has come */
    uint64_t rings;                /* atomic */
    int64_t due;                   /* atomic: the second at which a kept name leads elsewhere by itself */
    bool stop, done;               /* atomic */
    bool knows;                    /* `at` was read */
    bool has_epoch;                /* as far as is known */
    struct pfs_watermark at;
    uint64_t templates; /* their generation */
};

/* What a ring found touched. */
struct touched {
    bool all;
    size_t n;
    uint64_t devices[DEVICES_MAX];
};

/* ---- what was touched ---- */

static int note_touched(void *arg, enum pfs_scope scope, int64_t id)
{
    struct touched *t = arg;
    if (scope != PFS_SCOPE_DEVICE || t->n == DEVICES_MAX) {
        t->all = true;
        return 1;
    }
    t->devices[t->n++] = (uint64_t)id;
    return 0;
}

/* In a snapshot. */
static int read_changes(struct pfs_keeper *k, struct pfs_store *s, struct touched *t, struct pfs_err *err)
{
    struct pfs_watermark at;
    int r = pfs_store_watermark(s, &at, err);
    if (r < 0)
        return r;
    if (!k->knows || at.epoch != k->at.epoch || at.gen < k->at.gen)
        t->all = true;
    else if (at.gen > k->at.gen)
        r = pfs_store_changes(s, k->at.gen, note_touched, t, err);
    if (r == -ESTALE)
        t->all = true;
    else if (r < 0)
        return r;
    k->at = at;
    k->knows = true;
    return 0;
}

/* Where the inventory cannot be read nothing is known, and nothing may be kept. */
static void look(struct pfs_keeper *k, struct touched *t)
{
    struct pfs_err err = {""};
    struct pfs_store *s;
    int r = pfs_fs_store(k->fs, &s, &err);
    if (r == 0)
        r = pfs_store_begin(s, &err);
    if (r == 0) {
        r = read_changes(k, s, t, &err);
        pfs_store_end(s);
    }
    if (r < 0) {
        t->all = k->knows; /* once */
        k->knows = false;
    }
    uint64_t templates = pfs_content_generation(k->fs->content);
    t->all |= templates != k->templates;
    k->templates = templates;
    if (pfs_time_now() >= __atomic_load_n(&k->due, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&k->due, INT64_MAX, __ATOMIC_SEQ_CST);
        t->all = true;
    }
}

/* ---- dropping ---- */

/* An answer of ENOENT is as good: the kernel had dropped it already. */
static void drop_name(struct pfs_keeper *k, struct pfs_node_name *n)
{
    if (!__atomic_load_n(&k->stop, __ATOMIC_SEQ_CST))
        fuse_lowlevel_notify_inval_entry(k->session, n->parent, n->name, strlen(n->name));
    free(n->name);
}

static void drop_device(struct pfs_keeper *k, uint64_t mac)
{
    struct pfs_node_name names[NAMES_MAX];
    size_t n = pfs_nodes_of_device(k->fs->nodes, mac, names, NAMES_MAX);
    for (size_t i = 0; i < n; i++)
        drop_name(k, &names[i]);
}

/* One message, whatever the kernel keeps. libfuse 3.14 has no function for it. */
static bool raise_epoch(struct pfs_keeper *k)
{
    struct {
        uint32_t len;
        int32_t error;
        uint64_t unique;
    } message = {.len = sizeof message, .error = NOTIFY_INC_EPOCH};
    if (!k->has_epoch)
        return false;
    ssize_t n = write(fuse_session_fd(k->session), &message, sizeof message);
    if (n < 0 && errno == EINVAL) {
        pfs_log(PFS_LOG_INFO, "check=commit: this kernel drops names one by one");
        k->has_epoch = false;
    }
    return n == (ssize_t)sizeof message;
}

static void drop_each(struct pfs_keeper *k)
{
    struct pfs_node_name names[NAMES_MAX];
    size_t left = pfs_nodes_count(k->fs->nodes), n;
    for (; left > 0 && (n = pfs_nodes_oldest(k->fs->nodes, names, PFS_MIN(left, (size_t)NAMES_MAX))) > 0;
         left -= n)
        for (size_t i = 0; i < n; i++)
            drop_name(k, &names[i]);
}

static void serve_ring(struct pfs_keeper *k)
{
    struct touched t = {0};
    look(k, &t);
    if (!t.all && t.n == 0)
        return;
    __atomic_add_fetch(&k->rings, 1, __ATOMIC_SEQ_CST);
    if (t.all && !raise_epoch(k))
        drop_each(k);
    for (size_t i = 0; !t.all && i < t.n; i++)
        drop_device(k, t.devices[i]);
}

/* Whoever waits for new bytes waits for this thread, on a machine that may be busy serving the old ones. It
 * does little each time. Where the process may not ask for that it goes as the others do. */
static void hurry(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), URGENT_NICE);
}

static void *run(void *arg)
{
    struct pfs_keeper *k = arg;
    hurry();
    while (!__atomic_load_n(&k->stop, __ATOMIC_SEQ_CST)) {
        serve_ring(k);
        pfs_doorbell_wait(k->doorbell, k->knows, PFS_DOORBELL_LOOK_MS);
    }
    __atomic_store_n(&k->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* ---- beginning and end ---- */

static void free_keeper(struct pfs_keeper *k)
{
    pfs_doorbell_free(k->doorbell);
    free(k);
}

int pfs_keeper_start(struct pfs_fs *fs, struct fuse_session *se, struct pfs_keeper **ret, struct pfs_err *err)
{
    struct pfs_keeper *k = calloc(1, sizeof *k);
    if (!k)
        return pfs_err_nomem(err);
    *k = (struct pfs_keeper){.fs = fs, .session = se, .due = INT64_MAX, .has_epoch = true};
    int r = pfs_doorbell_new(fs->context.config->database, &k->doorbell, err);
    if (r == 0 && !pfs_doorbell_hears(k->doorbell))
        r = pfs_err_sys(err, errno, "cannot watch the inventory's folder");
    if (r == 0 && (r = pthread_create(&k->thread, NULL, run, k)) != 0)
        r = pfs_err_sys(err, r, "cannot start a thread");
    if (r < 0) {
        free_keeper(k);
        return r;
    }
    *ret = k;
    return 0;
}

void pfs_keeper_end(struct pfs_keeper *k)
{
    __atomic_store_n(&k->stop, true, __ATOMIC_SEQ_CST);
    pfs_doorbell_wake(k->doorbell);
}

bool pfs_keeper_is_done(struct pfs_keeper *k)
{
    return __atomic_load_n(&k->done, __ATOMIC_SEQ_CST);
}

void pfs_keeper_stop(struct pfs_keeper *k)
{
    if (!k)
        return;
    pfs_keeper_end(k);
    pthread_join(k->thread, NULL);
    free_keeper(k);
}

/* ---- for those who look names up ---- */

uint64_t pfs_keeper_ring(const struct pfs_keeper *k)
{
    return k ? __atomic_load_n(&k->rings, __ATOMIC_SEQ_CST) : 0;
}

/* The thread looks no later than the earliest of these. */
static void note_due(struct pfs_keeper *k, int64_t due)
{
    int64_t earliest = __atomic_load_n(&k->due, __ATOMIC_SEQ_CST);
    while (due < earliest &&
           !__atomic_compare_exchange_n(&k->due, &earliest, due, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

bool pfs_keeper_keep(struct pfs_keeper *k, uint64_t ring, uint64_t parent, const char *name, const char *path,
                     const struct pfs_version *v)
{
    uint64_t mac;
    int64_t due;
    if (!k || !pfs_content_is_canonical(k->fs->content, path, v, &mac, &due) ||
        pfs_nodes_keep(k->fs->nodes, v->id, parent, name, mac) < 0)
        return false;
    note_due(k, due);
    return ring == pfs_keeper_ring(k);
}

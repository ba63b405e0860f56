#include "fs/keep.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/uio.h>

enum {
    POLL_MS = 100,     /* between looks where nobody rings */
    DEVICES_MAX = 256, /* dropped by name in one ring; more are dropped all at once */
    NAMES_MAX = 512,
    NOTIFY_INC_EPOCH = 8, /* of linux/fuse.h since 7.44: newer than Debian 12's */
};

struct pfs_keeper {
    struct pfs_fs *fs;
    struct fuse_session *session;
    pthread_t thread;
    int doorbell; /* inotify */
    int wake;     /* eventfd: to end, or an earlier time is due */
    char *lock_name;
    uint64_t rings;  /* atomic */
    int64_t due;     /* atomic: the second at which a kept name leads elsewhere by itself */
    bool stop, done; /* atomic */
    bool knows;      /* `at` was read */
    bool has_epoch;  /* as far as is known */
    struct pfs_watermark at;
    uint64_t templates; /* their generation */
};

/* What a ring found touched. */
struct touched {
    bool all;
    size_t n;
    uint64_t devices[DEVICES_MAX];
};

/* ---- the doorbell ---- */

static int open_doorbell(struct pfs_keeper *k, struct pfs_err *err)
{
    const char *database = k->fs->context.config->database, *slash = strrchr(database, '/');
    autofree char *folder = strndup(database, slash ? (size_t)PFS_MAX(slash - database, 1) : 0);
    if (!folder || asprintf(&k->lock_name, "%s.lock", slash ? slash + 1 : database) < 0)
        return pfs_err_nomem(err);
    k->doorbell = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (k->doorbell < 0 || inotify_add_watch(k->doorbell, *folder ? folder : ".", IN_CLOSE_WRITE) < 0)
        return pfs_err_sys(err, errno, "cannot watch the inventory's folder");
    return 0;
}

/* Takes what inotify has: whether the lock was closed, or so much happened that it does not know. */
static bool has_rung(struct pfs_keeper *k)
{
    _Alignas(struct inotify_event) char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    bool rung = false;
    ssize_t n;
    while ((n = read(k->doorbell, buf, sizeof buf)) > 0) {
        for (const char *at = buf; at < buf + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)at;
            rung |=
                (e->mask & (IN_Q_OVERFLOW | IN_IGNORED)) || (e->len && strcmp(e->name, k->lock_name) == 0);
            at += sizeof *e + e->len;
        }
    }
    return rung;
}

/* Until the doorbell, the wake-up call, or the time for a look. */
static void wait_for_ring(struct pfs_keeper *k)
{
    struct pollfd fds[] = {{.fd = k->doorbell, .events = POLLIN}, {.fd = k->wake, .events = POLLIN}};
    uint64_t n;
    poll(fds, PFS_N_ELEMENTS(fds), POLL_MS);
    has_rung(k);
    if (fds[1].revents && read(k->wake, &n, sizeof n) < 0 && errno != EAGAIN)
        pfs_log(PFS_LOG_WARNING, "check=commit: %s", strerrordesc_np(errno));
}

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

static void *run(void *arg)
{
    struct pfs_keeper *k = arg;
    while (!__atomic_load_n(&k->stop, __ATOMIC_SEQ_CST)) {
        serve_ring(k);
        wait_for_ring(k);
    }
    __atomic_store_n(&k->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* ---- beginning and end ---- */

static void free_keeper(struct pfs_keeper *k)
{
    pfs_cleanup_fd(&k->doorbell);
    pfs_cleanup_fd(&k->wake);
    free(k->lock_name);
    free(k);
}

int pfs_keeper_start(struct pfs_fs *fs, struct fuse_session *se, struct pfs_keeper **ret, struct pfs_err *err)
{
    struct pfs_keeper *k = calloc(1, sizeof *k);
    if (!k)
        return pfs_err_nomem(err);
    *k = (struct pfs_keeper){.fs = fs, .session = se, .doorbell = -1, .due = INT64_MAX, .has_epoch = true};
    k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = k->wake < 0 ? pfs_err_sys(err, errno, "eventfd") : open_doorbell(k, err);
    if (r == 0 && (r = pthread_create(&k->thread, NULL, run, k)) != 0)
        r = pfs_err_sys(err, r, "cannot start a thread");
    if (r < 0) {
        free_keeper(k);
        return r;
    }
    *ret = k;
    return 0;
}

static void ring(struct pfs_keeper *k)
{
    static const uint64_t one = 1;
    if (write(k->wake, &one, sizeof one) < 0 && errno != EAGAIN)
        pfs_log(PFS_LOG_WARNING, "check=commit: %s", strerrordesc_np(errno));
}

void pfs_keeper_end(struct pfs_keeper *k)
{
    __atomic_store_n(&k->stop, true, __ATOMIC_SEQ_CST);
    ring(k);
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

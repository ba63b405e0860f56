/* The follower of the inventory: what the audit says of each commit, to the ring. */
#include "base/log.h"
#include "core/events_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    RETRY_MS = 1000, /* after the store has failed */
    WAIT_MS = 500,   /* for a lock of another */
    BATCH = 4096,    /* rows read in one snapshot, so that none is held for long */
};

struct follower {
    struct pfs_events *events;
    uint64_t order;
    bool active; /* somebody reads */
    bool failed; /* the store could not be read; said once */

    struct pfs_store *store;
    dev_t dev; /* the file it was opened on */
    ino_t ino;

    bool started;            /* told up to here: */
    struct pfs_watermark at; /* … every change */
    int64_t after_id;        /* … and of later ones those up to this row; 0: none */

    FILE *out; /* a batch being read */
    size_t n;
    int64_t last_id;
};

/* ---- waiting for a commit ---- */

/* Sleeps until there may be something to do. */
static void wait_for_work(struct follower *f)
{
    int timeout = f->failed ? RETRY_MS : PFS_DOORBELL_LOOK_MS;
    pfs_doorbell_wait(f->events->doorbell, f->active && !f->failed, f->active ? timeout : -1);
}

/* Takes up what has been ordered since. False: to end. */
static bool take_orders(struct follower *f)
{
    struct pfs_events *e = f->events;
    pthread_mutex_lock(&e->lock);
    if (f->order != e->order) {
        f->order = e->order;
        f->started = e->has_from;
        f->at = e->from;
        f->after_id = 0;
    }
    f->active = e->n_readers > 0;
    bool go_on = !e->stopping;
    pthread_mutex_unlock(&e->lock);
    return go_on;
}

/* ---- reading the audit ---- */

/* A database that was put in the place of another is opened anew. */
static int open_store(struct follower *f, struct pfs_err *err)
{
    struct stat st;
    if (stat(f->events->database, &st) < 0)
        return f->store ? 0 : pfs_err_sys(err, errno, f->events->database);
    if (f->store && st.st_dev == f->dev && st.st_ino == f->ino)
        return 0;
    if (f->store)
        pfs_store_close(steal_ptr(&f->store));
    int r = pfs_store_open(f->events->database, f->events->catalogue, &f->store, err);
    if (r < 0)
        return r;
    pfs_store_patience(f->store, WAIT_MS);
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    return 0;
}

static int tell_row(void *arg, const struct pfs_log_row *row)
{
    struct follower *f = arg;
    pfs_events_print_change(f->out, row->gen, row->time, row->kind, row->object, row->key);
    f->last_id = row->id;
    return ++f->n == BATCH;
}

/* Another inventory, or an older state of this one, is in its place. */
static void tell_all(struct follower *f, const struct pfs_watermark *now)
{
    pfs_events_print_change(f->out, now->gen, time(NULL), "all", "", NULL);
    f->at = *now;
    f->after_id = 0;
}

/* Prints what comes next. 1: there may be more. In the snapshot. */
static int tell_changes(struct follower *f, struct pfs_err *err)
{
    struct pfs_watermark now;
    int r = pfs_store_watermark(f->store, &now, err);
    if (r < 0)
        return r;
    if (!f->started) {
        f->started = true;
        f->at = now;
    }
    if (now.epoch != f->at.epoch || now.gen < f->at.gen)
        tell_all(f, &now);
    if (now.gen == f->at.gen)
        return 0;
    struct pfs_log_filter filter = {.after_gen = f->after_id ? 0 : f->at.gen, .after_id = f->after_id};
    f->n = 0;
    r = pfs_store_log(f->store, &filter, tell_row, f, err);
    if (r == 1)
        f->after_id = f->last_id;
    if (r == 0) {
        f->at = now;
        f->after_id = 0;
    }
    return r;
}

/* One snapshot's worth. 1: there may be more. */
static int tell_batch(struct follower *f, struct pfs_err *err)
{
    autofree char *text = NULL;
    size_t len = 0;
    int r = open_store(f, err);
    if (r == 0)
        r = pfs_store_begin(f->store, err);
    if (r < 0)
        return r;
    f->out = open_memstream(&text, &len);
    r = f->out ? tell_changes(f, err) : pfs_err_nomem(err);
    pfs_store_end(f->store);
    if (f->out && fclose(f->out) < 0)
        r = pfs_err_nomem(err);
    if (r >= 0 && len > 0)
        pfs_events_append(f->events, f->order, text, len);
    return r;
}

static void catch_up(struct follower *f)
{
    struct pfs_err err = {""};
    int r;
    do
        r = tell_batch(f, &err);
    while (r == 1 && take_orders(f) && f->active);
    if (r < 0 && !f->failed)
        pfs_log(PFS_LOG_ERROR, "events: %s", pfs_err_text(&err, r));
    f->failed = r < 0;
}

void *pfs_events_follow(void *arg)
{
    struct follower f = {.events = arg};
    while (take_orders(&f)) {
        if (f.active)
            catch_up(&f);
        wait_for_work(&f);
    }
    if (f.store)
        pfs_store_close(f.store);
    return NULL;
}

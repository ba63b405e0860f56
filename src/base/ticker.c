#include "base/ticker.h"

#include <pthread.h>
#include <time.h>

struct pfs_ticker {
    unsigned interval_ms;
    void (*fn)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

static bool wait_or_stop(struct pfs_ticker *t)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += t->interval_ms % 1000 * 1000000L;
    until.tv_sec += t->interval_ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&t->lock);
    while (!t->stop && pthread_cond_timedwait(&t->wake, &t->lock, &until) == 0) {
    }
    bool stop = t->stop;
    pthread_mutex_unlock(&t->lock);
    return stop;
}

static void *run(void *arg)
{
    struct pfs_ticker *t = arg;
    while (!wait_or_stop(t))
        t->fn(t->arg);
    return NULL;
}

static void free_ticker(struct pfs_ticker *t)
{
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->wake);
    free(t);
}

int pfs_ticker_start(unsigned interval_ms, void (*fn)(void *arg), void *arg, struct pfs_ticker **ret,
                     struct pfs_err *err)
{
    struct pfs_ticker *t = calloc(1, sizeof *t);
    if (!t)
        return pfs_err_nomem(err);
    *t = (struct pfs_ticker){.interval_ms = interval_ms, .fn = fn, .arg = arg};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int r = pthread_create(&t->thread, NULL, run, t);
    if (r != 0) {
        free_ticker(t);
        return pfs_err_sys(err, r, "cannot start a thread");
    }
    *ret = t;
    return 0;
}

void pfs_ticker_stop(struct pfs_ticker *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    free_ticker(t);
}

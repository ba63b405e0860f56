#include "fs/channel.h"
#include "fs/fs.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAK = 32,        /* requests of one thread, after which it is served alone … */
    GATHER = 32,        /* … and so many more until the others have all come out of the kernel */
    LOOK_NS = 100000,   /* how long a request is looked for: a busy server's next comes within 60 µs */
    VAIN_MAX = 8,       /* looks in vain, after which … */
    SELDOM = 16,        /* … one request in so many is followed by a look */
    REST_NS = 1000000,  /* how long the others rest between glances at the one that serves */
    ALIVE_NS = 2000000, /* one not seen for so long is at something that takes time */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* A number of this thread's own, not 0. */
static uintptr_t self(void)
{
    static __thread char mark;
    return (uintptr_t)&mark;
}

static bool serves_alone(const struct pfs_channel *c)
{
    return __atomic_load_n(&c->server, __ATOMIC_RELAXED) == self();
}

static void note_alive(struct pfs_channel *c, int64_t now)
{
    __atomic_store_n(&c->alive, now, __ATOMIC_RELAXED);
}

void pfs_channel_end(struct pfs_channel *c)
{
    __atomic_store_n(&c->streak, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&c->server, 0, __ATOMIC_RELAXED);
}

/* Whoever looks mostly is faster than a thread that the kernel wakes: that one would wait there for ever. */
static bool gathers(const struct pfs_channel *c)
{
    return __atomic_load_n(&c->server, __ATOMIC_RELAXED) != 0 &&
           __atomic_load_n(&c->streak, __ATOMIC_RELAXED) < STREAK + GATHER;
}

static bool is_worth_a_look(struct pfs_channel *c)
{
    if (gathers(c))
        return false;
    uint32_t vain = __atomic_load_n(&c->vain, __ATOMIC_RELAXED);
    return vain < VAIN_MAX || __atomic_add_fetch(&c->vain, 1, __ATOMIC_RELAXED) % SELDOM == 0;
}

/* True: a request is there. */
static bool wait_awake(struct pfs_channel *c, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t now = now_ns(), end = now + LOOK_NS;
    while (poll(&p, 1, 0) == 0) {
        note_alive(c, now);
        if (now >= end)
            return false;
        sched_yield();
        now = now_ns();
    }
    return true;
}

/* One thread at a time. */
static void look(struct pfs_channel *c, int fd)
{
    if (!is_worth_a_look(c) || __atomic_exchange_n(&c->looking, true, __ATOMIC_RELAXED))
        return;
    if (wait_awake(c, fd)) {
        __atomic_store_n(&c->vain, 0, __ATOMIC_RELAXED);
    } else {
        __atomic_add_fetch(&c->vain, 1, __ATOMIC_RELAXED);
        pfs_channel_end(c);
    }
    __atomic_store_n(&c->looking, false, __ATOMIC_RELAXED);
}

/* Until there is something to do for this thread. */
static void rest(struct pfs_channel *c)
{
    static const struct timespec while_ = {.tv_nsec = REST_NS};
    while (__atomic_load_n(&c->server, __ATOMIC_RELAXED) != 0) {
        if (now_ns() - __atomic_load_n(&c->alive, __ATOMIC_RELAXED) > ALIVE_NS)
            pfs_channel_end(c);
        else
            nanosleep(&while_, NULL);
    }
}

/* The kernel's own requests (a name forgotten) have no thread, and say nothing. */
static void note_request(struct pfs_channel *c, uint32_t requester)
{
    uintptr_t nobody = 0;
    if (requester == 0)
        return;
    if (__atomic_exchange_n(&c->requester, requester, __ATOMIC_RELAXED) != requester) {
        pfs_channel_end(c);
    } else if (__atomic_add_fetch(&c->streak, 1, __ATOMIC_RELAXED) >= STREAK) {
        note_alive(c, now_ns());
        __atomic_compare_exchange_n(&c->server, &nobody, self(), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

/* fuse_custom_io: as read(2). */
static ssize_t take_request(int fd, void *buf, size_t len, void *arg)
{
    struct pfs_channel *c = &((struct pfs_fs *)arg)->channel;
    if (!serves_alone(c))
        rest(c);
    look(c, fd);
    ssize_t n = read(fd, buf, len);
    if (n >= (ssize_t)sizeof(struct fuse_in_header))
        note_request(c, ((const struct fuse_in_header *)buf)->pid);
    return n;
}

static ssize_t answer(int fd, struct iovec *iov, int n, void *arg)
{
    return writev(fd, iov, n);
}

int pfs_channel_use(struct fuse_session *session, struct pfs_err *err)
{
    static const struct fuse_custom_io io = {.read = take_request, .writev = answer};
    int r = fuse_session_custom_io(session, &io, fuse_session_fd(session));
    return r < 0 ? pfs_err_set(err, EIO, "libfuse does not take requests so: %s", strerror(-r)) : 0;
}

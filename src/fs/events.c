/* Reads and polls of control/events. A read that has nothing yet is parked and answered by the hub's thread
 * when a line comes: no serving thread ever waits, and no notification is sent from one. */
#include "fs/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

/* A read that waits. Owned by the hub's callback from the moment it is parked. */
struct wait {
    fuse_req_t req;
    struct pfs_fs *fs;
    struct pfs_handle *handle;
    size_t size;
};

static void park(struct wait *w);

/* pfs_events_fn, in the hub's thread. */
static void answer(void *arg, int r)
{
    struct wait *w = arg;
    autofree char *buf = malloc(w->size + 1);
    ssize_t n = !buf    ? -ENOMEM
                : r < 0 ? r
                        : pfs_handle_read(w->handle, w->handle->call.context, buf, w->size, 0, NULL);
    if (n == -EWOULDBLOCK) { /* another reader of the descriptor was faster */
        park(w);
        return;
    }
    fuse_req_interrupt_func(w->req, NULL, NULL);
    if (n == -ESHUTDOWN)
        fuse_reply_buf(w->req, NULL, 0); /* the end: the mount goes */
    else if (n < 0)
        fuse_reply_err(w->req, (int)-n);
    else
        fuse_reply_buf(w->req, buf, (size_t)n);
    free(w);
}

static void interrupted(fuse_req_t req, void *ticket)
{
    struct pfs_fs *fs = fuse_req_userdata(req);
    pfs_events_interrupt(fs->tree.events, (uint64_t)(uintptr_t)ticket);
}

static void park(struct wait *w)
{
    struct pfs_events *hub = w->fs->tree.events;
    uint64_t ticket = pfs_events_reserve(hub, answer, w);
    if (!ticket) {
        fuse_reply_err(w->req, EAGAIN);
        free(w);
        return;
    }
    fuse_req_interrupt_func(w->req, interrupted, (void *)(uintptr_t)ticket);
    pfs_events_park(hub, ticket, pfs_handle_events(w->handle));
}

void pfs_events_wait_read(fuse_req_t req, struct pfs_handle *h, size_t size, const struct fuse_file_info *fi)
{
    struct wait *w = fi->flags & O_NONBLOCK ? NULL : malloc(sizeof *w);
    if (!w) {
        fuse_reply_err(req, fi->flags & O_NONBLOCK ? EAGAIN : ENOMEM);
        return;
    }
    *w = (struct wait){.req = req, .fs = fuse_req_userdata(req), .handle = h, .size = size};
    park(w);
}

/* A poll that waits. */
struct poller {
    struct fuse_pollhandle *ph;
};

/* pfs_events_fn, in the hub's thread: the one place from which the kernel is told. */
static void tell_poller(void *arg, int r)
{
    struct poller *p = arg;
    fuse_lowlevel_notify_poll(p->ph);
    fuse_pollhandle_destroy(p->ph);
    free(p);
}

void pfs_events_poll(fuse_req_t req, struct pfs_handle *h, struct fuse_pollhandle *ph)
{
    struct pfs_fs *fs = fuse_req_userdata(req);
    struct pfs_events *hub = fs->tree.events;
    bool ready = pfs_events_ready(hub, pfs_handle_events(h));
    struct poller *p = ph && !ready ? malloc(sizeof *p) : NULL;
    uint64_t ticket = 0;
    if (p) {
        p->ph = ph;
        ticket = pfs_events_reserve(hub, tell_poller, p);
    }
    if (ticket) {
        pfs_events_park(hub, ticket, pfs_handle_events(h));
    } else if (ph) {
        fuse_pollhandle_destroy(ph);
        free(p);
    }
    fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}

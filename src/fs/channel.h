/* How the serving threads take requests from the kernel.
 *
 * To wake a halted processor takes longer than to answer a look-up, and who fetches many files asks again in
 * an instant. So one thread that has answered looks for the next request for a moment before it waits in the
 * kernel, as the others do, and gives way to whoever wants the processor. While all requests come from one
 * thread (nginx's only worker, lighttpd, ls), which waits for each, one of ours serves it alone, and the
 * others rest: the kernel would wake one of them for each request, in vain. With the first request of another
 * thread, or one that takes long, all take part again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fuse_session;
struct pfs_err;

/* Zeroed at first. Each member atomic. */
struct pfs_channel {
    uint32_t requester; /* the thread whose request came last */
    uint32_t streak;    /* how many came from it without a break */
    uintptr_t server;   /* the thread of ours that serves it alone; 0: all do */
    int64_t alive;      /* when that one was last seen to take a request or to look for one, ns */
    bool looking;       /* a thread looks for a request */
    uint32_t vain;      /* looks in a row that found none, and what came since they are too many */
};

/* Has the session's requests taken so; `channel` is that of its user data, a struct pfs_fs. After it is
 * mounted, before the loop. */
int pfs_channel_use(struct fuse_session *session, struct pfs_err *err);

/* Whoever is served alone is so no longer. */
void pfs_channel_end(struct pfs_channel *c);

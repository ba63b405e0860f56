#include "store/doorbell.h"
#include "store/db.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

struct pfs_doorbell {
    char *lock_path, *folder;
    int bell; /* inotify; -1: there is none */
    int wake; /* eventfd */
};

int pfs_doorbell_new(const char *database, struct pfs_doorbell **ret, struct pfs_err *err)
{
    struct pfs_doorbell *d = calloc(1, sizeof *d);
    if (!d)
        return pfs_err_nomem(err);
    const char *slash = strrchr(database, '/');
    d->lock_path = pfs_db_beside(database, ".lock");
    d->folder = slash ? strndup(database, (size_t)(slash - database) + 1) : strdup(".");
    d->bell = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = 0;
    if (d->wake < 0)
        r = pfs_err_sys(err, errno, "eventfd");
    else if (!d->lock_path || !d->folder)
        r = pfs_err_nomem(err);
    if (r < 0)
        pfs_doorbell_free(d);
    else
        *ret = d;
    return r;
}

void pfs_doorbell_free(struct pfs_doorbell *d)
{
    if (!d)
        return;
    pfs_cleanup_fd(&d->bell);
    pfs_cleanup_fd(&d->wake);
    free(d->lock_path);
    free(d->folder);
    free(d);
}

/* The lock file may be made only later, or be put in the place of another: asked for again each time. Until
 * it is there, the next file closed beside it is as good. */
bool pfs_doorbell_hears(struct pfs_doorbell *d)
{
    return d->bell >= 0 && (inotify_add_watch(d->bell, d->lock_path, IN_CLOSE_WRITE) >= 0 ||
                            inotify_add_watch(d->bell, d->folder, IN_CLOSE_WRITE | IN_ONESHOT) >= 0);
}

static void drain(int fd)
{
    char buffer[4096];
    while (fd >= 0 && read(fd, buffer, sizeof buffer) > 0) {
    }
}

void pfs_doorbell_wait(struct pfs_doorbell *d, bool listen, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = d->wake, .events = POLLIN},
                           {.fd = listen && pfs_doorbell_hears(d) ? d->bell : -1, .events = POLLIN}};
    poll(fds, PFS_N_ELEMENTS(fds), timeout_ms);
    drain(d->wake);
    drain(d->bell);
}

void pfs_doorbell_wake(struct pfs_doorbell *d)
{
    if (d)
        eventfd_write(d->wake, 1);
}

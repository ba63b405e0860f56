#include "store/lock.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { RETRY_MS = 2 };

static int open_error(int errnum, const char *path, struct pfs_err *err)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
    case EROFS:
        return pfs_err_set(err, EROFS, "inventory is read-only: no access to %s", path);
    case ENOSPC:
    case EDQUOT:
        return pfs_err_set(err, ENOSPC, "inventory: the disk is full");
    case ENOENT:
    case ENOMEM:
        return pfs_err_sys(err, errnum, path);
    default:
        return pfs_err_set(err, EIO, "%s: %s", path, strerrordesc_np(errnum));
    }
}

int pfs_lock_take(const char *path, int64_t deadline_ms, int *ret_fd, struct pfs_err *err)
{
    autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return open_error(errno, path, err);
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return open_error(errno, path, err);
        if (pfs_db_now_ms() >= deadline_ms)
            return pfs_err_set(err, EBUSY, "inventory is in use by another writer");
        sqlite3_sleep(RETRY_MS);
    }
    *ret_fd = steal_fd(&fd);
    return 0;
}

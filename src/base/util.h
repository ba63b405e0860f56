/* Small things every floor uses: ownership by scope, array sizes, minimum and maximum.
 *
 * Ownership: what a function owns for the length of a block carries a cleanup attribute; what it hands
 * over is passed through steal_ptr(), which leaves NULL behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PFS_CLEANUP(fn) __attribute__((cleanup(fn)))
#define PFS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PFS_N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define PFS_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PFS_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Takes the pointer out of *p and leaves NULL: the caller of the expression owns it from now on. */
#define steal_ptr(p)                                                                                         \
    __extension__({                                                                                          \
        __auto_type steal_p_ = (p);                                                                          \
        __auto_type steal_v_ = *steal_p_;                                                                    \
        *steal_p_ = NULL;                                                                                    \
        steal_v_;                                                                                            \
    })

static inline int steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

static inline void pfs_cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void pfs_cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void pfs_cleanup_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define autofree PFS_CLEANUP(pfs_cleanup_free)
#define autofd PFS_CLEANUP(pfs_cleanup_fd)
#define autofile PFS_CLEANUP(pfs_cleanup_file)

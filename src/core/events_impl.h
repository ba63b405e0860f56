/* Inside the event hub: what its ring and its follower of the inventory share. */
#pragma once

#include "core/events.h"
#include "store/doorbell.h"

#include <pthread.h>

struct line {
    uint32_t len; /* with the newline */
    char text[];
};

/* Somebody who waits for a line. */
struct waiter {
    struct waiter *next;
    uint64_t ticket;
    pfs_events_fn fn;
    void *arg;
    uint64_t from; /* the line it waits for */
    bool parked, interrupted;
    int result; /* once it is taken out */
};

struct pfs_events {
    char *database;
    const struct pfs_catalogue *catalogue;
    size_t max_lines, max_bytes;
    unsigned n_readers; /* written with the lock; read atomically */

    pthread_mutex_t lock; /* guards what follows; a leaf: nothing else is locked or waited for under it */
    struct line **ring;   /* max_lines, line n at n % max_lines; NULL: lost, as memory was out */
    uint64_t first, next; /* lines first … next - 1 are there */
    size_t bytes;
    uint64_t last_ticket;
    struct waiter *waiters;
    size_t n_waiters;
    bool work, stopping, stopped;
    pthread_cond_t has_work; /* for the thread that calls back */

    uint64_t order; /* raised whenever following is to begin anew, from here: */
    bool has_from;
    struct pfs_watermark from;

    struct pfs_doorbell *doorbell; /* woken: there is a new order, or an end */
    bool calling, following;
    pthread_t caller, follower;
};

/* Appends lines, each ended by a newline; nothing where nobody reads, or where they were made for an older
 * order than the one that holds (0: for any). */
void pfs_events_append(struct pfs_events *e, uint64_t order, const char *text, size_t len);

/* The thread that follows the inventory; arg: the hub. */
void *pfs_events_follow(void *arg);

/* One line of a committed change; time in seconds since 1970. */
void pfs_events_print_change(FILE *out, int64_t gen, int64_t time, const char *kind, const char *object,
                             const char *key);

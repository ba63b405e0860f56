/* A thread that calls a function again and again, until it is stopped. */
#pragma once

#include "base/err.h"

struct pfs_ticker;

/* Calls fn(arg) every interval_ms (1 and up, counted from the end of the last call), first after one
 * interval. */
int pfs_ticker_start(unsigned interval_ms, void (*fn)(void *arg), void *arg, struct pfs_ticker **ret,
                     struct pfs_err *err);
/* Waits for a call that is under way; there is none afterwards. NULL is taken. */
void pfs_ticker_stop(struct pfs_ticker *t);

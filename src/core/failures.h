/* Files that cannot be made as the inventory and the templates are now: what control/errors tells. Bounded:
 * past PFS_FAILURES_MAX further ones are only counted by who asks for them. Thread-safe: one lock inside,
 * held for moments only. */
#pragma once

#include "base/err.h"

enum { PFS_FAILURES_MAX = 1000 };

struct pfs_failures;

int pfs_failures_new(struct pfs_failures **ret); /* 0 or -ENOMEM */
void pfs_failures_free(struct pfs_failures *f);

struct pfs_failure {
    const char *file;   /* canonical name; NULL: it is of no one file (a template) */
    const char *device; /* twelve digits; NULL: the file is common to a model */
    const char *cause;  /* one sentence, `TEMPLATE:LINE: …` */
    int64_t since;      /* seconds since 1970, 0 unknown */
    bool served;        /* the last good version stays in service */
};

/* Notes or renews (`since` stays as it was) the failure of what->file; copies it. */
void pfs_failures_note(struct pfs_failures *f, const struct pfs_failure *what);
/* The file can be made again, or is no more. */
void pfs_failures_clear(struct pfs_failures *f, const char *file);

/* Calls fn for each, in order of name; no lock is held then. fn's non-zero stops and is returned; -ENOMEM. */
typedef int (*pfs_failure_fn)(void *arg, const struct pfs_failure *what);
int pfs_failures_each(struct pfs_failures *f, pfs_failure_fn fn, void *arg);

size_t pfs_failures_count(struct pfs_failures *f);

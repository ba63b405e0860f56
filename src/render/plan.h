/* Renders by plans: what a template, a chain of scopes and a directory fix is put together once.
 *
 * Phones of one file that share a base and set the same keys get nearly the same bytes: only the values that
 * they set themselves differ. So the second render of such a *shape* is traced, and the trace is its plan:
 * the output as literal runs between *holes*, where a value of the phone's own stood, and *guards*, the
 * conditions whose outcome hung on such a value. A later phone of the shape copies the runs and writes its
 * few values, escaped and checked as ever; where a guard comes out differently, or a value cannot be written,
 * it is rendered in full. Either way the bytes are those of pfs_render().
 *
 * A file with contacts has a shape for each directory, and its first render is traced: a customer has several
 * phones. Their plans are as large as the files, so that they are kept apart and drive no others out. */
#pragma once

#include "render/render.h"

struct pfs_plans;

/* limit: bytes that plans take at most, half of it those with contacts; those used least recently go first.
 * 0: 64 MiB. 0 or -ENOMEM. */
int pfs_plans_new(size_t limit, struct pfs_plans **ret);
void pfs_plans_set_limit(struct pfs_plans *p, size_t limit); /* from the next plan on */
void pfs_plans_free(struct pfs_plans *p);

/* As pfs_render() without on_pair: the same bytes, the same errors. plans NULL: renders in full. Thread-safe.
 */
int pfs_plans_render(struct pfs_plans *plans, const struct pfs_file *file, const struct pfs_phone *phone,
                     struct pfs_zones *zones, struct pfs_buf *out, struct pfs_err *err);

struct pfs_plans_counts {
    uint64_t hits, misses; /* renders by a plan; in full */
    size_t n, bytes, limit;
};
void pfs_plans_counts(struct pfs_plans *p, struct pfs_plans_counts *ret);

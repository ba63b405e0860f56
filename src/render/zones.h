/* Time zones already read, so that a render opens no file. Thread-safe. */
#pragma once

#include "model/tz.h"

struct pfs_zones;

int pfs_zones_new(struct pfs_zones **ret); /* 0 or -ENOMEM */
void pfs_zones_free(struct pfs_zones *z);

/* The zone, borrowed until pfs_zones_free(). Errors as pfs_tz_load(). */
int pfs_zones_get(struct pfs_zones *z, const char *name, const struct pfs_tz **ret, struct pfs_err *err);

/* A number that no other zones of this process have or had. */
uint64_t pfs_zones_serial(const struct pfs_zones *z);

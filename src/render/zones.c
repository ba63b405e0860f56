#include "render/zones.h"
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct pfs_zones {
    uint64_t serial;
    pthread_mutex_t lock;
    struct pfs_map by_name; /* to owned struct pfs_tz; the number of zones there are is the limit */
};

int pfs_zones_new(struct pfs_zones **ret)
{
    static uint64_t last_serial;
    struct pfs_zones *z = calloc(1, sizeof *z);
    if (!z)
        return -ENOMEM;
    z->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
    pthread_mutex_init(&z->lock, NULL);
    *ret = z;
    return 0;
}

void pfs_zones_free(struct pfs_zones *z)
{
    if (!z)
        return;
    pfs_map_done_with_values(&z->by_name);
    pthread_mutex_destroy(&z->lock);
    free(z);
}

static int load(struct pfs_zones *z, const char *name, const struct pfs_tz **ret, struct pfs_err *err)
{
    autofree struct pfs_tz *tz = calloc(1, sizeof *tz);
    if (!tz)
        return pfs_err_nomem(err);
    int r = pfs_tz_load(name, tz, err);
    if (r < 0)
        return r;
    if (pfs_map_put(&z->by_name, name, strlen(name), tz, NULL) < 0)
        return pfs_err_nomem(err);
    *ret = steal_ptr(&tz);
    return 0;
}

int pfs_zones_get(struct pfs_zones *z, const char *name, const struct pfs_tz **ret, struct pfs_err *err)
{
    pthread_mutex_lock(&z->lock);
    const struct pfs_tz *tz = pfs_map_get(&z->by_name, name, strlen(name));
    int r = tz ? 0 : load(z, name, &tz, err);
    pthread_mutex_unlock(&z->lock);
    if (r == 0)
        *ret = tz;
    return r;
}

uint64_t pfs_zones_serial(const struct pfs_zones *z)
{
    return z->serial;
}

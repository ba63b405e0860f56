#include "core/version.h"
#include "base/lru.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

struct pfs_cache {
    struct pfs_plans *plans;
    pthread_mutex_t lock;
    size_t limit, bytes;
    uint64_t hits, misses;
    struct pfs_version *newest, *oldest; /* versions whose bytes are held */
};

/* ---- bytes ---- */

struct pfs_bytes *pfs_bytes_new(const char *data, size_t len)
{
    struct pfs_bytes *b = malloc(sizeof *b + len);
    if (!b)
        return NULL;
    b->refs = 1;
    b->len = len;
    if (len)
        memcpy(b->data, data, len);
    return b;
}

static struct pfs_bytes *bytes_ref(struct pfs_bytes *b)
{
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void pfs_bytes_unref(struct pfs_bytes *b)
{
    if (b && __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(b);
}

/* ---- the cache, in order of use ---- */

int pfs_cache_new(size_t limit, struct pfs_plans *plans, struct pfs_cache **ret)
{
    struct pfs_cache *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    c->limit = limit;
    c->plans = plans;
    *ret = c;
    return 0;
}

void pfs_cache_free(struct pfs_cache *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void pfs_cache_counts(struct pfs_cache *c, struct pfs_cache_counts *ret)
{
    pthread_mutex_lock(&c->lock);
    *ret =
        (struct pfs_cache_counts){.hits = c->hits, .misses = c->misses, .bytes = c->bytes, .limit = c->limit};
    pthread_mutex_unlock(&c->lock);
}

/* Takes a version's bytes out; the caller unrefs them without the lock. */
static struct pfs_bytes *drop(struct pfs_cache *c, struct pfs_version *v)
{
    struct pfs_bytes *b = v->bytes;
    if (!b)
        return NULL;
    pfs_lru_remove(c, v);
    c->bytes -= b->len;
    v->bytes = NULL;
    return b;
}

void pfs_cache_put(struct pfs_version *v, struct pfs_bytes *bytes)
{
    struct pfs_cache *c = v->cache;
    pthread_mutex_lock(&c->lock);
    if (v->bytes) { /* another thread was faster */
        pfs_bytes_unref(bytes);
    } else {
        v->bytes = bytes;
        c->bytes += bytes->len;
        pfs_lru_add(c, v);
    }
    while (c->bytes > c->limit && c->oldest != v)
        pfs_bytes_unref(drop(c, c->oldest));
    pthread_mutex_unlock(&c->lock);
}

static struct pfs_bytes *cached(struct pfs_version *v)
{
    struct pfs_cache *c = v->cache;
    pthread_mutex_lock(&c->lock);
    struct pfs_bytes *b = v->bytes ? bytes_ref(v->bytes) : NULL;
    c->hits += b != NULL;
    c->misses += b == NULL;
    if (b)
        pfs_lru_use(c, v);
    pthread_mutex_unlock(&c->lock);
    return b;
}

/* ---- versions ---- */

struct pfs_version *pfs_version_ref(struct pfs_version *v)
{
    __atomic_add_fetch(&v->refs, 1, __ATOMIC_RELAXED);
    return v;
}

void pfs_version_unref(struct pfs_version *v)
{
    if (!v || __atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (v->cache) {
        pthread_mutex_lock(&v->cache->lock);
        struct pfs_bytes *b = drop(v->cache, v);
        pthread_mutex_unlock(&v->cache->lock);
        pfs_bytes_unref(b);
    }
    pfs_inputs_unref(v->inputs);
    pfs_library_unref(v->library);
    pfs_cleanup_fd(&v->fd);
    free(v);
}

void pfs_version_renew(struct pfs_version *v, struct pfs_library *library, const struct pfs_file *file,
                       struct pfs_inputs *inputs)
{
    pthread_mutex_lock(&v->cache->lock);
    struct pfs_library *old_library = v->library;
    struct pfs_inputs *old_inputs = v->inputs;
    v->library = pfs_library_ref(library);
    v->file = file;
    v->inputs = pfs_inputs_ref(inputs);
    pthread_mutex_unlock(&v->cache->lock);
    pfs_inputs_unref(old_inputs);
    pfs_library_unref(old_library);
}

/* Renders from what the version keeps at this moment. */
static int render(struct pfs_version *v, struct pfs_buf *out, struct pfs_err *err)
{
    pthread_mutex_lock(&v->cache->lock);
    struct pfs_library *library = pfs_library_ref(v->library);
    struct pfs_inputs *inputs = pfs_inputs_ref(v->inputs);
    const struct pfs_file *file = v->file;
    pthread_mutex_unlock(&v->cache->lock);
    struct pfs_phone phone;
    pfs_inputs_phone(inputs, &phone);
    int r = pfs_plans_render(v->cache->plans, file, &phone, library->zones, out, err);
    pfs_inputs_unref(inputs);
    pfs_library_unref(library);
    return r;
}

int pfs_version_bytes(struct pfs_version *v, struct pfs_bytes **ret, struct pfs_err *err)
{
    struct pfs_bytes *b = cached(v);
    if (b) {
        *ret = b;
        return 0;
    }
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    int r = render(v, &out, err);
    if (r < 0)
        return r == -ENOMEM ? r : -EIO;
    if (out.len != v->size || XXH3_64bits(out.data, out.len) != v->hash)
        return pfs_err_set(err, EIO, "a second render gave other bytes");
    b = pfs_bytes_new(out.data, out.len);
    if (!b)
        return pfs_err_nomem(err);
    pfs_cache_put(v, bytes_ref(b));
    *ret = b;
    return 0;
}

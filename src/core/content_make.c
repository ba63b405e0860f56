#include "base/log.h"
#include "core/content_impl.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

void pfs_target_done(struct pfs_target *t)
{
    pfs_inputs_unref(t->inputs);
    pfs_library_unref(t->library);
}

static uint64_t hash_identity(const char *name, uint64_t hash, int64_t mtime)
{
    const uint64_t parts[] = {XXH3_64bits(name, strlen(name)), hash, (uint64_t)mtime};
    uint64_t ino = XXH3_64bits(parts, sizeof parts);
    return ino < 2 ? ino + 2 : ino;
}

static int new_version(struct pfs_content *c, const struct pfs_target *t, const struct pfs_buf *bytes,
                       uint64_t hash, int64_t mtime, struct pfs_version **ret)
{
    struct pfs_version *v = calloc(1, sizeof *v);
    struct pfs_bytes *b = pfs_bytes_new(bytes->data, bytes->len);
    if (!v || !b) {
        free(v);
        pfs_bytes_unref(b);
        return -ENOMEM;
    }
    *v = (struct pfs_version){
        .refs = 1,
        .id = pfs_content_next_id(c),
        .ino = hash_identity(t->name, hash, mtime),
        .size = bytes->len,
        .mtime = mtime,
        .hash = hash,
        .cache = c->cache,
        .library = pfs_library_ref(t->library),
        .file = t->file,
        .inputs = pfs_inputs_ref(t->inputs),
        .fd = -1,
    };
    pfs_cache_put(v, b);
    *ret = v;
    return 0;
}

/* Whether the entry says what another thread found true later. */
static bool is_newer(const struct pfs_entry *e, const struct pfs_target *t)
{
    if (e->era != t->era)
        return e->era > t->era;
    return e->gen > t->at.gen || (e->gen == t->at.gen && e->library > t->library_generation);
}

/* Notes what the entry's word rests on. */
static void note_target(struct pfs_content *c, struct pfs_entry *e, const struct pfs_target *t)
{
    struct pfs_inputs *old = e->inputs;
    e->inputs = pfs_inputs_ref(t->inputs);
    pfs_inputs_unref(old);
    e->gen = t->at.gen;
    e->era = t->era;
    e->library = t->library_generation;
    if (c->state && t->inputs->came > 0) /* what has come does not un-come, after a restart either */
        pfs_state_raise_clock(c->state, t->inputs->came);
}

/* Makes the entry say what was found true at t->at. Another thread may have been faster with a newer state:
 * then its word counts. 1: with a new version. With the lock. */
static int settle(struct pfs_content *c, const struct pfs_target *t, const struct pfs_buf *bytes,
                  struct pfs_entry **ret, struct pfs_err *err)
{
    struct pfs_entry *e = pfs_entry_find(c, t->name);
    if (!e && !(e = pfs_entry_add(c, t->name)))
        return pfs_err_nomem(err);
    int r = 0;
    *ret = e;
    if (e->version && is_newer(e, t))
        return 0;
    uint64_t hash = XXH3_64bits(bytes->data, bytes->len);
    if (!e->version || e->version->hash != hash || e->version->size != bytes->len) {
        int64_t mtime;
        struct pfs_version *v;
        r = pfs_times_publish(c->times, t->name, hash, c->now(), &mtime, err);
        if (r >= 0 && new_version(c, t, bytes, hash, mtime, &v) < 0)
            r = pfs_err_nomem(err);
        if (r < 0) {
            if (!e->version)
                pfs_entry_remove(c, e);
            return r;
        }
        pfs_version_unref(e->version);
        e->version = v;
    } else {
        pfs_version_renew(e->version, t->library, t->file, t->inputs);
    }
    note_target(c, e, t);
    if (e->failing) {
        pfs_log(PFS_LOG_INFO, "%s: renders again", t->name);
        pfs_failures_clear(c->failures, t->name);
    }
    e->failing = false;
    return r;
}

static void note_failure(struct pfs_content *c, const struct pfs_target *t, const struct pfs_entry *e,
                         const struct pfs_err *why)
{
    const struct pfs_device *d = t->inputs->device;
    const struct pfs_failure what = {.file = t->name,
                                     .device = d ? d->mac_text : NULL,
                                     .cause = why->msg,
                                     .since = c->now(),
                                     .served = e->version != NULL};
    pfs_failures_note(c->failures, &what);
}

/* A render failed: the last good version stays (NULL: there is none), and nothing is tried again before
 * something changes. With the lock. */
static struct pfs_version *keep_last_good(struct pfs_content *c, const struct pfs_target *t,
                                          const struct pfs_err *why)
{
    struct pfs_entry *e = pfs_entry_find(c, t->name);
    if (!e && !(e = pfs_entry_add(c, t->name)))
        return NULL;
    if (e->version && is_newer(e, t))
        return pfs_entry_use(c, e);
    if (!e->failing)
        pfs_log(PFS_LOG_ERROR, "%s: %s%s", t->name, why->msg,
                e->version ? "; the last good version stays in service" : "");
    note_target(c, e, t);
    note_failure(c, t, e, why);
    e->failing = true;
    return e->version ? pfs_entry_use(c, e) : NULL;
}

int pfs_content_make(struct pfs_content *c, const struct pfs_target *t, struct pfs_version **ret,
                     struct pfs_err *err)
{
    struct pfs_err why = {""};
    struct pfs_phone phone;
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct pfs_entry *e;
    pfs_inputs_phone(t->inputs, &phone);
    int r = pfs_plans_render(c->plans, t->file, &phone, t->library->zones, &out, &why);
    pfs_tally(r == 0 ? &c->tallies.renders : &c->tallies.failures);
    pthread_mutex_lock(&c->lock);
    if (r == 0) {
        r = settle(c, t, &out, &e, err);
        if (r >= 0)
            *ret = pfs_entry_use(c, e);
    } else if (r == -ENOMEM) {
        pfs_err_nomem(err); /* says nothing of the template: tried again at the next lookup */
    } else {
        *ret = keep_last_good(c, t, &why);
        r = *ret ? 0 : pfs_err_set(err, EIO, "%s", why.msg);
    }
    pthread_mutex_unlock(&c->lock);
    if (r == 1 && c->on_publish)
        c->on_publish(c->on_publish_arg, t->name, *ret);
    return r;
}

#include "core/content.h"
#include "base/log.h"
#include "core/feed.h"
#include "core/templates.h"
#include "model/mac.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum {
    DEFAULT_CACHE_BYTES = 64 << 20,
    DEFAULT_ENTRIES = 200000,
    FILES_MAX = 256,      /* of one device */
    SAY_AGAIN_S = 60,     /* seconds until the same failure is logged again */
    RECHECK_MS = 1000,    /* for what fails to be made again before it is told */
    STORE_WAIT_MS = 1000, /* for a lock of another: within the time in which every request is answered */
};

/* A name and what it led to last. */
struct entry {
    struct pfs_version *version; /* NULL: it could not be made yet */
    struct pfs_inputs *inputs;   /* of the last check: what it depends on; NULL: none was made */
    int64_t gen;                 /* the version is true for this state of the inventory … */
    uint64_t era;                /* … in this era of the feed … */
    uint64_t library;            /* … and of the templates */
    bool failing;                /* the last render failed: the version is the last good one */
    struct entry *newer, *older; /* order of use */
    size_t name_len;
    char name[];
};

/* What happened so far; each atomic. */
struct counts {
    uint64_t lookups, hits, renders, failures, unknown;
};

static void count(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static uint64_t counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct pfs_content {
    struct pfs_templates *templates; /* in service */
    const struct pfs_catalogue *catalogue;
    struct pfs_resolver *resolver;
    struct pfs_state *state; /* NULL: in memory only */
    struct pfs_cache *cache;
    int64_t (*now)(void); /* the system's clock */
    size_t max_entries;

    pthread_mutex_t
        lock; /* guards what follows; never held while rendering or reading the store, but for the feed */
    struct pfs_feed feed;
    struct pfs_map entries; /* canonical name to struct entry */
    struct entry *newest, *oldest;
    struct pfs_map times; /* name to struct pfs_published, where there is no state */
    int64_t clock;        /* the newest second seen */
    uint64_t said;        /* the failure logged last, as a hash … */
    int64_t said_at;      /* … and when */

    struct pfs_unknown *unknown;   /* with a lock of its own */
    struct pfs_failures *failures; /* the same */
    struct counts counts;
    pfs_publish_fn on_publish; /* NULL: nobody asks */
    void *on_publish_arg;

    uint64_t next_id; /* atomic */
    bool store_busy;  /* atomic: the last snapshot could not be had for a lock of another: no thread waits
                         until one can */
};

/* ---- the clock ---- */

static int64_t system_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* not time(2), which may be some milliseconds behind */
    return now.tv_sec;
}

/* Seconds, never backwards: what has come does not un-come. With the lock. */
static int64_t tick(struct pfs_content *c)
{
    int64_t now = c->now();
    c->clock = PFS_MAX(c->clock, now);
    return c->clock;
}

static int64_t content_now(struct pfs_content *c)
{
    pthread_mutex_lock(&c->lock);
    int64_t now = tick(c);
    pthread_mutex_unlock(&c->lock);
    return now;
}

/* ---- entries, with the lock ---- */

static void unlink_entry(struct pfs_content *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_entry(struct pfs_content *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void free_entry(struct entry *e)
{
    pfs_version_unref(e->version);
    pfs_inputs_unref(e->inputs);
    free(e);
}

static void remove_entry(struct pfs_content *c, struct entry *e)
{
    if (e->failing)
        pfs_failures_clear(c->failures, e->name);
    pfs_map_remove(&c->entries, e->name, e->name_len);
    unlink_entry(c, e);
    free_entry(e);
}

static struct entry *find_entry(struct pfs_content *c, const char *name)
{
    return pfs_map_get(&c->entries, name, strlen(name));
}

static struct entry *add_entry(struct pfs_content *c, const char *name)
{
    size_t len = strlen(name);
    while (c->entries.n >= c->max_entries && c->oldest)
        remove_entry(c, c->oldest);
    struct entry *e = calloc(1, sizeof *e + len + 1);
    if (!e)
        return NULL;
    memcpy(e->name, name, len + 1);
    e->name_len = len;
    if (pfs_map_put(&c->entries, name, len, e, NULL) < 0) {
        free(e);
        return NULL;
    }
    link_entry(c, e);
    return e;
}

static bool touched(const struct pfs_content *c, const struct entry *e)
{
    const struct pfs_inputs *i = e->inputs;
    if (!i || pfs_feed_touched(&c->feed, i->dependencies, i->n_dependencies, e->gen))
        return true;
    if (!i->device)
        return false;
    const struct pfs_dependency device = {PFS_SCOPE_DEVICE, (int64_t)i->device->mac};
    return pfs_feed_touched(&c->feed, &device, 1, e->gen);
}

/* Whether the version at hand is what a render would give now. Moves its gen up where it is. */
static bool is_current(struct pfs_content *c, struct entry *e)
{
    if (e->library != pfs_templates_generation(c->templates) || e->era != c->feed.era)
        return false;
    if (e->inputs && tick(c) >= e->inputs->next)
        return false;
    if (e->gen < c->feed.at.gen) {
        if (touched(c, e))
            return false;
        e->gen = c->feed.at.gen;
    }
    return true;
}

static struct pfs_version *use(struct pfs_content *c, struct entry *e)
{
    if (c->newest != e) {
        unlink_entry(c, e);
        link_entry(c, e);
    }
    return pfs_version_ref(e->version);
}

/* ---- publishing, with the lock ---- */

static bool last_published(struct pfs_content *c, const char *name, struct pfs_published *ret)
{
    if (c->state)
        return pfs_state_get(c->state, name, ret);
    const struct pfs_published *p = pfs_map_get(&c->times, name, strlen(name));
    if (p)
        *ret = *p;
    return p != NULL;
}

static int note_published(struct pfs_content *c, const char *name, const struct pfs_published *p)
{
    if (c->state)
        return pfs_state_put(c->state, name, p);
    struct pfs_published *copy = malloc(sizeof *copy);
    void *old = NULL;
    if (!copy)
        return -ENOMEM;
    *copy = *p;
    int r = pfs_map_put(&c->times, name, strlen(name), copy, &old);
    free(r < 0 ? (void *)copy : old);
    return r;
}

/* The mtime under which these bytes go out: the one they had where they are what was published last; else a
 * later one, never before `at_least`. A time ahead of the clock is made durable before it is shown, so that a
 * restart cannot give it again to other bytes. 1: a new version; 0: what was published last. */
static int publish(struct pfs_content *c, const char *name, uint64_t hash, int64_t at_least,
                   int64_t *ret_mtime, struct pfs_err *err)
{
    struct pfs_published last;
    bool known = last_published(c, name, &last);
    if (known && last.hash == hash) {
        *ret_mtime = last.mtime;
        return 0;
    }
    int64_t floor = c->state ? pfs_state_floor(c->state) : 0;
    int64_t mtime = PFS_MAX(at_least, floor);
    if (known)
        mtime = PFS_MAX(mtime, last.mtime + 1);
    const struct pfs_published p = {.hash = hash, .mtime = mtime};
    if (note_published(c, name, &p) < 0)
        return pfs_err_nomem(err);
    if (c->state && mtime > c->now() && pfs_state_is_owner(c->state)) {
        struct pfs_err why = {""};
        if (pfs_state_reserve(c->state, mtime, &why) < 0)
            pfs_log(PFS_LOG_WARNING, "state: %s", why.msg); /* phones get their files all the same */
    }
    *ret_mtime = mtime;
    return 1;
}

static uint64_t hash_identity(const char *name, uint64_t hash, int64_t mtime)
{
    const uint64_t parts[] = {XXH3_64bits(name, strlen(name)), hash, (uint64_t)mtime};
    uint64_t ino = XXH3_64bits(parts, sizeof parts);
    return ino < 2 ? ino + 2 : ino;
}

uint64_t pfs_content_next_id(struct pfs_content *c)
{
    return __atomic_fetch_add(&c->next_id, 1, __ATOMIC_RELAXED);
}

int64_t pfs_content_publish_asset(struct pfs_content *c, const char *name, uint64_t hash, int64_t at_least)
{
    int64_t mtime = at_least;
    pthread_mutex_lock(&c->lock);
    publish(c, name, hash, at_least, &mtime, NULL);
    pthread_mutex_unlock(&c->lock);
    return mtime;
}

struct pfs_cache *pfs_content_cache(struct pfs_content *c)
{
    return c->cache;
}

/* ---- making a version ---- */

/* Where a name leads: a file of a model, and all that it is made from. */
struct target {
    char name[PFS_FILE_NAME_MAX + 1]; /* canonical */
    struct pfs_library *library;      /* a reference */
    uint64_t library_generation;
    const struct pfs_file *file;
    struct pfs_inputs *inputs; /* a reference */
    struct pfs_watermark at;
    uint64_t era; /* of the feed, when it was found */
};

static void target_done(struct target *t)
{
    pfs_inputs_unref(t->inputs);
    pfs_library_unref(t->library);
}

static int new_version(struct pfs_content *c, const struct target *t, const struct pfs_buf *bytes,
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
static bool is_newer(const struct entry *e, const struct target *t)
{
    if (e->era != t->era)
        return e->era > t->era;
    return e->gen > t->at.gen || (e->gen == t->at.gen && e->library > t->library_generation);
}

/* Notes what the entry's word rests on. */
static void note_target(struct pfs_content *c, struct entry *e, const struct target *t)
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
static int settle(struct pfs_content *c, const struct target *t, const struct pfs_buf *bytes,
                  struct entry **ret, struct pfs_err *err)
{
    struct entry *e = find_entry(c, t->name);
    if (!e && !(e = add_entry(c, t->name)))
        return pfs_err_nomem(err);
    int r = 0;
    *ret = e;
    if (e->version && is_newer(e, t))
        return 0;
    uint64_t hash = XXH3_64bits(bytes->data, bytes->len);
    if (!e->version || e->version->hash != hash || e->version->size != bytes->len) {
        int64_t mtime;
        struct pfs_version *v;
        r = publish(c, t->name, hash, c->now(), &mtime, err);
        if (r >= 0 && new_version(c, t, bytes, hash, mtime, &v) < 0)
            r = pfs_err_nomem(err);
        if (r < 0) {
            if (!e->version)
                remove_entry(c, e);
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

static void note_failure(struct pfs_content *c, const struct target *t, const struct entry *e,
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
static struct pfs_version *keep_last_good(struct pfs_content *c, const struct target *t,
                                          const struct pfs_err *why)
{
    struct entry *e = find_entry(c, t->name);
    if (!e && !(e = add_entry(c, t->name)))
        return NULL;
    if (e->version && is_newer(e, t))
        return use(c, e);
    if (!e->failing)
        pfs_log(PFS_LOG_ERROR, "%s: %s%s", t->name, why->msg,
                e->version ? "; the last good version stays in service" : "");
    note_target(c, e, t);
    note_failure(c, t, e, why);
    e->failing = true;
    return e->version ? use(c, e) : NULL;
}

static int make_version(struct pfs_content *c, const struct target *t, struct pfs_version **ret,
                        struct pfs_err *err)
{
    struct pfs_err why = {""};
    struct pfs_phone phone;
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    struct entry *e;
    pfs_inputs_phone(t->inputs, &phone);
    int r = pfs_render(t->file, &phone, t->library->zones, &out, NULL, NULL, &why);
    count(r == 0 ? &c->counts.renders : &c->counts.failures);
    pthread_mutex_lock(&c->lock);
    if (r == 0) {
        r = settle(c, t, &out, &e, err);
        if (r >= 0)
            *ret = use(c, e);
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

/* ---- finding where a name leads ---- */

struct pfs_library *pfs_content_library(struct pfs_content *c)
{
    return pfs_templates_take(c->templates, NULL);
}

struct find {
    struct pfs_content *content;
    struct pfs_store *store;
    const char *name;
    int64_t now;
    struct target *target;
    bool absent;
    bool known;       /* the name may be of a device that is in the inventory */
    uint64_t unknown; /* or of one that is not; 0: no MAC */
    struct pfs_err *err;
};

/* The model's file that has this name in some spelling. 1: found; 0: none. */
static int match_file(struct find *f, const struct pfs_model *m, uint64_t mac)
{
    uint64_t found;
    f->target->file = pfs_model_file(m, f->name, &found);
    f->absent = pfs_model_forbids(m, f->name);
    if (!f->target->file || found != mac) {
        f->target->file = NULL;
        return 0;
    }
    pfs_pattern_format(&f->target->file->name, mac, f->target->name);
    return 1;
}

/* 1: the device has this file; 0: it has not. */
static int find_of_device(void *arg, uint64_t mac)
{
    struct find *f = arg;
    struct target *t = f->target;
    int r = pfs_resolve_device(f->content->resolver, f->store, mac, f->now, &t->inputs, f->err);
    if (r == -ENOENT)
        f->unknown = mac;
    else
        f->known = true;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    const struct pfs_device *d = t->inputs->device;
    const struct pfs_model *m = d->enabled && d->model ? pfs_library_model(t->library, d->model) : NULL;
    if (d->enabled && d->model && !m)
        return pfs_err_set(f->err, EIO, "%s: no template has the model %s", d->mac_text, d->model);
    f->absent = !d->enabled; /* its files are not there, not even as assets */
    r = m ? match_file(f, m, mac) : 0;
    if (r == 0) {
        pfs_inputs_unref(t->inputs);
        t->inputs = NULL;
    }
    return r;
}

static int find_common(struct find *f, const struct pfs_file *file)
{
    struct target *t = f->target;
    const char *model = file->spec->per == PFS_PER_MODEL ? file->model->name : NULL;
    t->file = file;
    pfs_pattern_format(&file->name, 0, t->name);
    int r = pfs_resolve_common(f->content->resolver, f->store, model, f->now, &t->inputs, f->err);
    return r < 0 ? r : 1;
}

/* 1: *f->target says where; 0: nowhere. In the snapshot. */
static int find_target(struct find *f)
{
    const struct pfs_file *common = pfs_library_common(f->target->library, f->name);
    int r = pfs_store_watermark(f->store, &f->target->at, f->err);
    if (r < 0)
        return r;
    return common ? find_common(f, common) : pfs_library_macs(f->target->library, f->name, find_of_device, f);
}

/* The entry's version where it is current. Advances the feed. In the snapshot. 1: found. */
static int find_current(struct pfs_content *c, struct pfs_store *s, const char *name,
                        struct pfs_version **ret, uint64_t *ret_era, struct pfs_err *err)
{
    struct pfs_watermark at;
    int r = pfs_store_watermark(s, &at, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&c->lock);
    r = pfs_feed_advance(&c->feed, s, &at, err);
    *ret_era = c->feed.era;
    struct entry *e = r == 0 ? find_entry(c, name) : NULL;
    if (e && is_current(c, e)) {
        *ret = e->version ? use(c, e) : NULL;
        r = *ret ? 1 : pfs_err_set(err, EIO, "cannot be made: see the log");
        if (r == 1)
            count(&c->counts.hits);
    }
    pthread_mutex_unlock(&c->lock);
    return r;
}

/* Neither 0, nor all f, nor multicast; nor a number as in Yealink's y000000000044.cfg: that maker has no
 * phones. */
static bool is_device(uint64_t mac)
{
    char text[PFS_MAC_STR];
    pfs_mac_format(mac, text);
    return mac >> 24 != 0 && pfs_mac_parse(text, &mac, NULL) == 0;
}

static void note_unknown(struct pfs_content *c, const char *name, uint64_t mac)
{
    if (!is_device(mac))
        return;
    count(&c->counts.unknown);
    pfs_unknown_note(c->unknown, name, mac, c->now());
}

/* 1: found; 0: nothing of that name. In the snapshot. */
static int lookup(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                  bool *ret_absent, struct pfs_err *err)
{
    struct target t = {0};
    int r = find_current(c, s, name, ret, &t.era, err);
    if (r != 0)
        return r;
    t.library = pfs_templates_take(c->templates, &t.library_generation);
    struct find f = {.content = c, .store = s, .name = name, .now = content_now(c), .target = &t, .err = err};
    r = find_target(&f);
    *ret_absent = f.absent;
    if (r == 0 && f.unknown && !f.known)
        note_unknown(c, name, f.unknown);
    int known = r == 1 && strcmp(t.name, name) != 0 ? find_current(c, s, t.name, ret, &t.era, err) : 0;
    if (known != 0)
        r = known; /* another spelling of what is there */
    else if (r == 1)
        r = make_version(c, &t, ret, err) < 0 ? -EIO : 1;
    target_done(&t);
    return r;
}

/* Says that a lookup failed; what was said last is not said again for a while. */
static void log_failure(struct pfs_content *c, const char *name, const struct pfs_err *why, bool served)
{
    uint64_t hash = XXH3_64bits(why->msg, strlen(why->msg));
    int64_t now = content_now(c);
    pthread_mutex_lock(&c->lock);
    bool again = c->said == hash && now < c->said_at + SAY_AGAIN_S;
    c->said = hash;
    c->said_at = again ? c->said_at : now;
    pthread_mutex_unlock(&c->lock);
    if (!again)
        pfs_log(PFS_LOG_ERROR, "%s: %s%s", name, why->msg,
                served ? "; the last version stays in service" : "");
}

/* The entry of any file of this device; NULL: none. With the lock. */
static const struct entry *find_entry_of(struct pfs_content *c, const struct pfs_library *l, uint64_t mac)
{
    char name[PFS_FILE_NAME_MAX + 1];
    for (size_t i = 0; i < l->n_patterns; i++) {
        pfs_pattern_format(l->patterns[i], mac, name);
        const struct entry *e = find_entry(c, name);
        if (e && e->inputs && e->inputs->device && e->inputs->device->mac == mac)
            return e;
    }
    return NULL;
}

struct find_last {
    struct pfs_content *content;
    const struct pfs_library *library;
    const char *name;
    struct entry *found;
};

/* The name as another spelling of a file of this device, as far as memory tells. */
static int find_spelling(void *arg, uint64_t mac)
{
    struct find_last *f = arg;
    char name[PFS_FILE_NAME_MAX + 1];
    uint64_t found;
    const struct entry *e = find_entry_of(f->content, f->library, mac);
    const char *model = e ? e->inputs->device->model : NULL;
    const struct pfs_model *m = model ? pfs_library_model(f->library, model) : NULL;
    const struct pfs_file *file = m ? pfs_model_file(m, f->name, &found) : NULL;
    if (!file || found != mac)
        return 0;
    pfs_pattern_format(&file->name, mac, name);
    f->found = find_entry(f->content, name);
    return f->found != NULL;
}

static struct entry *find_last(struct pfs_content *c, const struct pfs_library *l, const char *name)
{
    char canonical[PFS_FILE_NAME_MAX + 1];
    const struct pfs_file *common = pfs_library_common(l, name);
    struct find_last f = {.content = c, .library = l, .name = name, .found = find_entry(c, name)};
    if (f.found)
        return f.found;
    if (common) {
        pfs_pattern_format(&common->name, 0, canonical);
        return find_entry(c, canonical);
    }
    pfs_library_macs(l, name, find_spelling, &f);
    return f.found;
}

struct pfs_version *pfs_content_last(struct pfs_content *c, const char *name, const struct pfs_err *why)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_last(c, l, name);
    struct pfs_version *v = e && e->version ? use(c, e) : NULL;
    pthread_mutex_unlock(&c->lock);
    pfs_library_unref(l);
    log_failure(c, name, why, v != NULL);
    return v;
}

static int stop_at_first(void *arg, uint64_t mac)
{
    return 1;
}

bool pfs_content_concerns(struct pfs_content *c, const char *name)
{
    pthread_mutex_lock(&c->lock);
    bool yes = find_entry(c, name) != NULL;
    pthread_mutex_unlock(&c->lock);
    if (yes)
        return true;
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    yes = pfs_library_common(l, name) || pfs_library_macs(l, name, stop_at_first, NULL) != 0;
    pfs_library_unref(l);
    return yes;
}

static void forget_name(struct pfs_content *c, const char *name)
{
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_entry(c, name);
    if (e)
        remove_entry(c, e);
    pthread_mutex_unlock(&c->lock);
}

/* ---- looking a name up ---- */

static struct pfs_watermark newest_seen(struct pfs_content *c)
{
    pthread_mutex_lock(&c->lock);
    struct pfs_watermark at = c->feed.at;
    pthread_mutex_unlock(&c->lock);
    return at;
}

/* Where a snapshot begun now is older than one seen before, somebody has restored an older state into the
 * file: what is in memory counts for nothing. */
static int notice_going_back(struct pfs_content *c, struct pfs_store *s, const struct pfs_watermark *seen,
                             struct pfs_err *err)
{
    struct pfs_watermark at;
    int r = pfs_store_watermark(s, &at, err);
    if (r < 0 || at.epoch != seen->epoch || at.gen >= seen->gen)
        return r;
    pthread_mutex_lock(&c->lock);
    pfs_feed_restart(&c->feed);
    pthread_mutex_unlock(&c->lock);
    pfs_resolver_reset(c->resolver);
    return 0;
}

/* One snapshot, and a look in it. While the store is held by another, only one lookup's time is spent on
 * waiting, so that requests do not queue up behind each other. */
static int look_once(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                     bool *ret_absent, struct pfs_err *err)
{
    struct pfs_watermark seen = newest_seen(c);
    pfs_store_patience(s, __atomic_load_n(&c->store_busy, __ATOMIC_RELAXED) ? 0 : STORE_WAIT_MS);
    int r = pfs_store_begin(s, err);
    __atomic_store_n(&c->store_busy, r == -EBUSY, __ATOMIC_RELAXED);
    if (r < 0)
        return r;
    r = notice_going_back(c, s, &seen, err);
    if (r == 0)
        r = lookup(c, s, name, ret, ret_absent, err);
    pfs_store_end(s);
    return r;
}

/* The MAC that stands somewhere in a name that no template has; 0: none. */
static uint64_t find_mac(const char *name)
{
    uint64_t mac;
    for (const char *s = name; *s; s++) {
        size_t n = (s > name && isxdigit((unsigned char)s[-1])) ? 0 : pfs_mac_scan(s, strlen(s), &mac);
        if (n > 0 && !isxdigit((unsigned char)s[n]) && is_device(mac))
            return mac;
    }
    return 0;
}

/* A phone of a make that no template is for: it is known by the MAC in the name, where that is in no
 * inventory. */
static void notice_stranger(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    char text[PFS_MAC_STR];
    int64_t id;
    uint64_t mac = find_mac(name);
    if (mac == 0)
        return;
    pfs_mac_format(mac, text);
    pfs_store_patience(s, 0);
    if (pfs_store_begin(s, NULL) < 0)
        return;
    if (pfs_store_find(s, PFS_SCOPE_DEVICE, text, &id, NULL) == -ENOENT)
        note_unknown(c, name, mac);
    pfs_store_end(s);
}

int pfs_content_lookup(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                       bool *ret_absent, struct pfs_err *err)
{
    struct pfs_err own = {""};
    int r, stale = 0;
    err = err ? err : &own;
    *ret_absent = false;
    count(&c->counts.lookups);
    if (!pfs_content_concerns(c, name)) {
        notice_stranger(c, s, name);
        return -ENOENT;
    }
    do {
        if (stale++ > 0 && stale % PFS_STALE_TRIES == 0)
            pfs_resolver_reset(c->resolver);
        r = look_once(c, s, name, ret, ret_absent, err);
    } while (r == -ESTALE);
    if (r == 1)
        return 0;
    if (r == 0) {
        forget_name(c, name);
        return -ENOENT;
    }
    *ret = pfs_content_last(c, name, err);
    return *ret ? 0 : r == -ENOMEM ? r : -EIO;
}

/* ---- what is told about it ---- */

void pfs_content_on_publish(struct pfs_content *c, pfs_publish_fn fn, void *arg)
{
    c->on_publish = fn;
    c->on_publish_arg = arg;
}

int pfs_content_unknown(struct pfs_content *c, pfs_unknown_fn fn, void *arg)
{
    return pfs_unknown_each(c->unknown, fn, arg);
}

void pfs_content_adopted(struct pfs_content *c, uint64_t mac)
{
    pfs_unknown_forget(c->unknown, mac);
}

struct recheck {
    struct pfs_content *content;
    struct pfs_store *store;
    int64_t until_ms;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int recheck(void *arg, const struct pfs_failure *what)
{
    const struct recheck *k = arg;
    struct pfs_version *v = NULL;
    bool absent;
    int r = look_once(k->content, k->store, what->file, &v, &absent, NULL);
    if (r == 0)
        forget_name(k->content, what->file);
    pfs_version_unref(v);
    return now_ms() > k->until_ms;
}

void pfs_content_recheck(struct pfs_content *c, struct pfs_store *s)
{
    struct recheck k = {.content = c, .store = s, .until_ms = now_ms() + RECHECK_MS};
    pfs_failures_each(c->failures, recheck, &k);
}

int pfs_content_errors(struct pfs_content *c, pfs_failure_fn fn, void *arg)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    int r = 0;
    for (size_t i = 0; i < l->n_problems && r == 0; i++) {
        const struct pfs_failure what = {.cause = l->problems[i]};
        r = fn(arg, &what);
    }
    pfs_library_unref(l);
    return r ? r : pfs_failures_each(c->failures, fn, arg);
}

bool pfs_content_has_model(struct pfs_content *c, const char *model)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    bool has = pfs_library_model(l, model) != NULL;
    pfs_library_unref(l);
    return has;
}

static bool is_fetched(struct pfs_content *c, struct entry *e)
{
    return e->version && e->inputs && e->inputs->device && e->version->file->spec->main &&
           __atomic_load_n(&e->version->fetched, __ATOMIC_RELAXED) && is_current(c, e);
}

int pfs_content_fetched(struct pfs_content *c, struct pfs_store *s, uint64_t *ret, struct pfs_err *err)
{
    struct pfs_watermark at;
    int r = pfs_store_watermark(s, &at, err);
    if (r < 0)
        return r;
    *ret = 0;
    pthread_mutex_lock(&c->lock);
    r = pfs_feed_advance(&c->feed, s, &at, err);
    for (struct entry *e = c->newest; e && r >= 0; e = e->older)
        *ret += is_fetched(c, e);
    pthread_mutex_unlock(&c->lock);
    return r < 0 ? r : 0;
}

void pfs_content_counts(struct pfs_content *c, struct pfs_content_counts *ret)
{
    *ret = (struct pfs_content_counts){
        .lookups = counted(&c->counts.lookups),
        .hits = counted(&c->counts.hits),
        .renders = counted(&c->counts.renders),
        .failures = counted(&c->counts.failures),
        .unknown = counted(&c->counts.unknown),
        .unknown_names = pfs_unknown_count(c->unknown),
        .failing = pfs_failures_count(c->failures),
    };
    pfs_cache_counts(c->cache, &ret->cache);
    pthread_mutex_lock(&c->lock);
    ret->entries = c->entries.n;
    pthread_mutex_unlock(&c->lock);
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    ret->templates = l->n_templates;
    ret->problems = l->n_problems;
    pfs_library_unref(l);
}

bool pfs_content_claims(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    struct target t = {0};
    if (!pfs_content_concerns(c, name))
        return false;
    t.library = pfs_templates_take(c->templates, &t.library_generation);
    struct find f = {.content = c, .store = s, .name = name, .now = content_now(c), .target = &t};
    int r = pfs_store_begin(s, NULL);
    if (r == 0) {
        r = find_target(&f);
        pfs_store_end(s);
    }
    target_done(&t);
    return r != 0 || f.absent;
}

/* ---- listings ---- */

struct list {
    struct pfs_library *library;
    pfs_common_fn common_fn;
    pfs_device_file_fn device_fn;
    void *arg;
};

static int list_model(void *arg, const char *name)
{
    struct list *l = arg;
    const struct pfs_model *m = pfs_library_model(l->library, name);
    int r = 0;
    for (size_t i = 0; m && i < m->n_files && r == 0; i++)
        if (m->files[i].spec->per != PFS_PER_DEVICE)
            r = l->common_fn(l->arg, m->files[i].name.text);
    return r;
}

int pfs_content_list_common(struct pfs_content *c, struct pfs_store *s, pfs_common_fn fn, void *arg,
                            struct pfs_err *err)
{
    struct list l = {.library = pfs_templates_take(c->templates, NULL), .common_fn = fn, .arg = arg};
    int r = pfs_store_models_in_use(s, list_model, &l, err);
    pfs_library_unref(l.library);
    return r;
}

static int list_device(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct list *l = arg;
    const struct pfs_model *m = enabled && model ? pfs_library_model(l->library, model) : NULL;
    char name[PFS_FILE_NAME_MAX + 1];
    int r = 0;
    for (size_t i = 0; m && i < m->n_files && i < FILES_MAX && r == 0; i++) {
        if (m->files[i].spec->per != PFS_PER_DEVICE)
            continue;
        pfs_pattern_format(&m->files[i].name, mac, name);
        r = l->device_fn(l->arg, mac, (unsigned)i, name);
    }
    return r;
}

int pfs_content_list_devices(struct pfs_content *c, struct pfs_store *s, uint64_t from_mac,
                             pfs_device_file_fn fn, void *arg, struct pfs_err *err)
{
    struct list l = {.library = pfs_templates_take(c->templates, NULL), .device_fn = fn, .arg = arg};
    int r = pfs_store_list(s, from_mac, list_device, &l, err);
    pfs_library_unref(l.library);
    return r;
}

/* ---- making and freeing ---- */

int pfs_content_start(struct pfs_content *c, struct pfs_err *err)
{
    return pfs_templates_start(c->templates, err);
}

int pfs_content_new(const struct pfs_context *context, struct pfs_state *state,
                    const struct pfs_content_options *o, struct pfs_content **ret, struct pfs_err *err)
{
    struct pfs_content *c = calloc(1, sizeof *c);
    if (!c)
        return pfs_err_nomem(err);
    pthread_mutex_init(&c->lock, NULL);
    c->catalogue = context->catalogue;
    c->state = state;
    c->now = o->clock ? o->clock : system_now;
    c->max_entries = o->entries ? o->entries : DEFAULT_ENTRIES;
    c->clock = state ? pfs_state_clock(state) : 0;
    c->next_id = 2; /* 1 is the root */
    if (pfs_templates_new(context, &c->templates, NULL) < 0 || pfs_unknown_new(&c->unknown) < 0 ||
        pfs_failures_new(&c->failures) < 0 || pfs_resolver_new(c->catalogue, &c->resolver) < 0 ||
        pfs_cache_new(o->cache_bytes ? o->cache_bytes : DEFAULT_CACHE_BYTES, &c->cache) < 0) {
        pfs_content_free(c);
        return pfs_err_nomem(err);
    }
    *ret = c;
    return 0;
}

void pfs_content_free(struct pfs_content *c)
{
    if (!c)
        return;
    pfs_templates_free(c->templates);
    while (c->oldest)
        remove_entry(c, c->oldest);
    for (struct pfs_map_entry *e = pfs_map_next(&c->times, NULL); e; e = pfs_map_next(&c->times, e))
        free(e->value);
    pfs_map_done(&c->times);
    pfs_map_done(&c->entries);
    pfs_unknown_free(c->unknown);
    pfs_failures_free(c->failures);
    pfs_feed_done(&c->feed);
    pfs_resolver_free(c->resolver);
    pfs_cache_free(c->cache);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

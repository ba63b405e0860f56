#include "base/log.h"
#include "base/timefmt.h"
#include "core/content_impl.h"
#include "model/mac.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum {
    DEFAULT_CACHE_BYTES = 16 << 20, /* a plan makes them again in microseconds */
    DEFAULT_ENTRIES = 200000,
    SAY_AGAIN_S = 60,     /* seconds until the same failure is logged again */
    STORE_WAIT_MS = 1000, /* for a lock of another: within the time in which every request is answered */
};

uint64_t pfs_content_next_id(struct pfs_content *c)
{
    return __atomic_fetch_add(&c->next_id, 1, __ATOMIC_RELAXED);
}

int64_t pfs_content_publish_asset(struct pfs_content *c, const char *name, uint64_t hash, int64_t at_least)
{
    int64_t mtime = at_least;
    pfs_times_publish(c->times, name, hash, at_least, &mtime, NULL);
    return mtime;
}

struct pfs_cache *pfs_content_cache(struct pfs_content *c)
{
    return c->cache;
}

/* ---- finding where a name leads ---- */

struct pfs_library *pfs_content_library(struct pfs_content *c)
{
    return pfs_templates_take(c->templates, NULL);
}

/* The model's file that has this name in some spelling. 1: found; 0: none. */
static int match_file(struct pfs_find *f, const struct pfs_model *m, uint64_t mac)
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

/* What the file needs besides the device. 1. */
static int add_directory(struct pfs_find *f)
{
    struct pfs_target *t = f->target;
    int r = 0;
    if (t->file->spec->has_contacts)
        r = pfs_resolve_directory(f->content->resolver, f->store, t->inputs, f->err);
    return r < 0 ? r : 1;
}

/* 1: the device has this file; 0: it has not. */
static int find_of_device(void *arg, uint64_t mac)
{
    struct pfs_find *f = arg;
    struct pfs_target *t = f->target;
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
    if (r == 1)
        return add_directory(f);
    if (r == 0) {
        pfs_inputs_unref(t->inputs);
        t->inputs = NULL;
    }
    return r;
}

static int find_common(struct pfs_find *f, const struct pfs_file *file)
{
    struct pfs_target *t = f->target;
    const char *model = file->spec->per == PFS_PER_MODEL ? file->model->name : NULL;
    t->file = file;
    pfs_pattern_format(&file->name, 0, t->name);
    int r = pfs_resolve_common(f->content->resolver, f->store, model, f->now, &t->inputs, f->err);
    return r < 0 ? r : 1;
}

int pfs_content_find(struct pfs_find *f)
{
    const struct pfs_file *common = pfs_library_common(f->target->library, f->name);
    int r = pfs_store_watermark(f->store, &f->target->at, f->err);
    if (r < 0)
        return r;
    return common ? find_common(f, common) : pfs_library_macs(f->target->library, f->name, find_of_device, f);
}

/* The entry whose version at hand is current; NULL: none. With the lock. */
static struct pfs_entry *find_entry_current(struct pfs_content *c, const char *name)
{
    struct pfs_entry *e = pfs_entry_find(c, name);
    return e && pfs_entry_is_current(c, e) ? e : NULL;
}

/* Whether nothing has been committed since the feed was brought up. With the lock. */
static bool is_unchanged(const struct pfs_content *c, const struct pfs_sign *now)
{
    return c->feed.started && memcmp(now, &c->feed.sign, sizeof *now) == 0;
}

/* The version at hand where it is current. With the lock. 1: found; 0: none; -EIO it could not be made. */
static int use_current(struct pfs_content *c, const char *name, struct pfs_version **ret, struct pfs_err *err)
{
    struct pfs_entry *e = find_entry_current(c, name);
    if (!e)
        return 0;
    if (!e->version)
        return pfs_err_set(err, EIO, "cannot be made: see the log");
    *ret = pfs_entry_use(c, e);
    pfs_tally(&c->tallies.hits);
    return 1;
}

/* The same without a snapshot, where nothing has been committed since the feed was brought up. */
static bool find_unchanged(struct pfs_content *c, struct pfs_store *s, const char *name,
                           struct pfs_version **ret)
{
    struct pfs_sign now;
    if (!pfs_store_sign(s, &now))
        return false;
    pthread_mutex_lock(&c->lock);
    int r = is_unchanged(c, &now) ? use_current(c, name, ret, NULL) : 0;
    pthread_mutex_unlock(&c->lock);
    return r == 1;
}

/* The same, after the feed was brought up. In the snapshot. */
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
    if (r == 0) {
        c->feed.sign = *pfs_store_snapshot_sign(s);
        r = use_current(c, name, ret, err);
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

void pfs_content_note_unknown(struct pfs_content *c, const char *name, uint64_t mac)
{
    if (!is_device(mac) || strlen(name) > PFS_FILE_NAME_MAX)
        return;
    pfs_tally(&c->tallies.unknown);
    pfs_unknown_note(c->unknown, name, mac, c->now());
}

/* 1: found; 0: nothing of that name. In the snapshot. */
static int lookup(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                  bool *ret_absent, struct pfs_err *err)
{
    struct pfs_target t = {0};
    int r = find_current(c, s, name, ret, &t.era, err);
    if (r != 0)
        return r;
    t.library = pfs_templates_take(c->templates, &t.library_generation);
    struct pfs_find f = {
        .content = c, .store = s, .name = name, .now = pfs_content_now(c), .target = &t, .err = err};
    r = pfs_content_find(&f);
    *ret_absent = f.absent;
    if (r == 0 && f.unknown && !f.known)
        pfs_content_note_unknown(c, name, f.unknown);
    int known = r == 1 && strcmp(t.name, name) != 0 ? find_current(c, s, t.name, ret, &t.era, err) : 0;
    if (known != 0)
        r = known; /* another spelling of what is there */
    else if (r == 1)
        r = pfs_content_make(c, &t, ret, err) < 0 ? -EIO : 1;
    pfs_target_done(&t);
    return r;
}

/* Says that a lookup failed; what was said last is not said again for a while. */
void pfs_content_log_failure(struct pfs_content *c, const char *name, const struct pfs_err *why, bool served)
{
    uint64_t hash = XXH3_64bits(why->msg, strlen(why->msg));
    int64_t now = pfs_content_now(c);
    pthread_mutex_lock(&c->lock);
    bool again = c->said == hash && now < c->said_at + SAY_AGAIN_S;
    c->said = hash;
    c->said_at = again ? c->said_at : now;
    pthread_mutex_unlock(&c->lock);
    if (!again)
        pfs_log(PFS_LOG_ERROR, "%s: %s%s", name, why->msg,
                served ? "; the last version stays in service" : "");
}

const struct pfs_entry *pfs_entry_of(struct pfs_content *c, const struct pfs_library *l, uint64_t mac)
{
    char name[PFS_FILE_NAME_MAX + 1];
    for (size_t i = 0; i < l->n_patterns; i++) {
        pfs_pattern_format(l->patterns[i], mac, name);
        const struct pfs_entry *e = pfs_entry_find(c, name);
        if (e && e->inputs && e->inputs->device && e->inputs->device->mac == mac)
            return e;
    }
    return NULL;
}

struct find_last {
    struct pfs_content *content;
    const struct pfs_library *library;
    const char *name;
    struct pfs_entry *found;
};

/* The name as another spelling of a file of this device, as far as memory tells. */
static int find_spelling(void *arg, uint64_t mac)
{
    struct find_last *f = arg;
    char name[PFS_FILE_NAME_MAX + 1];
    uint64_t found;
    const struct pfs_entry *e = pfs_entry_of(f->content, f->library, mac);
    const char *model = e ? e->inputs->device->model : NULL;
    const struct pfs_model *m = model ? pfs_library_model(f->library, model) : NULL;
    const struct pfs_file *file = m ? pfs_model_file(m, f->name, &found) : NULL;
    if (!file || found != mac)
        return 0;
    pfs_pattern_format(&file->name, mac, name);
    f->found = pfs_entry_find(f->content, name);
    return f->found != NULL;
}

static struct pfs_entry *find_last(struct pfs_content *c, const struct pfs_library *l, const char *name)
{
    char canonical[PFS_FILE_NAME_MAX + 1];
    const struct pfs_file *common = pfs_library_common(l, name);
    struct find_last f = {.content = c, .library = l, .name = name, .found = pfs_entry_find(c, name)};
    if (f.found)
        return f.found;
    if (common) {
        pfs_pattern_format(&common->name, 0, canonical);
        return pfs_entry_find(c, canonical);
    }
    pfs_library_macs(l, name, find_spelling, &f);
    return f.found;
}

struct pfs_version *pfs_content_last(struct pfs_content *c, const char *name, const struct pfs_err *why)
{
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    pthread_mutex_lock(&c->lock);
    struct pfs_entry *e = find_last(c, l, name);
    struct pfs_version *v = e && e->version ? pfs_entry_use(c, e) : NULL;
    pthread_mutex_unlock(&c->lock);
    pfs_library_unref(l);
    pfs_content_log_failure(c, name, why, v != NULL);
    return v;
}

static int stop_at_first(void *arg, uint64_t mac)
{
    return 1;
}

bool pfs_content_concerns(struct pfs_content *c, const char *name)
{
    pthread_mutex_lock(&c->lock);
    bool yes = pfs_entry_find(c, name) != NULL;
    pthread_mutex_unlock(&c->lock);
    if (yes)
        return true;
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    yes = pfs_library_common(l, name) || pfs_library_macs(l, name, stop_at_first, NULL) != 0;
    pfs_library_unref(l);
    return yes;
}

void pfs_content_forget(struct pfs_content *c, const char *name)
{
    pthread_mutex_lock(&c->lock);
    struct pfs_entry *e = pfs_entry_find(c, name);
    if (e)
        pfs_entry_remove(c, e);
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

int pfs_content_begin(struct pfs_content *c, struct pfs_store *s, struct pfs_err *err)
{
    pfs_store_patience(s, __atomic_load_n(&c->store_busy, __ATOMIC_RELAXED) ? 0 : STORE_WAIT_MS);
    int r = pfs_store_begin(s, err);
    __atomic_store_n(&c->store_busy, r == -EBUSY, __ATOMIC_RELAXED);
    return r;
}

int pfs_content_look(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                     bool *ret_absent, struct pfs_err *err)
{
    struct pfs_watermark seen = newest_seen(c);
    int r = pfs_content_begin(c, s, err);
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

/* Its MAC stands somewhere in the name. */
void pfs_content_stranger(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    char text[PFS_MAC_STR];
    int64_t id;
    uint64_t mac = find_mac(name);
    pfs_mac_format(mac, text);
    pfs_store_patience(s, 0);
    if (mac == 0 || pfs_store_begin(s, NULL) < 0)
        return;
    if (pfs_store_find(s, PFS_SCOPE_DEVICE, text, &id, NULL) == -ENOENT)
        pfs_content_note_unknown(c, name, mac);
    pfs_store_end(s);
}

int pfs_content_lookup(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                       bool *ret_absent, struct pfs_err *err)
{
    struct pfs_err own = {""};
    int r, stale = 0;
    err = err ? err : &own;
    *ret_absent = false;
    bool found = find_unchanged(c, s, name, ret);
    if (!found && !pfs_content_concerns(c, name))
        return -ENOENT;
    pfs_tally(&c->tallies.lookups);
    if (found)
        return 0;
    do {
        if (stale++ > 0 && stale % PFS_STALE_TRIES == 0)
            pfs_resolver_reset(c->resolver);
        r = pfs_content_look(c, s, name, ret, ret_absent, err);
    } while (r == -ESTALE);
    if (r == 1)
        return 0;
    if (r == 0) {
        pfs_content_forget(c, name);
        return -ENOENT;
    }
    *ret = pfs_content_last(c, name, err);
    return *ret ? 0 : r == -ENOMEM ? r : -EIO;
}

/* Whether the next look-up finds a version. */
static bool is_at_hand(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    struct pfs_sign now;
    if (!pfs_store_sign(s, &now))
        return false;
    pthread_mutex_lock(&c->lock);
    bool yes = is_unchanged(c, &now) && find_entry_current(c, name);
    pthread_mutex_unlock(&c->lock);
    return yes;
}

void pfs_content_prepare(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    struct pfs_version *v = NULL;
    struct pfs_err ignored; /* said when it is asked for */
    bool absent = false;
    if (!is_at_hand(c, s, name))
        (void)pfs_content_look(c, s, name, &v, &absent, &ignored);
    pfs_version_unref(v);
}

bool pfs_content_is_canonical(struct pfs_content *c, const char *name, const struct pfs_version *v,
                              uint64_t *ret_mac, int64_t *ret_next)
{
    pthread_mutex_lock(&c->lock);
    const struct pfs_entry *e = pfs_entry_find(c, name);
    bool yes = e && e->version == v && e->inputs;
    if (yes) {
        *ret_mac = e->inputs->device ? e->inputs->device->mac : 0;
        *ret_next = e->inputs->next;
    }
    pthread_mutex_unlock(&c->lock);
    return yes;
}

uint64_t pfs_content_generation(struct pfs_content *c)
{
    return pfs_templates_generation(c->templates);
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
    c->plans = context->plans;
    c->state = state;
    c->now = o->clock ? o->clock : pfs_time_now;
    c->max_entries = o->entries ? o->entries : DEFAULT_ENTRIES;
    c->clock = state ? pfs_state_clock(state) : 0;
    c->next_id = 2; /* 1 is the root */
    if (pfs_templates_new(context, &c->templates, NULL) < 0 || pfs_unknown_new(&c->unknown) < 0 ||
        pfs_failures_new(&c->failures) < 0 || pfs_times_new(state, c->now, &c->times) < 0 ||
        pfs_resolver_new(c->catalogue, &c->resolver) < 0 ||
        pfs_cache_new(o->cache_bytes ? o->cache_bytes : DEFAULT_CACHE_BYTES, context->plans, &c->cache) < 0) {
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
        pfs_entry_remove(c, c->oldest);
    pfs_map_done(&c->entries);
    pfs_unknown_free(c->unknown);
    pfs_failures_free(c->failures);
    pfs_times_free(c->times);
    pfs_feed_done(&c->feed);
    pfs_resolver_free(c->resolver);
    pfs_cache_free(c->cache);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* What the parts of the content share: inside core/content*.c only.
 *
 * content.c finds where a name leads, content_list.c where a folder does and what is in it, content_entries.c
 * remembers names with what they led to, content_make.c makes versions, content_tell.c says what there is to
 * say about it. */
#pragma once

#include "core/content.h"
#include "core/feed.h"
#include "core/templates.h"
#include "core/times.h"

#include <pthread.h>

/* A name and what it led to last. */
struct pfs_entry {
    struct pfs_version *version;     /* NULL: it could not be made yet */
    struct pfs_inputs *inputs;       /* of the last check: what it depends on; NULL: none was made */
    int64_t gen;                     /* the version is true for this state of the inventory … */
    uint64_t era;                    /* … in this era of the feed … */
    uint64_t library;                /* … and of the templates */
    bool failing;                    /* the last render failed: the version is the last good one */
    struct pfs_entry *newer, *older; /* order of use */
    size_t name_len;
    char name[];
};

/* What happened so far; each atomic. */
struct pfs_tallies {
    uint64_t lookups, hits, renders, failures, unknown;
};

struct pfs_content {
    struct pfs_templates *templates; /* in service */
    const struct pfs_catalogue *catalogue;
    struct pfs_resolver *resolver;
    struct pfs_state *state; /* NULL: in memory only */
    struct pfs_times *times;
    struct pfs_cache *cache;
    struct pfs_plans *plans; /* the context's */
    int64_t (*now)(void);    /* the system's clock */
    size_t max_entries;

    pthread_mutex_t
        lock; /* guards what follows; never held while rendering or reading the store, but for the feed */
    struct pfs_feed feed;
    struct pfs_map entries; /* canonical name to struct pfs_entry */
    struct pfs_entry *newest, *oldest;
    int64_t clock;   /* the newest second seen */
    uint64_t said;   /* the failure logged last, as a hash … */
    int64_t said_at; /* … and when */

    struct pfs_unknown *unknown;   /* with a lock of its own */
    struct pfs_failures *failures; /* the same */
    struct pfs_tallies tallies;
    pfs_publish_fn on_publish; /* NULL: nobody asks */
    void *on_publish_arg;

    uint64_t next_id; /* atomic */
    bool store_busy;  /* atomic: the last snapshot could not be had for a lock of another: no thread waits
                         until one can */
};

static inline void pfs_tally(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* The time, never backwards: what has come does not un-come. The second with the lock. */
int64_t pfs_content_now(struct pfs_content *c);
int64_t pfs_content_tick(struct pfs_content *c);

/* ---- entries, with the lock ---- */

struct pfs_entry *pfs_entry_find(struct pfs_content *c, const char *name); /* NULL: none */
struct pfs_entry *pfs_entry_add(struct pfs_content *c, const char *name);  /* NULL: memory is out */
void pfs_entry_remove(struct pfs_content *c, struct pfs_entry *e);

/* Whether the version at hand is what a render would give now. Moves its gen up where it is. */
bool pfs_entry_is_current(struct pfs_content *c, struct pfs_entry *e);

/* The entry of any file of this device; NULL: none. */
const struct pfs_entry *pfs_entry_of(struct pfs_content *c, const struct pfs_library *l, uint64_t mac);

/* The entry's version (a reference), as the one asked for last. */
struct pfs_version *pfs_entry_use(struct pfs_content *c, struct pfs_entry *e);

/* ---- making a version ---- */

/* Where a name leads: a file of a model, and all that it is made from. */
struct pfs_target {
    char name[PFS_FILE_NAME_MAX + 1]; /* canonical */
    struct pfs_library *library;      /* a reference */
    uint64_t library_generation;
    const struct pfs_file *file;
    struct pfs_inputs *inputs; /* a reference */
    struct pfs_watermark at;
    uint64_t era; /* of the feed, when it was found */
};
void pfs_target_done(struct pfs_target *t);

/* Renders and publishes. *ret a reference: the new version, the one at hand where the bytes are the same, or
 * the last good one where it fails. -EIO there is none, -ENOMEM. Without the lock. */
int pfs_content_make(struct pfs_content *c, const struct pfs_target *t, struct pfs_version **ret,
                     struct pfs_err *err);

/* ---- looking a name up (content.c) ---- */

struct pfs_find {
    struct pfs_content *content;
    struct pfs_store *store;
    const char *name;
    int64_t now;
    struct pfs_target *target;
    bool absent;
    bool known;       /* the name may be of a device that is in the inventory */
    uint64_t unknown; /* or of one that is not; 0: no MAC */
    struct pfs_err *err;
};

/* 1: f->target says where the name leads; 0: nowhere. In a snapshot. */
int pfs_content_find(struct pfs_find *f);

/* Begins a snapshot. While the store is held by another, only one lookup's time is spent on waiting, so that
 * requests do not queue up behind each other. */
int pfs_content_begin(struct pfs_content *c, struct pfs_store *s, struct pfs_err *err);

/* One snapshot, and a look in it: 1 found, 0 nothing of that name; -ESTALE another thread went ahead: again.
 */
int pfs_content_look(struct pfs_content *c, struct pfs_store *s, const char *name, struct pfs_version **ret,
                     bool *ret_absent, struct pfs_err *err);
void pfs_content_forget(struct pfs_content *c, const char *name);

/* Says that a lookup failed; what was said last is not said again for a while. */
void pfs_content_log_failure(struct pfs_content *c, const char *name, const struct pfs_err *why, bool served);

/* Somebody asked for a name of a MAC that is in no inventory. */
void pfs_content_note_unknown(struct pfs_content *c, const char *name, uint64_t mac);

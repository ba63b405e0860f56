#include "base/json.h"
#include "base/timefmt.h"
#include "core/events_impl.h"

#include <errno.h>
#include <string.h>

enum { MISSED_BYTES = 48 };

/* ---- the ring, with the lock ---- */

static struct line **slot(struct pfs_events *e, uint64_t n)
{
    return &e->ring[n % e->max_lines];
}

static void drop_first(struct pfs_events *e)
{
    struct line **l = slot(e, e->first++);
    if (*l)
        e->bytes -= (*l)->len;
    free(*l);
    *l = NULL;
}

static void add_line(struct pfs_events *e, const char *text, size_t len)
{
    struct line *l = malloc(sizeof *l + len);
    if (l) {
        l->len = (uint32_t)len;
        memcpy(l->text, text, len);
        e->bytes += len;
    }
    while (e->next - e->first >= e->max_lines)
        drop_first(e);
    *slot(e, e->next++) = l;
    while (e->bytes > e->max_bytes && e->first + 1 < e->next)
        drop_first(e);
}

static void drop_all(struct pfs_events *e)
{
    while (e->first < e->next)
        drop_first(e);
}

static void call_for_work(struct pfs_events *e)
{
    e->work = true;
    pthread_cond_signal(&e->has_work);
}

void pfs_events_append(struct pfs_events *e, uint64_t order, const char *text, size_t len)
{
    pthread_mutex_lock(&e->lock);
    bool wanted = e->n_readers > 0 && (order == 0 || order == e->order);
    while (len > 0 && wanted) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) + 1 : len;
        add_line(e, text, n);
        text += n;
        len -= n;
    }
    call_for_work(e);
    pthread_mutex_unlock(&e->lock);
}

/* ---- what a line says ---- */

void pfs_events_print_change(FILE *out, int64_t gen, int64_t time, const char *kind, const char *object,
                             const char *key)
{
    char text[PFS_TIME_STR];
    pfs_time_format(time, text);
    fprintf(out, "{\"gen\":%lld,\"time\":\"%s\",\"kind\":", (long long)gen, text);
    pfs_json_string(out, kind);
    fputs(",\"object\":", out);
    pfs_json_string(out, object);
    fputs(",\"key\":", out);
    pfs_json_string(out, key);
    fputs("}\n", out);
}

void pfs_events_print_published(FILE *out, const char *name, int64_t mtime, uint64_t size)
{
    char text[PFS_TIME_STR];
    pfs_time_format(mtime, text);
    fputs("{\"published\":", out);
    pfs_json_string(out, name);
    fprintf(out, ",\"mtime\":\"%s\",\"size\":%llu}\n", text, (unsigned long long)size);
}

void pfs_events_tell(struct pfs_events *e, const char *lines, size_t len)
{
    pfs_events_append(e, 0, lines, len);
}

void pfs_events_published(void *arg, const char *name, const struct pfs_version *v)
{
    struct pfs_events *e = arg;
    autofree char *text = NULL;
    size_t len;
    if (__atomic_load_n(&e->n_readers, __ATOMIC_RELAXED) == 0)
        return;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    pfs_events_print_published(out, name, v->mtime, v->size);
    if (fclose(out) == 0)
        pfs_events_append(e, 0, text, len);
}

/* ---- reading ---- */

void pfs_events_open(struct pfs_events *e, const struct pfs_watermark *from, struct pfs_events_cursor *ret)
{
    pthread_mutex_lock(&e->lock);
    *ret = (struct pfs_events_cursor){.next = e->next};
    bool begins = e->n_readers == 0;
    __atomic_store_n(&e->n_readers, e->n_readers + 1, __ATOMIC_RELAXED);
    if (begins) {
        e->order++;
        e->has_from = from != NULL;
        e->from = from ? *from : (struct pfs_watermark){0};
    }
    pthread_mutex_unlock(&e->lock);
    if (begins)
        pfs_doorbell_wake(e->doorbell);
}

void pfs_events_close(struct pfs_events *e, struct pfs_events_cursor *c)
{
    free(c->rest);
    c->rest = NULL;
    pthread_mutex_lock(&e->lock);
    __atomic_store_n(&e->n_readers, e->n_readers - 1, __ATOMIC_RELAXED);
    if (e->n_readers == 0)
        drop_all(e);
    pthread_mutex_unlock(&e->lock);
}

/* Goes past the lines that are gone, and counts them. With the lock. */
static void skip_dropped(struct pfs_events *e, struct pfs_events_cursor *c)
{
    if (c->next < e->first) {
        c->missed += e->first - c->next;
        c->next = e->first;
    }
    while (c->next < e->next && !*slot(e, c->next)) {
        c->missed++;
        c->next++;
    }
}

/* What comes next for this cursor: of what was dropped, else a line. scratch holds the former. False:
 * nothing. With the lock. */
static bool peek(struct pfs_events *e, struct pfs_events_cursor *c, char scratch[static MISSED_BYTES],
                 const char **ret, size_t *ret_len)
{
    skip_dropped(e, c);
    if (c->missed > 0) {
        *ret_len =
            (size_t)snprintf(scratch, MISSED_BYTES, "{\"missed\":%llu}\n", (unsigned long long)c->missed);
        *ret = scratch;
        return true;
    }
    if (c->next == e->next)
        return false;
    const struct line *l = *slot(e, c->next);
    *ret = l->text;
    *ret_len = l->len;
    return true;
}

static void move_on(struct pfs_events_cursor *c)
{
    if (c->missed > 0)
        c->missed = 0;
    else
        c->next++;
}

static size_t give_rest(struct pfs_events_cursor *c, char *out, size_t size)
{
    size_t n = PFS_MIN(size, c->rest_len - c->rest_at);
    if (!c->rest)
        return 0;
    memcpy(out, c->rest + c->rest_at, n);
    c->rest_at += n;
    if (c->rest_at == c->rest_len) {
        free(c->rest);
        c->rest = NULL;
    }
    return n;
}

/* Copies whole lines; a first one that alone does not fit becomes the cursor's rest. With the lock. */
static ssize_t give_lines(struct pfs_events *e, struct pfs_events_cursor *c, char *out, size_t size)
{
    char scratch[MISSED_BYTES];
    const char *text;
    size_t len, n = 0;
    for (; peek(e, c, scratch, &text, &len) && len <= size - n; n += len) {
        memcpy(out + n, text, len);
        move_on(c);
    }
    if (n > 0 || !peek(e, c, scratch, &text, &len))
        return (ssize_t)n;
    c->rest = malloc(len);
    if (!c->rest)
        return -ENOMEM;
    memcpy(c->rest, text, len);
    c->rest_at = 0;
    c->rest_len = len;
    move_on(c);
    return 0;
}

ssize_t pfs_events_read(struct pfs_events *e, struct pfs_events_cursor *c, char *out, size_t size)
{
    size_t rest = give_rest(c, out, size);
    if (c->rest || rest == size)
        return (ssize_t)rest;
    pthread_mutex_lock(&e->lock);
    ssize_t n = give_lines(e, c, out + rest, size - rest);
    pthread_mutex_unlock(&e->lock);
    if (n < 0 && rest == 0)
        return n;
    n = PFS_MAX(n, 0);
    /* A line was begun by this read: its first part fills what room is left, but only where nothing came
     * before it. */
    if (n == 0 && rest == 0)
        return (ssize_t)give_rest(c, out, size);
    return (ssize_t)rest + n;
}

bool pfs_events_ready(struct pfs_events *e, const struct pfs_events_cursor *c)
{
    pthread_mutex_lock(&e->lock);
    bool ready = c->rest || c->missed > 0 || c->next < e->next;
    pthread_mutex_unlock(&e->lock);
    return ready;
}

/* ---- waiting ---- */

uint64_t pfs_events_reserve(struct pfs_events *e, pfs_events_fn fn, void *arg)
{
    struct waiter *w = calloc(1, sizeof *w);
    uint64_t ticket = 0;
    if (!w)
        return 0;
    pthread_mutex_lock(&e->lock);
    if (e->n_waiters < PFS_EVENTS_WAITERS_MAX) {
        *w = (struct waiter){.next = e->waiters, .ticket = ++e->last_ticket, .fn = fn, .arg = arg};
        ticket = w->ticket;
        e->waiters = w;
        e->n_waiters++;
    }
    pthread_mutex_unlock(&e->lock);
    if (ticket == 0)
        free(w);
    return ticket;
}

/* Where the pointer to the waiter is; to NULL where it is gone. With the lock. */
static struct waiter **find_waiter(struct pfs_events *e, uint64_t ticket)
{
    struct waiter **at = &e->waiters;
    while (*at && (*at)->ticket != ticket)
        at = &(*at)->next;
    return at;
}

static struct waiter *take_waiter(struct pfs_events *e, struct waiter **at)
{
    struct waiter *w = *at;
    *at = w->next;
    e->n_waiters--;
    return w;
}

void pfs_events_park(struct pfs_events *e, uint64_t ticket, const struct pfs_events_cursor *c)
{
    struct waiter *late = NULL;
    pthread_mutex_lock(&e->lock);
    struct waiter **at = find_waiter(e, ticket);
    if (*at) {
        (*at)->parked = true;
        (*at)->from = c->rest || c->missed > 0 ? 0 : c->next;
        late = e->stopped ? take_waiter(e, at) : NULL;
        call_for_work(e);
    }
    pthread_mutex_unlock(&e->lock);
    if (late)
        late->fn(late->arg, -ESHUTDOWN);
    free(late);
}

void pfs_events_interrupt(struct pfs_events *e, uint64_t ticket)
{
    pthread_mutex_lock(&e->lock);
    struct waiter *w = *find_waiter(e, ticket);
    if (w) {
        w->interrupted = true;
        call_for_work(e);
    }
    pthread_mutex_unlock(&e->lock);
}

bool pfs_events_unpark(struct pfs_events *e, uint64_t ticket)
{
    pthread_mutex_lock(&e->lock);
    struct waiter **at = find_waiter(e, ticket);
    struct waiter *w = *at ? take_waiter(e, at) : NULL;
    pthread_mutex_unlock(&e->lock);
    free(w);
    return w != NULL;
}

/* ---- calling back ---- */

/* Whether it is to be called now, and with what. With the lock. */
static bool is_due(const struct pfs_events *e, struct waiter *w)
{
    w->result = e->stopping ? -ESHUTDOWN : w->interrupted ? -EINTR : 0;
    return w->parked && (w->result < 0 || w->from < e->next);
}

/* Takes out all that are due, the one that has waited longest first. With the lock. */
static struct waiter *take_due(struct pfs_events *e)
{
    struct waiter *due = NULL;
    for (struct waiter **at = &e->waiters; *at;) {
        if (!is_due(e, *at)) {
            at = &(*at)->next;
            continue;
        }
        struct waiter *w = take_waiter(e, at);
        w->next = due;
        due = w;
    }
    return due;
}

static void call_all(struct waiter *due)
{
    while (due) {
        struct waiter *w = due;
        due = w->next;
        w->fn(w->arg, w->result);
        free(w);
    }
}

static void *call_back(void *arg)
{
    struct pfs_events *e = arg;
    bool stopping = false;
    while (!stopping) {
        pthread_mutex_lock(&e->lock);
        while (!e->work && !e->stopping)
            pthread_cond_wait(&e->has_work, &e->lock);
        e->work = false;
        stopping = e->stopping;
        struct waiter *due = take_due(e);
        e->stopped = stopping;
        pthread_mutex_unlock(&e->lock);
        call_all(due);
    }
    return NULL;
}

/* ---- making and freeing ---- */

int pfs_events_new(const char *database, const struct pfs_catalogue *c, const struct pfs_events_options *o,
                   struct pfs_events **ret, struct pfs_err *err)
{
    struct pfs_events *e = calloc(1, sizeof *e);
    if (!e)
        return pfs_err_nomem(err);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->has_work, NULL);
    e->catalogue = c;
    e->max_lines = o->lines ? o->lines : PFS_EVENTS_LINES;
    e->max_bytes = o->bytes ? o->bytes : PFS_EVENTS_BYTES;
    e->ring = calloc(e->max_lines, sizeof(struct line *));
    e->database = strdup(database);
    int r = e->ring && e->database ? pfs_doorbell_new(database, &e->doorbell, err) : pfs_err_nomem(err);
    if (r < 0)
        pfs_events_free(e);
    else
        *ret = e;
    return r;
}

int pfs_events_start(struct pfs_events *e, struct pfs_err *err)
{
    int r = pthread_create(&e->caller, NULL, call_back, e);
    e->calling = r == 0;
    if (r == 0) {
        r = pthread_create(&e->follower, NULL, pfs_events_follow, e);
        e->following = r == 0;
    }
    return r ? pfs_err_sys(err, r, "cannot start a thread") : 0;
}

void pfs_events_stop(struct pfs_events *e)
{
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    e->stopped = e->stopped || !e->calling;
    pthread_cond_signal(&e->has_work);
    pthread_mutex_unlock(&e->lock);
    pfs_doorbell_wake(e->doorbell);
    if (e->following)
        pthread_join(e->follower, NULL);
    if (e->calling)
        pthread_join(e->caller, NULL);
    e->following = e->calling = false;
}

void pfs_events_free(struct pfs_events *e)
{
    if (!e)
        return;
    pfs_events_stop(e);
    if (e->ring)
        drop_all(e);
    while (e->waiters)
        free(take_waiter(e, &e->waiters));
    free(e->ring);
    free(e->database);
    pfs_doorbell_free(e->doorbell);
    pthread_cond_destroy(&e->has_work);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

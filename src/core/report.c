#include "core/report.h"
#include "base/log.h"
#include "base/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

enum {
    INTERVAL_MS = 700,
    FOLLOW_MS = 300,
    STATUS_EVERY = 6,     /* rounds: it counts devices and looks at every name in memory */
    PUBLISHED_MAX = 1000, /* lines told at one time; who publishes more in a moment tells the newest */
};

struct pfs_report {
    struct pfs_content *content;
    const struct pfs_status *status;
    struct pfs_state *state;
    const char *database;
    const struct pfs_catalogue *catalogue;
    struct pfs_store *store; /* the thread's; opened at first use */
    uint64_t told[3];        /* hashes of what was left last */
    bool failing;
    unsigned round;
    struct pfs_ticker *ticker;

    pthread_mutex_t lock;           /* guards what follows */
    char *published[PUBLISHED_MAX]; /* a ring of lines: number n at n % PUBLISHED_MAX */
    uint64_t next, told_next;       /* numbers of lines */
};

/* Leaves a text where it is another than the last one. */
static int tell(struct pfs_report *r, int which, const char *kind, struct pfs_buf *text, struct pfs_err *err)
{
    uint64_t hash = XXH3_64bits(text->data ? text->data : "", text->len);
    if (hash == r->told[which])
        return 0;
    int ret = pfs_state_report_put(r->state, kind, pfs_buf_str(text), err);
    if (ret == 0)
        r->told[which] = hash;
    return ret;
}

/* The texts that need a snapshot; status may be NULL. */
static int print_both(struct pfs_report *r, struct pfs_buf *unknown, struct pfs_buf *status,
                      struct pfs_err *err)
{
    int ret = pfs_store_begin(r->store, err);
    if (ret < 0)
        return ret;
    ret = pfs_unknown_print(r->content, r->store, unknown, err);
    if (ret == 0 && status)
        ret = pfs_status_report(r->status, r->store, status, err);
    pfs_store_end(r->store);
    return ret;
}

/* ---- published files: the number of the first line, then the lines ---- */

void pfs_report_published(void *arg, const char *name, const struct pfs_version *v)
{
    struct pfs_report *r = arg;
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);
    if (!out)
        return;
    pfs_events_print_published(out, name, v->mtime, v->size);
    if (fclose(out) != 0) {
        free(line);
        return;
    }
    pthread_mutex_lock(&r->lock);
    char **place = &r->published[r->next++ % PUBLISHED_MAX];
    free(*place);
    *place = line;
    pthread_mutex_unlock(&r->lock);
}

static void print_published(struct pfs_report *r, struct pfs_buf *out)
{
    uint64_t first = r->next > PUBLISHED_MAX ? r->next - PUBLISHED_MAX : 0;
    pfs_buf_printf(out, "%llu\n", (unsigned long long)first);
    for (uint64_t n = first; n < r->next; n++)
        pfs_buf_str_add(out, r->published[n % PUBLISHED_MAX]);
}

static int tell_published(struct pfs_report *r, struct pfs_err *err)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    pthread_mutex_lock(&r->lock);
    uint64_t next = r->next;
    if (next != r->told_next)
        print_published(r, &text);
    pthread_mutex_unlock(&r->lock);
    if (next == r->told_next)
        return 0;
    int ret = pfs_buf_error(&text) ? pfs_err_nomem(err)
                                   : pfs_state_report_put(r->state, "published", pfs_buf_str(&text), err);
    if (ret == 0)
        r->told_next = next;
    return ret;
}

static int tell_all(struct pfs_report *r, struct pfs_err *err)
{
    autobuf struct pfs_buf unknown = PFS_BUF_INIT(0), errors = PFS_BUF_INIT(0), status = PFS_BUF_INIT(0);
    bool tells_status = r->round++ % STATUS_EVERY == 0;
    int ret = r->store ? 0 : pfs_store_open(r->database, r->catalogue, &r->store, err);
    if (ret == 0)
        ret = print_both(r, &unknown, tells_status ? &status : NULL, err);
    if (ret == 0)
        ret = pfs_errors_print(r->content, r->store, &errors, err);
    if (ret == 0)
        ret = tell(r, 0, "unknown", &unknown, err);
    if (ret == 0)
        ret = tell(r, 1, "errors", &errors, err);
    if (ret == 0 && tells_status)
        ret = tell(r, 2, "status", &status, err);
    return ret < 0 ? ret : tell_published(r, err);
}

static void tick(void *arg)
{
    struct pfs_report *r = arg;
    struct pfs_err why = {""};
    int ret = tell_all(r, &why);
    if (ret < 0 && !r->failing)
        pfs_log(PFS_LOG_WARNING, "other mounts cannot be told of unknown names and errors: %s",
                pfs_err_text(&why, ret));
    r->failing = ret < 0;
    if (ret < 0) { /* a database that was put in its place is opened anew */
        pfs_store_close(r->store);
        r->store = NULL;
    }
}

int pfs_report_start(struct pfs_content *c, const struct pfs_status *status, struct pfs_state *state,
                     const char *database, const struct pfs_catalogue *catalogue, struct pfs_report **ret,
                     struct pfs_err *err)
{
    struct pfs_report *r = calloc(1, sizeof *r);
    if (!r)
        return pfs_err_nomem(err);
    *r = (struct pfs_report){
        .content = c, .status = status, .state = state, .database = database, .catalogue = catalogue};
    pthread_mutex_init(&r->lock, NULL);
    int code = pfs_ticker_start(INTERVAL_MS, tick, r, &r->ticker, err);
    if (code < 0) {
        free(r);
        return code;
    }
    *ret = r;
    return 0;
}

void pfs_report_stop(struct pfs_report *r)
{
    if (!r)
        return;
    pfs_ticker_stop(r->ticker);
    pfs_state_report_put(r->state, "unknown", "", NULL);
    pfs_state_report_put(r->state, "errors", "", NULL);
    pfs_state_report_put(r->state, "status", "", NULL);
    pfs_state_report_put(r->state, "published", "", NULL);
    for (size_t i = 0; i < PUBLISHED_MAX; i++)
        free(r->published[i]);
    pthread_mutex_destroy(&r->lock);
    pfs_store_close(r->store);
    free(r);
}

/* ---- the other side ---- */

struct pfs_report_follower {
    struct pfs_state *state;
    struct pfs_events *events;
    struct pfs_ticker *ticker;
    bool started;
    uint64_t next; /* the number of the first line not yet told here */
};

/* Tells the lines from f->next on, of a text that begins with the number of its first line. */
static void take_published(struct pfs_report_follower *f, const struct pfs_buf *text)
{
    const char *at = text->data, *end = text->data + text->len;
    char *stop;
    uint64_t n = strtoull(at, &stop, 10);
    bool owner_is_new = f->started && n < f->next && n == 0;
    const char *from = NULL;
    for (at = stop + 1; at < end; n++) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        if (!eol)
            break;
        if (!from && n >= f->next)
            from = at;
        at = eol + 1;
    }
    if (owner_is_new && n < f->next) /* it began to count anew */
        from = strchr(text->data, '\n') + 1;
    if (f->started && from && from < at)
        pfs_events_tell(f->events, from, (size_t)(at - from));
    f->next = n;
    f->started = true;
}

static void follow(void *arg)
{
    struct pfs_report_follower *f = arg;
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    pfs_state_report_get(f->state, "published", &text);
    const char *s = pfs_buf_str(&text); /* so that the number ends */
    if (text.len > 0 && s[0] >= '0' && s[0] <= '9' && memchr(text.data, '\n', text.len))
        take_published(f, &text);
    else
        f->started = true; /* nothing published yet: all that comes is new */
}

int pfs_report_follow(struct pfs_state *state, struct pfs_events *events, struct pfs_report_follower **ret,
                      struct pfs_err *err)
{
    struct pfs_report_follower *f = calloc(1, sizeof *f);
    if (!f)
        return pfs_err_nomem(err);
    *f = (struct pfs_report_follower){.state = state, .events = events};
    follow(f); /* what is there already is not told */
    int r = pfs_ticker_start(FOLLOW_MS, follow, f, &f->ticker, err);
    if (r < 0) {
        free(f);
        return r;
    }
    *ret = f;
    return 0;
}

void pfs_report_unfollow(struct pfs_report_follower *f)
{
    if (!f)
        return;
    pfs_ticker_stop(f->ticker);
    free(f);
}

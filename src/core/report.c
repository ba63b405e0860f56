#include "core/report.h"
#include "base/log.h"
#include "base/ticker.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { INTERVAL_MS = 700 };

struct pfs_report {
    struct pfs_content *content;
    struct pfs_state *state;
    const char *database;
    const struct pfs_catalogue *catalogue;
    struct pfs_store *store; /* the thread's; opened at first use */
    uint64_t told[2];        /* hashes of what was left last */
    bool failing;
    struct pfs_ticker *ticker;
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

static int print_unknown(struct pfs_report *r, struct pfs_buf *out, struct pfs_err *err)
{
    int ret = pfs_store_begin(r->store, err);
    if (ret < 0)
        return ret;
    ret = pfs_unknown_print(r->content, r->store, out, err);
    pfs_store_end(r->store);
    return ret;
}

static int tell_all(struct pfs_report *r, struct pfs_err *err)
{
    autobuf struct pfs_buf unknown = PFS_BUF_INIT(0), errors = PFS_BUF_INIT(0);
    int ret = r->store ? 0 : pfs_store_open(r->database, r->catalogue, &r->store, err);
    if (ret == 0)
        ret = print_unknown(r, &unknown, err);
    if (ret == 0)
        ret = pfs_errors_print(r->content, r->store, &errors, err);
    if (ret == 0)
        ret = tell(r, 0, "unknown", &unknown, err);
    return ret < 0 ? ret : tell(r, 1, "errors", &errors, err);
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

int pfs_report_start(struct pfs_content *c, struct pfs_state *state, const char *database,
                     const struct pfs_catalogue *catalogue, struct pfs_report **ret, struct pfs_err *err)
{
    struct pfs_report *r = calloc(1, sizeof *r);
    if (!r)
        return pfs_err_nomem(err);
    *r = (struct pfs_report){.content = c, .state = state, .database = database, .catalogue = catalogue};
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
    pfs_store_close(r->store);
    free(r);
}

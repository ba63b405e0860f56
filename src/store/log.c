/* Reading the audit. A row of a large import stands for several: those of the values in `more` follow its
 * own, and an id tells which of them it is. */
#include "store/inventory.h"

#include <string.h>

/* Rows are written in order of gen: found from the newest back to the first that is old enough, without an
 * index. */
#define AFTER                                                                                                \
    "max(?6, CASE WHEN ?5 = 0 THEN 0 ELSE"                                                                   \
    " coalesce((SELECT id + 1 FROM log WHERE gen <= ?5 ORDER BY id DESC LIMIT 1), 0) END)"
#define SELECT_LOG                                                                                           \
    "SELECT gen, time, login, via, reason, kind, object, key, old, new, effective_from, id, more FROM log"   \
    " WHERE (?3 IS NULL OR key = ?3 OR more IS NOT NULL) AND time >= ?4 AND (?1 IS NULL OR kind = ?1) AND "  \
    "id >= " AFTER
#define OF_OBJECT " AND object = ?2"
#define OF_ALL " AND ?2 IS NULL"
#define OLDEST " ORDER BY id"
#define NEWEST " ORDER BY id DESC"

static const char *choose(const struct pfs_log_filter *f)
{
    if (f->object)
        return f->newest_first ? SELECT_LOG OF_OBJECT NEWEST : SELECT_LOG OF_OBJECT OLDEST;
    return f->newest_first ? SELECT_LOG OF_ALL NEWEST : SELECT_LOG OF_ALL OLDEST;
}

enum { PARTS = PFS_LOG_MORE_MAX + 2 }; /* ids of one row */

struct reading {
    struct pfs_store *store;
    const struct pfs_log_filter *filter;
    pfs_log_fn fn;
    void *arg;
};

/* part: 0 the row's own value. */
static int hand_over(const struct reading *g, struct pfs_log_row *row, int64_t id, int part)
{
    const char *key = g->filter->key;
    row->id = id * PARTS + part;
    if (row->id <= g->filter->after_id || (key && !(row->key && strcmp(row->key, key) == 0)))
        return 0;
    return g->fn(g->arg, row);
}

static int read_more(const struct reading *g, const struct pfs_log_row *whole, int64_t id, const char *more,
                     struct pfs_err *err)
{
    struct pfs_log_row row = *whole;
    autoquery struct pfs_query q;
    int part = g->filter->newest_first ? PARTS : 0;
    int r = pfs_query_start(&q, g->store->db, err,
                            g->filter->newest_first ? "SELECT key, value FROM json_each(?1) ORDER BY id DESC"
                                                    : "SELECT key, value FROM json_each(?1) ORDER BY id",
                            "s", more);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0) {
        part += g->filter->newest_first ? -1 : 1;
        row.key = pfs_query_text(&q, 0);
        row.new_ = pfs_query_text(&q, 1);
        r = hand_over(g, &row, id, part);
    }
    return r;
}

static int read_row(const struct reading *g, const struct pfs_query *q, struct pfs_err *err)
{
    struct pfs_log_row row = {
        .gen = pfs_query_int(q, 0),
        .time = pfs_query_int(q, 1),
        .login = pfs_query_text(q, 2),
        .via = pfs_query_text(q, 3),
        .reason = pfs_query_text(q, 4),
        .kind = pfs_query_text(q, 5),
        .object = pfs_query_text(q, 6),
        .key = pfs_query_text(q, 7),
        .old = pfs_query_text(q, 8),
        .new_ = pfs_query_text(q, 9),
        .from = pfs_query_int(q, 10),
    };
    int64_t id = pfs_query_int(q, 11);
    const char *more = pfs_query_text(q, 12);
    int r = more && g->filter->newest_first ? read_more(g, &row, id, more, err) : 0;
    if (r == 0)
        r = hand_over(g, &row, id, 0);
    return r == 0 && more && !g->filter->newest_first ? read_more(g, &row, id, more, err) : r;
}

int pfs_store_log(struct pfs_store *s, const struct pfs_log_filter *f, pfs_log_fn fn, void *arg,
                  struct pfs_err *err)
{
    const struct reading g = {.store = s, .filter = f, .fn = fn, .arg = arg};
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, choose(f), "sssiii", f->kind, f->object, f->key, f->since,
                            f->after_gen, f->after_id / PARTS);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0)
        r = read_row(&g, &q, err);
    return r;
}

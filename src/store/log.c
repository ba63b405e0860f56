/* Reading the audit. */
#include "store/inventory.h"

/* Rows are written in order of gen: found from the newest back to the first that is old enough, without an
 * index. */
#define AFTER                                                                                                \
    "max(?6, CASE WHEN ?5 = 0 THEN 0 ELSE"                                                                   \
    " coalesce((SELECT id FROM log WHERE gen <= ?5 ORDER BY id DESC LIMIT 1), 0) END)"
#define SELECT_LOG                                                                                           \
    "SELECT gen, time, login, via, reason, kind, object, key, old, new, effective_from, id FROM log"         \
    " WHERE (?3 IS NULL OR key = ?3) AND time >= ?4 AND (?1 IS NULL OR kind = ?1) AND id > " AFTER
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

int pfs_store_log(struct pfs_store *s, const struct pfs_log_filter *f, pfs_log_fn fn, void *arg,
                  struct pfs_err *err)
{
    autoquery struct pfs_query q;
    int r = pfs_query_start(&q, s->db, err, choose(f), "sssiii", f->kind, f->object, f->key, f->since,
                            f->after_gen, f->after_id);
    while (r == 0 && (r = pfs_query_step(&q, err)) > 0) {
        struct pfs_log_row row = {
            .gen = pfs_query_int(&q, 0),
            .time = pfs_query_int(&q, 1),
            .login = pfs_query_text(&q, 2),
            .via = pfs_query_text(&q, 3),
            .reason = pfs_query_text(&q, 4),
            .kind = pfs_query_text(&q, 5),
            .object = pfs_query_text(&q, 6),
            .key = pfs_query_text(&q, 7),
            .old = pfs_query_text(&q, 8),
            .new_ = pfs_query_text(&q, 9),
            .from = pfs_query_int(&q, 10),
            .id = pfs_query_int(&q, 11),
        };
        r = fn(arg, &row);
    }
    return r;
}

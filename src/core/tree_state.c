/* What is told about the mount: errors, unknown, status, and events as they happen. */
#include "core/status.h"
#include "core/tree_types.h"

#include <errno.h>
#include <string.h>

enum { FILE_RO = S_IFREG | 0440 };

static int read_errors(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    int r = pfs_errors_print(call->tree->content, call->context->store, out, err);
    if (r == 0)
        pfs_reported_print(call->tree->status->state, "errors", call->context->store, out);
    return r;
}

static int read_unknown(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    int r = pfs_unknown_print(call->tree->content, call->context->store, out, err);
    if (r == 0)
        pfs_reported_print(call->tree->status->state, "unknown", call->context->store, out);
    return r;
}

static int read_status(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    return pfs_status_print(call->tree->status, call->context->store, out, err);
}

const struct pfs_tree_type pfs_tree_errors = {
    .name = "errors", .mode = FILE_RO, .alone = true, .unsized = true, .read = read_errors};
const struct pfs_tree_type pfs_tree_unknown = {
    .name = "unknown", .mode = FILE_RO, .unsized = true, .read = read_unknown};
const struct pfs_tree_type pfs_tree_status = {
    .name = "status", .mode = FILE_RO, .unsized = true, .read = read_status};

/* ---- events: lines that come for ever ---- */

struct events {
    struct pfs_events_cursor cursor;
    char *buf; /* what the last read gave, grown to the largest read */
    size_t cap;
};

static int open_events(struct pfs_handle *h, struct pfs_err *err)
{
    struct events *e = h->own;
    struct pfs_watermark now;
    struct pfs_store *s = h->call.context->store;
    int r = pfs_store_begin(s, err);
    if (r < 0)
        return r;
    r = pfs_store_watermark(s, &now, err);
    pfs_store_end(s);
    if (r == 0)
        pfs_events_open(h->call.tree->events, &now, &e->cursor);
    return r;
}

static int read_events(struct pfs_handle *h, size_t size, const char **ret, size_t *ret_len,
                       struct pfs_err *err)
{
    struct events *e = h->own;
    if (size > e->cap) {
        char *more = realloc(e->buf, size);
        if (!more)
            return pfs_err_nomem(err);
        e->buf = more;
        e->cap = size;
    }
    ssize_t n = pfs_events_read(h->call.tree->events, &e->cursor, e->buf, size);
    if (n <= 0)
        return n < 0 ? (int)n : -EWOULDBLOCK;
    *ret = e->buf;
    *ret_len = (size_t)n;
    return 0;
}

static void release_events(struct pfs_handle *h)
{
    struct events *e = h->own;
    pfs_events_close(h->call.tree->events, &e->cursor);
    free(e->buf);
}

static const struct pfs_handle_ops events_ops = {
    .size = sizeof(struct events), .open = open_events, .read = read_events, .release = release_events};
const struct pfs_tree_type pfs_tree_events = {.name = "events", .mode = FILE_RO, .handle = &events_ops};

struct pfs_events_cursor *pfs_handle_events(struct pfs_handle *h)
{
    return h->ops == &events_ops ? &((struct events *)h->own)->cursor : NULL;
}

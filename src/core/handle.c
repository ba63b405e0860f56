/* Open files of the control tree. */
#include "core/tree.h"

#include <errno.h>
#include <string.h>

enum { CONTENT_MAX = 1 << 30 };

int pfs_tree_read(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    if (!call->type->read)
        return pfs_err_set(err, EINVAL, "control/%s: has no content of its own", call->path);
    if (call->type->alone)
        return call->type->read(call, out, err);
    struct pfs_store *s = call->context->store;
    int r;
    do {
        r = pfs_store_begin(s, err);
        if (r < 0)
            return r;
        pfs_buf_reset(out);
        r = call->type->read(call, out, err);
        pfs_store_end(s);
    } while (r == -ESTALE); /* the resolver was brought past this snapshot: again */
    if (r == 0 && pfs_buf_error(out))
        r = pfs_err_set(err, -pfs_buf_error(out), "control/%s: is too large", call->path);
    return r;
}

int pfs_handle_open(const struct pfs_tree_call *call, int64_t opener, struct pfs_handle **ret,
                    struct pfs_err *err)
{
    const struct pfs_handle_ops *ops = call->type->handle;
    struct pfs_handle *h = calloc(1, sizeof *h);
    if (!h)
        return pfs_err_nomem(err);
    *h = (struct pfs_handle){
        .call = *call, .ops = ops, .opener = opener, .content = PFS_BUF_INIT(CONTENT_MAX)};
    pthread_mutex_init(&h->lock, NULL);
    h->own = ops ? calloc(1, ops->size + 1) : NULL;
    int r = ops && !h->own ? pfs_err_nomem(err) : 0;
    if (r == 0 && ops && ops->open)
        r = ops->open(h, err);
    if (r < 0) {
        pfs_handle_release(h, call->context);
        return r;
    }
    *ret = h;
    return 0;
}

static ssize_t read_value(struct pfs_handle *h, char *out, size_t size, off_t off, struct pfs_err *err)
{
    if (!h->has_content) {
        int r = pfs_tree_read(&h->call, &h->content, err);
        if (r < 0)
            return r;
        h->has_content = true;
    }
    size_t from = PFS_MIN((size_t)off, h->content.len);
    size_t n = PFS_MIN(size, h->content.len - from);
    if (n)
        memcpy(out, h->content.data + from, n);
    return (ssize_t)n;
}

static ssize_t read_special(struct pfs_handle *h, char *out, size_t size, struct pfs_err *err)
{
    const char *data;
    size_t len;
    if (!h->ops->read)
        return pfs_err_set(err, EINVAL, "control/%s: is only written to", h->call.path);
    int r = h->ops->read(h, size, &data, &len, err);
    if (r < 0)
        return r;
    memcpy(out, data, len);
    return (ssize_t)len;
}

ssize_t pfs_handle_read(struct pfs_handle *h, struct pfs_context *c, char *out, size_t size, off_t off,
                        struct pfs_err *err)
{
    pthread_mutex_lock(&h->lock);
    h->call.context = c;
    ssize_t n = h->ops ? read_special(h, out, size, err) : read_value(h, out, size, off, err);
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* One write at offset 0 is the value, without its final newline. */
static int write_value(struct pfs_handle *h, const char *data, size_t len, off_t off, struct pfs_err *err)
{
    if (!h->call.type->write)
        return pfs_err_set(err, EPERM, "control/%s: cannot be written", h->call.path);
    if (off != 0 || h->written)
        return pfs_err_set(err, EINVAL, "control/%s: one write at the start is the value", h->call.path);
    if (len > PFS_TREE_WRITE_MAX)
        return pfs_err_set(err, EINVAL, "control/%s: a value has at most %d bytes", h->call.path,
                           PFS_TREE_WRITE_MAX);
    if (memchr(data, '\0', len))
        return pfs_err_set(err, EINVAL, "control/%s: a value has no NUL byte", h->call.path);
    size_t written_len = len;
    len -= len > 0 && data[len - 1] == '\n';
    autofree char *value = strndup(data, len);
    if (!value)
        return pfs_err_nomem(err);
    int r = h->call.type->write(&h->call, value, len, err);
    h->written = r == 0;
    h->written_len = written_len;
    h->has_content = false;
    return r;
}

int pfs_handle_write(struct pfs_handle *h, struct pfs_context *c, const char *data, size_t len, off_t off,
                     struct pfs_err *err)
{
    int r;
    pthread_mutex_lock(&h->lock);
    h->call.context = c;
    if (!h->ops)
        r = write_value(h, data, len, off, err);
    else if (h->ops->write)
        r = h->ops->write(h, data, len, err);
    else
        r = pfs_err_set(err, EPERM, "control/%s: is only read", h->call.path);
    pthread_mutex_unlock(&h->lock);
    return r;
}

int pfs_handle_truncate(struct pfs_handle *h, struct pfs_tree_call *call, off_t size, struct pfs_err *err)
{
    struct pfs_buf content autobuf = PFS_BUF_INIT(CONTENT_MAX);
    if (size == 0 || call->type->handle || (h && h->written && size == (off_t)h->written_len))
        return 0;
    int r = pfs_tree_read(call, &content, err);
    if (r < 0 || size == (off_t)content.len)
        return r;
    return pfs_err_set(err, EINVAL, "control/%s: a value is written, not cut", call->path);
}

int pfs_handle_flush(struct pfs_handle *h, struct pfs_context *c, int64_t closer, bool dying,
                     struct pfs_err *err)
{
    if (!h->ops || !h->ops->flush)
        return 0;
    pthread_mutex_lock(&h->lock);
    h->call.context = c;
    h->spoiled = h->spoiled || dying;
    int r = closer == h->opener && !dying ? h->ops->flush(h, err) : 0;
    pthread_mutex_unlock(&h->lock);
    return r;
}

void pfs_handle_release(struct pfs_handle *h, struct pfs_context *c)
{
    h->call.context = c;
    if (h->ops && h->ops->release && h->own)
        h->ops->release(h);
    pfs_buf_done(&h->content);
    pthread_mutex_destroy(&h->lock);
    free(h->own);
    free(h);
}

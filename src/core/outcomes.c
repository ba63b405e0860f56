/* What each login did last: "the sentence is in ctl". */
#include "base/utf8.h"
#include "core/tree.h"

#include <errno.h>
#include <string.h>

enum { LOGINS_MAX = 1024 };

struct pfs_outcomes {
    pthread_mutex_t lock;
    struct pfs_map by_login; /* to owned text */
};

int pfs_outcomes_new(struct pfs_outcomes **ret)
{
    struct pfs_outcomes *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    pthread_mutex_init(&o->lock, NULL);
    *ret = o;
    return 0;
}

void pfs_outcomes_free(struct pfs_outcomes *o)
{
    if (!o)
        return;
    pfs_map_done_with_values(&o->by_login);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

/* A sentence quotes what was written: it stays one line, and does nothing to the terminal it is shown on. */
static void add_printable(const char *text, struct pfs_buf *out)
{
    uint32_t code;
    for (const char *end = text + strlen(text); text < end;) {
        size_t n = pfs_utf8_decode(text, (size_t)(end - text), &code);
        bool shown = n > 0 && code >= ' ' && !(code >= 0x7f && code < 0xa0);
        pfs_buf_add(out, shown ? text : "?", shown ? n : 1);
        text += PFS_MAX(n, (size_t)1);
    }
}

void pfs_outcomes_line(int r, const char *text, struct pfs_buf *out)
{
    if (r == 0) {
        pfs_buf_printf(out, "ok%s%s\n", *text ? " " : "", text);
        return;
    }
    pfs_buf_str_add(out, "refused: ");
    add_printable(text, out);
    pfs_buf_char(out, '\n');
}

void pfs_outcomes_note(struct pfs_outcomes *o, const char *login, int r, const char *text)
{
    void *old = NULL;
    struct pfs_buf buf autobuf = PFS_BUF_INIT(PFS_TREE_WRITE_MAX);
    pfs_outcomes_line(r, text, &buf);
    char *line = strdup(pfs_buf_str(&buf));
    if (!line)
        return;
    pthread_mutex_lock(&o->lock);
    if (o->by_login.n >= LOGINS_MAX)
        pfs_map_done_with_values(&o->by_login);
    if (pfs_map_put(&o->by_login, login, strlen(login), line, &old) < 0)
        free(line);
    pthread_mutex_unlock(&o->lock);
    free(old);
}

void pfs_outcomes_read(struct pfs_outcomes *o, const char *login, struct pfs_buf *out)
{
    pthread_mutex_lock(&o->lock);
    const char *text = pfs_map_get(&o->by_login, login, strlen(login));
    if (text)
        pfs_buf_str_add(out, text);
    pthread_mutex_unlock(&o->lock);
}

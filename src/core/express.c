#include "core/express.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct express {
    struct pfs_map read; /* keys that a file reads */
    bool no_memory;
};

static void note_read(void *arg, const char *key)
{
    struct express *x = arg;
    if (pfs_map_put(&x->read, key, strlen(key), x, NULL) < 0)
        x->no_memory = true;
}

/* -EINVAL a file does not render: that is the check's to tell, and nothing can be said of what it would read.
 */
static int read_files(struct pfs_context *c, const struct pfs_model *m, const struct pfs_inputs *inputs,
                      struct express *x)
{
    struct pfs_phone phone;
    struct pfs_device *d = pfs_device_new_full(m->lines); /* what stands on lines is looked for too */
    int r = 0;
    if (!d)
        return -ENOMEM;
    pfs_inputs_phone(inputs, &phone);
    phone.device = d;
    for (size_t i = 0; i < m->n_files && r == 0; i++)
        if (m->files[i].spec->per == PFS_PER_DEVICE)
            r = pfs_render_reads(&m->files[i], &phone, c->library->zones, note_read, x);
    pfs_device_unref(d);
    return x->no_memory ? -ENOMEM : r;
}

struct sentence {
    const struct express *x;
    const struct pfs_map *only;
    const char *begin, *model;
    int64_t now;
    struct pfs_buf *out;
};

/* Whether the row is the first of a key that is in force, and that no file reads. */
static bool is_unread(const struct sentence *s, const struct pfs_layer *l, size_t i)
{
    const char *key = l->settings[i].key;
    bool again = i > 0 && strcmp(l->settings[i - 1].key, key) == 0;
    return !again && !strchr(key, ':') && (!s->only || pfs_map_get(s->only, key, strlen(key))) &&
           pfs_layer_find(l, key, s->now) && !pfs_map_get(&s->x->read, key, strlen(key));
}

static void add_sentence(const struct sentence *s, const struct pfs_layer *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n; i++) {
        if (!is_unread(s, l, i))
            continue;
        if (!any)
            pfs_buf_printf(s->out, "%s%s has no place for ", s->begin, s->model);
        pfs_buf_printf(s->out, "%s%s", any ? ", " : "", l->settings[i].key);
        any = true;
    }
    if (any)
        pfs_buf_printf(s->out, " (profile %s)\n", l->name);
}

int pfs_express_profile(struct pfs_context *c, const char *begin, const char *model, int64_t profile,
                        const struct pfs_map *only, struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_model *m = pfs_library_model(c->library, model);
    struct express x = {0};
    struct pfs_inputs *inputs = NULL;
    if (!m)
        return 0;
    int r = pfs_resolve_profile(c->resolver, c->store, model, profile, time(NULL), &inputs, err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    struct sentence s = {
        .x = &x, .only = only, .begin = begin, .model = model, .now = inputs->now, .out = out};
    r = read_files(c, m, inputs, &x);
    for (size_t i = 0; r == 0 && i < inputs->base->n_layers; i++)
        if (inputs->base->layers[i]->scope == PFS_SCOPE_PROFILE)
            add_sentence(&s, inputs->base->layers[i]);
    pfs_map_done(&x.read);
    pfs_inputs_unref(inputs);
    return r == -ENOMEM || pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

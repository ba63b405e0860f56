/* export --format xml: the whole inventory, object by object, in an order that depends on names alone. */
#include "core/command_impl.h"
#include "render/inventory_xml.h"

#include <errno.h>
#include <string.h>

enum { FLUSH_AT = 1 << 16 };

struct export
{
    struct pfs_command *cmd;
    struct pfs_store *store;
    struct pfs_buf buf;
    struct pfs_inventory_writer w;
    struct pfs_err *err;
};

static int flush(struct export *x, size_t at)
{
    if (pfs_buf_error(&x->buf) < 0)
        return pfs_err_nomem(x->err);
    if (x->buf.len < at || x->buf.len == 0)
        return 0;
    errno = 0;
    if (fwrite(x->buf.data, 1, x->buf.len, x->cmd->io->out) != x->buf.len)
        return pfs_err_sys(x->err, errno ? errno : EIO, "writing");
    pfs_buf_reset(&x->buf);
    return 0;
}

static int write_setting(void *arg, const struct pfs_setting_row *row)
{
    struct export *x = arg;
    if (!row->value && row->from == 0)
        return 0; /* says nothing */
    pfs_inventory_write_setting(&x->w, row->key, pfs_command_shown(x->cmd, row->key, row->value), row->from);
    return flush(x, FLUSH_AT);
}

static int write_settings(struct export *x, enum pfs_scope scope, int64_t id)
{
    return pfs_store_settings(x->store, scope, id, write_setting, x, x->err);
}

static int write_line(void *arg, const struct pfs_line_row *row)
{
    struct export *x = arg;
    pfs_inventory_write_line(&x->w, row->number, row->account);
    int r = write_settings(x, PFS_SCOPE_LINE, row->id);
    pfs_inventory_write_line_end(&x->w);
    return r;
}

/* Fields that are not set are not said; the empty text of a field is none. */
static const char *field(const struct pfs_object *o, enum pfs_field f)
{
    return o->fields[f] && *o->fields[f] ? o->fields[f] : NULL;
}

static int write_object(void *arg, const struct pfs_object *o)
{
    struct export *x = arg;
    struct pfs_inventory_object object = {
        .kind = o->kind,
        .name = o->name,
        .words = {[PFS_INVENTORY_MODEL] = field(o, PFS_FIELD_MODEL),
                  [PFS_INVENTORY_PROFILE] = field(o, PFS_FIELD_PROFILE),
                  [PFS_INVENTORY_PARENT] = field(o, PFS_FIELD_PARENT),
                  [PFS_INVENTORY_CUSTOMER] = field(o, PFS_FIELD_CUSTOMER),
                  [PFS_INVENTORY_ENABLED] = field(o, PFS_FIELD_ENABLED),
                  [PFS_INVENTORY_ID] = field(o, PFS_FIELD_INVENTORY_ID),
                  [PFS_INVENTORY_SOURCE] = field(o, PFS_FIELD_SOURCE),
                  [PFS_INVENTORY_NOTE] = field(o, PFS_FIELD_NOTE)},
    };
    pfs_inventory_write_object(&x->w, &object);
    int r = write_settings(x, o->kind, o->id);
    if (r == 0 && o->kind == PFS_SCOPE_DEVICE)
        r = pfs_store_lines(x->store, (uint64_t)o->id, write_line, x, x->err);
    pfs_inventory_write_object_end(&x->w, o->kind);
    return r < 0 ? r : flush(x, FLUSH_AT);
}

static int has_setting(void *arg, const struct pfs_setting_row *row)
{
    return row->value || row->from != 0;
}

/* The site and models are there of themselves: they are written where they set something. */
static int write_if_set(void *arg, const struct pfs_object *o)
{
    struct export *x = arg;
    int r = pfs_store_settings(x->store, o->kind, o->id, has_setting, NULL, x->err);
    return r > 0 ? write_object(x, o) : r;
}

/* ---- profiles: parents before children, else by name ---- */

struct profile {
    const char *name, *parent_name;
    int64_t id;
    struct profile *parent, *child; /* child: on the way down to the profile that is being written */
    bool written;
};

struct profiles {
    struct export *x;
    struct pfs_map by_name;
    size_t n, cap;
    struct profile **all;
};

static int take_profile(void *arg, const struct pfs_object *o)
{
    struct profiles *p = arg;
    struct pfs_arena *a = &p->x->cmd->arena;
    struct profile *profile = pfs_arena_alloc(a, sizeof *profile);
    const char *parent = o->fields[PFS_FIELD_PARENT];
    if (!profile)
        return -ENOMEM;
    profile->id = o->id;
    profile->name = pfs_arena_strdup(a, o->name);
    profile->parent_name = parent ? pfs_arena_strdup(a, parent) : NULL;
    if (!profile->name || !profile->parent_name != !parent ||
        pfs_map_put(&p->by_name, profile->name, strlen(profile->name), profile, NULL) < 0)
        return -ENOMEM;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct profile **all = reallocarray(p->all, cap, sizeof(struct profile *));
        if (!all)
            return -ENOMEM;
        p->all = all;
        p->cap = cap;
    }
    p->all[p->n++] = profile;
    return 0;
}

/* Those above it that are not written yet, then itself. (A ring, which somebody's SQL may have made, ends
 * where it began.) */
static int write_profile(struct profiles *p, struct profile *profile)
{
    int r = 0;
    struct profile *top = profile;
    if (profile->written)
        return 0;
    for (profile->written = true, profile->child = NULL; top->parent && !top->parent->written;
         top = top->parent) {
        top->parent->written = true;
        top->parent->child = top;
    }
    for (; top && r == 0; top = top->child)
        r = pfs_store_object(p->x->store, PFS_SCOPE_PROFILE, top->id, write_object, p->x, p->x->err);
    return r;
}

static int write_profiles(struct export *x)
{
    struct profiles p = {.x = x};
    int r = pfs_store_objects(x->store, PFS_SCOPE_PROFILE, take_profile, &p, x->err);
    if (r == -ENOMEM)
        pfs_err_nomem(x->err);
    for (size_t i = 0; i < p.n && r == 0; i++)
        if (p.all[i]->parent_name)
            p.all[i]->parent = pfs_map_get(&p.by_name, p.all[i]->parent_name, strlen(p.all[i]->parent_name));
    for (size_t i = 0; i < p.n && r == 0; i++)
        r = write_profile(&p, p.all[i]);
    pfs_map_done(&p.by_name);
    free(p.all);
    return r;
}

static int write_all(struct export *x)
{
    pfs_inventory_write_begin(&x->w, &x->buf);
    int r = pfs_store_objects(x->store, PFS_SCOPE_SITE, write_if_set, x, x->err);
    if (r == 0)
        r = pfs_store_objects(x->store, PFS_SCOPE_MODEL, write_if_set, x, x->err);
    if (r == 0)
        r = pfs_store_objects(x->store, PFS_SCOPE_CUSTOMER, write_object, x, x->err);
    if (r == 0)
        r = write_profiles(x);
    if (r == 0)
        r = pfs_store_objects(x->store, PFS_SCOPE_ACCOUNT, write_object, x, x->err);
    if (r == 0)
        r = pfs_store_objects(x->store, PFS_SCOPE_DEVICE, write_object, x, x->err);
    pfs_inventory_write_end(&x->w);
    return r < 0 ? r : flush(x, 0);
}

int pfs_export_xml(struct pfs_command *cmd, struct pfs_err *err)
{
    struct export x = {.cmd = cmd, .store = cmd->context->store, .err = err};
    if (pfs_command_has(cmd, PFS_OPTION_DELIMITER))
        return pfs_err_set(err, ENOEXEC, "export: --delimiter is for CSV");
    int r = pfs_command_may_see_secrets(cmd, err);
    if (r == 0)
        r = write_all(&x);
    pfs_buf_done(&x.buf);
    return r;
}

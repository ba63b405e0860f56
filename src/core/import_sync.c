/* import --sync: what an earlier sync of the same name brought and the file no longer has goes. */
#include "core/import.h"

#include <errno.h>
#include <string.h>

struct gone {
    struct pfs_import *m;
    enum pfs_scope kind;
    int64_t n_known; /* brought by this name, before */
    size_t n, cap;
    int64_t *ids;
};

static int look_at(void *arg, const struct pfs_object *o)
{
    struct gone *g = arg;
    const char *source = o->fields[PFS_FIELD_SOURCE];
    if (!source || strcmp(source, g->m->sync) != 0)
        return 0;
    bool is_device = g->kind == PFS_SCOPE_DEVICE;
    const struct pfs_entity *e = is_device ? pfs_entities_find(&g->m->devices, (uint64_t)o->id)
                                           : pfs_entities_find(&g->m->accounts, pfs_entities_hash(o->name));
    g->n_known += !e || e->existed;
    if (e)
        return 0;
    if (g->n == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 64;
        int64_t *ids = reallocarray(g->ids, cap, sizeof *ids);
        if (!ids)
            return -ENOMEM;
        g->ids = ids;
        g->cap = cap;
    }
    g->ids[g->n++] = o->id;
    return 0;
}

/* N or N%. */
static int parse_limit(const char *text, int64_t n_known, int64_t *ret, struct pfs_err *err)
{
    if (!text)
        text = "1%";
    size_t digits = strspn(text, "0123456789");
    bool percent = digits > 0 && strcmp(text + digits, "%") == 0;
    if (digits == 0 || digits > 9 || (text[digits] && !percent))
        return pfs_err_set(err, EINVAL, "--max-delete is a number or a percentage: %s is none", text);
    int64_t n = strtol(text, NULL, 10);
    *ret = percent ? n_known * n / 100 : n;
    return 0;
}

static int refuse_many(struct gone *g)
{
    const char *text = g->m->cmd->options[PFS_OPTION_MAX_DELETE];
    int64_t limit;
    int r = parse_limit(text, g->n_known, &limit, g->m->err);
    if (r < 0 || (int64_t)g->n <= limit)
        return r;
    return pfs_err_set(g->m->err, EINVAL, "sync of %s would remove %zu of %lld %ss: above --max-delete %s",
                       g->m->sync, g->n, (long long)g->n_known, pfs_scope_name(g->kind), text ? text : "1%");
}

static int delete_all(struct gone *g)
{
    int r = refuse_many(g);
    for (size_t i = 0; r == 0 && i < g->n; i++) {
        r = pfs_store_delete(g->m->store, g->kind, g->ids[i], true, g->m->err);
        g->m->removed[g->kind] += r == 0;
    }
    return r;
}

static int remove_kind(struct pfs_import *m, enum pfs_scope kind)
{
    struct gone g = {.m = m, .kind = kind};
    int r = pfs_store_objects(m->store, kind, look_at, &g, m->err);
    if (r == 0)
        r = delete_all(&g);
    free(g.ids);
    return r;
}

/* Lines of one device: number and whether its account is in the file. */
struct stale {
    struct pfs_import *m;
    size_t n;
    unsigned numbers[PFS_KEY_NUMBER_MAX];
};

static int look_at_line(void *arg, const struct pfs_line_row *row)
{
    struct stale *s = arg;
    bool in_file = pfs_entities_find(&s->m->lines, pfs_import_line_key(row->mac, row->number)) != NULL;
    bool brought =
        row->account && pfs_entities_find(&s->m->accounts, pfs_entities_hash(row->account)) != NULL;
    if (!in_file && brought && s->n < PFS_N_ELEMENTS(s->numbers))
        s->numbers[s->n++] = row->number;
    return 0;
}

/* An account that the file has on another line leaves the one it had. */
static int remove_lines(struct pfs_import *m)
{
    struct stale s = {.m = m};
    int r = 0;
    for (size_t i = 0; m->account != SIZE_MAX && r >= 0 && i < m->devices.n; i++) {
        const struct pfs_entity *e = &m->devices.all[i];
        s.n = 0;
        r = e->existed ? pfs_store_lines(m->store, e->key, look_at_line, &s, m->err) : 0;
        for (size_t k = 0; r >= 0 && k < s.n; k++) {
            r = pfs_store_release(m->store, e->key, s.numbers[k], m->err);
            m->removed[PFS_SCOPE_LINE] += r > 0;
        }
    }
    return r < 0 ? r : 0;
}

int pfs_import_remove(struct pfs_import *m)
{
    int r = remove_kind(m, PFS_SCOPE_DEVICE);
    if (r == 0 && m->account != SIZE_MAX)
        r = remove_kind(m, PFS_SCOPE_ACCOUNT);
    return r < 0 ? r : remove_lines(m);
}

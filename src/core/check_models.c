#include "core/check_models.h"
#include "render/read_back.h"

#include <errno.h>
#include <string.h>

enum { NUMBERS = 3 /* of indexed keys: key.1.type to key.3.type */ };

/* Every setting of the catalogue, in one layer. */
struct everything {
    struct pfs_arena arena;
    struct pfs_setting *settings;
    size_t n;
};

static const char *number_value(struct pfs_arena *a, const struct pfs_catalogue_entry *e)
{
    char text[24];
    int64_t n = e->min <= 1 && e->max >= 1 ? 1 : e->min;
    snprintf(text, sizeof text, "%lld", (long long)n);
    return pfs_arena_strdup(a, text);
}

/* A value that any phone should take; NULL: the key is left out (a reference would need an account). */
static const char *value_of(struct pfs_arena *a, const struct pfs_catalogue_entry *e, int number)
{
    static const char *const key_types[] = {"blf", "speeddial", "line"};
    size_t n_choices = 0;
    switch (e->type) {
    case PFS_TYPE_INT:
        return number_value(a, e);
    case PFS_TYPE_SWITCH:
        return "on";
    case PFS_TYPE_CHOICE:
        if (strstr(e->key, "key.N.type"))
            return key_types[number - 1];
        while (e->choices[n_choices])
            n_choices++;
        return e->default_text && *e->default_text ? e->default_text : e->choices[n_choices - 1];
    case PFS_TYPE_LIST:
        return e->default_text && *e->default_text ? e->default_text : e->choices[0];
    case PFS_TYPE_HOST:
        return "host.example.net";
    case PFS_TYPE_URL:
        return "http://host.example.net/file";
    case PFS_TYPE_ZONE:
        return "Europe/Vienna";
    case PFS_TYPE_TIME:
        return "03:30";
    case PFS_TYPE_USER:
        return "1001";
    case PFS_TYPE_TEXT:
        return e->default_text && *e->default_text && e->default_kind == PFS_DEFAULT_TEXT ? e->default_text
                                                                                          : "7001";
    case PFS_TYPE_ACCOUNT:
        return NULL;
    }
    return NULL;
}

/* `key.N.type` with a number in place of each N and M. */
static const char *numbered(struct pfs_arena *a, const char *key, int number)
{
    char *copy = pfs_arena_strdup(a, key);
    for (char *s = copy; s && *s; s++)
        if ((*s == 'N' || *s == 'M') && (s == copy || s[-1] == '.') && s[1] == '.')
            *s = (char)('0' + (*s == 'M' ? 1 : number));
    return copy;
}

static int add(struct everything *all, const struct pfs_catalogue_entry *e, int number)
{
    const char *value = value_of(&all->arena, e, number);
    if (!value)
        return 0;
    const char *key = e->id < 0 ? numbered(&all->arena, e->key, number) : e->key;
    if (!key)
        return -ENOMEM;
    all->settings[all->n++] = (struct pfs_setting){.key = key, .id = e->id, .value = value};
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct pfs_setting *)a)->key, ((const struct pfs_setting *)b)->key);
}

static int set_everything(const struct pfs_catalogue *c, struct everything *all)
{
    all->settings = calloc(c->n_entries * NUMBERS, sizeof *all->settings);
    int r = all->settings ? 0 : -ENOMEM;
    for (size_t i = 0; i < c->n_entries && r == 0; i++)
        for (int number = 1; number <= (c->entries[i].id < 0 ? NUMBERS : 1) && r == 0; number++)
            r = add(all, &c->entries[i], number);
    if (r == 0)
        qsort(all->settings, all->n, sizeof *all->settings, by_key);
    return r;
}

/* ---- the models ---- */

struct models {
    struct pfs_context *c;
    const struct pfs_base *base;
    pfs_problem_fn fn;
    void *arg;
    struct pfs_err *err;
};

static int check_file(struct models *m, const struct pfs_file *f, const struct pfs_device *d)
{
    struct pfs_err why = {""};
    char name[PFS_FILE_NAME_MAX + 1];
    const struct pfs_phone phone = {
        .catalogue = m->c->catalogue, .base = m->base, .device = f->spec->per == PFS_PER_DEVICE ? d : NULL};
    int r = pfs_read_back(f, &phone, m->c->library->zones, &why);
    if (r == 0 || r == -ENOMEM)
        return r;
    pfs_pattern_format(&f->name, d->mac, name);
    pfs_err_prefix(&why, "%s with every setting set, %s", f->model->name, name);
    return m->fn(m->arg, why.msg);
}

static int check_model(void *arg, const struct pfs_model *model)
{
    struct models *m = arg;
    struct pfs_device *d = pfs_device_new_full(model->lines);
    int r = d ? 0 : -ENOMEM;
    for (size_t i = 0; i < model->n_files && r == 0; i++)
        r = check_file(m, &model->files[i], d);
    pfs_device_unref(d);
    return r;
}

int pfs_check_models(struct pfs_context *c, pfs_problem_fn fn, void *arg, struct pfs_err *err)
{
    struct everything all = {0};
    struct pfs_base *base = NULL;
    int r = set_everything(c->catalogue, &all);
    struct pfs_layer layer = {.scope = PFS_SCOPE_SITE, .name = "site", .n = all.n, .settings = all.settings};
    const struct pfs_layer *layers[] = {&layer};
    if (r == 0)
        r = pfs_base_new(c->catalogue, layers, 1, 0, &base);
    struct models m = {.c = c, .base = base, .fn = fn, .arg = arg, .err = err};
    if (r == 0)
        r = pfs_library_models(c->library, check_model, &m);
    pfs_base_unref(base);
    free(all.settings);
    pfs_arena_done(&all.arena);
    return r == -ENOMEM ? pfs_err_nomem(err) : r;
}

/* The filters of expressions: their table, how they are applied, and those of truth. */
#include "render/filter_impl.h"

#include <errno.h>

enum { MANY = PFS_FILTER_ARGS_MAX };

typedef int (*filter_fn)(struct pfs_eval *e, struct pfs_str *v, const struct pfs_str *args, size_t n_args,
                         struct pfs_err *err);

struct pfs_filter_kind {
    const char *name;
    unsigned min_args, max_args;
    filter_fn apply;
};

struct pfs_str pfs_filter_on_off(bool on)
{
    return pfs_str_of(on ? "on" : "off");
}

bool pfs_str_true(struct pfs_str s)
{
    static const char *const falses[] = {"off", "no", "0", "none", "false"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(falses); i++)
        if (pfs_str_same(s, pfs_str_of(falses[i])))
            return false;
    return s.len > 0;
}

int pfs_filter_take(struct pfs_eval *e, struct pfs_buf *b, struct pfs_str *v, struct pfs_err *err)
{
    if (pfs_buf_error(b) == -EFBIG)
        return pfs_err_set(err, EFBIG, "a value grows beyond %d bytes", PFS_VALUE_MAX);
    char *copy = pfs_buf_error(b) ? NULL : pfs_arena_strndup(&e->scratch, b->data, b->len);
    if (!copy)
        return pfs_err_nomem(err);
    *v = (struct pfs_str){copy, b->len};
    return 0;
}

/* ---- truth ---- */

PFS_FILTER(bool)
{
    *v = args[pfs_str_true(*v) ? 0 : 1];
    return 0;
}

PFS_FILTER(default)
{
    if (v->len == 0)
        *v = args[0];
    return 0;
}

PFS_FILTER(is)
{
    bool found = false;
    for (size_t i = 0; i < n_args; i++)
        found = found || pfs_str_same(*v, args[i]);
    *v = pfs_filter_on_off(found);
    return 0;
}

PFS_FILTER(not )
{
    *v = pfs_filter_on_off(!pfs_str_true(*v));
    return 0;
}

PFS_FILTER(set)
{
    *v = pfs_filter_on_off(v->len > 0);
    return 0;
}

PFS_FILTER(isset)
{
    *v = pfs_filter_on_off(e->last_is_set);
    return 0;
}

PFS_FILTER(and)
{
    *v = pfs_filter_on_off(pfs_str_true(*v) && pfs_str_true(args[0]));
    return 0;
}

PFS_FILTER(or)
{
    *v = pfs_filter_on_off(pfs_str_true(*v) || pfs_str_true(args[0]));
    return 0;
}

PFS_FILTER(nonzero)
{
    if (pfs_str_same(*v, pfs_str_of("0")))
        *v = pfs_str_of("");
    return 0;
}

/* ---- the table ---- */

static const struct pfs_filter_kind kinds[] = {
    {"map", 0, 0, NULL},
    {"isset", 0, 0, pfs_filter_isset},
    {"bool", 2, 2, pfs_filter_bool},
    {"default", 1, 1, pfs_filter_default},
    {"is", 1, MANY, pfs_filter_is},
    {"not", 0, 0, pfs_filter_not},
    {"set", 0, 0, pfs_filter_set},
    {"and", 1, 1, pfs_filter_and},
    {"or", 1, 1, pfs_filter_or},
    {"nonzero", 0, 0, pfs_filter_nonzero},
    {"add", 1, 1, pfs_filter_add},
    {"sub", 1, 1, pfs_filter_sub},
    {"mul", 1, 1, pfs_filter_mul},
    {"div", 1, 1, pfs_filter_div},
    {"mod", 1, 1, pfs_filter_mod},
    {"abs", 0, 0, pfs_filter_abs},
    {"min", 1, 1, pfs_filter_min},
    {"max", 1, 1, pfs_filter_max},
    {"pad", 1, 1, pfs_filter_pad},
    {"hex", 0, 1, pfs_filter_hex},
    {"sign", 0, 0, pfs_filter_sign},
    {"duration", 1, 1, pfs_filter_duration},
    {"upper", 0, 0, pfs_filter_upper},
    {"lower", 0, 0, pfs_filter_lower},
    {"prefix", 1, 1, pfs_filter_prefix},
    {"suffix", 1, 1, pfs_filter_suffix},
    {"replace", 2, 2, pfs_filter_replace},
    {"remove", 1, 1, pfs_filter_remove},
    {"refuse", 1, 1, pfs_filter_refuse},
    {"trim", 1, 1, pfs_filter_trim},
    {"cut", 1, 1, pfs_filter_cut},
    {"before", 1, 1, pfs_filter_before},
    {"after", 1, 1, pfs_filter_after},
    {"after-last", 1, 1, pfs_filter_after_last},
    {"host", 0, 0, pfs_filter_host},
    {"uri", 0, 0, pfs_filter_uri},
    {"quote", 0, 0, pfs_filter_quote},
    {"join", 1, 1, pfs_filter_join},
    {"item", 1, 1, pfs_filter_item},
    {"index", 1, 1, pfs_filter_index},
    {"only", 1, 1, pfs_filter_only},
    {"first", 1, 1, pfs_filter_first},
    {"has", 1, 1, pfs_filter_has},
};

const struct pfs_filter_kind *pfs_filter_find(const char *name, size_t len)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(kinds); i++)
        if (pfs_str_same(pfs_str_of(kinds[i].name), (struct pfs_str){name, len}))
            return &kinds[i];
    return NULL;
}

bool pfs_filter_takes(const struct pfs_filter_kind *k, size_t n_args)
{
    return n_args >= k->min_args && n_args <= k->max_args;
}

bool pfs_filter_is_map(const struct pfs_filter_kind *k)
{
    return k->apply == NULL;
}

bool pfs_filter_is_isset(const struct pfs_filter_kind *k)
{
    return k->apply == pfs_filter_isset;
}

static int apply_map(struct pfs_eval *e, const struct pfs_value_map *map, struct pfs_str *v,
                     struct pfs_err *err)
{
    for (size_t i = 0; i < map->n; i++)
        if (pfs_str_same(*v, map->rules[i].from)) {
            *v = map->rules[i].to;
            return 0;
        }
    if (!map->has_default)
        return pfs_err_set(err, EINVAL, "the map \"%s\" has nothing for %s", map->name,
                           pfs_eval_shown(e, *v));
    *v = map->default_to;
    return 0;
}

int pfs_filter_apply(struct pfs_eval *e, const struct pfs_filter *f, struct pfs_str *v, struct pfs_err *err)
{
    struct pfs_str args[PFS_FILTER_ARGS_MAX];
    if (f->map)
        return apply_map(e, f->map, v, err);
    bool is_set = e->last_is_set; /* of the value, not of an argument */
    for (size_t i = 0; i < f->n_args; i++) {
        int r = pfs_eval_ref(e, &f->args[i], &args[i], err);
        if (r < 0)
            return r;
    }
    e->last_is_set = is_set;
    int r = f->kind->apply(e, v, args, f->n_args, err);
    if (r < 0)
        pfs_err_prefix(err, "%s", f->kind->name);
    return r;
}

/* import of XML: settings, which are looked at by key, with all their times. */
#include "core/import_xml.h"

#include <errno.h>
#include <string.h>

/* ---- rows ---- */

/* A row of a setting: wanted, or there. */
struct row {
    const char *key, *value;
    int64_t from;
    size_t row;
    bool is_mask;
};

struct rows {
    struct pfs_arena *arena;
    size_t n, cap;
    struct row *all;
};

static struct row *add_row(struct rows *rows)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : 32;
        struct row *all = pfs_arena_alloc(rows->arena, cap * sizeof *all);
        if (!all)
            return NULL;
        if (rows->n)
            memcpy(all, rows->all, rows->n * sizeof *all);
        rows->all = all;
        rows->cap = cap;
    }
    return &rows->all[rows->n++];
}

static int by_key(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order != 0)
        return order;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Accounts come before devices and lines; what others name is looked for at the end. */
static int check_reference(struct pfs_import_xml *x, enum pfs_scope scope,
                           const struct pfs_inventory_setting *s)
{
    struct pfs_err why;
    int64_t id;
    int r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, s->value, &id, &why);
    size_t len = strlen(s->value);
    if (r != -ENOENT || scope == PFS_SCOPE_DEVICE || scope == PFS_SCOPE_LINE) {
        if (r < 0)
            pfs_err_prefix(&why, "%s", s->key);
        return pfs_import_xml_bad(x, s->row, r, &why);
    }
    if (pfs_map_get(&x->references, s->value, len))
        return 0;
    r = pfs_map_put(&x->references, s->value, len, (void *)(uintptr_t)s->row, NULL);
    return r < 0 ? pfs_err_nomem(x->m.err) : 0;
}

/* ---- values of shared scopes: which models are in use is only known at the end ---- */

struct pfs_suspect {
    struct pfs_suspect *next;
    size_t row;
    const char *key, *value;
    bool told;
};

/* Kept where at least one model could not write it: few are. */
static int suspect(struct pfs_import_xml *x, const struct pfs_inventory_setting *s)
{
    bool fits = true;
    for (struct pfs_map_entry *e = NULL; fits && (e = pfs_map_next(&x->m.c->library->models, e));)
        fits = pfs_check_value(e->value, s->key, s->value, NULL) == 0;
    if (fits)
        return 0;
    struct pfs_suspect *kept = pfs_arena_alloc(&x->suspects_arena, sizeof *kept);
    if (!kept)
        return pfs_err_nomem(x->m.err);
    *kept = (struct pfs_suspect){.next = x->suspects,
                                 .row = s->row,
                                 .key = pfs_arena_strdup(&x->suspects_arena, s->key),
                                 .value = pfs_arena_strdup(&x->suspects_arena, s->value)};
    x->suspects = kept;
    return kept->key && kept->value ? 0 : pfs_err_nomem(x->m.err);
}

static int check_suspects(void *arg, const char *name)
{
    struct pfs_import_xml *x = arg;
    const struct pfs_model *m = pfs_library_model(x->m.c->library, name);
    for (struct pfs_suspect *s = x->suspects; s && m; s = s->next) {
        struct pfs_err why, cause;
        if (s->told || pfs_check_value(m, s->key, s->value, &why) == 0)
            continue;
        s->told = true;
        pfs_err_set(&cause, EINVAL, "%s (%s is in use)", why.msg, name);
        pfs_import_problem(&x->m, s->row, NULL, cause.msg);
    }
    return 0;
}

static bool is_shared(enum pfs_scope scope)
{
    return scope == PFS_SCOPE_SITE || scope == PFS_SCOPE_MODEL || scope == PFS_SCOPE_PROFILE ||
           scope == PFS_SCOPE_CUSTOMER;
}

/* ---- checking ---- */

/* A setting that can be written is added to the rows. */
static int check_setting(struct pfs_import_xml *x, const struct pfs_holder *h,
                         const struct pfs_inventory_setting *s, struct rows *rows)
{
    struct pfs_err why;
    struct pfs_key k;
    int r = pfs_command_key(x->m.c, h->scope, s->key, &k, &why);
    bool is_mask = r == 0 && s->value && k.secret && strcmp(s->value, "********") == 0;
    if (r == 0 && s->value && !is_mask)
        r = pfs_catalogue_check(s->key, &k, s->value, &why);
    if (r == 0 && s->value && !is_mask && h->model)
        r = pfs_check_value(h->model, s->key, s->value, &why);
    if (r < 0)
        return pfs_import_xml_bad(x, s->row, r, &why);
    if (k.entry && k.entry->type == PFS_TYPE_ACCOUNT && s->value && *s->value)
        r = check_reference(x, h->scope, s);
    if (r == 0 && s->value && !is_mask && is_shared(h->scope))
        r = suspect(x, s);
    struct row *row = r == 0 ? add_row(rows) : NULL;
    if (!row)
        return r < 0 ? r : pfs_err_nomem(x->m.err);
    *row = (struct row){.key = s->key, .value = s->value, .from = s->from, .row = s->row, .is_mask = is_mask};
    return 0;
}

/* Sorted, and of those said twice the first. */
static void sort_rows(struct pfs_import_xml *x, struct rows *rows)
{
    size_t n = 0;
    if (rows->n > 1)
        qsort(rows->all, rows->n, sizeof *rows->all, by_key);
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->all[i], *before = n ? &rows->all[n - 1] : NULL;
        struct pfs_err why;
        if (!before || before->from != row->from || strcmp(before->key, row->key) != 0) {
            rows->all[n++] = *row;
            continue;
        }
        pfs_err_set(&why, EINVAL, "%s stands in line %zu already", row->key, before->row);
        pfs_import_problem(&x->m, row->row, NULL, why.msg);
    }
    rows->n = n;
}

static int take_existing(void *arg, const struct pfs_setting_row *s)
{
    struct rows *rows = arg;
    struct row *row = add_row(rows);
    if (!row)
        return -ENOMEM;
    *row = (struct row){
        .key = pfs_arena_strdup(rows->arena, s->key),
        .value = s->value ? pfs_arena_strdup(rows->arena, s->value) : NULL,
        .from = s->from,
    };
    return row->key && !row->value == !s->value ? 0 : -ENOMEM;
}

/* A mask stands for the value that is there. False where there is none, which is told. */
static bool unmask(struct pfs_import_xml *x, struct row *row, const struct row *there, size_t n_there)
{
    struct pfs_err why;
    if (!row->is_mask)
        return true;
    for (size_t i = 0; i < n_there; i++)
        if (there[i].from == row->from && there[i].value) {
            row->value = there[i].value;
            return true;
        }
    pfs_err_set(&why, EINVAL,
                "%s is ********, as secrets are shown, and the inventory has no value to leave: give it, or "
                "export with --secrets",
                row->key);
    pfs_import_problem(&x->m, row->row, NULL, why.msg);
    return false;
}

/* ---- writing ---- */

/* What a change of a setting reaches is checked at the end; devices of the document are rendered all. */
static int note_change(struct pfs_import_xml *x, const struct pfs_holder *h, const char *key,
                       const char *value)
{
    if (is_shared(h->scope))
        return pfs_check_note_setting(x->m.check, x->m.c, h->scope, h->id, key, value, x->m.err);
    return h->scope == PFS_SCOPE_ACCOUNT && h->existed
               ? pfs_check_note_scope(x->m.check, x->m.c, h->scope, h->id, x->m.err)
               : 0;
}

static int write_row(struct pfs_import_xml *x, const struct pfs_holder *h, const struct row *row)
{
    struct pfs_err why;
    int r = pfs_store_set(x->m.store, h->scope, h->id, row->key, row->value, row->from, 0, &why);
    x->m.n_changed += r > 0 && h->existed;
    if (r > 0)
        return note_change(x, h, row->key, row->value);
    return pfs_import_xml_bad(x, row->row, r, &why);
}

static bool is_among(int64_t from, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].from == from)
            return true;
    return false;
}

/* Takes away rows of a key that the document does not have: the one of all times alone, scheduled ones from
 * the first of them on; those behind it that the document has are written again. */
static int remove_surplus(struct pfs_import_xml *x, const struct pfs_holder *h, const struct row *want,
                          size_t n_want, const struct row *there, size_t n_there)
{
    for (size_t i = 0; i < n_there; i++) {
        if (is_among(there[i].from, want, n_want))
            continue;
        const char *key = there[i].key;
        int r = there[i].from == 0
                    ? pfs_store_set(x->m.store, h->scope, h->id, key, NULL, 0, 0, x->m.err)
                    : pfs_store_unschedule(x->m.store, h->scope, h->id, key, there[i].from - 1, x->m.err);
        x->m.n_changed += r > 0;
        if (r > 0)
            r = note_change(x, h, key, NULL);
        if (r < 0 || there[i].from > 0)
            return r;
    }
    return 0;
}

/* All rows of one key. */
static int write_key(struct pfs_import_xml *x, const struct pfs_holder *h, struct row *want, size_t n_want,
                     const struct row *there, size_t n_there)
{
    struct pfs_err why;
    bool good = true;
    for (size_t i = 0; i < n_want; i++)
        good &= unmask(x, &want[i], there, n_there);
    bool is_always_there = h->scope == PFS_SCOPE_SITE || h->scope == PFS_SCOPE_MODEL;
    if (n_there > 0 && !x->m.update && is_always_there) {
        pfs_err_set(&why, EEXIST, "the %s%s%s has %s already (--update changes it)", pfs_scope_name(h->scope),
                    *h->name ? " " : "", h->name, want->key);
        return pfs_import_xml_bad(x, want->row, -EEXIST, &why);
    }
    int r = good && h->may_write ? remove_surplus(x, h, want, n_want, there, n_there) : 0;
    for (size_t i = 0; i < n_want && r == 0 && good && h->may_write; i++)
        r = write_row(x, h, &want[i]);
    return r;
}

static size_t length_of_key(const struct row *rows, size_t n)
{
    size_t same = 0;
    while (same < n && strcmp(rows[same].key, rows->key) == 0)
        same++;
    return same;
}

static int write_rows(struct pfs_import_xml *x, const struct pfs_holder *h, struct rows *want,
                      const struct rows *there)
{
    int r = 0;
    size_t at = 0;
    for (size_t i = 0, n; i < want->n && r == 0; i += n) {
        n = length_of_key(want->all + i, want->n - i);
        while (at < there->n && strcmp(there->all[at].key, want->all[i].key) < 0)
            at++;
        size_t n_there = at < there->n && strcmp(there->all[at].key, want->all[i].key) == 0
                             ? length_of_key(there->all + at, there->n - at)
                             : 0;
        r = write_key(x, h, want->all + i, n, n_there ? there->all + at : NULL, n_there);
    }
    return r;
}

int pfs_import_xml_settings(struct pfs_import_xml *x, const struct pfs_holder *h,
                            const struct pfs_inventory_setting *s, size_t n)
{
    if (n == 0)
        return 0;
    pfs_arena_reset(&x->scratch);
    struct rows want = {.arena = &x->scratch}, there = {.arena = &x->scratch};
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = check_setting(x, h, &s[i], &want);
    if (r < 0)
        return r;
    sort_rows(x, &want);
    if (h->existed && h->id >= 0)
        r = pfs_store_settings(x->m.store, h->scope, h->id, take_existing, &there, x->m.err);
    if (r < 0)
        return r == -ENOMEM ? pfs_err_nomem(x->m.err) : r;
    return write_rows(x, h, &want, &there);
}

/* ---- at the end ---- */

static int check_references(struct pfs_import_xml *x)
{
    int r = 0;
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&x->references, e));) {
        struct pfs_err why;
        int64_t id;
        r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, e->key, &id, &why);
        r = pfs_import_xml_bad(x, (size_t)(uintptr_t)e->value, r, &why);
    }
    return r;
}

int pfs_import_xml_settings_end(struct pfs_import_xml *x)
{
    int r = check_references(x);
    return r < 0 || !x->suspects ? r : pfs_store_models_in_use(x->m.store, check_suspects, x, x->m.err);
}

/* import: the whole inventory as XML, in one pass: each object is written as it comes, and where something
 * was wrong in the end, all of it is rolled back. */
#include "core/import.h"
#include "render/inventory_xml.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

struct xml_import {
    struct pfs_import m; /* first: what the shared part knows */
    FILE *in;
    int64_t size;
    struct pfs_entities profiles, models; /* beside those of m */
    struct pfs_map references; /* names of accounts that are not there yet, to the row that names them */
    struct pfs_arena scratch;  /* for one object's settings */
};

/* What settings or lines hang on. */
struct holder {
    enum pfs_scope scope;
    int64_t id;
    const char *name;
    bool existed;
    bool may_write;                /* it is there, and may be changed */
    const struct pfs_model *model; /* of the device; NULL: not known */
};

static int bad(struct xml_import *x, size_t row, int r, const struct pfs_err *why)
{
    return pfs_import_take(&x->m, r, row, NULL, why);
}

/* ---- settings ---- */

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
static int check_reference(struct xml_import *x, enum pfs_scope scope, const struct pfs_inventory_setting *s)
{
    struct pfs_err why;
    int64_t id;
    int r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, s->value, &id, &why);
    size_t len = strlen(s->value);
    if (r != -ENOENT || scope == PFS_SCOPE_DEVICE || scope == PFS_SCOPE_LINE) {
        if (r < 0)
            pfs_err_prefix(&why, "%s", s->key);
        return bad(x, s->row, r, &why);
    }
    if (pfs_map_get(&x->references, s->value, len))
        return 0;
    r = pfs_map_put(&x->references, s->value, len, (void *)(uintptr_t)s->row, NULL);
    return r < 0 ? pfs_err_nomem(x->m.err) : 0;
}

/* A setting that can be written is added to the rows. */
static int check_setting(struct xml_import *x, const struct holder *h, const struct pfs_inventory_setting *s,
                         struct rows *rows)
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
        return bad(x, s->row, r, &why);
    if (k.entry && k.entry->type == PFS_TYPE_ACCOUNT && s->value && *s->value)
        r = check_reference(x, h->scope, s);
    struct row *row = r == 0 ? add_row(rows) : NULL;
    if (!row)
        return r < 0 ? r : pfs_err_nomem(x->m.err);
    *row = (struct row){.key = s->key, .value = s->value, .from = s->from, .row = s->row, .is_mask = is_mask};
    return 0;
}

/* Sorted, and of those said twice the first. */
static void sort_rows(struct xml_import *x, struct rows *rows)
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
static bool unmask(struct xml_import *x, struct row *row, const struct row *there, size_t n_there)
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

static bool is_shared(enum pfs_scope scope)
{
    return scope == PFS_SCOPE_SITE || scope == PFS_SCOPE_MODEL || scope == PFS_SCOPE_PROFILE ||
           scope == PFS_SCOPE_CUSTOMER;
}

/* What a change of a setting reaches is checked at the end; devices of the document are rendered all. */
static int note_change(struct xml_import *x, const struct holder *h, const char *key, const char *value)
{
    if (is_shared(h->scope))
        return pfs_check_note_setting(x->m.check, x->m.c, h->scope, h->id, key, value, x->m.err);
    return h->scope == PFS_SCOPE_ACCOUNT && h->existed
               ? pfs_check_note_scope(x->m.check, x->m.c, h->scope, h->id, x->m.err)
               : 0;
}

static int write_row(struct xml_import *x, const struct holder *h, const struct row *row)
{
    struct pfs_err why;
    int r = pfs_store_set(x->m.store, h->scope, h->id, row->key, row->value, row->from, 0, &why);
    x->m.n_changed += r > 0 && h->existed;
    if (r > 0)
        return note_change(x, h, row->key, row->value);
    return bad(x, row->row, r, &why);
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
static int remove_surplus(struct xml_import *x, const struct holder *h, const struct row *want, size_t n_want,
                          const struct row *there, size_t n_there)
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
static int write_key(struct xml_import *x, const struct holder *h, struct row *want, size_t n_want,
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
        return bad(x, want->row, -EEXIST, &why);
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

static int write_rows(struct xml_import *x, const struct holder *h, struct rows *want,
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

static int take_settings(struct xml_import *x, const struct holder *h, const struct pfs_inventory_setting *s,
                         size_t n)
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

/* ---- lines ---- */

static int take_line(struct xml_import *x, const struct holder *device, const struct pfs_inventory_line *l)
{
    struct pfs_err why;
    char name[PFS_MAC_STR + 8];
    struct holder h = {.scope = PFS_SCOPE_LINE, .name = name, .model = device->model};
    int64_t account = 0;
    int r = device->model ? pfs_check_line(device->model, l->number, &why) : 0;
    if (r == 0 && l->account && *l->account)
        r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, l->account, &account, &why);
    h.may_write = r == 0 && device->may_write;
    if (r < 0 && bad(x, l->row, r, &why) < 0)
        return -EIO;
    snprintf(name, sizeof name, "%s/%u", device->name, l->number);
    h.existed = device->existed && pfs_store_find(x->m.store, PFS_SCOPE_LINE, name, &h.id, NULL) == 0;
    r = 0;
    if (h.may_write && (!h.existed || l->account)) {
        r = pfs_store_assign(x->m.store, (uint64_t)device->id, l->number, account, &why);
        x->m.made[PFS_SCOPE_LINE] += r > 0 && !h.existed;
        x->m.n_changed += r > 0 && h.existed;
    }
    if (r >= 0 && h.may_write && !h.existed && l->n_settings > 0)
        r = pfs_store_find(x->m.store, PFS_SCOPE_LINE, name, &h.id, &why);
    if (r < 0)
        return bad(x, l->row, r, &why);
    return take_settings(x, &h, l->settings, l->n_settings);
}

static int take_lines(struct xml_import *x, const struct holder *device, const struct pfs_inventory_object *o)
{
    uint32_t seen[(PFS_KEY_NUMBER_MAX + 32) / 32] = {0};
    int r = 0;
    for (size_t i = 0; i < o->n_lines && r == 0; i++) {
        const struct pfs_inventory_line *l = &o->lines[i];
        uint32_t *word = &seen[l->number / 32], bit = 1u << l->number % 32;
        struct pfs_err why;
        if (*word & bit) {
            pfs_err_set(&why, EINVAL, "line %u stands twice in this device", l->number);
            pfs_import_problem(&x->m, l->row, NULL, why.msg);
            continue;
        }
        *word |= bit;
        r = take_line(x, device, l);
    }
    return r;
}

/* ---- objects ---- */

static struct pfs_entities *entities_of(struct xml_import *x, enum pfs_scope kind)
{
    switch (kind) {
    case PFS_SCOPE_MODEL:
        return &x->models;
    case PFS_SCOPE_CUSTOMER:
        return &x->m.customers;
    case PFS_SCOPE_PROFILE:
        return &x->profiles;
    case PFS_SCOPE_ACCOUNT:
        return &x->m.accounts;
    default:
        return &x->m.devices;
    }
}

/* Notes that the document has it. NULL: it has it twice, which is told, or (*ret negative) memory is out. */
static struct pfs_entity *note_object(struct xml_import *x, const struct pfs_inventory_object *o,
                                      const char *name, uint64_t key, int *ret)
{
    struct pfs_err why;
    struct pfs_entities *entities = entities_of(x, o->kind);
    size_t n = entities->n;
    struct pfs_entity *e = pfs_entities_get(entities, key, (uint32_t)o->row);
    *ret = e ? 0 : pfs_err_nomem(x->m.err);
    if (!e || entities->n > n)
        return e;
    pfs_err_set(&why, EINVAL, "%s %s stands in line %u already", pfs_scope_name(o->kind), name, e->row);
    pfs_import_problem(&x->m, o->row, NULL, why.msg);
    return NULL;
}

/* Finds the object or makes it. */
static int enter(struct xml_import *x, const struct pfs_inventory_object *o, struct holder *h)
{
    struct pfs_err why;
    int r = pfs_store_find(x->m.store, o->kind, h->name, &h->id, &why);
    h->existed = h->may_write = r == 0;
    if (r == 0 && !x->m.update) {
        h->may_write = false;
        pfs_err_set(&why, EEXIST, "the %s %s is there already (--update changes it)", pfs_scope_name(o->kind),
                    h->name);
        return bad(x, o->row, -EEXIST, &why);
    }
    if (r == -ENOENT) {
        r = pfs_store_add(x->m.store, o->kind, h->name, &h->id, &why);
        h->may_write = r == 0;
        x->m.made[o->kind] += r == 0;
    }
    return bad(x, o->row, r, &why);
}

static int enter_model(struct xml_import *x, const struct pfs_inventory_object *o, struct holder *h)
{
    struct pfs_err why;
    const struct pfs_model *m;
    int r = pfs_library_find_model(x->m.c->library, o->name, &m, &why);
    if (r == 0 && strcmp(m->name, o->name) != 0)
        r = pfs_err_set(&why, EINVAL, "the model is named %s", m->name);
    if (r == 0)
        r = pfs_store_model(x->m.store, o->name, &h->id, &why);
    h->existed = h->may_write = r == 0;
    return bad(x, o->row, r, &why);
}

static int existing_model(void *arg, const struct pfs_object *o)
{
    struct xml_import *x = ((void **)arg)[0];
    struct holder *h = ((void **)arg)[1];
    if (o->fields[PFS_FIELD_MODEL])
        h->model = pfs_library_model(x->m.c->library, o->fields[PFS_FIELD_MODEL]);
    return 0;
}

/* What the object refers to must be there: each that is not is a problem of its own. */
static int check_fields(struct xml_import *x, const struct pfs_inventory_object *o, struct holder *h)
{
    static const struct {
        enum pfs_inventory_word word;
        enum pfs_scope kind;
    } refers[] = {{PFS_INVENTORY_PROFILE, PFS_SCOPE_PROFILE},
                  {PFS_INVENTORY_PARENT, PFS_SCOPE_PROFILE},
                  {PFS_INVENTORY_CUSTOMER, PFS_SCOPE_CUSTOMER}};
    struct pfs_err why;
    void *arg[2] = {x, h};
    const char *model = o->words[PFS_INVENTORY_MODEL];
    int r = 0;
    if (model && *model)
        r = bad(x, o->row, pfs_library_find_model(x->m.c->library, model, &h->model, &why), &why);
    else if (!model && o->kind == PFS_SCOPE_DEVICE && h->existed)
        r = pfs_store_object(x->m.store, o->kind, h->id, existing_model, arg, x->m.err);
    for (size_t i = 0; i < PFS_N_ELEMENTS(refers) && r == 0; i++) {
        const char *name = o->words[refers[i].word];
        int64_t id;
        if (name && *name)
            r = bad(x, o->row, pfs_store_find(x->m.store, refers[i].kind, name, &id, &why), &why);
    }
    return r;
}

static int set_fields(struct xml_import *x, const struct pfs_inventory_object *o, const struct holder *h)
{
    static const enum pfs_field field_of[PFS_INVENTORY_N_WORDS] = {
        [PFS_INVENTORY_MODEL] = PFS_FIELD_MODEL,     [PFS_INVENTORY_PROFILE] = PFS_FIELD_PROFILE,
        [PFS_INVENTORY_PARENT] = PFS_FIELD_PARENT,   [PFS_INVENTORY_CUSTOMER] = PFS_FIELD_CUSTOMER,
        [PFS_INVENTORY_ENABLED] = PFS_FIELD_ENABLED, [PFS_INVENTORY_ID] = PFS_FIELD_INVENTORY_ID,
        [PFS_INVENTORY_SOURCE] = PFS_FIELD_SOURCE,   [PFS_INVENTORY_NOTE] = PFS_FIELD_NOTE,
    };
    struct pfs_target t = {.kind = o->kind, .id = h->id, .name = h->name};
    const char *fields[PFS_N_FIELDS] = {0};
    struct pfs_err why;
    bool any = false;
    for (size_t i = 0; i < PFS_INVENTORY_N_WORDS; i++) {
        bool is_default =
            !h->existed && i == PFS_INVENTORY_ENABLED && o->words[i] && strcmp(o->words[i], "yes") == 0;
        if (!o->words[i] || is_default)
            continue;
        fields[field_of[i]] = o->words[i];
        any = true;
    }
    x->m.cmd->check = o->kind == PFS_SCOPE_DEVICE || !h->existed ? NULL : x->m.check;
    int r = any ? pfs_command_set_fields(x->m.cmd, &t, fields, &why) : 0;
    x->m.cmd->check = NULL;
    x->m.n_changed += r > 0 && h->existed;
    return bad(x, o->row, r, &why);
}

/* The object itself, found or made, and its fields. */
static int take_named(struct xml_import *x, const struct pfs_inventory_object *o, struct holder *h)
{
    int64_t n_problems = x->m.n_problems;
    int r = o->kind == PFS_SCOPE_MODEL ? enter_model(x, o, h) : enter(x, o, h);
    if (r < 0 || o->kind == PFS_SCOPE_MODEL)
        return r;
    r = check_fields(x, o, h);
    bool may_write = h->may_write && x->m.n_problems == n_problems;
    return r == 0 && may_write ? set_fields(x, o, h) : r;
}

static int take_object(void *arg, const struct pfs_inventory_object *o)
{
    struct xml_import *x = arg;
    struct holder h = {.scope = o->kind, .id = -1, .name = o->name};
    struct pfs_err why;
    char mac_text[PFS_MAC_STR];
    uint64_t key = pfs_entities_hash(o->name);
    int r = 0;
    if (o->kind == PFS_SCOPE_SITE) {
        h.id = 0;
        h.existed = h.may_write = true;
        return take_settings(x, &h, o->settings, o->n_settings);
    }
    if (o->kind == PFS_SCOPE_DEVICE) {
        r = pfs_mac_parse(o->name, &key, &why);
        if (r < 0)
            return bad(x, o->row, r, &why);
        pfs_mac_format(key, mac_text);
        h.name = mac_text;
    }
    x->m.n_rows++;
    if (!note_object(x, o, h.name, key, &r))
        return r;
    r = take_named(x, o, &h);
    if (r == 0)
        r = take_settings(x, &h, o->settings, o->n_settings);
    return r == 0 && o->kind == PFS_SCOPE_DEVICE ? take_lines(x, &h, o) : r;
}

/* ---- the whole ---- */

static int take_problem(void *arg, size_t row, const char *cause)
{
    struct xml_import *x = arg;
    pfs_import_problem(&x->m, row, NULL, cause);
    return 0;
}

static void show_progress(void *arg, int64_t bytes)
{
    struct xml_import *x = arg;
    if (x->size > 0)
        pfs_command_progress(x->m.cmd, "reading", PFS_MIN(bytes, x->size), x->size);
}

static int check_references(struct xml_import *x)
{
    int r = 0;
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(&x->references, e));) {
        struct pfs_err why;
        int64_t id;
        r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, e->key, &id, &why);
        r = bad(x, (size_t)(uintptr_t)e->value, r, &why);
    }
    return r;
}

static int read_document(struct pfs_import *m)
{
    struct xml_import *x = (struct xml_import *)m;
    struct pfs_inventory_reader reader = {
        .object = take_object, .problem = take_problem, .progress = show_progress, .arg = x};
    int r = pfs_inventory_read(x->in, &reader, m->err);
    return r < 0 ? r : check_references(x);
}

static int digest(FILE *in, uint64_t *ret, struct pfs_err *err)
{
    char chunk[1 << 16];
    size_t n;
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return pfs_err_nomem(err);
    XXH3_64bits_reset(state);
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0)
        XXH3_64bits_update(state, chunk, n);
    *ret = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    int failed = ferror(in) ? errno : 0;
    rewind(in);
    return failed ? pfs_err_sys(err, failed, "reading") : 0;
}

static int check_options(const struct pfs_command *cmd, struct pfs_err *err)
{
    if (pfs_command_has(cmd, PFS_OPTION_SYNC) || pfs_command_has(cmd, PFS_OPTION_MAX_DELETE))
        return pfs_err_set(err, ENOEXEC,
                           "import: --sync is for CSV; an XML inventory is taken with --update");
    if (pfs_command_has(cmd, PFS_OPTION_DELIMITER))
        return pfs_err_set(err, ENOEXEC, "import: --delimiter is for CSV");
    return 0;
}

int pfs_import_xml(struct pfs_command *cmd, FILE *in, int64_t size, struct pfs_err *err)
{
    struct xml_import x = {
        .m = {.read = read_document, .unit = "line", .update = pfs_command_has(cmd, PFS_OPTION_UPDATE)},
        .in = in,
        .size = size,
    };
    uint64_t hash = 0;
    int r = check_options(cmd, err);
    if (r == 0)
        r = digest(in, &hash, err);
    if (r == 0)
        r = pfs_import_run(&x.m, cmd, hash, err);
    pfs_entities_done(&x.profiles);
    pfs_entities_done(&x.models);
    pfs_map_done(&x.references);
    pfs_arena_done(&x.scratch);
    return r;
}

/* import: the whole inventory as XML, in one pass: each object is written as it comes, and where something
 * was wrong in the end, all of it is rolled back. */
#include "core/import_xml.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

/* ---- lines ---- */

static int take_line(struct pfs_import_xml *x, const struct pfs_holder *device,
                     const struct pfs_inventory_line *l)
{
    struct pfs_err why;
    char name[PFS_MAC_STR + 8];
    struct pfs_holder h = {.scope = PFS_SCOPE_LINE, .name = name, .model = device->model};
    int64_t account = 0;
    int r = device->model ? pfs_check_line(device->model, l->number, &why) : 0;
    if (r == 0 && l->account && *l->account)
        r = pfs_store_find(x->m.store, PFS_SCOPE_ACCOUNT, l->account, &account, &why);
    h.may_write = r == 0 && device->may_write;
    if (r < 0 && pfs_import_xml_bad(x, l->row, r, &why) < 0)
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
        return pfs_import_xml_bad(x, l->row, r, &why);
    return pfs_import_xml_settings(x, &h, l->settings, l->n_settings);
}

static int take_lines(struct pfs_import_xml *x, const struct pfs_holder *device,
                      const struct pfs_inventory_object *o)
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

static struct pfs_entities *entities_of(struct pfs_import_xml *x, enum pfs_scope kind)
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
static struct pfs_entity *note_object(struct pfs_import_xml *x, const struct pfs_inventory_object *o,
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
static int enter(struct pfs_import_xml *x, const struct pfs_inventory_object *o, struct pfs_holder *h)
{
    struct pfs_err why;
    int r = pfs_store_find(x->m.store, o->kind, h->name, &h->id, &why);
    h->existed = h->may_write = r == 0;
    if (r == 0 && !x->m.update) {
        h->may_write = false;
        pfs_err_set(&why, EEXIST, "the %s %s is there already (--update changes it)", pfs_scope_name(o->kind),
                    h->name);
        return pfs_import_xml_bad(x, o->row, -EEXIST, &why);
    }
    if (r == -ENOENT) {
        r = pfs_store_add(x->m.store, o->kind, h->name, &h->id, &why);
        h->may_write = r == 0;
        x->m.made[o->kind] += r == 0;
    }
    return pfs_import_xml_bad(x, o->row, r, &why);
}

static int enter_model(struct pfs_import_xml *x, const struct pfs_inventory_object *o, struct pfs_holder *h)
{
    struct pfs_err why;
    const struct pfs_model *m;
    int r = pfs_library_find_model(x->m.c->library, o->name, &m, &why);
    if (r == 0 && strcmp(m->name, o->name) != 0)
        r = pfs_err_set(&why, EINVAL, "the model is named %s", m->name);
    if (r == 0)
        r = pfs_store_model(x->m.store, o->name, &h->id, &why);
    h->existed = h->may_write = r == 0;
    return pfs_import_xml_bad(x, o->row, r, &why);
}

static int existing_model(void *arg, const struct pfs_object *o)
{
    struct pfs_import_xml *x = ((void **)arg)[0];
    struct pfs_holder *h = ((void **)arg)[1];
    if (o->fields[PFS_FIELD_MODEL])
        h->model = pfs_library_model(x->m.c->library, o->fields[PFS_FIELD_MODEL]);
    return 0;
}

/* What the object refers to must be there: each that is not is a problem of its own. */
static int check_fields(struct pfs_import_xml *x, const struct pfs_inventory_object *o, struct pfs_holder *h)
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
        r = pfs_import_xml_bad(x, o->row, pfs_library_find_model(x->m.c->library, model, &h->model, &why),
                               &why);
    else if (!model && o->kind == PFS_SCOPE_DEVICE && h->existed)
        r = pfs_store_object(x->m.store, o->kind, h->id, existing_model, arg, x->m.err);
    for (size_t i = 0; i < PFS_N_ELEMENTS(refers) && r == 0; i++) {
        const char *name = o->words[refers[i].word];
        int64_t id;
        if (name && *name)
            r = pfs_import_xml_bad(x, o->row, pfs_store_find(x->m.store, refers[i].kind, name, &id, &why),
                                   &why);
    }
    return r;
}

static int set_fields(struct pfs_import_xml *x, const struct pfs_inventory_object *o,
                      const struct pfs_holder *h)
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
    if (r > 0 && h->model && fields[PFS_FIELD_PROFILE] && *fields[PFS_FIELD_PROFILE])
        r = pfs_check_note_profile(x->m.check, h->model->name, fields[PFS_FIELD_PROFILE], &why);
    return pfs_import_xml_bad(x, o->row, r, &why);
}

/* The object itself, found or made, and its fields. */
static int take_named(struct pfs_import_xml *x, const struct pfs_inventory_object *o, struct pfs_holder *h)
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
    struct pfs_import_xml *x = arg;
    struct pfs_holder h = {.scope = o->kind, .id = -1, .name = o->name};
    struct pfs_err why;
    char mac_text[PFS_MAC_STR];
    uint64_t key = pfs_entities_hash(o->name);
    int r = 0;
    if (o->kind == PFS_SCOPE_SITE) {
        h.id = 0;
        h.existed = h.may_write = true;
        return pfs_import_xml_settings(x, &h, o->settings, o->n_settings);
    }
    if (o->kind == PFS_SCOPE_DEVICE) {
        r = pfs_mac_parse(o->name, &key, &why);
        if (r < 0)
            return pfs_import_xml_bad(x, o->row, r, &why);
        pfs_mac_format(key, mac_text);
        h.name = mac_text;
    }
    x->m.n_rows++;
    if (!note_object(x, o, h.name, key, &r))
        return r;
    r = take_named(x, o, &h);
    if (r == 0)
        r = pfs_import_xml_settings(x, &h, o->settings, o->n_settings);
    return r == 0 && o->kind == PFS_SCOPE_DEVICE ? take_lines(x, &h, o) : r;
}

/* ---- the whole ---- */

static int take_problem(void *arg, size_t row, const char *cause)
{
    struct pfs_import_xml *x = arg;
    pfs_import_problem(&x->m, row, NULL, cause);
    return 0;
}

static void show_progress(void *arg, int64_t bytes)
{
    struct pfs_import_xml *x = arg;
    if (x->size > 0)
        pfs_command_progress(x->m.cmd, "reading", PFS_MIN(bytes, x->size), x->size);
}

static int read_document(struct pfs_import *m)
{
    struct pfs_import_xml *x = (struct pfs_import_xml *)m;
    struct pfs_inventory_reader reader = {
        .object = take_object, .problem = take_problem, .progress = show_progress, .arg = x};
    int r = pfs_inventory_read(x->in, &reader, m->err);
    return r < 0 ? r : pfs_import_xml_settings_end(x);
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
    struct pfs_import_xml x = {
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
    pfs_arena_done(&x.suspects_arena);
    pfs_arena_done(&x.scratch);
    return r;
}

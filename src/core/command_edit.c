/* Commands that change one object: add put set unset assign release replace rename delete. */
#include "base/timefmt.h"
#include "core/command_impl.h"

#include <errno.h>
#include <string.h>

#define KINDS_ADDED                                                                                          \
    (PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) | PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) | PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT) | \
     PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER))
#define KINDS_SET                                                                                            \
    (KINDS_ADDED | PFS_SCOPE_BIT(PFS_SCOPE_SITE) | PFS_SCOPE_BIT(PFS_SCOPE_MODEL) |                          \
     PFS_SCOPE_BIT(PFS_SCOPE_LINE))

static bool is_setting(const char *key)
{
    return strpbrk(key, ".:") != NULL;
}

/* ---- fields ---- */

static int parse_field(enum pfs_scope kind, const char *name, enum pfs_field *ret, struct pfs_err *err)
{
    if (pfs_field_parse(name, ret) == 0 && pfs_field_of(kind, *ret))
        return 0;
    size_t used = 0;
    char known[128] = "";
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (pfs_field_of(kind, (enum pfs_field)i))
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     pfs_field_name((enum pfs_field)i));
    return pfs_err_set(err, ENOENT, "a %s has no field %s%s%s%s", pfs_scope_name(kind), name,
                       used ? " (it has " : "", known, used ? "; a setting's key has a dot or colon)" : "");
}

static int check_model(struct pfs_command *cmd, const char *value, struct pfs_err *err)
{
    const struct pfs_model *m;
    return value ? pfs_library_find_model(cmd->context->library, value, &m, err) : 0;
}

void pfs_command_note_vendor(struct pfs_command *cmd, const struct pfs_target *t, const char *model)
{
    const struct pfs_model *m = model ? pfs_library_model(cmd->context->library, model) : NULL;
    char vendors[PFS_VENDORS_STR];
    uint64_t mac;
    if (!cmd->io->notes || !m || pfs_mac_parse(t->name, &mac, NULL) < 0 ||
        pfs_library_vendor_has_mac(cmd->context->library, m->tmpl->vendor, mac) ||
        !*pfs_library_vendors(cmd->context->library, mac, vendors))
        return;
    pfs_buf_printf(cmd->notes, "note: %s looks like an address of %s: is the model %s right?\n", t->name,
                   vendors, m->name);
}

/* Sets a field; an empty text clears it. 1 changed, 0 held already. */
static int set_field(struct pfs_command *cmd, const struct pfs_target *t, enum pfs_field field,
                     const char *value, struct pfs_err *err)
{
    if (value && *value == '\0' && field != PFS_FIELD_ENABLED)
        value = NULL;
    int r = field == PFS_FIELD_MODEL ? check_model(cmd, value, err) : 0;
    if (r == 0)
        r = pfs_store_update(cmd->context->store, t->kind, t->id, field, value, err);
    bool touches_files = field == PFS_FIELD_MODEL || field == PFS_FIELD_PROFILE ||
                         field == PFS_FIELD_PARENT || field == PFS_FIELD_CUSTOMER;
    if (r > 0 && field == PFS_FIELD_MODEL && t->kind == PFS_SCOPE_DEVICE)
        pfs_command_note_vendor(cmd, t, value);
    if (r <= 0 || !touches_files || !cmd->check)
        return r;
    r = pfs_check_note_scope(cmd->check, cmd->context, t->kind, t->id, err);
    return r < 0 ? r : 1;
}

/* The profile before and the customer after may not go together, nor the other way round: where the customer
 * is refused and another profile is to come, the old one goes first. */
static int set_customer(struct pfs_command *cmd, const struct pfs_target *t, const char *customer,
                        bool profile_comes, struct pfs_err *err)
{
    int r = set_field(cmd, t, PFS_FIELD_CUSTOMER, customer, err);
    if (r != -EINVAL || !profile_comes)
        return r;
    r = set_field(cmd, t, PFS_FIELD_PROFILE, NULL, err);
    return r < 0 ? r : set_field(cmd, t, PFS_FIELD_CUSTOMER, customer, err);
}

/* A device that was given a model or a profile: is there a place for all that is set? */
static int note_profile(struct pfs_command *cmd, const struct pfs_target *t, const char *const *fields,
                        struct pfs_err *err)
{
    struct pfs_object o;
    if (!cmd->check || t->kind != PFS_SCOPE_DEVICE ||
        (!fields[PFS_FIELD_MODEL] && !fields[PFS_FIELD_PROFILE]))
        return 0;
    int r = pfs_command_object(cmd, t->kind, t->id, &o, err);
    if (r < 0 || !o.fields[PFS_FIELD_MODEL] || !o.fields[PFS_FIELD_PROFILE])
        return r;
    return pfs_check_note_profile(cmd->check, o.fields[PFS_FIELD_MODEL], o.fields[PFS_FIELD_PROFILE], err);
}

int pfs_command_set_fields(struct pfs_command *cmd, const struct pfs_target *t, const char *const *fields,
                           struct pfs_err *err)
{
    bool changed = false;
    int r = 0;
    if (fields[PFS_FIELD_CUSTOMER])
        r = set_customer(cmd, t, fields[PFS_FIELD_CUSTOMER],
                         t->kind == PFS_SCOPE_DEVICE && fields[PFS_FIELD_PROFILE], err);
    changed |= r > 0;
    for (int i = 0; i < PFS_N_FIELDS && r >= 0; i++) {
        if (fields[i] && i != PFS_FIELD_CUSTOMER)
            r = set_field(cmd, t, (enum pfs_field)i, fields[i], err);
        changed |= r > 0;
    }
    if (r >= 0 && changed)
        r = note_profile(cmd, t, fields, err);
    return r < 0 ? r : changed;
}

/* ---- settings ---- */

static void note_reach(struct pfs_command *cmd, const struct pfs_target *t, const char *key)
{
    int64_t devices, stronger;
    if (!cmd->io->notes || t->kind == PFS_SCOPE_DEVICE || t->kind == PFS_SCOPE_LINE ||
        pfs_store_reach(cmd->context->store, t->kind, t->id, key, cmd->now, &devices, &stronger, NULL) < 0 ||
        devices == 0)
        return;
    int64_t follow = devices - stronger;
    pfs_buf_printf(cmd->notes, "note: %s device%s", pfs_command_number(cmd, follow),
                   follow == 1 ? " follows" : "s follow");
    if (stronger > 0)
        pfs_buf_printf(cmd->notes, "; %s ha%s a stronger value (provfs list values %s)",
                       pfs_command_number(cmd, stronger), stronger == 1 ? "s" : "ve", key);
    pfs_buf_char(cmd->notes, '\n');
}

struct scheduled {
    const char *key;
    int64_t now, first;
    int n;
};

static int count_scheduled(void *arg, const struct pfs_setting_row *row)
{
    struct scheduled *s = arg;
    if (row->from <= s->now || strcmp(row->key, s->key) != 0)
        return 0;
    if (s->n++ == 0)
        s->first = row->from;
    return 0;
}

static void note_scheduled(struct pfs_command *cmd, const struct pfs_target *t, const char *key)
{
    struct scheduled s = {.key = key, .now = cmd->now};
    char when[PFS_TIME_STR];
    if (!cmd->io->notes ||
        pfs_store_settings(cmd->context->store, t->kind, t->id, count_scheduled, &s, NULL) < 0 || s.n == 0)
        return;
    pfs_time_format(s.first, when);
    pfs_buf_printf(cmd->notes, "note: %d scheduled value%s of %s stay%s, the first from %s\n", s.n,
                   s.n == 1 ? "" : "s", key, s.n == 1 ? "s" : "", when);
}

static int model_row(struct pfs_command *cmd, struct pfs_target *t, struct pfs_err *err)
{
    return t->kind == PFS_SCOPE_MODEL && t->id == 0
               ? pfs_store_model(cmd->context->store, t->name, &t->id, err)
               : 0;
}

/* What the phones of an override's vendor do with a key that their file no longer has. */
static void note_native(struct pfs_command *cmd, const char *key)
{
    const struct pfs_library *l = cmd->context->library;
    size_t vendor_len = strcspn(key, ":");
    for (size_t i = 0; i < l->n_templates; i++) {
        const struct pfs_template *t = l->templates[i];
        if (strlen(t->vendor) != vendor_len || strncmp(t->vendor, key, vendor_len) != 0)
            continue;
        pfs_buf_printf(cmd->notes, "note: %s phones %s %s\n", t->title,
                       t->absent_key_kept
                           ? "keep the value they have of a key that their file no longer has: set"
                           : "take their factory value for a key that their file no longer has:",
                       t->absent_key_kept ? "the value wanted instead, where the template writes none"
                                          : "nothing more to do");
        return;
    }
}

static int set_setting(struct pfs_command *cmd, struct pfs_target *t, const char *key, const char *value,
                       int64_t from, struct pfs_err *err)
{
    struct pfs_key k = {0};
    int r = pfs_command_key(cmd->context, t->kind, key, &k, err);
    if (r == 0)
        r = pfs_catalogue_check(key, &k, value, err);
    if (r == 0 && k.secret && strcmp(value, "********") == 0)
        r = pfs_err_set(err, EINVAL, "%s: ******** is what a secret is shown as, not its value", key);
    if (r == 0)
        r = model_row(cmd, t, err);
    if (r == 0)
        r = pfs_store_set(cmd->context->store, t->kind, t->id, key, value, from, cmd->now, err);
    if (r <= 0)
        return r;
    if (from == 0) {
        note_reach(cmd, t, key);
        note_scheduled(cmd, t, key);
        if (k.override && strcmp(value, PFS_VALUE_CLEAR) == 0)
            note_native(cmd, key);
    }
    return pfs_check_note_setting(cmd->check, cmd->context, t->kind, t->id, key, value, err);
}

static int option_from(const struct pfs_command *cmd, int64_t *ret, struct pfs_err *err)
{
    *ret = 0;
    if (!pfs_command_has(cmd, PFS_OPTION_FROM))
        return 0;
    int r = pfs_time_parse(cmd->options[PFS_OPTION_FROM], ret, err);
    if (r < 0)
        pfs_err_prefix(err, "--from");
    else if (*ret <= 0)
        r = pfs_err_set(err, EINVAL, "--from: times before 1970 are none");
    return r;
}

static int set_clears(struct pfs_command *cmd, struct pfs_target *t, int64_t from, struct pfs_err *err)
{
    int r = 0;
    for (size_t i = 0; i < cmd->n_clears && r >= 0; i++) {
        if (!strchr(cmd->clears[i], ':'))
            return pfs_err_set(err, ENOEXEC, "--clear takes a vendor's own key, VENDOR:KEY: %s is none",
                               cmd->clears[i]);
        r = set_setting(cmd, t, cmd->clears[i], PFS_VALUE_CLEAR, from, err);
    }
    return r;
}

/* A value from standard input: all of it, but for the line end that a shell adds. */
static int set_from_stdin(struct pfs_command *cmd, struct pfs_target *t, int64_t from, struct pfs_err *err)
{
    const char *key = cmd->options[PFS_OPTION_STDIN];
    if (!key)
        return 0;
    if (!is_setting(key))
        return pfs_err_set(err, ENOEXEC, "--stdin takes the key of a setting: %s is none", key);
    autobuf struct pfs_buf value = PFS_BUF_INIT(0);
    int r = pfs_command_read(cmd, "-", PFS_VALUE_MAX + 2, &value, err);
    if (r < 0)
        return r;
    if (value.len > 0 && value.data[value.len - 1] == '\n')
        value.len--;
    if (value.len > 0 && value.data[value.len - 1] == '\r')
        value.len--;
    const char *text = pfs_buf_str(&value);
    if (strlen(text) != value.len)
        return pfs_err_set(err, EINVAL, "%s: the value has a NUL byte", key);
    return set_setting(cmd, t, key, text, from, err);
}

/* The same as pfs_key_len() where there is a value, as there must be one. */
static size_t assigned_len(const char *word)
{
    size_t len = pfs_key_len(word);
    return word[len] ? len : strcspn(word, "=");
}

/* Words KEY=VALUE from the first on: fields, then settings. */
static int assign_all(struct pfs_command *cmd, struct pfs_target *t, size_t first, struct pfs_err *err)
{
    const char *fields[PFS_N_FIELDS] = {0};
    int64_t from = 0;
    int r = option_from(cmd, &from, err);
    for (size_t i = first; i < cmd->n && r == 0; i++) {
        size_t key_len = assigned_len(cmd->words[i]);
        const char *equals = cmd->words[i] + key_len;
        if (!*equals || key_len == 0)
            return pfs_err_set(err, ENOEXEC, "%s is not KEY=VALUE", cmd->words[i]);
        char *key = pfs_arena_strndup(&cmd->arena, cmd->words[i], key_len);
        enum pfs_field field;
        if (!key)
            return pfs_err_nomem(err);
        if (is_setting(key))
            continue;
        r = parse_field(t->kind, key, &field, err);
        if (r == 0 && from)
            r = pfs_err_set(err, EINVAL, "--from is for settings: %s is a field", key);
        if (r == 0)
            fields[field] = equals + 1;
    }
    if (r == 0)
        r = pfs_command_set_fields(cmd, t, fields, err);
    for (size_t i = first; i < cmd->n && r >= 0; i++) {
        size_t key_len = assigned_len(cmd->words[i]);
        const char *key = pfs_arena_strndup(&cmd->arena, cmd->words[i], key_len);
        if (!key)
            return pfs_err_nomem(err);
        r = is_setting(key) ? set_setting(cmd, t, key, cmd->words[i] + key_len + 1, from, err) : 0;
    }
    r = r < 0 ? r : set_clears(cmd, t, from, err);
    return r < 0 ? r : set_from_stdin(cmd, t, from, err);
}

/* ---- add, put, set, unset ---- */

/* The object's name is words[at]; what it is to have follows. */
static int add_object(struct pfs_command *cmd, enum pfs_scope kind, size_t at, bool may_exist,
                      struct pfs_err *err)
{
    struct pfs_target t = {.kind = kind, .name = pfs_command_name(cmd, kind, cmd->words[at], err)};
    if (!t.name)
        return -EINVAL;
    int r = may_exist ? pfs_store_find(cmd->context->store, kind, t.name, &t.id, NULL) : -ENOENT;
    if (r == -ENOENT)
        r = pfs_store_add(cmd->context->store, kind, t.name, &t.id, err);
    return r < 0 ? r : assign_all(cmd, &t, at + 1, err);
}

static int add_named(struct pfs_command *cmd, bool may_exist, struct pfs_err *err)
{
    enum pfs_scope kind;
    int r = pfs_command_kind(cmd, cmd->words[0], KINDS_ADDED, &kind, err);
    return r < 0 ? r : add_object(cmd, kind, 1, may_exist, err);
}

int pfs_command_adopt(struct pfs_command *cmd, struct pfs_err *err)
{
    return add_object(cmd, PFS_SCOPE_DEVICE, 0, false, err);
}

int pfs_command_add(struct pfs_command *cmd, struct pfs_err *err)
{
    return add_named(cmd, false, err);
}

int pfs_command_put(struct pfs_command *cmd, struct pfs_err *err)
{
    return add_named(cmd, true, err);
}

int pfs_command_set(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    size_t used = 0;
    int r = pfs_command_kind(cmd, cmd->words[0], KINDS_SET, &t.kind, err);
    if (r < 0)
        return r;
    used = t.kind == PFS_SCOPE_SITE ? 1 : 2;
    bool says_nothing = !pfs_command_has(cmd, PFS_OPTION_STDIN) && cmd->n_clears == 0;
    if (cmd->n < used + says_nothing)
        return pfs_command_usage(cmd, err);
    r = pfs_command_target(cmd, KINDS_SET, &t, &used, err);
    return r < 0 ? r : assign_all(cmd, &t, used, err);
}

static int unset_setting(struct pfs_command *cmd, const struct pfs_target *t, const char *key, int64_t from,
                         struct pfs_err *err)
{
    struct pfs_key k = {0};
    struct pfs_store *s = cmd->context->store;
    int known = pfs_catalogue_find(cmd->context->catalogue, key, &k, err);
    int r = 0;
    if (t->kind == PFS_SCOPE_MODEL && t->id == 0)
        return known;
    if (pfs_command_has(cmd, PFS_OPTION_SCHEDULED) && from)
        r = pfs_store_unschedule_at(s, t->kind, t->id, key, from, known < 0 ? NULL : err);
    else if (pfs_command_has(cmd, PFS_OPTION_SCHEDULED))
        r = pfs_store_unschedule(s, t->kind, t->id, key, cmd->now, known < 0 ? NULL : err);
    else if (known == 0 || from == 0)
        r = pfs_store_set(s, t->kind, t->id, key, NULL, from, cmd->now, known < 0 ? NULL : err);
    if (r <= 0)
        return known < 0 ? known : r; /* a key that a newer catalogue lacks can still be taken away */
    if (from == 0 && !pfs_command_has(cmd, PFS_OPTION_SCHEDULED)) {
        note_scheduled(cmd, t, key);
        if (strchr(key, ':'))
            note_native(cmd, key);
    }
    return pfs_check_note_setting(cmd->check, cmd->context, t->kind, t->id, key, NULL, err);
}

static int unset_field(struct pfs_command *cmd, const struct pfs_target *t, const char *word,
                       struct pfs_err *err)
{
    enum pfs_field field;
    int r = parse_field(t->kind, word, &field, err);
    return r < 0 ? r : set_field(cmd, t, field, field == PFS_FIELD_ENABLED ? "yes" : NULL, err);
}

int pfs_command_unset(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    size_t used = 0;
    int64_t from = 0;
    int r = option_from(cmd, &from, err);
    if (r == 0)
        r = pfs_command_target(cmd, KINDS_SET, &t, &used, err);
    if (r == 0 && cmd->n <= used)
        r = pfs_command_usage(cmd, err);
    for (size_t i = used; r >= 0 && i < cmd->n; i++)
        r = is_setting(cmd->words[i]) ? unset_setting(cmd, &t, cmd->words[i], from, err)
                                      : unset_field(cmd, &t, cmd->words[i], err);
    return r < 0 ? r : 0;
}

/* ---- lines ---- */

static int find_device(struct pfs_command *cmd, const char *word, struct pfs_target *ret, struct pfs_err *err)
{
    ret->kind = PFS_SCOPE_DEVICE;
    ret->name = pfs_command_name(cmd, PFS_SCOPE_DEVICE, word, err);
    return ret->name ? pfs_store_find(cmd->context->store, PFS_SCOPE_DEVICE, ret->name, &ret->id, err)
                     : -EINVAL;
}

static int parse_number(const char *text, size_t len, unsigned *ret, struct pfs_err *err)
{
    unsigned n = 0;
    for (size_t i = 0; i < len && len <= 3; i++)
        n = text[i] >= '0' && text[i] <= '9' && n <= PFS_KEY_NUMBER_MAX ? 10 * n + (unsigned)(text[i] - '0')
                                                                        : UINT32_MAX / 20;
    if (len == 0 || len > 3 || n < 1 || n > PFS_KEY_NUMBER_MAX)
        return pfs_err_set(err, EINVAL, "line %.*s: lines are numbered from 1", (int)PFS_MIN(len, (size_t)32),
                           text);
    *ret = n;
    return 0;
}

static int assign_one(struct pfs_command *cmd, const struct pfs_target *t, const struct pfs_model *m,
                      const char *word, struct pfs_err *err)
{
    const char *equals = strchr(word, '=');
    unsigned number = 0;
    int64_t account = 0;
    if (!equals)
        return pfs_err_set(err, ENOEXEC, "%s is not N=ACCOUNT", word);
    int r = parse_number(word, (size_t)(equals - word), &number, err);
    if (r == 0 && m)
        r = pfs_check_line(m, number, err);
    if (r == 0 && equals[1])
        r = pfs_store_find(cmd->context->store, PFS_SCOPE_ACCOUNT, equals + 1, &account, err);
    if (r < 0) {
        pfs_err_prefix(err, "device %s", t->name);
        return r;
    }
    r = pfs_store_assign(cmd->context->store, (uint64_t)t->id, number, account, err);
    return r <= 0 ? r : pfs_check_note_device(cmd->check, (uint64_t)t->id, err);
}

int pfs_command_assign(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    struct pfs_object o = {0};
    int r = find_device(cmd, cmd->words[0], &t, err);
    if (r == 0)
        r = pfs_command_object(cmd, PFS_SCOPE_DEVICE, t.id, &o, err);
    if (r < 0)
        return r;
    const char *model = o.fields[PFS_FIELD_MODEL];
    const struct pfs_model *m = model ? pfs_library_model(cmd->context->library, model) : NULL;
    for (size_t i = 1; r == 0 && i < cmd->n; i++)
        r = assign_one(cmd, &t, m, cmd->words[i], err);
    return r;
}

/* A device's lines, copied: what changes them must not read them at the same time. */
struct lines {
    struct pfs_arena *arena;
    size_t n, cap;
    struct pfs_line_row *rows;
};

static int copy_line(void *arg, const struct pfs_line_row *row)
{
    struct lines *l = arg;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        struct pfs_line_row *rows = pfs_arena_alloc(l->arena, cap * sizeof *rows);
        if (!rows)
            return -ENOMEM;
        if (l->n > 0)
            memcpy(rows, l->rows, l->n * sizeof *rows);
        l->rows = rows;
        l->cap = cap;
    }
    l->rows[l->n++] = *row;
    return 0;
}

static int read_lines(struct pfs_command *cmd, int64_t device, struct lines *ret, struct pfs_err *err)
{
    *ret = (struct lines){.arena = &cmd->arena};
    return pfs_store_lines(cmd->context->store, (uint64_t)device, copy_line, ret, err);
}

static int release_all(struct pfs_command *cmd, const struct pfs_target *t, struct pfs_err *err)
{
    struct lines lines;
    int r = read_lines(cmd, t->id, &lines, err);
    for (size_t i = 0; r >= 0 && i < lines.n; i++)
        r = pfs_store_release(cmd->context->store, (uint64_t)t->id, lines.rows[i].number, err);
    return r < 0 ? r : 0;
}

static int release_one(struct pfs_command *cmd, const struct pfs_target *t, const char *word,
                       struct pfs_err *err)
{
    unsigned number = 0;
    int r = parse_number(word, strlen(word), &number, err);
    if (r == 0)
        r = pfs_store_release(cmd->context->store, (uint64_t)t->id, number, err);
    if (r == 0)
        r = pfs_err_set(err, ENOENT, "no such line: %s/%u", t->name, number);
    return r < 0 ? r : 0;
}

int pfs_command_release(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    int r = find_device(cmd, cmd->words[0], &t, err);
    for (size_t i = 1; r == 0 && i < cmd->n; i++)
        r = strcmp(cmd->words[i], "all") == 0 ? release_all(cmd, &t, err)
                                              : release_one(cmd, &t, cmd->words[i], err);
    return r < 0 ? r : pfs_check_note_device(cmd->check, (uint64_t)t.id, err);
}

/* ---- replace ---- */

/* An object's rows, copied. */
struct rows {
    struct pfs_arena *arena;
    size_t n, cap;
    struct pfs_setting_row *rows;
};

static int copy_row(void *arg, const struct pfs_setting_row *row)
{
    struct rows *all = arg;
    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 32;
        struct pfs_setting_row *rows = pfs_arena_alloc(all->arena, cap * sizeof *rows);
        if (!rows)
            return -ENOMEM;
        if (all->n > 0)
            memcpy(rows, all->rows, all->n * sizeof *rows);
        all->rows = rows;
        all->cap = cap;
    }
    struct pfs_setting_row *to = &all->rows[all->n++];
    *to = *row;
    to->key = pfs_arena_strdup(all->arena, row->key);
    to->value = row->value ? pfs_arena_strdup(all->arena, row->value) : NULL;
    return to->key && (!row->value || to->value) ? 0 : -ENOMEM;
}

static int read_rows(struct pfs_command *cmd, enum pfs_scope scope, int64_t id, struct rows *ret,
                     struct pfs_err *err)
{
    *ret = (struct rows){.arena = &cmd->arena};
    return pfs_store_settings(cmd->context->store, scope, id, copy_row, ret, err);
}

static int clear_rows(struct pfs_command *cmd, enum pfs_scope scope, int64_t id, struct pfs_err *err)
{
    struct rows rows;
    struct pfs_store *s = cmd->context->store;
    int r = read_rows(cmd, scope, id, &rows, err);
    for (size_t i = 0; r >= 0 && i < rows.n; i++) {
        r = pfs_store_unschedule(s, scope, id, rows.rows[i].key, cmd->now, err);
        if (r >= 0)
            r = pfs_store_set(s, scope, id, rows.rows[i].key, NULL, 0, cmd->now, err);
    }
    return r < 0 ? r : 0;
}

static int copy_rows(struct pfs_command *cmd, enum pfs_scope scope, int64_t from, int64_t to,
                     struct pfs_err *err)
{
    struct rows rows;
    int r = read_rows(cmd, scope, from, &rows, err);
    for (size_t i = 0; r >= 0 && i < rows.n; i++)
        r = pfs_store_set(cmd->context->store, scope, to, rows.rows[i].key, rows.rows[i].value,
                          rows.rows[i].from, cmd->now, err);
    return r < 0 ? r : 0;
}

static int move_line(struct pfs_command *cmd, const struct pfs_target *from, const struct pfs_target *to,
                     const struct pfs_line_row *line, struct pfs_err *err)
{
    struct pfs_store *s = cmd->context->store;
    char name[PFS_MAC_STR + 8];
    int64_t account = 0, id;
    int r = line->account ? pfs_store_find(s, PFS_SCOPE_ACCOUNT, line->account, &account, err) : 0;
    if (r >= 0)
        r = pfs_store_assign(s, (uint64_t)to->id, line->number, account, err);
    snprintf(name, sizeof name, "%s/%u", to->name, line->number);
    if (r >= 0)
        r = pfs_store_find(s, PFS_SCOPE_LINE, name, &id, err);
    if (r >= 0)
        r = copy_rows(cmd, PFS_SCOPE_LINE, line->id, id, err);
    if (r >= 0)
        r = pfs_store_release(s, (uint64_t)from->id, line->number, err);
    return r < 0 ? r : 0;
}

static int copy_account(void *arg, const struct pfs_line_row *row)
{
    struct lines *l = arg;
    int r = copy_line(l, row);
    struct pfs_line_row *to = &l->rows[l->n - 1];
    if (r == 0 && row->account && !(to->account = pfs_arena_strdup(l->arena, row->account)))
        r = -ENOMEM;
    return r;
}

static int move_lines(struct pfs_command *cmd, const struct pfs_target *from, const struct pfs_target *to,
                      struct pfs_err *err)
{
    struct lines lines = {.arena = &cmd->arena};
    int r = pfs_store_lines(cmd->context->store, (uint64_t)from->id, copy_account, &lines, err);
    for (size_t i = 0; r == 0 && i < lines.n; i++)
        r = move_line(cmd, from, to, &lines.rows[i], err);
    return r;
}

static int find_or_add(struct pfs_command *cmd, const char *word, struct pfs_target *ret, struct pfs_err *err)
{
    int r = find_device(cmd, word, ret, err);
    if (r == -ENOENT)
        return pfs_store_add(cmd->context->store, PFS_SCOPE_DEVICE, ret->name, &ret->id, err);
    struct lines lines;
    if (r == 0)
        r = read_lines(cmd, ret->id, &lines, err);
    if (r == 0 && lines.n > 0)
        r = pfs_err_set(err, ENOTEMPTY, "device %s has %zu line%s: release them first", ret->name, lines.n,
                        lines.n == 1 ? "" : "s");
    return r;
}

static int move_fields(struct pfs_command *cmd, const struct pfs_target *from, const struct pfs_target *to,
                       const char *model, struct pfs_err *err)
{
    struct pfs_object old = {0}, new = {0};
    int r = pfs_command_object(cmd, PFS_SCOPE_DEVICE, from->id, &old, err);
    if (r == 0)
        r = pfs_command_object(cmd, PFS_SCOPE_DEVICE, to->id, &new, err);
    if (r < 0)
        return r;
    const char *fields[PFS_N_FIELDS] = {
        [PFS_FIELD_MODEL] = model                         ? model
                            : new.fields[PFS_FIELD_MODEL] ? NULL
                                                          : old.fields[PFS_FIELD_MODEL],
        [PFS_FIELD_PROFILE] = old.fields[PFS_FIELD_PROFILE] ? old.fields[PFS_FIELD_PROFILE] : "",
        [PFS_FIELD_CUSTOMER] = old.fields[PFS_FIELD_CUSTOMER] ? old.fields[PFS_FIELD_CUSTOMER] : "",
    };
    r = pfs_command_set_fields(cmd, to, fields, err);
    if (r >= 0)
        r = set_field(cmd, from, PFS_FIELD_PROFILE, NULL, err);
    if (r >= 0)
        r = set_field(cmd, from, PFS_FIELD_CUSTOMER, NULL, err);
    return r < 0 ? r : 0;
}

int pfs_command_replace(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target old = {0}, new = {0};
    const char *model = cmd->n > 2 ? cmd->words[2] : NULL;
    if (model && strncmp(model, "model=", 6) != 0)
        return pfs_command_usage(cmd, err);
    int r = find_device(cmd, cmd->words[0], &old, err);
    if (r == 0)
        r = find_or_add(cmd, cmd->words[1], &new, err);
    if (r == 0 && old.id == new.id)
        r = pfs_err_set(err, EINVAL, "device %s cannot replace itself", old.name);
    if (r == 0)
        r = move_fields(cmd, &old, &new, model ? model + 6 : NULL, err);
    if (r == 0)
        r = clear_rows(cmd, PFS_SCOPE_DEVICE, new.id, err);
    if (r == 0)
        r = copy_rows(cmd, PFS_SCOPE_DEVICE, old.id, new.id, err);
    if (r == 0)
        r = clear_rows(cmd, PFS_SCOPE_DEVICE, old.id, err);
    if (r == 0)
        r = move_lines(cmd, &old, &new, err);
    if (r == 0)
        r = pfs_check_note_device(cmd->check, (uint64_t)old.id, err);
    return r < 0 ? r : pfs_check_note_device(cmd->check, (uint64_t) new.id, err);
}

/* ---- rename, delete ---- */

int pfs_command_rename(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    size_t used = 0;
    int r = pfs_command_target(cmd, KINDS_ADDED, &t, &used, err);
    if (r < 0)
        return r;
    const char *name = pfs_command_name(cmd, t.kind, cmd->words[2], err);
    if (!name)
        return -EINVAL;
    r = pfs_store_rename(cmd->context->store, t.kind, t.id, name, err);
    if (r == 0 && t.kind == PFS_SCOPE_DEVICE)
        r = pfs_store_find(cmd->context->store, t.kind, name, &t.id, err);
    return r < 0 ? r : pfs_check_note_scope(cmd->check, cmd->context, t.kind, t.id, err);
}

static bool ask(struct pfs_command *cmd)
{
    char answer[16] = "";
    fprintf(cmd->io->notes, "Delete %s %s%s? [y/N] ", cmd->words[0], cmd->words[1],
            pfs_command_has(cmd, PFS_OPTION_RECURSIVE) ? " and all that hangs on it" : "");
    fflush(cmd->io->notes);
    return fgets(answer, sizeof answer, cmd->io->in) && (answer[0] == 'y' || answer[0] == 'Y');
}

int pfs_command_before_delete(struct pfs_command *cmd, struct pfs_err *err)
{
    if (pfs_command_has(cmd, PFS_OPTION_YES))
        return 0;
    if (cmd->io->terminal && cmd->io->notes && cmd->io->in)
        return ask(cmd) ? 0 : pfs_err_set(err, ECANCELED, "nothing is deleted");
    return pfs_command_has(cmd, PFS_OPTION_RECURSIVE)
               ? pfs_err_set(err, EINVAL, "--recursive without a terminal to ask at needs --yes")
               : 0;
}

int pfs_command_delete(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_target t = {0};
    size_t used = 0;
    int r = pfs_command_target(cmd, KINDS_ADDED, &t, &used, err);
    bool recursive = pfs_command_has(cmd, PFS_OPTION_RECURSIVE);
    if (r == 0)
        r = pfs_store_delete(cmd->context->store, t.kind, t.id, recursive, err);
    if (r == -ENOTEMPTY && !recursive)
        pfs_err_prefix(err, "not deleted without --recursive");
    return r;
}

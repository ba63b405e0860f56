/* Evaluates references and expressions. */
#include "model/mac.h"
#include "render/trace.h"

#include <errno.h>

int pfs_eval_number(struct pfs_eval *e, int64_t n, struct pfs_str *ret, struct pfs_err *err)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)n);
    char *copy = pfs_arena_strndup(&e->scratch, text, (size_t)len);
    if (!copy)
        return pfs_err_nomem(err);
    *ret = (struct pfs_str){copy, (size_t)len};
    return 0;
}

const char *pfs_eval_shown(struct pfs_eval *e, struct pfs_str value)
{
    size_t len = PFS_MIN(value.len, 40u);
    while (len < value.len && len > 0 && ((unsigned char)value.s[len] & 0xc0) == 0x80)
        len--;
    if (e->secret)
        return "this value";
    snprintf(e->shown, sizeof e->shown, "\"%.*s%s\"", (int)len, value.s, len < value.len ? "…" : "");
    return e->shown;
}

/* Notes for explain what a pair is made of. */
static int note_used_on(struct pfs_eval *e, const char *key, unsigned line, struct pfs_err *err)
{
    if (!e->on_pair || e->n_used == PFS_USED_MAX)
        return 0;
    char *copy = pfs_arena_strdup(&e->scratch, key);
    if (!copy)
        return pfs_err_nomem(err);
    e->used[e->n_used++] = (struct pfs_used){.key = copy, .line = line};
    return 0;
}

static int note_used(struct pfs_eval *e, const char *key, struct pfs_err *err)
{
    return note_used_on(e, key, e->line_number, err);
}

static int get(struct pfs_eval *e, const char *key, const struct pfs_catalogue_entry *entry,
               struct pfs_str *ret, struct pfs_err *err)
{
    struct pfs_value value;
    char *scratch = NULL;
    bool computed = entry->default_kind != PFS_DEFAULT_TEXT || entry->id < 0; /* it may follow an account */
    if (computed && !(scratch = pfs_arena_alloc(&e->scratch, PFS_KEY_MAX)))
        return pfs_err_nomem(err);
    pfs_phone_get(e->phone, e->line, key, entry, scratch, &value);
    if (e->phone->mask && entry->secret && *value.text)
        value.text = e->phone->mask;
    e->last_is_set = value.layer != NULL;
    e->secret = e->secret || entry->secret;
    pfs_trace_read(e, key, entry);
    if (e->on_read)
        e->on_read(e->arg, key);
    *ret = pfs_str_of(value.text);
    return note_used(e, key, err);
}

static int get_indexed(struct pfs_eval *e, const struct pfs_ref *ref, struct pfs_str *ret,
                       struct pfs_err *err)
{
    char key[PFS_KEY_MAX];
    size_t len = 0;
    for (size_t i = 0; i < ref->n_parts; i++) {
        const struct pfs_key_part *part = &ref->parts[i];
        struct pfs_str text = part->variable >= 0 ? e->variables[part->variable].value : part->text;
        if (len + text.len >= sizeof key)
            return pfs_err_set(err, EINVAL, "a key is too long");
        memcpy(key + len, text.s, text.len);
        len += text.len;
    }
    key[len] = '\0';
    return get(e, key, ref->entry, ret, err);
}

static int model_attr(struct pfs_eval *e, const char *name, struct pfs_str *ret, struct pfs_err *err)
{
    const struct pfs_model *m = e->file->model;
    if (e->file->spec->per == PFS_PER_VENDOR && strcmp(name, "vendor") != 0)
        return pfs_err_set(err, EINVAL, "model.%s: the file is common to all models", name);
    if (strcmp(name, "name") == 0)
        *ret = pfs_str_of(m->name);
    else if (strcmp(name, "title") == 0)
        *ret = pfs_str_of(m->title);
    else if (strcmp(name, "vendor") == 0)
        *ret = pfs_str_of(m->tmpl->vendor);
    else if (strcmp(name, "lines") == 0)
        return pfs_eval_number(e, m->lines, ret, err);
    else if (strcmp(name, "keys") == 0)
        return pfs_eval_number(e, m->keys, ret, err);
    else if (strcmp(name, "modules") == 0)
        return pfs_eval_number(e, m->modules, ret, err);
    else {
        const char *value = pfs_model_attr(m, name);
        if (!value)
            return pfs_err_set(err, EINVAL, "the model %s has no attribute \"%s\"", m->name, name);
        *ret = pfs_str_of(value);
    }
    return 0;
}

static int load_tz(struct pfs_eval *e, struct pfs_err *err)
{
    const struct pfs_catalogue_entry *entry =
        pfs_map_get(&e->phone->catalogue->by_key, PFS_TZ_KEY, sizeof PFS_TZ_KEY - 1);
    if (!entry)
        return pfs_err_set(err, EINVAL, "the catalogue has no " PFS_TZ_KEY);
    struct pfs_str name;
    int r = get(e, PFS_TZ_KEY, entry, &name, err);
    return r < 0 ? r : pfs_zones_get(e->zones, name.len ? name.s : "Etc/UTC", &e->tz, err);
}

/* The first day of the month on which the change can fall. */
static int first_day(const struct pfs_tz_change *c)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->kind == PFS_TZ_DAY)
        return c->mday;
    return c->week == 5 ? month_days[c->month - 1] - 6 : (c->week - 1) * 7 + 1;
}

static int tz_change(struct pfs_eval *e, const struct pfs_tz_change *c, int field, struct pfs_str *ret,
                     struct pfs_err *err)
{
    bool by_weekday = c->kind == PFS_TZ_WEEKDAY;
    *ret = pfs_str_of("");
    switch (field) {
    case 0:
        return pfs_eval_number(e, c->month, ret, err);
    case 1:
        return by_weekday ? pfs_eval_number(e, c->week, ret, err) : 0;
    case 2:
        return by_weekday ? pfs_eval_number(e, c->weekday, ret, err) : 0;
    case 3:
        return by_weekday ? 0 : pfs_eval_number(e, c->mday, ret, err);
    case 4:
        return pfs_eval_number(e, first_day(c), ret, err);
    default:
        return pfs_eval_number(e, c->seconds, ret, err);
    }
}

static int tz_ref(struct pfs_eval *e, int what, struct pfs_str *ret, struct pfs_err *err)
{
    /* explain and a trace want to see it used each time */
    int r = e->tz && !e->on_pair && !e->trace ? 0 : load_tz(e, err);
    if (r < 0)
        return r;
    const struct pfs_tz *tz = e->tz;
    switch (what) {
    case PFS_TZ_REF_OFFSET:
        return pfs_eval_number(e, tz->offset, ret, err);
    case PFS_TZ_REF_DST:
        *ret = pfs_str_of(tz->has_dst ? "on" : "off");
        return 0;
    case PFS_TZ_REF_DST_OFFSET:
        return pfs_eval_number(e, tz->has_dst ? tz->dst_offset : tz->offset, ret, err);
    case PFS_TZ_REF_SAVE:
        return pfs_eval_number(e, tz->has_dst ? tz->dst_offset - tz->offset : 0, ret, err);
    case PFS_TZ_REF_POSIX:
        *ret = pfs_str_of(tz->posix);
        return 0;
    case PFS_TZ_REF_ABBREVIATION:
        *ret = pfs_str_of(tz->abbreviation);
        return 0;
    case PFS_TZ_REF_DST_ABBREVIATION:
        *ret = pfs_str_of(tz->dst_abbreviation);
        return 0;
    default:
        *ret = pfs_str_of("");
        if (!tz->has_dst)
            return 0;
        if (what < PFS_TZ_REF_END)
            return tz_change(e, &tz->start, what - PFS_TZ_REF_START, ret, err);
        return tz_change(e, &tz->end, what - PFS_TZ_REF_END, ret, err);
    }
}

static unsigned assigned_lines(const struct pfs_phone *p)
{
    unsigned n = 0;
    for (size_t i = 0; p->device && i < p->device->n_lines; i++)
        n += p->device->lines[i].account != NULL;
    return n;
}

int pfs_eval_row_key(struct pfs_eval *e, const struct pfs_op *op, struct pfs_arena *arena,
                     struct pfs_str *ret, struct pfs_err *err)
{
    struct pfs_buf key autobuf = PFS_BUF_INIT(0);
    for (size_t i = 0; i < op->n_refs; i++) {
        struct pfs_str value;
        int r = pfs_eval_ref(e, &op->refs[i], &value, err);
        if (r < 0)
            return r;
        pfs_buf_char(&key, '\0');
        pfs_buf_add(&key, value.s, value.len);
    }
    char *copy = pfs_buf_error(&key) ? NULL : pfs_arena_strndup(arena, key.data, key.len);
    if (!copy)
        return pfs_err_nomem(err);
    *ret = (struct pfs_str){copy, key.len};
    return 0;
}

/* The row of the line at hand: in <rows> that is the first line that has the values. */
static int table_index(struct pfs_eval *e, int number_of_table, struct pfs_str *ret, struct pfs_err *err)
{
    const struct pfs_table *t = &e->tables[number_of_table];
    *ret = pfs_str_of("");
    if (!t->op || !e->line || !e->line->account)
        return 0;
    struct pfs_str key;
    int r = pfs_eval_row_key(e, t->op, &e->scratch, &key, err);
    for (size_t i = 0; i < t->n && r == 0; i++)
        if (pfs_str_same(t->rows[i].key, key))
            return pfs_eval_number(e, (int64_t)i + 1, ret, err);
    return r;
}

/* A contact that is on a line of this device is made of that line's settings, but for what the line itself
 * sets. */
static int note_contact(struct pfs_eval *e, const char *key, struct pfs_err *err)
{
    const struct pfs_device *d = e->phone->device;
    int r = 0;
    for (size_t i = 0; e->on_pair && d && i < d->n_lines && r == 0; i++) {
        const struct pfs_line *line = &d->lines[i];
        if (!line->account || strcmp(line->account, e->contact.account) != 0)
            continue;
        r = note_used_on(e, "directory.listed", line->number, err);
        if (r == 0 && !pfs_layer_find(&line->settings, key, e->phone->now))
            r = note_used_on(e, key, line->number, err);
    }
    return r;
}

static int contact_ref(struct pfs_eval *e, int what, struct pfs_str *ret, struct pfs_err *err)
{
    switch (what) {
    case PFS_CONTACT_NAME:
        *ret = pfs_str_of(e->contact.name);
        return note_contact(e, "line.display_name", err);
    case PFS_CONTACT_NUMBER:
        *ret = pfs_str_of(e->contact.number);
        return note_contact(e, "sip.user", err);
    case PFS_CONTACT_ACCOUNT:
        *ret = pfs_str_of(e->contact.account);
        return 0;
    default:
        return pfs_eval_number(e, e->contact_index, ret, err);
    }
}

int pfs_eval_ref(struct pfs_eval *e, const struct pfs_ref *ref, struct pfs_str *ret, struct pfs_err *err)
{
    switch (ref->kind) {
    case PFS_REF_LITERAL:
        *ret = ref->text;
        return 0;
    case PFS_REF_KEY:
        return get(e, ref->entry->key, ref->entry, ret, err);
    case PFS_REF_INDEXED:
        return get_indexed(e, ref, ret, err);
    case PFS_REF_LINE_NUMBER:
        return pfs_eval_number(e, e->line_number, ret, err);
    case PFS_REF_LINE_ASSIGNED:
        *ret = pfs_str_of(e->line && e->line->account ? "on" : "off");
        return 0;
    case PFS_REF_LINE_ACCOUNT:
        e->depends = true;
        *ret = pfs_str_of(e->line && e->line->account ? e->line->account : "");
        return 0;
    case PFS_REF_DEVICE_MAC:
        e->depends = true;
        *ret = pfs_str_of(e->phone->device ? e->phone->device->mac_text : "");
        return 0;
    case PFS_REF_DEVICE_LINES:
        return pfs_eval_number(e, assigned_lines(e->phone), ret, err);
    case PFS_REF_DEVICE_CUSTOMER:
        e->depends = true; /* customers that set nothing share a base */
        *ret = pfs_str_of(
            e->phone->device && e->phone->device->customer_name ? e->phone->device->customer_name : "");
        return 0;
    case PFS_REF_CONTACT:
        return contact_ref(e, ref->number, ret, err);
    case PFS_REF_MODEL:
        return model_attr(e, ref->text.s, ret, err);
    case PFS_REF_TZ:
        return tz_ref(e, ref->number, ret, err);
    case PFS_REF_VARIABLE:
        *ret = e->variables[ref->number].value;
        return 0;
    case PFS_REF_VARIABLE_INDEX:
        return pfs_eval_number(e, e->variables[ref->number].index, ret, err);
    case PFS_REF_TABLE_INDEX:
        return table_index(e, ref->number, ret, err);
    }
    return 0;
}

static int eval_piece(struct pfs_eval *e, const struct pfs_piece *p, struct pfs_str *ret, struct pfs_err *err)
{
    int r = pfs_eval_ref(e, &p->ref, ret, err);
    for (size_t i = 0; i < p->n_filters && r == 0; i++)
        r = pfs_filter_apply(e, &p->filters[i], ret, err);
    return r;
}

int pfs_eval_expr(struct pfs_eval *e, const struct pfs_expr *expr, struct pfs_str *ret, struct pfs_err *err)
{
    if (expr->n_pieces == 1 && expr->pieces[0].ref.kind == PFS_REF_LITERAL &&
        expr->pieces[0].n_filters == 0) {
        *ret = expr->pieces[0].ref.text;
        return 0;
    }
    struct pfs_str part;
    struct pfs_buf all autobuf = PFS_BUF_INIT(PFS_VALUE_MAX);
    for (size_t i = 0; i < expr->n_pieces; i++) {
        int r = eval_piece(e, &expr->pieces[i], &part, err);
        if (r < 0)
            return r;
        pfs_buf_add(&all, part.s, part.len);
    }
    if (pfs_buf_error(&all) == -EFBIG)
        return pfs_err_set(err, EFBIG, "a value grows beyond %d bytes", PFS_VALUE_MAX);
    char *copy = pfs_buf_error(&all) ? NULL : pfs_arena_strndup(&e->scratch, all.data, all.len);
    if (!copy)
        return pfs_err_nomem(err);
    *ret = (struct pfs_str){copy, all.len};
    return 0;
}

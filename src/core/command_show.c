/* show: an object with its fields, settings and lines. log: the audit. */
#include "base/timefmt.h"
#include "core/command_impl.h"

#include <errno.h>
#include <string.h>

#define KINDS_SHOWN                                                                                          \
    (PFS_SCOPE_BIT(PFS_SCOPE_SITE) | PFS_SCOPE_BIT(PFS_SCOPE_MODEL) | PFS_SCOPE_BIT(PFS_SCOPE_PROFILE) |     \
     PFS_SCOPE_BIT(PFS_SCOPE_CUSTOMER) | PFS_SCOPE_BIT(PFS_SCOPE_DEVICE) |                                   \
     PFS_SCOPE_BIT(PFS_SCOPE_ACCOUNT) | PFS_SCOPE_BIT(PFS_SCOPE_LINE))

enum { NAME_COLUMN = 14 };

struct show {
    struct pfs_command *cmd;
    struct pfs_target target;
    struct pfs_json json;
    FILE *out;
    bool as_json;
    int64_t n_devices;
    size_t n_shown;
    struct pfs_err *err;
};

/* Text of users: what would move the cursor is shown as '?'. */
static void print_text(FILE *out, const char *s)
{
    for (; *s; s++)
        fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
}

static void property(struct show *s, const char *name, const char *value)
{
    if (s->as_json) {
        pfs_json_text(&s->json, name, value);
    } else if (value) {
        fprintf(s->out, "  %-*s ", NAME_COLUMN, name);
        print_text(s->out, value);
        fputc('\n', s->out);
    }
}

static void property_number(struct show *s, const char *name, int64_t value)
{
    if (s->as_json)
        pfs_json_int(&s->json, name, value);
    else
        fprintf(s->out, "  %-*s %lld\n", NAME_COLUMN, name, (long long)value);
}

static int show_object(void *arg, const struct pfs_object *o)
{
    struct show *s = arg;
    for (int i = 0; i < PFS_N_FIELDS; i++)
        if (pfs_field_of(o->kind, (enum pfs_field)i))
            property(s, pfs_field_name((enum pfs_field)i), o->fields[i]);
    return 0;
}

static int show_setting(void *arg, const struct pfs_setting_row *row)
{
    struct show *s = arg;
    char from[PFS_TIME_STR];
    pfs_time_format(row->from, from);
    const char *value = pfs_command_shown(s->cmd, row->key, row->value);
    if (s->as_json) {
        pfs_json_open(&s->json, NULL, '{');
        pfs_json_text(&s->json, "key", row->key);
        pfs_json_text(&s->json, "value", value);
        pfs_json_text(&s->json, "from", row->from > 0 ? from : NULL);
        pfs_json_close(&s->json, '}');
        return 0;
    }
    fprintf(s->out, "  %s = ", row->key);
    print_text(s->out, value ? value : "(ends)");
    fprintf(s->out, "%s%s\n", row->from > 0 ? "  from " : "", row->from > 0 ? from : "");
    return 0;
}

static int show_settings(struct show *s)
{
    if (s->as_json)
        pfs_json_open(&s->json, "settings", '[');
    bool has_rows = s->target.kind != PFS_SCOPE_MODEL || s->target.id != 0;
    int r = has_rows ? pfs_store_settings(s->cmd->context->store, s->target.kind, s->target.id, show_setting,
                                          s, s->err)
                     : 0;
    if (s->as_json)
        pfs_json_close(&s->json, ']');
    return r;
}

static int show_line(void *arg, const struct pfs_line_row *row)
{
    struct show *s = arg;
    char name[PFS_MAC_STR + 16], mac[PFS_MAC_STR];
    pfs_mac_format(row->mac, mac);
    if (s->as_json) {
        pfs_json_open(&s->json, NULL, '{');
        pfs_json_text(&s->json, "device", mac);
        pfs_json_int(&s->json, "number", row->number);
        pfs_json_text(&s->json, "account", row->account);
        pfs_json_close(&s->json, '}');
        return 0;
    }
    if (s->target.kind == PFS_SCOPE_DEVICE)
        snprintf(name, sizeof name, "line %u", row->number);
    else
        snprintf(name, sizeof name, "line");
    char place[PFS_MAC_STR + 16];
    snprintf(place, sizeof place, "%s/%u", mac, row->number);
    property(s, name,
             s->target.kind == PFS_SCOPE_ACCOUNT ? place
             : row->account                      ? row->account
                                                 : "(no account)");
    return 0;
}

static int show_lines(struct show *s)
{
    struct pfs_store *store = s->cmd->context->store;
    if (s->as_json)
        pfs_json_open(&s->json, "lines", '[');
    int r = s->target.kind == PFS_SCOPE_DEVICE
                ? pfs_store_lines(store, (uint64_t)s->target.id, show_line, s, s->err)
                : pfs_store_lines_of_account(store, s->target.id, show_line, s, s->err);
    if (s->as_json)
        pfs_json_close(&s->json, ']');
    return r;
}

static void show_model(struct show *s)
{
    const struct pfs_model *m = pfs_library_model(s->cmd->context->library, s->target.name);
    property(s, "title", m->title);
    property(s, "vendor", m->tmpl->vendor);
    property(s, "template", m->tmpl->path);
    for (size_t i = 1; i < m->tmpl->n_sources && !s->as_json; i++)
        property(s, "extended by", m->tmpl->sources[i]);
    property_number(s, "lines", m->lines);
    property_number(s, "keys", m->keys);
    property_number(s, "modules", m->modules);
    for (size_t i = 0; i < m->n_files && !s->as_json; i++)
        property(s, "file", m->files[i].name.text);
    if (!s->as_json)
        return;
    pfs_json_open(&s->json, "extended_by", '[');
    for (size_t i = 1; i < m->tmpl->n_sources; i++)
        pfs_json_text(&s->json, NULL, m->tmpl->sources[i]);
    pfs_json_close(&s->json, ']');
    pfs_json_open(&s->json, "files", '[');
    for (size_t i = 0; i < m->n_files; i++)
        pfs_json_text(&s->json, NULL, m->files[i].name.text);
    pfs_json_close(&s->json, ']');
}

static int line_account(void *arg, const struct pfs_line_row *row)
{
    struct show *s = arg;
    if (row->id == s->target.id)
        property(s, "account", row->account);
    return 0;
}

static int show_line_account(struct show *s)
{
    uint64_t mac;
    const char *name = pfs_command_name(
        s->cmd, PFS_SCOPE_DEVICE, pfs_arena_strndup(&s->cmd->arena, s->target.name, PFS_MAC_DIGITS), s->err);
    if (!name || pfs_mac_parse(name, &mac, s->err) < 0)
        return -EINVAL;
    return pfs_store_lines(s->cmd->context->store, mac, line_account, s, s->err);
}

static int show_devices(struct show *s)
{
    int64_t stronger;
    if (s->target.kind == PFS_SCOPE_DEVICE || s->target.kind == PFS_SCOPE_LINE ||
        s->target.kind == PFS_SCOPE_ACCOUNT)
        return 0;
    if ((s->target.kind != PFS_SCOPE_MODEL || s->target.id != 0) &&
        pfs_store_reach(s->cmd->context->store, s->target.kind, s->target.id, "", s->cmd->now, &s->n_devices,
                        &stronger, s->err) < 0)
        return -EIO;
    property_number(s, "devices", s->n_devices);
    return 0;
}

static int show_all(struct show *s)
{
    int r = 0;
    if (s->target.kind == PFS_SCOPE_MODEL)
        show_model(s);
    else if (s->target.kind == PFS_SCOPE_LINE)
        r = show_line_account(s);
    else if (s->target.kind != PFS_SCOPE_SITE)
        r = pfs_store_object(s->cmd->context->store, s->target.kind, s->target.id, show_object, s, s->err);
    if (r == 0)
        r = show_devices(s);
    if (r == 0 && (s->target.kind == PFS_SCOPE_DEVICE || s->target.kind == PFS_SCOPE_ACCOUNT))
        r = show_lines(s);
    return r < 0 ? r : show_settings(s);
}

int pfs_command_show(struct pfs_command *cmd, struct pfs_err *err)
{
    struct show s = {
        .cmd = cmd, .out = cmd->io->out, .as_json = pfs_command_has(cmd, PFS_OPTION_JSON), .err = err};
    size_t used;
    s.json.out = s.out;
    int r = pfs_command_may_see_secrets(cmd, err);
    if (r == 0)
        r = pfs_command_target(cmd, KINDS_SHOWN, &s.target, &used, err);
    if (r == 0 && cmd->n > used)
        r = pfs_command_usage(cmd, err);
    if (r < 0)
        return r;
    if (s.as_json) {
        pfs_json_open(&s.json, NULL, '{');
        pfs_json_text(&s.json, "kind", pfs_scope_name(s.target.kind));
        pfs_json_text(&s.json, "name", s.target.name);
    } else {
        fprintf(s.out, "%s %s\n", pfs_scope_name(s.target.kind), s.target.name);
    }
    r = show_all(&s);
    if (r == 0 && s.as_json)
        pfs_json_close(&s.json, '}');
    return r;
}

/* ---- log ---- */

static void log_text(FILE *out, const char *prefix, const char *text)
{
    fputs(prefix, out);
    print_text(out, text);
}

static int log_plain(void *arg, const struct pfs_log_row *row)
{
    struct show *s = arg;
    char time[PFS_TIME_STR], from[PFS_TIME_STR];
    pfs_time_format(row->time, time);
    fprintf(s->out, "%s  gen %lld  ", time, (long long)row->gen);
    print_text(s->out, row->login);
    fprintf(s->out, "  %s%s%s", row->kind, *row->object ? " " : "", row->object);
    if (row->key)
        log_text(s->out, "  ", row->key);
    log_text(s->out, row->key ? ": " : "  ", row->old ? row->old : row->key ? "(unset)" : "added");
    if (row->key || row->old)
        log_text(s->out, " -> ", row->new_ ? row->new_ : row->key ? "(unset)" : "deleted");
    if (row->from > 0) {
        pfs_time_format(row->from, from);
        fprintf(s->out, "  from %s", from);
    }
    if (strcmp(row->via, "command") != 0)
        log_text(s->out, "  via ", row->via);
    if (row->reason)
        log_text(s->out, "  reason: ", row->reason);
    fputc('\n', s->out);
    return 0;
}

static int log_json(void *arg, const struct pfs_log_row *row)
{
    struct show *s = arg;
    char time[PFS_TIME_STR], from[PFS_TIME_STR];
    pfs_time_format(row->time, time);
    pfs_time_format(row->from, from);
    pfs_json_open(&s->json, NULL, '{');
    pfs_json_int(&s->json, "gen", row->gen);
    pfs_json_text(&s->json, "time", time);
    pfs_json_text(&s->json, "login", row->login);
    pfs_json_text(&s->json, "via", row->via);
    pfs_json_text(&s->json, "reason", row->reason);
    pfs_json_text(&s->json, "kind", row->kind);
    pfs_json_text(&s->json, "object", row->object);
    pfs_json_text(&s->json, "key", row->key);
    pfs_json_text(&s->json, "from", row->from > 0 ? from : NULL);
    pfs_json_text(&s->json, "old", row->old);
    pfs_json_text(&s->json, "new", row->new_);
    pfs_json_close(&s->json, '}');
    return 0;
}

/* The object need not exist any more: only its kind and the spelling of a MAC are looked at. */
static int log_filter(struct pfs_command *cmd, struct pfs_log_filter *f, struct pfs_err *err)
{
    enum pfs_scope kind = PFS_SCOPE_SITE;
    int r = cmd->n > 0 ? pfs_command_kind(cmd, cmd->words[0], KINDS_SHOWN, &kind, err) : 0;
    if (r < 0)
        return r;
    if (cmd->n > 0)
        f->kind = pfs_scope_name(kind);
    if (cmd->n > 1 && !(f->object = pfs_command_name(cmd, kind, cmd->words[1], err)))
        return -EINVAL;
    if (!pfs_command_has(cmd, PFS_OPTION_SINCE))
        return 0;
    r = pfs_time_parse(cmd->options[PFS_OPTION_SINCE], &f->since, err);
    if (r < 0)
        pfs_err_prefix(err, "--since");
    return r;
}

int pfs_command_log(struct pfs_command *cmd, struct pfs_err *err)
{
    struct show s = {
        .cmd = cmd, .out = cmd->io->out, .as_json = pfs_command_has(cmd, PFS_OPTION_JSON), .err = err};
    struct pfs_log_filter f = {0};
    s.json.out = s.out;
    int r = log_filter(cmd, &f, err);
    if (r < 0)
        return r;
    if (s.as_json)
        pfs_json_open(&s.json, NULL, '[');
    r = pfs_store_log(cmd->context->store, &f, s.as_json ? log_json : log_plain, &s, err);
    if (r == 0 && s.as_json)
        pfs_json_close(&s.json, ']');
    return r;
}

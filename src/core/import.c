/* import: a file as one transaction: what CSV (import_*.c) and XML (import_xml.c) share, and the command. */
#include "core/import.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

static int parse_delimiter(const struct pfs_command *cmd, char *ret, struct pfs_err *err)
{
    const char *text = cmd->options[PFS_OPTION_DELIMITER];
    if (!text)
        text = ",";
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        text = "\t";
    if (strlen(text) != 1 || strchr("\"\r\n", text[0]) || (text[0] & 0x80))
        return pfs_err_set(err, ENOEXEC, "--delimiter is one character, or tab: %s is none", text);
    *ret = text[0];
    return 0;
}

static int check_options(const struct pfs_command *cmd, struct pfs_err *err)
{
    const char *sync = cmd->options[PFS_OPTION_SYNC];
    if (sync && pfs_command_has(cmd, PFS_OPTION_UPDATE))
        return pfs_err_set(err, ENOEXEC, "import: --update or --sync, not both");
    if (!sync && pfs_command_has(cmd, PFS_OPTION_MAX_DELETE))
        return pfs_err_set(err, ENOEXEC, "import: --max-delete is for --sync");
    return sync ? pfs_name_check("name of a sync", sync, err) : 0;
}

/* ---- renderings ---- */

static bool blame_layer(const struct pfs_model *m, const struct pfs_layer *l, struct pfs_err *why)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->settings[i].value && pfs_check_value(m, l->settings[i].key, l->settings[i].value, why) < 0)
            return true;
    return false;
}

/* Names the setting at fault where a device does not render: a sentence about a template helps nobody. */
static void blame(struct pfs_import *m, uint64_t mac, struct pfs_err *why)
{
    struct pfs_device *d = NULL;
    if (pfs_store_device(m->store, mac, &d, NULL) < 0)
        return;
    const struct pfs_model *model = d->model ? pfs_library_model(m->c->library, d->model) : NULL;
    struct pfs_err cause;
    bool found = model && blame_layer(model, &d->settings, &cause);
    for (size_t i = 0; i < d->n_lines && model && !found; i++) {
        const struct pfs_line *l = &d->lines[i];
        found = blame_layer(model, &l->settings, &cause);
        if (!found && blame_layer(model, &l->account_settings, &cause)) {
            found = true;
            pfs_err_prefix(&cause, "account %s", l->account);
        }
    }
    if (found)
        pfs_err_set(why, EINVAL, "%s (device %s, %s)", cause.msg, d->mac_text, model->name);
    pfs_device_unref(d);
}

/* Every device that the file names: what a template cannot do with it is a problem of the row that names it
 * first. */
static int render_devices(struct pfs_import *m)
{
    for (size_t i = 0; i < m->devices.n; i++) {
        const struct pfs_entity *e = &m->devices.all[i];
        struct pfs_err why;
        int r = pfs_check_device(m->c, &m->check->books, e->key, NULL, &why);
        if (r == -EINVAL || r == -EFBIG)
            blame(m, e->key, &why);
        if (pfs_import_take(m, r, e->row, NULL, &why) < 0)
            return -EIO;
        pfs_command_progress(m->cmd, "rendering", (int64_t)i + 1, (int64_t)m->devices.n);
    }
    return 0;
}

static int refuse_problems(struct pfs_import *m)
{
    pfs_command_progress(m->cmd, "", 0, 0);
    if (m->n_problems == 0)
        return 0;
    if (m->n_problems == 1)
        return pfs_err_set(m->err, EINVAL, "%s", m->first.msg);
    return pfs_err_set(m->err, EINVAL, "%s problems in %s %s%s: nothing is imported",
                       pfs_command_number(m->cmd, m->n_problems), pfs_command_number(m->cmd, m->n_bad_rows),
                       m->unit, m->n_bad_rows == 1 ? "" : "s");
}

static int import_all(struct pfs_import *m)
{
    int r = m->read(m);
    if (r == 0)
        r = refuse_problems(m);
    if (r == 0 && m->sync)
        r = pfs_import_remove(m);
    if (r == 0)
        r = render_devices(m);
    return r < 0 ? r : refuse_problems(m);
}

static int read_csv(struct pfs_import *m)
{
    int r = pfs_import_header(m);
    if (r == 0)
        r = pfs_import_check_rows(m);
    return r < 0 || m->n_problems > 0 ? r : pfs_import_apply(m);
}

/* ---- the report ---- */

static void add_counts(struct pfs_import *m, struct pfs_buf *out, const int64_t *counts, const char *done)
{
    static const enum pfs_scope order[] = {PFS_SCOPE_DEVICE, PFS_SCOPE_LINE, PFS_SCOPE_ACCOUNT,
                                           PFS_SCOPE_PROFILE, PFS_SCOPE_CUSTOMER};
    bool any = false;
    for (size_t i = 0; i < PFS_N_ELEMENTS(order); i++) {
        int64_t n = counts[order[i]];
        if (n == 0)
            continue;
        pfs_buf_printf(out, "%s%s %s%s",
                       any        ? ", "
                       : out->len ? "; "
                                  : "",
                       pfs_command_number(m->cmd, n), pfs_scope_name(order[i]), n == 1 ? "" : "s");
        any = true;
    }
    if (any)
        pfs_buf_printf(out, " %s", done);
}

static void report(struct pfs_import *m, bool dry)
{
    autobuf struct pfs_buf out = PFS_BUF_INIT(0);
    add_counts(m, &out, m->made, dry ? "would be made" : "made");
    if (m->n_changed > 0)
        pfs_buf_printf(&out, "%s%s value%s %s", out.len ? "; " : "", pfs_command_number(m->cmd, m->n_changed),
                       m->n_changed == 1 ? "" : "s", dry ? "would change" : "changed");
    add_counts(m, &out, m->removed, dry ? "would be removed" : "removed");
    fprintf(m->cmd->io->out, "%s\n", out.len ? pfs_buf_str(&out) : "nothing to change");
}

/* ---- the command ---- */

static int run_in_write(struct pfs_import *m, const char *via, bool dry)
{
    struct pfs_transaction t;
    int r = pfs_transaction_begin(&t, m->c, via, m->cmd->options[PFS_OPTION_REASON], m->err);
    if (r < 0)
        return r;
    m->check = &t.check;
    m->cmd->notes = &t.notes;
    r = import_all(m);
    if (r == 0 && dry)
        r = pfs_check_run(&t.check, m->c, m->err);
    return pfs_transaction_end(&t, r == 0 && dry ? 1 : r, m->cmd->io, m->err);
}

static void import_done(struct pfs_import *m)
{
    pfs_entities_done(&m->devices);
    pfs_entities_done(&m->lines);
    pfs_entities_done(&m->accounts);
    pfs_entities_done(&m->customers);
}

int pfs_import_run(struct pfs_import *m, struct pfs_command *cmd, uint64_t hash, struct pfs_err *err)
{
    const char *path = cmd->words[0], *slash = strrchr(path, '/');
    char via[PFS_ERR_MAX];
    bool dry = pfs_command_has(cmd, PFS_OPTION_DRY_RUN);
    m->cmd = cmd;
    m->c = cmd->context;
    m->store = cmd->context->store;
    m->err = err;
    m->name = strcmp(path, "-") == 0 ? "standard input" : path;
    bool by_tree = strncmp(m->c->via, "control/", 8) == 0; /* it came by control/import */
    snprintf(via, sizeof via, "%s%.200s (xxh3 %016llx)", by_tree ? "" : "import ",
             by_tree ? m->c->via
             : slash ? slash + 1
                     : path,
             (unsigned long long)hash);
    int r = run_in_write(m, via, dry);
    if (r < 0)
        pfs_err_prefix(err, "%s", m->name);
    else
        report(m, dry);
    import_done(m);
    return r;
}

/* f: a file that is read from where it is; NULL: the text. */
static int import_csv(struct pfs_command *cmd, FILE *f, const struct pfs_buf *text, struct pfs_err *err)
{
    struct pfs_import m = {
        .read = read_csv,
        .unit = "row",
        .sync = cmd->options[PFS_OPTION_SYNC],
        .update = cmd->options[PFS_OPTION_SYNC] || pfs_command_has(cmd, PFS_OPTION_UPDATE),
    };
    char delimiter = ',';
    uint64_t hash = 0;
    int r = check_options(cmd, err);
    if (r == 0)
        r = parse_delimiter(cmd, &delimiter, err);
    if (r < 0)
        return r;
    if (f) {
        r = pfs_csv_init_file(&m.csv, f, PFS_IMPORT_MAX_BYTES, delimiter, &hash, err);
        if (r < 0)
            pfs_err_prefix(err, "%s", cmd->words[0]);
    } else {
        const char *bytes = text->data ? text->data : "";
        pfs_csv_init(&m.csv, bytes, text->len, delimiter);
        hash = XXH3_64bits(bytes, text->len);
    }
    if (r == 0)
        r = pfs_import_run(&m, cmd, hash, err);
    pfs_csv_done(&m.csv);
    return r;
}

/* Whether a file is XML by its first bytes: `<` behind a byte order mark and blanks. It is read from its
 * beginning afterwards. */
static bool is_xml(FILE *f)
{
    int c = getc(f);
    if (c == 0xef && (c = getc(f)) == 0xbb && (c = getc(f)) == 0xbf)
        c = getc(f);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        c = getc(f);
    rewind(f);
    return c == '<';
}

/* Not a file on a disk: read whole first, as it is read more than once. */
static int import_stream(struct pfs_command *cmd, struct pfs_err *err)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    int r = pfs_command_read(cmd, cmd->words[0], PFS_IMPORT_MAX_BYTES, &text, err);
    if (r < 0)
        return r;
    autofile FILE *f = text.len ? fmemopen(text.data, text.len, "r") : NULL;
    if (!f && text.len)
        return pfs_err_nomem(err);
    return f && is_xml(f) ? pfs_import_xml(cmd, f, (int64_t)text.len, err)
                          : import_csv(cmd, NULL, &text, err);
}

int pfs_command_import(struct pfs_command *cmd, struct pfs_err *err)
{
    const char *path = cmd->words[0];
    autofile FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    struct stat st;
    if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode))
        return is_xml(f) ? pfs_import_xml(cmd, f, st.st_size, err) : import_csv(cmd, f, NULL, err);
    return import_stream(cmd, err);
}

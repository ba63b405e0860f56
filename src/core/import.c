/* import: a CSV of devices as one transaction. */
#include "core/import.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { IMPORT_MAX_BYTES = 1 << 30 };

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

/* Every device that the file names: what a template cannot do with it is a problem of the row that names it
 * first. */
static int render_devices(struct pfs_import *m)
{
    for (size_t i = 0; i < m->devices.n; i++) {
        const struct pfs_entity *e = &m->devices.all[i];
        struct pfs_err why;
        int r = pfs_check_device(m->c, e->key, NULL, &why);
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
    return pfs_err_set(m->err, EINVAL, "%s problems in %s rows: nothing is imported",
                       pfs_command_number(m->cmd, m->n_problems), pfs_command_number(m->cmd, m->n_bad_rows));
}

static int import_all(struct pfs_import *m)
{
    int r = pfs_import_check_rows(m);
    if (r == 0)
        r = refuse_problems(m);
    if (r == 0)
        r = pfs_import_apply(m);
    if (r == 0)
        r = refuse_problems(m);
    if (r == 0 && m->sync)
        r = pfs_import_remove(m);
    if (r == 0)
        r = render_devices(m);
    return r < 0 ? r : refuse_problems(m);
}

/* ---- the report ---- */

static void add_counts(struct pfs_import *m, struct pfs_buf *out, const int64_t *counts, const char *done)
{
    static const enum pfs_scope order[] = {PFS_SCOPE_DEVICE, PFS_SCOPE_LINE, PFS_SCOPE_ACCOUNT,
                                           PFS_SCOPE_CUSTOMER};
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

static int import_text(struct pfs_command *cmd, const struct pfs_buf *text, char delimiter,
                       struct pfs_err *err)
{
    const char *path = cmd->words[0], *slash = strrchr(path, '/');
    struct pfs_import m = {
        .cmd = cmd,
        .c = cmd->context,
        .store = cmd->context->store,
        .err = err,
        .name = strcmp(path, "-") == 0 ? "standard input" : path,
        .sync = cmd->options[PFS_OPTION_SYNC],
        .update = cmd->options[PFS_OPTION_SYNC] || pfs_command_has(cmd, PFS_OPTION_UPDATE),
    };
    char via[PFS_ERR_MAX];
    snprintf(via, sizeof via, "import %.200s (xxh3 %016llx)", slash ? slash + 1 : path,
             (unsigned long long)XXH3_64bits(text->data ? text->data : "", text->len));
    bool dry = pfs_command_has(cmd, PFS_OPTION_DRY_RUN);
    pfs_csv_init(&m.csv, text->data ? text->data : "", text->len, delimiter);
    int r = pfs_import_header(&m);
    if (r == 0)
        r = run_in_write(&m, via, dry);
    if (r < 0)
        pfs_err_prefix(err, "%s", m.name);
    else
        report(&m, dry);
    pfs_csv_done(&m.csv);
    pfs_entities_done(&m.devices);
    pfs_entities_done(&m.lines);
    pfs_entities_done(&m.accounts);
    pfs_entities_done(&m.customers);
    return r;
}

int pfs_command_import(struct pfs_command *cmd, struct pfs_err *err)
{
    char delimiter;
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    int r = check_options(cmd, err);
    if (r == 0)
        r = parse_delimiter(cmd, &delimiter, err);
    if (r == 0)
        r = pfs_command_read(cmd, cmd->words[0], IMPORT_MAX_BYTES, &text, err);
    return r < 0 ? r : import_text(cmd, &text, delimiter, err);
}

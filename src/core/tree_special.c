/* The files at the top of the control tree that are no object's: ctl, import, reports and lists. */
#include "core/tree_types.h"

#include <errno.h>
#include <string.h>

enum {
    FOLDER = S_IFDIR | 0750,
    FILE_RW = S_IFREG | 0660,
    FILE_RO = S_IFREG | 0440,
    FILE_WO = S_IFREG | 0220
};

/* ---- ctl: commands, a write a transaction ---- */

struct ctl {
    bool has_outcome; /* this descriptor has written: reads give what became of it */
    struct pfs_buf outcome;
    size_t cursor;
    int64_t if_gen; /* guards writes until one commits; 0: none */
};

static int open_ctl(struct pfs_handle *h, struct pfs_err *err)
{
    struct ctl *ctl = h->own;
    ctl->outcome = (struct pfs_buf)PFS_BUF_INIT(PFS_TREE_WRITE_MAX);
    return 0;
}

static void release_ctl(struct pfs_handle *h)
{
    struct ctl *ctl = h->own;
    pfs_buf_done(&ctl->outcome);
}

/* Takes `if-gen N` lines at the front of a text, which ends in a newline: they become comments, so that lines
 * keep their numbers. Whether more follows. */
static int take_guard(struct ctl *ctl, char *text, const char *text_end, struct pfs_err *err)
{
    static const char word[] = "if-gen ";
    while ((size_t)(text_end - text) >= sizeof word && memcmp(text, word, sizeof word - 1) == 0) {
        char *end = memchr(text, '\n', (size_t)(text_end - text)), *stop;
        *end = '\0'; /* a write ends in a newline: there is one */
        errno = 0;
        long long gen = strtoll(text + sizeof word - 1, &stop, 10);
        *end = '\n';
        if (errno || stop != end || gen <= 0)
            return pfs_err_set(err, EINVAL, "if-gen takes the number of a gen");
        ctl->if_gen = gen;
        *text = '#';
        text = end + 1;
    }
    return text < text_end;
}

static int run_ctl(struct pfs_handle *h, const char *data, size_t len, FILE *notes, int64_t *ret_gen,
                   struct pfs_err *err)
{
    struct ctl *ctl = h->own;
    struct pfs_command_io io = {.notes = notes};
    if (len == 0 || data[len - 1] != '\n')
        return pfs_err_set(err, EINVAL, "a write to ctl ends with a newline");
    if (len > PFS_TREE_WRITE_MAX)
        return pfs_err_set(err, EINVAL, "a write to ctl has at most %d bytes", PFS_TREE_WRITE_MAX);
    autofree char *text = malloc(len);
    if (!text)
        return pfs_err_nomem(err);
    memcpy(text, data, len);
    int r = take_guard(ctl, text, text + len, err);
    if (r <= 0)
        return r;
    r = pfs_command_apply_if(h->call.context, &io, text, len, "control/ctl", ctl->if_gen, ret_gen, err);
    if (r == 0)
        ctl->if_gen = 0;
    return r;
}

/* `gen N`, then the notes. */
static void describe(struct pfs_buf *out, int64_t gen, const char *notes)
{
    if (gen)
        pfs_buf_printf(out, "gen %lld", (long long)gen);
    size_t len = strlen(notes);
    len -= len > 0 && notes[len - 1] == '\n';
    if (len > 0)
        pfs_buf_printf(out, "\n%.*s", (int)len, notes);
}

static int write_ctl(struct pfs_handle *h, const char *data, size_t len, struct pfs_err *err)
{
    struct ctl *ctl = h->own;
    struct pfs_err why = {""};
    struct pfs_buf text autobuf = PFS_BUF_INIT(PFS_TREE_WRITE_MAX);
    autofree char *notes = NULL;
    size_t notes_len = 0;
    int64_t gen = 0;
    FILE *f = open_memstream(&notes, &notes_len);
    if (!f)
        return pfs_err_nomem(err);
    int r = run_ctl(h, data, len, f, &gen, &why);
    fclose(f);
    describe(&text, gen, notes);
    pfs_outcomes_note(h->call.tree->outcomes, h->call.context->login, r,
                      r < 0 ? pfs_err_text(&why, r) : pfs_buf_str(&text));
    pfs_buf_reset(&ctl->outcome);
    pfs_outcomes_line(r, r < 0 ? pfs_err_text(&why, r) : pfs_buf_str(&text),
                      &ctl->outcome); /* its own: another may have noted since */
    ctl->has_outcome = true;
    ctl->cursor = 0;
    if (r < 0)
        pfs_err_set(err, -r, "%s", pfs_err_text(&why, r));
    return r;
}

static int read_ctl(struct pfs_handle *h, size_t size, const char **ret, size_t *ret_len, struct pfs_err *err)
{
    struct ctl *ctl = h->own;
    if (!ctl->has_outcome) {
        pfs_outcomes_read(h->call.tree->outcomes, h->call.context->login, &ctl->outcome);
        ctl->has_outcome = true;
    }
    *ret = ctl->outcome.data ? ctl->outcome.data + ctl->cursor : "";
    *ret_len = PFS_MIN(size, ctl->outcome.len - ctl->cursor);
    ctl->cursor += *ret_len;
    return 0;
}

static const struct pfs_handle_ops ctl_ops = {.size = sizeof(struct ctl),
                                              .open = open_ctl,
                                              .read = read_ctl,
                                              .write = write_ctl,
                                              .release = release_ctl};
const struct pfs_tree_type pfs_tree_ctl = {.name = "ctl", .mode = FILE_RW, .handle = &ctl_ops};

/* ---- import: a whole file, taken at close ---- */

struct pfs_import_report {
    pthread_mutex_t lock;
    char *text; /* of the last import; NULL: there was none */
};

int pfs_import_report_new(struct pfs_import_report **ret)
{
    struct pfs_import_report *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    pthread_mutex_init(&r->lock, NULL);
    *ret = r;
    return 0;
}

void pfs_import_report_free(struct pfs_import_report *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->text);
    free(r);
}

/* Takes the text over. */
static void set_report(struct pfs_import_report *r, char *text)
{
    pthread_mutex_lock(&r->lock);
    char *old = r->text;
    r->text = text;
    pthread_mutex_unlock(&r->lock);
    free(old);
}

static int read_report(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    struct pfs_import_report *r = call->tree->import_report;
    pthread_mutex_lock(&r->lock);
    if (r->text)
        pfs_buf_str_add(out, r->text);
    pthread_mutex_unlock(&r->lock);
    return 0;
}

const struct pfs_tree_type pfs_tree_import_report = {
    .name = "import.report", .mode = FILE_RO, .alone = true, .read = read_report};

struct import {
    FILE *file; /* what was written so far; NULL: nothing */
    bool taken;
};

static int write_import(struct pfs_handle *h, const char *data, size_t len, struct pfs_err *err)
{
    struct import *i = h->own;
    if (i->taken)
        return pfs_err_set(err, EINVAL, "this import has been taken at close: open the file again");
    if (!i->file && !(i->file = tmpfile()))
        return pfs_err_sys(err, errno, "a temporary file");
    if (ftello(i->file) + (off_t)len > PFS_IMPORT_MAX_BYTES)
        return pfs_err_set(err, EFBIG, "an import has at most %d bytes", PFS_IMPORT_MAX_BYTES);
    return fwrite(data, 1, len, i->file) == len ? 0 : pfs_err_sys(err, errno, "a temporary file");
}

static int flush_import(struct pfs_handle *h, struct pfs_err *err)
{
    struct import *i = h->own;
    struct pfs_err why = {""};
    char *report = NULL;
    size_t len = 0;
    if (!i->file || i->taken)
        return 0;
    if (h->spoiled)
        return pfs_err_set(err, EIO, "a process that wrote to this import was killed");
    i->taken = true;
    rewind(i->file);
    struct pfs_command_io io = {.in = i->file, .out = open_memstream(&report, &len)};
    if (!io.out)
        return pfs_err_nomem(err);
    io.notes = io.out;
    static const char *const words[] = {"import", "--update", "-"};
    const char *via = h->call.context->via;
    h->call.context->via = "control/import";
    int r = pfs_command_run(h->call.context, &io, 3, (char *const *)words, &why);
    h->call.context->via = via;
    if (r < 0)
        fprintf(io.out, "refused: %s\n", pfs_err_text(&why, r));
    fclose(io.out);
    set_report(h->call.tree->import_report, report);
    pfs_outcomes_note(h->call.tree->outcomes, h->call.context->login, r, r < 0 ? pfs_err_text(&why, r) : "");
    return r < 0 ? pfs_err_set(err, r == -ENOEXEC ? EINVAL : -r, "%s", pfs_err_text(&why, r)) : 0;
}

/* What no close has taken is thrown away: its writer was killed. */
static void release_import(struct pfs_handle *h)
{
    struct import *i = h->own;
    if (i->file && !i->taken) {
        char *report = NULL;
        if (asprintf(&report,
                     "refused: %ld bytes were written and not closed in order: nothing was imported\n",
                     ftell(i->file)) >= 0)
            set_report(h->call.tree->import_report, report);
    }
    if (i->file)
        fclose(i->file);
}

static const struct pfs_handle_ops import_ops = {
    .size = sizeof(struct import), .write = write_import, .flush = flush_import, .release = release_import};
const struct pfs_tree_type pfs_tree_import = {.name = "import", .mode = FILE_WO, .handle = &import_ops};

/* ---- what commands print ---- */

static int read_export(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    const char *words[] = {"export", "--format", call->type == &pfs_tree_export_xml ? "xml" : "csv",
                           "--secrets"};
    return pfs_tree_print(call, call->tree->show_secrets ? 4 : 3, words, out, err);
}

static int read_log(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    const char *words[] = {"log"};
    return pfs_tree_print(call, 1, words, out, err);
}

const struct pfs_tree_type pfs_tree_export_csv = {
    .name = "export.csv", .mode = FILE_RO, .alone = true, .read = read_export};
const struct pfs_tree_type pfs_tree_export_xml = {
    .name = "export.xml", .mode = FILE_RO, .alone = true, .read = read_export};
const struct pfs_tree_type pfs_tree_log = {.name = "log", .mode = FILE_RO, .alone = true, .read = read_log};

/* ---- the root ---- */

const struct pfs_tree_type pfs_tree_root = {
    .name = "control",
    .mode = FOLDER,
    .children =
        (const struct pfs_tree_type *const[]){
            &pfs_tree_ctl, &pfs_tree_import, &pfs_tree_import_report, &pfs_tree_export_csv,
            &pfs_tree_export_xml, &pfs_tree_log, &pfs_tree_errors, &pfs_tree_unknown, &pfs_tree_status,
            &pfs_tree_events, &pfs_tree_devices, &pfs_tree_profiles, &pfs_tree_accounts, &pfs_tree_customers,
            &pfs_tree_models, &pfs_tree_site, NULL},
};

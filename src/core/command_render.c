/* render: a file's bytes. check: every template, every device's every file. */
#include "core/check_models.h"
#include "core/command_impl.h"
#include "core/express.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_SHOWN = 300 };

/* ---- templates that are not in service ---- */

/* What --templates puts aside for the length of a command. */
struct swapped {
    struct pfs_library *library;
    bool is;
};

static int swap_library(struct pfs_command *cmd, struct swapped *ret, struct pfs_err *err)
{
    const char *folder = cmd->options[PFS_OPTION_TEMPLATES];
    struct pfs_context *c = cmd->context;
    struct stat st;
    *ret = (struct swapped){0};
    if (!folder)
        return 0;
    if (stat(folder, &st) < 0)
        return pfs_err_sys(err, errno, folder);
    if (!S_ISDIR(st.st_mode))
        return pfs_err_set(err, ENOTDIR, "%s: not a folder", folder);
    size_t size = strlen(c->config->datadir) + 32;
    char *shipped = pfs_arena_alloc(&cmd->arena, size), *schema = pfs_arena_alloc(&cmd->arena, size);
    if (!shipped || !schema)
        return pfs_err_nomem(err);
    snprintf(shipped, size, "%s/templates", c->config->datadir);
    snprintf(schema, size, "%s/schema/template.rng", c->config->datadir);
    struct pfs_library_source source = {.site = folder, .shipped = shipped, .schema = schema};
    struct pfs_library *l;
    int r = pfs_library_load(&source, c->catalogue, NULL, &l, err);
    if (r < 0)
        return r;
    *ret = (struct swapped){.library = c->library, .is = true};
    c->library = l;
    return 0;
}

static void swap_back(struct pfs_command *cmd, struct swapped *s)
{
    if (!s->is)
        return;
    pfs_library_unref(cmd->context->library);
    cmd->context->library = s->library;
}

/* ---- render ---- */

static int no_such_file(const struct pfs_model *m, uint64_t mac, const char *name, struct pfs_err *err)
{
    char names[NAMES_SHOWN + 1] = "", one[PFS_FILE_NAME_MAX + 1];
    for (size_t i = 0; i < m->n_files; i++) {
        size_t used = strlen(names);
        pfs_pattern_format(&m->files[i].name, mac, one);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", one);
    }
    return pfs_err_set(err, ENOENT, "no such file: %s (%s has %s)", name, m->name, names);
}

static int choose_file(const struct pfs_model *m, uint64_t mac, const char *name, const struct pfs_file **ret,
                       struct pfs_err *err)
{
    uint64_t in_name = 0;
    const struct pfs_file *f = name ? pfs_model_file(m, name, &in_name) : &m->files[0];
    if (m->n_files == 0 || !f || (in_name != 0 && in_name != mac))
        return no_such_file(m, mac, name ? name : "the main file", err);
    *ret = f;
    return 0;
}

static int write_file(struct pfs_command *cmd, const struct pfs_file *f, const struct pfs_inputs *inputs,
                      struct pfs_err *err)
{
    struct pfs_phone phone;
    autobuf struct pfs_buf out = PFS_BUF_INIT(0);
    pfs_inputs_phone(inputs, &phone);
    int r = pfs_render(f, &phone, cmd->context->library->zones, &out, NULL, NULL, err);
    if (r == 0)
        fwrite(out.data ? out.data : "", 1, out.len, cmd->io->out);
    return r;
}

static int write_common(struct pfs_command *cmd, const struct pfs_file *f, struct pfs_err *err)
{
    struct pfs_context *c = cmd->context;
    struct pfs_inputs *inputs = NULL;
    int r = pfs_resolve_common_now(c->resolver, c->store, f, cmd->now, &inputs, err);
    if (r == 0)
        r = write_file(cmd, f, inputs, err);
    pfs_inputs_unref(inputs);
    return r;
}

static int write_device_file(struct pfs_command *cmd, const struct pfs_inputs *inputs, const char *name,
                             struct pfs_err *err)
{
    const struct pfs_device *d = inputs->device;
    const struct pfs_model *m = d->model ? pfs_library_model(cmd->context->library, d->model) : NULL;
    const struct pfs_file *f = NULL;
    if (!d->model)
        return pfs_err_set(err, EINVAL, "device %s has no model: it has no files", d->mac_text);
    if (!m)
        return pfs_err_set(err, EINVAL, "device %s: no template has its model %s", d->mac_text, d->model);
    int r = choose_file(m, d->mac, name, &f, err);
    if (r < 0 || !f)
        return r;
    return f->spec->per == PFS_PER_DEVICE ? write_file(cmd, f, inputs, err) : write_common(cmd, f, err);
}

static int render_in_library(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_context *c = cmd->context;
    uint64_t mac;
    struct pfs_inputs *inputs = NULL;
    int r = pfs_mac_parse(cmd->words[0], &mac, err);
    if (r == 0)
        r = pfs_resolve_now(c->resolver, c->store, c->library, mac, cmd->now, &inputs, err);
    if (r == 0)
        r = write_device_file(cmd, inputs, cmd->n > 1 ? cmd->words[1] : NULL, err);
    pfs_inputs_unref(inputs);
    return r;
}

int pfs_command_render(struct pfs_command *cmd, struct pfs_err *err)
{
    struct swapped swapped;
    int r = swap_library(cmd, &swapped, err);
    if (r == 0)
        r = render_in_library(cmd, err);
    swap_back(cmd, &swapped);
    return r;
}

/* ---- check ---- */

struct check_all {
    struct pfs_command *cmd;
    int64_t n_devices, n_done, n_problems;
    size_t n_bytes;
    struct pfs_map books;  /* pfs_check_device() */
    int64_t profile;       /* whose warnings are being told */
    struct pfs_map warned; /* lines told */
    struct pfs_err first;  /* the first problem */
    struct pfs_err *err;
};

static void problem(struct check_all *k, const char *sentence)
{
    if (k->n_problems++ == 0)
        pfs_err_set(&k->first, EINVAL, "%s", sentence);
    pfs_command_progress(k->cmd, "", 0, 0);
    fprintf(k->cmd->io->out, "%s\n", sentence);
}

static int note_problem(void *arg, const char *sentence)
{
    problem(arg, sentence);
    return 0;
}

/* What is wrong with the inventory is a problem; what is wrong with reading it ends the check. */
static int take_result(struct check_all *k, int r, const struct pfs_err *why)
{
    if (r != -EINVAL && r != -EFBIG && r != -ENOENT)
        return r < 0 ? pfs_err_set(k->err, -r, "%s", why->msg) : 0;
    problem(k, why->msg);
    return 0;
}

/* What has no place in the files of a model: told once, and no problem. A profile's line comes with those
 * below it too. */
static int warn_of_model(void *arg, const char *model)
{
    struct check_all *k = arg;
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    int r = pfs_express_profile(k->cmd->context, "warning: ", model, k->profile, NULL, &text, k->err);
    char *rest = (char *)pfs_buf_str(&text);
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
        if (*line == '\0' || pfs_map_get(&k->warned, line, strlen(line)))
            continue;
        fprintf(k->cmd->io->out, "%s\n", line);
        r = pfs_map_put(&k->warned, line, strlen(line), k, NULL) < 0 ? pfs_err_nomem(k->err) : 0;
    }
    return r;
}

static int warn(void *arg, const struct pfs_object *profile)
{
    struct check_all *k = arg;
    k->profile = profile->id;
    return pfs_store_models_of_profile(k->cmd->context->store, profile->id, warn_of_model, k, k->err);
}

static int check_one(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct check_all *k = arg;
    struct pfs_err why = {0};
    int r = take_result(k, pfs_check_device(k->cmd->context, &k->books, mac, &k->n_bytes, &why), &why);
    pfs_command_progress(k->cmd, "devices", ++k->n_done, k->n_devices);
    return r;
}

static int check_model(void *arg, const char *model)
{
    struct check_all *k = arg;
    struct pfs_err why = {0};
    return take_result(k, pfs_check_common(k->cmd->context, model, &why), &why);
}

static int check_inventory(struct check_all *k)
{
    struct pfs_store *s = k->cmd->context->store;
    struct pfs_err why = {0};
    int r = pfs_store_count(s, PFS_SCOPE_DEVICE, &k->n_devices, k->err);
    if (r == 0)
        r = take_result(k, pfs_check_common(k->cmd->context, NULL, &why), &why);
    if (r == 0)
        r = pfs_store_models_in_use(s, check_model, k, k->err);
    if (r == 0)
        r = pfs_store_list(s, 0, check_one, k, k->err);
    return r;
}

static int check_in_library(struct pfs_command *cmd, struct pfs_err *err)
{
    struct check_all k = {.cmd = cmd, .err = err};
    const struct pfs_library *l = cmd->context->library;
    for (size_t i = 0; i < l->n_problems; i++)
        problem(&k, l->problems[i]);
    int r = pfs_check_models(cmd->context, note_problem, &k, err);
    if (r == 0)
        r = pfs_store_begin(cmd->context->store, err);
    if (r < 0)
        return r;
    r = check_inventory(&k);
    if (r == 0)
        r = pfs_store_objects(cmd->context->store, PFS_SCOPE_PROFILE, warn, &k, err);
    pfs_map_done(&k.warned);
    pfs_store_end(cmd->context->store);
    pfs_map_done(&k.books);
    pfs_command_progress(cmd, "", 0, 0);
    if (r < 0)
        return r;
    if (k.n_problems == 0) {
        fprintf(cmd->io->out, "%zu templates and the files of %s devices are good\n", l->n_templates,
                pfs_command_number(cmd, k.n_devices));
        return 0;
    }
    return k.n_problems == 1 ? pfs_err_set(err, EINVAL, "%s", k.first.msg)
                             : pfs_err_set(err, EINVAL, "%s problems; the first: %s",
                                           pfs_command_number(cmd, k.n_problems), k.first.msg);
}

int pfs_command_check(struct pfs_command *cmd, struct pfs_err *err)
{
    struct swapped swapped;
    int r = swap_library(cmd, &swapped, err);
    if (r == 0)
        r = check_in_library(cmd, err);
    swap_back(cmd, &swapped);
    return r;
}

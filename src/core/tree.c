#include "core/tree.h"
#include "core/tree_types.h"

#include <errno.h>
#include <string.h>

/* ---- finding a place ---- */

static const struct pfs_tree_type *fixed_child(const struct pfs_tree_type *folder, const char *name)
{
    for (size_t i = 0; folder->children[i]; i++)
        if (folder->children[i]->name && strcmp(folder->children[i]->name, name) == 0)
            return folder->children[i];
    return NULL;
}

static const struct pfs_tree_type *dynamic_child(const struct pfs_tree_type *folder)
{
    for (size_t i = 0; folder->children[i]; i++)
        if (!folder->children[i]->name)
            return folder->children[i];
    return NULL;
}

/* Steps down to a name. *ret_missing: a dynamic child that is not there. */
static int step(struct pfs_tree_call *call, const char *name, bool *ret_missing, struct pfs_err *err)
{
    const struct pfs_tree_type *folder = call->type, *child;
    *ret_missing = false;
    if (!pfs_tree_is_folder(folder))
        return pfs_err_set(err, ENOTDIR, "%s is no folder", call->path);
    call->parent = folder;
    child = fixed_child(folder, name);
    if (child) {
        call->type = child;
        return 0;
    }
    child = dynamic_child(folder);
    if (!child)
        return pfs_err_set(err, ENOENT, "there is no %s here", name);
    call->type = child;
    snprintf(child->names_object ? call->object : call->item, PFS_FILE_NAME_MAX + 1, "%s", name);
    int r = child->find(call, err);
    *ret_missing = r == -ENOENT;
    return r;
}

static int walk(struct pfs_tree_call *call, bool *ret_creatable, struct pfs_err *err)
{
    char path[PFS_TREE_PATH_MAX], *rest = path;
    bool missing = false;
    int r = 0;
    memcpy(path, call->path, sizeof path);
    for (char *name; r == 0 && (name = strsep(&rest, "/"));) {
        if (!*name)
            continue;
        if (strlen(name) > PFS_FILE_NAME_MAX)
            return pfs_err_set(err, ENAMETOOLONG, "the name is longer than %d bytes", PFS_FILE_NAME_MAX);
        r = step(call, name, &missing, err);
    }
    *ret_creatable = r == -ENOENT && missing && !rest;
    return r;
}

int pfs_tree_find(const struct pfs_tree *t, struct pfs_context *c, const char *path,
                  struct pfs_tree_call *ret, bool *ret_creatable, struct pfs_err *err)
{
    *ret = (struct pfs_tree_call){.tree = t, .context = c, .type = &pfs_tree_root};
    *ret_creatable = false;
    if (strlen(path) >= sizeof ret->path)
        return pfs_err_set(err, ENAMETOOLONG, "the path is longer than %d bytes", PFS_TREE_PATH_MAX - 1);
    strcpy(ret->path, path);
    int r = pfs_store_begin(c->store, err);
    if (r < 0)
        return r;
    r = walk(ret, ret_creatable, err);
    pfs_store_end(c->store);
    return r;
}

/* ---- listing ---- */

struct list {
    int (*fn)(void *arg, const char *name, mode_t mode);
    void *arg;
    mode_t mode;
};

static int list_dynamic(void *arg, const char *name)
{
    struct list *l = arg;
    return l->fn(l->arg, name, l->mode);
}

int pfs_tree_list(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name, mode_t mode), void *arg,
                  struct pfs_err *err)
{
    const struct pfs_tree_type *folder = call->type;
    if (!pfs_tree_is_folder(folder))
        return pfs_err_set(err, ENOTDIR, "%s is no folder", call->path);
    int r = 0;
    for (size_t i = 0; folder->children[i] && r == 0; i++)
        if (folder->children[i]->name)
            r = fn(arg, folder->children[i]->name, folder->children[i]->mode);
    const struct pfs_tree_type *dynamic = dynamic_child(folder);
    if (r != 0 || !dynamic || !folder->list)
        return r;
    struct list l = {.fn = fn, .arg = arg, .mode = dynamic->mode};
    r = pfs_store_begin(call->context->store, err);
    if (r < 0)
        return r;
    r = folder->list(call, list_dynamic, &l, err);
    pfs_store_end(call->context->store);
    return r;
}

/* ---- commands ---- */

int pfs_tree_run(struct pfs_tree_call *call, size_t n_words, const char *const *words, struct pfs_err *err)
{
    char via[PFS_TREE_PATH_MAX + 16];
    struct pfs_command_io io = {0};
    const char *before = call->context->via;
    snprintf(via, sizeof via, "control/%s", call->path);
    call->context->via = via;
    int r = pfs_command_run(call->context, &io, n_words, (char *const *)words, err);
    call->context->via = before;
    return r == -ENOEXEC ? -EINVAL : r;
}

int pfs_tree_print(struct pfs_tree_call *call, size_t n, const char *const *words, struct pfs_buf *out,
                   struct pfs_err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct pfs_command_io io = {.out = open_memstream(&text, &len)};
    if (!io.out)
        return pfs_err_nomem(err);
    int r = pfs_command_run(call->context, &io, n, (char *const *)words, err);
    fclose(io.out);
    if (r >= 0)
        pfs_buf_add(out, text, len);
    free(text);
    return r < 0 ? r : 0;
}

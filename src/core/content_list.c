/* Folders of the inventory's names, and listings. */
#include "core/content_impl.h"

#include <errno.h>
#include <string.h>

enum { FILES_MAX = 256 }; /* of one device */

/* ---- finding a folder ---- */

struct find_folder {
    struct pfs_content *content;
    struct pfs_store *store; /* NULL: none to ask */
    const struct pfs_library *library;
    const char *path;
    char *name;   /* as it is written, where it is found */
    uint64_t mac; /* being looked for */
    bool is_device, found, absent;
    struct pfs_err *err;
};

/* 0 or -EIO: what its model says cannot be told. */
static int ask_model(struct find_folder *f, const char *model)
{
    const struct pfs_model *m = pfs_library_model(f->library, model);
    if (!m)
        return pfs_err_set(f->err, EIO, "%s: no template has the model %s", f->path, model);
    f->found = pfs_model_has_folder(m, f->path, f->mac, f->name);
    return 0;
}

static int look_at_device(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct find_folder *f = arg;
    if (mac != f->mac)
        return 1;
    f->is_device = true;
    f->absent = !enabled;
    int r = enabled && model ? ask_model(f, model) : 0;
    return r < 0 ? r : 1;
}

static int ask_store(struct find_folder *f)
{
    int r = f->store ? pfs_content_begin(f->content, f->store, f->err) : -EIO;
    if (r < 0)
        return r;
    r = pfs_store_list(f->store, f->mac, look_at_device, f, f->err);
    pfs_store_end(f->store);
    return PFS_MIN(r, 0);
}

static int ask_memory(struct find_folder *f)
{
    pthread_mutex_lock(&f->content->lock);
    const struct pfs_entry *e = pfs_entry_of(f->content, f->library, f->mac);
    const char *model = e ? e->inputs->device->model : NULL;
    int r = model ? ask_model(f, model) : -EIO;
    pthread_mutex_unlock(&f->content->lock);
    return r < 0 || !f->found ? -EIO : 0;
}

static void note_unknown(const struct find_folder *f)
{
    char name[PFS_FILE_NAME_MAX + 2];
    if (strlen(f->path) >= PFS_FILE_NAME_MAX)
        return;
    snprintf(name, sizeof name, "%s/", f->path);
    pfs_content_note_unknown(f->content, name, f->mac);
}

/* 1: found. */
static int find_of_mac(void *arg, uint64_t mac)
{
    struct find_folder *f = arg;
    f->mac = mac;
    f->is_device = false;
    int r = ask_store(f);
    if (r < 0) {
        r = ask_memory(f);
        pfs_content_log_failure(f->content, f->path, f->err, r == 0);
    } else if (!f->is_device) {
        note_unknown(f);
    }
    return r < 0 ? -EIO : f->found;
}

int pfs_content_folder(struct pfs_content *c, struct pfs_store *s, const char *path, char *ret_name,
                       bool *ret_absent, struct pfs_err *err)
{
    struct pfs_err own = {""};
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    struct find_folder f = {
        .content = c, .store = s, .library = l, .path = path, .name = ret_name, .err = err ? err : &own};
    bool devices;
    int r = pfs_library_folder(l, path, &devices);
    if (r == 1)
        strcpy(ret_name, path); /* which is no longer than the patterns are */
    else
        r = pfs_library_folder_macs(l, path, find_of_mac, &f);
    pfs_library_unref(l);
    *ret_absent = f.absent;
    return r == 0 ? -ENOENT : PFS_MIN(r, 0);
}

static int stop_at_first(void *arg, uint64_t mac)
{
    return 1;
}

bool pfs_content_lists(struct pfs_content *c, const char *folder)
{
    bool devices;
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    bool yes =
        pfs_library_folder(l, folder, &devices) || pfs_library_folder_macs(l, folder, stop_at_first, NULL);
    pfs_library_unref(l);
    return yes;
}

static bool claims_file(struct pfs_content *c, struct pfs_store *s, const char *name)
{
    struct pfs_target t = {0};
    if (!pfs_content_concerns(c, name))
        return false;
    t.library = pfs_templates_take(c->templates, &t.library_generation);
    struct pfs_find f = {.content = c, .store = s, .name = name, .now = pfs_content_now(c), .target = &t};
    int r = pfs_store_begin(s, NULL);
    if (r == 0) {
        r = pfs_content_find(&f);
        pfs_store_end(s);
    }
    pfs_target_done(&t);
    return r != 0 || f.absent;
}

bool pfs_content_claims(struct pfs_content *c, struct pfs_store *s, const char *name, bool is_folder)
{
    char folder[PFS_FILE_NAME_MAX + 1];
    bool absent, devices;
    if (claims_file(c, s, name))
        return true;
    struct pfs_library *l = pfs_templates_take(c->templates, NULL);
    bool plain = pfs_library_folder(l, name, &devices);
    pfs_library_unref(l);
    if (plain)
        return !is_folder;
    return pfs_content_folder(c, s, name, folder, &absent, NULL) != -ENOENT || absent;
}

/* ---- listings ---- */

struct list {
    struct pfs_library *library;
    const char *folder;
    size_t depth; /* of the folder */
    pfs_common_fn common_fn;
    pfs_device_file_fn device_fn;
    void *arg;
    uint64_t only_mac; /* the folder is this device's; 0: of all */
};

/* What stands for a name in the folder: the component behind it. */
struct member {
    const char *name;
    size_t len;
    bool is_folder, has_mac;
};

/* False: the pattern's names are not below the folder. */
static bool find_member(const struct list *l, const struct pfs_pattern *p, struct member *ret)
{
    uint64_t mac;
    bool folder_has_mac;
    if (!pfs_pattern_is_below(p, l->folder, &mac, &folder_has_mac) || (folder_has_mac && mac != l->only_mac))
        return false;
    ret->name = pfs_path_component(p->text, l->depth, &ret->len);
    ret->is_folder = ret->name[ret->len] == '/';
    ret->has_mac = folder_has_mac || memchr(ret->name, '{', ret->len);
    return true;
}

static int list_model(void *arg, const char *name)
{
    struct list *l = arg;
    const struct pfs_model *m = pfs_library_model(l->library, name);
    int r = 0;
    for (size_t i = 0; m && i < m->n_files && r == 0; i++) {
        char text[PFS_FILE_NAME_MAX + 1];
        struct member found;
        if (!find_member(l, &m->files[i].name, &found) || found.has_mac)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)found.len, found.name);
        r = l->common_fn(l->arg, text, found.is_folder);
    }
    return r;
}

int pfs_content_list_common(struct pfs_content *c, struct pfs_store *s, const char *folder, pfs_common_fn fn,
                            void *arg, struct pfs_err *err)
{
    struct list l = {.library = pfs_templates_take(c->templates, NULL),
                     .folder = folder,
                     .depth = pfs_path_depth(folder),
                     .common_fn = fn,
                     .arg = arg};
    bool devices;
    int r =
        pfs_library_folder(l.library, folder, &devices) ? pfs_store_models_in_use(s, list_model, &l, err) : 0;
    pfs_library_unref(l.library);
    return r;
}

/* Whether a file before this one is in the same folder of the folder. */
static bool is_listed(const struct list *l, const struct pfs_model *m, size_t i)
{
    size_t len, other;
    const char *name = pfs_path_component(m->files[i].name.shape, l->depth, &len);
    for (size_t j = 0; j < i; j++) {
        struct member found;
        const char *before = pfs_path_component(m->files[j].name.shape, l->depth, &other);
        if (len == other && memcmp(name, before, len) == 0 && find_member(l, &m->files[j].name, &found))
            return true;
    }
    return false;
}

static int list_device_file(const struct list *l, const struct pfs_model *m, size_t i, uint64_t mac)
{
    char path[PFS_FILE_NAME_MAX + 1];
    struct member found;
    size_t len;
    if (!find_member(l, &m->files[i].name, &found) || !found.has_mac ||
        (found.is_folder && is_listed(l, m, i)))
        return 0;
    pfs_pattern_format(&m->files[i].name, mac, path);
    pfs_path_cut(path, l->depth + 1);
    return l->device_fn(l->arg, mac, (unsigned)i, pfs_path_component(path, l->depth, &len), found.is_folder);
}

static int list_device(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct list *l = arg;
    if (l->only_mac && mac != l->only_mac)
        return 1;
    const struct pfs_model *m = enabled && model ? pfs_library_model(l->library, model) : NULL;
    int r = 0;
    for (size_t i = 0; m && i < m->n_files && i < FILES_MAX && r == 0; i++)
        r = list_device_file(l, m, i, mac);
    return r;
}

static int note_mac(void *arg, uint64_t mac)
{
    struct list *l = arg;
    l->only_mac = mac;
    return 1;
}

int pfs_content_list_devices(struct pfs_content *c, struct pfs_store *s, const char *folder,
                             uint64_t from_mac, pfs_device_file_fn fn, void *arg, struct pfs_err *err)
{
    struct list l = {.library = pfs_templates_take(c->templates, NULL),
                     .folder = folder,
                     .depth = pfs_path_depth(folder),
                     .device_fn = fn,
                     .arg = arg};
    bool devices = false;
    int r = 0;
    if (!pfs_library_folder(l.library, folder, &devices))
        pfs_library_folder_macs(l.library, folder, note_mac, &l);
    if (devices || l.only_mac)
        r = pfs_store_list(s, PFS_MAX(from_mac, l.only_mac), list_device, &l, err);
    pfs_library_unref(l.library);
    return r;
}

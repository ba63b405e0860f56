/* The folders of templates: which files there are, and what becomes of them. */
#include "base/near.h"
#include "render/library_impl.h"
#include "render/xml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

/* ---- the files of a folder ---- */

/* By bytes, whatever the locale: the order says who has a name that is claimed twice. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static bool ends_in_xml(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".xml") == 0;
}

/* The names in a folder, in order; 0 where it is not there. -errno else: a folder that cannot be read is not
 * an empty one. */
static int list_folder(const char *folder, struct dirent ***ret)
{
    *ret = NULL;
    int n = scandir(folder, ret, is_visible, by_bytes);
    if (n >= 0)
        return n;
    return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* Calls fn with FOLDER/NAME for each name there. */
static int each_in_folder(const char *folder, bool only_xml, int (*fn)(void *arg, const char *path),
                          void *arg)
{
    struct dirent **names;
    int n = list_folder(folder, &names), r = PFS_MIN(n, 0);
    for (int i = 0; i < n; i++) {
        autofree char *path = NULL;
        if (r == 0 && (!only_xml || ends_in_xml(names[i]->d_name)))
            r = asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0 ? -ENOMEM : fn(arg, path);
        free(names[i]);
    }
    free(names);
    return r;
}

struct in_vendor {
    int (*fn)(void *arg, const char *path);
    void *arg;
};

static int each_in_vendor(void *arg, const char *folder)
{
    const struct in_vendor *v = arg;
    return each_in_folder(folder, true, v->fn, v->arg);
}

/* Calls fn with the path of each VENDOR/NAME.xml, in order; a folder that is not there has none. */
static int each_template(const char *folder, int (*fn)(void *arg, const char *path), void *arg)
{
    struct in_vendor v = {.fn = fn, .arg = arg};
    return folder ? each_in_folder(folder, false, each_in_vendor, &v) : 0;
}

static int hash_file(void *arg, const char *path)
{
    XXH3_state_t *state = arg;
    struct stat st;
    XXH3_64bits_update(state, path, strlen(path) + 1);
    if (stat(path, &st) < 0)
        return 0; /* gone meanwhile: its absence is the change */
    const int64_t parts[] = {(int64_t)st.st_ino, st.st_size,        st.st_mtim.tv_sec,
                             st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec};
    XXH3_64bits_update(state, parts, sizeof parts);
    return 0;
}

uint64_t pfs_library_fingerprint(const struct pfs_library_source *source)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return 0;
    XXH3_64bits_reset(state);
    each_template(source->site, hash_file, state);
    each_template(source->shipped, hash_file, state);
    char zones[4096];
    hash_file(state, pfs_tz_directory());
    snprintf(zones, sizeof zones, "%s/tzdata.zi", pfs_tz_directory());
    hash_file(state, zones);
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

/* ---- loading ---- */

/* A template file. */
struct found {
    char *path;
    const char *base; /* a site's: the shipped one that it extends; NULL: none */
    bool broken;      /* a site's: it cannot be read */
    bool extended;    /* a shipped one: it is in service with the site's changes */
};

struct paths {
    size_t n, cap;
    struct found *files;
};

struct loader {
    struct paths site_paths, shipped_paths;
    struct pfs_library *lib;
    const struct pfs_library *previous;
    struct pfs_xml_schema *schema;
    bool site;
};

int pfs_library_add_problem(struct pfs_library *l, const char *text)
{
    if (l->n_problems == PFS_PROBLEMS_MAX)
        return 0;
    const char *copy = pfs_arena_strdup(&l->arena, text);
    if (!copy)
        return -ENOMEM;
    l->problems[l->n_problems++] = copy;
    return 0;
}

/* The last good template of this path. */
static struct pfs_template *find_previous(const struct pfs_library *previous, const char *path)
{
    for (size_t i = 0; previous && i < previous->n_templates; i++)
        if (strcmp(previous->templates[i]->path, path) == 0)
            return previous->templates[i];
    return NULL;
}

static int put_template(struct loader *loader, struct pfs_template *t)
{
    struct pfs_library *l = loader->lib;
    if (l->n_templates == PFS_TEMPLATES_MAX) {
        pfs_template_unref(t);
        return pfs_library_add_problem(l, "too many templates: the rest is not read");
    }
    l->templates[l->n_templates++] = t;
    l->n_site += loader->site;
    return 0;
}

/* Tells what is wrong with a template; what is in service in its place is said before it. */
static int note_broken(struct loader *loader, const char *instead, struct pfs_err *why)
{
    loader->lib->n_broken++;
    if (instead)
        pfs_err_prefix(why, "%s", instead);
    return pfs_library_add_problem(loader->lib, why->msg);
}

static const char last_good[] = "the last good version stays in service";

static bool is_of(const struct pfs_template *t, const char *path)
{
    for (size_t i = 0; i < t->n_sources; i++)
        if (strcmp(t->sources[i], path) == 0)
            return true;
    return false;
}

/* Whether a file is part of a template that the site extends, as it was last. */
static bool was_change(const struct pfs_library *previous, const char *path)
{
    for (size_t i = 0; previous && i < previous->n_templates; i++)
        if (is_of(previous->templates[i], path))
            return true;
    return false;
}

/* A template that is as its one file says, or as it was last. Those shipped were held against the schema when
 * they were tested: every command would pay for it. */
static int load_template(struct loader *loader, const char *path)
{
    struct pfs_template *t;
    struct pfs_err err = {""};
    int r = pfs_template_load(path, loader->lib->catalogue, loader->site ? loader->schema : NULL, &t, &err);
    if (r == -ENOMEM)
        return r;
    if (r == -ENOENT)
        return 0; /* deleted meanwhile: the fingerprint has changed */
    if (r == 0)
        return put_template(loader, t);
    struct pfs_template *last = find_previous(loader->previous, path);
    bool served = last || was_change(loader->previous, path);
    if (note_broken(loader, served ? last_good : NULL, &err) < 0)
        return -ENOMEM;
    return last ? put_template(loader, pfs_template_ref(last)) : 0;
}

/* ---- templates with a site's changes ---- */

/* The last good template that was this shipped one with changes. */
static struct pfs_template *find_previous_extended(const struct pfs_library *previous, const char *base)
{
    for (size_t i = 0; previous && i < previous->n_templates; i++)
        if (previous->templates[i]->n_sources > 1 && strcmp(previous->templates[i]->path, base) == 0)
            return previous->templates[i];
    return NULL;
}

/* What extends a base, in order; a file that cannot be read has had the base that it was last part of. */
static void find_changes(const struct loader *loader, const char *base, const char **ret, size_t *ret_n,
                         bool *ret_broken)
{
    const struct pfs_template *last = find_previous_extended(loader->previous, base);
    *ret_n = 0;
    *ret_broken = false;
    for (size_t i = 0; i < loader->site_paths.n; i++) {
        const struct found *f = &loader->site_paths.files[i];
        if (f->base && strcmp(f->base, base) == 0)
            ret[(*ret_n)++] = f->path;
        else if (f->broken && last && is_of(last, f->path))
            *ret_broken = true;
    }
}

/* One change after the other, as far as they are good. *ret NULL: none is. */
static int apply_changes(struct loader *loader, const char *base, const char **changes, size_t n,
                         const char *instead, struct pfs_template **ret, bool *ret_broken)
{
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        struct pfs_template *t;
        struct pfs_err err = {""};
        changes[good] = changes[i];
        int r = pfs_template_load_extended(base, good + 1, changes, loader->lib->catalogue, loader->schema,
                                           &t, &err);
        if (r == -ENOMEM || (r < 0 && note_broken(loader, instead, &err) < 0))
            return -ENOMEM;
        *ret_broken = *ret_broken || r < 0;
        if (r < 0)
            continue;
        pfs_template_unref(*ret);
        *ret = t;
        good++;
    }
    return 0;
}

/* A shipped template that the site extends. 1: it is in service so; 0: nothing extends it, or nothing that is
 * good. */
static int load_extended(struct loader *loader, const char *base)
{
    autofree const char **changes = calloc(loader->site_paths.n + 1, sizeof *changes);
    struct pfs_template *t = NULL, *last = find_previous_extended(loader->previous, base);
    size_t n;
    bool broken;
    if (!changes)
        return -ENOMEM;
    find_changes(loader, base, changes, &n, &broken);
    if (n == 0 && !broken)
        return 0;
    int r = apply_changes(loader, base, changes, n, last ? last_good : "the template goes without this", &t,
                          &broken);
    if (r == 0 && broken && last) {
        pfs_template_unref(t);
        t = pfs_template_ref(last);
    }
    if (r < 0)
        pfs_template_unref(t);
    return r < 0 || !t ? r : PFS_MIN(put_template(loader, t), 0) + 1;
}

/* ---- the folders ---- */

static int add_found(void *arg, const char *path)
{
    struct paths *p = arg;
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct found *more = realloc(p->files, cap * sizeof *more);
        if (!more)
            return -ENOMEM;
        p->files = more;
        p->cap = cap;
    }
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    p->files[p->n++] = (struct found){.path = copy};
    return 0;
}

static void free_paths(struct paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->files[i].path);
    free(p->files);
}

/* VENDOR/FILE of a path, without ".xml"; the length of VENDOR. */
static const char *short_name(const char *path, size_t *ret_vendor)
{
    const char *file = strrchr(path, '/'), *start = file;
    while (start > path && start[-1] != '/')
        start--;
    *ret_vendor = (size_t)(file - start);
    return start;
}

/* Whether `extends` means this shipped template: VENDOR/FILE, or VENDOR, whose file is VENDOR.xml. */
static bool means_file(const char *extends, const char *path)
{
    size_t vendor, len = strlen(extends);
    const char *name = short_name(path, &vendor);
    if (strchr(extends, '/'))
        return strncmp(name, extends, len) == 0 && strcmp(name + len, ".xml") == 0;
    return len == vendor && strncmp(name, extends, len) == 0 && strncmp(name + len + 1, extends, len) == 0 &&
           strcmp(name + 2 * len + 1, ".xml") == 0;
}

/* How far `extends` is from meaning a shipped template, and how that would be written. */
static unsigned distance_to(const char *extends, const char *path, char ret_name[PFS_NEAR_WORD_MAX + 1])
{
    size_t vendor, len;
    const char *name = short_name(path, &vendor);
    len = strlen(name) - strlen(".xml");
    bool is_vendors = len == 2 * vendor + 1 && strncmp(name, name + vendor + 1, vendor) == 0;
    snprintf(ret_name, PFS_NEAR_WORD_MAX + 1, "%.*s", (int)(is_vendors ? vendor : len), name);
    bool same_vendor = strncmp(extends, name, vendor) == 0 && (!extends[vendor] || extends[vendor] == '/');
    return same_vendor ? 0 : pfs_near_distance(extends, ret_name);
}

static int no_such_base(struct loader *loader, const struct found *f, const char *extends)
{
    char near[PFS_NEAR_WORD_MAX + 1] = "", name[PFS_NEAR_WORD_MAX + 1];
    unsigned best = pfs_near_limit(strlen(extends)) + 1;
    struct pfs_err why;
    for (size_t i = 0; i < loader->shipped_paths.n; i++) {
        unsigned distance = distance_to(extends, loader->shipped_paths.files[i].path, name);
        if (distance >= best)
            continue;
        best = distance;
        strcpy(near, name);
    }
    pfs_err_set(&why, EINVAL, "%s:1: extends: no shipped template is \"%.80s\"%s%s%s", f->path, extends,
                *near ? " (did you mean " : "", near, *near ? "?)" : "");
    return note_broken(loader, NULL, &why);
}

/* Finds what a site's file extends; a whole template goes into service. */
static int read_site_file(struct loader *loader, struct found *f)
{
    autofree char *extends = NULL;
    struct pfs_err why = {""};
    int r = pfs_template_extends(f->path, &extends, &why);
    if (r == -ENOMEM || r == -ENOENT)
        return r == -ENOENT ? 0 : r;
    f->broken = r < 0;
    if (!extends)
        return load_template(loader, f->path);
    for (size_t i = 0; i < loader->shipped_paths.n && !f->base; i++)
        if (means_file(extends, loader->shipped_paths.files[i].path))
            f->base = loader->shipped_paths.files[i].path;
    return f->base ? 0 : no_such_base(loader, f, extends);
}

static int read_site(struct loader *loader)
{
    int r = 0;
    loader->site = true;
    for (size_t i = 0; i < loader->site_paths.n && r == 0; i++)
        r = read_site_file(loader, &loader->site_paths.files[i]);
    loader->site = false;
    return r;
}

/* What the site extends before what it leaves alone: its own models come first. */
static int read_shipped(struct loader *loader)
{
    int r = 0;
    for (size_t i = 0; i < loader->shipped_paths.n && r >= 0; i++) {
        struct found *f = &loader->shipped_paths.files[i];
        r = load_extended(loader, f->path);
        f->extended = r > 0;
    }
    for (size_t i = 0; i < loader->shipped_paths.n && r >= 0; i++)
        if (!loader->shipped_paths.files[i].extended)
            r = load_template(loader, loader->shipped_paths.files[i].path);
    return PFS_MIN(r, 0);
}

static int load_folders(struct loader *loader, const struct pfs_library_source *source)
{
    int r = each_template(source->site, add_found, &loader->site_paths);
    if (r == 0)
        r = each_template(source->shipped, add_found, &loader->shipped_paths);
    if (r == 0)
        r = read_site(loader);
    return r < 0 ? r : read_shipped(loader);
}

int pfs_library_read(struct pfs_library *l, const struct pfs_library_source *source,
                     const struct pfs_library *previous, struct pfs_xml_schema *schema)
{
    struct loader loader = {.lib = l, .previous = previous, .schema = schema};
    int r = load_folders(&loader, source);
    free_paths(&loader.site_paths);
    free_paths(&loader.shipped_paths);
    return r;
}

#include "base/map.h"
#include "base/near.h"
#include "render/library_impl.h"
#include "render/xml.h"

#include <ctype.h>
#include <errno.h>

/* ---- indexes ---- */

/* Whether the site says this of a model: in a template of its own, or as a change to a shipped one. */
static bool is_site(struct pfs_library *l, const struct pfs_model *m)
{
    for (size_t i = 0; i < l->n_site; i++)
        if (l->templates[i] == m->tmpl)
            return true;
    return pfs_line_source(m->line) > 0;
}

/* Two claim one thing: the first has it. That a site's template comes before a shipped one is no problem. */
static int claim_twice(struct pfs_library *l, const struct pfs_model *first, const struct pfs_model *second,
                       const char *what, const char *name)
{
    struct pfs_err text;
    if (is_site(l, first) && !is_site(l, second))
        return 0;
    pfs_err_set(&text, EEXIST, "%s:%u: the %s %s is claimed by %s too, which comes first and has it",
                second->tmpl->sources[pfs_line_source(second->line)], pfs_line_number(second->line), what,
                name, first->tmpl->sources[pfs_line_source(first->line)]);
    return pfs_library_add_problem(l, text.msg);
}

static int index_model(struct pfs_library *l, const struct pfs_model *m)
{
    struct pfs_map *models = &l->models;
    const struct pfs_model *first = pfs_map_get(models, m->name, strlen(m->name));
    if (first)
        return claim_twice(l, first, m, "model", m->name);
    return pfs_map_put(models, m->name, strlen(m->name), (void *)m, NULL);
}

static size_t lower_case(const char *name, char out[PFS_FILE_NAME_MAX + 1])
{
    size_t i = 0;
    for (; name[i] && i < PFS_FILE_NAME_MAX; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    out[i] = '\0';
    return i;
}

/* What the folders map points to: whose folder it is first, and whether names with a MAC stand in it. */
struct folder {
    const struct pfs_file *file;
    bool devices;
};

static int index_common_name(struct pfs_library *l, const struct pfs_file *f, const struct pfs_pattern *p)
{
    char name[PFS_FILE_NAME_MAX + 1];
    size_t len = lower_case(p->text, name);
    const struct pfs_file *first = pfs_map_get(&l->common, name, len);
    if (first)
        return first->spec == f->spec ? 0 : claim_twice(l, first->model, f->model, "file", p->text);
    const struct folder *folder = pfs_map_get(&l->folders, name, len);
    if (folder && claim_twice(l, folder->file->model, f->model, "file", p->text) < 0)
        return -ENOMEM;
    return pfs_map_put(&l->common, name, len, (void *)f, NULL);
}

static int add_pattern(struct pfs_library *l, const struct pfs_pattern *p, size_t *cap)
{
    for (size_t i = 0; i < l->n_patterns; i++)
        if (strcmp(l->patterns[i]->shape, p->shape) == 0)
            return 0;
    if (l->n_patterns == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        const struct pfs_pattern **more = realloc(l->patterns, *cap * sizeof(void *));
        if (!more)
            return -ENOMEM;
        l->patterns = more;
        char *ends = realloc(l->ends, *cap);
        if (!ends)
            return -ENOMEM;
        l->ends = ends;
    }
    l->ends[l->n_patterns] = pfs_pattern_end(p);
    l->patterns[l->n_patterns++] = p;
    return 0;
}

static int index_folder(struct pfs_library *l, const struct pfs_file *f, const char *path, size_t len,
                        bool devices)
{
    struct folder *folder = pfs_map_get(&l->folders, path, len);
    const struct pfs_file *file = pfs_map_get(&l->common, path, len);
    if (file && claim_twice(l, file->model, f->model, "folder", f->name.text) < 0)
        return -ENOMEM;
    if (!folder) {
        folder = pfs_arena_alloc(&l->arena, sizeof *folder);
        if (!folder || pfs_map_put(&l->folders, path, len, folder, NULL) < 0)
            return -ENOMEM;
        folder->file = f;
    }
    folder->devices |= devices;
    return 0;
}

/* Each folder of the name, up to the first that has a MAC. */
static int index_folders(struct pfs_library *l, const struct pfs_file *f, const struct pfs_pattern *p)
{
    int r = 0;
    for (const char *slash = p->shape; r == 0 && (slash = strchr(slash, '/')); slash++) {
        if (memchr(p->shape, '{', (size_t)(slash - p->shape)))
            break;
        bool devices = strcspn(slash + 1, "{") < strcspn(slash + 1, "/");
        r = index_folder(l, f, p->shape, (size_t)(slash - p->shape), devices);
    }
    return r;
}

static int index_name(struct pfs_library *l, const struct pfs_file *f, const struct pfs_pattern *p,
                      size_t *cap)
{
    int r = f->spec->per == PFS_PER_DEVICE ? add_pattern(l, p, cap) : index_common_name(l, f, p);
    return r < 0 ? r : index_folders(l, f, p);
}

static int index_file(struct pfs_library *l, const struct pfs_file *f, size_t *cap)
{
    int r = index_name(l, f, &f->name, cap);
    for (size_t i = 0; i < f->n_aliases && r == 0; i++)
        r = index_name(l, f, &f->aliases[i], cap);
    return r;
}

static int build_indexes(struct pfs_library *l)
{
    size_t cap = 0;
    int r = pfs_pattern_parse("{mac}.cfg", &l->mac_cfg, NULL);
    if (r == 0)
        r = add_pattern(l, &l->mac_cfg, &cap);
    for (size_t i = 0; i < l->n_templates; i++)
        for (size_t j = 0; j < l->templates[i]->n_models && r == 0; j++) {
            const struct pfs_model *m = &l->templates[i]->models[j];
            r = index_model(l, m);
            if (r < 0 || pfs_library_model(l, m->name) != m)
                continue;
            for (size_t k = 0; k < m->n_files && r == 0; k++)
                r = index_file(l, &m->files[k], &cap);
            for (size_t k = 0; k < m->n_absent && r == 0; k++)
                r = m->absent[k].has_mac ? add_pattern(l, &m->absent[k], &cap) : 0;
        }
    return r;
}

static int load(struct pfs_library *l, const struct pfs_library_source *source,
                const struct pfs_library *previous, struct pfs_err *err)
{
    struct pfs_xml_schema *schema = NULL;
    l->fingerprint = pfs_library_fingerprint(source);
    l->templates = calloc(PFS_TEMPLATES_MAX, sizeof(void *));
    l->problems = pfs_arena_alloc(&l->arena, PFS_PROBLEMS_MAX * sizeof(char *));
    if (!l->templates || !l->problems || pfs_zones_new(&l->zones) < 0)
        return pfs_err_nomem(err);
    int r = source->schema ? pfs_xml_schema_load(source->schema, &schema, err) : 0;
    if (r < 0)
        return r;
    r = pfs_library_read(l, source, previous, schema);
    pfs_xml_schema_free(schema);
    if (r < 0 && r != -ENOMEM)
        return pfs_err_sys(err, -r, "reading the folders of templates");
    if (r == 0)
        r = build_indexes(l);
    return r < 0 ? pfs_err_nomem(err) : 0;
}

int pfs_library_load(const struct pfs_library_source *source, const struct pfs_catalogue *c,
                     const struct pfs_library *previous, struct pfs_library **ret, struct pfs_err *err)
{
    struct pfs_library *l = calloc(1, sizeof *l);
    if (!l)
        return pfs_err_nomem(err);
    l->refs = 1;
    l->catalogue = c;
    int r = load(l, source, previous, err);
    if (r < 0) {
        pfs_library_unref(l);
        return r;
    }
    *ret = l;
    return 0;
}

struct pfs_library *pfs_library_ref(struct pfs_library *l)
{
    __atomic_add_fetch(&l->refs, 1, __ATOMIC_RELAXED);
    return l;
}

void pfs_library_unref(struct pfs_library *l)
{
    if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < l->n_templates; i++)
        pfs_template_unref(l->templates[i]);
    free(l->templates);
    free(l->patterns);
    free(l->ends);
    pfs_pattern_done(&l->mac_cfg);
    pfs_map_done(&l->models);
    pfs_map_done(&l->common);
    pfs_map_done(&l->folders);
    pfs_zones_free(l->zones);
    pfs_arena_done(&l->arena);
    free(l);
}

/* ---- asking ---- */

const struct pfs_model *pfs_library_model(const struct pfs_library *l, const char *name)
{
    return pfs_map_get(&l->models, name, strlen(name));
}

int pfs_library_find_model(const struct pfs_library *l, const char *name, const struct pfs_model **ret,
                           struct pfs_err *err)
{
    const struct pfs_model *found = pfs_library_model(l, name);
    if (found) {
        *ret = found;
        return 0;
    }
    const char *near = NULL;
    unsigned best = pfs_near_limit(strlen(name));
    for (const struct pfs_map_entry *e = pfs_map_next(&l->models, NULL); e; e = pfs_map_next(&l->models, e)) {
        unsigned d = pfs_near_distance(name, e->key);
        if (d < best || (d == best && (!near || strcmp(e->key, near) < 0))) {
            best = d;
            near = e->key;
        }
    }
    if (near)
        return pfs_err_set(err, ENOENT, "no such model: %s (did you mean %s?)", name, near);
    return pfs_err_set(err, ENOENT, "no such model: %s (provfs list models shows them)", name);
}

bool pfs_library_has_vendor(const struct pfs_library *l, const char *vendor, size_t len)
{
    for (size_t i = 0; i < l->n_templates; i++)
        if (strlen(l->templates[i]->vendor) == len && memcmp(l->templates[i]->vendor, vendor, len) == 0)
            return true;
    return false;
}

bool pfs_library_vendor_has_mac(const struct pfs_library *l, const char *vendor, uint64_t mac)
{
    for (size_t i = 0; i < l->n_templates; i++)
        if (strcmp(l->templates[i]->vendor, vendor) == 0 && pfs_template_has_mac(l->templates[i], mac))
            return true;
    return false;
}

/* Whether a template before number n has the same vendor and the MAC too. */
static bool is_named_before(const struct pfs_library *l, size_t n, uint64_t mac)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(l->templates[i]->vendor, l->templates[n]->vendor) == 0 &&
            pfs_template_has_mac(l->templates[i], mac))
            return true;
    return false;
}

const char *pfs_library_vendors(const struct pfs_library *l, uint64_t mac, char out[static PFS_VENDORS_STR])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < l->n_templates; i++) {
        const char *vendor = l->templates[i]->vendor;
        if (!pfs_template_has_mac(l->templates[i], mac) || is_named_before(l, i, mac) ||
            used + strlen(vendor) + 2 > PFS_VENDORS_STR)
            continue;
        used += (size_t)snprintf(out + used, PFS_VENDORS_STR - used, "%s%s", used ? " " : "", vendor);
    }
    return out;
}

const struct pfs_file *pfs_library_common(const struct pfs_library *l, const char *name)
{
    char lower[PFS_FILE_NAME_MAX + 1];
    size_t len = lower_case(name, lower);
    return name[len] ? NULL : pfs_map_get(&l->common, lower, len);
}

/* The MACs that the patterns tell of a path, each once; how many. A path can be read in few ways. */
enum { READINGS_MAX = 8 };

static size_t find_macs(const struct pfs_library *l, const char *path, bool folder,
                        uint64_t macs[READINGS_MAX])
{
    size_t n = 0;
    char end = pfs_name_end(path);
    for (size_t i = 0; i < l->n_patterns && n < READINGS_MAX; i++) {
        uint64_t mac;
        bool has_mac = true;
        if (!folder && l->ends[i] && l->ends[i] != end)
            continue;
        if (folder ? !pfs_pattern_is_below(l->patterns[i], path, &mac, &has_mac) || !has_mac
                   : !pfs_pattern_match(l->patterns[i], path, &mac))
            continue;
        size_t j = 0;
        while (j < n && macs[j] != mac)
            j++;
        if (j == n)
            macs[n++] = mac;
    }
    return n;
}

int pfs_library_macs(const struct pfs_library *l, const char *name, int (*fn)(void *arg, uint64_t mac),
                     void *arg)
{
    uint64_t macs[READINGS_MAX];
    size_t n = find_macs(l, name, false, macs);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = fn(arg, macs[i]);
    return r;
}

int pfs_library_folder_macs(const struct pfs_library *l, const char *path, int (*fn)(void *arg, uint64_t mac),
                            void *arg)
{
    uint64_t macs[READINGS_MAX];
    size_t n = find_macs(l, path, true, macs);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = fn(arg, macs[i]);
    return r;
}

bool pfs_library_folder(const struct pfs_library *l, const char *path, bool *ret_devices)
{
    char lower[PFS_FILE_NAME_MAX + 1];
    size_t len = lower_case(path, lower);
    *ret_devices = true;
    if (len == 0)
        return true;
    const struct folder *folder = path[len] ? NULL : pfs_map_get(&l->folders, lower, len);
    *ret_devices = folder && folder->devices;
    return folder != NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct pfs_model *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

int pfs_library_models(const struct pfs_library *l, int (*fn)(void *arg, const struct pfs_model *m),
                       void *arg)
{
    autofree const struct pfs_model **models = calloc(l->models.n + 1, sizeof *models);
    if (!models)
        return -ENOMEM;
    size_t n = 0;
    for (const struct pfs_map_entry *e = pfs_map_next(&l->models, NULL); e; e = pfs_map_next(&l->models, e))
        models[n++] = e->value;
    qsort(models, n, sizeof *models, by_name);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = fn(arg, models[i]);
    return r;
}

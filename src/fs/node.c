#include "fs/node.h"
#include "base/lru.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct node {
    uint64_t id, lookups;
    enum pfs_node_kind kind;
    struct pfs_version *version; /* FILE */
    char *path;                  /* FOLDER, CONTROL; `key` is the kind's letter and the path */
    char *key;
    struct pfs_folder folder; /* FOLDER */
    uint64_t parent;          /* FILE, FOLDER: where and under which name it was looked up last */
    char *name;
    struct node *newer, *older; /* these, in order of the last look-up */
    bool kept;                  /* the kernel keeps the name */
    uint64_t mac;               /* kept, of this device; 0: of none */
    struct node *next_of_device;
};

struct pfs_nodes {
    pthread_mutex_t lock;
    struct pfs_map by_id;
    struct pfs_map paths;   /* key to node */
    struct pfs_map devices; /* MAC to the first of its nodes whose names are kept */
    struct node *newest, *oldest;
};

int pfs_nodes_new(struct pfs_nodes **ret)
{
    struct pfs_nodes *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    *ret = t;
    return 0;
}

static void free_node(struct node *n)
{
    pfs_version_unref(n->version);
    free(n->key);
    free(n->folder.assets);
    free(n->name);
    free(n);
}

void pfs_nodes_free(struct pfs_nodes *t)
{
    if (!t)
        return;
    for (struct pfs_map_entry *e = pfs_map_next(&t->by_id, NULL); e; e = pfs_map_next(&t->by_id, e))
        free_node(e->value);
    pfs_map_done(&t->by_id);
    pfs_map_done(&t->paths);
    pfs_map_done(&t->devices);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void pfs_node_done(struct pfs_node *n)
{
    pfs_version_unref(n->version);
    free(n->path);
    free(n->folder.assets);
    *n = (struct pfs_node){0};
}

/* ---- with the lock ---- */

static struct node *add_node(struct pfs_nodes *t, uint64_t id)
{
    struct node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->id = id;
    if (pfs_map_put_u64(&t->by_id, id, n) < 0) {
        free(n);
        return NULL;
    }
    return n;
}

/* Remembers the name asked last. */
static int set_name(struct node *n, uint64_t parent, const char *name)
{
    if (n->kept)
        return 0;
    n->parent = parent;
    if (n->name && strcmp(n->name, name) == 0)
        return 0;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    free(n->name);
    n->name = copy;
    return 0;
}

/* Takes a node out of its device's. */
static void unlink_of_device(struct pfs_nodes *t, struct node *n)
{
    struct node *first = n->mac ? pfs_map_get_u64(&t->devices, n->mac) : NULL;
    if (first == n && n->next_of_device)
        pfs_map_put_u64(&t->devices, n->mac, n->next_of_device); /* replaces: takes no memory */
    else if (first == n)
        pfs_map_remove_u64(&t->devices, n->mac);
    for (struct node *at = first; at && first != n; at = at->next_of_device)
        if (at->next_of_device == n)
            at->next_of_device = n->next_of_device;
    n->mac = 0;
    n->next_of_device = NULL;
}

static int link_of_device(struct pfs_nodes *t, struct node *n, uint64_t mac)
{
    struct node *first = pfs_map_get_u64(&t->devices, mac);
    if (pfs_map_put_u64(&t->devices, mac, n) < 0)
        return -ENOMEM;
    n->mac = mac;
    n->next_of_device = first;
    return 0;
}

/* The kernel keeps one node under a name: the newest. */
static void unlink_older(struct pfs_nodes *t, const struct node *n)
{
    for (struct node *at = n->next_of_device, *next; at; at = next) {
        next = at->next_of_device;
        if (at->parent == n->parent && strcmp(at->name, n->name) == 0)
            unlink_of_device(t, at);
    }
}

static int keep(struct pfs_nodes *t, uint64_t id, uint64_t parent, const char *name, uint64_t mac)
{
    struct node *n = pfs_map_get_u64(&t->by_id, id);
    if (!n)
        return -ESTALE;
    if (n->kept && n->mac == mac && n->parent == parent && strcmp(n->name, name) == 0)
        return 0;
    n->kept = false;
    if (set_name(n, parent, name) < 0)
        return -ENOMEM;
    if (n->mac)
        unlink_of_device(t, n);
    if (mac && link_of_device(t, n, mac) < 0)
        return -ENOMEM;
    unlink_older(t, n);
    n->kept = true;
    return 0;
}

/* Counts a look-up under this name. */
static int take(struct pfs_nodes *t, struct node *n, uint64_t parent, const char *name)
{
    bool is_new = !n->name;
    if (set_name(n, parent, name) < 0 && is_new)
        return -ENOMEM;
    n->lookups++;
    if (is_new)
        pfs_lru_add(t, n);
    else
        pfs_lru_use(t, n);
    return 0;
}

static int take_file(struct pfs_nodes *t, struct pfs_version *v, uint64_t parent, const char *name)
{
    struct node *n = pfs_map_get_u64(&t->by_id, v->id);
    if (!n) {
        n = add_node(t, v->id);
        if (!n)
            return -ENOMEM;
        n->kind = PFS_NODE_FILE;
        n->version = pfs_version_ref(v);
    }
    if (take(t, n, parent, name) < 0) {
        pfs_map_remove_u64(&t->by_id, v->id);
        free_node(n);
        return -ENOMEM;
    }
    return 0;
}

static int add_path(struct pfs_nodes *t, enum pfs_node_kind kind, const char *key, uint64_t id,
                    struct node **ret)
{
    struct node *n = add_node(t, id);
    if (!n)
        return -ENOMEM;
    n->kind = kind;
    n->key = strdup(key);
    if (!n->key || pfs_map_put(&t->paths, key, strlen(key), n, NULL) < 0) {
        pfs_map_remove_u64(&t->by_id, id);
        free_node(n);
        return -ENOMEM;
    }
    n->path = n->key + 1;
    *ret = n;
    return 0;
}

/* Owned by the caller. */
static char *path_key(enum pfs_node_kind kind, const char *path)
{
    char *key;
    return asprintf(&key, "%c%s", kind == PFS_NODE_CONTROL ? 'c' : 'a', path) < 0 ? NULL : key;
}

/* The node of this path, made where there is none. */
static int find_path(struct pfs_nodes *t, enum pfs_node_kind kind, const char *path, uint64_t new_id,
                     struct node **ret)
{
    autofree char *key = path_key(kind, path);
    if (!key)
        return -ENOMEM;
    *ret = pfs_map_get(&t->paths, key, strlen(key));
    return *ret ? 0 : add_path(t, kind, key, new_id, ret);
}

static void drop_node(struct pfs_nodes *t, struct node *n)
{
    pfs_map_remove(&t->paths, n->key, strlen(n->key));
    pfs_map_remove_u64(&t->by_id, n->id);
    free_node(n);
}

static int take_folder(struct pfs_nodes *t, const char *path, const struct pfs_folder *f, uint64_t parent,
                       const char *name, uint64_t new_id, uint64_t *ret_id)
{
    struct node *n;
    char *assets = f->assets ? strdup(f->assets) : NULL;
    if ((f->assets && !assets) || find_path(t, PFS_NODE_FOLDER, path, new_id, &n) < 0) {
        free(assets);
        return -ENOMEM;
    }
    free(n->folder.assets);
    n->folder = *f;
    n->folder.assets = assets;
    if (take(t, n, parent, name) < 0) {
        drop_node(t, n);
        return -ENOMEM;
    }
    *ret_id = n->id;
    return 0;
}

static int take_control(struct pfs_nodes *t, const char *path, uint64_t new_id, uint64_t *ret_id)
{
    struct node *n;
    if (find_path(t, PFS_NODE_CONTROL, path, new_id, &n) < 0)
        return -ENOMEM;
    n->lookups++;
    *ret_id = n->id;
    return 0;
}

/* Unless another node has the path by now. */
static void release_path(struct pfs_nodes *t, const struct node *n)
{
    if (pfs_map_get(&t->paths, n->key, strlen(n->key)) == n)
        pfs_map_remove(&t->paths, n->key, strlen(n->key));
}

static struct node *forget(struct pfs_nodes *t, uint64_t id, uint64_t count)
{
    struct node *n = pfs_map_get_u64(&t->by_id, id);
    if (!n)
        return NULL;
    n->lookups -= PFS_MIN(n->lookups, count);
    if (n->lookups > 0)
        return NULL;
    pfs_map_remove_u64(&t->by_id, id);
    unlink_of_device(t, n);
    if (n->path)
        release_path(t, n);
    if (n->name)
        pfs_lru_remove(t, n);
    return n;
}

static int get(struct pfs_nodes *t, uint64_t id, struct pfs_node *ret)
{
    const struct node *n = pfs_map_get_u64(&t->by_id, id);
    if (!n)
        return -ESTALE;
    *ret = (struct pfs_node){.kind = n->kind, .id = id, .folder = n->folder};
    ret->folder.assets = n->folder.assets ? strdup(n->folder.assets) : NULL;
    ret->path = n->path ? strdup(n->path) : NULL;
    if ((n->path && !ret->path) || (n->folder.assets && !ret->folder.assets)) {
        pfs_node_done(ret);
        return -ENOMEM;
    }
    if (n->version)
        ret->version = pfs_version_ref(n->version);
    return 0;
}

/* ---- the same, locked ---- */

int pfs_nodes_take_file(struct pfs_nodes *t, struct pfs_version *v, uint64_t parent, const char *name)
{
    pthread_mutex_lock(&t->lock);
    int r = take_file(t, v, parent, name);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int pfs_nodes_take_folder(struct pfs_nodes *t, const char *path, const struct pfs_folder *f, uint64_t parent,
                          const char *name, uint64_t new_id, uint64_t *ret_id)
{
    pthread_mutex_lock(&t->lock);
    int r = take_folder(t, path, f, parent, name, new_id, ret_id);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int pfs_nodes_take_control(struct pfs_nodes *t, const char *path, uint64_t new_id, uint64_t *ret_id)
{
    pthread_mutex_lock(&t->lock);
    int r = take_control(t, path, new_id, ret_id);
    pthread_mutex_unlock(&t->lock);
    return r;
}

void pfs_nodes_release_control(struct pfs_nodes *t, const char *path)
{
    autofree char *key = path_key(PFS_NODE_CONTROL, path);
    if (!key)
        return;
    pthread_mutex_lock(&t->lock);
    pfs_map_remove(&t->paths, key, strlen(key));
    pthread_mutex_unlock(&t->lock);
}

void pfs_nodes_forget(struct pfs_nodes *t, uint64_t id, uint64_t n)
{
    pthread_mutex_lock(&t->lock);
    struct node *gone = forget(t, id, n);
    pthread_mutex_unlock(&t->lock);
    if (gone)
        free_node(gone);
}

int pfs_nodes_get(struct pfs_nodes *t, uint64_t id, struct pfs_node *ret)
{
    if (id == 1) {
        *ret = (struct pfs_node){.kind = PFS_NODE_ROOT, .id = 1};
        return 0;
    }
    pthread_mutex_lock(&t->lock);
    int r = get(t, id, ret);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int pfs_nodes_keep(struct pfs_nodes *t, uint64_t id, uint64_t parent, const char *name, uint64_t mac)
{
    pthread_mutex_lock(&t->lock);
    int r = keep(t, id, parent, name, mac);
    pthread_mutex_unlock(&t->lock);
    return r;
}

size_t pfs_nodes_of_device(struct pfs_nodes *t, uint64_t mac, struct pfs_node_name *names, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&t->lock);
    for (const struct node *at = pfs_map_get_u64(&t->devices, mac); at && n < max; at = at->next_of_device) {
        char *copy = strdup(at->name);
        if (copy)
            names[n++] = (struct pfs_node_name){.parent = at->parent, .name = copy};
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

size_t pfs_nodes_count(struct pfs_nodes *t)
{
    pthread_mutex_lock(&t->lock);
    size_t n = t->by_id.n;
    pthread_mutex_unlock(&t->lock);
    return n;
}

size_t pfs_nodes_oldest(struct pfs_nodes *t, struct pfs_node_name *names, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&t->lock);
    while (n < max && t->oldest && n < t->by_id.n) {
        struct node *node = t->oldest;
        char *copy = strdup(node->name);
        if (!copy)
            break;
        names[n++] = (struct pfs_node_name){.parent = node->parent, .name = copy};
        pfs_lru_use(t, node);
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

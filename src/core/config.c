#include "core/config.h"

#include <errno.h>
#include <string.h>

#ifndef PFS_DATADIR
#define PFS_DATADIR "/usr/share/provfs"
#endif

enum { LINE_MAX_BYTES = 4096 };

int pfs_config_set(char **field, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

void pfs_config_done(struct pfs_config *c)
{
    free(c->database);
    free(c->templates);
    free(c->assets);
    free(c->admin_group);
    free(c->datadir);
    *c = (struct pfs_config){0};
}

struct field {
    const char *key; /* NULL: not in the file */
    const char *environment;
    const char *built_in;
    char **where;
};

enum { N_CONFIG_FIELDS = 5 };

static void fields_of(struct pfs_config *c, struct field out[static N_CONFIG_FIELDS])
{
    const struct field fields[N_CONFIG_FIELDS] = {
        {"database", "PROVFS_DATABASE", "/var/lib/provfs/inventory.db", &c->database},
        {"templates", "PROVFS_TEMPLATES", "/etc/provfs/templates", &c->templates},
        {"assets", "PROVFS_ASSETS", "/srv/provfs/assets", &c->assets},
        {"admin_group", "PROVFS_ADMIN_GROUP", "provfs", &c->admin_group},
        {NULL, "PROVFS_DATADIR", PFS_DATADIR, &c->datadir},
    };
    memcpy(out, fields, sizeof fields);
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r\n", s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int take_line(const struct field *fields, char *line, struct pfs_err *err)
{
    char *text = trim(line);
    if (*text == '\0' || *text == '#')
        return 0;
    char *equals = strchr(text, '=');
    if (!equals)
        return pfs_err_set(err, EINVAL, "not KEY=VALUE");
    *equals = '\0';
    const char *key = trim(text);
    for (int i = 0; i < N_CONFIG_FIELDS; i++)
        if (fields[i].key && strcmp(fields[i].key, key) == 0)
            return pfs_config_set(fields[i].where, trim(equals + 1)) < 0 ? pfs_err_nomem(err) : 0;
    return pfs_err_set(err, EINVAL, "no such key: %s (there are database, templates, assets, admin_group)",
                       key);
}

static int read_file(const struct field *fields, const char *path, struct pfs_err *err)
{
    autofile FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? 0 : pfs_err_sys(err, errno, path);
    char line[LINE_MAX_BYTES];
    for (unsigned n = 1; fgets(line, sizeof line, f); n++) {
        int r = strlen(line) + 1 < sizeof line ? take_line(fields, line, err)
                                               : pfs_err_set(err, EINVAL, "too long a line");
        if (r < 0) {
            pfs_err_prefix(err, "%s:%u", path, n);
            return r;
        }
    }
    return ferror(f) ? pfs_err_sys(err, errno ? errno : EIO, path) : 0;
}

static int set_all(const struct field *fields, bool built_in, struct pfs_err *err)
{
    for (int i = 0; i < N_CONFIG_FIELDS; i++) {
        const char *value = built_in ? fields[i].built_in : getenv(fields[i].environment);
        if (value && pfs_config_set(fields[i].where, value) < 0)
            return pfs_err_nomem(err);
    }
    return 0;
}

int pfs_config_load(struct pfs_config *ret, struct pfs_err *err)
{
    struct pfs_config c = {0};
    struct field fields[N_CONFIG_FIELDS];
    fields_of(&c, fields);
    const char *path = getenv("PROVFS_CONF");
    int r = set_all(fields, true, err);
    if (r == 0)
        r = read_file(fields, path && *path ? path : "/etc/provfs/provfs.conf", err);
    if (r == 0)
        r = set_all(fields, false, err);
    if (r < 0) {
        pfs_config_done(&c);
        return r;
    }
    *ret = c;
    return 0;
}

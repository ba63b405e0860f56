#include "core/context.h"

#include "render/catalogue_xml.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

enum { PATH_BYTES = 4096, PASSWD_BYTES = 4096 };

static int path_in(char *out, const char *folder, const char *name, struct pfs_err *err)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return n < PATH_BYTES ? 0 : pfs_err_set(err, ENAMETOOLONG, "%s: too long a path", folder);
}

static int load_library(struct pfs_context *c, struct pfs_err *err)
{
    char shipped[PATH_BYTES], schema[PATH_BYTES];
    int r = path_in(shipped, c->config->datadir, "templates", err);
    if (r == 0)
        r = path_in(schema, c->config->datadir, "schema/template.rng", err);
    if (r < 0)
        return r;
    struct pfs_library_source source = {.site = c->config->templates, .shipped = shipped, .schema = schema};
    return pfs_library_load(&source, c->catalogue, NULL, &c->library, err);
}

int pfs_context_open(const struct pfs_config *config, struct pfs_context *ret, struct pfs_err *err)
{
    struct pfs_context c = {.config = config, .via = "command"};
    char path[PATH_BYTES];
    int r = path_in(path, config->datadir, "schema/settings.xml", err);
    if (r == 0)
        r = pfs_catalogue_load(path, &c.catalogue, err);
    if (r == 0)
        r = load_library(&c, err);
    if (r == 0 && (pfs_resolver_new(c.catalogue, &c.resolver) < 0 || pfs_plans_new(0, &c.plans) < 0))
        r = pfs_err_nomem(err);
    if (r < 0) {
        pfs_context_close(&c);
        return r;
    }
    pfs_context_login(c.login, sizeof c.login);
    *ret = c;
    return 0;
}

int pfs_context_open_store(struct pfs_context *c, struct pfs_err *err)
{
    return pfs_store_open(c->config->database, c->catalogue, &c->store, err);
}

void pfs_context_close(struct pfs_context *c)
{
    if (c->store)
        pfs_store_close(c->store);
    if (c->resolver)
        pfs_resolver_free(c->resolver);
    pfs_plans_free(c->plans);
    if (c->library)
        pfs_library_unref(c->library);
    pfs_catalogue_free(c->catalogue);
    *c = (struct pfs_context){0};
}

/* ---- who is at the keyboard ---- */

/* Digits, to the end or a line end; (uid_t)-1 is nobody. */
static bool parse_uid(const char *text, uid_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long uid = strtoul(text, &end, 10);
    if (errno != 0 || (*end && *end != '\n') || uid >= (uid_t)-1)
        return false;
    *ret = (uid_t)uid;
    return true;
}

/* The login's user, which su and sudo leave as it is; absent in containers and for daemons. */
static bool read_loginuid(uid_t *ret)
{
    autofile FILE *f = fopen("/proc/self/loginuid", "re");
    char text[32];
    return f && fgets(text, sizeof text, f) && parse_uid(text, ret);
}

static bool read_sudo_uid(uid_t *ret)
{
    const char *text = getenv("SUDO_UID");
    return text && parse_uid(text, ret);
}

void pfs_context_login(char *out, size_t size)
{
    uid_t uid;
    if (!read_loginuid(&uid) && !(geteuid() == 0 && read_sudo_uid(&uid)))
        uid = getuid();
    struct passwd entry, *found = NULL;
    char buffer[PASSWD_BYTES];
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found)
        snprintf(out, size, "%s", found->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)uid);
}

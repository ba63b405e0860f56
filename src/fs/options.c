#include "fs/options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

enum { KEY_IGNORE = 1, KEY_READ_ONLY, KEY_READ_WRITE };

#define TEXT(name, field)                                                                                    \
    {                                                                                                        \
        name "=%s", offsetof(struct pfs_mount_options, field), 0                                             \
    }
#define NUMBER(name, field)                                                                                  \
    {                                                                                                        \
        name "=%d", offsetof(struct pfs_mount_options, field), 0                                             \
    }

static const struct fuse_opt spec[] = {
    TEXT("assets", assets),
    TEXT("templates", templates),
    TEXT("view", view),
    TEXT("check", check),
    TEXT("secrets", secrets),
    TEXT("uid", uid),
    TEXT("gid", gid),
    TEXT("admin_gid", admin_gid),
    NUMBER("threads", threads),
    NUMBER("cache_mb", cache_mb),
    NUMBER("plans_mb", plans_mb),
    NUMBER("names", names),
    {"-f", offsetof(struct pfs_mount_options, foreground), 1},
    {"-d", offsetof(struct pfs_mount_options, debug), 1},
    FUSE_OPT_KEY("ro", KEY_READ_ONLY),
    FUSE_OPT_KEY("rw", KEY_READ_WRITE),
    /* of fstab, for mount(8) and systemd alone */
    FUSE_OPT_KEY("nofail", KEY_IGNORE),
    FUSE_OPT_KEY("noauto", KEY_IGNORE),
    FUSE_OPT_KEY("auto", KEY_IGNORE),
    FUSE_OPT_KEY("user", KEY_IGNORE),
    FUSE_OPT_KEY("users", KEY_IGNORE),
    FUSE_OPT_KEY("nouser", KEY_IGNORE),
    FUSE_OPT_KEY("_netdev", KEY_IGNORE),
    FUSE_OPT_KEY("defaults", KEY_IGNORE),
    FUSE_OPT_KEY("comment=", KEY_IGNORE),
    FUSE_OPT_KEY("x-", KEY_IGNORE),
    FUSE_OPT_END,
};

static int take_word(struct pfs_mount_options *o, const char *word)
{
    if (o->n_words >= PFS_N_ELEMENTS(o->words)) {
        o->n_words = PFS_N_ELEMENTS(o->words) + 1;
        return 0;
    }
    o->words[o->n_words] = strdup(word);
    return o->words[o->n_words++] ? 0 : -1;
}

/* What libfuse takes besides: anything else is a mistake of the user's. */
static bool is_libfuse_option(const char *arg)
{
    static const char *const known[] = {"allow_other", "allow_root", "default_permissions",
                                        "fsname=",     "subtype=",   "max_read=",
                                        "dev",         "nodev",      "suid",
                                        "nosuid",      "exec",       "noexec",
                                        "atime",       "noatime",    "sync",
                                        "async",       "dirsync",    "auto_unmount",
                                        "context=",    "blkdev",     "nodiratime",
                                        "relatime",    "norelatime", "strictatime"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(known); i++) {
        size_t len = strlen(known[i]);
        bool prefix = known[i][len - 1] == '=';
        if (prefix ? strncmp(arg, known[i], len) == 0 : strcmp(arg, known[i]) == 0)
            return true;
    }
    return false;
}

static int take_argument(void *data, const char *arg, int key, struct fuse_args *out)
{
    struct pfs_mount_options *o = data;
    switch (key) {
    case KEY_IGNORE:
        return 0;
    case KEY_READ_ONLY:
        o->read_only = 1;
        return 1;
    case KEY_READ_WRITE:
        o->read_only = 0;
        return 0;
    case FUSE_OPT_KEY_NONOPT:
        return take_word(o, arg);
    default:
        if (is_libfuse_option(arg))
            return 1;
        fprintf(stderr, "provfs: unknown mount option \"%s\"\n", arg);
        return -1;
    }
}

/* Whether a word is one of the choices. NULL counts as the first. */
static int check_word(const char *option, const char *word, const char *const *choices, struct pfs_err *err)
{
    if (!word)
        return 0;
    for (; *choices; choices++)
        if (strcmp(*choices, word) == 0)
            return 0;
    return pfs_err_set(err, EINVAL, "%s=%s is not known here", option, word);
}

static int check_words(const struct pfs_mount_options *o, struct pfs_err *err)
{
    static const char *const views[] = {"all", "phones", "control", NULL};
    static const char *const checks[] = {"strict", "commit", NULL};
    static const char *const secrets[] = {"mask", "show", NULL};
    int r = check_word("view", o->view, views, err);
    if (r == 0)
        r = check_word("check", o->check, checks, err);
    if (r == 0 && o->check && strcmp(o->check, "commit") == 0 &&
        (!o->read_only || !o->view || strcmp(o->view, "phones") != 0))
        r = pfs_err_set(
            err, EINVAL,
            "check=commit is for mounts of ro,view=phones: others take writes, and must see them at once");
    if (r == 0)
        r = check_word("secrets", o->secrets, secrets, err);
    if (r == 0 && (o->threads < 0 || o->threads > 64))
        r = pfs_err_set(err, EINVAL, "threads is 1 to 64");
    if (r == 0 && (o->cache_mb < 0 || o->plans_mb < 0 || o->names < 0))
        r = pfs_err_set(err, EINVAL, "cache_mb, plans_mb and names are not negative");
    return r;
}

/* Absolute, as the daemon's working directory is the root. A database need not exist yet: the sentence about
 * that comes later. */
static int make_absolute(const char *path, char **ret, struct pfs_err *err)
{
    char here[PATH_MAX];
    if (path[0] == '/')
        *ret = strdup(path);
    else if (!getcwd(here, sizeof here))
        return pfs_err_sys(err, errno, "getcwd");
    else if (asprintf(ret, "%s/%s", here, path) < 0)
        *ret = NULL;
    return *ret ? 0 : pfs_err_nomem(err);
}

static int take_words(struct pfs_mount_options *o, struct pfs_err *err)
{
    if (o->n_words == 0 || o->n_words > PFS_N_ELEMENTS(o->words))
        return pfs_err_set(err, ENOEXEC, "usage: provfs mount [-f] [-o OPTIONS] [DATABASE] MOUNTPOINT");
    int r = make_absolute(o->words[o->n_words - 1], &o->mountpoint, err);
    if (r == 0 && o->n_words == 2)
        r = make_absolute(o->words[0], &o->database, err);
    return r;
}

int pfs_mount_options_parse(int argc, char **argv, struct pfs_mount_options *ret, struct pfs_err *err)
{
    *ret = (struct pfs_mount_options){.args = FUSE_ARGS_INIT(0, NULL)};
    int r = 0;
    for (int i = 0; i < argc && r == 0; i++)
        r = fuse_opt_add_arg(&ret->args, argv[i]);
    if (r == 0 && fuse_opt_parse(&ret->args, ret, spec, take_argument) < 0)
        r = pfs_err_set(err, ENOEXEC, "the mount options are wrong");
    else if (r < 0)
        r = pfs_err_nomem(err);
    if (r == 0)
        r = take_words(ret, err);
    if (r == 0)
        r = check_words(ret, err);
    return r;
}

void pfs_mount_options_done(struct pfs_mount_options *o)
{
    free(o->words[0]);
    free(o->words[1]);
    free(o->mountpoint);
    free(o->assets);
    free(o->templates);
    free(o->database);
    free(o->view);
    free(o->check);
    free(o->secrets);
    free(o->uid);
    free(o->gid);
    free(o->admin_gid);
    fuse_opt_free_args(&o->args);
}

static bool is_number(const char *text, unsigned *ret)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    *ret = (unsigned)n;
    return *text >= '0' && *text <= '9' && !*end && !errno && n < UINT_MAX;
}

int pfs_find_user(const char *text, uid_t *ret, struct pfs_err *err)
{
    const struct passwd *p;
    if (is_number(text, ret))
        return 0;
    if (!(p = getpwnam(text)))
        return pfs_err_set(err, EINVAL, "there is no user \"%s\"", text);
    *ret = p->pw_uid;
    return 0;
}

int pfs_find_group(const char *text, gid_t *ret, struct pfs_err *err)
{
    const struct group *g;
    if (is_number(text, ret))
        return 0;
    if (!(g = getgrnam(text)))
        return pfs_err_set(err, EINVAL, "there is no group \"%s\"", text);
    *ret = g->gr_gid;
    return 0;
}

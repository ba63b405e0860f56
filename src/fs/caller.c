/* Who is behind a request: from /proc, as FUSE tells only process, user and group. */
#include "fs/fs.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

/* The first line of /proc/PID/FILE. */
static bool read_proc(pid_t pid, const char *file, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    autofile FILE *f = fopen(path, "re");
    return f && fgets(out, (int)size, f);
}

/* SUDO_UID of a process's environment. */
static bool read_sudo_uid(pid_t pid, uid_t *ret)
{
    static const char name[] = "SUDO_UID=";
    char path[64];
    autofree char *word = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    autofile FILE *f = fopen(path, "re");
    while (f && getdelim(&word, &size, '\0', f) > 0) {
        char *end;
        if (strncmp(word, name, sizeof name - 1) != 0)
            continue;
        unsigned long id = strtoul(word + sizeof name - 1, &end, 10);
        *ret = (uid_t)id;
        return end > word + sizeof name - 1 && !*end && id < UINT32_MAX;
    }
    return false;
}

/* The audit's login uid, which follows a person through su and sudo; else, for root, SUDO_UID; else the user
 * itself. */
static uid_t login_uid(pid_t pid, uid_t uid)
{
    char text[32];
    uid_t sudo;
    unsigned long id = read_proc(pid, "loginuid", text, sizeof text) ? strtoul(text, NULL, 10) : UINT32_MAX;
    if (id != UINT32_MAX)
        return (uid_t)id;
    return uid == 0 && read_sudo_uid(pid, &sudo) ? sudo : uid;
}

void pfs_fs_login(pid_t pid, uid_t uid, char *out, size_t size)
{
    char buf[1024];
    struct passwd p, *found = NULL;
    uid_t login = login_uid(pid, uid);
    if (getpwuid_r(login, &p, buf, sizeof buf, &found) == 0 && found)
        snprintf(out, size, "%s", p.pw_name);
    else
        snprintf(out, size, "%u", login);
}

int64_t pfs_fs_process(pid_t pid)
{
    char path[64], line[128];
    long process = pid;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    autofile FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Tgid: %ld", &process) == 1)
            break;
    return process;
}

/* Field 9 of /proc/PID/stat, the task's flags; its second field is a name that may hold anything. */
bool pfs_fs_is_dying(pid_t pid)
{
    enum { PF_SIGNALED = 0x400 };
    char line[1024];
    unsigned long flags = 0;
    if (!read_proc(pid, "stat", line, sizeof line))
        return true; /* gone: nobody closes in order any more */
    const char *end = strrchr(line, ')');
    if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
        return true;
    return flags & PF_SIGNALED;
}

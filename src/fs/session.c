#include "fs/session.h"
#include "base/log.h"
#include "core/report.h"
#include "fs/ahead.h"
#include "fs/control.h"
#include "fs/keep.h"
#include "fs/notify.h"
#include "fs/options.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

enum { DEFAULT_NODES = 200000, MIN_THREADS = 2, DEFAULT_THREADS = 4, ANSWERS_AT_END = 30 /* of 10 ms */ };

/* One mount being run. */
struct mount {
    struct pfs_config *config;
    struct pfs_mount_options options;
    struct pfs_fs fs;
    struct fuse_session *session;
    int ready_fd; /* where the parent waits for word; -1: in the foreground */
};

/* ---- readiness ---- */

/* Tells systemd, where it asked (sd_notify(3)). */
static void notify_systemd(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path) + 1);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    static const char ready[] = "READY=1\nSTATUS=serving";
    if (fd >= 0 && sendto(fd, ready, sizeof ready - 1, 0, (struct sockaddr *)&to,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        pfs_log(PFS_LOG_WARNING, "systemd could not be told: %s", strerrordesc_np(errno));
}

static void leave_terminal(void)
{
    autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
}

/* The kernel's first request has come and is about to be answered: from here on everything asked is served.
 */
static void on_ready(void *arg)
{
    struct mount *m = arg;
    notify_systemd();
    if (m->ready_fd < 0) {
        pfs_log(PFS_LOG_INFO, "serving %s at %s", m->config->database, m->options.mountpoint);
        return;
    }
    pfs_log_to_syslog("provfs");
    leave_terminal();
    static const char done = 0;
    if (write(m->ready_fd, &done, 1) < 0)
        pfs_log(PFS_LOG_WARNING, "the starting process is gone: %s", strerrordesc_np(errno));
    close(steal_fd(&m->ready_fd));
}

/* ---- the mount point ---- */

/* The last word of mountinfo before " - " is of no interest; behind it stand type, source, options. */
static bool is_our_line(const char *line, const char *mountpoint)
{
    char at[4096];
    const char *dash = strstr(line, " - ");
    return dash && strncmp(dash + 3, "fuse.provfs ", 12) == 0 &&
           sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1 && strcmp(at, mountpoint) == 0;
}

static bool is_ours(const char *mountpoint)
{
    autofile FILE *f = fopen("/proc/self/mountinfo", "re");
    autofree char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (f && !found && getline(&line, &size, f) > 0)
        found = is_our_line(line, mountpoint);
    return found;
}

/* Whether the daemon of the mount is dead. stat() would not tell: the kernel answers it by itself. */
static bool is_dead(const char *mountpoint)
{
    struct statfs fs;
    return statfs(mountpoint, &fs) < 0 && errno == ENOTCONN;
}

/* Clears mounts of ours whose daemon is dead; refuses one that lives, and what is no folder. */
static int prepare_mountpoint(const char *mountpoint, struct pfs_err *err)
{
    struct stat st;
    while (is_dead(mountpoint) && is_ours(mountpoint)) {
        if (umount2(mountpoint, MNT_DETACH) < 0)
            return pfs_err_sys(err, errno, "cannot clear a dead mount");
        pfs_log(PFS_LOG_INFO, "cleared a dead mount at %s", mountpoint);
    }
    if (stat(mountpoint, &st) < 0)
        return pfs_err_sys(err, errno, mountpoint);
    if (is_ours(mountpoint))
        return pfs_err_set(err, EBUSY, "%s: is mounted already", mountpoint);
    return S_ISDIR(st.st_mode) ? 0 : pfs_err_set(err, ENOTDIR, "%s: is no folder", mountpoint);
}

/* ---- setting up ---- */

static int apply_options(struct mount *m, struct pfs_err *err)
{
    const struct pfs_mount_options *o = &m->options;
    struct pfs_config *c = m->config;
    struct pfs_err why;
    struct stat st;
    int r = 0;
    if (o->database)
        r = pfs_config_set(&c->database, o->database);
    if (r == 0 && o->assets && stat(o->assets, &st) < 0)
        return pfs_err_sys(err, errno, o->assets);
    if (r == 0 && o->assets)
        r = pfs_config_set(&c->assets, o->assets);
    if (r == 0 && o->templates)
        r = pfs_config_set(&c->templates, o->templates);
    if (r < 0)
        return pfs_err_nomem(err);
    if (o->uid && (r = pfs_find_user(o->uid, &m->fs.uid, err)) < 0)
        return r;
    if (o->gid && (r = pfs_find_group(o->gid, &m->fs.gid, err)) < 0)
        return r;
    if (o->admin_gid)
        return pfs_find_group(o->admin_gid, &m->fs.admin_gid, err);
    if (pfs_find_group(c->admin_group, &m->fs.admin_gid, &why) < 0)
        m->fs.admin_gid = 0; /* the configured group need not exist */
    return 0;
}

/* Relative paths of the configuration, made absolute before the daemon leaves the folder. */
static int absolute(char **path, struct pfs_err *err)
{
    char here[4096];
    if ((*path)[0] == '/')
        return 0;
    if (!getcwd(here, sizeof here))
        return pfs_err_sys(err, errno, "getcwd");
    autofree char *whole = NULL;
    if (asprintf(&whole, "%s/%s", here, *path) < 0 || pfs_config_set(path, whole) < 0)
        return pfs_err_nomem(err);
    return 0;
}

static int make_paths_absolute(struct pfs_config *c, struct pfs_err *err)
{
    char **paths[] = {&c->database, &c->templates, &c->assets, &c->datadir};
    int r = 0;
    for (size_t i = 0; i < PFS_N_ELEMENTS(paths) && r == 0; i++)
        r = absolute(paths[i], err);
    return r;
}

struct newest {
    int64_t time;
};

static int take_time(void *arg, const struct pfs_log_row *row)
{
    struct newest *n = arg;
    n->time = row->time;
    return 1;
}

/* When the inventory changed last, 0 where it never did. */
static int64_t newest_change(struct pfs_store *s)
{
    const struct pfs_log_filter newest_first = {.newest_first = true};
    struct newest n = {0};
    if (pfs_store_begin(s, NULL) < 0)
        return 0;
    pfs_store_log(s, &newest_first, take_time, &n, NULL);
    pfs_store_end(s);
    return n.time;
}

static int open_content(struct mount *m, struct pfs_err *err)
{
    struct pfs_fs *fs = &m->fs;
    struct pfs_err note = {""};
    const struct pfs_content_options o = {.cache_bytes = (size_t)m->options.cache_mb << 20,
                                          .entries = (size_t)m->options.names};
    int r = pfs_context_open(m->config, &fs->context, err);
    if (r == 0)
        r = pfs_context_open_store(&fs->context, err);
    if (r < 0)
        return r;
    if (m->options.plans_mb)
        pfs_plans_set_limit(fs->context.plans, (size_t)m->options.plans_mb << 20);
    r = pfs_state_open(m->config->database, m->fs.shows_phones, newest_change(fs->context.store), time(NULL),
                       &fs->state, &note);
    if (note.msg[0])
        pfs_log(PFS_LOG_WARNING, "%s", note.msg);
    else if (r == 0 && m->fs.shows_phones && !pfs_state_is_owner(fs->state))
        pfs_log(PFS_LOG_INFO, "another mount of this inventory keeps the times of the files");
    if (r < 0)
        return pfs_err_set(err, -r, "state: %s", pfs_err_text(&note, r));
    r = pfs_content_new(&fs->context, fs->state, &o, &fs->content, err);
    if (r == 0)
        r = pfs_assets_new(m->config->assets, fs->content, &fs->assets, err);
    return r;
}

static size_t count_nodes(void *arg)
{
    const struct pfs_fs *fs = arg;
    return pfs_nodes_count(fs->nodes);
}

static int open_fs(struct mount *m, struct pfs_err *err)
{
    struct pfs_fs *fs = &m->fs;
    const char *view = m->options.view;
    pthread_mutex_init(&fs->open_lock, NULL);
    fs->started = time(NULL);
    fs->max_nodes = m->options.names ? (size_t)m->options.names : DEFAULT_NODES;
    fs->shows_phones = !view || strcmp(view, "control") != 0;
    fs->shows_control = !view || strcmp(view, "phones") != 0;
    fs->no_open = m->options.read_only && !fs->shows_control;
    fs->tree.show_secrets = m->options.secrets && strcmp(m->options.secrets, "show") == 0;
    fs->on_ready = on_ready;
    fs->on_ready_arg = m;
    int r = open_content(m, err);
    fs->tree.content = fs->content;
    fs->status = (struct pfs_status){.content = fs->content,
                                     .state = fs->state,
                                     .started = fs->started,
                                     .count_nodes = count_nodes,
                                     .arg = fs,
                                     .opens = &fs->opens};
    fs->tree.status = &fs->status;
    if (r == 0 && fs->shows_control)
        r = pfs_events_new(m->config->database, fs->context.catalogue, &(struct pfs_events_options){0},
                           &fs->tree.events, err);
    if (r == 0 &&
        (pfs_outcomes_new(&fs->tree.outcomes) < 0 || pfs_import_report_new(&fs->tree.import_report) < 0))
        r = pfs_err_nomem(err);
    if (r == 0)
        r = pfs_fs_readers_init(fs, err);
    if (r == 0 && pfs_nodes_new(&fs->nodes) < 0)
        r = pfs_err_nomem(err);
    return r;
}

static void close_fs(struct pfs_fs *fs)
{
    pfs_ahead_stop(fs->ahead);
    pfs_report_unfollow(fs->follower);
    pfs_report_stop(fs->report);
    pfs_notify_stop(fs->notify);
    pfs_keeper_stop(fs->keeper);
    pfs_control_done(fs);
    pfs_nodes_free(fs->nodes);
    pfs_events_free(fs->tree.events);
    pfs_outcomes_free(fs->tree.outcomes);
    pfs_import_report_free(fs->tree.import_report);
    pfs_assets_free(fs->assets);
    pfs_content_free(fs->content);
    pfs_state_close(fs->state);
    pfs_fs_readers_done(fs);
    pfs_context_close(&fs->context);
}

/* The options that every mount has, whatever was asked. fsname is escaped as libfuse wants it: commas and
 * back-slashes. */
static int add_own_options(struct mount *m, struct pfs_err *err)
{
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    pfs_buf_str_add(&text, "-odefault_permissions,subtype=provfs,fsname=");
    for (const char *s = m->config->database; *s; s++) {
        if (*s == ',' || *s == '\\')
            pfs_buf_char(&text, '\\');
        pfs_buf_char(&text, *s);
    }
    return fuse_opt_add_arg(&m->options.args, pfs_buf_str(&text)) < 0 ? pfs_err_nomem(err) : 0;
}

static int open_session(struct mount *m, struct pfs_err *err)
{
    int r = add_own_options(m, err);
    if (r < 0)
        return r;
    if (m->options.debug && fuse_opt_add_arg(&m->options.args, "-d") < 0)
        return pfs_err_nomem(err);
    m->session = fuse_session_new(&m->options.args, &pfs_fs_ops, sizeof pfs_fs_ops, &m->fs);
    if (!m->session)
        return pfs_err_set(err, EINVAL, "libfuse refuses the mount options");
    if (fuse_session_mount(m->session, m->options.mountpoint) < 0) {
        fuse_session_destroy(steal_ptr(&m->session));
        return pfs_err_set(err, EIO, "%s: cannot be mounted", m->options.mountpoint);
    }
    return 0;
}

/* Serving threads allocate for each file: memory is asked of the kernel in larger pieces than usual. */
static void set_up_memory(void)
{
    mallopt(M_TOP_PAD, 1 << 20);
}

/* An open file is kept for each asset in use. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- serving ---- */

/* As many as measured best: the kernel hands requests to the threads in turn, so that more of them than
 * processors only lose what a processor has in its caches. A mount that takes writes has more, for those that
 * wait for a lock. */
static unsigned count_threads(const struct mount *m)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (m->options.threads)
        return (unsigned)m->options.threads;
    return m->fs.shows_control ? DEFAULT_THREADS
                               : (unsigned)PFS_MAX(MIN_THREADS, PFS_MIN(processors, DEFAULT_THREADS));
}

static int loop(struct mount *m, struct pfs_err *err)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return pfs_err_nomem(err);
    unsigned n_threads = count_threads(m);
    fuse_loop_cfg_set_max_threads(config, n_threads);
    fuse_loop_cfg_set_idle_threads(config, n_threads);
    fuse_loop_cfg_set_clone_fd(config, 1); /* a queue of its own for what each thread has taken */
    int r = fuse_session_loop_mt(m->session, config);
    fuse_loop_cfg_destroy(config);
    return r < 0 ? pfs_err_set(err, EIO, "serving ended: %s", strerror(-r))
                 : 0; /* a signal's number, or 0: as asked */
}

/* A pfs_publish_fn: tells this mount's events, and those of others. */
static void tell_published(void *arg, const char *name, const struct pfs_version *v)
{
    const struct pfs_fs *fs = arg;
    if (fs->tree.events)
        pfs_events_published(fs->tree.events, name, v);
    if (fs->report)
        pfs_report_published(fs->report, name, v);
}

/* The mount that owns the state tells the others; one that shows the control tree listens. */
static int start_reports(struct pfs_fs *fs, const struct pfs_config *config, struct pfs_err *err)
{
    pfs_content_on_publish(fs->content, tell_published, fs);
    if (pfs_state_is_owner(fs->state))
        return pfs_report_start(fs->content, &fs->status, fs->state, config->database, fs->context.catalogue,
                                &fs->report, err);
    return fs->tree.events ? pfs_report_follow(fs->state, fs->tree.events, &fs->follower, err) : 0;
}

static int serve(struct mount *m, struct pfs_err *err)
{
    if (fuse_set_signal_handlers(m->session) < 0)
        return pfs_err_set(err, EIO, "cannot handle signals");
    int r = pfs_content_start(m->fs.content, err);
    if (r == 0 && m->fs.tree.events)
        r = pfs_events_start(m->fs.tree.events, err);
    if (r == 0)
        r = start_reports(&m->fs, m->config, err);
    if (r == 0)
        r = pfs_notify_start(m->session, m->fs.nodes, m->fs.max_nodes, &m->fs.notify, err);
    if (r == 0 && m->options.check && strcmp(m->options.check, "commit") == 0)
        r = pfs_keeper_start(&m->fs, m->session, &m->fs.keeper, err);
    if (r == 0 && m->fs.shows_phones)
        r = pfs_ahead_start(&m->fs, &m->fs.ahead, err);
    if (r == 0)
        r = loop(m, err);
    fuse_remove_signal_handlers(m->session);
    signal(SIGTERM, SIG_IGN); /* asked twice: the orderly end goes on */
    signal(SIGINT, SIG_IGN);
    return r;
}

/* Answers one request, where one comes in a moment. -1: the mount is gone. */
static int answer_one(struct fuse_session *session, struct fuse_buf *buf)
{
    struct pollfd p = {.fd = fuse_session_fd(session), .events = POLLIN};
    if (poll(&p, 1, 10) <= 0)
        return 0;
    fuse_session_reset(session); /* one that is to exit throws away what it reads */
    int n = fuse_session_receive_buf(session, buf);
    if (n > 0)
        fuse_session_process_buf(session, buf);
    return n > 0 || n == -EINTR || n == -EAGAIN ? 0 : -1;
}

static bool notifiers_are_done(const struct pfs_fs *fs)
{
    return pfs_notify_is_done(fs->notify) && (!fs->keeper || pfs_keeper_is_done(fs->keeper));
}

/* Ends the threads that notify, which use the session. One may be waiting in the kernel for a folder that a
 * request holds: such requests are answered. But the loop, told to end, throws away what its threads have
 * just read, and such a request holds its folder for good (seen): then the connection is aborted, as it is a
 * moment later anyway. */
static void stop_notifying(struct mount *m)
{
    struct pfs_fs *fs = &m->fs;
    struct fuse_buf buf = {0};
    if (!fs->notify)
        return;
    pfs_notify_end(fs->notify);
    if (fs->keeper)
        pfs_keeper_end(fs->keeper);
    for (int i = 0; i < ANSWERS_AT_END && !notifiers_are_done(fs) && answer_one(m->session, &buf) == 0; i++) {
    }
    free(buf.mem);
    if (!notifiers_are_done(fs))
        umount2(m->options.mountpoint, MNT_FORCE | MNT_DETACH);
    pfs_notify_stop(steal_ptr(&fs->notify));
    pfs_keeper_stop(steal_ptr(&fs->keeper));
}

/* Everything from opening to unmounting, in the process that serves. */
static int run(struct mount *m, struct pfs_err *err)
{
    raise_file_limit();
    set_up_memory();
    int r = prepare_mountpoint(m->options.mountpoint, err);
    if (r == 0)
        r = open_fs(m, err);
    if (r == 0)
        r = open_session(m, err);
    if (r == 0) {
        r = serve(m, err);
        if (m->fs.tree.events)
            pfs_events_stop(m->fs.tree.events); /* it answers requests of this session */
        stop_notifying(m);
        fuse_session_unmount(m->session);
        fuse_session_destroy(m->session);
        pfs_log(PFS_LOG_INFO, "unmounted %s", m->options.mountpoint);
    }
    close_fs(&m->fs);
    return r;
}

static int run_and_report(struct mount *m)
{
    struct pfs_err err = {""};
    int r = run(m, &err);
    if (r < 0)
        pfs_log(PFS_LOG_ERROR, "%s", pfs_err_text(&err, r));
    return r < 0 ? 1 : 0;
}

/* ---- the background ---- */

/* Waits for the daemon's word that it serves; a daemon that ends before has said why itself. */
static int wait_for_daemon(pid_t pid, int fd)
{
    char word;
    ssize_t n;
    do
        n = read(fd, &word, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        return 0;
    int status;
    waitpid(pid, &status, 0);
    return 1;
}

static int run_in_background(struct mount *m)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        perror("provfs: pipe");
        return 1;
    }
    pid_t pid = fork();
    if (pid < 0) {
        perror("provfs: fork");
        return 1;
    }
    if (pid > 0) {
        close(fds[1]);
        return wait_for_daemon(pid, fds[0]);
    }
    close(fds[0]);
    setsid();
    if (chdir("/") < 0)
        perror("provfs: /");
    m->ready_fd = fds[1];
    _exit(run_and_report(m));
}

static int set_up(struct mount *m, int argc, char **argv, struct pfs_err *err)
{
    int r = pfs_mount_options_parse(argc, argv, &m->options, err);
    if (r == 0)
        r = apply_options(m, err);
    return r == 0 ? make_paths_absolute(m->config, err) : r;
}

int pfs_mount_main(struct pfs_config *config, int argc, char **argv)
{
    struct mount m = {.config = config, .ready_fd = -1, .fs = {.uid = 0, .gid = 0}};
    struct pfs_err err = {""};
    int r = set_up(&m, argc, argv, &err), code;
    if (r < 0) {
        fprintf(stderr, "provfs: %s\n", pfs_err_text(&err, r));
        code = r == -ENOEXEC ? 2 : 1;
    } else {
        code = m.options.foreground ? run_and_report(&m) : run_in_background(&m);
    }
    pfs_mount_options_done(&m.options);
    return code;
}

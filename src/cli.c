#include "cli.h"

#include "core/command.h"

#include "fs/session.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static int say(int exit_code, const char *sentence)
{
    fflush(stdout);
    fprintf(stderr, "provfs: %s\n", sentence);
    return exit_code;
}

static int refused(const struct pfs_err *err, int r)
{
    return say(r == -ENOEXEC ? EXIT_USAGE : EXIT_REFUSED, pfs_err_text(err, r));
}

/* ---- help ---- */

static int usage_of_all(FILE *out)
{
    fputs("provfs: a filesystem of IP phone configurations\n\n", out);
    fputs("  provfs [-d DB] COMMAND …\n  provfs help [COMMAND]\n  provfs --version\n\n", out);
    pfs_command_help(NULL, out);
    fputs("\nprovfs help COMMAND says more. Exit codes: 0 done, 1 refused, 2 usage.\n", out);
    return EXIT_DONE;
}

static int help(const char *verb)
{
    if (!verb)
        return usage_of_all(stdout);
    if (pfs_command_help(verb, stdout) == 0)
        return EXIT_DONE;
    struct pfs_err err;
    pfs_err_set(&err, ENOEXEC, "no such command: %s (provfs --help)", verb);
    return say(EXIT_USAGE, err.msg);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* ---- commands ---- */

static int run_command(const struct pfs_config *config, int argc, char **argv)
{
    struct pfs_context context;
    struct pfs_err err = {0};
    int r = pfs_context_open(config, &context, &err);
    if (r < 0)
        return refused(&err, r);
    struct pfs_command_io io = {.out = stdout,
                                .notes = stderr,
                                .in = stdin,
                                .terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO)};
    r = pfs_command_run(&context, &io, (size_t)argc, argv, &err);
    pfs_context_close(&context);
    return r < 0 ? refused(&err, r) : r;
}

/* mount.fuse3 calls `provfs SOURCE MOUNTPOINT -o …`; a link named mount.fuse.provfs may be called too. */
static bool is_mount_call(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    struct stat st;
    if (strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0)
        return true;
    return argc >= 3 && (argv[1][0] == '/' || (strchr(argv[1], '/') && stat(argv[1], &st) == 0));
}

/* Options in front of the command; returns where the command stands, or -1 with the exit code set. */
static int global_options(struct pfs_config *config, int argc, char **argv, int *ret_exit)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *database = NULL;
        if (strcmp(argv[i], "-d") == 0 && i + 1 < argc) {
            database = argv[++i];
        } else if (strncmp(argv[i], "-d", 2) == 0 && argv[i][2]) {
            database = argv[i] + 2;
        } else {
            struct pfs_err err;
            pfs_err_set(&err, ENOEXEC, "no such option here: %s (provfs --help)", argv[i]);
            *ret_exit = say(EXIT_USAGE, err.msg);
            return -1;
        }
        if (pfs_config_set(&config->database, database) < 0) {
            *ret_exit = say(EXIT_REFUSED, "out of memory");
            return -1;
        }
    }
    return i;
}

static int dispatch(struct pfs_config *config, int argc, char **argv)
{
    int exit_code = EXIT_USAGE;
    if (is_mount_call(argc, argv))
        return pfs_mount_main(config, argc, argv);
    int at = global_options(config, argc, argv, &exit_code);
    if (at < 0)
        return exit_code;
    if (at == argc)
        return say(EXIT_USAGE, "a command is missing (provfs --help)");
    if (strcmp(argv[at], "help") == 0)
        return help(argv[at + 1]);
    if (wants_help(argc - at, argv + at))
        return help(argv[at]);
    if (strcmp(argv[at], "mount") == 0)
        return pfs_mount_main(config, argc - at, argv + at);
    return run_command(config, argc - at, argv + at);
}

int pfs_cli_main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("provfs " PFS_VERSION);
        return EXIT_DONE;
    }
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return usage_of_all(stdout);
    struct pfs_config config;
    struct pfs_err err = {0};
    int r = pfs_config_load(&config, &err);
    if (r < 0)
        return refused(&err, r);
    int exit_code = dispatch(&config, argc, argv);
    pfs_config_done(&config);
    return exit_code;
}

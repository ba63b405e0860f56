/* A mount from its command line to its end. */
#pragma once

#include "core/config.h"

/* `provfs mount [-f] [-o …] [DB] MOUNTPOINT`; argv[0] is the program's name. Returns the exit code: 0, 1
 * refused, 2 usage. Without -f it returns when the mount serves, and the daemon stays behind. Errors go to
 * standard error as one line. */
int pfs_mount_main(struct pfs_config *config, int argc, char **argv);

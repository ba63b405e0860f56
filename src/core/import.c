#include "core/command_impl.h"
#include <errno.h>
int pfs_command_import(struct pfs_command *cmd, struct pfs_err *err)
{
    return pfs_err_set(err, ENOSYS, "import: not yet");
}

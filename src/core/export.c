#include "core/command_impl.h"
#include <errno.h>
int pfs_command_export(struct pfs_command *cmd, struct pfs_err *err)
{
    return pfs_err_set(err, ENOSYS, "export: not yet");
}

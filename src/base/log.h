/* Where the daemon says what happened: standard error, or syslog once it is in the background. Only who
 * handles an error logs it, once; library floors below core/ never do. No secret, no configuration bytes. */
#pragma once

#include "base/util.h"

enum pfs_log_level { PFS_LOG_ERROR, PFS_LOG_WARNING, PFS_LOG_INFO };

/* From now on to syslog (facility daemon) under this name, instead of standard error. */
void pfs_log_to_syslog(const char *ident);

void pfs_log(enum pfs_log_level level, const char *fmt, ...) PFS_PRINTF(2, 3);

#include "base/log.h"

#include <stdarg.h>
#include <syslog.h>

static bool to_syslog;

void pfs_log_to_syslog(const char *ident)
{
    openlog(ident, LOG_PID, LOG_DAEMON);
    to_syslog = true;
}

void pfs_log(enum pfs_log_level level, const char *fmt, ...)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO};
    static const char *const words[] = {"error", "warning", "info"};
    va_list ap;
    va_start(ap, fmt);
    if (to_syslog) {
        vsyslog(priorities[level], fmt, ap);
    } else {
        char line[1024];
        vsnprintf(line, sizeof line, fmt, ap);
        fprintf(stderr, "provfs: %s: %s\n", words[level], line);
    }
    va_end(ap);
}

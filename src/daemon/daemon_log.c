/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_log.c: where log lines go and which */
#include "daemon/daemon_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int logFd = STDERR_FILENO;
static GLogLevelFlags logLeast = G_LOG_LEVEL_WARNING;

static const char *nameOf(GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return "error";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning";
    return level & G_LOG_LEVEL_DEBUG ? "debug" : "info";
}

static const char *fieldOf(const GLogField *fields, gsize count, const char *key)
{
    for (gsize i = 0; i < count; i++) {
        if (strcmp(fields[i].key, key) == 0)
            return fields[i].value;
    }
    return NULL;
}

static GLogWriterOutput writeLine(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer opaque)
{
    /* The smaller the flag, the graver. */
    if ((level & G_LOG_LEVEL_MASK) > logLeast)
        return G_LOG_WRITER_HANDLED;
    int saved = errno;
    const char *domain = fieldOf(fields, count, "GLIB_DOMAIN");
    const char *message = fieldOf(fields, count, "MESSAGE");
    gint64 us = g_get_real_time();
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(us / G_USEC_PER_SEC);
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
    /* One write, so that lines of several threads do not mix. */
    g_autofree char *line = g_strdup_printf("%s.%03dZ %s %s: %s\n", time, (int)(us % G_USEC_PER_SEC / 1000), nameOf(level),
                                            domain ? domain : "virtmemd", message ? message : "");
    ssize_t ignored = write(logFd, line, strlen(line));
    (void)ignored;
    errno = saved;
    return G_LOG_WRITER_HANDLED;
}

static gboolean isDevNull(int fd)
{
    struct stat a, b;
    return fstat(fd, &a) < 0 || (stat("/dev/null", &b) == 0 && S_ISCHR(a.st_mode) && a.st_rdev == b.st_rdev);
}

void daemonLogInit(GLogLevelFlags level, const char *fallback)
{
    logLeast = level;
    if (isDevNull(STDERR_FILENO)) {
        int fd = open(fallback, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            logFd = fd;
    }
    g_log_set_writer_func(writeLine, NULL, NULL);
}

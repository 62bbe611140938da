/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz_qmp.c: the monitor: any bytes from QEMU give replies, events or a clean end of the connection */
#include "fuzz.h"

#include "qemu/qemu_monitor.h"

#include <sys/socket.h>
#include <unistd.h>

static void onEvent(QemuMonitor *mon, const char *name, gint64 seconds, unsigned micros, MemJson *data, gpointer opaque)
{
    g_assert_nonnull(name);
}

static void onClosed(QemuMonitor *mon, const char *why, gpointer opaque)
{
    g_assert_nonnull(why);
    *(gboolean *)opaque = TRUE;
}

static void feed(int fd, const uint8_t *data, size_t size, GMainContext *context)
{
    while (size) {
        ssize_t done = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (done > 0) {
            data += done;
            size -= (size_t)done;
        } else if (!g_main_context_iteration(context, FALSE)) {
            break;
        }
    }
}

/* Complaints about what the peer sends are what is wanted here; they are not worth printing. */
static void ignoreLog(const char *domain, GLogLevelFlags level, const char *message, gpointer opaque)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const QemuMonitorCallbacks callbacks = { .event = onEvent, .closed = onClosed };
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(QemuMonitor) mon = NULL;
    g_autoptr(MemJson) reply = NULL;
    QemuMonitorCall *call;
    gboolean closed = FALSE;
    int fds[2];

    g_log_set_default_handler(ignoreLog, NULL);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    mon = qemuMonitorOpen(fds[0], "fuzz", context, &callbacks, &closed, NULL);
    g_assert_nonnull(mon);
    call = qemuMonitorSend(mon, "query-status", NULL);
    feed(fds[1], data, size, context);
    shutdown(fds[1], SHUT_WR);
    while (!closed)
        g_main_context_iteration(context, TRUE);
    reply = qemuMonitorWait(call, g_get_monotonic_time(), NULL, NULL);
    qemuMonitorClose(mon);
    close(fds[1]);
    return 0;
}

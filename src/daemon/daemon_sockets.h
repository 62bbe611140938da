/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_sockets.h: listening sockets, made or inherited, and the lock of the pid file */
#pragma once

#include <glib.h>

/* Take the pid file's lock and write our pid. Returns its descriptor, to be kept open; -1: VIR_ERR_OPERATION_INVALID
 * when another daemon has it, naming its pid. */
int daemonSocketsLock(const char *pidFile, GError **err);

/* A listening socket at @path, mode 0600. A socket that nobody serves any more is replaced; one that answers, or a
 * file of another kind, is an error. -1 on error. */
int daemonSocketsListen(const char *path, GError **err);

typedef struct {
    int fd;
    gboolean readonly;
} DaemonSocket;

/* The sockets that systemd passes: array of DaemonSocket, empty if there are none. A name that contains "-ro" makes
 * one read-only. Removes LISTEN_* from the environment. */
GArray *daemonSocketsInherited(void);

/* Tell systemd (NOTIFY_SOCKET), if it wants to know. */
void daemonSocketsNotify(const char *state);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_paths.h: which folders, sockets and files a daemon has */
#pragma once

#include "qemu/qemu_driver.h"

typedef struct {
    QemuDriverPaths driver;
    char *run;                  /* folder of the sockets and the pid file */
    gboolean runIsShared;       /* it is libvirt's: its mode is not ours to set */
    char *socket;
    char *socketReadonly;       /* NULL: none (a session daemon has one socket) */
    char *pidFile;
    const char *uri;            /* static: what clients are told that gave no URI */
} DaemonPaths;

/* @root: NULL for the usual places of user @uid, from the environment. */
gboolean daemonPathsInit(DaemonPaths *paths, const char *root, uid_t uid, GError **err);
void daemonPathsClear(DaemonPaths *paths);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DaemonPaths, daemonPathsClear)

/* Make the folders, private to the user. */
gboolean daemonPathsMake(const DaemonPaths *paths, GError **err);

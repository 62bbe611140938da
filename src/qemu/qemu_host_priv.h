/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host_priv.h: reading the host's files below the root that tests may move */
#pragma once

#include "qemu/qemu_host.h"

/* The root and a path made from a printf format. Caller frees. */
char *qemuHostPath(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* All of a small file; NULL if unreadable. Caller frees. */
char *qemuHostRead(const char *format, ...) G_GNUC_PRINTF(1, 2);
gboolean qemuHostReadUint64(guint64 *value, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The number after "NAME:" in a file such as /proc/meminfo or a node's meminfo. */
gboolean qemuHostField(const char *text, const char *name, guint64 *value);
/* /proc/meminfo (@node -1) or that of a node; a host without NUMA has node 0. NULL if there is none. Caller frees. */
char *qemuHostMeminfo(int node);
/* The highest node number. */
int qemuHostLastNode(void);
/* Where the huge page pools of @node (-1: the host) are, below the root; without trailing slash. Caller frees. */
char *qemuHostPoolFolder(int node);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor_poll.h: hundreds of monitors in one GMainContext at the price of one */
#pragma once

#include "qemu/qemu_monitor.h"

/* GLib polls every descriptor anew in every turn of its loop: with hundreds of guests each of which answers in a turn of its
 * own, that is the cost of asking them all. Here the monitors of a context are in one epoll descriptor. */

typedef void (*QemuMonitorPollFunc)(QemuMonitor *mon);

/* Any thread. @func is called on @context's thread when @fd is readable or hung up. Holds a reference to @mon. The number of
 * the watch, never 0; 0: @err says why there is none. */
guint64 qemuMonitorPollAdd(GMainContext *context, int fd, QemuMonitorPollFunc func, QemuMonitor *mon, GError **err);
/* Any thread: @func is called, or not, when there is something to read. What came meanwhile is not missed. */
void qemuMonitorPollListen(GMainContext *context, guint64 watch, gboolean listen);
/* Any thread, any number of times. On the loop thread: @func is not called again. The reference goes. */
void qemuMonitorPollRemove(GMainContext *context, guint64 watch);

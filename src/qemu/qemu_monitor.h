/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor.h: QMP over a UNIX socket: commands with deadlines, events, one function per command */
#pragma once

#include "util/mem_json.h"

#include <gio/gio.h>

/* A monitor belongs to the loop thread, which does all reading and writing. Any other thread may send commands and
 * wait; the loop thread itself must never wait. Several commands may be under way; replies are matched by id.
 * A lost connection fails all that wait, with VIR_ERR_OPERATION_FAILED, then calls closed() once, on the loop thread. */
typedef struct QemuMonitor QemuMonitor;

typedef struct {
    /* On the loop thread; must not block. @data is borrowed, may be NULL. */
    void (*event)(QemuMonitor *mon, const char *name, gint64 seconds, unsigned micros, MemJson *data, gpointer opaque);
    void (*closed)(QemuMonitor *mon, const char *why, gpointer opaque);
} QemuMonitorCallbacks;

/* Take over connected socket @fd, served by @context's thread. Capability negotiation is the first command, sent by this. */
QemuMonitor *qemuMonitorOpen(int fd, const char *domainName, GMainContext *context, const QemuMonitorCallbacks *callbacks,
                             gpointer opaque, GError **err);
QemuMonitor *qemuMonitorRef(QemuMonitor *mon);
void qemuMonitorUnref(QemuMonitor *mon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuMonitor, qemuMonitorUnref)
/* No callback comes after this returns if called on the loop thread. */
void qemuMonitorClose(QemuMonitor *mon);

/* ---- any command ---- */
typedef struct QemuMonitorCall QemuMonitorCall;

/* Queue {"execute":@command,"arguments":@arguments} (taken over, may be NULL). Never blocks; a dead monitor gives a call
 * that has failed already. */
QemuMonitorCall *qemuMonitorSend(QemuMonitor *mon, const char *command, MemJson *arguments);
/* Wait until @deadline (g_get_monotonic_time) and free the call. The "return" value as a new reference, or NULL:
 * VIR_ERR_INTERNAL_ERROR with QEMU's class and words, VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_OPERATION_FAILED (connection lost).
 * *@errorClass (may be NULL) is set to QEMU's error class ("DeviceNotFound"), caller frees. */
MemJson *qemuMonitorWait(QemuMonitorCall *call, gint64 deadline, char **errorClass, GError **err);
MemJson *qemuMonitorCommand(QemuMonitor *mon, const char *command, MemJson *arguments, gint64 deadline, GError **err);
/* A client's own text (qemu-monitor-command): JSON in, whole reply out; @hmp: through human-monitor-command. Caller frees. */
char *qemuMonitorPassthrough(QemuMonitor *mon, const char *text, gboolean hmp, gint64 deadline, GError **err);

/* ---- one function per command (qemu_monitor_commands.c); all may fail as qemuMonitorCommand does ---- */
typedef struct {
    char *id;                   /* device alias, or NULL */
    char *kind;                 /* "dimm", "nvdimm", "virtio-mem" ... */
    char *memdev;               /* QOM path */
    gint64 slot, node;          /* -1: not told */
    guint64 addressBytes, sizeBytes, requestedBytes, maxBytes, blockBytes;
    gboolean hotplugged;
} QemuMonitorMemoryDevice;

gboolean qemuMonitorQueryStatus(QemuMonitor *mon, gint64 deadline, char **status, gboolean *running, GError **err);
gboolean qemuMonitorCont(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorStop(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorQuit(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorSystemPowerdown(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorSystemReset(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorBalloon(QemuMonitor *mon, guint64 bytes, gint64 deadline, GError **err);
gboolean qemuMonitorQueryBalloon(QemuMonitor *mon, guint64 *actualBytes, gint64 deadline, GError **err);
/* Array of QemuMonitorMemoryDevice *, freed as a whole; unknown kinds are kept. */
GPtrArray *qemuMonitorQueryMemoryDevices(QemuMonitor *mon, gint64 deadline, GError **err);
gboolean qemuMonitorObjectAdd(QemuMonitor *mon, MemJson *properties, gint64 deadline, GError **err);
gboolean qemuMonitorObjectDel(QemuMonitor *mon, const char *id, gint64 deadline, GError **err);
gboolean qemuMonitorDeviceAdd(QemuMonitor *mon, MemJson *properties, gint64 deadline, GError **err);
gboolean qemuMonitorDeviceDel(QemuMonitor *mon, const char *id, gint64 deadline, char **errorClass, GError **err);
gboolean qemuMonitorQomSet(QemuMonitor *mon, const char *path, const char *property, MemJson *value, gint64 deadline, GError **err);
MemJson *qemuMonitorQomGet(QemuMonitor *mon, const char *path, const char *property, gint64 deadline, GError **err);
/* Names below @path, NULL-terminated. */
char **qemuMonitorQomList(QemuMonitor *mon, const char *path, gint64 deadline, GError **err);
/* Label -> pty path ("/dev/pts/3"), as GHashTable of strings. */
GHashTable *qemuMonitorQueryChardevs(QemuMonitor *mon, gint64 deadline, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor.h: QMP over a UNIX socket: commands with deadlines, events, one function per command */
#pragma once

#include "util/mem_enum.h"
#include "util/mem_json.h"

#include <gio/gio.h>

/* A monitor belongs to the loop thread, which does all reading and writing. Any other thread may send commands and
 * wait; the loop thread itself must never wait. Several commands may be under way; replies come in their order.
 * A lost connection fails all that wait, with VIR_ERR_OPERATION_FAILED, then calls closed() once, on the loop thread. */
typedef struct QemuMonitor QemuMonitor;

typedef struct {
    /* On the loop thread; must not block. @data is borrowed, may be NULL. */
    void (*event)(QemuMonitor *mon, const char *name, gint64 seconds, unsigned micros, MemJson *data, gpointer opaque);
    void (*closed)(QemuMonitor *mon, const char *why, gpointer opaque);
    /* Any thread, with the last reference: no callback will come any more. May be NULL. */
    void (*release)(gpointer opaque);
} QemuMonitorCallbacks;

/* Take over connected socket @fd, served by @context's thread. Capability negotiation is the first command, sent by this. */
QemuMonitor *qemuMonitorOpen(int fd, const char *domainName, GMainContext *context, const QemuMonitorCallbacks *callbacks,
                             gpointer opaque, GError **err);
QemuMonitor *qemuMonitorRef(QemuMonitor *mon);
void qemuMonitorUnref(QemuMonitor *mon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuMonitor, qemuMonitorUnref)
/* Hang up: all that wait fail, closed() is not called. No callback comes after this returns if called on the loop thread. */
void qemuMonitorClose(QemuMonitor *mon);
/* Loop thread, when the process is known to have ended: handle what it still said. closed() comes from here if it had not. */
void qemuMonitorDrain(QemuMonitor *mon);
/* Connect to the listening socket at @path, which may be longer than a socket address. The descriptor, or -1. */
int qemuMonitorConnect(const char *path, GError **err);
/* A listening socket at @path (mode 0600; what was there is replaced), likewise. The descriptor (CLOEXEC), or -1. */
int qemuMonitorListen(const char *path, GError **err);

/* A line of QMP longer than this is dropped with a warning; a client's command that does not fit the queue is refused. */
#define QEMU_MONITOR_MAX_LINE (16 * 1024 * 1024)
#define QEMU_MONITOR_MAX_QUEUE (4 * 1024 * 1024)

/* ---- any command ---- */
typedef struct QemuMonitorCall QemuMonitorCall;

/* Queue {"execute":@command,"arguments":@arguments} (taken over, may be NULL). Never blocks; a dead monitor gives a call
 * that has failed already. */
QemuMonitorCall *qemuMonitorSend(QemuMonitor *mon, const char *command, MemJson *arguments);
/* Wait until @deadline (g_get_monotonic_time) and free the call. The "return" value as a new reference, or NULL:
 * VIR_ERR_INTERNAL_ERROR with QEMU's class and words, VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_OPERATION_FAILED (connection lost).
 * *@errorClass (may be NULL) is set to QEMU's error class ("DeviceNotFound"), caller frees. */
MemJson *qemuMonitorWait(QemuMonitorCall *call, gint64 deadline, char **errorClass, GError **err);
/* Any thread, the loop thread too: nobody will wait for @call; a refusal by QEMU is logged. */
void qemuMonitorForget(QemuMonitorCall *call);
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
gboolean qemuMonitorInjectNmi(QemuMonitor *mon, gint64 deadline, GError **err);

/* ---- the same in two halves, to have many under way at once: Send (or qemuMonitorSend with the command's name), then
 * Finish, which waits and frees the call ---- */
QemuMonitorCall *qemuMonitorSendQomSet(QemuMonitor *mon, const char *path, const char *property, MemJson *value);
QemuMonitorCall *qemuMonitorSendQomGet(QemuMonitor *mon, const char *path, const char *property);
QemuMonitorCall *qemuMonitorSendBalloonStats(QemuMonitor *mon, const char *alias);

typedef enum {
    QEMU_MONITOR_BALLOON_SWAP_IN = 0,       /* bytes */
    QEMU_MONITOR_BALLOON_SWAP_OUT,          /* bytes */
    QEMU_MONITOR_BALLOON_MAJOR_FAULTS,
    QEMU_MONITOR_BALLOON_MINOR_FAULTS,
    QEMU_MONITOR_BALLOON_FREE,              /* bytes */
    QEMU_MONITOR_BALLOON_TOTAL,             /* bytes */
    QEMU_MONITOR_BALLOON_AVAILABLE,         /* bytes */
    QEMU_MONITOR_BALLOON_DISK_CACHES,       /* bytes */
    QEMU_MONITOR_BALLOON_HUGETLB_ALLOC,
    QEMU_MONITOR_BALLOON_HUGETLB_FAIL,

    QEMU_MONITOR_BALLOON_LAST
} QemuMonitorBalloonStat;

typedef struct {
    guint64 values[QEMU_MONITOR_BALLOON_LAST];  /* G_MAXUINT64: the guest did not report it */
    guint64 lastUpdate;                         /* seconds since the epoch; 0: never */
} QemuMonitorBalloonStats;

/* QEMU's ways to measure what a guest writes, and libvirt's names for them. */
typedef enum {
    QEMU_DIRTY_RATE_PAGE_SAMPLING = 0,
    QEMU_DIRTY_RATE_DIRTY_BITMAP,
    QEMU_DIRTY_RATE_DIRTY_RING,

    QEMU_DIRTY_RATE_MODE_LAST
} QemuDirtyRateMode;

MEM_ENUM_DECL(qemuDirtyRateMode);

typedef enum {
    QEMU_DIRTY_RATE_UNSTARTED = 0,          /* the numbers are libvirt's virDomainDirtyRateStatus */
    QEMU_DIRTY_RATE_MEASURING,
    QEMU_DIRTY_RATE_MEASURED,

    QEMU_DIRTY_RATE_STATUS_LAST
} QemuDirtyRateStatus;

MEM_ENUM_DECL(qemuDirtyRateStatus);

typedef struct {
    gint64 vcpu, mibPerSecond;
} QemuMonitorVcpuDirtyRate;

typedef struct {
    QemuDirtyRateStatus status;
    QemuDirtyRateMode mode;
    gint64 startSeconds, periodSeconds;     /* the start by the host's clock since it booted */
    gint64 mibPerSecond;                    /* -1: not measured yet */
    GArray *vcpus;                          /* of QemuMonitorVcpuDirtyRate; empty in most modes */
} QemuMonitorDirtyRate;

void qemuMonitorDirtyRateClear(QemuMonitorDirtyRate *rate);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuMonitorDirtyRate, qemuMonitorDirtyRateClear)

typedef struct {
    char *device, *qdev, *nodeName;         /* each may be NULL */
    gint64 readRequests, readBytes, readNs, writeRequests, writeBytes, writeNs, flushRequests, flushNs;
} QemuMonitorBlockStats;

gboolean qemuMonitorFinishStatus(QemuMonitorCall *call, gint64 deadline, char **status, gboolean *running, GError **err);
gboolean qemuMonitorFinishBalloon(QemuMonitorCall *call, gint64 deadline, guint64 *actualBytes, GError **err);
gboolean qemuMonitorFinishBalloonStats(QemuMonitorCall *call, gint64 deadline, QemuMonitorBalloonStats *stats, GError **err);
GPtrArray *qemuMonitorFinishMemoryDevices(QemuMonitorCall *call, gint64 deadline, GError **err);
GHashTable *qemuMonitorFinishChardevs(QemuMonitorCall *call, gint64 deadline, GError **err);
/* query-cpus-fast: thread ids by vCPU number, as GArray of gint64. */
GArray *qemuMonitorFinishCpus(QemuMonitorCall *call, gint64 deadline, GError **err);
/* Begin to measure; the answer comes at once, the rate after @seconds. */
gboolean qemuMonitorCalcDirtyRate(QemuMonitor *mon, unsigned seconds, QemuDirtyRateMode mode, gint64 deadline, GError **err);
/* query-dirty-rate: @rate is filled in on success, and cleared by the caller. */
gboolean qemuMonitorFinishDirtyRate(QemuMonitorCall *call, gint64 deadline, QemuMonitorDirtyRate *rate, GError **err);
/* query-blockstats: array of QemuMonitorBlockStats *, freed as a whole. */
GPtrArray *qemuMonitorFinishBlockStats(QemuMonitorCall *call, gint64 deadline, GError **err);
/* query-vnc: *@port -1 when it is not known; caller frees *@host. */
gboolean qemuMonitorFinishVnc(QemuMonitorCall *call, gint64 deadline, char **host, int *port, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver.h: what the RPC layer may ask of the driver: one function per libvirt call */
#pragma once

#include "util/mem_error.h"

#include <gio/gio.h>
#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>

/* All functions but those marked "loop" run on a worker thread, may block until their deadline, and report libvirt's
 * codes. Flags are checked here (unknown bit: VIR_ERR_INVALID_ARG). A domain is named by UUID alone. */
typedef struct QemuDriver QemuDriver;
typedef const unsigned char *QemuUuid;      /* 16 bytes */

/* A domain as the wire names it. */
typedef struct {
    char *name;
    unsigned char uuid[16];
    int id;                                 /* -1: not running */
} QemuDomainRef;

void qemuDomainRefClear(QemuDomainRef *ref);

/* ---- events ---- */
typedef struct {
    int id;                                 /* virDomainEventID, or QEMU_EVENT_MONITOR */
    QemuDomainRef dom;
    int event, detail;                      /* lifecycle: both; others: action, reason, type, recipient */
    unsigned flags;                         /* memory failure */
    guint64 value;                          /* balloon actual, device size: KiB; rtc offset */
    char *text1, *text2;                    /* device alias, path, metadata uri; monitor: event name, details (JSON) */
    gint64 seconds;                         /* monitor event */
    unsigned micros;
} QemuEvent;
#define QEMU_EVENT_MONITOR (-1)

/* Called on any thread, in the order of happening for one domain, with no lock of the driver held; must not block.
 * @event is borrowed. */
typedef void (*QemuEventFunc)(const QemuEvent *event, gpointer opaque);

/* ---- lifetime ---- */
typedef struct {
    char *config;                           /* definitions: NAME.xml; autostart/ below */
    char *state;                            /* run: status XML, pid, monitor sockets; gone after host reboot */
    char *lib;                              /* qemu/ram, domain folders, nvram */
    char *cache;                            /* capabilities */
    char *log;                              /* NAME.log */
    gboolean privileged;                    /* system daemon */
} QemuDriverPaths;

/* Loop. Loads definitions, finds running guests by their status files and reconnects, autostarts. @context: where monitors
 * are served. */
QemuDriver *qemuDriverNew(const QemuDriverPaths *paths, GMainContext *context, QemuEventFunc func, gpointer opaque, GError **err);
/* Loop, after all workers have ended. Guests run on. */
void qemuDriverFree(QemuDriver *driver);
/* Any thread: guests running? (--timeout) */
gboolean qemuDriverIsIdle(QemuDriver *driver);

/* Any thread: would reading from this domain go on without waiting, for another caller or for the daemon's own start? A
 * hint: it may change at once, and then the wait is short. FALSE for a domain that is not there. */
gboolean qemuDriverIsFree(QemuDriver *driver, QemuUuid uuid);

/* ---- host ---- */
char *qemuDriverGetCapabilities(QemuDriver *driver, GError **err);
char *qemuDriverGetDomainCapabilities(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                                      const char *virtType, unsigned flags, GError **err);
gboolean qemuDriverGetVersion(QemuDriver *driver, unsigned long *version, GError **err);
char **qemuDriverGetCpuModelNames(QemuDriver *driver, const char *arch, unsigned flags, GError **err);
char *qemuDriverBaselineCpu(QemuDriver *driver, char *const *xmlCpus, unsigned count, unsigned flags, GError **err);
/* virCPUCompareResult, or VIR_CPU_COMPARE_ERROR. The strings of the hypervisor variant may be NULL. */
int qemuDriverCompareCpu(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                         const char *virtType, const char *xml, unsigned flags, gboolean hypervisor, GError **err);
int qemuDriverGetMaxVcpus(QemuDriver *driver, const char *type, GError **err);
/* Host memory, CPUs, pages, KSM: the RPC layer calls qemu_host.h itself. */

/* ---- finding ---- */
/* virConnectListAllDomainsFlags. Array of QemuDomainRef *, freed as a whole. */
GPtrArray *qemuDriverListDomains(QemuDriver *driver, unsigned flags, GError **err);
gboolean qemuDriverLookupById(QemuDriver *driver, int id, QemuDomainRef *ref, GError **err);
gboolean qemuDriverLookupByUuid(QemuDriver *driver, QemuUuid uuid, QemuDomainRef *ref, GError **err);
gboolean qemuDriverLookupByName(QemuDriver *driver, const char *name, QemuDomainRef *ref, GError **err);

/* ---- definitions ---- */
gboolean qemuDriverDefine(QemuDriver *driver, const char *xml, unsigned flags, QemuDomainRef *ref, GError **err);
gboolean qemuDriverUndefine(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
char *qemuDriverGetXml(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
char *qemuDriverXmlToNative(QemuDriver *driver, const char *format, const char *xml, unsigned flags, GError **err);
gboolean qemuDriverGetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean *autostart, GError **err);
gboolean qemuDriverSetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean autostart, GError **err);
char *qemuDriverGetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *uri, unsigned flags, GError **err);
gboolean qemuDriverSetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *metadata, const char *key,
                               const char *uri, unsigned flags, GError **err);

/* ---- lifecycle. @autodestroy: opaque client handle, for VIR_DOMAIN_START_AUTODESTROY ---- */
gboolean qemuDriverStart(QemuDriver *driver, QemuUuid uuid, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err);
gboolean qemuDriverCreateXml(QemuDriver *driver, const char *xml, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err);
gboolean qemuDriverDestroy(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverShutdown(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverReboot(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverReset(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverSuspend(QemuDriver *driver, QemuUuid uuid, GError **err);
gboolean qemuDriverResume(QemuDriver *driver, QemuUuid uuid, GError **err);
/* A client has gone: destroy what it wanted destroyed. Any thread; does not block (queues). */
void qemuDriverClientGone(QemuDriver *driver, gpointer client);

/* ---- inspection: never waits for a job ---- */
gboolean qemuDriverGetState(QemuDriver *driver, QemuUuid uuid, int *state, int *reason, GError **err);
gboolean qemuDriverGetInfo(QemuDriver *driver, QemuUuid uuid, virDomainInfo *info, GError **err);
gboolean qemuDriverIsActive(QemuDriver *driver, QemuUuid uuid, gboolean *active, GError **err);
gboolean qemuDriverIsPersistent(QemuDriver *driver, QemuUuid uuid, gboolean *persistent, GError **err);
gboolean qemuDriverIsUpdated(QemuDriver *driver, QemuUuid uuid, gboolean *updated, GError **err);
gboolean qemuDriverGetMaxMemory(QemuDriver *driver, QemuUuid uuid, guint64 *kib, GError **err);
int qemuDriverGetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);         /* -1 on error */
gboolean qemuDriverSetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned count, unsigned flags, GError **err);
/* Per vCPU info and host CPU affinity map of @maplen bytes each; returns how many, -1 on error. */
int qemuDriverGetVcpus(QemuDriver *driver, QemuUuid uuid, virVcpuInfo *info, int maxinfo, unsigned char *maps, int maplen, GError **err);
/* VIR_DOMAIN_JOB_NONE when nothing runs. @completed: asked of the last one that ended, which needs no running guest. */
gboolean qemuDriverGetJobInfo(QemuDriver *driver, QemuUuid uuid, gboolean completed, virDomainJobInfo *info, GError **err);
gboolean qemuDriverGetControlInfo(QemuDriver *driver, QemuUuid uuid, virDomainControlInfo *info, GError **err);
/* @path: target ("vda") or source; "" for all. Order of @stats: rd_req, rd_bytes, wr_req, wr_bytes, errs (-1: none). */
gboolean qemuDriverBlockStats(QemuDriver *driver, QemuUuid uuid, const char *path, gint64 stats[5], GError **err);
gboolean qemuDriverInterfaceStats(QemuDriver *driver, QemuUuid uuid, const char *device, gint64 stats[8], GError **err);
/* Up to @max stats in libvirt's order; number or -1. */
int qemuDriverMemoryStats(QemuDriver *driver, QemuUuid uuid, virDomainMemoryStatStruct *stats, unsigned max,
                          unsigned flags, GError **err);
/* Begin to measure how fast the guest writes to its memory; the statistics tell. */
gboolean qemuDriverStartDirtyRate(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err);
/* virDomainGetMessages: what the guest does not do with its memory (qemu_memdiagnose.h). NULL-terminated, may be empty; caller
 * frees with g_strfreev. A domain that is off, and one whose QEMU does not answer, have none of the balloon. */
char **qemuDriverGetMessages(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);

/* ---- typed parameters: plain, so that the RPC layer alone knows the wire ---- */
typedef struct {
    char field[80];
    int type;                               /* VIR_TYPED_PARAM_* */
    gint64 i;                               /* int, boolean, llong */
    guint64 u;                              /* uint, ullong */
    double d;
    char *s;
} QemuParam;

typedef struct {
    QemuDomainRef dom;
    GArray *params;                         /* of QemuParam */
} QemuDomainStats;

/* @uuids: @count times 16 bytes, 0: all that pass the filter in @flags. Array of QemuDomainStats *, freed as a whole. */
GPtrArray *qemuDriverGetAllStats(QemuDriver *driver, const unsigned char *uuids, unsigned count, unsigned stats,
                                 unsigned flags, GError **err);

/* ---- memory tuning ---- */
GArray *qemuDriverGetMemoryParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverSetMemoryParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count,
                                   unsigned flags, GError **err);
GArray *qemuDriverGetNumaParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
gboolean qemuDriverSetNumaParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count,
                                   unsigned flags, GError **err);

/* ---- live memory changes ---- */
gboolean qemuDriverAttachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err);
gboolean qemuDriverDetachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err);
gboolean qemuDriverDetachDeviceAlias(QemuDriver *driver, QemuUuid uuid, const char *alias, unsigned flags, GError **err);
gboolean qemuDriverUpdateDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err);
gboolean qemuDriverSetMemory(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags, GError **err);
gboolean qemuDriverSetMemoryStatsPeriod(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err);

/* ---- calls in two halves ----
 *
 * The first half, on the loop thread, tells QEMU what there is to tell; the second, on a worker, waits for the answer and ends
 * what was begun, so that it must follow. Waking the worker costs no time then: QEMU works meanwhile. NULL: not now, because
 * that could mean to wait, or not with these arguments; a worker is to do the whole call. */
typedef struct QemuSetMemoryBegun QemuSetMemoryBegun;

QemuSetMemoryBegun *qemuDriverSetMemoryBegin(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags);
gboolean qemuDriverSetMemoryFinish(QemuSetMemoryBegun *begun, GError **err);

/* ---- the rest ---- */
char *qemuDriverMonitorCommand(QemuDriver *driver, QemuUuid uuid, const char *command, unsigned flags, GError **err);
/* An open descriptor (pty or socket, nonblocking) of the console, serial or channel @device (NULL: the first); -1 on error. */
int qemuDriverOpenConsole(QemuDriver *driver, QemuUuid uuid, const char *device, unsigned flags, GError **err);
gboolean qemuDriverInjectNmi(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);

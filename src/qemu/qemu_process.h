/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process.h: the life of a domain's QEMU: start, end, and being found again */
#pragma once

#include "qemu/qemu_command.h"
#include "qemu/qemu_driver_priv.h"

/* Under lock and job, both kept, the lock given up while waiting: run @def (taken over), which becomes dom->live. @flags:
 * VIR_DOMAIN_START_PAUSED, _AUTODESTROY. On failure nothing is left behind, the state is shut off, failed, and the error
 * carries QEMU's last words. */
gboolean qemuProcessStart(QemuDomain *dom, DomainDef *def, unsigned flags, gpointer client, GError **err);

/* Under lock: have QEMU end; SIGKILL follows when it takes long, unless @graceful. @reason: virDomainShutoffReason. Does not
 * wait; the loop thread, too. */
void qemuProcessEnd(QemuDomain *dom, int reason, gboolean graceful);
/* Under lock: SIGKILL some seconds from now, should it be there still. */
void qemuProcessKillLater(QemuDomain *dom);
/* Under lock, given up while waiting: the same, and wait. VIR_ERR_OPERATION_FAILED if it does not end. */
gboolean qemuProcessDestroy(QemuDomain *dom, int reason, gboolean graceful, GError **err);

/* Under lock, given up meanwhile, not on the loop: QEMU has ended or never was; put away all that belonged to it, set the state,
 * queue the event. A transient domain leaves the list. */
void qemuProcessCleanup(QemuDomain *dom, int reason);

/* Under lock: the end of the process will be noticed from now on. FALSE: it has ended, or is another's. */
gboolean qemuProcessWatch(QemuDomain *dom);

/* Under lock: serve the monitor's connected socket @fd from now on (taken over). */
gboolean qemuProcessOpenMonitor(QemuDomain *dom, int fd, GError **err);

/* Under lock, given up while waiting, for as long as it takes: QEMU that stands still takes few connections, and may have taken
 * none of this daemon's. FALSE: it has ended, or this daemon does. */
gboolean qemuProcessConnectAgain(QemuDomain *dom);

/* Loop, at start: for each domain that was loaded as running, find its process, connect, and ask; in parallel, in the
 * background. Domains that ended meanwhile are put away at once. */
void qemuProcessReconnectAll(QemuDriver *driver);
/* Under lock, given up while waiting, and job, with a monitor: what a QEMU that was found did not answer then, or
 * answered too early (unasked). FALSE: it does not answer now either, or has ended. */
gboolean qemuProcessAskAgain(QemuDomain *dom, GError **err);

/* QEMU's last words: the end of the log since the start, one line each. Caller frees; "" if it said nothing. */
char *qemuProcessLastWords(QemuDomain *dom);

/* ---- asking QEMU what is true: qemu_process_refresh.c ---- */
typedef struct {
    QemuMonitorCall *statusCall, *balloonCall, *memoryCall, *chardevCall, *cpuCall, *vncCall;    /* NULL: not asked */
    char *status;
    gboolean running;
    gboolean fresh;
    guint64 balloonBytes;
    GPtrArray *memory;
    GHashTable *chardevs;
    GArray *cpus;
    char *vncHost;
    int vncPort;
} QemuRefresh;

/* How often to ask while answers are overtaken by news (memNews). QEMU tells of a size at most once a second. */
#define QEMU_REFRESH_TRIES 3

/* Under lock. @fresh: QEMU has just been started by us with -S, so that its state and its balloon are known, unless @balloon:
 * a target was set. */
void qemuRefreshSend(QemuDomain *dom, QemuRefresh *refresh, gboolean fresh, gboolean balloon);
/* What the balloon of a guest that was just started leaves it: boot memory and DIMMs. */
guint64 qemuRefreshWholeBalloonKib(const DomainDef *live);
/* Under lock: is what QEMU last said of the balloon (dom->balloonBytes) what it would say now? Not while it may hold a change
 * back, and not when the definition has changed since: plugged memory moves the balloon without a word. */
gboolean qemuRefreshBalloonIsSettled(const QemuDomain *dom);
/* Without lock. FALSE: one of them failed; all have been waited for. */
gboolean qemuRefreshCollect(QemuRefresh *refresh, gint64 deadline, GError **err);
/* Under lock, with what was collected. */
void qemuRefreshApply(QemuDomain *dom, QemuRefresh *refresh);
void qemuRefreshClear(QemuRefresh *refresh);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuRefresh, qemuRefreshClear)

/* Paths of pseudo terminals and the port of the display into the live definition: qemu_process_chardev.c. */
void qemuProcessApplyPtys(DomainDef *live, GHashTable *ptys);
void qemuProcessApplyVnc(DomainDef *live, int port);

/* Has it a balloon device? */
gboolean qemuDomainHasBalloon(const DomainDef *def);

/* ---- before exec: qemu_process_prepare.c ---- */

/* The context of the command line for @def; its strings are owned here. */
typedef struct {
    QemuCommandContext context;
    char *memoryBackingFolder, *domainFolder, *shortName, *nvramFolder;
} QemuProcessContext;

void qemuProcessContextFill(QemuDriver *driver, const DomainDef *def, QemuProcessContext *context);
void qemuProcessContextClear(QemuProcessContext *context);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuProcessContext, qemuProcessContextClear)

/* VIR_ERR_SYSTEM_ERROR: the file that the user named for @device is not there. QEMU would make an empty one. */
gboolean qemuProcessCheckMemoryFile(const MemoryDeviceDef *device, GError **err);
/* Folders and files that QEMU expects, and their end. */
gboolean qemuProcessMakeFolders(QemuDriver *driver, const DomainDef *def, GError **err);
/* Under lock, given up meanwhile: those of dom->live go, and log says @how it ended. To free a guest's memory file takes time. */
void qemuProcessRemoveFiles(QemuDomain *dom, const char *how);
/* Where the firmware's variables are, into @def. */
void qemuProcessNameNvram(DomainDef *def, const char *folder);
/* They are copied there from their template the first time. */
gboolean qemuProcessMakeNvram(const DomainDef *def, const char *folder, GError **err);
/* The log, open for appending, with @argv and the time written; *@offset: where QEMU's own words begin. -1 on error. */
int qemuProcessOpenLog(QemuDriver *driver, const char *name, char *const *argv, char *const *env, gint64 *offset, GError **err);
/* QEMU's environment. Caller frees with g_strfreev. */
char **qemuProcessEnvironment(const DomainDef *def);
/* As QemuSpawn wants it: hard_limit, else no limit for locked memory. */
guint64 qemuProcessMemlockBytes(const DomainDef *def);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process.c: the life of a domain's QEMU: how it ends, and how it is found again after a restart of the daemon */
#define G_LOG_DOMAIN "qemu/qemu_process"
#include "qemu/qemu_process.h"

#include "qemu/qemu_cgroup.h"
#include "qemu/qemu_memchange.h"
#include "qemu/qemu_memjournal.h"
#include "qemu/qemu_memunplug.h"

#include "qemu/qemu_spawn.h"
#include "util/mem_file.h"

#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A domain's QEMU
 *
 *   (none) --start--> starting --cont or paused--> running <--reconnect-- found by its status file
 *                        |                            |
 *                        |  the starter puts away     |  a thread of its own puts away (onEnded)
 *                        v                            v
 *                     (none), shut off, with a reason and an event
 *
 * Who wants it to end calls qemuProcessEnd: SIGTERM now, SIGKILL later. Nobody but onEnded believes that it has ended: it is
 * told by the pidfd, and first lets the monitor say what QEMU still had to say (why it went). What is put away lies on disks, or
 * is memory that has to be freed: the loop does not wait for that. Until it is done the domain still counts as running. */

#define KILL_AFTER_MS 3000
#define GRACEFUL_WAIT_US (10 * G_USEC_PER_SEC)
#define KILLED_WAIT_US (10 * G_USEC_PER_SEC)
#define RECONNECT_THREADS 4
#define RECONNECT_WAIT_US (5 * G_USEC_PER_SEC)
#define CONNECT_AGAIN_US G_USEC_PER_SEC
#define WORDS_BYTES 2048

/* ---- last words ---- */

char *qemuProcessLastWords(QemuDomain *dom)
{
    g_autofree char *path = qemuStoreLogPath(dom->driver, dom->name);

    return g_strstrip(memFileTail(path, dom->process.logOffset, WORDS_BYTES));
}

/* ---- the end ---- */

/* What the log and the event say about each reason. */
typedef struct {
    int reason;                 /* virDomainShutoffReason */
    int detail;                 /* virDomainEventStoppedDetailType */
    const char *word;
} Ending;

static const Ending endings[] = {
    { VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, "shutdown" },
    { VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, "destroyed" },
    { VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_FAILED, "crashed" },
    { VIR_DOMAIN_SHUTOFF_FAILED, VIR_DOMAIN_EVENT_STOPPED_FAILED, "failed" },
    { VIR_DOMAIN_SHUTOFF_DAEMON, VIR_DOMAIN_EVENT_STOPPED_FAILED, "daemon" },
};

static const Ending *endingFor(int reason)
{
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (endings[i].reason == reason)
            return &endings[i];
    }
    return &endings[G_N_ELEMENTS(endings) - 1];
}

static void clearProcess(QemuDomain *dom)
{
    if (dom->process.watch)
        g_source_destroy(dom->process.watch);
    g_clear_pointer(&dom->process.watch, g_source_unref);
    if (dom->process.pidfd >= 0)
        close(dom->process.pidfd);
    if (dom->process.cgroup)
        qemuCgroupRemove(dom->process.cgroup);
    if (dom->process.cpuset)
        qemuCgroupRemove(dom->process.cpuset);
    g_free(dom->process.cgroup);
    g_free(dom->process.cpuset);
    memset(&dom->process, 0, sizeof dom->process);
    dom->process.pidfd = dom->process.exitStatus = -1;
}

static void clearRun(QemuDomain *dom)
{
    if (dom->mon)
        qemuMonitorClose(dom->mon);
    g_clear_pointer(&dom->mon, qemuMonitorUnref);
    g_clear_pointer(&dom->caps, qemuCapsUnref);
    clearProcess(dom);
    g_clear_pointer(&dom->vcpuThreads, g_array_unref);
    qemuMemUnplugForget(dom);
    dom->memUnsettled = dom->unasked = FALSE;
    g_clear_pointer(&dom->live, domainDefFree);
    dom->starting = dom->reconnecting = dom->rebooting = dom->autodestroy = dom->updated = FALSE;
    dom->client = NULL;
    dom->pauseReason = dom->runReason = dom->stopReason = -1;
    dom->balloonBytes = 0;
    dom->balloonToldUs = 0;
}

void qemuProcessCleanup(QemuDomain *dom, int reason)
{
    const Ending *ending = endingFor(reason);
    int detail = ending->detail;

    if (!dom->live)
        return;
    /* a guest that panicked has crashed in the guest's sense, a QEMU that vanished has failed */
    if (reason == VIR_DOMAIN_SHUTOFF_CRASHED && dom->state == VIR_DOMAIN_CRASHED)
        detail = VIR_DOMAIN_EVENT_STOPPED_CRASHED;
    g_info("%s: QEMU has ended: %s", dom->name, ending->word);
    qemuProcessRemoveFiles(dom, ending->word);
    qemuMemJournalRemove(dom);
    qemuStoreRemoveStatus(dom);
    clearRun(dom);
    qemuDomainListSetId(dom->driver->domains, dom, -1);
    g_atomic_int_dec_and_test(&dom->driver->active);
    qemuDomainSetState(dom, VIR_DOMAIN_SHUTOFF, reason);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_STOPPED, detail);
    if (!dom->config && !dom->storing)
        qemuDomainListRemove(dom->driver->domains, dom);
    g_cond_broadcast(&dom->changed);
}

/* Why it ended, as far as it is known. */
static int endReason(QemuDomain *dom)
{
    if (dom->stopReason >= 0)
        return dom->stopReason;
    if (dom->state == VIR_DOMAIN_SHUTDOWN)
        return VIR_DOMAIN_SHUTOFF_SHUTDOWN;
    return VIR_DOMAIN_SHUTOFF_CRASHED;
}

/* QemuTaskFunc. */
static void putAway(QemuDomain *dom, int reason)
{
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    qemuProcessCleanup(dom, reason);
}

/* Loop: the process is gone. */
static gboolean onEnded(gint fd, GIOCondition condition, gpointer data)
{
    QemuDomain *dom = data;
    g_autoptr(QemuDomain) keep = qemuDomainKeep(dom);
    g_autoptr(QemuMonitor) mon = NULL;

    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (dom->process.pidfd != fd)
            return G_SOURCE_REMOVE;
        mon = dom->mon ? qemuMonitorRef(dom->mon) : NULL;
    }
    if (mon)
        qemuMonitorDrain(mon);
    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (dom->process.pidfd != fd)
            return G_SOURCE_REMOVE;
        qemuSpawnReap(fd, &dom->process.exitStatus);
        dom->process.ended = TRUE;
        if (!dom->starting)
            qemuDriverQueueWaiting(dom, putAway, endReason(dom));
        g_cond_broadcast(&dom->changed);
    }
    return G_SOURCE_REMOVE;
}

gboolean qemuProcessWatch(QemuDomain *dom)
{
    int fd = qemuSpawnOpenPid(dom->process.pid, dom->process.startTime);
    struct pollfd ended = { .fd = fd, .events = POLLIN };

    if (fd < 0)
        return FALSE;
    dom->process.pidfd = fd;
    if (!dom->process.cgroup)
        dom->process.cgroup = qemuCgroupFind(dom->process.pid, NULL);
    if (!dom->process.cpuset)
        dom->process.cpuset = qemuCgroupFindNodes(dom->process.pid);
    if (poll(&ended, 1, 0) == 1 && !dom->starting)
        return FALSE;
    dom->process.watch = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(dom->process.watch, G_SOURCE_FUNC(onEnded), qemuDomainKeep(dom), (GDestroyNotify)qemuDomainRelease);
    g_source_attach(dom->process.watch, dom->driver->context);
    return TRUE;
}

/* ---- making it end ---- */

typedef struct {
    QemuDomain *dom;
    guint64 startTime;
} KillLater;

static void killLaterFree(gpointer data)
{
    KillLater *later = data;

    qemuDomainRelease(later->dom);
    g_free(later);
}

static gboolean onKillTime(gpointer data)
{
    KillLater *later = data;
    g_auto(QemuGuard) guard = qemuGuardLock(later->dom);

    if (later->dom->process.pidfd >= 0 && later->dom->process.startTime == later->startTime && !later->dom->process.ended) {
        g_warning("%s: QEMU does not end by itself and is killed", later->dom->name);
        qemuSpawnSignal(later->dom->process.pidfd, SIGKILL);
    }
    return G_SOURCE_REMOVE;
}

void qemuProcessKillLater(QemuDomain *dom)
{
    KillLater *later = g_new0(KillLater, 1);
    GSource *timer = g_timeout_source_new(KILL_AFTER_MS);

    later->dom = qemuDomainKeep(dom);
    later->startTime = dom->process.startTime;
    g_source_set_callback(timer, onKillTime, later, killLaterFree);
    g_source_attach(timer, dom->driver->context);
    g_source_unref(timer);
}

void qemuProcessEnd(QemuDomain *dom, int reason, gboolean graceful)
{
    if (dom->process.pidfd < 0 && dom->starting && dom->stopReason < 0)
        dom->stopReason = reason;               /* its starter looks before there is a process */
    if (dom->process.pidfd < 0 || dom->process.ended)
        return;
    if (dom->stopReason < 0) {
        /* on disk first: should the daemon die now, the next one goes on with it, and knows why it ended */
        dom->stopReason = reason;
        qemuStoreNoteStatus(dom);
    }
    qemuSpawnSignal(dom->process.pidfd, SIGTERM);
    if (!graceful)
        qemuProcessKillLater(dom);
}

gboolean qemuProcessDestroy(QemuDomain *dom, int reason, gboolean graceful, GError **err)
{
    const DomainDef *live = dom->live;
    gint64 deadline = g_get_monotonic_time() + (graceful ? GRACEFUL_WAIT_US : KILLED_WAIT_US);

    qemuProcessEnd(dom, reason, graceful);
    while (dom->live == live && live) {
        /* once it has ended, there is but a disk to wait for */
        gint64 until = dom->process.ended ? G_MAXINT64 : deadline;

        if (!g_cond_wait_until(&dom->changed, &dom->lock, until) && dom->live == live && !dom->process.ended) {
            dom->stopReason = -1;
            qemuStoreNoteStatus(dom);
            memErrorSet(err, VIR_ERR_OPERATION_FAILED, "QEMU of domain '%s' does not end within %d s", dom->name,
                        (int)((graceful ? GRACEFUL_WAIT_US : KILLED_WAIT_US) / G_USEC_PER_SEC));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean qemuProcessOpenMonitor(QemuDomain *dom, int fd, GError **err)
{
    dom->mon = qemuMonitorOpen(fd, dom->name, dom->driver->context, &qemuProcessCallbacks, qemuDomainKeep(dom),
                               err);
    if (!dom->mon)
        qemuDomainRelease(dom);
    return dom->mon != NULL;
}

/* ---- found again ---- */

/* Under lock: bring state in line with what QEMU says. */
static void reconcileState(QemuDomain *dom, const QemuRefresh *refresh)
{
    if (refresh->running) {
        if (dom->state != VIR_DOMAIN_RUNNING)
            qemuDomainSetState(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNKNOWN);
    } else if (g_strcmp0(refresh->status, "shutdown") == 0) {
        qemuDomainSetState(dom, VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN);
    } else if (g_strcmp0(refresh->status, "guest-panicked") == 0) {
        qemuDomainSetState(dom, VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED);
    } else if (g_strcmp0(refresh->status, "suspended") == 0) {
        qemuDomainSetState(dom, VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN);
    } else if (dom->state != VIR_DOMAIN_PAUSED) {
        qemuDomainSetState(dom, VIR_DOMAIN_PAUSED, g_strcmp0(refresh->status, "io-error") == 0 ? VIR_DOMAIN_PAUSED_IOERROR
                                                                                              : VIR_DOMAIN_PAUSED_UNKNOWN);
    }
}

/* Under lock: must a QEMU that was found end, and why? -1: no. @halfStarted: the daemon ended while starting it. */
static int doom(QemuDomain *dom, gboolean halfStarted)
{
    if (dom->stopReason >= 0)
        return dom->stopReason;
    /* nobody was ever told that it was there */
    if (halfStarted && dom->state != VIR_DOMAIN_RUNNING)
        return VIR_DOMAIN_SHUTOFF_FAILED;
    /* the client it belonged to went with the daemon */
    if (dom->autodestroy)
        return VIR_DOMAIN_SHUTOFF_DESTROYED;
    return dom->state == VIR_DOMAIN_SHUTDOWN ? VIR_DOMAIN_SHUTOFF_SHUTDOWN : -1;
}

typedef struct {
    QemuDomain *dom;
    QemuJob *job;               /* held until the answers are in and what was begun is settled */
    QemuRefresh refresh;
    guint news;                 /* memNews when it was asked */
    gboolean asked, halfStarted;
    gint64 deadline;
    GError *error;
} Reconnect;

static void reconnectFree(gpointer data)
{
    Reconnect *entry = data;

    qemuRefreshClear(&entry->refresh);
    g_clear_error(&entry->error);
    qemuDomainRelease(entry->dom);
    g_free(entry);
}

/* Under lock. */
static gboolean connectMonitor(QemuDomain *dom, GError **err)
{
    g_autofree char *path = qemuStoreMonitorPath(dom->driver, dom->live);
    int fd = qemuMonitorConnect(path, err);

    return fd >= 0 && qemuProcessOpenMonitor(dom, fd, err);
}

gboolean qemuProcessConnectAgain(QemuDomain *dom)
{
    while (dom->live && !dom->mon && !g_atomic_int_get(&dom->driver->closing)) {
        if (connectMonitor(dom, NULL))
            break;
        g_cond_wait_until(&dom->changed, &dom->lock, g_get_monotonic_time() + CONNECT_AGAIN_US);
    }
    return dom->live && dom->mon;
}

/* Under lock: connect and ask. */
static void reconnectAsk(Reconnect *entry)
{
    QemuDomain *dom = entry->dom;

    if (!connectMonitor(dom, &entry->error))
        return;
    entry->news = dom->memNews;
    qemuRefreshSend(dom, &entry->refresh, FALSE, TRUE);
    entry->asked = TRUE;
}

/* Under lock: QEMU has told what was true when @dom had heard @news. */
static void takeAnswers(QemuDomain *dom, QemuRefresh *refresh, guint news)
{
    reconcileState(dom, refresh);
    qemuRefreshApply(dom, refresh);
    dom->unasked = dom->memNews != news;
    qemuStoreNoteStatus(dom);
    g_info("%s: found as process %d", dom->name, (int)dom->process.pid);
}

gboolean qemuProcessAskAgain(QemuDomain *dom, GError **err)
{
    g_auto(QemuRefresh) refresh = { 0 };
    const DomainDef *live = dom->live;
    guint news = dom->memNews;
    gboolean answered;
    int reason;

    qemuRefreshSend(dom, &refresh, FALSE, TRUE);
    g_mutex_unlock(&dom->lock);
    answered = qemuRefreshCollect(&refresh, g_get_monotonic_time() + dom->driver->answerWaitUs, err);
    g_mutex_lock(&dom->lock);
    if (!answered || !qemuDomainStillRuns(dom, live, err))
        return FALSE;
    takeAnswers(dom, &refresh, news);
    reason = doom(dom, FALSE);
    if (reason >= 0)
        qemuProcessEnd(dom, reason, FALSE);
    return TRUE;
}

static void reconnectFinish(Reconnect *entry)
{
    gboolean answered = entry->asked && qemuRefreshCollect(&entry->refresh, entry->deadline, &entry->error);
    QemuDomain *dom = entry->dom;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    g_autoptr(QemuJob) job = g_steal_pointer(&entry->job);
    g_autoptr(GError) problem = NULL;
    int reason;

    if (!dom->live)
        return;
    if (answered) {
        takeAnswers(dom, &entry->refresh, entry->news);
    } else {
        dom->unasked = TRUE;
        g_warning("%s: process %d runs, but its monitor does not answer: %s", dom->name, (int)dom->process.pid,
                  entry->error->message);
    }
    reason = doom(dom, entry->halfStarted);
    if (reason >= 0) {
        /* not shown as running any more: whoever asks waits for its end */
        qemuProcessEnd(dom, reason, FALSE);
        return;
    }
    /* still with the job: nobody begins anything new before what was begun is settled */
    if (!answered || !qemuMemChangeRecover(dom, &problem)) {
        if (problem)
            g_warning("%s: %s", dom->name, problem->message);
        if (dom->live)
            qemuMemChangeSettleLater(dom);
    }
    dom->reconnecting = FALSE;
    g_cond_broadcast(&dom->changed);
}

/* On a thread of its own, since it waits for answers that the loop brings. */
static void reconnectWait(gpointer data, gpointer unused)
{
    reconnectFinish(data);
    reconnectFree(data);
}

void qemuProcessReconnectAll(QemuDriver *driver)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);

    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);
        Reconnect *entry;
        gboolean halfStarted = dom->starting;

        if (!dom->live)
            continue;
        g_atomic_int_inc(&driver->active);
        /* the starter that would have put it away is no more */
        dom->starting = FALSE;
        if (!qemuProcessWatch(dom)) {
            qemuProcessCleanup(dom, halfStarted ? VIR_DOMAIN_SHUTOFF_FAILED : endReason(dom));
            continue;
        }
        entry = g_new0(Reconnect, 1);
        entry->dom = qemuDomainKeep(dom);
        entry->job = qemuJobBegin(dom, "find again", NULL);
        entry->halfStarted = halfStarted;
        entry->deadline = g_get_monotonic_time() + RECONNECT_WAIT_US;
        reconnectAsk(entry);
        /* several threads: a guest that does not answer keeps one, and the others go on */
        if (!driver->reconnecting)
            driver->reconnecting = g_thread_pool_new(reconnectWait, NULL, RECONNECT_THREADS, FALSE, NULL);
        g_thread_pool_push(driver->reconnecting, entry, NULL);
    }
}

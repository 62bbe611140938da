/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process_start.c: from a definition to a running QEMU in one round trip */
#define G_LOG_DOMAIN "qemu/qemu_process_start"
#include "qemu/qemu_process.h"

#include "conf/graphics_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "qemu/qemu_cgroup.h"
#include "qemu/qemu_command_memory.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_host.h"
#include "qemu/qemu_interface.h"
#include "qemu/qemu_memjournal.h"
#include "qemu/qemu_spawn.h"
#include "util/mem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The order, and why: everything that can be refused without a process comes first. Then the monitor's socket is there before
 * QEMU is, so that connecting needs no waiting, and all questions are sent before QEMU has even read its arguments; it answers
 * them in order when it gets to them. */

#define US_PER_PREALLOCATED_GIB G_USEC_PER_SEC
#define LOST_WAIT_US G_USEC_PER_SEC

/* What lives only during a start. */
typedef struct {
    QemuDomain *dom;                /* borrowed */
    QemuCaps *caps;
    QemuProcessContext context;
    char **argv, **env;
    int listenFd, logFd;
    QemuInterfaceFds *interfaces;
    gsize ninterfaces;
    GArray *passFds;                /* int, -1 at the end */
    GPtrArray *setup;               /* QemuMonitorCall *: to be waited for, answers of no interest */
    QemuRefresh refresh;
} Start;

static void startClear(Start *start)
{
    for (guint i = 0; start->setup && i < start->setup->len; i++)
        qemuMonitorForget(g_ptr_array_index(start->setup, i));
    g_clear_pointer(&start->setup, g_ptr_array_unref);
    qemuRefreshClear(&start->refresh);
    if (start->listenFd >= 0)
        close(start->listenFd);
    if (start->logFd >= 0)
        close(start->logFd);
    if (start->interfaces)
        qemuInterfaceClose(start->interfaces, start->ninterfaces);
    g_clear_pointer(&start->passFds, g_array_unref);
    g_clear_pointer(&start->argv, g_strfreev);
    g_clear_pointer(&start->env, g_strfreev);
    qemuProcessContextClear(&start->context);
    g_clear_pointer(&start->caps, qemuCapsUnref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Start, startClear)

/* ---- before the process ---- */

/* The domain counts as active from here on; qemuProcessCleanup takes it back. */
static void becomeActive(QemuDomain *dom, DomainDef *live)
{
    QemuDriver *driver = dom->driver;

    live->id = g_atomic_int_add(&driver->lastId, 1) + 1;
    g_atomic_int_inc(&driver->active);
    dom->live = live;
    dom->starting = TRUE;
    qemuDomainListSetId(driver->domains, dom, live->id);
    qemuDomainSetState(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP);
}

/* Give *@fd a number that QEMU can have it under, too, and note it. */
static gboolean passFd(Start *start, int *fd, GError **err)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, QEMU_SPAWN_FIRST_PASSED);

    if (high < 0) {
        memErrorSetSystem(err, errno, "cannot hand an interface to QEMU");
        return FALSE;
    }
    close(*fd);
    *fd = high;
    g_array_append_val(start->passFds, high);
    return TRUE;
}

static gboolean openInterfaces(Start *start, GError **err)
{
    DomainDef *live = start->dom->live;
    const int end = -1;

    start->passFds = g_array_new(FALSE, FALSE, sizeof(int));
    start->interfaces = qemuInterfaceOpen(live, live->virtType == DOMAIN_VIRT_KVM, err);
    if (!start->interfaces)
        return FALSE;
    start->ninterfaces = live->nnets;
    for (gsize i = 0; i < start->ninterfaces; i++) {
        for (gsize k = 0; k < start->interfaces[i].count; k++) {
            if (!passFd(start, &start->interfaces[i].tap[k], err))
                return FALSE;
        }
        for (gsize k = 0; k < start->interfaces[i].vhostCount; k++) {
            if (!passFd(start, &start->interfaces[i].vhost[k], err))
                return FALSE;
        }
    }
    g_array_append_val(start->passFds, end);
    start->context.context.interfaceFds = start->interfaces;
    return TRUE;
}

/* The lock was given up: whoever wanted the guest to end found no process to signal, and left word. */
static gboolean wasNotEnded(QemuDomain *dom, GError **err)
{
    if (dom->stopReason < 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' was destroyed while it started", dom->name);
    return FALSE;
}

/* Under lock, given up meanwhile: nobody but the starter changes the live definition before there is a process. */
static gboolean prepareFiles(Start *start, GError **err)
{
    QemuDomain *dom = start->dom;
    QemuDriver *driver = dom->driver;
    const DomainDef *live = dom->live;
    g_autofree char *socket = qemuStoreMonitorPath(driver, live);
    gint64 logOffset = 0;

    g_mutex_unlock(&dom->lock);
    if (qemuProcessMakeNvram(live, start->context.nvramFolder, err) && qemuProcessMakeFolders(driver, live, err) &&
        (start->listenFd = qemuMonitorListen(socket, err)) >= 0)
        start->logFd = qemuProcessOpenLog(driver, dom->name, start->argv, start->env, &logOffset, err);
    g_mutex_lock(&dom->lock);
    dom->process.logOffset = logOffset;
    return start->logFd >= 0 && wasNotEnded(dom, err);
}

static gboolean prepare(Start *start, GError **err)
{
    QemuDomain *dom = start->dom;
    QemuDriver *driver = dom->driver;

    if (!qemuDomainPrepare(dom->live, start->caps, err))
        return FALSE;
    qemuProcessContextFill(driver, dom->live, &start->context);
    if (dom->live->nnets > 0 && !openInterfaces(start, err))
        return FALSE;
    if (!qemuInterfaceChooseVncPorts(dom->live, start->context.context.defaultVncListen, err))
        return FALSE;
    qemuProcessNameNvram(dom->live, start->context.nvramFolder);
    qemuCommandNameChannels(dom->live, &start->context.context);
    start->argv = qemuCommandBuild(dom->live, start->caps, &start->context.context, err);
    if (!start->argv)
        return FALSE;
    start->env = qemuProcessEnvironment(dom->live);
    return prepareFiles(start, err);
}

/* ---- the process ---- */

/* A guest without limits does without a group on hosts where there can be none; a limit that nobody keeps is refused. */
static gboolean enterCgroup(QemuDomain *dom, pid_t pid, GError **err)
{
    const MemtuneDef *tune = &dom->live->memtune;
    g_autoptr(GError) problem = NULL;
    char uuid[QEMU_UUID_TEXT];

    dom->process.cgroup = qemuCgroupEnter(pid, qemuUuidFormat(dom->uuid, uuid), &problem);
    if (dom->process.cgroup)
        return qemuCgroupSetLimits(dom->process.cgroup, tune, err);
    if (!memtuneDefHasLimit(tune)) {
        g_info("%s: %s", dom->name, problem->message);
        return TRUE;
    }
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the limits of '<memtune>' cannot be kept: %s", problem->message);
    return FALSE;
}

/* In mode 'restrictive' nothing but the group keeps a guest on its nodes. Where it may have them all there is nothing to keep. */
static gboolean enterNodes(QemuDomain *dom, pid_t pid, GError **err)
{
    const NumaDef *numa = &dom->live->numa;
    g_autoptr(MemBitmap) all = qemuHostNodes();
    g_autoptr(GError) problem = NULL;
    char uuid[QEMU_UUID_TEXT];

    if (!numa->hasMemory || numa->mode != NUMA_MODE_RESTRICTIVE || !numa->nodes)
        return TRUE;
    dom->process.cpuset = qemuCgroupSetNodes(pid, qemuUuidFormat(dom->uuid, uuid), numa->nodes, &problem);
    if (dom->process.cpuset || memBitmapEqual(all, numa->nodes))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "mode 'restrictive' of '<numatune>' cannot be kept: %s", problem->message);
    return FALSE;
}

/* Without lock. */
static gboolean noteProcess(pid_t pid, gpointer opaque, GError **err)
{
    QemuDomain *dom = opaque;
    QemuSpawnStat stat;
    g_autoptr(GMutexLocker) locker = NULL;

    if (!qemuSpawnStat(pid, 0, &stat)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "process %d of domain '%s' is gone already", (int)pid, dom->name);
        return FALSE;
    }
    locker = g_mutex_locker_new(&dom->lock);
    dom->process.pid = pid;
    dom->process.startTime = stat.startTime;
    return enterCgroup(dom, pid, err) && enterNodes(dom, pid, err) && qemuStoreSaveStatus(dom, err);
}

/* Under lock, given up while the program is read from its disk. */
static gboolean spawn(Start *start, GError **err)
{
    QemuDomain *dom = start->dom;
    pid_t pid;
    const QemuSpawn plan = {
        .argv = start->argv,
        .env = start->env,
        .monitorFd = start->listenFd,
        .logFd = start->logFd,
        .passFds = start->passFds ? (const int *)start->passFds->data : NULL,
        .memlockBytes = qemuProcessMemlockBytes(dom->live),
        .memlockOptional = !dom->live->backing.locked,
        .cpuset = dom->live->vcpus.cpuset,
        .beforeExec = noteProcess,
        .opaque = dom,
    };

    g_mutex_unlock(&dom->lock);
    pid = qemuSpawnStart(&plan, err);
    g_mutex_lock(&dom->lock);
    if (pid < 0) {
        dom->process.pid = 0;
        return FALSE;
    }
    if (qemuProcessWatch(dom))
        return wasNotEnded(dom, err);
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "process %d of domain '%s' cannot be watched", (int)dom->process.pid, dom->name);
    return FALSE;
}

static gboolean connectMonitor(Start *start, GError **err)
{
    QemuDomain *dom = start->dom;
    g_autofree char *path = qemuStoreMonitorPath(dom->driver, dom->live);
    int fd = qemuMonitorConnect(path, err);

    /* ours must go: as long as it is open, nobody would notice that QEMU ended without having listened */
    close(start->listenFd);
    start->listenFd = -1;
    return fd >= 0 && qemuProcessOpenMonitor(dom, fd, err);
}

/* ---- the first questions ---- */

static void setup(Start *start, QemuMonitorCall *call)
{
    g_ptr_array_add(start->setup, call);
}

/* TRUE: the guest begins with less than its memory. */
static gboolean sendBalloon(Start *start)
{
    QemuDomain *dom = start->dom;
    const MemballoonDef *balloon = dom->live->balloon;
    guint64 targetKib = dom->live->memory.currentKib;
    MemJson *arguments;

    if (balloon->periodSeconds > 0) {
        g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", balloon->info.alias);

        setup(start, qemuMonitorSendQomSet(dom->mon, path, "guest-stats-polling-interval",
                                           json_object_new_int64(balloon->periodSeconds)));
    }
    /* the target may count virtio-mem devices, which the balloon does not: at or above all it has, there is nothing to say */
    if (targetKib >= qemuRefreshWholeBalloonKib(dom->live))
        return FALSE;
    arguments = memJsonNew();
    memJsonAddUint64(arguments, "value", targetKib * 1024);
    setup(start, qemuMonitorSend(dom->mon, "balloon", arguments));
    return TRUE;
}

/* What no option of QEMU's command line says: unplugged network cables, passwords. */
static void sendDevices(Start *start)
{
    const DomainDef *live = start->dom->live;

    for (gsize i = 0; i < live->nnets; i++) {
        MemJson *arguments;

        if (live->nets[i]->link != NET_LINK_DOWN)
            continue;
        arguments = memJsonNew();
        memJsonAddString(arguments, "name", live->nets[i]->info.alias);
        memJsonAddBool(arguments, "up", FALSE);
        setup(start, qemuMonitorSend(start->dom->mon, "set_link", arguments));
    }
    for (gsize i = 0; i < live->ngraphics; i++) {
        MemJson *arguments;

        if (!live->graphics[i]->password || live->graphics[i]->listen == GRAPHICS_LISTEN_NONE)
            continue;
        arguments = memJsonNew();
        memJsonAddString(arguments, "protocol", "vnc");
        memJsonAddString(arguments, "password", live->graphics[i]->password);
        setup(start, qemuMonitorSend(start->dom->mon, "set_password", arguments));
    }
}

static void sendQuestions(Start *start)
{
    QemuDomain *dom = start->dom;
    g_auto(GStrv) contexts = qemuCommandMemoryThreadContexts(dom->live, start->caps, &start->context.context);
    gboolean balloon = FALSE;

    start->setup = g_ptr_array_new();
    if (qemuDomainHasBalloon(dom->live))
        balloon = sendBalloon(start);
    sendDevices(start);
    for (gsize i = 0; contexts && contexts[i]; i++) {
        MemJson *arguments = memJsonNew();

        memJsonAddString(arguments, "id", contexts[i]);
        setup(start, qemuMonitorSend(dom->mon, "object-del", arguments));
    }
    qemuRefreshSend(dom, &start->refresh, TRUE, balloon);
}

/* Without lock. All are waited for; the first failure counts. */
static gboolean collectAnswers(Start *start, gint64 deadline, GError **err)
{
    g_autoptr(GError) first = NULL;

    while (start->setup->len > 0) {
        QemuMonitorCall *call = g_ptr_array_steal_index(start->setup, 0);

        memJsonFree(qemuMonitorWait(call, deadline, NULL, first ? NULL : &first));
    }
    if (!qemuRefreshCollect(&start->refresh, deadline, first ? NULL : &first) || first) {
        g_propagate_error(err, g_steal_pointer(&first));
        return FALSE;
    }
    return TRUE;
}

static gint64 startDeadline(const QemuDomain *dom)
{
    const DomainDef *live = dom->live;
    gint64 wait = dom->driver->startTimeoutUs;

    /* filling memory page by page happens before QEMU answers */
    if (live->backing.hugepages || live->backing.locked || live->backing.allocation == MEMORY_ALLOCATION_IMMEDIATE)
        wait += (gint64)(live->memory.totalKib >> 20) * US_PER_PREALLOCATED_GIB;
    return g_get_monotonic_time() + wait;
}

/* Under lock, given up while waiting. */
static gboolean interview(Start *start, GError **err)
{
    QemuDomain *dom = start->dom;
    gint64 deadline = startDeadline(dom);
    gboolean fine;

    sendQuestions(start);
    g_mutex_unlock(&dom->lock);
    fine = collectAnswers(start, deadline, err);
    g_mutex_lock(&dom->lock);
    if (!fine)
        return FALSE;
    if (dom->process.ended || dom->stopReason >= 0) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' was ended while it started", dom->name);
        return FALSE;
    }
    qemuRefreshApply(dom, &start->refresh);
    return TRUE;
}

static gboolean letRun(QemuDomain *dom, GError **err)
{
    QemuMonitor *mon = qemuMonitorRef(dom->mon);
    gboolean fine;

    dom->runReason = VIR_DOMAIN_RUNNING_BOOTED;
    g_mutex_unlock(&dom->lock);
    fine = qemuMonitorCont(mon, QEMU_ANSWER_DEADLINE, err);
    g_mutex_lock(&dom->lock);
    qemuMonitorUnref(mon);
    return fine;
}

/* ---- failure ---- */

/* Under lock: wait until the loop has seen the end. */
static void waitEnded(QemuDomain *dom, gint64 deadline)
{
    while (dom->process.watch && !dom->process.ended) {
        if (!g_cond_wait_until(&dom->changed, &dom->lock, deadline))
            return;
    }
}

/* How the process ended by itself. Caller frees. */
static char *describeEnd(int status)
{
    if (status >= 0 && WIFEXITED(status))
        return g_strdup_printf("exit status %d", WEXITSTATUS(status));
    if (status >= 0 && WIFSIGNALED(status))
        return g_strdup_printf("signal %d", WTERMSIG(status));
    return g_strdup("status unknown");
}

/* Under lock: the error that tells most, made of @cause and what QEMU said. */
static GError *explain(QemuDomain *dom, const GError *cause)
{
    g_autofree char *words = qemuProcessLastWords(dom);
    g_autofree char *how = describeEnd(dom->process.exitStatus);
    int code = memErrorCode(cause);

    if (dom->stopReason >= 0)
        return g_error_new(MEM_ERROR, VIR_ERR_OPERATION_FAILED, "domain '%s' was destroyed while it started", dom->name);
    if (dom->process.ended && code == VIR_ERR_OPERATION_FAILED)
        return g_error_new(MEM_ERROR, VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' ended while starting (%s): %s", dom->name, how,
                           *words ? words : "it said nothing");
    if (*words)
        return g_error_new(MEM_ERROR, code, "%s: %s", cause->message, words);
    return g_error_copy(cause);
}

static void failed(QemuDomain *dom, GError *cause, GError **err)
{
    GError *error;

    if (dom->process.pidfd >= 0) {
        /* a lost connection means that it is on its way out: let it say how */
        if (memErrorCode(cause) == VIR_ERR_OPERATION_FAILED)
            waitEnded(dom, g_get_monotonic_time() + LOST_WAIT_US);
        error = explain(dom, cause);
        if (!dom->process.ended)
            qemuSpawnSignal(dom->process.pidfd, SIGKILL);
        waitEnded(dom, G_MAXINT64);
    } else {
        error = g_error_copy(cause);
        if (dom->process.pid > 0)
            kill(dom->process.pid, SIGKILL);
    }
    g_error_free(cause);
    g_propagate_error(err, error);
    qemuProcessCleanup(dom, dom->stopReason >= 0 ? dom->stopReason : VIR_DOMAIN_SHUTOFF_FAILED);
}

/* ---- all of it ---- */

static gboolean run(Start *start, gboolean paused, GError **err)
{
    QemuDomain *dom = start->dom;

    if (!prepare(start, err) || !spawn(start, err) || !connectMonitor(start, err) || !interview(start, err))
        return FALSE;
    return paused || letRun(dom, err);
}

static void started(QemuDomain *dom, gboolean paused)
{
    dom->starting = FALSE;
    if (paused)
        qemuDomainSetState(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    else if (dom->state == VIR_DOMAIN_PAUSED && dom->reason == VIR_DOMAIN_PAUSED_STARTING_UP)
        qemuDomainSetState(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
    if (paused)
        qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
    qemuStoreNoteStatus(dom);
    g_info("%s: started as process %d", dom->name, (int)dom->process.pid);
}

gboolean qemuProcessStart(QemuDomain *dom, DomainDef *def, unsigned flags, gpointer client, GError **err)
{
    g_auto(Start) start = { .dom = dom, .listenFd = -1, .logFd = -1 };
    g_autoptr(DomainDef) owned = def;
    gboolean paused = (flags & VIR_DOMAIN_START_PAUSED) != 0;
    GError *error = NULL;

    g_mutex_unlock(&dom->lock);
    start.caps = qemuDriverCapsFor(dom->driver, def, err);
    g_mutex_lock(&dom->lock);
    if (!start.caps)
        return FALSE;
    becomeActive(dom, g_steal_pointer(&owned));
    dom->caps = qemuCapsRef(start.caps);
    dom->autodestroy = (flags & VIR_DOMAIN_START_AUTODESTROY) != 0;
    dom->client = dom->autodestroy ? client : NULL;
    /* of another run, which the daemon lost sight of */
    qemuMemJournalRemove(dom);
    if (!run(&start, paused, &error)) {
        failed(dom, error, err);
        return FALSE;
    }
    started(dom, paused);
    /* the loop left it to us while it was starting */
    if (dom->process.ended)
        qemuProcessCleanup(dom, dom->stopReason >= 0 ? dom->stopReason : VIR_DOMAIN_SHUTOFF_CRASHED);
    return TRUE;
}

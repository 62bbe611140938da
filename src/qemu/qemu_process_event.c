/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process_event.c: what QEMU says by itself: one handler per event, in a table sorted by name */
#define G_LOG_DOMAIN "qemu/qemu_process_event"
#include "qemu/qemu_process.h"

#include "qemu/qemu_memevent.h"
#include "util/mem_units.h"

#include <stdlib.h>
#include <string.h>

/* Handlers run on the loop thread under the domain's lock: they note, queue events for clients, and send what needs no
 * answer. Nothing here waits. */
typedef void (*Handler)(QemuDomain *dom, MemJson *data);

static void order(QemuDomain *dom, const char *command)
{
    if (dom->mon)
        qemuMonitorForget(qemuMonitorSend(dom->mon, command, NULL));
}

/* The guest stood still after its shutdown or panic: let it begin again. */
static void beginAgain(QemuDomain *dom)
{
    dom->rebooting = FALSE;
    dom->runReason = VIR_DOMAIN_RUNNING_BOOTED;
    order(dom, "system_reset");
    order(dom, "cont");
}

/* ---- run state ---- */

static void onShutdown(QemuDomain *dom, MemJson *data)
{
    gboolean guest = FALSE;
    int detail = VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED;

    if (dom->state == VIR_DOMAIN_SHUTDOWN)
        return;
    if (memJsonGetBool(data, "guest", &guest))
        detail = guest ? VIR_DOMAIN_EVENT_SHUTDOWN_GUEST : VIR_DOMAIN_EVENT_SHUTDOWN_HOST;
    /* on the way to a reboot it is no end, and is not told */
    if (dom->stopReason < 0 && (dom->rebooting || dom->live->onPoweroff == DOMAIN_ACTION_RESTART)) {
        beginAgain(dom);
        return;
    }
    qemuDomainSetState(dom, VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_SHUTDOWN, detail);
    qemuStoreNoteStatus(dom);
    if (!dom->starting)
        qemuProcessEnd(dom, VIR_DOMAIN_SHUTOFF_SHUTDOWN, FALSE);
}

static void onStop(QemuDomain *dom, MemJson *data)
{
    int reason = dom->pauseReason >= 0 ? dom->pauseReason : VIR_DOMAIN_PAUSED_UNKNOWN;
    int detail = VIR_DOMAIN_EVENT_SUSPENDED_PAUSED;

    dom->pauseReason = -1;
    if (dom->state != VIR_DOMAIN_RUNNING)
        return;
    if (reason == VIR_DOMAIN_PAUSED_IOERROR)
        detail = VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;
    else if (reason == VIR_DOMAIN_PAUSED_WATCHDOG)
        detail = VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG;
    qemuDomainSetState(dom, VIR_DOMAIN_PAUSED, reason);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_SUSPENDED, detail);
    qemuStoreNoteStatus(dom);
}

static void onResume(QemuDomain *dom, MemJson *data)
{
    int reason = dom->runReason >= 0 ? dom->runReason : VIR_DOMAIN_RUNNING_UNPAUSED;

    dom->runReason = -1;
    if (dom->state == VIR_DOMAIN_RUNNING)
        return;
    qemuDomainSetState(dom, VIR_DOMAIN_RUNNING, reason);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
    qemuStoreNoteStatus(dom);
}

static void onReset(QemuDomain *dom, MemJson *data)
{
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_REBOOT });
    if (dom->live->onReboot == DOMAIN_ACTION_DESTROY)
        qemuProcessEnd(dom, VIR_DOMAIN_SHUTOFF_SHUTDOWN, FALSE);
}

static void onPanic(QemuDomain *dom, MemJson *data)
{
    if (dom->state == VIR_DOMAIN_CRASHED)
        return;
    qemuDomainSetState(dom, VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED);
    qemuStoreNoteStatus(dom);
    switch (dom->live->onCrash) {
    case DOMAIN_ACTION_DESTROY:
    case DOMAIN_ACTION_COREDUMP_DESTROY:
        qemuProcessEnd(dom, VIR_DOMAIN_SHUTOFF_CRASHED, FALSE);
        break;
    case DOMAIN_ACTION_RESTART:
    case DOMAIN_ACTION_RESTART_RENAME:
    case DOMAIN_ACTION_COREDUMP_RESTART:
        beginAgain(dom);
        break;
    case DOMAIN_ACTION_PRESERVE:
    case DOMAIN_ACTION_LAST:
        break;
    }
}

static void onSuspend(QemuDomain *dom, MemJson *data)
{
    if (dom->state != VIR_DOMAIN_RUNNING)
        return;
    qemuDomainSetState(dom, VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY);
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_PMSUSPEND });
    qemuStoreNoteStatus(dom);
}

static void onSuspendDisk(QemuDomain *dom, MemJson *data)
{
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK });
}

static void onWakeup(QemuDomain *dom, MemJson *data)
{
    if (dom->state == VIR_DOMAIN_PMSUSPENDED) {
        qemuDomainSetState(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_WAKEUP);
        qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP);
        qemuStoreNoteStatus(dom);
    }
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_PMWAKEUP });
}

/* ---- clock, watchdog, disks ---- */

static void onRtcChange(QemuDomain *dom, MemJson *data)
{
    gint64 offset = 0;

    if (memJsonGetInt(data, "offset", &offset))
        qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_RTC_CHANGE, .value = (guint64)offset });
}

static void onWatchdog(QemuDomain *dom, MemJson *data)
{
    static const struct {
        const char *name;
        int action;
    } actions[] = {
        { "none", VIR_DOMAIN_EVENT_WATCHDOG_NONE },         { "pause", VIR_DOMAIN_EVENT_WATCHDOG_PAUSE },
        { "reset", VIR_DOMAIN_EVENT_WATCHDOG_RESET },       { "poweroff", VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF },
        { "shutdown", VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN }, { "debug", VIR_DOMAIN_EVENT_WATCHDOG_DEBUG },
        { "inject-nmi", VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI },
    };
    const char *name = memJsonGetString(data, "action");
    int action = VIR_DOMAIN_EVENT_WATCHDOG_NONE;

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (g_strcmp0(name, actions[i].name) == 0)
            action = actions[i].action;
    }
    if (action == VIR_DOMAIN_EVENT_WATCHDOG_PAUSE)
        dom->pauseReason = VIR_DOMAIN_PAUSED_WATCHDOG;
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_WATCHDOG, .event = action });
}

static void onBlockIoError(QemuDomain *dom, MemJson *data)
{
    const char *name = memJsonGetString(data, "action");
    const char *device = memJsonGetString(data, "device");
    int action = VIR_DOMAIN_EVENT_IO_ERROR_NONE;

    if (g_strcmp0(name, "stop") == 0) {
        action = VIR_DOMAIN_EVENT_IO_ERROR_PAUSE;
        dom->pauseReason = VIR_DOMAIN_PAUSED_IOERROR;
    } else if (g_strcmp0(name, "report") == 0) {
        action = VIR_DOMAIN_EVENT_IO_ERROR_REPORT;
    }
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_IO_ERROR, .event = action, .text1 = (char *)"",
                                    .text2 = (char *)(device ? device : "") });
}

static void onTray(QemuDomain *dom, MemJson *data)
{
    gboolean open = FALSE;
    const char *id = memJsonGetString(data, "id");

    if (id && memJsonGetBool(data, "tray-open", &open))
        qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, .text1 = (char *)id,
                                        .event = open ? VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN
                                                      : VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE });
}

/* ---- memory ---- */

static void onBalloonChange(QemuDomain *dom, MemJson *data)
{
    guint64 bytes, kib;

    if (!memJsonGetUint64(data, "actual", &bytes))
        return;
    kib = memUnitsBytesToKib(bytes);
    dom->balloonBytes = bytes;
    dom->balloonToldUs = g_get_monotonic_time();
    dom->memNews++;
    dom->live->memory.currentKib = kib + domainDefVirtioMemCurrentKib(dom->live);
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, .value = kib });
    qemuStoreNoteStatus(dom);
}

static void onSizeChange(QemuDomain *dom, MemJson *data)
{
    const char *id = memJsonGetString(data, "id");
    guint64 bytes;

    if (!id || !memJsonGetUint64(data, "size", &bytes))
        return;
    for (gsize i = 0; i < dom->live->nmemories; i++) {
        MemoryDeviceDef *device = dom->live->memories[i];
        guint64 kib = memUnitsBytesToKib(bytes);

        if (device->model != MEMORY_DEVICE_VIRTIO_MEM || g_strcmp0(device->info.alias, id) != 0)
            continue;
        dom->live->memory.currentKib += kib - device->currentKib;
        device->currentKib = kib;
        dom->memNews++;
        qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, .text1 = (char *)id, .value = kib });
        qemuStoreNoteStatus(dom);
    }
}

static void onMemoryFailure(QemuDomain *dom, MemJson *data)
{
    static const char *const actions[] = { "ignore", "inject", "fatal", "reset" };
    const char *recipient = memJsonGetString(data, "recipient");
    const char *action = memJsonGetString(data, "action");
    MemJson *flags = memJsonGet(data, "flags");
    gboolean must = FALSE, recursive = FALSE;
    QemuEvent event = { .id = VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE };

    event.event = g_strcmp0(recipient, "guest") == 0 ? VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_GUEST
                                                     : VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_HYPERVISOR;
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (g_strcmp0(action, actions[i]) == 0)
            event.detail = (int)i;
    }
    memJsonGetBool(flags, "action-required", &must);
    memJsonGetBool(flags, "recursive", &recursive);
    event.flags = (must ? VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED : 0u) | (recursive ? VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE : 0u);
    qemuEventAdd(dom, &event);
}

/* ---- the table ---- */

typedef struct {
    const char *name;
    Handler handler;
} Row;

static const Row handlers[] = {
    { "ACPI_DEVICE_OST", qemuMemEventAcpiOst },
    { "BALLOON_CHANGE", onBalloonChange },
    { "BLOCK_IO_ERROR", onBlockIoError },
    { "DEVICE_DELETED", qemuMemEventDeviceDeleted },
    { "DEVICE_TRAY_MOVED", onTray },
    { "DEVICE_UNPLUG_GUEST_ERROR", qemuMemEventUnplugGuestError },
    { "GUEST_PANICKED", onPanic },
    { "MEMORY_DEVICE_SIZE_CHANGE", onSizeChange },
    { "MEMORY_FAILURE", onMemoryFailure },
    { "MEM_UNPLUG_ERROR", qemuMemEventUnplugError },
    { "RESET", onReset },
    { "RESUME", onResume },
    { "RTC_CHANGE", onRtcChange },
    { "SHUTDOWN", onShutdown },
    { "STOP", onStop },
    { "SUSPEND", onSuspend },
    { "SUSPEND_DISK", onSuspendDisk },
    { "WAKEUP", onWakeup },
    { "WATCHDOG", onWatchdog },
};

static int compareName(const void *name, const void *row)
{
    return strcmp(name, ((const Row *)row)->name);
}

static void tellMonitorEvent(QemuDomain *dom, const char *name, gint64 seconds, unsigned micros, MemJson *data)
{
    g_autofree char *details = data ? memJsonFormat(data) : NULL;

    qemuEventAdd(dom, &(QemuEvent){ .id = QEMU_EVENT_MONITOR, .text1 = (char *)name, .text2 = details, .seconds = seconds,
                                    .micros = micros });
}

static void onEvent(QemuMonitor *mon, const char *name, gint64 seconds, unsigned micros, MemJson *data, gpointer opaque)
{
    QemuDomain *dom = opaque;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    const Row *row;

    if (dom->mon != mon || !dom->live)
        return;
    tellMonitorEvent(dom, name, seconds, micros, data);
    row = bsearch(name, handlers, G_N_ELEMENTS(handlers), sizeof handlers[0], compareName);
    if (row)
        row->handler(dom, data);
}

static void onClosed(QemuMonitor *mon, const char *why, gpointer opaque)
{
    QemuDomain *dom = opaque;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    if (dom->mon != mon || dom->process.ended)
        return;
    g_info("%s: %s", dom->name, why);
    /* as a rule it is about to end; one that lives on without a monitor can be neither used nor asked */
    if (!dom->starting)
        qemuProcessKillLater(dom);
}

static void onRelease(gpointer opaque)
{
    qemuDomainRelease(opaque);
}

const QemuMonitorCallbacks qemuProcessCallbacks = {
    .event = onEvent,
    .closed = onClosed,
    .release = onRelease,
};

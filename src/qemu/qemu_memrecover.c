/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memrecover.c: memory changes that a crash or a slow guest left open: ask QEMU, finish or undo */
#define G_LOG_DOMAIN "qemu/qemu_memrecover"
#include "qemu/qemu_memchange.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_memhotplug.h"
#include "qemu/qemu_process.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

/* What QEMU has at this moment. */
typedef struct {
    char **devices;             /* below /machine/peripheral */
    char **objects;             /* below /objects */
    QemuCaps *caps;             /* to know by what files are behind devices; NULL: cannot be had */
} Present;

static void presentClear(Present *present)
{
    g_strfreev(present->devices);
    g_strfreev(present->objects);
    g_clear_pointer(&present->caps, qemuCapsUnref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Present, presentClear)

static gint64 answerDeadline(QemuDomain *dom)
{
    return g_get_monotonic_time() + dom->driver->answerWaitUs;
}

/* Under lock, which is given up meanwhile. */
static gboolean askPresent(QemuDomain *dom, QemuMonitor *mon, Present *present, GError **err)
{
    const DomainDef *live = dom->live;

    g_mutex_unlock(&dom->lock);
    present->devices = qemuMonitorQomList(mon, "/machine/peripheral", answerDeadline(dom), err);
    if (present->devices)
        present->objects = qemuMonitorQomList(mon, "/objects", answerDeadline(dom), err);
    g_mutex_lock(&dom->lock);
    return present->objects && qemuDomainStillRuns(dom, live, err);
}

static void deleteObject(QemuDomain *dom, QemuMonitor *mon, const Present *present, const char *prefix, const char *alias)
{
    g_autofree char *id = g_strconcat(prefix, alias, NULL);
    g_autoptr(GError) problem = NULL;

    if (!g_strv_contains((const char *const *)present->objects, id))
        return;
    g_mutex_unlock(&dom->lock);
    if (!qemuMonitorObjectDel(mon, id, answerDeadline(dom), &problem))
        g_warning("%s: object '%s' stays: %s", dom->name, id, problem->message);
    g_mutex_lock(&dom->lock);
}

static gboolean hasDevice(const Present *present, const char *alias)
{
    return g_strv_contains((const char *const *)present->devices, alias);
}

/* ---- devices that have gone ---- */

/* What QEMU and the host still have of a device that is not, or no longer, there. */
static void clearAway(QemuDomain *dom, QemuMonitor *mon, const Present *present, const MemoryDeviceDef *device)
{
    g_auto(QemuProcessContext) context = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(GError) problem = NULL;

    qemuProcessContextFill(dom->driver, dom->live, &context);
    path = present->caps ? qemuMemHotplugFileOf(dom->live, device, present->caps, &context.context) : NULL;
    deleteObject(dom, mon, present, "mem", device->info.alias);
    g_mutex_unlock(&dom->lock);
    if (path && !memFileRemove(path, &problem))
        g_warning("%s: %s", dom->name, problem->message);
    g_mutex_lock(&dom->lock);
}

static void finishGone(QemuDomain *dom, QemuMonitor *mon, const Present *present, const char *alias)
{
    const MemoryDeviceDef *device = memoryDeviceFindAlias(dom->live, alias);

    if (device)
        clearAway(dom, mon, present, device);
    if (dom->live)
        qemuMemChangeForget(dom, alias);
}

/* The first device of the live definition that QEMU lacks; NULL: none. Caller frees. */
static char *nextGone(const DomainDef *live, const Present *present)
{
    for (gsize i = 0; i < live->nmemories; i++) {
        const MemoryDeviceDef *device = live->memories[i];

        if (device->model != MEMORY_DEVICE_SGX_EPC && device->info.alias && !hasDevice(present, device->info.alias))
            return g_strdup(device->info.alias);
    }
    return NULL;
}

static void dropGone(QemuDomain *dom, QemuMonitor *mon, const Present *present)
{
    const DomainDef *live = dom->live;
    char *alias;

    while (dom->live == live && (alias = nextGone(live, present))) {
        finishGone(dom, mon, present, alias);
        g_free(alias);
    }
}

/* ---- what was under way ---- */

/* It came so far that QEMU has the device: keep it. Otherwise leave nothing of it. */
static gboolean recoverAttach(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry, GError **err)
{
    g_autoptr(MemoryDeviceDef) device = memoryDeviceDefParseString(entry->deviceXml, DOMAIN_PARSE_STATUS, err);

    if (memoryDeviceFindAlias(dom->live, entry->alias))
        return hasDevice(present, entry->alias);
    if (!device)
        return FALSE;
    if (!hasDevice(present, entry->alias)) {
        clearAway(dom, mon, present, device);
        return FALSE;
    }
    return qemuMemChangeAdopt(dom, g_steal_pointer(&device), err);
}

static gboolean recoverDetach(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry, GError **err)
{
    g_autoptr(MemoryDeviceDef) device = memoryDeviceDefParseString(entry->deviceXml, DOMAIN_PARSE_STATUS, err);

    if (!device || hasDevice(present, entry->alias))
        return FALSE;
    clearAway(dom, mon, present, device);
    if (dom->live)
        qemuMemChangeForget(dom, entry->alias);
    return TRUE;
}

/* QEMU's value of @property of the entry's device; FALSE: it cannot be had. */
static gboolean askProperty(QemuDomain *dom, QemuMonitor *mon, const char *alias, const char *property, guint64 *value, GError **err)
{
    g_autofree char *path = g_strconcat("/machine/peripheral/", alias, NULL);
    g_autoptr(MemJson) answer = NULL;
    const DomainDef *live = dom->live;

    g_mutex_unlock(&dom->lock);
    answer = qemuMonitorQomGet(mon, path, property, answerDeadline(dom), err);
    g_mutex_lock(&dom->lock);
    if (!answer || !qemuDomainStillRuns(dom, live, err))
        return FALSE;
    *value = json_object_get_uint64(answer);
    return TRUE;
}

/* QEMU's requested size is the truth; it was reached if it is what the entry wanted. */
static gboolean recoverUpdate(QemuDomain *dom, QemuMonitor *mon, const QemuMemJournal *entry, GError **err)
{
    g_autoptr(MemoryDeviceDef) wanted = memoryDeviceDefParseString(entry->deviceXml, DOMAIN_PARSE_STATUS, err);
    MemoryDeviceDef *device;
    guint64 bytes;

    if (!wanted || !askProperty(dom, mon, entry->alias, "requested-size", &bytes, err))
        return FALSE;
    device = memoryDeviceFindAlias(dom->live, entry->alias);
    if (!device)
        return FALSE;
    device->requestedKib = memUnitsBytesToKib(bytes);
    return device->requestedKib == wanted->requestedKib;
}

static gboolean recoverPeriod(QemuDomain *dom, QemuMonitor *mon, const QemuMemJournal *entry, GError **err)
{
    guint64 seconds;

    if (!dom->live->balloon || !askProperty(dom, mon, entry->alias, "guest-stats-polling-interval", &seconds, err))
        return FALSE;
    dom->live->balloon->periodSeconds = (int)seconds;
    return seconds == entry->value;
}

/* QEMU does not tell what it was told, but telling it twice does no harm. */
static gboolean recoverTarget(QemuDomain *dom, QemuMonitor *mon, const QemuMemJournal *entry, GError **err)
{
    const DomainDef *live = dom->live;
    gboolean done;

    g_mutex_unlock(&dom->lock);
    done = qemuMonitorBalloon(mon, entry->value * 1024, answerDeadline(dom), err);
    g_mutex_lock(&dom->lock);
    return done && qemuDomainStillRuns(dom, live, err);
}

/* The crash may have come after the definition was stored. */
static void storeConfig(QemuDomain *dom, const QemuMemJournal *entry, GError **err)
{
    const QemuMemConfig config = { .xml = entry->configXml, .base = entry->configBase };
    g_autofree char *stored = domainDefFormat(dom->config, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);

    if (g_strcmp0(stored, entry->configXml) != 0)
        qemuMemConfigStore(dom, &config, err);
}

static void recoverEntry(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry, GError **err)
{
    gboolean done = FALSE;

    switch (entry->operation) {
    case QEMU_MEM_ATTACH:
        done = recoverAttach(dom, mon, present, entry, err);
        break;
    case QEMU_MEM_DETACH:
        done = recoverDetach(dom, mon, present, entry, err);
        break;
    case QEMU_MEM_UPDATE:
        done = recoverUpdate(dom, mon, entry, err);
        break;
    case QEMU_MEM_PERIOD:
        done = recoverPeriod(dom, mon, entry, err);
        break;
    case QEMU_MEM_TARGET:
        done = recoverTarget(dom, mon, entry, err);
        break;
    case QEMU_MEM_OPERATION_LAST:
        break;
    }
    g_message("%s: '%s' of memory, which was under way%s%s, %s", dom->name, qemuMemOperationToString(entry->operation),
              entry->alias ? " at " : "", entry->alias ? entry->alias : "", done ? "is done" : "was not done");
    if (done && entry->configXml && dom->config)
        storeConfig(dom, entry, err);
}

static gboolean recover(QemuDomain *dom, GError **err)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(QemuMemJournal) entry = qemuMemJournalLoad(dom, &problem);
    g_autoptr(QemuMonitor) mon = qemuDomainGetMonitor(dom, err);
    g_auto(Present) present = { 0 };
    g_autofree char *gone = NULL;
    const DomainDef *live = dom->live;

    if (!mon)
        return FALSE;
    for (int i = 0; dom->unasked && i < QEMU_REFRESH_TRIES; i++) {
        if (!qemuProcessAskAgain(dom, err))
            return FALSE;
    }
    /* from here on: what happens while QEMU is asked marks it again */
    dom->memUnsettled = FALSE;
    if (problem)
        g_warning("%s: the journal of memory changes cannot be read: %s", dom->name, problem->message);
    g_clear_error(&problem);
    if (entry || live->nmemories) {
        if (!askPresent(dom, mon, &present, err))
            return FALSE;
        gone = nextGone(live, &present);
        if (entry || gone)
            present.caps = qemuDriverCapsOf(dom, NULL);
        if (!qemuDomainStillRuns(dom, live, err))
            return FALSE;
        if (entry)
            recoverEntry(dom, mon, &present, entry, &problem);
        if (problem)
            g_warning("%s: %s", dom->name, problem->message);
        /* a device that was adopted just now is among those that QEMU has */
        if (dom->live == live)
            dropGone(dom, mon, &present);
        if (!qemuDomainStillRuns(dom, live, err))
            return FALSE;
        if (g_error_matches(problem, MEM_ERROR, VIR_ERR_OPERATION_TIMEOUT)) {
            g_propagate_error(err, g_steal_pointer(&problem));
            return FALSE;
        }
    }
    if (!qemuStoreSaveStatus(dom, err))
        return FALSE;
    qemuMemJournalRemove(dom);
    return TRUE;
}

gboolean qemuMemChangeRecover(QemuDomain *dom, GError **err)
{
    const DomainDef *live = dom->live;

    if (recover(dom, err))
        return TRUE;
    dom->memUnsettled = dom->live == live;
    return FALSE;
}

/* ---- when ---- */

gboolean qemuMemChangeSettle(QemuDomain *dom, GError **err)
{
    return !dom->live || !dom->memUnsettled || qemuMemChangeRecover(dom, err);
}

/* QemuTaskFunc. Goes on until QEMU has answered or ended. */
static void settleTask(QemuDomain *dom, int unused)
{
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    g_autoptr(GError) problem = NULL;
    g_autoptr(QemuJob) job = NULL;

    dom->settleQueued = FALSE;
    if (!dom->live || !dom->memUnsettled || !qemuProcessConnectAgain(dom))
        return;
    job = qemuJobBegin(dom, "settle memory changes of", &problem);
    if (job && qemuMemChangeSettle(dom, &problem))
        return;
    g_warning("%s: what became of its memory devices is not known yet: %s", dom->name, problem->message);
    /* a connection that is lost does not come back */
    if (dom->live && g_error_matches(problem, MEM_ERROR, VIR_ERR_OPERATION_TIMEOUT))
        qemuMemChangeSettleLater(dom);
}

void qemuMemChangeSettleLater(QemuDomain *dom)
{
    dom->memUnsettled = TRUE;
    if (!dom->settleQueued)
        qemuDriverQueueWaiting(dom, settleTask, 0);
    dom->settleQueued = TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memchange.c: run a memory change on a running domain */
#define G_LOG_DOMAIN "qemu/qemu_memchange"
#include "qemu/qemu_memchange.h"

#include "qemu/qemu_memhotplug.h"
#include "qemu/qemu_memjournal.h"
#include "qemu/qemu_memunplug.h"
#include "qemu/qemu_process.h"
#include "util/mem_units.h"

/* ---- running a plan ---- */

static gboolean waitDeleted(const char *alias, gint64 deadline, gpointer opaque, GError **err)
{
    QemuDomain *dom = opaque;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    return qemuMemUnplugWait(dom, alias, deadline, err);
}

/* The journal is written, the lock is given up for the run, and taken again; the domain may have ended meanwhile. */
static gboolean runPlan(QemuDomain *dom, const QemuMemPlan *plan, const QemuMemJournal *entry, gint64 waitUs, GError **err)
{
    QemuMemPlanHooks hooks = { .waitDeleted = waitDeleted, .opaque = dom };
    g_autoptr(QemuMonitor) mon = qemuDomainGetMonitor(dom, err);
    const DomainDef *live = dom->live;
    gboolean pending;
    gboolean done;

    if (!mon || !qemuMemJournalSave(dom, entry, err))
        return FALSE;
    g_mutex_unlock(&dom->lock);
    done = qemuMemPlanRun(plan, mon, QEMU_ANSWER_DEADLINE, g_get_monotonic_time() + waitUs, &hooks, &pending, err);
    g_mutex_lock(&dom->lock);
    return done && qemuDomainStillRuns(dom, live, err);
}

static QemuMemJournal *journalEntry(QemuMemOperation operation, const MemoryDeviceDef *device, const char *configXml)
{
    QemuMemJournal *entry = g_new0(QemuMemJournal, 1);

    entry->operation = operation;
    entry->alias = g_strdup(device->info.alias);
    entry->deviceXml = memoryDeviceDefToString(device, DOMAIN_FORMAT_STATUS);
    entry->configXml = g_strdup(configXml);
    return entry;
}

gboolean qemuMemChangeStoreConfig(QemuDomain *dom, const char *xml, GError **err)
{
    DomainDef *config = domainDefParseString(xml, DOMAIN_PARSE_INACTIVE, err);

    return config && qemuDriverStoreConfig(dom, config, err);
}

/* The live change stands: status, then config, then the entry is of no more use. */
static gboolean settle(QemuDomain *dom, const char *configXml, GError **err)
{
    gboolean ok = !configXml || qemuMemChangeStoreConfig(dom, configXml, err);

    qemuStoreNoteStatus(dom);
    qemuMemJournalRemove(dom);
    return ok;
}

/* Addresses, plugged sizes and the balloon as QEMU has them now. Best effort: an attach does not fail for it. */
static void refresh(QemuDomain *dom)
{
    g_auto(QemuRefresh) refresh = { 0 };
    g_autoptr(GError) problem = NULL;
    const DomainDef *live = dom->live;

    if (!dom->mon)
        return;
    if (qemuDomainHasBalloon(live))
        refresh.balloonCall = qemuMonitorSend(dom->mon, "query-balloon", NULL);
    if (live->nmemories)
        refresh.memoryCall = qemuMonitorSend(dom->mon, "query-memory-devices", NULL);
    g_mutex_unlock(&dom->lock);
    qemuRefreshCollect(&refresh, QEMU_ANSWER_DEADLINE, &problem);
    g_mutex_lock(&dom->lock);
    if (problem)
        g_warning("%s: after a memory change: %s", dom->name, problem->message);
    else if (dom->live == live)
        qemuRefreshApply(dom, &refresh);
}

/* ---- attach ---- */

gboolean qemuMemChangeAdopt(QemuDomain *dom, MemoryDeviceDef *device, GError **err)
{
    if (!domainMemoryInsert(dom->live, device, err)) {
        memoryDeviceDefFree(device);
        return FALSE;
    }
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, .text1 = device->info.alias });
    refresh(dom);
    return TRUE;
}

gboolean qemuMemChangeAttach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const char *configXml, GError **err)
{
    g_autoptr(MemoryDeviceDef) owned = device;
    g_auto(QemuProcessContext) context = { 0 };
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(QemuMemJournal) entry = NULL;

    if (!qemuMemHotplugPrepare(dom->live, device, caps, err))
        return FALSE;
    qemuProcessContextFill(dom->driver, dom->live, &context);
    plan = qemuMemHotplugPlanAttach(dom->live, device, caps, &context.context, err);
    if (!plan)
        return FALSE;
    entry = journalEntry(QEMU_MEM_ATTACH, device, configXml);
    if (!runPlan(dom, plan, entry, 0, err)) {
        qemuMemJournalRemove(dom);
        return FALSE;
    }
    return qemuMemChangeAdopt(dom, g_steal_pointer(&owned), err) && settle(dom, configXml, err);
}

/* ---- detach ---- */

static MemoryDeviceDef *findAlias(const DomainDef *def, const char *alias)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (g_strcmp0(def->memories[i]->info.alias, alias) == 0)
            return def->memories[i];
    }
    return NULL;
}

void qemuMemChangeForget(QemuDomain *dom, const char *alias)
{
    MemoryDeviceDef *device = findAlias(dom->live, alias);

    if (!device)
        return;
    memoryDeviceDefFree(domainMemoryRemove(dom->live, device));
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, .text1 = (char *)alias });
    refresh(dom);
}

gboolean qemuMemChangeDetach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const char *configXml,
                             gint64 waitUs, GError **err)
{
    g_auto(QemuProcessContext) context = { 0 };
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(QemuMemJournal) entry = journalEntry(QEMU_MEM_DETACH, device, configXml);
    g_autofree char *alias = g_strdup(device->info.alias);
    g_autoptr(GError) problem = NULL;
    gboolean gone, told;

    qemuProcessContextFill(dom->driver, dom->live, &context);
    plan = qemuMemHotplugPlanDetach(dom->live, device, caps, &context.context, err);
    if (!plan)
        return FALSE;
    qemuMemUnplugBegin(dom, alias);
    gone = runPlan(dom, plan, entry, waitUs, &problem);
    told = qemuMemUnplugEnd(dom, alias);
    if (!gone) {
        qemuMemJournalRemove(dom);
        /* its answer came between the end of the wait and here */
        if (told)
            qemuDriverQueue(dom, qemuMemChangeReconcile, 0);
        /* without waiting, to have asked is all that was wanted */
        if (!waitUs && g_error_matches(problem, MEM_ERROR, VIR_ERR_OPERATION_TIMEOUT))
            return TRUE;
        g_propagate_error(err, g_steal_pointer(&problem));
        return FALSE;
    }
    qemuMemChangeForget(dom, alias);
    return settle(dom, configXml, err);
}

/* ---- update ---- */

gboolean qemuMemChangeUpdate(QemuDomain *dom, const MemoryDeviceDef *wanted, const char *configXml, GError **err)
{
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(QemuMemJournal) entry = NULL;
    g_autofree char *alias = NULL;
    MemoryDeviceDef *device = NULL;

    plan = qemuMemHotplugPlanUpdate(dom->live, wanted, &device, err);
    if (!plan)
        return FALSE;
    alias = g_strdup(device->info.alias);
    entry = journalEntry(QEMU_MEM_UPDATE, wanted, configXml);
    g_free(entry->alias);
    entry->alias = g_strdup(alias);
    if (!runPlan(dom, plan, entry, 0, err)) {
        qemuMemJournalRemove(dom);
        return FALSE;
    }
    device = findAlias(dom->live, alias);
    if (device)
        device->requestedKib = wanted->requestedKib;
    return settle(dom, configXml, err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memchange.c: run a memory change on a running domain */
#define G_LOG_DOMAIN "qemu/qemu_memchange"
#include "qemu/qemu_memchange.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_balloon.h"
#include "qemu/qemu_memhotplug.h"
#include "qemu/qemu_memunplug.h"
#include "qemu/qemu_process.h"
#include "util/mem_units.h"

/* ---- the stored definition ---- */

static char *checksum(const DomainDef *def)
{
    g_autofree char *text = def ? domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE) : NULL;

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text ? text : "", -1);
}

void qemuMemConfigClear(QemuMemConfig *config)
{
    g_clear_pointer(&config->xml, g_free);
    g_clear_pointer(&config->base, g_free);
}

void qemuMemConfigSet(QemuMemConfig *config, QemuDomain *dom, const DomainDef *def)
{
    qemuMemConfigClear(config);
    config->xml = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    config->base = checksum(dom->config);
}

gboolean qemuMemConfigStore(QemuDomain *dom, const QemuMemConfig *config, GError **err)
{
    g_autofree char *now = NULL;
    DomainDef *def;

    qemuStoreWait(dom);
    now = checksum(dom->config);
    if (g_strcmp0(now, config->base) != 0) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED,
                    "the definition of domain '%s' was changed meanwhile and is left as it is",
                    dom->name);
        return FALSE;
    }
    def = domainDefParseString(config->xml, DOMAIN_PARSE_INACTIVE, err);
    return def && qemuDriverStoreConfig(dom, def, err);
}

/* ---- running a plan ---- */

static gboolean waitDeleted(const char *alias, gint64 deadline, gpointer opaque, GError **err)
{
    QemuDomain *dom = opaque;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    return qemuMemUnplugWait(dom, alias, deadline, err);
}

/* Under lock, after a run: what stays open is left to qemu_memrecover.c; otherwise, unless done, the entry is of no more use. */
static QemuMemOutcome afterRun(QemuDomain *dom, const DomainDef *live, QemuMemOutcome outcome, const QemuMemJournal *entry,
                               GError **err)
{
    if (outcome == QEMU_MEM_DONE || outcome == QEMU_MEM_DONE_BUT)
        return qemuDomainStillRuns(dom, live, err) ? outcome : QEMU_MEM_UNDONE;
    if (outcome == QEMU_MEM_UNKNOWN && dom->live == live)
        qemuMemChangeSettleLater(dom);
    else if (entry)
        qemuMemJournalRemove(dom);
    return outcome;
}

/* The journal is written (@entry may be NULL), the lock is given up for the run, and taken again. Done means that the domain is
 * still there, too. *@memoryCall, if wanted, becomes the question for the memory devices, asked in the same breath; NULL unless done. */
static QemuMemOutcome runPlan(QemuDomain *dom, const QemuMemPlan *plan, const QemuMemJournal *entry, gint64 waitUs,
                              QemuMonitorCall **memoryCall, GError **err)
{
    QemuMemPlanHooks hooks = { .waitDeleted = waitDeleted, .opaque = dom,
                               .question = memoryCall ? "query-memory-devices" : NULL };
    g_autoptr(QemuMonitor) mon = qemuDomainGetMonitor(dom, err);
    const DomainDef *live = dom->live;
    QemuMemOutcome outcome;

    if (!mon || (entry && !qemuMemJournalSave(dom, entry, err)))
        return QEMU_MEM_UNDONE;
    g_mutex_unlock(&dom->lock);
    outcome = qemuMemPlanRun(plan, mon, dom->driver->answerWaitUs, waitUs, &hooks, err);
    g_mutex_lock(&dom->lock);
    if (memoryCall)
        *memoryCall = hooks.answer;
    return afterRun(dom, live, outcome, entry, err);
}

static QemuMemJournal *journalEntry(QemuMemOperation operation, const char *alias, const QemuMemConfig *config)
{
    QemuMemJournal *entry = g_new0(QemuMemJournal, 1);

    entry->operation = operation;
    entry->alias = g_strdup(alias);
    entry->configXml = g_strdup(config->xml);
    entry->configBase = g_strdup(config->base);
    return entry;
}

static QemuMemJournal *deviceEntry(QemuMemOperation operation, const char *alias, const MemoryDeviceDef *device,
                                   const QemuMemConfig *config)
{
    QemuMemJournal *entry = journalEntry(operation, alias, config);

    entry->deviceXml = memoryDeviceDefToString(device, DOMAIN_FORMAT_STATUS);
    return entry;
}

/* The live change stands: config, then status, then the entry is of no more use. As long as the status does not have it, the
 * entry is all that a next daemon could know it by. */
static gboolean finish(QemuDomain *dom, const QemuMemConfig *config, GError **err)
{
    g_autoptr(GError) problem = NULL;
    gboolean ok = !config->xml || qemuMemConfigStore(dom, config, &problem);

    if (!ok)
        memErrorSet(err, memErrorCode(problem), "the running guest was changed, but its definition was not: %s", problem->message);
    if (qemuStoreNoteStatus(dom))
        qemuMemJournalRemove(dom);
    else
        dom->memUnsettled = TRUE;
    return ok;
}

/* What need not be asked after an attach. */
typedef struct {
    QemuMonitorCall *memoryCall;    /* asked already; NULL: not */
    guint64 balloonBytes;           /* what the balloon leaves the guest, device included; 0: not known */
    guint news;                     /* dom->memNews when that was so */
} Known;

static void knownClear(Known *known)
{
    if (known->memoryCall)
        qemuMonitorForget(g_steal_pointer(&known->memoryCall));
    known->balloonBytes = 0;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Known, knownClear)

/* Before @device is plugged: QEMU adds a DIMM, whole, to the balloon's figure, and does not tell. */
static void foresee(const QemuDomain *dom, const MemoryDeviceDef *device, Known *known)
{
    known->news = dom->memNews;
    if (device->model == MEMORY_DEVICE_DIMM && qemuRefreshBalloonIsSettled(dom))
        known->balloonBytes = dom->balloonBytes + device->sizeKib * 1024;
}

/* FALSE: QEMU has told of something meanwhile, before its answers or after them; they were left alone. */
static gboolean refreshOnce(QemuDomain *dom, Known *known)
{
    g_auto(QemuRefresh) refresh = { .balloonBytes = known->balloonBytes };
    g_autoptr(GError) problem = NULL;
    const DomainDef *live = dom->live;

    if (qemuDomainHasBalloon(live) && !known->balloonBytes)
        refresh.balloonCall = qemuMonitorSend(dom->mon, "query-balloon", NULL);
    refresh.memoryCall = g_steal_pointer(&known->memoryCall);
    if (live->nmemories && !refresh.memoryCall)
        refresh.memoryCall = qemuMonitorSend(dom->mon, "query-memory-devices", NULL);
    g_mutex_unlock(&dom->lock);
    qemuRefreshCollect(&refresh, g_get_monotonic_time() + dom->driver->answerWaitUs, &problem);
    g_mutex_lock(&dom->lock);
    if (problem)
        g_warning("%s: after a memory change: %s", dom->name, problem->message);
    if (dom->live != live)
        return TRUE;
    if (dom->memNews != known->news)
        return FALSE;
    qemuRefreshApply(dom, &refresh);
    return TRUE;
}

/* Addresses, plugged sizes and the balloon as QEMU has them now. Best effort: an attach does not fail for it. @known may be
 * NULL. */
static void refresh(QemuDomain *dom, Known *known)
{
    g_auto(Known) now = { .news = dom->memNews };

    if (known) {
        now = *known;
        known->memoryCall = NULL;
    }
    for (int i = 0; dom->mon && i < QEMU_REFRESH_TRIES && !refreshOnce(dom, &now); i++) {
        knownClear(&now);
        now.news = dom->memNews;
    }
}

/* ---- attach ---- */

/* @device is taken over. */
static gboolean adopt(QemuDomain *dom, MemoryDeviceDef *device, Known *known, GError **err)
{
    g_autofree char *alias = g_strdup(device->info.alias);

    if (!domainMemoryInsert(dom->live, device, err)) {
        memoryDeviceDefFree(device);
        return FALSE;
    }
    refresh(dom, known);
    /* clients have been told of its end by now, should it have ended */
    if (dom->live)
        qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, .text1 = alias });
    return TRUE;
}

gboolean qemuMemChangeAdopt(QemuDomain *dom, MemoryDeviceDef *device, GError **err)
{
    return adopt(dom, device, NULL, err);
}

gboolean qemuMemChangeAttach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const QemuMemConfig *config,
                             GError **err)
{
    g_autoptr(MemoryDeviceDef) owned = device;
    g_auto(QemuProcessContext) context = { 0 };
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(QemuMemJournal) entry = NULL;
    g_auto(Known) known = { 0 };

    if (!qemuMemHotplugPrepare(dom->live, device, caps, err) || !qemuProcessCheckMemoryFile(device, err))
        return FALSE;
    qemuProcessContextFill(dom->driver, dom->live, &context);
    plan = qemuMemHotplugPlanAttach(dom->live, device, caps, &context.context, err);
    if (!plan)
        return FALSE;
    entry = deviceEntry(QEMU_MEM_ATTACH, device->info.alias, device, config);
    foresee(dom, device, &known);
    return runPlan(dom, plan, entry, 0, &known.memoryCall, err) == QEMU_MEM_DONE &&
           adopt(dom, g_steal_pointer(&owned), &known, err) && finish(dom, config, err);
}

/* ---- detach ---- */

void qemuMemChangeForget(QemuDomain *dom, const char *alias)
{
    MemoryDeviceDef *device = memoryDeviceFindAlias(dom->live, alias);

    if (!device)
        return;
    memoryDeviceDefFree(domainMemoryRemove(dom->live, device));
    refresh(dom, NULL);
    if (dom->live)
        qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, .text1 = (char *)alias });
}

/* The device is gone, its memory or file perhaps not: once more, later. */
static void clearLater(QemuDomain *dom, QemuMemJournal *entry)
{
    g_clear_pointer(&entry->configXml, g_free);
    if (dom->live && qemuMemJournalSave(dom, entry, NULL))
        qemuMemChangeSettleLater(dom);
}

gboolean qemuMemChangeDetach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const QemuMemConfig *config,
                             gboolean wait, GError **err)
{
    g_auto(QemuProcessContext) context = { 0 };
    g_autofree char *alias = g_strdup(device->info.alias);
    g_autoptr(QemuMemJournal) entry = deviceEntry(QEMU_MEM_DETACH, alias, device, config);
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(GError) problem = NULL;
    const DomainDef *live = dom->live;
    QemuMemOutcome outcome;
    gboolean told, ok;

    qemuProcessContextFill(dom->driver, dom->live, &context);
    plan = qemuMemHotplugPlanDetach(dom->live, device, caps, &context.context, err);
    if (!plan)
        return FALSE;
    qemuMemUnplugBegin(dom, alias);
    outcome = runPlan(dom, plan, entry, wait ? dom->driver->unplugWaitUs : 0, NULL, &problem);
    told = qemuMemUnplugEnd(dom, alias);
    if (outcome == QEMU_MEM_DONE || outcome == QEMU_MEM_DONE_BUT) {
        qemuMemChangeForget(dom, alias);
        ok = finish(dom, config, err);
        if (outcome == QEMU_MEM_DONE_BUT)
            clearLater(dom, entry);
        return ok;
    }
    /* its answer came between the end of the wait and here */
    if (told && dom->live == live)
        qemuMemChangeSettleLater(dom);
    /* without waiting, to have asked is all that was wanted, however quick the answer */
    if (!wait && outcome == QEMU_MEM_PENDING && dom->live == live)
        return TRUE;
    g_propagate_error(err, g_steal_pointer(&problem));
    return FALSE;
}

/* ---- update ---- */

gboolean qemuMemChangeUpdate(QemuDomain *dom, const MemoryDeviceDef *wanted, const QemuMemConfig *config, GError **err)
{
    g_autoptr(QemuMemPlan) plan = NULL;
    g_autoptr(QemuMemJournal) entry = NULL;
    g_autofree char *alias = NULL;
    MemoryDeviceDef *device = NULL;

    plan = qemuMemHotplugPlanUpdate(dom->live, wanted, &device, err);
    if (!plan)
        return FALSE;
    alias = g_strdup(device->info.alias);
    entry = deviceEntry(QEMU_MEM_UPDATE, alias, wanted, config);
    if (runPlan(dom, plan, entry, 0, NULL, err) != QEMU_MEM_DONE)
        return FALSE;
    device = memoryDeviceFindAlias(dom->live, alias);
    if (device)
        device->requestedKib = wanted->requestedKib;
    return finish(dom, config, err);
}

/* ---- balloon ---- */

gboolean qemuMemChangeTarget(QemuDomain *dom, guint64 kib, const QemuMemConfig *config, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuBalloonPlanTarget(dom->live, kib, err);
    g_autoptr(QemuMemJournal) entry = NULL;

    if (!plan)
        return FALSE;
    /* the live definition follows what the guest does, not what it was told: alone there is nothing to remember */
    if (config->xml) {
        entry = journalEntry(QEMU_MEM_TARGET, NULL, config);
        entry->value = kib;
    }
    if (runPlan(dom, plan, entry, 0, NULL, err) != QEMU_MEM_DONE)
        return FALSE;
    return !entry || finish(dom, config, err);
}

struct QemuMemTarget {
    QemuMemPlan *plan;
    const DomainDef *live;          /* borrowed: to be compared */
    QemuMonitor *mon;
    QemuMonitorCall *call;
};

QemuMemTarget *qemuMemChangeTargetBegin(QemuDomain *dom, QemuMemPlan *plan)
{
    QemuMemTarget *target = g_new0(QemuMemTarget, 1);

    target->plan = plan;
    target->live = dom->live;
    target->mon = qemuMonitorRef(dom->mon);
    target->call = qemuMemPlanSendFirst(plan, dom->mon);
    return target;
}

gboolean qemuMemChangeTargetFinish(QemuDomain *dom, QemuMemTarget *target, GError **err)
{
    QemuMemPlanHooks hooks = { .waitDeleted = waitDeleted, .opaque = dom, .first = target->call };
    QemuMemOutcome outcome;

    g_mutex_unlock(&dom->lock);
    outcome = qemuMemPlanRun(target->plan, target->mon, dom->driver->answerWaitUs, 0, &hooks, err);
    g_mutex_lock(&dom->lock);
    outcome = afterRun(dom, target->live, outcome, NULL, err);
    qemuMemPlanFree(target->plan);
    qemuMonitorUnref(target->mon);
    g_free(target);
    return outcome == QEMU_MEM_DONE;
}

gboolean qemuMemChangePeriod(QemuDomain *dom, int seconds, const QemuMemConfig *config, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuBalloonPlanPeriod(dom->live, seconds, err);
    g_autoptr(QemuMemJournal) entry = NULL;

    if (!plan)
        return FALSE;
    entry = journalEntry(QEMU_MEM_PERIOD, dom->live->balloon->info.alias, config);
    entry->value = (guint64)seconds;
    if (runPlan(dom, plan, entry, 0, NULL, err) != QEMU_MEM_DONE)
        return FALSE;
    dom->live->balloon->periodSeconds = seconds;
    return finish(dom, config, err);
}

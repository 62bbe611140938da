/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_balloon.c: setmem, setmaxmem, statistics period */
#define G_LOG_DOMAIN "qemu/qemu_driver_balloon"
#include "qemu/qemu_driver.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_balloon.h"
#include "qemu/qemu_memchange.h"
#include "qemu/qemu_process.h"

#define AFFECT_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* ---- setmem, setmaxmem ---- */

/* QEMU's own reason ("balloon not active", KVM lacks the means) is a state, not a fault of the call. */
static void asInvalid(GError **err)
{
    if (err && *err && g_error_matches(*err, MEM_ERROR, VIR_ERR_INTERNAL_ERROR))
        (*err)->code = VIR_ERR_OPERATION_INVALID;
}

static gboolean setTarget(QemuDomain *dom, guint64 kib, gboolean live, gboolean config, GError **err)
{
    g_auto(QemuMemConfig) stored = { 0 };

    if (config) {
        g_autoptr(DomainDef) copy = NULL;

        if (!qemuBalloonCheckTarget(dom->config, kib, err))
            return FALSE;
        copy = domainDefCopy(dom->config, err);
        if (!copy)
            return FALSE;
        copy->memory.currentKib = kib;
        qemuMemConfigSet(&stored, dom, copy);
    }
    if (!live)
        return qemuMemConfigStore(dom, &stored, err);
    if (qemuMemChangeTarget(dom, kib, &stored, err))
        return TRUE;
    asInvalid(err);
    return FALSE;
}

static gboolean setMaximum(QemuDomain *dom, guint64 kib, gboolean live, GError **err)
{
    g_autoptr(DomainDef) copy = NULL;

    if (live) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the maximum memory of a running guest cannot be changed: change its definition ('--config')");
        return FALSE;
    }
    if (!qemuBalloonCheckMaximum(dom->config, kib, err))
        return FALSE;
    copy = domainDefCopy(dom->config, err);
    if (!copy)
        return FALSE;
    copy->memory.totalKib = kib;
    copy->memory.currentKib = MIN(copy->memory.currentKib, kib);
    return domainDefValidate(copy, err) && qemuDriverStoreConfig(dom, g_steal_pointer(&copy), err);
}

gboolean qemuDriverSetMemory(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS | VIR_DOMAIN_MEM_MAXIMUM, "qemuDriverSetMemory", err))
        return FALSE;
    if (!kib) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "memory '0' KiB is too little: it must be larger than 0");
        return FALSE;
    }
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "set the memory of", err);
    if (!job || !qemuDriverAffects(dom, flags & AFFECT_FLAGS, &live, &config, err) || !qemuMemChangeSettle(dom, err) ||
        !qemuDriverAffectsNow(dom, flags & AFFECT_FLAGS, &live, &config, err))
        return FALSE;
    return flags & VIR_DOMAIN_MEM_MAXIMUM ? setMaximum(dom, kib, live, err) : setTarget(dom, kib, live, config, err);
}

struct QemuSetMemoryBegun {
    QemuDomain *dom;                /* a reference */
    QemuJob *job;
    QemuMemTarget *target;
};

/* Under lock: nothing is in the way of a change, and none is open. */
static gboolean isReady(const QemuDomain *dom)
{
    return dom->live && dom->mon && !dom->job && !dom->removed && !dom->memUnsettled;
}

QemuSetMemoryBegun *qemuDriverSetMemoryBegin(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags)
{
    g_autoptr(QemuDomain) dom = kib && !(flags & ~VIR_DOMAIN_AFFECT_LIVE) ? qemuDriverTryLock(driver, uuid) : NULL;
    g_autoptr(QemuMemPlan) plan = NULL;
    QemuSetMemoryBegun *begun = NULL;

    if (!dom)
        return NULL;
    plan = isReady(dom) ? qemuBalloonPlanTarget(dom->live, kib, NULL) : NULL;
    if (plan) {
        begun = g_new0(QemuSetMemoryBegun, 1);
        begun->job = qemuJobBegin(dom, "set the memory of", NULL);
        begun->target = qemuMemChangeTargetBegin(dom, g_steal_pointer(&plan));
        begun->dom = qemuDomainKeep(dom);
    }
    g_mutex_unlock(&dom->lock);
    return begun;
}

gboolean qemuDriverSetMemoryFinish(QemuSetMemoryBegun *begun, GError **err)
{
    g_autoptr(QemuDomain) dom = begun->dom;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    g_autoptr(QemuJob) job = begun->job;
    gboolean done = qemuMemChangeTargetFinish(dom, begun->target, err);

    if (!done)
        asInvalid(err);
    g_free(begun);
    return done;
}

/* ---- statistics period ---- */

static gboolean setPeriod(QemuDomain *dom, int seconds, gboolean live, gboolean config, GError **err)
{
    g_auto(QemuMemConfig) stored = { 0 };

    if (config) {
        g_autoptr(DomainDef) copy = domainDefCopy(dom->config, err);

        if (!copy)
            return FALSE;
        if (!qemuDomainHasBalloon(copy)) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "the definition has no memory balloon device");
            return FALSE;
        }
        copy->balloon->periodSeconds = seconds;
        qemuMemConfigSet(&stored, dom, copy);
    }
    if (!live)
        return qemuMemConfigStore(dom, &stored, err);
    if (qemuDomainHasBalloon(dom->live)) {
        if (qemuMemChangePeriod(dom, seconds, &stored, err))
            return TRUE;
        asInvalid(err);
        return FALSE;
    }
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "the guest has no memory balloon device");
    return FALSE;
}

gboolean qemuDriverSetMemoryStatsPeriod(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverSetMemoryStatsPeriod", err))
        return FALSE;
    if (seconds < 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "period '%d' is negative: it must be a number of seconds, 0 for never", seconds);
        return FALSE;
    }
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "set the statistics period of", err);
    if (!job || !qemuDriverAffects(dom, flags, &live, &config, err) || !qemuMemChangeSettle(dom, err) ||
        !qemuDriverAffectsNow(dom, flags, &live, &config, err))
        return FALSE;
    return setPeriod(dom, seconds, live, config, err);
}

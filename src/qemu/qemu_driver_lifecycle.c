/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_lifecycle.c: start, create, destroy, shutdown, reboot, reset, suspend, resume */
#define G_LOG_DOMAIN "qemu/qemu_driver_lifecycle"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_process.h"

#include <string.h>

#define START_FLAGS (VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY | VIR_DOMAIN_START_BYPASS_CACHE | \
                     VIR_DOMAIN_START_FORCE_BOOT | VIR_DOMAIN_START_RESET_NVRAM)

/* ---- begin ---- */

gboolean qemuDriverStart(QemuDriver *driver, QemuUuid uuid, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    DomainDef *def;

    if (!dom || !qemuDriverCheckFlags(flags, START_FLAGS, "qemuDomainCreateWithFlags", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "start", err);
    if (!job)
        return FALSE;
    if (dom->live) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is already running");
        return FALSE;
    }
    def = domainDefCopy(dom->config, err);
    if (!def || !qemuProcessStart(dom, def, flags, client, err))
        return FALSE;
    qemuDomainFillRef(dom, ref);
    return TRUE;
}

/* Under lock, with the job, unless the domain was removed: @def, taken over, runs. */
static gboolean create(QemuDomain *dom, DomainDef *def, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err)
{
    if (dom->live) {
        domainDefFree(def);
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain '%s' is already active", dom->name);
        return FALSE;
    }
    if (!qemuProcessStart(dom, def, flags, client, err))
        return FALSE;
    qemuDomainFillRef(dom, ref);
    return TRUE;
}

gboolean qemuDriverCreateXml(QemuDriver *driver, const char *xml, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err)
{
    g_autoptr(DomainDef) def = NULL;

    if (!qemuDriverCheckFlags(flags, START_FLAGS | VIR_DOMAIN_START_VALIDATE, "qemuDomainCreateXML", err))
        return FALSE;
    def = qemuDriverParse(driver, xml, (flags & VIR_DOMAIN_START_VALIDATE) != 0, NULL, err);
    while (def) {
        g_autoptr(QemuDomain) dom = qemuDriverFindOrAdd(driver, def, err);
        g_autoptr(GError) problem = NULL;
        g_auto(QemuGuard) guard = { 0 };
        g_autoptr(QemuJob) job = NULL;

        if (!dom)
            return FALSE;
        guard = qemuGuardLock(dom);
        job = qemuJobBegin(dom, "create", &problem);
        if (job)
            return create(dom, g_steal_pointer(&def), flags, client, ref, err);
        /* undefined, or ended, since it was found */
        if (dom->removed)
            continue;
        g_propagate_error(err, g_steal_pointer(&problem));
        return FALSE;
    }
    return FALSE;
}

/* ---- end ---- */

gboolean qemuDriverDestroy(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_DESTROY_GRACEFUL, "qemuDomainDestroyFlags", err))
        return FALSE;
    /* no job: whatever is stuck on this guest must not keep it alive */
    guard = qemuGuardLock(dom);
    return qemuDomainCheckActive(dom, err) &&
           qemuProcessDestroy(dom, VIR_DOMAIN_SHUTOFF_DESTROYED, (flags & VIR_DOMAIN_DESTROY_GRACEFUL) != 0, err);
}

void qemuDriverClientGone(QemuDriver *driver, gpointer client)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);

    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (dom->live && dom->autodestroy && dom->client == client)
            qemuProcessEnd(dom, VIR_DOMAIN_SHUTOFF_DESTROYED, FALSE);
    }
}

/* ---- orders to a running guest ---- */

typedef gboolean (*Order)(QemuMonitor *mon, gint64 deadline, GError **err);

/* Under lock, given up while waiting. */
static gboolean give(QemuDomain *dom, Order order, GError **err)
{
    g_autoptr(QemuMonitor) mon = qemuDomainGetMonitor(dom, err);
    gboolean fine;

    if (!mon)
        return FALSE;
    g_mutex_unlock(&dom->lock);
    fine = order(mon, QEMU_ANSWER_DEADLINE, err);
    g_mutex_lock(&dom->lock);
    return fine;
}

/* A guest whose CPUs stand still hears neither of the power button nor of an agent. */
static gboolean checkRuns(QemuDomain *dom, GError **err)
{
    if (!qemuDomainCheckActive(dom, err))
        return FALSE;
    if (dom->state == VIR_DOMAIN_RUNNING)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is not running: it is paused or asleep");
    return FALSE;
}

/* Refuse what only a guest agent could do. */
static gboolean checkMode(QemuDomain *dom, unsigned flags, unsigned agent, unsigned acpi, GError **err)
{
    if (!(flags & agent) || (flags & acpi))
        return TRUE;
    if (checkRuns(dom, err))
        memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
    return FALSE;
}

static gboolean powerDown(QemuDomain *dom, gboolean rebooting, GError **err)
{
    gboolean before = dom->rebooting;

    dom->rebooting = rebooting;
    if (give(dom, qemuMonitorSystemPowerdown, err))
        return TRUE;
    dom->rebooting = before;
    return FALSE;
}

gboolean qemuDriverShutdown(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
                                      "qemuDomainShutdownFlags", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "shut down", err);
    return job && checkRuns(dom, err) &&
           checkMode(dom, flags, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, err) &&
           powerDown(dom, FALSE, err);
}

gboolean qemuDriverReboot(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN | VIR_DOMAIN_REBOOT_GUEST_AGENT,
                                      "qemuDomainReboot", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "reboot", err);
    return job && qemuDomainCheckActive(dom, err) &&
           checkMode(dom, flags, VIR_DOMAIN_REBOOT_GUEST_AGENT, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN, err) &&
           powerDown(dom, TRUE, err);
}

gboolean qemuDriverReset(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;

    if (!dom || !qemuDriverCheckFlags(flags, 0, "qemuDomainReset", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "reset", err);
    if (!job || !qemuDomainCheckActive(dom, err) || !give(dom, qemuMonitorSystemReset, err))
        return FALSE;
    dom->rebooting = FALSE;
    return TRUE;
}

gboolean qemuDriverSuspend(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    const DomainDef *live;

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "suspend", err);
    if (!job || !qemuDomainCheckActive(dom, err))
        return FALSE;
    if (dom->state == VIR_DOMAIN_PMSUSPENDED) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is pmsuspended");
        return FALSE;
    }
    if (dom->state == VIR_DOMAIN_PAUSED)
        return TRUE;
    live = dom->live;
    dom->pauseReason = VIR_DOMAIN_PAUSED_USER;
    if (!give(dom, qemuMonitorStop, err)) {
        dom->pauseReason = -1;
        return FALSE;
    }
    return qemuDomainStillRuns(dom, live, err);
}

gboolean qemuDriverResume(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    const DomainDef *live;

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "resume", err);
    if (!job || !qemuDomainCheckActive(dom, err))
        return FALSE;
    if (dom->state == VIR_DOMAIN_PMSUSPENDED) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is pmsuspended");
        return FALSE;
    }
    if (dom->state == VIR_DOMAIN_RUNNING) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is already running");
        return FALSE;
    }
    live = dom->live;
    dom->runReason = VIR_DOMAIN_RUNNING_UNPAUSED;
    if (!give(dom, qemuMonitorCont, err)) {
        dom->runReason = -1;
        return FALSE;
    }
    return qemuDomainStillRuns(dom, live, err);
}

gboolean qemuDriverInjectNmi(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, 0, "qemuDomainInjectNMI", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    return qemuDomainCheckActive(dom, err) && give(dom, qemuMonitorInjectNmi, err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_dirty_rate.c: how fast a guest writes to its memory: begin to measure */
#define G_LOG_DOMAIN "qemu/qemu_driver_dirty_rate"
#include "qemu/qemu_driver.h"

#include "conf/guest_conf.h"
#include "qemu/qemu_process.h"

#define SECONDS_LEAST 1
#define SECONDS_MOST 60

G_STATIC_ASSERT((int)QEMU_DIRTY_RATE_UNSTARTED == VIR_DOMAIN_DIRTYRATE_UNSTARTED);
G_STATIC_ASSERT((int)QEMU_DIRTY_RATE_MEASURING == VIR_DOMAIN_DIRTYRATE_MEASURING);
G_STATIC_ASSERT((int)QEMU_DIRTY_RATE_MEASURED == VIR_DOMAIN_DIRTYRATE_MEASURED);

static gboolean checkArguments(int seconds, unsigned flags, QemuDirtyRateMode *mode, GError **err)
{
    const unsigned both = VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP | VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING;

    if ((flags & both) == both) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "the modes 'dirty-bitmap' and 'dirty-ring' exclude each other: give one");
        return FALSE;
    }
    if (!qemuDriverCheckFlags(flags, both, "qemuDomainStartDirtyRateCalc", err))
        return FALSE;
    if (seconds < SECONDS_LEAST || seconds > SECONDS_MOST) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "seconds '%d' to measure the dirty rate must be from %d to %d", seconds,
                    SECONDS_LEAST, SECONDS_MOST);
        return FALSE;
    }
    if (flags & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP)
        *mode = QEMU_DIRTY_RATE_DIRTY_BITMAP;
    else
        *mode = flags ? QEMU_DIRTY_RATE_DIRTY_RING : QEMU_DIRTY_RATE_PAGE_SAMPLING;
    return TRUE;
}

/* Both modes but sampling are KVM's: asked for one under TCG, QEMU 7.2 looks into a KVM that it has not, and dies. */
static gboolean checkMode(const DomainDef *live, QemuDirtyRateMode mode, GError **err)
{
    gboolean kvm = live->virtType == DOMAIN_VIRT_KVM;
    gboolean ring = kvm && live->os->features.kvmDirtyRingSize;

    switch (mode) {
    case QEMU_DIRTY_RATE_PAGE_SAMPLING:
        return TRUE;
    case QEMU_DIRTY_RATE_DIRTY_BITMAP:
        if (kvm && !ring)
            return TRUE;
        memErrorSet(err, kvm ? VIR_ERR_INTERNAL_ERROR : VIR_ERR_OPERATION_UNSUPPORTED,
                    "mode 'dirty-bitmap' needs a guest of domain type 'kvm' without '<dirty-ring>'");
        return FALSE;
    case QEMU_DIRTY_RATE_DIRTY_RING:
        if (ring)
            return TRUE;
        memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "mode 'dirty-ring' needs a guest of domain type 'kvm' with '<dirty-ring state='on'>'");
        return FALSE;
    case QEMU_DIRTY_RATE_MODE_LAST:
        break;
    }
    g_return_val_if_reached(FALSE);
}

gboolean qemuDriverStartDirtyRate(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(QemuMonitor) mon = NULL;
    QemuDirtyRateMode mode;

    if (!dom || !checkArguments(seconds, flags, &mode, err))
        return FALSE;
    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (!qemuDomainCheckActive(dom, err) || !checkMode(dom->live, mode, err))
            return FALSE;
        mon = qemuDomainGetMonitor(dom, err);
    }
    return mon && qemuMonitorCalcDirtyRate(mon, (unsigned)seconds, mode, QEMU_ANSWER_DEADLINE, err);
}

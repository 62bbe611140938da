/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memchange.h: run a memory change on a running domain: plan, journal, QEMU, live definition, events */
#pragma once

#include "qemu/qemu_driver_priv.h"
#include "qemu/qemu_memjournal.h"
#include "qemu/qemu_memplan.h"

/* All under the domain's lock and job; the lock is given up while QEMU, the guest or a disk is waited for. On failure QEMU, live
 * definition, stored definition and files are as before, but for
 *   - a detach that the guest has not answered: the device is there until it does (qemu_memunplug.h);
 *   - QEMU not answering: the change stays open, in the journal and in memUnsettled. QEMU is asked how far it came when it
 *     speaks again, in the background or by the next change, whichever is first; until then no other change begins. */

/* How long a guest may take to give up a device before the caller is told that it has not, unless the environment says
 * otherwise (VIRTMEMD_UNPLUG_TIMEOUT, milliseconds). */
#define QEMU_MEM_UNPLUG_WAIT_US (10 * G_USEC_PER_SEC)

/* What becomes of the stored definition if, and only if, the live change is done. */
typedef struct {
    char *xml;                      /* the new definition; NULL: it stays */
    char *base;                     /* checksum of the one that this was made from: another's change is not written over */
} QemuMemConfig;

void qemuMemConfigClear(QemuMemConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuMemConfig, qemuMemConfigClear)
/* @config from @def, which was made from the stored definition. */
void qemuMemConfigSet(QemuMemConfig *config, QemuDomain *dom, const DomainDef *def);
/* Make it the stored definition; the lock is given up while the disk is waited for. VIR_ERR_OPERATION_FAILED if that has changed
 * since. */
gboolean qemuMemConfigStore(QemuDomain *dom, const QemuMemConfig *config, GError **err);

/* @device is taken over. */
gboolean qemuMemChangeAttach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const QemuMemConfig *config,
                             GError **err);
/* @device is one of the live definition's. Not @wait: ask the guest and return; what it does is told by events. */
gboolean qemuMemChangeDetach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const QemuMemConfig *config,
                             gboolean wait, GError **err);
gboolean qemuMemChangeUpdate(QemuDomain *dom, const MemoryDeviceDef *wanted, const QemuMemConfig *config, GError **err);
gboolean qemuMemChangeTarget(QemuDomain *dom, guint64 kib, const QemuMemConfig *config, GError **err);
/* The same in two halves, for the running guest alone: the first, which needs a monitor, does not wait. @plan (taken over) is
 * qemuBalloonPlanTarget's. The lock may be given up between them, the job may not. */
typedef struct QemuMemTarget QemuMemTarget;
QemuMemTarget *qemuMemChangeTargetBegin(QemuDomain *dom, QemuMemPlan *plan);
gboolean qemuMemChangeTargetFinish(QemuDomain *dom, QemuMemTarget *target, GError **err);
gboolean qemuMemChangePeriod(QemuDomain *dom, int seconds, const QemuMemConfig *config, GError **err);

/* QEMU has @device (taken over): the live definition gets it, and it is announced. */
gboolean qemuMemChangeAdopt(QemuDomain *dom, MemoryDeviceDef *device, GError **err);
/* QEMU no longer has @alias: the live definition loses it, and that is announced. */
void qemuMemChangeForget(QemuDomain *dom, const char *alias);

/* ---- qemu_memrecover.c ---- */

/* Ask QEMU what became of what the journal says was under way, and which devices it still has; the live definition, and the
 * stored one where the change was for both, follow it. FALSE: QEMU does not tell, all is as open as before. */
gboolean qemuMemChangeRecover(QemuDomain *dom, GError **err);
/* Before a change: nothing may be open. */
gboolean qemuMemChangeSettle(QemuDomain *dom, GError **err);
/* Any thread, under lock alone: mark as unsettled, and settle in the background. */
void qemuMemChangeSettleLater(QemuDomain *dom);

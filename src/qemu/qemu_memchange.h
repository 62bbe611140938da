/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memchange.h: run a memory change on a running domain: plan, journal, QEMU, live definition, events */
#pragma once

#include "qemu/qemu_driver_priv.h"

/* All under the domain's lock and job; the lock is given up while QEMU or the guest is waited for. @configXml, if not
 * NULL, becomes the stored definition if, and only if, the live change is done. On failure QEMU, live definition, stored
 * definition and files are as before, but for a detach that ran out of time: see qemu_memunplug.h. */

/* How long a guest may take to give up a device before the caller is told that it has not. */
#define QEMU_MEM_UNPLUG_WAIT_US (10 * G_USEC_PER_SEC)

/* @device is taken over. */
gboolean qemuMemChangeAttach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const char *configXml, GError **err);
/* @device is one of the live definition's. @waitUs 0: ask the guest and return; what it does is told by events. */
gboolean qemuMemChangeDetach(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, const char *configXml,
                             gint64 waitUs, GError **err);
gboolean qemuMemChangeUpdate(QemuDomain *dom, const MemoryDeviceDef *wanted, const char *configXml, GError **err);

/* Make @xml the stored definition. */
gboolean qemuMemChangeStoreConfig(QemuDomain *dom, const char *xml, GError **err);

/* QEMU has @device (taken over): the live definition gets it, and it is announced. */
gboolean qemuMemChangeAdopt(QemuDomain *dom, MemoryDeviceDef *device, GError **err);
/* QEMU no longer has @alias: the live definition loses it, and that is announced. */
void qemuMemChangeForget(QemuDomain *dom, const char *alias);

/* Background task (QemuTaskFunc; takes lock and job itself): devices that QEMU no longer has leave the live definition,
 * with their backends and files, and are announced. For a guest that complied late. */
void qemuMemChangeReconcile(QemuDomain *dom, int unused);
/* After the daemon came back: finish or undo what the journal says was under way, then reconcile. Best effort, logged. */
void qemuMemChangeRecover(QemuDomain *dom);

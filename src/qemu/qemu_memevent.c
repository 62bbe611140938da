/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memevent.c: what QEMU says of its own accord about memory devices being unplugged */
#define G_LOG_DOMAIN "qemu/qemu_memevent"
#include "qemu/qemu_memevent.h"

#include "qemu/qemu_memchange.h"
#include "qemu/qemu_memunplug.h"
#include "qemu/qemu_driver_priv.h"

void qemuMemEventDeviceDeleted(QemuDomain *dom, MemJson *data)
{
    /* the same event comes for the device's children, without an id */
    const char *alias = memJsonGetString(data, "device");

    if (!alias || qemuMemUnplugTell(dom, alias, NULL) || !memoryDeviceFindAlias(dom->live, alias))
        return;
    qemuMemChangeSettleLater(dom);
}

static void refused(QemuDomain *dom, const char *alias, const char *reason)
{
    if (!memoryDeviceFindAlias(dom->live, alias))
        return;
    g_info("%s: the guest refused to give up '%s': %s", dom->name, alias, reason);
    qemuMemUnplugTell(dom, alias, reason);
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, .text1 = (char *)alias });
}

void qemuMemEventUnplugGuestError(QemuDomain *dom, MemJson *data)
{
    const char *alias = memJsonGetString(data, "device");

    if (alias && !qemuMemUnplugIsRefused(dom, alias))
        refused(dom, alias, "it gave no reason (memory that it cannot move is the usual one)");
}

void qemuMemEventUnplugError(QemuDomain *dom, MemJson *data)
{
    const char *alias = memJsonGetString(data, "device");
    const char *reason = memJsonGetString(data, "msg");

    if (alias && !qemuMemUnplugIsRefused(dom, alias))
        refused(dom, alias, reason ? reason : "QEMU gave no reason");
}

void qemuMemEventAcpiOst(QemuDomain *dom, MemJson *data)
{
    MemJson *info = memJsonGet(data, "info");
    const char *alias = memJsonGetString(info, "device");
    const char *reason;
    gint64 source, status;

    if (!alias || g_strcmp0(memJsonGetString(info, "slot-type"), "DIMM") != 0 ||
        !memJsonGetInt(info, "source", &source) || !memJsonGetInt(info, "status", &status))
        return;
    reason = qemuMemUnplugOstReason(source, status);
    if (reason && !qemuMemUnplugIsRefused(dom, alias))
        refused(dom, alias, reason);
}

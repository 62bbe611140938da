/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_device.c: changes of devices and memory */
#define G_LOG_DOMAIN "qemu/qemu_driver_device"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_driver_priv.h"

/* Every change of memory is a plan (checked steps, each with its undo), run by one executor under a job, with a journal on disk
 * before the first step. These calls resolve what is meant (live, config, both) and hand over; until plans exist they say so. */
static gboolean notYet(QemuDriver *driver, QemuUuid uuid, const char *what, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);

    if (dom)
        memErrorSet(err, VIR_ERR_NO_SUPPORT, "%s is not supported", what);
    return FALSE;
}

gboolean qemuDriverAttachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "attaching a device", err);
}

gboolean qemuDriverDetachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "detaching a device", err);
}

gboolean qemuDriverDetachDeviceAlias(QemuDriver *driver, QemuUuid uuid, const char *alias, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "detaching a device", err);
}

gboolean qemuDriverUpdateDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "updating a device", err);
}

gboolean qemuDriverSetMemory(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "changing the memory of a domain", err);
}

gboolean qemuDriverSetMemoryStatsPeriod(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err)
{
    return notYet(driver, uuid, "changing the period of memory statistics", err);
}

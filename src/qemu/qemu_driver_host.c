/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_host.c: the driver's calls about the host: capabilities, versions, CPU models */

#include "qemu/qemu_driver.h"
#include "qemu/qemu_capabilities_xml.h"
#include "qemu/qemu_cpu.h"
#include "qemu/qemu_driver_priv.h"
#include "qemu/qemu_host.h"

char *qemuDriverGetCapabilities(QemuDriver *driver, GError **err)
{
    gsize count;
    QemuGuestArch *guests = qemuCapabilitiesGuests(driver->caps, &count);
    char *xml = qemuCapabilitiesFormatXml(guests, count, err);

    qemuCapabilitiesGuestsFree(guests, count);
    return xml;
}

char *qemuDriverGetDomainCapabilities(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                                      const char *virtType, unsigned flags, GError **err)
{
    const QemuMachine *chosen;
    DomainVirtType type;
    g_autoptr(QemuCaps) caps = NULL;

    if (!qemuDriverCheckFlags(flags, 0, "virConnectGetDomainCapabilities", err))
        return NULL;
    caps = qemuCapabilitiesChoose(driver->caps, emulator, arch, machine, virtType, &chosen, &type, err);
    return caps ? qemuCapabilitiesFormatDomainXml(caps, chosen, type) : NULL;
}

gboolean qemuDriverGetVersion(QemuDriver *driver, unsigned long *version, GError **err)
{
    g_autoptr(QemuCaps) caps = qemuCapabilitiesOfHost(driver->caps, err);

    if (!caps)
        return FALSE;
    *version = qemuCapsVersion(caps);
    return TRUE;
}

char **qemuDriverGetCpuModelNames(QemuDriver *driver, const char *arch, unsigned flags, GError **err)
{
    if (!qemuDriverCheckFlags(flags, 0, "virConnectGetCPUModelNames", err))
        return NULL;
    return qemuCapabilitiesCpuModelNames(driver->caps, arch, err);
}

char *qemuDriverBaselineCpu(QemuDriver *driver, char *const *xmlCpus, unsigned count, unsigned flags, GError **err)
{
    g_autoptr(QemuCaps) caps = NULL;

    if (!qemuDriverCheckFlags(flags, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES | VIR_CONNECT_BASELINE_CPU_MIGRATABLE,
                              "virConnectBaselineCPU", err) ||
        !(caps = qemuCapabilitiesOfHost(driver->caps, err)))
        return NULL;
    return qemuCpuBaseline(caps, xmlCpus, count, flags, err);
}

int qemuDriverCompareCpu(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                         const char *virtType, const char *xml, unsigned flags, gboolean hypervisor, GError **err)
{
    const QemuMachine *chosen;
    DomainVirtType type;
    g_autoptr(QemuCaps) caps = NULL;
    g_auto(QemuCpuSet) host = { 0 };

    if (!qemuDriverCheckFlags(flags, VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE | VIR_CONNECT_COMPARE_CPU_VALIDATE_XML,
                              hypervisor ? "virConnectCompareHypervisorCPU" : "virConnectCompareCPU", err))
        return VIR_CPU_COMPARE_ERROR;
    caps = hypervisor ? qemuCapabilitiesChoose(driver->caps, emulator, arch, machine, virtType, &chosen, &type, err)
                      : qemuCapabilitiesOfHost(driver->caps, err);
    if (!caps)
        return VIR_CPU_COMPARE_ERROR;
    if (hypervisor)
        qemuCpuMax(&host, caps);
    else
        qemuCpuHost(&host);
    return qemuCpuCompare(caps, &host, xml, flags, err);
}

int qemuDriverGetMaxVcpus(QemuDriver *driver, const char *type, GError **err)
{
    const QemuMachine *chosen;
    DomainVirtType virtType;
    g_autoptr(QemuCaps) caps = qemuCapabilitiesChoose(driver->caps, NULL, NULL, NULL, type, &chosen, &virtType, err);

    return caps ? (int)chosen->maxCpus : -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_xml.c: <capabilities>: the host, and what guests it can have */

#include "qemu/qemu_capabilities_xml.h"
#include "qemu/qemu_cpu.h"
#include "qemu/qemu_host.h"

#include "util/mem_xml.h"

#include <string.h>

static gboolean isX86(Arch arch)
{
    return arch == ARCH_X86_64 || arch == ARCH_I686;
}

/* The caps that know the host's CPU features; NULL: none, or it is no x86. */
static const QemuCaps *capsOfHostArch(const QemuGuestArch *guests, gsize count, Arch arch)
{
    for (gsize i = 0; i < count; i++) {
        if (guests[i].arch == arch)
            return guests[i].caps;
    }
    return NULL;
}

static void formatHostFeatures(MemXmlOut *out, const QemuCaps *caps, const QemuCpuSet *host, const QemuCpuModel *model)
{
    g_autofree const char **names = qemuCpuBeyond(caps, host, model);

    for (const char **name = names; *name; name++) {
        memXmlOutStart(out, "feature");
        memXmlOutAttr(out, "name", qemuCpuFeatureName(*name));
        memXmlOutEnd(out);
    }
}

static void formatTopology(MemXmlOut *out)
{
    QemuHostInfo info;

    if (!qemuHostGetInfo(&info, NULL))
        return;
    memXmlOutStart(out, "topology");
    memXmlOutAttrUint64(out, "sockets", (guint64)info.sockets);
    memXmlOutAttr(out, "dies", "1");
    memXmlOutAttrUint64(out, "cores", (guint64)info.cores);
    memXmlOutAttrUint64(out, "threads", (guint64)info.threads);
    memXmlOutEnd(out);
}

static void formatSignature(MemXmlOut *out, const QemuHostCpuInfo *info)
{
    if (*info->microcode) {
        memXmlOutStart(out, "microcode");
        memXmlOutAttrUint64(out, "version", g_ascii_strtoull(info->microcode, NULL, 0));
        memXmlOutEnd(out);
    }
    memXmlOutStart(out, "signature");
    memXmlOutAttrUint64(out, "family", info->family);
    memXmlOutAttrUint64(out, "model", info->model);
    memXmlOutAttrUint64(out, "stepping", info->stepping);
    memXmlOutEnd(out);
}

static void formatPageSizes(MemXmlOut *out)
{
    g_autofree unsigned *sizes = qemuHostPageSizes();

    for (gsize i = 0; sizes[i]; i++) {
        memXmlOutStart(out, "pages");
        memXmlOutAttr(out, "unit", "KiB");
        memXmlOutAttrUint64(out, "size", sizes[i]);
        memXmlOutEnd(out);
    }
}

static void formatX86(MemXmlOut *out, const QemuCaps *caps, const QemuCpuSet *host)
{
    g_auto(QemuHostCpuInfo) info = { 0 };
    const QemuCpuModel *model = qemuCpuBestModel(caps, host);

    qemuHostCpuInfoGet(&info);
    memXmlOutText(out, "model", model ? model->name : NULL);
    memXmlOutText(out, "vendor", qemuCpuVendorName(info.vendor));
    formatSignature(out, &info);
    formatTopology(out);
    if (info.physicalBits) {
        memXmlOutStart(out, "maxphysaddr");
        memXmlOutAttr(out, "mode", "emulate");
        memXmlOutAttrUint64(out, "bits", info.physicalBits);
        memXmlOutEnd(out);
    }
    formatHostFeatures(out, caps, host, model);
}

static void formatCpu(MemXmlOut *out, const QemuGuestArch *guests, gsize count)
{
    g_autofree char *machine = qemuHostMachine();
    int arch = archFromString(machine);
    const QemuCaps *caps = capsOfHostArch(guests, count, arch < 0 ? ARCH_NONE : (Arch)arch);

    memXmlOutStart(out, "cpu");
    memXmlOutText(out, "arch", machine);
    if (caps && isX86((Arch)arch)) {
        g_auto(QemuCpuSet) host = { 0 };

        qemuCpuHost(&host);
        formatX86(out, caps, &host);
    } else {
        formatTopology(out);
    }
    formatPageSizes(out);
    memXmlOutEnd(out);
}

static void formatPower(MemXmlOut *out)
{
    g_autofree const char **states = qemuHostSleepStates();

    memXmlOutStart(out, "power_management");
    for (const char **state = states; *state; state++)
        memXmlOutEmpty(out, *state);
    memXmlOutEnd(out);
}

static void formatNodePages(MemXmlOut *out, const QemuHostNode *node)
{
    g_autofree unsigned *sizes = qemuHostPageSizes();

    for (gsize i = 0; sizes[i]; i++) {
        memXmlOutStart(out, "pages");
        memXmlOutAttr(out, "unit", "KiB");
        memXmlOutAttrUint64(out, "size", sizes[i]);
        memXmlOutEndTextUint64(out, qemuHostPagesTotal(node->id, sizes[i]));
    }
}

static void formatDistances(MemXmlOut *out, const GArray *nodes, const QemuHostNode *node)
{
    if (node->distances->len != nodes->len)
        return;
    memXmlOutStart(out, "distances");
    for (guint i = 0; i < nodes->len; i++) {
        memXmlOutStart(out, "sibling");
        memXmlOutAttrUint64(out, "id", (guint64)g_array_index(nodes, QemuHostNode, i).id);
        memXmlOutAttrUint64(out, "value", (guint64)g_array_index(node->distances, int, i));
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

static void formatNodeCpus(MemXmlOut *out, const QemuHostNode *node)
{
    memXmlOutStart(out, "cpus");
    memXmlOutAttrUint64(out, "num", node->cpus->len);
    for (guint i = 0; i < node->cpus->len; i++) {
        const QemuHostCpu *cpu = &g_array_index(node->cpus, QemuHostCpu, i);
        g_autofree char *siblings = memBitmapFormat(cpu->siblings);

        memXmlOutStart(out, "cpu");
        memXmlOutAttrUint64(out, "id", (guint64)cpu->id);
        memXmlOutAttrUint64(out, "socket_id", (guint64)cpu->socket);
        memXmlOutAttrUint64(out, "die_id", (guint64)cpu->die);
        memXmlOutAttrUint64(out, "core_id", (guint64)cpu->core);
        memXmlOutAttr(out, "siblings", siblings);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

static gboolean formatNodes(MemXmlOut *out, GError **err)
{
    g_autoptr(GArray) nodes = qemuHostTopology(err);

    if (!nodes)
        return FALSE;
    memXmlOutStart(out, "topology");
    memXmlOutStart(out, "cells");
    memXmlOutAttrUint64(out, "num", nodes->len);
    for (guint i = 0; i < nodes->len; i++) {
        const QemuHostNode *node = &g_array_index(nodes, QemuHostNode, i);

        memXmlOutStart(out, "cell");
        memXmlOutAttrUint64(out, "id", (guint64)node->id);
        memXmlOutSizeKib(out, "memory", node->memoryKib);
        formatNodePages(out, node);
        formatDistances(out, nodes, node);
        formatNodeCpus(out, node);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
    memXmlOutEnd(out);
    return TRUE;
}

static gboolean formatHost(MemXmlOut *out, const QemuGuestArch *guests, gsize count, GError **err)
{
    g_autofree char *uuid = qemuHostUuid();

    memXmlOutStart(out, "host");
    memXmlOutText(out, "uuid", uuid);
    formatCpu(out, guests, count);
    formatPower(out);
    memXmlOutStart(out, "iommu");
    memXmlOutAttr(out, "support", "no");
    memXmlOutEnd(out);
    if (!formatNodes(out, err))
        return FALSE;
    memXmlOutStart(out, "secmodel");
    memXmlOutText(out, "model", "none");
    memXmlOutText(out, "doi", "0");
    memXmlOutEnd(out);
    memXmlOutEnd(out);
    return TRUE;
}

/* ---- guests ---- */

static void formatMachine(MemXmlOut *out, const QemuMachine *machine, gboolean alias)
{
    memXmlOutStart(out, "machine");
    if (alias)
        memXmlOutAttr(out, "canonical", machine->name);
    memXmlOutAttrUint64(out, "maxCpus", machine->maxCpus);
    if (machine->deprecated)
        memXmlOutAttr(out, "deprecated", "yes");
    memXmlOutEndText(out, alias ? machine->alias : machine->name);
}

static void formatMachines(MemXmlOut *out, const QemuCaps *caps)
{
    gsize count;
    const QemuMachine *machines = qemuCapsMachines(caps, &count);

    for (gsize i = 0; i < count; i++) {
        formatMachine(out, &machines[i], FALSE);
        if (machines[i].alias)
            formatMachine(out, &machines[i], TRUE);
    }
}

static void formatGuestFeatures(MemXmlOut *out, Arch arch)
{
    memXmlOutStart(out, "features");
    if (arch == ARCH_I686) {
        memXmlOutEmpty(out, "pae");
        memXmlOutEmpty(out, "nonpae");
    }
    if (isX86(arch) || arch == ARCH_AARCH64) {
        memXmlOutStart(out, "acpi");
        memXmlOutAttr(out, "default", "on");
        memXmlOutAttr(out, "toggle", "yes");
        memXmlOutEnd(out);
    }
    if (isX86(arch)) {
        memXmlOutStart(out, "apic");
        memXmlOutAttr(out, "default", "on");
        memXmlOutAttr(out, "toggle", "no");
        memXmlOutEnd(out);
    }
    memXmlOutEmpty(out, "cpuselection");
    memXmlOutEmpty(out, "deviceboot");
    memXmlOutEnd(out);
}

static void formatGuest(MemXmlOut *out, const QemuGuestArch *guest)
{
    memXmlOutStart(out, "guest");
    memXmlOutText(out, "os_type", "hvm");
    memXmlOutStart(out, "arch");
    memXmlOutAttr(out, "name", archToString((int)guest->arch));
    memXmlOutText(out, "wordsize", guest->arch == ARCH_I686 ? "32" : "64");
    memXmlOutText(out, "emulator", qemuCapsBinary(guest->caps));
    formatMachines(out, guest->caps);
    for (int type = 0; type < DOMAIN_VIRT_LAST; type++) {
        if (!qemuCapabilitiesHasVirtType(guest->caps, (DomainVirtType)type))
            continue;
        memXmlOutStart(out, "domain");
        memXmlOutAttr(out, "type", domainVirtTypeToString(type));
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
    formatGuestFeatures(out, guest->arch);
    memXmlOutEnd(out);
}

gboolean qemuCapabilitiesHasVirtType(const QemuCaps *caps, DomainVirtType type)
{
    switch (type) {
    case DOMAIN_VIRT_QEMU:
        return TRUE;
    case DOMAIN_VIRT_KVM:
        return qemuCapsHas(caps, QEMU_CAPS_KVM);
    case DOMAIN_VIRT_LAST:
        break;
    }
    return FALSE;
}

char *qemuCapabilitiesFormatXml(const QemuGuestArch *guests, gsize count, GError **err)
{
    g_autoptr(MemXmlOut) out = memXmlOutNew();

    memXmlOutStart(out, "capabilities");
    if (!formatHost(out, guests, count, err))
        return NULL;
    for (gsize i = 0; i < count; i++)
        formatGuest(out, &guests[i]);
    memXmlOutEnd(out);
    return memXmlOutSteal(g_steal_pointer(&out));
}

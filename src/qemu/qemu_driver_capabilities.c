/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_capabilities.c: which emulator a question about capabilities is about */

#include "qemu/qemu_capabilities_xml.h"
#include "qemu/qemu_cpu.h"
#include "qemu/qemu_host.h"

#include "util/mem_error.h"

QemuGuestArch *qemuCapabilitiesGuests(QemuCapsCache *cache, gsize *count)
{
    QemuGuestArch *guests = g_new0(QemuGuestArch, ARCH_LAST);

    *count = 0;
    for (int arch = ARCH_NONE + 1; arch < ARCH_LAST; arch++) {
        g_autofree char *binary = qemuCapsCacheFindBinary(cache, (Arch)arch);
        g_autoptr(GError) problem = NULL;
        QemuCaps *caps;

        if (!binary)
            continue;
        if ((caps = qemuCapsCacheGet(cache, binary, &problem)))
            guests[(*count)++] = (QemuGuestArch){ (Arch)arch, caps };
        else
            g_warning("%s", problem->message);
    }
    return guests;
}

void qemuCapabilitiesGuestsFree(QemuGuestArch *guests, gsize count)
{
    for (gsize i = 0; i < count; i++)
        qemuCapsUnref(guests[i].caps);
    g_free(guests);
}

static Arch hostArch(void)
{
    g_autofree char *machine = qemuHostMachine();
    int arch = archFromString(machine);

    return arch < 0 ? ARCH_NONE : (Arch)arch;
}

static QemuCaps *capsOfArch(QemuCapsCache *cache, Arch arch, GError **err)
{
    g_autofree char *binary = qemuCapsCacheFindBinary(cache, arch);

    if (!binary) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "no emulator for architecture '%s' is installed", archToString((int)arch));
        return NULL;
    }
    return qemuCapsCacheGet(cache, binary, err);
}

QemuCaps *qemuCapabilitiesOfHost(QemuCapsCache *cache, GError **err)
{
    return capsOfArch(cache, hostArch(), err);
}

/* A 64-bit little-endian POWER guest runs on the same emulator as a big-endian one. */
static gboolean runsArch(const QemuCaps *caps, Arch arch)
{
    return qemuCapsArch(caps) == arch || (qemuCapsArch(caps) == ARCH_PPC64 && arch == ARCH_PPC64LE);
}

static QemuCaps *chooseCaps(QemuCapsCache *cache, const char *emulator, const char *archName, GError **err)
{
    int arch = archName ? archFromString(archName) : (int)hostArch();
    g_autoptr(QemuCaps) caps = NULL;

    if (arch <= ARCH_NONE) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unknown architecture: %s", archName ? archName : "");
        return NULL;
    }
    if (!emulator)
        return capsOfArch(cache, (Arch)arch, err);
    if (!(caps = qemuCapsCacheGet(cache, emulator, err)))
        return NULL;
    if (archName && !runsArch(caps, (Arch)arch)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "architecture from emulator '%s' doesn't match given architecture '%s'",
                    archToString((int)qemuCapsArch(caps)), archName);
        return NULL;
    }
    return g_steal_pointer(&caps);
}

static gboolean chooseType(const QemuCaps *caps, const char *name, DomainVirtType *type, GError **err)
{
    int value = name ? domainVirtTypeFromString(name) : DOMAIN_VIRT_QEMU;

    if (!name && qemuCapabilitiesHasVirtType(caps, DOMAIN_VIRT_KVM))
        value = DOMAIN_VIRT_KVM;
    if (value < 0 || !qemuCapabilitiesHasVirtType(caps, (DomainVirtType)value)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "Emulator '%s' does not support virt type '%s'", qemuCapsBinary(caps), name);
        return FALSE;
    }
    *type = (DomainVirtType)value;
    return TRUE;
}

QemuCaps *qemuCapabilitiesChoose(QemuCapsCache *cache, const char *emulator, const char *arch, const char *machine,
                                 const char *virtType, const QemuMachine **chosenMachine, DomainVirtType *chosenType,
                                 GError **err)
{
    g_autoptr(QemuCaps) caps = chooseCaps(cache, emulator, arch, err);

    if (!caps || !chooseType(caps, virtType, chosenType, err))
        return NULL;
    if (!(*chosenMachine = qemuCapsMachine(caps, machine))) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'",
                    machine ? machine : "", qemuCapsBinary(caps));
        return NULL;
    }
    return g_steal_pointer(&caps);
}

char **qemuCapabilitiesCpuModelNames(QemuCapsCache *cache, const char *arch, GError **err)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    int value = archFromString(arch);
    g_autoptr(QemuCaps) caps = NULL;
    const QemuCpuModel *models;
    gsize count;

    if (value <= ARCH_NONE) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "cannot find architecture %s", arch);
        return NULL;
    }
    /* As in libvirt: for these, QEMU is the judge of a name. */
    if (value == ARCH_AARCH64 || value == ARCH_S390X)
        return g_strv_builder_end(names);
    if (!(caps = capsOfArch(cache, (Arch)value, err)))
        return NULL;
    models = qemuCapsCpuModelList(caps, &count);
    for (gsize i = 0; i < count; i++) {
        if (qemuCpuModelIsNamed(&models[i]))
            g_strv_builder_add(names, models[i].name);
    }
    return g_strv_builder_end(names);
}

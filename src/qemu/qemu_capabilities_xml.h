/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_xml.h: <capabilities> of host and guests, <domainCapabilities> of one emulator */
#pragma once

#include "qemu/qemu_capabilities.h"

/* What there is to choose from for guests of one architecture. */
typedef struct {
    Arch arch;
    QemuCaps *caps;
} QemuGuestArch;

/* The host as qemu_host.h sees it, and each of @guests. Caller frees. */
char *qemuCapabilitiesFormatXml(const QemuGuestArch *guests, gsize count, GError **err);

/* Can @caps run domains of @type: KVM needs a host that has it, and a guest of its own architecture. */
gboolean qemuCapabilitiesHasVirtType(const QemuCaps *caps, DomainVirtType type);

/* What a domain may be made of with @machine of @caps; only what the driver really does. (qemu_domain_capabilities.c)
 * Caller frees. */
char *qemuCapabilitiesFormatDomainXml(const QemuCaps *caps, const QemuMachine *machine, DomainVirtType type);

/* The architectures whose emulator is installed and answers; the others are left out, with a warning if it is broken.
 * Free with qemuCapabilitiesGuestsFree. (qemu_driver_capabilities.c) */
QemuGuestArch *qemuCapabilitiesGuests(QemuCapsCache *cache, gsize *count);
void qemuCapabilitiesGuestsFree(QemuGuestArch *guests, gsize count);

/* Choose as virConnectGetDomainCapabilities does: each of the four may be NULL. New reference. */
QemuCaps *qemuCapabilitiesChoose(QemuCapsCache *cache, const char *emulator, const char *arch, const char *machine,
                                 const char *virtType, const QemuMachine **chosenMachine, DomainVirtType *chosenType,
                                 GError **err);

/* The CPU models that users of @arch choose from, NULL-terminated; empty where any name is taken. g_strfreev. */
char **qemuCapabilitiesCpuModelNames(QemuCapsCache *cache, const char *arch, GError **err);

/* The emulator that stands for this host: of its architecture. New reference. */
QemuCaps *qemuCapabilitiesOfHost(QemuCapsCache *cache, GError **err);

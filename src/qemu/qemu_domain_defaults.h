/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_defaults.h: what machine and binary add to a definition: names, controllers, addresses, slots, aliases */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"

/* After parse, before validate. @flags: DomainParseFlags; without ABI_UPDATE nothing that a guest could see is added. */
gboolean qemuDomainDefaults(DomainDef *def, const QemuCaps *caps, unsigned flags, GError **err);

/* DIMM slots of dimm and nvdimm devices: explicit ones reserved first, then lowest free in XML order. (qemu_domain_memory.c) */
gboolean qemuDomainAssignSlots(DomainDef *def, GError **err);
gboolean qemuDomainAssignSlot(const DomainDef *def, MemoryDeviceDef *device, GError **err);
/* PCI, ccw, virtio-serial, drive addresses of everything; adds root ports that are needed. (qemu_domain_address.c) */
gboolean qemuDomainAssignAddresses(DomainDef *def, const QemuCaps *caps, GError **err);
/* One hotplugged device: a free hotpluggable slot, no new controller. */
gboolean qemuDomainAssignPciAddress(const DomainDef *def, DeviceInfo *info, gboolean express, GError **err);

/* For start and native conversion, on a copy: aliases, sizes rounded as QEMU wants them (facts 1.5). */
gboolean qemuDomainPrepare(DomainDef *def, const QemuCaps *caps, GError **err);
void qemuDomainAssignAliases(DomainDef *def);
void qemuDomainAssignMemoryAlias(const DomainDef *def, MemoryDeviceDef *device);
/* All sizes rounded up as they are at start. VIR_ERR_CONFIG_UNSUPPORTED: too large for that. */
gboolean qemuDomainAlignMemory(DomainDef *def, GError **err);
/* The step: 1 MiB for boot memory and hotplugged devices, 2 MiB for devices at start, 256 MiB for all on ppc64. */
guint64 qemuDomainMemoryStepKib(const DomainDef *def, gboolean device, gboolean hotplug);

/* All rules, those of domainDefValidate() too: nobody else needs to call that. (qemu_domain_validate.c) */
gboolean qemuDomainValidate(const DomainDef *def, const QemuCaps *caps, GError **err);
/* Its first half: domainDefValidateWith(), and what memory asks of the binary. (qemu_domain_validate_memory.c) */
gboolean qemuDomainValidateDefAndMemory(const DomainDef *def, const QemuCaps *caps, GError **err);
/* Of one memory device: does the binary have it, does it suit the host. Its other rules: memoryDeviceDefValidate(). */
gboolean qemuDomainValidateMemory(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err);

/* "1-name": id, "-", name cut to a length and cleaned for use in a path. Caller frees. */
char *qemuDomainShortName(const DomainDef *def);

/* Has the machine PCI at all, and is its root PCI Express (q35, virt)? */
gboolean qemuDomainHasPci(const DomainDef *def);
gboolean qemuDomainHasPcie(const DomainDef *def);
/* Can the machine be without ACPI, so that it has to be said? */
gboolean qemuDomainHasAcpi(const DomainDef *def);

/* Where the firmware keeps its variables, NULL: nowhere. @folder: for a read-only image without <nvram> path. When the file
 * is missing at start it is a copy of the template: that of the XML, or the image's neighbour (OVMF_CODE.fd, OVMF_VARS.fd);
 * NULL: none known. Caller frees. */
char *qemuDomainNvramPath(const DomainDef *def, const char *folder);
char *qemuDomainNvramTemplate(const DomainDef *def);

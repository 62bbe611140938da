/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_defaults.h: what machine and binary add to a definition: names, controllers, addresses, slots, aliases */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"

/* After parse, before validate. @flags: DomainParseFlags; without ABI_UPDATE nothing that a guest could see is added. */
gboolean qemuDomainDefaults(DomainDef *def, const QemuCaps *caps, unsigned flags, GError **err);

/* DIMM slots of dimm and nvdimm devices: explicit ones reserved first, then lowest free in XML order. (qemu_domain_address.c) */
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
/* Memory of the definition rounded; @coldKib is the step for devices: 2 MiB at start, 1 MiB at hotplug, 256 MiB on ppc64. */
gboolean qemuDomainAlignMemory(DomainDef *def, GError **err);
guint64 qemuDomainMemoryStepKib(const DomainDef *def, gboolean device, gboolean hotplug);

/* The rules that need the binary: does it have the device, the property, the machine, the page size. (qemu_domain_validate.c) */
gboolean qemuDomainValidate(const DomainDef *def, const QemuCaps *caps, GError **err);
gboolean qemuDomainValidateMemory(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err);

/* "1-name": id, "-", name cut to a length and cleaned for use in a path. Caller frees. */
char *qemuDomainShortName(const DomainDef *def);

/* Has the machine PCI at all, and is its root PCI Express (q35, virt)? */
gboolean qemuDomainHasPci(const DomainDef *def);
gboolean qemuDomainHasPcie(const DomainDef *def);

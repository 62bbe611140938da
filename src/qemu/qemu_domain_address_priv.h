/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_address_priv.h: the parts of address assignment, by kind of bus */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_pci_map.h"

/* A device that sits on PCI. */
typedef struct {
    DeviceInfo *info;               /* borrowed */
    PciPlace place;
    const ControllerDef *controller;    /* borrowed; NULL: not a controller */
} PciUser;

/* qemu_domain_address_users.c: all devices that need PCI, in the order in which libvirt places them. Frees its elements. */
GPtrArray *qemuDomainAddressPciUsers(const DomainDef *def);
/* Where a memory device or balloon would go on this machine: virtio, not transitional. */
PciPlace qemuDomainAddressVirtioPlace(const DomainDef *def);

/* qemu_domain_address_pci.c */
gboolean qemuDomainAddressPci(DomainDef *def, GError **err);
/* qemu_domain_address_other.c */
gboolean qemuDomainAddressCcw(DomainDef *def, GError **err);
gboolean qemuDomainAddressSpaprVio(DomainDef *def, GError **err);
gboolean qemuDomainAddressDrives(DomainDef *def, GError **err);
gboolean qemuDomainAddressUsb(DomainDef *def, GError **err);
gboolean qemuDomainAddressVirtioSerial(DomainDef *def, GError **err);

/* qemu_domain_controllers.c: put @controller among those of its type by index; takes it over. */
void qemuDomainControllerInsert(DomainDef *def, ControllerDef *controller);
/* Make sure that @def has controller @index of @type; the model is the machine's default. */
void qemuDomainControllerEnsure(DomainDef *def, ControllerType type, int index);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_devices.h: what machine and binary add to the devices of a definition */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"

/* Models and buses that the XML left open, the machine's own controllers and input devices. After parse and the machine's
 * name, before qemuDomainAssignAddresses(). @flags: DomainParseFlags; without ABI_UPDATE no device is added. */
gboolean qemuDomainDevicesDefaults(DomainDef *def, const QemuCaps *caps, unsigned flags, GError **err);
/* The rules of devices that need machine and binary. */
gboolean qemuDomainDevicesValidate(const DomainDef *def, const QemuCaps *caps, GError **err);

/* Steps of the above and of qemuDomainAssignAddresses(): numbers and models of the controllers given, those of the machine. */
gboolean qemuDomainControllersPrepare(DomainDef *def, unsigned flags, GError **err);
/* Controllers that drives and virtio ports need; drive addresses are known. */
gboolean qemuDomainControllersComplete(DomainDef *def, GError **err);

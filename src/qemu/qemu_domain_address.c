/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_address.c: addresses of all devices, bus by bus */
#include "qemu/qemu_domain_defaults.h"

#include "qemu/qemu_domain_address_priv.h"
#include "qemu/qemu_domain_devices.h"

gboolean qemuDomainAssignAddresses(DomainDef *def, const QemuCaps *caps, GError **err)
{
    /* Drives and ports first: they tell which controllers there are, and these want PCI addresses. What is given out on
     * ccw and spapr-vio is out of question for PCI. */
    return qemuDomainAddressDrives(def, err) && qemuDomainControllersComplete(def, err) &&
           qemuDomainAddressVirtioSerial(def, err) && qemuDomainAddressSpaprVio(def, err) &&
           qemuDomainAddressCcw(def, err) && qemuDomainAddressPci(def, err) && qemuDomainAddressUsb(def, err);
}

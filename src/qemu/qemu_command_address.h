/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_address.h: where a device sits, as properties of QEMU's -device and device_add */
#pragma once

#include "conf/controller_conf.h"
#include "conf/domain_conf.h"
#include "util/mem_json.h"

/* Add what @info's address becomes: bus and addr (PCI), devno (ccw), bus and port (USB), bus and nr (virtio-serial),
 * reg (spapr-vio), iobase and irq (ISA), slot and addr (DIMM). An address that is not there, and a drive's, add nothing.
 * VIR_ERR_INTERNAL_ERROR: the controller that it names does not exist. */
gboolean qemuCommandAddAddress(MemJson *props, const DomainDef *def, const DeviceInfo *info, GError **err);

/* The id by which QEMU knows @controller, its alias or the one that it is going to get: "pcie.0", "pci.3", "usb",
 * "scsi0". Caller frees. */
char *qemuCommandAddressControllerId(const DomainDef *def, const ControllerDef *controller);
/* <driver iommu= ats= packed= page_per_vq=> */
void qemuCommandAddVirtioOptions(MemJson *props, const DeviceVirtioOptions *options);
/* The -device driver of a virtio device where @info puts it: "virtio-blk" to "virtio-blk-pci", "-ccw" or "-device".
 * @transitional: MEM_TRISTATE_YES "-pci-transitional", NO "-pci-non-transitional". Caller frees. */
char *qemuCommandVirtioDriver(const char *base, const DeviceInfo *info, MemTristate transitional);
/* Append "-device" and @props as JSON; @props is freed. */
void qemuCommandAppendDevice(GPtrArray *argv, MemJson *props);
void qemuCommandAppendJson(GPtrArray *argv, const char *option, MemJson *props);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memhotplug.h: attach, detach and update of <memory> devices as plans */
#pragma once

#include "qemu/qemu_command_memory.h"
#include "qemu/qemu_memplan.h"

/* All pure: definition, device and capabilities in, plan out. No monitor, no clock. */

/* Make @device ready to be plugged into the running @live: the rules of hotplug (facts 6.2), its slot or PCI address, its
 * alias, its size rounded as QEMU wants it. VIR_ERR_CONFIG_UNSUPPORTED, VIR_ERR_XML_DETAIL and so on; @device may then be
 * half filled in. */
gboolean qemuMemHotplugPrepare(const DomainDef *live, MemoryDeviceDef *device, const QemuCaps *caps, GError **err);

/* @device is prepared and not yet part of @live. Steps: folder, backend, device. */
QemuMemPlan *qemuMemHotplugPlanAttach(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                                      const QemuCommandContext *context, GError **err);

/* @device is one of @live's. VIR_ERR_OPERATION_UNSUPPORTED for models that QEMU cannot unplug whatever the guest says.
 * Steps: device_del until DEVICE_DELETED, backend, file. */
QemuMemPlan *qemuMemHotplugPlanDetach(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                                      const QemuCommandContext *context, GError **err);

/* @wanted is what the client sent; *@device is set to the device of @live that it means. Only requested may differ:
 * VIR_ERR_CONFIG_UNSUPPORTED names what else does. One step: qom-set requested-size. */
QemuMemPlan *qemuMemHotplugPlanUpdate(const DomainDef *live, const MemoryDeviceDef *wanted, MemoryDeviceDef **device,
                                      GError **err);

/* The file behind @device that is its own and of no use without it; NULL: none (huge pages share a folder, paths that the
 * user gave are the user's). Caller frees. */
char *qemuMemHotplugFileOf(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                           const QemuCommandContext *context);

/* Which of @def's devices does an update mean: by alias when that is given and known, else by address. NULL: none; borrowed. */
MemoryDeviceDef *qemuMemHotplugFindForUpdate(const DomainDef *def, const MemoryDeviceDef *wanted);
/* Nothing but requested differs, or VIR_ERR_CONFIG_UNSUPPORTED naming the first that does. */
gboolean qemuMemHotplugCheckChange(const MemoryDeviceDef *old, const MemoryDeviceDef *wanted, GError **err);

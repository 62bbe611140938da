/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* controller_conf.h: <controller>: PCI, USB, SCSI, SATA, IDE, virtio-serial */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    CONTROLLER_IDE = 0,
    CONTROLLER_SCSI,
    CONTROLLER_SATA,
    CONTROLLER_VIRTIO_SERIAL,
    CONTROLLER_USB,
    CONTROLLER_PCI,

    CONTROLLER_LAST
} ControllerType;

MEM_ENUM_DECL(controllerType);

/* The models of all types in one list; which belongs to which type: controllerModelType(). */
typedef enum {
    CONTROLLER_MODEL_DEFAULT = 0,

    CONTROLLER_MODEL_PCI_ROOT,
    CONTROLLER_MODEL_PCIE_ROOT,
    CONTROLLER_MODEL_PCI_BRIDGE,
    CONTROLLER_MODEL_PCIE_ROOT_PORT,
    CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE,

    CONTROLLER_MODEL_PIIX3_UHCI,
    CONTROLLER_MODEL_PIIX4_UHCI,
    CONTROLLER_MODEL_EHCI,
    CONTROLLER_MODEL_ICH9_EHCI1,
    CONTROLLER_MODEL_ICH9_UHCI1,
    CONTROLLER_MODEL_ICH9_UHCI2,
    CONTROLLER_MODEL_ICH9_UHCI3,
    CONTROLLER_MODEL_NEC_XHCI,
    CONTROLLER_MODEL_QEMU_XHCI,
    CONTROLLER_MODEL_PCI_OHCI,
    CONTROLLER_MODEL_NONE,              /* usb: the guest has none */

    CONTROLLER_MODEL_VIRTIO_SCSI,
    CONTROLLER_MODEL_LSILOGIC,
    CONTROLLER_MODEL_IBMVSCSI,

    /* scsi and virtio-serial */
    CONTROLLER_MODEL_VIRTIO_TRANSITIONAL,
    CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL,

    CONTROLLER_MODEL_LAST
} ControllerModel;

MEM_ENUM_DECL(controllerModel);

struct ControllerDef {
    ControllerType type;
    ControllerModel model;
    int index;                          /* -1: not given, assigned when the domain gets its defaults */

    /* pci */
    char *modelName;                    /* <model name=>: "pcie-root-port", "ioh3420", "pci-bridge", "pcie-pci-bridge" */
    int chassis, port, chassisNr;       /* -1: not given */
    int hostIndex;                      /* <target index=>, pSeries host bridge: 0 or -1 */
    MemTristate hotplug;
    guint64 pcihole64Kib;               /* root; */
    gboolean hasPcihole64;

    int ports;                          /* usb, virtio-serial; -1: not given */
    int vectors;                        /* virtio-serial; -1 */
    int masterStartPort;                /* usb companions; -1 */
    unsigned queues, cmdPerLun, maxSectors;     /* scsi; 0: not given */
    MemTristate ioeventfd;              /* scsi */
    DeviceVirtioOptions virtio;
    DeviceInfo info;
};

ControllerDef *controllerDefNew(ControllerType type, int index, ControllerModel model);
void controllerDefFree(ControllerDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ControllerDef, controllerDefFree)
/* @flags: DomainParseFlags. */
ControllerDef *controllerDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void controllerDefFormat(MemXmlOut *out, const ControllerDef *def, unsigned flags);
gboolean controllerDefValidate(const ControllerDef *def, const DomainDef *domain, GError **err);

/* The first controller of @type with @index (-1: any), or NULL. Borrowed. */
ControllerDef *controllerFind(const DomainDef *domain, ControllerType type, int index);
/* The lowest index that no controller of @type has. */
int controllerFreeIndex(const DomainDef *domain, ControllerType type);
/* Companions of an ICH9 EHCI share its index: the first is the bus. */
gboolean controllerIsUsbCompanion(const ControllerDef *def);

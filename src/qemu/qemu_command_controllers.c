/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_controllers.c: PCI, USB, SCSI, SATA and virtio-serial controllers on the command line */
#include "qemu/qemu_command_devices.h"

#include "qemu/qemu_command_address.h"
#include "qemu/qemu_domain_defaults.h"


static MemTristate transitionalOf(ControllerModel model)
{
    if (model == CONTROLLER_MODEL_VIRTIO_TRANSITIONAL)
        return MEM_TRISTATE_YES;
    return model == CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL ? MEM_TRISTATE_NO : MEM_TRISTATE_ABSENT;
}

static char *pciDriver(const ControllerDef *controller)
{
    if (controller->model == CONTROLLER_MODEL_PCIE_ROOT_PORT)
        return g_strdup(controller->modelName ? controller->modelName : "pcie-root-port");
    if (controller->model == CONTROLLER_MODEL_PCI_BRIDGE)
        return g_strdup("pci-bridge");
    /* the roots are the machine's */
    return controller->model == CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE ? g_strdup("pcie-pci-bridge") : NULL;
}

static const struct {
    ControllerModel model;
    const char *driver;
} usbDrivers[] = {
    { CONTROLLER_MODEL_PIIX3_UHCI, "piix3-usb-uhci" },
    { CONTROLLER_MODEL_PIIX4_UHCI, "piix4-usb-uhci" },
    { CONTROLLER_MODEL_EHCI, "usb-ehci" },
    { CONTROLLER_MODEL_ICH9_EHCI1, "ich9-usb-ehci1" },
    { CONTROLLER_MODEL_ICH9_UHCI1, "ich9-usb-uhci1" },
    { CONTROLLER_MODEL_ICH9_UHCI2, "ich9-usb-uhci2" },
    { CONTROLLER_MODEL_ICH9_UHCI3, "ich9-usb-uhci3" },
    { CONTROLLER_MODEL_NEC_XHCI, "nec-usb-xhci" },
    { CONTROLLER_MODEL_QEMU_XHCI, "qemu-xhci" },
    { CONTROLLER_MODEL_PCI_OHCI, "pci-ohci" },
};

static char *usbDriver(ControllerModel model)
{
    for (gsize i = 0; i < G_N_ELEMENTS(usbDrivers); i++) {
        if (usbDrivers[i].model == model)
            return g_strdup(usbDrivers[i].driver);
    }
    return NULL;
}

static char *scsiDriver(const ControllerDef *controller)
{
    if (controller->model == CONTROLLER_MODEL_LSILOGIC)
        return g_strdup("lsi");
    if (controller->model == CONTROLLER_MODEL_IBMVSCSI)
        return g_strdup("spapr-vscsi");
    return qemuCommandVirtioDriver("virtio-scsi", &controller->info, transitionalOf(controller->model));
}

char *qemuCommandControllerDriver(const DomainDef *def, const ControllerDef *controller)
{
    switch (controller->type) {
    case CONTROLLER_PCI:
        return pciDriver(controller);
    case CONTROLLER_USB:
        return usbDriver(controller->model);
    case CONTROLLER_SCSI:
        return scsiDriver(controller);
    case CONTROLLER_VIRTIO_SERIAL:
        return qemuCommandVirtioDriver("virtio-serial", &controller->info, transitionalOf(controller->model));
    case CONTROLLER_SATA:
        return controller->index == 0 && qemuDomainHasPcie(def) ? NULL : g_strdup("ahci");
    case CONTROLLER_IDE:            /* in the chipset */
    case CONTROLLER_LAST:
        break;
    }
    return NULL;
}

/* ---- properties by type ---- */

static void addPci(MemJson *props, const ControllerDef *controller)
{
    if (controller->model == CONTROLLER_MODEL_PCIE_ROOT_PORT) {
        memJsonAddInt(props, "port", controller->port);
        memJsonAddInt(props, "chassis", controller->chassis);
    } else if (controller->model == CONTROLLER_MODEL_PCI_BRIDGE) {
        memJsonAddInt(props, "chassis_nr", controller->chassisNr);
    }
    if (controller->hotplug)
        memJsonAddBool(props, "hotplug", controller->hotplug == MEM_TRISTATE_YES);
}

/* A companion has no id of its own: it shares the bus of the controller with its index. */
static void addUsb(MemJson *props, const DomainDef *def, const ControllerDef *controller)
{
    g_autofree char *id = qemuCommandAddressControllerId(def, controller);
    g_autofree char *master = g_strconcat(id, ".0", NULL);

    if (controllerIsUsbCompanion(controller)) {
        memJsonAddString(props, "masterbus", master);
        memJsonAddInt(props, "firstport", MAX(controller->masterStartPort, 0));
        return;
    }
    if (controller->ports > 0) {
        memJsonAddInt(props, "p2", controller->ports);
        memJsonAddInt(props, "p3", controller->ports);
    }
    memJsonAddString(props, "id", id);
}

static void addScsi(MemJson *props, const ControllerDef *controller)
{
    if (controller->queues)
        memJsonAddUint64(props, "num_queues", controller->queues);
    if (controller->cmdPerLun)
        memJsonAddUint64(props, "cmd_per_lun", controller->cmdPerLun);
    if (controller->maxSectors)
        memJsonAddUint64(props, "max_sectors", controller->maxSectors);
    if (controller->ioeventfd)
        memJsonAddBool(props, "ioeventfd", controller->ioeventfd == MEM_TRISTATE_YES);
}

static void addVirtioSerial(MemJson *props, const ControllerDef *controller)
{
    if (controller->ports >= 0)
        memJsonAddInt(props, "max_ports", controller->ports);
    if (controller->vectors >= 0)
        memJsonAddInt(props, "vectors", controller->vectors);
}

static void addOptions(MemJson *props, const DomainDef *def, const ControllerDef *controller)
{
    g_autofree char *id = qemuCommandAddressControllerId(def, controller);

    switch (controller->type) {
    case CONTROLLER_USB:
        addUsb(props, def, controller);
        return;
    case CONTROLLER_PCI:
        addPci(props, controller);
        break;
    case CONTROLLER_SCSI:
        addScsi(props, controller);
        break;
    case CONTROLLER_VIRTIO_SERIAL:
        addVirtioSerial(props, controller);
        break;
    case CONTROLLER_SATA:
    case CONTROLLER_IDE:
    case CONTROLLER_LAST:
        break;
    }
    memJsonAddString(props, "id", id);
}

/* ---- the command line ---- */

static gboolean addController(GPtrArray *argv, const DomainDef *def, const ControllerDef *controller, GError **err)
{
    g_autofree char *driver = qemuCommandControllerDriver(def, controller);
    g_autoptr(MemJson) props = NULL;

    if (!driver)
        return TRUE;
    props = memJsonNew();
    memJsonAddString(props, "driver", driver);
    qemuCommandAddVirtioOptions(props, &controller->virtio);
    addOptions(props, def, controller);
    if (!qemuCommandAddAddress(props, def, &controller->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

static void addPcihole(GPtrArray *argv, const DomainDef *def)
{
    const ControllerDef *root = controllerFind(def, CONTROLLER_PCI, 0);

    if (!root || !root->hasPcihole64)
        return;
    g_ptr_array_add(argv, g_strdup("-global"));
    g_ptr_array_add(argv, g_strdup_printf("%s.pci-hole64-size=%" G_GUINT64_FORMAT "K",
                                          qemuDomainHasPcie(def) ? "q35-pcihost" : "i440FX-pcihost", root->pcihole64Kib));
}

gboolean qemuCommandControllers(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                                const QemuCommandContext *context, GError **err)
{
    static const ControllerType order[] = {
        CONTROLLER_PCI, CONTROLLER_USB, CONTROLLER_SCSI, CONTROLLER_IDE, CONTROLLER_SATA, CONTROLLER_VIRTIO_SERIAL
    };

    addPcihole(argv, def);
    for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
        for (gsize j = 0; j < def->ncontrollers; j++) {
            if (def->controllers[j]->type == order[i] && !addController(argv, def, def->controllers[j], err))
                return FALSE;
        }
    }
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_address.c: where a device sits, as properties of QEMU's -device and device_add */
#include "qemu/qemu_command_address.h"

#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

/* ---- ids ---- */

static char *pciId(const ControllerDef *controller)
{
    return g_strdup_printf("%s.%d", controller->model == CONTROLLER_MODEL_PCIE_ROOT ? "pcie" : "pci", controller->index);
}

char *qemuCommandAddressControllerId(const DomainDef *def, const ControllerDef *controller)
{
    int index = controller->index;

    if (controller->info.alias)
        return g_strdup(controller->info.alias);
    switch (controller->type) {
    case CONTROLLER_PCI:
        return pciId(controller);
    case CONTROLLER_USB:
        return index == 0 ? g_strdup("usb") : g_strdup_printf("usb%d", index);
    case CONTROLLER_IDE:
        return index == 0 ? g_strdup("ide") : g_strdup_printf("ide%d", index);
    case CONTROLLER_SATA:
        /* the chipset's own bears QEMU's name for it */
        return index == 0 && qemuDomainHasPcie(def) ? g_strdup("ide") : g_strdup_printf("sata%d", index);
    case CONTROLLER_SCSI:
    case CONTROLLER_VIRTIO_SERIAL:
        return g_strdup_printf("%s%d", controllerTypeToString((int)controller->type), index);
    case CONTROLLER_LAST:
        break;
    }
    return NULL;
}

static char *busOf(const DomainDef *def, ControllerType type, unsigned index, GError **err)
{
    const ControllerDef *controller = controllerFind(def, type, (int)index);

    if (controller)
        return qemuCommandAddressControllerId(def, controller);
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "an address names '%s' controller '%u', which does not exist",
                controllerTypeToString((int)type), index);
    return NULL;
}

/* ---- addresses ---- */

static gboolean addPci(MemJson *props, const DomainDef *def, const DevicePciAddress *pci, GError **err)
{
    g_autofree char *bus = busOf(def, CONTROLLER_PCI, pci->bus, err);
    g_autofree char *addr = NULL;

    if (!bus)
        return FALSE;
    memJsonAddString(props, "bus", bus);
    if (pci->multifunction)
        memJsonAddBool(props, "multifunction", pci->multifunction == MEM_TRISTATE_YES);
    addr = pci->function ? g_strdup_printf("0x%x.0x%x", pci->slot, pci->function) : g_strdup_printf("0x%x", pci->slot);
    memJsonAddString(props, "addr", addr);
    return TRUE;
}

/* Controllers of these types have buses of their own, named after them. */
static gboolean addBus(MemJson *props, const DomainDef *def, ControllerType type, unsigned index, unsigned bus, GError **err)
{
    g_autofree char *id = busOf(def, type, index, err);
    g_autofree char *name = NULL;

    if (!id)
        return FALSE;
    name = g_strdup_printf("%s.%u", id, bus);
    memJsonAddString(props, "bus", name);
    return TRUE;
}

static gboolean addUsb(MemJson *props, const DomainDef *def, const DeviceUsbAddress *usb, GError **err)
{
    if (!addBus(props, def, CONTROLLER_USB, usb->bus, 0, err))
        return FALSE;
    memJsonAddString(props, "port", usb->port);
    return TRUE;
}

static gboolean addSerial(MemJson *props, const DomainDef *def, const DeviceVirtioSerialAddress *serial, GError **err)
{
    if (!addBus(props, def, CONTROLLER_VIRTIO_SERIAL, serial->controller, serial->bus, err))
        return FALSE;
    memJsonAddUint64(props, "nr", serial->port);
    return TRUE;
}

static void addCcw(MemJson *props, const DeviceCcwAddress *ccw)
{
    g_autofree char *devno = g_strdup_printf("%x.%x.%04x", ccw->cssid, ccw->ssid, ccw->devno);

    memJsonAddString(props, "devno", devno);
}

static void addNumbers(MemJson *props, const DeviceInfo *info)
{
    if (info->type == DEVICE_ADDRESS_SPAPR_VIO && info->spapr.hasReg)
        memJsonAddUint64(props, "reg", info->spapr.reg);
    if (info->type == DEVICE_ADDRESS_ISA && info->isa.iobase)
        memJsonAddUint64(props, "iobase", info->isa.iobase);
    if (info->type == DEVICE_ADDRESS_ISA && info->isa.irq)
        memJsonAddUint64(props, "irq", info->isa.irq);
    if (info->type == DEVICE_ADDRESS_DIMM) {
        memJsonAddUint64(props, "slot", info->dimm.slot);
        if (info->dimm.base)
            memJsonAddUint64(props, "addr", info->dimm.base);
    }
}

gboolean qemuCommandAddAddress(MemJson *props, const DomainDef *def, const DeviceInfo *info, GError **err)
{
    if (!deviceInfoIsAssigned(info))
        return TRUE;
    switch (info->type) {
    case DEVICE_ADDRESS_PCI:
        return addPci(props, def, &info->pci, err);
    case DEVICE_ADDRESS_USB:
        return addUsb(props, def, &info->usb, err);
    case DEVICE_ADDRESS_VIRTIO_SERIAL:
        return addSerial(props, def, &info->serial, err);
    case DEVICE_ADDRESS_CCW:
        addCcw(props, &info->ccw);
        return TRUE;
    case DEVICE_ADDRESS_SPAPR_VIO:
    case DEVICE_ADDRESS_ISA:
    case DEVICE_ADDRESS_DIMM:
        addNumbers(props, info);
        return TRUE;
    case DEVICE_ADDRESS_NONE:
    case DEVICE_ADDRESS_DRIVE:
    case DEVICE_ADDRESS_VIRTIO_MMIO:
    case DEVICE_ADDRESS_LAST:
        return TRUE;
    }
    return TRUE;
}

/* ---- virtio ---- */

static void addSwitch(MemJson *props, const char *key, MemTristate value)
{
    if (value)
        memJsonAddBool(props, key, value == MEM_TRISTATE_YES);
}

void qemuCommandAddVirtioOptions(MemJson *props, const DeviceVirtioOptions *options)
{
    addSwitch(props, "iommu_platform", options->iommu);
    addSwitch(props, "ats", options->ats);
    addSwitch(props, "packed", options->packed);
    addSwitch(props, "page-per-vq", options->pagePerVq);
}

char *qemuCommandVirtioDriver(const char *base, const DeviceInfo *info, MemTristate transitional)
{
    const char *kind = transitional == MEM_TRISTATE_YES ? "-transitional"
                       : transitional == MEM_TRISTATE_NO ? "-non-transitional" : "";

    if (info->type == DEVICE_ADDRESS_CCW)
        return g_strconcat(base, "-ccw", NULL);
    if (info->type == DEVICE_ADDRESS_VIRTIO_MMIO)
        return g_strconcat(base, "-device", NULL);
    return g_strconcat(base, "-pci", kind, NULL);
}

/* ---- output ---- */

void qemuCommandAppendJson(GPtrArray *argv, const char *option, MemJson *props)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, memJsonFormat(props));
    memJsonFree(props);
}

void qemuCommandAppendDevice(GPtrArray *argv, MemJson *props)
{
    qemuCommandAppendJson(argv, "-device", props);
}

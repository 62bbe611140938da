/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_address_other.c: addresses on buses that are not PCI: drives, virtio-serial, USB, ccw, spapr-vio */
#include "qemu/qemu_domain_address_priv.h"

#include "conf/chardev_conf.h"
#include "conf/disk_conf.h"
#include "conf/domain_devices_conf.h"
#include "conf/input_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"
#include "util/mem_error.h"

#include <string.h>

#define SCSI_TARGETS 15             /* a controller takes target 7 for itself in libvirt's numbering */
#define SATA_PORTS 6
#define IDE_DRIVES 4
#define CCW_CSSID 0xfe
#define MOST_CCW 65536
#define VIRTIO_SERIAL_PORTS 31      /* of a controller without ports= */

/* ---- drives ---- */

static void chooseDrive(DiskDef *disk)
{
    unsigned index = (unsigned)diskTargetIndex(disk->target);
    DeviceDriveAddress *drive = &disk->info.drive;

    memset(drive, 0, sizeof(*drive));
    switch (disk->bus) {
    case DISK_BUS_SCSI:
        drive->controller = index / SCSI_TARGETS;
        drive->unit = index % SCSI_TARGETS;
        if (drive->unit >= 7)
            drive->unit++;
        break;
    case DISK_BUS_SATA:
        drive->controller = index / SATA_PORTS;
        drive->unit = index % SATA_PORTS;
        break;
    case DISK_BUS_IDE:
        drive->controller = index / IDE_DRIVES;
        drive->bus = index % IDE_DRIVES / 2;
        drive->unit = index % 2;
        break;
    case DISK_BUS_VIRTIO:
    case DISK_BUS_USB:
    case DISK_BUS_NONE:
    case DISK_BUS_LAST:
        return;
    }
    disk->info.type = DEVICE_ADDRESS_DRIVE;
}

static gboolean checkDrive(GHashTable *seen, const DiskDef *disk, GError **err)
{
    const DeviceDriveAddress *drive = &disk->info.drive;
    char *key = g_strdup_printf("%s %u %u %u %u", diskBusToString((int)disk->bus), drive->controller, drive->bus,
                                drive->target, drive->unit);

    if (g_hash_table_add(seen, key))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "disk '%s': drive address controller '%u' bus '%u' target '%u' unit '%u' is used by another disk",
                disk->target, drive->controller, drive->bus, drive->target, drive->unit);
    return FALSE;
}

gboolean qemuDomainAddressDrives(DomainDef *def, GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) targets = g_hash_table_new(g_str_hash, g_str_equal);

    for (gsize i = 0; i < def->ndisks; i++) {
        if (!g_hash_table_add(targets, def->disks[i]->target)) {
            memErrorSet(err, VIR_ERR_XML_ERROR,
                        "disk target '%s' is used by two disks", def->disks[i]->target);
            return FALSE;
        }
    }
    for (gsize i = 0; i < def->ndisks; i++) {
        DiskDef *disk = def->disks[i];

        if (disk->info.type == DEVICE_ADDRESS_NONE)
            chooseDrive(disk);
        if (disk->info.type == DEVICE_ADDRESS_DRIVE && !checkDrive(seen, disk, err))
            return FALSE;
    }
    return TRUE;
}

/* ---- virtio-serial ---- */

static char *portKey(const DeviceVirtioSerialAddress *address)
{
    return g_strdup_printf("%u %u", address->controller, address->port);
}

static gboolean reservePort(GHashTable *used, const ChardevDef *chardev, GError **err)
{
    const DeviceVirtioSerialAddress *address = &chardev->info.serial;

    if (chardev->info.type != DEVICE_ADDRESS_VIRTIO_SERIAL || chardev->target != CHARDEV_TARGET_VIRTIO)
        return TRUE;
    /* a channel with port 0 leaves the choice to us, a console means the port that only consoles can have */
    if (address->port == 0 && chardev->role == CHARDEV_CHANNEL)
        return TRUE;
    if (g_hash_table_add(used, portKey(address)))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR,
                "virtio-serial port '%u' of controller '%u' is used by two devices", address->port,
                address->controller);
    return FALSE;
}

static gboolean choosePort(const DomainDef *def, GHashTable *used, ChardevDef *chardev, GError **err)
{
    DeviceVirtioSerialAddress address = { 0 };
    unsigned first = chardev->role == CHARDEV_CONSOLE ? 0 : 1;

    if (chardev->target != CHARDEV_TARGET_VIRTIO ||
        (chardev->info.type == DEVICE_ADDRESS_VIRTIO_SERIAL &&
         (chardev->info.serial.port || chardev->role == CHARDEV_CONSOLE)))
        return TRUE;
    if (chardev->info.type == DEVICE_ADDRESS_VIRTIO_SERIAL)
        address = chardev->info.serial;
    for (const ControllerDef *controller; (controller = controllerFind(def, CONTROLLER_VIRTIO_SERIAL, (int)address.controller));
         address.controller++) {
        unsigned count = controller->ports > 0 ? (unsigned)controller->ports : VIRTIO_SERIAL_PORTS;

        for (address.port = first; address.port < count; address.port++) {
            if (g_hash_table_add(used, portKey(&address))) {
                chardev->info.type = DEVICE_ADDRESS_VIRTIO_SERIAL;
                chardev->info.serial = address;
                return TRUE;
            }
        }
    }
    memErrorSet(err, VIR_ERR_XML_ERROR,
                "no virtio-serial port is free for '%s' '%s': add a '<controller type='virtio-serial'>'",
                chardevRoleToString((int)chardev->role), chardev->name ? chardev->name : "");
    return FALSE;
}

gboolean qemuDomainAddressVirtioSerial(DomainDef *def, GError **err)
{
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (gsize i = 0; i < def->nchannels; i++) {
        if (!reservePort(used, def->channels[i], err))
            return FALSE;
    }
    for (gsize i = 0; i < def->nconsoles; i++) {
        if (!reservePort(used, def->consoles[i], err))
            return FALSE;
    }
    for (gsize i = 0; i < def->nconsoles; i++) {
        if (!choosePort(def, used, def->consoles[i], err))
            return FALSE;
    }
    for (gsize i = 0; i < def->nchannels; i++) {
        if (!choosePort(def, used, def->channels[i], err))
            return FALSE;
    }
    return TRUE;
}

/* ---- USB ---- */

/* Ports of one bus: companions of an ICH9 add none, they share those of the EHCI. */
static unsigned usbPorts(const ControllerDef *controller)
{
    switch (controller->model) {
    case CONTROLLER_MODEL_PIIX3_UHCI:
    case CONTROLLER_MODEL_PIIX4_UHCI:
        return 2;
    case CONTROLLER_MODEL_EHCI:
    case CONTROLLER_MODEL_ICH9_EHCI1:
        return 6;
    case CONTROLLER_MODEL_PCI_OHCI:
        return 3;
    case CONTROLLER_MODEL_NEC_XHCI:
    case CONTROLLER_MODEL_QEMU_XHCI:
        return controller->ports > 0 ? (unsigned)controller->ports : 4;
    case CONTROLLER_MODEL_DEFAULT:
    case CONTROLLER_MODEL_PCI_ROOT:
    case CONTROLLER_MODEL_PCIE_ROOT:
    case CONTROLLER_MODEL_PCI_BRIDGE:
    case CONTROLLER_MODEL_PCIE_ROOT_PORT:
    case CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE:
    case CONTROLLER_MODEL_ICH9_UHCI1:
    case CONTROLLER_MODEL_ICH9_UHCI2:
    case CONTROLLER_MODEL_ICH9_UHCI3:
    case CONTROLLER_MODEL_NONE:
    case CONTROLLER_MODEL_VIRTIO_SCSI:
    case CONTROLLER_MODEL_LSILOGIC:
    case CONTROLLER_MODEL_IBMVSCSI:
    case CONTROLLER_MODEL_VIRTIO_TRANSITIONAL:
    case CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL:
    case CONTROLLER_MODEL_LAST:
        break;
    }
    return 0;
}

static GPtrArray *usbDevices(const DomainDef *def)
{
    GPtrArray *infos = g_ptr_array_new();

    for (gsize i = 0; i < def->ndisks; i++) {
        if (def->disks[i]->bus == DISK_BUS_USB)
            g_ptr_array_add(infos, &def->disks[i]->info);
    }
    for (gsize i = 0; i < def->ninputs; i++) {
        if (def->inputs[i]->bus == INPUT_BUS_USB)
            g_ptr_array_add(infos, &def->inputs[i]->info);
    }
    for (gsize i = 0; i < def->nserials; i++) {
        if (def->serials[i]->target == CHARDEV_TARGET_USB_SERIAL)
            g_ptr_array_add(infos, &def->serials[i]->info);
    }
    return infos;
}

static gboolean chooseUsb(const DomainDef *def, GHashTable *used, DeviceInfo *info, GError **err)
{
    for (gsize i = 0; i < def->ncontrollers; i++) {
        const ControllerDef *controller = def->controllers[i];
        unsigned ports = controller->type == CONTROLLER_USB ? usbPorts(controller) : 0;

        for (unsigned port = 1; port <= ports; port++) {
            char *key = g_strdup_printf("%d %u", controller->index, port);

            if (g_hash_table_add(used, key)) {
                info->type = DEVICE_ADDRESS_USB;
                info->usb.bus = (unsigned)controller->index;
                g_free(info->usb.port);
                info->usb.port = g_strdup_printf("%u", port);
                return TRUE;
            }
        }
    }
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "no USB port is free for all USB devices: add a '<controller type='usb' model='qemu-xhci' ports='15'>'");
    return FALSE;
}

static gboolean reserveUsb(const DomainDef *def, GHashTable *used, const DeviceInfo *info, GError **err)
{
    const ControllerDef *controller = controllerFind(def, CONTROLLER_USB, (int)info->usb.bus);

    if (!controller) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "USB address bus '%u' does not exist", info->usb.bus);
        return FALSE;
    }
    if (g_hash_table_add(used, g_strdup_printf("%u %s", info->usb.bus, info->usb.port)))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR,
                "USB address bus '%u' port '%s' is used by two devices",
                info->usb.bus, info->usb.port);
    return FALSE;
}

gboolean qemuDomainAddressUsb(DomainDef *def, GError **err)
{
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) infos = usbDevices(def);
    const ControllerDef *usb = controllerFind(def, CONTROLLER_USB, -1);

    if (infos->len && (!usb || usb->model == CONTROLLER_MODEL_NONE)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "USB devices are not possible: the domain has no '<controller type='usb'>'");
        return FALSE;
    }
    for (guint i = 0; i < infos->len; i++) {
        const DeviceInfo *info = g_ptr_array_index(infos, i);

        if (deviceInfoIsAssigned(info) && !reserveUsb(def, used, info, err))
            return FALSE;
    }
    for (guint i = 0; i < infos->len; i++) {
        DeviceInfo *info = g_ptr_array_index(infos, i);

        if (!deviceInfoIsAssigned(info) && !chooseUsb(def, used, info, err))
            return FALSE;
    }
    return TRUE;
}

/* ---- ccw ---- */

static void collect(GPtrArray *infos, DeviceInfo *info, gboolean wanted)
{
    if (wanted && (info->type == DEVICE_ADDRESS_NONE || info->type == DEVICE_ADDRESS_CCW))
        g_ptr_array_add(infos, info);
}

/* All virtio devices, in libvirt's order. */
static GPtrArray *ccwDevices(const DomainDef *def)
{
    GPtrArray *infos = g_ptr_array_new();

    for (gsize i = 0; i < def->ndisks; i++)
        collect(infos, &def->disks[i]->info, def->disks[i]->bus == DISK_BUS_VIRTIO);
    for (gsize i = 0; i < def->nnets; i++)
        collect(infos, &def->nets[i]->info, netModelIsVirtio(def->nets[i]->model));
    for (gsize i = 0; i < def->nvideos; i++)
        collect(infos, &def->videos[i]->info, def->videos[i]->model == VIDEO_VIRTIO);
    for (gsize i = 0; i < def->ncontrollers; i++)
        collect(infos, &def->controllers[i]->info,
                def->controllers[i]->type == CONTROLLER_VIRTIO_SERIAL || def->controllers[i]->type == CONTROLLER_SCSI);
    for (gsize i = 0; i < def->ninputs; i++)
        collect(infos, &def->inputs[i]->info, def->inputs[i]->bus == INPUT_BUS_VIRTIO);
    if (def->balloon)
        collect(infos, &def->balloon->info, def->balloon->model == MEMBALLOON_VIRTIO);
    for (gsize i = 0; i < def->nrngs; i++)
        collect(infos, &def->rngs[i]->info, TRUE);
    for (gsize i = 0; i < def->nmemories; i++)
        collect(infos, &def->memories[i]->info,
                def->memories[i]->model == MEMORY_DEVICE_VIRTIO_MEM || def->memories[i]->model == MEMORY_DEVICE_VIRTIO_PMEM);
    return infos;
}

static guint ccwKey(const DeviceCcwAddress *ccw)
{
    return ccw->ssid * MOST_CCW + ccw->devno + 1;
}

static gboolean isNotCcw(DeviceInfo *info, const char *element, gpointer opaque)
{
    *(const char **)opaque = element;
    return info->type != DEVICE_ADDRESS_CCW;
}

/* On any other machine a ccw address is a mistake. */
static gboolean refuseCcw(DomainDef *def, GError **err)
{
    const char *element = NULL;

    if (domainDevicesForEach(def, isNotCcw, &element))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "'<%s>': address type 'ccw' is not there on machine '%s'", element,
                def->machine);
    return FALSE;
}

gboolean qemuDomainAddressCcw(DomainDef *def, GError **err)
{
    g_autoptr(GPtrArray) infos = ccwDevices(def);
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    DeviceCcwAddress next = { .cssid = CCW_CSSID };

    if (def->arch != ARCH_S390X)
        return refuseCcw(def, err);
    for (guint i = 0; i < infos->len; i++) {
        const DeviceInfo *info = g_ptr_array_index(infos, i);

        if (deviceInfoIsAssigned(info) && !g_hash_table_add(used, GUINT_TO_POINTER(ccwKey(&info->ccw)))) {
            memErrorSet(err, VIR_ERR_XML_ERROR,
                        "ccw address '%x.%x.%04x' is used by two devices", info->ccw.cssid,
                        info->ccw.ssid, info->ccw.devno);
            return FALSE;
        }
    }
    for (guint i = 0; i < infos->len; i++) {
        DeviceInfo *info = g_ptr_array_index(infos, i);

        if (deviceInfoIsAssigned(info))
            continue;
        while (!g_hash_table_add(used, GUINT_TO_POINTER(ccwKey(&next))))
            next.devno++;
        info->type = DEVICE_ADDRESS_CCW;
        info->ccw = next;
    }
    return TRUE;
}

/* ---- spapr-vio ---- */

static void chooseReg(GHashTable *used, DeviceInfo *info, guint64 first)
{
    guint64 reg = first;

    if (info->type != DEVICE_ADDRESS_NONE && (info->type != DEVICE_ADDRESS_SPAPR_VIO || info->spapr.hasReg))
        return;
    while (!g_hash_table_add(used, GSIZE_TO_POINTER(reg)))
        reg += 0x1000;
    info->type = DEVICE_ADDRESS_SPAPR_VIO;
    info->spapr.reg = reg;
    info->spapr.hasReg = TRUE;
}

static gboolean reserveReg(DeviceInfo *info, const char *element, gpointer opaque)
{
    GHashTable *used = opaque;

    return info->type != DEVICE_ADDRESS_SPAPR_VIO || !info->spapr.hasReg ||
           g_hash_table_add(used, GSIZE_TO_POINTER(info->spapr.reg));
}

gboolean qemuDomainAddressSpaprVio(DomainDef *def, GError **err)
{
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);

    if (!domainDevicesForEach(def, reserveReg, used)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "a spapr-vio address is used by two devices");
        return FALSE;
    }
    for (gsize i = 0; i < def->nnets; i++) {
        if (def->nets[i]->model == NET_MODEL_SPAPR_VLAN)
            chooseReg(used, &def->nets[i]->info, 0x1000);
    }
    for (gsize i = 0; i < def->ncontrollers; i++) {
        if (def->controllers[i]->model == CONTROLLER_MODEL_IBMVSCSI)
            chooseReg(used, &def->controllers[i]->info, 0x2000);
    }
    for (gsize i = 0; i < def->nserials; i++) {
        if (def->serials[i]->target == CHARDEV_TARGET_SPAPR_VIO_SERIAL)
            chooseReg(used, &def->serials[i]->info, 0x30000000);
    }
    return TRUE;
}

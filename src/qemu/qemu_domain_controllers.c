/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_controllers.c: the controllers that a machine has by itself, and those that devices need */
#include "qemu/qemu_domain_devices.h"

#include "conf/chardev_conf.h"
#include "conf/controller_conf.h"
#include "conf/disk_conf.h"
#include "conf/input_conf.h"
#include "qemu/qemu_domain_address_priv.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

#include <string.h>

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static gboolean isPseries(const DomainDef *def)
{
    return (def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE) && def->machine &&
           g_str_has_prefix(def->machine, "pseries");
}

void qemuDomainControllerInsert(DomainDef *def, ControllerDef *controller)
{
    gsize at = def->ncontrollers;

    for (gsize i = 0; i < def->ncontrollers; i++) {
        if (def->controllers[i]->type == controller->type && def->controllers[i]->index > controller->index) {
            at = i;
            break;
        }
    }
    def->controllers = g_renew(ControllerDef *, def->controllers, def->ncontrollers + 1);
    memmove(def->controllers + at + 1, def->controllers + at, (def->ncontrollers - at) * sizeof(ControllerDef *));
    def->controllers[at] = controller;
    def->ncontrollers++;
}

/* ---- models ---- */

static ControllerModel defaultScsi(const DomainDef *def)
{
    if (isPseries(def))
        return CONTROLLER_MODEL_IBMVSCSI;
    return def->arch == ARCH_S390X ? CONTROLLER_MODEL_VIRTIO_SCSI : CONTROLLER_MODEL_LSILOGIC;
}

/* Of a controller that the XML names without its model. */
static ControllerModel defaultUsb(const DomainDef *def)
{
    return isX86(def) ? CONTROLLER_MODEL_PIIX3_UHCI : CONTROLLER_MODEL_QEMU_XHCI;
}

static ControllerModel defaultModel(const DomainDef *def, ControllerType type)
{
    switch (type) {
    case CONTROLLER_SCSI:
        return defaultScsi(def);
    case CONTROLLER_USB:
        return defaultUsb(def);
    case CONTROLLER_PCI:
        return qemuDomainHasPcie(def) ? CONTROLLER_MODEL_PCIE_ROOT : CONTROLLER_MODEL_PCI_ROOT;
    case CONTROLLER_IDE:
    case CONTROLLER_SATA:
    case CONTROLLER_VIRTIO_SERIAL:
    case CONTROLLER_LAST:
        break;
    }
    return CONTROLLER_MODEL_DEFAULT;
}

void qemuDomainControllerEnsure(DomainDef *def, ControllerType type, int index)
{
    if (!controllerFind(def, type, index))
        qemuDomainControllerInsert(def, controllerDefNew(type, index, defaultModel(def, type)));
}

/* ---- what the machine has ---- */

static void ensureUsb(DomainDef *def)
{
    ControllerModel model = isX86(def) && !qemuDomainHasPcie(def) ? CONTROLLER_MODEL_PIIX3_UHCI : CONTROLLER_MODEL_QEMU_XHCI;

    /* The ISA machine has no bus that it could sit on. */
    if (def->machine && g_str_equal(def->machine, "isapc"))
        return;
    if (!controllerFind(def, CONTROLLER_USB, -1) && (isX86(def) || isPseries(def)))
        qemuDomainControllerInsert(def, controllerDefNew(CONTROLLER_USB, 0, model));
}

static void ensureMachine(DomainDef *def, unsigned flags)
{
    if (flags & DOMAIN_PARSE_ABI_UPDATE)
        ensureUsb(def);
    if (isX86(def) && qemuDomainHasPcie(def))
        qemuDomainControllerEnsure(def, CONTROLLER_SATA, 0);
    if (qemuDomainHasPci(def))
        qemuDomainControllerEnsure(def, CONTROLLER_PCI, 0);
}

/* ---- what devices need ---- */

static void ensureDisks(DomainDef *def)
{
    for (gsize i = 0; i < def->ndisks; i++) {
        const DiskDef *disk = def->disks[i];

        if (disk->info.type != DEVICE_ADDRESS_DRIVE)
            continue;
        if (disk->bus == DISK_BUS_SCSI)
            qemuDomainControllerEnsure(def, CONTROLLER_SCSI, (int)disk->info.drive.controller);
        else if (disk->bus == DISK_BUS_SATA)
            qemuDomainControllerEnsure(def, CONTROLLER_SATA, (int)disk->info.drive.controller);
        else if (disk->bus == DISK_BUS_IDE)
            qemuDomainControllerEnsure(def, CONTROLLER_IDE, (int)disk->info.drive.controller);
    }
}

static gboolean needsVirtioSerial(const ChardevDef *chardev)
{
    return chardev->target == CHARDEV_TARGET_VIRTIO;
}

static int serialController(const ChardevDef *chardev)
{
    return chardev->info.type == DEVICE_ADDRESS_VIRTIO_SERIAL ? (int)chardev->info.serial.controller : 0;
}

static void ensureVirtioSerial(DomainDef *def)
{
    for (gsize i = 0; i < def->nchannels; i++) {
        if (needsVirtioSerial(def->channels[i]))
            qemuDomainControllerEnsure(def, CONTROLLER_VIRTIO_SERIAL, serialController(def->channels[i]));
    }
    for (gsize i = 0; i < def->nconsoles; i++) {
        if (needsVirtioSerial(def->consoles[i]))
            qemuDomainControllerEnsure(def, CONTROLLER_VIRTIO_SERIAL, serialController(def->consoles[i]));
    }
}

/* ---- indexes and models of those given ---- */

static gboolean checkDuplicates(const DomainDef *def, GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (gsize i = 0; i < def->ncontrollers; i++) {
        const ControllerDef *controller = def->controllers[i];
        guint key = (guint)controller->index * CONTROLLER_LAST + (guint)controller->type + 1;

        if (controllerIsUsbCompanion(controller) || controller->model == CONTROLLER_MODEL_ICH9_EHCI1)
            continue;
        if (!g_hash_table_add(seen, GUINT_TO_POINTER(key))) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "two controllers of type '%s' have the index '%d'",
                        controllerTypeToString((int)controller->type), controller->index);
            return FALSE;
        }
    }
    return TRUE;
}

/* Companions without an index belong to the controller before them. */
static void numberControllers(DomainDef *def)
{
    int lastUsb = 0;

    for (gsize i = 0; i < def->ncontrollers; i++) {
        ControllerDef *controller = def->controllers[i];

        if (controller->index < 0)
            controller->index = controllerIsUsbCompanion(controller) ? lastUsb : controllerFreeIndex(def, controller->type);
        if (controller->type == CONTROLLER_USB)
            lastUsb = controller->index;
        if (controller->model == CONTROLLER_MODEL_DEFAULT)
            controller->model = defaultModel(def, controller->type);
    }
}

static gboolean checkRoot(const DomainDef *def, GError **err)
{
    const ControllerDef *root = controllerFind(def, CONTROLLER_PCI, 0);
    ControllerModel wanted = defaultModel(def, CONTROLLER_PCI);

    if (!root || (qemuDomainHasPci(def) && root->model == wanted))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "PCI controller '0' has model '%s': machine '%s' has '%s'",
                controllerModelToString((int)root->model), def->machine,
                qemuDomainHasPci(def) ? controllerModelToString((int)wanted) : "no PCI");
    return FALSE;
}

/* IDE is in the chipset of the PC, and nowhere else. */
static gboolean checkIde(const DomainDef *def, GError **err)
{
    const ControllerDef *ide = controllerFind(def, CONTROLLER_IDE, -1);

    if (!ide || (isX86(def) && !qemuDomainHasPcie(def) && ide->index == 0))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "IDE controller '%d' is not supported: machine '%s' has %s",
                ide->index, def->machine,
                isX86(def) && !qemuDomainHasPcie(def) ? "one, '0'" : "none, use bus 'sata', 'scsi' or 'virtio'");
    return FALSE;
}

gboolean qemuDomainControllersPrepare(DomainDef *def, unsigned flags, GError **err)
{
    numberControllers(def);
    ensureMachine(def, flags);
    return checkDuplicates(def, err) && checkRoot(def, err);
}

gboolean qemuDomainControllersComplete(DomainDef *def, GError **err)
{
    ensureDisks(def);
    ensureVirtioSerial(def);
    return checkIde(def, err);
}

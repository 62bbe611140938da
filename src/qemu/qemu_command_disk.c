/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_disk.c: a disk is two block nodes, one for the file and one for its format, and a device on top */
#include "qemu/qemu_command_devices.h"

#include "conf/guest_conf.h"
#include "qemu/qemu_command_address.h"
#include "util/mem_error.h"

#include <string.h>

/* What each cache mode is made of. */
static const struct {
    gboolean direct, noFlush, writeback;
} cacheModes[DISK_CACHE_LAST] = {
    [DISK_CACHE_NONE] = { TRUE, FALSE, TRUE },
    [DISK_CACHE_WRITETHROUGH] = { FALSE, FALSE, FALSE },
    [DISK_CACHE_WRITEBACK] = { FALSE, FALSE, TRUE },
    [DISK_CACHE_DIRECTSYNC] = { TRUE, FALSE, FALSE },
    [DISK_CACHE_UNSAFE] = { FALSE, TRUE, TRUE },
};

/* ---- boot order ---- */

static unsigned bootPosition(const DomainDef *def, OsBootDevice device)
{
    for (gsize i = 0; i < def->os->nboot; i++) {
        if (def->os->boot[i] == device)
            return (unsigned)i + 1;
    }
    return 0;
}

unsigned qemuCommandDiskBootIndex(const DomainDef *def, const DiskDef *disk)
{
    for (gsize i = 0; !disk->info.bootIndex && i < def->ndisks; i++) {
        if (def->disks[i]->device != disk->device)
            continue;
        if (def->disks[i] != disk)
            return 0;
        return bootPosition(def, disk->device == DISK_DEVICE_CDROM ? OS_BOOT_CDROM : OS_BOOT_HD);
    }
    return disk->info.bootIndex;
}

unsigned qemuCommandNetBootIndex(const DomainDef *def, const NetDef *net)
{
    if (net->info.bootIndex || !def->nnets || def->nets[0] != net)
        return net->info.bootIndex;
    return bootPosition(def, OS_BOOT_NETWORK);
}

/* ---- block nodes ---- */

static void addCache(MemJson *node, const DiskDef *disk)
{
    MemJson *cache;

    if (disk->cache == DISK_CACHE_DEFAULT)
        return;
    cache = memJsonNew();
    memJsonAddBool(cache, "direct", cacheModes[disk->cache].direct);
    memJsonAddBool(cache, "no-flush", cacheModes[disk->cache].noFlush);
    memJsonAdd(node, "cache", cache);
}

static const char *storageDriver(const DiskDef *disk)
{
    if (disk->type == DISK_TYPE_FILE)
        return "file";
    /* a host's own drive answers to eject; anything else that plays CD-ROM is a plain device */
    if (disk->device == DISK_DEVICE_CDROM &&
        (g_str_has_prefix(disk->source, "/dev/sr") || g_str_has_prefix(disk->source, "/dev/cdrom")))
        return "host_cdrom";
    return "host_device";
}

static MemJson *storageNode(const DiskDef *disk, const char *name)
{
    MemJson *node = memJsonNew();

    memJsonAddString(node, "driver", storageDriver(disk));
    memJsonAddString(node, "filename", disk->source);
    if (disk->io)
        memJsonAddString(node, "aio", diskIoToString((int)disk->io));
    memJsonAddString(node, "node-name", name);
    addCache(node, disk);
    memJsonAddBool(node, "auto-read-only", TRUE);
    memJsonAddString(node, "discard", "unmap");
    return node;
}

/* Zeroes turn into holes only where holes are allowed. */
static const char *detectZeroes(const DiskDef *disk)
{
    if (disk->detectZeroes == DISK_DETECT_ZEROES_UNMAP && disk->discard != DISK_DISCARD_UNMAP)
        return diskDetectZeroesToString(DISK_DETECT_ZEROES_ON);
    return diskDetectZeroesToString((int)disk->detectZeroes);
}

static MemJson *formatNode(const DiskDef *disk, const char *name, const char *storage)
{
    MemJson *node = memJsonNew();

    memJsonAddString(node, "node-name", name);
    memJsonAddBool(node, "read-only", disk->readonly);
    if (disk->discard)
        memJsonAddString(node, "discard", diskDiscardToString((int)disk->discard));
    if (disk->detectZeroes)
        memJsonAddString(node, "detect-zeroes", detectZeroes(disk));
    addCache(node, disk);
    memJsonAddString(node, "driver", diskFormatToString((int)disk->format));
    memJsonAddString(node, "file", storage);
    if (disk->backingEnd && disk->format == DISK_FORMAT_QCOW2)
        json_object_object_add(node, "backing", NULL);
    return node;
}

/* ---- the device ---- */

static char *virtioDriver(const DiskDef *disk)
{
    MemTristate transitional = disk->model == DISK_MODEL_VIRTIO_TRANSITIONAL ? MEM_TRISTATE_YES
                               : disk->model == DISK_MODEL_VIRTIO_NON_TRANSITIONAL ? MEM_TRISTATE_NO : MEM_TRISTATE_ABSENT;

    return qemuCommandVirtioDriver("virtio-blk", &disk->info, transitional);
}

static char *diskDriver(const DiskDef *disk)
{
    gboolean cdrom = disk->device == DISK_DEVICE_CDROM;

    switch (disk->bus) {
    case DISK_BUS_IDE:
    case DISK_BUS_SATA:
        return g_strdup(cdrom ? "ide-cd" : "ide-hd");
    case DISK_BUS_SCSI:
        return g_strdup(cdrom ? "scsi-cd" : "scsi-hd");
    case DISK_BUS_USB:
        return g_strdup("usb-storage");
    case DISK_BUS_VIRTIO:
        return virtioDriver(disk);
    case DISK_BUS_NONE:
    case DISK_BUS_LAST:
        break;
    }
    return NULL;
}

static void addVirtioQueues(MemJson *props, const DiskDef *disk)
{
    qemuCommandAddVirtioOptions(props, &disk->virtio);
    if (disk->ioeventfd)
        memJsonAddBool(props, "ioeventfd", disk->ioeventfd == MEM_TRISTATE_YES);
    if (disk->eventIdx)
        memJsonAddBool(props, "event_idx", disk->eventIdx == MEM_TRISTATE_YES);
    if (disk->queues)
        memJsonAddUint64(props, "num-queues", disk->queues);
    if (disk->queueSize)
        memJsonAddUint64(props, "queue-size", disk->queueSize);
}

static gboolean addDriveBus(MemJson *props, const DomainDef *def, const DiskDef *disk, GError **err)
{
    const DeviceDriveAddress *drive = &disk->info.drive;
    ControllerType type = disk->bus == DISK_BUS_SCSI ? CONTROLLER_SCSI : disk->bus == DISK_BUS_SATA ? CONTROLLER_SATA : CONTROLLER_IDE;
    const ControllerDef *controller = controllerFind(def, type, (int)drive->controller);
    g_autofree char *id = controller ? qemuCommandAddressControllerId(def, controller) : NULL;
    g_autofree char *bus = g_strdup_printf("%s.%u", id, type == CONTROLLER_SATA ? drive->unit : drive->bus);
    g_autofree char *deviceId = g_strdup_printf("drive-%s", disk->info.alias);

    if (!controller) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                    "disk '%s': '%s' controller '%u' does not exist", disk->target,
                    controllerTypeToString((int)type), drive->controller);
        return FALSE;
    }
    memJsonAddString(props, "bus", bus);
    if (type == CONTROLLER_IDE)
        memJsonAddUint64(props, "unit", drive->unit);
    if (type != CONTROLLER_SCSI)
        return TRUE;
    if (controller->model == CONTROLLER_MODEL_LSILOGIC) {
        memJsonAddUint64(props, "scsi-id", drive->unit);
    } else {
        memJsonAddUint64(props, "channel", 0);
        memJsonAddUint64(props, "scsi-id", drive->target);
        memJsonAddUint64(props, "lun", drive->unit);
    }
    memJsonAddString(props, "device_id", disk->serial ? disk->serial : deviceId);
    return TRUE;
}

static gboolean addPlace(MemJson *props, const DomainDef *def, const DiskDef *disk, GError **err)
{
    if (disk->info.type == DEVICE_ADDRESS_DRIVE)
        return addDriveBus(props, def, disk, err);
    if (disk->bus == DISK_BUS_VIRTIO)
        addVirtioQueues(props, disk);
    return qemuCommandAddAddress(props, def, &disk->info, err);
}

static void addErrorPolicies(MemJson *props, const DiskDef *disk)
{
    DiskErrorPolicy read = disk->rerrorPolicy;

    if (disk->errorPolicy)
        memJsonAddString(props, "werror",
                         disk->errorPolicy == DISK_ERROR_ENOSPC ? "enospc" : diskErrorPolicyToString((int)disk->errorPolicy));
    /* when only one is given it holds for both, but reading never runs out of space */
    if (!read && disk->errorPolicy != DISK_ERROR_ENOSPC)
        read = disk->errorPolicy;
    if (read)
        memJsonAddString(props, "rerror", diskErrorPolicyToString((int)read));
}

static gboolean addWwn(MemJson *props, const DiskDef *disk, GError **err)
{
    guint64 wwn;

    if (!disk->wwn)
        return TRUE;
    if (!g_ascii_string_to_unsigned(disk->wwn, 16, 0, G_MAXUINT64, &wwn, NULL)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "disk '%s': wwn '%s' is invalid: it must be 16 hexadecimal digits",
                    disk->target, disk->wwn);
        return FALSE;
    }
    memJsonAddUint64(props, "wwn", wwn);
    return TRUE;
}

static void addIdentity(MemJson *props, const DiskDef *disk)
{
    if (disk->logicalBlockBytes)
        memJsonAddUint64(props, "logical_block_size", disk->logicalBlockBytes);
    if (disk->physicalBlockBytes)
        memJsonAddUint64(props, "physical_block_size", disk->physicalBlockBytes);
    memJsonAddString(props, "vendor", disk->vendor);
    memJsonAddString(props, "product", disk->product);
    if (disk->rotationRate)
        memJsonAddUint64(props, "rotation_rate", disk->rotationRate);
    if (disk->bus == DISK_BUS_USB)
        memJsonAddBool(props, "removable", disk->removable == MEM_TRISTATE_YES);
    if (disk->source && disk->cache)
        memJsonAddString(props, "write-cache", cacheModes[disk->cache].writeback ? "on" : "off");
    addErrorPolicies(props, disk);
    memJsonAddString(props, "serial", disk->serial);
}

static MemJson *diskDevice(const DomainDef *def, const DiskDef *disk, const char *node, GError **err)
{
    unsigned bootIndex = qemuCommandDiskBootIndex(def, disk);
    g_autoptr(MemJson) props = memJsonNew();
    g_autofree char *driver = diskDriver(disk);

    memJsonAddString(props, "driver", driver);
    if (!addPlace(props, def, disk, err))
        return NULL;
    if (disk->shareable)
        memJsonAddBool(props, "share-rw", TRUE);
    memJsonAddString(props, "drive", node);
    memJsonAddString(props, "id", disk->info.alias);
    if (bootIndex)
        memJsonAddUint64(props, "bootindex", bootIndex);
    addIdentity(props, disk);
    return addWwn(props, disk, err) ? g_steal_pointer(&props) : NULL;
}

/* @number: what the nodes' names have, unique in the domain. */
static gboolean addDisk(GPtrArray *argv, const DomainDef *def, const DiskDef *disk, gsize number, GError **err)
{
    g_autofree char *storage = g_strdup_printf("libvirt-%zu-storage", number);
    g_autofree char *format = g_strdup_printf("libvirt-%zu-format", number);
    MemJson *device;

    if (disk->source) {
        qemuCommandAppendJson(argv, "-blockdev", storageNode(disk, storage));
        qemuCommandAppendJson(argv, "-blockdev", formatNode(disk, format, storage));
    }
    device = diskDevice(def, disk, disk->source ? format : NULL, err);
    if (!device)
        return FALSE;
    qemuCommandAppendDevice(argv, device);
    return TRUE;
}

gboolean qemuCommandDisks(GPtrArray *argv, const DomainDef *def, GError **err)
{
    /* libvirt counts from the last disk up */
    for (gsize i = 0; i < def->ndisks; i++) {
        if (!addDisk(argv, def, def->disks[i], def->ndisks - i, err))
            return FALSE;
    }
    return TRUE;
}

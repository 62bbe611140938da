/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk_conf.c: <disk>: files and block devices as disks and CD-ROMs */
#include "conf/disk_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#include <string.h>

MEM_ENUM_IMPL(diskType, DISK_TYPE_LAST, "file", "block");
MEM_ENUM_IMPL(diskDevice, DISK_DEVICE_LAST, "disk", "cdrom");
MEM_ENUM_IMPL(diskBus, DISK_BUS_LAST, NULL, "ide", "scsi", "virtio", "usb", "sata");
MEM_ENUM_IMPL(diskFormat, DISK_FORMAT_LAST, "raw", "qcow2");
MEM_ENUM_IMPL(diskCache, DISK_CACHE_LAST, "default", "none", "writethrough", "writeback", "directsync", "unsafe");
MEM_ENUM_IMPL(diskIo, DISK_IO_LAST, "default", "native", "threads", "io_uring");
MEM_ENUM_IMPL(diskDiscard, DISK_DISCARD_LAST, "default", "unmap", "ignore");
MEM_ENUM_IMPL(diskDetectZeroes, DISK_DETECT_ZEROES_LAST, "default", "off", "on", "unmap");
MEM_ENUM_IMPL(diskErrorPolicy, DISK_ERROR_LAST, "default", "stop", "report", "ignore", "enospace");
MEM_ENUM_IMPL(diskModel, DISK_MODEL_LAST, NULL, "virtio", "virtio-transitional", "virtio-non-transitional");
MEM_ENUM_IMPL(diskTray, DISK_TRAY_LAST, "closed", "open");

/* What a target name's prefix says of the bus, for XML that names none. */
static const struct {
    const char *prefix;
    DiskBus bus;
} busOfPrefix[] = {
    { "hd", DISK_BUS_IDE },
    { "sd", DISK_BUS_SCSI },
    { "vd", DISK_BUS_VIRTIO },
};

static const char *const targetPrefixes[] = { "fd", "hd", "vd", "sd", "xvd", "ubd" };

DiskDef *diskDefNew(void)
{
    return g_new0(DiskDef, 1);
}

void diskDefFree(DiskDef *def)
{
    if (!def)
        return;
    g_free(def->source);
    g_free(def->target);
    g_free(def->serial);
    g_free(def->wwn);
    g_free(def->vendor);
    g_free(def->product);
    deviceInfoClear(&def->info);
    g_free(def);
}

int diskTargetIndex(const char *target)
{
    const char *letters = NULL;
    int index = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(targetPrefixes) && !letters; i++) {
        if (g_str_has_prefix(target, targetPrefixes[i]))
            letters = target + strlen(targetPrefixes[i]);
    }
    if (!letters || !*letters)
        return -1;
    for (; g_ascii_islower(*letters); letters++) {
        if (index > 1000000)
            return -1;
        index = index * 26 + (*letters - 'a') + 1;
    }
    while (g_ascii_isdigit(*letters))    /* a partition */
        letters++;
    return *letters ? -1 : index - 1;
}

/* ---- parse ---- */

static gboolean parseDriverNumbers(const xmlNode *node, DiskDef *def, GError **err)
{
    return memXmlAttrOnOff(node, "ioeventfd", DEVICE_ENUM(def->ioeventfd), err) &&
           memXmlAttrOnOff(node, "event_idx", DEVICE_ENUM(def->eventIdx), err) &&
           memXmlAttrOnOff(node, "copy_on_read", DEVICE_ENUM(def->copyOnRead), err) &&
           memXmlAttrUint(node, "queues", FALSE, &def->queues, err) &&
           memXmlAttrUint(node, "queue_size", FALSE, &def->queueSize, err) &&
           deviceVirtioOptionsParse(node, &def->virtio, err);
}

static gboolean parseDriver(const xmlNode *node, DiskDef *def, GError **err)
{
    static const char *const attrs[] = {
        "name", "type", "cache", "io", "discard", "detect_zeroes", "error_policy", "rerror_policy", "ioeventfd",
        "event_idx", "copy_on_read", "queues", "queue_size", "iommu", "ats", "packed", "page_per_vq", NULL
    };
    static const char *const none[] = { NULL };
    static const char *const formats[] = {
        "aio", "bochs", "cloop", "cow", "dmg", "fat", "iso", "luks", "ploop", "qcow", "qed", "vdi", "vhd", "vhdx", "vmdk",
        "vpc", "dir", "auto", NULL
    };
    g_autofree char *name = memXmlAttr(node, "name");

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, none, err) ||
        deviceRefuseValue(node, "type", formats, err))
        return FALSE;
    if (name && strcmp(name, "qemu") != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk driver '%s' is not supported: it must be 'qemu'", name);
        return FALSE;
    }
    return memXmlAttrEnum(node, "type", FALSE, diskFormatFromString, DEVICE_ENUM(def->format), err) &&
           memXmlAttrEnum(node, "cache", FALSE, diskCacheFromString, DEVICE_ENUM(def->cache), err) &&
           memXmlAttrEnum(node, "io", FALSE, diskIoFromString, DEVICE_ENUM(def->io), err) &&
           memXmlAttrEnum(node, "discard", FALSE, diskDiscardFromString, DEVICE_ENUM(def->discard), err) &&
           memXmlAttrEnum(node, "detect_zeroes", FALSE, diskDetectZeroesFromString, DEVICE_ENUM(def->detectZeroes), err) &&
           memXmlAttrEnum(node, "error_policy", FALSE, diskErrorPolicyFromString, DEVICE_ENUM(def->errorPolicy), err) &&
           memXmlAttrEnum(node, "rerror_policy", FALSE, diskErrorPolicyFromString, DEVICE_ENUM(def->rerrorPolicy), err) &&
           parseDriverNumbers(node, def, err);
}

static gboolean parseSource(const xmlNode *node, DiskDef *def, GError **err)
{
    static const char *const fileAttrs[] = { "file", "index", NULL };
    static const char *const blockAttrs[] = { "dev", "index", NULL };
    static const char *const none[] = { NULL };
    const char *key = def->type == DISK_TYPE_FILE ? "file" : "dev";

    if (!memXmlOnlyAttrs(node, def->type == DISK_TYPE_FILE ? fileAttrs : blockAttrs, err) ||
        !memXmlOnlyChildren(node, none, err))
        return FALSE;
    def->source = memXmlAttr(node, key);
    if (def->source && !*def->source)
        g_clear_pointer(&def->source, g_free);
    return TRUE;
}

static gboolean parseTarget(const xmlNode *node, DiskDef *def, GError **err)
{
    static const char *const attrs[] = { "dev", "bus", "tray", "removable", "rotation_rate", NULL };
    static const char *const buses[] = { "fdc", "xen", "uml", "sd", NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || deviceRefuseValue(node, "bus", buses, err) ||
        !memXmlAttrEnum(node, "bus", FALSE, diskBusFromString, DEVICE_ENUM(def->bus), err) ||
        !memXmlAttrEnum(node, "tray", FALSE, diskTrayFromString, DEVICE_ENUM(def->tray), err) ||
        !memXmlAttrOnOff(node, "removable", DEVICE_ENUM(def->removable), err) ||
        !memXmlAttrUint(node, "rotation_rate", FALSE, &def->rotationRate, err))
        return FALSE;
    def->target = memXmlAttr(node, "dev");
    return TRUE;
}

static gboolean parseBackingStore(const xmlNode *node, DiskDef *def, GError **err)
{
    static const char *const none[] = { NULL };

    def->backingEnd = TRUE;
    return memXmlOnlyAttrs(node, none, err) && memXmlOnlyChildren(node, none, err);
}

static gboolean parseBlockIo(const xmlNode *node, DiskDef *def, GError **err)
{
    static const char *const attrs[] = { "logical_block_size", "physical_block_size", NULL };

    return memXmlOnlyAttrs(node, attrs, err) &&
           memXmlAttrUint(node, "logical_block_size", FALSE, &def->logicalBlockBytes, err) &&
           memXmlAttrUint(node, "physical_block_size", FALSE, &def->physicalBlockBytes, err);
}

static gboolean parseChildren(const xmlNode *node, DiskDef *def, GError **err)
{
    static const struct {
        const char *name;
        gboolean (*parse)(const xmlNode *, DiskDef *, GError **);
    } children[] = {
        { "driver", parseDriver },
        { "source", parseSource },
        { "target", parseTarget },
        { "backingStore", parseBackingStore },
        { "blockio", parseBlockIo },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        const xmlNode *child = memXmlChild(node, children[i].name);

        if (child && !children[i].parse(child, def, err))
            return FALSE;
    }
    def->readonly = memXmlChild(node, "readonly") != NULL || def->device == DISK_DEVICE_CDROM;
    def->shareable = memXmlChild(node, "shareable") != NULL;
    def->serial = memXmlChildText(node, "serial");
    def->wwn = memXmlChildText(node, "wwn");
    def->vendor = memXmlChildText(node, "vendor");
    def->product = memXmlChildText(node, "product");
    return TRUE;
}

/* Target and bus that must be there, or follow from each other. */
static gboolean completeTarget(DiskDef *def, GError **err)
{
    if (!def->target) {
        memErrorSet(err, VIR_ERR_NO_TARGET,
                    "attribute 'dev' of '<target>' is missing for disk '%s'",
                    def->source ? def->source : "");
        return FALSE;
    }
    if (diskTargetIndex(def->target) < 0) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                    "disk target '%s' is invalid: it must be like 'vda', 'sdb' or 'hdc'",
                    def->target);
        return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(busOfPrefix) && !def->bus; i++) {
        if (g_str_has_prefix(def->target, busOfPrefix[i].prefix))
            def->bus = busOfPrefix[i].bus;
    }
    if (!def->bus) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk target '%s' needs a bus: 'virtio', 'sata', 'scsi', 'ide' or 'usb'",
                    def->target);
        return FALSE;
    }
    return TRUE;
}

DiskDef *diskDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "type", "device", "model", NULL };
    static const char *const children[] = {
        "driver", "source", "target", "backingStore", "blockio", "readonly", "shareable", "serial", "wwn", "vendor",
        "product", "alias", "address", "boot", NULL
    };
    static const char *const types[] = { "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa", NULL };
    static const char *const devices[] = { "floppy", "lun", NULL };
    g_autoptr(DiskDef) def = diskDefNew();

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        deviceRefuseValue(node, "type", types, err) || deviceRefuseValue(node, "device", devices, err) ||
        !memXmlAttrEnum(node, "type", FALSE, diskTypeFromString, DEVICE_ENUM(def->type), err) ||
        !memXmlAttrEnum(node, "device", FALSE, diskDeviceFromString, DEVICE_ENUM(def->device), err) ||
        !memXmlAttrEnum(node, "model", FALSE, diskModelFromString, DEVICE_ENUM(def->model), err) ||
        !parseChildren(node, def, err) || !completeTarget(def, err) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    if (!def->source && def->device != DISK_DEVICE_CDROM) {
        memErrorSet(err, VIR_ERR_NO_SOURCE,
                    "disk '%s' has no source: only a 'cdrom' may be empty", def->target);
        return NULL;
    }
    return g_steal_pointer(&def);
}

/* ---- format ---- */

static void formatDriver(MemXmlOut *out, const DiskDef *def)
{
    memXmlOutStart(out, "driver");
    memXmlOutAttr(out, "name", "qemu");
    memXmlOutAttr(out, "type", diskFormatToString(def->format));
    if (def->cache)
        memXmlOutAttr(out, "cache", diskCacheToString(def->cache));
    if (def->errorPolicy)
        memXmlOutAttr(out, "error_policy", diskErrorPolicyToString(def->errorPolicy));
    if (def->rerrorPolicy)
        memXmlOutAttr(out, "rerror_policy", diskErrorPolicyToString(def->rerrorPolicy));
    if (def->io)
        memXmlOutAttr(out, "io", diskIoToString(def->io));
    memXmlOutAttr(out, "ioeventfd", memTristateSwitchToString(def->ioeventfd));
    memXmlOutAttr(out, "event_idx", memTristateSwitchToString(def->eventIdx));
    memXmlOutAttr(out, "copy_on_read", memTristateSwitchToString(def->copyOnRead));
    if (def->discard)
        memXmlOutAttr(out, "discard", diskDiscardToString(def->discard));
    if (def->detectZeroes)
        memXmlOutAttr(out, "detect_zeroes", diskDetectZeroesToString(def->detectZeroes));
    if (def->queues)
        memXmlOutAttrUint64(out, "queues", def->queues);
    if (def->queueSize)
        memXmlOutAttrUint64(out, "queue_size", def->queueSize);
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEnd(out);
}

static void formatTarget(MemXmlOut *out, const DiskDef *def)
{
    memXmlOutStart(out, "target");
    memXmlOutAttr(out, "dev", def->target);
    memXmlOutAttr(out, "bus", diskBusToString(def->bus));
    if (def->tray)
        memXmlOutAttr(out, "tray", diskTrayToString(def->tray));
    memXmlOutAttr(out, "removable", memTristateSwitchToString(def->removable));
    if (def->rotationRate)
        memXmlOutAttrUint64(out, "rotation_rate", def->rotationRate);
    memXmlOutEnd(out);
}

static void formatBlockIo(MemXmlOut *out, const DiskDef *def)
{
    memXmlOutStart(out, "blockio");
    if (def->logicalBlockBytes)
        memXmlOutAttrUint64(out, "logical_block_size", def->logicalBlockBytes);
    if (def->physicalBlockBytes)
        memXmlOutAttrUint64(out, "physical_block_size", def->physicalBlockBytes);
    memXmlOutEndUnlessEmpty(out);
}

void diskDefFormat(MemXmlOut *out, const DiskDef *def, unsigned flags)
{
    memXmlOutStart(out, "disk");
    memXmlOutAttr(out, "type", diskTypeToString(def->type));
    memXmlOutAttr(out, "device", diskDeviceToString(def->device));
    memXmlOutAttr(out, "model", diskModelToString(def->model));
    formatDriver(out, def);
    if (def->source) {
        memXmlOutStart(out, "source");
        memXmlOutAttr(out, def->type == DISK_TYPE_FILE ? "file" : "dev", def->source);
        memXmlOutEnd(out);
    }
    if (def->backingEnd)
        memXmlOutEmpty(out, "backingStore");
    formatBlockIo(out, def);
    formatTarget(out, def);
    if (def->readonly)
        memXmlOutEmpty(out, "readonly");
    if (def->shareable)
        memXmlOutEmpty(out, "shareable");
    memXmlOutText(out, "serial", def->serial);
    memXmlOutText(out, "wwn", def->wwn);
    memXmlOutText(out, "vendor", def->vendor);
    memXmlOutText(out, "product", def->product);
    deviceInfoFormatBoot(out, &def->info);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

/* ---- validate ---- */

static gboolean onlyOnBus(const DiskDef *def, DiskBus bus, gboolean given, const char *what, GError **err)
{
    if (!given || def->bus == bus)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "disk '%s': '%s' is only for bus '%s', not '%s'", def->target, what,
                diskBusToString(bus), diskBusToString(def->bus));
    return FALSE;
}

static gboolean validateAddressType(const DiskDef *def, GError **err)
{
    gboolean ok = TRUE;

    switch (def->bus) {
    case DISK_BUS_IDE:
    case DISK_BUS_SCSI:
    case DISK_BUS_SATA:
        ok = def->info.type == DEVICE_ADDRESS_NONE || def->info.type == DEVICE_ADDRESS_DRIVE;
        break;
    case DISK_BUS_USB:
        ok = def->info.type == DEVICE_ADDRESS_NONE || def->info.type == DEVICE_ADDRESS_USB;
        break;
    case DISK_BUS_VIRTIO:
        ok = def->info.type != DEVICE_ADDRESS_DRIVE && def->info.type != DEVICE_ADDRESS_USB &&
             def->info.type != DEVICE_ADDRESS_DIMM;
        break;
    case DISK_BUS_NONE:
    case DISK_BUS_LAST:
        break;
    }
    if (!ok) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s' on bus '%s' cannot have an address of type '%s'", def->target,
                    diskBusToString(def->bus), deviceAddressTypeToString(def->info.type));
    }
    return ok;
}

static gboolean validateDrive(const DiskDef *def, GError **err)
{
    const DeviceDriveAddress *drive = &def->info.drive;

    if (def->info.type != DEVICE_ADDRESS_DRIVE)
        return TRUE;
    if (def->bus == DISK_BUS_IDE && (drive->bus > 1 || drive->unit > 1 || drive->target || drive->controller)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': an 'ide' drive sits on controller 0, bus 0 or 1, unit 0 or 1, target 0",
                    def->target);
        return FALSE;
    }
    if (def->bus == DISK_BUS_SATA && (drive->bus || drive->unit > 5 || drive->target)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': a 'sata' drive sits on bus 0, unit 0 to 5, target 0", def->target);
        return FALSE;
    }
    if (def->bus == DISK_BUS_SCSI && (drive->bus || drive->target > 255 || drive->unit > 16383)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': a 'scsi' drive sits on bus 0, target 0 to 255, unit 0 to 16383",
                    def->target);
        return FALSE;
    }
    return TRUE;
}

static gboolean validateAlone(const DiskDef *def, GError **err)
{
    if (def->device == DISK_DEVICE_CDROM && def->bus == DISK_BUS_VIRTIO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': a 'cdrom' cannot be on bus 'virtio': use 'sata', 'scsi' or 'ide'",
                    def->target);
        return FALSE;
    }
    if (def->readonly && def->device == DISK_DEVICE_DISK && (def->bus == DISK_BUS_IDE || def->bus == DISK_BUS_SATA)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': a disk on bus '%s' cannot be read-only", def->target,
                    diskBusToString(def->bus));
        return FALSE;
    }
    if (def->io == DISK_IO_NATIVE && def->cache != DISK_CACHE_NONE && def->cache != DISK_CACHE_DIRECTSYNC) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': io 'native' needs cache 'none' or 'directsync', not '%s'",
                    def->target,
                    diskCacheToString(def->cache));
        return FALSE;
    }
    if (def->copyOnRead == MEM_TRISTATE_YES) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "disk '%s': copy_on_read 'on' is not supported", def->target);
        return FALSE;
    }
    if (def->rerrorPolicy == DISK_ERROR_ENOSPC) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "disk '%s': rerror_policy 'enospace' is invalid: reading needs no space",
                    def->target);
        return FALSE;
    }
    return TRUE;
}

gboolean diskDefValidate(const DiskDef *def, const DomainDef *domain, GError **err)
{
    gboolean virtioDriver = deviceVirtioOptionsAny(&def->virtio) || def->queues || def->queueSize || def->ioeventfd ||
                            def->eventIdx;

    return onlyOnBus(def, DISK_BUS_VIRTIO, virtioDriver, "driver queues, queue_size, ioeventfd, event_idx, iommu, ats, packed, page_per_vq", err) &&
           onlyOnBus(def, DISK_BUS_VIRTIO, def->model != DISK_MODEL_DEFAULT, "model", err) &&
           onlyOnBus(def, DISK_BUS_USB, def->removable != MEM_TRISTATE_ABSENT, "target removable", err) &&
           onlyOnBus(def, DISK_BUS_SCSI, def->vendor || def->product, "vendor and product", err) &&
           deviceVirtioOptionsValidate(&def->virtio, def->model == DISK_MODEL_VIRTIO_TRANSITIONAL, "disk", err) &&
           validateAlone(def, err) && validateAddressType(def, err) && validateDrive(def, err);
}

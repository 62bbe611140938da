/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device_conf.c: what every device has: alias, address, boot order, virtio driver options */
#include "conf/device_conf.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

#define USER_ALIAS_PREFIX "ua-"
#define MAX_ALIAS_LENGTH 128
#define CCW_CSSID_VIRTIO 0xfe

MEM_ENUM_IMPL(deviceAddressType, DEVICE_ADDRESS_LAST,
              NULL, "pci", "drive", "virtio-serial", "ccw", "usb", "spapr-vio", "virtio-mmio", "isa", "dimm");

/* ---- parse ---- */

typedef struct {
    const char *name;
    unsigned *value;
    unsigned max;
} NumberAttr;

/* Decimal or hexadecimal attributes with their upper bounds; absent ones are left alone. */
static gboolean parseNumbers(const xmlNode *node, const NumberAttr *attrs, gsize count, gboolean required, GError **err)
{
    for (gsize i = 0; i < count; i++) {
        guint64 value = *attrs[i].value;

        if (!memXmlAttrNumber(node, attrs[i].name, required, &value, err))
            return FALSE;
        if (value > attrs[i].max) {
            memErrorSet(err, VIR_ERR_XML_ERROR,
                        "value '0x%" G_GINT64_MODIFIER "x' for attribute '%s' of '<%s>' is too large: at most '0x%x'",
                        value, attrs[i].name, node->name, attrs[i].max);
            return FALSE;
        }
        *attrs[i].value = (unsigned)value;
    }
    return TRUE;
}

static gboolean parsePci(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "domain", "bus", "slot", "function", "multifunction", NULL };
    DevicePciAddress *pci = &info->pci;
    const NumberAttr numbers[] = {
        { "domain", &pci->domain, 0xffff },
        { "bus", &pci->bus, 0xff },
        { "slot", &pci->slot, 0x1f },
        { "function", &pci->function, 7 },
    };

    return memXmlOnlyAttrs(node, attrs, err) &&
           parseNumbers(node, numbers, G_N_ELEMENTS(numbers), FALSE, err) &&
           memXmlAttrOnOff(node, "multifunction", DEVICE_ENUM(pci->multifunction), err);
}

static gboolean parseDimm(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "slot", "base", NULL };

    return memXmlOnlyAttrs(node, attrs, err) &&
           memXmlAttrUint(node, "slot", TRUE, &info->dimm.slot, err) &&
           memXmlAttrHex(node, "base", FALSE, &info->dimm.base, err);
}

static gboolean parseDrive(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "controller", "bus", "target", "unit", NULL };
    DeviceDriveAddress *drive = &info->drive;

    return memXmlOnlyAttrs(node, attrs, err) &&
           memXmlAttrUint(node, "controller", FALSE, &drive->controller, err) &&
           memXmlAttrUint(node, "bus", FALSE, &drive->bus, err) &&
           memXmlAttrUint(node, "target", FALSE, &drive->target, err) &&
           memXmlAttrUint(node, "unit", FALSE, &drive->unit, err);
}

static gboolean parseVirtioSerial(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "controller", "bus", "port", NULL };
    DeviceVirtioSerialAddress *serial = &info->serial;

    return memXmlOnlyAttrs(node, attrs, err) &&
           memXmlAttrUint(node, "controller", FALSE, &serial->controller, err) &&
           memXmlAttrUint(node, "bus", FALSE, &serial->bus, err) &&
           memXmlAttrUint(node, "port", FALSE, &serial->port, err);
}

static gboolean parseCcw(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "cssid", "ssid", "devno", NULL };
    DeviceCcwAddress *ccw = &info->ccw;
    const NumberAttr numbers[] = {
        { "cssid", &ccw->cssid, CCW_CSSID_VIRTIO },
        { "ssid", &ccw->ssid, 3 },
        { "devno", &ccw->devno, 0xffff },
    };
    gboolean any = memXmlHasAttr(node, "cssid") || memXmlHasAttr(node, "ssid") || memXmlHasAttr(node, "devno");

    return memXmlOnlyAttrs(node, attrs, err) &&
           (!any || parseNumbers(node, numbers, G_N_ELEMENTS(numbers), TRUE, err));
}

/* "1", "1.4", "1.4.2.1": at most four levels of hubs. */
static gboolean isUsbPort(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", -1);
    guint count = g_strv_length(parts);
    unsigned number;

    for (guint i = 0; i < count; i++) {
        if (!memUnitsParseUint(parts[i], &number) || number == 0)
            return FALSE;
    }
    return count >= 1 && count <= 4;
}

static gboolean parseUsb(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "bus", "port", NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrUint(node, "bus", FALSE, &info->usb.bus, err))
        return FALSE;
    info->usb.port = memXmlAttr(node, "port");
    if (info->usb.port && !isUsbPort(info->usb.port)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%s' for attribute 'port' of '<address>' is invalid: it must be like '1' or '1.4'",
                    info->usb.port);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseSpaprVio(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "reg", NULL };

    info->spapr.hasReg = memXmlHasAttr(node, "reg");
    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrNumber(node, "reg", FALSE, &info->spapr.reg, err);
}

static gboolean parseIsa(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "type", "iobase", "irq", NULL };
    const NumberAttr numbers[] = {
        { "iobase", &info->isa.iobase, 0xffff },
        { "irq", &info->isa.irq, 0xff },
    };

    return memXmlOnlyAttrs(node, attrs, err) && parseNumbers(node, numbers, G_N_ELEMENTS(numbers), FALSE, err);
}

static gboolean parseAddressType(const xmlNode *node, DeviceAddressType *type, GError **err)
{
    g_autofree char *text = memXmlAttr(node, "type");
    int value = deviceAddressTypeFromString(text);

    if (!text) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "attribute 'type' of '<address>' is missing");
        return FALSE;
    }
    if (value < 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "address type '%s' is not supported", text);
        return FALSE;
    }
    *type = (DeviceAddressType)value;
    return TRUE;
}

static gboolean parseAddress(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const onlyType[] = { "type", NULL };

    /* One child is libvirt's for PCI on s390x; refused by name like any other. */
    if (!memXmlOnlyChildren(node, (const char *const[]){ NULL }, err) || !parseAddressType(node, &info->type, err))
        return FALSE;

    switch (info->type) {
    case DEVICE_ADDRESS_PCI:
        return parsePci(node, info, err);
    case DEVICE_ADDRESS_DRIVE:
        return parseDrive(node, info, err);
    case DEVICE_ADDRESS_VIRTIO_SERIAL:
        return parseVirtioSerial(node, info, err);
    case DEVICE_ADDRESS_CCW:
        return parseCcw(node, info, err);
    case DEVICE_ADDRESS_USB:
        return parseUsb(node, info, err);
    case DEVICE_ADDRESS_SPAPR_VIO:
        return parseSpaprVio(node, info, err);
    case DEVICE_ADDRESS_ISA:
        return parseIsa(node, info, err);
    case DEVICE_ADDRESS_DIMM:
        return parseDimm(node, info, err);
    case DEVICE_ADDRESS_VIRTIO_MMIO:
    case DEVICE_ADDRESS_NONE:
    case DEVICE_ADDRESS_LAST:
        return memXmlOnlyAttrs(node, onlyType, err);
    }
    return FALSE;
}

/* libvirt ignores aliases that are not the user's, and so do we; one that would break QEMU's ids is ignored too. */
static void parseAlias(const xmlNode *node, gboolean keepAlias, DeviceInfo *info)
{
    g_autofree char *name = memXmlAttr(node, "name");
    gboolean isUsers = name && g_str_has_prefix(name, USER_ALIAS_PREFIX) &&
                       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(name) &&
                       strlen(name) <= MAX_ALIAS_LENGTH;

    if (name && *name && (keepAlias || isUsers))
        info->alias = g_steal_pointer(&name);
}

static gboolean parseBoot(const xmlNode *node, DeviceInfo *info, GError **err)
{
    static const char *const attrs[] = { "order", NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrUint(node, "order", TRUE, &info->bootIndex, err))
        return FALSE;
    if (info->bootIndex == 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '0' for attribute 'order' of '<boot>' is invalid: it must be 1 or more");
        return FALSE;
    }
    return TRUE;
}

gboolean deviceInfoParse(const xmlNode *node, gboolean keepAlias, DeviceInfo *info, GError **err)
{
    const xmlNode *alias = memXmlChild(node, "alias");
    const xmlNode *address = memXmlChild(node, "address");
    const xmlNode *boot = memXmlChild(node, "boot");

    deviceInfoClear(info);
    if (alias)
        parseAlias(alias, keepAlias, info);
    return (!address || parseAddress(address, info, err)) && (!boot || parseBoot(boot, info, err));
}

gboolean deviceVirtioOptionsParse(const xmlNode *driver, DeviceVirtioOptions *options, GError **err)
{
    return memXmlAttrOnOff(driver, "iommu", DEVICE_ENUM(options->iommu), err) &&
           memXmlAttrOnOff(driver, "ats", DEVICE_ENUM(options->ats), err) &&
           memXmlAttrOnOff(driver, "packed", DEVICE_ENUM(options->packed), err) &&
           memXmlAttrOnOff(driver, "page_per_vq", DEVICE_ENUM(options->pagePerVq), err);
}

gboolean deviceRefuseValue(const xmlNode *node, const char *name, const char *const *values, GError **err)
{
    g_autofree char *text = memXmlAttr(node, name);

    if (!text || !g_strv_contains(values, text))
        return FALSE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "value '%s' for attribute '%s' of '<%s>' is not supported", text, name,
                node->name);
    return TRUE;
}

gboolean deviceAttrModel(const xmlNode *node, const char *name, int (*fromString)(const char *), int *value, GError **err)
{
    g_autofree char *text = memXmlAttr(node, name);

    if (!text || fromString(text) >= 0)
        return memXmlAttrEnum(node, name, TRUE, fromString, value, err);
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "value '%s' for attribute '%s' of '<%s>' is not supported", text, name,
                node->name);
    return FALSE;
}

/* ---- format ---- */

static void formatPci(MemXmlOut *out, const DevicePciAddress *pci)
{
    memXmlOutAttrf(out, "domain", "0x%04x", pci->domain);
    memXmlOutAttrf(out, "bus", "0x%02x", pci->bus);
    memXmlOutAttrf(out, "slot", "0x%02x", pci->slot);
    memXmlOutAttrf(out, "function", "0x%x", pci->function);
    memXmlOutAttr(out, "multifunction", memTristateSwitchToString(pci->multifunction));
}

static void formatDrive(MemXmlOut *out, const DeviceDriveAddress *drive)
{
    memXmlOutAttrUint64(out, "controller", drive->controller);
    memXmlOutAttrUint64(out, "bus", drive->bus);
    memXmlOutAttrUint64(out, "target", drive->target);
    memXmlOutAttrUint64(out, "unit", drive->unit);
}

static void formatSerial(MemXmlOut *out, const DeviceVirtioSerialAddress *serial)
{
    memXmlOutAttrUint64(out, "controller", serial->controller);
    memXmlOutAttrUint64(out, "bus", serial->bus);
    memXmlOutAttrUint64(out, "port", serial->port);
}

static void formatCcw(MemXmlOut *out, const DeviceCcwAddress *ccw)
{
    if (!ccw->cssid)
        return;
    memXmlOutAttrf(out, "cssid", "0x%x", ccw->cssid);
    memXmlOutAttrf(out, "ssid", "0x%x", ccw->ssid);
    memXmlOutAttrf(out, "devno", "0x%04x", ccw->devno);
}

static void formatAddress(MemXmlOut *out, const DeviceInfo *info)
{
    memXmlOutStart(out, "address");
    memXmlOutAttr(out, "type", deviceAddressTypeToString(info->type));
    switch (info->type) {
    case DEVICE_ADDRESS_PCI:
        if (deviceInfoIsAssigned(info))
            formatPci(out, &info->pci);
        break;
    case DEVICE_ADDRESS_DRIVE:
        formatDrive(out, &info->drive);
        break;
    case DEVICE_ADDRESS_VIRTIO_SERIAL:
        formatSerial(out, &info->serial);
        break;
    case DEVICE_ADDRESS_CCW:
        formatCcw(out, &info->ccw);
        break;
    case DEVICE_ADDRESS_USB:
        memXmlOutAttrUint64(out, "bus", info->usb.bus);
        memXmlOutAttr(out, "port", info->usb.port);
        break;
    case DEVICE_ADDRESS_SPAPR_VIO:
        if (info->spapr.hasReg)
            memXmlOutAttrf(out, "reg", "0x%08" G_GINT64_MODIFIER "x", info->spapr.reg);
        break;
    case DEVICE_ADDRESS_ISA:
        if (info->isa.iobase)
            memXmlOutAttrf(out, "iobase", "0x%x", info->isa.iobase);
        if (info->isa.irq)
            memXmlOutAttrf(out, "irq", "0x%x", info->isa.irq);
        break;
    case DEVICE_ADDRESS_DIMM:
        memXmlOutAttrUint64(out, "slot", info->dimm.slot);
        if (info->dimm.base)
            memXmlOutAttrf(out, "base", "0x%" G_GINT64_MODIFIER "x", info->dimm.base);
        break;
    case DEVICE_ADDRESS_VIRTIO_MMIO:
    case DEVICE_ADDRESS_NONE:
    case DEVICE_ADDRESS_LAST:
        break;
    }
    memXmlOutEnd(out);
}

void deviceInfoFormat(MemXmlOut *out, const DeviceInfo *info, gboolean onlyUserAlias)
{
    if (info->alias && (!onlyUserAlias || deviceInfoHasUserAlias(info))) {
        memXmlOutStart(out, "alias");
        memXmlOutAttr(out, "name", info->alias);
        memXmlOutEnd(out);
    }
    if (info->type != DEVICE_ADDRESS_NONE)
        formatAddress(out, info);
}

void deviceInfoFormatBoot(MemXmlOut *out, const DeviceInfo *info)
{
    if (!info->bootIndex)
        return;
    memXmlOutStart(out, "boot");
    memXmlOutAttrUint64(out, "order", info->bootIndex);
    memXmlOutEnd(out);
}

void deviceVirtioOptionsFormat(MemXmlOut *out, const DeviceVirtioOptions *options)
{
    memXmlOutAttr(out, "iommu", memTristateSwitchToString(options->iommu));
    memXmlOutAttr(out, "ats", memTristateSwitchToString(options->ats));
    memXmlOutAttr(out, "packed", memTristateSwitchToString(options->packed));
    memXmlOutAttr(out, "page_per_vq", memTristateSwitchToString(options->pagePerVq));
}

/* ---- the rest ---- */

void deviceInfoClear(DeviceInfo *info)
{
    g_free(info->alias);
    g_free(info->usb.port);
    memset(info, 0, sizeof(*info));
}

gboolean deviceInfoHasUserAlias(const DeviceInfo *info)
{
    return info->alias && g_str_has_prefix(info->alias, USER_ALIAS_PREFIX);
}

gboolean deviceVirtioOptionsAny(const DeviceVirtioOptions *options)
{
    return options->iommu || options->ats || options->packed || options->pagePerVq;
}

gboolean deviceVirtioOptionsValidate(const DeviceVirtioOptions *options, gboolean transitional, const char *what, GError **err)
{
    if (!transitional || options->iommu != MEM_TRISTATE_YES)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<%s>': driver iommu 'on' is not possible for model 'virtio-transitional'", what);
    return FALSE;
}

gboolean deviceInfoIsAssigned(const DeviceInfo *info)
{
    const DevicePciAddress *pci = &info->pci;

    switch (info->type) {
    case DEVICE_ADDRESS_PCI:
        return pci->domain || pci->bus || pci->slot || pci->function;
    case DEVICE_ADDRESS_CCW:
        return info->ccw.cssid != 0;
    case DEVICE_ADDRESS_USB:
        return info->usb.port != NULL;
    case DEVICE_ADDRESS_SPAPR_VIO:
        return info->spapr.hasReg;
    case DEVICE_ADDRESS_DRIVE:
    case DEVICE_ADDRESS_VIRTIO_SERIAL:
    case DEVICE_ADDRESS_VIRTIO_MMIO:
    case DEVICE_ADDRESS_ISA:
    case DEVICE_ADDRESS_DIMM:
        return TRUE;
    case DEVICE_ADDRESS_NONE:
    case DEVICE_ADDRESS_LAST:
        return FALSE;
    }
    return FALSE;
}

gboolean deviceInfoSamePci(const DeviceInfo *a, const DeviceInfo *b)
{
    return a->type == DEVICE_ADDRESS_PCI && b->type == DEVICE_ADDRESS_PCI && a->pci.domain == b->pci.domain &&
           a->pci.bus == b->pci.bus && a->pci.slot == b->pci.slot && a->pci.function == b->pci.function;
}

char *devicePciAddressText(const DevicePciAddress *pci)
{
    return g_strdup_printf("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
}

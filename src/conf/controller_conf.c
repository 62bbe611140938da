/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* controller_conf.c: <controller>: PCI, USB, SCSI, SATA, IDE, virtio-serial */
#include "conf/controller_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_bitmap.h"
#include "util/mem_error.h"

#include <string.h>

#define MOST_INDEX 65535

MEM_ENUM_IMPL(controllerType, CONTROLLER_LAST, "ide", "scsi", "sata", "virtio-serial", "usb", "pci");
MEM_ENUM_IMPL(controllerModel, CONTROLLER_MODEL_LAST,
              NULL,
              "pci-root", "pcie-root", "pci-bridge", "pcie-root-port", "pcie-to-pci-bridge",
              "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "nec-xhci",
              "qemu-xhci", "pci-ohci", "none",
              "virtio-scsi", "lsilogic", "ibmvscsi",
              "virtio-transitional", "virtio-non-transitional");

ControllerDef *controllerDefNew(ControllerType type, int index, ControllerModel model)
{
    ControllerDef *def = g_new0(ControllerDef, 1);

    def->type = type;
    def->index = index;
    def->model = model;
    def->chassis = def->port = def->chassisNr = def->hostIndex = -1;
    def->ports = def->vectors = def->masterStartPort = -1;
    return def;
}

void controllerDefFree(ControllerDef *def)
{
    if (!def)
        return;
    g_free(def->modelName);
    deviceInfoClear(&def->info);
    g_free(def);
}

/* Does @model belong to @type? */
static gboolean modelFits(ControllerType type, ControllerModel model)
{
    switch (model) {
    case CONTROLLER_MODEL_DEFAULT:
        return type != CONTROLLER_PCI;
    case CONTROLLER_MODEL_PCI_ROOT:
    case CONTROLLER_MODEL_PCIE_ROOT:
    case CONTROLLER_MODEL_PCI_BRIDGE:
    case CONTROLLER_MODEL_PCIE_ROOT_PORT:
    case CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE:
        return type == CONTROLLER_PCI;
    case CONTROLLER_MODEL_PIIX3_UHCI:
    case CONTROLLER_MODEL_PIIX4_UHCI:
    case CONTROLLER_MODEL_EHCI:
    case CONTROLLER_MODEL_ICH9_EHCI1:
    case CONTROLLER_MODEL_ICH9_UHCI1:
    case CONTROLLER_MODEL_ICH9_UHCI2:
    case CONTROLLER_MODEL_ICH9_UHCI3:
    case CONTROLLER_MODEL_NEC_XHCI:
    case CONTROLLER_MODEL_QEMU_XHCI:
    case CONTROLLER_MODEL_PCI_OHCI:
    case CONTROLLER_MODEL_NONE:
        return type == CONTROLLER_USB;
    case CONTROLLER_MODEL_VIRTIO_SCSI:
    case CONTROLLER_MODEL_LSILOGIC:
    case CONTROLLER_MODEL_IBMVSCSI:
        return type == CONTROLLER_SCSI;
    case CONTROLLER_MODEL_VIRTIO_TRANSITIONAL:
    case CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL:
        return type == CONTROLLER_SCSI || type == CONTROLLER_VIRTIO_SERIAL;
    case CONTROLLER_MODEL_LAST:
        break;
    }
    return FALSE;
}

ControllerDef *controllerFind(const DomainDef *domain, ControllerType type, int index)
{
    for (gsize i = 0; i < domain->ncontrollers; i++) {
        ControllerDef *def = domain->controllers[i];

        if (def->type == type && (index < 0 || def->index == index))
            return def;
    }
    return NULL;
}

int controllerFreeIndex(const DomainDef *domain, ControllerType type)
{
    g_autoptr(MemBitmap) used = memBitmapNew();
    unsigned index = 0;

    for (gsize i = 0; i < domain->ncontrollers; i++) {
        if (domain->controllers[i]->type == type && domain->controllers[i]->index >= 0)
            memBitmapSet(used, (unsigned)domain->controllers[i]->index);
    }
    while (memBitmapIsSet(used, index))
        index++;
    return (int)index;
}

gboolean controllerIsUsbCompanion(const ControllerDef *def)
{
    return def->model == CONTROLLER_MODEL_ICH9_UHCI1 || def->model == CONTROLLER_MODEL_ICH9_UHCI2 ||
           def->model == CONTROLLER_MODEL_ICH9_UHCI3;
}

/* ---- parse ---- */

static gboolean parseDriver(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const char *const scsi[] = {
        "queues", "cmd_per_lun", "max_sectors", "ioeventfd", "iommu", "ats", "packed", "page_per_vq", NULL
    };
    static const char *const others[] = { "iommu", "ats", "packed", "page_per_vq", NULL };

    return memXmlOnlyAttrs(node, def->type == CONTROLLER_SCSI ? scsi : others, err) &&
           memXmlAttrUint(node, "queues", FALSE, &def->queues, err) &&
           memXmlAttrUint(node, "cmd_per_lun", FALSE, &def->cmdPerLun, err) &&
           memXmlAttrUint(node, "max_sectors", FALSE, &def->maxSectors, err) &&
           memXmlAttrOnOff(node, "ioeventfd", DEVICE_ENUM(def->ioeventfd), err) &&
           deviceVirtioOptionsParse(node, &def->virtio, err);
}

static gboolean parseMaster(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const char *const attrs[] = { "startport", NULL };
    unsigned port = 0;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrUint(node, "startport", TRUE, &port, err))
        return FALSE;
    def->masterStartPort = (int)port;
    return TRUE;
}

static gboolean parseModelName(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const char *const attrs[] = { "name", NULL };
    static const char *const others[] = {
        "i82801b11-bridge", "x3130-upstream", "xio3130-downstream", "pxb", "pxb-pcie", NULL
    };
    static const char *const known[] = { "pci-bridge", "ioh3420", "pcie-root-port", "pcie-pci-bridge", "spapr-pci-host-bridge", NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || deviceRefuseValue(node, "name", others, err))
        return FALSE;
    def->modelName = memXmlAttr(node, "name");
    if (def->modelName && !g_strv_contains(known, def->modelName)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%s' for attribute 'name' of '<model>' is invalid: it must be like 'pcie-root-port'",
                    def->modelName);
        return FALSE;
    }
    return TRUE;
}

/* An attribute of 0 to @max, decimal or hexadecimal, into an int where -1 means absent. */
static gboolean parseSmall(const xmlNode *node, const char *name, guint64 max, int *value, GError **err)
{
    guint64 number = 0;

    if (!memXmlHasAttr(node, name))
        return TRUE;
    if (!memXmlAttrNumber(node, name, TRUE, &number, err))
        return FALSE;
    if (number > max) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%" G_GUINT64_FORMAT "' for attribute '%s' of '<%s>' is too large: at most '%" G_GUINT64_FORMAT "'",
                    number, name, node->name, max);
        return FALSE;
    }
    *value = (int)number;
    return TRUE;
}

static gboolean parseTarget(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const char *const attrs[] = { "chassis", "port", "chassisNr", "hotplug", "index", NULL };
    static const char *const none[] = { NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, none, err) ||
        !parseSmall(node, "chassis", 255, &def->chassis, err) || !parseSmall(node, "port", 255, &def->port, err) ||
        !parseSmall(node, "chassisNr", 255, &def->chassisNr, err) || !parseSmall(node, "index", 30, &def->hostIndex, err) ||
        !memXmlAttrOnOff(node, "hotplug", DEVICE_ENUM(def->hotplug), err))
        return FALSE;
    if (def->hostIndex > 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "value '%d' for attribute 'index' of '<target>' is not supported: there is one PCI host bridge, '0'",
                    def->hostIndex);
        return FALSE;
    }
    return TRUE;
}

static gboolean parsePcihole(const xmlNode *node, ControllerDef *def, GError **err)
{
    return memXmlSizeKib(node, NULL, TRUE, &def->pcihole64Kib, &def->hasPcihole64, err);
}

static gboolean parseChildren(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const struct {
        const char *name;
        gboolean (*parse)(const xmlNode *, ControllerDef *, GError **);
    } children[] = {
        { "driver", parseDriver },
        { "master", parseMaster },
        { "model", parseModelName },
        { "target", parseTarget },
        { "pcihole64", parsePcihole },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        const xmlNode *child = memXmlChild(node, children[i].name);

        if (child && !children[i].parse(child, def, err))
            return FALSE;
    }
    return TRUE;
}

/* The names of element and attribute that this type may have. */
static gboolean checkNames(const xmlNode *node, ControllerType type, GError **err)
{
    static const struct {
        const char *attrs[6];
        const char *children[8];
    } known[CONTROLLER_LAST] = {
        [CONTROLLER_IDE] = { { "type", "index", "model" }, { "alias", "address" } },
        [CONTROLLER_SCSI] = { { "type", "index", "model" }, { "alias", "address", "driver" } },
        [CONTROLLER_SATA] = { { "type", "index", "model" }, { "alias", "address" } },
        [CONTROLLER_VIRTIO_SERIAL] = { { "type", "index", "model", "ports", "vectors" }, { "alias", "address", "driver" } },
        [CONTROLLER_USB] = { { "type", "index", "model", "ports" }, { "alias", "address", "master" } },
        [CONTROLLER_PCI] = { { "type", "index", "model" }, { "alias", "address", "model", "target", "pcihole64" } },
    };

    return memXmlOnlyAttrs(node, known[type].attrs, err) && memXmlOnlyChildren(node, known[type].children, err);
}

static gboolean parseModel(const xmlNode *node, ControllerDef *def, GError **err)
{
    static const char *const others[] = {
        "pcie-switch-upstream-port", "pcie-switch-downstream-port", "dmi-to-pci-bridge", "pci-expander-bridge",
        "pcie-expander-bridge", "vt82c686b-uhci", "qusb1", "qusb2", "auto", "buslogic", "vmpvscsi", "lsisas1068",
        "lsisas1078", "ncr53c90", "dc390", "am53c974", NULL
    };
    g_autofree char *text = memXmlAttr(node, "model");

    if (deviceRefuseValue(node, "model", others, err) ||
        !memXmlAttrEnum(node, "model", FALSE, controllerModelFromString, DEVICE_ENUM(def->model), err))
        return FALSE;
    /* "virtio" is spelt differently by type. */
    if (!modelFits(def->type, def->model)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%s' for attribute 'model' of '<controller type='%s'>' is invalid",
                    text ? text : "", controllerTypeToString(def->type));
        return FALSE;
    }
    return TRUE;
}

ControllerDef *controllerDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const types[] = { "fdc", "ccid", "xenbus", "isa", NULL };
    g_autoptr(ControllerDef) def = controllerDefNew(CONTROLLER_IDE, -1, CONTROLLER_MODEL_DEFAULT);

    if (deviceRefuseValue(node, "type", types, err) ||
        !memXmlAttrEnum(node, "type", TRUE, controllerTypeFromString, DEVICE_ENUM(def->type), err) ||
        !checkNames(node, def->type, err) || !parseModel(node, def, err) ||
        !parseSmall(node, "index", MOST_INDEX, &def->index, err) ||
        !parseSmall(node, "ports", def->type == CONTROLLER_USB ? 15 : 511, &def->ports, err) ||
        !parseSmall(node, "vectors", G_MAXINT, &def->vectors, err) || !parseChildren(node, def, err) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    return g_steal_pointer(&def);
}

/* ---- format ---- */

static void attrUnlessAbsent(MemXmlOut *out, const char *name, int value)
{
    if (value >= 0)
        memXmlOutAttrUint64(out, name, (guint64)value);
}

static void formatPci(MemXmlOut *out, const ControllerDef *def)
{
    memXmlOutStart(out, "model");
    memXmlOutAttr(out, "name", def->modelName);
    memXmlOutEndUnlessEmpty(out);
    memXmlOutStart(out, "target");
    attrUnlessAbsent(out, "chassisNr", def->chassisNr);
    attrUnlessAbsent(out, "chassis", def->chassis);
    if (def->port >= 0)
        memXmlOutAttrf(out, "port", "0x%x", (unsigned)def->port);
    memXmlOutAttr(out, "hotplug", memTristateSwitchToString(def->hotplug));
    attrUnlessAbsent(out, "index", def->hostIndex);
    memXmlOutEndUnlessEmpty(out);
}

static void formatDriver(MemXmlOut *out, const ControllerDef *def)
{
    memXmlOutStart(out, "driver");
    if (def->queues)
        memXmlOutAttrUint64(out, "queues", def->queues);
    if (def->cmdPerLun)
        memXmlOutAttrUint64(out, "cmd_per_lun", def->cmdPerLun);
    if (def->maxSectors)
        memXmlOutAttrUint64(out, "max_sectors", def->maxSectors);
    memXmlOutAttr(out, "ioeventfd", memTristateSwitchToString(def->ioeventfd));
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
}

void controllerDefFormat(MemXmlOut *out, const ControllerDef *def, unsigned flags)
{
    memXmlOutStart(out, "controller");
    memXmlOutAttr(out, "type", controllerTypeToString(def->type));
    attrUnlessAbsent(out, "index", def->index);
    memXmlOutAttr(out, "model", controllerModelToString(def->model));
    attrUnlessAbsent(out, "ports", def->ports);
    attrUnlessAbsent(out, "vectors", def->vectors);
    formatPci(out, def);
    if (def->masterStartPort >= 0) {
        memXmlOutStart(out, "master");
        memXmlOutAttrUint64(out, "startport", (guint64)def->masterStartPort);
        memXmlOutEnd(out);
    }
    formatDriver(out, def);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    if (def->hasPcihole64)
        memXmlOutSizeKib(out, "pcihole64", def->pcihole64Kib);
    memXmlOutEnd(out);
}

/* ---- validate ---- */

static gboolean validatePci(const ControllerDef *def, GError **err)
{
    gboolean root = def->model == CONTROLLER_MODEL_PCI_ROOT || def->model == CONTROLLER_MODEL_PCIE_ROOT;

    if (root != (def->index == 0)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI controller '%d' with model '%s': index '0' is for 'pci-root' or 'pcie-root' and for nothing else",
                    def->index, controllerModelToString(def->model));
        return FALSE;
    }
    if (def->hasPcihole64 && !root) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI controller '%d': '<pcihole64>' is only for 'pci-root' and 'pcie-root'",
                    def->index);
        return FALSE;
    }
    if (root && def->info.type != DEVICE_ADDRESS_NONE) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI controller '0' with model '%s' cannot have an address",
                    controllerModelToString(def->model));
        return FALSE;
    }
    return TRUE;
}

gboolean controllerDefValidate(const ControllerDef *def, const DomainDef *domain, GError **err)
{
    return (def->type != CONTROLLER_PCI || validatePci(def, err)) &&
           deviceVirtioOptionsValidate(&def->virtio, def->model == CONTROLLER_MODEL_VIRTIO_TRANSITIONAL, "controller", err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_device_conf.c: <memory model='...'> devices: parse, format, defaults, find */
#include "conf/memory_device_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"
#include "util/mem_uuid.h"

#include <string.h>

#define LABEL_MIN_KIB 128

MEM_ENUM_IMPL(memoryDeviceModel, MEMORY_DEVICE_LAST, "dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc");

MemoryDeviceDef *memoryDeviceDefNew(MemoryDeviceModel model)
{
    MemoryDeviceDef *def = g_new0(MemoryDeviceDef, 1);

    def->model = model;
    def->targetNode = -1;
    return def;
}

void memoryDeviceDefFree(MemoryDeviceDef *def)
{
    if (!def)
        return;
    memBitmapFree(def->sourceNodes);
    g_free(def->sourcePath);
    deviceInfoClear(&def->info);
    g_free(def);
}

gboolean memoryDeviceUsesSlot(MemoryDeviceModel model)
{
    switch (model) {
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_NVDIMM:
        return TRUE;
    case MEMORY_DEVICE_VIRTIO_PMEM:
    case MEMORY_DEVICE_VIRTIO_MEM:
    case MEMORY_DEVICE_SGX_EPC:
    case MEMORY_DEVICE_LAST:
        break;
    }
    return FALSE;
}

static gboolean isVirtio(MemoryDeviceModel model)
{
    return model == MEMORY_DEVICE_VIRTIO_MEM || model == MEMORY_DEVICE_VIRTIO_PMEM;
}

/* ---- parse ---- */

static gboolean onlyOnceOf(const xmlNode *node, const char *const *children, GError **err)
{
    static const char *const none[] = { NULL };

    return memXmlOnlyChildren(node, children, err) && memXmlOnlyOnce(node, none, err);
}

/* Every child that some model takes is known for all: libvirt drops what belongs to another model. */
static gboolean checkKnown(const xmlNode *node, GError **err)
{
    static const char *const attrs[] = { "model", "access", "discard", NULL };
    static const char *const children[] = { "uuid", "source", "target", "alias", "address", "driver", NULL };
    static const char *const none[] = { NULL };
    static const char *const sourceChildren[] = { "pagesize", "nodemask", "path", "alignsize", "pmem", NULL };
    static const char *const targetAttrs[] = { "dynamicMemslots", NULL };
    static const char *const targetChildren[] = { "size",  "node",      "label",   "readonly", "block",
                                                  "requested", "current", "address", NULL };
    static const char *const labelChildren[] = { "size", NULL };
    static const char *const addressAttrs[] = { "base", NULL };
    static const char *const driverAttrs[] = { "iommu", "ats", "packed", "page_per_vq", NULL };
    const xmlNode *source = memXmlChild(node, "source");
    const xmlNode *target = memXmlChild(node, "target");
    const xmlNode *label = target ? memXmlChild(target, "label") : NULL;
    const xmlNode *address = target ? memXmlChild(target, "address") : NULL;
    const xmlNode *driver = memXmlChild(node, "driver");

    return memXmlOnlyAttrs(node, attrs, err) && onlyOnceOf(node, children, err) &&
           (!source || (memXmlOnlyAttrs(source, none, err) && onlyOnceOf(source, sourceChildren, err))) &&
           (!target || (memXmlOnlyAttrs(target, targetAttrs, err) && onlyOnceOf(target, targetChildren, err))) &&
           (!label || onlyOnceOf(label, labelChildren, err)) &&
           (!address || memXmlOnlyAttrs(address, addressAttrs, err)) &&
           (!driver || memXmlOnlyAttrs(driver, driverAttrs, err));
}

static gboolean parseNodemask(const xmlNode *source, MemoryDeviceDef *def, GError **err)
{
    g_autofree char *text = memXmlChildText(source, "nodemask");

    if (!text || !text[0])
        return TRUE;
    def->sourceNodes = memBitmapParse(text, CONF_SET_LIMIT, err);
    if (!def->sourceNodes)
        return FALSE;
    if (!memBitmapIsEmpty(def->sourceNodes))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "nodemask '%s' of a memory device's '<source>' names no node", text);
    return FALSE;
}

static gboolean parsePath(const xmlNode *source, MemoryDeviceDef *def, GError **err)
{
    def->sourcePath = memXmlChildText(source, "path");
    if (def->sourcePath && !def->sourcePath[0])
        g_clear_pointer(&def->sourcePath, g_free);
    return TRUE;
}

static gboolean parseSource(const xmlNode *source, MemoryDeviceDef *def, GError **err)
{
    if (!source)
        return TRUE;
    switch (def->model) {
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_VIRTIO_MEM:
        return memXmlSizeKib(source, "pagesize", FALSE, &def->sourcePagesizeKib, NULL, err) &&
               parseNodemask(source, def, err);
    case MEMORY_DEVICE_NVDIMM:
        def->pmem = memXmlChild(source, "pmem") != NULL;
        return parsePath(source, def, err) && memXmlSizeKib(source, "alignsize", FALSE, &def->alignKib, NULL, err);
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return parsePath(source, def, err);
    case MEMORY_DEVICE_SGX_EPC:
        return parseNodemask(source, def, err);
    case MEMORY_DEVICE_LAST:
        break;
    }
    return TRUE;
}

static gboolean parseTargetNode(const xmlNode *target, MemoryDeviceDef *def, GError **err)
{
    g_autofree char *text = memXmlChildText(target, "node");

    if (!text || !text[0])
        return TRUE;
    if (memUnitsParseInt(text, &def->targetNode) && def->targetNode >= 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "value '%s' of '<node>' of a memory device's '<target>' is invalid: it must be a number, 0 or more", text);
    return FALSE;
}

static gboolean parseLabel(const xmlNode *target, MemoryDeviceDef *def, GError **err)
{
    const xmlNode *label = memXmlChild(target, "label");

    if (label && !memXmlSizeKib(label, "size", FALSE, &def->labelKib, NULL, err))
        return FALSE;
    if (def->labelKib && def->labelKib < LABEL_MIN_KIB) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "label of '%" G_GUINT64_FORMAT "' KiB of an nvdimm is too small: it must be at least %d KiB",
                    def->labelKib, LABEL_MIN_KIB);
        return FALSE;
    }
    if (def->labelKib >= def->sizeKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "label of '%" G_GUINT64_FORMAT "' KiB of an nvdimm must be smaller than its size, '%" G_GUINT64_FORMAT "' KiB",
                    def->labelKib, def->sizeKib);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseBase(const xmlNode *target, MemoryDeviceDef *def, GError **err)
{
    const xmlNode *address = memXmlChild(target, "address");

    return !address || memXmlAttrHex(address, "base", TRUE, &def->baseAddress, err);
}

static gboolean parseVirtioMem(const xmlNode *target, unsigned flags, MemoryDeviceDef *def, GError **err)
{
    int dynamic = MEM_TRISTATE_ABSENT;

    if (!memXmlSizeKib(target, "block", FALSE, &def->blockKib, NULL, err) ||
        !memXmlSizeKib(target, "requested", FALSE, &def->requestedKib, NULL, err) ||
        ((flags & DOMAIN_PARSE_STATUS) && !memXmlSizeKib(target, "current", FALSE, &def->currentKib, NULL, err)) ||
        !memXmlAttrYesNo(target, "dynamicMemslots", &dynamic, err))
        return FALSE;
    def->dynamicMemslots = (MemTristate)dynamic;
    return parseBase(target, def, err);
}

static gboolean parseTarget(const xmlNode *target, unsigned flags, MemoryDeviceDef *def, GError **err)
{
    if (!target) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element '<target>' of a memory device is missing");
        return FALSE;
    }
    if (!parseTargetNode(target, def, err) || !memXmlSizeKib(target, "size", TRUE, &def->sizeKib, NULL, err))
        return FALSE;
    switch (def->model) {
    case MEMORY_DEVICE_NVDIMM:
        def->readonly = memXmlChild(target, "readonly") != NULL;
        return parseLabel(target, def, err);
    case MEMORY_DEVICE_VIRTIO_MEM:
        return parseVirtioMem(target, flags, def, err);
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return parseBase(target, def, err);
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_SGX_EPC:
    case MEMORY_DEVICE_LAST:
        break;
    }
    return TRUE;
}

static gboolean parseUuid(const xmlNode *node, MemoryDeviceDef *def, GError **err)
{
    g_autofree char *text = def->model == MEMORY_DEVICE_NVDIMM ? memXmlChildText(node, "uuid") : NULL;

    if (!text || !text[0])
        return TRUE;
    def->hasUuid = memUuidParse(text, def->uuid);
    if (!def->hasUuid)
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "uuid '%s' of an nvdimm is malformed", text);
    return def->hasUuid;
}

MemoryDeviceDef *memoryDeviceDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    g_autoptr(MemoryDeviceDef) def = memoryDeviceDefNew(MEMORY_DEVICE_DIMM);
    const xmlNode *driver = memXmlChild(node, "driver");
    int model = 0, access = 0, discard = 0;

    if (!checkKnown(node, err) || !memXmlAttrEnum(node, "model", TRUE, memoryDeviceModelFromString, &model, err) ||
        !memXmlAttrEnum(node, "access", FALSE, memoryAccessFromString, &access, err) ||
        !memXmlAttrYesNo(node, "discard", &discard, err))
        return NULL;
    def->model = (MemoryDeviceModel)model;
    def->access = (MemoryAccess)access;
    def->discard = (MemTristate)discard;
    if (!parseUuid(node, def, err) || !parseSource(memXmlChild(node, "source"), def, err) ||
        !parseTarget(memXmlChild(node, "target"), flags, def, err) ||
        !deviceInfoParse(node, flags & DOMAIN_PARSE_STATUS, &def->info, err))
        return NULL;
    if (driver && isVirtio(def->model) && !deviceVirtioOptionsParse(driver, &def->virtio, err))
        return NULL;
    return g_steal_pointer(&def);
}

MemoryDeviceDef *memoryDeviceDefParseString(const char *xml, unsigned flags, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "device_definition", err);
    const xmlNode *root = doc ? memXmlRoot(doc, "memory", err) : NULL;

    return root ? memoryDeviceDefParse(root, flags, err) : NULL;
}

/* ---- format ---- */

static void formatSource(MemXmlOut *out, const MemoryDeviceDef *def)
{
    g_autofree char *nodes = def->sourceNodes ? memBitmapFormat(def->sourceNodes) : NULL;

    memXmlOutStart(out, "source");
    memXmlOutText(out, "nodemask", nodes);
    if (def->sourcePagesizeKib)
        memXmlOutSizeKib(out, "pagesize", def->sourcePagesizeKib);
    memXmlOutText(out, "path", def->sourcePath);
    if (def->alignKib)
        memXmlOutSizeKib(out, "alignsize", def->alignKib);
    if (def->pmem)
        memXmlOutEmpty(out, "pmem");
    memXmlOutEndUnlessEmpty(out);
}

static void formatTargetNode(MemXmlOut *out, const MemoryDeviceDef *def)
{
    g_autofree char *text = def->targetNode >= 0 ? g_strdup_printf("%d", def->targetNode) : NULL;

    memXmlOutText(out, "node", text);
}

static void formatTarget(MemXmlOut *out, const MemoryDeviceDef *def, unsigned flags)
{
    memXmlOutStart(out, "target");
    memXmlOutAttr(out, "dynamicMemslots", memTristateBoolToString(def->dynamicMemslots));
    memXmlOutSizeKib(out, "size", def->sizeKib);
    formatTargetNode(out, def);
    if (def->labelKib) {
        memXmlOutStart(out, "label");
        memXmlOutSizeKib(out, "size", def->labelKib);
        memXmlOutEnd(out);
    }
    if (def->readonly)
        memXmlOutEmpty(out, "readonly");
    if (def->model == MEMORY_DEVICE_VIRTIO_MEM) {
        memXmlOutSizeKib(out, "block", def->blockKib);
        memXmlOutSizeKib(out, "requested", def->requestedKib);
        if (!(flags & DOMAIN_FORMAT_INACTIVE))
            memXmlOutSizeKib(out, "current", def->currentKib);
    }
    if (def->baseAddress) {
        memXmlOutStart(out, "address");
        memXmlOutAttrf(out, "base", "0x%" G_GINT64_MODIFIER "x", def->baseAddress);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

void memoryDeviceDefFormat(MemXmlOut *out, const MemoryDeviceDef *def, unsigned flags)
{
    char uuid[MEM_UUID_TEXT];

    memXmlOutStart(out, "memory");
    memXmlOutAttr(out, "model", memoryDeviceModelToString(def->model));
    memXmlOutAttr(out, "access", memoryAccessToString(def->access));
    memXmlOutAttr(out, "discard", memTristateBoolToString(def->discard));
    if (def->hasUuid)
        memXmlOutText(out, "uuid", memUuidFormat(def->uuid, uuid));
    formatSource(out, def);
    formatTarget(out, def, flags);
    memXmlOutStart(out, "driver");
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
    deviceInfoFormat(out, &def->info, flags & DOMAIN_FORMAT_INACTIVE);
    memXmlOutEnd(out);
}

char *memoryDeviceDefToString(const MemoryDeviceDef *def, unsigned flags)
{
    g_autoptr(MemXmlOut) out = memXmlOutNew();

    memoryDeviceDefFormat(out, def, flags);
    return memXmlOutSteal(g_steal_pointer(&out));
}

MemoryDeviceDef *memoryDeviceDefCopy(const MemoryDeviceDef *def)
{
    MemoryDeviceDef *copy = g_memdup2(def, sizeof(*def));

    copy->sourceNodes = memBitmapCopy(def->sourceNodes);
    copy->sourcePath = g_strdup(def->sourcePath);
    copy->info.alias = g_strdup(def->info.alias);
    copy->info.usb.port = g_strdup(def->info.usb.port);
    return copy;
}

/* ---- find ---- */

static gboolean sameAddress(const DeviceInfo *wanted, const DeviceInfo *have)
{
    if (wanted->type == DEVICE_ADDRESS_NONE)
        return TRUE;
    if (wanted->type != have->type)
        return FALSE;
    if (wanted->type == DEVICE_ADDRESS_DIMM)
        return wanted->dimm.slot == have->dimm.slot &&
               (!wanted->dimm.base || !have->dimm.base || wanted->dimm.base == have->dimm.base);
    if (wanted->type == DEVICE_ADDRESS_PCI)
        return wanted->pci.domain == have->pci.domain && wanted->pci.bus == have->pci.bus &&
               wanted->pci.slot == have->pci.slot && wanted->pci.function == have->pci.function;
    if (wanted->type == DEVICE_ADDRESS_CCW)
        return wanted->ccw.cssid == have->ccw.cssid && wanted->ccw.ssid == have->ccw.ssid &&
               wanted->ccw.devno == have->ccw.devno;
    return FALSE;
}

static gboolean sameNodes(const MemBitmap *a, const MemBitmap *b)
{
    return a && b ? memBitmapEqual(a, b) : a == b;
}

static gboolean sameSource(const MemoryDeviceDef *wanted, const MemoryDeviceDef *have)
{
    switch (wanted->model) {
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_VIRTIO_MEM:
    case MEMORY_DEVICE_SGX_EPC:
        return wanted->sourcePagesizeKib == have->sourcePagesizeKib && sameNodes(wanted->sourceNodes, have->sourceNodes);
    case MEMORY_DEVICE_NVDIMM:
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return g_strcmp0(wanted->sourcePath, have->sourcePath) == 0;
    case MEMORY_DEVICE_LAST:
        break;
    }
    return FALSE;
}

MemoryDeviceDef *memoryDeviceFind(const DomainDef *domain, const MemoryDeviceDef *wanted)
{
    for (gsize i = 0; i < domain->nmemories; i++) {
        MemoryDeviceDef *have = domain->memories[i];

        if (wanted->model == have->model && wanted->targetNode == have->targetNode &&
            wanted->sizeKib == have->sizeKib && wanted->blockKib == have->blockKib &&
            sameSource(wanted, have) &&
            (!wanted->info.alias || g_strcmp0(wanted->info.alias, have->info.alias) == 0) &&
            sameAddress(&wanted->info, &have->info))
            return have;
    }
    return NULL;
}

MemoryDeviceDef *memoryDeviceFindAlias(const DomainDef *domain, const char *alias)
{
    for (gsize i = 0; alias && i < domain->nmemories; i++) {
        if (g_strcmp0(domain->memories[i]->info.alias, alias) == 0)
            return domain->memories[i];
    }
    return NULL;
}

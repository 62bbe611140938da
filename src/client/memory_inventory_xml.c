/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_inventory_xml.c: the memory parts of a domain's XML, whatever else is in it
 *
 * Any libvirt may have written the XML, also one newer than this library: what is not known is passed over. */
#include "client/memory_inventory_priv.h"

#include <string.h>

#include "util/mem_bitmap.h"
#include "util/mem_units.h"

/* libvirt's limit of nodes and CPUs in sets. */
#define SET_LIMIT 16384

static xmlNode *childPath(const xmlNode *node, const char *first, const char *second)
{
    xmlNode *child = memXmlChild(node, first);

    return child && second ? memXmlChild(child, second) : child;
}

/* -1 absent, else 0 or 1. */
static int readOnOff(const xmlNode *node, const char *name)
{
    g_autofree char *value = memXmlAttr(node, name);

    return value ? strcmp(value, "on") == 0 : -1;
}

static void readBalloon(virMemInventory *inventory, const xmlNode *root)
{
    const xmlNode *balloon = childPath(root, "devices", "memballoon");

    inventory->balloonAutodeflate = inventory->balloonFreePageReporting = -1;
    if (balloon) {
        const xmlNode *stats = memXmlChild(balloon, "stats");
        inventory->balloonModel = memXmlAttr(balloon, "model");
        inventory->balloonAutodeflate = readOnOff(balloon, "autodeflate");
        inventory->balloonFreePageReporting = readOnOff(balloon, "freePageReporting");
        if (stats)
            memXmlAttrInt(stats, "period", FALSE, &inventory->balloonPeriod, NULL);
    }
    if (!inventory->balloonModel)
        inventory->balloonModel = g_strdup("none");
}

gboolean memoryInventoryReadDomain(virMemInventory *inventory, const xmlNode *root, guint64 *currentKib, GError **err)
{
    g_autofree char *uuid = memXmlChildText(root, "uuid");
    const xmlNode *maximum = memXmlChild(root, "maxMemory");
    const xmlNode *type = childPath(root, "os", "type");

    inventory->name = memXmlChildText(root, "name");
    g_strlcpy(inventory->uuid, uuid ? uuid : "", sizeof(inventory->uuid));
    inventory->arch = type ? memXmlAttr(type, "arch") : NULL;
    if (!inventory->arch)
        inventory->arch = g_strdup("x86_64");
    inventory->id = -1;
    memXmlAttrInt(root, "id", FALSE, &inventory->id, NULL);
    inventory->locked = childPath(root, "memoryBacking", "locked") != NULL;
    readBalloon(inventory, root);
    const xmlNode *memtune = memXmlChild(root, "memtune");
    guint64 totalKib = 0, maxKib = 0, hardLimitKib = VIR_MEM_UNKNOWN;
    if (!memXmlSizeKib(root, "memory", TRUE, &totalKib, NULL, err))
        return FALSE;
    *currentKib = totalKib;
    if (!memXmlSizeKib(root, "currentMemory", FALSE, currentKib, NULL, err) ||
        !memXmlSizeKib(root, "maxMemory", FALSE, &maxKib, NULL, err) ||
        (memtune && !memXmlSizeKib(memtune, "hard_limit", FALSE, &hardLimitKib, NULL, err)))
        return FALSE;
    inventory->totalKib = totalKib;
    inventory->maxKib = maxKib;
    inventory->hardLimitKib = hardLimitKib >= MEM_KIB_UNLIMITED ? VIR_MEM_UNKNOWN : hardLimitKib;
    return !maximum || memXmlAttrUint(maximum, "slots", FALSE, &inventory->slots, err);
}

/* ---- nodes ---- */

static guint64 ordinaryPageKib(const char *arch)
{
    return g_str_has_prefix(arch, "ppc64") ? 64 : 4;
}

static gboolean setHas(const char *set, int id)
{
    g_autoptr(MemBitmap) bitmap = memBitmapParse(set, SET_LIMIT, NULL);

    return bitmap && id >= 0 && memBitmapIsSet(bitmap, id);
}

/* The page size behind guest node @id: the <page> that names it, else the one that names none, else an ordinary one. Without any
 * <page> it is the host's default huge page. */
static gboolean readPageKib(const xmlNode *root, const char *arch, int id, guint64 *kib, GError **err)
{
    const xmlNode *hugepages = childPath(root, "memoryBacking", "hugepages");

    *kib = hugepages && !memXmlChild(hugepages, "page") ? VIR_MEM_UNKNOWN : ordinaryPageKib(arch);
    if (!hugepages)
        return TRUE;
    for (const xmlNode *page = memXmlChild(hugepages, "page"); page; page = memXmlNext(page, "page")) {
        g_autofree char *nodes = memXmlAttr(page, "nodeset");
        guint64 sizeKib = 0;
        if (!memXmlAttrSizeKib(page, "size", "unit", TRUE, &sizeKib, err))
            return FALSE;
        if (!nodes || setHas(nodes, id))
            *kib = sizeKib;
        if (nodes && setHas(nodes, id))
            return TRUE;
    }
    return TRUE;
}

/* The host nodes that numatune binds guest node @id to, or NULL. */
static char *readHostNodes(const xmlNode *root, int id)
{
    const xmlNode *numatune = memXmlChild(root, "numatune");
    const xmlNode *memory = numatune ? memXmlChild(numatune, "memory") : NULL;

    if (!numatune)
        return NULL;
    for (const xmlNode *node = memXmlChild(numatune, "memnode"); node; node = memXmlNext(node, "memnode")) {
        int cell = -1;
        if (memXmlAttrInt(node, "cellid", TRUE, &cell, NULL) && cell == id)
            return memXmlAttr(node, "nodeset");
    }
    return memory ? memXmlAttr(memory, "nodeset") : NULL;
}

static virMemNode *readCell(const virMemInventory *inventory, const xmlNode *root, const xmlNode *cell, int id,
                            GError **err)
{
    g_autofree virMemNode *node = g_new0(virMemNode, 1);
    guint64 bootKib = 0, pageKib = 0;

    node->id = id;
    if (cell && (!memXmlAttrInt(cell, "id", FALSE, &node->id, err) ||
                 !memXmlAttrSizeKib(cell, "memory", "unit", TRUE, &bootKib, err)))
        return NULL;
    if (!readPageKib(root, inventory->arch, node->id, &pageKib, err))
        return NULL;
    node->bootKib = bootKib;
    node->pageKib = pageKib;
    node->hostNodes = readHostNodes(root, node->id);
    node->backend = memoryInventoryBackend(inventory, node, root, cell);
    g_autofree char *cpus = cell ? memXmlAttr(cell, "cpus") : memXmlChildText(root, "vcpu");
    g_autoptr(MemBitmap) set = cell && cpus ? memBitmapParse(cpus, SET_LIMIT, NULL) : NULL;
    if (set)
        node->vcpus = (int) memBitmapCount(set);
    else if (!cell && cpus)
        memUnitsParseInt(cpus, &node->vcpus);
    return g_steal_pointer(&node);
}

gboolean memoryInventoryReadNodes(virMemInventory *inventory, const xmlNode *root, GError **err)
{
    const xmlNode *numa = childPath(root, "cpu", "numa");
    const xmlNode *cell = numa ? memXmlChild(numa, "cell") : NULL;

    inventory->numa = cell != NULL;
    inventory->nodes = g_new0(virMemNode *, numa ? memXmlCountChildren(numa, "cell") + 1 : 1);
    do {
        virMemNode *node = readCell(inventory, root, cell, (int) inventory->nnodes, err);
        if (!node)
            return FALSE;
        inventory->nodes[inventory->nnodes++] = node;
        cell = cell ? memXmlNext(cell, "cell") : NULL;
    } while (cell);
    return TRUE;
}

/* ---- devices ---- */

static int readModel(const xmlNode *memory)
{
    g_autofree char *model = memXmlAttr(memory, "model");

    for (int i = 0; i < VIR_MEM_MODEL_OTHER; i++) {
        if (g_strcmp0(model, virMemModelName(i)) == 0)
            return i;
    }
    return VIR_MEM_MODEL_OTHER;
}

static void readAddress(virMemDevice *device, const xmlNode *memory, const xmlNode *target)
{
    const xmlNode *address = memXmlChild(memory, "address"), *given = memXmlChild(target, "address");
    g_autofree char *type = address ? memXmlAttr(address, "type") : NULL;
    guint64 base = VIR_MEM_UNKNOWN, domain = 0, bus = 0, slot = 0, function = 0;

    device->slot = -1;
    if (g_strcmp0(type, "dimm") == 0) {
        memXmlAttrInt(address, "slot", FALSE, &device->slot, NULL);
        memXmlAttrHex(address, "base", FALSE, &base, NULL);
    } else if (g_strcmp0(type, "pci") == 0) {
        memXmlAttrHex(address, "domain", FALSE, &domain, NULL);
        memXmlAttrHex(address, "bus", FALSE, &bus, NULL);
        memXmlAttrHex(address, "slot", FALSE, &slot, NULL);
        memXmlAttrHex(address, "function", FALSE, &function, NULL);
        device->address = g_strdup_printf("%04x:%02x:%02x.%x", (unsigned) domain, (unsigned) bus, (unsigned) slot,
                                          (unsigned) function);
    } else if (g_strcmp0(type, "ccw") == 0) {
        g_autofree char *cssid = memXmlAttr(address, "cssid"), *ssid = memXmlAttr(address, "ssid");
        g_autofree char *devno = memXmlAttr(address, "devno");
        device->address = g_strdup_printf("%s.%s.%s", cssid ? cssid : "", ssid ? ssid : "", devno ? devno : "");
    }
    if (given)
        memXmlAttrHex(given, "base", FALSE, &base, NULL);
    device->base = base;
}

static gboolean readSizes(virMemDevice *device, const xmlNode *target, gboolean live, GError **err)
{
    const xmlNode *label = memXmlChild(target, "label");
    guint64 size = 0, requested = 0, current = 0, block = 0, labelKib = 0;
    gboolean found = FALSE, isVirtioMem = device->model == VIR_MEM_MODEL_VIRTIO_MEM;

    if (!memXmlSizeKib(target, "size", TRUE, &size, NULL, err) ||
        !memXmlSizeKib(target, "requested", FALSE, &requested, NULL, err) ||
        !memXmlSizeKib(target, "current", FALSE, &current, &found, err) ||
        !memXmlSizeKib(target, "block", FALSE, &block, NULL, err) ||
        (label && !memXmlSizeKib(label, "size", FALSE, &labelKib, NULL, err)))
        return FALSE;
    device->sizeKib = size;
    device->requestedKib = isVirtioMem ? requested : size;
    device->blockKib = isVirtioMem ? block : 0;
    device->labelKib = labelKib;
    device->current = (virMemFigure) {.kib = VIR_MEM_UNKNOWN, .ageMs = -1};
    if (live)
        device->current = (virMemFigure) {.kib = isVirtioMem ? current : size, .ageMs = 0};
    return TRUE;
}

static gboolean readDevice(const virMemInventory *inventory, virMemDevice *device, const xmlNode *root,
                           const xmlNode *memory, gboolean live, GError **err)
{
    const xmlNode *target = memXmlChild(memory, "target"), *source = memXmlChild(memory, "source");
    const xmlNode *alias = memXmlChild(memory, "alias");
    g_autofree char *node = target ? memXmlChildText(target, "node") : NULL;
    guint64 pageKib = 0;

    device->model = readModel(memory);
    device->xml = memXmlNodeText(memory);
    device->alias = alias ? memXmlAttr(alias, "name") : NULL;
    device->node = device->slot = -1;
    device->base = VIR_MEM_UNKNOWN;
    if (node)
        memUnitsParseInt(node, &device->node);
    if (!readPageKib(root, inventory->arch, device->node, &pageKib, err))
        return FALSE;
    if (source) {
        if (!memXmlSizeKib(source, "pagesize", FALSE, &pageKib, NULL, err))
            return FALSE;
        device->hostNodes = memXmlChildText(source, "nodemask");
        device->path = memXmlChildText(source, "path");
    }
    if (device->path)
        pageKib = ordinaryPageKib(inventory->arch);
    device->pageKib = pageKib;
    if (!target)
        return TRUE;
    device->readonly = memXmlChild(target, "readonly") != NULL;
    readAddress(device, memory, target);
    return readSizes(device, target, live, err);
}

gboolean memoryInventoryReadDevices(virMemInventory *inventory, const xmlNode *root, gboolean live, GError **err)
{
    const xmlNode *devices = memXmlChild(root, "devices");

    if (!devices)
        return TRUE;
    inventory->devices = g_new0(virMemDevice *, memXmlCountChildren(devices, "memory") + 1);
    for (const xmlNode *memory = memXmlChild(devices, "memory"); memory; memory = memXmlNext(memory, "memory")) {
        virMemDevice *device = inventory->devices[inventory->ndevices++] = g_new0(virMemDevice, 1);
        if (!readDevice(inventory, device, root, memory, live, err))
            return FALSE;
    }
    return TRUE;
}

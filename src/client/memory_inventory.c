/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_inventory.c: what a guest has, from libvirt's XML and statistics */
#include "client/memory_inventory.h"

#include <string.h>

#include "client/memory_error.h"
#include "client/memory_inventory_priv.h"

/* Every tag that libvirt has, and some to come. */
#define MOST_STATS 32

static void nodeFree(virMemNode *node)
{
    g_free(node->hostNodes);
    g_free(node->backend);
    g_free(node);
}

static void deviceFree(virMemDevice *device)
{
    g_free(device->alias);
    g_free(device->address);
    g_free(device->hostNodes);
    g_free(device->path);
    g_free(device->xml);
    g_free(device);
}

void virMemInventoryFree(virMemInventory *inventory)
{
    if (!inventory)
        return;
    for (size_t i = 0; i < inventory->nnodes; i++)
        nodeFree(inventory->nodes[i]);
    for (size_t i = 0; i < inventory->ndevices; i++)
        deviceFree(inventory->devices[i]);
    g_free(inventory->nodes);
    g_free(inventory->devices);
    g_free(inventory->name);
    g_free(inventory->arch);
    g_free(inventory->balloonModel);
    g_free(inventory);
}

const virMemDevice *virMemInventoryFind(const virMemInventory *inventory, const char *alias)
{
    for (size_t i = 0; alias && i < inventory->ndevices; i++) {
        if (g_strcmp0(inventory->devices[i]->alias, alias) == 0)
            return inventory->devices[i];
    }
    return NULL;
}

const virMemNode *memoryInventoryNode(const virMemInventory *inventory, int id)
{
    for (size_t i = 0; i < inventory->nnodes; i++) {
        if (inventory->nodes[i]->id == id)
            return inventory->nodes[i];
    }
    return NULL;
}

guint64 memoryInventoryPluggedKib(const virMemInventory *inventory)
{
    guint64 kib = 0;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && device->current.kib != VIR_MEM_UNKNOWN)
            kib += device->current.kib;
    }
    return kib;
}

static virMemFigure figureNow(guint64 kib)
{
    return (virMemFigure) {.kib = kib, .ageMs = 0};
}

static const virMemFigure unknownFigure = {.kib = VIR_MEM_UNKNOWN, .ageMs = -1};

/* What follows from all that was read: boot memory, the empty balloon's figure, what the guest has. */
static gboolean addTotals(virMemInventory *inventory, gboolean live, guint64 currentKib, virMemError *err)
{
    guint64 devicesKib = 0, dimmsKib = 0, requestedKib = 0;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        devicesKib += device->sizeKib;
        if (device->model == VIR_MEM_MODEL_DIMM)
            dimmsKib += device->sizeKib;
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM)
            requestedKib += device->requestedKib;
        if (device->slot >= 0)
            inventory->slotsUsed++;
    }
    if (!inventory->numa) {
        if (devicesKib > inventory->totalKib) {
            memoryErrorSet(err, VIR_MEM_ERR_UNREADABLE, "the memory devices of domain '%s' have more than its <memory>",
                           inventory->name);
            return FALSE;
        }
        inventory->nodes[0]->bootKib = inventory->totalKib - devicesKib;
    }
    for (size_t i = 0; i < inventory->nnodes; i++)
        inventory->bootKib += inventory->nodes[i]->bootKib;
    inventory->balloonTopKib = inventory->bootKib + dimmsKib;

    /* Without a balloon libvirt's <currentMemory> is <memory>, with virtio-mem at full size in it. In a running guest it counts
     * what is plugged of virtio-mem; a definition's is what QEMU's balloon is told at the start, which counts none of it. */
    gboolean balloon = strcmp(inventory->balloonModel, "none") != 0;
    guint64 pluggedKib = live ? memoryInventoryPluggedKib(inventory) : requestedKib;
    guint64 countedKib = live ? pluggedKib : 0;
    guint64 actualKib = balloon && currentKib >= countedKib ? currentKib - countedKib : inventory->balloonTopKib;
    actualKib = MIN(actualKib, inventory->balloonTopKib);
    if (balloon)
        inventory->balloonActual = figureNow(actualKib);
    inventory->current = figureNow(actualKib + pluggedKib);
    return TRUE;
}

/* @live: of a running guest; negative: if the XML has an id, which only that of a running guest has. */
static virMemInventory *parse(const char *xml, int live, virMemError *err)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "domain XML", &error);
    g_autoptr(virMemInventory) inventory = g_new0(virMemInventory, 1);
    xmlNode *root = doc ? memXmlRoot(doc, "domain", &error) : NULL;
    guint64 currentKib = 0;

    if (root && live < 0) {
        g_autofree char *id = memXmlAttr(root, "id");
        live = id != NULL;
    }
    inventory->running = live > 0;
    inventory->balloonActual = inventory->current = inventory->resident = unknownFigure;
    inventory->guestTotal = inventory->guestUnused = inventory->guestAvailable = inventory->guestCaches = unknownFigure;
    if (!root || !memoryInventoryReadDomain(inventory, root, &currentKib, &error) ||
        !memoryInventoryReadNodes(inventory, root, &error) ||
        !memoryInventoryReadDevices(inventory, root, inventory->running, &error)) {
        memoryErrorFromGError(err, VIR_MEM_ERR_UNREADABLE, g_steal_pointer(&error));
        return NULL;
    }
    if (!addTotals(inventory, inventory->running, currentKib, err))
        return NULL;
    return g_steal_pointer(&inventory);
}

virMemInventory *memoryInventoryParse(const char *xml, gboolean live, virMemError *err)
{
    return parse(xml, live != 0, err);
}

void memoryInventoryAddStats(virMemInventory *inventory, const virDomainMemoryStatStruct *stats, int nstats,
                             gint64 nowSeconds)
{
    gint64 updated = 0;

    for (int i = 0; i < nstats; i++) {
        guint64 value = stats[i].val;
        switch (stats[i].tag) {
        case VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON: inventory->balloonActual = figureNow(value); break;
        case VIR_DOMAIN_MEMORY_STAT_AVAILABLE: inventory->guestTotal.kib = value; break;
        case VIR_DOMAIN_MEMORY_STAT_UNUSED: inventory->guestUnused.kib = value; break;
        case VIR_DOMAIN_MEMORY_STAT_USABLE: inventory->guestAvailable.kib = value; break;
        case VIR_DOMAIN_MEMORY_STAT_DISK_CACHES: inventory->guestCaches.kib = value; break;
        case VIR_DOMAIN_MEMORY_STAT_RSS: inventory->resident = figureNow(value); break;
        case VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE: updated = (gint64) value; break;
        default: break;                 /* libvirt's tags are open-ended */
        }
    }
    if (inventory->guestAvailable.kib == VIR_MEM_UNKNOWN)
        inventory->guestAvailable.kib = inventory->guestUnused.kib;
    virMemFigure *reported[] = {&inventory->guestTotal, &inventory->guestUnused, &inventory->guestAvailable,
                                &inventory->guestCaches};
    for (size_t i = 0; i < G_N_ELEMENTS(reported); i++) {
        if (reported[i]->kib != VIR_MEM_UNKNOWN && updated > 0)
            reported[i]->ageMs = MAX(nowSeconds - updated, 0) * 1000;
    }
    if (inventory->balloonActual.kib != VIR_MEM_UNKNOWN)
        inventory->current = figureNow(inventory->balloonActual.kib + memoryInventoryPluggedKib(inventory));
}

/* The figures were read at @since; the call returns now. */
static void age(virMemInventory *inventory, gint64 since)
{
    gint64 spentMs = (g_get_monotonic_time() - since) / 1000;
    virMemFigure *figures[] = {
        &inventory->balloonActual, &inventory->current, &inventory->guestTotal, &inventory->guestUnused,
        &inventory->guestAvailable, &inventory->guestCaches, &inventory->resident,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(figures); i++) {
        if (figures[i]->ageMs >= 0)
            figures[i]->ageMs += spentMs;
    }
    for (size_t i = 0; i < inventory->ndevices; i++) {
        if (inventory->devices[i]->current.ageMs >= 0)
            inventory->devices[i]->current.ageMs += spentMs;
    }
}

static void readStats(virDomainPtr dom, virMemInventory *inventory)
{
    virDomainMemoryStatStruct stats[MOST_STATS];
    /* The XML's figures stand without them: a guest that has just ended has none, and says so elsewhere. */
    int count = virDomainMemoryStats(dom, stats, MOST_STATS, 0);

    memoryInventoryAddStats(inventory, stats, count, g_get_real_time() / G_USEC_PER_SEC);
}

/* From the XML; without @config of the running guest if it runs. */
static int readXml(virDomainPtr dom, gboolean config, virMemInventory **inventory, virMemError *err)
{
    /* libvirt allocates with malloc(). */
    char *xml = virDomainGetXMLDesc(dom, config ? VIR_DOMAIN_XML_INACTIVE : 0);

    if (!xml)
        return memoryErrorFromDomain(err, dom);
    *inventory = parse(xml, config ? 0 : -1, err);
    free(xml);
    return *inventory ? VIR_MEM_OK : VIR_MEM_ERR_UNREADABLE;
}

int virMemGetInventory(virDomainPtr dom, unsigned int flags, virMemInventory **inventory, virMemError *err)
{
    gboolean config = (flags & VIR_MEM_INVENTORY_CONFIG) != 0;
    int state = VIR_DOMAIN_NOSTATE;

    memoryErrorClear(err);
    if (!dom || !inventory)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", dom ? "'inventory'" : "'dom'");
    if (flags & ~(VIR_MEM_INVENTORY_LIVE | VIR_MEM_INVENTORY_CONFIG) ||
        flags == (VIR_MEM_INVENTORY_LIVE | VIR_MEM_INVENTORY_CONFIG))
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "flags '%#x' are not LIVE or CONFIG", flags);

    gint64 since = g_get_monotonic_time();
    g_autoptr(virMemInventory) made = NULL;
    int code = readXml(dom, config, &made, err);
    /* Of a guest that is off, this is asked for as such: currentMemory is another. */
    if (code == VIR_MEM_OK && !config && !made->running && !(flags & VIR_MEM_INVENTORY_LIVE)) {
        g_clear_pointer(&made, virMemInventoryFree);
        code = readXml(dom, TRUE, &made, err);
    }
    if (code < 0)
        return code;
    if ((flags & VIR_MEM_INVENTORY_LIVE) && !made->running)
        return memoryErrorSet(err, VIR_MEM_ERR_NOT_RUNNING, "domain '%s' is not running", virDomainGetName(dom));
    if (virDomainGetState(dom, &state, NULL, 0) < 0)
        return memoryErrorFromDomain(err, dom);
    made->state = state;
    if (made->running)
        readStats(dom, made);
    age(made, since);
    *inventory = g_steal_pointer(&made);
    return VIR_MEM_OK;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_pci_map.c: which slots and functions of the guest's PCI buses are taken */
#include "qemu/qemu_pci_map.h"

#include "util/mem_error.h"

#define SLOTS 32
#define WHOLE_SLOT 0xff

typedef struct {
    ControllerModel model;
    guint8 functions[SLOTS];        /* a bit per function */
    guint8 devices[SLOTS];          /* how many took something there */
    gboolean aggregate[SLOTS];      /* holds root ports only: more may come */
} PciBus;

struct QemuPciMap {
    GArray *buses;                  /* of PciBus */
};

static PciBus *busAt(const QemuPciMap *map, unsigned bus)
{
    return &g_array_index(map->buses, PciBus, bus);
}

static unsigned firstSlot(ControllerModel model)
{
    return model == CONTROLLER_MODEL_PCIE_ROOT_PORT ? 0 : 1;
}

static unsigned lastSlot(ControllerModel model)
{
    return model == CONTROLLER_MODEL_PCIE_ROOT_PORT ? 0 : SLOTS - 1;
}

/* Where does a device of the kind go when nobody says where? */
static gboolean takes(ControllerModel model, PciPlace place)
{
    switch (place) {
    case PCI_PLACE_CONVENTIONAL:
        return model == CONTROLLER_MODEL_PCI_ROOT || model == CONTROLLER_MODEL_PCI_BRIDGE ||
               model == CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE;
    case PCI_PLACE_EXPRESS:
        return model == CONTROLLER_MODEL_PCIE_ROOT_PORT;
    case PCI_PLACE_ROOT_PORT:
        return model == CONTROLLER_MODEL_PCIE_ROOT;
    case PCI_PLACE_LAST:
        break;
    }
    return FALSE;
}

QemuPciMap *qemuPciMapNew(void)
{
    QemuPciMap *map = g_new0(QemuPciMap, 1);

    map->buses = g_array_new(FALSE, TRUE, sizeof(PciBus));
    return map;
}

void qemuPciMapFree(QemuPciMap *map)
{
    if (!map)
        return;
    g_array_unref(map->buses);
    g_free(map);
}

gboolean qemuPciMapAddBus(QemuPciMap *map, ControllerModel model)
{
    PciBus bus = { .model = model };

    if (map->buses->len >= QEMU_PCI_MOST_BUSES)
        return FALSE;
    g_array_append_val(map->buses, bus);
    return TRUE;
}

unsigned qemuPciMapBusCount(const QemuPciMap *map)
{
    return map->buses->len;
}

ControllerModel qemuPciMapBusModel(const QemuPciMap *map, unsigned bus)
{
    return busAt(map, bus)->model;
}

/* ---- taking ---- */

static gboolean checkSlot(const PciBus *bus, const DevicePciAddress *pci, const char *text, GError **err)
{
    unsigned first = firstSlot(bus->model), last = lastSlot(bus->model);

    if (pci->slot >= first && pci->slot <= last)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR,
                "PCI address '%s' is invalid: slots of controller '%u' (model '%s') go from '%u' to '%u'", text, pci->bus,
                controllerModelToString((int)bus->model), first, last);
    return FALSE;
}

gboolean qemuPciMapReserve(QemuPciMap *map, const DevicePciAddress *pci, gboolean aggregate, GError **err)
{
    g_autofree char *text = devicePciAddressText(pci);
    gboolean single = aggregate || pci->function || pci->multifunction == MEM_TRISTATE_YES;
    guint8 wanted = single ? (guint8)(1u << pci->function) : WHOLE_SLOT;
    PciBus *bus;

    if (pci->domain) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI address '%s' is invalid: there is only PCI domain '0x0000'", text);
        return FALSE;
    }
    bus = busAt(map, pci->bus);
    if (!checkSlot(bus, pci, text, err))
        return FALSE;
    if (bus->functions[pci->slot] & wanted) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "PCI address '%s' is used by two devices", text);
        return FALSE;
    }
    bus->aggregate[pci->slot] = aggregate && (!bus->functions[pci->slot] || bus->aggregate[pci->slot]);
    bus->functions[pci->slot] |= wanted;
    bus->devices[pci->slot]++;
    return TRUE;
}

void qemuPciMapTake(QemuPciMap *map, unsigned bus, unsigned slot, unsigned function)
{
    busAt(map, bus)->functions[slot] |= (guint8)(1u << function);
}

gboolean qemuPciMapSlotIsFree(const QemuPciMap *map, unsigned bus, unsigned slot)
{
    return busAt(map, bus)->functions[slot] == 0;
}

/* ---- choosing ---- */

static gboolean findFunction(PciBus *bus, unsigned slot, unsigned *function)
{
    if (!bus->aggregate[slot])
        return FALSE;
    for (unsigned i = 0; i < 8; i++) {
        if (!(bus->functions[slot] & (1u << i))) {
            *function = i;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean findOnBus(PciBus *bus, PciPlace place, DevicePciAddress *pci)
{
    for (unsigned slot = firstSlot(bus->model); slot <= lastSlot(bus->model); slot++) {
        gboolean aggregate = place == PCI_PLACE_ROOT_PORT;
        unsigned function = 0;

        if (bus->functions[slot] != 0 && !(aggregate && findFunction(bus, slot, &function)))
            continue;
        pci->slot = slot;
        pci->function = function;
        bus->functions[slot] |= aggregate ? (guint8)(1u << function) : WHOLE_SLOT;
        bus->aggregate[slot] = aggregate;
        bus->devices[slot]++;
        return TRUE;
    }
    return FALSE;
}

gboolean qemuPciMapFind(QemuPciMap *map, PciPlace place, DevicePciAddress *pci)
{
    for (unsigned i = 0; i < map->buses->len; i++) {
        if (takes(busAt(map, i)->model, place) && findOnBus(busAt(map, i), place, pci)) {
            pci->domain = 0;
            pci->bus = i;
            return TRUE;
        }
    }
    return FALSE;
}

void qemuPciMapKeepFunction(QemuPciMap *map, const DevicePciAddress *pci)
{
    busAt(map, pci->bus)->functions[pci->slot] = (guint8)(1u << pci->function);
}

gboolean qemuPciMapIsShared(const QemuPciMap *map, const DevicePciAddress *pci)
{
    return pci->bus < map->buses->len && busAt(map, pci->bus)->devices[pci->slot] > 1;
}

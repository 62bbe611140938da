/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_pci_map.h: which slots and functions of the guest's PCI buses are taken */
#pragma once

#include "conf/controller_conf.h"

/* The kind of place that a device takes when libvirt chooses one. */
typedef enum {
    PCI_PLACE_CONVENTIONAL = 0,     /* pci-root, pci-bridge, pcie-to-pci-bridge */
    PCI_PLACE_EXPRESS,              /* below a root port */
    PCI_PLACE_ROOT_PORT,            /* on pcie-root, eight to a slot */

    PCI_PLACE_LAST
} PciPlace;

typedef struct QemuPciMap QemuPciMap;

#define QEMU_PCI_MOST_BUSES 256

QemuPciMap *qemuPciMapNew(void);
void qemuPciMapFree(QemuPciMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuPciMap, qemuPciMapFree)

/* The next bus number gets a bus of @model. FALSE: there are QEMU_PCI_MOST_BUSES already. */
gboolean qemuPciMapAddBus(QemuPciMap *map, ControllerModel model);
unsigned qemuPciMapBusCount(const QemuPciMap *map);
ControllerModel qemuPciMapBusModel(const QemuPciMap *map, unsigned bus);

/* Take what @pci names: its function alone when that is not 0, multifunction is on, or @aggregate (a root port);
 * else the whole slot. VIR_ERR_XML_ERROR: taken already, or no such slot on that bus. */
gboolean qemuPciMapReserve(QemuPciMap *map, const DevicePciAddress *pci, gboolean aggregate, GError **err);
/* The chipset's own functions: no questions asked. */
void qemuPciMapTake(QemuPciMap *map, unsigned bus, unsigned slot, unsigned function);
gboolean qemuPciMapSlotIsFree(const QemuPciMap *map, unsigned bus, unsigned slot);
/* Choose and take a place of the kind. FALSE: there is none. */
gboolean qemuPciMapFind(QemuPciMap *map, PciPlace place, DevicePciAddress *pci);
/* Of a slot that qemuPciMapFind() took whole keep @pci's function alone: others of the same device follow. */
void qemuPciMapKeepFunction(QemuPciMap *map, const DevicePciAddress *pci);
/* Is more than one function of the slot taken? */
gboolean qemuPciMapIsShared(const QemuPciMap *map, const DevicePciAddress *pci);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_inventory.h: what a guest has, from libvirt's XML and statistics */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemInventory, virMemInventoryFree)

/* The pure part: from a domain's XML, as of now. @live: it is of a running guest. NULL with @err set if it cannot be
 * understood; elements other than memory are not looked at. */
virMemInventory *memoryInventoryParse(const char *xml, gboolean live, virMemError *err);

/* Add what virDomainMemoryStats() said. @nowSeconds: the time of day now, against which the guest's report is dated. */
void memoryInventoryAddStats(virMemInventory *inventory, const virDomainMemoryStatStruct *stats, int nstats,
                             gint64 nowSeconds);

/* Sum of what the virtio-mem devices have plugged. */
guint64 memoryInventoryPluggedKib(const virMemInventory *inventory);

/* The node with @id, or NULL. */
const virMemNode *memoryInventoryNode(const virMemInventory *inventory, int id);

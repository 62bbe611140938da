/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_inventory_priv.h: between the files of the inventory */
#pragma once

#include "client/memory_inventory.h"
#include "util/mem_xml.h"

/* What the domain element itself, its balloon and its backing say. *@currentKib: <currentMemory>. */
gboolean memoryInventoryReadDomain(virMemInventory *inventory, const xmlNode *root, guint64 *currentKib, GError **err);
/* The properties of QEMU's memory backend for a DIMM in @node, as JSON, without those that the daemon alone knows (id, size,
 * mem-path). @cell: its NUMA cell, or NULL. Caller frees. */
char *memoryInventoryBackend(const virMemInventory *inventory, const virMemNode *node, const xmlNode *root, const xmlNode *cell);
/* NUMA cells; one node of 0 KiB for a guest without. */
gboolean memoryInventoryReadNodes(virMemInventory *inventory, const xmlNode *root, GError **err);
/* After the nodes: a device has the pages of its node. */
gboolean memoryInventoryReadDevices(virMemInventory *inventory, const xmlNode *root, gboolean live, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_stats.h: statistics of many guests in one call */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

#include "client/memory_inventory.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemStats, virMemStatsFree)

/* The pure part: the figures and the state of @row, whose id is set, from what the bulk call said of its guest. */
void memoryStatsFill(virMemStatsRow *row, const virDomainStatsRecord *record, gint64 nowSeconds, guint64 staleMs);
/* What of the promised is plugged, and what of that the balloon holds, by the guest's XML; @inventory may be NULL. */
void memoryStatsFillPlugged(virMemStatsRow *row, const virMemInventory *inventory);

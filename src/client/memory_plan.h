/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan.h: from what a guest has and shall have to ordered steps
 *
 * Pure: snapshot in, plan out, no clock and no connection. Three stages, each in its own file:
 *
 *   memory_plan_means.c   how much each means gives: sizes of virtio-mem devices, balloon, DIMMs
 *   memory_plan_check.c   whether guest and host allow it
 *   memory_plan_steps.c   in which order, in portions that the guest has page structures for, with undo and words
 *
 * memory_plan.c reads the request, calls them, and looks for the furthest feasible goal when a part is enough. */
#pragma once

#include "client/memory_host.h"
#include "client/memory_inventory.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemPlan, virMemPlanFree)

/* Whether a step after step @index needs what that one brings about, or must not begin before it. Pure. */
gboolean memoryPlanStepIsNeeded(const virMemPlan *plan, size_t index);

/* A domain's own memory is cut into blocks of this size, and a DIMM that is not a multiple is not used by Linux. */
guint64 memoryPlanDimmUnitKib(const char *arch);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan_priv.h: between the stages of a plan */
#pragma once

#include "client/memory_plan.h"

/* A guest's kernel needs about 1/64 of what is added for its page structures, before it can use it. */
#define PLAN_PAGE_STRUCTURES 64

/* Nodes that gain or lose together. */
typedef struct {
    int node;                   /* guest node; -1: all that are in no other area */
    gint64 deltaKib;
    gboolean balloon;           /* the balloon may serve it: it takes from no particular node */
} PlanArea;

typedef struct {
    int node;
    guint64 kib;
} PlanDimm;

typedef struct {
    const virMemInventory *inventory;
    const virMemHost *host;             /* or NULL */
    unsigned flags;                     /* virMemPlanFlags */
    gboolean config;                    /* it is a definition that is to change */
    guint64 reserveKib;

    PlanArea *areas;
    size_t nareas;
    guint64 fromKib;
    guint64 askedKib;

    /* what the means are to become */
    guint64 *toKib;                     /* by device: requested size of virtio-mem, else its size */
    gboolean *unplug;                   /* by device: this DIMM goes */
    guint64 actualKib;                  /* the balloon's; as it is if nothing changes */
    GArray *dimms;                      /* PlanDimm: new ones */
    guint64 leftKib;                    /* what no means could give or take */
    gboolean leftIsShrinking;           /* it is to be taken */

    virMemPlan *plan;
    GPtrArray *steps, *checks, *notes;
    gboolean failed;                    /* a check failed; the first one's text is the reason */
} PlanState;

/* The guest node of @device: a guest without NUMA has node 0 alone. */
int planNodeOf(const PlanState *state, const virMemDevice *device);
gboolean planAreaHas(const PlanState *state, const PlanArea *area, int node);
/* What the guest says it could use now, or VIR_MEM_UNKNOWN if it did not say lately. */
guint64 planAvailableKib(const PlanState *state);
/* What it would not get along without; VIR_MEM_UNKNOWN likewise. */
guint64 planFloorKib(const PlanState *state);
/* What the guest has when all is done. */
guint64 planReachesKib(const PlanState *state);
guint64 planDimmUnitKib(const PlanState *state, int node);
guint64 planDimmsKib(const PlanState *state);
unsigned planSlotsFree(const PlanState *state);

/* Fill in toKib, unplug, actualKib, dimms, leftKib. */
void planMeans(PlanState *state);
/* The most that the means could reach. */
guint64 planCeilingKib(const PlanState *state);
void planChecks(PlanState *state);
void planSteps(PlanState *state);

void planNote(PlanState *state, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- texts: memory_plan_text.c ---- */

/* "1.5 GiB"; caller frees. */
char *planSize(guint64 kib);
/* "1537 MiB", "1023 KiB": where a rounded figure would hide the point; caller frees. */
char *planSizeExact(guint64 kib);
/* The device's XML with another requested size; caller frees. Of @device, xml is enough. */
char *planVirtioMemXml(const virMemDevice *device, guint64 requestedKib);
char *planDimmXml(const PlanState *state, const PlanDimm *dimm);
/* The QMP that plugs a DIMM; caller frees. */
char *planPlugQmp(const PlanState *state, const virMemStep *step, unsigned slot);
/* Fill in the words, calls and, but for a DIMM to be plugged, QMP of a step whose kind, alias, node, sizes and xml are set.
 * @sizeKib: of its device, which has no name of its own in a definition. */
void planStepWords(const PlanState *state, virMemStep *step, guint64 sizeKib);

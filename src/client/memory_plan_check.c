/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan_check.c: whether guest and host allow what the means would do
 *
 * All checks are made, in a fixed order, whatever they find: a reader sees what was looked at. */
#include "client/memory_plan_priv.h"

#include <string.h>

#include "util/mem_bitmap.h"
#include "util/mem_units.h"

/* A guest's report older than this says nothing about now. */
#define REPORT_MOST_MS (60 * 1000)
/* Beside a guest's memory, QEMU itself wants this much within a hard limit. */
#define QEMU_OVERHEAD_KIB (128 * 1024)
/* The part of a guest's memory that its MemTotal never had: kernel, firmware, bounce buffers. Figures that differ by more
 * were not true at the same time. */
#define KEPT_LEAST_KIB (256 * 1024)
/* A balloon takes whatever it is told to, so without a report it is not told to leave less than this, or a quarter of the
 * boot memory. (A guest refuses to unplug what it needs.) */
#define BLIND_LEAST_KIB (256 * 1024)
#define SET_LIMIT 16384

static void addCheck(PlanState *state, const char *name, int result, char *text)
{
    virMemCheck *check = g_new0(virMemCheck, 1);

    check->name = name;
    check->state = result;
    check->text = text;
    g_ptr_array_add(state->checks, check);
    if (result == VIR_MEM_CHECK_FAILED) {
        state->failed = TRUE;
        if (!state->plan->reason)
            state->plan->reason = g_strdup(text);
    }
}

/* ---- what the guest can spare ---- */

static gboolean reported(const virMemInventory *inventory)
{
    return inventory->guestTotal.kib != VIR_MEM_UNKNOWN && inventory->guestAvailable.kib != VIR_MEM_UNKNOWN &&
           inventory->guestAvailable.ageMs >= 0 && inventory->guestAvailable.ageMs <= REPORT_MOST_MS;
}

guint64 planAvailableKib(const PlanState *state)
{
    /* It is the guest's own word, and need not make sense. */
    return reported(state->inventory) ? MIN(state->inventory->guestAvailable.kib, MEM_KIB_LIMIT) : VIR_MEM_UNKNOWN;
}

/* What the guest uses, rather than what it has less what is available: right after a change the report is of before it,
 * and what is used has not changed by it. */
guint64 planFloorKib(const PlanState *state)
{
    const virMemInventory *inventory = state->inventory;

    if (!reported(inventory))
        return VIR_MEM_UNKNOWN;
    guint64 totalKib = MIN(inventory->guestTotal.kib, MEM_KIB_LIMIT), availableKib = inventory->guestAvailable.kib;
    guint64 usedKib = totalKib > availableKib ? totalKib - availableKib : 0;
    guint64 keptKib = state->fromKib > totalKib ? state->fromKib - totalKib : 0;
    keptKib = MIN(keptKib, MAX(KEPT_LEAST_KIB, state->fromKib / 16));
    return usedKib + keptKib + state->reserveKib;
}

static void checkFloor(PlanState *state)
{
    guint64 floorKib = planFloorKib(state), reachesKib = planReachesKib(state);
    g_autofree char *floorText = floorKib == VIR_MEM_UNKNOWN ? NULL : planSize(floorKib);
    g_autofree char *reserve = planSize(state->reserveKib);
    guint64 blindKib = MAX(BLIND_LEAST_KIB, state->inventory->bootKib / 4);
    g_autofree char *blind = planSize(blindKib);

    if (reachesKib >= state->fromKib) {
        addCheck(state, "floor", VIR_MEM_CHECK_OK, g_strdup("the guest does not shrink"));
    } else if (state->config && (reachesKib >= blindKib || state->flags & VIR_MEM_PLAN_BELOW_FLOOR)) {
        addCheck(state, "floor", VIR_MEM_CHECK_UNKNOWN, g_strdup("what the guest needs will be known when it runs"));
    } else if (floorKib == VIR_MEM_UNKNOWN && reachesKib < blindKib && state->actualKib < state->inventory->balloonActual.kib &&
               !(state->flags & VIR_MEM_PLAN_BELOW_FLOOR)) {
        addCheck(state, "floor", VIR_MEM_CHECK_FAILED,
                 g_strdup_printf("%s, and a balloon would starve it below %s",
                                 state->config ? "what the guest needs is not known before it runs"
                                               : "the guest has not reported lately what it uses", blind));
    } else if (floorKib == VIR_MEM_UNKNOWN) {
        addCheck(state, "floor", VIR_MEM_CHECK_UNKNOWN,
                 g_strdup("the guest has not reported lately what it uses: what it can spare is not known"));
    } else if (reachesKib >= floorKib) {
        addCheck(state, "floor", VIR_MEM_CHECK_OK,
                 g_strdup_printf("the guest can shrink to %s by what it reports, %s kept in reserve", floorText, reserve));
    } else if (state->flags & VIR_MEM_PLAN_BELOW_FLOOR) {
        addCheck(state, "floor", VIR_MEM_CHECK_OK,
                 g_strdup_printf("below the floor of %s, as was asked for", floorText));
    } else {
        addCheck(state, "floor", VIR_MEM_CHECK_FAILED,
                 g_strdup_printf("the guest cannot spare so much: by what it reports it needs %s, %s of it in reserve",
                                 floorText, reserve));
    }
}

/* ---- maxMemory, slots, alignment ---- */

static void checkMaxMemory(PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    g_autofree char *maximum = planSize(inventory->maxKib);
    guint64 usedKib = inventory->totalKib + planDimmsKib(state);
    g_autofree char *used = planSize(usedKib);
    g_autofree char *ceiling = planSize(planCeilingKib(state));

    if (inventory->maxKib == 0)
        addCheck(state, "max-memory", state->leftKib && !state->leftIsShrinking ? VIR_MEM_CHECK_FAILED : VIR_MEM_CHECK_OK,
                 g_strdup_printf("the guest has no <maxMemory>: it cannot have more than %s", ceiling));
    else if (state->askedKib > inventory->maxKib && state->leftKib)
        addCheck(state, "max-memory", VIR_MEM_CHECK_FAILED,
                 g_strdup_printf("the guest's <maxMemory> is %s: it cannot have more", maximum));
    else
        addCheck(state, "max-memory", usedKib > inventory->maxKib ? VIR_MEM_CHECK_FAILED : VIR_MEM_CHECK_OK,
                 g_strdup_printf("%s of %s are taken, virtio-mem at full size", used, maximum));
}

static void checkSlots(PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    unsigned left = planSlotsFree(state);
    gboolean wanted = state->leftKib > 0 && !state->leftIsShrinking && inventory->maxKib > inventory->totalKib &&
                      !(state->flags & VIR_MEM_PLAN_NO_DIMM);

    addCheck(state, "slots", wanted && left == 0 ? VIR_MEM_CHECK_FAILED : VIR_MEM_CHECK_OK,
             g_strdup_printf("%u of %u slots are free%s%s", left, inventory->slots,
                             state->dimms->len ? " when all is plugged" : "",
                             wanted && left == 0 ? ", and every memory device counts" : ""));
}

static void checkAlignment(PlanState *state)
{
    guint64 reachesKib = planReachesKib(state), misfitKib = 0;
    g_autofree char *asked = planSizeExact(state->askedKib);
    g_autofree char *reaches = planSizeExact(reachesKib);

    if (state->leftKib == 0 && reachesKib != state->askedKib) {
        misfitKib = reachesKib > state->askedKib ? reachesKib - state->askedKib : state->askedKib - reachesKib;
        planNote(state, "%s is not a sum of blocks: rounded to %s", asked, reaches);
    }
    addCheck(state, "alignment", VIR_MEM_CHECK_OK,
             misfitKib ? g_strdup_printf("rounded by %" G_GUINT64_FORMAT " KiB to whole blocks", misfitKib)
                       : g_strdup("sizes are whole blocks"));
}

/* ---- the host ---- */

typedef struct {
    guint64 pageKib;            /* VIR_MEM_UNKNOWN: the host's default huge page */
    const char *hostNodes;      /* NULL: any */
    guint64 needKib;
} Demand;

static void demand(GArray *demands, guint64 pageKib, const char *hostNodes, guint64 kib)
{
    for (guint i = 0; i < demands->len; i++) {
        Demand *known = &g_array_index(demands, Demand, i);
        if (known->pageKib == pageKib && g_strcmp0(known->hostNodes, hostNodes) == 0) {
            known->needKib += kib;
            return;
        }
    }
    Demand fresh = {.pageKib = pageKib, .hostNodes = hostNodes, .needKib = kib};
    g_array_append_val(demands, fresh);
}

static GArray *collectDemands(const PlanState *state)
{
    GArray *demands = g_array_new(FALSE, FALSE, sizeof(Demand));

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        const virMemNode *node = memoryInventoryNode(state->inventory, planNodeOf(state, device));
        const char *hostNodes = device->hostNodes ? device->hostNodes : node ? node->hostNodes : NULL;
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && state->toKib[i] > device->current.kib)
            demand(demands, device->pageKib, hostNodes, state->toKib[i] - device->current.kib);
    }
    for (guint i = 0; i < state->dimms->len; i++) {
        const PlanDimm *dimm = &g_array_index(state->dimms, PlanDimm, i);
        const virMemNode *node = memoryInventoryNode(state->inventory, dimm->node);
        demand(demands, node ? node->pageKib : 4, node ? node->hostNodes : NULL, dimm->kib);
    }
    if (state->inventory->balloonActual.kib != VIR_MEM_UNKNOWN && state->actualKib > state->inventory->balloonActual.kib)
        demand(demands, state->inventory->nodes[0]->pageKib, state->inventory->nodes[0]->hostNodes,
               state->actualKib - state->inventory->balloonActual.kib);
    return demands;
}

/* Free memory of the pages and nodes that @wanted names; VIR_MEM_UNKNOWN if a part of it is not known. */
static guint64 freeKib(const virMemHost *host, const Demand *wanted, guint64 pageKib)
{
    g_autoptr(MemBitmap) set = wanted->hostNodes ? memBitmapParse(wanted->hostNodes, SET_LIMIT, NULL) : NULL;
    gboolean ordinary = pageKib <= host->pageKib;
    guint64 sum = 0;

    for (size_t i = 0; i < host->nnodes; i++) {
        const virMemHostNode *node = host->nodes[i];
        const virMemPages *pages = memoryHostPages(node, pageKib);
        if (set && (node->id < 0 || !memBitmapIsSet(set, (unsigned) node->id)))
            continue;
        if (ordinary ? node->freeKib == VIR_MEM_UNKNOWN : pages && pages->free == VIR_MEM_UNKNOWN)
            return VIR_MEM_UNKNOWN;
        unsigned __int128 mine = ordinary ? node->freeKib : pages ? (unsigned __int128) pages->free * pages->sizeKib : 0;
        sum = MIN(sum, MEM_KIB_LIMIT) + (guint64) MIN(mine, MEM_KIB_LIMIT);
    }
    /* Memory bound to no node may also take the place of the host's caches. */
    if (ordinary && !set && host->availableKib != VIR_MEM_UNKNOWN)
        sum = MAX(sum, host->availableKib);
    return sum;
}

typedef struct {
    const char *name;
    gboolean huge;
    const char *nothing;
} HostCheck;

static void checkHost(PlanState *state, const HostCheck *check)
{
    g_autoptr(GArray) demands = collectDemands(state);
    if (state->config) {
        addCheck(state, check->name, VIR_MEM_CHECK_OK, g_strdup("nothing is taken from the host before the guest starts"));
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    int worst = VIR_MEM_CHECK_OK;

    for (guint i = 0; i < demands->len; i++) {
        const Demand *wanted = &g_array_index(demands, Demand, i);
        guint64 ordinaryKib = state->host ? state->host->pageKib : 4;
        guint64 pageKib = wanted->pageKib != VIR_MEM_UNKNOWN ? wanted->pageKib
                          : state->host && state->host->hugeKib ? state->host->hugeKib : 2048;
        if ((pageKib > ordinaryKib && pageKib >= 1024) != check->huge)
            continue;
        guint64 hasKib = state->host ? freeKib(state->host, wanted, pageKib) : VIR_MEM_UNKNOWN;
        g_autofree char *need = planSizeExact(wanted->needKib);
        g_autofree char *has = hasKib == VIR_MEM_UNKNOWN ? g_strdup("an unknown amount") : planSizeExact(hasKib);
        g_autofree char *pages = check->huge ? planSize(pageKib) : g_strdup("ordinary");
        int result = hasKib == VIR_MEM_UNKNOWN ? VIR_MEM_CHECK_UNKNOWN
                     : hasKib < wanted->needKib ? VIR_MEM_CHECK_FAILED : VIR_MEM_CHECK_OK;
        if (!check->huge && state->flags & VIR_MEM_PLAN_OVERCOMMIT && result == VIR_MEM_CHECK_FAILED)
            result = VIR_MEM_CHECK_OK;
        g_string_append_printf(text, "%s%s more in %s pages on %s %s, where %s is free", text->len ? "; " : "", need, pages,
                               wanted->hostNodes ? "host node" : "any", wanted->hostNodes ? wanted->hostNodes : "host node", has);
        worst = MAX(worst, result);
    }
    addCheck(state, check->name, worst, g_strdup(text->len ? text->str : check->nothing));
}

static void checkLocked(PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    guint64 reachesKib = planReachesKib(state);
    g_autofree char *limit = inventory->hardLimitKib == VIR_MEM_UNKNOWN ? NULL : planSize(inventory->hardLimitKib);
    g_autofree char *reaches = planSize(reachesKib);

    if (reachesKib <= state->fromKib || (!limit && !inventory->locked))
        addCheck(state, "locked-memory", VIR_MEM_CHECK_OK, g_strdup("no limit is touched"));
    else if (!limit)
        addCheck(state, "locked-memory", VIR_MEM_CHECK_UNKNOWN,
                 g_strdup("the guest's memory is locked, and the daemon's limit for that is not visible from here"));
    else
        addCheck(state, "locked-memory",
                 reachesKib + QEMU_OVERHEAD_KIB > inventory->hardLimitKib ? VIR_MEM_CHECK_FAILED : VIR_MEM_CHECK_OK,
                 g_strdup_printf("%s with 128 MiB for QEMU itself, under the domain's hard limit of %s", reaches, limit));
}

/* ---- the guest's drivers ---- */

static void checkDriver(PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    gboolean balloonMoves = inventory->balloonActual.kib != VIR_MEM_UNKNOWN &&
                            state->actualKib != inventory->balloonActual.kib;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && device->requestedKib > 0 && device->current.kib == 0 &&
            state->toKib[i] > 0 && !state->config) {
            addCheck(state, "driver", VIR_MEM_CHECK_UNKNOWN,
                     g_strdup_printf("the guest has taken nothing of '%s', although some was requested", device->alias));
            return;
        }
    }
    if (state->config)
        addCheck(state, "driver", VIR_MEM_CHECK_OK, g_strdup("the guest is not asked before it starts"));
    else if (balloonMoves && inventory->guestTotal.kib == VIR_MEM_UNKNOWN)
        addCheck(state, "driver", VIR_MEM_CHECK_UNKNOWN, g_strdup("the guest's balloon driver has never reported"));
    else
        addCheck(state, "driver", VIR_MEM_CHECK_OK, g_strdup("nothing speaks against the guest's drivers"));
}

static void checkReach(PlanState *state)
{
    guint64 ceilingKib = planCeilingKib(state), leastKib = planReachesKib(state);
    g_autofree char *asked = planSize(state->askedKib);
    g_autofree char *ceiling = planSize(ceilingKib);
    g_autofree char *least = planSize(leastKib);
    g_autofree char *left = planSize(state->leftKib);

    if (state->leftKib == 0 || state->failed)
        return;
    state->failed = TRUE;
    gboolean byNode = state->nareas > 1 || state->areas[0].node >= 0;
    if (byNode && state->leftIsShrinking)
        state->plan->reason = g_strdup_printf("%s cannot be taken from the nodes asked for: no virtio-mem and no whole DIMM there has it", left);
    else if (byNode)
        state->plan->reason = g_strdup_printf("%s cannot be placed on the nodes asked for: no virtio-mem there has room, and no DIMM of it fits", left);
    else if (state->askedKib > state->fromKib)
        state->plan->reason = g_strdup_printf("%s is more than the guest's devices, slots and <maxMemory> allow: %s at most", asked,
                                              ceiling);
    else
        state->plan->reason = g_strdup_printf("%s is less than can be taken from the guest: no virtio-mem, DIMM or balloon goes below %s",
                                              asked, least);
}

void planChecks(PlanState *state)
{
    static const HostCheck ordinary = {"host-memory", FALSE, "no ordinary memory of the host is needed"};
    static const HostCheck huge = {"huge-pages", TRUE, "no huge pages are needed"};

    checkMaxMemory(state);
    checkSlots(state);
    checkAlignment(state);
    checkHost(state, &ordinary);
    checkHost(state, &huge);
    checkLocked(state);
    checkFloor(state);
    checkDriver(state);
    checkReach(state);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan_means.c: how much each means of changing memory gives or takes
 *
 * virtio-mem comes first, because both directions can be undone: all devices of an area are filled to the same share of
 * their size, so that growing and shrinking again ends where it began, and nodes keep their proportion. What a balloon
 * holds is given back before a DIMM is plugged; a balloon is inflated only when nothing else is left to take. */
#include "client/memory_plan_priv.h"

#include <string.h>

/* A share is counted in parts of this, by which any size below 2^53 KiB can be multiplied in 128 bits. */
#define SHARES (G_GUINT64_CONSTANT(1) << 40)

guint64 memoryPlanDimmUnitKib(const char *arch)
{
    if (g_str_has_prefix(arch, "ppc64"))
        return 256 * 1024;
    return 128 * 1024;
}

int planNodeOf(const PlanState *state, const virMemDevice *device)
{
    return device->node >= 0 ? device->node : state->inventory->nodes[0]->id;
}

gboolean planAreaHas(const PlanState *state, const PlanArea *area, int node)
{
    if (area->node >= 0)
        return area->node == node;
    for (size_t i = 0; i < state->nareas; i++) {
        if (state->areas[i].node == node)
            return FALSE;
    }
    return TRUE;
}

guint64 planDimmUnitKib(const PlanState *state, int node)
{
    const virMemNode *cell = memoryInventoryNode(state->inventory, node);
    guint64 unitKib = memoryPlanDimmUnitKib(state->inventory->arch);

    if (cell && cell->pageKib != VIR_MEM_UNKNOWN)
        unitKib = MAX(unitKib, cell->pageKib);
    return unitKib;
}

guint64 planDimmsKib(const PlanState *state)
{
    guint64 kib = 0;

    for (guint i = 0; i < state->dimms->len; i++)
        kib += g_array_index(state->dimms, PlanDimm, i).kib;
    return kib;
}

/* libvirt 9.0 counts every device against the slots, newer ones DIMMs alone; what 9.0 accepts, all do. */
unsigned planSlotsFree(const PlanState *state)
{
    size_t used = MAX(state->inventory->ndevices, state->inventory->slotsUsed) + state->dimms->len;

    return used < state->inventory->slots ? (unsigned) (state->inventory->slots - used) : 0;
}

/* ---- virtio-mem ---- */

/* One device that may be filled between two bounds, both multiples of its block. */
typedef struct {
    size_t index;
    guint64 lowKib, highKib, sizeKib, blockKib;
    guint64 toKib;
} Vessel;

static guint64 share(const Vessel *vessel, guint64 level)
{
    guint64 kib = (guint64) (((unsigned __int128) vessel->sizeKib * level) / SHARES);

    kib -= kib % vessel->blockKib;
    return CLAMP(kib, vessel->lowKib, vessel->highKib);
}

static guint64 fillTo(Vessel *vessels, size_t count, guint64 level)
{
    guint64 sum = 0;

    for (size_t i = 0; i < count; i++) {
        vessels[i].toKib = share(&vessels[i], level);
        sum += vessels[i].toKib;
    }
    return sum;
}

/* TRUE if block of @a is the better one to add, @leftKib missing: one that does not overshoot, then the emptier. */
static gboolean isBetter(const Vessel *a, const Vessel *b, guint64 leftKib)
{
    gboolean overA = a->blockKib > leftKib, overB = b->blockKib > leftKib;

    if (overA != overB)
        return overB;
    if (overA && a->blockKib != b->blockKib)
        return a->blockKib < b->blockKib;
    return (unsigned __int128) a->toKib * b->sizeKib < (unsigned __int128) b->toKib * a->sizeKib;
}

/* Sets each vessel's toKib so that they hold @wantedKib together, or up to a block more where a vessel has room for it.
 * Returns what they hold. */
static guint64 pour(Vessel *vessels, size_t count, guint64 wantedKib)
{
    guint64 low = 0, high = SHARES;

    if (fillTo(vessels, count, high) <= wantedKib)
        return fillTo(vessels, count, high);
    while (high - low > 1) {
        guint64 level = low + (high - low) / 2;
        if (fillTo(vessels, count, level) <= wantedKib)
            low = level;
        else
            high = level;
    }
    guint64 sum = fillTo(vessels, count, low);
    while (sum < wantedKib) {
        Vessel *best = NULL;
        for (size_t i = 0; i < count; i++) {
            if (vessels[i].toKib + vessels[i].blockKib <= vessels[i].highKib &&
                (!best || isBetter(&vessels[i], best, wantedKib - sum)))
                best = &vessels[i];
        }
        if (!best)
            break;
        best->toKib += best->blockKib;
        sum += best->blockKib;
    }
    return sum;
}

static size_t collect(const PlanState *state, const PlanArea *area, gboolean grow, Vessel *vessels)
{
    size_t count = 0;

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (device->model != VIR_MEM_MODEL_VIRTIO_MEM || (!device->alias && !state->config) || device->blockKib == 0 ||
            device->sizeKib < device->blockKib || !planAreaHas(state, area, planNodeOf(state, device)))
            continue;
        guint64 topKib = device->sizeKib - device->sizeKib % device->blockKib;
        guint64 nowKib = MIN(device->current.kib, topKib);
        vessels[count++] = (Vessel) {
            .index = i, .sizeKib = device->sizeKib, .blockKib = device->blockKib,
            .lowKib = grow ? nowKib : 0, .highKib = grow ? topKib : nowKib,
        };
    }
    return count;
}

/* Returns what is left of @needKib; less than 0 if rounding to a block gave the guest more than was asked for. */
static gint64 moveVirtioMem(PlanState *state, const PlanArea *area, gboolean grow, gint64 needKib)
{
    g_autofree Vessel *vessels = g_new0(Vessel, state->inventory->ndevices + 1);
    size_t count = collect(state, area, grow, vessels);
    guint64 nowKib = 0;

    if (count == 0 || state->flags & VIR_MEM_PLAN_NO_VIRTIO_MEM)
        return needKib;
    for (size_t i = 0; i < count; i++)
        nowKib += grow ? vessels[i].lowKib : vessels[i].highKib;
    guint64 need = (guint64) needKib;
    guint64 wantedKib = grow ? nowKib + need : nowKib > need ? nowKib - need : 0;
    guint64 reachedKib = pour(vessels, count, wantedKib);
    for (size_t i = 0; i < count; i++)
        state->toKib[vessels[i].index] = vessels[i].toKib;
    return needKib - (grow ? (gint64) (reachedKib - nowKib) : (gint64) (nowKib - reachedKib));
}

/* Whether a virtio-mem device of the area could still go on: what is missing then is less than its block. */
static gboolean hasMore(const PlanState *state, const PlanArea *area)
{
    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && planAreaHas(state, area, planNodeOf(state, device)) &&
            device->blockKib > 0 && state->toKib[i] >= device->blockKib)
            return TRUE;
    }
    return FALSE;
}

/* ---- DIMMs ---- */

/* The largest DIMM that the guest can take at once, by the memory it has for page structures. */
static guint64 mostDimmKib(const PlanState *state, guint64 unitKib)
{
    guint64 availableKib = planAvailableKib(state), addedKib = 0;

    if (availableKib == VIR_MEM_UNKNOWN)
        return G_MAXUINT64;
    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (state->toKib[i] > device->current.kib)
            addedKib += state->toKib[i] - device->current.kib;
    }
    addedKib += planDimmsKib(state);
    guint64 mostKib = (availableKib + addedKib) / 2 * PLAN_PAGE_STRUCTURES;
    return MAX(mostKib - mostKib % unitKib, unitKib);
}

static int compareBoot(const void *a, const void *b)
{
    const virMemNode *first = *(virMemNode *const *) a, *second = *(virMemNode *const *) b;

    if (first->bootKib != second->bootKib)
        return first->bootKib > second->bootKib ? -1 : 1;
    return first->id < second->id ? -1 : first->id > second->id;
}

/* @kib on @node, in as many DIMMs as its page structures want and slots allow. */
static void addDimms(PlanState *state, int node, guint64 kib, guint64 unitKib, unsigned slots)
{
    while (kib > 0 && slots > 0) {
        guint64 mostKib = mostDimmKib(state, unitKib);
        PlanDimm dimm = {.node = node, .kib = slots == 1 ? kib : MIN(kib, mostKib)};
        if (dimm.kib > mostKib)
            planNote(state, "the last free slot takes all that is left: the guest may lack memory for its page structures");
        g_array_append_val(state->dimms, dimm);
        kib -= dimm.kib;
        slots--;
    }
}

/* Plugs DIMMs for @needKib on the nodes of @area, in proportion to their boot memory; returns what is left of it. */
static gint64 plugDimms(PlanState *state, const PlanArea *area, gint64 needKib)
{
    const virMemInventory *inventory = state->inventory;
    g_autofree virMemNode **nodes = g_new0(virMemNode *, inventory->nnodes);
    unsigned slots = planSlotsFree(state);
    guint64 usedKib = inventory->totalKib + planDimmsKib(state), unitKib = 0, bootKib = 0;
    size_t count = 0;

    for (size_t i = 0; i < inventory->nnodes; i++) {
        if (planAreaHas(state, area, inventory->nodes[i]->id))
            nodes[count++] = inventory->nodes[i];
    }
    qsort(nodes, count, sizeof(*nodes), compareBoot);
    count = MIN(count, slots);
    for (size_t i = 0; i < count; i++) {
        unitKib = MAX(unitKib, planDimmUnitKib(state, nodes[i]->id));
        bootKib += nodes[i]->bootKib;
    }
    guint64 roomKib = inventory->maxKib > usedKib ? inventory->maxKib - usedKib : 0;
    if (count == 0 || roomKib < unitKib || state->flags & VIR_MEM_PLAN_NO_DIMM)
        return needKib;
    guint64 units = MIN(((guint64) needKib + unitKib - 1) / unitKib, roomKib / unitKib), left = units;
    for (size_t i = 0; i < count && left > 0; i++) {
        gboolean last = i + 1 == count;
        guint64 mine = last || bootKib == 0 ? left : (guint64) ((unsigned __int128) units * nodes[i]->bootKib / bootKib);
        mine = CLAMP(mine, 1, left);
        addDimms(state, nodes[i]->id, mine * unitKib, unitKib, slots / (unsigned) (count - i));
        slots = planSlotsFree(state);
        left -= mine;
    }
    return needKib - (gint64) (units * unitKib);
}

/* The largest DIMM of the area that fits into @mostKib and stays so far; of equals the one in the highest slot. */
static size_t findDimm(const PlanState *state, const PlanArea *area, guint64 mostKib)
{
    size_t best = G_MAXSIZE;

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (device->model != VIR_MEM_MODEL_DIMM || (!device->alias && !state->config) || state->unplug[i] || device->sizeKib == 0 ||
            device->sizeKib > mostKib || !planAreaHas(state, area, planNodeOf(state, device)))
            continue;
        if (best == G_MAXSIZE || device->sizeKib > state->inventory->devices[best]->sizeKib ||
            (device->sizeKib == state->inventory->devices[best]->sizeKib &&
             device->slot > state->inventory->devices[best]->slot))
            best = i;
    }
    return best;
}

/* A DIMM's memory leaves the balloon's figure too, so what the balloon holds limits what may go. */
static gint64 unplugDimms(PlanState *state, const PlanArea *area, gint64 needKib)
{
    guint64 goneKib = 0;
    size_t index;

    if (state->flags & VIR_MEM_PLAN_NO_DIMM)
        return needKib;
    while (needKib > 0 && (index = findDimm(state, area, (guint64) needKib)) != G_MAXSIZE) {
        guint64 sizeKib = state->inventory->devices[index]->sizeKib;
        goneKib += sizeKib;
        if (goneKib >= state->actualKib)
            break;
        state->unplug[index] = TRUE;
        needKib -= (gint64) sizeKib;
    }
    return needKib;
}

/* ---- balloon ---- */

static gboolean hasBalloon(const PlanState *state)
{
    return strcmp(state->inventory->balloonModel, "none") != 0 && state->inventory->balloonActual.kib != VIR_MEM_UNKNOWN;
}

static gint64 deflate(PlanState *state, gint64 needKib)
{
    guint64 topKib = state->inventory->balloonTopKib;
    guint64 heldKib = topKib > state->actualKib ? topKib - state->actualKib : 0;

    if (!hasBalloon(state) || state->flags & VIR_MEM_PLAN_NO_BALLOON)
        return needKib;
    guint64 givenKib = MIN((guint64) needKib, heldKib);
    state->actualKib += givenKib;
    return needKib - (gint64) givenKib;
}

static gint64 inflate(PlanState *state, gint64 needKib)
{
    guint64 unpluggedKib = 0;

    if (!hasBalloon(state) || state->flags & VIR_MEM_PLAN_NO_BALLOON)
        return needKib;
    for (size_t i = 0; i < state->inventory->ndevices; i++)
        unpluggedKib += state->unplug[i] ? state->inventory->devices[i]->sizeKib : 0;
    guint64 leastKib = unpluggedKib + 4;            /* libvirt takes no balloon of 0 */
    guint64 takenKib = state->actualKib > leastKib ? MIN((guint64) needKib, state->actualKib - leastKib) : 0;
    state->actualKib -= takenKib;
    return needKib - (gint64) takenKib;
}

/* ---- all of it ---- */

static void growArea(PlanState *state, const PlanArea *area)
{
    gint64 needKib = moveVirtioMem(state, area, TRUE, area->deltaKib);

    if (needKib > 0 && area->balloon)
        needKib = deflate(state, needKib);
    if (needKib > 0)
        needKib = plugDimms(state, area, needKib);
    if (needKib > 0)
        state->leftKib += (guint64) needKib;
}

static void shrinkArea(PlanState *state, const PlanArea *area)
{
    gint64 needKib = moveVirtioMem(state, area, FALSE, -area->deltaKib);

    /* Less than a block: rounding, which is no reason to go on to the next means. */
    if (needKib > 0 && !(state->flags & VIR_MEM_PLAN_NO_VIRTIO_MEM) && hasMore(state, area))
        return;
    if (needKib > 0)
        needKib = unplugDimms(state, area, needKib);
    if (needKib > 0 && area->balloon)
        needKib = inflate(state, needKib);
    if (needKib > 0) {
        state->leftKib += (guint64) needKib;
        state->leftIsShrinking = TRUE;
    }
}

void planMeans(PlanState *state)
{
    for (size_t i = 0; i < state->nareas; i++) {
        if (state->areas[i].deltaKib > 0)
            growArea(state, &state->areas[i]);
    }
    for (size_t i = 0; i < state->nareas; i++) {
        if (state->areas[i].deltaKib < 0)
            shrinkArea(state, &state->areas[i]);
    }
}

guint64 planReachesKib(const PlanState *state)
{
    guint64 kib = state->fromKib + planDimmsKib(state);

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM)
            kib = kib + state->toKib[i] - device->current.kib;
        else if (state->unplug[i])
            kib -= device->sizeKib;
    }
    if (hasBalloon(state))
        kib = kib + state->actualKib - state->inventory->balloonActual.kib;
    return kib;
}

guint64 planCeilingKib(const PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    guint64 kib = state->fromKib, unitKib = memoryPlanDimmUnitKib(inventory->arch);

    for (size_t i = 0; i < inventory->ndevices && !(state->flags & VIR_MEM_PLAN_NO_VIRTIO_MEM); i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && device->sizeKib > device->current.kib)
            kib += device->sizeKib - device->current.kib;
    }
    if (hasBalloon(state) && !(state->flags & VIR_MEM_PLAN_NO_BALLOON) &&
        inventory->balloonTopKib > inventory->balloonActual.kib)
        kib += inventory->balloonTopKib - inventory->balloonActual.kib;
    if (!(state->flags & VIR_MEM_PLAN_NO_DIMM) && inventory->slots > inventory->ndevices &&
        inventory->maxKib > inventory->totalKib)
        kib += (inventory->maxKib - inventory->totalKib) / unitKib * unitKib;
    return kib;
}

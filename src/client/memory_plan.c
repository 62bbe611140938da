/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan.c: from what a guest has and shall have to ordered steps */
#include "client/memory_plan.h"

#include "client/memory_error.h"
#include "client/memory_host.h"
#include "client/memory_plan_priv.h"
#include "util/mem_units.h"

#define ALL_FLAGS (VIR_MEM_PLAN_NO_VIRTIO_MEM | VIR_MEM_PLAN_NO_DIMM | VIR_MEM_PLAN_NO_BALLOON | \
                   VIR_MEM_PLAN_BELOW_FLOOR | VIR_MEM_PLAN_OVERCOMMIT | VIR_MEM_PLAN_PARTIAL | VIR_MEM_PLAN_CONFIG)
/* A sum of all sizes of a guest, so that no two of them overflow. */
#define MOST_SUM_KIB ((unsigned __int128) 1 << 60)
#define RESERVE_LEAST_KIB (64 * 1024)
/* A goal that cannot be reached is approached in this many parts of the way. */
#define PARTS (1 << 20)

static void stepFree(gpointer data)
{
    virMemStep *step = data;

    g_free(step->alias);
    g_free(step->text);
    g_free(step->xml);
    g_free(step->call);
    g_free(step->qmp);
    g_free(step->undoText);
    g_free(step->undoCall);
    g_free(step);
}

static void checkFree(gpointer data)
{
    virMemCheck *check = data;

    g_free(check->text);
    g_free(check);
}

void virMemPlanFree(virMemPlan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->nsteps; i++)
        stepFree(plan->steps[i]);
    for (size_t i = 0; i < plan->nchecks; i++)
        checkFree(plan->checks[i]);
    for (size_t i = 0; i < plan->nnotes; i++)
        g_free(plan->notes[i]);
    g_free(plan->steps);
    g_free(plan->checks);
    g_free(plan->notes);
    g_free(plan->reason);
    g_free(plan);
}

void planNote(PlanState *state, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(state->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

/* ---- the request ---- */

static guint64 nodeKib(const virMemInventory *inventory, const virMemNode *node)
{
    guint64 kib = node->bootKib;
    int first = inventory->nodes[0]->id;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if ((device->node >= 0 ? device->node : first) != node->id)
            continue;
        if (device->model == VIR_MEM_MODEL_DIMM || device->model == VIR_MEM_MODEL_VIRTIO_MEM)
            kib += device->current.kib;
    }
    return kib;
}

static int checkRequest(const virMemInventory *inventory, const virMemRequest *request, virMemError *err)
{
    guint64 sumKib = 0;

    if (request->flags & ~ALL_FLAGS)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "flags '%#x' are not those of a plan", request->flags);
    if (request->totalKib == 0 && request->nnodes == 0)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "neither a total nor the size of a node was asked for");
    if (request->totalKib >= MEM_KIB_LIMIT)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "'%llu' KiB is more than libvirt can count", request->totalKib);
    for (size_t i = 0; i < request->nnodes; i++) {
        const virMemNodeSize *wanted = &request->nodes[i];
        if (!memoryInventoryNode(inventory, wanted->node))
            return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "the guest has no node '%d', only %zu nodes from 0", wanted->node,
                                  inventory->nnodes);
        if (wanted->kib >= MEM_KIB_LIMIT)
            return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "'%llu' KiB is more than libvirt can count", wanted->kib);
        for (size_t j = 0; j < i; j++) {
            if (request->nodes[j].node == wanted->node)
                return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "node '%d' is given twice", wanted->node);
        }
        sumKib += wanted->kib;
    }
    if (request->totalKib > 0 && sumKib > request->totalKib)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "the nodes together have more than the total of '%llu' KiB",
                              request->totalKib);
    return VIR_MEM_OK;
}

/* What the stages may rely on, whoever made the snapshot: there is a node, sizes can be added up, and devices know themselves. */
static int checkSnapshot(const virMemInventory *inventory, virMemError *err)
{
    unsigned __int128 sumKib = (unsigned __int128) inventory->totalKib + inventory->maxKib;

    if (inventory->nnodes == 0)
        return memoryErrorSet(err, VIR_MEM_ERR_UNREADABLE, "domain '%s' has no node", inventory->name);
    for (size_t i = 0; i < inventory->nnodes; i++)
        sumKib += inventory->nodes[i]->bootKib;
    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        sumKib += (unsigned __int128) device->sizeKib + device->current.kib + device->requestedKib + device->blockKib;
        if (device->current.kib > device->sizeKib || (device->blockKib > 0 && device->current.kib % device->blockKib))
            return memoryErrorSet(err, VIR_MEM_ERR_UNREADABLE, "memory device '%s' of domain '%s' has %s",
                                  device->alias ? device->alias : "-", inventory->name,
                                  device->current.kib > device->sizeKib ? "more than its size" : "a part of a block");
    }
    sumKib += (unsigned __int128) inventory->current.kib + inventory->bootKib + inventory->balloonTopKib;
    if (inventory->balloonActual.kib != VIR_MEM_UNKNOWN)
        sumKib += inventory->balloonActual.kib;
    if (sumKib >= MOST_SUM_KIB)
        return memoryErrorSet(err, VIR_MEM_ERR_UNREADABLE, "the sizes of domain '%s' are more than can be counted", inventory->name);
    guint64 leastKib = memoryInventoryPluggedKib(inventory);
    if (inventory->balloonActual.kib != VIR_MEM_UNKNOWN)
        leastKib += inventory->balloonActual.kib;
    for (size_t i = 0; i < inventory->ndevices && inventory->balloonActual.kib == VIR_MEM_UNKNOWN; i++)
        leastKib += inventory->devices[i]->model == VIR_MEM_MODEL_DIMM ? inventory->devices[i]->sizeKib : 0;
    if (inventory->current.kib < leastKib)
        return memoryErrorSet(err, VIR_MEM_ERR_UNREADABLE, "domain '%s' has less than its devices have", inventory->name);
    return VIR_MEM_OK;
}

/* @part of PARTS of the way from what is to what was asked for. */
static gint64 partOf(gint64 deltaKib, unsigned part)
{
    return (gint64) ((__int128) deltaKib * part / PARTS);
}

static void setAreas(PlanState *state, const virMemRequest *request, unsigned part)
{
    gint64 sumKib = 0;

    state->areas = g_new0(PlanArea, request->nnodes + 1);
    for (size_t i = 0; i < request->nnodes; i++) {
        const virMemNode *node = memoryInventoryNode(state->inventory, request->nodes[i].node);
        gint64 deltaKib = (gint64) request->nodes[i].kib - (gint64) nodeKib(state->inventory, node);
        sumKib += deltaKib;
        state->areas[state->nareas++] = (PlanArea) {.node = node->id, .deltaKib = partOf(deltaKib, part)};
    }
    if (request->totalKib > 0) {
        gint64 restKib = (gint64) request->totalKib - (gint64) state->fromKib - sumKib;
        state->areas[state->nareas++] = (PlanArea) {.node = -1, .deltaKib = partOf(restKib, part), .balloon = TRUE};
    }
    gint64 askedKib = (gint64) state->fromKib;
    for (size_t i = 0; i < state->nareas; i++)
        askedKib += state->areas[i].deltaKib;
    /* What the balloon holds is in no node: the nodes' sizes may come to less than nothing. */
    state->askedKib = (guint64) MAX(askedKib, 0);
}

/* ---- one attempt ---- */

static void **stealArray(GPtrArray *array, size_t *count)
{
    *count = array->len;
    return g_ptr_array_free(array, FALSE);
}

static void stateClear(PlanState *state)
{
    state->plan->steps = (virMemStep **) stealArray(state->steps, &state->plan->nsteps);
    state->plan->checks = (virMemCheck **) stealArray(state->checks, &state->plan->nchecks);
    state->plan->notes = (char **) stealArray(state->notes, &state->plan->nnotes);
    g_free(state->areas);
    g_free(state->toKib);
    g_free(state->unplug);
    g_array_free(state->dimms, TRUE);
}

static virMemPlan *attempt(const virMemInventory *inventory, const virMemHost *host, const virMemRequest *request,
                           unsigned part)
{
    PlanState state = {
        .inventory = inventory, .host = host, .flags = request->flags, .config = !inventory->running, .fromKib = inventory->current.kib,
        .toKib = g_new0(guint64, inventory->ndevices + 1), .unplug = g_new0(gboolean, inventory->ndevices + 1),
        .actualKib = inventory->balloonActual.kib, .dimms = g_array_new(FALSE, FALSE, sizeof(PlanDimm)),
        .plan = g_new0(virMemPlan, 1), .steps = g_ptr_array_new(), .checks = g_ptr_array_new(), .notes = g_ptr_array_new(),
    };
    virMemPlan *plan = state.plan;

    for (size_t i = 0; i < inventory->ndevices; i++)
        state.toKib[i] = inventory->devices[i]->current.kib;
    setAreas(&state, request, part);
    state.reserveKib = request->reserveKib ? request->reserveKib : MAX(RESERVE_LEAST_KIB, state.askedKib / 16);
    plan->config = state.config;
    plan->fromKib = state.fromKib;
    plan->askedKib = state.askedKib;
    plan->floorKib = planFloorKib(&state);
    plan->ceilingKib = planCeilingKib(&state);
    planMeans(&state);
    planChecks(&state);
    plan->reachesKib = state.failed ? state.fromKib : planReachesKib(&state);
    if (!state.failed)
        planSteps(&state);
    stateClear(&state);
    return plan;
}

/* The furthest part of the way that is possible; @whole, which is not, is freed and says why in a note. */
static virMemPlan *furthest(const virMemInventory *inventory, const virMemHost *host, const virMemRequest *request,
                            virMemPlan *whole)
{
    unsigned low = 0, high = PARTS;
    virMemPlan *best = attempt(inventory, host, request, 0);

    while (high - low > 1 && !best->reason) {
        unsigned part = low + (high - low) / 2;
        virMemPlan *plan = attempt(inventory, host, request, part);
        if (plan->reason) {
            virMemPlanFree(plan);
            high = part;
        } else {
            virMemPlanFree(best);
            best = plan;
            low = part;
        }
    }
    for (size_t i = 0; i < best->nnotes; i++)
        g_free(best->notes[i]);
    best->nnotes = 0;
    best->notes = g_renew(char *, best->notes, 1);
    best->notes[best->nnotes++] = g_strdup_printf("only as far as it goes: %s", whole->reason);
    best->askedKib = whole->askedKib;
    virMemPlanFree(whole);
    return best;
}

/* A definition as the stages see it: each device has what is requested of it. All else is borrowed from the original. */
typedef struct {
    virMemInventory inventory;
    virMemDevice *devices;
} Definition;

static void definitionInit(Definition *definition, const virMemInventory *original)
{
    definition->inventory = *original;
    definition->devices = g_new0(virMemDevice, original->ndevices + 1);
    definition->inventory.devices = g_new0(virMemDevice *, original->ndevices + 1);
    for (size_t i = 0; i < original->ndevices; i++) {
        definition->devices[i] = *original->devices[i];
        definition->devices[i].current = (virMemFigure) {.kib = definition->devices[i].requestedKib, .ageMs = -1};
        definition->inventory.devices[i] = &definition->devices[i];
    }
}

static void definitionClear(Definition *definition)
{
    g_free(definition->inventory.devices);
    g_free(definition->devices);
}

int virMemPlanMake(const virMemInventory *inventory, const virMemHost *host, const virMemRequest *request,
                   virMemPlan **plan, virMemError *err)
{
    memoryErrorClear(err);
    if (!inventory || !request || !plan || (request->nnodes > 0 && !request->nodes))
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "inventory, request, its nodes and plan must be given");
    gboolean config = (request->flags & VIR_MEM_PLAN_CONFIG) != 0;
    if (!inventory->running && !config)
        return memoryErrorSet(err, VIR_MEM_ERR_NOT_RUNNING, "domain '%s' is not running", inventory->name);
    if (inventory->running && config)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "a definition is to be planned, and the inventory is that of running domain '%s'",
                              inventory->name);
    int code = checkRequest(inventory, request, err);
    if (code < 0)
        return code;
    Definition definition = {0};
    if (config)
        definitionInit(&definition, inventory);
    const virMemInventory *used = config ? &definition.inventory : inventory;
    code = checkSnapshot(used, err);
    if (code < 0) {
        definitionClear(&definition);
        return code;
    }
    virMemPlan *made = attempt(used, host, request, PARTS);
    if (made->reason && request->flags & VIR_MEM_PLAN_PARTIAL)
        made = furthest(used, host, request, made);
    definitionClear(&definition);
    *plan = made;
    return made->reason ? memoryErrorSet(err, VIR_MEM_ERR_IMPOSSIBLE, "%s", made->reason) : VIR_MEM_OK;
}

int virMemPlanDomain(virDomainPtr dom, const virMemRequest *request, virMemPlan **plan, virMemError *err)
{
    virMemInventory *got = NULL;
    virMemHost *host = NULL;
    gboolean config = request && request->flags & VIR_MEM_PLAN_CONFIG;
    int code = virMemGetInventory(dom, config ? VIR_MEM_INVENTORY_CONFIG : VIR_MEM_INVENTORY_LIVE, &got, err);
    g_autoptr(virMemInventory) inventory = got;

    if (code < 0)
        return code;
    code = config ? VIR_MEM_OK : memoryHostGet(virDomainGetConnect(dom), FALSE, &host, err);
    if (code == VIR_MEM_ERR_LOST)
        return code;
    /* A connection that tells nothing of its host leaves the host's checks unknown. */
    g_autoptr(virMemHost) snapshot = host;
    return virMemPlanMake(inventory, snapshot, request, plan, err);
}

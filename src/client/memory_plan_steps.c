/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan_steps.c: the order of steps, and portions that the guest has page structures for
 *
 * What grows comes before what shrinks, so that on the way the guest never has less than at the end. Growing: virtio-mem,
 * balloon, DIMMs; but the balloon goes first if the guest is short of memory for page structures. Shrinking: virtio-mem,
 * DIMMs, balloon. */
#include "client/memory_plan_priv.h"

typedef struct {
    PlanState *state;
    guint64 totalKib;           /* what the guest has after the steps so far */
    guint64 availableKib;       /* to it, likewise; VIR_MEM_UNKNOWN */
    guint64 actualKib;          /* the balloon's, DIMMs counted */
    guint64 *requestedKib;      /* by device */
    guint64 *haveKib;           /* by device: what it has plugged */
    unsigned nextSlot;
} Emitter;

static virMemStep *emit(Emitter *emitter, int kind, const char *alias, int node, gint64 deltaKib)
{
    virMemStep *step = g_new0(virMemStep, 1);

    emitter->totalKib += (guint64) deltaKib;
    step->kind = kind;
    step->alias = g_strdup(alias);
    step->node = node;
    step->deltaKib = deltaKib;
    step->totalKib = emitter->totalKib;
    g_ptr_array_add(emitter->state->steps, step);
    return step;
}

static void emitVirtioMem(Emitter *emitter, size_t index, guint64 toKib)
{
    const virMemDevice *device = emitter->state->inventory->devices[index];
    gint64 deltaKib = (gint64) toKib - (gint64) emitter->haveKib[index];
    virMemStep *step = emit(emitter, VIR_MEM_STEP_VIRTIO_MEM, device->alias, planNodeOf(emitter->state, device), deltaKib);

    step->fromKib = emitter->requestedKib[index];
    step->toKib = toKib;
    step->xml = planVirtioMemXml(device, toKib);
    planStepWords(emitter->state, step, device->sizeKib);
    emitter->requestedKib[index] = emitter->haveKib[index] = toKib;
}

static void emitBalloon(Emitter *emitter)
{
    const PlanState *state = emitter->state;
    gint64 deltaKib = (gint64) state->actualKib - (gint64) state->inventory->balloonActual.kib;
    virMemStep *step = emit(emitter, VIR_MEM_STEP_BALLOON, NULL, -1, deltaKib);

    step->fromKib = emitter->actualKib;
    step->toKib = emitter->actualKib = emitter->actualKib + (guint64) deltaKib;
    planStepWords(state, step, 0);
}

static gboolean isTaken(const Emitter *emitter, unsigned slot)
{
    const virMemInventory *inventory = emitter->state->inventory;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        if (inventory->devices[i]->slot >= 0 && (unsigned) inventory->devices[i]->slot == slot)
            return TRUE;
    }
    return FALSE;
}

/* libvirt takes the lowest slot that is free, and names a DIMM by it. */
static void emitPlug(Emitter *emitter, const PlanDimm *dimm)
{
    g_autofree char *alias = NULL;

    while (isTaken(emitter, emitter->nextSlot))
        emitter->nextSlot++;
    alias = g_strdup_printf("dimm%u", emitter->nextSlot);
    /* A definition gives it none. */
    virMemStep *step = emit(emitter, VIR_MEM_STEP_PLUG_DIMM, emitter->state->config ? NULL : alias, dimm->node, (gint64) dimm->kib);
    step->toKib = dimm->kib;
    step->xml = planDimmXml(emitter->state, dimm);
    planStepWords(emitter->state, step, dimm->kib);
    if (!emitter->state->config)
        step->qmp = planPlugQmp(emitter->state, step, emitter->nextSlot);
    emitter->nextSlot++;
    emitter->actualKib += dimm->kib;
}

static void emitUnplug(Emitter *emitter, const virMemDevice *device)
{
    virMemStep *step = emit(emitter, VIR_MEM_STEP_UNPLUG_DIMM, device->alias, planNodeOf(emitter->state, device),
                            -(gint64) device->sizeKib);

    step->fromKib = device->sizeKib;
    step->xml = g_strdup(device->xml);
    planStepWords(emitter->state, step, device->sizeKib);
    emitter->actualKib -= device->sizeKib;
}

/* ---- growing virtio-mem in portions ---- */

static guint64 missing(const Emitter *emitter, size_t index)
{
    guint64 toKib = emitter->state->toKib[index], haveKib = emitter->haveKib[index];

    return emitter->state->inventory->devices[index]->model == VIR_MEM_MODEL_VIRTIO_MEM && toKib > haveKib ? toKib - haveKib : 0;
}

static guint64 missingAll(const Emitter *emitter)
{
    guint64 sum = 0;

    for (size_t i = 0; i < emitter->state->inventory->ndevices; i++)
        sum += missing(emitter, i);
    return sum;
}

/* What may be added at once: page structures may take half of what the guest has available. */
static guint64 budget(const Emitter *emitter)
{
    if (emitter->availableKib == VIR_MEM_UNKNOWN)
        return G_MAXUINT64;
    return emitter->availableKib / 2 * PLAN_PAGE_STRUCTURES;
}

/* One portion, spread like the whole; at least a block, or it would never end. */
static void emitPortion(Emitter *emitter, guint64 leftKib, guint64 mostKib)
{
    const virMemInventory *inventory = emitter->state->inventory;
    guint64 addedKib = 0;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        guint64 mineKib = missing(emitter, i);
        if (mineKib == 0)
            continue;
        if (leftKib > mostKib) {
            mineKib = (guint64) ((unsigned __int128) mineKib * mostKib / leftKib);
            mineKib -= mineKib % inventory->devices[i]->blockKib;
        }
        if (mineKib == 0)
            continue;
        emitVirtioMem(emitter, i, emitter->haveKib[i] + mineKib);
        addedKib += mineKib;
    }
    for (size_t i = 0; i < inventory->ndevices && addedKib == 0; i++) {
        if (missing(emitter, i) > 0) {
            addedKib = inventory->devices[i]->blockKib;
            emitVirtioMem(emitter, i, emitter->haveKib[i] + addedKib);
        }
    }
    if (emitter->availableKib != VIR_MEM_UNKNOWN)
        emitter->availableKib += addedKib - addedKib / PLAN_PAGE_STRUCTURES;
}

static void growVirtioMem(Emitter *emitter)
{
    unsigned portions = 0;
    guint64 leftKib;

    while ((leftKib = missingAll(emitter)) > 0) {
        emitPortion(emitter, leftKib, budget(emitter));
        portions++;
    }
    if (portions > 1)
        planNote(emitter->state, "grown in %u portions: the guest has too little memory for the page structures of all at once",
                 portions);
}

static void shrinkVirtioMem(Emitter *emitter)
{
    const PlanState *state = emitter->state;

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && state->toKib[i] < device->current.kib)
            emitVirtioMem(emitter, i, state->toKib[i]);
    }
}

/* A device that keeps what it has, but is on its way elsewhere by an earlier request, stays. */
static void settleVirtioMem(Emitter *emitter)
{
    const PlanState *state = emitter->state;

    for (size_t i = 0; i < state->inventory->ndevices; i++) {
        const virMemDevice *device = state->inventory->devices[i];
        gboolean concerned = FALSE;
        for (size_t j = 0; j < state->nareas; j++)
            concerned = concerned || planAreaHas(state, &state->areas[j], planNodeOf(state, device));
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && concerned && !(state->flags & VIR_MEM_PLAN_NO_VIRTIO_MEM) &&
            state->toKib[i] == device->current.kib && device->blockKib > 0 && device->requestedKib != device->current.kib &&
            (device->alias || state->config))
            emitVirtioMem(emitter, i, state->toKib[i]);
    }
}

static gboolean needs(const virMemStep *later, const virMemStep *step)
{
    gboolean dimm = step->kind == VIR_MEM_STEP_PLUG_DIMM || step->kind == VIR_MEM_STEP_UNPLUG_DIMM;

    /* The next portion of the same device. */
    if (step->alias && g_strcmp0(step->alias, later->alias) == 0)
        return TRUE;
    /* The guest shall never have less than at both ends. */
    if (step->deltaKib > 0 && later->deltaKib < 0)
        return TRUE;
    /* QEMU counts the balloon's target from what is plugged. */
    if (dimm && later->kind == VIR_MEM_STEP_BALLOON)
        return TRUE;
    /* Page structures of the one are in the memory of the other. */
    return step->deltaKib > 0 && later->deltaKib > 0 &&
           (step->kind == VIR_MEM_STEP_BALLOON || later->kind == VIR_MEM_STEP_PLUG_DIMM);
}

gboolean memoryPlanStepIsNeeded(const virMemPlan *plan, size_t index)
{
    for (size_t i = index + 1; i < plan->nsteps; i++) {
        if (needs(plan->steps[i], plan->steps[index]))
            return TRUE;
    }
    return FALSE;
}

void planSteps(PlanState *state)
{
    const virMemInventory *inventory = state->inventory;
    g_autofree guint64 *requestedKib = g_new0(guint64, inventory->ndevices + 1);
    g_autofree guint64 *haveKib = g_new0(guint64, inventory->ndevices + 1);
    guint64 actualKib = inventory->balloonActual.kib;
    gboolean deflates = actualKib != VIR_MEM_UNKNOWN && state->actualKib > actualKib;
    gboolean inflates = actualKib != VIR_MEM_UNKNOWN && state->actualKib < actualKib;
    Emitter emitter = {.state = state, .totalKib = state->fromKib, .availableKib = planAvailableKib(state),
                       .actualKib = actualKib, .requestedKib = requestedKib, .haveKib = haveKib};

    for (size_t i = 0; i < inventory->ndevices; i++) {
        requestedKib[i] = inventory->devices[i]->requestedKib;
        haveKib[i] = inventory->devices[i]->current.kib;
    }
    gboolean first = deflates && !state->config && missingAll(&emitter) > budget(&emitter);
    if (first) {
        emitter.availableKib += state->actualKib - actualKib;
        emitBalloon(&emitter);
    }
    settleVirtioMem(&emitter);
    growVirtioMem(&emitter);
    if (deflates && !first && !state->config)
        emitBalloon(&emitter);
    for (guint i = 0; i < state->dimms->len; i++)
        emitPlug(&emitter, &g_array_index(state->dimms, PlanDimm, i));
    shrinkVirtioMem(&emitter);
    for (size_t i = 0; i < inventory->ndevices; i++) {
        if (state->unplug[i])
            emitUnplug(&emitter, inventory->devices[i]);
    }
    /* A definition's <currentMemory> does not follow its DIMMs: left as it was, it would become a balloon at the next start. */
    gboolean followsDimms = state->config && actualKib != VIR_MEM_UNKNOWN && emitter.actualKib != actualKib && !inflates && !deflates;
    if (inflates || followsDimms || (deflates && state->config))
        emitBalloon(&emitter);
}

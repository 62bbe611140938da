/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_resize.c: plans, done: one step after the other, and back again if that was wished for */
#include <stdlib.h>
#include <string.h>
#include <libvirt/virterror.h>

#include "client/memory_await.h"
#include "client/memory_error.h"
#include "client/memory_inventory.h"
#include "client/memory_plan_priv.h"
#include "client/memory_resize_config.h"

/* A step on its way, or on its way back. */
typedef struct {
    const virMemStep *step;
    gboolean undo;
    char *alias;                /* of the device: that of a plugged DIMM is known only then */
    char *xml;                  /* what is sent; NULL if none is */
    guint64 toKib;
    GHashTable *known;          /* aliases before a DIMM is plugged */
    gboolean askOnly;           /* nobody waits for what the guest does */
} Move;

static void moveClear(Move *move)
{
    g_free(move->alias);
    g_free(move->xml);
    if (move->known)
        g_hash_table_unref(move->known);
}

/* ---- the calls ---- */

static int callUpdate(virDomainPtr dom, gconstpointer data)
{
    return virDomainUpdateDeviceFlags(dom, ((const Move *) data)->xml, VIR_DOMAIN_AFFECT_LIVE);
}

static int callPlug(virDomainPtr dom, gconstpointer data)
{
    return virDomainAttachDeviceFlags(dom, ((const Move *) data)->xml, VIR_DOMAIN_AFFECT_LIVE);
}

static int callUnplug(virDomainPtr dom, gconstpointer data)
{
    return virDomainDetachDeviceAlias(dom, ((const Move *) data)->alias, VIR_DOMAIN_AFFECT_LIVE);
}

static int callBalloon(virDomainPtr dom, gconstpointer data)
{
    return virDomainSetMemoryFlags(dom, ((const Move *) data)->toKib, VIR_DOMAIN_AFFECT_LIVE);
}

/* The DIMM that was not there before, or NULL. */
static const virMemDevice *findNew(const virMemInventory *inventory, const Move *move)
{
    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_DIMM && device->alias && device->sizeKib == move->toKib &&
            !g_hash_table_contains(move->known, device->alias))
            return device;
    }
    return NULL;
}

static gboolean isPlugged(const virMemInventory *inventory, gconstpointer data)
{
    return findNew(inventory, data) != NULL;
}

static gboolean isGone(const virMemInventory *inventory, gconstpointer data)
{
    return !virMemInventoryFind(inventory, ((const Move *) data)->alias);
}

/* ---- one move ---- */

static int moveVirtioMem(MemoryAwait *await, Move *move)
{
    const virMemDevice *device = virMemInventoryFind(await->inventory, move->alias);
    MemoryGoal goal = {MEMORY_CHANGE_VIRTIO_MEM, move->alias, move->toKib, TRUE, 0};

    /* Of now, not of when it was planned: the address may be another after a restart of the guest. */
    g_free(move->xml);
    move->xml = device ? planVirtioMemXml(device, move->toKib) : g_strdup(move->step->xml);
    int diagnosis = memoryAwaitCall(await, &goal, callUpdate, move, NULL);
    return diagnosis != VIR_MEM_DIAGNOSIS_NONE || move->askOnly ? diagnosis : memoryAwaitGoal(await, &goal);
}

static int moveBalloon(MemoryAwait *await, Move *move)
{
    MemoryGoal goal = {MEMORY_CHANGE_BALLOON, NULL, move->toKib, TRUE, 0};
    int diagnosis = memoryAwaitCall(await, &goal, callBalloon, move, NULL);

    return diagnosis != VIR_MEM_DIAGNOSIS_NONE || move->askOnly ? diagnosis : memoryAwaitGoal(await, &goal);
}

/* The new DIMM's alias: the XML alone tells it, but for a connection that was just lost. */
static void findAlias(MemoryAwait *await, Move *move)
{
    char *xml = virDomainGetXMLDesc(memoryWatchDomain(await->watch), 0);
    g_autoptr(virMemInventory) fresh = xml ? memoryInventoryParse(xml, TRUE, NULL) : NULL;

    free(xml);
    if (!fresh)
        memoryAwaitLook(await);
    const virMemDevice *device = findNew(fresh ? fresh : await->inventory, move);
    g_free(move->alias);
    move->alias = g_strdup(device ? device->alias : move->step->alias);
}

static int movePlug(MemoryAwait *await, Move *move)
{
    MemoryGoal goal = {MEMORY_CHANGE_PLUG, NULL, move->toKib, TRUE, memoryAwaitTotalKib(await->inventory)};

    move->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < await->inventory->ndevices; i++) {
        if (await->inventory->devices[i]->alias)
            g_hash_table_add(move->known, g_strdup(await->inventory->devices[i]->alias));
    }
    int diagnosis = memoryAwaitCall(await, &goal, callPlug, move, isPlugged);
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE)
        return diagnosis;
    findAlias(await, move);
    goal.alias = move->alias;
    return move->askOnly ? VIR_MEM_DIAGNOSIS_NONE : memoryAwaitGoal(await, &goal);
}

static int moveUnplug(MemoryAwait *await, Move *move)
{
    MemoryGoal goal = {MEMORY_CHANGE_UNPLUG, move->alias, 0, TRUE, 0};
    int diagnosis = memoryAwaitCall(await, &goal, callUnplug, move, isGone);

    return diagnosis != VIR_MEM_DIAGNOSIS_NONE || move->askOnly ? diagnosis : memoryAwaitGoal(await, &goal);
}

static int doMove(MemoryAwait *await, Move *move)
{
    const virMemStep *step = move->step;

    move->toKib = move->undo ? step->fromKib : step->toKib;
    switch ((virMemStepKind) step->kind) {
    case VIR_MEM_STEP_VIRTIO_MEM:
        return moveVirtioMem(await, move);
    case VIR_MEM_STEP_BALLOON:
        return moveBalloon(await, move);
    case VIR_MEM_STEP_PLUG_DIMM:
        return move->undo ? moveUnplug(await, move) : movePlug(await, move);
    case VIR_MEM_STEP_UNPLUG_DIMM:
        return move->undo ? movePlug(await, move) : moveUnplug(await, move);
    }
    return VIR_MEM_DIAGNOSIS_NONE;
}

/* ---- a run ---- */

/* Whether anything of the move is left in the guest to be taken back. */
static gboolean tookEffect(const MemoryAwait *await, const Move *move)
{
    if (move->step->kind == VIR_MEM_STEP_PLUG_DIMM)
        return move->alias && virMemInventoryFind(await->inventory, move->alias);
    if (move->step->kind == VIR_MEM_STEP_UNPLUG_DIMM)
        return !virMemInventoryFind(await->inventory, move->alias);
    return TRUE;
}

/* Nobody can take back that a guest was asked to let go of a DIMM: when that was interrupted, its answer is waited for.
 * FALSE: it gives none. */
static gboolean hearAnswer(MemoryAwait *await, const Move *move)
{
    MemoryGoal goal = {MEMORY_CHANGE_UNPLUG, move->alias, 0, TRUE, 0};

    if (move->step->kind != VIR_MEM_STEP_UNPLUG_DIMM || !virMemInventoryFind(await->inventory, move->alias))
        return TRUE;
    int diagnosis = memoryAwaitGoal(await, &goal);
    return diagnosis == VIR_MEM_DIAGNOSIS_NONE || memoryWatchRefused(await->watch, move->alias);
}

/* Takes back @moves, the last first. *@diagnosis stays what it was, but for LOST. Returns 1 if all went back, else -1. */
static int rollBack(MemoryAwait *await, Move *moves, size_t count, int *diagnosis)
{
    g_autofree char *text = g_steal_pointer(&await->text), *alias = g_steal_pointer(&await->alias);
    int libvirtCode = await->libvirtCode, outcome = VIR_MEM_DIAGNOSIS_NONE;
    gboolean complete = TRUE;

    await->progress.undoing = 1;
    await->progress.targetKib = await->progress.fromKib;
    await->progress.fromKib = await->inventory->current.kib;
    for (size_t i = count; i-- > 0 && outcome != VIR_MEM_DIAGNOSIS_LOST;) {
        await->progress.step = i;
        await->progress.running = moves[i].step;
        if (*diagnosis == VIR_MEM_DIAGNOSIS_CANCELLED && i == count - 1)
            complete = hearAnswer(await, &moves[i]);
        if (!tookEffect(await, &moves[i]))
            continue;
        Move back = {.step = moves[i].step, .undo = TRUE, .alias = g_strdup(moves[i].alias), .xml = g_strdup(moves[i].step->xml)};
        outcome = doMove(await, &back);
        complete = outcome == VIR_MEM_DIAGNOSIS_NONE && complete;
        moveClear(&back);
    }
    if (outcome == VIR_MEM_DIAGNOSIS_LOST) {
        *diagnosis = outcome;
        return -1;
    }
    g_free(await->text);
    g_free(await->alias);
    await->text = g_steal_pointer(&text);
    await->alias = g_steal_pointer(&alias);
    await->libvirtCode = libvirtCode;
    return complete ? 1 : -1;
}

/* One device that gives back less than it should is no reason to spare the others, if what is reached is kept. */
static gboolean goesOn(const MemoryAwait *await, const virMemStep *step, int diagnosis)
{
    return diagnosis == VIR_MEM_DIAGNOSIS_NONE ||
           (await->options->onFailure == VIR_MEM_ON_FAILURE_KEEP && step->deltaKib < 0 &&
            (diagnosis == VIR_MEM_DIAGNOSIS_UNMOVABLE || diagnosis == VIR_MEM_DIAGNOSIS_REFUSED));
}

/* Says of the first failure, whatever comes after it; but for the last word, that the guest is lost. */
static int remember(MemoryAwait *await, int first, int diagnosis, char **text, char **alias)
{
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE && (first == VIR_MEM_DIAGNOSIS_NONE || diagnosis == VIR_MEM_DIAGNOSIS_LOST)) {
        g_free(*text);
        g_free(*alias);
        *text = g_steal_pointer(&await->text);
        *alias = g_steal_pointer(&await->alias);
        return diagnosis;
    }
    return first;
}

/* QEMU plugs virtio-mem without asking whether the guest brings it into use; with a DIMM that is part of its step. */
static gboolean growsVirtioMem(const virMemPlan *plan)
{
    for (size_t i = 0; i < plan->nsteps; i++) {
        if (plan->steps[i]->kind == VIR_MEM_STEP_VIRTIO_MEM && plan->steps[i]->deltaKib > 0)
            return TRUE;
    }
    return FALSE;
}

static int runSteps(MemoryAwait *await, const virMemPlan *plan, size_t *done, int *rolledBack)
{
    g_autofree Move *moves = g_new0(Move, plan->nsteps + 1);
    g_autofree char *text = NULL, *alias = NULL;
    int diagnosis = VIR_MEM_DIAGNOSIS_NONE;
    gboolean goOn = TRUE;
    size_t begun = 0;

    await->progress.fromKib = await->inventory->current.kib;
    await->progress.targetKib = plan->reachesKib;
    await->progress.nsteps = plan->nsteps;
    for (size_t i = 0; i < plan->nsteps && goOn; i++) {
        const virMemStep *step = plan->steps[i];
        moves[i] = (Move) {.step = step, .alias = g_strdup(step->kind == VIR_MEM_STEP_PLUG_DIMM ? NULL : step->alias),
                           .xml = g_strdup(step->xml), .askOnly = await->options->noWait && !memoryPlanStepIsNeeded(plan, i)};
        await->progress.step = i;
        await->progress.running = step;
        int outcome = doMove(await, &moves[i]);
        diagnosis = remember(await, diagnosis, outcome, &text, &alias);
        goOn = goesOn(await, step, outcome);
        begun = i + 1;
        *done += outcome == VIR_MEM_DIAGNOSIS_NONE;
    }
    if (await->options->noWait) {
        memoryAwaitLook(await);
    } else if (diagnosis == VIR_MEM_DIAGNOSIS_NONE && growsVirtioMem(plan)) {
        await->progress.running = NULL;
        diagnosis = remember(await, diagnosis, memoryAwaitOnline(await), &text, &alias);
    }
    g_free(await->text);
    g_free(await->alias);
    await->text = g_steal_pointer(&text);
    await->alias = g_steal_pointer(&alias);
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE && diagnosis != VIR_MEM_DIAGNOSIS_LOST &&
        await->options->onFailure == VIR_MEM_ON_FAILURE_ROLLBACK)
        *rolledBack = rollBack(await, moves, begun, &diagnosis);
    for (size_t i = 0; i < begun; i++)
        moveClear(&moves[i]);
    return diagnosis;
}

static int checkRun(virDomainPtr dom, const virMemPlan *plan, virMemError *err)
{
    if (!dom || !plan)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", dom ? "'plan'" : "'dom'");
    if (plan->reason)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "the plan is impossible: %s", plan->reason);
    return VIR_MEM_OK;
}

int virMemRun(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, virMemResult **result,
              virMemError *err)
{
    MemoryAwait await = {0};
    size_t done = 0;
    int rolledBack = 0;

    memoryErrorClear(err);
    int code = checkRun(dom, plan, err);
    if (code == VIR_MEM_OK && plan->config)
        return memoryResizeConfig(dom, plan, options, result, err);
    if (code == VIR_MEM_OK)
        code = memoryAwaitInit(&await, dom, options, err);
    if (code < 0) {
        memoryAwaitClear(&await);
        return code;
    }
    guint64 fromKib = await.inventory->current.kib;
    int diagnosis = runSteps(&await, plan, &done, &rolledBack);
    virMemResult *made = memoryAwaitResult(&await, diagnosis, fromKib, plan->askedKib, await.inventory->current.kib);
    made->stepsDone = done;
    if (diagnosis == VIR_MEM_DIAGNOSIS_NONE && await.options->noWait)
        made->shortKib = MAX(made->askedKib, made->reachedKib) - MIN(made->askedKib, made->reachedKib);
    made->rolledBack = rolledBack;
    code = memoryAwaitCode(&await, diagnosis, err);
    memoryAwaitClear(&await);
    if (result)
        *result = made;
    else
        virMemResultFree(made);
    return code;
}

/* ---- taking one device away ---- */

static int detachSteps(MemoryAwait *await, const virMemDevice *device, const char *alias, int *rolledBack)
{
    virMemStep shrink = {.kind = VIR_MEM_STEP_VIRTIO_MEM, .alias = (char *) alias, .fromKib = device->requestedKib};
    virMemStep unplug = {.kind = VIR_MEM_STEP_UNPLUG_DIMM, .alias = (char *) alias, .fromKib = device->sizeKib};
    const virMemStep *steps[] = {&shrink, &unplug};
    size_t first = device->model == VIR_MEM_MODEL_VIRTIO_MEM && (device->current.kib > 0 || device->requestedKib > 0) ? 0 : 1;
    Move moves[2] = {{0}, {0}};
    int diagnosis = VIR_MEM_DIAGNOSIS_NONE;
    size_t i;

    await->progress.nsteps = 2 - first;
    for (i = first; i < 2 && diagnosis == VIR_MEM_DIAGNOSIS_NONE; i++) {
        moves[i] = (Move) {.step = steps[i], .alias = g_strdup(alias)};
        await->progress.step = i - first;
        await->progress.running = steps[i];
        diagnosis = doMove(await, &moves[i]);
    }
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE && diagnosis != VIR_MEM_DIAGNOSIS_LOST && first == 0 &&
        await->options->onFailure == VIR_MEM_ON_FAILURE_ROLLBACK)
        *rolledBack = rollBack(await, moves, 1, &diagnosis);
    moveClear(&moves[0]);
    moveClear(&moves[1]);
    return diagnosis;
}

int virMemDetach(virDomainPtr dom, const char *alias, const virMemRunOptions *options, virMemResult **result,
                 virMemError *err)
{
    MemoryAwait await = {0};

    memoryErrorClear(err);
    if (!dom || !alias)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", dom ? "'alias'" : "'dom'");
    int code = memoryAwaitInit(&await, dom, options, err);
    const virMemDevice *device = code == VIR_MEM_OK ? virMemInventoryFind(await.inventory, alias) : NULL;
    if (code == VIR_MEM_OK && !device)
        code = memoryErrorSet(err, VIR_MEM_ERR_NO_DEVICE, "domain '%s' has no memory device with the alias '%s'",
                              virDomainGetName(dom), alias);
    if (code < 0) {
        memoryAwaitClear(&await);
        return code;
    }
    guint64 fromKib = device->current.kib;
    await.progress.fromKib = await.inventory->current.kib;
    await.progress.targetKib = await.progress.fromKib - MIN(await.progress.fromKib, fromKib);
    int rolledBack = 0;
    int diagnosis = detachSteps(&await, device, alias, &rolledBack);
    device = virMemInventoryFind(await.inventory, alias);
    virMemResult *made = memoryAwaitResult(&await, diagnosis, fromKib, 0, device ? device->current.kib : 0);
    made->rolledBack = rolledBack;
    code = memoryAwaitCode(&await, diagnosis, err);
    memoryAwaitClear(&await);
    if (result)
        *result = made;
    else
        virMemResultFree(made);
    return code;
}

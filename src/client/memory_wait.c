/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_wait.c: waiting for a device or a guest, without asking anything of it */
#include "client/memory_await.h"
#include "client/memory_error.h"

static int finish(MemoryAwait *await, const MemoryGoal *goal, guint64 fromKib, virMemResult **result, virMemError *err)
{
    await->progress.fromKib = await->inventory->current.kib;
    await->progress.targetKib = await->progress.fromKib;
    if (goal->change == MEMORY_CHANGE_GUEST)
        await->progress.targetKib = goal->wantedKib ? goal->wantedKib : memoryAwaitRequestedKib(await->inventory);
    if (goal->change == MEMORY_CHANGE_VIRTIO_MEM)
        await->progress.targetKib += goal->wantedKib - fromKib;
    int diagnosis = memoryAwaitGoal(await, goal);
    const virMemDevice *device = goal->alias ? virMemInventoryFind(await->inventory, goal->alias) : NULL;
    guint64 reachedKib = goal->alias ? (device ? device->current.kib : 0) : await->inventory->current.kib;
    guint64 askedKib = goal->change == MEMORY_CHANGE_GUEST && goal->wantedKib == 0 ? memoryAwaitRequestedKib(await->inventory)
                                                                                   : goal->wantedKib;

    if (result)
        *result = memoryAwaitResult(await, diagnosis, fromKib, askedKib, reachedKib);
    int code = memoryAwaitCode(await, diagnosis, err);
    memoryAwaitClear(await);
    return code;
}

int virMemWaitDevice(virDomainPtr dom, const char *alias, int what, const virMemRunOptions *options,
                     virMemResult **result, virMemError *err)
{
    MemoryAwait await = {0};

    memoryErrorClear(err);
    if (!dom || !alias)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", dom ? "'alias'" : "'dom'");
    if (what != VIR_MEM_WAIT_PRESENT && what != VIR_MEM_WAIT_GONE)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "'%d' is nothing to wait for", what);
    int code = memoryAwaitInit(&await, dom, options, err);
    const virMemDevice *device = code == VIR_MEM_OK ? virMemInventoryFind(await.inventory, alias) : NULL;
    if (code == VIR_MEM_OK && !device && what == VIR_MEM_WAIT_PRESENT)
        code = memoryErrorSet(err, VIR_MEM_ERR_NO_DEVICE, "domain '%s' has no memory device with the alias '%s'",
                              virDomainGetName(dom), alias);
    if (code < 0) {
        memoryAwaitClear(&await);
        return code;
    }
    MemoryGoal goal = {.alias = alias, .asked = options && options->before};
    if (what == VIR_MEM_WAIT_GONE) {
        goal.change = MEMORY_CHANGE_UNPLUG;
    } else if (device->model == VIR_MEM_MODEL_VIRTIO_MEM) {
        goal.change = MEMORY_CHANGE_VIRTIO_MEM;
        goal.wantedKib = device->requestedKib;
    } else {
        goal.change = MEMORY_CHANGE_PLUG;
        goal.wantedKib = device->sizeKib;
        /* Only a DIMM is in MemTotal, and whether the guest uses it shows only beside what it had before. */
        gboolean tells = goal.asked && device->model == VIR_MEM_MODEL_DIMM;
        goal.totalBeforeKib = tells ? memoryAwaitTotalKib(options->before) : VIR_MEM_UNKNOWN;
    }
    return finish(&await, &goal, device ? device->current.kib : 0, result, err);
}

int virMemWaitGuest(virDomainPtr dom, unsigned long long kib, const virMemRunOptions *options, virMemResult **result,
                    virMemError *err)
{
    MemoryAwait await = {0};
    MemoryGoal goal = {.change = MEMORY_CHANGE_GUEST, .wantedKib = kib, .asked = options && options->before};

    memoryErrorClear(err);
    if (!dom)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "'dom' must be given");
    int code = memoryAwaitInit(&await, dom, options, err);
    if (code < 0) {
        memoryAwaitClear(&await);
        return code;
    }
    return finish(&await, &goal, await.inventory->current.kib, result, err);
}

int virMemWaitReport(virDomainPtr dom, const virMemRunOptions *options, virMemResult **result, virMemError *err)
{
    MemoryAwait await = {0};

    memoryErrorClear(err);
    if (!dom)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "'dom' must be given");
    int code = memoryAwaitInit(&await, dom, options, err);
    if (code == VIR_MEM_OK && await.inventory->balloonPeriod == 0)
        code = memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "the balloon of domain '%s' has no period: the guest is never asked to report",
                              await.inventory->name);
    if (code < 0) {
        memoryAwaitClear(&await);
        return code;
    }
    guint64 kib = await.inventory->current.kib;
    await.progress.fromKib = await.progress.targetKib = kib;
    int diagnosis = memoryAwaitReport(&await);
    if (result)
        *result = memoryAwaitResult(&await, diagnosis, kib, kib, kib);
    code = memoryAwaitCode(&await, diagnosis, err);
    memoryAwaitClear(&await);
    return code;
}

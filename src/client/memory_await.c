/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_await.c: waiting until a guest has done what it was asked, or it is clear that it will not */
#include "client/memory_await.h"

#include <string.h>
#include <libvirt/virterror.h>

#include "client/memory_error.h"

#define STALL_MS 30000
/* A guest with a driver stirs within this, also an emulated one. */
#define STIR_MS 5000
/* And one that uses a new DIMM says so, two reports later at most. */
#define ONLINE_MS 10000
/* Beside events, so that nothing hangs on a lost one; QEMU announces at most one change of a device a second. */
#define INTERVAL_MS 1000
/* A balloon is asked of QEMU itself, which knows more than the events tell. */
#define BALLOON_INTERVAL_MS 100
#define NO_EVENTS_INTERVAL_MS 100
/* No event tells of a report. */
#define REPORT_INTERVAL_MS 200
/* Reports are dated in seconds. */
#define REPORT_DATE_MS 1000
#define RECONNECT_INTERVAL_MS 100
/* The balloon works in pages, and a guest may keep the last of them. */
#define BALLOON_SLACK_KIB 1024
/* Guest reports that are older do not flow. */
#define REPORT_MOST_MS 10000

static const virMemRunOptions noOptions;

/* Whether the guest's own reports come, so that the use of new memory can be seen. */
static gboolean reportsFlow(const virMemInventory *inventory)
{
    return inventory->balloonPeriod > 0 && inventory->guestTotal.kib != VIR_MEM_UNKNOWN &&
           inventory->guestTotal.ageMs >= 0 && inventory->guestTotal.ageMs <= REPORT_MOST_MS;
}

guint64 memoryAwaitTotalKib(const virMemInventory *inventory)
{
    return reportsFlow(inventory) ? inventory->guestTotal.kib : VIR_MEM_UNKNOWN;
}

void memoryAwaitClear(MemoryAwait *await)
{
    memoryWatchFree(await->watch);
    virMemInventoryFree(await->inventory);
    g_free(await->alias);
    g_free(await->text);
    memset(await, 0, sizeof(*await));
}

static guint64 sinceMs(gint64 then)
{
    return (guint64) (g_get_monotonic_time() - then) / 1000;
}

static guint64 stallMs(const MemoryAwait *await)
{
    return await->options->stallMs ? await->options->stallMs : STALL_MS;
}

static gboolean cancelled(const MemoryAwait *await)
{
    /* What is being taken back is taken back to the end. */
    return !await->progress.undoing && (await->declined || memoryWatchCancelled(await->watch));
}

static void report(MemoryAwait *await, gint64 stillSince)
{
    await->progress.nowKib = await->inventory->current.kib;
    await->progress.elapsedMs = sinceMs(await->began);
    await->progress.stillMs = sinceMs(stillSince);
    if (await->options->progress && await->options->progress(&await->progress, await->options->opaque) != 0)
        await->declined = TRUE;
}

/* ---- looking at the guest ---- */

typedef enum {
    LOOK_OK = 0,
    LOOK_AGAIN,                 /* libvirt could not say just now */
    LOOK_LOST,
    LOOK_STOPPED,
} Look;

/* Tries until there is a connection, the guest proves to have ended, it was cancelled, or the time is over. */
static gboolean reconnect(MemoryAwait *await, gint64 stillSince)
{
    if (!memoryWatchCanReconnect(await->watch))
        return FALSE;
    while (!cancelled(await) && !memoryWatchStopped(await->watch) && sinceMs(stillSince) < stallMs(await)) {
        if (memoryWatchReconnect(await->watch))
            return TRUE;
        /* At the very first look there is nothing to tell of yet. */
        if (await->inventory)
            report(await, stillSince);
        memoryWatchWait(await->watch, RECONNECT_INTERVAL_MS, !await->progress.undoing);
    }
    return FALSE;
}

/* The connection lives and does not know the domain. */
static gboolean isGone(const virMemError *error)
{
    return error->libvirtCode == VIR_ERR_NO_DOMAIN;
}

static Look look(MemoryAwait *await, gint64 stillSince)
{
    virMemInventory *fresh = NULL;
    virMemError error;
    int code;

    while ((code = virMemGetInventory(memoryWatchDomain(await->watch), VIR_MEM_INVENTORY_LIVE, &fresh, &error)) ==
           VIR_MEM_ERR_LOST) {
        if (!isGone(&error) && !memoryWatchStopped(await->watch) && reconnect(await, stillSince))
            continue;
        return isGone(&error) || memoryWatchStopped(await->watch) ? LOOK_STOPPED : LOOK_LOST;
    }
    /* A guest that was started anew meanwhile is another, which nobody asked for anything. */
    gboolean another = code == VIR_MEM_OK && fresh->id != await->inventory->id;
    if (code == VIR_MEM_ERR_NOT_RUNNING || another || memoryWatchStopped(await->watch)) {
        virMemInventoryFree(fresh);
        return LOOK_STOPPED;
    }
    if (code < 0)
        return LOOK_AGAIN;
    virMemInventoryFree(await->inventory);
    await->inventory = fresh;
    return LOOK_OK;
}

int memoryAwaitInit(MemoryAwait *await, virDomainPtr dom, const virMemRunOptions *options, virMemError *err)
{
    virMemError error;

    memset(await, 0, sizeof(*await));
    await->options = options ? options : &noOptions;
    await->began = g_get_monotonic_time();
    await->watch = memoryWatchNew(dom, options, err);
    if (!await->watch)
        return VIR_MEM_ERR_SYSTEM;
    int code = virMemGetInventory(dom, VIR_MEM_INVENTORY_LIVE, &await->inventory, &error);
    if (code == VIR_MEM_ERR_LOST && !isGone(&error) && reconnect(await, await->began))
        code = virMemGetInventory(memoryWatchDomain(await->watch), VIR_MEM_INVENTORY_LIVE, &await->inventory, &error);
    if (code == VIR_MEM_OK) {
        await->hadKib = await->inventory->current.kib;
        await->totalBeforeKib = memoryAwaitTotalKib(await->inventory);
    } else if (err) {
        *err = error;
    }
    return code;
}

void memoryAwaitLook(MemoryAwait *await)
{
    look(await, g_get_monotonic_time());
}

/* ---- measuring ---- */

typedef struct {
    guint64 nowKib;
    gboolean reached;
} Measure;

guint64 memoryAwaitRequestedKib(const virMemInventory *inventory)
{
    guint64 kib = inventory->current.kib;

    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM)
            kib += device->requestedKib - device->current.kib;
    }
    return kib;
}

static gboolean allAsRequested(const virMemInventory *inventory)
{
    for (size_t i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && device->current.kib != device->requestedKib)
            return FALSE;
    }
    return TRUE;
}

/* Or nothing can be known of it. */
static gboolean isUsed(const virMemInventory *inventory, const virMemDevice *dimm, guint64 totalBeforeKib)
{
    MemoryUse use = {
        .addedKib = dimm->sizeKib, .hasKib = inventory->current.kib, .totalBeforeKib = totalBeforeKib,
        .totalKib = memoryAwaitTotalKib(inventory),
    };

    return memoryOnlineJudge(&use) != MEMORY_ONLINE_NO;
}

static gboolean isNear(guint64 a, guint64 b)
{
    return MAX(a, b) - MIN(a, b) < BALLOON_SLACK_KIB;
}

static Measure measure(const virMemInventory *inventory, const MemoryGoal *goal, guint64 totalBeforeKib)
{
    const virMemDevice *device = goal->alias ? virMemInventoryFind(inventory, goal->alias) : NULL;
    guint64 deviceKib = device ? device->current.kib : 0, balloonKib = inventory->balloonActual.kib;

    switch ((MemoryChange) goal->change) {
    case MEMORY_CHANGE_VIRTIO_MEM:
        return (Measure) {deviceKib, deviceKib == goal->wantedKib};
    case MEMORY_CHANGE_UNPLUG:
        return (Measure) {deviceKib, !device};
    case MEMORY_CHANGE_PLUG:
        return (Measure) {deviceKib, device && isUsed(inventory, device, totalBeforeKib)};
    case MEMORY_CHANGE_BALLOON:
        return (Measure) {balloonKib, isNear(balloonKib, goal->wantedKib)};
    case MEMORY_CHANGE_GUEST:
        break;
    }
    return (Measure) {inventory->current.kib,
                      goal->wantedKib ? isNear(inventory->current.kib, goal->wantedKib) : allAsRequested(inventory)};
}

/* ---- the verdict ---- */

static int conclude(MemoryAwait *await, const MemoryGoal *goal, MemoryObservation *seen)
{
    const virMemInventory *inventory = await->inventory;
    char *text = NULL;

    seen->change = goal->change;
    seen->alias = goal->alias;
    seen->wantedKib = goal->change == MEMORY_CHANGE_GUEST && goal->wantedKib == 0 ? memoryAwaitRequestedKib(inventory)
                                                                                  : goal->wantedKib;
    seen->paused = inventory->state == VIR_DOMAIN_PAUSED;
    seen->totalKib = inventory->guestTotal.kib;
    seen->hasKib = inventory->current.kib;
    seen->availableKib = inventory->guestAvailable.kib;
    seen->guestRefused = memoryWatchRefused(await->watch, goal->alias);
    int diagnosis = memoryDiagnose(seen, &text);
    g_free(await->text);
    await->text = text;
    g_free(await->alias);
    await->alias = g_strdup(goal->alias);
    return diagnosis;
}

static guint intervalMs(const MemoryAwait *await, const MemoryGoal *goal)
{
    if (!memoryWatchHasEvents(await->watch))
        return NO_EVENTS_INTERVAL_MS;
    return goal->change == MEMORY_CHANGE_BALLOON || goal->change == MEMORY_CHANGE_GUEST ? BALLOON_INTERVAL_MS : INTERVAL_MS;
}

/* TRUE if it is over before its goal. */
static gboolean isOver(MemoryAwait *await, const MemoryGoal *goal, MemoryObservation *seen)
{
    /* Only a device that lay idle tells a missing driver from a busy one. */
    gboolean silent = goal->asked && !seen->moved && !seen->hadDriver && goal->change != MEMORY_CHANGE_UNPLUG;

    if (cancelled(await)) {
        seen->cancelled = TRUE;
        return TRUE;
    }
    if (goal->change == MEMORY_CHANGE_UNPLUG && memoryWatchRefused(await->watch, goal->alias))
        return TRUE;
    guint64 limitMs = goal->change == MEMORY_CHANGE_PLUG ? ONLINE_MS : silent ? STIR_MS : stallMs(await);
    return seen->stillMs >= (gint64) MIN(limitMs, stallMs(await));
}

static void observeStart(const MemoryAwait *await, const MemoryGoal *goal, MemoryObservation *seen)
{
    const virMemInventory *inventory = await->inventory;

    /* A guest as a whole is as a rule asked by its balloon. */
    gboolean byReport = goal->change == MEMORY_CHANGE_BALLOON || goal->change == MEMORY_CHANGE_GUEST;

    memset(seen, 0, sizeof(*seen));
    seen->totalBeforeKib = goal->totalBeforeKib ? goal->totalBeforeKib : inventory->guestTotal.kib;
    seen->startKib = seen->nowKib = measure(inventory, goal, VIR_MEM_UNKNOWN).nowKib;
    seen->hadDriver = byReport ? inventory->guestTotal.kib != VIR_MEM_UNKNOWN : seen->startKib > 0;
    if (goal->change == MEMORY_CHANGE_PLUG) {
        seen->startKib = 0;
        seen->hadDriver = FALSE;
    }
}

static int notOnline(MemoryAwait *await, const MemoryUse *use)
{
    MemoryObservation seen = {.startKib = await->hadKib, .moved = TRUE, .totalBeforeKib = use->totalBeforeKib,
                              .nowKib = await->hadKib + use->addedKib};
    MemoryGoal goal = {.change = MEMORY_CHANGE_GUEST, .wantedKib = seen.nowKib};

    return conclude(await, &goal, &seen);
}

int memoryAwaitGoal(MemoryAwait *await, const MemoryGoal *goal)
{
    gint64 stillSince = g_get_monotonic_time();
    MemoryObservation seen;

    observeStart(await, goal, &seen);
    for (;;) {
        Look looked = look(await, stillSince);
        if (looked == LOOK_LOST || looked == LOOK_STOPPED) {
            seen.cancelled = cancelled(await);
            seen.lost = looked == LOOK_LOST && !seen.cancelled;
            seen.stopped = looked == LOOK_STOPPED;
            return conclude(await, goal, &seen);
        }
        Measure got = measure(await->inventory, goal, seen.totalBeforeKib);
        if (got.nowKib != seen.nowKib) {
            seen.nowKib = got.nowKib;
            seen.moved = TRUE;
            stillSince = g_get_monotonic_time();
        }
        report(await, stillSince);
        if (looked == LOOK_OK && got.reached)
            return VIR_MEM_DIAGNOSIS_NONE;
        seen.stillMs = (gint64) sinceMs(stillSince);
        if (isOver(await, goal, &seen))
            return conclude(await, goal, &seen);
        memoryWatchWait(await->watch, intervalMs(await, goal), !await->progress.undoing);
    }
}

int memoryAwaitCall(MemoryAwait *await, const MemoryGoal *goal, MemoryCallFunc call, gconstpointer data,
                    gboolean (*done)(const virMemInventory *, gconstpointer))
{
    gint64 since = g_get_monotonic_time();
    MemoryObservation seen;
    virMemError error;

    observeStart(await, goal, &seen);
    memoryWatchForget(await->watch);
    while (!cancelled(await)) {
        virDomainPtr dom = memoryWatchDomain(await->watch);
        if (call(dom, data) == 0)
            return VIR_MEM_DIAGNOSIS_NONE;
        if (memoryErrorFromDomain(&error, dom) != VIR_MEM_ERR_LOST) {
            /* A no is the guest's end if there is none any more. */
            seen.stopped = virDomainIsActive(dom) == 0;
            seen.libvirtMessage = error.message;
            await->libvirtCode = seen.stopped ? VIR_ERR_OK : error.libvirtCode;
            return conclude(await, goal, &seen);
        }
        Look looked = look(await, since);
        seen.lost = looked == LOOK_LOST;
        seen.stopped = looked == LOOK_STOPPED;
        if (seen.lost || seen.stopped)
            break;
        if (done && done(await->inventory, data))
            return VIR_MEM_DIAGNOSIS_NONE;
    }
    seen.cancelled = cancelled(await);
    return conclude(await, goal, &seen);
}

int memoryAwaitOnline(MemoryAwait *await)
{
    gint64 since = g_get_monotonic_time();

    while (!cancelled(await)) {
        Look looked = look(await, since);
        if (looked == LOOK_LOST || looked == LOOK_STOPPED) {
            MemoryGoal goal = {.change = MEMORY_CHANGE_GUEST, .wantedKib = await->hadKib};
            MemoryObservation seen = {.lost = looked == LOOK_LOST, .stopped = looked == LOOK_STOPPED,
                                      .nowKib = await->inventory->current.kib};
            return conclude(await, &goal, &seen);
        }
        const virMemInventory *inventory = await->inventory;
        MemoryUse use = {
            .addedKib = inventory->current.kib > await->hadKib ? inventory->current.kib - await->hadKib : 0,
            .hasKib = inventory->current.kib, .totalBeforeKib = await->totalBeforeKib, .totalKib = inventory->guestTotal.kib,
        };
        if (!reportsFlow(inventory) || memoryOnlineJudge(&use) != MEMORY_ONLINE_NO)
            return VIR_MEM_DIAGNOSIS_NONE;
        report(await, since);
        guint64 waitedMs = sinceMs(since);
        if (waitedMs >= ONLINE_MS)
            return (guint64) inventory->guestTotal.ageMs + REPORT_DATE_MS <= waitedMs ? notOnline(await, &use)
                                                                                      : VIR_MEM_DIAGNOSIS_NONE;
        memoryWatchWait(await->watch, REPORT_INTERVAL_MS, TRUE);
    }
    return VIR_MEM_DIAGNOSIS_NONE;
}

/* Whether the report is of after @sinceMs ago. Reports are dated in seconds, so a first one needs no date. */
static gboolean isNewReport(const virMemFigure *reported, gboolean first, guint64 waitedMs)
{
    return reported->kib != VIR_MEM_UNKNOWN && reported->ageMs >= 0 &&
           (first || (guint64) reported->ageMs + REPORT_DATE_MS <= waitedMs);
}

int memoryAwaitReport(MemoryAwait *await)
{
    gint64 since = g_get_monotonic_time();
    gboolean first = await->inventory->guestTotal.kib == VIR_MEM_UNKNOWN;
    MemoryGoal goal = {.change = MEMORY_CHANGE_GUEST};
    MemoryObservation seen = {0};

    for (;;) {
        Look looked = look(await, since);
        const virMemInventory *inventory = await->inventory;
        if (looked == LOOK_OK && isNewReport(&inventory->guestTotal, first, sinceMs(since)))
            return VIR_MEM_DIAGNOSIS_NONE;
        report(await, since);
        seen.stopped = looked == LOOK_STOPPED;
        seen.cancelled = cancelled(await);
        seen.lost = looked == LOOK_LOST && !seen.cancelled;
        seen.nowKib = goal.wantedKib = inventory->current.kib;
        if (seen.stopped || seen.lost || seen.cancelled)
            return conclude(await, &goal, &seen);
        if (sinceMs(since) >= stallMs(await))
            break;
        memoryWatchWait(await->watch, REPORT_INTERVAL_MS, TRUE);
    }
    gboolean paused = await->inventory->state == VIR_DOMAIN_PAUSED;
    g_free(await->text);
    await->text = g_strdup(paused ? "the guest is paused and reports nothing"
                           : first ? "the guest has never reported: it has no balloon driver" : "the guest has ceased to report");
    return first && !paused ? VIR_MEM_DIAGNOSIS_NO_DRIVER : VIR_MEM_DIAGNOSIS_STALLED;
}

virMemResult *memoryAwaitResult(const MemoryAwait *await, int diagnosis, guint64 fromKib, guint64 askedKib, guint64 reachedKib)
{
    virMemResult *result = g_new0(virMemResult, 1);

    result->fromKib = fromKib;
    result->askedKib = askedKib;
    result->reachedKib = diagnosis == VIR_MEM_DIAGNOSIS_LOST ? VIR_MEM_UNKNOWN : reachedKib;
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE)
        result->shortKib = MAX(askedKib, reachedKib) - MIN(askedKib, reachedKib);
    result->diagnosis = diagnosis;
    result->elapsedMs = sinceMs(await->began);
    if (diagnosis != VIR_MEM_DIAGNOSIS_NONE) {
        result->alias = g_strdup(await->alias);
        result->text = g_strdup(await->text);
        result->libvirtCode = await->libvirtCode;
    }
    return result;
}

int memoryAwaitCode(const MemoryAwait *await, int diagnosis, virMemError *err)
{
    if (diagnosis == VIR_MEM_DIAGNOSIS_NONE)
        return VIR_MEM_OK;
    int code = diagnosis == VIR_MEM_DIAGNOSIS_LOST ? VIR_MEM_ERR_LOST : VIR_MEM_ERR_INCOMPLETE;
    memoryErrorSet(err, code, "%s", await->text);
    if (err)
        err->libvirtCode = await->libvirtCode;
    return code;
}

void virMemResultFree(virMemResult *result)
{
    if (!result)
        return;
    g_free(result->alias);
    g_free(result->text);
    g_free(result);
}

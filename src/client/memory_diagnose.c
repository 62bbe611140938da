/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_diagnose.c: observations in, verdict and words out */
#include "client/memory_diagnose.h"

#include "util/mem_units.h"

/* Page structures take 1/64; beside them a kernel wants some air. */
#define PAGE_STRUCTURES 64
#define AIR_KIB (8 * 1024)
/* Less than this comes and goes in MemTotal without meaning anything. */
#define NOISE_KIB (32 * 1024)
/* A kernel keeps this much, or 1/16, of what it has outside MemTotal. */
#define KEPT_LEAST_KIB (256 * 1024)
#define KEPT_PART 16

static char *size(guint64 kib)
{
    return memUnitsPretty(kib * 1024);
}

static char *nameOf(const MemoryObservation *seen)
{
    if (seen->alias)
        return g_strdup_printf("'%s'", seen->alias);
    return g_strdup(seen->change == MEMORY_CHANGE_BALLOON ? "the balloon" : "the guest");
}

MemoryOnline memoryOnlineJudge(const MemoryUse *use)
{
    if (use->totalKib == VIR_MEM_UNKNOWN || use->totalBeforeKib == VIR_MEM_UNKNOWN || use->addedKib < NOISE_KIB)
        return MEMORY_ONLINE_UNKNOWN;
    guint64 halfKib = use->addedKib / 2;
    guint64 risenKib = use->totalKib > use->totalBeforeKib ? use->totalKib - use->totalBeforeKib : 0;
    if (risenKib >= halfKib)
        return MEMORY_ONLINE_YES;
    if (use->hasKib == VIR_MEM_UNKNOWN)
        return MEMORY_ONLINE_NO;
    /* What is not in MemTotal, beyond what a kernel keeps. */
    guint64 keptKib = MAX(KEPT_LEAST_KIB, use->hasKib / KEPT_PART);
    guint64 unusedKib = use->hasKib > use->totalKib ? use->hasKib - use->totalKib : 0;
    /* A small addition would be lost in what a kernel may keep: then the rise alone tells, if the report of before agrees
     * with what the guest had. */
    guint64 hadKib = use->hasKib > use->addedKib ? use->hasKib - use->addedKib : 0;
    gboolean agrees = use->totalBeforeKib <= hadKib && hadKib - use->totalBeforeKib <= keptKib;
    return unusedKib > keptKib + halfKib || (agrees && unusedKib > halfKib) ? MEMORY_ONLINE_NO : MEMORY_ONLINE_YES;
}

/* What is plugged is not in the guest's MemTotal. */
static gboolean isOffline(const MemoryObservation *seen)
{
    MemoryUse use = {
        .addedKib = seen->nowKib > seen->startKib ? seen->nowKib - seen->startKib : 0,
        .hasKib = seen->hasKib, .totalBeforeKib = seen->totalBeforeKib, .totalKib = seen->totalKib,
    };

    return seen->change != MEMORY_CHANGE_BALLOON && memoryOnlineJudge(&use) == MEMORY_ONLINE_NO;
}

static gboolean lacksMemory(const MemoryObservation *seen)
{
    guint64 missingKib = seen->wantedKib > seen->nowKib ? seen->wantedKib - seen->nowKib : 0;

    return seen->availableKib != VIR_MEM_UNKNOWN && seen->availableKib < missingKib / PAGE_STRUCTURES + AIR_KIB;
}

static int noDriver(const MemoryObservation *seen, const char *name, char **text)
{
    *text = seen->change == MEMORY_CHANGE_GUEST
        ? g_strdup("the guest did not react at all: it has no driver for its balloon or its virtio-mem devices")
        : g_strdup_printf("the guest did not react to %s at all: it has no driver for it", name);
    return VIR_MEM_DIAGNOSIS_NO_DRIVER;
}

static int diagnoseGrowth(const MemoryObservation *seen, const char *name, char **text)
{
    g_autofree char *now = size(seen->nowKib), *wanted = size(seen->wantedKib);
    g_autofree char *available = seen->availableKib == VIR_MEM_UNKNOWN ? NULL : size(seen->availableKib);

    if (isOffline(seen)) {
        g_autofree char *added = size(seen->nowKib - seen->startKib), *total = size(seen->totalKib);
        *text = seen->alias
            ? g_strdup_printf("%s has %s plugged, but the guest does not use it: its memory is not online", name, now)
            : g_strdup_printf("the guest has %s more plugged, but reports only %s in all: the rest is not online", added, total);
        return VIR_MEM_DIAGNOSIS_NOT_ONLINE;
    }
    if (!seen->moved && !seen->hadDriver && (seen->change == MEMORY_CHANGE_VIRTIO_MEM || seen->totalKib == VIR_MEM_UNKNOWN))
        return noDriver(seen, name, text);
    if (lacksMemory(seen)) {
        *text = g_strdup_printf("%s has %s of %s: the guest has only %s available, too little for the page structures of the rest",
                                name, now, wanted, available);
        return VIR_MEM_DIAGNOSIS_GUEST_MEMORY;
    }
    *text = g_strdup_printf("%s stays at %s of %s, and the guest does not say why", name, now, wanted);
    return VIR_MEM_DIAGNOSIS_STALLED;
}

static int diagnoseShrinking(const MemoryObservation *seen, const char *name, char **text)
{
    g_autofree char *now = size(seen->nowKib), *wanted = size(seen->wantedKib);
    guint64 leftKib = seen->nowKib > seen->wantedKib ? seen->nowKib - seen->wantedKib : 0;
    gboolean scarce = seen->availableKib != VIR_MEM_UNKNOWN && seen->availableKib < leftKib;
    g_autofree char *available = scarce ? size(seen->availableKib) : NULL;

    if (!seen->moved && !seen->hadDriver)
        return noDriver(seen, name, text);
    /* A balloon is filled from anywhere: pages that cannot be moved are not in its way. */
    if (seen->change == MEMORY_CHANGE_BALLOON || (seen->change == MEMORY_CHANGE_GUEST && !scarce)) {
        *text = g_strdup_printf("%s stays at %s instead of %s, and the guest does not say why", name, now, wanted);
        return VIR_MEM_DIAGNOSIS_STALLED;
    }
    if (scarce)
        *text = g_strdup_printf("%s stays at %s instead of %s: the guest uses that memory, only %s is available in it", name, now,
                                wanted, available);
    else
        *text = g_strdup_printf("%s stays at %s instead of %s: the guest's kernel holds pages there that cannot be moved", name,
                                now, wanted);
    return VIR_MEM_DIAGNOSIS_UNMOVABLE;
}

static int diagnoseUnplug(const MemoryObservation *seen, const char *name, char **text)
{
    g_autofree char *now = size(seen->nowKib);
    g_autofree char *available = seen->availableKib == VIR_MEM_UNKNOWN ? NULL : size(seen->availableKib);

    if (!seen->guestRefused) {
        *text = g_strdup_printf("the guest did not answer the request to let go of %s", name);
        return VIR_MEM_DIAGNOSIS_STALLED;
    }
    if (available && seen->availableKib < seen->nowKib) {
        *text = g_strdup_printf("the guest refused to let go of %s: it uses that memory, only %s of %s is available in it", name,
                                available, now);
        return VIR_MEM_DIAGNOSIS_REFUSED;
    }
    *text = g_strdup_printf("the guest refused to let go of %s: its kernel holds pages there that cannot be moved", name);
    return VIR_MEM_DIAGNOSIS_UNMOVABLE;
}

int memoryDiagnose(const MemoryObservation *seen, char **text)
{
    g_autofree char *name = nameOf(seen);
    g_autofree char *now = seen->nowKib == VIR_MEM_UNKNOWN ? g_strdup("an unknown size") : size(seen->nowKib);

    if (seen->stopped) {
        *text = g_strdup("the guest stopped running");
        return VIR_MEM_DIAGNOSIS_LOST;
    }
    if (seen->lost) {
        *text = g_strdup_printf("the connection to libvirt was lost; %s had %s when it was last seen", name, now);
        return VIR_MEM_DIAGNOSIS_LOST;
    }
    if (seen->cancelled) {
        *text = g_strdup_printf("cancelled with %s at %s", name, now);
        return VIR_MEM_DIAGNOSIS_CANCELLED;
    }
    if (seen->libvirtMessage) {
        *text = g_strdup_printf("libvirt refused to change %s: %s", name, seen->libvirtMessage);
        return VIR_MEM_DIAGNOSIS_REFUSED;
    }
    if (seen->paused) {
        *text = g_strdup_printf("%s stays at %s: the guest is paused", name, now);
        return VIR_MEM_DIAGNOSIS_STALLED;
    }
    if (seen->change == MEMORY_CHANGE_UNPLUG)
        return diagnoseUnplug(seen, name, text);
    return seen->wantedKib < seen->nowKib ? diagnoseShrinking(seen, name, text) : diagnoseGrowth(seen, name, text);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memdiagnose.c: what a running guest does not do with its memory, in words for its operator */
#include "qemu/qemu_memdiagnose.h"

#include "conf/memballoon_conf.h"

/* A kernel keeps this much, or 1/16, of what it has outside MemTotal. */
#define KEPT_LEAST_KIB (256 * 1024)
#define KEPT_PART 16

/* Without a period nobody asked the guest for statistics, so that their absence means nothing. */
static char *diagnoseBalloon(const DomainDef *live, const QemuMonitorBalloonStats *stats)
{
    if (!stats || stats->lastUpdate || !live->balloon || !live->balloon->periodSeconds)
        return NULL;
    return g_strdup("memory balloon: the guest has never sent statistics: it has not booted, or has no virtio-balloon driver; 'setmem' has no effect until it has");
}

static char *diagnoseVirtioMem(const MemoryDeviceDef *device)
{
    const char *alias = device->info.alias ? device->info.alias : "virtio-mem";

    if (device->currentKib == device->requestedKib)
        return NULL;
    if (!device->currentKib)
        return g_strdup_printf("memory device '%s': nothing of the '%" G_GUINT64_FORMAT "' KiB requested is plugged: the guest has not booted, or has no virtio-mem driver (Linux 5.8 or newer has)",
                               alias, device->requestedKib);
    if (device->currentKib < device->requestedKib)
        return g_strdup_printf("memory device '%s': '%" G_GUINT64_FORMAT "' of '%" G_GUINT64_FORMAT "' KiB requested are plugged: the guest is at it, or cannot add more",
                               alias, device->currentKib, device->requestedKib);
    return g_strdup_printf("memory device '%s': '%" G_GUINT64_FORMAT "' KiB are plugged, '%" G_GUINT64_FORMAT "' KiB are requested: the guest is at it, or holds memory that it cannot move",
                           alias, device->currentKib, device->requestedKib);
}

/* Memory that was plugged, and that the guest leaves offline: neither QEMU nor libvirt's protocol has a word for it, but it is
 * not in MemTotal. What a kernel keeps for itself is not either, so that only much of it shows. */
static char *diagnoseOnline(const DomainDef *live, const QemuMonitorBalloonStats *stats)
{
    guint64 addedKib = domainDefVirtioMemCurrentKib(live), hasKib = live->memory.currentKib, totalKib, keptKib;

    if (!stats || !stats->lastUpdate || stats->values[QEMU_MONITOR_BALLOON_TOTAL] == G_MAXUINT64)
        return NULL;
    for (gsize i = 0; i < live->nmemories; i++) {
        if (live->memories[i]->model == MEMORY_DEVICE_DIMM)
            addedKib += live->memories[i]->sizeKib;
    }
    totalKib = stats->values[QEMU_MONITOR_BALLOON_TOTAL] / 1024;
    keptKib = MAX(KEPT_LEAST_KIB, hasKib / KEPT_PART) + addedKib / 2;
    if (!addedKib || hasKib <= totalKib || hasKib - totalKib <= keptKib)
        return NULL;
    return g_strdup_printf("the guest has '%" G_GUINT64_FORMAT "' KiB and last reported '%" G_GUINT64_FORMAT "' KiB in all: of the '%" G_GUINT64_FORMAT "' KiB that memory devices added, part is not online in the guest",
                           hasKib, totalKib, addedKib);
}

char **qemuMemDiagnose(const DomainDef *live, const QemuMonitorBalloonStats *stats)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    char *message = diagnoseBalloon(live, stats);

    if (message)
        g_ptr_array_add(messages, message);
    for (gsize i = 0; i < live->nmemories; i++) {
        message = live->memories[i]->model == MEMORY_DEVICE_VIRTIO_MEM ? diagnoseVirtioMem(live->memories[i]) : NULL;
        if (message)
            g_ptr_array_add(messages, message);
    }
    message = diagnoseOnline(live, stats);
    if (message)
        g_ptr_array_add(messages, message);
    g_ptr_array_add(messages, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&messages), FALSE);
}

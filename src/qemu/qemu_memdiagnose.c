/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memdiagnose.c: what a running guest does not do with its memory, in words for its operator */
#include "qemu/qemu_memdiagnose.h"

#include "conf/memballoon_conf.h"

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
    g_ptr_array_add(messages, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&messages), FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process_refresh.c: ask QEMU what is true, all questions at once, and write it into the live definition */
#define G_LOG_DOMAIN "qemu/qemu_process_refresh"
#include "qemu/qemu_process.h"

#include "conf/memballoon_conf.h"
#include "util/mem_units.h"

#include <string.h>

gboolean qemuDomainHasBalloon(const DomainDef *def)
{
    if (!def->balloon)
        return FALSE;
    switch (def->balloon->model) {
    case MEMBALLOON_VIRTIO:
    case MEMBALLOON_VIRTIO_TRANSITIONAL:
    case MEMBALLOON_VIRTIO_NON_TRANSITIONAL:
        return TRUE;
    case MEMBALLOON_XEN:
    case MEMBALLOON_NONE:
    case MEMBALLOON_LAST:
        break;
    }
    return FALSE;
}

guint64 qemuRefreshWholeBalloonKib(const DomainDef *live)
{
    guint64 kib = domainDefInitialKib(live);

    for (gsize i = 0; i < live->nmemories; i++) {
        if (live->memories[i]->model == MEMORY_DEVICE_DIMM)
            kib += live->memories[i]->sizeKib;
    }
    return kib;
}

/* QEMU tells of a change of the balloon at once, but only once in a second: then it keeps the last for the end of the second.
 * Twice that. */
#define BALLOON_SETTLED_US (2 * G_USEC_PER_SEC)

gboolean qemuRefreshBalloonIsSettled(const QemuDomain *dom)
{
    return dom->balloonBytes && g_get_monotonic_time() - dom->balloonToldUs > BALLOON_SETTLED_US &&
           memUnitsBytesToKib(dom->balloonBytes) + domainDefVirtioMemCurrentKib(dom->live) == dom->live->memory.currentKib;
}

void qemuRefreshSend(QemuDomain *dom, QemuRefresh *refresh, gboolean fresh, gboolean balloon)
{
    refresh->fresh = fresh;
    if (!fresh)
        refresh->statusCall = qemuMonitorSend(dom->mon, "query-status", NULL);
    refresh->chardevCall = qemuMonitorSend(dom->mon, "query-chardev", NULL);
    refresh->cpuCall = qemuMonitorSend(dom->mon, "query-cpus-fast", NULL);
    if (fresh && !balloon)
        refresh->balloonBytes = qemuRefreshWholeBalloonKib(dom->live) * 1024;
    else if (qemuDomainHasBalloon(dom->live))
        refresh->balloonCall = qemuMonitorSend(dom->mon, "query-balloon", NULL);
    if (dom->live->nmemories > 0)
        refresh->memoryCall = qemuMonitorSend(dom->mon, "query-memory-devices", NULL);
    if (dom->live->ngraphics > 0)
        refresh->vncCall = qemuMonitorSend(dom->mon, "query-vnc", NULL);
}

gboolean qemuRefreshCollect(QemuRefresh *refresh, gint64 deadline, GError **err)
{
    g_autoptr(GError) first = NULL;
    GError **error = &first;

    /* after the first failure the others are waited for as well, but have nowhere to report to */
    if (refresh->statusCall && !qemuMonitorFinishStatus(g_steal_pointer(&refresh->statusCall), deadline, &refresh->status,
                                                        &refresh->running, error))
        error = NULL;
    if (refresh->chardevCall &&
        !(refresh->chardevs = qemuMonitorFinishChardevs(g_steal_pointer(&refresh->chardevCall), deadline, error)))
        error = NULL;
    if (refresh->cpuCall && !(refresh->cpus = qemuMonitorFinishCpus(g_steal_pointer(&refresh->cpuCall), deadline, error)))
        error = NULL;
    if (refresh->balloonCall &&
        !qemuMonitorFinishBalloon(g_steal_pointer(&refresh->balloonCall), deadline, &refresh->balloonBytes, error))
        error = NULL;
    if (refresh->memoryCall &&
        !(refresh->memory = qemuMonitorFinishMemoryDevices(g_steal_pointer(&refresh->memoryCall), deadline, error)))
        error = NULL;
    if (refresh->vncCall && !qemuMonitorFinishVnc(g_steal_pointer(&refresh->vncCall), deadline, &refresh->vncHost,
                                                  &refresh->vncPort, error))
        error = NULL;
    if (!first)
        return TRUE;
    g_propagate_error(err, g_steal_pointer(&first));
    return FALSE;
}

/* It differs only if QEMU took memory of the same name that was none of ours. */
static void applySize(DomainDef *live, MemoryDeviceDef *def, guint64 kib)
{
    if (!kib || kib == def->sizeKib)
        return;
    g_warning("%s: '%s' has '%" G_GUINT64_FORMAT "' KiB instead of '%" G_GUINT64_FORMAT "'", live->name, def->info.alias, kib,
              def->sizeKib);
    live->memory.totalKib = live->memory.totalKib - def->sizeKib + kib;
    def->sizeKib = kib;
}

static void applyMemory(DomainDef *live, const QemuMonitorMemoryDevice *device)
{
    for (gsize i = 0; device->id && i < live->nmemories; i++) {
        MemoryDeviceDef *def = live->memories[i];

        if (g_strcmp0(def->info.alias, device->id) != 0)
            continue;
        switch (def->model) {
        case MEMORY_DEVICE_DIMM:
            applySize(live, def, memUnitsBytesToKib(device->sizeBytes));
            G_GNUC_FALLTHROUGH;
        case MEMORY_DEVICE_NVDIMM:
            def->info.type = DEVICE_ADDRESS_DIMM;
            if (device->slot >= 0)
                def->info.dimm.slot = (unsigned)device->slot;
            def->info.dimm.base = device->addressBytes;
            break;
        case MEMORY_DEVICE_VIRTIO_MEM:
            def->currentKib = memUnitsBytesToKib(device->sizeBytes);
            break;
        case MEMORY_DEVICE_VIRTIO_PMEM:
        case MEMORY_DEVICE_SGX_EPC:
        case MEMORY_DEVICE_LAST:
            break;
        }
    }
}

void qemuRefreshApply(QemuDomain *dom, QemuRefresh *refresh)
{
    DomainDef *live = dom->live;

    for (guint i = 0; refresh->memory && i < refresh->memory->len; i++)
        applyMemory(live, g_ptr_array_index(refresh->memory, i));
    if (qemuDomainHasBalloon(live) && refresh->balloonBytes) {
        live->memory.currentKib = memUnitsBytesToKib(refresh->balloonBytes) + domainDefVirtioMemCurrentKib(live);
        dom->balloonBytes = refresh->balloonBytes;
        /* what a QEMU of our own making holds back it has begun to tell; another may have before we came */
        if (!dom->balloonToldUs)
            dom->balloonToldUs = refresh->fresh ? QEMU_BALLOON_LONG_AGO : g_get_monotonic_time();
    } else if (!qemuDomainHasBalloon(live)) {
        live->memory.currentKib = live->memory.totalKib;
    }
    if (refresh->chardevs)
        qemuProcessApplyPtys(live, refresh->chardevs);
    if (refresh->vncPort > 0)
        qemuProcessApplyVnc(live, refresh->vncPort);
    if (refresh->cpus) {
        g_clear_pointer(&dom->vcpuThreads, g_array_unref);
        dom->vcpuThreads = g_steal_pointer(&refresh->cpus);
    }
}

static void forget(QemuMonitorCall **call)
{
    if (*call)
        qemuMonitorForget(g_steal_pointer(call));
}

void qemuRefreshClear(QemuRefresh *refresh)
{
    forget(&refresh->statusCall);
    forget(&refresh->balloonCall);
    forget(&refresh->memoryCall);
    forget(&refresh->chardevCall);
    forget(&refresh->cpuCall);
    forget(&refresh->vncCall);
    g_clear_pointer(&refresh->status, g_free);
    g_clear_pointer(&refresh->memory, g_ptr_array_unref);
    g_clear_pointer(&refresh->chardevs, g_hash_table_unref);
    g_clear_pointer(&refresh->cpus, g_array_unref);
    g_clear_pointer(&refresh->vncHost, g_free);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_stats.c: statistics of one domain: memory, disks, interfaces */
#define G_LOG_DOMAIN "qemu/qemu_driver_stats"
#include "qemu/qemu_driver_stats.h"

#include "conf/disk_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "qemu/qemu_memdiagnose.h"
#include "qemu/qemu_process.h"
#include "qemu/qemu_spawn.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

#include <string.h>

/* ---- memory ---- */

/* libvirt's order; @divisor turns QEMU's unit into libvirt's. */
const QemuBalloonRow qemuBalloonRows[] = {
    { QEMU_MONITOR_BALLOON_SWAP_IN, VIR_DOMAIN_MEMORY_STAT_SWAP_IN, "swap_in", 1024 },
    { QEMU_MONITOR_BALLOON_SWAP_OUT, VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, "swap_out", 1024 },
    { QEMU_MONITOR_BALLOON_MAJOR_FAULTS, VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, "major_fault", 1 },
    { QEMU_MONITOR_BALLOON_MINOR_FAULTS, VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, "minor_fault", 1 },
    { QEMU_MONITOR_BALLOON_FREE, VIR_DOMAIN_MEMORY_STAT_UNUSED, "unused", 1024 },
    { QEMU_MONITOR_BALLOON_TOTAL, VIR_DOMAIN_MEMORY_STAT_AVAILABLE, "available", 1024 },
    { QEMU_MONITOR_BALLOON_AVAILABLE, VIR_DOMAIN_MEMORY_STAT_USABLE, "usable", 1024 },
    { QEMU_MONITOR_BALLOON_LAST, VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, "last-update", 1 },
    { QEMU_MONITOR_BALLOON_DISK_CACHES, VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, "disk_caches", 1024 },
    { QEMU_MONITOR_BALLOON_HUGETLB_ALLOC, VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, "hugetlb_pgalloc", 1 },
    { QEMU_MONITOR_BALLOON_HUGETLB_FAIL, VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, "hugetlb_pgfail", 1 },
};
G_STATIC_ASSERT(G_N_ELEMENTS(qemuBalloonRows) == QEMU_BALLOON_ROWS);

gboolean qemuBalloonValue(const QemuBalloonRow *row, const QemuMonitorBalloonStats *stats, guint64 *value)
{
    if (row->stat == QEMU_MONITOR_BALLOON_LAST) {
        *value = stats->lastUpdate;
        return TRUE;
    }
    if (stats->values[row->stat] == G_MAXUINT64)
        return FALSE;
    *value = stats->values[row->stat] / row->divisor;
    return TRUE;
}

typedef struct {
    virDomainMemoryStatStruct *stats;
    unsigned count, max;
} Sink;

static void put(Sink *sink, int tag, guint64 value)
{
    if (sink->count < sink->max)
        sink->stats[sink->count++] = (virDomainMemoryStatStruct){ .tag = tag, .val = value };
}

static void putBalloon(Sink *sink, guint64 actualBytes, const QemuMonitorBalloonStats *stats)
{
    put(sink, VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, memUnitsBytesToKib(actualBytes));
    for (gsize i = 0; i < QEMU_BALLOON_ROWS; i++) {
        guint64 value;

        if (qemuBalloonValue(&qemuBalloonRows[i], stats, &value))
            put(sink, qemuBalloonRows[i].tag, value);
    }
}

/* The questions of one memoryStats: each command costs QEMU as much as reading the figures, so the second is left out
 * when its answer is known. */
typedef struct {
    QemuMonitorCall *actual, *stats;
    pid_t pid;
} MemoryCalls;

static gboolean askMemory(QemuDomain *dom, MemoryCalls *calls, GError **err)
{
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    if (!qemuDomainCheckActive(dom, err))
        return FALSE;
    calls->pid = dom->process.pid;
    if (!dom->mon || !qemuDomainHasBalloon(dom->live))
        return TRUE;
    if (!qemuRefreshBalloonIsSettled(dom))
        calls->actual = qemuMonitorSend(dom->mon, "query-balloon", NULL);
    calls->stats = qemuMonitorSendBalloonStats(dom->mon, dom->live->balloon->info.alias);
    return TRUE;
}

static gboolean answerMemory(QemuDomain *dom, const MemoryCalls *calls, Sink *sink, GError **err)
{
    gint64 deadline = QEMU_ANSWER_DEADLINE;
    QemuMonitorBalloonStats balloon;
    guint64 actual = 0;
    gboolean fine = !calls->actual || qemuMonitorFinishBalloon(calls->actual, deadline, &actual, err);

    if (!qemuMonitorFinishBalloonStats(calls->stats, deadline, &balloon, fine ? err : NULL) || !fine)
        return FALSE;
    if (!calls->actual) {
        /* a change that QEMU told of before this answer has been noted by now */
        g_mutex_lock(&dom->lock);
        actual = dom->balloonBytes;
        g_mutex_unlock(&dom->lock);
    }
    putBalloon(sink, actual, &balloon);
    return TRUE;
}

int qemuDriverMemoryStats(QemuDriver *driver, QemuUuid uuid, virDomainMemoryStatStruct *stats, unsigned max, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    Sink sink = { stats, 0, max };
    MemoryCalls calls = { 0 };
    QemuSpawnStat process;

    if (!dom || !qemuDriverCheckFlags(flags, 0, "qemuDomainMemoryStats", err) || !askMemory(dom, &calls, err))
        return -1;
    if (calls.stats && !answerMemory(dom, &calls, &sink, err))
        return -1;
    if (qemuSpawnStat(calls.pid, 0, &process))
        put(&sink, VIR_DOMAIN_MEMORY_STAT_RSS, process.rssKib);
    return (int)sink.count;
}

char **qemuDriverGetMessages(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    unsigned otherKinds = VIR_DOMAIN_MESSAGE_DEPRECATION | VIR_DOMAIN_MESSAGE_TAINTING;
    g_auto(QemuGuard) guard = { 0 };
    QemuMonitorBalloonStats stats;
    const DomainDef *live;
    gboolean known = FALSE;

    if (!dom || !qemuDriverCheckFlags(flags, otherKinds, "qemuDomainGetMessages", err))
        return NULL;
    guard = qemuGuardLock(dom);
    live = dom->live;
    if (!live || flags)
        return g_new0(char *, 1);
    if (dom->mon && qemuDomainHasBalloon(live) && live->balloon->periodSeconds) {
        QemuMonitorCall *call = qemuMonitorSendBalloonStats(dom->mon, live->balloon->info.alias);

        g_mutex_unlock(&dom->lock);
        known = qemuMonitorFinishBalloonStats(call, QEMU_ANSWER_DEADLINE, &stats, NULL);
        g_mutex_lock(&dom->lock);
    }
    return dom->live ? qemuMemDiagnose(dom->live, known ? &stats : NULL) : g_new0(char *, 1);
}

/* ---- disks ---- */

const QemuMonitorBlockStats *qemuBlockStatsFor(GPtrArray *all, const DiskDef *disk)
{
    for (guint i = 0; disk->info.alias && i < all->len; i++) {
        const QemuMonitorBlockStats *stats = g_ptr_array_index(all, i);
        g_autofree char *drive = g_strdup_printf("drive-%s", disk->info.alias);

        /* "/machine/peripheral/virtio-disk0/virtio-backend" speaks of virtio-disk0 */
        if (stats->qdev) {
            g_auto(GStrv) parts = g_strsplit(stats->qdev, "/", -1);

            if (g_strv_contains((const char *const *)parts, disk->info.alias))
                return stats;
        }
        if (g_strcmp0(stats->device, drive) == 0)
            return stats;
    }
    return NULL;
}

static const DiskDef *findDisk(const DomainDef *live, const char *path)
{
    for (gsize i = 0; i < live->ndisks; i++) {
        if (g_strcmp0(live->disks[i]->target, path) == 0 || g_strcmp0(live->disks[i]->source, path) == 0)
            return live->disks[i];
    }
    return NULL;
}

static void addBlock(gint64 sum[5], const QemuMonitorBlockStats *stats)
{
    sum[0] += stats->readRequests;
    sum[1] += stats->readBytes;
    sum[2] += stats->writeRequests;
    sum[3] += stats->writeBytes;
}

gboolean qemuDriverBlockStats(QemuDriver *driver, QemuUuid uuid, const char *path, gint64 stats[5], GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(QemuMonitor) mon = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_auto(QemuGuard) guard = { 0 };
    const DiskDef *disk = NULL;
    const DomainDef *live;

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    mon = qemuDomainGetMonitor(dom, err);
    if (!mon)
        return FALSE;
    live = dom->live;
    if (*path && !findDisk(live, path)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "invalid path '%s' not assigned to domain", path);
        return FALSE;
    }
    g_mutex_unlock(&dom->lock);
    all = qemuMonitorFinishBlockStats(qemuMonitorSend(mon, "query-blockstats", NULL), QEMU_ANSWER_DEADLINE, err);
    g_mutex_lock(&dom->lock);
    if (!all || !qemuDomainStillRuns(dom, live, err))
        return FALSE;
    memset(stats, 0, 5 * sizeof stats[0]);
    stats[4] = -1;
    for (gsize i = 0; i < live->ndisks; i++) {
        const QemuMonitorBlockStats *found = qemuBlockStatsFor(all, live->disks[i]);

        disk = live->disks[i];
        if (found && (!*path || disk == findDisk(live, path)))
            addBlock(stats, found);
    }
    return TRUE;
}

/* ---- interfaces ---- */

/* The host sees the other end: what the guest receives, the host's interface has sent. */
static const char *const interfaceFiles[8] = {
    "tx_bytes", "tx_packets", "tx_errors", "tx_dropped", "rx_bytes", "rx_packets", "rx_errors", "rx_dropped",
};

void qemuInterfaceStats(const char *device, gint64 stats[8])
{
    for (gsize i = 0; i < G_N_ELEMENTS(interfaceFiles); i++) {
        g_autofree char *path = g_strdup_printf("/sys/class/net/%s/statistics/%s", device, interfaceFiles[i]);
        guint64 value;

        stats[i] = memFileReadUint64(path, &value) ? (gint64)value : -1;
    }
}

gboolean qemuDriverInterfaceStats(QemuDriver *driver, QemuUuid uuid, const char *device, gint64 stats[8], GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    if (!qemuDomainCheckActive(dom, err))
        return FALSE;
    for (gsize i = 0; i < dom->live->nnets; i++) {
        const NetDef *net = dom->live->nets[i];
        g_autofree char *mac = netMacText(net->mac);

        if (g_strcmp0(net->target, device) != 0 && g_ascii_strcasecmp(mac, device) != 0)
            continue;
        if (!net->target)
            break;
        qemuInterfaceStats(net->target, stats);
        return TRUE;
    }
    memErrorSet(err, VIR_ERR_INVALID_ARG, "invalid path, '%s' is not a known interface", device);
    return FALSE;
}

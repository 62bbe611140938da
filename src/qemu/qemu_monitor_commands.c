/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor_commands.c: one function per QMP command: build, send, check, decode */
#define G_LOG_DOMAIN "qemu/qemu_monitor_commands"
#include "qemu/qemu_monitor.h"

#include "util/mem_error.h"

#include <string.h>

/* ---- helpers ---- */

static gboolean malformed(const char *command, const char *what, GError **err)
{
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "QEMU's answer to '%s' has no '%s' as expected", command, what);
    return FALSE;
}

/* For commands whose answer is empty. */
static gboolean done(MemJson *reply)
{
    memJsonFree(reply);
    return reply != NULL;
}

static MemJson *argumentsOf(const char *key, const char *value)
{
    MemJson *arguments = memJsonNew();

    memJsonAddString(arguments, key, value);
    return arguments;
}

static MemJson *checkArray(MemJson *reply, const char *command, GError **err)
{
    if (reply && !json_object_is_type(reply, json_type_array)) {
        memJsonFree(reply);
        malformed(command, "list", err);
        return NULL;
    }
    return reply;
}

/* ---- run state ---- */

gboolean qemuMonitorFinishStatus(QemuMonitorCall *call, gint64 deadline, char **status, gboolean *running, GError **err)
{
    g_autoptr(MemJson) reply = qemuMonitorWait(call, deadline, NULL, err);
    const char *text;

    if (!reply)
        return FALSE;
    text = memJsonGetString(reply, "status");
    if (!text || !memJsonGetBool(reply, "running", running))
        return malformed("query-status", "status", err);
    if (status)
        *status = g_strdup(text);
    return TRUE;
}

gboolean qemuMonitorQueryStatus(QemuMonitor *mon, gint64 deadline, char **status, gboolean *running, GError **err)
{
    return qemuMonitorFinishStatus(qemuMonitorSend(mon, "query-status", NULL), deadline, status, running, err);
}

gboolean qemuMonitorCont(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "cont", NULL, deadline, err));
}

gboolean qemuMonitorStop(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "stop", NULL, deadline, err));
}

gboolean qemuMonitorQuit(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "quit", NULL, deadline, err));
}

gboolean qemuMonitorSystemPowerdown(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "system_powerdown", NULL, deadline, err));
}

gboolean qemuMonitorSystemReset(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "system_reset", NULL, deadline, err));
}

gboolean qemuMonitorInjectNmi(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "inject-nmi", NULL, deadline, err));
}

/* ---- balloon ---- */

gboolean qemuMonitorBalloon(QemuMonitor *mon, guint64 bytes, gint64 deadline, GError **err)
{
    MemJson *arguments = memJsonNew();

    memJsonAddUint64(arguments, "value", bytes);
    return done(qemuMonitorCommand(mon, "balloon", arguments, deadline, err));
}

gboolean qemuMonitorFinishBalloon(QemuMonitorCall *call, gint64 deadline, guint64 *actualBytes, GError **err)
{
    g_autoptr(MemJson) reply = qemuMonitorWait(call, deadline, NULL, err);

    if (!reply)
        return FALSE;
    return memJsonGetUint64(reply, "actual", actualBytes) || malformed("query-balloon", "actual", err);
}

gboolean qemuMonitorQueryBalloon(QemuMonitor *mon, guint64 *actualBytes, gint64 deadline, GError **err)
{
    return qemuMonitorFinishBalloon(qemuMonitorSend(mon, "query-balloon", NULL), deadline, actualBytes, err);
}

QemuMonitorCall *qemuMonitorSendBalloonStats(QemuMonitor *mon, const char *alias)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", alias);

    return qemuMonitorSendQomGet(mon, path, "guest-stats");
}

/* QEMU's names for what a guest reports; the order is that of QemuMonitorBalloonStat. */
static const char *const balloonKeys[] = {
    "stat-swap-in", "stat-swap-out", "stat-major-faults", "stat-minor-faults", "stat-free-memory", "stat-total-memory",
    "stat-available-memory", "stat-disk-caches", "stat-htlb-pgalloc", "stat-htlb-pgfail",
};
G_STATIC_ASSERT(G_N_ELEMENTS(balloonKeys) == QEMU_MONITOR_BALLOON_LAST);

gboolean qemuMonitorFinishBalloonStats(QemuMonitorCall *call, gint64 deadline, QemuMonitorBalloonStats *stats, GError **err)
{
    g_autoptr(MemJson) reply = qemuMonitorWait(call, deadline, NULL, err);
    MemJson *values;

    if (!reply)
        return FALSE;
    values = memJsonGet(reply, "stats");
    if (!values)
        return malformed("qom-get", "stats", err);
    for (gsize i = 0; i < QEMU_MONITOR_BALLOON_LAST; i++) {
        /* 2^64-1 is "not reported"; QEMU writes it as a signed or an unsigned number */
        if (!memJsonGetUint64(values, balloonKeys[i], &stats->values[i]))
            stats->values[i] = G_MAXUINT64;
    }
    if (!memJsonGetUint64(reply, "last-update", &stats->lastUpdate))
        stats->lastUpdate = 0;
    return TRUE;
}

/* ---- dirty rate ---- */

MEM_ENUM_IMPL(qemuDirtyRateMode, QEMU_DIRTY_RATE_MODE_LAST, "page-sampling", "dirty-bitmap", "dirty-ring");
MEM_ENUM_IMPL(qemuDirtyRateStatus, QEMU_DIRTY_RATE_STATUS_LAST, "unstarted", "measuring", "measured");

gboolean qemuMonitorCalcDirtyRate(QemuMonitor *mon, unsigned seconds, QemuDirtyRateMode mode, gint64 deadline, GError **err)
{
    MemJson *arguments = memJsonNew();

    memJsonAddUint64(arguments, "calc-time", seconds);
    /* what a QEMU that knows no other mode does, too */
    if (mode != QEMU_DIRTY_RATE_PAGE_SAMPLING)
        memJsonAddString(arguments, "mode", qemuDirtyRateModeToString(mode));
    return done(qemuMonitorCommand(mon, "calc-dirty-rate", arguments, deadline, err));
}

void qemuMonitorDirtyRateClear(QemuMonitorDirtyRate *rate)
{
    g_clear_pointer(&rate->vcpus, g_array_unref);
}

/* Absent is fine: only the ring tells one vCPU from another. */
static gboolean decodeVcpuRates(MemJson *reply, GArray *vcpus, GError **err)
{
    MemJson *list = memJsonGet(reply, "vcpu-dirty-rate");

    for (gsize i = 0; list && i < memJsonArrayLength(list); i++) {
        MemJson *entry = memJsonArrayGet(list, i);
        QemuMonitorVcpuDirtyRate rate;

        if (!memJsonGetInt(entry, "id", &rate.vcpu) || !memJsonGetInt(entry, "dirty-rate", &rate.mibPerSecond))
            return malformed("query-dirty-rate", "vcpu-dirty-rate", err);
        g_array_append_val(vcpus, rate);
    }
    return TRUE;
}

gboolean qemuMonitorFinishDirtyRate(QemuMonitorCall *call, gint64 deadline, QemuMonitorDirtyRate *rate, GError **err)
{
    g_autoptr(MemJson) reply = qemuMonitorWait(call, deadline, NULL, err);
    g_autoptr(GArray) vcpus = g_array_new(FALSE, FALSE, sizeof(QemuMonitorVcpuDirtyRate));
    const char *status, *mode;
    int statusValue, modeValue;

    if (!reply)
        return FALSE;
    status = memJsonGetString(reply, "status");
    statusValue = status ? qemuDirtyRateStatusFromString(status) : -1;
    if (statusValue < 0)
        return malformed("query-dirty-rate", "status", err);
    mode = memJsonGetString(reply, "mode");
    modeValue = mode ? qemuDirtyRateModeFromString(mode) : QEMU_DIRTY_RATE_PAGE_SAMPLING;
    if (modeValue < 0)
        return malformed("query-dirty-rate", "mode", err);
    if (!memJsonGetInt(reply, "start-time", &rate->startSeconds))
        return malformed("query-dirty-rate", "start-time", err);
    if (!memJsonGetInt(reply, "calc-time", &rate->periodSeconds))
        return malformed("query-dirty-rate", "calc-time", err);
    if (!memJsonGetInt(reply, "dirty-rate", &rate->mibPerSecond))
        rate->mibPerSecond = -1;
    if (!decodeVcpuRates(reply, vcpus, err))
        return FALSE;
    rate->status = (QemuDirtyRateStatus)statusValue;
    rate->mode = (QemuDirtyRateMode)modeValue;
    rate->vcpus = g_steal_pointer(&vcpus);
    return TRUE;
}

/* ---- memory devices ---- */

static void memoryDeviceFree(gpointer data)
{
    QemuMonitorMemoryDevice *device = data;

    g_free(device->id);
    g_free(device->kind);
    g_free(device->memdev);
    g_free(device);
}

/* Only what every kind has to have is checked: "type" and an object "data". */
static QemuMonitorMemoryDevice *memoryDeviceDecode(MemJson *entry)
{
    const char *kind = memJsonGetString(entry, "type");
    MemJson *data = memJsonGet(entry, "data");
    QemuMonitorMemoryDevice *device;

    if (!kind || !data)
        return NULL;
    device = g_new0(QemuMonitorMemoryDevice, 1);
    device->kind = g_strdup(kind);
    device->id = g_strdup(memJsonGetString(data, "id"));
    device->memdev = g_strdup(memJsonGetString(data, "memdev"));
    device->slot = device->node = -1;
    memJsonGetInt(data, "slot", &device->slot);
    memJsonGetInt(data, "node", &device->node);
    if (!memJsonGetUint64(data, "addr", &device->addressBytes))
        memJsonGetUint64(data, "memaddr", &device->addressBytes);
    memJsonGetUint64(data, "size", &device->sizeBytes);
    memJsonGetUint64(data, "requested-size", &device->requestedBytes);
    memJsonGetUint64(data, "max-size", &device->maxBytes);
    memJsonGetUint64(data, "block-size", &device->blockBytes);
    memJsonGetBool(data, "hotplugged", &device->hotplugged);
    return device;
}

GPtrArray *qemuMonitorFinishMemoryDevices(QemuMonitorCall *call, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) reply = checkArray(qemuMonitorWait(call, deadline, NULL, err), "query-memory-devices", err);
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(memoryDeviceFree);

    if (!reply)
        return NULL;
    for (gsize i = 0; i < memJsonArrayLength(reply); i++) {
        QemuMonitorMemoryDevice *device = memoryDeviceDecode(memJsonArrayGet(reply, i));

        if (device)
            g_ptr_array_add(devices, device);
        else
            g_warning("QEMU's answer to 'query-memory-devices' has an entry without 'type' or 'data'");
    }
    return g_steal_pointer(&devices);
}

GPtrArray *qemuMonitorQueryMemoryDevices(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return qemuMonitorFinishMemoryDevices(qemuMonitorSend(mon, "query-memory-devices", NULL), deadline, err);
}

gboolean qemuMonitorObjectAdd(QemuMonitor *mon, MemJson *properties, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "object-add", properties, deadline, err));
}

gboolean qemuMonitorObjectDel(QemuMonitor *mon, const char *id, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "object-del", argumentsOf("id", id), deadline, err));
}

gboolean qemuMonitorDeviceAdd(QemuMonitor *mon, MemJson *properties, gint64 deadline, GError **err)
{
    return done(qemuMonitorCommand(mon, "device_add", properties, deadline, err));
}

gboolean qemuMonitorDeviceDel(QemuMonitor *mon, const char *id, gint64 deadline, char **errorClass, GError **err)
{
    return done(qemuMonitorWait(qemuMonitorSend(mon, "device_del", argumentsOf("id", id)), deadline, errorClass, err));
}

/* ---- QOM ---- */

QemuMonitorCall *qemuMonitorSendQomSet(QemuMonitor *mon, const char *path, const char *property, MemJson *value)
{
    MemJson *arguments = argumentsOf("path", path);

    memJsonAddString(arguments, "property", property);
    memJsonAdd(arguments, "value", value);
    return qemuMonitorSend(mon, "qom-set", arguments);
}

gboolean qemuMonitorQomSet(QemuMonitor *mon, const char *path, const char *property, MemJson *value, gint64 deadline, GError **err)
{
    return done(qemuMonitorWait(qemuMonitorSendQomSet(mon, path, property, value), deadline, NULL, err));
}

QemuMonitorCall *qemuMonitorSendQomGet(QemuMonitor *mon, const char *path, const char *property)
{
    MemJson *arguments = argumentsOf("path", path);

    memJsonAddString(arguments, "property", property);
    return qemuMonitorSend(mon, "qom-get", arguments);
}

MemJson *qemuMonitorQomGet(QemuMonitor *mon, const char *path, const char *property, gint64 deadline, GError **err)
{
    return qemuMonitorWait(qemuMonitorSendQomGet(mon, path, property), deadline, NULL, err);
}

char **qemuMonitorQomList(QemuMonitor *mon, const char *path, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) reply = checkArray(qemuMonitorCommand(mon, "qom-list", argumentsOf("path", path), deadline, err),
                                          "qom-list", err);
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    if (!reply)
        return NULL;
    for (gsize i = 0; i < memJsonArrayLength(reply); i++) {
        const char *name = memJsonGetString(memJsonArrayGet(reply, i), "name");

        if (!name) {
            malformed("qom-list", "name", err);
            return NULL;
        }
        g_strv_builder_add(names, name);
    }
    return g_strv_builder_end(names);
}

/* ---- character devices ---- */

GHashTable *qemuMonitorFinishChardevs(QemuMonitorCall *call, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) reply = checkArray(qemuMonitorWait(call, deadline, NULL, err), "query-chardev", err);
    g_autoptr(GHashTable) ptys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    if (!reply)
        return NULL;
    for (gsize i = 0; i < memJsonArrayLength(reply); i++) {
        MemJson *entry = memJsonArrayGet(reply, i);
        const char *label = memJsonGetString(entry, "label");
        const char *file = memJsonGetString(entry, "filename");

        if (!label || !file) {
            malformed("query-chardev", "filename", err);
            return NULL;
        }
        if (g_str_has_prefix(file, "pty:"))
            g_hash_table_insert(ptys, g_strdup(label), g_strdup(file + strlen("pty:")));
    }
    return g_steal_pointer(&ptys);
}

GHashTable *qemuMonitorQueryChardevs(QemuMonitor *mon, gint64 deadline, GError **err)
{
    return qemuMonitorFinishChardevs(qemuMonitorSend(mon, "query-chardev", NULL), deadline, err);
}

/* ---- CPUs, disks, display ---- */

GArray *qemuMonitorFinishCpus(QemuMonitorCall *call, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) reply = checkArray(qemuMonitorWait(call, deadline, NULL, err), "query-cpus-fast", err);
    g_autoptr(GArray) threads = g_array_new(FALSE, TRUE, sizeof(gint64));

    if (!reply)
        return NULL;
    g_array_set_size(threads, (guint)memJsonArrayLength(reply));
    for (gsize i = 0; i < memJsonArrayLength(reply); i++) {
        gint64 index = -1, thread = 0;
        MemJson *entry = memJsonArrayGet(reply, i);

        if (!memJsonGetInt(entry, "cpu-index", &index) || !memJsonGetInt(entry, "thread-id", &thread)) {
            malformed("query-cpus-fast", "thread-id", err);
            return NULL;
        }
        if (index >= 0 && index < threads->len)
            g_array_index(threads, gint64, index) = thread;
    }
    return g_steal_pointer(&threads);
}

static void blockStatsFree(gpointer data)
{
    QemuMonitorBlockStats *stats = data;

    g_free(stats->qdev);
    g_free(stats->nodeName);
    g_free(stats->device);
    g_free(stats);
}

static QemuMonitorBlockStats *blockStatsDecode(MemJson *entry)
{
    MemJson *values = memJsonGet(entry, "stats");
    QemuMonitorBlockStats *stats;

    if (!values)
        return NULL;
    stats = g_new0(QemuMonitorBlockStats, 1);
    stats->device = g_strdup(memJsonGetString(entry, "device"));
    stats->qdev = g_strdup(memJsonGetString(entry, "qdev"));
    stats->nodeName = g_strdup(memJsonGetString(entry, "node-name"));
    memJsonGetInt(values, "rd_operations", &stats->readRequests);
    memJsonGetInt(values, "rd_bytes", &stats->readBytes);
    memJsonGetInt(values, "rd_total_time_ns", &stats->readNs);
    memJsonGetInt(values, "wr_operations", &stats->writeRequests);
    memJsonGetInt(values, "wr_bytes", &stats->writeBytes);
    memJsonGetInt(values, "wr_total_time_ns", &stats->writeNs);
    memJsonGetInt(values, "flush_operations", &stats->flushRequests);
    memJsonGetInt(values, "flush_total_time_ns", &stats->flushNs);
    return stats;
}

GPtrArray *qemuMonitorFinishBlockStats(QemuMonitorCall *call, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) reply = checkArray(qemuMonitorWait(call, deadline, NULL, err), "query-blockstats", err);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(blockStatsFree);

    if (!reply)
        return NULL;
    for (gsize i = 0; i < memJsonArrayLength(reply); i++) {
        QemuMonitorBlockStats *stats = blockStatsDecode(memJsonArrayGet(reply, i));

        if (!stats) {
            malformed("query-blockstats", "stats", err);
            return NULL;
        }
        g_ptr_array_add(all, stats);
    }
    return g_steal_pointer(&all);
}

gboolean qemuMonitorFinishVnc(QemuMonitorCall *call, gint64 deadline, char **host, int *port, GError **err)
{
    g_autoptr(MemJson) reply = qemuMonitorWait(call, deadline, NULL, err);
    const char *service;

    if (!reply)
        return FALSE;
    service = memJsonGetString(reply, "service");
    *host = g_strdup(memJsonGetString(reply, "host"));
    *port = service ? (int)g_ascii_strtoll(service, NULL, 10) : -1;
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemumonitortest.c: the QMP dialogue against a scripted QEMU: every command, errors, deadlines, garbage, loss, events */
#include "monitormock.h"
#include "qemu/qemu_monitor.h"
#include "util/mem_error.h"

#include <string.h>
#include <unistd.h>

#define SOON (g_get_monotonic_time() + 20 * G_USEC_PER_SEC)
#define SCHEMA_FILE "qemucapabilitiesdata/qemu_7.2.0.schema.json"

static char *schema;
static GMainContext *context;
static int warnings;            /* atomic */

/* ---- one monitor and its mock ---- */

typedef struct {
    MonitorMock *mock;
    QemuMonitor *mon;
    GMutex lock;
    GCond changed;
    GString *seen;              /* under lock: events, one a line */
    int closed;                 /* under lock */
} Case;

static void onEvent(QemuMonitor *mon, const char *name, gint64 seconds, unsigned micros, MemJson *data, gpointer opaque)
{
    Case *test = opaque;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&test->lock);
    g_autofree char *text = data ? memJsonFormat(data) : g_strdup("-");

    g_string_append_printf(test->seen, "%s %" G_GINT64_FORMAT ".%06u %s\n", name, seconds, micros, text);
    g_cond_broadcast(&test->changed);
}

static void onClosed(QemuMonitor *mon, const char *why, gpointer opaque)
{
    Case *test = opaque;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&test->lock);

    test->closed++;
    g_cond_broadcast(&test->changed);
}

static Case *beginStale(const char *stale)
{
    Case *test = g_new0(Case, 1);

    g_mutex_init(&test->lock);
    g_cond_init(&test->changed);
    test->seen = g_string_new(NULL);
    test->mock = monitorMockNewStale(schema, stale);
    g_atomic_int_set(&warnings, 0);
    return test;
}

static Case *begin(void)
{
    return beginStale(NULL);
}

static void go(Case *test)
{
    static const QemuMonitorCallbacks callbacks = { .event = onEvent, .closed = onClosed };
    g_autoptr(GError) error = NULL;

    test->mon = qemuMonitorOpen(monitorMockStart(test->mock), "guest", context, &callbacks, test, &error);
    g_assert_no_error(error);
}

static void waitSeen(Case *test, const char *text)
{
    gint64 deadline = SOON;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&test->lock);

    while (!strstr(test->seen->str, text)) {
        if (!g_cond_wait_until(&test->changed, &test->lock, deadline))
            g_error("no event '%s' in: %s", text, test->seen->str);
    }
}

static void waitClosed(Case *test)
{
    gint64 deadline = SOON;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&test->lock);

    while (!test->closed)
        g_assert_true(g_cond_wait_until(&test->changed, &test->lock, deadline));
}

static gboolean tick(gpointer data)
{
    gint *done = data;

    g_atomic_int_set(done, TRUE);
    return G_SOURCE_REMOVE;
}

/* The loop has finished whatever it was doing. */
static void settle(void)
{
    gint done = FALSE;

    g_main_context_invoke(context, tick, &done);
    while (!g_atomic_int_get(&done))
        g_thread_yield();
}

static void end(Case *test)
{
    g_autofree char *problem = NULL;

    qemuMonitorClose(test->mon);
    problem = monitorMockFinish(test->mock);
    if (problem)
        g_error("%s", problem);
    settle();
    qemuMonitorUnref(test->mon);
    g_string_free(test->seen, TRUE);
    g_mutex_clear(&test->lock);
    g_cond_clear(&test->changed);
    g_free(test);
}

/* ---- every command ---- */

#define OK "{\"return\": {}}"

static gboolean callStatus(QemuMonitor *mon, GError **err)
{
    g_autofree char *status = NULL;
    gboolean running = FALSE;

    if (!qemuMonitorQueryStatus(mon, SOON, &status, &running, err))
        return FALSE;
    g_assert_cmpstr(status, ==, "running");
    g_assert_true(running);
    return TRUE;
}

static gboolean callCont(QemuMonitor *mon, GError **err)
{
    return qemuMonitorCont(mon, SOON, err);
}

static gboolean callStop(QemuMonitor *mon, GError **err)
{
    return qemuMonitorStop(mon, SOON, err);
}

static gboolean callQuit(QemuMonitor *mon, GError **err)
{
    return qemuMonitorQuit(mon, SOON, err);
}

static gboolean callPowerdown(QemuMonitor *mon, GError **err)
{
    return qemuMonitorSystemPowerdown(mon, SOON, err);
}

static gboolean callReset(QemuMonitor *mon, GError **err)
{
    return qemuMonitorSystemReset(mon, SOON, err);
}

static gboolean callNmi(QemuMonitor *mon, GError **err)
{
    return qemuMonitorInjectNmi(mon, SOON, err);
}

static gboolean callBalloon(QemuMonitor *mon, GError **err)
{
    return qemuMonitorBalloon(mon, G_GUINT64_CONSTANT(5) << 30, SOON, err);
}

static gboolean callQueryBalloon(QemuMonitor *mon, GError **err)
{
    guint64 bytes = 0;

    if (!qemuMonitorQueryBalloon(mon, &bytes, SOON, err))
        return FALSE;
    g_assert_cmpuint(bytes, ==, 524288000);
    return TRUE;
}

static gboolean callBalloonStats(QemuMonitor *mon, GError **err)
{
    QemuMonitorBalloonStats stats;

    if (!qemuMonitorFinishBalloonStats(qemuMonitorSendBalloonStats(mon, "balloon0"), SOON, &stats, err))
        return FALSE;
    g_assert_cmpuint(stats.values[QEMU_MONITOR_BALLOON_FREE], ==, 4096);
    g_assert_cmpuint(stats.values[QEMU_MONITOR_BALLOON_SWAP_IN], ==, G_MAXUINT64);
    g_assert_cmpuint(stats.values[QEMU_MONITOR_BALLOON_TOTAL], ==, G_MAXUINT64);
    g_assert_cmpuint(stats.lastUpdate, ==, 1700000000);
    return TRUE;
}

static gboolean callMemoryDevices(QemuMonitor *mon, GError **err)
{
    g_autoptr(GPtrArray) devices = qemuMonitorQueryMemoryDevices(mon, SOON, err);
    const QemuMonitorMemoryDevice *dimm, *virtio;

    if (!devices)
        return FALSE;
    g_assert_cmpuint(devices->len, ==, 3);
    dimm = g_ptr_array_index(devices, 0);
    virtio = g_ptr_array_index(devices, 1);
    g_assert_cmpstr(dimm->id, ==, "dimm0");
    g_assert_cmpint(dimm->slot, ==, 1);
    g_assert_cmpuint(dimm->addressBytes, ==, G_GUINT64_CONSTANT(4294967296));
    g_assert_true(dimm->hotplugged);
    g_assert_cmpuint(virtio->requestedBytes, ==, 134217728);
    g_assert_cmpuint(virtio->maxBytes, ==, 536870912);
    g_assert_cmpint(virtio->slot, ==, -1);
    g_assert_cmpstr(((QemuMonitorMemoryDevice *)g_ptr_array_index(devices, 2))->kind, ==, "from-the-future");
    return TRUE;
}

static gboolean callObjectAdd(QemuMonitor *mon, GError **err)
{
    MemJson *object = memJsonNew();

    memJsonAddString(object, "qom-type", "memory-backend-ram");
    memJsonAddString(object, "id", "memdimm0");
    memJsonAddUint64(object, "size", 134217728);
    return qemuMonitorObjectAdd(mon, object, SOON, err);
}

static gboolean callObjectDel(QemuMonitor *mon, GError **err)
{
    return qemuMonitorObjectDel(mon, "memdimm0", SOON, err);
}

static gboolean callDeviceAdd(QemuMonitor *mon, GError **err)
{
    MemJson *device = memJsonNew();

    memJsonAddString(device, "driver", "pc-dimm");
    memJsonAddString(device, "memdev", "memdimm0");
    memJsonAddString(device, "id", "dimm0");
    memJsonAddUint64(device, "slot", 0);
    return qemuMonitorDeviceAdd(mon, device, SOON, err);
}

static gboolean callDeviceDel(QemuMonitor *mon, GError **err)
{
    return qemuMonitorDeviceDel(mon, "dimm0", SOON, NULL, err);
}

static gboolean callQomSet(QemuMonitor *mon, GError **err)
{
    return qemuMonitorQomSet(mon, "/machine/peripheral/virtiomem0", "requested-size", json_object_new_int64(1048576), SOON, err);
}

static gboolean callQomGet(QemuMonitor *mon, GError **err)
{
    g_autoptr(MemJson) value = qemuMonitorQomGet(mon, "/machine/peripheral/virtiomem0", "size", SOON, err);

    if (!value)
        return FALSE;
    g_assert_cmpint(json_object_get_int64(value), ==, 42);
    return TRUE;
}

static gboolean callQomList(QemuMonitor *mon, GError **err)
{
    g_auto(GStrv) names = qemuMonitorQomList(mon, "/machine/peripheral", SOON, err);

    if (!names)
        return FALSE;
    g_assert_cmpuint(g_strv_length(names), ==, 2);
    g_assert_cmpstr(names[1], ==, "balloon0");
    return TRUE;
}

static gboolean callCalcSampling(QemuMonitor *mon, GError **err)
{
    return qemuMonitorCalcDirtyRate(mon, 1, QEMU_DIRTY_RATE_PAGE_SAMPLING, SOON, err);
}

static gboolean callCalcBitmap(QemuMonitor *mon, GError **err)
{
    return qemuMonitorCalcDirtyRate(mon, 60, QEMU_DIRTY_RATE_DIRTY_BITMAP, SOON, err);
}

static gboolean callCalcRing(QemuMonitor *mon, GError **err)
{
    return qemuMonitorCalcDirtyRate(mon, 2, QEMU_DIRTY_RATE_DIRTY_RING, SOON, err);
}

static gboolean callDirtyRateSoon(QemuMonitor *mon, GError **err)
{
    g_auto(QemuMonitorDirtyRate) rate = { 0 };

    if (!qemuMonitorFinishDirtyRate(qemuMonitorSend(mon, "query-dirty-rate", NULL), SOON, &rate, err))
        return FALSE;
    g_assert_cmpint(rate.status, ==, QEMU_DIRTY_RATE_MEASURING);
    g_assert_cmpint(rate.mode, ==, QEMU_DIRTY_RATE_PAGE_SAMPLING);
    g_assert_cmpint(rate.mibPerSecond, ==, -1);
    g_assert_cmpuint(rate.vcpus->len, ==, 0);
    return TRUE;
}

static gboolean callDirtyRate(QemuMonitor *mon, GError **err)
{
    g_auto(QemuMonitorDirtyRate) rate = { 0 };
    const QemuMonitorVcpuDirtyRate *last;

    if (!qemuMonitorFinishDirtyRate(qemuMonitorSend(mon, "query-dirty-rate", NULL), SOON, &rate, err))
        return FALSE;
    g_assert_cmpint(rate.status, ==, QEMU_DIRTY_RATE_MEASURED);
    g_assert_cmpint(rate.mode, ==, QEMU_DIRTY_RATE_DIRTY_RING);
    g_assert_cmpint(rate.startSeconds, ==, 17055);
    g_assert_cmpint(rate.periodSeconds, ==, 2);
    g_assert_cmpint(rate.mibPerSecond, ==, 19);
    g_assert_cmpuint(rate.vcpus->len, ==, 2);
    last = &g_array_index(rate.vcpus, QemuMonitorVcpuDirtyRate, 1);
    g_assert_cmpint(last->vcpu, ==, 1);
    g_assert_cmpint(last->mibPerSecond, ==, 16);
    return TRUE;
}

static gboolean callChardevs(QemuMonitor *mon, GError **err)
{
    g_autoptr(GHashTable) ptys = qemuMonitorQueryChardevs(mon, SOON, err);

    if (!ptys)
        return FALSE;
    g_assert_cmpuint(g_hash_table_size(ptys), ==, 1);
    g_assert_cmpstr(g_hash_table_lookup(ptys, "charserial0"), ==, "/dev/pts/7");
    return TRUE;
}

static gboolean callCpus(QemuMonitor *mon, GError **err)
{
    g_autoptr(GArray) threads = qemuMonitorFinishCpus(qemuMonitorSend(mon, "query-cpus-fast", NULL), SOON, err);

    if (!threads)
        return FALSE;
    g_assert_cmpuint(threads->len, ==, 2);
    g_assert_cmpint(g_array_index(threads, gint64, 1), ==, 100);
    return TRUE;
}

static gboolean callBlockStats(QemuMonitor *mon, GError **err)
{
    g_autoptr(GPtrArray) all = qemuMonitorFinishBlockStats(qemuMonitorSend(mon, "query-blockstats", NULL), SOON, err);
    const QemuMonitorBlockStats *stats;

    if (!all)
        return FALSE;
    stats = g_ptr_array_index(all, 0);
    g_assert_cmpint(stats->readBytes, ==, 512);
    g_assert_cmpstr(stats->nodeName, ==, "format-1");
    return TRUE;
}

static gboolean callVnc(QemuMonitor *mon, GError **err)
{
    g_autofree char *host = NULL;
    int port = 0;

    if (!qemuMonitorFinishVnc(qemuMonitorSend(mon, "query-vnc", NULL), SOON, &host, &port, err))
        return FALSE;
    g_assert_cmpint(port, ==, 5901);
    g_assert_cmpstr(host, ==, "127.0.0.1");
    return TRUE;
}

/* @malformed: an answer of the wrong shape, NULL if any answer is right. */
static const struct {
    const char *name;
    gboolean (*call)(QemuMonitor *mon, GError **err);
    const char *request, *reply, *malformed;
} commands[] = {
    { "query-status", callStatus, "{\"execute\":\"query-status\"}",
      "{\"return\":{\"status\":\"running\",\"singlestep\":false,\"running\":true}}", "{\"return\":{\"status\":7}}" },
    { "cont", callCont, "{\"execute\":\"cont\"}", OK, NULL },
    { "stop", callStop, "{\"execute\":\"stop\"}", OK, NULL },
    { "quit", callQuit, "{\"execute\":\"quit\"}", OK, NULL },
    { "system_powerdown", callPowerdown, "{\"execute\":\"system_powerdown\"}", OK, NULL },
    { "system_reset", callReset, "{\"execute\":\"system_reset\"}", OK, NULL },
    { "inject-nmi", callNmi, "{\"execute\":\"inject-nmi\"}", OK, NULL },
    { "balloon", callBalloon, "{\"execute\":\"balloon\",\"arguments\":{\"value\":5368709120}}", OK, NULL },
    { "query-balloon", callQueryBalloon, "{\"execute\":\"query-balloon\"}", "{\"return\":{\"actual\":524288000}}",
      "{\"return\":{\"actual\":\"much\"}}" },
    { "guest-stats", callBalloonStats,
      "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/balloon0\",\"property\":\"guest-stats\"}}",
      "{\"return\":{\"stats\":{\"stat-free-memory\":4096,\"stat-swap-in\":18446744073709551615},\"last-update\":1700000000}}",
      "{\"return\":{\"last-update\":0}}" },
    { "query-memory-devices", callMemoryDevices, "{\"execute\":\"query-memory-devices\"}",
      "{\"return\":[{\"type\":\"dimm\",\"data\":{\"memdev\":\"/objects/memdimm0\",\"hotplugged\":true,\"addr\":4294967296,"
      "\"hotpluggable\":true,\"size\":134217728,\"slot\":1,\"node\":0,\"id\":\"dimm0\"}},"
      "{\"type\":\"virtio-mem\",\"data\":{\"node\":0,\"requested-size\":134217728,\"memdev\":\"/objects/memvirtiomem0\","
      "\"memaddr\":8589934592,\"max-size\":536870912,\"block-size\":2097152,\"size\":0,\"id\":\"virtiomem0\"}},"
      "{\"type\":\"from-the-future\",\"data\":{\"id\":\"x\"}}]}", "{\"return\":{}}" },
    { "object-add", callObjectAdd,
      "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"memdimm0\",\"size\":134217728}}", OK, NULL },
    { "object-del", callObjectDel, "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"memdimm0\"}}", OK, NULL },
    { "device_add", callDeviceAdd,
      "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"pc-dimm\",\"memdev\":\"memdimm0\",\"id\":\"dimm0\",\"slot\":0}}", OK, NULL },
    { "device_del", callDeviceDel, "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"dimm0\"}}", OK, NULL },
    { "qom-set", callQomSet,
      "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/virtiomem0\",\"property\":\"requested-size\","
      "\"value\":1048576}}", OK, NULL },
    { "qom-get", callQomGet,
      "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/virtiomem0\",\"property\":\"size\"}}",
      "{\"return\":42}", NULL },
    { "qom-list", callQomList, "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral\"}}",
      "{\"return\":[{\"name\":\"type\",\"type\":\"string\"},{\"name\":\"balloon0\",\"type\":\"child<x>\"}]}",
      "{\"return\":[{\"type\":\"string\"}]}" },
    { "calc-dirty-rate/page-sampling", callCalcSampling, "{\"execute\":\"calc-dirty-rate\",\"arguments\":{\"calc-time\":1}}", OK, NULL },
    { "calc-dirty-rate/dirty-bitmap", callCalcBitmap,
      "{\"execute\":\"calc-dirty-rate\",\"arguments\":{\"calc-time\":60,\"mode\":\"dirty-bitmap\"}}", OK, NULL },
    { "calc-dirty-rate/dirty-ring", callCalcRing,
      "{\"execute\":\"calc-dirty-rate\",\"arguments\":{\"calc-time\":2,\"mode\":\"dirty-ring\"}}", OK, NULL },
    { "query-dirty-rate/measuring", callDirtyRateSoon, "{\"execute\":\"query-dirty-rate\"}",
      "{\"return\":{\"status\":\"measuring\",\"sample-pages\":512,\"mode\":\"page-sampling\",\"start-time\":17055,\"calc-time\":1}}",
      "{\"return\":{\"status\":\"resting\",\"mode\":\"page-sampling\",\"start-time\":0,\"calc-time\":0}}" },
    { "query-dirty-rate/measured", callDirtyRate, "{\"execute\":\"query-dirty-rate\"}",
      "{\"return\":{\"status\":\"measured\",\"sample-pages\":0,\"dirty-rate\":19,\"mode\":\"dirty-ring\",\"start-time\":17055,"
      "\"calc-time\":2,\"vcpu-dirty-rate\":[{\"id\":0,\"dirty-rate\":3},{\"id\":1,\"dirty-rate\":16}]}}",
      "{\"return\":{\"status\":\"measured\",\"dirty-rate\":1,\"mode\":\"dirty-ring\",\"start-time\":1,\"calc-time\":2,"
      "\"vcpu-dirty-rate\":[{\"id\":0}]}}" },
    { "query-chardev", callChardevs, "{\"execute\":\"query-chardev\"}",
      "{\"return\":[{\"frontend-open\":true,\"filename\":\"pty:/dev/pts/7\",\"label\":\"charserial0\"},"
      "{\"frontend-open\":true,\"filename\":\"unix:/x,server=on\",\"label\":\"charmonitor\"}]}", "{\"return\":[{\"label\":\"x\"}]}" },
    { "query-cpus-fast", callCpus, "{\"execute\":\"query-cpus-fast\"}",
      "{\"return\":[{\"cpu-index\":1,\"thread-id\":100},{\"cpu-index\":0,\"thread-id\":99}]}", "{\"return\":[{}]}" },
    { "query-blockstats", callBlockStats, "{\"execute\":\"query-blockstats\"}",
      "{\"return\":[{\"device\":\"\",\"node-name\":\"format-1\",\"stats\":{\"rd_bytes\":512,\"rd_operations\":1}}]}", "{\"return\":[{}]}" },
    { "query-vnc", callVnc, "{\"execute\":\"query-vnc\"}",
      "{\"return\":{\"enabled\":true,\"service\":\"5901\",\"host\":\"127.0.0.1\"}}", NULL },
};

static void testCommand(gconstpointer data)
{
    const gsize i = GPOINTER_TO_SIZE(data);
    Case *test = begin();
    g_autoptr(GError) error = NULL, refused = NULL, malformed = NULL;

    monitorMockExpect(test->mock, commands[i].request, commands[i].reply);
    monitorMockExpect(test->mock, commands[i].request, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"not today\"}}");
    if (commands[i].malformed)
        monitorMockExpect(test->mock, commands[i].request, commands[i].malformed);
    go(test);
    g_assert_true(commands[i].call(test->mon, &error));
    g_assert_no_error(error);
    g_assert_false(commands[i].call(test->mon, &refused));
    g_assert_error(refused, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(refused->message, "not today"));
    if (commands[i].malformed) {
        g_assert_false(commands[i].call(test->mon, &malformed));
        g_assert_error(malformed, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    }
    end(test);
}

/* ---- the dialogue ---- */

static void testErrorClass(void)
{
    Case *test = begin();
    g_autoptr(GError) error = NULL;
    g_autofree char *class = NULL;

    monitorMockExpect(test->mock, "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"x\"}}",
                      "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"Device 'x' not found\"}}");
    go(test);
    g_assert_false(qemuMonitorDeviceDel(test->mon, "x", SOON, &class, &error));
    g_assert_cmpstr(class, ==, "DeviceNotFound");
    g_assert_cmpstr(error->message, ==, "unable to execute QEMU command 'device_del': Device 'x' not found");
    end(test);
}

static void testDeadline(void)
{
    Case *test = begin();
    g_autoptr(GError) error = NULL;

    monitorMockExpect(test->mock, "{\"execute\":\"stop\"}", NULL);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", NULL);
    /* the answer that came too late is not taken for the next one */
    monitorMockSay(test->mock, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"late\"}}\r\n{\"return\": {}}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"system_reset\"}", OK);
    go(test);
    g_assert_false(qemuMonitorStop(test->mon, g_get_monotonic_time(), &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_true(qemuMonitorSystemReset(test->mon, SOON, NULL));
    /* that it was refused */
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 1);
    end(test);
}

static void testManyAtOnce(void)
{
    Case *test = begin();
    QemuMonitorCall *first, *second;
    g_autoptr(MemJson) one = NULL, two = NULL;
    gint64 value = 0;

    monitorMockExpect(test->mock, "{\"execute\":\"query-balloon\"}", NULL);
    monitorMockExpect(test->mock, "{\"execute\":\"query-status\"}", NULL);
    monitorMockSay(test->mock, "{\"return\": {\"n\": 2}}\n{\"return\": {\"n\": 3}}\n", -1);
    go(test);
    first = qemuMonitorSend(test->mon, "query-balloon", NULL);
    second = qemuMonitorSend(test->mon, "query-status", NULL);
    one = qemuMonitorWait(first, SOON, NULL, NULL);
    two = qemuMonitorWait(second, SOON, NULL, NULL);
    g_assert_true(memJsonGetInt(one, "n", &value));
    g_assert_cmpint(value, ==, 2);
    g_assert_true(memJsonGetInt(two, "n", &value));
    g_assert_cmpint(value, ==, 3);
    end(test);
}

/* QEMU still carries out what the daemon before us told it, and answers when we are there. */
static void testStaleAnswer(void)
{
    Case *test = beginStale("{\"return\": {\"stale\": true}}\r\n{\"return\": {\"stale\": 1}, \"id\": 2}\r\n");
    g_autoptr(MemJson) answer = NULL;
    gint64 value = 0;

    monitorMockExpect(test->mock, "{\"execute\":\"query-status\"}", "{\"return\":{\"n\":5}}");
    go(test);
    answer = qemuMonitorCommand(test->mon, "query-status", NULL, SOON, NULL);
    g_assert_true(memJsonGetInt(answer, "n", &value));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 2);
    end(test);
}

static void testEvents(gsize tear)
{
    Case *test = begin();

    monitorMockTear(test->mock, tear);
    monitorMockSay(test->mock, "{\"timestamp\": {\"seconds\": 5, \"microseconds\": 7}, \"event\": \"STOP\"}\r\n"
                               "{\"timestamp\": {\"seconds\": 6, \"microseconds\": 0}, \"event\": \"RESET\", "
                               "\"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    waitSeen(test, "RESET");
    g_assert_cmpstr(test->seen->str, ==, "STOP 5.000007 -\nRESET 6.000000 {\"guest\":true,\"reason\":\"guest-reset\"}\n");
    end(test);
}

static void testEventsWhole(void)
{
    testEvents(0);
}

static void testEventsTorn(void)
{
    testEvents(1);
}

static void testGarbage(void)
{
    static const char *const lines[] = {
        "\x01\x02\xff nonsense\r\n", "{\"unfinished\": \r\n", "[]\r\n", "7\r\n", "{\"what\": \"is this\"}\r\n",
        "{\"return\": {}, \"id\": 999}\r\n", "{\"return\": {}, \"id\": \"somebody-1\"}\r\n", "{\"return\": {}, \"id\": 0}\r\n", "{\"id\": 2}\r\n",
    };
    Case *test = begin();

    monitorMockSay(test->mock, "\r\n\n\r\n", -1);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        monitorMockSay(test->mock, lines[i], -1);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, (int)G_N_ELEMENTS(lines));
    g_assert_cmpint(test->closed, ==, 0);
    end(test);
}

/* An answer that nobody waits for: from then on nothing is left to the order. */
static void testSurprise(void)
{
    Case *test = begin();

    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    monitorMockSay(test->mock, "{\"return\": {}}\r\n{\"timestamp\": {\"seconds\": 1, \"microseconds\": 1}, \"event\": \"STOP\"}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"stop\",\"id\":true}", NULL);
    monitorMockSay(test->mock, "{\"return\": {}}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\",\"id\":true}", OK);
    go(test);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    waitSeen(test, "STOP");
    qemuMonitorForget(qemuMonitorSend(test->mon, "stop", NULL));
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 2);
    end(test);
}

/* An answer that cannot be read is one all the same: the next is not taken for it. */
static void testUnreadableReply(void)
{
    Case *test = begin();
    gsize length = QEMU_MONITOR_MAX_LINE + 100000;
    g_autofree char *line = g_malloc(length);
    g_autoptr(GError) broken = NULL, large = NULL;

    memset(line, 'x', length);
    memcpy(line, "{\"return\": \"", strlen("{\"return\": \""));
    line[length - 1] = '\n';
    monitorMockExpect(test->mock, "{\"execute\":\"stop\"}", NULL);
    monitorMockSay(test->mock, "{\"return\": {]}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"query-status\"}", NULL);
    monitorMockSay(test->mock, line, (gssize)length);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    g_assert_false(qemuMonitorStop(test->mon, SOON, &broken));
    g_assert_error(broken, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_null(qemuMonitorCommand(test->mon, "query-status", NULL, SOON, &large));
    g_assert_error(large, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 2);
    end(test);
}

static void testLongLine(void)
{
    Case *test = begin();
    gsize length = QEMU_MONITOR_MAX_LINE + 100000;
    g_autofree char *line = g_malloc(length);

    memset(line, 'x', length);
    line[length - 1] = '\n';
    monitorMockSay(test->mock, line, (gssize)length);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 1);
    end(test);
}

static void testLost(void)
{
    Case *test = begin();
    g_autoptr(GError) one = NULL, two = NULL, late = NULL;
    QemuMonitorCall *first, *second;

    monitorMockExpect(test->mock, "{\"execute\":\"stop\"}", NULL);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", NULL);
    monitorMockSay(test->mock, "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 1}, \"event\": \"SHUTDOWN\"}\r\n", -1);
    monitorMockHangUp(test->mock);
    go(test);
    first = qemuMonitorSend(test->mon, "stop", NULL);
    second = qemuMonitorSend(test->mon, "cont", NULL);
    g_assert_null(qemuMonitorWait(first, SOON, NULL, &one));
    g_assert_error(one, MEM_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(one->message, "guest"));
    g_assert_null(qemuMonitorWait(second, SOON, NULL, &two));
    g_assert_error(two, MEM_ERROR, VIR_ERR_OPERATION_FAILED);
    waitClosed(test);
    g_assert_nonnull(strstr(test->seen->str, "SHUTDOWN"));
    g_assert_false(qemuMonitorCont(test->mon, SOON, &late));
    g_assert_error(late, MEM_ERROR, VIR_ERR_OPERATION_FAILED);
    settle();
    g_assert_cmpint(test->closed, ==, 1);
    end(test);
}

static gpointer closeIt(gpointer data)
{
    qemuMonitorClose(data);
    return NULL;
}

static void testClosedByUs(void)
{
    Case *test = begin();
    g_autoptr(GError) error = NULL;
    QemuMonitorCall *call;
    GThread *thread;

    monitorMockExpect(test->mock, "{\"execute\":\"stop\"}", NULL);
    go(test);
    call = qemuMonitorSend(test->mon, "stop", NULL);
    thread = g_thread_new("closer", closeIt, test->mon);
    g_assert_null(qemuMonitorWait(call, SOON, NULL, &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_OPERATION_FAILED);
    g_thread_join(thread);
    settle();
    g_assert_cmpint(test->closed, ==, 0);
    end(test);
}

static void testForget(void)
{
    Case *test = begin();

    monitorMockExpect(test->mock, "{\"execute\":\"stop\"}", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}");
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    qemuMonitorForget(qemuMonitorSend(test->mon, "stop", NULL));
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 1);
    end(test);
}

static void testFullQueue(void)
{
    Case *test = begin();
    g_autofree char *large = g_malloc0(QEMU_MONITOR_MAX_QUEUE + 1);
    g_autoptr(GError) error = NULL;
    MemJson *arguments = memJsonNew();

    memset(large, 'x', QEMU_MONITOR_MAX_QUEUE);
    memJsonAddString(arguments, "path", large);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\"}", OK);
    go(test);
    g_assert_null(qemuMonitorCommand(test->mon, "qom-list", arguments, SOON, &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    end(test);
}

static void testPassthrough(void)
{
    Case *test = begin();
    g_autoptr(GError) error = NULL, broken = NULL;
    g_autofree char *reply = NULL, *refused = NULL, *hmp = NULL;

    monitorMockExpect(test->mock, "{\"execute\":\"query-balloon\"}", "{\"return\":{\"actual\":1}}");
    monitorMockExpect(test->mock, "{\"execute\":\"query-balloon\"}", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}");
    monitorMockExpect(test->mock, "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info balloon\"}}",
                      "{\"return\":\"balloon: actual=1\\r\\n\"}");
    go(test);
    reply = qemuMonitorPassthrough(test->mon, "{\"execute\": \"query-balloon\", \"id\": [1]}", FALSE, SOON, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(reply, ==, "{\"return\":{\"actual\":1},\"id\":[1]}");
    refused = qemuMonitorPassthrough(test->mon, "{\"execute\": \"query-balloon\"}", FALSE, SOON, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(refused, "GenericError"));
    hmp = qemuMonitorPassthrough(test->mon, "info balloon", TRUE, SOON, &error);
    g_assert_cmpstr(hmp, ==, "balloon: actual=1\r\n");
    g_assert_null(qemuMonitorPassthrough(test->mon, "{not json", FALSE, SOON, &broken));
    g_assert_error(broken, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    end(test);
}

/* What QEMU finds to be no command it answers without the id: once, or more often. */
static void testPassthroughOfNonsense(void)
{
    Case *test = begin();
    g_autofree char *reply = NULL;

    monitorMockExpect(test->mock, "{\"execute\":\"query-balloon\",\"id\":true}", NULL);
    monitorMockSay(test->mock, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"first\"}}\r\n"
                               "{\"error\": {\"class\": \"GenericError\", \"desc\": \"second\"}}\r\n", -1);
    monitorMockExpect(test->mock, "{\"execute\":\"cont\",\"id\":true}", OK);
    go(test);
    reply = qemuMonitorPassthrough(test->mon, "{\"execute\": \"query-balloon\"}", FALSE, SOON, NULL);
    g_assert_nonnull(strstr(reply, "first"));
    g_assert_true(qemuMonitorCont(test->mon, SOON, NULL));
    g_assert_cmpint(g_atomic_int_get(&warnings), ==, 1);
    end(test);
}

/* ---- the mock itself ---- */

static void testMockIsStrict(void)
{
    static const char *const wrong[] = {
        "{\"execute\":\"no-such-command\"}",
        "{\"execute\":\"balloon\"}",
        "{\"execute\":\"balloon\",\"arguments\":{\"value\":\"1\"}}",
        "{\"execute\":\"balloon\",\"arguments\":{\"value\":1,\"more\":2}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"x\"}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"x\",\"size\":1,\"policy\":\"odd\"}}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *problem = monitorMockCheckCommand(schema, wrong[i]);

        g_assert_nonnull(problem);
    }
}

static void testMockTells(void)
{
    MonitorMock *unused = monitorMockNew(schema);
    MonitorMock *other = monitorMockNew(schema);
    static const QemuMonitorCallbacks callbacks = { 0 };
    QemuMonitor *mon;
    g_autofree char *first = NULL, *second = NULL;

    monitorMockExpect(unused, "{\"execute\":\"cont\"}", OK);
    mon = qemuMonitorOpen(monitorMockStart(unused), "guest", context, &callbacks, NULL, NULL);
    qemuMonitorClose(mon);
    qemuMonitorUnref(mon);
    first = monitorMockFinish(unused);
    g_assert_nonnull(first);

    mon = qemuMonitorOpen(monitorMockStart(other), "guest", context, &callbacks, NULL, NULL);
    g_assert_false(qemuMonitorCont(mon, g_get_monotonic_time(), NULL));
    second = monitorMockFinish(other);
    g_assert_nonnull(second);
    qemuMonitorClose(mon);
    qemuMonitorUnref(mon);
}

/* ---- all of it ---- */

static gpointer loop(gpointer data)
{
    g_main_loop_run(data);
    return NULL;
}

static void onLog(const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
    if (level & G_LOG_LEVEL_WARNING)
        g_atomic_int_inc(&warnings);
    else
        g_log_default_handler(domain, level, message, unused);
}

int main(int argc, char **argv)
{
    const char *source = g_getenv("MEM_TEST_SOURCE");
    GMainLoop *running;
    GThread *thread;
    int result;

    g_test_init(&argc, &argv, NULL);
    /* warnings are counted: some of the cases are about them */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    g_log_set_default_handler(onLog, NULL);
    schema = g_build_filename(source ? source : "tests", SCHEMA_FILE, NULL);
    context = g_main_context_new();
    running = g_main_loop_new(context, FALSE);
    thread = g_thread_new("loop", loop, running);

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *path = g_strdup_printf("/monitor/command/%s", commands[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testCommand);
    }
    g_test_add_func("/monitor/error-class", testErrorClass);
    g_test_add_func("/monitor/deadline", testDeadline);
    g_test_add_func("/monitor/many-at-once", testManyAtOnce);
    g_test_add_func("/monitor/stale-answer", testStaleAnswer);
    g_test_add_func("/monitor/surprise", testSurprise);
    g_test_add_func("/monitor/unreadable-reply", testUnreadableReply);
    g_test_add_func("/monitor/passthrough-nonsense", testPassthroughOfNonsense);
    g_test_add_func("/monitor/events/whole", testEventsWhole);
    g_test_add_func("/monitor/events/torn", testEventsTorn);
    g_test_add_func("/monitor/garbage", testGarbage);
    g_test_add_func("/monitor/long-line", testLongLine);
    g_test_add_func("/monitor/lost", testLost);
    g_test_add_func("/monitor/closed-by-us", testClosedByUs);
    g_test_add_func("/monitor/forget", testForget);
    g_test_add_func("/monitor/full-queue", testFullQueue);
    g_test_add_func("/monitor/passthrough", testPassthrough);
    g_test_add_func("/monitor/mock/strict", testMockIsStrict);
    g_test_add_func("/monitor/mock/tells", testMockTells);
    result = g_test_run();

    g_main_loop_quit(running);
    g_thread_join(thread);
    g_main_loop_unref(running);
    g_main_context_unref(context);
    g_free(schema);
    return result;
}

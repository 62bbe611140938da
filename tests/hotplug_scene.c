/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hotplug_scene.c: a driver with one running domain whose QEMU is a QemuModel */
#include "hotplug_scene.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_process.h"
#include "qemu/qemu_spawn.h"
#include "test_golden.h"
#include "test_host.h"
#include "util/mem_file.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC)
#define SCHEMA "qemucapabilitiesdata/qemu_7.2.0.schema.json"
#define RECORDING "qemucapabilitiesdata/qemu_7.2.0.x86_64.replies"

static GMainContext *context;
static GMainLoop *loop;
static GThread *loopThread;
static char *shared;            /* the emulator and the cache of its capabilities */
static char *hostRoot;
static char *schema;

/* ---- once ---- */

static gpointer runLoop(gpointer data)
{
    g_main_context_push_thread_default(context);
    g_main_loop_run(loop);
    g_main_context_pop_thread_default(context);
    return NULL;
}

static void writeEmulator(void)
{
    g_autofree char *fake = testSourcePath("fakeqemu.py");
    g_autofree char *recording = testSourcePath(RECORDING);
    g_autofree char *text = g_strdup_printf("#!/bin/sh\nexec /usr/bin/python3 '%s' '%s' \"$@\"\n", fake, recording);
    g_autofree char *path = g_build_filename(shared, "qemu", NULL);

    g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

void hotplugSceneSetUp(void)
{
    schema = testSourcePath(SCHEMA);
    shared = g_dir_make_tmp("hotplugXXXXXX", NULL);
    writeEmulator();
    hostRoot = testHostBegin("plain");
    context = g_main_context_new();
    loop = g_main_loop_new(context, FALSE);
    loopThread = g_thread_new("loop", runLoop, NULL);
}

void hotplugSceneTearDown(void)
{
    g_main_loop_quit(loop);
    g_thread_join(loopThread);
    g_main_loop_unref(loop);
    g_main_context_unref(context);
    testHostEnd(hostRoot);
    memFileRemove(shared, NULL);
    g_free(shared);
    g_free(schema);
}

/* ---- the loop does the driver's first and last steps, as in the daemon ---- */

typedef struct {
    HotplugScene *scene;
    const QemuDriverPaths *paths;
    QemuEventFunc func;
    gboolean done;
} Order;

static void await(Order *order, GSourceFunc func)
{
    g_main_context_invoke(context, func, order);
    g_mutex_lock(&order->scene->lock);
    while (!order->done)
        g_cond_wait(&order->scene->changed, &order->scene->lock);
    g_mutex_unlock(&order->scene->lock);
}

static gboolean finishOrder(Order *order)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&order->scene->lock);

    order->done = TRUE;
    g_cond_broadcast(&order->scene->changed);
    return G_SOURCE_REMOVE;
}

static gboolean makeDriver(gpointer data)
{
    Order *order = data;
    g_autoptr(GError) error = NULL;

    order->scene->driver = qemuDriverNew(order->paths, context, order->func, order->scene, &error);
    g_assert_no_error(error);
    return finishOrder(order);
}

static gboolean freeDriver(gpointer data)
{
    Order *order = data;

    g_clear_pointer(&order->scene->driver, qemuDriverFree);
    return finishOrder(order);
}

static void onEvent(const QemuEvent *event, gpointer opaque)
{
    static const struct {
        int id;
        const char *name;
    } rows[] = {
        { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, "device-added" },
        { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, "device-removed" },
        { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, "device-removal-failed" },
    };
    HotplugScene *scene = opaque;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&scene->lock);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].id == event->id)
            g_string_append_printf(scene->events, "%s %s\n", rows[i].name, event->text1);
    }
    g_cond_broadcast(&scene->changed);
}

/* ---- a scene ---- */

static void onModelEnded(gpointer opaque)
{
    HotplugScene *scene = opaque;
    g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);

    if (scene->dom->process.pid > 0)
        kill(scene->dom->process.pid, SIGKILL);
}

static const char *driverOf(const MemoryDeviceDef *device)
{
    static const char *const names[MEMORY_DEVICE_LAST] = { "pc-dimm", "nvdimm", "virtio-pmem-pci", "virtio-mem-pci", "sgx-epc" };

    return names[device->model];
}

static void seed(HotplugScene *scene)
{
    const DomainDef *live = scene->dom->live;

    scene->model = qemuModelNew(schema, domainDefInitialKib(live) * 1024);
    for (gsize i = 0; i < live->nmemories; i++) {
        const MemoryDeviceDef *device = live->memories[i];

        if (device->model != MEMORY_DEVICE_SGX_EPC)
            qemuModelSeed(scene->model, device->info.alias, driverOf(device), device->sizeKib * 1024, device->requestedKib * 1024,
                          memoryDeviceUsesSlot(device->model) ? (int)device->info.dimm.slot : -1);
    }
}

/* In the child: a test that breaks off leaves nothing behind. */
static void endWithTest(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void startProcess(QemuDomain *dom)
{
    char *argv[] = { (char *)"/bin/sleep", (char *)"600", NULL };
    g_autoptr(GError) error = NULL;
    QemuSpawnStat stat;
    GPid pid;

    g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, endWithTest,
                  NULL, &pid, &error);
    g_assert_no_error(error);
    g_assert_true(qemuSpawnStat(pid, 0, &stat));
    dom->process.pid = pid;
    dom->process.startTime = stat.startTime;
    g_assert_true(qemuProcessWatch(dom));
}

static void startDomain(HotplugScene *scene)
{
    QemuDomain *dom = scene->dom;
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    g_autoptr(GError) error = NULL;

    scene->caps = qemuDriverCapsFor(scene->driver, dom->config, &error);
    g_assert_no_error(error);
    dom->live = domainDefCopy(dom->config, &error);
    g_assert_no_error(error);
    dom->live->id = 1;
    g_assert_true(qemuDomainPrepare(dom->live, scene->caps, &error));
    seed(scene);
    startProcess(dom);
    g_atomic_int_inc(&scene->driver->active);
    qemuDomainListSetId(scene->driver->domains, dom, 1);
    qemuDomainSetState(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    if (dom->live->balloon)
        qemuModelSetInterval(scene->model, dom->live->balloon->periodSeconds);
    g_assert_true(qemuProcessOpenMonitor(dom, qemuModelStart(scene->model, onModelEnded, scene), &error));
    qemuStoreNoteStatus(dom);
}

HotplugScene *hotplugSceneNew(const char *xml)
{
    HotplugScene *scene = g_new0(HotplugScene, 1);
    g_autofree char *emulator = g_strdup_printf("<emulator>%s/qemu</emulator>", shared);
    g_auto(GStrv) parts = g_strsplit(xml, "<emulator/>", 2);
    g_autofree char *whole = g_strjoinv(emulator, parts);
    QemuDriverPaths paths = { 0 };
    Order order = { .scene = scene, .paths = &paths, .func = onEvent };
    g_autoptr(GError) error = NULL;
    QemuDomainRef ref = { 0 };

    g_mutex_init(&scene->lock);
    g_cond_init(&scene->changed);
    scene->events = g_string_new(NULL);
    scene->folder = g_dir_make_tmp("sceneXXXXXX", NULL);
    paths.config = g_build_filename(scene->folder, "config", NULL);
    paths.state = g_build_filename(scene->folder, "state", NULL);
    paths.lib = g_build_filename(scene->folder, "lib", NULL);
    paths.log = g_build_filename(scene->folder, "log", NULL);
    paths.cache = shared;
    await(&order, makeDriver);
    g_free(paths.config);
    g_free(paths.state);
    g_free(paths.lib);
    g_free(paths.log);
    qemuDriverDefine(scene->driver, whole, 0, &ref, &error);
    g_assert_no_error(error);
    scene->dom = qemuDomainListFindName(scene->driver->domains, ref.name);
    qemuDomainRefClear(&ref);
    startDomain(scene);
    scene->configBefore = hotplugSceneMemory(scene, FALSE);
    scene->liveBefore = hotplugSceneMemory(scene, TRUE);
    return scene;
}

void hotplugSceneKnowBalloon(HotplugScene *scene)
{
    g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);
    QemuRefresh refresh = { .fresh = TRUE, .balloonBytes = qemuRefreshWholeBalloonKib(scene->dom->live) * 1024 };

    qemuRefreshApply(scene->dom, &refresh);
    g_assert_true(qemuRefreshBalloonIsSettled(scene->dom));
}

void hotplugSceneFree(HotplugScene *scene)
{
    Order order = { .scene = scene };
    g_autofree char *problem = NULL;

    {
        g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);

        if (scene->dom->process.pid > 0)
            kill(scene->dom->process.pid, SIGKILL);
    }
    hotplugSceneWaitOff(scene);
    await(&order, freeDriver);
    problem = qemuModelFree(scene->model);
    if (problem)
        g_error("%s: %s", g_test_get_path(), problem);
    qemuDomainRelease(scene->dom);
    qemuCapsUnref(scene->caps);
    memFileRemove(scene->folder, NULL);
    g_string_free(scene->events, TRUE);
    g_free(scene->folder);
    g_free(scene->configBefore);
    g_free(scene->liveBefore);
    g_mutex_clear(&scene->lock);
    g_cond_clear(&scene->changed);
    g_free(scene);
}

/* ---- doing ---- */

static gboolean stats(HotplugScene *scene, char **text, GError **err)
{
    virDomainMemoryStatStruct all[VIR_DOMAIN_MEMORY_STAT_NR];
    int count = qemuDriverMemoryStats(scene->driver, scene->dom->uuid, all, VIR_DOMAIN_MEMORY_STAT_NR, 0, err);
    GString *out = g_string_new(NULL);

    /* the process that stands for QEMU has a size of its own */
    for (int i = 0; i < count; i++) {
        if (all[i].tag != VIR_DOMAIN_MEMORY_STAT_RSS)
            g_string_append_printf(out, "%d %llu\n", all[i].tag, all[i].val);
    }
    *text = g_string_free(out, FALSE);
    return count >= 0;
}

static gboolean messages(HotplugScene *scene, char **text, GError **err)
{
    g_auto(GStrv) all = qemuDriverGetMessages(scene->driver, scene->dom->uuid, 0, err);

    if (!all)
        return FALSE;
    *text = g_strjoinv("\n", all);
    if (**text) {
        char *line = g_strconcat(*text, "\n", NULL);

        g_free(*text);
        *text = line;
    }
    return TRUE;
}

gboolean hotplugSceneDo(HotplugScene *scene, const char *action, const char *argument, unsigned flags, char **text, GError **err)
{
    guint64 number = argument ? g_ascii_strtoull(argument, NULL, 10) : 0;
    QemuDriver *driver = scene->driver;
    QemuUuid uuid = scene->dom->uuid;

    if (strcmp(action, "attach") == 0)
        return qemuDriverAttachDevice(driver, uuid, argument, flags, err);
    if (strcmp(action, "detach") == 0)
        return qemuDriverDetachDevice(driver, uuid, argument, flags, err);
    if (strcmp(action, "detach-alias") == 0)
        return qemuDriverDetachDeviceAlias(driver, uuid, argument, flags, err);
    if (strcmp(action, "update") == 0)
        return qemuDriverUpdateDevice(driver, uuid, argument, flags, err);
    if (strcmp(action, "setmem") == 0)
        return qemuDriverSetMemory(driver, uuid, number, flags, err);
    if (strcmp(action, "setmaxmem") == 0)
        return qemuDriverSetMemory(driver, uuid, number, flags | VIR_DOMAIN_MEM_MAXIMUM, err);
    if (strcmp(action, "period") == 0)
        return qemuDriverSetMemoryStatsPeriod(driver, uuid, (int)number, flags, err);
    if (strcmp(action, "stats") == 0)
        return stats(scene, text, err);
    if (strcmp(action, "messages") == 0)
        return messages(scene, text, err);
    g_error("unknown action '%s'", action);
}

/* ---- waiting ---- */

void hotplugSceneWaitEvent(HotplugScene *scene, const char *event)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&scene->lock);

    while (!strstr(scene->events->str, event)) {
        if (!g_cond_wait_until(&scene->changed, &scene->lock, deadline))
            g_error("%s: no event '%s' among: %s", g_test_get_path(), event, scene->events->str);
    }
}

static gboolean isOff(QemuDomain *dom)
{
    return !dom->live;
}

static gboolean isSettled(QemuDomain *dom)
{
    return !dom->live || (!dom->memUnsettled && !dom->job);
}

static void waitDomain(HotplugScene *scene, gboolean (*reached)(QemuDomain *dom), const char *what)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
    g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);

    while (!reached(scene->dom)) {
        if (!g_cond_wait_until(&scene->dom->changed, &scene->dom->lock, deadline))
            g_error("%s: the domain is not %s", g_test_get_path(), what);
    }
}

void hotplugSceneWaitSettled(HotplugScene *scene)
{
    waitDomain(scene, isSettled, "settled");
}

void hotplugSceneWaitOff(HotplugScene *scene)
{
    waitDomain(scene, isOff, "off");
}

/* ---- looking ---- */

char *hotplugSceneMemory(HotplugScene *scene, gboolean live)
{
    g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);
    const DomainDef *def = live ? scene->dom->live : scene->dom->config;
    GString *text = g_string_new(NULL);

    if (!def) {
        g_string_append(text, "none\n");
        return g_string_free(text, FALSE);
    }
    g_string_append_printf(text, "memory %" G_GUINT64_FORMAT " current %" G_GUINT64_FORMAT, def->memory.totalKib, def->memory.currentKib);
    if (def->balloon)
        g_string_append_printf(text, " period %d", def->balloon->periodSeconds);
    g_string_append_c(text, '\n');
    for (gsize i = 0; i < def->nmemories; i++) {
        g_autofree char *xml = memoryDeviceDefToString(def->memories[i], live ? 0 : DOMAIN_FORMAT_INACTIVE);

        g_string_append(text, xml);
    }
    return g_string_free(text, FALSE);
}

char *hotplugSceneEvents(HotplugScene *scene)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&scene->lock);

    return g_strdup(scene->events->str);
}

char *hotplugSceneClean(HotplugScene *scene, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, scene->folder, -1);

    return g_strjoinv("FOLDER", parts);
}

static void checkDevice(HotplugScene *scene, const MemoryDeviceDef *device, const char *status)
{
    g_autofree char *object = g_strconcat("mem", device->info.alias, NULL);

    if (!qemuModelHasDevice(scene->model, device->info.alias))
        g_error("%s: QEMU lacks '%s', which the live definition has", g_test_get_path(), device->info.alias);
    if (!qemuModelHasObject(scene->model, object))
        g_error("%s: QEMU lacks the memory of '%s'", g_test_get_path(), device->info.alias);
    if (device->model == MEMORY_DEVICE_VIRTIO_MEM)
        g_assert_cmpuint(device->requestedKib * 1024, ==, qemuModelRequested(scene->model, device->info.alias));
    if (!strstr(status, device->info.alias))
        g_error("%s: the status file lacks '%s'", g_test_get_path(), device->info.alias);
}

void hotplugSceneCheck(HotplugScene *scene)
{
    g_auto(QemuGuard) guard = qemuGuardLock(scene->dom);
    const DomainDef *live = scene->dom->live;
    g_autofree char *path = qemuStoreStatusPath(scene->driver, scene->dom->name);
    g_autofree char *journal = g_strdup_printf("%s/%s.memory.json", scene->driver->paths.state, scene->dom->name);
    g_autofree char *state = qemuModelState(scene->model);
    g_autofree char *status = NULL;
    guint objects = 0;

    g_assert_false(g_file_test(journal, G_FILE_TEST_EXISTS));
    if (!live)
        return;
    g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
    for (gsize i = 0; i < live->nmemories; i++)
        checkDevice(scene, live->memories[i], status);
    for (const char *at = strstr(state, "objects:"); (at = strstr(at, " mem")); at++)
        objects++;
    if (qemuModelDevices(scene->model) != live->nmemories || objects != live->nmemories)
        g_error("%s: QEMU has more than the live definition: %s", g_test_get_path(), state);
    if (live->balloon)
        g_assert_cmpint(live->balloon->periodSeconds, ==, qemuModelInterval(scene->model));
}

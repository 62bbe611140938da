/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memorylive.c: the client library on a daemon, with guests that are paused
 *
 *     memorylive URI
 *
 * Nothing runs in such a guest, so that what is seen is what the daemon and QEMU do by themselves. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-memory.h>

#define MIB 1024ULL

static const char *uri;
static virConnectPtr conn;

static virDomainPtr startGuest(const char *name, const char *devices)
{
    g_autofree char *unique = g_strdup_printf("%s-%d", name, (int) getpid());
    g_autofree char *xml = g_strdup_printf(
        "<domain type='qemu'><name>%s</name><maxMemory slots='6' unit='GiB'>8</maxMemory><memory>1</memory><vcpu>2</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><cpu><numa>"
        "<cell id='0' cpus='0' memory='128' unit='MiB'/><cell id='1' cpus='1' memory='128' unit='MiB'/></numa></cpu>"
        "<devices><memballoon model='virtio'><stats period='1'/></memballoon>%s</devices></domain>", unique, devices);
    virDomainPtr dom = virDomainCreateXML(conn, xml, VIR_DOMAIN_START_PAUSED);

    if (!dom)
        g_error("%s", virGetLastErrorMessage());
    return dom;
}

static void endGuest(virDomainPtr dom)
{
    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    virDomainFree(dom);
}

static const char virtioMem[] =
    "<memory model='virtio-mem'><target><size unit='MiB'>1024</size><node>1</node><block unit='MiB'>2</block>"
    "<requested unit='MiB'>0</requested></target></memory>";

static virMemInventory *inventoryOf(virDomainPtr dom)
{
    virMemInventory *inventory = NULL;
    virMemError error;

    if (virMemGetInventory(dom, VIR_MEM_INVENTORY_LIVE, &inventory, &error) < 0)
        g_error("%s", error.message);
    return inventory;
}

static void testInventory(void)
{
    virDomainPtr dom = startGuest("inventory", virtioMem);
    virMemInventory *inventory = inventoryOf(dom), *other = NULL;
    const virMemDevice *device = virMemInventoryFind(inventory, "virtiomem0");
    virMemError error;

    g_assert_true(inventory->running);
    g_assert_cmpint(inventory->state, ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpuint(inventory->totalKib, ==, 1280 * MIB);
    g_assert_cmpuint(inventory->current.kib, ==, 256 * MIB);
    g_assert_cmpuint(inventory->balloonActual.kib, ==, 256 * MIB);
    g_assert_cmpuint(inventory->slots, ==, 6);
    g_assert_cmpint(inventory->balloonPeriod, ==, 1);
    g_assert_cmpuint(inventory->guestTotal.kib, ==, VIR_MEM_UNKNOWN);
    g_assert_cmpuint(inventory->resident.kib, >, 0);
    g_assert_cmpint(inventory->resident.ageMs, >=, 0);
    g_assert_nonnull(device);
    g_assert_cmpint(device->node, ==, 1);
    g_assert_cmpuint(device->blockKib, ==, 2 * MIB);
    g_assert_nonnull(device->address);
    g_assert_cmpint(virMemGetInventory(dom, 64, &other, &error), ==, VIR_MEM_ERR_INVALID_ARG);
    g_assert_cmpint(virMemGetInventory(NULL, 0, &other, &error), ==, VIR_MEM_ERR_INVALID_ARG);
    virMemInventoryFree(inventory);
    endGuest(dom);
}

static void testHost(void)
{
    virMemHost *host = NULL;
    virMemError error;

    g_assert_cmpint(virMemGetHost(conn, &host, &error), ==, VIR_MEM_OK);
    g_assert_cmpuint(host->nnodes, >=, 1);
    g_assert_cmpuint(host->pageKib, ==, 4);
    g_assert_cmpuint(host->nodes[0]->freeKib, !=, VIR_MEM_UNKNOWN);
    g_assert_cmpuint(host->nodes[0]->freeKib, >, 0);
    g_assert_cmpuint(host->availableKib, !=, VIR_MEM_UNKNOWN);
    virMemHostFree(host);
}

/* ---- runs ---- */

typedef struct {
    int calls, undoing;
    guint stopAfter;
} Seen;

static int onProgress(const virMemProgress *progress, void *opaque)
{
    Seen *seen = opaque;

    seen->calls++;
    seen->undoing += progress->undoing;
    return seen->stopAfter && (guint) seen->calls >= seen->stopAfter;
}

static virMemPlan *planOf(virDomainPtr dom, unsigned long long totalMib, unsigned flags)
{
    virMemRequest request = {.totalKib = totalMib * MIB, .flags = flags};
    virMemPlan *plan = NULL;
    virMemError error;

    if (virMemPlanDomain(dom, &request, &plan, &error) < 0)
        g_error("%s", error.message);
    return plan;
}

static size_t countDevices(virDomainPtr dom)
{
    virMemInventory *inventory = inventoryOf(dom);
    size_t count = inventory->ndevices;

    virMemInventoryFree(inventory);
    return count;
}

/* DIMMs come without the guest's help; that it cannot let go of them again leaves them there. */
static void testPlug(void)
{
    virDomainPtr dom = startGuest("plug", "");
    virMemPlan *plan = planOf(dom, 768, 0);
    Seen seen = {0};
    virMemRunOptions options = {.progress = onProgress, .opaque = &seen, .stallMs = 300};
    virMemResult *result = NULL;
    virMemError error;

    g_assert_cmpuint(plan->nsteps, ==, 2);
    g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_OK);
    g_assert_cmpuint(result->reachedKib, ==, 768 * MIB);
    g_assert_cmpuint(result->fromKib, ==, 256 * MIB);
    g_assert_cmpuint(result->stepsDone, ==, 2);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_NONE);
    g_assert_cmpint(seen.calls, >=, 2);
    g_assert_cmpuint(countDevices(dom), ==, 2);
    virMemResultFree(result);
    virMemPlanFree(plan);

    g_assert_cmpint(virMemWaitDevice(dom, "dimm0", VIR_MEM_WAIT_PRESENT, &options, &result, &error), ==, VIR_MEM_OK);
    g_assert_cmpuint(result->reachedKib, ==, 256 * MIB);
    virMemResultFree(result);
    g_assert_cmpint(virMemWaitDevice(dom, "dimm0", VIR_MEM_WAIT_GONE, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_STALLED);
    virMemResultFree(result);
    g_assert_cmpint(virMemDetach(dom, "dimm0", &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_STALLED);
    g_assert_cmpstr(result->alias, ==, "dimm0");
    virMemResultFree(result);
    endGuest(dom);
}

static void testStall(void)
{
    virDomainPtr dom = startGuest("stall", virtioMem);
    virMemPlan *plan = planOf(dom, 512, 0);
    Seen seen = {0};
    virMemRunOptions options = {.progress = onProgress, .opaque = &seen, .stallMs = 300, .onFailure = VIR_MEM_ON_FAILURE_ROLLBACK};
    virMemResult *result = NULL;
    virMemError error;

    g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(error.code, ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpstr(error.message, ==, result->text);
    g_assert_nonnull(strstr(result->text, "paused"));
    g_assert_cmpuint(result->shortKib, ==, 256 * MIB);
    g_assert_cmpint(result->rolledBack, ==, 1);
    g_assert_cmpint(seen.undoing, >, 0);
    virMemInventory *inventory = inventoryOf(dom);
    g_assert_cmpuint(virMemInventoryFind(inventory, "virtiomem0")->requestedKib, ==, 0);
    virMemInventoryFree(inventory);
    virMemResultFree(result);
    g_assert_cmpint(virMemWaitGuest(dom, 0, &options, &result, &error), ==, VIR_MEM_OK);
    virMemResultFree(result);
    virMemPlanFree(plan);
    endGuest(dom);
}

/* A definition that cannot be changed to the end is given back what it had. */
static void testConfig(void)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='qemu'><name>config-%d</name><maxMemory slots='6' unit='GiB'>8</maxMemory><memory>1</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><cpu><numa>"
        "<cell id='0' cpus='0' memory='128' unit='MiB'/><cell id='1' memory='128' unit='MiB'/></numa></cpu>"
        "<devices><memballoon model='virtio'/>%s</devices></domain>", (int) getpid(), virtioMem);
    virDomainPtr dom = virDomainDefineXML(conn, xml);
    virMemRequest request = {.totalKib = 2048 * MIB, .flags = VIR_MEM_PLAN_CONFIG};
    virMemRunOptions options = {.onFailure = VIR_MEM_ON_FAILURE_ROLLBACK};
    virMemPlan *plan = NULL;
    virMemResult *result = NULL;
    virMemError error;

    g_assert_nonnull(dom);
    g_autofree char *before = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
    g_assert_cmpint(virMemPlanDomain(dom, &request, &plan, &error), ==, VIR_MEM_OK);
    g_assert_cmpint(plan->config, ==, 1);
    g_assert_cmpuint(plan->nsteps, ==, 4);
    /* The balloon comes last, and cannot leave more than there is. */
    plan->steps[3]->toKib = 1024 * 1024 * MIB;
    g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_REFUSED);
    g_assert_cmpint(result->rolledBack, ==, 1);
    g_assert_cmpuint(result->stepsDone, ==, 3);
    g_assert_cmpuint(result->reachedKib, ==, 256 * MIB);
    g_autofree char *after = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
    g_assert_cmpstr(before, ==, after);
    virMemResultFree(result);
    virMemPlanFree(plan);
    g_assert_cmpint(virDomainUndefine(dom), ==, 0);
    virDomainFree(dom);
}

static gpointer cancelSoon(gpointer data)
{
    virMemCancelNow(data);
    return NULL;
}

static void testCancel(void)
{
    virDomainPtr dom = startGuest("cancel", virtioMem);
    virMemPlan *plan = planOf(dom, 512, 0);
    virMemCancel *cancel = virMemCancelNew(NULL);
    Seen seen = {.stopAfter = 1};
    virMemRunOptions options = {.cancel = cancel, .stallMs = 60000};
    virMemRunOptions declined = {.progress = onProgress, .opaque = &seen, .stallMs = 60000};
    virMemResult *result = NULL;
    virMemError error;

    GThread *thread = g_thread_new("cancel", cancelSoon, cancel);
    g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_thread_join(thread);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_CANCELLED);
    g_assert_true(virMemCancelled(cancel));
    virMemResultFree(result);
    g_assert_cmpint(virMemRun(dom, plan, &declined, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_CANCELLED);
    virMemResultFree(result);
    virMemCancelFree(cancel);
    virMemPlanFree(plan);
    endGuest(dom);
}

/* A connection that was made before there was a loop: the library looks by itself. */
static void testRefusedAndGone(void)
{
    virDomainPtr dom = startGuest("refused", virtioMem);
    virMemPlan *plan = planOf(dom, 512, 0);
    virMemRunOptions options = {.stallMs = 5000};
    virMemResult *result = NULL;
    virMemError error;

    /* More than the device has: the daemon's no, with its own code. */
    plan->steps[0]->toKib = 4096 * MIB;
    g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_REFUSED);
    g_assert_cmpint(result->libvirtCode, ==, VIR_ERR_XML_DETAIL);
    virMemResultFree(result);
    g_assert_cmpint(virMemDetach(dom, "nothing", &options, &result, &error), ==, VIR_MEM_ERR_NO_DEVICE);
    g_assert_cmpint(virMemWaitDevice(dom, "nothing", VIR_MEM_WAIT_PRESENT, &options, &result, &error), ==, VIR_MEM_ERR_NO_DEVICE);
    g_assert_cmpint(virMemWaitDevice(dom, "virtiomem0", 7, &options, &result, &error), ==, VIR_MEM_ERR_INVALID_ARG);

    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    g_assert_cmpint(virMemRun(dom, plan, &options, NULL, &error), <, 0);
    g_assert_true(error.code == VIR_MEM_ERR_LOST || error.code == VIR_MEM_ERR_NOT_RUNNING);
    virMemPlanFree(plan);
    virDomainFree(dom);
}

/* ---- the guest goes, or comes again, while something is waited for ---- */

typedef struct {
    virDomainPtr dom;
    gboolean startAgain;
    gboolean undefine;
    int calls, reconnects;
} Fate;

/* Nothing moves in a paused guest, so that the run is in the middle of its first step now. */
static int onFate(const virMemProgress *progress, void *opaque)
{
    Fate *fate = opaque;

    (void) progress;
    if (fate->calls++ != 1)
        return 0;
    if (fate->undefine)
        g_assert_cmpint(virDomainUndefine(fate->dom), ==, 0);
    g_assert_cmpint(virDomainDestroy(fate->dom), ==, 0);
    if (fate->startAgain)
        g_assert_cmpint(virDomainCreateWithFlags(fate->dom, VIR_DOMAIN_START_PAUSED), ==, 0);
    return 0;
}

static virConnectPtr onLost(void *opaque)
{
    Fate *fate = opaque;

    fate->reconnects++;
    return virConnectOpen(uri);
}

static virDomainPtr defineGuest(const char *name, const char *devices)
{
    virDomainPtr started = startGuest(name, devices);
    char *xml = virDomainGetXMLDesc(started, VIR_DOMAIN_XML_INACTIVE);
    virDomainPtr dom = virDomainDefineXML(conn, xml);

    g_assert_nonnull(dom);
    virDomainFree(started);
    free(xml);
    return dom;
}

/* Nobody waits for the time to be over, which is long. */
static void checkFate(Fate *fate)
{
    virMemPlan *plan = planOf(fate->dom, 512, 0);
    virMemRunOptions options = {.progress = onFate, .reconnect = onLost, .opaque = fate, .stallMs = 120000,
                                .onFailure = VIR_MEM_ON_FAILURE_ROLLBACK};
    virMemResult *result = NULL;
    virMemError error;

    g_assert_cmpint(virMemRun(fate->dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_LOST);
    g_assert_cmpstr(result->text, ==, "the guest stopped running");
    g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_LOST);
    g_assert_cmpint(result->rolledBack, ==, 0);
    g_assert_cmpuint(result->reachedKib, ==, VIR_MEM_UNKNOWN);
    g_assert_cmpuint(result->elapsedMs, <, 60000);
    g_assert_cmpint(fate->reconnects, ==, 0);
    virMemResultFree(result);
    virMemPlanFree(plan);
}

static void testGone(void)
{
    Fate transient = {.dom = startGuest("gone", virtioMem)};
    Fate kept = {.dom = defineGuest("off", virtioMem)};
    Fate undefined = {.dom = defineGuest("undefined", virtioMem), .undefine = TRUE};
    Fate again = {.dom = defineGuest("again", virtioMem), .startAgain = TRUE};

    checkFate(&transient);
    virDomainFree(transient.dom);
    checkFate(&kept);
    g_assert_cmpint(virDomainUndefine(kept.dom), ==, 0);
    virDomainFree(kept.dom);
    checkFate(&undefined);
    virDomainFree(undefined.dom);
    checkFate(&again);
    /* The new guest was not asked for anything. */
    virMemInventory *inventory = inventoryOf(again.dom);
    g_assert_cmpuint(virMemInventoryFind(inventory, "virtiomem0")->requestedKib, ==, 0);
    virMemInventoryFree(inventory);
    g_assert_cmpint(virDomainUndefine(again.dom), ==, 0);
    endGuest(again.dom);
}

/* ---- several threads on one connection ---- */

#define THREADS 3
#define ROUNDS 4

static gpointer resizeOften(gpointer data)
{
    virDomainPtr dom = data;
    virMemRunOptions options = {.stallMs = 100, .onFailure = VIR_MEM_ON_FAILURE_ROLLBACK};
    virMemError error;

    for (int i = 0; i < ROUNDS; i++) {
        virMemPlan *plan = planOf(dom, 512, 0);
        virMemResult *result = NULL;
        g_assert_cmpint(virMemRun(dom, plan, &options, &result, &error), ==, VIR_MEM_ERR_INCOMPLETE);
        g_assert_cmpint(result->diagnosis, ==, VIR_MEM_DIAGNOSIS_STALLED);
        g_assert_cmpint(result->rolledBack, ==, 1);
        g_assert_cmpuint(result->shortKib, ==, 256 * MIB);
        virMemResultFree(result);
        virMemPlanFree(plan);
    }
    return NULL;
}

static void testThreads(void)
{
    virDomainPtr doms[THREADS];
    GThread *threads[THREADS];
    virMemStats *stats = NULL;
    virMemError error;

    for (size_t i = 0; i < THREADS; i++) {
        g_autofree char *name = g_strdup_printf("thread%zu", i);
        doms[i] = startGuest(name, virtioMem);
    }
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("resize", resizeOften, doms[i]);
    for (int i = 0; i < ROUNDS; i++) {
        g_assert_cmpint(virMemGetStats(conn, NULL, 0, 20000, 0, &stats, &error), ==, VIR_MEM_OK);
        g_assert_cmpuint(stats->nrows, ==, THREADS);
        virMemStatsFree(stats);
    }
    for (size_t i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    for (size_t i = 0; i < THREADS; i++)
        endGuest(doms[i]);
}

/* ---- statistics ---- */

static pid_t findQemu(virDomainPtr dom)
{
    g_autofree char *mark = g_strdup_printf("guest=%s,", virDomainGetName(dom));
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(proc))) {
        g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", name), *words = NULL;
        gsize length = 0;
        if (!g_ascii_isdigit(*name) || !g_file_get_contents(path, &words, &length, NULL))
            continue;
        if (memmem(words, length, "qemu-system", strlen("qemu-system")) && memmem(words, length, mark, strlen(mark)))
            return (pid_t) atoi(name);
    }
    g_error("no QEMU has '%s'", mark);
}

static const virMemStatsRow *rowOf(const virMemStats *stats, virDomainPtr dom)
{
    for (size_t i = 0; i < stats->nrows; i++) {
        if (strcmp(stats->rows[i]->name, virDomainGetName(dom)) == 0)
            return stats->rows[i];
    }
    g_error("no row of '%s'", virDomainGetName(dom));
}

static void testStats(void)
{
    virDomainPtr doms[] = {startGuest("one", ""), startGuest("two", ""), startGuest("three", ""), NULL};
    virDomainPtr some[] = {doms[0], doms[2], NULL};
    virMemStats *stats = NULL;
    virMemError error;

    g_assert_cmpint(virMemGetStats(conn, NULL, 0, 0, 0, &stats, &error), ==, VIR_MEM_OK);
    g_assert_cmpint(rowOf(stats, doms[1])->state, ==, VIR_MEM_STATS_NO_REPORT);
    g_assert_cmpuint(rowOf(stats, doms[1])->promisedKib, ==, 256 * MIB);
    g_assert_cmpuint(rowOf(stats, doms[1])->residentKib, !=, VIR_MEM_UNKNOWN);
    virMemStatsFree(stats);
    g_assert_cmpint(virMemGetStats(conn, some, 0, 0, 0, &stats, &error), ==, VIR_MEM_OK);
    g_assert_cmpuint(stats->nrows, ==, 2);
    virMemStatsFree(stats);

    pid_t stuck = findQemu(doms[1]);
    g_assert_cmpint(kill(stuck, SIGSTOP), ==, 0);
    gint64 began = g_get_monotonic_time();
    int code = virMemGetStats(conn, doms, 0, 500, 0, &stats, &error);
    gint64 spentMs = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(kill(stuck, SIGCONT), ==, 0);
    g_assert_cmpint(code, ==, VIR_MEM_OK);
    g_assert_cmpint(spentMs, <, 2000);
    g_assert_cmpuint(stats->nrows, ==, 3);
    g_assert_cmpuint(stats->nstuck, ==, 1);
    g_assert_cmpint(rowOf(stats, doms[1])->state, ==, VIR_MEM_STATS_STUCK);
    g_assert_cmpint(rowOf(stats, doms[0])->state, ==, VIR_MEM_STATS_NO_REPORT);
    g_assert_cmpuint(rowOf(stats, doms[2])->residentKib, !=, VIR_MEM_UNKNOWN);
    virMemStatsFree(stats);
    for (size_t i = 0; i < 3; i++)
        endGuest(doms[i]);
}

/* Those of statistics that nobody waited for: then there are but this one and the library's loop, maybe GLib's. */
static void waitForThreads(void)
{
    for (int i = 0; i < 1000; i++) {
        g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
        const char *task;
        guint stats = 0;
        while ((task = g_dir_read_name(tasks))) {
            g_autofree char *path = g_strdup_printf("/proc/self/task/%s/comm", task), *name = NULL;
            if (g_file_get_contents(path, &name, NULL, NULL) && g_str_has_prefix(name, "virMem stat"))
                stats++;
        }
        if (stats == 0)
            return;
        g_usleep(10000);
    }
    g_error("threads of statistics are left");
}

static void onError(void *data, virErrorPtr error)
{
    (void) data;
    (void) error;
}

static virConnectPtr openOnce(gboolean withLoop)
{
    virMemError error;

    if (withLoop)
        g_assert_cmpint(virMemEventLoopStart(&error), ==, VIR_MEM_OK);
    virConnectPtr opened = virConnectOpen(uri);
    if (!opened)
        g_error("%s", virGetLastErrorMessage());
    return opened;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc != 2) {
        fprintf(stderr, "usage: %s URI\n", argv[0]);
        return 2;
    }
    uri = argv[1];
    virSetErrorFunc(NULL, onError);

    /* First without a loop: nothing may depend on one. */
    conn = openOnce(FALSE);
    testRefusedAndGone();
    testStall();
    testGone();
    testThreads();
    /* Nobody holds it any more. */
    g_assert_cmpint(virConnectClose(conn), ==, 0);

    conn = openOnce(TRUE);
    g_test_add_func("/live/inventory", testInventory);
    g_test_add_func("/live/host", testHost);
    g_test_add_func("/live/plug", testPlug);
    g_test_add_func("/live/stall", testStall);
    g_test_add_func("/live/config", testConfig);
    g_test_add_func("/live/cancel", testCancel);
    g_test_add_func("/live/refused", testRefusedAndGone);
    g_test_add_func("/live/gone", testGone);
    g_test_add_func("/live/threads", testThreads);
    g_test_add_func("/live/stats", testStats);
    int status = g_test_run();
    waitForThreads();
    g_assert_cmpint(virConnectClose(conn), ==, 0);
    return status;
}

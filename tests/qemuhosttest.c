/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemuhosttest.c: what two recorded hosts, and the real one, are said to be */
#include "qemu/qemu_host.h"
#include "test_golden.h"
#include "test_host.h"
#include "util/mem_error.h"

#include <libvirt/libvirt.h>
#include <string.h>

typedef struct {
    char *root;
} Scene;

static void setUp(Scene *scene, gconstpointer data)
{
    scene->root = testHostBegin(data);
}

static void tearDown(Scene *scene, gconstpointer data)
{
    testHostEnd(scene->root);
}

static void assertCode(GError **error, int code)
{
    g_assert_error(*error, MEM_ERROR, code);
    g_clear_error(error);
}

static void testPlainInfo(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MemBitmap) nodes = qemuHostNodes();
    g_autofree char *text = memBitmapFormat(nodes);
    QemuHostInfo info;

    g_assert_true(qemuHostGetInfo(&info, &error));
    g_assert_cmpstr(info.model, ==, "x86_64");
    g_assert_cmpuint(info.memoryKib, ==, 8000000);
    g_assert_cmpint(info.cpus, ==, 4);
    g_assert_cmpint(info.mhz, ==, 2400);
    g_assert_cmpint(info.nodes, ==, 1);
    g_assert_cmpint(info.sockets, ==, 1);
    g_assert_cmpint(info.cores, ==, 2);
    g_assert_cmpint(info.threads, ==, 2);
    g_assert_cmpstr(text, ==, "0");
}

static void testPlainMemory(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint64 freeBytes[4];
    QemuHostStat stats[4];

    g_assert_cmpint(qemuHostMemoryStats(-1, stats, &error), ==, 4);
    g_assert_cmpstr(stats[0].field, ==, "total");
    g_assert_cmpuint(stats[0].value, ==, 8000000);
    g_assert_cmpstr(stats[1].field, ==, "free");
    g_assert_cmpuint(stats[1].value, ==, 5000000);
    g_assert_cmpuint(stats[2].value, ==, 120000);
    g_assert_cmpuint(stats[3].value, ==, 780000);
    g_assert_cmpint(qemuHostMemoryStats(0, stats, &error), ==, 2);
    g_assert_cmpuint(stats[1].value, ==, 5000000);
    g_assert_cmpint(qemuHostMemoryStats(1, stats, &error), ==, -1);
    assertCode(&error, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(qemuHostMemoryStats(-2, stats, &error), ==, -1);
    assertCode(&error, VIR_ERR_INVALID_ARG);
    g_assert_cmpuint(qemuHostFreeMemoryBytes(&error), ==, G_GUINT64_CONSTANT(5000000) * 1024);
    g_assert_cmpint(qemuHostFreeMemoryOfNodes(0, 4, freeBytes, &error), ==, 1);
    g_assert_cmpuint(freeBytes[0], ==, G_GUINT64_CONSTANT(5000000) * 1024);
    g_assert_no_error(error);
}

static void testPlainPages(Scene *scene, gconstpointer data)
{
    static const unsigned ask[] = { 4, 2048 };
    g_autoptr(GError) error = NULL;
    g_autofree unsigned *sizes = qemuHostPageSizes();
    guint64 counts[4], sizeKib = 0;

    g_assert_cmpuint(sizes[0], ==, qemuHostPageKib());
    g_assert_cmpuint(sizes[1], ==, 0);
    g_assert_cmpint(qemuHostFreePages(ask, 1, 0, 1, counts, &error), ==, 1);
    g_assert_cmpuint(counts[0], ==, 1250000);
    g_assert_cmpint(qemuHostFreePages(ask, 2, 0, 1, counts, &error), ==, -1);
    assertCode(&error, VIR_ERR_OPERATION_FAILED);
    g_assert_null(qemuHostHugetlbfs(&sizeKib));
    g_assert_cmpuint(qemuHostThpKib(), ==, 2048);
}

static void testPlainKsm(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    QemuHostKsmParam params[8];

    g_assert_cmpint(qemuHostKsmGet(params, 8, &error), ==, -1);
    assertCode(&error, VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_false(qemuHostKsmSet("shm_pages_to_scan", 1, &error));
    assertCode(&error, VIR_ERR_OPERATION_UNSUPPORTED);
}

static void testNumaInfo(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MemBitmap) nodes = qemuHostNodes();
    g_autoptr(MemBitmap) online = NULL;
    g_autofree char *text = memBitmapFormat(nodes);
    g_autofree char *uuid = qemuHostUuid();
    QemuHostInfo info;
    unsigned present = 0;

    online = qemuHostOnlineCpus(&present);
    g_assert_cmpuint(present, ==, 8);
    g_assert_cmpuint(memBitmapCount(online), ==, 8);
    g_assert_true(qemuHostGetInfo(&info, &error));
    g_assert_cmpuint(info.memoryKib, ==, 16000000);
    g_assert_cmpint(info.nodes, ==, 2);
    g_assert_cmpint(info.sockets, ==, 1);
    g_assert_cmpint(info.cores, ==, 2);
    g_assert_cmpint(info.threads, ==, 2);
    g_assert_cmpint(info.cpus, ==, 8);
    g_assert_cmpstr(text, ==, "0,2");
    g_assert_cmpstr(uuid, ==, "a1b2c3d4-0001-0002-0003-a1b2c3d4e5f6");
}

static void testNumaOffline(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(scene->root, "/sys/devices/system/cpu/online", NULL);
    QemuHostInfo info;
    unsigned present;

    g_assert_true(g_file_set_contents(path, "0-6\n", -1, NULL));
    g_assert_true(qemuHostGetInfo(&info, &error));
    g_assert_cmpint(info.cpus, ==, 7);
    g_assert_cmpint(info.nodes * info.sockets * info.threads, ==, 1);
    g_assert_cmpint(info.cores, ==, 7);
    memBitmapFree(qemuHostOnlineCpus(&present));
    g_assert_cmpuint(present, ==, 8);
}

static void testNumaMemory(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint64 freeBytes[4];
    QemuHostStat stats[4];

    g_assert_cmpint(qemuHostMemoryStats(2, stats, &error), ==, 2);
    g_assert_cmpuint(stats[0].value, ==, 6000000);
    g_assert_cmpint(qemuHostMemoryStats(1, stats, &error), ==, -1);
    assertCode(&error, VIR_ERR_INVALID_ARG);
    g_assert_cmpuint(qemuHostFreeMemoryBytes(&error), ==, G_GUINT64_CONSTANT(9000000) * 1024);
    g_assert_cmpint(qemuHostFreeMemoryOfNodes(0, 4, freeBytes, &error), ==, 3);
    g_assert_cmpuint(freeBytes[0], ==, G_GUINT64_CONSTANT(6000000) * 1024);
    g_assert_cmpuint(freeBytes[1], ==, 0);
    g_assert_cmpuint(freeBytes[2], ==, G_GUINT64_CONSTANT(3000000) * 1024);
    g_assert_cmpint(qemuHostFreeMemoryOfNodes(2, 1, freeBytes, &error), ==, 1);
    g_assert_cmpint(qemuHostFreeMemoryOfNodes(3, 1, freeBytes, &error), ==, -1);
    assertCode(&error, VIR_ERR_INTERNAL_ERROR);
}

static void testCpuStats(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    QemuHostStat stats[4];

    g_assert_cmpint(qemuHostCpuStats(-1, stats, &error), ==, 4);
    g_assert_cmpstr(stats[0].field, ==, "kernel");
    g_assert_cmpuint(stats[0].value, ==, G_GUINT64_CONSTANT(3130000000));
    g_assert_cmpstr(stats[1].field, ==, "user");
    g_assert_cmpuint(stats[1].value, ==, G_GUINT64_CONSTANT(10200000000));
    g_assert_cmpuint(stats[3].value, ==, 500000000);
    g_assert_cmpint(qemuHostCpuStats(3, stats, &error), ==, 4);
    g_assert_cmpuint(stats[1].value, ==, 1060000000);
    g_assert_cmpint(qemuHostCpuStats(8, stats, &error), ==, -1);
    assertCode(&error, VIR_ERR_INVALID_ARG);
}

static void testNumaPages(Scene *scene, gconstpointer data)
{
    static const unsigned ask[] = { 4, 2048, 1048576 };
    g_autoptr(GError) error = NULL;
    guint64 counts[12], sizeKib = 0;
    g_autofree unsigned *sizes = qemuHostPageSizes();
    g_autofree char *plain = qemuHostHugetlbfs(&sizeKib);
    g_autofree char *large = NULL;

    g_assert_cmpuint(sizes[1], ==, 2048);
    g_assert_cmpuint(sizes[2], ==, 1048576);
    g_assert_cmpuint(sizes[3], ==, 0);
    g_assert_cmpstr(plain, ==, "/dev/hugepages");
    g_assert_cmpuint(sizeKib, ==, 2048);
    sizeKib = 1048576;
    large = qemuHostHugetlbfs(&sizeKib);
    g_assert_cmpstr(large, ==, "/mnt/huge 1G");
    sizeKib = 16384;
    g_assert_null(qemuHostHugetlbfs(&sizeKib));

    g_assert_cmpint(qemuHostFreePages(ask, 3, 0, 1, counts, &error), ==, 3);
    g_assert_cmpuint(counts[1], ==, 30);
    g_assert_cmpuint(counts[2], ==, 1);
    g_assert_cmpint(qemuHostFreePages(ask, 3, 2, 1, counts, &error), ==, 3);
    g_assert_cmpuint(counts[1], ==, 2);
    g_assert_cmpint(qemuHostFreePages(ask, 2, -1, 1, counts, &error), ==, 2);
    g_assert_cmpuint(counts[1], ==, 32);
    g_assert_cmpint(qemuHostFreePages(ask, 1, 3, 1, counts, &error), ==, -1);
    assertCode(&error, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpuint(qemuHostPagesTotal(0, 4), ==, (10000000 - 32 * 2048 - 2 * 1048576) / 4);
    g_assert_cmpuint(qemuHostPagesTotal(0, 2048), ==, 32);
}

static void testAllocPages(Scene *scene, gconstpointer data)
{
    static const unsigned huge = 2048, base = 4, odd = 12345;
    g_autoptr(GError) error = NULL;
    guint64 five = 5, many = G_MAXUINT64;

    g_assert_cmpint(qemuHostAllocPages(&huge, &five, 1, 2, 1, 0, &error), ==, 1);
    g_assert_cmpuint(qemuHostPagesTotal(2, 2048), ==, 37);
    g_assert_cmpint(qemuHostAllocPages(&huge, &five, 1, 2, 1, VIR_NODE_ALLOC_PAGES_SET, &error), ==, 1);
    g_assert_cmpuint(qemuHostPagesTotal(2, 2048), ==, 5);
    g_assert_cmpint(qemuHostAllocPages(&huge, &five, 1, -1, 1, VIR_NODE_ALLOC_PAGES_SET, &error), ==, 1);
    g_assert_cmpuint(qemuHostPagesTotal(-1, 2048), ==, 5);
    g_assert_cmpint(qemuHostAllocPages(&huge, &many, 1, 2, 1, 0, &error), ==, -1);
    assertCode(&error, VIR_ERR_OVERFLOW);
    g_assert_cmpint(qemuHostAllocPages(&base, &five, 1, 0, 1, 0, &error), ==, -1);
    assertCode(&error, VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_cmpint(qemuHostAllocPages(&odd, &five, 1, 0, 1, 0, &error), ==, -1);
    assertCode(&error, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(qemuHostAllocPages(&huge, &five, 1, 9, 1, 0, &error), ==, -1);
    assertCode(&error, VIR_ERR_INTERNAL_ERROR);
}

static void testKsm(Scene *scene, gconstpointer data)
{
    static const char *const readOnly[] = { "shm_pages_shared", "shm_full_scans", "run", "" };
    g_autoptr(GError) error = NULL;
    QemuHostKsmParam params[8];

    g_assert_cmpint(qemuHostKsmGet(params, 8, &error), ==, 8);
    g_assert_cmpstr(params[0].field, ==, "shm_pages_to_scan");
    g_assert_true(params[0].isUint);
    g_assert_cmpuint(params[0].value, ==, 100);
    g_assert_cmpstr(params[6].field, ==, "shm_full_scans");
    g_assert_false(params[6].isUint);
    g_assert_cmpuint(params[6].value, ==, 55);
    g_assert_true(qemuHostKsmSet("shm_pages_to_scan", 70, &error));
    g_assert_cmpint(qemuHostKsmGet(params, 1, &error), ==, 1);
    g_assert_cmpuint(params[0].value, ==, 70);
    for (gsize i = 0; i < G_N_ELEMENTS(readOnly); i++) {
        g_assert_false(qemuHostKsmSet(readOnly[i], 1, &error));
        assertCode(&error, VIR_ERR_ARGUMENT_UNSUPPORTED);
    }
}

/* A host of which nothing can be read is still one node and one CPU, and not a crash. */
static void testNothing(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    QemuHostInfo info;
    QemuHostStat stats[4];
    g_autofree char *uuid = NULL;

    qemuHostSetRoot("/nonexistent");
    g_assert_true(qemuHostGetInfo(&info, &error));
    g_assert_cmpint(info.cpus, ==, 1);
    g_assert_cmpuint(qemuHostFreeMemoryBytes(&error), ==, 0);
    assertCode(&error, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpint(qemuHostMemoryStats(-1, stats, &error), ==, -1);
    assertCode(&error, VIR_ERR_INVALID_ARG);
    uuid = qemuHostUuid();
    g_assert_cmpuint(strlen(uuid), ==, 36);
}

static void testRealHost(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree unsigned *sizes = qemuHostPageSizes();
    QemuHostInfo info;
    QemuHostStat stats[4];

    g_assert_true(qemuHostGetInfo(&info, &error));
    g_assert_cmpint(info.cpus, >=, (int)g_get_num_processors());
    g_assert_cmpuint(info.memoryKib, >, 65536);
    g_assert_cmpint(qemuHostMemoryStats(-1, stats, &error), ==, 4);
    g_assert_cmpuint(stats[1].value, <=, stats[0].value);
    g_assert_cmpint(qemuHostCpuStats(-1, stats, &error), ==, 4);
    g_assert_cmpuint(stats[0].value, >, 0);
    g_assert_cmpuint(sizes[0], ==, qemuHostPageKib());
    g_assert_cmpuint(qemuHostFreeMemoryBytes(&error), >, 0);
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/qemuhost/plain/info", Scene, "plain", setUp, testPlainInfo, tearDown);
    g_test_add("/qemuhost/plain/memory", Scene, "plain", setUp, testPlainMemory, tearDown);
    g_test_add("/qemuhost/plain/pages", Scene, "plain", setUp, testPlainPages, tearDown);
    g_test_add("/qemuhost/plain/ksm", Scene, "plain", setUp, testPlainKsm, tearDown);
    g_test_add("/qemuhost/numa/info", Scene, "numa", setUp, testNumaInfo, tearDown);
    g_test_add("/qemuhost/numa/offline", Scene, "numa", setUp, testNumaOffline, tearDown);
    g_test_add("/qemuhost/numa/memory", Scene, "numa", setUp, testNumaMemory, tearDown);
    g_test_add("/qemuhost/numa/cpu-stats", Scene, "numa", setUp, testCpuStats, tearDown);
    g_test_add("/qemuhost/numa/pages", Scene, "numa", setUp, testNumaPages, tearDown);
    g_test_add("/qemuhost/numa/alloc-pages", Scene, "numa", setUp, testAllocPages, tearDown);
    g_test_add("/qemuhost/numa/ksm", Scene, "numa", setUp, testKsm, tearDown);
    g_test_add("/qemuhost/nothing", Scene, "plain", setUp, testNothing, tearDown);
    g_test_add_func("/qemuhost/real", testRealHost);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemucgrouptest.c: guests' control groups and their limits, on recorded trees of cgroup v1 and v2 */
#include "qemu/qemu_cgroup.h"
#include "test_host.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#include <libvirt/virterror.h>
#include <string.h>

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define V1_GUEST "/sys/fs/cgroup/memory/daemons/one/virtmem-" UUID
#define V1_NODES "/sys/fs/cgroup/cpuset/daemons/virtmem-" UUID
#define V2_GUEST "/sys/fs/cgroup/system.slice/virtmemd.service/virtmem-" UUID

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

static void assertError(GError **error, int code, const char *part)
{
    g_assert_error(*error, MEM_ERROR, code);
    if (!strstr((*error)->message, part))
        g_error("'%s' is not in '%s'", part, (*error)->message);
    g_clear_error(error);
}

static void assertFile(const char *folder, const char *name, const char *wanted)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, wanted);
}

static void assertEnters(const Scene *scene, const char *guest)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *wanted = g_strconcat(scene->root, guest, NULL);
    g_autofree char *folder = qemuCgroupEnter(4711, UUID, &error);
    g_autofree char *found = qemuCgroupFind(4711, NULL);

    g_assert_no_error(error);
    g_assert_cmpstr(folder, ==, wanted);
    g_assert_cmpstr(found, ==, wanted);
    assertFile(folder, "cgroup.procs", "4711");
}

static void testV1Enter(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    assertEnters(scene, V1_GUEST);
    g_assert_null(qemuCgroupFind(4712, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "no memory control group of its own");
    g_assert_null(qemuCgroupFind(4713, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "names no group");
}

static void testV1Limits(Scene *scene, gconstpointer data)
{
    g_autofree char *folder = g_strconcat(scene->root, V1_GUEST, NULL);
    g_autoptr(GError) error = NULL;
    MemtuneDef tune = { .hasHard = TRUE, .hardLimitKib = 1048576 };

    g_assert_true(qemuCgroupSetLimits(folder, &tune, &error));
    assertFile(folder, "memory.limit_in_bytes", "1073741824");
    assertFile(folder, "memory.soft_limit_in_bytes", "");
    assertFile(folder, "memory.memsw.limit_in_bytes", "9223372036854771712\n");

    tune = (MemtuneDef){ .hasHard = TRUE, .hardLimitKib = MEM_KIB_UNLIMITED, .hasSoft = TRUE, .softLimitKib = 1,
                         .hasSwapHard = TRUE, .swapHardLimitKib = MEM_KIB_UNLIMITED };
    g_assert_true(qemuCgroupSetLimits(folder, &tune, &error));
    assertFile(folder, "memory.limit_in_bytes", "-1");
    assertFile(folder, "memory.soft_limit_in_bytes", "1024");
    assertFile(folder, "memory.memsw.limit_in_bytes", "-1");
}

/* A kernel that does not account swap has no such file. */
static void testV1NoSwap(Scene *scene, gconstpointer data)
{
    g_autofree char *folder = g_strconcat(scene->root, V1_GUEST, NULL);
    g_autofree char *swap = g_build_filename(folder, "memory.memsw.limit_in_bytes", NULL);
    g_autoptr(GError) error = NULL;
    const MemtuneDef tune = { .hasSwapHard = TRUE, .swapHardLimitKib = 4096 };

    g_assert_cmpint(remove(swap), ==, 0);
    g_assert_false(qemuCgroupSetLimits(folder, &tune, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "'swap_hard_limit' cannot be limited");
}

static void testV2(Scene *scene, gconstpointer data)
{
    g_autofree char *folder = g_strconcat(scene->root, V2_GUEST, NULL);
    g_autoptr(GError) error = NULL;
    MemtuneDef tune = { .hasHard = TRUE, .hardLimitKib = 1048576, .hasSoft = TRUE, .softLimitKib = 524288,
                        .hasSwapHard = TRUE, .swapHardLimitKib = 1572864 };

    assertEnters(scene, V2_GUEST);
    g_assert_true(qemuCgroupSetLimits(folder, &tune, &error));
    assertFile(folder, "memory.max", "1073741824");
    assertFile(folder, "memory.high", "536870912");
    assertFile(folder, "memory.swap.max", "536870912");

    tune = (MemtuneDef){ .hasHard = TRUE, .hardLimitKib = MEM_KIB_UNLIMITED, .hasSwapHard = TRUE, .swapHardLimitKib = 4096 };
    g_assert_false(qemuCgroupSetLimits(folder, &tune, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "needs a 'hard_limit'");
    tune.swapHardLimitKib = MEM_KIB_UNLIMITED;
    g_assert_true(qemuCgroupSetLimits(folder, &tune, &error));
    assertFile(folder, "memory.max", "max");
    assertFile(folder, "memory.swap.max", "max");
}

static void assertNodes(const Scene *scene, const char *guest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MemBitmap) nodes = memBitmapParse("0,2-3", 16, NULL);
    g_autofree char *wanted = g_strconcat(scene->root, guest, NULL);
    g_autofree char *folder = qemuCgroupSetNodes(4711, UUID, nodes, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(folder, ==, wanted);
    assertFile(folder, "cpuset.mems", "0,2-3");
    assertFile(folder, "cgroup.procs", "4711");
}

static void testV1Nodes(Scene *scene, gconstpointer data)
{
    g_autofree char *folder = g_strconcat(scene->root, V1_NODES, NULL);

    g_assert_null(qemuCgroupFindNodes(4711));
    assertNodes(scene, V1_NODES);
    assertFile(folder, "cpuset.cpus", "0-3");
    assertFile(folder, "cpuset.memory_migrate", "1");
}

/* The group that the guest is in already learns one thing more. */
static void testV2Nodes(Scene *scene, gconstpointer data)
{
    g_autofree char *above = g_path_get_dirname(V2_GUEST);
    g_autofree char *folder = g_strconcat(scene->root, above, NULL);
    g_autofree char *found = qemuCgroupFindNodes(4711);
    g_autofree char *guest = g_strconcat(scene->root, V2_GUEST, NULL);

    g_assert_cmpstr(found, ==, guest);
    assertNodes(scene, V2_GUEST);
    assertFile(folder, "cgroup.subtree_control", "+cpuset");
}

/* The session of a user: other processes are in the daemon's group, and nothing may be made beside it. */
static void testV2Shared(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(qemuCgroupEnter(4711, UUID, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "Delegate=yes");
}

/* root on the same host: there is room beside everybody. */
static void testV2Beside(Scene *scene, gconstpointer data)
{
    g_autofree char *shared = g_strconcat(scene->root, "/sys/fs/cgroup/virtmemd", NULL);
    g_autofree char *wanted = g_build_filename(shared, "virtmem-" UUID, NULL);
    g_autofree char *control = g_build_filename(shared, "cgroup.subtree_control", NULL);
    g_autofree char *procs = g_build_filename(wanted, "cgroup.procs", NULL);
    g_autofree char *folder = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(wanted, 0755), ==, 0);
    g_assert_true(g_file_set_contents(control, "", -1, NULL) && g_file_set_contents(procs, "", -1, NULL));
    folder = qemuCgroupEnter(4711, UUID, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(folder, ==, wanted);
    assertFile(shared, "cgroup.subtree_control", "+memory");
    assertFile(folder, "cgroup.procs", "4711");
}

static void testNone(Scene *scene, gconstpointer data)
{
    g_autoptr(MemBitmap) nodes = memBitmapParse("0", 1, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(qemuCgroupEnter(4711, UUID, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "no cgroup hierarchy");
    g_assert_null(qemuCgroupSetNodes(4711, UUID, nodes, &error));
    assertError(&error, VIR_ERR_OPERATION_INVALID, "no cgroup hierarchy with the 'cpuset' controller");
}

static void testSweep(Scene *scene, gconstpointer data)
{
    g_autofree char *idle = g_strconcat(scene->root, "/sys/fs/cgroup/memory/daemons/one/virtmem-idle", NULL);
    g_autofree char *other = g_strconcat(scene->root, "/sys/fs/cgroup/memory/daemons/one/other", NULL);

    g_assert_cmpint(g_mkdir_with_parents(idle, 0755), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(other, 0755), ==, 0);
    qemuCgroupSweep();
    g_assert_false(g_file_test(idle, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *host;
        void (*func)(Scene *scene, gconstpointer data);
    } rows[] = {
        { "/cgroup/v1/enter", "cgroup1", testV1Enter },
        { "/cgroup/v1/limits", "cgroup1", testV1Limits },
        { "/cgroup/v1/nodes", "cgroup1", testV1Nodes },
        { "/cgroup/v1/no-swap", "cgroup1", testV1NoSwap },
        { "/cgroup/v1/sweep", "cgroup1", testSweep },
        { "/cgroup/v2", "cgroup2", testV2 },
        { "/cgroup/v2/nodes", "cgroup2", testV2Nodes },
        { "/cgroup/v2/beside", "cgroup2-shared", testV2Beside },
        { "/cgroup/v2/shared", "cgroup2-shared", testV2Shared },
        { "/cgroup/none", "plain", testNone },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].name, Scene, rows[i].host, setUp, rows[i].func, tearDown);
    return g_test_run();
}

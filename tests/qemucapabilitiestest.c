/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemucapabilitiestest.c: recordings -> capabilities, the cache, and binaries that fail */
#include "qemu/qemu_capabilities.h"
#include "qemu/qemu_capabilities_priv.h"
#include "test_golden.h"
#include "util/mem_error.h"
#include "util/mem_file.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define LIVE_BINARY "/usr/bin/qemu-system-x86_64"

static const char *const recordings[] = { "aarch64", "ppc64", "s390x", "x86_64" };

/* ---- recordings ---- */

static void describeMachine(GString *out, const QemuMachine *machine)
{
    g_string_append_printf(out, "machine %s", machine->name);
    if (machine->alias)
        g_string_append_printf(out, " (%s)", machine->alias);
    g_string_append_printf(out, " cpus=%u ram=%s cpu=%s%s%s%s%s\n", machine->maxCpus,
                           machine->defaultRamId ? machine->defaultRamId : "-",
                           machine->defaultCpu ? machine->defaultCpu : "-", machine->isDefault ? " default" : "",
                           machine->numaMemSupported ? " numa-mem" : "",
                           machine->hotpluggableCpus ? " hotpluggable-cpus" : "",
                           machine->deprecated ? " deprecated" : "");
}

static char *describe(const QemuCaps *caps)
{
    GString *out = g_string_new(NULL);
    const QemuMachine *machines;
    const QemuCpuModel *models;
    gsize count;

    g_string_append_printf(out, "binary %s\nversion %u\n", qemuCapsBinary(caps), qemuCapsVersion(caps));
    for (int flag = 0; flag < QEMU_CAPS_LAST; flag++) {
        if (qemuCapsHas(caps, flag))
            g_string_append_printf(out, "flag %s\n", qemuCapsFlagToString(flag));
    }
    machines = qemuCapsMachines(caps, &count);
    for (gsize i = 0; i < count; i++)
        describeMachine(out, &machines[i]);
    models = qemuCapsCpuModelList(caps, &count);
    for (gsize i = 0; i < count; i++) {
        g_string_append_printf(out, "cpu %s usable=%s%s%s%s", models[i].name,
                               models[i].usable ? memTristateBoolToString(models[i].usable) : "unknown",
                               models[i].deprecated ? " deprecated" : "", models[i].vendor ? " " : "",
                               models[i].vendor ? models[i].vendor : "");
        if (models[i].features)
            g_string_append_printf(out, " features=%u", g_strv_length((char **)models[i].features));
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, "max %s\n", qemuCapsMaxCpuVendor(caps) ? qemuCapsMaxCpuVendor(caps) : "-");
    for (const char *const *name = qemuCapsMaxCpuFeatures(caps); *name; name++)
        g_string_append_printf(out, "feature %s\n", *name);
    g_string_append_printf(out, "gic%s%s\n", qemuCapsHasGic(caps, 2) ? " 2" : "", qemuCapsHasGic(caps, 3) ? " 3" : "");
    return g_string_free(out, FALSE);
}

static QemuCaps *loadRecording(const char *arch)
{
    g_autofree char *path = testSourcePath("qemucapabilitiesdata/qemu_7.2.0.%s.replies", arch);
    g_autoptr(GError) error = NULL;
    QemuCaps *caps = qemuCapsFromRecording(path, &error);

    g_assert_no_error(error);
    return caps;
}

static void testRecording(gconstpointer data)
{
    const char *arch = data;
    g_autoptr(QemuCaps) caps = loadRecording(arch);
    g_autofree char *path = testSourcePath("qemucapabilitiesdata/qemu_7.2.0.%s.caps", arch);
    g_autofree char *text = describe(caps);

    testGoldenCompare(path, text);
}

/* Every flag but those of newer QEMUs and of special hosts is shown by some recording: a row with a typing mistake is not. */
static void testFlagsShown(void)
{
    static const QemuCapsFlag never[] = {
        QEMU_CAPS_KVM, QEMU_CAPS_DEVICE_VIRTIO_MEM_CCW, QEMU_CAPS_VIRTIO_MEM_DYNAMIC_MEMSLOTS,
        QEMU_CAPS_DEVICE_VIRTIO_PMEM_CCW, QEMU_CAPS_OBJECT_MEMORY_EPC,
    };
    gboolean shown[QEMU_CAPS_LAST] = { FALSE };

    for (gsize i = 0; i < G_N_ELEMENTS(recordings); i++) {
        g_autoptr(QemuCaps) caps = loadRecording(recordings[i]);

        for (int flag = 0; flag < QEMU_CAPS_LAST; flag++)
            shown[flag] |= qemuCapsHas(caps, flag);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(never); i++) {
        g_assert_false(shown[never[i]]);
        shown[never[i]] = TRUE;
    }
    for (int flag = 0; flag < QEMU_CAPS_LAST; flag++) {
        if (!shown[flag])
            g_test_message("no recording shows '%s'", qemuCapsFlagToString(flag));
        g_assert_true(shown[flag]);
    }
}

static void testLookups(void)
{
    g_autoptr(QemuCaps) caps = loadRecording("x86_64");
    g_autoptr(QemuCaps) arm = loadRecording("aarch64");

    g_assert_cmpstr(qemuCapsMachine(arm, NULL)->name, ==, "virt-7.2");
    g_assert_cmpstr(qemuCapsMachine(caps, NULL)->name, ==, "pc-i440fx-7.2");
    g_assert_cmpstr(qemuCapsMachine(caps, "q35")->name, ==, "pc-q35-7.2");
    g_assert_cmpstr(qemuCapsMachine(caps, "pc-q35-4.2")->name, ==, "pc-q35-4.2");
    g_assert_null(qemuCapsMachine(caps, "pc-q35-99.9"));
    g_assert_true(qemuCapsHasDevice(caps, "virtio-net-pci"));
    g_assert_false(qemuCapsHasDevice(caps, "virtio-net-"));
    g_assert_cmpint(qemuCapsArch(caps), ==, ARCH_X86_64);
    qemuCapsSetForTest(caps, QEMU_CAPS_KVM, TRUE);
    g_assert_true(qemuCapsHas(caps, QEMU_CAPS_KVM));
    qemuCapsSetForTest(caps, QEMU_CAPS_KVM, FALSE);
    g_assert_false(qemuCapsHas(caps, QEMU_CAPS_KVM));
}

static void testBadRecording(gconstpointer data)
{
    const char *const *texts = data;
    g_autofree char *folder = g_dir_make_tmp("capsXXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "qemu_1.0.x86_64.replies", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, texts[0], -1, NULL));
    g_assert_null(qemuCapsFromRecording(path, &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(error->message, texts[1]));
    memFileRemove(folder, NULL);
}

/* ---- a file's text ---- */

static void testText(gconstpointer data)
{
    g_autoptr(QemuCaps) caps = loadRecording(data);
    g_autofree char *text = qemuCapsToText(caps, "key");
    g_autoptr(GError) error = NULL;
    g_autoptr(QemuCaps) again = qemuCapsFromText(text, "key", &error);
    g_autofree char *before = describe(caps);
    g_autofree char *after = NULL;
    g_autofree char *textAgain = NULL;

    g_assert_no_error(error);
    after = describe(again);
    g_assert_cmpstr(before, ==, after);
    textAgain = qemuCapsToText(again, "key");
    g_assert_cmpstr(text, ==, textAgain);
    g_assert_cmpuint(strlen(text), <, 100 * 1024);
}

static void testTextDamage(void)
{
    g_autoptr(QemuCaps) caps = loadRecording("s390x");
    g_autofree char *text = qemuCapsToText(caps, "key");
    gsize length = strlen(text);

    g_assert_null(qemuCapsFromText(text, "other key", NULL));
    g_assert_null(qemuCapsFromText("", "key", NULL));
    for (gsize cut = 0; cut < length; cut += 1 + length / 200) {
        g_autofree char *damaged = g_strndup(text, cut);

        g_assert_null(qemuCapsFromText(damaged, "key", NULL));
    }
    for (gsize at = 0; at < length; at += 1 + length / 200) {
        g_autofree char *damaged = g_strdup(text);

        damaged[at] ^= 1;
        g_assert_null(qemuCapsFromText(damaged, "key", NULL));
    }
}

/* ---- the cache ---- */

typedef struct {
    char *folder;
    char *binary;               /* a script; each run adds a line to log */
    char *log;
    char *cacheFolder;
} Scene;

/* A new file each time: a running script must not see its text change. */
static void writeExecutable(const char *path, const char *text)
{
    g_unlink(path);
    g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

static void writeBinary(const Scene *scene, const char *commands)
{
    g_autofree char *text = g_strdup_printf("#!/bin/sh\necho $$ >>'%s'\n%s\n", scene->log, commands);

    writeExecutable(scene->binary, text);
}

static void writeFakeQemu(const Scene *scene, const char *before)
{
    g_autofree char *fake = testSourcePath("fakeqemu.py");
    g_autofree char *recording = testSourcePath("qemucapabilitiesdata/qemu_7.2.0.s390x.replies");
    g_autofree char *commands = g_strdup_printf("%sexec /usr/bin/python3 '%s' '%s' \"$@\"", before, fake, recording);

    writeBinary(scene, commands);
}

static void sceneSetUp(Scene *scene, gconstpointer data)
{
    scene->folder = g_dir_make_tmp("capsXXXXXX", NULL);
    scene->binary = g_build_filename(scene->folder, "qemu", NULL);
    scene->log = g_build_filename(scene->folder, "log", NULL);
    scene->cacheFolder = g_build_filename(scene->folder, "cache", NULL);
    writeFakeQemu(scene, "");
}

static void sceneTearDown(Scene *scene, gconstpointer data)
{
    /* Nothing that was started may be left, running or unburied. */
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    memFileRemove(scene->folder, NULL);
    g_free(scene->folder);
    g_free(scene->binary);
    g_free(scene->log);
    g_free(scene->cacheFolder);
}

static guint runs(const Scene *scene)
{
    g_autofree char *text = NULL;
    guint count = 0;

    if (!g_file_get_contents(scene->log, &text, NULL, NULL))
        return 0;
    for (const char *c = text; *c; c++)
        count += *c == '\n';
    return count;
}

static void assertGets(QemuCapsCache *cache, const Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QemuCaps) caps = qemuCapsCacheGet(cache, scene->binary, &error);

    g_assert_no_error(error);
    g_assert_cmpint(qemuCapsArch(caps), ==, ARCH_S390X);
    g_assert_cmpstr(qemuCapsBinary(caps), ==, scene->binary);
}

static void assertFreshCacheGets(const Scene *scene, guint runsAfter)
{
    QemuCapsCache *cache = qemuCapsCacheNew(scene->cacheFolder);

    assertGets(cache, scene);
    g_assert_cmpuint(runs(scene), ==, runsAfter);
    qemuCapsCacheFree(cache);
}

static void testCacheHit(Scene *scene, gconstpointer data)
{
    QemuCapsCache *cache = qemuCapsCacheNew(scene->cacheFolder);

    for (int i = 0; i < 3; i++)
        assertGets(cache, scene);
    g_assert_cmpuint(runs(scene), ==, 1);
    qemuCapsCacheFree(cache);
    assertFreshCacheGets(scene, 1);
}

static void testCacheMtime(Scene *scene, gconstpointer data)
{
    QemuCapsCache *cache = qemuCapsCacheNew(scene->cacheFolder);
    struct utimbuf times = { .actime = 1000, .modtime = 1000 };

    assertGets(cache, scene);
    g_assert_cmpint(utime(scene->binary, &times), ==, 0);
    assertGets(cache, scene);
    g_assert_cmpuint(runs(scene), ==, 2);
    qemuCapsCacheFree(cache);
    times.modtime = 2000;
    g_assert_cmpint(utime(scene->binary, &times), ==, 0);
    assertFreshCacheGets(scene, 3);
}

static void testCacheCorrupt(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;
    const char *name;
    GDir *folder;

    assertFreshCacheGets(scene, 1);
    folder = g_dir_open(scene->cacheFolder, 0, NULL);
    g_assert_nonnull((name = g_dir_read_name(folder)));
    path = g_build_filename(scene->cacheFolder, name, NULL);
    g_dir_close(folder);
    g_assert_true(g_file_set_contents(path, "junk", -1, NULL));
    assertFreshCacheGets(scene, 2);
    g_assert_cmpint(truncate(path, 2000), ==, 0);
    assertFreshCacheGets(scene, 3);
    assertFreshCacheGets(scene, 3);
}

/* A folder that cannot be made costs time, not the answer. */
static void testCacheNoFolder(Scene *scene, gconstpointer data)
{
    QemuCapsCache *cache;

    g_assert_true(g_file_set_contents(scene->cacheFolder, "a file", -1, NULL));
    cache = qemuCapsCacheNew(scene->cacheFolder);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*cannot be kept*");
    assertGets(cache, scene);
    g_test_assert_expected_messages();
    assertGets(cache, scene);
    g_assert_cmpuint(runs(scene), ==, 1);
    qemuCapsCacheFree(cache);
}

typedef struct {
    QemuCapsCache *cache;
    const Scene *scene;
} Caller;

static gpointer callGet(gpointer data)
{
    const Caller *caller = data;
    GError *error = NULL;
    QemuCaps *caps = qemuCapsCacheGet(caller->cache, caller->scene->binary, &error);

    qemuCapsUnref(caps);
    return error;
}

static void testCacheManyCallers(Scene *scene, gconstpointer data)
{
    Caller caller = { .cache = qemuCapsCacheNew(scene->cacheFolder), .scene = scene };
    GThread *threads[16];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("get", callGet, &caller);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_null(g_thread_join(threads[i]));
    g_assert_cmpuint(runs(scene), ==, 1);
    qemuCapsCacheFree(caller.cache);
}

/* Those who wait for a probe that fails are told, and do not probe one after the other. */
static void testCacheManyFailures(Scene *scene, gconstpointer data)
{
    Caller caller = { .cache = qemuCapsCacheNew(scene->cacheFolder), .scene = scene };
    g_autofree char *gate = g_build_filename(scene->folder, "gate", NULL);
    g_autofree char *commands = g_strdup_printf("read line <'%s'; echo broken >&2; exit 3", gate);
    GThread *threads[8];

    g_assert_cmpint(mkfifo(gate, 0600), ==, 0);
    writeBinary(scene, commands);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("get", callGet, &caller);
    /* Late callers probe again, so hold the door open: each run takes a line. */
    FILE *door = fopen(gate, "w");
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        fputs("go\n", door);
    fflush(door);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_autoptr(GError) error = g_thread_join(threads[i]);

        g_assert_error(error, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
        g_assert_nonnull(strstr(error->message, "broken"));
    }
    fclose(door);
    g_assert_cmpuint(runs(scene), <=, G_N_ELEMENTS(threads));
    /* It is mended: nobody remembers the failure. */
    writeFakeQemu(scene, "");
    assertGets(caller.cache, scene);
    qemuCapsCacheFree(caller.cache);
}

/* ---- binaries that fail ---- */

static void assertCacheRefuses(const char *binary, int code, const char *words)
{
    QemuCapsCache *cache = qemuCapsCacheNew(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(qemuCapsCacheGet(cache, binary, &error));
    g_assert_error(error, MEM_ERROR, code);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_nonnull(strstr(error->message, binary));
    qemuCapsCacheFree(cache);
}

static void testUnusable(Scene *scene, gconstpointer data)
{
    assertCacheRefuses("/nonexistent/qemu", VIR_ERR_SYSTEM_ERROR, "No such file");
    assertCacheRefuses(scene->folder, VIR_ERR_SYSTEM_ERROR, "not a file");
    g_assert_cmpint(g_chmod(scene->binary, 0644), ==, 0);
    assertCacheRefuses(scene->binary, VIR_ERR_SYSTEM_ERROR, "not executable");
    writeExecutable(scene->binary, "#!/nonexistent/interpreter\n");
    assertCacheRefuses(scene->binary, VIR_ERR_INTERNAL_ERROR, "cannot run");
    writeExecutable(scene->binary, "\x7f" "ELF");
    assertCacheRefuses(scene->binary, VIR_ERR_INTERNAL_ERROR, "exited with status 127");
    g_assert_cmpuint(runs(scene), ==, 0);
}

static const struct {
    const char *name;
    const char *commands;
    const char *words;
    unsigned timeoutMs;
} failures[] = {
    { "exit", "echo 'cannot find libfoo.so' >&2; exit 127", "exited with status 127: cannot find libfoo.so", 20000 },
    { "exit-quietly", "exit 0", "exited with status 0", 20000 },
    { "signal", "echo ouch >&2; kill -SEGV $$", "killed by signal 11: ouch", 20000 },
    { "silent", "echo 'waiting for Godot' >&2; exec sleep 1000", "did not answer in time: waiting for Godot", 300 },
    { "stubborn", "trap '' TERM; while :; do read line || exec sleep 1000; done", "did not answer in time", 300 },
    { "deaf", "exec <&- >&- sleep 1000", "closed its monitor", 300 },
    { "not-qmp", "echo hello; exec sleep 1000", "not QMP", 300 },
    { "not-a-list", "while read line; do echo '{\"return\": {}}'; done", "no version number", 20000 },
    { "refuses", "while read line; do echo '{\"error\": {\"desc\": \"not today\"}}'; done", "not today", 20000 },
    { "talks-forever", "exec yes '{\"event\": \"X\"}'", "did not answer in time", 300 },
    { "endless-line", "exec tr '\\0' a </dev/zero", "more than 16777216 bytes", 20000 },
};

static void testFailure(Scene *scene, gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(GError) error = NULL;

    writeBinary(scene, failures[row].commands);
    g_assert_null(qemuCapsProbeWithin(scene->binary, failures[row].timeoutMs, &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, failures[row].words));
    g_assert_nonnull(strstr(error->message, scene->binary));
    g_assert_cmpuint(runs(scene), ==, 1);
}

static void testChatter(Scene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QemuCaps) caps = NULL;

    writeFakeQemu(scene, "yes warning | head -c 300000 >&2\necho '{\"event\": \"X\"}'\n");
    caps = qemuCapsProbeWithin(scene->binary, 20000, &error);
    g_assert_no_error(error);
    g_assert_nonnull(caps);
}

static void testLive(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QemuCaps) caps = qemuCapsProbe(LIVE_BINARY, &error);

    g_assert_no_error(error);
    g_assert_cmpint(qemuCapsArch(caps), ==, ARCH_X86_64);
    g_assert_nonnull(qemuCapsMachine(caps, NULL));
    g_assert_true(qemuCapsHas(caps, QEMU_CAPS_DEVICE_PC_DIMM));
    g_assert_cmpint(qemuCapsHas(caps, QEMU_CAPS_KVM), ==, qemuCapsKvmWorks());
}

static void testFindBinary(void)
{
    g_autofree char *path = qemuCapsCacheFindBinary(NULL, ARCH_X86_64);

    g_assert_true(g_path_is_absolute(path));
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_EXECUTABLE));
    g_assert_null(qemuCapsCacheFindBinary(NULL, ARCH_NONE));
}

static void addScene(const char *path, gconstpointer data, void (*func)(Scene *, gconstpointer))
{
    g_test_add(path, Scene, data, sceneSetUp, func, sceneTearDown);
}

static void addData(const char *folder, const char *name, gconstpointer data, GTestDataFunc func)
{
    g_autofree char *path = g_strdup_printf("/qemucapabilities/%s/%s", folder, name);

    g_test_add_data_func(path, data, func);
}

int main(int argc, char **argv)
{
    static const char *const bad[][2] = {
        { "junk", "does not begin with a question" },
        { "> {\"execute\": \"query-version\"}\n", "no reply after" },
        { "> {\"execute\": \"query-kvm\"}\n< {\"return\": {}}\n", "no reply to {\"execute\":\"query-version\"}" },
        { "> {\"execute\": \"query-version\"}\n< {\"return\": {}}\n\n"
          "> {\"execute\": \"query-target\"}\n< {\"return\": {}}\n", "no version number" },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(recordings); i++) {
        addData("recording", recordings[i], recordings[i], testRecording);
        addData("text", recordings[i], recordings[i], testText);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *name = g_strdup_printf("%" G_GSIZE_FORMAT, i);

        addData("bad-recording", name, bad[i], testBadRecording);
    }
    g_test_add_func("/qemucapabilities/flags-shown", testFlagsShown);
    g_test_add_func("/qemucapabilities/lookups", testLookups);
    g_test_add_func("/qemucapabilities/text-damage", testTextDamage);
    addScene("/qemucapabilities/cache/hit", NULL, testCacheHit);
    addScene("/qemucapabilities/cache/mtime", NULL, testCacheMtime);
    addScene("/qemucapabilities/cache/corrupt", NULL, testCacheCorrupt);
    addScene("/qemucapabilities/cache/no-folder", NULL, testCacheNoFolder);
    addScene("/qemucapabilities/cache/many-callers", NULL, testCacheManyCallers);
    addScene("/qemucapabilities/cache/many-failures", NULL, testCacheManyFailures);
    addScene("/qemucapabilities/unusable", NULL, testUnusable);
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *path = g_strdup_printf("/qemucapabilities/failure/%s", failures[i].name);

        addScene(path, GSIZE_TO_POINTER(i), testFailure);
    }
    addScene("/qemucapabilities/chatter", NULL, testChatter);
    g_test_add_func("/qemucapabilities/live", testLive);
    g_test_add_func("/qemucapabilities/find-binary", testFindBinary);
    return g_test_run();
}

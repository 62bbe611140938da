/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemuhotplugtest.c: changes of a running guest's memory: the whole dialogue with QEMU, and every step failing */
#include "hotplug_scene.h"

#include "test_golden.h"
#include "util/mem_error.h"

#include <stdlib.h>
#include <string.h>

#define DATA "qemuhotplugdata"
#define WAIT_US (100 * 1000)
#define LEFTOVER_BYTES (G_GUINT64_CONSTANT(128) * 1024 * 1024)
#define MOVED_BYTES (G_GUINT64_CONSTANT(300) * 1024 * 1024)
#define FAULT_WAIT_US (60 * 1000)

/* A case is a line of qemuhotplugdata/hotplug.cases and its files:
 *   NAME DOMAIN.xml ACTION ARGUMENT [live] [config] [guest=HOW] [fault=STEP:WHAT[:CLASS]] [stats=FILE] [late] [known] [moves]
 *       [leftover=ID]
 * ARGUMENT is NAME.xml of a device, an alias or a number. late: the guest gives the device up after the call has ended.
 * known: what the balloon leaves to the guest is known from its start, and moves: then changes while the device is plugged.
 * leftover: QEMU has memory of that id already, of half the size.
 * NAME.out has the result, the dialogue, the events, and what QEMU, live and stored definition then have. */
typedef struct {
    char *name, *domain, *action, *argument, *stats, *leftover;
    unsigned flags;
    QemuModelGuest guest;
    guint step;
    QemuModelFault fault;
    char *errorClass;
    gboolean late, known, moves;
} Case;

static const char *const guests[] = { "gives", "silent", "refuses-ost", "refuses-error", "gone" };
static const char *const faults[] = { "fine", "error", "die", "die-after", "hang", "hang-before" };

static GPtrArray *cases;
static GHashTable *used;        /* names of data files that some case names */

static char *readData(const char *name)
{
    g_autofree char *path = testSourcePath(DATA "/%s", name);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        g_error("cannot read '%s'", path);
    return text;
}

static char *argumentOf(const char *argument)
{
    return g_str_has_suffix(argument, ".xml") ? readData(argument) : g_strdup(argument);
}

/* ---- the list ---- */

static int indexOf(const char *const *names, gsize count, const char *name)
{
    for (gsize i = 0; i < count; i++) {
        if (g_strcmp0(names[i], name) == 0)
            return (int)i;
    }
    g_error("hotplug.cases: unknown word '%s'", name);
}

static void setFault(Case *test, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);

    test->step = (guint)atoi(parts[0]);
    test->fault = (QemuModelFault)indexOf(faults, G_N_ELEMENTS(faults), parts[1]);
    test->errorClass = parts[1] ? g_strdup(parts[2]) : NULL;
}

static void setOption(Case *test, const char *word)
{
    if (strcmp(word, "live") == 0)
        test->flags |= VIR_DOMAIN_AFFECT_LIVE;
    else if (strcmp(word, "config") == 0)
        test->flags |= VIR_DOMAIN_AFFECT_CONFIG;
    else if (strcmp(word, "late") == 0)
        test->late = TRUE;
    else if (g_str_has_prefix(word, "leftover="))
        test->leftover = g_strdup(word + strlen("leftover="));
    else if (strcmp(word, "known") == 0)
        test->known = TRUE;
    else if (strcmp(word, "moves") == 0)
        test->moves = TRUE;
    else if (g_str_has_prefix(word, "guest="))
        test->guest = (QemuModelGuest)indexOf(guests, G_N_ELEMENTS(guests), word + strlen("guest="));
    else if (g_str_has_prefix(word, "fault="))
        setFault(test, word + strlen("fault="));
    else if (g_str_has_prefix(word, "stats="))
        test->stats = g_strdup(word + strlen("stats="));
    else
        g_error("hotplug.cases: case '%s': unknown option '%s'", test->name, word);
}

static void readLine(const char *line)
{
    g_autofree char *squeezed = g_strstrip(g_strdup(line));
    g_auto(GStrv) words = g_regex_split_simple(" +", squeezed, 0, 0);
    Case *test;

    if (!*squeezed || *squeezed == '#')
        return;
    if (g_strv_length(words) < 4)
        g_error("hotplug.cases: a line has too few words: %s", line);
    test = g_new0(Case, 1);
    test->name = g_strdup(words[0]);
    test->domain = g_strdup(words[1]);
    test->action = g_strdup(words[2]);
    test->argument = g_strdup(words[3]);
    for (gsize i = 4; words[i]; i++)
        setOption(test, words[i]);
    g_hash_table_add(used, g_strdup_printf("%s.out", test->name));
    g_hash_table_add(used, g_strdup(test->domain));
    g_hash_table_add(used, g_strdup(test->argument));
    if (test->stats)
        g_hash_table_add(used, g_strdup(test->stats));
    g_ptr_array_add(cases, test);
}

static void readCases(void)
{
    g_autofree char *text = readData("hotplug.cases");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    cases = g_ptr_array_new();
    used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; lines[i]; i++)
        readLine(lines[i]);
}

/* ---- golden files ---- */

static HotplugScene *begin(const char *domain)
{
    g_autofree char *xml = readData(domain);

    return hotplugSceneNew(xml);
}

static char *describe(HotplugScene *scene, const char *result)
{
    g_autofree char *dialogue = qemuModelDialogue(scene->model);
    g_autofree char *events = hotplugSceneEvents(scene);
    g_autofree char *state = qemuModelState(scene->model);
    g_autofree char *live = hotplugSceneMemory(scene, TRUE);
    g_autofree char *config = hotplugSceneMemory(scene, FALSE);
    g_autofree char *text = NULL;

    text = g_strdup_printf("== result\n%s== dialogue\n%s== events\n%s== QEMU\n%s== live\n%s== stored\n%s", result, dialogue,
                           events, state, g_strcmp0(live, scene->liveBefore) == 0 ? "as before\n" : live,
                           g_strcmp0(config, scene->configBefore) == 0 ? "as before\n" : config);
    return hotplugSceneClean(scene, text);
}

static void runCase(gconstpointer data)
{
    const Case *test = data;
    HotplugScene *scene = begin(test->domain);
    g_autofree char *argument = argumentOf(test->argument);
    g_autofree char *stats = test->stats ? g_strchomp(readData(test->stats)) : NULL;
    g_autofree char *path = testSourcePath(DATA "/%s.out", test->name);
    g_autofree char *result = NULL;
    g_autofree char *answer = NULL;
    g_autofree char *actual = NULL;
    g_autoptr(GError) error = NULL;

    if (test->guest == QEMU_MODEL_SILENT)
        scene->driver->unplugWaitUs = WAIT_US;
    if (test->leftover)
        qemuModelAddObject(scene->model, test->leftover, LEFTOVER_BYTES);
    if (test->known)
        hotplugSceneKnowBalloon(scene);
    if (test->moves)
        qemuModelMoveBalloon(scene->model, MOVED_BYTES);
    qemuModelSetGuest(scene->model, test->guest);
    qemuModelSetStats(scene->model, stats);
    qemuModelFail(scene->model, test->step, test->fault, test->errorClass);
    if (hotplugSceneDo(scene, test->action, argument, test->flags, &answer, &error)) {
        g_assert_no_error(error);
        result = g_strdup_printf("done\n%s", answer ? answer : "");
    } else {
        g_assert_nonnull(error);
        result = g_strdup_printf("%d: %s\n", error->code, error->message);
    }
    if (test->late) {
        qemuModelGiveUp(scene->model, "dimm0");
        hotplugSceneWaitEvent(scene, "device-removed dimm0\n");
        hotplugSceneWaitSettled(scene);
    }
    /* by alias the call does not wait for the guest */
    if (test->guest == QEMU_MODEL_REFUSES_ERROR || test->guest == QEMU_MODEL_REFUSES_OST)
        hotplugSceneWaitEvent(scene, "device-removal-failed dimm0\n");
    if (test->leftover)
        hotplugSceneWaitEvent(scene, "device-added dimm2\n");
    if (test->fault == QEMU_MODEL_DIE || test->fault == QEMU_MODEL_DIE_AFTER)
        hotplugSceneWaitOff(scene);
    hotplugSceneWaitSettled(scene);
    hotplugSceneCheck(scene);
    actual = describe(scene, result);
    testGoldenCompare(path, actual);
    hotplugSceneFree(scene);
}

/* A data file that no line names tests nothing. */
static void testNamed(void)
{
    g_autofree char *folder = testSourcePath(DATA);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        if (!g_hash_table_contains(used, name) && strcmp(name, "hotplug.cases") != 0 && strcmp(name, "cell.xml") != 0)
            g_error("%s/%s: no line of hotplug.cases names it", folder, name);
    }
}

/* ---- every step of every change, failing in every way ---- */

typedef struct {
    const char *action, *argument;
} Change;

static const Change changes[] = {
    { "attach", "dimm.xml" },
    { "attach", "virtio-mem.xml" },
    { "attach", "virtio-pmem.xml" },
    { "attach", "nvdimm.xml" },
    { "detach", "dimm-plain.xml" },
    { "update", "update.xml" },
    { "setmem", "262144" },
    { "period", "7" },
};

static void expectChange(HotplugScene *scene, gboolean liveChanged, gboolean targeted)
{
    g_autofree char *config = hotplugSceneMemory(scene, FALSE);
    gboolean stored = g_strcmp0(config, scene->configBefore) != 0;

    if (stored != liveChanged && !targeted)
        g_error("%s: the stored definition %s, the running guest %s", g_test_get_path(), stored ? "changed" : "stayed",
                liveChanged ? "changed" : "stayed");
}

static gboolean liveHasChanged(HotplugScene *scene)
{
    g_autofree char *live = hotplugSceneMemory(scene, TRUE);
    const char *before = strchr(scene->liveBefore, '\n'), *after = strchr(live, '\n');

    /* what the guest has in its balloon is no change by us; the period stands in the same line */
    return g_strcmp0(before, after) != 0 || strstr(live, "period 7") != NULL;
}

/* TRUE: step @step was reached, so that there may be a next. */
static gboolean failAt(const Change *change, guint step, QemuModelFault fault)
{
    HotplugScene *scene = begin("full.xml");
    g_autofree char *argument = argumentOf(change->argument);
    g_autoptr(GError) error = NULL;
    gboolean hangs = fault == QEMU_MODEL_HANG || fault == QEMU_MODEL_HANG_BEFORE;
    gboolean targeted = strcmp(change->action, "setmem") == 0;
    gboolean done, failed;

    if (hangs)
        scene->driver->answerWaitUs = FAULT_WAIT_US;
    qemuModelFail(scene->model, step, fault, NULL);
    done = hotplugSceneDo(scene, change->action, argument, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, NULL, &error);
    failed = qemuModelHasFailed(scene->model);
    g_assert_cmpint(done, ==, !error);
    if (hangs) {
        scene->driver->answerWaitUs = QEMU_ANSWER_WAIT_US;
        qemuModelWake(scene->model);
    }
    hotplugSceneWaitSettled(scene);
    if (failed && (fault == QEMU_MODEL_DIE || fault == QEMU_MODEL_DIE_AFTER)) {
        hotplugSceneWaitOff(scene);
        expectChange(scene, done, FALSE);
    } else {
        expectChange(scene, liveHasChanged(scene), targeted);
    }
    hotplugSceneCheck(scene);
    if (targeted && !hangs && !failed)
        g_assert_cmpuint(qemuModelTarget(scene->model), ==, G_GUINT64_CONSTANT(262144) * 1024);
    if (!failed)
        qemuModelFail(scene->model, 0, QEMU_MODEL_FINE, NULL);
    hotplugSceneFree(scene);
    return failed;
}

static void testFaults(gconstpointer data)
{
    const Change *change = data;

    for (int fault = QEMU_MODEL_ERROR; fault < QEMU_MODEL_FAULT_LAST; fault++) {
        guint step = 1;

        while (failAt(change, step, (QemuModelFault)fault))
            step++;
        /* the last round went through, and each change has a step at least */
        g_assert_cmpuint(step, >, 1);
    }
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    /* warnings are what faults are for */
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    readCases();
    hotplugSceneSetUp();
    for (guint i = 0; i < cases->len; i++) {
        const Case *test = g_ptr_array_index(cases, i);
        g_autofree char *path = g_strdup_printf("/hotplug/%s", test->name);

        g_test_add_data_func(path, test, runCase);
    }
    g_test_add_func("/named", testNamed);
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *path = g_strdup_printf("/faults/%s-%s", changes[i].action, changes[i].argument);

        g_test_add_data_func(path, &changes[i], testFaults);
    }
    status = g_test_run();
    hotplugSceneTearDown();
    return status;
}

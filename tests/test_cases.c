/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_cases.c: reading the lists of cases, and the steps that all tests of cases share */
#include "test_cases.h"

#include "qemu/qemu_domain_defaults.h"
#include "test_golden.h"
#include "test_host.h"
#include "util/mem_error.h"

#include <string.h>

static GPtrArray *cases;
static char *hostName;
static char *hostRoot;

static gboolean setOption(TestCase *testCase, const char *word)
{
    const char *value = strchr(word, '=');

    if (!value)
        return FALSE;
    value++;
    if (g_str_has_prefix(word, "arch=")) {
        g_free(testCase->arch);
        testCase->arch = g_strdup(value);
    } else if (g_str_has_prefix(word, "host=")) {
        g_free(testCase->host);
        testCase->host = g_strdup(value);
    } else if (g_str_has_prefix(word, "caps=")) {
        g_strfreev(testCase->caps);
        testCase->caps = g_strsplit(value, ",", -1);
    } else if (strcmp(word, "schema=no") == 0) {
        testCase->schema = FALSE;
    } else {
        return FALSE;
    }
    return TRUE;
}

static void readLine(const char *path, const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    TestCase *testCase = NULL;

    for (gsize i = 0; words[i]; i++) {
        if (!*words[i])
            continue;
        if (words[i][0] == '#')
            break;
        if (!testCase) {
            testCase = g_new0(TestCase, 1);
            testCase->name = g_strdup(words[i]);
            testCase->arch = g_strdup("x86_64");
            testCase->host = g_strdup("plain");
            testCase->caps = g_new0(char *, 1);
            testCase->schema = TRUE;
        } else if (!setOption(testCase, words[i])) {
            g_error("%s: case '%s': unknown option '%s'", path, testCase->name, words[i]);
        }
    }
    if (testCase)
        g_ptr_array_add(cases, testCase);
}

static void readList(const char *path)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        g_error("cannot read '%s'", path);
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++)
        readLine(path, lines[i]);
}

static int compareNames(gconstpointer a, gconstpointer b)
{
    return strcmp((*(TestCase *const *)a)->name, (*(TestCase *const *)b)->name);
}

const GPtrArray *testCasesLoad(void)
{
    g_autofree char *folder = testSourcePath(TEST_CASES_FOLDER);
    g_autoptr(GDir) dir = NULL;
    const char *name;

    if (cases)
        return cases;
    cases = g_ptr_array_new();
    dir = g_dir_open(folder, 0, NULL);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_str_has_suffix(name, ".cases"))
            readList(path);
    }
    g_ptr_array_sort(cases, compareNames);
    for (guint i = 1; i < cases->len; i++) {
        if (compareNames(&cases->pdata[i - 1], &cases->pdata[i]) == 0)
            g_error("case '%s' is listed twice", ((TestCase *)cases->pdata[i])->name);
    }
    return cases;
}

void testCasesAdd(const char *prefix, void (*func)(gconstpointer))
{
    const GPtrArray *all = testCasesLoad();

    for (guint i = 0; i < all->len; i++) {
        const TestCase *testCase = all->pdata[i];
        g_autofree char *path = g_strdup_printf("%s/%s", prefix, testCase->name);

        g_test_add_data_func(path, testCase, func);
    }
}

void testCasesEnd(void)
{
    if (hostRoot)
        testHostEnd(g_steal_pointer(&hostRoot));
    g_clear_pointer(&hostName, g_free);
}

static void testCaseHost(const TestCase *testCase)
{
    if (g_strcmp0(hostName, testCase->host) == 0)
        return;
    testCasesEnd();
    hostName = g_strdup(testCase->host);
    hostRoot = testHostBegin(hostName);
}

QemuCaps *testCaseCaps(const TestCase *testCase)
{
    g_autofree char *path = testSourcePath("qemucapabilitiesdata/qemu_7.2.0.%s.replies", testCase->arch);
    g_autoptr(GError) error = NULL;
    QemuCaps *caps = qemuCapsFromRecording(path, &error);

    testCaseHost(testCase);
    g_assert_no_error(error);
    for (gsize i = 0; testCase->caps[i]; i++) {
        const char *flag = testCase->caps[i];
        int value = qemuCapsFlagFromString(flag + 1);

        if (value < 0 || (flag[0] != '+' && flag[0] != '-'))
            g_error("case '%s': '%s' is not '+' or '-' and a capability", testCase->name, flag);
        qemuCapsSetForTest(caps, (QemuCapsFlag)value, flag[0] == '+');
    }
    return caps;
}

char *testCaseXml(const TestCase *testCase)
{
    g_autofree char *path = testSourcePath(TEST_CASES_FOLDER "/%s.xml", testCase->name);
    g_autoptr(GError) error = NULL;
    char *xml = NULL;

    g_file_get_contents(path, &xml, NULL, &error);
    g_assert_no_error(error);
    return xml;
}

DomainDef *testCaseDefine(const char *xml, const QemuCaps *caps, GError **err)
{
    unsigned flags = DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE;
    g_autoptr(DomainDef) def = domainDefParseString(xml, flags, err);

    if (!def || !qemuDomainDefaults(def, caps, flags, err) || !qemuDomainValidate(def, caps, err))
        return NULL;
    return g_steal_pointer(&def);
}

char *testCaseErrorText(const char *step, const GError *error)
{
    g_autofree char *text = memErrorText(error);

    g_assert_true(error->domain == MEM_ERROR);
    return g_strdup_printf("%s: %d: %s\n", step, error->code, text);
}

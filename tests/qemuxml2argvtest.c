/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemuxml2argvtest.c: domain XML + recorded capabilities -> QEMU's arguments, or the error */
#include "conf/domain_schema.h"
#include "qemu/qemu_command.h"
#include "qemu/qemu_domain_defaults.h"
#include "test_cases.h"
#include "test_golden.h"
#include "util/mem_error.h"

#include <glib/gstdio.h>
#include <string.h>

#define FIXED_SECONDS 1700000000

static char *build(const DomainDef *config, const QemuCaps *caps, GError **err)
{
    g_autoptr(DomainDef) def = domainDefCopy(config, err);
    g_autofree char *shortName = def ? qemuDomainShortName(def) : NULL;
    g_autofree char *folder = g_strdup_printf("/var/lib/libvirt/qemu/domain-%s", shortName);
    QemuCommandContext context = {
        .memoryBackingFolder = "/var/lib/libvirt/qemu/ram",
        .domainFolder = folder,
        .shortName = shortName,
        .monitorFd = -1,
        .native = TRUE,
        .defaultVncListen = "127.0.0.1",
        .nvramFolder = "/var/lib/libvirt/qemu/nvram",
        .nowSeconds = FIXED_SECONDS,
    };
    g_auto(GStrv) argv = NULL;

    if (!def || !qemuDomainPrepare(def, caps, err))
        return NULL;
    argv = qemuCommandBuild(def, caps, &context, err);
    return argv ? qemuCommandToString(argv, def->qemuEnv, FALSE) : NULL;
}

static gboolean regenerates(void)
{
    return g_strcmp0(g_getenv("MEM_TEST_REGENERATE"), "1") == 0;
}

/* The file of the other outcome must not stay when the outcome changes. */
static void compareOutcome(const TestCase *testCase, const char *args, const char *error)
{
    g_autofree char *argsPath = testSourcePath(TEST_CASES_FOLDER "/%s.args", testCase->name);
    g_autofree char *errPath = testSourcePath(TEST_CASES_FOLDER "/%s.err", testCase->name);
    const char *other = args ? errPath : argsPath;

    if (regenerates())
        g_unlink(other);
    if (g_file_test(other, G_FILE_TEST_EXISTS)) {
        g_test_message("'%s' is expected, and this came instead: %s", other, args ? args : error);
        g_test_fail();
        return;
    }
    testGoldenCompare(args ? argsPath : errPath, args ? args : error);
}

static void testSchema(const TestCase *testCase, const char *xml)
{
    g_autoptr(GError) error = NULL;
    gboolean valid = domainSchemaValidate(xml, &error);

    if (valid == testCase->schema)
        return;
    g_test_message("the schema says: %s; a case with wrong XML says schema=no in its list",
                   valid ? "valid" : error->message);
    g_test_fail();
}

static void testOne(gconstpointer data)
{
    const TestCase *testCase = data;
    g_autoptr(QemuCaps) caps = testCaseCaps(testCase);
    g_autofree char *xml = testCaseXml(testCase);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = testCaseDefine(xml, caps, &error);
    g_autofree char *args = def ? build(def, caps, &error) : NULL;
    g_autofree char *said = error ? testCaseErrorText(def ? "native" : "define", error) : NULL;

    g_assert_true((args != NULL) != (error != NULL));
    compareOutcome(testCase, args, said);
    testSchema(testCase, xml);
}

/* ---- every file belongs to a case ---- */

static gboolean isCase(const char *name)
{
    const GPtrArray *all = testCasesLoad();

    for (guint i = 0; i < all->len; i++) {
        if (strcmp(((const TestCase *)all->pdata[i])->name, name) == 0)
            return TRUE;
    }
    return FALSE;
}

static void testFolder(gconstpointer data)
{
    g_autofree char *folder = testSourcePath("%s", (const char *)data);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *stem = g_strndup(name, (gsize)(strrchr(name, '.') ? strrchr(name, '.') - name : 0));

        if (g_str_has_suffix(name, ".cases") || isCase(stem))
            continue;
        g_test_message("'%s/%s' belongs to no case: name it in a .cases list, or remove it", folder, name);
        g_test_fail();
    }
}

/* ---- for people ---- */

static void testToString(void)
{
    char *argv[] = { (char *)"qemu", (char *)"-S", (char *)"-name", (char *)"a b'c", (char *)"-x", (char *)"", NULL };
    char *env[] = { (char *)"A=x y", NULL };
    g_autofree char *one = qemuCommandToString(argv, env, TRUE);
    g_autofree char *many = qemuCommandToString(argv, NULL, FALSE);

    g_assert_cmpstr(one, ==, "A='x y' qemu -S -name 'a b'\\''c' -x ''");
    g_assert_cmpstr(many, ==, "qemu \\\n-S \\\n-name 'a b'\\''c' \\\n-x ''\n");
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    testCasesAdd("/qemuxml2argv", testOne);
    g_test_add_data_func("/qemuxml2argv-files/in", TEST_CASES_FOLDER, testFolder);
    g_test_add_data_func("/qemuxml2argv-files/out", TEST_CASES_OUT_FOLDER, testFolder);
    g_test_add_func("/qemucommand/to-string", testToString);
    result = g_test_run();
    testCasesEnd();
    return result;
}

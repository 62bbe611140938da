/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemuxml2xmltest.c: what define makes of a domain XML, and that nothing is lost on the way to disk and back */
#include "conf/domain_schema.h"
#include "qemu/qemu_domain_defaults.h"
#include "test_cases.h"
#include "test_golden.h"

#include <glib/gstdio.h>

/* What is stored and read again stays as it is. */
static void testStored(const char *xml, const QemuCaps *caps)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = domainDefParseString(xml, DOMAIN_PARSE_INACTIVE, &error);
    g_autofree char *again = NULL;

    g_assert_no_error(error);
    g_assert_true(qemuDomainDefaults(def, caps, DOMAIN_PARSE_INACTIVE, &error));
    g_assert_no_error(error);
    again = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    g_assert_cmpstr(again, ==, xml);
}

/* A second define of what the first one made changes nothing. */
static void testStable(const char *xml, const QemuCaps *caps)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = testCaseDefine(xml, caps, &error);
    g_autofree char *again = NULL;

    g_assert_no_error(error);
    again = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    g_assert_cmpstr(again, ==, xml);
}

/* A running guest's definition goes through its status file unchanged, names of devices included. */
static void testStatus(DomainDef *def, const QemuCaps *caps)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) copy = NULL;
    g_autofree char *live = NULL;
    g_autofree char *again = NULL;

    def->id = 7;
    /* what can be defined and not started has its error in qemuxml2argvdata */
    if (!qemuDomainPrepare(def, caps, NULL))
        return;
    live = domainDefFormat(def, DOMAIN_FORMAT_STATUS | DOMAIN_FORMAT_SECURE);
    copy = domainDefCopy(def, &error);
    g_assert_no_error(error);
    again = domainDefFormat(copy, DOMAIN_FORMAT_STATUS | DOMAIN_FORMAT_SECURE);
    g_assert_cmpstr(again, ==, live);
}

static void testOne(gconstpointer data)
{
    const TestCase *testCase = data;
    g_autofree char *outPath = testSourcePath(TEST_CASES_OUT_FOLDER "/%s.xml", testCase->name);
    g_autoptr(QemuCaps) caps = testCaseCaps(testCase);
    g_autofree char *xml = testCaseXml(testCase);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = testCaseDefine(xml, caps, &error);

    if (def) {
        g_autofree char *out = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
        g_autoptr(GError) invalid = NULL;

        testGoldenCompare(outPath, out);
        testStable(out, caps);
        testStored(out, caps);
        domainSchemaValidate(out, &invalid);
        g_assert_no_error(invalid);
        testStatus(def, caps);
    } else if (g_file_test(outPath, G_FILE_TEST_EXISTS)) {
        g_test_message("'%s' is there, but define says: %s", outPath, error->message);
        g_test_fail();
    }
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    testCasesAdd("/qemuxml2xml", testOne);
    result = g_test_run();
    testCasesEnd();
    return result;
}

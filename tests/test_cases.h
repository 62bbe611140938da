/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_cases.h: the domain XML cases of tests/qemuxml2argvdata: a case is files plus one line in a NAME.cases list
 *
 *   NAME [arch=ARCH] [host=HOST] [caps=-flag,+flag] [schema=no]
 *
 * arch: of the recorded capabilities (x86_64); host: a recording of tests/hostdata (plain); caps: flags of the binary turned
 * off or on; schema=no: the XML is wrong on purpose, and the schema must say so too. Files: NAME.xml, the XML; then NAME.args,
 * the command line, or NAME.err, the error; and in qemuxml2xmldata NAME.xml, what "define" makes of it. */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"

typedef struct {
    char *name;
    char *arch;
    char *host;
    char **caps;                /* NULL-terminated, may be empty */
    gboolean schema;
} TestCase;

#define TEST_CASES_FOLDER "qemuxml2argvdata"
#define TEST_CASES_OUT_FOLDER "qemuxml2xmldata"

/* All cases of all lists, by name, read once. Array of TestCase *. Ends the test program when a list is wrong. */
const GPtrArray *testCasesLoad(void);
/* Register @func once per case as "PREFIX/NAME", with the TestCase as data. */
void testCasesAdd(const char *prefix, void (*func)(gconstpointer));

/* The recorded binary; the case's host becomes the one that is read. Unpacking a host is slow, so it stays until a case wants
 * another, or testCasesEnd(), which main calls last. */
void testCasesEnd(void);
QemuCaps *testCaseCaps(const TestCase *testCase);
/* NAME.xml of the case. Caller frees. */
char *testCaseXml(const TestCase *testCase);
/* As the driver does at define: parse, defaults, validate. */
DomainDef *testCaseDefine(const char *xml, const QemuCaps *caps, GError **err);
/* "define: VIR_ERR_XML_ERROR: message\n"; @step says what failed. Caller frees. */
char *testCaseErrorText(const char *step, const GError *error);

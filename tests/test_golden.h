/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_golden.h: compare with a file of the source tree, or rewrite it */
#pragma once

#include <glib.h>

/* "<tests in the source tree>/..." from a printf format. Caller frees. */
char *testSourcePath(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Fail the running test, with the first line that differs and the command that runs it again, unless @actual is the
 * content of @path. With MEM_TEST_REGENERATE=1 in the environment write @path instead: review the diff as code. */
void testGoldenCompare(const char *path, const char *actual);

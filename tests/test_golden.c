/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_golden.c: compare with a file of the source tree, or rewrite it */
#include "test_golden.h"

#include <glib/gstdio.h>
#include <string.h>

char *testSourcePath(const char *format, ...)
{
    const char *root = g_getenv("MEM_TEST_SOURCE");
    g_autofree char *name = NULL;
    va_list args;

    va_start(args, format);
    name = g_strdup_vprintf(format, args);
    va_end(args);
    if (!root)
        g_error("MEM_TEST_SOURCE is not set: run the test with meson test -C build");
    return g_build_filename(root, name, NULL);
}

static void failAtDifference(const char *path, const char *expected, const char *actual)
{
    g_auto(GStrv) want = g_strsplit(expected, "\n", -1);
    g_auto(GStrv) have = g_strsplit(actual, "\n", -1);
    gsize line = 0;

    while (want[line] && have[line] && g_str_equal(want[line], have[line]))
        line++;
    g_test_message("%s:%" G_GSIZE_FORMAT ": expected '%s', got '%s'", path, line + 1, want[line] ? want[line] : "(end)",
                   have[line] ? have[line] : "(end)");
    g_test_message("run again: MEM_TEST_SOURCE=%s %s -p %s; with MEM_TEST_REGENERATE=1 the file is rewritten",
                   g_getenv("MEM_TEST_SOURCE"), g_get_prgname(), g_test_get_path());
    g_test_fail();
}

void testGoldenCompare(const char *path, const char *actual)
{
    g_autofree char *expected = NULL;
    g_autoptr(GError) error = NULL;

    if (g_strcmp0(g_getenv("MEM_TEST_REGENERATE"), "1") == 0) {
        g_file_set_contents(path, actual, -1, &error);
        g_assert_no_error(error);
        return;
    }
    if (!g_file_get_contents(path, &expected, NULL, &error))
        expected = g_strdup("");
    if (!g_str_equal(expected, actual))
        failAtDifference(path, expected, actual);
}

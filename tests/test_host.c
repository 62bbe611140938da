/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_host.c: a host recorded in tests/hostdata, unpacked and made the one that qemu_host.h reads */
#include "test_host.h"

#include "qemu/qemu_host.h"
#include "test_golden.h"
#include "util/mem_file.h"

#include <string.h>

static void unpackFile(const char *root, char *block)
{
    char *end = strchr(block, '\n');
    g_autofree char *path = NULL;
    g_autofree char *folder = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(end);
    *end = '\0';
    path = g_strconcat(root, block, NULL);
    folder = g_path_get_dirname(path);
    g_assert_true(memFileMakeFolder(folder, 0755, &error));
    g_file_set_contents_full(path, end + 1, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
    g_assert_no_error(error);
}

char *testHostBegin(const char *name)
{
    g_autofree char *path = testSourcePath("hostdata/%s.host", name);
    g_autofree char *text = NULL;
    g_auto(GStrv) blocks = NULL;
    char *root = g_dir_make_tmp("hostXXXXXX", NULL);

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    blocks = g_strsplit(text, "==> ", -1);
    for (gsize i = 1; blocks[i]; i++)
        unpackFile(root, blocks[i]);
    qemuHostSetRoot(root);
    return root;
}

void testHostEnd(char *root)
{
    qemuHostSetRoot(NULL);
    memFileRemove(root, NULL);
    g_free(root);
}

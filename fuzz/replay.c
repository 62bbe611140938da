/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* replay.c: feed a target the files of its corpus, one by one: what a finding was must stay fixed */
#include "fuzz.h"

#include <glib.h>
#include <stdio.h>

static gboolean replay(const char *path)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;

    if (!g_file_get_contents(path, &data, &size, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return FALSE;
    }
    /* should it crash, the last line tells which file did it */
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    return TRUE;
}

int main(int argc, char **argv)
{
    unsigned files = 0;

    for (int i = 1; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) folder = g_dir_open(argv[i], 0, &error);
        const char *name;

        if (!folder) {
            fprintf(stderr, "%s\n", error->message);
            return 1;
        }
        while ((name = g_dir_read_name(folder))) {
            g_autofree char *path = g_build_filename(argv[i], name, NULL);

            if (!replay(path))
                return 1;
            files++;
        }
    }
    printf("%u files\n", files);
    return files ? 0 : 1;
}

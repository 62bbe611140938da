/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host_ksm.c: kernel same-page merging: /sys/kernel/mm/ksm under libvirt's names */

#include "qemu/qemu_host.h"
#include "qemu/qemu_host_priv.h"

#include "util/mem_error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *field, *file;
    gboolean isUint, writable;
} params[] = {
    { "shm_pages_to_scan", "pages_to_scan", TRUE, TRUE },
    { "shm_sleep_millisecs", "sleep_millisecs", TRUE, TRUE },
    { "shm_pages_shared", "pages_shared", FALSE, FALSE },
    { "shm_pages_sharing", "pages_sharing", FALSE, FALSE },
    { "shm_pages_unshared", "pages_unshared", FALSE, FALSE },
    { "shm_pages_volatile", "pages_volatile", FALSE, FALSE },
    { "shm_full_scans", "full_scans", FALSE, FALSE },
    { "shm_merge_across_nodes", "merge_across_nodes", TRUE, TRUE },
};

static gboolean checkKsm(GError **err)
{
    g_autofree char *folder = qemuHostPath("/sys/kernel/mm/ksm");

    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "the host's kernel has no KSM: there is no '%s'", folder);
    return FALSE;
}

int qemuHostKsmGet(QemuHostKsmParam *out, int max, GError **err)
{
    int count = 0;

    if (!checkKsm(err))
        return -1;
    for (gsize i = 0; i < G_N_ELEMENTS(params) && count < max; i++) {
        guint64 value;

        /* A kernel without NUMA lacks the last. */
        if (!qemuHostReadUint64(&value, "/sys/kernel/mm/ksm/%s", params[i].file))
            continue;
        out[count++] = (QemuHostKsmParam){ params[i].field, params[i].isUint, params[i].writable, value };
    }
    return count;
}

gboolean qemuHostKsmSet(const char *field, guint64 value, GError **err)
{
    g_autofree char *path = NULL;
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    gboolean written;
    gsize row = 0;
    int fd;

    while (row < G_N_ELEMENTS(params) && !(params[row].writable && g_str_equal(params[row].field, field)))
        row++;
    if (row == G_N_ELEMENTS(params)) {
        memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "memory parameter '%s' is unknown or cannot be set", field);
        return FALSE;
    }
    if (!checkKsm(err))
        return FALSE;
    path = qemuHostPath("/sys/kernel/mm/ksm/%s", params[row].file);
    if ((fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC)) < 0) {
        memErrorSetSystem(err, errno, "cannot open '%s'", path);
        return FALSE;
    }
    written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (!written)
        memErrorSetSystem(err, errno, "failed to set %s", field);
    close(fd);
    return written;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host_pages.c: page sizes, pools of huge pages, and where hugetlbfs is mounted */

#include "qemu/qemu_host.h"
#include "qemu/qemu_host_priv.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned qemuHostPageKib(void)
{
    return (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
}

guint64 qemuHostThpKib(void)
{
    guint64 bytes;

    return qemuHostReadUint64(&bytes, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") ? bytes >> 10 : 2048;
}

char *qemuHostPoolFolder(int node)
{
    g_autofree char *numa = qemuHostPath("/sys/devices/system/node");

    if (node < 0 || !g_file_test(numa, G_FILE_TEST_IS_DIR))
        return qemuHostPath("/sys/kernel/mm/hugepages");
    return qemuHostPath("/sys/devices/system/node/node%d/hugepages", node);
}

static int compareUnsigned(gconstpointer a, gconstpointer b)
{
    unsigned left = *(const unsigned *)a;
    unsigned right = *(const unsigned *)b;

    return (left > right) - (left < right);
}

unsigned *qemuHostPageSizes(void)
{
    GArray *sizes = g_array_new(TRUE, TRUE, sizeof(unsigned));
    g_autofree char *folder = qemuHostPath("/sys/kernel/mm/hugepages");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    unsigned size = qemuHostPageKib();
    const char *name;

    g_array_append_val(sizes, size);
    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, "hugepages-"))
            continue;
        size = (unsigned)g_ascii_strtoull(name + strlen("hugepages-"), NULL, 10);
        if (size)
            g_array_append_val(sizes, size);
    }
    g_array_sort(sizes, compareUnsigned);
    return (unsigned *)(void *)g_array_free(sizes, FALSE);
}

/* The number in @file of the pool of @pageKib; FALSE: there is no such pool. */
static gboolean readPool(int node, unsigned pageKib, const char *file, guint64 *pages)
{
    g_autofree char *folder = qemuHostPoolFolder(node);
    g_autofree char *path = g_strdup_printf("%s/hugepages-%ukB/%s", folder, pageKib, file);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return FALSE;
    return memUnitsParseUint64(g_strstrip(text), pages);
}

static guint64 hugeTotalKib(int node)
{
    g_autofree unsigned *sizes = qemuHostPageSizes();
    guint64 sumKib = 0;

    for (gsize i = 0; sizes[i]; i++) {
        guint64 pages;

        if (sizes[i] != qemuHostPageKib() && readPool(node, sizes[i], "nr_hugepages", &pages))
            sumKib += pages * sizes[i];
    }
    return sumKib;
}

guint64 qemuHostPagesTotal(int node, unsigned pageKib)
{
    guint64 value = 0;
    guint64 hugeKib;

    if (pageKib != qemuHostPageKib()) {
        readPool(node, pageKib, "nr_hugepages", &value);
        return value;
    }

    g_autofree char *text = qemuHostMeminfo(node);

    if (text)
        qemuHostField(text, "MemTotal", &value);
    hugeKib = hugeTotalKib(node);
    return value > hugeKib ? (value - hugeKib) / pageKib : 0;
}

static gboolean freePagesOf(int node, unsigned pageKib, guint64 *pages, GError **err)
{
    if (pageKib == qemuHostPageKib()) {
        g_autofree char *text = qemuHostMeminfo(node);

        if (text && qemuHostField(text, "MemFree", pages)) {
            *pages /= pageKib;
            return TRUE;
        }
    } else if (readPool(node, pageKib, "free_hugepages", pages)) {
        return TRUE;
    }
    if (node < 0)
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "page size %u is not available", pageKib);
    else
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "page size %u is not available on node %d", pageKib, node);
    return FALSE;
}

/* The last node that a request for @count nodes from @start means; -2 with @err set: none. */
static int lastNodeOf(int start, unsigned count, GError **err)
{
    int last = qemuHostLastNode();

    if (start < -1 || start > last) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%d)", start, last);
        return -2;
    }
    return (int)MIN((gint64)last, (gint64)start + count - 1);
}

int qemuHostFreePages(const unsigned *pagesKib, gsize npages, int start, unsigned count, guint64 *counts, GError **err)
{
    int last = lastNodeOf(start, count, err);
    int filled = 0;

    if (last < -1)
        return -1;
    for (int node = start; node <= last; node++) {
        for (gsize i = 0; i < npages; i++) {
            if (!freePagesOf(node, pagesKib[i], &counts[filled], err))
                return -1;
            filled++;
        }
    }
    return filled;
}

static gboolean writePool(const char *path, guint64 pages, GError **err)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, pages);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
    gboolean written;

    if (fd < 0) {
        memErrorSetSystem(err, errno, "cannot open pool '%s'", path);
        return FALSE;
    }
    written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (!written)
        memErrorSetSystem(err, errno, "cannot set pool '%s' to %s pages", path, text);
    close(fd);
    return written;
}

static gboolean setPool(int node, unsigned pageKib, guint64 pages, gboolean add, GError **err)
{
    g_autofree char *folder = qemuHostPoolFolder(node);
    g_autofree char *path = g_strdup_printf("%s/hugepages-%ukB/nr_hugepages", folder, pageKib);
    guint64 before, after;

    if (pageKib == qemuHostPageKib()) {
        memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "the pool of pages of %u KiB, the system's own, cannot be changed", pageKib);
        return FALSE;
    }
    if (!readPool(node, pageKib, "nr_hugepages", &before)) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "page size %u is not available on node %d", pageKib, node);
        return FALSE;
    }
    if (add && pages > G_MAXUINT64 - before) {
        memErrorSet(err, VIR_ERR_OVERFLOW, "'%" G_GUINT64_FORMAT "' pages are too many", pages);
        return FALSE;
    }
    if (add)
        pages += before;
    if (pages == before)
        return TRUE;
    if (!writePool(path, pages, err))
        return FALSE;
    /* The kernel gives what it has, without a word. */
    if (!readPool(node, pageKib, "nr_hugepages", &after) || after != pages) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "the kernel has %" G_GUINT64_FORMAT " pages of %u KiB and not '%" G_GUINT64_FORMAT "'",
                    after, pageKib, pages);
        return FALSE;
    }
    return TRUE;
}

int qemuHostAllocPages(const unsigned *pagesKib, const guint64 *counts, gsize npages, int start, unsigned count,
                       unsigned flags, GError **err)
{
    int last = lastNodeOf(start, count, err);
    int done = 0;

    if (last < -1)
        return -1;
    for (int node = start; node <= last; node++) {
        for (gsize i = 0; i < npages; i++) {
            if (!setPool(node, pagesKib[i], counts[i], !(flags & VIR_NODE_ALLOC_PAGES_SET), err))
                return -1;
            done++;
        }
    }
    return done;
}

/* ---- hugetlbfs ---- */

static guint64 defaultHugeKib(void)
{
    g_autofree char *text = qemuHostMeminfo(-1);
    guint64 kib = 0;

    if (text)
        qemuHostField(text, "Hugepagesize", &kib);
    return kib;
}

/* The page size of a mount from its options, "rw,relatime,pagesize=2M". */
static guint64 mountedKib(const char *options)
{
    g_auto(GStrv) words = g_strsplit(options, ",", -1);

    for (gsize i = 0; words[i]; i++) {
        guint64 bytes;
        char *suffix;

        if (!g_str_has_prefix(words[i], "pagesize="))
            continue;
        bytes = g_ascii_strtoull(words[i] + strlen("pagesize="), &suffix, 10);
        return memUnitsScale(&bytes, suffix, 1, G_MAXUINT64, NULL) ? bytes >> 10 : 0;
    }
    return defaultHugeKib();
}

char *qemuHostHugetlbfs(guint64 *sizeKib)
{
    g_autofree char *text = qemuHostRead("/proc/mounts");
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

    if (*sizeKib == 0)
        *sizeKib = defaultHugeKib();
    for (gsize i = 0; lines && lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);

        if (g_strv_length(words) >= 4 && g_str_equal(words[2], "hugetlbfs") && mountedKib(words[3]) == *sizeKib)
            return g_strcompress(words[1]);     /* the kernel writes a blank as \040 */
    }
    return NULL;
}

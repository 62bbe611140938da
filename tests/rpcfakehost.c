/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcfakehost.c: a double of the host: two NUMA nodes, four CPUs, numbers that never change */
#include "qemu/qemu_host.h"

#include "util/mem_error.h"

#include <string.h>

gboolean qemuHostGetInfo(QemuHostInfo *info, GError **err)
{
    *info = (QemuHostInfo){ .memoryKib = 8388608, .cpus = 4, .mhz = 2500, .nodes = 2, .sockets = 1, .cores = 2, .threads = 1 };
    strcpy(info->model, "x86_64");
    return TRUE;
}

int qemuHostMemoryStats(int node, QemuHostStat *stats, GError **err)
{
    static const char *const fields[] = { "total", "free", "buffers", "cached" };
    if (node > 1) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "cell %d is not there", node);
        return -1;
    }
    int count = node < 0 ? 4 : 2;
    for (int i = 0; i < count; i++)
        stats[i] = (QemuHostStat){ fields[i], 1000u * (unsigned)(i + 1) };
    return count;
}

int qemuHostCpuStats(int cpu, QemuHostStat *stats, GError **err)
{
    static const char *const fields[] = { "kernel", "user", "idle", "iowait" };
    for (int i = 0; i < 4; i++)
        stats[i] = (QemuHostStat){ fields[i], 10000000u * (unsigned)i };
    return 4;
}

guint64 qemuHostFreeMemoryBytes(GError **err)
{
    return 4294967296;
}

int qemuHostFreeMemoryOfNodes(int start, int count, guint64 *freeBytes, GError **err)
{
    int filled = MIN(count, 2 - start);
    for (int i = 0; i < filled; i++)
        freeBytes[i] = 2147483648u + (unsigned)i;
    return filled;
}

int qemuHostFreePages(const unsigned *pagesKib, gsize npages, int start, unsigned count, guint64 *counts, GError **err)
{
    if (start + (int)count > 2) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-1)", start);
        return -1;
    }
    for (gsize i = 0; i < npages * count; i++)
        counts[i] = 100 + i;
    return (int)(npages * count);
}

int qemuHostAllocPages(const unsigned *pagesKib, const guint64 *counts, gsize npages, int start, unsigned count,
                       unsigned flags, GError **err)
{
    return (int)count;
}

MemBitmap *qemuHostOnlineCpus(unsigned *present)
{
    *present = 4;
    return memBitmapParse("0-2", 4, NULL);
}

int qemuHostKsmGet(QemuHostKsmParam *params, int max, GError **err)
{
    params[0] = (QemuHostKsmParam){ "shm_pages_to_scan", TRUE, TRUE, 100 };
    params[1] = (QemuHostKsmParam){ "shm_pages_shared", FALSE, FALSE, 5 };
    return 2;
}

gboolean qemuHostKsmSet(const char *field, guint64 value, GError **err)
{
    return TRUE;
}

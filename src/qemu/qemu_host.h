/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host.h: the host: CPUs, NUMA nodes, free memory, huge pages, KSM; all from /proc and /sys */
#pragma once

#include "util/mem_bitmap.h"

#include <glib.h>

/* Where /proc, /sys and /dev are ("" in real life; a folder of a recorded host in tests). Set once, before threads. */
void qemuHostSetRoot(const char *root);

typedef struct {
    char model[32];
    guint64 memoryKib;
    int cpus, mhz, nodes, sockets, cores, threads;
} QemuHostInfo;

gboolean qemuHostGetInfo(QemuHostInfo *info, GError **err);

typedef struct {
    const char *field;          /* static */
    guint64 value;
} QemuHostStat;

/* total, free, buffers, cached in KiB; @node -1: the host; one node: total, free.
 * A node that is not there: VIR_ERR_INVALID_ARG. @stats has room for 4; returns how many, -1 on error. */
int qemuHostMemoryStats(int node, QemuHostStat *stats, GError **err);
/* kernel, user, idle, iowait in ns; @cpu -1: all. */
int qemuHostCpuStats(int cpu, QemuHostStat *stats, GError **err);

guint64 qemuHostFreeMemoryBytes(GError **err);              /* 0 on error */
/* Free bytes of nodes @start .. @start+@count-1 into @free; how many were filled, -1 on error. */
int qemuHostFreeMemoryOfNodes(int start, int count, guint64 *freeBytes, GError **err);
/* Free pages of each size in @pagesKib for nodes @start.. (-1: the host); @counts[node][page]. Number filled or -1. */
int qemuHostFreePages(const unsigned *pagesKib, gsize npages, int start, unsigned count, guint64 *counts, GError **err);
/* Pages of the pool; with VIR_NODE_ALLOC_PAGES_SET in @flags to that count, else added. Returns cells done or -1. */
int qemuHostAllocPages(const unsigned *pagesKib, const guint64 *counts, gsize npages, int start, unsigned count,
                       unsigned flags, GError **err);

/* Host NUMA nodes that exist. Fresh; caller frees. */
MemBitmap *qemuHostNodes(void);
MemBitmap *qemuHostOnlineCpus(unsigned *present);
/* Page size of the base page, and of a transparent huge page (2048 if unreadable). */
unsigned qemuHostPageKib(void);
guint64 qemuHostThpKib(void);
/* Page sizes of the host in KiB, smallest first, 0 at the end. Caller frees. */
unsigned *qemuHostPageSizes(void);
/* Where hugetlbfs of @sizeKib is mounted, 0: the default size, then *@sizeKib is set. Caller frees; NULL: nowhere. */
char *qemuHostHugetlbfs(guint64 *sizeKib);

/* KSM: /sys/kernel/mm/ksm. */
typedef struct {
    const char *field;          /* "shm_pages_to_scan" ..., static */
    gboolean isUint;            /* else ullong */
    gboolean writable;
    guint64 value;
} QemuHostKsmParam;

int qemuHostKsmGet(QemuHostKsmParam *params, int max, GError **err);   /* how many there are (8), -1 */
gboolean qemuHostKsmSet(const char *field, guint64 value, GError **err);

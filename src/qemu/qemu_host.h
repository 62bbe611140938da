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

/* ---- what the capabilities document says of the host ---- */

typedef struct {
    int id, socket, die, core;
    MemBitmap *siblings;        /* CPUs on the same core, itself too */
} QemuHostCpu;

typedef struct {
    int id;
    guint64 memoryKib;
    GArray *cpus;               /* QemuHostCpu, online ones */
    GArray *distances;          /* int, by position among the nodes; empty: not told */
} QemuHostNode;

/* The host's nodes; a host without NUMA has one, 0. Free with g_array_unref. */
GArray *qemuHostTopology(GError **err);
/* Pages of @pageKib in all of @node, the base page without what huge pages take. */
guint64 qemuHostPagesTotal(int node, unsigned pageKib);

/* x86: what /proc/cpuinfo says of the first CPU. Strings are owned by the struct; an unknown one is "". */
typedef struct {
    char *vendor;               /* "GenuineIntel" */
    char *microcode;
    unsigned family, model, stepping, physicalBits;
    char **flags;               /* the kernel's names, NULL-terminated */
} QemuHostCpuInfo;

void qemuHostCpuInfoGet(QemuHostCpuInfo *info);
void qemuHostCpuInfoClear(QemuHostCpuInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuHostCpuInfo, qemuHostCpuInfoClear)

/* The machine's architecture as the kernel names it ("x86_64"). Caller frees. */
char *qemuHostMachine(void);
/* A stable id of the host, 36 characters: the board's, else one made of /etc/machine-id. Caller frees. */
char *qemuHostUuid(void);
/* Sleep states, of "suspend_mem", "suspend_disk", "suspend_hybrid"; NULL-terminated. Caller frees with g_free. */
const char **qemuHostSleepStates(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cpu.h: x86 CPUs as sets of features: the host's, the models', comparing and finding a baseline */
#pragma once

#include "qemu/qemu_capabilities.h"

/* A set of features, compared without regard to how QEMU, libvirt and the kernel separate the words of a name
 * ("sse4.1", "sse4_1"). Made of what is known to @caps where a name must be shown again. */
typedef struct {
    GHashTable *features;       /* bare names */
    const char *vendor;         /* "GenuineIntel", static or of the caps; NULL: unknown or mixed */
} QemuCpuSet;

void qemuCpuSetClear(QemuCpuSet *set);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuCpuSet, qemuCpuSetClear)

/* The host's CPU, from /proc/cpuinfo. */
void qemuCpuHost(QemuCpuSet *set);
/* What -cpu max gives, or -cpu host where KVM works. */
void qemuCpuMax(QemuCpuSet *set, const QemuCaps *caps);

/* The model that has most of @set's features and none beyond; of @set's vendor, or of none in particular. NULL: none. */
const QemuCpuModel *qemuCpuBestModel(const QemuCaps *caps, const QemuCpuSet *set);
/* QEMU's names of the features in @set that @model (may be NULL: all) lacks, sorted, NULL-terminated. The array is the
 * caller's to g_free, the names are of @caps. */
const char **qemuCpuBeyond(const QemuCaps *caps, const QemuCpuSet *set, const QemuCpuModel *model);

/* "Intel" for "GenuineIntel"; NULL for an unknown one. And for a model: NULL if it stands for no vendor's. */
const char *qemuCpuVendorName(const char *vendorId);
const char *qemuCpuModelVendorName(const QemuCpuModel *model);
/* As libvirt's users know it: "lahf_lm" for QEMU's "lahf-lm". */
const char *qemuCpuFeatureName(const char *qemuName);

/* Is @model one that libvirt's users choose: not a version of another, and not "host" or "max". */
gboolean qemuCpuModelIsNamed(const QemuCpuModel *model);

/* virCPUCompareResult of the <cpu> in @xml against @host; with VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE an error tells
 * what is missing. VIR_CPU_COMPARE_ERROR: @err is set. */
int qemuCpuCompare(const QemuCaps *caps, const QemuCpuSet *host, const char *xml, unsigned flags, GError **err);
/* The <cpu> that all of @xmlCpus can be. Caller frees. */
char *qemuCpuBaseline(const QemuCaps *caps, char *const *xmlCpus, unsigned count, unsigned flags, GError **err);

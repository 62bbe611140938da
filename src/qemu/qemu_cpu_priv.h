/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cpu_priv.h: making sets of CPU features */
#pragma once

#include "qemu/qemu_cpu.h"

void qemuCpuSetInit(QemuCpuSet *set);
void qemuCpuSetAdd(QemuCpuSet *set, const char *name);
gboolean qemuCpuSetHas(const QemuCpuSet *set, const char *name);
/* A feature that hypervisors give whatever the host's CPU is; QEMU counts some to every model. */
gboolean qemuCpuIsOfHypervisor(const char *name);
/* @name without what separates its words. Caller frees. */
char *qemuCpuBareName(const char *name);
/* "GenuineIntel" for that or for "Intel"; NULL for an unknown one. Static. */
const char *qemuCpuVendorId(const char *nameOrId);

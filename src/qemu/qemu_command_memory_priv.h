/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_memory_priv.h: what the files of qemu_command_memory.h share: memory backends */
#pragma once

#include "qemu/qemu_command_memory.h"

/* For what a backend is: a memory device, a guest NUMA cell, or the boot memory of a guest without cells. */
typedef struct {
    const MemoryDeviceDef *device;  /* NULL: boot memory */
    int node;                       /* guest node, -1: none */
    const char *alias;              /* names the backing file: "dimm0", "ram-node0", "pc.ram" */
    const char *id;                 /* of the object: "memdimm0", "ram-node0", "pc.ram" */
    guint64 sizeKib;
    gboolean defaultRam;            /* stands for the machine's own RAM object */
} QemuMemoryBackend;

/* The object, qom-type and id first. *@threadContext (may be NULL: none wanted) is the object that must come before it,
 * or NULL. VIR_ERR_CONFIG_UNSUPPORTED: a host node is not there; VIR_ERR_INTERNAL_ERROR: no hugetlbfs of the page size,
 * or placement 'auto'. */
MemJson *qemuMemoryBackendBuild(const DomainDef *def, const QemuMemoryBackend *backend, const QemuCaps *caps,
                                const QemuCommandContext *context, MemJson **threadContext, GError **err);
/* The page size asked for @backend, 0: ordinary pages. */
guint64 qemuMemoryBackendPageKib(const DomainDef *def, const QemuMemoryBackend *backend, gboolean *huge);
/* Folder or file that must exist for it; NULL: none. Caller frees. */
char *qemuMemoryBackendPath(const DomainDef *def, const QemuMemoryBackend *backend, const QemuCommandContext *context);
/* TRUE: the cells are written as -numa node,mem=, which old machine types have and which needs no objects. */
gboolean qemuMemoryUsesPlainCells(const DomainDef *def, const QemuCaps *caps);
/* TRUE: -mem-prealloc stands for all backends. */
gboolean qemuMemoryPreallocatesWhole(const DomainDef *def, const QemuCaps *caps);
/* "<hugetlbfs>/libvirt/qemu/<short name>" of *@pageKib (0: the default size, which is then set). */
char *qemuMemoryHugepagePath(guint64 *pageKib, const QemuCommandContext *context, GError **err);

QemuMemoryBackend qemuMemoryBackendOfDevice(const MemoryDeviceDef *device, const char *id);
void qemuMemoryAddObject(GPtrArray *argv, MemJson *object);

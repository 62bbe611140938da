/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_memory.h: the memory part of the command line, and of hotplug: backends, -m, -numa, devices */
#pragma once

#include "qemu/qemu_command.h"

/* -machine properties: memory-backend, mem-merge, dump-guest-core, nvdimm, hmat, sgx-epc.*; each ",key=value". */
gboolean qemuCommandMemoryMachine(GString *machine, const DomainDef *def, const QemuCaps *caps,
                                  const QemuCommandContext *context, GError **err);
/* -m and the default RAM object. */
gboolean qemuCommandMemorySize(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                               const QemuCommandContext *context, GError **err);
/* -overcommit */
void qemuCommandMemoryOvercommit(GPtrArray *argv, const DomainDef *def);
/* NUMA objects, -numa node, distances, HMAT. */
gboolean qemuCommandMemoryNuma(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                               const QemuCommandContext *context, GError **err);
/* Memory devices in XML order, object then device. */
gboolean qemuCommandMemoryDevices(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                                  const QemuCommandContext *context, GError **err);
/* The balloon, if the model is one. */
gboolean qemuCommandMemoryBalloon(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps, GError **err);

/* For hotplug: the backend object (qom-type and id first) and the device (driver first) of @device. *@device is NULL
 * for sgx-epc. Hotplug uses no thread-context: *@context is then NULL. New references. */
MemJson *qemuCommandMemoryBackend(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps,
                                  const QemuCommandContext *context, MemJson **threadContext, GError **err);
MemJson *qemuCommandMemoryDevice(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err);
/* The folder or file that @device's backend needs made before QEMU starts or device is plugged; NULL: none. Caller frees. */
char *qemuCommandMemoryPath(const DomainDef *def, const MemoryDeviceDef *device, const QemuCommandContext *context);
/* All backing folders of the domain, NULL-terminated; caller frees with g_strfreev. */
char **qemuCommandMemoryFolders(const DomainDef *def, const QemuCommandContext *context);
/* Ids of the thread-context objects on the command line, to be deleted after start. NULL-terminated. */
char **qemuCommandMemoryThreadContexts(const DomainDef *def, const QemuCaps *caps, const QemuCommandContext *context);
/* VIR_ERR_CONFIG_UNSUPPORTED: one of @nodes (may be NULL) is not on this host. */
gboolean qemuMemoryCheckHostNodes(const MemBitmap *nodes, GError **err);

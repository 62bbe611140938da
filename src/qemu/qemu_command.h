/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command.h: definition + capabilities -> QEMU's argument list */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"

/* What the command line needs beside definition and capabilities. Plain data; the builder does no I/O of its own
 * beside reading the host through qemu_host.h, so that golden files can be made of it. */
typedef struct {
    const char *memoryBackingFolder;    /* "/var/lib/libvirt/qemu/ram" */
    const char *domainFolder;           /* of this domain: monitor and channel sockets; "lib/domain-1-name" */
    const char *shortName;              /* "1-name", "-1-name" for native conversion: qemuDomainShortName() */
    int monitorFd;                      /* listening socket that QEMU inherits; -1: write path= */
    gboolean dumpGuestCore;             /* default of dumpCore */
    gboolean native;                    /* for domxml-to-native: no descriptors, nothing opened */
    const char *defaultVncListen;       /* "127.0.0.1" */
    const struct QemuInterfaceFds *interfaceFds;    /* one per interface, qemuInterfaceOpen(); NULL: taps go by name */
    const char *nvramFolder;            /* where variables of a firmware without <nvram> path are: "/var/lib/libvirt/qemu/nvram" */
    gint64 nowSeconds;                  /* for <clock offset='variable'>: since the epoch; 0: ask the clock */
} QemuCommandContext;

/* QEMU's arguments, argv[0] the emulator, NULL-terminated. @def is prepared (qemuDomainPrepare).
 * Errors carry libvirt's code. Caller frees with g_strfreev. */
char **qemuCommandBuild(const DomainDef *def, const QemuCaps *caps, const QemuCommandContext *context, GError **err);

/* Give the sockets of channels that have no path one in the domain's folder, as a started guest shows it. The builder
 * uses the same paths whether or not this was called. */
void qemuCommandNameChannels(DomainDef *def, const QemuCommandContext *context);

/* One line, or lines broken before each option for golden files; quoted for a shell. Caller frees. */
char *qemuCommandToString(char *const *argv, char *const *env, gboolean oneLine);

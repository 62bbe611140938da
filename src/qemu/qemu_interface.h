/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_interface.h: the host's side of a guest before it starts: tap devices, bridges, vhost, VNC ports */
#pragma once

#include "conf/domain_conf.h"

/* What one interface hands to QEMU; plain data. */
typedef struct QemuInterfaceFds {
    int *tap;                       /* [count], one per queue */
    gsize count;                    /* 0: QEMU needs none (user) */
    int *vhost;                     /* [vhostCount] */
    gsize vhostCount;               /* 0: no vhost */
} QemuInterfaceFds;

/* Open or make the taps of @def's interfaces, attach them to their bridges, bring them up and name them in @def ("vnet0").
 * One element per interface of @def. A guest with only user interfaces needs no privilege. VIR_ERR_SYSTEM_ERROR with the
 * interface's name otherwise; nothing stays behind then. @useVhost: the guest runs under KVM. The descriptors are close-on-exec:
 * whoever starts QEMU lets exactly these through. */
QemuInterfaceFds *qemuInterfaceOpen(DomainDef *def, gboolean useVhost, GError **err);
/* Close the descriptors (QEMU has its own by then) and free. Taps that were made for the guest vanish with its last user. */
void qemuInterfaceClose(QemuInterfaceFds *fds, gsize count);

/* Note in the running @def what its VNC servers are given: the default address where the XML has none, and with autoport a
 * free port from 5900 on. VIR_ERR_INTERNAL_ERROR: none is free. */
gboolean qemuInterfaceChooseVncPorts(DomainDef *def, const char *defaultListen, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memdiagnose.h: what a running guest does not do with its memory, in words for its operator */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_monitor.h"

/* Pure. @stats: what the balloon has reported last; NULL: there is no balloon, or it is not known. One message each for a
 * balloon without a driver in the guest and for a virtio-mem device that has not what was requested; docs/troubleshooting.rst
 * says what to do about each. NULL-terminated, may be empty; caller frees with g_strfreev. */
char **qemuMemDiagnose(const DomainDef *live, const QemuMonitorBalloonStats *stats);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_balloon.h: setmem, setmaxmem and the statistics period: what may be asked, as plans and checks */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_memplan.h"

/* Pure, as qemu_memhotplug.h. */

/* The most that the balloon can leave to the guest: all memory but what virtio-mem devices hold, KiB. */
guint64 qemuBalloonMaxKib(const DomainDef *def);
/* VIR_ERR_INVALID_ARG when @kib is above that. */
gboolean qemuBalloonCheckTarget(const DomainDef *def, guint64 kib, GError **err);
/* One step: balloon. VIR_ERR_OPERATION_INVALID without a balloon. */
QemuMemPlan *qemuBalloonPlanTarget(const DomainDef *live, guint64 kib, GError **err);
/* One step: qom-set guest-stats-polling-interval; undo: the period before. VIR_ERR_INTERNAL_ERROR without a balloon. */
QemuMemPlan *qemuBalloonPlanPeriod(const DomainDef *live, int seconds, GError **err);
/* The rules of setmaxmem for the stored definition. */
gboolean qemuBalloonCheckMaximum(const DomainDef *config, guint64 kib, GError **err);

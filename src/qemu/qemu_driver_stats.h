/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_stats.h: what the statistics of one domain and those of all share */
#pragma once

#include "qemu/qemu_process.h"

/* One figure that the guest reports through its balloon. */
typedef struct {
    QemuMonitorBalloonStat stat;            /* _LAST: the time of the report */
    int tag;                                /* virDomainMemoryStatTags */
    const char *field;                      /* in the bulk statistics, after "balloon." */
    guint64 divisor;                        /* from QEMU's unit to libvirt's */
} QemuBalloonRow;

#define QEMU_BALLOON_ROWS 11
extern const QemuBalloonRow qemuBalloonRows[QEMU_BALLOON_ROWS];

/* FALSE: the guest did not report it. */
gboolean qemuBalloonValue(const QemuBalloonRow *row, const QemuMonitorBalloonStats *stats, guint64 *value);
/* The entry of @disk, or NULL. Borrowed. */
const QemuMonitorBlockStats *qemuBlockStatsFor(GPtrArray *all, const DiskDef *disk);
/* rx then tx as the guest sees them: bytes, packets, errors, drops; -1: not known. */
void qemuInterfaceStats(const char *device, gint64 stats[8]);

/* Typed parameters; freed with g_array_unref. */
GArray *qemuParamsNew(void);
/* The new entry, until the next one is added. */
QemuParam *qemuParamsAdd(GArray *params, const char *field, int type);

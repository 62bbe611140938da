/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemumodel.h: the memory of a QEMU, at the other end of a monitor: it keeps devices, and can fail at any step */
#pragma once

#include <glib.h>

/* Where monitormock plays a script, this answers as QEMU does: it has objects and devices, and says what it has. Every
 * command must agree with the recorded schema and be one that is known here, else the test fails at qemuModelFree. The
 * commands and events are written down, for golden files. A thread serves the socket; all functions may be called by any
 * other. */
typedef struct QemuModel QemuModel;

/* What goes wrong at one command. */
typedef enum {
    QEMU_MODEL_FINE = 0,
    QEMU_MODEL_ERROR,           /* it is refused */
    QEMU_MODEL_DIE,             /* the connection ends instead of an answer, before the command did anything */
    QEMU_MODEL_DIE_AFTER,       /* the same, after it did */
    QEMU_MODEL_HANG,            /* it is carried out, but neither it nor any later one is answered until qemuModelWake */
    QEMU_MODEL_HANG_BEFORE,     /* the same, and nothing is carried out until then */

    QEMU_MODEL_FAULT_LAST
} QemuModelFault;

/* How the guest takes device_del. */
typedef enum {
    QEMU_MODEL_GIVES = 0,
    QEMU_MODEL_SILENT,
    QEMU_MODEL_REFUSES_OST,     /* ACPI_DEVICE_OST */
    QEMU_MODEL_REFUSES_ERROR,   /* MEM_UNPLUG_ERROR and DEVICE_UNPLUG_GUEST_ERROR, for one refusal */
    QEMU_MODEL_GONE_ALREADY,    /* DeviceNotFound */

    QEMU_MODEL_GUEST_LAST
} QemuModelGuest;

/* @schema: a recorded query-qmp-schema; @bootBytes: memory without devices. */
QemuModel *qemuModelNew(const char *schema, guint64 bootBytes);
/* A device that was there from the start; -1 as slot: it has none. */
void qemuModelSeed(QemuModel *model, const char *alias, const char *driver, guint64 bytes, guint64 requestedBytes, int slot);
/* At the command number @index (from 1, since the connection), or never when 0. @errorClass NULL: "GenericError". */
void qemuModelFail(QemuModel *model, guint index, QemuModelFault fault, const char *errorClass);
void qemuModelSetGuest(QemuModel *model, QemuModelGuest guest);
/* What the balloon has reported, as JSON for "guest-stats". */
/* Memory that nothing uses, as from a client's own command. */
void qemuModelAddObject(QemuModel *model, const char *id, guint64 bytes);
/* The guest moves its balloon, and QEMU says so, just before it answers device_add. */
void qemuModelMoveBalloon(QemuModel *model, guint64 target);
void qemuModelSetStats(QemuModel *model, const char *stats);
/* The statistics period that it was started with. */
void qemuModelSetInterval(QemuModel *model, gint64 seconds);
/* @ended is called when the connection ends by a fault. */
int qemuModelStart(QemuModel *model, GSourceOnceFunc ended, gpointer opaque);
void qemuModelWake(QemuModel *model);
/* The guest makes up its mind late. */
void qemuModelGiveUp(QemuModel *model, const char *alias);
/* Did the fault come to pass? */
gboolean qemuModelHasFailed(QemuModel *model);

/* The dialogue since the connection: "> command", "< answer", "! event", one a line. Caller frees. */
char *qemuModelDialogue(QemuModel *model);
/* "dimm0(memdimm0)": devices and objects, sorted, one a line. Caller frees. */
char *qemuModelState(QemuModel *model);
gboolean qemuModelHasDevice(QemuModel *model, const char *alias);
gboolean qemuModelHasObject(QemuModel *model, const char *id);
/* A device's requested size, the balloon's target and its interval as QEMU has them. */
guint64 qemuModelRequested(QemuModel *model, const char *alias);
guint64 qemuModelTarget(QemuModel *model);
gint64 qemuModelInterval(QemuModel *model);
guint qemuModelDevices(QemuModel *model);

/* The other side has hung up. NULL: every command was known and in order; else what was not. Caller frees. */
char *qemuModelFree(QemuModel *model);

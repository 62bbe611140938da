/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memplan.h: a change of a running guest's memory as data: steps with their undo, and the one executor */
#pragma once

#include "qemu/qemu_monitor.h"

/* A plan is made by a pure function (qemu_memhotplug.h, qemu_balloon.h) and run by qemuMemPlanRun. It can be printed
 * without being run. Steps are done in order; when one fails, the undos of those that were done run backwards, their own
 * failures noted and passed over, and the first error is what the caller gets. */

typedef enum {
    QEMU_MEM_STEP_QMP = 0,          /* a command to QEMU */
    QEMU_MEM_STEP_MAKE_FOLDER,      /* on the host, before QEMU opens a file there */
    QEMU_MEM_STEP_REMOVE_PATH,      /* on the host, when QEMU no longer needs it; best effort */

    QEMU_MEM_STEP_LAST
} QemuMemStepKind;

typedef struct {
    QemuMemStepKind kind;
    char *command;                  /* QMP */
    MemJson *arguments;             /* QMP, or NULL */
    char *undoCommand;              /* QMP that takes the step back; NULL: nothing to take back */
    MemJson *undoArguments;
    char *path;                     /* host steps */
    char *undoPath;                 /* to be removed when the step is taken back; NULL: nothing */
    gboolean bestEffort;            /* its failure stops nothing */
    char *waitAlias;                /* done only when QEMU says DEVICE_DELETED of this alias; NULL: done with the reply */
} QemuMemStep;

typedef struct {
    GPtrArray *steps;               /* of QemuMemStep * */
} QemuMemPlan;

QemuMemPlan *qemuMemPlanNew(void);
void qemuMemPlanFree(QemuMemPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuMemPlan, qemuMemPlanFree)

/* Append a step; @arguments and @undoArguments are taken over. The step is borrowed: for setting its rarer fields. */
QemuMemStep *qemuMemPlanAddQmp(QemuMemPlan *plan, const char *command, MemJson *arguments, const char *undoCommand,
                               MemJson *undoArguments);
QemuMemStep *qemuMemPlanAddHost(QemuMemPlan *plan, QemuMemStepKind kind, const char *path);

/* One line a step: "object-add {...}", "  undo: object-del {...}", "  until: DEVICE_DELETED dimm0". Caller frees. */
char *qemuMemPlanFormat(const QemuMemPlan *plan);

/* ---- running ---- */
typedef struct {
    /* Wait until QEMU said of @alias that it is deleted, or that the guest refuses, or until @deadline. TRUE: deleted.
     * FALSE: VIR_ERR_OPERATION_FAILED (refused), VIR_ERR_OPERATION_TIMEOUT. */
    gboolean (*waitDeleted)(const char *alias, gint64 deadline, gpointer opaque, GError **err);
    /* Before step @index (0 is the first) and after the last, with the count; tests kill here. May be NULL. */
    void (*reached)(guint index, gpointer opaque);
    gpointer opaque;
} QemuMemPlanHooks;

/* On a worker, without the domain's lock. @deadline is for each answer of QEMU; @waitDeadline for the guest. TRUE: all
 * done. FALSE: undone, but for a step that waits: a guest may still give up what it was asked for, so a plan that failed
 * in its wait is neither undone nor finished, and *@pending is set. */
gboolean qemuMemPlanRun(const QemuMemPlan *plan, QemuMonitor *mon, gint64 deadline, gint64 waitDeadline,
                        const QemuMemPlanHooks *hooks, gboolean *pending, GError **err);
/* The steps after the one that waits: for a late DEVICE_DELETED. Best effort. */
void qemuMemPlanFinish(const QemuMemPlan *plan, QemuMonitor *mon, gint64 deadline);

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
    gboolean along;                 /* QMP, after QMP: sent without waiting for the step before, whose failure makes it fail,
                                     * too, and leave nothing */
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
typedef enum {
    QEMU_MEM_DONE = 0,
    QEMU_MEM_DONE_BUT,              /* done, but a best effort failed: something that belongs to nothing may be left */
    QEMU_MEM_UNDONE,                /* a step failed; what was done before it has been taken back */
    QEMU_MEM_PENDING,               /* the guest was asked, and refused or has not answered: nothing to take back */
    QEMU_MEM_UNKNOWN,               /* QEMU did not answer in time, or would not take a step back: it must be asked how far
                                     * it came before anything else is done */

    QEMU_MEM_OUTCOME_LAST
} QemuMemOutcome;

typedef struct {
    /* Wait until QEMU said of @alias that it is deleted, or that the guest refuses, or until @deadline. TRUE: deleted.
     * FALSE: VIR_ERR_OPERATION_FAILED (refused), VIR_ERR_OPERATION_TIMEOUT. */
    gboolean (*waitDeleted)(const char *alias, gint64 deadline, gpointer opaque, GError **err);
    gpointer opaque;
    QemuMonitorCall *first;         /* in: the first step, if it has been sent already; NULL: not. Taken over */
    const char *question;           /* a command to be sent along with the last step; NULL: none */
    QemuMonitorCall *answer;        /* out: its call, which is the caller's to finish; NULL unless all is done */
} QemuMemPlanHooks;

/* Send the first step, which is QMP, ahead of the run: for QemuMemPlanHooks.first. */
QemuMonitorCall *qemuMemPlanSendFirst(const QemuMemPlan *plan, QemuMonitor *mon);
/* On a worker, without the domain's lock. @answerUs is how long each answer of QEMU may take, @waitUs how long the guest.
 * @err is set unless all is done. */
QemuMemOutcome qemuMemPlanRun(const QemuMemPlan *plan, QemuMonitor *mon, gint64 answerUs, gint64 waitUs,
                              QemuMemPlanHooks *hooks, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memplan.c: plans of memory changes: building, printing, running, taking back */
#define G_LOG_DOMAIN "qemu/qemu_memplan"

#include "qemu/qemu_memplan.h"

#include "util/mem_error.h"
#include "util/mem_file.h"

static void stepFree(gpointer data)
{
    QemuMemStep *step = data;

    g_free(step->command);
    memJsonFree(step->arguments);
    g_free(step->undoCommand);
    memJsonFree(step->undoArguments);
    g_free(step->path);
    g_free(step->undoPath);
    g_free(step->waitAlias);
    g_free(step);
}

QemuMemPlan *qemuMemPlanNew(void)
{
    QemuMemPlan *plan = g_new0(QemuMemPlan, 1);

    plan->steps = g_ptr_array_new_with_free_func(stepFree);
    return plan;
}

void qemuMemPlanFree(QemuMemPlan *plan)
{
    if (!plan)
        return;
    g_ptr_array_unref(plan->steps);
    g_free(plan);
}

QemuMemStep *qemuMemPlanAddQmp(QemuMemPlan *plan, const char *command, MemJson *arguments, const char *undoCommand,
                               MemJson *undoArguments)
{
    QemuMemStep *step = g_new0(QemuMemStep, 1);

    step->kind = QEMU_MEM_STEP_QMP;
    step->command = g_strdup(command);
    step->arguments = arguments;
    step->undoCommand = g_strdup(undoCommand);
    step->undoArguments = undoArguments;
    g_ptr_array_add(plan->steps, step);
    return step;
}

QemuMemStep *qemuMemPlanAddHost(QemuMemPlan *plan, QemuMemStepKind kind, const char *path)
{
    QemuMemStep *step = g_new0(QemuMemStep, 1);

    step->kind = kind;
    step->path = g_strdup(path);
    g_ptr_array_add(plan->steps, step);
    return step;
}

/* ---- printing ---- */

static void formatCommand(GString *text, const char *label, const char *command, MemJson *arguments)
{
    g_autofree char *json = arguments ? memJsonFormat(arguments) : NULL;

    g_string_append_printf(text, "%s%s%s%s\n", label, command, json ? " " : "", json ? json : "");
}

static void formatStep(GString *text, const QemuMemStep *step)
{
    switch (step->kind) {
    case QEMU_MEM_STEP_QMP:
        formatCommand(text, "", step->command, step->arguments);
        break;
    case QEMU_MEM_STEP_MAKE_FOLDER:
        g_string_append_printf(text, "make folder %s\n", step->path);
        break;
    case QEMU_MEM_STEP_REMOVE_PATH:
        g_string_append_printf(text, "remove %s\n", step->path);
        break;
    case QEMU_MEM_STEP_LAST:
        g_assert_not_reached();
    }
    if (step->waitAlias)
        g_string_append_printf(text, "  until: DEVICE_DELETED %s\n", step->waitAlias);
    if (step->undoCommand)
        formatCommand(text, "  undo: ", step->undoCommand, step->undoArguments);
    if (step->undoPath)
        g_string_append_printf(text, "  undo: remove %s\n", step->undoPath);
    if (step->bestEffort)
        g_string_append(text, "  best effort\n");
    if (step->along)
        g_string_append(text, "  along with the step before\n");
}

char *qemuMemPlanFormat(const QemuMemPlan *plan)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < plan->steps->len; i++)
        formatStep(text, g_ptr_array_index(plan->steps, i));
    return g_string_free(text, FALSE);
}

/* ---- running ---- */

typedef struct {
    const QemuMemPlan *plan;
    QemuMonitor *mon;
    gint64 answerUs;
    QemuMemPlanHooks *hooks;
    guint sent;                     /* how many steps have been sent; host steps count as they are met */
    QemuMonitorCall **calls;        /* by step, under way; NULL: not yet, or no longer */
} Run;

static void runClear(Run *run)
{
    for (guint i = 0; i < run->plan->steps->len; i++) {
        if (run->calls[i])
            qemuMonitorForget(run->calls[i]);
    }
    g_free(run->calls);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, runClear)

static const QemuMemStep *stepAt(const Run *run, guint i)
{
    return g_ptr_array_index(run->plan->steps, i);
}

QemuMonitorCall *qemuMemPlanSendFirst(const QemuMemPlan *plan, QemuMonitor *mon)
{
    const QemuMemStep *step = g_ptr_array_index(plan->steps, 0);

    return qemuMonitorSend(mon, step->command, step->arguments ? json_object_get(step->arguments) : NULL);
}

/* Send step @i, unless that is done, and all that go along with it. */
static void sendFrom(Run *run, guint i)
{
    if (i < run->sent)
        return;
    do {
        const QemuMemStep *step = stepAt(run, i);

        if (step->kind == QEMU_MEM_STEP_QMP)
            run->calls[i] = qemuMonitorSend(run->mon, step->command, step->arguments ? json_object_get(step->arguments) : NULL);
        run->sent = ++i;
    } while (i < run->plan->steps->len && stepAt(run, i)->along);
    if (run->hooks->question && i == run->plan->steps->len)
        run->hooks->answer = qemuMonitorSend(run->mon, run->hooks->question, NULL);
}

/* QEMU answers "no such device" to device_del when it is gone already: then there is nothing to wait for. */
static gboolean isGoneAlready(const QemuMemStep *step, const char *errorClass)
{
    return step->waitAlias && g_strcmp0(errorClass, "DeviceNotFound") == 0;
}

static gboolean runQmp(Run *run, guint i, gboolean *gone, GError **err)
{
    g_autofree char *errorClass = NULL;
    g_autoptr(GError) problem = NULL;
    g_autoptr(MemJson) reply = NULL;

    reply = qemuMonitorWait(g_steal_pointer(&run->calls[i]), g_get_monotonic_time() + run->answerUs, &errorClass, &problem);
    if (!problem)
        return TRUE;
    if (isGoneAlready(stepAt(run, i), errorClass)) {
        *gone = TRUE;
        return TRUE;
    }
    g_propagate_error(err, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean runStep(Run *run, guint i, gboolean *gone, GError **err)
{
    const QemuMemStep *step = stepAt(run, i);

    sendFrom(run, i);
    switch (step->kind) {
    case QEMU_MEM_STEP_QMP:
        return runQmp(run, i, gone, err);
    case QEMU_MEM_STEP_MAKE_FOLDER:
        return memFileMakeFolder(step->path, 0700, err);
    case QEMU_MEM_STEP_REMOVE_PATH:
        return memFileRemove(step->path, err);
    case QEMU_MEM_STEP_LAST:
        break;
    }
    g_assert_not_reached();
}

/* FALSE: something of the step may still be there. */
static gboolean undoStep(const QemuMemStep *step, QemuMonitor *mon, gint64 answerUs)
{
    g_autoptr(GError) problem = NULL;

    if (step->undoCommand) {
        MemJson *arguments = step->undoArguments ? json_object_get(step->undoArguments) : NULL;
        g_autoptr(MemJson) reply = NULL;

        reply = qemuMonitorCommand(mon, step->undoCommand, arguments, g_get_monotonic_time() + answerUs, &problem);
    }
    if (!problem && step->undoPath)
        memFileRemove(step->undoPath, &problem);
    if (problem)
        g_warning("taking back '%s' failed: %s", step->command ? step->command : step->path, problem->message);
    return !problem;
}

static gboolean undoFrom(const QemuMemPlan *plan, guint failed, QemuMonitor *mon, gint64 answerUs)
{
    gboolean undone = TRUE;

    while (failed-- > 0)
        undone = undoStep(g_ptr_array_index(plan->steps, failed), mon, answerUs) && undone;
    return undone;
}

/* A command without an answer may be carried out yet: to send its opposite now could find nothing to undo. */
static gboolean isOpen(const QemuMemStep *step, const GError *problem)
{
    return step->kind == QEMU_MEM_STEP_QMP && g_error_matches(problem, MEM_ERROR, VIR_ERR_OPERATION_TIMEOUT);
}

/* What went along with a step that failed: FALSE if all of it was refused, as it should be. */
static gboolean someTaken(Run *run)
{
    gboolean taken = FALSE;

    for (guint i = 0; i < run->sent; i++) {
        g_autoptr(GError) problem = NULL;
        gboolean gone = FALSE;

        if (!run->calls[i])
            continue;
        if (runQmp(run, i, &gone, &problem) || isOpen(stepAt(run, i), problem))
            taken = TRUE;
    }
    return taken;
}

/* Step @i failed with @problem. */
static QemuMemOutcome giveUp(Run *run, guint i, const GError *problem)
{
    gboolean open = isOpen(stepAt(run, i), problem) || someTaken(run);
    QemuMonitorCall *answer = g_steal_pointer(&run->hooks->answer);

    /* what follows is to find QEMU with nothing of this left to do */
    if (answer && open)
        qemuMonitorForget(answer);
    else if (answer)
        memJsonFree(qemuMonitorWait(answer, g_get_monotonic_time() + run->answerUs, NULL, NULL));
    if (open)
        return QEMU_MEM_UNKNOWN;
    return undoFrom(run->plan, i, run->mon, run->answerUs) ? QEMU_MEM_UNDONE : QEMU_MEM_UNKNOWN;
}

QemuMemOutcome qemuMemPlanRun(const QemuMemPlan *plan, QemuMonitor *mon, gint64 answerUs, gint64 waitUs,
                              QemuMemPlanHooks *hooks, GError **err)
{
    g_auto(Run) run = { .plan = plan, .mon = mon, .answerUs = answerUs, .hooks = hooks };
    QemuMemOutcome outcome = QEMU_MEM_DONE;

    run.calls = g_new0(QemuMonitorCall *, plan->steps->len);
    if (hooks->first) {
        run.calls[0] = g_steal_pointer(&hooks->first);
        run.sent = 1;
    }
    for (guint i = 0; i < plan->steps->len; i++) {
        const QemuMemStep *step = stepAt(&run, i);
        g_autoptr(GError) problem = NULL;
        gboolean gone = FALSE;

        if (!runStep(&run, i, &gone, &problem)) {
            if (step->bestEffort) {
                g_warning("%s", problem->message);
                outcome = QEMU_MEM_DONE_BUT;
                continue;
            }
            outcome = giveUp(&run, i, problem);
            g_propagate_error(err, g_steal_pointer(&problem));
            return outcome;
        }
        if (step->waitAlias && !gone &&
            !hooks->waitDeleted(step->waitAlias, g_get_monotonic_time() + waitUs, hooks->opaque, err))
            return QEMU_MEM_PENDING;
    }
    return outcome;
}

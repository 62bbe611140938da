/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd_common.c: what several commands do: waiting, and saying why something is short of its goal */
#include "cmd_common.h"

#include "out_table.h"

const char *const formatChoices[] = { "table", "json", NULL };

static int onProgress(const virMemProgress *now, void *opaque)
{
    const CommonRun *run = opaque;

    progressShow(run->progress, now);
    return 0;
}

static virConnectPtr onLost(void *opaque)
{
    const CommonRun *run = opaque;

    return ctlReconnect(run->ctl);
}

void commonRunOptions(const Cmd *cmd, CommonRun *run, virMemRunOptions *options)
{
    *options = (virMemRunOptions){
        .stallMs = (unsigned)cmdNumber(cmd, "timeout", 0) * 1000,
        .cancel = run->ctl->cancel,
        .progress = onProgress,
        .reconnect = onLost,
        .opaque = run,
    };
}

/* Did it move, and stay where it went? Not if it has all that was asked for, and the guest does not use it. */
static gboolean isPartly(const virMemResult *result)
{
    return result->reachedKib != VIR_MEM_UNKNOWN && result->reachedKib != result->fromKib && result->reachedKib != result->askedKib &&
           result->rolledBack <= 0;
}

gboolean commonShort(GError **err, const char *what, const virMemResult *result)
{
    g_autofree char *reached = outKib(result->reachedKib);
    g_autofree char *asked = outKib(result->askedKib);
    g_autofree char *from = outKib(result->fromKib);
    g_autofree char *how = NULL;
    const char *advice = virMemDiagnosisAdvice(result->diagnosis);
    const char *back = result->rolledBack > 0 ? ", and was taken back" : result->rolledBack < 0 ? ", and could not be taken back wholly" : "";

    if (result->reachedKib == VIR_MEM_UNKNOWN)
        how = g_strdup_printf("it was at %s, on its way to %s", from, asked);
    else if (isPartly(result))
        how = g_strdup_printf("it went from %s to %s, not to %s", from, reached, asked);
    else if (result->reachedKib != result->askedKib)
        how = g_strdup_printf("it stays at %s, not %s", from, asked);
    else if (result->reachedKib != result->fromKib)
        how = g_strdup_printf("it went from %s to %s", from, reached);
    cmdErrorSet(err, isPartly(result) ? CMD_PARTLY : ctlDiagnosisStatus(result->diagnosis), "%s: %s%s%s%s (%s)%s%s", what, how ? how : "", back, how ? ": " : "",
                result->text ? result->text : "it ended early", virMemDiagnosisName(result->diagnosis), advice ? ": " : "", advice ? advice : "");
    return FALSE;
}

gboolean commonWait(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, const virMemInventory *before, const char *alias, guint64 kib,
                    GError **err)
{
    const char *what = alias ? alias : virDomainGetName(dom);
    g_autoptr(Progress) progress = progressNew(ctl, what);
    g_autoptr(virMemResult) result = NULL;
    CommonRun run = { ctl, progress };
    virMemRunOptions options;
    virMemError error = { 0 };
    int code;

    if (!ctlCatchSignals(ctl, err))
        return FALSE;
    commonRunOptions(cmd, &run, &options);
    options.before = before;
    if (alias)
        code = virMemWaitDevice(dom, alias, VIR_MEM_WAIT_PRESENT, &options, &result, &error);
    else
        code = virMemWaitGuest(dom, kib, &options, &result, &error);
    g_clear_pointer(&progress, progressFree);
    if (code == VIR_MEM_OK)
        return TRUE;
    return result ? commonShort(err, what, result) : ctlMemError(err, &error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_resize.c: resize: gives a guest a size, by whatever means it has, or shows how that would be done */
#include "cmd_common.h"
#include "out_table.h"
#include "plan_show.h"

#include <stdio.h>
#include <string.h>

/* ---- what is asked for ---- */

/* "N=SIZE" */
static gboolean readNode(const char *text, virMemNodeSize *node, GError **err)
{
    const char *equals = strchr(text, '=');
    g_autofree char *number = equals ? g_strndup(text, (gsize)(equals - text)) : NULL;
    g_autofree char *what = g_strdup_printf("command 'resize': option '--node %s=SIZE'", number ? number : "");
    guint64 kib = 0, id = 0;

    if (!number || !g_ascii_string_to_unsigned(number, 10, 0, 16383, &id, NULL)) {
        cmdErrorSet(err, CMD_USAGE, "command 'resize': option '--node' is '%s': give a guest NUMA node and its size, such as 0=2GiB", text);
        return FALSE;
    }
    node->node = (int)id;
    if (!cmdParseSize(equals + 1, what, FALSE, &kib, err))
        return FALSE;
    node->kib = kib;
    return TRUE;
}

static gboolean readNodes(const Cmd *cmd, GArray *nodes, GError **err)
{
    for (char *const *text = cmdTexts(cmd, "node"); *text; text++) {
        virMemNodeSize node = { 0 };
        if (!readNode(*text, &node, err))
            return FALSE;
        for (guint i = 0; i < nodes->len; i++) {
            if (g_array_index(nodes, virMemNodeSize, i).node == node.node) {
                cmdErrorSet(err, CMD_USAGE, "command 'resize': option '--node' names node %d twice: name it once", node.node);
                return FALSE;
            }
        }
        g_array_append_val(nodes, node);
    }
    if (cmdGiven(cmd, "size") || nodes->len)
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "command 'resize' needs SIZE, what the guest shall have, or '--node N=SIZE': see 'virsh-memory help resize'");
    return FALSE;
}

static unsigned planFlags(const Cmd *cmd)
{
    static const struct {
        const char *option;
        unsigned flag;
    } flags[] = {
        { "no-virtio-mem", VIR_MEM_PLAN_NO_VIRTIO_MEM }, { "no-dimm", VIR_MEM_PLAN_NO_DIMM },       { "no-balloon", VIR_MEM_PLAN_NO_BALLOON },
        { "below-floor", VIR_MEM_PLAN_BELOW_FLOOR },     { "overcommit", VIR_MEM_PLAN_OVERCOMMIT }, { "partial", VIR_MEM_PLAN_PARTIAL },
    };
    unsigned all = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++)
        all |= cmdGiven(cmd, flags[i].option) ? flags[i].flag : 0;
    return all;
}

/* ---- doing it ---- */

/* The running guest, what it starts with next time, or both: first this, then that. */
enum { LIVE, CONFIG, STATES };

typedef struct {
    Ctl *ctl;
    const Cmd *cmd;
    virDomainPtr dom;
    virMemRequest request;
    virMemPlan *plans[STATES];      /* NULL: this one is not to change */
    MemJson *document;              /* with --format json, what is known so far */
} Resize;

static void addDocument(Resize *resize, MemJson *document)
{
    if (resize->document)
        memJsonAdd(resize->document, "config", document);
    else
        resize->document = document;
}

static gboolean makePlan(Resize *resize, int state, GError **err)
{
    virMemRequest request = resize->request;
    virMemError error = { 0 };
    int code;

    request.flags |= state == CONFIG ? VIR_MEM_PLAN_CONFIG : 0;
    code = virMemPlanDomain(resize->dom, &request, &resize->plans[state], &error);
    return code == VIR_MEM_OK || (code == VIR_MEM_ERR_IMPOSSIBLE && resize->plans[state]) || ctlMemError(err, &error);
}

static gboolean checkPlan(const Resize *resize, int state, GError **err)
{
    const virMemPlan *plan = resize->plans[state];
    g_autofree char *asked = plan ? outKibExact(plan->askedKib) : NULL;

    if (plan && plan->reason)
        cmdErrorSet(err, CMD_FAILED, "domain '%s' cannot %s %s: %s", virDomainGetName(resize->dom), state == CONFIG ? "start with" : "have", asked,
                    plan->reason);
    return !plan || !plan->reason;
}

static gboolean showPlans(Resize *resize, GError **err)
{
    const char *name = virDomainGetName(resize->dom);

    for (int state = 0; state < STATES; state++) {
        if (!resize->plans[state])
            continue;
        if (ctlJson(resize->cmd)) {
            addDocument(resize, planJson(name, resize->plans[state]));
            continue;
        }
        if (state == CONFIG && resize->plans[LIVE])
            printf("\n The configuration:\n\n");
        planShow(name, resize->plans[state]);
    }
    return checkPlan(resize, LIVE, err) && checkPlan(resize, CONFIG, err);
}

static void sayDone(const Resize *resize, int state, const virMemResult *result)
{
    const virMemPlan *plan = resize->plans[state];
    const char *name = virDomainGetName(resize->dom);
    g_autofree char *from = outKib(plan->fromKib);
    g_autofree char *asked = outKib(plan->reachesKib);
    g_autofree char *reached = outKib(result ? result->reachedKib : plan->reachesKib);

    if (ctlJson(resize->cmd))
        return;
    if (state == CONFIG)
        ctlSay(resize->ctl, "Domain '%s' starts with %s next time, was %s", name, asked, from);
    else if (cmdGiven(resize->cmd, "no-wait"))
        ctlSay(resize->ctl, "Domain '%s' is asked for %s, has %s by now", name, asked, reached);
    else
        ctlSay(resize->ctl, "Domain '%s' has %s, had %s", name, reached, from);
}

static gboolean runPlan(Resize *resize, int state, GError **err)
{
    const virMemPlan *plan = resize->plans[state];
    const char *name = virDomainGetName(resize->dom);
    Ctl silent = { .quiet = TRUE };
    g_autoptr(Progress) progress = progressNew(ctlJson(resize->cmd) || state == CONFIG ? &silent : resize->ctl, name);
    g_autoptr(virMemResult) result = NULL;
    g_autofree char *what = g_strdup_printf(state == CONFIG ? "the configuration of domain '%s'" : "domain '%s'", name);
    CommonRun run = { resize->ctl, progress };
    virMemRunOptions options;
    virMemError error = { 0 };
    int code;

    if (!ctlCatchSignals(resize->ctl, err))
        return FALSE;
    commonRunOptions(resize->cmd, &run, &options);
    options.onFailure = cmdChoice(resize->cmd, "on-failure") == 1 ? VIR_MEM_ON_FAILURE_ROLLBACK : VIR_MEM_ON_FAILURE_KEEP;
    options.noWait = cmdGiven(resize->cmd, "no-wait");
    code = virMemRun(resize->dom, plan, &options, &result, &error);
    g_clear_pointer(&progress, progressFree);
    if (ctlJson(resize->cmd) && result)
        addDocument(resize, planResultJson(name, state == CONFIG ? "config" : "live", result));
    if (code != VIR_MEM_OK)
        return result ? commonShort(err, what, result) : ctlMemError(err, &error);
    sayDone(resize, state, result);
    return TRUE;
}

/* Nothing to do, but with --wait an earlier request may be on its way. */
static gboolean stay(Resize *resize, int state, GError **err)
{
    const char *name = virDomainGetName(resize->dom);
    g_autofree char *from = outKib(resize->plans[state]->fromKib);

    if (state == LIVE && cmdGiven(resize->cmd, "wait") && !commonWait(resize->ctl, resize->cmd, resize->dom, NULL, NULL, 0, err))
        return FALSE;
    if (state == CONFIG)
        ctlSay(resize->ctl, "Domain '%s' starts with %s: nothing to do", name, from);
    else
        ctlSay(resize->ctl, "Domain '%s' has %s: nothing to do", name, from);
    return TRUE;
}

static gboolean runState(Resize *resize, int state, GError **err)
{
    const virMemPlan *plan = resize->plans[state];

    for (gsize i = 0; i < plan->nnotes && !ctlJson(resize->cmd); i++)
        ctlSay(resize->ctl, "Note: %s", plan->notes[i]);
    return plan->nsteps || ctlJson(resize->cmd) ? runPlan(resize, state, err) : stay(resize, state, err);
}

/* The configuration follows the guest, so that it is left alone by a guest that did not do what it was asked. */
static gboolean runPlans(Resize *resize, GError **err)
{
    gboolean both = resize->plans[LIVE] && resize->plans[CONFIG];

    if (!checkPlan(resize, LIVE, err) || !checkPlan(resize, CONFIG, err))
        return FALSE;
    if (resize->plans[LIVE] && !runState(resize, LIVE, err)) {
        if (both)
            g_prefix_error(err, "the configuration is left as it was: ");
        return FALSE;
    }
    if (!resize->plans[CONFIG] || runState(resize, CONFIG, err))
        return TRUE;
    if (both) {
        g_prefix_error(err, "the running guest is changed, its configuration is not: ");
        (*err)->code = CMD_PARTLY;
    }
    return FALSE;
}

static gboolean doResize(Resize *resize, unsigned affect, GError **err)
{
    if (affect & VIR_DOMAIN_AFFECT_LIVE && !makePlan(resize, LIVE, err))
        return FALSE;
    /* A part of the way is the same part for both. */
    if (resize->plans[LIVE] && !resize->plans[LIVE]->reason && resize->request.totalKib && !resize->request.nnodes &&
        resize->request.flags & VIR_MEM_PLAN_PARTIAL)
        resize->request.totalKib = resize->plans[LIVE]->reachesKib;
    if (affect & VIR_DOMAIN_AFFECT_CONFIG && !makePlan(resize, CONFIG, err))
        return FALSE;
    return cmdGiven(resize->cmd, "plan") ? showPlans(resize, err) : runPlans(resize, err);
}

static const CmdInfo resizeInfo = {
    .summary = "give a guest a size, by whatever means it has",
    .description = "Plans steps over virtio-mem, DIMMs and balloon that bring the guest to SIZE, checks beforehand what can be checked, does "
                   "them one after the other and waits until the guest has followed each; with --no-wait only where the next step needs "
                   "it. --plan shows the steps and changes nothing. What stops it is named: with keep the guest then stays with what it "
                   "reached, with rollback it gets back what it had. The configuration, if it is to follow, does so at the end.",
};

static const char *const onFailureChoices[] = { "keep", "rollback", NULL };

static const CmdOption resizeOptions[] = {
    OPTION_DOMAIN,
    { .name = "size", .kind = CMD_KIND_SIZE, .flags = CMD_POSITIONAL | CMD_POSITIVE, .value = "SIZE", .help = "what the guest shall have in all" },
    { .name = "node", .kind = CMD_KIND_STRING, .flags = CMD_MANY, .value = "N=SIZE", .help = "what guest NUMA node N shall have" },
    { .name = "plan", .help = "show steps and checks, change nothing" },
    OPTION_PERSISTENT,
    OPTION_CONFIG,
    OPTION_LIVE,
    OPTION_CURRENT,
    { .name = "wait", .help = "wait for the guest (default), and for what was asked of it before" },
    { .name = "no-wait", .help = "end once all is asked for" },
    OPTION_TIMEOUT,
    { .name = "on-failure", .kind = CMD_KIND_CHOICE, .value = "WHAT", .choices = onFailureChoices,
      .help = "what becomes of steps done, by default keep" },
    { .name = "reserve", .kind = CMD_KIND_SIZE, .value = "SIZE", .flags = CMD_POSITIVE, .help = "what a shrinking guest keeps available (default: 1/16)" },
    { .name = "below-floor", .help = "shrink further than the guest reports it can spare" },
    { .name = "overcommit", .help = "grow beyond the host's free memory" },
    { .name = "partial", .help = "go as far as it goes" },
    { .name = "no-virtio-mem", .help = "leave virtio-mem devices alone" },
    { .name = "no-dimm", .help = "neither plug nor unplug DIMMs" },
    { .name = "no-balloon", .help = "leave the balloon alone" },
    OPTION_FORMAT,
    { 0 }
};

static gboolean checkOptions(const Cmd *cmd, GError **err)
{
    if (!cmdGiven(cmd, "wait") || !cmdGiven(cmd, "no-wait"))
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "command 'resize': options '--wait' and '--no-wait' exclude each other");
    return FALSE;
}

static gboolean cmdResize(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(virMemNodeSize));
    g_autoptr(virDomain) dom = checkOptions(cmd, err) && readNodes(cmd, nodes, err) ? ctlDomain(ctl, cmd, err) : NULL;
    Resize resize = {
        .ctl = ctl,
        .cmd = cmd,
        .dom = dom,
        .request = {
            .totalKib = cmdNumber(cmd, "size", 0),
            .nodes = (const virMemNodeSize *)(void *)nodes->data,
            .nnodes = nodes->len,
            .reserveKib = cmdNumber(cmd, "reserve", 0),
            .flags = planFlags(cmd),
        },
    };
    unsigned affect = 0;
    gboolean ok;

    if (!dom || !ctlAffect(cmd, dom, &affect, err))
        return FALSE;
    if (cmdGiven(cmd, "wait") && !(affect & VIR_DOMAIN_AFFECT_LIVE)) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' is not running: there is nothing to wait for, leave out '--wait'", virDomainGetName(dom));
        return FALSE;
    }
    ok = doResize(&resize, affect, err);
    if (resize.document)
        outPrintJson(resize.document);
    for (int state = 0; state < STATES; state++)
        virMemPlanFree(resize.plans[state]);
    return ok;
}

const CmdDef resizeCommands[] = {
    { "resize", &resizeInfo, resizeOptions, cmdResize, CMD_CHANGES | CMD_WAITS },
    { 0 }
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_resize.c: resize: gives a guest a size, by whatever means it has, or shows how that would be done */
#include "cmd_common.h"
#include "out_table.h"

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

/* ---- the plan, shown ---- */

static const TableColumn stepColumns[] = {
    { "Step", "step", TRUE },
    { NULL, "kind", FALSE },
    { NULL, "alias", FALSE },
    { NULL, "node", TRUE },
    { NULL, "fromKib", TRUE },
    { NULL, "toKib", TRUE },
    { "What", "text", FALSE },
    { "Guest then has", "totalKib", TRUE },
    { NULL, "call", FALSE },
    { NULL, "xml", FALSE },
    { NULL, "qmp", FALSE },
    { NULL, "undo", FALSE },
    { 0 }
};

static Table *stepTable(const virMemPlan *plan)
{
    Table *table = tableNew(stepColumns);

    for (gsize i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        g_autofree char *xml = step->xml ? outDedent(step->xml) : NULL;
        tableNumber(table, (gint64)i + 1);
        tableText(table, virMemStepKindName(step->kind));
        tableText(table, step->alias);
        tableNumber(table, step->node);
        tableKib(table, step->fromKib);
        tableKib(table, step->toKib);
        tableText(table, step->text);
        tableKib(table, step->totalKib);
        tableText(table, step->call);
        tableText(table, xml);
        tableText(table, step->qmp);
        tableText(table, step->undoText);
    }
    return table;
}

static const TableColumn checkColumns[] = {
    { "Check", "name", FALSE },
    { "Result", "state", FALSE },
    { "Why", "text", FALSE },
    { 0 }
};

static const char *checkWord(int state)
{
    switch ((virMemCheckState)state) {
    case VIR_MEM_CHECK_OK:
        return "ok";
    case VIR_MEM_CHECK_UNKNOWN:
        return "unknown";
    case VIR_MEM_CHECK_FAILED:
        return "failed";
    }
    return NULL;
}

static Table *checkTable(const virMemPlan *plan)
{
    Table *table = tableNew(checkColumns);

    for (gsize i = 0; i < plan->nchecks; i++) {
        tableText(table, plan->checks[i]->name);
        tableText(table, checkWord(plan->checks[i]->state));
        tableText(table, plan->checks[i]->text);
    }
    return table;
}

static void printIndented(const char *title, const char *text)
{
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

    for (char **line = lines; line && *line; line++) {
        if (**line)
            printf("   %-5s %s\n", line == lines ? title : "", *line);
    }
}

static void printSteps(const virMemPlan *plan)
{
    for (gsize i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        g_autofree char *xml = step->xml ? outDedent(step->xml) : NULL;
        printf("\n Step %zu: %s\n", i + 1, step->text);
        printIndented("call", step->call);
        printIndented("XML", xml);
        printIndented("QMP", step->qmp);
        printIndented("undo", step->undoText);
    }
}

static void printPlan(const char *name, const virMemPlan *plan)
{
    g_autoptr(Table) steps = stepTable(plan);
    g_autoptr(Table) checks = checkTable(plan);
    g_autofree char *stepText = tableFormat(steps);
    g_autofree char *checkText = tableFormat(checks);
    g_autofree char *from = outKib(plan->fromKib);
    g_autofree char *asked = outKib(plan->askedKib);
    g_autofree char *reaches = outKib(plan->reachesKib);
    g_autofree char *floor = outKib(plan->floorKib);
    g_autofree char *ceiling = outKib(plan->ceilingKib);

    printf(" %s has %s, is to have %s, and reaches %s\n", name, from, asked, plan->reason ? from : reaches);
    if (plan->floorKib == VIR_MEM_UNKNOWN)
        printf(" It can have up to %s; how little it can do with is not known\n\n", ceiling);
    else
        printf(" It can have from %s to %s\n\n", floor, ceiling);
    if (plan->nsteps)
        printf("%s\n", stepText);
    fputs(checkText, stdout);
    for (gsize i = 0; i < plan->nnotes; i++)
        printf("%s %s\n", i ? "" : "\n", plan->notes[i]);
    printSteps(plan);
}

static void printPlanJson(const char *name, const virMemPlan *plan)
{
    g_autoptr(Table) steps = stepTable(plan);
    g_autoptr(Table) checks = checkTable(plan);
    MemJson *document = memJsonNew();
    MemJson *notes = memJsonNewArray();

    memJsonAddString(document, "domain", name);
    outAddKib(document, "fromKib", plan->fromKib);
    outAddKib(document, "askedKib", plan->askedKib);
    outAddKib(document, "reachesKib", plan->reachesKib);
    outAddKib(document, "floorKib", plan->floorKib);
    outAddKib(document, "ceilingKib", plan->ceilingKib);
    memJsonAddBool(document, "possible", !plan->reason);
    json_object_object_add(document, "reason", plan->reason ? json_object_new_string(plan->reason) : NULL);
    memJsonAdd(document, "steps", tableJson(steps));
    memJsonAdd(document, "checks", tableJson(checks));
    for (gsize i = 0; i < plan->nnotes; i++)
        memJsonAppend(notes, json_object_new_string(plan->notes[i]));
    memJsonAdd(document, "notes", notes);
    outPrintJson(document);
}

/* ---- doing it ---- */

static void printResultJson(const char *name, const virMemResult *result)
{
    MemJson *document = memJsonNew();

    memJsonAddString(document, "domain", name);
    outAddKib(document, "fromKib", result->fromKib);
    outAddKib(document, "askedKib", result->askedKib);
    outAddKib(document, "reachedKib", result->reachedKib);
    outAddKib(document, "shortKib", result->shortKib);
    memJsonAddUint64(document, "stepsDone", result->stepsDone);
    json_object_object_add(document, "rolledBack", result->rolledBack ? json_object_new_boolean(result->rolledBack > 0) : NULL);
    memJsonAddString(document, "diagnosis", virMemDiagnosisName(result->diagnosis));
    json_object_object_add(document, "alias", result->alias ? json_object_new_string(result->alias) : NULL);
    json_object_object_add(document, "text", result->text ? json_object_new_string(result->text) : NULL);
    memJsonAddUint64(document, "elapsedMs", result->elapsedMs);
    outPrintJson(document);
}

static gboolean runPlan(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, const virMemPlan *plan, GError **err)
{
    Ctl silent = { .quiet = TRUE };
    g_autoptr(Progress) progress = progressNew(ctlJson(cmd) ? &silent : ctl, virDomainGetName(dom));
    g_autoptr(virMemResult) result = NULL;
    g_autofree char *what = g_strdup_printf("domain '%s'", virDomainGetName(dom));
    g_autofree char *from = outKib(plan->fromKib);
    g_autofree char *reached = NULL;
    CommonRun run = { ctl, progress };
    virMemRunOptions options;
    virMemError error = { 0 };
    int code;

    if (!ctlCatchSignals(ctl, err))
        return FALSE;
    commonRunOptions(cmd, &run, &options);
    options.onFailure = cmdChoice(cmd, "on-failure") == 1 ? VIR_MEM_ON_FAILURE_ROLLBACK : VIR_MEM_ON_FAILURE_KEEP;
    code = virMemRun(dom, plan, &options, &result, &error);
    g_clear_pointer(&progress, progressFree);
    if (ctlJson(cmd) && result)
        printResultJson(virDomainGetName(dom), result);
    if (code != VIR_MEM_OK)
        return result ? commonShort(err, what, result) : ctlMemError(err, &error);
    reached = outKib(result ? result->reachedKib : plan->reachesKib);
    if (!ctlJson(cmd))
        ctlSay(ctl, "Domain '%s' has %s, had %s", virDomainGetName(dom), reached, from);
    return TRUE;
}

static gboolean usePlan(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, const virMemPlan *plan, GError **err)
{
    const char *name = virDomainGetName(dom);
    g_autofree char *asked = outKibExact(plan->askedKib);
    g_autofree char *from = outKib(plan->fromKib);

    if (cmdGiven(cmd, "plan"))
        ctlJson(cmd) ? printPlanJson(name, plan) : printPlan(name, plan);
    if (plan->reason) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' cannot have %s: %s", name, asked, plan->reason);
        return FALSE;
    }
    if (cmdGiven(cmd, "plan"))
        return TRUE;
    for (gsize i = 0; i < plan->nnotes && !ctlJson(cmd); i++)
        ctlSay(ctl, "Note: %s", plan->notes[i]);
    if (plan->nsteps || ctlJson(cmd))
        return runPlan(ctl, cmd, dom, plan, err);
    ctlSay(ctl, "Domain '%s' has %s: nothing to do", name, from);
    return TRUE;
}

static const CmdInfo resizeInfo = {
    .summary = "give a guest a size, by whatever means it has",
    .description = "Plans steps over virtio-mem, DIMMs and balloon that bring the guest to SIZE, checks beforehand what can be checked, does "
                   "them one after the other and waits until the guest has followed each. --plan shows the steps and changes nothing. What "
                   "stops it is named: with keep the guest then stays with what it reached, with rollback it gets back what it had.",
};

static const char *const onFailureChoices[] = { "keep", "rollback", NULL };

static const CmdOption resizeOptions[] = {
    OPTION_DOMAIN,
    { .name = "size", .kind = CMD_KIND_SIZE, .flags = CMD_POSITIONAL | CMD_POSITIVE, .value = "SIZE", .help = "what the guest shall have in all" },
    { .name = "node", .kind = CMD_KIND_STRING, .flags = CMD_MANY, .value = "N=SIZE", .help = "what guest NUMA node N shall have" },
    { .name = "plan", .help = "show steps and checks, change nothing" },
    { .name = "wait", .help = "wait for the guest: always so here, a step needs the one before" },
    OPTION_TIMEOUT,
    { .name = "on-failure", .kind = CMD_KIND_CHOICE, .value = "WHAT", .choices = onFailureChoices, .help = "what becomes of steps done" },
    { .name = "reserve", .kind = CMD_KIND_SIZE, .value = "SIZE", .flags = CMD_POSITIVE, .help = "what a shrinking guest keeps available" },
    { .name = "below-floor", .help = "shrink further than the guest reports it can spare" },
    { .name = "overcommit", .help = "grow beyond the host's free memory" },
    { .name = "partial", .help = "go as far as it goes" },
    { .name = "no-virtio-mem", .help = "leave virtio-mem devices alone" },
    { .name = "no-dimm", .help = "neither plug nor unplug DIMMs" },
    { .name = "no-balloon", .help = "leave the balloon alone" },
    OPTION_FORMAT,
    { 0 }
};

static gboolean cmdResize(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(virMemNodeSize));
    g_autoptr(virDomain) dom = readNodes(cmd, nodes, err) ? ctlDomain(ctl, cmd, err) : NULL;
    g_autoptr(virMemPlan) plan = NULL;
    virMemRequest request = {
        .totalKib = cmdNumber(cmd, "size", 0),
        .nodes = (const virMemNodeSize *)(void *)nodes->data,
        .nnodes = nodes->len,
        .reserveKib = cmdNumber(cmd, "reserve", 0),
        .flags = planFlags(cmd),
    };
    virMemError error = { 0 };
    int code;

    if (!dom)
        return FALSE;
    code = virMemPlanDomain(dom, &request, &plan, &error);
    if (code != VIR_MEM_OK && !(code == VIR_MEM_ERR_IMPOSSIBLE && plan))
        return ctlMemError(err, &error);
    return usePlan(ctl, cmd, dom, plan, err);
}

const CmdDef resizeCommands[] = {
    { "resize", &resizeInfo, resizeOptions, cmdResize, CMD_CHANGES | CMD_WAITS },
    { 0 }
};

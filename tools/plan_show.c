/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan_show.c: a plan and its outcome, for people and for programs */
#include "plan_show.h"

#include "out_table.h"

#include <stdio.h>

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

void planShow(const char *name, const virMemPlan *plan)
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

    printf(" %s %s %s, is to %s %s, and reaches %s\n", name, plan->config ? "starts with" : "has", from, plan->config ? "start with" : "have", asked,
           plan->reason ? from : reaches);
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

MemJson *planJson(const char *name, const virMemPlan *plan)
{
    g_autoptr(Table) steps = stepTable(plan);
    g_autoptr(Table) checks = checkTable(plan);
    MemJson *document = memJsonNew();
    MemJson *notes = memJsonNewArray();

    memJsonAddString(document, "domain", name);
    memJsonAddString(document, "affects", plan->config ? "config" : "live");
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
    return document;
}

MemJson *planResultJson(const char *name, const char *affects, const virMemResult *result)
{
    MemJson *document = memJsonNew();

    memJsonAddString(document, "domain", name);
    memJsonAddString(document, "affects", affects);
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
    return document;
}

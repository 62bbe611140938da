/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_selftest.c: self-test: walks the commands' tables and the lists of outcomes; for the tests */
#include "cmd_common.h"
#include "cmd_help.h"

#include <stdio.h>
#include <string.h>

#define CODE_LEAST VIR_MEM_ERR_SYSTEM
#define DIAGNOSIS_LAST VIR_MEM_DIAGNOSIS_CANCELLED

typedef struct {
    const char *where;
    guint problems;
} Walk;

static void expect(Walk *walk, gboolean good, const char *what, const char *name)
{
    if (good)
        return;
    printf("%s: %s: %s\n", walk->where, name, what);
    walk->problems++;
}

static gboolean isSentence(const char *text)
{
    return text && *text && g_str_has_suffix(text, ".") && g_ascii_isupper(text[0]);
}

static gboolean isPhrase(const char *text)
{
    return text && *text && !g_str_has_suffix(text, ".");
}

static void walkOption(Walk *walk, const CmdOption *options, const CmdOption *option)
{
    const char *name = option->name;
    gboolean flag = option->kind == CMD_KIND_FLAG;

    expect(walk, isPhrase(option->help), "needs help without a full stop", name);
    expect(walk, flag == !option->value, "a value has a name, and a flag has none", name);
    expect(walk, (option->kind == CMD_KIND_CHOICE) == (option->choices != NULL), "choices belong to a choice, which has some", name);
    expect(walk, option->kind != CMD_KIND_NUMBER || option->min < option->max, "a number has a range", name);
    expect(walk, !flag || !option->flags, "a flag is neither required nor positional", name);
    expect(walk, name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] == '\0', "a name has small letters and dashes", name);
    for (const CmdOption *other = options; other < option; other++) {
        expect(walk, strcmp(other->name, name) != 0, "is there twice", name);
        expect(walk, !option->letter || other->letter != option->letter, "its letter is there twice", name);
        if (!(option->flags & CMD_POSITIONAL))
            continue;
        expect(walk, other->flags & CMD_POSITIONAL, "positional options come first", name);
        expect(walk, !(other->flags & CMD_MANY), "nothing positional comes after one that takes all words", name);
        expect(walk, other->flags & CMD_REQUIRED || !(option->flags & CMD_REQUIRED), "required ones come before optional ones", name);
    }
}

static void walkHelp(Walk *walk, const CmdDef *def)
{
    g_autofree char *help = cmdHelpCommand(def);
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);

    for (char **line = lines; *line; line++)
        expect(walk, g_utf8_strlen(*line, -1) <= CMD_HELP_WIDTH, "a line of its help is too wide", *line);
}

static void walkCommand(Walk *walk, const CmdDef *def)
{
    walk->where = def->name;
    expect(walk, isPhrase(def->info->summary), "needs a summary without a full stop", def->name);
    expect(walk, isSentence(def->info->description), "needs a description in sentences", def->name);
    expect(walk, def->run != NULL, "needs a function", def->name);
    for (const CmdOption *option = def->options; option->name; option++)
        walkOption(walk, def->options, option);
    /* What changes a guest says where, and what waits can be told how long. */
    if (def->flags & CMD_CHANGES)
        expect(walk, cmdFindOption(def->options, "live") && cmdFindOption(def->options, "config") && cmdFindOption(def->options, "current"),
               "needs '--live', '--config' and '--current'", def->name);
    if (def->flags & CMD_WAITS)
        expect(walk, cmdFindOption(def->options, "timeout") != NULL, "needs '--timeout'", def->name);
    walkHelp(walk, def);
}

static void walkOutcomes(Walk *walk)
{
    walk->where = "outcomes";
    for (int status = 0; status < CMD_STATUS_LAST; status++)
        expect(walk, isPhrase(cmdStatusText(status)), "an exit status needs a text", "status");
    for (int code = CODE_LEAST; code <= VIR_MEM_OK; code++) {
        expect(walk, g_strcmp0(virMemErrorName(code), "unknown") != 0, "an error code needs a name", virMemErrorName(code));
        expect(walk, (ctlErrorStatus(code) == CMD_DONE) == (code == VIR_MEM_OK), "only success is done", virMemErrorName(code));
    }
    for (int diagnosis = 0; diagnosis <= (int)DIAGNOSIS_LAST; diagnosis++) {
        expect(walk, virMemDiagnosisName(diagnosis) != NULL, "a diagnosis needs a name", "diagnosis");
        expect(walk, diagnosis == VIR_MEM_DIAGNOSIS_NONE || diagnosis == VIR_MEM_DIAGNOSIS_CANCELLED || virMemDiagnosisAdvice(diagnosis),
               "a diagnosis needs advice", "diagnosis");
        expect(walk, (ctlDiagnosisStatus(diagnosis) == CMD_DONE) == (diagnosis == VIR_MEM_DIAGNOSIS_NONE), "only success is done", "diagnosis");
    }
    expect(walk, !virMemDiagnosisName((int)DIAGNOSIS_LAST + 1), "there are more diagnoses than are looked at", "diagnosis");
    expect(walk, g_strcmp0(virMemErrorName(CODE_LEAST - 1), "unknown") == 0, "there are more codes than are looked at", "code");
}

/* What the manual is held against: "command", "option" and "status" lines. */
static void printTables(const Ctl *ctl)
{
    for (const CmdOption *option = ctl->options; option->name; option++)
        printf("option\t\t%s\t%s\n", option->name, option->value ? option->value : "");
    for (const CmdGroup *group = ctl->groups; group->title; group++) {
        for (const CmdDef *def = group->commands; def->name; def++) {
            g_autofree char *synopsis = cmdHelpSynopsis(def);
            if (def->flags & CMD_HIDDEN)
                continue;
            printf("command\t%s\t%s\n", def->name, synopsis);
            for (const CmdOption *option = def->options; option->name; option++)
                printf("option\t%s\t%s\t%s\n", def->name, option->name, option->value ? option->value : "");
        }
    }
    for (int status = 0; status < CMD_STATUS_LAST; status++)
        printf("status\t%d\t%s\n", status, cmdStatusText(status));
}

static const CmdInfo selfTestInfo = {
    .summary = "walk the commands' tables and say what is wrong with them",
    .description = "For the tests of the program: prints problems, or with --tables the tables.",
};

static const CmdOption selfTestOptions[] = {
    { .name = "tables", .help = "print commands, options and exit statuses" },
    { 0 }
};

static gboolean cmdSelfTest(Ctl *ctl, const Cmd *cmd, GError **err)
{
    Walk walk = { .where = "program" };

    if (cmdGiven(cmd, "tables")) {
        printTables(ctl);
        return TRUE;
    }
    for (const CmdOption *option = ctl->options; option->name; option++)
        walkOption(&walk, ctl->options, option);
    for (const CmdGroup *group = ctl->groups; group->title; group++) {
        for (const CmdDef *def = group->commands; def->name; def++)
            walkCommand(&walk, def);
    }
    walkOutcomes(&walk);
    if (!walk.problems)
        return TRUE;
    cmdErrorSet(err, CMD_FAILED, "%u problems in the tables", walk.problems);
    return FALSE;
}

const CmdDef selfTestCommands[] = {
    { "self-test", &selfTestInfo, selfTestOptions, cmdSelfTest, CMD_HIDDEN },
    { 0 }
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virsh-memory.c: the program: its own options, finding the command, the exit status */
#include "cmd_common.h"
#include "cmd_help.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const CmdOption programOptions[] = {
    { .name = "connect", .letter = 'c', .kind = CMD_KIND_STRING, .value = "URI", .help = "connect to URI (default: $LIBVIRT_DEFAULT_URI, else libvirt's choice)" },
    { .name = "readonly", .letter = 'r', .help = "connect read-only: nothing can be changed" },
    { .name = "quiet", .letter = 'q', .help = "say nothing but what was asked for, and errors" },
    { .name = "version", .letter = 'v', .help = "show the version and leave" },
    { .name = "help", .letter = 'h', .help = "show this and leave" },
    { 0 }
};

static const CmdDef program = { .options = programOptions };


/* The commands by what they are for; the order is help's. Neighbours with one title are one group. */
static const CmdGroup *allGroups(void)
{
    static CmdGroup groups[12];
    CmdGroup *next = groups;

    *next++ = (CmdGroup){ "Size of a guest", resizeCommands };
    *next++ = (CmdGroup){ "Size of a guest", balloonCommands };
    *next++ = (CmdGroup){ "Memory devices", deviceCommands };
    *next++ = (CmdGroup){ "Memory devices", detachCommands };
    *next++ = (CmdGroup){ "Memory devices", updateCommands };
    *next++ = (CmdGroup){ "What there is", listCommands };
    *next++ = (CmdGroup){ "What there is", mapCommands };
    *next++ = (CmdGroup){ "What there is", statCommands };
    *next++ = (CmdGroup){ "What there is", hostCommands };
    *next++ = (CmdGroup){ "Help", helpCommands };
    *next++ = (CmdGroup){ "Help", selfTestCommands };
    return groups;
}

static const CmdDef *findCommand(const CmdGroup *groups, const char *name, GError **err)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    const char *near;

    for (; groups->title; groups++) {
        for (const CmdDef *def = groups->commands; def->name; def++) {
            if (strcmp(def->name, name) == 0)
                return def;
            g_ptr_array_add(known, (gpointer)def->name);
        }
    }
    g_ptr_array_add(known, NULL);
    near = cmdNearest(name, (const char *const *)known->pdata);
    if (near)
        cmdErrorSet(err, CMD_USAGE, "unknown command '%s': did you mean '%s'?", name, near);
    else
        cmdErrorSet(err, CMD_USAGE, "unknown command '%s': 'virsh-memory help' lists what there is", name);
    return NULL;
}

static gboolean wantsHelp(char *const *words)
{
    for (; *words && strcmp(*words, "--") != 0; words++) {
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0)
            return TRUE;
    }
    return FALSE;
}

/* What the tables cannot say of options that do not go together. */
static gboolean checkTogether(const Ctl *ctl, const Cmd *cmd, GError **err)
{
    static const char *const notCurrent[] = { "live", "config", "persistent", NULL };
    const char *name = cmdDef(cmd)->name;
    gboolean dry = cmdGiven(cmd, "print-xml") || cmdGiven(cmd, "plan");

    for (const char *const *with = notCurrent; *with && cmdGiven(cmd, "current"); with++) {
        if (cmdGiven(cmd, *with)) {
            cmdErrorSet(err, CMD_USAGE, "command '%s': options '--current' and '--%s' exclude each other", name, *with);
            return FALSE;
        }
    }
    if (cmdGiven(cmd, "wait") && cmdGiven(cmd, "config") && !cmdGiven(cmd, "live")) {
        cmdErrorSet(err, CMD_USAGE, "command '%s': option '--wait' needs a running guest: leave it out, or add '--live' to '--config'", name);
        return FALSE;
    }
    if (ctl->readonly && cmdDef(cmd)->flags & CMD_CHANGES && !dry) {
        cmdErrorSet(err, CMD_USAGE, "command '%s' changes a guest and the connection is read-only: leave out '--readonly'", name);
        return FALSE;
    }
    return TRUE;
}

static gboolean runCommand(Ctl *ctl, char *const *words, GError **err)
{
    const CmdDef *def = findCommand(ctl->groups, words[0], err);
    g_autoptr(Cmd) cmd = NULL;

    if (!def)
        return FALSE;
    if (wantsHelp(words + 1) && !(def->flags & CMD_HIDDEN)) {
        g_autofree char *help = cmdHelpCommand(def);
        fputs(help, stdout);
        return TRUE;
    }
    cmd = cmdParse(def, words + 1, err);
    if (!cmd || !checkTogether(ctl, cmd, err))
        return FALSE;
    ctl->events = (def->flags & CMD_WAITS) != 0;
    return def->run(ctl, cmd, err);
}

static gboolean runProgram(Ctl *ctl, char *const *words, GError **err)
{
    gsize used = 0;
    g_autoptr(Cmd) front = cmdParseFront(&program, words, &used, err);
    gboolean ok;

    if (!front)
        return FALSE;
    if (cmdGiven(front, "version")) {
        puts(MEM_VERSION);
        return TRUE;
    }
    ctl->groups = allGroups();
    ctl->options = programOptions;
    if (cmdGiven(front, "help")) {
        g_autofree char *help = cmdHelpProgram(programOptions, ctl->groups);
        fputs(help, stdout);
        return TRUE;
    }
    if (!words[used]) {
        cmdErrorSet(err, CMD_USAGE, "no command is given: 'virsh-memory help' lists what there is");
        return FALSE;
    }
    ctl->uri = cmdText(front, "connect");
    ctl->readonly = cmdGiven(front, "readonly");
    ctl->quiet = cmdGiven(front, "quiet");
    ok = runCommand(ctl, words + used, err);
    ctlClear(ctl);
    return ok;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Ctl ctl = { 0 };
    gboolean ok;

    setlocale(LC_ALL, "");
    ctlTakeErrors();
    ctlMindPipes();
    ok = runProgram(&ctl, argv + 1, &error);
    if (fflush(stdout) != 0 && ok) {
        fputs("error: cannot write the output\n", stderr);
        return CMD_FAILED;
    }
    if (ok)
        return CMD_DONE;
    fprintf(stderr, "error: %s\n", error->message);
    return error->domain == CMD_ERROR ? error->code : CMD_FAILED;
}

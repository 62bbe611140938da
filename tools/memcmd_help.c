/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_help.c: help, and the words that complete a command line, both from the commands' tables */
#include "cmd_common.h"
#include "cmd_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const CmdDef *find(const Ctl *ctl, const char *name)
{
    for (const CmdGroup *group = ctl->groups; group->title; group++) {
        for (const CmdDef *def = group->commands; def->name; def++) {
            if (strcmp(def->name, name) == 0)
                return def;
        }
    }
    return NULL;
}

/* ---- help ---- */

static const CmdInfo helpInfo = {
    .summary = "show what there is, or one command in full",
    .description = "Lists all commands, or shows what COMMAND does and each of its options.",
};

static const CmdOption helpOptions[] = {
    { .name = "command", .kind = CMD_KIND_STRING, .flags = CMD_POSITIONAL, .value = "COMMAND", .help = "the command to be explained",
      .complete = CMD_COMPLETE_COMMAND },
    { 0 }
};

static gboolean cmdHelp(Ctl *ctl, const Cmd *cmd, GError **err)
{
    const char *name = cmdText(cmd, "command");
    const CmdDef *def = name ? find(ctl, name) : NULL;
    g_autofree char *text = NULL;

    if (name && (!def || def->flags & CMD_HIDDEN)) {
        cmdErrorSet(err, CMD_USAGE, "unknown command '%s': 'virsh-memory help' lists what there is", name);
        return FALSE;
    }
    text = def ? cmdHelpCommand(def) : cmdHelpProgram(ctl->options, ctl->groups);
    fputs(text, stdout);
    return TRUE;
}

/* ---- complete ---- */

static const CmdInfo completeInfo = {
    .summary = "print what the last word of a command line could become",
    .description = "For the shell's completion: one word a line.",
};

static const CmdOption completeOptions[] = {
    { .name = "word", .kind = CMD_KIND_STRING, .flags = CMD_POSITIONAL | CMD_MANY | CMD_EMPTY, .value = "WORD", .help = "the words so far" },
    { 0 }
};

static void offer(const char *word, const char *before, const char *after)
{
    g_autofree char *whole = g_strconcat(before, word, NULL);

    if (g_str_has_prefix(whole, after))
        puts(whole);
}

static void offerCommands(const Ctl *ctl, const char *typed)
{
    for (const CmdGroup *group = ctl->groups; group->title; group++) {
        for (const CmdDef *def = group->commands; def->name; def++) {
            if (!(def->flags & CMD_HIDDEN))
                offer(def->name, "", typed);
        }
    }
}

static int byName(const void *a, const void *b)
{
    return strcmp(virDomainGetName(*(virDomainPtr const *)a), virDomainGetName(*(virDomainPtr const *)b));
}

static void offerDomains(Ctl *ctl, const char *typed)
{
    virConnectPtr conn = ctlConnect(ctl, NULL);
    virDomainPtr *doms = NULL;
    int count = conn ? virConnectListAllDomains(conn, &doms, 0) : 0;

    if (count > 0)
        qsort(doms, (size_t)count, sizeof(*doms), byName);
    for (int i = 0; i < count; i++) {
        offer(virDomainGetName(doms[i]), "", typed);
        virDomainFree(doms[i]);
    }
    free(doms);
}

static void offerAliases(Ctl *ctl, const char *domain, const char *typed)
{
    g_autoptr(virDomain) dom = domain ? ctlFindDomain(ctl, domain, NULL) : NULL;
    g_autoptr(virMemInventory) inventory = dom ? ctlInventory(dom, 0, NULL) : NULL;

    for (gsize i = 0; inventory && i < inventory->ndevices; i++) {
        if (inventory->devices[i]->alias)
            offer(inventory->devices[i]->alias, "", typed);
    }
}

static void offerValue(Ctl *ctl, const CmdOption *option, const char *domain, const char *typed)
{
    for (const char *const *choice = option->choices; choice && *choice; choice++)
        offer(*choice, "", typed);
    switch (option->complete) {
    case CMD_COMPLETE_DOMAIN:
        offerDomains(ctl, typed);
        break;
    case CMD_COMPLETE_ALIAS:
        offerAliases(ctl, domain, typed);
        break;
    case CMD_COMPLETE_COMMAND:
        offerCommands(ctl, typed);
        break;
    case CMD_COMPLETE_NONE:
    case CMD_COMPLETE_FILE:
        break;
    }
}

/* The option that the word after @words belongs to by position, and the domain among @words. */
static const CmdOption *positionalNext(const CmdDef *def, char *const *words, gsize count, const char **domain)
{
    gsize position = 0;
    const CmdOption *option;

    for (gsize i = 0; i < count; i++) {
        const CmdOption *named = g_str_has_prefix(words[i], "--") ? cmdFindOption(def->options, words[i] + 2) : NULL;
        if (named && named->kind != CMD_KIND_FLAG)
            i++;
        else if (words[i][0] != '-' && position++ == 0)
            *domain = words[i];
    }
    for (option = def->options; option->name; option++) {
        if (option->flags & CMD_POSITIONAL && (position-- == 0 || option->flags & CMD_MANY))
            return option;
    }
    return NULL;
}

static void completeCommand(Ctl *ctl, const CmdDef *def, char *const *words, gsize count)
{
    const char *typed = words[count];
    const char *domain = NULL;
    const CmdOption *position = positionalNext(def, words, count, &domain);
    const CmdOption *named = count && g_str_has_prefix(words[count - 1], "--") ? cmdFindOption(def->options, words[count - 1] + 2) : NULL;

    if (named && named->kind != CMD_KIND_FLAG) {
        offerValue(ctl, named, domain, typed);
        return;
    }
    if (typed[0] == '-') {
        for (const CmdOption *option = def->options; option->name; option++)
            offer(option->name, "--", typed);
        offer("help", "--", typed);
        return;
    }
    if (position)
        offerValue(ctl, position, domain, typed);
}

static gboolean cmdComplete(Ctl *ctl, const Cmd *cmd, GError **err)
{
    char *const *words = cmdTexts(cmd, "word");
    gsize count = g_strv_length((char **)words);
    gsize first = 0;
    const CmdDef *def = NULL;

    if (!count)
        return TRUE;
    for (; first + 1 < count && words[first][0] == '-'; first++) {
        gboolean uri = strcmp(words[first], "-c") == 0 || strcmp(words[first], "--connect") == 0;
        if (uri && first + 2 < count)
            ctl->uri = words[++first];
    }
    if (first + 1 < count)
        def = find(ctl, words[first]);
    if (def)
        completeCommand(ctl, def, words + first + 1, count - first - 2);
    else if (first + 1 == count && words[first][0] == '-')
        for (const CmdOption *option = ctl->options; option->name; option++)
            offer(option->name, "--", words[first]);
    else if (first + 1 == count)
        offerCommands(ctl, words[first]);
    return TRUE;
}

const CmdDef helpCommands[] = {
    { "help", &helpInfo, helpOptions, cmdHelp, 0 },
    { "complete", &completeInfo, completeOptions, cmdComplete, CMD_HIDDEN },
    { 0 }
};

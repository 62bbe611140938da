/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd_help.c: help made from the commands' tables, 80 columns wide at most */
#include "cmd_help.h"

#include <string.h>

#define INDENT 4
#define HELP_COLUMN 28

static void pad(GString *out, gsize count)
{
    for (; count; count--)
        g_string_append_c(out, ' ');
}

/* @text in lines that begin in column @first (already there) and @next; breaks at blanks outside of brackets. */
static void appendWrapped(GString *out, const char *text, gsize first, gsize next)
{
    gsize column = first;

    while (*text) {
        gsize depth = 0, length = 0;
        for (; text[length] && (text[length] != ' ' || depth); length++) {
            depth += text[length] == '[';
            depth -= text[length] == ']' && depth;
        }
        if (column > next && column + length + (column > first) > CMD_HELP_WIDTH) {
            g_string_append_c(out, '\n');
            pad(out, next);
            column = next;
        } else if (column > first || (column == first && first > next)) {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append_len(out, text, (gssize)length);
        column += length;
        text += length;
        text += strspn(text, " ");
        if (first < next)
            first = next;
    }
    g_string_append_c(out, '\n');
}

static char *optionName(const CmdOption *option)
{
    GString *text = g_string_new(NULL);

    if (option->letter)
        g_string_append_printf(text, "-%c, ", option->letter);
    g_string_append_printf(text, option->flags & CMD_POSITIONAL ? "[--%s]" : "--%s", option->name);
    if (option->value)
        g_string_append_printf(text, option->flags & CMD_BARE ? " [%s]" : " %s", option->value);
    return g_string_free(text, FALSE);
}

static void appendOption(GString *out, const CmdOption *option)
{
    g_autofree char *name = optionName(option);
    GString *help = g_string_new(option->help);
    gsize column = INDENT + strlen(name);

    if (option->choices) {
        g_autofree char *all = g_strjoinv(", ", (char **)option->choices);
        g_string_append_printf(help, ": %s", all);
    }
    if (option->flags & CMD_MANY)
        g_string_append(help, " (several are allowed)");
    pad(out, INDENT);
    g_string_append(out, name);
    if (column + 2 > HELP_COLUMN) {
        g_string_append_c(out, '\n');
        column = 0;
    }
    pad(out, HELP_COLUMN - column);
    appendWrapped(out, help->str, HELP_COLUMN, HELP_COLUMN);
    g_string_free(help, TRUE);
}

static void appendOptions(GString *out, const CmdOption *options)
{
    for (; options->name; options++)
        appendOption(out, options);
}

char *cmdHelpSynopsis(const CmdDef *def)
{
    GString *out = g_string_new(def->name);

    for (const CmdOption *option = def->options; option->name; option++) {
        const char *more = option->flags & CMD_MANY ? "..." : "";
        g_string_append_c(out, ' ');
        if (!(option->flags & CMD_REQUIRED))
            g_string_append_c(out, '[');
        if (option->flags & CMD_POSITIONAL)
            g_string_append_printf(out, "%s%s", option->value, more);
        else if (option->flags & CMD_BARE)
            g_string_append_printf(out, "--%s [%s]", option->name, option->value);
        else if (option->value)
            g_string_append_printf(out, "--%s %s%s", option->name, option->value, more);
        else
            g_string_append_printf(out, "--%s", option->name);
        if (!(option->flags & CMD_REQUIRED))
            g_string_append_c(out, ']');
    }
    return g_string_free(out, FALSE);
}

char *cmdHelpCommand(const CmdDef *def)
{
    g_autofree char *synopsis = cmdHelpSynopsis(def);
    GString *out = g_string_new("  NAME\n");

    pad(out, INDENT);
    g_string_append_printf(out, "%s -", def->name);
    appendWrapped(out, def->info->summary, INDENT + strlen(def->name) + 2, INDENT);
    g_string_append(out, "\n  SYNOPSIS\n");
    pad(out, INDENT);
    appendWrapped(out, synopsis, INDENT, 2 * INDENT);
    g_string_append(out, "\n  DESCRIPTION\n");
    pad(out, INDENT);
    appendWrapped(out, def->info->description, INDENT, INDENT);
    if (def->options->name) {
        g_string_append(out, "\n  OPTIONS\n");
        appendOptions(out, def->options);
    }
    return g_string_free(out, FALSE);
}

static void appendGroup(GString *out, const CmdGroup *group)
{
    for (const CmdDef *def = group->commands; def->name; def++) {
        gsize column = INDENT + strlen(def->name);
        if (def->flags & CMD_HIDDEN)
            continue;
        pad(out, INDENT);
        g_string_append(out, def->name);
        pad(out, HELP_COLUMN - column);
        appendWrapped(out, def->info->summary, HELP_COLUMN, HELP_COLUMN);
    }
}

char *cmdHelpProgram(const CmdOption *options, const CmdGroup *groups)
{
    GString *out = g_string_new("virsh-memory [OPTION...] COMMAND [ARGUMENT...]\n\n"
                                "Guest memory as one thing, on any libvirt connection to QEMU.\n\n  OPTIONS\n");
    const char *title = NULL;

    appendOptions(out, options);
    for (; groups->title; groups++) {
        if (g_strcmp0(title, groups->title) != 0)
            g_string_append_printf(out, "\n  %s\n", groups->title);
        title = groups->title;
        appendGroup(out, groups);
    }
    g_string_append(out, "\n  EXIT STATUS\n");
    for (int status = 0; status < CMD_STATUS_LAST; status++)
        g_string_append_printf(out, "    %d  %s\n", status, cmdStatusText(status));
    g_string_append(out, "\nSizes take a unit, such as 512MiB or 4G; without one they are KiB.\n"
                         "'virsh-memory help COMMAND' tells more.\n");
    return g_string_free(out, FALSE);
}

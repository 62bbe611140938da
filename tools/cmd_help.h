/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd_help.h: help made from the commands' tables, 80 columns wide at most */
#pragma once

#include "cmd.h"

#define CMD_HELP_WIDTH 80

/* What the program is and its commands by group. Caller frees. */
char *cmdHelpProgram(const CmdOption *options, const CmdGroup *groups);
/* One command in full. Caller frees. */
char *cmdHelpCommand(const CmdDef *def);
/* "setmem DOMAIN SIZE [--live] ..." in one line. Caller frees. */
char *cmdHelpSynopsis(const CmdDef *def);

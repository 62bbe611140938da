/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_options.h: the command line of virtmemd */
#pragma once

#include <glib.h>

typedef struct {
    char *root;                 /* NULL: the usual places */
    char **listen;              /* more sockets; NULL: none */
    int timeoutSeconds;         /* 0: stay */
    GLogLevelFlags logLevel;    /* the least important that is logged */
    gboolean showHelp, showVersion;
} DaemonOptions;

/* Errors (G_OPTION_ERROR) name the option and the value. Clear in any case. */
gboolean daemonOptionsParse(DaemonOptions *options, int argc, char **argv, GError **err);
void daemonOptionsClear(DaemonOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DaemonOptions, daemonOptionsClear)

/* Static text, at most 80 columns. */
const char *daemonOptionsHelp(void);

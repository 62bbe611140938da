/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_options.c: the command line of virtmemd */
#include "daemon/daemon_options.h"

#include <string.h>

#define TIMEOUT_MAX (365 * 24 * 3600)

static const struct {
    const char *name;
    GLogLevelFlags level;
} logLevels[] = {
    { "error", G_LOG_LEVEL_CRITICAL },
    { "warning", G_LOG_LEVEL_WARNING },
    { "info", G_LOG_LEVEL_INFO },
    { "debug", G_LOG_LEVEL_DEBUG },
};

static gboolean parseLogLevel(const char *option, const char *value, gpointer opaque, GError **err)
{
    DaemonOptions *options = opaque;
    for (gsize i = 0; i < G_N_ELEMENTS(logLevels); i++) {
        if (strcmp(value, logLevels[i].name) == 0) {
            options->logLevel = logLevels[i].level;
            return TRUE;
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s '%s' is not one of error, warning, info, debug", option, value);
    return FALSE;
}

static gboolean parseTimeout(const char *option, const char *value, gpointer opaque, GError **err)
{
    DaemonOptions *options = opaque;
    guint64 seconds = 0;
    if (!g_ascii_string_to_unsigned(value, 10, 0, TIMEOUT_MAX, &seconds, NULL)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s '%s' is not a number of seconds up to %d", option, value, TIMEOUT_MAX);
        return FALSE;
    }
    options->timeoutSeconds = (int)seconds;
    return TRUE;
}

gboolean daemonOptionsParse(DaemonOptions *options, int argc, char **argv, GError **err)
{
    memset(options, 0, sizeof(*options));
    options->logLevel = G_LOG_LEVEL_WARNING;

    const GOptionEntry entries[] = {
        { "root", 'r', 0, G_OPTION_ARG_FILENAME, &options->root, NULL, NULL },
        { "listen", 'l', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->listen, NULL, NULL },
        { "timeout", 't', 0, G_OPTION_ARG_CALLBACK, parseTimeout, NULL, NULL },
        { "log-level", 0, 0, G_OPTION_ARG_CALLBACK, parseLogLevel, NULL, NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &options->showVersion, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &options->showHelp, NULL, NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("virtmemd", "", "", options, NULL);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_help_enabled(context, FALSE);

    g_autofree char **rest = g_new0(char *, (gsize)argc + 1);
    memcpy(rest, argv, (gsize)argc * sizeof(*rest));
    if (!g_option_context_parse(context, &argc, &rest, err))
        return FALSE;
    if (argc > 1) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "unexpected argument '%s'", rest[1]);
        return FALSE;
    }
    if (options->root && *options->root == '\0') {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--root '' is not a folder");
        return FALSE;
    }
    return TRUE;
}

void daemonOptionsClear(DaemonOptions *options)
{
    g_clear_pointer(&options->root, g_free);
    g_clear_pointer(&options->listen, g_strfreev);
}

const char *daemonOptionsHelp(void)
{
    return "usage: virtmemd [OPTION...]\n"
           "\n"
           "Runs QEMU guests from libvirt domain XML and serves libvirt's remote protocol.\n"
           "\n"
           "  -r, --root DIR          keep everything under DIR: sockets in DIR/run, and\n"
           "                          DIR/etc, DIR/lib, DIR/cache, DIR/log\n"
           "  -l, --listen PATH       serve clients on this UNIX socket too (repeatable)\n"
           "  -t, --timeout SECONDS   leave after this long without clients and guests\n"
           "      --log-level LEVEL   error, warning (default), info or debug\n"
           "  -V, --version           print the version\n"
           "  -h, --help              print this help\n"
           "\n"
           "Without --root: as root, the system daemon (/run/libvirt/virtmemd-sock, that is\n"
           "mem:///system); else the session daemon of the user ($XDG_RUNTIME_DIR/libvirt).\n";
}

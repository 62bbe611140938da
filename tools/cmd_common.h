/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd_common.h: options that many commands have, and the groups of commands */
#pragma once

#include "ctl.h"
#include "out_progress.h"

#define OPTION_DOMAIN \
    { .name = "domain", .kind = CMD_KIND_STRING, .flags = CMD_REQUIRED | CMD_POSITIONAL, .value = "DOMAIN", \
      .help = "a domain's name, ID or UUID", .complete = CMD_COMPLETE_DOMAIN }
#define OPTION_LIVE \
    { .name = "live", .help = "change the running guest" }
#define OPTION_CONFIG \
    { .name = "config", .help = "change what the guest starts with next time" }
#define OPTION_CURRENT \
    { .name = "current", .help = "the running guest, or if it is off its configuration (default)" }
#define OPTION_PERSISTENT \
    { .name = "persistent", .help = "the configuration, and the guest if it is running" }
#define OPTION_PRINT_XML \
    { .name = "print-xml", .help = "print the XML instead of sending it" }
#define OPTION_WAIT \
    { .name = "wait", .help = "wait until the guest has done it, and show how far it is" }
#define OPTION_TIMEOUT \
    { .name = "timeout", .kind = CMD_KIND_NUMBER, .value = "SECONDS", .min = 1, .max = 86400, \
      .help = "waiting ends after so long without progress (default: 30)" }
#define OPTION_FORMAT \
    { .name = "format", .kind = CMD_KIND_CHOICE, .value = "FORMAT", .choices = formatChoices, .help = "how to show it" }

extern const char *const formatChoices[];

/* The commands' functions, by file. */
extern const CmdDef balloonCommands[];      /* memcmd_balloon.c: setmem, memballoon */
extern const CmdDef detachCommands[];       /* memcmd_detach.c */
extern const CmdDef deviceCommands[];       /* memcmd_device.c: attach-... */
extern const CmdDef helpCommands[];         /* memcmd_help.c */
extern const CmdDef hostCommands[];         /* memcmd_host.c */
extern const CmdDef listCommands[];         /* memcmd_list.c: dommemlist, dommeminfo */
extern const CmdDef mapCommands[];          /* memcmd_map.c */
extern const CmdDef resizeCommands[];       /* memcmd_resize.c */
extern const CmdDef selfTestCommands[];     /* memcmd_selftest.c */
extern const CmdDef statCommands[];         /* memcmd_stat.c */
extern const CmdDef updateCommands[];       /* memcmd_update.c */

/* What the library's calls back are given while something runs. */
typedef struct {
    Ctl *ctl;
    Progress *progress;
} CommonRun;

/* How to wait or to run: signals, progress, time without progress, a new connection for one that is lost. @run outlives it. */
void commonRunOptions(const Cmd *cmd, CommonRun *run, virMemRunOptions *options);

/* Waits for device @alias or, if it is NULL, until the guest has @kib (0: until each virtio-mem device has what was
 * requested). @before: the guest before it was asked for that just now; NULL: it was asked at some other time. */
gboolean commonWait(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, const virMemInventory *before, const char *alias, guint64 kib,
                    GError **err);

/* @err from a result that is short of its goal. @what names what was to be done. Always FALSE. */
gboolean commonShort(GError **err, const char *what, const virMemResult *result);

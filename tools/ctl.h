/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ctl.h: what all commands share: connection, domain, which state to change, output, interruption */
#pragma once

#include "cmd.h"

#include <libvirt/libvirt-memory.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, virConnectClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemInventory, virMemInventoryFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemHost, virMemHostFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemPlan, virMemPlanFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemResult, virMemResultFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemStats, virMemStatsFree)

struct Ctl {
    const char *uri;            /* NULL: libvirt chooses; borrowed */
    gboolean readonly;
    gboolean quiet;
    gboolean events;            /* the command follows events */
    virConnectPtr conn;         /* opened by the first who needs it */
    virMemCancel *cancel;       /* set by SIGINT and SIGTERM once ctlCatchSignals() was called */
    const CmdGroup *groups;     /* all commands */
    const CmdOption *options;   /* of the program itself */
};

/* Closes what is open. */
void ctlClear(Ctl *ctl);

/* The connection, borrowed; NULL with @err (CMD_FAILED). */
virConnectPtr ctlConnect(Ctl *ctl, GError **err);
/* Another connection to the same place, the caller's; NULL if there is none. */
virConnectPtr ctlReconnect(const Ctl *ctl);

/* The domain of this name, ID or UUID, or the one in option "domain"; NULL with @err (CMD_FAILED). */
virDomainPtr ctlFindDomain(Ctl *ctl, const char *name, GError **err);
virDomainPtr ctlDomain(Ctl *ctl, const Cmd *cmd, GError **err);

/* --live, --config, --current, --persistent as VIR_DOMAIN_AFFECT_LIVE and _CONFIG: never 0 on success. CMD_FAILED
 * for live without a running guest or config of a transient one. */
gboolean ctlAffect(const Cmd *cmd, virDomainPtr dom, unsigned *flags, GError **err);

/* The inventory of what @affect (one flag of VIR_DOMAIN_AFFECT_*, or 0: live if it is running) means. */
virMemInventory *ctlInventory(virDomainPtr dom, unsigned affect, GError **err);

/* From now on libvirt's errors are ours to show: first thing in the program. */
void ctlTakeErrors(void);
/* @err from what a call of libvirt left behind: "@what: <libvirt's words>". Always FALSE. */
gboolean ctlLibvirtError(GError **err, const char *what, ...) G_GNUC_PRINTF(2, 3);
/* @err from an error of libvirt-memory. Always FALSE. */
gboolean ctlMemError(GError **err, const virMemError *error);

/* The exit status of an error of libvirt-memory (virMemErrorCode) and of a diagnosis (virMemDiagnosis). */
CmdStatus ctlErrorStatus(int code);
CmdStatus ctlDiagnosisStatus(int diagnosis);

/* A line for people on stdout; nothing with --quiet. */
void ctlSay(const Ctl *ctl, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* From now on SIGPIPE ends the program only if it is the output that nobody reads: first thing in the program. */
void ctlMindPipes(void);

/* From now on SIGINT and SIGTERM set ctl->cancel; the second one ends the program. */
gboolean ctlCatchSignals(Ctl *ctl, GError **err);

/* "--format json" */
gboolean ctlJson(const Cmd *cmd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watchdog_conf.h: <watchdog> */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    WATCHDOG_I6300ESB = 0,
    WATCHDOG_IB700,
    WATCHDOG_DIAG288,
    WATCHDOG_ITCO,                  /* part of the q35 chipset */

    WATCHDOG_LAST
} WatchdogModel;

MEM_ENUM_DECL(watchdogModel);

typedef enum {
    WATCHDOG_ACTION_RESET = 0,
    WATCHDOG_ACTION_SHUTDOWN,
    WATCHDOG_ACTION_POWEROFF,
    WATCHDOG_ACTION_PAUSE,
    WATCHDOG_ACTION_DUMP,
    WATCHDOG_ACTION_NONE,
    WATCHDOG_ACTION_INJECT_NMI,

    WATCHDOG_ACTION_LAST
} WatchdogAction;

MEM_ENUM_DECL(watchdogAction);

struct WatchdogDef {
    WatchdogModel model;
    WatchdogAction action;
    DeviceInfo info;
};

WatchdogDef *watchdogDefNew(void);
void watchdogDefFree(WatchdogDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WatchdogDef, watchdogDefFree)
/* @flags: DomainParseFlags. */
WatchdogDef *watchdogDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void watchdogDefFormat(MemXmlOut *out, const WatchdogDef *def, unsigned flags);
gboolean watchdogDefValidate(const WatchdogDef *def, const DomainDef *domain, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watchdog_conf.c: <watchdog> */
#include "conf/watchdog_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

MEM_ENUM_IMPL(watchdogModel, WATCHDOG_LAST, "i6300esb", "ib700", "diag288", "itco");
MEM_ENUM_IMPL(watchdogAction, WATCHDOG_ACTION_LAST, "reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi");

WatchdogDef *watchdogDefNew(void)
{
    return g_new0(WatchdogDef, 1);
}

void watchdogDefFree(WatchdogDef *def)
{
    if (!def)
        return;
    deviceInfoClear(&def->info);
    g_free(def);
}

WatchdogDef *watchdogDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "model", "action", NULL };
    static const char *const children[] = { "alias", "address", NULL };
    g_autoptr(WatchdogDef) def = watchdogDefNew();

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !deviceAttrModel(node, "model", watchdogModelFromString, DEVICE_ENUM(def->model), err) ||
        !memXmlAttrEnum(node, "action", FALSE, watchdogActionFromString, DEVICE_ENUM(def->action), err) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    return g_steal_pointer(&def);
}

void watchdogDefFormat(MemXmlOut *out, const WatchdogDef *def, unsigned flags)
{
    memXmlOutStart(out, "watchdog");
    memXmlOutAttr(out, "model", watchdogModelToString(def->model));
    memXmlOutAttr(out, "action", watchdogActionToString(def->action));
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

/* The address types that @model may have beside none at all. */
static gboolean addressFits(WatchdogModel model, DeviceAddressType type)
{
    switch (model) {
    case WATCHDOG_I6300ESB:
        return type == DEVICE_ADDRESS_PCI;
    case WATCHDOG_IB700:
        return type == DEVICE_ADDRESS_ISA;
    case WATCHDOG_DIAG288:
    case WATCHDOG_ITCO:
    case WATCHDOG_LAST:
        return FALSE;
    }
    return FALSE;
}

gboolean watchdogDefValidate(const WatchdogDef *def, const DomainDef *domain, GError **err)
{
    if (def->info.type != DEVICE_ADDRESS_NONE && !addressFits(def->model, def->info.type)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "watchdog model '%s' cannot have an address of type '%s'",
                    watchdogModelToString(def->model),
                    deviceAddressTypeToString(def->info.type));
        return FALSE;
    }
    if (def->model == WATCHDOG_DIAG288 && domain->arch != ARCH_S390X) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "watchdog model 'diag288' is only for 's390x', not '%s'",
                    archToString(domain->arch));
        return FALSE;
    }
    for (gsize i = 0; i < domain->nwatchdogs; i++) {
        if (domain->watchdogs[i]->action != def->action) {
            memErrorSet(err, VIR_ERR_XML_ERROR,
                        "watchdogs have actions '%s' and '%s': all must have the same",
                        watchdogActionToString(def->action), watchdogActionToString(domain->watchdogs[i]->action));
            return FALSE;
        }
    }
    return TRUE;
}

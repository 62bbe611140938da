/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_detach.c: detach-memory: takes memory devices away, shrinking first where the model needs it */
#include "cmd_common.h"

#include <string.h>

typedef struct {
    Ctl *ctl;
    const Cmd *cmd;
    virDomainPtr dom;
    unsigned affect;
} Detach;

static gboolean noDevice(const virMemInventory *inventory, const char *alias, const char *of, GError **err)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    g_autofree char *all = NULL;

    for (gsize i = 0; i < inventory->ndevices; i++) {
        if (inventory->devices[i]->alias)
            g_ptr_array_add(known, inventory->devices[i]->alias);
    }
    g_ptr_array_add(known, NULL);
    all = g_strjoinv(", ", (char **)known->pdata);
    if (known->len > 1)
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no memory device '%s'%s: it has %s", inventory->name, alias, of, all);
    else if (inventory->ndevices)
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no memory device '%s'%s: none of its devices has an alias there", inventory->name, alias, of);
    else
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no memory device '%s'%s: it has none", inventory->name, alias, of);
    return FALSE;
}

/* All aliases are looked for before anything is taken away. */
static gboolean findAll(const Detach *detach, unsigned state, const char *of, GError **err)
{
    g_autoptr(virMemInventory) inventory = ctlInventory(detach->dom, state, err);

    if (!inventory)
        return FALSE;
    for (char *const *alias = cmdTexts(detach->cmd, "alias"); *alias; alias++) {
        if (!virMemInventoryFind(inventory, *alias))
            return noDevice(inventory, *alias, of, err);
        for (char *const *earlier = cmdTexts(detach->cmd, "alias"); earlier < alias; earlier++) {
            if (strcmp(*earlier, *alias) == 0) {
                cmdErrorSet(err, CMD_USAGE, "command 'detach-memory': alias '%s' is given twice: give it once", *alias);
                return FALSE;
            }
        }
    }
    return TRUE;
}

static gboolean detachLive(const Detach *detach, const char *alias, GError **err)
{
    g_autoptr(Progress) progress = progressNew(detach->ctl, alias);
    g_autoptr(virMemResult) result = NULL;
    g_autofree char *what = g_strdup_printf("cannot detach '%s'", alias);
    CommonRun run = { detach->ctl, progress };
    virMemRunOptions options;
    virMemError error = { 0 };
    int code;

    commonRunOptions(detach->cmd, &run, &options);
    options.onFailure = cmdChoice(detach->cmd, "on-failure") == 1 ? VIR_MEM_ON_FAILURE_ROLLBACK : VIR_MEM_ON_FAILURE_KEEP;
    code = virMemDetach(detach->dom, alias, &options, &result, &error);
    g_clear_pointer(&progress, progressFree);
    if (code == VIR_MEM_OK)
        return TRUE;
    if (!result)
        return ctlMemError(err, &error);
    commonShort(err, what, result);
    /* It stays, but has given back all that it had. */
    if (result->reachedKib == 0 && result->fromKib > 0 && result->rolledBack <= 0 && result->diagnosis == VIR_MEM_DIAGNOSIS_REFUSED)
        (*err)->code = CMD_PARTLY;
    return FALSE;
}

static gboolean detachOne(const Detach *detach, const char *alias, GError **err)
{
    if (detach->affect & VIR_DOMAIN_AFFECT_LIVE) {
        if (!detachLive(detach, alias, err))
            return FALSE;
        ctlSay(detach->ctl, "Memory device '%s' detached", alias);
    }
    if (!(detach->affect & VIR_DOMAIN_AFFECT_CONFIG))
        return TRUE;
    if (virDomainDetachDeviceAlias(detach->dom, alias, VIR_DOMAIN_AFFECT_CONFIG) < 0) {
        ctlLibvirtError(err, "cannot take '%s' from the configuration of '%s'", alias, virDomainGetName(detach->dom));
        if (detach->affect & VIR_DOMAIN_AFFECT_LIVE)
            (*err)->code = CMD_PARTLY;
        return FALSE;
    }
    ctlSay(detach->ctl, "Memory device '%s' taken from the configuration of '%s'", alias, virDomainGetName(detach->dom));
    return TRUE;
}

static gboolean detachAll(const Detach *detach, GError **err)
{
    char *const *aliases = cmdTexts(detach->cmd, "alias");
    guint total = g_strv_length((char **)aliases);

    for (guint done = 0; done < total; done++) {
        if (detachOne(detach, aliases[done], err))
            continue;
        if (done) {
            g_prefix_error(err, "detached %u of %u: ", done, total);
            (*err)->code = CMD_PARTLY;
        }
        return FALSE;
    }
    return TRUE;
}

static const CmdInfo detachInfo = {
    .summary = "take memory devices away from a guest",
    .description = "Detaches each device named and waits until the guest has let it go. A virtio-mem device is shrunk to nothing first. A "
                   "guest that refuses keeps the device, and the reason is shown. The configuration knows only aliases of your own (ua-...).",
};

static const char *const onFailureChoices[] = { "keep", "rollback", NULL };

static const CmdOption detachOptions[] = {
    OPTION_DOMAIN,
    { .name = "alias", .kind = CMD_KIND_STRING, .flags = CMD_REQUIRED | CMD_POSITIONAL | CMD_MANY, .value = "ALIAS",
      .help = "alias of a memory device", .complete = CMD_COMPLETE_ALIAS },
    { .name = "on-failure", .kind = CMD_KIND_CHOICE, .value = "WHAT", .choices = onFailureChoices,
      .help = "what becomes of a device that shrank and cannot go, by default keep" },
    OPTION_PERSISTENT,
    OPTION_CONFIG,
    OPTION_LIVE,
    OPTION_CURRENT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdDetachMemory(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(virDomain) dom = ctlDomain(ctl, cmd, err);
    Detach detach = { ctl, cmd, dom, 0 };

    if (!dom || !ctlAffect(cmd, dom, &detach.affect, err) || !ctlCatchSignals(ctl, err))
        return FALSE;
    if (detach.affect & VIR_DOMAIN_AFFECT_LIVE && !findAll(&detach, VIR_DOMAIN_AFFECT_LIVE, "", err))
        return FALSE;
    if (detach.affect & VIR_DOMAIN_AFFECT_CONFIG && !findAll(&detach, VIR_DOMAIN_AFFECT_CONFIG, " in its configuration", err))
        return FALSE;
    return detachAll(&detach, err);
}

const CmdDef detachCommands[] = {
    { "detach-memory", &detachInfo, detachOptions, cmdDetachMemory, CMD_CHANGES | CMD_WAITS },
    { 0 }
};

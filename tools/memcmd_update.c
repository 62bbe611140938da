/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_update.c: update-memory-device: asks a guest to take more or less of a virtio-mem device */
#include "cmd_common.h"
#include "out_table.h"
#include "util/mem_xml.h"

#include <stdio.h>
#include <string.h>

static gboolean matches(const Cmd *cmd, const virMemDevice *device)
{
    const char *alias = cmdText(cmd, "alias");

    if (alias && g_strcmp0(alias, device->alias) != 0)
        return FALSE;
    if (cmdGiven(cmd, "node") && (int)cmdNumber(cmd, "node", 0) != device->node)
        return FALSE;
    return alias || device->model == VIR_MEM_MODEL_VIRTIO_MEM;
}

static const virMemDevice *choose(const Cmd *cmd, const virMemInventory *inventory, GError **err)
{
    const virMemDevice *found = NULL;
    const char *alias = cmdText(cmd, "alias");

    for (gsize i = 0; i < inventory->ndevices; i++) {
        if (!matches(cmd, inventory->devices[i]))
            continue;
        if (found) {
            cmdErrorSet(err, CMD_FAILED, "domain '%s' has several virtio-mem devices%s: choose one with '--alias', 'virsh-memory dommemlist' shows them",
                        inventory->name, cmdGiven(cmd, "node") ? " on that node" : "");
            return NULL;
        }
        found = inventory->devices[i];
    }
    if (!found && alias)
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no memory device '%s'%s%s: 'virsh-memory dommemlist' shows what it has", inventory->name, alias,
                    cmdGiven(cmd, "node") ? " on node " : "", cmdGiven(cmd, "node") ? cmdText(cmd, "node") : "");
    else if (!found)
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no virtio-mem device%s%s: 'virsh-memory attach-virtio-mem' adds one", inventory->name,
                    cmdGiven(cmd, "node") ? " on node " : "", cmdGiven(cmd, "node") ? cmdText(cmd, "node") : "");
    else if (found->model != VIR_MEM_MODEL_VIRTIO_MEM) {
        cmdErrorSet(err, CMD_FAILED, "memory device '%s' of domain '%s' is a '%s': only a virtio-mem device can change its size", found->alias,
                    inventory->name, virMemModelName(found->model));
        return NULL;
    }
    return found;
}

static gboolean checkSize(const virMemDevice *device, guint64 kib, GError **err)
{
    g_autofree char *asked = outKibExact(kib);
    g_autofree char *size = outKibExact(device->sizeKib);
    g_autofree char *block = outKibExact(device->blockKib);

    if (kib > device->sizeKib) {
        cmdErrorSet(err, CMD_FAILED, "option '--requested-size' is %s: it is at most the device's size, %s", asked, size);
        return FALSE;
    }
    if (device->blockKib && kib % device->blockKib) {
        g_autofree char *below = outKibExact(kib / device->blockKib * device->blockKib);
        g_autofree char *above = outKibExact((kib / device->blockKib + 1) * device->blockKib);
        cmdErrorSet(err, CMD_FAILED, "option '--requested-size' is %s: it must be a multiple of the block, %s, such as %s or %s", asked, block, below, above);
        return FALSE;
    }
    return TRUE;
}

/* The device's XML with another requested size. */
static char *changedXml(const virMemDevice *device, guint64 kib, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(device->xml, "memory", err);
    xmlNode *root = doc ? memXmlRoot(doc, "memory", err) : NULL;
    xmlNode *target = root ? memXmlChild(root, "target") : NULL;
    xmlNode *requested = target ? memXmlChild(target, "requested") : NULL;
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, kib);

    if (!root)
        return NULL;
    if (!requested) {
        cmdErrorSet(err, CMD_FAILED, "the XML of device '%s' has no '<requested>': libvirt gave '%s'", device->alias, device->xml);
        return NULL;
    }
    xmlNodeSetContent(requested, (const xmlChar *)number);
    xmlSetProp(requested, (const xmlChar *)"unit", (const xmlChar *)"KiB");
    return memXmlNodeText(root);
}

/* What was asked of the running guest. */
typedef struct {
    char *alias;                /* NULL: nothing yet */
    virMemInventory *before;
} Asked;

static void askedClear(Asked *asked)
{
    g_free(asked->alias);
    virMemInventoryFree(asked->before);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, askedClear)

/* One of the two definitions. */
static gboolean updateState(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, unsigned state, Asked *asked, GError **err)
{
    guint64 kib = cmdNumber(cmd, "requested-size", 0);
    g_autoptr(virMemInventory) inventory = ctlInventory(dom, state, err);
    const virMemDevice *device = inventory ? choose(cmd, inventory, err) : NULL;
    g_autofree char *size = outKibExact(kib);
    g_autofree char *xml = NULL;

    if (!device || !checkSize(device, kib, err))
        return FALSE;
    xml = changedXml(device, kib, err);
    if (!xml)
        return FALSE;
    if (cmdGiven(cmd, "print-xml")) {
        g_autofree char *shown = outDedent(xml);
        puts(shown);
        return TRUE;
    }
    if (virDomainUpdateDeviceFlags(dom, xml, state) < 0)
        return ctlLibvirtError(err, "cannot change memory device '%s' of domain '%s'", device->alias ? device->alias : "-", inventory->name);
    if (state == VIR_DOMAIN_AFFECT_CONFIG) {
        ctlSay(ctl, "Memory device in the configuration of '%s' changed to %s", inventory->name, size);
        return TRUE;
    }
    asked->alias = g_strdup(device->alias);
    asked->before = g_steal_pointer(&inventory);
    ctlSay(ctl, "Memory device '%s' asked for %s", asked->alias, size);
    return TRUE;
}

static const CmdInfo updateInfo = {
    .summary = "change how much of a virtio-mem device a guest shall take",
    .description = "Sets the requested size of a virtio-mem device. The guest then takes or gives back memory by itself, block by block; "
                   "--wait shows it and ends when it is done.",
};

static const CmdOption updateOptions[] = {
    OPTION_DOMAIN,
    { .name = "alias", .kind = CMD_KIND_STRING, .value = "ALIAS", .help = "which device", .complete = CMD_COMPLETE_ALIAS },
    { .name = "node", .kind = CMD_KIND_NUMBER, .value = "NODE", .max = 16383, .help = "the device on this guest NUMA node" },
    { .name = "requested-size", .kind = CMD_KIND_SIZE, .flags = CMD_REQUIRED, .value = "SIZE", .help = "what the guest shall take" },
    OPTION_CONFIG,
    OPTION_LIVE,
    OPTION_CURRENT,
    OPTION_PRINT_XML,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdUpdateMemoryDevice(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(virDomain) dom = ctlDomain(ctl, cmd, err);
    g_auto(Asked) asked = { 0 };
    unsigned affect = 0;

    if (!dom || !ctlAffect(cmd, dom, &affect, err))
        return FALSE;
    /* libvirt cannot change both at once: a device without an alias of its own is not the same to it in both. */
    if (affect & VIR_DOMAIN_AFFECT_LIVE && !updateState(ctl, cmd, dom, VIR_DOMAIN_AFFECT_LIVE, &asked, err))
        return FALSE;
    if (affect & VIR_DOMAIN_AFFECT_CONFIG && !updateState(ctl, cmd, dom, VIR_DOMAIN_AFFECT_CONFIG, &asked, err)) {
        if (asked.alias) {
            g_prefix_error(err, "the running guest was asked, its configuration is not changed: ");
            (*err)->code = CMD_PARTLY;
        }
        return FALSE;
    }
    return !asked.alias || !cmdGiven(cmd, "wait") || commonWait(ctl, cmd, dom, asked.before, asked.alias, 0, err);
}

const CmdDef updateCommands[] = {
    { "update-memory-device", &updateInfo, updateOptions, cmdUpdateMemoryDevice, CMD_CHANGES | CMD_WAITS },
    { 0 }
};

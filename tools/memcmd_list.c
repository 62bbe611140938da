/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_list.c: dommemlist, dommeminfo: what memory a guest has, as tables */
#include "cmd_common.h"
#include "out_table.h"

#include <stdio.h>
#include <string.h>

/* ---- dommemlist ---- */

static const TableColumn deviceColumns[] = {
    { "Alias", "alias", FALSE },
    { "Model", "model", FALSE },
    { "Node", "node", TRUE },
    { "Size", "sizeKib", TRUE },
    { "Requested", "requestedKib", TRUE },
    { "Current", "currentKib", TRUE },
    { "Block", "blockKib", TRUE },
    { "Slot", "slot", TRUE },
    { "Address", "address", FALSE },
    { "Page", "pageKib", TRUE },
    { NULL, "hostNodes", FALSE },
    { NULL, "labelKib", TRUE },
    { NULL, "path", FALSE },
    { NULL, "readonly", FALSE },
    { 0 }
};

static void addAddress(Table *table, const virMemDevice *device)
{
    g_autofree char *base = NULL;

    if (device->base != VIR_MEM_UNKNOWN)
        base = g_strdup_printf("0x%llx", device->base);
    tableText(table, base ? base : device->address);
}

/* The host's default huge page has no number here. */
static void addPage(Table *table, guint64 pageKib)
{
    if (pageKib == VIR_MEM_UNKNOWN)
        tableCell(table, "huge", NULL);
    else
        tableKib(table, pageKib);
}

static Table *deviceTable(const virMemInventory *inventory)
{
    Table *table = tableNew(deviceColumns);

    for (gsize i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        tableText(table, device->alias);
        tableText(table, virMemModelName(device->model));
        tableNumber(table, device->node);
        tableKib(table, device->sizeKib);
        tableKib(table, device->requestedKib);
        tableKib(table, device->current.kib);
        tableKib(table, device->blockKib ? device->blockKib : VIR_MEM_UNKNOWN);
        tableNumber(table, device->slot);
        addAddress(table, device);
        addPage(table, device->pageKib);
        tableText(table, device->hostNodes);
        tableKib(table, device->labelKib ? device->labelKib : VIR_MEM_UNKNOWN);
        tableText(table, device->path);
        tableBool(table, device->readonly);
    }
    return table;
}

/* --live, --config, --current as a flag of ctlInventory(); both is not offered. */
static gboolean inventoryAsked(Ctl *ctl, const Cmd *cmd, virMemInventory **inventory, GError **err)
{
    g_autoptr(virDomain) dom = ctlDomain(ctl, cmd, err);
    unsigned affect = 0;

    if (!dom)
        return FALSE;
    if (cmdGiven(cmd, "live") && cmdGiven(cmd, "config")) {
        cmdErrorSet(err, CMD_USAGE, "command '%s': options '--live' and '--config' exclude each other: one is shown", cmdDef(cmd)->name);
        return FALSE;
    }
    if ((cmdGiven(cmd, "live") || cmdGiven(cmd, "config")) && !ctlAffect(cmd, dom, &affect, err))
        return FALSE;
    *inventory = ctlInventory(dom, affect, err);
    return *inventory != NULL;
}

static const CmdInfo listInfo = {
    .summary = "list a guest's memory devices",
    .description = "A line for each memory device: its size, and for virtio-mem what is requested and what the guest has taken. A guest "
                   "that is off has no current figures.",
};

static const CmdOption listOptions[] = {
    OPTION_DOMAIN,
    { .name = "live", .help = "of the running guest" },
    { .name = "config", .help = "of what the guest starts with next time" },
    OPTION_CURRENT,
    OPTION_FORMAT,
    { 0 }
};

static gboolean cmdDommemlist(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(virMemInventory) inventory = NULL;
    g_autoptr(Table) table = NULL;
    g_autofree char *text = NULL;
    MemJson *document;

    if (!inventoryAsked(ctl, cmd, &inventory, err))
        return FALSE;
    table = deviceTable(inventory);
    if (!ctlJson(cmd)) {
        text = tableFormat(table);
        fputs(text, stdout);
        return TRUE;
    }
    document = memJsonNew();
    memJsonAddString(document, "domain", inventory->name);
    memJsonAddBool(document, "running", inventory->running);
    memJsonAdd(document, "devices", tableJson(table));
    outPrintJson(document);
    return TRUE;
}

/* ---- dommeminfo ---- */

static const TableColumn figureColumns[] = {
    { "Figure", "name", FALSE },
    { "Value", "kib", TRUE },
    { "Age", "ageMs", TRUE },
    { "Meaning", NULL, FALSE },
    { 0 }
};

static void addFigure(Table *table, const char *name, guint64 kib, gint64 ageMs, const char *meaning)
{
    g_autofree char *age = ageMs < 0 ? NULL : outAge(ageMs);

    tableText(table, name);
    tableKib(table, kib);
    tableCell(table, age, ageMs < 0 ? NULL : json_object_new_int64(ageMs));
    tableText(table, meaning);
}

static Table *figureTable(const virMemInventory *inventory)
{
    const struct {
        const char *name;
        virMemFigure figure;
        const char *meaning;
    } rows[] = {
        { "boot", { inventory->bootKib, -1 }, "from the start, on all nodes" },
        { "promised", { inventory->totalKib, -1 }, "boot memory and all devices at full size" },
        { "maximum", { inventory->maxKib ? inventory->maxKib : VIR_MEM_UNKNOWN, -1 }, "that devices can bring it to" },
        { "current", inventory->current, "the guest has, balloon and virtio-mem counted" },
        { "balloon-actual", inventory->balloonActual, "boot memory and DIMMs less what the balloon holds" },
        { "balloon-top", { inventory->balloonTopKib, -1 }, "the same with an empty balloon" },
        { "guest-total", inventory->guestTotal, "the guest sees" },
        { "guest-available", inventory->guestAvailable, "the guest could use at once" },
        { "guest-unused", inventory->guestUnused, "lies idle in the guest" },
        { "guest-caches", inventory->guestCaches, "of files, in the guest" },
        { "resident", inventory->resident, "of the host's memory, taken by its QEMU" },
    };
    Table *table = tableNew(figureColumns);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        addFigure(table, rows[i].name, rows[i].figure.kib, rows[i].figure.ageMs, rows[i].meaning);
    return table;
}

static const TableColumn nodeColumns[] = {
    { "Node", "node", TRUE },
    { "Boot", "bootKib", TRUE },
    { "Plugged", "pluggedKib", TRUE },
    { "Could have", "mostKib", TRUE },
    { "vCPUs", "vcpus", TRUE },
    { "Page", "pageKib", TRUE },
    { "Host nodes", "hostNodes", FALSE },
    { 0 }
};

static Table *nodeTable(const virMemInventory *inventory)
{
    Table *table = tableNew(nodeColumns);

    for (gsize i = 0; i < inventory->nnodes; i++) {
        const virMemNode *node = inventory->nodes[i];
        guint64 plugged = 0, most = node->bootKib;
        for (gsize j = 0; j < inventory->ndevices; j++) {
            const virMemDevice *device = inventory->devices[j];
            gboolean ram = device->model == VIR_MEM_MODEL_DIMM || device->model == VIR_MEM_MODEL_VIRTIO_MEM;
            if (!ram || (device->node != node->id && !(device->node < 0 && i == 0)))
                continue;
            plugged += device->current.kib == VIR_MEM_UNKNOWN ? 0 : device->current.kib;
            most += device->sizeKib;
        }
        tableNumber(table, node->id);
        tableKib(table, node->bootKib);
        tableKib(table, plugged);
        tableKib(table, most);
        tableNumber(table, node->vcpus);
        addPage(table, node->pageKib);
        tableText(table, node->hostNodes);
    }
    return table;
}

static MemJson *tristate(int value)
{
    return value < 0 ? NULL : json_object_new_boolean(value);
}

static void printInfoJson(const virMemInventory *inventory, const Table *figures, const Table *nodes)
{
    MemJson *document = memJsonNew();
    MemJson *balloon = memJsonNew();

    memJsonAddString(document, "domain", inventory->name);
    memJsonAddString(document, "uuid", inventory->uuid);
    memJsonAddBool(document, "running", inventory->running);
    memJsonAddString(document, "arch", inventory->arch);
    memJsonAddUint64(document, "slots", inventory->slots);
    memJsonAddUint64(document, "slotsUsed", inventory->slotsUsed);
    memJsonAddBool(document, "locked", inventory->locked);
    memJsonAddString(balloon, "model", inventory->balloonModel);
    memJsonAddInt(balloon, "periodSeconds", inventory->balloonPeriod);
    json_object_object_add(balloon, "autodeflate", tristate(inventory->balloonAutodeflate));
    json_object_object_add(balloon, "freePageReporting", tristate(inventory->balloonFreePageReporting));
    memJsonAdd(document, "balloon", balloon);
    memJsonAdd(document, "figures", tableJson(figures));
    memJsonAdd(document, "nodes", tableJson(nodes));
    outPrintJson(document);
}

static const char *onOff(int value)
{
    return value < 0 ? "not given" : value ? "on" : "off";
}

static void printInfoTables(const virMemInventory *inventory, const Table *figures, const Table *nodes)
{
    g_autofree char *first = tableFormat(figures);
    g_autofree char *second = tableFormat(nodes);

    printf(" %s: %s, %s", inventory->name, inventory->arch,
           inventory->running ? "running" : inventory->state == VIR_DOMAIN_SHUTOFF ? "off" : "as it starts next time");
    if (inventory->slots)
        printf(", %u of %u slots used", inventory->slotsUsed, inventory->slots);
    printf("%s\n Balloon: %s", inventory->locked ? ", memory locked" : "", inventory->balloonModel);
    if (strcmp(inventory->balloonModel, "none") != 0)
        printf(", statistics every %d s, autodeflate %s, free page reporting %s", inventory->balloonPeriod, onOff(inventory->balloonAutodeflate),
               onOff(inventory->balloonFreePageReporting));
    printf("\n\n%s\n%s", first, second);
}

static const CmdInfo infoInfo = {
    .summary = "show what memory a guest has, and what it reports itself",
    .description = "All figures of a guest with their age: what it was promised, what it has, what it says of itself and what the host "
                   "spends on it; then its memory by NUMA node.",
};

static gboolean cmdDommeminfo(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(virMemInventory) inventory = NULL;
    g_autoptr(Table) figures = NULL;
    g_autoptr(Table) nodes = NULL;

    if (!inventoryAsked(ctl, cmd, &inventory, err))
        return FALSE;
    figures = figureTable(inventory);
    nodes = nodeTable(inventory);
    if (ctlJson(cmd))
        printInfoJson(inventory, figures, nodes);
    else
        printInfoTables(inventory, figures, nodes);
    return TRUE;
}

const CmdDef listCommands[] = {
    { "dommemlist", &listInfo, listOptions, cmdDommemlist, 0 },
    { "dommeminfo", &infoInfo, listOptions, cmdDommeminfo, 0 },
    { 0 }
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_host.c: hostmem: the host's memory by node, its huge pages and whose they are, page merging */
#include "cmd_common.h"
#include "out_table.h"

#include <stdio.h>
#include <stdlib.h>

/* A guest's use of one size of huge pages, for one host node or, unbound, for any. */
typedef struct {
    char *guest;
    guint64 pageKib;
    char *hostNodes;            /* NULL: any */
    guint64 kib;
} Use;

static void clearUse(gpointer data)
{
    Use *use = data;

    g_free(use->guest);
    g_free(use->hostNodes);
}

static void addUse(GArray *uses, const virMemHost *host, const char *guest, guint64 pageKib, const char *hostNodes, guint64 kib)
{
    guint64 size = pageKib == VIR_MEM_UNKNOWN ? host->hugeKib : pageKib;
    Use use;

    if (!kib || kib == VIR_MEM_UNKNOWN || size <= host->pageKib)
        return;
    for (guint i = 0; i < uses->len; i++) {
        Use *have = &g_array_index(uses, Use, i);
        if (g_str_equal(have->guest, guest) && have->pageKib == size && g_strcmp0(have->hostNodes, hostNodes) == 0) {
            have->kib += kib;
            return;
        }
    }
    use = (Use){ g_strdup(guest), size, g_strdup(hostNodes), kib };
    g_array_append_val(uses, use);
}

static void addGuest(GArray *uses, const virMemHost *host, virDomainPtr dom)
{
    g_autoptr(virMemInventory) inventory = ctlInventory(dom, VIR_DOMAIN_AFFECT_LIVE, NULL);

    /* It may have ended since it was listed. */
    if (!inventory)
        return;
    for (gsize i = 0; i < inventory->nnodes; i++)
        addUse(uses, host, inventory->name, inventory->nodes[i]->pageKib, inventory->nodes[i]->hostNodes, inventory->nodes[i]->bootKib);
    for (gsize i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_DIMM || device->model == VIR_MEM_MODEL_VIRTIO_MEM)
            addUse(uses, host, inventory->name, device->pageKib, device->hostNodes, device->current.kib);
    }
}

static GArray *findUses(virConnectPtr conn, const virMemHost *host, GError **err)
{
    g_autoptr(GArray) uses = g_array_new(FALSE, FALSE, sizeof(Use));
    virDomainPtr *doms = NULL;
    int count = virConnectListAllDomains(conn, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

    g_array_set_clear_func(uses, clearUse);
    if (count < 0) {
        ctlLibvirtError(err, "cannot list the running domains");
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        addGuest(uses, host, doms[i]);
        virDomainFree(doms[i]);
    }
    free(doms);
    return g_steal_pointer(&uses);
}

static const TableColumn hostColumns[] = {
    { "Node", "node", TRUE },
    { "Memory", "totalKib", TRUE },
    { "Free", "freeKib", TRUE },
    { "Page", "pageKib", TRUE },
    { "Pages", "pages", TRUE },
    { "Pages free", "pagesFree", TRUE },
    { 0 }
};

static void pages(Table *table, guint64 count)
{
    tableNumber(table, count == VIR_MEM_UNKNOWN ? -1 : (gint64)count);
}

static Table *nodeTable(const virMemHost *host)
{
    Table *table = tableNew(hostColumns);

    for (gsize i = 0; i < host->nnodes; i++) {
        const virMemHostNode *node = host->nodes[i];
        for (gsize j = 0; j < node->npages; j++) {
            tableNumber(table, node->id);
            tableKib(table, node->totalKib);
            tableKib(table, node->freeKib);
            tableKib(table, node->pages[j].sizeKib);
            pages(table, node->pages[j].total);
            pages(table, node->pages[j].free);
        }
    }
    return table;
}

static const TableColumn useColumns[] = {
    { "Page", "pageKib", TRUE },
    { "Guest", "guest", FALSE },
    { "Host nodes", "hostNodes", FALSE },
    { "Memory", "kib", TRUE },
    { "Pages", "pages", TRUE },
    { 0 }
};

static Table *useTable(const GArray *uses)
{
    Table *table = tableNew(useColumns);

    for (guint i = 0; i < uses->len; i++) {
        const Use *use = &g_array_index(uses, Use, i);
        tableKib(table, use->pageKib);
        tableText(table, use->guest);
        tableCell(table, use->hostNodes ? use->hostNodes : "any", use->hostNodes ? json_object_new_string(use->hostNodes) : NULL);
        tableKib(table, use->kib);
        tableNumber(table, (gint64)(use->kib / use->pageKib));
    }
    return table;
}

static void printJson(const virMemHost *host, const Table *nodes, const Table *owners)
{
    MemJson *document = memJsonNew();
    MemJson *ksm = memJsonNew();

    outAddKib(document, "availableKib", host->availableKib);
    memJsonAdd(document, "nodes", tableJson(nodes));
    memJsonAdd(document, "hugePageOwners", tableJson(owners));
    json_object_object_add(ksm, "merging", host->ksm < 0 ? NULL : json_object_new_boolean(host->ksm));
    outAddKib(ksm, "pagesShared", host->ksmShared);
    outAddKib(ksm, "pagesSharing", host->ksmSharing);
    memJsonAdd(document, "ksm", ksm);
    outPrintJson(document);
}

static void printTables(const virMemHost *host, const Table *nodes, const Table *owners)
{
    g_autofree char *text = tableFormat(nodes);
    g_autofree char *owned = tableRows(owners) ? tableFormat(owners) : g_strdup(" No running guest has huge pages.\n");
    g_autofree char *available = outKib(host->availableKib);
    g_autofree char *saved = outKib(host->ksmSharing == VIR_MEM_UNKNOWN ? VIR_MEM_UNKNOWN : host->ksmSharing * host->pageKib);

    printf("%s\n%s\n Available with caches dropped: %s\n", text, owned, available);
    if (host->ksm < 0 || host->ksmSharing == VIR_MEM_UNKNOWN)
        puts(" Merging of equal pages (KSM): not told by this connection");
    else if (!host->ksmShared)
        puts(" Merging of equal pages (KSM): none is merged");
    else
        printf(" Merging of equal pages (KSM): %llu stand for %llu, which saves %s\n", host->ksmShared, host->ksmShared + host->ksmSharing, saved);
}

static const CmdInfo hostInfo = {
    .summary = "show the host's memory, huge pages and their owners",
    .description = "For each node of the host and each page size: what there is and what is free. Then which running guests have huge "
                   "pages, and what merging equal pages (KSM) saves.",
};

static const CmdOption hostOptions[] = {
    OPTION_FORMAT,
    { 0 }
};

static gboolean cmdHostmem(Ctl *ctl, const Cmd *cmd, GError **err)
{
    virConnectPtr conn = ctlConnect(ctl, err);
    g_autoptr(virMemHost) host = NULL;
    g_autoptr(GArray) uses = NULL;
    g_autoptr(Table) nodes = NULL;
    g_autoptr(Table) owners = NULL;
    virMemError error = { 0 };

    if (!conn)
        return FALSE;
    if (virMemGetHost(conn, &host, &error) < 0)
        return ctlMemError(err, &error);
    uses = findUses(conn, host, err);
    if (!uses)
        return FALSE;
    nodes = nodeTable(host);
    owners = useTable(uses);
    if (ctlJson(cmd))
        printJson(host, nodes, owners);
    else
        printTables(host, nodes, owners);
    return TRUE;
}

const CmdDef hostCommands[] = {
    { "hostmem", &hostInfo, hostOptions, cmdHostmem, 0 },
    { 0 }
};

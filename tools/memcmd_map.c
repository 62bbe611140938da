/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_map.c: dommemmap: a picture of a guest's physical memory, in the terminal and as SVG */
#include "cmd_common.h"
#include "map_model.h"
#include "map_svg.h"
#include "out_table.h"
#include "util/mem_xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define STRIP_MOST 120

/* How each kind looks in a terminal. */
static const struct {
    const char *colour, *fine, *coarse;
} looks[] = {
    [MAP_BOOT] = { "\033[34m", "█", "#" },
    [MAP_DIMM] = { "\033[32m", "▓", "D" },
    [MAP_NVDIMM] = { "\033[35m", "▓", "N" },
    [MAP_VIRTIO_MEM] = { "\033[33m", "▒", "V" },
    [MAP_VIRTIO_MEM_UNPLUGGED] = { "\033[33m", "░", "v" },
    [MAP_VIRTIO_PMEM] = { "\033[35m", "▒", "P" },
    [MAP_SGX_EPC] = { "\033[31m", "▓", "X" },
    [MAP_HOLE] = { "\033[2m", "╱", "/" },
    [MAP_ROOM] = { "\033[2m", "·", "." },
};
G_STATIC_ASSERT(G_N_ELEMENTS(looks) == MAP_KIND_LAST);

static const TableColumn partColumns[] = {
    { "", NULL, FALSE },
    { "Addresses", "addresses", FALSE },
    { NULL, "start", TRUE },
    { NULL, "bytes", TRUE },
    { "Size", NULL, TRUE },
    { "Node", "node", TRUE },
    { "Page", "pageKib", TRUE },
    { "What", "kind", FALSE },
    { "Alias", "alias", FALSE },
    { NULL, "estimated", FALSE },
    { 0 }
};

static Table *partTable(const Map *map)
{
    Table *table = tableNew(partColumns);
    gboolean fine = outUtf8();

    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        g_autofree char *range = mapRange(part);
        g_autofree char *about = g_strdup_printf("%s%s", part->estimated ? "~" : " ", range);
        g_autofree char *size = outKib(part->bytes / 1024);
        g_autofree char *page = mapPage(part);
        tableText(table, fine ? looks[part->kind].fine : looks[part->kind].coarse);
        tableCell(table, about, json_object_new_string(range));
        tableCell(table, NULL, json_object_new_uint64(part->start));
        tableCell(table, NULL, json_object_new_uint64(part->bytes));
        tableText(table, size);
        tableNumber(table, part->node);
        tableCell(table, page, part->pageKib && part->pageKib != VIR_MEM_UNKNOWN ? json_object_new_uint64(part->pageKib) : NULL);
        tableCell(table, mapKindText(part->kind), json_object_new_string(mapKindName(part->kind)));
        tableText(table, part->alias);
        tableBool(table, part->estimated);
    }
    return table;
}

/* The cell in which a part ends, at least one after @begin. */
static gsize endCell(const MapPart *part, gsize begin, gsize width)
{
    return MAX((gsize)((part->x + part->width) * (double)width + 0.5), begin + 1);
}

static void appendStrip(GString *out, const Map *map, gsize width, gboolean colours)
{
    gsize cell = 0;

    g_string_append_c(out, ' ');
    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        gsize end = endCell(part, cell, width);
        if (colours)
            g_string_append(out, looks[part->kind].colour);
        for (; cell < end; cell++)
            g_string_append(out, outUtf8() ? looks[part->kind].fine : looks[part->kind].coarse);
        if (colours)
            g_string_append(out, "\033[0m");
    }
    g_string_append_c(out, '\n');
}

/* The node of each part under its middle. */
static void appendNodes(GString *out, const Map *map, gsize width)
{
    gsize cell = 0, written = 0, line = out->len;

    g_string_append_c(out, ' ');
    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        gsize end = endCell(part, cell, width), middle = (cell + end - 1) / 2;
        if (part->node >= 0) {
            for (; written < middle; written++)
                g_string_append_c(out, ' ');
            g_string_append_printf(out, "%d", part->node);
            written = out->len - line - 1;
        }
        cell = end;
    }
    if (written)
        g_string_append(out, "   guest NUMA nodes\n");
    else
        g_string_truncate(out, line);
}

static char *subtitle(const virMemInventory *inventory)
{
    g_autofree char *current = outKib(inventory->current.kib);
    g_autofree char *most = outKib(inventory->maxKib ? inventory->maxKib : inventory->totalKib);

    return g_strdup_printf("%s, %s, has %s and can have %s", inventory->arch, inventory->running ? "running" : "off", current, most);
}

static void printPicture(Map *map, const virMemInventory *inventory)
{
    g_autoptr(Table) table = partTable(map);
    g_autofree char *list = tableFormat(table);
    g_autofree char *below = subtitle(inventory);
    GString *out = g_string_new(NULL);
    int columns, lines;
    gsize width;

    outTerminal(&columns, &lines);
    width = MIN((gsize)MAX(columns - 2, 20), STRIP_MOST);
    mapLayout(map, 0.03, 0.03);
    g_string_append_printf(out, " %s: %s\n\n", map->title, below);
    appendStrip(out, map, width, outColours());
    appendStrip(out, map, width, outColours());
    appendNodes(out, map, width);
    g_string_append_printf(out, "\n%s", list);
    for (guint i = 0; i < map->parts->len; i++) {
        if (!g_array_index(map->parts, MapPart, i).estimated)
            continue;
        g_string_append(out, "\n ~ estimated: libvirt does not tell this address\n");
        break;
    }
    fputs(out->str, stdout);
    g_string_free(out, TRUE);
}

static void printJson(const Map *map)
{
    g_autoptr(Table) table = partTable(map);
    MemJson *document = memJsonNew();

    memJsonAddString(document, "domain", map->title);
    memJsonAdd(document, "parts", tableJson(table));
    outPrintJson(document);
}

static gboolean writeSvg(const Ctl *ctl, const char *path, Map *map, const virMemInventory *inventory, GError **err)
{
    g_autofree char *below = subtitle(inventory);
    g_autofree char *svg = mapSvg(map, below);
    FILE *file;
    gboolean ok;

    if (g_str_equal(path, "-")) {
        fputs(svg, stdout);
        return TRUE;
    }
    file = fopen(path, "we");
    ok = file && fputs(svg, file) >= 0;
    if (file && fclose(file) != 0)
        ok = FALSE;
    if (!ok) {
        cmdErrorSet(err, CMD_FAILED, "option '--svg' is '%s': cannot write it: %s", path, g_strerror(errno));
        return FALSE;
    }
    ctlSay(ctl, "Picture written to '%s'", path);
    return TRUE;
}

/* The machine type of the domain, or NULL: the picture is then drawn for the usual one. */
static char *machineOf(virDomainPtr dom, const virMemInventory *inventory)
{
    char *xml = virDomainGetXMLDesc(dom, inventory->running ? 0 : VIR_DOMAIN_XML_INACTIVE);
    g_autoptr(xmlDoc) doc = xml ? memXmlParse(xml, "domain", NULL) : NULL;
    xmlNode *root = doc ? memXmlRoot(doc, "domain", NULL) : NULL;
    xmlNode *os = root ? memXmlChild(root, "os") : NULL;
    xmlNode *type = os ? memXmlChild(os, "type") : NULL;

    free(xml);
    return type ? memXmlAttr(type, "machine") : NULL;
}

static const CmdInfo mapInfo = {
    .summary = "draw a guest's physical memory",
    .description = "Shows where boot memory, holes, DIMMs and virtio devices lie in the guest's address space, with their NUMA nodes and the "
                   "host's pages behind them. Memory is drawn in proportion, holes and free room are not. libvirt tells the addresses of DIMMs "
                   "alone; those of other devices are where QEMU puts them and are marked.",
};

static const CmdOption mapOptions[] = {
    OPTION_DOMAIN,
    { .name = "svg", .kind = CMD_KIND_STRING, .value = "FILE", .help = "write an SVG picture instead (-: to stdout)", .complete = CMD_COMPLETE_FILE },
    OPTION_FORMAT,
    { 0 }
};

static gboolean cmdDommemmap(Ctl *ctl, const Cmd *cmd, GError **err)
{
    g_autoptr(virDomain) dom = ctlDomain(ctl, cmd, err);
    g_autoptr(virMemInventory) inventory = dom ? ctlInventory(dom, 0, err) : NULL;
    g_autofree char *machine = inventory ? machineOf(dom, inventory) : NULL;
    g_autoptr(Map) map = inventory ? mapNew(inventory, machine) : NULL;

    if (!map)
        return FALSE;
    if (cmdGiven(cmd, "svg"))
        return writeSvg(ctl, cmdText(cmd, "svg"), map, inventory, err);
    if (ctlJson(cmd))
        printJson(map);
    else
        printPicture(map, inventory);
    return TRUE;
}

const CmdDef mapCommands[] = {
    { "dommemmap", &mapInfo, mapOptions, cmdDommemmap, 0 },
    { 0 }
};

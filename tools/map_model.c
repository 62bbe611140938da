/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map_model.c: where a guest's memory lies in its physical address space */

/* libvirt tells where a DIMM of a running guest is, and nothing else. The rest follows from what QEMU's machines do: boot
 * memory fills the space below the hole for PCI and goes on at 4 GiB (x86), or lies in one piece; the area for devices begins
 * at the next GiB after it; a device without an address goes where it fits first. */
#include "map_model.h"

#include "out_table.h"

#include <string.h>

#define GIB (G_GUINT64_CONSTANT(1) << 30)
#define MIB (G_GUINT64_CONSTANT(1) << 20)

static const struct {
    const char *name, *text;
} kinds[] = {
    [MAP_BOOT] = { "boot", "boot memory" },
    [MAP_DIMM] = { "dimm", "DIMM" },
    [MAP_NVDIMM] = { "nvdimm", "NVDIMM" },
    [MAP_VIRTIO_MEM] = { "virtio-mem", "virtio-mem, plugged" },
    [MAP_VIRTIO_MEM_UNPLUGGED] = { "virtio-mem-unplugged", "virtio-mem, unplugged" },
    [MAP_VIRTIO_PMEM] = { "virtio-pmem", "virtio-pmem" },
    [MAP_SGX_EPC] = { "sgx-epc", "SGX enclave memory" },
    [MAP_HOLE] = { "hole", "hole" },
    [MAP_ROOM] = { "room", "room for devices" },
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == MAP_KIND_LAST);

const char *mapKindName(MapKind kind)
{
    return kinds[kind].name;
}

const char *mapKindText(MapKind kind)
{
    return kinds[kind].text;
}

/* ---- parts ---- */

static guint64 roundUp(guint64 value, guint64 step)
{
    return (value + step - 1) / step * step;
}

static void clearPart(gpointer data)
{
    MapPart *part = data;

    g_free(part->alias);
}

static MapPart *addPart(Map *map, MapKind kind, guint64 start, guint64 bytes)
{
    MapPart part = { .kind = kind, .start = start, .bytes = bytes, .node = -1 };

    g_array_append_val(map->parts, part);
    return &g_array_index(map->parts, MapPart, map->parts->len - 1);
}

static gint byAddress(gconstpointer a, gconstpointer b)
{
    const MapPart *first = a, *second = b;

    return first->start < second->start ? -1 : first->start > second->start;
}

/* ---- boot memory ---- */

typedef struct {
    guint64 start, below, above;    /* below: bytes before the hole; above: where it goes on */
} Platform;

static Platform platformOf(const virMemInventory *inventory, const char *machine)
{
    guint64 boot = inventory->bootKib * 1024;
    gboolean i440fx = machine && (g_str_has_prefix(machine, "pc-i440fx") || strcmp(machine, "pc") == 0);

    if (strcmp(inventory->arch, "x86_64") == 0 || strcmp(inventory->arch, "i686") == 0) {
        if (machine && strcmp(machine, "microvm") == 0)
            return (Platform){ 0, 3 * GIB, 4 * GIB };
        if (i440fx)
            return (Platform){ 0, boot >= 3584 * MIB ? 3 * GIB : 3584 * MIB, 4 * GIB };
        return (Platform){ 0, boot >= 2816 * MIB ? 2 * GIB : 2816 * MIB, 4 * GIB };
    }
    if (strcmp(inventory->arch, "aarch64") == 0)
        return (Platform){ GIB, G_MAXUINT64, 0 };
    return (Platform){ 0, G_MAXUINT64, 0 };
}

/* Lays the nodes one after the other; the end of it. */
static guint64 addBoot(Map *map, const virMemInventory *inventory, const Platform *platform)
{
    guint64 next = platform->start, room = platform->below;

    for (gsize i = 0; i < inventory->nnodes; i++) {
        guint64 left = inventory->nodes[i]->bootKib * 1024;
        gboolean continued = FALSE;
        while (left) {
            guint64 bytes = MIN(left, room);
            if (!room) {
                next = platform->above;
                room = G_MAXUINT64;
                continue;
            }
            MapPart *part = addPart(map, MAP_BOOT, next, bytes);
            part->node = inventory->numa ? inventory->nodes[i]->id : -1;
            part->pageKib = inventory->nodes[i]->pageKib;
            part->continued = continued;
            continued = TRUE;
            next += bytes;
            room -= bytes;
            left -= bytes;
        }
    }
    return MAX(next, platform->above);
}

/* ---- devices ---- */

static MapKind kindOf(int model)
{
    switch ((virMemModel)model) {
    case VIR_MEM_MODEL_DIMM:
        return MAP_DIMM;
    case VIR_MEM_MODEL_NVDIMM:
        return MAP_NVDIMM;
    case VIR_MEM_MODEL_VIRTIO_MEM:
        return MAP_VIRTIO_MEM;
    case VIR_MEM_MODEL_VIRTIO_PMEM:
        return MAP_VIRTIO_PMEM;
    case VIR_MEM_MODEL_SGX_EPC:
        return MAP_SGX_EPC;
    case VIR_MEM_MODEL_OTHER:
        break;
    }
    return MAP_KIND_LAST;
}

static void addDevice(Map *map, const virMemDevice *device, guint64 start, gboolean estimated)
{
    MapKind kind = kindOf(device->model);
    guint64 bytes = device->sizeKib * 1024, taken = bytes;
    MapPart *part;

    if (kind == MAP_VIRTIO_MEM)
        taken = device->current.kib == VIR_MEM_UNKNOWN ? 0 : MIN(device->current.kib * 1024, bytes);
    for (int half = 0; half < 2; half++) {
        if (!(half ? bytes - taken : taken))
            continue;
        part = addPart(map, half ? MAP_VIRTIO_MEM_UNPLUGGED : kind, half ? start + taken : start, half ? bytes - taken : taken);
        part->node = device->node;
        part->pageKib = device->pageKib;
        part->alias = g_strdup(device->alias ? device->alias : virMemModelName(device->model));
        part->estimated = estimated;
        part->continued = half && taken;
    }
}

/* The first place from @base on, in steps of @align, where nothing is yet. */
static guint64 firstFit(const Map *map, guint64 base, guint64 bytes, guint64 align)
{
    guint64 start = roundUp(base, align);

    for (gboolean moved = TRUE; moved;) {
        moved = FALSE;
        for (guint i = 0; i < map->parts->len; i++) {
            const MapPart *part = &g_array_index(map->parts, MapPart, i);
            if (start < part->start + part->bytes && part->start < start + bytes) {
                start = roundUp(part->start + part->bytes, align);
                moved = TRUE;
            }
        }
    }
    return start;
}

static guint64 addEnclaves(Map *map, const virMemInventory *inventory, guint64 end)
{
    for (gsize i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model != VIR_MEM_MODEL_SGX_EPC)
            continue;
        addDevice(map, device, end, TRUE);
        end += device->sizeKib * 1024;
    }
    return end;
}

static void addDevices(Map *map, const virMemInventory *inventory, guint64 base)
{
    for (int known = 1; known >= 0; known--) {
        for (gsize i = 0; i < inventory->ndevices; i++) {
            const virMemDevice *device = inventory->devices[i];
            gboolean told = device->base != VIR_MEM_UNKNOWN;
            guint64 align = MAX(device->blockKib * 1024, 2 * MIB);
            if (told != known || kindOf(device->model) == MAP_KIND_LAST || device->model == VIR_MEM_MODEL_SGX_EPC)
                continue;
            addDevice(map, device, told ? device->base : firstFit(map, base, device->sizeKib * 1024, align), !told);
        }
    }
}

/* ---- the whole ---- */

/* What is between the parts: holes before @base, room after it. */
static void fillGaps(Map *map, guint64 base, guint64 end)
{
    guint count;
    guint64 next = 0;

    g_array_sort(map->parts, byAddress);
    count = map->parts->len;
    for (guint i = 0; i <= count; i++) {
        guint64 start = i < count ? g_array_index(map->parts, MapPart, i).start : MAX(end, next);
        guint64 after = i < count ? start + g_array_index(map->parts, MapPart, i).bytes : start;
        if (start > next && next < base && start > base) {
            addPart(map, MAP_HOLE, next, base - next);
            next = base;
        }
        if (start > next)
            addPart(map, next >= base ? MAP_ROOM : MAP_HOLE, next, start - next);
        next = after;
    }
    g_array_sort(map->parts, byAddress);
}

Map *mapNew(const virMemInventory *inventory, const char *machine)
{
    Map *map = g_new0(Map, 1);
    Platform platform = platformOf(inventory, machine);
    guint64 base, end;

    map->parts = g_array_new(FALSE, FALSE, sizeof(MapPart));
    g_array_set_clear_func(map->parts, clearPart);
    map->title = g_strdup(inventory->name);
    end = addEnclaves(map, inventory, addBoot(map, inventory, &platform));
    base = roundUp(end, GIB);
    addDevices(map, inventory, base);
    if (inventory->maxKib > inventory->bootKib)
        fillGaps(map, base, base + (inventory->maxKib - inventory->bootKib) * 1024);
    else
        fillGaps(map, G_MAXUINT64, 0);
    return map;
}

void mapFree(Map *map)
{
    if (!map)
        return;
    g_array_unref(map->parts);
    g_free(map->title);
    g_free(map);
}

/* ---- layout ---- */

static double weigh(const MapPart *part, double memory, double least, double hole)
{
    double share = memory > 0 ? (double)part->bytes / memory : 1;

    if (part->kind == MAP_HOLE)
        return hole;
    if (part->kind == MAP_ROOM)
        return CLAMP(share, least, 0.3);
    return MAX(share, least);
}

void mapLayout(Map *map, double least, double hole)
{
    double memory = 0, sum = 0, x = 0;

    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        if (part->kind != MAP_HOLE && part->kind != MAP_ROOM)
            memory += (double)part->bytes;
    }
    for (guint i = 0; i < map->parts->len; i++)
        sum += weigh(&g_array_index(map->parts, MapPart, i), memory, least, hole);
    for (guint i = 0; i < map->parts->len; i++) {
        MapPart *part = &g_array_index(map->parts, MapPart, i);
        part->width = weigh(part, memory, least, hole) / sum;
        part->x = x;
        x += part->width;
    }
}

char *mapRange(const MapPart *part)
{
    return g_strdup_printf("0x%09" G_GINT64_MODIFIER "x-0x%09" G_GINT64_MODIFIER "x", part->start, part->start + part->bytes - 1);
}

char *mapPage(const MapPart *part)
{
    return part->pageKib == VIR_MEM_UNKNOWN ? g_strdup("huge") : part->pageKib ? outKib(part->pageKib) : g_strdup("-");
}

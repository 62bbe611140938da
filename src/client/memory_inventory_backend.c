/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_inventory_backend.c: the QEMU object that libvirt puts behind memory plugged into a node, by the domain's XML */
#include "client/memory_inventory_priv.h"

#include <string.h>

#include "util/mem_bitmap.h"
#include "util/mem_json.h"

#define SET_LIMIT 16384

static const struct {
    const char *mode, *policy;
} policies[] = {{"strict", "bind"}, {"preferred", "preferred"}, {"interleave", "interleave"}};

static char *childAttr(const xmlNode *node, const char *child, const char *name)
{
    const xmlNode *found = node ? memXmlChild(node, child) : NULL;

    return found ? memXmlAttr(found, name) : NULL;
}

/* What the cell says, else what is said for all of memory. */
static char *accessOf(const xmlNode *backing, const xmlNode *cell)
{
    char *access = cell ? memXmlAttr(cell, "memAccess") : NULL;

    return access ? access : childAttr(backing, "access", "mode");
}

static char *discardOf(const xmlNode *backing, const xmlNode *cell)
{
    char *discard = cell ? memXmlAttr(cell, "discard") : NULL;

    return discard || !backing || !memXmlChild(backing, "discard") ? discard : g_strdup("yes");
}

/* The mode of numatune for @node; libvirt's default is strict. */
static char *modeOf(const xmlNode *root, int id)
{
    const xmlNode *numatune = memXmlChild(root, "numatune");
    char *mode = NULL;

    for (const xmlNode *node = numatune ? memXmlChild(numatune, "memnode") : NULL; node; node = memXmlNext(node, "memnode")) {
        int cell = -1;
        if (memXmlAttrInt(node, "cellid", TRUE, &cell, NULL) && cell == id)
            return (mode = memXmlAttr(node, "mode")) ? mode : g_strdup("strict");
    }
    mode = childAttr(numatune, "memory", "mode");
    return mode ? mode : g_strdup("strict");
}

static void addHostNodes(MemJson *object, const xmlNode *root, const virMemNode *node)
{
    g_autoptr(MemBitmap) set = node->hostNodes ? memBitmapParse(node->hostNodes, SET_LIMIT, NULL) : NULL;
    g_autofree char *mode = modeOf(root, node->id);

    for (size_t i = 0; i < G_N_ELEMENTS(policies) && set; i++) {
        if (strcmp(policies[i].mode, mode) != 0)
            continue;
        MemJson *array = memJsonNewArray();
        for (int id = memBitmapNext(set, -1); id >= 0; id = memBitmapNext(set, id))
            memJsonAppend(array, json_object_new_int(id));
        memJsonAdd(object, "host-nodes", array);
        memJsonAddString(object, "policy", policies[i].policy);
    }
}

static void addPrealloc(MemJson *object, const virMemInventory *inventory, const xmlNode *backing, gboolean huge)
{
    g_autofree char *mode = childAttr(backing, "allocation", "mode");
    g_autofree char *threads = childAttr(backing, "allocation", "threads");

    /* A guest without NUMA preallocates by another switch, for all of its memory. */
    if (huge || (inventory->numa && g_strcmp0(mode, "immediate") == 0))
        memJsonAddBool(object, "prealloc", TRUE);
    if (threads && inventory->numa)
        memJsonAddUint64(object, "prealloc-threads", g_ascii_strtoull(threads, NULL, 10));
}

char *memoryInventoryBackend(const virMemInventory *inventory, const virMemNode *node, const xmlNode *root, const xmlNode *cell)
{
    g_autoptr(MemJson) object = memJsonNew();
    const xmlNode *backing = memXmlChild(root, "memoryBacking");
    g_autofree char *source = childAttr(backing, "source", "type");
    g_autofree char *access = accessOf(backing, cell), *discard = discardOf(backing, cell);
    gboolean huge = node->pageKib == VIR_MEM_UNKNOWN || node->pageKib > 64;
    gboolean memfd = g_strcmp0(source, "memfd") == 0;
    gboolean file = !memfd && (huge || access || g_strcmp0(source, "file") == 0);

    memJsonAddString(object, "qom-type", memfd ? "memory-backend-memfd" : file ? "memory-backend-file" : "memory-backend-ram");
    if (memfd && huge) {
        memJsonAddBool(object, "hugetlb", TRUE);
        if (node->pageKib != VIR_MEM_UNKNOWN)
            memJsonAddUint64(object, "hugetlbsize", node->pageKib * 1024);
    }
    if (file && discard)
        memJsonAddBool(object, "discard-data", strcmp(discard, "yes") == 0);
    if ((memfd || file) && access)
        memJsonAddBool(object, "share", strcmp(access, "shared") == 0);
    addPrealloc(object, inventory, backing, huge);
    addHostNodes(object, root, node);
    return memJsonFormat(object);
}

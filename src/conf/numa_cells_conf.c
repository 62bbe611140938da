/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa_cells_conf.c: <cpu><numa>: cells, their distances and caches */
#include "conf/numa_conf.h"

#include "conf/numa_conf_priv.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

#define DISTANCE_SELF 10
#define DISTANCE_REMOTE 20
#define DISTANCE_MAX 255

/* The first is what "none" says; it is not written. */
MEM_ENUM_IMPL(numaCacheAssociativity, NUMA_CACHE_ASSOCIATIVITY_LAST, "none", "direct", "full");

MEM_ENUM_IMPL(numaCachePolicy, NUMA_CACHE_POLICY_LAST, "none", "writeback", "writethrough");

/* ---- distances ---- */

static unsigned char *distancesOf(NumaDef *def, gsize cell)
{
    if (!def->cells[cell].distances) {
        def->cells[cell].distances = g_new0(unsigned char, def->ncells);
        def->cells[cell].distances[cell] = DISTANCE_SELF;
    }
    return def->cells[cell].distances;
}

static gboolean parseSibling(const xmlNode *node, NumaDef *def, unsigned cell, GError **err)
{
    static const char *const attrs[] = { "id", "value", NULL };
    unsigned id = 0, value = 0;
    unsigned char *back;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrUint(node, "id", TRUE, &id, err))
        return FALSE;
    if (id >= def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "sibling id '%u' under cell '%u' is not a cell: there are '%" G_GSIZE_FORMAT "'", id,
                    cell, def->ncells);
        return FALSE;
    }
    if (!memXmlAttrUint(node, "value", TRUE, &value, err))
        return FALSE;
    if (value > DISTANCE_MAX || (id == cell ? value != DISTANCE_SELF : value <= DISTANCE_SELF)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "distance '%u' of sibling '%u' under cell '%u' is invalid: it is 10 to the cell itself, 11 to 255 to others",
                    value, id, cell);
        return FALSE;
    }
    distancesOf(def, cell)[id] = (unsigned char)value;
    back = distancesOf(def, id);
    if (!back[cell])
        back[cell] = (unsigned char)value;
    return TRUE;
}

static gboolean parseDistances(const xmlNode *node, NumaDef *def, unsigned cell, GError **err)
{
    static const char *const children[] = { "sibling", NULL };
    const xmlNode *distances = memXmlChild(node, "distances");

    if (!distances)
        return TRUE;
    if (!memXmlOnlyChildren(distances, children, err))
        return FALSE;
    if (!memXmlChild(distances, "sibling")) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<distances>' of cell '%u' has no '<sibling>'", cell);
        return FALSE;
    }
    for (const xmlNode *sibling = memXmlChild(distances, "sibling"); sibling; sibling = memXmlNext(sibling, "sibling")) {
        if (!parseSibling(sibling, def, cell, err))
            return FALSE;
    }
    return TRUE;
}

/* ---- caches ---- */

/* libvirt reads the unit of these two nowhere: a size is KiB and a line is bytes, whatever unit= says.
 * Reading it would make another machine of the same XML. */
static gboolean parseCacheValue(const xmlNode *cache, const char *name, guint64 *value, GError **err)
{
    static const char *const attrs[] = { "value", "unit", NULL };
    const xmlNode *node = memXmlChild(cache, name);

    if (!node) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element '<%s>' of '<cache>' is missing", name);
        return FALSE;
    }
    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrUint64(node, "value", TRUE, value, err);
}

static gboolean parseCache(const xmlNode *node, NumaCacheDef *cache, GError **err)
{
    static const char *const attrs[] = { "level", "associativity", "policy", NULL };
    static const char *const children[] = { "size", "line", NULL };
    static const char *const none[] = { NULL };
    int associativity = 0, policy = 0;
    guint64 lineBytes = 0;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlOnlyOnce(node, none, err) || !memXmlAttrUint(node, "level", TRUE, &cache->level, err))
        return FALSE;
    if (!cache->level) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "value '0' for attribute 'level' of '<cache>' is invalid: it must be 1, 2 or 3");
        return FALSE;
    }
    if (!memXmlAttrEnum(node, "associativity", TRUE, numaCacheAssociativityFromString, &associativity, err) ||
        !memXmlAttrEnum(node, "policy", TRUE, numaCachePolicyFromString, &policy, err) ||
        !parseCacheValue(node, "size", &cache->sizeKib, err))
        return FALSE;
    if (cache->sizeKib >= MEM_KIB_LIMIT) {
        memErrorSet(err, VIR_ERR_OVERFLOW, "size '%" G_GUINT64_FORMAT "' KiB of '<cache>' is too large", cache->sizeKib);
        return FALSE;
    }
    cache->associativity = (NumaCacheAssociativity)associativity;
    cache->policy = (NumaCachePolicy)policy;
    if (!parseCacheValue(node, "line", &lineBytes, err))
        return FALSE;
    /* libvirt keeps 32 bits of it, too */
    cache->lineBytes = (unsigned)lineBytes;
    return TRUE;
}

static gboolean parseCaches(const xmlNode *node, NumaCellDef *cell, GError **err)
{
    cell->caches = g_new0(NumaCacheDef, memXmlCountChildren(node, "cache"));
    for (const xmlNode *cache = memXmlChild(node, "cache"); cache; cache = memXmlNext(cache, "cache")) {
        if (!parseCache(cache, &cell->caches[cell->ncaches++], err))
            return FALSE;
    }
    return TRUE;
}

/* ---- cells ---- */

static gboolean parseCellCpus(const xmlNode *node, NumaDef *def, unsigned id, GError **err)
{
    g_autofree char *text = memXmlAttr(node, "cpus");
    g_autoptr(MemBitmap) cpus = NULL;

    if (!text)
        return TRUE;
    cpus = memBitmapParse(text, CONF_SET_LIMIT, err);
    if (!cpus)
        return FALSE;
    for (gsize i = 0; i < def->ncells; i++) {
        if (i != id && memBitmapOverlaps(def->cells[i].cpus, cpus)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpus='%s' of cell '%u' overlaps with those of cell '%" G_GSIZE_FORMAT "'",
                        text, id, i);
            return FALSE;
        }
    }
    memBitmapFree(def->cells[id].cpus);
    def->cells[id].cpus = g_steal_pointer(&cpus);
    return TRUE;
}

static gboolean parseCellId(const xmlNode *node, const NumaDef *def, unsigned *id, GError **err)
{
    if (!memXmlAttrUint(node, "id", FALSE, id, err))
        return FALSE;
    if (*id >= def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "id '%u' of '<cell>' is invalid: the '%" G_GSIZE_FORMAT "' cells are numbered from 0 without gaps",
                    *id, def->ncells);
        return FALSE;
    }
    if (def->cells[*id].memoryKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "id '%u' of '<cell>' is used twice", *id);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseCell(const xmlNode *node, NumaDef *def, unsigned position, GError **err)
{
    static const char *const attrs[] = { "id", "cpus", "memory", "unit", "memAccess", "discard", NULL };
    static const char *const children[] = { "distances", "cache", NULL };
    static const char *const repeatable[] = { "cache", NULL };
    unsigned id = position;
    int access = MEMORY_ACCESS_DEFAULT, discard = MEM_TRISTATE_ABSENT;
    NumaCellDef *cell;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlOnlyOnce(node, repeatable, err) || !parseCellId(node, def, &id, err) || !parseCellCpus(node, def, id, err))
        return FALSE;
    cell = &def->cells[id];
    if (!memXmlAttrSizeKib(node, "memory", "unit", TRUE, &cell->memoryKib, err) ||
        !memXmlAttrEnum(node, "memAccess", FALSE, memoryAccessFromString, &access, err) ||
        !memXmlAttrYesNo(node, "discard", &discard, err))
        return FALSE;
    cell->memAccess = (MemoryAccess)access;
    cell->discard = (MemTristate)discard;
    /* a second element with this id, possible while the first had no memory, starts its caches afresh */
    g_clear_pointer(&cell->caches, g_free);
    cell->ncaches = 0;
    return parseDistances(node, def, id, err) && parseCaches(node, cell, err);
}

gboolean numaCellsParse(const xmlNode *numa, NumaDef *def, GError **err)
{
    static const char *const none[] = { NULL };
    static const char *const children[] = { "cell", "interconnects", NULL };
    static const char *const repeatable[] = { "cell", NULL };
    unsigned position = 0;

    if (!memXmlOnlyAttrs(numa, none, err) || !memXmlOnlyChildren(numa, children, err) ||
        !memXmlOnlyOnce(numa, repeatable, err))
        return FALSE;
    def->ncells = memXmlCountChildren(numa, "cell");
    if (!def->ncells || def->ncells > NUMA_CELLS_MAX) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<numa>' has '%" G_GSIZE_FORMAT "' cells: 1 to %d are possible", def->ncells, NUMA_CELLS_MAX);
        def->ncells = 0;
        return FALSE;
    }
    def->cells = g_new0(NumaCellDef, def->ncells);
    for (const xmlNode *cell = memXmlChild(numa, "cell"); cell; cell = memXmlNext(cell, "cell")) {
        if (!parseCell(cell, def, position++, err))
            return FALSE;
    }
    for (gsize i = 0; i < def->ncells; i++) {
        if (!def->cells[i].cpus)
            def->cells[i].cpus = memBitmapNew();
    }
    return numaInterconnectsParse(memXmlChild(numa, "interconnects"), def, err);
}

/* ---- format ---- */

static void formatDistances(MemXmlOut *out, const NumaDef *def, const NumaCellDef *cell)
{
    memXmlOutStart(out, "distances");
    for (gsize i = 0; cell->distances && i < def->ncells; i++) {
        if (!cell->distances[i])
            continue;
        memXmlOutStart(out, "sibling");
        memXmlOutAttrUint64(out, "id", i);
        memXmlOutAttrUint64(out, "value", cell->distances[i]);
        memXmlOutEnd(out);
    }
    memXmlOutEndUnlessEmpty(out);
}

static void formatCacheValue(MemXmlOut *out, const char *name, guint64 value, const char *unit)
{
    memXmlOutStart(out, name);
    memXmlOutAttrUint64(out, "value", value);
    memXmlOutAttr(out, "unit", unit);
    memXmlOutEnd(out);
}

/* "none" is written too: libvirt leaves it out, and then cannot read its own XML again. */
static void formatCache(MemXmlOut *out, const NumaCacheDef *cache)
{
    memXmlOutStart(out, "cache");
    memXmlOutAttrUint64(out, "level", cache->level);
    memXmlOutAttr(out, "associativity", numaCacheAssociativityToString(cache->associativity));
    memXmlOutAttr(out, "policy", numaCachePolicyToString(cache->policy));
    formatCacheValue(out, "size", cache->sizeKib, "KiB");
    formatCacheValue(out, "line", cache->lineBytes, "B");
    memXmlOutEnd(out);
}

static void formatCell(MemXmlOut *out, const NumaDef *def, gsize id)
{
    const NumaCellDef *cell = &def->cells[id];
    g_autofree char *cpus = memBitmapIsEmpty(cell->cpus) ? NULL : memBitmapFormat(cell->cpus);

    memXmlOutStart(out, "cell");
    memXmlOutAttrUint64(out, "id", id);
    memXmlOutAttr(out, "cpus", cpus);
    memXmlOutAttrUint64(out, "memory", cell->memoryKib);
    memXmlOutAttr(out, "unit", "KiB");
    memXmlOutAttr(out, "memAccess", memoryAccessToString(cell->memAccess));
    memXmlOutAttr(out, "discard", memTristateBoolToString(cell->discard));
    formatDistances(out, def, cell);
    for (gsize i = 0; i < cell->ncaches; i++)
        formatCache(out, &cell->caches[i]);
    memXmlOutEnd(out);
}

void numaCellsFormat(MemXmlOut *out, const NumaDef *def)
{
    if (!def->ncells)
        return;
    memXmlOutStart(out, "numa");
    for (gsize i = 0; i < def->ncells; i++)
        formatCell(out, def, i);
    numaInterconnectsFormat(out, def);
    memXmlOutEnd(out);
}

/* ---- questions ---- */

unsigned numaDefDistance(const NumaDef *def, gsize from, gsize to)
{
    const unsigned char *distances = def->cells[from].distances;

    if (distances && distances[to])
        return distances[to];
    return from == to ? DISTANCE_SELF : DISTANCE_REMOTE;
}

gboolean numaDefHasDistances(const NumaDef *def)
{
    for (gsize i = 0; i < def->ncells; i++) {
        const unsigned char *distances = def->cells[i].distances;

        /* What a <distances> leaves open counts as said otherwise, too: that is libvirt's rule. */
        for (gsize j = 0; distances && j < def->ncells; j++) {
            if (distances[j] != DISTANCE_SELF && distances[j] != DISTANCE_REMOTE)
                return TRUE;
        }
    }
    return FALSE;
}

guint64 numaDefTotalKib(const NumaDef *def)
{
    guint64 sum = 0;

    for (gsize i = 0; i < def->ncells; i++)
        sum += def->cells[i].memoryKib;
    return sum;
}

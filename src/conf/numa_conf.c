/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa_conf.c: guest NUMA as a whole, and <numatune>: where on the host its memory comes from */
#include "conf/numa_conf.h"

#include "conf/domain_conf.h"
#include "conf/numa_conf_priv.h"
#include "util/mem_error.h"

MEM_ENUM_IMPL(numaMemoryMode, NUMA_MODE_LAST, "strict", "preferred", "interleave", "restrictive");

MEM_ENUM_IMPL(numaPlacement, NUMA_PLACEMENT_LAST, "default", "static", "auto");

/* ---- <numatune> ---- */

static MemBitmap *parseNodeset(const xmlNode *node, const char *text, GError **err)
{
    g_autoptr(MemBitmap) nodes = memBitmapParse(text, CONF_SET_LIMIT, err);

    if (!nodes || !memBitmapIsEmpty(nodes))
        return g_steal_pointer(&nodes);
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "nodeset '%s' of '<%s>' names no node", text, node->name);
    return NULL;
}

static gboolean parseTuneEnum(const xmlNode *node, const char *attr, int (*fromString)(const char *), const char *known,
                              int *value, GError **err)
{
    g_autofree char *text = memXmlAttr(node, attr);

    if (!text)
        return TRUE;
    *value = fromString(text);
    if (*value >= 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "unknown %s '%s' of '<memory>' in '<numatune>': use %s", attr, text, known);
    return FALSE;
}

/* What placement it is in the end, when the XML may have said neither that nor a nodeset. */
static gboolean settlePlacement(NumaDef *def, gboolean placementStatic, GError **err)
{
    if (def->placement == NUMA_PLACEMENT_DEFAULT)
        def->placement = def->nodes || placementStatic ? NUMA_PLACEMENT_STATIC : NUMA_PLACEMENT_AUTO;
    if (def->placement == NUMA_PLACEMENT_AUTO)
        g_clear_pointer(&def->nodes, memBitmapFree);
    if (def->placement == NUMA_PLACEMENT_STATIC && !def->nodes) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<memory>' in '<numatune>' with static placement needs a nodeset");
        return FALSE;
    }
    return TRUE;
}

static gboolean parseTuneMemory(const xmlNode *node, gboolean placementStatic, NumaDef *def, GError **err)
{
    static const char *const attrs[] = { "mode", "nodeset", "placement", NULL };
    g_autofree char *nodeset = NULL;
    int mode = -1, placement = -1;

    if (!node && placementStatic)
        return TRUE;
    if (node) {
        if (!memXmlOnlyAttrs(node, attrs, err) ||
            !parseTuneEnum(node, "mode", numaMemoryModeFromString, "'strict', 'preferred', 'interleave' or 'restrictive'", &mode, err) ||
            !parseTuneEnum(node, "placement", numaPlacementFromString, "'static' or 'auto'", &placement, err))
            return FALSE;
        nodeset = memXmlAttr(node, "nodeset");
        if (nodeset && !(def->nodes = parseNodeset(node, nodeset, err)))
            return FALSE;
        if (mode < 0 && placement < 0 && !nodeset)
            return TRUE;
    } else {
        placement = NUMA_PLACEMENT_AUTO;
    }
    def->hasMemory = TRUE;
    def->mode = mode < 0 ? NUMA_MODE_STRICT : (NumaMemoryMode)mode;
    def->placement = placement < 0 ? NUMA_PLACEMENT_DEFAULT : (NumaPlacement)placement;
    return settlePlacement(def, placementStatic, err);
}

static const NumaMemnodeDef *findMemnode(const NumaDef *def, gsize cell)
{
    for (gsize i = 0; i < def->nmemnodes; i++) {
        if (def->memnodes[i].cellid == cell)
            return &def->memnodes[i];
    }
    return NULL;
}

static gboolean checkMemnode(const NumaDef *def, const NumaMemnodeDef *memnode, GError **err)
{
    if (memnode->cellid >= def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cellid '%u' of '<memnode>' is not a cell of the guest", memnode->cellid);
        return FALSE;
    }
    if (findMemnode(def, memnode->cellid)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cellid '%u' is given by two '<memnode>'", memnode->cellid);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseMemnode(const xmlNode *node, const NumaDef *def, NumaMemnodeDef *memnode, GError **err)
{
    static const char *const attrs[] = { "cellid", "mode", "nodeset", NULL };
    g_autofree char *nodeset = memXmlAttr(node, "nodeset");
    int mode = NUMA_MODE_STRICT;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrUint(node, "cellid", TRUE, &memnode->cellid, err) ||
        !checkMemnode(def, memnode, err) ||
        !memXmlAttrEnum(node, "mode", FALSE, numaMemoryModeFromString, &mode, err))
        return FALSE;
    memnode->mode = (NumaMemoryMode)mode;
    if (def->hasMemory && def->mode == NUMA_MODE_RESTRICTIVE && memnode->mode != NUMA_MODE_RESTRICTIVE) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "mode '%s' of '<memnode>' must be 'restrictive' as that of '<memory>' is", numaMemoryModeToString(mode));
        return FALSE;
    }
    if (!nodeset) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "attribute 'nodeset' of '<memnode>' is missing");
        return FALSE;
    }
    memnode->nodes = parseNodeset(node, nodeset, err);
    return memnode->nodes != NULL;
}

static gboolean parseMemnodes(const xmlNode *numatune, NumaDef *def, GError **err)
{
    const xmlNode *first = memXmlChild(numatune, "memnode");

    if (!first)
        return TRUE;
    if (def->hasMemory && def->placement == NUMA_PLACEMENT_AUTO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<memnode>' cannot be combined with placement 'auto'");
        return FALSE;
    }
    if (!def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<memnode>' needs cells in '<numa>'");
        return FALSE;
    }
    def->memnodes = g_new0(NumaMemnodeDef, memXmlCountChildren(numatune, "memnode"));
    for (const xmlNode *node = first; node; node = memXmlNext(node, "memnode")) {
        if (!parseMemnode(node, def, &def->memnodes[def->nmemnodes], err))
            return FALSE;
        def->nmemnodes++;
    }
    return TRUE;
}

gboolean numatuneParse(const xmlNode *numatune, gboolean placementStatic, NumaDef *def, GError **err)
{
    static const char *const none[] = { NULL };
    static const char *const children[] = { "memory", "memnode", NULL };
    static const char *const repeatable[] = { "memnode", NULL };

    if (!numatune)
        return parseTuneMemory(NULL, placementStatic, def, err);
    if (memXmlNext(numatune, "numatune")) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<numatune>' may be given only once");
        return FALSE;
    }
    return memXmlOnlyAttrs(numatune, none, err) && memXmlOnlyChildren(numatune, children, err) &&
           memXmlOnlyOnce(numatune, repeatable, err) &&
           parseTuneMemory(memXmlChild(numatune, "memory"), placementStatic, def, err) &&
           parseMemnodes(numatune, def, err);
}

void numatuneFormat(MemXmlOut *out, const NumaDef *def)
{
    memXmlOutStart(out, "numatune");
    if (def->hasMemory) {
        g_autofree char *nodes = def->nodes ? memBitmapFormat(def->nodes) : NULL;

        memXmlOutStart(out, "memory");
        memXmlOutAttr(out, "mode", numaMemoryModeToString(def->mode));
        if (def->placement == NUMA_PLACEMENT_STATIC)
            memXmlOutAttr(out, "nodeset", nodes);
        else
            memXmlOutAttr(out, "placement", numaPlacementToString(def->placement));
        memXmlOutEnd(out);
    }
    for (gsize cell = 0; cell < def->ncells; cell++) {
        const NumaMemnodeDef *memnode = findMemnode(def, cell);
        g_autofree char *nodes = memnode ? memBitmapFormat(memnode->nodes) : NULL;

        if (!memnode)
            continue;
        memXmlOutStart(out, "memnode");
        memXmlOutAttrUint64(out, "cellid", cell);
        memXmlOutAttr(out, "mode", numaMemoryModeToString(memnode->mode));
        memXmlOutAttr(out, "nodeset", nodes);
        memXmlOutEnd(out);
    }
    memXmlOutEndUnlessEmpty(out);
}

/* ---- both together ---- */

static gboolean checkCpus(const NumaDef *def, unsigned vcpus, GError **err)
{
    unsigned count = 0;

    for (gsize i = 0; i < def->ncells; i++)
        count += memBitmapCount(def->cells[i].cpus);
    if (count > vcpus) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "the cells of '<numa>' have '%u' CPUs, more than '<vcpu>' gives: '%u'", count, vcpus);
        return FALSE;
    }
    for (gsize i = 0; i < def->ncells; i++) {
        int last = memBitmapLast(def->cells[i].cpus);

        if (last >= 0 && (unsigned)last >= vcpus) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "CPU '%d' of cell '%" G_GSIZE_FORMAT "' does not exist: '<vcpu>' gives '%u'", last, i, vcpus);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean numaDefParse(const xmlNode *domain, DomainDef *def, GError **err)
{
    const xmlNode *cpu = memXmlChild(domain, "cpu");
    const xmlNode *numa = cpu ? memXmlChild(cpu, "numa") : NULL;

    if (numa && !numaCellsParse(numa, &def->numa, err))
        return FALSE;
    if (!checkCpus(&def->numa, def->vcpus.max, err) ||
        !numatuneParse(memXmlChild(domain, "numatune"), !def->vcpus.placementAuto, &def->numa, err))
        return FALSE;
    if (def->numa.hasMemory && def->numa.placement == NUMA_PLACEMENT_AUTO && !def->vcpus.cpuset)
        def->vcpus.placementAuto = TRUE;
    return TRUE;
}

gboolean numaDefDefaults(NumaDef *def, DomainDef *domain, GError **err)
{
    g_autoptr(MemBitmap) left = memBitmapNew();

    if (!def->ncells)
        return TRUE;
    for (unsigned cpu = 0; cpu < MIN(domain->vcpus.max, CONF_SET_LIMIT); cpu++)
        memBitmapSet(left, cpu);
    for (gsize i = 1; i < def->ncells; i++)
        memBitmapSubtract(left, def->cells[i].cpus);
    memBitmapUnion(def->cells[0].cpus, left);
    return TRUE;
}

gboolean numaDefValidate(const NumaDef *def, const DomainDef *domain, GError **err)
{
    return numaHmatValidate(def, err);
}

void numaDefClear(NumaDef *def)
{
    for (gsize i = 0; i < def->ncells; i++) {
        memBitmapFree(def->cells[i].cpus);
        g_free(def->cells[i].distances);
        g_free(def->cells[i].caches);
    }
    for (gsize i = 0; i < def->nmemnodes; i++)
        memBitmapFree(def->memnodes[i].nodes);
    g_free(def->cells);
    g_free(def->interconnects);
    g_free(def->memnodes);
    memBitmapFree(def->nodes);
    *def = (NumaDef){ 0 };
}

gboolean numaDefTuning(const NumaDef *def, int cell, NumaMemoryMode *mode, const MemBitmap **nodes)
{
    const NumaMemnodeDef *memnode = cell >= 0 ? findMemnode(def, (gsize)cell) : NULL;

    if (memnode) {
        *mode = memnode->mode;
        *nodes = memnode->nodes;
        return TRUE;
    }
    if (!def->hasMemory)
        return FALSE;
    *mode = def->mode;
    *nodes = def->nodes;
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa_hmat_conf.c: <interconnects> of <numa>: latencies and bandwidths between cells (ACPI's HMAT) */
#include "conf/numa_conf_priv.h"

#include "util/mem_error.h"

#define CACHE_LEVEL_MAX 3

MEM_ENUM_IMPL(numaMemoryLatency, NUMA_MEMORY_LATENCY_LAST, NULL, "access", "read", "write");

/* ---- parse and format ---- */

static gboolean parseEntry(const xmlNode *node, NumaInterconnectDef *entry, GError **err)
{
    static const char *const latencyAttrs[] = { "initiator", "target", "cache", "type", "value", NULL };
    static const char *const bandwidthAttrs[] = { "initiator", "target", "cache", "type", "value", "unit", NULL };
    int access = NUMA_MEMORY_LATENCY_NONE;
    gboolean ok;

    entry->isBandwidth = memXmlIs(node, "bandwidth");
    if (!memXmlOnlyAttrs(node, entry->isBandwidth ? bandwidthAttrs : latencyAttrs, err))
        return FALSE;
    if (entry->isBandwidth)
        ok = memXmlAttrSizeKib(node, "value", "unit", TRUE, &entry->value, err);
    else
        ok = memXmlAttrUint64(node, "value", TRUE, &entry->value, err);
    if (!ok || !memXmlAttrUint(node, "initiator", TRUE, &entry->initiator, err) ||
        !memXmlAttrUint(node, "target", TRUE, &entry->target, err) ||
        !memXmlAttrUint(node, "cache", FALSE, &entry->cache, err) ||
        !memXmlAttrEnum(node, "type", TRUE, numaMemoryLatencyFromString, &access, err))
        return FALSE;
    entry->access = (NumaMemoryLatency)access;
    return TRUE;
}

gboolean numaInterconnectsParse(const xmlNode *node, NumaDef *def, GError **err)
{
    static const char *const children[] = { "latency", "bandwidth", NULL };

    if (!node)
        return TRUE;
    if (!memXmlOnlyChildren(node, children, err))
        return FALSE;
    def->interconnects = g_new0(NumaInterconnectDef, memXmlCountChildren(node, NULL));
    for (const xmlNode *entry = memXmlChild(node, NULL); entry; entry = memXmlNext(entry, NULL)) {
        if (!parseEntry(entry, &def->interconnects[def->ninterconnects++], err))
            return FALSE;
    }
    return TRUE;
}

void numaInterconnectsFormat(MemXmlOut *out, const NumaDef *def)
{
    memXmlOutStart(out, "interconnects");
    for (gsize i = 0; i < def->ninterconnects; i++) {
        const NumaInterconnectDef *entry = &def->interconnects[i];

        memXmlOutStart(out, entry->isBandwidth ? "bandwidth" : "latency");
        memXmlOutAttrUint64(out, "initiator", entry->initiator);
        memXmlOutAttrUint64(out, "target", entry->target);
        if (entry->cache)
            memXmlOutAttrUint64(out, "cache", entry->cache);
        memXmlOutAttr(out, "type", numaMemoryLatencyToString(entry->access));
        memXmlOutAttrUint64(out, "value", entry->value);
        if (entry->isBandwidth)
            memXmlOutAttr(out, "unit", "KiB");
        memXmlOutEnd(out);
    }
    memXmlOutEndUnlessEmpty(out);
}

/* ---- rules ---- */

static gboolean hasCache(const NumaCellDef *cell, unsigned level)
{
    for (gsize i = 0; i < cell->ncaches; i++) {
        if (cell->caches[i].level == level)
            return TRUE;
    }
    return FALSE;
}

static gboolean validateCaches(const NumaCellDef *cell, gsize id, GError **err)
{
    unsigned seen = 0;

    for (gsize i = 0; i < cell->ncaches; i++) {
        unsigned level = cell->caches[i].level;

        if (level > CACHE_LEVEL_MAX) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "level '%u' of '<cache>' in cell '%" G_GSIZE_FORMAT "' is invalid: it must be 1, 2 or 3", level, id);
            return FALSE;
        }
        if (seen & (1u << level)) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "level '%u' of '<cache>' in cell '%" G_GSIZE_FORMAT "' is given twice", level, id);
            return FALSE;
        }
        seen |= 1u << level;
    }
    return TRUE;
}

static gboolean validateReferences(const NumaDef *def, const NumaInterconnectDef *entry, GError **err)
{
    const char *name = entry->isBandwidth ? "bandwidth" : "latency";

    if (entry->initiator >= def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "initiator '%u' of '<%s>' is not a cell", entry->initiator, name);
    } else if (entry->target >= def->ncells) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "target '%u' of '<%s>' is not a cell", entry->target, name);
    } else if (memBitmapIsEmpty(def->cells[entry->initiator].cpus)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "initiator '%u' of '<%s>' is a cell without CPUs", entry->initiator, name);
    } else if (entry->cache && !hasCache(&def->cells[entry->target], entry->cache)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cache '%u' of '<%s>' is not defined in its target, cell '%u'", entry->cache, name, entry->target);
    } else {
        return TRUE;
    }
    return FALSE;
}

static gboolean validatePair(const NumaInterconnectDef *entry, const NumaInterconnectDef *earlier, GError **err)
{
    if (entry->isBandwidth == earlier->isBandwidth && entry->initiator == earlier->initiator &&
        entry->target == earlier->target && entry->cache == earlier->cache && entry->access == earlier->access) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<%s>' from '%u' to '%u' of type '%s' is given twice",
                    entry->isBandwidth ? "bandwidth" : "latency", entry->initiator, entry->target,
                    numaMemoryLatencyToString(entry->access));
        return FALSE;
    }
    if (entry->initiator != entry->target && entry->initiator == earlier->target &&
        entry->target == earlier->initiator) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "the link from '%u' to '%u' in '<interconnects>' is already given the other way round",
                    entry->initiator, entry->target);
        return FALSE;
    }
    return TRUE;
}

gboolean numaHmatValidate(const NumaDef *def, GError **err)
{
    for (gsize i = 0; i < def->ncells; i++) {
        if (!validateCaches(&def->cells[i], i, err))
            return FALSE;
    }
    for (gsize i = 0; i < def->ninterconnects; i++) {
        const NumaInterconnectDef *entry = &def->interconnects[i];

        if (!validateReferences(def, entry, err))
            return FALSE;
        for (gsize j = 0; j < i; j++) {
            if (!validatePair(entry, &def->interconnects[j], err))
                return FALSE;
        }
    }
    return TRUE;
}

/* ---- questions ---- */

gboolean numaDefHasHmat(const NumaDef *def)
{
    for (gsize i = 0; i < def->ncells; i++) {
        if (def->cells[i].ncaches)
            return TRUE;
    }
    return def->ninterconnects > 0;
}

static int firstWithCpus(const NumaDef *def)
{
    for (gsize i = 0; i < def->ncells; i++) {
        if (!memBitmapIsEmpty(def->cells[i].cpus))
            return (int)i;
    }
    return -1;
}

/* The lowest latency decides, of equals the first; the highest bandwidth only where no latency is known. */
int numaDefInitiator(const NumaDef *def, gsize cell)
{
    const NumaInterconnectDef *nearest = NULL;
    const NumaInterconnectDef *widest = NULL;

    if (!memBitmapIsEmpty(def->cells[cell].cpus))
        return (int)cell;
    for (gsize i = 0; i < def->ninterconnects; i++) {
        const NumaInterconnectDef *entry = &def->interconnects[i];

        if (entry->target != cell)
            continue;
        if (!entry->isBandwidth && (!nearest || entry->value < nearest->value))
            nearest = entry;
        if (entry->isBandwidth && entry->value > (widest ? widest->value : 0))
            widest = entry;
    }
    if (nearest)
        return (int)nearest->initiator;
    return widest ? (int)widest->initiator : firstWithCpus(def);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_backing_conf.c: <memoryBacking> and <memtune> */
#include "conf/memory_backing_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

MEM_ENUM_IMPL(memorySource, MEMORY_SOURCE_LAST, NULL, "file", "anonymous", "memfd");

MEM_ENUM_IMPL(memoryAllocation, MEMORY_ALLOCATION_LAST, NULL, "immediate", "ondemand");

/* ---- parse ---- */

/* An attribute of a child, where an empty value counts as absent. An unknown value is CONFIG_UNSUPPORTED here,
 * unlike in the rest of the domain. */
static gboolean parseChildEnum(const xmlNode *node, const char *child, const char *attr,
                               int (*fromString)(const char *), const char *known, int *value, GError **err)
{
    const xmlNode *found = memXmlChild(node, child);
    g_autofree char *text = found ? memXmlAttr(found, attr) : NULL;

    if (!text || !text[0])
        return TRUE;
    *value = fromString(text);
    if (*value > 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "unknown %s '%s' of '<%s>' in '<memoryBacking>': use %s", attr, text,
                child, known);
    return FALSE;
}

static gboolean parseThreads(const xmlNode *node, MemoryBackingDef *def, GError **err)
{
    const xmlNode *allocation = memXmlChild(node, "allocation");
    g_autofree char *text = allocation ? memXmlAttr(allocation, "threads") : NULL;

    if (!text || !text[0] || memUnitsParseUint(text, &def->allocationThreads))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "value '%s' for attribute 'threads' of '<allocation>' is invalid: it must be a number, 0 or more", text);
    return FALSE;
}

static gboolean parsePage(const xmlNode *node, HugepageDef *page, GError **err)
{
    static const char *const attrs[] = { "size", "unit", "nodeset", NULL };
    g_autofree char *nodeset = memXmlAttr(node, "nodeset");

    if (!memXmlOnlyAttrs(node, attrs, err) ||
        !memXmlAttrSizeKib(node, "size", "unit", TRUE, &page->sizeKib, err))
        return FALSE;
    if (!page->sizeKib) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "size '0' of '<page>' in '<hugepages>' is invalid: it must be larger than 0");
        return FALSE;
    }
    if (!nodeset)
        return TRUE;
    page->nodes = memBitmapParse(nodeset, CONF_SET_LIMIT, err);
    if (!page->nodes)
        return FALSE;
    if (!memBitmapIsEmpty(page->nodes))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "nodeset '%s' of '<page>' in '<hugepages>' names no node", nodeset);
    return FALSE;
}

static gboolean parseHugepages(const xmlNode *node, MemoryBackingDef *def, GError **err)
{
    static const char *const children[] = { "page", NULL };
    unsigned count;

    if (!node)
        return TRUE;
    if (!memXmlOnlyChildren(node, children, err))
        return FALSE;
    def->hugepages = TRUE;
    count = memXmlCountChildren(node, "page");
    def->pages = g_new0(HugepageDef, count);
    for (const xmlNode *page = memXmlChild(node, "page"); page; page = memXmlNext(page, "page")) {
        if (!parsePage(page, &def->pages[def->npages++], err))
            return FALSE;
    }
    return TRUE;
}

static gboolean checkKnown(const xmlNode *node, GError **err)
{
    static const char *const none[] = { NULL };
    static const struct {
        const char *name;
        const char *attrs[3];
    } known[] = {
        { "hugepages", { NULL } }, { "nosharepages", { NULL } },         { "locked", { NULL } },
        { "source", { "type" } },  { "access", { "mode" } },             { "allocation", { "mode", "threads" } },
        { "discard", { NULL } },
    };
    static const char *const children[] = { "hugepages", "nosharepages", "locked",  "source",
                                            "access",    "allocation",   "discard", NULL };

    if (!memXmlOnlyChildren(node, children, err) || !memXmlOnlyOnce(node, none, err) || !memXmlOnlyAttrs(node, none, err))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        const xmlNode *child = memXmlChild(node, known[i].name);

        if (child && !memXmlOnlyAttrs(child, known[i].attrs, err))
            return FALSE;
    }
    return TRUE;
}

gboolean memoryBackingDefParse(const xmlNode *node, MemoryBackingDef *def, GError **err)
{
    int source = MEMORY_SOURCE_NONE;
    int access = MEMORY_ACCESS_DEFAULT;
    int allocation = MEMORY_ALLOCATION_NONE;

    if (!node)
        return TRUE;
    if (!checkKnown(node, err) ||
        !parseChildEnum(node, "source", "type", memorySourceFromString, "'file', 'anonymous' or 'memfd'", &source, err) ||
        !parseChildEnum(node, "access", "mode", memoryAccessFromString, "'shared' or 'private'", &access, err) ||
        !parseChildEnum(node, "allocation", "mode", memoryAllocationFromString, "'immediate' or 'ondemand'",
                        &allocation, err) ||
        !parseThreads(node, def, err) || !parseHugepages(memXmlChild(node, "hugepages"), def, err))
        return FALSE;
    def->source = (MemorySource)source;
    def->access = (MemoryAccess)access;
    def->allocation = (MemoryAllocation)allocation;
    def->nosharepages = memXmlChild(node, "nosharepages") != NULL;
    def->locked = memXmlChild(node, "locked") != NULL;
    def->discard = memXmlChild(node, "discard") != NULL;
    return TRUE;
}

/* ---- format ---- */

static void formatHugepages(MemXmlOut *out, const MemoryBackingDef *def)
{
    if (!def->hugepages)
        return;
    memXmlOutStart(out, "hugepages");
    for (gsize i = 0; i < def->npages; i++) {
        g_autofree char *nodes = def->pages[i].nodes ? memBitmapFormat(def->pages[i].nodes) : NULL;

        memXmlOutStart(out, "page");
        memXmlOutAttrUint64(out, "size", def->pages[i].sizeKib);
        memXmlOutAttr(out, "unit", "KiB");
        memXmlOutAttr(out, "nodeset", nodes);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

static void formatChildAttr(MemXmlOut *out, const char *child, const char *attr, const char *value)
{
    memXmlOutStart(out, child);
    memXmlOutAttr(out, attr, value);
    memXmlOutEndUnlessEmpty(out);
}

void memoryBackingDefFormat(MemXmlOut *out, const MemoryBackingDef *def)
{
    memXmlOutStart(out, "memoryBacking");
    formatHugepages(out, def);
    if (def->nosharepages)
        memXmlOutEmpty(out, "nosharepages");
    if (def->locked)
        memXmlOutEmpty(out, "locked");
    formatChildAttr(out, "source", "type", memorySourceToString(def->source));
    formatChildAttr(out, "access", "mode", memoryAccessToString(def->access));
    memXmlOutStart(out, "allocation");
    memXmlOutAttr(out, "mode", memoryAllocationToString(def->allocation));
    if (def->allocationThreads)
        memXmlOutAttrUint64(out, "threads", def->allocationThreads);
    memXmlOutEndUnlessEmpty(out);
    if (def->discard)
        memXmlOutEmpty(out, "discard");
    memXmlOutEndUnlessEmpty(out);
}

/* ---- defaults and rules ---- */

gboolean memoryBackingDefDefaults(MemoryBackingDef *def, const DomainDef *domain, GError **err)
{
    if (domain->numa.ncells)
        return TRUE;
    /* Without guest NUMA "node 0" can only mean the whole guest. */
    for (gsize i = 0; i < def->npages; i++) {
        HugepageDef *page = &def->pages[i];

        if (page->nodes && memBitmapLast(page->nodes) == 0)
            g_clear_pointer(&page->nodes, memBitmapFree);
    }
    return TRUE;
}

static gboolean validatePagePair(const HugepageDef *page, const HugepageDef *earlier, GError **err)
{
    if (!page->nodes && !earlier->nodes) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "two pages without a nodeset in '<hugepages>': '%" G_GUINT64_FORMAT "' KiB and '%" G_GUINT64_FORMAT "' KiB",
                    earlier->sizeKib, page->sizeKib);
        return FALSE;
    }
    if (memBitmapOverlaps(page->nodes, earlier->nodes)) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "the nodesets of the pages of '%" G_GUINT64_FORMAT "' KiB and '%" G_GUINT64_FORMAT "' KiB in '<hugepages>' intersect",
                    earlier->sizeKib, page->sizeKib);
        return FALSE;
    }
    return TRUE;
}

gboolean memoryBackingDefValidate(const MemoryBackingDef *def, const DomainDef *domain, GError **err)
{
    for (gsize i = 0; i < def->npages; i++) {
        const HugepageDef *page = &def->pages[i];
        int last = page->nodes ? memBitmapLast(page->nodes) : -1;

        if (last >= (int)domain->numa.ncells) {
            memErrorSet(err, VIR_ERR_XML_DETAIL, "node '%d' in the nodeset of a page in '<hugepages>' does not exist: the guest has '%" G_GSIZE_FORMAT "' nodes",
                        last, domain->numa.ncells);
            return FALSE;
        }
        for (gsize j = 0; j < i; j++) {
            if (!validatePagePair(page, &def->pages[j], err))
                return FALSE;
        }
    }
    return TRUE;
}

void memoryBackingDefClear(MemoryBackingDef *def)
{
    for (gsize i = 0; i < def->npages; i++)
        memBitmapFree(def->pages[i].nodes);
    g_free(def->pages);
    *def = (MemoryBackingDef){ 0 };
}

/* ---- memtune ---- */

gboolean memtuneDefParse(const xmlNode *node, MemtuneDef *def, GError **err)
{
    static const char *const none[] = { NULL };
    static const char *const children[] = { "hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit", NULL };

    return !node ||
           (memXmlOnlyAttrs(node, none, err) && memXmlOnlyChildren(node, children, err) && memXmlOnlyOnce(node, none, err) &&
            memXmlSizeKib(node, "hard_limit", FALSE, &def->hardLimitKib, &def->hasHard, err) &&
            memXmlSizeKib(node, "soft_limit", FALSE, &def->softLimitKib, &def->hasSoft, err) &&
            memXmlSizeKib(node, "min_guarantee", FALSE, &def->minGuaranteeKib, &def->hasMinGuarantee, err) &&
            memXmlSizeKib(node, "swap_hard_limit", FALSE, &def->swapHardLimitKib, &def->hasSwapHard, err));
}

static void formatLimit(MemXmlOut *out, const char *name, gboolean has, guint64 kib)
{
    if (has && kib < MEM_KIB_UNLIMITED)
        memXmlOutSizeKib(out, name, kib);
}

void memtuneDefFormat(MemXmlOut *out, const MemtuneDef *def)
{
    memXmlOutStart(out, "memtune");
    formatLimit(out, "hard_limit", def->hasHard, def->hardLimitKib);
    formatLimit(out, "soft_limit", def->hasSoft, def->softLimitKib);
    formatLimit(out, "swap_hard_limit", def->hasSwapHard, def->swapHardLimitKib);
    memXmlOutEndUnlessEmpty(out);
}

gboolean memtuneDefHasLimit(const MemtuneDef *def)
{
    return (def->hasHard && def->hardLimitKib < MEM_KIB_UNLIMITED) || (def->hasSoft && def->softLimitKib < MEM_KIB_UNLIMITED) ||
           (def->hasSwapHard && def->swapHardLimitKib < MEM_KIB_UNLIMITED);
}

gboolean memtuneDefValidate(const MemtuneDef *def, GError **err)
{
    if (!def->minGuaranteeKib)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '<min_guarantee>' of '<memtune>' is not supported: QEMU cannot guarantee memory");
    return FALSE;
}

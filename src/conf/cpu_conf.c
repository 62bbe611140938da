/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu_conf.c: <vcpu> and <cpu> without <numa> */
#include "conf/cpu_conf.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

#define VCPUS_MAX 4096
#define HOST_CPUS_MAX 16384
#define CACHE_LEVEL_MAX 3

MEM_ENUM_IMPL(cpuMode, CPU_MODE_LAST, NULL, "custom", "host-model", "host-passthrough", "maximum");
MEM_ENUM_IMPL(cpuMatch, CPU_MATCH_LAST, NULL, "minimum", "exact", "strict");
MEM_ENUM_IMPL(cpuCheck, CPU_CHECK_LAST, NULL, "none", "partial", "full");
MEM_ENUM_IMPL(cpuPolicy, CPU_POLICY_LAST, "force", "require", "optional", "disable", "forbid");
MEM_ENUM_IMPL(cpuCacheMode, CPU_CACHE_LAST, NULL, "emulate", "passthrough", "disable");
MEM_ENUM_IMPL(cpuAddressMode, CPU_ADDRESS_LAST, NULL, "emulate", "passthrough");

static const char *const nothing[] = { NULL };

CpuDef *cpuDefNew(void)
{
    CpuDef *def = g_new0(CpuDef, 1);

    def->cacheLevel = -1;
    return def;
}

void cpuDefFree(CpuDef *def)
{
    if (!def)
        return;
    for (gsize i = 0; i < def->nfeatures; i++)
        g_free(def->features[i].name);
    g_free(def->features);
    g_free(def->model);
    g_free(def->vendorId);
    g_free(def->vendor);
    g_free(def);
}

static gboolean parseMode(const xmlNode *node, CpuDef *def, GError **err)
{
    g_autofree char *mode = memXmlAttr(node, "mode");
    int match = CPU_MATCH_NONE, check = CPU_CHECK_DEFAULT, migratable = MEM_TRISTATE_ABSENT;

    if (mode && cpuModeFromString(mode) < 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "cpu mode '%s' is not one of 'custom', 'host-model', 'host-passthrough', 'maximum'", mode);
        return FALSE;
    }
    def->mode = mode ? (CpuMode)cpuModeFromString(mode) : CPU_MODE_NONE;
    if (!memXmlAttrEnum(node, "match", FALSE, cpuMatchFromString, &match, err) ||
        !memXmlAttrEnum(node, "check", FALSE, cpuCheckFromString, &check, err) ||
        !memXmlAttrOnOff(node, "migratable", &migratable, err))
        return FALSE;
    def->match = (CpuMatch)match;
    def->check = (CpuCheck)check;
    def->migratable = (MemTristate)migratable;
    if (migratable != MEM_TRISTATE_ABSENT && def->mode != CPU_MODE_HOST_PASSTHROUGH &&
        def->mode != CPU_MODE_MAXIMUM) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cpu attribute 'migratable' goes with mode 'host-passthrough' or 'maximum'");
        return FALSE;
    }
    return TRUE;
}

static gboolean parseModel(const xmlNode *cpu, CpuDef *def, GError **err)
{
    static const char *const attrs[] = { "fallback", "vendor_id", NULL };
    const xmlNode *node = memXmlChild(cpu, "model");
    g_autofree char *fallback = NULL;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err))
        return FALSE;
    def->model = memXmlText(node);
    fallback = memXmlAttr(node, "fallback");
    if (fallback && g_strcmp0(fallback, "allow") != 0 && g_strcmp0(fallback, "forbid") != 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cpu model fallback '%s' is not 'allow' or 'forbid'", fallback);
        return FALSE;
    }
    def->fallback = g_strcmp0(fallback, "forbid") == 0 ? MEM_TRISTATE_NO : MEM_TRISTATE_YES;
    def->vendorId = memXmlAttr(node, "vendor_id");
    if (def->vendorId && (strlen(def->vendorId) != CPU_VENDOR_ID_LENGTH || strchr(def->vendorId, ','))) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cpu model vendor_id '%s' is not %d characters without ','",
                    def->vendorId, CPU_VENDOR_ID_LENGTH);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseTopologyValue(const xmlNode *node, const char *name, gboolean required, unsigned *value,
                                   GError **err)
{
    *value = 1;
    if (!memXmlAttrUint(node, name, required, value, err))
        return FALSE;
    if (*value > 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "cpu topology %s '0' is not a positive number", name);
    return FALSE;
}

static gboolean parseTopology(const xmlNode *cpu, CpuDef *def, GError **err)
{
    static const char *const attrs[] = { "sockets", "dies", "cores", "threads", NULL };
    const xmlNode *node = memXmlChild(cpu, "topology");

    if (!node)
        return TRUE;
    return memXmlOnlyAttrs(node, attrs, err) && parseTopologyValue(node, "sockets", TRUE, &def->sockets, err) &&
           parseTopologyValue(node, "dies", FALSE, &def->dies, err) &&
           parseTopologyValue(node, "cores", TRUE, &def->cores, err) &&
           parseTopologyValue(node, "threads", TRUE, &def->threads, err);
}

/* QEMU takes the name as part of a comma list: anything but a plain word would be more than a feature. */
static gboolean plainName(const char *name)
{
    return name && *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+ ") ==
                                strlen(name);
}

static gboolean parseFeatures(const xmlNode *cpu, CpuDef *def, GError **err)
{
    static const char *const attrs[] = { "policy", "name", NULL };

    def->features = g_new0(CpuFeature, memXmlCountChildren(cpu, "feature"));
    for (const xmlNode *node = memXmlChild(cpu, "feature"); node; node = memXmlNext(node, "feature")) {
        g_autofree char *name = memXmlAttr(node, "name");
        g_autofree char *policyText = memXmlAttr(node, "policy");
        int policy = policyText ? cpuPolicyFromString(policyText) : CPU_POLICY_REQUIRE;

        if (!memXmlOnlyAttrs(node, attrs, err))
            return FALSE;
        if (policy < 0) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu feature policy '%s' is not one of 'force', 'require', "
                        "'optional', 'disable', 'forbid'", policyText);
            return FALSE;
        }
        if (!plainName(name)) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "cpu feature name '%s' is not a plain word", name ? name : "");
            return FALSE;
        }
        for (gsize i = 0; i < def->nfeatures; i++) {
            if (g_strcmp0(def->features[i].name, name) == 0) {
                memErrorSet(err, VIR_ERR_XML_ERROR, "cpu feature '%s' is given twice", name);
                return FALSE;
            }
        }
        def->features[def->nfeatures].policy = (CpuPolicy)policy;
        def->features[def->nfeatures++].name = g_steal_pointer(&name);
    }
    return TRUE;
}

static gboolean parseCache(const xmlNode *cpu, CpuDef *def, GError **err)
{
    static const char *const attrs[] = { "level", "mode", NULL };
    const xmlNode *node = memXmlChild(cpu, "cache");
    int mode = CPU_CACHE_NONE;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrInt(node, "level", FALSE, &def->cacheLevel, err) ||
        !memXmlAttrEnum(node, "mode", TRUE, cpuCacheModeFromString, &mode, err))
        return FALSE;
    if (memXmlHasAttr(node, "level") && (def->cacheLevel < 0 || def->cacheLevel > CACHE_LEVEL_MAX)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cpu cache level '%d' is not between '0' and '%d'", def->cacheLevel,
                    CACHE_LEVEL_MAX);
        return FALSE;
    }
    def->cacheMode = (CpuCacheMode)mode;
    return TRUE;
}

static gboolean parseAddress(const xmlNode *cpu, CpuDef *def, GError **err)
{
    static const char *const attrs[] = { "mode", "bits", NULL };
    const xmlNode *node = memXmlChild(cpu, "maxphysaddr");
    int mode = CPU_ADDRESS_NONE;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) ||
        !memXmlAttrEnum(node, "mode", TRUE, cpuAddressModeFromString, &mode, err) ||
        !memXmlAttrUint(node, "bits", FALSE, &def->addressBits, err))
        return FALSE;
    def->addressMode = (CpuAddressMode)mode;
    return TRUE;
}

CpuDef *cpuDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "mode", "match", "check", "migratable", NULL };
    static const char *const children[] = { "model", "vendor",      "topology", "feature",
                                            "cache", "maxphysaddr", "numa",     NULL };
    g_autoptr(CpuDef) def = cpuDefNew();

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !parseMode(node, def, err) || !parseModel(node, def, err) || !parseTopology(node, def, err) ||
        !parseFeatures(node, def, err) || !parseCache(node, def, err) || !parseAddress(node, def, err))
        return NULL;
    def->vendor = memXmlChildText(node, "vendor");
    if (def->model && !plainName(def->model)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "cpu model '%s' is not a plain word", def->model);
        return NULL;
    }
    cpuDefDefaults(def);
    return g_steal_pointer(&def);
}

void cpuDefDefaults(CpuDef *def)
{
    if (def->mode == CPU_MODE_NONE && def->model)
        def->mode = CPU_MODE_CUSTOM;
    switch (def->mode) {
    case CPU_MODE_CUSTOM:
        if (def->match == CPU_MATCH_NONE)
            def->match = CPU_MATCH_EXACT;
        if (def->check == CPU_CHECK_DEFAULT)
            def->check = CPU_CHECK_NONE;
        break;
    case CPU_MODE_HOST_MODEL:
        def->match = CPU_MATCH_NONE;
        if (def->check == CPU_CHECK_DEFAULT)
            def->check = CPU_CHECK_PARTIAL;
        break;
    case CPU_MODE_HOST_PASSTHROUGH:
    case CPU_MODE_MAXIMUM:
        def->match = CPU_MATCH_NONE;
        if (def->check == CPU_CHECK_DEFAULT)
            def->check = CPU_CHECK_NONE;
        if (def->mode == CPU_MODE_HOST_PASSTHROUGH && def->migratable == MEM_TRISTATE_ABSENT)
            def->migratable = MEM_TRISTATE_YES;
        break;
    case CPU_MODE_NONE:
    case CPU_MODE_LAST:
        break;
    }
}

static void formatBody(MemXmlOut *out, const CpuDef *def)
{
    memXmlOutAttr(out, "mode", cpuModeToString(def->mode));
    memXmlOutAttr(out, "match", cpuMatchToString(def->match));
    memXmlOutAttr(out, "check", cpuCheckToString(def->check));
    memXmlOutAttr(out, "migratable", memTristateSwitchToString(def->migratable));
    if (def->model && def->mode == CPU_MODE_CUSTOM) {
        memXmlOutStart(out, "model");
        memXmlOutAttr(out, "fallback", def->fallback == MEM_TRISTATE_NO ? "forbid" : "allow");
        memXmlOutAttr(out, "vendor_id", def->vendorId);
        memXmlOutEndText(out, def->model);
    }
    memXmlOutText(out, "vendor", def->vendor);
    if (def->sockets) {
        memXmlOutStart(out, "topology");
        memXmlOutAttrUint64(out, "sockets", def->sockets);
        memXmlOutAttrUint64(out, "dies", def->dies);
        memXmlOutAttrUint64(out, "cores", def->cores);
        memXmlOutAttrUint64(out, "threads", def->threads);
        memXmlOutEnd(out);
    }
    if (def->cacheMode != CPU_CACHE_NONE) {
        memXmlOutStart(out, "cache");
        if (def->cacheLevel >= 0)
            memXmlOutAttrUint64(out, "level", (guint64)def->cacheLevel);
        memXmlOutAttr(out, "mode", cpuCacheModeToString(def->cacheMode));
        memXmlOutEnd(out);
    }
    if (def->addressMode != CPU_ADDRESS_NONE) {
        memXmlOutStart(out, "maxphysaddr");
        memXmlOutAttr(out, "mode", cpuAddressModeToString(def->addressMode));
        if (def->addressBits)
            memXmlOutAttrUint64(out, "bits", def->addressBits);
        memXmlOutEnd(out);
    }
    for (gsize i = 0; i < def->nfeatures; i++) {
        memXmlOutStart(out, "feature");
        memXmlOutAttr(out, "policy", cpuPolicyToString(def->features[i].policy));
        memXmlOutAttr(out, "name", def->features[i].name);
        memXmlOutEnd(out);
    }
}

void cpuDefFormat(MemXmlOut *out, const CpuDef *def, const NumaDef *numa)
{
    memXmlOutStart(out, "cpu");
    if (def)
        formatBody(out, def);
    numaCellsFormat(out, numa);
    memXmlOutEndUnlessEmpty(out);
}

static gboolean validateAddress(const CpuDef *def, GError **err)
{
    if (def->addressMode == CPU_ADDRESS_EMULATE && !def->addressBits) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu maxphysaddr mode 'emulate' has no attribute 'bits'");
        return FALSE;
    }
    if (def->addressMode == CPU_ADDRESS_PASSTHROUGH &&
        (def->mode != CPU_MODE_HOST_PASSTHROUGH || def->addressBits)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "cpu maxphysaddr mode 'passthrough' goes with cpu mode 'host-passthrough' and without 'bits'");
        return FALSE;
    }
    return TRUE;
}

static gboolean validateCache(const CpuDef *def, GError **err)
{
    gboolean host = def->mode == CPU_MODE_HOST_PASSTHROUGH || def->mode == CPU_MODE_MAXIMUM;

    switch (def->cacheMode) {
    case CPU_CACHE_EMULATE:
        if (def->cacheLevel == 3)
            return TRUE;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu cache mode 'emulate' goes with level '3' only");
        return FALSE;
    case CPU_CACHE_PASSTHROUGH:
        if (host && def->cacheLevel < 0)
            return TRUE;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu cache mode 'passthrough' goes with cpu mode "
                    "'host-passthrough' or 'maximum' and without 'level'");
        return FALSE;
    case CPU_CACHE_DISABLE:
        if (def->cacheLevel < 0)
            return TRUE;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu cache mode 'disable' goes without 'level'");
        return FALSE;
    case CPU_CACHE_NONE:
    case CPU_CACHE_LAST:
        break;
    }
    return TRUE;
}

gboolean cpuDefValidate(const CpuDef *def, const DomainDef *domain, GError **err)
{
    guint64 count = (guint64)def->sockets * def->dies * def->cores * def->threads;

    if (def->mode == CPU_MODE_CUSTOM && !def->model && def->nfeatures) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu mode 'custom' has features but no <model>");
        return FALSE;
    }
    if (def->sockets && count != domain->vcpus.max) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "cpu topology '%u' sockets '%u' dies '%u' cores '%u' threads does not make '%u' vcpus",
                    def->sockets, def->dies, def->cores, def->threads, domain->vcpus.max);
        return FALSE;
    }
    return validateAddress(def, err) && validateCache(def, err);
}

gboolean vcpusParse(const xmlNode *node, DomainVcpus *vcpus, GError **err)
{
    static const char *const attrs[] = { "placement", "cpuset", "current", NULL };
    g_autofree char *text = memXmlText(node);
    g_autofree char *placement = memXmlAttr(node, "placement");
    g_autofree char *cpuset = memXmlAttr(node, "cpuset");

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, nothing, err))
        return FALSE;
    if (!memUnitsParseUint(text, &vcpus->max)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "vcpu '%s' is not a number", text ? text : "");
        return FALSE;
    }
    if (placement && g_strcmp0(placement, "auto") != 0 && g_strcmp0(placement, "static") != 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "vcpu placement '%s' is not 'static' or 'auto'", placement);
        return FALSE;
    }
    vcpus->placementAuto = g_strcmp0(placement, "auto") == 0;
    if (cpuset && !vcpus->placementAuto) {
        vcpus->cpuset = memBitmapParse(cpuset, HOST_CPUS_MAX, err);
        if (!vcpus->cpuset)
            return FALSE;
        if (memBitmapIsEmpty(vcpus->cpuset)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "vcpu cpuset '%s' names no host CPU", cpuset);
            return FALSE;
        }
    }
    return memXmlAttrUint(node, "current", FALSE, &vcpus->current, err);
}

void vcpusFormat(MemXmlOut *out, const DomainVcpus *vcpus)
{
    memXmlOutStart(out, "vcpu");
    memXmlOutAttr(out, "placement", vcpus->placementAuto ? "auto" : "static");
    if (vcpus->cpuset) {
        g_autofree char *cpuset = memBitmapFormat(vcpus->cpuset);

        memXmlOutAttr(out, "cpuset", cpuset);
    }
    if (vcpus->current && vcpus->current != vcpus->max)
        memXmlOutAttrUint64(out, "current", vcpus->current);
    memXmlOutEndTextUint64(out, vcpus->max);
}

gboolean vcpusValidate(const DomainDef *domain, GError **err)
{
    const DomainVcpus *vcpus = &domain->vcpus;

    if (vcpus->max == 0) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "vcpu '0' is not a positive number");
        return FALSE;
    }
    if (vcpus->max > VCPUS_MAX) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "vcpu '%u' is more than '%d'", vcpus->max, VCPUS_MAX);
        return FALSE;
    }
    if (vcpus->current > vcpus->max) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "vcpu current '%u' is more than the maximum '%u'",
                    vcpus->current, vcpus->max);
        return FALSE;
    }
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* features_conf.c: <features>: ACPI, Hyper-V enlightenments, GIC and other parts of a platform */
#include "conf/guest_conf.h"

#include "util/mem_error.h"

#include <string.h>

#define HYPERV_SPINLOCKS_LEAST 4095
#define HYPERV_VENDOR_ID_MOST 12
#define KVM_DIRTY_RING_LEAST 1024
#define KVM_DIRTY_RING_MOST 65536

MEM_ENUM_IMPL(featureFlag, FEATURE_LAST, "acpi", "apic", "pae");
MEM_ENUM_IMPL(featureSwitch, FEATURE_SWITCH_LAST, "vmport", "smm", "vmcoreinfo");
MEM_ENUM_IMPL(hypervFeature, HYPERV_LAST, "relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer",
              "reset", "vendor_id", "frequencies", "reenlightenment", "tlbflush", "ipi");
MEM_ENUM_IMPL(hypervMode, HYPERV_MODE_LAST, NULL, "custom", "passthrough");
MEM_ENUM_IMPL(gicVersion, GIC_LAST, NULL, "2", "3", "host");

static const char *const noAttrs[] = { NULL };
static const char *const stateAttrs[] = { "state", NULL };

/* <x state='on'/>: without a state it is on where @bareIsOn, and an error elsewhere. */
static gboolean parseState(const xmlNode *node, gboolean bareIsOn, MemTristate *value, GError **err)
{
    int state = MEM_TRISTATE_ABSENT;

    if (!memXmlAttrOnOff(node, "state", &state, err))
        return FALSE;
    if (state == MEM_TRISTATE_ABSENT && !bareIsOn) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element '%s' has no attribute 'state': give 'on' or 'off'", node->name);
        return FALSE;
    }
    *value = state == MEM_TRISTATE_ABSENT ? MEM_TRISTATE_YES : (MemTristate)state;
    return TRUE;
}

static gboolean parseSpinlocks(const xmlNode *node, FeaturesDef *def, GError **err)
{
    if (def->hyperv[HYPERV_SPINLOCKS] != MEM_TRISTATE_YES)
        return TRUE;
    if (!memXmlAttrUint(node, "retries", TRUE, &def->hypervSpinlocks, err))
        return FALSE;
    if (def->hypervSpinlocks >= HYPERV_SPINLOCKS_LEAST)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "hyperv spinlocks retries '%u' is less than '%d'", def->hypervSpinlocks,
                HYPERV_SPINLOCKS_LEAST);
    return FALSE;
}

static gboolean parseVendorId(const xmlNode *node, FeaturesDef *def, GError **err)
{
    if (def->hyperv[HYPERV_VENDOR_ID] != MEM_TRISTATE_YES)
        return TRUE;
    def->hypervVendorId = memXmlAttr(node, "value");
    if (def->hypervVendorId && strlen(def->hypervVendorId) <= HYPERV_VENDOR_ID_MOST &&
        !strchr(def->hypervVendorId, ','))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "hyperv vendor_id value '%s' is not a text of at most %d characters without ','",
                def->hypervVendorId ? def->hypervVendorId : "", HYPERV_VENDOR_ID_MOST);
    return FALSE;
}

static gboolean parseStimer(const xmlNode *node, FeaturesDef *def, GError **err)
{
    static const char *const children[] = { "direct", NULL };
    const xmlNode *direct = memXmlChild(node, "direct");

    if (!memXmlOnlyChildren(node, children, err))
        return FALSE;
    return !direct || parseState(direct, FALSE, &def->hypervStimerDirect, err);
}

static gboolean parseHypervFeature(const xmlNode *node, HypervFeature feature, FeaturesDef *def, GError **err)
{
    static const char *const spinlocksAttrs[] = { "state", "retries", NULL };
    static const char *const vendorAttrs[] = { "state", "value", NULL };
    const char *const *attrs = feature == HYPERV_SPINLOCKS   ? spinlocksAttrs
                               : feature == HYPERV_VENDOR_ID ? vendorAttrs
                                                             : stateAttrs;

    if (!memXmlOnlyAttrs(node, attrs, err) || !parseState(node, FALSE, &def->hyperv[feature], err))
        return FALSE;
    if (feature == HYPERV_SPINLOCKS)
        return parseSpinlocks(node, def, err);
    if (feature == HYPERV_VENDOR_ID)
        return parseVendorId(node, def, err);
    if (feature == HYPERV_STIMER)
        return parseStimer(node, def, err);
    return TRUE;
}

static gboolean parseHyperv(const xmlNode *hyperv, FeaturesDef *def, GError **err)
{
    static const char *const attrs[] = { "mode", NULL };
    int mode = HYPERV_MODE_CUSTOM;

    if (!memXmlOnlyAttrs(hyperv, attrs, err) ||
        !memXmlAttrEnum(hyperv, "mode", FALSE, hypervModeFromString, &mode, err))
        return FALSE;
    def->hypervMode = (HypervMode)mode;
    for (const xmlNode *node = memXmlChild(hyperv, NULL); node; node = memXmlNext(node, NULL)) {
        int feature = hypervFeatureFromString((const char *)node->name);

        if (feature < 0) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '%s' in 'hyperv' is not supported", node->name);
            return FALSE;
        }
        if (def->hyperv[feature] != MEM_TRISTATE_ABSENT) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "element '%s' is given twice in 'hyperv'", node->name);
            return FALSE;
        }
        if (!parseHypervFeature(node, (HypervFeature)feature, def, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean parseDirtyRing(const xmlNode *node, FeaturesDef *def, GError **err)
{
    static const char *const attrs[] = { "state", "size", NULL };
    unsigned size = 0;

    if (!memXmlOnlyAttrs(node, attrs, err) || !parseState(node, FALSE, &def->kvmDirtyRing, err))
        return FALSE;
    if (def->kvmDirtyRing != MEM_TRISTATE_YES)
        return TRUE;
    if (!memXmlAttrUint(node, "size", TRUE, &size, err))
        return FALSE;
    def->kvmDirtyRingSize = size;
    if (size >= KVM_DIRTY_RING_LEAST && size <= KVM_DIRTY_RING_MOST && (size & (size - 1)) == 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "size '%u' of '<dirty-ring>' is invalid: it must be a power of two from %d to %d", size,
                KVM_DIRTY_RING_LEAST, KVM_DIRTY_RING_MOST);
    return FALSE;
}

static gboolean parseKvm(const xmlNode *kvm, FeaturesDef *def, GError **err)
{
    static const char *const children[] = { "dirty-ring", "hidden", NULL };
    const xmlNode *hidden = memXmlChild(kvm, "hidden");
    const xmlNode *ring = memXmlChild(kvm, "dirty-ring");

    if (!memXmlOnlyChildren(kvm, children, err))
        return FALSE;
    return (!hidden || parseState(hidden, FALSE, &def->kvmHidden, err)) && (!ring || parseDirtyRing(ring, def, err));
}

static gboolean parseGic(const xmlNode *node, FeaturesDef *def, GError **err)
{
    static const char *const attrs[] = { "version", NULL };
    int version = GIC_NONE;

    if (!memXmlOnlyAttrs(node, attrs, err) ||
        !memXmlAttrEnum(node, "version", FALSE, gicVersionFromString, &version, err))
        return FALSE;
    def->gic = (GicVersion)version;
    def->hasGic = TRUE;
    return TRUE;
}

static gboolean parseFeature(const xmlNode *node, FeaturesDef *def, GError **err)
{
    const char *name = (const char *)node->name;
    int flag = featureFlagFromString(name);
    int state = featureSwitchFromString(name);

    if (flag >= 0) {
        def->flags[flag] = TRUE;
        return memXmlOnlyAttrs(node, noAttrs, err) && memXmlOnlyChildren(node, noAttrs, err);
    }
    if (state >= 0)
        return memXmlOnlyAttrs(node, stateAttrs, err) && memXmlOnlyChildren(node, noAttrs, err) &&
               parseState(node, TRUE, &def->switches[state], err);
    if (memXmlIs(node, "hyperv"))
        return parseHyperv(node, def, err);
    if (memXmlIs(node, "kvm"))
        return parseKvm(node, def, err);
    if (memXmlIs(node, "gic"))
        return parseGic(node, def, err);
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '%s' in 'features' is not supported", name);
    return FALSE;
}

gboolean featuresDefParse(const xmlNode *node, FeaturesDef *def, GError **err)
{
    for (const xmlNode *child = memXmlChild(node, NULL); child; child = memXmlNext(child, NULL)) {
        if (!parseFeature(child, def, err))
            return FALSE;
    }
    return TRUE;
}

static void formatState(MemXmlOut *out, const char *name, MemTristate state)
{
    memXmlOutStart(out, name);
    memXmlOutAttr(out, "state", memTristateSwitchToString(state));
    memXmlOutEndUnlessEmpty(out);
}

static void formatHyperv(MemXmlOut *out, const FeaturesDef *def)
{
    if (def->hypervMode == HYPERV_MODE_NONE)
        return;
    memXmlOutStart(out, "hyperv");
    memXmlOutAttr(out, "mode", hypervModeToString(def->hypervMode));
    for (int i = 0; i < HYPERV_LAST; i++) {
        if (def->hyperv[i] == MEM_TRISTATE_ABSENT)
            continue;
        memXmlOutStart(out, hypervFeatureToString(i));
        memXmlOutAttr(out, "state", memTristateSwitchToString(def->hyperv[i]));
        if (i == HYPERV_SPINLOCKS && def->hyperv[i] == MEM_TRISTATE_YES)
            memXmlOutAttrUint64(out, "retries", def->hypervSpinlocks);
        if (i == HYPERV_VENDOR_ID)
            memXmlOutAttr(out, "value", def->hypervVendorId);
        if (i == HYPERV_STIMER)
            formatState(out, "direct", def->hypervStimerDirect);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

static void formatKvm(MemXmlOut *out, const FeaturesDef *def)
{
    if (def->kvmHidden == MEM_TRISTATE_ABSENT && def->kvmDirtyRing == MEM_TRISTATE_ABSENT)
        return;
    memXmlOutStart(out, "kvm");
    if (def->kvmHidden != MEM_TRISTATE_ABSENT)
        formatState(out, "hidden", def->kvmHidden);
    if (def->kvmDirtyRing != MEM_TRISTATE_ABSENT) {
        memXmlOutStart(out, "dirty-ring");
        memXmlOutAttr(out, "state", memTristateSwitchToString(def->kvmDirtyRing));
        if (def->kvmDirtyRingSize)
            memXmlOutAttrUint64(out, "size", def->kvmDirtyRingSize);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

void featuresDefFormat(MemXmlOut *out, const FeaturesDef *def)
{
    memXmlOutStart(out, "features");
    for (int i = 0; i < FEATURE_LAST; i++) {
        if (def->flags[i])
            memXmlOutEmpty(out, featureFlagToString(i));
    }
    formatHyperv(out, def);
    formatKvm(out, def);
    if (def->hasGic) {
        memXmlOutStart(out, "gic");
        memXmlOutAttr(out, "version", gicVersionToString(def->gic));
        memXmlOutEnd(out);
    }
    for (int i = 0; i < FEATURE_SWITCH_LAST; i++)
        formatState(out, featureSwitchToString(i), def->switches[i]);
    memXmlOutEndUnlessEmpty(out);
}

void featuresDefClear(FeaturesDef *def)
{
    g_clear_pointer(&def->hypervVendorId, g_free);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cpu_compare.c: a <cpu> against the host, and the CPU that several hosts have in common */

#include "qemu/qemu_cpu.h"
#include "qemu/qemu_cpu_priv.h"

#include "util/mem_error.h"
#include "util/mem_xml.h"

#include <libvirt/libvirt.h>
#include <string.h>

/* What the XML of a CPU says, the host's form (<arch>, features without policy) or a guest's. */
typedef struct {
    char *arch, *mode, *match, *model;
    QemuCpuSet set;             /* features that it must have, its model's among them */
    QemuCpuSet without;         /* features that it must not have */
    gboolean isX86;
} CpuText;

static void cpuTextClear(CpuText *text)
{
    g_clear_pointer(&text->arch, g_free);
    g_clear_pointer(&text->mode, g_free);
    g_clear_pointer(&text->match, g_free);
    g_clear_pointer(&text->model, g_free);
    qemuCpuSetClear(&text->set);
    qemuCpuSetClear(&text->without);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CpuText, cpuTextClear)

static const QemuCpuModel *findModel(const QemuCaps *caps, const char *name, GError **err)
{
    gsize count;
    const QemuCpuModel *models = qemuCapsCpuModelList(caps, &count);

    for (gsize i = 0; i < count; i++) {
        if (models[i].features && g_str_equal(models[i].name, name))
            return &models[i];
    }
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "Unknown CPU model '%s'", name);
    return NULL;
}

static gboolean parseFeature(CpuText *text, const xmlNode *node, GError **err)
{
    g_autofree char *name = memXmlAttr(node, "name");
    g_autofree char *policy = memXmlAttr(node, "policy");

    if (!name || !*name) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element 'feature' of 'cpu' has no attribute 'name'");
        return FALSE;
    }
    if (!policy || g_str_equal(policy, "require") || g_str_equal(policy, "force")) {
        qemuCpuSetAdd(&text->set, name);
    } else if (g_str_equal(policy, "disable") || g_str_equal(policy, "forbid")) {
        g_autofree char *bare = qemuCpuBareName(name);

        g_hash_table_remove(text->set.features, bare);
        if (g_str_equal(policy, "forbid"))
            qemuCpuSetAdd(&text->without, name);
    } else if (!g_str_equal(policy, "optional")) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "policy '%s' of CPU feature '%s' is not known", policy, name);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseModel(CpuText *text, const QemuCaps *caps, GError **err)
{
    const QemuCpuModel *model;

    if (!text->model || !text->isX86)
        return TRUE;
    if (!(model = findModel(caps, text->model, err)))
        return FALSE;
    text->set.vendor = qemuCpuModelVendorName(model) ? qemuCpuVendorId(model->vendor) : NULL;
    for (const char **name = model->features; *name; name++)
        qemuCpuSetAdd(&text->set, *name);
    return TRUE;
}

static gboolean parseCpu(CpuText *text, const QemuCaps *caps, const char *xml, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "CPU_definition", err);
    g_autofree char *vendor = NULL;
    xmlNode *root;

    if (!doc || !(root = memXmlRoot(doc, "cpu", err)))
        return FALSE;
    qemuCpuSetInit(&text->set);
    qemuCpuSetInit(&text->without);
    text->arch = memXmlChildText(root, "arch");
    text->mode = memXmlAttr(root, "mode");
    text->match = memXmlAttr(root, "match");
    text->model = memXmlChildText(root, "model");
    text->isX86 = !text->arch || g_str_equal(text->arch, "x86_64") || g_str_equal(text->arch, "i686");
    if (!parseModel(text, caps, err))
        return FALSE;
    if ((vendor = memXmlChildText(root, "vendor")))
        text->set.vendor = qemuCpuVendorId(vendor);
    for (xmlNode *node = memXmlChild(root, "feature"); node; node = memXmlNext(node, "feature")) {
        if (!parseFeature(text, node, err))
            return FALSE;
    }
    return TRUE;
}

/* Does a CPU of this kind follow the host, whatever that is? */
static gboolean followsHost(const CpuText *text)
{
    return g_strcmp0(text->mode, "host-passthrough") == 0 || g_strcmp0(text->mode, "host-model") == 0 ||
           g_strcmp0(text->mode, "maximum") == 0;
}

/* What stands between @text and @host, in words; NULL: nothing. Caller frees. */
static char *findObstacle(const CpuText *text, const QemuCpuSet *host)
{
    GString *missing = g_string_new(NULL);
    GHashTableIter iter;
    gpointer name;

    if (!text->isX86) {
        g_string_free(missing, TRUE);
        return g_strdup_printf("the CPU is for architecture '%s'", text->arch);
    }
    if (text->set.vendor && g_strcmp0(text->set.vendor, host->vendor) != 0) {
        g_string_free(missing, TRUE);
        return g_strdup_printf("the CPU is of vendor '%s'", qemuCpuVendorName(text->set.vendor));
    }
    g_hash_table_iter_init(&iter, text->set.features);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (!qemuCpuIsOfHypervisor(name) && !g_hash_table_contains(host->features, name))
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "the host lacks features: ", (char *)name);
    }
    g_hash_table_iter_init(&iter, text->without.features);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (g_hash_table_contains(host->features, name))
            g_string_append_printf(missing, "%sthe host has forbidden feature '%s'", missing->len ? ", " : "", (char *)name);
    }
    if (missing->len)
        return g_string_free(missing, FALSE);
    g_string_free(missing, TRUE);
    return NULL;
}

static gboolean hostHasMore(const QemuCaps *caps, const CpuText *text, const QemuCpuSet *host)
{
    g_autofree const char **all = qemuCpuBeyond(caps, host, NULL);

    for (const char **name = all; *name; name++) {
        if (!qemuCpuSetHas(&text->set, *name))
            return TRUE;
    }
    return FALSE;
}

int qemuCpuCompare(const QemuCaps *caps, const QemuCpuSet *host, const char *xml, unsigned flags, GError **err)
{
    g_auto(CpuText) text = { 0 };
    g_autofree char *obstacle = NULL;
    int result;

    if (!parseCpu(&text, caps, xml, err))
        return VIR_CPU_COMPARE_ERROR;
    if (!text.model && !followsHost(&text) && text.isX86) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "Missing CPU model name");
        return VIR_CPU_COMPARE_ERROR;
    }
    if ((obstacle = findObstacle(&text, host)))
        result = VIR_CPU_COMPARE_INCOMPATIBLE;
    else if (followsHost(&text) || !hostHasMore(caps, &text, host))
        result = VIR_CPU_COMPARE_IDENTICAL;
    else
        result = VIR_CPU_COMPARE_SUPERSET;
    if (result == VIR_CPU_COMPARE_SUPERSET && g_strcmp0(text.match, "strict") == 0) {
        result = VIR_CPU_COMPARE_INCOMPATIBLE;
        obstacle = g_strdup("the host has more features than match 'strict' allows");
    }
    if (result != VIR_CPU_COMPARE_INCOMPATIBLE || !(flags & VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE))
        return result;
    memErrorSet(err, VIR_ERR_CPU_INCOMPATIBLE, "%s", obstacle);
    return VIR_CPU_COMPARE_ERROR;
}

/* ---- baseline ---- */

static void intersect(QemuCpuSet *into, const QemuCpuSet *with)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, into->features);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (!g_hash_table_contains(with->features, name))
            g_hash_table_iter_remove(&iter);
    }
    if (g_strcmp0(into->vendor, with->vendor) != 0)
        into->vendor = NULL;
}

static void formatFeatures(MemXmlOut *out, const char *const *names)
{
    for (; *names; names++) {
        memXmlOutStart(out, "feature");
        memXmlOutAttr(out, "policy", "require");
        memXmlOutAttr(out, "name", qemuCpuFeatureName(*names));
        memXmlOutEnd(out);
    }
}

static char *formatBaseline(const char *model, const char *fallback, const char *vendor, const char *const *features)
{
    MemXmlOut *out = memXmlOutNew();

    memXmlOutStart(out, "cpu");
    memXmlOutAttr(out, "mode", "custom");
    memXmlOutAttr(out, "match", "exact");
    memXmlOutStart(out, "model");
    memXmlOutAttr(out, "fallback", fallback);
    memXmlOutEndText(out, model);
    memXmlOutText(out, "vendor", qemuCpuVendorName(vendor));
    if (features)
        formatFeatures(out, features);
    memXmlOutEnd(out);
    return memXmlOutSteal(out);
}

/* Of other architectures nothing is known but the name: all must be the same. */
static char *baselineByName(const CpuText *first, const CpuText *texts, unsigned count, GError **err)
{
    for (unsigned i = 0; i < count; i++) {
        if (!texts[i].model || g_strcmp0(texts[i].model, first->model) != 0 ||
            g_strcmp0(texts[i].arch, first->arch) != 0) {
            memErrorSet(err, VIR_ERR_OPERATION_FAILED, "CPUs are incompatible: models '%s' and '%s'",
                        first->model ? first->model : "", texts[i].model ? texts[i].model : "");
            return NULL;
        }
    }
    return formatBaseline(first->model, "allow", NULL, NULL);
}

static char *baselineByFeatures(const QemuCaps *caps, QemuCpuSet *common, unsigned flags, GError **err)
{
    const QemuCpuModel *model;
    g_autofree const char **features = NULL;

    if (flags & VIR_CONNECT_BASELINE_CPU_MIGRATABLE)
        g_hash_table_remove(common->features, "invtsc");
    if (!(model = qemuCpuBestModel(caps, common))) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "CPUs are incompatible: no model has only what they have in common");
        return NULL;
    }
    features = qemuCpuBeyond(caps, common, flags & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES ? NULL : model);
    return formatBaseline(model->name, "forbid", common->vendor, features);
}

char *qemuCpuBaseline(const QemuCaps *caps, char *const *xmlCpus, unsigned count, unsigned flags, GError **err)
{
    g_autofree CpuText *texts = g_new0(CpuText, MAX(count, 1));
    gboolean ok = TRUE, allX86 = TRUE;
    char *result = NULL;

    if (count == 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "a baseline needs at least one CPU");
        return NULL;
    }
    for (unsigned i = 0; i < count && ok; i++) {
        ok = parseCpu(&texts[i], caps, xmlCpus[i], err);
        if (ok && !texts[i].model) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "no CPU model specified for CPU '%u'", i);
            ok = FALSE;
        }
        allX86 = allX86 && ok && texts[i].isX86;
        if (allX86 && i > 0)
            intersect(&texts[0].set, &texts[i].set);
    }
    if (ok)
        result = allX86 ? baselineByFeatures(caps, &texts[0].set, flags, err) : baselineByName(texts, texts, count, err);
    for (unsigned i = 0; i < count; i++)
        cpuTextClear(&texts[i]);
    return result;
}

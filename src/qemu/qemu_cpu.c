/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cpu.c: x86 CPUs as sets of features: the host's, the models' */

#include "qemu/qemu_cpu.h"
#include "qemu/qemu_cpu_priv.h"
#include "qemu/qemu_host.h"

#include <string.h>

#define BARE_NAME_SIZE 64

/* The kernel's names that are not just spelled otherwise than QEMU's. It has one name for what Intel and AMD do in their
 * own ways, and QEMU two: of Intel's "ibrs" and "ibpb" are both "spec-ctrl". */
static const struct {
    const char *kernel, *qemu;
    gboolean intelOnly;
} kernelNames[] = {
    { "tsc_deadline_timer", "tsc-deadline", FALSE },
    { "nonstop_tsc", "invtsc", FALSE },
    { "ibrs", "spec-ctrl", TRUE },
    { "ibpb", "spec-ctrl", TRUE },
};

/* libvirt's names where they differ from QEMU's. */
static const struct {
    const char *qemu, *libvirt;
} libvirtNames[] = {
    { "cmp-legacy", "cmp_legacy" }, { "ds-cpl", "ds_cpl" },         { "fxsr-opt", "fxsr_opt" },
    { "kvm-pv-eoi", "kvm_pv_eoi" }, { "kvm-pv-unhalt", "kvm_pv_unhalt" }, { "lahf-lm", "lahf_lm" },
    { "nodeid-msr", "nodeid_msr" }, { "pclmulqdq", "pclmuldq" },    { "perfctr-core", "perfctr_core" },
    { "perfctr-nb", "perfctr_nb" }, { "tsc-adjust", "tsc_adjust" },
};

static const struct {
    const char *id, *name;
} vendors[] = {
    { "GenuineIntel", "Intel" },
    { "AuthenticAMD", "AMD" },
    { "HygonGenuine", "Hygon" },
};

/* QEMU gives these a vendor, and means nobody's CPU. */
static const char *const genericModels[] = {
    "486", "kvm32", "kvm64", "pentium", "pentium2", "pentium3", "qemu32", "qemu64", NULL,
};

void qemuCpuSetClear(QemuCpuSet *set)
{
    g_clear_pointer(&set->features, g_hash_table_unref);
}

void qemuCpuSetInit(QemuCpuSet *set)
{
    set->features = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    set->vendor = NULL;
}

/* Looked up thousands of times for one document: no memory is taken. A name as long as that is nobody's. */
static void writeBareName(const char *name, char bare[BARE_NAME_SIZE])
{
    gsize length = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(libvirtNames); i++) {
        if (g_str_equal(name, libvirtNames[i].libvirt))
            name = libvirtNames[i].qemu;
    }
    for (; *name && length < BARE_NAME_SIZE - 1; name++) {
        if (*name != '-' && *name != '_' && *name != '.')
            bare[length++] = *name;
    }
    bare[length] = '\0';
}

char *qemuCpuBareName(const char *name)
{
    char bare[BARE_NAME_SIZE];

    writeBareName(name, bare);
    return g_strdup(bare);
}

void qemuCpuSetAdd(QemuCpuSet *set, const char *name)
{
    g_hash_table_add(set->features, qemuCpuBareName(name));
}

gboolean qemuCpuSetHas(const QemuCpuSet *set, const char *name)
{
    char bare[BARE_NAME_SIZE];

    writeBareName(name, bare);
    return g_hash_table_contains(set->features, bare);
}

gboolean qemuCpuIsOfHypervisor(const char *name)
{
    return g_str_equal(name, "hypervisor") || g_str_equal(name, "x2apic") || g_str_equal(name, "arat") ||
           g_str_has_prefix(name, "kvm");
}

const char *qemuCpuVendorId(const char *nameOrId)
{
    for (gsize i = 0; i < G_N_ELEMENTS(vendors); i++) {
        if (g_strcmp0(nameOrId, vendors[i].id) == 0 || g_strcmp0(nameOrId, vendors[i].name) == 0)
            return vendors[i].id;
    }
    return NULL;
}

const char *qemuCpuVendorName(const char *vendorId)
{
    for (gsize i = 0; i < G_N_ELEMENTS(vendors); i++) {
        if (g_strcmp0(vendorId, vendors[i].id) == 0)
            return vendors[i].name;
    }
    return NULL;
}

const char *qemuCpuModelVendorName(const QemuCpuModel *model)
{
    return g_strv_contains(genericModels, model->name) ? NULL : qemuCpuVendorName(model->vendor);
}

const char *qemuCpuFeatureName(const char *qemuName)
{
    for (gsize i = 0; i < G_N_ELEMENTS(libvirtNames); i++) {
        if (g_str_equal(qemuName, libvirtNames[i].qemu))
            return libvirtNames[i].libvirt;
    }
    return qemuName;
}

gboolean qemuCpuModelIsNamed(const QemuCpuModel *model)
{
    static const char *const special[] = { "base", "host", "max", NULL };
    const char *dash = strrchr(model->name, '-');

    if (g_strv_contains(special, model->name))
        return FALSE;
    return !dash || dash[1] != 'v' || !dash[2] || strspn(dash + 2, "0123456789") != strlen(dash + 2);
}

static const char *nameOfFlag(const char *flag, gboolean intel)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kernelNames); i++) {
        if (g_str_equal(flag, kernelNames[i].kernel) && (intel || !kernelNames[i].intelOnly))
            return kernelNames[i].qemu;
    }
    return flag;
}

void qemuCpuHost(QemuCpuSet *set)
{
    g_auto(QemuHostCpuInfo) info = { 0 };

    qemuHostCpuInfoGet(&info);
    qemuCpuSetInit(set);
    set->vendor = qemuCpuVendorId(info.vendor);
    for (char **flag = info.flags; *flag; flag++)
        qemuCpuSetAdd(set, nameOfFlag(*flag, g_strcmp0(set->vendor, "GenuineIntel") == 0));
}

void qemuCpuMax(QemuCpuSet *set, const QemuCaps *caps)
{
    qemuCpuSetInit(set);
    set->vendor = qemuCpuVendorId(qemuCapsMaxCpuVendor(caps));
    for (const char *const *name = qemuCapsMaxCpuFeatures(caps); *name; name++)
        qemuCpuSetAdd(set, *name);
}

static gboolean modelFits(const QemuCpuModel *model, const QemuCpuSet *set)
{
    const char *vendor = qemuCpuModelVendorName(model);

    if (vendor && g_strcmp0(vendor, qemuCpuVendorName(set->vendor)) != 0)
        return FALSE;
    for (const char **name = model->features; *name; name++) {
        if (!qemuCpuIsOfHypervisor(*name) && !qemuCpuSetHas(set, *name))
            return FALSE;
    }
    return TRUE;
}

const QemuCpuModel *qemuCpuBestModel(const QemuCaps *caps, const QemuCpuSet *set)
{
    const QemuCpuModel *best = NULL;
    guint bestSize = 0;
    gsize count;
    const QemuCpuModel *models = qemuCapsCpuModelList(caps, &count);

    for (gsize i = 0; i < count; i++) {
        guint size = models[i].features ? g_strv_length((char **)models[i].features) : 0;

        if (size > bestSize && modelFits(&models[i], set)) {
            best = &models[i];
            bestSize = size;
        }
    }
    return best;
}

static int compareNames(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Add to @names, once, what of @features is in @set and not in @without. */
static void addBeyond(GPtrArray *names, GHashTable *seen, const char *const *features, const QemuCpuSet *set,
                      const QemuCpuModel *without)
{
    for (; features && *features; features++) {
        if (!qemuCpuSetHas(set, *features) || g_hash_table_contains(seen, *features) ||
            (without && g_strv_contains(without->features, *features)))
            continue;
        g_hash_table_add(seen, (gpointer)*features);
        g_ptr_array_add(names, (gpointer)*features);
    }
}

const char **qemuCpuBeyond(const QemuCaps *caps, const QemuCpuSet *set, const QemuCpuModel *model)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *names = g_ptr_array_new();
    gsize count;
    const QemuCpuModel *models = qemuCapsCpuModelList(caps, &count);

    addBeyond(names, seen, qemuCapsMaxCpuFeatures(caps), set, model);
    for (gsize i = 0; i < count; i++)
        addBeyond(names, seen, models[i].features, set, model);
    g_ptr_array_sort(names, compareNames);
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities.c: the capabilities of one QEMU binary, as an immutable value */

#include "qemu/qemu_capabilities.h"
#include "qemu/qemu_capabilities_priv.h"

#include <stdlib.h>
#include <string.h>

static void clearCpuModel(gpointer data)
{
    g_free(((QemuCpuModel *)data)->features);
}

QemuCaps *qemuCapsNew(const char *binary)
{
    QemuCaps *caps = g_new0(QemuCaps, 1);

    g_atomic_ref_count_init(&caps->refs);
    caps->strings = g_string_chunk_new(4096);
    caps->types = g_ptr_array_new();
    caps->machines = g_array_new(FALSE, TRUE, sizeof(QemuMachine));
    caps->cpuModels = g_array_new(FALSE, TRUE, sizeof(QemuCpuModel));
    g_array_set_clear_func(caps->cpuModels, clearCpuModel);
    caps->maxFeatures = g_ptr_array_new();
    caps->sgxSections = g_array_new(FALSE, TRUE, sizeof(QemuSgxSection));
    caps->gicVersions = g_array_new(FALSE, TRUE, sizeof(int));
    caps->binary = qemuCapsIntern(caps, binary);
    caps->package = "";
    return caps;
}

QemuCaps *qemuCapsRef(QemuCaps *caps)
{
    g_atomic_ref_count_inc(&caps->refs);
    return caps;
}

void qemuCapsUnref(QemuCaps *caps)
{
    if (!caps || !g_atomic_ref_count_dec(&caps->refs))
        return;
    g_ptr_array_unref(caps->types);
    g_array_unref(caps->machines);
    g_array_unref(caps->cpuModels);
    g_free(caps->cpuModelNames);
    g_ptr_array_unref(caps->maxFeatures);
    g_array_unref(caps->sgxSections);
    g_array_unref(caps->gicVersions);
    g_string_chunk_free(caps->strings);
    g_free(caps);
}

char *qemuCapsIntern(QemuCaps *caps, const char *text)
{
    return text ? g_string_chunk_insert_const(caps->strings, text) : NULL;
}

void qemuCapsSet(QemuCaps *caps, QemuCapsFlag flag, gboolean on)
{
    guint64 bit = G_GUINT64_CONSTANT(1) << flag;

    if (on)
        caps->flags |= bit;
    else
        caps->flags &= ~bit;
}

void qemuCapsSetForTest(QemuCaps *caps, QemuCapsFlag flag, gboolean on)
{
    qemuCapsSet(caps, flag, on);
}

gboolean qemuCapsHas(const QemuCaps *caps, QemuCapsFlag flag)
{
    return (caps->flags >> flag) & 1;
}

static int compareStrings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean sortedHas(const GPtrArray *array, const char *text)
{
    return array->len && bsearch(&text, array->pdata, array->len, sizeof(char *), compareStrings) != NULL;
}

/* "pc-q35-10.1" before "pc-q35-7.2" before "pc-q35-2.12": numbers count as numbers, and the newest is first. */
static int compareMachineNames(const char *a, const char *b)
{
    while (*a && *b) {
        if (g_ascii_isdigit(*a) && g_ascii_isdigit(*b)) {
            char *endA, *endB;
            guint64 numberA = g_ascii_strtoull(a, &endA, 10);
            guint64 numberB = g_ascii_strtoull(b, &endB, 10);

            if (numberA != numberB)
                return numberA > numberB ? -1 : 1;
            a = endA;
            b = endB;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static int compareMachines(gconstpointer a, gconstpointer b)
{
    const QemuMachine *left = a;
    const QemuMachine *right = b;

    if (left->isDefault != right->isDefault)
        return left->isDefault ? -1 : 1;
    return compareMachineNames(left->name, right->name);
}

static int compareCpuModels(gconstpointer a, gconstpointer b)
{
    return strcmp(((const QemuCpuModel *)a)->name, ((const QemuCpuModel *)b)->name);
}

void qemuCapsSetModelFeatures(QemuCpuModel *model, GPtrArray *features)
{
    g_ptr_array_sort(features, compareStrings);
    g_free(model->features);
    model->features = g_new0(const char *, features->len + 1);
    for (guint i = 0; i < features->len; i++)
        model->features[i] = g_ptr_array_index(features, i);
}

void qemuCapsFinish(QemuCaps *caps)
{
    g_ptr_array_sort(caps->types, compareStrings);
    g_array_sort(caps->machines, compareMachines);
    g_array_sort(caps->cpuModels, compareCpuModels);
    caps->cpuModelNames = g_new0(const char *, caps->cpuModels->len + 1);
    for (guint i = 0; i < caps->cpuModels->len; i++)
        caps->cpuModelNames[i] = g_array_index(caps->cpuModels, QemuCpuModel, i).name;
    g_ptr_array_sort(caps->maxFeatures, compareStrings);
    g_ptr_array_add(caps->maxFeatures, NULL);
}

gboolean qemuCapsHasDevice(const QemuCaps *caps, const char *type)
{
    return sortedHas(caps->types, type);
}

static const char *const targets[] = {
    [ARCH_X86_64] = "x86_64",
    [ARCH_I686] = "i386",
    [ARCH_AARCH64] = "aarch64",
    [ARCH_PPC64] = "ppc64",
    [ARCH_PPC64LE] = "ppc64le",
    [ARCH_S390X] = "s390x",
};
G_STATIC_ASSERT(G_N_ELEMENTS(targets) == ARCH_LAST);

const char *qemuCapsTargetOfArch(Arch arch)
{
    return arch < ARCH_LAST ? targets[arch] : NULL;
}

Arch qemuCapsArchFromTarget(const char *target)
{
    int arch = memEnumFromString(targets, ARCH_LAST, target);

    return arch < 0 ? ARCH_NONE : (Arch)arch;
}

Arch qemuCapsArch(const QemuCaps *caps)
{
    return caps->arch;
}

const char *qemuCapsBinary(const QemuCaps *caps)
{
    return caps->binary;
}

const char *qemuCapsPackage(const QemuCaps *caps)
{
    return caps->package;
}

unsigned qemuCapsVersion(const QemuCaps *caps)
{
    return caps->version;
}

const QemuMachine *qemuCapsMachine(const QemuCaps *caps, const char *name)
{
    /* QEMU has no default for Arm; users of libvirt get this one. */
    const char *preferred = caps->arch == ARCH_AARCH64 ? "virt" : NULL;

    if (!name)
        name = preferred;
    for (guint i = 0; i < caps->machines->len; i++) {
        const QemuMachine *machine = &g_array_index(caps->machines, QemuMachine, i);

        if (name ? g_str_equal(machine->name, name) || g_strcmp0(machine->alias, name) == 0
                 : machine->isDefault)
            return machine;
    }
    return NULL;
}

const QemuMachine *qemuCapsMachines(const QemuCaps *caps, gsize *count)
{
    *count = caps->machines->len;
    return (const QemuMachine *)(const void *)caps->machines->data;
}

const QemuSgxSection *qemuCapsSgxSections(const QemuCaps *caps, gsize *count)
{
    *count = caps->sgxSections->len;
    return (const QemuSgxSection *)(const void *)caps->sgxSections->data;
}

unsigned qemuCapsSgxFeatures(const QemuCaps *caps)
{
    return caps->sgxFeatures;
}

const char *const *qemuCapsCpuModels(const QemuCaps *caps)
{
    return caps->cpuModelNames;
}

const QemuCpuModel *qemuCapsCpuModelList(const QemuCaps *caps, gsize *count)
{
    *count = caps->cpuModels->len;
    return (const QemuCpuModel *)(const void *)caps->cpuModels->data;
}

const char *const *qemuCapsMaxCpuFeatures(const QemuCaps *caps)
{
    return (const char *const *)caps->maxFeatures->pdata;
}

const char *qemuCapsMaxCpuVendor(const QemuCaps *caps)
{
    return caps->maxVendor;
}

gboolean qemuCapsCpusAreOfKvm(const QemuCaps *caps)
{
    return caps->kvmProbed;
}

gboolean qemuCapsHasGic(const QemuCaps *caps, int version)
{
    for (guint i = 0; i < caps->gicVersions->len; i++) {
        if (g_array_index(caps->gicVersions, int, i) == version)
            return TRUE;
    }
    return FALSE;
}

MEM_ENUM_IMPL(qemuCapsFlag, QEMU_CAPS_LAST,
    "kvm",
    "device.pc-dimm",
    "device.nvdimm",
    "device.nvdimm.unarmed",
    "device.virtio-mem-pci",
    "device.virtio-mem-ccw",
    "device.virtio-mem.prealloc",
    "device.virtio-mem.dynamic-memslots",
    "device.virtio-pmem-pci",
    "device.virtio-pmem-ccw",
    "device.virtio-balloon",
    "device.virtio-balloon.deflate-on-oom",
    "device.virtio-balloon.free-page-reporting",
    "object.memory-backend-file",
    "object.memory-backend-file.pmem",
    "object.memory-backend-file.align",
    "object.memory-backend-file.discard-data",
    "object.memory-backend-memfd",
    "object.memory-backend-memfd.hugetlb",
    "object.memory-backend-epc",
    "object.memory-backend.reserve",
    "object.memory-backend.prealloc-threads",
    "object.memory-backend.canonical-ramblock-id",
    "object.thread-context",
    "numa.hmat",
    "sandbox",
    "sgx-epc.node"
);

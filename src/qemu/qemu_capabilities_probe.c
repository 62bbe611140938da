/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_probe.c: which QMP answer shows which capability */

#include "qemu/qemu_capabilities_priv.h"

#include "util/mem_error.h"

#include <string.h>

/* How it works: each row of the table below names a flag and where it shows. Properties of one type are asked for once
 * and kept until the end of the probe; so is the schema, which is large and therefore not kept in QemuCaps. Whoever
 * answers, a live QEMU or a recording, gets the same commands: scripts/record-capabilities must know them all. */

typedef enum {
    SHOWN_BY_TYPE,          /* in qom-list-types */
    SHOWN_BY_DEVICE,        /* property @detail in device-list-properties of @subject */
    SHOWN_BY_OBJECT,        /* property @detail in qom-list-properties of @subject */
    SHOWN_BY_OPTION,        /* command line option @subject */
    SHOWN_BY_ARGUMENT,      /* enum value @detail anywhere in the arguments' own members of command @subject */
    SHOWN_BY_RESULT,        /* member @detail of what command @subject returns */
} ShownBy;

typedef struct {
    QemuCapsFlag flag;
    ShownBy by;
    const char *subject;
    const char *detail;
} FlagRow;

static const FlagRow flagRows[] = {
    { QEMU_CAPS_DEVICE_PC_DIMM, SHOWN_BY_TYPE, "pc-dimm", NULL },
    { QEMU_CAPS_DEVICE_NVDIMM, SHOWN_BY_TYPE, "nvdimm", NULL },
    { QEMU_CAPS_NVDIMM_UNARMED, SHOWN_BY_DEVICE, "nvdimm", "unarmed" },
    { QEMU_CAPS_DEVICE_VIRTIO_MEM_PCI, SHOWN_BY_TYPE, "virtio-mem-pci", NULL },
    { QEMU_CAPS_DEVICE_VIRTIO_MEM_CCW, SHOWN_BY_TYPE, "virtio-mem-ccw", NULL },
    { QEMU_CAPS_VIRTIO_MEM_PREALLOC, SHOWN_BY_DEVICE, "virtio-mem-pci", "prealloc" },
    { QEMU_CAPS_VIRTIO_MEM_DYNAMIC_MEMSLOTS, SHOWN_BY_DEVICE, "virtio-mem-pci", "dynamic-memslots" },
    { QEMU_CAPS_DEVICE_VIRTIO_PMEM_PCI, SHOWN_BY_TYPE, "virtio-pmem-pci", NULL },
    { QEMU_CAPS_DEVICE_VIRTIO_PMEM_CCW, SHOWN_BY_TYPE, "virtio-pmem-ccw", NULL },
    { QEMU_CAPS_DEVICE_VIRTIO_BALLOON, SHOWN_BY_TYPE, "virtio-balloon-device", NULL },
    { QEMU_CAPS_BALLOON_DEFLATE_ON_OOM, SHOWN_BY_DEVICE, "virtio-balloon-device", "deflate-on-oom" },
    { QEMU_CAPS_BALLOON_FREE_PAGE_REPORTING, SHOWN_BY_DEVICE, "virtio-balloon-device", "free-page-reporting" },
    { QEMU_CAPS_OBJECT_MEMORY_FILE, SHOWN_BY_TYPE, "memory-backend-file", NULL },
    { QEMU_CAPS_OBJECT_MEMORY_FILE_PMEM, SHOWN_BY_OBJECT, "memory-backend-file", "pmem" },
    { QEMU_CAPS_OBJECT_MEMORY_FILE_ALIGN, SHOWN_BY_OBJECT, "memory-backend-file", "align" },
    { QEMU_CAPS_OBJECT_MEMORY_FILE_DISCARD, SHOWN_BY_OBJECT, "memory-backend-file", "discard-data" },
    { QEMU_CAPS_OBJECT_MEMORY_MEMFD, SHOWN_BY_TYPE, "memory-backend-memfd", NULL },
    { QEMU_CAPS_OBJECT_MEMORY_MEMFD_HUGETLB, SHOWN_BY_OBJECT, "memory-backend-memfd", "hugetlb" },
    { QEMU_CAPS_OBJECT_MEMORY_EPC, SHOWN_BY_TYPE, "memory-backend-epc", NULL },
    { QEMU_CAPS_MEMORY_RESERVE, SHOWN_BY_OBJECT, "memory-backend-ram", "reserve" },
    { QEMU_CAPS_MEMORY_PREALLOC_THREADS, SHOWN_BY_OBJECT, "memory-backend-ram", "prealloc-threads" },
    { QEMU_CAPS_MEMORY_CANONICAL_RAMBLOCK, SHOWN_BY_OBJECT, "memory-backend-file", "x-use-canonical-path-for-ramblock-id" },
    { QEMU_CAPS_THREAD_CONTEXT, SHOWN_BY_TYPE, "thread-context", NULL },
    { QEMU_CAPS_NUMA_HMAT, SHOWN_BY_ARGUMENT, "set-numa-node", "hmat-lb" },
    { QEMU_CAPS_SANDBOX, SHOWN_BY_OPTION, "sandbox", NULL },
    /* The node of a section came to the query and to the machine option in the same release; only the query shows. */
    { QEMU_CAPS_SGX_EPC_NODE, SHOWN_BY_RESULT, "query-sgx-capabilities", "sections" },
};

typedef struct {
    const QemuCapsSource *source;
    QemuCaps *caps;
    GHashTable *properties;     /* type -> GHashTable of names */
    GHashTable *commands;       /* names */
    GHashTable *options;        /* names */
    MemJson *schema;            /* array, asked for on first use */
    GHashTable *schemaByName;   /* name -> borrowed entry of schema */
} Probe;

static void probeClear(Probe *probe)
{
    g_clear_pointer(&probe->properties, g_hash_table_unref);
    g_clear_pointer(&probe->commands, g_hash_table_unref);
    g_clear_pointer(&probe->options, g_hash_table_unref);
    g_clear_pointer(&probe->schemaByName, g_hash_table_unref);
    g_clear_pointer(&probe->schema, memJsonFree);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Probe, probeClear)

/* The "return" member; NULL without @err set when QEMU answered with an error and @mayFail. New reference. */
static MemJson *ask(const Probe *probe, const char *name, MemJson *arguments, gboolean mayFail, GError **err)
{
    g_autoptr(MemJson) command = memJsonNew();
    g_autoptr(MemJson) reply = NULL;
    MemJson *error, *value;

    memJsonAddString(command, "execute", name);
    memJsonAdd(command, "arguments", arguments);
    if (!(reply = probe->source->ask(probe->source->opaque, command, err)))
        return NULL;
    if ((value = memJsonGet(reply, "return")))
        return json_object_get(value);
    if (mayFail)
        return NULL;
    error = memJsonGet(reply, "error");
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' refuses to answer '%s': %s", probe->caps->binary, name,
                error && memJsonGetString(error, "desc") ? memJsonGetString(error, "desc") : "no reason given");
    return NULL;
}

/* The names in an array of objects, as a set that owns them. */
static GHashTable *namesOf(MemJson *array, const char *key)
{
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (gsize i = 0; i < memJsonArrayLength(array); i++) {
        const char *name = memJsonGetString(memJsonArrayGet(array, i), key);

        if (name)
            g_hash_table_add(names, g_strdup(name));
    }
    return names;
}

static gboolean askNames(const Probe *probe, const char *command, const char *key, GHashTable **names, GError **err)
{
    g_autoptr(MemJson) list = ask(probe, command, NULL, FALSE, err);

    if (!list)
        return FALSE;
    *names = namesOf(list, key);
    return TRUE;
}

static gboolean probeVersion(Probe *probe, GError **err)
{
    QemuCaps *caps = probe->caps;
    g_autoptr(MemJson) version = ask(probe, "query-version", NULL, FALSE, err);
    g_autoptr(MemJson) target = NULL;
    const char *name;
    MemJson *qemu;
    gint64 major = 0, minor = 0, micro = 0;

    if (!version || !(target = ask(probe, "query-target", NULL, FALSE, err)))
        return FALSE;
    qemu = memJsonGet(version, "qemu");
    if (!qemu || !memJsonGetInt(qemu, "major", &major) || !memJsonGetInt(qemu, "minor", &minor) ||
        !memJsonGetInt(qemu, "micro", &micro)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' gives no version number in its answer to 'query-version'",
                    caps->binary);
        return FALSE;
    }
    caps->version = (unsigned)(major * 1000000 + minor * 1000 + micro);
    if ((name = memJsonGetString(version, "package")))
        caps->package = qemuCapsIntern(caps, name);

    name = memJsonGetString(target, "arch");
    caps->arch = qemuCapsArchFromTarget(name);
    if (caps->arch == ARCH_NONE) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "architecture '%s' of '%s' is not supported", name ? name : "",
                    caps->binary);
        return FALSE;
    }
    return TRUE;
}

static gboolean probeKvm(Probe *probe, GError **err)
{
    g_autoptr(MemJson) kvm = ask(probe, "query-kvm", NULL, FALSE, err);
    gboolean enabled = FALSE;

    if (!kvm)
        return FALSE;
    memJsonGetBool(kvm, "enabled", &enabled);
    probe->caps->kvmProbed = enabled;
    qemuCapsSet(probe->caps, QEMU_CAPS_KVM, enabled);
    return TRUE;
}

static gboolean probeTypes(Probe *probe, GError **err)
{
    g_autoptr(MemJson) list = NULL;
    MemJson *arguments = memJsonNew();

    memJsonAddBool(arguments, "abstract", FALSE);
    if (!(list = ask(probe, "qom-list-types", arguments, FALSE, err)))
        return FALSE;
    for (gsize i = 0; i < memJsonArrayLength(list); i++) {
        const char *name = memJsonGetString(memJsonArrayGet(list, i), "name");

        /* Those two have questions of their own, and are half of the list. */
        if (name && !g_str_has_suffix(name, "-machine") && !g_str_has_suffix(name, "-cpu"))
            g_ptr_array_add(probe->caps->types, qemuCapsIntern(probe->caps, name));
    }
    return TRUE;
}

static gboolean hasType(const Probe *probe, const char *type)
{
    for (guint i = 0; i < probe->caps->types->len; i++) {
        if (g_str_equal(g_ptr_array_index(probe->caps->types, i), type))
            return TRUE;
    }
    return FALSE;
}

/* -1: error, else whether @type has @property. */
static int hasProperty(Probe *probe, const char *command, const char *type, const char *property, GError **err)
{
    GHashTable *names = g_hash_table_lookup(probe->properties, type);

    if (!names) {
        g_autoptr(MemJson) list = NULL;
        g_autoptr(GError) problem = NULL;
        MemJson *arguments;

        if (!hasType(probe, type))
            return FALSE;
        arguments = memJsonNew();
        memJsonAddString(arguments, "typename", type);
        if (!(list = ask(probe, command, arguments, TRUE, &problem)) && problem) {
            g_propagate_error(err, g_steal_pointer(&problem));
            return -1;
        }
        names = namesOf(list, "name");
        g_hash_table_insert(probe->properties, g_strdup(type), names);
    }
    return g_hash_table_contains(names, property);
}

static gboolean probeSchema(Probe *probe, GError **err)
{
    if (probe->schema)
        return TRUE;
    if (!(probe->schema = ask(probe, "query-qmp-schema", NULL, FALSE, err)))
        return FALSE;
    probe->schemaByName = g_hash_table_new(g_str_hash, g_str_equal);
    for (gsize i = 0; i < memJsonArrayLength(probe->schema); i++) {
        MemJson *entry = memJsonArrayGet(probe->schema, i);
        const char *name = memJsonGetString(entry, "name");

        if (name)
            g_hash_table_insert(probe->schemaByName, (gpointer)name, entry);
    }
    return TRUE;
}

static MemJson *schemaType(const Probe *probe, MemJson *entry, const char *key)
{
    const char *name = entry ? memJsonGetString(entry, key) : NULL;

    return name ? g_hash_table_lookup(probe->schemaByName, name) : NULL;
}

static gboolean enumHas(MemJson *type, const char *value)
{
    MemJson *values = type ? memJsonGetArray(type, "values") : NULL;

    for (gsize i = 0; values && i < memJsonArrayLength(values); i++) {
        if (g_strcmp0(json_object_get_string(memJsonArrayGet(values, i)), value) == 0)
            return TRUE;
    }
    return FALSE;
}

/* -1: error, else whether the schema of command @row->subject has @row->detail. */
static int hasInSchema(Probe *probe, const FlagRow *row, GError **err)
{
    MemJson *command, *object, *members;

    if (!g_hash_table_contains(probe->commands, row->subject))
        return FALSE;
    if (!probeSchema(probe, err))
        return -1;
    command = g_hash_table_lookup(probe->schemaByName, row->subject);
    object = schemaType(probe, command, row->by == SHOWN_BY_ARGUMENT ? "arg-type" : "ret-type");
    members = object ? memJsonGetArray(object, "members") : NULL;
    for (gsize i = 0; members && i < memJsonArrayLength(members); i++) {
        MemJson *member = memJsonArrayGet(members, i);

        if (row->by == SHOWN_BY_RESULT ? g_strcmp0(memJsonGetString(member, "name"), row->detail) == 0
                                       : enumHas(schemaType(probe, member, "type"), row->detail))
            return TRUE;
    }
    return FALSE;
}

/* -1: error */
static int isShown(Probe *probe, const FlagRow *row, GError **err)
{
    switch (row->by) {
    case SHOWN_BY_TYPE:
        return hasType(probe, row->subject);
    case SHOWN_BY_DEVICE:
        return hasProperty(probe, "device-list-properties", row->subject, row->detail, err);
    case SHOWN_BY_OBJECT:
        return hasProperty(probe, "qom-list-properties", row->subject, row->detail, err);
    case SHOWN_BY_OPTION:
        return g_hash_table_contains(probe->options, row->subject);
    case SHOWN_BY_ARGUMENT:
    case SHOWN_BY_RESULT:
        return hasInSchema(probe, row, err);
    }
    return FALSE;
}

static gboolean probeFlags(Probe *probe, GError **err)
{
    for (gsize i = 0; i < G_N_ELEMENTS(flagRows); i++) {
        int shown = isShown(probe, &flagRows[i], err);

        if (shown < 0)
            return FALSE;
        qemuCapsSet(probe->caps, flagRows[i].flag, shown);
    }
    return TRUE;
}

static gboolean probeCpuModels(Probe *probe, GError **err)
{
    QemuCaps *caps = probe->caps;
    g_autoptr(MemJson) list = NULL;

    if (!g_hash_table_contains(probe->commands, "query-cpu-definitions"))
        return TRUE;
    if (!(list = ask(probe, "query-cpu-definitions", NULL, FALSE, err)))
        return FALSE;
    for (gsize i = 0; i < memJsonArrayLength(list); i++) {
        MemJson *entry = memJsonArrayGet(list, i);
        MemJson *unavailable = memJsonGetArray(entry, "unavailable-features");
        QemuCpuModel model = { .name = qemuCapsIntern(caps, memJsonGetString(entry, "name")) };

        if (!model.name)
            continue;
        model.type = qemuCapsIntern(caps, memJsonGetString(entry, "typename"));
        model.aliasOf = qemuCapsIntern(caps, memJsonGetString(entry, "alias-of"));
        if (unavailable)
            model.usable = memJsonArrayLength(unavailable) ? MEM_TRISTATE_NO : MEM_TRISTATE_YES;
        memJsonGetBool(entry, "deprecated", &model.deprecated);
        g_array_append_val(caps->cpuModels, model);
    }
    return TRUE;
}

/* The model name behind a QOM type: as query-cpu-definitions has it, else without "-ARCH-cpu". */
static char *cpuModelOfType(QemuCaps *caps, const char *type)
{
    g_autofree char *name = NULL;
    char *cut;

    if (!type)
        return NULL;
    for (guint i = 0; i < caps->cpuModels->len; i++) {
        const QemuCpuModel *model = &g_array_index(caps->cpuModels, QemuCpuModel, i);

        if (g_strcmp0(model->type, type) == 0)
            return model->name;
    }
    name = g_strdup(type);
    if (g_str_has_suffix(name, "-cpu"))
        name[strlen(name) - 4] = '\0';
    if ((cut = strrchr(name, '-')) && cut != name)
        *cut = '\0';
    return qemuCapsIntern(caps, name);
}

static gboolean probeMachines(Probe *probe, GError **err)
{
    QemuCaps *caps = probe->caps;
    g_autoptr(MemJson) list = ask(probe, "query-machines", NULL, FALSE, err);

    if (!list)
        return FALSE;
    for (gsize i = 0; i < memJsonArrayLength(list); i++) {
        MemJson *entry = memJsonArrayGet(list, i);
        QemuMachine machine = { .name = qemuCapsIntern(caps, memJsonGetString(entry, "name")) };
        gint64 maxCpus = 0;

        if (!machine.name || g_str_equal(machine.name, "none"))
            continue;
        machine.alias = qemuCapsIntern(caps, memJsonGetString(entry, "alias"));
        machine.defaultRamId = qemuCapsIntern(caps, memJsonGetString(entry, "default-ram-id"));
        machine.defaultCpu = cpuModelOfType(caps, memJsonGetString(entry, "default-cpu-type"));
        memJsonGetInt(entry, "cpu-max", &maxCpus);
        machine.maxCpus = (unsigned)CLAMP(maxCpus, 0, G_MAXINT32);
        memJsonGetBool(entry, "is-default", &machine.isDefault);
        memJsonGetBool(entry, "numa-mem-supported", &machine.numaMemSupported);
        memJsonGetBool(entry, "hotpluggable-cpus", &machine.hotpluggableCpus);
        memJsonGetBool(entry, "deprecated", &machine.deprecated);
        g_array_append_val(caps->machines, machine);
    }
    return TRUE;
}

/* What the model @name turns on, as names of @features, and its @vendor. TRUE with nothing done when QEMU cannot say. */
static gboolean expandCpu(Probe *probe, const char *name, GPtrArray *features, char **vendor, GError **err)
{
    g_autoptr(MemJson) expansion = NULL;
    g_autoptr(GError) problem = NULL;
    MemJson *arguments = memJsonNew();
    MemJson *model = memJsonNew();
    MemJson *props;

    memJsonAddString(arguments, "type", probe->caps->arch == ARCH_AARCH64 ? "full" : "static");
    memJsonAddString(model, "name", name);
    memJsonAdd(arguments, "model", model);
    if (!(expansion = ask(probe, "query-cpu-model-expansion", arguments, TRUE, &problem))) {
        if (!problem)
            return TRUE;
        g_propagate_error(err, g_steal_pointer(&problem));
        return FALSE;
    }
    model = memJsonGet(expansion, "model");
    if (!model || !(props = memJsonGet(model, "props")))
        return TRUE;
    json_object_object_foreach(props, key, value) {
        if (json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value))
            g_ptr_array_add(features, qemuCapsIntern(probe->caps, key));
    }
    *vendor = qemuCapsIntern(probe->caps, memJsonGetString(props, "vendor"));
    return TRUE;
}

/* Not a version of another model ("Haswell-v2"), and not one that depends on the host. */
static gboolean isNamedModel(const char *name)
{
    const char *dash = strrchr(name, '-');

    if (g_str_equal(name, "base") || g_str_equal(name, "host") || g_str_equal(name, "max"))
        return FALSE;
    return !dash || dash[1] != 'v' || !dash[2] || strspn(dash + 2, "0123456789") != strlen(dash + 2);
}

static gboolean probeCpuFeatures(Probe *probe, GError **err)
{
    QemuCaps *caps = probe->caps;
    char *vendor = NULL;

    if (!g_hash_table_contains(probe->commands, "query-cpu-model-expansion"))
        return TRUE;
    if (!expandCpu(probe, caps->kvmProbed ? "host" : "max", caps->maxFeatures, &vendor, err))
        return FALSE;
    caps->maxVendor = vendor;
    for (guint i = 0; i < caps->cpuModels->len; i++) {
        QemuCpuModel *model = &g_array_index(caps->cpuModels, QemuCpuModel, i);
        g_autoptr(GPtrArray) features = g_ptr_array_new();

        if ((caps->arch != ARCH_X86_64 && caps->arch != ARCH_I686) || !isNamedModel(model->name))
            continue;
        if (!expandCpu(probe, model->name, features, &model->vendor, err))
            return FALSE;
        qemuCapsSetModelFeatures(model, features);
    }
    return TRUE;
}

static unsigned sgxFeature(MemJson *sgx, const char *name, unsigned bit)
{
    gboolean there = FALSE;

    memJsonGetBool(sgx, name, &there);
    return there ? bit : 0;
}

static gboolean probeSgx(Probe *probe, GError **err)
{
    g_autoptr(MemJson) sgx = NULL;
    g_autoptr(GError) problem = NULL;
    MemJson *sections;

    if (!g_hash_table_contains(probe->commands, "query-sgx-capabilities"))
        return TRUE;
    if (!(sgx = ask(probe, "query-sgx-capabilities", NULL, TRUE, &problem))) {
        if (!problem)
            return TRUE;
        g_propagate_error(err, g_steal_pointer(&problem));
        return FALSE;
    }
    probe->caps->sgxFeatures = sgxFeature(sgx, "sgx1", QEMU_SGX_1) | sgxFeature(sgx, "sgx2", QEMU_SGX_2) |
                               sgxFeature(sgx, "flc", QEMU_SGX_FLC);
    sections = memJsonGetArray(sgx, "sections");
    for (gsize i = 0; sections && i < memJsonArrayLength(sections); i++) {
        MemJson *entry = memJsonArrayGet(sections, i);
        QemuSgxSection section = { .node = -1 };
        guint64 sizeBytes = 0;
        gint64 node = -1;

        memJsonGetUint64(entry, "size", &sizeBytes);
        memJsonGetInt(entry, "node", &node);
        section.sectionKib = sizeBytes >> 10;
        section.node = (int)node;
        g_array_append_val(probe->caps->sgxSections, section);
    }
    return TRUE;
}

static gboolean probeGic(Probe *probe, GError **err)
{
    g_autoptr(MemJson) list = NULL;
    g_autoptr(GError) problem = NULL;

    if (!g_hash_table_contains(probe->commands, "query-gic-capabilities"))
        return TRUE;
    if (!(list = ask(probe, "query-gic-capabilities", NULL, TRUE, &problem)) && problem) {
        g_propagate_error(err, g_steal_pointer(&problem));
        return FALSE;
    }
    for (gsize i = 0; list && i < memJsonArrayLength(list); i++) {
        MemJson *entry = memJsonArrayGet(list, i);
        gboolean there = FALSE;
        gint64 number = 0;
        int version;

        memJsonGetInt(entry, "version", &number);
        memJsonGetBool(entry, probe->caps->kvmProbed ? "kernel" : "emulated", &there);
        version = (int)number;
        if (there)
            g_array_append_val(probe->caps->gicVersions, version);
    }
    return TRUE;
}

QemuCaps *qemuCapsProbeSource(const char *binary, const QemuCapsSource *source, GError **err)
{
    g_autoptr(QemuCaps) caps = qemuCapsNew(binary);
    g_auto(Probe) probe = { .source = source, .caps = caps };

    probe.properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    if (!probeVersion(&probe, err) || !probeKvm(&probe, err) ||
        !askNames(&probe, "query-commands", "name", &probe.commands, err) ||
        !askNames(&probe, "query-command-line-options", "option", &probe.options, err) ||
        !probeTypes(&probe, err) || !probeFlags(&probe, err) || !probeCpuModels(&probe, err) ||
        !probeMachines(&probe, err) || !probeCpuFeatures(&probe, err) || !probeSgx(&probe, err) ||
        !probeGic(&probe, err))
        return NULL;
    qemuCapsFinish(caps);
    return g_steal_pointer(&caps);
}

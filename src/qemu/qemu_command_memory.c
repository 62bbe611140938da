/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_memory.c: the memory part of the command line but for NUMA: machine, -m, devices, balloon */
#include "qemu/qemu_command_memory.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_command_address.h"
#include "qemu/qemu_command_memory_priv.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"
#include "util/mem_uuid.h"

#include <string.h>

void qemuMemoryAddObject(GPtrArray *argv, MemJson *object)
{
    if (!object)
        return;
    g_ptr_array_add(argv, g_strdup("-object"));
    g_ptr_array_add(argv, memJsonFormat(object));
}

QemuMemoryBackend qemuMemoryBackendOfDevice(const MemoryDeviceDef *device, const char *id)
{
    return (QemuMemoryBackend){
        .device = device, .node = device->targetNode, .alias = device->info.alias, .id = id, .sizeKib = device->sizeKib,
    };
}

/* The machine's own RAM object, when the guest has no cells and the machine lets itself be given one. */
static gboolean defaultRamBackend(const DomainDef *def, const QemuCaps *caps, QemuMemoryBackend *backend)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    if (def->numa.ncells || !machine || !machine->defaultRamId)
        return FALSE;
    *backend = (QemuMemoryBackend){
        .node = -1, .alias = machine->defaultRamId, .id = machine->defaultRamId, .sizeKib = domainDefInitialKib(def), .defaultRam = TRUE,
    };
    return TRUE;
}

/* ---- -machine ---- */

static gboolean hasModel(const DomainDef *def, MemoryDeviceModel model)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (def->memories[i]->model == model)
            return TRUE;
    }
    return FALSE;
}

static void appendSgx(GString *machine, const DomainDef *def, const QemuCaps *caps)
{
    unsigned number = 0;

    for (gsize i = 0; i < def->nmemories; i++) {
        const MemoryDeviceDef *device = def->memories[i];

        if (device->model != MEMORY_DEVICE_SGX_EPC)
            continue;
        g_string_append_printf(machine, ",sgx-epc.%u.memdev=mem%s", number, device->info.alias);
        if (qemuCapsHas(caps, QEMU_CAPS_SGX_EPC_NODE))
            g_string_append_printf(machine, ",sgx-epc.%u.node=%d", number, MAX(device->targetNode, 0));
        number++;
    }
}

gboolean qemuCommandMemoryMachine(GString *machine, const DomainDef *def, const QemuCaps *caps,
                                  const QemuCommandContext *context, GError **err)
{
    gboolean dumpCore = def->memory.dumpCore ? def->memory.dumpCore == MEM_TRISTATE_YES : context->dumpGuestCore;
    QemuMemoryBackend ram;

    g_string_append_printf(machine, ",dump-guest-core=%s", dumpCore ? "on" : "off");
    if (def->backing.nosharepages)
        g_string_append(machine, ",mem-merge=off");
    if (hasModel(def, MEMORY_DEVICE_NVDIMM))
        g_string_append(machine, ",nvdimm=on");
    if (numaDefHasHmat(&def->numa))
        g_string_append(machine, ",hmat=on");
    appendSgx(machine, def, caps);
    if (defaultRamBackend(def, caps, &ram))
        g_string_append_printf(machine, ",memory-backend=%s", ram.id);
    return TRUE;
}

/* ---- -m ---- */

static void addSize(GPtrArray *argv, const DomainDef *def)
{
    guint64 initialKib = domainDefInitialKib(def);
    GString *size = g_string_new(NULL);

    if (!def->memory.maxKib) {
        g_string_append_printf(size, "%" G_GUINT64_FORMAT, initialKib / 1024);
    } else {
        g_string_append_printf(size, "size=%" G_GUINT64_FORMAT "k", initialKib);
        if (def->memory.slots)
            g_string_append_printf(size, ",slots=%u", def->memory.slots);
        g_string_append_printf(size, ",maxmem=%" G_GUINT64_FORMAT "k", def->memory.maxKib);
    }
    g_ptr_array_add(argv, g_strdup("-m"));
    g_ptr_array_add(argv, g_string_free(size, FALSE));
}

/* Where no object could carry it: for all of the guest's memory at once. */
static gboolean addWholePrealloc(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                                 const QemuCommandContext *context, GError **err)
{
    const QemuMemoryBackend whole = { .node = -1 };
    const MemoryBackingDef *backing = &def->backing;
    gboolean huge;
    guint64 pageKib = qemuMemoryBackendPageKib(def, &whole, &huge);
    char *path;

    if (!qemuMemoryPreallocatesWhole(def, caps))
        return TRUE;
    g_ptr_array_add(argv, g_strdup("-mem-prealloc"));
    if (!backing->hugepages || !huge)
        return TRUE;
    path = qemuMemoryHugepagePath(&pageKib, context, err);
    if (!path)
        return FALSE;
    g_ptr_array_add(argv, g_strdup("-mem-path"));
    g_ptr_array_add(argv, path);
    return TRUE;
}

gboolean qemuCommandMemorySize(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                               const QemuCommandContext *context, GError **err)
{
    g_autoptr(MemJson) object = NULL;
    g_autoptr(MemJson) threads = NULL;
    QemuMemoryBackend ram;

    addSize(argv, def);
    if (!defaultRamBackend(def, caps, &ram))
        return addWholePrealloc(argv, def, caps, context, err);
    object = qemuMemoryBackendBuild(def, &ram, caps, context, &threads, err);
    if (!object)
        return FALSE;
    qemuMemoryAddObject(argv, threads);
    qemuMemoryAddObject(argv, object);
    return TRUE;
}

void qemuCommandMemoryOvercommit(GPtrArray *argv, const DomainDef *def)
{
    g_ptr_array_add(argv, g_strdup("-overcommit"));
    g_ptr_array_add(argv, g_strdup_printf("mem-lock=%s", def->backing.locked ? "on" : "off"));
}

/* ---- devices ---- */

MemJson *qemuCommandMemoryBackend(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps,
                                  const QemuCommandContext *context, MemJson **threadContext, GError **err)
{
    g_autofree char *id = g_strdup_printf("mem%s", device->info.alias);
    const QemuMemoryBackend backend = qemuMemoryBackendOfDevice(device, id);

    return qemuMemoryBackendBuild(def, &backend, caps, context, threadContext, err);
}

/* NULL: the model is no device. */
static char *driverName(const MemoryDeviceDef *device)
{
    switch (device->model) {
    case MEMORY_DEVICE_DIMM:
        return g_strdup("pc-dimm");
    case MEMORY_DEVICE_NVDIMM:
        return g_strdup("nvdimm");
    case MEMORY_DEVICE_VIRTIO_MEM:
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return qemuCommandVirtioDriver(memoryDeviceModelToString((int)device->model), &device->info, MEM_TRISTATE_ABSENT);
    case MEMORY_DEVICE_SGX_EPC:
    case MEMORY_DEVICE_LAST:
        break;
    }
    return NULL;
}

/* virtio-mem allocates what it plugs, so that it is the device that has to be told. */
static gboolean wantsDevicePrealloc(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps)
{
    const QemuMemoryBackend backend = qemuMemoryBackendOfDevice(device, NULL);
    gboolean huge;

    if (device->model != MEMORY_DEVICE_VIRTIO_MEM || !qemuCapsHas(caps, QEMU_CAPS_VIRTIO_MEM_PREALLOC))
        return FALSE;
    qemuMemoryBackendPageKib(def, &backend, &huge);
    return huge || def->backing.allocation == MEMORY_ALLOCATION_IMMEDIATE;
}

static void addNumber(MemJson *json, const char *name, guint64 value)
{
    if (value)
        memJsonAddUint64(json, name, value);
}

MemJson *qemuCommandMemoryDevice(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    g_autofree char *backend = g_strdup_printf("mem%s", device->info.alias);
    g_autofree char *driver = driverName(device);
    g_autoptr(MemJson) json = NULL;
    char uuid[MEM_UUID_TEXT];

    if (!driver)
        return NULL;
    json = memJsonNew();
    memJsonAddString(json, "driver", driver);
    qemuCommandAddVirtioOptions(json, &device->virtio);
    if (device->targetNode >= 0)
        memJsonAddInt(json, "node", device->targetNode);
    addNumber(json, "label-size", device->labelKib * 1024);
    addNumber(json, "block-size", device->blockKib * 1024);
    addNumber(json, "requested-size", device->requestedKib * 1024);
    if (device->hasUuid)
        memJsonAddString(json, "uuid", memUuidFormat(device->uuid, uuid));
    if (device->readonly)
        memJsonAddBool(json, "unarmed", TRUE);
    memJsonAddString(json, "memdev", backend);
    if (wantsDevicePrealloc(def, device, caps))
        memJsonAddBool(json, "prealloc", TRUE);
    addNumber(json, "memaddr", device->baseAddress);
    if (device->dynamicMemslots)
        memJsonAddBool(json, "dynamic-memslots", device->dynamicMemslots == MEM_TRISTATE_YES);
    memJsonAddString(json, "id", device->info.alias);
    if (!qemuCommandAddAddress(json, def, &device->info, err))
        return NULL;
    return g_steal_pointer(&json);
}

gboolean qemuCommandMemoryDevices(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                                  const QemuCommandContext *context, GError **err)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        const MemoryDeviceDef *device = def->memories[i];
        g_autoptr(MemJson) threads = NULL;
        g_autoptr(MemJson) object = qemuCommandMemoryBackend(def, device, caps, context, &threads, err);
        g_autoptr(MemJson) json = NULL;

        if (!object)
            return FALSE;
        qemuMemoryAddObject(argv, threads);
        qemuMemoryAddObject(argv, object);
        if (device->model == MEMORY_DEVICE_SGX_EPC)
            continue;
        json = qemuCommandMemoryDevice(def, device, caps, err);
        if (!json)
            return FALSE;
        qemuCommandAppendDevice(argv, g_steal_pointer(&json));
    }
    return TRUE;
}

/* ---- balloon ---- */

static char *balloonDriver(const MemballoonDef *balloon)
{
    MemTristate transitional = MEM_TRISTATE_ABSENT;

    if (balloon->info.type != DEVICE_ADDRESS_PCI && balloon->info.type != DEVICE_ADDRESS_CCW &&
        balloon->info.type != DEVICE_ADDRESS_VIRTIO_MMIO)
        return NULL;
    if (balloon->model == MEMBALLOON_VIRTIO_TRANSITIONAL)
        transitional = MEM_TRISTATE_YES;
    if (balloon->model == MEMBALLOON_VIRTIO_NON_TRANSITIONAL)
        transitional = MEM_TRISTATE_NO;
    return qemuCommandVirtioDriver("virtio-balloon", &balloon->info, transitional);
}

gboolean qemuCommandMemoryBalloon(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps, GError **err)
{
    const MemballoonDef *balloon = def->balloon;
    g_autoptr(MemJson) json = memJsonNew();
    g_autofree char *driver = NULL;

    if (!balloon || balloon->model == MEMBALLOON_NONE)
        return TRUE;
    driver = balloonDriver(balloon);
    if (!driver) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "address type '%s' of '<memballoon>' is none that its device can have",
                    deviceAddressTypeToString(balloon->info.type));
        return FALSE;
    }
    memJsonAddString(json, "driver", driver);
    qemuCommandAddVirtioOptions(json, &balloon->virtio);
    memJsonAddString(json, "id", balloon->info.alias);
    if (balloon->autodeflate)
        memJsonAddBool(json, "deflate-on-oom", balloon->autodeflate == MEM_TRISTATE_YES);
    if (balloon->freePageReporting)
        memJsonAddBool(json, "free-page-reporting", balloon->freePageReporting == MEM_TRISTATE_YES);
    if (!qemuCommandAddAddress(json, def, &balloon->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&json));
    return TRUE;
}

/* ---- what the driver makes before and removes after ---- */

char *qemuCommandMemoryPath(const DomainDef *def, const MemoryDeviceDef *device, const QemuCommandContext *context)
{
    const QemuMemoryBackend backend = qemuMemoryBackendOfDevice(device, NULL);

    return qemuMemoryBackendPath(def, &backend, context);
}

static void addFolder(GPtrArray *folders, char *path)
{
    if (path && g_ptr_array_find_with_equal_func(folders, path, g_str_equal, NULL))
        g_free(path);
    else if (path)
        g_ptr_array_add(folders, path);
}

char **qemuCommandMemoryFolders(const DomainDef *def, const QemuCommandContext *context)
{
    GPtrArray *folders = g_ptr_array_new();
    QemuMemoryBackend backend = { .node = -1 };

    addFolder(folders, qemuMemoryBackendPath(def, &backend, context));
    for (gsize i = 0; i < def->numa.ncells; i++) {
        backend.node = (int)i;
        addFolder(folders, qemuMemoryBackendPath(def, &backend, context));
    }
    for (gsize i = 0; i < def->nmemories; i++)
        addFolder(folders, qemuCommandMemoryPath(def, def->memories[i], context));
    g_ptr_array_add(folders, NULL);
    return (char **)g_ptr_array_free(folders, FALSE);
}

static void collectThreadContexts(GPtrArray *from, GPtrArray *ids)
{
    for (guint i = 0; i < from->len; i++) {
        const char *text = g_ptr_array_index(from, i);
        g_autoptr(MemJson) json = text[0] == '{' ? memJsonParse(text, strlen(text), NULL) : NULL;
        const char *type = json ? memJsonGetString(json, "qom-type") : NULL;

        if (g_strcmp0(type, "thread-context") == 0)
            g_ptr_array_add(ids, g_strdup(memJsonGetString(json, "id")));
    }
}

char **qemuCommandMemoryThreadContexts(const DomainDef *def, const QemuCaps *caps, const QemuCommandContext *context)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *ids = g_ptr_array_new();

    if (qemuCommandMemorySize(argv, def, caps, context, NULL) && qemuCommandMemoryNuma(argv, def, caps, context, NULL) &&
        qemuCommandMemoryDevices(argv, def, caps, context, NULL))
        collectThreadContexts(argv, ids);
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(ids, FALSE);
}

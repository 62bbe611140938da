/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memhotplug.c: attach, detach and update of <memory> devices as plans */
#include "qemu/qemu_memhotplug.h"

#include "conf/domain_devices_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#define KIB_BYTES 1024

/* ---- before attach ---- */

static gboolean checkHotpluggable(const DomainDef *live, const MemoryDeviceDef *device, GError **err)
{
    switch (device->model) {
    case MEMORY_DEVICE_SGX_EPC:
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "a 'sgx-epc' device cannot be attached to a running guest: QEMU takes it at start only");
        return FALSE;
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_NVDIMM:
    case MEMORY_DEVICE_VIRTIO_PMEM:
    case MEMORY_DEVICE_VIRTIO_MEM:
    case MEMORY_DEVICE_LAST:
        break;
    }
    if (live->memory.maxKib)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the guest was started without '<maxMemory>': no '%s' device can be attached",
                memoryDeviceModelToString(device->model));
    return FALSE;
}

static gboolean checkRoom(const DomainDef *live, const MemoryDeviceDef *device, GError **err)
{
    guint64 total = live->memory.totalKib + device->sizeKib;

    if (total >= live->memory.totalKib && total <= live->memory.maxKib)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "attaching '%" G_GUINT64_FORMAT "' KiB to the '%" G_GUINT64_FORMAT "' KiB of the guest would exceed its '<maxMemory>' of '%" G_GUINT64_FORMAT "' KiB",
                device->sizeKib, live->memory.totalKib, live->memory.maxKib);
    return FALSE;
}

/* The rules of a definition, slots and ranges of the other devices among them, hold for the one that will be. */
static gboolean checkTogether(const DomainDef *live, MemoryDeviceDef *device, GError **err)
{
    g_autofree MemoryDeviceDef **memories = g_new(MemoryDeviceDef *, live->nmemories + 1);
    DomainDef whole = *live;

    for (gsize i = 0; i < live->nmemories; i++)
        memories[i] = live->memories[i];
    memories[live->nmemories] = device;
    whole.memories = memories;
    whole.nmemories++;
    return domainMemoryValidate(&whole, err) && domainMemoryValidateLate(&whole, err);
}

static gboolean isOtherAlias(DeviceInfo *info, const char *element, gpointer alias)
{
    return g_strcmp0(info->alias, alias) != 0;
}

static gboolean checkAlias(const DomainDef *live, const MemoryDeviceDef *device, GError **err)
{
    /* nothing is changed by looking */
    if (!device->info.alias || domainDevicesForEach((DomainDef *)live, isOtherAlias, device->info.alias))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "alias '%s' is taken: give the device another", device->info.alias);
    return FALSE;
}

/* A size that starts when cold must plug when hot: the step is the same as at start. */
static gboolean roundSize(const DomainDef *live, MemoryDeviceDef *device, GError **err)
{
    guint64 stepKib = qemuDomainMemoryStepKib(live, TRUE, FALSE);

    if (memUnitsRoundUp(&device->sizeKib, stepKib))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "size '%" G_GUINT64_FORMAT "' KiB of the device is too large", device->sizeKib);
    return FALSE;
}

gboolean qemuMemHotplugPrepare(const DomainDef *live, MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    if (!memoryDeviceDefDefaults(device, live, err) || !memoryDeviceDefValidate(device, live, err) ||
        !checkHotpluggable(live, device, err) || !qemuDomainValidateMemory(live, device, caps, err) ||
        !roundSize(live, device, err) || !checkRoom(live, device, err) || !checkTogether(live, device, err) ||
        !checkAlias(live, device, err))
        return FALSE;

    if (memoryDeviceUsesSlot(device->model)) {
        if (!qemuDomainAssignSlot(live, device, err))
            return FALSE;
    } else if (!qemuDomainAssignPciAddress(live, &device->info, qemuDomainHasPcie(live), err)) {
        return FALSE;
    }
    qemuDomainAssignMemoryAlias(live, device);
    return TRUE;
}

/* ---- plans ---- */

/* The file of @backend if it is named for @device: huge pages share a folder, paths that the user gave are the user's. */
static char *ownFile(const MemoryDeviceDef *device, MemJson *backend)
{
    const char *path = device->sourcePath ? NULL : memJsonGetString(backend, "mem-path");
    g_autofree char *name = path ? g_path_get_basename(path) : NULL;

    return g_strcmp0(name, device->info.alias) == 0 ? g_strdup(path) : NULL;
}

char *qemuMemHotplugFileOf(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                           const QemuCommandContext *context)
{
    g_autoptr(MemJson) backend = qemuCommandMemoryBackend(live, device, caps, context, NULL, NULL);

    return backend ? ownFile(device, backend) : NULL;
}

static MemJson *onlyId(const char *prefix, const char *alias)
{
    g_autofree char *id = g_strconcat(prefix, alias, NULL);
    MemJson *object = memJsonNew();

    memJsonAddString(object, "id", id);
    return object;
}

QemuMemPlan *qemuMemHotplugPlanAttach(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                                      const QemuCommandContext *context, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuMemPlanNew();
    g_autofree char *folder = qemuCommandMemoryPath(live, device, context);
    g_autoptr(MemJson) backend = NULL;
    g_autoptr(MemJson) properties = NULL;
    QemuMemStep *step;

    /* Without a thread-context: QEMU's sandbox no longer lets a running QEMU set the affinity of its threads. */
    backend = qemuCommandMemoryBackend(live, device, caps, context, NULL, err);
    properties = backend ? qemuCommandMemoryDevice(live, device, caps, err) : NULL;
    if (!properties)
        return NULL;

    if (folder) {
        step = qemuMemPlanAddHost(plan, QEMU_MEM_STEP_MAKE_FOLDER, folder);
        step->undoPath = ownFile(device, backend);
    }
    qemuMemPlanAddQmp(plan, "object-add", g_steal_pointer(&backend), "object-del", onlyId("mem", device->info.alias));
    /* taking the device back would need the guest's consent: no step after this one may fail the plan */
    step = qemuMemPlanAddQmp(plan, "device_add", g_steal_pointer(&properties), NULL, NULL);
    step->along = TRUE;
    return g_steal_pointer(&plan);
}

QemuMemPlan *qemuMemHotplugPlanDetach(const DomainDef *live, const MemoryDeviceDef *device, const QemuCaps *caps,
                                      const QemuCommandContext *context, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuMemPlanNew();
    g_autofree char *path = qemuMemHotplugFileOf(live, device, caps, context);
    QemuMemStep *step;

    if (device->model == MEMORY_DEVICE_SGX_EPC) {
        memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "device '%s' is of model 'sgx-epc', which cannot be detached while the guest runs",
                    device->info.alias);
        return NULL;
    }
    step = qemuMemPlanAddQmp(plan, "device_del", onlyId("", device->info.alias), NULL, NULL);
    step->waitAlias = g_strdup(device->info.alias);
    /* the device is gone: whatever happens from here on, the definition must lose it */
    step = qemuMemPlanAddQmp(plan, "object-del", onlyId("mem", device->info.alias), NULL, NULL);
    step->bestEffort = TRUE;
    if (path) {
        step = qemuMemPlanAddHost(plan, QEMU_MEM_STEP_REMOVE_PATH, path);
        step->bestEffort = TRUE;
    }
    return g_steal_pointer(&plan);
}

/* ---- update ---- */

static gboolean samePci(const DeviceInfo *a, const DeviceInfo *b)
{
    return a->type == DEVICE_ADDRESS_PCI && b->type == DEVICE_ADDRESS_PCI && a->pci.domain == b->pci.domain &&
           a->pci.bus == b->pci.bus && a->pci.slot == b->pci.slot && a->pci.function == b->pci.function;
}

static gboolean sameAddress(const DeviceInfo *a, const DeviceInfo *b)
{
    if (a->type == DEVICE_ADDRESS_DIMM && b->type == DEVICE_ADDRESS_DIMM)
        return a->dimm.slot == b->dimm.slot;
    if (a->type == DEVICE_ADDRESS_CCW && b->type == DEVICE_ADDRESS_CCW)
        return a->ccw.cssid == b->ccw.cssid && a->ccw.ssid == b->ccw.ssid && a->ccw.devno == b->ccw.devno;
    return samePci(a, b);
}

MemoryDeviceDef *qemuMemHotplugFindForUpdate(const DomainDef *def, const MemoryDeviceDef *wanted)
{
    MemoryDeviceDef *found = memoryDeviceFindAlias(def, wanted->info.alias);

    if (found)
        return found->info.type == DEVICE_ADDRESS_NONE || wanted->info.type == DEVICE_ADDRESS_NONE ||
               sameAddress(&found->info, &wanted->info) ? found : NULL;
    for (gsize i = 0; i < def->nmemories; i++) {
        if (sameAddress(&def->memories[i]->info, &wanted->info))
            return def->memories[i];
    }
    return NULL;
}

static const char *sameBitmaps(const MemBitmap *a, const MemBitmap *b, const char *what)
{
    gboolean same = (memBitmapIsEmpty(a) && memBitmapIsEmpty(b)) || memBitmapEqual(a, b);

    return same ? NULL : what;
}

/* The first thing beside requested that differs, in the words of the XML; NULL: nothing. */
static const char *whatDiffers(const MemoryDeviceDef *old, const MemoryDeviceDef *wanted)
{
    const struct {
        gboolean differs;
        const char *what;
    } rows[] = {
        { old->model != wanted->model, "model" },
        { old->access != wanted->access, "access" },
        { old->discard != wanted->discard, "discard" },
        { old->sourcePagesizeKib != wanted->sourcePagesizeKib, "pagesize" },
        { old->targetNode != wanted->targetNode, "node" },
        { old->sizeKib != wanted->sizeKib, "size" },
        { old->blockKib != wanted->blockKib, "block" },
        { wanted->baseAddress && old->baseAddress != wanted->baseAddress, "address base" },
        { old->dynamicMemslots != wanted->dynamicMemslots, "dynamicMemslots" },
        { g_strcmp0(old->sourcePath, wanted->sourcePath) != 0, "path" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].differs)
            return rows[i].what;
    }
    return sameBitmaps(old->sourceNodes, wanted->sourceNodes, "nodemask");
}

gboolean qemuMemHotplugCheckChange(const MemoryDeviceDef *old, const MemoryDeviceDef *wanted, GError **err)
{
    const char *what = whatDiffers(old, wanted);

    if (old->model != MEMORY_DEVICE_VIRTIO_MEM) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "device '%s' of model '%s' cannot be changed: only 'virtio-mem' has a requested size",
                    old->info.alias, memoryDeviceModelToString(old->model));
        return FALSE;
    }
    if (!what)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'%s' of memory device '%s' cannot be changed: only requested can", what,
                old->info.alias ? old->info.alias : "virtio-mem");
    return FALSE;
}

static MemJson *qomSet(const char *alias, guint64 kib)
{
    g_autofree char *path = g_strconcat("/machine/peripheral/", alias, NULL);
    MemJson *arguments = memJsonNew();

    memJsonAddString(arguments, "path", path);
    memJsonAddString(arguments, "property", "requested-size");
    memJsonAddUint64(arguments, "value", kib * KIB_BYTES);
    return arguments;
}

QemuMemPlan *qemuMemHotplugPlanUpdate(const DomainDef *live, const MemoryDeviceDef *wanted, MemoryDeviceDef **device,
                                      GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuMemPlanNew();
    MemoryDeviceDef *found = qemuMemHotplugFindForUpdate(live, wanted);

    if (!memoryDeviceDefValidate(wanted, live, err))
        return NULL;
    if (!found && wanted->info.alias) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the running guest has no memory device with alias '%s' at the address given",
                    wanted->info.alias);
        return NULL;
    }
    if (!found) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the running guest has no memory device at the address given");
        return NULL;
    }
    if (!qemuMemHotplugCheckChange(found, wanted, err))
        return NULL;
    qemuMemPlanAddQmp(plan, "qom-set", qomSet(found->info.alias, wanted->requestedKib), "qom-set",
                      qomSet(found->info.alias, found->requestedKib));
    *device = found;
    return g_steal_pointer(&plan);
}

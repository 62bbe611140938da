/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_memory_validate.c: rules of the memory of a whole domain, in libvirt's order of checks */
#include "conf/domain_conf.h"

#include "conf/memballoon_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#define DEVICE_STEP_KIB 2048

static gboolean isPpc64(const DomainDef *def)
{
    return def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE;
}

/* ---- room and place for devices ---- */

static gboolean validateTargetNode(const DomainDef *def, const MemoryDeviceDef *device, GError **err)
{
    if (!def->numa.ncells || device->targetNode >= 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the '%s' device needs a '<node>' in its '<target>', as the guest has NUMA cells",
                memoryDeviceModelToString(device->model));
    return FALSE;
}

static gboolean validateAgainst(const MemoryDeviceDef *device, const MemoryDeviceDef *other, GError **err)
{
    const DeviceDimmAddress *mine = &device->info.dimm;

    if (other == device || other->info.type != DEVICE_ADDRESS_DIMM || !memoryDeviceUsesSlot(other->model))
        return TRUE;
    if (other->info.dimm.slot == mine->slot) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "slot '%u' of the '%s' device is used by another memory device", mine->slot,
                    memoryDeviceModelToString(device->model));
        return FALSE;
    }
    if (mine->base && other->info.dimm.base == mine->base) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "base '0x%" G_GINT64_MODIFIER "x' of the '%s' device is used by another memory device",
                    mine->base, memoryDeviceModelToString(device->model));
        return FALSE;
    }
    return TRUE;
}

static gboolean validateSlot(const DomainDef *def, const MemoryDeviceDef *device, GError **err)
{
    if (device->info.type == DEVICE_ADDRESS_NONE)
        return TRUE;
    if (device->info.dimm.slot >= def->memory.slots) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "slot '%u' of the '%s' device is beyond the '%u' slots of '<maxMemory>'",
                    device->info.dimm.slot, memoryDeviceModelToString(device->model), def->memory.slots);
        return FALSE;
    }
    for (gsize i = 0; i < def->nmemories; i++) {
        if (!validateAgainst(device, def->memories[i], err))
            return FALSE;
    }
    return TRUE;
}

static gboolean validateAddressType(const DomainDef *def, const MemoryDeviceDef *device, GError **err)
{
    DeviceAddressType type = device->info.type;
    gboolean slot = memoryDeviceUsesSlot(device->model);
    DeviceAddressType wanted = slot ? DEVICE_ADDRESS_DIMM : def->arch == ARCH_S390X ? DEVICE_ADDRESS_CCW : DEVICE_ADDRESS_PCI;

    if (type == DEVICE_ADDRESS_NONE || type == wanted)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "address type '%s' of the '%s' device is not supported: it must be '%s'",
                deviceAddressTypeToString((int)type), memoryDeviceModelToString(device->model),
                deviceAddressTypeToString((int)wanted));
    return FALSE;
}

static gboolean validatePlace(const DomainDef *def, const MemoryDeviceDef *device, GError **err)
{
    switch (device->model) {
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_NVDIMM:
        return validateAddressType(def, device, err) && validateTargetNode(def, device, err) && validateSlot(def, device, err);
    case MEMORY_DEVICE_VIRTIO_MEM:
        return validateAddressType(def, device, err) && validateTargetNode(def, device, err);
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return validateAddressType(def, device, err);
    case MEMORY_DEVICE_SGX_EPC:
    case MEMORY_DEVICE_LAST:
        break;
    }
    return TRUE;
}

static unsigned countSlotDevices(const DomainDef *def)
{
    unsigned count = 0;

    for (gsize i = 0; i < def->nmemories; i++)
        count += memoryDeviceUsesSlot(def->memories[i]->model);
    return count;
}

static gboolean validateRoom(const DomainDef *def, GError **err)
{
    unsigned count = countSlotDevices(def);

    if (!def->memory.maxKib) {
        if (!def->nmemories)
            return TRUE;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "a memory device needs '<maxMemory>' in the domain");
        return FALSE;
    }
    if (!def->numa.ncells && !isPpc64(def)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<maxMemory>' needs at least one cell in '<numa>'");
        return FALSE;
    }
    if (count > def->memory.slots) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'%u' dimm and nvdimm devices are more than the '%u' slots of '<maxMemory>'", count,
                    def->memory.slots);
        return FALSE;
    }
    for (gsize i = 0; i < def->nmemories; i++) {
        if (!validatePlace(def, def->memories[i], err))
            return FALSE;
    }
    return TRUE;
}

/* ---- huge pages ---- */

static gboolean validateHugepageSource(const MemoryBackingDef *backing, GError **err)
{
    if (!backing->hugepages)
        return TRUE;
    if (backing->allocation == MEMORY_ALLOCATION_ONDEMAND) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<hugepages>' cannot be combined with '<allocation mode='ondemand'/>'");
        return FALSE;
    }
    if (backing->source == MEMORY_SOURCE_ANONYMOUS) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'<hugepages>' cannot be combined with '<source type='anonymous'/>'");
        return FALSE;
    }
    return TRUE;
}

gboolean domainMemoryValidate(const DomainDef *def, GError **err)
{
    return (!def->balloon || memballoonDefValidate(def->balloon, def, err)) && memtuneDefValidate(&def->memtune, err) &&
           validateRoom(def, err) && validateHugepageSource(&def->backing, err);
}

/* ---- what only QEMU would notice, when it is too late ---- */

static gboolean validateVirtioMemFits(const DomainDef *def, const MemoryDeviceDef *device, GError **err)
{
    guint64 sizeKib = device->sizeKib;

    if (def->backing.locked) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "a 'virtio-mem' device cannot be combined with '<locked/>' memory");
        return FALSE;
    }
    if (memUnitsRoundUp(&sizeKib, DEVICE_STEP_KIB) && sizeKib % device->blockKib) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "size '%" G_GUINT64_FORMAT "' KiB of the 'virtio-mem' device is not a multiple of its block, '%" G_GUINT64_FORMAT "' KiB",
                    device->sizeKib, device->blockKib);
        return FALSE;
    }
    return TRUE;
}

static gboolean rangesOverlap(const MemoryDeviceDef *a, const MemoryDeviceDef *b)
{
    if (!a->baseAddress || !b->baseAddress)
        return FALSE;
    if (a->baseAddress <= b->baseAddress)
        return b->baseAddress - a->baseAddress < a->sizeKib * 1024;
    return rangesOverlap(b, a);
}

static gboolean validateRange(const DomainDef *def, gsize index, GError **err)
{
    const MemoryDeviceDef *device = def->memories[index];

    for (gsize i = 0; i < index; i++) {
        if (rangesOverlap(device, def->memories[i])) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "base '0x%" G_GINT64_MODIFIER "x' of the '%s' device: its range overlaps with that of another",
                        device->baseAddress, memoryDeviceModelToString(device->model));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean domainMemoryValidateLate(const DomainDef *def, GError **err)
{
    if (!memoryBackingDefValidate(&def->backing, def, err) || !numaDefValidate(&def->numa, def, err))
        return FALSE;
    for (gsize i = 0; i < def->nmemories; i++) {
        if (!validateRange(def, i, err) ||
            (def->memories[i]->model == MEMORY_DEVICE_VIRTIO_MEM && !validateVirtioMemFits(def, def->memories[i], err)))
            return FALSE;
    }
    return TRUE;
}

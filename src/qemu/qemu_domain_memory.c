/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_memory.c: slots of DIMMs, and sizes rounded as QEMU wants them */
#include "qemu/qemu_domain_defaults.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#define MIB_KIB 1024

/* ---- slots ---- */

static MemBitmap *usedSlots(const DomainDef *def)
{
    MemBitmap *used = memBitmapNew();

    for (gsize i = 0; i < def->nmemories; i++) {
        const MemoryDeviceDef *device = def->memories[i];

        /* what lies beyond is refused later; here it takes no slot */
        if (memoryDeviceUsesSlot(device->model) && device->info.type == DEVICE_ADDRESS_DIMM &&
            device->info.dimm.slot < def->memory.slots)
            memBitmapSet(used, device->info.dimm.slot);
    }
    return used;
}

static gboolean takeSlot(MemBitmap *used, unsigned slots, MemoryDeviceDef *device, GError **err)
{
    unsigned slot = 0;

    while (slot < slots && memBitmapIsSet(used, slot))
        slot++;
    if (slot == slots) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no free slot for the '%s' device: '<maxMemory>' has '%u'",
                    memoryDeviceModelToString(device->model), slots);
        return FALSE;
    }
    memBitmapSet(used, slot);
    device->info.type = DEVICE_ADDRESS_DIMM;
    device->info.dimm = (DeviceDimmAddress){ .slot = slot };
    return TRUE;
}

gboolean qemuDomainAssignSlot(const DomainDef *def, MemoryDeviceDef *device, GError **err)
{
    g_autoptr(MemBitmap) used = NULL;

    if (!memoryDeviceUsesSlot(device->model) || device->info.type != DEVICE_ADDRESS_NONE)
        return TRUE;
    used = usedSlots(def);
    return takeSlot(used, def->memory.slots, device, err);
}

gboolean qemuDomainAssignSlots(DomainDef *def, GError **err)
{
    g_autoptr(MemBitmap) used = NULL;

    /* Without <maxMemory> a device is refused for that, not for want of a slot. */
    if (!def->memory.maxKib)
        return TRUE;
    used = usedSlots(def);
    for (gsize i = 0; i < def->nmemories; i++) {
        MemoryDeviceDef *device = def->memories[i];

        if (memoryDeviceUsesSlot(device->model) && device->info.type == DEVICE_ADDRESS_NONE &&
            !takeSlot(used, def->memory.slots, device, err))
            return FALSE;
    }
    return TRUE;
}

/* ---- sizes ---- */

static gboolean isPpc64(const DomainDef *def)
{
    return def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE;
}

guint64 qemuDomainMemoryStepKib(const DomainDef *def, gboolean device, gboolean hotplug)
{
    if (isPpc64(def))
        return 256 * MIB_KIB;
    return device && !hotplug ? 2 * MIB_KIB : MIB_KIB;
}

static gboolean roundUp(guint64 *kib, guint64 step, const char *what, GError **err)
{
    guint64 before = *kib;

    if (memUnitsRoundUp(kib, step) && *kib < MEM_KIB_LIMIT)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s of '%" G_GUINT64_FORMAT "' KiB is too large to be rounded up to '%" G_GUINT64_FORMAT "' KiB",
                what, before, step);
    return FALSE;
}

static gboolean alignCells(DomainDef *def, guint64 *total, GError **err)
{
    guint64 step = qemuDomainMemoryStepKib(def, FALSE, FALSE);

    for (gsize i = 0; i < def->numa.ncells; i++) {
        guint64 *size = &def->numa.cells[i].memoryKib;

        if (!roundUp(size, step, "the memory of a NUMA cell", err))
            return FALSE;
        *total += *size;
    }
    return roundUp(total, step, "the memory of all NUMA cells", err);
}

static gboolean alignDevices(DomainDef *def, guint64 *total, GError **err)
{
    guint64 step = qemuDomainMemoryStepKib(def, TRUE, FALSE);

    for (gsize i = 0; i < def->nmemories; i++) {
        MemoryDeviceDef *device = def->memories[i];

        /* on pSeries an nvdimm was fitted when it was defined, its label apart */
        if (!(isPpc64(def) && device->model == MEMORY_DEVICE_NVDIMM) &&
            !roundUp(&device->sizeKib, step, "a memory device", err))
            return FALSE;
        *total += device->sizeKib;
    }
    return TRUE;
}

gboolean qemuDomainAlignMemory(DomainDef *def, GError **err)
{
    guint64 step = qemuDomainMemoryStepKib(def, FALSE, FALSE);
    guint64 initial = 0;
    guint64 devices = 0;

    if (!alignCells(def, &initial, err))
        return FALSE;
    if (!initial) {
        initial = domainDefInitialKib(def);
        if (!roundUp(&initial, step, "the initial memory", err))
            return FALSE;
    }
    if (!roundUp(&def->memory.maxKib, step, "the maximum memory", err) || !alignDevices(def, &devices, err))
        return FALSE;
    def->memory.totalKib = initial + devices;
    return TRUE;
}

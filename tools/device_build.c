/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device_build.c: a memory device from a command's options, and what can be known to be wrong with it beforehand */
#include "device_build.h"

#include "out_table.h"
#include "util/mem_units.h"
#include "util/mem_uuid.h"

#include <stdio.h>
#include <string.h>

#define LABEL_LEAST_KIB 128
#define DIMM_STEP_KIB 2048
#define DIMM_STEP_PPC64_KIB (256 * 1024)

/* ---- options alone ---- */

static gboolean readPci(const Cmd *cmd, DeviceInfo *info, GError **err)
{
    const char *text = cmdText(cmd, "address");
    DevicePciAddress *pci = &info->pci;
    int end = 0;

    if (!text)
        return TRUE;
    if (sscanf(text, "%4x:%2x:%2x.%1x%n", &pci->domain, &pci->bus, &pci->slot, &pci->function, &end) == 4 && !text[end] &&
        pci->slot < 32 && pci->function < 8) {
        info->type = DEVICE_ADDRESS_PCI;
        return TRUE;
    }
    cmdErrorSet(err, CMD_USAGE, "option '--address' is '%s': give a PCI address such as 0000:05:00.0", text);
    return FALSE;
}

static gboolean readDimmAddress(const Cmd *cmd, DeviceInfo *info, GError **err)
{
    if (!cmdGiven(cmd, "slot")) {
        if (!cmdGiven(cmd, "base") || cmdFindOption(cmdDef(cmd)->options, "address"))
            return TRUE;
        cmdErrorSet(err, CMD_USAGE, "option '--base' needs '--slot' too: libvirt takes an address only with a slot");
        return FALSE;
    }
    info->type = DEVICE_ADDRESS_DIMM;
    info->dimm.slot = (unsigned)cmdNumber(cmd, "slot", 0);
    info->dimm.base = cmdNumber(cmd, "base", 0);
    return TRUE;
}

static gboolean readNodes(const Cmd *cmd, MemoryDeviceDef *def, GError **err)
{
    const char *text = cmdText(cmd, "nodemask");

    if (!text)
        return TRUE;
    def->sourceNodes = memBitmapParse(text, CONF_SET_LIMIT, NULL);
    if (def->sourceNodes && !memBitmapIsEmpty(def->sourceNodes))
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "option '--nodemask' is '%s': give host nodes such as 0-1,3", text);
    return FALSE;
}

static gboolean readNames(const Cmd *cmd, MemoryDeviceDef *def, GError **err)
{
    const char *alias = cmdText(cmd, "alias");
    const char *path = cmdText(cmd, "path");
    const char *uuid = cmdText(cmd, "uuid");

    if (alias && !g_str_has_prefix(alias, "ua-")) {
        cmdErrorSet(err, CMD_USAGE, "option '--alias' is '%s': an alias of your own begins with 'ua-', such as 'ua-%s'", alias, alias);
        return FALSE;
    }
    if (path && path[0] != '/') {
        cmdErrorSet(err, CMD_USAGE, "option '--path' is '%s': give the whole path, from '/'", path);
        return FALSE;
    }
    if (uuid && !memUuidParse(uuid, def->uuid)) {
        cmdErrorSet(err, CMD_USAGE, "option '--uuid' is '%s': give a UUID such as 49545eb3-75e1-2d0a-acdd-f0294406c99e", uuid);
        return FALSE;
    }
    def->hasUuid = uuid != NULL;
    def->info.alias = g_strdup(alias);
    def->sourcePath = g_strdup(path);
    return TRUE;
}

static MemTristate readTristate(const Cmd *cmd, const char *name)
{
    switch (cmdChoice(cmd, name)) {
    case 0:
        return MEM_TRISTATE_YES;
    case 1:
        return MEM_TRISTATE_NO;
    default:
        return MEM_TRISTATE_ABSENT;
    }
}

static gboolean notMultiple(const char *name, guint64 kib, guint64 blockKib, GError **err)
{
    g_autofree char *size = outKibExact(kib);
    g_autofree char *block = outKibExact(blockKib);
    g_autofree char *below = outKibExact(kib / blockKib * blockKib);
    guint64 aboveKib = (kib / blockKib + 1) * blockKib;
    g_autofree char *next = outKibExact(aboveKib);
    g_autofree char *above = aboveKib < MEM_KIB_LIMIT ? g_strdup_printf(" or %s", next) : g_strdup("");

    cmdErrorSet(err, CMD_USAGE, "option '--%s' is %s: it must be a multiple of the block, %s, such as %s%s", name, size, block, below, above);
    return FALSE;
}

/* Pages and alignments; 0: not given. */
static gboolean checkPower(const char *name, guint64 kib, GError **err)
{
    g_autofree char *given = outKibExact(kib);

    if ((kib & (kib - 1)) == 0)
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "option '--%s' is %s: it must be a power of two, such as 2 MiB", name, given);
    return FALSE;
}

static gboolean checkPages(const MemoryDeviceDef *def, GError **err)
{
    g_autofree char *page = outKibExact(def->sourcePagesizeKib);
    g_autofree char *size = outKibExact(def->sizeKib);

    if (!checkPower("pagesize", def->sourcePagesizeKib, err) || !checkPower("alignsize", def->alignKib, err))
        return FALSE;
    if (!def->sourcePagesizeKib || def->sizeKib % def->sourcePagesizeKib == 0)
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "option '--size' is %s: it must be a multiple of '--pagesize', %s", size, page);
    return FALSE;
}

static gboolean checkVirtioMem(const MemoryDeviceDef *def, GError **err)
{
    g_autofree char *block = outKibExact(def->blockKib);
    g_autofree char *size = outKibExact(def->sizeKib);
    g_autofree char *requested = outKibExact(def->requestedKib);

    if (def->blockKib & (def->blockKib - 1)) {
        cmdErrorSet(err, CMD_USAGE, "option '--block' is %s: it must be a power of two, such as 2 MiB", block);
        return FALSE;
    }
    if (def->sizeKib % def->blockKib)
        return notMultiple("size", def->sizeKib, def->blockKib, err);
    if (def->requestedKib % def->blockKib)
        return notMultiple("requested-size", def->requestedKib, def->blockKib, err);
    if (def->requestedKib > def->sizeKib) {
        cmdErrorSet(err, CMD_USAGE, "option '--requested-size' is %s: it is at most the device's size, %s", requested, size);
        return FALSE;
    }
    if (def->baseAddress % (def->blockKib * 1024)) {
        cmdErrorSet(err, CMD_USAGE, "option '--base' is 0x%" G_GINT64_MODIFIER "x: it must be a multiple of the block, %s", def->baseAddress, block);
        return FALSE;
    }
    return TRUE;
}

static gboolean checkLabel(const MemoryDeviceDef *def, GError **err)
{
    g_autofree char *label = outKibExact(def->labelKib);
    g_autofree char *size = outKibExact(def->sizeKib);

    if (!def->labelKib || (def->labelKib >= LABEL_LEAST_KIB && def->labelKib < def->sizeKib))
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "option '--label' is %s: it is at least 128 KiB and less than the device's size, %s", label, size);
    return FALSE;
}

MemoryDeviceDef *deviceBuild(const Cmd *cmd, MemoryDeviceModel model, GError **err)
{
    g_autoptr(MemoryDeviceDef) def = memoryDeviceDefNew(model);
    int access = cmdChoice(cmd, "access");

    def->access = access < 0 ? MEMORY_ACCESS_DEFAULT : access == 0 ? MEMORY_ACCESS_SHARED : MEMORY_ACCESS_PRIVATE;
    def->discard = readTristate(cmd, "discard");
    def->sizeKib = cmdNumber(cmd, "size", 0);
    def->targetNode = cmdGiven(cmd, "node") ? (int)cmdNumber(cmd, "node", 0) : -1;
    def->sourcePagesizeKib = cmdNumber(cmd, "pagesize", 0);
    def->alignKib = cmdNumber(cmd, "alignsize", 0);
    def->pmem = cmdGiven(cmd, "pmem");
    def->readonly = cmdGiven(cmd, "readonly");
    def->labelKib = cmdNumber(cmd, "label", 0);
    def->blockKib = cmdNumber(cmd, "block", model == MEMORY_DEVICE_VIRTIO_MEM ? DIMM_STEP_KIB : 0);
    def->requestedKib = cmdNumber(cmd, "requested-size", 0);
    def->baseAddress = model == MEMORY_DEVICE_DIMM || model == MEMORY_DEVICE_NVDIMM ? 0 : cmdNumber(cmd, "base", 0);
    def->dynamicMemslots = readTristate(cmd, "dynamic-memslots");
    def->virtio = (DeviceVirtioOptions){
        .iommu = readTristate(cmd, "iommu"),
        .ats = readTristate(cmd, "ats"),
        .packed = readTristate(cmd, "packed"),
        .pagePerVq = readTristate(cmd, "page-per-vq"),
    };
    if (model == MEMORY_DEVICE_VIRTIO_PMEM)
        def->access = MEMORY_ACCESS_SHARED;
    if (!readNames(cmd, def, err) || !readNodes(cmd, def, err) || !readPci(cmd, &def->info, err) ||
        !readDimmAddress(cmd, &def->info, err) || !checkLabel(def, err) ||
        !checkPages(def, err) || (model == MEMORY_DEVICE_VIRTIO_MEM && !checkVirtioMem(def, err)))
        return NULL;
    return g_steal_pointer(&def);
}

/* ---- the guest it is for ---- */

static gboolean checkNode(const MemoryDeviceDef *def, const virMemInventory *inventory, GError **err)
{
    gboolean takes = memoryDeviceUsesSlot(def->model) || def->model == MEMORY_DEVICE_VIRTIO_MEM;

    if (def->targetNode >= 0 && !inventory->numa) {
        cmdErrorSet(err, CMD_FAILED, "option '--node' is '%d': domain '%s' has no NUMA nodes: leave it out", def->targetNode, inventory->name);
        return FALSE;
    }
    if (def->targetNode >= 0 && (gsize)def->targetNode >= inventory->nnodes) {
        cmdErrorSet(err, CMD_FAILED, "option '--node' is '%d': domain '%s' has nodes 0 to %zu", def->targetNode, inventory->name, inventory->nnodes - 1);
        return FALSE;
    }
    if (def->targetNode < 0 && takes && inventory->numa) {
        cmdErrorSet(err, CMD_FAILED, "option '--node' is missing: domain '%s' has NUMA nodes 0 to %zu, and the device must belong to one", inventory->name,
                    inventory->nnodes - 1);
        return FALSE;
    }
    return TRUE;
}

static gboolean checkRoom(const MemoryDeviceDef *def, const virMemInventory *inventory, GError **err)
{
    g_autofree char *size = outKibExact(def->sizeKib);
    g_autofree char *most = outKibExact(inventory->maxKib);
    g_autofree char *left = outKibExact(inventory->maxKib > inventory->totalKib ? inventory->maxKib - inventory->totalKib : 0);

    if (def->model == MEMORY_DEVICE_SGX_EPC)
        return TRUE;
    if (!inventory->maxKib) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no '<maxMemory>', so nothing can be plugged: give it one and start it anew", inventory->name);
        return FALSE;
    }
    if (inventory->totalKib > inventory->maxKib || def->sizeKib > inventory->maxKib - inventory->totalKib) {
        cmdErrorSet(err, CMD_FAILED, "option '--size' is %s: domain '%s' has room for %s below its maximum, %s", size, inventory->name, left, most);
        return FALSE;
    }
    return TRUE;
}

static gboolean slotTaken(const virMemInventory *inventory, unsigned slot)
{
    for (gsize i = 0; i < inventory->ndevices; i++) {
        if (inventory->devices[i]->slot >= 0 && (unsigned)inventory->devices[i]->slot == slot)
            return TRUE;
    }
    return FALSE;
}

static gboolean checkSlot(const MemoryDeviceDef *def, const virMemInventory *inventory, GError **err)
{
    if (!memoryDeviceUsesSlot(def->model) || !inventory->slots)
        return TRUE;
    if (inventory->slotsUsed >= inventory->slots) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' uses all of its %u slots: detach a DIMM first, or use virtio-mem", inventory->name, inventory->slots);
        return FALSE;
    }
    if (def->info.type != DEVICE_ADDRESS_DIMM)
        return TRUE;
    if (def->info.dimm.slot >= inventory->slots) {
        cmdErrorSet(err, CMD_FAILED, "option '--slot' is '%u': domain '%s' has slots 0 to %u", def->info.dimm.slot, inventory->name, inventory->slots - 1);
        return FALSE;
    }
    if (slotTaken(inventory, def->info.dimm.slot)) {
        cmdErrorSet(err, CMD_FAILED, "option '--slot' is '%u': it is taken in domain '%s'; without the option a free one is found", def->info.dimm.slot,
                    inventory->name);
        return FALSE;
    }
    return TRUE;
}

static gboolean checkLive(const MemoryDeviceDef *def, const virMemInventory *inventory, GError **err)
{
    guint64 step = g_str_has_prefix(inventory->arch, "ppc64") ? DIMM_STEP_PPC64_KIB : DIMM_STEP_KIB;
    g_autofree char *size = outKibExact(def->sizeKib);
    g_autofree char *multiple = outKibExact(step);
    g_autofree char *above = outKibExact((def->sizeKib / step + 1) * step);

    if (def->model == MEMORY_DEVICE_SGX_EPC) {
        cmdErrorSet(err, CMD_FAILED, "an sgx-epc device cannot be added to a running guest: use '--config' and start it anew");
        return FALSE;
    }
    if (def->model == MEMORY_DEVICE_DIMM && def->sizeKib % step) {
        cmdErrorSet(err, CMD_FAILED, "option '--size' is %s: a DIMM for a running guest must be a multiple of %s, such as %s", size, multiple, above);
        return FALSE;
    }
    return TRUE;
}

gboolean deviceBuildCheck(const MemoryDeviceDef *def, const virMemInventory *inventory, gboolean live, GError **err)
{
    return checkNode(def, inventory, err) && checkRoom(def, inventory, err) && checkSlot(def, inventory, err) &&
           (!live || checkLive(def, inventory, err));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_device_validate.c: defaults and rules of memory devices that need no QEMU binary */
#include "conf/domain_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"
#include "util/mem_uuid.h"

#define PPC64_STEP_KIB (256 * 1024)

static gboolean isPpc64(const DomainDef *domain)
{
    return domain->arch == ARCH_PPC64 || domain->arch == ARCH_PPC64LE;
}

/* ---- defaults ---- */

/* The guest's firmware wants the part behind the label in whole blocks: what does not fill one is given up. */
static gboolean fitNvdimmForPpc64(MemoryDeviceDef *def, GError **err)
{
    guint64 data = (def->sizeKib - def->labelKib) / PPC64_STEP_KIB * PPC64_STEP_KIB;

    if (!data) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "size '%" G_GUINT64_FORMAT "' KiB of an nvdimm on pSeries is too small: it must be 256 MiB more than its label",
                    def->sizeKib);
        return FALSE;
    }
    def->sizeKib = data + def->labelKib;
    if (!def->hasUuid)
        memUuidGenerate(def->uuid);
    def->hasUuid = TRUE;
    return TRUE;
}

static gboolean roundForPpc64(MemoryDeviceDef *def, GError **err)
{
    if (memUnitsRoundUp(&def->sizeKib, PPC64_STEP_KIB) && def->sizeKib < MEM_KIB_LIMIT)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "size of a memory device is too large to be rounded up to 256 MiB");
    return FALSE;
}

gboolean memoryDeviceDefDefaults(MemoryDeviceDef *def, const DomainDef *domain, GError **err)
{
    if (def->model == MEMORY_DEVICE_VIRTIO_PMEM && def->access == MEMORY_ACCESS_DEFAULT)
        def->access = MEMORY_ACCESS_SHARED;
    if (!isPpc64(domain))
        return TRUE;
    return def->model == MEMORY_DEVICE_NVDIMM ? fitNvdimmForPpc64(def, err) : roundForPpc64(def, err);
}

/* ---- rules ---- */

static gboolean validateNode(const MemoryDeviceDef *def, const DomainDef *domain, GError **err)
{
    if (def->targetNode < 0 || (gsize)def->targetNode < domain->numa.ncells)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_DETAIL, "node '%d' of the '%s' device does not exist: the guest has '%" G_GSIZE_FORMAT "' nodes",
                def->targetNode, memoryDeviceModelToString(def->model), domain->numa.ncells);
    return FALSE;
}

static gboolean validatePath(const MemoryDeviceDef *def, GError **err)
{
    if (!def->sourcePath) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "the '%s' device needs a '<path>' in its '<source>'", memoryDeviceModelToString(def->model));
        return FALSE;
    }
    if (def->discard == MEM_TRISTATE_YES) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "discard='yes' of the '%s' device would throw away what its file holds: use 'no'",
                    memoryDeviceModelToString(def->model));
        return FALSE;
    }
    return TRUE;
}

static gboolean validateNvdimm(const MemoryDeviceDef *def, const DomainDef *domain, GError **err)
{
    if (!validatePath(def, err))
        return FALSE;
    if (isPpc64(domain) && !def->labelKib) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "an nvdimm on pSeries needs a '<label>' with a size");
        return FALSE;
    }
    if (!isPpc64(domain) && def->hasUuid) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '<uuid>' of an nvdimm is supported on pSeries only");
        return FALSE;
    }
    return TRUE;
}

static gboolean validateVirtioPmem(const MemoryDeviceDef *def, GError **err)
{
    if (!validatePath(def, err))
        return FALSE;
    if (def->access != MEMORY_ACCESS_SHARED) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "access='private' of the 'virtio-pmem' device is not supported: it is always 'shared'");
        return FALSE;
    }
    if (def->targetNode != -1) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "node '%d' of the 'virtio-pmem' device is not supported: it belongs to no node", def->targetNode);
        return FALSE;
    }
    return TRUE;
}

static gboolean validateVirtioMem(const MemoryDeviceDef *def, GError **err)
{
    if (def->requestedKib > def->sizeKib) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "requested '%" G_GUINT64_FORMAT "' KiB of the 'virtio-mem' device is more than its size, '%" G_GUINT64_FORMAT "' KiB",
                    def->requestedKib, def->sizeKib);
        return FALSE;
    }
    if (!def->blockKib || (def->blockKib & (def->blockKib - 1))) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "block '%" G_GUINT64_FORMAT "' KiB of the 'virtio-mem' device is invalid: it must be a power of two", def->blockKib);
        return FALSE;
    }
    if (def->requestedKib % def->blockKib) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "requested '%" G_GUINT64_FORMAT "' KiB of the 'virtio-mem' device is not a multiple of its block, '%" G_GUINT64_FORMAT "' KiB",
                    def->requestedKib, def->blockKib);
        return FALSE;
    }
    if (def->baseAddress % (def->blockKib * 1024)) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "base '0x%" G_GINT64_MODIFIER "x' of the 'virtio-mem' device is not a multiple of its block, '%" G_GUINT64_FORMAT "' KiB",
                    def->baseAddress, def->blockKib);
        return FALSE;
    }
    return TRUE;
}

static gboolean validateSgx(const MemoryDeviceDef *def, GError **err)
{
    if (def->info.type == DEVICE_ADDRESS_NONE)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "an address of the 'sgx-epc' device is not supported");
    return FALSE;
}

gboolean memoryDeviceDefValidate(const MemoryDeviceDef *def, const DomainDef *domain, GError **err)
{
    if (!validateNode(def, domain, err))
        return FALSE;
    switch (def->model) {
    case MEMORY_DEVICE_NVDIMM:
        return validateNvdimm(def, domain, err);
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return validateVirtioPmem(def, err);
    case MEMORY_DEVICE_VIRTIO_MEM:
        return validateVirtioMem(def, err);
    case MEMORY_DEVICE_SGX_EPC:
        return validateSgx(def, err);
    case MEMORY_DEVICE_DIMM:
    case MEMORY_DEVICE_LAST:
        break;
    }
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_validate_memory.c: rules of memory that need the QEMU binary or the host */
#include "qemu/qemu_domain_defaults.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_host.h"
#include "util/mem_error.h"

static gboolean require(const QemuCaps *caps, QemuCapsFlag flag, const char *what, GError **err)
{
    if (qemuCapsHas(caps, flag))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s is not supported by '%s'", what, qemuCapsBinary(caps));
    return FALSE;
}

/* ---- devices ---- */

static gboolean validateNvdimm(const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    return require(caps, QEMU_CAPS_DEVICE_NVDIMM, "an 'nvdimm' device", err) &&
           (!device->readonly || require(caps, QEMU_CAPS_NVDIMM_UNARMED, "'<readonly/>' of an 'nvdimm' device", err)) &&
           (!device->pmem || require(caps, QEMU_CAPS_OBJECT_MEMORY_FILE_PMEM, "'<pmem/>' of an 'nvdimm' device", err)) &&
           (!device->alignKib || require(caps, QEMU_CAPS_OBJECT_MEMORY_FILE_ALIGN, "'<alignsize>' of an 'nvdimm' device", err));
}

static gboolean validateVirtioMem(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    QemuCapsFlag flag = def->arch == ARCH_S390X ? QEMU_CAPS_DEVICE_VIRTIO_MEM_CCW : QEMU_CAPS_DEVICE_VIRTIO_MEM_PCI;
    guint64 hugeKib = qemuHostThpKib();

    if (device->blockKib < hugeKib) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "block '%" G_GUINT64_FORMAT "' KiB of the 'virtio-mem' device is too small: it must be at least '%" G_GUINT64_FORMAT "' KiB",
                    device->blockKib, hugeKib);
        return FALSE;
    }
    return require(caps, flag, "a 'virtio-mem' device", err);
}

static gboolean validateVirtioPmem(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    QemuCapsFlag flag = def->arch == ARCH_S390X ? QEMU_CAPS_DEVICE_VIRTIO_PMEM_CCW : QEMU_CAPS_DEVICE_VIRTIO_PMEM_PCI;

    if (device->baseAddress % (qemuHostPageKib() * 1024)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "base '0x%" G_GINT64_MODIFIER "x' of the 'virtio-pmem' device is not a multiple of the page size, '%u' KiB",
                    device->baseAddress, qemuHostPageKib());
        return FALSE;
    }
    return require(caps, flag, "a 'virtio-pmem' device", err);
}

/* What the host's enclave memory has in the sections of @node; a section that does not say its node counts as node 0. */
static guint64 sgxSectionKib(const QemuCaps *caps, int node)
{
    gsize count = 0;
    const QemuSgxSection *sections = qemuCapsSgxSections(caps, &count);
    guint64 sum = 0;

    for (gsize i = 0; i < count; i++) {
        if (MAX(sections[i].node, 0) == node)
            sum += sections[i].sectionKib;
    }
    return sum;
}

static gboolean validateSgx(const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    int node = device->sourceNodes ? memBitmapNext(device->sourceNodes, -1) : 0;
    gsize count = 0;

    if (!require(caps, QEMU_CAPS_OBJECT_MEMORY_EPC, "an 'sgx-epc' device", err))
        return FALSE;
    qemuCapsSgxSections(caps, &count);
    if (!count) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "an 'sgx-epc' device is not supported: this host has no SGX memory");
        return FALSE;
    }
    for (; node >= 0; node = device->sourceNodes ? memBitmapNext(device->sourceNodes, node) : -1) {
        if (device->sizeKib > sgxSectionKib(caps, node)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "size '%" G_GUINT64_FORMAT "' KiB of the 'sgx-epc' device is more than host node '%d' has: '%" G_GUINT64_FORMAT "' KiB",
                        device->sizeKib, node, sgxSectionKib(caps, node));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean qemuDomainValidateMemory(const DomainDef *def, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    switch (device->model) {
    case MEMORY_DEVICE_DIMM:
        return require(caps, QEMU_CAPS_DEVICE_PC_DIMM, "a 'dimm' device", err);
    case MEMORY_DEVICE_NVDIMM:
        return validateNvdimm(device, caps, err);
    case MEMORY_DEVICE_VIRTIO_MEM:
        return validateVirtioMem(def, device, caps, err);
    case MEMORY_DEVICE_VIRTIO_PMEM:
        return validateVirtioPmem(def, device, caps, err);
    case MEMORY_DEVICE_SGX_EPC:
        return validateSgx(device, caps, err);
    case MEMORY_DEVICE_LAST:
        break;
    }
    return TRUE;
}

/* ---- the rest ---- */

static gboolean validateBacking(const MemoryBackingDef *backing, const QemuCaps *caps, GError **err)
{
    return (backing->source != MEMORY_SOURCE_MEMFD ||
            require(caps, QEMU_CAPS_OBJECT_MEMORY_MEMFD, "'<source type='memfd'/>'", err)) &&
           (backing->source != MEMORY_SOURCE_MEMFD || !backing->hugepages ||
            require(caps, QEMU_CAPS_OBJECT_MEMORY_MEMFD_HUGETLB, "'<hugepages>' with '<source type='memfd'/>'", err)) &&
           (!backing->allocationThreads ||
            require(caps, QEMU_CAPS_MEMORY_PREALLOC_THREADS, "threads= of '<allocation>'", err)) &&
           (!backing->discard || require(caps, QEMU_CAPS_OBJECT_MEMORY_FILE_DISCARD, "'<discard/>' of '<memoryBacking>'", err));
}

static gboolean validateBalloon(const MemballoonDef *balloon, const QemuCaps *caps, GError **err)
{
    if (!balloon || balloon->model == MEMBALLOON_NONE)
        return TRUE;
    return require(caps, QEMU_CAPS_DEVICE_VIRTIO_BALLOON, "a '<memballoon>'", err) &&
           (!balloon->autodeflate ||
            require(caps, QEMU_CAPS_BALLOON_DEFLATE_ON_OOM, "autodeflate= of '<memballoon>'", err)) &&
           (!balloon->freePageReporting ||
            require(caps, QEMU_CAPS_BALLOON_FREE_PAGE_REPORTING, "freePageReporting= of '<memballoon>'", err));
}

/* Newer than libvirt 9.0, so that it cannot be among the rules whose order is libvirt's. */
static gboolean validateNewer(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (def->memories[i]->dynamicMemslots &&
            !require(caps, QEMU_CAPS_VIRTIO_MEM_DYNAMIC_MEMSLOTS, "dynamicMemslots= of a 'virtio-mem' device", err))
            return FALSE;
    }
    return TRUE;
}

static gboolean deviceRule(const DomainDef *def, const MemoryDeviceDef *device, gconstpointer caps, GError **err)
{
    return qemuDomainValidateMemory(def, device, caps, err);
}

/* Where virtio is on ccw, a model that has no such variant has no place to be: that comes before all its other faults. */
static gboolean validateCcw(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        const MemoryDeviceDef *device = def->memories[i];
        gboolean isMem = device->model == MEMORY_DEVICE_VIRTIO_MEM;

        if (device->info.type == DEVICE_ADDRESS_CCW && (isMem || device->model == MEMORY_DEVICE_VIRTIO_PMEM) &&
            !require(caps, isMem ? QEMU_CAPS_DEVICE_VIRTIO_MEM_CCW : QEMU_CAPS_DEVICE_VIRTIO_PMEM_CCW,
                     isMem ? "a 'virtio-mem' device" : "a 'virtio-pmem' device", err))
            return FALSE;
    }
    return TRUE;
}

/* libvirt looks for a place for any balloon before it looks at its model. */
static gboolean validateBalloonPlace(const DomainDef *def, GError **err)
{
    const MemballoonDef *balloon = def->balloon;

    if (!balloon || balloon->model != MEMBALLOON_XEN || balloon->info.type != DEVICE_ADDRESS_NONE ||
        def->arch == ARCH_S390X || qemuDomainHasPci(def))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "'<memballoon>' needs a PCI bus, and machine '%s' has none", def->machine);
    return FALSE;
}

gboolean qemuDomainValidateDefAndMemory(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    return validateBalloonPlace(def, err) && validateCcw(def, caps, err) &&
           domainDefValidateWith(def, deviceRule, caps, err) && validateBacking(&def->backing, caps, err) &&
           validateBalloon(def->balloon, caps, err) && validateNewer(def, caps, err) &&
           (!numaDefHasHmat(&def->numa) || require(caps, QEMU_CAPS_NUMA_HMAT, "'<cache>' and '<interconnects>' of '<numa>'", err));
}

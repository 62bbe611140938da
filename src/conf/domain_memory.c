/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_memory.c: <memory>, <currentMemory>, <maxMemory> and how devices add up to them */
#include "conf/domain_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

/* ---- sums ---- */

#define SUM_MAX (MEM_KIB_LIMIT * 1024)

guint64 domainDefDevicesKib(const DomainDef *def)
{
    guint64 sum = 0;

    for (gsize i = 0; i < def->nmemories; i++)
        sum = MIN(sum + def->memories[i]->sizeKib, SUM_MAX);
    return sum;
}

guint64 domainDefInitialKib(const DomainDef *def)
{
    guint64 devices = domainDefDevicesKib(def);

    return def->memory.totalKib > devices ? def->memory.totalKib - devices : 0;
}

guint64 domainDefVirtioMemKib(const DomainDef *def)
{
    guint64 sum = 0;

    for (gsize i = 0; i < def->nmemories; i++) {
        if (def->memories[i]->model == MEMORY_DEVICE_VIRTIO_MEM)
            sum += def->memories[i]->sizeKib;
    }
    return sum;
}

guint64 domainDefVirtioMemCurrentKib(const DomainDef *def)
{
    guint64 sum = 0;

    for (gsize i = 0; i < def->nmemories; i++) {
        if (def->memories[i]->model == MEMORY_DEVICE_VIRTIO_MEM)
            sum += def->memories[i]->currentKib;
    }
    return sum;
}

/* ---- parse and format ---- */

static gboolean checkKnown(const xmlNode *domain, const char *name, const char *extra, GError **err)
{
    const char *const attrs[] = { "unit", extra, NULL };
    static const char *const none[] = { NULL };
    const xmlNode *node = memXmlChild(domain, name);

    if (node && memXmlNext(node, name)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element '%s' is given twice in 'domain'", name);
        return FALSE;
    }
    return !node || (memXmlOnlyAttrs(node, attrs, err) && memXmlOnlyChildren(node, none, err));
}

static gboolean parseSlots(const xmlNode *node, unsigned *slots, GError **err)
{
    g_autofree char *text = node ? memXmlAttr(node, "slots") : NULL;

    if (!text || !text[0] || memUnitsParseUint(text, slots))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "value '%s' for attribute 'slots' of '<maxMemory>' is invalid: it must be a number, 0 or more", text);
    return FALSE;
}

gboolean domainMemoryParse(const xmlNode *domain, DomainDef *def, GError **err)
{
    const xmlNode *memory = memXmlChild(domain, "memory");
    DomainMemory *into = &def->memory;
    int dumpCore = MEM_TRISTATE_ABSENT;

    if (!checkKnown(domain, "memory", "dumpCore", err) || !checkKnown(domain, "currentMemory", NULL, err) ||
        !checkKnown(domain, "maxMemory", "slots", err) ||
        !memXmlSizeKib(domain, "memory", FALSE, &into->totalKib, NULL, err) ||
        !memXmlSizeKib(domain, "currentMemory", FALSE, &into->currentKib, NULL, err) ||
        !memXmlSizeKib(domain, "maxMemory", FALSE, &into->maxKib, NULL, err) ||
        !parseSlots(memXmlChild(domain, "maxMemory"), &into->slots, err) ||
        (memory && !memXmlAttrOnOff(memory, "dumpCore", &dumpCore, err)))
        return FALSE;
    into->dumpCore = (MemTristate)dumpCore;
    return TRUE;
}

void domainMemoryFormat(MemXmlOut *out, const DomainDef *def, unsigned flags)
{
    const DomainMemory *memory = &def->memory;

    if (memory->maxKib) {
        memXmlOutStart(out, "maxMemory");
        if (memory->slots)
            memXmlOutAttrUint64(out, "slots", memory->slots);
        memXmlOutAttr(out, "unit", "KiB");
        memXmlOutEndTextUint64(out, memory->maxKib);
    }
    memXmlOutStart(out, "memory");
    memXmlOutAttr(out, "dumpCore", memTristateSwitchToString(memory->dumpCore));
    memXmlOutAttr(out, "unit", "KiB");
    memXmlOutEndTextUint64(out, memory->totalKib);
    memXmlOutSizeKib(out, "currentMemory", memory->currentKib);
}

/* ---- defaults ---- */

static gboolean anyUsesSlot(const DomainDef *def)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (memoryDeviceUsesSlot(def->memories[i]->model))
            return TRUE;
    }
    return FALSE;
}

static gboolean checkMaximum(const DomainDef *def, GError **err)
{
    const DomainMemory *memory = &def->memory;

    if (memory->slots && !memory->maxKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "slots='%u' of '<maxMemory>' needs a maximum larger than 0", memory->slots);
        return FALSE;
    }
    if (memory->maxKib && !memory->slots && anyUsesSlot(def)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<maxMemory>' has no slots for its dimm and nvdimm devices: give slots=");
        return FALSE;
    }
    if (memory->maxKib && memory->maxKib < memory->totalKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<maxMemory>' of '%" G_GUINT64_FORMAT "' KiB is less than '<memory>' with all devices, '%" G_GUINT64_FORMAT "' KiB",
                    memory->maxKib, memory->totalKib);
        return FALSE;
    }
    return TRUE;
}

static gboolean checkInitial(const DomainMemory *memory, guint64 devices, GError **err)
{
    if (devices > memory->totalKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "the memory devices, '%" G_GUINT64_FORMAT "' KiB, exceed '<memory>', '%" G_GUINT64_FORMAT "' KiB, which includes them",
                    devices, memory->totalKib);
        return FALSE;
    }
    if (devices == memory->totalKib) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "no memory to boot with: '<memory>', or the cells of '<numa>', must have more than the devices");
        return FALSE;
    }
    return TRUE;
}

static gboolean settleTotals(DomainDef *def, unsigned flags, guint64 devices, GError **err)
{
    DomainMemory *memory = &def->memory;
    guint64 cells = 0;

    if (!memory->totalKib || (flags & DOMAIN_PARSE_ABI_UPDATE))
        cells = numaDefTotalKib(&def->numa);
    if (cells)
        memory->totalKib = cells + devices;
    if (!checkInitial(memory, devices, err))
        return FALSE;
    if (!memory->currentKib || memory->currentKib > memory->totalKib)
        memory->currentKib = memory->totalKib;
    return checkMaximum(def, err);
}

/* QEMU needs a node to plug memory into, and makes one of its own where there is none: better that the XML says so.
 * pSeries can do without, s390x has no nodes. */
static gboolean wantsAutomaticCell(const DomainDef *def, unsigned flags)
{
    return (flags & DOMAIN_PARSE_ABI_UPDATE) && def->memory.maxKib && !def->numa.ncells && def->arch != ARCH_PPC64 &&
           def->arch != ARCH_PPC64LE && def->arch != ARCH_S390X;
}

static gboolean addAutomaticCell(DomainDef *def, guint64 devices, GError **err)
{
    if (!checkInitial(&def->memory, devices, err))
        return FALSE;
    def->numa.cells = g_new0(NumaCellDef, 1);
    def->numa.ncells = 1;
    def->numa.cells[0].cpus = memBitmapNew();
    def->numa.cells[0].memoryKib = def->memory.totalKib - devices;
    for (gsize i = 0; i < def->nmemories; i++) {
        MemoryDeviceDef *device = def->memories[i];

        if (device->targetNode < 0 && (memoryDeviceUsesSlot(device->model) || device->model == MEMORY_DEVICE_VIRTIO_MEM))
            device->targetNode = 0;
    }
    return TRUE;
}

gboolean domainMemoryDefaults(DomainDef *def, unsigned flags, GError **err)
{
    guint64 devices;

    for (gsize i = 0; i < def->nmemories; i++) {
        if (!memoryDeviceDefDefaults(def->memories[i], def, err))
            return FALSE;
    }
    devices = domainDefDevicesKib(def);
    if (wantsAutomaticCell(def, flags) && !addAutomaticCell(def, devices, err))
        return FALSE;
    return numaDefDefaults(&def->numa, def, err) && memoryBackingDefDefaults(&def->backing, def, err) &&
           settleTotals(def, flags, devices, err);
}

/* ---- devices come and go ---- */

gboolean domainMemoryInsert(DomainDef *def, MemoryDeviceDef *device, GError **err)
{
    if (def->memory.totalKib + device->sizeKib >= MEM_KIB_LIMIT) {
        memErrorSet(err, VIR_ERR_OVERFLOW, "a memory device of '%" G_GUINT64_FORMAT "' KiB more than fits", device->sizeKib);
        return FALSE;
    }
    def->memories = g_renew(MemoryDeviceDef *, def->memories, def->nmemories + 1);
    def->memories[def->nmemories++] = device;
    def->memory.totalKib += device->sizeKib;
    def->memory.currentKib += device->sizeKib;
    return TRUE;
}

MemoryDeviceDef *domainMemoryRemove(DomainDef *def, MemoryDeviceDef *device)
{
    DomainMemory *memory = &def->memory;

    for (gsize i = 0; i < def->nmemories; i++) {
        if (def->memories[i] != device)
            continue;
        def->nmemories--;
        for (gsize j = i; j < def->nmemories; j++)
            def->memories[j] = def->memories[j + 1];
        memory->totalKib -= MIN(memory->totalKib, device->sizeKib);
        memory->currentKib -= MIN(memory->currentKib, device->sizeKib);
        return device;
    }
    return NULL;
}

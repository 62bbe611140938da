/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_capabilities.c: <domainCapabilities>: what a domain may be made of, told truly */

#include "qemu/qemu_capabilities_xml.h"
#include "qemu/qemu_cpu.h"

#include "conf/cpu_conf.h"
#include "conf/disk_conf.h"
#include "conf/graphics_conf.h"
#include "conf/guest_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"

#include <string.h>

/* One value of an enum that depends on the binary or machine. */
typedef gboolean (*ValueFilter)(const QemuCaps *caps, const QemuMachine *machine, int value);

typedef struct {
    MemXmlOut *out;
    const QemuCaps *caps;
    const QemuMachine *machine;
    DomainVirtType type;
} Paper;

static void startSupported(const Paper *paper, const char *name, gboolean supported)
{
    memXmlOutStart(paper->out, name);
    memXmlOutAttr(paper->out, "supported", supported ? "yes" : "no");
}

static void formatSupported(const Paper *paper, const char *name, gboolean supported)
{
    startSupported(paper, name, supported);
    memXmlOutEnd(paper->out);
}

/* <enum name=@name> with the values of a MEM_ENUM that have a name and pass @filter (NULL: all). */
static void formatEnum(const Paper *paper, const char *name, const char *(*toString)(int), int last, ValueFilter filter)
{
    memXmlOutStart(paper->out, "enum");
    memXmlOutAttr(paper->out, "name", name);
    for (int value = 0; value < last; value++) {
        if (toString(value) && (!filter || filter(paper->caps, paper->machine, value)))
            memXmlOutText(paper->out, "value", toString(value));
    }
    memXmlOutEnd(paper->out);
}

static void formatWords(const Paper *paper, const char *name, const char *const *words)
{
    memXmlOutStart(paper->out, "enum");
    memXmlOutAttr(paper->out, "name", name);
    for (; *words; words++)
        memXmlOutText(paper->out, "value", *words);
    memXmlOutEnd(paper->out);
}

static gboolean isX86(const QemuCaps *caps)
{
    return qemuCapsArch(caps) == ARCH_X86_64 || qemuCapsArch(caps) == ARCH_I686;
}

static const char *const yesNo[] = { "yes", "no", NULL };
static const char *const onOff[] = { "on", "off", NULL };

static void formatOs(const Paper *paper)
{
    static const char *const nothing[] = { NULL };

    startSupported(paper, "os", TRUE);
    formatWords(paper, "firmware", nothing);
    startSupported(paper, "loader", TRUE);
    formatEnum(paper, "type", osLoaderTypeToString, OS_LOADER_LAST, NULL);
    formatWords(paper, "readonly", yesNo);
    /* Secure boot needs SMM: q35 has it. */
    formatWords(paper, "secure", g_str_has_prefix(paper->machine->name, "pc-q35") ? yesNo : &yesNo[1]);
    memXmlOutEnd(paper->out);
    memXmlOutEnd(paper->out);
}

/* ---- CPU ---- */

static void formatModeWith(const Paper *paper, const char *mode, gboolean supported, const char *migratable)
{
    memXmlOutStart(paper->out, "mode");
    memXmlOutAttr(paper->out, "name", mode);
    memXmlOutAttr(paper->out, "supported", supported ? "yes" : "no");
    if (supported)
        formatWords(paper, migratable, onOff);
    memXmlOutEnd(paper->out);
}

static void formatHostModel(const Paper *paper)
{
    /* The binary was asked with one accelerator only; of the other's CPU nothing is known. */
    gboolean known = isX86(paper->caps) && qemuCapsCpusAreOfKvm(paper->caps) == (paper->type == DOMAIN_VIRT_KVM);
    g_auto(QemuCpuSet) max = { 0 };
    const QemuCpuModel *model = NULL;

    memXmlOutStart(paper->out, "mode");
    memXmlOutAttr(paper->out, "name", "host-model");
    if (known) {
        qemuCpuMax(&max, paper->caps);
        model = qemuCpuBestModel(paper->caps, &max);
    }
    memXmlOutAttr(paper->out, "supported", model ? "yes" : "no");
    if (model) {
        g_autofree const char **names = qemuCpuBeyond(paper->caps, &max, model);

        memXmlOutStart(paper->out, "model");
        memXmlOutAttr(paper->out, "fallback", "forbid");
        memXmlOutEndText(paper->out, model->name);
        memXmlOutText(paper->out, "vendor", qemuCpuVendorName(max.vendor));
        for (const char **name = names; *name; name++) {
            memXmlOutStart(paper->out, "feature");
            memXmlOutAttr(paper->out, "policy", "require");
            memXmlOutAttr(paper->out, "name", qemuCpuFeatureName(*name));
            memXmlOutEnd(paper->out);
        }
    }
    memXmlOutEnd(paper->out);
}

static const char *usableWord(const Paper *paper, const QemuCpuModel *model)
{
    if (model->usable == MEM_TRISTATE_ABSENT || qemuCapsCpusAreOfKvm(paper->caps) != (paper->type == DOMAIN_VIRT_KVM))
        return "unknown";
    return memTristateBoolToString(model->usable);
}

static void formatCustom(const Paper *paper)
{
    gsize count;
    const QemuCpuModel *models = qemuCapsCpuModelList(paper->caps, &count);

    memXmlOutStart(paper->out, "mode");
    memXmlOutAttr(paper->out, "name", "custom");
    memXmlOutAttr(paper->out, "supported", count ? "yes" : "no");
    for (gsize i = 0; i < count; i++) {
        const char *vendor = qemuCpuModelVendorName(&models[i]);

        if (!qemuCpuModelIsNamed(&models[i]))
            continue;
        memXmlOutStart(paper->out, "model");
        memXmlOutAttr(paper->out, "usable", usableWord(paper, &models[i]));
        memXmlOutAttr(paper->out, "vendor", vendor ? vendor : "unknown");
        if (models[i].deprecated)
            memXmlOutAttr(paper->out, "deprecated", "yes");
        memXmlOutEndText(paper->out, models[i].name);
    }
    memXmlOutEnd(paper->out);
}

static void formatCpu(const Paper *paper)
{
    gsize count;
    const QemuCpuModel *models = qemuCapsCpuModelList(paper->caps, &count);
    gboolean hasMax = FALSE;

    for (gsize i = 0; i < count; i++)
        hasMax |= g_str_equal(models[i].name, "max");
    memXmlOutStart(paper->out, "cpu");
    formatModeWith(paper, "host-passthrough", paper->type == DOMAIN_VIRT_KVM, "hostPassthroughMigratable");
    formatModeWith(paper, "maximum", hasMax, "maximumMigratable");
    formatHostModel(paper);
    formatCustom(paper);
    memXmlOutEnd(paper->out);
}

/* ---- memory and devices ---- */

static void formatMemoryBacking(const Paper *paper)
{
    const char *sources[4] = { NULL };
    gsize count = 0;

    if (qemuCapsHas(paper->caps, QEMU_CAPS_OBJECT_MEMORY_FILE))
        sources[count++] = "file";
    sources[count++] = "anonymous";
    if (qemuCapsHas(paper->caps, QEMU_CAPS_OBJECT_MEMORY_MEMFD))
        sources[count++] = "memfd";
    startSupported(paper, "memoryBacking", TRUE);
    formatWords(paper, "sourceType", sources);
    memXmlOutEnd(paper->out);
}

static gboolean hasDiskBus(const QemuCaps *caps, const QemuMachine *machine, int value)
{
    switch ((DiskBus)value) {
    case DISK_BUS_IDE:
        return g_str_has_prefix(machine->name, "pc-i440fx") || g_str_equal(machine->name, "isapc");
    case DISK_BUS_SCSI:
        return qemuCapsHasDevice(caps, "scsi-hd");
    case DISK_BUS_VIRTIO:
        return qemuCapsHasDevice(caps, "virtio-blk-device");
    case DISK_BUS_USB:
        return qemuCapsHasDevice(caps, "usb-storage");
    case DISK_BUS_SATA:
        return qemuCapsHasDevice(caps, "ich9-ahci");
    case DISK_BUS_NONE:
    case DISK_BUS_LAST:
        break;
    }
    return FALSE;
}

static gboolean hasVideo(const QemuCaps *caps, const QemuMachine *machine, int value)
{
    switch ((VideoModel)value) {
    case VIDEO_VGA:
        return qemuCapsHasDevice(caps, "VGA");
    case VIDEO_CIRRUS:
        return qemuCapsHasDevice(caps, "cirrus-vga");
    case VIDEO_QXL:
        return qemuCapsHasDevice(caps, "qxl-vga");
    case VIDEO_VIRTIO:
        return qemuCapsHasDevice(caps, "virtio-gpu-device");
    case VIDEO_BOCHS:
        return qemuCapsHasDevice(caps, "bochs-display");
    case VIDEO_RAMFB:
        return qemuCapsHasDevice(caps, "ramfb");
    case VIDEO_NONE:
        return TRUE;
    case VIDEO_DEFAULT:
    case VIDEO_LAST:
        break;
    }
    return FALSE;
}

static gboolean hasRngBackend(const QemuCaps *caps, const QemuMachine *machine, int value)
{
    switch ((RngBackend)value) {
    case RNG_BACKEND_RANDOM:
        return qemuCapsHasDevice(caps, "rng-random");
    case RNG_BACKEND_BUILTIN:
        return qemuCapsHasDevice(caps, "rng-builtin");
    case RNG_BACKEND_LAST:
        break;
    }
    return FALSE;
}

static void formatDevices(const Paper *paper)
{
    static const char *const channels[] = { "pty", "unix", NULL };
    gboolean rng = qemuCapsHasDevice(paper->caps, "virtio-rng-device");

    memXmlOutStart(paper->out, "devices");
    startSupported(paper, "disk", TRUE);
    formatEnum(paper, "diskDevice", diskDeviceToString, DISK_DEVICE_LAST, NULL);
    formatEnum(paper, "bus", diskBusToString, DISK_BUS_LAST, hasDiskBus);
    formatEnum(paper, "model", diskModelToString, DISK_MODEL_LAST, NULL);
    memXmlOutEnd(paper->out);
    startSupported(paper, "graphics", TRUE);
    formatEnum(paper, "type", graphicsTypeToString, GRAPHICS_LAST, NULL);
    memXmlOutEnd(paper->out);
    startSupported(paper, "video", TRUE);
    formatEnum(paper, "modelType", videoModelToString, VIDEO_LAST, hasVideo);
    memXmlOutEnd(paper->out);
    formatSupported(paper, "hostdev", FALSE);
    startSupported(paper, "rng", rng);
    if (rng) {
        formatEnum(paper, "model", rngModelToString, RNG_MODEL_LAST, NULL);
        formatEnum(paper, "backendModel", rngBackendToString, RNG_BACKEND_LAST, hasRngBackend);
    }
    memXmlOutEnd(paper->out);
    formatSupported(paper, "filesystem", FALSE);
    formatSupported(paper, "tpm", FALSE);
    formatSupported(paper, "redirdev", FALSE);
    startSupported(paper, "channel", TRUE);
    formatWords(paper, "type", channels);
    memXmlOutEnd(paper->out);
    memXmlOutEnd(paper->out);
}

/* ---- features ---- */

static void formatGic(const Paper *paper)
{
    gboolean supported = g_str_has_prefix(paper->machine->name, "virt-") &&
                         (qemuCapsHasGic(paper->caps, 2) || qemuCapsHasGic(paper->caps, 3));
    const char *versions[3] = { NULL };
    gsize count = 0;

    if (qemuCapsHasGic(paper->caps, 2))
        versions[count++] = "2";
    if (qemuCapsHasGic(paper->caps, 3))
        versions[count++] = "3";
    startSupported(paper, "gic", supported);
    if (supported)
        formatWords(paper, "version", versions);
    memXmlOutEnd(paper->out);
}

static void formatSgx(const Paper *paper)
{
    gsize count;
    const QemuSgxSection *sections = qemuCapsSgxSections(paper->caps, &count);
    unsigned features = qemuCapsSgxFeatures(paper->caps);
    guint64 sumKib = 0;

    startSupported(paper, "sgx", count > 0);
    if (count) {
        for (gsize i = 0; i < count; i++)
            sumKib += sections[i].sectionKib;
        memXmlOutText(paper->out, "flc", features & QEMU_SGX_FLC ? "yes" : "no");
        memXmlOutText(paper->out, "sgx1", features & QEMU_SGX_1 ? "yes" : "no");
        memXmlOutText(paper->out, "sgx2", features & QEMU_SGX_2 ? "yes" : "no");
        memXmlOutSizeKib(paper->out, "section_size", sumKib);
        memXmlOutStart(paper->out, "sections");
        for (gsize i = 0; i < count; i++) {
            memXmlOutStart(paper->out, "section");
            memXmlOutAttrUint64(paper->out, "node", (guint64)MAX(sections[i].node, 0));
            memXmlOutAttrUint64(paper->out, "size", sections[i].sectionKib);
            memXmlOutAttr(paper->out, "unit", "KiB");
            memXmlOutEnd(paper->out);
        }
        memXmlOutEnd(paper->out);
    }
    memXmlOutEnd(paper->out);
}

static void formatFeatures(const Paper *paper)
{
    gboolean hyperv = isX86(paper->caps) && paper->type == DOMAIN_VIRT_KVM;

    memXmlOutStart(paper->out, "features");
    formatGic(paper);
    formatSupported(paper, "vmcoreinfo", qemuCapsHasDevice(paper->caps, "vmcoreinfo"));
    formatSupported(paper, "genid", FALSE);
    formatSupported(paper, "backingStoreInput", FALSE);
    formatSupported(paper, "backup", FALSE);
    formatSupported(paper, "sev", FALSE);
    formatSgx(paper);
    startSupported(paper, "hyperv", hyperv);
    if (hyperv)
        formatEnum(paper, "features", hypervFeatureToString, HYPERV_LAST, NULL);
    memXmlOutEnd(paper->out);
    memXmlOutEnd(paper->out);
}

char *qemuCapabilitiesFormatDomainXml(const QemuCaps *caps, const QemuMachine *machine, DomainVirtType type)
{
    Paper paper = { .out = memXmlOutNew(), .caps = caps, .machine = machine, .type = type };

    memXmlOutStart(paper.out, "domainCapabilities");
    memXmlOutText(paper.out, "path", qemuCapsBinary(caps));
    memXmlOutText(paper.out, "domain", domainVirtTypeToString((int)type));
    memXmlOutText(paper.out, "machine", machine->name);
    memXmlOutText(paper.out, "arch", archToString((int)qemuCapsArch(caps)));
    memXmlOutStart(paper.out, "vcpu");
    memXmlOutAttrUint64(paper.out, "max", machine->maxCpus);
    memXmlOutEnd(paper.out);
    formatSupported(&paper, "iothreads", qemuCapsHasDevice(caps, "iothread"));
    formatOs(&paper);
    formatCpu(&paper);
    formatMemoryBacking(&paper);
    formatDevices(&paper);
    formatFeatures(&paper);
    memXmlOutEnd(paper.out);
    return memXmlOutSteal(paper.out);
}

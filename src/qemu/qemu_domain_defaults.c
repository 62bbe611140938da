/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_defaults.c: what machine and binary add to a definition: names, CPU, lines, balloon */
#include "qemu/qemu_domain_defaults.h"

#include "conf/chardev_conf.h"
#include "conf/cpu_conf.h"
#include "conf/guest_conf.h"
#include "conf/input_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/video_conf.h"
#include "qemu/qemu_domain_devices.h"
#include "util/mem_error.h"

#include <string.h>

#define SHORT_NAME_MAX 20

static gboolean machineStarts(const DomainDef *def, const char *prefix)
{
    return def->machine && g_str_has_prefix(def->machine, prefix);
}

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static gboolean isPpc(const DomainDef *def)
{
    return def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE;
}

gboolean qemuDomainHasPcie(const DomainDef *def)
{
    return (isX86(def) && (machineStarts(def, "pc-q35") || g_strcmp0(def->machine, "q35") == 0)) ||
           (def->arch == ARCH_AARCH64 && (machineStarts(def, "virt-") || g_strcmp0(def->machine, "virt") == 0));
}

gboolean qemuDomainHasPci(const DomainDef *def)
{
    return qemuDomainHasPcie(def) || (isX86(def) && (machineStarts(def, "pc-") || g_strcmp0(def->machine, "pc") == 0)) ||
           (isPpc(def) && machineStarts(def, "pseries")) ||
           (def->arch == ARCH_S390X && machineStarts(def, "s390-ccw-virtio"));
}

gboolean qemuDomainHasAcpi(const DomainDef *def)
{
    return isX86(def) || (def->arch == ARCH_AARCH64 && qemuDomainHasPcie(def));
}

/* The binary runs guests of its own kind, and x86_64's those of i686, ppc64's both byte orders. */
static gboolean archFits(Arch guest, Arch binary)
{
    return guest == binary || (guest == ARCH_I686 && binary == ARCH_X86_64) ||
           (guest == ARCH_PPC64LE && binary == ARCH_PPC64);
}

static gboolean nameMachine(DomainDef *def, const QemuCaps *caps, GError **err)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    if (!machine && !def->machine && def->arch == ARCH_AARCH64)
        machine = qemuCapsMachine(caps, "virt");
    if (!machine) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "emulator '%s' has no machine type '%s'", qemuCapsBinary(caps),
                    def->machine ? def->machine : "");
        return FALSE;
    }
    if (g_strcmp0(def->machine, machine->name) != 0) {
        g_free(def->machine);
        def->machine = g_strdup(machine->name);
    }
    return TRUE;
}

static gboolean nameBinary(DomainDef *def, const QemuCaps *caps, GError **err)
{
    if (def->arch == ARCH_NONE)
        def->arch = qemuCapsArch(caps);
    if (!archFits(def->arch, qemuCapsArch(caps))) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "emulator '%s' does not run arch '%s'", qemuCapsBinary(caps),
                    archToString(def->arch));
        return FALSE;
    }
    if (!def->emulator)
        def->emulator = g_strdup(qemuCapsBinary(caps));
    return nameMachine(def, caps, err);
}

/* A guest without a CPU model has the machine's: writing it down keeps it when QEMU's default changes. */
static void nameCpu(DomainDef *def, const QemuCaps *caps)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    if (def->cpu && def->cpu->mode == CPU_MODE_CUSTOM && !def->cpu->model)
        def->cpu->mode = CPU_MODE_NONE;
    if ((def->cpu && def->cpu->mode != CPU_MODE_NONE) || !machine || !machine->defaultCpu)
        return;
    if (!def->cpu)
        def->cpu = cpuDefNew();
    if (strcmp(machine->defaultCpu, "max") == 0) {
        def->cpu->mode = def->virtType == DOMAIN_VIRT_KVM ? CPU_MODE_HOST_PASSTHROUGH : CPU_MODE_MAXIMUM;
    } else {
        def->cpu->mode = CPU_MODE_CUSTOM;
        /* libvirt's names of POWER models are in capitals, QEMU takes either */
        def->cpu->model = isPpc(def) ? g_ascii_strup(machine->defaultCpu, -1) : g_strdup(machine->defaultCpu);
        def->cpu->fallback = MEM_TRISTATE_NO;
    }
    cpuDefDefaults(def->cpu);
}

static void nameGic(DomainDef *def, const QemuCaps *caps)
{
    FeaturesDef *features = &def->os->features;

    if (def->arch != ARCH_AARCH64 || !qemuDomainHasPcie(def) || features->gic != GIC_NONE)
        return;
    if (def->virtType == DOMAIN_VIRT_KVM)
        features->gic = GIC_HOST;
    else
        features->gic = qemuCapsHasGic(caps, 2) || !qemuCapsHasGic(caps, 3) ? GIC_2 : GIC_3;
    features->hasGic = TRUE;
}

/* ---- serial lines ---- */

static ChardevTarget defaultSerial(const DomainDef *def)
{
    if (isX86(def))
        return CHARDEV_TARGET_ISA_SERIAL;
    if (isPpc(def) && machineStarts(def, "pseries"))
        return CHARDEV_TARGET_SPAPR_VIO_SERIAL;
    if (def->arch == ARCH_AARCH64 && qemuDomainHasPcie(def))
        return CHARDEV_TARGET_SYSTEM_SERIAL;
    if (def->arch == ARCH_S390X)
        return CHARDEV_TARGET_SCLP_SERIAL;
    return CHARDEV_TARGET_NONE;
}

static const char *defaultSerialModel(ChardevTarget target)
{
    switch (target) {
    case CHARDEV_TARGET_ISA_SERIAL:
        return "isa-serial";
    case CHARDEV_TARGET_PCI_SERIAL:
        return "pci-serial";
    case CHARDEV_TARGET_USB_SERIAL:
        return "usb-serial";
    case CHARDEV_TARGET_SPAPR_VIO_SERIAL:
        return "spapr-vty";
    case CHARDEV_TARGET_SYSTEM_SERIAL:
        return "pl011";
    case CHARDEV_TARGET_SCLP_SERIAL:
        return "sclpconsole";
    case CHARDEV_TARGET_NONE:
    case CHARDEV_TARGET_CONSOLE_SERIAL:
    case CHARDEV_TARGET_VIRTIO:
    case CHARDEV_TARGET_LAST:
        break;
    }
    return NULL;
}

static void nameSerials(DomainDef *def)
{
    for (gsize i = 0; i < def->nserials; i++) {
        ChardevDef *serial = def->serials[i];

        if (serial->target == CHARDEV_TARGET_NONE)
            serial->target = defaultSerial(def);
        if (!serial->model)
            serial->model = g_strdup(defaultSerialModel(serial->target));
    }
}

/* A screen shows a card, and on pSeries nothing but USB can be typed on. */
static void addConsoleDevices(DomainDef *def)
{
    if (def->ngraphics && !def->nvideos) {
        def->videos = g_renew(VideoDef *, def->videos, 1);
        def->videos[def->nvideos++] = videoDefNew(VIDEO_DEFAULT);
    }
    if (def->ngraphics && !def->ninputs && isPpc(def)) {
        def->inputs = g_renew(InputDef *, def->inputs, 2);
        def->inputs[def->ninputs++] = inputDefNew(INPUT_KEYBOARD, INPUT_BUS_USB);
        def->inputs[def->ninputs++] = inputDefNew(INPUT_MOUSE, INPUT_BUS_USB);
    }
}

static void addBuiltins(DomainDef *def)
{
    def->audioNone = TRUE;
    if (def->panic == PANIC_NONE && isPpc(def))
        def->panic = PANIC_PSERIES;
    if (def->panic == PANIC_NONE && def->arch == ARCH_S390X)
        def->panic = PANIC_S390;
    if (!def->balloon && def->arch != ARCH_AARCH64)
        def->balloon = memballoonDefNew(MEMBALLOON_VIRTIO);
}

gboolean qemuDomainDefaults(DomainDef *def, const QemuCaps *caps, unsigned flags, GError **err)
{
    if (!nameBinary(def, caps, err))
        return FALSE;
    nameSerials(def);
    if (flags & DOMAIN_PARSE_ABI_UPDATE) {
        nameCpu(def, caps);
        nameGic(def, caps);
        addBuiltins(def);
        addConsoleDevices(def);
    }
    return qemuDomainDevicesDefaults(def, caps, flags, err) && qemuDomainAssignSlots(def, err) &&
           qemuDomainAssignAddresses(def, caps, err);
}

gboolean qemuDomainPrepare(DomainDef *def, const QemuCaps *caps, GError **err)
{
    qemuDomainAssignAliases(def);
    return qemuDomainAlignMemory(def, err);
}

char *qemuDomainShortName(const DomainDef *def)
{
    g_autofree char *clean = g_utf8_substring(def->name, 0, MIN(g_utf8_strlen(def->name, -1), SHORT_NAME_MAX));

    for (char *at = clean; *at; at++) {
        if (g_ascii_iscntrl(*at) || strchr("\\:*?\"<>|,$ '", *at))
            *at = '_';
    }
    return g_strdup_printf("%d-%s", def->id, clean);
}

char *qemuDomainNvramPath(const DomainDef *def, const char *folder)
{
    const OsDef *os = def->os;

    if (!osDefHasPflash(os) || os->loaderReadonly != MEM_TRISTATE_YES)
        return g_strdup(os->nvram);
    if (os->nvram)
        return g_strdup(os->nvram);
    return g_strdup_printf("%s/%s_VARS.fd", folder ? folder : "", def->name);
}

char *qemuDomainNvramTemplate(const DomainDef *def)
{
    const OsDef *os = def->os;
    const char *code;

    if (os->nvramTemplate)
        return g_strdup(os->nvramTemplate);
    code = os->loader ? g_strrstr(os->loader, "_CODE") : NULL;
    if (!code)
        return NULL;
    return g_strdup_printf("%.*s_VARS%s", (int)(code - os->loader), os->loader, code + strlen("_CODE"));
}

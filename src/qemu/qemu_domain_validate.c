/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_validate.c: the rules that need machine and binary */
#include "qemu/qemu_domain_defaults.h"

#include "conf/chardev_conf.h"
#include "conf/cpu_conf.h"
#include "conf/guest_conf.h"
#include "qemu/qemu_domain_devices.h"
#include "util/mem_error.h"

#include <string.h>

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static gboolean validateVirt(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    if (def->virtType != DOMAIN_VIRT_KVM || qemuCapsHas(caps, QEMU_CAPS_KVM))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "domain type 'kvm': KVM does not work with emulator '%s' on this host: "
                "use type 'qemu'", def->emulator);
    return FALSE;
}

static gboolean validateVcpus(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    if (machine && machine->maxCpus && def->vcpus.max > machine->maxCpus) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "vcpu '%u' is more than machine type '%s' takes, '%u'",
                    def->vcpus.max, def->machine, machine->maxCpus);
        return FALSE;
    }
    if (def->cpu && def->cpu->dies > 1 && !isX86(def)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu topology dies '%u' is not supported by machine type '%s'",
                    def->cpu->dies, def->machine);
        return FALSE;
    }
    return TRUE;
}

/* Case counts on x86 ("qemu64" is not "QEMU64"), but POWER models have one name in both. */
static gboolean knowsModel(const char *const *models, const DomainDef *def)
{
    for (gsize i = 0; models[i]; i++) {
        if (strcmp(models[i], def->cpu->model) == 0 ||
            (!isX86(def) && g_ascii_strcasecmp(models[i], def->cpu->model) == 0))
            return TRUE;
    }
    return FALSE;
}

static gboolean validateCpu(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    const CpuDef *cpu = def->cpu;
    const char *const *models = qemuCapsCpuModels(caps);

    if (!cpu || cpu->mode != CPU_MODE_CUSTOM || cpu->match == CPU_MATCH_MINIMUM || !cpu->model)
        return TRUE;
    if (models && *models && !knowsModel(models, def)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "cpu model '%s' is not known to emulator '%s'", cpu->model,
                    def->emulator);
        return FALSE;
    }
    return TRUE;
}

static gboolean refuseFeature(const DomainDef *def, const char *name, GError **err)
{
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "feature '%s' is not supported by arch '%s' and machine type '%s'", name,
                archToString(def->arch), def->machine);
    return FALSE;
}

static gboolean validateFeatures(const DomainDef *def, GError **err)
{
    const FeaturesDef *features = &def->os->features;
    gboolean isArmVirt = def->arch == ARCH_AARCH64 && qemuDomainHasPcie(def);

    if (features->hasGic && !isArmVirt)
        return refuseFeature(def, "gic", err);
    if (features->flags[FEATURE_ACPI] && !qemuDomainHasAcpi(def))
        return refuseFeature(def, "acpi", err);
    if (features->flags[FEATURE_ACPI] && def->arch == ARCH_AARCH64 && !osDefHasPflash(def->os)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "feature 'acpi' needs a loader of type 'pflash' on arch '%s'",
                    archToString(def->arch));
        return FALSE;
    }
    if (features->switches[FEATURE_SWITCH_VMPORT] != MEM_TRISTATE_ABSENT && !isX86(def))
        return refuseFeature(def, "vmport", err);
    if (features->switches[FEATURE_SWITCH_SMM] != MEM_TRISTATE_ABSENT && !(isX86(def) && qemuDomainHasPcie(def)))
        return refuseFeature(def, "smm", err);
    if (features->hypervMode != HYPERV_MODE_NONE && !isX86(def) && def->arch != ARCH_AARCH64)
        return refuseFeature(def, "hyperv", err);
    if (features->hyperv[HYPERV_VPINDEX] == MEM_TRISTATE_YES && def->virtType != DOMAIN_VIRT_KVM) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "feature 'hyperv' with 'vpindex' needs domain type 'kvm'");
        return FALSE;
    }
    if (features->kvmHidden != MEM_TRISTATE_ABSENT && !isX86(def) && def->virtType != DOMAIN_VIRT_KVM)
        return refuseFeature(def, "kvm", err);
    return TRUE;
}

/* Which timers a guest of this kind has. */
static gboolean timerFits(const DomainDef *def, const TimerDef *timer)
{
    switch (timer->name) {
    case TIMER_RTC:
        return TRUE;
    case TIMER_PIT:
    case TIMER_HPET:
    case TIMER_KVMCLOCK:
    case TIMER_HYPERVCLOCK:
    case TIMER_TSC:
        return isX86(def) || timer->present == MEM_TRISTATE_NO;
    case TIMER_ARMVTIMER:
        return def->arch == ARCH_AARCH64 && def->virtType == DOMAIN_VIRT_KVM;
    case TIMER_LAST:
        break;
    }
    return FALSE;
}

static gboolean validateTimers(const DomainDef *def, GError **err)
{
    const ClockDef *clock = &def->os->clock;

    for (gsize i = 0; i < clock->ntimers; i++) {
        if (timerFits(def, &clock->timers[i]))
            continue;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "timer '%s' is not supported by domain type '%s', arch '%s' and machine type '%s'",
                    timerNameToString(clock->timers[i].name), domainVirtTypeToString(def->virtType),
                    archToString(def->arch), def->machine);
        return FALSE;
    }
    return TRUE;
}

static gboolean serialFits(const DomainDef *def, const ChardevDef *serial, const QemuCaps *caps)
{
    switch (serial->target) {
    case CHARDEV_TARGET_ISA_SERIAL:
        return isX86(def);
    case CHARDEV_TARGET_SYSTEM_SERIAL:
        return def->arch == ARCH_AARCH64;
    case CHARDEV_TARGET_PCI_SERIAL:
    case CHARDEV_TARGET_USB_SERIAL:
    case CHARDEV_TARGET_SPAPR_VIO_SERIAL:
    case CHARDEV_TARGET_SCLP_SERIAL:
        return qemuCapsHasDevice(caps, serial->model);
    case CHARDEV_TARGET_NONE:
    case CHARDEV_TARGET_CONSOLE_SERIAL:
    case CHARDEV_TARGET_VIRTIO:
    case CHARDEV_TARGET_LAST:
        break;
    }
    return FALSE;
}

static gboolean validateSerials(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nserials; i++) {
        if (serialFits(def, def->serials[i], caps))
            continue;
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "serial target type '%s' is not supported by machine type '%s'",
                    def->serials[i]->target == CHARDEV_TARGET_NONE ? ""
                                                                   : chardevTargetToString(def->serials[i]->target),
                    def->machine);
        return FALSE;
    }
    return TRUE;
}

static gboolean validatePanic(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    gboolean fits = FALSE;

    switch (def->panic) {
    case PANIC_NONE:
        return TRUE;
    case PANIC_ISA:
        fits = isX86(def) && qemuCapsHasDevice(caps, "pvpanic");
        break;
    case PANIC_PSERIES:
        fits = def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE;
        break;
    case PANIC_S390:
        fits = def->arch == ARCH_S390X;
        break;
    case PANIC_LAST:
        break;
    }
    if (!fits)
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "panic model '%s' is not supported by machine type '%s'",
                    panicModelToString(def->panic), def->machine);
    return fits;
}

/* Sleep states are switched at the chip set of x86 machines. */
static gboolean validatePm(const DomainDef *def, GError **err)
{
    const PmDef *pm = &def->os->pm;

    if ((pm->suspendToMem == MEM_TRISTATE_ABSENT && pm->suspendToDisk == MEM_TRISTATE_ABSENT) ||
        (isX86(def) && qemuDomainHasPci(def)))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element 'pm' is not supported by machine type '%s'", def->machine);
    return FALSE;
}

gboolean qemuDomainValidate(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    if (!qemuDomainValidateDefAndMemory(def, caps, err) || !validateVirt(def, caps, err) ||
        !validateVcpus(def, caps, err) || !validateCpu(def, caps, err) || !validateFeatures(def, err) ||
        !validateTimers(def, err) || !validateSerials(def, caps, err) || !validatePanic(def, caps, err) ||
        !validatePm(def, err))
        return FALSE;
    return qemuDomainDevicesValidate(def, caps, err);
}

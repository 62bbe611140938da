/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_cpu.c: -cpu and -smp */
#include "qemu/qemu_command_guest.h"

#include "conf/cpu_conf.h"
#include "conf/guest_conf.h"
#include "util/mem_error.h"

#include <string.h>

/* What a Hyper-V enlightenment is called on -cpu; the two with a value are written by themselves. */
static const char *const hypervProperty[HYPERV_LAST] = {
    [HYPERV_RELAXED] = "hv-relaxed",
    [HYPERV_VAPIC] = "hv-vapic",
    [HYPERV_VPINDEX] = "hv-vpindex",
    [HYPERV_RUNTIME] = "hv-runtime",
    [HYPERV_SYNIC] = "hv-synic",
    [HYPERV_STIMER] = "hv-stimer",
    [HYPERV_RESET] = "hv-reset",
    [HYPERV_FREQUENCIES] = "hv-frequencies",
    [HYPERV_REENLIGHTENMENT] = "hv-reenlightenment",
    [HYPERV_TLBFLUSH] = "hv-tlbflush",
    [HYPERV_IPI] = "hv-ipi",
};

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

/* QEMU's name of a feature that libvirt knows by another. */
static char *featureName(const DomainDef *def, const char *name)
{
    if (!isX86(def))
        return g_strdup(name);
    if (strcmp(name, "pclmuldq") == 0)
        return g_strdup("pclmulqdq");
    return g_strdelimit(g_strdup(name), "_", '-');
}

static const char *hostModel(const DomainDef *def)
{
    return def->virtType == DOMAIN_VIRT_KVM ? "host" : "max";
}

static gboolean addModel(GString *text, const DomainDef *def, GError **err)
{
    const CpuDef *cpu = def->cpu;

    switch (cpu->mode) {
    case CPU_MODE_CUSTOM:
        /* "at least this one" is all that the host has */
        g_string_append(text, cpu->match == CPU_MATCH_MINIMUM ? hostModel(def) : cpu->model);
        break;
    case CPU_MODE_HOST_MODEL:
        g_string_append(text, hostModel(def));
        break;
    case CPU_MODE_HOST_PASSTHROUGH:
        if (def->virtType != DOMAIN_VIRT_KVM) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                        "cpu mode 'host-passthrough' needs domain type 'kvm': use 'maximum' or 'host-model'");
            return FALSE;
        }
        g_string_append(text, "host");
        break;
    case CPU_MODE_MAXIMUM:
        g_string_append(text, "max");
        break;
    case CPU_MODE_NONE:
    case CPU_MODE_LAST:
        break;
    }
    if (cpu->migratable != MEM_TRISTATE_ABSENT)
        g_string_append_printf(text, ",migratable=%s", memTristateSwitchToString(cpu->migratable));
    if (cpu->vendorId)
        g_string_append_printf(text, ",vendor=%s", cpu->vendorId);
    return TRUE;
}

static gboolean isOffered(const QemuCaps *caps, const char *name)
{
    const char *const *offered = qemuCapsMaxCpuFeatures(caps);

    return offered && g_strv_contains(offered, name);
}

static void addFeatures(GString *text, const DomainDef *def, const QemuCaps *caps)
{
    for (gsize i = 0; i < def->cpu->nfeatures; i++) {
        const CpuFeature *feature = &def->cpu->features[i];
        g_autofree char *name = featureName(def, feature->name);
        gboolean on = FALSE;

        /* what QEMU cannot give is left out rather than named: it may not even know the name */
        if (feature->policy == CPU_POLICY_OPTIONAL && !isOffered(caps, name))
            continue;
        switch (feature->policy) {
        case CPU_POLICY_FORCE:
        case CPU_POLICY_REQUIRE:
        case CPU_POLICY_OPTIONAL:
            on = TRUE;
            break;
        case CPU_POLICY_DISABLE:
        case CPU_POLICY_FORBID:
        case CPU_POLICY_LAST:
            break;
        }
        g_string_append_printf(text, ",%s=%s", name, on ? "on" : "off");
    }
    if (def->cpu->check == CPU_CHECK_FULL && isX86(def))
        g_string_append(text, ",enforce");
}

static void addCache(GString *text, const CpuDef *cpu)
{
    gboolean host = cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM;

    switch (cpu->cacheMode) {
    case CPU_CACHE_EMULATE:
        g_string_append(text, ",l3-cache=on");
        break;
    case CPU_CACHE_PASSTHROUGH:
        g_string_append(text, ",host-cache-info=on,l3-cache=off");
        break;
    case CPU_CACHE_DISABLE:
        g_string_append(text, host ? ",host-cache-info=off,l3-cache=off" : ",l3-cache=off");
        break;
    case CPU_CACHE_NONE:
    case CPU_CACHE_LAST:
        break;
    }
    if (cpu->addressMode == CPU_ADDRESS_EMULATE)
        g_string_append_printf(text, ",phys-bits=%u", cpu->addressBits);
    else if (cpu->addressMode == CPU_ADDRESS_PASSTHROUGH)
        g_string_append(text, ",host-phys-bits=on");
}

static void addTimers(GString *text, const ClockDef *clock)
{
    for (gsize i = 0; i < clock->ntimers; i++) {
        const TimerDef *timer = &clock->timers[i];

        switch (timer->name) {
        case TIMER_KVMCLOCK:
            if (timer->present != MEM_TRISTATE_ABSENT)
                g_string_append_printf(text, ",kvmclock=%s", memTristateSwitchToString(timer->present));
            break;
        case TIMER_HYPERVCLOCK:
            if (timer->present == MEM_TRISTATE_YES)
                g_string_append(text, ",hv-time=on");
            break;
        case TIMER_TSC:
            if (timer->frequencyHz)
                g_string_append_printf(text, ",tsc-frequency=%" G_GUINT64_FORMAT, timer->frequencyHz);
            break;
        case TIMER_ARMVTIMER:
            if (timer->tickpolicy == TICKPOLICY_DISCARD)
                g_string_append(text, ",kvm-no-adjvtime=on");
            else if (timer->tickpolicy == TICKPOLICY_DELAY)
                g_string_append(text, ",kvm-no-adjvtime=off");
            break;
        case TIMER_RTC:
        case TIMER_PIT:
        case TIMER_HPET:
        case TIMER_LAST:
            break;
        }
    }
}

static void addHyperv(GString *text, const FeaturesDef *features)
{
    if (features->hypervMode == HYPERV_MODE_PASSTHROUGH)
        g_string_append(text, ",hv-passthrough=on");
    for (int i = 0; i < HYPERV_LAST; i++) {
        if (features->hyperv[i] != MEM_TRISTATE_YES)
            continue;
        if (i == HYPERV_SPINLOCKS)
            g_string_append_printf(text, ",hv-spinlocks=0x%x", features->hypervSpinlocks);
        else if (i == HYPERV_VENDOR_ID)
            g_string_append_printf(text, ",hv-vendor-id=%s", features->hypervVendorId);
        else
            g_string_append_printf(text, ",%s=on", hypervProperty[i]);
        if (i == HYPERV_STIMER && features->hypervStimerDirect == MEM_TRISTATE_YES)
            g_string_append(text, ",hv-stimer-direct=on");
    }
    if (features->kvmHidden == MEM_TRISTATE_YES)
        g_string_append(text, ",kvm=off");
}

char *qemuCommandGuestCpu(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GString) more = g_string_new(NULL);

    if (def->cpu) {
        if (!addModel(text, def, err))
            return NULL;
        addFeatures(more, def, caps);
        addCache(more, def->cpu);
    }
    addTimers(more, &def->os->clock);
    addHyperv(more, &def->os->features);
    if (!text->len && more->len) {
        const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

        /* properties need a model to stand on */
        g_string_append(text, machine && machine->defaultCpu ? machine->defaultCpu : hostModel(def));
    }
    g_string_append(text, more->str);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void qemuCommandGuestSmp(GPtrArray *argv, const DomainDef *def)
{
    const CpuDef *cpu = def->cpu;
    unsigned current = def->vcpus.current ? def->vcpus.current : def->vcpus.max;
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "%u", current);
    if (current != def->vcpus.max)
        g_string_append_printf(text, ",maxcpus=%u", def->vcpus.max);
    if (cpu && cpu->sockets) {
        g_string_append_printf(text, ",sockets=%u", cpu->sockets);
        if (isX86(def))
            g_string_append_printf(text, ",dies=%u", cpu->dies);
        g_string_append_printf(text, ",cores=%u,threads=%u", cpu->cores, cpu->threads);
    } else {
        g_string_append_printf(text, ",sockets=%u,cores=1,threads=1", def->vcpus.max);
    }
    qemuCommandGuestAdd(argv, "-smp", g_string_free(text, FALSE));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command.c: the frame of QEMU's command line, in libvirt's order */
#include "qemu/qemu_command.h"

#include "conf/guest_conf.h"
#include "qemu/qemu_command_devices.h"
#include "qemu/qemu_command_guest.h"
#include "qemu/qemu_command_memory.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

#include <string.h>

#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

static void add(GPtrArray *argv, const char *option, const char *value)
{
    qemuCommandGuestAdd(argv, option, g_strdup(value));
}

static void addFlag(GPtrArray *argv, const char *option)
{
    g_ptr_array_add(argv, g_strdup(option));
}

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static void addName(GPtrArray *argv, const DomainDef *def)
{
    g_autofree char *name = qemuCommandGuestEscape(def->name);

    qemuCommandGuestAdd(argv, "-name", g_strdup_printf("guest=%s,debug-threads=on", name));
}

/* Parts of the machine that the XML switches. */
static void addPlatform(GString *machine, const DomainDef *def)
{
    const FeaturesDef *features = &def->os->features;
    const TimerDef *hpet = clockDefTimer(&def->os->clock, TIMER_HPET);
    const TimerDef *pit = clockDefTimer(&def->os->clock, TIMER_PIT);
    MemTristate vmport = features->switches[FEATURE_SWITCH_VMPORT];
    MemTristate smm = features->switches[FEATURE_SWITCH_SMM];

    if (vmport != MEM_TRISTATE_ABSENT)
        g_string_append_printf(machine, ",vmport=%s", memTristateSwitchToString(vmport));
    if (smm != MEM_TRISTATE_ABSENT)
        g_string_append_printf(machine, ",smm=%s", memTristateSwitchToString(smm));
    if (features->gic != GIC_NONE)
        g_string_append_printf(machine, ",gic-version=%s", gicVersionToString(features->gic));
    if (!features->flags[FEATURE_ACPI] && qemuDomainHasAcpi(def))
        g_string_append(machine, ",acpi=off");
    if (isX86(def) && hpet && hpet->present != MEM_TRISTATE_ABSENT)
        g_string_append_printf(machine, ",hpet=%s", memTristateSwitchToString(hpet->present));
    if (isX86(def) && pit && pit->present != MEM_TRISTATE_ABSENT)
        g_string_append_printf(machine, ",pit=%s", memTristateSwitchToString(pit->present));
    if (def->os->biosUseserial == MEM_TRISTATE_YES)
        g_string_append(machine, ",graphics=off");
}

static void addAccelerator(GPtrArray *argv, const DomainDef *def)
{
    if (def->virtType != DOMAIN_VIRT_KVM) {
        add(argv, "-accel", "tcg");
    } else if (def->os->features.kvmDirtyRingSize) {
        g_autofree char *ring = g_strdup_printf("kvm,dirty-ring-size=%u", def->os->features.kvmDirtyRingSize);

        add(argv, "-accel", ring);
    } else {
        add(argv, "-accel", "kvm");
    }
}

static gboolean addMachine(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                           const QemuCommandContext *context, GError **err)
{
    GString *machine = g_string_new(def->machine);

    g_string_append(machine, ",usb=off");
    addPlatform(machine, def);
    if (!qemuCommandMemoryMachine(machine, def, caps, context, err)) {
        g_string_free(machine, TRUE);
        return FALSE;
    }
    qemuCommandGuestPflash(argv, machine, def, context);
    qemuCommandGuestAdd(argv, "-machine", g_string_free(machine, FALSE));
    addAccelerator(argv, def);
    if (def->os->loaderSecure == MEM_TRISTATE_YES)
        add(argv, "-global", "driver=cfi.pflash01,property=secure,value=on");
    return TRUE;
}

static gboolean addCpu(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps, GError **err)
{
    char *cpu = qemuCommandGuestCpu(def, caps, err);

    if (!cpu)
        return FALSE;
    if (*cpu)
        qemuCommandGuestAdd(argv, "-cpu", cpu);
    else
        g_free(cpu);
    return TRUE;
}

static void addIothreads(GPtrArray *argv, const DomainDef *def)
{
    for (unsigned i = 1; i <= def->iothreads; i++) {
        g_autoptr(MemJson) props = memJsonNew();
        g_autofree char *id = g_strdup_printf("iothread%u", i);

        memJsonAddString(props, "qom-type", "iothread");
        memJsonAddString(props, "id", id);
        qemuCommandGuestAdd(argv, "-object", memJsonFormat(props));
    }
}

static void addIdentity(GPtrArray *argv, const DomainDef *def)
{
    const unsigned char *u = def->uuid;

    qemuCommandGuestAdd(argv, "-uuid",
                        g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
                                        u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
                                        u[13], u[14], u[15]));
    qemuCommandGuestSmbios(argv, def);
    if (!def->ngraphics)
        add(argv, "-display", "none");
    addFlag(argv, "-no-user-config");
    addFlag(argv, "-nodefaults");
}

static void addMonitor(GPtrArray *argv, const QemuCommandContext *context)
{
    if (context->monitorFd >= 0) {
        qemuCommandGuestAdd(argv, "-chardev",
                            g_strdup_printf("socket,id=charmonitor,fd=%d,server=on,wait=off", context->monitorFd));
    } else {
        g_autofree char *folder = qemuCommandGuestEscape(context->domainFolder);

        qemuCommandGuestAdd(argv, "-chardev",
                            g_strdup_printf("socket,id=charmonitor,path=%s/monitor.sock,server=on,wait=off", folder));
    }
    add(argv, "-mon", "chardev=charmonitor,id=monitor,mode=control");
}

static void addSleepState(GPtrArray *argv, const DomainDef *def, const char *state, MemTristate value)
{
    const char *bridge = qemuDomainHasPcie(def) ? "ICH9-LPC" : "PIIX4_PM";

    if (value != MEM_TRISTATE_ABSENT && isX86(def))
        qemuCommandGuestAdd(argv, "-global",
                            g_strdup_printf("%s.disable_%s=%d", bridge, state, value == MEM_TRISTATE_NO));
}

static void addPower(GPtrArray *argv, const DomainDef *def)
{
    /* the driver sees the shutdown first, and decides itself what it means */
    addFlag(argv, "-no-shutdown");
    addSleepState(argv, def, "s3", def->os->pm.suspendToMem);
    addSleepState(argv, def, "s4", def->os->pm.suspendToDisk);
}

static void addAudio(GPtrArray *argv, const DomainDef *def)
{
    g_autoptr(MemJson) props = NULL;

    if (!def->audioNone)
        return;
    props = memJsonNew();
    memJsonAddString(props, "id", "audio1");
    memJsonAddString(props, "driver", "none");
    qemuCommandGuestAdd(argv, "-audiodev", memJsonFormat(props));
}

static void addLast(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps)
{
    if (def->panic == PANIC_ISA)
        add(argv, "-device", "{\"driver\":\"pvpanic\"}");
    if (def->os->features.switches[FEATURE_SWITCH_VMCOREINFO] == MEM_TRISTATE_YES)
        add(argv, "-device", "{\"driver\":\"vmcoreinfo\"}");
    if (qemuCapsHas(caps, QEMU_CAPS_SANDBOX))
        add(argv, "-sandbox", SANDBOX);
    for (gsize i = 0; def->qemuArgs && def->qemuArgs[i]; i++)
        addFlag(argv, def->qemuArgs[i]);
    add(argv, "-msg", "timestamp=on");
}

char **qemuCommandBuild(const DomainDef *def, const QemuCaps *caps, const QemuCommandContext *context, GError **err)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    addFlag(argv, def->emulator);
    addName(argv, def);
    addFlag(argv, "-S");
    if (!addMachine(argv, def, caps, context, err) || !addCpu(argv, def, caps, err))
        return NULL;
    if (def->os->loaderType == OS_LOADER_ROM)
        add(argv, "-bios", def->os->loader);
    if (!qemuCommandMemorySize(argv, def, caps, context, err))
        return NULL;
    qemuCommandMemoryOvercommit(argv, def);
    qemuCommandGuestSmp(argv, def);
    addIothreads(argv, def);
    if (!qemuCommandMemoryNuma(argv, def, caps, context, err))
        return NULL;
    addIdentity(argv, def);
    addMonitor(argv, context);
    qemuCommandGuestClock(argv, def, context);
    addPower(argv, def);
    qemuCommandGuestBoot(argv, def);
    addAudio(argv, def);
    if (!qemuCommandControllers(argv, def, caps, context, err) ||
        !qemuCommandMemoryDevices(argv, def, caps, context, err) ||
        !qemuCommandDevices(argv, def, caps, context, err) ||
        !qemuCommandGuestChardevs(argv, def, context, err) || !qemuCommandMemoryBalloon(argv, def, caps, err))
        return NULL;
    addLast(argv, def, caps);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
}

/* ---- for people ---- */

static void appendQuoted(GString *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%^";
    g_autofree char *quoted = NULL;

    if (*word && strspn(word, plain) == strlen(word)) {
        g_string_append(text, word);
        return;
    }
    quoted = g_shell_quote(word);
    g_string_append(text, quoted);
}

char *qemuCommandToString(char *const *argv, char *const *env, gboolean oneLine)
{
    const char *lineBreak = oneLine ? " " : " \\\n";
    GString *text = g_string_new(NULL);

    for (gsize i = 0; env && env[i]; i++) {
        const char *equals = strchr(env[i], '=');

        g_string_append_printf(text, "%.*s=", (int)(equals - env[i]), env[i]);
        appendQuoted(text, equals + 1);
        g_string_append(text, lineBreak);
    }
    for (gsize i = 0; argv[i]; i++) {
        if (i)
            g_string_append(text, argv[i][0] == '-' ? lineBreak : " ");
        appendQuoted(text, argv[i]);
    }
    if (!oneLine)
        g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_devices.c: models and buses that the XML left open; rules that need machine and binary */
#include "qemu/qemu_domain_devices.h"

#include "conf/controller_conf.h"
#include "conf/disk_conf.h"
#include "conf/graphics_conf.h"
#include "conf/input_conf.h"
#include "conf/net_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"
#include "conf/watchdog_conf.h"
#include "qemu/qemu_command_address.h"
#include "qemu/qemu_command_devices.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static gboolean isPpc(const DomainDef *def)
{
    return def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE;
}

/* ---- defaults ---- */

static void defaultNets(DomainDef *def)
{
    for (gsize i = 0; i < def->nnets; i++) {
        if (def->nets[i]->model == NET_MODEL_DEFAULT)
            def->nets[i]->model = isX86(def) || isPpc(def) ? NET_MODEL_RTL8139 : NET_MODEL_VIRTIO;
    }
}

static VideoModel videoModelOf(const DomainDef *def)
{
    if (isX86(def))
        return VIDEO_CIRRUS;
    return isPpc(def) ? VIDEO_VGA : VIDEO_VIRTIO;
}

/* A screen to look at wants a card to show. */
static void addVideo(DomainDef *def)
{
    if (def->nvideos || !def->ngraphics)
        return;
    def->videos = g_renew(VideoDef *, def->videos, 1);
    def->videos[def->nvideos++] = videoDefNew(videoModelOf(def));
}

static gboolean defaultVideos(DomainDef *def, unsigned flags, GError **err)
{
    if (flags & DOMAIN_PARSE_ABI_UPDATE)
        addVideo(def);
    for (gsize i = 0; i < def->nvideos; i++) {
        if (def->videos[i]->model == VIDEO_DEFAULT)
            def->videos[i]->model = videoModelOf(def);
        if (!videoDefDefaults(def->videos[i], def, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean hasInput(const DomainDef *def, InputType type, InputBus bus)
{
    for (gsize i = 0; i < def->ninputs; i++) {
        if (def->inputs[i]->type == type && def->inputs[i]->bus == bus)
            return TRUE;
    }
    return FALSE;
}

static void addInput(DomainDef *def, InputType type, InputBus bus)
{
    if (hasInput(def, type, bus))
        return;
    def->inputs = g_renew(InputDef *, def->inputs, def->ninputs + 1);
    def->inputs[def->ninputs++] = inputDefNew(type, bus);
}

/* A PC has a keyboard and a mouse, whether asked for or not; a tablet needs USB. */
static void defaultInputs(DomainDef *def, unsigned flags)
{
    for (gsize i = 0; i < def->ninputs; i++) {
        InputDef *input = def->inputs[i];

        if (input->bus != INPUT_BUS_DEFAULT)
            continue;
        if (input->model)
            input->bus = INPUT_BUS_VIRTIO;
        else if (input->type == INPUT_TABLET || !isX86(def))
            input->bus = def->arch == ARCH_S390X ? INPUT_BUS_VIRTIO : INPUT_BUS_USB;
        else
            input->bus = INPUT_BUS_PS2;
    }
    if (!isX86(def) || !qemuDomainHasPci(def) || !(flags & DOMAIN_PARSE_ABI_UPDATE))
        return;
    addInput(def, INPUT_MOUSE, INPUT_BUS_PS2);
    addInput(def, INPUT_KEYBOARD, INPUT_BUS_PS2);
}

gboolean qemuDomainDevicesDefaults(DomainDef *def, const QemuCaps *caps, unsigned flags, GError **err)
{
    defaultNets(def);
    defaultInputs(def, flags);
    return defaultVideos(def, flags, err) && qemuDomainControllersPrepare(def, flags, err);
}

/* ---- validate ---- */

/* Drivers that libvirt calls by QEMU's short name; types are listed by the long one. */
static const char *typeName(const char *driver)
{
    static const struct {
        const char *driver, *type;
    } names[] = {
        { "ahci", "ich9-ahci" },
        { "lsi", "lsi53c895a" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_strcmp0(driver, names[i].driver) == 0)
            return names[i].type;
    }
    return driver;
}

/* @type NULL: the machine has it built in, or there is no such device at all. */
static gboolean hasDevice(const QemuCaps *caps, const char *type, const char *what, GError **err)
{
    if (!type || qemuCapsHasDevice(caps, typeName(type)))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "%s: '%s' has no device '%s'", what, qemuCapsBinary(caps), type);
    return FALSE;
}

static gboolean validateNets(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nnets; i++) {
        g_autofree char *driver = qemuCommandNetDriver(def->nets[i]);

        if (!hasDevice(caps, driver, "interface", err))
            return FALSE;
    }
    return TRUE;
}

static gboolean validateVideos(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nvideos; i++) {
        g_autofree char *driver = qemuCommandVideoDriver(def, def->videos[i]);

        if (!hasDevice(caps, driver, "video", err))
            return FALSE;
    }
    return TRUE;
}

static gboolean validateControllers(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->ncontrollers; i++) {
        g_autofree char *driver = qemuCommandControllerDriver(def, def->controllers[i]);

        if (!hasDevice(caps, driver, "controller", err))
            return FALSE;
    }
    return TRUE;
}

static gboolean validateInputs(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->ninputs; i++) {
        const InputDef *input = def->inputs[i];
        g_autofree char *driver = qemuCommandInputDriver(input);

        if (input->bus == INPUT_BUS_PS2 && !isX86(def)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                        "input type '%s': bus 'ps2' is not there on machine '%s'",
                        inputTypeToString((int)input->type), def->machine);
            return FALSE;
        }
        if (!hasDevice(caps, driver, "input", err))
            return FALSE;
    }
    return TRUE;
}

static gboolean validateWatchdogs(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    for (gsize i = 0; i < def->nwatchdogs; i++) {
        WatchdogModel model = def->watchdogs[i]->model;
        g_autofree char *driver = qemuCommandWatchdogDriver(def->watchdogs[i]);

        if ((model == WATCHDOG_ITCO && !(isX86(def) && qemuDomainHasPcie(def))) ||
            (model == WATCHDOG_IB700 && !isX86(def))) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                        "watchdog model '%s' is not there on machine '%s'",
                        watchdogModelToString((int)model), def->machine);
            return FALSE;
        }
        if (!hasDevice(caps, driver, "watchdog", err))
            return FALSE;
    }
    return TRUE;
}

gboolean qemuDomainDevicesValidate(const DomainDef *def, const QemuCaps *caps, GError **err)
{
    return validateControllers(def, caps, err) && validateNets(def, caps, err) && validateVideos(def, caps, err) &&
           validateInputs(def, caps, err) && validateWatchdogs(def, caps, err);
}

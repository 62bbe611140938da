/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_devices.c: the order of devices; inputs, random number generators, watchdogs */
#include "qemu/qemu_command_devices.h"

#include "conf/rng_conf.h"
#include "qemu/qemu_command_address.h"

#define DEFAULT_PERIOD_MS 1000

/* ---- input ---- */

static MemTristate inputTransitional(InputModel model)
{
    if (model == INPUT_MODEL_VIRTIO_TRANSITIONAL)
        return MEM_TRISTATE_YES;
    return model == INPUT_MODEL_VIRTIO_NON_TRANSITIONAL ? MEM_TRISTATE_NO : MEM_TRISTATE_ABSENT;
}

char *qemuCommandInputDriver(const InputDef *input)
{
    static const char *const usb[INPUT_LAST] = { "usb-mouse", "usb-tablet", "usb-kbd" };
    static const char *const virtio[INPUT_LAST] = { "virtio-mouse", "virtio-tablet", "virtio-keyboard" };

    switch (input->bus) {
    case INPUT_BUS_USB:
        return g_strdup(usb[input->type]);
    case INPUT_BUS_VIRTIO:
        return qemuCommandVirtioDriver(virtio[input->type], &input->info, inputTransitional(input->model));
    case INPUT_BUS_PS2:             /* part of the machine */
    case INPUT_BUS_DEFAULT:
    case INPUT_BUS_LAST:
        break;
    }
    return NULL;
}

static gboolean addInput(GPtrArray *argv, const DomainDef *def, const InputDef *input, GError **err)
{
    g_autofree char *driver = qemuCommandInputDriver(input);
    g_autoptr(MemJson) props = NULL;

    if (!driver)
        return TRUE;
    props = memJsonNew();
    memJsonAddString(props, "driver", driver);
    qemuCommandAddVirtioOptions(props, &input->virtio);
    memJsonAddString(props, "id", input->info.alias);
    if (!qemuCommandAddAddress(props, def, &input->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

/* ---- rng ---- */

static MemJson *rngBackend(const RngDef *rng)
{
    g_autofree char *id = g_strdup_printf("obj%s", rng->info.alias);
    MemJson *props = memJsonNew();

    memJsonAddString(props, "qom-type", rng->backend == RNG_BACKEND_BUILTIN ? "rng-builtin" : "rng-random");
    memJsonAddString(props, "id", id);
    if (rng->backend == RNG_BACKEND_RANDOM)
        memJsonAddString(props, "filename", rng->path);
    return props;
}

static gboolean addRng(GPtrArray *argv, const DomainDef *def, const RngDef *rng, GError **err)
{
    MemTristate transitional = rng->model == RNG_MODEL_VIRTIO_TRANSITIONAL ? MEM_TRISTATE_YES
                               : rng->model == RNG_MODEL_VIRTIO_NON_TRANSITIONAL ? MEM_TRISTATE_NO : MEM_TRISTATE_ABSENT;
    g_autofree char *driver = qemuCommandVirtioDriver("virtio-rng", &rng->info, transitional);
    g_autofree char *backend = g_strdup_printf("obj%s", rng->info.alias);
    g_autoptr(MemJson) props = memJsonNew();

    memJsonAddString(props, "driver", driver);
    qemuCommandAddVirtioOptions(props, &rng->virtio);
    memJsonAddString(props, "rng", backend);
    memJsonAddString(props, "id", rng->info.alias);
    if (rng->rateBytes) {
        memJsonAddUint64(props, "max-bytes", rng->rateBytes);
        memJsonAddUint64(props, "period", rng->periodMs ? rng->periodMs : DEFAULT_PERIOD_MS);
    }
    if (!qemuCommandAddAddress(props, def, &rng->info, err))
        return FALSE;
    qemuCommandAppendJson(argv, "-object", rngBackend(rng));
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

/* ---- watchdog ---- */

char *qemuCommandWatchdogDriver(const WatchdogDef *watchdog)
{
    return watchdog->model == WATCHDOG_ITCO ? NULL : g_strdup(watchdogModelToString((int)watchdog->model));
}

/* The q35's watchdog is always there, but a strap keeps it from resetting the guest. */
static void addItco(GPtrArray *argv)
{
    g_ptr_array_add(argv, g_strdup("-global"));
    g_ptr_array_add(argv, g_strdup("ICH9-LPC.noreboot=off"));
}

static gboolean addWatchdog(GPtrArray *argv, const DomainDef *def, const WatchdogDef *watchdog, GError **err)
{
    g_autofree char *driver = qemuCommandWatchdogDriver(watchdog);
    g_autoptr(MemJson) props = NULL;

    if (!driver) {
        addItco(argv);
        return TRUE;
    }
    props = memJsonNew();
    memJsonAddString(props, "driver", driver);
    memJsonAddString(props, "id", watchdog->info.alias);
    if (!qemuCommandAddAddress(props, def, &watchdog->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

static gboolean addWatchdogs(GPtrArray *argv, const DomainDef *def, GError **err)
{
    WatchdogAction action;

    if (!def->nwatchdogs)
        return TRUE;
    for (gsize i = 0; i < def->nwatchdogs; i++) {
        if (!addWatchdog(argv, def, def->watchdogs[i], err))
            return FALSE;
    }
    /* a dump is taken by the daemon, of a guest that stands still */
    action = def->watchdogs[0]->action;
    g_ptr_array_add(argv, g_strdup("-watchdog-action"));
    g_ptr_array_add(argv, g_strdup(watchdogActionToString(action == WATCHDOG_ACTION_DUMP ? WATCHDOG_ACTION_PAUSE : (int)action)));
    return TRUE;
}

/* ---- all ---- */

gboolean qemuCommandDevices(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                            const QemuCommandContext *context, GError **err)
{
    if (!qemuCommandDisks(argv, def, err) || !qemuCommandNets(argv, def, context, err))
        return FALSE;
    for (gsize i = 0; i < def->ninputs; i++) {
        if (!addInput(argv, def, def->inputs[i], err))
            return FALSE;
    }
    if (!qemuCommandGraphics(argv, def, context, err) || !qemuCommandVideos(argv, def, err) ||
        !addWatchdogs(argv, def, err))
        return FALSE;
    for (gsize i = 0; i < def->nrngs; i++) {
        if (!addRng(argv, def, def->rngs[i], err))
            return FALSE;
    }
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_memory.c: attach, detach and update of memory devices: live, stored, or both */
#define G_LOG_DOMAIN "qemu/qemu_driver_memory"
#include "qemu/qemu_driver.h"

#include "conf/domain_devices_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_memchange.h"
#include "qemu/qemu_memhotplug.h"
#include "util/mem_units.h"

#include <string.h>

#define AFFECT_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* What a call is about, found and checked; the domain is locked and its job held while this stands. */
typedef struct {
    gboolean live, config;
    QemuCaps *caps;
    QemuMemConfig stored;               /* what becomes of the stored definition */
} Change;

static void changeClear(Change *change)
{
    qemuCapsUnref(change->caps);
    qemuMemConfigClear(&change->stored);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, changeClear)

static gboolean changeBegin(QemuDomain *dom, unsigned flags, Change *change, GError **err)
{
    if (!qemuDriverAffects(dom, flags, &change->live, &change->config, err) || !qemuMemChangeSettle(dom, err))
        return FALSE;
    change->caps = qemuDriverCapsOf(dom, err);
    return change->caps && qemuDriverAffectsNow(dom, flags, &change->live, &change->config, err);
}

/* Devices other than memory cannot be changed on a running guest, and say so by name. @balloonCode: what libvirt says of a balloon. */
static void setUnsupported(GError **err, int balloonCode, const char *verb, const char *element)
{
    if (strcmp(element, "memballoon") == 0)
        memErrorSet(err, balloonCode, "%s of '<memballoon>' is not supported: it is made with the guest", verb);
    else
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s of '<%s>' is not supported: only '<memory>' devices can be", verb, element);
}

static MemoryDeviceDef *parseDevice(const char *xml, int balloonCode, const char *verb, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "device_definition", err);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

    if (!doc)
        return NULL;
    if (root && memXmlIs(root, "memory"))
        return memoryDeviceDefParse(root, DOMAIN_PARSE_STATUS, err);
    setUnsupported(err, balloonCode, verb, root ? (const char *)root->name : "");
    return NULL;
}

/* ---- the stored definition ---- */

/* @def with everything that define would have added and checked is what the stored definition becomes. */
static gboolean finishConfig(QemuDomain *dom, Change *change, DomainDef *def, GError **err)
{
    if (!qemuDomainAssignSlots(def, err) || !qemuDomainAssignAddresses(def, change->caps, err) ||
        !qemuDomainValidate(def, change->caps, err))
        return FALSE;
    qemuMemConfigSet(&change->stored, dom, def);
    return TRUE;
}

static gboolean checkConfigRoom(const DomainDef *config, const MemoryDeviceDef *device, GError **err)
{
    guint64 total = config->memory.totalKib + device->sizeKib;

    if (!config->memory.maxKib) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "the definition has no '<maxMemory>': no '%s' device can be attached",
                    memoryDeviceModelToString(device->model));
        return FALSE;
    }
    if (total >= config->memory.totalKib && total <= config->memory.maxKib)
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "attaching '%" G_GUINT64_FORMAT "' KiB to the definition's '%" G_GUINT64_FORMAT "' KiB would exceed its '<maxMemory>' of '%" G_GUINT64_FORMAT "' KiB",
                device->sizeKib, config->memory.totalKib, config->memory.maxKib);
    return FALSE;
}

static gboolean isElsewhere(DeviceInfo *info, const char *element, gpointer opaque)
{
    const DeviceInfo *wanted = opaque;

    if (wanted->type == DEVICE_ADDRESS_DIMM)
        return info->type != DEVICE_ADDRESS_DIMM || info->dimm.slot != wanted->dimm.slot;
    return wanted->type != DEVICE_ADDRESS_PCI || !deviceInfoIsAssigned(wanted) || !deviceInfoSamePci(info, wanted);
}

static gboolean checkConfigAddress(DomainDef *config, MemoryDeviceDef *device, GError **err)
{
    g_autofree char *text = NULL;

    if (domainDevicesForEach(config, isElsewhere, &device->info))
        return TRUE;
    text = device->info.type == DEVICE_ADDRESS_DIMM ? g_strdup_printf("slot %u", device->info.dimm.slot)
                                                    : devicePciAddressText(&device->info.pci);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "address '%s' is taken by another device of the definition", text);
    return FALSE;
}

/* The stored definition with @device in it. */
static gboolean configWith(QemuDomain *dom, Change *change, const MemoryDeviceDef *device, GError **err)
{
    g_autoptr(DomainDef) def = domainDefCopy(dom->config, err);
    g_autoptr(MemoryDeviceDef) copy = memoryDeviceDefCopy(device);

    /* an alias that libvirt gave belongs to the live guest */
    if (!deviceInfoHasUserAlias(&copy->info))
        g_clear_pointer(&copy->info.alias, g_free);
    if (!def || !memoryDeviceDefDefaults(copy, def, err) || !memoryDeviceDefValidate(copy, def, err) ||
        !checkConfigRoom(def, copy, err) || !checkConfigAddress(def, copy, err) || !domainMemoryInsert(def, copy, err))
        return FALSE;
    copy = NULL;
    return finishConfig(dom, change, def, err);
}

static gsize indexOf(const DomainDef *def, const MemoryDeviceDef *device)
{
    gsize index = 0;

    while (def->memories[index] != device)
        index++;
    return index;
}

static gboolean configWithout(QemuDomain *dom, Change *change, const MemoryDeviceDef *device, GError **err)
{
    gsize index = indexOf(dom->config, device);
    g_autoptr(DomainDef) def = domainDefCopy(dom->config, err);

    if (!def)
        return FALSE;
    memoryDeviceDefFree(domainMemoryRemove(def, def->memories[index]));
    return finishConfig(dom, change, def, err);
}

/* The stored definition with @old's place taken by @wanted; totals follow its size, and what @wanted leaves open stays. */
static gboolean configReplacing(QemuDomain *dom, Change *change, const MemoryDeviceDef *old, const MemoryDeviceDef *wanted,
                                GError **err)
{
    gsize index = indexOf(dom->config, old);
    g_autoptr(DomainDef) def = domainDefCopy(dom->config, err);
    g_autoptr(MemoryDeviceDef) copy = memoryDeviceDefCopy(wanted);
    MemoryDeviceDef *gone;
    guint64 currentKib;

    if (!def)
        return FALSE;
    gone = def->memories[index];
    currentKib = def->memory.currentKib;
    if (copy->info.type == DEVICE_ADDRESS_NONE) {
        deviceInfoClear(&copy->info);
        copy->info = gone->info;
        gone->info = (DeviceInfo){ 0 };
    } else {
        g_free(copy->info.alias);
        copy->info.alias = g_steal_pointer(&gone->info.alias);
    }
    if (!memoryDeviceDefDefaults(copy, def, err))
        return FALSE;
    memoryDeviceDefFree(domainMemoryRemove(def, gone));
    if (!checkConfigRoom(def, copy, err) || !domainMemoryInsert(def, copy, err))
        return FALSE;
    /* what the balloon is to leave is no matter of the device's size, as long as it is there to be left */
    def->memory.currentKib = MIN(currentKib, def->memory.totalKib);
    /* back to its place in the order */
    for (gsize i = def->nmemories - 1; i > index; i--)
        def->memories[i] = def->memories[i - 1];
    def->memories[index] = g_steal_pointer(&copy);
    return finishConfig(dom, change, def, err);
}

/* ---- attach ---- */

gboolean qemuDriverAttachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemoryDeviceDef) device = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverAttachDevice", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "attach a device to", err);
    if (!job || !changeBegin(dom, flags, &change, err))
        return FALSE;
    device = parseDevice(xml, VIR_ERR_OPERATION_UNSUPPORTED, "attach", err);
    if (!device)
        return FALSE;
    if (change.config && !configWith(dom, &change, device, err))
        return FALSE;
    if (change.live)
        return qemuMemChangeAttach(dom, g_steal_pointer(&device), change.caps, &change.stored, err);
    return qemuMemConfigStore(dom, &change.stored, err);
}

/* ---- detach ---- */

static void setNotFound(const MemoryDeviceDef *device, const char *where, GError **err)
{
    memErrorSet(err, VIR_ERR_DEVICE_MISSING, "the %s has no '%s' device of '%" G_GUINT64_FORMAT "' KiB that is as described", where,
                memoryDeviceModelToString(device->model), device->sizeKib);
}

/* A DIMM was rounded up when it was plugged: the XML that it was made from must find it all the same. */
static MemoryDeviceDef *findLive(const DomainDef *live, const MemoryDeviceDef *wanted)
{
    g_autoptr(MemoryDeviceDef) rounded = memoryDeviceDefCopy(wanted);
    MemoryDeviceDef *found = memoryDeviceFind(live, wanted);

    if (found || !memUnitsRoundUp(&rounded->sizeKib, qemuDomainMemoryStepKib(live, TRUE, FALSE)))
        return found;
    return memoryDeviceFind(live, rounded);
}

static gboolean detach(QemuDomain *dom, Change *change, MemoryDeviceDef *live, MemoryDeviceDef *stored, gboolean wait,
                       GError **err)
{
    if (stored && !configWithout(dom, change, stored, err))
        return FALSE;
    if (live)
        return qemuMemChangeDetach(dom, live, change->caps, &change->stored, wait, err);
    return qemuMemConfigStore(dom, &change->stored, err);
}

gboolean qemuDriverDetachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemoryDeviceDef) device = NULL;
    MemoryDeviceDef *live = NULL;
    MemoryDeviceDef *stored = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverDetachDevice", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "detach a device from", err);
    if (!job || !changeBegin(dom, flags, &change, err))
        return FALSE;
    device = parseDevice(xml, VIR_ERR_OPERATION_UNSUPPORTED, "detach", err);
    if (!device)
        return FALSE;
    if (change.live && !(live = findLive(dom->live, device))) {
        setNotFound(device, "running guest", err);
        return FALSE;
    }
    if (change.config) {
        if (!deviceInfoHasUserAlias(&device->info))
            g_clear_pointer(&device->info.alias, g_free);
        stored = memoryDeviceFind(dom->config, device);
        if (!stored) {
            setNotFound(device, "definition", err);
            return FALSE;
        }
    }
    return detach(dom, &change, live, stored, TRUE, err);
}

typedef struct {
    const char *alias;
    const char *element;        /* what has it */
} AliasSearch;

static gboolean isNotSought(DeviceInfo *info, const char *element, gpointer opaque)
{
    AliasSearch *search = opaque;

    if (g_strcmp0(info->alias, search->alias) == 0)
        search->element = element;
    return !search->element;
}

static MemoryDeviceDef *findAlias(DomainDef *def, const char *alias, GError **err)
{
    AliasSearch search = { .alias = alias };
    MemoryDeviceDef *device = memoryDeviceFindAlias(def, alias);

    if (device)
        return device;
    if (domainDevicesForEach(def, isNotSought, &search))
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no device found with alias '%s'", alias);
    else
        setUnsupported(err, VIR_ERR_OPERATION_UNSUPPORTED, "detach", search.element);
    return NULL;
}

gboolean qemuDriverDetachDeviceAlias(QemuDriver *driver, QemuUuid uuid, const char *alias, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    MemoryDeviceDef *live = NULL;
    MemoryDeviceDef *stored = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverDetachDeviceAlias", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "detach a device from", err);
    if (!job || !changeBegin(dom, flags, &change, err))
        return FALSE;
    if (change.config && !(stored = findAlias(dom->config, alias, err)))
        return FALSE;
    if (change.live && !(live = findAlias(dom->live, alias, err)))
        return FALSE;
    /* libvirt's call returns when the guest has been asked; for both, the config may only follow what was done */
    return detach(dom, &change, live, stored, stored != NULL, err);
}

/* ---- update ---- */

static gboolean updateConfig(QemuDomain *dom, Change *change, const MemoryDeviceDef *device, GError **err)
{
    g_autoptr(MemoryDeviceDef) wanted = memoryDeviceDefCopy(device);
    MemoryDeviceDef *stored;

    if (!deviceInfoHasUserAlias(&wanted->info))
        g_clear_pointer(&wanted->info.alias, g_free);
    /* what could be no device of this guest is wrong in itself, and not missing */
    if (!memoryDeviceDefDefaults(wanted, dom->config, err) || !memoryDeviceDefValidate(wanted, dom->config, err))
        return FALSE;
    stored = qemuMemHotplugFindForUpdate(dom->config, wanted);
    if (stored)
        return configReplacing(dom, change, stored, wanted, err);
    memErrorSet(err, VIR_ERR_INVALID_ARG, "the definition has no memory device at the address, or with the alias of a user, that is given");
    return FALSE;
}

gboolean qemuDriverUpdateDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemoryDeviceDef) device = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS | VIR_DOMAIN_DEVICE_MODIFY_FORCE, "qemuDriverUpdateDevice", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "update a device of", err);
    if (!job || !changeBegin(dom, flags & AFFECT_FLAGS, &change, err))
        return FALSE;
    device = parseDevice(xml, change.config ? VIR_ERR_OPERATION_UNSUPPORTED : VIR_ERR_CONFIG_UNSUPPORTED, "update", err);
    if (!device)
        return FALSE;
    if (change.config && !updateConfig(dom, &change, device, err))
        return FALSE;
    if (change.live)
        return qemuMemChangeUpdate(dom, device, &change.stored, err);
    return qemuMemConfigStore(dom, &change.stored, err);
}

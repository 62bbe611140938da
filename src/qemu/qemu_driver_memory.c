/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_memory.c: attach, detach and update of memory devices: live, stored, or both */
#define G_LOG_DOMAIN "qemu/qemu_driver_memory"
#include "qemu/qemu_driver.h"

#include "conf/memory_device_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_memchange.h"
#include "qemu/qemu_memhotplug.h"
#include "util/mem_units.h"

#define AFFECT_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* What a call is about, found and checked; the domain is locked and its job held while this stands. */
typedef struct {
    gboolean live, config;
    QemuCaps *caps;
} Change;

static void changeClear(Change *change)
{
    qemuCapsUnref(change->caps);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, changeClear)

static gboolean changeBegin(QemuDomain *dom, unsigned flags, Change *change, GError **err)
{
    if (!qemuDriverAffects(dom, flags, &change->live, &change->config, err))
        return FALSE;
    change->caps = qemuDriverCapsFor(dom->driver, qemuDomainDef(dom), err);
    return change->caps != NULL;
}

/* The device that @xml describes. Devices other than memory cannot be changed on a running guest, and say so by name. */
static MemoryDeviceDef *parseDevice(const char *xml, const char *verb, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "device_definition", err);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

    if (!doc)
        return NULL;
    if (root && memXmlIs(root, "memory"))
        return memoryDeviceDefParse(root, DOMAIN_PARSE_STATUS, err);
    if (root && memXmlIs(root, "memballoon"))
        memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "%s of '<memballoon>' is not supported: it is made with the guest", verb);
    else
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s of '<%s>' is not supported: only '<memory>' devices can be", verb,
                    root ? (const char *)root->name : "");
    return NULL;
}

/* ---- the stored definition ---- */

/* @def with everything that define would have added and checked, as text. Caller frees. */
static char *finishConfig(DomainDef *def, const QemuCaps *caps, GError **err)
{
    if (!qemuDomainAssignSlots(def, err) || !qemuDomainAssignAddresses(def, caps, err) || !domainDefValidate(def, err) ||
        !qemuDomainValidate(def, caps, err))
        return NULL;
    return domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
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

static gboolean sameSlot(const DeviceInfo *a, const DeviceInfo *b)
{
    return a->type == DEVICE_ADDRESS_DIMM && b->type == DEVICE_ADDRESS_DIMM && a->dimm.slot == b->dimm.slot;
}

static gboolean checkConfigAddress(const DomainDef *config, const MemoryDeviceDef *device, GError **err)
{
    for (gsize i = 0; i < config->nmemories; i++) {
        if (sameSlot(&config->memories[i]->info, &device->info)) {
            memErrorSet(err, VIR_ERR_OPERATION_INVALID, "slot '%u' of the definition is taken", device->info.dimm.slot);
            return FALSE;
        }
    }
    return TRUE;
}

/* The stored definition with @device in it, as text. */
static char *configWith(QemuDomain *dom, const MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    g_autoptr(DomainDef) def = domainDefCopy(dom->config, err);
    g_autoptr(MemoryDeviceDef) copy = memoryDeviceDefCopy(device);

    /* an alias that libvirt gave belongs to the live guest */
    if (!deviceInfoHasUserAlias(&copy->info))
        g_clear_pointer(&copy->info.alias, g_free);
    if (!def || !memoryDeviceDefDefaults(copy, def, err) || !memoryDeviceDefValidate(copy, def, err) ||
        !checkConfigRoom(def, copy, err) || !checkConfigAddress(def, copy, err) || !domainMemoryInsert(def, copy, err))
        return NULL;
    copy = NULL;
    return finishConfig(def, caps, err);
}

static char *configWithout(QemuDomain *dom, MemoryDeviceDef *device, const QemuCaps *caps, GError **err)
{
    g_autoptr(DomainDef) def = NULL;
    gsize index = 0;

    while (dom->config->memories[index] != device)
        index++;
    def = domainDefCopy(dom->config, err);
    if (!def)
        return NULL;
    memoryDeviceDefFree(domainMemoryRemove(def, def->memories[index]));
    return finishConfig(def, caps, err);
}

/* The stored definition with @old's place taken by @wanted; totals follow its size. */
static char *configReplacing(QemuDomain *dom, const MemoryDeviceDef *old, const MemoryDeviceDef *wanted, const QemuCaps *caps,
                             GError **err)
{
    g_autoptr(DomainDef) def = NULL;
    MemoryDeviceDef *copy;
    gsize index = 0;

    while (dom->config->memories[index] != old)
        index++;
    def = domainDefCopy(dom->config, err);
    if (!def)
        return NULL;
    copy = memoryDeviceDefCopy(wanted);
    g_free(copy->info.alias);
    copy->info.alias = g_strdup(old->info.alias);
    def->memory.totalKib += copy->sizeKib - old->sizeKib;
    memoryDeviceDefFree(def->memories[index]);
    def->memories[index] = copy;
    return finishConfig(def, caps, err);
}

/* ---- attach ---- */

gboolean qemuDriverAttachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemoryDeviceDef) device = NULL;
    g_autofree char *configXml = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverAttachDevice", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "attach a device to", err);
    if (!job || !changeBegin(dom, flags, &change, err))
        return FALSE;
    device = parseDevice(xml, "attach", err);
    if (!device)
        return FALSE;
    if (change.config) {
        configXml = configWith(dom, device, change.caps, err);
        if (!configXml)
            return FALSE;
    }
    if (change.live)
        return qemuMemChangeAttach(dom, g_steal_pointer(&device), change.caps, configXml, err);
    return qemuMemChangeStoreConfig(dom, configXml, err);
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

static gboolean detach(QemuDomain *dom, const Change *change, MemoryDeviceDef *live, MemoryDeviceDef *stored, gint64 waitUs,
                       GError **err)
{
    g_autofree char *configXml = NULL;

    if (stored) {
        configXml = configWithout(dom, stored, change->caps, err);
        if (!configXml)
            return FALSE;
    }
    if (live)
        return qemuMemChangeDetach(dom, live, change->caps, configXml, waitUs, err);
    return qemuMemChangeStoreConfig(dom, configXml, err);
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
    device = parseDevice(xml, "detach", err);
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
    return detach(dom, &change, live, stored, QEMU_MEM_UNPLUG_WAIT_US, err);
}

static MemoryDeviceDef *findAlias(const DomainDef *def, const char *alias, GError **err)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (g_strcmp0(def->memories[i]->info.alias, alias) == 0)
            return def->memories[i];
    }
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no memory device found with alias '%s'", alias);
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
    if (change.live && !(live = findAlias(dom->live, alias, err)))
        return FALSE;
    if (change.config && !(stored = findAlias(dom->config, alias, err)))
        return FALSE;
    /* libvirt's call returns when the guest has been asked; for both, the config may only follow what was done */
    return detach(dom, &change, live, stored, stored ? QEMU_MEM_UNPLUG_WAIT_US : 0, err);
}

/* ---- update ---- */

static char *updatedConfig(QemuDomain *dom, const Change *change, const MemoryDeviceDef *device, GError **err)
{
    g_autoptr(MemoryDeviceDef) wanted = memoryDeviceDefCopy(device);
    MemoryDeviceDef *stored;

    if (!deviceInfoHasUserAlias(&wanted->info))
        g_clear_pointer(&wanted->info.alias, g_free);
    stored = qemuMemHotplugFindForUpdate(dom->config, wanted);
    if (stored)
        return configReplacing(dom, stored, wanted, change->caps, err);
    memErrorSet(err, VIR_ERR_INVALID_ARG, "the definition has no memory device at the address or with the alias given ('%s')",
                device->info.alias ? device->info.alias : "");
    return NULL;
}

gboolean qemuDriverUpdateDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemoryDeviceDef) device = NULL;
    g_autofree char *configXml = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(Change) change = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS | VIR_DOMAIN_DEVICE_MODIFY_FORCE, "qemuDriverUpdateDevice", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "update a device of", err);
    if (!job || !changeBegin(dom, flags & AFFECT_FLAGS, &change, err))
        return FALSE;
    device = parseDevice(xml, "update", err);
    if (!device)
        return FALSE;
    if (change.config) {
        configXml = updatedConfig(dom, &change, device, err);
        if (!configXml)
            return FALSE;
    }
    if (change.live)
        return qemuMemChangeUpdate(dom, device, configXml, err);
    return qemuMemChangeStoreConfig(dom, configXml, err);
}

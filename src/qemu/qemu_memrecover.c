/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memrecover.c: memory changes that a crash or a slow guest left open: ask QEMU, finish or undo */
#define G_LOG_DOMAIN "qemu/qemu_memrecover"
#include "qemu/qemu_memchange.h"

#include "qemu/qemu_memhotplug.h"
#include "qemu/qemu_memjournal.h"
#include "qemu/qemu_process.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

/* What QEMU has at this moment. */
typedef struct {
    char **devices;             /* below /machine/peripheral */
    char **objects;             /* below /objects */
} Present;

static void presentClear(Present *present)
{
    g_strfreev(present->devices);
    g_strfreev(present->objects);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Present, presentClear)

/* Under lock, which is given up meanwhile. */
static gboolean askPresent(QemuDomain *dom, QemuMonitor *mon, Present *present, GError **err)
{
    const DomainDef *live = dom->live;

    g_mutex_unlock(&dom->lock);
    present->devices = qemuMonitorQomList(mon, "/machine/peripheral", QEMU_ANSWER_DEADLINE, err);
    if (present->devices)
        present->objects = qemuMonitorQomList(mon, "/objects", QEMU_ANSWER_DEADLINE, err);
    g_mutex_lock(&dom->lock);
    return present->objects && qemuDomainStillRuns(dom, live, err);
}

static void deleteObject(QemuDomain *dom, QemuMonitor *mon, const Present *present, const char *prefix, const char *alias)
{
    g_autofree char *id = g_strconcat(prefix, alias, NULL);
    g_autoptr(GError) problem = NULL;

    if (!g_strv_contains((const char *const *)present->objects, id))
        return;
    g_mutex_unlock(&dom->lock);
    if (!qemuMonitorObjectDel(mon, id, QEMU_ANSWER_DEADLINE, &problem))
        g_warning("%s: object '%s' stays: %s", dom->name, id, problem->message);
    g_mutex_lock(&dom->lock);
}

static gboolean hasDevice(const Present *present, const char *alias)
{
    return g_strv_contains((const char *const *)present->devices, alias);
}

static MemoryDeviceDef *findAlias(const DomainDef *def, const char *alias)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (g_strcmp0(def->memories[i]->info.alias, alias) == 0)
            return def->memories[i];
    }
    return NULL;
}

/* ---- devices that have gone ---- */

static void finishGone(QemuDomain *dom, QemuMonitor *mon, const Present *present, const char *alias)
{
    g_auto(QemuProcessContext) context = { 0 };
    MemoryDeviceDef *device = findAlias(dom->live, alias);
    g_autoptr(QemuCaps) caps = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GError) problem = NULL;

    qemuProcessContextFill(dom->driver, dom->live, &context);
    caps = qemuDriverCapsFor(dom->driver, dom->live, NULL);
    path = device && caps ? qemuMemHotplugFileOf(dom->live, device, caps, &context.context) : NULL;
    deleteObject(dom, mon, present, "mem", alias);
    if (!dom->live)
        return;
    if (path && !memFileRemove(path, &problem))
        g_warning("%s: %s", dom->name, problem->message);
    qemuMemChangeForget(dom, alias);
}

/* The first device of the live definition that QEMU lacks; NULL: none. Caller frees. */
static char *nextGone(const DomainDef *live, const Present *present)
{
    for (gsize i = 0; i < live->nmemories; i++) {
        const MemoryDeviceDef *device = live->memories[i];

        if (device->model != MEMORY_DEVICE_SGX_EPC && device->info.alias && !hasDevice(present, device->info.alias))
            return g_strdup(device->info.alias);
    }
    return NULL;
}

static void dropGone(QemuDomain *dom, QemuMonitor *mon, const Present *present)
{
    const DomainDef *live = dom->live;
    char *alias;

    while (dom->live == live && (alias = nextGone(live, present))) {
        finishGone(dom, mon, present, alias);
        g_free(alias);
    }
    if (dom->live == live)
        qemuStoreNoteStatus(dom);
}

void qemuMemChangeReconcile(QemuDomain *dom, int unused)
{
    g_auto(QemuGuard) guard = qemuGuardLock(dom);
    g_autoptr(GError) problem = NULL;
    g_autoptr(QemuJob) job = qemuJobBegin(dom, "note removed memory devices of", &problem);
    g_autoptr(QemuMonitor) mon = job ? qemuDomainGetMonitor(dom, NULL) : NULL;
    g_auto(Present) present = { 0 };

    if (mon && askPresent(dom, mon, &present, &problem))
        dropGone(dom, mon, &present);
    if (problem)
        g_warning("%s: cannot note removed memory devices: %s", dom->name, problem->message);
}

/* ---- after the daemon came back ---- */

/* It came so far that QEMU has the device: keep it. Otherwise leave nothing of it. */
static gboolean recoverAttach(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry, GError **err)
{
    g_autoptr(MemoryDeviceDef) device = NULL;

    if (!hasDevice(present, entry->alias)) {
        deleteObject(dom, mon, present, "mem", entry->alias);
        return FALSE;
    }
    if (findAlias(dom->live, entry->alias))
        return TRUE;
    device = memoryDeviceDefParseString(entry->deviceXml, DOMAIN_PARSE_STATUS, err);
    return device && qemuMemChangeAdopt(dom, g_steal_pointer(&device), err);
}

static gboolean recoverDetach(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry)
{
    if (hasDevice(present, entry->alias))
        return FALSE;
    finishGone(dom, mon, present, entry->alias);
    return TRUE;
}

/* QEMU's requested size is the truth; it was reached if it is what the entry wanted. */
static gboolean recoverUpdate(QemuDomain *dom, QemuMonitor *mon, const QemuMemJournal *entry, GError **err)
{
    g_autofree char *path = g_strconcat("/machine/peripheral/", entry->alias, NULL);
    g_autoptr(MemoryDeviceDef) wanted = memoryDeviceDefParseString(entry->deviceXml, DOMAIN_PARSE_STATUS, err);
    g_autoptr(MemJson) value = NULL;
    const DomainDef *live = dom->live;
    MemoryDeviceDef *device;

    if (!wanted)
        return FALSE;
    g_mutex_unlock(&dom->lock);
    value = qemuMonitorQomGet(mon, path, "requested-size", QEMU_ANSWER_DEADLINE, err);
    g_mutex_lock(&dom->lock);
    if (!value || !qemuDomainStillRuns(dom, live, err))
        return FALSE;
    device = findAlias(dom->live, entry->alias);
    if (!device)
        return FALSE;
    device->requestedKib = memUnitsBytesToKib(json_object_get_uint64(value));
    return device->requestedKib == wanted->requestedKib;
}

static void recoverEntry(QemuDomain *dom, QemuMonitor *mon, const Present *present, const QemuMemJournal *entry, GError **err)
{
    gboolean done = FALSE;

    switch (entry->operation) {
    case QEMU_MEM_ATTACH:
        done = recoverAttach(dom, mon, present, entry, err);
        break;
    case QEMU_MEM_DETACH:
        done = recoverDetach(dom, mon, present, entry);
        break;
    case QEMU_MEM_UPDATE:
        done = recoverUpdate(dom, mon, entry, err);
        break;
    case QEMU_MEM_OPERATION_LAST:
        break;
    }
    g_message("%s: %s of memory device '%s', which was under way when the daemon ended, %s", dom->name,
              qemuMemOperationToString(entry->operation), entry->alias, done ? "is done" : "was not done");
    if (done && entry->configXml)
        qemuMemChangeStoreConfig(dom, entry->configXml, err);
}

void qemuMemChangeRecover(QemuDomain *dom)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(QemuMemJournal) entry = qemuMemJournalLoad(dom, &problem);
    g_autoptr(QemuMonitor) mon = qemuDomainGetMonitor(dom, NULL);
    g_auto(Present) present = { 0 };

    if (problem)
        g_warning("%s: the journal of memory changes cannot be read: %s", dom->name, problem->message);
    g_clear_error(&problem);
    if (!mon || (!entry && !dom->live->nmemories) || !askPresent(dom, mon, &present, &problem)) {
        if (problem)
            g_warning("%s: %s", dom->name, problem->message);
        return;
    }
    if (entry) {
        recoverEntry(dom, mon, &present, entry, &problem);
        if (problem)
            g_warning("%s: %s", dom->name, problem->message);
        if (!dom->live)
            return;
    }
    dropGone(dom, mon, &present);
    qemuMemJournalRemove(dom);
}

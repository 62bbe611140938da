/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain.c: one domain as the driver keeps it, its job, and the list of all */
#define G_LOG_DOMAIN "qemu/qemu_domain"
#include "qemu/qemu_domain.h"

#include "qemu/qemu_driver_priv.h"

#include <string.h>
#include <unistd.h>

struct QemuJob {
    QemuDomain *dom;            /* a reference */
};

struct QemuDomainList {
    GMutex lock;
    GHashTable *byUuid;         /* under lock: 16 bytes -> QemuDomain, which holds the reference */
    GHashTable *byName;         /* under lock */
    GHashTable *byId;           /* under lock */
};

/* ---- a domain ---- */

QemuDomain *qemuDomainNew(QemuDriver *driver, const DomainDef *def)
{
    QemuDomain *dom = g_new0(QemuDomain, 1);

    dom->refs = 1;
    dom->driver = driver;
    dom->name = g_strdup(def->name);
    memcpy(dom->uuid, def->uuid, sizeof dom->uuid);
    g_mutex_init(&dom->lock);
    g_cond_init(&dom->changed);
    dom->id = -1;
    dom->state = VIR_DOMAIN_SHUTOFF;
    dom->reason = VIR_DOMAIN_SHUTOFF_UNKNOWN;
    dom->pauseReason = dom->runReason = dom->stopReason = -1;
    dom->process.pidfd = dom->process.exitStatus = -1;
    return dom;
}

QemuDomain *qemuDomainKeep(QemuDomain *dom)
{
    g_atomic_int_inc(&dom->refs);
    return dom;
}

void qemuDomainRelease(QemuDomain *dom)
{
    if (!dom || !g_atomic_int_dec_and_test(&dom->refs))
        return;
    qemuMonitorUnref(dom->mon);
    qemuCapsUnref(dom->caps);
    domainDefFree(dom->config);
    domainDefFree(dom->live);
    if (dom->process.pidfd >= 0)
        close(dom->process.pidfd);
    g_clear_pointer(&dom->process.watch, g_source_unref);
    g_clear_pointer(&dom->vcpuThreads, g_array_unref);
    g_clear_pointer(&dom->unplugs, g_hash_table_unref);
    g_mutex_clear(&dom->lock);
    g_cond_clear(&dom->changed);
    g_free(dom->name);
    g_free(dom);
}

void qemuDomainSetState(QemuDomain *dom, int state, int reason)
{
    dom->state = state;
    dom->reason = reason;
}

DomainDef *qemuDomainDef(QemuDomain *dom)
{
    return dom->live ? dom->live : dom->config;
}

void qemuDomainFillRef(QemuDomain *dom, QemuDomainRef *ref)
{
    g_free(ref->name);
    ref->name = g_strdup(dom->name);
    memcpy(ref->uuid, dom->uuid, sizeof ref->uuid);
    ref->id = dom->id;
}

void qemuDomainRefClear(QemuDomainRef *ref)
{
    g_clear_pointer(&ref->name, g_free);
}

gboolean qemuDomainCheckActive(QemuDomain *dom, GError **err)
{
    if (dom->live)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
    return FALSE;
}

gboolean qemuDomainCheckPersistent(QemuDomain *dom, GError **err)
{
    if (dom->config)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "transient domains do not have any persistent config");
    return FALSE;
}

gboolean qemuDomainStillRuns(QemuDomain *dom, const DomainDef *live, GError **err)
{
    if (dom->live && dom->live == live)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' ended while the call was under way", dom->name);
    return FALSE;
}

QemuMonitor *qemuDomainGetMonitor(QemuDomain *dom, GError **err)
{
    if (!qemuDomainCheckActive(dom, err))
        return NULL;
    if (dom->mon)
        return qemuMonitorRef(dom->mon);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain '%s' has no monitor", dom->name);
    return NULL;
}

/* ---- the job ---- */

gint64 qemuAnswerWaitUs(void)
{
    static gsize known;

    if (g_once_init_enter(&known)) {
        const char *text = g_getenv("VIRTMEMD_ANSWER_TIMEOUT");
        gint64 milliseconds = text ? g_ascii_strtoll(text, NULL, 10) : 0;

        g_once_init_leave(&known, (gsize)(milliseconds > 0 ? milliseconds * 1000 : QEMU_ANSWER_WAIT_US));
    }
    return (gint64)known;
}

QemuJob *qemuJobBegin(QemuDomain *dom, const char *name, GError **err)
{
    gint64 deadline = g_get_monotonic_time() + QEMU_JOB_WAIT_US;
    QemuJob *job;

    while (dom->job && !dom->removed) {
        if (!g_cond_wait_until(&dom->changed, &dom->lock, deadline) && dom->job) {
            memErrorSet(err, VIR_ERR_OPERATION_TIMEOUT, "cannot %s domain '%s': '%s' has been under way for %d s", name,
                        dom->name, dom->job, (int)((g_get_monotonic_time() - dom->jobSince) / G_USEC_PER_SEC));
            return NULL;
        }
    }
    if (dom->removed) {
        memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching name '%s'", dom->name);
        return NULL;
    }
    dom->job = name;
    dom->jobSince = g_get_monotonic_time();
    job = g_new0(QemuJob, 1);
    job->dom = qemuDomainKeep(dom);
    return job;
}

/* A right was given back: does anything else keep a domain without definitions? */
static void dropIfEmpty(QemuDomain *dom)
{
    if (!dom->config && !dom->live && !dom->job && !dom->storing && !dom->removed)
        qemuDomainListRemove(dom->driver->domains, dom);
}

void qemuJobEnd(QemuJob *job)
{
    job->dom->job = NULL;
    dropIfEmpty(job->dom);
    g_cond_broadcast(&job->dom->changed);
    qemuDomainRelease(job->dom);
    g_free(job);
}

/* ---- the right to store ---- */

gboolean qemuStoreWait(QemuDomain *dom)
{
    gboolean waited = FALSE;

    while (dom->storing) {
        g_cond_wait(&dom->changed, &dom->lock);
        waited = TRUE;
    }
    return waited;
}

QemuStoreRight qemuStoreBegin(QemuDomain *dom)
{
    qemuStoreWait(dom);
    dom->storing = TRUE;
    return (QemuStoreRight){ qemuDomainKeep(dom) };
}

void qemuStoreEnd(QemuStoreRight *right)
{
    QemuDomain *dom = g_steal_pointer(&right->dom);

    if (!dom)
        return;
    dom->storing = FALSE;
    dropIfEmpty(dom);
    g_cond_broadcast(&dom->changed);
    qemuDomainRelease(dom);
}

/* ---- the list ---- */

static guint uuidHash(gconstpointer key)
{
    guint value;

    memcpy(&value, key, sizeof value);
    return value;
}

static gboolean uuidEqual(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, 16) == 0;
}

QemuDomainList *qemuDomainListNew(void)
{
    QemuDomainList *list = g_new0(QemuDomainList, 1);

    g_mutex_init(&list->lock);
    list->byUuid = g_hash_table_new_full(uuidHash, uuidEqual, NULL, (GDestroyNotify)qemuDomainRelease);
    list->byName = g_hash_table_new(g_str_hash, g_str_equal);
    list->byId = g_hash_table_new(g_direct_hash, g_direct_equal);
    return list;
}

void qemuDomainListFree(QemuDomainList *list)
{
    if (!list)
        return;
    g_hash_table_unref(list->byId);
    g_hash_table_unref(list->byName);
    g_hash_table_unref(list->byUuid);
    g_mutex_clear(&list->lock);
    g_free(list);
}

gboolean qemuDomainListAdd(QemuDomainList *list, QemuDomain *dom)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&list->lock);

    if (g_hash_table_contains(list->byUuid, dom->uuid) || g_hash_table_contains(list->byName, dom->name))
        return FALSE;
    g_hash_table_insert(list->byUuid, dom->uuid, qemuDomainKeep(dom));
    g_hash_table_insert(list->byName, dom->name, dom);
    return TRUE;
}

void qemuDomainListRemove(QemuDomainList *list, QemuDomain *dom)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&list->lock);

    dom->removed = TRUE;
    g_cond_broadcast(&dom->changed);
    if (g_hash_table_lookup(list->byUuid, dom->uuid) != dom)
        return;
    g_hash_table_remove(list->byId, GINT_TO_POINTER(dom->id));
    g_hash_table_remove(list->byName, dom->name);
    g_hash_table_remove(list->byUuid, dom->uuid);
}

void qemuDomainListSetId(QemuDomainList *list, QemuDomain *dom, int id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&list->lock);

    if (dom->id >= 0)
        g_hash_table_remove(list->byId, GINT_TO_POINTER(dom->id));
    dom->id = id;
    if (id >= 0)
        g_hash_table_insert(list->byId, GINT_TO_POINTER(id), dom);
}

static QemuDomain *find(QemuDomainList *list, GHashTable *table, gconstpointer key)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&list->lock);
    QemuDomain *dom = g_hash_table_lookup(table, key);

    return dom ? qemuDomainKeep(dom) : NULL;
}

QemuDomain *qemuDomainListFindUuid(QemuDomainList *list, QemuUuid uuid)
{
    return find(list, list->byUuid, uuid);
}

QemuDomain *qemuDomainListFindName(QemuDomainList *list, const char *name)
{
    return find(list, list->byName, name);
}

QemuDomain *qemuDomainListFindId(QemuDomainList *list, int id)
{
    return find(list, list->byId, GINT_TO_POINTER(id));
}

GPtrArray *qemuDomainListSnapshot(QemuDomainList *list)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&list->lock);
    GPtrArray *all = g_ptr_array_new_full(g_hash_table_size(list->byUuid), (GDestroyNotify)qemuDomainRelease);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, list->byUuid);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(all, qemuDomainKeep(value));
    return all;
}

const char *qemuUuidFormat(QemuUuid uuid, char text[QEMU_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = '\0';
    return text;
}

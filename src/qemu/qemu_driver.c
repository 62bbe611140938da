/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver.c: the driver's lifetime, finding domains, and what its other files share */
#define G_LOG_DOMAIN "qemu/qemu_driver"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_cgroup.h"
#include "qemu/qemu_memchange.h"
#include "qemu/qemu_process.h"
#include "util/mem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BACKGROUND_THREADS 2
#define START_TIMEOUT_US (30 * G_USEC_PER_SEC)
#define RECONNECT_PATIENCE_US (2 * G_USEC_PER_SEC)

/* ---- background ---- */

typedef struct {
    QemuDomain *dom;
    QemuTaskFunc func;
    int argument;
} Task;

static void runTask(gpointer data, gpointer unused)
{
    Task *task = data;

    task->func(task->dom, task->argument);
    qemuDomainRelease(task->dom);
    g_free(task);
}

void qemuDriverQueue(QemuDomain *dom, QemuTaskFunc func, int argument)
{
    Task *task = g_new0(Task, 1);

    task->dom = qemuDomainKeep(dom);
    task->func = func;
    task->argument = argument;
    g_thread_pool_push(dom->driver->background, task, NULL);
}

/* ---- lifetime ---- */

static void pathsCopy(QemuDriverPaths *to, const QemuDriverPaths *from)
{
    *to = *from;
    to->config = g_strdup(from->config);
    to->state = g_strdup(from->state);
    to->lib = g_strdup(from->lib);
    to->cache = g_strdup(from->cache);
    to->log = g_strdup(from->log);
}

static void pathsClear(QemuDriverPaths *paths)
{
    g_free(paths->config);
    g_free(paths->state);
    g_free(paths->lib);
    g_free(paths->cache);
    g_free(paths->log);
}

static gboolean makeFolders(const QemuDriverPaths *paths, GError **err)
{
    return memFileMakeFolder(paths->config, 0700, err) && memFileMakeFolder(paths->state, 0700, err) &&
           memFileMakeFolder(paths->lib, 0700, err) && memFileMakeFolder(paths->cache, 0700, err) &&
           memFileMakeFolder(paths->log, 0700, err);
}

/* Milliseconds in the environment, microseconds here. */
static gint64 timeout(const char *name, gint64 otherwiseUs)
{
    const char *text = g_getenv(name);
    gint64 milliseconds = text ? g_ascii_strtoll(text, NULL, 10) : 0;

    return milliseconds > 0 ? milliseconds * 1000 : otherwiseUs;
}

static void autostartTask(QemuDomain *dom, int unused)
{
    g_autoptr(GError) error = NULL;
    QemuDomainRef ref = { 0 };

    if (!qemuDriverStart(dom->driver, dom->uuid, 0, NULL, &ref, &error))
        g_warning("%s: autostart failed: %s", dom->name, error->message);
    qemuDomainRefClear(&ref);
}

/* Once per boot of the host: the mark lies in the folder that does not outlive it. So a guest that was shut down on purpose
 * does not come back because the daemon was restarted. */
static gboolean firstStart(QemuDriver *driver)
{
    g_autofree char *mark = g_strdup_printf("%s/autostarted", driver->paths.state);
    int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void autostartAll(QemuDriver *driver)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);

    if (!firstStart(driver))
        return;
    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (dom->autostart && !dom->live)
            qemuDriverQueue(dom, autostartTask, 0);
    }
}

QemuDriver *qemuDriverNew(const QemuDriverPaths *paths, GMainContext *context, QemuEventFunc func, gpointer opaque, GError **err)
{
    QemuDriver *driver;
    g_autofree char *capsFolder = g_strdup_printf("%s/capabilities", paths->cache);

    if (!makeFolders(paths, err))
        return NULL;
    driver = g_new0(QemuDriver, 1);
    pathsCopy(&driver->paths, paths);
    driver->context = g_main_context_ref(context);
    driver->func = func;
    driver->opaque = opaque;
    driver->domains = qemuDomainListNew();
    driver->caps = qemuCapsCacheNew(capsFolder);
    driver->background = g_thread_pool_new(runTask, NULL, BACKGROUND_THREADS, FALSE, NULL);
    driver->startTimeoutUs = timeout("VIRTMEMD_START_TIMEOUT", START_TIMEOUT_US);
    driver->unplugWaitUs = timeout("VIRTMEMD_UNPLUG_TIMEOUT", QEMU_MEM_UNPLUG_WAIT_US);
    driver->answerWaitUs = qemuAnswerWaitUs();
    g_mutex_init(&driver->defineLock);
    g_mutex_init(&driver->queueLock);
    g_mutex_init(&driver->emitLock);
    g_queue_init(&driver->events);
    qemuStoreLoad(driver);
    qemuProcessReconnectAll(driver);
    qemuStoreSweep(driver);
    qemuCgroupSweep();
    autostartAll(driver);
    return driver;
}

/* The guest runs on; only our end of it goes. */
static void letGo(QemuDomain *dom)
{
    g_auto(QemuGuard) guard = qemuGuardLock(dom);

    if (dom->process.watch)
        g_source_destroy(dom->process.watch);
    g_clear_pointer(&dom->process.watch, g_source_unref);
    if (dom->mon)
        qemuMonitorClose(dom->mon);
    g_clear_pointer(&dom->mon, qemuMonitorUnref);
}

void qemuDriverFree(QemuDriver *driver)
{
    g_autoptr(GPtrArray) all = NULL;

    if (!driver)
        return;
    all = qemuDomainListSnapshot(driver->domains);
    for (guint i = 0; i < all->len; i++)
        letGo(g_ptr_array_index(all, i));
    if (driver->reconnecting)
        g_thread_pool_free(driver->reconnecting, FALSE, TRUE);
    g_thread_pool_free(driver->background, FALSE, TRUE);
    g_clear_pointer(&all, g_ptr_array_unref);
    qemuEventDrop(driver);
    qemuDomainListFree(driver->domains);
    qemuCapsCacheFree(driver->caps);
    g_mutex_clear(&driver->defineLock);
    g_mutex_clear(&driver->queueLock);
    g_mutex_clear(&driver->emitLock);
    g_main_context_unref(driver->context);
    pathsClear(&driver->paths);
    g_free(driver);
}

gboolean qemuDriverIsIdle(QemuDriver *driver)
{
    return g_atomic_int_get(&driver->active) == 0;
}

gboolean qemuDriverIsFree(QemuDriver *driver, QemuUuid uuid)
{
    g_autoptr(QemuDomain) dom = qemuDomainListFindUuid(driver->domains, uuid);
    gboolean isFree;

    if (!dom || !g_mutex_trylock(&dom->lock))
        return FALSE;
    isFree = !dom->reconnecting;
    g_mutex_unlock(&dom->lock);
    return isFree;
}

/* ---- shared ---- */

gboolean qemuDriverCheckFlags(unsigned flags, unsigned known, const char *what, GError **err)
{
    if (!(flags & ~known))
        return TRUE;
    memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s", flags & ~known, what);
    return FALSE;
}

static QemuDomain *orNoDomain(QemuDomain *dom, const char *how, const char *what, GError **err)
{
    gint64 deadline = g_get_monotonic_time() + RECONNECT_PATIENCE_US;

    if (!dom) {
        memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching %s '%s'", how, what);
        return NULL;
    }
    g_mutex_lock(&dom->lock);
    while (dom->reconnecting) {
        if (!g_cond_wait_until(&dom->changed, &dom->lock, deadline))
            break;
    }
    g_mutex_unlock(&dom->lock);
    return dom;
}

QemuDomain *qemuDriverFind(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    char text[QEMU_UUID_TEXT];

    return orNoDomain(qemuDomainListFindUuid(driver->domains, uuid), "uuid", qemuUuidFormat(uuid, text), err);
}

gboolean qemuDriverAffects(QemuDomain *dom, unsigned flags, gboolean *live, gboolean *config, GError **err)
{
    *live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    *config = (flags & VIR_DOMAIN_AFFECT_CONFIG) != 0;
    if (!*live && !*config) {
        *live = dom->live != NULL;
        *config = !*live;
    }
    return (!*live || qemuDomainCheckActive(dom, err)) && (!*config || qemuDomainCheckPersistent(dom, err));
}

/* ---- finding ---- */

static gboolean fillFound(QemuDomain *dom, QemuDomainRef *ref)
{
    if (!dom)
        return FALSE;
    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        qemuDomainFillRef(dom, ref);
    }
    qemuDomainRelease(dom);
    return TRUE;
}

gboolean qemuDriverLookupById(QemuDriver *driver, int id, QemuDomainRef *ref, GError **err)
{
    g_autofree char *text = g_strdup_printf("%d", id);

    return fillFound(orNoDomain(qemuDomainListFindId(driver->domains, id), "id", text, err), ref);
}

gboolean qemuDriverLookupByUuid(QemuDriver *driver, QemuUuid uuid, QemuDomainRef *ref, GError **err)
{
    return fillFound(qemuDriverFind(driver, uuid, err), ref);
}

gboolean qemuDriverLookupByName(QemuDriver *driver, const char *name, QemuDomainRef *ref, GError **err)
{
    return fillFound(orNoDomain(qemuDomainListFindName(driver->domains, name), "name", name, err), ref);
}

/* ---- listing ---- */

/* A pair of filter bits: none or both set is no filter. */
static gboolean pairPasses(unsigned flags, unsigned yes, unsigned no, gboolean is)
{
    if (!(flags & (yes | no)) || (flags & (yes | no)) == (yes | no))
        return TRUE;
    return (flags & yes) ? is : !is;
}

static unsigned stateBit(int state)
{
    if (state == VIR_DOMAIN_RUNNING)
        return VIR_CONNECT_LIST_DOMAINS_RUNNING;
    if (state == VIR_DOMAIN_PAUSED)
        return VIR_CONNECT_LIST_DOMAINS_PAUSED;
    if (state == VIR_DOMAIN_SHUTOFF)
        return VIR_CONNECT_LIST_DOMAINS_SHUTOFF;
    return VIR_CONNECT_LIST_DOMAINS_OTHER;
}

#define STATE_BITS (VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_PAUSED | VIR_CONNECT_LIST_DOMAINS_SHUTOFF | \
                    VIR_CONNECT_LIST_DOMAINS_OTHER)
#define LIST_BITS 0xffffu

gboolean qemuDriverPassesFilter(QemuDomain *dom, unsigned flags)
{
    return pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, dom->live != NULL) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, dom->config != NULL) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, FALSE) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, dom->autostart) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, FALSE) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, FALSE) &&
           (!(flags & STATE_BITS) || (flags & stateBit(dom->state)));
}

static void refFree(gpointer data)
{
    QemuDomainRef *ref = data;

    qemuDomainRefClear(ref);
    g_free(ref);
}

GPtrArray *qemuDriverListDomains(QemuDriver *driver, unsigned flags, GError **err)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);
    g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(refFree);

    if (!qemuDriverCheckFlags(flags, LIST_BITS, "virConnectListAllDomains", err))
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);
        QemuDomainRef *ref;

        if (dom->removed || !qemuDomainDef(dom) || !qemuDriverPassesFilter(dom, flags))
            continue;
        ref = g_new0(QemuDomainRef, 1);
        qemuDomainFillRef(dom, ref);
        g_ptr_array_add(refs, ref);
    }
    return g_steal_pointer(&refs);
}

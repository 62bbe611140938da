/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver.c: the driver's lifetime */
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
    driver->background = qemuDriverTasksNew(BACKGROUND_THREADS);
    driver->waiting = qemuDriverTasksNew(-1);
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
    g_cond_broadcast(&dom->changed);
}

void qemuDriverFree(QemuDriver *driver)
{
    g_autoptr(GPtrArray) all = NULL;

    if (!driver)
        return;
    g_atomic_int_set(&driver->closing, TRUE);
    all = qemuDomainListSnapshot(driver->domains);
    for (guint i = 0; i < all->len; i++)
        letGo(g_ptr_array_index(all, i));
    if (driver->reconnecting)
        g_thread_pool_free(driver->reconnecting, FALSE, TRUE);
    g_thread_pool_free(driver->background, FALSE, TRUE);
    g_thread_pool_free(driver->waiting, FALSE, TRUE);
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

QemuDomain *qemuDriverTryLock(QemuDriver *driver, QemuUuid uuid)
{
    g_autoptr(QemuDomain) dom = qemuDomainListFindUuid(driver->domains, uuid);

    if (!dom || !g_mutex_trylock(&dom->lock))
        return NULL;
    if (!dom->reconnecting)
        return g_steal_pointer(&dom);
    g_mutex_unlock(&dom->lock);
    return NULL;
}

gboolean qemuDriverIsFree(QemuDriver *driver, QemuUuid uuid)
{
    g_autoptr(QemuDomain) dom = qemuDriverTryLock(driver, uuid);

    if (dom)
        g_mutex_unlock(&dom->lock);
    return dom != NULL;
}

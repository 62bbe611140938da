/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_event.c: events on their way to the clients: queued under a domain's lock, told without one, in order */
#define G_LOG_DOMAIN "qemu/qemu_event"
#include "qemu/qemu_driver_priv.h"

static void eventFree(QemuEvent *event)
{
    qemuDomainRefClear(&event->dom);
    g_free(event->text1);
    g_free(event->text2);
    g_free(event);
}

void qemuEventAdd(QemuDomain *dom, const QemuEvent *event)
{
    QemuDriver *driver = dom->driver;
    QemuEvent *copy = g_memdup2(event, sizeof *event);

    copy->dom = (QemuDomainRef){ 0 };
    qemuDomainFillRef(dom, &copy->dom);
    copy->text1 = g_strdup(event->text1);
    copy->text2 = g_strdup(event->text2);
    dom->eventsToTell = TRUE;
    g_mutex_lock(&driver->queueLock);
    g_queue_push_tail(&driver->events, copy);
    g_mutex_unlock(&driver->queueLock);
}

void qemuEventLifecycle(QemuDomain *dom, int event, int detail)
{
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_LIFECYCLE, .event = event, .detail = detail });
}

static QemuEvent *next(QemuDriver *driver)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&driver->queueLock);

    return g_queue_pop_head(&driver->events);
}

void qemuEventTell(QemuDriver *driver)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&driver->emitLock);
    QemuEvent *event;

    while ((event = next(driver))) {
        if (driver->func)
            driver->func(event, driver->opaque);
        eventFree(event);
    }
}

void qemuEventDrop(QemuDriver *driver)
{
    QemuEvent *event;

    while ((event = next(driver)))
        eventFree(event);
}

void qemuGuardClear(QemuGuard *guard)
{
    QemuDomain *dom = g_steal_pointer(&guard->dom);
    gboolean tell;

    if (!dom)
        return;
    tell = dom->eventsToTell;
    dom->eventsToTell = FALSE;
    g_mutex_unlock(&dom->lock);
    if (tell)
        qemuEventTell(dom->driver);
}

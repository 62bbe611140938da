/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_watch.c: news of one domain
 *
 * Callbacks of libvirt come in the thread of whoever runs its loop, also after they were deregistered. They touch the
 * mailbox alone: it is counted, and each registration holds one reference, which libvirt gives back in its own time. */
#include "client/memory_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <libvirt/virterror.h>

#include "client/memory_cancel.h"
#include "client/memory_error.h"

#define EVENTS 6

typedef struct {
    int fd;                     /* immutable; readable: there is mail */
    GMutex lock;
    GHashTable *refused;        /* set of aliases; under lock */
    gboolean stopped;           /* under lock */
} Mailbox;

struct MemoryWatch {
    Mailbox *mailbox;           /* counted */
    virConnectPtr conn;         /* a reference of its own */
    virDomainPtr dom;
    const virMemRunOptions *options;
    int callbacks[EVENTS];      /* -1: not registered */
    gboolean hasEvents;
    gboolean pipeBlocked;       /* SIGPIPE was let through before, and is again afterwards */
};

static void mailboxClear(gpointer data)
{
    Mailbox *mailbox = data;

    close(mailbox->fd);
    g_mutex_clear(&mailbox->lock);
    g_hash_table_unref(mailbox->refused);
}

static void mailboxUnref(void *opaque)
{
    g_atomic_rc_box_release_full(opaque, mailboxClear);
}

static void ring(Mailbox *mailbox)
{
    const uint64_t one = 1;

    /* It can only fail because it is readable already. */
    if (write(mailbox->fd, &one, sizeof(one)) < 0)
        return;
}

/* ---- callbacks: in the event loop's thread ---- */

static void onDevice(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
    ring(opaque);
}

static void onRefused(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
    Mailbox *mailbox = opaque;

    g_mutex_lock(&mailbox->lock);
    g_hash_table_add(mailbox->refused, g_strdup(alias));
    g_mutex_unlock(&mailbox->lock);
    ring(mailbox);
}

static void onSize(virConnectPtr conn, virDomainPtr dom, const char *alias, unsigned long long kib, void *opaque)
{
    ring(opaque);
}

static void onBalloon(virConnectPtr conn, virDomainPtr dom, unsigned long long kib, void *opaque)
{
    ring(opaque);
}

static int onLifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    Mailbox *mailbox = opaque;

    if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED) {
        g_mutex_lock(&mailbox->lock);
        mailbox->stopped = TRUE;
        g_mutex_unlock(&mailbox->lock);
    }
    ring(mailbox);
    return 0;
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback callback;
} events[EVENTS] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(onLifecycle)},
    {VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(onBalloon)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(onDevice)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(onDevice)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(onRefused)},
    {VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(onSize)},
};

static void subscribe(MemoryWatch *watch)
{
    watch->hasEvents = TRUE;
    for (size_t i = 0; i < EVENTS; i++) {
        watch->callbacks[i] = virConnectDomainEventRegisterAny(
            watch->conn, watch->dom, events[i].id, events[i].callback, g_atomic_rc_box_acquire(watch->mailbox), mailboxUnref);
        if (watch->callbacks[i] < 0) {
            mailboxUnref(watch->mailbox);
            watch->hasEvents = FALSE;
            virResetLastError();
        }
    }
}

static void unsubscribe(MemoryWatch *watch)
{
    for (size_t i = 0; i < EVENTS; i++) {
        if (watch->callbacks[i] >= 0 && virConnectDomainEventDeregisterAny(watch->conn, watch->callbacks[i]) < 0)
            virResetLastError();
        watch->callbacks[i] = -1;
    }
}

/* libvirt writes to a socket whose other end may be gone: that is to be told by its error, and not to end the program. */
static void blockPipeSignal(MemoryWatch *watch)
{
    sigset_t pipe, before;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    watch->pipeBlocked = pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0 && !sigismember(&before, SIGPIPE);
}

static void unblockPipeSignal(const MemoryWatch *watch)
{
    const struct timespec now = {0};
    sigset_t pipe;

    if (!watch->pipeBlocked)
        return;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigtimedwait(&pipe, NULL, &now) == -1 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_UNBLOCK, &pipe, NULL);
}

MemoryWatch *memoryWatchNew(virDomainPtr dom, const virMemRunOptions *options, virMemError *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        memoryErrorSet(err, VIR_MEM_ERR_SYSTEM, "cannot make an event descriptor: %s", g_strerror(errno));
        return NULL;
    }
    MemoryWatch *watch = g_new0(MemoryWatch, 1);
    watch->mailbox = g_atomic_rc_box_new0(Mailbox);
    watch->mailbox->fd = fd;
    g_mutex_init(&watch->mailbox->lock);
    watch->mailbox->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    watch->conn = virDomainGetConnect(dom);
    watch->dom = dom;
    watch->options = options;
    blockPipeSignal(watch);
    virConnectRef(watch->conn);
    virDomainRef(dom);
    subscribe(watch);
    return watch;
}

void memoryWatchFree(MemoryWatch *watch)
{
    if (!watch)
        return;
    unsubscribe(watch);
    virDomainFree(watch->dom);
    virConnectClose(watch->conn);
    mailboxUnref(watch->mailbox);
    unblockPipeSignal(watch);
    g_free(watch);
}

virDomainPtr memoryWatchDomain(const MemoryWatch *watch)
{
    return watch->dom;
}

gboolean memoryWatchHasEvents(const MemoryWatch *watch)
{
    return watch->hasEvents;
}

gboolean memoryWatchCancelled(const MemoryWatch *watch)
{
    return watch->options && virMemCancelled(watch->options->cancel);
}

void memoryWatchWait(MemoryWatch *watch, guint timeoutMs, gboolean heedCancel)
{
    struct pollfd fds[] = {
        {.fd = watch->mailbox->fd, .events = POLLIN},
        {.fd = heedCancel && watch->options ? memoryCancelFd(watch->options->cancel) : -1, .events = POLLIN},
    };
    uint64_t count;

    /* Interrupted by a signal is as good as an event: the caller looks again. */
    if (poll(fds, G_N_ELEMENTS(fds), (int) MIN(timeoutMs, (guint) G_MAXINT)) > 0 && fds[0].revents &&
        read(watch->mailbox->fd, &count, sizeof(count)) < 0)
        return;
}

gboolean memoryWatchRefused(MemoryWatch *watch, const char *alias)
{
    g_mutex_lock(&watch->mailbox->lock);
    gboolean refused = alias && g_hash_table_contains(watch->mailbox->refused, alias);
    g_mutex_unlock(&watch->mailbox->lock);
    return refused;
}

gboolean memoryWatchStopped(MemoryWatch *watch)
{
    g_mutex_lock(&watch->mailbox->lock);
    gboolean stopped = watch->mailbox->stopped;
    g_mutex_unlock(&watch->mailbox->lock);
    return stopped;
}

void memoryWatchForget(MemoryWatch *watch)
{
    g_mutex_lock(&watch->mailbox->lock);
    g_hash_table_remove_all(watch->mailbox->refused);
    g_mutex_unlock(&watch->mailbox->lock);
}

gboolean memoryWatchCanReconnect(const MemoryWatch *watch)
{
    return watch->options && watch->options->reconnect;
}

static void markStopped(MemoryWatch *watch)
{
    g_mutex_lock(&watch->mailbox->lock);
    watch->mailbox->stopped = TRUE;
    g_mutex_unlock(&watch->mailbox->lock);
}

gboolean memoryWatchReconnect(MemoryWatch *watch)
{
    unsigned char uuid[VIR_UUID_BUFLEN];
    virConnectPtr conn = watch->options->reconnect(watch->options->opaque);

    if (!conn)
        return FALSE;
    virDomainGetUUID(watch->dom, uuid);
    virDomainPtr dom = virDomainLookupByUUID(conn, uuid);
    if (!dom) {
        /* A daemon knows its guests before it answers: one that it does not know has ended for good. */
        if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
            markStopped(watch);
        virResetLastError();
        virConnectClose(conn);
        return FALSE;
    }
    unsubscribe(watch);
    virDomainFree(watch->dom);
    virConnectClose(watch->conn);
    watch->dom = dom;
    watch->conn = conn;
    subscribe(watch);
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor_poll.c: hundreds of monitors in one GMainContext at the price of one */
#include "qemu/qemu_monitor_poll.h"

#include "util/mem_error.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 64

typedef struct {
    int fd;
    QemuMonitorPollFunc func;
    QemuMonitor *mon;           /* a reference */
} Watch;

/* The source of one context. It comes with the first watch and goes with the last. An event carries the watch's number and
 * not its address: a watch may be removed, by any thread, while its event waits in a batch. */
typedef struct {
    GSource source;
    int epoll;                  /* immutable */
} Poll;

static GMutex lock;             /* never held during a callback */
static GHashTable *polls;       /* under lock: GMainContext -> Poll */
static GHashTable *watches;     /* under lock: number -> Watch; of all contexts */
static guint64 lastWatch;       /* under lock */

/* The monitor of @number if it is still watched, a new reference. */
static QemuMonitor *lookup(guint64 number, QemuMonitorPollFunc *func)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    const Watch *watch = watches ? g_hash_table_lookup(watches, &number) : NULL;

    if (!watch)
        return NULL;
    *func = watch->func;
    return qemuMonitorRef(watch->mon);
}

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer opaque)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(((Poll *)source)->epoll, events, BATCH, 0);

    for (int i = 0; i < n; i++) {
        QemuMonitorPollFunc func;
        g_autoptr(QemuMonitor) mon = lookup(events[i].data.u64, &func);

        if (mon)
            func(mon);
    }
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    close(((Poll *)source)->epoll);
}

static GSourceFuncs functions = {
    .dispatch = dispatch,
    .finalize = finalize,
};

/* Under lock. */
static Poll *pollFor(GMainContext *context, GError **err)
{
    Poll *poll = polls ? g_hash_table_lookup(polls, context) : NULL;
    int epoll;

    if (poll)
        return poll;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        memErrorSetSystem(err, errno, "cannot make an epoll descriptor");
        return NULL;
    }
    poll = (Poll *)g_source_new(&functions, sizeof *poll);
    poll->epoll = epoll;
    g_source_set_static_name(&poll->source, "monitors");
    /* It runs no loop of its own; without this GLib takes the descriptor out of the poll and back in each turn. */
    g_source_set_can_recurse(&poll->source, TRUE);
    g_source_add_unix_fd(&poll->source, epoll, G_IO_IN);
    g_source_attach(&poll->source, context);
    if (!polls)
        polls = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_hash_table_insert(polls, context, poll);
    return poll;
}

/* Under lock: without monitors there is nothing to keep. */
static void dropIfUnused(void)
{
    GHashTableIter iter;
    gpointer poll;

    if (g_hash_table_size(watches) > 0)
        return;
    g_hash_table_iter_init(&iter, polls);
    while (g_hash_table_iter_next(&iter, NULL, &poll)) {
        g_source_destroy(poll);
        g_source_unref(poll);
    }
    g_clear_pointer(&polls, g_hash_table_unref);
    g_clear_pointer(&watches, g_hash_table_unref);
}

guint64 qemuMonitorPollAdd(GMainContext *context, int fd, QemuMonitorPollFunc func, QemuMonitor *mon, GError **err)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    Poll *poll;
    struct epoll_event event = { .events = EPOLLIN };
    Watch *watch;
    guint64 *key;

    if (!watches)
        watches = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    poll = pollFor(context, err);
    if (!poll)
        return 0;
    event.data.u64 = ++lastWatch;
    if (epoll_ctl(poll->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        memErrorSetSystem(err, errno, "cannot watch a monitor");
        return 0;
    }
    watch = g_new0(Watch, 1);
    watch->fd = fd;
    watch->func = func;
    watch->mon = qemuMonitorRef(mon);
    key = g_new(guint64, 1);
    *key = lastWatch;
    g_hash_table_insert(watches, key, watch);
    return lastWatch;
}

void qemuMonitorPollListen(GMainContext *context, guint64 watch, gboolean listen)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    const Watch *found = watches ? g_hash_table_lookup(watches, &watch) : NULL;
    const Poll *poll = found ? g_hash_table_lookup(polls, context) : NULL;
    /* a hang-up is told whether asked for or not: once is enough */
    struct epoll_event event = { .events = listen ? EPOLLIN : EPOLLONESHOT, .data.u64 = watch };

    if (found)
        epoll_ctl(poll->epoll, EPOLL_CTL_MOD, found->fd, &event);
}

void qemuMonitorPollRemove(GMainContext *context, guint64 watch)
{
    g_autoptr(QemuMonitor) mon = NULL;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    const Watch *found = watches ? g_hash_table_lookup(watches, &watch) : NULL;
    const Poll *poll = found ? g_hash_table_lookup(polls, context) : NULL;

    if (!found)
        return;
    epoll_ctl(poll->epoll, EPOLL_CTL_DEL, found->fd, NULL);
    mon = found->mon;
    g_hash_table_remove(watches, &watch);
    dropIfUnused();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_poll.c: many sockets in one GMainContext at the price of one */
#include "rpc/rpc_poll.h"

#include "util/mem_error.h"

#include <errno.h>
#include <unistd.h>

#define BATCH 64

struct RpcWatch {
    int fd;
    RpcWatchFunc func;          /* NULL: removed */
    gpointer opaque;
};

/* A watch removed while a batch of events is being handed out may still stand in that batch: it is freed afterwards. */
struct RpcPoll {
    GSource source;
    int epoll;
    gboolean dispatching;
    GPtrArray *removed;
};

static gboolean pollDispatch(GSource *source, GSourceFunc func, gpointer opaque)
{
    RpcPoll *poll = (RpcPoll *)source;
    struct epoll_event events[BATCH];
    int n = epoll_wait(poll->epoll, events, BATCH, 0);

    poll->dispatching = TRUE;
    for (int i = 0; i < n; i++) {
        RpcWatch *watch = events[i].data.ptr;
        if (watch->func)
            watch->func(events[i].events, watch->opaque);
    }
    poll->dispatching = FALSE;
    g_ptr_array_set_size(poll->removed, 0);
    return G_SOURCE_CONTINUE;
}

static void pollFinalize(GSource *source)
{
    RpcPoll *poll = (RpcPoll *)source;
    close(poll->epoll);
    g_ptr_array_unref(poll->removed);
}

static GSourceFuncs pollFuncs = {
    .dispatch = pollDispatch,
    .finalize = pollFinalize,
};

RpcPoll *rpcPollNew(GMainContext *context, GError **err)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        memErrorSetSystem(err, errno, "Unable to create an epoll descriptor");
        return NULL;
    }
    RpcPoll *poll = (RpcPoll *)g_source_new(&pollFuncs, sizeof(*poll));
    poll->epoll = epoll;
    poll->removed = g_ptr_array_new_with_free_func(g_free);
    g_source_set_static_name(&poll->source, "rpc sockets");
    /* It never runs a loop of its own; without this GLib takes the descriptor out of the poll and back at each turn. */
    g_source_set_can_recurse(&poll->source, TRUE);
    g_source_add_unix_fd(&poll->source, epoll, G_IO_IN);
    g_source_attach(&poll->source, context);
    return poll;
}

void rpcPollFree(RpcPoll *poll)
{
    g_source_destroy(&poll->source);
    g_source_unref(&poll->source);
}

RpcWatch *rpcPollAdd(RpcPoll *poll, int fd, unsigned events, RpcWatchFunc func, gpointer opaque)
{
    RpcWatch *watch = g_new0(RpcWatch, 1);
    watch->fd = fd;
    watch->func = func;
    watch->opaque = opaque;
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(poll->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        g_free(watch);
        return NULL;
    }
    return watch;
}

void rpcPollRemove(RpcPoll *poll, RpcWatch *watch)
{
    if (!watch)
        return;
    epoll_ctl(poll->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    if (poll->dispatching) {
        watch->func = NULL;
        g_ptr_array_add(poll->removed, watch);
    } else {
        g_free(watch);
    }
}

void rpcPollChange(RpcPoll *poll, RpcWatch *watch, unsigned events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };
    epoll_ctl(poll->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

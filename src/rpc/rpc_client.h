/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_client.h: one connection: what it sent, what it is owed, how long it may be silent */
#pragma once

#include "rpc/rpc_frame.h"
#include "rpc/rpc_poll.h"
#include "rpc/rpc_pool.h"
#include "rpc/rpc_server.h"

typedef struct RpcClient RpcClient;
typedef struct RpcRegistration RpcRegistration;     /* rpc_event.c */
typedef struct RpcStream RpcStream;                 /* rpc_stream.c */

struct RpcServer {
    /* immutable once clients exist */
    RpcServerOptions options;
    char *uri;
    GMainContext *context;
    RpcPoll *poll;
    RpcPool *pool;
    QemuDriver *driver;
    /* loop thread */
    GPtrArray *listeners;
    GSource *tick;
    guint8 *scratch;                /* what one recv takes */
    gboolean stopping;
    gint registrations;             /* atomic: how many event registrations there are in all */
    /* under lock */
    GMutex lock;
    GPtrArray *clients;
};

struct RpcClient {
    gint refs;                      /* atomic */
    /* immutable */
    RpcServer *server;
    /* loop thread */
    guint8 *in;                     /* bytes of messages that are not whole yet, or not wanted yet */
    gsize inBytes, inSize;
    gboolean authenticated;
    gboolean answersPings;
    gint64 lastSeenUs, lastPingUs;
    unsigned pings;
    GSList *streams;                /* RpcStream */
    /* under lock */
    GMutex lock;
    int fd;                         /* -1: gone; closed by the loop thread only */
    RpcWatch *watch;
    unsigned watched;               /* EPOLLIN, EPOLLOUT */
    gboolean opened, readonly;
    gboolean closing;               /* close when all is sent */
    gboolean held;                  /* the loop thread has left whole messages in @in */
    gboolean inFull;                /* enough is kept for a client whose calls must wait */
    gboolean streamFull;            /* a stream takes no more for now */
    unsigned inProgress;
    GQueue out;                     /* RpcMessage */
    gsize outBytes;                 /* of all in @out, sent or not */
    gsize outSent;                  /* of the first in @out */
    gint64 outProgressUs;           /* when the socket last took something */
    gboolean closeCallback;
    GSList *registrations;          /* RpcRegistration */
    int nextCallback;
};

/* Loop thread. @fd is taken over. The server's list has a reference. */
RpcClient *rpcClientNew(RpcServer *server, int fd, gboolean readonly);
RpcClient *rpcClientRef(RpcClient *client);
void rpcClientUnref(RpcClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RpcClient, rpcClientUnref)

/* Loop thread: close now, whatever is under way. @why is logged at debug level. */
void rpcClientDrop(RpcClient *client, const char *why);
/* Loop thread: look at the clocks. */
void rpcClientTick(RpcClient *client, gint64 nowUs);

/* Any thread; takes @message over. Written at once if nothing waits before it. */
void rpcClientSend(RpcClient *client, RpcMessage *message);
/* As above for a message that nobody waits for: too many unsent bytes end the connection. With client->lock held. */
void rpcClientSendEventLocked(RpcClient *client, RpcMessage *message);
/* Any thread: close once all has been sent. */
void rpcClientCloseWhenSent(RpcClient *client);

/* A call begins (loop thread) and ends (any thread). */
void rpcClientCallBegin(RpcClient *client);
void rpcClientCallEnd(RpcClient *client);
/* Loop thread: a stream asks that the client not be read for a while, or takes that back. */
void rpcClientSetStreamFull(RpcClient *client, gboolean full);
gsize rpcClientUnsentBytes(RpcClient *client);
gboolean rpcClientIsOpened(RpcClient *client);
gboolean rpcClientIsReadonly(RpcClient *client);

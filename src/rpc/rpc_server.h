/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_server.h: libvirt's remote protocol, server side */
#pragma once

#include "qemu/qemu_driver.h"

#include <glib.h>

/* How it works
 *
 * The loop thread (whoever runs the GMainContext) owns all sockets: it accepts, reads, cuts the bytes into messages,
 * decodes the arguments and either answers at once (what needs no driver) or gives the call to a pool of workers. A
 * worker calls the driver, encodes the reply and writes it straight to the socket; only what the socket does not take
 * is left for the loop thread to write later. Events are written the same way by whichever thread reports them.
 *
 * Bounds: calls in progress per client (then its socket is not read), unsent bytes per client (then not read either;
 * events on top of that end the connection), seconds without the client taking anything, seconds without signing in,
 * clients, worker threads. A worker lane is kept free for calls that never wait for a guest.
 *
 * Locks, outermost first: RpcServer.lock (list of clients), RpcClient.lock (what is shared between threads). No lock
 * is held while the driver is called. */
typedef struct RpcServer RpcServer;

typedef struct {
    const char *uri;                /* told to clients that gave none; copied */
    unsigned maxClients;
    unsigned maxInProgress;         /* calls per client */
    unsigned maxThreads;            /* workers */
    unsigned reservedThreads;       /* of these, for calls that never wait */
    gsize pauseBytes;               /* unsent: the client is not read */
    gsize dropBytes;                /* unsent when an event comes: the client is dropped */
    unsigned tickMs;                /* how often the times below are looked at */
    unsigned keepaliveMs;           /* silence before a PING, and between PINGs */
    unsigned keepaliveCount;        /* PINGs without an answer */
    unsigned signInMs;              /* silence before authentication */
    unsigned stallMs;               /* unsent bytes and none taken */
} RpcServerOptions;

void rpcServerOptionsInit(RpcServerOptions *options);

/* Loop thread, as are all below unless they say otherwise. */
RpcServer *rpcServerNew(GMainContext *context, const RpcServerOptions *options, GError **err);
/* Before the first client. Borrowed: lives until rpcServerFree has returned. */
void rpcServerSetDriver(RpcServer *server, QemuDriver *driver);
/* Serve the listening socket @fd, which is taken over. */
gboolean rpcServerListen(RpcServer *server, int fd, gboolean readonly, GError **err);
/* Serve one connected socket, which is taken over; as if it had been accepted. */
void rpcServerAddClient(RpcServer *server, int fd, gboolean readonly);
/* Any thread. */
unsigned rpcServerCountClients(RpcServer *server);
/* A QemuEventFunc: @opaque is the server. Any thread, never blocks. */
void rpcServerEvent(const QemuEvent *event, gpointer opaque);
/* Closes all sockets, waits for the calls in progress, frees. Does not free the driver. NULL is fine. */
void rpcServerFree(RpcServer *server);

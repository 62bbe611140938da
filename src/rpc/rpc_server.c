/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_server.c: sockets that listen, the list of clients, the clock */
#define G_LOG_DOMAIN "rpc.server"
#include "rpc/rpc_server.h"

#include "rpc/rpc_client.h"
#include "rpc/rpc_dispatch.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH 64
#define LAST_TURNS 1000

typedef struct {
    RpcServer *server;
    int fd;
    gboolean readonly;
    RpcWatch *watch;
    gboolean resting;               /* no descriptors left: until the next tick */
} Listener;

void rpcServerOptionsInit(RpcServerOptions *options)
{
    *options = (RpcServerOptions){
        .uri = "qemu:///session",
        .maxClients = 5000,
        .maxInProgress = 5,
        .maxThreads = 7,
        .reservedThreads = 2,
        .pauseBytes = 1024 * 1024,
        .dropBytes = 16 * 1024 * 1024,
        .tickMs = 1000,
        .keepaliveMs = 5000,
        .keepaliveCount = 5,
        .signInMs = 60 * 1000,
        .stallMs = 30 * 1000,
    };
}

static gboolean tick(gpointer opaque)
{
    RpcServer *server = opaque;
    gint64 nowUs = g_get_monotonic_time();

    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(server->listeners, i);
        if (listener->resting) {
            listener->resting = FALSE;
            rpcPollChange(server->poll, listener->watch, EPOLLIN);
        }
    }
    /* Backwards: a client that is dropped is replaced in the list by the last one, which has been seen. */
    for (guint i = server->clients->len; i > 0; i--)
        rpcClientTick(g_ptr_array_index(server->clients, i - 1), nowUs);
    if (server->clients->len == 0) {
        g_clear_pointer(&server->tick, g_source_unref);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* The clock runs only while there is someone to look at, so that an idle daemon does not wake up. */
static void startTick(RpcServer *server)
{
    if (server->tick)
        return;
    server->tick = g_timeout_source_new(server->options.tickMs);
    g_source_set_callback(server->tick, tick, server, NULL);
    g_source_attach(server->tick, server->context);
}

RpcServer *rpcServerNew(GMainContext *context, const RpcServerOptions *options, GError **err)
{
    RpcPoll *poll = rpcPollNew(context, err);
    if (!poll)
        return NULL;
    rpcDispatchInit();
    RpcServer *server = g_new0(RpcServer, 1);
    server->options = *options;
    server->uri = g_strdup(options->uri);
    server->context = g_main_context_ref(context);
    server->poll = poll;
    server->pool = rpcPoolNew(options->maxThreads, options->reservedThreads, rpcDispatchRun);
    server->listeners = g_ptr_array_new();
    server->clients = g_ptr_array_new();
    g_mutex_init(&server->lock);
    return server;
}

void rpcServerSetDriver(RpcServer *server, QemuDriver *driver)
{
    server->driver = driver;
}

unsigned rpcServerCountClients(RpcServer *server)
{
    g_mutex_lock(&server->lock);
    unsigned count = server->clients->len;
    g_mutex_unlock(&server->lock);
    return count;
}

void rpcServerAddClient(RpcServer *server, int fd, gboolean readonly)
{
    RpcClient *client = rpcClientNew(server, fd, readonly);
    g_mutex_lock(&server->lock);
    g_ptr_array_add(server->clients, client);
    g_mutex_unlock(&server->lock);
    if (!client->watch)
        rpcClientDrop(client, "cannot be polled");
    startTick(server);
}

/* Who may connect: the user the daemon runs as, and root. The sockets' modes say so too; this holds wherever they are. */
static gboolean isWelcome(RpcServer *server, int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0 || (peer.uid != 0 && peer.uid != geteuid())) {
        g_warning("a connection of user '%u' was refused", peer.uid);
        return FALSE;
    }
    if (server->clients->len >= server->options.maxClients) {
        g_warning("more than '%u' clients: a connection was refused", server->options.maxClients);
        return FALSE;
    }
    return TRUE;
}

static void acceptFunc(unsigned events, gpointer opaque)
{
    Listener *listener = opaque;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
                g_warning("cannot accept a client: %s", g_strerror(errno));
                listener->resting = TRUE;
                rpcPollChange(listener->server->poll, listener->watch, 0);
                startTick(listener->server);
            }
            return;
        }
        if (isWelcome(listener->server, fd))
            rpcServerAddClient(listener->server, fd, listener->readonly);
        else
            close(fd);
    }
}

gboolean rpcServerListen(RpcServer *server, int fd, gboolean readonly, GError **err)
{
    Listener *listener = g_new0(Listener, 1);
    listener->server = server;
    listener->fd = fd;
    listener->readonly = readonly;
    listener->watch = rpcPollAdd(server->poll, fd, EPOLLIN, acceptFunc, listener);
    if (!listener->watch) {
        memErrorSetSystem(err, errno, "Unable to serve socket '%d'", fd);
        close(fd);
        g_free(listener);
        return FALSE;
    }
    g_ptr_array_add(server->listeners, listener);
    return TRUE;
}

void rpcServerFree(RpcServer *server)
{
    if (!server)
        return;
    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(server->listeners, i);
        rpcPollRemove(server->poll, listener->watch);
        close(listener->fd);
        g_free(listener);
    }
    while (server->clients->len > 0)
        rpcClientDrop(g_ptr_array_index(server->clients, 0), "the daemon ends");
    /* Calls in progress may wait for monitors, which this thread serves. */
    rpcPoolStop(server->pool, server->context);
    while (rpcPoolThreads(server->pool) > 0)
        g_main_context_iteration(server->context, TRUE);
    rpcPoolFree(server->pool);
    /* What the workers left for the loop thread. */
    for (int i = 0; i < LAST_TURNS && g_main_context_iteration(server->context, FALSE); i++)
        continue;
    if (server->tick) {
        g_source_destroy(server->tick);
        g_source_unref(server->tick);
    }
    rpcPollFree(server->poll);
    g_ptr_array_unref(server->listeners);
    g_ptr_array_unref(server->clients);
    g_mutex_clear(&server->lock);
    g_main_context_unref(server->context);
    g_free(server->scratch);
    g_free(server->uri);
    g_free(server);
}

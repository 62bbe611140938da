/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_client.c: one connection: what it sent, what it is owed, how long it may be silent */
#define G_LOG_DOMAIN "rpc.client"
#include "rpc/rpc_client.h"

#include "rpc/rpc_dispatch.h"
#include "rpc/rpc_event.h"
#include "rpc/rpc_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRATCH_BYTES (64 * 1024)
#define BUSY_KEEP_BYTES (64 * 1024)     /* read ahead of a client with too many calls in progress */

/* Not read at all. */
static gboolean isBlockedLocked(const RpcClient *client)
{
    return client->closing || client->streamFull || client->outBytes > client->server->options.pauseBytes;
}

/* Read, a little, only to find keepalive messages: they must be answered whatever runs. */
static gboolean isBusyLocked(const RpcClient *client)
{
    return client->inProgress >= client->server->options.maxInProgress;
}

static gboolean resume(gpointer opaque);

/* Make the poll set say what the client's state is. */
static void updateLocked(RpcClient *client)
{
    if (client->fd < 0)
        return;
    gboolean blocked = isBlockedLocked(client);
    gboolean busy = isBusyLocked(client);
    unsigned wanted = (blocked || (busy && client->inFull) ? 0 : EPOLLIN) |
                      (g_queue_is_empty(&client->out) ? 0 : EPOLLOUT);
    if (wanted != client->watched) {
        client->watched = wanted;
        rpcPollChange(client->server->poll, client->watch, wanted);
    }
    if (!blocked && !busy && client->held) {
        client->held = FALSE;
        g_autoptr(GSource) source = g_idle_source_new();
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(source, resume, rpcClientRef(client), (GDestroyNotify)rpcClientUnref);
        g_source_attach(source, client->server->context);
    }
}

/* The loop thread will see the hang-up and drop the client. */
static void doomLocked(RpcClient *client)
{
    if (client->fd >= 0)
        shutdown(client->fd, SHUT_RDWR);
}

/* ---- sending ---- */

static gboolean flushLocked(RpcClient *client)
{
    while (!g_queue_is_empty(&client->out)) {
        RpcMessage *message = g_queue_peek_head(&client->out);
        ssize_t n = send(client->fd, message->data + client->outSent, message->bytes - client->outSent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return errno == EAGAIN;
        }
        client->outProgressUs = g_get_monotonic_time();
        client->outSent += (gsize)n;
        if (client->outSent < message->bytes)
            return TRUE;
        client->outBytes -= message->bytes;
        client->outSent = 0;
        g_free(g_queue_pop_head(&client->out));
    }
    return TRUE;
}

static void sendLocked(RpcClient *client, RpcMessage *message)
{
    if (client->fd < 0) {
        g_free(message);
        return;
    }
    gboolean first = g_queue_is_empty(&client->out);
    g_queue_push_tail(&client->out, message);
    client->outBytes += message->bytes;
    if (first) {
        client->outProgressUs = g_get_monotonic_time();
        if (!flushLocked(client))
            doomLocked(client);
    }
    updateLocked(client);
}

void rpcClientSend(RpcClient *client, RpcMessage *message)
{
    g_mutex_lock(&client->lock);
    sendLocked(client, message);
    g_mutex_unlock(&client->lock);
}

void rpcClientSendEventLocked(RpcClient *client, RpcMessage *message)
{
    sendLocked(client, message);
    if (client->outBytes > client->server->options.dropBytes) {
        g_debug("client %p does not read its events", (void *)client);
        doomLocked(client);
    }
}

void rpcClientCloseWhenSent(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    client->closing = TRUE;
    if (g_queue_is_empty(&client->out))
        doomLocked(client);
    updateLocked(client);
    g_mutex_unlock(&client->lock);
}

/* ---- receiving ---- */

static void answerPing(RpcClient *client)
{
    RpcHeader pong = {
        .program = RPC_PROGRAM_KEEPALIVE, .version = RPC_PROGRAM_VERSION,
        .procedure = RPC_KEEPALIVE_PONG, .type = RPC_TYPE_MESSAGE,
    };
    rpcClientSend(client, rpcMessageNewRaw(&pong, NULL, 0));
}

static void handleFrame(RpcClient *client, const RpcFrame *frame)
{
    const RpcHeader *header = &frame->header;

    if (header->program == RPC_PROGRAM_KEEPALIVE) {
        if (header->type == RPC_TYPE_MESSAGE && header->procedure == RPC_KEEPALIVE_PING)
            answerPing(client);
        return;
    }
    switch (header->type) {
    case RPC_TYPE_CALL:
    case RPC_TYPE_CALL_FDS:
        rpcDispatchCall(client, frame);
        break;
    case RPC_TYPE_STREAM:
    case RPC_TYPE_HOLE:
        rpcStreamPacket(client, frame);
        break;
    default:
        g_debug("client %p: message of type '%d' ignored", (void *)client, header->type);
    }
}

/* TRUE: go on with the next message, which is whole. */
static gboolean mayHandle(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean paused = isBlockedLocked(client) || isBusyLocked(client);
    client->held = paused;
    gboolean gone = client->fd < 0;
    g_mutex_unlock(&client->lock);
    return !paused && !gone;
}

/* Handle the whole messages at the start of @data; how many bytes they had, or -1: the framing is lost. */
static gssize consume(RpcClient *client, const guint8 *data, gsize bytes)
{
    gsize done = 0;
    for (;;) {
        RpcFrame frame;
        RpcScan scan = rpcFrameScan(data + done, bytes - done, &frame);
        if (scan == RPC_SCAN_BAD)
            return -1;
        if (scan == RPC_SCAN_PARTIAL || !mayHandle(client))
            return (gssize)done;
        handleFrame(client, &frame);
        done += frame.totalBytes;
    }
}

static void keep(RpcClient *client, const guint8 *data, gsize bytes)
{
    if (client->inBytes + bytes > client->inSize) {
        client->inSize = MAX(client->inSize * 2, client->inBytes + bytes);
        client->in = g_realloc(client->in, client->inSize);
    }
    memcpy(client->in + client->inBytes, data, bytes);
    client->inBytes += bytes;
}

/* Answer the PINGs among the messages that are left for later. Each is made a PONG, which means nothing when its turn
 * comes, so that it is answered once. */
static void answerKeptPings(RpcClient *client)
{
    RpcFrame frame;
    gsize at = 0;
    while (rpcFrameScan(client->in + at, client->inBytes - at, &frame) == RPC_SCAN_WHOLE) {
        if (frame.header.program == RPC_PROGRAM_KEEPALIVE && frame.header.procedure == RPC_KEEPALIVE_PING) {
            rpcFrameSetProcedure(client->in + at, RPC_KEEPALIVE_PONG);
            answerPing(client);
        }
        at += frame.totalBytes;
    }
}

/* After what is kept has changed. */
static void keptChanged(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean later = client->held;
    client->inFull = client->inBytes > BUSY_KEEP_BYTES;
    updateLocked(client);
    g_mutex_unlock(&client->lock);
    if (later)
        answerKeptPings(client);
}

static void consumeKept(RpcClient *client)
{
    gssize done = consume(client, client->in, client->inBytes);
    if (done < 0) {
        rpcClientDrop(client, "the length of a message is out of range");
        return;
    }
    client->inBytes -= (gsize)done;
    if (client->inBytes == 0) {
        g_clear_pointer(&client->in, g_free);
        client->inSize = 0;
    } else if (done > 0) {
        memmove(client->in, client->in + done, client->inBytes);
    }
    keptChanged(client);
}

static gboolean resume(gpointer opaque)
{
    RpcClient *client = opaque;
    if (client->inBytes > 0)
        consumeKept(client);
    return G_SOURCE_REMOVE;
}

static void readable(RpcClient *client)
{
    guint8 *scratch = client->server->scratch;
    /* Descriptors that ride along are not asked for, so the kernel closes them: no call here needs any. */
    ssize_t n = recv(client->fd, scratch, SCRATCH_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        rpcClientDrop(client, n == 0 ? "end of file" : g_strerror(errno));
        return;
    }
    client->lastSeenUs = g_get_monotonic_time();
    client->pings = 0;
    if (client->inBytes > 0) {
        keep(client, scratch, (gsize)n);
        consumeKept(client);
        return;
    }
    gssize done = consume(client, scratch, (gsize)n);
    if (done < 0) {
        rpcClientDrop(client, "the length of a message is out of range");
    } else if (done < n) {
        keep(client, scratch + done, (gsize)(n - done));
        keptChanged(client);
    }
}

static void writable(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean ok = flushLocked(client);
    gboolean empty = g_queue_is_empty(&client->out);
    gboolean close = !ok || (empty && client->closing);
    if (!close)
        updateLocked(client);
    g_mutex_unlock(&client->lock);

    if (close)
        rpcClientDrop(client, ok ? "closed" : "cannot write");
    else if (empty)
        rpcStreamClientDrained(client);
}

static void watchFunc(unsigned events, gpointer opaque)
{
    g_autoptr(RpcClient) client = rpcClientRef(opaque);

    if (events & EPOLLOUT)
        writable(client);
    if (client->fd >= 0 && (events & EPOLLIN))
        readable(client);
    else if (client->fd >= 0 && (events & (EPOLLHUP | EPOLLERR)))
        rpcClientDrop(client, "hang-up");
}

/* ---- lifetime ---- */

RpcClient *rpcClientNew(RpcServer *server, int fd, gboolean readonly)
{
    RpcClient *client = g_new0(RpcClient, 1);
    client->refs = 1;
    client->server = server;
    client->fd = fd;
    client->readonly = readonly;
    client->lastSeenUs = g_get_monotonic_time();
    g_mutex_init(&client->lock);
    g_queue_init(&client->out);
    if (!server->scratch)
        server->scratch = g_malloc(SCRATCH_BYTES);
    client->watched = EPOLLIN;
    client->watch = rpcPollAdd(server->poll, fd, EPOLLIN, watchFunc, client);
    return client;
}

RpcClient *rpcClientRef(RpcClient *client)
{
    g_atomic_int_inc(&client->refs);
    return client;
}

void rpcClientUnref(RpcClient *client)
{
    if (!g_atomic_int_dec_and_test(&client->refs))
        return;
    /* Only now, when no call of this client runs any more, is it known what it left behind. */
    if (client->opened && client->server->driver)
        qemuDriverClientGone(client->server->driver, client);
    g_free(client->in);
    g_queue_clear_full(&client->out, g_free);
    g_mutex_clear(&client->lock);
    g_free(client);
}

void rpcClientDrop(RpcClient *client, const char *why)
{
    RpcServer *server = client->server;

    if (client->fd < 0)
        return;
    g_debug("client %p: %s", (void *)client, why);
    rpcStreamCloseAll(client);

    g_mutex_lock(&server->lock);
    g_mutex_lock(&client->lock);
    rpcPollRemove(server->poll, client->watch);
    client->watch = NULL;
    close(client->fd);
    client->fd = -1;
    g_queue_clear_full(&client->out, g_free);
    client->outBytes = 0;
    rpcEventForgetLocked(client);
    g_mutex_unlock(&client->lock);
    gboolean listed = g_ptr_array_remove_fast(server->clients, client);
    g_mutex_unlock(&server->lock);
    if (listed)
        rpcClientUnref(client);
}

void rpcClientTick(RpcClient *client, gint64 nowUs)
{
    const RpcServerOptions *options = &client->server->options;
    gint64 silentUs = nowUs - client->lastSeenUs;

    g_mutex_lock(&client->lock);
    gboolean stalled = !g_queue_is_empty(&client->out) && nowUs - client->outProgressUs > options->stallMs * 1000LL;
    gboolean paused = isBlockedLocked(client);
    g_mutex_unlock(&client->lock);

    if (stalled) {
        rpcClientDrop(client, "does not read what it is sent");
    } else if (!client->authenticated && silentUs > options->signInMs * 1000LL) {
        rpcClientDrop(client, "does not sign in");
    } else if (client->answersPings && !paused && silentUs >= options->keepaliveMs * 1000LL &&
               nowUs - client->lastPingUs >= options->keepaliveMs * 1000LL) {
        if (client->pings >= options->keepaliveCount) {
            rpcClientDrop(client, "does not answer keepalive messages");
            return;
        }
        RpcHeader ping = {
            .program = RPC_PROGRAM_KEEPALIVE, .version = RPC_PROGRAM_VERSION,
            .procedure = RPC_KEEPALIVE_PING, .type = RPC_TYPE_MESSAGE,
        };
        client->pings++;
        client->lastPingUs = nowUs;
        rpcClientSend(client, rpcMessageNewRaw(&ping, NULL, 0));
    }
}

/* ---- small things ---- */

void rpcClientCallBegin(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    client->inProgress++;
    updateLocked(client);
    g_mutex_unlock(&client->lock);
}

void rpcClientCallEnd(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    client->inProgress--;
    updateLocked(client);
    g_mutex_unlock(&client->lock);
}

void rpcClientSetStreamFull(RpcClient *client, gboolean full)
{
    g_mutex_lock(&client->lock);
    client->streamFull = full;
    updateLocked(client);
    g_mutex_unlock(&client->lock);
}

gsize rpcClientUnsentBytes(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gsize bytes = client->outBytes;
    g_mutex_unlock(&client->lock);
    return bytes;
}

gboolean rpcClientIsOpened(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean opened = client->opened;
    g_mutex_unlock(&client->lock);
    return opened;
}

gboolean rpcClientIsReadonly(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean readonly = client->readonly;
    g_mutex_unlock(&client->lock);
    return readonly;
}

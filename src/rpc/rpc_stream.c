/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_stream.c: a descriptor of the host tunnelled to a client, both ways */
#define G_LOG_DOMAIN "rpc.stream"
#include "rpc/rpc_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (16 * 1024)
#define CLIENT_FULL_BYTES (128 * 1024)      /* unsent to the client: the descriptor is not read */
#define PENDING_FULL_BYTES (256 * 1024)     /* not taken by the descriptor: the client is not read */

struct RpcStream {
    RpcClient *client;          /* borrowed: the client closes its streams when it goes */
    RpcHeader header;           /* of the call */
    char *key;
    int fd;
    RpcWatch *watch;            /* NULL after end of file, when nothing is left to write */
    GByteArray *pending;        /* from the client, not yet taken by the descriptor */
    gboolean clientFull;
    gboolean eof;               /* told to the client */
    gboolean finishing;         /* answer when @pending is empty */
};

static void streamFree(RpcStream *stream)
{
    RpcClient *client = stream->client;
    client->streams = g_slist_remove(client->streams, stream);
    rpcPollRemove(client->server->poll, stream->watch);
    close(stream->fd);
    g_byte_array_unref(stream->pending);
    g_free(stream->key);
    g_free(stream);
}

static void sendPacket(RpcStream *stream, RpcStatus status, const void *data, gsize bytes)
{
    RpcHeader header = stream->header;
    header.type = RPC_TYPE_STREAM;
    header.status = (gint32)status;
    rpcClientSend(stream->client, rpcMessageNewRaw(&header, data, bytes));
}

static void end(RpcStream *stream, int code, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(MEM_ERROR, code, why);
    rpcDispatchSendError(stream->client, &stream->header, RPC_TYPE_STREAM, error, VIR_FROM_STREAMS);
    rpcClientSetStreamFull(stream->client, FALSE);
    streamFree(stream);
}

static void update(RpcStream *stream)
{
    if (!stream->watch)
        return;
    gboolean read = !stream->clientFull && !stream->eof;
    rpcPollChange(stream->client->server->poll, stream->watch,
                  (read ? EPOLLIN : 0) | (stream->pending->len > 0 ? EPOLLOUT : 0));
}

static void endOfFile(RpcStream *stream)
{
    stream->eof = TRUE;
    sendPacket(stream, RPC_STATUS_CONTINUE, NULL, 0);
    /* A descriptor that has hung up is always ready: it would keep the loop busy. */
    rpcPollRemove(stream->client->server->poll, stream->watch);
    stream->watch = NULL;
    g_byte_array_set_size(stream->pending, 0);
    rpcClientSetStreamFull(stream->client, FALSE);
}

static void readSome(RpcStream *stream)
{
    guint8 buffer[READ_BYTES];
    ssize_t n = read(stream->fd, buffer, sizeof(buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* EIO is how a pseudo terminal says that its other side has been closed. */
    if (n <= 0) {
        endOfFile(stream);
        return;
    }
    sendPacket(stream, RPC_STATUS_CONTINUE, buffer, (gsize)n);
    if (rpcClientUnsentBytes(stream->client) > CLIENT_FULL_BYTES) {
        stream->clientFull = TRUE;
        update(stream);
    }
}

/* FALSE: the stream is gone. */
static gboolean writeSome(RpcStream *stream)
{
    while (stream->pending->len > 0) {
        ssize_t n = write(stream->fd, stream->pending->data, stream->pending->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            end(stream, VIR_ERR_SYSTEM_ERROR, "Unable to write to the console");
            return FALSE;
        }
        g_byte_array_remove_range(stream->pending, 0, (guint)n);
    }
    if (stream->pending->len < PENDING_FULL_BYTES / 2)
        rpcClientSetStreamFull(stream->client, FALSE);
    if (stream->finishing && stream->pending->len == 0) {
        sendPacket(stream, RPC_STATUS_OK, NULL, 0);
        streamFree(stream);
        return FALSE;
    }
    update(stream);
    return TRUE;
}

static void watchFunc(unsigned events, gpointer opaque)
{
    RpcStream *stream = opaque;
    if ((events & EPOLLOUT) && !writeSome(stream))
        return;
    if (stream->eof)
        return;
    if (events & EPOLLIN)
        readSome(stream);
    else if (events & (EPOLLHUP | EPOLLERR))
        endOfFile(stream);
}

static RpcStream *findByKey(RpcServer *server, const char *key)
{
    for (guint i = 0; i < server->clients->len; i++) {
        RpcClient *client = g_ptr_array_index(server->clients, i);
        for (GSList *l = client->streams; l; l = l->next) {
            RpcStream *stream = l->data;
            if (strcmp(stream->key, key) == 0)
                return stream;
        }
    }
    return NULL;
}

gboolean rpcStreamStart(RpcCall *call, GError **err)
{
    RpcClient *client = call->client;
    RpcServer *server = client->server;

    g_mutex_lock(&server->lock);
    RpcStream *other = findByKey(server, call->streamKey);
    g_mutex_unlock(&server->lock);
    if (other && !call->streamForce) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "Active console session exists for this domain");
        return FALSE;
    }
    if (other)
        end(other, VIR_ERR_OPERATION_ABORTED, "the console was opened by another client");
    if (client->fd < 0)
        return TRUE;

    RpcStream *stream = g_new0(RpcStream, 1);
    stream->client = client;
    stream->header = call->header;
    stream->key = g_steal_pointer(&call->streamKey);
    stream->fd = call->streamFd;
    call->streamFd = -1;
    stream->pending = g_byte_array_new();
    stream->watch = rpcPollAdd(server->poll, stream->fd, EPOLLIN, watchFunc, stream);
    client->streams = g_slist_prepend(client->streams, stream);
    return TRUE;
}

static RpcStream *findByHeader(RpcClient *client, const RpcHeader *header)
{
    for (GSList *l = client->streams; l; l = l->next) {
        RpcStream *stream = l->data;
        if (stream->header.program == header->program && stream->header.procedure == header->procedure &&
            stream->header.serial == header->serial)
            return stream;
    }
    return NULL;
}

static void take(RpcStream *stream, const RpcFrame *frame)
{
    if (stream->finishing || !stream->watch)
        return;
    g_byte_array_append(stream->pending, frame->payload, (guint)frame->payloadBytes);
    if (stream->pending->len > PENDING_FULL_BYTES)
        rpcClientSetStreamFull(stream->client, TRUE);
    writeSome(stream);
}

static void finish(RpcStream *stream)
{
    stream->finishing = TRUE;
    if (stream->watch && stream->pending->len > 0)
        return;
    sendPacket(stream, RPC_STATUS_OK, NULL, 0);
    streamFree(stream);
}

/* Stock libvirtd answers with an error, which makes virStreamAbort() fail for having succeeded. */
static void abandon(RpcStream *stream)
{
    sendPacket(stream, RPC_STATUS_OK, NULL, 0);
    rpcClientSetStreamFull(stream->client, FALSE);
    streamFree(stream);
}

void rpcStreamPacket(RpcClient *client, const RpcFrame *frame)
{
    RpcStream *stream = findByHeader(client, &frame->header);
    if (!stream)
        return;
    if (frame->header.type == RPC_TYPE_HOLE)
        end(stream, VIR_ERR_OPERATION_UNSUPPORTED, "a console has no holes");
    else if (frame->header.status == RPC_STATUS_CONTINUE)
        take(stream, frame);
    else if (frame->header.status == RPC_STATUS_OK)
        finish(stream);
    else
        abandon(stream);
}

void rpcStreamClientDrained(RpcClient *client)
{
    for (GSList *l = client->streams; l; l = l->next) {
        RpcStream *stream = l->data;
        stream->clientFull = FALSE;
        update(stream);
    }
}

void rpcStreamCloseAll(RpcClient *client)
{
    while (client->streams)
        streamFree(client->streams->data);
}

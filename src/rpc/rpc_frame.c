/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_frame.c: messages on the wire: length word, header, payload */
#include "rpc/rpc_frame.h"

#include "util/mem_error.h"

#include <string.h>

static guint32 getWord(const guint8 *data)
{
    guint32 word;
    memcpy(&word, data, sizeof(word));
    return GUINT32_FROM_BE(word);
}

static void putWord(guint8 *data, guint32 value)
{
    guint32 word = GUINT32_TO_BE(value);
    memcpy(data, &word, sizeof(word));
}

static void getHeader(const guint8 *data, RpcHeader *header)
{
    header->program = getWord(data + 4);
    header->version = getWord(data + 8);
    header->procedure = (gint32)getWord(data + 12);
    header->type = (gint32)getWord(data + 16);
    header->serial = getWord(data + 20);
    header->status = (gint32)getWord(data + 24);
}

static void putHeader(guint8 *data, gsize bytes, const RpcHeader *header)
{
    putWord(data, (guint32)bytes);
    putWord(data + 4, header->program);
    putWord(data + 8, header->version);
    putWord(data + 12, (guint32)header->procedure);
    putWord(data + 16, (guint32)header->type);
    putWord(data + 20, header->serial);
    putWord(data + 24, (guint32)header->status);
}

RpcScan rpcFrameScan(const guint8 *data, gsize bytes, RpcFrame *frame)
{
    if (bytes < 4)
        return RPC_SCAN_PARTIAL;
    gsize length = getWord(data);
    if (length < RPC_HEADER_BYTES || length > RPC_FRAME_MAX)
        return RPC_SCAN_BAD;
    if (bytes < RPC_HEADER_BYTES)
        return RPC_SCAN_PARTIAL;

    getHeader(data, &frame->header);
    gsize start = RPC_HEADER_BYTES;
    gsize fds = 0;
    if (frame->header.type == RPC_TYPE_CALL_FDS || frame->header.type == RPC_TYPE_REPLY_FDS) {
        if (length < RPC_HEADER_BYTES + 4)
            return RPC_SCAN_BAD;
        if (bytes < RPC_HEADER_BYTES + 4)
            return RPC_SCAN_PARTIAL;
        fds = getWord(data + RPC_HEADER_BYTES);
        if (fds > RPC_FDS_MAX)
            return RPC_SCAN_BAD;
        start += 4;
    }
    if (bytes < length + fds)
        return RPC_SCAN_PARTIAL;
    frame->payload = data + start;
    frame->payloadBytes = length - start;
    frame->totalBytes = length + fds;
    return RPC_SCAN_WHOLE;
}

void rpcFrameSetProcedure(guint8 *data, gint32 procedure)
{
    putWord(data + 12, (guint32)procedure);
}

RpcMessage *rpcMessageNewRaw(const RpcHeader *header, const void *payload, gsize bytes)
{
    RpcMessage *message = g_malloc(sizeof(*message) + RPC_HEADER_BYTES + bytes);
    message->bytes = RPC_HEADER_BYTES + bytes;
    putHeader(message->data, message->bytes, header);
    if (bytes > 0)
        memcpy(message->data + RPC_HEADER_BYTES, payload, bytes);
    return message;
}

static RpcMessage *encode(const RpcHeader *header, const int *callback, xdrproc_t filter, void *value, GError **err)
{
    gsize payload = filter ? xdr_sizeof(filter, value) : 0;
    if (callback)
        payload += 4;
    gsize bytes = RPC_HEADER_BYTES + payload;
    if (bytes > RPC_FRAME_MAX) {
        memErrorSet(err, VIR_ERR_RPC, "Reply of '%zu' bytes is too large", bytes);
        return NULL;
    }
    RpcMessage *message = g_malloc(sizeof(*message) + bytes);
    message->bytes = bytes;
    putHeader(message->data, bytes, header);
    guint8 *at = message->data + RPC_HEADER_BYTES;
    if (callback) {
        putWord(at, (guint32)*callback);
        at += 4;
        payload -= 4;
    }
    XDR xdr;
    xdrmem_create(&xdr, (char *)at, (u_int)payload, XDR_ENCODE);
    if (filter && (!filter(&xdr, value) || xdr_getpos(&xdr) != payload)) {
        memErrorSet(err, VIR_ERR_RPC, "Unable to encode message payload of procedure '%d'", header->procedure);
        g_free(message);
        return NULL;
    }
    return message;
}

RpcMessage *rpcMessageNew(const RpcHeader *header, xdrproc_t filter, void *value, GError **err)
{
    return encode(header, NULL, filter, value, err);
}

RpcMessage *rpcMessageNewEvent(const RpcHeader *header, int callback, xdrproc_t filter, void *value, GError **err)
{
    return encode(header, &callback, filter, value, err);
}

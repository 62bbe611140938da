/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_frame.h: messages on the wire: length word, header, payload */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>

/* A message is: length (counts itself), header of six words, payload. Types RPC_CALL_FDS and RPC_REPLY_FDS have a word
 * with the number of descriptors between header and payload, and one carrier byte per descriptor after the message,
 * not counted in the length. */

#define RPC_PROGRAM_REMOTE 0x20008086u
#define RPC_PROGRAM_QEMU 0x20008087u
#define RPC_PROGRAM_KEEPALIVE 0x6b656570u
#define RPC_PROGRAM_VERSION 1

#define RPC_KEEPALIVE_PING 1
#define RPC_KEEPALIVE_PONG 2

#define RPC_HEADER_BYTES 28                     /* with the length word */
#define RPC_FRAME_MAX (32 * 1024 * 1024 + 4)    /* with the length word */
#define RPC_FDS_MAX 32

typedef enum {
    RPC_TYPE_CALL = 0,
    RPC_TYPE_REPLY = 1,
    RPC_TYPE_MESSAGE = 2,
    RPC_TYPE_STREAM = 3,
    RPC_TYPE_CALL_FDS = 4,
    RPC_TYPE_REPLY_FDS = 5,
    RPC_TYPE_HOLE = 6,
} RpcType;

typedef enum {
    RPC_STATUS_OK = 0,
    RPC_STATUS_ERROR = 1,
    RPC_STATUS_CONTINUE = 2,
} RpcStatus;

typedef struct {
    guint32 program, version;
    gint32 procedure;
    gint32 type;
    guint32 serial;
    gint32 status;
} RpcHeader;

typedef struct {
    RpcHeader header;
    const guint8 *payload;      /* into the data that was scanned */
    gsize payloadBytes;
    gsize totalBytes;           /* to the next message, carrier bytes included */
} RpcFrame;

typedef enum {
    RPC_SCAN_PARTIAL,           /* more bytes are needed */
    RPC_SCAN_WHOLE,
    RPC_SCAN_BAD,               /* the peer has lost the framing: close */
} RpcScan;

/* Look at the first message in @data. */
RpcScan rpcFrameScan(const guint8 *data, gsize bytes, RpcFrame *frame);

/* Change the procedure of the message at @data. */
void rpcFrameSetProcedure(guint8 *data, gint32 procedure);

/* A message ready to be sent. */
typedef struct {
    gsize bytes;
    guint8 data[];
} RpcMessage;

/* @filter may be NULL (no payload). VIR_ERR_RPC if @value does not fit the wire's limits. Free with g_free. */
RpcMessage *rpcMessageNew(const RpcHeader *header, xdrproc_t filter, void *value, GError **err);
RpcMessage *rpcMessageNewRaw(const RpcHeader *header, const void *payload, gsize bytes);
/* An event of the callback form: the callback id, then @value. */
RpcMessage *rpcMessageNewEvent(const RpcHeader *header, int callback, xdrproc_t filter, void *value, GError **err);

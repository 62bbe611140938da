/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_stream.h: a descriptor of the host tunnelled to a client, both ways */
#pragma once

#include "rpc/rpc_client.h"
#include "rpc/rpc_dispatch.h"

/* All on the loop thread. A stream is named by the program, procedure and serial of the call that began it.
 *
 *   client -> server   status 2: bytes; status 0: finish, answered with status 0; status 1: abort, answered with status 0
 *   server -> client   status 2: bytes, none of them: end of file; status 1: error, the stream is over
 *
 * Nothing is read from the descriptor while the client has much to take, and the client is not read while the
 * descriptor has much to take. */

/* Begin with call->streamFd, which is taken over. VIR_ERR_OPERATION_FAILED if another stream has call->streamKey and
 * !call->streamForce. */
gboolean rpcStreamStart(RpcCall *call, GError **err);
/* A packet of a client; those for no stream are ignored. */
void rpcStreamPacket(RpcClient *client, const RpcFrame *frame);
/* All that waited for the client has been sent. */
void rpcStreamClientDrained(RpcClient *client);
/* The client goes. */
void rpcStreamCloseAll(RpcClient *client);

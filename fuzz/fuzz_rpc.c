/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz_rpc.c: the decoder of the wire: frames are cut or refused, arguments decoded or refused, nothing else */
#include "fuzz.h"

#include "rpc/rpc_dispatch.h"

#include <stdlib.h>

/* As the dispatcher does it: zeroed arguments, decode, free what was decoded of them. */
static void decode(const RpcProcedure *procedure, const RpcFrame *frame)
{
    void *args = g_malloc0(procedure->argsBytes);
    XDR xdr;

    if (procedure->argsFilter) {
        xdrmem_create(&xdr, (char *)frame->payload, (u_int)frame->payloadBytes, XDR_DECODE);
        procedure->argsFilter(&xdr, args);
        xdr_destroy(&xdr);
        xdr_free(procedure->argsFilter, args);
    }
    g_free(args);
}

static void decodeFrame(const RpcFrame *frame)
{
    const RpcProcedure *procedure = rpcDispatchFind(frame->header.program, frame->header.procedure);

    if (procedure)
        decode(procedure, frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gboolean ready;
    RpcFrame frame;

    if (!ready)
        rpcDispatchInit();
    ready = TRUE;
    while (rpcFrameScan(data, size, &frame) == RPC_SCAN_WHOLE) {
        g_assert_cmpuint(frame.totalBytes, >=, RPC_HEADER_BYTES);
        if (frame.totalBytes > size)
            break;
        decodeFrame(&frame);
        data += frame.totalBytes;
        size -= frame.totalBytes;
    }
    return 0;
}

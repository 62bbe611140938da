/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch.c: from a call message to the function that answers it */
#define G_LOG_DOMAIN "rpc.dispatch"
#include "rpc/rpc_dispatch.h"

#include "rpc/rpc_error.h"
#include "rpc/rpc_stream.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define REMOTE_MAX 512          /* above every number of the remote program */
#define QEMU_MAX 16

static const RpcProcedure *remoteTable[REMOTE_MAX];
static const RpcProcedure *qemuTable[QEMU_MAX];

static void enter(const RpcProcedure **table, int max, const RpcProcedure *rows)
{
    for (; rows->name; rows++) {
        g_assert(rows->number > 0 && rows->number < max && !table[rows->number]);
        table[rows->number] = rows;
    }
}

void rpcDispatchInit(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    enter(remoteTable, REMOTE_MAX, rpcProceduresConnect);
    enter(remoteTable, REMOTE_MAX, rpcProceduresHost);
    enter(remoteTable, REMOTE_MAX, rpcProceduresDomain);
    enter(remoteTable, REMOTE_MAX, rpcProceduresInspect);
    enter(remoteTable, REMOTE_MAX, rpcProceduresMemory);
    enter(remoteTable, REMOTE_MAX, rpcProceduresEvent);
    enter(remoteTable, REMOTE_MAX, rpcProceduresForeign);
    enter(qemuTable, QEMU_MAX, rpcProceduresQemu);
    g_once_init_leave(&once, 1);
}

const RpcProcedure *rpcDispatchFind(guint32 program, gint32 number)
{
    if (program == RPC_PROGRAM_REMOTE)
        return number > 0 && number < REMOTE_MAX ? remoteTable[number] : NULL;
    if (program != RPC_PROGRAM_QEMU)
        return NULL;
    return number > 0 && number < QEMU_MAX ? qemuTable[number] : NULL;
}

/* ---- helpers of the functions ---- */

gboolean rpcCallFail(RpcCall *call, int domain, GError **err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    call->errorDomain = domain;
    memErrorSet(err, code, "%s", text);
    return FALSE;
}

gboolean rpcTakeText(WireText *to, char *text)
{
    *to = text;
    return text != NULL;
}

void rpcTakeDomain(WireDomain *to, QemuDomainRef *ref)
{
    to->name = g_steal_pointer(&ref->name);
    memcpy(to->uuid, ref->uuid, sizeof(to->uuid));
    to->id = ref->id;
}

/* ---- replies ---- */

void rpcDispatchSendError(RpcClient *client, const RpcHeader *header, RpcType type, const GError *error, int domain)
{
    RpcHeader reply = *header;
    reply.type = type;
    reply.status = RPC_STATUS_ERROR;
    WireError wire;
    rpcErrorFill(&wire, error, domain);
    RpcMessage *message = rpcMessageNew(&reply, (xdrproc_t)xdr_WireError, &wire, NULL);
    xdr_free((xdrproc_t)xdr_WireError, (char *)&wire);
    g_debug("client %p: procedure %d: %s", (void *)client, header->procedure, error->message);
    if (message)
        rpcClientSend(client, message);
}

static void refuse(RpcClient *client, const RpcHeader *header, int code, int domain, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

static void refuse(RpcClient *client, const RpcHeader *header, int code, int domain, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autoptr(GError) error = g_error_new_literal(MEM_ERROR, code, text);
    rpcDispatchSendError(client, header, RPC_TYPE_REPLY, error, domain);
}

/* ---- one call ---- */

static RpcCall *callNew(RpcClient *client, const RpcProcedure *procedure, const RpcHeader *header)
{
    gsize head = (sizeof(RpcCall) + 15) & ~(gsize)15;
    gsize args = (procedure->argsBytes + 15) & ~(gsize)15;
    RpcCall *call = g_malloc0(head + args + procedure->retBytes);
    call->client = rpcClientRef(client);
    call->procedure = procedure;
    call->header = *header;
    call->errorDomain = -1;
    call->streamFd = -1;
    call->args = (char *)call + head;
    call->ret = (char *)call + head + args;
    return call;
}

static void callFree(RpcCall *call)
{
    if (call->procedure->argsFilter)
        xdr_free(call->procedure->argsFilter, call->args);
    if (call->procedure->retFilter)
        xdr_free(call->procedure->retFilter, call->ret);
    if (call->streamFd >= 0)
        close(call->streamFd);
    g_free(call->streamKey);
    rpcClientUnref(call->client);
    g_free(call);
}

static gboolean decode(RpcCall *call, const RpcFrame *frame)
{
    if (!call->procedure->argsFilter)
        return TRUE;
    XDR xdr;
    xdrmem_create(&xdr, (char *)frame->payload, (u_int)frame->payloadBytes, XDR_DECODE);
    return call->procedure->argsFilter(&xdr, call->args);
}

static void sendReply(RpcCall *call)
{
    RpcHeader reply = call->header;
    reply.type = RPC_TYPE_REPLY;
    reply.status = RPC_STATUS_OK;
    g_autoptr(GError) error = NULL;
    RpcMessage *message = rpcMessageNew(&reply, call->procedure->retFilter, call->ret, &error);
    if (message)
        rpcClientSend(call->client, message);
    else
        rpcDispatchSendError(call->client, &call->header, RPC_TYPE_REPLY, error, VIR_FROM_RPC);
}

/* Loop thread: the reply and the stream in one go, so that no packet of the client can come between. */
static gboolean startStream(gpointer opaque)
{
    RpcCall *call = opaque;
    g_autoptr(GError) error = NULL;
    if (rpcStreamStart(call, &error))
        sendReply(call);
    else
        rpcDispatchSendError(call->client, &call->header, RPC_TYPE_REPLY, error, VIR_FROM_DOMAIN);
    rpcClientCallEnd(call->client);
    callFree(call);
    return G_SOURCE_REMOVE;
}

/* TRUE: the call is over. */
static gboolean run(RpcCall *call)
{
    g_autoptr(GError) error = NULL;
    if (!call->procedure->func(call, call->args, call->ret, &error)) {
        if (!error)
            memErrorSet(&error, VIR_ERR_INTERNAL_ERROR, "'%s' failed without a reason", call->procedure->name);
        /* A result that was begun must not be encoded, only freed: that needs no whole one. */
        rpcDispatchSendError(call->client, &call->header, RPC_TYPE_REPLY, error, call->errorDomain);
        return TRUE;
    }
    if (call->procedure->flags & RPC_STREAM) {
        g_autoptr(GSource) source = g_idle_source_new();
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(source, startStream, call, NULL);
        g_source_attach(source, call->client->server->context);
        return FALSE;
    }
    sendReply(call);
    if (call->closeAfter)
        rpcClientCloseWhenSent(call->client);
    return TRUE;
}

void rpcDispatchRun(gpointer opaque)
{
    RpcCall *call = opaque;
    if (!run(call))
        return;
    rpcClientCallEnd(call->client);
    callFree(call);
}

/* ---- checks ---- */

static const RpcProcedure *findOrRefuse(RpcClient *client, const RpcHeader *header)
{
    if ((header->program != RPC_PROGRAM_REMOTE && header->program != RPC_PROGRAM_QEMU) ||
        header->version != RPC_PROGRAM_VERSION) {
        refuse(client, header, VIR_ERR_RPC, VIR_FROM_RPC, "Cannot find program '%u' version '%u'",
               header->program, header->version);
        return NULL;
    }
    if (header->status != RPC_STATUS_OK) {
        refuse(client, header, VIR_ERR_RPC, VIR_FROM_RPC, "Unexpected message status '%d'", header->status);
        return NULL;
    }
    const RpcProcedure *procedure = rpcDispatchFind(header->program, header->procedure);
    const char *unserved = procedure ? NULL : rpcUnservedName(header->program, header->procedure);
    if (!procedure && !unserved) {
        refuse(client, header, VIR_ERR_RPC, VIR_FROM_RPC, "unknown procedure: %d", header->procedure);
        return NULL;
    }
    if (!client->authenticated && !(procedure && procedure->flags & RPC_SIGNIN)) {
        refuse(client, header, VIR_ERR_RPC, VIR_FROM_RPC, "authentication required");
        return NULL;
    }
    if (unserved) {
        refuse(client, header, VIR_ERR_NO_SUPPORT, VIR_FROM_DOMAIN, "%s", unserved);
        return NULL;
    }
    return procedure;
}

static gboolean isAllowed(RpcClient *client, const RpcHeader *header, const RpcProcedure *procedure)
{
    if (!(procedure->flags & RPC_EARLY) && !rpcClientIsOpened(client)) {
        refuse(client, header, VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "connection not open");
        return FALSE;
    }
    if (!(procedure->flags & RPC_READONLY) && rpcClientIsReadonly(client)) {
        refuse(client, header, VIR_ERR_OPERATION_DENIED, VIR_FROM_DOMAIN,
               "read only access prevents '%s'", procedure->name);
        return FALSE;
    }
    return TRUE;
}

/* The guest that the call may wait for, as a number; 0: none. */
static guint64 guestOf(const RpcCall *call)
{
    guint64 halves[2];
    if (!(call->procedure->flags & RPC_DOMAIN))
        return 0;
    memcpy(halves, ((const WireDomain *)call->args)->uuid, sizeof(halves));
    return halves[0] ^ halves[1];
}

static RpcPoolLane laneOf(const RpcProcedure *procedure)
{
    if (procedure->flags & RPC_QUICK)
        return RPC_POOL_QUICK;
    return procedure->flags & RPC_URGENT ? RPC_POOL_URGENT : RPC_POOL_SLOW;
}

static gboolean isShort(const RpcCall *call)
{
    const WireDomain *domain = call->args;

    return (call->procedure->flags & RPC_SHORT) &&
           qemuDriverIsFree(rpcCallDriver(call), (const unsigned char *)domain->uuid);
}

void rpcDispatchCall(RpcClient *client, const RpcFrame *frame)
{
    const RpcHeader *header = &frame->header;
    const RpcProcedure *procedure = findOrRefuse(client, header);
    if (!procedure)
        return;
    RpcCall *call = callNew(client, procedure, header);
    if (!decode(call, frame)) {
        refuse(client, header, VIR_ERR_RPC, VIR_FROM_RPC, "cannot decode the arguments of '%s'", procedure->name);
        callFree(call);
        return;
    }
    if (!isAllowed(client, header, procedure)) {
        callFree(call);
        return;
    }
    if (procedure->flags & RPC_LOOP || isShort(call)) {
        run(call);
        callFree(call);
        return;
    }
    rpcClientCallBegin(client);
    if (procedure->begin && rpcPoolIsFree(client->server->pool, guestOf(call)))
        call->begun = procedure->begin(call, call->args);
    rpcPoolPush(client->server->pool, call, laneOf(procedure), guestOf(call));
}

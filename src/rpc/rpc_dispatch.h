/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch.h: from a call message to the function that answers it */
#pragma once

#include "rpc/rpc_client.h"
#include "rpc/virtmem_protocol.h"

#include <string.h>

typedef struct RpcProcedure RpcProcedure;

typedef struct {
    RpcClient *client;
    const RpcProcedure *procedure;
    RpcHeader header;
    int errorDomain;            /* VIR_FROM_* for the error reply; -1: follows from the code */
    int streamFd;               /* >= 0: this descriptor becomes a stream after the reply; owned */
    char *streamKey;            /* what the stream is, for exclusive use; owned */
    gboolean streamForce;       /* end the one that has it */
    gboolean closeAfter;        /* the connection ends with the reply */
    gpointer begun;             /* by the procedure's begin, to be ended by its func; NULL: nothing */
    void *args, *ret;           /* behind this struct */
} RpcCall;

/* @args is decoded; @ret is zeroed, what is put there is freed with free() after encoding. Returns FALSE with @err set
 * for an error reply. */
typedef gboolean (*RpcFunc)(RpcCall *call, const void *args, void *ret, GError **err);

/* The first half of a call that waits for a guest, on the loop thread; never waits. NULL: func is to do all of it. */
typedef gpointer (*RpcBeginFunc)(RpcCall *call, const void *args);

typedef enum {
    RPC_READONLY = 1 << 0,      /* changes nothing: allowed on read-only connections */
    RPC_EARLY = 1 << 1,         /* allowed before CONNECT_OPEN */
    RPC_SIGNIN = 1 << 2,        /* allowed before authentication */
    RPC_LOOP = 1 << 3,          /* cheap and without the driver: answered on the loop thread */
    RPC_QUICK = 1 << 4,         /* never waits for a guest or a job */
    RPC_SHORT = 1 << 7,         /* a short read of one domain, which the arguments begin with: done on the loop thread if the
                                   domain is free, since waking a worker costs more than the read */
    RPC_URGENT = 1 << 8,        /* may wait, and ends what others wait for */
    RPC_DOMAIN = 1 << 6,        /* may wait for one guest; its arguments begin with the domain */
    RPC_STREAM = 1 << 5,        /* the reply is sent by the loop thread, together with the start of the stream */
} RpcProcedureFlags;

struct RpcProcedure {
    gint32 number;
    const char *name;
    xdrproc_t argsFilter;
    gsize argsBytes;
    xdrproc_t retFilter;
    gsize retBytes;
    unsigned flags;
    RpcFunc func;
    RpcBeginFunc begin;         /* may be NULL */
};

/* For calls without arguments or without a result. */
typedef struct {
    char unused;
} WireNone;
#define xdr_WireNone NULL

#define RPC_ROW(number, name, args, ret, flags, func) RPC_ROW_BEGUN(number, name, args, ret, flags, func, NULL)
#define RPC_ROW_BEGUN(number, name, args, ret, flags, func, begin) \
    { number, name, (xdrproc_t)xdr_##args, sizeof(args), (xdrproc_t)xdr_##ret, sizeof(ret), flags, func, begin }

/* The tables, each in the file that has the functions; they end in a row without a name. */
extern const RpcProcedure rpcProceduresConnect[];
extern const RpcProcedure rpcProceduresHost[];
extern const RpcProcedure rpcProceduresDomain[];
extern const RpcProcedure rpcProceduresInspect[];
extern const RpcProcedure rpcProceduresMemory[];
extern const RpcProcedure rpcProceduresEvent[];
extern const RpcProcedure rpcProceduresForeign[];
extern const RpcProcedure rpcProceduresQemu[];

/* The name of a procedure that libvirt has and this daemon does not serve, or NULL (rpc_unserved.c). */
const char *rpcUnservedName(guint32 program, gint32 number);

/* Once, before the first call. */
void rpcDispatchInit(void);
const RpcProcedure *rpcDispatchFind(guint32 program, gint32 number);
/* Loop thread. */
void rpcDispatchCall(RpcClient *client, const RpcFrame *frame);
/* The pool's function: an RpcCall. */
void rpcDispatchRun(gpointer call);
/* Send an error for @header's call, or (type RPC_TYPE_STREAM) for its stream. */
void rpcDispatchSendError(RpcClient *client, const RpcHeader *header, RpcType type, const GError *error, int domain);

/* ---- for the functions ---- */

/* Set @err and the reply's VIR_FROM_*; returns FALSE. */
gboolean rpcCallFail(RpcCall *call, int domain, GError **err, int code, const char *format, ...) G_GNUC_PRINTF(5, 6);
static inline QemuDriver *rpcCallDriver(const RpcCall *call)
{
    return call->client->server->driver;
}

/* Move @text into the reply. FALSE for NULL, so that a driver's function can be wrapped. */
gboolean rpcTakeText(WireText *to, char *text);
/* Move @ref into the reply. */
void rpcTakeDomain(WireDomain *to, QemuDomainRef *ref);
/* Borrowed: NULL stands for absent. */
static inline const char *rpcOptText(WireOptText text)
{
    return text ? *text : NULL;
}

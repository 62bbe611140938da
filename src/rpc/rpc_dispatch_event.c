/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_event.c: calls that ask for events, and the calls of the qemu program */
#include "rpc/rpc_dispatch.h"

#include "rpc/rpc_event.h"

static gboolean eventRegister(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireEventArgs *args = argsp;
    WireInt *ret = retp;
    call->errorDomain = VIR_FROM_RPC;
    ret->value = rpcEventAdd(call->client, args->event, args->dom ? (QemuUuid)args->dom->uuid : NULL, FALSE, err);
    return ret->value >= 0;
}

static gboolean eventDeregister(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireInt *args = argsp;
    call->errorDomain = VIR_FROM_RPC;
    return rpcEventRemove(call->client, args->value, FALSE, err);
}

static gboolean eventRegisterLegacy(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireInt *args = argsp;
    call->errorDomain = VIR_FROM_RPC;
    return rpcEventAdd(call->client, args->value, NULL, TRUE, err) >= 0;
}

static gboolean eventDeregisterLegacy(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireInt *args = argsp;
    call->errorDomain = VIR_FROM_RPC;
    return rpcEventRemoveLegacy(call->client, args->value, err);
}

static gboolean monitorEventRegister(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireMonitorEventArgs *args = argsp;
    WireInt *ret = retp;
    unsigned known = VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX |
                     VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE;
    if (args->flags & ~known) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", args->flags & ~known,
                    call->procedure->name);
        return FALSE;
    }
    ret->value = rpcEventAddMonitor(call->client, args->dom ? (QemuUuid)args->dom->uuid : NULL,
                                    rpcOptText(args->event), args->flags, err);
    return ret->value >= 0;
}

static gboolean monitorEventDeregister(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireInt *args = argsp;
    call->errorDomain = VIR_FROM_RPC;
    return rpcEventRemove(call->client, args->value, TRUE, err);
}

static gboolean monitorCommand(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainTextFlags *args = argsp;
    WireString *ret = retp;
    return rpcTakeText(&ret->text, qemuDriverMonitorCommand(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->text,
                                                            args->flags, err));
}

#define EVENT (RPC_READONLY | RPC_LOOP)

const RpcProcedure rpcProceduresEvent[] = {
    RPC_ROW(167, "CONNECT_DOMAIN_EVENT_REGISTER_ANY", WireInt, WireNone, EVENT, eventRegisterLegacy),
    RPC_ROW(168, "CONNECT_DOMAIN_EVENT_DEREGISTER_ANY", WireInt, WireNone, EVENT, eventDeregisterLegacy),
    RPC_ROW(316, "CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", WireEventArgs, WireInt, EVENT, eventRegister),
    RPC_ROW(317, "CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY", WireInt, WireNone, EVENT, eventDeregister),
    { 0 },
};

const RpcProcedure rpcProceduresQemu[] = {
    RPC_ROW(1, "QEMU_DOMAIN_MONITOR_COMMAND", WireDomainTextFlags, WireString, RPC_DOMAIN, monitorCommand),
    RPC_ROW(4, "QEMU_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER", WireMonitorEventArgs, WireInt, RPC_LOOP,
            monitorEventRegister),
    RPC_ROW(5, "QEMU_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER", WireInt, WireNone, RPC_LOOP, monitorEventDeregister),
    { 0 },
};

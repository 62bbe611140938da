/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_foreign.c: calls about storage, networks, secrets and the like, of which this daemon has none */
#include "rpc/rpc_dispatch.h"

/* An empty list, or the number 0. */
static gboolean none(RpcCall *call, const void *args, void *ret, GError **err)
{
    return TRUE;
}

static gboolean storageVolLookupByPath(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireString *args = argsp;
    return rpcCallFail(call, VIR_FROM_STORAGE, err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'",
                       args->text);
}

static gboolean secretLookupByUsage(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireUsageArgs *args = argsp;
    return rpcCallFail(call, VIR_FROM_SECRET, err, VIR_ERR_NO_SECRET, "no secret with matching usage '%s'", args->id);
}

#define NONE (RPC_READONLY | RPC_LOOP)

const RpcProcedure rpcProceduresForeign[] = {
    RPC_ROW(52, "CONNECT_NUM_OF_NETWORKS", WireNone, WireInt, NONE, none),
    RPC_ROW(97, "STORAGE_VOL_LOOKUP_BY_PATH", WireString, WireNone, NONE, storageVolLookupByPath),
    RPC_ROW(111, "NODE_NUM_OF_DEVICES", WireOptStringFlags, WireInt, NONE, none),
    RPC_ROW(112, "NODE_LIST_DEVICES", WireDeviceListArgs, WireNames, NONE, none),
    RPC_ROW(147, "SECRET_LOOKUP_BY_USAGE", WireUsageArgs, WireNone, NONE, secretLookupByUsage),
    RPC_ROW(281, "CONNECT_LIST_ALL_STORAGE_POOLS", WireListArgs, WireEmptyList, NONE, none),
    RPC_ROW(283, "CONNECT_LIST_ALL_NETWORKS", WireListArgs, WireEmptyList, NONE, none),
    RPC_ROW(284, "CONNECT_LIST_ALL_INTERFACES", WireListArgs, WireEmptyList, NONE, none),
    RPC_ROW(285, "CONNECT_LIST_ALL_NODE_DEVICES", WireListArgs, WireEmptyList, NONE, none),
    RPC_ROW(286, "CONNECT_LIST_ALL_NWFILTERS", WireListArgs, WireEmptyList, NONE, none),
    RPC_ROW(287, "CONNECT_LIST_ALL_SECRETS", WireListArgs, WireEmptyList, NONE, none),
    { 0 },
};

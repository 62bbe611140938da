/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_host.c: calls about the host: memory, pages, CPUs, KSM */
#include "rpc/rpc_dispatch.h"

#include "qemu/qemu_host.h"
#include "rpc/rpc_typed.h"

#define KSM_PARAMS_MAX 16
#define PARAM_STRING_OKAY 4u    /* VIR_TYPED_PARAM_STRING_OKAY: the client can read text values */

static gboolean checkFlags(const RpcCall *call, unsigned flags, unsigned known, GError **err)
{
    if ((flags & ~known) == 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", flags & ~known, call->procedure->name);
    return FALSE;
}

static gboolean checkCount(RpcCall *call, int count, int limit, GError **err)
{
    if (count >= 0 && count <= limit)
        return TRUE;
    return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR, "'%s' takes at most '%d' parameters, not '%d'",
                       call->procedure->name, limit, count);
}

static gboolean nodeGetInfo(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireNodeInfo *ret = retp;
    QemuHostInfo info = { 0 };
    if (!qemuHostGetInfo(&info, err))
        return FALSE;
    g_strlcpy(ret->model, info.model, sizeof(ret->model));
    ret->memoryKib = info.memoryKib;
    ret->cpus = info.cpus;
    ret->mhz = info.mhz;
    ret->nodes = info.nodes;
    ret->sockets = info.sockets;
    ret->cores = info.cores;
    ret->threads = info.threads;
    return TRUE;
}

static void fillNodeStats(WireNodeStats *ret, const QemuHostStat *stats, int count, int wanted)
{
    if (wanted == 0) {
        ret->nparams = count;
        return;
    }
    count = MIN(count, wanted);
    ret->params.params_val = calloc((size_t)count, sizeof(WireNodeStat));
    ret->params.params_len = (u_int)count;
    for (int i = 0; i < count; i++) {
        ret->params.params_val[i].field = strdup(stats[i].field);
        ret->params.params_val[i].value = stats[i].value;
    }
}

static gboolean nodeGetMemoryStats(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireNodeMemoryStatsArgs *args = argsp;
    QemuHostStat stats[WIRE_NODE_STATS_MAX];
    if (!checkFlags(call, args->flags, 0, err) || !checkCount(call, args->nparams, WIRE_NODE_STATS_MAX, err))
        return FALSE;
    call->errorDomain = VIR_FROM_NONE;
    int count = qemuHostMemoryStats(args->cell, stats, err);
    if (count < 0)
        return FALSE;
    fillNodeStats(ret, stats, count, args->nparams);
    return TRUE;
}

static gboolean nodeGetCpuStats(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireNodeCpuStatsArgs *args = argsp;
    QemuHostStat stats[WIRE_NODE_STATS_MAX];
    if (!checkFlags(call, args->flags, 0, err) || !checkCount(call, args->nparams, WIRE_NODE_STATS_MAX, err))
        return FALSE;
    call->errorDomain = VIR_FROM_NONE;
    int count = qemuHostCpuStats(args->cpu, stats, err);
    if (count < 0)
        return FALSE;
    fillNodeStats(ret, stats, count, args->nparams);
    return TRUE;
}

static gboolean nodeGetFreeMemory(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireHyper *ret = retp;
    g_autoptr(GError) error = NULL;
    ret->value = qemuHostFreeMemoryBytes(&error);
    if (error) {
        g_propagate_error(err, g_steal_pointer(&error));
        return FALSE;
    }
    return TRUE;
}

static gboolean nodeGetCellsFreeMemory(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireCellsArgs *args = argsp;
    WireHypers *ret = retp;
    if (!checkCount(call, args->max, WIRE_CELLS_MAX, err))
        return FALSE;
    ret->values.values_val = calloc((size_t)args->max + 1, sizeof(u_quad_t));
    call->errorDomain = VIR_FROM_NONE;
    int count = qemuHostFreeMemoryOfNodes(args->start, args->max, (guint64 *)ret->values.values_val, err);
    if (count < 0)
        return FALSE;
    ret->values.values_len = (u_int)count;
    return TRUE;
}

static gboolean nodeGetFreePages(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireFreePagesArgs *args = argsp;
    WireHypers *ret = retp;
    guint64 total = (guint64)args->pagesKib.pagesKib_len * args->count;
    if (!checkFlags(call, args->flags, 0, err))
        return FALSE;
    if (total > WIRE_CELLS_MAX)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR,
                           "'%s' answers at most '%d' numbers, not '%" G_GUINT64_FORMAT "'",
                           call->procedure->name, WIRE_CELLS_MAX, total);
    ret->values.values_val = calloc((size_t)total + 1, sizeof(u_quad_t));
    call->errorDomain = VIR_FROM_NONE;
    int count = qemuHostFreePages(args->pagesKib.pagesKib_val, args->pagesKib.pagesKib_len, args->start, args->count,
                                  (guint64 *)ret->values.values_val, err);
    if (count < 0)
        return FALSE;
    ret->values.values_len = MIN((u_int)count, (u_int)total);
    return TRUE;
}

static gboolean nodeAllocPages(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireAllocPagesArgs *args = argsp;
    WireInt *ret = retp;
    if (args->pagesKib.pagesKib_len != args->counts.counts_len)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INVALID_ARG, "'%u' page sizes but '%u' page counts",
                           args->pagesKib.pagesKib_len, args->counts.counts_len);
    ret->value = qemuHostAllocPages(args->pagesKib.pagesKib_val, (const guint64 *)args->counts.counts_val,
                                    args->counts.counts_len, args->start, args->count, args->flags, err);
    return ret->value >= 0;
}

static gboolean nodeGetMemoryParams(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireCountFlags *args = argsp;
    WireParamsCount *ret = retp;
    QemuHostKsmParam ksm[KSM_PARAMS_MAX];
    if (!checkFlags(call, args->flags, PARAM_STRING_OKAY, err) || !checkCount(call, args->nparams, WIRE_PARAMS_MAX, err))
        return FALSE;
    int count = qemuHostKsmGet(ksm, KSM_PARAMS_MAX, err);
    if (count < 0)
        return FALSE;
    if (args->nparams == 0) {
        ret->nparams = count;
        return TRUE;
    }
    count = MIN(count, args->nparams);
    ret->params.params_val = calloc((size_t)count, sizeof(WireParam));
    ret->params.params_len = (u_int)count;
    for (int i = 0; i < count; i++) {
        WireParam *param = &ret->params.params_val[i];
        param->field = strdup(ksm[i].field);
        param->value.type = ksm[i].isUint ? VIR_TYPED_PARAM_UINT : VIR_TYPED_PARAM_ULLONG;
        if (ksm[i].isUint)
            param->value.WireParamValue_u.ui = (unsigned)ksm[i].value;
        else
            param->value.WireParamValue_u.ul = ksm[i].value;
    }
    return TRUE;
}

static const QemuHostKsmParam *findKsm(const QemuHostKsmParam *ksm, int count, const char *field)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(ksm[i].field, field) == 0)
            return &ksm[i];
    }
    return NULL;
}

/* All are checked before the first is set. */
static gboolean nodeSetMemoryParams(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireParamsFlags *args = argsp;
    QemuHostKsmParam ksm[KSM_PARAMS_MAX];
    if (!checkFlags(call, args->flags, 0, err))
        return FALSE;
    g_autoptr(GArray) params = rpcTypedFromWire(args->params.params_val, args->params.params_len, err);
    int count = params ? qemuHostKsmGet(ksm, KSM_PARAMS_MAX, err) : -1;
    if (count < 0)
        return FALSE;
    for (guint i = 0; i < params->len; i++) {
        const QemuParam *param = &g_array_index(params, QemuParam, i);
        const QemuHostKsmParam *known = findKsm(ksm, count, param->field);
        if (!known || !known->writable) {
            memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' cannot be set", param->field);
            return FALSE;
        }
        if (param->type != VIR_TYPED_PARAM_UINT) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "parameter '%s' must be an unsigned integer", param->field);
            return FALSE;
        }
    }
    for (guint i = 0; i < params->len; i++) {
        const QemuParam *param = &g_array_index(params, QemuParam, i);
        if (!qemuHostKsmSet(param->field, param->u, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean nodeGetCpuMap(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireCpuMapArgs *args = argsp;
    WireCpuMap *ret = retp;
    unsigned present = 0;
    if (!checkFlags(call, args->flags, 0, err))
        return FALSE;
    g_autoptr(MemBitmap) online = qemuHostOnlineCpus(&present);
    if (args->needMap) {
        u_int bytes = (present + 7) / 8;
        ret->map.map_val = calloc(bytes + 1, 1);
        ret->map.map_len = bytes;
        for (int cpu = -1; (cpu = memBitmapNext(online, cpu)) >= 0 && (unsigned)cpu < present;)
            ret->map.map_val[cpu / 8] |= (char)(1 << (cpu % 8));
    }
    ret->online = args->needOnline ? memBitmapCount(online) : 0;
    ret->present = (int)present;
    return TRUE;
}

/* No model: then clients do not ask for the label of a domain. */
static gboolean nodeGetSecurityModel(RpcCall *call, const void *args, void *ret, GError **err)
{
    return TRUE;
}

#define HOST (RPC_READONLY | RPC_QUICK)

const RpcProcedure rpcProceduresHost[] = {
    RPC_ROW(6, "NODE_GET_INFO", WireNone, WireNodeInfo, HOST, nodeGetInfo),
    RPC_ROW(101, "NODE_GET_CELLS_FREE_MEMORY", WireCellsArgs, WireHypers, HOST, nodeGetCellsFreeMemory),
    RPC_ROW(102, "NODE_GET_FREE_MEMORY", WireNone, WireHyper, HOST, nodeGetFreeMemory),
    RPC_ROW(122, "NODE_GET_SECURITY_MODEL", WireNone, WireSecurityModel, HOST, nodeGetSecurityModel),
    RPC_ROW(227, "NODE_GET_CPU_STATS", WireNodeCpuStatsArgs, WireNodeStats, HOST, nodeGetCpuStats),
    RPC_ROW(228, "NODE_GET_MEMORY_STATS", WireNodeMemoryStatsArgs, WireNodeStats, HOST, nodeGetMemoryStats),
    RPC_ROW(288, "NODE_SET_MEMORY_PARAMETERS", WireParamsFlags, WireNone, 0, nodeSetMemoryParams),
    RPC_ROW(289, "NODE_GET_MEMORY_PARAMETERS", WireCountFlags, WireParamsCount, HOST, nodeGetMemoryParams),
    RPC_ROW(293, "NODE_GET_CPU_MAP", WireCpuMapArgs, WireCpuMap, HOST, nodeGetCpuMap),
    RPC_ROW(340, "NODE_GET_FREE_PAGES", WireFreePagesArgs, WireHypers, HOST, nodeGetFreePages),
    RPC_ROW(347, "NODE_ALLOC_PAGES", WireAllocPagesArgs, WireInt, 0, nodeAllocPages),
    { 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_memory.c: calls about a domain's memory: sizes, statistics, tuning, devices */
#include "rpc/rpc_dispatch.h"

#include "rpc/rpc_typed.h"

#define TUNING_PARAMS_MAX 16
#define PARAM_STRING_OKAY 4u    /* VIR_TYPED_PARAM_STRING_OKAY: the client can read text values */

static QemuUuid uuidOf(const WireDomain *dom)
{
    return (QemuUuid)dom->uuid;
}

static gboolean domainGetMaxMemory(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireHyper *ret = retp;
    guint64 kib = 0;
    if (!qemuDriverGetMaxMemory(rpcCallDriver(call), uuidOf(&args->dom), &kib, err))
        return FALSE;
    ret->value = kib;
    return TRUE;
}

static gpointer domainSetMemoryBegin(RpcCall *call, const void *argsp)
{
    const WireDomainHyper *args = argsp;
    return qemuDriverSetMemoryBegin(rpcCallDriver(call), uuidOf(&args->dom), args->value, VIR_DOMAIN_AFFECT_LIVE);
}

static gboolean domainSetMemory(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainHyper *args = argsp;
    if (call->begun)
        return qemuDriverSetMemoryFinish(call->begun, err);
    return qemuDriverSetMemory(rpcCallDriver(call), uuidOf(&args->dom), args->value, VIR_DOMAIN_AFFECT_LIVE, err);
}

static gboolean domainSetMaxMemory(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainHyper *args = argsp;
    return qemuDriverSetMemory(rpcCallDriver(call), uuidOf(&args->dom), args->value, VIR_DOMAIN_MEM_MAXIMUM, err);
}

static gpointer domainSetMemoryFlagsBegin(RpcCall *call, const void *argsp)
{
    const WireDomainHyperFlags *args = argsp;
    return qemuDriverSetMemoryBegin(rpcCallDriver(call), uuidOf(&args->dom), args->value, args->flags);
}

static gboolean domainSetMemoryFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainHyperFlags *args = argsp;
    if (call->begun)
        return qemuDriverSetMemoryFinish(call->begun, err);
    return qemuDriverSetMemory(rpcCallDriver(call), uuidOf(&args->dom), args->value, args->flags, err);
}

static gboolean domainSetMemoryStatsPeriod(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainIntFlags *args = argsp;
    return qemuDriverSetMemoryStatsPeriod(rpcCallDriver(call), uuidOf(&args->dom), args->value, args->flags, err);
}

static gboolean domainStartDirtyRateCalc(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainIntFlags *args = argsp;
    return qemuDriverStartDirtyRate(rpcCallDriver(call), uuidOf(&args->dom), args->value, args->flags, err);
}

static gboolean domainMemoryStats(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainUintFlags *args = argsp;
    WireMemoryStats *ret = retp;
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    if (args->value > WIRE_MEMORY_STATS_MAX)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR,
                           "'%s' answers at most '%d' statistics, not '%u'", call->procedure->name,
                           WIRE_MEMORY_STATS_MAX, args->value);
    int count = qemuDriverMemoryStats(rpcCallDriver(call), uuidOf(&args->dom), stats,
                                      MIN(args->value, G_N_ELEMENTS(stats)), args->flags, err);
    if (count < 0)
        return FALSE;
    ret->stats.stats_val = calloc((size_t)count + 1, sizeof(WireMemoryStat));
    ret->stats.stats_len = (u_int)count;
    for (int i = 0; i < count; i++) {
        ret->stats.stats_val[i].tag = stats[i].tag;
        ret->stats.stats_val[i].value = stats[i].val;
    }
    return TRUE;
}

/* ---- tuning: first the count is asked for, then the values ---- */

typedef GArray *(*GetParams)(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err);
typedef gboolean (*SetParams)(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count,
                              unsigned flags, GError **err);

static gboolean getParams(RpcCall *call, GetParams get, const WireDomainCountFlags *args, WireParamsCount *ret,
                          GError **err)
{
    if (args->nparams < 0 || args->nparams > TUNING_PARAMS_MAX)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR,
                           "'%s' takes at most '%d' parameters, not '%d'", call->procedure->name, TUNING_PARAMS_MAX,
                           args->nparams);
    gboolean withText = (args->flags & PARAM_STRING_OKAY) != 0;
    g_autoptr(GArray) params = get(rpcCallDriver(call), uuidOf(&args->dom), args->flags & ~PARAM_STRING_OKAY, err);
    if (!params)
        return FALSE;
    if (args->nparams == 0) {
        ret->nparams = (int)params->len;
        return TRUE;
    }
    if (params->len > (guint)args->nparams)
        g_array_set_size(params, (guint)args->nparams);
    rpcTypedToWire(params, withText, &ret->params.params_val, &ret->params.params_len);
    return TRUE;
}

static gboolean setParams(RpcCall *call, SetParams set, const WireDomainParamsFlags *args, GError **err)
{
    g_autoptr(GArray) params = rpcTypedFromWire(args->params.params_val, args->params.params_len, err);
    if (!params)
        return FALSE;
    return set(rpcCallDriver(call), uuidOf(&args->dom), (const QemuParam *)params->data, params->len,
               args->flags & ~PARAM_STRING_OKAY, err);
}

static gboolean domainGetMemoryParams(RpcCall *call, const void *args, void *ret, GError **err)
{
    return getParams(call, qemuDriverGetMemoryParams, args, ret, err);
}

static gboolean domainSetMemoryParams(RpcCall *call, const void *args, void *ret, GError **err)
{
    return setParams(call, qemuDriverSetMemoryParams, args, err);
}

static gboolean domainGetNumaParams(RpcCall *call, const void *args, void *ret, GError **err)
{
    return getParams(call, qemuDriverGetNumaParams, args, ret, err);
}

static gboolean domainSetNumaParams(RpcCall *call, const void *args, void *ret, GError **err)
{
    return setParams(call, qemuDriverSetNumaParams, args, err);
}

/* ---- devices ---- */

/* Without flags means "the running guest" here, so that an inactive domain is refused as libvirt refuses it. */
static gboolean domainAttachDevice(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainText *args = argsp;
    return qemuDriverAttachDevice(rpcCallDriver(call), uuidOf(&args->dom), args->text, VIR_DOMAIN_AFFECT_LIVE, err);
}

static gboolean domainAttachDeviceFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainTextFlags *args = argsp;
    return qemuDriverAttachDevice(rpcCallDriver(call), uuidOf(&args->dom), args->text, args->flags, err);
}

static gboolean domainDetachDevice(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainText *args = argsp;
    return qemuDriverDetachDevice(rpcCallDriver(call), uuidOf(&args->dom), args->text, VIR_DOMAIN_AFFECT_LIVE, err);
}

static gboolean domainDetachDeviceFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainTextFlags *args = argsp;
    return qemuDriverDetachDevice(rpcCallDriver(call), uuidOf(&args->dom), args->text, args->flags, err);
}

static gboolean domainDetachDeviceAlias(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainTextFlags *args = argsp;
    return qemuDriverDetachDeviceAlias(rpcCallDriver(call), uuidOf(&args->dom), args->text, args->flags, err);
}

static gboolean domainUpdateDeviceFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainTextFlags *args = argsp;
    return qemuDriverUpdateDevice(rpcCallDriver(call), uuidOf(&args->dom), args->text, args->flags, err);
}

const RpcProcedure rpcProceduresMemory[] = {
    RPC_ROW(8, "DOMAIN_ATTACH_DEVICE", WireDomainText, WireNone, RPC_DOMAIN, domainAttachDevice),
    RPC_ROW(13, "DOMAIN_DETACH_DEVICE", WireDomainText, WireNone, RPC_DOMAIN, domainDetachDevice),
    RPC_ROW(17, "DOMAIN_GET_MAX_MEMORY", WireDomainArgs, WireHyper, RPC_READONLY | RPC_QUICK, domainGetMaxMemory),
    RPC_ROW(30, "DOMAIN_SET_MAX_MEMORY", WireDomainHyper, WireNone, RPC_DOMAIN, domainSetMaxMemory),
    RPC_ROW_BEGUN(31, "DOMAIN_SET_MEMORY", WireDomainHyper, WireNone, RPC_DOMAIN, domainSetMemory, domainSetMemoryBegin),
    RPC_ROW(159, "DOMAIN_MEMORY_STATS", WireDomainUintFlags, WireMemoryStats, RPC_READONLY | RPC_DOMAIN,
            domainMemoryStats),
    RPC_ROW(160, "DOMAIN_ATTACH_DEVICE_FLAGS", WireDomainTextFlags, WireNone, RPC_DOMAIN, domainAttachDeviceFlags),
    RPC_ROW(161, "DOMAIN_DETACH_DEVICE_FLAGS", WireDomainTextFlags, WireNone, RPC_DOMAIN, domainDetachDeviceFlags),
    RPC_ROW(174, "DOMAIN_UPDATE_DEVICE_FLAGS", WireDomainTextFlags, WireNone, RPC_DOMAIN, domainUpdateDeviceFlags),
    RPC_ROW(197, "DOMAIN_SET_MEMORY_PARAMETERS", WireDomainParamsFlags, WireNone, RPC_DOMAIN, domainSetMemoryParams),
    RPC_ROW(198, "DOMAIN_GET_MEMORY_PARAMETERS", WireDomainCountFlags, WireParamsCount, RPC_READONLY | RPC_DOMAIN,
            domainGetMemoryParams),
    RPC_ROW_BEGUN(204, "DOMAIN_SET_MEMORY_FLAGS", WireDomainHyperFlags, WireNone, RPC_DOMAIN, domainSetMemoryFlags,
                  domainSetMemoryFlagsBegin),
    RPC_ROW(254, "DOMAIN_SET_NUMA_PARAMETERS", WireDomainParamsFlags, WireNone, RPC_DOMAIN, domainSetNumaParams),
    RPC_ROW(255, "DOMAIN_GET_NUMA_PARAMETERS", WireDomainCountFlags, WireParamsCount, RPC_READONLY | RPC_DOMAIN,
            domainGetNumaParams),
    RPC_ROW(308, "DOMAIN_SET_MEMORY_STATS_PERIOD", WireDomainIntFlags, WireNone, RPC_DOMAIN,
            domainSetMemoryStatsPeriod),
    RPC_ROW(392, "DOMAIN_DETACH_DEVICE_ALIAS", WireDomainTextFlags, WireNone, RPC_DOMAIN, domainDetachDeviceAlias),
    RPC_ROW(427, "DOMAIN_START_DIRTY_RATE_CALC", WireDomainIntFlags, WireNone, RPC_DOMAIN, domainStartDirtyRateCalc),
    { 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_inspect.c: calls that look at one domain: state, vCPUs, jobs, statistics */
#include "rpc/rpc_dispatch.h"

#include "rpc/rpc_typed.h"

#define BLOCK_PARAMS 5

static QemuUuid uuidOf(const WireDomain *dom)
{
    return (QemuUuid)dom->uuid;
}

static gboolean domainGetState(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireState *ret = retp;
    if (args->flags != 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", args->flags, call->procedure->name);
        return FALSE;
    }
    return qemuDriverGetState(rpcCallDriver(call), uuidOf(&args->dom), &ret->state, &ret->reason, err);
}

static gboolean domainGetInfo(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireDomainInfo *ret = retp;
    virDomainInfo info = { 0 };
    if (!qemuDriverGetInfo(rpcCallDriver(call), uuidOf(&args->dom), &info, err))
        return FALSE;
    ret->state = info.state;
    ret->maxKib = info.maxMem;
    ret->memoryKib = info.memory;
    ret->vcpus = info.nrVirtCpu;
    ret->cpuTimeNs = info.cpuTime;
    return TRUE;
}

static gboolean domainGetOsType(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireString *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverLookupByUuid(rpcCallDriver(call), uuidOf(&args->dom), &ref, err))
        return FALSE;
    qemuDomainRefClear(&ref);
    return rpcTakeText(&ret->text, g_strdup("hvm"));
}

static gboolean domainIsActive(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireInt *ret = retp;
    return qemuDriverIsActive(rpcCallDriver(call), uuidOf(&args->dom), &ret->value, err);
}

static gboolean domainIsPersistent(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireInt *ret = retp;
    return qemuDriverIsPersistent(rpcCallDriver(call), uuidOf(&args->dom), &ret->value, err);
}

static gboolean domainIsUpdated(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireInt *ret = retp;
    return qemuDriverIsUpdated(rpcCallDriver(call), uuidOf(&args->dom), &ret->value, err);
}

/* ---- vCPUs ---- */

static gboolean domainGetVcpusFlags(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireInt *ret = retp;
    ret->value = qemuDriverGetVcpusFlags(rpcCallDriver(call), uuidOf(&args->dom), args->flags, err);
    return ret->value >= 0;
}

/* The most that a running guest can have, or that the definition allows. */
static gboolean domainGetMaxVcpus(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireInt *ret = retp;
    gboolean active = FALSE;
    if (!qemuDriverIsActive(rpcCallDriver(call), uuidOf(&args->dom), &active, err))
        return FALSE;
    unsigned flags = VIR_DOMAIN_VCPU_MAXIMUM | (active ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG);
    ret->value = qemuDriverGetVcpusFlags(rpcCallDriver(call), uuidOf(&args->dom), flags, err);
    return ret->value >= 0;
}

static gboolean domainSetVcpus(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainUint *args = argsp;
    return qemuDriverSetVcpusFlags(rpcCallDriver(call), uuidOf(&args->dom), args->value, VIR_DOMAIN_AFFECT_LIVE, err);
}

static gboolean domainSetVcpusFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainUintFlags *args = argsp;
    return qemuDriverSetVcpusFlags(rpcCallDriver(call), uuidOf(&args->dom), args->value, args->flags, err);
}

static gboolean domainGetVcpus(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireVcpusArgs *args = argsp;
    WireVcpus *ret = retp;
    if (args->maxInfo < 0 || args->maxInfo > WIRE_VCPUS_MAX || args->mapBytes < 0 ||
        (gint64)args->maxInfo * args->mapBytes > WIRE_CPUMAPS_MAX)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR,
                           "'%d' vCPUs with maps of '%d' bytes do not fit a reply", args->maxInfo, args->mapBytes);
    size_t max = (size_t)args->maxInfo;
    g_autofree virVcpuInfo *info = g_new0(virVcpuInfo, max + 1);
    ret->maps.maps_val = calloc(max * (size_t)args->mapBytes + 1, 1);
    int count = qemuDriverGetVcpus(rpcCallDriver(call), uuidOf(&args->dom), info, args->maxInfo,
                                   (unsigned char *)ret->maps.maps_val, args->mapBytes, err);
    if (count < 0)
        return FALSE;
    ret->maps.maps_len = (u_int)(count * args->mapBytes);
    ret->info.info_val = calloc((size_t)count + 1, sizeof(WireVcpu));
    ret->info.info_len = (u_int)count;
    for (int i = 0; i < count; i++) {
        ret->info.info_val[i] = (WireVcpu){
            .number = info[i].number,
            .state = info[i].state,
            .cpuTimeNs = info[i].cpuTime,
            .cpu = info[i].cpu,
        };
    }
    return TRUE;
}

/* ---- jobs ---- */

static gboolean domainGetJobInfo(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireJobInfo *ret = retp;
    virDomainJobInfo info = { 0 };
    if (!qemuDriverGetJobInfo(rpcCallDriver(call), uuidOf(&args->dom), FALSE, &info, err))
        return FALSE;
    *ret = (WireJobInfo){
        .type = info.type,
        .timeElapsed = info.timeElapsed, .timeRemaining = info.timeRemaining,
        .dataTotal = info.dataTotal, .dataProcessed = info.dataProcessed, .dataRemaining = info.dataRemaining,
        .memTotal = info.memTotal, .memProcessed = info.memProcessed, .memRemaining = info.memRemaining,
        .fileTotal = info.fileTotal, .fileProcessed = info.fileProcessed, .fileRemaining = info.fileRemaining,
    };
    return TRUE;
}

static gboolean domainGetJobStats(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireJobStats *ret = retp;
    unsigned known = VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;
    virDomainJobInfo info = { 0 };
    if (args->flags & ~known) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", args->flags & ~known,
                    call->procedure->name);
        return FALSE;
    }
    if (!qemuDriverGetJobInfo(rpcCallDriver(call), uuidOf(&args->dom), (args->flags & VIR_DOMAIN_JOB_STATS_COMPLETED) != 0, &info, err))
        return FALSE;
    ret->type = info.type;
    return TRUE;
}

static gboolean domainGetControlInfo(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireControlInfo *ret = retp;
    virDomainControlInfo info = { 0 };
    if (args->flags != 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", args->flags, call->procedure->name);
        return FALSE;
    }
    if (!qemuDriverGetControlInfo(rpcCallDriver(call), uuidOf(&args->dom), &info, err))
        return FALSE;
    ret->state = info.state;
    ret->details = info.details;
    ret->stateTime = info.stateTime;
    return TRUE;
}

/* ---- statistics ---- */

static gboolean domainBlockStats(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainText *args = argsp;
    WireBlockStats *ret = retp;
    gint64 stats[BLOCK_PARAMS];
    if (!qemuDriverBlockStats(rpcCallDriver(call), uuidOf(&args->dom), args->text, stats, err))
        return FALSE;
    memcpy(ret->values, stats, sizeof(stats));
    return TRUE;
}

static gboolean domainBlockStatsFlags(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    static const char *const names[BLOCK_PARAMS] = { "rd_operations", "rd_bytes", "wr_operations", "wr_bytes", "errs" };
    const WireDomainTextCountFlags *args = argsp;
    WireParamsCount *ret = retp;
    gint64 stats[BLOCK_PARAMS];
    if (args->flags & ~(unsigned)VIR_TYPED_PARAM_STRING_OKAY) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in '%s'", args->flags, call->procedure->name);
        return FALSE;
    }
    if (!qemuDriverBlockStats(rpcCallDriver(call), uuidOf(&args->dom), args->text, stats, err))
        return FALSE;
    g_autoptr(GArray) params = g_array_new(FALSE, TRUE, sizeof(QemuParam));
    for (int i = 0; i < BLOCK_PARAMS; i++) {
        QemuParam param = { .type = VIR_TYPED_PARAM_LLONG, .i = stats[i] };
        g_strlcpy(param.field, names[i], sizeof(param.field));
        if (stats[i] >= 0)
            g_array_append_val(params, param);
    }
    if (args->nparams == 0) {
        ret->nparams = (int)params->len;
        return TRUE;
    }
    g_array_set_size(params, MIN(params->len, (guint)MAX(args->nparams, 0)));
    rpcTypedToWire(params, FALSE, &ret->params.params_val, &ret->params.params_len);
    return TRUE;
}

static gboolean domainInterfaceStats(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainText *args = argsp;
    WireInterfaceStats *ret = retp;
    gint64 stats[8];
    if (!qemuDriverInterfaceStats(rpcCallDriver(call), uuidOf(&args->dom), args->text, stats, err))
        return FALSE;
    memcpy(ret->values, stats, sizeof(stats));
    return TRUE;
}

static gboolean connectGetAllDomainStats(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireStatsArgs *args = argsp;
    WireStats *ret = retp;
    g_autofree unsigned char *uuids = g_malloc((gsize)args->doms.doms_len * WIRE_UUID_BYTES + 1);
    for (u_int i = 0; i < args->doms.doms_len; i++)
        memcpy(uuids + i * WIRE_UUID_BYTES, args->doms.doms_val[i].uuid, WIRE_UUID_BYTES);
    g_autoptr(GPtrArray) stats = qemuDriverGetAllStats(rpcCallDriver(call), uuids, args->doms.doms_len, args->stats,
                                                       args->flags, err);
    if (!stats)
        return FALSE;
    ret->records.records_val = calloc(stats->len + 1, sizeof(WireStatsRecord));
    ret->records.records_len = stats->len;
    for (guint i = 0; i < stats->len; i++) {
        QemuDomainStats *from = g_ptr_array_index(stats, i);
        WireStatsRecord *to = &ret->records.records_val[i];
        rpcTakeDomain(&to->dom, &from->dom);
        rpcTypedToWire(from->params, TRUE, &to->params.params_val, &to->params.params_len);
    }
    return TRUE;
}

static gboolean domainGetMessages(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireMessages *ret = retp;
    g_auto(GStrv) messages = qemuDriverGetMessages(rpcCallDriver(call), uuidOf(&args->dom), args->flags, err);
    if (!messages)
        return FALSE;
    guint count = MIN(g_strv_length(messages), WIRE_MESSAGES_MAX);
    ret->messages.messages_val = calloc(count + 1u, sizeof(*ret->messages.messages_val));
    ret->messages.messages_len = count;
    for (guint i = 0; i < count; i++)
        ret->messages.messages_val[i] = strdup(messages[i]);
    return TRUE;
}

/* ---- what this driver has none of ---- */

static gboolean domainHas(RpcCall *call, const WireDomain *dom, GError **err)
{
    QemuDomainRef ref = { 0 };
    gboolean ok = qemuDriverLookupByUuid(rpcCallDriver(call), uuidOf(dom), &ref, err);
    qemuDomainRefClear(&ref);
    return ok;
}

/* 0 or an empty list: managed save image, snapshots, security label. */
static gboolean domainHasNone(RpcCall *call, const void *args, void *ret, GError **err)
{
    return domainHas(call, args, err);      /* every argument struct used here begins with the domain */
}

#define LOOK (RPC_READONLY | RPC_QUICK)

const RpcProcedure rpcProceduresInspect[] = {
    RPC_ROW(16, "DOMAIN_GET_INFO", WireDomainArgs, WireDomainInfo, LOOK, domainGetInfo),
    RPC_ROW(18, "DOMAIN_GET_MAX_VCPUS", WireDomainArgs, WireInt, LOOK, domainGetMaxVcpus),
    RPC_ROW(19, "DOMAIN_GET_OS_TYPE", WireDomainArgs, WireString, LOOK, domainGetOsType),
    RPC_ROW(20, "DOMAIN_GET_VCPUS", WireVcpusArgs, WireVcpus, RPC_READONLY | RPC_DOMAIN, domainGetVcpus),
    RPC_ROW(32, "DOMAIN_SET_VCPUS", WireDomainUint, WireNone, RPC_DOMAIN, domainSetVcpus),
    RPC_ROW(64, "DOMAIN_BLOCK_STATS", WireDomainText, WireBlockStats, RPC_READONLY | RPC_DOMAIN, domainBlockStats),
    RPC_ROW(65, "DOMAIN_INTERFACE_STATS", WireDomainText, WireInterfaceStats, RPC_READONLY | RPC_DOMAIN,
            domainInterfaceStats),
    RPC_ROW(121, "DOMAIN_GET_SECURITY_LABEL", WireDomainArgs, WireSecurityLabel, LOOK, domainHasNone),
    RPC_ROW(150, "DOMAIN_IS_ACTIVE", WireDomainArgs, WireInt, LOOK | RPC_SHORT, domainIsActive),
    RPC_ROW(151, "DOMAIN_IS_PERSISTENT", WireDomainArgs, WireInt, LOOK | RPC_SHORT, domainIsPersistent),
    RPC_ROW(163, "DOMAIN_GET_JOB_INFO", WireDomainArgs, WireJobInfo, LOOK, domainGetJobInfo),
    RPC_ROW(183, "DOMAIN_HAS_MANAGED_SAVE_IMAGE", WireDomainFlags, WireInt, LOOK, domainHasNone),
    RPC_ROW(184, "DOMAIN_MANAGED_SAVE_REMOVE", WireDomainFlags, WireNone, RPC_QUICK, domainHasNone),
    RPC_ROW(187, "DOMAIN_SNAPSHOT_NUM", WireDomainFlags, WireInt, LOOK, domainHasNone),
    RPC_ROW(199, "DOMAIN_SET_VCPUS_FLAGS", WireDomainUintFlags, WireNone, RPC_DOMAIN, domainSetVcpusFlags),
    RPC_ROW(200, "DOMAIN_GET_VCPUS_FLAGS", WireDomainFlags, WireInt, LOOK, domainGetVcpusFlags),
    RPC_ROW(202, "DOMAIN_IS_UPDATED", WireDomainArgs, WireInt, LOOK, domainIsUpdated),
    RPC_ROW(212, "DOMAIN_GET_STATE", WireDomainFlags, WireState, LOOK | RPC_SHORT, domainGetState),
    RPC_ROW(229, "DOMAIN_GET_CONTROL_INFO", WireDomainFlags, WireControlInfo, LOOK, domainGetControlInfo),
    RPC_ROW(243, "DOMAIN_BLOCK_STATS_FLAGS", WireDomainTextCountFlags, WireParamsCount, RPC_READONLY | RPC_DOMAIN,
            domainBlockStatsFlags),
    RPC_ROW(274, "DOMAIN_LIST_ALL_SNAPSHOTS", WireDomainListArgs, WireEmptyList, LOOK, domainHasNone),
    RPC_ROW(298, "DOMAIN_GET_JOB_STATS", WireDomainFlags, WireJobStats, LOOK, domainGetJobStats),
    RPC_ROW(344, "CONNECT_GET_ALL_DOMAIN_STATS", WireStatsArgs, WireStats, RPC_READONLY, connectGetAllDomainStats),
    RPC_ROW(426, "DOMAIN_GET_MESSAGES", WireDomainFlags, WireMessages, RPC_READONLY | RPC_DOMAIN,
            domainGetMessages),
    { 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_connect.c: calls about the connection and what the driver is */
#include "rpc/rpc_dispatch.h"

#include <unistd.h>

#define OPEN_READONLY 1u        /* the other bits say how the client came to this daemon */
#define FEATURE_STRING_PARAMS 9
#define FEATURE_KEEPALIVE 10
#define FEATURE_MIGRATABLE_XML 11
#define FEATURE_EVENT_CALLBACKS 14
#define FEATURE_CLOSE_CALLBACK 15

static gboolean authList(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireAuthTypes *ret = retp;
    ret->types.types_val = calloc(1, sizeof(int));
    ret->types.types_len = 1;
    call->client->authenticated = TRUE;
    return TRUE;
}

static gboolean supportsFeature(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireInt *args = argsp;
    WireInt *ret = retp;
    switch (args->value) {
    case FEATURE_KEEPALIVE:
        call->client->answersPings = TRUE;
        ret->value = 1;
        break;
    case FEATURE_STRING_PARAMS:
    case FEATURE_MIGRATABLE_XML:
    case FEATURE_EVENT_CALLBACKS:
    case FEATURE_CLOSE_CALLBACK:
        ret->value = 1;
        break;
    default:
        ret->value = 0;
    }
    if (args->value != FEATURE_KEEPALIVE && !rpcClientIsOpened(call->client))
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR, "connection not open");
    return TRUE;
}

/* "": whatever is here; else SCHEME:///system or SCHEME:///session, the query being the client's own affair. */
static gboolean checkUri(RpcCall *call, const char *uri, GError **err)
{
    static const char *const schemes[] = { "qemu", "mem" };

    if (*uri == '\0')
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        g_autofree char *start = g_strdup_printf("%s:///", schemes[i]);
        if (!g_str_has_prefix(uri, start))
            continue;
        const char *path = uri + strlen(start);
        gsize length = strcspn(path, "?#");
        if ((length == 6 && strncmp(path, "system", 6) == 0) || (length == 7 && strncmp(path, "session", 7) == 0))
            return TRUE;
        return rpcCallFail(call, VIR_FROM_NONE, err, VIR_ERR_INTERNAL_ERROR,
                           "unexpected path '/%.*s' in URI '%s', try %s:///session or %s:///system",
                           (int)length, path, uri, schemes[i], schemes[i]);
    }
    return rpcCallFail(call, VIR_FROM_NONE, err, VIR_ERR_NO_CONNECT, "No connection for URI %s", uri);
}

static gboolean connectOpen(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireOpenArgs *args = argsp;
    RpcClient *client = call->client;

    if (rpcClientIsOpened(client))
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR, "connection already open");
    if (!args->name)
        return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR, "connection name must not be absent");
    if (!checkUri(call, *args->name, err))
        return FALSE;
    g_mutex_lock(&client->lock);
    client->opened = TRUE;
    client->readonly = client->readonly || (args->flags & OPEN_READONLY);
    g_mutex_unlock(&client->lock);
    return TRUE;
}

static gboolean connectClose(RpcCall *call, const void *args, void *ret, GError **err)
{
    call->closeAfter = TRUE;
    return TRUE;
}

static gboolean connectGetUri(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireString *ret = retp;
    return rpcTakeText(&ret->text, g_strdup(call->client->server->uri));
}

static gboolean registerCloseCallback(RpcCall *call, const void *args, void *ret, GError **err)
{
    g_mutex_lock(&call->client->lock);
    call->client->closeCallback = TRUE;
    g_mutex_unlock(&call->client->lock);
    return TRUE;
}

static gboolean unregisterCloseCallback(RpcCall *call, const void *args, void *ret, GError **err)
{
    g_mutex_lock(&call->client->lock);
    call->client->closeCallback = FALSE;
    g_mutex_unlock(&call->client->lock);
    return TRUE;
}

static gboolean connectGetType(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireString *ret = retp;
    return rpcTakeText(&ret->text, g_strdup("QEMU"));
}

static gboolean connectGetVersion(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireHyper *ret = retp;
    unsigned long version = 0;
    if (!qemuDriverGetVersion(rpcCallDriver(call), &version, err))
        return FALSE;
    ret->value = version;
    return TRUE;
}

static gboolean connectGetLibVersion(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireHyper *ret = retp;
    ret->value = LIBVIR_VERSION_NUMBER;
    return TRUE;
}

static gboolean connectGetHostname(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireString *ret = retp;
    return rpcTakeText(&ret->text, g_strdup(g_get_host_name()));
}

static gboolean connectIsSecure(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireInt *ret = retp;
    ret->value = 1;             /* a UNIX socket does not leave the host */
    return TRUE;
}

static gboolean connectSetIdentity(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireParamsFlags *args = argsp;
    if (args->flags != 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in function connectSetIdentity", args->flags);
        return FALSE;
    }
    return TRUE;
}

static gboolean connectGetCapabilities(RpcCall *call, const void *args, void *retp, GError **err)
{
    WireString *ret = retp;
    return rpcTakeText(&ret->text, qemuDriverGetCapabilities(rpcCallDriver(call), err));
}

static gboolean connectGetDomainCapabilities(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainCapsArgs *args = argsp;
    WireString *ret = retp;
    return rpcTakeText(&ret->text,
                       qemuDriverGetDomainCapabilities(rpcCallDriver(call), rpcOptText(args->emulator),
                                                       rpcOptText(args->arch), rpcOptText(args->machine),
                                                       rpcOptText(args->virtType), args->flags, err));
}

static gboolean connectGetMaxVcpus(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireOptString *args = argsp;
    WireInt *ret = retp;
    ret->value = qemuDriverGetMaxVcpus(rpcCallDriver(call), rpcOptText(args->text), err);
    return ret->value >= 0;
}

static gboolean connectBaselineCpu(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireBaselineArgs *args = argsp;
    WireString *ret = retp;
    return rpcTakeText(&ret->text, qemuDriverBaselineCpu(rpcCallDriver(call), args->cpus.cpus_val, args->cpus.cpus_len,
                                                         args->flags, err));
}

static gboolean connectCompareCpu(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireStringFlags *args = argsp;
    WireInt *ret = retp;
    ret->value = qemuDriverCompareCpu(rpcCallDriver(call), NULL, NULL, NULL, NULL, args->text, args->flags, FALSE, err);
    return ret->value != VIR_CPU_COMPARE_ERROR;
}

static gboolean connectCompareHypervisorCpu(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireCompareHypervisorArgs *args = argsp;
    WireInt *ret = retp;
    ret->value = qemuDriverCompareCpu(rpcCallDriver(call), rpcOptText(args->emulator), rpcOptText(args->arch),
                                      rpcOptText(args->machine), rpcOptText(args->virtType), args->xml, args->flags,
                                      TRUE, err);
    return ret->value != VIR_CPU_COMPARE_ERROR;
}

static gboolean connectGetCpuModelNames(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireModelNamesArgs *args = argsp;
    WireNamesCount *ret = retp;
    g_auto(GStrv) names = qemuDriverGetCpuModelNames(rpcCallDriver(call), args->arch, args->flags, err);
    if (!names)
        return FALSE;
    ret->count = (int)g_strv_length(names);
    if (args->needResults) {
        ret->names.names_len = (u_int)ret->count;
        ret->names.names_val = g_steal_pointer(&names);
    }
    return TRUE;
}

static gboolean connectXmlToNative(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireNativeArgs *args = argsp;
    WireString *ret = retp;
    return rpcTakeText(&ret->text, qemuDriverXmlToNative(rpcCallDriver(call), args->format, args->text, args->flags, err));
}

const RpcProcedure rpcProceduresConnect[] = {
    RPC_ROW(1, "CONNECT_OPEN", WireOpenArgs, WireNone, RPC_READONLY | RPC_LOOP | RPC_EARLY, connectOpen),
    RPC_ROW(2, "CONNECT_CLOSE", WireNone, WireNone, RPC_READONLY | RPC_LOOP, connectClose),
    RPC_ROW(3, "CONNECT_GET_TYPE", WireNone, WireString, RPC_READONLY | RPC_LOOP, connectGetType),
    RPC_ROW(4, "CONNECT_GET_VERSION", WireNone, WireHyper, RPC_READONLY, connectGetVersion),
    RPC_ROW(5, "CONNECT_GET_MAX_VCPUS", WireOptString, WireInt, RPC_READONLY, connectGetMaxVcpus),
    RPC_ROW(7, "CONNECT_GET_CAPABILITIES", WireNone, WireString, RPC_READONLY, connectGetCapabilities),
    RPC_ROW(59, "CONNECT_GET_HOSTNAME", WireNone, WireString, RPC_READONLY | RPC_LOOP, connectGetHostname),
    RPC_ROW(60, "CONNECT_SUPPORTS_FEATURE", WireInt, WireInt, RPC_READONLY | RPC_LOOP | RPC_EARLY, supportsFeature),
    RPC_ROW(66, "AUTH_LIST", WireNone, WireAuthTypes, RPC_READONLY | RPC_LOOP | RPC_EARLY | RPC_SIGNIN, authList),
    RPC_ROW(110, "CONNECT_GET_URI", WireNone, WireString, RPC_READONLY | RPC_LOOP, connectGetUri),
    RPC_ROW(136, "CONNECT_DOMAIN_XML_TO_NATIVE", WireNativeArgs, WireString, 0, connectXmlToNative),
    RPC_ROW(149, "CONNECT_IS_SECURE", WireNone, WireInt, RPC_READONLY | RPC_LOOP, connectIsSecure),
    RPC_ROW(157, "CONNECT_GET_LIB_VERSION", WireNone, WireHyper, RPC_READONLY | RPC_LOOP, connectGetLibVersion),
    RPC_ROW(158, "CONNECT_COMPARE_CPU", WireStringFlags, WireInt, RPC_READONLY, connectCompareCpu),
    RPC_ROW(162, "CONNECT_BASELINE_CPU", WireBaselineArgs, WireString, RPC_READONLY, connectBaselineCpu),
    RPC_ROW(312, "CONNECT_GET_CPU_MODEL_NAMES", WireModelNamesArgs, WireNamesCount, RPC_READONLY,
            connectGetCpuModelNames),
    /* Both run the emulator that the caller names. */
    RPC_ROW(342, "CONNECT_GET_DOMAIN_CAPABILITIES", WireDomainCapsArgs, WireString, 0, connectGetDomainCapabilities),
    RPC_ROW(393, "CONNECT_COMPARE_HYPERVISOR_CPU", WireCompareHypervisorArgs, WireInt, 0, connectCompareHypervisorCpu),
    RPC_ROW(360, "CONNECT_REGISTER_CLOSE_CALLBACK", WireNone, WireNone, RPC_READONLY | RPC_LOOP, registerCloseCallback),
    RPC_ROW(361, "CONNECT_UNREGISTER_CLOSE_CALLBACK", WireNone, WireNone, RPC_READONLY | RPC_LOOP,
            unregisterCloseCallback),
    RPC_ROW(419, "CONNECT_SET_IDENTITY", WireParamsFlags, WireNone, RPC_LOOP, connectSetIdentity),
    { 0 },
};

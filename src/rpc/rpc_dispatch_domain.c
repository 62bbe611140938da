/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_dispatch_domain.c: calls that find, define, start and stop domains */
#include "rpc/rpc_dispatch.h"

/* ---- finding ---- */

static gboolean domainLookupById(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireInt *args = argsp;
    WireDomainArgs *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverLookupById(rpcCallDriver(call), args->value, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean domainLookupByName(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireString *args = argsp;
    WireDomainArgs *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverLookupByName(rpcCallDriver(call), args->text, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean domainLookupByUuid(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireUuidArgs *args = argsp;
    WireDomainArgs *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverLookupByUuid(rpcCallDriver(call), (QemuUuid)args->uuid, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean connectListAllDomains(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireListArgs *args = argsp;
    WireDomainList *ret = retp;
    g_autoptr(GPtrArray) refs = qemuDriverListDomains(rpcCallDriver(call), args->flags, err);
    if (!refs)
        return FALSE;
    ret->count = refs->len;
    if (!args->needResults || refs->len == 0)
        return TRUE;
    ret->domains.domains_val = calloc(refs->len, sizeof(WireDomain));
    ret->domains.domains_len = refs->len;
    for (guint i = 0; i < refs->len; i++)
        rpcTakeDomain(&ret->domains.domains_val[i], g_ptr_array_index(refs, i));
    return TRUE;
}

static gboolean countDomains(RpcCall *call, unsigned flags, WireInt *ret, GError **err)
{
    g_autoptr(GPtrArray) refs = qemuDriverListDomains(rpcCallDriver(call), flags, err);
    if (!refs)
        return FALSE;
    ret->value = (int)refs->len;
    return TRUE;
}

static gboolean connectNumOfDomains(RpcCall *call, const void *args, void *ret, GError **err)
{
    return countDomains(call, VIR_CONNECT_LIST_DOMAINS_ACTIVE, ret, err);
}

static gboolean connectNumOfDefinedDomains(RpcCall *call, const void *args, void *ret, GError **err)
{
    return countDomains(call, VIR_CONNECT_LIST_DOMAINS_INACTIVE, ret, err);
}

static gboolean checkMax(RpcCall *call, int max, GError **err)
{
    if (max >= 0 && max <= WIRE_DOMAINS_MAX)
        return TRUE;
    return rpcCallFail(call, VIR_FROM_RPC, err, VIR_ERR_INTERNAL_ERROR, "'%s' answers at most '%d' domains, not '%d'",
                       call->procedure->name, WIRE_DOMAINS_MAX, max);
}

static gboolean connectListDomains(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireInt *args = argsp;
    WireIds *ret = retp;
    if (!checkMax(call, args->value, err))
        return FALSE;
    g_autoptr(GPtrArray) refs = qemuDriverListDomains(rpcCallDriver(call), VIR_CONNECT_LIST_DOMAINS_ACTIVE, err);
    if (!refs)
        return FALSE;
    ret->ids.ids_len = MIN(refs->len, (guint)args->value);
    ret->ids.ids_val = calloc(ret->ids.ids_len + 1, sizeof(int));
    for (guint i = 0; i < ret->ids.ids_len; i++)
        ret->ids.ids_val[i] = ((QemuDomainRef *)g_ptr_array_index(refs, i))->id;
    return TRUE;
}

static gboolean connectListDefinedDomains(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireInt *args = argsp;
    WireNames *ret = retp;
    if (!checkMax(call, args->value, err))
        return FALSE;
    g_autoptr(GPtrArray) refs = qemuDriverListDomains(rpcCallDriver(call), VIR_CONNECT_LIST_DOMAINS_INACTIVE, err);
    if (!refs)
        return FALSE;
    ret->names.names_len = MIN(refs->len, (guint)args->value);
    ret->names.names_val = calloc(ret->names.names_len + 1, sizeof(char *));
    for (guint i = 0; i < ret->names.names_len; i++)
        ret->names.names_val[i] = g_steal_pointer(&((QemuDomainRef *)g_ptr_array_index(refs, i))->name);
    return TRUE;
}

/* ---- definitions ---- */

static gboolean define(RpcCall *call, const char *xml, unsigned flags, WireDomainArgs *ret, GError **err)
{
    QemuDomainRef ref = { 0 };
    if (!qemuDriverDefine(rpcCallDriver(call), xml, flags, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean domainDefineXml(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireString *args = argsp;
    return define(call, args->text, 0, ret, err);
}

static gboolean domainDefineXmlFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireStringFlags *args = argsp;
    return define(call, args->text, args->flags, ret, err);
}

static gboolean domainUndefine(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    return qemuDriverUndefine(rpcCallDriver(call), (QemuUuid)args->dom.uuid, 0, err);
}

static gboolean domainUndefineFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverUndefine(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainGetXmlDesc(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireString *ret = retp;
    /* A migratable description holds the secrets too. */
    if ((args->flags & (VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE)) && rpcClientIsReadonly(call->client))
        return rpcCallFail(call, VIR_FROM_DOMAIN, err, VIR_ERR_OPERATION_DENIED,
                           "read only access prevents '%s' with flags 0x%x", call->procedure->name, args->flags);
    return rpcTakeText(&ret->text, qemuDriverGetXml(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err));
}

static gboolean domainGetAutostart(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainArgs *args = argsp;
    WireInt *ret = retp;
    return qemuDriverGetAutostart(rpcCallDriver(call), (QemuUuid)args->dom.uuid, &ret->value, err);
}

static gboolean domainSetAutostart(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainInt *args = argsp;
    return qemuDriverSetAutostart(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->value != 0, err);
}

static gboolean domainGetMetadata(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireMetadataArgs *args = argsp;
    WireString *ret = retp;
    return rpcTakeText(&ret->text, qemuDriverGetMetadata(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->type,
                                                         rpcOptText(args->uri), args->flags, err));
}

static gboolean domainSetMetadata(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireSetMetadataArgs *args = argsp;
    return qemuDriverSetMetadata(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->type, rpcOptText(args->metadata),
                                 rpcOptText(args->key), rpcOptText(args->uri), args->flags, err);
}

/* ---- lifecycle ---- */

static gboolean domainCreate(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    QemuDomainRef ref = { 0 };
    gboolean ok = qemuDriverStart(rpcCallDriver(call), (QemuUuid)args->dom.uuid, 0, call->client, &ref, err);
    qemuDomainRefClear(&ref);
    return ok;
}

static gboolean domainCreateWithFlags(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireDomainFlags *args = argsp;
    WireDomainArgs *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverStart(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, call->client, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean domainCreateXml(RpcCall *call, const void *argsp, void *retp, GError **err)
{
    const WireStringFlags *args = argsp;
    WireDomainArgs *ret = retp;
    QemuDomainRef ref = { 0 };
    if (!qemuDriverCreateXml(rpcCallDriver(call), args->text, args->flags, call->client, &ref, err))
        return FALSE;
    rpcTakeDomain(&ret->dom, &ref);
    return TRUE;
}

static gboolean domainDestroy(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    return qemuDriverDestroy(rpcCallDriver(call), (QemuUuid)args->dom.uuid, 0, err);
}

static gboolean domainDestroyFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverDestroy(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainShutdown(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    return qemuDriverShutdown(rpcCallDriver(call), (QemuUuid)args->dom.uuid, 0, err);
}

static gboolean domainShutdownFlags(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverShutdown(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainReboot(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverReboot(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainReset(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverReset(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainSuspend(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    return qemuDriverSuspend(rpcCallDriver(call), (QemuUuid)args->dom.uuid, err);
}

static gboolean domainResume(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainArgs *args = argsp;
    return qemuDriverResume(rpcCallDriver(call), (QemuUuid)args->dom.uuid, err);
}

static gboolean domainInjectNmi(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainFlags *args = argsp;
    return qemuDriverInjectNmi(rpcCallDriver(call), (QemuUuid)args->dom.uuid, args->flags, err);
}

static gboolean domainOpenConsole(RpcCall *call, const void *argsp, void *ret, GError **err)
{
    const WireDomainOptTextFlags *args = argsp;
    const char *device = rpcOptText(args->text);
    call->streamFd = qemuDriverOpenConsole(rpcCallDriver(call), (QemuUuid)args->dom.uuid, device, args->flags, err);
    if (call->streamFd < 0)
        return FALSE;
    g_autofree char *uuid = g_base64_encode((const guchar *)args->dom.uuid, WIRE_UUID_BYTES);
    call->streamKey = g_strdup_printf("%s/%s", uuid, device ? device : "");
    call->streamForce = (args->flags & VIR_DOMAIN_CONSOLE_FORCE) != 0;
    return TRUE;
}

#define LOOKUP (RPC_READONLY | RPC_QUICK)

const RpcProcedure rpcProceduresDomain[] = {
    RPC_ROW(9, "DOMAIN_CREATE", WireDomainArgs, WireNone, RPC_DOMAIN, domainCreate),
    RPC_ROW(10, "DOMAIN_CREATE_XML", WireStringFlags, WireDomainArgs, 0, domainCreateXml),
    RPC_ROW(11, "DOMAIN_DEFINE_XML", WireString, WireDomainArgs, 0, domainDefineXml),
    RPC_ROW(12, "DOMAIN_DESTROY", WireDomainArgs, WireNone, RPC_URGENT, domainDestroy),
    RPC_ROW(14, "DOMAIN_GET_XML_DESC", WireDomainFlags, WireString, LOOKUP | RPC_SHORT, domainGetXmlDesc),
    RPC_ROW(15, "DOMAIN_GET_AUTOSTART", WireDomainArgs, WireInt, LOOKUP, domainGetAutostart),
    RPC_ROW(21, "CONNECT_LIST_DEFINED_DOMAINS", WireInt, WireNames, LOOKUP, connectListDefinedDomains),
    RPC_ROW(22, "DOMAIN_LOOKUP_BY_ID", WireInt, WireDomainArgs, LOOKUP, domainLookupById),
    RPC_ROW(23, "DOMAIN_LOOKUP_BY_NAME", WireString, WireDomainArgs, LOOKUP, domainLookupByName),
    RPC_ROW(24, "DOMAIN_LOOKUP_BY_UUID", WireUuidArgs, WireDomainArgs, LOOKUP, domainLookupByUuid),
    RPC_ROW(25, "CONNECT_NUM_OF_DEFINED_DOMAINS", WireNone, WireInt, LOOKUP, connectNumOfDefinedDomains),
    RPC_ROW(27, "DOMAIN_REBOOT", WireDomainFlags, WireNone, RPC_DOMAIN, domainReboot),
    RPC_ROW(28, "DOMAIN_RESUME", WireDomainArgs, WireNone, RPC_DOMAIN, domainResume),
    RPC_ROW(29, "DOMAIN_SET_AUTOSTART", WireDomainInt, WireNone, RPC_DOMAIN, domainSetAutostart),
    RPC_ROW(33, "DOMAIN_SHUTDOWN", WireDomainArgs, WireNone, RPC_DOMAIN, domainShutdown),
    RPC_ROW(34, "DOMAIN_SUSPEND", WireDomainArgs, WireNone, RPC_DOMAIN, domainSuspend),
    RPC_ROW(35, "DOMAIN_UNDEFINE", WireDomainArgs, WireNone, RPC_DOMAIN, domainUndefine),
    RPC_ROW(37, "CONNECT_LIST_DOMAINS", WireInt, WireIds, LOOKUP, connectListDomains),
    RPC_ROW(51, "CONNECT_NUM_OF_DOMAINS", WireNone, WireInt, LOOKUP, connectNumOfDomains),
    RPC_ROW(196, "DOMAIN_CREATE_WITH_FLAGS", WireDomainFlags, WireDomainArgs, RPC_DOMAIN, domainCreateWithFlags),
    RPC_ROW(201, "DOMAIN_OPEN_CONSOLE", WireDomainOptTextFlags, WireNone, RPC_STREAM | RPC_DOMAIN, domainOpenConsole),
    RPC_ROW(210, "DOMAIN_INJECT_NMI", WireDomainFlags, WireNone, RPC_DOMAIN, domainInjectNmi),
    RPC_ROW(231, "DOMAIN_UNDEFINE_FLAGS", WireDomainFlags, WireNone, RPC_DOMAIN, domainUndefineFlags),
    RPC_ROW(234, "DOMAIN_DESTROY_FLAGS", WireDomainFlags, WireNone, RPC_URGENT, domainDestroyFlags),
    RPC_ROW(245, "DOMAIN_RESET", WireDomainFlags, WireNone, RPC_DOMAIN, domainReset),
    RPC_ROW(258, "DOMAIN_SHUTDOWN_FLAGS", WireDomainFlags, WireNone, RPC_DOMAIN, domainShutdownFlags),
    RPC_ROW(264, "DOMAIN_SET_METADATA", WireSetMetadataArgs, WireNone, RPC_DOMAIN, domainSetMetadata),
    RPC_ROW(265, "DOMAIN_GET_METADATA", WireMetadataArgs, WireString, LOOKUP, domainGetMetadata),
    RPC_ROW(273, "CONNECT_LIST_ALL_DOMAINS", WireListArgs, WireDomainList, LOOKUP, connectListAllDomains),
    RPC_ROW(350, "DOMAIN_DEFINE_XML_FLAGS", WireStringFlags, WireDomainArgs, 0, domainDefineXmlFlags),
    { 0 },
};

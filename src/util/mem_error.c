/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_error.c: the project's one error domain, with libvirt's error numbers as codes */
#include "util/mem_error.h"

#include <gio/gio.h>
#include <stdarg.h>

GQuark memErrorQuark(void)
{
    return g_quark_from_static_string("mem-error-quark");
}

typedef struct {
    int code;
    const char *prefix;
} MemErrorPrefixRow;

static const MemErrorPrefixRow prefixes[] = {
    { VIR_ERR_INTERNAL_ERROR, "internal error" },
    { VIR_ERR_NO_MEMORY, "out of memory" },
    { VIR_ERR_NO_SUPPORT, "this function is not supported by the connection driver" },
    { VIR_ERR_NO_CONNECT, "no connection driver available for" },
    { VIR_ERR_INVALID_CONN, "invalid connection pointer in" },
    { VIR_ERR_INVALID_DOMAIN, "invalid domain pointer in" },
    { VIR_ERR_INVALID_ARG, "invalid argument" },
    { VIR_ERR_OPERATION_FAILED, "operation failed" },
    { VIR_ERR_XML_ERROR, "XML error" },
    { VIR_ERR_DOM_EXIST, "this domain exists already" },
    { VIR_ERR_OPERATION_DENIED, "operation forbidden" },
    { VIR_ERR_SYSTEM_ERROR, "system error" },
    { VIR_ERR_RPC, "RPC error" },
    { VIR_ERR_NO_DOMAIN, "Domain not found" },
    { VIR_ERR_NO_STORAGE_POOL, "Storage pool not found" },
    { VIR_ERR_NO_STORAGE_VOL, "Storage volume not found" },
    { VIR_ERR_NO_NETWORK, "Network not found" },
    { VIR_ERR_AUTH_FAILED, "authentication failed" },
    { VIR_ERR_OPERATION_INVALID, "Requested operation is not valid" },
    { VIR_ERR_NO_SECRET, "Secret not found" },
    { VIR_ERR_CONFIG_UNSUPPORTED, "unsupported configuration" },
    { VIR_ERR_OPERATION_TIMEOUT, "Timed out during operation" },
    { VIR_ERR_INVALID_STREAM, "invalid stream pointer" },
    { VIR_ERR_ARGUMENT_UNSUPPORTED, "argument unsupported" },
    { VIR_ERR_OPERATION_ABORTED, "operation aborted" },
    { VIR_ERR_NO_DOMAIN_METADATA, "metadata not found" },
    { VIR_ERR_OVERFLOW, "numerical overflow" },
    { VIR_ERR_OPERATION_UNSUPPORTED, "Operation not supported" },
    { VIR_ERR_AGENT_UNRESPONSIVE, "Guest agent is not responding" },
    { VIR_ERR_RESOURCE_BUSY, "resource busy" },
    { VIR_ERR_ACCESS_DENIED, "access denied" },
    { VIR_ERR_CPU_INCOMPATIBLE, "the CPU is incompatible with host CPU" },
    { VIR_ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema" },
    { VIR_ERR_DEVICE_MISSING, "device not found" },
    { VIR_ERR_MULTIPLE_DOMAINS, "multiple matching domains found" },
};

int memErrorCode(const GError *error)
{
    if (error->domain == MEM_ERROR)
        return error->code;
    if (error->domain == G_IO_ERROR || error->domain == G_FILE_ERROR)
        return VIR_ERR_SYSTEM_ERROR;
    return VIR_ERR_INTERNAL_ERROR;
}

const char *memErrorPrefix(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (prefixes[i].code == code)
            return prefixes[i].prefix;
    }
    return NULL;
}

char *memErrorText(const GError *error)
{
    int code = memErrorCode(error);
    const char *prefix = memErrorPrefix(code);

    /* libvirt shows system errors without the prefix: the text names the failed call itself */
    if (!prefix || code == VIR_ERR_SYSTEM_ERROR)
        return g_strdup(error->message);
    return g_strdup_printf("%s: %s", prefix, error->message);
}

void memErrorSetSystem(GError **err, int errnum, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    memErrorSet(err, VIR_ERR_SYSTEM_ERROR, "%s: %s", what, g_strerror(errnum));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_error.c: a GError as the error that libvirt's clients show */
#include "rpc/rpc_error.h"

#include "util/mem_error.h"

#include <string.h>

#define TEXT_BYTES 8192

/* Which part of libvirt reports a code when it is the driver's; by code, ascending. */
static const struct {
    int code, domain;
} codeDomains[] = {
    { VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU },
    { VIR_ERR_NO_SUPPORT, VIR_FROM_DOMAIN },
    { VIR_ERR_NO_CONNECT, VIR_FROM_NONE },
    { VIR_ERR_INVALID_ARG, VIR_FROM_QEMU },
    { VIR_ERR_OPERATION_FAILED, VIR_FROM_QEMU },
    { VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU },
    { VIR_ERR_RPC, VIR_FROM_RPC },
    { VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU },
    { VIR_ERR_NO_STORAGE_VOL, VIR_FROM_STORAGE },
    { VIR_ERR_NO_SECRET, VIR_FROM_SECRET },
    { VIR_ERR_ARGUMENT_UNSUPPORTED, VIR_FROM_QEMU },
    { VIR_ERR_OPERATION_TIMEOUT, VIR_FROM_QEMU },
    { VIR_ERR_DEVICE_MISSING, VIR_FROM_QEMU },
};

static int domainOfCode(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codeDomains); i++) {
        if (codeDomains[i].code == code)
            return codeDomains[i].domain;
    }
    return VIR_FROM_DOMAIN;
}

/* A message may quote what the client sent, up to the limit of a text: with a prefix it would not fit any more, and
 * an error that cannot be sent leaves the client waiting. */
static WireOptText optText(const char *text)
{
    gsize bytes = strlen(text);
    if (bytes > TEXT_BYTES) {
        const char *cut = g_utf8_find_prev_char(text, text + TEXT_BYTES);
        bytes = cut ? (gsize)(cut - text) : TEXT_BYTES;
    }
    char **pointer = malloc(sizeof(*pointer));
    *pointer = strndup(text, bytes);
    return pointer;
}

void rpcErrorFill(WireError *wire, const GError *error, int domain)
{
    int code = memErrorCode(error);
    /* Clients tell by how the text begins that a procedure is unknown: errors of the protocol go without a prefix. */
    const char *prefix = code == VIR_ERR_RPC ? NULL : memErrorPrefix(code);
    g_autofree char *text = prefix ? memErrorText(error) : g_strdup(error->message);

    memset(wire, 0, sizeof(*wire));
    wire->code = code;
    wire->domain = domain >= 0 ? domain : domainOfCode(code);
    wire->message = optText(text);
    wire->level = VIR_ERR_ERROR;
    g_autofree char *format = prefix ? g_strdup_printf("%s: %%s", prefix) : g_strdup("%s");
    wire->str1 = optText(format);
    wire->str2 = optText(error->message);
    wire->int1 = -1;
    wire->int2 = -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_error.c: how the client library fills in virMemError */
#include "client/memory_error.h"

#include <string.h>
#include <libvirt/virterror.h>

static int store(virMemError *err, int code, int libvirtCode, const char *message)
{
    if (err) {
        err->code = code;
        err->libvirtCode = libvirtCode;
        g_strlcpy(err->message, message, sizeof(err->message));
    }
    return code;
}

void memoryErrorClear(virMemError *err)
{
    store(err, VIR_MEM_OK, VIR_ERR_OK, "");
}

int memoryErrorSet(virMemError *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    return store(err, code, VIR_ERR_OK, message);
}

static gboolean meansLost(int libvirtCode, virConnectPtr conn)
{
    if (libvirtCode == VIR_ERR_NO_DOMAIN)
        return TRUE;
    /* virConnectIsAlive() sets an error of its own, and asks nobody. */
    return conn && virConnectIsAlive(conn) != 1;
}

static int fromError(virMemError *err, virErrorPtr last, virConnectPtr conn)
{
    int libvirtCode = last ? last->code : VIR_ERR_INTERNAL_ERROR;
    const char *message = last && last->message ? last->message : "libvirt gave no reason";
    int code = meansLost(libvirtCode, conn) ? VIR_MEM_ERR_LOST : VIR_MEM_ERR_LIBVIRT;

    store(err, code, libvirtCode, message);
    virFreeError(last);
    return code;
}

int memoryErrorFromLibvirt(virMemError *err, virConnectPtr conn)
{
    return fromError(err, virSaveLastError(), conn);
}

int memoryErrorFromDomain(virMemError *err, virDomainPtr dom)
{
    /* In this order: asking for the connection forgets the error. */
    virErrorPtr last = virSaveLastError();

    return fromError(err, last, virDomainGetConnect(dom));
}

int memoryErrorFromGError(virMemError *err, int code, GError *error)
{
    store(err, code, VIR_ERR_OK, error->message);
    g_error_free(error);
    return code;
}

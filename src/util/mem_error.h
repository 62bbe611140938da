/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_error.h: the project's one error domain, with libvirt's error numbers as codes */
#pragma once

#include <glib.h>
#include <libvirt/virterror.h>

/* Every GError of ours is in this domain and its code is a virErrorNumber, so that what a client
 * of libvirt sees is what the code said. The message is without libvirt's prefix ("XML error: "). */
#define MEM_ERROR memErrorQuark()

GQuark memErrorQuark(void);

/* Set @err (which may be NULL) to @code, a virErrorNumber, and a formatted message. */
#define memErrorSet(err, code, ...) g_set_error((err), MEM_ERROR, (code), __VA_ARGS__)

/* The code of @error as a virErrorNumber; errors of another domain (GIO, json) count as
 * VIR_ERR_INTERNAL_ERROR, or VIR_ERR_SYSTEM_ERROR for G_IO_ERROR and G_FILE_ERROR. */
int memErrorCode(const GError *error);

/* The text that a client is shown: libvirt's prefix for the code, ": ", the message.
 * Codes without a prefix in libvirt (VIR_ERR_XML_DETAIL) give the bare message. Caller frees. */
char *memErrorText(const GError *error);

/* The prefix of @code as libvirt words it, or NULL when the code has none. Static storage. */
const char *memErrorPrefix(int code);

/* Set @err from errno value @errnum: VIR_ERR_SYSTEM_ERROR, "<formatted>: <strerror>". */
void memErrorSetSystem(GError **err, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

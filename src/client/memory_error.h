/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_error.h: how the client library fills in virMemError */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

/* Store @code (a virMemErrorCode) and the formatted message in @err, which may be NULL. Returns @code. */
int memoryErrorSet(virMemError *err, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* After a call of libvirt that failed: the thread's last error, as VIR_MEM_ERR_LOST if it means that connection or domain
 * is gone, else VIR_MEM_ERR_LIBVIRT. Returns that code. */
int memoryErrorFromLibvirt(virMemError *err, virConnectPtr conn);
/* The same for a call on @dom. */
int memoryErrorFromDomain(virMemError *err, virDomainPtr dom);
/* A GError of our own layers, which is freed, as @code. Returns @code. */
int memoryErrorFromGError(virMemError *err, int code, GError *error);
/* Empty: VIR_MEM_OK. */
void memoryErrorClear(virMemError *err);

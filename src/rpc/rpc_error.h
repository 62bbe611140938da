/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_error.h: a GError as the error that libvirt's clients show */
#pragma once

#include "rpc/virtmem_protocol.h"

#include <glib.h>

/* Fill @wire from @error. @domain: VIR_FROM_*, or -1 to take the one that stock libvirt mostly uses for
 * the code. Free with xdr_free(xdr_WireError). */
void rpcErrorFill(WireError *wire, const GError *error, int domain);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_typed.h: typed parameters: the driver's QemuParam <-> the wire's WireParam */
#pragma once

#include "qemu/qemu_driver.h"
#include "rpc/virtmem_protocol.h"

/* Fill @wire (an XDR array's value and length) from @params; text parameters are left out unless @withText. */
void rpcTypedToWire(const GArray *params, gboolean withText, WireParam **wire, u_int *count);
/* Array of QemuParam whose texts are borrowed from @wire. VIR_ERR_INVALID_ARG for a name that is too long. */
GArray *rpcTypedFromWire(const WireParam *wire, u_int count, GError **err);

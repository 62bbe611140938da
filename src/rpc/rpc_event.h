/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_event.h: events to the clients that asked for them */
#pragma once

#include "rpc/rpc_client.h"

/* Register: callback id, or -1 with VIR_ERR_INTERNAL_ERROR for an event that is not known. @uuid NULL: all domains.
 * @legacy: the old form, which has no callback ids and ends with rpcEventRemoveLegacy. */
int rpcEventAdd(RpcClient *client, int event, const unsigned char *uuid, gboolean legacy, GError **err);
gboolean rpcEventRemove(RpcClient *client, int callback, gboolean monitor, GError **err);
gboolean rpcEventRemoveLegacy(RpcClient *client, int event, GError **err);
/* QEMU's own events. @pattern NULL: all; @flags: VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_*. */
int rpcEventAddMonitor(RpcClient *client, const unsigned char *uuid, const char *pattern, unsigned flags, GError **err);
/* The client goes. With server->lock and client->lock held. */
void rpcEventForgetLocked(RpcClient *client);

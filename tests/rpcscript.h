/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcscript.h: conversations with the RPC server, written down as text, byte by byte */
#pragma once

#include "rpc/rpc_server.h"

/* A script is lines: a verb in the first column, then the values of its payload, indented. It encodes values by itself,
 * not with rpcgen's code, so that the two check each other.
 *
 *   connect [ro]                     a new connection, on the read-write or the read-only socket
 *   open                             connect, AUTH_LIST, CONNECT_OPEN, with their replies
 *   call PROG NUMBER [type=N] [status=N] [version=N] [bad] [pieces]     PROG: remote, qemu, or a number;
 *                                    bad: its payload is not what the procedure takes; pieces: sent byte by byte
 *   send PROG NUMBER type=N [status=N] [same]                    another message; same: with the last call's serial
 *   reply [status=N] [any]           the next message answers the last call, and this is all of its payload;
 *                                    any: the payload is of the right structure, and differs from host to host
 *   error CODE DOMAIN TEXT           the next message answers the last call with this error; TEXT is part of its message
 *   event PROG NUMBER                the next message is this event
 *   stream STATUS                    the next message is a packet of the last call's stream
 *   ping                             a PING, and the next message is its PONG: so nothing else was sent before
 *   raw                              these bytes, without a header
 *   closed                           the server closes the connection
 *   start, stop                      run the double's domain, or end it
 *   emit ID [event=N] [detail=N] [flags=N] [value=N] [text1=S] [text2=S]     the driver reports an event
 *   console                          the values appear on the other side of the console
 *   type                             the values are written there
 *
 *   u32 N, i32 N, u64 N, i64 N, double X, str "S", chars N "S" (a fixed array), hex H, uuid, dom ID (the double's),
 *   some, none (before or instead of an optional value), repeat N BYTE */

typedef struct {
    RpcServer *server;          /* lives in another thread's loop */
    GMainContext *context;
    QemuDriver *driver;
} RpcScriptServer;

/* Run @path against @server. Fails the running test with file and line. Adds "PROGRAM NUMBER" of every procedure
 * that was answered to @seen. */
void rpcScriptRun(const char *path, RpcScriptServer *server, GHashTable *seen);

/* A connected socket to @server, with a receive time limit. */
int rpcScriptConnect(RpcScriptServer *server, gboolean readonly);

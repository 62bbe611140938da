/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_pool.h: a bounded set of worker threads with lanes for work that never waits and for work that ends waiting */
#pragma once

#include <glib.h>

/* Workers come when there is work and none is free, up to the limit, and leave after a while without. Work in the slow lane can
 * block for long (QEMU does not answer), so it never gets the last workers: those are for work that cannot. Nor does work for
 * one guest get more than RPC_POOL_PER_GUEST of them, however many clients ask: a guest that is stuck holds up its own calls.
 * Work that has run for a while is taken for blocked and no longer counts: others are hired in its place, so that many guests
 * that are stuck hold up no other. What puts an end to such a guest passes all that waits, and may take all workers but one. */
typedef struct RpcPool RpcPool;

typedef enum {
    RPC_POOL_QUICK = 0,         /* cannot block */
    RPC_POOL_SLOW,
    RPC_POOL_URGENT,            /* can block, and frees others that do */
} RpcPoolLane;

#define RPC_POOL_PER_GUEST 2

typedef void (*RpcPoolFunc)(gpointer work);

RpcPool *rpcPoolNew(unsigned maxThreads, unsigned reserved, RpcPoolFunc func);
/* Any thread. Work is begun in the order of pushing, within its lane and guest. @guest: any number for it; 0: none. */
void rpcPoolPush(RpcPool *pool, gpointer work, RpcPoolLane lane, guint64 guest);
/* Would a worker begin with that at once, if it were pushed into the slow lane now? Holds until the next push. */
gboolean rpcPoolIsFree(RpcPool *pool, guint64 guest);
/* No more will be pushed. @context is woken whenever a thread has ended. */
void rpcPoolStop(RpcPool *pool, GMainContext *context);
/* Threads that have not ended; after rpcPoolStop 0 means that all work is done. */
unsigned rpcPoolThreads(RpcPool *pool);
/* When no threads are left. */
void rpcPoolFree(RpcPool *pool);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_pool.c: a bounded set of worker threads with a lane for work that never waits */
#include "rpc/rpc_pool.h"

#define IDLE_SECONDS 20

/* All fields under lock but the first three, which never change. */
struct RpcPool {
    unsigned maxThreads, maxWaiting;
    RpcPoolFunc func;
    GMutex lock;
    GCond work;
    GQueue quick, slow;
    unsigned threads, idle;
    unsigned waiting;           /* workers that run work of the slow lane */
    gboolean stopping;
    GMainContext *context;      /* borrowed; set with stopping */
};

static gboolean hasWork(RpcPool *pool)
{
    return !g_queue_is_empty(&pool->quick) || (!g_queue_is_empty(&pool->slow) && pool->waiting < pool->maxWaiting);
}

/* With the lock held, which is dropped while the work runs. */
static void runOne(RpcPool *pool)
{
    gpointer work = g_queue_pop_head(&pool->quick);
    gboolean slow = work == NULL;
    if (slow) {
        work = g_queue_pop_head(&pool->slow);
        pool->waiting++;
    }
    g_mutex_unlock(&pool->lock);
    pool->func(work);
    g_mutex_lock(&pool->lock);
    if (slow)
        pool->waiting--;
}

static gpointer worker(gpointer opaque)
{
    RpcPool *pool = opaque;

    g_mutex_lock(&pool->lock);
    for (;;) {
        while (hasWork(pool))
            runOne(pool);
        if (pool->stopping)
            break;
        gint64 deadline = g_get_monotonic_time() + IDLE_SECONDS * G_TIME_SPAN_SECOND;
        pool->idle++;
        gboolean woken = TRUE;
        while (woken && !hasWork(pool) && !pool->stopping)
            woken = g_cond_wait_until(&pool->work, &pool->lock, deadline);
        pool->idle--;
        if (!woken && !hasWork(pool))
            break;
    }
    pool->threads--;
    if (pool->context)
        g_main_context_wakeup(pool->context);
    g_mutex_unlock(&pool->lock);
    return NULL;
}

RpcPool *rpcPoolNew(unsigned maxThreads, unsigned reserved, RpcPoolFunc func)
{
    RpcPool *pool = g_new0(RpcPool, 1);
    pool->maxThreads = maxThreads;
    pool->maxWaiting = maxThreads - reserved;
    pool->func = func;
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->work);
    g_queue_init(&pool->quick);
    g_queue_init(&pool->slow);
    return pool;
}

void rpcPoolPush(RpcPool *pool, gpointer work, gboolean mayWait)
{
    g_mutex_lock(&pool->lock);
    g_queue_push_tail(mayWait ? &pool->slow : &pool->quick, work);
    if (hasWork(pool)) {
        unsigned queued = pool->quick.length + pool->slow.length;
        if (pool->idle >= queued || pool->threads >= pool->maxThreads) {
            g_cond_signal(&pool->work);
        } else {
            GThread *thread = g_thread_try_new("call", worker, pool, NULL);
            if (thread) {
                pool->threads++;
                g_thread_unref(thread);
            }
        }
    }
    g_mutex_unlock(&pool->lock);
}

void rpcPoolStop(RpcPool *pool, GMainContext *context)
{
    g_mutex_lock(&pool->lock);
    pool->stopping = TRUE;
    pool->context = context;
    g_cond_broadcast(&pool->work);
    g_mutex_unlock(&pool->lock);
}

unsigned rpcPoolThreads(RpcPool *pool)
{
    g_mutex_lock(&pool->lock);
    unsigned threads = pool->threads;
    g_mutex_unlock(&pool->lock);
    return threads;
}

void rpcPoolFree(RpcPool *pool)
{
    g_mutex_clear(&pool->lock);
    g_cond_clear(&pool->work);
    g_free(pool);
}

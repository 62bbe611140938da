/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_pool.c: a bounded set of worker threads with lanes for work that never waits and for work that ends waiting */
#include "rpc/rpc_pool.h"

#define IDLE_SECONDS 20
#define THREADS_MAX 256
/* Work that runs for longer than this is taken for blocked. */
#define BLOCKED_US (G_USEC_PER_SEC / 4)

typedef struct {
    gpointer work;
    guint64 guest;
} Slow;

typedef struct {
    guint64 guest;              /* 0: none, or urgent */
    gint64 since;               /* monotonic, microseconds */
} Running;

/* All fields under lock but the first three, which never change. */
struct RpcPool {
    unsigned maxThreads, maxWaiting;
    RpcPoolFunc func;
    GMutex lock;
    GCond work;
    GQueue quick;               /* work */
    GQueue urgent;              /* work */
    GQueue slow;                /* Slow */
    Running running[THREADS_MAX];   /* what @waiting workers run, in no order */
    unsigned threads, idle;
    unsigned watching;          /* of the idle: those that look again soon, for work that is held back */
    unsigned waiting;           /* workers that run work of the slow or the urgent lane */
    gboolean stopping;
    GMainContext *context;      /* borrowed; set with stopping */
};

static unsigned blocked(const RpcPool *pool)
{
    gint64 before = g_get_monotonic_time() - BLOCKED_US;
    unsigned count = 0;
    for (unsigned i = 0; i < pool->waiting; i++)
        count += pool->running[i].since < before;
    return count;
}

static void slowBegan(RpcPool *pool, guint64 guest)
{
    pool->running[pool->waiting++] = (Running){ guest, g_get_monotonic_time() };
}

static gboolean mayRun(const RpcPool *pool, guint64 guest)
{
    unsigned running = 0;
    for (unsigned i = 0; guest != 0 && i < pool->waiting; i++)
        running += pool->running[i].guest == guest;
    return running < RPC_POOL_PER_GUEST;
}

/* The slow work that is next, still in the queue; NULL: none may run now. */
static GList *nextSlow(RpcPool *pool)
{
    if (pool->waiting >= pool->maxWaiting && pool->waiting - blocked(pool) >= pool->maxWaiting)
        return NULL;
    for (GList *l = pool->slow.head; l; l = l->next) {
        if (mayRun(pool, ((Slow *)l->data)->guest))
            return l;
    }
    return NULL;
}

static gboolean mayRunUrgent(const RpcPool *pool)
{
    return pool->urgent.length > 0 && pool->waiting - blocked(pool) + 1 < pool->maxThreads;
}

static gboolean hasWork(RpcPool *pool)
{
    return !g_queue_is_empty(&pool->quick) || mayRunUrgent(pool) || nextSlow(pool) != NULL;
}

static void slowEnded(RpcPool *pool, guint64 guest)
{
    unsigned at = 0;
    while (pool->running[at].guest != guest)
        at++;
    pool->running[at] = pool->running[--pool->waiting];
}

/* Is there work that may not run now, but may when what runs turns out to be blocked? Somebody has to look again. */
static gboolean isHeldBack(const RpcPool *pool)
{
    return pool->slow.length + pool->urgent.length > 0;
}

static gpointer worker(gpointer opaque);

/* Another worker. FALSE: there may be no more. */
static gboolean hire(RpcPool *pool)
{
    GThread *thread = NULL;

    if (pool->threads < MIN(pool->maxThreads + blocked(pool), THREADS_MAX))
        thread = g_thread_try_new("call", worker, pool, NULL);
    if (!thread)
        return FALSE;
    pool->threads++;
    g_thread_unref(thread);
    return TRUE;
}

/* With the lock held, which is dropped while the work runs. There is work. */
static void runOne(RpcPool *pool)
{
    gpointer work = g_queue_pop_head(&pool->quick);
    guint64 guest = 0;
    gboolean slow = work == NULL;
    if (slow && mayRunUrgent(pool)) {
        work = g_queue_pop_head(&pool->urgent);
        slowBegan(pool, 0);
    } else if (slow) {
        GList *link = nextSlow(pool);
        g_autofree Slow *next = link->data;
        g_queue_delete_link(&pool->slow, link);
        work = next->work;
        guest = next->guest;
        slowBegan(pool, guest);
    }
    if (isHeldBack(pool) && pool->idle == 0)
        hire(pool);
    g_mutex_unlock(&pool->lock);
    pool->func(work);
    g_mutex_lock(&pool->lock);
    if (slow)
        slowEnded(pool, guest);
}

/* With the lock held, which is dropped while waiting. FALSE: there was no work for long. */
static gboolean waitForWork(RpcPool *pool)
{
    gint64 leave = g_get_monotonic_time() + IDLE_SECONDS * G_TIME_SPAN_SECOND;
    gint64 now;

    pool->idle++;
    while (!hasWork(pool) && !pool->stopping && ((now = g_get_monotonic_time()) < leave || isHeldBack(pool))) {
        gboolean watching = isHeldBack(pool);

        pool->watching += watching;
        g_cond_wait_until(&pool->work, &pool->lock, watching ? now + BLOCKED_US : leave);
        pool->watching -= watching;
    }
    pool->idle--;
    return hasWork(pool) || pool->stopping;
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
        if (!waitForWork(pool))
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
    pool->maxThreads = MIN(maxThreads, THREADS_MAX);
    pool->maxWaiting = pool->maxThreads - reserved;
    pool->func = func;
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->work);
    g_queue_init(&pool->quick);
    g_queue_init(&pool->urgent);
    g_queue_init(&pool->slow);
    return pool;
}

static void enqueue(RpcPool *pool, gpointer work, RpcPoolLane lane, guint64 guest)
{
    switch (lane) {
    case RPC_POOL_QUICK:
        g_queue_push_tail(&pool->quick, work);
        break;
    case RPC_POOL_URGENT:
        g_queue_push_tail(&pool->urgent, work);
        break;
    case RPC_POOL_SLOW: {
        Slow *slow = g_new0(Slow, 1);
        slow->work = work;
        slow->guest = guest;
        g_queue_push_tail(&pool->slow, slow);
        break;
    }
    }
}

void rpcPoolPush(RpcPool *pool, gpointer work, RpcPoolLane lane, guint64 guest)
{
    unsigned queued;

    g_mutex_lock(&pool->lock);
    enqueue(pool, work, lane, guest);
    queued = pool->quick.length + pool->urgent.length + pool->slow.length;
    if (hasWork(pool)) {
        if (pool->idle >= queued || !hire(pool))
            g_cond_signal(&pool->work);
    } else if (pool->idle == 0) {
        hire(pool);
    } else if (pool->watching == 0) {
        g_cond_signal(&pool->work);
    }
    g_mutex_unlock(&pool->lock);
}

gboolean rpcPoolIsFree(RpcPool *pool, guint64 guest)
{
    g_mutex_lock(&pool->lock);
    gboolean isFree = g_queue_is_empty(&pool->quick) && g_queue_is_empty(&pool->urgent) && g_queue_is_empty(&pool->slow) &&
                      pool->waiting < pool->maxWaiting && mayRun(pool, guest) && (pool->idle > 0 || pool->threads < pool->maxThreads);
    g_mutex_unlock(&pool->lock);
    return isFree;
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

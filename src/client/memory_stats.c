/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_stats.c: statistics of many guests in one call
 *
 * libvirt asks one QEMU after the other, and one that does not answer holds the call up. So the bulk call is made in a
 * thread. When that is late, a second one goes out on the same connection, with the flag that passes over guests that
 * are busy with another job, as the stuck one is with the first call: it comes back with all the others complete. The first
 * thread stays until its call returns, and frees what nobody waits for any more. */
#include "client/memory_stats.h"

#include <string.h>

#include "client/memory_error.h"
#include "client/memory_inventory.h"

#define STALE_MS 10000
#define DEADLINE_MS 2000
/* What a daemon may need to come back without the guests that do not answer. */
#define SECOND_MS 2000
#define WHAT (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON)

/* ---- rows: pure ---- */

static guint64 get(const virDomainStatsRecord *record, const char *name)
{
    unsigned long long value = VIR_MEM_UNKNOWN;

    return virTypedParamsGetULLong(record->params, record->nparams, name, &value) == 1 ? value : VIR_MEM_UNKNOWN;
}

static int stateOf(const virMemStatsRow *row, gboolean complete, guint64 staleMs)
{
    if (row->id < 0)
        return VIR_MEM_STATS_OFF;
    if (!complete)
        return VIR_MEM_STATS_STUCK;
    if (row->guestTotalKib == VIR_MEM_UNKNOWN)
        return VIR_MEM_STATS_NO_REPORT;
    return row->ageMs < 0 || (guint64) row->ageMs > staleMs ? VIR_MEM_STATS_STALE : VIR_MEM_STATS_FRESH;
}

static guint64 less(guint64 a, guint64 b)
{
    if (a == VIR_MEM_UNKNOWN || b == VIR_MEM_UNKNOWN)
        return VIR_MEM_UNKNOWN;
    return a > b ? a - b : 0;
}

void memoryStatsFill(virMemStatsRow *row, const virDomainStatsRecord *record, gint64 nowSeconds, guint64 staleMs)
{
    guint64 updated = get(record, "balloon.last-update");

    row->promisedKib = get(record, "balloon.maximum");
    row->currentKib = get(record, "balloon.current");
    row->pluggedKib = row->balloonKib = VIR_MEM_UNKNOWN;
    if (row->id >= 0 && row->currentKib != VIR_MEM_UNKNOWN && row->currentKib == row->promisedKib) {
        row->pluggedKib = row->promisedKib;
        row->balloonKib = 0;
    }
    row->residentKib = get(record, "balloon.rss");
    row->guestTotalKib = get(record, "balloon.available");
    row->guestUnusedKib = get(record, "balloon.unused");
    row->guestAvailableKib = get(record, "balloon.usable");
    if (row->guestAvailableKib == VIR_MEM_UNKNOWN)
        row->guestAvailableKib = row->guestUnusedKib;
    row->usedKib = less(row->guestTotalKib, row->guestAvailableKib);
    row->reclaimableKib = less(row->guestAvailableKib, row->guestUnusedKib);
    row->cachesKib = get(record, "balloon.disk_caches");
    row->swapInKib = get(record, "balloon.swap_in");
    row->swapOutKib = get(record, "balloon.swap_out");
    row->majorFaults = get(record, "balloon.major_fault");
    row->minorFaults = get(record, "balloon.minor_fault");
    row->ageMs = updated == VIR_MEM_UNKNOWN || updated == 0 ? -1 : MAX(nowSeconds - (gint64) updated, 0) * 1000;
    /* libvirtd tells the resident size only of a guest that it could ask. */
    row->state = stateOf(row, row->residentKib != VIR_MEM_UNKNOWN, staleMs);
}

void memoryStatsFillPlugged(virMemStatsRow *row, const virMemInventory *inventory)
{
    if (!inventory)
        return;
    row->pluggedKib = inventory->balloonTopKib + memoryInventoryPluggedKib(inventory);
    row->balloonKib = less(row->pluggedKib, inventory->current.kib);
}

/* ---- the bulk call ---- */

typedef struct {
    GMutex lock;
    GCond done;
    gboolean finished;                  /* under lock */
    virConnectPtr conn;                 /* counted; immutable */
    virDomainPtr *doms;                 /* counted, NULL: all; immutable */
    unsigned flags;
    virDomainStatsRecordPtr *records;   /* under lock */
    int count;                          /* under lock; -1: failed */
    virMemError error;                  /* under lock */
} Ask;

static void askClear(gpointer data)
{
    Ask *ask = data;

    if (ask->records)
        virDomainStatsRecordListFree(ask->records);
    for (size_t i = 0; ask->doms && ask->doms[i]; i++)
        virDomainFree(ask->doms[i]);
    g_free(ask->doms);
    virConnectClose(ask->conn);
    g_mutex_clear(&ask->lock);
    g_cond_clear(&ask->done);
}

static void askUnref(gpointer ask)
{
    g_atomic_rc_box_release_full(ask, askClear);
}

static gpointer askThread(gpointer data)
{
    Ask *ask = data;
    virDomainStatsRecordPtr *records = NULL;
    virMemError error;
    int count = ask->doms ? virDomainListGetStats(ask->doms, WHAT, &records, ask->flags & ~VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
                          : virConnectGetAllDomainStats(ask->conn, WHAT, &records, ask->flags);

    memoryErrorClear(&error);
    if (count < 0)
        memoryErrorFromLibvirt(&error, ask->conn);
    g_mutex_lock(&ask->lock);
    ask->records = records;
    ask->count = count;
    ask->error = error;
    ask->finished = TRUE;
    g_cond_broadcast(&ask->done);
    g_mutex_unlock(&ask->lock);
    askUnref(ask);
    return NULL;
}

static Ask *askNew(virConnectPtr conn, virDomainPtr *doms, unsigned flags)
{
    Ask *ask = g_atomic_rc_box_new0(Ask);
    size_t count = 0;

    g_mutex_init(&ask->lock);
    g_cond_init(&ask->done);
    virConnectRef(conn);
    ask->conn = conn;
    ask->flags = flags;
    while (doms && doms[count])
        count++;
    if (doms)
        ask->doms = g_new0(virDomainPtr, count + 1);
    for (size_t i = 0; i < count; i++) {
        virDomainRef(doms[i]);
        ask->doms[i] = doms[i];
    }
    return ask;
}

/* TRUE if the answer is there by the deadline; the caller keeps its reference in either case. */
static gboolean askRun(Ask *ask, guint deadlineMs, virMemError *err)
{
    gint64 until = g_get_monotonic_time() + (gint64) deadlineMs * 1000;
    GError *error = NULL;
    gboolean inTime = TRUE;

    GThread *thread = g_thread_try_new("virMem stats", askThread, g_atomic_rc_box_acquire(ask), &error);
    if (!thread) {
        askUnref(ask);
        memoryErrorFromGError(err, VIR_MEM_ERR_SYSTEM, error);
        ask->count = -1;
        return TRUE;
    }
    g_thread_unref(thread);
    g_mutex_lock(&ask->lock);
    while (!ask->finished && inTime)
        inTime = g_cond_wait_until(&ask->done, &ask->lock, until);
    gboolean finished = ask->finished;
    g_mutex_unlock(&ask->lock);
    return finished;
}

/* Without a date a guest has no balloon to be asked, or did not answer: libvirt knows which without asking it. */
static gboolean isSilent(const virDomainStatsRecord *record, const virMemInventory *inventory)
{
    return get(record, "balloon.last-update") == VIR_MEM_UNKNOWN && inventory && strcmp(inventory->balloonModel, "none") != 0;
}

/* What the bulk call leaves open. */
static void completeRow(virMemStatsRow *row, const virDomainStatsRecord *record)
{
    gboolean maybeSilent = row->state == VIR_MEM_STATS_NO_REPORT && get(record, "balloon.last-update") == VIR_MEM_UNKNOWN;

    if (row->state == VIR_MEM_STATS_OFF || row->state == VIR_MEM_STATS_STUCK || (row->pluggedKib != VIR_MEM_UNKNOWN && !maybeSilent))
        return;
    char *xml = virDomainGetXMLDesc(record->dom, 0);
    g_autoptr(virMemInventory) inventory = xml ? memoryInventoryParse(xml, TRUE, NULL) : NULL;
    free(xml);
    memoryStatsFillPlugged(row, inventory);
    if (maybeSilent && isSilent(record, inventory))
        row->state = VIR_MEM_STATS_STUCK;
}

static void addRow(GPtrArray *rows, const virDomainStatsRecord *record, gint64 nowSeconds, guint64 staleMs)
{
    virMemStatsRow *row = g_new0(virMemStatsRow, 1);
    unsigned id = virDomainGetID(record->dom);

    row->name = g_strdup(virDomainGetName(record->dom));
    virDomainGetUUIDString(record->dom, row->uuid);
    row->id = id == (unsigned) -1 ? -1 : (int) id;
    memoryStatsFill(row, record, nowSeconds, staleMs);
    completeRow(row, record);
    g_ptr_array_add(rows, row);
}

static virMemStats *collect(const Ask *ask, guint64 staleMs)
{
    virMemStats *stats = g_new0(virMemStats, 1);
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    gint64 nowSeconds = g_get_real_time() / G_USEC_PER_SEC;

    for (int i = 0; i < ask->count; i++)
        addRow(rows, ask->records[i], nowSeconds, staleMs);
    for (guint i = 0; i < rows->len; i++)
        stats->nstuck += ((virMemStatsRow *) rows->pdata[i])->state == VIR_MEM_STATS_STUCK;
    stats->nrows = rows->len;
    stats->rows = (virMemStatsRow **) g_ptr_array_free(g_steal_pointer(&rows), FALSE);
    return stats;
}

static int take(Ask *ask, guint64 staleMs, virMemStats **stats, virMemError *err)
{
    if (ask->count < 0) {
        if (err && ask->error.code < 0)
            *err = ask->error;
        return err && err->code < 0 ? err->code : ask->error.code < 0 ? ask->error.code : VIR_MEM_ERR_SYSTEM;
    }
    *stats = collect(ask, staleMs);
    return VIR_MEM_OK;
}

int virMemGetStats(virConnectPtr conn, virDomainPtr *doms, unsigned int staleMs, unsigned int deadlineMs,
                   unsigned int flags, virMemStats **stats, virMemError *err)
{
    unsigned which = flags & VIR_MEM_STATS_INACTIVE ? 0 : VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE;

    memoryErrorClear(err);
    if (!conn || !stats)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "%s must be given", conn ? "'stats'" : "'conn'");
    if (flags & ~VIR_MEM_STATS_INACTIVE)
        return memoryErrorSet(err, VIR_MEM_ERR_INVALID_ARG, "flags '%#x' are not those of statistics", flags);
    staleMs = staleMs ? staleMs : STALE_MS;
    deadlineMs = deadlineMs ? deadlineMs : DEADLINE_MS;

    /* Never waiting for a job: a guest that some earlier call is stuck in costs nothing. */
    Ask *first = askNew(conn, doms, which | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT), *second = NULL;
    gboolean inTime = askRun(first, deadlineMs, err);
    if (!inTime) {
        second = askNew(conn, doms, which | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
        inTime = askRun(second, MAX(deadlineMs, SECOND_MS), err);
    }
    int code = inTime ? take(second ? second : first, staleMs, stats, err)
                      : memoryErrorSet(err, VIR_MEM_ERR_LOST, "libvirt did not answer within %u ms", deadlineMs + MAX(deadlineMs, SECOND_MS));
    askUnref(first);
    if (second)
        askUnref(second);
    return code;
}

void virMemStatsFree(virMemStats *stats)
{
    if (!stats)
        return;
    for (size_t i = 0; i < stats->nrows; i++) {
        g_free(stats->rows[i]->name);
        g_free(stats->rows[i]);
    }
    g_free(stats->rows);
    g_free(stats);
}

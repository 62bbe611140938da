/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_bulk.c: statistics of many domains in one call */
#define G_LOG_DOMAIN "qemu/qemu_driver_bulk"
#include "qemu/qemu_driver.h"

#include "conf/disk_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "qemu/qemu_driver_stats.h"
#include "qemu/qemu_spawn.h"

#include <string.h>

/* Two rounds: first every domain's questions are sent, then answers are collected under one deadline. The cost is the slowest
 * guest, not the sum; a guest that does not answer loses the figures it was asked for and no others. */

#define BULK_WAIT_US (5 * G_USEC_PER_SEC)
/* With the flag NOWAIT incomplete rows are better than late ones. */
#define BULK_NOWAIT_US G_USEC_PER_SEC

/* One domain between the rounds. */
typedef struct {
    QemuDomain *dom;
    QemuDomainStats *stats;
    QemuMonitorCall *balloonCall, *blockCall, *dirtyRateCall;
} Row;

static void rowClear(gpointer data)
{
    Row *row = data;

    if (row->balloonCall)
        qemuMonitorForget(row->balloonCall);
    if (row->blockCall)
        qemuMonitorForget(row->blockCall);
    if (row->dirtyRateCall)
        qemuMonitorForget(row->dirtyRateCall);
    qemuDomainRelease(row->dom);
}

static void statsFree(gpointer data)
{
    QemuDomainStats *stats = data;

    qemuDomainRefClear(&stats->dom);
    g_clear_pointer(&stats->params, g_array_unref);
    g_free(stats);
}

/* ---- fields ---- */

static void addInt(Row *row, const char *field, gint64 value)
{
    qemuParamsAdd(row->stats->params, field, VIR_TYPED_PARAM_INT)->i = value;
}

static void addUint(Row *row, const char *field, guint64 value)
{
    qemuParamsAdd(row->stats->params, field, VIR_TYPED_PARAM_UINT)->u = value;
}

static void addLlong(Row *row, const char *field, gint64 value)
{
    qemuParamsAdd(row->stats->params, field, VIR_TYPED_PARAM_LLONG)->i = value;
}

static void addUllong(Row *row, const char *field, guint64 value)
{
    qemuParamsAdd(row->stats->params, field, VIR_TYPED_PARAM_ULLONG)->u = value;
}

static void addString(Row *row, const char *field, const char *value)
{
    qemuParamsAdd(row->stats->params, field, VIR_TYPED_PARAM_STRING)->s = g_strdup(value);
}

static const char *numbered(char *buffer, gsize size, const char *group, gsize index, const char *field)
{
    g_snprintf(buffer, (gulong)size, "%s.%" G_GSIZE_FORMAT ".%s", group, index, field);
    return buffer;
}

/* ---- first round: under lock ---- */

static void askState(Row *row)
{
    addInt(row, "state.state", row->dom->state);
    addInt(row, "state.reason", row->dom->reason);
}

static void askCpu(Row *row)
{
    QemuSpawnStat stat;

    if (!row->dom->live || !qemuSpawnStat(row->dom->process.pid, 0, &stat))
        return;
    addUllong(row, "cpu.time", stat.userNs + stat.systemNs);
    addUllong(row, "cpu.user", stat.userNs);
    addUllong(row, "cpu.system", stat.systemNs);
}

static void askBalloon(Row *row)
{
    const DomainDef *def = qemuDomainDef(row->dom);

    addUllong(row, "balloon.current", def->memory.currentKib);
    addUllong(row, "balloon.maximum", def->memory.totalKib);
    if (row->dom->live && row->dom->mon && qemuDomainHasBalloon(def))
        row->balloonCall = qemuMonitorSendBalloonStats(row->dom->mon, def->balloon->info.alias);
}

static void askVcpu(Row *row)
{
    QemuDomain *dom = row->dom;
    const DomainDef *def = qemuDomainDef(dom);
    char field[80];

    addUint(row, "vcpu.current", qemuDomainVcpus(def));
    addUint(row, "vcpu.maximum", def->vcpus.max);
    for (gsize i = 0; dom->live && i < qemuDomainVcpus(def); i++) {
        QemuSpawnStat stat;
        guint64 delayNs;
        pid_t thread;

        addInt(row, numbered(field, sizeof field, "vcpu", i, "state"), VIR_VCPU_RUNNING);
        if (!dom->vcpuThreads || i >= dom->vcpuThreads->len)
            continue;
        thread = (pid_t)g_array_index(dom->vcpuThreads, gint64, i);
        if (qemuSpawnStat(dom->process.pid, thread, &stat))
            addUllong(row, numbered(field, sizeof field, "vcpu", i, "time"), stat.userNs + stat.systemNs);
        if (qemuSpawnDelay(dom->process.pid, thread, &delayNs))
            addUllong(row, numbered(field, sizeof field, "vcpu", i, "delay"), delayNs);
    }
}

static void askInterface(Row *row)
{
    static const char *const fields[8] = {
        "rx.bytes", "rx.pkts", "rx.errs", "rx.drop", "tx.bytes", "tx.pkts", "tx.errs", "tx.drop",
    };
    const DomainDef *live = row->dom->live;
    char field[80];

    if (!live)
        return;
    addUint(row, "net.count", live->nnets);
    for (gsize i = 0; i < live->nnets; i++) {
        gint64 values[8];

        if (!live->nets[i]->target)
            continue;
        addString(row, numbered(field, sizeof field, "net", i, "name"), live->nets[i]->target);
        qemuInterfaceStats(live->nets[i]->target, values);
        for (gsize k = 0; k < G_N_ELEMENTS(fields); k++) {
            if (values[k] >= 0)
                addUllong(row, numbered(field, sizeof field, "net", i, fields[k]), (guint64)values[k]);
        }
    }
}

static void addBlock(Row *row, gsize index, const DiskDef *disk, const QemuMonitorBlockStats *stats)
{
    char field[80];

    addString(row, numbered(field, sizeof field, "block", index, "name"), disk->target);
    if (disk->source)
        addString(row, numbered(field, sizeof field, "block", index, "path"), disk->source);
    if (!stats)
        return;
    addUllong(row, numbered(field, sizeof field, "block", index, "rd.reqs"), (guint64)stats->readRequests);
    addUllong(row, numbered(field, sizeof field, "block", index, "rd.bytes"), (guint64)stats->readBytes);
    addUllong(row, numbered(field, sizeof field, "block", index, "rd.times"), (guint64)stats->readNs);
    addUllong(row, numbered(field, sizeof field, "block", index, "wr.reqs"), (guint64)stats->writeRequests);
    addUllong(row, numbered(field, sizeof field, "block", index, "wr.bytes"), (guint64)stats->writeBytes);
    addUllong(row, numbered(field, sizeof field, "block", index, "wr.times"), (guint64)stats->writeNs);
    addUllong(row, numbered(field, sizeof field, "block", index, "fl.reqs"), (guint64)stats->flushRequests);
    addUllong(row, numbered(field, sizeof field, "block", index, "fl.times"), (guint64)stats->flushNs);
}

static void askBlock(Row *row)
{
    QemuDomain *dom = row->dom;
    const DomainDef *def = qemuDomainDef(dom);

    addUint(row, "block.count", def->ndisks);
    for (gsize i = 0; !dom->live && i < def->ndisks; i++)
        addBlock(row, i, def->disks[i], NULL);
    if (dom->live && def->ndisks > 0 && dom->mon)
        row->blockCall = qemuMonitorSend(dom->mon, "query-blockstats", NULL);
}

static void askDirtyRate(Row *row)
{
    if (row->dom->live && row->dom->mon)
        row->dirtyRateCall = qemuMonitorSend(row->dom->mon, "query-dirty-rate", NULL);
}

static const struct {
    unsigned bit;
    void (*ask)(Row *row);              /* NULL: known, and there is nothing to tell of our kind of guest */
} groups[] = {
    { VIR_DOMAIN_STATS_STATE, askState },         { VIR_DOMAIN_STATS_CPU_TOTAL, askCpu },
    { VIR_DOMAIN_STATS_BALLOON, askBalloon },     { VIR_DOMAIN_STATS_VCPU, askVcpu },
    { VIR_DOMAIN_STATS_INTERFACE, askInterface }, { VIR_DOMAIN_STATS_BLOCK, askBlock },
    { VIR_DOMAIN_STATS_PERF, NULL },              { VIR_DOMAIN_STATS_IOTHREAD, NULL },
    { VIR_DOMAIN_STATS_MEMORY, NULL },            { VIR_DOMAIN_STATS_DIRTYRATE, askDirtyRate },
    { VIR_DOMAIN_STATS_VM, NULL },
};

static unsigned knownGroups(void)
{
    unsigned known = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        known |= groups[i].bit;
    return known;
}

/* As libvirt has it, only a QEMU that runs can say whether it has these. */
#define GROUPS_OF_RUNNING (VIR_DOMAIN_STATS_DIRTYRATE | VIR_DOMAIN_STATS_IOTHREAD | VIR_DOMAIN_STATS_VM)

static gboolean checkRunning(const Row *row, unsigned stats, unsigned flags, GError **err)
{
    unsigned missing = row->dom->live ? 0 : stats & GROUPS_OF_RUNNING;

    if (!missing || !(flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS))
        return TRUE;
    memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "Stats types bits 0x%x are not supported of domain '%s': it does not run", missing,
                row->dom->name);
    return FALSE;
}

/* *@wanted FALSE: it does not pass the filter, or is gone. */
static gboolean rowAsk(Row *row, unsigned stats, unsigned flags, gboolean *wanted, GError **err)
{
    g_auto(QemuGuard) guard = qemuGuardLock(row->dom);

    *wanted = !row->dom->removed && qemuDomainDef(row->dom) && qemuDriverPassesFilter(row->dom, flags & 0xffffu);
    if (!*wanted || !checkRunning(row, stats, flags, err))
        return !*wanted;
    row->stats = g_new0(QemuDomainStats, 1);
    row->stats->params = qemuParamsNew();
    qemuDomainFillRef(row->dom, &row->stats->dom);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        if (groups[i].ask && (!stats || (stats & groups[i].bit)))
            groups[i].ask(row);
    }
    return TRUE;
}

/* ---- second round ---- */

static void answerBalloon(Row *row, gint64 deadline)
{
    QemuMonitorBalloonStats balloon;
    g_autoptr(GError) error = NULL;
    QemuSpawnStat process;
    pid_t pid;

    if (row->balloonCall) {
        if (!qemuMonitorFinishBalloonStats(g_steal_pointer(&row->balloonCall), deadline, &balloon, &error)) {
            g_info("%s: no balloon statistics: %s", row->dom->name, error->message);
        } else {
            for (gsize i = 0; i < QEMU_BALLOON_ROWS; i++) {
                g_autofree char *field = g_strdup_printf("balloon.%s", qemuBalloonRows[i].field);
                guint64 value;

                if (qemuBalloonValue(&qemuBalloonRows[i], &balloon, &value))
                    addUllong(row, field, value);
            }
        }
    }
    g_mutex_lock(&row->dom->lock);
    pid = row->dom->process.pid;
    g_mutex_unlock(&row->dom->lock);
    if (pid > 0 && qemuSpawnStat(pid, 0, &process))
        addUllong(row, "balloon.rss", process.rssKib);
}

static void answerBlock(Row *row, gint64 deadline)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (!row->blockCall)
        return;
    all = qemuMonitorFinishBlockStats(g_steal_pointer(&row->blockCall), deadline, &error);
    if (!all) {
        g_info("%s: no disk statistics: %s", row->dom->name, error->message);
        return;
    }
    g_mutex_lock(&row->dom->lock);
    for (gsize i = 0; row->dom->live && i < row->dom->live->ndisks; i++)
        addBlock(row, i, row->dom->live->disks[i], qemuBlockStatsFor(all, row->dom->live->disks[i]));
    g_mutex_unlock(&row->dom->lock);
}

static void answerDirtyRate(Row *row, gint64 deadline)
{
    g_auto(QemuMonitorDirtyRate) rate = { 0 };
    g_autoptr(GError) error = NULL;
    char field[80];

    if (!row->dirtyRateCall)
        return;
    if (!qemuMonitorFinishDirtyRate(g_steal_pointer(&row->dirtyRateCall), deadline, &rate, &error)) {
        g_info("%s: no dirty rate: %s", row->dom->name, error->message);
        return;
    }
    addInt(row, "dirtyrate.calc_status", (int)rate.status);
    addLlong(row, "dirtyrate.calc_start_time", rate.startSeconds);
    addInt(row, "dirtyrate.calc_period", rate.periodSeconds);
    addString(row, "dirtyrate.calc_mode", qemuDirtyRateModeToString(rate.mode));
    if (rate.status != QEMU_DIRTY_RATE_MEASURED || rate.mibPerSecond < 0)
        return;
    addLlong(row, "dirtyrate.megabytes_per_second", rate.mibPerSecond);
    for (guint i = 0; i < rate.vcpus->len; i++) {
        const QemuMonitorVcpuDirtyRate *vcpu = &g_array_index(rate.vcpus, QemuMonitorVcpuDirtyRate, i);

        addUllong(row, numbered(field, sizeof field, "dirtyrate.vcpu", (gsize)vcpu->vcpu, "megabytes_per_second"),
                  (guint64)vcpu->mibPerSecond);
    }
}

/* ---- the call ---- */

static GPtrArray *chosen(QemuDriver *driver, const unsigned char *uuids, unsigned count)
{
    GPtrArray *doms;

    if (count == 0)
        return qemuDomainListSnapshot(driver->domains);
    doms = g_ptr_array_new_with_free_func((GDestroyNotify)qemuDomainRelease);
    for (unsigned i = 0; i < count; i++) {
        QemuDomain *dom = qemuDomainListFindUuid(driver->domains, uuids + 16 * (gsize)i);

        if (dom)
            g_ptr_array_add(doms, dom);
    }
    return doms;
}

static gboolean checkStats(unsigned stats, unsigned flags, GError **err)
{
    const unsigned known = 0xffffu | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING |
                           VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS;

    if (!qemuDriverCheckFlags(flags, known, "qemuConnectGetAllDomainStats", err))
        return FALSE;
    if (!(flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS) || !(stats & ~knownGroups()))
        return TRUE;
    memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "Stats types bits 0x%x are not supported by this daemon", stats & ~knownGroups());
    return FALSE;
}

/* What is in @rows is the caller's only at the end. */
static void rowsDrop(GArray *rows)
{
    for (guint i = 0; i < rows->len; i++)
        statsFree(g_array_index(rows, Row, i).stats);
}

GPtrArray *qemuDriverGetAllStats(QemuDriver *driver, const unsigned char *uuids, unsigned count, unsigned stats,
                                 unsigned flags, GError **err)
{
    g_autoptr(GPtrArray) doms = NULL;
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(Row));
    GPtrArray *all;
    gint64 deadline;

    if (!checkStats(stats, flags, err))
        return NULL;
    g_array_set_clear_func(rows, rowClear);
    doms = chosen(driver, uuids, count);
    for (guint i = 0; i < doms->len; i++) {
        Row row = { .dom = qemuDomainKeep(g_ptr_array_index(doms, i)) };
        gboolean wanted, fine = rowAsk(&row, stats, flags, &wanted, err);

        if (fine && wanted)
            g_array_append_val(rows, row);
        else
            rowClear(&row);
        if (!fine) {
            rowsDrop(rows);
            return NULL;
        }
    }
    deadline = g_get_monotonic_time() + (flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT ? BULK_NOWAIT_US : BULK_WAIT_US);
    all = g_ptr_array_new_with_free_func(statsFree);
    for (guint i = 0; i < rows->len; i++) {
        Row *row = &g_array_index(rows, Row, i);

        if (!stats || (stats & VIR_DOMAIN_STATS_BALLOON))
            answerBalloon(row, deadline);
        answerBlock(row, deadline);
        answerDirtyRate(row, deadline);
        g_ptr_array_add(all, row->stats);
    }
    return all;
}

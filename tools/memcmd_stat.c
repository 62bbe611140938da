/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_stat.c: dommemstat: all guests' memory in one table, once or as a live view */
#include "cmd_common.h"
#include "out_table.h"
#include "stat_watch.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    Ctl *ctl;
    const Cmd *cmd;
    GPtrArray *doms;            /* the domains named, ending in NULL; NULL: all */
} Stat;

static const TableColumn statColumns[] = {
    { "Guest", "name", FALSE },
    { NULL, "uuid", FALSE },
    { "Promised", "promisedKib", TRUE },
    { "Plugged", "pluggedKib", TRUE },
    { "Resident", "residentKib", TRUE },
    { "Used", "usedKib", TRUE },
    { "Reclaimable", "reclaimableKib", TRUE },
    { "Balloon", "balloonKib", TRUE },
    { NULL, "currentKib", TRUE },
    { NULL, "guestTotalKib", TRUE },
    { NULL, "guestAvailableKib", TRUE },
    { NULL, "guestUnusedKib", TRUE },
    { NULL, "cachesKib", TRUE },
    { NULL, "swapInKib", TRUE },
    { NULL, "swapOutKib", TRUE },
    { "Age", "ageMs", TRUE },
    { "State", "state", FALSE },
    { 0 }
};

static void addRow(Table *table, const virMemStatsRow *row)
{
    g_autofree char *age = row->ageMs < 0 ? NULL : outAge(row->ageMs);

    tableText(table, row->name);
    tableText(table, row->uuid);
    tableKib(table, row->promisedKib);
    tableKib(table, row->pluggedKib);
    tableKib(table, row->residentKib);
    tableKib(table, row->usedKib);
    tableKib(table, row->reclaimableKib);
    tableKib(table, row->balloonKib);
    tableKib(table, row->currentKib);
    tableKib(table, row->guestTotalKib);
    tableKib(table, row->guestAvailableKib);
    tableKib(table, row->guestUnusedKib);
    tableKib(table, row->cachesKib);
    tableKib(table, row->swapInKib);
    tableKib(table, row->swapOutKib);
    tableCell(table, age, row->ageMs < 0 ? NULL : json_object_new_int64(row->ageMs));
    tableText(table, virMemStatsStateName(row->state));
}

static virMemStats *fetch(void *opaque, GError **err)
{
    const Stat *stat = opaque;
    virConnectPtr conn = ctlConnect(stat->ctl, err);
    virMemStats *stats = NULL;
    virMemError error = { 0 };
    unsigned stale = (unsigned)cmdNumber(stat->cmd, "stale", 0) * 1000;

    if (!conn)
        return NULL;
    if (virMemGetStats(conn, stat->doms ? (virDomainPtr *)stat->doms->pdata : NULL, stale, 0,
                       cmdGiven(stat->cmd, "all") || stat->doms ? VIR_MEM_STATS_INACTIVE : 0, &stats, &error) < 0)
        ctlMemError(err, &error);
    return stats;
}

static void freeDomain(gpointer dom)
{
    /* The list ends in NULL. */
    if (dom)
        virDomainFree(dom);
}

static gboolean findDomains(Stat *stat, GError **err)
{
    char *const *names = cmdTexts(stat->cmd, "domain");

    if (!*names)
        return TRUE;
    stat->doms = g_ptr_array_new_with_free_func(freeDomain);
    for (; *names; names++) {
        virDomainPtr dom = ctlFindDomain(stat->ctl, *names, err);
        if (!dom)
            return FALSE;
        g_ptr_array_add(stat->doms, dom);
    }
    g_ptr_array_set_size(stat->doms, (gint)stat->doms->len + 1);
    return TRUE;
}

static void print(const Cmd *cmd, virMemStats *stats, StatSort sort)
{
    g_autoptr(Table) table = tableNew(statColumns);
    g_autofree char *text = NULL;
    MemJson *document;

    statSortRows(stats, sort, cmdGiven(cmd, "reverse"));
    for (gsize i = 0; i < stats->nrows; i++)
        addRow(table, stats->rows[i]);
    if (ctlJson(cmd)) {
        document = memJsonNew();
        memJsonAdd(document, "guests", tableJson(table));
        memJsonAddUint64(document, "stuck", stats->nstuck);
        outPrintJson(document);
        return;
    }
    text = tableFormat(table);
    fputs(text, stdout);
}

/* Without a terminal: one table after the other. */
static gboolean printAgain(Stat *stat, unsigned seconds, StatSort sort, GError **err)
{
    do {
        g_autoptr(virMemStats) stats = fetch(stat, err);
        if (!stats)
            return FALSE;
        print(stat->cmd, stats, sort);
        putchar('\n');
        if (fflush(stdout) != 0) {
            cmdErrorSet(err, CMD_FAILED, "cannot write the output");
            return FALSE;
        }
    } while (statWatchPause(seconds));
    return TRUE;
}

static gboolean show(Stat *stat, GError **err)
{
    StatSort sort = cmdGiven(stat->cmd, "sort") ? (StatSort)cmdChoice(stat->cmd, "sort") : STAT_SORT_NAME;
    unsigned seconds = (unsigned)cmdNumber(stat->cmd, "watch", 0);
    g_autoptr(virMemStats) stats = NULL;

    if (seconds && outLive() && !ctlJson(stat->cmd))
        return statWatch(fetch, stat, seconds, sort, cmdGiven(stat->cmd, "reverse"), err);
    if (seconds)
        return printAgain(stat, seconds, sort, err);
    stats = fetch(stat, err);
    if (stats)
        print(stat->cmd, stats, sort);
    return stats != NULL;
}

static const CmdInfo statInfo = {
    .summary = "show the memory of all guests, once or live",
    .description = "A line for each running guest, or each DOMAIN: what it was promised, what of it is plugged, what the host spends on it, what it "
                   "uses and could give back, what its balloon holds, and how old its own figures are. A guest "
                   "that does not answer is marked and holds up nobody. --watch keeps looking: in a terminal as a live view (s sorts, r "
                   "reverses, q ends it), elsewhere table after table until interrupted.",
};

static const CmdOption statOptions[] = {
    { .name = "domain", .kind = CMD_KIND_STRING, .flags = CMD_POSITIONAL | CMD_MANY, .value = "DOMAIN", .help = "a domain's name, ID or UUID",
      .complete = CMD_COMPLETE_DOMAIN },
    { .name = "all", .help = "guests that are off, too" },
    { .name = "watch", .kind = CMD_KIND_NUMBER, .flags = CMD_BARE, .value = "SECONDS", .min = 1, .max = 86400, .help = "look again after so long (default: 1)" },
    { .name = "sort", .kind = CMD_KIND_CHOICE, .value = "FIGURE", .choices = statSortNames, .help = "what comes first" },
    { .name = "reverse", .help = "turn the order round" },
    { .name = "stale", .kind = CMD_KIND_NUMBER, .value = "SECONDS", .min = 1, .max = 86400, .help = "from which age figures are stale (default: 10)" },
    OPTION_FORMAT,
    { 0 }
};

static gboolean cmdDommemstat(Ctl *ctl, const Cmd *cmd, GError **err)
{
    Stat stat = { .ctl = ctl, .cmd = cmd };
    gboolean ok;

    if (cmdGiven(cmd, "watch"))
        statWatchBegin();
    ok = findDomains(&stat, err) && show(&stat, err);
    if (stat.doms)
        g_ptr_array_unref(stat.doms);
    return ok;
}

const CmdDef statCommands[] = {
    { "dommemstat", &statInfo, statOptions, cmdDommemstat, 0 },
    { 0 }
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_numa.c: -numa: cells with their memory, distances, and the table of latencies and caches (HMAT) */
#include "qemu/qemu_command_memory_priv.h"

#include "util/mem_error.h"

/* ---- cells ---- */

static void appendCpus(GString *node, const MemBitmap *cpus)
{
    int first = memBitmapNext(cpus, -1);

    while (first >= 0) {
        int last = first;

        while (memBitmapIsSet(cpus, (unsigned)last + 1))
            last++;
        g_string_append_printf(node, ",cpus=%d", first);
        if (last > first)
            g_string_append_printf(node, "-%d", last);
        first = memBitmapNext(cpus, last);
    }
}

static gboolean addCell(GPtrArray *argv, const DomainDef *def, gsize cell, gboolean plain, GError **err)
{
    g_autoptr(GString) node = g_string_new(NULL);

    g_string_append_printf(node, "node,nodeid=%" G_GSIZE_FORMAT, cell);
    appendCpus(node, def->numa.cells[cell].cpus);
    if (numaDefHasHmat(&def->numa)) {
        int initiator = numaDefInitiator(&def->numa, cell);

        if (initiator < 0) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "at least one cell of '<numa>' must have CPUs");
            return FALSE;
        }
        g_string_append_printf(node, ",initiator=%d", initiator);
    }
    if (plain)
        g_string_append_printf(node, ",mem=%" G_GUINT64_FORMAT, def->numa.cells[cell].memoryKib / 1024);
    else
        g_string_append_printf(node, ",memdev=ram-node%" G_GSIZE_FORMAT, cell);
    g_ptr_array_add(argv, g_strdup("-numa"));
    g_ptr_array_add(argv, g_strdup(node->str));
    return TRUE;
}

static gboolean addCellObject(GPtrArray *argv, const DomainDef *def, gsize cell, gboolean plain, const QemuCaps *caps,
                              const QemuCommandContext *context, GError **err)
{
    g_autofree char *id = g_strdup_printf("ram-node%" G_GSIZE_FORMAT, cell);
    const QemuMemoryBackend backend = { .node = (int)cell, .alias = id, .id = id, .sizeKib = def->numa.cells[cell].memoryKib };
    g_autoptr(MemJson) threads = NULL;
    g_autoptr(MemJson) object = qemuMemoryBackendBuild(def, &backend, caps, context, &threads, err);

    if (!object)
        return FALSE;
    /* built even if it is not needed: what is wrong with it is wrong with the guest */
    if (!plain) {
        qemuMemoryAddObject(argv, threads);
        qemuMemoryAddObject(argv, object);
    }
    return TRUE;
}

/* ---- distances and HMAT ---- */

static void addNuma(GPtrArray *argv, char *text)
{
    g_ptr_array_add(argv, g_strdup("-numa"));
    g_ptr_array_add(argv, text);
}

static void addDistances(GPtrArray *argv, const NumaDef *numa)
{
    if (!numaDefHasDistances(numa))
        return;
    for (gsize from = 0; from < numa->ncells; from++) {
        for (gsize to = 0; to < numa->ncells; to++)
            addNuma(argv, g_strdup_printf("dist,src=%" G_GSIZE_FORMAT ",dst=%" G_GSIZE_FORMAT ",val=%u", from, to,
                                          numaDefDistance(numa, from, to)));
    }
}

static void addInterconnect(GPtrArray *argv, const NumaInterconnectDef *entry)
{
    static const char *const hierarchies[] = { "memory", "first-level", "second-level", "third-level" };
    g_autofree char *head = g_strdup_printf("hmat-lb,initiator=%u,target=%u,hierarchy=%s,data-type=%s-%s", entry->initiator,
                                            entry->target, hierarchies[MIN(entry->cache, 3)],
                                            numaMemoryLatencyToString(entry->access),
                                            entry->isBandwidth ? "bandwidth" : "latency");

    if (entry->isBandwidth)
        addNuma(argv, g_strdup_printf("%s,bandwidth=%" G_GUINT64_FORMAT "K", head, entry->value));
    else
        addNuma(argv, g_strdup_printf("%s,latency=%" G_GUINT64_FORMAT, head, entry->value));
}

static const char *associativityName(NumaCacheAssociativity associativity)
{
    switch (associativity) {
    case NUMA_CACHE_ASSOCIATIVITY_NONE:
        return "none";
    case NUMA_CACHE_ASSOCIATIVITY_DIRECT:
        return "direct";
    case NUMA_CACHE_ASSOCIATIVITY_FULL:
        return "complex";
    case NUMA_CACHE_ASSOCIATIVITY_LAST:
        break;
    }
    return NULL;
}

static const char *policyName(NumaCachePolicy policy)
{
    switch (policy) {
    case NUMA_CACHE_POLICY_NONE:
        return "none";
    case NUMA_CACHE_POLICY_WRITEBACK:
        return "write-back";
    case NUMA_CACHE_POLICY_WRITETHROUGH:
        return "write-through";
    case NUMA_CACHE_POLICY_LAST:
        break;
    }
    return NULL;
}

static void addCaches(GPtrArray *argv, const NumaDef *numa, gsize cell)
{
    for (gsize i = 0; i < numa->cells[cell].ncaches; i++) {
        const NumaCacheDef *cache = &numa->cells[cell].caches[i];
        GString *text = g_string_new(NULL);

        /* libvirt gives QEMU 32 bits of the size, too */
        g_string_append_printf(text, "hmat-cache,node-id=%" G_GSIZE_FORMAT ",size=%uK,level=%u", cell,
                               (unsigned)cache->sizeKib, cache->level);
        g_string_append_printf(text, ",associativity=%s,policy=%s", associativityName(cache->associativity),
                               policyName(cache->policy));
        if (cache->lineBytes)
            g_string_append_printf(text, ",line=%u", cache->lineBytes);
        addNuma(argv, g_string_free(text, FALSE));
    }
}

/* All that <numatune> names has to be there, even what cells override. */
static gboolean checkTuning(const NumaDef *numa, GError **err)
{
    if (!qemuMemoryCheckHostNodes(numa->nodes, err))
        return FALSE;
    for (gsize i = 0; i < numa->nmemnodes; i++) {
        if (!qemuMemoryCheckHostNodes(numa->memnodes[i].nodes, err))
            return FALSE;
    }
    return TRUE;
}

gboolean qemuCommandMemoryNuma(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                               const QemuCommandContext *context, GError **err)
{
    const NumaDef *numa = &def->numa;
    gboolean plain = qemuMemoryUsesPlainCells(def, caps);

    if (!numa->ncells)
        return TRUE;
    if (!checkTuning(numa, err))
        return FALSE;
    for (gsize i = 0; i < numa->ncells; i++) {
        if (!addCellObject(argv, def, i, plain, caps, context, err) || !addCell(argv, def, i, plain, err))
            return FALSE;
    }
    addDistances(argv, numa);
    for (gsize i = 0; i < numa->ninterconnects; i++)
        addInterconnect(argv, &numa->interconnects[i]);
    for (gsize i = 0; i < numa->ncells; i++)
        addCaches(argv, numa, i);
    return TRUE;
}

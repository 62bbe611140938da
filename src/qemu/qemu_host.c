/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host.c: the host's CPUs, nodes and memory, from /proc and /sys */

#include "qemu/qemu_host.h"
#include "qemu/qemu_host_priv.h"

#include "util/mem_error.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FILE_MAX_BYTES (8 * 1024 * 1024)
#define CPUS_LIMIT 65536
#define NODES_LIMIT 4096

static char *hostRoot;          /* set once, before threads; NULL: "" */

void qemuHostSetRoot(const char *root)
{
    g_free(hostRoot);
    hostRoot = g_strdup(root);
}

static char *pathV(const char *format, va_list args) G_GNUC_PRINTF(1, 0);

static char *pathV(const char *format, va_list args)
{
    g_autofree char *path = g_strdup_vprintf(format, args);

    return g_strconcat(hostRoot ? hostRoot : "", path, NULL);
}

char *qemuHostPath(const char *format, ...)
{
    va_list args;
    char *path;

    va_start(args, format);
    path = pathV(format, args);
    va_end(args);
    return path;
}

char *qemuHostRead(const char *format, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start(args, format);
    path = pathV(format, args);
    va_end(args);
    return memFileRead(path, FILE_MAX_BYTES, NULL, NULL);
}

gboolean qemuHostReadUint64(guint64 *value, const char *format, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start(args, format);
    path = pathV(format, args);
    va_end(args);
    return memFileReadUint64(path, value);
}

/* @value is left alone unless a number stands after "name:", the name at the begin of a line or after a blank. */
gboolean qemuHostField(const char *text, const char *name, guint64 *value)
{
    gsize length = strlen(name);

    for (const char *at = text; (at = strstr(at, name)); at += length) {
        if (at[length] == ':' && (at == text || at[-1] == '\n' || at[-1] == ' ')) {
            *value = g_ascii_strtoull(at + length + 1, NULL, 10);
            return TRUE;
        }
    }
    return FALSE;
}

/* A list such as "0-3,8"; NULL if unreadable. */
static MemBitmap *readSet(const char *file, unsigned limit)
{
    g_autofree char *text = qemuHostRead("%s", file);

    return text ? memBitmapParse(g_strstrip(text), limit, NULL) : NULL;
}

static gboolean hasNuma(void)
{
    g_autofree char *path = qemuHostPath("/sys/devices/system/node/node0");
    g_autofree char *online = qemuHostPath("/sys/devices/system/node/online");

    return g_file_test(path, G_FILE_TEST_IS_DIR) || g_file_test(online, G_FILE_TEST_EXISTS);
}

MemBitmap *qemuHostNodes(void)
{
    MemBitmap *nodes = readSet("/sys/devices/system/node/online", NODES_LIMIT);

    if (nodes && !memBitmapIsEmpty(nodes))
        return nodes;
    memBitmapFree(nodes);
    nodes = memBitmapNew();
    memBitmapSet(nodes, 0);
    return nodes;
}

int qemuHostLastNode(void)
{
    g_autoptr(MemBitmap) nodes = qemuHostNodes();

    return memBitmapLast(nodes);
}

MemBitmap *qemuHostOnlineCpus(unsigned *present)
{
    MemBitmap *online = readSet("/sys/devices/system/cpu/online", CPUS_LIMIT);
    g_autoptr(MemBitmap) all = readSet("/sys/devices/system/cpu/present", CPUS_LIMIT);

    if (!online) {
        online = memBitmapNew();
        memBitmapSet(online, 0);
    }
    if (present)
        *present = (unsigned)(MAX(memBitmapLast(online), all ? memBitmapLast(all) : 0) + 1);
    return online;
}

char *qemuHostMeminfo(int node)
{
    return node < 0 || !hasNuma() ? (node > 0 ? NULL : qemuHostRead("/proc/meminfo"))
                                  : qemuHostRead("/sys/devices/system/node/node%d/meminfo", node);
}

char *qemuHostMachine(void)
{
    struct utsname name;
    char *machine = NULL;

    /* A recorded host says itself what it was. */
    if (hostRoot && *hostRoot && (machine = qemuHostRead("/proc/sys/kernel/arch")))
        return g_strstrip(machine);
    return g_strdup(uname(&name) == 0 ? name.machine : "");
}

static guint64 nodeFieldKib(int node, const char *field)
{
    g_autofree char *text = qemuHostMeminfo(node);
    guint64 kib = 0;

    if (text)
        qemuHostField(text, field, &kib);
    return kib;
}

/* The sum over the nodes, which is what per-node figures add up to. */
static guint64 sumOfNodesKib(const char *field)
{
    g_autoptr(MemBitmap) nodes = qemuHostNodes();
    guint64 sumKib = 0;

    for (int node = memBitmapNext(nodes, -1); node >= 0; node = memBitmapNext(nodes, node))
        sumKib += nodeFieldKib(node, field);
    return sumKib;
}

static int readMhz(void)
{
    g_autofree char *text = qemuHostRead("/proc/cpuinfo");
    const char *at = text ? strstr(text, "cpu MHz") : NULL;

    if (!at || !(at = strchr(at, ':')))
        return 0;
    return (int)g_ascii_strtod(at + 1, NULL);
}

/* How many different values of socket, or of core in one socket, a node's CPUs have. */
static int countDistinct(const GArray *cpus, gboolean cores, int socket)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_autofree gint64 *keys = g_new0(gint64, cpus->len + 1);

    for (guint i = 0; i < cpus->len; i++) {
        const QemuHostCpu *cpu = &g_array_index(cpus, QemuHostCpu, i);

        if (cores && cpu->socket != socket)
            continue;
        keys[i] = cores ? ((gint64)cpu->die << 32) + cpu->core : cpu->socket;
        g_hash_table_add(seen, &keys[i]);
    }
    return (int)g_hash_table_size(seen);
}

static void addNodeToInfo(QemuHostInfo *info, const QemuHostNode *node)
{
    info->sockets = MAX(info->sockets, countDistinct(node->cpus, FALSE, 0));
    for (guint i = 0; i < node->cpus->len; i++) {
        const QemuHostCpu *cpu = &g_array_index(node->cpus, QemuHostCpu, i);

        info->cores = MAX(info->cores, countDistinct(node->cpus, TRUE, cpu->socket));
        info->threads = MAX(info->threads, (int)memBitmapCount(cpu->siblings));
    }
}

gboolean qemuHostGetInfo(QemuHostInfo *info, GError **err)
{
    g_autoptr(GArray) nodes = qemuHostTopology(err);
    g_autoptr(MemBitmap) online = NULL;
    g_autofree char *machine = qemuHostMachine();

    if (!nodes)
        return FALSE;
    memset(info, 0, sizeof(*info));
    g_strlcpy(info->model, machine, sizeof(info->model));
    info->memoryKib = sumOfNodesKib("MemTotal");
    info->mhz = readMhz();
    online = qemuHostOnlineCpus(NULL);
    info->cpus = (int)memBitmapCount(online);
    info->nodes = (int)nodes->len;
    for (guint i = 0; i < nodes->len; i++)
        addNodeToInfo(info, &g_array_index(nodes, QemuHostNode, i));
    /* An uneven host has no such product; then the four numbers say only how many CPUs there are. */
    if (info->nodes * info->sockets * info->cores * info->threads != info->cpus) {
        info->nodes = info->sockets = info->threads = 1;
        info->cores = info->cpus;
    }
    return TRUE;
}

int qemuHostMemoryStats(int node, QemuHostStat *stats, GError **err)
{
    static const struct {
        const char *field, *name;
    } fields[] = { { "total", "MemTotal" }, { "free", "MemFree" }, { "buffers", "Buffers" }, { "cached", "Cached" } };
    gsize count = node < 0 ? 4 : 2;
    g_autofree char *text = NULL;

    if (node < -1 || node > qemuHostLastNode()) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "cell '%d' must be -1 for the host or at most %d", node, qemuHostLastNode());
        return -1;
    }
    if (!(text = qemuHostMeminfo(node))) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "the host has no cell '%d'", node);
        return -1;
    }
    for (gsize i = 0; i < count; i++) {
        stats[i].field = fields[i].field;
        stats[i].value = 0;
        qemuHostField(text, fields[i].name, &stats[i].value);
    }
    return (int)count;
}

int qemuHostCpuStats(int cpu, QemuHostStat *stats, GError **err)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, TICKS };
    g_autofree char *text = qemuHostRead("/proc/stat");
    g_autofree char *label = cpu < 0 ? g_strdup("cpu ") : g_strdup_printf("cpu%d ", cpu);
    const char *at = text;
    guint64 nsPerTick = 1000000000 / (guint64)sysconf(_SC_CLK_TCK);
    guint64 ticks[TICKS] = { 0 };

    while (at && !g_str_has_prefix(at, label)) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at || cpu < -1) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "the host has no CPU '%d'", cpu);
        return -1;
    }
    at += strlen(label);
    for (gsize i = 0; i < TICKS; i++) {
        char *end;

        ticks[i] = g_ascii_strtoull(at, &end, 10);
        at = end;
    }
    stats[0] = (QemuHostStat){ "kernel", (ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ]) * nsPerTick };
    stats[1] = (QemuHostStat){ "user", (ticks[USER] + ticks[NICE]) * nsPerTick };
    stats[2] = (QemuHostStat){ "idle", ticks[IDLE] * nsPerTick };
    stats[3] = (QemuHostStat){ "iowait", ticks[IOWAIT] * nsPerTick };
    return 4;
}

guint64 qemuHostFreeMemoryBytes(GError **err)
{
    guint64 freeKib = sumOfNodesKib("MemFree");

    if (freeKib == 0)
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "the host's free memory cannot be read from /proc or /sys");
    return freeKib << 10;
}

int qemuHostFreeMemoryOfNodes(int start, int count, guint64 *freeBytes, GError **err)
{
    int last = qemuHostLastNode();
    int filled = 0;

    if (start < 0 || start > last) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%d)", start, last);
        return -1;
    }
    for (int node = start; node <= last && filled < count; node++)
        freeBytes[filled++] = nodeFieldKib(node, "MemFree") << 10;
    return filled;
}

/* ---- topology ---- */

static void cpuClear(gpointer data)
{
    memBitmapFree(((QemuHostCpu *)data)->siblings);
}

static void nodeClear(gpointer data)
{
    QemuHostNode *node = data;

    g_array_unref(node->cpus);
    g_array_unref(node->distances);
}

static int readCpuNumber(int cpu, const char *file)
{
    g_autofree char *text = qemuHostRead("/sys/devices/system/cpu/cpu%d/topology/%s", cpu, file);
    int value = 0;

    /* -1 is what the kernel says where there is no such thing. */
    if (!text || !memUnitsParseInt(g_strstrip(text), &value) || value < 0)
        return 0;
    return value;
}

static void readCpus(QemuHostNode *node, const MemBitmap *online)
{
    g_autofree char *list = g_strdup_printf("/sys/devices/system/node/node%d/cpulist", node->id);
    g_autoptr(MemBitmap) cpus = hasNuma() ? readSet(list, CPUS_LIMIT) : memBitmapCopy(online);

    for (int id = memBitmapNext(cpus, -1); cpus && id >= 0; id = memBitmapNext(cpus, id)) {
        g_autofree char *file = g_strdup_printf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", id);
        QemuHostCpu cpu = { .id = id };

        if (!memBitmapIsSet(online, (unsigned)id))
            continue;
        cpu.socket = readCpuNumber(id, "physical_package_id");
        cpu.die = readCpuNumber(id, "die_id");
        cpu.core = readCpuNumber(id, "core_id");
        if (!(cpu.siblings = readSet(file, CPUS_LIMIT))) {
            cpu.siblings = memBitmapNew();
            memBitmapSet(cpu.siblings, (unsigned)id);
        }
        g_array_append_val(node->cpus, cpu);
    }
}

static void readDistances(QemuHostNode *node)
{
    g_autofree char *text = qemuHostRead("/sys/devices/system/node/node%d/distance", node->id);
    g_auto(GStrv) words = text ? g_strsplit(g_strstrip(text), " ", -1) : NULL;

    for (gsize i = 0; words && words[i]; i++) {
        int distance;

        if (memUnitsParseInt(words[i], &distance))
            g_array_append_val(node->distances, distance);
    }
}

GArray *qemuHostTopology(GError **err)
{
    g_autoptr(MemBitmap) nodes = qemuHostNodes();
    g_autoptr(MemBitmap) online = qemuHostOnlineCpus(NULL);
    g_autoptr(GArray) topology = g_array_new(FALSE, TRUE, sizeof(QemuHostNode));

    g_array_set_clear_func(topology, nodeClear);
    for (int id = memBitmapNext(nodes, -1); id >= 0; id = memBitmapNext(nodes, id)) {
        QemuHostNode node = { .id = id, .memoryKib = nodeFieldKib(id, "MemTotal") };

        node.cpus = g_array_new(FALSE, TRUE, sizeof(QemuHostCpu));
        g_array_set_clear_func(node.cpus, cpuClear);
        node.distances = g_array_new(FALSE, TRUE, sizeof(int));
        readCpus(&node, online);
        readDistances(&node);
        g_array_append_val(topology, node);
    }
    return g_steal_pointer(&topology);
}

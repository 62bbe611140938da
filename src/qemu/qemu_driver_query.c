/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_query.c: state, info, vCPUs and the like: reads that need the domain's lock and /proc, never a job */
#define G_LOG_DOMAIN "qemu/qemu_driver_query"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_host.h"
#include "qemu/qemu_process.h"
#include "qemu/qemu_spawn.h"

#include <sched.h>
#include <string.h>

gboolean qemuDriverGetState(QemuDriver *driver, QemuUuid uuid, int *state, int *reason, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *state = dom->state;
    *reason = dom->reason;
    return TRUE;
}

gboolean qemuDriverGetInfo(QemuDriver *driver, QemuUuid uuid, virDomainInfo *info, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    QemuSpawnStat stat;
    const DomainDef *def;

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    def = qemuDomainDef(dom);
    memset(info, 0, sizeof *info);
    info->state = (unsigned char)dom->state;
    if (!def)
        return TRUE;
    info->maxMem = (unsigned long)def->memory.totalKib;
    info->memory = (unsigned long)def->memory.currentKib;
    info->nrVirtCpu = (unsigned short)qemuDomainVcpus(def);
    if (dom->process.pid > 0 && qemuSpawnStat(dom->process.pid, 0, &stat))
        info->cpuTime = stat.userNs + stat.systemNs;
    return TRUE;
}

gboolean qemuDriverIsActive(QemuDriver *driver, QemuUuid uuid, gboolean *active, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *active = dom->live != NULL;
    return TRUE;
}

gboolean qemuDriverIsPersistent(QemuDriver *driver, QemuUuid uuid, gboolean *persistent, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *persistent = dom->config != NULL;
    return TRUE;
}

gboolean qemuDriverIsUpdated(QemuDriver *driver, QemuUuid uuid, gboolean *updated, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *updated = dom->updated;
    return TRUE;
}

gboolean qemuDriverGetMaxMemory(QemuDriver *driver, QemuUuid uuid, guint64 *kib, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *kib = qemuDomainDef(dom) ? qemuDomainDef(dom)->memory.totalKib : 0;
    return TRUE;
}

/* ---- vCPUs ---- */

unsigned qemuDomainVcpus(const DomainDef *def)
{
    return def->vcpus.current ? def->vcpus.current : def->vcpus.max;
}

int qemuDriverGetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    gboolean live, config;
    const DomainDef *def;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM |
                                                 VIR_DOMAIN_VCPU_GUEST, "qemuDomainGetVcpusFlags", err))
        return -1;
    if (flags & VIR_DOMAIN_VCPU_GUEST) {
        memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
        return -1;
    }
    guard = qemuGuardLock(dom);
    if (!qemuDriverAffects(dom, flags, &live, &config, err))
        return -1;
    def = live ? dom->live : dom->config;
    return (int)((flags & VIR_DOMAIN_VCPU_MAXIMUM) ? def->vcpus.max : qemuDomainVcpus(def));
}

static gboolean setConfigVcpus(DomainDef *def, unsigned count, gboolean maximum, GError **err)
{
    if (maximum) {
        def->vcpus.max = count;
        if (def->vcpus.current >= count)
            def->vcpus.current = 0;
        return TRUE;
    }
    if (count > def->vcpus.max) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "requested vcpus is greater than max allowable vcpus for the persistent domain: %u > %u",
                    count, def->vcpus.max);
        return FALSE;
    }
    def->vcpus.current = count == def->vcpus.max ? 0 : count;
    return TRUE;
}

gboolean qemuDriverSetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned count, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_autoptr(DomainDef) changed = NULL;
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM,
                                      "qemuDomainSetVcpusFlags", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "set vCPUs of", err);
    if (!job || !qemuDriverAffectsNow(dom, flags, &live, &config, err))
        return FALSE;
    if (live) {
        memErrorSet(err, VIR_ERR_OPERATION_UNSUPPORTED, "the number of vCPUs of a running guest cannot be changed");
        return FALSE;
    }
    if (count == 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "the number of vCPUs must be at least 1");
        return FALSE;
    }
    changed = domainDefCopy(dom->config, err);
    if (!changed || !setConfigVcpus(changed, count, (flags & VIR_DOMAIN_VCPU_MAXIMUM) != 0, err) ||
        !domainDefValidate(changed, err))
        return FALSE;
    return qemuDriverStoreConfig(dom, g_steal_pointer(&changed), err);
}

/* The CPUs that thread @thread (0: the process) may run on, into @map. */
static void affinity(pid_t thread, unsigned char *map, int maplen)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(thread, sizeof set, &set) < 0)
        return;
    for (int i = 0; i < maplen * 8 && i < CPU_SETSIZE; i++) {
        if (CPU_ISSET((unsigned)i, &set))
            map[i / 8] |= (unsigned char)(1u << (i % 8));
    }
}

int qemuDriverGetVcpus(QemuDriver *driver, QemuUuid uuid, virVcpuInfo *info, int maxinfo, unsigned char *maps, int maplen, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    int count;

    if (!dom)
        return -1;
    guard = qemuGuardLock(dom);
    if (!dom->live) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "cannot retrieve vcpu information for inactive domain");
        return -1;
    }
    count = MIN(maxinfo, (int)qemuDomainVcpus(dom->live));
    memset(info, 0, sizeof *info * (gsize)MAX(count, 0));
    if (maps)
        memset(maps, 0, (gsize)MAX(count, 0) * (gsize)maplen);
    for (int i = 0; i < count; i++) {
        gboolean known = dom->vcpuThreads && i < (int)dom->vcpuThreads->len;
        pid_t thread = known ? (pid_t)g_array_index(dom->vcpuThreads, gint64, i) : dom->process.pid;
        QemuSpawnStat stat;

        info[i].number = (unsigned)i;
        info[i].state = VIR_VCPU_RUNNING;
        info[i].cpu = -1;
        if (qemuSpawnStat(dom->process.pid, known ? thread : 0, &stat)) {
            info[i].cpuTime = stat.userNs + stat.systemNs;
            info[i].cpu = stat.cpu;
        }
        if (maps)
            affinity(thread, maps + (gsize)i * (gsize)maplen, maplen);
    }
    return count;
}

/* ---- jobs of the kind that libvirt knows: there are none ---- */

gboolean qemuDriverGetJobInfo(QemuDriver *driver, QemuUuid uuid, gboolean completed, virDomainJobInfo *info, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    memset(info, 0, sizeof *info);
    info->type = VIR_DOMAIN_JOB_NONE;
    guard = qemuGuardLock(dom);
    return completed || qemuDomainCheckActive(dom, err);
}

gboolean qemuDriverGetControlInfo(QemuDriver *driver, QemuUuid uuid, virDomainControlInfo *info, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    memset(info, 0, sizeof *info);
    guard = qemuGuardLock(dom);
    if (!qemuDomainCheckActive(dom, err))
        return FALSE;
    info->state = VIR_DOMAIN_CONTROL_OK;
    if (!dom->mon) {
        info->state = VIR_DOMAIN_CONTROL_ERROR;
        info->details = VIR_DOMAIN_CONTROL_ERROR_REASON_MONITOR;
    } else if (dom->job) {
        info->state = VIR_DOMAIN_CONTROL_JOB;
        info->stateTime = (unsigned long long)((g_get_monotonic_time() - dom->jobSince) / 1000);
    }
    return TRUE;
}

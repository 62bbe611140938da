/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_balloon.c: setmem, setmaxmem and the statistics period as plans and checks */
#include "qemu/qemu_balloon.h"

#include "conf/memballoon_conf.h"
#include "qemu/qemu_process.h"
#include "util/mem_error.h"

guint64 qemuBalloonMaxKib(const DomainDef *def)
{
    return def->memory.totalKib - MIN(def->memory.totalKib, domainDefVirtioMemKib(def));
}

gboolean qemuBalloonCheckTarget(const DomainDef *def, guint64 kib, GError **err)
{
    guint64 most = qemuBalloonMaxKib(def);

    if (kib <= most)
        return TRUE;
    memErrorSet(err, VIR_ERR_INVALID_ARG,
                "cannot set memory to '%" G_GUINT64_FORMAT "' KiB: the balloon reaches up to '%" G_GUINT64_FORMAT "' KiB, virtio-mem devices aside",
                kib, most);
    return FALSE;
}

static gboolean checkBalloon(const DomainDef *def, GError **err)
{
    if (qemuDomainHasBalloon(def))
        return TRUE;
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "the guest has no memory balloon device");
    return FALSE;
}

QemuMemPlan *qemuBalloonPlanTarget(const DomainDef *live, guint64 kib, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuMemPlanNew();
    MemJson *arguments;

    if (!qemuBalloonCheckTarget(live, kib, err))
        return NULL;
    if (!qemuDomainHasBalloon(live)) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the guest has no memory balloon device, so that its memory cannot be set: it needs a '<memballoon>' other than 'none'");
        return NULL;
    }
    arguments = memJsonNew();
    memJsonAddUint64(arguments, "value", kib * 1024);
    qemuMemPlanAddQmp(plan, "balloon", arguments, NULL, NULL);
    return g_steal_pointer(&plan);
}

static MemJson *setPeriod(const MemballoonDef *balloon, int seconds)
{
    g_autofree char *path = g_strconcat("/machine/peripheral/", balloon->info.alias, NULL);
    MemJson *arguments = memJsonNew();

    memJsonAddString(arguments, "path", path);
    memJsonAddString(arguments, "property", "guest-stats-polling-interval");
    memJsonAddInt(arguments, "value", seconds);
    return arguments;
}

QemuMemPlan *qemuBalloonPlanPeriod(const DomainDef *live, int seconds, GError **err)
{
    g_autoptr(QemuMemPlan) plan = qemuMemPlanNew();

    if (!checkBalloon(live, err))
        return NULL;
    qemuMemPlanAddQmp(plan, "qom-set", setPeriod(live->balloon, seconds), "qom-set",
                      setPeriod(live->balloon, live->balloon->periodSeconds));
    return g_steal_pointer(&plan);
}

gboolean qemuBalloonCheckMaximum(const DomainDef *config, guint64 kib, GError **err)
{
    if (config->numa.ncells) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the memory of a guest with NUMA nodes is what its cells say: change them instead");
        return FALSE;
    }
    if (config->memory.maxKib && kib > config->memory.maxKib) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID,
                    "cannot set the maximum to '%" G_GUINT64_FORMAT "' KiB: '<maxMemory>' is '%" G_GUINT64_FORMAT "' KiB", kib,
                    config->memory.maxKib);
        return FALSE;
    }
    return TRUE;
}

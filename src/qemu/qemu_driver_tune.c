/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_tune.c: memtune and numatune as typed parameters: what the definition says */
#define G_LOG_DOMAIN "qemu/qemu_driver_tune"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_driver_stats.h"
#include "util/mem_units.h"

static void paramClear(gpointer data)
{
    QemuParam *param = data;

    g_clear_pointer(&param->s, g_free);
}

GArray *qemuParamsNew(void)
{
    GArray *params = g_array_new(FALSE, TRUE, sizeof(QemuParam));

    g_array_set_clear_func(params, paramClear);
    return params;
}

QemuParam *qemuParamsAdd(GArray *params, const char *field, int type)
{
    QemuParam *param;

    g_array_set_size(params, params->len + 1);
    param = &g_array_index(params, QemuParam, params->len - 1);
    g_strlcpy(param->field, field, sizeof param->field);
    param->type = type;
    return param;
}

/* The definition that @flags mean, under lock. NULL: refused. */
static const DomainDef *meant(QemuDomain *dom, unsigned flags, const char *what, GError **err)
{
    gboolean live, config;

    if (!qemuDriverCheckFlags(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | VIR_TYPED_PARAM_STRING_OKAY, what, err) ||
        !qemuDriverAffects(dom, flags, &live, &config, err))
        return NULL;
    return live ? dom->live : dom->config;
}

static void addLimit(GArray *params, const char *field, gboolean given, guint64 kib)
{
    qemuParamsAdd(params, field, VIR_TYPED_PARAM_ULLONG)->u = given ? MIN(kib, MEM_KIB_UNLIMITED) : MEM_KIB_UNLIMITED;
}

GArray *qemuDriverGetMemoryParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    const DomainDef *def;
    GArray *params;

    if (!dom)
        return NULL;
    guard = qemuGuardLock(dom);
    def = meant(dom, flags, "qemuDomainGetMemoryParameters", err);
    if (!def)
        return NULL;
    params = qemuParamsNew();
    addLimit(params, VIR_DOMAIN_MEMORY_HARD_LIMIT, def->memtune.hasHard, def->memtune.hardLimitKib);
    addLimit(params, VIR_DOMAIN_MEMORY_SOFT_LIMIT, def->memtune.hasSoft, def->memtune.softLimitKib);
    addLimit(params, VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, def->memtune.hasSwapHard, def->memtune.swapHardLimitKib);
    return params;
}

GArray *qemuDriverGetNumaParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    const DomainDef *def;
    GArray *params;

    if (!dom)
        return NULL;
    guard = qemuGuardLock(dom);
    def = meant(dom, flags, "qemuDomainGetNumaParameters", err);
    if (!def)
        return NULL;
    params = qemuParamsNew();
    qemuParamsAdd(params, VIR_DOMAIN_NUMA_MODE, VIR_TYPED_PARAM_INT)->i = def->numa.hasMemory ? (gint64)def->numa.mode : 0;
    qemuParamsAdd(params, VIR_DOMAIN_NUMA_NODESET, VIR_TYPED_PARAM_STRING)->s =
        def->numa.nodes ? memBitmapFormat(def->numa.nodes) : g_strdup("");
    return params;
}

gboolean qemuDriverSetMemoryParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);

    if (dom)
        memErrorSet(err, VIR_ERR_NO_SUPPORT, "changing memory limits is not supported");
    return FALSE;
}

gboolean qemuDriverSetNumaParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);

    if (dom)
        memErrorSet(err, VIR_ERR_NO_SUPPORT, "changing NUMA parameters is not supported");
    return FALSE;
}

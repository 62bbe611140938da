/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_tune.c: memtune and numatune as typed parameters: asked and set */
#define G_LOG_DOMAIN "qemu/qemu_driver_tune"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_cgroup.h"
#include "qemu/qemu_command_memory.h"
#include "qemu/qemu_driver_stats.h"
#include "qemu/qemu_memchange.h"
#include "util/mem_units.h"

#define AFFECT_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

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

    if (!qemuDriverCheckFlags(flags, AFFECT_FLAGS | VIR_TYPED_PARAM_STRING_OKAY, what, err))
        return NULL;
    if ((flags & AFFECT_FLAGS) == AFFECT_FLAGS) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "flags 'live' and 'config' exclude each other in '%s': one definition is read", what);
        return NULL;
    }
    if (!qemuDriverAffects(dom, flags, &live, &config, err))
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

/* ---- setting ---- */

/* What a call may set, and of which type. */
typedef struct {
    const char *field;
    int type;
} Known;

/* Every parameter is known, of its type, and given once. */
static gboolean checkParams(const QemuParam *params, unsigned count, const Known *known, gsize nknown, GError **err)
{
    for (unsigned i = 0; i < count; i++) {
        gsize row = 0;

        while (row < nknown && !g_str_equal(known[row].field, params[i].field))
            row++;
        if (row == nknown) {
            memErrorSet(err, VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' is unknown or cannot be set", params[i].field);
            return FALSE;
        }
        if (params[i].type != known[row].type) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "parameter '%s' is of type '%d': it has to be '%d'", params[i].field, params[i].type,
                        known[row].type);
            return FALSE;
        }
        for (unsigned other = 0; other < i; other++) {
            if (g_str_equal(params[other].field, params[i].field)) {
                memErrorSet(err, VIR_ERR_INVALID_ARG, "parameter '%s' is given twice", params[i].field);
                return FALSE;
            }
        }
    }
    return TRUE;
}

static const QemuParam *findParam(const QemuParam *params, unsigned count, const char *field)
{
    for (unsigned i = 0; i < count; i++) {
        if (g_str_equal(params[i].field, field))
            return &params[i];
    }
    return NULL;
}

/* ---- memtune ---- */

static void takeLimit(const QemuParam *params, unsigned count, const char *field, gboolean *has, guint64 *kib)
{
    const QemuParam *param = findParam(params, count, field);

    if (!param)
        return;
    *has = TRUE;
    *kib = MIN(param->u, MEM_KIB_UNLIMITED);
}

/* @tune with what @params change. VIR_ERR_INVALID_ARG: less memory with swap than without. */
static gboolean mergeLimits(const QemuParam *params, unsigned count, MemtuneDef *tune, GError **err)
{
    takeLimit(params, count, VIR_DOMAIN_MEMORY_HARD_LIMIT, &tune->hasHard, &tune->hardLimitKib);
    takeLimit(params, count, VIR_DOMAIN_MEMORY_SOFT_LIMIT, &tune->hasSoft, &tune->softLimitKib);
    takeLimit(params, count, VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, &tune->hasSwapHard, &tune->swapHardLimitKib);
    if (!tune->hasSwapHard || tune->swapHardLimitKib >= (tune->hasHard ? tune->hardLimitKib : MEM_KIB_UNLIMITED))
        return TRUE;
    memErrorSet(err, VIR_ERR_INVALID_ARG,
                "'swap_hard_limit' of '%" G_GUINT64_FORMAT "' KiB is below 'hard_limit': it has to be at least as large, since it counts memory and swap together",
                tune->swapHardLimitKib);
    return FALSE;
}

/* Under lock, given up meanwhile: the kernel first takes from the guest what is above a new limit. */
static gboolean setLiveLimits(QemuDomain *dom, const MemtuneDef *tune, GError **err)
{
    g_autofree char *folder = qemuCgroupFind(dom->process.pid, err);
    const DomainDef *live = dom->live;
    gboolean done;

    if (!folder)
        return FALSE;
    g_mutex_unlock(&dom->lock);
    done = qemuCgroupSetLimits(folder, tune, err);
    g_mutex_lock(&dom->lock);
    if (!done || !qemuDomainStillRuns(dom, live, err))
        return FALSE;
    dom->live->memtune = *tune;
    qemuStoreNoteStatus(dom);
    return TRUE;
}

gboolean qemuDriverSetMemoryParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    static const Known known[] = {
        { VIR_DOMAIN_MEMORY_HARD_LIMIT, VIR_TYPED_PARAM_ULLONG },
        { VIR_DOMAIN_MEMORY_SOFT_LIMIT, VIR_TYPED_PARAM_ULLONG },
        { VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, VIR_TYPED_PARAM_ULLONG },
    };
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuMemConfig) stored = { 0 };
    MemtuneDef liveTune;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverSetMemoryParams", err) ||
        !checkParams(params, count, known, G_N_ELEMENTS(known), err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "change the memory limits of", err);
    if (!job || !qemuDriverAffectsNow(dom, flags, &live, &config, err))
        return FALSE;
    if (config) {
        g_autoptr(DomainDef) def = domainDefCopy(dom->config, err);

        if (!def || !mergeLimits(params, count, &def->memtune, err))
            return FALSE;
        qemuMemConfigSet(&stored, dom, def);
    }
    if (live) {
        liveTune = dom->live->memtune;
        if (!mergeLimits(params, count, &liveTune, err) || !setLiveLimits(dom, &liveTune, err))
            return FALSE;
    }
    return !config || qemuMemConfigStore(dom, &stored, err);
}

/* ---- numatune ---- */

/* What is wrong with the values themselves, whatever they are for. @nodes: the parsed nodeset, NULL if none is given. */
static gboolean parseNuma(const QemuParam *mode, const QemuParam *nodeset, MemBitmap **nodes, GError **err)
{
    if (mode && (mode->i < 0 || mode->i >= NUMA_MODE_LAST)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "'numa_mode' of '%" G_GINT64_FORMAT "' is unknown: it has to be '0' to '%d'", mode->i,
                    NUMA_MODE_LAST - 1);
        return FALSE;
    }
    if (!nodeset)
        return TRUE;
    *nodes = memBitmapParse(nodeset->s, CONF_SET_LIMIT, err);
    if (*nodes && memBitmapIsEmpty(*nodes)) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'numa_nodeset' of '%s' names no node", nodeset->s);
        return FALSE;
    }
    return *nodes != NULL;
}

static gboolean mergeNuma(NumaDef *numa, const QemuParam *mode, const MemBitmap *nodes, GError **err)
{
    if (nodes) {
        memBitmapFree(numa->nodes);
        numa->nodes = memBitmapCopy(nodes);
        numa->placement = NUMA_PLACEMENT_STATIC;
    }
    if (!numa->nodes && numa->placement != NUMA_PLACEMENT_AUTO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "'numa_mode' needs a 'numa_nodeset': the definition has none yet");
        return FALSE;
    }
    if (mode)
        numa->mode = (NumaMemoryMode)mode->i;
    numa->hasMemory = TRUE;
    return TRUE;
}

/* The mode is how the backends were told to allocate, once. To name it is fine when it comes with the nodes that are in force;
 * where they were told nothing, what a group does is strict, and may be called restrictive. */
static gboolean checkLiveMode(const NumaDef *numa, const QemuParam *mode, const MemBitmap *nodes, GError **err)
{
    /* without nodes at all, their lack is what is wrong */
    if (!mode || (!numa->hasMemory && !nodes))
        return TRUE;
    if (!numa->hasMemory && (mode->i == NUMA_MODE_STRICT || mode->i == NUMA_MODE_RESTRICTIVE))
        return TRUE;
    if (numa->hasMemory && mode->i == (gint64)numa->mode && (nodes || numa->mode != NUMA_MODE_STRICT))
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'numa_mode' of a running guest cannot be changed: change its definition ('--config')");
    return FALSE;
}

/* A running guest's memory lies where its backends were told to put it, in all modes but 'restrictive': there, and where it
 * was told nothing, a group can keep it. */
static gboolean checkLiveNodes(const NumaDef *numa, GError **err)
{
    if (!numa->hasMemory || numa->mode == NUMA_MODE_RESTRICTIVE)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_INVALID,
                "'numa_nodeset' of a running guest cannot be changed in mode '%s': its memory is bound already; change its definition ('--config')",
                numaMemoryModeToString(numa->mode));
    return FALSE;
}

/* Under lock, given up meanwhile: the kernel moves the guest's memory. */
static char *moveToNodes(QemuDomain *dom, const MemBitmap *nodes, GError **err)
{
    const DomainDef *live = dom->live;
    pid_t pid = dom->process.pid;
    char uuid[QEMU_UUID_TEXT];
    g_autofree char *folder = NULL;

    g_mutex_unlock(&dom->lock);
    folder = qemuCgroupSetNodes(pid, qemuUuidFormat(dom->uuid, uuid), nodes, err);
    g_mutex_lock(&dom->lock);
    if (!folder || qemuDomainStillRuns(dom, live, err))
        return g_steal_pointer(&folder);
    qemuCgroupRemove(folder);
    return NULL;
}

static gboolean setLiveNuma(QemuDomain *dom, const QemuParam *mode, const MemBitmap *given, GError **err)
{
    NumaDef *numa = &dom->live->numa;
    NumaDef wanted = { .mode = numa->hasMemory ? numa->mode : NUMA_MODE_STRICT, .placement = numa->placement,
                       .nodes = numa->nodes ? memBitmapCopy(numa->nodes) : NULL };
    gboolean asIs = !given && !numa->hasMemory && mode && mode->i == NUMA_MODE_STRICT;
    gboolean valid = asIs || (checkLiveMode(numa, mode, given, err) && mergeNuma(&wanted, mode, given, err));
    g_autoptr(MemBitmap) nodes = wanted.nodes;
    char *folder;

    if (!valid)
        return FALSE;
    /* told what is so already */
    if (asIs || (mode && numa->hasMemory && memBitmapEqual(numa->nodes, nodes)))
        return TRUE;
    if (!checkLiveNodes(numa, err) || !qemuMemoryCheckHostNodes(nodes, err))
        return FALSE;
    folder = moveToNodes(dom, nodes, err);
    if (!folder)
        return FALSE;
    g_free(dom->process.cpuset);
    dom->process.cpuset = folder;
    memBitmapFree(numa->nodes);
    numa->nodes = g_steal_pointer(&nodes);
    numa->mode = wanted.mode;
    numa->placement = wanted.placement;
    numa->hasMemory = TRUE;
    qemuStoreNoteStatus(dom);
    return TRUE;
}

gboolean qemuDriverSetNumaParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    static const Known known[] = {
        { VIR_DOMAIN_NUMA_MODE, VIR_TYPED_PARAM_INT },
        { VIR_DOMAIN_NUMA_NODESET, VIR_TYPED_PARAM_STRING },
    };
    const QemuParam *mode = findParam(params, count, VIR_DOMAIN_NUMA_MODE);
    const QemuParam *nodeset = findParam(params, count, VIR_DOMAIN_NUMA_NODESET);
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(MemBitmap) nodes = NULL;
    g_autoptr(DomainDef) stored = NULL;
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(QemuMemConfig) change = { 0 };
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, AFFECT_FLAGS, "qemuDriverSetNumaParams", err) ||
        !checkParams(params, count, known, G_N_ELEMENTS(known), err) || !parseNuma(mode, nodeset, &nodes, err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "change the NUMA parameters of", err);
    if (!job || !qemuDriverAffectsNow(dom, flags, &live, &config, err))
        return FALSE;
    if (!mode && !nodeset)
        return TRUE;
    if (live && !setLiveNuma(dom, mode, nodes, err))
        return FALSE;
    if (!config)
        return TRUE;
    /* what was done to the running guest took its time */
    qemuStoreWait(dom);
    stored = domainDefCopy(dom->config, err);
    if (!stored || !mergeNuma(&stored->numa, mode, nodes, err))
        return FALSE;
    qemuMemConfigSet(&change, dom, stored);
    return qemuMemConfigStore(dom, &change, err);
}

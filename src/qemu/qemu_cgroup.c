/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cgroup.c: a control group for each guest's QEMU, with <memtune> and the nodes of <numatune> in it */
#define G_LOG_DOMAIN "qemu/qemu_cgroup"
#include "qemu/qemu_cgroup.h"

#include "qemu/qemu_host_priv.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST_PREFIX "virtmem-"
#define SHARED_NAME "virtmemd"
#define ENTER_TRIES 3
#define MEMORY "memory"
#define CPUSET "cpuset"

/* ---- small files of the kernel ---- */

/* 0 or errno. */
static int writeFile(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    int problem = 0;

    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        problem = errno;
    close(fd);
    return problem;
}

static gboolean listsWord(const char *text, const char *separators, const char *word)
{
    g_auto(GStrv) words = g_strsplit_set(text ? text : "", separators, -1);

    return g_strv_contains((const char *const *)words, word);
}

static gboolean fileListsWord(const char *folder, const char *name, const char *word)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && listsWord(text, " \n", word);
}

/* ---- where a controller is ---- */

typedef struct {
    const char *controller;     /* MEMORY or CPUSET */
    gboolean v2;
    char *mount;                /* below the host's root */
} Hierarchy;

static void hierarchyClear(Hierarchy *hierarchy)
{
    g_clear_pointer(&hierarchy->mount, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Hierarchy, hierarchyClear)

static gboolean hasController(const char *controller, const char *type, const char *options, const char *mount)
{
    g_autofree char *folder = qemuHostPath("%s", mount);

    if (g_str_equal(type, "cgroup"))
        return listsWord(options, ",", controller);
    return g_str_equal(type, "cgroup2") && fileListsWord(folder, "cgroup.controllers", controller);
}

static gboolean findHierarchy(Hierarchy *hierarchy, const char *controller, GError **err)
{
    g_autofree char *text = qemuHostRead("/proc/mounts");
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    for (gsize i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);

        if (g_strv_length(words) < 4 || !hasController(controller, words[2], words[3], words[1]))
            continue;
        hierarchy->controller = controller;
        hierarchy->v2 = g_str_equal(words[2], "cgroup2");
        hierarchy->mount = qemuHostPath("%s", words[1]);
        return TRUE;
    }
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "no cgroup hierarchy with the '%s' controller is mounted on this host", controller);
    return FALSE;
}

/* The folder of the group that process @who ("self", "4711") is in. Caller frees. */
static char *groupOf(const Hierarchy *hierarchy, const char *who, GError **err)
{
    g_autofree char *text = qemuHostRead("/proc/%s/cgroup", who);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    for (gsize i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], ":", 3);

        if (g_strv_length(words) == 3 && (hierarchy->v2 ? !*words[1] : listsWord(words[1], ",", hierarchy->controller)))
            return g_build_filename(hierarchy->mount, words[2], NULL);
    }
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'/proc/%s/cgroup' names no group with the '%s' controller", who, hierarchy->controller);
    return NULL;
}

/* Below the daemon's own group, or beside it when that is a leaf. Caller frees. */
static char *ownBase(const Hierarchy *hierarchy, GError **err)
{
    g_autofree char *own = groupOf(hierarchy, "self", err);
    g_autofree char *last = own ? g_path_get_basename(own) : NULL;

    if (!own)
        return NULL;
    if (hierarchy->v2 && g_str_equal(last, SHARED_NAME))
        return g_path_get_dirname(own);
    return g_steal_pointer(&own);
}

static int passOn(const char *base, const char *controller)
{
    g_autofree char *text = g_strconcat("+", controller, NULL);

    return fileListsWord(base, "cgroup.subtree_control", controller) ? 0 : writeFile(base, "cgroup.subtree_control", text);
}

/* The folder in which guests' groups are made, itself made if need be. Caller frees. */
static char *baseFolder(const Hierarchy *hierarchy, GError **err)
{
    g_autofree char *own = ownBase(hierarchy, err);
    g_autofree char *shared = g_build_filename(hierarchy->mount, SHARED_NAME, NULL);
    int problem = own && hierarchy->v2 ? passOn(own, hierarchy->controller) : 0;

    if (!own || !problem)
        return g_steal_pointer(&own);
    if ((mkdir(shared, 0755) == 0 || errno == EEXIST) && passOn(shared, hierarchy->controller) == 0)
        return g_steal_pointer(&shared);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID,
                "the daemon's group '%s' passes no '%s' controller on (%s), and '%s' cannot be made: run the daemon as root, or in a delegated group ('Delegate=yes', 'DelegateSubgroup=%s' of systemd)",
                own, hierarchy->controller, g_strerror(problem), shared, SHARED_NAME);
    return NULL;
}

/* ---- entering ---- */

static int enter(pid_t pid, const char *folder)
{
    char text[24];

    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return errno;
    g_snprintf(text, sizeof text, "%d", (int)pid);
    return writeFile(folder, "cgroup.procs", text);
}

char *qemuCgroupEnter(pid_t pid, const char *uuid, GError **err)
{
    g_auto(Hierarchy) hierarchy = { 0 };
    g_autofree char *base = NULL;
    g_autofree char *name = g_strconcat(GUEST_PREFIX, uuid, NULL);
    g_autofree char *folder = NULL;
    int problem = ENOENT;

    if (!findHierarchy(&hierarchy, MEMORY, err) || !(base = baseFolder(&hierarchy, err)))
        return NULL;
    folder = g_build_filename(base, name, NULL);
    /* another daemon's sweep may take away a group that is still empty */
    for (int i = 0; i < ENTER_TRIES && (problem == ENOENT || problem == ENODEV); i++)
        problem = enter(pid, folder);
    if (!problem)
        return g_steal_pointer(&folder);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the guest cannot have a memory control group '%s': %s", folder, g_strerror(problem));
    return NULL;
}

/* The folder of the group of ours that @pid is in. Caller frees. */
static char *ourGroup(const Hierarchy *hierarchy, pid_t pid, GError **err)
{
    g_autofree char *who = g_strdup_printf("%d", (int)pid);
    g_autofree char *folder = groupOf(hierarchy, who, err);
    g_autofree char *name = folder ? g_path_get_basename(folder) : NULL;

    if (!folder || g_str_has_prefix(name, GUEST_PREFIX))
        return g_steal_pointer(&folder);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID,
                "the guest has no %s control group of its own: it is in '%s', and the daemon could make none when it started",
                hierarchy->controller, folder);
    return NULL;
}

char *qemuCgroupFind(pid_t pid, GError **err)
{
    g_auto(Hierarchy) hierarchy = { 0 };

    return findHierarchy(&hierarchy, MEMORY, err) ? ourGroup(&hierarchy, pid, err) : NULL;
}

char *qemuCgroupFindNodes(pid_t pid)
{
    g_auto(Hierarchy) hierarchy = { 0 };

    return findHierarchy(&hierarchy, CPUSET, NULL) ? ourGroup(&hierarchy, pid, NULL) : NULL;
}

/* ---- nodes ---- */

/* A new group of v1 has no CPUs, and takes nobody in before it has. Memory is to move when its nodes change, as it does in v2
 * without being told. 0 or errno. */
static int prepareV1(const char *folder)
{
    g_autofree char *above = g_path_get_dirname(folder);
    g_autofree char *from = g_build_filename(above, "cpuset.cpus", NULL);
    g_autofree char *cpus = NULL;
    int problem;

    if (!g_file_get_contents(from, &cpus, NULL, NULL))
        return ENOENT;
    problem = writeFile(folder, "cpuset.cpus", g_strchomp(cpus));
    return problem ? problem : writeFile(folder, "cpuset.memory_migrate", "1");
}

/* 0 or errno. */
static int bindTo(const Hierarchy *hierarchy, pid_t pid, const char *folder, const char *nodes)
{
    int problem = mkdir(folder, 0755) < 0 && errno != EEXIST ? errno : 0;

    if (!problem && !hierarchy->v2)
        problem = prepareV1(folder);
    if (!problem)
        problem = writeFile(folder, "cpuset.mems", nodes);
    return problem ? problem : enter(pid, folder);
}

/* Where the nodes of @pid are or will be limited. Caller frees. */
static char *nodesFolder(const Hierarchy *hierarchy, pid_t pid, const char *uuid, GError **err)
{
    g_autofree char *folder = ourGroup(hierarchy, pid, NULL);
    g_autofree char *name = g_strconcat(GUEST_PREFIX, uuid, NULL);
    g_autofree char *above = NULL;
    int problem;

    if (!folder) {
        above = baseFolder(hierarchy, err);
        return above ? g_build_filename(above, name, NULL) : NULL;
    }
    /* a group of v2 is one for all controllers: it may have been made for another */
    above = g_path_get_dirname(folder);
    problem = hierarchy->v2 ? passOn(above, CPUSET) : 0;
    if (!problem)
        return g_steal_pointer(&folder);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the group '%s' passes no 'cpuset' controller on to the guest's: %s", above,
                g_strerror(problem));
    return NULL;
}

char *qemuCgroupSetNodes(pid_t pid, const char *uuid, const MemBitmap *nodes, GError **err)
{
    g_auto(Hierarchy) hierarchy = { 0 };
    g_autofree char *text = memBitmapFormat(nodes);
    g_autofree char *folder = NULL;
    int problem = ENOENT;

    if (!findHierarchy(&hierarchy, CPUSET, err) || !(folder = nodesFolder(&hierarchy, pid, uuid, err)))
        return NULL;
    for (int i = 0; i < ENTER_TRIES && (problem == ENOENT || problem == ENODEV); i++)
        problem = bindTo(&hierarchy, pid, folder, text);
    if (!problem)
        return g_steal_pointer(&folder);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "the guest cannot be kept on host nodes '%s' by control group '%s': %s", text, folder,
                g_strerror(problem));
    return NULL;
}

/* ---- limits ---- */

static gboolean setLimit(const char *folder, const char *name, const char *unlimited, guint64 kib, const char *element, GError **err)
{
    g_autofree char *text = kib >= MEM_KIB_UNLIMITED ? g_strdup(unlimited) : g_strdup_printf("%" G_GUINT64_FORMAT, kib * 1024);
    int problem = writeFile(folder, name, text);

    if (!problem)
        return TRUE;
    if (problem == ENOENT)
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'%s' cannot be limited: this host has no '%s/%s'", element, folder, name);
    else
        memErrorSet(err, VIR_ERR_SYSTEM_ERROR, "'%s' cannot be set to '%s' in '%s/%s': %s", element, text, folder, name,
                    g_strerror(problem));
    return FALSE;
}

/* hard_limit may never be above swap_hard_limit, so which of them comes first depends on where they go. */
static gboolean setV1(const char *folder, const MemtuneDef *tune, GError **err)
{
    gboolean swapFirst = FALSE;

    if (tune->hasHard && tune->hasSwapHard) {
        g_autofree char *path = g_build_filename(folder, "memory.memsw.limit_in_bytes", NULL);
        g_autofree char *now = NULL;

        swapFirst = g_file_get_contents(path, &now, NULL, NULL) &&
                    tune->swapHardLimitKib >= g_ascii_strtoull(now, NULL, 10) / 1024;
    }
    if (swapFirst && !setLimit(folder, "memory.memsw.limit_in_bytes", "-1", tune->swapHardLimitKib, "swap_hard_limit", err))
        return FALSE;
    if (tune->hasHard && !setLimit(folder, "memory.limit_in_bytes", "-1", tune->hardLimitKib, "hard_limit", err))
        return FALSE;
    if (tune->hasSwapHard && !swapFirst &&
        !setLimit(folder, "memory.memsw.limit_in_bytes", "-1", tune->swapHardLimitKib, "swap_hard_limit", err))
        return FALSE;
    return !tune->hasSoft || setLimit(folder, "memory.soft_limit_in_bytes", "-1", tune->softLimitKib, "soft_limit", err);
}

/* v2 limits swap by itself, libvirt's swap_hard_limit is memory and swap together. */
static gboolean setV2Swap(const char *folder, const MemtuneDef *tune, GError **err)
{
    if (tune->swapHardLimitKib >= MEM_KIB_UNLIMITED)
        return setLimit(folder, "memory.swap.max", "max", MEM_KIB_UNLIMITED, "swap_hard_limit", err);
    if (tune->hasHard && tune->hardLimitKib <= tune->swapHardLimitKib)
        return setLimit(folder, "memory.swap.max", "max", tune->swapHardLimitKib - tune->hardLimitKib, "swap_hard_limit", err);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'swap_hard_limit' needs a 'hard_limit' that is no larger: cgroup v2 limits swap by itself");
    return FALSE;
}

static gboolean setV2(const char *folder, const MemtuneDef *tune, GError **err)
{
    return (!tune->hasHard || setLimit(folder, "memory.max", "max", tune->hardLimitKib, "hard_limit", err)) &&
           (!tune->hasSwapHard || setV2Swap(folder, tune, err)) &&
           (!tune->hasSoft || setLimit(folder, "memory.high", "max", tune->softLimitKib, "soft_limit", err));
}

gboolean qemuCgroupSetLimits(const char *folder, const MemtuneDef *tune, GError **err)
{
    g_autofree char *v2Only = g_build_filename(folder, "memory.max", NULL);

    return g_file_test(v2Only, G_FILE_TEST_EXISTS) ? setV2(folder, tune, err) : setV1(folder, tune, err);
}

/* ---- the end ---- */

void qemuCgroupRemove(const char *folder)
{
    if (rmdir(folder) < 0 && errno != ENOENT)
        g_info("control group '%s' stays: %s", folder, g_strerror(errno));
}

static void sweep(const char *base)
{
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *folder = g_build_filename(base, name, NULL);

        if (g_str_has_prefix(name, GUEST_PREFIX))
            qemuCgroupRemove(folder);
    }
}

static void sweepController(const char *controller)
{
    g_auto(Hierarchy) hierarchy = { 0 };
    g_autofree char *own = findHierarchy(&hierarchy, controller, NULL) ? ownBase(&hierarchy, NULL) : NULL;
    g_autofree char *shared = own ? g_build_filename(hierarchy.mount, SHARED_NAME, NULL) : NULL;

    if (own)
        sweep(own);
    if (own && hierarchy.v2)
        sweep(shared);
}

void qemuCgroupSweep(void)
{
    sweepController(MEMORY);
    sweepController(CPUSET);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_memory_backend.c: which QEMU object holds a piece of guest memory, and with what properties */
#include "qemu/qemu_command_memory_priv.h"

#include "qemu/qemu_host.h"
#include "util/mem_error.h"

typedef enum {
    BACKEND_RAM,
    BACKEND_FILE,
    BACKEND_MEMFD,
    BACKEND_EPC,
} BackendKind;

/* What the elements that may speak about one backend come to together. */
typedef struct {
    BackendKind kind;
    MemoryAccess access;
    MemTristate discard;
    gboolean huge;
    guint64 pageKib;
    gboolean prealloc;
    NumaMemoryMode mode;
    const MemBitmap *nodes;         /* host nodes, NULL: any */
} BackendChoice;

static gboolean isVirtioMem(const QemuMemoryBackend *backend)
{
    return backend->device && backend->device->model == MEMORY_DEVICE_VIRTIO_MEM;
}

static const char *devicePath(const QemuMemoryBackend *backend)
{
    return backend->device ? backend->device->sourcePath : NULL;
}

/* ---- choosing ---- */

static const HugepageDef *findPage(const MemoryBackingDef *backing, int node)
{
    const HugepageDef *general = NULL;

    for (gsize i = 0; i < backing->npages; i++) {
        if (!backing->pages[i].nodes)
            general = &backing->pages[i];
        else if (node >= 0 && memBitmapIsSet(backing->pages[i].nodes, (unsigned)node))
            return &backing->pages[i];
    }
    return general;
}

/* A "huge" page of the host's ordinary size is as if nothing had been asked. */
guint64 qemuMemoryBackendPageKib(const DomainDef *def, const QemuMemoryBackend *backend, gboolean *huge)
{
    guint64 pageKib = backend->device ? backend->device->sourcePagesizeKib : 0;

    *huge = pageKib > 0;
    if (!*huge && def->backing.hugepages) {
        const HugepageDef *page = findPage(&def->backing, backend->node);

        *huge = page || !def->backing.npages;
        pageKib = page ? page->sizeKib : 0;
    }
    if (pageKib == qemuHostPageKib())
        *huge = FALSE;
    return *huge ? pageKib : 0;
}

static MemoryAccess chooseAccess(const DomainDef *def, const QemuMemoryBackend *backend)
{
    if (backend->device && backend->device->access)
        return backend->device->access;
    if (backend->node >= 0 && def->numa.cells[backend->node].memAccess)
        return def->numa.cells[backend->node].memAccess;
    return def->backing.access;
}

static MemTristate chooseDiscard(const DomainDef *def, const QemuMemoryBackend *backend)
{
    if (backend->device && backend->device->discard)
        return backend->device->discard;
    if (backend->node >= 0 && def->numa.cells[backend->node].discard)
        return def->numa.cells[backend->node].discard;
    return def->backing.discard ? MEM_TRISTATE_YES : MEM_TRISTATE_ABSENT;
}

static BackendKind chooseKind(const DomainDef *def, const QemuMemoryBackend *backend, const BackendChoice *choice)
{
    if (backend->device && backend->device->model == MEMORY_DEVICE_SGX_EPC)
        return BACKEND_EPC;
    if (!devicePath(backend) && def->backing.source == MEMORY_SOURCE_MEMFD)
        return BACKEND_MEMFD;
    if (choice->huge || devicePath(backend) || choice->access || def->backing.source == MEMORY_SOURCE_FILE)
        return BACKEND_FILE;
    return BACKEND_RAM;
}

/* A file that is memory in itself (pmem) would only be worn by writing to it. */
static gboolean choosePrealloc(const DomainDef *def, const QemuMemoryBackend *backend, const BackendChoice *choice)
{
    if (def->backing.allocation == MEMORY_ALLOCATION_IMMEDIATE || choice->kind == BACKEND_EPC)
        return TRUE;
    if (devicePath(backend))
        return backend->device->model == MEMORY_DEVICE_NVDIMM && !backend->device->pmem;
    return choice->huge;
}

gboolean qemuMemoryCheckHostNodes(const MemBitmap *nodes, GError **err)
{
    g_autoptr(MemBitmap) present = qemuHostNodes();

    for (int node = memBitmapNext(nodes, -1); node >= 0; node = memBitmapNext(nodes, node)) {
        if (!memBitmapIsSet(present, (unsigned)node)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "NUMA node '%d' is not available on this host", node);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean chooseNodes(const DomainDef *def, const QemuMemoryBackend *backend, BackendChoice *choice, GError **err)
{
    const MemBitmap *tuned = NULL;
    gboolean asked;

    choice->mode = NUMA_MODE_STRICT;
    asked = numaDefTuning(&def->numa, backend->node, &choice->mode, &tuned);
    if (backend->device && backend->device->sourceNodes) {
        choice->nodes = backend->device->sourceNodes;
    } else if (asked && def->numa.placement == NUMA_PLACEMENT_AUTO) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "placement 'auto' of '<numatune>' needs the advice of numad, which is not available: give a nodeset");
        return FALSE;
    } else {
        choice->nodes = tuned;
    }
    if (choice->nodes && !qemuMemoryCheckHostNodes(choice->nodes, err))
        return FALSE;
    /* 'restrictive' leaves the choice to the cgroup. */
    if (choice->mode == NUMA_MODE_RESTRICTIVE)
        choice->nodes = NULL;
    return TRUE;
}

static void choose(const DomainDef *def, const QemuMemoryBackend *backend, BackendChoice *choice)
{
    choice->pageKib = qemuMemoryBackendPageKib(def, backend, &choice->huge);
    choice->access = chooseAccess(def, backend);
    choice->discard = chooseDiscard(def, backend);
    choice->kind = chooseKind(def, backend, choice);
    choice->prealloc = choosePrealloc(def, backend, choice);
}

/* ---- paths ---- */

char *qemuMemoryHugepagePath(guint64 *pageKib, const QemuCommandContext *context, GError **err)
{
    guint64 wanted = *pageKib;
    g_autofree char *mount = qemuHostHugetlbfs(pageKib);

    if (mount)
        return g_strdup_printf("%s/libvirt/qemu/%s", mount, context->shortName);
    if (wanted)
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no hugetlbfs for pages of '%" G_GUINT64_FORMAT "' KiB is mounted on this host", wanted);
    else
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no hugetlbfs is mounted on this host");
    return NULL;
}

static char *backingFolder(const QemuCommandContext *context)
{
    return g_strdup_printf("%s/%s", context->memoryBackingFolder, context->shortName);
}

static char *memPath(const QemuMemoryBackend *backend, BackendChoice *choice, const QemuCommandContext *context, GError **err)
{
    g_autofree char *folder = NULL;

    if (devicePath(backend))
        return g_strdup(devicePath(backend));
    if (choice->huge)
        return qemuMemoryHugepagePath(&choice->pageKib, context, err);
    folder = backingFolder(context);
    return g_strdup_printf("%s/%s", folder, backend->alias);
}

char *qemuMemoryBackendPath(const DomainDef *def, const QemuMemoryBackend *backend, const QemuCommandContext *context)
{
    BackendChoice choice = { 0 };

    choice.pageKib = qemuMemoryBackendPageKib(def, backend, &choice.huge);
    choice.access = chooseAccess(def, backend);
    choice.kind = chooseKind(def, backend, &choice);
    if (choice.kind != BACKEND_FILE || devicePath(backend))
        return NULL;
    return choice.huge ? qemuMemoryHugepagePath(&choice.pageKib, context, NULL) : backingFolder(context);
}

/* ---- properties ---- */

static gboolean addKind(MemJson *object, const QemuMemoryBackend *backend, BackendChoice *choice,
                        const QemuCommandContext *context, GError **err)
{
    g_autofree char *path = NULL;
    g_autofree char *mount = NULL;

    switch (choice->kind) {
    case BACKEND_RAM:
    case BACKEND_EPC:
        return TRUE;
    case BACKEND_MEMFD:
        if (!choice->huge)
            return TRUE;
        /* the default size is that of the default mount */
        if (!choice->pageKib && !(mount = qemuMemoryHugepagePath(&choice->pageKib, context, err)))
            return FALSE;
        memJsonAddBool(object, "hugetlb", TRUE);
        memJsonAddUint64(object, "hugetlbsize", choice->pageKib * 1024);
        return TRUE;
    case BACKEND_FILE:
        path = memPath(backend, choice, context, err);
        if (!path)
            return FALSE;
        memJsonAddString(object, "mem-path", path);
        if (choice->discard && !devicePath(backend))
            memJsonAddBool(object, "discard-data", choice->discard == MEM_TRISTATE_YES);
        return TRUE;
    }
    return TRUE;
}

static void addSharing(MemJson *object, const QemuMemoryBackend *backend, const BackendChoice *choice, const QemuCaps *caps)
{
    if (choice->kind != BACKEND_MEMFD && choice->kind != BACKEND_FILE)
        return;
    if (choice->access)
        memJsonAddBool(object, "share", choice->access == MEMORY_ACCESS_SHARED);
    /* The block of memory must have the name that plain -m gives it, or a migration would not find it. */
    if (backend->defaultRam && qemuCapsHas(caps, QEMU_CAPS_MEMORY_CANONICAL_RAMBLOCK))
        memJsonAddBool(object, "x-use-canonical-path-for-ramblock-id", FALSE);
}

/* virtio-mem fills its backend itself, as it is plugged. */
static void addAllocation(MemJson *object, const DomainDef *def, const QemuMemoryBackend *backend,
                          const BackendChoice *choice, const QemuCaps *caps)
{
    if (isVirtioMem(backend)) {
        if (qemuCapsHas(caps, QEMU_CAPS_MEMORY_RESERVE))
            memJsonAddBool(object, "reserve", FALSE);
        return;
    }
    if (qemuMemoryPreallocatesWhole(def, caps))
        return;
    if (choice->prealloc)
        memJsonAddBool(object, "prealloc", TRUE);
    if (def->backing.allocationThreads)
        memJsonAddUint64(object, "prealloc-threads", def->backing.allocationThreads);
}

static MemJson *nodesToJson(const MemBitmap *nodes)
{
    MemJson *array = memJsonNewArray();

    for (int node = memBitmapNext(nodes, -1); node >= 0; node = memBitmapNext(nodes, node))
        memJsonAppend(array, json_object_new_int(node));
    return array;
}

static const char *policyName(NumaMemoryMode mode)
{
    switch (mode) {
    case NUMA_MODE_STRICT:
        return "bind";
    case NUMA_MODE_PREFERRED:
        return "preferred";
    case NUMA_MODE_INTERLEAVE:
        return "interleave";
    case NUMA_MODE_RESTRICTIVE:
    case NUMA_MODE_LAST:
        break;
    }
    return NULL;
}

static MemJson *makeThreadContext(MemJson *object, const QemuMemoryBackend *backend, const MemBitmap *nodes)
{
    g_autofree char *id = g_strdup_printf("tc-%s", backend->id);
    MemJson *context = memJsonNew();

    memJsonAddString(context, "qom-type", "thread-context");
    memJsonAddString(context, "id", id);
    memJsonAdd(context, "node-affinity", nodesToJson(nodes));
    memJsonAddString(object, "prealloc-context", id);
    return context;
}

static const char *kindName(BackendKind kind)
{
    switch (kind) {
    case BACKEND_RAM:
        return "memory-backend-ram";
    case BACKEND_FILE:
        return "memory-backend-file";
    case BACKEND_MEMFD:
        return "memory-backend-memfd";
    case BACKEND_EPC:
        return "memory-backend-epc";
    }
    return NULL;
}

MemJson *qemuMemoryBackendBuild(const DomainDef *def, const QemuMemoryBackend *backend, const QemuCaps *caps,
                                const QemuCommandContext *context, MemJson **threadContext, GError **err)
{
    g_autoptr(MemJson) object = memJsonNew();
    BackendChoice choice = { 0 };
    gboolean preallocated = FALSE;

    if (threadContext)
        *threadContext = NULL;
    choose(def, backend, &choice);
    memJsonAddString(object, "qom-type", kindName(choice.kind));
    memJsonAddString(object, "id", backend->id);
    if (!addKind(object, backend, &choice, context, err) || !chooseNodes(def, backend, &choice, err))
        return NULL;
    addSharing(object, backend, &choice, caps);
    addAllocation(object, def, backend, &choice, caps);
    memJsonAddUint64(object, "size", backend->sizeKib * 1024);
    if (backend->device && backend->device->alignKib)
        memJsonAddUint64(object, "align", backend->device->alignKib * 1024);
    if (backend->device && backend->device->pmem)
        memJsonAddBool(object, "pmem", TRUE);
    if (choice.nodes) {
        memJsonAdd(object, "host-nodes", nodesToJson(choice.nodes));
        memJsonAddString(object, "policy", policyName(choice.mode));
        if (threadContext && qemuCapsHas(caps, QEMU_CAPS_THREAD_CONTEXT) &&
            memJsonGetBool(object, "prealloc", &preallocated) && preallocated)
            *threadContext = makeThreadContext(object, backend, choice.nodes);
    }
    return g_steal_pointer(&object);
}

/* ---- the whole guest ---- */

static gboolean cellNeedsObject(const DomainDef *def, gsize cell)
{
    const QemuMemoryBackend backend = { .node = (int)cell };
    const HugepageDef *page = findPage(&def->backing, (int)cell);

    if (chooseAccess(def, &backend) || def->backing.source == MEMORY_SOURCE_FILE ||
        def->backing.source == MEMORY_SOURCE_MEMFD)
        return TRUE;
    for (gsize i = 0; i < def->numa.nmemnodes; i++) {
        if (def->numa.memnodes[i].cellid == cell)
            return TRUE;
    }
    return page && page->nodes && page->sizeKib != qemuHostPageKib();
}

gboolean qemuMemoryUsesPlainCells(const DomainDef *def, const QemuCaps *caps)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    /* mem= cannot be combined with HMAT, which QEMU has for memdev= only */
    if (!def->numa.ncells || !machine || !machine->numaMemSupported || numaDefHasHmat(&def->numa))
        return FALSE;
    for (gsize i = 0; i < def->numa.ncells; i++) {
        if (cellNeedsObject(def, i))
            return FALSE;
    }
    return TRUE;
}

static gboolean hasDefaultRam(const DomainDef *def, const QemuCaps *caps)
{
    const QemuMachine *machine = qemuCapsMachine(caps, def->machine);

    return machine && machine->defaultRamId;
}

gboolean qemuMemoryPreallocatesWhole(const DomainDef *def, const QemuCaps *caps)
{
    const MemoryBackingDef *backing = &def->backing;

    if (def->numa.ncells ? !qemuMemoryUsesPlainCells(def, caps) : hasDefaultRam(def, caps))
        return FALSE;
    if (backing->allocation == MEMORY_ALLOCATION_IMMEDIATE)
        return TRUE;
    return backing->hugepages && (!backing->npages || backing->pages[0].sizeKib != qemuHostPageKib());
}

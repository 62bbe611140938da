/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities.h: what a QEMU binary can do, asked over QMP, recorded, cached */
#pragma once

#include "conf/domain_conf.h"
#include "util/mem_json.h"

/* One flag per feature that some code must ask for. Each has a row in the probe table (which QMP
 * answer shows it): qemu_capabilities_probe.c. */
typedef enum {
    QEMU_CAPS_KVM = 0,                      /* works on this host */
    QEMU_CAPS_DEVICE_PC_DIMM,
    QEMU_CAPS_DEVICE_NVDIMM,
    QEMU_CAPS_NVDIMM_UNARMED,
    QEMU_CAPS_DEVICE_VIRTIO_MEM_PCI,
    QEMU_CAPS_DEVICE_VIRTIO_MEM_CCW,
    QEMU_CAPS_VIRTIO_MEM_PREALLOC,
    QEMU_CAPS_VIRTIO_MEM_DYNAMIC_MEMSLOTS,
    QEMU_CAPS_DEVICE_VIRTIO_PMEM_PCI,
    QEMU_CAPS_DEVICE_VIRTIO_PMEM_CCW,
    QEMU_CAPS_DEVICE_VIRTIO_BALLOON,
    QEMU_CAPS_BALLOON_DEFLATE_ON_OOM,
    QEMU_CAPS_BALLOON_FREE_PAGE_REPORTING,
    QEMU_CAPS_OBJECT_MEMORY_FILE,
    QEMU_CAPS_OBJECT_MEMORY_FILE_PMEM,
    QEMU_CAPS_OBJECT_MEMORY_FILE_ALIGN,
    QEMU_CAPS_OBJECT_MEMORY_FILE_DISCARD,
    QEMU_CAPS_OBJECT_MEMORY_MEMFD,
    QEMU_CAPS_OBJECT_MEMORY_MEMFD_HUGETLB,
    QEMU_CAPS_OBJECT_MEMORY_EPC,
    QEMU_CAPS_MEMORY_RESERVE,
    QEMU_CAPS_MEMORY_PREALLOC_THREADS,
    QEMU_CAPS_MEMORY_CANONICAL_RAMBLOCK,    /* x-use-canonical-path-for-ramblock-id */
    QEMU_CAPS_THREAD_CONTEXT,
    QEMU_CAPS_NUMA_HMAT,
    QEMU_CAPS_SANDBOX,
    QEMU_CAPS_SGX_EPC_NODE,                 /* sgx-epc.N.node */

    QEMU_CAPS_LAST
} QemuCapsFlag;

MEM_ENUM_DECL(qemuCapsFlag);                /* "device.pc-dimm" ... as --print and the cache write them */

typedef struct {
    char *name;                             /* "pc-q35-7.2" */
    char *alias;                            /* "q35" or NULL */
    char *defaultRamId;                     /* "pc.ram" or NULL */
    char *defaultCpu;                       /* libvirt-style model name or NULL */
    unsigned maxCpus;
    gboolean isDefault;
    gboolean numaMemSupported;              /* -numa node,mem= still works */
    gboolean hotpluggableCpus;
    gboolean deprecated;
} QemuMachine;

typedef struct {
    guint64 sectionKib;
    int node;                               /* -1: not told */
} QemuSgxSection;

enum {
    QEMU_SGX_1 = 1 << 0,
    QEMU_SGX_2 = 1 << 1,
    QEMU_SGX_FLC = 1 << 2,
};

typedef struct {
    char *name;                             /* "Haswell-noTSX" */
    char *type;                             /* QOM type, "Haswell-noTSX-x86_64-cpu" */
    char *aliasOf;                          /* "Haswell-v2" or NULL */
    char *vendor;                           /* "GenuineIntel" or NULL */
    const char **features;                  /* x86: QEMU's names, sorted, NULL-terminated; NULL: not known */
    int usable;                             /* MemTristate: absent when QEMU does not tell */
    gboolean deprecated;
} QemuCpuModel;

typedef struct QemuCaps QemuCaps;           /* immutable after it is made; reference counted, any thread */

QemuCaps *qemuCapsRef(QemuCaps *caps);
void qemuCapsUnref(QemuCaps *caps);         /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCaps, qemuCapsUnref)

/* Does KVM work here: /dev/kvm opens, makes a virtual machine, and offers a CPU that an ordinary kernel can run on. Asked
 * of the kernel once per process. */
gboolean qemuCapsKvmWorks(void);

/* Run @binary without a machine, ask, end it. VIR_ERR_INTERNAL_ERROR with QEMU's own words otherwise. */
QemuCaps *qemuCapsProbe(const char *binary, GError **err);
/* From the answers recorded by scripts/record-capabilities (tests/qemucapabilitiesdata/). */
QemuCaps *qemuCapsFromRecording(const char *path, GError **err);

gboolean qemuCapsHas(const QemuCaps *caps, QemuCapsFlag flag);
void qemuCapsSetForTest(QemuCaps *caps, QemuCapsFlag flag, gboolean on);
/* A type of qom-list-types ("virtio-net-pci"), and a property of one of the probed types. */
gboolean qemuCapsHasDevice(const QemuCaps *caps, const char *type);
Arch qemuCapsArch(const QemuCaps *caps);
const char *qemuCapsBinary(const QemuCaps *caps);
const char *qemuCapsPackage(const QemuCaps *caps);
unsigned qemuCapsVersion(const QemuCaps *caps);     /* 7002022, for display; never to decide by */

/* By name or alias; NULL: no such machine. @name NULL: the default one. Borrowed. */
const QemuMachine *qemuCapsMachine(const QemuCaps *caps, const char *name);
const QemuMachine *qemuCapsMachines(const QemuCaps *caps, gsize *count);
const QemuSgxSection *qemuCapsSgxSections(const QemuCaps *caps, gsize *count);
unsigned qemuCapsSgxFeatures(const QemuCaps *caps);     /* QEMU_SGX_* */
/* CPU model names as QEMU lists them, NULL-terminated, for virt type qemu or kvm. Borrowed. */
const char *const *qemuCapsCpuModels(const QemuCaps *caps);
const QemuCpuModel *qemuCapsCpuModelList(const QemuCaps *caps, gsize *count);
/* QEMU's names of the CPU features that -cpu max turns on (-cpu host where KVM works); sorted, NULL-terminated; may be
 * empty. Borrowed. */
const char *const *qemuCapsMaxCpuFeatures(const QemuCaps *caps);
const char *qemuCapsMaxCpuVendor(const QemuCaps *caps);
/* Were the CPU questions answered by KVM: are "max", and which models are usable, the host's? */
gboolean qemuCapsCpusAreOfKvm(const QemuCaps *caps);
/* aarch64: is interrupt controller version 2 or 3 there? */
gboolean qemuCapsHasGic(const QemuCaps *caps, int version);

/* ---- the cache: by path, size and mtime of the binary, in memory and under @folder ---- */
typedef struct QemuCapsCache QemuCapsCache;         /* self-locking */

QemuCapsCache *qemuCapsCacheNew(const char *folder);
void qemuCapsCacheFree(QemuCapsCache *cache);
/* The caps of @binary (an absolute path). Probes on a miss; waits for a probe under way. New reference. */
QemuCaps *qemuCapsCacheGet(QemuCapsCache *cache, const char *binary, GError **err);
/* The binary for @arch: "qemu-system-x86_64" and so on in PATH and /usr/bin, then "kvm". Caller frees; NULL: none. */
char *qemuCapsCacheFindBinary(QemuCapsCache *cache, Arch arch);

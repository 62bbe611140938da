/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_conf.h: a whole domain: <domain> <-> DomainDef, defaults, cross-checks */
#pragma once

#include "conf/conf_types.h"
#include "conf/memory_backing_conf.h"
#include "conf/memory_device_conf.h"
#include "conf/numa_conf.h"

#define DOMAIN_QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/* How a definition is made:
 *   domainDefParseString     XML -> DomainDef, errors of form        (pure)
 *   domainDefDefaults        what follows from the XML alone         (pure; parse calls it)
 *   qemuDomainDefaults       what follows from machine and binary: machine name, controllers,
 *                            addresses, slots                        (src/qemu/qemu_domain_defaults.c)
 *   domainDefValidate        rules that need no binary               (pure)
 *   qemuDomainValidate       these and those that need the binary    (src/qemu/qemu_domain_validate.c)
 * Each family has its part of each step in its own file. */

typedef enum {
    DOMAIN_VIRT_QEMU = 0,
    DOMAIN_VIRT_KVM,

    DOMAIN_VIRT_LAST
} DomainVirtType;

MEM_ENUM_DECL(domainVirtType);

typedef enum {
    DOMAIN_ACTION_DESTROY = 0,
    DOMAIN_ACTION_RESTART,
    DOMAIN_ACTION_PRESERVE,
    DOMAIN_ACTION_RESTART_RENAME,
    DOMAIN_ACTION_COREDUMP_DESTROY,
    DOMAIN_ACTION_COREDUMP_RESTART,

    DOMAIN_ACTION_LAST
} DomainAction;                         /* on_poweroff, on_reboot, on_crash */

MEM_ENUM_DECL(domainAction);

/* <panic model=>: how a guest says that its kernel has given up. */
typedef enum {
    PANIC_NONE = 0,
    PANIC_ISA,
    PANIC_PSERIES,                      /* part of the machine, nothing to add; s390 too */
    PANIC_S390,

    PANIC_LAST
} PanicModel;

MEM_ENUM_DECL(panicModel);

typedef struct {
    guint64 totalKib;                   /* <memory>: boot memory and all devices */
    guint64 currentKib;                 /* <currentMemory> */
    guint64 maxKib;                     /* <maxMemory>; 0: not given */
    unsigned slots;                     /* maxMemory slots; 0: not given */
    MemTristate dumpCore;
} DomainMemory;

typedef struct CpuDef CpuDef;           /* <cpu> without <numa>: cpu_conf.h */

/* <vcpu>: cpu_conf.h holds parse and format. */
typedef struct {
    unsigned max;
    unsigned current;                   /* 0: equals max */
    gboolean placementAuto;
    MemBitmap *cpuset;                  /* host CPUs; NULL: all */
} DomainVcpus;

struct DomainDef {
    int id;                             /* -1: not running */
    DomainVirtType virtType;
    char *name;
    unsigned char uuid[16];
    char *title, *description;
    Arch arch;                          /* <os><type arch=>; ARCH_NONE until defaults */
    char *machine;                      /* <os><type machine=>; NULL until defaults, then canonical */
    xmlNode *metadata;                  /* <metadata>, owned, in a document of its own; or NULL */

    DomainMemory memory;
    MemoryBackingDef backing;
    MemtuneDef memtune;
    NumaDef numa;
    MemoryDeviceDef **memories;         /* XML order */
    gsize nmemories;
    MemballoonDef *balloon;             /* NULL: none was given, and the architecture adds none */

    DomainVcpus vcpus;
    CpuDef *cpu;                        /* NULL: none given */
    OsDef *os;                          /* never NULL after parse */
    char *emulator;
    DomainAction onPoweroff, onReboot, onCrash;
    unsigned iothreads;                 /* <iothreads> */
    char *partition;                    /* <resource><partition>; kept, no cgroup is made of it */
    gboolean seclabelNone;              /* <seclabel type='none'/> */
    gboolean audioNone;                 /* <audio id='1' type='none'/>, the default */
    PanicModel panic;

    DiskDef **disks;                gsize ndisks;
    NetDef **nets;                  gsize nnets;
    ControllerDef **controllers;    gsize ncontrollers;
    ChardevDef **serials;           gsize nserials;
    ChardevDef **consoles;          gsize nconsoles;
    ChardevDef **channels;          gsize nchannels;
    GraphicsDef **graphics;         gsize ngraphics;
    VideoDef **videos;              gsize nvideos;
    InputDef **inputs;              gsize ninputs;
    RngDef **rngs;                  gsize nrngs;
    WatchdogDef **watchdogs;        gsize nwatchdogs;

    char **qemuArgs;                /* qemu:commandline, NULL-terminated or NULL */
    char **qemuEnv;                 /* "NAME=value", NULL-terminated or NULL */
};

DomainDef *domainDefNew(void);
void domainDefFree(DomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDef, domainDefFree)

/* @flags: DomainParseFlags. */
DomainDef *domainDefParseString(const char *xml, unsigned flags, GError **err);
DomainDef *domainDefParseNode(const xmlNode *root, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. Caller frees. */
char *domainDefFormat(const DomainDef *def, unsigned flags);
void domainDefFormatTo(MemXmlOut *out, const DomainDef *def, unsigned flags);
/* By formatting and parsing with status flags: live state included. */
DomainDef *domainDefCopy(const DomainDef *def, GError **err);

gboolean domainDefDefaults(DomainDef *def, unsigned flags, GError **err);
gboolean domainDefValidate(const DomainDef *def, GError **err);
/* The same with a rule that each memory device is held against after those of its own: qemuDomainValidate() asks the
 * binary there. @rule may be NULL. */
typedef gboolean (*DomainMemoryRule)(const DomainDef *def, const MemoryDeviceDef *device, gconstpointer opaque,
                                     GError **err);
gboolean domainDefValidateWith(const DomainDef *def, DomainMemoryRule rule, gconstpointer opaque, GError **err);

/* ---- memory totals: domain_memory.c ---- */

/* Boot memory: total less all devices. */
guint64 domainDefInitialKib(const DomainDef *def);
guint64 domainDefDevicesKib(const DomainDef *def);
/* Sum of the maximum sizes of the virtio-mem devices, and of what they have plugged now. */
guint64 domainDefVirtioMemKib(const DomainDef *def);
guint64 domainDefVirtioMemCurrentKib(const DomainDef *def);
/* <memory>, <currentMemory>, <maxMemory>. */
gboolean domainMemoryParse(const xmlNode *domain, DomainDef *def, GError **err);
void domainMemoryFormat(MemXmlOut *out, const DomainDef *def, unsigned flags);
/* The defaults of everything that is memory: devices, automatic cell, cells, huge pages, totals. */
gboolean domainMemoryDefaults(DomainDef *def, unsigned flags, GError **err);
/* The rules of memory across elements, before those of single devices and after them: which of several faults is
 * reported is libvirt's choice, so the order is fixed. */
gboolean domainMemoryValidate(const DomainDef *def, GError **err);
gboolean domainMemoryValidateLate(const DomainDef *def, GError **err);
/* Add to or take from @def a device: totals move by its size. Insert takes over @device. */
gboolean domainMemoryInsert(DomainDef *def, MemoryDeviceDef *device, GError **err);
MemoryDeviceDef *domainMemoryRemove(DomainDef *def, MemoryDeviceDef *device);

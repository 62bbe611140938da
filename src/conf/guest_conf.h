/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest_conf.h: <os>, <features>, <clock>, <pm>, <sysinfo>: how a guest boots and what its platform offers */
#pragma once

#include "conf/conf_types.h"

#define OS_MAX_BOOT 4

typedef enum {
    OS_BOOT_FD = 0,
    OS_BOOT_CDROM,
    OS_BOOT_HD,
    OS_BOOT_NETWORK,

    OS_BOOT_LAST
} OsBootDevice;

MEM_ENUM_DECL(osBootDevice);

typedef enum {
    OS_LOADER_NONE = 0,
    OS_LOADER_ROM,
    OS_LOADER_PFLASH,

    OS_LOADER_LAST
} OsLoaderType;

MEM_ENUM_DECL(osLoaderType);

typedef enum {
    OS_SMBIOS_NONE = 0,
    OS_SMBIOS_EMULATE,
    OS_SMBIOS_SYSINFO,

    OS_SMBIOS_LAST
} OsSmbiosMode;

MEM_ENUM_DECL(osSmbiosMode);

/* ---- <features> ---- */

/* <x/>: there or not. */
typedef enum {
    FEATURE_ACPI = 0,
    FEATURE_APIC,
    FEATURE_PAE,

    FEATURE_LAST
} FeatureFlag;

MEM_ENUM_DECL(featureFlag);

/* <x state='on'/>. */
typedef enum {
    FEATURE_SWITCH_VMPORT = 0,
    FEATURE_SWITCH_SMM,
    FEATURE_SWITCH_VMCOREINFO,

    FEATURE_SWITCH_LAST
} FeatureSwitch;

MEM_ENUM_DECL(featureSwitch);

/* <hyperv><x state='on'/>. */
typedef enum {
    HYPERV_RELAXED = 0,
    HYPERV_VAPIC,
    HYPERV_SPINLOCKS,
    HYPERV_VPINDEX,
    HYPERV_RUNTIME,
    HYPERV_SYNIC,
    HYPERV_STIMER,
    HYPERV_RESET,
    HYPERV_VENDOR_ID,
    HYPERV_FREQUENCIES,
    HYPERV_REENLIGHTENMENT,
    HYPERV_TLBFLUSH,
    HYPERV_IPI,

    HYPERV_LAST
} HypervFeature;

MEM_ENUM_DECL(hypervFeature);

typedef enum {
    HYPERV_MODE_NONE = 0,           /* no <hyperv> */
    HYPERV_MODE_CUSTOM,
    HYPERV_MODE_PASSTHROUGH,

    HYPERV_MODE_LAST
} HypervMode;

MEM_ENUM_DECL(hypervMode);

typedef enum {
    GIC_NONE = 0,
    GIC_2,
    GIC_3,
    GIC_HOST,

    GIC_LAST
} GicVersion;

MEM_ENUM_DECL(gicVersion);

typedef struct {
    gboolean flags[FEATURE_LAST];
    MemTristate switches[FEATURE_SWITCH_LAST];
    HypervMode hypervMode;
    MemTristate hyperv[HYPERV_LAST];
    unsigned hypervSpinlocks;           /* retries */
    char *hypervVendorId;
    MemTristate hypervStimerDirect;
    MemTristate kvmHidden;              /* <kvm><hidden state=/> */
    MemTristate kvmDirtyRing;           /* <kvm><dirty-ring state=/> */
    unsigned kvmDirtyRingSize;          /* entries per vCPU; 0 unless the ring is on */
    GicVersion gic;
    gboolean hasGic;                    /* <gic/> without version waits for the defaults */
} FeaturesDef;

/* ---- <clock> ---- */

typedef enum {
    CLOCK_UTC = 0,
    CLOCK_LOCALTIME,
    CLOCK_VARIABLE,
    CLOCK_ABSOLUTE,

    CLOCK_LAST
} ClockOffset;

MEM_ENUM_DECL(clockOffset);

typedef enum {
    TIMER_RTC = 0,
    TIMER_PIT,
    TIMER_HPET,
    TIMER_KVMCLOCK,
    TIMER_HYPERVCLOCK,
    TIMER_TSC,
    TIMER_ARMVTIMER,

    TIMER_LAST
} TimerName;

MEM_ENUM_DECL(timerName);

typedef enum {
    TICKPOLICY_NONE = 0,
    TICKPOLICY_DELAY,
    TICKPOLICY_CATCHUP,
    TICKPOLICY_MERGE,
    TICKPOLICY_DISCARD,

    TICKPOLICY_LAST
} TickPolicy;

MEM_ENUM_DECL(tickPolicy);

typedef enum {
    TIMER_TRACK_NONE = 0,
    TIMER_TRACK_GUEST,
    TIMER_TRACK_WALL,

    TIMER_TRACK_LAST
} TimerTrack;

MEM_ENUM_DECL(timerTrack);

typedef struct {
    TimerName name;
    MemTristate present;
    TickPolicy tickpolicy;
    TimerTrack track;                   /* rtc */
    guint64 frequencyHz;                /* tsc; 0: not given */
} TimerDef;

typedef struct {
    ClockOffset offset;
    gboolean basisLocaltime;            /* variable: counted from local time */
    gint64 adjustmentSeconds;           /* variable */
    gboolean hasAdjustment;
    guint64 startSeconds;               /* absolute: since the epoch */
    TimerDef *timers;
    gsize ntimers;
} ClockDef;

typedef struct {
    MemTristate suspendToMem, suspendToDisk;
} PmDef;

/* ---- <sysinfo type='smbios'> ---- */

typedef enum {
    SYSINFO_BIOS = 0,
    SYSINFO_SYSTEM,
    SYSINFO_BASEBOARD,
    SYSINFO_CHASSIS,
    SYSINFO_OEMSTRINGS,

    SYSINFO_LAST
} SysinfoTable;

MEM_ENUM_DECL(sysinfoTable);

typedef struct {
    SysinfoTable table;
    unsigned instance;                  /* baseBoard may be there more than once */
    char *name;                         /* NULL in oemStrings */
    char *value;
} SysinfoEntry;

typedef struct {
    gboolean present;
    SysinfoEntry *entries;              /* in the order of tables and of their names */
    gsize nentries;
} SysinfoDef;

/* All of the above: one guest's platform. */
struct OsDef {
    char *kernel, *initrd, *cmdline, *dtb;
    OsBootDevice boot[OS_MAX_BOOT];
    gsize nboot;
    MemTristate bootmenu;
    unsigned bootmenuTimeoutMs;
    gboolean hasBootmenuTimeout;
    MemTristate biosUseserial;
    int rebootTimeoutMs;
    gboolean hasRebootTimeout;
    char *loader;
    OsLoaderType loaderType;
    MemTristate loaderReadonly, loaderSecure;
    char *nvram, *nvramTemplate;
    OsSmbiosMode smbios;

    FeaturesDef features;
    ClockDef clock;
    PmDef pm;
    SysinfoDef sysinfo;
};

OsDef *osDefNew(void);
void osDefFree(OsDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OsDef, osDefFree)

/* Each takes its own element. <os><type> is the domain's: domain_conf.c reads and writes it. What is not supported
 * is refused by name: VIR_ERR_CONFIG_UNSUPPORTED. */
gboolean osDefParse(const xmlNode *node, OsDef *def, GError **err);
gboolean featuresDefParse(const xmlNode *node, FeaturesDef *def, GError **err);
gboolean clockDefParse(const xmlNode *node, ClockDef *def, GError **err);
gboolean pmDefParse(const xmlNode *node, PmDef *def, GError **err);
gboolean sysinfoDefParse(const xmlNode *node, SysinfoDef *def, GError **err);

/* The children of <os> after <type>; the others write their element, or nothing. */
void osDefFormat(MemXmlOut *out, const OsDef *def);
void featuresDefFormat(MemXmlOut *out, const FeaturesDef *def);
void clockDefFormat(MemXmlOut *out, const ClockDef *def);
void pmDefFormat(MemXmlOut *out, const PmDef *def);
void sysinfoDefFormat(MemXmlOut *out, const SysinfoDef *def);

void featuresDefClear(FeaturesDef *def);
void clockDefClear(ClockDef *def);
void sysinfoDefClear(SysinfoDef *def);

/* The timer called @name, or NULL. Borrowed. */
const TimerDef *clockDefTimer(const ClockDef *def, TimerName name);
/* Boots from pflash, or wants to. */
gboolean osDefHasPflash(const OsDef *def);

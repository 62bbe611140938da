/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu_conf.h: <vcpu> and <cpu> without <numa> */
#pragma once

#include "conf/domain_conf.h"

#define CPU_VENDOR_ID_LENGTH 12

typedef enum {
    CPU_MODE_NONE = 0,                  /* no mode and no model: the machine's default */
    CPU_MODE_CUSTOM,
    CPU_MODE_HOST_MODEL,
    CPU_MODE_HOST_PASSTHROUGH,
    CPU_MODE_MAXIMUM,

    CPU_MODE_LAST
} CpuMode;

MEM_ENUM_DECL(cpuMode);

typedef enum {
    CPU_MATCH_NONE = 0,
    CPU_MATCH_MINIMUM,
    CPU_MATCH_EXACT,
    CPU_MATCH_STRICT,

    CPU_MATCH_LAST
} CpuMatch;

MEM_ENUM_DECL(cpuMatch);

typedef enum {
    CPU_CHECK_DEFAULT = 0,
    CPU_CHECK_NONE,
    CPU_CHECK_PARTIAL,
    CPU_CHECK_FULL,

    CPU_CHECK_LAST
} CpuCheck;

MEM_ENUM_DECL(cpuCheck);

typedef enum {
    CPU_POLICY_FORCE = 0,
    CPU_POLICY_REQUIRE,
    CPU_POLICY_OPTIONAL,
    CPU_POLICY_DISABLE,
    CPU_POLICY_FORBID,

    CPU_POLICY_LAST
} CpuPolicy;

MEM_ENUM_DECL(cpuPolicy);

typedef enum {
    CPU_CACHE_NONE = 0,                 /* no <cache> */
    CPU_CACHE_EMULATE,
    CPU_CACHE_PASSTHROUGH,
    CPU_CACHE_DISABLE,

    CPU_CACHE_LAST
} CpuCacheMode;

MEM_ENUM_DECL(cpuCacheMode);

typedef enum {
    CPU_ADDRESS_NONE = 0,               /* no <maxphysaddr> */
    CPU_ADDRESS_EMULATE,
    CPU_ADDRESS_PASSTHROUGH,

    CPU_ADDRESS_LAST
} CpuAddressMode;

MEM_ENUM_DECL(cpuAddressMode);

typedef struct {
    char *name;
    CpuPolicy policy;
} CpuFeature;

struct CpuDef {
    CpuMode mode;
    CpuMatch match;
    CpuCheck check;
    MemTristate migratable;
    char *model;
    MemTristate fallback;               /* yes: allow, no: forbid */
    char *vendorId;
    char *vendor;
    unsigned sockets, dies, cores, threads;     /* 0: no <topology> */
    CpuFeature *features;
    gsize nfeatures;
    CpuCacheMode cacheMode;
    int cacheLevel;                     /* -1: all */
    CpuAddressMode addressMode;
    unsigned addressBits;               /* 0: not given */
};

CpuDef *cpuDefNew(void);
void cpuDefFree(CpuDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CpuDef, cpuDefFree)

/* <cpu>; its <numa> child is left to numa_conf.c. */
CpuDef *cpuDefParse(const xmlNode *node, unsigned flags, GError **err);
/* <cpu> with @numa's cells in it; nothing at all when both are empty. @def may be NULL. */
void cpuDefFormat(MemXmlOut *out, const CpuDef *def, const NumaDef *numa);
gboolean cpuDefValidate(const CpuDef *def, const DomainDef *domain, GError **err);
/* What <cpu> says without looking at the machine: match, check, migratable. */
void cpuDefDefaults(CpuDef *def);

gboolean vcpusParse(const xmlNode *node, DomainVcpus *vcpus, GError **err);
void vcpusFormat(MemXmlOut *out, const DomainVcpus *vcpus);
gboolean vcpusValidate(const DomainDef *domain, GError **err);

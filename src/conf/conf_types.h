/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf_types.h: types that several element families share, and the flags of parse and format */
#pragma once

#include "util/mem_enum.h"
#include "util/mem_xml.h"

/* Numbers of CPUs and of NUMA nodes in sets are below this, as in libvirt. */
#define CONF_SET_LIMIT 16384

typedef struct DomainDef DomainDef;
typedef struct MemoryDeviceDef MemoryDeviceDef;
typedef struct MemballoonDef MemballoonDef;
typedef struct DiskDef DiskDef;
typedef struct NetDef NetDef;
typedef struct ControllerDef ControllerDef;
typedef struct ChardevDef ChardevDef;       /* serial, console, channel */
typedef struct GraphicsDef GraphicsDef;
typedef struct VideoDef VideoDef;
typedef struct InputDef InputDef;
typedef struct RngDef RngDef;
typedef struct WatchdogDef WatchdogDef;
typedef struct OsDef OsDef;                 /* <os> boot, <features>, <clock>, <pm>: guest_conf.h */

typedef enum {
    ARCH_NONE = 0,
    ARCH_X86_64,
    ARCH_I686,
    ARCH_AARCH64,
    ARCH_PPC64,
    ARCH_PPC64LE,
    ARCH_S390X,

    ARCH_LAST
} Arch;

MEM_ENUM_DECL(arch);                        /* libvirt's names: "x86_64", "ppc64le" ... */

typedef enum {
    MEMORY_ACCESS_DEFAULT = 0,
    MEMORY_ACCESS_SHARED,
    MEMORY_ACCESS_PRIVATE,

    MEMORY_ACCESS_LAST
} MemoryAccess;

MEM_ENUM_DECL(memoryAccess);

typedef enum {
    DOMAIN_PARSE_INACTIVE = 1 << 0,    /* from a user or a config file: drop live-only state */
    DOMAIN_PARSE_STATUS = 1 << 1,      /* our own status file: keep aliases and <current> */
    DOMAIN_PARSE_ABI_UPDATE = 1 << 2,  /* define, create, native conversion: recompute totals, add defaults */
} DomainParseFlags;

typedef enum {
    DOMAIN_FORMAT_INACTIVE = 1 << 0,   /* no id, no aliases but "ua-", no live state */
    DOMAIN_FORMAT_SECURE = 1 << 1,     /* with passwords */
    DOMAIN_FORMAT_STATUS = 1 << 2,     /* for our own status file: everything */
    DOMAIN_FORMAT_MIGRATABLE = 1 << 3,
} DomainFormatFlags;

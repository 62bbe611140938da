/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_backing_conf.h: <memoryBacking> and <memtune> */
#pragma once

#include "conf/conf_types.h"
#include "util/mem_bitmap.h"

typedef enum {
    MEMORY_SOURCE_NONE = 0,
    MEMORY_SOURCE_FILE,
    MEMORY_SOURCE_ANONYMOUS,
    MEMORY_SOURCE_MEMFD,

    MEMORY_SOURCE_LAST
} MemorySource;

MEM_ENUM_DECL(memorySource);

typedef enum {
    MEMORY_ALLOCATION_NONE = 0,
    MEMORY_ALLOCATION_IMMEDIATE,
    MEMORY_ALLOCATION_ONDEMAND,

    MEMORY_ALLOCATION_LAST
} MemoryAllocation;

MEM_ENUM_DECL(memoryAllocation);

typedef struct {
    guint64 sizeKib;
    MemBitmap *nodes;               /* guest nodes; NULL: all that no other page names */
} HugepageDef;

/* Plain data, embedded in DomainDef. */
typedef struct {
    gboolean hugepages;             /* <hugepages> present */
    HugepageDef *pages;             /* its <page> children */
    gsize npages;
    gboolean nosharepages;
    gboolean locked;
    gboolean discard;
    MemorySource source;
    MemoryAccess access;
    MemoryAllocation allocation;
    unsigned allocationThreads;     /* 0: not given */
} MemoryBackingDef;

/* @node may be NULL: the element is absent. */
gboolean memoryBackingDefParse(const xmlNode *node, MemoryBackingDef *def, GError **err);
void memoryBackingDefFormat(MemXmlOut *out, const MemoryBackingDef *def);
/* Cross-checks with the guest's NUMA cells; clears a page's nodes='0' on a guest without cells. */
gboolean memoryBackingDefDefaults(MemoryBackingDef *def, const DomainDef *domain, GError **err);
gboolean memoryBackingDefValidate(const MemoryBackingDef *def, const DomainDef *domain, GError **err);
void memoryBackingDefClear(MemoryBackingDef *def);

/* <memtune>; what is not given has its "has" FALSE. MEM_KIB_UNLIMITED is "no limit" and not written back. */
typedef struct {
    guint64 hardLimitKib;
    guint64 softLimitKib;
    guint64 swapHardLimitKib;
    guint64 minGuaranteeKib;
    gboolean hasHard, hasSoft, hasSwapHard, hasMinGuarantee;
} MemtuneDef;

/* @node may be NULL. */
gboolean memtuneDefParse(const xmlNode *node, MemtuneDef *def, GError **err);
void memtuneDefFormat(MemXmlOut *out, const MemtuneDef *def);
/* Is any of the limits that a host can keep given, and not "no limit"? */
gboolean memtuneDefHasLimit(const MemtuneDef *def);
/* min_guarantee is refused: QEMU has nothing like it. */
gboolean memtuneDefValidate(const MemtuneDef *def, GError **err);

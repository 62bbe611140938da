/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa_conf.h: guest NUMA: <cpu><numa> cells with distances, caches, interconnects; <numatune> */
#pragma once

#include "conf/conf_types.h"
#include "util/mem_bitmap.h"
#include "util/mem_enum.h"

typedef enum {
    NUMA_CACHE_ASSOCIATIVITY_NONE = 0,
    NUMA_CACHE_ASSOCIATIVITY_DIRECT,
    NUMA_CACHE_ASSOCIATIVITY_FULL,

    NUMA_CACHE_ASSOCIATIVITY_LAST
} NumaCacheAssociativity;

MEM_ENUM_DECL(numaCacheAssociativity);

typedef enum {
    NUMA_CACHE_POLICY_NONE = 0,
    NUMA_CACHE_POLICY_WRITEBACK,
    NUMA_CACHE_POLICY_WRITETHROUGH,

    NUMA_CACHE_POLICY_LAST
} NumaCachePolicy;

MEM_ENUM_DECL(numaCachePolicy);

typedef enum {
    NUMA_MEMORY_LATENCY_NONE = 0,
    NUMA_MEMORY_LATENCY_ACCESS,
    NUMA_MEMORY_LATENCY_READ,
    NUMA_MEMORY_LATENCY_WRITE,

    NUMA_MEMORY_LATENCY_LAST
} NumaMemoryLatency;

MEM_ENUM_DECL(numaMemoryLatency);

typedef struct {
    unsigned level;
    guint64 sizeKib;
    unsigned lineBytes;
    NumaCacheAssociativity associativity;
    NumaCachePolicy policy;
} NumaCacheDef;

typedef struct {
    MemBitmap *cpus;                /* may be empty: a memory-only node */
    guint64 memoryKib;
    MemoryAccess memAccess;
    MemTristate discard;
    unsigned char *distances;       /* [number of cells], 0: not given; NULL: none given */
    NumaCacheDef *caches;
    gsize ncaches;
} NumaCellDef;

/* One <latency> or <bandwidth> of <interconnects>. */
typedef struct {
    gboolean isBandwidth;
    unsigned initiator, target;
    unsigned cache;                 /* level 1..3; 0: memory itself */
    NumaMemoryLatency access;
    guint64 value;                  /* ns, or KiB/s for bandwidth */
} NumaInterconnectDef;

typedef enum {
    NUMA_MODE_STRICT = 0,
    NUMA_MODE_PREFERRED,
    NUMA_MODE_INTERLEAVE,
    NUMA_MODE_RESTRICTIVE,

    NUMA_MODE_LAST
} NumaMemoryMode;                   /* numbers are libvirt's VIR_DOMAIN_NUMATUNE_MEM_* */

MEM_ENUM_DECL(numaMemoryMode);

typedef enum {
    NUMA_PLACEMENT_DEFAULT = 0,
    NUMA_PLACEMENT_STATIC,
    NUMA_PLACEMENT_AUTO,

    NUMA_PLACEMENT_LAST
} NumaPlacement;

MEM_ENUM_DECL(numaPlacement);

typedef struct {
    unsigned cellid;
    NumaMemoryMode mode;
    MemBitmap *nodes;
} NumaMemnodeDef;

/* Plain data, embedded in DomainDef: both <cpu><numa> and <numatune>. */
typedef struct {
    NumaCellDef *cells;             /* in id order */
    gsize ncells;
    NumaInterconnectDef *interconnects;
    gsize ninterconnects;

    gboolean hasMemory;             /* <numatune><memory> */
    NumaMemoryMode mode;
    NumaPlacement placement;
    MemBitmap *nodes;
    NumaMemnodeDef *memnodes;
    gsize nmemnodes;
} NumaDef;

/* <cpu><numa> and <numatune> of <domain>: the one that the whole-domain parser calls, after <vcpu> was read into
 * @def: cells are checked against its count, and automatic placement of vCPUs and of memory follow each other. */
gboolean numaDefParse(const xmlNode *domain, DomainDef *def, GError **err);
/* Its parts. @placementStatic: vCPUs are not placed automatically. @numatune may be NULL. */
gboolean numaCellsParse(const xmlNode *numa, NumaDef *def, GError **err);
gboolean numatuneParse(const xmlNode *numatune, gboolean placementStatic, NumaDef *def, GError **err);
void numaCellsFormat(MemXmlOut *out, const NumaDef *def);       /* <numa>, nothing without cells */
void numatuneFormat(MemXmlOut *out, const NumaDef *def);        /* <numatune>, nothing if nothing was said */
/* vCPUs that no cell names go to cell 0, as libvirt stores it. */
gboolean numaDefDefaults(NumaDef *def, DomainDef *domain, GError **err);
gboolean numaDefValidate(const NumaDef *def, const DomainDef *domain, GError **err);
void numaDefClear(NumaDef *def);

/* The host nodes and the mode that hold for guest node @cell (-1: a guest without cells).
 * FALSE: nothing is asked for. *@nodes is borrowed. */
gboolean numaDefTuning(const NumaDef *def, int cell, NumaMemoryMode *mode, const MemBitmap **nodes);
guint64 numaDefTotalKib(const NumaDef *def);
gboolean numaDefHasHmat(const NumaDef *def);
/* TRUE when some distance is not the usual 10 to itself and 20 to others. */
gboolean numaDefHasDistances(const NumaDef *def);
unsigned numaDefDistance(const NumaDef *def, gsize from, gsize to);
/* The node whose CPUs reach @cell best, for -numa initiator=; -1 when no node has CPUs. */
int numaDefInitiator(const NumaDef *def, gsize cell);

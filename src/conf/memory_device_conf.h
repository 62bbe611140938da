/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_device_conf.h: <memory model='...'> devices: dimm, nvdimm, virtio-mem, virtio-pmem, sgx-epc */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"
#include "util/mem_bitmap.h"

typedef enum {
    MEMORY_DEVICE_DIMM = 0,
    MEMORY_DEVICE_NVDIMM,
    MEMORY_DEVICE_VIRTIO_PMEM,
    MEMORY_DEVICE_VIRTIO_MEM,
    MEMORY_DEVICE_SGX_EPC,

    MEMORY_DEVICE_LAST
} MemoryDeviceModel;

MEM_ENUM_DECL(memoryDeviceModel);

struct MemoryDeviceDef {
    MemoryDeviceModel model;
    MemoryAccess access;            /* MEMORY_ACCESS_DEFAULT: not given */
    MemTristate discard;
    unsigned char uuid[16];         /* nvdimm on pSeries */
    gboolean hasUuid;

    guint64 sourcePagesizeKib;      /* dimm, virtio-mem; 0: not given */
    MemBitmap *sourceNodes;         /* host nodes; NULL: not given */
    char *sourcePath;               /* nvdimm, virtio-pmem */
    guint64 alignKib;               /* nvdimm source/alignsize; 0: not given */
    gboolean pmem;                  /* nvdimm */

    guint64 sizeKib;                /* the maximum for virtio-mem */
    int targetNode;                 /* guest NUMA node; -1: not given */
    guint64 labelKib;               /* nvdimm */
    gboolean readonly;              /* nvdimm */
    guint64 blockKib;               /* virtio-mem */
    guint64 requestedKib;           /* virtio-mem */
    guint64 currentKib;             /* virtio-mem, live only: what the guest has plugged */
    guint64 baseAddress;            /* target/address base of virtio models, bytes; 0: not given */
    MemTristate dynamicMemslots;    /* virtio-mem */
    DeviceVirtioOptions virtio;     /* virtio models */

    DeviceInfo info;
};

MemoryDeviceDef *memoryDeviceDefNew(MemoryDeviceModel model);
void memoryDeviceDefFree(MemoryDeviceDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemoryDeviceDef, memoryDeviceDefFree)

/* @flags: DomainParseFlags. */
MemoryDeviceDef *memoryDeviceDefParse(const xmlNode *node, unsigned flags, GError **err);
/* A <memory> device document by itself, as attach-device sends it. */
MemoryDeviceDef *memoryDeviceDefParseString(const char *xml, unsigned flags, GError **err);
/* @flags: DomainFormatFlags; <current> is written for live XML only. */
void memoryDeviceDefFormat(MemXmlOut *out, const MemoryDeviceDef *def, unsigned flags);
/* A complete document. Caller frees. */
char *memoryDeviceDefToString(const MemoryDeviceDef *def, unsigned flags);
MemoryDeviceDef *memoryDeviceDefCopy(const MemoryDeviceDef *def);

/* Fill in what the XML left open and needs no other knowledge (virtio-pmem is always shared). */
gboolean memoryDeviceDefDefaults(MemoryDeviceDef *def, const DomainDef *domain, GError **err);
/* The rules of one device, alone and against @domain (nodes, architecture, address type). */
gboolean memoryDeviceDefValidate(const MemoryDeviceDef *def, const DomainDef *domain, GError **err);

/* TRUE for the models that sit in a DIMM slot (dimm, nvdimm). */
gboolean memoryDeviceUsesSlot(MemoryDeviceModel model);

/* The device of @domain that detach by XML means, or NULL. What it is made of must agree; what it is doing (requested,
 * current) and how it is used (access, discard, label and so on) is not compared, nor what @wanted leaves open (alias,
 * address), nor a DIMM's base that either of them leaves open. The first in the order of the list. Borrowed. */
MemoryDeviceDef *memoryDeviceFind(const DomainDef *domain, const MemoryDeviceDef *wanted);

/* The device of @domain with @alias, or NULL (for a NULL alias too). Borrowed. */
MemoryDeviceDef *memoryDeviceFindAlias(const DomainDef *domain, const char *alias);

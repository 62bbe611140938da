/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memballoon_conf.h: <memballoon> */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    MEMBALLOON_VIRTIO = 0,
    MEMBALLOON_XEN,
    MEMBALLOON_NONE,
    MEMBALLOON_VIRTIO_TRANSITIONAL,
    MEMBALLOON_VIRTIO_NON_TRANSITIONAL,

    MEMBALLOON_LAST
} MemballoonModel;

MEM_ENUM_DECL(memballoonModel);

struct MemballoonDef {
    MemballoonModel model;
    MemTristate autodeflate;
    MemTristate freePageReporting;
    int periodSeconds;              /* 0: no statistics polling */
    DeviceVirtioOptions virtio;
    DeviceInfo info;
};

MemballoonDef *memballoonDefNew(MemballoonModel model);
void memballoonDefFree(MemballoonDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemballoonDef, memballoonDefFree)
MemballoonDef *memballoonDefParse(const xmlNode *node, unsigned flags, GError **err);
void memballoonDefFormat(MemXmlOut *out, const MemballoonDef *def, unsigned flags);
gboolean memballoonDefValidate(const MemballoonDef *def, const DomainDef *domain, GError **err);

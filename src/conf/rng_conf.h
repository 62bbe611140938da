/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rng_conf.h: <rng>: a virtio random number generator */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    RNG_MODEL_VIRTIO = 0,
    RNG_MODEL_VIRTIO_TRANSITIONAL,
    RNG_MODEL_VIRTIO_NON_TRANSITIONAL,

    RNG_MODEL_LAST
} RngModel;

MEM_ENUM_DECL(rngModel);

typedef enum {
    RNG_BACKEND_RANDOM = 0,
    RNG_BACKEND_BUILTIN,

    RNG_BACKEND_LAST
} RngBackend;

MEM_ENUM_DECL(rngBackend);

struct RngDef {
    RngModel model;
    RngBackend backend;
    char *path;                     /* random: a device file; NULL: QEMU's default */
    unsigned rateBytes;             /* 0: not limited */
    unsigned periodMs;              /* 0: not given, a second */
    DeviceVirtioOptions virtio;
    DeviceInfo info;
};

RngDef *rngDefNew(void);
void rngDefFree(RngDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RngDef, rngDefFree)
/* @flags: DomainParseFlags. */
RngDef *rngDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void rngDefFormat(MemXmlOut *out, const RngDef *def, unsigned flags);
gboolean rngDefValidate(const RngDef *def, const DomainDef *domain, GError **err);

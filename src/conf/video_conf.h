/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* video_conf.h: <video> */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    VIDEO_DEFAULT = 0,              /* before defaults only */
    VIDEO_VGA,
    VIDEO_CIRRUS,
    VIDEO_QXL,
    VIDEO_VIRTIO,
    VIDEO_BOCHS,
    VIDEO_RAMFB,
    VIDEO_NONE,

    VIDEO_LAST
} VideoModel;

MEM_ENUM_DECL(videoModel);

struct VideoDef {
    VideoModel model;
    unsigned ramKib, vramKib, vram64Kib, vgamemKib;     /* 0: not given */
    unsigned heads;                                     /* 0: not given */
    gboolean primary;
    MemTristate accel3d;
    unsigned resolutionX, resolutionY;                  /* pixels; 0: not given */
    DeviceVirtioOptions virtio;
    DeviceInfo info;
};

VideoDef *videoDefNew(VideoModel model);
void videoDefFree(VideoDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VideoDef, videoDefFree)
/* @flags: DomainParseFlags. */
VideoDef *videoDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void videoDefFormat(MemXmlOut *out, const VideoDef *def, unsigned flags);
/* What follows from the model: sizes of video memory, heads; the first card is the primary one. */
gboolean videoDefDefaults(VideoDef *def, const DomainDef *domain, GError **err);
gboolean videoDefValidate(const VideoDef *def, const DomainDef *domain, GError **err);

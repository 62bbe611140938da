/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* graphics_conf.h: <graphics type='vnc'> */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    GRAPHICS_VNC = 0,

    GRAPHICS_LAST
} GraphicsType;

MEM_ENUM_DECL(graphicsType);

typedef enum {
    GRAPHICS_LISTEN_ADDRESS = 0,
    GRAPHICS_LISTEN_SOCKET,
    GRAPHICS_LISTEN_NONE,

    GRAPHICS_LISTEN_LAST
} GraphicsListen;

MEM_ENUM_DECL(graphicsListen);

typedef enum {
    GRAPHICS_SHARE_DEFAULT = 0,
    GRAPHICS_SHARE_ALLOW_EXCLUSIVE,
    GRAPHICS_SHARE_FORCE_SHARED,
    GRAPHICS_SHARE_IGNORE,

    GRAPHICS_SHARE_LAST
} GraphicsShare;

MEM_ENUM_DECL(graphicsShare);

struct GraphicsDef {
    GraphicsType type;
    int port;                       /* 0: none yet (autoport) */
    gboolean autoport;
    int websocket;                  /* 0: none, -1: automatic */
    GraphicsListen listen;
    char *address;                  /* listen address; NULL: the daemon's default */
    char *socket;                   /* listen socket; NULL: one is named at start */
    char *password;
    char *passwordValidTo;          /* "2030-01-31T12:00:00" */
    char *keymap;
    GraphicsShare share;
    MemTristate powerControl;
    char *alias;                    /* of DeviceInfo nothing else applies */
};

GraphicsDef *graphicsDefNew(void);
void graphicsDefFree(GraphicsDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GraphicsDef, graphicsDefFree)
/* @flags: DomainParseFlags. */
GraphicsDef *graphicsDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags; the password needs DOMAIN_FORMAT_SECURE. */
void graphicsDefFormat(MemXmlOut *out, const GraphicsDef *def, unsigned flags);
gboolean graphicsDefValidate(const GraphicsDef *def, const DomainDef *domain, GError **err);

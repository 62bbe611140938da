/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net_conf.h: <interface>: user mode, ethernet (tap) and bridge */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    NET_TYPE_USER = 0,
    NET_TYPE_ETHERNET,
    NET_TYPE_BRIDGE,

    NET_TYPE_LAST
} NetType;

MEM_ENUM_DECL(netType);

typedef enum {
    NET_MODEL_DEFAULT = 0,          /* before defaults only */
    NET_MODEL_VIRTIO,
    NET_MODEL_VIRTIO_TRANSITIONAL,
    NET_MODEL_VIRTIO_NON_TRANSITIONAL,
    NET_MODEL_E1000,
    NET_MODEL_E1000E,
    NET_MODEL_RTL8139,
    NET_MODEL_SPAPR_VLAN,

    NET_MODEL_LAST
} NetModel;

MEM_ENUM_DECL(netModel);

typedef enum {
    NET_LINK_DEFAULT = 0,
    NET_LINK_UP,
    NET_LINK_DOWN,

    NET_LINK_LAST
} NetLink;

MEM_ENUM_DECL(netLink);

typedef enum {
    NET_BACKEND_DEFAULT = 0,        /* vhost where the host has it */
    NET_BACKEND_QEMU,
    NET_BACKEND_VHOST,

    NET_BACKEND_LAST
} NetBackend;

MEM_ENUM_DECL(netBackend);

struct NetDef {
    NetType type;
    unsigned char mac[6];
    char *bridge;                   /* bridge: source bridge */
    char *target;                   /* host interface; NULL: one is named at start */
    MemTristate managed;            /* target managed=: NO: the tap exists and is left alone */
    NetModel model;
    NetLink link;
    NetBackend backend;
    unsigned queues, rxQueueSize, txQueueSize;      /* 0: not given */
    MemTristate ioeventfd, eventIdx;
    DeviceVirtioOptions virtio;
    unsigned mtuBytes;              /* 0: not given */
    DeviceInfo info;
};

NetDef *netDefNew(void);
void netDefFree(NetDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetDef, netDefFree)
/* @flags: DomainParseFlags. A MAC address is made up when there is none. */
NetDef *netDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags; names like "vnet3" that were made at start are shown live only. */
void netDefFormat(MemXmlOut *out, const NetDef *def, unsigned flags);
gboolean netDefValidate(const NetDef *def, const DomainDef *domain, GError **err);

gboolean netModelIsVirtio(NetModel model);
/* "52:54:00:12:34:56"; caller frees. */
char *netMacText(const unsigned char *mac);

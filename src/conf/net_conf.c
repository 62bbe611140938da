/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net_conf.c: <interface>: user mode, ethernet (tap) and bridge */
#include "conf/net_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define GENERATED_PREFIX "vnet"
#define MOST_QUEUES 256
#define MOST_RING 1024          /* what QEMU's virtio-net takes */
#define LEAST_RING 256

MEM_ENUM_IMPL(netType, NET_TYPE_LAST, "user", "ethernet", "bridge");
MEM_ENUM_IMPL(netModel, NET_MODEL_LAST, NULL, "virtio", "virtio-transitional", "virtio-non-transitional", "e1000",
              "e1000e", "rtl8139", "spapr-vlan");
MEM_ENUM_IMPL(netLink, NET_LINK_LAST, NULL, "up", "down");
MEM_ENUM_IMPL(netBackend, NET_BACKEND_LAST, NULL, "qemu", "vhost");

NetDef *netDefNew(void)
{
    return g_new0(NetDef, 1);
}

void netDefFree(NetDef *def)
{
    if (!def)
        return;
    g_free(def->bridge);
    g_free(def->target);
    deviceInfoClear(&def->info);
    g_free(def);
}

gboolean netModelIsVirtio(NetModel model)
{
    switch (model) {
    case NET_MODEL_VIRTIO:
    case NET_MODEL_VIRTIO_TRANSITIONAL:
    case NET_MODEL_VIRTIO_NON_TRANSITIONAL:
        return TRUE;
    case NET_MODEL_DEFAULT:
    case NET_MODEL_E1000:
    case NET_MODEL_E1000E:
    case NET_MODEL_RTL8139:
    case NET_MODEL_SPAPR_VLAN:
    case NET_MODEL_LAST:
        return FALSE;
    }
    return FALSE;
}

char *netMacText(const unsigned char *mac)
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* ---- parse ---- */

static gboolean macFromText(const char *text, unsigned char *mac)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 7);

    if (g_strv_length(parts) != 6)
        return FALSE;
    for (gsize i = 0; i < 6; i++) {
        guint64 value;

        if (strlen(parts[i]) > 2 || !g_ascii_string_to_unsigned(parts[i], 16, 0, 255, &value, NULL))
            return FALSE;
        mac[i] = (unsigned char)value;
    }
    return TRUE;
}

/* KVM's prefix, and three random bytes. */
static void generateMac(unsigned char *mac)
{
    guint32 random = g_random_int();

    mac[0] = 0x52;
    mac[1] = 0x54;
    mac[2] = 0x00;
    mac[3] = random & 0xff;
    mac[4] = (random >> 8) & 0xff;
    mac[5] = (random >> 16) & 0xff;
}

static gboolean parseMac(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "address", NULL };
    g_autofree char *text = memXmlAttr(node, "address");

    if (!memXmlOnlyAttrs(node, attrs, err))
        return FALSE;
    if (!text || !macFromText(text, def->mac)) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%s' for attribute 'address' of '<mac>' is invalid: it must be like '52:54:00:12:34:56'",
                    text ? text : "");
        return FALSE;
    }
    if (def->mac[0] & 1) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "MAC address '%s' is a multicast address: an interface needs a unicast one",
                    text);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseSource(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "bridge", NULL };
    static const char *const none[] = { NULL };

    if (!memXmlOnlyAttrs(node, def->type == NET_TYPE_BRIDGE ? attrs : none, err) || !memXmlOnlyChildren(node, none, err))
        return FALSE;
    def->bridge = memXmlAttr(node, "bridge");
    return TRUE;
}

static gboolean parseTarget(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "dev", "managed", NULL };

    def->target = memXmlAttr(node, "dev");
    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrYesNo(node, "managed", DEVICE_ENUM(def->managed), err);
}

static gboolean parseModel(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "type", NULL };

    return memXmlOnlyAttrs(node, attrs, err) &&
           deviceAttrModel(node, "type", netModelFromString, DEVICE_ENUM(def->model), err);
}

static gboolean parseDriver(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = {
        "name", "queues", "rx_queue_size", "tx_queue_size", "ioeventfd", "event_idx", "iommu", "ats", "packed",
        "page_per_vq", NULL
    };
    static const char *const none[] = { NULL };

    return memXmlOnlyAttrs(node, attrs, err) && memXmlOnlyChildren(node, none, err) &&
           memXmlAttrEnum(node, "name", FALSE, netBackendFromString, DEVICE_ENUM(def->backend), err) &&
           memXmlAttrUint(node, "queues", FALSE, &def->queues, err) &&
           memXmlAttrUint(node, "rx_queue_size", FALSE, &def->rxQueueSize, err) &&
           memXmlAttrUint(node, "tx_queue_size", FALSE, &def->txQueueSize, err) &&
           memXmlAttrOnOff(node, "ioeventfd", DEVICE_ENUM(def->ioeventfd), err) &&
           memXmlAttrOnOff(node, "event_idx", DEVICE_ENUM(def->eventIdx), err) &&
           deviceVirtioOptionsParse(node, &def->virtio, err);
}

static gboolean parseLink(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "state", NULL };

    return memXmlOnlyAttrs(node, attrs, err) &&
           memXmlAttrEnum(node, "state", FALSE, netLinkFromString, DEVICE_ENUM(def->link), err);
}

static gboolean parseMtu(const xmlNode *node, NetDef *def, GError **err)
{
    static const char *const attrs[] = { "size", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrUint(node, "size", TRUE, &def->mtuBytes, err);
}

static gboolean parseChildren(const xmlNode *node, NetDef *def, GError **err)
{
    static const struct {
        const char *name;
        gboolean (*parse)(const xmlNode *, NetDef *, GError **);
    } children[] = {
        { "mac", parseMac },
        { "source", parseSource },
        { "target", parseTarget },
        { "model", parseModel },
        { "driver", parseDriver },
        { "link", parseLink },
        { "mtu", parseMtu },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        const xmlNode *child = memXmlChild(node, children[i].name);

        if (child && !children[i].parse(child, def, err))
            return FALSE;
    }
    return TRUE;
}

NetDef *netDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "type", NULL };
    static const char *const children[] = {
        "mac", "source", "target", "model", "driver", "link", "mtu", "alias", "address", "boot", NULL
    };
    static const char *const types[] = {
        "network", "direct", "hostdev", "internal", "vhostuser", "server", "client", "mcast", "udp", "vdpa", "null", "vds", NULL
    };
    gboolean live = (flags & DOMAIN_PARSE_STATUS) != 0;
    g_autoptr(NetDef) def = netDefNew();

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        deviceRefuseValue(node, "type", types, err) ||
        !memXmlAttrEnum(node, "type", TRUE, netTypeFromString, DEVICE_ENUM(def->type), err) ||
        !parseChildren(node, def, err) || !deviceInfoParse(node, live, &def->info, err))
        return NULL;
    if (!memXmlChild(node, "mac"))
        generateMac(def->mac);
    /* A name of ours in live XML that is defined again would clash with the next guest's. */
    if (!live && (flags & DOMAIN_PARSE_INACTIVE) && def->target && g_str_has_prefix(def->target, GENERATED_PREFIX))
        g_clear_pointer(&def->target, g_free);
    if (def->type == NET_TYPE_BRIDGE && (!def->bridge || !*def->bridge)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                    "attribute 'bridge' of '<source>' is missing for an interface of type 'bridge'");
        return NULL;
    }
    return g_steal_pointer(&def);
}

/* ---- format ---- */

static void formatTarget(MemXmlOut *out, const NetDef *def, unsigned flags)
{
    gboolean hidden = (flags & DOMAIN_FORMAT_INACTIVE) && def->target && g_str_has_prefix(def->target, GENERATED_PREFIX);

    memXmlOutStart(out, "target");
    if (!hidden)
        memXmlOutAttr(out, "dev", def->target);
    memXmlOutAttr(out, "managed", memTristateBoolToString(def->managed));
    memXmlOutEndUnlessEmpty(out);
}

static void formatDriver(MemXmlOut *out, const NetDef *def)
{
    memXmlOutStart(out, "driver");
    memXmlOutAttr(out, "name", netBackendToString(def->backend));
    memXmlOutAttr(out, "ioeventfd", memTristateSwitchToString(def->ioeventfd));
    memXmlOutAttr(out, "event_idx", memTristateSwitchToString(def->eventIdx));
    if (def->queues)
        memXmlOutAttrUint64(out, "queues", def->queues);
    if (def->rxQueueSize)
        memXmlOutAttrUint64(out, "rx_queue_size", def->rxQueueSize);
    if (def->txQueueSize)
        memXmlOutAttrUint64(out, "tx_queue_size", def->txQueueSize);
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
}

static void formatOne(MemXmlOut *out, const char *element, const char *attr, const char *value)
{
    if (!value)
        return;
    memXmlOutStart(out, element);
    memXmlOutAttr(out, attr, value);
    memXmlOutEnd(out);
}

void netDefFormat(MemXmlOut *out, const NetDef *def, unsigned flags)
{
    g_autofree char *mac = netMacText(def->mac);

    memXmlOutStart(out, "interface");
    memXmlOutAttr(out, "type", netTypeToString(def->type));
    formatOne(out, "mac", "address", mac);
    formatOne(out, "source", "bridge", def->bridge);
    formatTarget(out, def, flags);
    formatOne(out, "model", "type", netModelToString(def->model));
    formatDriver(out, def);
    formatOne(out, "link", "state", netLinkToString(def->link));
    if (def->mtuBytes) {
        memXmlOutStart(out, "mtu");
        memXmlOutAttrUint64(out, "size", def->mtuBytes);
        memXmlOutEnd(out);
    }
    deviceInfoFormatBoot(out, &def->info);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

/* ---- validate ---- */

static gboolean validateRing(const char *what, unsigned size, GError **err)
{
    if (size == 0 || (size >= LEAST_RING && size <= MOST_RING && (size & (size - 1)) == 0))
        return TRUE;
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                "interface: %s '%u' is invalid: it must be a power of two from '%d' to '%d'",
                what, size,
                LEAST_RING, MOST_RING);
    return FALSE;
}

gboolean netDefValidate(const NetDef *def, const DomainDef *domain, GError **err)
{
    gboolean driver = deviceVirtioOptionsAny(&def->virtio) || def->queues || def->rxQueueSize || def->txQueueSize ||
                      def->ioeventfd || def->eventIdx || def->backend;

    if (def->target && (strlen(def->target) >= IFNAMSIZ || strpbrk(def->target, "/ :"))) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%s' for attribute 'dev' of '<target>' is invalid: it must be an interface name, shorter than '%d' characters",
                    def->target, IFNAMSIZ);
        return FALSE;
    }
    if (def->managed && def->type != NET_TYPE_ETHERNET) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "interface: target managed is only for type 'ethernet', not '%s'",
                    netTypeToString(def->type));
        return FALSE;
    }
    if (def->managed == MEM_TRISTATE_NO && !def->target) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "interface: target managed 'no' needs the name of a tap device in target dev");
        return FALSE;
    }
    if (def->type == NET_TYPE_USER && (def->backend == NET_BACKEND_VHOST || def->queues > 1)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "interface: driver 'vhost' and several queues need type 'ethernet' or 'bridge', not 'user'");
        return FALSE;
    }
    if (driver && def->model && !netModelIsVirtio(def->model)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "interface: '<driver>' options are only for model 'virtio', not '%s'",
                    netModelToString(def->model));
        return FALSE;
    }
    if (def->queues > MOST_QUEUES) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "interface: driver queues '%u' is too large: at most '%d'",
                    def->queues, MOST_QUEUES);
        return FALSE;
    }
    return deviceVirtioOptionsValidate(&def->virtio, def->model == NET_MODEL_VIRTIO_TRANSITIONAL, "interface", err) &&
           validateRing("rx_queue_size", def->rxQueueSize, err) && validateRing("tx_queue_size", def->txQueueSize, err);
}

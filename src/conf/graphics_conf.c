/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* graphics_conf.c: <graphics type='vnc'> */
#include "conf/graphics_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#include <string.h>

#define LEAST_VNC_PORT 5900

MEM_ENUM_IMPL(graphicsType, GRAPHICS_LAST, "vnc");
MEM_ENUM_IMPL(graphicsListen, GRAPHICS_LISTEN_LAST, "address", "socket", "none");
MEM_ENUM_IMPL(graphicsShare, GRAPHICS_SHARE_LAST, NULL, "allow-exclusive", "force-shared", "ignore");

GraphicsDef *graphicsDefNew(void)
{
    return g_new0(GraphicsDef, 1);
}

void graphicsDefFree(GraphicsDef *def)
{
    if (!def)
        return;
    g_free(def->address);
    g_free(def->socket);
    g_free(def->password);
    g_free(def->passwordValidTo);
    g_free(def->keymap);
    g_free(def->alias);
    g_free(def);
}

/* ---- parse ---- */

static gboolean parseListen(const xmlNode *node, GraphicsDef *def, GError **err)
{
    static const char *const attrs[] = { "type", "address", "socket", NULL };
    static const char *const others[] = { "network", NULL };
    g_autofree char *address = memXmlAttr(node, "address");

    if (!memXmlOnlyAttrs(node, attrs, err) || deviceRefuseValue(node, "type", others, err) ||
        !memXmlAttrEnum(node, "type", TRUE, graphicsListenFromString, DEVICE_ENUM(def->listen), err))
        return FALSE;
    if (def->address && address && strcmp(def->address, address) != 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "graphics: attribute 'listen' '%s' must match address '%s' of the first '<listen>'",
                    def->address,
                    address);
        return FALSE;
    }
    if (address && *address) {
        g_free(def->address);
        def->address = g_steal_pointer(&address);
    }
    if (!def->socket)
        def->socket = memXmlAttr(node, "socket");
    return TRUE;
}

/* @live: an automatic port is one that was found for this run, and counts. */
static gboolean parsePort(const xmlNode *node, gboolean live, GraphicsDef *def, GError **err)
{
    MemTristate autoport = MEM_TRISTATE_ABSENT;

    if (!memXmlAttrInt(node, "port", FALSE, &def->port, err) ||
        !memXmlAttrInt(node, "websocket", FALSE, &def->websocket, err) ||
        !memXmlAttrYesNo(node, "autoport", DEVICE_ENUM(autoport), err))
        return FALSE;
    /* -1 is the old spelling of autoport, 0 that of "not given" */
    def->autoport = autoport == MEM_TRISTATE_YES || def->port == -1 || (def->port == 0 && autoport != MEM_TRISTATE_NO);
    if (def->autoport && !(live && def->port > 0))
        def->port = 0;
    if (def->port < 0 || def->port > 65535) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "value '%d' for attribute 'port' of '<graphics>' is invalid: it must be from '%d' to '65535', or '-1'",
                    def->port, LEAST_VNC_PORT);
        return FALSE;
    }
    return TRUE;
}

static gboolean parsePlace(const xmlNode *node, gboolean live, GraphicsDef *def, GError **err)
{
    const xmlNode *listen = memXmlChild(node, "listen");

    def->address = memXmlAttr(node, "listen");
    if (def->address && !*def->address)
        g_clear_pointer(&def->address, g_free);
    def->socket = memXmlAttr(node, "socket");
    if (def->socket)
        def->listen = GRAPHICS_LISTEN_SOCKET;
    if (listen && memXmlNext(listen, "listen")) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "graphics: several '<listen>' are not supported: give one");
        return FALSE;
    }
    if (listen && !parseListen(listen, def, err))
        return FALSE;
    return parsePort(node, live, def, err);
}

GraphicsDef *graphicsDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = {
        "type", "port", "autoport", "websocket", "listen", "socket", "passwd", "passwdValidTo", "keymap", "sharePolicy",
        "powerControl", NULL
    };
    static const char *const children[] = { "listen", "alias", NULL };
    static const char *const types[] = { "spice", "sdl", "rdp", "desktop", "egl-headless", "dbus", NULL };
    gboolean live = (flags & DOMAIN_PARSE_STATUS) != 0;
    DeviceInfo info = { 0 };
    g_autoptr(GraphicsDef) def = graphicsDefNew();

    if (deviceRefuseValue(node, "type", types, err) ||
        !memXmlAttrEnum(node, "type", TRUE, graphicsTypeFromString, DEVICE_ENUM(def->type), err) ||
        !memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) || !parsePlace(node, live, def, err) ||
        !memXmlAttrEnum(node, "sharePolicy", FALSE, graphicsShareFromString, DEVICE_ENUM(def->share), err) ||
        !memXmlAttrYesNo(node, "powerControl", DEVICE_ENUM(def->powerControl), err) ||
        !deviceInfoParse(node, live, &info, err))
        return NULL;
    def->alias = info.alias;
    def->password = memXmlAttr(node, "passwd");
    def->passwordValidTo = memXmlAttr(node, "passwdValidTo");
    def->keymap = memXmlAttr(node, "keymap");
    return g_steal_pointer(&def);
}

/* ---- format ---- */

static void formatPort(MemXmlOut *out, const GraphicsDef *def, gboolean inactive)
{
    if (def->port && !(inactive && def->autoport))
        memXmlOutAttrf(out, "port", "%d", def->port);
    else if (def->autoport)
        memXmlOutAttr(out, "port", "-1");
    memXmlOutAttr(out, "autoport", def->autoport ? "yes" : "no");
    if (def->websocket)
        memXmlOutAttrf(out, "websocket", "%d", def->websocket);
    if (def->listen == GRAPHICS_LISTEN_ADDRESS)
        memXmlOutAttr(out, "listen", def->address);
}

static void formatListen(MemXmlOut *out, const GraphicsDef *def)
{
    memXmlOutStart(out, "listen");
    memXmlOutAttr(out, "type", graphicsListenToString(def->listen));
    if (def->listen == GRAPHICS_LISTEN_ADDRESS)
        memXmlOutAttr(out, "address", def->address);
    if (def->listen == GRAPHICS_LISTEN_SOCKET)
        memXmlOutAttr(out, "socket", def->socket);
    memXmlOutEnd(out);
}

void graphicsDefFormat(MemXmlOut *out, const GraphicsDef *def, unsigned flags)
{
    gboolean inactive = (flags & DOMAIN_FORMAT_INACTIVE) != 0;
    DeviceInfo info = { .alias = def->alias };

    memXmlOutStart(out, "graphics");
    memXmlOutAttr(out, "type", graphicsTypeToString(def->type));
    if (def->listen == GRAPHICS_LISTEN_ADDRESS)
        formatPort(out, def, inactive);
    else if (def->listen == GRAPHICS_LISTEN_SOCKET)
        memXmlOutAttr(out, "socket", def->socket);
    memXmlOutAttr(out, "keymap", def->keymap);
    if (flags & DOMAIN_FORMAT_SECURE) {
        memXmlOutAttr(out, "passwd", def->password);
        memXmlOutAttr(out, "passwdValidTo", def->passwordValidTo);
    }
    memXmlOutAttr(out, "sharePolicy", graphicsShareToString(def->share));
    memXmlOutAttr(out, "powerControl", memTristateBoolToString(def->powerControl));
    formatListen(out, def);
    deviceInfoFormat(out, &info, inactive);
    memXmlOutEnd(out);
}

/* ---- validate ---- */

gboolean graphicsDefValidate(const GraphicsDef *def, const DomainDef *domain, GError **err)
{
    if (domain->ngraphics > 1) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "'%zu' '<graphics>' elements: only one of type 'vnc' is supported",
                    domain->ngraphics);
        return FALSE;
    }
    if (def->port && def->port < LEAST_VNC_PORT) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "graphics: vnc port '%d' is too small: it must be '%d' or more",
                    def->port, LEAST_VNC_PORT);
        return FALSE;
    }
    if (def->passwordValidTo) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "graphics: passwdValidTo '%s' is not supported", def->passwordValidTo);
        return FALSE;
    }
    return TRUE;
}

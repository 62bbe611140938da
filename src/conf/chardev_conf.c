/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chardev_conf.c: <serial>, <console>, <channel> */
#include "conf/chardev_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#include <string.h>

MEM_ENUM_IMPL(chardevRole, CHARDEV_ROLE_LAST, "serial", "console", "channel");
MEM_ENUM_IMPL(chardevType, CHARDEV_TYPE_LAST, "null", "pty", "file", "unix", "tcp");
MEM_ENUM_IMPL(chardevTarget, CHARDEV_TARGET_LAST, NULL, "isa-serial", "pci-serial", "usb-serial", "spapr-vio-serial",
              "system-serial", "sclp-serial", "serial", "virtio");

static const char *const nothing[] = { NULL };

/* The target that a model belongs to. */
static const struct {
    const char *model;
    ChardevTarget target;
} models[] = {
    { "isa-serial", CHARDEV_TARGET_ISA_SERIAL },  { "pci-serial", CHARDEV_TARGET_PCI_SERIAL },
    { "usb-serial", CHARDEV_TARGET_USB_SERIAL },  { "spapr-vty", CHARDEV_TARGET_SPAPR_VIO_SERIAL },
    { "pl011", CHARDEV_TARGET_SYSTEM_SERIAL },    { "sclpconsole", CHARDEV_TARGET_SCLP_SERIAL },
};

ChardevDef *chardevDefNew(ChardevRole role)
{
    ChardevDef *def = g_new0(ChardevDef, 1);

    def->role = role;
    def->port = -1;
    return def;
}

void chardevDefFree(ChardevDef *def)
{
    if (!def)
        return;
    g_free(def->path);
    g_free(def->host);
    g_free(def->service);
    g_free(def->logPath);
    g_free(def->model);
    g_free(def->name);
    g_free(def->state);
    deviceInfoClear(&def->info);
    g_free(def);
}

static gboolean refuse(const ChardevDef *def, const char *what, const char *value, GError **err)
{
    memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s %s '%s' is not supported", chardevRoleToString(def->role), what,
                value ? value : "");
    return FALSE;
}

static gboolean parseMode(const xmlNode *source, ChardevDef *def, GError **err)
{
    g_autofree char *mode = memXmlAttr(source, "mode");

    /* a socket that nothing was said about is ours to make */
    def->listen = !mode || g_strcmp0(mode, "bind") == 0;
    if (mode && !def->listen && g_strcmp0(mode, "connect") != 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "%s source mode '%s' is not 'bind' or 'connect'",
                    chardevRoleToString(def->role), mode);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseReconnect(const xmlNode *source, ChardevDef *def, GError **err)
{
    static const char *const attrs[] = { "enabled", "timeout", NULL };
    const xmlNode *node = memXmlChild(source, "reconnect");
    int enabled = 0;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrYesNo(node, "enabled", &enabled, err) ||
        !memXmlAttrUint(node, "timeout", enabled == MEM_TRISTATE_YES, &def->reconnectSeconds, err))
        return FALSE;
    def->reconnect = (MemTristate)enabled;
    if (def->listen && enabled == MEM_TRISTATE_YES)
        return refuse(def, "source mode 'bind' with reconnect", "yes", err);
    return TRUE;
}

static gboolean parseSource(const xmlNode *node, ChardevDef *def, GError **err)
{
    static const char *const pathAttrs[] = { "path", NULL };
    static const char *const fileAttrs[] = { "path", "append", NULL };
    static const char *const unixAttrs[] = { "mode", "path", NULL };
    static const char *const tcpAttrs[] = { "mode", "host", "service", NULL };
    static const char *const socketChildren[] = { "reconnect", NULL };
    int append = 0;

    switch (def->type) {
    case CHARDEV_NULL:
        return memXmlOnlyAttrs(node, nothing, err) && memXmlOnlyChildren(node, nothing, err);
    case CHARDEV_PTY:
        def->path = memXmlAttr(node, "path");
        return memXmlOnlyAttrs(node, pathAttrs, err) && memXmlOnlyChildren(node, nothing, err);
    case CHARDEV_FILE:
        def->path = memXmlAttr(node, "path");
        if (!memXmlAttrOnOff(node, "append", &append, err))
            return FALSE;
        def->append = (MemTristate)append;
        return memXmlOnlyAttrs(node, fileAttrs, err) && memXmlOnlyChildren(node, nothing, err);
    case CHARDEV_UNIX:
        def->path = memXmlAttr(node, "path");
        return memXmlOnlyAttrs(node, unixAttrs, err) && memXmlOnlyChildren(node, socketChildren, err) &&
               parseMode(node, def, err) && parseReconnect(node, def, err);
    case CHARDEV_TCP:
        def->host = memXmlAttr(node, "host");
        def->service = memXmlAttr(node, "service");
        return memXmlOnlyAttrs(node, tcpAttrs, err) && memXmlOnlyChildren(node, socketChildren, err) &&
               parseMode(node, def, err) && parseReconnect(node, def, err);
    case CHARDEV_TYPE_LAST:
        break;
    }
    return FALSE;
}

static gboolean parseProtocol(const xmlNode *chardev, ChardevDef *def, GError **err)
{
    static const char *const attrs[] = { "type", NULL };
    const xmlNode *node = memXmlChild(chardev, "protocol");
    g_autofree char *type = NULL;

    if (!node)
        return TRUE;
    type = memXmlAttr(node, "type");
    def->telnet = g_strcmp0(type, "telnet") == 0;
    if (def->type != CHARDEV_TCP || (type && !def->telnet && g_strcmp0(type, "raw") != 0))
        return refuse(def, "protocol type", type, err);
    return memXmlOnlyAttrs(node, attrs, err);
}

static gboolean parseLog(const xmlNode *chardev, ChardevDef *def, GError **err)
{
    static const char *const attrs[] = { "file", "append", NULL };
    const xmlNode *node = memXmlChild(chardev, "log");
    int append = 0;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrOnOff(node, "append", &append, err))
        return FALSE;
    def->logAppend = (MemTristate)append;
    def->logPath = memXmlAttr(node, "file");
    if (def->logPath)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "%s log has no attribute 'file'", chardevRoleToString(def->role));
    return FALSE;
}

static gboolean targetFits(const ChardevDef *def)
{
    switch (def->target) {
    case CHARDEV_TARGET_NONE:
        return def->role != CHARDEV_CHANNEL;
    case CHARDEV_TARGET_ISA_SERIAL:
    case CHARDEV_TARGET_PCI_SERIAL:
    case CHARDEV_TARGET_USB_SERIAL:
    case CHARDEV_TARGET_SPAPR_VIO_SERIAL:
    case CHARDEV_TARGET_SYSTEM_SERIAL:
    case CHARDEV_TARGET_SCLP_SERIAL:
        return def->role == CHARDEV_SERIAL;
    case CHARDEV_TARGET_CONSOLE_SERIAL:
        return def->role == CHARDEV_CONSOLE;
    case CHARDEV_TARGET_VIRTIO:
        return def->role != CHARDEV_SERIAL;
    case CHARDEV_TARGET_LAST:
        break;
    }
    return FALSE;
}

static gboolean parseModel(const xmlNode *target, ChardevDef *def, GError **err)
{
    static const char *const attrs[] = { "name", NULL };
    const xmlNode *node = memXmlChild(target, "model");

    if (!node)
        return TRUE;
    def->model = memXmlAttr(node, "name");
    if (!memXmlOnlyAttrs(node, attrs, err))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_strcmp0(models[i].model, def->model) != 0)
            continue;
        if (def->target == CHARDEV_TARGET_NONE)
            def->target = models[i].target;
        if (def->target == models[i].target)
            return TRUE;
    }
    return refuse(def, "target model", def->model, err);
}

static gboolean parseTarget(const xmlNode *chardev, ChardevDef *def, GError **err)
{
    static const char *const serialAttrs[] = { "type", "port", NULL };
    static const char *const channelAttrs[] = { "type", "name", "state", NULL };
    static const char *const modelChild[] = { "model", NULL };
    const xmlNode *node = memXmlChild(chardev, "target");
    g_autofree char *type = NULL;
    int target;

    if (!node && def->role == CHARDEV_CHANNEL) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "channel has no <target type='virtio'>");
        return FALSE;
    }
    if (!node)
        return TRUE;
    type = memXmlAttr(node, "type");
    if (!type && def->role == CHARDEV_CHANNEL) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "channel target has no attribute 'type'");
        return FALSE;
    }
    target = type ? chardevTargetFromString(type) : CHARDEV_TARGET_NONE;
    def->target = target < 0 ? CHARDEV_TARGET_LAST : (ChardevTarget)target;
    if (!targetFits(def))
        return refuse(def, "target type", type, err);
    if (!memXmlOnlyAttrs(node, def->role == CHARDEV_CHANNEL ? channelAttrs : serialAttrs, err) ||
        !memXmlOnlyChildren(node, def->role == CHARDEV_SERIAL ? modelChild : nothing, err))
        return FALSE;
    def->name = memXmlAttr(node, "name");
    def->state = memXmlAttr(node, "state");
    return memXmlAttrInt(node, "port", FALSE, &def->port, err) && parseModel(node, def, err);
}

static gboolean parseType(const xmlNode *node, ChardevDef *def, GError **err)
{
    g_autofree char *type = memXmlAttr(node, "type");
    int value = type ? chardevTypeFromString(type) : CHARDEV_PTY;

    if (value < 0)
        return refuse(def, "type", type, err);
    def->type = (ChardevType)value;
    return TRUE;
}

/* What only a running guest has. */
static void dropLiveState(ChardevDef *def)
{
    if (def->type == CHARDEV_PTY)
        g_clear_pointer(&def->path, g_free);
    g_clear_pointer(&def->state, g_free);
}

ChardevDef *chardevDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "type", "tty", NULL };
    static const char *const children[] = { "source", "protocol", "log", "target", "alias", "address", NULL };
    g_autoptr(ChardevDef) def = chardevDefNew((ChardevRole)chardevRoleFromString((const char *)node->name));
    const xmlNode *source = memXmlChild(node, "source");

    def->listen = TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !parseType(node, def, err) || (source && !parseSource(source, def, err)) ||
        !parseProtocol(node, def, err) || !parseLog(node, def, err) || !parseTarget(node, def, err) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    if (!(flags & DOMAIN_PARSE_STATUS))
        dropLiveState(def);
    return g_steal_pointer(&def);
}

static void formatReconnect(MemXmlOut *out, const ChardevDef *def)
{
    if (def->reconnect == MEM_TRISTATE_ABSENT)
        return;
    memXmlOutStart(out, "reconnect");
    memXmlOutAttr(out, "enabled", memTristateBoolToString(def->reconnect));
    if (def->reconnect == MEM_TRISTATE_YES)
        memXmlOutAttrUint64(out, "timeout", def->reconnectSeconds);
    memXmlOutEnd(out);
}

static void formatSource(MemXmlOut *out, const ChardevDef *def, unsigned flags)
{
    gboolean inactive = (flags & DOMAIN_FORMAT_INACTIVE) != 0;

    switch (def->type) {
    case CHARDEV_NULL:
    case CHARDEV_TYPE_LAST:
        break;
    case CHARDEV_PTY:
        if (!def->path || inactive)
            break;
        memXmlOutStart(out, "source");
        memXmlOutAttr(out, "path", def->path);
        memXmlOutEnd(out);
        break;
    case CHARDEV_FILE:
        memXmlOutStart(out, "source");
        memXmlOutAttr(out, "path", def->path);
        memXmlOutAttr(out, "append", memTristateSwitchToString(def->append));
        memXmlOutEnd(out);
        break;
    case CHARDEV_UNIX:
        if (!def->path || (inactive && def->generatedPath))
            break;
        memXmlOutStart(out, "source");
        memXmlOutAttr(out, "mode", def->listen ? "bind" : "connect");
        memXmlOutAttr(out, "path", def->path);
        formatReconnect(out, def);
        memXmlOutEnd(out);
        break;
    case CHARDEV_TCP:
        memXmlOutStart(out, "source");
        memXmlOutAttr(out, "mode", def->listen ? "bind" : "connect");
        memXmlOutAttr(out, "host", def->host);
        memXmlOutAttr(out, "service", def->service);
        formatReconnect(out, def);
        memXmlOutEnd(out);
        memXmlOutStart(out, "protocol");
        memXmlOutAttr(out, "type", def->telnet ? "telnet" : "raw");
        memXmlOutEnd(out);
        break;
    }
    if (def->logPath) {
        memXmlOutStart(out, "log");
        memXmlOutAttr(out, "file", def->logPath);
        memXmlOutAttr(out, "append", memTristateSwitchToString(def->logAppend));
        memXmlOutEnd(out);
    }
}

static void formatTarget(MemXmlOut *out, const ChardevDef *def, unsigned flags)
{
    memXmlOutStart(out, "target");
    memXmlOutAttr(out, "type", chardevTargetToString(def->target));
    if (def->role == CHARDEV_CHANNEL) {
        memXmlOutAttr(out, "name", def->name);
        if (!(flags & DOMAIN_FORMAT_INACTIVE))
            memXmlOutAttr(out, "state", def->state);
    } else if (def->port >= 0) {
        memXmlOutAttrUint64(out, "port", (guint64)def->port);
    }
    if (def->model && def->role == CHARDEV_SERIAL) {
        memXmlOutStart(out, "model");
        memXmlOutAttr(out, "name", def->model);
        memXmlOutEnd(out);
    }
    memXmlOutEndUnlessEmpty(out);
}

void chardevDefFormat(MemXmlOut *out, const ChardevDef *def, unsigned flags)
{
    gboolean inactive = (flags & DOMAIN_FORMAT_INACTIVE) != 0;

    memXmlOutStart(out, chardevRoleToString(def->role));
    memXmlOutAttr(out, "type", chardevTypeToString(def->type));
    if (def->role == CHARDEV_CONSOLE && def->type == CHARDEV_PTY && !inactive)
        memXmlOutAttr(out, "tty", def->path);
    formatSource(out, def, flags);
    formatTarget(out, def, flags);
    deviceInfoFormat(out, &def->info, inactive);
    memXmlOutEnd(out);
}

static gboolean validateSource(const ChardevDef *def, GError **err)
{
    /* the socket of a channel is named by us when the guest starts */
    gboolean named = def->type == CHARDEV_UNIX && def->role == CHARDEV_CHANNEL;

    if ((def->type == CHARDEV_FILE || (def->type == CHARDEV_UNIX && !named)) && !def->path) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "%s of type '%s' has no source path",
                    chardevRoleToString(def->role), chardevTypeToString(def->type));
        return FALSE;
    }
    if (def->type == CHARDEV_TCP && (!def->service || (!def->listen && !def->host))) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "%s of type 'tcp' has no source %s", chardevRoleToString(def->role),
                    def->service ? "host" : "service");
        return FALSE;
    }
    return TRUE;
}

gboolean chardevDefValidate(const ChardevDef *def, const DomainDef *domain, GError **err)
{
    if (def->role == CHARDEV_CONSOLE && def->target == CHARDEV_TARGET_CONSOLE_SERIAL &&
        def != domain->consoles[0])
        return refuse(def, "after the first with target type", "serial", err);
    return validateSource(chardevDefBehind(domain, def), err);
}

const ChardevDef *chardevDefBehind(const DomainDef *domain, const ChardevDef *def)
{
    return def->target == CHARDEV_TARGET_CONSOLE_SERIAL && domain->nserials ? domain->serials[0] : def;
}

void chardevDefFormatMirror(MemXmlOut *out, const ChardevDef *serial, unsigned flags)
{
    ChardevDef console = *serial;       /* borrows all its texts */

    console.role = CHARDEV_CONSOLE;
    console.target = CHARDEV_TARGET_CONSOLE_SERIAL;
    console.model = NULL;
    chardevDefFormat(out, &console, flags);
}

static void numberPorts(ChardevDef **list, gsize count)
{
    int next = 0;

    for (gsize i = 0; i < count; i++)
        next = MAX(next, list[i]->port + 1);
    for (gsize i = 0; i < count; i++) {
        if (list[i]->port < 0)
            list[i]->port = next++;
    }
}

static ChardevDef **insertFirst(ChardevDef **list, gsize *count, ChardevDef *def)
{
    list = g_renew(ChardevDef *, list, *count + 1);
    memmove(list + 1, list, *count * sizeof(*list));
    list[0] = def;
    (*count)++;
    return list;
}

/* A console of an ISA or other built-in line is the first serial port: the serial is what exists. */
static gboolean serialBacksConsole(const ChardevDef *serial)
{
    switch (serial->target) {
    case CHARDEV_TARGET_NONE:
    case CHARDEV_TARGET_ISA_SERIAL:
    case CHARDEV_TARGET_SPAPR_VIO_SERIAL:
    case CHARDEV_TARGET_SYSTEM_SERIAL:
    case CHARDEV_TARGET_SCLP_SERIAL:
        return TRUE;
    case CHARDEV_TARGET_PCI_SERIAL:
    case CHARDEV_TARGET_USB_SERIAL:
    case CHARDEV_TARGET_CONSOLE_SERIAL:
    case CHARDEV_TARGET_VIRTIO:
    case CHARDEV_TARGET_LAST:
        break;
    }
    return FALSE;
}

void chardevDefDefaults(DomainDef *domain)
{
    for (gsize i = 0; i < domain->nconsoles; i++) {
        if (domain->consoles[i]->target == CHARDEV_TARGET_NONE)
            domain->consoles[i]->target = CHARDEV_TARGET_CONSOLE_SERIAL;
    }
    if (domain->nconsoles && domain->consoles[0]->target == CHARDEV_TARGET_CONSOLE_SERIAL && !domain->nserials) {
        ChardevDef *serial = domain->consoles[0];

        serial->role = CHARDEV_SERIAL;
        serial->target = CHARDEV_TARGET_NONE;
        domain->serials = insertFirst(domain->serials, &domain->nserials, serial);
        domain->consoles[0] = chardevDefNew(CHARDEV_CONSOLE);
        domain->consoles[0]->target = CHARDEV_TARGET_CONSOLE_SERIAL;
    } else if (!domain->nconsoles && domain->nserials && serialBacksConsole(domain->serials[0])) {
        domain->consoles = insertFirst(domain->consoles, &domain->nconsoles, chardevDefNew(CHARDEV_CONSOLE));
        domain->consoles[0]->target = CHARDEV_TARGET_CONSOLE_SERIAL;
    }
    numberPorts(domain->serials, domain->nserials);
    numberPorts(domain->consoles, domain->nconsoles);
}

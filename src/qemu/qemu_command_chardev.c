/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_chardev.c: serials, consoles and channels on the command line */
#include "qemu/qemu_command_guest.h"

#include "conf/chardev_conf.h"
#include "qemu/qemu_command_address.h"
#include "util/mem_error.h"

#include <string.h>
#include <sys/un.h>

/* The socket of a channel that the XML gave no path. */
static char *channelPath(const ChardevDef *def, const QemuCommandContext *context)
{
    g_autofree char *name = NULL;

    if (def->name)
        name = g_strdelimit(g_strdup(def->name), "/", '_');
    else
        name = g_strdup_printf("vioser-%02u-%02u-%02u.sock", def->info.serial.controller, def->info.serial.bus,
                               def->info.serial.port);
    return g_strdup_printf("%s/%s", context->domainFolder, name);
}

void qemuCommandNameChannels(DomainDef *def, const QemuCommandContext *context)
{
    for (gsize i = 0; i < def->nchannels; i++) {
        ChardevDef *channel = def->channels[i];

        if (channel->type != CHARDEV_UNIX || channel->path)
            continue;
        channel->path = channelPath(channel, context);
        channel->generatedPath = TRUE;
    }
}

static void addEscaped(GString *text, const char *key, const char *value)
{
    g_autofree char *escaped = value ? qemuCommandGuestEscape(value) : NULL;

    if (escaped)
        g_string_append_printf(text, ",%s=%s", key, escaped);
}

static gboolean addSocket(GString *text, const ChardevDef *def, const QemuCommandContext *context, GError **err)
{
    g_autofree char *path = NULL;

    if (def->type == CHARDEV_UNIX) {
        path = def->path ? g_strdup(def->path) : channelPath(def, context);
        if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "path '%s' of a socket is longer than '%zu' bytes", path,
                        sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
            return FALSE;
        }
        addEscaped(text, "path", path);
    } else {
        addEscaped(text, "host", def->host ? def->host : "127.0.0.1");
        addEscaped(text, "port", def->service);
        if (def->telnet)
            g_string_append(text, ",telnet=on");
    }
    if (def->listen)
        g_string_append(text, ",server=on,wait=off");
    else if (def->reconnect == MEM_TRISTATE_YES)
        g_string_append_printf(text, ",reconnect=%u", def->reconnectSeconds);
    return TRUE;
}

static gboolean addBackend(GPtrArray *argv, const ChardevDef *def, const QemuCommandContext *context, GError **err)
{
    static const char *const backends[CHARDEV_TYPE_LAST] = { "null", "pty", "file", "socket", "socket" };
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "%s,id=char%s", backends[def->type], def->info.alias);
    switch (def->type) {
    case CHARDEV_FILE:
        addEscaped(text, "path", def->path);
        if (def->append != MEM_TRISTATE_ABSENT)
            g_string_append_printf(text, ",append=%s", memTristateSwitchToString(def->append));
        break;
    case CHARDEV_UNIX:
    case CHARDEV_TCP:
        if (!addSocket(text, def, context, err))
            return FALSE;
        break;
    case CHARDEV_NULL:
    case CHARDEV_PTY:
    case CHARDEV_TYPE_LAST:
        break;
    }
    addEscaped(text, "logfile", def->logPath);
    if (def->logPath && def->logAppend != MEM_TRISTATE_ABSENT)
        g_string_append_printf(text, ",logappend=%s", memTristateSwitchToString(def->logAppend));
    qemuCommandGuestAdd(argv, "-chardev", g_strdup(text->str));
    return TRUE;
}

static const char *driverName(const ChardevDef *def)
{
    switch (def->target) {
    case CHARDEV_TARGET_ISA_SERIAL:
    case CHARDEV_TARGET_PCI_SERIAL:
    case CHARDEV_TARGET_USB_SERIAL:
    case CHARDEV_TARGET_SPAPR_VIO_SERIAL:
    case CHARDEV_TARGET_SCLP_SERIAL:
        return def->model;
    case CHARDEV_TARGET_VIRTIO:
        return def->role == CHARDEV_CHANNEL ? "virtserialport" : "virtconsole";
    case CHARDEV_TARGET_NONE:
    case CHARDEV_TARGET_SYSTEM_SERIAL:
    case CHARDEV_TARGET_CONSOLE_SERIAL:
    case CHARDEV_TARGET_LAST:
        break;
    }
    return NULL;
}

static gboolean addChardev(GPtrArray *argv, const DomainDef *def, const ChardevDef *chardev,
                           const QemuCommandContext *context, GError **err)
{
    g_autoptr(MemJson) props = NULL;
    g_autofree char *id = g_strdup_printf("char%s", chardev->info.alias);
    const char *driver = driverName(chardev);

    if (!addBackend(argv, chardev, context, err))
        return FALSE;
    if (chardev->target == CHARDEV_TARGET_SYSTEM_SERIAL) {
        qemuCommandGuestAdd(argv, "-serial", g_strdup_printf("chardev:%s", id));
        return TRUE;
    }
    if (!driver) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s target type '%s' has no device on this machine",
                    chardevRoleToString(chardev->role), chardevTargetToString(chardev->target));
        return FALSE;
    }
    props = memJsonNew();
    memJsonAddString(props, "driver", driver);
    memJsonAddString(props, "chardev", id);
    memJsonAddString(props, "id", chardev->info.alias);
    memJsonAddString(props, "name", chardev->name);
    if (chardev->target == CHARDEV_TARGET_ISA_SERIAL)
        memJsonAddInt(props, "index", chardev->port);
    if (!qemuCommandAddAddress(props, def, &chardev->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

static gboolean addList(GPtrArray *argv, const DomainDef *def, ChardevDef **list, gsize count,
                        const QemuCommandContext *context, GError **err)
{
    for (gsize i = 0; i < count; i++) {
        if (list[i]->target != CHARDEV_TARGET_CONSOLE_SERIAL && !addChardev(argv, def, list[i], context, err))
            return FALSE;
    }
    return TRUE;
}

gboolean qemuCommandGuestChardevs(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err)
{
    return addList(argv, def, def->serials, def->nserials, context, err) &&
           addList(argv, def, def->channels, def->nchannels, context, err) &&
           addList(argv, def, def->consoles, def->nconsoles, context, err);
}

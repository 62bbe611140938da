/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_console.c: an open descriptor of a guest's line, and the client's own monitor commands */
#define G_LOG_DOMAIN "qemu/qemu_driver_console"
#include "qemu/qemu_driver.h"

#include "conf/chardev_conf.h"
#include "qemu/qemu_process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- consoles ---- */

static const ChardevDef *findIn(const DomainDef *live, ChardevDef *const *defs, gsize count, const char *alias)
{
    for (gsize i = 0; i < count; i++) {
        const ChardevDef *behind = chardevDefBehind(live, defs[i]);

        if (!alias || g_strcmp0(defs[i]->info.alias, alias) == 0 || g_strcmp0(behind->info.alias, alias) == 0)
            return behind;
    }
    return NULL;
}

/* Consoles first, then serials, as libvirt looks; a channel only by its name. */
static const ChardevDef *findLine(const DomainDef *live, const char *alias)
{
    const ChardevDef *def = findIn(live, live->consoles, live->nconsoles, alias);

    if (!def)
        def = findIn(live, live->serials, live->nserials, alias);
    if (!def && alias)
        def = findIn(live, live->channels, live->nchannels, alias);
    return def;
}

static int openPty(const char *path, GError **err)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        memErrorSetSystem(err, errno, "cannot open '%s'", path);
    return fd;
}

static int openLine(const ChardevDef *def, GError **err)
{
    switch (def->type) {
    case CHARDEV_PTY:
        if (def->path)
            return openPty(def->path, err);
        break;
    case CHARDEV_UNIX:
        if (def->path && def->listen)
            return qemuMonitorConnect(def->path, err);
        break;
    case CHARDEV_NULL:
    case CHARDEV_FILE:
    case CHARDEV_TCP:
    case CHARDEV_TYPE_LAST:
        break;
    }
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "character device '%s' of type '%s' cannot be opened from here",
                def->info.alias ? def->info.alias : "", chardevTypeToString((int)def->type));
    return -1;
}

int qemuDriverOpenConsole(QemuDriver *driver, QemuUuid uuid, const char *device, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    const ChardevDef *def;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_CONSOLE_FORCE | VIR_DOMAIN_CONSOLE_SAFE, "qemuDomainOpenConsole", err))
        return -1;
    guard = qemuGuardLock(dom);
    if (!qemuDomainCheckActive(dom, err))
        return -1;
    def = findLine(dom->live, device);
    if (!def) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "cannot find character device '%s'", device ? device : "console0");
        return -1;
    }
    return openLine(def, err);
}

/* ---- monitor commands ---- */

char *qemuDriverMonitorCommand(QemuDriver *driver, QemuUuid uuid, const char *command, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_autoptr(QemuMonitor) mon = NULL;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, "qemuDomainQemuMonitorCommand", err))
        return NULL;
    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        mon = qemuDomainGetMonitor(dom, err);
    }
    if (!mon)
        return NULL;
    g_info("%s: a client sends its own monitor command", dom->name);
    return qemuMonitorPassthrough(mon, command, (flags & VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) != 0, QEMU_ANSWER_DEADLINE, err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chardev_conf.h: <serial>, <console>, <channel>: where a guest's lines end on the host */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    CHARDEV_SERIAL = 0,
    CHARDEV_CONSOLE,
    CHARDEV_CHANNEL,

    CHARDEV_ROLE_LAST
} ChardevRole;

MEM_ENUM_DECL(chardevRole);             /* the element's name */

typedef enum {
    CHARDEV_NULL = 0,
    CHARDEV_PTY,
    CHARDEV_FILE,
    CHARDEV_UNIX,
    CHARDEV_TCP,

    CHARDEV_TYPE_LAST
} ChardevType;

MEM_ENUM_DECL(chardevType);

typedef enum {
    CHARDEV_TARGET_NONE = 0,            /* not given: the defaults choose */
    CHARDEV_TARGET_ISA_SERIAL,
    CHARDEV_TARGET_PCI_SERIAL,
    CHARDEV_TARGET_USB_SERIAL,
    CHARDEV_TARGET_SPAPR_VIO_SERIAL,
    CHARDEV_TARGET_SYSTEM_SERIAL,
    CHARDEV_TARGET_SCLP_SERIAL,
    CHARDEV_TARGET_CONSOLE_SERIAL,      /* console: the first serial seen once more */
    CHARDEV_TARGET_VIRTIO,              /* console, channel */

    CHARDEV_TARGET_LAST
} ChardevTarget;

MEM_ENUM_DECL(chardevTarget);

struct ChardevDef {
    ChardevRole role;
    ChardevType type;
    char *path;                         /* pty (live only), file, unix */
    MemTristate append;                 /* file */
    gboolean listen;                    /* unix, tcp: mode='bind' */
    char *host, *service;               /* tcp */
    gboolean telnet;                    /* tcp */
    gboolean generatedPath;             /* channel whose socket we named: not in inactive XML */
    MemTristate reconnect;
    unsigned reconnectSeconds;
    char *logPath;
    MemTristate logAppend;

    ChardevTarget target;
    char *model;                        /* serial target's <model name=>; NULL until defaults */
    int port;                           /* -1: not given */
    char *name;                         /* channel: what the guest sees */
    char *state;                        /* channel, live: "connected" or "disconnected" */
    DeviceInfo info;
};

ChardevDef *chardevDefNew(ChardevRole role);
void chardevDefFree(ChardevDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChardevDef, chardevDefFree)
/* The element's name says the role. */
ChardevDef *chardevDefParse(const xmlNode *node, unsigned flags, GError **err);
void chardevDefFormat(MemXmlOut *out, const ChardevDef *def, unsigned flags);
gboolean chardevDefValidate(const ChardevDef *def, const DomainDef *domain, GError **err);
/* The first console with target CHARDEV_TARGET_CONSOLE_SERIAL is the first serial port seen once more: nothing in it
 * but the target counts. This gives the definition that has path and alias: @def itself, or the serial. Borrowed. */
const ChardevDef *chardevDefBehind(const DomainDef *domain, const ChardevDef *def);
/* Write @serial as the console that stands for it. */
void chardevDefFormatMirror(MemXmlOut *out, const ChardevDef *serial, unsigned flags);
/* Numbers the ports; moves a lone console to the serials, adds a console for the first serial, as libvirt does. */
void chardevDefDefaults(DomainDef *domain);

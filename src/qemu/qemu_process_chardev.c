/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process_chardev.c: what QEMU chose at start: pseudo terminals and the display's port, into the live definition */
#define G_LOG_DOMAIN "qemu/qemu_process_chardev"
#include "qemu/qemu_process.h"

#include "conf/chardev_conf.h"
#include "conf/graphics_conf.h"

static void apply(ChardevDef **defs, gsize count, GHashTable *ptys)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *label = g_strdup_printf("char%s", defs[i]->info.alias);
        const char *path = g_hash_table_lookup(ptys, label);

        if (defs[i]->type != CHARDEV_PTY || !path)
            continue;
        g_free(defs[i]->path);
        defs[i]->path = g_strdup(path);
    }
}

void qemuProcessApplyPtys(DomainDef *live, GHashTable *ptys)
{
    apply(live->serials, live->nserials, ptys);
    apply(live->consoles, live->nconsoles, ptys);
    apply(live->channels, live->nchannels, ptys);
}

void qemuProcessApplyVnc(DomainDef *live, int port)
{
    for (gsize i = 0; i < live->ngraphics; i++) {
        GraphicsDef *graphics = live->graphics[i];

        if (graphics->type == GRAPHICS_VNC && graphics->listen == GRAPHICS_LISTEN_ADDRESS && graphics->port <= 0)
            graphics->port = port;
    }
}

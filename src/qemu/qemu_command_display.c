/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_display.c: -vnc and the graphics cards */
#include "qemu/qemu_command_devices.h"

#include "conf/graphics_conf.h"
#include "qemu/qemu_command_address.h"

#include <string.h>

#define VNC_FIRST_PORT 5900

/* ---- graphics ---- */

/* @text with each comma doubled, as QEMU's key=value options want it. */
static void appendEscaped(GString *out, const char *text)
{
    for (; *text; text++)
        g_string_append(out, *text == ',' ? ",," : (char[]){ *text, '\0' });
}

static void appendAddress(GString *out, const GraphicsDef *graphics, const QemuCommandContext *context)
{
    const char *address = graphics->address ? graphics->address : context->defaultVncListen;
    gboolean v6 = address && strchr(address, ':') && address[0] != '[';

    if (v6)
        g_string_append_c(out, '[');
    appendEscaped(out, address ? address : "");
    if (v6)
        g_string_append_c(out, ']');
    g_string_append_printf(out, ":%d", graphics->port ? graphics->port - VNC_FIRST_PORT : 0);
}

static void appendListen(GString *out, const GraphicsDef *graphics, const QemuCommandContext *context)
{
    g_autofree char *generated = g_strdup_printf("%s/vnc.sock", context->domainFolder);

    switch (graphics->listen) {
    case GRAPHICS_LISTEN_ADDRESS:
        appendAddress(out, graphics, context);
        return;
    case GRAPHICS_LISTEN_SOCKET:
        g_string_append(out, "vnc=unix:");
        appendEscaped(out, graphics->socket ? graphics->socket : generated);
        return;
    case GRAPHICS_LISTEN_NONE:
    case GRAPHICS_LISTEN_LAST:
        break;
    }
}

static void addVnc(GPtrArray *argv, const DomainDef *def, const GraphicsDef *graphics, const QemuCommandContext *context)
{
    GString *text;

    g_ptr_array_add(argv, g_strdup("-vnc"));
    if (graphics->listen == GRAPHICS_LISTEN_NONE) {
        g_ptr_array_add(argv, g_strdup("none"));
        return;
    }
    text = g_string_new(NULL);
    appendListen(text, graphics, context);
    if (graphics->websocket > 0)
        g_string_append_printf(text, ",websocket=%d", graphics->websocket);
    else if (graphics->websocket < 0)
        g_string_append(text, ",websocket=on");
    if (graphics->share)
        g_string_append_printf(text, ",share=%s", graphicsShareToString((int)graphics->share));
    if (graphics->password)
        g_string_append(text, ",password=on");
    if (graphics->powerControl)
        g_string_append_printf(text, ",power-control=%s", memTristateSwitchToString((int)graphics->powerControl));
    if (def->audioNone)
        g_string_append(text, ",audiodev=audio1");
    g_ptr_array_add(argv, g_string_free(text, FALSE));
    if (graphics->keymap) {
        g_ptr_array_add(argv, g_strdup("-k"));
        g_ptr_array_add(argv, g_strdup(graphics->keymap));
    }
}

gboolean qemuCommandGraphics(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err)
{
    for (gsize i = 0; i < def->ngraphics; i++)
        addVnc(argv, def, def->graphics[i], context);
    return TRUE;
}

/* ---- video ---- */

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

char *qemuCommandVideoDriver(const DomainDef *def, const VideoDef *video)
{
    switch (video->model) {
    case VIDEO_VGA:
        return g_strdup("VGA");
    case VIDEO_CIRRUS:
        return g_strdup("cirrus-vga");
    case VIDEO_QXL:
        return g_strdup(video->primary ? "qxl-vga" : "qxl");
    case VIDEO_VIRTIO:
        if (video->info.type != DEVICE_ADDRESS_CCW && video->primary && isX86(def))
            return g_strdup("virtio-vga");
        return qemuCommandVirtioDriver("virtio-gpu", &video->info, MEM_TRISTATE_ABSENT);
    case VIDEO_BOCHS:
        return g_strdup("bochs-display");
    case VIDEO_RAMFB:
        return g_strdup("ramfb");
    case VIDEO_NONE:
    case VIDEO_DEFAULT:
    case VIDEO_LAST:
        break;
    }
    return NULL;
}

static void addQxl(MemJson *props, const VideoDef *video)
{
    memJsonAddUint64(props, "max_outputs", video->heads);
    memJsonAddUint64(props, "ram_size", (guint64)video->ramKib * 1024);
    memJsonAddUint64(props, "vram_size", (guint64)video->vramKib * 1024);
    memJsonAddUint64(props, "vram64_size_mb", video->vram64Kib / 1024);
    memJsonAddUint64(props, "vgamem_mb", video->vgamemKib / 1024);
}

static void addSizes(MemJson *props, const VideoDef *video)
{
    switch (video->model) {
    case VIDEO_VGA:
        if (video->vramKib)
            memJsonAddUint64(props, "vgamem_mb", video->vramKib / 1024);
        break;
    case VIDEO_QXL:
        addQxl(props, video);
        break;
    case VIDEO_VIRTIO:
        if (video->heads)
            memJsonAddUint64(props, "max_outputs", video->heads);
        break;
    case VIDEO_BOCHS:
        if (video->vramKib)
            memJsonAddUint64(props, "vgamem", (guint64)video->vramKib * 1024);
        break;
    case VIDEO_CIRRUS:
    case VIDEO_RAMFB:
    case VIDEO_NONE:
    case VIDEO_DEFAULT:
    case VIDEO_LAST:
        break;
    }
    if (video->resolutionX && video->resolutionY) {
        memJsonAddUint64(props, "xres", video->resolutionX);
        memJsonAddUint64(props, "yres", video->resolutionY);
    }
}

static gboolean addVideo(GPtrArray *argv, const DomainDef *def, const VideoDef *video, GError **err)
{
    g_autofree char *driver = qemuCommandVideoDriver(def, video);
    g_autoptr(MemJson) props = NULL;

    if (!driver)
        return TRUE;
    props = memJsonNew();
    memJsonAddString(props, "driver", driver);
    qemuCommandAddVirtioOptions(props, &video->virtio);
    memJsonAddString(props, "id", video->info.alias);
    addSizes(props, video);
    if (!qemuCommandAddAddress(props, def, &video->info, err))
        return FALSE;
    qemuCommandAppendDevice(argv, g_steal_pointer(&props));
    return TRUE;
}

gboolean qemuCommandVideos(GPtrArray *argv, const DomainDef *def, GError **err)
{
    for (gsize i = 0; i < def->nvideos; i++) {
        if (def->videos[i]->primary && !addVideo(argv, def, def->videos[i], err))
            return FALSE;
    }
    for (gsize i = 0; i < def->nvideos; i++) {
        if (!def->videos[i]->primary && !addVideo(argv, def, def->videos[i], err))
            return FALSE;
    }
    return TRUE;
}

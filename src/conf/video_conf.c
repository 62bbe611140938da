/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* video_conf.c: <video> */
#include "conf/video_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#define DEFAULT_VRAM_KIB (16 * 1024)
#define QXL_RAM_KIB (64 * 1024)
#define LEAST_VGA_KIB 1024

MEM_ENUM_IMPL(videoModel, VIDEO_LAST, NULL, "vga", "cirrus", "qxl", "virtio", "bochs", "ramfb", "none");

VideoDef *videoDefNew(VideoModel model)
{
    VideoDef *def = g_new0(VideoDef, 1);

    def->model = model;
    return def;
}

void videoDefFree(VideoDef *def)
{
    if (!def)
        return;
    deviceInfoClear(&def->info);
    g_free(def);
}

/* ---- parse ---- */

static gboolean parseAcceleration(const xmlNode *node, VideoDef *def, GError **err)
{
    static const char *const attrs[] = { "accel3d", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrYesNo(node, "accel3d", DEVICE_ENUM(def->accel3d), err);
}

static gboolean parseResolution(const xmlNode *node, VideoDef *def, GError **err)
{
    static const char *const attrs[] = { "x", "y", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrUint(node, "x", TRUE, &def->resolutionX, err) &&
           memXmlAttrUint(node, "y", TRUE, &def->resolutionY, err);
}

static gboolean parseModel(const xmlNode *node, VideoDef *def, GError **err)
{
    static const char *const attrs[] = { "type", "ram", "vram", "vram64", "vgamem", "heads", "primary", NULL };
    static const char *const children[] = { "acceleration", "resolution", NULL };
    const xmlNode *acceleration = memXmlChild(node, "acceleration");
    const xmlNode *resolution = memXmlChild(node, "resolution");
    MemTristate primary = MEM_TRISTATE_ABSENT;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !deviceAttrModel(node, "type", videoModelFromString, DEVICE_ENUM(def->model), err) ||
        !memXmlAttrUint(node, "ram", FALSE, &def->ramKib, err) ||
        !memXmlAttrUint(node, "vram", FALSE, &def->vramKib, err) ||
        !memXmlAttrUint(node, "vram64", FALSE, &def->vram64Kib, err) ||
        !memXmlAttrUint(node, "vgamem", FALSE, &def->vgamemKib, err) ||
        !memXmlAttrUint(node, "heads", FALSE, &def->heads, err) ||
        !memXmlAttrYesNo(node, "primary", DEVICE_ENUM(primary), err))
        return FALSE;
    def->primary = primary == MEM_TRISTATE_YES;
    return (!acceleration || parseAcceleration(acceleration, def, err)) &&
           (!resolution || parseResolution(resolution, def, err));
}

static gboolean parseDriver(const xmlNode *node, VideoDef *def, GError **err)
{
    static const char *const attrs[] = { "name", "iommu", "ats", "packed", "page_per_vq", NULL };
    static const char *const names[] = { "vhostuser", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && !deviceRefuseValue(node, "name", names, err) &&
           deviceVirtioOptionsParse(node, &def->virtio, err);
}

VideoDef *videoDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const none[] = { NULL };
    static const char *const children[] = { "model", "driver", "alias", "address", NULL };
    const xmlNode *model = memXmlChild(node, "model");
    const xmlNode *driver = memXmlChild(node, "driver");
    g_autoptr(VideoDef) def = videoDefNew(VIDEO_DEFAULT);

    if (!memXmlOnlyAttrs(node, none, err) || !memXmlOnlyChildren(node, children, err) ||
        (model && !parseModel(model, def, err)) || (driver && !parseDriver(driver, def, err)) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    return g_steal_pointer(&def);
}

/* ---- format ---- */

static void attrUnlessZero(MemXmlOut *out, const char *name, unsigned value)
{
    if (value)
        memXmlOutAttrUint64(out, name, value);
}

static void formatModel(MemXmlOut *out, const VideoDef *def)
{
    memXmlOutStart(out, "model");
    memXmlOutAttr(out, "type", videoModelToString(def->model));
    attrUnlessZero(out, "ram", def->ramKib);
    attrUnlessZero(out, "vram", def->vramKib);
    attrUnlessZero(out, "vram64", def->vram64Kib);
    attrUnlessZero(out, "vgamem", def->vgamemKib);
    attrUnlessZero(out, "heads", def->heads);
    if (def->primary)
        memXmlOutAttr(out, "primary", "yes");
    if (def->accel3d) {
        memXmlOutStart(out, "acceleration");
        memXmlOutAttr(out, "accel3d", memTristateBoolToString(def->accel3d));
        memXmlOutEnd(out);
    }
    if (def->resolutionX && def->resolutionY) {
        memXmlOutStart(out, "resolution");
        memXmlOutAttrUint64(out, "x", def->resolutionX);
        memXmlOutAttrUint64(out, "y", def->resolutionY);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

void videoDefFormat(MemXmlOut *out, const VideoDef *def, unsigned flags)
{
    memXmlOutStart(out, "video");
    memXmlOutStart(out, "driver");
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
    formatModel(out, def);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

/* ---- defaults and validate ---- */

gboolean videoDefDefaults(VideoDef *def, const DomainDef *domain, GError **err)
{
    gboolean anyPrimary = FALSE;

    switch (def->model) {
    case VIDEO_VGA:
    case VIDEO_CIRRUS:
    case VIDEO_BOCHS:
        if (!def->vramKib)
            def->vramKib = DEFAULT_VRAM_KIB;
        break;
    case VIDEO_QXL:
        if (!def->ramKib)
            def->ramKib = QXL_RAM_KIB;
        if (!def->vramKib)
            def->vramKib = QXL_RAM_KIB;
        if (!def->vgamemKib)
            def->vgamemKib = DEFAULT_VRAM_KIB;
        break;
    case VIDEO_VIRTIO:
    case VIDEO_RAMFB:
    case VIDEO_NONE:
    case VIDEO_DEFAULT:
    case VIDEO_LAST:
        break;
    }
    if (!def->heads && def->model != VIDEO_NONE)
        def->heads = 1;
    for (gsize i = 0; i < domain->nvideos; i++)
        anyPrimary |= domain->videos[i]->primary;
    if (!anyPrimary && domain->nvideos && domain->videos[0] == def && def->model != VIDEO_NONE)
        def->primary = TRUE;
    return TRUE;
}

static gboolean validateMemory(const VideoDef *def, GError **err)
{
    if (def->model == VIDEO_VGA && def->vramKib && def->vramKib < LEAST_VGA_KIB) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "video: vram '%u' KiB is too small: it must be '%d' or more",
                    def->vramKib, LEAST_VGA_KIB);
        return FALSE;
    }
    if (def->vgamemKib && (def->vgamemKib < LEAST_VGA_KIB || (def->vgamemKib & (def->vgamemKib - 1)))) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "video: vgamem '%u' KiB is invalid: it must be a power of two, '%d' or more",
                    def->vgamemKib,
                    LEAST_VGA_KIB);
        return FALSE;
    }
    return TRUE;
}

gboolean videoDefValidate(const VideoDef *def, const DomainDef *domain, GError **err)
{
    gsize primaries = 0;

    for (gsize i = 0; i < domain->nvideos; i++)
        primaries += domain->videos[i]->primary;
    if (primaries > 1) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "'%zu' '<video>' elements are primary: there can be one", primaries);
        return FALSE;
    }
    if (def->model == VIDEO_NONE && domain->nvideos > 1) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "video model 'none' must be the only '<video>' of the domain");
        return FALSE;
    }
    if (!def->primary && (def->model == VIDEO_VGA || def->model == VIDEO_CIRRUS || def->model == VIDEO_RAMFB)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "video model '%s' can be the primary video device only",
                    videoModelToString(def->model));
        return FALSE;
    }
    if (def->accel3d == MEM_TRISTATE_YES) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "video: accel3d 'yes' is not supported");
        return FALSE;
    }
    if (deviceVirtioOptionsAny(&def->virtio) && def->model != VIDEO_VIRTIO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "video: '<driver>' options are only for model 'virtio', not '%s'",
                    videoModelToString(def->model));
        return FALSE;
    }
    return validateMemory(def, err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest_conf.c: <os> beside its type, and <pm> */
#include "conf/guest_conf.h"

#include "util/mem_error.h"

#define REBOOT_TIMEOUT_MAX 65535

MEM_ENUM_IMPL(osBootDevice, OS_BOOT_LAST, "fd", "cdrom", "hd", "network");
MEM_ENUM_IMPL(osLoaderType, OS_LOADER_LAST, NULL, "rom", "pflash");
MEM_ENUM_IMPL(osSmbiosMode, OS_SMBIOS_LAST, NULL, "emulate", "sysinfo");

OsDef *osDefNew(void)
{
    return g_new0(OsDef, 1);
}

void osDefFree(OsDef *def)
{
    if (!def)
        return;
    g_free(def->kernel);
    g_free(def->initrd);
    g_free(def->cmdline);
    g_free(def->dtb);
    g_free(def->loader);
    g_free(def->nvram);
    g_free(def->nvramTemplate);
    featuresDefClear(&def->features);
    clockDefClear(&def->clock);
    sysinfoDefClear(&def->sysinfo);
    g_free(def);
}

gboolean osDefHasPflash(const OsDef *def)
{
    return def->loaderType == OS_LOADER_PFLASH;
}

static gboolean parseBoot(const xmlNode *os, OsDef *def, GError **err)
{
    static const char *const attrs[] = { "dev", NULL };

    for (const xmlNode *node = memXmlChild(os, "boot"); node; node = memXmlNext(node, "boot")) {
        int device = 0;

        if (!memXmlOnlyAttrs(node, attrs, err) ||
            !memXmlAttrEnum(node, "dev", TRUE, osBootDeviceFromString, &device, err))
            return FALSE;
        if (def->nboot == OS_MAX_BOOT) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "more than %d <boot> elements in <os>", OS_MAX_BOOT);
            return FALSE;
        }
        def->boot[def->nboot++] = (OsBootDevice)device;
    }
    return TRUE;
}

static gboolean parseBootmenu(const xmlNode *os, OsDef *def, GError **err)
{
    static const char *const attrs[] = { "enable", "timeout", NULL };
    const xmlNode *node = memXmlChild(os, "bootmenu");
    int enable = 0;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrYesNo(node, "enable", &enable, err) ||
        !memXmlAttrUint(node, "timeout", FALSE, &def->bootmenuTimeoutMs, err))
        return FALSE;
    def->bootmenu = (MemTristate)enable;
    def->hasBootmenuTimeout = memXmlHasAttr(node, "timeout");
    if (def->hasBootmenuTimeout && def->bootmenuTimeoutMs > REBOOT_TIMEOUT_MAX) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "bootmenu timeout '%u' is larger than '%d'", def->bootmenuTimeoutMs,
                    REBOOT_TIMEOUT_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseBios(const xmlNode *os, OsDef *def, GError **err)
{
    static const char *const attrs[] = { "useserial", "rebootTimeout", NULL };
    const xmlNode *node = memXmlChild(os, "bios");
    int useserial = 0;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrYesNo(node, "useserial", &useserial, err) ||
        !memXmlAttrInt(node, "rebootTimeout", FALSE, &def->rebootTimeoutMs, err))
        return FALSE;
    def->biosUseserial = (MemTristate)useserial;
    def->hasRebootTimeout = memXmlHasAttr(node, "rebootTimeout");
    if (def->hasRebootTimeout && (def->rebootTimeoutMs < -1 || def->rebootTimeoutMs > REBOOT_TIMEOUT_MAX)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "bios rebootTimeout '%d' is not between '-1' and '%d'",
                    def->rebootTimeoutMs, REBOOT_TIMEOUT_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseLoader(const xmlNode *os, OsDef *def, GError **err)
{
    static const char *const attrs[] = { "readonly", "secure", "type", NULL };
    static const char *const nvramAttrs[] = { "template", NULL };
    const xmlNode *node = memXmlChild(os, "loader");
    int readonly = 0, secure = 0, type = OS_LOADER_NONE;

    if (node) {
        if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrYesNo(node, "readonly", &readonly, err) ||
            !memXmlAttrYesNo(node, "secure", &secure, err) ||
            !memXmlAttrEnum(node, "type", FALSE, osLoaderTypeFromString, &type, err))
            return FALSE;
        def->loaderReadonly = (MemTristate)readonly;
        def->loaderSecure = (MemTristate)secure;
        def->loaderType = (OsLoaderType)type;
        def->loader = memXmlText(node);
        if (def->loader && def->loaderType == OS_LOADER_NONE)
            def->loaderType = OS_LOADER_ROM;
    }
    node = memXmlChild(os, "nvram");
    if (node) {
        if (!memXmlOnlyAttrs(node, nvramAttrs, err))
            return FALSE;
        def->nvramTemplate = memXmlAttr(node, "template");
        def->nvram = memXmlText(node);
    }
    if ((memXmlChild(os, "loader") || node) && !def->loader) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "<os> has no path in <loader>, and choosing a firmware by itself "
                    "is not supported: give <loader> a path");
        return FALSE;
    }
    return TRUE;
}

static gboolean parseSmbios(const xmlNode *os, OsDef *def, GError **err)
{
    static const char *const attrs[] = { "mode", NULL };
    const xmlNode *node = memXmlChild(os, "smbios");
    g_autofree char *text = NULL;
    int mode = OS_SMBIOS_NONE;

    if (!node)
        return TRUE;
    text = memXmlAttr(node, "mode");
    if (g_strcmp0(text, "host") == 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "smbios mode 'host' is not supported: use 'emulate' or 'sysinfo'");
        return FALSE;
    }
    if (!memXmlOnlyAttrs(node, attrs, err) ||
        !memXmlAttrEnum(node, "mode", TRUE, osSmbiosModeFromString, &mode, err))
        return FALSE;
    def->smbios = (OsSmbiosMode)mode;
    return TRUE;
}

gboolean osDefParse(const xmlNode *node, OsDef *def, GError **err)
{
    static const char *const children[] = { "type",   "loader",   "nvram", "kernel", "initrd", "cmdline", "dtb",
                                            "boot",   "bootmenu", "bios",  "smbios", NULL };
    static const char *const attrs[] = { NULL };

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err))
        return FALSE;
    def->kernel = memXmlChildText(node, "kernel");
    def->initrd = memXmlChildText(node, "initrd");
    def->cmdline = memXmlChildText(node, "cmdline");
    def->dtb = memXmlChildText(node, "dtb");
    return parseBoot(node, def, err) && parseBootmenu(node, def, err) && parseBios(node, def, err) &&
           parseLoader(node, def, err) && parseSmbios(node, def, err);
}

static void formatLoader(MemXmlOut *out, const OsDef *def)
{
    if (def->loader) {
        memXmlOutStart(out, "loader");
        memXmlOutAttr(out, "readonly", memTristateBoolToString(def->loaderReadonly));
        memXmlOutAttr(out, "secure", memTristateBoolToString(def->loaderSecure));
        memXmlOutAttr(out, "type", osLoaderTypeToString(def->loaderType));
        memXmlOutEndText(out, def->loader);
    }
    if (def->nvram || def->nvramTemplate) {
        memXmlOutStart(out, "nvram");
        memXmlOutAttr(out, "template", def->nvramTemplate);
        if (def->nvram)
            memXmlOutEndText(out, def->nvram);
        else
            memXmlOutEnd(out);
    }
}

void osDefFormat(MemXmlOut *out, const OsDef *def)
{
    formatLoader(out, def);
    memXmlOutText(out, "kernel", def->kernel);
    memXmlOutText(out, "initrd", def->initrd);
    memXmlOutText(out, "cmdline", def->cmdline);
    memXmlOutText(out, "dtb", def->dtb);
    for (gsize i = 0; i < def->nboot; i++) {
        memXmlOutStart(out, "boot");
        memXmlOutAttr(out, "dev", osBootDeviceToString(def->boot[i]));
        memXmlOutEnd(out);
    }
    memXmlOutStart(out, "bootmenu");
    memXmlOutAttr(out, "enable", memTristateBoolToString(def->bootmenu));
    if (def->hasBootmenuTimeout)
        memXmlOutAttrUint64(out, "timeout", def->bootmenuTimeoutMs);
    memXmlOutEndUnlessEmpty(out);
    memXmlOutStart(out, "bios");
    memXmlOutAttr(out, "useserial", memTristateBoolToString(def->biosUseserial));
    if (def->hasRebootTimeout)
        memXmlOutAttrf(out, "rebootTimeout", "%d", def->rebootTimeoutMs);
    memXmlOutEndUnlessEmpty(out);
    memXmlOutStart(out, "smbios");
    memXmlOutAttr(out, "mode", osSmbiosModeToString(def->smbios));
    memXmlOutEndUnlessEmpty(out);
}

static gboolean parsePmSwitch(const xmlNode *pm, const char *name, MemTristate *value, GError **err)
{
    static const char *const attrs[] = { "enabled", NULL };
    const xmlNode *node = memXmlChild(pm, name);
    int enabled = 0;

    if (!node)
        return TRUE;
    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlAttrYesNo(node, "enabled", &enabled, err))
        return FALSE;
    *value = (MemTristate)enabled;
    return TRUE;
}

gboolean pmDefParse(const xmlNode *node, PmDef *def, GError **err)
{
    static const char *const children[] = { "suspend-to-mem", "suspend-to-disk", NULL };

    return memXmlOnlyChildren(node, children, err) &&
           parsePmSwitch(node, "suspend-to-mem", &def->suspendToMem, err) &&
           parsePmSwitch(node, "suspend-to-disk", &def->suspendToDisk, err);
}

static void formatPmSwitch(MemXmlOut *out, const char *name, MemTristate value)
{
    memXmlOutStart(out, name);
    memXmlOutAttr(out, "enabled", memTristateBoolToString(value));
    memXmlOutEndUnlessEmpty(out);
}

void pmDefFormat(MemXmlOut *out, const PmDef *def)
{
    memXmlOutStart(out, "pm");
    formatPmSwitch(out, "suspend-to-mem", def->suspendToMem);
    formatPmSwitch(out, "suspend-to-disk", def->suspendToDisk);
    memXmlOutEndUnlessEmpty(out);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memballoon_conf.c: <memballoon> */
#include "conf/memballoon_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

#include <errno.h>

MEM_ENUM_IMPL(memballoonModel, MEMBALLOON_LAST, "virtio", "xen", "none", "virtio-transitional",
              "virtio-non-transitional");

MemballoonDef *memballoonDefNew(MemballoonModel model)
{
    MemballoonDef *def = g_new0(MemballoonDef, 1);

    def->model = model;
    return def;
}

void memballoonDefFree(MemballoonDef *def)
{
    if (!def)
        return;
    deviceInfoClear(&def->info);
    g_free(def);
}

static gboolean checkKnown(const xmlNode *node, GError **err)
{
    static const char *const attrs[] = { "model", "autodeflate", "freePageReporting", NULL };
    static const char *const children[] = { "stats", "alias", "address", "driver", NULL };
    static const char *const none[] = { NULL };
    static const char *const statsAttrs[] = { "period", NULL };
    static const char *const driverAttrs[] = { "iommu", "ats", "packed", "page_per_vq", NULL };
    const xmlNode *stats = memXmlChild(node, "stats");
    const xmlNode *driver = memXmlChild(node, "driver");

    return memXmlOnlyAttrs(node, attrs, err) && memXmlOnlyChildren(node, children, err) && memXmlOnlyOnce(node, none, err) &&
           (!stats || memXmlOnlyAttrs(stats, statsAttrs, err)) &&
           (!driver || memXmlOnlyAttrs(driver, driverAttrs, err));
}

/* libvirt takes hexadecimal and octal here, and here alone. */
static gboolean parsePeriod(const xmlNode *stats, int *seconds, GError **err)
{
    g_autofree char *text = stats ? memXmlAttr(stats, "period") : NULL;
    char *end = NULL;
    gint64 value;

    if (!text)
        return TRUE;
    errno = 0;
    value = g_ascii_strtoll(text, &end, 0);
    if (end == text || *end || errno || value < G_MININT || value > G_MAXINT) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "value '%s' for attribute 'period' of '<stats>' is invalid: it must be a number of seconds", text);
        return FALSE;
    }
    *seconds = (int)MAX(value, 0);
    return TRUE;
}

MemballoonDef *memballoonDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    g_autoptr(MemballoonDef) def = memballoonDefNew(MEMBALLOON_VIRTIO);
    const xmlNode *stats = memXmlChild(node, "stats");
    const xmlNode *driver = memXmlChild(node, "driver");
    int model = 0, autodeflate = 0, reporting = 0;

    if (!checkKnown(node, err) || !memXmlAttrEnum(node, "model", TRUE, memballoonModelFromString, &model, err) ||
        !memXmlAttrOnOff(node, "autodeflate", &autodeflate, err) ||
        !memXmlAttrOnOff(node, "freePageReporting", &reporting, err) ||
        !parsePeriod(stats, &def->periodSeconds, err))
        return NULL;
    def->model = (MemballoonModel)model;
    def->autodeflate = (MemTristate)autodeflate;
    def->freePageReporting = (MemTristate)reporting;

    /* There is no device that could have an alias or sit anywhere. */
    if (def->model != MEMBALLOON_NONE && !deviceInfoParse(node, flags & DOMAIN_PARSE_STATUS, &def->info, err))
        return NULL;
    if (driver && !deviceVirtioOptionsParse(driver, &def->virtio, err))
        return NULL;
    return g_steal_pointer(&def);
}

void memballoonDefFormat(MemXmlOut *out, const MemballoonDef *def, unsigned flags)
{
    memXmlOutStart(out, "memballoon");
    memXmlOutAttr(out, "model", memballoonModelToString(def->model));
    memXmlOutAttr(out, "autodeflate", memTristateSwitchToString(def->autodeflate));
    memXmlOutAttr(out, "freePageReporting", memTristateSwitchToString(def->freePageReporting));
    if (def->periodSeconds) {
        memXmlOutStart(out, "stats");
        memXmlOutAttrUint64(out, "period", (guint64)def->periodSeconds);
        memXmlOutEnd(out);
    }
    deviceInfoFormat(out, &def->info, flags & DOMAIN_FORMAT_INACTIVE);
    memXmlOutStart(out, "driver");
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
    memXmlOutEnd(out);
}

gboolean memballoonDefValidate(const MemballoonDef *def, const DomainDef *domain, GError **err)
{
    int code = VIR_ERR_CONFIG_UNSUPPORTED;

    if (def->model != MEMBALLOON_XEN)
        return TRUE;
    /* libvirt fails when it looks for a place on PCI, if it has to look for one */
    if (def->info.type == DEVICE_ADDRESS_NONE && domain->arch != ARCH_S390X)
        code = VIR_ERR_INTERNAL_ERROR;
    memErrorSet(err, code, "model 'xen' of '<memballoon>' is no device of QEMU: use 'virtio' or 'none'");
    return FALSE;
}

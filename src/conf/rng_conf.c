/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rng_conf.c: <rng>: a virtio random number generator */
#include "conf/rng_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

MEM_ENUM_IMPL(rngModel, RNG_MODEL_LAST, "virtio", "virtio-transitional", "virtio-non-transitional");
MEM_ENUM_IMPL(rngBackend, RNG_BACKEND_LAST, "random", "builtin");

RngDef *rngDefNew(void)
{
    return g_new0(RngDef, 1);
}

void rngDefFree(RngDef *def)
{
    if (!def)
        return;
    g_free(def->path);
    deviceInfoClear(&def->info);
    g_free(def);
}

static gboolean parseRate(const xmlNode *node, RngDef *def, GError **err)
{
    static const char *const attrs[] = { "bytes", "period", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && memXmlAttrUint(node, "bytes", TRUE, &def->rateBytes, err) &&
           memXmlAttrUint(node, "period", FALSE, &def->periodMs, err);
}

static gboolean parseBackend(const xmlNode *node, RngDef *def, GError **err)
{
    static const char *const attrs[] = { "model", NULL };
    static const char *const models[] = { "egd", NULL };

    if (deviceRefuseValue(node, "model", models, err) || !memXmlOnlyAttrs(node, attrs, err) ||
        !memXmlAttrEnum(node, "model", TRUE, rngBackendFromString, DEVICE_ENUM(def->backend), err))
        return FALSE;
    if (def->backend == RNG_BACKEND_RANDOM)
        def->path = memXmlText(node);
    return TRUE;
}

static gboolean parseDriver(const xmlNode *node, RngDef *def, GError **err)
{
    static const char *const attrs[] = { "iommu", "ats", "packed", "page_per_vq", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && deviceVirtioOptionsParse(node, &def->virtio, err);
}

RngDef *rngDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "model", NULL };
    static const char *const children[] = { "rate", "backend", "driver", "alias", "address", NULL };
    const xmlNode *rate = memXmlChild(node, "rate");
    const xmlNode *backend = memXmlChild(node, "backend");
    const xmlNode *driver = memXmlChild(node, "driver");
    g_autoptr(RngDef) def = rngDefNew();

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlAttrEnum(node, "model", TRUE, rngModelFromString, DEVICE_ENUM(def->model), err))
        return NULL;
    if (!backend || memXmlNext(backend, "backend")) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "'<rng>' needs exactly one '<backend>'");
        return NULL;
    }
    if ((rate && !parseRate(rate, def, err)) || !parseBackend(backend, def, err) ||
        (driver && !parseDriver(driver, def, err)) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    return g_steal_pointer(&def);
}

void rngDefFormat(MemXmlOut *out, const RngDef *def, unsigned flags)
{
    memXmlOutStart(out, "rng");
    memXmlOutAttr(out, "model", rngModelToString(def->model));
    if (def->rateBytes) {
        memXmlOutStart(out, "rate");
        memXmlOutAttrUint64(out, "bytes", def->rateBytes);
        if (def->periodMs)
            memXmlOutAttrUint64(out, "period", def->periodMs);
        memXmlOutEnd(out);
    }
    memXmlOutStart(out, "backend");
    memXmlOutAttr(out, "model", rngBackendToString(def->backend));
    if (def->path)
        memXmlOutEndText(out, def->path);
    else
        memXmlOutEnd(out);
    memXmlOutStart(out, "driver");
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

gboolean rngDefValidate(const RngDef *def, const DomainDef *domain, GError **err)
{
    DeviceAddressType address = def->info.type;

    if (address != DEVICE_ADDRESS_NONE && address != DEVICE_ADDRESS_PCI && address != DEVICE_ADDRESS_CCW &&
        address != DEVICE_ADDRESS_VIRTIO_MMIO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "rng model '%s' cannot have an address of type '%s'",
                    rngModelToString(def->model),
                    deviceAddressTypeToString(address));
        return FALSE;
    }
    return deviceVirtioOptionsValidate(&def->virtio, def->model == RNG_MODEL_VIRTIO_TRANSITIONAL, "rng", err);
}

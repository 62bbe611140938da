/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input_conf.c: <input>: mouse, tablet, keyboard */
#include "conf/input_conf.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

MEM_ENUM_IMPL(inputType, INPUT_LAST, "mouse", "tablet", "keyboard");
MEM_ENUM_IMPL(inputBus, INPUT_BUS_LAST, NULL, "ps2", "usb", "virtio");
MEM_ENUM_IMPL(inputModel, INPUT_MODEL_LAST, NULL, "virtio", "virtio-transitional", "virtio-non-transitional");

InputDef *inputDefNew(InputType type, InputBus bus)
{
    InputDef *def = g_new0(InputDef, 1);

    def->type = type;
    def->bus = bus;
    return def;
}

void inputDefFree(InputDef *def)
{
    if (!def)
        return;
    deviceInfoClear(&def->info);
    g_free(def);
}

static gboolean parseDriver(const xmlNode *node, InputDef *def, GError **err)
{
    static const char *const attrs[] = { "iommu", "ats", "packed", "page_per_vq", NULL };

    return memXmlOnlyAttrs(node, attrs, err) && deviceVirtioOptionsParse(node, &def->virtio, err);
}

InputDef *inputDefParse(const xmlNode *node, unsigned flags, GError **err)
{
    static const char *const attrs[] = { "type", "bus", "model", NULL };
    static const char *const children[] = { "driver", "alias", "address", NULL };
    static const char *const types[] = { "passthrough", "evdev", NULL };
    static const char *const buses[] = { "xen", "parallels", "none", NULL };
    const xmlNode *driver = memXmlChild(node, "driver");
    g_autoptr(InputDef) def = inputDefNew(INPUT_MOUSE, INPUT_BUS_DEFAULT);

    if (deviceRefuseValue(node, "type", types, err) || deviceRefuseValue(node, "bus", buses, err) ||
        !memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlAttrEnum(node, "type", TRUE, inputTypeFromString, DEVICE_ENUM(def->type), err) ||
        !memXmlAttrEnum(node, "bus", FALSE, inputBusFromString, DEVICE_ENUM(def->bus), err) ||
        !memXmlAttrEnum(node, "model", FALSE, inputModelFromString, DEVICE_ENUM(def->model), err) ||
        (driver && !parseDriver(driver, def, err)) ||
        !deviceInfoParse(node, (flags & DOMAIN_PARSE_STATUS) != 0, &def->info, err))
        return NULL;
    return g_steal_pointer(&def);
}

void inputDefFormat(MemXmlOut *out, const InputDef *def, unsigned flags)
{
    memXmlOutStart(out, "input");
    memXmlOutAttr(out, "type", inputTypeToString(def->type));
    memXmlOutAttr(out, "bus", inputBusToString(def->bus));
    memXmlOutAttr(out, "model", inputModelToString(def->model));
    memXmlOutStart(out, "driver");
    deviceVirtioOptionsFormat(out, &def->virtio);
    memXmlOutEndUnlessEmpty(out);
    deviceInfoFormat(out, &def->info, (flags & DOMAIN_FORMAT_INACTIVE) != 0);
    memXmlOutEnd(out);
}

gboolean inputDefValidate(const InputDef *def, const DomainDef *domain, GError **err)
{
    DeviceAddressType address = def->info.type;

    if (def->bus == INPUT_BUS_PS2 && def->type == INPUT_TABLET) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "input type 'tablet' is not there on bus 'ps2': use 'usb' or 'virtio'");
        return FALSE;
    }
    if ((def->model || deviceVirtioOptionsAny(&def->virtio)) && def->bus != INPUT_BUS_VIRTIO) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "input: model and '<driver>' options are only for bus 'virtio', not '%s'",
                    inputBusToString(def->bus));
        return FALSE;
    }
    if ((def->bus == INPUT_BUS_USB && address != DEVICE_ADDRESS_NONE && address != DEVICE_ADDRESS_USB) ||
        (def->bus == INPUT_BUS_VIRTIO && address == DEVICE_ADDRESS_USB) ||
        (def->bus == INPUT_BUS_PS2 && address != DEVICE_ADDRESS_NONE)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "input type '%s' on bus '%s' cannot have an address of type '%s'",
                    inputTypeToString(def->type), inputBusToString(def->bus), deviceAddressTypeToString(address));
        return FALSE;
    }
    return deviceVirtioOptionsValidate(&def->virtio, def->model == INPUT_MODEL_VIRTIO_TRANSITIONAL, "input", err);
}

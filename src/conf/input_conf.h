/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input_conf.h: <input>: mouse, tablet, keyboard */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    INPUT_MOUSE = 0,
    INPUT_TABLET,
    INPUT_KEYBOARD,

    INPUT_LAST
} InputType;

MEM_ENUM_DECL(inputType);

typedef enum {
    INPUT_BUS_DEFAULT = 0,          /* before defaults only */
    INPUT_BUS_PS2,
    INPUT_BUS_USB,
    INPUT_BUS_VIRTIO,

    INPUT_BUS_LAST
} InputBus;

MEM_ENUM_DECL(inputBus);

typedef enum {
    INPUT_MODEL_DEFAULT = 0,
    INPUT_MODEL_VIRTIO,
    INPUT_MODEL_VIRTIO_TRANSITIONAL,
    INPUT_MODEL_VIRTIO_NON_TRANSITIONAL,

    INPUT_MODEL_LAST
} InputModel;

MEM_ENUM_DECL(inputModel);

struct InputDef {
    InputType type;
    InputBus bus;
    InputModel model;
    DeviceVirtioOptions virtio;
    DeviceInfo info;
};

InputDef *inputDefNew(InputType type, InputBus bus);
void inputDefFree(InputDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InputDef, inputDefFree)
/* @flags: DomainParseFlags. */
InputDef *inputDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void inputDefFormat(MemXmlOut *out, const InputDef *def, unsigned flags);
gboolean inputDefValidate(const InputDef *def, const DomainDef *domain, GError **err);

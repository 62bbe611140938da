/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_typed.c: typed parameters: the driver's QemuParam <-> the wire's WireParam */
#include "rpc/rpc_typed.h"

#include <string.h>

static void valueToWire(const QemuParam *param, WireParamValue *wire)
{
    wire->type = param->type;
    switch ((virTypedParameterType)param->type) {
    case VIR_TYPED_PARAM_INT:
        wire->WireParamValue_u.i = (int)param->i;
        break;
    case VIR_TYPED_PARAM_UINT:
        wire->WireParamValue_u.ui = (unsigned)param->u;
        break;
    case VIR_TYPED_PARAM_LLONG:
        wire->WireParamValue_u.l = param->i;
        break;
    case VIR_TYPED_PARAM_ULLONG:
        wire->WireParamValue_u.ul = param->u;
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        wire->WireParamValue_u.d = param->d;
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        wire->WireParamValue_u.b = param->i != 0;
        break;
    case VIR_TYPED_PARAM_STRING:
        wire->WireParamValue_u.s = strdup(param->s ? param->s : "");
        break;
    }
}

void rpcTypedToWire(const GArray *params, gboolean withText, WireParam **wire, u_int *count)
{
    *wire = params->len > 0 ? calloc(params->len, sizeof(**wire)) : NULL;
    *count = 0;
    for (guint i = 0; i < params->len; i++) {
        const QemuParam *param = &g_array_index(params, QemuParam, i);
        if (param->type == VIR_TYPED_PARAM_STRING && !withText)
            continue;
        WireParam *to = &(*wire)[(*count)++];
        to->field = strdup(param->field);
        valueToWire(param, &to->value);
    }
}

static void valueFromWire(const WireParamValue *wire, QemuParam *param)
{
    param->type = wire->type;
    switch ((virTypedParameterType)wire->type) {
    case VIR_TYPED_PARAM_INT:
        param->i = wire->WireParamValue_u.i;
        break;
    case VIR_TYPED_PARAM_UINT:
        param->u = wire->WireParamValue_u.ui;
        break;
    case VIR_TYPED_PARAM_LLONG:
        param->i = wire->WireParamValue_u.l;
        break;
    case VIR_TYPED_PARAM_ULLONG:
        param->u = wire->WireParamValue_u.ul;
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        param->d = wire->WireParamValue_u.d;
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        param->i = wire->WireParamValue_u.b != 0;
        break;
    case VIR_TYPED_PARAM_STRING:
        param->s = wire->WireParamValue_u.s;
        break;
    }
}

GArray *rpcTypedFromWire(const WireParam *wire, u_int count, GError **err)
{
    g_autoptr(GArray) params = g_array_sized_new(FALSE, TRUE, sizeof(QemuParam), count);
    for (u_int i = 0; i < count; i++) {
        QemuParam param = { 0 };
        if (g_strlcpy(param.field, wire[i].field, sizeof(param.field)) >= sizeof(param.field)) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "Parameter name '%s' is longer than %zu bytes",
                        wire[i].field, sizeof(param.field) - 1);
            return NULL;
        }
        valueFromWire(&wire[i].value, &param);
        g_array_append_val(params, param);
    }
    return g_steal_pointer(&params);
}

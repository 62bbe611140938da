/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_devices_conf.h: <devices>: which element is which family, in which order they are written */
#pragma once

#include "conf/domain_conf.h"

gboolean domainDevicesParse(const xmlNode *node, DomainDef *def, unsigned flags, GError **err);
void domainDevicesFormat(MemXmlOut *out, const DomainDef *def, unsigned flags);
/* What follows from the devices themselves: console and serial, boot order. */
void domainDevicesDefaults(DomainDef *def);
/* @rule: see domainDefValidateWith(). */
gboolean domainDevicesValidate(const DomainDef *def, DomainMemoryRule rule, gconstpointer opaque, GError **err);
void domainDevicesClear(DomainDef *def);
/* Call @func for the DeviceInfo of each device that has one (the mirror of a serial port has none of its own),
 * in the order in which they are written; stops and returns FALSE when @func does. */
typedef gboolean (*DomainDevicesFunc)(DeviceInfo *info, const char *element, gpointer opaque);
gboolean domainDevicesForEach(DomainDef *def, DomainDevicesFunc func, gpointer opaque);

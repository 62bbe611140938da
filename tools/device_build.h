/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device_build.h: a memory device from a command's options, and what can be known to be wrong with it beforehand */
#pragma once

#include "conf/memory_device_conf.h"
#include "ctl.h"

/* From the options that @cmd's table has for this model. CMD_USAGE when options contradict each other. */
MemoryDeviceDef *deviceBuild(const Cmd *cmd, MemoryDeviceModel model, GError **err);

/* Against the guest that it is for; @live: it is to be plugged into the running one. CMD_FAILED when it does not fit. */
gboolean deviceBuildCheck(const MemoryDeviceDef *def, const virMemInventory *inventory, gboolean live, GError **err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa_conf_priv.h: what the files of numa_conf.h share among themselves */
#pragma once

#include "conf/numa_conf.h"

/* More than QEMU takes (128), and few enough that the table of distances stays small. */
#define NUMA_CELLS_MAX 1024

/* @node: <interconnects>, may be NULL. */
gboolean numaInterconnectsParse(const xmlNode *node, NumaDef *def, GError **err);
void numaInterconnectsFormat(MemXmlOut *out, const NumaDef *def);
/* Caches and interconnects: levels, duplicates, references. */
gboolean numaHmatValidate(const NumaDef *def, GError **err);

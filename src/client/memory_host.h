/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_host.h: the host's memory and pages, by node */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virMemHost, virMemHostFree)

/* The pure part: nodes, their memory and their page sizes from a capabilities document; free figures are unknown yet. A
 * document without topology gives one node of unknown size. NULL with @err set if it cannot be understood. */
virMemHost *memoryHostParse(const char *capabilities, virMemError *err);

/* virMemGetHost(); the figures of KSM, which are four calls, only with @ksm. */
int memoryHostGet(virConnectPtr conn, gboolean ksm, virMemHost **host, virMemError *err);

/* Node @id, or NULL. */
const virMemHostNode *memoryHostNode(const virMemHost *host, int id);
/* Pages of @sizeKib on @node, or NULL: it has none of the kind. */
const virMemPages *memoryHostPages(const virMemHostNode *node, guint64 sizeKib);

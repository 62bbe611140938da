/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_schema.h: check a document against the RELAX NG schema, for "define --validate" */
#pragma once

#include <glib.h>

/* VIR_ERR_XML_INVALID_SCHEMA with the first complaint; VIR_ERR_INTERNAL_ERROR when the schema itself cannot be read. */
gboolean qemuSchemaCheckDomain(const char *xml, GError **err);

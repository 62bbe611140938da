/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_schema.h: domain XML against the RELAX NG of src/schemas */
#pragma once

#include <glib.h>

/* The schema is read for each call and dropped again: a daemon that validates once an hour does not keep it for the rest.
 * It is looked for in $MEM_SCHEMA_DIR, in the source tree when run from there, and where it is installed.
 * VIR_ERR_XML_INVALID_SCHEMA: the XML is not valid, with libxml2's words on it. VIR_ERR_INTERNAL_ERROR: no schema. */
gboolean domainSchemaValidate(const char *xml, GError **err);

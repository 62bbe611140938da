/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_schema.c: check a document against the RELAX NG schema */
#define G_LOG_DOMAIN "qemu/qemu_schema"
#include "qemu/qemu_schema.h"

#include "util/mem_error.h"
#include "util/mem_xml.h"

#include <libxml/relaxng.h>
#include <string.h>

/* The build tree is found by the environment (build/run sets it), the installed schema by its folder. */
static char *schemaPath(void)
{
    const char *folder = g_getenv("VIRTMEM_SCHEMA_DIR");

    return g_build_filename(folder ? folder : MEM_SCHEMA_DIR, "domain.rng", NULL);
}

static void keepFirst(void *opaque, xmlErrorPtr problem)
{
    char **first = opaque;

    if (!*first && problem->message)
        *first = g_strdup_printf("line %d: %s", problem->line, g_strstrip(problem->message));
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGParserCtxt, xmlRelaxNGFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNG, xmlRelaxNGFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGValidCtxt, xmlRelaxNGFreeValidCtxt)

/* Read anew each time: it is rarely asked for, and the compiled schema is large. */
gboolean qemuSchemaCheckDomain(const char *xml, GError **err)
{
    g_autofree char *path = schemaPath();
    g_autofree char *complaint = NULL;
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "domain_definition", err);
    g_autoptr(xmlRelaxNGParserCtxt) parser = NULL;
    g_autoptr(xmlRelaxNG) schema = NULL;
    g_autoptr(xmlRelaxNGValidCtxt) checker = NULL;

    if (!doc)
        return FALSE;
    parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGSetParserStructuredErrors(parser, keepFirst, &complaint);
    schema = xmlRelaxNGParse(parser);
    if (!schema) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "cannot read schema '%s': %s", path, complaint ? complaint : "unknown cause");
        return FALSE;
    }
    checker = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidStructuredErrors(checker, keepFirst, &complaint);
    if (xmlRelaxNGValidateDoc(checker, doc) == 0)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema: %s",
                complaint ? complaint : "unknown cause");
    return FALSE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_schema.c: domain XML against the RELAX NG of src/schemas */
#include "conf/domain_schema.h"

#include "util/mem_error.h"
#include "util/mem_xml.h"

#include <libxml/relaxng.h>
#include <string.h>

#define SCHEMA_NAME "domain.rng"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNG, xmlRelaxNGFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGParserCtxt, xmlRelaxNGFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGValidCtxt, xmlRelaxNGFreeValidCtxt)

/* The first complaint is the nearest to the cause; libxml2 goes on to say that each parent is wrong too. */
typedef struct {
    char *text;
    int line;
} Complaint;

static void remember(void *opaque, xmlError *problem)
{
    Complaint *complaint = opaque;

    if (complaint->text || !problem->message)
        return;
    complaint->text = g_strchomp(g_strdup(problem->message));
    complaint->line = problem->line;
}

static char *findSchema(void)
{
    const char *folders[] = { g_getenv("MEM_SCHEMA_DIR"), MEM_SCHEMA_SOURCE_DIR, MEM_SCHEMA_INSTALL_DIR };

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = folders[i] ? g_build_filename(folders[i], SCHEMA_NAME, NULL) : NULL;

        if (path && g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return NULL;
}

static xmlRelaxNG *loadSchema(GError **err)
{
    g_autofree char *path = findSchema();
    g_autoptr(xmlRelaxNGParserCtxt) parser = path ? xmlRelaxNGNewParserCtxt(path) : NULL;
    Complaint complaint = { 0 };
    xmlRelaxNG *schema;

    if (!parser) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "schema '%s' is neither in '%s' nor in '%s'", SCHEMA_NAME,
                    MEM_SCHEMA_SOURCE_DIR, MEM_SCHEMA_INSTALL_DIR);
        return NULL;
    }
    xmlRelaxNGSetParserStructuredErrors(parser, remember, &complaint);
    schema = xmlRelaxNGParse(parser);
    if (!schema)
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "schema '%s' cannot be read: %s", path,
                    complaint.text ? complaint.text : "unknown reason");
    g_free(complaint.text);
    return schema;
}

gboolean domainSchemaValidate(const char *xml, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "domain_definition", err);
    g_autoptr(xmlRelaxNG) schema = doc ? loadSchema(err) : NULL;
    g_autoptr(xmlRelaxNGValidCtxt) validator = NULL;
    Complaint complaint = { 0 };
    int result;

    if (!schema)
        return FALSE;
    validator = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidStructuredErrors(validator, remember, &complaint);
    result = xmlRelaxNGValidateDoc(validator, doc);
    if (result != 0)
        memErrorSet(err, VIR_ERR_XML_INVALID_SCHEMA, "line %d: %s", complaint.line,
                    complaint.text ? complaint.text : "the document does not fit the schema");
    g_free(complaint.text);
    return result == 0;
}

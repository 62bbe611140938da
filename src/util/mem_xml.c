/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_xml.c: reading XML with bounds and clear errors */
#include "util/mem_xml.h"

#include "util/mem_enum.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlsave.h>
#include <string.h>

/* How much of the source line is shown on each side of the place where it is wrong, in bytes. */
#define EXCERPT_BEFORE 70
#define EXCERPT_AFTER 40

static int depthOf(const xmlNode *node)
{
    int deepest = 0;
    int depth = 0;

    for (const xmlNode *at = node; at;) {
        deepest = MAX(deepest, depth);
        if (at->type == XML_ELEMENT_NODE && at->children) {
            at = at->children;
            depth++;
            continue;
        }
        while (at != node && !at->next) {
            at = at->parent;
            depth--;
        }
        at = at == node ? NULL : at->next;
    }
    return deepest;
}

/* The first of the errors, which is what is wrong; the others follow from it. */
typedef struct {
    int line;
    char *message;
    char *excerpt;              /* the source line and a caret below it; NULL: there is none */
} Problem;

static void problemClear(Problem *problem)
{
    g_free(problem->message);
    g_free(problem->excerpt);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Problem, problemClear)

static gboolean isLineEnd(xmlChar c)
{
    return c == '\n' || c == '\r';
}

static char *printable(const xmlChar *from, const xmlChar *to)
{
    g_autofree char *bytes = g_strndup((const char *)from, (gsize)(to - from));

    return g_strdelimit(g_utf8_make_valid(bytes, -1), "\t", ' ');
}

static char *excerptOf(const xmlParserInput *input)
{
    const xmlChar *at = input->cur, *from, *to;
    g_autofree char *before = NULL, *after = NULL;
    int column;

    /* what is missed at the start of a line is missing at the end of the one before */
    while (at > input->base && (at == input->end || isLineEnd(*at) || !*at) && isLineEnd(at[-1]))
        at--;
    from = to = at;
    while (from > input->base && !isLineEnd(from[-1]) && at - from < EXCERPT_BEFORE)
        from--;
    while (to < input->end && *to && !isLineEnd(*to) && to - at < EXCERPT_AFTER)
        to++;
    if (from == to)
        return NULL;
    before = printable(from, at);
    after = printable(at, to);
    column = (int)g_utf8_strlen(before, -1);
    return g_strdup_printf("%s%s\n%*s^", before, after, column, "");
}

#if LIBXML_VERSION >= 21200
static void noteProblem(void *opaque, const xmlError *error)
#else
static void noteProblem(void *opaque, xmlErrorPtr error)
#endif
{
    xmlParserCtxt *context = opaque;
    Problem *problem = context->_private;

    if (problem->message || error->level < XML_ERR_ERROR || !error->message)
        return;
    problem->line = error->line;
    problem->message = g_strchomp(g_strdup(error->message));
    if (context->input && context->input->cur)
        problem->excerpt = excerptOf(context->input);
}

static void setParseError(const Problem *problem, const char *what, GError **err)
{
    memErrorSet(err, VIR_ERR_XML_DETAIL, "(%s):%d: %s%s%s", what, problem->line,
                problem->message ? problem->message : "not well-formed", problem->excerpt ? "\n" : "",
                problem->excerpt ? problem->excerpt : "");
}

xmlDoc *memXmlParse(const char *text, const char *what, GError **err)
{
    g_auto(Problem) problem = { 0 };
    xmlParserCtxt *context;
    xmlDoc *doc;
    gsize length = strlen(text);

    if (length > MEM_XML_MAX_BYTES) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "(%s): XML of %" G_GSIZE_FORMAT " bytes is larger than %d", what,
                    length, MEM_XML_MAX_BYTES);
        return NULL;
    }
    context = xmlNewParserCtxt();
    /* errors come here and nowhere else; nothing may reach stderr */
    context->_private = &problem;
    context->sax->serror = noteProblem;
    doc = xmlCtxtReadMemory(context, text, (int)length, what, NULL, XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
    xmlFreeParserCtxt(context);
    if (!doc) {
        setParseError(&problem, what, err);
        return NULL;
    }

    if (doc->intSubset || doc->extSubset) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "(%s): a DOCTYPE is not allowed", what);
    } else if (depthOf(xmlDocGetRootElement(doc)) > MEM_XML_MAX_DEPTH) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "(%s): elements are nested deeper than %d", what, MEM_XML_MAX_DEPTH);
    } else {
        return doc;
    }
    xmlFreeDoc(doc);
    return NULL;
}

xmlNode *memXmlRoot(xmlDoc *doc, const char *name, GError **err)
{
    xmlNode *root = xmlDocGetRootElement(doc);

    if (root && memXmlIs(root, name))
        return root;
    memErrorSet(err, VIR_ERR_XML_ERROR, "unexpected root element <%s>: expecting <%s>",
                root ? (const char *)root->name : "", name);
    return NULL;
}

gboolean memXmlIs(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && (!name || strcmp((const char *)node->name, name) == 0);
}

static xmlNode *firstElement(xmlNode *node, const char *name)
{
    while (node && !memXmlIs(node, name))
        node = node->next;
    return node;
}

xmlNode *memXmlChild(const xmlNode *node, const char *name)
{
    return firstElement(node->children, name);
}

xmlNode *memXmlNext(const xmlNode *node, const char *name)
{
    return firstElement(node->next, name);
}

unsigned memXmlCountChildren(const xmlNode *node, const char *name)
{
    unsigned count = 0;

    for (const xmlNode *child = memXmlChild(node, name); child; child = memXmlNext(child, name))
        count++;
    return count;
}

/* libxml2's allocator is malloc's, as GLib's is; one copy keeps the two apart all the same. */
static char *steal(xmlChar *text)
{
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    return copy;
}

char *memXmlAttr(const xmlNode *node, const char *name)
{
    return steal(xmlGetProp(node, (const xmlChar *)name));
}

gboolean memXmlHasAttr(const xmlNode *node, const char *name)
{
    return xmlHasProp(node, (const xmlChar *)name) != NULL;
}

char *memXmlText(const xmlNode *node)
{
    return node->children ? steal(xmlNodeGetContent(node)) : NULL;
}

char *memXmlChildText(const xmlNode *node, const char *child)
{
    const xmlNode *found = memXmlChild(node, child);

    return found ? memXmlText(found) : NULL;
}

static gboolean isKnown(const xmlNs *ns, const xmlChar *name, const char *const *known)
{
    g_autofree char *full = NULL;

    if (ns && ns->prefix)
        full = g_strdup_printf("%s:%s", ns->prefix, name);
    return g_strv_contains(known, full ? full : (const char *)name);
}

gboolean memXmlOnlyChildren(const xmlNode *node, const char *const *known, GError **err)
{
    for (const xmlNode *child = memXmlChild(node, NULL); child; child = memXmlNext(child, NULL)) {
        if (!isKnown(child->ns, child->name, known)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '<%s>' in '<%s>' (line %ld) is not supported",
                        child->name, node->name, xmlGetLineNo(child));
            return FALSE;
        }
    }
    return TRUE;
}

gboolean memXmlOnlyOnce(const xmlNode *node, const char *const *repeatable, GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (const xmlNode *child = memXmlChild(node, NULL); child; child = memXmlNext(child, NULL)) {
        if (g_hash_table_add(seen, (gpointer)child->name) || isKnown(child->ns, child->name, repeatable))
            continue;
        memErrorSet(err, VIR_ERR_XML_ERROR, "element '%s' is given twice in '%s'", child->name, node->name);
        return FALSE;
    }
    return TRUE;
}

gboolean memXmlOnlyAttrs(const xmlNode *node, const char *const *known, GError **err)
{
    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        if (!isKnown(attr->ns, attr->name, known)) {
            g_autofree char *value = memXmlAttr(node, (const char *)attr->name);

            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "attribute '%s'='%s' of '<%s>' (line %ld) is not supported",
                        attr->name, value, node->name, xmlGetLineNo(node));
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- typed attributes ---- */

/* TRUE with *@text NULL: absent and that is fine. */
static gboolean getAttr(const xmlNode *node, const char *name, gboolean required, char **text, GError **err)
{
    *text = memXmlAttr(node, name);
    if (*text || !required)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "attribute '%s' of '<%s>' is missing", name, node->name);
    return FALSE;
}

static gboolean refuse(const xmlNode *node, const char *name, const char *text, const char *wanted, GError **err)
{
    memErrorSet(err, VIR_ERR_XML_ERROR, "value '%s' for attribute '%s' of '<%s>' is invalid: it must be %s", text,
                name, node->name, wanted);
    return FALSE;
}

gboolean memXmlAttrUint(const xmlNode *node, const char *name, gboolean required, unsigned *value, GError **err)
{
    g_autofree char *text = NULL;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (text && !memUnitsParseUint(text, value))
        return refuse(node, name, text, "a number from 0 to 4294967295", err);
    return TRUE;
}

gboolean memXmlAttrInt(const xmlNode *node, const char *name, gboolean required, int *value, GError **err)
{
    g_autofree char *text = NULL;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (text && !memUnitsParseInt(text, value))
        return refuse(node, name, text, "a whole number of 32 bits", err);
    return TRUE;
}

gboolean memXmlAttrUint64(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err)
{
    g_autofree char *text = NULL;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (text && !memUnitsParseUint64(text, value))
        return refuse(node, name, text, "a number of 64 bits, 0 or more", err);
    return TRUE;
}

gboolean memXmlAttrNumber(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err)
{
    g_autofree char *text = NULL;
    gboolean ok;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (!text)
        return TRUE;
    if (g_ascii_strncasecmp(text, "0x", 2) == 0)
        ok = g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXUINT64, value, NULL);
    else
        ok = memUnitsParseUint64(text, value);
    return ok || refuse(node, name, text, "a number of 64 bits, decimal or 0x hexadecimal", err);
}

gboolean memXmlAttrHex(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err)
{
    g_autofree char *text = NULL;
    const char *digits;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (!text)
        return TRUE;
    digits = g_ascii_strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
    return g_ascii_string_to_unsigned(digits, 16, 0, G_MAXUINT64, value, NULL) ||
           refuse(node, name, text, "a hexadecimal number of 64 bits", err);
}

gboolean memXmlAttrEnum(const xmlNode *node, const char *name, gboolean required,
                        int (*fromString)(const char *), int *value, GError **err)
{
    g_autofree char *text = NULL;
    int found;

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (!text)
        return TRUE;
    found = fromString(text);
    if (found < 0)
        return refuse(node, name, text, "one of the documented values", err);
    *value = found;
    return TRUE;
}

gboolean memXmlAttrYesNo(const xmlNode *node, const char *name, int *tristate, GError **err)
{
    g_autofree char *text = memXmlAttr(node, name);

    if (!text)
        return TRUE;
    if (memTristateBoolFromString(text) < 0)
        return refuse(node, name, text, "'yes' or 'no'", err);
    *tristate = memTristateBoolFromString(text);
    return TRUE;
}

gboolean memXmlAttrOnOff(const xmlNode *node, const char *name, int *tristate, GError **err)
{
    g_autofree char *text = memXmlAttr(node, name);

    if (!text)
        return TRUE;
    if (memTristateSwitchFromString(text) < 0)
        return refuse(node, name, text, "'on' or 'off'", err);
    *tristate = memTristateSwitchFromString(text);
    return TRUE;
}

/* ---- sizes ---- */

static gboolean scaleToKib(const char *text, const char *unit, guint64 *kib, GError **err)
{
    guint64 value;

    if (!memUnitsParseUint64(text, &value)) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "it must be a whole number, 0 or more, without blanks");
        return FALSE;
    }
    if (!memUnitsScale(&value, unit, 1024, G_MAXINT64, err))
        return FALSE;
    *kib = memUnitsBytesToKib(value);
    if (*kib < MEM_KIB_LIMIT)
        return TRUE;
    memErrorSet(err, VIR_ERR_OVERFLOW, "it must be less than %" G_GUINT64_FORMAT " KiB", MEM_KIB_LIMIT);
    return FALSE;
}

gboolean memXmlSizeKib(const xmlNode *node, const char *child, gboolean required, guint64 *kib, gboolean *found,
                       GError **err)
{
    const xmlNode *size = child ? memXmlChild(node, child) : node;
    g_autofree char *text = size ? memXmlText(size) : NULL;
    g_autofree char *unit = size ? memXmlAttr(size, "unit") : NULL;

    if (found)
        *found = text != NULL;
    if (!text) {
        if (!required)
            return TRUE;
        memErrorSet(err, VIR_ERR_XML_ERROR, "size '<%s>' of '<%s>' is missing",
                    child ? child : (const char *)node->name,
                    (const char *)(child || !node->parent ? node->name : node->parent->name));
        return FALSE;
    }
    if (scaleToKib(text, unit, kib, err))
        return TRUE;
    g_prefix_error(err, "size '%s' of '<%s>' is invalid: ", text, size->name);
    return FALSE;
}

gboolean memXmlAttrSizeKib(const xmlNode *node, const char *name, const char *unitName, gboolean required,
                           guint64 *kib, GError **err)
{
    g_autofree char *text = NULL;
    g_autofree char *unit = memXmlAttr(node, unitName);

    if (!getAttr(node, name, required, &text, err))
        return FALSE;
    if (!text || scaleToKib(text, unit, kib, err))
        return TRUE;
    g_prefix_error(err, "size '%s' in attribute '%s' of '<%s>' is invalid: ", text, name, node->name);
    return FALSE;
}

char *memXmlNodeText(const xmlNode *node)
{
    xmlBuffer *buffer = xmlBufferCreate();
    char *text;

    /* a copy carries the namespace declarations that its parents made */
    xmlNode *copy = xmlDocCopyNode((xmlNode *)node, node->doc, 1);

    xmlNodeDump(buffer, node->doc, copy, 0, 0);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlFreeNode(copy);
    xmlBufferFree(buffer);
    return text;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_metadata.c: title, description and <metadata> elements, by namespace */
#define G_LOG_DOMAIN "qemu/qemu_driver_metadata"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_driver_priv.h"

#include <string.h>

/* ---- an element of <metadata> ---- */

static gboolean inNamespace(const xmlNode *node, const char *uri)
{
    return node->type == XML_ELEMENT_NODE && node->ns && g_strcmp0((const char *)node->ns->href, uri) == 0;
}

static xmlNode *findElement(const DomainDef *def, const char *uri)
{
    for (xmlNode *node = def->metadata ? def->metadata->children : NULL; node; node = node->next) {
        if (inNamespace(node, uri))
            return node;
    }
    return NULL;
}

/* Blanks between elements are layout: they go, so that the writer can lay out anew. */
static void removeBlanks(xmlNode *node)
{
    gboolean hasElements = xmlFirstElementChild(node) != NULL;
    xmlNode *next;

    for (xmlNode *child = node->children; child; child = next) {
        next = child->next;
        if (child->type == XML_ELEMENT_NODE) {
            removeBlanks(child);
        } else if (hasElements && xmlIsBlankNode(child)) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
    }
}

/* @level: how deep the lines after the first are. Caller frees. */
static char *layOut(xmlNode *node, int level)
{
    xmlBuffer *buffer = xmlBufferCreate();
    char *text;

    xmlNodeDump(buffer, node->doc, node, level, 1);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* Nothing below @node is in namespace @uri any more. */
static void leaveNamespace(xmlNode *node, const char *uri)
{
    if (node->type != XML_ELEMENT_NODE)
        return;
    if (node->ns && g_strcmp0((const char *)node->ns->href, uri) == 0)
        xmlSetNs(node, NULL);
    for (xmlNode *child = node->children; child; child = child->next)
        leaveNamespace(child, uri);
}

static void dropDeclaration(xmlNode *node, const char *uri)
{
    xmlNs **link = &node->nsDef;

    while (*link) {
        xmlNs *ns = *link;

        if (g_strcmp0((const char *)ns->href, uri) == 0) {
            *link = ns->next;
            xmlFreeNs(ns);
        } else {
            link = &ns->next;
        }
    }
}

/* The element as its owner wrote it: without the namespace that it was stored under. */
static char *elementText(const xmlNode *element, const char *uri)
{
    xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *copy = xmlDocCopyNode((xmlNode *)element, doc, 1);
    char *text;

    xmlDocSetRootElement(doc, copy);
    leaveNamespace(copy, uri);
    dropDeclaration(copy, uri);
    removeBlanks(copy);
    text = layOut(copy, 0);
    xmlFreeDoc(doc);
    return text;
}

/* Write and read <metadata> once more, so that what is shown has the layout of the rest. */
static gboolean tidy(DomainDef *def, GError **err)
{
    g_autofree char *text = NULL;
    xmlDoc *doc;

    removeBlanks(def->metadata);
    text = layOut(def->metadata, 1);
    doc = memXmlParse(text, "metadata", err);
    if (!doc)
        return FALSE;
    xmlFreeDoc(def->metadata->doc);
    def->metadata = xmlDocGetRootElement(doc);
    return TRUE;
}

static void ensureMetadata(DomainDef *def)
{
    xmlDoc *doc;

    if (def->metadata)
        return;
    doc = xmlNewDoc((const xmlChar *)"1.0");
    def->metadata = xmlNewDocNode(doc, NULL, (const xmlChar *)"metadata", NULL);
    xmlDocSetRootElement(doc, def->metadata);
}

static void removeElement(DomainDef *def, const char *uri)
{
    xmlNode *old = findElement(def, uri);

    if (!old)
        return;
    xmlUnlinkNode(old);
    xmlFreeNode(old);
}

/* All of the tree that is in no namespace, or in @uri's without prefix, comes under @ns. */
static void adopt(xmlNode *node, xmlNs *ns, const char *uri)
{
    if (node->type == XML_ELEMENT_NODE && (!node->ns || g_strcmp0((const char *)node->ns->href, uri) == 0))
        xmlSetNs(node, ns);
    for (xmlNode *child = node->children; child; child = child->next)
        adopt(child, ns, uri);
}

static gboolean setElement(DomainDef *def, const char *text, const char *key, const char *uri, GError **err)
{
    g_autoptr(xmlDoc) doc = NULL;
    xmlNode *element;
    xmlNs *ns;

    if (!text) {
        removeElement(def, uri);
        if (def->metadata && xmlFirstElementChild(def->metadata))
            return tidy(def, err);
        if (def->metadata)
            xmlFreeDoc(def->metadata->doc);
        def->metadata = NULL;
        return TRUE;
    }
    doc = memXmlParse(text, "metadata", err);
    if (!doc)
        return FALSE;
    ensureMetadata(def);
    removeElement(def, uri);
    element = xmlDocCopyNode(xmlDocGetRootElement(doc), def->metadata->doc, 1);
    ns = xmlNewNs(element, (const xmlChar *)uri, (const xmlChar *)key);
    if (!ns) {
        xmlFreeNode(element);
        memErrorSet(err, VIR_ERR_INVALID_ARG, "metadata key '%s' cannot be used as a prefix", key);
        return FALSE;
    }
    adopt(element, ns, uri);
    xmlAddChild(def->metadata, element);
    return tidy(def, err);
}

/* ---- all kinds ---- */

static char *getFrom(const DomainDef *def, int type, const char *uri, GError **err)
{
    const xmlNode *element;
    const char *text = NULL;

    switch (type) {
    case VIR_DOMAIN_METADATA_TITLE:
        text = def->title;
        break;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        text = def->description;
        break;
    case VIR_DOMAIN_METADATA_ELEMENT:
        element = uri ? findElement(def, uri) : NULL;
        if (element)
            return elementText(element, uri);
        break;
    default:
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unknown metadata type '%d'", type);
        return NULL;
    }
    if (!text)
        memErrorSet(err, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
    return g_strdup(text);
}

static gboolean setIn(DomainDef *def, int type, const char *text, const char *key, const char *uri, GError **err)
{
    char **field;

    switch (type) {
    case VIR_DOMAIN_METADATA_TITLE:
        field = &def->title;
        break;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        field = &def->description;
        break;
    case VIR_DOMAIN_METADATA_ELEMENT:
        if (!uri || (text && !key)) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "metadata of type 'element' needs a uri and a key");
            return FALSE;
        }
        return setElement(def, text, key, uri, err);
    default:
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unknown metadata type '%d'", type);
        return FALSE;
    }
    g_free(*field);
    *field = text && *text ? g_strdup(text) : NULL;
    return TRUE;
}

char *qemuDriverGetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *uri, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "qemuDomainGetMetadata", err))
        return NULL;
    guard = qemuGuardLock(dom);
    if (!qemuDriverAffects(dom, flags, &live, &config, err))
        return NULL;
    return getFrom(live ? dom->live : dom->config, type, uri, err);
}

gboolean qemuDriverSetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *metadata, const char *key,
                               const char *uri, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_autoptr(DomainDef) changed = NULL;
    gboolean live, config;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "qemuDomainSetMetadata", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "set metadata of", err);
    if (!job || !qemuDriverAffectsNow(dom, flags, &live, &config, err))
        return FALSE;
    if (config) {
        changed = domainDefCopy(dom->config, err);
        if (!changed || !setIn(changed, type, metadata, key, uri, err) ||
            !qemuDriverStoreConfig(dom, g_steal_pointer(&changed), err))
            return FALSE;
    }
    /* it may have ended meanwhile */
    if (live && dom->live) {
        if (!setIn(dom->live, type, metadata, key, uri, err))
            return FALSE;
        qemuStoreNoteStatus(dom);
    }
    qemuEventAdd(dom, &(QemuEvent){ .id = VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, .event = type, .text1 = (char *)uri });
    return TRUE;
}

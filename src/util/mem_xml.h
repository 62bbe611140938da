/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_xml.h: reading XML with bounds and clear errors, and writing it in libvirt's layout */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/* ---- reading ---- */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/* Parse @text. No network, no external or internal entities beyond the five of XML (a DOCTYPE is
 * refused), at most MEM_XML_MAX_BYTES and MEM_XML_MAX_DEPTH. Malformed: VIR_ERR_XML_DETAIL with the
 * line and libxml2's words, as "@what". */
#define MEM_XML_MAX_BYTES (16 * 1024 * 1024)
#define MEM_XML_MAX_DEPTH 256
xmlDoc *memXmlParse(const char *text, const char *what, GError **err);

/* Check the root element's name: VIR_ERR_XML_ERROR when it is another. NULL then. */
xmlNode *memXmlRoot(xmlDoc *doc, const char *name, GError **err);

gboolean memXmlIs(const xmlNode *node, const char *name);
/* First child element (with @name, or any for NULL); next sibling element (likewise). */
xmlNode *memXmlChild(const xmlNode *node, const char *name);
xmlNode *memXmlNext(const xmlNode *node, const char *name);
unsigned memXmlCountChildren(const xmlNode *node, const char *name);

/* Attribute value or NULL; caller frees. */
char *memXmlAttr(const xmlNode *node, const char *name);
gboolean memXmlHasAttr(const xmlNode *node, const char *name);
/* Text content of the node, or of its child @child; NULL when there is none. Caller frees. */
char *memXmlText(const xmlNode *node);
char *memXmlChildText(const xmlNode *node, const char *child);

/* Refuse by name what is not listed: VIR_ERR_CONFIG_UNSUPPORTED "element '<x>' in '<y>' is not supported".
 * Lists end in NULL. Elements of another namespace are refused too unless the list has "prefix:name". */
gboolean memXmlOnlyChildren(const xmlNode *node, const char *const *known, GError **err);
gboolean memXmlOnlyAttrs(const xmlNode *node, const char *const *known, GError **err);

/* Refuse a child element that is there twice and not in @repeatable: VIR_ERR_XML_ERROR. */
gboolean memXmlOnlyOnce(const xmlNode *node, const char *const *repeatable, GError **err);

/* The readers below: TRUE and *@value untouched when the attribute or element is absent and
 * !@required; absent and @required, or malformed: VIR_ERR_XML_ERROR naming element, attribute, value. */
gboolean memXmlAttrUint(const xmlNode *node, const char *name, gboolean required, unsigned *value, GError **err);
gboolean memXmlAttrInt(const xmlNode *node, const char *name, gboolean required, int *value, GError **err);
gboolean memXmlAttrUint64(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err);
/* As above, decimal or 0x hexadecimal. */
gboolean memXmlAttrNumber(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err);
/* As above, always hexadecimal, with 0x or without. */
gboolean memXmlAttrHex(const xmlNode *node, const char *name, gboolean required, guint64 *value, GError **err);
/* @fromString is a MEM_ENUM function; *@value is the enum's value. */
gboolean memXmlAttrEnum(const xmlNode *node, const char *name, gboolean required,
                        int (*fromString)(const char *), int *value, GError **err);
gboolean memXmlAttrYesNo(const xmlNode *node, const char *name, int *tristate, GError **err);
gboolean memXmlAttrOnOff(const xmlNode *node, const char *name, int *tristate, GError **err);

/* Child element (or for @child NULL the node itself) holding "<x unit='MiB'>12</x>"; KiB is the
 * default unit; rounded up to KiB. Junk: VIR_ERR_XML_ERROR, unit: VIR_ERR_INVALID_ARG, range:
 * VIR_ERR_OVERFLOW. *@found (may be NULL) tells whether it was there. */
gboolean memXmlSizeKib(const xmlNode *node, const char *child, gboolean required, guint64 *kib,
                       gboolean *found, GError **err);
/* The same for a pair of attributes such as cell's memory= and unit=. */
gboolean memXmlAttrSizeKib(const xmlNode *node, const char *name, const char *unitName,
                           gboolean required, guint64 *kib, GError **err);

/* The node and what is in it, serialised verbatim. Caller frees. */
char *memXmlNodeText(const xmlNode *node);

/* ---- writing: two blanks of indent a level, single quotes, as libvirt does ---- */

typedef struct MemXmlOut MemXmlOut;

MemXmlOut *memXmlOutNew(void);
void memXmlOutFree(MemXmlOut *out);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemXmlOut, memXmlOutFree)
/* The text; @out is freed. Caller frees. */
char *memXmlOutSteal(MemXmlOut *out);

/* <name ... then attributes, then children, then End, which writes "/>" if there were no children. */
void memXmlOutStart(MemXmlOut *out, const char *name);
void memXmlOutEnd(MemXmlOut *out);
/* As End, but an element with neither attribute nor child leaves no trace. */
void memXmlOutEndUnlessEmpty(MemXmlOut *out);
/* Attributes of the element begun last; a NULL @value writes nothing. Values are escaped. */
void memXmlOutAttr(MemXmlOut *out, const char *name, const char *value);
void memXmlOutAttrf(MemXmlOut *out, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
void memXmlOutAttrUint64(MemXmlOut *out, const char *name, guint64 value);
/* Ends the element begun last with text content: <name attrs>text</name>. */
void memXmlOutEndText(MemXmlOut *out, const char *text);
void memXmlOutEndTextUint64(MemXmlOut *out, guint64 value);
/* <name/>; <name>text</name> (nothing for NULL text); <name unit='KiB'>n</name>. */
void memXmlOutEmpty(MemXmlOut *out, const char *name);
void memXmlOutText(MemXmlOut *out, const char *name, const char *text);
void memXmlOutSizeKib(MemXmlOut *out, const char *name, guint64 kib);
/* Verbatim XML (metadata), re-indented to the current level. */
void memXmlOutVerbatim(MemXmlOut *out, const char *xml);

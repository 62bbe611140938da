/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_xml_out.c: writing XML in libvirt's layout: two blanks a level, single quotes */
#include "util/mem_xml.h"

#include <stdarg.h>
#include <string.h>

typedef struct {
    const char *name;       /* borrowed: names are literals */
    gsize start;            /* where the element's line begins */
    gsize headEnd;          /* length of the text when nothing but "<name" was there */
    gboolean hasChildren;
    gboolean opensParent;   /* its coming ended the parent's start tag */
} OpenElement;

struct MemXmlOut {
    GString *text;
    GArray *open;           /* of OpenElement */
};

MemXmlOut *memXmlOutNew(void)
{
    MemXmlOut *out = g_new0(MemXmlOut, 1);

    out->text = g_string_sized_new(4096);
    out->open = g_array_new(FALSE, FALSE, sizeof(OpenElement));
    return out;
}

void memXmlOutFree(MemXmlOut *out)
{
    if (!out)
        return;
    g_string_free(out->text, TRUE);
    g_array_unref(out->open);
    g_free(out);
}

char *memXmlOutSteal(MemXmlOut *out)
{
    char *text = g_string_free(g_steal_pointer(&out->text), FALSE);

    g_array_unref(out->open);
    g_free(out);
    return text;
}

static OpenElement *innermost(MemXmlOut *out)
{
    return out->open->len ? &g_array_index(out->open, OpenElement, out->open->len - 1) : NULL;
}

static void indent(MemXmlOut *out)
{
    for (guint i = 0; i < out->open->len; i++)
        g_string_append(out->text, "  ");
}

/* What is written next is a child: close the parent's start tag if that is still open. */
static gboolean beginChild(MemXmlOut *out)
{
    OpenElement *parent = innermost(out);

    if (!parent || parent->hasChildren)
        return FALSE;
    g_string_append(out->text, ">\n");
    parent->hasChildren = TRUE;
    return TRUE;
}

/* How much of @value stands for itself. */
static gsize plainLength(const char *value)
{
    const char *p = value;

    while ((unsigned char)*p >= 0x20 && *p != '<' && *p != '>' && *p != '&' && *p != '\'' && *p != '"')
        p++;
    return (gsize)(p - value);
}

/* Most values need no escaping at all: they are copied in one go. */
static void appendEscaped(GString *text, const char *value, gboolean attribute)
{
    for (; *value; value++) {
        gsize plain = plainLength(value);
        unsigned char c = (unsigned char)value[plain];

        g_string_append_len(text, value, (gssize)plain);
        value += plain;
        if (!c)
            break;
        if (c == '<')
            g_string_append(text, "&lt;");
        else if (c == '>')
            g_string_append(text, "&gt;");
        else if (c == '&')
            g_string_append(text, "&amp;");
        else if (c == '\'' && attribute)
            g_string_append(text, "&apos;");
        else if (c == '"' && attribute)
            g_string_append(text, "&quot;");
        else if (attribute && (c == '\n' || c == '\t' || c == '\r'))
            g_string_append_printf(text, "&#%u;", c);
        else if (c == '\r')
            g_string_append(text, "&#13;");
        else if (c >= 0x20 || c == '\n' || c == '\t')    /* other controls cannot stand in XML 1.0 */
            g_string_append_c(text, (char)c);
    }
}

void memXmlOutStart(MemXmlOut *out, const char *name)
{
    OpenElement element = { .name = name };

    element.opensParent = beginChild(out);
    element.start = out->text->len;
    indent(out);
    g_string_append_c(out->text, '<');
    g_string_append(out->text, name);
    element.headEnd = out->text->len;
    g_array_append_val(out->open, element);
}

void memXmlOutEnd(MemXmlOut *out)
{
    OpenElement element = *innermost(out);

    g_array_set_size(out->open, out->open->len - 1);
    if (!element.hasChildren) {
        g_string_append(out->text, "/>\n");
        return;
    }
    indent(out);
    g_string_append(out->text, "</");
    g_string_append(out->text, element.name);
    g_string_append(out->text, ">\n");
}

void memXmlOutEndUnlessEmpty(MemXmlOut *out)
{
    OpenElement element = *innermost(out);

    if (element.hasChildren || out->text->len != element.headEnd) {
        memXmlOutEnd(out);
        return;
    }
    g_string_truncate(out->text, element.start);
    g_array_set_size(out->open, out->open->len - 1);
    if (element.opensParent) {
        g_string_truncate(out->text, out->text->len - strlen(">\n"));
        innermost(out)->hasChildren = FALSE;
    }
}

void memXmlOutAttr(MemXmlOut *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_c(out->text, ' ');
    g_string_append(out->text, name);
    g_string_append_len(out->text, "='", 2);
    appendEscaped(out->text, value, TRUE);
    g_string_append_c(out->text, '\'');
}

void memXmlOutAttrf(MemXmlOut *out, const char *name, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    memXmlOutAttr(out, name, value);
}

void memXmlOutAttrUint64(MemXmlOut *out, const char *name, guint64 value)
{
    char text[24];

    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
    memXmlOutAttr(out, name, text);
}

void memXmlOutEndText(MemXmlOut *out, const char *text)
{
    OpenElement element = *innermost(out);

    g_array_set_size(out->open, out->open->len - 1);
    g_string_append_c(out->text, '>');
    appendEscaped(out->text, text, FALSE);
    g_string_append(out->text, "</");
    g_string_append(out->text, element.name);
    g_string_append(out->text, ">\n");
}

void memXmlOutEndTextUint64(MemXmlOut *out, guint64 value)
{
    char text[24];

    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
    memXmlOutEndText(out, text);
}

void memXmlOutEmpty(MemXmlOut *out, const char *name)
{
    memXmlOutStart(out, name);
    memXmlOutEnd(out);
}

void memXmlOutText(MemXmlOut *out, const char *name, const char *text)
{
    if (!text)
        return;
    memXmlOutStart(out, name);
    memXmlOutEndText(out, text);
}

void memXmlOutSizeKib(MemXmlOut *out, const char *name, guint64 kib)
{
    memXmlOutStart(out, name);
    memXmlOutAttr(out, "unit", "KiB");
    memXmlOutEndTextUint64(out, kib);
}

void memXmlOutVerbatim(MemXmlOut *out, const char *xml)
{
    gsize length = strlen(xml);

    beginChild(out);
    indent(out);
    while (length && xml[length - 1] == '\n')
        length--;
    g_string_append_len(out->text, xml, (gssize)length);
    g_string_append_c(out->text, '\n');
}

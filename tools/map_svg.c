/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map_svg.c: a guest's memory as a picture that a browser shows */
#include "map_svg.h"

#include "out_table.h"

#include <string.h>

#define WIDTH 1080
#define MARGIN 40
#define STRIP_TOP 104
#define STRIP_HEIGHT 96
#define ADDRESS_ROW 18
#define ADDRESS_ROWS 3
#define NAME_MOST 24
#define TITLE_MOST 64
#define ROW 30

/* The parts' colours are for a light and a dark background alike; text and lines have two. */
static const char style[] =
    "  <style>\n"
    "    svg { background: #ffffff; font-family: 'DejaVu Sans', 'Segoe UI', Helvetica, Arial, sans-serif; }\n"
    "    text { fill: #1c2430; font-size: 14px; }\n"
    "    .title { font-size: 24px; font-weight: bold; }\n"
    "    .quiet { fill: #5b6675; font-size: 13px; }\n"
    "    .mono { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 13px; }\n"
    "    .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 5; }\n"
    "    .inside { fill: #ffffff; font-size: 13px; text-anchor: middle; }\n"
    "    .inside.dark { fill: #1c2430; paint-order: stroke; stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; }\n"
    "    .middle { text-anchor: middle; }\n"
    "    .end { text-anchor: end; }\n"
    "    .line { stroke: #9aa4b2; stroke-width: 1; fill: none; }\n"
    "    .boot { fill: #2f6fb3; } .dimm { fill: #2e8b57; } .nvdimm { fill: #8e5bb5; }\n"
    "    .virtio-mem { fill: #c96a1b; } .virtio-mem-unplugged { fill: url(#unplugged); stroke: #c96a1b; }\n"
    "    .virtio-pmem { fill: #b0457d; } .sgx-epc { fill: #7a6a21; }\n"
    "    .hole { fill: url(#hole); stroke: #9aa4b2; } .room { fill: none; stroke: #9aa4b2; stroke-dasharray: 4 4; }\n"
    "    @media (prefers-color-scheme: dark) {\n"
    "      svg { background: #151a21; } .halo { stroke: #151a21; } text { fill: #e6ebf2; } .quiet { fill: #9aa7b8; }\n"
    "      .inside.dark { fill: #e6ebf2; stroke: #151a21; }\n"
    "    }\n"
    "  </style>\n"
    "  <defs>\n"
    "    <pattern id='unplugged' width='8' height='8' patternUnits='userSpaceOnUse' patternTransform='rotate(45)'>\n"
    "      <rect width='8' height='8' fill='#c96a1b' fill-opacity='0.12'/><rect width='3' height='8' fill='#c96a1b' fill-opacity='0.45'/>\n"
    "    </pattern>\n"
    "    <pattern id='hole' width='6' height='6' patternUnits='userSpaceOnUse' patternTransform='rotate(-45)'>\n"
    "      <rect width='1' height='6' fill='#9aa4b2'/>\n"
    "    </pattern>\n"
    "  </defs>\n";

static double left(const MapPart *part)
{
    return MARGIN + part->x * (WIDTH - 2 * MARGIN);
}

static double wide(const MapPart *part)
{
    return part->width * (WIDTH - 2 * MARGIN);
}

static gboolean hasMemory(const MapPart *part)
{
    return part->kind != MAP_HOLE && part->kind != MAP_ROOM;
}

static void appendText(GString *out, double x, double y, const char *class, const char *text)
{
    g_autofree char *safe = g_markup_escape_text(text, -1);

    g_string_append_printf(out, "  <text class='%s' x='%.1f' y='%.1f'>%s</text>\n", class, x, y, safe);
}

/* @text, or what @most signs can show of its beginning and its end, where names differ; caller frees. */
static char *shorten(const char *text, glong most)
{
    glong length = g_utf8_strlen(text, -1), tail = (most - 1) / 2;
    g_autofree char *begin = NULL;

    if (length <= most)
        return g_strdup(text);
    begin = g_utf8_substring(text, 0, most - 1 - tail);
    return g_strconcat(begin, "…", g_utf8_offset_to_pointer(text, length - tail), NULL);
}

/* About how wide a text is in the strip. */
static double textWidth(const char *text)
{
    return 8.0 * (double)outWidth(text) + 8;
}

/* Name and size in the middle of a part, one over the other; upright where it is too narrow, and nothing where that is too long. */
static void appendLabel(GString *out, const MapPart *part, const char *name, const char *size)
{
    gboolean dark = !hasMemory(part) || part->kind == MAP_VIRTIO_MEM_UNPLUGGED;
    const char *class = dark ? "inside dark" : "inside";
    double middle = left(part) + wide(part) / 2, centre = STRIP_TOP + STRIP_HEIGHT / 2.0;
    g_autofree char *one = g_strdup_printf("%s, %s", name, size);
    const char *upright = textWidth(one) <= STRIP_HEIGHT ? one : part->alias && textWidth(name) <= STRIP_HEIGHT ? name : size;
    g_autofree char *safe = g_markup_escape_text(upright, -1);

    if (wide(part) >= textWidth(size) && (part->continued || wide(part) >= textWidth(name))) {
        if (!part->continued)
            appendText(out, middle, centre - 6, class, name);
        appendText(out, middle, centre + (part->continued ? 5 : 14), class, size);
    } else if (wide(part) >= 20 && !part->continued && textWidth(upright) <= STRIP_HEIGHT) {
        g_string_append_printf(out, "  <text class='%s' transform='translate(%.1f %.1f) rotate(-90)'>%s</text>\n", class, middle + 5, centre, safe);
    } else if (wide(part) >= textWidth(size)) {
        appendText(out, middle, centre + 5, class, size);
    }
}

static void appendPart(GString *out, const MapPart *part)
{
    g_autofree char *range = mapRange(part);
    g_autofree char *size = outKib(part->bytes / 1024);
    g_autofree char *name = g_markup_escape_text(part->alias ? part->alias : mapKindText(part->kind), -1);

    g_string_append_printf(out, "  <rect class='%s' x='%.1f' y='%d' width='%.1f' height='%d'><title>%s: %s, %s%s</title></rect>\n",
                           mapKindName(part->kind), left(part), STRIP_TOP, wide(part), STRIP_HEIGHT, name, size, range,
                           part->estimated ? ", address estimated" : "");
    if (part->kind != MAP_HOLE)
        appendLabel(out, part, part->alias ? part->alias : mapKindText(part->kind), size);
}

/* A bracket over the neighbours that belong to one node. */
static void appendNodes(GString *out, const Map *map)
{
    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *first = &g_array_index(map->parts, MapPart, i);
        const MapPart *last = first;
        g_autofree char *text = g_strdup_printf("node %d", first->node);
        double from, to;
        if (first->node < 0)
            continue;
        while (i + 1 < map->parts->len && g_array_index(map->parts, MapPart, i + 1).node == first->node)
            last = &g_array_index(map->parts, MapPart, ++i);
        from = left(first) + 2;
        to = left(last) + wide(last) - 2;
        g_string_append_printf(out, "  <path class='line' d='M%.1f %d v-8 H%.1f v8'/>\n", from, STRIP_TOP - 4, to);
        if (to - from >= 12)
            appendText(out, (from + to) / 2, STRIP_TOP - 18, "quiet middle", text + (to - from >= 50 ? 0 : strlen("node ")));
    }
}

static gboolean hasAddress(const MapPart *part)
{
    return part->kind != MAP_HOLE && !(part->continued && part->kind == MAP_VIRTIO_MEM_UNPLUGGED);
}

/* The addresses at which parts begin, in rows so that they do not run into each other; the lines lie behind the texts. How many
 * rows there are. */
static gsize appendAddresses(GString *out, const Map *map)
{
    double ends[ADDRESS_ROWS] = { 0 }, bottom = STRIP_TOP + STRIP_HEIGHT;
    gsize rows = 0;
    g_autoptr(GString) texts = g_string_new(NULL);

    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        g_autofree char *text = g_strdup_printf("%s0x%" G_GINT64_MODIFIER "x", part->estimated ? "~" : "", part->start);
        double x = left(part);
        gsize row = 0;
        while (row < G_N_ELEMENTS(ends) && ends[row] > x)
            row++;
        if (row == G_N_ELEMENTS(ends) || !hasAddress(part))
            continue;
        ends[row] = x + 8.0 * (double)strlen(text) + 12;
        rows = MAX(rows, row + 1);
        g_string_append_printf(out, "  <path class='line' d='M%.1f %.1f v%zu'/>\n", x, bottom, 10 + ADDRESS_ROW * row);
        appendText(texts, x + 3, bottom + 16 + ADDRESS_ROW * (double)row, "mono quiet halo", text);
    }
    g_string_append_len(out, texts->str, (gssize)texts->len);
    return rows;
}

static void appendListRow(GString *out, const MapPart *part, double y)
{
    g_autofree char *range = mapRange(part);
    g_autofree char *size = outKib(part->bytes / 1024);
    g_autofree char *page = mapPage(part);
    g_autofree char *node = part->node < 0 ? g_strdup("-") : g_strdup_printf("%d", part->node);
    g_autofree char *alias = shorten(part->alias ? part->alias : "", NAME_MOST);
    g_autofree char *about = g_strdup_printf("%s%s", part->estimated ? "~" : "", range);

    g_string_append_printf(out, "  <rect class='%s' x='%d' y='%.1f' width='24' height='16'/>\n", mapKindName(part->kind), MARGIN, y - 13);
    appendText(out, MARGIN + 36, y, "", mapKindText(part->kind));
    appendText(out, 260, y, "", alias);
    appendText(out, 470, y, "mono", about);
    appendText(out, 810, y, "end", size);
    appendText(out, 900, y, "end", node);
    appendText(out, WIDTH - MARGIN, y, "end", page);
}

/* From @y on; where it ends. */
static double appendList(GString *out, const Map *map, double y)
{
    appendText(out, MARGIN + 36, y, "quiet", "what");
    appendText(out, 260, y, "quiet", "alias");
    appendText(out, 470, y, "quiet", "addresses");
    appendText(out, 810, y, "quiet end", "size");
    appendText(out, 900, y, "quiet end", "node");
    appendText(out, WIDTH - MARGIN, y, "quiet end", "host page");
    g_string_append_printf(out, "  <path class='line' d='M%d %.1f H%d'/>\n", MARGIN, y + 8, WIDTH - MARGIN);
    for (guint i = 0; i < map->parts->len; i++)
        appendListRow(out, &g_array_index(map->parts, MapPart, i), y += ROW);
    return y;
}

/* The picture in words, for who cannot see it. */
static void appendDescription(GString *out, const Map *map, const char *subtitle)
{
    g_autofree char *safe = g_markup_escape_text(subtitle, -1);

    g_string_append_printf(out, "  <desc id='desc'>%s.", safe);
    for (guint i = 0; i < map->parts->len; i++) {
        const MapPart *part = &g_array_index(map->parts, MapPart, i);
        g_autofree char *size = outKib(part->bytes / 1024);
        g_autofree char *alias = g_markup_escape_text(part->alias ? part->alias : "", -1);
        g_string_append_printf(out, " From 0x%" G_GINT64_MODIFIER "x: %s%s%s, %s", part->start, mapKindText(part->kind), *alias ? " " : "", alias, size);
        if (part->node >= 0)
            g_string_append_printf(out, ", node %d", part->node);
        g_string_append_c(out, '.');
    }
    g_string_append(out, "</desc>\n");
}

static gboolean isEstimated(const Map *map)
{
    for (guint i = 0; i < map->parts->len; i++) {
        if (g_array_index(map->parts, MapPart, i).estimated)
            return TRUE;
    }
    return FALSE;
}

char *mapSvg(Map *map, const char *subtitle)
{
    g_autofree char *title = g_markup_escape_text(map->title, -1);
    g_autofree char *headline = shorten(map->title, TITLE_MOST);
    g_autoptr(GString) body = g_string_new(NULL);
    GString *out = g_string_new(NULL);
    gsize rows;
    double y;

    mapLayout(map, 0.08, 0.03);
    appendText(body, MARGIN, 40, "title", headline);
    appendText(body, MARGIN, 64, "quiet", subtitle);
    appendNodes(body, map);
    for (guint i = 0; i < map->parts->len; i++)
        appendPart(body, &g_array_index(map->parts, MapPart, i));
    rows = appendAddresses(body, map);
    y = appendList(body, map, STRIP_TOP + STRIP_HEIGHT + ADDRESS_ROW * (double)rows + 44);
    if (isEstimated(map))
        appendText(body, MARGIN, y += ROW + 8, "quiet",
                   "~ estimated: libvirt does not tell this address. Which blocks of a virtio-mem device the guest took is not told either: the share is drawn.");
    /* No size of its own: it fills the window, or the place that a page gives it. */
    g_string_append_printf(out, "<?xml version='1.0' encoding='UTF-8'?>\n<svg xmlns='http://www.w3.org/2000/svg' width='100%%' viewBox='0 0 %d %.0f' "
                           "preserveAspectRatio='xMidYMin meet' role='img' aria-labelledby='title desc'>\n", WIDTH, y + 24);
    g_string_append_printf(out, "  <title id='title'>Guest physical memory of %s</title>\n", title);
    appendDescription(out, map, subtitle);
    g_string_append(out, style);
    g_string_append_len(out, body->str, (gssize)body->len);
    g_string_append(out, "</svg>\n");
    return g_string_free(out, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* out_table.c: rows that can be shown as a table or as JSON */
#include "out_table.h"

#include "util/mem_units.h"

#include <libvirt/libvirt-memory.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *text;
    MemJson *value;
} Cell;

struct Table {
    const TableColumn *columns;
    gsize ncolumns;
    GArray *cells;
};

static void clearCell(gpointer data)
{
    Cell *cell = data;

    g_free(cell->text);
    memJsonFree(cell->value);
}

Table *tableNew(const TableColumn *columns)
{
    Table *table = g_new0(Table, 1);

    table->columns = columns;
    while (columns[table->ncolumns].title || columns[table->ncolumns].key)
        table->ncolumns++;
    table->cells = g_array_new(FALSE, FALSE, sizeof(Cell));
    g_array_set_clear_func(table->cells, clearCell);
    return table;
}

void tableFree(Table *table)
{
    if (!table)
        return;
    g_array_unref(table->cells);
    g_free(table);
}

void tableCell(Table *table, const char *text, MemJson *value)
{
    Cell cell = { g_strdup(text ? text : "-"), value };

    g_array_append_val(table->cells, cell);
}

void tableText(Table *table, const char *text)
{
    tableCell(table, text, text ? json_object_new_string(text) : NULL);
}

void tableNumber(Table *table, gint64 number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

    tableCell(table, number < 0 ? NULL : text, number < 0 ? NULL : json_object_new_int64(number));
}

void tableKib(Table *table, guint64 kib)
{
    g_autofree char *text = outKib(kib);

    tableCell(table, text, kib == VIR_MEM_UNKNOWN ? NULL : json_object_new_uint64(kib));
}

void tableBool(Table *table, int yes)
{
    tableCell(table, yes < 0 ? NULL : yes ? "yes" : "no", yes < 0 ? NULL : json_object_new_boolean(yes));
}

gsize tableRows(const Table *table)
{
    return table->cells->len / table->ncolumns;
}

static const Cell *cellAt(const Table *table, gsize row, gsize column)
{
    return &g_array_index(table->cells, Cell, row * table->ncolumns + column);
}

static gsize signWidth(gunichar sign)
{
    return g_unichar_iszerowidth(sign) ? 0 : g_unichar_iswide(sign) ? 2 : 1;
}

gsize outWidth(const char *text)
{
    gsize width = 0;

    for (; *text; text = g_utf8_next_char(text))
        width += signWidth(g_utf8_get_char(text));
    return width;
}

void outAppendPadded(GString *out, const char *text, gsize width, gboolean right)
{
    gsize whole = outWidth(text);
    gsize used = right && whole < width ? width - whole : 0;

    for (gsize i = 0; i < used; i++)
        g_string_append_c(out, ' ');
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar sign = g_utf8_get_char(text);
        gsize more = signWidth(sign);
        if (used + more > width)
            break;
        g_string_append_unichar(out, g_unichar_iscntrl(sign) ? '?' : sign);
        used += more;
    }
    for (gsize i = used; i < width; i++)
        g_string_append_c(out, ' ');
}

static gsize *columnWidths(const Table *table)
{
    gsize *widths = g_new0(gsize, table->ncolumns);

    for (gsize column = 0; column < table->ncolumns; column++) {
        if (!table->columns[column].title)
            continue;
        widths[column] = outWidth(table->columns[column].title);
        for (gsize row = 0; row < tableRows(table); row++)
            widths[column] = MAX(widths[column], outWidth(cellAt(table, row, column)->text));
    }
    return widths;
}

static void appendCell(GString *out, const char *text, gsize width, gboolean right)
{
    g_string_append(out, out->len && out->str[out->len - 1] != '\n' ? "   " : " ");
    outAppendPadded(out, text, width, right);
}

static void endLine(GString *out)
{
    while (out->len && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

char *tableFormat(const Table *table)
{
    g_autofree gsize *widths = columnWidths(table);
    GString *out = g_string_new(NULL);
    gsize total = 1;

    for (gsize column = 0; column < table->ncolumns; column++) {
        if (!table->columns[column].title)
            continue;
        total += widths[column] + (total > 1 ? 3 : 0);
        appendCell(out, table->columns[column].title, widths[column], table->columns[column].right);
    }
    endLine(out);
    for (gsize i = 0; i <= total; i++)
        g_string_append_c(out, '-');
    g_string_append_c(out, '\n');
    for (gsize row = 0; row < tableRows(table); row++) {
        for (gsize column = 0; column < table->ncolumns; column++) {
            if (table->columns[column].title)
                appendCell(out, cellAt(table, row, column)->text, widths[column], table->columns[column].right);
        }
        endLine(out);
    }
    return g_string_free(out, FALSE);
}

MemJson *tableJson(const Table *table)
{
    MemJson *array = memJsonNewArray();

    for (gsize row = 0; row < tableRows(table); row++) {
        MemJson *object = memJsonNew();
        for (gsize column = 0; column < table->ncolumns; column++) {
            if (table->columns[column].key)
                json_object_object_add(object, table->columns[column].key, json_object_get(cellAt(table, row, column)->value));
        }
        memJsonAppend(array, object);
    }
    return array;
}

void outAddKib(MemJson *object, const char *key, guint64 kib)
{
    json_object_object_add(object, key, kib == VIR_MEM_UNKNOWN ? NULL : json_object_new_uint64(kib));
}

void outPrintJson(MemJson *value)
{
    puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    memJsonFree(value);
}

char *outDedent(const char *xml)
{
    g_auto(GStrv) lines = g_strsplit(xml, "\n", -1);
    gsize last = g_strv_length(lines), indent;
    GString *out = g_string_new(NULL);

    if (!last)
        return g_string_free(out, FALSE);
    indent = strspn(lines[--last], " ");
    for (gsize i = 0; i <= last; i++)
        g_string_append_printf(out, "%s%s", i ? "\n" : "", lines[i] + (i ? MIN(indent, strspn(lines[i], " ")) : 0));
    return g_string_free(out, FALSE);
}

char *outKib(guint64 kib)
{
    if (kib == VIR_MEM_UNKNOWN)
        return g_strdup("-");
    return kib ? memUnitsPretty(kib * 1024) : g_strdup("0");
}

char *outKibExact(guint64 kib)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    gsize unit = 0;

    if (!kib || kib == VIR_MEM_UNKNOWN)
        return outKib(kib);
    for (; kib % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units); kib /= 1024)
        unit++;
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", kib, units[unit]);
}

char *outAge(gint64 ms)
{
    static const struct {
        gint64 ms;
        const char *unit;
    } units[] = { { 24 * 3600 * 1000, "d" }, { 3600 * 1000, "h" }, { 60 * 1000, "min" }, { 1000, "s" } };

    if (ms < 0)
        return g_strdup("-");
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        if (ms >= 2 * units[i].ms)
            return g_strdup_printf("%" G_GINT64_FORMAT " %s", ms / units[i].ms, units[i].unit);
    }
    return g_strdup(ms >= 1000 ? "1 s" : "now");
}

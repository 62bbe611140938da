/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* out_table.h: rows that can be shown as a table or as JSON */
#pragma once

#include "util/mem_json.h"

#include <glib.h>

typedef struct {
    const char *title;          /* of the table's column; NULL: only in JSON */
    const char *key;            /* of the JSON member; NULL: only in the table */
    gboolean right;             /* numbers */
} TableColumn;

typedef struct Table Table;

/* @columns end in {0} and outlive the table. */
Table *tableNew(const TableColumn *columns);
void tableFree(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, tableFree)

/* Cells, column by column, row by row. What is not known is "-" and null. */
void tableText(Table *table, const char *text);
void tableNumber(Table *table, gint64 number);      /* negative: not known */
void tableKib(Table *table, guint64 kib);           /* VIR_MEM_UNKNOWN: not known */
void tableBool(Table *table, int yes);              /* negative: not known */
/* Any other: @text for people, @value (taken over, NULL: null) for programs. */
void tableCell(Table *table, const char *text, MemJson *value);

gsize tableRows(const Table *table);
/* The table as virsh shows one. Caller frees. */
char *tableFormat(const Table *table);
/* An array of objects. */
MemJson *tableJson(const Table *table);

/* null in JSON. */
void outAddKib(MemJson *object, const char *key, guint64 kib);
/* @value on stdout, indented; frees it. */
void outPrintJson(MemJson *value);
/* XML cut out of a document, without the indentation it had there. Caller frees. */
char *outDedent(const char *xml);
/* "1 GiB", or "-" for VIR_MEM_UNKNOWN. Caller frees. */
char *outKib(guint64 kib);
/* The same without rounding: "1026 MiB". Caller frees. */
char *outKibExact(guint64 kib);
/* "12 s", "3 min", "5 h"; "-" for a negative one. Caller frees. */
/* How many cells of a terminal @text takes: some signs take two, some none. */
gsize outWidth(const char *text);
/* Appends @text and blanks until it takes @width cells, blanks first if @right; what does not fit is cut off. Signs that would
 * command the terminal become '?'. */
void outAppendPadded(GString *out, const char *text, gsize width, gboolean right);
char *outAge(gint64 ms);

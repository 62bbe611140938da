/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_json.h: JSON values over json-c: building QMP arguments, reading replies */
#pragma once

#include <glib.h>
#include <json-c/json.h>

typedef struct json_object MemJson;

void memJsonFree(MemJson *value);    /* drops one reference; NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemJson, memJsonFree)

/* Parse exactly one value in @length bytes, depth at most 64. VIR_ERR_INTERNAL_ERROR otherwise. */
MemJson *memJsonParse(const char *text, gsize length, GError **err);
/* One line; slashes are not escaped. Caller frees. */
char *memJsonFormat(MemJson *value);

MemJson *memJsonNew(void);           /* {} */
MemJson *memJsonNewArray(void);      /* [] */
/* Add a member at the end. memJsonAdd takes over @value; a NULL string or value adds nothing. */
void memJsonAdd(MemJson *object, const char *key, MemJson *value);
void memJsonAddString(MemJson *object, const char *key, const char *value);
void memJsonAddUint64(MemJson *object, const char *key, guint64 value);
void memJsonAddInt(MemJson *object, const char *key, gint64 value);
void memJsonAddBool(MemJson *object, const char *key, gboolean value);
void memJsonAppend(MemJson *array, MemJson *value);

/* Borrowed views; NULL or FALSE when absent or of another type. */
MemJson *memJsonGet(MemJson *object, const char *key);
const char *memJsonGetString(MemJson *object, const char *key);
gboolean memJsonGetUint64(MemJson *object, const char *key, guint64 *value);
gboolean memJsonGetInt(MemJson *object, const char *key, gint64 *value);
gboolean memJsonGetBool(MemJson *object, const char *key, gboolean *value);
MemJson *memJsonGetArray(MemJson *object, const char *key);
gsize memJsonArrayLength(MemJson *array);
MemJson *memJsonArrayGet(MemJson *array, gsize index);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_json.c: JSON values over json-c */
#include "util/mem_json.h"

#include "util/mem_error.h"

#include <string.h>

#define MAX_DEPTH 64

void memJsonFree(MemJson *value)
{
    if (value)
        json_object_put(value);
}

MemJson *memJsonParse(const char *text, gsize length, GError **err)
{
    struct json_tokener *tokener;
    MemJson *value;
    enum json_tokener_error problem;
    gsize used;

    if (length > G_MAXINT) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "JSON text of %" G_GSIZE_FORMAT " bytes is too long", length);
        return NULL;
    }
    tokener = json_tokener_new_ex(MAX_DEPTH);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(tokener, text, (int)length);
    problem = json_tokener_get_error(tokener);
    used = json_tokener_get_parse_end(tokener);
    /* a bare number ends only when something follows it */
    if (problem == json_tokener_continue && used == length) {
        value = json_tokener_parse_ex(tokener, "", 1);
        problem = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);

    while (problem == json_tokener_success && used < length && g_ascii_isspace(text[used]))
        used++;
    if (problem == json_tokener_success && used >= length && value)
        return value;

    memJsonFree(value);
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "cannot parse JSON '%.*s': %s", (int)MIN(length, 200), text,
                problem == json_tokener_success ? "more than one value, or null" : json_tokener_error_desc(problem));
    return NULL;
}

char *memJsonFormat(MemJson *value)
{
    return g_strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
}

MemJson *memJsonNew(void)
{
    return json_object_new_object();
}

MemJson *memJsonNewArray(void)
{
    return json_object_new_array();
}

void memJsonAdd(MemJson *object, const char *key, MemJson *value)
{
    if (value)
        json_object_object_add(object, key, value);
}

void memJsonAddString(MemJson *object, const char *key, const char *value)
{
    if (value)
        memJsonAdd(object, key, json_object_new_string(value));
}

void memJsonAddUint64(MemJson *object, const char *key, guint64 value)
{
    memJsonAdd(object, key, json_object_new_uint64(value));
}

void memJsonAddInt(MemJson *object, const char *key, gint64 value)
{
    memJsonAdd(object, key, json_object_new_int64(value));
}

void memJsonAddBool(MemJson *object, const char *key, gboolean value)
{
    memJsonAdd(object, key, json_object_new_boolean(value));
}

void memJsonAppend(MemJson *array, MemJson *value)
{
    json_object_array_add(array, value);
}

static MemJson *getTyped(MemJson *object, const char *key, enum json_type type)
{
    MemJson *value = memJsonGet(object, key);

    return value && json_object_is_type(value, type) ? value : NULL;
}

MemJson *memJsonGet(MemJson *object, const char *key)
{
    MemJson *value = NULL;

    if (!object || !json_object_is_type(object, json_type_object))
        return NULL;
    json_object_object_get_ex(object, key, &value);
    return value;
}

const char *memJsonGetString(MemJson *object, const char *key)
{
    MemJson *value = getTyped(object, key, json_type_string);

    return value ? json_object_get_string(value) : NULL;
}

gboolean memJsonGetUint64(MemJson *object, const char *key, guint64 *value)
{
    MemJson *number = getTyped(object, key, json_type_int);

    if (!number || json_object_get_int64(number) < 0)
        return FALSE;
    *value = json_object_get_uint64(number);
    return TRUE;
}

gboolean memJsonGetInt(MemJson *object, const char *key, gint64 *value)
{
    MemJson *number = getTyped(object, key, json_type_int);

    if (!number)
        return FALSE;
    *value = json_object_get_int64(number);
    return TRUE;
}

gboolean memJsonGetBool(MemJson *object, const char *key, gboolean *value)
{
    MemJson *flag = getTyped(object, key, json_type_boolean);

    if (!flag)
        return FALSE;
    *value = json_object_get_boolean(flag);
    return TRUE;
}

MemJson *memJsonGetArray(MemJson *object, const char *key)
{
    return getTyped(object, key, json_type_array);
}

gsize memJsonArrayLength(MemJson *array)
{
    return array && json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

MemJson *memJsonArrayGet(MemJson *array, gsize index)
{
    return index < memJsonArrayLength(array) ? json_object_array_get_idx(array, index) : NULL;
}

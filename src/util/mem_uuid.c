/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_uuid.c: UUIDs as text and as 16 bytes */
#include "util/mem_uuid.h"

#include <stdio.h>

gboolean memUuidParse(const char *text, unsigned char uuid[MEM_UUID_BYTES])
{
    unsigned digits = 0;

    while (g_ascii_isspace(*text))
        text++;
    for (; *text && !g_ascii_isspace(*text); text++) {
        int value = g_ascii_xdigit_value(*text);

        if (*text == '-' && digits && digits < 2 * MEM_UUID_BYTES)
            continue;
        if (value < 0 || digits == 2 * MEM_UUID_BYTES)
            return FALSE;
        uuid[digits / 2] = (unsigned char)(digits % 2 ? uuid[digits / 2] | value : value << 4);
        digits++;
    }
    while (g_ascii_isspace(*text))
        text++;
    return digits == 2 * MEM_UUID_BYTES && !*text;
}

const char *memUuidFormat(const unsigned char uuid[MEM_UUID_BYTES], char text[MEM_UUID_TEXT])
{
    char *at = text;

    for (unsigned i = 0; i < MEM_UUID_BYTES; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
    return text;
}

void memUuidGenerate(unsigned char uuid[MEM_UUID_BYTES])
{
    g_autofree char *text = g_uuid_string_random();

    memUuidParse(text, uuid);
}

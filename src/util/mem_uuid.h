/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_uuid.h: UUIDs as text and as 16 bytes */
#pragma once

#include <glib.h>

#define MEM_UUID_BYTES 16
#define MEM_UUID_TEXT 37    /* with the NUL */

/* 32 hexadecimal digits; dashes between them and blanks around them do not count. */
gboolean memUuidParse(const char *text, unsigned char uuid[MEM_UUID_BYTES]);
/* "49545eb3-75e1-2d0a-acdd-f0294406c99e" into @text, which is returned. */
const char *memUuidFormat(const unsigned char uuid[MEM_UUID_BYTES], char text[MEM_UUID_TEXT]);
/* A random one (version 4). */
void memUuidGenerate(unsigned char uuid[MEM_UUID_BYTES]);

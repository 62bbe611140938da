/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_enum.c: an enum and its strings as one table */
#include "util/mem_enum.h"

#include <string.h>

const char *memEnumToString(const char *const *names, int last, int value)
{
    return value < 0 || value >= last ? NULL : names[value];
}

int memEnumFromString(const char *const *names, int last, const char *text)
{
    if (!text)
        return -1;
    for (int i = 0; i < last; i++) {
        if (names[i] && strcmp(names[i], text) == 0)
            return i;
    }
    return -1;
}

MEM_ENUM_IMPL(memTristateBool, MEM_TRISTATE_LAST, NULL, "yes", "no");
MEM_ENUM_IMPL(memTristateSwitch, MEM_TRISTATE_LAST, NULL, "on", "off");

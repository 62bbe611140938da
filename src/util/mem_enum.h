/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_enum.h: an enum and its strings as one table whose length the compiler checks */
#pragma once

#include <glib.h>

/* In a header: declares const char *NAMEToString(int) (NULL out of range) and
 * int NAMEFromString(const char *) (-1 when unknown or NULL). */
#define MEM_ENUM_DECL(name) \
    const char *name##ToString(int value); \
    int name##FromString(const char *text)

/* In a .c file: the strings, in the order of the enum; a NULL string is a value without a name. */
#define MEM_ENUM_IMPL(name, last, ...) \
    static const char *const name##Names[] = { __VA_ARGS__ }; \
    G_STATIC_ASSERT(G_N_ELEMENTS(name##Names) == (last)); \
    const char *name##ToString(int value) \
    { \
        return memEnumToString(name##Names, (last), value); \
    } \
    int name##FromString(const char *text) \
    { \
        return memEnumFromString(name##Names, (last), text); \
    } \
    G_STATIC_ASSERT(1)

const char *memEnumToString(const char *const *names, int last, int value);
int memEnumFromString(const char *const *names, int last, const char *text);

/* A switch that may be left to the default. */
typedef enum {
    MEM_TRISTATE_ABSENT = 0,
    MEM_TRISTATE_YES,
    MEM_TRISTATE_NO,

    MEM_TRISTATE_LAST
} MemTristate;

MEM_ENUM_DECL(memTristateBool);    /* NULL, "yes", "no" */
MEM_ENUM_DECL(memTristateSwitch);  /* NULL, "on", "off" */

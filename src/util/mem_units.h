/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_units.h: memory sizes, their units, and the rounding of both */
#pragma once

#include <glib.h>

/* 2^53 - 1 KiB: libvirt's VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, "no limit". */
#define MEM_KIB_UNLIMITED G_GUINT64_CONSTANT(9007199254740991)
#define MEM_KIB_MAX (G_MAXUINT64 >> 10)
/* 2^53 KiB: a size in a domain XML is less than this. */
#define MEM_KIB_LIMIT (G_GUINT64_CONSTANT(1) << 53)

/* Multiply *@value by the factor of @suffix (b, KiB, kB, M, GiB ...; case ignored; NULL or "" means
 * @scaleBytes). Unknown suffix: VIR_ERR_INVALID_ARG. Result above @limitBytes: VIR_ERR_OVERFLOW. */
gboolean memUnitsScale(guint64 *value, const char *suffix, guint64 scaleBytes, guint64 limitBytes,
                       GError **err);

/* Parse a non-negative decimal number, nothing after it. Blanks and a "+" in front are allowed, as libvirt does.
 * FALSE: not one, or too large for 64 bits; no GError, the caller knows which element it is. */
gboolean memUnitsParseUint64(const char *text, guint64 *value);
gboolean memUnitsParseUint(const char *text, unsigned *value);
gboolean memUnitsParseInt(const char *text, int *value);

/* Bytes to KiB, rounded up. */
guint64 memUnitsBytesToKib(guint64 bytes);

/* Round @value up to a multiple of @step (a power of two or any number > 0); FALSE on overflow. */
gboolean memUnitsRoundUp(guint64 *value, guint64 step);

/* "2 GiB", "1.5 GiB", "512 MiB", "3 KiB": for people; two significant decimals at most. Caller frees. */
char *memUnitsPretty(guint64 bytes);

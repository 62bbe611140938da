/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_units.c: memory sizes, their units, and the rounding of both */
#include "util/mem_units.h"

#include "util/mem_error.h"

#include <string.h>

/* The factor of "k", "KiB" (1024-based) and "kB" (1000-based); 0: unknown suffix. */
static guint64 suffixFactor(const char *suffix)
{
    static const char letters[] = "kmgtpe";
    const char *letter;
    guint64 base = 1024;
    guint64 factor = 1;

    if (!g_ascii_strcasecmp(suffix, "b") || !g_ascii_strcasecmp(suffix, "byte") ||
        !g_ascii_strcasecmp(suffix, "bytes"))
        return 1;

    letter = strchr(letters, g_ascii_tolower(suffix[0]));
    if (!letter || !suffix[0])
        return 0;
    if (!g_ascii_strcasecmp(suffix + 1, "b"))
        base = 1000;
    else if (suffix[1] && g_ascii_strcasecmp(suffix + 1, "ib"))
        return 0;

    for (const char *p = letters; p <= letter; p++)
        factor *= base;
    return factor;
}

gboolean memUnitsScale(guint64 *value, const char *suffix, guint64 scaleBytes, guint64 limitBytes,
                       GError **err)
{
    guint64 factor = scaleBytes;

    if (suffix && *suffix) {
        factor = suffixFactor(suffix);
        if (!factor) {
            memErrorSet(err, VIR_ERR_INVALID_ARG,
                        "unknown unit '%s': use b, KiB, MiB, GiB, TiB, PiB, EiB or kB, MB, GB, TB, PB, EB",
                        suffix);
            return FALSE;
        }
    }
    if (factor && *value > limitBytes / factor) {
        memErrorSet(err, VIR_ERR_OVERFLOW,
                    "size '%" G_GUINT64_FORMAT "' '%s' is too large: the limit is %" G_GUINT64_FORMAT " bytes",
                    *value, suffix ? suffix : "", limitBytes);
        return FALSE;
    }
    *value *= factor;
    return TRUE;
}

/* Past what may stand in front of a number. */
static const char *skipFront(const char *text)
{
    while (g_ascii_isspace(*text))
        text++;
    return *text == '+' ? text + 1 : text;
}

gboolean memUnitsParseUint64(const char *text, guint64 *value)
{
    if (!text)
        return FALSE;
    text = skipFront(text);
    if (!g_ascii_isdigit(text[0]))
        return FALSE;
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, value, NULL);
}

gboolean memUnitsParseUint(const char *text, unsigned *value)
{
    guint64 wide;

    if (!memUnitsParseUint64(text, &wide) || wide > G_MAXUINT)
        return FALSE;
    *value = (unsigned)wide;
    return TRUE;
}

gboolean memUnitsParseInt(const char *text, int *value)
{
    gint64 wide;

    if (!text)
        return FALSE;
    text = skipFront(text);
    if (!(g_ascii_isdigit(text[0]) || (text[0] == '-' && g_ascii_isdigit(text[1]))))
        return FALSE;
    if (!g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &wide, NULL))
        return FALSE;
    *value = (int)wide;
    return TRUE;
}

guint64 memUnitsBytesToKib(guint64 bytes)
{
    return bytes / 1024 + (bytes % 1024 != 0);
}

gboolean memUnitsRoundUp(guint64 *value, guint64 step)
{
    guint64 rest = *value % step;

    if (!rest)
        return TRUE;
    if (*value > G_MAXUINT64 - (step - rest))
        return FALSE;
    *value += step - rest;
    return TRUE;
}

char *memUnitsPretty(guint64 bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    gsize unit = 0;
    guint64 whole = bytes;
    double scaled = (double)bytes;

    while (whole >= 1024 && unit + 1 < G_N_ELEMENTS(names)) {
        whole /= 1024;
        scaled /= 1024;
        unit++;
    }
    if (scaled == (double)whole)
        return g_strdup_printf("%" G_GUINT64_FORMAT " %s", whole, names[unit]);
    return g_strdup_printf(scaled < 100 ? "%.2f %s" : "%.1f %s", scaled, names[unit]);
}

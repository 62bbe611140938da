/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_bitmap.c: sets of small numbers: CPUs, NUMA nodes */
#include "util/mem_bitmap.h"

#include "util/mem_error.h"

#include <string.h>

#define WORD_BITS 64

struct MemBitmap {
    guint64 *words;
    gsize nwords;
};

MemBitmap *memBitmapNew(void)
{
    return g_new0(MemBitmap, 1);
}

void memBitmapFree(MemBitmap *map)
{
    if (!map)
        return;
    g_free(map->words);
    g_free(map);
}

MemBitmap *memBitmapCopy(const MemBitmap *map)
{
    MemBitmap *copy;

    if (!map)
        return NULL;
    copy = memBitmapNew();
    copy->nwords = map->nwords;
    copy->words = g_memdup2(map->words, map->nwords * sizeof(*map->words));
    return copy;
}

void memBitmapSet(MemBitmap *map, unsigned bit)
{
    gsize word = bit / WORD_BITS;

    if (word >= map->nwords) {
        map->words = g_renew(guint64, map->words, word + 1);
        memset(map->words + map->nwords, 0, (word + 1 - map->nwords) * sizeof(*map->words));
        map->nwords = word + 1;
    }
    map->words[word] |= G_GUINT64_CONSTANT(1) << (bit % WORD_BITS);
}

void memBitmapClear(MemBitmap *map, unsigned bit)
{
    if (bit / WORD_BITS < map->nwords)
        map->words[bit / WORD_BITS] &= ~(G_GUINT64_CONSTANT(1) << (bit % WORD_BITS));
}

gboolean memBitmapIsSet(const MemBitmap *map, unsigned bit)
{
    return map && bit / WORD_BITS < map->nwords &&
           (map->words[bit / WORD_BITS] >> (bit % WORD_BITS) & 1);
}

int memBitmapNext(const MemBitmap *map, int previous)
{
    if (!map)
        return -1;
    for (gsize bit = (gsize)(previous + 1); bit < map->nwords * WORD_BITS; bit++) {
        if (!map->words[bit / WORD_BITS])
            bit |= WORD_BITS - 1;
        else if (memBitmapIsSet(map, (unsigned)bit))
            return (int)bit;
    }
    return -1;
}

gboolean memBitmapIsEmpty(const MemBitmap *map)
{
    return memBitmapNext(map, -1) < 0;
}

unsigned memBitmapCount(const MemBitmap *map)
{
    unsigned count = 0;

    for (int bit = memBitmapNext(map, -1); bit >= 0; bit = memBitmapNext(map, bit))
        count++;
    return count;
}

int memBitmapLast(const MemBitmap *map)
{
    int last = -1;

    for (int bit = memBitmapNext(map, -1); bit >= 0; bit = memBitmapNext(map, bit))
        last = bit;
    return last;
}

gboolean memBitmapOverlaps(const MemBitmap *a, const MemBitmap *b)
{
    for (gsize i = 0; a && b && i < MIN(a->nwords, b->nwords); i++) {
        if (a->words[i] & b->words[i])
            return TRUE;
    }
    return FALSE;
}

gboolean memBitmapEqual(const MemBitmap *a, const MemBitmap *b)
{
    int bit = -1;

    if (!a || !b)
        return a == b;
    do {
        int other = memBitmapNext(b, bit);

        bit = memBitmapNext(a, bit);
        if (bit != other)
            return FALSE;
    } while (bit >= 0);
    return TRUE;
}

void memBitmapUnion(MemBitmap *into, const MemBitmap *from)
{
    for (int bit = memBitmapNext(from, -1); bit >= 0; bit = memBitmapNext(from, bit))
        memBitmapSet(into, (unsigned)bit);
}

void memBitmapSubtract(MemBitmap *from, const MemBitmap *what)
{
    for (int bit = memBitmapNext(what, -1); bit >= 0; bit = memBitmapNext(what, bit))
        memBitmapClear(from, (unsigned)bit);
}

/* ---- text ---- */

static const char *skipBlanks(const char *p)
{
    while (g_ascii_isspace(*p))
        p++;
    return p;
}

/* A number below @limit at *@p, which moves past it. */
static gboolean readNumber(const char **p, unsigned limit, unsigned *number)
{
    guint64 value = 0;

    if (!g_ascii_isdigit(**p))
        return FALSE;
    for (; g_ascii_isdigit(**p); (*p)++) {
        value = value * 10 + (guint64)(**p - '0');
        if (value >= limit)
            return FALSE;
    }
    *number = (unsigned)value;
    return TRUE;
}

/* One of "3", "^3", "1-4" at *@p. */
static gboolean readItem(MemBitmap *map, const char **p, unsigned limit)
{
    gboolean exclude = **p == '^';
    unsigned first, last;

    if (exclude)
        (*p)++;
    if (!readNumber(p, limit, &first))
        return FALSE;
    *p = skipBlanks(*p);
    last = first;
    if (**p == '-' && !exclude) {
        *p = skipBlanks(*p + 1);
        if (!readNumber(p, limit, &last) || last < first)
            return FALSE;
        *p = skipBlanks(*p);
    }
    for (unsigned bit = first; bit <= last; bit++) {
        if (exclude)
            memBitmapClear(map, bit);
        else
            memBitmapSet(map, bit);
    }
    return TRUE;
}

MemBitmap *memBitmapParse(const char *text, unsigned limit, GError **err)
{
    g_autoptr(MemBitmap) map = memBitmapNew();
    const char *p = skipBlanks(text);

    while (readItem(map, &p, limit)) {
        if (!*p)
            return g_steal_pointer(&map);
        if (*p != ',')
            break;
        p = skipBlanks(p + 1);
        /* libvirt lets a comma end the list */
        if (!*p)
            return g_steal_pointer(&map);
    }
    memErrorSet(err, VIR_ERR_INVALID_ARG,
                "'%s' is no list of numbers below %u such as '0-3,^2,8'", text, limit);
    return NULL;
}

char *memBitmapFormat(const MemBitmap *map)
{
    GString *text = g_string_new(NULL);

    for (int first = memBitmapNext(map, -1); first >= 0;) {
        int last = first;

        while (memBitmapIsSet(map, (unsigned)last + 1))
            last++;
        if (text->len)
            g_string_append_c(text, ',');
        if (last > first)
            g_string_append_printf(text, "%d-%d", first, last);
        else
            g_string_append_printf(text, "%d", first);
        first = memBitmapNext(map, last);
    }
    return g_string_free(text, FALSE);
}

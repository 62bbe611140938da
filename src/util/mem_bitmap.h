/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_bitmap.h: sets of small numbers: CPUs, NUMA nodes; in libvirt's "0-3,^2,8" notation */
#pragma once

#include <glib.h>

typedef struct MemBitmap MemBitmap;

MemBitmap *memBitmapNew(void);
void memBitmapFree(MemBitmap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemBitmap, memBitmapFree)
MemBitmap *memBitmapCopy(const MemBitmap *map);

/* Parse "0-3,^2,8"; blanks around items are allowed; numbers below @limit only.
 * Anything else, an empty text included: VIR_ERR_INVALID_ARG. An empty result ("0,^0") is fine. */
MemBitmap *memBitmapParse(const char *text, unsigned limit, GError **err);

/* "0-1,3"; "" for the empty set. Caller frees. */
char *memBitmapFormat(const MemBitmap *map);

void memBitmapSet(MemBitmap *map, unsigned bit);
void memBitmapClear(MemBitmap *map, unsigned bit);
gboolean memBitmapIsSet(const MemBitmap *map, unsigned bit);   /* NULL map: FALSE */
gboolean memBitmapIsEmpty(const MemBitmap *map);               /* NULL map: TRUE */
unsigned memBitmapCount(const MemBitmap *map);
int memBitmapLast(const MemBitmap *map);                        /* -1 when empty */
/* The first set bit after @previous (start with -1), or -1. */
int memBitmapNext(const MemBitmap *map, int previous);
gboolean memBitmapOverlaps(const MemBitmap *a, const MemBitmap *b);
gboolean memBitmapEqual(const MemBitmap *a, const MemBitmap *b);
void memBitmapUnion(MemBitmap *into, const MemBitmap *from);
void memBitmapSubtract(MemBitmap *from, const MemBitmap *what);

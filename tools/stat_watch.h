/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stat_watch.h: the live view of all guests' memory in a terminal */
#pragma once

#include "ctl.h"

typedef enum {
    STAT_SORT_NAME = 0,
    STAT_SORT_PROMISED,
    STAT_SORT_PLUGGED,
    STAT_SORT_RESIDENT,
    STAT_SORT_USED,
    STAT_SORT_RECLAIMABLE,
    STAT_SORT_BALLOON,
    STAT_SORT_AGE,

    STAT_SORT_LAST
} StatSort;

extern const char *const statSortNames[];

/* Rows in order: the largest first, names from A, unknown figures last; @reverse turns it round. */
void statSortRows(virMemStats *stats, StatSort sort, gboolean reverse);

/* Fetches the figures anew; NULL with @err ends the view. */
typedef virMemStats *(*StatFetch)(void *opaque, GError **err);

/* Shows until 'q', SIGINT or SIGTERM; leaves the terminal as it was. @seconds between two looks. Signals must have been
 * blocked by statWatchBegin() before the first thread was started. */
void statWatchBegin(void);
gboolean statWatch(StatFetch fetch, void *opaque, unsigned seconds, StatSort sort, gboolean reverse, GError **err);
/* Waits @seconds. FALSE: SIGINT or SIGTERM came. For watching without a terminal. */
gboolean statWatchPause(unsigned seconds);

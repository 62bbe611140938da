/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stat_watch.c: the live view of all guests' memory in a terminal */

/* One thread. SIGINT, SIGTERM and SIGWINCH are blocked but for the time in ppoll(), so that a signal neither tears a frame
 * nor is lost between looking at its flag and sleeping. Each frame is composed in memory and written at once. */
#include "stat_watch.h"

#include "out_progress.h"
#include "out_table.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define HISTORY 120
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define INVERSE "\033[7m"
#define PLAIN "\033[0m"

const char *const statSortNames[] = { "name", "promised", "plugged", "resident", "used", "reclaimable", "withheld", "age", NULL };
G_STATIC_ASSERT(G_N_ELEMENTS(statSortNames) == STAT_SORT_LAST + 1);

#define NOT_KNOWN 255

/* The part that was used at each look, in 1/254 or NOT_KNOWN, the newest last. */
typedef struct {
    unsigned char used[HISTORY];
    gsize count;
} History;

typedef struct {
    StatSort sort;
    gboolean reverse;
    gboolean ended;
    gsize top;                  /* the first row that is shown */
    gsize rows;                 /* of the last frame */
    GHashTable *histories;      /* UUID -> History */
    int columns, lines;
    gboolean fine;
} View;

static volatile sig_atomic_t interrupted;
static sigset_t whileWaiting;       /* the mask from before statWatchBegin() */

/* ---- order ---- */

guint64 statWithheldKib(const virMemStatsRow *row)
{
    if (row->promisedKib == VIR_MEM_UNKNOWN || row->currentKib == VIR_MEM_UNKNOWN || row->currentKib > row->promisedKib)
        return VIR_MEM_UNKNOWN;
    return row->promisedKib - row->currentKib;
}

static guint64 sortKey(const virMemStatsRow *row, StatSort sort)
{
    switch (sort) {
    case STAT_SORT_PROMISED:
        return row->promisedKib;
    case STAT_SORT_PLUGGED:
        return row->currentKib;
    case STAT_SORT_RESIDENT:
        return row->residentKib;
    case STAT_SORT_USED:
        return row->usedKib;
    case STAT_SORT_RECLAIMABLE:
        return row->reclaimableKib;
    case STAT_SORT_WITHHELD:
        return statWithheldKib(row);
    case STAT_SORT_AGE:
        return row->ageMs < 0 ? VIR_MEM_UNKNOWN : (guint64)row->ageMs;
    case STAT_SORT_NAME:
    case STAT_SORT_LAST:
        break;
    }
    return 0;
}

typedef struct {
    StatSort sort;
    gboolean reverse;
} Order;

static int compareRows(gconstpointer a, gconstpointer b, gpointer data)
{
    const virMemStatsRow *first = *(virMemStatsRow *const *)a;
    const virMemStatsRow *second = *(virMemStatsRow *const *)b;
    const Order *order = data;
    guint64 x = sortKey(first, order->sort), y = sortKey(second, order->sort);
    int result;

    if (x != y && (x == VIR_MEM_UNKNOWN || y == VIR_MEM_UNKNOWN))
        return x == VIR_MEM_UNKNOWN ? 1 : -1;
    result = x == y ? 0 : x < y ? 1 : -1;
    if (!result)
        result = strcmp(first->name, second->name);
    return order->reverse ? -result : result;
}

void statSortRows(virMemStats *stats, StatSort sort, gboolean reverse)
{
    Order order = { sort, reverse };

    g_qsort_with_data(stats->rows, (gint)stats->nrows, sizeof(*stats->rows), compareRows, &order);
}

/* ---- history ---- */

static void remember(View *view, const virMemStatsRow *row)
{
    History *history = g_hash_table_lookup(view->histories, row->uuid);
    guint64 whole = row->guestTotalKib == VIR_MEM_UNKNOWN ? 0 : row->guestTotalKib;
    unsigned char part = NOT_KNOWN;

    if (!history) {
        history = g_new0(History, 1);
        g_hash_table_insert(view->histories, g_strdup(row->uuid), history);
    }
    if (history->count == HISTORY)
        memmove(history->used, history->used + 1, --history->count);
    if (whole && row->usedKib != VIR_MEM_UNKNOWN)
        part = (unsigned char)(MIN(row->usedKib, whole) * 254 / whole);
    history->used[history->count++] = part;
}

static void appendSparkline(GString *out, const View *view, const virMemStatsRow *row, gsize width)
{
    static const char *const fine[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const coarse[] = { "_", "_", ".", ".", "-", "-", "=", "#" };
    const History *history = g_hash_table_lookup(view->histories, row->uuid);
    gsize first = history && history->count > width ? history->count - width : 0;

    for (gsize i = first; history && i < history->count; i++)
        g_string_append(out, history->used[i] == NOT_KNOWN ? " " : (view->fine ? fine : coarse)[history->used[i] / 32]);
}

/* ---- a frame ---- */

static void appendPadded(GString *out, const char *text, gsize width, gboolean right)
{
    gsize length = (gsize)g_utf8_strlen(text, -1);

    if (length > width) {
        g_autofree char *cut = g_utf8_substring(text, 0, (glong)width);
        g_string_append(out, cut);
        return;
    }
    for (gsize i = 0; right && i < width - length; i++)
        g_string_append_c(out, ' ');
    g_string_append(out, text);
    for (gsize i = 0; !right && i < width - length; i++)
        g_string_append_c(out, ' ');
}

static void appendRun(GString *out, const char *colour, const char *sign, gsize count)
{
    if (!count)
        return;
    g_string_append(out, colour);
    for (gsize i = 0; i < count; i++)
        g_string_append(out, sign);
    g_string_append(out, PLAIN);
}

static gsize cells(guint64 kib, guint64 whole, gsize width)
{
    if (kib == VIR_MEM_UNKNOWN || !whole || whole == VIR_MEM_UNKNOWN)
        return 0;
    return (gsize)((double)MIN(kib, whole) / (double)whole * (double)width + 0.5);
}

/* What was promised, as used, reclaimable, plugged and withheld. */
static void appendBar(GString *out, const View *view, const virMemStatsRow *row, gsize width)
{
    gsize plugged = cells(row->currentKib, row->promisedKib, width);
    gsize used = MIN(cells(row->usedKib, row->promisedKib, width), plugged);
    gsize caches = MIN(cells(row->reclaimableKib, row->promisedKib, width), plugged - used);

    appendRun(out, GREEN, view->fine ? "█" : "#", used);
    appendRun(out, YELLOW, view->fine ? "▓" : "=", caches);
    appendRun(out, CYAN, view->fine ? "░" : "-", plugged - used - caches);
    appendRun(out, DIM, view->fine ? "·" : ".", width - plugged);
}

typedef struct {
    gsize name, bar, figure, spark;
} Widths;

/* Narrow terminals lose the history first, then the bar. */
static Widths divide(const View *view, const virMemStats *stats)
{
    Widths widths = { .name = 5, .figure = 9 };
    gsize left, figures = 5 * 11 + 10;

    for (gsize i = 0; i < stats->nrows; i++)
        widths.name = MAX(widths.name, (gsize)g_utf8_strlen(stats->rows[i]->name, -1));
    widths.name = MIN(widths.name, 24);
    left = (gsize)MAX(view->columns, 0);
    left -= MIN(left, widths.name + figures + 2);
    widths.bar = left >= 10 ? MIN(left * 3 / 5, 48) : 0;
    widths.spark = left > widths.bar + 6 ? MIN(left - widths.bar - 4, HISTORY) : 0;
    return widths;
}

static void appendFigure(GString *out, guint64 kib, gsize width)
{
    g_autofree char *text = outKib(kib);

    g_string_append(out, "  ");
    appendPadded(out, text, width, TRUE);
}

static void appendRow(GString *out, const View *view, const virMemStatsRow *row, const Widths *widths)
{
    gboolean dated = row->state == VIR_MEM_STATS_FRESH || row->state == VIR_MEM_STATS_STALE;
    g_autofree char *age = dated ? outAge(row->ageMs) : g_strdup(virMemStatsStateName(row->state));

    if (row->state == VIR_MEM_STATS_STUCK)
        g_string_append(out, INVERSE);
    appendPadded(out, row->name, widths->name, FALSE);
    g_string_append(out, PLAIN);
    if (widths->bar) {
        g_string_append_c(out, ' ');
        appendBar(out, view, row, widths->bar);
    }
    appendFigure(out, row->promisedKib, widths->figure);
    appendFigure(out, row->currentKib, widths->figure);
    appendFigure(out, row->residentKib, widths->figure);
    appendFigure(out, row->usedKib, widths->figure);
    appendFigure(out, row->reclaimableKib, widths->figure);
    g_string_append_c(out, ' ');
    appendPadded(out, age, 9, TRUE);
    if (widths->spark) {
        g_string_append(out, "  ");
        appendSparkline(out, view, row, widths->spark);
    }
}

static void appendHead(GString *out, const View *view, const virMemStats *stats, const Widths *widths)
{
    static const char *const titles[] = { "promised", "plugged", "resident", "used", "reclaim." };

    g_string_append_printf(out, BOLD "%zu guests" PLAIN "  by %s%s", stats->nrows, statSortNames[view->sort], view->reverse ? ", reversed" : "");
    if (stats->nstuck)
        g_string_append_printf(out, "  " INVERSE "%zu stuck" PLAIN, stats->nstuck);
    g_string_append_printf(out, "   s sort  r reverse  q quit   " GREEN "%s" PLAIN " used " YELLOW "%s" PLAIN " caches " CYAN "%s" PLAIN " free "
                           DIM "%s" PLAIN " withheld\033[K\r\n" DIM,
                           view->fine ? "█" : "#", view->fine ? "▓" : "=", view->fine ? "░" : "-", view->fine ? "·" : ".");
    appendPadded(out, "guest", widths->name + (widths->bar ? widths->bar + 1 : 0), FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(titles); i++) {
        g_string_append(out, "  ");
        appendPadded(out, titles[i], widths->figure, TRUE);
    }
    g_string_append_c(out, ' ');
    appendPadded(out, "age", 9, TRUE);
    g_string_append(out, widths->spark > 10 ? "  used so far" PLAIN "\033[K" : PLAIN "\033[K");
}

static void writeAll(const char *text, gsize length)
{
    while (length) {
        gssize written = write(STDOUT_FILENO, text, length);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            text += written;
            length -= (gsize)written;
        }
    }
}

static void draw(View *view, const virMemStats *stats)
{
    GString *out = g_string_new("\033[H");
    Widths widths;
    gsize room;

    outTerminal(&view->columns, &view->lines);
    widths = divide(view, stats);
    room = (gsize)MAX(view->lines - 2, 1);
    view->rows = stats->nrows;
    view->top = MIN(view->top, stats->nrows > room ? stats->nrows - room : 0);
    appendHead(out, view, stats, &widths);
    for (gsize i = view->top; i < MIN(stats->nrows, view->top + room); i++) {
        g_string_append(out, "\r\n");
        appendRow(out, view, stats->rows[i], &widths);
        g_string_append(out, "\033[K");
    }
    g_string_append(out, "\033[J");
    writeAll(out->str, out->len);
    g_string_free(out, TRUE);
}

/* ---- keys and signals ---- */

static void onSignal(int number)
{
    if (number != SIGWINCH)
        interrupted = 1;
}

void statWatchBegin(void)
{
    struct sigaction action = { .sa_handler = onSignal };
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGWINCH);
    sigprocmask(SIG_BLOCK, &ours, &whileWaiting);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
}

static void onKey(View *view, char key)
{
    switch (key) {
    case 'q':
        view->ended = TRUE;
        break;
    case 's':
        view->sort = (StatSort)((view->sort + 1) % STAT_SORT_LAST);
        break;
    case 'S':
        view->sort = (StatSort)((view->sort + STAT_SORT_LAST - 1) % STAT_SORT_LAST);
        break;
    case 'r':
        view->reverse = !view->reverse;
        break;
    case 'j':
        view->top++;
        break;
    case 'k':
        view->top -= view->top > 0;
        break;
    default:
        break;
    }
}

/* Down and up move, right and left sort by the next figure. */
static char arrowKey(char final)
{
    static const char arrows[] = "BACD", keys[] = "jksS";
    const char *arrow = final ? strchr(arrows, final) : NULL;

    return arrow ? keys[arrow - arrows] : '\0';
}

static void onKeys(View *view, const char *keys, gssize count)
{
    for (gssize i = 0; i < count; i++) {
        if (keys[i] == '\033' && i + 2 < count && keys[i + 1] == '[') {
            onKey(view, arrowKey(keys[i + 2]));
            i += 2;
        } else {
            onKey(view, keys[i]);
        }
    }
}

/* Until there is something to be drawn anew or @until has come: TRUE for the latter. */
static gboolean waitEvent(View *view, gint64 until)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    gint64 left = until - g_get_monotonic_time();
    struct timespec time = { .tv_sec = MAX(left, 0) / G_USEC_PER_SEC, .tv_nsec = MAX(left, 0) % G_USEC_PER_SEC * 1000 };
    char keys[64];
    gssize count;
    int ready = left > 0 ? ppoll(&input, 1, &time, &whileWaiting) : 0;

    if (interrupted)
        view->ended = TRUE;
    if (ready <= 0)
        return ready == 0;
    count = read(STDIN_FILENO, keys, sizeof(keys));
    if (count <= 0)
        view->ended = TRUE;     /* the terminal is gone */
    else
        onKeys(view, keys, count);
    return FALSE;
}

gboolean statWatchPause(unsigned seconds)
{
    struct timespec time = { .tv_sec = seconds };

    return ppoll(NULL, 0, &time, &whileWaiting) == 0 && !interrupted;
}

static gboolean watchLoop(View *view, StatFetch fetch, void *opaque, unsigned seconds, GError **err)
{
    while (!view->ended) {
        g_autoptr(virMemStats) stats = fetch(opaque, err);
        gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
        if (!stats)
            return FALSE;
        for (gsize i = 0; i < stats->nrows; i++)
            remember(view, stats->rows[i]);
        do {
            statSortRows(stats, view->sort, view->reverse);
            draw(view, stats);
        } while (!waitEvent(view, until) && !view->ended);
    }
    return TRUE;
}

gboolean statWatch(StatFetch fetch, void *opaque, unsigned seconds, StatSort sort, gboolean reverse, GError **err)
{
    View view = { .sort = sort, .reverse = reverse, .fine = outUtf8() };
    struct termios before, raw;
    gboolean keys = tcgetattr(STDIN_FILENO, &before) == 0;
    gboolean ok;

    if (keys) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    view.histories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    writeAll(ENTER, strlen(ENTER));
    ok = watchLoop(&view, fetch, opaque, seconds, err);
    writeAll(LEAVE, strlen(LEAVE));
    if (keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    g_hash_table_unref(view.histories);
    return ok;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stat_watch.c: the live view of all guests' memory in a terminal */

/* One thread. Signals are blocked but for the time in ppoll(), so that a signal neither tears a frame
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
/* Cleared before it is written: at the end of a full line the cursor stands on the last sign, which would go. */
#define NEXT_LINE "\r\n\033[K"
/* Hides the cursor once more, which says to whoever reads along that a frame is complete. */
#define FRAME_END "\033[?25l"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BLUE "\033[34m"
#define CYAN "\033[36m"
#define INVERSE "\033[7m"
#define PLAIN "\033[0m"

const char *const statSortNames[] = { "name", "promised", "plugged", "resident", "used", "reclaimable", "balloon", "age", NULL };
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
    GHashTable *histories;      /* UUID -> History */
    int columns, lines;
    gboolean fine, colours;
    gboolean keys;              /* stdin is a terminal; @before is how it was */
    struct termios before;
} View;

static volatile sig_atomic_t interrupted, suspended;
static sigset_t whileWaiting;       /* the mask from before statWatchBegin() */

/* ---- order ---- */

static guint64 sortKey(const virMemStatsRow *row, StatSort sort)
{
    switch (sort) {
    case STAT_SORT_PROMISED:
        return row->promisedKib;
    case STAT_SORT_PLUGGED:
        return row->pluggedKib;
    case STAT_SORT_RESIDENT:
        return row->residentKib;
    case STAT_SORT_USED:
        return row->usedKib;
    case STAT_SORT_RECLAIMABLE:
        return row->reclaimableKib;
    case STAT_SORT_BALLOON:
        return row->balloonKib;
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

/* Without colours only bold, dim and inverse are left. */
static const char *colour(const View *view, const char *code)
{
    return view->colours ? code : "";
}

static void appendRun(GString *out, const char *code, const char *sign, gsize count)
{
    if (!count)
        return;
    g_string_append(out, code);
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

/* What a bar is made of, and what the head says of it. */
static const struct {
    const char *code, *fine, *coarse, *what;
} parts[] = {
    { GREEN, "█", "#", "used" },
    { YELLOW, "▓", "=", "caches" },
    { CYAN, "░", "-", "free" },
    { BLUE, "▒", "~", "balloon" },
    { DIM, "·", ".", "unplugged" },
};

static const char *sign(const View *view, gsize part)
{
    return view->fine ? parts[part].fine : parts[part].coarse;
}

/* What was promised, as its parts; of a guest that does not report, what is free is not known: dim. */
static void appendBar(GString *out, const View *view, const virMemStatsRow *row, gsize width)
{
    gsize has = cells(row->currentKib, row->promisedKib, width);
    gsize used = MIN(cells(row->usedKib, row->promisedKib, width), has);
    gsize caches = MIN(cells(row->reclaimableKib, row->promisedKib, width), has - used);
    gsize balloon = MIN(cells(row->balloonKib, row->promisedKib, width), width - has);
    gsize counts[] = { used, caches, has - used - caches, balloon, width - has - balloon };

    G_STATIC_ASSERT(G_N_ELEMENTS(counts) == G_N_ELEMENTS(parts));
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        appendRun(out, row->usedKib == VIR_MEM_UNKNOWN ? DIM : colour(view, parts[i].code), sign(view, i), counts[i]);
}

/* ---- columns ---- */

typedef enum {
    FIGURE_PROMISED = 0,
    FIGURE_PLUGGED,
    FIGURE_RESIDENT,
    FIGURE_USED,
    FIGURE_RECLAIMABLE,
    FIGURE_BALLOON,
    FIGURE_AGE,

    FIGURE_LAST
} Figure;

static const char *const figureTitles[] = { "promised", "plugged", "resident", "used", "reclaim.", "balloon", "age" };
G_STATIC_ASSERT(G_N_ELEMENTS(figureTitles) == FIGURE_LAST);

/* Which figures are shown where there is no room for all: the first of these. */
static const Figure figuresByWeight[] = {
    FIGURE_USED, FIGURE_PLUGGED, FIGURE_PROMISED, FIGURE_AGE, FIGURE_RESIDENT, FIGURE_RECLAIMABLE, FIGURE_BALLOON,
};
G_STATIC_ASSERT(G_N_ELEMENTS(figuresByWeight) == FIGURE_LAST);

#define FIGURE_WIDTH 9
#define GAP 2
#define NAME_MOST 24
#define BAR_LEAST 10
#define BAR_MOST 48
#define SPARK_LEAST 6

typedef struct {
    gsize name, bar, spark;     /* 0: is not shown */
    gboolean figures[FIGURE_LAST];
} Widths;

/* A narrow terminal shows whole columns and fewer of them: name and bar stay, the history goes first. */
static Widths divide(const View *view, const virMemStats *stats)
{
    Widths widths = { .name = 5 };
    gsize all = (gsize)MAX(view->columns, 1), left;

    for (gsize i = 0; i < stats->nrows; i++)
        widths.name = MAX(widths.name, outWidth(stats->rows[i]->name));
    widths.name = MIN(widths.name, CLAMP(all / 4, 10, NAME_MOST));
    left = all - MIN(all, widths.name);
    if (left >= GAP + BAR_LEAST + GAP + FIGURE_WIDTH) {
        widths.bar = BAR_LEAST;
        left -= GAP + BAR_LEAST;
    }
    for (gsize i = 0; i < FIGURE_LAST && left >= GAP + FIGURE_WIDTH; i++) {
        widths.figures[figuresByWeight[i]] = TRUE;
        left -= GAP + FIGURE_WIDTH;
    }
    if (left >= GAP + SPARK_LEAST) {
        widths.spark = MIN(MAX(left / 2, SPARK_LEAST), HISTORY);
        left -= MIN(left, GAP + widths.spark);
    }
    if (widths.bar)
        widths.bar = MIN(widths.bar + left, BAR_MOST);
    return widths;
}

static char *figureText(const virMemStatsRow *row, Figure figure)
{
    switch (figure) {
    case FIGURE_PROMISED:
        return outKib(row->promisedKib);
    case FIGURE_PLUGGED:
        return outKib(row->pluggedKib);
    case FIGURE_RESIDENT:
        return outKib(row->residentKib);
    case FIGURE_USED:
        return outKib(row->usedKib);
    case FIGURE_RECLAIMABLE:
        return outKib(row->reclaimableKib);
    case FIGURE_BALLOON:
        return outKib(row->balloonKib);
    case FIGURE_AGE:
        if (row->state == VIR_MEM_STATS_FRESH || row->state == VIR_MEM_STATS_STALE)
            return outAge(row->ageMs);
        return g_strdup(virMemStatsStateName(row->state));
    case FIGURE_LAST:
        break;
    }
    return NULL;
}

static void appendRow(GString *out, const View *view, const virMemStatsRow *row, const Widths *widths)
{
    if (row->state == VIR_MEM_STATS_STUCK)
        g_string_append(out, INVERSE);
    outAppendPadded(out, row->name, widths->name, FALSE);
    g_string_append(out, PLAIN);
    if (widths->bar) {
        g_string_append(out, "  ");
        appendBar(out, view, row, widths->bar);
    }
    for (Figure figure = 0; figure < FIGURE_LAST; figure++) {
        g_autofree char *text = figureText(row, figure);
        if (!widths->figures[figure])
            continue;
        g_string_append(out, "  ");
        outAppendPadded(out, text, FIGURE_WIDTH, TRUE);
    }
    if (widths->spark) {
        g_string_append(out, "  ");
        appendSparkline(out, view, row, widths->spark);
    }
}

/* Appends @text, shown as @code says, if the line has room for it. */
static void appendPiece(GString *out, gsize *left, const char *code, const char *text)
{
    gsize width = outWidth(text);

    if (width > *left) {
        *left = 0;
        return;
    }
    *left -= width;
    g_string_append_printf(out, "%s%s%s", code, text, *code ? PLAIN : "");
}

static void appendSummary(GString *out, const View *view, const virMemStats *stats, gsize room)
{
    gsize left = (gsize)MAX(view->columns, 1), last = MIN(stats->nrows, view->top + room);
    g_autofree char *count = g_strdup_printf("%zu %s", stats->nrows, stats->nrows == 1 ? "guest" : "guests");
    g_autofree char *which = g_strdup_printf(" (%zu-%zu)", view->top + 1, last);
    g_autofree char *order = g_strdup_printf("  by %s%s", statSortNames[view->sort], view->reverse ? ", reversed" : "");
    g_autofree char *stuck = g_strdup_printf("%zu stuck", stats->nstuck);

    appendPiece(out, &left, BOLD, count);
    if (stats->nrows > room)
        appendPiece(out, &left, "", which);
    if (stats->nstuck) {
        appendPiece(out, &left, "", "  ");
        appendPiece(out, &left, INVERSE, stuck);
    }
    appendPiece(out, &left, "", order);
    appendPiece(out, &left, "", "   s sort  r reverse  q quit");
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *what = g_strdup_printf(" %s", parts[i].what);
        if (left < 3 + outWidth(what))
            break;
        appendPiece(out, &left, "", i ? " " : "  ");
        appendPiece(out, &left, colour(view, parts[i].code), sign(view, i));
        appendPiece(out, &left, "", what);
    }
}

static void appendTitles(GString *out, const Widths *widths)
{
    g_string_append(out, NEXT_LINE DIM);
    outAppendPadded(out, "guest", widths->name + (widths->bar ? GAP + widths->bar : 0), FALSE);
    for (Figure figure = 0; figure < FIGURE_LAST; figure++) {
        if (!widths->figures[figure])
            continue;
        g_string_append(out, "  ");
        outAppendPadded(out, figureTitles[figure], FIGURE_WIDTH, TRUE);
    }
    if (widths->spark) {
        g_string_append(out, "  ");
        outAppendPadded(out, widths->spark >= 11 ? "used so far" : "so far", MIN(widths->spark, 11), FALSE);
    }
    g_string_append(out, PLAIN);
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
    GString *out = g_string_new("\033[H\033[K");
    gboolean titles;
    Widths widths;
    gsize room;

    outTerminal(&view->columns, &view->lines);
    titles = view->lines > 2;
    widths = divide(view, stats);
    room = (gsize)MAX(view->lines - (titles ? 2 : 1), 1);
    view->top = MIN(view->top, stats->nrows > room ? stats->nrows - room : 0);
    appendSummary(out, view, stats, room);
    if (titles)
        appendTitles(out, &widths);
    for (gsize i = view->top; i < MIN(stats->nrows, view->top + room); i++) {
        g_string_append(out, NEXT_LINE);
        appendRow(out, view, stats->rows[i], &widths);
    }
    if (view->lines > (titles ? 2 : 1) + (int)MIN(stats->nrows, room))
        g_string_append(out, "\r\n\033[J");
    g_string_append(out, FRAME_END);
    writeAll(out->str, out->len);
    g_string_free(out, TRUE);
}

/* ---- the terminal ---- */

static void enterTerminal(View *view)
{
    struct termios raw;

    view->keys = tcgetattr(STDIN_FILENO, &view->before) == 0;
    if (view->keys) {
        raw = view->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    writeAll(ENTER, strlen(ENTER));
}

static void leaveTerminal(View *view)
{
    writeAll(LEAVE, strlen(LEAVE));
    if (view->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &view->before);
}

/* Ctrl-Z: the shell gets its terminal back; goes on with 'fg'. */
static void suspend(View *view)
{
    leaveTerminal(view);
    raise(SIGSTOP);
    suspended = 0;
    enterTerminal(view);
}

/* ---- keys and signals ---- */

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH };

static void onSignal(int number)
{
    if (number == SIGTSTP)
        suspended = 1;
    else if (number != SIGWINCH)
        interrupted = 1;
}

void statWatchBegin(void)
{
    struct sigaction action = { .sa_handler = onSignal }, old;
    sigset_t ours;

    sigemptyset(&ours);
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaddset(&ours, signals[i]);
    sigprocmask(SIG_BLOCK, &ours, &whileWaiting);
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        /* What a script or nohup had ignored stays so. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
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
    else if (suspended)
        suspend(view);
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
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC, left;

    while (!interrupted && (left = until - g_get_monotonic_time()) > 0) {
        struct timespec time = { .tv_sec = left / G_USEC_PER_SEC, .tv_nsec = left % G_USEC_PER_SEC * 1000 };
        ppoll(NULL, 0, &time, &whileWaiting);
        if (suspended)
            raise(SIGSTOP);
        suspended = 0;
    }
    return !interrupted;
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
    View view = { .sort = sort, .reverse = reverse, .fine = outUtf8(), .colours = outColours() };
    gboolean ok;

    view.histories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    enterTerminal(&view);
    ok = watchLoop(&view, fetch, opaque, seconds, err);
    leaveTerminal(&view);
    g_hash_table_unref(view.histories);
    return ok;
}

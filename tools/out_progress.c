/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* out_progress.c: how far a change has come: a bar on a terminal, plain lines elsewhere */
#include "out_progress.h"

#include "out_table.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A plain line for each tenth of the way. */
#define PLAIN_STEPS 10
#define BAR_MOST 40
#define BAR_LEAST 10
/* What a piece of text beside the bar needs at most: the bar keeps its width while the figures change theirs. */
#define PERCENT_WIDTH 5
#define AMOUNTS_WIDTH 25
#define PACE_WIDTH 26
#define UNDOING_WIDTH 13

struct Progress {
    char *what;
    gboolean quiet;
    gboolean terminal;
    gboolean drawn;
    gboolean undoing;
    size_t step;                /* of the last plain line */
    guint64 tenth;
    guint64 nowKib;
    gboolean begun;
};

gboolean outUtf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

gboolean outTerminal(int *columns, int *lines)
{
    struct winsize size;

    *columns = 80;
    *lines = 24;
    if (!isatty(STDOUT_FILENO))
        return FALSE;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        *columns = size.ws_col;
        *lines = size.ws_row;
    }
    return TRUE;
}

gboolean outLive(void)
{
    const char *name = g_getenv("TERM");

    return isatty(STDOUT_FILENO) && name && *name && strcmp(name, "dumb") != 0;
}

gboolean outColours(void)
{
    const char *none = g_getenv("NO_COLOR");

    return outLive() && !(none && *none);
}

Progress *progressNew(const Ctl *ctl, const char *what)
{
    Progress *progress = g_new0(Progress, 1);

    progress->what = g_strdup(what);
    progress->quiet = ctl->quiet;
    progress->terminal = outLive();
    return progress;
}

void progressFree(Progress *progress)
{
    if (!progress)
        return;
    if (progress->drawn)
        fputs("\r\033[K", stdout);
    fflush(stdout);
    g_free(progress->what);
    g_free(progress);
}

char *progressBar(guint64 part, guint64 whole, gsize width, gboolean fine)
{
    static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    double share = whole ? CLAMP((double)part / (double)whole, 0, 1) : 1;
    gsize units = (gsize)(share * (double)width * 8 + 0.5);
    gsize full = units / 8, rest = fine ? units % 8 : 0;
    GString *bar = g_string_new(NULL);

    for (gsize i = 0; i < full; i++)
        g_string_append(bar, fine ? "█" : "#");
    g_string_append(bar, eighths[rest]);
    for (gsize i = full + (rest > 0); i < width; i++)
        g_string_append(bar, fine ? "░" : "-");
    return g_string_free(bar, FALSE);
}

static guint64 distance(guint64 a, guint64 b)
{
    return a > b ? a - b : b - a;
}

/* How much of the way is behind, and how long the whole of it is. */
static void measure(const virMemProgress *now, guint64 *done, guint64 *whole)
{
    guint64 left = distance(now->nowKib, now->targetKib);

    *whole = distance(now->fromKib, now->targetKib);
    *done = left > *whole ? 0 : *whole - left;
}

/* "120 MiB/s  3 s left"; too early a guess is none. */
static char *pace(const virMemProgress *now, guint64 done, guint64 whole)
{
    g_autofree char *rate = NULL;
    guint64 seconds;

    if (now->stillMs >= 3000)
        return g_strdup_printf("no progress for %llu s", now->stillMs / 1000);
    if (!done || now->elapsedMs < 500)
        return g_strdup("");
    rate = outKib(done * 1000 / now->elapsedMs);
    if (done == whole)
        return g_strdup_printf("%s/s", rate);
    seconds = (whole - done) * now->elapsedMs / done / 1000 + 1;
    return seconds < 120 ? g_strdup_printf("%s/s  %" G_GUINT64_FORMAT " s left", rate, seconds)
                         : g_strdup_printf("%s/s  %" G_GUINT64_FORMAT " min left", rate, seconds / 60);
}

/* The line of @width cells at most: bar and share first, then the amounts, then the pace, as far as there is room. */
static char *barLine(const Progress *progress, const virMemProgress *now, guint64 done, guint64 whole, gsize width)
{
    g_autofree char *have = outKib(now->nowKib);
    g_autofree char *goal = outKib(now->targetKib);
    g_autofree char *speed = pace(now, done, whole);
    g_autofree char *bar = NULL;
    gsize name = MIN(outWidth(progress->what), width / 3), left = width - MIN(width, name + 1 + PERCENT_WIDTH);
    gsize paceWidth = PACE_WIDTH + (now->undoing ? UNDOING_WIDTH : 0);
    gboolean amounts = left >= BAR_LEAST + AMOUNTS_WIDTH;
    gboolean more = left >= BAR_LEAST + AMOUNTS_WIDTH + paceWidth;
    GString *line = g_string_new(NULL);

    left -= (amounts ? AMOUNTS_WIDTH : 0) + (more ? paceWidth : 0);
    outAppendPadded(line, progress->what, name, FALSE);
    if (left >= BAR_LEAST)
        bar = progressBar(done, whole, MIN(left, BAR_MOST), outUtf8());
    g_string_append_printf(line, " %s %3" G_GUINT64_FORMAT "%%", bar ? bar : "", whole ? done * 100 / whole : 100);
    if (amounts)
        g_string_append_printf(line, "  %s of %s", have, goal);
    if (more)
        g_string_append_printf(line, "%s  %s", now->undoing ? "  taking back" : "", speed);
    return g_string_free(line, FALSE);
}

static void drawBar(Progress *progress, const virMemProgress *now, guint64 done, guint64 whole)
{
    g_autofree char *line = NULL;
    int columns, lines;

    outTerminal(&columns, &lines);
    line = barLine(progress, now, done, whole, (gsize)MAX(columns - 1, 1));
    printf("\r\033[K%s", line);
    fflush(stdout);
    progress->drawn = TRUE;
}

static void printLine(Progress *progress, const virMemProgress *now, guint64 done, guint64 whole)
{
    guint64 tenth = whole ? done * PLAIN_STEPS / whole : PLAIN_STEPS;
    gboolean step = !progress->begun || now->step != progress->step || now->undoing != progress->undoing;
    g_autofree char *have = outKib(now->nowKib);
    g_autofree char *goal = outKib(now->targetKib);
    const char *text = !now->running ? NULL : now->undoing ? now->running->undoText : now->running->text;

    if (!step && tenth == progress->tenth)
        return;
    if (step && text)
        printf("%s: step %zu of %zu%s: %s\n", progress->what, now->step + 1, now->nsteps, now->undoing ? ", taken back" : "",
               text);
    if (!step || !text)
        printf("%s: %s of %s\n", progress->what, have, goal);
    fflush(stdout);
    progress->begun = TRUE;
    progress->step = now->step;
    progress->undoing = now->undoing;
    progress->tenth = tenth;
}

void progressShow(Progress *progress, const virMemProgress *now)
{
    guint64 done, whole;

    if (progress->quiet || now->nowKib == VIR_MEM_UNKNOWN || now->targetKib == VIR_MEM_UNKNOWN)
        return;
    measure(now, &done, &whole);
    if (progress->terminal)
        drawBar(progress, now, done, whole);
    else
        printLine(progress, now, done, whole);
}

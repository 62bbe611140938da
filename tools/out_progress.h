/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* out_progress.h: how far a change has come: a bar on a terminal, plain lines elsewhere */
#pragma once

#include "ctl.h"

typedef struct Progress Progress;

/* @what is in front of each line. Nothing is shown with --quiet. */
Progress *progressNew(const Ctl *ctl, const char *what);
/* Takes the bar off the terminal. */
void progressFree(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progressFree)

/* A virMemProgressFunc's work; never cancels. */
void progressShow(Progress *progress, const virMemProgress *now);

/* "[#####-----]" of @width cells for @part of @whole, in blocks of eighths where the terminal can. Caller frees. */
char *progressBar(guint64 part, guint64 whole, gsize width, gboolean fine);
/* Can stdout show more than ASCII? */
gboolean outUtf8(void);
/* Is stdout a terminal; its width and height. */
gboolean outTerminal(int *columns, int *lines);
/* Is stdout a terminal on which one can move about: not with TERM=dumb. */
gboolean outLive(void);
/* Are colours wanted, too: not with NO_COLOR in the environment. */
gboolean outColours(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd.h: what a command is: its tables, its parsed command line, its outcome */
#pragma once

#include <glib.h>

/* The exit status of the program. Values are documented and never change. */
typedef enum {
    CMD_DONE = 0,
    CMD_FAILED = 1,
    CMD_USAGE = 2,              /* the command line is wrong: nothing was tried */
    CMD_PARTLY = 3,             /* some of it was done and stays done */
    CMD_REFUSED = 4,            /* the guest would not, or cannot */
    CMD_TIMEOUT = 5,            /* the guest did not do it in time; it may still */

    CMD_STATUS_LAST
} CmdStatus;

/* What each status means, for help and manual. Static. */
const char *cmdStatusText(int status);

/* Errors of the program: the code is the CmdStatus to leave with, the message one line without a full stop. */
#define CMD_ERROR cmdErrorQuark()
GQuark cmdErrorQuark(void);
#define cmdErrorSet(err, status, ...) g_set_error((err), CMD_ERROR, (status), __VA_ARGS__)

typedef enum {
    CMD_KIND_FLAG = 0,
    CMD_KIND_STRING,
    CMD_KIND_NUMBER,            /* a whole number from min to max */
    CMD_KIND_SIZE,              /* a number with a unit, KiB by default; stored in KiB, rounded up */
    CMD_KIND_ADDRESS,           /* decimal or 0x hexadecimal, in bytes */
    CMD_KIND_CHOICE,            /* one of choices */
} CmdKind;

typedef enum {
    CMD_REQUIRED = 1 << 0,
    CMD_POSITIONAL = 1 << 1,    /* the option's name may be left out */
    CMD_MANY = 1 << 2,          /* may be given several times; a positional one takes all words that are left */
    CMD_POSITIVE = 1 << 3,      /* a size that must not be 0 */
    CMD_BARE = 1 << 4,          /* the value may be left out: then it is min */
    CMD_EMPTY = 1 << 5,         /* a text that may be empty */
} CmdOptionFlags;

/* What completes an option's value beside its choices. */
typedef enum {
    CMD_COMPLETE_NONE = 0,
    CMD_COMPLETE_DOMAIN,
    CMD_COMPLETE_ALIAS,         /* memory devices of the domain given */
    CMD_COMPLETE_FILE,
    CMD_COMPLETE_COMMAND,
} CmdComplete;

typedef struct {
    const char *name;           /* "requested-size" */
    char letter;                /* 0: it has only a name */
    CmdKind kind;
    unsigned flags;             /* CmdOptionFlags */
    const char *value;          /* what the value is called, "SIZE"; NULL for a flag */
    const char *help;           /* one line, no full stop */
    guint64 min, max;           /* of CMD_KIND_NUMBER */
    const char *const *choices; /* of CMD_KIND_CHOICE; ends in NULL */
    CmdComplete complete;
} CmdOption;

typedef struct {
    const char *summary;        /* one line, no full stop */
    const char *description;    /* sentences; wrapped when shown */
} CmdInfo;

typedef struct Ctl Ctl;
typedef struct Cmd Cmd;

/* Does the command. FALSE with @err set otherwise; its code is the exit status. */
typedef gboolean (*CmdFunc)(Ctl *ctl, const Cmd *cmd, GError **err);

typedef enum {
    CMD_CHANGES = 1 << 0,       /* refused on a read-only connection */
    CMD_WAITS = 1 << 1,         /* follows libvirt's events */
    CMD_HIDDEN = 1 << 2,        /* for scripts: neither listed nor completed */
} CmdDefFlags;

typedef struct {
    const char *name;
    const CmdInfo *info;
    const CmdOption *options;   /* ends in {0} */
    CmdFunc run;
    unsigned flags;             /* CmdDefFlags */
} CmdDef;

typedef struct {
    const char *title;
    const CmdDef *commands;     /* ends in {0} */
} CmdGroup;

/* A parsed command line. @words: what follows the command's name, ending in NULL. Every value has been checked against
 * its option: the functions below cannot fail. CMD_USAGE otherwise, naming option, value and what would be right. */
Cmd *cmdParse(const CmdDef *def, char *const *words, GError **err);
/* The same for options in front of a command; *@used is the number of words they take. */
Cmd *cmdParseFront(const CmdDef *def, char *const *words, gsize *used, GError **err);
void cmdFree(Cmd *cmd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cmd, cmdFree)

const CmdDef *cmdDef(const Cmd *cmd);
/* Was it given? FALSE as well if the command has no such option. */
gboolean cmdGiven(const Cmd *cmd, const char *name);
/* The (first) text given, or NULL. Borrowed. */
const char *cmdText(const Cmd *cmd, const char *name);
/* All texts given, ending in NULL; empty if none. Borrowed. */
char *const *cmdTexts(const Cmd *cmd, const char *name);
/* The number, KiB or bytes given, or @otherwise. */
guint64 cmdNumber(const Cmd *cmd, const char *name, guint64 otherwise);
/* The index of the choice given, or -1. */
int cmdChoice(const Cmd *cmd, const char *name);

/* Read a size as cmdParse() does; @what is named in the message ("option '--node'"). */
gboolean cmdParseSize(const char *text, const char *what, gboolean positive, guint64 *kib, GError **err);

/* The option of this name, or NULL. */
const CmdOption *cmdFindOption(const CmdOption *options, const char *name);
/* The known word nearest to a mistyped one, or NULL when none is near. */
const char *cmdNearest(const char *word, const char *const *known);

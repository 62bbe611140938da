/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd.c: reading a command line by a command's table of options */
#include "cmd.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

typedef struct {
    GPtrArray *texts;           /* what was given, ending in NULL */
    guint64 number;
} Value;

struct Cmd {
    const CmdDef *def;
    Value *values;              /* one for each option of def */
    gsize nvalues;
};

typedef struct {
    Cmd *cmd;
    char *const *words;
    gsize next;                 /* index of the word to be read */
    gboolean front;             /* end at the first word that is no option */
    gboolean literal;           /* "--" was seen */
} Reader;

static const char *const statusTexts[] = {
    [CMD_DONE] = "done",
    [CMD_FAILED] = "failed",
    [CMD_USAGE] = "the command line is wrong, nothing was tried",
    [CMD_PARTLY] = "partly done: what was done stays done",
    [CMD_REFUSED] = "the guest or QEMU refused, or cannot do it",
    [CMD_TIMEOUT] = "the guest did not do it in time",
};
G_STATIC_ASSERT(G_N_ELEMENTS(statusTexts) == CMD_STATUS_LAST);

GQuark cmdErrorQuark(void)
{
    return g_quark_from_static_string("virsh-memory-error");
}

const char *cmdStatusText(int status)
{
    return status >= 0 && status < CMD_STATUS_LAST ? statusTexts[status] : NULL;
}

/* ---- words that are nearly right ---- */

static guint wordDistance(const char *a, const char *b)
{
    gsize na = strlen(a), nb = strlen(b);
    g_autofree guint *row = g_new(guint, nb + 1);

    for (gsize j = 0; j <= nb; j++)
        row[j] = (guint)j;
    for (gsize i = 1; i <= na; i++) {
        guint diagonal = row[0];
        row[0] = (guint)i;
        for (gsize j = 1; j <= nb; j++) {
            guint above = row[j];
            row[j] = MIN(MIN(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

const char *cmdNearest(const char *word, const char *const *known)
{
    const char *best = NULL;
    guint least = (guint)MIN(strlen(word) / 3 + 1, 3);

    if (strlen(word) > 64)
        return NULL;
    for (; *known; known++) {
        guint distance = wordDistance(word, *known);
        if (distance <= least && (!best || distance < least)) {
            best = *known;
            least = distance;
        }
    }
    return best;
}

const CmdOption *cmdFindOption(const CmdOption *options, const char *name)
{
    for (; options && options->name; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

/* ---- values ---- */

/* "command 'setmem': " or, in front of a command, nothing. */
static char *where(const Cmd *cmd)
{
    return cmd->def->name ? g_strdup_printf("command '%s': ", cmd->def->name) : g_strdup("");
}

static const char *hint(const Cmd *cmd, char **text)
{
    *text = cmd->def->name ? g_strdup_printf("virsh-memory help %s", cmd->def->name) : g_strdup("virsh-memory help");
    return *text;
}

gboolean cmdParseSize(const char *text, const char *what, gboolean positive, guint64 *kib, GError **err)
{
    g_autoptr(GError) cause = NULL;
    g_autofree char *digits = NULL;
    gsize length = strspn(text, "0123456789");
    guint64 bytes = 0;

    if (!length || text[length] == '.' || text[length] == ',') {
        cmdErrorSet(err, CMD_USAGE, "%s is '%s': a size is a whole number with a unit, such as 512MiB or 4GiB (without one: KiB)", what, text);
        return FALSE;
    }
    digits = g_strndup(text, length);
    text += length;
    if (!memUnitsParseUint64(digits, &bytes) ||
        (!memUnitsScale(&bytes, text, 1024, G_MAXUINT64 >> 1, &cause) && g_error_matches(cause, MEM_ERROR, VIR_ERR_OVERFLOW))) {
        cmdErrorSet(err, CMD_USAGE, "%s is '%s%s': a size must be below 8 EiB", what, digits, text);
        return FALSE;
    }
    if (cause) {
        cmdErrorSet(err, CMD_USAGE, "%s is '%s%s': unknown unit '%s', use b, KiB, MiB, GiB, TiB, PiB or k, M, G, T, P (1024) or kB, MB, GB, TB, PB (1000)",
                    what, digits, text, text);
        return FALSE;
    }
    *kib = memUnitsBytesToKib(bytes);
    if (positive && !*kib) {
        cmdErrorSet(err, CMD_USAGE, "%s is '%s%s': the size must be more than 0", what, digits, text);
        return FALSE;
    }
    return TRUE;
}

static gboolean readNumber(const CmdOption *option, const char *text, const char *what, guint64 *number, GError **err)
{
    if (g_ascii_isdigit(*text) && memUnitsParseUint64(text, number) && *number >= option->min && *number <= option->max)
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "%s is '%s': give a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what, text, option->min, option->max);
    return FALSE;
}

static gboolean readAddress(const char *text, const char *what, guint64 *number, GError **err)
{
    gboolean hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");

    if (g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXUINT64, number, NULL))
        return TRUE;
    cmdErrorSet(err, CMD_USAGE, "%s is '%s': give an address in bytes, such as 0x140000000", what, text);
    return FALSE;
}

static gboolean readChoice(const CmdOption *option, const char *text, const char *what, guint64 *number, GError **err)
{
    g_autofree char *all = NULL;

    for (*number = 0; option->choices[*number]; ++*number) {
        if (strcmp(option->choices[*number], text) == 0)
            return TRUE;
    }
    all = g_strjoinv(", ", (char **)option->choices);
    cmdErrorSet(err, CMD_USAGE, "%s is '%s': give one of %s", what, text, all);
    return FALSE;
}

static gboolean readValue(const CmdOption *option, const char *text, const char *what, guint64 *number, GError **err)
{
    switch (option->kind) {
    case CMD_KIND_FLAG:
        return TRUE;
    case CMD_KIND_STRING:
        if (*text || option->flags & CMD_EMPTY)
            return TRUE;
        cmdErrorSet(err, CMD_USAGE, "%s is empty: give %s", what, option->value);
        return FALSE;
    case CMD_KIND_NUMBER:
        return readNumber(option, text, what, number, err);
    case CMD_KIND_SIZE:
        return cmdParseSize(text, what, option->flags & CMD_POSITIVE, number, err);
    case CMD_KIND_ADDRESS:
        return readAddress(text, what, number, err);
    case CMD_KIND_CHOICE:
        return readChoice(option, text, what, number, err);
    }
    return FALSE;
}

static gboolean storeValue(Cmd *cmd, const CmdOption *option, const char *text, GError **err)
{
    Value *value = &cmd->values[option - cmd->def->options];
    g_autofree char *in = where(cmd);
    g_autofree char *what = g_strdup_printf("%soption '--%s'", in, option->name);

    if (value->texts && !(option->flags & CMD_MANY)) {
        cmdErrorSet(err, CMD_USAGE, "%s is given twice: give it once", what);
        return FALSE;
    }
    if (!readValue(option, text, what, &value->number, err))
        return FALSE;
    if (!value->texts)
        value->texts = g_ptr_array_new_null_terminated(1, g_free, TRUE);
    g_ptr_array_add(value->texts, g_strdup(text));
    return TRUE;
}

/* ---- words ---- */

static gboolean unknownOption(const Cmd *cmd, const char *name, GError **err)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    g_autofree char *in = where(cmd);
    g_autofree char *see = NULL;
    const char *near;

    for (const CmdOption *option = cmd->def->options; option->name; option++)
        g_ptr_array_add(known, (gpointer)option->name);
    g_ptr_array_add(known, NULL);
    near = cmdNearest(name, (const char *const *)known->pdata);
    if (near)
        cmdErrorSet(err, CMD_USAGE, "%sunknown option '--%s': did you mean '--%s'?", in, name, near);
    else
        cmdErrorSet(err, CMD_USAGE, "%sunknown option '--%s': '%s' lists what there is", in, name, hint(cmd, &see));
    return FALSE;
}

static gboolean isNumber(const char *text)
{
    return text && *text && text[strspn(text, "0123456789")] == '\0';
}

/* The option was named; @inlined is what stood behind "=", or NULL. */
static gboolean readNamed(Reader *reader, const CmdOption *option, const char *inlined, GError **err)
{
    const char *next = reader->words[reader->next];
    g_autofree char *in = where(reader->cmd);
    g_autofree char *least = NULL;

    if (option->kind == CMD_KIND_FLAG) {
        if (!inlined)
            return storeValue(reader->cmd, option, "", err);
        cmdErrorSet(err, CMD_USAGE, "%soption '--%s' takes no value: leave out '=%s'", in, option->name, inlined);
        return FALSE;
    }
    if (inlined)
        return storeValue(reader->cmd, option, inlined, err);
    if (option->flags & CMD_BARE && !isNumber(next)) {
        least = g_strdup_printf("%" G_GUINT64_FORMAT, option->min);
        return storeValue(reader->cmd, option, least, err);
    }
    if (!next) {
        cmdErrorSet(err, CMD_USAGE, "%soption '--%s' needs a value: --%s %s", in, option->name, option->name, option->value);
        return FALSE;
    }
    reader->next++;
    return storeValue(reader->cmd, option, next, err);
}

static gboolean readLong(Reader *reader, const char *word, GError **err)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name = equals ? g_strndup(word, (gsize)(equals - word)) : g_strdup(word);
    const CmdOption *option = cmdFindOption(reader->cmd->def->options, name);

    return option ? readNamed(reader, option, equals ? equals + 1 : NULL, err) : unknownOption(reader->cmd, name, err);
}

/* "-rq", "-c URI" and "-cURI". */
static gboolean readShort(Reader *reader, const char *letters, GError **err)
{
    for (; *letters; letters++) {
        const CmdOption *option = reader->cmd->def->options;
        while (option->name && option->letter != *letters)
            option++;
        if (!option->name) {
            g_autofree char *see = NULL;
            cmdErrorSet(err, CMD_USAGE, "unknown option '-%c': '%s' lists what there is", *letters, hint(reader->cmd, &see));
            return FALSE;
        }
        if (option->kind != CMD_KIND_FLAG)
            return readNamed(reader, option, letters[1] ? letters + 1 : NULL, err);
        if (!readNamed(reader, option, NULL, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean readPositional(Reader *reader, const char *word, GError **err)
{
    Cmd *cmd = reader->cmd;

    for (const CmdOption *option = cmd->def->options; option->name; option++) {
        const Value *value = &cmd->values[option - cmd->def->options];
        if (option->flags & CMD_POSITIONAL && (!value->texts || option->flags & CMD_MANY))
            return storeValue(cmd, option, word, err);
    }
    g_autofree char *in = where(cmd);
    g_autofree char *see = NULL;
    cmdErrorSet(err, CMD_USAGE, "%s'%s' is one word too many: see '%s'", in, word, hint(cmd, &see));
    return FALSE;
}

static gboolean isLetters(const Reader *reader, const char *word)
{
    return word[0] == '-' && word[1] && (reader->front || !g_ascii_isdigit(word[1]));
}

static gboolean readWords(Reader *reader, GError **err)
{
    const char *word;

    while ((word = reader->words[reader->next])) {
        gboolean ok;
        if (!reader->literal && strcmp(word, "--") == 0) {
            reader->literal = TRUE;
            reader->next++;
            if (reader->front)
                return TRUE;
            continue;
        }
        if (reader->front && word[0] != '-')
            return TRUE;
        reader->next++;
        if (!reader->literal && g_str_has_prefix(word, "--"))
            ok = readLong(reader, word + 2, err);
        else if (!reader->literal && isLetters(reader, word))
            ok = readShort(reader, word + 1, err);
        else
            ok = readPositional(reader, word, err);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

static gboolean haveRequired(const Cmd *cmd, GError **err)
{
    for (const CmdOption *option = cmd->def->options; option->name; option++) {
        if (!(option->flags & CMD_REQUIRED) || cmd->values[option - cmd->def->options].texts)
            continue;
        g_autofree char *see = NULL;
        if (option->flags & CMD_POSITIONAL)
            cmdErrorSet(err, CMD_USAGE, "command '%s' needs %s, %s: see '%s'", cmd->def->name, option->value, option->help, hint(cmd, &see));
        else
            cmdErrorSet(err, CMD_USAGE, "command '%s' needs option '--%s %s', %s: see '%s'", cmd->def->name, option->name, option->value, option->help,
                        hint(cmd, &see));
        return FALSE;
    }
    return TRUE;
}

static Cmd *cmdNew(const CmdDef *def)
{
    Cmd *cmd = g_new0(Cmd, 1);

    cmd->def = def;
    while (def->options[cmd->nvalues].name)
        cmd->nvalues++;
    cmd->values = g_new0(Value, cmd->nvalues + 1);
    return cmd;
}

Cmd *cmdParse(const CmdDef *def, char *const *words, GError **err)
{
    g_autoptr(Cmd) cmd = cmdNew(def);
    Reader reader = { .cmd = cmd, .words = words };

    if (!readWords(&reader, err) || !haveRequired(cmd, err))
        return NULL;
    return g_steal_pointer(&cmd);
}

Cmd *cmdParseFront(const CmdDef *def, char *const *words, gsize *used, GError **err)
{
    g_autoptr(Cmd) cmd = cmdNew(def);
    Reader reader = { .cmd = cmd, .words = words, .front = TRUE };

    if (!readWords(&reader, err))
        return NULL;
    *used = reader.next;
    return g_steal_pointer(&cmd);
}

void cmdFree(Cmd *cmd)
{
    if (!cmd)
        return;
    for (gsize i = 0; i < cmd->nvalues; i++) {
        if (cmd->values[i].texts)
            g_ptr_array_unref(cmd->values[i].texts);
    }
    g_free(cmd->values);
    g_free(cmd);
}

/* ---- what was given ---- */

static const Value *findValue(const Cmd *cmd, const char *name)
{
    const CmdOption *option = cmdFindOption(cmd->def->options, name);
    const Value *value = option ? &cmd->values[option - cmd->def->options] : NULL;

    return value && value->texts ? value : NULL;
}

const CmdDef *cmdDef(const Cmd *cmd)
{
    return cmd->def;
}

gboolean cmdGiven(const Cmd *cmd, const char *name)
{
    return findValue(cmd, name) != NULL;
}

const char *cmdText(const Cmd *cmd, const char *name)
{
    const Value *value = findValue(cmd, name);

    return value ? g_ptr_array_index(value->texts, 0) : NULL;
}

char *const *cmdTexts(const Cmd *cmd, const char *name)
{
    static char *const none[] = { NULL };
    const Value *value = findValue(cmd, name);

    return value ? (char *const *)value->texts->pdata : none;
}

guint64 cmdNumber(const Cmd *cmd, const char *name, guint64 otherwise)
{
    const Value *value = findValue(cmd, name);

    return value ? value->number : otherwise;
}

int cmdChoice(const Cmd *cmd, const char *name)
{
    const Value *value = findValue(cmd, name);

    return value ? (int)value->number : -1;
}

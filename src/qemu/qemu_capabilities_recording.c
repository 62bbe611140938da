/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_recording.c: a recorded dialogue (scripts/record-capabilities) answers the probe */

#include "qemu/qemu_capabilities_priv.h"

#include "util/mem_error.h"
#include "util/mem_file.h"

#include <string.h>

#define RECORDING_MAX_BYTES (8 * 1024 * 1024)

typedef struct {
    const char *path;
    GHashTable *replies;        /* the command as memJsonFormat writes it -> text of the reply */
} Recording;

static MemJson *recordedSchema(const Recording *recording, GError **err)
{
    g_autofree char *folder = g_path_get_dirname(recording->path);
    g_autofree char *base = g_path_get_basename(recording->path);
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    g_autoptr(MemJson) schema = NULL;
    MemJson *reply;
    gsize length;

    /* "qemu_7.2.0.x86_64.replies" -> "qemu_7.2.0.schema.json" */
    for (int i = 0; i < 2; i++) {
        char *dot = strrchr(base, '.');

        if (dot)
            *dot = '\0';
    }
    path = g_strdup_printf("%s/%s.schema.json", folder, base);
    if (!(text = memFileRead(path, RECORDING_MAX_BYTES, &length, err)) || !(schema = memJsonParse(text, length, err)))
        return NULL;
    reply = memJsonNew();
    memJsonAdd(reply, "return", g_steal_pointer(&schema));
    return reply;
}

static MemJson *askRecording(gpointer opaque, MemJson *command, GError **err)
{
    const Recording *recording = opaque;
    g_autofree char *question = memJsonFormat(command);
    const char *reply;

    if (g_strcmp0(memJsonGetString(command, "execute"), "query-qmp-schema") == 0)
        return recordedSchema(recording, err);
    reply = g_hash_table_lookup(recording->replies, question);
    if (!reply) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "recording '%s' has no reply to %s: run scripts/record-capabilities again",
                    recording->path, question);
        return NULL;
    }
    return memJsonParse(reply, strlen(reply), err);
}

/* Blocks of "> command" and "< reply", the reply over as many lines as it likes. */
static GHashTable *parseRecording(const char *path, char *text, GError **err)
{
    g_autoptr(GHashTable) replies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) blocks = NULL;

    if (!g_str_has_prefix(text, "> ")) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "recording '%s' does not begin with a question", path);
        return NULL;
    }
    blocks = g_strsplit(text + 2, "\n> ", -1);
    for (gsize i = 0; blocks[i]; i++) {
        char *reply = strstr(blocks[i], "\n< ");
        g_autoptr(MemJson) command = NULL;

        if (!reply) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "recording '%s' has no reply after '%s'", path, blocks[i]);
            return NULL;
        }
        *reply = '\0';
        if (!(command = memJsonParse(blocks[i], strlen(blocks[i]), err)))
            return NULL;
        g_hash_table_insert(replies, memJsonFormat(command), g_strdup(g_strchomp(reply + 3)));
    }
    return g_steal_pointer(&replies);
}

QemuCaps *qemuCapsFromRecording(const char *path, GError **err)
{
    g_autofree char *text = memFileRead(path, RECORDING_MAX_BYTES, NULL, err);
    g_autoptr(GHashTable) replies = NULL;
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *binary = NULL;
    char *dot;

    if (!text || !(replies = parseRecording(path, text, err)))
        return NULL;
    /* Golden files name the binary: the one that the recording's name tells, where Debian has it. */
    if ((dot = strrchr(base, '.')))
        *dot = '\0';
    dot = strrchr(base, '.');
    binary = g_strdup_printf("/usr/bin/qemu-system-%s", dot ? dot + 1 : base);

    Recording recording = { .path = path, .replies = replies };
    QemuCapsSource source = { .ask = askRecording, .opaque = &recording };
    return qemuCapsProbeSource(binary, &source, err);
}

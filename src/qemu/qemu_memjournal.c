/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memjournal.c: what was begun with a guest's memory, on disk */
#define G_LOG_DOMAIN "qemu/qemu_memjournal"
#include "qemu/qemu_memjournal.h"

#include "util/mem_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

MEM_ENUM_IMPL(qemuMemOperation, QEMU_MEM_OPERATION_LAST, "attach", "detach", "update", "setmem", "period");

void qemuMemJournalFree(QemuMemJournal *entry)
{
    if (!entry)
        return;
    g_free(entry->alias);
    g_free(entry->deviceXml);
    g_free(entry->configXml);
    g_free(entry->configBase);
    g_free(entry);
}

static char *journalPath(QemuDomain *dom)
{
    return g_strdup_printf("%s/%s.memory.json", dom->driver->paths.state, dom->name);
}

gboolean qemuMemJournalSave(QemuDomain *dom, const QemuMemJournal *entry, GError **err)
{
    g_autofree char *path = journalPath(dom);
    g_autofree char *text = NULL;
    g_autoptr(MemJson) json = memJsonNew();

    memJsonAddString(json, "operation", qemuMemOperationToString(entry->operation));
    memJsonAddString(json, "alias", entry->alias);
    memJsonAddString(json, "device", entry->deviceXml);
    memJsonAddUint64(json, "value", entry->value);
    memJsonAddString(json, "config", entry->configXml);
    memJsonAddString(json, "configBase", entry->configBase);
    text = memJsonFormat(json);
    return memFileReplaceUnsynced(path, text, -1, err);
}

static gboolean isComplete(const QemuMemJournal *entry)
{
    switch (entry->operation) {
    case QEMU_MEM_ATTACH:
    case QEMU_MEM_DETACH:
    case QEMU_MEM_UPDATE:
        return entry->alias && entry->deviceXml;
    case QEMU_MEM_PERIOD:
        return entry->alias != NULL;
    case QEMU_MEM_TARGET:
        return TRUE;
    case QEMU_MEM_OPERATION_LAST:
        break;
    }
    return FALSE;
}

QemuMemJournal *qemuMemJournalLoad(QemuDomain *dom, GError **err)
{
    g_autofree char *path = journalPath(dom);
    g_autofree char *text = NULL;
    g_autoptr(MemJson) json = NULL;
    g_autoptr(QemuMemJournal) entry = g_new0(QemuMemJournal, 1);
    int operation;
    gsize length;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return NULL;
    text = memFileRead(path, 4 * MEM_XML_MAX_BYTES, &length, err);
    json = text ? memJsonParse(text, length, err) : NULL;
    if (!json)
        return NULL;
    operation = qemuMemOperationFromString(memJsonGetString(json, "operation"));
    entry->alias = g_strdup(memJsonGetString(json, "alias"));
    entry->deviceXml = g_strdup(memJsonGetString(json, "device"));
    entry->configXml = g_strdup(memJsonGetString(json, "config"));
    entry->configBase = g_strdup(memJsonGetString(json, "configBase"));
    memJsonGetUint64(json, "value", &entry->value);
    entry->operation = operation < 0 ? QEMU_MEM_OPERATION_LAST : (QemuMemOperation)operation;
    if (isComplete(entry))
        return g_steal_pointer(&entry);
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' lacks a known operation, an alias or a device", path);
    return NULL;
}

void qemuMemJournalRemove(QemuDomain *dom)
{
    g_autofree char *path = journalPath(dom);

    unlink(path);
}

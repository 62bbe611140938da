/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysinfo_conf.c: <sysinfo type='smbios'>: what the guest reads in its DMI tables */
#include "conf/guest_conf.h"

#include "util/mem_error.h"

#define TABLE_NAMES_MAX 8

MEM_ENUM_IMPL(sysinfoTable, SYSINFO_LAST, "bios", "system", "baseBoard", "chassis", "oemStrings");

/* The entries of each table, in the order in which they are written. */
static const char *const entryNames[SYSINFO_LAST][TABLE_NAMES_MAX] = {
    [SYSINFO_BIOS] = { "vendor", "version", "date", "release" },
    [SYSINFO_SYSTEM] = { "manufacturer", "product", "version", "serial", "uuid", "sku", "family" },
    [SYSINFO_BASEBOARD] = { "manufacturer", "product", "version", "serial", "asset", "location" },
    [SYSINFO_CHASSIS] = { "manufacturer", "version", "serial", "asset", "sku" },
    [SYSINFO_OEMSTRINGS] = { NULL },
};

static gboolean knownEntry(SysinfoTable table, const char *name)
{
    if (table == SYSINFO_OEMSTRINGS)
        return name == NULL;
    for (gsize i = 0; i < TABLE_NAMES_MAX && entryNames[table][i]; i++) {
        if (g_strcmp0(entryNames[table][i], name) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean parseEntries(const xmlNode *node, SysinfoTable table, unsigned instance, GArray *entries, GError **err)
{
    static const char *const children[] = { "entry", NULL };

    if (!memXmlOnlyChildren(node, children, err))
        return FALSE;
    for (const xmlNode *child = memXmlChild(node, "entry"); child; child = memXmlNext(child, "entry")) {
        g_autofree char *name = memXmlAttr(child, "name");
        g_autofree char *value = memXmlText(child);
        SysinfoEntry entry = { .table = table, .instance = instance };

        if (!knownEntry(table, name)) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "entry '%s' in sysinfo '%s' is not supported",
                        name ? name : "", sysinfoTableToString(table));
            return FALSE;
        }
        if (!value)
            continue;
        entry.name = g_steal_pointer(&name);
        entry.value = g_steal_pointer(&value);
        g_array_append_val(entries, entry);
    }
    return TRUE;
}

static void clearEntry(gpointer data)
{
    SysinfoEntry *entry = data;

    g_free(entry->name);
    g_free(entry->value);
}

/* Entries in the order of the table above, whatever order they came in. */
static void orderEntries(const GArray *found, SysinfoTable table, unsigned instance, SysinfoDef *def)
{
    for (gsize n = 0; n < TABLE_NAMES_MAX; n++) {
        const char *name = entryNames[table][n];

        if (!name && table != SYSINFO_OEMSTRINGS)
            return;
        for (guint i = 0; i < found->len; i++) {
            SysinfoEntry *entry = &g_array_index(found, SysinfoEntry, i);

            if (entry->value && entry->table == table && entry->instance == instance &&
                g_strcmp0(entry->name, name) == 0) {
                def->entries[def->nentries++] = *entry;
                *entry = (SysinfoEntry){ 0 };
            }
        }
    }
}

gboolean sysinfoDefParse(const xmlNode *node, SysinfoDef *def, GError **err)
{
    static const char *const attrs[] = { "type", NULL };
    g_autofree char *type = memXmlAttr(node, "type");
    g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(SysinfoEntry));
    unsigned instance = 0;

    g_array_set_clear_func(found, clearEntry);
    if (g_strcmp0(type, "smbios") != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "sysinfo type '%s' is not supported: use 'smbios'",
                    type ? type : "");
        return FALSE;
    }
    if (!memXmlOnlyAttrs(node, attrs, err))
        return FALSE;
    for (const xmlNode *child = memXmlChild(node, NULL); child; child = memXmlNext(child, NULL)) {
        int table = sysinfoTableFromString((const char *)child->name);

        if (table < 0) {
            memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element '%s' in 'sysinfo' is not supported", child->name);
            return FALSE;
        }
        if (!parseEntries(child, (SysinfoTable)table, instance++, found, err))
            return FALSE;
    }
    def->present = TRUE;
    def->entries = g_new0(SysinfoEntry, found->len);
    for (int table = 0; table < SYSINFO_LAST; table++) {
        for (unsigned i = 0; i < instance; i++)
            orderEntries(found, (SysinfoTable)table, i, def);
    }
    return TRUE;
}

void sysinfoDefFormat(MemXmlOut *out, const SysinfoDef *def)
{
    if (!def->present)
        return;
    memXmlOutStart(out, "sysinfo");
    memXmlOutAttr(out, "type", "smbios");
    for (gsize i = 0; i < def->nentries; i++) {
        const SysinfoEntry *entry = &def->entries[i];
        const SysinfoEntry *previous = i ? entry - 1 : NULL;
        const SysinfoEntry *next = i + 1 < def->nentries ? entry + 1 : NULL;

        if (!previous || previous->table != entry->table || previous->instance != entry->instance)
            memXmlOutStart(out, sysinfoTableToString(entry->table));
        memXmlOutStart(out, "entry");
        memXmlOutAttr(out, "name", entry->name);
        memXmlOutEndText(out, entry->value);
        if (!next || next->table != entry->table || next->instance != entry->instance)
            memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

void sysinfoDefClear(SysinfoDef *def)
{
    for (gsize i = 0; i < def->nentries; i++)
        clearEntry(&def->entries[i]);
    g_clear_pointer(&def->entries, g_free);
    def->nentries = 0;
}

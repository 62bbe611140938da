/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memunplug.c: the guest's answer to an unplug request */
#include "qemu/qemu_memunplug.h"

#include "util/mem_error.h"

typedef struct {
    gboolean waited;            /* somebody waits for it */
    gboolean answered;
    char *refusal;              /* NULL: it is gone */
} Answer;

static void answerFree(gpointer data)
{
    Answer *answer = data;

    g_free(answer->refusal);
    g_free(answer);
}

static Answer *lookup(QemuDomain *dom, const char *alias)
{
    return dom->unplugs ? g_hash_table_lookup(dom->unplugs, alias) : NULL;
}

void qemuMemUnplugBegin(QemuDomain *dom, const char *alias)
{
    if (!dom->unplugs)
        dom->unplugs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, answerFree);
    g_hash_table_replace(dom->unplugs, g_strdup(alias), g_new0(Answer, 1));
    lookup(dom, alias)->waited = TRUE;
}

void qemuMemUnplugForget(QemuDomain *dom)
{
    g_clear_pointer(&dom->unplugs, g_hash_table_unref);
}

gboolean qemuMemUnplugEnd(QemuDomain *dom, const char *alias)
{
    Answer *answer = lookup(dom, alias);
    gboolean gone = answer && answer->answered && !answer->refusal;

    if (gone)
        g_hash_table_remove(dom->unplugs, alias);
    else if (answer)
        answer->waited = FALSE;
    return gone;
}

gboolean qemuMemUnplugWait(QemuDomain *dom, const char *alias, gint64 deadline, GError **err)
{
    const Answer *answer;
    gboolean late = FALSE;

    while ((answer = lookup(dom, alias)) && !answer->answered && !late)
        late = !g_cond_wait_until(&dom->changed, &dom->lock, deadline);
    if (!answer) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' ended while its guest was asked to give up device '%s'",
                    dom->name, alias);
        return FALSE;
    }
    if (!answer->answered) {
        memErrorSet(err, VIR_ERR_OPERATION_TIMEOUT,
                    "the guest has not yet given up device '%s': it may still do so, and a device-removed event then tells; a guest that has not booted, or has no driver for it, never answers",
                    alias);
        return FALSE;
    }
    if (!answer->refusal)
        return TRUE;
    memErrorSet(err, VIR_ERR_OPERATION_FAILED, "the guest refused to give up device '%s': %s", alias, answer->refusal);
    return FALSE;
}

gboolean qemuMemUnplugTell(QemuDomain *dom, const char *alias, const char *refusal)
{
    Answer *answer = lookup(dom, alias);

    if (!answer || answer->answered)
        return FALSE;
    if (!answer->waited && !refusal) {
        g_hash_table_remove(dom->unplugs, alias);
        return FALSE;
    }
    answer->answered = TRUE;
    answer->refusal = g_strdup(refusal);
    g_cond_broadcast(&dom->changed);
    return answer->waited;
}

gboolean qemuMemUnplugIsRefused(QemuDomain *dom, const char *alias)
{
    const Answer *answer = lookup(dom, alias);

    return answer && answer->refusal;
}

/* ---- ACPI ---- */

#define OST_SOURCE_EJECT 3
#define OST_SOURCE_EJECT_BY_OS 0x103

const char *qemuMemUnplugOstReason(gint64 source, gint64 status)
{
    static const struct {
        gint64 status;
        const char *reason;
    } rows[] = {
        { 0x01, "it gave no reason (memory that it cannot move is the usual one)" },
        { 0x80, "it does not support giving up this device" },
        { 0x81, "the device is in use" },
        { 0x82, "the device is busy: memory in it could not be moved" },
        { 0x83, "something that depends on the device is busy" },
    };

    if (source != OST_SOURCE_EJECT && source != OST_SOURCE_EJECT_BY_OS)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].status == status)
            return rows[i].reason;
    }
    return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memjournal.h: what was begun with a guest's memory, on disk, for the daemon that comes after a crash */
#pragma once

#include "qemu/qemu_driver_priv.h"

/* One entry a domain, because one job a domain: written before the first step of a plan, removed after its outcome stands
 * in the status file. A daemon that finds one asks QEMU how far it came and finishes or undoes it: QEMU is the fact, the
 * entry only says what to look for. */

typedef enum {
    QEMU_MEM_ATTACH = 0,
    QEMU_MEM_DETACH,
    QEMU_MEM_UPDATE,
    QEMU_MEM_TARGET,                /* setmem */
    QEMU_MEM_PERIOD,

    QEMU_MEM_OPERATION_LAST
} QemuMemOperation;

MEM_ENUM_DECL(qemuMemOperation);

typedef struct {
    QemuMemOperation operation;
    char *alias;                    /* target: NULL */
    char *deviceXml;                /* attach, detach, update: the live device as it is or will be, with alias and address */
    guint64 value;                  /* target: KiB; period: seconds */
    char *configXml;                /* the definition to be stored if the live change is done; NULL: leave it */
    char *configBase;               /* checksum of the definition that this was made from */
} QemuMemJournal;

void qemuMemJournalFree(QemuMemJournal *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuMemJournal, qemuMemJournalFree)

/* Under the domain's lock, all of them. */
gboolean qemuMemJournalSave(QemuDomain *dom, const QemuMemJournal *entry, GError **err);
/* NULL without error: nothing was under way. An entry that cannot be read is an error and stays. */
QemuMemJournal *qemuMemJournalLoad(QemuDomain *dom, GError **err);
void qemuMemJournalRemove(QemuDomain *dom);

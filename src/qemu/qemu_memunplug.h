/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memunplug.h: the guest's answer to an unplug request: gone, refused with a reason, or none yet */
#pragma once

#include "qemu/qemu_domain.h"

/*   Begin ---- device_del ----> waiting --- DEVICE_DELETED --------------------> gone
 *                                  |  \--- ACPI_DEVICE_OST, DEVICE_UNPLUG_GUEST_ERROR,
 *                                  |        MEM_UNPLUG_ERROR ------------------> refused
 *                                  \------ deadline --> nobody waits; an answer that comes later is
 *                                                       recorded and announced all the same
 * All under the domain's lock, which Wait gives up while waiting. */

void qemuMemUnplugBegin(QemuDomain *dom, const char *alias);
/* TRUE: gone. FALSE: VIR_ERR_OPERATION_FAILED with the guest's reason, VIR_ERR_OPERATION_TIMEOUT, or the end of the domain. */
gboolean qemuMemUnplugWait(QemuDomain *dom, const char *alias, gint64 deadline, GError **err);
/* Nobody waits any more. TRUE: the guest has said that it is gone (after the wait ended, perhaps). What was asked is kept in
 * mind until the answer to it, or the next Begin. */
gboolean qemuMemUnplugEnd(QemuDomain *dom, const char *alias);

/* The guest answered: gone (@refusal NULL), or refused for a reason in words. TRUE if somebody was waiting for it. */
gboolean qemuMemUnplugTell(QemuDomain *dom, const char *alias, const char *refusal);

/* Has the last request to give up @alias been refused already? QEMU tells of one refusal in up to three events. */
gboolean qemuMemUnplugIsRefused(QemuDomain *dom, const char *alias);
/* QEMU has ended: what was asked of its guest is of no interest any more. */
void qemuMemUnplugForget(QemuDomain *dom);

/* What an ACPI _OST status means for an ejection (ACPI 6.5, table 6.15 and 6.16): NULL when it is no refusal. Static. */
const char *qemuMemUnplugOstReason(gint64 source, gint64 status);

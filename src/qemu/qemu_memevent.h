/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_memevent.h: what QEMU says of its own accord about memory devices being unplugged */
#pragma once

#include "qemu/qemu_domain.h"

/* Handlers for the table in qemu_process_event.c: on the loop thread, under the domain's lock, the domain runs. @data may
 * be NULL or malformed. What can block is queued. */
void qemuMemEventDeviceDeleted(QemuDomain *dom, MemJson *data);
void qemuMemEventUnplugGuestError(QemuDomain *dom, MemJson *data);
void qemuMemEventUnplugError(QemuDomain *dom, MemJson *data);
void qemuMemEventAcpiOst(QemuDomain *dom, MemJson *data);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcfakedriver.h: a double of the driver: domains in memory, answers that never change, calls that can be held up */
#pragma once

#include "qemu/qemu_driver.h"

/* Implements qemu_driver.h and qemu_host.h. It begins with one inactive domain, "guest" of RPC_FAKE_UUID. A definition
 * is kept as text; only <name> and <uuid> in it are looked at. */
#define RPC_FAKE_UUID "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"

/* While held, qemuDriverReset() does not return. */
void rpcFakeHold(QemuDriver *driver, gboolean hold);
/* Wait until @count calls are held up. */
void rpcFakeWaitHeld(QemuDriver *driver, unsigned count);
/* The other side of the console opened last, owned by the driver; -1: none. */
int rpcFakeConsole(QemuDriver *driver);
void rpcFakeEmit(QemuDriver *driver, const QemuEvent *event);
/* How many clients have gone after having been open. */
unsigned rpcFakeClientsGone(QemuDriver *driver);

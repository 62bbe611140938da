/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_host.h: a host recorded in tests/hostdata, unpacked and made the one that qemu_host.h reads */
#pragma once

#include <glib.h>

/* Unpack "NAME.host" (blocks of "==> PATH" and the file's text) below a fresh folder, and set the root to it. Free with
 * testHostEnd, which removes the folder and sets the root back. */
char *testHostBegin(const char *name);
void testHostEnd(char *root);

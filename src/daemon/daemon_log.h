/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_log.h: where log lines go and which */
#pragma once

#include <glib.h>

/* Lines down to @level go to standard error, or, when that is /dev/null (a daemon that libvirt.so has started), to
 * @fallback. Once, before threads. */
void daemonLogInit(GLogLevelFlags level, const char *fallback);

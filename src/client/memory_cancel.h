/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_cancel.h: a switch that a signal handler may throw */
#pragma once

#include <libvirt/libvirt-memory.h>

/* A descriptor that is readable once the switch is thrown; -1 for NULL. */
int memoryCancelFd(const virMemCancel *cancel);

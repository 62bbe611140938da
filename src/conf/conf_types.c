/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf_types.c: the strings of what several element families share */
#include "conf/conf_types.h"

MEM_ENUM_IMPL(arch, ARCH_LAST, NULL, "x86_64", "i686", "aarch64", "ppc64", "ppc64le", "s390x");

MEM_ENUM_IMPL(memoryAccess, MEMORY_ACCESS_LAST, NULL, "shared", "private");

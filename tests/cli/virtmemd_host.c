/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtmemd_host.c: makes virtmemd see the host that is unpacked under MEM_TEST_HOST_ROOT */
#include <stdlib.h>

#include "qemu/qemu_host.h"

__attribute__((constructor)) static void useRecordedHost(void)
{
    const char *root = getenv("MEM_TEST_HOST_ROOT");

    if (root)
        qemuHostSetRoot(root);
}

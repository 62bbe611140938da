/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_kvm.c: does KVM work on this host */

#include "qemu/qemu_capabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)

#define CPUID_ENTRIES 256
#define CPUID_1_ECX_SSE3 1u

/* Some nested hypervisors make virtual machines in which no ordinary kernel comes up; their list of CPU features is poor.
 * SSE3 is older than hardware virtualisation: a KVM that does not offer it is one of those. */
static gboolean offersUsefulCpu(int fd)
{
    gsize bytes = sizeof(struct kvm_cpuid2) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2);
    g_autofree struct kvm_cpuid2 *cpuid = g_malloc0(bytes);

    cpuid->nent = CPUID_ENTRIES;
    if (ioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
        return errno == E2BIG;
    for (guint32 i = 0; i < cpuid->nent; i++) {
        if (cpuid->entries[i].function == 1)
            return (cpuid->entries[i].ecx & CPUID_1_ECX_SSE3) != 0;
    }
    return FALSE;
}

#else

static gboolean offersUsefulCpu(int fd)
{
    return TRUE;
}

#endif

static gboolean makesMachine(int fd)
{
    int vm = ioctl(fd, KVM_CREATE_VM, 0);

    if (vm < 0)
        return FALSE;
    close(vm);
    return TRUE;
}

static gpointer tryKvm(gpointer unused)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    gboolean works;

    if (fd < 0)
        return GINT_TO_POINTER(FALSE);
    works = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && makesMachine(fd) && offersUsefulCpu(fd);
    close(fd);
    return GINT_TO_POINTER(works);
}

gboolean qemuCapsKvmWorks(void)
{
    static GOnce once = G_ONCE_INIT;

    return GPOINTER_TO_INT(g_once(&once, tryKvm, NULL));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_cancel.c: a switch that a signal handler may throw */
#include "client/memory_cancel.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <glib.h>

#include "client/memory_error.h"

struct _virMemCancel {
    int fd;                     /* immutable; its counter is never read back, so it stays readable */
    int thrown;                 /* atomic */
};

virMemCancel *virMemCancelNew(virMemError *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    memoryErrorClear(err);
    if (fd < 0) {
        memoryErrorSet(err, VIR_MEM_ERR_SYSTEM, "cannot make an event descriptor: %s", g_strerror(errno));
        return NULL;
    }
    virMemCancel *cancel = g_new0(virMemCancel, 1);
    cancel->fd = fd;
    return cancel;
}

void virMemCancelNow(virMemCancel *cancel)
{
    const uint64_t one = 1;
    int kept = errno;

    if (!cancel)
        return;
    __atomic_store_n(&cancel->thrown, 1, __ATOMIC_SEQ_CST);
    /* It can only fail because it is readable already. */
    if (write(cancel->fd, &one, sizeof(one)) < 0)
        errno = kept;
    errno = kept;
}

int virMemCancelled(const virMemCancel *cancel)
{
    return cancel ? __atomic_load_n(&cancel->thrown, __ATOMIC_SEQ_CST) : 0;
}

int memoryCancelFd(const virMemCancel *cancel)
{
    return cancel ? cancel->fd : -1;
}

void virMemCancelFree(virMemCancel *cancel)
{
    if (!cancel)
        return;
    close(cancel->fd);
    g_free(cancel);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_event_loop.c: libvirt's event loop, for programs that have none */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-memory.h>

#include "client/memory_error.h"

/* Often enough to notice nothing by itself: it only keeps the loop from sleeping for ever on no handle at all. */
#define BEAT_MS (60 * 1000)

static GMutex lock;
static gboolean ready;          /* under lock */

static void onBeat(int timer, void *opaque)
{
    (void) timer;
    (void) opaque;
}

static gboolean loopIsRegistered(void)
{
    int timer = virEventAddTimeout(-1, onBeat, NULL, NULL);

    if (timer < 0) {
        virResetLastError();
        return FALSE;
    }
    virEventRemoveTimeout(timer);
    return TRUE;
}

static gpointer runLoop(gpointer data)
{
    (void) data;
    for (;;) {
        if (virEventRunDefaultImpl() < 0)
            virResetLastError();
    }
    return NULL;
}

/* The program's signals are none of this thread's business: its handlers run in its own threads. */
static GThread *startThread(GError **error)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    GThread *thread = g_thread_try_new("virMem events", runLoop, NULL, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

int virMemEventLoopStart(virMemError *err)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    GError *error = NULL;

    memoryErrorClear(err);
    if (ready)
        return VIR_MEM_OK;
    if (virInitialize() < 0)
        return memoryErrorFromLibvirt(err, NULL);
    if (!loopIsRegistered()) {
        if (virEventRegisterDefaultImpl() < 0 || virEventAddTimeout(BEAT_MS, onBeat, NULL, NULL) < 0)
            return memoryErrorSet(err, VIR_MEM_ERR_SYSTEM, "libvirt's event loop cannot be set up");
        GThread *thread = startThread(&error);
        if (!thread)
            return memoryErrorFromGError(err, VIR_MEM_ERR_SYSTEM, error);
        g_thread_unref(thread);
    }
    ready = TRUE;
    return VIR_MEM_OK;
}

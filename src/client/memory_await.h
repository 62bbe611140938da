/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_await.h: waiting until a guest has done what it was asked, or it is clear that it will not
 *
 * One await at a time:
 *
 *        +-> refresh (reconnect if need be) -> measure -> reached ----------------> NONE
 *        |                                        |
 *        |                                        +-- moved: the time without progress starts anew
 *        |                                        +-- cancelled, refused, stopped, still for too long -> diagnosis
 *        +------- event, or interval -------------+ */
#pragma once

#include "client/memory_diagnose.h"
#include "client/memory_inventory.h"
#include "client/memory_watch.h"

typedef struct {
    int change;                 /* MemoryChange */
    const char *alias;          /* NULL for balloon and guest */
    guint64 wantedKib;          /* GUEST: 0: all virtio-mem devices as requested */
    gboolean asked;             /* it was asked for just now, so a guest that does not stir has no driver */
    guint64 totalBeforeKib;     /* PLUG: memoryAwaitTotalKib() of before it was asked for; 0: the first look is of before */
} MemoryGoal;

typedef struct {
    MemoryWatch *watch;
    const virMemRunOptions *options;    /* never NULL */
    virMemInventory *inventory;         /* the latest; never NULL after memoryAwaitInit() */
    virMemProgress progress;            /* fromKib, targetKib, step, nsteps, running, undoing: the caller's */
    gint64 began;                       /* monotonic, microseconds */
    guint64 hadKib, totalBeforeKib;     /* the guest's size and MemTotal at the first look; UNKNOWN: no reports flow */
    gboolean declined;                  /* the progress callback wants no more */
    int libvirtCode;                    /* of a refused call */
    char *alias;                        /* at fault in the last diagnosis, or NULL */
    char *text;                         /* of it, or NULL */
} MemoryAwait;

/* The guest's MemTotal; VIR_MEM_UNKNOWN unless its reports come, so that the use of new memory can be seen. */
guint64 memoryAwaitTotalKib(const virMemInventory *inventory);
/* What the guest has when each virtio-mem device has what was requested. */
guint64 memoryAwaitRequestedKib(const virMemInventory *inventory);

/* The first look at the guest. @options may be NULL. An error before anything was done: as virMemGetInventory(). */
int memoryAwaitInit(MemoryAwait *await, virDomainPtr dom, const virMemRunOptions *options, virMemError *err);
void memoryAwaitClear(MemoryAwait *await);

/* Another look at the guest; what was seen before stays if there is none to be had. */
void memoryAwaitLook(MemoryAwait *await);

/* Returns a virMemDiagnosis; text and alias are set unless it is NONE. */
int memoryAwaitGoal(MemoryAwait *await, const MemoryGoal *goal);

/* After all that was to grow has grown: waits for the guest's next report if no earlier one shows that it uses the memory.
 * Returns NONE (it does, or does not report), NOT_ONLINE or LOST. */
int memoryAwaitOnline(MemoryAwait *await);

/* Waits for a report of the guest. Returns NONE, NO_DRIVER (it never reported), STALLED, CANCELLED or LOST. */
int memoryAwaitReport(MemoryAwait *await);

/* A call of libvirt that changes something; 0 or -1, as libvirt's own. */
typedef int (*MemoryCallFunc)(virDomainPtr dom, gconstpointer data);
/* Makes the call, and once more after each reconnect, unless @done says that it took effect before the connection was lost.
 * Returns NONE, LOST, CANCELLED or REFUSED. */
int memoryAwaitCall(MemoryAwait *await, const MemoryGoal *goal, MemoryCallFunc call, gconstpointer data,
                    gboolean (*done)(const virMemInventory *, gconstpointer));

/* The result of it all; @reached, the figure at the end. Caller frees. */
virMemResult *memoryAwaitResult(const MemoryAwait *await, int diagnosis, guint64 fromKib, guint64 askedKib, guint64 reachedKib);
/* The code that stands for @diagnosis, with the message of @await in @err. */
int memoryAwaitCode(const MemoryAwait *await, int diagnosis, virMemError *err);

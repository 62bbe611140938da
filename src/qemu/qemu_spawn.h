/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_spawn.h: start a QEMU that outlives the daemon, know it again later, ask the kernel about it */
#pragma once

#include "util/mem_bitmap.h"

#include <sys/types.h>

/* The order:  parent             child
 *             fork               (new session, descriptors arranged) waits
 *             beforeExec(pid)    waits
 *             go                 limits, exec
 * If the daemon dies before "go", the child ends; after it, what beforeExec wrote names the process. So no QEMU ever
 * runs that a restarted daemon could not find. */

/* The monitor's listening socket has this number in QEMU. */
#define QEMU_SPAWN_MONITOR_FD 3
#define QEMU_SPAWN_FIRST_PASSED 64

typedef struct {
    char *const *argv;                      /* argv[0]: absolute path */
    char *const *env;                       /* "NAME=value", the whole environment */
    int monitorFd;                          /* listening socket; stays the caller's */
    int logFd;                              /* becomes stdout and stderr; stays the caller's */
    const int *passFds;                     /* further descriptors that QEMU gets under the same number, -1 at the end; */
                                            /* each at least QEMU_SPAWN_FIRST_PASSED; NULL: none */
    guint64 memlockBytes;                   /* 0: leave the limit; G_MAXUINT64: no limit */
    gboolean memlockOptional;               /* a daemon that may not raise the limit goes on without */
    const MemBitmap *cpuset;                /* host CPUs to run on; NULL: all */
    /* Record @pid where a restarted daemon finds it. FALSE: nothing is executed. */
    gboolean (*beforeExec)(pid_t pid, gpointer opaque, GError **err);
    gpointer opaque;
} QemuSpawn;

/* Any thread. The new process, or -1: VIR_ERR_SYSTEM_ERROR naming the binary and errno, and no process is left. */
pid_t qemuSpawnStart(const QemuSpawn *spawn, GError **err);

/* A descriptor for @pid, readable when it has ended, if it still is the process that began at @startTime (0: any).
 * -1 without error: it is not there, or is another. */
int qemuSpawnOpenPid(pid_t pid, guint64 startTime);
/* Signal the process of @pidfd. FALSE: it has ended. */
gboolean qemuSpawnSignal(int pidfd, int signal);
/* Reap a child of ours that has ended. TRUE with *@status as of wait(2); FALSE: it was not our child. */
gboolean qemuSpawnReap(int pidfd, int *status);

/* From /proc/PID/stat. */
typedef struct {
    guint64 startTime;                      /* ticks since boot: with the pid, it names a process for good */
    guint64 userNs, systemNs;
    guint64 rssKib;
    int cpu;                                /* where it ran last */
    char state;                             /* 'R', 'S', 'T', 'Z' ... */
} QemuSpawnStat;

/* @thread 0: the whole process, else one thread of it. FALSE: not there. */
gboolean qemuSpawnStat(pid_t pid, pid_t thread, QemuSpawnStat *stat);
/* How long @thread was ready to run and had no CPU. FALSE: not there, or the kernel does not count it. */
gboolean qemuSpawnDelay(pid_t pid, pid_t thread, guint64 *delayNs);

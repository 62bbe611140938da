/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain.h: one domain as the driver keeps it: definitions, state, process, job; and the list of all */
#pragma once

#include "conf/domain_conf.h"
#include "qemu/qemu_capabilities.h"
#include "qemu/qemu_driver.h"
#include "qemu/qemu_monitor.h"

/* For balloonToldUs: never, and we have listened since QEMU began. */
#define QEMU_BALLOON_LONG_AGO 1

/* Locks, in the order in which they may be taken:
 *   1. a domain's `lock`: short; never held while waiting for QEMU, for a process, or for a disk
 *   2. the list's lock: shorter; no domain's lock is taken under it
 *   3. the event queue's lock
 * Two rights are no locks: they are taken and given back under `lock`, and kept while `lock` is not. Who wants both takes the
 * job first. Reading needs `lock` alone.
 *   - A job: only its holder changes the domain by way of QEMU. It may last as long as a guest does not answer.
 *   - The right to store: only its holder writes or removes the domain's files in the folder of definitions, and sets or clears
 *     `config` and `autostart`. It lasts as long as a disk takes, and its holder waits for nothing else.
 * A domain that has neither definition is in the list only as long as one of its rights is held, or about to be: it keeps a
 * name and a UUID taken for a definition that is being written or started, and is not found by clients.
 *
 * The loop thread takes `lock` to note what QEMU says (events, the end of the process); it never waits for a right, and takes a
 * free job only for a worker that follows at once (qemuDriverSetMemoryBegin). So whoever
 * unlocks and locks again, job or not, must look again whether `live` is still there: qemuDomainStillRuns(). */

typedef struct {
    pid_t pid;                              /* 0: no process */
    guint64 startTime;                      /* with the pid, names the process for good */
    int pidfd;                              /* -1: no process */
    GSource *watch;                         /* on the loop, for the end of the process */
    char *cgroup;                           /* folder of its control group; NULL: it has none */
    char *cpuset;                           /* likewise of the one that keeps it on nodes of the host; of v2 both are one */
    gint64 logOffset;                       /* where the log began with this start */
    gboolean ended;                         /* seen by the loop */
    int exitStatus;                         /* as of wait(2); -1: not known */
} QemuDomainProcess;

typedef struct {
    int refs;                               /* atomic */
    QemuDriver *driver;                     /* immutable, borrowed */
    char *name;                             /* immutable */
    unsigned char uuid[16];                 /* immutable */

    GMutex lock;                            /* guards all below */
    GCond changed;                          /* a job ended, storing ended, the process ended, reconnecting ended */
    DomainDef *config;                      /* as it will start; NULL: transient */
    DomainDef *live;                        /* as it runs; NULL: it does not */
    int id;                                 /* -1: does not run */
    int state, reason;                      /* virDomainState and its reason */
    gboolean autostart;
    gboolean updated;                       /* the config was changed while it ran */
    gboolean removed;                       /* no longer in the list: whoever still holds it must not bring it back */
    gboolean starting;                      /* a worker starts it: that worker handles a failure */
    gboolean reconnecting;                  /* the daemon has just come up and asks QEMU what is true */
    gboolean unasked;                       /* found by the daemon, and what is true has to be asked (again) */
    gboolean rebooting;                     /* power down was asked for by reboot: the guest's shutdown is followed by reset */
    gboolean eventsToTell;                  /* something was queued since the last guard ended */
    gboolean autodestroy;
    gpointer client;                        /* of autodestroy; compared, never followed */
    int pauseReason, runReason;             /* for the next STOP and RESUME event; -1: not caused by us */
    int stopReason;                         /* virDomainShutoffReason when we end the process; -1: not caused by us */

    const char *job;                        /* static: what the holder does; NULL: free */
    gint64 jobSince;                        /* monotonic, microseconds */
    gboolean storing;                       /* the right to store is taken */

    QemuDomainProcess process;
    QemuMonitor *mon;                       /* NULL: none */
    QemuCaps *caps;                         /* of what runs; NULL: it does not, or was found and has not been asked for them */
    guint64 balloonBytes;                   /* what QEMU last said that the balloon leaves to the guest; 0: it has not */
    gint64 balloonToldUs;                   /* monotonic: when it last said so of its own accord, or we began to listen */
    guint memNews;                          /* how often QEMU has told of the balloon's or a device's size: an answer that was
                                             * asked for before the last of them may be older than it */
    GArray *vcpuThreads;                    /* gint64 thread ids by vCPU; NULL: not known */
    gboolean memUnsettled;                  /* a change of its memory is open, or the guest gave up a device, and the live
                                             * definition does not have it yet: qemu_memrecover.c */
    gboolean settleQueued;                  /* that will be tried in the background, too */
    GHashTable *unplugs;                    /* qemu_memunplug.c: alias -> the guest's answer; NULL: none under way */
} QemuDomain;

/* A domain of @def's name and UUID without definitions; one reference. */
QemuDomain *qemuDomainNew(QemuDriver *driver, const DomainDef *def);
QemuDomain *qemuDomainKeep(QemuDomain *dom);
void qemuDomainRelease(QemuDomain *dom);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuDomain, qemuDomainRelease)

/* ---- all of these under lock ---- */

void qemuDomainSetState(QemuDomain *dom, int state, int reason);
/* The definition to show: live if it runs, else config. Borrowed, until unlocked. */
DomainDef *qemuDomainDef(QemuDomain *dom);
void qemuDomainFillRef(QemuDomain *dom, QemuDomainRef *ref);
/* VIR_ERR_OPERATION_INVALID "domain is not running" and the like. */
gboolean qemuDomainCheckActive(QemuDomain *dom, GError **err);
gboolean qemuDomainCheckPersistent(QemuDomain *dom, GError **err);
/* After having been unlocked: is @live still what runs? VIR_ERR_OPERATION_FAILED with QEMU's last words otherwise. */
gboolean qemuDomainStillRuns(QemuDomain *dom, const DomainDef *live, GError **err);
/* The monitor, a new reference; VIR_ERR_OPERATION_INVALID when there is none. */
QemuMonitor *qemuDomainGetMonitor(QemuDomain *dom, GError **err);

/* ---- the job ---- */
typedef struct QemuJob QemuJob;

/* How long to wait for a job, and for QEMU's answer unless the environment says otherwise (VIRTMEMD_ANSWER_TIMEOUT,
 * milliseconds). */
#define QEMU_JOB_WAIT_US (30 * G_USEC_PER_SEC)
#define QEMU_ANSWER_WAIT_US (30 * G_USEC_PER_SEC)
#define QEMU_ANSWER_DEADLINE (g_get_monotonic_time() + qemuAnswerWaitUs())
gint64 qemuAnswerWaitUs(void);

/* Under lock, which is given up while waiting. VIR_ERR_OPERATION_TIMEOUT naming the job in the way; VIR_ERR_NO_DOMAIN if the
 * domain was removed meanwhile. @name is static. */
QemuJob *qemuJobBegin(QemuDomain *dom, const char *name, GError **err);
/* Under lock. */
void qemuJobEnd(QemuJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuJob, qemuJobEnd)

/* ---- the right to store ---- */
typedef struct {
    QemuDomain *dom;                        /* NULL: not held */
} QemuStoreRight;

/* Under lock, which is given up while another holds it. The domain may be `removed` by then. */
QemuStoreRight qemuStoreBegin(QemuDomain *dom);
/* Under lock. */
void qemuStoreEnd(QemuStoreRight *right);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuStoreRight, qemuStoreEnd)
/* Under lock: wait until nobody holds it. TRUE: the lock was given up for that. */
gboolean qemuStoreWait(QemuDomain *dom);

/* ---- the list: self-locking; lookups give new references ---- */
typedef struct QemuDomainList QemuDomainList;

QemuDomainList *qemuDomainListNew(void);
void qemuDomainListFree(QemuDomainList *list);
/* FALSE: name or UUID is there already. */
gboolean qemuDomainListAdd(QemuDomainList *list, QemuDomain *dom);
/* Under the domain's lock: take it out and mark it removed. */
void qemuDomainListRemove(QemuDomainList *list, QemuDomain *dom);
/* Under the domain's lock: it is known by @id from now on; -1: by none. */
void qemuDomainListSetId(QemuDomainList *list, QemuDomain *dom, int id);
QemuDomain *qemuDomainListFindUuid(QemuDomainList *list, QemuUuid uuid);
QemuDomain *qemuDomainListFindName(QemuDomainList *list, const char *name);
QemuDomain *qemuDomainListFindId(QemuDomainList *list, int id);
/* All at this moment, in no order; freed as a whole. */
GPtrArray *qemuDomainListSnapshot(QemuDomainList *list);

/* "6695eb01-f6a4-8304-79aa-97f2502e193f". */
#define QEMU_UUID_TEXT 37
const char *qemuUuidFormat(QemuUuid uuid, char text[QEMU_UUID_TEXT]);

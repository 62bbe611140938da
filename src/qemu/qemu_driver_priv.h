/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_priv.h: what the driver's own files share: the driver, guards, events, the store on disk */
#pragma once

#include "qemu/qemu_capabilities.h"
#include "qemu/qemu_domain.h"

struct QemuDriver {
    QemuDriverPaths paths;                  /* immutable, owned */
    GMainContext *context;                  /* immutable: where monitors are served */
    QemuEventFunc func;                     /* immutable */
    gpointer opaque;                        /* immutable */
    QemuDomainList *domains;                /* self-locking */
    QemuCapsCache *caps;                    /* self-locking */
    GThreadPool *background;                /* self-locking: work that may block and that no client waits for */
    GThreadPool *waiting;                   /* self-locking: work that waits for one guest, however long; as many as there is */
    gint64 unplugWaitUs;                    /* immutable: how long a guest may take to give up a device */
    gint64 answerWaitUs;                    /* immutable: how long QEMU may take over one step of a memory change */
    gint64 startTimeoutUs;                  /* immutable: how long a QEMU may be silent after exec */

    GThreadPool *reconnecting;              /* loop: asks the guests found at start; NULL: there were none */
    int closing;                            /* atomic: nothing is to be waited for any more */
    int lastId;                             /* atomic */
    int active;                             /* atomic: running guests */

    GMutex defineLock;                      /* finding a free name and taking it are one step */

    GMutex queueLock;                       /* guards the queue */
    GQueue events;                          /* under queueLock: QemuEvent * not told yet */
    GMutex emitLock;                        /* held while telling: keeps the order of the queue */
};

/* ---- a scope in which a domain is locked; events are told at its end, after unlocking ---- */
typedef struct {
    QemuDomain *dom;
} QemuGuard;

static inline QemuGuard qemuGuardLock(QemuDomain *dom)
{
    g_mutex_lock(&dom->lock);
    return (QemuGuard){ dom };
}

void qemuGuardClear(QemuGuard *guard);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QemuGuard, qemuGuardClear)

/* ---- events: qemu_event.c ---- */

/* Under the domain's lock: queue a copy of @event about @dom as it is now (its `dom` is filled in here). */
void qemuEventAdd(QemuDomain *dom, const QemuEvent *event);
void qemuEventLifecycle(QemuDomain *dom, int event, int detail);
/* With no lock held; returns when all that was queued before has been told. */
void qemuEventTell(QemuDriver *driver);
/* Forget what was not told (end of the driver). */
void qemuEventDrop(QemuDriver *driver);

/* ---- work in the background: qemu_driver_task.c ---- */
typedef void (*QemuTaskFunc)(QemuDomain *dom, int argument);
/* Any thread: run @func without lock; keeps a reference meanwhile. */
void qemuDriverQueue(QemuDomain *dom, QemuTaskFunc func, int argument);
/* The same for what waits for an answer of @dom's QEMU: it holds up nobody but those who wait for the same. */
void qemuDriverQueueWaiting(QemuDomain *dom, QemuTaskFunc func, int argument);
/* The driver's threads for it. */
GThreadPool *qemuDriverTasksNew(int threads);

/* ---- finding: qemu_driver_find.c; VIR_ERR_NO_DOMAIN ---- */
/* Waits shortly for a domain that the daemon, just come up, still asks about. */
QemuDomain *qemuDriverFind(QemuDriver *driver, QemuUuid uuid, GError **err);
/* Loop thread: locked, a new reference; NULL: there is none, or it is not free at this moment. */
QemuDomain *qemuDriverTryLock(QemuDriver *driver, QemuUuid uuid);
/* VIR_ERR_INVALID_ARG for bits of @flags beyond @known, naming function @what. */
gboolean qemuDriverCheckFlags(unsigned flags, unsigned known, const char *what, GError **err);
/* VIR_DOMAIN_AFFECT_* in @flags to two answers; CURRENT is live if the domain runs. Under lock. Refuses live on one that does
 * not run, and config of a transient one: VIR_ERR_OPERATION_INVALID. */
gboolean qemuDriverAffects(QemuDomain *dom, unsigned flags, gboolean *live, gboolean *config, GError **err);
/* The same for who is about to make a new stored definition from the present one: nobody writes one at this moment. The lock
 * may be given up for that. */
gboolean qemuDriverAffectsNow(QemuDomain *dom, unsigned flags, gboolean *live, gboolean *config, GError **err);

/* ---- definitions: qemu_driver_define.c ---- */

/* XML of a user to a complete, checked definition. @caps (may be NULL) gets a new reference. */
DomainDef *qemuDriverParse(QemuDriver *driver, const char *xml, gboolean validateSchema, QemuCaps **caps, GError **err);
/* The capabilities of @def's emulator. */
QemuCaps *qemuDriverCapsFor(QemuDriver *driver, const DomainDef *def, GError **err);
/* Under lock, which is given up while a binary is asked, and job: the capabilities of the QEMU that @dom runs, which the binary may
 * no longer have, or is to start with. */
QemuCaps *qemuDriverCapsOf(QemuDomain *dom, GError **err);
/* The binary for @def when it names none. Caller frees. */
char *qemuDriverEmulator(QemuDriver *driver, const DomainDef *def, GError **err);

/* Under lock, with the job: write @def (taken over) to disk and make it dom->config; the lock is given up meanwhile. On failure
 * the old one stays. So that nobody's definition is lost, @def was made from dom->config and the lock was held since
 * qemuDriverAffectsNow or qemuStoreWait. */
gboolean qemuDriverStoreConfig(QemuDomain *dom, DomainDef *def, GError **err);
/* The architecture that a definition without one means. */
Arch qemuDriverHostArch(void);
/* What undefine's @flags say about the firmware's variables: remove, keep, or refuse. */
gboolean qemuDriverHandleNvram(const DomainDef *def, unsigned flags, GError **err);
/* vCPUs present. */
unsigned qemuDomainVcpus(const DomainDef *def);
/* The domain of @def's name and UUID, if need be a new one without definitions; a new reference. VIR_ERR_OPERATION_FAILED: one of
 * both is another's. The caller takes one of its rights at once, and begins again if it was `removed` before that. */
QemuDomain *qemuDriverFindOrAdd(QemuDriver *driver, const DomainDef *def, GError **err);
/* Under lock: virConnectListAllDomainsFlags. */
gboolean qemuDriverPassesFilter(QemuDomain *dom, unsigned flags);

/* ---- the store: qemu_store.c ---- */

/* DIR/NAME.xml and the like; callers free. */
char *qemuStoreConfigPath(QemuDriver *driver, const char *name);
char *qemuStoreAutostartPath(QemuDriver *driver, const char *name);
char *qemuStoreStatusPath(QemuDriver *driver, const char *name);
char *qemuStoreLogPath(QemuDriver *driver, const char *name);
/* lib/domain-SHORTNAME of the running domain. */
char *qemuStoreDomainFolder(QemuDriver *driver, const DomainDef *live);
char *qemuStoreMonitorPath(QemuDriver *driver, const DomainDef *live);

/* With the right to store, under lock, which is given up while the disk is waited for: whether the domain runs may have changed
 * afterwards, its stored definition has not. */
gboolean qemuStoreSaveConfig(QemuDomain *dom, const DomainDef *def, GError **err);
/* The autostart mark first: on failure it may be gone. */
gboolean qemuStoreRemoveConfig(QemuDomain *dom, GError **err);
gboolean qemuStoreSetAutostart(QemuDomain *dom, gboolean on, GError **err);
/* Under lock: what a restarted daemon must know of a running domain. */
gboolean qemuStoreSaveStatus(QemuDomain *dom, GError **err);
/* As above, unless it does not run; a failure is logged. */
gboolean qemuStoreNoteStatus(QemuDomain *dom);
void qemuStoreRemoveStatus(QemuDomain *dom);

/* All definitions and all running domains as the files have them, into the list. What cannot be read is logged and left. */
void qemuStoreLoad(QemuDriver *driver);
/* At start, after reconnecting: remove the folders of starts that the daemon did not survive. */
void qemuStoreSweep(QemuDriver *driver);

/* ---- monitor events: qemu_process_event.c ---- */
extern const QemuMonitorCallbacks qemuProcessCallbacks;

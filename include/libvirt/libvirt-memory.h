/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-memory.h: guest memory as one thing, on any libvirt connection to QEMU */

#ifndef LIBVIRT_MEMORY_H
# define LIBVIRT_MEMORY_H

# include <libvirt/libvirt.h>

# ifdef __cplusplus
extern "C" {
# endif

/* Rules for all of it:
 *
 * - Sizes are KiB unless a name says otherwise; VIR_MEM_UNKNOWN stands for a figure that nobody reported.
 * - A function that can fail returns 0 (VIR_MEM_OK) or a negative virMemErrorCode, and fills in @err if that is not
 *   NULL; a result is stored in the last pointer before @err, and only what is documented to be stored on failure is.
 * - Results belong to the caller, who frees each with its Free function (NULL is allowed). Pointers inside a result
 *   live as long as it. Structs of this library are made by it alone, but for virMemError, virMemRequest, virMemNodeSize
 *   and virMemRunOptions, which a caller sets to zero before use; later versions add members only at a struct's end.
 * - Any thread may call any function. One result is for one thread at a time. The connection and domain pointers are
 *   borrowed for the call and keep their own thread rules, which are libvirt's.
 * - Functions that talk to libvirt reset and set this thread's virGetLastError() like any libvirt call. Nothing is
 *   printed here; libvirt itself prints errors unless the program sets virSetErrorFunc().
 * - Since 0.1.0, all of it. */

# define VIR_MEM_UNKNOWN (~0ULL)

/* ---- errors ---- */

typedef enum {
    VIR_MEM_OK = 0,
    VIR_MEM_ERR_INVALID_ARG = -1,       /* an argument makes no sense; the message names it */
    VIR_MEM_ERR_LIBVIRT = -2,           /* a call of libvirt failed: libvirtCode and message are its own */
    VIR_MEM_ERR_LOST = -3,              /* the connection was lost, or the domain is gone */
    VIR_MEM_ERR_NOT_RUNNING = -4,       /* the domain must be running for this, and is not */
    VIR_MEM_ERR_NO_DEVICE = -5,         /* no memory device has this alias */
    VIR_MEM_ERR_IMPOSSIBLE = -6,        /* there is no plan; the plan that is stored nevertheless says why not */
    VIR_MEM_ERR_INCOMPLETE = -7,        /* a change ended before its goal; the result says how far and why */
    VIR_MEM_ERR_UNREADABLE = -8,        /* libvirt's XML could not be understood */
    VIR_MEM_ERR_SYSTEM = -9             /* out of files, threads or the like */
} virMemErrorCode;

typedef struct _virMemError virMemError;
struct _virMemError {
    int code;                           /* virMemErrorCode */
    int libvirtCode;                    /* virErrorNumber; VIR_ERR_OK if no call of libvirt failed */
    char message[1024];                 /* one line, without a full stop */
};

/* A short name ("invalid-arg") of an error code; "unknown" for any other number. Static. */
const char *virMemErrorName(int code);

/* The version of the library, as major * 1000000 + minor * 1000 + micro. */
unsigned long virMemGetVersion(void);

/* ---- events ---- */

/* Waiting and progress follow libvirt's events, which come only if an event loop was registered before the connection
 * was opened. A program that has a loop needs nothing. One that has none calls this first of all: it registers
 * libvirt's default loop and runs it in a thread of the library's, unless a loop was registered already. Without either,
 * waiting asks libvirt at short intervals instead. Call it once or often, from any thread, before virConnectOpen().
 * Returns 0 if a loop is there (started here or not), or VIR_MEM_ERR_SYSTEM. */
int virMemEventLoopStart(virMemError *err);

/* ---- inventory: what a guest has ---- */

typedef enum {
    VIR_MEM_MODEL_DIMM = 0,
    VIR_MEM_MODEL_NVDIMM = 1,
    VIR_MEM_MODEL_VIRTIO_MEM = 2,
    VIR_MEM_MODEL_VIRTIO_PMEM = 3,
    VIR_MEM_MODEL_SGX_EPC = 4,
    VIR_MEM_MODEL_OTHER = 5             /* one that this version does not know; it is only listed */
} virMemModel;

/* libvirt's word for a model ("virtio-mem"); NULL for a number that is none. Static. */
const char *virMemModelName(int model);

/* A figure with its age. */
typedef struct _virMemFigure virMemFigure;
struct _virMemFigure {
    unsigned long long kib;             /* VIR_MEM_UNKNOWN: nobody reported it */
    long long ageMs;                    /* when it was true, milliseconds before the call returned; -1: not known */
};

typedef struct _virMemNode virMemNode;
struct _virMemNode {
    int id;                             /* guest NUMA node */
    unsigned long long bootKib;         /* memory it has from the start */
    unsigned long long pageKib;         /* of the host's pages behind it; VIR_MEM_UNKNOWN: the host's default huge page */
    char *hostNodes;                    /* "0-1", or NULL: not bound */
    int vcpus;                          /* 0 for a node with memory alone */
    char *backend;                      /* what of QEMU's memory backend for a DIMM here follows from the XML, as JSON */
};

typedef struct _virMemDevice virMemDevice;
struct _virMemDevice {
    int model;                          /* virMemModel */
    char *alias;                        /* NULL in a domain that is not running, unless the user chose one */
    int node;                           /* guest NUMA node; -1: none given */
    unsigned long long sizeKib;         /* virtio-mem: the most it can have */
    unsigned long long requestedKib;    /* virtio-mem; else as sizeKib */
    virMemFigure current;               /* what the guest has taken of it; unknown if it is not running */
    unsigned long long blockKib;        /* virtio-mem; else 0 */
    unsigned long long labelKib;        /* nvdimm; else 0 */
    int slot;                           /* dimm and nvdimm; -1: none */
    unsigned long long base;            /* guest physical address in bytes; VIR_MEM_UNKNOWN: libvirt does not tell */
    char *address;                      /* PCI address "0000:03:00.0" or CCW, or NULL */
    unsigned long long pageKib;         /* of the host's pages behind it; VIR_MEM_UNKNOWN: the host's default huge page */
    char *hostNodes;                    /* source/nodemask, or NULL */
    char *path;                         /* the file behind nvdimm and virtio-pmem, or NULL */
    int readonly;                       /* nvdimm */
    char *xml;                          /* the <memory> element as libvirt has it */
};

typedef struct _virMemInventory virMemInventory;
struct _virMemInventory {
    char *name;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int running;                        /* 0: the figures are those of the definition */
    int state;                          /* virDomainState */
    char *arch;                         /* "x86_64" */
    unsigned long long totalKib;        /* <memory>: boot memory and all devices at full size */
    unsigned long long maxKib;          /* <maxMemory>; 0: nothing can be plugged */
    unsigned int slots;                 /* for DIMMs; 0: none or not given */
    unsigned int slotsUsed;
    unsigned long long bootKib;         /* sum of the nodes */
    virMemNode **nodes;                 /* at least one, id 0 for a guest without NUMA */
    size_t nnodes;
    int numa;                           /* 0: the guest has no NUMA nodes of its own */
    virMemDevice **devices;             /* in the XML's order */
    size_t ndevices;
    int locked;                         /* memoryBacking/locked */

    char *balloonModel;                 /* "virtio", "none" */
    int balloonPeriod;                  /* seconds between statistics; 0: never */
    int balloonAutodeflate;             /* -1: not given */
    int balloonFreePageReporting;       /* -1: not given */
    virMemFigure balloonActual;         /* boot memory and DIMMs less what the balloon holds; without virtio-mem. Not
                                         * running: what it leaves at the start */
    unsigned long long balloonTopKib;   /* what balloonActual is with an empty balloon */

    virMemFigure current;               /* what the guest has now: <currentMemory>, balloon and virtio-mem counted. Not
                                         * running: what it has once it has taken what is requested at its start */
    virMemFigure guestTotal;            /* MemTotal as the guest reports it (libvirt: available) */
    virMemFigure guestUnused;           /* MemFree (unused) */
    virMemFigure guestAvailable;        /* MemAvailable (usable); falls back to guestUnused with old guests */
    virMemFigure guestCaches;           /* disk_caches */
    virMemFigure resident;              /* of the QEMU process on the host (rss) */
    unsigned long long hardLimitKib;    /* memtune/hard_limit; VIR_MEM_UNKNOWN: none */
    int id;                             /* libvirt's number of this run of the guest; -1: it is not running */
};

typedef enum {
    VIR_MEM_INVENTORY_LIVE = 1 << 0,    /* of the running guest: an error if there is none */
    VIR_MEM_INVENTORY_CONFIG = 1 << 1   /* of the definition; neither flag: live if it is running */
} virMemInventoryFlags;

int virMemGetInventory(virDomainPtr dom, unsigned int flags, virMemInventory **inventory, virMemError *err);
void virMemInventoryFree(virMemInventory *inventory);

/* The device with @alias, or NULL. Borrowed from @inventory. */
const virMemDevice *virMemInventoryFind(const virMemInventory *inventory, const char *alias);

/* ---- the host ---- */

typedef struct _virMemPages virMemPages;
struct _virMemPages {
    unsigned long long sizeKib;
    unsigned long long total;           /* pages; VIR_MEM_UNKNOWN */
    unsigned long long free;            /* pages; VIR_MEM_UNKNOWN */
};

typedef struct _virMemHostNode virMemHostNode;
struct _virMemHostNode {
    int id;
    unsigned long long totalKib;
    unsigned long long freeKib;         /* MemFree and not more: caches that could be dropped are not in it */
    virMemPages *pages;                 /* the ordinary size first, then huge pages, rising */
    size_t npages;
};

typedef struct _virMemHost virMemHost;
struct _virMemHost {
    virMemHostNode **nodes;             /* at least one */
    size_t nnodes;
    unsigned long long availableKib;    /* free, buffers and caches of the whole host; VIR_MEM_UNKNOWN */
    unsigned long long pageKib;         /* ordinary page */
    unsigned long long hugeKib;         /* smallest huge page of the host; 0: it has none */
    int ksm;                            /* 1: pages are merged now, 0: none, -1: the connection does not tell */
    unsigned long long ksmShared;       /* pages kept once for many; VIR_MEM_UNKNOWN */
    unsigned long long ksmSharing;      /* pages that were saved by it; VIR_MEM_UNKNOWN */
};

int virMemGetHost(virConnectPtr conn, virMemHost **host, virMemError *err);
void virMemHostFree(virMemHost *host);

/* ---- plan ---- */

typedef struct _virMemNodeSize virMemNodeSize;
struct _virMemNodeSize {
    int node;
    unsigned long long kib;             /* what this guest NUMA node shall have */
};

typedef enum {
    VIR_MEM_PLAN_NO_VIRTIO_MEM = 1 << 0,/* leave this means out */
    VIR_MEM_PLAN_NO_DIMM = 1 << 1,
    VIR_MEM_PLAN_NO_BALLOON = 1 << 2,
    VIR_MEM_PLAN_BELOW_FLOOR = 1 << 3,  /* shrink further than the guest can spare by what it reports */
    VIR_MEM_PLAN_OVERCOMMIT = 1 << 4,   /* grow beyond the host's free ordinary memory (never beyond its huge pages) */
    VIR_MEM_PLAN_PARTIAL = 1 << 5,      /* go as far as it goes, instead of finding it impossible */
    VIR_MEM_PLAN_CONFIG = 1 << 6        /* what the guest starts with next time, instead of the running guest */
} virMemPlanFlags;

typedef struct _virMemRequest virMemRequest;
struct _virMemRequest {
    unsigned long long totalKib;        /* what the guest shall have (virMemInventory.current); 0: given by node */
    const virMemNodeSize *nodes;        /* the nodes named here; with totalKib, the others share the rest */
    size_t nnodes;
    unsigned long long reserveKib;      /* what the guest keeps available when it shrinks; 0: a default (1/16 of what
                                         * it shall have, 64 MiB at least) */
    unsigned int flags;                 /* virMemPlanFlags */
};

typedef enum {
    VIR_MEM_STEP_VIRTIO_MEM = 0,        /* ask a virtio-mem device for another size */
    VIR_MEM_STEP_PLUG_DIMM = 1,
    VIR_MEM_STEP_UNPLUG_DIMM = 2,
    VIR_MEM_STEP_BALLOON = 3
} virMemStepKind;

/* "virtio-mem", "plug-dimm", "unplug-dimm", "balloon"; NULL for a number that is none. Static. */
const char *virMemStepKindName(int kind);

typedef struct _virMemStep virMemStep;
struct _virMemStep {
    int kind;                           /* virMemStepKind */
    char *alias;                        /* of the device; NULL for the balloon; "dimm2" is a guess before plugging */
    int node;                           /* guest NUMA node; -1 for the balloon */
    unsigned long long fromKib;         /* requested size, size of the DIMM or 0, balloon's actual */
    unsigned long long toKib;
    long long deltaKib;                 /* what the guest has more (or, negative, less) after it */
    unsigned long long totalKib;        /* what the guest has after it */
    char *text;                         /* one line for people */
    char *xml;                          /* the device XML that is sent; NULL for the balloon */
    char *call;                         /* the libvirt call, as C */
    char *qmp;                          /* the QMP it becomes, one command a line; NULL in a definition. The path of a file
                                         * behind it (mem-path) is the daemon's own, and left out */
    char *undoText;                     /* how it is taken back, for people */
    char *undoCall;
};

typedef enum {
    VIR_MEM_CHECK_OK = 0,
    VIR_MEM_CHECK_UNKNOWN = 1,          /* could not be checked: a figure is not known */
    VIR_MEM_CHECK_FAILED = 2
} virMemCheckState;

typedef struct _virMemCheck virMemCheck;
struct _virMemCheck {
    const char *name;                   /* "max-memory", "slots", "alignment", "host-memory", "huge-pages",
                                         * "locked-memory", "floor", "driver": stable words */
    int state;                          /* virMemCheckState */
    char *text;                         /* one line with the figures */
};

typedef struct _virMemPlan virMemPlan;
struct _virMemPlan {
    unsigned long long fromKib;         /* what the guest has now */
    unsigned long long askedKib;        /* what was asked for */
    unsigned long long reachesKib;      /* what it has after the last step */
    virMemStep **steps;                 /* none: nothing to do, or impossible */
    size_t nsteps;
    virMemCheck **checks;
    size_t nchecks;
    char **notes;                       /* rounding, steps cut for page structures ...; one line each */
    size_t nnotes;
    char *reason;                       /* NULL: it is possible; else why not, one line */
    unsigned long long floorKib;        /* not below this by what the guest reports; VIR_MEM_UNKNOWN */
    unsigned long long ceilingKib;      /* the most that could be reached */
    int config;                         /* 1: it changes what the guest starts with next time */
};

/* A plan from what is given; asks nobody. Returns 0; VIR_MEM_ERR_IMPOSSIBLE with @plan stored, its reason set and no
 * steps; VIR_MEM_ERR_INVALID_ARG (nothing asked for, an unknown node, a node named twice). @inventory must be that of a
 * running guest (else VIR_MEM_ERR_NOT_RUNNING) or, with VIR_MEM_PLAN_CONFIG, of a definition (else VIR_MEM_ERR_INVALID_ARG):
 * nothing is then asked of guest and host, and one step for each device is enough. @host may be NULL: its checks are then
 * unknown. */
int virMemPlanMake(const virMemInventory *inventory, const virMemHost *host, const virMemRequest *request,
                   virMemPlan **plan, virMemError *err);
/* The same with inventory and host fetched from libvirt. */
int virMemPlanDomain(virDomainPtr dom, const virMemRequest *request, virMemPlan **plan, virMemError *err);
void virMemPlanFree(virMemPlan *plan);

/* ---- diagnosis: why a guest does not do what it was asked ---- */

typedef enum {
    VIR_MEM_DIAGNOSIS_NONE = 0,         /* it did */
    VIR_MEM_DIAGNOSIS_NO_DRIVER = 1,    /* the guest never touched the device: no driver for it */
    VIR_MEM_DIAGNOSIS_NOT_ONLINE = 2,   /* memory is plugged, but the guest does not use it */
    VIR_MEM_DIAGNOSIS_UNMOVABLE = 3,    /* the guest would give it back, but its kernel holds pages there */
    VIR_MEM_DIAGNOSIS_GUEST_MEMORY = 4, /* the guest lacks the memory for the page structures of more memory */
    VIR_MEM_DIAGNOSIS_REFUSED = 5,      /* guest or libvirt said no */
    VIR_MEM_DIAGNOSIS_STALLED = 6,      /* it began and stopped, and nobody says why */
    VIR_MEM_DIAGNOSIS_LOST = 7,         /* connection or guest went away */
    VIR_MEM_DIAGNOSIS_CANCELLED = 8     /* the caller cancelled */
} virMemDiagnosis;

/* "no-driver", "unmovable" ...; NULL for a number that is none. Static. */
const char *virMemDiagnosisName(int diagnosis);
/* One sentence with what the operator can do about it; NULL for none. Static. */
const char *virMemDiagnosisAdvice(int diagnosis);

/* ---- run ---- */

/* A switch to end a run or a wait early. */
typedef struct _virMemCancel virMemCancel;

virMemCancel *virMemCancelNew(virMemError *err);        /* NULL: out of files */
/* Ends what uses @cancel, now and later. Any thread, and signal handlers. */
void virMemCancelNow(virMemCancel *cancel);
int virMemCancelled(const virMemCancel *cancel);
/* After all that use it have returned. */
void virMemCancelFree(virMemCancel *cancel);

typedef struct _virMemProgress virMemProgress;
struct _virMemProgress {
    unsigned long long fromKib;         /* what the guest had */
    unsigned long long nowKib;          /* what it has */
    unsigned long long targetKib;       /* what it shall have */
    size_t step;                        /* the step that runs, from 0 */
    size_t nsteps;
    const virMemStep *running;          /* NULL while waiting for what is no plan's step */
    int undoing;                        /* 1: steps are being taken back */
    unsigned long long elapsedMs;
    unsigned long long stillMs;         /* time without progress */
};

/* Called in the thread that runs, at each change and about once a second while nothing changes. Not 0: cancel. */
typedef int (*virMemProgressFunc)(const virMemProgress *progress, void *opaque);
/* Called when the connection is lost: a new connection (its reference passes to the library), or NULL: not yet, try
 * again soon. What was begun goes on in the guest meanwhile. */
typedef virConnectPtr (*virMemReconnectFunc)(void *opaque);

typedef enum {
    VIR_MEM_ON_FAILURE_KEEP = 0,        /* leave what was reached */
    VIR_MEM_ON_FAILURE_ROLLBACK = 1     /* take the steps back, the last first */
} virMemOnFailure;

typedef struct _virMemRunOptions virMemRunOptions;
struct _virMemRunOptions {
    unsigned int stallMs;               /* give up after so long without progress; 0: 30 s. Progress starts it anew */
    int onFailure;                      /* virMemOnFailure */
    virMemCancel *cancel;               /* or NULL */
    virMemProgressFunc progress;        /* or NULL */
    virMemReconnectFunc reconnect;      /* or NULL: a lost connection ends it */
    void *opaque;                       /* for both callbacks */
    int noWait;                         /* 1: return once all was asked for; only what a later step needs is waited for.
                                         * reachedKib is then what the guest has by that time, and shortKib what
                                         * is on its way */
    const virMemInventory *before;      /* or NULL; for waiting alone: the running guest before it was asked for what is waited
                                         * for. A missing driver and memory that is not online are then found out as by
                                         * virMemRun(); without it, a DIMM need only be there */
};

typedef struct _virMemResult virMemResult;
struct _virMemResult {
    unsigned long long fromKib;
    unsigned long long askedKib;
    unsigned long long reachedKib;      /* VIR_MEM_UNKNOWN: lost */
    unsigned long long shortKib;        /* by how much the goal was missed, up or down; 0: reached */
    size_t stepsDone;
    int rolledBack;                     /* 1: and complete, -1: tried, and not complete */
    int diagnosis;                      /* virMemDiagnosis */
    char *alias;                        /* of the device at fault, or NULL */
    char *text;                         /* the diagnosis in words with figures, one line; NULL for none */
    int libvirtCode;                    /* if a call was refused: virErrorNumber; else VIR_ERR_OK */
    unsigned long long elapsedMs;
};

void virMemResultFree(virMemResult *result);

/* Does the steps of @plan one after the other, each until the guest has done it. A device that was idle and does not stir
 * within 5 s has no driver, and a DIMM or virtio-mem that the guest's reports do not show within 10 s is not online: these
 * do not wait for stallMs. For virtio-mem the reports are looked at when all steps are done, so that the device has all of
 * it by then (shortKib is 0).
 * Changes the running guest alone. A plan with VIR_MEM_PLAN_CONFIG changes the definition alone: there is nothing to wait for,
 * the first step that libvirt refuses ends it, and of @options only onFailure, progress and cancel count.
 * Blocks, and SIGPIPE in this thread meanwhile; not to be called from an event callback. @options may be NULL. Returns 0:
 * all done; VIR_MEM_ERR_INCOMPLETE with @result stored; VIR_MEM_ERR_LOST with @result stored, also of a guest that stopped or
 * was started anew meanwhile; VIR_MEM_ERR_NOT_RUNNING or VIR_MEM_ERR_INVALID_ARG before anything was done. @result may be
 * NULL. */
int virMemRun(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, virMemResult **result,
              virMemError *err);

/* Takes a DIMM or a virtio-mem device away: a virtio-mem device is shrunk to nothing first. Waits until it is gone or the
 * guest refused. Live only. As virMemRun(); the sizes of @result are those of the device. */
int virMemDetach(virDomainPtr dom, const char *alias, const virMemRunOptions *options, virMemResult **result,
                 virMemError *err);

/* ---- wait ---- */

typedef enum {
    VIR_MEM_WAIT_PRESENT = 0,           /* the device is there (DIMM), or has what was requested (virtio-mem) */
    VIR_MEM_WAIT_GONE = 1               /* the device is gone */
} virMemWaitFor;

/* Waits for one device. Changes nothing: onFailure is not looked at. Returns as virMemRun(); the sizes of @result are those
 * of the device. VIR_MEM_ERR_NO_DEVICE: PRESENT was asked for and there is no such device. */
int virMemWaitDevice(virDomainPtr dom, const char *alias, int what, const virMemRunOptions *options,
                     virMemResult **result, virMemError *err);
/* Waits until the guest has @kib (virMemInventory.current) to within 1 MiB, or for 0 until every virtio-mem device has what was
 * requested. */
int virMemWaitGuest(virDomainPtr dom, unsigned long long kib, const virMemRunOptions *options, virMemResult **result,
                    virMemError *err);

/* Waits until the guest reports its own figures (guestTotal and so on) anew: at once if it never did and does now. Returns as
 * virMemRun(); the sizes of @result are the guest's. VIR_MEM_ERR_INVALID_ARG: its balloon has no period, or it has none. */
int virMemWaitReport(virDomainPtr dom, const virMemRunOptions *options, virMemResult **result, virMemError *err);

/* ---- statistics of many guests ---- */

typedef enum {
    VIR_MEM_STATS_FRESH = 0,
    VIR_MEM_STATS_STALE = 1,            /* the guest's own figures are older than staleMs, or have no date */
    VIR_MEM_STATS_NO_REPORT = 2,        /* the guest never reported: no balloon driver or no period */
    VIR_MEM_STATS_STUCK = 3,            /* QEMU did not answer in time: only what libvirt knows by itself */
    VIR_MEM_STATS_OFF = 4               /* not running */
} virMemStatsState;

/* "fresh", "stale", "no-report", "stuck", "off"; NULL for a number that is none. Static. */
const char *virMemStatsStateName(int state);

typedef struct _virMemStatsRow virMemStatsRow;
struct _virMemStatsRow {
    char *name;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int id;                             /* -1: not running */
    int state;                          /* virMemStatsState */
    unsigned long long promisedKib;     /* <memory> (balloon.maximum) */
    unsigned long long pluggedKib;      /* boot memory, DIMMs and what is plugged of virtio-mem */
    unsigned long long balloonKib;      /* what of it the balloon holds, by QEMU's last word, which it has once a second */
    unsigned long long currentKib;      /* the rest of it: what the guest has (balloon.current) */
    unsigned long long residentKib;
    unsigned long long guestTotalKib;
    unsigned long long guestUnusedKib;
    unsigned long long guestAvailableKib;
    unsigned long long usedKib;         /* guestTotal - guestAvailable */
    unsigned long long reclaimableKib;  /* guestAvailable - guestUnused: caches it could drop */
    unsigned long long cachesKib;
    unsigned long long swapInKib, swapOutKib;
    unsigned long long majorFaults, minorFaults;
    long long ageMs;                    /* of the guest's figures; -1: never reported */
};

typedef struct _virMemStats virMemStats;
struct _virMemStats {
    virMemStatsRow **rows;              /* in libvirt's order */
    size_t nrows;
    size_t nstuck;
};

typedef enum {
    VIR_MEM_STATS_INACTIVE = 1 << 0     /* rows for domains that are not running, too */
} virMemStatsFlags;

/* One bulk call for all running guests of @conn or, if @doms is not NULL, for those in this NULL-terminated array. It does not
 * tell a balloon from virtio-mem that is not plugged: the XML of a guest that has less than it was promised does, which
 * libvirt knows without asking the guest's QEMU.
 * A guest that does not answer within @deadlineMs (0: 2 s) costs its own row: it is STUCK, the others are complete. The
 * call then takes some 2 s more at most, and a call of libvirt stays behind in a thread until that guest answers or the
 * connection ends.
 * @staleMs: from which age figures are STALE; 0: 10 s. */
int virMemGetStats(virConnectPtr conn, virDomainPtr *doms, unsigned int staleMs, unsigned int deadlineMs,
                   unsigned int flags, virMemStats **stats, virMemError *err);
void virMemStatsFree(virMemStats *stats);

# ifdef __cplusplus
}
# endif

#endif
